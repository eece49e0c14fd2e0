/* File descriptors: opening, locking, inheriting. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <sched.h>
#include <time.h>

int fm_linux_open_flags(int access)
{
  return access & FM_WRITE ? O_RDWR : O_RDONLY;
}

int fm_linux_open(const char *path, int flags, mode_t mode)
{
  int fd;
  do fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

bool fm_linux_try_lock(int fd, int how)
{
  int result;
  do result = flock(fd, how | LOCK_NB);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

static struct flock byte_of(short type, uint32_t number)
{
  const off_t start = ((off_t)1 << 62) + number;
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};
}

int fm_linux_lock_byte(int fd, short type, uint32_t number)
{
  struct flock byte = byte_of(type, number);
  return fcntl(fd, F_OFD_SETLK, &byte) == 0 ? 0 : errno;
}

int fm_linux_see_lock(int fd, uint32_t number)
{
  struct flock byte = byte_of(F_WRLCK, number);
  return fcntl(fd, F_OFD_GETLK, &byte) == 0 ? byte.l_type != F_UNLCK : -1;
}

void fm_linux_pause(int tries)
{
  if (tries < FM_TRIES / 4) sched_yield();
  else nanosleep(&(struct timespec){0, 1000000}, NULL);
}

bool fm_linux_has_name(const struct stat *opened, const char *path)
{
  struct stat named;
  return lstat(path, &named) == 0 && opened->st_ino == named.st_ino && opened->st_dev == named.st_dev;
}

int fm_linux_set_inherit(int fd, bool inherit, fm_error *e)
{
  const int flags = fcntl(fd, F_GETFD);
  const int wanted = inherit ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
  if (flags < 0 || (wanted != flags && fcntl(fd, F_SETFD, wanted) != 0))
    return fm_fail_native(e, errno);
  return FM_OK;
}

int fm_linux_write_initial(int fd, const fm_request *r, fm_error *e)
{
  const char *from = r->initial;
  size_t done = 0;
  while (done < r->initial_size) {
    const ssize_t n = pwrite(fd, from + done, r->initial_size - done, (off_t)done);
    if (n < 0 && errno != EINTR) return fm_fail_native(e, errno);
    if (n > 0) done += (size_t)n;
  }
  return FM_OK;
}

#endif
