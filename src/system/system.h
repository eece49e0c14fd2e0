/* The seam: the functions that the rooms above need from a system. Each system has a folder with the same
** file names, whose functions are declared here; none.c shows the least that a port must have.
**
** Every build compiles every source. A source of a system is empty unless that system's FM_SYSTEM_... is
** 1. Only files below src/system/ test for the system. */
#ifndef FILEMAP_SYSTEM_H
#define FILEMAP_SYSTEM_H

#include <stdatomic.h>

#include "../base/error.h"
#include "../base/name.h"

/* Words of 64 bits are shared with other processes, which a lock inside this process could not keep out. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "atomics must be lock-free");

#if defined(FM_SIMULATED) /* the simulated system of the specs */
#define FM_SYSTEM_SIMULATED 1
#elif defined(FM_STUB) /* a build without a system: it shows that the rooms above use only the seam */
#define FM_SYSTEM_NONE 1
#elif defined(_WIN32)
#define FM_SYSTEM_WINDOWS 1
#elif defined(__linux__) /* named sections need O_TMPFILE, and flock on /dev/shm */
#define FM_SYSTEM_LINUX 1
#else
#define FM_SYSTEM_NONE 1
#endif

/* Each system defines these types:
** fm_section    a section or a mapped file
** fm_identity   the identity of a section's memory
** fm_event      the object that a process sleeps on in addition to a word
** fm_seat       a number that one process at a time holds
** fm_thread     a thread of the library
** fm_open_file  a file that was opened without a map */
#if FM_SYSTEM_LINUX
#include "linux/types.h"
#elif FM_SYSTEM_WINDOWS
#include "windows/types.h"
#elif FM_SYSTEM_SIMULATED
#include <simulated_types.h>
#else
#include "none_types.h"
#endif

FM_BEGIN_HIDDEN

/* {-- Errors (error.c) --------------------------------------------------------------------------- */

/* The family of the numbers in fm_error.native. */
extern const fm_family fm_sys_family;

/* Fails with the code that covers an errno or a GetLastError number. */
int fm_fail_native(fm_error *e, long native);

/* {-- Sections (section.c, file.c, name_list.c) -------------------------------------------------- */

/* What a section is for. A name that stands for a section of one purpose is FM_INVALID for the other. */
typedef enum fm_purpose {
  FM_FOR_MEMORY, /* the memory of a program, or of a channel */
  FM_FOR_SYNC    /* a sync object */
} fm_purpose;

/* How long a process that creates a section may take until the first eight bytes are there, in seconds. Where
** a name appears only with them this is 0. */
#if FM_SYSTEM_WINDOWS
#define FM_FILL_SECONDS 1.0
#else
#define FM_FILL_SECONDS 0.0
#endif

/* The arguments of the calls that make or open a section. */
typedef struct fm_request {
  fm_options options;      /* all set. The size is that of a new section, or the least that an existing one
                              must have; 0: any. A system fails with FM_UNSUPPORTED for what it lacks */
  fm_purpose purpose;
  const void *initial;     /* the first bytes of a new section, or NULL for zeros. A process that opens it
                              finds them; on Windows perhaps a moment later, and the first eight bytes last */
  size_t initial_size;     /* at most the size */
  /* If not NULL, create calls it with a new named section before another process can open it; on Windows
  ** before another process can find the first eight bytes. If it fails, create fails with its code. */
  int (*prepare)(void *context, const fm_section *s, fm_error *e);
  void *context;
  const struct fm_win32_request *win32; /* for filemap.win32, else NULL */
} fm_request;

/* Each fills `s`, or fails and leaves nothing behind. *size is the section's size as the system reports it.
**
** create  Makes a section. FM_EXISTS if the name is taken.
** open    Opens a section. FM_NOT_FOUND; FM_TOO_SMALL if it has fewer bytes than the size.
** file    Opens the file at a path, or that of r->win32. With FM_WRITE it creates the file, or grows it to
**         the size.
** adopt   Uses an inherited handle, which belongs to `s` from then on. */
int fm_sys_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e);
int fm_sys_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e);
int fm_sys_file(fm_section *s, uint64_t *size, const char *path, const fm_request *r, fm_error *e);
int fm_sys_adopt(fm_section *s, intptr_t handle, uint64_t size, int access, fm_error *e);

/* Closes the handles after the last mapping is gone. This process stops being a holder of the name; the
** name is removed with its last holder. */
void fm_sys_close(fm_section *s);

/* The descriptor, or on Windows the HANDLE of the section, 0 for an empty file. The caller may give it to
** other processes. */
intptr_t fm_sys_handle(fm_section *s);

/* Changes the size of a file that was opened by its path. `access` is the map's. */
int fm_sys_resize(fm_section *s, uint64_t size, int access, fm_error *e);

/* Reads the size of a file that was opened by its path. If the file is larger than the section of `before`
** bytes, the section grows with it. */
int fm_sys_refresh(fm_section *s, uint64_t before, uint64_t *size, int access, fm_error *e);

int fm_sys_unlink(const fm_name *name, fm_error *e);
int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e);

