/* One end of a connection of a pipe: opening, sending and receiving, closing.
**
** The memory of a connection is conn_words and the bytes of two rings: ways[FM_CLIENT] carries what the
** client sends, ways[FM_SERVER] what the server sends. Each end has a word that is OPEN or CLOSED. An end
** that died without closing is known by its seat. The other end still receives what such an end has sent: it
** looks into the ring once more after it saw that the end is gone. */
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "ring.h"
#include "source.h"
#include "stream.h"

typedef struct way {
  fm_ring_words ring;
  fm_word32 data; /* a wait point: something was sent */
  uint32_t unused_1[15];
  fm_word32 space; /* a wait point: something was received */
  uint32_t unused_2[15];
} way;

typedef struct conn_words {
  fm_word32 ends[2];
  uint32_t unused[14];
  way ways[2];
} conn_words;

_Static_assert(sizeof(conn_words) == FM_CONN_WORDS_SIZE, "32- and 64-bit processes use the same layout");

enum { NOT_OPENED, OPEN, CLOSED };
enum { OUT_DATA, OUT_SPACE, IN_DATA, IN_SPACE, POINTS, QUEUED = POINTS }; /* in points */

struct fm_conn {
  fm_object object;
  fm_view view; /* of the connection's memory */
  conn_words *words;
  fm_place place;
  fm_end end;
  bool other_died;
  fm_ring out, in;
  uint64_t next_check; /* when to check whether the other end lives, by fm_sys_ticks */
  fm_ahead ahead;
};

static fm_conn *to_conn(fm_object *o)
{
  return (fm_conn *)(void *)o;
}

static fm_wait_point *point(fm_conn *c, int at)
{
  return &c->object.points[at];
}

/* {-- Opening ----------------------------------------------------------------------------------- */

/* The wait points of the table and of all places have indices of their own. */
static int open_points(fm_conn *c, fm_error *e)
{
  const fm_end other = 1 - c->end;
  way *out = &c->words->ways[c->end], *in = &c->words->ways[other];
  const unsigned first = 1 + c->place.number * POINTS, mine = first + 2 * (unsigned)c->end;
  const unsigned others = first + 2 * (unsigned)other;
  int code = fm_object_wait_point(&c->object, OUT_DATA, mine, &out->data, e);
  if (code == FM_OK) code = fm_object_wait_point(&c->object, OUT_SPACE, mine + 1, &out->space, e);
  if (code == FM_OK) code = fm_object_wait_point(&c->object, IN_DATA, others, &in->data, e);
  if (code == FM_OK) code = fm_object_wait_point(&c->object, IN_SPACE, others + 1, &in->space, e);
  return code;
}

/* Opens the connection's memory, and leaves nothing open after a failure. A client commits the memory and
** clears its words. */
static int open_memory(fm_conn *c, fm_end end, uint32_t number, fm_error *e)
{
  const fm_header *h = &c->object.header;
  const uint32_t ring = h->sizes[FM_PIPE_RING_SIZE], longest = h->sizes[FM_PIPE_CAPACITY];
  const uint64_t size = fm_pipe_conn_size(ring);
  c->end = end;
  c->place.number = number;
  int code =
      fm_view_open(&c->view, fm_view_map(&c->object.view), fm_pipe_conn_offset(h, number), size, FM_RW, e);
  if (code != FM_OK) return code;
  code = fm_view_commit(&c->view, 0, size, e);
  if (code == FM_OK) {
    unsigned char *rings = c->view.data + sizeof *c->words;
    c->words = (conn_words *)(void *)c->view.data;
    if (end == FM_CLIENT) memset(c->words, 0, sizeof *c->words);
    c->words->ends[end] = OPEN;
    c->out = fm_ring_of(&c->words->ways[end].ring, rings + (size_t)end * ring, ring, longest);
    c->in = fm_ring_of(&c->words->ways[1 - end].ring, rings + (size_t)(1 - end) * ring, ring, longest);
    code = open_points(c, e);
  }
  if (code == FM_OK) code = fm_ring_load(&c->out, e);
  if (code == FM_OK) code = fm_ring_load(&c->in, e);
  code = fm_prefer_truncated(&c->view, code, e);
  if (code != FM_OK) fm_view_close(&c->view);
  return code;
}

static int attach_client(fm_object *o, fm_error *e)
{
  return fm_pipe_open_queued(o, QUEUED, e);
}

