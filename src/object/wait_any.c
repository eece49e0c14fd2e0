/* Waiting for the first of several things: wait_any.h lists the steps. */
#include <stdlib.h>

#include "wait_any.h"

static const double spin_seconds = 50e-6;

/* How long a process sleeps that waits for something without a wait point: from the first to the second,
** doubled each time. */
static const double least_seconds = 100e-6, most_seconds = 4e-3;

typedef struct waiting {
  fm_source *sources;
  fm_sleep_on *things;
  size_t count, *index;
} waiting;

static int look_at_all(waiting *w, bool thoroughly, fm_error *e)
{
  for (size_t i = 0; i < w->count; i++) {
    const int code = w->sources[i].look(&w->sources[i], thoroughly, e);
    if (code == FM_TIMEOUT) continue;
    *w->index = i;
    return code;
  }
  return FM_TIMEOUT;
}

/* As for one wait point, after n spins in a row that failed the next 2^n - 1 waits of the thread sleep at
** once. */
static int spin(waiting *w, double timeout, fm_error *e)
{
  enum { MOST = 8 };
  static _Thread_local unsigned failed, to_skip;
  int code = FM_TIMEOUT;
  if (!fm_sys_is_parallel()) return code;
  if (to_skip > 0) {
    to_skip--;
    return code;
  }
  const double until = fm_now() + (timeout < spin_seconds ? timeout : spin_seconds);
  do {
    for (int i = 0; i < 8 && code == FM_TIMEOUT; i++) {
      fm_sys_relax();
      code = look_at_all(w, false, e);
    }
  } while (code == FM_TIMEOUT && fm_now() < until);
  failed = code != FM_TIMEOUT ? 0 : failed < MOST ? failed + 1 : MOST;
  to_skip = (1u << failed) - 1;
  return code;
}

/* Step 1. Returns whether other processes wake for each of the things. */
static bool announce(waiting *w)
{
  bool are_all_woken = true;
  for (size_t i = 0; i < w->count; i++) {
    fm_wait_point *p = w->sources[i].point;
    fm_sleep_on *t = &w->things[i];
    *t = (fm_sleep_on){.handle = w->sources[i].handle};
    if (p && p->word) {
      t->seen = fm_announce_sleep(p);
      t->word = p->word;
      t->event = &p->event;
    } else if (!t->handle) are_all_woken = false;
  }
  fm_pass_fence();
  return are_all_woken;
}

static double least(double a, double b)
{
  return a < b ? a : b;
}

/* The system itself notices that the holder of its object died. A process that sleeps for such objects alone
** need not look at them meanwhile, and would miss an event that is set and reset while it looks. */
static bool are_of_system(const waiting *w)
{
  size_t i = 0;
  while (i < w->count && w->sources[i].handle) i++;
  return i == w->count && i <= fm_sys_sleep_most;
}

static int sleep_for(waiting *w, double timeout, fm_error *e)
{
  const double slice = are_of_system(w) ? timeout : FM_SLICE;
  double now = fm_now(), next = now + slice, part = least_seconds;
  const double until = now + timeout;
  for (;;) {
    const bool are_all_woken = announce(w), thoroughly = now >= next || now >= until;
    if (now >= next) next = now + slice;
    const int code = look_at_all(w, thoroughly, e);
    if (code != FM_TIMEOUT) return code;
    if (now >= until) return FM_TIMEOUT;
    const double most = least(until - now, next - now);
    FM_TEST_HOOK("sleep");
    bool abandoned = false;
    const int acquired =
        fm_sys_sleep_any(w->things, w->count, are_all_woken ? most : least(most, part), &abandoned);
    if (acquired >= 0) {
      fm_source *s = &w->sources[acquired];
      s->abandoned = abandoned;
      s->acquired(s);
      *w->index = (size_t)acquired;
      return FM_OK;
    }
    part = least(part * 2, most_seconds);
    now = fm_now();
  }
}

static void prepare_all(waiting *w)
{
  for (size_t i = 0; i < w->count; i++)
    if (w->sources[i].prepare) w->sources[i].prepare(&w->sources[i]);
}

/* The calling thread found nothing ready, and may wait. */
static int wait_for_any(waiting *w, double timeout, fm_error *e)
{
  fm_sleep_on few[16];
  prepare_all(w);
  int code = timeout > 0 ? spin(w, timeout, e) : look_at_all(w, true, e);
  if (code != FM_TIMEOUT || timeout <= 0) return code;
  w->things = few;
  if (w->count > sizeof few / sizeof *few) w->things = malloc(w->count * sizeof *w->things);
  if (!w->things) return fm_fail(e, FM_NO_MEMORY, NULL);
  code = sleep_for(w, timeout, e);
  if (w->things != few) free(w->things);
  return code;
}

int fm_await_any(fm_source *sources, size_t count, double timeout, size_t *index, fm_error *e)
{
  waiting w = {.sources = sources, .count = count, .index = index};
  int code = look_at_all(&w, false, e);
  if (code == FM_TIMEOUT) code = wait_for_any(&w, timeout, e);
  return code == FM_TIMEOUT ? fm_fail(e, FM_TIMEOUT, NULL) : code;
}
