/* What waiting takes of the system, for sync objects and channels: signals, on which to sleep until another process
** says so; seats, by which others can tell that a process lives; and locks made of the two.
**
** All of it lives in words of shared memory, which hold 0 when nothing has happened. Whatever else they come to hold,
** by a damaged or hostile process, no call here crashes or waits longer than it was told to. */
#ifndef FILEMAP_SIGNAL_H
#define FILEMAP_SIGNAL_H

#include <stdatomic.h>

#include "fail.h"
#include "step.h"

typedef _Atomic(uint32_t) fm_word32;

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

typedef struct fm_signal {
  fm_word32 *word;
  intptr_t event;  /* Windows: the event that those who sleep wait for */
  unsigned vain;   /* how often in a row it was looked at again and again, and nothing came */
  unsigned asleep; /* how many waits to come sleep at once, therefore */
} fm_signal;

/* `index` tells the signals of one map apart. */
int fm_signal_open(fm_signal *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e);
void fm_signal_close(fm_signal *s);

void fm_signal_wake_all(fm_signal *s);

extern bool fm_leave_out_fences; /* set before the first signal is opened */

/* Wakes those who wait. What they wait for has been written. */
static inline void fm_signal_wake(fm_signal *s)
{
  FM_STEP("wake");
  if (fm_leave_out_fences) atomic_signal_fence(memory_order_seq_cst);
  else atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load_explicit(s->word, memory_order_relaxed) & 1) fm_signal_wake_all(s);
}

/* Does somebody wait? Without a fence: one who begins to at this moment may be missed. */
static inline bool fm_signal_is_awaited(const fm_signal *s)
{
  return atomic_load_explicit(s->word, memory_order_relaxed) & 1;
}

/* Says that somebody waits, who will look again by himself. */
static inline void fm_signal_await(fm_signal *s)
{
  if (!fm_signal_is_awaited(s)) atomic_fetch_or(s->word, 1);
}

/* Looks whether what is waited for has come: FM_OK, or FM_TIMEOUT for not yet; anything else ends the waiting with
** that. `thoroughly` comes about each FM_SLICE, and when the time is up: look who is alive. */
typedef int (*fm_look)(void *context, bool thoroughly, fm_error *e);

/* Waits until `look` has an answer, at most `timeout` seconds: FM_TIMEOUT. 0 looks once, FM_FOREVER waits without end.
** A while it looks again and again, where another processor may bring the answer; then it sleeps. A signal that may
** not be written (`word` NULL) is looked at each few milliseconds. */
int fm_await(fm_signal *s, double timeout, fm_look look, void *context, fm_error *e);

/* FM_INVALID for a negative time-out and what is no number. */
int fm_check_timeout(double timeout, fm_error *e);

/* {-- Seats -------------------------------------------------------------------------------------
**
** A seat is a number that one process at a time has, as long as it lives and wants to. It belongs to a map, which must
** be writable and named; 0 is none. A forked child does not have its parent's. */

typedef struct fm_seat {
  uint32_t number; /* 0: left */
  intptr_t handle;
  struct fm_seat *next; /* of this process's */
} fm_seat;

/* FM_IN_USE if another has it. The seat must stay where it is in memory until it is left. */
int fm_seat_take(fm_seat *s, const fm_map *m, uint32_t number, fm_error *e);
int fm_seat_take_free(fm_seat *s, const fm_map *m, uint32_t from, fm_error *e); /* the first free one */
void fm_seat_leave(fm_seat *s);
bool fm_seat_is_taken(const fm_map *m, uint32_t number);

/* {-- Locks -------------------------------------------------------------------------------------
**
** `owner` holds the seat of who has the lock, 0 if nobody does, FM_ABANDONED if who had it died. Only the owner and
** who finds it dead writes another value than its own seat. */

#define FM_ABANDONED UINT32_MAX

typedef struct fm_lock {
  fm_word32 *owner;
  fm_signal signal;
  const fm_map *map;
  uint32_t seat; /* ours */
} fm_lock;

/* FM_OK, FM_TIMEOUT, or what keeps it from taking a dead one's. *abandoned: the one before died with it. */
int fm_lock_take(fm_lock *l, double timeout, bool *abandoned, fm_error *e);
void fm_lock_give(fm_lock *l);

/* To be called after a seat was taken anew: what names it was left by a dead one. */
void fm_lock_free_dead(fm_word32 *owner, uint32_t seat);

/* {-- Time -------------------------------------------------------------------------------------- */

/* Milliseconds of a coarse clock that costs nearly nothing. */
uint64_t fm_ticks(void);

#endif
