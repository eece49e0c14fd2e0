/* The newest value: the slots of slots.h in a section, a signal for those who wait for the next, and a seat that says
** that the writer lives. Layout: fm_header (sizes: capacity), state_words, the slots. */
#include <stdlib.h>
#include <string.h>

#include "../object/object.h"
#include "latest.h"

typedef struct state_words {
  fm_header header;
  fm_word32 signal; /* a new value */
  uint32_t unused[15];
} state_words;

_Static_assert(sizeof(state_words) == 128, "the layout is the same for all");

enum { WRITER_SEAT = 1, CAPACITY = 0 /* in sizes */ };

struct fm_state {
  fm_object block;
  fm_view view;
  fm_latest slots;
  fm_wait_point signal;
  fm_seat seat;
  bool writer;
  uint64_t version;      /* writer: the last one published */
  unsigned char *buffer; /* reader: a copy of a value */
};

/* {-- Opening ----------------------------------------------------------------------------------- */

static uint64_t size_of(uint32_t capacity)
{
  return sizeof(state_words) + fm_latest_size(capacity);
}

static void let_go(fm_state *s)
{
  fm_seat_release(&s->seat);
  fm_wait_point_close(&s->signal);
  fm_view_close(&s->view);
  fm_object_close(&s->block);
  free(s->buffer);
  free(s);
}

static int take_view(fm_state *s, fm_error *e)
{
  const uint32_t capacity = s->block.header.sizes[CAPACITY];
  const int access = fm_map_access(s->block.map);
  if (s->block.header.size < size_of(capacity)) return fm_fail(e, FM_CORRUPT, NULL);
  int code = fm_object_view(&s->view, &s->block, size_of(capacity), access, e);
  if (code != FM_OK) return code;
  state_words *w = (state_words *)(void *)s->view.data;
  s->slots = (fm_latest){(fm_latest_words *)(void *)(w + 1), capacity};
  if (access & FM_WRITE) code = fm_wait_point_open(&s->signal, s->block.map, 0, &w->signal, e);
  if (code != FM_OK) return code;
  s->buffer = malloc(capacity);
  return s->buffer ? FM_OK : fm_fail(e, FM_NO_MEMORY, NULL);
}

static int become_writer(fm_state *s, fm_error *e)
{
  int code = fm_seat_acquire(&s->seat, &s->block.map->section, WRITER_SEAT, e);
  if (code == FM_IN_USE) return fm_fail(e, code, "another writer lives");
  if (code != FM_OK) return code;
  s->version = fm_latest_newest(&s->slots);
  s->writer = true;
  return s->version < INT64_MAX ? FM_OK : fm_fail(e, FM_CORRUPT, NULL);
}

/* Makes it whole, or throws it away. */
static int finish(fm_state **out, fm_state *s, int code, bool writer, fm_error *e)
{
  if (code == FM_OK) code = take_view(s, e);
  if (code == FM_OK && writer) code = become_writer(s, e);
  if (code == FM_OK) *out = s;
  else let_go(s);
  return code;
}

static int create(fm_state *s, const char *name, uint64_t capacity, const fm_options *o, fm_error *e)
{
  if (capacity < 1) return fm_fail(e, FM_INVALID, "a capacity of 0 is none");
  if (capacity > UINT32_MAX / FM_LATEST_SLOTS) return fm_fail(e, FM_TOO_LARGE, "a value has 2^30-1 bytes at most");
  fm_header header = {.kind = FM_OBJECT_STATE, .size = size_of((uint32_t)capacity), .sizes = {(uint32_t)capacity}};
  return fm_object_create(&s->block, name, &header, true, o, e);
}

static fm_state *new_state(fm_error *e)
{
  fm_state *s = calloc(1, sizeof *s);
  if (!s) fm_fail(e, FM_NO_MEMORY, NULL);
  return s;
}

int fm_state_create(fm_state **out, const char *name, uint64_t capacity, const fm_options *o, fm_error *e)
{
  fm_state *s = new_state(e);
  if (!s) return FM_NO_MEMORY;
  int code = create(s, name, capacity, o, e);
  const bool made = code == FM_OK;
  code = finish(out, s, code, true, e);
  return made && code == FM_IN_USE ? fm_fail(e, FM_EXISTS, "another became its writer first") : code;
}

int fm_state_open(fm_state **out, const char *name, fm_error *e)
{
  fm_state *s = new_state(e);
  return s ? finish(out, s, fm_object_open(&s->block, name, FM_OBJECT_STATE, true, e), false, e) : FM_NO_MEMORY;
}

