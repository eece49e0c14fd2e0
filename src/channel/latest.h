/* The newest of a series of values in shared memory, from one writer to any number of readers. It makes no
** system call.
**
** Values are numbered from 1. Value n is in slot n modulo FM_LATEST_SLOTS. So the writer fills all the other
** slots before it changes the slot of value n, which gives readers time to copy it. The shared words are:
**   newest            the number of the newest whole value; 0 before the first.
**   a slot's version  the number of the value in the slot; 0 while the writer changes it.
**
** To publish value n, the writer
**   1. stores version 0 in the slot, with release: a reader that sees the 0 also sees that `newest` is at
**      least n - 1,
**   2. stores the length and the bytes,
**   3. stores version n, with release,
**   4. stores n in `newest`, with release.
** A writer that dies before step 4 has changed a slot that `newest` does not name.
**
** To read, a reader
**   1. loads `newest`, n, and the version and length of n's slot,
**   2. copies the bytes, if the version is n and the length is not past the capacity,
**   3. loads the version again. If it was n both times, the copy is whole.
**   4. Otherwise it loads `newest` again. If that is not n the writer was faster, and the reader starts
**      again. If it still is n, no writer that follows these steps has changed the slot: the memory is
**      corrupt.
**
** The bytes are copied by atomic loads and stores of whole words, without order, since both sides can access
** them at once: Boehm, "Can seqlocks get along with programming language memory models?" (2012), figure 6. */
#ifndef FILEMAP_LATEST_H
#define FILEMAP_LATEST_H

#include "../object/wait.h"

FM_BEGIN_HIDDEN

enum { FM_LATEST_SLOTS = 4 };

typedef struct fm_latest_words {
  fm_word64 newest;
  uint64_t unused[7];
} fm_latest_words;

typedef struct fm_latest {
  fm_latest_words *shared; /* the slots follow it */
  uint32_t capacity;       /* of a value, in bytes */
} fm_latest;

/* The size of the words and the slots, in bytes. */
uint64_t fm_latest_size(uint32_t capacity);

/* Publishes value `version`: one more than the last one. */
void fm_latest_publish(const fm_latest *s, uint64_t version, const void *data, uint32_t length);

uint64_t fm_latest_newest(const fm_latest *s);

/* Copies the newest value, of up to `capacity` bytes: FM_OK; FM_TIMEOUT if the writer was faster, and the
** caller should try again; FM_NOT_FOUND before the first value; FM_CORRUPT. */
int fm_latest_read(const fm_latest *s, void *out, uint32_t *length, uint64_t *version, fm_error *e);

FM_END_HIDDEN

#endif