/* Identifies the memory of a section: two that were opened by one name have the same identity. */
int fm_sys_identify(fm_identity *out, const fm_section *s, fm_error *e);
bool fm_sys_is_same(const fm_identity *a, const fm_identity *b);

/* Can another map of this process, or another process, have the same memory? */
bool fm_sys_is_shared(const fm_section *s);

/* {-- Mapped memory (section.c, pin.c) ----------------------------------------------------------- */

/* Memory that is mapped from a section. `lost` is set in the middle of the access that hits a lost page. */
typedef struct fm_mapped {
  void *base;
  size_t length;
  size_t unit; /* mappings begin and end at multiples of it */
  volatile int lost;
} fm_mapped;

/* A mapping's offset must be a multiple of this. */
size_t fm_sys_unit(const fm_section *s);

/* Must each access check that its pages are committed (fm_sys_is_committed)? */
bool fm_sys_is_reserved(const fm_section *s);

/* Maps m->length bytes: fills m->base. `offset` is a multiple of m->unit. */
int fm_sys_map(fm_mapped *m, fm_section *s, uint64_t offset, int access, fm_error *e);
void fm_sys_unmap(fm_mapped *m);

/* Calls on a range of a view, of at least 1 byte. `offset` is that of `address` in the section, `access`
** the view's. */
int fm_sys_flush(fm_section *s, void *address, size_t length, bool async, fm_error *e);
void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private);
int fm_sys_pin(fm_section *s, uint64_t offset, void *address, size_t length, fm_error *e);
int fm_sys_unpin(void *address, size_t length, fm_error *e);
int fm_sys_commit(fm_section *s, uint64_t offset, void *address, size_t length, int access, fm_error *e);
bool fm_sys_is_committed(const void *address, size_t length);

/* {-- Lost pages (lost_pages.c) ------------------------------------------------------------------ */

/* Returns the mapping that contains an address, or NULL. A handler calls it that may interrupt any code. */
typedef fm_mapped *(*fm_find_mapped)(const void *address);

/* Installs a handler, once in a process. With it a lost page of a mapping reads 0 and sets `lost`, instead
** of ending the process. */
int fm_sys_handle_lost_pages(fm_find_mapped find, fm_error *e);

/* {-- Waiting (wait.c, wait_any.c, process.c) ----------------------------------------------------- */

typedef _Atomic(uint32_t) fm_word32;
typedef _Atomic(uint64_t) fm_word64;

/* Opens the event that a process sleeps on while a word of the section does not change. `index` is the
** word's number. An fm_event whose bytes are all 0 stands for none: on Windows a process that sleeps on it is
** not woken before its time. */
int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e);
void fm_sys_event_close(fm_event *event);

void fm_sys_prepare_sleep(fm_event *event);  /* before the word is read */
/* Sleeps while the word is `seen`, at most so long. */
void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds);

/* Wakes every process that sleeps, after the word was changed. */
void fm_sys_wake(fm_event *event, fm_word32 *word);

/* A full fence for the calling thread. If fm_sys_fences_all is true it is one for every thread of every
** process that has opened an event. The variable is set before the first event is opened. */
void fm_sys_fence_all(void);
extern bool fm_sys_fences_all;

/* One of several things that a process sleeps for. */
typedef struct fm_sleep_on {
  fm_event *event;  /* that of the word, prepared by fm_sys_prepare_sleep; NULL for none */
  fm_word32 *word;
  uint32_t seen;
  intptr_t handle;  /* of an object of the system (Windows), or 0. The end of the sleep can acquire it */
} fm_sleep_on;

/* Sleeps until a process wakes by one of the words, or changes it, or so many seconds have passed; possibly
** less. Returns the number of the object of the system that it acquired, with *abandoned; -1 for none. */
int fm_sys_sleep_any(const fm_sleep_on *things, size_t count, double seconds, bool *abandoned);

/* With more things than this the sleep is short, whatever `seconds` is. */
extern const size_t fm_sys_sleep_most;

void fm_sys_pause(double seconds);
void fm_sys_relax(void);          /* for a loop that spins */
void fm_sys_binary_streams(void); /* ends the text mode of standard input and output */
unsigned long fm_sys_process_id(void);
bool fm_sys_is_parallel(void);    /* is there more than one processor? */
uint64_t fm_sys_ticks(void);      /* milliseconds of a coarse clock that costs nearly nothing */

/* {-- Event loops (pollable.c) ------------------------------------------------------------------- */

/* Opens a handle for event loops: a descriptor that poll(2) reports readable while it is set, or the
** HANDLE of an event. At first it is not set. */
int fm_sys_pollable_open(intptr_t *out, fm_error *e);
void fm_sys_pollable_close(intptr_t handle);
void fm_sys_pollable_set(intptr_t handle);   /* if it is not set */
void fm_sys_pollable_clear(intptr_t handle); /* if it is set */

/* Opens an event for a word that only this process uses. */
int fm_sys_event_private(fm_event *out, fm_error *e);

