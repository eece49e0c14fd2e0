/* Pipes: a table of connections in one section, each with a ring (ring.h) for either way. The section is only
** reserved; who connects takes the memory of his connection.
**
** Seats tell who lives: one is the listener's, and each connection has one for either end.
**
** The table has a word for each connection, which says what it is: free, waiting for the listener to accept it, or
** accepted. In its upper bits is a ticket, which makes each use of the place another word, and says who came first.
**   free -> waiting       by the client, who has its end's seat and has put the connection in order
**   waiting -> accepted   by the listener, who has taken the other end's seat
**   accepted -> waiting   by the listener, who has not the memory or descriptors to go on, while it has the seat
**   accepted -> free      by the end that closes last, while it has its seat
** A client that finds an accepted one with no living end takes it as free. One that dies before it is waiting leaves a
** free one. One that closes or dies while it waits is accepted all the same: what it sent is still to be received.
**
** In a connection each end has a word: 1 open, 2 closed. An end that is dead but not closed is known by its seat. What
** is in its ring counts: it is looked at once more after that was seen.
**
** Layout: fm_header (sizes: see enum), pipe_words, the table, and from the next page on the connections. */
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "ring.h"

typedef struct pipe_words {
  fm_header header;
  fm_word32 listening; /* 1 while there is a listener; one that dies leaves it */
  fm_word32 ticket;    /* the next one */
  uint32_t unused_1[14];
  fm_word32 waiting;   /* a signal: somebody connected */
  uint32_t unused_2[15];
} pipe_words;

_Static_assert(sizeof(pipe_words) == 192, "the layout is the same for all");

typedef struct way {
  fm_ring_words ring;
  fm_word32 data; /* a signal: something came */
  uint32_t unused_1[15];
  fm_word32 space; /* a signal: something went */
  uint32_t unused_2[15];
} way;

typedef struct conn_words {
  fm_word32 ends[2];
  uint32_t unused[14];
  way ways[2]; /* from end 0, from end 1 */
} conn_words;

enum { PLACES, RING_SIZE, CAPACITY, IS_STREAM }; /* in sizes */
enum { CLIENT, SERVER };
enum { NEVER, OPEN, CLOSED };
enum { FREE, WAITING, ACCEPTED, STATE = 3, TICKET = 4 }; /* in the table: state, and ticket times TICKET */
enum { LISTENER_SEAT = 1, END_SEATS = 2, SIGNALS = 4, FIRST_SIGNAL = 1, PAGE = 4096, MOST_PLACES = 1024 };

/* The reserved addresses of all connections together, where that leaves a few. */
static const uint64_t most_reserved = (uint64_t)1 << 30;

/* The section, as each of its users has it. */
typedef struct table {
  fm_block block;
  fm_view view; /* of words and table */
  pipe_words *words;
  fm_word32 *places;
} table;

struct fm_listener {
  table table;
  fm_signal waiting;
  fm_seat seat;
};

struct fm_conn {
  table table;
  fm_view view;
  conn_words *words;
  uint32_t place, ticket;
  int end; /* ours */
  bool other_died;
  fm_seat seat;
  fm_ring out, in;
  fm_signal out_data, out_space, in_data, in_space;
  uint64_t next_look; /* when to see whether the other end lives, by fm_ticks */
  unsigned char *buffer;
  uint32_t buffer_size;
};

/* {-- The section ------------------------------------------------------------------------------- */

static uint64_t table_size(uint32_t places)
{
  return (sizeof(pipe_words) + places * (uint64_t)sizeof(fm_word32) + PAGE - 1) / PAGE * PAGE;
}

static uint64_t conn_size(uint32_t ring)
{
  return (sizeof(conn_words) + 2 * (uint64_t)ring + PAGE - 1) / PAGE * PAGE;
}

static uint64_t whole_size(uint32_t places, uint32_t ring)
{
  return table_size(places) + places * conn_size(ring);
}

static void close_table(table *t)
{
  fm_view_close(&t->view);
  fm_block_close(&t->block);
}

