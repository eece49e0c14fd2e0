/* Wait points: words of shared memory on which processes sleep until another process wakes them.
**
** All of them hold 0 while nothing has happened. Whatever a damaged section or a hostile process puts into
** one, no call here crashes, or waits longer than its time-out. */
#ifndef FILEMAP_WAIT_H
#define FILEMAP_WAIT_H

#include "../map/map.h"
#include "../base/test_hook.h"

FM_BEGIN_HIDDEN

/* A wait point's word counts wakings in its upper 31 bits. Its lowest bit is set while a process sleeps or is
** about to.
**
** A process that waits
**   1. sets the lowest bit, and passes a full fence,
**   2. looks once more whether what it waits for has come,
**   3. sleeps for as long as the word stays as it was after step 1.
** A process that wakes others
**   1. writes what they wait for, and passes a full fence,
**   2. reads the word. If the lowest bit is set, it increments the word, which clears the bit and counts the
**      waking, and asks the system to wake all processes that sleep on the word.
** The two fences make sure that one of the processes sees what the other wrote. With membarrier(2) the
** process that waits issues the fence for both sides, so the process that wakes skips its own, which would
** cost more than a message.
**
** A process that dies while it waits leaves the bit set, which causes one waking for nothing. A process that
** waits does not depend on being woken: each of its sleeps ends after FM_SLICE at the latest. */

#define FM_SLICE 0.05 /* seconds between checks whether other processes live */

typedef struct fm_wait_point {
  fm_word32 *word;
  fm_event event;
  unsigned failed_spins;  /* in a row */
  unsigned spins_to_skip; /* because of them */
} fm_wait_point;

/* Opens a wait point at `word`, in memory of the map. `index` tells the wait points of one map apart. */
int fm_wait_point_open(fm_wait_point *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e);
void fm_wait_point_close(fm_wait_point *s);

void fm_wake_all(fm_wait_point *s);

/* Wakes the processes that wait. The caller has written what they wait for. */
static inline void fm_wake(fm_wait_point *s)
{
  FM_TEST_HOOK("wake");
  if (fm_sys_fences_all) atomic_signal_fence(memory_order_seq_cst);
  else atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load_explicit(s->word, memory_order_relaxed) & 1) fm_wake_all(s);
}

/* Does a process wait? There is no fence, so this may miss a process that begins to wait at this moment. */
static inline bool fm_is_awaited(const fm_wait_point *s)
{
  return atomic_load_explicit(s->word, memory_order_relaxed) & 1;
}

/* Step 1 of waiting without its fence, for a process that waits at several points. Returns the word as it is
** then. */
uint32_t fm_announce_sleep(fm_wait_point *s);

/* The fence of step 1. */
static inline void fm_pass_fence(void)
{
  if (fm_sys_fences_all) fm_sys_fence_all();
  else atomic_thread_fence(memory_order_seq_cst);
}

/* Sets the lowest bit for a process that does not sleep, but will look again. */
static inline void fm_announce_wait(fm_wait_point *s)
{
  if (!fm_is_awaited(s)) atomic_fetch_or(s->word, 1);
}

/* Checks whether the process can stop waiting. Returns FM_OK, or FM_TIMEOUT for not yet. Another code
** ends the waiting with that code. `thoroughly` is true about every FM_SLICE and when the time is up: the
** function should then also check whether the other processes live. */
typedef int (*fm_look)(void *context, bool thoroughly, fm_error *e);

/* Calls `look` until it returns something else than FM_TIMEOUT, for up to `timeout` seconds. 0 does not wait,
** FM_FOREVER waits without end. It calls `look` in a loop for a short time first, if another processor may
** bring what it waits for, and then sleeps between the calls. A wait point whose memory cannot be written has
** no `word`: `look` is then called every few milliseconds. */
int fm_await(fm_wait_point *s, double timeout, fm_look look, void *context, fm_error *e);

/* Fails with FM_INVALID for a negative time-out and for NaN. */
int fm_check_timeout(double timeout, fm_error *e);

FM_END_HIDDEN

#endif
