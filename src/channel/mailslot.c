/* A mailslot: the ring of ring.h in a section, a lock among the writers, a signal for each who waits, and a seat that
** says that the reader lives. A writer that dies with the lock has not moved the ring's tail: nothing is to be mended.
** Layout: fm_header (sizes: max_message, the ring's), slot_words, the ring's bytes. */
#include <stdlib.h>
#include <string.h>

#include "../object/object.h"
#include "../object/lock.h"
#include "ring.h"

typedef struct slot_words {
  fm_header header;
  fm_word32 reader;     /* 1 while there is one; one that dies leaves it */
  fm_word32 owner;      /* of the writers' lock */
  fm_word32 lock;       /* a signal: the lock is free */
  uint32_t unused_1[13];
  fm_word32 data;       /* a signal: a message came */
  uint32_t unused_2[15];
  fm_word32 space;      /* a signal: a message went */
  uint32_t unused_3[15];
  fm_ring_words ring;
} slot_words;

_Static_assert(sizeof(slot_words) == 384, "the layout is the same for all");

enum { READER_SEAT = 1, WRITER_SEATS = 2, MAX_MESSAGE = 0, RING_SIZE = 1 /* in sizes */ };

/* How long a live writer may hold the others back beyond their time: longer than it takes to see a dead one. */
static const double patience = 0.1;

struct fm_mailslot {
  fm_object block;
  fm_view view;
  slot_words *shared;
  fm_ring ring;
  fm_wait_point data, space;
  fm_lock lock;
  fm_seat seat;
  bool reader;
  uint64_t next_look; /* writer: when to see whether the reader lives, by fm_sys_ticks */
  unsigned char *buffer;
  uint32_t buffer_size;
};

/* {-- Opening ----------------------------------------------------------------------------------- */

static void let_go(fm_mailslot *m)
{
  fm_seat_release(&m->seat);
  fm_wait_point_close(&m->data);
  fm_wait_point_close(&m->space);
  fm_wait_point_close(&m->lock.signal);
  fm_view_close(&m->view);
  fm_object_close(&m->block);
  free(m->buffer);
  free(m);
}

static int open_signals(fm_mailslot *m, fm_error *e)
{
  slot_words *w = m->shared;
  m->lock.owner = &w->owner;
  m->lock.section = &m->block.map->section;
  int code = fm_wait_point_open(&m->data, m->block.map, 0, &w->data, e);
  if (code == FM_OK) code = fm_wait_point_open(&m->space, m->block.map, 1, &w->space, e);
  if (code == FM_OK) code = fm_wait_point_open(&m->lock.signal, m->block.map, 2, &w->lock, e);
  return code;
}

static int take_view(fm_mailslot *m, fm_error *e)
{
  const fm_header *h = &m->block.header;
  const uint32_t max = h->sizes[MAX_MESSAGE], size = h->sizes[RING_SIZE];
  if (size < 64 || (size & (size - 1)) != 0 || size > FM_RING_MOST || fm_ring_size(max) == 0 ||
      fm_ring_size(max) > size || h->size < sizeof(slot_words) + (uint64_t)size)
    return fm_fail(e, FM_CORRUPT, NULL);
  int code = fm_object_view(&m->view, &m->block, sizeof(slot_words) + (uint64_t)size, FM_RW, e);
  if (code != FM_OK) return code;
  m->shared = (slot_words *)(void *)m->view.data;
  code = open_signals(m, e);
  if (code != FM_OK) return code;
  return fm_ring_open(&m->ring, &m->shared->ring, m->view.data + sizeof(slot_words), size, e);
}

static int become_reader(fm_mailslot *m, fm_error *e)
{
  int code = fm_seat_acquire(&m->seat, &m->block.map->section, READER_SEAT, e);
  if (code == FM_IN_USE) return fm_fail(e, FM_EXISTS, "another reader lives");
  if (code != FM_OK) return code;
  m->reader = true;
  code = fm_ring_reopen(&m->ring, e); /* the one before us may have read on meanwhile */
  if (code == FM_OK) atomic_store(&m->shared->reader, 1);
  return code;
}

/* A seat as a writer, at first and again in a forked child. */
static int become_writer(fm_mailslot *m, fm_error *e)
{
  const int code = fm_seat_acquire_free(&m->seat, &m->block.map->section, WRITER_SEATS, e);
  if (code != FM_OK) return code;
  m->lock.seat = m->seat.number;
  fm_lock_mark_abandoned(m->lock.owner, m->seat.number);
  return FM_OK;
}

