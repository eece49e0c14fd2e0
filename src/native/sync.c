/* Sync objects: what is the same on every system. */
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "signal.h"

const void *fm_this_thread(void)
{
  static _Thread_local char it;
  return &it;
}

static int check_options(fm_sync_kind kind, const fm_sync_options *o, fm_error *e)
{
  if (kind != FM_SEMAPHORE) return FM_OK;
  if (o->most < 1 || o->most > FM_COUNT_MAX)
    return fm_fail(e, FM_INVALID, "a semaphore counts to 1 at least, and to 2^31-1 at most");
  if (o->initial > o->most) return fm_fail(e, FM_INVALID, "it begins with more than its most");
  return FM_OK;
}

int fm_sync_open(fm_sync **out, bool *created, fm_sync_kind kind, const char *name, const fm_sync_options *o,
                 fm_error *e)
{
  fm_name parsed;
  bool is_new = false;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK && !name) code = fm_fail(e, FM_INVALID, "a sync object has a name");
  if (code == FM_OK) code = check_options(kind, o, e);
  if (code != FM_OK) return code;
  fm_sync *s = fm_sys_sync_new();
  if (!s) return fm_fail(e, FM_NO_MEMORY, NULL);
  s->kind = kind;
  strcpy(s->name, name); /* fm_name_parse saw that it fits */
  code = fm_sys_sync_open(s, &is_new, o, e);
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
  if (code == FM_OK) code = fm_sys_sync_wait(s, timeout, &was, e);
  if (code == FM_OK) *abandoned = was;
  return code;
}

int fm_sync_post(fm_sync *s, uint32_t count, fm_error *e)
{
  if (count < 1 || count > FM_COUNT_MAX) return fm_fail(e, FM_INVALID, "a count is 1 to 2^31-1");
  return fm_sys_sync_post(s, count, e);
}

int fm_sync_reset(fm_sync *s, fm_error *e)
{
  if (s->kind != FM_EVENT) return fm_fail(e, FM_INVALID, "only an event is reset");
  return fm_sys_sync_reset(s, e);
}

const char *fm_sync_name(const fm_sync *s)
{
  return s->name;
}

void fm_sync_close(fm_sync *s)
{
  if (!s) return;
  fm_sys_sync_close(s);
  free(s);
  fm_count(-1);
}