static int check_sizes(const fm_header *h, fm_error *e)
{
  const uint32_t ring = h->sizes[RING_SIZE], places = h->sizes[PLACES], capacity = h->sizes[CAPACITY];
  const bool good = places >= 1 && places <= MOST_PLACES && ring >= 64 && (ring & (ring - 1)) == 0 &&
                    ring <= FM_RING_MOST && fm_ring_size(capacity) == ring && h->sizes[IS_STREAM] <= 1 &&
                    h->size >= whole_size(places, ring);
  return good ? FM_OK : fm_fail(e, FM_CORRUPT, NULL);
}

static int open_table(table *t, fm_error *e)
{
  const uint32_t places = t->block.header.sizes[PLACES];
  int code = check_sizes(&t->block.header, e);
  if (code == FM_OK) code = fm_view_open(&t->view, t->block.map, 0, table_size(places), FM_RW, e);
  if (code != FM_OK) return code;
  t->words = (pipe_words *)(void *)t->view.data;
  t->places = (fm_word32 *)(void *)(t->words + 1);
  return fm_view_commit(&t->view, 0, table_size(places), e);
}

/* Another hold of the same section, for a connection. */
static int share_table(table *out, const table *t, fm_error *e)
{
  out->block.header = t->block.header;
  const int code = fm_view_sub(&out->view, &t->view, 0, t->view.size, FM_RW, e);
  out->words = t->words;
  out->places = t->places;
  return code;
}

static fm_map *map_of(const table *t)
{
  return fm_view_map(&t->view);
}

static uint32_t end_seat(uint32_t place, int end)
{
  return END_SEATS + 2 * place + (uint32_t)end;
}

static bool listener_lives(const table *t)
{
  return t->words->listening == 1 && fm_seat_is_taken(map_of(t), LISTENER_SEAT);
}

/* {-- Connections: opening ---------------------------------------------------------------------- */

static void free_conn(fm_conn *c)
{
  fm_seat_leave(&c->seat);
  fm_signal_close(&c->out_data);
  fm_signal_close(&c->out_space);
  fm_signal_close(&c->in_data);
  fm_signal_close(&c->in_space);
  fm_view_close(&c->view);
  close_table(&c->table);
  free(c->buffer);
  free(c);
}

static int open_signals(fm_conn *c, fm_error *e)
{
  way *out = &c->words->ways[c->end], *in = &c->words->ways[1 - c->end];
  const fm_map *m = map_of(&c->table);
  const unsigned first = FIRST_SIGNAL + c->place * SIGNALS;
  const unsigned mine = first + 2 * (unsigned)c->end, other = first + 2 * (unsigned)(1 - c->end);
  int code = fm_signal_open(&c->out_data, m, mine, &out->data, e);
  if (code == FM_OK) code = fm_signal_open(&c->out_space, m, mine + 1, &out->space, e);
  if (code == FM_OK) code = fm_signal_open(&c->in_data, m, other, &in->data, e);
  if (code == FM_OK) code = fm_signal_open(&c->in_space, m, other + 1, &in->space, e);
  return code;
}

/* Views the connection's memory; a client takes it, and puts it in order. */
static int open_words(fm_conn *c, fm_error *e)
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

/* {-- Connecting -------------------------------------------------------------------------------- */

/* Takes the client's seat at a place that is free, or whose ends have both died; FM_IN_USE if it is neither. */
static int take_place(fm_conn *c, uint32_t place, bool reclaim, fm_error *e)
{
  const table *t = &c->table;
  const uint32_t state = t->places[place] % TICKET;
  if (state != (reclaim ? ACCEPTED : FREE)) return FM_IN_USE;
  const int code = fm_seat_take(&c->seat, map_of(t), end_seat(place, CLIENT), e);
  if (code != FM_OK) return code;
  /* Between the look and the seat another may have come and gone on to wait. */
  if (t->places[place] % TICKET == state && !fm_seat_is_taken(map_of(t), end_seat(place, SERVER))) {
    c->place = place;
    return FM_OK;
  }
  fm_seat_leave(&c->seat);
  return FM_IN_USE;
}

