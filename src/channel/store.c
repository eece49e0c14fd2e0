#include <string.h>

#include "../base/test_hook.h"
#include "store_expiry.h"
#include "store_space.h"

/* LONGEST: the most entries of a bucket. There are as many buckets as blocks, so only keys that were chosen
** for their hashes reach it. */
enum { WORD = 8, TRIES = 1000, LONGEST = 1000 };

static int fail_corrupt(fm_error *e)
{
  return fm_fail(e, FM_CORRUPT, NULL);
}

static uint32_t padded(uint32_t length)
{
  return (length + WORD - 1) / WORD * WORD;
}

uint64_t fm_store_blocks(uint32_t key_length, uint64_t value_length)
{
  return fm_count_blocks(padded(key_length) + value_length);
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

/* Where an entry's bytes are read or written: word `at` of `count` in a block. */
typedef struct position {
  const fm_store *s;
  uint32_t number;
  fm_word64 *words;
  size_t at, count;
} position;

static position start_of(const fm_store *s, uint32_t number)
{
  position p = {.s = s, .number = number};
  p.words = words_of(fm_block_at(s, number), true, &p.count);
  return p;
}

/* The words that are left in this block, or of the next one; NULL if there is no such block. */
static fm_word64 *next_words(position *p)
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

static size_t advance(position *p, size_t length)
{
  const size_t room = (p->count - p->at) * WORD, n = length < room ? length : room;
  p->at += (n + WORD - 1) / WORD;
  return n;
}

/* False if the entry has no such bytes: a writer has reused its blocks, or the memory is damaged. */
static bool copy_out(position *p, unsigned char *to, size_t length)
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
static bool compare(position *p, const unsigned char *bytes, size_t length)
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

static bool copy_in(position *p, const unsigned char *from, size_t length)
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

/* An entry that was found in a list, and the link that led to it. */
typedef struct walk {
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
} walk;

static walk walk_along(const fm_store *s, uint32_t bucket)
{
  return (walk){.s = s, .bucket = bucket, .link = &fm_block_at(s, bucket)->bucket};
}

/* Did the link lead to `number`, at one moment, in an entry that was published? */
static bool is_linked(const walk *w, uint32_t number)
{
  if (atomic_load_explicit(w->link, memory_order_acquire) != number) return false;
  return !w->owner || atomic_load_explicit(&w->owner->version, memory_order_acquire) == w->owner_version;
}

/* Goes on to the entry that the link leads to: FM_OK; FM_NOT_FOUND at the end of the list; FM_TIMEOUT if a
** writer changed what was read, begin again; FM_CORRUPT. */
static int step(walk *w, fm_error *e)
{
  FM_TEST_HOOK("link");
  const uint32_t number = atomic_load_explicit(w->link, memory_order_acquire);
  if (number != 0 && !fm_is_block(w->s, number)) return is_linked(w, number) ? fail_corrupt(e) : FM_TIMEOUT;
  if (number == 0) return is_linked(w, 0) ? FM_NOT_FOUND : FM_TIMEOUT;
  if (++w->steps > LONGEST) return fail_corrupt(e);
  FM_TEST_HOOK("step");
  w->entry = fm_block_at(w->s, number);
  prefetch((const unsigned char *)w->entry + FM_STORE_BLOCK / 2); /* most values end there */
  w->number = number;
  w->version = atomic_load_explicit(&w->entry->version, memory_order_acquire);
  return w->version != 0 && is_linked(w, number) ? FM_OK : FM_TIMEOUT;
}

static void pass_entry(walk *w)
{
  w->owner = w->entry;
  w->owner_version = w->version;
  w->link = &w->entry->chain;
}

/* Is what was read of the entry whole? */
static bool is_unchanged(const walk *w)
{
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(&w->entry->version, memory_order_relaxed) == w->version;
}

static bool has_key(const walk *w, const fm_store_key *key, position *behind)
{
  const uint64_t fields = atomic_load_explicit(&w->entry->fields, memory_order_relaxed);
  *behind = start_of(w->s, w->number);
  return fm_key_length_of(fields) == key->length && compare(behind, key->bytes, key->length);
}

/* Finds the entry of a key: as step(). *value is where its value begins. */
static int find_entry(walk *w, const fm_store_key *key, position *value, fm_error *e)
{
  for (;;) {
    const int code = step(w, e);
    if (code != FM_OK) return code;
    const bool found = has_key(w, key, value);
    if (!is_unchanged(w)) return FM_TIMEOUT;
    if (found) return FM_OK;
    pass_entry(w);
  }
}

/* {-- Readers ----------------------------------------------------------------------------------- */

static void read_fields(const walk *w, fm_store_value *out, uint32_t *key_length)
{
  const uint64_t fields = atomic_load_explicit(&w->entry->fields, memory_order_relaxed);
  *key_length = fm_key_length_of(fields);
  out->type = (uint8_t)(fields >> 8);
  out->length = atomic_load_explicit(&w->entry->value_length, memory_order_relaxed);
  out->expires = fm_expiry_of(fields);
  out->version = w->version;
}

static bool is_possible(const fm_store *s, const fm_store_value *value, uint32_t key_length)
{
  const uint64_t blocks = fm_store_blocks(key_length, value->length);
  return key_length > 0 && blocks < s->block_count && value->version <= INT64_MAX;
}

/* Was the entry removed by fm_store_clear? */
static bool is_cleared(const fm_store *s, uint64_t version)
{
  return version <= atomic_load_explicit(&s->words->cleared, memory_order_acquire);
}

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
  walk w = walk_along(s, key->bucket);
  position value;
  uint32_t key_length;
  int code = find_entry(&w, key, &value, e);
  if (code == FM_OK && is_cleared(s, w.version)) code = FM_NOT_FOUND;
  if (code != FM_OK) return code;
  read_fields(&w, out, &key_length);
  out->bytes = buffer;
  const bool possible = is_possible(s, out, key_length), fits = out->length <= size;
  const bool copied = possible && fits && copy_out(&value, buffer, out->length);
  FM_TEST_HOOK("copied");
  if (!is_unchanged(&w)) return FM_TIMEOUT;
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
static int copy_record(walk *w, unsigned char *buffer, size_t size, size_t *used, fm_error *e)
{
  fm_store_value v;
  uint32_t key_length;
  read_fields(w, &v, &key_length);
  const bool possible = is_possible(w->s, &v, key_length);
  if (!is_unchanged(w)) return FM_TIMEOUT;
  if (!possible) return fail_corrupt(e);
  w->blocks += fm_store_blocks(key_length, v.length);
  if (w->blocks >= w->s->block_count) return FM_TOO_LARGE;
  const size_t value_length = ((size_t)v.length + WORD - 1) / WORD * WORD;
  const size_t whole = sizeof(fm_store_record) + padded(key_length) + value_length;
  const size_t at = *used;
  *used += whole;
  if (*used > size) return FM_OK;
  const fm_store_record r = {.version = v.version, .expires = v.expires, .size = (uint32_t)whole,
                             .value_length = v.length, .key_length = (uint8_t)key_length, .type = v.type};
  memcpy(buffer + at, &r, sizeof r);
  position p = start_of(w->s, w->number);
  unsigned char *key = buffer + at + sizeof r;
  const bool copied = copy_out(&p, key, key_length) && copy_out(&p, key + padded(key_length), v.length);
  if (!is_unchanged(w)) return FM_TIMEOUT;
  return copied ? FM_OK : fail_corrupt(e);
}

static int read_bucket_once(const fm_store *s, uint32_t bucket, unsigned char *buffer, size_t size,
                            size_t *length, fm_error *e)
{
  walk w = walk_along(s, bucket);
  int code;
  *length = 0;
  while ((code = step(&w, e)) == FM_OK) {
    if (!is_cleared(s, w.version)) code = copy_record(&w, buffer, size, length, e);
    if (code != FM_OK) return code;
    pass_entry(&w);
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

static uint32_t load(fm_word32 *word)
{
  return atomic_load_explicit(word, memory_order_relaxed);
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

/* {-- The writer -------------------------------------------------------------------------------- */

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

/* As find_entry, by the writer: nothing changes meanwhile. */
static int find_to_write(walk *w, const fm_store_key *key, fm_error *e)
{
  position value;
  const int code = find_entry(w, key, &value, e);
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
static int drop_entry(fm_change *c, const walk *w, uint32_t added, fm_error *e)
{
  fm_store_value v;
  uint32_t key_length;
  read_fields(w, &v, &key_length);
  if (!is_possible(c->s, &v, key_length)) return fail_corrupt(e);
  const uint32_t n = (uint32_t)fm_store_blocks(key_length, v.length);
  fm_change_store_64(c, &w->entry->version, 0);
  if (is_cleared(c->s, w->version)) c->numbers.cleared_blocks -= n;
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
  position p = start_of(s, first);
  const bool fits = copy_in(&p, key->bytes, key->length) && copy_in(&p, value->bytes, value->length);
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
  walk w = walk_along(s, key->bucket);
  const uint64_t n = fm_store_blocks(key->length, value->length);
  const uint64_t last = c.numbers.version, next = last + 1;
  uint32_t first = 0;
  if (last >= INT64_MAX || is_cleared(s, next)) return fail_corrupt(e); /* so many were never set */
  int code = find_to_write(&w, key, e);
  if (code != FM_OK && code != FM_NOT_FOUND) return code;
  const bool is_new = code == FM_NOT_FOUND;
  if (is_new && w.steps >= LONGEST) return fm_fail(e, FM_FULL, "%d keys have the same hash", LONGEST);
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
static int remove_entry(fm_store *s, const walk *w, fm_error *e)
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
  walk w = walk_along(s, key->bucket);
  const int code = find_to_write(&w, key, e);
  return code == FM_OK ? remove_entry(s, &w, e) : code;
}

/* Finds the entry at a block by its own key, and so the link that leads to it. */
static int find_by_number(fm_store *s, walk *w, uint32_t number, fm_error *e)
{
  unsigned char bytes[FM_DICT_KEY_MAX];
  if (!fm_is_block(s, number)) return fail_corrupt(e);
  position p = start_of(s, number);
  const uint64_t fields = atomic_load_explicit(&fm_block_at(s, number)->fields, memory_order_relaxed);
  const uint32_t length = fm_key_length_of(fields);
  if (length == 0 || !copy_out(&p, bytes, length)) return fail_corrupt(e);
  const fm_store_key key = fm_store_key_of(s, bytes, length);
  *w = walk_along(s, key.bucket);
  const int code = find_to_write(w, &key, e);
  return code == FM_NOT_FOUND || (code == FM_OK && w->number != number) ? fail_corrupt(e) : code;
}

/* Removes the entry at a block. */
static int remove_number(fm_store *s, uint32_t number, fm_error *e)
{
  walk w;
  const int code = find_by_number(s, &w, number, e);
  return code == FM_OK ? remove_entry(s, &w, e) : code;
}

int fm_store_remove_oldest(fm_store *s, const fm_store_key *keep, fm_error *e)
{
  uint32_t number = fm_load_numbers(s).oldest, kept = 0;
  if (keep) {
    walk w = walk_along(s, keep->bucket);
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
  return is_cleared(s, version) ? remove_number(s, number, e) : FM_NOT_FOUND;
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

bool fm_store_has_timers(const fm_store *s)
{
  return fm_load_numbers(s).timers != 0;
}
