/* filemap: shared memory, locks and messages between processes, on Windows and Linux.
**
** This header is the contract of the C library. The library does not depend on Lua. It has the model of Win32
** file mapping, on both systems:
**
**   fm_map       a section of memory, or a file, that a process has open, by name or unnamed
**   fm_view      a range of a map in the address space: plain memory to read and write
**   fm_sync      a mutex, a semaphore or an event that several processes use by name
**   fm_state     the newest value: one writer, any number of readers
**   fm_mailslot  messages of many writers to one reader
**   fm_listener, fm_conn  connections of two ends, with messages or bytes both ways
**
** A program that makes a section and writes a number to it, without the checks of the codes:
**
**   fm_map *map;
**   fm_view view;
**   fm_error e;
**   fm_create(&map, "Local\\Counter", 4096, NULL, &e);
**   fm_view_open(&view, map, 0, fm_map_size(map), FM_RW, &e);
**   *(uint32_t *)view.data = 1;
**   fm_view_close(&view);
**   fm_map_close(map);
**
** Rules for every call:
**
** - Results. A call that can fail returns an fm_code, FM_OK (0) if it succeeds. If it fails, it fills the
**   fm_error that it is given, leaves its other outputs unchanged, and keeps nothing open. A NULL fm_error is
**   allowed. The comment of each call lists its codes. Every call that can fail can also return
**   FM_NO_MEMORY and FM_SYSTEM.
** - Text is UTF-8 and ends with a NUL: names, paths, messages.
** - Sizes and offsets count bytes, from 0, in 64 bits.
** - Time-outs are seconds: 0 tries once and never waits, FM_FOREVER waits without end. A negative time-out
**   and a NaN are FM_INVALID. Clocks are monotonic.
** - Signals. If a signal interrupts a call, the call continues.
** - Handles are not inherited by child processes, unless an option asks for it.
** - Threads. Different objects can be used by different threads at the same time. One object is used by one
**   thread at a time. A map and its views are different objects.
** - Pointers must not be NULL unless the comment of the call allows it, or they point to 0 bytes of data.
**
** doc/c.md is the guide: how to build with the library, how its versions and its ABI change. */
#ifndef FILEMAP_H
#define FILEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* {-- Version ------------------------------------------------------------------------------------ */

/* The version of this header. Versions follow semantic versioning (https://semver.org). FILEMAP_VERSION is a
** number that grows with them: 1.2.3 is 10203. FILEMAP_VERSION_STRING is "1.2.3". */
#define FILEMAP_VERSION_MAJOR 0
#define FILEMAP_VERSION_MINOR 1
#define FILEMAP_VERSION_PATCH 0
#define FILEMAP_VERSION (FILEMAP_VERSION_MAJOR * 10000 + FILEMAP_VERSION_MINOR * 100 + FILEMAP_VERSION_PATCH)

#define FILEMAP_STRING_2(x) #x
#define FILEMAP_STRING(x) FILEMAP_STRING_2(x)
#define FILEMAP_VERSION_STRING \
  FILEMAP_STRING(FILEMAP_VERSION_MAJOR) "." FILEMAP_STRING(FILEMAP_VERSION_MINOR) "." \
  FILEMAP_STRING(FILEMAP_VERSION_PATCH)

/* Each function is declared with FM_API. The macro is empty for programs that use the library, except on
** Windows with FM_SHARED defined: then each call of the DLL is one jump shorter. Only the build of the shared
** library defines FM_BUILD_SHARED. */
#if defined(_WIN32) && defined(FM_BUILD_SHARED)
#define FM_API __declspec(dllexport)
#elif defined(_WIN32) && defined(FM_SHARED)
#define FM_API __declspec(dllimport)
#elif defined(__GNUC__) && defined(FM_BUILD_SHARED)
#define FM_API __attribute__((visibility("default")))
#else
#define FM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the FILEMAP_VERSION of the library that the program runs with. */
FM_API int fm_version(void);

/* {-- Errors ------------------------------------------------------------------------------------- */

/* A later version can add codes. A program treats a code that it does not know like FM_SYSTEM. */
typedef enum fm_code {
  FM_OK,
  FM_NOT_FOUND,   /* no section, object or file has the name, or no process listens by it */
  FM_EXISTS,      /* the name is taken */
  FM_DENIED,      /* the system or the object does not permit the access */
  FM_INVALID,     /* an argument is wrong, or the name stands for another kind of object */
  FM_TOO_SMALL,   /* the existing object is smaller than requested */
  FM_TOO_LARGE,   /* a size is past a limit */
  FM_NO_SPACE,    /* the file system has no space left */
  FM_NO_MEMORY,   /* the system has no memory left, or a limit of this process is reached */
  FM_IN_USE,      /* another process, or a view of this one, uses it at this moment */
  FM_TIMEOUT,     /* the time-out passed */
  FM_CLOSED,      /* the other end has closed or died, or the view is closed */
  FM_FULL,        /* there is no room, and the call does not wait */
  FM_TRUNCATED,   /* a page of the view is lost: see fm_view */
  FM_CORRUPT,     /* the section does not hold such an object, or its memory was damaged */
  FM_UNSUPPORTED, /* this system does not have it */
  FM_SYSTEM       /* the system reports an error that no other code covers: see fm_error.native */
} fm_code;

/* The description of a failure. */
typedef struct fm_error {
  int code;         /* one of fm_code, or one of a later version */
  long native;      /* the errno or GetLastError number, 0 if no system call failed */
  char detail[200]; /* a sentence without a full stop, to be printed behind the name or path and ": " */
} fm_error;

/* Returns the word for a code: "not_found" for FM_NOT_FOUND, "ok" for FM_OK, "system" for an unknown code. It
** is the same word that Lua scripts get. */
FM_API const char *fm_word(int code);

/* {-- Access ------------------------------------------------------------------------------------- */

/* An access is one of six sets of these bits: FM_READ, FM_RW, FM_READ | FM_COPY, and each of them with
** FM_EXEC. FM_COPY is private copy-on-write: no other view sees what the program writes.
**
** A view cannot ask for more than its map gives. The map must have FM_WRITE for a view with FM_WRITE, and
** FM_EXEC for one with FM_EXEC. FM_READ and FM_COPY are always given. */
enum {
  FM_READ = 1,
  FM_WRITE = 2,
  FM_COPY = 4,
  FM_EXEC = 8,
  FM_RW = FM_READ | FM_WRITE
};

/* Convert between an access and its word: "r", "rw", "copy", "rx", "rwx", "copyx". Return 0 for an unknown
** word, NULL for other bits. */
FM_API int fm_access_bits(const char *word);
FM_API const char *fm_access_word(int access);

/* {-- Names -------------------------------------------------------------------------------------- */

