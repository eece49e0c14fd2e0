/* filemap: shared memory as Win32 file mapping has it, on Windows and POSIX alike.
**
** This header is the contract of the C library; it knows no Lua. What holds for every call:
**
** - A call that can fail returns FM_OK (0) or one of the codes below, and fills the fm_error that it
**   is given (NULL is fine). On failure its outputs are untouched and whatever it took is let go.
** - Text is UTF-8 and NUL-terminated: names, paths, messages.
** - Sizes and offsets count bytes, from 0, in 64 bits.
** - Interrupted system calls are taken up again, and handles are not inherited unless asked for.
** - Counting of holders is thread-safe: a map and its views may be closed by different threads. One
**   fm_map or fm_view is used by one thread at a time.
*/
#ifndef FILEMAP_H
#define FILEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* {-- Errors ------------------------------------------------------------------------------------ */

typedef enum fm_code {
  FM_OK,
  FM_NOT_FOUND,
  FM_EXISTS,
  FM_DENIED,
  FM_INVALID,
  FM_TOO_SMALL,
  FM_TOO_LARGE,
  FM_NO_SPACE,
  FM_NO_MEMORY,
  FM_IN_USE,
  FM_TIMEOUT,
  FM_CLOSED,
  FM_FULL,
  FM_TRUNCATED,
  FM_CORRUPT,
  FM_UNSUPPORTED,
  FM_SYSTEM /* what the system reports and none of the words above covers */
} fm_code;

/* What went wrong. `detail` says it in a sentence without full stop, to stand behind the name of the
** thing concerned; `native` is the errno or GetLastError number, 0 where no system call failed. */
typedef struct fm_error {
  fm_code code;
  long native;
  char detail[200];
} fm_error;

/* The word that scripts compare with ("not_found"); "ok" for FM_OK. */
const char *fm_word(fm_code code);

/* {-- Access ------------------------------------------------------------------------------------ */

/* Access is a set of these bits. FM_COPY is a private copy-on-write: what is written stays with the
** view. A view asks for no more than its map gives: writing and executing must be given, reading and
** copying always are. */
enum {
  FM_READ = 1,
  FM_WRITE = 2,
  FM_COPY = 4,
  FM_EXEC = 8,
  FM_RW = FM_READ | FM_WRITE
};

/* "r", "rw", "copy", "rx", "rwx", "copyx" <-> bits. An unknown word gives 0, an unknown set NULL. */
int fm_access_bits(const char *word);
const char *fm_access_word(int access);

/* {-- Maps -------------------------------------------------------------------------------------- */

/* A name is one of
**   Name, Local\Name   this user's; two spellings of the same section
**   Global\Name        one for all users
**   /name              POSIX: a verbatim shm_open name, for other programs' segments; it stays until
**                      fm_unlink. Windows: a name like any other
** with 1 to FM_NAME_MAX bytes of UTF-8 after the prefix and no `\` among them, else FM_INVALID.
**
** The first two kinds live as on Win32: a name appears whole, is there as long as any process holds a
** map or view of it, and is gone when the last one lets go, be it by dying. A forked child holds what its
** parent held. On POSIX what a dead holder left behind is invisible at once; its memory is freed by this
** user's next create or list. */
#define FM_NAME_MAX 200
#define FM_NAME_SIZE (FM_NAME_MAX + 8) /* room for the longest prefix and the NUL */

/* A section of memory, or a file, that can be viewed. */
typedef struct fm_map fm_map;

/* How a map is made or opened. Start from fm_default_options(), so that fields of later versions get their defaults. */
typedef struct fm_options {
  size_t struct_size; /* of this struct: fm_default_options sets it */
  int access;         /* of the map: FM_RW */
  unsigned mode;      /* POSIX permissions of what is made, without the umask: 0600. Windows: no effect */
  uint64_t size;      /* fm_open, fm_file: see there. FM_ANY_SIZE */
  const char *sddl;   /* Windows: the security descriptor of what is made; NULL. POSIX: FM_UNSUPPORTED */
  const char *name;   /* fm_file on Windows: the mapping's name; NULL. POSIX: FM_UNSUPPORTED */
  bool inherit;       /* child processes inherit the handle: false */
  bool commit;        /* the memory is allocated on return: true. false only reserves addresses or file size */
  bool large_pages;   /* false. FM_UNSUPPORTED where there are none. On Linux only unnamed sections have them, from the pool
                         that the administrator has set aside */
} fm_options;

