#include "utf.h"

/* The number of bytes that follow a first byte, and the range of the next one, which excludes overlong
** forms, surrogates and numbers past U+10FFFF (The Unicode Standard, table 3-7). */
static int following(unsigned char first, unsigned char *low, unsigned char *high)
{
  *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (first >= 0xC2 && first <= 0xDF) return 1;
  if (first >= 0xE0 && first <= 0xEF) return 2;
  if (first >= 0xF0 && first <= 0xF4) return 3;
  return 0;
}

int32_t fm_utf8_next(const char **s, const char *end)
{
  const unsigned char first = (unsigned char)*(*s)++;
  unsigned char low, high;
  if (first < 0x80) return first;
  const int n = following(first, &low, &high);
  if (n == 0) return -1;
  int32_t c = first & (0x3F >> n);
  for (int i = 0; i < n; i++) {
    if (*s == end) return -1;
    const unsigned char next = (unsigned char)**s;
    if (next < low || next > high) return -1;
    c = c << 6 | (next & 0x3F);
    low = 0x80;
    high = 0xBF;
    ++*s;
  }
  return c;
}

int fm_utf8_put(char out[FM_UTF8_MOST], uint32_t c)
{
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = FM_UTF_REPLACEMENT;
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  const int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (int i = n - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
  out[0] = (char)(0xF00 >> n | c);
  return n;
}

/* A unit of 2 bytes becomes up to 3 bytes, since a character of 4 bytes takes two such units. */
size_t fm_utf8_room(size_t units, size_t unit_size)
{
  const size_t most = unit_size == 2 ? 3 : FM_UTF8_MOST;
  return units <= SIZE_MAX / most ? units * most : 0;
}
