/* One end of a pipe: opening, sending and receiving, closing. pipe.h says how connections work. */
#include <stdlib.h>
#include <string.h>

#include "pipe.h"

/* {-- Opening ----------------------------------------------------------------------------------- */

void fm_conn_free(fm_conn *c)
{
  fm_seat_release(&c->seat);
  fm_wait_point_close(&c->out_data);
  fm_wait_point_close(&c->out_space);
  fm_wait_point_close(&c->in_data);
  fm_wait_point_close(&c->in_space);
  fm_view_close(&c->view);
  close_table(&c->table);
  free(c->buffer);
  free(c->ahead.bytes);
  free(c);
}

static int open_signals(fm_conn *c, fm_error *e)
{
  way *out = &c->words->ways[c->end], *in = &c->words->ways[1 - c->end];
  const fm_map *m = map_of(&c->table);
  const unsigned first = FIRST_SIGNAL + c->place * SIGNALS;
  const unsigned mine = first + 2 * (unsigned)c->end, other = first + 2 * (unsigned)(1 - c->end);
  int code = fm_wait_point_open(&c->out_data, m, mine, &out->data, e);
  if (code == FM_OK) code = fm_wait_point_open(&c->out_space, m, mine + 1, &out->space, e);
  if (code == FM_OK) code = fm_wait_point_open(&c->in_data, m, other, &in->data, e);
  if (code == FM_OK) code = fm_wait_point_open(&c->in_space, m, other + 1, &in->space, e);
  return code;
}

int fm_conn_open(fm_conn *c, fm_error *e)
{
  const fm_header *h = &c->table.block.header;
  const uint32_t ring = h->sizes[RING_SIZE];
  const uint64_t size = conn_size(ring), offset = table_size(h->sizes[PLACES]) + c->place * size;
  int code = fm_view_open(&c->view, map_of(&c->table), offset, size, FM_RW, e);
  if (code == FM_OK) code = fm_view_commit(&c->view, 0, size, e);
  if (code != FM_OK) return code;
  c->words = (conn_words *)(void *)c->view.data;
  if (c->end == CLIENT) memset(c->words, 0, sizeof *c->words);
  c->words->ends[c->end] = OPEN;
  unsigned char *bytes = c->view.data + sizeof *c->words;
  const int other = 1 - c->end;
  code = open_signals(c, e);
  if (code == FM_OK) code = fm_ring_open(&c->out, &c->words->ways[c->end].ring, bytes + (size_t)c->end * ring, ring, e);
  if (code == FM_OK) code = fm_ring_open(&c->in, &c->words->ways[other].ring, bytes + (size_t)other * ring, ring, e);
  return fm_view_is_lost(&c->view) ? fm_fail(e, FM_TRUNCATED, NULL) : code;
}

/* {-- Who lives --------------------------------------------------------------------------------- */

static bool is_waiting(const fm_conn *c)
{
  return c->table.places[c->place] == c->ticket + WAITING && listener_lives(&c->table);
}

static bool other_lives(const fm_conn *c)
{
  const table *t = &c->table;
  if (c->end == SERVER) return fm_seat_is_taken(section_of(t), end_seat(c->place, CLIENT));
  /* Accepted, maybe between two looks: the seat was taken before the word said so. Or it was put back: then the word
  ** said so before the seat was left. */
  return is_waiting(c) || fm_seat_is_taken(section_of(t), end_seat(c->place, SERVER)) || is_waiting(c);
}

static bool other_is_gone(fm_conn *c, bool thoroughly)
{
  if (c->other_died) return true;
  if (atomic_load_explicit(&c->words->ends[1 - c->end], memory_order_acquire) == CLOSED) return true;
  if (!thoroughly) return false;
  c->next_look = fm_sys_ticks() + (uint64_t)(FM_SLICE * 1e3);
  if (other_lives(c)) return false;
  /* For good: another listener may yet accept it, and must find it closed. */
  c->other_died = true;
  c->words->ends[c->end] = CLOSED;
  return true;
}

static int say(const fm_conn *c, int code, fm_error *e)
{
  return fm_view_is_lost(&c->view) ? fm_fail(e, FM_TRUNCATED, NULL) : code;
}