/* Names are case-sensitive. A name is one of
**
**   Name, Local\Name   a name of this user; both spellings are the same name
**   Global\Name        one name for all users
**   /name              on Linux a verbatim shm_open(3) name, for the segments of other programs
**
** with 1 to FM_NAME_MAX bytes of UTF-8 behind the prefix, none of them `\`; else the call fails with
** FM_INVALID.
**
** The first two kinds live as on Win32. A name appears whole: a process that opens it sees the full size. The
** name exists as long as a process holds a map or view of it, and is removed when the last holder closes or
** dies, also by kill -9. A forked child holds what its parent held. A name that a dead process left is
** invisible at once; its memory is freed by this user's next fm_list, within its next 1,000 calls of
** fm_create, and always before a call fails with FM_NO_SPACE.
**
** A verbatim name stays until fm_unlink. On Windows it is a name like any other. */
#define FM_NAME_MAX 200
#define FM_NAME_SIZE (FM_NAME_MAX + 8) /* bytes that hold any name, with its prefix and the NUL */

/* {-- Maps --------------------------------------------------------------------------------------- */

/* A section of memory, or a file, that can be viewed. */
typedef struct fm_map fm_map;

/* How a map is made or opened. A program initialises the structure with fm_default_options() and then sets
** fields, so that fields that later versions add have their defaults too. A call also takes NULL in place of
** the structure: then all fields have their defaults.
**
** A call fails with FM_INVALID if struct_size is 0, or greater than the library's structure, and if the mode
** has other bits than permissions, or does not let the owner read. */
typedef struct fm_options {
  size_t struct_size; /* sizeof(fm_options), set by fm_default_options */
  int access;         /* of the map (default FM_RW) */
  unsigned mode;      /* Linux: permissions of a new section or file, as for chmod(2) (default 0600) */
  uint64_t size;      /* bytes, for fm_open and fm_file: see there (default FM_ANY_SIZE) */
  const char *sddl;   /* Windows: security descriptor of a new section or file, in SDDL (default NULL). On
                         Linux FM_UNSUPPORTED */
  const char *name;   /* Windows, fm_file: name of the mapping over the file (default NULL). On Linux
                         FM_UNSUPPORTED */
  bool inherit;       /* child processes inherit the handle (default false) */
  bool commit;        /* the memory is allocated when the call returns (default true). false only reserves
                         the size */
  bool large_pages;   /* use large pages, or fail with FM_UNSUPPORTED (default false). Linux has them for
                         unnamed sections alone, from the pool that the administrator has set aside */
} fm_options;

#define FM_ANY_SIZE UINT64_MAX

static inline fm_options fm_default_options(void)
{
  fm_options o;
  o.struct_size = sizeof o;
  o.access = FM_RW;
  o.mode = 0600;
  o.size = FM_ANY_SIZE;
  o.sddl = NULL;
  o.name = NULL;
  o.inherit = false;
  o.commit = true;
  o.large_pages = false;
  return o;
}

/* Makes a new section of `size` bytes, from 1 to 2^63-1, filled with zeros. `name` NULL: an unnamed section.
** Close *out with fm_map_close.
**
** With options->commit the memory is there when the call returns, and a size that the system cannot have at
** all is refused before anything is allocated.
**
** FM_EXISTS       a section has the name
** FM_INVALID      the name, a size of 0, the access, or struct_size is wrong; the name stands for a sync
**                 object
** FM_TOO_LARGE    the size is past 2^63-1 or a limit of the system
** FM_NO_SPACE     there is no room for the memory in /dev/shm
** FM_NO_MEMORY    there is not so much memory
** FM_DENIED       another user took the name, or the system permits no such section
** FM_IN_USE       other processes create and remove the name, or lock it, all the time
** FM_UNSUPPORTED  this system does not have an option, or has no /dev/shm
** Source: open(2) with O_TMPFILE, linkat(2), memfd_create(2), CreateFileMapping. */
FM_API int fm_create(fm_map **out, const char *name, uint64_t size, const fm_options *options, fm_error *e);

/* Opens the section that has the name. If options->size is given, it is the least size in bytes that the
** section must have, and becomes the map's size. Else the map has the section's size, which Windows may
** report rounded up to the page. Close *out with fm_map_close.
**
** FM_NOT_FOUND    no section has the name
** FM_TOO_SMALL    the section is smaller than options->size
** FM_INVALID      the name, a size of 0, the access, or struct_size is wrong; `name` is NULL; the name stands
**                 for a sync object or, on Linux, for a file of another kind
** FM_TOO_LARGE    options->size is past 2^63-1
** FM_DENIED       the section does not give the access, or another user planted the name
** FM_IN_USE       other processes create and remove the name, or lock it, all the time
** FM_UNSUPPORTED  this system does not have an option, or has no /dev/shm
** Source: open(2), flock(2), fcntl(2) with F_OFD_SETLK, OpenFileMapping. */
FM_API int fm_open(fm_map **out, const char *name, const fm_options *options, fm_error *e);

/* Opens the section that has the name, or makes it. *created tells which. The map's size is `size` in both
** cases. A section that exists keeps its own size.
**
** FM_TOO_SMALL    the section that exists is smaller than `size`
** and the codes of fm_create and fm_open, except FM_EXISTS and FM_NOT_FOUND. */
FM_API int fm_create_or_open(fm_map **out, bool *created, const char *name, uint64_t size,
                             const fm_options *options, fm_error *e);

/* Opens a map over the regular file at `path`. With FM_WRITE in options->access, options->size creates the
** file or grows it to that size, and never shrinks it. Without FM_WRITE it is the least size that the file
** must have. The map's size is the file's. An empty file can be opened and resized, but not viewed. Close
** *out with fm_map_close.
**
** FM_NOT_FOUND    there is no such file, and the call does not create it
** FM_TOO_SMALL    the file is smaller than options->size, without FM_WRITE
** FM_EXISTS       Windows: options->name is taken
** FM_INVALID      it is not a regular file; the path, a size of 0, the access, options->name, or struct_size
**                 is wrong
** FM_TOO_LARGE    the size is past 2^63-1 or a limit of the file system
** FM_DENIED       the file's permissions do not give the access
** FM_NO_SPACE     the disk is full
** FM_IN_USE       another process has the file open without sharing, or locks it
** FM_UNSUPPORTED  this system does not have an option
** Source: open(2), posix_fallocate(3), CreateFile, CreateFileMapping. */
FM_API int fm_file(fm_map **out, const char *path, const fm_options *options, fm_error *e);

/* Makes a map of `size` bytes over an inherited handle: a file descriptor, or on Windows the HANDLE of a
** section. The map owns the handle from then on, and child processes no longer inherit it. If the call fails,
** the caller still owns it.
**
** FM_INVALID      there is no such handle, or it stands for neither memory nor a regular file; a size of 0;
**                 the access is wrong
** FM_TOO_SMALL    the section is smaller than `size`
** FM_TOO_LARGE    the size is past 2^63-1
** FM_DENIED       the handle was not opened for the access */
FM_API int fm_adopt(fm_map **out, intptr_t handle, uint64_t size, int access, fm_error *e);

