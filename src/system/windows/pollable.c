/* Handles for event loops, and the thread that sets them. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

static int make_event(intptr_t *out, fm_error *e)
{
  const HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
  if (!event) return fm_win32_fail(e);
  *out = (intptr_t)event;
  return FM_OK;
}

int fm_sys_pollable_open(intptr_t *out, fm_error *e)
{
  return make_event(out, e);
}

void fm_sys_pollable_close(intptr_t handle)
{
  CloseHandle(fm_win32_handle(handle));
}

void fm_sys_pollable_set(intptr_t handle)
{
  SetEvent(fm_win32_handle(handle));
}

void fm_sys_pollable_clear(intptr_t handle)
{
  ResetEvent(fm_win32_handle(handle));
}

int fm_sys_event_private(fm_event *out, fm_error *e)
{
  return make_event(&out->handle, e);
}

/* {-- The thread -------------------------------------------------------------------------------- */

static DWORD WINAPI run_thread(void *context)
{
  const fm_thread *t = context;
  t->run(t->context);
  return 0;
}

/* Windows has neither signals nor forks. */
int fm_sys_thread_start(fm_thread *out, void (*run)(void *context), void *context, void (*in_child)(void),
                        fm_error *e)
{
  (void)in_child;
  out->run = run;
  out->context = context;
  const HANDLE thread = CreateThread(NULL, 0, run_thread, out, 0, NULL);
  if (!thread) return fm_win32_fail(e);
  out->handle = (intptr_t)thread;
  return FM_OK;
}

void fm_sys_thread_join(fm_thread *t)
{
  WaitForSingleObject(fm_win32_handle(t->handle), INFINITE);
  CloseHandle(fm_win32_handle(t->handle));
}

#endif
