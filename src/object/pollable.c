/* Handles for event loops: pollable.h lists the steps. */
#include <stdlib.h>

#include "pollable.h"

/* How long the watcher sleeps if it watches an object without a word, or without a sleep announced. */
static const double poll_seconds = 4e-3;

struct fm_watched {
  fm_object *object;
  const fm_readiness *readiness;
  intptr_t handle;
  bool is_open; /* has a handle, and is in the list */
  bool is_set;
  uint32_t seen; /* the word at which a sleep was announced; 0: none was */
  fm_noted noted;
  struct fm_watched *next;
};

/* The process lock protects all of these, except that the watcher sleeps on `things` without it. */
static struct {
  fm_watched *list;
  size_t count;                  /* in the list */
  fm_thread thread;
  bool is_running, is_stopping;
  fm_word32 requests, answers;   /* the last request to the watcher, and the last one that it has seen */
  fm_event requested, answered;
  fm_sleep_on *things; /* the watcher sleeps on these */
  fm_sleep_on *larger; /* the memory for them from its next round on, or NULL */
} watcher;

/* {-- Settling ---------------------------------------------------------------------------------- */

static fm_wait_point *point_of(const fm_watched *p, int at)
{
  return at >= 0 && p->object->points[at].word ? &p->object->points[at] : NULL;
}

/* The wait point where other processes wake when the handle is to change; NULL for none. */
static fm_wait_point *awaited_point(const fm_watched *p)
{
  return point_of(p, p->is_set ? p->readiness->drained : p->readiness->ready);
}

static bool is_announced(const fm_watched *p, const fm_wait_point *w)
{
  return p->seen != 0 && atomic_load(w->word) == p->seen;
}

static void change(fm_watched *p, bool ready)
{
  FM_TEST_HOOK("change");
  if (ready) fm_sys_pollable_set(p->handle);
  else fm_sys_pollable_clear(p->handle);
  p->is_set = ready;
  p->seen = 0;
}

/* After so many tries other processes change the object all the time. The watcher then tries again. */
static void settle(fm_watched *p, bool thoroughly)
{
  enum { TRIES = 8 };
  for (int i = 0; i < TRIES; i++) {
    const bool ready = p->readiness->is_ready(p->object, &p->noted, thoroughly);
    if (ready != p->is_set) change(p, ready);
    fm_wait_point *w = awaited_point(p);
    if (!w || is_announced(p, w)) return;
    p->seen = fm_announce_sleep(w);
    fm_pass_fence();
    FM_TEST_HOOK("announced");
  }
}

static void note_and_settle(fm_watched *p)
{
  if (p->readiness->note) p->readiness->note(p->object, &p->noted);
  settle(p, false);
}

void fm_pollable_settle(fm_object *o)
{
  fm_sys_lock_process();
  if (o->watched->is_open) note_and_settle(o->watched);
  fm_sys_unlock_process();
}

/* {-- The watcher ------------------------------------------------------------------------------- */

enum { THINGS = 2 }; /* of one object */

/* Adds the words of an object to the watcher's things. Returns whether other processes wake by one of them
** when its handle is to change. */
static bool add_things(const fm_watched *p, size_t *n)
{
  const int points[THINGS] = {p->readiness->ready, p->readiness->drained};
  const fm_wait_point *awaited = awaited_point(p);
  for (int i = 0; i < THINGS; i++) {
    fm_wait_point *w = point_of(p, points[i]);
    if (!w) continue;
    if (w != awaited) fm_sys_prepare_sleep(&w->event);
    const uint32_t seen = w == awaited ? p->seen : atomic_load(w->word);
    watcher.things[(*n)++] = (fm_sleep_on){.event = &w->event, .word = w->word, .seen = seen};
  }
  return awaited || (p->is_set && p->readiness->drained < 0);
}

/* Fills the watcher's things, and returns their number. */
static size_t settle_all(bool thoroughly, bool *are_all_woken)
{
  size_t n = 0;
  if (watcher.larger) {
    free(watcher.things);
    watcher.things = watcher.larger;
    watcher.larger = NULL;
  }
  fm_sys_prepare_sleep(&watcher.requested);
  watcher.things[n++] = (fm_sleep_on){.event = &watcher.requested, .word = &watcher.requests,
                                      .seen = watcher.requests};
  *are_all_woken = true;
  for (fm_watched *p = watcher.list; p; p = p->next) {
    const fm_wait_point *w = awaited_point(p);
    const bool is_settled = w ? !thoroughly && is_announced(p, w) : p->is_set;
    if (!is_settled) settle(p, thoroughly);
    if (!add_things(p, &n)) *are_all_woken = false;
  }
  return n;
}

static void watch(void)
{
  double next = 0; /* when to look thoroughly */
  fm_sys_lock_process();
  while (!watcher.is_stopping) {
    bool abandoned, are_all_woken;
    const double now = fm_now();
    const bool thoroughly = now >= next;
    if (thoroughly) next = now + FM_SLICE;
    const size_t n = settle_all(thoroughly, &are_all_woken);
    const bool is_asked = watcher.answers != watcher.requests;
    watcher.answers = watcher.requests;
    fm_sys_unlock_process();
    if (is_asked) fm_sys_wake(&watcher.answered, &watcher.answers);
    FM_TEST_HOOK("watch");
    const double most = next - now;
    fm_sys_sleep_any(watcher.things, n, are_all_woken || most < poll_seconds ? most : poll_seconds,
                     &abandoned);
    fm_sys_lock_process();
  }
  fm_sys_unlock_process();
}

