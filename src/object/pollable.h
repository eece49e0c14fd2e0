/* Handles by which event loops wait for objects: a descriptor or HANDLE that is set while its object is
** ready.
**
** A thread of the process, a watcher, sleeps on the words of objects that have a handle. It runs from the
** first fm_pollable_open to the last fm_pollable_close. When it has as many words as it can sleep on,
** another watcher starts for further objects. The process lock protects what it shares with the threads
** that use the objects. To settle a handle, a thread that has the lock
**   1. looks whether the object is ready, and sets or clears the handle accordingly,
**   2. announces a sleep at the wait point where other processes wake when that changes, and passes a fence
**      (wait.h), unless it did so and the word is still the same,
**   3. after step 2 starts again, since the object may have changed before it.
** The thread that uses an object settles its handle after each call that may drain the object, so that the
** handle is clear when the call returns. The watcher settles all its handles, and then sleeps until a word
** changes.
**
** The watcher also sleeps on the words at which no sleep is announced. So when the other thread announces a
** sleep at one, the watcher is woken by it, and need not be told.
**
** A process that dies leaves lowest bits of words set, which causes one waking for nothing at each. */
#ifndef FILEMAP_POLLABLE_H
#define FILEMAP_POLLABLE_H

#include "object.h"

FM_BEGIN_HIDDEN

/* What the thread that uses an object knows, and the watcher must not read in the object. */
typedef struct fm_noted {
  uint64_t position; /* up to which the object was read */
  bool is_ahead;     /* bytes were read ahead */
  bool is_gone;      /* the other end is closed or dead, which stays so */
} fm_noted;

/* How to tell whether an object of one kind is ready. */
typedef struct fm_readiness {
  int ready;   /* in points: where other processes wake when the object becomes ready */
  int drained; /* the same for when it no longer is, or -1 if only this object can drain it */
  void (*note)(fm_object *o, fm_noted *n); /* called by the thread that uses the object. May be NULL */
  /* Called by any thread: it reads what does not change, shared memory, and `n`. `thoroughly` is true about
  ** every FM_SLICE: then it also checks whether other processes live. */
  bool (*is_ready)(const fm_object *o, fm_noted *n, bool thoroughly);
} fm_readiness;

/* Returns the object's handle in *out, which it opens with the first call. A forked child has none of its
** parent's handles, and opens its own. */
int fm_pollable_open(fm_object *o, const fm_readiness *r, intptr_t *out, fm_error *e);

/* Closes the handle of an object, if it has one. Returns when the watcher no longer uses the object. */
void fm_pollable_close(fm_object *o);

/* Settles the handle of an object after a call that may have drained it. */
void fm_pollable_settle(fm_object *o);

/* The same, for an object that may have no handle. Returns `code`. */
static inline int fm_settled(fm_object *o, int code)
{
  if (o->watched) fm_pollable_settle(o);
  return code;
}

FM_END_HIDDEN

#endif
