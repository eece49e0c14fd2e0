/* The journal of a store: store.h describes it. */
#include "store_journal.h"

#include "../base/test_hook.h"
#include "store_space.h"

static void write_word(fm_store *s, uint64_t place, uint64_t value)
{
  unsigned char *word = (unsigned char *)s->words + (place & ~(uint64_t)1);
  FM_TEST_HOOK("write");
  if (place & 1) atomic_store_explicit((fm_word64 *)(void *)word, value, memory_order_release);
  else atomic_store_explicit((fm_word32 *)(void *)word, (uint32_t)value, memory_order_release);
}

static void put_if_new(fm_change *c, fm_word64 *word, uint64_t value)
{
  if (atomic_load_explicit(word, memory_order_relaxed) != value) fm_change_store_64(c, word, value);
}

static void put_numbers(fm_change *c)
{
  fm_store_words *w = c->s->words;
  const fm_store_numbers *n = &c->numbers;
  put_if_new(c, &w->version, n->version);
  put_if_new(c, &w->loose, c->loose);
  put_if_new(c, &w->entries, n->count | (uint64_t)n->used << 32);
  put_if_new(c, &w->ages, n->oldest | (uint64_t)n->newest << 32);
  put_if_new(c, &w->rest, n->cleared_blocks | (uint64_t)n->timers << 32);
}

/* From the store of the journal's length on, the change is made whatever happens. */
void fm_change_commit(fm_change *c)
{
  fm_store_words *w = c->s->words;
  const uint32_t changes = atomic_load_explicit(&w->changes, memory_order_relaxed);
  put_numbers(c);
  /* The journal before this one has ended. */
  atomic_store_explicit(&w->changes, changes + 1, memory_order_release);
  atomic_thread_fence(memory_order_release);
  for (uint32_t i = 0; i < c->length; i++) {
    atomic_store_explicit(&w->journal[i].place, c->writes[i].place, memory_order_relaxed);
    atomic_store_explicit(&w->journal[i].value, c->writes[i].value, memory_order_relaxed);
  }
  FM_TEST_HOOK("journal");
  atomic_store_explicit(&w->journal_length, c->length, memory_order_release);
  for (uint32_t i = 0; i < c->length; i++) write_word(c->s, c->writes[i].place, c->writes[i].value);
  FM_TEST_HOOK("written");
  atomic_store_explicit(&w->journal_length, 0, memory_order_release);
}

/* Finds the last value that the journal has for a place. */
static bool find_ahead(const fm_store *s, uint64_t place, uint64_t *value)
{
  const fm_store_write *journal = s->words->journal;
  const uint32_t length = atomic_load_explicit(&s->words->journal_length, memory_order_acquire);
  if (length > 0) FM_TEST_HOOK("ahead");
  for (uint32_t i = length <= FM_STORE_JOURNAL ? length : 0; i-- > 0;) {
    if (atomic_load_explicit(&journal[i].place, memory_order_relaxed) != place) continue;
    *value = atomic_load_explicit(&journal[i].value, memory_order_relaxed);
    return true;
  }
  FM_TEST_HOOK("number");
  return false;
}

uint32_t fm_load_ahead(const fm_store *s, fm_word32 *word)
{
  uint64_t value;
  if (find_ahead(s, fm_change_place(s, word), &value)) return (uint32_t)value;
  return atomic_load_explicit(word, memory_order_relaxed);
}

uint64_t fm_load_ahead_64(const fm_store *s, fm_word64 *word)
{
  uint64_t value;
  if (find_ahead(s, fm_change_place(s, word) | 1, &value)) return value;
  return atomic_load_explicit(word, memory_order_relaxed);
}

bool fm_load_numbers_ahead(const fm_store *s, fm_store_numbers *out)
{
  fm_store_words *w = s->words;
  if (atomic_load_explicit(&w->journal_length, memory_order_acquire) > FM_STORE_JOURNAL) return false;
  *out = fm_numbers_of(fm_load_ahead_64(s, &w->version), fm_load_ahead_64(s, &w->entries),
                       fm_load_ahead_64(s, &w->ages), fm_load_ahead_64(s, &w->rest));
  return true;
}

/* May a journal write there? In the words before the journal's length, in links, or in a block's fields. */
static bool is_place(const fm_store *s, uint64_t place)
{
  const uint64_t links = fm_change_place(s, s->links), blocks = fm_change_place(s, s->blocks);
  const uint64_t at = place & ~(uint64_t)1;
  if (at % (place & 1 ? sizeof(fm_word64) : sizeof(fm_word32)) != 0) return false;
  if (at < links) return at < offsetof(fm_store_words, journal_length);
  if (at < blocks) return !(place & 1) && at < links + (uint64_t)s->block_count * sizeof *s->links;
  if (at >= blocks + (uint64_t)s->block_count * FM_STORE_BLOCK) return false;
  return (at - blocks) % FM_STORE_BLOCK < offsetof(fm_block, bytes);
}

static int carry_out(fm_store *s, fm_error *e)
{
  fm_store_words *w = s->words;
  struct { uint64_t place, value; } writes[FM_STORE_JOURNAL];
  const uint32_t length = atomic_load_explicit(&w->journal_length, memory_order_acquire);
  if (length == 0) return FM_OK;
  if (length > FM_STORE_JOURNAL) return fm_fail(e, FM_CORRUPT, NULL);
  for (uint32_t i = 0; i < length; i++) {
    writes[i].place = atomic_load_explicit(&w->journal[i].place, memory_order_relaxed);
    writes[i].value = atomic_load_explicit(&w->journal[i].value, memory_order_relaxed);
    if (!is_place(s, writes[i].place)) return fm_fail(e, FM_CORRUPT, NULL);
  }
  for (uint32_t i = 0; i < length; i++) write_word(s, writes[i].place, writes[i].value);
  atomic_store_explicit(&w->journal_length, 0, memory_order_release);
  return FM_OK;
}

int fm_store_recover(fm_store *s, uint32_t most, fm_error *e)
{
  const int code = carry_out(s, e);
  if (code == FM_OK) fm_space_free_loose(s, most);
  return code;
}
