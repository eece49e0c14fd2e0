/* Waiting by futex(2): processes sleep on a word of shared memory, and the kernel wakes them. */
#include "linux.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_LINUX

#include <limits.h>
#include <asm/posix_types.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

bool fm_sys_fences_all = false;

/* membarrier(2), since Linux 4.16: MEMBARRIER_CMD_GLOBAL_EXPEDITED makes every thread of the registered
** processes pass a fence. A process that cannot register passes fences of its own. */
static void register_for_fences(void)
{
  fm_sys_fences_all = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

/* Not every kernel registers a child when its parent was registered. */
static void in_child(void)
{
  if (fm_sys_fences_all) register_for_fences();
}

static void start(void)
{
  register_for_fences();
  pthread_atfork(NULL, NULL, in_child);
}

void fm_sys_fence_all(void)
{
  atomic_thread_fence(memory_order_seq_cst);
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)s, (void)index, (void)e;
  pthread_once(&once, start);
  *out = (fm_event){0};
  return FM_OK;
}

void fm_sys_event_close(fm_event *event)
{
  (void)event;
}

void fm_sys_prepare_sleep(fm_event *event)
{
  (void)event;
}

/* The kernel's own layouts of a time-out. That of the C library (struct timespec) differs from both where
** time_t has 64 bits on a 32-bit system. */
#ifdef SYS_futex_time64
static long wait_64(fm_word32 *word, uint32_t seen, int64_t seconds, int64_t nanoseconds)
{
  const struct { int64_t seconds, nanoseconds; } t = {seconds, nanoseconds};
  return syscall(SYS_futex_time64, word, FUTEX_WAIT, seen, &t, NULL, 0);
}
#endif

#ifdef SYS_futex
static long wait_long(fm_word32 *word, uint32_t seen, int64_t seconds, int64_t nanoseconds)
{
  const struct { __kernel_long_t seconds, nanoseconds; } t = {
    (__kernel_long_t)seconds, (__kernel_long_t)nanoseconds,
  };
  return syscall(SYS_futex, word, FUTEX_WAIT, seen, &t, NULL, 0);
}
#endif

/* futex(2) without FUTEX_PRIVATE_FLAG, since other processes wake by the word too. Linux has
** SYS_futex_time64 on 32-bit systems since 5.1. */
void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds)
{
  const double time = FM_TEST_SLEEP(seconds);
  const int64_t whole = (int64_t)time, rest = (int64_t)((time - (double)whole) * 1e9);
  (void)event;
#if defined(SYS_futex_time64) && defined(SYS_futex)
  if (wait_64(word, seen, whole, rest) != 0 && errno == ENOSYS) wait_long(word, seen, whole, rest);
#elif defined(SYS_futex_time64)
  wait_64(word, seen, whole, rest);
#else
  wait_long(word, seen, whole, rest);
#endif
}

#ifdef SYS_futex
enum { FUTEX_CALL = SYS_futex };
#else
enum { FUTEX_CALL = SYS_futex_time64 };
#endif

void fm_sys_wake(fm_event *event, fm_word32 *word)
{
  (void)event;
  syscall(FUTEX_CALL, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