/* Return what the map was made with. The strings live as long as the map. */
FM_API uint64_t fm_map_size(const fm_map *m);      /* bytes */
FM_API int fm_map_access(const fm_map *m);
FM_API const char *fm_map_name(const fm_map *m);   /* as it was given, NULL for an unnamed map */
FM_API const char *fm_map_path(const fm_map *m);   /* of a file map, NULL for others */
FM_API const char *fm_map_label(const fm_map *m);  /* for messages: the path, the name, or "unnamed map" */
FM_API intptr_t fm_map_handle(const fm_map *m);    /* descriptor or section HANDLE, which the map keeps. On
                                                      Windows 0 for an empty file, which has no section */

/* Gives the file of a file map another size in bytes, from 1 to 2^63-1.
**
** FM_IN_USE       a view of the map is open; on Windows also while another process has a view of the part to
**                 be cut off, or holds the name of the mapping; on Linux while another process locks the file
** FM_UNSUPPORTED  the map is not over a file that fm_file opened
** FM_DENIED       the map does not have FM_WRITE
** FM_INVALID      a size of 0
** FM_TOO_LARGE    the size is past 2^63-1 or a limit of the file system
** FM_NO_SPACE     the disk is full
** Source: ftruncate(2), posix_fallocate(3), SetEndOfFile. */
FM_API int fm_map_resize(fm_map *m, uint64_t size, fm_error *e);

/* Reads the size of the map's file again, which becomes the map's size, so that a program can view what
** another process has appended. Views that are open stay as they are. *size is the new size in bytes, which
** may be 0.
**
** FM_UNSUPPORTED  the map is not over a file that was opened by its path; on Windows also if the file grew
**                 and the mapping has a name
** Source: fstat(2), GetFileSizeEx, CreateFileMapping. */
FM_API int fm_map_refresh(fm_map *m, uint64_t *size, fm_error *e);

/* Closes the map. Its views stay open, and they hold the section and its name. NULL is allowed. */
FM_API void fm_map_close(fm_map *m);

/* Removes a verbatim name ("/..."). Processes that have the section open keep it.
**
** FM_NOT_FOUND    there is no such name
** FM_DENIED       it belongs to another user
** FM_INVALID      the name is of another kind, which the system removes with its last holder
** FM_UNSUPPORTED  Windows
** Source: shm_unlink(3). */
FM_API int fm_unlink(const char *name, fm_error *e);

typedef struct fm_entry {
  char name[FM_NAME_SIZE]; /* as Local\Name or Global\Name */
  uint64_t size;           /* bytes */
} fm_entry;

/* Lists the names of sections that this user can see, without verbatim ones. Fills up to `capacity` entries,
** and sets *count to the number of names, which may be greater. `entries` may be NULL if `capacity` is 0. On
** Linux the call also frees the memory of this user's stale sections.
**
** FM_UNSUPPORTED  the system cannot list names */
FM_API int fm_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e);

/* {-- Views -------------------------------------------------------------------------------------- */

typedef struct fm_mapping fm_mapping;

/* A range of a map in the address space: `size` bytes from `data` on. The program declares the structure,
** fm_view_open and fm_view_sub fill it, and fm_view_close sets its sizes to 0. The layout is part of the ABI,
** because programs read and write the memory without a call. A program must not change a field or copy the
** structure. A program that needs the view twice opens a slice of all of it with fm_view_sub.
**
** Before it touches memory, a program compares the end of the range with `readable` or `writable`. Each is
** `size` or 0. So one comparison finds a range past the end, a closed view, a read-only view, and memory that
** is only reserved. fm_view_check returns a different code for each.
**
** A page of a view can be lost: another process cuts the file, or the file system has no room left. Then a
** read gives 0 and a write has no effect, and *lost becomes 1 before the access returns, for all views of the
** same mapping. The process does not get SIGBUS. (A handler of SIGBUS that the process installs later must
** call the one that was installed before; otherwise the process gets SIGBUS.) */
typedef struct fm_view {
  unsigned char *data;
  size_t size;         /* bytes */
  size_t readable;     /* bytes that can be read without fm_view_check: `size`, or 0 */
  size_t writable;     /* bytes that can be written without fm_view_check: `size`, or 0 */
  int access;
  uint64_t offset;     /* of the first byte, in the map */
  fm_mapping *mapping; /* shared with slices */
  const volatile int *lost; /* remains valid when the view is closed */
} fm_view;

/* Opens a view of `length` bytes, from 1, at any `offset` of the map. Close it with fm_view_close.
**
** FM_DENIED       the map does not give the access
** FM_INVALID      the range is past the end of the map, or empty; the access is wrong
** FM_TOO_LARGE    the address space has no such range
** FM_NO_MEMORY    there are no addresses or no memory left
** Source: mmap(2), MapViewOfFile. */
FM_API int fm_view_open(fm_view *out, fm_map *m, uint64_t offset, uint64_t length, int access, fm_error *e);

/* Opens a slice: a view of a part of `v`, in the same mapping. The slice and `v` are closed separately, in
** any order. With FM_COPY of a view that does not have it, the slice is a mapping of its own.
**
** FM_DENIED       `v` does not give the access
** FM_CLOSED       `v` is closed
** FM_INVALID      the range is past the end of `v`, or empty
** and, for a mapping of its own, the codes of fm_view_open. */
FM_API int fm_view_sub(fm_view *out, const fm_view *v, uint64_t offset, uint64_t length, int access,
                       fm_error *e);

/* Checks whether `length` bytes from `offset` can be read, or with `writing` written.
**
** FM_CLOSED       the view is closed
** FM_DENIED       the view is read-only
** FM_INVALID      the range is past the end, or its memory is reserved, but not committed
** FM_TRUNCATED    a page of the mapping is lost */
FM_API int fm_view_check(const fm_view *v, bool writing, uint64_t offset, uint64_t length, fm_error *e);

/* Returns 1 if a page of the mapping is lost, else 0. A program that reads copies the bytes to private
** memory, then calls this, and discards the copy if the result is 1. The fence keeps the compiler from moving
** the copy behind the check. */
static inline int fm_view_is_lost(const fm_view *v)
{
#if defined(_MSC_VER) && !defined(__clang__)
  _ReadWriteBarrier();
#else
  __asm__ volatile("" ::: "memory");
#endif
  return v->lost && *v->lost != 0;
}

/* Copies `length` bytes. The caller has checked both ranges. They may overlap, also if the views are
** different mappings of the same memory. */
FM_API void fm_view_copy(const fm_view *to, uint64_t to_offset, const fm_view *from, uint64_t from_offset,
                         size_t length);

/* If the view is closed, the calls from here to fm_view_map fail with FM_CLOSED, and fm_view_map returns
** NULL. */

/* Writes a range back to its file. For a map of fm_file, the bytes and the file's metadata are on the disk
** when the call returns; elsewhere, as far as the system can. With `async` the call only starts it. An empty
** range, a private view and a map without FM_WRITE succeed without effect.
**
** FM_INVALID      the range is past the end
** FM_TRUNCATED    a page of the mapping is lost
** FM_NO_SPACE     the disk is full
** Source: msync(2), fsync(2), FlushViewOfFile, FlushFileBuffers. */
FM_API int fm_view_flush(const fm_view *v, uint64_t offset, uint64_t length, bool async, fm_error *e);