/* Starts a thread that runs `run` with the context, and in which no signal handler of the program runs. A
** forked child does not have the thread: `in_child` is called in it, once for all threads. *out must not move
** until the thread is joined. The caller holds the process lock. */
int fm_sys_thread_start(fm_thread *out, void (*run)(void *context), void *context, void (*in_child)(void),
                        fm_error *e);

/* Waits for the thread's end. */
void fm_sys_thread_join(fm_thread *t);

/* {-- Processes (seat.c, process.c) -------------------------------------------------------------- */

/* A seat is a number of a section that one process at a time holds until it releases it or dies. It shows
** other processes that the holder lives. The section must be named and writable. A forked child does not hold
** its parent's seats: in the child their number is 0.
**
** FM_IN_USE if another process has the seat. The fm_seat must not move in memory until it is released. */
int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e);
void fm_seat_release(fm_seat *seat);
bool fm_seat_is_taken(const fm_section *s, uint32_t number);

/* A lock that protects the lists of the process. No thread of the process forks while it is locked. */
void fm_sys_lock_process(void);
void fm_sys_unlock_process(void);

/* {-- Sync objects of the system (sync.c) -------------------------------------------------------- */

/* Something that a process waits for together with others (object/wait_any.h). */
typedef struct fm_source {
  void *object;
  struct fm_wait_point *point; /* by which other processes wake; NULL for none */
  intptr_t handle;             /* of an object of the system, or 0 */
  /* Acquires a sync object, or checks whether a channel end is ready: FM_OK. FM_TIMEOUT for not yet. It is
  ** called `thoroughly` as fm_look is. */
  int (*look)(struct fm_source *s, bool thoroughly, fm_error *e);
  void (*prepare)(struct fm_source *s);  /* called once before the process waits. May be NULL */
  void (*acquired)(struct fm_source *s); /* after a sleep acquired the object of the system */
  uint32_t began; /* an event's generation */
  bool abandoned; /* the last holder of the mutex died */
} fm_source;

/* The operations of sync objects: those of the system (Windows), or those in shared memory (sync/). */
typedef struct fm_sync_class {
  size_t size; /* of an object, which begins with struct fm_sync */
  int (*open)(struct fm_sync *s, bool *created, const fm_name *name, const fm_sync_options *o, fm_error *e);
  int (*wait)(struct fm_sync *s, double timeout, bool *abandoned, fm_error *e);
  int (*post)(struct fm_sync *s, uint32_t count, fm_error *e);
  int (*reset)(struct fm_sync *s, fm_error *e);
  int (*source)(struct fm_sync *s, fm_source *out, fm_error *e); /* fills `out`, which is all 0 */
  int (*pollable)(struct fm_sync *s, intptr_t *out, fm_error *e); /* its handle for event loops. NULL: none */
  void (*close)(struct fm_sync *s);
} fm_sync_class;

struct fm_sync {
  const fm_sync_class *class;
  fm_sync_kind kind;
  char name[FM_NAME_SIZE];
};

/* The system's own class for objects of this kind and name, or NULL if they are to be in shared memory. */
const fm_sync_class *fm_sys_sync_class(fm_sync_kind kind, const fm_name *name);

/* Removes the name of an object that would stay without a holder: a semaphore of sem_open(3). */
int fm_sys_sync_unlink(const fm_name *name, fm_error *e);

/* {-- filemap.win32 (open_file.c) ---------------------------------------------------------------- */

/* The additional arguments of CreateFileMapping. */
typedef struct fm_win32_request {
  const fm_open_file *file; /* the file to map, instead of opening a path; or NULL */
  uint32_t protect;         /* PAGE_... and SEC_... bits that replace the options access, commit and
                               large_pages; or 0 */
} fm_win32_request;

/* The arguments of CreateFile, in Win32's bits. */
typedef struct fm_file_request {
  uint32_t access;      /* GENERIC_... bits; without any of them the file cannot be mapped */
  uint32_t share;       /* FILE_SHARE_... */
  uint32_t disposition; /* CREATE_NEW ... TRUNCATE_EXISTING */
  uint32_t flags;       /* FILE_ATTRIBUTE_..., FILE_FLAG_... */
} fm_file_request;

enum { FM_CREATE_NEW = 1, FM_CREATE_ALWAYS, FM_OPEN_EXISTING, FM_OPEN_ALWAYS, FM_TRUNCATE_EXISTING };

/* Opens or creates the file at `path`. `access` is the access that its maps can have. It uses the fields
** mode, sddl and inherit of `options`. */
int fm_sys_file_open(fm_open_file *f, bool *existed, const char *path, int access, const fm_file_request *r,
                     const fm_options *options, fm_error *e);
void fm_sys_file_close(fm_open_file *f);

/* {-- Searching (memory_search.c) ---------------------------------------------------------------- */

/* Returns the first place of the `n` bytes of `needle` in the `length` bytes from `bytes`, or NULL. An
** empty needle is at the start. Other processes may change the bytes meanwhile. */
const unsigned char *fm_sys_find(const unsigned char *bytes, size_t length, const void *needle, size_t n);

FM_END_HIDDEN

#endif
