/* States: the newest value (latest.h), with one writer and any number of readers.
**
** Layout: fm_header (sizes: CAPACITY), state_words, the slots. The writer holds WRITER_SEAT. Readers wait at
** the point `published`. */
#include "../object/object.h"
#include "latest.h"
#include "source.h"

typedef struct state_words {
  fm_header header;
  fm_word32 published; /* a wait point: there is a new value */
  uint32_t unused[15];
} state_words;

_Static_assert(sizeof(state_words) == 128, "32- and 64-bit processes use the same layout");

enum { WRITER_SEAT = 1, CAPACITY = 0 /* in sizes */, PUBLISHED = 0 /* in points */ };

struct fm_state {
  fm_object object;
  fm_latest latest;
  bool writer;
  uint64_t version; /* writer: of the value that it published last; reader: of the one that it read last */
};

static fm_state *to_state(fm_object *o)
{
  return (fm_state *)(void *)o;
}

/* {-- Opening ----------------------------------------------------------------------------------- */

static uint64_t section_size(uint32_t capacity)
{
  return sizeof(state_words) + fm_latest_size(capacity);
}

static bool check(const fm_header *h, uint64_t *view_size)
{
  *view_size = section_size(h->sizes[CAPACITY]);
  return true;
}

static int fits(const fm_header *h, const uint32_t *wanted, fm_error *e)
{
  if (h->sizes[CAPACITY] >= wanted[CAPACITY]) return FM_OK;
  return fm_fail(e, FM_TOO_SMALL, "its capacity is %u bytes, %u were asked for", (unsigned)h->sizes[CAPACITY],
                 (unsigned)wanted[CAPACITY]);
}

static int attach(fm_object *o, fm_error *e)
{
  fm_state *s = to_state(o);
  state_words *w = (state_words *)(void *)o->view.data;
  s->latest = (fm_latest){
    .shared = (fm_latest_words *)(void *)(w + 1), .capacity = o->header.sizes[CAPACITY],
  };
  const int code = fm_object_reserve(o, s->latest.capacity, e);
  if (code != FM_OK || !(o->view.access & FM_WRITE)) return code;
  return fm_object_wait_point(o, PUBLISHED, 0, &w->published, e);
}

static int enter_as_writer(fm_object *o, fm_error *e)
{
  fm_state *s = to_state(o);
  s->writer = true;
  s->version = fm_latest_newest(&s->latest);
  return s->version < INT64_MAX ? FM_OK : fm_fail(e, FM_CORRUPT, NULL);
}

static const fm_role creator = {
  .kind = FM_OBJECT_STATE, .version = 1, .size = sizeof(fm_state), .creates = true, .seating = FM_ONE_SEAT,
  .seat = WRITER_SEAT, .taken = FM_EXISTS, .taken_detail = "another process became its writer first",
  .check = check, .attach = attach, .enter = enter_as_writer,
};

static const fm_role writer = {
  .kind = FM_OBJECT_STATE, .version = 1, .size = sizeof(fm_state), .creates = true, .opens = true,
  .seating = FM_ONE_SEAT, .seat = WRITER_SEAT, .taken = FM_IN_USE, .taken_detail = "another writer lives",
  .check = check, .fits = fits, .attach = attach, .enter = enter_as_writer,
};

static const fm_role reader = {
  .kind = FM_OBJECT_STATE, .version = 1, .size = sizeof(fm_state), .opens = true, .read_only = true,
  .check = check, .attach = attach,
};

static int open_writer(fm_state **out, const fm_role *role, const char *name, uint64_t capacity,
                       const fm_options *o, fm_error *e)
{
  const uint32_t most = UINT32_MAX / FM_LATEST_SLOTS;
  if (capacity < 1) return fm_fail(e, FM_INVALID, "capacity must be greater than 0");
  if (capacity > most)
    return fm_fail(e, FM_TOO_LARGE, "capacity %llu is past the limit of %u bytes",
                   (unsigned long long)capacity, (unsigned)most);
  fm_header first = {.size = section_size((uint32_t)capacity), .sizes = {[CAPACITY] = (uint32_t)capacity}};
  const fm_object_request r = {.name = name, .first = &first, .first_size = sizeof first,
                               .wanted = first.sizes, .options = o};
  return fm_object_new(out, role, &r, e);
}

int fm_state_create(fm_state **out, const char *name, uint64_t capacity, const fm_options *o, fm_error *e)
{
  return open_writer(out, &creator, name, capacity, o, e);
}

int fm_state_create_or_open(fm_state **out, bool *created, const char *name, uint64_t capacity,
                            const fm_options *o, fm_error *e)
{
  const int code = open_writer(out, &writer, name, capacity, o, e);
  if (code == FM_OK) *created = (*out)->object.created;
  return code;
}

int fm_state_open(fm_state **out, const char *name, fm_error *e)
{
  return fm_object_new(out, &reader, &(fm_object_request){.name = name}, e);
}

