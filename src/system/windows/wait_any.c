/* Sleeping on several words and objects of the system at once. */
#include "win32.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_WINDOWS

enum { GROUP = MAXIMUM_WAIT_OBJECTS };

const size_t fm_sys_sleep_most = GROUP;

/* Waits for the handles of `things` from *from on, as many as fit into a group, and advances *from. Returns
** the number of the thing whose object it acquired; -1 if it acquired none; -2 if no handle was signalled. */
static int wait_for_group(const fm_sleep_on *things, size_t count, size_t *from, DWORD ms, bool *abandoned)
{
  HANDLE handles[GROUP];
  size_t numbers[GROUP];
  DWORD n = 0;
  for (; *from < count && n < GROUP; (*from)++) {
    const fm_sleep_on *t = &things[*from];
    const intptr_t handle = t->handle ? t->handle : t->event ? t->event->handle : 0;
    if (!handle) continue;
    numbers[n] = *from;
    handles[n++] = fm_win32_handle(handle);
  }
  const DWORD result = n > 0 ? WaitForMultipleObjects(n, handles, FALSE, ms) : WAIT_FAILED;
  *abandoned = result >= WAIT_ABANDONED_0 && result < WAIT_ABANDONED_0 + n;
  const DWORD first = result - (*abandoned ? WAIT_ABANDONED_0 : WAIT_OBJECT_0);
  if (first < n) return things[numbers[first]].handle ? (int)numbers[first] : -1;
  if (result == WAIT_FAILED) Sleep(ms < 5 ? ms : 5); /* no handle, or one of them twice */
  return -2;
}

/* A group can have 64 handles. The process only looks at the groups before the last, and then sleeps for a
** short time on the last. */
int fm_sys_sleep_any(const fm_sleep_on *things, size_t count, double seconds, bool *abandoned)
{
  enum { SHORT = 5 };
  const double ms = FM_TEST_SLEEP(seconds) * 1e3;
  const DWORD whole = ms < 1 ? 1 : (DWORD)ms, less = whole < SHORT ? whole : SHORT;
  size_t from = 0;
  int number = -2;
  do {
    const bool is_last = count - from <= GROUP;
    number = wait_for_group(things, count, &from, !is_last ? 0 : count > GROUP ? less : whole, abandoned);
  } while (number == -2 && from < count);
  return number < 0 ? -1 : number;
}

#endif
