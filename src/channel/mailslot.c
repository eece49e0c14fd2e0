/* Mailslots: a ring (ring.h) with many writers and one reader.
**
** Layout: fm_header (sizes: MAX_MESSAGE, RING_SIZE), slot_words, the ring's bytes. The reader holds
** READER_SEAT, and each writer a seat of its own, by which it owns the writers' lock.
**
** A writer sends in these steps:
**   1. It checks that the reader lives.
**   2. It acquires the lock. Only the process that has it changes the ring's tail.
**   3. It reads the ring's positions, and writes the message if there is room.
**   4. It releases the lock, and wakes the reader.
** A writer that dies with the lock before it stored the tail has sent nothing; a writer that dies later has
** sent the whole message. Nothing is to be repaired in either case, so the next writer uses the lock as it
** finds it.
**
** A process that creates a mailslot has READER_SEAT before another process can open the mailslot. So a writer
** that opens a new mailslot can send at once, also before `create` has returned.
**
** The head belongs to the reader. It reads both positions after it has acquired its seat: a reader before it
** may have moved the head until then. A writer reads them only while it has the lock: without the lock it
** could read an old tail and a newer head, which look like a damaged ring. */
#include "../object/lock.h"
#include "../object/object.h"
#include "ring.h"
#include "source.h"

typedef struct slot_words {
  fm_header header;
  fm_word32 reader;   /* 1 while a reader has the mailslot open, and in a new one from the start. A reader
                         that dies leaves the 1 */
  fm_word32 owner;    /* of the writers' lock */
  fm_word32 released; /* a wait point: the lock was released */
  uint32_t unused_1[13];
  fm_word32 data;     /* a wait point: a message was sent */
  uint32_t unused_2[15];
  fm_word32 space;    /* a wait point: a message was received */
  uint32_t unused_3[15];
  fm_ring_words ring;
} slot_words;

_Static_assert(sizeof(slot_words) == 384, "32- and 64-bit processes use the same layout");

enum { READER_SEAT = 1, WRITER_SEATS = 2 };
enum { MAX_MESSAGE, RING_SIZE };    /* in sizes */
enum { DATA, SPACE, LOCK_RELEASED }; /* in points */

/* How long a writer waits for the lock beyond its time-out: longer than it takes to notice that the owner is
** dead. And how long a writer without a time-out waits for it. */
static const double lock_seconds = 0.1, longest_seconds = 1;

struct fm_mailslot {
  fm_object object;
  slot_words *words;
  fm_ring ring;
  fm_lock lock;
  bool reader;
  uint64_t next_check; /* writer: when to check whether the reader lives, by fm_sys_ticks */
};

static fm_mailslot *to_mailslot(fm_object *o)
{
  return (fm_mailslot *)(void *)o;
}

/* {-- Opening ----------------------------------------------------------------------------------- */

static bool check(const fm_header *h, uint64_t *view_size)
{
  const uint32_t least = fm_ring_size(h->sizes[MAX_MESSAGE]), size = h->sizes[RING_SIZE];
  *view_size = sizeof(slot_words) + (uint64_t)size;
  return fm_ring_is_size(size) && least != 0 && least <= size;
}

/* Of `wanted`, 0 stands for a size that was not asked for. */
static int fits(const fm_header *h, const uint32_t *wanted, fm_error *e)
{
  if (wanted[MAX_MESSAGE] <= h->sizes[MAX_MESSAGE] && wanted[RING_SIZE] <= h->sizes[RING_SIZE]) return FM_OK;
  return fm_fail(e, FM_TOO_SMALL, "the mailslot takes messages of up to %u bytes and holds %u bytes",
                 (unsigned)h->sizes[MAX_MESSAGE], (unsigned)h->sizes[RING_SIZE]);
}

static int attach(fm_object *o, fm_error *e)
{
  fm_mailslot *m = to_mailslot(o);
  slot_words *w = m->words = (slot_words *)(void *)o->view.data;
  m->ring = fm_ring_of(&w->ring, o->view.data + sizeof *w, o->header.sizes[RING_SIZE],
                       o->header.sizes[MAX_MESSAGE]);
  m->lock = (fm_lock){
    .owner = &w->owner, .released = &o->points[LOCK_RELEASED], .section = fm_object_section(o),
  };
  int code = fm_object_wait_point(o, DATA, 0, &w->data, e);
  if (code == FM_OK) code = fm_object_wait_point(o, SPACE, 1, &w->space, e);
  if (code == FM_OK) code = fm_object_wait_point(o, LOCK_RELEASED, 2, &w->released, e);
  return code;
}

static int enter_as_reader(fm_object *o, fm_error *e)
{
  fm_mailslot *m = to_mailslot(o);
  const int code = fm_ring_load(&m->ring, e);
  m->reader = true;
  if (code == FM_OK) atomic_store(&m->words->reader, 1);
  return code;
}

