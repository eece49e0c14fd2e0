/* Handles for event loops: pollable.h lists the steps. */
#include <stdlib.h>

#include "pollable.h"

/* How long a watcher sleeps if it watches an object without a word, or without a sleep announced. */
static const double poll_seconds = 4e-3;

struct fm_watched {
  fm_object *object;
  const fm_readiness *readiness;
  struct watcher *watcher; /* NULL: it has no handle */
  intptr_t handle;
  bool is_set;
  uint32_t seen; /* the word at which a sleep was announced; 0: none was */
  fm_noted noted;
  struct fm_watched *next; /* in the watcher's list */
};

typedef struct watcher {
  fm_watched *list;
  size_t used;                 /* things of the objects in the list, and one for requests */
  fm_thread thread;
  unsigned closing;            /* threads that wait for an answer */
  bool is_stopping;
  fm_word32 requests, answers; /* the last request to the watcher, and the last one that it has seen */
  fm_event requested, answered;
  struct watcher *next;
  fm_sleep_on things[];        /* it sleeps on these, without the lock: up to fm_sys_sleep_most */
} watcher;

/* Those that are not about to stop. */
static watcher *watchers;

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
  if (o->watched->watcher) note_and_settle(o->watched);
  fm_sys_unlock_process();
}

/* {-- Watchers ---------------------------------------------------------------------------------- */

/* Adds the words of an object to the watcher's things. Returns whether other processes wake by one of them
** when its handle is to change. */
static bool add_things(watcher *w, const fm_watched *p, size_t *n)
{
  const int points[] = {p->readiness->ready, p->readiness->drained};
  const fm_wait_point *awaited = awaited_point(p);
  for (int i = 0; i < 2; i++) {
    fm_wait_point *at = point_of(p, points[i]);
    if (!at) continue;
    if (at != awaited) fm_sys_prepare_sleep(&at->event);
    const uint32_t seen = at == awaited ? p->seen : atomic_load(at->word);
    w->things[(*n)++] = (fm_sleep_on){.event = &at->event, .word = at->word, .seen = seen};
  }
  return awaited || (p->is_set && p->readiness->drained < 0);
}

/* Fills the watcher's things, and returns their number. */
static size_t settle_all(watcher *w, bool thoroughly, bool *are_all_woken)
{
  size_t n = 0;
  fm_sys_prepare_sleep(&w->requested);
  w->things[n++] = (fm_sleep_on){.event = &w->requested, .word = &w->requests, .seen = w->requests};
  *are_all_woken = true;
  for (fm_watched *p = w->list; p; p = p->next) {
    const fm_wait_point *at = awaited_point(p);
    const bool is_settled = at ? !thoroughly && is_announced(p, at) : p->is_set;
    if (!is_settled) settle(p, thoroughly);
    if (!add_things(w, p, &n)) *are_all_woken = false;
  }
  return n;
}

static void watch(void *context)
{
  watcher *w = context;
  double next = 0; /* when to look thoroughly */
  fm_sys_lock_process();
  while (!w->is_stopping) {
    bool abandoned, are_all_woken;
    const double now = fm_now();
    const bool thoroughly = now >= next;
    if (thoroughly) next = now + FM_SLICE;
    const size_t n = settle_all(w, thoroughly, &are_all_woken);
    const bool is_asked = w->answers != w->requests;
    w->answers = w->requests;
    fm_sys_unlock_process();
    if (is_asked) fm_sys_wake(&w->answered, &w->answers);
    FM_TEST_HOOK("watch");
    const double most = next - now;
    fm_sys_sleep_any(w->things, n, are_all_woken || most < poll_seconds ? most : poll_seconds, &abandoned);
    fm_sys_lock_process();
  }
  fm_sys_unlock_process();
}

/* Makes the watcher begin a new round. The caller has the lock. */
static uint32_t ask(watcher *w)
{
  const uint32_t request = atomic_fetch_add(&w->requests, 1) + 1;
  fm_sys_wake(&w->requested, &w->requests);
  return request;
}

static void await_answer(watcher *w, uint32_t request)
{
  for (;;) {
    fm_sys_prepare_sleep(&w->answered);
    const uint32_t seen = w->answers;
    if ((int32_t)(seen - request) >= 0) return;
    fm_sys_sleep(&w->answered, &w->answers, seen, FM_SLICE);
  }
}

