/* The seam: what the rooms above need of a system, and nothing else of it. Each system has a folder with the same file
** names, whose functions are those declared here; none.c shows the least that a port must give.
**
** A body is compiled when its FM_SYSTEM_... is 1: every build lists every source. Only files below src/system/ ask which
** system it is. */
#ifndef FILEMAP_SYSTEM_H
#define FILEMAP_SYSTEM_H

#include <stdatomic.h>

#include "../base/error.h"
#include "../base/name.h"

#if defined(FM_SIMULATED) /* the simulated system of the specs */
#define FM_SYSTEM_SIMULATED 1
#elif defined(FM_STUB) /* on request, to keep the seam honest */
#define FM_SYSTEM_NONE 1
#elif defined(_WIN32)
#define FM_SYSTEM_WINDOWS 1
#elif defined(__linux__) /* named sections need O_TMPFILE, and flock on /dev/shm */
#define FM_SYSTEM_LINUX 1
#else
#define FM_SYSTEM_NONE 1
#endif

/* fm_section: what a system keeps of a section or a mapped file. fm_event: what a process waits for besides a word.
** fm_seat: a number that one process at a time holds. fm_open_file: a file that is open by itself. */
#if FM_SYSTEM_LINUX
#include "linux/types.h"
#elif FM_SYSTEM_WINDOWS
#include "windows/types.h"
#elif FM_SYSTEM_SIMULATED
#include <simulated_types.h>
#else
#include "none_types.h"
#endif

/* {-- Errors (error.c) --------------------------------------------------------------------------- */

/* The family of the numbers in fm_error.native. */
extern const fm_family fm_sys_family;

/* Fails by an errno or a GetLastError number. */
int fm_fail_native(fm_error *e, long native);

/* {-- Sections (section.c) ----------------------------------------------------------------------- */

/* What makes or opens a section is asked for. */
typedef struct fm_request {
  int access;
  uint64_t size;           /* the size to make, or the least to find; 0: any */
  unsigned mode;           /* POSIX permissions of what is made */
  const char *sddl;        /* Windows security descriptor of what is made, or NULL */
  const char *mapping;     /* Windows: the name of a mapping over a file, or NULL */
  bool inherit;            /* child processes inherit the handle */
  bool commit;             /* allocate the memory, in place of only reserving it */
  bool large_pages;
  const void *initial;     /* the first bytes of a new section, or NULL: zeros. A process that opens it finds them; on
                              Windows maybe a moment later, the first eight bytes last */
  size_t initial_size;     /* no more than the size */
  const fm_open_file *file; /* map this file, in place of opening a path */
  uint32_t protect;        /* PAGE_... and SEC_... in place of what the other fields mean; 0: they count */
} fm_request;

/* Each fills `s`, or fails and leaves nothing behind. *size is the section's size as the system has it.
**
** create  FM_EXISTS if the name is taken.
** open    FM_NOT_FOUND; FM_TOO_SMALL if the section has less than r->size.
** file    A path's file, or r->file. Creates the file, or grows it to r->size, with FM_WRITE.
** adopt   An inherited handle, which belongs to `s` from then on. */
int fm_sys_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e);
int fm_sys_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e);
int fm_sys_file(fm_section *s, uint64_t *size, const char *path, const fm_request *r, fm_error *e);
int fm_sys_adopt(fm_section *s, intptr_t handle, uint64_t size, int access, fm_error *e);

/* Closes the handles. Ends this process's hold of the name, and removes the name with its last holder. No mapping is
** left. */
void fm_sys_close(fm_section *s);

/* The descriptor, or on Windows the section's HANDLE: 0 for an empty file, of which there is no section. */
intptr_t fm_sys_handle(const fm_section *s);

/* Gives a file that was opened by its path another size. `access` is the map's. */
int fm_sys_resize(fm_section *s, uint64_t size, int access, fm_error *e);

int fm_sys_unlink(const fm_name *name, fm_error *e);
int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e);

/* Which section it is: two that were opened by one name have the same identity. */
int fm_sys_identify(fm_identity *out, const fm_section *s, fm_error *e);
bool fm_sys_is_same(const fm_identity *a, const fm_identity *b);

/* Can another map of this process, or another process, have the same memory? */
bool fm_sys_is_shared(const fm_section *s);

/* {-- Mapped memory (section.c) ------------------------------------------------------------------ */

/* Memory that is mapped from a section. `lost` is set when a page of it is lost, in the middle of an access. */
typedef struct fm_mapped {
  void *base;
  size_t length;
  size_t unit; /* mappings begin and end at multiples of it */
  volatile int lost;
} fm_mapped;

/* To what a mapping's offset must be a multiple of. */
size_t fm_sys_unit(const fm_section *s);

/* Must each access ask whether its pages are committed (fm_sys_is_committed)? */
bool fm_sys_is_reserved(const fm_section *s);

/* Maps m->length bytes: fills m->base. `offset` is a multiple of m->unit. */
int fm_sys_map(fm_mapped *m, fm_section *s, uint64_t offset, int access, fm_error *e);
void fm_sys_unmap(fm_mapped *m);

