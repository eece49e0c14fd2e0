/* Wide text: UTF-16 and UTF-32 of either byte order, at any alignment. Other processes may write the text
** while it is read, so no unit is trusted to be the same when it is read again. */
#include <string.h>

#include "public.h"
#include "utf.h"
#include "wide.h"

static uint32_t swap_bytes(uint32_t c, size_t unit)
{
  if (unit == 2) return (c >> 8 | c << 8) & 0xFFFF;
  return c >> 24 | (c >> 8 & 0xFF00) | (c << 8 & 0xFF0000) | c << 24;
}

static uint32_t unit_at(const unsigned char *p, size_t index, size_t unit, bool swapped)
{
  uint16_t narrow;
  uint32_t wide;
  if (unit == sizeof narrow) {
    memcpy(&narrow, p + index * unit, unit);
    wide = narrow;
  } else {
    memcpy(&wide, p + index * unit, sizeof wide);
  }
  return swapped ? swap_bytes(wide, unit) : wide;
}

static void put_unit(unsigned char *p, size_t index, size_t unit, bool swapped, uint32_t c)
{
  if (swapped) c = swap_bytes(c, unit);
  const uint16_t narrow = (uint16_t)c;
  if (unit == sizeof narrow) memcpy(p + index * unit, &narrow, unit);
  else memcpy(p + index * unit, &c, sizeof c);
}

/* {-- From wide text ----------------------------------------------------------------------------- */

size_t fm_wide_length(const void *text, size_t most, size_t unit)
{
  size_t length = 0;
  while (length < most && unit_at(text, length, unit, false) != 0) length++;
  return length;
}

static bool is_low_surrogate(uint32_t c)
{
  return c >= 0xDC00 && c <= 0xDFFF;
}

size_t fm_wide_to_utf8(char *out, const void *text, size_t units, size_t unit, bool swapped)
{
  char *to = out;
  for (size_t next = 0; next < units;) {
    uint32_t c = unit_at(text, next++, unit, swapped);
    if (c == 0) break;
    if (unit == 2 && c >= 0xD800 && c <= 0xDBFF && next < units) {
      const uint32_t low = unit_at(text, next, unit, swapped);
      /* Half of a surrogate pair stays as it is, and fm_utf8_put replaces it. */
      if (is_low_surrogate(low)) c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00), next++;
    }
    to += fm_utf8_put(to, c);
  }
  return (size_t)(to - out);
}

/* {-- To wide text ------------------------------------------------------------------------------- */

static uint32_t next_character(const char **s, const char *end)
{
  const int32_t c = fm_utf8_next(s, end);
  return c < 0 ? FM_UTF_REPLACEMENT : (uint32_t)c;
}

static size_t units_of(uint32_t c, size_t unit)
{
  return unit == 2 && c > 0xFFFF ? 2 : 1;
}

size_t fm_wide_units(const char *s, const char *end, size_t unit)
{
  size_t needed = 0;
  while (s < end) needed += units_of(next_character(&s, end), unit);
  return needed;
}

void fm_wide_put(void *out, size_t capacity, const char *s, const char *end, size_t unit, bool swapped)
{
  unsigned char *to = out;
  size_t i = 0;
  while (s < end) {
    uint32_t c = next_character(&s, end);
    if (units_of(c, unit) == 2) {
      put_unit(to, i++, unit, swapped, 0xD800 + ((c - 0x10000) >> 10));
      c = 0xDC00 + ((c - 0x10000) & 0x3FF);
    }
    put_unit(to, i++, unit, swapped, c);
  }
  memset(to + i * unit, 0, (capacity - i) * unit);
}

size_t fm_utf8_to_wide(void *out, size_t capacity, const char *text, size_t length, size_t unit, bool swapped)
{
  const size_t needed = fm_wide_units(text, text + length, unit);
  if (needed <= capacity && capacity > 0)
    fm_wide_put(out, capacity, text, text + length, unit, swapped);
  return needed;
}
