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

static int fail_irregular(const struct stat *st, fm_error *e)
{
  return fm_fail(e, FM_INVALID, S_ISDIR(st->st_mode) ? "it is a folder, not a regular file"
                                                     : "it is a device, FIFO or socket, not a regular file");
}

/* The file is examined before it is opened, since opening a FIFO or a device has effects. */
static int open_file(int *out, bool *created, const char *path, const fm_request *r, fm_error *e)
{
  const int flags = fm_linux_open_flags(r->options.access);
  for (int i = 0; i < 10; i++) {
    struct stat st;
    const bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode)) return fail_irregular(&st, e);
    if (!exists && (errno != ENOENT || flags != O_RDWR || !r->options.size)) return fm_fail_native(e, errno);
    FM_TEST_HOOK("stated");
    const int fd = fm_linux_open(path, exists ? flags : flags | O_CREAT | O_EXCL, (mode_t)r->options.mode);
    if (fd >= 0) {
      *out = fd;
      *created = !exists;
      return FM_OK;
    }
    /* Another process may have removed or made it in between. */
    if (errno != (exists ? ENOENT : EEXIST)) return fm_fail_native(e, errno);
  }
  return fm_fail_native(e, ENOENT); /* a symbolic link to a path that does not exist */
}

int fm_linux_lock_size(int fd, fm_error *e)
{
  for (int i = 0; i < FM_TRIES; i++) {
    if (fm_linux_try_lock(fd, LOCK_EX)) return FM_OK;
    if (errno != EWOULDBLOCK) return FM_OK; /* the file system has no such locks */
    fm_linux_pause(i);
  }
  return fm_fail(e, FM_IN_USE, "another process kept a lock on it through %d tries", FM_TRIES);
}

void fm_linux_unlock_size(int fd)
{
  flock(fd, LOCK_UN);
}

/* A memfd of another process has no link either, but a path in /proc leads to it. */
static bool is_gone(const struct stat *opened, const char *path)
{
  struct stat now;
  if (opened->st_nlink > 0) return false;
  return stat(path, &now) != 0 || now.st_ino != opened->st_ino || now.st_dev != opened->st_dev;
}

/* Grows the file to the size that the request asks for. The lock lasts from reading the size on: otherwise
** a process whose growing fails would cut the file under another process that grew it. FM_NOT_FOUND if the
** file lost its name. */
static int grow_file(uint64_t *size, int fd, const char *path, const fm_request *r, fm_error *e)
{
  struct stat st;
  int code = fm_linux_lock_size(fd, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("locked");
  if (fstat(fd, &st) != 0) code = fm_fail_native(e, errno);
  else if (!r->win32 && is_gone(&st, path)) code = fm_fail_native(e, ENOENT);
  else if ((uint64_t)st.st_size < r->options.size)
    code = fm_linux_set_size(fd, (uint64_t)st.st_size, r->options.size, r->options.commit, e);
  FM_TEST_HOOK("grown");
  if (code == FM_OK) *size = (uint64_t)st.st_size < r->options.size ? r->options.size : (uint64_t)st.st_size;
  fm_linux_unlock_size(fd);
  return code;
}

static int prepare_file(uint64_t *size, int fd, const char *path, bool created, const fm_request *r,
                        fm_error *e)
{
  struct stat st;
  if (fstat(fd, &st) != 0) return fm_fail_native(e, errno);
  if (!S_ISREG(st.st_mode)) return fail_irregular(&st, e);
  if (created && fchmod(fd, (mode_t)r->options.mode) != 0) return fm_fail_native(e, errno);
  *size = (uint64_t)st.st_size;
  if (r->options.size <= *size) return FM_OK;
  if (!(r->options.access & FM_WRITE))
    return fm_fail(e, FM_TOO_SMALL, "it has %llu bytes, but %llu were requested", (unsigned long long)*size,
                   (unsigned long long)r->options.size);
  return grow_file(size, fd, path, r, e);
}

void fm_linux_remove_made(int fd, const char *path)
{
  struct stat st;
  if (fm_linux_lock_size(fd, NULL) != FM_OK) return;
  if (fstat(fd, &st) == 0 && st.st_size == 0 && fm_linux_has_name(&st, path)) unlink(path);
  fm_linux_unlock_size(fd);
}

int fm_sys_file(fm_section *s, uint64_t *size, const char *path, const fm_request *r, fm_error *e)
{
  const fm_open_file *opened = r->win32 ? r->win32->file : NULL;
  int fd = -1;
  bool created = false;
  int code = fm_linux_check_request(r, e);
  if (code == FM_OK && r->options.name)
    code = fm_fail(e, FM_UNSUPPORTED, "on this system the mapping of a file has no name of its own: "
                                      "other processes open the file by its path");
  if (code != FM_OK) return code;
  for (int i = 0; i < 10; i++) {
    code = opened ? copy_handle(&fd, opened, e) : open_file(&fd, &created, path, r, e);
    if (code != FM_OK) return code;
    FM_TEST_HOOK("opened");
    if (r->options.inherit) code = fm_linux_set_inherit(fd, true, e);
    if (code == FM_OK) code = prepare_file(size, fd, path, created, r, e);
    if (code == FM_OK) {
      *s = (fm_section){.fd = fd, .backing = FM_FILE, .huge_page = fm_huge_page(fd)};
      if (opened && r->options.size) *size = r->options.size;
      return code;
    }
    if (created) fm_linux_remove_made(fd, path);
    close(fd);
    if (code != FM_NOT_FOUND) return code; /* another process removed it meanwhile */
  }
  return code;
}

int fm_sys_refresh(fm_section *s, uint64_t before, uint64_t *size, int access, fm_error *e)
{
  struct stat st;
  (void)before, (void)access;
  if (fstat(s->fd, &st) != 0) return fm_fail_native(e, errno);
  *size = (uint64_t)st.st_size;
  return FM_OK;
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
  fm_linux_unlock_size(s->fd);
  return code;
}

#endif
