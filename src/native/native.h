/* What the common half of the native layer (map.c, name.c, error.c) and its bodies (*_posix.c,
** *_win32.c, *_stub.c) know of each other. Nothing outside src/native/ includes this.
**
** A body is compiled when its FM_SYSTEM_... is 1; every source is listed by every build. To port
** filemap, write the fm_sys_... functions below for the new system; the stub shows the least. */
#ifndef FILEMAP_NATIVE_H
#define FILEMAP_NATIVE_H

#include <stdatomic.h>

#include "fail.h"

#if defined(FM_STUB) /* asked for, to keep the seam honest */
#define FM_SYSTEM_STUB 1
#elif defined(_WIN32)
#define FM_SYSTEM_WIN32 1
#elif defined(__linux__) /* named segments need O_TMPFILE, and flock on /dev/shm */
#define FM_SYSTEM_POSIX 1
#else
#define FM_SYSTEM_STUB 1
#endif

/* {-- Errors ------------------------------------------------------------------------------------ */

/* The same for a system's number: code and sentence come from the table and from the system. */
int fm_fail_native(fm_error *e, long native);

/* {-- Names ------------------------------------------------------------------------------------- */

typedef enum fm_kind { FM_UNNAMED, FM_LOCAL, FM_GLOBAL, FM_VERBATIM } fm_kind;

typedef struct fm_name {
  fm_kind kind;
  const char *rest; /* behind the prefix; NULL if unnamed */
  const char *full; /* as given; NULL if unnamed */
} fm_name;

/* Takes a name apart, without copying it. `full` NULL gives FM_UNNAMED. */
int fm_name_parse(fm_name *out, const char *full, fm_error *e);

/* {-- Maps -------------------------------------------------------------------------------------- */

struct fm_map {
  atomic_size_t refs;  /* the map itself and each mapping of it */
  atomic_size_t views; /* mappings alone */
  int access;
  uint64_t size;
  intptr_t handle;     /* fd or section HANDLE */
  intptr_t file;       /* Windows: HANDLE of the file behind it, 0 if none */
  bool reserved;       /* Windows: pages may not be there, and each access asks */
  size_t page;         /* POSIX: of huge pages, of which mappings begin and end at whole ones; else 0 */
  bool adopted;        /* POSIX: may hold a name that it does not know */
  bool lent;           /* its file was open already, and is not resized */
  bool sync;           /* POSIX: what the name stands for is a sync object */
  char name[FM_NAME_SIZE];
  char *path;          /* of a file map, allocated */
};

struct fm_mapping {
  atomic_size_t refs;
  volatile int lost; /* a page of it has gone away; set in the middle of an access */
  bool is_private;   /* copy-on-write, whatever a slice may do with it */
  void *base;
  size_t length;
  fm_map *map;
  struct place *place; /* guard.c's */
};

/* A map of a sync object, where those live in memory (sync_posix.c): a name stands either for one or for a
** section, and for what it does not stand it is FM_INVALID. */
int fm_create_or_open_sync(fm_map **out, bool *created, const char *name, uint64_t size, const fm_options *o,
                           fm_error *e);
int fm_open_sync(fm_map **out, const char *name, uint64_t size, const fm_options *o, fm_error *e);

/* What a body gives. Each fills `handle`, `file` and `size` of a map of which everything else is set,
** or fails and has taken nothing. Sizes are not 0 where they come from the caller. */
int fm_sys_create(fm_map *m, const fm_name *name, uint64_t size, const fm_options *o, fm_error *e);
int fm_sys_open(fm_map *m, const fm_name *name, const fm_options *o, fm_error *e);
int fm_sys_file(fm_map *m, const fm_options *o, fm_error *e);
int fm_sys_adopt(fm_map *m, intptr_t handle, uint64_t size, fm_error *e);
int fm_sys_resize(fm_map *m, uint64_t size, fm_error *e);
int fm_sys_unlink(const fm_name *name, fm_error *e);
int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e);

/* Files that are open (handle.c): fills `handle` of one of which everything else is set. */
struct fm_file_handle {
  intptr_t handle; /* fd or HANDLE */
  int access;
  char path[];
};

struct fm_file_request;
int fm_sys_file_open(fm_file_handle *f, bool *existed, const struct fm_file_request *r, const fm_options *o,
                     fm_error *e);
void fm_sys_file_close(fm_file_handle *f);

/* The last reference has gone: close the handles, and let go of the name. */
void fm_sys_release(fm_map *m);

/* `offset` is a multiple of the granularity, and `length` at least 1 and within the map. */
int fm_sys_map(void **base, fm_map *m, uint64_t offset, size_t length, int access, fm_error *e);
void fm_sys_unmap(fm_mapping *m);
int fm_sys_flush(fm_map *m, void *address, size_t length, bool async, fm_error *e);

/* Of memory in a view; no length is 0. `offset` is that of `address` in the map. */
void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private);
int fm_sys_pin(fm_map *m, uint64_t offset, void *address, size_t length, fm_error *e);
int fm_sys_unpin(void *address, size_t length, fm_error *e);
int fm_sys_commit(fm_map *m, uint64_t offset, void *address, size_t length, int access, fm_error *e);
bool fm_sys_is_committed(const void *address, size_t length);

/* {-- Pages that go away (guard.c) -------------------------------------------------------------- */

/* From here on a missing page of the mapping reads 0 and sets `lost`, in place of ending the process. */
int fm_guard(fm_mapping *m, fm_error *e);
void fm_unguard(fm_mapping *m);

/* The mapping that an address is in, or NULL. For a body's handler: it may interrupt anything. */
fm_mapping *fm_guarded(const void *address);

/* Installs that handler, once a process. */
int fm_sys_install_guard(fm_error *e);

/* {-- Sync objects (sync.c) --------------------------------------------------------------------- */

/* What a body makes of them begins with this. */
struct fm_sync {
  fm_sync_kind kind;
  uint32_t held;      /* mutex: how often `thread` has it, by this object */
  const void *thread;
  char name[FM_NAME_SIZE];
};

fm_sync *fm_sys_sync_new(void); /* zeroed, NULL if there is no memory for it */
int fm_sys_sync_open(fm_sync *s, bool *created, const fm_sync_options *o, fm_error *e);
int fm_sys_sync_wait(fm_sync *s, double timeout, bool *abandoned, fm_error *e);
int fm_sys_sync_post(fm_sync *s, uint32_t count, fm_error *e);
int fm_sys_sync_reset(fm_sync *s, fm_error *e);
void fm_sys_sync_close(fm_sync *s);

/* What no two threads of this process have the same. */
const void *fm_this_thread(void);

/* For fm_live. */
void fm_count(int more);

/* {-- Waiting (signal.h has the rest) ------------------------------------------------------------ */

struct fm_signal;

void fm_sys_fence_all(void);                    /* all threads of all processes go through a fence */
void fm_sys_prepare_sleep(struct fm_signal *s); /* before the word is looked at */
void fm_sys_sleep(struct fm_signal *s, uint32_t seen, double seconds); /* while the word is `seen` */
void fm_sys_wake(struct fm_signal *s);          /* all; after the word was changed */
void fm_sys_pause(double seconds);
void fm_sys_relax(void);                        /* in a loop that looks again and again */
bool fm_sys_is_parallel(void);                  /* is there more than one processor? */

/* {-- Messages ---------------------------------------------------------------------------------- */

/* The system's own sentence for one of its numbers, into `out`; empty if it has none. */
void fm_sys_message(long native, char *out, size_t size);

#endif
