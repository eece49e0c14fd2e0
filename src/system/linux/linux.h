/* The functions that the files of this folder share. This header must be included first, because it
** selects 64-bit file offsets and the functions that Linux has beyond POSIX. */
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

FM_BEGIN_HIDDEN

/* The flags of open(2) for an access. */
int fm_linux_open_flags(int access);

/* open(2), repeated when a signal interrupts it. The descriptor is not inherited, never becomes a
** controlling terminal, and does not wait for the other end of a FIFO. -1 and errno on failure. */
int fm_linux_open(const char *path, int flags, mode_t mode);

/* Is the open file still the one that `path` names? Between an open and a lock another process may have
** removed it, and a third may have made a new one. */
bool fm_linux_has_name(const struct stat *opened, const char *path);

/* Removes the file of `fd`, which a failed call made, unless it has lost its name or another process has
** given it a size meanwhile. */
void fm_linux_remove_made(int fd, const char *path);

/* Sets whether child processes inherit the descriptor. */
int fm_linux_set_inherit(int fd, bool inherit, fm_error *e);

/* Changes the size of an open file from `from` to `to` bytes. Growing with `commit` allocates the memory.
** It fails with FM_NO_SPACE or FM_NO_MEMORY before it allocates anything if the system cannot have so
** much, but not before the memory of stale names is freed. On failure the size is `from` again. The caller
** keeps other processes that grow the file out (fm_linux_lock_size, FM_IN_USE; fm_linux_unlock_size). */
int fm_linux_lock_size(int fd, fm_error *e);
void fm_linux_unlock_size(int fd);
int fm_linux_set_size(int fd, uint64_t from, uint64_t to, bool commit, fm_error *e);

/* Allocates a range of an open file, with the same errors. FM_TRUNCATED if the file ends before the range
** does. */
int fm_linux_commit(int fd, uint64_t offset, uint64_t length, fm_error *e);

/* Writes the first bytes of a new section. */
int fm_linux_write_initial(int fd, const fm_request *r, fm_error *e);

/* A lock of flock(2). It fails with errno EWOULDBLOCK instead of waiting: any process that may read a file
** can keep a lock on it forever. A caller tries FM_TRIES times and pauses between them. The first pauses
** only yield the processor, later ones sleep: 0.3 s in all. */
enum { FM_TRIES = 400 };
bool fm_linux_try_lock(int fd, int how);
void fm_linux_pause(int tries);

/* Locks on one byte far behind the end of any file, by open file description (F_OFD_SETLK, fcntl(2)). Number
** FM_LIVENESS is the liveness lock of holders.c; the others are seats.
**
** fm_linux_lock_byte   `type` is F_RDLCK, F_WRLCK or F_UNLCK. 0 or an errno.
** fm_linux_see_lock    1 if another open file description has the byte locked, 0 if none has; -1 and
**                      errno. */
enum { FM_LIVENESS = 0 };
int fm_linux_lock_byte(int fd, short type, uint32_t number);
int fm_linux_see_lock(int fd, uint32_t number);

/* How often this process and its ancestors have forked by fork(3). Children of vfork(2), posix_spawn(3)
** and system(3) do not count: they share no open file description after their exec, since descriptors are
** close-on-exec. */
unsigned fm_linux_forks(void);

/* {-- Sections (section.c) ----------------------------------------------------------------------- */

/* FM_UNSUPPORTED for an option that only Windows has: in a request, or a security descriptor that is not
** NULL. */
int fm_linux_check_request(const fm_request *r, fm_error *e);
int fm_linux_refuse_sddl(const char *sddl, fm_error *e);

/* {-- Named sections (named_section.c, name_file.c, name_list.c) --------------------------------- */

/* In the mode of a file that lost the name of its section, but has another link. */
enum { FM_DISOWNED = S_ISUID };

/* Create or open the section of a name, with this process as a holder: they fill fd, backing, forks and
** file. */
int fm_named_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e);
int fm_named_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e);

/* Fills s->file if the file of s->fd has the name of a section. */
void fm_named_adopt(fm_section *s);

/* Ends this process's hold, when no mapping is left, and removes the name if no other process holds it. */
void fm_named_close(fm_section *s);

/* Free the memory of this user's stale sections: of all; of all with a process's first call, then of a few
** with each. */
void fm_free_stale(void);
void fm_free_some_stale(void);

/* {-- Semaphores of sem_open(3) (posix_semaphore.c) ----------------------------------------------- */

extern const fm_sync_class fm_posix_semaphore;
int fm_posix_semaphore_unlink(const fm_name *name, fm_error *e);

/* {-- Huge pages (huge_pages.c) ------------------------------------------------------------------ */

/* Bytes of a file's pages if they are huge, else 0. */
size_t fm_huge_page(int fd);

/* Makes an unnamed file of huge pages. FM_UNSUPPORTED if the administrator has reserved none. */
int fm_make_huge(int *out, fm_error *e);

FM_END_HIDDEN

#endif
#endif
