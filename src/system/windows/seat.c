/* Seats by named events. The system removes an event with its last handle, so the event of a seat exists as
** long as the process that holds the seat lives. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

static fm_section_event seat_event(uint32_t number)
{
  return (fm_section_event){.kind = L"seat", .number = number, .rights = SYNCHRONIZE};
}

int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e)
{
  const fm_section_event event = seat_event(number);
  HANDLE handle = NULL;
  bool existed = false;
  /* Creating an event that exists would open it, and for a moment this process would seem to hold the
  ** seat. */
  if (fm_win32_event_exists(s, &event)) return fm_fail(e, FM_IN_USE, NULL);
  const int code = fm_win32_create_event(&handle, &existed, s, &event, e);
  if (existed) {
    if (handle) CloseHandle(handle);
    return fm_fail(e, FM_IN_USE, NULL);
  }
  if (code == FM_OK) *seat = (fm_seat){.number = number, .handle = (intptr_t)handle};
  return code;
}

void fm_seat_release(fm_seat *seat)
{
  if (seat->number == 0) return;
  CloseHandle(fm_win32_handle(seat->handle));
  seat->number = 0;
}

bool fm_seat_is_taken(const fm_section *s, uint32_t number)
{
  const fm_section_event event = seat_event(number);
  return fm_win32_event_exists(s, &event);
}

#endif