/* Makes the watcher begin a new round. The caller has the lock. */
static uint32_t ask_watcher(void)
{
  const uint32_t request = atomic_fetch_add(&watcher.requests, 1) + 1;
  fm_sys_wake(&watcher.requested, &watcher.requests);
  return request;
}

static void await_answer(uint32_t request)
{
  for (;;) {
    fm_sys_prepare_sleep(&watcher.answered);
    const uint32_t seen = watcher.answers;
    if ((int32_t)(seen - request) >= 0) return;
    fm_sys_sleep(&watcher.answered, &watcher.answers, seen, FM_SLICE);
  }
}

/* The threads of a forked child do not include the watcher. Its descriptors are its parent's, so it closes
** them. */
static void in_child(void)
{
  for (fm_watched *p = watcher.list; p; p = p->next) {
    fm_sys_pollable_close(p->handle);
    p->is_open = false;
  }
  free(watcher.things);
  free(watcher.larger);
  watcher.list = NULL;
  watcher.count = 0;
  watcher.things = watcher.larger = NULL;
  watcher.is_running = watcher.is_stopping = false;
}

static int start_watcher(fm_error *e)
{
  if (watcher.is_running) return FM_OK;
  int code = fm_sys_event_private(&watcher.requested, e);
  if (code != FM_OK) return code;
  code = fm_sys_event_private(&watcher.answered, e);
  if (code == FM_OK) {
    code = fm_sys_thread_start(&watcher.thread, watch, in_child, e);
    if (code != FM_OK) fm_sys_event_close(&watcher.answered);
  }
  if (code != FM_OK) fm_sys_event_close(&watcher.requested);
  watcher.is_running = code == FM_OK;
  return code;
}

/* The caller has the lock, which this releases while it waits for the watcher's end. */
static void stop_watcher(void)
{
  watcher.is_stopping = true;
  ask_watcher();
  fm_sys_unlock_process();
  fm_sys_thread_join(&watcher.thread);
  fm_sys_lock_process();
  free(watcher.things);
  free(watcher.larger);
  watcher.things = watcher.larger = NULL;
  fm_sys_event_close(&watcher.requested);
  fm_sys_event_close(&watcher.answered);
  watcher.is_running = watcher.is_stopping = false;
}

/* {-- Opening and closing ----------------------------------------------------------------------- */

/* Makes room for the things of one more object. */
static int reserve_things(fm_error *e)
{
  fm_sleep_on *larger = malloc((THINGS * (watcher.count + 1) + 1) * sizeof *larger);
  if (!larger) return fm_fail(e, FM_NO_MEMORY, NULL);
  free(watcher.larger);
  watcher.larger = larger;
  return FM_OK;
}

/* The caller has the lock. */
static int open_handle(fm_watched *p, fm_error *e)
{
  while (watcher.is_stopping) { /* another thread waits for the watcher's end */
    fm_sys_unlock_process();
    fm_sys_pause(100e-6);
    fm_sys_lock_process();
  }
  int code = reserve_things(e);
  if (code == FM_OK) code = fm_sys_pollable_open(&p->handle, e);
  if (code != FM_OK) return code;
  code = start_watcher(e);
  if (code != FM_OK) {
    fm_sys_pollable_close(p->handle);
    return code;
  }
  p->is_open = true;
  p->is_set = false;
  p->seen = 0;
  p->next = watcher.list;
  watcher.list = p;
  watcher.count++;
  note_and_settle(p);
  ask_watcher();
  return FM_OK;
}

int fm_pollable_open(fm_object *o, const fm_readiness *r, intptr_t *out, fm_error *e)
{
  fm_watched *p = o->watched;
  int code = FM_OK;
  if (!p) {
    p = calloc(1, sizeof *p);
    if (!p) return fm_fail(e, FM_NO_MEMORY, NULL);
    p->object = o;
    p->readiness = r;
  }
  fm_sys_lock_process();
  if (!p->is_open) code = open_handle(p, e);
  fm_sys_unlock_process();
  if (code != FM_OK) {
    if (!o->watched) free(p);
    return code;
  }
  o->watched = p;
  *out = p->handle;
  return FM_OK;
}

/* The caller has the lock. A child that another thread forks meanwhile finds the handle either in the list or
** closed. */
static void close_handle(fm_watched *p)
{
  fm_watched **at = &watcher.list;
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  watcher.count--;
  p->is_open = false;
  fm_sys_pollable_close(p->handle);
  FM_TEST_HOOK("unwatch");
  if (!watcher.list) {
    stop_watcher();
    return;
  }
  const uint32_t request = ask_watcher();
  fm_sys_unlock_process();
  await_answer(request);
  fm_sys_lock_process();
}

void fm_pollable_close(fm_object *o)
{
  if (!o->watched) return;
  fm_sys_lock_process();
  if (o->watched->is_open) close_handle(o->watched);
  fm_sys_unlock_process();
  free(o->watched);
  o->watched = NULL;
}
