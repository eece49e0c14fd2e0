/* Untrusted text: names, UTF-8, access words, and bytes to find. */
#include "../../src/system/system.h"
#include "../../src/map/map.h"
#include "../../src/base/utf.h"
#include "fuzz.h"

/* Each step consumes some bytes, and a valid character is encoded to the same bytes again. */
static void check_utf8(const char *text, size_t length)
{
  const char *s = text, *end = text + length;
  while (s < end) {
    const char *before = s;
    char again[FM_UTF8_MOST];
    const int32_t c = fm_utf8_next(&s, end);
    CHECK(s > before && s <= end && s - before <= FM_UTF8_MOST);
    if (c < 0) continue;
    CHECK(fm_utf8_put(again, (uint32_t)c) == s - before && memcmp(again, before, (size_t)(s - before)) == 0);
  }
}

static void check_character(uint32_t c)
{
  char text[FM_UTF8_MOST];
  const char *s = text;
  const int n = fm_utf8_put(text, c);
  const bool is_one = c < 0xD800 || (c > 0xDFFF && c <= 0x10FFFF);
  CHECK(fm_utf8_next(&s, text + n) == (int32_t)(is_one ? c : FM_UTF_REPLACEMENT) && s == text + n);
}

static void check_name(const char *name)
{
  fm_name parsed = {.kind = FM_UNNAMED};
  fm_error e = NO_ERROR;
  if (EXPECT(fm_name_parse(&parsed, name, &e), &e, CODE(FM_OK) | CODE(FM_INVALID)) != FM_OK) {
    CHECK(!parsed.full);
    return;
  }
  const size_t length = strlen(parsed.rest);
  CHECK(parsed.full == name && parsed.rest >= name && parsed.rest + length == name + strlen(name));
  CHECK(length >= 1 && length <= FM_NAME_MAX && !strchr(parsed.rest, '\\'));
  CHECK(strlen(name) < FM_NAME_SIZE && parsed.kind != FM_UNNAMED);
}

static void check_find(const unsigned char *bytes, size_t length, const unsigned char *needle, size_t n)
{
  const unsigned char *first = NULL;
  for (size_t i = 0; !first && i + n <= length; i++)
    if (memcmp(bytes + i, needle, n) == 0) first = bytes + i;
  CHECK(fm_sys_find(bytes, length, needle, n) == first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fz_begin(data, size);
  check_character(fz_word());
  const size_t n = fz_byte() % 20, rest = size < 8 ? 0 : size - 8;
  /* Buffers of the exact size, so that the sanitizers detect an access past the end. */
  char *text = memcpy(malloc(rest + 1), data + size - rest, rest);
  text[rest] = '\0';
  check_name(text);
  CHECK(!fm_access_bits(text) || strcmp(fm_access_word(fm_access_bits(text)), text) == 0);
  unsigned char *bytes = memcpy(malloc(rest), text, rest);
  free(text);
  check_utf8((const char *)bytes, rest);
  if (n <= rest) check_find(bytes + n, rest - n, bytes, n);
  free(bytes);
  return 0;
}
