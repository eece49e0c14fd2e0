/* Named sections that live as on Win32: a name exists as long as a process holds its section. holders.c
** describes the protocol.
**
** Sync objects are sections too. The sticky bit of the file's mode marks them. Linux gives
** that bit no other meaning for a regular file (chmod(2)), and it is set before the file gets its name. */
#include "named.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_LINUX

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The path that leads to an open file, whether it has a name or not. */
enum { LINK_SIZE = 40 };
static const char *link_of(char link[LINK_SIZE], int fd)
{
  snprintf(link, LINK_SIZE, "/proc/self/fd/%d", fd);
  return link;
}

/* Is the section for the purpose that is wanted? This is asked only of sections that a process holds: a
** stale one does not exist. */
static int check_purpose(const struct stat *st, fm_purpose purpose, fm_error *e)
{
  if (purpose == (st->st_mode & S_ISVTX ? FM_FOR_SYNC : FM_FOR_MEMORY)) return FM_OK;
  if (purpose == FM_FOR_SYNC)
    return fm_fail(e, FM_INVALID, "the name stands for a section or a channel, not for a sync object");
  return fm_fail(e, FM_INVALID, "the name stands for a mutex, semaphore or event (filemap.sync), "
                 "not for a section or a channel");
}

static fm_section new_section(const fm_request *r)
{
  return (fm_section){
    .fd = -1, .backing = FM_NAMED, .forks = fm_linux_forks(), .is_shared = r->options.inherit,
  };
}

static int fail_held_back(fm_error *e)
{
  return fm_fail(e, FM_IN_USE, "another process kept a lock on it through %d tries", FM_TRIES);
}

/* {-- Creating ---------------------------------------------------------------------------------- */

/* FM_OK if a section of that name can be made. */
static int check_free(const fm_name_file *file, fm_purpose purpose, fm_error *e)
{
  struct stat st;
  int tries = FM_TRIES;
  const int code = fm_examine(&st, file, &tries, e);
  switch (code) {
  case FM_NOT_FOUND: return FM_OK;
  case FM_OK: return check_purpose(&st, purpose, e) == FM_OK ? fm_fail(e, FM_EXISTS, NULL) : FM_INVALID;
  case FM_UNREMOVABLE:
    return fm_fail(e, FM_DENIED, "no process holds it, but only user %ju, its maker, or root can remove it",
                   (uintmax_t)st.st_uid);
  case FM_IN_USE: return fail_held_back(e);
  default: return code;
  }
}

/* With errno in `native`: the error table has other codes for these numbers. */
static int fail_unsupported(fm_error *e, const char *why)
{
  const int native = errno;
  fm_fail(e, FM_UNSUPPORTED, "%s", why);
  if (e) e->native = native;
  return FM_UNSUPPORTED;
}

static int make_nameless(int *out, fm_error *e)
{
  int fd = fm_linux_open(FM_FOLDER, O_TMPFILE | O_RDWR, 0600);
  if (fd < 0 && errno == ENOSPC) { /* the file system has a limit on files */
    fm_free_stale();
    fd = fm_linux_open(FM_FOLDER, O_TMPFILE | O_RDWR, 0600);
  }
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EOPNOTSUPP || errno == EISDIR))
    return fail_unsupported(e, FM_FOLDER " does not exist or is not a tmpfs");
  if (fd < 0) return fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