static int find_place(fm_conn *c, fm_error *e)
{
  const uint32_t places = c->table.block.header.sizes[PLACES];
  for (int reclaim = 0; reclaim < 2; reclaim++)
    for (uint32_t i = 0; i < places; i++) {
      const int code = take_place(c, i, reclaim, e);
      if (code != FM_IN_USE) return code;
    }
  return fm_fail(e, FM_FULL, "it has as many connections as it can");
}

static int connect(fm_conn *c, const char *name, fm_error *e)
{
  table *t = &c->table;
  int code = fm_block_open(&t->block, name, FM_BLOCK_PIPE, false, e);
  if (code == FM_OK) code = open_table(t, e);
  if (code == FM_OK && !listener_lives(t)) code = fm_fail(e, FM_NOT_FOUND, "nobody listens");
  if (code == FM_OK) code = find_place(c, e);
  FM_STEP("seated");
  if (code == FM_OK) code = open_words(c, e);
  if (code != FM_OK) return code;
  fm_signal waiting;
  code = fm_signal_open(&waiting, map_of(t), 0, &t->words->waiting, e);
  if (code != FM_OK) return code;
  FM_STEP("ready");
  c->ticket = atomic_fetch_add(&t->words->ticket, 1) * TICKET;
  t->places[c->place] = c->ticket + WAITING;
  FM_STEP("waiting");
  fm_signal_wake(&waiting);
  fm_signal_close(&waiting);
  return FM_OK;
}

typedef struct connecting {
  const char *name;
  fm_conn *conn;
  fm_error e;
  int code;
} connecting;

/* What may still come counts as not yet; the last failure is the one to tell. */
static int look_for_listener(void *context, bool thoroughly, fm_error *e)
{
  connecting *k = context;
  (void)thoroughly;
  fm_conn *c = calloc(1, sizeof *c);
  if (!c) return fm_fail(e, FM_NO_MEMORY, NULL);
  k->code = connect(c, k->name, &k->e);
  if (k->code == FM_OK) k->conn = c;
  else free_conn(c);
  if (k->code == FM_NOT_FOUND || k->code == FM_FULL) return FM_TIMEOUT;
  if (k->code != FM_OK && e) *e = k->e;
  return k->code;
}

int fm_pipe_connect(fm_conn **out, const char *name, double timeout, fm_error *e)
{
  connecting k = {name, NULL, {FM_OK, 0, ""}, FM_OK};
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_await(&(fm_signal){.word = NULL}, timeout, look_for_listener, &k, e);
  if (code == FM_TIMEOUT && e) *e = k.e;
  if (code == FM_TIMEOUT) return k.code;
  if (code == FM_OK) *out = k.conn;
  return code;
}

/* {-- Listening --------------------------------------------------------------------------------- */

static void free_listener(fm_listener *l)
{
  fm_seat_leave(&l->seat);
  fm_signal_close(&l->waiting);
  close_table(&l->table);
  free(l);
}

static int finish_listener(fm_listener **out, fm_listener *l, int code, fm_error *e)
{
  if (code == FM_OK) code = open_table(&l->table, e);
  if (code == FM_OK) {
    code = fm_seat_take(&l->seat, map_of(&l->table), LISTENER_SEAT, e);
    if (code == FM_IN_USE) code = fm_fail(e, FM_EXISTS, "another listens");
  }
  if (code == FM_OK) code = fm_signal_open(&l->waiting, map_of(&l->table), 0, &l->table.words->waiting, e);
  if (code == FM_OK) {
    l->table.words->listening = 1;
    *out = l;
  } else {
    free_listener(l);
  }
  return code;
}

static fm_listener *new_listener(fm_error *e)
{
  fm_listener *l = calloc(1, sizeof *l);
  if (!l) fm_fail(e, FM_NO_MEMORY, NULL);
  return l;
}