#define FM_ANY_SIZE UINT64_MAX

static inline fm_options fm_default_options(void)
{
  fm_options o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.access = FM_RW;
  o.mode = 0600;
  o.size = FM_ANY_SIZE;
  o.commit = true;
  return o;
}

/* Each of these makes *out, which fm_map_close ends.
**
** fm_create           A new section; `name` NULL: unnamed. FM_EXISTS if the name is taken.
** fm_open             One that is there. If `options->size` is given it is the least that the section
**                     must have (FM_TOO_SMALL), and the map's size; else the map has the section's own,
**                     which Windows rounds up to the page.
** fm_create_or_open   *created says which. One that is there keeps its size: FM_TOO_SMALL if that is
**                     less than `size`, which is the map's in either case.
** fm_file             A map over a regular file. `options->size` with FM_WRITE creates the file or grows
**                     it, never shrinks it; else it is the least the file must have. The map's size is
**                     the file's. An empty file can be opened and resized, not viewed.
** fm_adopt            A map over an inherited handle (fd; on Windows that of a section), which it owns
**                     from then on; on failure the caller still does.
**
** With `commit`, a size that the system cannot have at all is refused before anything is taken
** (FM_NO_SPACE, FM_NO_MEMORY). A size of 0 is FM_INVALID. */
int fm_create(fm_map **out, const char *name, uint64_t size, const fm_options *options, fm_error *e);
int fm_open(fm_map **out, const char *name, const fm_options *options, fm_error *e);
int fm_create_or_open(fm_map **out, bool *created, const char *name, uint64_t size,
                      const fm_options *options, fm_error *e);
int fm_file(fm_map **out, const char *path, const fm_options *options, fm_error *e);
int fm_adopt(fm_map **out, intptr_t handle, uint64_t size, int access, fm_error *e);

uint64_t fm_map_size(const fm_map *m);
int fm_map_access(const fm_map *m);
const char *fm_map_name(const fm_map *m);  /* as it was given; NULL: it has none */
const char *fm_map_path(const fm_map *m);  /* of a file map; NULL for others */
const char *fm_map_label(const fm_map *m); /* what messages call it: path, name, or "unnamed map" */
intptr_t fm_map_handle(const fm_map *m);   /* fd or section HANDLE; the map keeps it. 0 on Windows for
                                              an empty file, of which there is no section */

/* Gives the file of a file map another size. FM_IN_USE while a view is open, on Windows also while another
** process has one of what is to be cut, or holds the mapping's name; FM_UNSUPPORTED for
** a map that is not over a file; FM_DENIED without FM_WRITE. */
int fm_map_resize(fm_map *m, uint64_t size, fm_error *e);

/* Ends the caller's use of `m`. Views of it go on, and hold the section and its name. NULL is fine. */
void fm_map_close(fm_map *m);

/* Removes a verbatim POSIX name ("/..."); who has it open keeps it. FM_INVALID for other names, which
** remove themselves; FM_UNSUPPORTED on Windows. */
int fm_unlink(const char *name, fm_error *e);

typedef struct fm_entry {
  char name[FM_NAME_SIZE]; /* as Local\Name or Global\Name */
  uint64_t size;
} fm_entry;

/* The live names of the first two kinds that this user can see. Fills up to `capacity` entries and sets
** *count to how many there are, which may be more. FM_UNSUPPORTED where the system cannot say. */
int fm_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e);

/* {-- Views ------------------------------------------------------------------------------------- */

typedef struct fm_mapping fm_mapping;