static int finish(fm_mailslot **out, fm_mailslot *m, int code, bool reader, fm_error *e)
{
  if (code == FM_OK) code = take_view(m, e);
  if (code == FM_OK) code = reader ? become_reader(m, e) : become_writer(m, e);
  if (code == FM_OK) *out = m;
  else let_go(m);
  return code;
}

static fm_mailslot *new_mailslot(fm_error *e)
{
  fm_mailslot *m = calloc(1, sizeof *m);
  if (!m) fm_fail(e, FM_NO_MEMORY, NULL);
  return m;
}

static int make(fm_mailslot **out, const char *name, uint64_t max, uint32_t ring, const fm_options *o, fm_error *e)
{
  fm_header header = {.kind = FM_OBJECT_MAILSLOT, .size = sizeof(slot_words) + (uint64_t)ring,
                      .sizes = {(uint32_t)max, ring}};
  fm_mailslot *m = new_mailslot(e);
  return m ? finish(out, m, fm_object_create(&m->block, name, &header, true, o, e), true, e) : FM_NO_MEMORY;
}

/* Takes over one that has no reader. What was not asked for is as it is. */
static int take_over(fm_mailslot **out, const char *name, uint64_t max, uint64_t capacity, fm_error *e)
{
  fm_mailslot *m = new_mailslot(e);
  if (!m) return FM_NO_MEMORY;
  int code = fm_object_open(&m->block, name, FM_OBJECT_MAILSLOT, false, e);
  const uint32_t *has = m->block.header.sizes;
  if (code == FM_OK && fm_seat_is_taken(&m->block.map->section, READER_SEAT))
    code = fm_fail(e, FM_EXISTS, "another reader lives");
  if (code == FM_OK && (max > has[MAX_MESSAGE] || (capacity && fm_ring_size(capacity) > has[RING_SIZE])))
    code = fm_fail(e, FM_TOO_SMALL, "the one that is there takes messages of %u bytes, and holds %u",
                   (unsigned)has[MAX_MESSAGE], (unsigned)has[RING_SIZE]);
  return finish(out, m, code, true, e);
}

int fm_mailslot_create(fm_mailslot **out, const char *name, uint64_t max, uint64_t capacity, const fm_options *o,
                       fm_error *e)
{
  const uint64_t holds = capacity ? capacity : max > FM_CAPACITY ? max : FM_CAPACITY;
  const uint64_t longest = max ? max : holds;
  const uint32_t ring = fm_ring_size(holds);
  if (ring == 0) return fm_fail(e, FM_TOO_LARGE, "a mailslot holds %u bytes at most", FM_CAPACITY_MOST);
  if (longest > holds) return fm_fail(e, FM_INVALID, "its longest message is longer than its capacity");
  for (int round = 0; round < 100; round++) {
    int code = make(out, name, longest, ring, o, e);
    if (code == FM_EXISTS) code = take_over(out, name, max, capacity, e);
    if (code != FM_NOT_FOUND) return code;
  }
  return fm_fail(e, FM_IN_USE, "it comes and goes too fast");
}

int fm_mailslot_open(fm_mailslot **out, const char *name, fm_error *e)
{
  fm_mailslot *m = new_mailslot(e);
  return m ? finish(out, m, fm_object_open(&m->block, name, FM_OBJECT_MAILSLOT, false, e), false, e) : FM_NO_MEMORY;
}

/* {-- Sending ----------------------------------------------------------------------------------- */

/* What a call says at its end: that memory went away says more than what was found in it. */
static int say(const fm_mailslot *m, int code, fm_error *e)
{
  return fm_view_is_lost(&m->view) ? fm_fail(e, FM_TRUNCATED, NULL) : code;
}

static int check_reader(fm_mailslot *m, bool thoroughly, fm_error *e)
{
  const uint64_t now = fm_sys_ticks();
  bool lives = atomic_load_explicit(&m->shared->reader, memory_order_acquire) == 1;
  if (lives && (thoroughly || now >= m->next_look)) {
    lives = fm_seat_is_taken(&m->block.map->section, READER_SEAT);
    m->next_look = lives ? now + (uint64_t)(FM_SLICE * 1e3) : 0; /* a dead one is looked for each time */
  }
  return lives ? FM_OK : fm_fail(e, FM_CLOSED, "nobody reads it");
}

/* One try, by who has the lock. */
static int put(fm_mailslot *m, const void *data, uint32_t length, fm_error *e)
{
  int code = fm_ring_reopen(&m->ring, e);
  if (code == FM_OK) code = fm_ring_put(&m->ring, data, length, e);
  return code;
}

