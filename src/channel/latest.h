/* The newest of a row of values in shared memory, from one writer to any number of readers. It makes no call.
**
** Values are numbered from 1. Value n is in slot n modulo FM_LATEST_SLOTS, so that the writer touches the slot that readers
** were just sent to only after it wrote the others.
**   newest   the number of the newest value that is whole, 0 before the first. Stored by the writer, with release,
**            after the value.
**   a slot's version   the number of the value in it; 0 while the writer changes it.
** A reader copies the value of slot `newest`, and has it whole if the slot's version was that number before and after.
** If not it was lapped, and begins again. It believes a length no larger than the slot. A writer that dies half-way has
** spoilt a slot that `newest` does not name.
**
** The bytes are copied in words, by atomic loads and stores without order, since both sides may be at them at once:
** Boehm, "Can seqlocks get along with programming language memory models?" (2012), figure 6. */
#ifndef FILEMAP_SLOTS_H
#define FILEMAP_SLOTS_H

#include "../object/wait.h"

enum { FM_LATEST_SLOTS = 4 };

typedef _Atomic(uint64_t) fm_word64;

typedef struct fm_latest_words {
  fm_word64 newest;
  uint64_t unused[7];
} fm_latest_words;

typedef struct fm_latest {
  fm_latest_words *shared; /* the slots follow it */
  uint32_t capacity;      /* of a value, in bytes */
} fm_latest;

/* What the words and the slots take, in bytes. */
uint64_t fm_latest_size(uint32_t capacity);

/* Makes value `version` the newest: one more than the last one. */
void fm_latest_publish(const fm_latest *s, uint64_t version, const void *data, uint32_t length);

uint64_t fm_latest_newest(const fm_latest *s);

/* Copies the newest value, of up to `capacity` bytes: FM_OK; FM_TIMEOUT if the writer was faster, try again;
** FM_NOT_FOUND if there is none yet; FM_CORRUPT. */
int fm_latest_read(const fm_latest *s, void *out, uint32_t *length, uint64_t *version, fm_error *e);

#endif
