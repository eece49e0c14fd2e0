/* What the files of the POSIX body share. Include it first: it asks for 64-bit file offsets and for what
** Linux has beyond POSIX. */
#ifndef FILEMAP_POSIX_H
#define FILEMAP_POSIX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "native.h"

#if FM_SYSTEM_POSIX

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* open(2), taken up again when a signal interrupts it. Never a controlling terminal, never inherited,
** never waiting for the other end of a FIFO. -1 and errno on failure. */
int fm_posix_open(const char *path, int flags, mode_t mode);

/* Is the open file still the one that `path` names? Between an opening and a lock another may have removed it, and a
** third made a new one. */
bool fm_posix_has_name(const struct stat *opened, const char *path);

/* Removes a file that was made for nothing, unless it has lost its name, or another has made something of it meanwhile.
** Locks it, which ends with `fd`. */
void fm_posix_remove_made(int fd, const char *path);

int fm_posix_set_inherit(int fd, bool inherit, fm_error *e);

/* Gives an open file of `from` bytes `to` of them. Growing with `commit` allocates what it adds, and is
** refused beforehand if it cannot be had; on failure the size is `from` again. Others that grow the file must
** be kept out meanwhile (fm_posix_lock_size). */
int fm_posix_lock_size(int fd, fm_error *e);
int fm_posix_set_size(int fd, uint64_t from, uint64_t to, bool commit, fm_error *e);

/* Writes what a new map begins with. */
int fm_posix_write_initial(int fd, const fm_options *o, fm_error *e);

/* Allocates a range within an open file's size. */
int fm_posix_commit(int fd, uint64_t offset, uint64_t length, fm_error *e);

/* Locks by flock(2) are tried for, never waited for: who may read a file can lock it for ever. Between tries
** the first few only give the processor to others, later ones some time: 0.3 s in all. */
enum { FM_TRIES = 400 };
bool fm_posix_try_lock(int fd, int how);
void fm_posix_pause(int tries);

/* Locks on a byte far behind what a file can hold, by open file (F_OFD_SETLK, fcntl(2)): which ones there are others
** can see without a lock of their own. Number FM_HELD is segment_posix.c's, the others are seats. */
enum { FM_HELD = 0 };
int fm_posix_lock_byte(int fd, short type, uint32_t number); /* F_RDLCK, F_WRLCK; 0 or an errno */
int fm_posix_see_lock(int fd, uint32_t number);              /* 1: another open file has it; 0; -1 and errno */

/* {-- Forks (signal_posix.c) --------------------------------------------------------------------- */

/* Between these no thread forks, and one alone changes what the process keeps lists of. */
void fm_posix_lock_process(void);
void fm_posix_unlock_process(void);

/* {-- Named segments (segment_posix.c) ---------------------------------------------------------- */

/* A segment of that name, made new or found, with this process among its holders: an open descriptor,
** and for one that is there its size. */
int fm_segment_create(int *fd, const fm_name *name, bool sync, uint64_t size, const fm_options *o, fm_error *e);
int fm_segment_open(int *fd, uint64_t *size, const fm_name *name, bool sync, int flags, fm_error *e);

/* Ends this process's hold by `fd`, when no mapping of it is left, and removes the name if nobody else
** holds it. */
void fm_segment_release(int fd, const fm_name *name);

int fm_segment_unlink(const fm_name *name, fm_error *e);

/* Visits this system's segments, and removes those of this user that nobody holds. Sweeping only does that, and does not
** wait where it cannot tell. */
int fm_segment_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e);
void fm_segment_sweep(void);

#endif
#endif
