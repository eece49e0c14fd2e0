/* What the public calls for wide text are made of: the text is measured once, and then written. */
#ifndef FILEMAP_WIDE_H
#define FILEMAP_WIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "hidden.h"

FM_BEGIN_HIDDEN

/* Returns how many units of 2 or 4 bytes the UTF-8 from `s` to `end` takes. */
size_t fm_wide_units(const char *s, const char *end, size_t unit);

/* Writes the UTF-8 from `s` to `end`, which takes no more than `capacity` units, and zeros up to `capacity`
** units. */
void fm_wide_put(void *out, size_t capacity, const char *s, const char *end, size_t unit, bool swapped);

FM_END_HIDDEN

#endif
