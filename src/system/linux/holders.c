/* The holders of a named section. A killed process runs no code, so the kernel keeps the list: it drops the
** locks of an open file description together with the last descriptor and mapping of that description. Each
** holder has two locks, by an open file description of its own:
**
** - the liveness lock, on one byte (F_OFD_SETLK, fcntl(2)). Other processes can see it without locking
**   anything (F_OFD_GETLK), so examining a section never delays its holders.
** - the shared lock of flock(2), which keeps the name from being removed while a process becomes a holder.
**
** A section without a liveness lock is stale, or a process is about to become its holder or to remove it.
**
** A process C creates a section:
** 1. C makes a file without a name (O_TMPFILE), gives it its size, its first bytes and its mode.
** 2. C acquires the shared lock and the liveness lock.
** 3. C links the file at the name's path. linkat(2) is atomic and fails if the path exists. So a name never
**    stands for an unfinished section.
**
** A process O opens a section:
** 1. O opens the file at the path and looks for a liveness lock. If there is none, O removes the name (below)
**    and reports that the name does not exist.
** 2. O acquires the shared lock. If a remover has the exclusive lock, O starts again at 1.
** 3. O looks for a liveness lock again. If there is none, the last holder ended between steps 1 and 3: O
**    releases the shared lock and starts again at 1.
** 4. O acquires its own liveness lock. If the last holder ended after step 3, O's shared lock has kept the
**    name from being removed. So each holder begins while another process has one of the two locks, and a
**    section with neither lock never gets a holder again.
**
** A process R removes a name that seems stale:
** 1. R looks for a liveness lock, and stops if there is one.
** 2. R tries to acquire the exclusive lock of flock(2). This fails while another process has a lock of
**    flock(2). R then starts again at 1, a limited number of times. No process waits for a lock, because any
**    process that may read a Global section can keep a lock on it forever.
** 3. R unlinks the path, if the path still stands for this file, and releases the exclusive lock.
**
** A holder H closes a section:
** 1. H ends its hold (below).
** 2. H does what a remover does.
**
** How H ends its hold depends on fork(2). A forked child shares its parent's open file description, and so
** the locks.
** - If the process has forked since it opened the section, H closes its descriptor. That unlocks nothing
**   while the child lives. H then examines the section by a new description. (The old one would not show the
**   child's liveness lock, and locking through it would convert the child's shared lock.)
** - If the process has not forked, H releases its locks and then closes. Closing alone would not unlock while
**   another thread starts a program: posix_spawn(3) and system(3) run no fork handlers, and their child has
**   copies of all descriptors until its exec. H releases the shared lock first and the liveness lock second.
**   So a remover never finds a section that has no liveness lock and is locked by the process that closes
**   it. */
#include "named.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_LINUX

int fm_hold_new(int fd, fm_error *e)
{
  if (!fm_linux_try_lock(fd, LOCK_SH)) return fm_fail_native(e, errno);
  const int error = fm_linux_lock_byte(fd, F_RDLCK, FM_LIVENESS);
  return error == 0 ? FM_OK : fm_fail_native(e, error);
}

/* Does another open file description have its liveness lock? FM_OK if so, FM_NOT_FOUND if not. */
static int find_live_holder(int fd, fm_error *e)
{
  const int found = fm_linux_see_lock(fd, FM_LIVENESS);
  if (found < 0) return fm_fail_native(e, errno);
  return found ? FM_OK : FM_NOT_FOUND;
}

/* Unlinks the path. If the file still has a link afterwards, another process that may write it made that
** link. Such a process could lock the file as a holder does, and the file would pass as a section under a
** name that filemap never gave it. So its mode shows that it is disowned. */
static bool remove_name(int fd, const char *path)
{
  struct stat st;
  if (unlink(path) != 0) return errno == ENOENT;
  if (fstat(fd, &st) == 0 && st.st_nlink > 0) (void)!fchmod(fd, FM_DISOWNED);
  return true;
}

/* Steps 2 and 3 of a remover. The exclusive lock is released by hand, because another thread may have
** forked meanwhile, and its child would keep a copy of the descriptor. */
static int remove_without_holder(int fd, const struct stat *st, const char *path)
{
  int code = FM_NOT_FOUND;
  if (!fm_linux_try_lock(fd, LOCK_EX)) return FM_IN_USE;
  FM_TEST_HOOK("dead");
  if (fm_linux_has_name(st, path) && !remove_name(fd, path)) code = FM_UNREMOVABLE;
  FM_TEST_HOOK("removed");
  flock(fd, LOCK_UN);
  return code;
}

int fm_remove_if_stale(int fd, const struct stat *st, const fm_name_file *file, int *tries, fm_error *e)
{
  for (;;) {
    int code = find_live_holder(fd, e);
    if (code != FM_NOT_FOUND) return code;
    code = remove_without_holder(fd, st, file->path);
    if (code != FM_IN_USE) return code;
    if (!fm_linux_has_name(st, file->path)) return FM_NOT_FOUND;
    if (*tries <= 0) return FM_IN_USE;
    fm_linux_pause(FM_TRIES - (*tries)--);
  }
}

int fm_examine(struct stat *st, const fm_name_file *file, int *tries, fm_error *e)
{
  int fd = -1;
  int code = fm_name_file_open(&fd, st, file, O_RDONLY, e);
  if (code != FM_OK) return code;
  if (file->kind != FM_VERBATIM) code = fm_remove_if_stale(fd, st, file, tries, e);
  close(fd);
  return code;
}

/* Steps 3 and 4 of an opener. */
static int lock_liveness(int fd, fm_error *e)
{
  const int code = find_live_holder(fd, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("shared");
  const int error = fm_linux_lock_byte(fd, F_RDLCK, FM_LIVENESS);
  return error == 0 ? FM_OK : fm_fail_native(e, error);
}

int fm_hold(int fd, const struct stat *st, const fm_name_file *file, int *tries, fm_error *e)
{
  int code = fm_remove_if_stale(fd, st, file, tries, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("found");
  if (!fm_linux_try_lock(fd, LOCK_SH)) return FM_IN_USE;
  code = lock_liveness(fd, e);
  if (code != FM_OK) flock(fd, LOCK_UN);
  else FM_TEST_HOOK("marked");
  return code;
}

void fm_end_hold(int fd)
{
  flock(fd, LOCK_UN);
  FM_TEST_HOOK("unlocked");
  fm_linux_lock_byte(fd, F_UNLCK, FM_LIVENESS);
}

#endif
