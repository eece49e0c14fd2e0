/* Named segments that live as on Win32: a name is there as long as somebody holds it.
**
** A segment is a file in /dev/shm, where shm_open has its own too. The kernel must keep the count of its
** holders, since a process that is killed runs no code of ours. It does so by flock(2): every holder has
** a shared lock by a descriptor or mapping of its own, and the kernel drops the lock of a dead one. Hence
** who gets the exclusive lock has found a segment that nobody holds, a dead one, and removes it.
**
** - A segment is made without a name (O_TMPFILE), sized, locked, and only then linked, which is atomic
**   and fails where the name is taken. A name is never half-made.
** - An opener tries for the exclusive lock (a dead one: as good as not there), then for a shared one, and
**   then looks whether the file still has its name; if not, the last holder went meanwhile: begin again.
** - A holder that lets go closes its own descriptor and tries for the exclusive lock on a new one. The
**   new one matters: after a fork both sides share one open file, whose lock would be converted, though
**   the other side still holds it.
** - No lock is waited for. Whoever may read a Global\ segment can lock it for ever; tries are counted.
**
** Sync objects are segments too, told from others by the sticky bit of their mode, which means nothing else for a
** regular file on Linux (chmod(2)), and is there before the name is.
**
** /dev/shm is sticky, so that another user can neither remove nor rename what is ours; he can plant a
** file under a name that we want. So each is looked at before it is opened (opening a device or FIFO has
** effects), opened without following links or waiting, and looked at again. */
#include "posix.h"

#if FM_SYSTEM_POSIX

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define FOLDER "/dev/shm/"
#define OURS "filemap."
#define GLOBAL OURS "global."

enum { PATH_SIZE = sizeof FOLDER + 32 + FM_NAME_SIZE, LINK_SIZE = 40 };

/* What look_up found, beside the codes: a segment that nobody holds but another user owns. */
enum { UNREMOVABLE = -1 };

/* {-- Paths ------------------------------------------------------------------------------------- */

/* The start of the file names of this user's Local\ segments. */
static int local_prefix(char *out, size_t size)
{
  return snprintf(out, size, OURS "%" PRIdMAX ".", (intmax_t)geteuid());
}

/* A / in a name stands as \ in the file's, which no name holds. */
static void replace(char *s, char from, char to)
{
  for (; *s != 0; s++)
    if (*s == from) *s = to;
}

static int path_of(char path[PATH_SIZE], const fm_name *name, fm_error *e)
{
  char prefix[32] = "";
  if (name->kind == FM_VERBATIM && strchr(name->rest, '/'))
    return fm_fail(e, FM_INVALID, "a name for shm_open holds no second /");
  if (name->kind == FM_VERBATIM && strncmp(name->rest, OURS, strlen(OURS)) == 0)
    return fm_fail(e, FM_INVALID, "names that start with /" OURS " belong to other kinds");
  if (name->kind == FM_LOCAL) local_prefix(prefix, sizeof prefix);
  if (name->kind == FM_GLOBAL) strcpy(prefix, GLOBAL);
  snprintf(path, PATH_SIZE, FOLDER "%s%s", prefix, name->rest);
  replace(path + strlen(FOLDER), '/', '\\');
  return FM_OK;
}

/* What leads to an open file, named or not. */
static const char *link_of(char link[LINK_SIZE], int fd)
{
  snprintf(link, LINK_SIZE, "/proc/self/fd/%d", fd);
  return link;
}

/* {-- Looking, locking, removing ---------------------------------------------------------------- */

/* Is it a file that may be opened by that name? Its maker must be this user unless it is for all. */
static int check_file(const struct stat *st, fm_kind kind, fm_error *e)
{
  if (kind == FM_LOCAL && st->st_uid != geteuid())
    return fm_fail(e, FM_DENIED, "the name was taken by another user");
  if (!S_ISREG(st->st_mode))
    return fm_fail(e, FM_INVALID, "what has that name is not a segment of memory");
  /* Another user may link what he can write, a Global segment of ours, under any name. */
  if (kind != FM_VERBATIM && st->st_nlink > 1)
    return fm_fail(e, FM_DENIED, "what has that name was linked there from elsewhere");
  return FM_OK;
}