typedef enum fm_hint { FM_NORMAL, FM_SEQUENTIAL, FM_RANDOM, FM_WILLNEED, FM_DONTNEED } fm_hint;

/* Tells the system how a range will be used. A hint never changes what is read, and a system that does not
** know it ignores it.
**
** FM_INVALID      the range is past the end, or `hint` is wrong
** Source: madvise(2), PrefetchVirtualMemory. */
FM_API int fm_view_advise(const fm_view *v, fm_hint hint, uint64_t offset, uint64_t length, fm_error *e);

/* Keep the view's pages in memory, until fm_view_unpin or until the mapping is closed. Both act on whole
** pages. Pins are not counted: fm_view_unpin of a slice also unpins those pages for the view that contains
** it. On Linux the pages of a private view become this process's own, as if it had written to them.
**
** FM_NO_MEMORY    the limit of pinned memory is reached
** FM_TRUNCATED    a page of the mapping is lost
** Source: mlock(2), VirtualLock. */
FM_API int fm_view_pin(const fm_view *v, fm_error *e);
FM_API int fm_view_unpin(const fm_view *v, fm_error *e);

/* Allocates the memory of a range of a map that was made without options.commit. A range that is committed
** succeeds without effect.
**
** FM_INVALID      the range is past the end
** FM_DENIED       the map does not have FM_WRITE
** FM_NO_SPACE, FM_NO_MEMORY  as for fm_create
** FM_UNSUPPORTED  the file system does not allocate ranges
** FM_TRUNCATED    a page of the mapping is lost
** Source: fallocate(2), VirtualAlloc. */
FM_API int fm_view_commit(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e);

typedef enum fm_atomic_operation {
  FM_LOAD,     /* changes nothing */
  FM_STORE,    /* writes `value` */
  FM_EXCHANGE, /* writes `value` */
  FM_ADD,      /* adds `value`, and wraps around */
  FM_AND,      /* clears the bits that are 0 in `value` */
  FM_OR        /* sets the bits that are 1 in `value` */
} fm_atomic_operation;

/* Change a number in shared memory atomically, for programs in languages that have no atomic operations. (A
** program in C uses <stdatomic.h> on the memory of the view.) The operations are sequentially consistent.
** `number` is the address of memory that is aligned to its size, in an open view, which must be writable
** except for FM_LOAD; the calls do not check that. An unknown operation is FM_LOAD.
**
** fm_atomic_32, fm_atomic_64  return the number before the operation; FM_STORE returns `value`
** fm_compare_exchange_32, _64 write `desired` if the number is *expected, and return whether they did so.
**                             *expected is then the number before
** Source: C11, 7.17. */
FM_API uint32_t fm_atomic_32(fm_atomic_operation operation, void *number, uint32_t value);
FM_API uint64_t fm_atomic_64(fm_atomic_operation operation, void *number, uint64_t value);
FM_API bool fm_compare_exchange_32(void *number, uint32_t *expected, uint32_t desired);
FM_API bool fm_compare_exchange_64(void *number, uint64_t *expected, uint64_t desired);

/* Wait until the number at `offset` is not `seen`. *now is then the number. A process that calls fm_view_wake
** after its change is noticed within 0.1 ms, a change by any other program within 5 ms. Waiting takes less
** than 2 % of a processor. `timeout` is in seconds: 0 looks once, FM_FOREVER waits without end. A number that
** changes and changes back meanwhile may not be noticed.
**
** FM_TIMEOUT      the number was `seen` until the time-out passed
** FM_INVALID      the range is past the view's end or not committed, or its memory is not aligned to the
**                 number's size; a negative time-out
** FM_CLOSED       the view is closed
** FM_TRUNCATED    a page of the mapping is lost
** Source: futex(2); on Windows a named event of the section, if it has a name. */
FM_API int fm_view_wait_32(const fm_view *v, uint64_t offset, uint32_t seen, double timeout, uint32_t *now,
                           fm_error *e);
FM_API int fm_view_wait_64(const fm_view *v, uint64_t offset, uint64_t seen, double timeout, uint64_t *now,
                           fm_error *e);

/* Wakes every process that waits for the number at `offset`, whose memory must be aligned to 4 bytes. A
** process calls it after it has changed the number. The view may be read-only.
**
** FM_INVALID, FM_CLOSED, FM_TRUNCATED  as for fm_view_wait_32
** Source: futex(2), SetEvent. */
FM_API int fm_view_wake(const fm_view *v, uint64_t offset, fm_error *e);

/* Returns the map of the view. It lives as long as the view is open, also if the program has closed the map:
** more views of it can be opened. The caller does not close it. */
FM_API fm_map *fm_view_map(const fm_view *v);

/* Closes the view. The memory is unmapped with its last view. A view that is closed, or is all zeros, is
** allowed. */
FM_API void fm_view_close(fm_view *v);

/* {-- Wide text ---------------------------------------------------------------------------------- */

/* Convert between UTF-8 and wide text: UTF-16 in units of 2 bytes, as wchar_t has on Windows, or UTF-32 in
** units of 4 bytes, as wchar_t has on Linux. `unit` is 2 or 4. The wide text may have any alignment. With
** `swapped` its byte order is the other one than this machine's. Ill-formed text becomes U+FFFD. Source: The
** Unicode Standard, 3.9, with U+FFFD for each maximal subpart.
**
** fm_wide_length   returns how many units there are before a NUL, `most` if there is none
** fm_wide_to_utf8  writes up to `units` units as UTF-8, ends at a NUL, and returns the number of bytes. `out`
**                  has room for 3 bytes for each unit of 2, or 4 bytes for each unit of 4, also if another
**                  process writes the text meanwhile
** fm_utf8_to_wide  writes `length` bytes of UTF-8, and zeros up to `capacity` units. It returns how many
**                  units the text takes; if these are more than `capacity`, it writes nothing */
FM_API size_t fm_wide_length(const void *text, size_t most, size_t unit);
FM_API size_t fm_wide_to_utf8(char *out, const void *text, size_t units, size_t unit, bool swapped);
FM_API size_t fm_utf8_to_wide(void *out, size_t capacity, const char *text, size_t length, size_t unit,
                              bool swapped);

/* {-- Sync objects ------------------------------------------------------------------------------- */

/* The time-out that never passes. */
#define FM_FOREVER 1e300

/* A mutex, a semaphore or an event, by a name. Names and their lifetime are those of maps. On Windows they
** are the system's own objects, so that other programs can share them. An object is used by one thread at a
** time, and closed by the thread that has locked it. */
typedef struct fm_sync fm_sync;

typedef enum fm_sync_kind { FM_MUTEX, FM_SEMAPHORE, FM_EVENT } fm_sync_kind;

#define FM_COUNT_MAX INT32_MAX

