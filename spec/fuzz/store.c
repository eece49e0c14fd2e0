/* store.h: a writer and a reader of one store, which a hostile process damages. */
#include "../../src/channel/store.h"
#include "fuzz.h"

enum {
  READ = CODE(FM_OK) | CODE(FM_NOT_FOUND) | CODE(FM_FULL) | CODE(FM_TIMEOUT) | CODE(FM_CORRUPT)
};

static fm_store s;

static fm_store_key choose_key(unsigned char bytes[FM_DICT_KEY_MAX])
{
  const uint32_t which = fz_below(12), length = which < 8 ? which + 1 : 20 * which;
  memset(bytes, 'a' + (int)which, FM_DICT_KEY_MAX);
  return fm_store_key_of(&s, bytes, length);
}

static void set(void)
{
  fm_error e = NO_ERROR;
  unsigned char bytes[FM_DICT_KEY_MAX];
  const fm_store_key key = choose_key(bytes);
  const uint32_t length = fz_below(700);
  const fm_store_value value = {
    .bytes = fz_data(length), .length = length, .type = fz_byte(),
    .expires = fz_below(3) * (uint64_t)fz_byte(),
  };
  uint64_t version = 0;
  const int code = fm_store_set(&s, &key, &value, &version, &e);
  CHECK(code == FM_OK || code == FM_FULL || code == FM_CORRUPT);
  CHECK(code == FM_OK ? version != 0 : version == 0);
}

static void read_value(void)
{
  fm_error e = NO_ERROR;
  unsigned char bytes[FM_DICT_KEY_MAX];
  const fm_store_key key = choose_key(bytes);
  const size_t size = fz_below(900);
  fm_store_value value;
  const int code = fm_store_read(&s, &key, fz_room(size), size, &value, &e);
  CHECK(CODE(code) & READ);
  CHECK(code != FM_OK || (value.length <= size && value.version != 0));
  CHECK(code != FM_FULL || value.length > size);
}

/* What is read must lie in the buffer. */
static void read_bucket(void)
{
  fm_error e = NO_ERROR;
  const size_t size = fz_below(4000);
  size_t length = 0;
  unsigned char *buffer = fz_room(size);
  const int code = fm_store_read_bucket(&s, fz_below(s.block_count), buffer, size, &length, &e);
  CHECK(CODE(code) & READ);
  CHECK(code != FM_FULL || length > size);
  for (size_t at = 0; code == FM_OK && at < length;) {
    fm_store_record r;
    memcpy(&r, buffer + at, sizeof r);
    CHECK(r.key_length > 0 && r.size >= sizeof r + r.key_length + r.value_length && r.size <= length - at);
    at += r.size;
  }
}

static void remove_some(uint8_t which)
{
  fm_error e = NO_ERROR;
  unsigned char bytes[FM_DICT_KEY_MAX];
  const fm_store_key key = choose_key(bytes);
  int code;
  if (which == 0) code = fm_store_remove(&s, &key, &e);
  else if (which == 1) code = fm_store_remove_oldest(&s, fz_byte() & 1 ? &key : NULL, &e);
  else if (which == 2) code = fm_store_remove_cleared(&s, &e);
  else code = fm_store_remove_expired(&s, fz_byte(), &e);
  CHECK(code == FM_OK || code == FM_NOT_FOUND || code == FM_CORRUPT);
}

static void clear(void)
{
  fm_error e = NO_ERROR;
  const int code = fm_store_clear(&s, &e);
  CHECK(code == FM_OK || code == FM_CORRUPT);
}

static void count(void)
{
  fm_error e = NO_ERROR;
  fm_store_counts c;
  const int code = fm_store_count(&s, fz_byte(), &c, &e);
  CHECK(code == FM_OK || code == FM_CORRUPT || code == FM_TIMEOUT);
  CHECK(code != FM_OK || (c.used < s.block_count && c.count <= c.used));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fz_begin(data, size);
  const uint32_t blocks = 2 + (fz_byte() & 1 ? fz_below(8) : fz_below(200)); /* up to two levels of bits */
  const size_t bytes = (size_t)fm_store_size(blocks);
  void *memory = calloc(1, bytes);
  CHECK(memory);
  fm_store_open(&s, memory, blocks, fz_byte());
  fz_share(memory, bytes);
  while (fz_has_more()) {
    fz_call();
    fz_interfere();
    const uint8_t what = fz_byte() % 10;
    switch (what) {
      case 0: case 1: set(); break;
      case 2: read_value(); break;
      case 3: read_bucket(); break;
      case 4: (void)fm_store_recover(&s, 1 + fz_byte(), NULL); break;
      case 5: clear(); break;
      case 6: count(); break;
      default: remove_some(fz_byte() % 4); break;
    }
    (void)fm_store_free_blocks(&s);
  }
  free(memory);
  return 0;
}
