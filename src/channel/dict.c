/* Dictionaries: a store (store.h) that any number of processes read and write.
**
** Layout: fm_header (sizes: see the enum), dict_words, the store. A process that writes holds a seat of its
** own, the first free one from WRITER_SEATS on, and the lock. A process that reads holds nothing. */
#include <stdlib.h>
#include <string.h>

#include "../base/test_hook.h"
#include "../object/lock.h"
#include "../object/object.h"
#include "store.h"

typedef struct dict_words {
  fm_header header;
  fm_word32 owner;    /* of the lock */
  fm_word32 released; /* a wait point: the lock is free */
  uint32_t unused_1[14];
  fm_word32 changed;  /* a wait point: a key has another version */
  uint32_t unused_2[31];
} dict_words;

_Static_assert(sizeof(dict_words) == 256, "32- and 64-bit processes use the same layout");

enum { BLOCKS, SEED, EVICTS /* in sizes */ };
enum { WRITER_SEATS = 1, RELEASED = 0, CHANGED /* in points */ };

/* The longest that live processes may hold the lock without a change and with changes, and that writers may
** be faster than a reader. */
static const double lock_seconds = 1, longest_seconds = 10, read_seconds = 1;

/* How long a writer waits before it checks whether the holder of the lock lives. A live holder needs longer
** only if its value is large or it does not run. */
static const double check_seconds = 0.005;

/* How many of the blocks that dead writers left a writer frees in each call, in about 0.1 ms. */
enum { LOOSE_BLOCKS = 4096 };

struct fm_dict {
  fm_object object;
  fm_store store;
  fm_lock lock;
};

static fm_dict *to_dict(fm_object *o)
{
  return (fm_dict *)(void *)o;
}

/* {-- Opening ----------------------------------------------------------------------------------- */

/* The most blocks of a dictionary, apart from block 0. */
#define MOST_BLOCKS (UINT32_MAX / 2)

static bool check(const fm_header *h, uint64_t *view_size)
{
  *view_size = sizeof(dict_words) + fm_store_size(h->sizes[BLOCKS]);
  return h->sizes[BLOCKS] > 1 && h->sizes[BLOCKS] - 1 <= MOST_BLOCKS && h->sizes[EVICTS] <= 1;
}

static int fits(const fm_header *h, const uint32_t *wanted, fm_error *e)
{
  if (h->sizes[BLOCKS] >= wanted[BLOCKS]) return FM_OK;
  return fm_fail(e, FM_TOO_SMALL, "its capacity is %llu bytes, %llu were asked for",
                 (unsigned long long)(h->sizes[BLOCKS] - 1) * FM_STORE_BLOCK,
                 (unsigned long long)(wanted[BLOCKS] - 1) * FM_STORE_BLOCK);
}

static int attach(fm_object *o, fm_error *e)
{
  fm_dict *d = to_dict(o);
  dict_words *w = (dict_words *)(void *)o->view.data;
  const uint32_t *sizes = o->header.sizes;
  fm_store_open(&d->store, w + 1, sizes[BLOCKS], sizes[SEED]);
  d->lock = (fm_lock){.owner = &w->owner, .released = &o->points[RELEASED], .section = fm_object_section(o)};
  if (!(o->view.access & FM_WRITE)) return FM_OK;
  const int code = fm_object_wait_point(o, RELEASED, 0, &w->released, e);
  return code == FM_OK ? fm_object_wait_point(o, CHANGED, 1, &w->changed, e) : code;
}

static int enter(fm_object *o, fm_error *e)
{
  fm_dict *d = to_dict(o);
  (void)e;
  d->lock.seat = o->seat.number;
  fm_lock_mark_abandoned(d->lock.owner, o->seat.number);
  return FM_OK;
}

static const fm_role creator = {
  .kind = FM_OBJECT_DICT, .version = 3, .size = sizeof(fm_dict), .creates = true, .opens = true,
  .seating = FM_SEAT_ON_DEMAND, .seat = WRITER_SEATS,
  .check = check, .fits = fits, .attach = attach, .enter = enter,
};

static const fm_role opener = {
  .kind = FM_OBJECT_DICT, .version = 3, .size = sizeof(fm_dict), .opens = true, .read_only = true,
  .seating = FM_SEAT_ON_DEMAND, .seat = WRITER_SEATS, .check = check, .attach = attach, .enter = enter,
};

