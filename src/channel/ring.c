/* Rings: ring.h lists the steps of both sides. */
#include <string.h>

#include "ring.h"

enum { LENGTH = 4, ALIGNMENT = 8, SMALLEST = 64 };

static uint32_t record_size(uint32_t length)
{
  return (length + LENGTH + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

uint32_t fm_ring_size(uint64_t capacity)
{
  uint32_t size = SMALLEST;
  if (capacity > FM_CAPACITY_MOST) return 0;
  while (size - size / 4 < record_size((uint32_t)capacity)) size *= 2;
  return size;
}

bool fm_ring_is_size(uint32_t size)
{
  return size >= SMALLEST && size <= FM_RING_MOST && (size & (size - 1)) == 0;
}

static int fail_corrupt(fm_error *e)
{
  return fm_fail(e, FM_CORRUPT, NULL);
}

fm_ring fm_ring_of(fm_ring_words *shared, unsigned char *bytes, uint32_t size, uint32_t longest)
{
  return (fm_ring){.shared = shared, .bytes = bytes, .size = size, .longest = longest};
}

/* Loads the tail before the head. One of them belongs to the caller and does not change, so in a healthy ring
** the head is never past the tail. */
int fm_ring_load(fm_ring *r, fm_error *e)
{
  r->tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
  FM_TEST_HOOK("load");
  r->head = atomic_load_explicit(&r->shared->head, memory_order_acquire);
  return r->tail - r->head <= r->size ? FM_OK : fail_corrupt(e);
}

/* {-- Bytes, which can continue at the start of the ring ------------------------------------------ */

/* 0 bytes may have no address (NULL), which memcpy(3) does not take. */
static void copy_in(fm_ring *r, uint32_t position, const unsigned char *data, uint32_t length)
{
  const uint32_t at = position & (r->size - 1), first = length < r->size - at ? length : r->size - at;
  if (first > 0) memcpy(r->bytes + at, data, first);
  if (first < length) memcpy(r->bytes, data + first, length - first);
}

static void copy_out(const fm_ring *r, uint32_t position, unsigned char *out, uint32_t length)
{
  const uint32_t at = position & (r->size - 1), first = length < r->size - at ? length : r->size - at;
  if (first > 0) memcpy(out, r->bytes + at, first);
  if (first < length) memcpy(out + first, r->bytes, length - first);
}

/* {-- The writer -------------------------------------------------------------------------------- */

/* Checks that there is room for `wanted` bytes. Reads the head again only if the last one shows too little
** room. */
static int make_room(fm_ring *r, uint32_t wanted, fm_error *e)
{
  if (r->size - (r->tail - r->head) >= wanted) return FM_OK;
  FM_TEST_HOOK("room");
  r->head = atomic_load_explicit(&r->shared->head, memory_order_acquire);
  const uint32_t used = r->tail - r->head;
  if (used > r->size) {
    r->head = r->tail - r->size; /* the next try sees a full ring and reads the head again */
    return fail_corrupt(e);
  }
  return r->size - used >= wanted ? FM_OK : FM_FULL;
}

static void publish_tail(fm_ring *r, uint32_t more)
{
  FM_TEST_HOOK("put");
  r->tail += more;
  atomic_store_explicit(&r->shared->tail, r->tail, memory_order_release);
}

int fm_ring_put(fm_ring *r, const void *data, uint32_t length, fm_error *e)
{
  const uint32_t size = record_size(length);
  if (r->tail % ALIGNMENT != 0) return fail_corrupt(e);
  const int code = make_room(r, size, e);
  if (code != FM_OK) return code;
  memcpy(r->bytes + (r->tail & (r->size - 1)), &length, LENGTH); /* aligned, so it does not wrap */
  copy_in(r, r->tail + LENGTH, data, length);
  publish_tail(r, size);
  return FM_OK;
}

int fm_ring_write(fm_ring *r, const void *data, uint32_t *length, fm_error *e)
{
  const int code = make_room(r, *length < r->size ? *length : r->size, e);
  const uint32_t room = r->size - (r->tail - r->head);
  if (code == FM_CORRUPT) return code;
  if (room == 0) return FM_FULL;
  if (*length > room) *length = room;
  copy_in(r, r->tail, data, *length);
  publish_tail(r, *length);
  return FM_OK;
}

/* {-- The reader -------------------------------------------------------------------------------- */

/* How many bytes there are to read. Reads the tail again if the last one shows none. */
static int available(fm_ring *r, uint32_t *out, fm_error *e)
{
  if (r->tail == r->head) {
    FM_TEST_HOOK("next");
    const uint32_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
    if (tail - r->head > r->size) return fail_corrupt(e);
    r->tail = tail;
  }
  *out = r->tail - r->head;
  return *out ? FM_OK : FM_TIMEOUT;
}

void fm_ring_store_head(fm_ring *r)
{
  FM_TEST_HOOK("get");
  atomic_store_explicit(&r->shared->head, r->head, memory_order_release);
}

static bool advance(fm_ring *r, uint32_t more, bool now)
{
  const uint32_t before = r->head, quarter = r->size / 4;
  r->head += more;
  if (!now && !((before ^ r->head) & ~(quarter - 1))) return false;
  fm_ring_store_head(r);
  return true;
}

/* Reads the length of the record at a position from which on `known` bytes are written. */
static int read_length(const fm_ring *r, uint32_t position, uint32_t known, uint32_t *length, fm_error *e)
{
  if (position % ALIGNMENT != 0 || known < ALIGNMENT) return fail_corrupt(e);
  memcpy(length, r->bytes + (position & (r->size - 1)), LENGTH);
  return *length <= r->longest && record_size(*length) <= known ? FM_OK : fail_corrupt(e);
}

int fm_ring_next(fm_ring *r, uint32_t *length, fm_error *e)
{
  uint32_t known = 0;
  const int code = available(r, &known, e);
  return code == FM_OK ? read_length(r, r->head, known, length, e) : code;
}

bool fm_ring_get(fm_ring *r, void *out, uint32_t length, bool now)
{
  copy_out(r, r->head + LENGTH, out, length);
  return advance(r, record_size(length), now);
}

int fm_ring_count(fm_ring *r, uint32_t *count, uint32_t *first, fm_error *e)
{
  const uint32_t known = atomic_load_explicit(&r->shared->tail, memory_order_acquire) - r->head;
  uint32_t length = 0, done = 0;
  *count = *first = 0;
  if (known > r->size) return fail_corrupt(e);
  while (done < known) {
    const int code = read_length(r, r->head + done, known - done, &length, e);
    if (code != FM_OK) return code;
    done += record_size(length);
    if (++*count == 1) *first = length;
  }
  return FM_OK;
}

int fm_ring_read(fm_ring *r, void *out, uint32_t *length, bool now, bool *stored, fm_error *e)
{
  uint32_t known = 0;
  const int code = available(r, &known, e);
  if (code != FM_OK) return code;
  if (*length > known) *length = known;
  copy_out(r, r->head, out, *length);
  *stored = advance(r, *length, now);
  return FM_OK;
}
