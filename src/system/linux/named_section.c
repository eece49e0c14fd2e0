/* Named segments that live as on Win32: a name is there as long as somebody holds it.
**
** A segment is a file in /dev/shm, where shm_open has its own too. The kernel must keep the count of its
** holders, since a process that is killed runs no code of ours. It does so by locks that it drops with
** the last descriptor and mapping of an open file. A holder has two of them by one open file of its own:
**
** - the shared lock of flock(2). Who gets the exclusive one knows that nobody holds the segment, and that
**   nobody will before he lets go: he removes it.
** - a lock on a byte (F_OFD_SETLK, fcntl(2)), the mark. Others see it without locking anything
**   (F_OFD_GETLK), so that to look is never to hold, not even for a moment.
**
** What has no mark is dead, or in the hands of one who is about to remove or to hold it: that is known by
** trying for the exclusive lock.
**
** - A segment is made without a name (O_TMPFILE), sized, held, and only then linked, which is atomic and
**   fails where the name is taken. A name is never half-made.
** - An opener takes the shared lock, looks whether another holds it still, then sets his mark. So every
**   hold begins while another lasts: nothing is held again that was dead, or has lost its name.
** - A holder that lets go closes its own descriptor and looks by a new one. The new one matters: after a
**   fork both sides share one open file, whose lock would be converted, though the other side still holds it.
** - No lock is waited for. Whoever may read a Global\ segment can lock it for ever; tries are counted.
** - The exclusive lock is given back by hand: a fork in another thread may have made a copy of its
**   descriptor that nobody knows of.
**
** Sync objects are segments too, told from others by the sticky bit of their mode, which means nothing else for a
** regular file on Linux (chmod(2)), and is there before the name is.
**
** /dev/shm is sticky, so that another user can neither remove nor rename what is ours; he can plant a
** file under a name that we want. So each is looked at before it is opened (opening a device or FIFO has
** effects), opened without following links or waiting, and looked at again. */
#include "linux.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_LINUX

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "/dev/shm/"
#define OURS "filemap."
#define GLOBAL OURS "global."

enum { PATH_SIZE = sizeof ((fm_section *)0)->path, LINK_SIZE = 40 };

/* In the mode of what lost the name that we gave it, but has another. */
enum { DISOWNED = S_ISUID };

/* What is found beside the codes: a segment that nobody holds but another user owns. */
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
  if (kind != FM_VERBATIM && (st->st_nlink > 1 || st->st_mode & DISOWNED))
    return fm_fail(e, FM_DENIED, "what has that name was linked there from elsewhere");
  return FM_OK;
}

