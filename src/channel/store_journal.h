/* Changes of a store that are made whole or not at all: store.h describes the journal. */
#ifndef FILEMAP_STORE_JOURNAL_H
#define FILEMAP_STORE_JOURNAL_H

#include "store_layout.h"

FM_BEGIN_HIDDEN

/* The writer's words of a store, each number on its own. */
typedef struct fm_store_numbers {
  uint64_t version;
  uint32_t count, used, oldest, newest, cleared_blocks, timers;
} fm_store_numbers;

static inline fm_store_numbers fm_numbers_of(uint64_t version, uint64_t entries, uint64_t ages, uint64_t rest)
{
  return (fm_store_numbers){
    .version = version, .count = (uint32_t)entries, .used = (uint32_t)(entries >> 32),
    .oldest = (uint32_t)ages, .newest = (uint32_t)(ages >> 32), .cleared_blocks = (uint32_t)rest,
    .timers = (uint32_t)(rest >> 32),
  };
}

/* For the writer. */
static inline fm_store_numbers fm_load_numbers(const fm_store *s)
{
  fm_store_words *w = s->words;
  return fm_numbers_of(atomic_load_explicit(&w->version, memory_order_relaxed),
                       atomic_load_explicit(&w->entries, memory_order_relaxed),
                       atomic_load_explicit(&w->ages, memory_order_relaxed),
                       atomic_load_explicit(&w->rest, memory_order_relaxed));
}

/* For any process: a word, or all numbers, as they are when the journal has been carried out. False if the
** journal is damaged. A writer may change the store between two readings: the first comment of store.h has
** the steps by which a reader notices that. */
uint32_t fm_load_ahead(const fm_store *s, fm_word32 *word);
uint64_t fm_load_ahead_64(const fm_store *s, fm_word64 *word);
bool fm_load_numbers_ahead(const fm_store *s, fm_store_numbers *out);

/* A change: the store's numbers and its `loose` word as they will be, how many of the first loose blocks it
** frees, and the other words that change, in order. There are 35 words at most, 24 of them for the heap. */
typedef struct fm_change {
  fm_store *s;
  fm_store_numbers numbers;
  uint64_t loose;
  uint32_t dropped;
  uint32_t length;
  struct { uint64_t place, value; } writes[FM_STORE_JOURNAL];
} fm_change;

/* Leaves the array as it is: to clear it would take as long as half a change. */
static inline void fm_change_begin(fm_change *c, fm_store *s)
{
  c->s = s;
  c->numbers = fm_load_numbers(s);
  c->loose = atomic_load_explicit(&s->words->loose, memory_order_relaxed);
  c->dropped = 0;
  c->length = 0;
}

/* A word may be there twice: the later value counts. */
static inline void fm_change_put(fm_change *c, uint64_t place, uint64_t value)
{
  c->writes[c->length].place = place;
  c->writes[c->length++].value = value;
}

static inline uint64_t fm_change_place(const fm_store *s, const void *word)
{
  return (uintptr_t)word - (uintptr_t)s->words; /* a section may be longer than PTRDIFF_MAX */
}

static inline void fm_change_store(fm_change *c, fm_word32 *word, uint32_t value)
{
  fm_change_put(c, fm_change_place(c->s, word), value);
}

static inline void fm_change_store_64(fm_change *c, fm_word64 *word, uint64_t value)
{
  fm_change_put(c, fm_change_place(c->s, word) | 1, value);
}

/* Makes the change. The blocks that it frees are the first loose ones afterwards. */
void fm_change_commit(fm_change *c);

FM_END_HIDDEN

#endif
