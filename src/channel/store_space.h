/* The free blocks of a store, for its writer. store.h describes them. */
#ifndef FILEMAP_STORE_SPACE_H
#define FILEMAP_STORE_SPACE_H

#include "store_layout.h"

FM_BEGIN_HIDDEN

/* The bytes that the bits take, a multiple of FM_STORE_BLOCK. */
uint64_t fm_space_size(uint32_t block_count);

void fm_space_open(fm_space *m, void *memory, uint32_t block_count);

/* Takes `n` free blocks, which must be there: as near to the block `home` as possible, from it on. They are
** the first `n` loose blocks until a change stores another value in the `loose` word. FM_CORRUPT. */
int fm_space_take(fm_store *s, uint32_t home, uint64_t n, uint32_t *first, fm_error *e);

/* Marks the first loose blocks as free, at most `most` of them. */
void fm_space_free_loose(fm_store *s, uint64_t most);

/* The value of the `loose` word, and its parts. */
static inline uint64_t fm_load_loose(const fm_store *s)
{
  return atomic_load_explicit(&s->words->loose, memory_order_relaxed);
}

static inline uint64_t fm_loose(uint32_t first, uint32_t count)
{
  return first | (uint64_t)count << 32;
}

static inline uint32_t fm_loose_first(uint64_t loose)
{
  return (uint32_t)loose;
}

static inline uint32_t fm_loose_count(uint64_t loose)
{
  return (uint32_t)(loose >> 32);
}

FM_END_HIDDEN

#endif
