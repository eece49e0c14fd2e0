/* ring.h: a writer and a reader of one ring, which a hostile process damages. */
#include "../../src/channel/ring.h"
#include "fuzz.h"

enum { CORRUPT_OR = CODE(FM_OK) | CODE(FM_CORRUPT) };

typedef struct block {
  fm_ring_words words;
  unsigned char bytes[];
} block;

static void put(fm_ring *r)
{
  fm_error e = NO_ERROR;
  const uint32_t length = fz_below(r->longest + 1);
  const int code = fm_ring_put(r, fz_data(length), length, &e);
  CHECK(code == FM_OK || code == FM_FULL || code == FM_CORRUPT);
}

static void get(fm_ring *r)
{
  fm_error e = NO_ERROR;
  uint32_t length = UINT32_MAX;
  const int code = fm_ring_next(r, &length, &e);
  CHECK(code == FM_OK || code == FM_TIMEOUT || code == FM_CORRUPT);
  if (code != FM_OK) return;
  CHECK(length <= r->longest);
  fz_interfere();
  fm_ring_get(r, fz_room(length), length, fz_byte() & 1);
}

static void write_some(fm_ring *r)
{
  fm_error e = NO_ERROR;
  const uint32_t most = fz_below(2 * r->size);
  uint32_t length = most;
  const int code = fm_ring_write(r, fz_data(most), &length, &e);
  CHECK(code == FM_OK || code == FM_FULL || code == FM_CORRUPT);
  CHECK(code == FM_OK ? length <= most : length == most);
}

static void read_some(fm_ring *r)
{
  fm_error e = NO_ERROR;
  bool given;
  const uint32_t most = fz_below(2 * r->size);
  uint32_t length = most;
  const int code = fm_ring_read(r, fz_room(most), &length, fz_byte() & 1, &given, &e);
  CHECK(code == FM_OK || code == FM_TIMEOUT || code == FM_CORRUPT);
  CHECK(code == FM_OK ? length <= most : length == most);
}

static void count(fm_ring *r)
{
  fm_error e = NO_ERROR;
  uint32_t n, first;
  if (EXPECT(fm_ring_count(r, &n, &first, &e), &e, CORRUPT_OR) == FM_OK)
    CHECK(n <= r->size / 8 && first <= r->longest);
}

/* False if the ring is corrupt: a process cannot use it any more. */
static bool load(fm_ring *r)
{
  fm_error e = NO_ERROR;
  return EXPECT(fm_ring_load(r, &e), &e, CORRUPT_OR) == FM_OK;
}

static bool make_call(fm_ring *writer, fm_ring *reader)
{
  fz_call();
  fz_interfere();
  switch (fz_byte() % 8) {
    case 0: put(writer); break;
    case 1: get(reader); break;
    case 2: write_some(writer); break;
    case 3: read_some(reader); break;
    case 4: count(reader); break;
    case 5: fm_ring_store_head(reader); break;
    case 6: return load(writer);
    default: return load(reader);
  }
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fm_ring writer, reader;
  fz_begin(data, size);
  const uint32_t bytes = 64u << fz_below(6);
  block *b = calloc(1, sizeof *b + bytes);
  CHECK(b);
  b->words.tail = fz_word();
  b->words.head = b->words.tail - fz_word();
  fz_share(b, sizeof *b + bytes);
  writer = reader = fm_ring_of(&b->words, b->bytes, bytes, fz_below(bytes));
  bool goes_on = load(&writer) && load(&reader);
  while (goes_on && fz_has_more()) goes_on = make_call(&writer, &reader);
  free(b);
  return 0;
}
