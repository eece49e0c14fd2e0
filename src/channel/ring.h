/* A ring of bytes in shared memory, from one writer to one reader. It makes no system call.
**
** The processes share two positions. A position counts bytes without end, modulo 2^32. The ring's size is a
** power of two, so that the low bits of a position give the place in the ring.
**   tail  the bytes before it are written. Only the writer stores it.
**   head  the bytes before it are read. Only the reader stores it.
**
** To write, the writer
**   1. checks that the ring has room, by its own tail and the head that it read last; if that is not enough
**      it reads the head again,
**   2. copies the bytes into the ring,
**   3. stores the new tail, with release. If it dies before this step it has written nothing.
** To read, the reader
**   1. checks that there are bytes, by its own head and the tail that it read last; if there are none it
**      reads the tail again,
**   2. copies the bytes out of the ring,
**   3. stores the new head, with release, which frees the room for the writer.
**
** A writer that finds no room reads the cache line of `head` each time, and a reader that stores `head` makes
** that read a cache miss. So the reader does step 3 only when it has read a quarter of the ring, finds the
** ring empty, or is asked to. (A reader that another process may replace always does it: the head must show
** how far it has read.)
**
** Each side uses its own copy of the position that it stores. It accepts the other side's position only if at
** most `size` bytes are between head and tail. With any other value the call fails with FM_CORRUPT.
**
** A message is a record: a length of 4 bytes, the bytes, and unused bytes up to the next multiple of 8. The
** reader reads a length once. It accepts the length if the record does not go past the tail, and if the
** length is within the limit of the channel. With any other length the call fails with FM_CORRUPT. A stream
** has bytes without lengths. */
#ifndef FILEMAP_RING_H
#define FILEMAP_RING_H

#include "../object/wait.h"

FM_BEGIN_HIDDEN

typedef struct fm_ring_words {
  fm_word32 tail;
  uint32_t unused_1[15]; /* head and tail are on cache lines of their own */
  fm_word32 head;
  uint32_t unused_2[15];
} fm_ring_words;

/* A ring as one side sees it. */
typedef struct fm_ring {
  fm_ring_words *shared;
  unsigned char *bytes;
  uint32_t size;       /* of the ring, in bytes */
  uint32_t longest;    /* the limit of the length of a message, in bytes */
  uint32_t tail, head; /* its own position, and the other's as it was read last */
} fm_ring;

#define FM_RING_MOST (1u << 30)
#define FM_CAPACITY_MOST (FM_RING_MOST / 4 * 3 - 4)

/* The size of a ring in which a message of `capacity` bytes fits while the reader has not yet freed
** up to a quarter of the ring; 0 for a capacity of more than FM_CAPACITY_MOST bytes. */
uint32_t fm_ring_size(uint64_t capacity);

/* Can a ring have this size: a power of two from 64 to FM_RING_MOST? */
bool fm_ring_is_size(uint32_t size);

/* A ring whose positions have not been loaded. */
fm_ring fm_ring_of(fm_ring_words *shared, unsigned char *bytes, uint32_t size, uint32_t longest);

/* Loads the positions. The caller is the writer, or the reader, at this moment: then its own position does
** not change. FM_CORRUPT. */
int fm_ring_load(fm_ring *r, fm_error *e);

/* Writes a message of up to `longest` bytes: FM_OK, FM_FULL, FM_CORRUPT. */
int fm_ring_put(fm_ring *r, const void *data, uint32_t length, fm_error *e);

/* The length of the next message: FM_OK, FM_TIMEOUT if there is none, FM_CORRUPT. After FM_OK, fm_ring_get
** copies that message out. It returns whether the reader stored its head (step 3): always if `now` is true.
** */
int fm_ring_next(fm_ring *r, uint32_t *length, fm_error *e);
bool fm_ring_get(fm_ring *r, void *out, uint32_t length, bool now);

/* The reader stores its head. */
void fm_ring_store_head(fm_ring *r);

/* Counts the messages that are not read yet; *first is the length of the first one, 0 if there is none.
** FM_CORRUPT. */
int fm_ring_count(fm_ring *r, uint32_t *count, uint32_t *first, fm_error *e);

/* Write and read bytes of a stream: as many as there is room for or as there are, up to *length. *length is
** then their number. FM_OK, FM_CORRUPT; for no byte at all FM_FULL or FM_TIMEOUT. *stored tells whether the
** reader stored its head, which it does if `now` is true. */
int fm_ring_write(fm_ring *r, const void *data, uint32_t *length, fm_error *e);
int fm_ring_read(fm_ring *r, void *out, uint32_t *length, bool now, bool *stored, fm_error *e);

FM_END_HIDDEN

#endif
