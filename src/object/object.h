/* The named memory that a channel lives in: a header that its openers check, and words and bytes behind it. */
#ifndef FILEMAP_OBJECT_H
#define FILEMAP_OBJECT_H

#include "wait.h"

typedef enum fm_object_kind { FM_OBJECT_STATE = 1, FM_OBJECT_PIPE, FM_OBJECT_MAILSLOT } fm_object_kind;

/* Written once, by who makes it. Numbers are this machine's; 32- and 64-bit processes have the same layout. */
typedef struct fm_header {
  uint32_t magic;   /* FM_OBJECT_MAGIC */
  uint16_t kind;    /* fm_object_kind */
  uint16_t version; /* of the layout: FM_OBJECT_VERSION */
  uint64_t size;    /* of the whole */
  uint32_t sizes[4]; /* what the kind needs to know */
  uint32_t unused[8];
} fm_header;

_Static_assert(sizeof(fm_header) == 64, "processes of 32 and of 64 bits have the same layout");

#define FM_OBJECT_MAGIC 0x48434d46u /* "FMCH" */
#define FM_OBJECT_VERSION 1u

typedef struct fm_object {
  fm_map *map;
  fm_header header; /* as it was when it was checked: what is there may change */
} fm_object;

/* Makes one with that header, of which magic and version are filled in, or fails with FM_EXISTS. With `commit` false
** the memory is taken by parts. */
int fm_object_create(fm_object *b, const char *name, const fm_header *header, bool commit, const fm_options *o,
                    fm_error *e);

/* Opens one; FM_CORRUPT for what is none of that kind. FM_READ will do if FM_WRITE is denied and `reading` is true. */
int fm_object_open(fm_object *b, const char *name, fm_object_kind kind, bool reading, fm_error *e);

/* Views its first `size` bytes. Memory that is only reserved is taken; FM_CORRUPT where it may not be written. */
int fm_object_view(fm_view *out, const fm_object *b, uint64_t size, int access, fm_error *e);

void fm_object_close(fm_object *b);

/* Makes a buffer of at least `wanted` bytes of one that may be smaller, or NULL; false if there is no memory. */
bool fm_grow(unsigned char **buffer, uint32_t *size, uint32_t wanted);

#endif
