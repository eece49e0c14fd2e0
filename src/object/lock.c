/* Locks in shared memory. */
#include "lock.h"

typedef struct taking {
  fm_lock *lock;
  bool abandoned;
} taking;

/* A dead one's lock is taken with its seat in hand: else another could come to have the seat, and under it the lock,
** between our look and our taking. */
static int try_lock(void *context, bool thoroughly, fm_error *e)
{
  taking *t = context;
  fm_lock *l = t->lock;
  fm_seat dead = {.number = 0};
  uint32_t owner = atomic_load_explicit(l->owner, memory_order_relaxed);
  if (owner != 0 && owner != FM_ABANDONED) {
    const int code = thoroughly ? fm_seat_acquire(&dead, l->section, owner, e) : FM_IN_USE;
    if (code != FM_OK) return code == FM_IN_USE ? FM_TIMEOUT : code;
  }
  t->abandoned = owner != 0;
  FM_TEST_HOOK("lock");
  const bool taken = atomic_compare_exchange_strong(l->owner, &owner, l->seat);
  fm_seat_release(&dead);
  return taken ? FM_OK : FM_TIMEOUT;
}

int fm_lock_acquire(fm_lock *l, double timeout, bool *abandoned, fm_error *e)
{
  taking t = {l, false};
  const int code = fm_await(&l->signal, timeout, try_lock, &t, e);
  if (code == FM_OK) *abandoned = t.abandoned;
  return code;
}

void fm_lock_release(fm_lock *l)
{
  FM_TEST_HOOK("unlock");
  atomic_store_explicit(l->owner, 0, memory_order_release);
  fm_wake(&l->signal);
}

void fm_lock_mark_abandoned(fm_word32 *owner, uint32_t seat)
{
  uint32_t dead = seat;
  atomic_compare_exchange_strong(owner, &dead, FM_ABANDONED);
}

/* {-- Seats ------------------------------------------------------------------------------------- */

/* Seats are taken in the order of their numbers; so many are enough for any number of processes. */
enum { MOST_SEATS = 1 << 20 };

int fm_seat_acquire_free(fm_seat *s, const fm_section *section, uint32_t from, fm_error *e)
{
  for (uint32_t number = from; number < from + MOST_SEATS; number++) {
    const int code = fm_seat_acquire(s, section, number, e);
    if (code != FM_IN_USE) return code;
  }
  return fm_fail(e, FM_FULL, "too many have it open");
}