static int open_checked(int *out, struct stat *st, const char *path, fm_kind kind, int flags, fm_error *e)
{
  if (lstat(path, st) != 0) return fm_fail_native(e, errno);
  int code = check_file(st, kind, e);
  if (code != FM_OK) return code;
  const int fd = fm_posix_open(path, flags | O_NOFOLLOW, 0);
  if (fd < 0) return fm_fail_native(e, errno);
  code = fstat(fd, st) == 0 ? check_file(st, kind, e) : fm_fail_native(e, errno);
  if (code == FM_OK) *out = fd;
  else close(fd);
  return code;
}

/* Is the open file still the one that `path` names? Between the opening and the lock another may have
** removed it, and a third made a new one. */
static bool has_name(const struct stat *opened, const char *path)
{
  struct stat named;
  return lstat(path, &named) == 0 && opened->st_ino == named.st_ino && opened->st_dev == named.st_dev;
}

/* Is it of the kind that is wanted? Asked of what somebody holds: a dead one is not there. */
static int check_sync(const struct stat *st, bool sync, fm_error *e)
{
  if (!(st->st_mode & S_ISVTX) == !sync) return FM_OK;
  return fm_fail(e, FM_INVALID, sync ? "the name stands for memory, not for a sync object"
                                     : "the name stands for a sync object, not for memory");
}

/* Does anybody hold what is at `path`? If nobody does, it is removed. What cannot be looked at counts as
** not held, and stays. */
static bool visit(const char *path, fm_kind kind, uint64_t *size)
{
  struct stat st;
  int fd = -1;
  if (open_checked(&fd, &st, path, kind, O_RDONLY, NULL) != FM_OK) return false;
  const bool dead = fm_posix_try_lock(fd, LOCK_EX);
  const bool named = has_name(&st, path);
  if (dead && named) unlink(path);
  close(fd);
  *size = named ? (uint64_t)st.st_size : 0;
  return !dead && named;
}

/* One try to become a holder of what is open as `fd`: FM_OK, FM_NOT_FOUND or UNREMOVABLE for a dead one,
** FM_IN_USE if it has to be tried again. */
static int hold(int fd, const struct stat *st, const char *path)
{
  if (fm_posix_try_lock(fd, LOCK_EX)) {
    if (!has_name(st, path)) return FM_IN_USE;
    return unlink(path) == 0 || errno == ENOENT ? FM_NOT_FOUND : UNREMOVABLE;
  }
  return fm_posix_try_lock(fd, LOCK_SH) && has_name(st, path) ? FM_OK : FM_IN_USE;
}

/* It may not be written, but is anybody there at all? FM_NOT_FOUND or UNREMOVABLE if not. */
static int probe_denied(const char *path, fm_kind kind, fm_error *e)
{
  fm_error ignored;
  struct stat st;
  uint64_t size;
  int fd = -1;
  if (open_checked(&fd, &st, path, kind, O_RDONLY, &ignored) != FM_OK) return FM_DENIED;
  const int code = hold(fd, &st, path);
  close(fd);
  if (code == FM_NOT_FOUND) return fm_fail(e, code, NULL);
  if (code == FM_OK) visit(path, kind, &size); /* the others may have gone while we held it */
  return code == UNREMOVABLE ? code : FM_DENIED;
}

/* Opens what is at `path` and becomes one of its holders. */
static int look_up(int *out, struct stat *st, const char *path, fm_kind kind, int flags, fm_error *e)
{
  for (int i = 0; i < FM_TRIES; i++) {
    int fd = -1;
    int code = open_checked(&fd, st, path, kind, flags, e);
    if (code == FM_DENIED && flags == O_RDWR && kind != FM_VERBATIM) return probe_denied(path, kind, e);
    if (code != FM_OK) return code;
    if (kind != FM_VERBATIM) code = hold(fd, st, path);
    if (code == FM_OK) *out = fd;
    else close(fd);
    if (code != FM_IN_USE) return code == FM_NOT_FOUND ? fm_fail(e, code, NULL) : code;
    fm_posix_pause(i);
  }
  return fm_fail(e, FM_IN_USE, "another process holds it back");
}

