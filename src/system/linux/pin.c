/* Resident memory. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <sys/mman.h>

/* Past RLIMIT_MEMLOCK the errno is ENOMEM or EAGAIN, and EPERM if the limit is 0. ENOMEM also means a lost
** page, because locking reads the pages in. */
int fm_sys_pin(fm_section *s, uint64_t offset, void *address, size_t length, fm_error *e)
{
  struct stat st;
  if (mlock(address, length) == 0) return FM_OK;
  const int error = errno;
  if (error != ENOMEM && error != EAGAIN && error != EPERM) return fm_fail_native(e, error);
  const bool is_cut = fstat(s->fd, &st) == 0 && (uint64_t)st.st_size < offset + length;
  const int code = is_cut ? fm_fail(e, FM_TRUNCATED, NULL)
                          : fm_fail(e, FM_NO_MEMORY, "%zu bytes are more than RLIMIT_MEMLOCK allows", length);
  if (e) e->native = error;
  return code;
}

int fm_sys_unpin(void *address, size_t length, fm_error *e)
{
  return munlock(address, length) == 0 ? FM_OK : fm_fail_native(e, errno);
}

#endif
