/* Waiting by named events, since WaitOnAddress works only within one process. */
#include "win32.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_WINDOWS

bool fm_sys_fences_all = false;

void fm_sys_fence_all(void)
{
  atomic_thread_fence(memory_order_seq_cst);
}

/* Only a section with a name has an event. */
int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e)
{
  const DWORD rights = SYNCHRONIZE | EVENT_MODIFY_STATE;
  const fm_section_event event = {.kind = L"signal", .number = index, .rights = rights};
  HANDLE handle = NULL;
  bool existed;
  out->handle = 0;
  if (!s->name[0]) return FM_OK;
  const int code = fm_win32_create_event(&handle, &existed, s, &event, e);
  if (code == FM_OK) out->handle = (intptr_t)handle;
  return code;
}

void fm_sys_event_close(fm_event *event)
{
  if (event->handle) CloseHandle(fm_win32_handle(event->handle));
}

/* If several processes wait, one may reset the event after another process set it and before a third one
** sleeps. The third process then wakes at the end of its sleep's time. */
void fm_sys_prepare_sleep(fm_event *event)
{
  if (event->handle) ResetEvent(fm_win32_handle(event->handle));
}

/* Waits for the system's ticks end up to so many seconds late. */
#define TICK 0.016

/* The word needs no check: a process that changes it sets the event afterwards. */
void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds)
{
  const double time = FM_TEST_SLEEP(seconds), ms = time * 1e3;
  const HANDLE handle = event->handle ? fm_win32_handle(event->handle) : NULL;
  (void)word, (void)seen;
  if (time < TICK && fm_win32_wait_precisely(time, handle)) return;
  const DWORD whole = ms < 1 ? 1 : (DWORD)ms;
  if (handle) WaitForSingleObject(handle, whole);
  else Sleep(whole);
}

void fm_sys_wake(fm_event *event, fm_word32 *word)
{
  (void)word;
  if (event->handle) SetEvent(fm_win32_handle(event->handle));
}

#endif
