/* The entries of a store: the hash of a key, the bytes of an entry, and the way to it along the list of its
** bucket. store.h describes the steps of readers. */
#include "store_entry.h"

#include <string.h>

#include "../base/test_hook.h"

enum { WORD = 8 };

/* {-- Keys -------------------------------------------------------------------------------------- */

/* The mixer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014, with
** variant 13 of Stafford). Its shifts before the products make it hard to find keys that have the same hash
** for every seed. */
static uint64_t mix(uint64_t h)
{
  h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9u;
  h = (h ^ h >> 27) * 0x94D049BB133111EBu;
  return h ^ h >> 31;
}

/* Fewer than 8 bytes as a word, the first one in the lowest bits. This takes less time than memcpy(3): the
** processor waits until it can load a word whose bytes were stored one by one. */
static uint64_t word_of(const unsigned char *bytes, size_t length)
{
  uint64_t w = 0;
  for (size_t i = 0; i < length; i++) w |= (uint64_t)bytes[i] << 8 * i;
  return w;
}

/* Asks the processor to load the cache line of an address, and does not wait for it. */
static void prefetch(const void *address)
{
#if defined(__GNUC__)
  __builtin_prefetch(address);
#else
  (void)address;
#endif
}

fm_store_key fm_store_key_of(const fm_store *s, const void *bytes, size_t length)
{
  const unsigned char *from = bytes;
  uint64_t h = mix(s->seed ^ length), w;
  size_t rest = length;
  for (; rest >= sizeof w; rest -= sizeof w, from += sizeof w) {
    memcpy(&w, from, sizeof w);
    h = mix(h ^ w);
  }
  h = mix(h ^ word_of(from, rest)) >> 32;
  const uint32_t bucket = 1 + (uint32_t)(h * (s->block_count - 1) >> 32);
  prefetch(fm_block_at(s, bucket));
  return (fm_store_key){.bytes = bytes, .length = (uint32_t)length, .bucket = bucket};
}

/* {-- Bytes of an entry --------------------------------------------------------------------------
**
** They are copied in words of 8 bytes, and the rest in one word (word_of), by atomic loads and stores without
** order, since a reader and a writer may be at them at once: Boehm, "Can seqlocks get along with programming
** language memory models?" (2012), figure 6.
** */

static fm_word64 *words_of(fm_block *b, bool is_head, size_t *count)
{
  *count = is_head ? FM_HEAD_BYTES / WORD : FM_TAIL_BYTES / WORD;
  return is_head ? b->bytes : &b->fields;
}

static void load_words(unsigned char *to, fm_word64 *from, size_t length)
{
  uint64_t w;
  for (; length >= sizeof w; length -= sizeof w, to += sizeof w) {
    w = atomic_load_explicit(from++, memory_order_relaxed);
    memcpy(to, &w, sizeof w);
  }
  if (length == 0) return;
  w = atomic_load_explicit(from, memory_order_relaxed);
  for (size_t i = 0; i < length; i++) to[i] = (unsigned char)(w >> 8 * i);
}

/* Are the bytes the same? */
static bool compare_words(fm_word64 *with, const unsigned char *bytes, size_t length)
{
  uint64_t w;
  for (; length >= sizeof w; length -= sizeof w, bytes += sizeof w) {
    memcpy(&w, bytes, sizeof w);
    if (atomic_load_explicit(with++, memory_order_relaxed) != w) return false;
  }
  if (length == 0) return true;
  return atomic_load_explicit(with, memory_order_relaxed) == word_of(bytes, length);
}

static void store_words(fm_word64 *to, const unsigned char *from, size_t length)
{
  uint64_t w;
  for (; length >= sizeof w; length -= sizeof w, from += sizeof w) {
    memcpy(&w, from, sizeof w);
    atomic_store_explicit(to++, w, memory_order_relaxed);
  }
  if (length > 0) atomic_store_explicit(to, word_of(from, length), memory_order_relaxed);
}

fm_position fm_entry_start(const fm_store *s, uint32_t number)
{
  fm_position p = {.s = s, .number = number};
  p.words = words_of(fm_block_at(s, number), true, &p.count);
  return p;
}

/* The words that are left in this block, or of the next one; NULL if there is no such block. */
static fm_word64 *next_words(fm_position *p)
{
  if (p->at == p->count) {
    const uint32_t next = atomic_load_explicit(&fm_block_at(p->s, p->number)->next, memory_order_relaxed);
    if (!fm_is_block(p->s, next)) return NULL;
    p->number = next;
    p->words = words_of(fm_block_at(p->s, next), false, &p->count);
    p->at = 0;
  }
  return p->words + p->at;
}

