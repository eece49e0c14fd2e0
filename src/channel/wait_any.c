/* Waiting for the first of several sync objects and channel ends. */
#include <stdlib.h>

#include "source.h"

static int fill_source(fm_source *out, const fm_waitable *w, fm_error *e)
{
  switch (w->kind) {
  case FM_WAIT_SYNC: {
    fm_sync *s = w->object;
    return s->class->source(s, out, e);
  }
  case FM_WAIT_LISTENER: return fm_listener_source(w->object, out, e);
  case FM_WAIT_CONN: return fm_conn_source(w->object, out, e);
  case FM_WAIT_MAILSLOT: return fm_mailslot_source(w->object, out, e);
  case FM_WAIT_STATE: return fm_state_source(w->object, out, e);
  }
  return fm_fail(e, FM_INVALID, "there is no kind of object %d to wait for", (int)w->kind);
}

int fm_wait_any(const fm_waitable *objects, size_t count, double timeout, size_t *index, bool *abandoned,
                fm_error *e)
{
  fm_source few[16], *sources = few;
  size_t at = 0;
  int code = fm_check_timeout(timeout, e);
  *index = count;
  if (code == FM_OK && (count == 0 || count > FM_WAIT_MOST))
    code = fm_fail(e, FM_INVALID, "the number of objects must be between 1 and %d, got %llu", FM_WAIT_MOST,
                   (unsigned long long)count);
  if (code != FM_OK) return code;
  if (count > sizeof few / sizeof *few) sources = malloc(count * sizeof *sources);
  if (!sources) return fm_fail(e, FM_NO_MEMORY, NULL);
  for (; at < count && code == FM_OK; at++) {
    code = fill_source(&sources[at], &objects[at], e);
    if (code != FM_OK) *index = at;
  }
  if (code == FM_OK) code = fm_await_any(sources, count, timeout, index, e);
  if (code == FM_OK) *abandoned = sources[*index].abandoned;
  if (sources != few) free(sources);
  return code;
}