int fm_dict_create_or_open(fm_dict **out, bool *created, const char *name, uint64_t capacity, bool evict,
                           const fm_options *o, fm_error *e)
{
  const uint64_t bytes = capacity ? capacity : FM_DICT_CAPACITY;
  const uint64_t blocks = bytes / FM_STORE_BLOCK + (bytes % FM_STORE_BLOCK != 0);
  if (blocks > MOST_BLOCKS)
    return fm_fail(e, FM_TOO_LARGE, "capacity %llu is past the limit of %llu bytes",
                   (unsigned long long)capacity, (unsigned long long)MOST_BLOCKS * FM_STORE_BLOCK);
  const uint32_t count = (uint32_t)blocks + 1, seed = (uint32_t)(uint64_t)(fm_now() * 1e9);
  fm_header first = {.size = sizeof(dict_words) + fm_store_size(count),
                     .sizes = {[BLOCKS] = count, [SEED] = seed, [EVICTS] = evict}};
  const fm_object_request r = {.name = name, .first = &first, .first_size = sizeof first,
                               .wanted = capacity ? first.sizes : NULL, .options = o};
  const int code = fm_object_new(out, &creator, &r, e);
  if (code == FM_OK) *created = (*out)->object.created;
  return code;
}

int fm_dict_open(fm_dict **out, const char *name, fm_error *e)
{
  return fm_object_new(out, &opener, &(fm_object_request){.name = name}, e);
}

/* {-- Keys and values --------------------------------------------------------------------------- */

static int check_key(const fm_dict *d, fm_store_key *out, const void *key, size_t length, fm_error *e)
{
  if (length < 1 || length > FM_DICT_KEY_MAX)
    return fm_fail(e, FM_INVALID, "a key must have 1 to %d bytes, got %llu", FM_DICT_KEY_MAX,
                   (unsigned long long)length);
  *out = fm_store_key_of(&d->store, key, length);
  return FM_OK;
}

/* A value's bytes; those of numbers are in `v` itself. */
static fm_store_value to_stored(const fm_value *v)
{
  fm_store_value s = {.type = (uint8_t)v->type, .bytes = v->data, .length = (uint32_t)v->length};
  if (v->type == FM_STRING) return s;
  const void *bytes = &v->boolean;
  if (v->type == FM_INTEGER) bytes = &v->integer;
  if (v->type == FM_FLOAT) bytes = &v->number;
  s.bytes = bytes;
  s.length = v->type == FM_BOOLEAN ? 1 : 8;
  return s;
}

static int check_value(const fm_dict *d, const fm_store_key *key, const fm_value *v, fm_error *e)
{
  if ((unsigned)v->type > FM_BOOLEAN)
    return fm_fail(e, FM_INVALID, "value type %d is not known", (int)v->type);
  const uint64_t length = v->type == FM_STRING ? v->length : 8;
  const uint64_t most = (uint64_t)(d->store.block_count - 1) * FM_STORE_BLOCK;
  if (length > UINT32_MAX || fm_store_blocks(key->length, length) > d->store.block_count - 1)
    return fm_fail(e, FM_TOO_LARGE, "a value of %llu bytes is past the dictionary's capacity of %llu bytes",
                   (unsigned long long)length, (unsigned long long)most);
  return FM_OK;
}

/* False if no writer stores such a value. */
static bool from_stored(fm_value *out, const fm_store_value *s)
{
  const void *data = s->bytes ? (const void *)s->bytes : ""; /* no buffer was needed */
  *out = (fm_value){.type = (fm_value_type)s->type, .data = data, .length = s->length};
  switch (s->type) {
  case FM_STRING: return true;
  case FM_INTEGER: return s->length == 8 && memcpy(&out->integer, s->bytes, 8);
  case FM_FLOAT: return s->length == 8 && memcpy(&out->number, s->bytes, 8);
  case FM_BOOLEAN: out->boolean = s->length == 1 && s->bytes[0]; return s->length == 1 && s->bytes[0] <= 1;
  default: return false;
  }
}

/* {-- Reading ----------------------------------------------------------------------------------- */

static bool has_expired(uint64_t expires)
{
  return expires != 0 && expires <= fm_sys_ticks();
}

