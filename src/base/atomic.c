/* Atomic operations on shared memory, for languages that have none. */
#include <stdatomic.h>

#include "public.h"

typedef _Atomic(uint32_t) word_32;
typedef _Atomic(uint64_t) word_64;

#define DEFINE(bits)                                                                                     \
  uint##bits##_t fm_atomic_##bits(fm_atomic_operation operation, void *number, uint##bits##_t value)     \
  {                                                                                                      \
    word_##bits *p = number;                                                                             \
    switch (operation) {                                                                                 \
      case FM_STORE: atomic_store(p, value); return value;                                               \
      case FM_EXCHANGE: return atomic_exchange(p, value);                                                \
      case FM_ADD: return atomic_fetch_add(p, value);                                                    \
      case FM_AND: return atomic_fetch_and(p, value);                                                    \
      case FM_OR: return atomic_fetch_or(p, value);                                                      \
      default: return atomic_load(p);                                                                    \
    }                                                                                                    \
  }                                                                                                      \
                                                                                                         \
  bool fm_compare_exchange_##bits(void *number, uint##bits##_t *expected, uint##bits##_t desired)        \
  {                                                                                                      \
    word_##bits *p = number;                                                                             \
    return atomic_compare_exchange_strong(p, expected, desired);                                         \
  }

DEFINE(32)
DEFINE(64)
