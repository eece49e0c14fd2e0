/* Waiting by futex(2): processes sleep on a word of shared memory, and the kernel wakes them. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

bool fm_sys_fences_all;

/* membarrier(2), since Linux 4.16: MEMBARRIER_CMD_GLOBAL_EXPEDITED makes the processes that registered pass a fence. A
** process that cannot register passes fences of its own. */
static void join_fences(void)
{
  fm_sys_fences_all = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

/* A child is registered if its parent was, but not on every kernel. */
static void in_child(void)
{
  if (fm_sys_fences_all) join_fences();
}

static void start(void)
{
  join_fences();
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

/* Without FUTEX_PRIVATE_FLAG, since other processes wake by the word too. */
void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds)
{
  const time_t whole = (time_t)seconds;
  const struct timespec t = {whole, (long)((seconds - (double)whole) * 1e9)};
  (void)event;
  syscall(SYS_futex, word, FUTEX_WAIT, seen, &t, NULL, 0);
}

void fm_sys_wake(fm_event *event, fm_word32 *word)
{
  (void)event;
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
