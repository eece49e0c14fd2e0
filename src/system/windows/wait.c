/* Waiting by named events: WaitOnAddress knows one process only. An event is named after its section. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

bool fm_sys_fences_all = false;

void fm_sys_fence_all(void)
{
  atomic_thread_fence(memory_order_seq_cst);
}

int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e)
{
  wchar_t name[FM_WIN32_PART_SIZE];
  fm_win32_part_name(name, s, L"signal", index);
  const HANDLE event = CreateEventExW(NULL, name, CREATE_EVENT_MANUAL_RESET, SYNCHRONIZE | EVENT_MODIFY_STATE);
  if (!event) return fm_win32_fail(e);
  out->handle = (intptr_t)event;
  return FM_OK;
}

void fm_sys_event_close(fm_event *event)
{
  CloseHandle(fm_win32_handle(event->handle));
}

/* With several that sleep, one's preparing may come between another's waking and sleeping: that one goes on at the end
** of its slice. */
void fm_sys_prepare_sleep(fm_event *event)
{
  ResetEvent(fm_win32_handle(event->handle));
}

void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds)
{
  const double ms = seconds * 1e3;
  (void)word, (void)seen; /* a process that changes the word sets the event afterwards */
  WaitForSingleObject(fm_win32_handle(event->handle), ms < 1 ? 1 : (DWORD)ms);
}

void fm_sys_wake(fm_event *event, fm_word32 *word)
{
  (void)word;
  SetEvent(fm_win32_handle(event->handle));
}

#endif
