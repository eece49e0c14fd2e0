/* Giving a file its size, so that the memory is there afterwards or nothing has changed. Without it the
** first write to a page that cannot be had ends the process by SIGBUS. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/* {-- What there is ----------------------------------------------------------------------------- */

/* The number in KiB behind `key` in /proc/meminfo's text. */
static uint64_t meminfo_bytes(const char *text, const char *key)
{
  const char *line = strstr(text, key);
  return line ? strtoull(line + strlen(key), NULL, 10) * 1024 : 0;
}

/* What can still be had of memory and swap, UINT64_MAX if the system does not say. */
static uint64_t memory_left(void)
{
  char text[4096];
  const int fd = fm_linux_open("/proc/meminfo", O_RDONLY, 0);
  if (fd < 0) return UINT64_MAX;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return UINT64_MAX;
  text[n] = 0;
  if (!strstr(text, "MemAvailable:")) return UINT64_MAX;
  return meminfo_bytes(text, "MemAvailable:") + meminfo_bytes(text, "SwapFree:");
}

static bool is_memory(int fd)
{
  enum { TMPFS = 0x01021994 }; /* linux/magic.h */
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS;
}

/* Allocating page by page until it fails would first take all there is from everybody. */
static int check_room(int fd, uint64_t more, fm_error *e)
{
  struct statvfs fs;
  /* A file system of 0 blocks is one without a limit of its own, as memfd_create's. */
  if (fstatvfs(fd, &fs) == 0 && fs.f_blocks > 0 && fs.f_frsize > 0 && more / fs.f_frsize > fs.f_bavail)
    return fm_fail(e, FM_NO_SPACE, "%llu bytes are more than is free", (unsigned long long)more);
  if (is_memory(fd) && more > memory_left())
    return fm_fail(e, FM_NO_MEMORY, "%llu bytes are more memory than is free", (unsigned long long)more);
  return FM_OK;
}

/* {-- Taking it --------------------------------------------------------------------------------- */

static int truncate_to(int fd, uint64_t size)
{
  int result;
  do result = ftruncate(fd, (off_t)size);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

/* Not by ftruncate(2), which would shrink what another program has grown further in the meantime, unless the
** system has nothing else: some C libraries, where the file system cannot allocate. */
static int grow(int fd, uint64_t from, uint64_t to)
{
  int result;
  do result = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
  while (result == EINTR);
  return result == EOPNOTSUPP ? truncate_to(fd, to) : result;
}

static bool is_pending(int number)
{
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

/* Allocating takes its time, and some kernels throw away what they have so far when a signal comes: where a timer sends
** them faster than that (a profiler's), it would begin again without end. */
static void hold_signals(sigset_t *before)
{
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, before);
}

/* Past RLIMIT_FSIZE both calls above fail with EFBIG and send SIGXFSZ to the calling thread, which would
** end the process. So the signal is held back meanwhile, and one that came of it is taken. */
static int resize_quietly(int fd, uint64_t from, uint64_t to, bool commit)
{
  sigset_t only, before;
  sigemptyset(&only);
  sigaddset(&only, SIGXFSZ);
  hold_signals(&before);
  const bool was_pending = is_pending(SIGXFSZ);
  /* The last byte is enough for the size. */
  const int result = to > from ? grow(fd, commit ? from : to - 1, to) : truncate_to(fd, to);
  if (result != 0 && to > from) truncate_to(fd, from);
  if (!was_pending && is_pending(SIGXFSZ)) sigwait(&only, &(int){0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

int fm_linux_set_size(int fd, uint64_t from, uint64_t to, bool commit, fm_error *e)
{
  const int code = to > from && commit ? check_room(fd, to - from, e) : FM_OK;
  if (code != FM_OK) return code;
  const int result = resize_quietly(fd, from, to, commit);
  return result == 0 ? FM_OK : fm_fail_native(e, result);
}

/* Some of it may be there already, and takes no room. Within the file's size, where no limit can be met: what lies
** beyond has been cut. */
int fm_linux_commit(int fd, uint64_t offset, uint64_t length, fm_error *e)
{
  struct stat st;
  sigset_t before;
  if (fstat(fd, &st) != 0) return fm_fail_native(e, errno);
  if ((uint64_t)st.st_size < offset + length) return fm_fail(e, FM_TRUNCATED, NULL);
  const uint64_t there = (uint64_t)st.st_blocks * 512;
  const int code = length > there ? check_room(fd, length - there, e) : FM_OK;
  if (code != FM_OK) return code;
  int result;
  hold_signals(&before);
  do result = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
  while (result != 0 && errno == EINTR);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result == 0 ? FM_OK : fm_fail_native(e, error);
}

#endif