/* {-- Making ------------------------------------------------------------------------------------ */

/* FM_OK if a segment of that name can be made. */
static int check_vacant(const char *path, const fm_name *name, bool sync, fm_error *e)
{
  struct stat st;
  int fd;
  const int code = look_up(&fd, &st, path, name->kind, O_RDONLY, e);
  if (code == FM_NOT_FOUND) return FM_OK;
  if (code == UNREMOVABLE)
    return fm_fail(e, FM_DENIED, "nobody holds it, but only its maker can remove it");
  if (code != FM_OK) return code;
  fm_segment_release(fd, name);
  return check_sync(&st, sync, e) == FM_OK ? fm_fail(e, FM_EXISTS, NULL) : FM_INVALID;
}

/* By errno, which of a missing folder says something else. */
static int fail_unsupported(fm_error *e, const char *why)
{
  const int native = errno;
  fm_fail(e, FM_UNSUPPORTED, "%s", why);
  if (e) e->native = native;
  return FM_UNSUPPORTED;
}

/* A file of memory that has no name yet. */
static int make_nameless(int *out, fm_error *e)
{
  const int fd = fm_posix_open(FOLDER, O_TMPFILE | O_RDWR, 0600);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EOPNOTSUPP || errno == EISDIR))
    return fail_unsupported(e, FOLDER " is not there, or no tmpfs");
  if (fd < 0) return fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

