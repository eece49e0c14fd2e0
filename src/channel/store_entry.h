/* How the readers and the writer of a store find an entry, and copy its bytes. */
#ifndef FILEMAP_STORE_ENTRY_H
#define FILEMAP_STORE_ENTRY_H

#include "store_layout.h"

FM_BEGIN_HIDDEN

/* The most entries of a bucket. There are as many buckets as blocks, so only keys that were chosen for their
** hashes reach it. */
enum { FM_STORE_LONGEST = 1000 };

/* Where an entry's bytes are read or written: word `at` of `count` in a block. */
typedef struct fm_position {
  const fm_store *s;
  uint32_t number;
  fm_word64 *words;
  size_t at, count;
} fm_position;

/* Where the key begins of the entry whose first block has this number. The value follows it, from the next
** word on. */
fm_position fm_entry_start(const fm_store *s, uint32_t number);

/* False if the entry has no such bytes: a writer has reused its blocks, or the memory is damaged. */
bool fm_entry_copy_out(fm_position *p, unsigned char *to, size_t length);
bool fm_entry_copy_in(fm_position *p, const unsigned char *from, size_t length);

/* Can an entry of the store have these fields? */
bool fm_entry_is_possible(const fm_store *s, const fm_store_value *value, uint32_t key_length);

/* A way along a bucket's list: the entry that was found last, and the link that led to it. */
typedef struct fm_walk {
  const fm_store *s;
  uint32_t bucket;
  fm_word32 *link;
  fm_block *owner; /* the entry that the link is in; NULL: the bucket */
  uint64_t owner_version;
  fm_block *entry;
  uint32_t number;
  uint64_t version;
  uint32_t steps;
  uint64_t blocks; /* of the entries that were copied */
} fm_walk;

static inline fm_walk fm_walk_along(const fm_store *s, uint32_t bucket)
{
  return (fm_walk){.s = s, .bucket = bucket, .link = &fm_block_at(s, bucket)->bucket};
}

/* Goes to the entry that the link leads to: FM_OK; FM_NOT_FOUND at the end of the list; FM_TIMEOUT if a
** writer changed what was read, begin again; FM_CORRUPT. */
int fm_walk_step(fm_walk *w, fm_error *e);

/* Makes the link of this entry the next one to follow. */
void fm_walk_pass(fm_walk *w);

/* Goes to the entry of a key, and returns as fm_walk_step. *value is where its value begins. */
int fm_walk_find(fm_walk *w, const fm_store_key *key, fm_position *value, fm_error *e);

/* The fields of this entry. out->bytes is not set. */
void fm_walk_fields(const fm_walk *w, fm_store_value *out, uint32_t *key_length);

/* Is what was read of this entry whole? */
bool fm_walk_is_unchanged(const fm_walk *w);

/* Was an entry of this version removed by fm_store_clear? */
static inline bool fm_is_cleared(const fm_store *s, uint64_t version)
{
  return version <= atomic_load_explicit(&s->words->cleared, memory_order_acquire);
}

FM_END_HIDDEN

#endif
