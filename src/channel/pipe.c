/* Pipes: listening and connecting. pipe_table.h describes the steps of a listener and its clients. */
#include <string.h>

#include "conn.h"
#include "ring.h"
#include "source.h"

enum { QUEUED = 0 }; /* in points */

struct fm_listener {
  fm_object object;
};

/* {-- Listening --------------------------------------------------------------------------------- */

/* Connections may live on when their listener is gone. */
static int fits(const fm_header *h, const uint32_t *wanted, fm_error *e)
{
  if (memcmp(h->sizes, wanted, sizeof h->sizes) == 0) return FM_OK;
  return fm_fail(e, FM_EXISTS, "connections of %s with a capacity of %u bytes are still open under the name",
                 h->sizes[FM_PIPE_IS_STREAM] ? "a stream" : "messages", (unsigned)h->sizes[FM_PIPE_CAPACITY]);
}

static int attach(fm_object *o, fm_error *e)
{
  return fm_pipe_open_queued(o, QUEUED, e);
}

static int enter(fm_object *o, fm_error *e)
{
  (void)e;
  fm_pipe_start_listening(o);
  return FM_OK;
}

static void leave(fm_object *o)
{
  fm_pipe_stop_listening(o);
}

static const fm_role listener = {
  .kind = FM_OBJECT_PIPE, .version = FM_PIPE_VERSION, .size = sizeof(fm_listener), .creates = true,
  .opens = true, .reserves = true, .seating = FM_ONE_SEAT, .seat = FM_PIPE_LISTENER_SEAT, .taken = FM_EXISTS,
  .taken_detail = "another listener lives", .check = fm_pipe_check, .fits = fits, .attach = attach,
  .enter = enter, .leave = leave,
};

int fm_pipe_listen(fm_listener **out, const char *name, uint64_t capacity, bool stream, const fm_options *o,
                   fm_error *e)
{
  if (capacity == 0) capacity = FM_CAPACITY;
  const uint32_t ring = fm_ring_size(capacity);
  if (ring == 0)
    return fm_fail(e, FM_TOO_LARGE, "capacity %llu is past the limit of %u bytes",
                   (unsigned long long)capacity, FM_CAPACITY_MOST);
  fm_header first = fm_pipe_header((uint32_t)capacity, ring, stream);
  const fm_object_request r = {.name = name, .first = &first, .first_size = sizeof first,
                               .wanted = first.sizes, .options = o};
  return fm_object_new(out, &listener, &r, e);
}

int fm_pipe_accept(fm_listener *l, double timeout, fm_conn **out, fm_error *e)
{
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_object_check_seat(&l->object, e);
  if (code == FM_OK) code = fm_conn_accept(out, &l->object, &l->object.points[QUEUED], timeout, e);
  return fm_settled(&l->object, code);
}

static int look_for_waiting(fm_source *source, bool thoroughly, fm_error *e)
{
  const fm_listener *l = source->object;
  (void)thoroughly, (void)e;
  return fm_pipe_has_waiting(&l->object) || fm_view_is_lost(&l->object.view) ? FM_OK : FM_TIMEOUT;
}

int fm_listener_source(fm_listener *l, fm_source *out, fm_error *e)
{
  *out = (fm_source){.object = l, .point = &l->object.points[QUEUED], .look = look_for_waiting};
  return fm_object_check_seat(&l->object, e);
}

static bool is_ready(const fm_object *o, fm_noted *n, bool thoroughly)
{
  (void)n, (void)thoroughly;
  return fm_pipe_has_waiting(o) || fm_view_is_lost(&o->view);
}

int fm_listener_pollable(fm_listener *l, intptr_t *out, fm_error *e)
{
  static const fm_readiness readiness = {.ready = QUEUED, .drained = -1, .is_ready = is_ready};
  const int code = fm_object_check_seat(&l->object, e);
  return code == FM_OK ? fm_pollable_open(&l->object, &readiness, out, e) : code;
}

void fm_listener_close(fm_listener *l)
{
  fm_object_free(l ? &l->object : NULL);
}

const char *fm_listener_name(const fm_listener *l)
{
  return fm_object_name(&l->object);
}

/* {-- Connecting -------------------------------------------------------------------------------- */

typedef struct connecting {
  const char *name;
  fm_conn *conn;
  fm_error e; /* of the last try */
  int code;
} connecting;

/* Tries again while a listener may still come, or a connection may be closed. */
static int look_for_listener(void *context, bool thoroughly, fm_error *e)
{
  connecting *k = context;
  (void)thoroughly;
  k->code = fm_conn_connect(&k->conn, k->name, &k->e);
  if (k->code == FM_NOT_FOUND || k->code == FM_FULL) return FM_TIMEOUT;
  if (k->code != FM_OK && e) *e = k->e;
  return k->code;
}

int fm_pipe_connect(fm_conn **out, const char *name, double timeout, fm_error *e)
{
  connecting k = {.name = name, .code = FM_OK};
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_await(&(fm_wait_point){.word = NULL}, timeout, look_for_listener, &k, e);
  if (code == FM_TIMEOUT && k.code != FM_OK) {
    if (e) *e = k.e;
    code = k.code;
  }
  if (code == FM_OK) *out = k.conn;
  return code;
}
