/* Seats by named events: an event goes with its last handle, so that its name shows that a process lives. An event is
** named after its section. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e)
{
  wchar_t name[FM_WIN32_PART_SIZE];
  fm_win32_part_name(name, s, L"seat", number);
  SetLastError(0);
  const HANDLE event = CreateEventExW(NULL, name, 0, SYNCHRONIZE);
  const DWORD error = GetLastError();
  if (event && error != ERROR_ALREADY_EXISTS) {
    *seat = (fm_seat){number, (intptr_t)event};
    return FM_OK;
  }
  if (event) CloseHandle(event);
  if (event || error == ERROR_ACCESS_DENIED) return fm_fail(e, FM_IN_USE, NULL);
  return fm_fail_native(e, (long)error);
}

void fm_seat_release(fm_seat *seat)
{
  if (seat->number == 0) return;
  CloseHandle(fm_win32_handle(seat->handle));
  seat->number = 0;
}

bool fm_seat_is_taken(const fm_section *s, uint32_t number)
{
  wchar_t name[FM_WIN32_PART_SIZE];
  fm_win32_part_name(name, s, L"seat", number);
  const HANDLE event = OpenEventW(SYNCHRONIZE, FALSE, name);
  if (!event) return GetLastError() == ERROR_ACCESS_DENIED;
  CloseHandle(event);
  return true;
}

#endif