static int enter_as_client(fm_object *o, fm_error *e)
{
  fm_conn *c = to_conn(o);
  uint32_t number = 0;
  if (!fm_pipe_has_listener(o)) return fm_fail(e, FM_NOT_FOUND, "no process listens");
  int code = fm_pipe_claim_free(o, &o->seat, &number, e);
  FM_TEST_HOOK("seated");
  if (code == FM_OK) code = open_memory(c, FM_CLIENT, number, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("ready");
  c->place = fm_pipe_queue(o, number);
  FM_TEST_HOOK("waiting");
  fm_wake(point(c, QUEUED));
  fm_wait_point_close(point(c, QUEUED));
  return FM_OK;
}

/* A client whose connection cannot be opened for want of memory or descriptors waits again. A client whose
** memory is damaged does not. */
static int enter_as_server(fm_object *o, fm_error *e)
{
  fm_place place = {.number = 0};
  int code = fm_pipe_claim_waiting(o, &o->seat, &place, e);
  if (code != FM_OK) return code;
  code = open_memory(to_conn(o), FM_SERVER, place.number, e);
  to_conn(o)->place = place;
  if (code != FM_OK && code != FM_CORRUPT && code != FM_TRUNCATED) fm_pipe_requeue(o, place);
  return code;
}

static bool other_is_gone(fm_conn *c, bool thoroughly);

/* The end that closes last frees the place, while its seat keeps other processes from it. */
static void leave(fm_object *o)
{
  fm_conn *c = to_conn(o);
  c->words->ends[c->end] = CLOSED;
  fm_wake(point(c, OUT_DATA));
  fm_wake(point(c, IN_SPACE));
  if (other_is_gone(c, true)) fm_pipe_free(o, c->place);
  fm_view_close(&c->view);
}

static const fm_role client = {
  .kind = FM_OBJECT_PIPE, .version = FM_PIPE_VERSION, .size = sizeof(fm_conn), .opens = true,
  .check = fm_pipe_check, .attach = attach_client, .enter = enter_as_client, .leave = leave,
};

static const fm_role server = {
  .kind = FM_OBJECT_PIPE, .version = FM_PIPE_VERSION, .size = sizeof(fm_conn), .check = fm_pipe_check,
  .enter = enter_as_server, .leave = leave,
};

int fm_conn_connect(fm_conn **out, const char *name, fm_error *e)
{
  return fm_object_new(out, &client, &(fm_object_request){.name = name}, e);
}

typedef struct accepting {
  const fm_object *listener;
  fm_conn *conn;
} accepting;

static int look_for_client(void *context, bool thoroughly, fm_error *e)
{
  accepting *a = context;
  (void)thoroughly;
  return fm_object_share(&a->conn->object, &server, a->listener, e);
}

int fm_conn_accept(fm_conn **out, const fm_object *listener, fm_wait_point *queued, double timeout,
                   fm_error *e)
{
  fm_conn *c = calloc(1, sizeof *c);
  if (!c) return fm_fail(e, FM_NO_MEMORY, NULL);
  accepting a = {.listener = listener, .conn = c};
  const int code = fm_await(queued, timeout, look_for_client, &a, e);
  if (code == FM_OK) *out = c;
  else free(c);
  return code;
}

/* {-- Liveness ---------------------------------------------------------------------------------- */

/* A client is accepted after the server's seat was acquired, and put back before that seat is released. So if
** the place is not waiting, and then the seat is free, and then the place still is not waiting, the server is
** dead. */
static bool other_lives(const fm_conn *c)
{
  const fm_object *o = &c->object;
  if (c->end == FM_SERVER) return fm_pipe_end_lives(o, c->place, FM_CLIENT);
  return fm_pipe_is_waiting(o, c->place) || fm_pipe_end_lives(o, c->place, FM_SERVER) ||
         fm_pipe_is_waiting(o, c->place);
}

static bool other_is_gone(fm_conn *c, bool thoroughly)
{
  if (c->other_died) return true;
  if (atomic_load_explicit(&c->words->ends[1 - c->end], memory_order_acquire) == CLOSED) return true;
  if (!thoroughly) return false;
  c->next_check = fm_sys_ticks() + (uint64_t)(FM_SLICE * 1e3);
  if (other_lives(c)) return false;
  /* This end stays closed, also if the listener accepts it after all. */
  c->other_died = true;
  c->words->ends[c->end] = CLOSED;
  return true;
}

static int check_use(fm_conn *c, bool stream, double timeout, fm_error *e)
{
  if (fm_conn_is_stream(c) != stream)
    return fm_fail(e, FM_INVALID, stream ? "it is a pipe of messages, for send and receive"
                                         : "it is a stream, for write and read");
  const int code = fm_object_check_seat(&c->object, e);
  return code == FM_OK ? fm_check_timeout(timeout, e) : code;
}

/* {-- Sending ----------------------------------------------------------------------------------- */

typedef struct sending {
  fm_conn *conn;
  const char *data;
  size_t length;
} sending;

static int check_other(fm_conn *c, bool thoroughly, fm_error *e)
{
  return other_is_gone(c, thoroughly) ? fm_fail(e, FM_CLOSED, NULL) : FM_OK;
}

/* A sender that never waits must notice a dead other end too. It checks liveness every FM_SLICE, and before
** it sends: afterwards the other end may have received the message and closed. */
static int check_sometimes(fm_conn *c, fm_error *e)
{
  return fm_sys_ticks() < c->next_check ? FM_OK : check_other(c, true, e);
}

static int look_to_put(void *context, bool thoroughly, fm_error *e)
{
  sending *s = context;
  int code = check_other(s->conn, thoroughly, e);
  if (code == FM_OK) code = fm_ring_put(&s->conn->out, s->data, (uint32_t)s->length, e);
  return fm_prefer_truncated(&s->conn->view, code == FM_FULL ? FM_TIMEOUT : code, e);
}

int fm_conn_send(fm_conn *c, const void *data, size_t length, double timeout, fm_error *e)
{
  sending s = {.conn = c, .data = data, .length = length};
  int code = check_use(c, false, timeout, e);
  if (code != FM_OK) return code;
  if (length > c->out.longest)
    return fm_fail(e, FM_TOO_LARGE, "a message of %llu bytes is past the capacity of %u bytes",
                   (unsigned long long)length, (unsigned)c->out.longest);
  code = check_sometimes(c, e);
  if (code == FM_OK) code = fm_await(point(c, OUT_SPACE), timeout, look_to_put, &s, e);
  /* The other end stores its head while a process waits. This one does not sleep, but will send again. */
  if (code == FM_TIMEOUT && timeout <= 0) fm_announce_wait(point(c, OUT_SPACE));
  if (code == FM_OK) fm_wake(point(c, OUT_DATA));
  return code;
}

/* Writes as many bytes as there is room for, and wakes the other end after each part. */
static int look_to_write(void *context, bool thoroughly, fm_error *e)
{
  sending *s = context;
  int code = check_other(s->conn, thoroughly, e);
  while (code == FM_OK && s->length > 0) {
    uint32_t part = s->length < FM_RING_MOST ? (uint32_t)s->length : FM_RING_MOST;
    code = fm_ring_write(&s->conn->out, s->data, &part, e);
    if (code != FM_OK) break;
    s->data += part;
    s->length -= part;
    fm_wake(point(s->conn, OUT_DATA));
  }
  return fm_prefer_truncated(&s->conn->view, code == FM_FULL ? FM_TIMEOUT : code, e);
}

int fm_conn_write(fm_conn *c, const void *data, size_t *length, double timeout, fm_error *e)
{
  sending s = {.conn = c, .data = data, .length = *length};
  int code = check_use(c, true, timeout, e);
  if (code == FM_OK) code = check_sometimes(c, e);
  if (code == FM_OK) code = fm_await(point(c, OUT_SPACE), timeout, look_to_write, &s, e);
  *length -= s.length;
  return code;
}

/* {-- Receiving --------------------------------------------------------------------------------- */

typedef struct receiving {
  fm_conn *conn;
  void *out;
  uint32_t length;
  bool stored; /* was the head stored? */
  int (*get)(struct receiving *r, fm_error *e); /* FM_TIMEOUT if there is nothing */
} receiving;

static int look_to_get(void *context, bool thoroughly, fm_error *e)
{
  receiving *r = context;
  int code = r->get(r, e);
  FM_TEST_HOOK("got");
  if (code == FM_TIMEOUT && other_is_gone(r->conn, thoroughly)) {
    code = r->get(r, e); /* the other end may have sent this before it was gone */
    if (code == FM_TIMEOUT) code = fm_fail(e, FM_CLOSED, NULL);
  }
  return fm_prefer_truncated(&r->conn->view, code, e);
}

/* A reader that finds nothing stores its head before it waits: the writer may be waiting for room. */
static int get(receiving *r, double timeout, fm_error *e)
{
  const int code = look_to_get(r, false, e);
  if (code != FM_TIMEOUT) return code;
  fm_ring_store_head(&r->conn->in);
  fm_wake(point(r->conn, IN_SPACE));
  return fm_await(point(r->conn, IN_DATA), timeout, look_to_get, r, e);
}

static int get_next(receiving *r, fm_error *e)
{
  return fm_ring_next(&r->conn->in, &r->length, e);
}

int fm_conn_receive(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e)
{
  receiving r = {.conn = c, .get = get_next};
  int code = check_use(c, false, timeout, e);
  if (code == FM_OK) code = get(&r, timeout, e);
  if (code == FM_OK) code = fm_object_reserve(&c->object, r.length, e);
  if (code != FM_OK) return fm_settled(&c->object, code);
  if (fm_ring_get(&c->in, c->object.buffer, r.length, fm_is_awaited(point(c, IN_SPACE))))
    fm_wake(point(c, IN_SPACE));
  code = fm_settled(&c->object, fm_prefer_truncated(&c->view, FM_OK, e));
  if (code != FM_OK) return code;
  *data = c->object.buffer;
  *length = r.length;
  return FM_OK;
}

static int get_bytes(receiving *r, fm_error *e)
{
  return fm_ring_read(&r->conn->in, r->out, &r->length, fm_is_awaited(point(r->conn, IN_SPACE)), &r->stored,
                      e);
}

int fm_conn_read_ring(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e)
{
  const uint32_t most = *length < FM_RING_MOST ? (uint32_t)*length : FM_RING_MOST;
  receiving r = {.conn = c, .out = out, .length = most, .get = get_bytes};
  int code = check_use(c, true, timeout, e);
  if (code == FM_OK) code = get(&r, timeout, e);
  if (code != FM_OK) return code;
  if (r.stored) fm_wake(point(c, IN_SPACE));
  *length = r.length;
  return FM_OK;
}

/* Reads no bytes: it only finds out whether there are any. */
static int get_none(receiving *r, fm_error *e)
{
  uint32_t none = 0;
  return fm_ring_read(&r->conn->in, NULL, &none, false, &r->stored, e);
}

/* While later sources are ready, no look is a thorough one. So each FM_SLICE this end checks the other one by
** itself. */
static int look_for_bytes(fm_source *source, bool thoroughly, fm_error *e)
{
  fm_conn *c = source->object;
  thoroughly = thoroughly || fm_sys_ticks() >= c->next_check;
  receiving r = {.conn = c, .get = fm_conn_is_stream(c) ? get_none : get_next};
  if (c->ahead.end > c->ahead.start) return FM_OK;
  return look_to_get(&r, thoroughly, e) == FM_TIMEOUT ? FM_TIMEOUT : FM_OK;
}

/* The reader stores its head before it waits: the writer may be waiting for room. */
static void make_room(fm_source *source)
{
  fm_conn *c = source->object;
  fm_ring_store_head(&c->in);
  fm_wake(point(c, IN_SPACE));
}

int fm_conn_source(fm_conn *c, fm_source *out, fm_error *e)
{
  *out = (fm_source){.object = c, .point = point(c, IN_DATA), .look = look_for_bytes, .prepare = make_room};
  return fm_object_check_seat(&c->object, e);
}

/* An event loop waits only after the reader has stored its head, for the same reason. */
static void note_position(fm_object *o, fm_noted *n)
{
  fm_conn *c = to_conn(o);
  n->position = c->in.head;
  n->is_ahead = c->ahead.end > c->ahead.start;
  n->is_gone = n->is_gone || c->other_died;
  if (atomic_load(&c->in.shared->tail) != c->in.head) return;
  fm_ring_store_head(&c->in);
  fm_wake(point(c, IN_SPACE));
}

static bool is_ready(const fm_object *o, fm_noted *n, bool thoroughly)
{
  const fm_conn *c = (const fm_conn *)(const void *)o;
  if (n->is_ahead || n->is_gone || fm_view_is_lost(&c->view)) return true;
  if (atomic_load(&c->in.shared->tail) != (uint32_t)n->position) return true;
  n->is_gone = c->words->ends[1 - c->end] == CLOSED || (thoroughly && !other_lives(c));
  return n->is_gone;
}

int fm_conn_pollable(fm_conn *c, intptr_t *out, fm_error *e)
{
  static const fm_readiness readiness = {
    .ready = IN_DATA, .drained = -1, .note = note_position, .is_ready = is_ready};
  const int code = fm_object_check_seat(&c->object, e);
  return code == FM_OK ? fm_pollable_open(&c->object, &readiness, out, e) : code;
}

int fm_conn_settled(fm_conn *c, int code)
{
  return fm_settled(&c->object, code);
}

fm_ahead *fm_conn_ahead(fm_conn *c)
{
  return &c->ahead;
}

int fm_conn_check_stream(fm_conn *c, double timeout, fm_error *e)
{
  return check_use(c, true, timeout, e);
}

/* {-- Properties -------------------------------------------------------------------------------- */

const char *fm_conn_name(const fm_conn *c)
{
  return fm_object_name(&c->object);
}

bool fm_conn_is_stream(const fm_conn *c)
{
  return c->object.header.sizes[FM_PIPE_IS_STREAM];
}

/* In a forked child no seat is held and `leave` is not called, so the view is still open here. */
void fm_conn_close(fm_conn *c)
{
  if (!c) return;
  fm_object_close(&c->object);
  fm_view_close(&c->view);
  free(c->ahead.bytes);
  free(c);
}