/* The mode is set by fchmod(2), because the umask would apply to open(2), and belongs to the whole
** process. */
static int make(int *out, const fm_request *r, fm_error *e)
{
  int fd = -1;
  int code = make_nameless(&fd, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("nameless");
  code = fm_linux_set_size(fd, 0, r->options.size, r->options.commit, e);
  if (code == FM_OK) code = fm_linux_write_initial(fd, r, e);
  const mode_t mode = (mode_t)r->options.mode | (r->purpose == FM_FOR_SYNC ? S_ISVTX : 0);
  if (code == FM_OK && fchmod(fd, mode) != 0) code = fm_fail_native(e, errno);
  if (code == FM_OK) code = fm_hold_new(fd, e);
  if (code == FM_OK) *out = fd;
  else close(fd);
  return code;
}

/* linkat(2) documents this way to link a file that has no name. */
static int give_name(int fd, const char *path, fm_error *e)
{
  char link[LINK_SIZE];
  FM_TEST_HOOK("made");
  if (linkat(AT_FDCWD, link_of(link, fd), AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) return FM_OK;
  return errno == ENOENT ? fail_unsupported(e, "/proc is not mounted") : fm_fail_native(e, errno);
}

/* The locks of a verbatim section have no effect: no process looks for them. */
int fm_named_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e)
{
  fm_section made = new_section(r);
  int code = fm_name_file_of(&made.file, name, e);
  if (code != FM_OK) return code;
  fm_free_some_stale();
  code = check_free(&made.file, r->purpose, e);
  FM_TEST_HOOK("vacant");
  if (code == FM_OK) code = make(&made.fd, r, e);
  if (code != FM_OK) return code;
  *s = made;
  if (r->prepare && (code = r->prepare(r->context, s, e)) != FM_OK) {
    close(made.fd);
    return code;
  }
  for (int i = 0; i < FM_TRIES; i++) {
    code = give_name(made.fd, made.file.path, e);
    if (code == FM_OK) {
      FM_TEST_HOOK("named");
      return FM_OK;
    }
    if (code == FM_EXISTS) code = check_free(&made.file, r->purpose, e);
    if (code != FM_OK) break;
  }
  close(made.fd);
  if (code != FM_OK) return code;
  return fm_fail(e, FM_IN_USE, "the name was created and removed %d times meanwhile", FM_TRIES);
}

/* {-- Opening ----------------------------------------------------------------------------------- */

/* This user may not write the section. Does any process hold it? FM_NOT_FOUND or FM_UNREMOVABLE if not. */
static int examine_denied(const fm_name_file *file, fm_error *e)
{
  fm_error ignored;
  struct stat st;
  int tries = FM_TRIES;
  const int code = fm_examine(&st, file, &tries, &ignored);
  if (code == FM_NOT_FOUND) return fm_fail(e, FM_NOT_FOUND, NULL);
  return code == FM_UNREMOVABLE ? code : FM_DENIED;
}

/* Opens the file and becomes a holder of the section. */
static int open_and_hold(int *out, struct stat *st, const fm_name_file *file, int flags, fm_error *e)
{
  int tries = FM_TRIES;
  do {
    int fd = -1;
    int code = fm_name_file_open(&fd, st, file, flags, e);
    if (code == FM_DENIED && flags == O_RDWR && file->kind != FM_VERBATIM) return examine_denied(file, e);
    if (code != FM_OK) return code;
    if (file->kind != FM_VERBATIM) code = fm_hold(fd, st, file, &tries, e);
    if (code == FM_OK) *out = fd;
    else close(fd);
    if (code != FM_IN_USE && code != FM_NOT_FOUND) return code;
  } while (tries-- > 0);
  return fail_held_back(e);
}

int fm_named_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e)
{
  fm_section found = new_section(r);
  struct stat st;
  int code = fm_name_file_of(&found.file, name, e);
  const int flags = fm_linux_open_flags(r->options.access);
  if (code == FM_OK) code = open_and_hold(&found.fd, &st, &found.file, flags, e);
  if (code == FM_UNREMOVABLE) return fm_fail(e, FM_NOT_FOUND, NULL);
  if (code != FM_OK) return code;
  code = check_purpose(&st, r->purpose, e);
  if (code == FM_OK && st.st_size == 0) code = fm_fail(e, FM_INVALID, "it has a size of 0 bytes");
  if (code != FM_OK) {
    fm_named_close(&found);
    return code;
  }
  *s = found;
  *size = (uint64_t)st.st_size;
  return FM_OK;
}

/* The system tells the path of a descriptor by the target of its link in /proc. */
void fm_named_adopt(fm_section *s)
{
  char link[LINK_SIZE], path[sizeof s->file.path + 1];
  const ssize_t n = readlink(link_of(link, s->fd), path, sizeof path - 1);
  if (n < 0 || (size_t)n >= sizeof path - 1) return;
  path[n] = 0;
  if (strncmp(path, FM_FOLDER, strlen(FM_FOLDER)) != 0 ||
      !fm_name_of_file(&s->file, NULL, geteuid(), path + strlen(FM_FOLDER)))
    s->file.path[0] = 0;
}

/* {-- Closing ----------------------------------------------------------------------------------- */

/* The new descriptor is opened by the path where only this user can have put another file there, else by
** the link in /proc, which leads to the file itself but takes longer. */
static int open_again(const fm_section *s)
{
  char link[LINK_SIZE];
  if (s->file.kind == FM_LOCAL) return fm_linux_open(s->file.path, O_RDONLY | O_NOFOLLOW, 0);
  return fm_linux_open(link_of(link, s->fd), O_RDONLY, 0);
}

/* Other processes may have the same open file description. If there is no free descriptor to open the file
** again, it is opened after its own one is closed. */
static void close_shared(fm_section *s)
{
  struct stat st;
  int tries = FM_TRIES;
  const int again = open_again(s);
  FM_TEST_HOOK("leaving");
  close(s->fd);
  FM_TEST_HOOK("left");
  if (again < 0) {
    fm_examine(&st, &s->file, &tries, NULL);
    return;
  }
  if (fstat(again, &st) == 0) fm_remove_if_stale(again, &st, &s->file, &tries, NULL);
  close(again);
}

/* The process may have changed its user id, and then may not be allowed to unlink its own name. It frees
** the memory at least: a stale section never gets a holder again. */
static void remove_own(fm_section *s)
{
  struct stat st;
  int tries = FM_TRIES;
  if (fstat(s->fd, &st) != 0) return;
  if (fm_remove_if_stale(s->fd, &st, &s->file, &tries, NULL) == FM_UNREMOVABLE && st.st_uid == s->file.user)
    (void)!ftruncate(s->fd, 0);
}

/* No other process has the open file description. */
static void close_own(fm_section *s)
{
  FM_TEST_HOOK("leaving");
  fm_end_hold(s->fd);
  FM_TEST_HOOK("left");
  if (fm_linux_see_lock(s->fd, FM_LIVENESS) <= 0) remove_own(s);
  close(s->fd);
}

void fm_named_close(fm_section *s)
{
  if (s->file.kind == FM_VERBATIM) close(s->fd);
  else if (s->is_shared || s->forks != fm_linux_forks()) close_shared(s);
  else close_own(s);
}

#endif