static size_t advance(fm_position *p, size_t length)
{
  const size_t room = (p->count - p->at) * WORD, n = length < room ? length : room;
  p->at += fm_padded(n) / WORD;
  return n;
}

bool fm_entry_copy_out(fm_position *p, unsigned char *to, size_t length)
{
  while (length > 0) {
    fm_word64 *from = next_words(p);
    if (!from) return false;
    FM_TEST_HOOK("copy");
    const size_t n = advance(p, length);
    load_words(to, from, n);
    to += n;
    length -= n;
  }
  return true;
}

/* Has the entry these bytes? */
static bool compare(fm_position *p, const unsigned char *bytes, size_t length)
{
  while (length > 0) {
    fm_word64 *with = next_words(p);
    if (!with) return false;
    FM_TEST_HOOK("compare");
    const size_t n = advance(p, length);
    if (!compare_words(with, bytes, n)) return false;
    bytes += n;
    length -= n;
  }
  return true;
}

bool fm_entry_copy_in(fm_position *p, const unsigned char *from, size_t length)
{
  while (length > 0) {
    fm_word64 *to = next_words(p);
    if (!to) return false;
    FM_TEST_HOOK("bytes");
    const size_t n = advance(p, length);
    store_words(to, from, n);
    from += n;
    length -= n;
  }
  return true;
}

/* {-- Going along a bucket ---------------------------------------------------------------------- */

/* Did the link lead to `number`, at one moment, in an entry that was published? */
static bool is_linked(const fm_walk *w, uint32_t number)
{
  if (atomic_load_explicit(w->link, memory_order_acquire) != number) return false;
  return !w->owner || atomic_load_explicit(&w->owner->version, memory_order_acquire) == w->owner_version;
}

int fm_walk_step(fm_walk *w, fm_error *e)
{
  FM_TEST_HOOK("link");
  const uint32_t number = atomic_load_explicit(w->link, memory_order_acquire);
  if (number == 0) return is_linked(w, 0) ? FM_NOT_FOUND : FM_TIMEOUT;
  if (!fm_is_block(w->s, number)) return is_linked(w, number) ? fm_fail(e, FM_CORRUPT, NULL) : FM_TIMEOUT;
  if (++w->steps > FM_STORE_LONGEST) return fm_fail(e, FM_CORRUPT, NULL);
  FM_TEST_HOOK("step");
  w->entry = fm_block_at(w->s, number);
  prefetch((const unsigned char *)w->entry + FM_STORE_BLOCK / 2); /* most values end there */
  w->number = number;
  w->version = atomic_load_explicit(&w->entry->version, memory_order_acquire);
  return w->version != 0 && is_linked(w, number) ? FM_OK : FM_TIMEOUT;
}

void fm_walk_pass(fm_walk *w)
{
  w->owner = w->entry;
  w->owner_version = w->version;
  w->link = &w->entry->chain;
}

bool fm_walk_is_unchanged(const fm_walk *w)
{
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(&w->entry->version, memory_order_relaxed) == w->version;
}

static bool has_key(const fm_walk *w, const fm_store_key *key, fm_position *behind)
{
  const uint64_t fields = atomic_load_explicit(&w->entry->fields, memory_order_relaxed);
  *behind = fm_entry_start(w->s, w->number);
  return fm_key_length_of(fields) == key->length && compare(behind, key->bytes, key->length);
}

int fm_walk_find(fm_walk *w, const fm_store_key *key, fm_position *value, fm_error *e)
{
  for (;;) {
    const int code = fm_walk_step(w, e);
    if (code != FM_OK) return code;
    const bool found = has_key(w, key, value);
    if (!fm_walk_is_unchanged(w)) return FM_TIMEOUT;
    if (found) return FM_OK;
    fm_walk_pass(w);
  }
}

void fm_walk_fields(const fm_walk *w, fm_store_value *out, uint32_t *key_length)
{
  const uint64_t fields = atomic_load_explicit(&w->entry->fields, memory_order_relaxed);
  *key_length = fm_key_length_of(fields);
  out->type = (uint8_t)(fields >> 8);
  out->length = atomic_load_explicit(&w->entry->value_length, memory_order_relaxed);
  out->expires = fm_expiry_of(fields);
  out->version = w->version;
}

uint64_t fm_store_blocks(uint32_t key_length, uint64_t value_length)
{
  return fm_count_blocks(fm_padded(key_length) + value_length);
}

bool fm_entry_is_possible(const fm_store *s, const fm_store_value *value, uint32_t key_length)
{
  const uint64_t blocks = fm_store_blocks(key_length, value->length);
  return key_length > 0 && blocks < s->block_count && value->version <= INT64_MAX;
}
