/* What waiting takes of the system, for sync objects and channels: signals, on which to sleep until another process
** says so; seats, by which others can tell that a process lives; and locks made of the two.
**
** All of it lives in words of shared memory, which hold 0 when nothing has happened. Whatever else they come to hold,
** by a damaged or hostile process, no call here crashes or waits longer than it was told to. */
#ifndef FILEMAP_WAIT_H
#define FILEMAP_WAIT_H

#include "../map/map.h"
#include "../base/test_hook.h"

/* {-- Signals -----------------------------------------------------------------------------------
**
** A signal's word is a count of wakings in its upper 31 bits; the lowest bit says that somebody sleeps, or is about
** to. Who waits sets the bit, looks once more whether what it waits for has come, and sleeps as long as the word
** stays as it was. Who wakes changes what the others wait for first, and looks at the bit then; if it is set it
** counts on, which clears the bit, and wakes all. One of the two sees the other, since both go through a full fence
** between their write and their look. (A fence with each message costs more than the message. Where the system lets
** who is about to sleep make the others go through one, membarrier(2), who wakes leaves out his.) A waiter that dies leaves a bit that costs one idle waking.
**
** Nobody has to wake: a sleep ends after FM_SLICE at the latest. */

#define FM_SLICE 0.05 /* seconds between looks at who is alive */

typedef struct fm_wait_point {
  fm_word32 *word;
  fm_event event;
  unsigned vain;   /* how often in a row it was looked at again and again, and nothing came */
  unsigned asleep; /* how many waits to come sleep at once, therefore */
} fm_wait_point;

/* `index` tells the signals of one map apart. */
int fm_wait_point_open(fm_wait_point *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e);
void fm_wait_point_close(fm_wait_point *s);

void fm_wake_all(fm_wait_point *s);

/* Wakes those who wait. What they wait for has been written. */
static inline void fm_wake(fm_wait_point *s)
{
  FM_TEST_HOOK("wake");
  if (fm_sys_fences_all) atomic_signal_fence(memory_order_seq_cst);
  else atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load_explicit(s->word, memory_order_relaxed) & 1) fm_wake_all(s);
}

/* Does somebody wait? Without a fence: one who begins to at this moment may be missed. */
static inline bool fm_is_awaited(const fm_wait_point *s)
{
  return atomic_load_explicit(s->word, memory_order_relaxed) & 1;
}

/* Says that somebody waits, who will look again by himself. */
static inline void fm_announce_wait(fm_wait_point *s)
{
  if (!fm_is_awaited(s)) atomic_fetch_or(s->word, 1);
}

/* Looks whether what is waited for has come: FM_OK, or FM_TIMEOUT for not yet; anything else ends the waiting with
** that. `thoroughly` comes about each FM_SLICE, and when the time is up: look who is alive. */
typedef int (*fm_look)(void *context, bool thoroughly, fm_error *e);

/* Waits until `look` has an answer, at most `timeout` seconds: FM_TIMEOUT. 0 looks once, FM_FOREVER waits without end.
** A while it looks again and again, where another processor may bring the answer; then it sleeps. A signal that may
** not be written (`word` NULL) is looked at each few milliseconds. */
int fm_await(fm_wait_point *s, double timeout, fm_look look, void *context, fm_error *e);

/* FM_INVALID for a negative time-out and what is no number. */
int fm_check_timeout(double timeout, fm_error *e);

#endif
