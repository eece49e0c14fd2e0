/* A store's layout, and its readers: store.h describes their steps. */
#include "store.h"

#include <string.h>

#include "../base/test_hook.h"
#include "store_entry.h"
#include "store_expiry.h"
#include "store_space.h"

enum { TRIES = 1000 };

static int fail_corrupt(fm_error *e)
{
  return fm_fail(e, FM_CORRUPT, NULL);
}

uint64_t fm_store_size(uint32_t block_count)
{
  return sizeof(fm_store_words) + fm_space_size(block_count) + fm_buckets_size(block_count) +
         fm_links_size(block_count) + (uint64_t)block_count * FM_STORE_BLOCK;
}

void fm_store_open(fm_store *s, void *memory, uint32_t block_count, uint64_t seed)
{
  unsigned char *space = (unsigned char *)memory + sizeof(fm_store_words);
  unsigned char *buckets = space + fm_space_size(block_count);
  unsigned char *links = buckets + fm_buckets_size(block_count);
  *s = (fm_store){
    .words = memory, .buckets = (fm_word64 *)(void *)buckets, .links = (struct fm_links *)(void *)links,
    .blocks = links + fm_links_size(block_count), .block_count = block_count, .seed = seed,
  };
  fm_space_open(&s->space, space, block_count);
}

/* {-- Readers ----------------------------------------------------------------------------------- */

/* The version that was given last. If it is the same before and after TRIES tries that failed, no process
** set a key meanwhile. Deleting does not make so many tries in one bucket fail, so the memory is damaged.
** A try that succeeds does not read it, since every writer writes it. */
static uint64_t last_version(const fm_store *s)
{
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(&s->words->version, memory_order_acquire);
}

/* One try of fm_store_read. */
static int read_once(const fm_store *s, const fm_store_key *key, unsigned char *buffer, size_t size,
                     fm_store_value *out, fm_error *e)
{
  fm_walk w = fm_walk_along(s, key->bucket);
  fm_position value;
  uint32_t key_length;
  int code = fm_walk_find(&w, key, &value, e);
  if (code == FM_OK && fm_is_cleared(s, w.version)) code = FM_NOT_FOUND;
  if (code != FM_OK) return code;
  fm_walk_fields(&w, out, &key_length);
  out->bytes = buffer;
  const bool possible = fm_entry_is_possible(s, out, key_length), fits = out->length <= size;
  const bool copied = possible && fits && fm_entry_copy_out(&value, buffer, out->length);
  FM_TEST_HOOK("copied");
  if (!fm_walk_is_unchanged(&w)) return FM_TIMEOUT;
  if (!possible) return fail_corrupt(e);
  if (!fits) return FM_FULL;
  return copied ? FM_OK : fail_corrupt(e);
}

int fm_store_read(const fm_store *s, const fm_store_key *key, unsigned char *buffer, size_t size,
                  fm_store_value *out, fm_error *e)
{
  int code = read_once(s, key, buffer, size, out, e);
  if (code != FM_TIMEOUT) return code;
  const uint64_t before = last_version(s);
  for (int i = 0; i < TRIES && code == FM_TIMEOUT; i++) {
    fm_sys_relax();
    code = read_once(s, key, buffer, size, out, e);
  }
  return code == FM_TIMEOUT && last_version(s) == before ? fail_corrupt(e) : code;
}

/* Copies the entry that the walk is at, if it fits; *used grows by its record's size in any case.
** FM_TOO_LARGE if the entries of the list together have more blocks than the store. */
static int copy_record(fm_walk *w, unsigned char *buffer, size_t size, size_t *used, fm_error *e)
{
  fm_store_value v;
  uint32_t key_length;
  fm_walk_fields(w, &v, &key_length);
  const bool possible = fm_entry_is_possible(w->s, &v, key_length);
  if (!fm_walk_is_unchanged(w)) return FM_TIMEOUT;
  if (!possible) return fail_corrupt(e);
  w->blocks += fm_store_blocks(key_length, v.length);
  if (w->blocks >= w->s->block_count) return FM_TOO_LARGE;
  const size_t padded = fm_padded(key_length);
  const size_t whole = sizeof(fm_store_record) + padded + fm_padded(v.length);
  const size_t at = *used;
  *used += whole;
  if (*used > size) return FM_OK;
  const fm_store_record r = {.version = v.version, .expires = v.expires, .size = (uint32_t)whole,
                             .value_length = v.length, .key_length = (uint8_t)key_length, .type = v.type};
  memcpy(buffer + at, &r, sizeof r);
  fm_position p = fm_entry_start(w->s, w->number);
  unsigned char *key = buffer + at + sizeof r;
  const bool copied =
    fm_entry_copy_out(&p, key, key_length) && fm_entry_copy_out(&p, key + padded, v.length);
  if (!fm_walk_is_unchanged(w)) return FM_TIMEOUT;
  return copied ? FM_OK : fail_corrupt(e);
}

