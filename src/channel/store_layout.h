/* The layout of a store's memory, for the files of the store alone. */
#ifndef FILEMAP_STORE_LAYOUT_H
#define FILEMAP_STORE_LAYOUT_H

#include "store.h"

FM_BEGIN_HIDDEN

enum { FM_HEAD_BYTES = 96, FM_TAIL_BYTES = 112 };

/* `next` leads through the blocks of an entry, or through the loose blocks; that of the last one has no
** meaning. `bucket` does not belong to the entry. The other fields are of an entry's first block; in the
** others, bytes begin behind `version`, which is 0. */
typedef struct fm_block {
  fm_word32 next;
  fm_word32 bucket;       /* the first entry of the bucket that has the number of this block */
  fm_word64 version;      /* 0: no entry is published here */
  fm_word64 fields;       /* the key's length; from bit 8 the value's type; from bit 16 when it expires */
  fm_word32 value_length;
  fm_word32 chain;        /* the next entry of the bucket */
  fm_word64 bytes[FM_HEAD_BYTES / 8];
} fm_block;

/* The links of an entry, by the number of its first block. Readers do not use them. They are not in the
** block, because a writer that changed a link there would remove the entry from the caches of readers. */
struct fm_links {
  fm_word32 older, newer; /* entries */
  fm_word32 timer;        /* the entry's place in the heap, counted from 1; 0: it does not expire */
  fm_word32 at_place;     /* of the heap: the entry at the place of this number */
};

_Static_assert(sizeof(fm_block) == FM_STORE_BLOCK, "the layout");
_Static_assert(offsetof(fm_block, bytes) == FM_STORE_BLOCK - FM_HEAD_BYTES, "the layout");
_Static_assert(offsetof(fm_block, fields) == FM_STORE_BLOCK - FM_TAIL_BYTES, "the layout");

static inline uint32_t fm_key_length_of(uint64_t fields)
{
  return fields & 0xFF;
}

static inline uint64_t fm_expiry_of(uint64_t fields)
{
  return fields >> 16;
}

static inline fm_block *fm_block_at(const fm_store *s, uint32_t number)
{
  return (fm_block *)(void *)(s->blocks + (size_t)number * FM_STORE_BLOCK);
}

/* A length rounded up to whole words of 8 bytes. */
static inline size_t fm_padded(size_t length)
{
  return (length + 7) / 8 * 8;
}

/* How many blocks the bytes of an entry take: its key, rounded up to 8, and its value. */
static inline uint64_t fm_count_blocks(uint64_t bytes)
{
  return bytes <= FM_HEAD_BYTES ? 1 : 1 + (bytes - FM_HEAD_BYTES + FM_TAIL_BYTES - 1) / FM_TAIL_BYTES;
}

static inline bool fm_is_block(const fm_store *s, uint32_t number)
{
  return number - 1 < s->block_count - 1;
}

/* The bytes that the buckets' bits take, a multiple of FM_STORE_BLOCK. */
static inline uint64_t fm_buckets_size(uint32_t count)
{
  return ((uint64_t)count + FM_STORE_BLOCK * 8 - 1) / (FM_STORE_BLOCK * 8) * FM_STORE_BLOCK;
}

/* The number of the lowest bit that is 1. */
static inline uint32_t fm_lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
  return (uint32_t)__builtin_ctzll(bits);
#else
  uint32_t n = 0;
  for (; !(bits & 1); bits >>= 1) n++;
  return n;
#endif
}

/* The bytes that the links take, a multiple of FM_STORE_BLOCK. */
static inline uint64_t fm_links_size(uint32_t count)
{
  return ((uint64_t)count * sizeof(struct fm_links) + FM_STORE_BLOCK - 1) / FM_STORE_BLOCK * FM_STORE_BLOCK;
}

FM_END_HIDDEN

#endif
