/* Unicode's encodings, one character at a time. */
#ifndef FILEMAP_UTF_H
#define FILEMAP_UTF_H

#include <stddef.h>
#include <stdint.h>

#include "hidden.h"

FM_BEGIN_HIDDEN

enum {
  FM_UTF_REPLACEMENT = 0xFFFD, /* replaces ill-formed text */
  FM_UTF8_MOST = 4             /* the most bytes of a character */
};

/* Returns the character at *s and moves *s past it; *s must be less than `end`. It returns -1 once for
** each maximal subpart of ill-formed text (The Unicode Standard, 3.9, "U+FFFD Substitution of Maximal
** Subparts"). */
int32_t fm_utf8_next(const char **s, const char *end);

/* Writes `c` in UTF-8 and returns the number of bytes. A surrogate or a number past U+10FFFF becomes
** U+FFFD. */
int fm_utf8_put(char out[FM_UTF8_MOST], uint32_t c);

/* Returns the largest number of UTF-8 bytes that so many units of 2 or 4 bytes can become. Returns 0 for no
** units, and if a size_t cannot hold the number. */
size_t fm_utf8_room(size_t units, size_t unit_size);

FM_END_HIDDEN

#endif
