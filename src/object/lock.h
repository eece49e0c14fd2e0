/* Locks in shared memory, whose holder others can tell from a dead one. */
#ifndef FILEMAP_LOCK_H
#define FILEMAP_LOCK_H

#include "wait.h"

/* The first seat from `from` on that no other process has. */
int fm_seat_acquire_free(fm_seat *seat, const fm_section *section, uint32_t from, fm_error *e);

/* {-- Locks -------------------------------------------------------------------------------------
**
** `owner` holds the seat of who has the lock, 0 if nobody does, FM_ABANDONED if who had it died. Only the owner and
** who finds it dead writes another value than its own seat. */

#define FM_ABANDONED UINT32_MAX

typedef struct fm_lock {
  fm_word32 *owner;
  fm_wait_point signal;
  const fm_section *section;
  uint32_t seat; /* ours */
} fm_lock;

/* FM_OK, FM_TIMEOUT, or what keeps it from taking a dead one's. *abandoned: the one before died with it. */
int fm_lock_acquire(fm_lock *l, double timeout, bool *abandoned, fm_error *e);
void fm_lock_release(fm_lock *l);

/* To be called after a seat was taken anew: what names it was left by a dead one. */
void fm_lock_mark_abandoned(fm_word32 *owner, uint32_t seat);

#endif
