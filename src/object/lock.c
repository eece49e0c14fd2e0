/* Locks in shared memory. */
#include "lock.h"

typedef struct attempt {
  fm_lock *lock;
  bool abandoned;
} attempt;

static int try_lock(void *context, bool thoroughly, fm_error *e)
{
  attempt *a = context;
  fm_lock *l = a->lock;
  fm_seat dead = {.number = 0};
  uint32_t owner = atomic_load_explicit(l->owner, memory_order_relaxed);
  if (owner != 0 && owner != FM_ABANDONED) {
    const int code = thoroughly ? fm_seat_acquire(&dead, l->section, owner, e) : FM_IN_USE;
    if (code != FM_OK) return code == FM_IN_USE ? FM_TIMEOUT : code;
  }
  a->abandoned = owner != 0;
  FM_TEST_HOOK("lock");
  const bool acquired = atomic_compare_exchange_strong(l->owner, &owner, l->seat);
  fm_seat_release(&dead);
  return acquired ? FM_OK : FM_TIMEOUT;
}

int fm_lock_try(fm_lock *l, bool thoroughly, bool *abandoned, fm_error *e)
{
  attempt a = {.lock = l};
  const int code = try_lock(&a, thoroughly, e);
  if (code == FM_OK) *abandoned = a.abandoned;
  return code;
}

/* A process that does not wait gives a holder that is about to release the lock a few microseconds. */
static void spin_briefly(const fm_lock *l)
{
  enum { TRIES = 200 };
  for (int i = 0; i < TRIES && atomic_load_explicit(l->owner, memory_order_relaxed) != 0; i++) fm_sys_relax();
}

int fm_lock_acquire(fm_lock *l, double timeout, bool *abandoned, fm_error *e)
{
  attempt a = {.lock = l};
  if (timeout <= 0) spin_briefly(l);
  const int code = fm_await(l->released, timeout, try_lock, &a, e);
  if (code == FM_OK) *abandoned = a.abandoned;
  return code;
}

void fm_lock_release(fm_lock *l)
{
  FM_TEST_HOOK("unlock");
  atomic_store_explicit(l->owner, 0, memory_order_release);
  fm_wake(l->released);
}

void fm_lock_mark_abandoned(fm_word32 *owner, uint32_t seat)
{
  uint32_t dead = seat;
  atomic_compare_exchange_strong(owner, &dead, FM_ABANDONED);
}

/* {-- Seats ------------------------------------------------------------------------------------- */

/* Processes acquire seats in the order of their numbers, so that this many are enough for any number of
** processes. */
enum { SEAT_LIMIT = 1 << 20 };

int fm_seat_acquire_free(fm_seat *seat, const fm_section *s, uint32_t from, fm_error *e)
{
  for (uint32_t number = from; number < from + SEAT_LIMIT; number++) {
    const int code = fm_seat_acquire(seat, s, number, e);
    if (code != FM_IN_USE) return code;
  }
  return fm_fail(e, FM_FULL, "more than %d processes have it open", SEAT_LIMIT);
}
