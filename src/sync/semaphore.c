/* Semaphores in shared memory: a count, which processes decrement and increment in one atomic step. */
#include "shared.h"

static const fm_role user = {
  .kind = FM_OBJECT_SEMAPHORE, .version = 1, .creates = true, .opens = true, .check = fm_shared_check,
  .attach = fm_shared_attach,
};

static int open_semaphore(fm_sync *s, bool *created, const fm_name *name, const fm_sync_options *o,
                          fm_error *e)
{
  return fm_shared_open(fm_shared_of(s), &user, created, name, o, o->initial, e);
}

static int look(void *context, bool thoroughly, fm_error *e)
{
  fm_shared *s = context;
  fm_word32 *value = &fm_shared_words_of(s)->value;
  uint32_t count = *value;
  int code = FM_TIMEOUT;
  (void)thoroughly;
  while (count > 0 && code == FM_TIMEOUT)
    if (atomic_compare_exchange_weak(value, &count, count - 1)) code = FM_OK;
  return fm_prefer_truncated(&s->object.view, code, e);
}

static int acquire(fm_sync *s, double timeout, bool *abandoned, fm_error *e)
{
  (void)abandoned;
  return fm_await(&fm_shared_of(s)->object.points[FM_SHARED_CHANGED], timeout, look, s, e);
}

static int look_once(fm_source *source, bool thoroughly, fm_error *e)
{
  return look(source->object, thoroughly, e);
}

static int fill_source(fm_sync *sync, fm_source *out, fm_error *e)
{
  fm_shared *s = fm_shared_of(sync);
  (void)e;
  *out = (fm_source){.object = s, .point = &s->object.points[FM_SHARED_CHANGED], .look = look_once};
  return FM_OK;
}

static int release(fm_sync *sync, uint32_t more, fm_error *e)
{
  fm_shared *s = fm_shared_of(sync);
  fm_word32 *value = &fm_shared_words_of(s)->value;
  const uint32_t max = s->object.header.sizes[FM_SHARED_MAX];
  uint32_t count = *value;
  int code = FM_OK;
  do {
    if (count > max || more > max - count)
      code = fm_fail(e, FM_FULL, "its count of %u plus %u is past the max of %u", (unsigned)count,
                     (unsigned)more, (unsigned)max);
  } while (code == FM_OK && !atomic_compare_exchange_weak(value, &count, count + more));
  if (code == FM_OK) fm_wake(&s->object.points[FM_SHARED_CHANGED]);
  return fm_prefer_truncated(&s->object.view, code, e);
}

const fm_sync_class fm_shared_semaphore = {
  .size = sizeof(fm_shared), .open = open_semaphore, .wait = acquire, .post = release,
  .source = fill_source, .close = fm_shared_close,
};
