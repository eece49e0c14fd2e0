/* Sleeping on several words at once. */
#include "linux.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_LINUX

#include <sys/syscall.h>
#include <time.h>

/* futex_waitv(2), since Linux 5.16, by the kernel's own numbers and layout, which older headers lack. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
enum { WAITV_MOST = 128, WAITV_32_BITS = 2 };

const size_t fm_sys_sleep_most = WAITV_MOST;

typedef struct waitv {
  uint64_t seen, word;
  uint32_t flags, reserved;
} waitv;

static bool wait_for_words(const waitv *words, unsigned count, double seconds)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t more = (int64_t)now.tv_nsec + (int64_t)(seconds * 1e9);
  const struct { int64_t seconds, nanoseconds; } until = {now.tv_sec + more / 1000000000, more % 1000000000};
  if (syscall(SYS_futex_waitv, words, count, 0, &until, CLOCK_MONOTONIC) >= 0) return true;
  return errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR;
}

/* Without futex_waitv, or past its limit of words, the process sleeps for a short time only. (Sleeping on a
** part of the words for that time would cost several times as much.) */
int fm_sys_sleep_any(const fm_sleep_on *things, size_t count, double seconds, bool *abandoned)
{
  static const double short_seconds = 4e-3;
  waitv words[WAITV_MOST];
  unsigned n = 0, all = 0;
  (void)abandoned;
  for (size_t i = 0; i < count; i++) {
    if (!things[i].word) continue;
    all++;
    if (n < WAITV_MOST)
      words[n++] = (waitv){
        .seen = things[i].seen, .word = (uintptr_t)things[i].word, .flags = WAITV_32_BITS,
      };
  }
  const double less = seconds < short_seconds ? seconds : short_seconds;
  if (all == 0) fm_sys_pause(seconds);
  else if (all > n || !wait_for_words(words, n, FM_TEST_SLEEP(seconds))) fm_sys_pause(less);
  return -1;
}

#endif
