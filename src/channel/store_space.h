/* The free blocks of a store, for its writer. store.h describes them. */
#ifndef FILEMAP_STORE_SPACE_H
#define FILEMAP_STORE_SPACE_H

#include "store_layout.h"

FM_BEGIN_HIDDEN

/* The bytes that the bits take, a multiple of FM_STORE_BLOCK. */
uint64_t fm_space_size(uint32_t block_count);

void fm_space_open(fm_space *m, void *memory, uint32_t block_count);

/* Takes a list of `n` free blocks, which must be there: as near to the block `home` as possible, from it on.
** The list is in the store's `loose` word until a change stores another value there. FM_CORRUPT. */
int fm_space_take(fm_store *s, uint32_t home, uint64_t n, uint32_t *first, fm_error *e);

/* Marks the blocks of the list in the `loose` word as free. */
void fm_space_free_loose(fm_store *s);

/* The value of the `loose` word for a list of `n` blocks. */
static inline uint64_t fm_space_loose(uint32_t first, uint32_t n)
{
  return first | (uint64_t)n << 32;
}

FM_END_HIDDEN

#endif