typedef struct reading {
  fm_dict *dict;
  const fm_store_key *key;
  fm_store_value value;
} reading;

/* FM_TIMEOUT while writers are faster. */
static int look(void *context, bool thoroughly, fm_error *e)
{
  reading *r = context;
  fm_object *o = &r->dict->object;
  int code = FM_FULL;
  (void)thoroughly;
  while (code == FM_FULL) {
    code = fm_store_read(&r->dict->store, r->key, o->buffer, o->buffer_size, &r->value, e);
    if (code != FM_FULL) break;
    const int reserved = fm_object_reserve(o, r->value.length, e);
    if (reserved != FM_OK) return reserved;
  }
  if (code == FM_OK && has_expired(r->value.expires)) code = FM_NOT_FOUND;
  return fm_prefer_truncated(&o->view, code, e);
}

static int fail_overtaken(fm_error *e)
{
  return fm_fail(e, FM_IN_USE, "other processes changed the key for more than %g seconds", read_seconds);
}

/* FM_NOT_FOUND for an absent key. */
static int read_key(reading *r, fm_error *e)
{
  int code = look(r, false, e);
  if (code == FM_TIMEOUT) code = fm_await(&(fm_wait_point){.word = NULL}, read_seconds, look, r, e);
  return code == FM_TIMEOUT ? fail_overtaken(e) : code;
}

static int fail_absent(fm_error *e)
{
  return fm_fail(e, FM_NOT_FOUND, "the key is absent");
}

static int give(const reading *r, int code, fm_value *out, uint64_t *version, fm_error *e)
{
  if (code == FM_NOT_FOUND) {
    *version = 0;
    return fail_absent(e);
  }
  if (code != FM_OK) return code;
  if (!from_stored(out, &r->value)) return fm_fail(e, FM_CORRUPT, NULL);
  *version = r->value.version;
  return FM_OK;
}

int fm_dict_get(fm_dict *d, const void *key, size_t length, fm_value *out, uint64_t *version, fm_error *e)
{
  fm_store_key k;
  reading r = {.dict = d, .key = &k};
  const int code = check_key(d, &k, key, length, e);
  return code == FM_OK ? give(&r, read_key(&r, e), out, version, e) : code;
}

typedef struct waiting {
  reading reading;
  uint64_t version;
  int found; /* FM_OK or FM_NOT_FOUND, in the last look that found out */
} waiting;

static int look_for_change(void *context, bool thoroughly, fm_error *e)
{
  waiting *w = context;
  const int code = look(&w->reading, thoroughly, e);
  if (code != FM_OK && code != FM_NOT_FOUND) return code;
  w->found = code;
  const uint64_t version = code == FM_OK ? w->reading.value.version : 0;
  return version == w->version ? FM_TIMEOUT : FM_OK;
}

/* No process wakes others when a key expires: a process that waits sleeps until then at the most. */
static double until_expiry(const waiting *w, double left)
{
  const uint64_t expires = w->found == FM_OK ? w->reading.value.expires : 0, now = fm_sys_ticks();
  const double seconds = expires > now ? (double)(expires - now) / 1e3 : 0;
  return expires != 0 && seconds < left ? seconds : left;
}

static int wait_for_change(waiting *w, double timeout, fm_error *e)
{
  const double until = fm_now() + timeout;
  int code = look_for_change(w, true, e);
  while (code == FM_TIMEOUT && fm_now() < until) {
    const double most = until_expiry(w, until - fm_now());
    code = fm_await(&w->reading.dict->object.points[CHANGED], most, look_for_change, w, e);
  }
  return code == FM_TIMEOUT ? fm_fail(e, FM_TIMEOUT, NULL) : code;
}

int fm_dict_wait(fm_dict *d, const void *key, size_t length, uint64_t version, double timeout, fm_value *out,
                 uint64_t *now, fm_error *e)
{
  fm_store_key k;
  waiting w = {.reading = {.dict = d, .key = &k}, .version = version};
  int code = check_key(d, &k, key, length, e);
  if (code == FM_OK) code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = wait_for_change(&w, timeout, e);
  return code == FM_OK ? give(&w.reading, w.found, out, now, e) : code;
}

/* {-- Writing ----------------------------------------------------------------------------------- */