/* Gives it its name, all at once. linkat(2) tells of this way through /proc. */
static bool give_name(int fd, const char *path)
{
  char link[LINK_SIZE];
  return linkat(AT_FDCWD, link_of(link, fd), AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

static int make(int *out, bool sync, uint64_t size, const fm_options *o, fm_error *e)
{
  int fd = -1;
  int code = make_nameless(&fd, e);
  if (code != FM_OK) return code;
  const mode_t mode = (mode_t)o->mode | (sync ? S_ISVTX : 0);
  code = fm_posix_set_size(fd, 0, size, o->commit, e);
  if (code == FM_OK) code = fm_posix_write_initial(fd, o, e);
  /* Not by umask, which belongs to the whole process. */
  if (code == FM_OK && (fchmod(fd, mode) != 0 || !fm_posix_try_lock(fd, LOCK_SH)))
    code = fm_fail_native(e, errno);
  if (code == FM_OK) *out = fd;
  else close(fd);
  return code;
}

/* A verbatim segment takes part in no locking; the shared lock does it no harm. */
int fm_segment_create(int *out, const fm_name *name, bool sync, uint64_t size, const fm_options *o, fm_error *e)
{
  char path[PATH_SIZE];
  int fd = -1;
  fm_segment_list(NULL, 0, NULL, NULL);
  int code = path_of(path, name, e);
  if (code == FM_OK) code = check_vacant(path, name, sync, e);
  if (code == FM_OK) code = make(&fd, sync, size, o, e);
  if (code != FM_OK) return code;
  for (int i = 0; i < FM_TRIES; i++) {
    if (give_name(fd, path)) {
      *out = fd;
      return FM_OK;
    }
    code = errno == EEXIST ? check_vacant(path, name, sync, e)
         : errno == ENOENT ? fail_unsupported(e, "/proc is not mounted")
                           : fm_fail_native(e, errno);
    if (code != FM_OK) break;
  }
  close(fd);
  return code != FM_OK ? code : fm_fail(e, FM_IN_USE, "it comes and goes too fast");
}

/* {-- Opening, letting go ----------------------------------------------------------------------- */

int fm_segment_open(int *out, uint64_t *size, const fm_name *name, bool sync, int flags, fm_error *e)
{
  char path[PATH_SIZE];
  struct stat st;
  int fd;
  int code = path_of(path, name, e);
  if (code == FM_OK) code = look_up(&fd, &st, path, name->kind, flags, e);
  if (code == UNREMOVABLE) return fm_fail(e, FM_NOT_FOUND, NULL);
  if (code != FM_OK) return code;
  code = st.st_size > 0 ? check_sync(&st, sync, e) : fm_fail(e, FM_INVALID, "it has a size of 0");
  if (code != FM_OK) {
    fm_segment_release(fd, name);
    return code;
  }
  *out = fd;
  *size = (uint64_t)st.st_size;
  return FM_OK;
}

/* Opens the file of `fd` anew. Only this user can have put another one under a Local name that he holds; for a
** Global one /proc leads to it, whatever has the name by now, which takes longer. */
static int open_again(int fd, fm_kind kind, const char *path)
{
  char link[LINK_SIZE];
  return fm_posix_open(kind == FM_LOCAL ? path : link_of(link, fd), O_RDONLY | (kind == FM_LOCAL ? O_NOFOLLOW : 0), 0);
}

/* Where it cannot be opened anew as long as it is open, for want of descriptors, that is done after. */
void fm_segment_release(int fd, const fm_name *name)
{
  char path[PATH_SIZE];
  struct stat st;
  uint64_t size;
  if (name->kind == FM_VERBATIM || path_of(path, name, NULL) != FM_OK) {
    close(fd);
    return;
  }
  const int again = open_again(fd, name->kind, path);
  close(fd);
  if (again < 0) {
    visit(path, name->kind, &size);
    return;
  }
  const bool was_last = fm_posix_try_lock(again, LOCK_EX);
  if (was_last && fstat(again, &st) == 0 && has_name(&st, path)) unlink(path);
  close(again);
}

int fm_segment_unlink(const fm_name *name, fm_error *e)
{
  char path[PATH_SIZE];
  if (name->kind != FM_VERBATIM)
    return fm_fail(e, FM_INVALID, "only a name that starts with / is removed by hand");
  const int code = path_of(path, name, e);
  if (code != FM_OK) return code;
  return unlink(path) == 0 ? FM_OK : fm_fail_native(e, errno);
}

/* {-- Listing ----------------------------------------------------------------------------------- */

/* The name that a file name stands for, in the spelling with a prefix; false if it is not ours. */
static bool name_of(char out[FM_NAME_SIZE], fm_kind *kind, const char *file)
{
  char local[32];
  const size_t length = (size_t)local_prefix(local, sizeof local);
  const char *rest;
  if (strncmp(file, local, length) == 0) {
    *kind = FM_LOCAL;
    rest = file + length;
  } else if (strncmp(file, GLOBAL, strlen(GLOBAL)) == 0) {
    *kind = FM_GLOBAL;
    rest = file + strlen(GLOBAL);
  } else {
    return false;
  }
  if (rest[0] == 0 || strlen(rest) > FM_NAME_MAX) return false;
  const int prefix = snprintf(out, FM_NAME_SIZE, "%s\\%s", *kind == FM_LOCAL ? "Local" : "Global", rest);
  replace(out + prefix - strlen(rest), '\\', '/');
  return true;
}

int fm_segment_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  DIR *folder = opendir(FOLDER);
  if (!folder) return errno == ENOENT ? fail_unsupported(e, FOLDER " is not there") : fm_fail_native(e, errno);
  size_t found = 0;
  for (const struct dirent *d; (d = readdir(folder)) != NULL;) {
    char path[sizeof FOLDER + 256];
    fm_entry entry;
    fm_kind kind;
    snprintf(path, sizeof path, FOLDER "%s", d->d_name);
    if (!name_of(entry.name, &kind, d->d_name) || !visit(path, kind, &entry.size)) continue;
    if (found < capacity) entries[found] = entry;
    found++;
  }
  closedir(folder);
  if (count) *count = found;
  return FM_OK;
}

#endif