/* How an object is made. An object that exists keeps the properties that it was made with. A program
** initialises the structure with fm_default_sync_options() and then sets fields. NULL and struct_size are as
** for fm_options. */
typedef struct fm_sync_options {
  size_t struct_size; /* sizeof(fm_sync_options), set by fm_default_sync_options */
  unsigned mode;      /* Linux: permissions of a new object, as for chmod(2) (default 0600) */
  uint32_t initial;   /* semaphore: its first count, from 0 to `max` (default 0) */
  uint32_t max;       /* semaphore: its greatest count, from 1 to FM_COUNT_MAX (default 1) */
  const char *sddl;   /* Windows: security descriptor of a new object, in SDDL (default NULL). On Linux
                         FM_UNSUPPORTED */
  bool existing;      /* only open, and fail with FM_NOT_FOUND if there is no such object (default false) */
  bool manual;        /* event: it stays set until fm_sync_reset, and releases every thread that waits
                         (default false: it releases one thread, and is reset by that) */
  bool set;           /* event: it is set from the start (default false) */
} fm_sync_options;

static inline fm_sync_options fm_default_sync_options(void)
{
  fm_sync_options o;
  o.struct_size = sizeof o;
  o.mode = 0600;
  o.initial = 0;
  o.max = 1;
  o.sddl = NULL;
  o.existing = false;
  o.manual = false;
  o.set = false;
  return o;
}

/* Makes a sync object, or opens the one that has the name. *created tells which. Close *out with
** fm_sync_close.
**
** FM_NOT_FOUND    there is none, with options->existing
** FM_INVALID      the name, `kind`, the counts, or struct_size is wrong; the name stands for another kind of
**                 object
** FM_CORRUPT      Linux: the memory of the object was damaged
** FM_TRUNCATED    Linux: the memory of the object is lost
** FM_FULL         Linux: 2^20 processes have the mutex open
** FM_DENIED, FM_IN_USE, FM_NO_SPACE, FM_UNSUPPORTED  as for fm_create
** Source: CreateMutexEx, CreateSemaphoreEx, CreateEventEx; on Linux futex(2) in a named section. */
FM_API int fm_sync_open(fm_sync **out, bool *created, fm_sync_kind kind, const char *name,
                        const fm_sync_options *options, fm_error *e);

/* Locks the mutex, decrements the semaphore's count, or waits until the event is set.
**
** A thread that holds the mutex can lock it again, and must then unlock it as often. *abandoned is true if
** the process or thread that held the mutex last died without unlocking it: the data that the mutex protects
** may be inconsistent. The mutex of a dead process is free within 100 ms.
**
** FM_TIMEOUT      the time-out passed
** FM_INVALID      a negative time-out
** FM_TRUNCATED    Linux: the memory of the object is lost
** FM_DENIED, FM_FULL  Linux: a forked child cannot open the mutex for itself, as for fm_sync_open
** Source: futex(2), WaitForSingleObject. */
FM_API int fm_sync_wait(fm_sync *s, double timeout, bool *abandoned, fm_error *e);

/* Unlocks the mutex, adds `count`, from 1 to FM_COUNT_MAX, to the semaphore's count, or sets the event. For a
** mutex or an event, `count` is 1. Setting a manual event releases every process that waits at that moment,
** also if it is reset at once; setting another event releases one at most.
**
** FM_INVALID      this thread does not hold the mutex; `count` is out of range
** FM_FULL         the semaphore's count would be greater than its max; it is unchanged
** FM_DENIED       Windows: the object may only be waited for
** FM_TRUNCATED    Linux: the memory of the object is lost
** Source: ReleaseMutex, ReleaseSemaphore, SetEvent. */
FM_API int fm_sync_post(fm_sync *s, uint32_t count, fm_error *e);

/* Resets the event.
**
** FM_INVALID      it is not an event
** FM_DENIED       Windows: the object may only be waited for
** FM_TRUNCATED    Linux: the memory of the object is lost
** Source: ResetEvent. */
FM_API int fm_sync_reset(fm_sync *s, fm_error *e);

/* Returns the name as it was given. It lives as long as the object. */
FM_API const char *fm_sync_name(const fm_sync *s);

/* Closes the object. A mutex that this thread has locked by it is unlocked. NULL is allowed. */
FM_API void fm_sync_close(fm_sync *s);

/* Removes the verbatim name ("/...") of a semaphore. On POSIX such a name stands for a semaphore of
** sem_open(3), which other programs can use too. It stays until it is removed. Each process checks the max
** with which it opened the semaphore. Processes that have the semaphore open keep it.
**
** FM_NOT_FOUND    there is no such semaphore
** FM_DENIED       it belongs to another user
** FM_INVALID      the name is of another kind, which the system removes with its last holder
** FM_UNSUPPORTED  Windows
** Source: sem_unlink(3). */
FM_API int fm_sync_unlink(const char *name, fm_error *e);

/* {-- Channels ----------------------------------------------------------------------------------- */

/* A state, a mailslot and a pipe live in a named section each, whose header each process checks when it opens
** it. Rules for all calls of channels:
**
** - Of the options these calls use only `mode` and `sddl`.
** - *data points to a private copy that belongs to the object. It is valid until the next call with the same
**   object.
** - A forked child cannot use its parent's writer of a state, reader of a mailslot, listener or connection:
**   FM_DENIED. It can use the other objects.
** - FM_CORRUPT means that the section is not such a channel, or that its memory was damaged. FM_TRUNCATED
**   means that its memory is lost. Every call that can fail can return both. */

/* The newest value, from one writer to any number of readers. */
typedef struct fm_state fm_state;

/* Makes a state for values of up to `capacity` bytes, from 1 to 2^30-1, and becomes its writer. Close *out
** with fm_state_close.
**
** FM_EXISTS       a section has the name
** FM_INVALID      the name, a capacity of 0, or struct_size is wrong
** FM_TOO_LARGE    the capacity is past 2^30-1 bytes
** FM_DENIED, FM_IN_USE, FM_NO_SPACE, FM_UNSUPPORTED  as for fm_create */
FM_API int fm_state_create(fm_state **out, const char *name, uint64_t capacity, const fm_options *options,
                           fm_error *e);

/* The same, but it takes over a state whose writer has closed it or died. *created tells which. The value and
** its version stay.
**
** FM_IN_USE       another writer lives
** FM_TOO_SMALL    the state that exists holds less than `capacity` bytes
** and the codes of fm_state_create, except FM_EXISTS. */
FM_API int fm_state_create_or_open(fm_state **out, bool *created, const char *name, uint64_t capacity,
                                   const fm_options *options, fm_error *e);

/* Opens a state to read. Without permission to write, fm_state_wait polls.
**
** FM_NOT_FOUND    no section has the name
** FM_INVALID      the name is wrong, or stands for a sync object
** FM_DENIED       the section may not be read
** FM_IN_USE       another process kept the name locked
** FM_UNSUPPORTED  as for fm_open */
FM_API int fm_state_open(fm_state **out, const char *name, fm_error *e);

/* Publishes a value of `length` bytes, from 0. Never waits.
**
** FM_TOO_LARGE    the value is longer than the capacity
** FM_DENIED       the object is a reader */
FM_API int fm_state_publish(fm_state *s, const void *data, size_t length, fm_error *e);

