/* Sleeping on several words and objects of the system at once. */
#include "win32.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_WINDOWS

const size_t fm_sys_sleep_most = MAXIMUM_WAIT_OBJECTS;

/* A thread can wait for 64 handles. If there are more things, it sleeps for a short time only, and the caller
** then looks at all of them again. */
int fm_sys_sleep_any(const fm_sleep_on *things, size_t count, double seconds, bool *abandoned)
{
  enum { SHORT = 5, LONG = 1000000000 }; /* milliseconds */
  HANDLE handles[MAXIMUM_WAIT_OBJECTS];
  size_t numbers[MAXIMUM_WAIT_OBJECTS], i = 0;
  DWORD n = 0;
  for (; i < count && n < MAXIMUM_WAIT_OBJECTS; i++) {
    const fm_sleep_on *t = &things[i];
    const intptr_t handle = t->handle ? t->handle : t->event ? t->event->handle : 0;
    if (!handle) continue;
    numbers[n] = i;
    handles[n++] = fm_win32_handle(handle);
  }
  const double whole = FM_TEST_SLEEP(seconds) * 1e3, limit = i < count ? SHORT : LONG;
  const double most = whole < limit ? whole : limit;
  const DWORD ms = most < 1 ? 1 : (DWORD)most;
  const DWORD result = n > 0 ? WaitForMultipleObjects(n, handles, FALSE, ms) : WAIT_FAILED;
  *abandoned = result >= WAIT_ABANDONED_0 && result < WAIT_ABANDONED_0 + n;
  const DWORD first = result - (*abandoned ? WAIT_ABANDONED_0 : WAIT_OBJECT_0);
  if (first < n) return things[numbers[first]].handle ? (int)numbers[first] : -1;
  if (result == WAIT_FAILED) Sleep(ms < SHORT ? ms : SHORT); /* no handle, or one of them twice */
  return -1;
}

#endif