typedef struct sending {
  fm_mailslot *slot;
  const void *data;
  uint32_t length;
  double timeout, until; /* when another writer has held it back for its time; 0: none has */
} sending;

/* Another writer that lives has had the lock for as long as we have patience. */
static int bear(sending *s, fm_error *e)
{
  const double now = fm_now();
  if (s->until == 0) s->until = now - patience + s->timeout;
  return now < s->until ? FM_TIMEOUT : fm_fail(e, FM_IN_USE, "another writer holds it back");
}

static int look_for_space(void *context, bool thoroughly, fm_error *e)
{
  sending *s = context;
  fm_mailslot *m = s->slot;
  bool abandoned;
  int code = check_reader(m, thoroughly, e);
  if (code != FM_OK) return say(m, code, e);
  code = fm_lock_acquire(&m->lock, patience, &abandoned, e);
  if (code != FM_OK) return say(m, code == FM_TIMEOUT ? bear(s, e) : code, e);
  code = put(m, s->data, s->length, e);
  fm_lock_release(&m->lock);
  return say(m, code == FM_FULL ? FM_TIMEOUT : code, e);
}

int fm_mailslot_send(fm_mailslot *m, const void *data, size_t length, double timeout, fm_error *e)
{
  const uint32_t most = m->block.header.sizes[MAX_MESSAGE];
  int code = fm_check_timeout(timeout, e);
  if (code != FM_OK) return code;
  if (m->reader) return fm_fail(e, FM_DENIED, "its reader does not send");
  if (length > most)
    return fm_fail(e, FM_TOO_LARGE, "a message has %u bytes at most, this one has %llu", (unsigned)most,
                   (unsigned long long)length);
  if (m->seat.number == 0 && (code = become_writer(m, e)) != FM_OK) return code;
  sending s = {m, data, (uint32_t)length, timeout, 0};
  code = fm_await(&m->space, timeout, look_for_space, &s, e);
  if (code == FM_OK) fm_wake(&m->data);
  return code == FM_TIMEOUT && timeout <= 0 ? fm_fail(e, FM_FULL, NULL) : code;
}

/* {-- Receiving --------------------------------------------------------------------------------- */

static int check_reads(const fm_mailslot *m, fm_error *e)
{
  if (!m->reader) return fm_fail(e, FM_DENIED, "a writer does not receive");
  return m->seat.number ? FM_OK : fm_fail(e, FM_DENIED, "it belongs to the process that this one was forked from");
}

typedef struct receiving {
  fm_mailslot *slot;
  uint32_t length;
} receiving;

static int look_for_data(void *context, bool thoroughly, fm_error *e)
{
  receiving *r = context;
  (void)thoroughly;
  return say(r->slot, fm_ring_next(&r->slot->ring, &r->length, e), e);
}

int fm_mailslot_receive(fm_mailslot *m, double timeout, const void **data, size_t *length, fm_error *e)
{
  receiving r = {m, 0};
  int code = check_reads(m, e);
  if (code == FM_OK) code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_await(&m->data, timeout, look_for_data, &r, e);
  if (code == FM_OK && !fm_grow(&m->buffer, &m->buffer_size, r.length)) code = fm_fail(e, FM_NO_MEMORY, NULL);
  if (code != FM_OK) return code;
  fm_ring_get(&m->ring, m->buffer, r.length, true);
  fm_wake(&m->space);
  if (fm_view_is_lost(&m->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  *data = m->buffer;
  *length = r.length;
  return FM_OK;
}

int fm_mailslot_get_info(fm_mailslot *m, fm_mailslot_info *out, fm_error *e)
{
  uint32_t count, next;
  int code = check_reads(m, e);
  if (code == FM_OK) code = fm_ring_count(&m->ring, &count, &next, e);
  code = say(m, code, e);
  if (code == FM_OK) *out = (fm_mailslot_info){m->block.header.sizes[MAX_MESSAGE], next, count};
  return code;
}

/* {-- The rest ---------------------------------------------------------------------------------- */

const char *fm_mailslot_name(const fm_mailslot *m)
{
  return fm_map_label(m->block.map);
}

bool fm_mailslot_is_reader(const fm_mailslot *m)
{
  return m->reader;
}

void fm_mailslot_close(fm_mailslot *m)
{
  if (!m) return;
  if (m->reader && m->seat.number) {
    atomic_store(&m->shared->reader, 0);
    fm_wake(&m->space); /* for who waits until there is room */
  }
  let_go(m);
}
