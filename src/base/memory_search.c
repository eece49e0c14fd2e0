/* Finding bytes in memory, for systems whose C library has no memmem(3). */
#include <string.h>

#include "memory_search.h"

/* The Two-Way algorithm: M. Crochemore and D. Perrin, "Two-way string-matching", Journal of the ACM 38(3),
** 1991. It compares the right part of the needle forwards, then the left part backwards, and shifts by the
** length that the mismatch allows. */

typedef struct factor {
  size_t cut;    /* bytes of the left part */
  size_t period; /* of the right part */
} factor;

/* The greatest suffix of the needle, in the order of bytes (`order` 1) or in the reverse order (-1). */
static factor greatest_suffix(const unsigned char *x, size_t n, int order)
{
  size_t start = 0, other = 1, same = 0, period = 1;
  while (other + same < n) {
    const int difference = (x[other + same] - x[start + same]) * order;
    if (difference < 0) {
      other += same + 1;
      same = 0;
      period = other - start;
    } else if (difference > 0) {
      start = other++;
      same = 0;
      period = 1;
    } else if (++same == period) {
      other += period;
      same = 0;
    }
  }
  return (factor){.cut = start, .period = period};
}

static const unsigned char *two_way(const unsigned char *y, size_t length, const unsigned char *x, size_t n)
{
  const factor up = greatest_suffix(x, n, 1), down = greatest_suffix(x, n, -1);
  const factor f = up.cut > down.cut ? up : down;
  const int repeats = memcmp(x, x + f.period, f.cut) == 0;
  const size_t longer = f.cut > n - f.cut ? f.cut : n - f.cut;
  const size_t step = repeats ? f.period : longer + 1;
  size_t known = 0; /* bytes of the needle that matched in the previous round */
  for (size_t at = 0; at <= length - n;) {
    size_t i = f.cut > known ? f.cut : known;
    while (i < n && x[i] == y[at + i]) i++;
    if (i < n) {
      at += i - f.cut + 1;
      known = 0;
      continue;
    }
    for (i = f.cut; i > known && x[i - 1] == y[at + i - 1];) i--;
    if (i <= known) return y + at;
    at += step;
    known = repeats ? n - f.period : 0;
  }
  return NULL;
}

const unsigned char *fm_two_way_search(const unsigned char *bytes, size_t length, const void *needle,
                                       size_t n)
{
  if (n == 0) return bytes;
  if (n > length) return NULL;
  if (n == 1) return memchr(bytes, *(const unsigned char *)needle, length);
  return two_way(bytes, length, needle, n);
}