static int make(fm_listener **out, const char *name, const fm_header *h, const fm_options *o, fm_error *e)
{
  fm_listener *l = new_listener(e);
  return l ? finish_listener(out, l, fm_block_create(&l->table.block, name, h, false, o, e), e) : FM_NO_MEMORY;
}

/* Goes on where the listener has gone, but connections are left. */
static int take_over(fm_listener **out, const char *name, const fm_header *h, fm_error *e)
{
  fm_listener *l = new_listener(e);
  if (!l) return FM_NO_MEMORY;
  int code = fm_block_open(&l->table.block, name, FM_BLOCK_PIPE, false, e);
  const fm_header *has = &l->table.block.header;
  if (code == FM_OK && memcmp(has->sizes, h->sizes, sizeof h->sizes) != 0)
    code = fm_seat_is_taken(l->table.block.map, LISTENER_SEAT)
             ? fm_fail(e, FM_EXISTS, "another listens")
             : fm_fail(e, FM_EXISTS, "connections of another capacity or kind go on under it");
  return finish_listener(out, l, code, e);
}

int fm_pipe_listen(fm_listener **out, const char *name, uint64_t capacity, bool stream, const fm_options *o,
                   fm_error *e)
{
  if (capacity == 0) capacity = FM_CAPACITY;
  const uint32_t ring = fm_ring_size(capacity);
  if (ring == 0) return fm_fail(e, FM_TOO_LARGE, "a pipe holds %u bytes at most", FM_CAPACITY_MOST);
  const uint64_t fitting = most_reserved / conn_size(ring);
  const uint32_t places = fitting > MOST_PLACES ? MOST_PLACES : fitting < 4 ? 4 : (uint32_t)fitting;
  const fm_header h = {.kind = FM_BLOCK_PIPE, .size = whole_size(places, ring),
                       .sizes = {places, ring, (uint32_t)capacity, stream}};
  for (int round = 0; round < 100; round++) {
    int code = make(out, name, &h, o, e);
    if (code == FM_EXISTS) code = take_over(out, name, &h, e);
    if (code != FM_NOT_FOUND) return code;
  }
  return fm_fail(e, FM_IN_USE, "it comes and goes too fast");
}

/* The place of who waits longest; as many as there are if nobody does. *word is what says so. */
static uint32_t find_waiting(const table *t, uint32_t *word)
{
  const uint32_t places = t->block.header.sizes[PLACES], now = t->words->ticket;
  uint32_t longest = 0, which = places;
  for (uint32_t i = 0; i < places; i++) {
    const uint32_t w = t->places[i], age = (now - w / TICKET) & (UINT32_MAX / TICKET);
    if (w % TICKET != WAITING || (which < places && age <= longest)) continue;
    longest = age;
    which = i;
    *word = w;
  }
  return which;
}

/* Accepts who waits longest, whose server's seat is ours then: FM_TIMEOUT if nobody does. */
static int take_waiting(fm_listener *l, fm_conn *c, fm_error *e)
{
  const table *t = &l->table;
  uint32_t word = 0;
  const uint32_t which = find_waiting(t, &word);
  if (which == t->block.header.sizes[PLACES]) return FM_TIMEOUT;
  const int code = fm_seat_take(&c->seat, map_of(t), end_seat(which, SERVER), e);
  if (code != FM_OK) return code == FM_IN_USE ? FM_TIMEOUT : code;
  FM_STEP("accepting");
  c->place = which;
  c->ticket = word - WAITING;
  if (atomic_compare_exchange_strong(&t->places[which], &word, c->ticket + ACCEPTED)) return FM_OK;
  fm_seat_leave(&c->seat);
  return FM_TIMEOUT;
}

/* Lets it wait again, for want of what it takes to go on. Damaged ones do not come again. */
static void put_back(fm_conn *c, int code)
{
  if (code == FM_CORRUPT || code == FM_TRUNCATED) return;
  c->table.places[c->place] = c->ticket + WAITING;
}

typedef struct accepting {
  fm_listener *listener;
  fm_conn *conn;
} accepting;

