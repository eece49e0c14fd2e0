/* Pipes: the section with its table, connecting and listening. pipe.h says how they work. */
#include <stdlib.h>
#include <string.h>

#include "pipe.h"

struct fm_listener {
  table table;
  fm_wait_point waiting;
  fm_seat seat;
};

/* The reserved addresses of all connections together, where that leaves a few. */
static const uint64_t most_reserved = (uint64_t)1 << 30;

/* {-- The section ------------------------------------------------------------------------------- */

static uint64_t whole_size(uint32_t places, uint32_t ring)
{
  return table_size(places) + places * conn_size(ring);
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

/* {-- Connecting -------------------------------------------------------------------------------- */

/* Takes the client's seat at a place that is free, or whose ends have both died; FM_IN_USE if it is neither. */
static int take_place(fm_conn *c, uint32_t place, bool reclaim, fm_error *e)
{
  const table *t = &c->table;
  const uint32_t state = t->places[place] % TICKET;
  if (state != (reclaim ? ACCEPTED : FREE)) return FM_IN_USE;
  const int code = fm_seat_acquire(&c->seat, section_of(t), end_seat(place, CLIENT), e);
  if (code != FM_OK) return code;
  /* Between the look and the seat another may have come and gone on to wait. */
  if (t->places[place] % TICKET == state && !fm_seat_is_taken(section_of(t), end_seat(place, SERVER))) {
    c->place = place;
    return FM_OK;
  }
  fm_seat_release(&c->seat);
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
  int code = fm_object_open(&t->block, name, FM_OBJECT_PIPE, false, e);
  if (code == FM_OK) code = open_table(t, e);
  if (code == FM_OK && !listener_lives(t)) code = fm_fail(e, FM_NOT_FOUND, "nobody listens");
  if (code == FM_OK) code = find_place(c, e);
  FM_TEST_HOOK("seated");
  if (code == FM_OK) code = fm_conn_open(c, e);
  if (code != FM_OK) return code;
  fm_wait_point waiting;
  code = fm_wait_point_open(&waiting, map_of(t), 0, &t->words->waiting, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("ready");
  c->ticket = atomic_fetch_add(&t->words->ticket, 1) * TICKET;
  t->places[c->place] = c->ticket + WAITING;
  FM_TEST_HOOK("waiting");
  fm_wake(&waiting);
  fm_wait_point_close(&waiting);
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
  else fm_conn_free(c);
  if (k->code == FM_NOT_FOUND || k->code == FM_FULL) return FM_TIMEOUT;
  if (k->code != FM_OK && e) *e = k->e;
  return k->code;
}

int fm_pipe_connect(fm_conn **out, const char *name, double timeout, fm_error *e)
{
  connecting k = {name, NULL, {FM_OK, 0, ""}, FM_OK};
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_await(&(fm_wait_point){.word = NULL}, timeout, look_for_listener, &k, e);
  if (code == FM_TIMEOUT && e) *e = k.e;
  if (code == FM_TIMEOUT) return k.code;
  if (code == FM_OK) *out = k.conn;
  return code;
}

/* {-- Listening --------------------------------------------------------------------------------- */

static void free_listener(fm_listener *l)
{
  fm_seat_release(&l->seat);
  fm_wait_point_close(&l->waiting);
  close_table(&l->table);
  free(l);
}

static int finish_listener(fm_listener **out, fm_listener *l, int code, fm_error *e)
{
  if (code == FM_OK) code = open_table(&l->table, e);
  if (code == FM_OK) {
    code = fm_seat_acquire(&l->seat, section_of(&l->table), LISTENER_SEAT, e);
    if (code == FM_IN_USE) code = fm_fail(e, FM_EXISTS, "another listens");
  }
  if (code == FM_OK) code = fm_wait_point_open(&l->waiting, map_of(&l->table), 0, &l->table.words->waiting, e);
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
  return l ? finish_listener(out, l, fm_object_create(&l->table.block, name, h, false, o, e), e) : FM_NO_MEMORY;
}

/* Goes on where the listener has gone, but connections are left. */
static int take_over(fm_listener **out, const char *name, const fm_header *h, fm_error *e)
{
  fm_listener *l = new_listener(e);
  if (!l) return FM_NO_MEMORY;
  int code = fm_object_open(&l->table.block, name, FM_OBJECT_PIPE, false, e);
  const fm_header *has = &l->table.block.header;
  if (code == FM_OK && memcmp(has->sizes, h->sizes, sizeof h->sizes) != 0)
    code = fm_seat_is_taken(&l->table.block.map->section, LISTENER_SEAT)
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
  const fm_header h = {.kind = FM_OBJECT_PIPE, .size = whole_size(places, ring),
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
  const int code = fm_seat_acquire(&c->seat, section_of(t), end_seat(which, SERVER), e);
  if (code != FM_OK) return code == FM_IN_USE ? FM_TIMEOUT : code;
  FM_TEST_HOOK("accepting");
  c->place = which;
  c->ticket = word - WAITING;
  if (atomic_compare_exchange_strong(&t->places[which], &word, c->ticket + ACCEPTED)) return FM_OK;
  fm_seat_release(&c->seat);
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
  if (code == FM_OK && (code = fm_conn_open(c, e)) != FM_OK) put_back(c, code);
  if (code == FM_OK) *out = c;
  else fm_conn_free(c);
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
