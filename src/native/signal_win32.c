/* Signals and seats by named events. WaitOnAddress knows one process only; a named event is there for all, and goes
** with its last handle, so that its name also tells that somebody lives. Both are named after the map. */
#define __USE_MINGW_ANSI_STDIO 1

#include "win32.h"
#include "signal.h"

#if FM_SYSTEM_WIN32

#include <stdio.h>

/* Room for what is put behind the map's name. */
enum { TAG = 24, NAME_SIZE = FM_NAME_SIZE + TAG };

static void name_of(wchar_t out[NAME_SIZE], const fm_map *m, const wchar_t *kind, uint32_t number)
{
  wchar_t name[FM_NAME_SIZE] = L"";
  fm_win32_name(name, m->name, NULL);
  _snwprintf(out, NAME_SIZE, L"%ls:%ls%lu", name, kind, (unsigned long)number);
  out[NAME_SIZE - 1] = 0;
}

/* {-- Signals ----------------------------------------------------------------------------------- */

int fm_signal_open(fm_signal *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e)
{
  wchar_t name[NAME_SIZE];
  name_of(name, m, L"signal", index);
  const HANDLE event = CreateEventExW(NULL, name, CREATE_EVENT_MANUAL_RESET, SYNCHRONIZE | EVENT_MODIFY_STATE);
  if (!event) return fm_win32_fail(e);
  *out = (fm_signal){.word = word, .event = (intptr_t)event};
  return FM_OK;
}

void fm_signal_close(fm_signal *s)
{
  if (s->event) CloseHandle(fm_win32_handle(s->event));
  s->event = 0;
}

/* With several that sleep, one's preparing may come between another's waking and sleeping: that one goes on at the end
** of its slice. */
void fm_sys_prepare_sleep(fm_signal *s)
{
  ResetEvent(fm_win32_handle(s->event));
}

void fm_sys_fence_all(void)
{
  atomic_thread_fence(memory_order_seq_cst);
}

static DWORD milliseconds(double seconds)
{
  const double ms = seconds * 1e3;
  return ms < 1 ? 1 : (DWORD)ms;
}

void fm_sys_sleep(fm_signal *s, uint32_t seen, double seconds)
{
  (void)seen; /* who changed the word sets the event afterwards */
  WaitForSingleObject(fm_win32_handle(s->event), milliseconds(seconds));
}

void fm_sys_wake(fm_signal *s)
{
  SetEvent(fm_win32_handle(s->event));
}

void fm_sys_pause(double seconds)
{
  Sleep(milliseconds(seconds));
}

void fm_sys_relax(void)
{
  YieldProcessor();
}

bool fm_sys_is_parallel(void)
{
  DWORD_PTR ours, all;
  return !GetProcessAffinityMask(GetCurrentProcess(), &ours, &all) || (all & (all - 1)) != 0;
}

uint64_t fm_ticks(void)
{
  return GetTickCount64();
}

/* {-- Seats ------------------------------------------------------------------------------------- */

int fm_seat_take(fm_seat *s, const fm_map *m, uint32_t number, fm_error *e)
{
  wchar_t name[NAME_SIZE];
  name_of(name, m, L"seat", number);
  SetLastError(0);
  const HANDLE event = CreateEventExW(NULL, name, 0, SYNCHRONIZE);
  const DWORD error = GetLastError();
  if (event && error != ERROR_ALREADY_EXISTS) {
    *s = (fm_seat){number, (intptr_t)event, NULL};
    return FM_OK;
  }
  if (event) CloseHandle(event);
  if (event || error == ERROR_ACCESS_DENIED) return fm_fail(e, FM_IN_USE, NULL);
  return fm_fail_native(e, (long)error);
}

void fm_seat_leave(fm_seat *s)
{
  if (s->number == 0) return;
  CloseHandle(fm_win32_handle(s->handle));
  s->number = 0;
}

bool fm_seat_is_taken(const fm_map *m, uint32_t number)
{
  wchar_t name[NAME_SIZE];
  name_of(name, m, L"seat", number);
  const HANDLE event = OpenEventW(SYNCHRONIZE, FALSE, name);
  if (!event) return GetLastError() == ERROR_ACCESS_DENIED;
  CloseHandle(event);
  return true;
}

#endif
