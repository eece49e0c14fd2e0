/* Sync objects of Linux: a segment of memory by that name, with a word that says what is and a signal for those who
** wait. A mutex is a lock of signal.h, whose word names the seat of its holder. */
#include <stdlib.h>

#include "../object/lock.h"
#include "shared.h"

/* What the segment holds. Only `value` and `signal` change. */
typedef struct words {
  uint32_t magic;
  uint32_t kind;
  uint32_t most;   /* semaphore */
  uint32_t manual; /* event */
  fm_word32 value; /* mutex: its lock's owner; semaphore: the count; event: 1 if set */
  fm_word32 signal;
  uint32_t unused[10];
} words;

enum { MAGIC = 0x31534d46 }; /* "FMS1" */

typedef struct object {
  fm_sync base;
  uint32_t held;     /* mutex: how often `thread` has it, by this object */
  const void *thread;
  fm_map *map;
  fm_view view;
  words *shared;
  uint32_t most, manual; /* as they were when it was opened, and checked */
  fm_lock lock;
  fm_seat seat;          /* mutex */
  fm_identity identity;  /* which section it is */
  struct object *next;   /* of this process's mutexes */
} object;

static object *to_object(fm_sync *s)
{
  return (object *)(void *)s;
}

/* What no two threads of this process have the same. */
static const void *this_thread(void)
{
  static _Thread_local char it;
  return &it;
}

/* {-- The mutexes of this process ---------------------------------------------------------------
**
** A thread that has a mutex gets it again, also by another object of the same name. Each counts what was locked by it;
** the lock's word has the seat of one of them. */

static object *mutexes;

static void list(object *x)
{
  fm_sys_lock_process();
  x->next = mutexes;
  mutexes = x;
  fm_sys_unlock_process();
}

static void unlist(object *x)
{
  fm_sys_lock_process();
  object **at = &mutexes;
  while (*at && *at != x) at = &(*at)->next;
  if (*at) *at = x->next;
  fm_sys_unlock_process();
}

/* Does this thread have it by that object? What has no seat any more, in a forked child, is of its parent's. */
static bool is_held(const object *x)
{
  return x->held > 0 && x->thread == this_thread() && x->seat.number != 0;
}

/* An object of the same mutex by which this thread has it; `x` itself first. NULL if there is none. */
static object *held_by_thread(object *x)
{
  if (is_held(x)) return x;
  fm_sys_lock_process();
  object *other = mutexes;
  while (other && (!fm_sys_is_same(&other->identity, &x->identity) || !is_held(other))) other = other->next;
  fm_sys_unlock_process();
  return other;
}

/* {-- Opening ----------------------------------------------------------------------------------- */

/* A seat for a mutex, at first and again in a forked child, which has nothing of what its parent held. */
static int sit(object *x, fm_error *e)
{
  if (x->seat.number != 0) return FM_OK;
  x->held = 0;
  const int code = fm_seat_acquire_free(&x->seat, &x->map->section, 1, e);
  if (code != FM_OK) return code;
  x->lock.seat = x->seat.number;
  fm_lock_mark_abandoned(x->lock.owner, x->seat.number);
  return FM_OK;
}

