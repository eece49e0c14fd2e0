/* The writer of a store: store.h describes its steps. */
#include "store.h"

#include "../base/test_hook.h"
#include "store_entry.h"
#include "store_expiry.h"
#include "store_space.h"

static int fail_corrupt(fm_error *e)
{
  return fm_fail(e, FM_CORRUPT, NULL);
}

static uint32_t load(fm_word32 *word)
{
  return atomic_load_explicit(word, memory_order_relaxed);
}

/* {-- Blocks ------------------------------------------------------------------------------------ */

uint64_t fm_store_free_blocks(const fm_store *s)
{
  const uint32_t used = fm_load_numbers(s).used;
  return used < s->block_count ? s->block_count - 1 - used : 0;
}

/* Takes a list of `n` blocks. FM_FULL if there are too few. It frees loose blocks if it needs them. */
static int take_blocks(fm_change *c, uint32_t home, uint64_t n, uint32_t *first, fm_error *e)
{
  fm_store *s = c->s;
  if (c->numbers.used >= s->block_count) return fail_corrupt(e);
  const uint64_t unused = s->block_count - 1 - c->numbers.used, loose = fm_loose_count(c->loose);
  if (loose > unused) return fail_corrupt(e);
  if (n > unused) return FM_FULL;
  if (n > unused - loose) fm_space_free_loose(s, n - (unused - loose));
  c->loose = fm_load_loose(s);
  c->numbers.used += (uint32_t)n;
  return fm_space_take(s, home, n, first, e);
}

/* {-- The list of entries by age ---------------------------------------------------------------- */

static int remove_from_ages(fm_change *c, uint32_t number, fm_error *e)
{
  fm_store *s = c->s;
  struct fm_links *l = s->links;
  const uint32_t older = load(&l[number].older), newer = load(&l[number].newer);
  if ((older != 0 && !fm_is_block(s, older)) || (newer != 0 && !fm_is_block(s, newer)))
    return fail_corrupt(e);
  if (older) fm_change_store(c, &l[older].newer, newer);
  else c->numbers.oldest = newer;
  if (newer) fm_change_store(c, &l[newer].older, older);
  else c->numbers.newest = older;
  return FM_OK;
}

static int add_newest(fm_change *c, uint32_t number, fm_error *e)
{
  struct fm_links *l = c->s->links;
  const uint32_t newest = c->numbers.newest;
  if (newest != 0 && !fm_is_block(c->s, newest)) return fail_corrupt(e);
  atomic_store_explicit(&l[number].older, newest, memory_order_relaxed);
  atomic_store_explicit(&l[number].newer, 0, memory_order_relaxed);
  if (newest) fm_change_store(c, &l[newest].newer, number);
  else c->numbers.oldest = number;
  c->numbers.newest = number;
  return FM_OK;
}

/* {-- Changes ----------------------------------------------------------------------------------- */

static void mark_bucket(fm_store *s, uint32_t bucket, bool has_entries)
{
  fm_word64 *word = &s->buckets[bucket / 64];
  const uint64_t bit = (uint64_t)1 << bucket % 64, old = atomic_load_explicit(word, memory_order_relaxed);
  const uint64_t bits = has_entries ? old | bit : old & ~bit;
  if (bits != old) atomic_store_explicit(word, bits, memory_order_release);
}

/* Makes a change, and then frees the blocks that it made loose. */
static void make(fm_change *c)
{
  fm_change_commit(c);
  fm_space_free_loose(c->s, c->dropped);
}

/* As fm_walk_find, by the writer: nothing changes meanwhile. */
static int find_to_write(fm_walk *w, const fm_store_key *key, fm_error *e)
{
  fm_position value;
  const int code = fm_walk_find(w, key, &value, e);
  return code == FM_TIMEOUT ? fail_corrupt(e) : code;
}

/* Puts an entry's `n` blocks in front of the loose ones. Only if a dead writer left some, its last block must
** be found. */
static int drop_blocks(fm_change *c, uint32_t first, uint32_t n, fm_error *e)
{
  const uint64_t loose = c->loose;
  c->dropped = n;
  c->loose = fm_loose(first, fm_loose_count(loose) + n);
  if (loose == 0) return FM_OK;
  for (; n > 1; n--) {
    first = load(&fm_block_at(c->s, first)->next);
    if (!fm_is_block(c->s, first)) return fail_corrupt(e);
  }
  fm_change_store(c, &fm_block_at(c->s, first)->next, fm_loose_first(loose));
  return FM_OK;
}

