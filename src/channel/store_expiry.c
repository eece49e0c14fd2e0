/* A heap in an array (Williams, Algorithm 232, 1964), in which each place has eight children (Johnson,
** Priority queues with update, 1975). With eight it is at most 11 places deep, so that a change fits in the
** journal. Each entry has the number of its place, so that it can be taken out before it expires. */
#include "store_expiry.h"

enum { CHILDREN = 8 };

static uint64_t expiry_of(const fm_store *s, uint32_t number)
{
  return fm_expiry_of(atomic_load_explicit(&fm_block_at(s, number)->fields, memory_order_relaxed));
}

/* The entry at a place, 0 if the memory is damaged. */
static uint32_t entry_at(const fm_store *s, uint32_t at)
{
  const uint32_t number = atomic_load_explicit(&s->links[at].at_place, memory_order_relaxed);
  return fm_is_block(s, number) ? number : 0;
}

static void put_at(fm_change *c, uint32_t at, uint32_t number)
{
  fm_change_store(c, &c->s->links[at].at_place, number);
  fm_change_store(c, &c->s->links[number].timer, at + 1);
}

/* Moves entries that expire later than `expiry` down from above the place *at, which becomes free at the end
** of the move. */
static bool move_down(fm_change *c, uint32_t *at, uint64_t expiry)
{
  while (*at > 0) {
    const uint32_t parent = (*at - 1) / CHILDREN, number = entry_at(c->s, parent);
    if (number == 0) return false;
    if (expiry_of(c->s, number) <= expiry) break;
    put_at(c, *at, number);
    *at = parent;
  }
  return true;
}

/* The child of a place that expires first, before `expiry`: *child is 0 if there is none. */
static bool first_child(const fm_store *s, uint32_t at, uint32_t count, uint64_t expiry, uint32_t *child)
{
  const uint64_t from = (uint64_t)at * CHILDREN + 1, end = from + CHILDREN < count ? from + CHILDREN : count;
  *child = 0;
  for (uint64_t i = from; i < end; i++) {
    const uint32_t number = entry_at(s, (uint32_t)i);
    if (number == 0) return false;
    if (expiry_of(s, number) >= expiry) continue;
    expiry = expiry_of(s, number);
    *child = (uint32_t)i;
  }
  return true;
}

/* Moves entries that expire before `expiry` up from below the place *at. */
static bool move_up(fm_change *c, uint32_t *at, uint32_t count, uint64_t expiry)
{
  for (;;) {
    uint32_t child;
    if (!first_child(c->s, *at, count, expiry, &child)) return false;
    if (child == 0) return true;
    const uint32_t number = entry_at(c->s, child);
    if (number == 0) return false;
    put_at(c, *at, number);
    *at = child;
  }
}

/* Puts an entry at the free place `at`, or above or below it. */
static bool settle(fm_change *c, uint32_t at, uint32_t count, uint32_t number)
{
  const uint64_t expiry = expiry_of(c->s, number);
  const uint32_t free = at;
  if (!move_down(c, &at, expiry)) return false;
  if (at == free && !move_up(c, &at, count, expiry)) return false;
  put_at(c, at, number);
  return true;
}

/* Takes the entry at a place out, and fills the place with the last entry. */
static bool take_out(fm_change *c, uint32_t at, uint32_t count)
{
  const uint32_t last = entry_at(c->s, count - 1);
  c->numbers.timers = count - 1;
  return last != 0 && (at == count - 1 || settle(c, at, count - 1, last));
}

static bool add(fm_change *c, uint32_t count, uint32_t number)
{
  c->numbers.timers = count + 1;
  return settle(c, count, count + 1, number);
}

int fm_expiry_change(fm_change *c, uint32_t old, uint32_t added, fm_error *e)
{
  const fm_store *s = c->s;
  const uint32_t count = c->numbers.timers;
  const uint32_t timer = old ? atomic_load_explicit(&s->links[old].timer, memory_order_relaxed) : 0;
  const bool expires = added && expiry_of(s, added) != 0;
  if (timer == 0 && !expires) return FM_OK;
  bool holds = count < s->block_count && timer <= count && (timer == 0 || entry_at(s, timer - 1) == old);
  if (!holds) return fm_fail(e, FM_CORRUPT, NULL);
  if (timer == 0) holds = count < s->block_count - 1 && add(c, count, added);
  else if (expires) holds = settle(c, timer - 1, count, added);
  else holds = take_out(c, timer - 1, count);
  return holds ? FM_OK : fm_fail(e, FM_CORRUPT, NULL);
}

static void add_entry(const fm_store *s, uint32_t number, fm_expired *out)
{
  fm_block *b = fm_block_at(s, number);
  const uint64_t key_length = fm_key_length_of(atomic_load_explicit(&b->fields, memory_order_relaxed));
  const uint64_t value_length = atomic_load_explicit(&b->value_length, memory_order_relaxed);
  const uint64_t version = atomic_load_explicit(&b->version, memory_order_relaxed);
  if (version <= fm_load_ahead_64(s, &s->words->cleared)) return;
  out->count++;
  out->blocks += fm_count_blocks((key_length + 7) / 8 * 8 + value_length);
}

/* Counts from the place `at` down. The entries below one that has not expired have not expired either. */
static bool count_below(const fm_store *s, uint64_t at, uint32_t timers, uint64_t now, fm_expired *out)
{
  const uint32_t number = fm_load_ahead(s, &s->links[at].at_place);
  if (!fm_is_block(s, number)) return false;
  if (expiry_of(s, number) > now) return true;
  add_entry(s, number, out);
  for (uint64_t i = at * CHILDREN + 1; i <= at * CHILDREN + CHILDREN && i < timers; i++)
    if (!count_below(s, i, timers, now, out)) return false;
  return true;
}

bool fm_expiry_count(const fm_store *s, uint32_t timers, uint64_t now, fm_expired *out)
{
  *out = (fm_expired){.count = 0};
  return timers < s->block_count && (timers == 0 || count_below(s, 0, timers, now, out));
}

uint32_t fm_expiry_first(const fm_store *s, uint64_t now)
{
  if (fm_load_numbers(s).timers == 0) return 0;
  const uint32_t number = entry_at(s, 0);
  return number != 0 && expiry_of(s, number) <= now ? number : 0;
}
