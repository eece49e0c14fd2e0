/* The blocks that are free, as bits in levels: store.h describes them.
**
** A bit of a level above the lowest is never 1 while a word below it has a bit of 0, also if the writer dies
** between two stores. So a writer sets bits from the lowest level up, and clears them from the highest one
** down. After a writer's death a bit above the lowest level can be 0 though all bits below it are 1. One of
** these is then the bit of the first loose block, which the next writer clears before it searches. */
#include "store_space.h"

#include "../base/test_hook.h"

enum { BITS = 64 };

static uint32_t count_words(uint32_t bits)
{
  return bits / BITS + (bits % BITS != 0);
}

uint64_t fm_space_size(uint32_t block_count)
{
  uint64_t words = 0;
  uint32_t bits = block_count;
  do {
    bits = count_words(bits);
    words += bits;
  } while (bits > 1);
  return (words * sizeof(fm_word64) + FM_STORE_BLOCK - 1) / FM_STORE_BLOCK * FM_STORE_BLOCK;
}

void fm_space_open(fm_space *m, void *memory, uint32_t block_count)
{
  fm_word64 *words = memory;
  uint32_t bits = block_count;
  m->level_count = 0;
  do {
    m->levels[m->level_count] = words;
    m->bits[m->level_count++] = bits;
    bits = count_words(bits);
    words += bits;
  } while (bits > 1);
}

static uint64_t load(const fm_space *m, uint32_t level, uint32_t word)
{
  return atomic_load_explicit(&m->levels[level][word], memory_order_relaxed);
}

/* The bits of a word that are 0. Block 0 and the bits behind the last block count as taken. */
static uint64_t zeros(const fm_space *m, uint32_t level, uint32_t word, uint64_t value)
{
  const uint32_t rest = m->bits[level] - word * BITS;
  uint64_t bits = ~value;
  if (rest < BITS) bits &= ((uint64_t)1 << rest) - 1;
  if (level == 0 && word == 0) bits &= ~(uint64_t)1;
  return bits;
}

static uint64_t free_bits(const fm_space *m, uint32_t level, uint32_t word)
{
  return zeros(m, level, word, load(m, level, word));
}

/* The first free block below a word of a level. 0 if there is none, because the memory is damaged. */
static uint32_t go_down(const fm_space *m, uint32_t level, uint32_t word)
{
  for (;; level--) {
    const uint64_t bits = free_bits(m, level, word);
    if (bits == 0) return 0;
    word = word * BITS + fm_lowest_bit(bits);
    if (level == 0) return word;
  }
}

/* A free block: the first one from `from` on in its word, else another one in its word, else the next one in
** another word. The search begins anew at the first block if none follows. */
static uint32_t find_free(const fm_space *m, uint32_t from)
{
  uint32_t at = from;
  const uint64_t here = free_bits(m, 0, at / BITS), after = here >> at % BITS;
  if (after != 0) return at + fm_lowest_bit(after);
  if (here != 0) return at / BITS * BITS + fm_lowest_bit(here);
  for (uint32_t level = 1; level < m->level_count; level++) {
    at /= BITS;
    const uint64_t next = free_bits(m, level, at / BITS) & ~(uint64_t)1 << at % BITS;
    if (next != 0) return go_down(m, level - 1, at / BITS * BITS + fm_lowest_bit(next));
  }
  return go_down(m, m->level_count - 1, 0);
}

static void mark_taken(const fm_space *m, uint32_t at)
{
  for (uint32_t level = 0; level < m->level_count; level++, at /= BITS) {
    const uint64_t new = load(m, level, at / BITS) | (uint64_t)1 << at % BITS;
    atomic_store_explicit(&m->levels[level][at / BITS], new, memory_order_release);
    FM_TEST_HOOK("taken");
    if (zeros(m, level, at / BITS, new) != 0) break;
  }
}

static void mark_free(const fm_space *m, uint32_t level, uint32_t at)
{
  const uint64_t old = load(m, level, at / BITS), bit = (uint64_t)1 << at % BITS;
  if (zeros(m, level, at / BITS, old) == 0 && level + 1 < m->level_count) mark_free(m, level + 1, at / BITS);
  atomic_store_explicit(&m->levels[level][at / BITS], old & ~bit, memory_order_release);
  FM_TEST_HOOK("freed");
}

/* Adds a block to the front of the loose ones, and then sets its bit. So each block whose bit is set belongs
** to an entry or is loose, and only the first loose block's bit can be 0. Returns the new `loose` word. */
static uint64_t take(fm_store *s, uint32_t number, uint64_t loose)
{
  fm_block *b = fm_block_at(s, number);
  atomic_store_explicit(&b->next, fm_loose_first(loose), memory_order_release);
  atomic_store_explicit(&b->version, 0, memory_order_release);
  loose = fm_loose(number, fm_loose_count(loose) + 1);
  atomic_store_explicit(&s->words->loose, loose, memory_order_release);
  FM_TEST_HOOK("take");
  mark_taken(&s->space, number);
  return loose;
}

/* The entry's first block is taken last, so that it is the first one of the list. The search for the others
** begins behind the block that it will probably be. */
int fm_space_take(fm_store *s, uint32_t home, uint64_t n, uint32_t *first, fm_error *e)
{
  uint64_t loose = fm_load_loose(s);
  uint32_t number = n > 1 ? find_free(&s->space, home) : 0;
  for (; n > 0; n--) {
    const uint32_t behind = (number + 1) % BITS != 0 ? number + 1 : number; /* in the same word */
    number = find_free(&s->space, n > 1 ? behind : home);
    if (number == 0) return fm_fail(e, FM_CORRUPT, NULL);
    loose = take(s, number, loose);
  }
  *first = number;
  return FM_OK;
}

/* A writer that dies between the two stores leaves a first loose block whose bit is 0. */
void fm_space_free_loose(fm_store *s, uint64_t most)
{
  for (uint64_t loose = fm_load_loose(s); loose != 0 && most > 0; most--) {
    const uint32_t number = fm_loose_first(loose), n = fm_loose_count(loose);
    loose = 0;
    if (n > 0 && fm_is_block(s, number)) {
      const uint32_t next = atomic_load_explicit(&fm_block_at(s, number)->next, memory_order_relaxed);
      if (n > 1) loose = fm_loose(next, n - 1);
      mark_free(&s->space, 0, number);
    }
    atomic_store_explicit(&s->words->loose, loose, memory_order_release);
  }
}
