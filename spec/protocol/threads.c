/* Ring, slots, store and locks under real threads on one piece of memory, at full speed. The thread sanitizer
** finds data races: every read of a word that another thread may write is atomic, and every other read is
** ordered by an atomic one. Without the sanitizer the program checks only the messages and values.
**
**   threads [messages] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/channel/ring.h"
#include "../../src/channel/latest.h"
#include "../../src/channel/store.h"
#include "../../src/map/map.h"
#include "../../src/object/lock.h"

static long messages = 200000;

static void check(bool holds, const char *what)
{
  if (holds) return;
  printf("%s\n", what);
  exit(1);
}

static void run(void *(*first)(void *), void *(*second)(void *), void *(*third)(void *))
{
  void *(*bodies[])(void *) = {first, second, third};
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    if (bodies[i]) check(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0, "no thread");
  for (int i = 0; i < 3; i++)
    if (bodies[i]) pthread_join(threads[i], NULL);
}

/* {-- Ring -------------------------------------------------------------------------------------- */

enum { RING = 1024, LONGEST = 300 };
static fm_ring_words ring_words;
static unsigned char ring_bytes[RING];
static fm_word32 data_word, space_word;
static fm_wait_point data_signal, space_signal;
static fm_ring in, out;

typedef struct message {
  unsigned char bytes[LONGEST];
  uint32_t length;
} message;

static void make(message *m, long i)
{
  m->length = (uint32_t)(i * 7 % (LONGEST + 1));
  memset(m->bytes, (int)(i & 0xff), m->length);
}

static int look_to_put(void *context, bool thoroughly, fm_error *e)
{
  const message *m = context;
  (void)thoroughly;
  const int code = fm_ring_put(&out, m->bytes, m->length, e);
  return code == FM_FULL ? FM_TIMEOUT : code;
}

static void *write_ring(void *unused)
{
  for (long i = 0; i < messages; i++) {
    message m;
    make(&m, i);
    check(fm_await(&space_signal, FM_FOREVER, look_to_put, &m, NULL) == FM_OK, "a put failed");
    fm_wake(&data_signal);
  }
  return unused;
}

static int look_to_get(void *context, bool thoroughly, fm_error *e)
{
  (void)thoroughly;
  return fm_ring_next(&in, context, e);
}

static void *read_ring(void *unused)
{
  for (long i = 0; i < messages; i++) {
    message expected, m;
    make(&expected, i);
    if (look_to_get(&m.length, false, NULL) != FM_OK) {
      fm_ring_store_head(&in);
      fm_wake(&space_signal);
      check(fm_await(&data_signal, FM_FOREVER, look_to_get, &m.length, NULL) == FM_OK, "a wait failed");
    }
    check(m.length == expected.length, "another length");
    if (fm_ring_get(&in, m.bytes, m.length, fm_is_awaited(&space_signal))) fm_wake(&space_signal);
    check(memcmp(m.bytes, expected.bytes, m.length) == 0, "another message");
  }
  return unused;
}

/* {-- Slots ------------------------------------------------------------------------------------- */

enum { VALUE = 100 };
static _Alignas(64) unsigned char slot_memory[4096];
static fm_latest slots = {.shared = (fm_latest_words *)(void *)slot_memory, .capacity = VALUE};

static void *write_slots(void *unused)
{
  for (long v = 1; v <= messages; v++) {
    unsigned char value[VALUE];
    memset(value, (int)(v & 0xff), sizeof value);
    fm_latest_publish(&slots, (uint64_t)v, value, (uint32_t)(v % (VALUE + 1)));
  }
  return unused;
}

static void *read_slots(void *unused)
{
  uint64_t last = 0, version = 0;
  while (version < (uint64_t)messages) {
    unsigned char value[VALUE];
    uint32_t length;
    const int code = fm_latest_read(&slots, value, &length, &version, NULL);
    if (code == FM_TIMEOUT || code == FM_NOT_FOUND) continue;
    check(code == FM_OK && version >= last && length == version % (VALUE + 1), "another value");
    for (uint32_t i = 0; i < length; i++) check(value[i] == (version & 0xff), "a value is not whole");
    last = version;
  }
  return unused;
}

/* {-- Store ------------------------------------------------------------------------------------- */

/* One thread sets, deletes and clears few keys, which have two buckets. Two threads read them and all keys of
** each bucket. */

enum { STORE_BLOCKS = 12, STORE_KEYS = 4, STORE_VALUE = 400 };
static _Alignas(64) unsigned char store_memory[8192];
static char key_names[STORE_KEYS];
static fm_store store;
static fm_word32 is_written;

static fm_store_key store_key(long i)
{
  return fm_store_key_of(&store, &key_names[i % STORE_KEYS], 1);
}

/* Finds names so that each two keys have one bucket. */
static void name_keys(void)
{
  for (int i = 0; i < STORE_KEYS; i++) {
    const uint32_t bucket = i % 2 == 1 ? store_key(i - 1).bucket : 0;
    char name = i == 0 ? 1 : (char)(key_names[i - 1] + 1);
    for (; name < 127; name++) {
      const uint32_t found = fm_store_key_of(&store, &name, 1).bucket;
      if (bucket == 0 ? i == 0 || found != store_key(0).bucket : found == bucket) break;
    }
    check(name < 127, "the names have other hashes");
    key_names[i] = name;
  }
}