/* Each time-out of fm_lock_acquire ends with a check whether the holder lives. The lock is not
** fair: a process that writes large values in a loop often acquires it again before this one does. But then
** there are changes, and the time begins anew. */
static int acquire_lock(fm_dict *d, fm_error *e)
{
  bool abandoned;
  int code = fm_lock_acquire(&d->lock, check_seconds, &abandoned, e);
  if (code != FM_TIMEOUT) return code;
  const double end = fm_now() + longest_seconds;
  double until = fm_now() + lock_seconds;
  uint32_t changes = fm_store_changes(&d->store);
  while (code == FM_TIMEOUT && fm_now() < until && fm_now() < end) {
    code = fm_lock_acquire(&d->lock, check_seconds, &abandoned, e);
    if (changes == fm_store_changes(&d->store)) continue;
    changes = fm_store_changes(&d->store);
    until = fm_now() + lock_seconds;
  }
  if (code != FM_TIMEOUT) return code;
  return fm_fail(e, FM_IN_USE, until < end ? "another process has held the lock for more than %g second"
                                           : "other processes have held the lock in turn for %g seconds",
                 until < end ? lock_seconds : longest_seconds);
}

static int acquire(fm_dict *d, fm_error *e)
{
  if (!(d->object.view.access & FM_WRITE)) return fm_fail(e, FM_DENIED, "the dictionary may only be read");
  int code = fm_object_check_seat(&d->object, e);
  if (code == FM_OK) code = acquire_lock(d, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("locked");
  code = fm_store_recover(&d->store, LOOSE_BLOCKS, e);
  if (code != FM_OK) fm_lock_release(&d->lock);
  return code;
}

/* Releases the lock, and wakes the processes that wait for a change, if there was one. */
static int release(fm_dict *d, int code, bool changed, fm_error *e)
{
  FM_TEST_HOOK("unlocking");
  fm_lock_release(&d->lock);
  if (changed) fm_wake(&d->object.points[CHANGED]);
  return fm_prefer_truncated(&d->object.view, code, e);
}

/* The key's value without its bytes, as the holder of the lock reads it: FM_NOT_FOUND also for one that has
** expired. */
static int peek(const fm_dict *d, const fm_store_key *key, fm_store_value *out, fm_error *e)
{
  const int code = fm_store_read(&d->store, key, NULL, 0, out, e);
  if (code == FM_TIMEOUT) return fm_fail(e, FM_CORRUPT, NULL);
  if (code != FM_FULL && code != FM_OK) return code;
  return has_expired(out->expires) ? FM_NOT_FOUND : FM_OK;
}

/* The key's value, as the holder of the lock reads it. */
static int read_locked(reading *r, fm_error *e)
{
  const int code = look(r, false, e);
  return code == FM_TIMEOUT ? fm_fail(e, FM_CORRUPT, NULL) : code;
}

static bool evicts(const fm_dict *d)
{
  return d->object.header.sizes[EVICTS];
}

static int fail_full(const fm_dict *d, uint64_t blocks, fm_error *e)
{
  return fm_fail(e, FM_FULL, "%llu bytes are needed, %llu of %llu are free",
                 (unsigned long long)blocks * FM_STORE_BLOCK,
                 (unsigned long long)fm_store_free_blocks(&d->store) * FM_STORE_BLOCK,
                 (unsigned long long)(d->store.block_count - 1) * FM_STORE_BLOCK);
}

/* Removes one entry that is absent for readers: FM_NOT_FOUND if there is none. */
static int remove_absent(fm_dict *d, uint64_t now, fm_error *e)
{
  const int code = fm_store_remove_cleared(&d->store, e);
  return code == FM_NOT_FOUND ? fm_store_remove_expired(&d->store, now, e) : code;
}

/* Removes entries until `blocks` blocks are free: first those that are cleared or have expired. Then, if the
** dictionary evicts, those that were set longest ago, unless even all of them are too few. The key's present
** entry stays until the new one is there. */
static int make_room(fm_dict *d, const fm_store_key *key, uint64_t blocks, fm_error *e)
{
  fm_store *s = &d->store;
  fm_store_value v;
  int code = FM_OK;
  if (blocks <= fm_store_free_blocks(s)) return FM_OK;
  const uint64_t now = fm_sys_ticks();
  while (code == FM_OK && blocks > fm_store_free_blocks(s)) code = remove_absent(d, now, e);
  if (code != FM_NOT_FOUND) return code;
  code = fm_store_read(s, key, NULL, 0, &v, e);
  if (code == FM_TIMEOUT) return fm_fail(e, FM_CORRUPT, NULL);
  if (code != FM_OK && code != FM_FULL && code != FM_NOT_FOUND) return code;
  const uint64_t present = code == FM_NOT_FOUND ? 0 : fm_store_blocks(key->length, v.length);
  if (!evicts(d) || blocks + present > s->block_count - 1) return fail_full(d, blocks, e);
  code = FM_OK;
  while (code == FM_OK && blocks > fm_store_free_blocks(s)) code = fm_store_remove_oldest(s, key, e);
  return code == FM_NOT_FOUND ? fm_fail(e, FM_CORRUPT, NULL) : code;
}

/* A writer that sets a key removes up to two that have expired. So there are soon few of them while keys are
** set, and a reader of the counts does not take long. */
static int remove_some_expired(fm_dict *d, fm_error *e)
{
  enum { SOME = 2 };
  if (!fm_store_has_timers(&d->store)) return FM_OK;
  const uint64_t now = fm_sys_ticks();
  int code = FM_OK;
  for (int i = 0; i < SOME && code == FM_OK; i++) code = fm_store_remove_expired(&d->store, now, e);
  return code == FM_NOT_FOUND ? FM_OK : code;
}

/* Sets the key, by the holder of the lock. */
static int set_locked(fm_dict *d, const fm_store_key *key, const fm_store_value *value, uint64_t *version,
                      fm_error *e)
{
  const uint64_t blocks = fm_store_blocks(key->length, value->length);
  int code = remove_some_expired(d, e);
  if (code == FM_OK) code = make_room(d, key, blocks, e);
  if (code == FM_OK) code = fm_store_set(&d->store, key, value, version, e);
  return code == FM_FULL && blocks > fm_store_free_blocks(&d->store) ? fail_full(d, blocks, e) : code;
}

/* The greatest step of fm_sys_ticks, in milliseconds. A key expires late by up to so much, never early. */
enum { LONGEST_TICK = 16 };

static int expiry_of(double ttl, uint64_t *out, fm_error *e)
{
  if (!(ttl > 0)) return fm_fail(e, FM_INVALID, "ttl must be greater than 0 seconds");
  *out = ttl < 1e11 ? fm_sys_ticks() + (uint64_t)(ttl * 1e3) + 1 + LONGEST_TICK : 0;
  return FM_OK;
}

int fm_dict_set(fm_dict *d, const void *key, size_t length, const fm_value *value, fm_dict_mode mode,
                double ttl, uint64_t *version, fm_error *e)
{
  fm_store_key k;
  fm_store_value present, stored = to_stored(value);
  uint64_t given = 0;
  int code = check_key(d, &k, key, length, e);
  if (code == FM_OK) code = check_value(d, &k, value, e);
  if (code == FM_OK) code = expiry_of(ttl, &stored.expires, e);
  if (code == FM_OK) code = acquire(d, e);
  if (code != FM_OK) return code;
  const int found = mode == FM_DICT_SET ? FM_OK : peek(d, &k, &present, e);
  if (found != FM_OK && found != FM_NOT_FOUND) code = found;
  else if (mode == FM_DICT_ADD && found == FM_OK) code = fm_fail(e, FM_EXISTS, "the key is present");
  else if (mode == FM_DICT_REPLACE && found != FM_OK) code = fail_absent(e);
  else code = set_locked(d, &k, &stored, &given, e);
  code = release(d, code, code == FM_OK, e);
  if (code == FM_OK) *version = given;
  return code;
}

int fm_dict_compare_set(fm_dict *d, const void *key, size_t length, uint64_t expected, const fm_value *value,
                        bool *done, fm_value *out, uint64_t *version, fm_error *e)
{
  fm_store_key k;
  reading r = {.dict = d, .key = &k};
  const fm_store_value stored = to_stored(value);
  uint64_t given = 0;
  int code = check_key(d, &k, key, length, e);
  if (code == FM_OK) code = check_value(d, &k, value, e);
  if (code == FM_OK) code = acquire(d, e);
  if (code != FM_OK) return code;
  code = peek(d, &k, &r.value, e);
  const bool equal = code == FM_OK ? r.value.version == expected : code == FM_NOT_FOUND && expected == 0;
  if (equal) code = set_locked(d, &k, &stored, &given, e);
  else if (code == FM_OK) code = read_locked(&r, e);
  code = release(d, code, equal && code == FM_OK, e);
  if (code != FM_OK && (equal || code != FM_NOT_FOUND)) return code;
  *done = equal;
  *version = equal ? given : code == FM_OK ? r.value.version : 0;
  if (equal) return FM_OK;
  *out = (fm_value){.type = FM_NONE};
  return code == FM_NOT_FOUND || from_stored(out, &r.value) ? FM_OK : fm_fail(e, FM_CORRUPT, NULL);
}

/* An expired key was absent, and is removed too. */
int fm_dict_delete(fm_dict *d, const void *key, size_t length, bool *existed, fm_error *e)
{
  fm_store_key k;
  fm_store_value present;
  int code = check_key(d, &k, key, length, e);
  if (code == FM_OK) code = acquire(d, e);
  if (code != FM_OK) return code;
  const int found = peek(d, &k, &present, e);
  code = found == FM_OK || found == FM_NOT_FOUND ? fm_store_remove(&d->store, &k, e) : found;
  code = release(d, code, code == FM_OK, e);
  if (code != FM_OK && code != FM_NOT_FOUND) return code;
  *existed = found == FM_OK;
  return FM_OK;
}

/* Integers wrap, as Lua's do. */
static fm_value sum_of(const fm_value *a, const fm_value *b)
{
  if (a->type == FM_INTEGER && b->type == FM_INTEGER)
    return (fm_value){.type = FM_INTEGER, .integer = (int64_t)((uint64_t)a->integer + (uint64_t)b->integer)};
  return (fm_value){.type = FM_FLOAT, .number = (a->type == FM_INTEGER ? (double)a->integer : a->number) +
                                                (b->type == FM_INTEGER ? (double)b->integer : b->number)};
}

static bool is_number(const fm_value *v)
{
  return v->type == FM_INTEGER || v->type == FM_FLOAT;
}

/* The sum, by the holder of the lock. A key that expires goes on to. */
static int increment_locked(fm_dict *d, const fm_store_key *key, const fm_value *n, const fm_value *init,
                            fm_value *out, bool *fits, fm_error *e)
{
  reading r = {.dict = d, .key = key};
  fm_value present;
  uint64_t version;
  const int found = read_locked(&r, e);
  if (found == FM_NOT_FOUND && !init) return fail_absent(e);
  if (found != FM_OK && found != FM_NOT_FOUND) return found;
  if (found == FM_NOT_FOUND) present = *init;
  else if (!from_stored(&present, &r.value)) return fm_fail(e, FM_CORRUPT, NULL);
  *fits = is_number(&present);
  if (!*fits) return fm_fail(e, FM_INVALID, "the key's value is not a number");
  *out = sum_of(&present, n);
  fm_store_value stored = to_stored(out);
  if (found == FM_OK) stored.expires = r.value.expires;
  return set_locked(d, key, &stored, &version, e);
}

int fm_dict_increment(fm_dict *d, const void *key, size_t length, const fm_value *n, const fm_value *init,
                      fm_value *out, bool *value_is_number, fm_error *e)
{
  fm_store_key k;
  fm_value sum;
  bool fits = true;
  int code = check_key(d, &k, key, length, e);
  if (code == FM_OK && (!is_number(n) || (init && !is_number(init))))
    code = fm_fail(e, FM_INVALID, "only numbers can be added");
  if (code == FM_OK) code = check_value(d, &k, n, e);
  if (code == FM_OK) code = acquire(d, e);
  if (code != FM_OK) return code;
  code = increment_locked(d, &k, n, init, &sum, &fits, e);
  code = release(d, code, code == FM_OK, e);
  if (code == FM_OK) *out = sum;
  if (value_is_number) *value_is_number = fits;
  return code;
}

int fm_dict_clear(fm_dict *d, fm_error *e)
{
  int code = acquire(d, e);
  if (code != FM_OK) return code;
  code = fm_store_clear(&d->store, e);
  return release(d, code, code == FM_OK, e);
}

/* {-- Iterating --------------------------------------------------------------------------------- */

struct fm_dict_cursor {
  fm_dict *dict;
  uint32_t bucket; /* the next one to read */
  size_t at, length;    /* in the buffer: of the next record, and of all */
  size_t read, size;    /* what the last try read, which may be past the buffer's end; the buffer's size */
  unsigned char *buffer;
};

int fm_dict_cursor_open(fm_dict_cursor **out, fm_dict *d, fm_error *e)
{
  fm_dict_cursor *c = calloc(1, sizeof *c);
  if (!c) return fm_fail(e, FM_NO_MEMORY, NULL);
  c->dict = d;
  *out = c;
  return FM_OK;
}

void fm_dict_cursor_close(fm_dict_cursor *c)
{
  if (c) free(c->buffer);
  free(c);
}

static int look_at_bucket(void *context, bool thoroughly, fm_error *e)
{
  fm_dict_cursor *c = context;
  const fm_store *s = &c->dict->store;
  int code;
  (void)thoroughly;
  while ((code = fm_store_read_bucket(s, c->bucket, c->buffer, c->size, &c->read, e)) == FM_FULL) {
    unsigned char *larger = realloc(c->buffer, c->read);
    if (!larger) return fm_fail(e, FM_NO_MEMORY, NULL);
    c->buffer = larger;
    c->size = c->read;
  }
  return fm_prefer_truncated(&c->dict->object.view, code, e);
}

static int read_next_bucket(fm_dict_cursor *c, fm_error *e)
{
  const fm_store *s = &c->dict->store;
  c->bucket = fm_store_next_bucket(s, c->bucket);
  if (c->bucket == s->block_count) return fm_fail(e, FM_NOT_FOUND, "there are no more keys");
  int code = look_at_bucket(c, false, e);
  if (code == FM_TIMEOUT) code = fm_await(&(fm_wait_point){.word = NULL}, read_seconds, look_at_bucket, c, e);
  if (code != FM_OK) return code == FM_TIMEOUT ? fail_overtaken(e) : code;
  c->bucket++;
  c->at = 0;
  c->length = c->read;
  return FM_OK;
}

int fm_dict_cursor_next(fm_dict_cursor *c, const void **key, size_t *length, fm_value *out, uint64_t *version,
                        fm_error *e)
{
  for (;;) {
    while (c->at == c->length) {
      const int code = read_next_bucket(c, e);
      if (code != FM_OK) return fm_prefer_truncated(&c->dict->object.view, code, e);
    }
    fm_store_record r;
    memcpy(&r, c->buffer + c->at, sizeof r);
    const unsigned char *bytes = c->buffer + c->at + sizeof r;
    const fm_store_value value = {
      .bytes = bytes + (r.key_length + 7u) / 8 * 8, .length = r.value_length, .type = r.type,
    };
    c->at += r.size;
    if (has_expired(r.expires)) continue;
    if (!from_stored(out, &value)) return fm_fail(e, FM_CORRUPT, NULL);
    *key = bytes;
    *length = r.key_length;
    *version = r.version;
    return FM_OK;
  }
}

/* {-- The rest ---------------------------------------------------------------------------------- */

typedef struct counting {
  fm_dict *dict;
  fm_store_counts counts;
} counting;

static int look_at_counts(void *context, bool thoroughly, fm_error *e)
{
  counting *c = context;
  (void)thoroughly;
  const int code = fm_store_count(&c->dict->store, fm_sys_ticks(), &c->counts, e);
  return fm_prefer_truncated(&c->dict->object.view, code, e);
}

int fm_dict_get_info(fm_dict *d, fm_dict_info *out, fm_error *e)
{
  counting c = {.dict = d};
  const int code = fm_await(&(fm_wait_point){.word = NULL}, read_seconds, look_at_counts, &c, e);
  if (code == FM_TIMEOUT) return fail_overtaken(e);
  if (code != FM_OK) return code;
  *out = (fm_dict_info){.count = c.counts.count, .used = (uint64_t)c.counts.used * FM_STORE_BLOCK,
                        .capacity = (uint64_t)(d->store.block_count - 1) * FM_STORE_BLOCK};
  return FM_OK;
}

const char *fm_dict_name(const fm_dict *d)
{
  return fm_object_name(&d->object);
}

void fm_dict_close(fm_dict *d)
{
  if (d) fm_object_free(&d->object);
}
