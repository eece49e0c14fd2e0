/* The newest value: latest.h lists the steps of both sides. */
#include <string.h>

#include "latest.h"

typedef struct slot {
  fm_word64 version;
  fm_word32 length;
  uint32_t unused;
} slot;

typedef _Atomic(uintptr_t) word;

static size_t stride(uint32_t capacity)
{
  return (sizeof(slot) + (size_t)capacity + 63) / 64 * 64;
}

uint64_t fm_latest_size(uint32_t capacity)
{
  return sizeof(fm_latest_words) +
         (uint64_t)FM_LATEST_SLOTS * (((uint64_t)sizeof(slot) + capacity + 63) / 64 * 64);
}

static slot *slot_of(const fm_latest *s, uint64_t version)
{
  return (slot *)(void *)((char *)(s->shared + 1) +
                          stride(s->capacity) * (size_t)(version % FM_LATEST_SLOTS));
}

/* The bytes after the last whole word are copied as one more word, for which a slot has room. */
static void copy_in(slot *to, const unsigned char *from, uint32_t length)
{
  word *at = (word *)(void *)(to + 1);
  uintptr_t w = 0;
  for (; length >= sizeof w; length -= (uint32_t)sizeof w, from += sizeof w) {
    memcpy(&w, from, sizeof w);
    FM_TEST_HOOK("word");
    atomic_store_explicit(at++, w, memory_order_relaxed);
  }
  if (length == 0) return;
  w = 0;
  memcpy(&w, from, length);
  atomic_store_explicit(at, w, memory_order_relaxed);
}

static void copy_out(unsigned char *to, slot *from, uint32_t length)
{
  word *at = (word *)(void *)(from + 1);
  uintptr_t w;
  for (; length >= sizeof w; length -= (uint32_t)sizeof w, to += sizeof w) {
    FM_TEST_HOOK("word");
    w = atomic_load_explicit(at++, memory_order_relaxed);
    memcpy(to, &w, sizeof w);
  }
  if (length == 0) return;
  w = atomic_load_explicit(at, memory_order_relaxed);
  memcpy(to, &w, length);
}

void fm_latest_publish(const fm_latest *s, uint64_t version, const void *data, uint32_t length)
{
  slot *to = slot_of(s, version);
  atomic_store_explicit(&to->version, 0, memory_order_release);
  atomic_thread_fence(memory_order_release);
  FM_TEST_HOOK("spoil");
  atomic_store_explicit(&to->length, length, memory_order_relaxed);
  copy_in(to, data, length);
  FM_TEST_HOOK("fill");
  atomic_store_explicit(&to->version, version, memory_order_release);
  FM_TEST_HOOK("publish");
  atomic_store_explicit(&s->shared->newest, version, memory_order_release);
}

uint64_t fm_latest_newest(const fm_latest *s)
{
  return atomic_load_explicit(&s->shared->newest, memory_order_acquire);
}

int fm_latest_read(const fm_latest *s, void *out, uint32_t *length, uint64_t *version, fm_error *e)
{
  const uint64_t newest = fm_latest_newest(s);
  if (newest == 0) return FM_NOT_FOUND;
  if (newest > INT64_MAX) return fm_fail(e, FM_CORRUPT, NULL); /* no writer can have published so many */
  slot *from = slot_of(s, newest);
  FM_TEST_HOOK("look");
  const uint64_t before = atomic_load_explicit(&from->version, memory_order_acquire);
  const uint32_t n = atomic_load_explicit(&from->length, memory_order_relaxed);
  const bool fits = n <= s->capacity;
  if (before == newest && fits) copy_out(out, from, n);
  FM_TEST_HOOK("copied");
  atomic_thread_fence(memory_order_acquire);
  const uint64_t after = atomic_load_explicit(&from->version, memory_order_relaxed);
  if (before == newest && after == newest && fits) {
    *length = n;
    *version = newest;
    return FM_OK;
  }
  /* The load of `newest` must not come before that of the version, on processors that reorder loads. */
  atomic_thread_fence(memory_order_acquire);
  return fm_latest_newest(s) == newest ? fm_fail(e, FM_CORRUPT, NULL) : FM_TIMEOUT;
}