static int take_words(object *x, fm_error *e)
{
  words *w = x->shared = (words *)(void *)x->view.data;
  const uint32_t magic = w->magic, kind = w->kind;
  x->most = w->most;
  x->manual = w->manual;
  if (fm_view_is_lost(&x->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  if (magic != MAGIC || kind > FM_EVENT || x->most > FM_COUNT_MAX) return fm_fail(e, FM_CORRUPT, NULL);
  if (kind != x->base.kind) return fm_fail(e, FM_INVALID, "the name stands for another kind of sync object");
  x->lock = (fm_lock){.owner = &w->value, .section = &x->map->section};
  int code = fm_sys_identify(&x->identity, &x->map->section, e);
  if (code == FM_OK) code = fm_wait_point_open(&x->lock.signal, x->map, 0, &w->signal, e);
  return code == FM_OK && x->base.kind == FM_MUTEX ? sit(x, e) : code;
}

static int open_map(object *x, bool *created, const fm_name *name, const fm_sync_options *o, fm_error *e)
{
  const words first = {.magic = MAGIC, .kind = x->base.kind, .most = o->max, .manual = o->manual,
                       .value = x->base.kind == FM_SEMAPHORE ? o->initial : x->base.kind == FM_EVENT && o->set};
  fm_request r = fm_default_request();
  r.size = sizeof first;
  r.mode = o->mode;
  r.sddl = o->sddl;
  r.initial = &first;
  r.initial_size = sizeof first;
  return o->existing ? fm_map_open(&x->map, name, &r, e) : fm_map_create_or_open(&x->map, created, name, &r, e);
}

static void let_go(object *x)
{
  fm_seat_release(&x->seat);
  fm_view_close(&x->view);
  fm_map_close(x->map);
}

static int open_object(fm_sync *s, bool *created, const fm_name *name, const fm_sync_options *o, fm_error *e)
{
  object *x = to_object(s);
  int code = open_map(x, created, name, o, e);
  if (code == FM_TOO_SMALL) return fm_fail(e, FM_CORRUPT, NULL);
  if (code != FM_OK) return code;
  code = fm_view_open(&x->view, x->map, 0, sizeof(words), FM_RW, e);
  if (code == FM_OK) code = take_words(x, e);
  if (code != FM_OK) {
    if (x->view.data) fm_view_close(&x->view);
    fm_map_close(x->map);
    return code;
  }
  if (s->kind == FM_MUTEX) list(x);
  return FM_OK;
}

/* {-- Waiting ----------------------------------------------------------------------------------- */

static int look_semaphore(void *context, bool thoroughly, fm_error *e)
{
  object *x = context;
  uint32_t count = x->shared->value;
  (void)thoroughly;
  if (fm_view_is_lost(&x->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  while (count > 0)
    if (atomic_compare_exchange_weak(&x->shared->value, &count, count - 1)) return FM_OK;
  return FM_TIMEOUT;
}

static int look_event(void *context, bool thoroughly, fm_error *e)
{
  object *x = context;
  uint32_t set = x->shared->value;
  (void)thoroughly;
  if (fm_view_is_lost(&x->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  if (set == 0) return FM_TIMEOUT;
  return x->manual || atomic_compare_exchange_strong(&x->shared->value, &set, 0) ? FM_OK : FM_TIMEOUT;
}

/* A lost word says nothing: it may name us for ever. */
static int lock(object *x, double timeout, bool *abandoned, fm_error *e)
{
  if (fm_view_is_lost(&x->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  int code = sit(x, e);
  if (code != FM_OK) return code;
  if (!held_by_thread(x)) {
    code = fm_lock_acquire(&x->lock, timeout, abandoned, e);
    if (code == FM_OK && fm_view_is_lost(&x->view)) code = fm_fail(e, FM_TRUNCATED, NULL);
    if (code != FM_OK) return code;
  }
  x->thread = this_thread();
  x->held++;
  return FM_OK;
}

static int wait_for(fm_sync *s, double timeout, bool *abandoned, fm_error *e)
{
  object *x = to_object(s);
  if (s->kind == FM_MUTEX) return lock(x, timeout, abandoned, e);
  return fm_await(&x->lock.signal, timeout, s->kind == FM_SEMAPHORE ? look_semaphore : look_event, x, e);
}

/* {-- Letting others go on ---------------------------------------------------------------------- */

static int unlock(object *x, fm_error *e)
{
  object *holder = held_by_thread(x);
  if (!holder) return fm_fail(e, FM_INVALID, "this thread does not hold it");
  holder->held--;
  if (!held_by_thread(holder)) fm_lock_release(&x->lock);
  return FM_OK;
}

static int release(object *x, uint32_t more, fm_error *e)
{
  uint32_t count = x->shared->value;
  do {
    if (count > x->most || more > x->most - count) return fm_fail(e, FM_FULL, "it counts to %u", (unsigned)x->most);
  } while (!atomic_compare_exchange_weak(&x->shared->value, &count, count + more));
  fm_wake(&x->lock.signal);
  return FM_OK;
}

static int post(fm_sync *s, uint32_t count, fm_error *e)
{
  object *x = to_object(s);
  int code = FM_OK;
  if (s->kind == FM_MUTEX) code = unlock(x, e);
  else if (s->kind == FM_SEMAPHORE) code = release(x, count, e);
  else {
    x->shared->value = 1;
    fm_wake(&x->lock.signal);
  }
  return fm_view_is_lost(&x->view) ? fm_fail(e, FM_TRUNCATED, NULL) : code;
}

static int reset(fm_sync *s, fm_error *e)
{
  object *x = to_object(s);
  x->shared->value = 0;
  return fm_view_is_lost(&x->view) ? fm_fail(e, FM_TRUNCATED, NULL) : FM_OK;
}

/* What is locked by this object is unlocked; what the thread has locked by another one goes on under its seat. */
static void close_mutex(object *x)
{
  unlist(x);
  if (x->seat.number == 0) return;
  uint32_t mine = x->seat.number;
  const bool was_held = x->held > 0;
  x->held = 0;
  const object *other = held_by_thread(x);
  if (other) atomic_compare_exchange_strong(x->lock.owner, &mine, other->seat.number);
  else if (was_held) fm_lock_release(&x->lock);
}

static void close_object(fm_sync *s)
{
  object *x = to_object(s);
  if (s->kind == FM_MUTEX) close_mutex(x);
  let_go(x);
}

const fm_sync_class fm_shared_sync_class = {
  .size = sizeof(object), .open = open_object, .wait = wait_for, .post = post, .reset = reset, .close = close_object,
};
