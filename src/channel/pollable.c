/* Handles of sync objects and channel ends for event loops. */
#include "source.h"

int fm_pollable(const fm_waitable *object, intptr_t *out, fm_error *e)
{
  switch (object->kind) {
  case FM_WAIT_SYNC: {
    fm_sync *s = object->object;
    if (s->class->pollable) return s->class->pollable(s, out, e);
    return fm_fail(e, FM_INVALID, "only an event and the end of a channel can be polled");
  }
  case FM_WAIT_LISTENER: return fm_listener_pollable(object->object, out, e);
  case FM_WAIT_CONN: return fm_conn_pollable(object->object, out, e);
  case FM_WAIT_MAILSLOT: return fm_mailslot_pollable(object->object, out, e);
  case FM_WAIT_STATE: return fm_state_pollable(object->object, out, e);
  }
  return fm_fail(e, FM_INVALID, "there is no kind of object %d to wait for", (int)object->kind);
}