/* {-- Values ------------------------------------------------------------------------------------ */

int fm_state_publish(fm_state *s, const void *data, size_t length, fm_error *e)
{
  if (!s->writer) return fm_fail(e, FM_DENIED, "a reader of a state cannot publish");
  const int code = fm_object_check_seat(&s->object, e);
  if (code != FM_OK) return code;
  if (length > s->latest.capacity)
    return fm_fail(e, FM_TOO_LARGE, "a value of %llu bytes is past the capacity of %u bytes",
                   (unsigned long long)length, (unsigned)s->latest.capacity);
  fm_latest_publish(&s->latest, ++s->version, data, (uint32_t)length);
  fm_wake(&s->object.points[PUBLISHED]);
  return fm_prefer_truncated(&s->object.view, FM_OK, e);
}

typedef struct reading {
  fm_state *state;
  uint64_t than, version; /* the version must be greater than this; the version that was read */
  uint32_t length;
} reading;

static int look(void *context, bool thoroughly, fm_error *e)
{
  reading *r = context;
  fm_state *s = r->state;
  (void)thoroughly;
  const int code = fm_latest_read(&s->latest, s->object.buffer, &r->length, &r->version, e);
  return fm_prefer_truncated(&s->object.view, code, e);
}

/* The caller may wait for a number that is larger than any that was published. */
static int look_for_newer(void *context, bool thoroughly, fm_error *e)
{
  reading *r = context;
  if (fm_latest_newest(&r->state->latest) <= r->than)
    return fm_prefer_truncated(&r->state->object.view, FM_TIMEOUT, e);
  const int code = look(r, thoroughly, e);
  return code == FM_NOT_FOUND ? FM_TIMEOUT : code;
}

int fm_state_read(fm_state *s, double timeout, const void **data, size_t *length, uint64_t *version,
                  fm_error *e)
{
  reading r = {.state = s};
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = look(&r, false, e);
  if (code == FM_TIMEOUT) code = fm_await(&(fm_wait_point){.word = NULL}, timeout, look, &r, e);
  if (code != FM_OK && code != FM_NOT_FOUND) return fm_settled(&s->object, code);
  *data = code == FM_OK ? s->object.buffer : NULL;
  *length = r.length;
  *version = r.version;
  if (!s->writer) s->version = r.version;
  return fm_settled(&s->object, FM_OK);
}

int fm_state_wait(fm_state *s, uint64_t than, double timeout, const void **data, size_t *length,
                  uint64_t *newer, fm_error *e)
{
  reading r = {.state = s, .than = than};
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_await(&s->object.points[PUBLISHED], timeout, look_for_newer, &r, e);
  if (code != FM_OK) return fm_settled(&s->object, code);
  *data = s->object.buffer;
  *length = r.length;
  *newer = r.version;
  if (!s->writer) s->version = r.version;
  return fm_settled(&s->object, FM_OK);
}

static int look_for_unread(fm_source *source, bool thoroughly, fm_error *e)
{
  const fm_state *s = source->object;
  (void)thoroughly, (void)e;
  const bool is_newer = fm_latest_newest(&s->latest) > s->version;
  return is_newer || fm_view_is_lost(&s->object.view) ? FM_OK : FM_TIMEOUT;
}

int fm_state_source(fm_state *s, fm_source *out, fm_error *e)
{
  *out = (fm_source){.object = s, .point = &s->object.points[PUBLISHED], .look = look_for_unread};
  return s->writer ? fm_fail(e, FM_DENIED, "the writer of a state cannot wait for a value") : FM_OK;
}

static void note_version(fm_object *o, fm_noted *n)
{
  n->position = to_state(o)->version;
}

static bool is_ready(const fm_object *o, fm_noted *n, bool thoroughly)
{
  const fm_state *s = (const fm_state *)(const void *)o;
  (void)thoroughly;
  return fm_latest_newest(&s->latest) > n->position || fm_view_is_lost(&o->view);
}

int fm_state_pollable(fm_state *s, intptr_t *out, fm_error *e)
{
  static const fm_readiness readiness = {
    .ready = PUBLISHED, .drained = -1, .note = note_version, .is_ready = is_ready};
  if (s->writer) return fm_fail(e, FM_DENIED, "the writer of a state cannot wait for a value");
  return fm_pollable_open(&s->object, &readiness, out, e);
}

/* {-- Properties -------------------------------------------------------------------------------- */

const char *fm_state_name(const fm_state *s)
{
  return fm_object_name(&s->object);
}

uint64_t fm_state_capacity(const fm_state *s)
{
  return s->latest.capacity;
}

bool fm_state_is_writer(const fm_state *s)
{
  return s->writer;
}

void fm_state_close(fm_state *s)
{
  fm_object_free(s ? &s->object : NULL);
}
