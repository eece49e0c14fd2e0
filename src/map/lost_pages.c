/* The list of mappings, in which the system's handler of lost pages finds the mapping of an address. The
** handler may run at any moment in any thread, in the middle of these functions too. So the list has no
** lock: its blocks are never freed, and one store acquires or releases a place in it. */
#include <stdlib.h>

#include "map.h"

/* A place is free while `mapping` is NULL. It is valid while `base` is not 0. */
typedef struct place {
  _Atomic(fm_mapping *) mapping;
  _Atomic(uintptr_t) base;
  atomic_size_t length;
  struct block *block; /* the block that contains it */
} place;

enum { PLACES = 64 };

typedef struct block {
  place places[PLACES];
  _Atomic(struct block *) next;
} block;

static block first;
static _Atomic(block *) likely; /* in which a place was last acquired or released; NULL: the first */

static place *acquire_in(block *b, fm_mapping *m)
{
  for (int i = 0; i < PLACES; i++) {
    fm_mapping *none = NULL;
    if (!b->places[i].mapping && atomic_compare_exchange_strong(&b->places[i].mapping, &none, m)) {
      likely = b->places[i].block = b;
      return &b->places[i];
    }
  }
  return NULL;
}

static block *add_block(void)
{
  block *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  block *next = first.next;
  do b->next = next;
  while (!atomic_compare_exchange_weak(&first.next, &next, b));
  return b;
}

static place *acquire_place(fm_mapping *m)
{
  block *b = likely;
  place *p = acquire_in(b ? b : &first, m);
  for (b = &first; b && !p; b = b->next) p = acquire_in(b, m);
  while (!p && (b = add_block())) p = acquire_in(b, m); /* other threads may fill it first */
  return p;
}

/* Another thread may release and reuse a place between these loads; then its base has changed. The place
** of the mapping that contains `address` stays, because the thread that touches a view keeps the view
** open. */
static fm_mapped *find_mapped(const void *address)
{
  const uintptr_t at = (uintptr_t)address;
  for (block *b = &first; b; b = b->next) {
    for (int i = 0; i < PLACES; i++) {
      place *p = &b->places[i];
      const uintptr_t base = p->base;
      if (base == 0 || at < base || at - base >= p->length) continue;
      fm_mapping *m = p->mapping;
      if (p->base == base) return &m->mapped;
    }
  }
  return NULL;
}

int fm_watch_lost_pages(fm_mapping *m, fm_error *e)
{
  const int code = fm_sys_handle_lost_pages(find_mapped, e);
  if (code != FM_OK) return code;
  place *p = acquire_place(m);
  if (!p) return fm_fail(e, FM_NO_MEMORY, NULL);
  p->length = m->mapped.length;
  p->base = (uintptr_t)m->mapped.base;
  m->place = p;
  return FM_OK;
}

void fm_unwatch_lost_pages(fm_mapping *m)
{
  place *p = m->place;
  likely = p->block;
  p->base = 0;
  p->mapping = NULL;
}