static int open_to_write(fm_state **out, const char *name, uint64_t capacity, fm_error *e)
{
  fm_state *s = new_state(e);
  if (!s) return FM_NO_MEMORY;
  int code = fm_object_open(&s->block, name, FM_OBJECT_STATE, false, e);
  if (code == FM_OK && s->block.header.sizes[CAPACITY] < capacity)
    code = fm_fail(e, FM_TOO_SMALL, "it holds values of %u bytes, %llu were asked for",
                   (unsigned)s->block.header.sizes[CAPACITY], (unsigned long long)capacity);
  return finish(out, s, code, true, e);
}

int fm_state_create_or_open(fm_state **out, bool *created, const char *name, uint64_t capacity, const fm_options *o,
                            fm_error *e)
{
  for (int round = 0; round < 100; round++) {
    int code = fm_state_create(out, name, capacity, o, e);
    const bool is_new = code == FM_OK;
    if (code == FM_EXISTS) code = open_to_write(out, name, capacity, e);
    if (code == FM_OK) *created = is_new;
    if (code != FM_NOT_FOUND) return code;
  }
  return fm_fail(e, FM_IN_USE, "it comes and goes too fast");
}

/* {-- Values ------------------------------------------------------------------------------------ */

int fm_state_publish(fm_state *s, const void *data, size_t length, fm_error *e)
{
  if (!s->writer) return fm_fail(e, FM_DENIED, "a reader does not publish");
  if (s->seat.number == 0) return fm_fail(e, FM_DENIED, "it belongs to the process that this one was forked from");
  if (length > s->slots.capacity)
    return fm_fail(e, FM_TOO_LARGE, "a value has %u bytes at most, this one has %llu", (unsigned)s->slots.capacity,
                   (unsigned long long)length);
  fm_latest_publish(&s->slots, ++s->version, data, (uint32_t)length);
  fm_wake(&s->signal);
  return fm_view_is_lost(&s->view) ? fm_fail(e, FM_TRUNCATED, NULL) : FM_OK;
}

typedef struct reading {
  fm_state *state;
  uint64_t than, version; /* newer than; what came */
  uint32_t length;
} reading;

static int look(void *context, bool thoroughly, fm_error *e)
{
  reading *r = context;
  fm_state *s = r->state;
  (void)thoroughly;
  if (fm_view_is_lost(&s->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  const int code = fm_latest_read(&s->slots, s->buffer, &r->length, &r->version, e);
  return fm_view_is_lost(&s->view) ? fm_fail(e, FM_TRUNCATED, NULL) : code;
}

/* A number larger than any that was published is waited for like another. */
static int look_for_newer(void *context, bool thoroughly, fm_error *e)
{
  reading *r = context;
  if (fm_view_is_lost(&r->state->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  if (fm_latest_newest(&r->state->slots) <= r->than) return FM_TIMEOUT;
  const int code = look(r, thoroughly, e);
  return code == FM_NOT_FOUND ? FM_TIMEOUT : code;
}

int fm_state_read(fm_state *s, double timeout, const void **data, size_t *length, uint64_t *version, fm_error *e)
{
  reading r = {s, 0, 0, 0};
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = look(&r, false, e);
  if (code == FM_TIMEOUT) code = fm_await(&(fm_wait_point){.word = NULL}, timeout, look, &r, e);
  if (code != FM_OK && code != FM_NOT_FOUND) return code;
  *data = code == FM_OK ? s->buffer : NULL;
  *length = r.length;
  *version = r.version;
  return FM_OK;
}

int fm_state_wait(fm_state *s, uint64_t than, double timeout, const void **data, size_t *length, uint64_t *newer,
                  fm_error *e)
{
  reading r = {s, than, 0, 0};
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = fm_await(&s->signal, timeout, look_for_newer, &r, e);
  if (code != FM_OK) return code;
  *data = s->buffer;
  *length = r.length;
  *newer = r.version;
  return FM_OK;
}

/* {-- The rest ---------------------------------------------------------------------------------- */

const char *fm_state_name(const fm_state *s)
{
  return fm_map_label(s->block.map);
}

uint64_t fm_state_capacity(const fm_state *s)
{
  return s->slots.capacity;
}

bool fm_state_is_writer(const fm_state *s)
{
  return s->writer;
}

void fm_state_close(fm_state *s)
{
  if (s) let_go(s);
}