/* Wakes writers that wait for room, so that they see that the reader is gone. */
static void leave_as_reader(fm_object *o)
{
  atomic_store(&to_mailslot(o)->words->reader, 0);
  fm_wake(&o->points[SPACE]);
}

static int enter_as_writer(fm_object *o, fm_error *e)
{
  fm_mailslot *m = to_mailslot(o);
  (void)e;
  m->lock.seat = o->seat.number;
  fm_lock_mark_abandoned(m->lock.owner, o->seat.number);
  return FM_OK;
}

static const fm_role reader = {
  .kind = FM_OBJECT_MAILSLOT, .version = 1, .size = sizeof(fm_mailslot), .creates = true, .opens = true,
  .seating = FM_ONE_SEAT, .seat = READER_SEAT, .taken = FM_EXISTS, .taken_detail = "another reader lives",
  .check = check, .fits = fits, .attach = attach, .enter = enter_as_reader, .leave = leave_as_reader,
};

static const fm_role writer = {
  .kind = FM_OBJECT_MAILSLOT, .version = 1, .size = sizeof(fm_mailslot), .opens = true,
  .seating = FM_FREE_SEAT, .seat = WRITER_SEATS, .check = check, .attach = attach, .enter = enter_as_writer,
};

int fm_mailslot_create(fm_mailslot **out, const char *name, uint64_t max, uint64_t capacity,
                       const fm_options *o, fm_error *e)
{
  const uint64_t holds = capacity ? capacity : max > FM_CAPACITY ? max : FM_CAPACITY;
  const uint64_t longest = max ? max : holds;
  const uint32_t ring = fm_ring_size(holds);
  if (ring == 0)
    return fm_fail(e, FM_TOO_LARGE, "capacity %llu is past the limit of %u bytes", (unsigned long long)holds,
                   FM_CAPACITY_MOST);
  if (longest > holds)
    return fm_fail(e, FM_INVALID, "max_message %llu is past the capacity of %llu bytes",
                   (unsigned long long)longest, (unsigned long long)holds);
  slot_words first = {
    .header = {.size = sizeof first + (uint64_t)ring,
               .sizes = {[MAX_MESSAGE] = (uint32_t)longest, [RING_SIZE] = ring}},
    .reader = 1,
  };
  const uint32_t wanted[FM_HEADER_SIZES] = {[MAX_MESSAGE] = (uint32_t)max, [RING_SIZE] = capacity ? ring : 0};
  const fm_object_request r = {.name = name, .first = &first.header, .first_size = sizeof first,
                               .wanted = wanted, .options = o};
  return fm_object_new(out, &reader, &r, e);
}

int fm_mailslot_open(fm_mailslot **out, const char *name, fm_error *e)
{
  return fm_object_new(out, &writer, &(fm_object_request){.name = name}, e);
}

/* {-- Sending ----------------------------------------------------------------------------------- */

static int result(const fm_mailslot *m, int code, fm_error *e)
{
  return fm_prefer_truncated(&m->object.view, code, e);
}

static int check_reader(fm_mailslot *m, bool thoroughly, fm_error *e)
{
  const uint64_t now = fm_sys_ticks();
  bool lives = atomic_load_explicit(&m->words->reader, memory_order_acquire) == 1;
  if (lives && (thoroughly || now >= m->next_check)) {
    lives = fm_seat_is_taken(m->lock.section, READER_SEAT);
    m->next_check = lives ? now + (uint64_t)(FM_SLICE * 1e3) : 0; /* each time, while the reader is dead */
  }
  return lives ? FM_OK : fm_fail(e, FM_CLOSED, "no process receives from it");
}

typedef struct sending {
  fm_mailslot *slot;
  const void *data;
  uint32_t length;
  bool lock_is_held; /* by another writer, in the last try */
  double timeout, until; /* when to fail because another writer holds the lock; 0: it was free lately */
} sending;

/* The result of a try that did not get the lock, after lock_seconds or, with time-out 0, at once. */
static int check_deadline(sending *s, fm_error *e)
{
  const double now = fm_now();
  if (s->timeout <= 0) return FM_TIMEOUT;
  if (s->until == 0) s->until = now - lock_seconds + (s->timeout < FM_FOREVER ? s->timeout : longest_seconds);
  return now < s->until ? FM_TIMEOUT : fm_fail(e, FM_IN_USE, "another writer holds its lock");
}

static int look_for_space(void *context, bool thoroughly, fm_error *e)
{
  sending *s = context;
  fm_mailslot *m = s->slot;
  bool abandoned;
  int code = check_reader(m, thoroughly, e);
  if (code != FM_OK) return result(m, code, e);
  code = fm_lock_acquire(&m->lock, s->timeout > 0 ? lock_seconds : 0, &abandoned, e);
  s->lock_is_held = code == FM_TIMEOUT;
  if (code != FM_OK) return result(m, s->lock_is_held ? check_deadline(s, e) : code, e);
  s->until = 0;
  code = fm_ring_load(&m->ring, e);
  if (code == FM_OK) code = fm_ring_put(&m->ring, s->data, s->length, e);
  fm_lock_release(&m->lock);
  return result(m, code == FM_FULL ? FM_TIMEOUT : code, e);
}