static int open_checked(int *out, struct stat *st, const char *path, fm_kind kind, int flags, fm_error *e)
{
  if (lstat(path, st) != 0) return fm_fail_native(e, errno);
  int code = check_file(st, kind, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("seen");
  const int fd = fm_linux_open(path, flags | O_NOFOLLOW, 0);
  if (fd < 0) return fm_fail_native(e, errno);
  code = fstat(fd, st) == 0 ? check_file(st, kind, e) : fm_fail_native(e, errno);
  if (code == FM_OK) *out = fd;
  else close(fd);
  return code;
}

/* Is it of the kind that is wanted? Asked of what somebody holds: a dead one is not there. */
static int check_sync(const struct stat *st, bool is_sync, fm_error *e)
{
  if (!(st->st_mode & S_ISVTX) == !is_sync) return FM_OK;
  return fm_fail(e, FM_INVALID, is_sync ? "the name stands for memory, not for a sync object"
                                     : "the name stands for a sync object, not for memory");
}

/* Is the open file marked by another holder? FM_OK, FM_NOT_FOUND, or why it cannot be seen. */
static int see_mark(int fd, fm_error *e)
{
  const int marked = fm_linux_see_lock(fd, FM_HELD);
  if (marked < 0) return fm_fail_native(e, errno);
  return marked ? FM_OK : FM_NOT_FOUND;
}

/* Removes a name. Who may write the file may have linked it, and could now hold it under a name that was never given to
** it, as ours: what has a link left is none of ours any more. */
static bool remove_name(int fd, const char *path)
{
  struct stat st;
  if (unlink(path) != 0) return errno == ENOENT;
  if (fstat(fd, &st) == 0 && st.st_nlink > 0) (void)!fchmod(fd, DISOWNED);
  return true;
}

/* What nobody has marked, if nobody is about to hold it, is removed: FM_NOT_FOUND, UNREMOVABLE, or FM_IN_USE. */
static int bury(int fd, const struct stat *st, const char *path)
{
  int code = FM_NOT_FOUND;
  if (!fm_linux_try_lock(fd, LOCK_EX)) return FM_IN_USE;
  FM_TEST_HOOK("dead");
  if (fm_linux_has_name(st, path) && !remove_name(fd, path)) code = UNREMOVABLE;
  FM_TEST_HOOK("buried");
  flock(fd, LOCK_UN);
  return code;
}

/* Does anybody hold the open file? FM_OK; FM_NOT_FOUND if it has gone, or is gone now; UNREMOVABLE. FM_IN_USE if
** somebody keeps that from being known: *tries, which several calls may share, says how often to look again. */
static int examine(int fd, const struct stat *st, const char *path, int *tries, fm_error *e)
{
  for (;;) {
    int code = see_mark(fd, e);
    if (code != FM_NOT_FOUND) return code;
    code = bury(fd, st, path);
    if (code != FM_IN_USE) return code;
    if (!fm_linux_has_name(st, path)) return FM_NOT_FOUND;
    if (*tries <= 0) return FM_IN_USE;
    fm_linux_pause(FM_TRIES - (*tries)--);
  }
}

/* The same of what is at `path`; *st says what it is if somebody does. */
static int visit(struct stat *st, const char *path, fm_kind kind, int *tries, fm_error *e)
{
  int fd = -1;
  int code = open_checked(&fd, st, path, kind, O_RDONLY, e);
  if (code != FM_OK) return code;
  if (kind != FM_VERBATIM) code = examine(fd, st, path, tries, e);
  close(fd);
  return code;
}

/* One try to become a holder of what is open as `fd`; FM_IN_USE and FM_NOT_FOUND: begin again. */
static int join(int fd, const struct stat *st, const char *path, int *tries, fm_error *e)
{
  int code = examine(fd, st, path, tries, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("found");
  if (!fm_linux_try_lock(fd, LOCK_SH)) return FM_IN_USE;
  code = see_mark(fd, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("joining");
  const int error = fm_linux_lock_byte(fd, F_RDLCK, FM_HELD);
  if (error != 0) return fm_fail_native(e, error);
  FM_TEST_HOOK("joined");
  return FM_OK;
}

/* It may not be written, but is anybody there at all? FM_NOT_FOUND or UNREMOVABLE if not. */
static int probe_denied(const char *path, fm_kind kind, fm_error *e)
{
  fm_error ignored;
  struct stat st;
  int tries = FM_TRIES;
  const int code = visit(&st, path, kind, &tries, &ignored);
  if (code == FM_NOT_FOUND) return fm_fail(e, code, NULL);
  return code == UNREMOVABLE ? code : FM_DENIED;
}

static int fail_held_back(fm_error *e)
{
  return fm_fail(e, FM_IN_USE, "another process holds it back");
}

/* Opens what is at `path` and becomes one of its holders. */
static int look_up(int *out, struct stat *st, const char *path, fm_kind kind, int flags, fm_error *e)
{
  int tries = FM_TRIES;
  do {
    int fd = -1;
    int code = open_checked(&fd, st, path, kind, flags, e);
    if (code == FM_DENIED && flags == O_RDWR && kind != FM_VERBATIM) return probe_denied(path, kind, e);
    if (code != FM_OK) return code;
    if (kind != FM_VERBATIM) code = join(fd, st, path, &tries, e);
    if (code == FM_OK) *out = fd;
    else close(fd);
    if (code != FM_IN_USE && code != FM_NOT_FOUND) return code;
  } while (tries-- > 0);
  return fail_held_back(e);
}

/* {-- Making ------------------------------------------------------------------------------------ */

/* FM_OK if a segment of that name can be made. */
static int check_vacant(const char *path, const fm_name *name, fm_error *e)
{
  struct stat st;
  int tries = FM_TRIES;
  const int code = visit(&st, path, name->kind, &tries, e);
  switch (code) {
  case FM_NOT_FOUND: return FM_OK;
  case FM_OK: return check_sync(&st, name->is_sync, e) == FM_OK ? fm_fail(e, FM_EXISTS, NULL) : FM_INVALID;
  case UNREMOVABLE: return fm_fail(e, FM_DENIED, "nobody holds it, but only its maker can remove it");
  case FM_IN_USE: return fail_held_back(e);
  default: return code;
  }
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
  const int fd = fm_linux_open(FOLDER, O_TMPFILE | O_RDWR, 0600);
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

static int make(int *out, bool is_sync, const fm_request *r, fm_error *e)
{
  int fd = -1;
  int code = make_nameless(&fd, e);
  if (code != FM_OK) return code;
  const mode_t mode = (mode_t)r->mode | (is_sync ? S_ISVTX : 0);
  FM_TEST_HOOK("nameless");
  code = fm_linux_set_size(fd, 0, r->size, r->commit, e);
  if (code == FM_OK) code = fm_linux_write_initial(fd, r, e);
  /* Not by umask, which belongs to the whole process. */
  if (code == FM_OK && (fchmod(fd, mode) != 0 || !fm_linux_try_lock(fd, LOCK_SH) ||
                        fm_linux_lock_byte(fd, F_RDLCK, FM_HELD) != 0))
    code = fm_fail_native(e, errno);
  if (code == FM_OK) *out = fd;
  else close(fd);
  return code;
}

/* A verbatim segment takes part in no locking; its locks do it no harm. */
int fm_named_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e)
{
  fm_section made = {.fd = -1, .backing = FM_NAMED, .kind = name->kind};
  fm_named_sweep();
  int code = path_of(made.path, name, e);
  if (code == FM_OK) code = check_vacant(made.path, name, e);
  FM_TEST_HOOK("vacant");
  if (code == FM_OK) code = make(&made.fd, name->is_sync, r, e);
  if (code != FM_OK) return code;
  for (int i = 0; i < FM_TRIES; i++) {
    FM_TEST_HOOK("made");
    if (give_name(made.fd, made.path)) {
      FM_TEST_HOOK("named");
      *s = made;
      return FM_OK;
    }
    code = errno == EEXIST ? check_vacant(made.path, name, e)
         : errno == ENOENT ? fail_unsupported(e, "/proc is not mounted")
                           : fm_fail_native(e, errno);
    if (code != FM_OK) break;
  }
  close(made.fd);
  return code != FM_OK ? code : fm_fail(e, FM_IN_USE, "the name was created and removed %d times meanwhile", FM_TRIES);
}

/* {-- Opening, letting go ----------------------------------------------------------------------- */

int fm_named_open(fm_section *s, uint64_t *size, const fm_name *name, int flags, fm_error *e)
{
  fm_section found = {.fd = -1, .backing = FM_NAMED, .kind = name->kind};
  struct stat st;
  int code = path_of(found.path, name, e);
  if (code == FM_OK) code = look_up(&found.fd, &st, found.path, name->kind, flags, e);
  if (code == UNREMOVABLE) return fm_fail(e, FM_NOT_FOUND, NULL);
  if (code != FM_OK) return code;
  code = st.st_size > 0 ? check_sync(&st, name->is_sync, e) : fm_fail(e, FM_INVALID, "it has a size of 0");
  if (code != FM_OK) {
    fm_named_close(&found);
    return code;
  }
  *s = found;
  *size = (uint64_t)st.st_size;
  return FM_OK;
}

/* Opens the file of `fd` anew. Only this user can have put another one under a Local name that he holds; for a
** Global one /proc leads to it, whatever has the name by now, which takes longer. */
static int open_again(int fd, fm_kind kind, const char *path)
{
  char link[LINK_SIZE];
  return fm_linux_open(kind == FM_LOCAL ? path : link_of(link, fd), O_RDONLY | (kind == FM_LOCAL ? O_NOFOLLOW : 0), 0);
}

/* Where it cannot be opened anew as long as it is open, for want of descriptors, that is done after. */
void fm_named_close(fm_section *s)
{
  struct stat st;
  int tries = FM_TRIES;
  if (s->kind == FM_VERBATIM) {
    close(s->fd);
    return;
  }
  const int again = open_again(s->fd, s->kind, s->path);
  FM_TEST_HOOK("leaving");
  close(s->fd);
  FM_TEST_HOOK("left");
  if (again < 0) {
    visit(&st, s->path, s->kind, &tries, NULL);
    return;
  }
  if (fstat(again, &st) == 0) examine(again, &st, s->path, &tries, NULL);
  close(again);
}

int fm_sys_unlink(const fm_name *name, fm_error *e)
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

/* Another user's cannot be removed, save by root. */
static bool is_removable(const char *path)
{
  struct stat st;
  return geteuid() == 0 || (lstat(path, &st) == 0 && st.st_uid == geteuid());
}

/* Visits all, or `only_removable` ones. What cannot be looked at is not seen, but for want of descriptors or memory. */
static int walk(DIR *folder, bool only_removable, fm_entry *entries, size_t capacity, size_t *found, fm_error *e)
{
  int tries = only_removable ? 0 : FM_TRIES;
  for (;;) {
    char path[sizeof FOLDER + 256];
    struct stat st;
    fm_entry entry;
    fm_kind kind;
    errno = 0;
    const struct dirent *d = readdir(folder);
    if (!d) return errno ? fm_fail_native(e, errno) : FM_OK;
    snprintf(path, sizeof path, FOLDER "%s", d->d_name);
    if (!name_of(entry.name, &kind, d->d_name) || (only_removable && !is_removable(path))) continue;
    const int code = visit(&st, path, kind, &tries, e);
    if (code == FM_SYSTEM || code == FM_NO_MEMORY) return code;
    if (code != FM_OK) continue;
    entry.size = (uint64_t)st.st_size;
    if (*found < capacity) entries[*found] = entry;
    ++*found;
  }
}

int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  size_t found = 0;
  DIR *folder = opendir(FOLDER);
  if (!folder) return errno == ENOENT ? fail_unsupported(e, FOLDER " is not there") : fm_fail_native(e, errno);
  const int code = walk(folder, false, entries, capacity, &found, e);
  closedir(folder);
  if (code == FM_OK) *count = found;
  return code;
}

void fm_named_sweep(void)
{
  size_t found = 0;
  DIR *folder = opendir(FOLDER);
  if (!folder) return;
  walk(folder, true, NULL, 0, &found, NULL);
  closedir(folder);
}

#endif
