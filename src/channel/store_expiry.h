/* The entries of a store that expire, as a heap: the one that expires first is at its top. */
#ifndef FILEMAP_STORE_EXPIRY_H
#define FILEMAP_STORE_EXPIRY_H

#include "store_journal.h"

FM_BEGIN_HIDDEN

/* Takes the entry `old` out of the heap, if it is there, and adds the entry `added`, if it expires. 0 stands
** for no entry. To be called once a change at most. FM_CORRUPT. */
int fm_expiry_change(fm_change *c, uint32_t old, uint32_t added, fm_error *e);

/* The entry that expires first, if it has expired at `now`; else 0. */
uint32_t fm_expiry_first(const fm_store *s, uint64_t now);

typedef struct fm_expired {
  uint64_t count, blocks;
} fm_expired;

/* For any process: counts the entries that have expired at `now` and are not cleared, in a heap of `timers`
** entries. False if it finds what no writer writes: the memory is damaged, or a writer changed it during the
** call. */
bool fm_expiry_count(const fm_store *s, uint32_t timers, uint64_t now, fm_expired *out);

FM_END_HIDDEN

#endif
