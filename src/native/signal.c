/* Waiting and locks, in words of shared memory: what is the same on every system. */
#include "native.h"
#include "signal.h"

bool fm_leave_out_fences;

/* Where another processor may bring what is awaited, looking for it this long costs less than to be woken. */
static const double spin_seconds = 50e-6;

/* What waits by looking, of memory that it may not write, sleeps so much longer than a look took, and so long at least. */
static const double poll_rest = 100, poll_least = 1e-3;

int fm_check_timeout(double timeout, fm_error *e)
{
  if (timeout >= 0) return FM_OK;
  return fm_fail(e, FM_INVALID, timeout != timeout ? "a time-out is a number" : "a time-out is not negative");
}

void fm_signal_wake_all(fm_signal *s)
{
  uint32_t now = atomic_load(s->word);
  /* One that fails has been overtaken: by another that wakes, or by one that waits anew. */
  while (now & 1) {
    FM_STEP("count");
    if (!atomic_compare_exchange_weak(s->word, &now, now + 1)) continue;
    fm_sys_wake(s);
    return;
  }
}

/* Says that somebody is about to sleep; returns the word as it then is. */
static uint32_t announce(fm_signal *s)
{
  fm_sys_prepare_sleep(s);
  FM_STEP("announce");
  const uint32_t now = atomic_fetch_or(s->word, 1) | 1;
  if (fm_leave_out_fences) fm_sys_fence_all();
  else atomic_thread_fence(memory_order_seq_cst);
  return now;
}

/* Looking again and again pays where the answer comes at once from another processor. Whether it does only trying
** tells: the other side may be slow, or have no processor but this one. The more often in a row it was in vain, the
** longer it is left out. */
static bool shall_spin(fm_signal *s)
{
  if (!s->word || !fm_sys_is_parallel()) return false;
  if (s->asleep == 0) return true;
  s->asleep--;
  return false;
}

static void learn(fm_signal *s, bool came)
{
  enum { MOST = 8 };
  s->vain = came ? 0 : s->vain < MOST ? s->vain + 1 : MOST;
  s->asleep = (1u << s->vain) - 1;
}

static int spin(fm_signal *s, fm_look look, void *context, fm_error *e)
{
  enum { BETWEEN = 32 }; /* looks between two at the clock */
  int code = FM_TIMEOUT;
  const double until = fm_now() + spin_seconds;
  do {
    for (int i = 0; i < BETWEEN && code == FM_TIMEOUT; i++) {
      fm_sys_relax();
      code = look(context, false, e);
    }
  } while (code == FM_TIMEOUT && fm_now() < until);
  learn(s, code != FM_TIMEOUT);
  return code;
}

static double least(double a, double b)
{
  return a < b ? a : b;
}

/* The part of fm_await that sleeps. */
static int sleep_for(fm_signal *s, double timeout, fm_look look, void *context, fm_error *e)
{
  double now = fm_now(), next = now + FM_SLICE; /* when to look thoroughly */
  const double until = now + timeout;
  for (;;) {
    const uint32_t seen = s->word ? announce(s) : 0;
    const bool thoroughly = now >= next || now >= until;
    if (now >= next) next = now + FM_SLICE;
    const int code = look(context, thoroughly, e);
    if (code != FM_TIMEOUT) return code;
    if (now >= until) return fm_fail(e, FM_TIMEOUT, NULL);
    const double most = least(until - now, next - now);
    FM_STEP("sleep");
    if (s->word) fm_sys_sleep(s, seen, most);
    else fm_sys_pause(least(most, poll_least + poll_rest * (fm_now() - now)));
    now = fm_now();
  }
}

int fm_await(fm_signal *s, double timeout, fm_look look, void *context, fm_error *e)
{
  int code = look(context, false, e);
  if (code != FM_TIMEOUT) return code;
  if (timeout <= 0) {
    code = look(context, true, e);
    return code == FM_TIMEOUT ? fm_fail(e, FM_TIMEOUT, NULL) : code;
  }
  if (shall_spin(s)) code = spin(s, look, context, e);
  return code == FM_TIMEOUT ? sleep_for(s, timeout, look, context, e) : code;
}

/* {-- Locks ------------------------------------------------------------------------------------- */

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
    const int code = thoroughly ? fm_seat_take(&dead, l->map, owner, e) : FM_IN_USE;
    if (code != FM_OK) return code == FM_IN_USE ? FM_TIMEOUT : code;
  }
  t->abandoned = owner != 0;
  FM_STEP("lock");
  const bool taken = atomic_compare_exchange_strong(l->owner, &owner, l->seat);
  fm_seat_leave(&dead);
  return taken ? FM_OK : FM_TIMEOUT;
}

int fm_lock_take(fm_lock *l, double timeout, bool *abandoned, fm_error *e)
{
  taking t = {l, false};
  const int code = fm_await(&l->signal, timeout, try_lock, &t, e);
  if (code == FM_OK) *abandoned = t.abandoned;
  return code;
}

void fm_lock_give(fm_lock *l)
{
  FM_STEP("unlock");
  atomic_store_explicit(l->owner, 0, memory_order_release);
  fm_signal_wake(&l->signal);
}

void fm_lock_free_dead(fm_word32 *owner, uint32_t seat)
{
  uint32_t dead = seat;
  atomic_compare_exchange_strong(owner, &dead, FM_ABANDONED);
}

/* {-- Seats ------------------------------------------------------------------------------------- */

/* Seats are taken in the order of their numbers; so many are enough for any number of processes. */
enum { MOST_SEATS = 1 << 20 };

int fm_seat_take_free(fm_seat *s, const fm_map *m, uint32_t from, fm_error *e)
{
  for (uint32_t number = from; number < from + MOST_SEATS; number++) {
    const int code = fm_seat_take(s, m, number, e);
    if (code != FM_IN_USE) return code;
  }
  return fm_fail(e, FM_FULL, "too many have it open");
}