/* Reads the newest value, always one that was published whole, and its version, counted from 1. Before the
** first value *data is NULL and *version is 0. The call tries again while the writer overwrites the value
** that it reads.
**
** FM_TIMEOUT      the writer was faster all the time
** FM_INVALID      a negative time-out */
FM_API int fm_state_read(fm_state *s, double timeout, const void **data, size_t *length, uint64_t *version,
                         fm_error *e);

/* Waits for a value that is newer than `version`, and reads it as fm_state_read does. It continues to wait
** when the writer dies, until another process takes over.
**
** FM_TIMEOUT      no newer value came
** FM_INVALID      a negative time-out */
FM_API int fm_state_wait(fm_state *s, uint64_t version, double timeout, const void **data, size_t *length,
                         uint64_t *newer, fm_error *e);

FM_API const char *fm_state_name(const fm_state *s);    /* lives as long as the object */
FM_API uint64_t fm_state_capacity(const fm_state *s);   /* the longest value, in bytes */
FM_API bool fm_state_is_writer(const fm_state *s);

/* Closes the object. NULL is allowed. */
FM_API void fm_state_close(fm_state *s);

/* Messages of many writers to one reader. */
typedef struct fm_mailslot fm_mailslot;

typedef struct fm_mailslot_info {
  uint64_t max_message; /* the longest message, in bytes */
  uint64_t next_size;   /* bytes of the next message, 0 if there is none */
  uint64_t count;       /* messages that were sent and not yet received */
} fm_mailslot_info;

#define FM_CAPACITY 65536 /* the default capacity of mailslots and pipes, in bytes */

/* Makes a mailslot, or takes over a mailslot whose reader has closed it or died, with its unread messages.
** The caller becomes its reader. `capacity` is the room for messages in bytes, up to 805306364; 0 stands for
** FM_CAPACITY or, if that is greater, for `max_message`. `max_message` is the longest message in bytes; 0
** stands for the capacity. Close *out with fm_mailslot_close.
**
** FM_EXISTS       another reader lives
** FM_TOO_SMALL    the mailslot that exists has less than requested
** FM_INVALID      the name or struct_size is wrong; `max_message` is greater than `capacity`
** FM_TOO_LARGE    the capacity is past its limit
** FM_DENIED, FM_IN_USE, FM_NO_SPACE, FM_UNSUPPORTED  as for fm_create */
FM_API int fm_mailslot_create(fm_mailslot **out, const char *name, uint64_t max_message, uint64_t capacity,
                              const fm_options *options, fm_error *e);

/* Opens a mailslot to send.
**
** FM_NOT_FOUND    no section has the name
** FM_INVALID      the name is wrong, or stands for a sync object
** FM_DENIED       the section may not be written
** FM_FULL         2^20 processes have it open
** FM_IN_USE       another process kept the name locked
** FM_UNSUPPORTED  as for fm_open */
FM_API int fm_mailslot_open(fm_mailslot **out, const char *name, fm_error *e);

/* Sends a message of `length` bytes, from 0. A process that is killed while it sends leaves no half message.
**
** FM_FULL         the time-out is 0, and there is no room or another writer is sending
** FM_TIMEOUT      there was no room until the time-out passed
** FM_CLOSED       no reader lives
** FM_TOO_LARGE    the message is longer than max_message
** FM_IN_USE       another writer that lives has held the lock for the whole time-out, and for 0.1 s at least;
**                 with FM_FOREVER, for 1 second
** FM_DENIED       the object is the reader
** FM_INVALID      a negative time-out */
FM_API int fm_mailslot_send(fm_mailslot *m, const void *data, size_t length, double timeout, fm_error *e);

/* Receives the next message.
**
** FM_TIMEOUT      no message came
** FM_DENIED       the object is a writer
** FM_INVALID      a negative time-out */
FM_API int fm_mailslot_receive(fm_mailslot *m, double timeout, const void **data, size_t *length,
                               fm_error *e);

/* Fills *out.
**
** FM_DENIED       the object is a writer */
FM_API int fm_mailslot_get_info(fm_mailslot *m, fm_mailslot_info *out, fm_error *e);

FM_API const char *fm_mailslot_name(const fm_mailslot *m); /* lives as long as the object */
FM_API bool fm_mailslot_is_reader(const fm_mailslot *m);

/* Closes the object. NULL is allowed. */
FM_API void fm_mailslot_close(fm_mailslot *m);

/* A pipe: connections of two ends. Messages go both ways, in order; in a stream, bytes. */
typedef struct fm_listener fm_listener;
typedef struct fm_conn fm_conn;

/* Listens by a name. `capacity` is the room of each connection, each way, in bytes, up to 805306364; 0 stands
** for FM_CAPACITY. With `stream` its connections are streams. Close *out with fm_listener_close.
**
** FM_EXISTS       another process listens, or connections of another capacity or kind are open under the name
** FM_INVALID      the name or struct_size is wrong
** FM_TOO_LARGE    the capacity is past its limit
** FM_DENIED, FM_IN_USE, FM_NO_SPACE, FM_UNSUPPORTED  as for fm_create */
FM_API int fm_pipe_listen(fm_listener **out, const char *name, uint64_t capacity, bool stream,
                          const fm_options *options, fm_error *e);

/* Accepts the connection of the client that has waited longest. The client may have closed it already; the
** messages that it sent can still be received. Clients that waited for an earlier listener are refused: their
** calls fail with FM_CLOSED. Close *out with fm_conn_close.
**
** FM_TIMEOUT      no client connected
** FM_INVALID      a negative time-out */
FM_API int fm_pipe_accept(fm_listener *l, double timeout, fm_conn **out, fm_error *e);

/* Connects, as soon as there is a listener. The call does not wait for fm_pipe_accept: what is sent meanwhile
** is kept. Close *out with fm_conn_close.
**
** FM_NOT_FOUND    no process listened until the time-out passed
** FM_FULL         the listener had as many connections as it can have, until the time-out passed
** FM_INVALID      the name is wrong, or stands for a sync object; a negative time-out
** FM_DENIED       the section may not be written
** FM_IN_USE       another process kept the name locked
** FM_NO_SPACE     there is no memory for the connection
** FM_UNSUPPORTED  as for fm_open */
FM_API int fm_pipe_connect(fm_conn **out, const char *name, double timeout, fm_error *e);

/* Send and receive messages, from 0 bytes to the capacity. When the other end has closed or died, what it
** sent is received first, and then the calls fail with FM_CLOSED, within 100 ms.
**
** FM_CLOSED       the other end has closed or died
** FM_TIMEOUT      there was no room, or no message came
** FM_TOO_LARGE    the message is longer than the capacity
** FM_INVALID      the connection is a stream; a negative time-out */
FM_API int fm_conn_send(fm_conn *c, const void *data, size_t length, double timeout, fm_error *e);
FM_API int fm_conn_receive(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e);