static void *write_store(void *unused)
{
  for (long i = 1; i <= messages; i++) {
    unsigned char bytes[STORE_VALUE];
    const fm_store_key key = store_key(i * 7 / 3);
    fm_store_value v = {.bytes = bytes, .length = (uint32_t)(i % (STORE_VALUE + 1))};
    v.expires = i % 3 == 0 ? 1 + (uint64_t)i % 50 : 0;
    memset(bytes, (int)(i % (STORE_VALUE + 1) & 0xff), sizeof bytes);
    uint64_t version;
    while (fm_store_remove_cleared(&store, NULL) == FM_OK) {}
    while (fm_store_free_blocks(&store) < 5)
      check(fm_store_remove_oldest(&store, NULL, NULL) == FM_OK, "nothing is removed");
    check(fm_store_set(&store, &key, &v, &version, NULL) == FM_OK && version == (uint64_t)i, "not set");
    if (i % 5 == 0) check(fm_store_remove(&store, &key, NULL) == FM_OK, "not removed");
    if (i % 11 == 0) (void)fm_store_remove_expired(&store, 25, NULL);
    if (i % 17 == 0) check(fm_store_clear(&store, NULL) == FM_OK, "not cleared");
  }
  atomic_store(&is_written, 1);
  return unused;
}

static void check_value(const unsigned char *bytes, uint32_t length)
{
  for (uint32_t i = 0; i < length; i++) check(bytes[i] == (length & 0xff), "a value is not whole");
}

static void *read_store(void *unused)
{
  uint64_t last[STORE_KEYS] = {0};
  for (long i = 0; !atomic_load(&is_written); i++) {
    unsigned char bytes[2 * STORE_BLOCKS * FM_STORE_BLOCK];
    const fm_store_key key = store_key(i);
    fm_store_value v;
    int code = fm_store_read(&store, &key, bytes, sizeof bytes, &v, NULL);
    check(code == FM_OK || code == FM_NOT_FOUND || code == FM_TIMEOUT, "a read failed");
    if (code == FM_OK) {
      check(v.version >= last[i % STORE_KEYS], "an older value");
      last[i % STORE_KEYS] = v.version;
      check_value(bytes, v.length);
    }
    size_t length, at = 0;
    fm_store_record r;
    code = fm_store_read_bucket(&store, (uint32_t)i % STORE_BLOCKS, bytes, sizeof bytes, &length, NULL);
    check(code == FM_OK || code == FM_TIMEOUT, "a bucket is not read");
    for (; code == FM_OK && at < length; at += r.size) {
      memcpy(&r, bytes + at, sizeof r);
      check_value(bytes + at + sizeof r + 8, r.value_length);
    }
  }
  return unused;
}

/* {-- Lock -------------------------------------------------------------------------------------- */

static fm_word32 owner, lock_word;
static fm_map *map;  /* the map of the threads' seats */
static long counter; /* protected by the lock */

static void *count(void *unused)
{
  fm_seat seat = {.number = 0};
  check(fm_seat_acquire_free(&seat, &map->section, 1, NULL) == FM_OK, "no seat");
  fm_wait_point released = {.word = &lock_word};
  fm_lock l = {.owner = &owner, .released = &released, .section = &map->section, .seat = seat.number};
  for (long i = 0; i < messages / 4; i++) {
    bool abandoned;
    check(fm_lock_acquire(&l, FM_FOREVER, &abandoned, NULL) == FM_OK && !abandoned,
          "the lock is not to be had");
    counter++;
    fm_lock_release(&l);
  }
  fm_seat_release(&seat);
  return unused;
}

int main(int argc, char **argv)
{
  if (argc > 1) messages = atol(argv[1]);
  const fm_options options = fm_default_options();
  char name[40];
  snprintf(name, sizeof name, "spec-%ld-threads", (long)getpid());
  check(fm_create(&map, name, 4096, &options, NULL) == FM_OK, "no map");
  check(fm_wait_point_open(&data_signal, map, 0, &data_word, NULL) == FM_OK, "no signal");
  check(fm_wait_point_open(&space_signal, map, 1, &space_word, NULL) == FM_OK, "no signal");
  in = out = fm_ring_of(&ring_words, ring_bytes, RING, LONGEST);
  run(write_ring, read_ring, NULL);
  run(write_slots, read_slots, read_slots);
  check(fm_store_size(STORE_BLOCKS) <= sizeof store_memory, "the store is too large");
  fm_store_open(&store, store_memory, STORE_BLOCKS, 7);
  name_keys();
  run(write_store, read_store, read_store);
  run(count, count, count);
  check(counter == messages / 4 * 3, "the lock let two in");
  fm_map_close(map);
  printf("%ld messages and values hold\n", messages);
  return 0;
}
