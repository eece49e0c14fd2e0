/* Changes the size of a file so that its memory is allocated afterwards, or nothing has changed. Without
** that the first write to a page that the system cannot allocate would end the process by SIGBUS. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/* {-- Free memory ------------------------------------------------------------------------------- */

/* The bytes that /proc/meminfo, of which `text` is a copy, has behind `key` in KiB. */
static uint64_t meminfo_bytes(const char *text, const char *key)
{
  const char *line = strstr(text, key);
  return line ? strtoull(line + strlen(key), NULL, 10) * 1024 : 0;
}

/* The free bytes of memory and swap, UINT64_MAX if unknown. */
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

/* Allocating page by page until it fails would first take all free memory from every other process. */
static int check_room(int fd, uint64_t more, fm_error *e)
{
  struct statvfs fs;
  /* A file system of 0 blocks has no limit of its own: that of memfd_create(2). */
  const bool is_limited = fstatvfs(fd, &fs) == 0 && fs.f_blocks > 0 && fs.f_frsize > 0;
  if (is_limited && more / fs.f_frsize > fs.f_bavail) /* the last page of the file may be allocated already */
    return fm_fail(e, FM_NO_SPACE, "%llu bytes were requested, and its file system has %llu bytes left",
                   (unsigned long long)more, (unsigned long long)fs.f_bavail * fs.f_frsize);
  const uint64_t left = is_memory(fd) ? memory_left() : UINT64_MAX;
  if (more > left)
    return fm_fail(e, FM_NO_MEMORY, "%llu bytes were requested, and %llu bytes of memory are free",
                   (unsigned long long)more, (unsigned long long)left);
  return FM_OK;
}

/* {-- Allocating -------------------------------------------------------------------------------- */

static int truncate_to(int fd, uint64_t size)
{
  int result;
  do result = ftruncate(fd, (off_t)size);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

/* ftruncate(2) would shrink a file that another program has grown further meanwhile. It is used only where
** the file system cannot allocate and the C library does not emulate that. */
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

/* Blocks all signals. Allocating takes long, and some kernels undo it when a signal comes: with a fast
** timer (that of a profiler) it would start again without end. */
static void block_signals(sigset_t *before)
{
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, before);
}

/* Past RLIMIT_FSIZE both calls above fail with EFBIG and send SIGXFSZ to the calling thread, which would
** end the process. So the signal is blocked meanwhile, and one that the call caused is removed. */
static int resize_quietly(int fd, uint64_t from, uint64_t to, bool commit)
{
  sigset_t only, before;
  sigemptyset(&only);
  sigaddset(&only, SIGXFSZ);
  block_signals(&before);
  const bool was_pending = is_pending(SIGXFSZ);
  /* Without `commit` only the last byte is allocated, which gives the file its size. */
  const int result = to > from ? grow(fd, commit ? from : to - 1, to) : truncate_to(fd, to);
  if (result != 0 && to > from) truncate_to(fd, from);
  if (!was_pending && is_pending(SIGXFSZ)) sigwait(&only, &(int){0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

static int set_size(int fd, uint64_t from, uint64_t to, bool commit, fm_error *e)
{
  const int code = to > from && commit ? check_room(fd, to - from, e) : FM_OK;
  if (code != FM_OK) return code;
  const int error = resize_quietly(fd, from, to, commit);
  return error == 0 ? FM_OK : fm_fail_native(e, error);
}

static bool is_shortage(int code)
{
  return code == FM_NO_SPACE || code == FM_NO_MEMORY;
}

int fm_linux_set_size(int fd, uint64_t from, uint64_t to, bool commit, fm_error *e)
{
  const int code = set_size(fd, from, to, commit, e);
  if (!is_shortage(code)) return code;
  fm_free_stale();
  return set_size(fd, from, to, commit, e);
}

/* A part of the range may be allocated already. The range lies within the file's size, so no RLIMIT_FSIZE
** applies. */
static int commit_range(int fd, uint64_t offset, uint64_t length, fm_error *e)
{
  struct stat st;
  sigset_t before;
  if (fstat(fd, &st) != 0) return fm_fail_native(e, errno);
  if ((uint64_t)st.st_size < offset + length) return fm_fail(e, FM_TRUNCATED, NULL);
  const uint64_t allocated = (uint64_t)st.st_blocks * 512;
  const int code = length > allocated ? check_room(fd, length - allocated, e) : FM_OK;
  if (code != FM_OK) return code;
  int result;
  block_signals(&before);
  do result = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
  while (result != 0 && errno == EINTR);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result == 0 ? FM_OK : fm_fail_native(e, error);
}

int fm_linux_commit(int fd, uint64_t offset, uint64_t length, fm_error *e)
{
  const int code = commit_range(fd, offset, length, e);
  if (!is_shortage(code)) return code;
  fm_free_stale();
  return commit_range(fd, offset, length, e);
}

#endif
