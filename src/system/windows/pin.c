/* Resident memory. "The maximum number of pages that a process can lock is equal to the number of pages in
** its minimum working set minus a small overhead." So a pin that exceeds this number makes the working set
** larger. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

/* Adds to both sizes of the working set, or subtracts from them. The sizes are read each time and never set
** back to earlier ones, since another thread may pin at the same time. */
static bool change_working_set(size_t length, bool grow)
{
  SIZE_T least, most;
  bool done = false;
  fm_sys_lock_process();
  const BOOL known = GetProcessWorkingSetSize(GetCurrentProcess(), &least, &most);
  if (known && length <= (grow ? SIZE_MAX - most : least)) {
    const SIZE_T change = grow ? length : 0 - length;
    done = SetProcessWorkingSetSize(GetCurrentProcess(), least + change, most + change);
  }
  fm_sys_unlock_process();
  return done;
}

int fm_sys_pin(fm_section *s, uint64_t offset, void *address, size_t length, fm_error *e)
{
  (void)s, (void)offset;
  if (VirtualLock(address, length)) return FM_OK;
  DWORD error = GetLastError();
  if (error == ERROR_WORKING_SET_QUOTA && change_working_set(length, true)) {
    if (VirtualLock(address, length)) return FM_OK;
    error = GetLastError();
    change_working_set(length, false);
  }
  return fm_win32_fail_as(e, FM_NO_MEMORY, error, "the system does not lock this much memory");
}

/* Memory that is not locked needs no unlocking. */
int fm_sys_unpin(void *address, size_t length, fm_error *e)
{
  if (VirtualUnlock(address, length) || GetLastError() == ERROR_NOT_LOCKED) return FM_OK;
  return fm_win32_fail(e);
}

#endif