static int check_use(const fm_conn *c, bool stream, double timeout, fm_error *e)
{
  if (fm_conn_is_stream(c) != stream)
    return fm_fail(e, FM_INVALID, stream ? "it is a pipe of messages: they are sent and received"
                                         : "it is a stream: it is written and read");
  if (c->seat.number == 0) return fm_fail(e, FM_DENIED, "it belongs to the process that this one was forked from");
  return fm_check_timeout(timeout, e);
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

/* A dead one is found by who never waits, too: now and then, before the message is on its way. Afterwards the other
** end may have taken it, and closed. */
static int check_now_and_then(fm_conn *c, fm_error *e)
{
  return fm_sys_ticks() < c->next_look ? FM_OK : check_other(c, true, e);
}

static int look_to_put(void *context, bool thoroughly, fm_error *e)
{
  sending *s = context;
  int code = check_other(s->conn, thoroughly, e);
  if (code == FM_OK) code = fm_ring_put(&s->conn->out, s->data, (uint32_t)s->length, e);
  return say(s->conn, code == FM_FULL ? FM_TIMEOUT : code, e);
}

int fm_conn_send(fm_conn *c, const void *data, size_t length, double timeout, fm_error *e)
{
  const uint32_t most = c->table.block.header.sizes[CAPACITY];
  sending s = {c, data, length};
  int code = check_use(c, false, timeout, e);
  if (code != FM_OK) return code;
  if (length > most)
    return fm_fail(e, FM_TOO_LARGE, "a message has %u bytes at most, this one has %llu", (unsigned)most,
                   (unsigned long long)length);
  code = check_now_and_then(c, e);
  if (code == FM_OK) code = fm_await(&c->out_space, timeout, look_to_put, &s, e);
  /* For the other end to give back what it reads, before one that does not sleep comes again. */
  if (code == FM_TIMEOUT && timeout <= 0) fm_announce_wait(&c->out_space);
  if (code == FM_OK) fm_wake(&c->out_data);
  return code;
}

/* Writes on, and lets the other end read meanwhile. */
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
    fm_wake(&s->conn->out_data);
  }
  return say(s->conn, code == FM_FULL ? FM_TIMEOUT : code, e);
}

int fm_conn_write(fm_conn *c, const void *data, size_t *length, double timeout, fm_error *e)
{
  sending s = {c, data, *length};
  int code = check_use(c, true, timeout, e);
  if (code == FM_OK) code = check_now_and_then(c, e);
  if (code == FM_OK) code = fm_await(&c->out_space, timeout, look_to_write, &s, e);
  *length -= s.length;
  return code;
}

/* {-- Receiving --------------------------------------------------------------------------------- */

typedef struct receiving {
  fm_conn *conn;
  void *out;
  uint32_t length;
  bool given; /* was room given back? */
  int (*take)(struct receiving *r, fm_error *e); /* FM_TIMEOUT if there is nothing */
} receiving;

static int look_to_take(void *context, bool thoroughly, fm_error *e)
{
  receiving *r = context;
  int code = r->take(r, e);
  if (code == FM_TIMEOUT && other_is_gone(r->conn, thoroughly)) {
    code = r->take(r, e); /* what came before it went */
    if (code == FM_TIMEOUT) code = fm_fail(e, FM_CLOSED, NULL);
  }
  return say(r->conn, code, e);
}

/* Who finds nothing gives back all the room first. */
static int take(receiving *r, double timeout, fm_error *e)
{
  const int code = look_to_take(r, false, e);
  if (code != FM_TIMEOUT) return code;
  fm_ring_give_back(&r->conn->in);
  fm_wake(&r->conn->in_space);
  return fm_await(&r->conn->in_data, timeout, look_to_take, r, e);
}

static int take_next(receiving *r, fm_error *e)
{
  return fm_ring_next(&r->conn->in, &r->length, e);
}

int fm_conn_receive(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e)
{
  receiving r = {c, NULL, 0, false, take_next};
  int code = check_use(c, false, timeout, e);
  if (code == FM_OK) code = take(&r, timeout, e);
  if (code == FM_OK && !fm_grow(&c->buffer, &c->buffer_size, r.length)) code = fm_fail(e, FM_NO_MEMORY, NULL);
  if (code != FM_OK) return code;
  if (fm_ring_get(&c->in, c->buffer, r.length, fm_is_awaited(&c->in_space))) fm_wake(&c->in_space);
  if (fm_view_is_lost(&c->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  *data = c->buffer;
  *length = r.length;
  return FM_OK;
}

static int take_bytes(receiving *r, fm_error *e)
{
  return fm_ring_read(&r->conn->in, r->out, &r->length, fm_is_awaited(&r->conn->in_space), &r->given, e);
}

int fm_conn_read_ring(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e)
{
  receiving r = {c, out, *length < FM_RING_MOST ? (uint32_t)*length : FM_RING_MOST, false, take_bytes};
  int code = check_use(c, true, timeout, e);
  if (code == FM_OK) code = take(&r, timeout, e);
  if (code != FM_OK) return code;
  if (r.given) fm_wake(&c->in_space);
  *length = r.length;
  return FM_OK;
}

fm_ahead *fm_conn_ahead(fm_conn *c)
{
  return &c->ahead;
}

int fm_conn_check_stream(const fm_conn *c, double timeout, fm_error *e)
{
  return check_use(c, true, timeout, e);
}

/* {-- The rest ---------------------------------------------------------------------------------- */

const char *fm_conn_name(const fm_conn *c)
{
  return fm_map_label(map_of(&c->table));
}

bool fm_conn_is_stream(const fm_conn *c)
{
  return c->table.block.header.sizes[IS_STREAM];
}

/* The end that goes last frees the place, while its seat keeps others from it. */
void fm_conn_close(fm_conn *c)
{
  if (!c) return;
  if (c->seat.number) {
    c->words->ends[c->end] = CLOSED;
    fm_wake(&c->out_data);
    fm_wake(&c->in_space);
    uint32_t accepted = c->ticket + ACCEPTED;
    if (other_is_gone(c, true)) atomic_compare_exchange_strong(&c->table.places[c->place], &accepted, FREE);
  }
  fm_conn_free(c);
}