/* A window on a map: `size` bytes from `data` on. `readable` and `writable` say how many of them may be
** touched without asking (all or none), so that one test of a bound also finds a closed view, one that is
** read-only, and one of memory that is only reserved; fm_view_check tells which. Closed, all is zero.
**
** A page may go away under a view: another process cuts the file, or its system has no room left. What is
** read there is 0, what is written there is lost, and `*lost` is set before, for all views of the mapping. */
typedef struct fm_view {
  unsigned char *data;
  size_t size;
  size_t readable;
  size_t writable;
  int access;
  uint64_t offset;     /* of byte 0 in the map */
  fm_mapping *mapping; /* what slices share */
  const volatile int *lost; /* still there when the view is closed, for who was reading then */
} fm_view;

/* Views `length` bytes from any `offset`. FM_DENIED if the map does not give the access, FM_INVALID for
** a length of 0 or a range past the end. */
int fm_view_open(fm_view *out, fm_map *m, uint64_t offset, uint64_t length, int access, fm_error *e);

/* A slice of `v`, which keeps the mapping alive on its own. It asks for no more than `v` gives. A
** copy-on-write slice of a view that is not one is a mapping of its own. */
int fm_view_sub(fm_view *out, const fm_view *v, uint64_t offset, uint64_t length, int access,
                fm_error *e);

/* Writes back a range. Of a file map, the bytes and the file's metadata are on the disk on return;
** elsewhere as far as the system can. `async` only starts it. Nothing to do is success. */
int fm_view_flush(const fm_view *v, uint64_t offset, uint64_t length, bool async, fm_error *e);

/* May `length` bytes from `offset` be read (or written)? FM_CLOSED, FM_DENIED, FM_INVALID for a range past the
** end or memory that is not committed, FM_TRUNCATED. */
int fm_view_check(const fm_view *v, bool writing, uint64_t offset, uint64_t length, fm_error *e);

/* Has a page of it gone away? To be asked after what was read is in private memory. */
static inline bool fm_view_is_lost(const fm_view *v)
{
  return *v->lost != 0;
}

/* Copies `length` bytes, of which both ranges must be checked. They may overlap, also when the views are
** different mappings of the same memory. */
void fm_view_copy(const fm_view *to, uint64_t to_offset, const fm_view *from, uint64_t from_offset, size_t length);

typedef enum fm_hint { FM_NORMAL, FM_SEQUENTIAL, FM_RANDOM, FM_WILLNEED, FM_DONTNEED } fm_hint;

/* Tells the system how a range will be used. It never changes what is read, and never fails for what the
** system does not know. FM_INVALID for a range past the end. */
int fm_view_advise(const fm_view *v, fm_hint hint, uint64_t offset, uint64_t length, fm_error *e);

/* Keeps all of it in memory, until fm_view_unpin or the mapping's end: FM_NO_MEMORY past the limit. By whole
** pages, and not counted: a slice's unpinning is that of its part of the whole. FM_TRUNCATED if it was cut. */
int fm_view_pin(const fm_view *v, fm_error *e);
int fm_view_unpin(const fm_view *v, fm_error *e);

/* Takes the memory of a range of a map that was made without `commit`. Again is fine. FM_DENIED without
** FM_WRITE, FM_NO_SPACE, FM_NO_MEMORY, FM_TRUNCATED. */
int fm_view_commit(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e);

/* The map that it is of, for as long as the view is open: it can be viewed further, though its own holder closed it. */
fm_map *fm_view_map(const fm_view *v);

/* Closed already is fine. */
void fm_view_close(fm_view *v);

/* {-- Sync objects ------------------------------------------------------------------------------ */

/* Time-outs are seconds: 0 tries once, FM_FOREVER waits without end, a negative one is FM_INVALID. */
#define FM_FOREVER 1e300

/* What several processes wait for, by a name of the kinds and lifetime that maps have. On Windows these are the
** system's own objects. One is used by one thread at a time, and closed by the thread that has locked it. */
typedef struct fm_sync fm_sync;

typedef enum fm_sync_kind { FM_MUTEX, FM_SEMAPHORE, FM_EVENT } fm_sync_kind;

#define FM_COUNT_MAX INT32_MAX