static int look_for_client(void *context, bool thoroughly, fm_error *e)
{
  accepting *a = context;
  (void)thoroughly;
  const int code = take_waiting(a->listener, a->conn, e);
  return fm_view_is_lost(&a->listener->table.view) ? fm_fail(e, FM_TRUNCATED, NULL) : code;
}

int fm_pipe_accept(fm_listener *l, double timeout, fm_conn **out, fm_error *e)
{
  int code = fm_check_timeout(timeout, e);
  if (code != FM_OK) return code;
  if (l->seat.number == 0) return fm_fail(e, FM_DENIED, "it belongs to the process that this one was forked from");
  fm_conn *c = calloc(1, sizeof *c);
  if (!c) return fm_fail(e, FM_NO_MEMORY, NULL);
  c->end = SERVER;
  code = share_table(&c->table, &l->table, e);
  if (code == FM_OK) code = fm_await(&l->waiting, timeout, look_for_client, &(accepting){l, c}, e);
  if (code == FM_OK && (code = open_words(c, e)) != FM_OK) put_back(c, code);
  if (code == FM_OK) *out = c;
  else free_conn(c);
  return code;
}

void fm_listener_close(fm_listener *l)
{
  if (!l) return;
  if (l->seat.number) l->table.words->listening = 0;
  free_listener(l);
}

const char *fm_listener_name(const fm_listener *l)
{
  return fm_map_label(map_of(&l->table));
}

/* {-- Connections: who lives -------------------------------------------------------------------- */

static bool is_waiting(const fm_conn *c)
{
  return c->table.places[c->place] == c->ticket + WAITING && listener_lives(&c->table);
}

static bool other_lives(const fm_conn *c)
{
  const table *t = &c->table;
  if (c->end == SERVER) return fm_seat_is_taken(map_of(t), end_seat(c->place, CLIENT));
  /* Accepted, maybe between two looks: the seat was taken before the word said so. Or it was put back: then the word
  ** said so before the seat was left. */
  return is_waiting(c) || fm_seat_is_taken(map_of(t), end_seat(c->place, SERVER)) || is_waiting(c);
}

static bool other_is_gone(fm_conn *c, bool thoroughly)
{
  if (c->other_died) return true;
  if (atomic_load_explicit(&c->words->ends[1 - c->end], memory_order_acquire) == CLOSED) return true;
  if (!thoroughly) return false;
  c->next_look = fm_ticks() + (uint64_t)(FM_SLICE * 1e3);
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
  return fm_ticks() < c->next_look ? FM_OK : check_other(c, true, e);
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
  if (code == FM_TIMEOUT && timeout <= 0) fm_signal_await(&c->out_space);
  if (code == FM_OK) fm_signal_wake(&c->out_data);
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
    fm_signal_wake(&s->conn->out_data);
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
  fm_signal_wake(&r->conn->in_space);
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
  if (fm_ring_get(&c->in, c->buffer, r.length, fm_signal_is_awaited(&c->in_space))) fm_signal_wake(&c->in_space);
  if (fm_view_is_lost(&c->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  *data = c->buffer;
  *length = r.length;
  return FM_OK;
}

static int take_bytes(receiving *r, fm_error *e)
{
  return fm_ring_read(&r->conn->in, r->out, &r->length, fm_signal_is_awaited(&r->conn->in_space), &r->given, e);
}

int fm_conn_read(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e)
{
  receiving r = {c, out, *length < FM_RING_MOST ? (uint32_t)*length : FM_RING_MOST, false, take_bytes};
  int code = check_use(c, true, timeout, e);
  if (code == FM_OK) code = take(&r, timeout, e);
  if (code != FM_OK) return code;
  if (r.given) fm_signal_wake(&c->in_space);
  *length = r.length;
  return FM_OK;
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
    fm_signal_wake(&c->out_data);
    fm_signal_wake(&c->in_space);
    uint32_t accepted = c->ticket + ACCEPTED;
    if (other_is_gone(c, true)) atomic_compare_exchange_strong(&c->table.places[c->place], &accepted, FREE);
  }
  free_conn(c);
}
