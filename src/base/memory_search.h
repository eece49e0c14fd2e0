/* Finding bytes in memory. */
#ifndef FILEMAP_MEMORY_SEARCH_H
#define FILEMAP_MEMORY_SEARCH_H

#include <stddef.h>

#include "hidden.h"

FM_BEGIN_HIDDEN

/* Returns the first place of the `n` bytes of `needle` in the `length` bytes from `bytes`, or NULL. An
** empty needle is at the start. The time is linear in `length`, whatever the bytes are. Other processes
** may change the bytes meanwhile. */
const unsigned char *fm_two_way_search(const unsigned char *bytes, size_t length, const void *needle,
                                       size_t n);

FM_END_HIDDEN

#endif