/* How a new object is made; an existing one keeps what it has. Start from fm_default_sync_options(). */
typedef struct fm_sync_options {
  size_t struct_size; /* of this struct: fm_default_sync_options sets it */
  unsigned mode;      /* as in fm_options */
  uint32_t initial;   /* semaphore: its count, from 0 to `max`: 0 */
  uint32_t max;       /* semaphore: from 1 to FM_COUNT_MAX: 1 */
  const char *sddl;   /* as in fm_options */
  bool existing;      /* only open: FM_NOT_FOUND; false */
  bool manual;        /* event: it stays set until it is reset, and releases every waiting thread; false: it releases one,
                         and is reset by that */
  bool set;           /* event: it is set from the start; false */
} fm_sync_options;

static inline fm_sync_options fm_default_sync_options(void)
{
  fm_sync_options o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.mode = 0600;
  o.max = 1;
  return o;
}

/* Makes *out, which fm_sync_close ends; *created says whether the object was made. FM_INVALID if the name stands for
** something else, FM_CORRUPT for what makes no sense. */
int fm_sync_open(fm_sync **out, bool *created, fm_sync_kind kind, const char *name, const fm_sync_options *options,
                 fm_error *e);

/* Locks the mutex, takes one from the semaphore's count, or waits until the event is set: FM_TIMEOUT. A thread that
** has the mutex gets it again, and unlocks it as often. *abandoned: who had it died with it; what it protects may be
** half done. A dead one's mutex is free within 100 ms. */
int fm_sync_wait(fm_sync *s, double timeout, bool *abandoned, fm_error *e);

/* Unlocks the mutex (FM_INVALID: this thread does not have it), adds `count` to the semaphore's (FM_FULL past its
** most: nothing is added), or sets the event. */
int fm_sync_post(fm_sync *s, uint32_t count, fm_error *e);

/* FM_INVALID for what is no event. */
int fm_sync_reset(fm_sync *s, fm_error *e);

const char *fm_sync_name(const fm_sync *s);

/* A mutex that it holds is unlocked. NULL is fine. */
void fm_sync_close(fm_sync *s);

/* {-- Channels ---------------------------------------------------------------------------------- */

/* State, pipe and mailslot live in a named section each, whose header an opener checks: FM_CORRUPT for what is none,
** in each call that finds it so. Of the options that make one, `mode` and `sddl` count. What a call returns as *data
** is private memory of the object, and stays until the next call. An object is used by one thread at a time. A forked
** child does not have what its parent has open for writing, receiving or accepting: FM_DENIED. */

/* The newest value, from one writer to any number of readers. */
typedef struct fm_state fm_state;

/* fm_state_create          A new one for values of up to `capacity` bytes, to write: FM_EXISTS.
** fm_state_create_or_open  To write; takes over from a writer that has gone. FM_IN_USE while another lives,
**                          FM_TOO_SMALL if what is there holds less than `capacity`.
** fm_state_open            To read: FM_NOT_FOUND. Without permission to write, fm_state_wait looks each few
**                          milliseconds. */
int fm_state_create(fm_state **out, const char *name, uint64_t capacity, const fm_options *o, fm_error *e);
int fm_state_create_or_open(fm_state **out, bool *created, const char *name, uint64_t capacity, const fm_options *o,
                            fm_error *e);
int fm_state_open(fm_state **out, const char *name, fm_error *e);

/* Never waits. FM_TOO_LARGE, FM_DENIED for a reader. */
int fm_state_publish(fm_state *s, const void *data, size_t length, fm_error *e);

/* The newest value, whole, and its number, counted from 1; *data NULL and number 0 before the first. Tries again while
** the writer is faster: FM_TIMEOUT. */
int fm_state_read(fm_state *s, double timeout, const void **data, size_t *length, uint64_t *version, fm_error *e);

/* Waits for a value newer than `version`: FM_TIMEOUT. */
int fm_state_wait(fm_state *s, uint64_t version, double timeout, const void **data, size_t *length,
                  uint64_t *newer, fm_error *e);

const char *fm_state_name(const fm_state *s);
uint64_t fm_state_capacity(const fm_state *s);
bool fm_state_is_writer(const fm_state *s);
void fm_state_close(fm_state *s);

/* Messages of many writers to one reader. */
typedef struct fm_mailslot fm_mailslot;