/* Write and read the bytes of a stream. fm_conn_write returns when all *length bytes are written, and sets
** *length to how many were, also when it fails. fm_conn_read waits until there is one byte at least, reads as
** many as there are, up to *length, and sets *length to how many it read.
**
** FM_CLOSED       the other end has closed or died; for reading, all that it wrote was read
** FM_TIMEOUT      there was no room, or no byte came
** FM_INVALID      the connection is not a stream; a negative time-out */
FM_API int fm_conn_write(fm_conn *c, const void *data, size_t *length, double timeout, fm_error *e);
FM_API int fm_conn_read(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e);

/* Read a stream in whole units. They wait until there is one, and set *data to it: private memory of the
** connection, which stays until the next call on it. *length is its length.
**
** fm_conn_read_count  reads `count` bytes, or fewer if the stream ends before; with a count of 0 it waits
**                     until there is a byte to read, and reads none
** fm_conn_read_line   reads up to a newline and the newline, or fewer bytes if the stream ends before
** fm_conn_read_all    reads all bytes until the other end closes, which may be none
**
** FM_CLOSED       the other end has closed or died, and all that it wrote was read (not fm_conn_read_all)
** FM_TIMEOUT      the unit was not complete in time; its bytes stay for the next call
** FM_NO_MEMORY    there is no memory for the unit; its bytes stay for the next call
** FM_INVALID      the connection is not a stream; a negative time-out */
FM_API int fm_conn_read_count(fm_conn *c, double timeout, uint64_t count, const void **data, size_t *length,
                              fm_error *e);
FM_API int fm_conn_read_line(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e);
FM_API int fm_conn_read_all(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e);

/* Returns how many bytes of a stream the connection already holds and will return next, without waiting. */
FM_API size_t fm_conn_unread(fm_conn *c);

FM_API const char *fm_listener_name(const fm_listener *l); /* lives as long as the object */
FM_API const char *fm_conn_name(const fm_conn *c);         /* lives as long as the object */
FM_API bool fm_conn_is_stream(const fm_conn *c);

/* Close the object. Connections stay open when their listener is closed. NULL is allowed. */
FM_API void fm_listener_close(fm_listener *l);
FM_API void fm_conn_close(fm_conn *c);

/* {-- Waiting for several objects ---------------------------------------------------------------- */

typedef enum fm_waitable_kind {
  FM_WAIT_SYNC,     /* fm_sync: ready as for fm_sync_wait, and acquired */
  FM_WAIT_LISTENER, /* fm_listener: a client waits for fm_pipe_accept */
  FM_WAIT_CONN,     /* fm_conn: a message or byte came, or the other end has closed or died */
  FM_WAIT_MAILSLOT, /* fm_mailslot, a reader: a message came */
  FM_WAIT_STATE     /* fm_state, a reader: there is a newer value than the one that it read last */
} fm_waitable_kind;

typedef struct fm_waitable {
  fm_waitable_kind kind;
  void *object;
} fm_waitable;

#define FM_WAIT_MOST 65536 /* objects in one call */

/* Waits for the first of `count` objects that is ready: *index is its number, from 0. If several are ready,
** it is the one with the lowest number. A sync object is acquired, and no other one is. *abandoned tells
** whether it is a mutex whose last holder died. A channel end is ready when its call with the time-out 0
** would return anything but FM_TIMEOUT.
**
** The call sleeps until another process wakes it. In these cases it looks at the objects every few
** milliseconds instead: if one is a POSIX semaphore, or a state that the process may not write; for more than
** 128 objects on Linux, or more than 64 on Windows; and on Linux before 5.16.
**
** FM_TIMEOUT      none was ready until the time-out passed
** FM_DENIED       an end that cannot receive, as the writer of a state; in a forked child
** FM_INVALID      no object, or more than FM_WAIT_MOST; an unknown kind; a negative time-out
** and the codes of fm_sync_wait. If the call failed because of one object, *index is its number, else
** `count`.
** Source: futex_waitv(2), WaitForMultipleObjects. */
FM_API int fm_wait_any(const fm_waitable *objects, size_t count, double timeout, size_t *index,
                       bool *abandoned, fm_error *e);

/* Returns a handle by which an event loop waits for an event, or for the end of a channel that can
** receive: a descriptor that poll(2) reports readable, or on Windows the HANDLE of an event, while the
** object is ready as for fm_wait_any. It is clear again when the call that drains the object returns. Another
** process can only drain an event; the handle is then clear a moment later. The object owns the handle: the
** program neither reads nor closes it. A second call returns the same handle.
**
** A thread of the process sets the handles. It starts with the first of them and ends with the last one. Its
** signals are blocked. On Linux a forked child has none of its parent's handles: it calls fm_pollable again.
** On Windows the handle of an event is the event's own, so that waiting for an automatic event resets it.
**
** FM_DENIED       an end that cannot receive, as the writer of a state; in a forked child
** FM_INVALID      a mutex or a semaphore; an unknown kind
** Source: eventfd(2), futex_waitv(2), CreateEvent. */
FM_API int fm_pollable(const fm_waitable *object, intptr_t *out, fm_error *e);

/* {-- Dictionaries ------------------------------------------------------------------------------ */

/* A dictionary: keys with values, for any number of processes that read and write. A key has 1 to 255 bytes.
** A process that reads holds no lock. A process that is killed leaves each key with its old or its new value.
**
** Each value has a version. No version is given twice, not even after the key was deleted. Version 0 stands
** for an absent key. A call that fails changes nothing.
**
** A call with a key can fail with:
**   FM_INVALID      the key has no bytes, or more than 255
** A call that writes can fail with:
**   FM_DENIED       the section may only be read
**   FM_IN_USE       a live process has held the lock for more than 1 second, or several have held it in turn
**                   for 10 seconds
**   FM_FULL         2^20 processes write to it
** Each call can fail with:
**   FM_CORRUPT      the memory is damaged
**   FM_TRUNCATED    another process truncated the memory
**   FM_NO_MEMORY    there is no memory for a copy of the value */
typedef struct fm_dict fm_dict;

typedef enum fm_value_type { FM_STRING, FM_INTEGER, FM_FLOAT, FM_BOOLEAN, FM_NONE } fm_value_type;

/* A value keeps its type. The bytes of a string that a call returns stay until the next call on the same
** dictionary. */
typedef struct fm_value {
  fm_value_type type; /* FM_NONE: no value */
  const void *data;   /* of FM_STRING: any bytes */
  size_t length;      /* of FM_STRING, in bytes */
  int64_t integer;    /* of FM_INTEGER */
  double number;      /* of FM_FLOAT */
  bool boolean;       /* of FM_BOOLEAN */
} fm_value;

#define FM_DICT_KEY_MAX 255        /* the longest key, in bytes */
#define FM_DICT_CAPACITY (1 << 20) /* the default capacity, in bytes */

