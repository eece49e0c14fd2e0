/* Sync objects in shared memory, for systems that have none of their own with the names and lifetimes of
** Win32. A kind is a table over the life-cycle of named objects (object.h), with a word or two in a section.
** */
#ifndef FILEMAP_SHARED_H
#define FILEMAP_SHARED_H

#include "../object/pollable.h"

FM_BEGIN_HIDDEN

extern const fm_sync_class fm_shared_mutex, fm_shared_semaphore, fm_shared_event;

/* {-- Shared by the kinds (shared.c) ------------------------------------------------------------ */

typedef struct fm_shared_words {
  fm_header header;
  fm_word32 value;      /* mutex: the owner of its lock; semaphore: the count; event: 1 if set */
  fm_word32 changed;    /* a wait point: another process may stop waiting */
  fm_word32 generation; /* manual event: how often it was set */
  fm_word32 drained;    /* event, a wait point: it is no longer set */
  uint32_t unused[12];
} fm_shared_words;

_Static_assert(sizeof(fm_shared_words) == 128, "32- and 64-bit processes use the same layout");

enum { FM_SHARED_MAX, FM_SHARED_MANUAL }; /* in sizes: of a semaphore, of an event */
enum { FM_SHARED_CHANGED, FM_SHARED_DRAINED }; /* in points */

/* The start of each kind's structure. */
typedef struct fm_shared {
  fm_sync base;
  fm_object object;
} fm_shared;

static inline fm_shared *fm_shared_of(fm_sync *s)
{
  return (fm_shared *)(void *)s;
}

static inline fm_shared *fm_shared_of_object(fm_object *o)
{
  return (fm_shared *)(void *)((char *)o - offsetof(fm_shared, object));
}

static inline fm_shared_words *fm_shared_words_of(fm_shared *s)
{
  return (fm_shared_words *)(void *)s->object.view.data;
}

/* Opens or creates the object, whose word begins with `value`. */
int fm_shared_open(fm_shared *s, const fm_role *role, bool *created, const fm_name *name,
                   const fm_sync_options *o, uint32_t value, fm_error *e);

void fm_shared_close(fm_sync *s);

/* The role's functions, unless a kind has its own. */
bool fm_shared_check(const fm_header *h, uint64_t *view_size);
int fm_shared_attach(fm_object *o, fm_error *e);

FM_END_HIDDEN

#endif
