/* latest.h: a writer and a reader of one row of slots, which a hostile process damages. */
#include "../../src/channel/latest.h"
#include "fuzz.h"

static void publish(const fm_latest *s, uint64_t *version)
{
  const uint32_t length = fz_below(s->capacity + 1);
  fm_latest_publish(s, ++*version, fz_data(length), length);
}

static void read_newest(const fm_latest *s)
{
  fm_error e = NO_ERROR;
  uint32_t length = UINT32_MAX;
  uint64_t version = UINT64_MAX;
  const int code = fm_latest_read(s, fz_room(s->capacity), &length, &version, &e);
  CHECK(code == FM_OK || code == FM_TIMEOUT || code == FM_NOT_FOUND || code == FM_CORRUPT);
  CHECK(code == FM_OK ? length <= s->capacity && version != 0
                      : length == UINT32_MAX && version == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fz_begin(data, size);
  fm_latest s = {.shared = NULL, .capacity = 1 + fz_below(300)};
  uint64_t version = 0;
  const size_t bytes = (size_t)fm_latest_size(s.capacity);
  s.shared = calloc(1, bytes);
  CHECK(s.shared);
  fz_share(s.shared, bytes);
  while (fz_has_more()) {
    fz_call();
    fz_interfere();
    switch (fz_byte() % 4) {
      case 0: publish(&s, &version); break;
      case 1: version = fm_latest_newest(&s); break; /* another writer takes over */
      default: read_newest(&s); break;
    }
  }
  free(s.shared);
  return 0;
}
