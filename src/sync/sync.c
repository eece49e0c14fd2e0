/* Sync objects: what is the same for the system's own and for those in shared memory. */
#include <stdlib.h>
#include <string.h>

#include "../base/options.h"
#include "../map/map.h"
#include "../object/wait.h"
#include "shared.h"

static int check_options(fm_sync_kind kind, const fm_sync_options *o, fm_error *e)
{
  if ((unsigned)kind > FM_EVENT)
    return fm_fail(e, FM_INVALID, "there is no kind of sync object %d", (int)kind);
  if (kind != FM_SEMAPHORE) return FM_OK;
  if (o->max < 1 || o->max > FM_COUNT_MAX)
    return fm_fail(e, FM_INVALID, "max must be between 1 and 2^31-1, got %u", (unsigned)o->max);
  if (o->initial > o->max)
    return fm_fail(e, FM_INVALID, "the initial count %u is past the semaphore's max of %u",
                   (unsigned)o->initial, (unsigned)o->max);
  return FM_OK;
}

/* The system's own class, or one in shared memory. */
static const fm_sync_class *class_of(fm_sync_kind kind, const fm_name *name)
{
  static const fm_sync_class *const shared[] = {
    [FM_MUTEX] = &fm_shared_mutex, [FM_SEMAPHORE] = &fm_shared_semaphore, [FM_EVENT] = &fm_shared_event,
  };
  const fm_sync_class *own = fm_sys_sync_class(kind, name);
  return own ? own : shared[kind];
}

int fm_sync_open(fm_sync **out, bool *created, fm_sync_kind kind, const char *name,
                 const fm_sync_options *options, fm_error *e)
{
  fm_name parsed;
  fm_sync_options o;
  bool is_new = false;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK && !name) code = fm_fail(e, FM_INVALID, "a sync object must have a name");
  if (code == FM_OK) code = fm_sync_options_read(&o, options, e);
  if (code == FM_OK) code = check_options(kind, &o, e);
  if (code != FM_OK) return code;
  const fm_sync_class *class = class_of(kind, &parsed);
  fm_sync *s = calloc(1, class->size);
  if (!s) return fm_fail(e, FM_NO_MEMORY, NULL);
  s->class = class;
  s->kind = kind;
  strcpy(s->name, name); /* fm_name_parse checked that it fits */
  code = class->open(s, &is_new, &parsed, &o, e);
  if (code != FM_OK) {
    free(s);
    return code;
  }
  fm_count(1);
  *created = is_new;
  *out = s;
  return FM_OK;
}

int fm_sync_wait(fm_sync *s, double timeout, bool *abandoned, fm_error *e)
{
  bool was = false;
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = s->class->wait(s, timeout, &was, e);
  if (code == FM_OK) *abandoned = was;
  return code;
}

int fm_sync_post(fm_sync *s, uint32_t count, fm_error *e)
{
  if (count < 1 || count > FM_COUNT_MAX)
    return fm_fail(e, FM_INVALID, "count must be between 1 and 2^31-1, got %u", (unsigned)count);
  if (count > 1 && s->kind != FM_SEMAPHORE)
    return fm_fail(e, FM_INVALID, "count must be 1 for a mutex or an event, got %u", (unsigned)count);
  return s->class->post(s, count, e);
}

int fm_sync_reset(fm_sync *s, fm_error *e)
{
  if (s->kind != FM_EVENT) return fm_fail(e, FM_INVALID, "only an event can be reset");
  return s->class->reset(s, e);
}

int fm_sync_unlink(const char *name, fm_error *e)
{
  fm_name parsed;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK && !name) code = fm_fail(e, FM_INVALID, "a sync object must have a name");
  return code == FM_OK ? fm_sys_sync_unlink(&parsed, e) : code;
}

const char *fm_sync_name(const fm_sync *s)
{
  return s->name;
}

void fm_sync_close(fm_sync *s)
{
  if (!s) return;
  s->class->close(s);
  free(s);
  fm_count(-1);
}