int fm_mailslot_send(fm_mailslot *m, const void *data, size_t length, double timeout, fm_error *e)
{
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK && m->reader) code = fm_fail(e, FM_DENIED, "the reader of a mailslot cannot send");
  if (code == FM_OK && length > m->ring.longest)
    code = fm_fail(e, FM_TOO_LARGE, "a message of %llu bytes is past the limit of %u bytes",
                   (unsigned long long)length, (unsigned)m->ring.longest);
  if (code == FM_OK) code = fm_object_check_seat(&m->object, e);
  if (code != FM_OK) return code;
  sending s = {.slot = m, .data = data, .length = (uint32_t)length, .timeout = timeout};
  code = fm_await(&m->object.points[SPACE], timeout, look_for_space, &s, e);
  if (code == FM_OK) fm_wake(&m->object.points[DATA]);
  if (code != FM_TIMEOUT || timeout > 0) return code;
  return fm_fail(e, FM_FULL, s.lock_is_held ? "another writer is sending" : NULL);
}

/* {-- Receiving --------------------------------------------------------------------------------- */

static int check_reads(fm_mailslot *m, fm_error *e)
{
  if (!m->reader) return fm_fail(e, FM_DENIED, "a writer of a mailslot cannot receive");
  return fm_object_check_seat(&m->object, e);
}

typedef struct receiving {
  fm_mailslot *slot;
  uint32_t length;
} receiving;

static int look_for_data(void *context, bool thoroughly, fm_error *e)
{
  receiving *r = context;
  (void)thoroughly;
  return result(r->slot, fm_ring_next(&r->slot->ring, &r->length, e), e);
}

int fm_mailslot_receive(fm_mailslot *m, double timeout, const void **data, size_t *length, fm_error *e)
{
  receiving r = {.slot = m};
  int code = check_reads(m, e);
  if (code == FM_OK) code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_await(&m->object.points[DATA], timeout, look_for_data, &r, e);
  if (code == FM_OK) code = fm_object_reserve(&m->object, r.length, e);
  if (code != FM_OK) return fm_settled(&m->object, code);
  fm_ring_get(&m->ring, m->object.buffer, r.length, true);
  fm_wake(&m->object.points[SPACE]);
  code = fm_settled(&m->object, result(m, FM_OK, e));
  if (code != FM_OK) return code;
  *data = m->object.buffer;
  *length = r.length;
  return FM_OK;
}

static int look_for_message(fm_source *source, bool thoroughly, fm_error *e)
{
  receiving r = {.slot = source->object};
  return look_for_data(&r, thoroughly, e) == FM_TIMEOUT ? FM_TIMEOUT : FM_OK;
}

int fm_mailslot_source(fm_mailslot *m, fm_source *out, fm_error *e)
{
  *out = (fm_source){.object = m, .point = &m->object.points[DATA], .look = look_for_message};
  return check_reads(m, e);
}

static void note_position(fm_object *o, fm_noted *n)
{
  n->position = to_mailslot(o)->ring.head;
}

static bool is_ready(const fm_object *o, fm_noted *n, bool thoroughly)
{
  const fm_mailslot *m = (const fm_mailslot *)(const void *)o;
  (void)thoroughly;
  return atomic_load(&m->words->ring.tail) != (uint32_t)n->position || fm_view_is_lost(&o->view);
}

int fm_mailslot_pollable(fm_mailslot *m, intptr_t *out, fm_error *e)
{
  static const fm_readiness readiness = {
    .ready = DATA, .drained = -1, .note = note_position, .is_ready = is_ready};
  const int code = check_reads(m, e);
  return code == FM_OK ? fm_pollable_open(&m->object, &readiness, out, e) : code;
}

int fm_mailslot_get_info(fm_mailslot *m, fm_mailslot_info *out, fm_error *e)
{
  uint32_t count, next;
  int code = check_reads(m, e);
  if (code == FM_OK) code = fm_ring_count(&m->ring, &count, &next, e);
  code = result(m, code, e);
  if (code == FM_OK)
    *out = (fm_mailslot_info){.max_message = m->ring.longest, .next_size = next, .count = count};
  return code;
}

/* {-- Properties -------------------------------------------------------------------------------- */

const char *fm_mailslot_name(const fm_mailslot *m)
{
  return fm_object_name(&m->object);
}

bool fm_mailslot_is_reader(const fm_mailslot *m)
{
  return m->reader;
}

void fm_mailslot_close(fm_mailslot *m)
{
  fm_object_free(m ? &m->object : NULL);
}
