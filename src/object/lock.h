/* Locks in shared memory. Another process can tell whether the holder of a lock lives.
**
** The word `owner` is 0 while the lock is free, the seat of the process that holds it, or FM_ABANDONED if the
** holder died and another process has its seat now.
**
** A process acquires the lock in these steps:
**   1. It reads `owner`. If that is 0 or FM_ABANDONED it goes on to step 3.
**   2. It tries to acquire the owner's seat. If it cannot, the owner lives, and the process waits. If it can,
**      the owner is dead. The process keeps the seat until step 3 is done: otherwise a new process could
**      acquire that seat, and the lock under it, and would lose the lock in step 3.
**   3. It replaces what it read by its own seat, in one atomic step, or starts again.
** It releases the lock by storing 0, and wakes the processes that wait. A process that acquires a seat
** replaces that seat in `owner` by FM_ABANDONED, since a dead process had the lock. No other process writes
** `owner`. */
#ifndef FILEMAP_LOCK_H
#define FILEMAP_LOCK_H

#include "wait.h"

FM_BEGIN_HIDDEN

/* Acquires the first seat from number `from` on that no other process holds. FM_FULL after 2^20 of them. */
int fm_seat_acquire_free(fm_seat *seat, const fm_section *section, uint32_t from, fm_error *e);

#define FM_ABANDONED UINT32_MAX

typedef struct fm_lock {
  fm_word32 *owner;
  fm_wait_point *released;
  const fm_section *section;
  uint32_t seat; /* this process's */
} fm_lock;

/* Waits up to `timeout` seconds for the lock. *abandoned tells whether its last holder died. Returns FM_OK,
** FM_TIMEOUT, or the code of fm_seat_acquire. */
int fm_lock_acquire(fm_lock *l, double timeout, bool *abandoned, fm_error *e);
void fm_lock_release(fm_lock *l);

/* One try to acquire the lock: FM_TIMEOUT while another process has it. With `thoroughly` it checks whether
** that process lives. */
int fm_lock_try(fm_lock *l, bool thoroughly, bool *abandoned, fm_error *e);

/* To be called by each process that acquires a seat. */
void fm_lock_mark_abandoned(fm_word32 *owner, uint32_t seat);

FM_END_HIDDEN

#endif
