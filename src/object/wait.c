/* Wait points: wait.h lists the steps of waiting and waking. */
#include "wait.h"

/* If another processor makes the change that a process waits for, spinning this long costs less than being
** woken. */
static const double spin_seconds = 50e-6;

/* Between two looks at a wait point without a word, a process sleeps poll_rest times as long as a look took,
** plus poll_least seconds. */
static const double poll_rest = 100, poll_least = 1e-3;

int fm_check_timeout(double timeout, fm_error *e)
{
  if (timeout >= 0) return FM_OK;
  if (timeout != timeout) return fm_fail(e, FM_INVALID, "timeout must be a number of seconds, got NaN");
  return fm_fail(e, FM_INVALID, "timeout must not be negative, got %g", timeout);
}

void fm_sleep(double seconds)
{
  const double longest = 3600; /* what every system's call can take */
  const double until = fm_now() + seconds;
  for (double left = seconds; left > 0; left = until - fm_now())
    fm_sys_pause(left < longest ? left : longest);
}

int fm_wait_point_open(fm_wait_point *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e)
{
  fm_event event;
  const int code = fm_sys_event_open(&event, &m->section, index, e);
  if (code == FM_OK) *out = (fm_wait_point){.word = word, .event = event};
  return code;
}

void fm_wait_point_close(fm_wait_point *s)
{
  if (s->word) fm_sys_event_close(&s->event);
  s->word = NULL;
}

void fm_wake_all(fm_wait_point *s)
{
  uint32_t now = atomic_load(s->word);
  /* The exchange fails if another process wakes, or begins to wait, at this moment. */
  while (now & 1) {
    FM_TEST_HOOK("count");
    if (!atomic_compare_exchange_weak(s->word, &now, now + 1)) continue;
    fm_sys_wake(&s->event, s->word);
    return;
  }
}

uint32_t fm_announce_sleep(fm_wait_point *s)
{
  fm_sys_prepare_sleep(&s->event);
  FM_TEST_HOOK("announce");
  return atomic_fetch_or(s->word, 1) | 1;
}

static uint32_t announce(fm_wait_point *s)
{
  const uint32_t now = fm_announce_sleep(s);
  fm_pass_fence();
  return now;
}

/* Spinning pays if another processor makes the change at once. The other process may be slow, or run on this
** processor. After n spins in a row that failed, the next 2^n - 1 waits sleep at once. */
static bool should_spin(fm_wait_point *s)
{
  if (!s->word || !fm_sys_is_parallel()) return false;
  if (s->spins_to_skip == 0) return true;
  s->spins_to_skip--;
  return false;
}

static void learn(fm_wait_point *s, bool succeeded)
{
  enum { MOST = 8 };
  s->failed_spins = succeeded ? 0 : s->failed_spins < MOST ? s->failed_spins + 1 : MOST;
  s->spins_to_skip = (1u << s->failed_spins) - 1;
}

static int spin(fm_wait_point *s, fm_look look, void *context, fm_error *e)
{
  enum { BETWEEN = 32 }; /* looks between two readings of the clock */
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
static int sleep_for(fm_wait_point *s, double timeout, fm_look look, void *context, fm_error *e)
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
    FM_TEST_HOOK("sleep");
    if (s->word) fm_sys_sleep(&s->event, s->word, seen, most);
    else fm_sys_pause(least(most, poll_least + poll_rest * (fm_now() - now)));
    now = fm_now();
  }
}

int fm_await(fm_wait_point *s, double timeout, fm_look look, void *context, fm_error *e)
{
  int code = look(context, false, e);
  if (code != FM_TIMEOUT) return code;
  if (timeout <= 0) {
    code = look(context, true, e);
    return code == FM_TIMEOUT ? fm_fail(e, FM_TIMEOUT, NULL) : code;
  }
  if (should_spin(s)) code = spin(s, look, context, e);
  return code == FM_TIMEOUT ? sleep_for(s, timeout, look, context, e) : code;
}
