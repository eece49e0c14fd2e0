/* What the files of the POSIX body share. Include it first: it asks for 64-bit file offsets and for what
** Linux has beyond POSIX. */
#ifndef FILEMAP_LINUX_H
#define FILEMAP_LINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "../system.h"

#if FM_SYSTEM_LINUX

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* open(2), taken up again when a signal interrupts it. Never a controlling terminal, never inherited,
** never waiting for the other end of a FIFO. -1 and errno on failure. */
int fm_linux_open(const char *path, int flags, mode_t mode);

/* Is the open file still the one that `path` names? Between an opening and a lock another may have removed it, and a
** third made a new one. */
bool fm_linux_has_name(const struct stat *opened, const char *path);

/* Removes a file that was made for nothing, unless it has lost its name, or another has made something of it meanwhile.
** Locks it, which ends with `fd`. */
void fm_linux_remove_made(int fd, const char *path);

int fm_linux_set_inherit(int fd, bool inherit, fm_error *e);

/* Gives an open file of `from` bytes `to` of them. Growing with `commit` allocates what it adds, and is
** refused beforehand if it cannot be had; on failure the size is `from` again. Others that grow the file must
** be kept out meanwhile (fm_linux_lock_size). */
int fm_linux_lock_size(int fd, fm_error *e);
int fm_linux_set_size(int fd, uint64_t from, uint64_t to, bool commit, fm_error *e);

/* Writes what a new map begins with. */
int fm_linux_write_initial(int fd, const fm_request *o, fm_error *e);

/* Allocates a range within an open file's size. */
int fm_linux_commit(int fd, uint64_t offset, uint64_t length, fm_error *e);

/* Locks by flock(2) are tried for, never waited for: who may read a file can lock it for ever. Between tries
** the first few only give the processor to others, later ones some time: 0.3 s in all. */
enum { FM_TRIES = 400 };
bool fm_linux_try_lock(int fd, int how);
void fm_linux_pause(int tries);

/* Locks on a byte far behind what a file can hold, by open file (F_OFD_SETLK, fcntl(2)): which ones there are others
** can see without a lock of their own. Number FM_HELD is named_section.c's, the others are seats. */
enum { FM_HELD = 0 };
int fm_linux_lock_byte(int fd, short type, uint32_t number); /* F_RDLCK, F_WRLCK; 0 or an errno */
int fm_linux_see_lock(int fd, uint32_t number);              /* 1: another open file has it; 0; -1 and errno */

/* {-- Sections (section.c) ----------------------------------------------------------------------- */

/* FM_UNSUPPORTED for what is requested of Windows alone. */
int fm_linux_check_request(const fm_request *r, fm_error *e);

int fm_linux_open_flags(int access);

/* {-- Named sections (named_section.c) ----------------------------------------------------------- */

/* A section of that name, created or opened, with this process among its holders: fills fd, kind and path. */
int fm_named_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e);
int fm_named_open(fm_section *s, uint64_t *size, const fm_name *name, int flags, fm_error *e);

/* Ends this process's hold, when no mapping is left, and removes the name if no other process holds it. */
void fm_named_close(fm_section *s);

/* Removes this user's sections that have no holder. It does not wait where it cannot tell. */
void fm_named_sweep(void);

/* {-- Huge pages (huge_pages.c) ------------------------------------------------------------------ */

/* Bytes of a file's pages if they are huge, else 0. */
size_t fm_huge_page(int fd);

/* An unnamed file of huge pages. FM_UNSUPPORTED where the administrator has set none aside. */
int fm_make_huge(int *out, fm_error *e);

#endif
#endif