/* Takes the entry that the walk is at out of all lists but the bucket's, and out of the heap, where the entry
** `added` replaces it if that is not 0. */
static int drop_entry(fm_change *c, const fm_walk *w, uint32_t added, fm_error *e)
{
  fm_store_value v;
  uint32_t key_length;
  fm_walk_fields(w, &v, &key_length);
  if (!fm_entry_is_possible(c->s, &v, key_length)) return fail_corrupt(e);
  const uint32_t n = (uint32_t)fm_store_blocks(key_length, v.length);
  fm_change_store_64(c, &w->entry->version, 0);
  if (fm_is_cleared(c->s, w->version)) c->numbers.cleared_blocks -= n;
  else c->numbers.count--;
  c->numbers.used -= n;
  int code = drop_blocks(c, w->number, n, e);
  if (code == FM_OK) code = remove_from_ages(c, w->number, e);
  return code == FM_OK ? fm_expiry_change(c, w->number, added, e) : code;
}

/* Writes an entry into blocks whose versions are 0. */
static int write_entry(fm_store *s, uint32_t first, const fm_store_key *key, const fm_store_value *value,
                       uint32_t chain, uint64_t version, fm_error *e)
{
  atomic_thread_fence(memory_order_release); /* a reader of what follows sees that the version is 0 */
  fm_block *b = fm_block_at(s, first);
  const uint64_t fields = key->length | (uint64_t)value->type << 8 | value->expires << 16;
  atomic_store_explicit(&s->links[first].timer, 0, memory_order_relaxed);
  atomic_store_explicit(&b->fields, fields, memory_order_relaxed);
  atomic_store_explicit(&b->value_length, value->length, memory_order_relaxed);
  atomic_store_explicit(&b->chain, chain, memory_order_relaxed);
  fm_position p = fm_entry_start(s, first);
  const bool fits = fm_entry_copy_in(&p, key->bytes, key->length) &&
                    fm_entry_copy_in(&p, value->bytes, value->length);
  if (!fits) return fail_corrupt(e);
  FM_TEST_HOOK("entry");
  atomic_store_explicit(&b->version, version, memory_order_release);
  return FM_OK;
}

int fm_store_set(fm_store *s, const fm_store_key *key, const fm_store_value *value, uint64_t *version,
                 fm_error *e)
{
  fm_change c;
  fm_change_begin(&c, s);
  fm_walk w = fm_walk_along(s, key->bucket);
  const uint64_t n = fm_store_blocks(key->length, value->length);
  const uint64_t last = c.numbers.version, next = last + 1;
  uint32_t first = 0;
  if (last >= INT64_MAX || fm_is_cleared(s, next)) return fail_corrupt(e); /* so many were never set */
  int code = find_to_write(&w, key, e);
  if (code != FM_OK && code != FM_NOT_FOUND) return code;
  const bool is_new = code == FM_NOT_FOUND;
  if (is_new && w.steps >= FM_STORE_LONGEST)
    return fm_fail(e, FM_FULL, "%d keys have the same hash", FM_STORE_LONGEST);
  fm_word32 *link = is_new ? &fm_block_at(s, key->bucket)->bucket : w.link;
  fm_change_store(&c, link, 0); /* first of all: a reader must find the new entry before the old one goes */
  code = take_blocks(&c, key->bucket, n, &first, e);
  if (code != FM_OK) return code;
  c.writes[0].value = first;
  const uint32_t chain = atomic_load_explicit(is_new ? link : &w.entry->chain, memory_order_relaxed);
  code = write_entry(s, first, key, value, chain, next, e);
  if (code == FM_OK) code = is_new ? fm_expiry_change(&c, 0, first, e) : drop_entry(&c, &w, first, e);
  if (code == FM_OK) code = add_newest(&c, first, e);
  if (code != FM_OK) return code;
  c.numbers.version = next;
  c.numbers.count++;
  if (is_new) mark_bucket(s, key->bucket, true);
  make(&c);
  *version = next;
  return FM_OK;
}