/* Of memory in a view; no length is 0. `offset` is that of `address` in the section, `access` the view's. */
int fm_sys_flush(fm_section *s, void *address, size_t length, bool async, fm_error *e);
void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private);
int fm_sys_pin(fm_section *s, uint64_t offset, void *address, size_t length, fm_error *e);
int fm_sys_unpin(void *address, size_t length, fm_error *e);
int fm_sys_commit(fm_section *s, uint64_t offset, void *address, size_t length, int access, fm_error *e);
bool fm_sys_is_committed(const void *address, size_t length);

/* {-- Lost pages (lost_pages.c) ------------------------------------------------------------------ */

/* Finds the mapping that an address lies in, or NULL. It is called by a handler that may interrupt anything. */
typedef fm_mapped *(*fm_find_mapped)(const void *address);

/* Installs, once a process, a handler by which a missing page of a mapping reads 0 and sets `lost`, in place of ending
** the process. */
int fm_sys_handle_lost_pages(fm_find_mapped find, fm_error *e);

/* {-- Waiting (wait.c) --------------------------------------------------------------------------- */

typedef _Atomic(uint32_t) fm_word32;

/* Opens what a process sleeps on until `word` of the section's memory changes; `index` tells the words apart. */
int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e);
void fm_sys_event_close(fm_event *event);

void fm_sys_prepare_sleep(fm_event *event);  /* before the word is read */
void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds); /* while the word is `seen` */
void fm_sys_wake(fm_event *event, fm_word32 *word); /* every process that sleeps; after the word was changed */

/* Lets the calling thread pass a full fence, and if fm_sys_fences_all also all others of all processes that opened an
** event. It is set before the first event is opened. */
void fm_sys_fence_all(void);
extern bool fm_sys_fences_all;

void fm_sys_pause(double seconds);
void fm_sys_relax(void);        /* in a loop that spins */
bool fm_sys_is_parallel(void);  /* is there more than one processor? */
uint64_t fm_sys_ticks(void);    /* milliseconds of a coarse clock that costs nearly nothing */

/* {-- Processes (seat.c, process.c) -------------------------------------------------------------- */

/* A seat is a number of a section that one process at a time holds, as long as it lives; it shows others that the
** process lives. The section must be named and writable. A forked child does not have its parent's seats: there their
** number is 0.
**
** FM_IN_USE if another process has the seat. The fm_seat must stay where it is in memory until it is released. */
int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e);
void fm_seat_release(fm_seat *seat);
bool fm_seat_is_taken(const fm_section *s, uint32_t number);

/* Between these no thread of the process forks, and one alone changes what the process keeps lists of. */
void fm_sys_lock_process(void);
void fm_sys_unlock_process(void);

/* {-- The system's own sync objects (sync.c) ----------------------------------------------------- */

/* How a kind of sync object works: the system's own one (Windows), or one in shared memory (sync/). */
typedef struct fm_sync_class {
  size_t size; /* of what begins with fm_sync_base */
  int (*open)(struct fm_sync *s, bool *created, const fm_name *name, const fm_sync_options *o, fm_error *e);
  int (*wait)(struct fm_sync *s, double timeout, bool *abandoned, fm_error *e);
  int (*post)(struct fm_sync *s, uint32_t count, fm_error *e);
  int (*reset)(struct fm_sync *s, fm_error *e);
  void (*close)(struct fm_sync *s);
} fm_sync_class;

struct fm_sync {
  const fm_sync_class *class;
  fm_sync_kind kind;
  char name[FM_NAME_SIZE];
};

/* NULL where the system has none. */
extern const fm_sync_class *const fm_sys_sync_class;

/* {-- Open files (open_file.c), for filemap.win32 ------------------------------------------------ */

/* What CreateFile is called with, in Win32's own bits. */
typedef struct fm_file_request {
  uint32_t access;      /* GENERIC_..., or none: then nothing can be mapped */
  uint32_t share;       /* FILE_SHARE_... */
  uint32_t disposition; /* CREATE_NEW ... TRUNCATE_EXISTING */
  uint32_t flags;       /* FILE_ATTRIBUTE_..., FILE_FLAG_... */
} fm_file_request;

enum { FM_CREATE_NEW = 1, FM_CREATE_ALWAYS, FM_OPEN_EXISTING, FM_OPEN_ALWAYS, FM_TRUNCATE_EXISTING };

/* Opens or creates the file at `path`. `access` is what its maps may be asked for. Of `options` mode, sddl and inherit
** count. */
int fm_sys_file_open(fm_open_file *f, bool *existed, const char *path, int access, const fm_file_request *r,
                     const fm_request *options, fm_error *e);
void fm_sys_file_close(fm_open_file *f);

/* {-- Searching (memory_search.c) ---------------------------------------------------------------- */

/* Where the `n` bytes of `needle` are first among the `length` of `bytes`, or NULL. An empty needle is found at once. The
** bytes may change meanwhile. */
const unsigned char *fm_sys_find(const unsigned char *bytes, size_t length, const void *needle, size_t n);

#endif