/* Opens a dictionary, or makes one; *created tells which. `capacity` is its room for keys and values in
** bytes, up to 2^38, rounded up to blocks of 128; 0 stands for FM_DICT_CAPACITY. An entry takes one block for
** 96 bytes (the key, rounded up to a multiple of 8, and the value) and one for each further 112 bytes. All
** blocks are alike, so the memory does not fragment. With `evict` a full dictionary removes the keys that
** were set longest ago. An existing dictionary keeps its capacity and its `evict`. Close *out with
** fm_dict_close.
**
** FM_TOO_SMALL    the dictionary that exists has less than `capacity`
** FM_INVALID      the name or struct_size is wrong
** FM_TOO_LARGE    the capacity is past its limit
** FM_CORRUPT      the section of this name is not a dictionary
** FM_DENIED, FM_IN_USE, FM_NO_SPACE, FM_UNSUPPORTED  as for fm_create */
FM_API int fm_dict_create_or_open(fm_dict **out, bool *created, const char *name, uint64_t capacity,
                                  bool evict, const fm_options *options, fm_error *e);

/* Opens an existing dictionary. Without permission to write it can be read, and fm_dict_wait polls.
**
** FM_NOT_FOUND    no section has the name
** FM_INVALID      the name is wrong, or stands for a sync object
** FM_CORRUPT      the section of this name is not a dictionary
** FM_DENIED       the section may not be read
** FM_IN_USE       another process kept the name locked
** FM_UNSUPPORTED  as for fm_open */
FM_API int fm_dict_open(fm_dict **out, const char *name, fm_error *e);

/* Reads a key's value and version.
**
** FM_NOT_FOUND    the key is absent or has expired; *version is 0
** FM_IN_USE       other processes changed the key all the time, for more than 1 second */
FM_API int fm_dict_get(fm_dict *d, const void *key, size_t length, fm_value *out, uint64_t *version,
                       fm_error *e);

typedef enum fm_dict_mode {
  FM_DICT_SET,    /* whether or not the key is there */
  FM_DICT_ADD,    /* only if it is absent */
  FM_DICT_REPLACE /* only if it is there */
} fm_dict_mode;

/* Sets a key. It expires after `ttl` seconds, which must be greater than 0; FM_FOREVER: it does not expire.
** *version is the value's.
**
** FM_EXISTS       the mode is FM_DICT_ADD, and the key is there
** FM_NOT_FOUND    the mode is FM_DICT_REPLACE, and the key is absent
** FM_FULL         there is no room. (A new value needs room besides the old one.)
** FM_TOO_LARGE    an empty dictionary of this capacity has no room for it
** FM_INVALID      the key, the value's type, or the ttl is wrong */
FM_API int fm_dict_set(fm_dict *d, const void *key, size_t length, const fm_value *value, fm_dict_mode mode,
                       double ttl, uint64_t *version, fm_error *e);

/* Sets a key if its version is `expected`; 0: if it is absent. *done tells whether it was set. If so *version
** is the new version. Otherwise *out and *version are what was found: FM_NONE and 0 for an absent key.
**
** FM_FULL, FM_TOO_LARGE, FM_INVALID  as for fm_dict_set */
FM_API int fm_dict_compare_set(fm_dict *d, const void *key, size_t length, uint64_t expected,
                               const fm_value *value, bool *done, fm_value *out, uint64_t *version,
                               fm_error *e);

/* Adds the number `n` to a key's number in one step; *out is the sum. The key keeps its ttl. Integers wrap
** around; an integer and a float give a float. An absent key becomes init + n. `is_number` may be NULL.
**
** FM_NOT_FOUND    the key is absent, and `init` is NULL
** FM_INVALID      the key is wrong; `n` or `init` is not a number; the key's value is not a number, and then
**                 *is_number is false
** FM_FULL         there is no room for the sum
** FM_TOO_LARGE    an empty dictionary of this capacity has no room for it */
FM_API int fm_dict_increment(fm_dict *d, const void *key, size_t length, const fm_value *n,
                             const fm_value *init, fm_value *out, bool *is_number, fm_error *e);

/* Deletes a key. *existed tells whether it was there. */
FM_API int fm_dict_delete(fm_dict *d, const void *key, size_t length, bool *existed, fm_error *e);

/* Removes all keys, in one step. It takes as long for a million keys as for one: later calls that need room
** use the memory again, each as much as it needs. */
FM_API int fm_dict_clear(fm_dict *d, fm_error *e);

/* Waits until a key's version is not `version`, and reads it as fm_dict_get does. The end of a key's ttl is
** such a change too.
**
** FM_NOT_FOUND    the key is absent by now; *now is 0
** FM_TIMEOUT      the version stayed the same
** FM_INVALID      the key is wrong; a negative time-out */
FM_API int fm_dict_wait(fm_dict *d, const void *key, size_t length, uint64_t version, double timeout,
                        fm_value *out, uint64_t *now, fm_error *e);

typedef struct fm_dict_info {
  uint64_t count;    /* the number of keys */
  uint64_t used;     /* bytes of blocks with keys and values */
  uint64_t capacity; /* bytes of all blocks */
} fm_dict_info;

/* Fills *out, with the counts of one moment. Keys that have expired do not count. Nor do blocks that a
** process took for a value and left when it was killed: the next value that needs them gets them. It acquires
** no lock.
**
** FM_IN_USE       other processes changed the counts all the time, for more than 1 second */
FM_API int fm_dict_get_info(fm_dict *d, fm_dict_info *out, fm_error *e);

/* A cursor goes through all keys, in no order. It returns a key that exists during the whole iteration
** exactly once, whatever other processes do. Close *out with fm_dict_cursor_close, before the dictionary. */
typedef struct fm_dict_cursor fm_dict_cursor;
FM_API int fm_dict_cursor_open(fm_dict_cursor **out, fm_dict *d, fm_error *e);

/* Reads the next key, its value and version. The bytes of both stay until the cursor's next call.
**
** FM_NOT_FOUND    there are no more keys
** FM_IN_USE       other processes changed these keys all the time, for more than 1 second */
FM_API int fm_dict_cursor_next(fm_dict_cursor *c, const void **key, size_t *length, fm_value *out,
                               uint64_t *version, fm_error *e);

/* Closes the cursor. NULL is allowed. */
FM_API void fm_dict_cursor_close(fm_dict_cursor *c);

FM_API const char *fm_dict_name(const fm_dict *d); /* lives as long as the object */

/* Closes the object. NULL is allowed. */
FM_API void fm_dict_close(fm_dict *d);

/* {-- This system -------------------------------------------------------------------------------- */

/* Returns "posix", "win32", or "stub" for a system without a port. */
FM_API const char *fm_platform(void);

/* Return the units of the system in bytes: of protection and commitment, and of the addresses at which it
** maps. Offsets of views need not be multiples of either. */
FM_API size_t fm_page_size(void);
FM_API size_t fm_granularity(void);

/* Returns the seconds of a monotonic clock since some moment in the past. Source: clock_gettime(2) with
** CLOCK_MONOTONIC, QueryPerformanceCounter. */
FM_API double fm_now(void);

/* Suspends the thread for so many seconds, from 0. A signal does not cut it short. Source: nanosleep(2),
** Sleep. */
FM_API void fm_sleep(double seconds);

#ifdef __cplusplus
}
#endif

#endif
