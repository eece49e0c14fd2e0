/* Events in shared memory.
**
** A process that sets an event
**   1. stores the value 1,
**   2. increments the generation,
**   3. wakes the processes that wait.
** A process that resets it
**   1. stores the value 0,
**   2. wakes the event loops, which wait at `drained`.
** A process that waits for a manual event
**   1. reads the generation,
**   2. stops waiting as soon as the value is 1, or the generation differs from what it read. A generation
**      that differs means that a process has set the event since, whether or not a process has reset it.
** A process that waits for an automatic event
**   1. replaces the value 1 by 0 in one atomic step, or waits until it can. So at most one process stops
**      waiting for each time that the event is set,
**   2. wakes the event loops. */
#include "shared.h"

static bool check(const fm_header *h, uint64_t *view_size)
{
  return fm_shared_check(h, view_size) && h->sizes[FM_SHARED_MANUAL] <= 1;
}

static int attach(fm_object *o, fm_error *e)
{
  fm_shared_words *words = fm_shared_words_of(fm_shared_of_object(o));
  const int code = fm_shared_attach(o, e);
  return code == FM_OK ? fm_object_wait_point(o, FM_SHARED_DRAINED, 1, &words->drained, e) : code;
}

static const fm_role user = {
  .kind = FM_OBJECT_EVENT, .version = 1, .creates = true, .opens = true, .check = check, .attach = attach,
};

static int open_event(fm_sync *s, bool *created, const fm_name *name, const fm_sync_options *o, fm_error *e)
{
  return fm_shared_open(fm_shared_of(s), &user, created, name, o, o->set, e);
}

typedef struct waiting {
  fm_shared *event;
  bool manual;
  uint32_t generation; /* when the process began to wait */
} waiting;

static int look(void *context, bool thoroughly, fm_error *e)
{
  waiting *w = context;
  fm_shared_words *words = fm_shared_words_of(w->event);
  uint32_t set = 1;
  (void)thoroughly;
  const bool came = w->manual ? words->value != 0 || words->generation != w->generation
                              : atomic_compare_exchange_strong(&words->value, &set, 0);
  if (came && !w->manual) fm_wake(&w->event->object.points[FM_SHARED_DRAINED]);
  return fm_prefer_truncated(&w->event->object.view, came ? FM_OK : FM_TIMEOUT, e);
}

static waiting start_waiting(fm_shared *event, uint32_t generation)
{
  const bool manual = event->object.header.sizes[FM_SHARED_MANUAL];
  return (waiting){.event = event, .manual = manual, .generation = generation};
}

static int wait_for(fm_sync *s, double timeout, bool *abandoned, fm_error *e)
{
  fm_shared *event = fm_shared_of(s);
  waiting w = start_waiting(event, fm_shared_words_of(event)->generation);
  (void)abandoned;
  const int code = fm_await(&event->object.points[FM_SHARED_CHANGED], timeout, look, &w, e);
  return fm_settled(&event->object, code);
}

static int look_once(fm_source *source, bool thoroughly, fm_error *e)
{
  fm_shared *event = source->object;
  waiting w = start_waiting(event, source->began);
  const int code = look(&w, thoroughly, e);
  return code == FM_TIMEOUT ? code : fm_settled(&event->object, code);
}

static int fill_source(fm_sync *s, fm_source *out, fm_error *e)
{
  fm_shared *event = fm_shared_of(s);
  (void)e;
  *out = (fm_source){.object = event, .point = &event->object.points[FM_SHARED_CHANGED], .look = look_once,
                     .began = fm_shared_words_of(event)->generation};
  return FM_OK;
}

static int set(fm_sync *s, uint32_t count, fm_error *e)
{
  fm_shared *event = fm_shared_of(s);
  fm_shared_words *words = fm_shared_words_of(event);
  (void)count;
  words->value = 1;
  atomic_fetch_add(&words->generation, 1);
  fm_wake(&event->object.points[FM_SHARED_CHANGED]);
  return fm_settled(&event->object, fm_prefer_truncated(&event->object.view, FM_OK, e));
}

static int reset(fm_sync *s, fm_error *e)
{
  fm_shared *event = fm_shared_of(s);
  fm_shared_words_of(event)->value = 0;
  fm_wake(&event->object.points[FM_SHARED_DRAINED]);
  return fm_settled(&event->object, fm_prefer_truncated(&event->object.view, FM_OK, e));
}

static bool is_ready(const fm_object *o, fm_noted *n, bool thoroughly)
{
  const fm_shared_words *words = (const fm_shared_words *)(const void *)o->view.data;
  (void)n, (void)thoroughly;
  return words->value != 0 || fm_view_is_lost(&o->view);
}

static int get_pollable(fm_sync *s, intptr_t *out, fm_error *e)
{
  static const fm_readiness readiness = {
    .ready = FM_SHARED_CHANGED, .drained = FM_SHARED_DRAINED, .is_ready = is_ready};
  return fm_pollable_open(&fm_shared_of(s)->object, &readiness, out, e);
}

const fm_sync_class fm_shared_event = {
  .size = sizeof(fm_shared), .open = open_event, .wait = wait_for, .post = set, .reset = reset,
  .source = fill_source, .pollable = get_pollable, .close = fm_shared_close,
};
