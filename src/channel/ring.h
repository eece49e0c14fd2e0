/* A ring of bytes in shared memory, from one writer to one reader. It makes no call: both look and go on.
**
** Shared are two positions, which count bytes without end (modulo 2^32; `size` is a power of two, so that a position's
** low bits say where in the ring it is):
**   tail  what is before it has been written. Only the writer stores it, with release, after the bytes: one that
**         dies in between has written nothing.
**   head  what is before it has been read. Only the reader stores it, with release, after it copied the bytes.
** A writer that finds no room reads head's line each time, and a reader that stores it takes it away from him: so the
** reader gives room back by quarters of the ring, or when it finds the ring empty, or is asked to. (Not where another
** may take its place: what it has read must then be said.)
**
** Each side goes by its own copy of what it stores, and takes of the other's only this: that between head and tail
** are no more than `size` bytes. What says otherwise is FM_CORRUPT.
**
** Messages are records: a length of 4 bytes, the bytes, and up to the next multiple of 8 nothing. The reader looks at
** a length once, and believes it if the record lies before tail. A stream has bytes only. */
#ifndef FILEMAP_RING_H
#define FILEMAP_RING_H

#include "../object/wait.h"

typedef struct fm_ring_words {
  fm_word32 tail;
  uint32_t unused_1[15]; /* each on a cache line of its own */
  fm_word32 head;
  uint32_t unused_2[15];
} fm_ring_words;

/* One side's hold of a ring. */
typedef struct fm_ring {
  fm_ring_words *shared;
  unsigned char *bytes;
  uint32_t size;
  uint32_t tail, head; /* our own, and the other's as we last saw it */
} fm_ring;

#define FM_RING_MOST (1u << 30)
#define FM_CAPACITY_MOST (FM_RING_MOST / 4 * 3 - 4)

/* The size of a ring that can hold a message of `capacity` bytes, a quarter aside; 0 if none can: of more than
** FM_CAPACITY_MOST. */
uint32_t fm_ring_size(uint64_t capacity);

/* Takes hold of a ring as it stands. */
int fm_ring_open(fm_ring *r, fm_ring_words *shared, unsigned char *bytes, uint32_t size, fm_error *e);

/* The same again, for a side that changes hands. */
int fm_ring_reopen(fm_ring *r, fm_error *e);

/* Writes a message: FM_OK, FM_FULL, FM_CORRUPT. */
int fm_ring_put(fm_ring *r, const void *data, uint32_t length, fm_error *e);

/* The length of the next message: FM_OK, FM_TIMEOUT if there is none, FM_CORRUPT. Then fm_ring_get copies it out. It
** returns whether its room was given back: always if `now`, else by quarters of the ring. */
int fm_ring_next(fm_ring *r, uint32_t *length, fm_error *e);
bool fm_ring_get(fm_ring *r, void *out, uint32_t length, bool now);

/* Gives back what was read. */
void fm_ring_give_back(fm_ring *r);

/* How many messages wait to be read, and the length of the first; 0 if there is none. */
int fm_ring_count(fm_ring *r, uint32_t *count, uint32_t *first, fm_error *e);

/* As many bytes of a stream as fit, or are there, up to *length, which then says how many: FM_OK, FM_FULL or
** FM_TIMEOUT for none. `now` and *given as for fm_ring_get. */
int fm_ring_write(fm_ring *r, const void *data, uint32_t *length, fm_error *e);
int fm_ring_read(fm_ring *r, void *out, uint32_t *length, bool now, bool *given, fm_error *e);

#endif
