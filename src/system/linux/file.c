/* Maps over files. */
#include "linux.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_LINUX

static int copy_handle(int *out, const fm_open_file *file, fm_error *e)
{
  const int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

/* Looks before it opens, since opening a FIFO or device has effects. */
static int open_file(int *out, bool *created, const char *path, const fm_request *o, fm_error *e)
{
  const int flags = fm_linux_open_flags(o->access);
  for (int i = 0; i < 10; i++) {
    struct stat st;
    const bool is_there = stat(path, &st) == 0;
    if (is_there && !S_ISREG(st.st_mode)) return fm_fail(e, FM_INVALID, "it is not a regular file");
    if (!is_there && (errno != ENOENT || flags != O_RDWR || !o->size)) return fm_fail_native(e, errno);
    FM_TEST_HOOK("stated");
    const int fd = fm_linux_open(path, is_there ? flags : flags | O_CREAT | O_EXCL, (mode_t)o->mode);
    if (fd >= 0) {
      *out = fd;
      *created = !is_there;
      return FM_OK;
    }
    /* Somebody was faster in making or removing it. */
    if (errno != (is_there ? ENOENT : EEXIST)) return fm_fail_native(e, errno);
  }
  return fm_fail_native(e, ENOENT); /* a symbolic link to nothing */
}

int fm_linux_lock_size(int fd, fm_error *e)
{
  for (int i = 0; i < FM_TRIES; i++) {
    if (fm_linux_try_lock(fd, LOCK_EX)) return FM_OK;
    if (errno != EWOULDBLOCK) return FM_OK; /* a file system without such locks */
    fm_linux_pause(i);
  }
  return fm_fail(e, FM_IN_USE, "another process has locked it");
}

/* Grows the file to the size that is asked for. Whoever does so holds a lock from the look at the size on,
** or one whose growing fails would cut the file under another. FM_NOT_FOUND if it has lost its name. */
static int grow_file(uint64_t *size, int fd, const fm_request *o, fm_error *e)
{
  struct stat st;
  int code = fm_linux_lock_size(fd, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("locked");
  if (fstat(fd, &st) != 0) code = fm_fail_native(e, errno);
  else if (st.st_nlink == 0 && !o->file) code = fm_fail_native(e, ENOENT);
  else if ((uint64_t)st.st_size < o->size)
    code = fm_linux_set_size(fd, (uint64_t)st.st_size, o->size, o->commit, e);
  FM_TEST_HOOK("grown");
  if (code == FM_OK) *size = (uint64_t)st.st_size < o->size ? o->size : (uint64_t)st.st_size;
  flock(fd, LOCK_UN);
  return code;
}

static int prepare_file(uint64_t *size, int fd, bool created, const fm_request *o, fm_error *e)
{
  struct stat st;
  if (fstat(fd, &st) != 0) return fm_fail_native(e, errno);
  if (!S_ISREG(st.st_mode)) return fm_fail(e, FM_INVALID, "it is not a regular file");
  if (created && fchmod(fd, (mode_t)o->mode) != 0) return fm_fail_native(e, errno);
  const uint64_t is = (uint64_t)st.st_size;
  *size = is;
  if (o->size <= is) return FM_OK;
  if (!(o->access & FM_WRITE))
    return fm_fail(e, FM_TOO_SMALL, "it has %llu bytes, %llu were asked for", (unsigned long long)is,
                   (unsigned long long)o->size);
  return grow_file(size, fd, o, e);
}

void fm_linux_remove_made(int fd, const char *path)
{
  struct stat st;
  if (fm_linux_lock_size(fd, NULL) == FM_OK && fstat(fd, &st) == 0 && st.st_size == 0 && fm_linux_has_name(&st, path))
    unlink(path);
}

int fm_sys_file(fm_section *s, uint64_t *size, const char *path, const fm_request *r, fm_error *e)
{
  int fd = -1;
  bool created = false;
  int code = fm_linux_check_request(r, e);
  if (code == FM_OK && r->mapping)
    code = fm_fail(e, FM_UNSUPPORTED, "a mapping over a file has no name on this system; other processes open its path");
  if (code != FM_OK) return code;
  for (int i = 0; i < 10; i++) {
    code = r->file ? copy_handle(&fd, r->file, e) : open_file(&fd, &created, path, r, e);
    if (code != FM_OK) return code;
    FM_TEST_HOOK("opened");
    if (r->inherit) code = fm_linux_set_inherit(fd, true, e);
    if (code == FM_OK) code = prepare_file(size, fd, created, r, e);
    if (code == FM_OK) {
      *s = (fm_section){.fd = fd, .backing = FM_FILE, .huge_page = fm_huge_page(fd)};
      if (r->file && r->size) *size = r->size;
      return code;
    }
    if (created) fm_linux_remove_made(fd, path);
    close(fd);
    if (code != FM_NOT_FOUND) return code; /* else it was removed meanwhile */
  }
  return code;
}

int fm_sys_resize(fm_section *s, uint64_t size, int access, fm_error *e)
{
  struct stat st;
  (void)access;
  int code = fm_linux_lock_size(s->fd, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("locked");
  code = fstat(s->fd, &st) == 0 ? fm_linux_set_size(s->fd, (uint64_t)st.st_size, size, true, e)
                                : fm_fail_native(e, errno);
  FM_TEST_HOOK("resized");
  flock(s->fd, LOCK_UN);
  return code;
}

#endif
