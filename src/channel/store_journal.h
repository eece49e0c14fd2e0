/* Changes of a store that are made whole or not at all: store.h describes the journal. */
#ifndef FILEMAP_STORE_JOURNAL_H
#define FILEMAP_STORE_JOURNAL_H

#include "store_layout.h"

/* The words that change when the change is made, in order: 39 at most (24 of them for the heap). Loads see
** what is to be stored. */
typedef struct fm_change {
  fm_store *s;
  uint32_t length;
  struct { uint64_t place, value; } writes[FM_STORE_JOURNAL];
} fm_change;

/* Leaves the array as it is: to clear it would take as long as half a change. */
static inline void fm_change_begin(fm_change *c, fm_store *s)
{
  c->s = s;
  c->length = 0;
}

static inline uint64_t fm_change_place(const fm_store *s, const void *word, bool is_64)
{
  return (uint64_t)((const unsigned char *)word - (const unsigned char *)s->words) | is_64;
}

/* A word may be there twice: the later value counts. */
static inline void fm_change_put(fm_change *c, uint64_t place, uint64_t value)
{
  c->writes[c->length].place = place;
  c->writes[c->length++].value = value;
}

static inline uint32_t fm_change_load(const fm_change *c, fm_word32 *word)
{
  const uint64_t place = fm_change_place(c->s, word, false);
  for (uint32_t i = c->length; i > 0; i--)
    if (c->writes[i - 1].place == place) return (uint32_t)c->writes[i - 1].value;
  return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void fm_change_store(fm_change *c, fm_word32 *word, uint32_t value)
{
  fm_change_put(c, fm_change_place(c->s, word, false), value);
}

static inline void fm_change_store_64(fm_change *c, fm_word64 *word, uint64_t value)
{
  fm_change_put(c, fm_change_place(c->s, word, true), value);
}

/* Makes the change. */
void fm_change_commit(const fm_change *c);

#endif