typedef struct fm_mailslot_info {
  uint64_t max_message;
  uint64_t next_size; /* of the next message, if there is one */
  uint64_t count;     /* of the messages that wait */
} fm_mailslot_info;

/* fm_mailslot_create  To receive: a new one, or one whose reader has gone, with what was not read yet. 0 for the
**                     capacity is FM_CAPACITY or the longest message, 0 for that the capacity. FM_EXISTS while a
**                     reader lives; FM_TOO_SMALL if one that is taken over has less than asked for.
** fm_mailslot_open    To send: FM_NOT_FOUND. */
int fm_mailslot_create(fm_mailslot **out, const char *name, uint64_t max_message, uint64_t capacity,
                       const fm_options *o, fm_error *e);
int fm_mailslot_open(fm_mailslot **out, const char *name, fm_error *e);

#define FM_CAPACITY 65536 /* the default one of pipes and mailslots */

/* FM_FULL if there is no room and `timeout` is 0, else FM_TIMEOUT; FM_CLOSED while no reader lives; FM_TOO_LARGE;
** FM_IN_USE if another writer that lives holds it back all the time, and 0.1 s at least. */
int fm_mailslot_send(fm_mailslot *m, const void *data, size_t length, double timeout, fm_error *e);

/* The next message: FM_TIMEOUT. */
int fm_mailslot_receive(fm_mailslot *m, double timeout, const void **data, size_t *length, fm_error *e);
int fm_mailslot_get_info(fm_mailslot *m, fm_mailslot_info *out, fm_error *e);

const char *fm_mailslot_name(const fm_mailslot *m);
bool fm_mailslot_is_reader(const fm_mailslot *m);
void fm_mailslot_close(fm_mailslot *m);

/* Connections of two ends, on which messages, or in a stream bytes, go both ways in order. */
typedef struct fm_listener fm_listener;
typedef struct fm_conn fm_conn;

/* Listens by a name: FM_EXISTS if another does, or connections of another capacity go on under it. `capacity` is that
** of each way and each connection; 0: FM_CAPACITY. */
int fm_pipe_listen(fm_listener **out, const char *name, uint64_t capacity, bool stream, const fm_options *o,
                   fm_error *e);

/* The connection of the client that came first: FM_TIMEOUT. It may have closed already; what it sent is there. */
int fm_pipe_accept(fm_listener *l, double timeout, fm_conn **out, fm_error *e);

/* Connects, without waiting for the listener to accept: FM_NOT_FOUND if none came within the time-out, FM_FULL if it
** has as many connections as it can. */
int fm_pipe_connect(fm_conn **out, const char *name, double timeout, fm_error *e);

/* FM_CLOSED when the other end closed or died (known within 100 ms); what it sent is received first. FM_TIMEOUT;
** FM_TOO_LARGE for more than the capacity. FM_INVALID for a stream. */
int fm_conn_send(fm_conn *c, const void *data, size_t length, double timeout, fm_error *e);
int fm_conn_receive(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e);

/* The same for a stream. Writing goes on until all bytes are on their way; *length says how many were, also when it
** fails. Reading gives as many as there are, up to *length, one at least. */
int fm_conn_write(fm_conn *c, const void *data, size_t *length, double timeout, fm_error *e);
int fm_conn_read(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e);

const char *fm_listener_name(const fm_listener *l);
void fm_listener_close(fm_listener *l); /* connections go on */
const char *fm_conn_name(const fm_conn *c);
bool fm_conn_is_stream(const fm_conn *c);
void fm_conn_close(fm_conn *c);

/* {-- This system ------------------------------------------------------------------------------- */

extern const char fm_platform[];  /* "posix", "win32", "stub" */
size_t fm_page_size(void);        /* of protection and commitment */
size_t fm_granularity(void);      /* of the addresses and file offsets of mappings */

/* Seconds of a clock that only goes on, from some moment in the past. */
double fm_now(void);

/* How many maps, mappings of memory and sync objects this process holds; for tests that look for leaks. */
size_t fm_live(void);

#ifdef __cplusplus
}
#endif

#endif