static int read_bucket_once(const fm_store *s, uint32_t bucket, unsigned char *buffer, size_t size,
                            size_t *length, fm_error *e)
{
  fm_walk w = fm_walk_along(s, bucket);
  int code;
  *length = 0;
  while ((code = fm_walk_step(&w, e)) == FM_OK) {
    if (!fm_is_cleared(s, w.version)) code = copy_record(&w, buffer, size, length, e);
    if (code != FM_OK) return code;
    fm_walk_pass(&w);
  }
  if (code != FM_NOT_FOUND) return code;
  return *length <= size ? FM_OK : FM_FULL;
}

/* While no version is given, at most one try finds a list too large: one that saw an entry whose blocks a
** writer freed and used again, in a change that gave its version a moment later. */
int fm_store_read_bucket(const fm_store *s, uint32_t bucket, unsigned char *buffer, size_t size,
                         size_t *length, fm_error *e)
{
  const uint64_t before = last_version(s);
  int code = FM_TIMEOUT, too_large = 0;
  for (int i = 0; i < TRIES && code == FM_TIMEOUT && too_large < 2; i++) {
    code = read_bucket_once(s, bucket, buffer, size, length, e);
    if (code != FM_TOO_LARGE) continue;
    too_large++;
    code = FM_TIMEOUT;
  }
  return code == FM_TIMEOUT && last_version(s) == before ? fail_corrupt(e) : code;
}

uint32_t fm_store_changes(const fm_store *s)
{
  return atomic_load_explicit(&s->words->changes, memory_order_relaxed);
}

/* In the word of the first bucket, the bits below it do not count. The bits behind the last bucket are 0. */
uint32_t fm_store_next_bucket(const fm_store *s, uint32_t bucket)
{
  uint64_t above = ~(uint64_t)0 << bucket % 64;
  for (uint32_t at = bucket / 64 * 64; at < s->block_count; at += 64, above = ~(uint64_t)0) {
    const uint64_t bits = atomic_load_explicit(&s->buckets[at / 64], memory_order_acquire) & above;
    if (bits == 0) continue;
    bucket = at + fm_lowest_bit(bits);
    return bucket < s->block_count ? bucket : s->block_count; /* damaged memory has other bits */
  }
  return s->block_count;
}

/* If one of the words is newer than another, a change was made between them, and the numbers differ when they
** are read again. */
static int count_once(const fm_store *s, uint64_t now, fm_store_numbers *n, fm_expired *expired, fm_error *e)
{
  fm_store_numbers again;
  const uint32_t changes = atomic_load_explicit(&s->words->changes, memory_order_acquire);
  const bool first = fm_load_numbers_ahead(s, n);
  const bool counted = first && fm_expiry_count(s, n->timers, now, expired);
  atomic_thread_fence(memory_order_acquire);
  const bool second = fm_load_numbers_ahead(s, &again);
  atomic_thread_fence(memory_order_acquire);
  if (atomic_load_explicit(&s->words->changes, memory_order_relaxed) != changes) return FM_TIMEOUT;
  if (!first || !second) return fail_corrupt(e);
  if (memcmp(n, &again, sizeof again) != 0) return FM_TIMEOUT;
  return counted ? FM_OK : fail_corrupt(e);
}

int fm_store_count(const fm_store *s, uint64_t now, fm_store_counts *out, fm_error *e)
{
  fm_store_numbers n;
  fm_expired expired = {.count = 0};
  int code = FM_TIMEOUT;
  for (uint64_t work = 0; work < TRIES && code == FM_TIMEOUT; work += 1 + expired.count) {
    if (work > 0) fm_sys_relax();
    code = count_once(s, now, &n, &expired, e);
  }
  if (code != FM_OK) return code;
  const uint64_t absent = n.cleared_blocks + expired.blocks;
  if (n.used >= s->block_count || absent > n.used || expired.count > n.count) return fail_corrupt(e);
  *out = (fm_store_counts){.count = n.count - (uint32_t)expired.count, .used = n.used - (uint32_t)absent};
  return out->count <= out->used && (out->count == 0) == (out->used == 0) ? FM_OK : fail_corrupt(e);
}