/* Removes the entry that the walk is at. */
static int remove_entry(fm_store *s, const fm_walk *w, fm_error *e)
{
  fm_change c;
  fm_change_begin(&c, s);
  fm_change_store(&c, w->link, atomic_load_explicit(&w->entry->chain, memory_order_relaxed));
  const int code = drop_entry(&c, w, 0, e);
  if (code != FM_OK) return code;
  make(&c);
  if (load(&fm_block_at(s, w->bucket)->bucket) == 0) mark_bucket(s, w->bucket, false);
  return FM_OK;
}

int fm_store_remove(fm_store *s, const fm_store_key *key, fm_error *e)
{
  fm_walk w = fm_walk_along(s, key->bucket);
  const int code = find_to_write(&w, key, e);
  return code == FM_OK ? remove_entry(s, &w, e) : code;
}

/* Finds the entry at a block by its own key, and so the link that leads to it. */
static int find_by_number(fm_store *s, fm_walk *w, uint32_t number, fm_error *e)
{
  unsigned char bytes[FM_DICT_KEY_MAX];
  if (!fm_is_block(s, number)) return fail_corrupt(e);
  fm_position p = fm_entry_start(s, number);
  const uint64_t fields = atomic_load_explicit(&fm_block_at(s, number)->fields, memory_order_relaxed);
  const uint32_t length = fm_key_length_of(fields);
  if (length == 0 || !fm_entry_copy_out(&p, bytes, length)) return fail_corrupt(e);
  const fm_store_key key = fm_store_key_of(s, bytes, length);
  *w = fm_walk_along(s, key.bucket);
  const int code = find_to_write(w, &key, e);
  return code == FM_NOT_FOUND || (code == FM_OK && w->number != number) ? fail_corrupt(e) : code;
}

/* Removes the entry at a block. */
static int remove_number(fm_store *s, uint32_t number, fm_error *e)
{
  fm_walk w;
  const int code = find_by_number(s, &w, number, e);
  return code == FM_OK ? remove_entry(s, &w, e) : code;
}

int fm_store_remove_oldest(fm_store *s, const fm_store_key *keep, fm_error *e)
{
  uint32_t number = fm_load_numbers(s).oldest, kept = 0;
  if (keep) {
    fm_walk w = fm_walk_along(s, keep->bucket);
    const int code = find_to_write(&w, keep, e);
    if (code != FM_OK && code != FM_NOT_FOUND) return code;
    if (code == FM_OK) kept = w.number;
  }
  if (number != 0 && number == kept)
    number = load(&s->links[number].newer);
  return number != 0 ? remove_number(s, number, e) : FM_NOT_FOUND;
}

int fm_store_remove_cleared(fm_store *s, fm_error *e)
{
  const uint32_t number = fm_load_numbers(s).oldest;
  if (number == 0) return FM_NOT_FOUND;
  if (!fm_is_block(s, number)) return fail_corrupt(e);
  const uint64_t version = atomic_load_explicit(&fm_block_at(s, number)->version, memory_order_relaxed);
  return fm_is_cleared(s, version) ? remove_number(s, number, e) : FM_NOT_FOUND;
}

int fm_store_remove_expired(fm_store *s, uint64_t now, fm_error *e)
{
  const uint32_t number = fm_expiry_first(s, now);
  return number != 0 ? remove_number(s, number, e) : FM_NOT_FOUND;
}

/* Entries are in the order of their versions, so that the cleared ones are at the old end of their list. */
int fm_store_clear(fm_store *s, fm_error *e)
{
  fm_change c;
  fm_change_begin(&c, s);
  if (c.numbers.used >= s->block_count) return fail_corrupt(e);
  fm_change_store_64(&c, &s->words->cleared, c.numbers.version);
  c.numbers.count = 0;
  c.numbers.cleared_blocks = c.numbers.used;
  fm_change_commit(&c);
  return FM_OK;
}

bool fm_store_has_timers(const fm_store *s)
{
  return fm_load_numbers(s).timers != 0;
}
