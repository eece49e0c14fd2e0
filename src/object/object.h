/* Named objects: the one life-cycle of everything that is a header and words in a named section. These are
** the channels and, where the system has none of its own, the sync objects.
**
** A kind of object has one table (fm_role) for each purpose that a process opens it for. fm_object_open
** follows the table:
**   1. It opens the section, or creates it with its first bytes. It tries again when other processes create
**      and remove the name meanwhile. If the role has one seat, a process that creates the section acquires
**      the seat now, before another process can open the section.
**   2. It reads the header once, and checks that copy.
**   3. It views the memory, and calls `attach`. Other processes may be using the object at this time, so
**      `attach` sets pointers and opens wait points, and reads nothing that they change.
**   4. It acquires the role's seat, if it has not done so in step 1, and calls `enter`. Now no other process
**      changes the words of this role, so `enter` may read and repair them.
** fm_object_close goes the other way: `leave` while the seat is held, then everything else. */
#ifndef FILEMAP_OBJECT_H
#define FILEMAP_OBJECT_H

#include "wait.h"

FM_BEGIN_HIDDEN

/* A name of a channel and a name of a sync object never stand for the same section. Kinds from
** FM_OBJECT_MUTEX on are sync objects. */
typedef enum fm_object_kind {
  FM_OBJECT_STATE = 1,
  FM_OBJECT_PIPE,
  FM_OBJECT_MAILSLOT,
  FM_OBJECT_DICT,
  FM_OBJECT_MUTEX = 16,
  FM_OBJECT_SEMAPHORE,
  FM_OBJECT_EVENT
} fm_object_kind;

enum { FM_HEADER_SIZES = 4, FM_OBJECT_POINTS = 5 };

/* Written once, by the process that creates the object. Numbers have this machine's byte order; 32- and
** 64-bit processes use the same layout. */
typedef struct fm_header {
  uint32_t magic;   /* FM_OBJECT_MAGIC */
  uint16_t kind;    /* fm_object_kind */
  uint16_t version; /* of the kind's layout */
  uint64_t size;    /* of the section, in bytes */
  uint32_t sizes[FM_HEADER_SIZES]; /* the meaning depends on the kind */
  uint32_t unused[8];
} fm_header;

_Static_assert(sizeof(fm_header) == 64, "32- and 64-bit processes use the same layout");

#define FM_OBJECT_MAGIC 0x48434d46u /* "FMCH" */
#define FM_SWAPPED_MAGIC 0x464d4348u /* the same, from a process with another byte order */

typedef struct fm_object fm_object;
typedef struct fm_watched fm_watched; /* pollable.h */

/* Which seat a role needs. A process holds it until it closes the object, or dies. */
typedef enum fm_seating {
  FM_NO_SEAT,        /* none, or one that `enter` acquires: any number of processes may have the role */
  FM_ONE_SEAT,       /* role.seat: one process at a time has the role */
  FM_FREE_SEAT,      /* the first free one from role.seat on: each process has a number of its own */
  FM_SEAT_ON_DEMAND  /* the same, acquired by the first call of fm_object_check_seat */
} fm_seating;

/* How to open an object for one purpose. A function that is not needed is NULL. */
typedef struct fm_role {
  uint16_t kind, version;   /* in the header */
  bool creates;             /* creates the object where the name is free */
  bool opens;               /* opens an existing object; with FM_ONE_SEAT it takes over after a process */
  bool read_only;           /* opens for reading if writing is denied */
  bool reserves;            /* a new section is only reserved: the process that uses a part commits it */
  fm_seating seating;
  uint32_t seat;
  fm_code taken;            /* how opening fails while another process holds the seat, and the message */
  const char *taken_detail;
  size_t size;              /* of the structure that begins with fm_object, for fm_object_new */

  /* Can the header be right? Also returns how many bytes from the start to view. The caller checks that the
  ** section has them. */
  bool (*check)(const fm_header *h, uint64_t *view_size);
  /* Does an existing object have what the caller asked for? `wanted` is the request's. */
  int (*fits)(const fm_header *h, const uint32_t *wanted, fm_error *e);
  int (*attach)(fm_object *o, fm_error *e);
  int (*enter)(fm_object *o, fm_error *e); /* called again when a forked child acquires a seat of its own */
  void (*leave)(fm_object *o);             /* called if `enter` succeeded, while the seat is held */
} fm_role;

/* The start of each object's structure. */
struct fm_object {
  const fm_role *role;
  fm_view view;
  fm_header header;    /* the copy that was checked: the one in shared memory may change */
  fm_seat seat;        /* number 0: none, or a forked child's */
  fm_wait_point points[FM_OBJECT_POINTS];
  unsigned char *buffer;
  uint32_t buffer_size;
  bool created, entered;
  fm_watched *watched; /* NULL: no event loop waits for it */
};

typedef struct fm_object_request {
  const char *name;         /* NULL is invalid */
  bool existing;            /* only opens, whatever the role does */
  fm_header *first;         /* the first bytes of a new object; this call sets magic, kind, version */
  size_t first_size;        /* in bytes: at least sizeof(fm_header) */
  const uint32_t *wanted;   /* for role.fits */
  const fm_options *options; /* of a new object; NULL: the defaults */
} fm_object_request;

/* Opens `o`, whose bytes are all 0, in a role. After a failure they are 0 again. Fails with the codes of
** fm_create and fm_open, the role's own, and:
**   FM_CORRUPT  the section does not hold such an object.
**   FM_INVALID  the name stands for another kind of sync object.
**   FM_IN_USE   the name was created and removed 100 times meanwhile. */
int fm_object_open(fm_object *o, const fm_role *role, const fm_object_request *r, fm_error *e);

/* The same with a new structure of role->size bytes in *out, which fm_object_free frees. */
int fm_object_new(void *out, const fm_role *role, const fm_object_request *r, fm_error *e);

/* Opens `o`, whose bytes are all 0, in another role of the object that `other` has open. It views the same
** memory, and does step 4 of fm_object_open. After a failure the bytes are 0 again. */
int fm_object_share(fm_object *o, const fm_role *role, const fm_object *other, fm_error *e);

void fm_object_close(fm_object *o);
void fm_object_free(fm_object *o);

/* Fails with FM_DENIED in a forked child, which does not have its parent's seats. Where the role can have any
** free seat the child acquires one of its own. */
int fm_object_check_seat(fm_object *o, fm_error *e);

/* Opens points[at] for `word` of the object's memory. `index` tells the words of one section apart. */
int fm_object_wait_point(fm_object *o, int at, unsigned index, fm_word32 *word, fm_error *e);

/* Makes o->buffer large enough for `size` bytes. */
int fm_object_reserve(fm_object *o, uint32_t size, fm_error *e);

/* The result of a call that used shared memory: FM_TRUNCATED if a page of the view was lost, since then what
** was found in the memory means nothing; else `code`. */
int fm_prefer_truncated(const fm_view *v, int code, fm_error *e);

/* The section that the object is in, and its name. */
static inline const fm_section *fm_object_section(const fm_object *o)
{
  return &fm_view_map(&o->view)->section;
}

static inline const char *fm_object_name(const fm_object *o)
{
  return fm_map_label(fm_view_map(&o->view));
}

FM_END_HIDDEN

#endif
