/* Searching bytes among bytes. */
#ifndef FILEMAP_MEMORY_SEARCH_H
#define FILEMAP_MEMORY_SEARCH_H

#include <stddef.h>

/* Where the `n` bytes of `needle` first are among the `length` of `bytes`, or NULL. An empty needle is found at once. The
** time is linear in `length`, whatever the bytes are, and they may change meanwhile. */
const unsigned char *fm_two_way_search(const unsigned char *bytes, size_t length, const void *needle, size_t n);

#endif