static void free_watcher(watcher *w)
{
  fm_sys_event_close(&w->requested);
  fm_sys_event_close(&w->answered);
  free(w);
}

/* The threads of a forked child do not include the watchers. Their descriptors are its parent's, so it closes
** them. */
static void in_child(void)
{
  for (watcher *w = watchers, *next; w; w = next) {
    next = w->next;
    for (fm_watched *p = w->list; p; p = p->next) {
      fm_sys_pollable_close(p->handle);
      p->watcher = NULL;
    }
    free_watcher(w);
  }
  watchers = NULL;
}

/* The caller has the lock. */
static int start_watcher(watcher **out, fm_error *e)
{
  watcher *w = calloc(1, sizeof *w + fm_sys_sleep_most * sizeof *w->things);
  if (!w) return fm_fail(e, FM_NO_MEMORY, NULL);
  w->used = 1;
  int code = fm_sys_event_private(&w->requested, e);
  if (code == FM_OK) code = fm_sys_event_private(&w->answered, e);
  if (code == FM_OK) code = fm_sys_thread_start(&w->thread, watch, w, in_child, e);
  if (code != FM_OK) {
    free_watcher(w);
    return code;
  }
  w->next = watchers;
  *out = watchers = w;
  return FM_OK;
}

/* The caller has the lock, which this releases while it waits for the thread's end. */
static void stop_watcher(watcher *w)
{
  watcher **at = &watchers;
  while (*at != w) at = &(*at)->next;
  *at = w->next;
  w->is_stopping = true;
  ask(w);
  fm_sys_unlock_process();
  fm_sys_thread_join(&w->thread);
  free_watcher(w);
  fm_sys_lock_process();
}

/* {-- Opening and closing ----------------------------------------------------------------------- */

static size_t count_things(const fm_watched *p)
{
  return (size_t)(point_of(p, p->readiness->ready) != NULL) + (point_of(p, p->readiness->drained) != NULL);
}

/* Finds a watcher that has room for so many things, or starts one. */
static int find_watcher(watcher **out, size_t things, fm_error *e)
{
  for (*out = watchers; *out; *out = (*out)->next)
    if ((*out)->used + things <= fm_sys_sleep_most) return FM_OK;
  return start_watcher(out, e);
}

/* The caller has the lock. */
static int open_handle(fm_watched *p, fm_error *e)
{
  watcher *w = NULL;
  const size_t things = count_things(p);
  int code = fm_sys_pollable_open(&p->handle, e);
  if (code != FM_OK) return code;
  code = find_watcher(&w, things, e);
  if (code != FM_OK) {
    fm_sys_pollable_close(p->handle);
    return code;
  }
  p->is_set = false;
  p->seen = 0;
  p->watcher = w;
  p->next = w->list;
  w->list = p;
  w->used += things;
  note_and_settle(p);
  ask(w);
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
  if (!p->watcher) code = open_handle(p, e);
  fm_sys_unlock_process();
  if (code != FM_OK) {
    if (!o->watched) free(p);
    return code;
  }
  o->watched = p;
  *out = p->handle;
  return FM_OK;
}

/* The caller has the lock. A child that another thread forks meanwhile finds the handle either in a list or
** closed. */
static void close_handle(fm_watched *p)
{
  watcher *w = p->watcher;
  fm_watched **at = &w->list;
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  w->used -= count_things(p);
  p->watcher = NULL;
  fm_sys_pollable_close(p->handle);
  FM_TEST_HOOK("unwatch");
  if (w->list || w->closing > 0) {
    const uint32_t request = ask(w);
    w->closing++;
    fm_sys_unlock_process();
    await_answer(w, request);
    fm_sys_lock_process();
    w->closing--;
  }
  if (!w->list && w->closing == 0) stop_watcher(w);
}

void fm_pollable_close(fm_object *o)
{
  if (!o->watched) return;
  fm_sys_lock_process();
  if (o->watched->watcher) close_handle(o->watched);
  fm_sys_unlock_process();
  free(o->watched);
  o->watched = NULL;
}
