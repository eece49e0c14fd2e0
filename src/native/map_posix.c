/* The POSIX body: unnamed memory, files, views. Named segments are segment_posix.c's. */
#include "posix.h"
#include "step.h"

#if FM_SYSTEM_POSIX

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <time.h>

const char fm_platform[] = "posix";

size_t fm_page_size(void)
{
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* mmap(2) takes offsets by the page. */
size_t fm_granularity(void)
{
  return fm_page_size();
}

double fm_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void fm_sys_message(long native, char *out, size_t size)
{
  snprintf(out, size, "%s", strerror((int)native));
}

/* {-- Descriptors ------------------------------------------------------------------------------- */

int fm_posix_open(const char *path, int flags, mode_t mode)
{
  int fd;
  do fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

bool fm_posix_try_lock(int fd, int how)
{
  int result;
  do result = flock(fd, how | LOCK_NB);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

static struct flock byte_of(short type, uint32_t number)
{
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = ((off_t)1 << 62) + number, .l_len = 1};
}

int fm_posix_lock_byte(int fd, short type, uint32_t number)
{
  struct flock byte = byte_of(type, number);
  return fcntl(fd, F_OFD_SETLK, &byte) == 0 ? 0 : errno;
}

int fm_posix_see_lock(int fd, uint32_t number)
{
  struct flock byte = byte_of(F_WRLCK, number);
  return fcntl(fd, F_OFD_GETLK, &byte) == 0 ? byte.l_type != F_UNLCK : -1;
}

void fm_posix_pause(int tries)
{
  if (tries < FM_TRIES / 4) sched_yield();
  else nanosleep(&(struct timespec){0, 1000000}, NULL);
}

bool fm_posix_has_name(const struct stat *opened, const char *path)
{
  struct stat named;
  return lstat(path, &named) == 0 && opened->st_ino == named.st_ino && opened->st_dev == named.st_dev;
}

int fm_posix_set_inherit(int fd, bool inherit, fm_error *e)
{
  const int flags = fcntl(fd, F_GETFD);
  const int wanted = inherit ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
  if (flags < 0 || (wanted != flags && fcntl(fd, F_SETFD, wanted) != 0))
    return fm_fail_native(e, errno);
  return FM_OK;
}

static int open_flags(int access)
{
  return access & FM_WRITE ? O_RDWR : O_RDONLY;
}

/* SEC_IMAGE, SEC_NOCACHE, SEC_WRITECOMBINE. */
enum { WINDOWS_ALONE = 0x01000000 | 0x10000000 | 0x40000000 };

/* What every call does with an option that this system has nothing for. */
static int check_options(const fm_options *o, fm_error *e)
{
  if (o->sddl) return fm_fail(e, FM_UNSUPPORTED, "security descriptors are Windows'; here it is `mode`");
  if (o->protect & WINDOWS_ALONE)
    return fm_fail(e, FM_UNSUPPORTED, "only Windows has memory of that kind (0x%lx)", (unsigned long)o->protect);
  return FM_OK;
}

/* {-- Memory ------------------------------------------------------------------------------------ */

int fm_posix_write_initial(int fd, const fm_options *o, fm_error *e)
{
  const char *from = o->initial;
  size_t done = 0;
  while (done < o->initial_size) {
    const ssize_t n = pwrite(fd, from + done, o->initial_size - done, (off_t)done);
    if (n < 0 && errno != EINTR) return fm_fail_native(e, errno);
    if (n > 0) done += (size_t)n;
  }
  return FM_OK;
}

/* {-- Huge pages: of unnamed memory alone, since /dev/shm has none ------------------------------ */

/* Bytes of the pages that a file is of, if they are huge, else 0. */
static size_t huge_page(int fd)
{
  enum { HUGETLBFS = (int)0x958458f6 }; /* linux/magic.h */
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && (int)fs.f_type == HUGETLBFS ? (size_t)fs.f_bsize : 0;
}

/* The number in a file of the system's, 0 if there is none. */
static uint64_t read_number(const char *path)
{
  char text[32] = "";
  const int fd = fm_posix_open(path, O_RDONLY, 0);
  if (fd < 0) return 0;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? strtoull(text, NULL, 10) : 0;
}

/* Of a system without any it is said beforehand; where there are too few, what takes them fails. */
static int make_huge(int *out, fm_error *e)
{
  if (read_number("/proc/sys/vm/nr_hugepages") + read_number("/proc/sys/vm/nr_overcommit_hugepages") == 0)
    return fm_fail(e, FM_UNSUPPORTED, "this system has set no huge pages aside (vm.nr_hugepages)");
  const int fd = memfd_create("filemap", MFD_CLOEXEC | MFD_HUGETLB);
  if (fd < 0)
    return errno == EINVAL || errno == ENODEV ? fm_fail(e, FM_UNSUPPORTED, NULL) : fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

static int make_small(int *out, fm_error *e)
{
  const int fd = memfd_create("filemap", MFD_CLOEXEC);
  if (fd < 0) return fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

/* Huge pages are committed always, as on Windows. */
static int make_unnamed(int *out, uint64_t size, const fm_options *o, fm_error *e)
{
  int fd = -1;
  int code = o->large_pages ? make_huge(&fd, e) : make_small(&fd, e);
  if (code != FM_OK) return code;
  const uint64_t page = huge_page(fd), past = page ? size % page : 0;
  code = fm_posix_set_size(fd, 0, past ? size + page - past : size, o->commit || page, e);
  if (code == FM_OK) code = fm_posix_write_initial(fd, o, e);
  if (code == FM_OK) *out = fd;
  else close(fd);
  return code;
}

static void keep(fm_map *m, int fd, uint64_t size)
{
  m->handle = fd;
  m->size = size;
  m->page = huge_page(fd);
}

/* A new descriptor is close-on-exec; this is the last step that can fail. */
static int keep_segment(fm_map *m, int fd, uint64_t size, const fm_name *name, const fm_options *o,
                        fm_error *e)
{
  const int code = o->inherit ? fm_posix_set_inherit(fd, true, e) : FM_OK;
  if (code == FM_OK) keep(m, fd, size);
  else if (name->kind == FM_UNNAMED) close(fd);
  else fm_segment_release(fd, name);
  return code;
}

int fm_sys_create(fm_map *m, const fm_name *name, uint64_t size, const fm_options *o, fm_error *e)
{
  int fd;
  int code = check_options(o, e);
  if (code == FM_OK && o->large_pages && name->kind != FM_UNNAMED)
    code = fm_fail(e, FM_UNSUPPORTED, "only unnamed memory has large pages here");
  if (code != FM_OK) return code;
  code = name->kind == FM_UNNAMED ? make_unnamed(&fd, size, o, e)
                                  : fm_segment_create(&fd, name, m->sync, size, o, e);
  return code == FM_OK ? keep_segment(m, fd, size, name, o, e) : code;
}

int fm_sys_open(fm_map *m, const fm_name *name, const fm_options *o, fm_error *e)
{
  int fd;
  uint64_t size;
  int code = check_options(o, e);
  if (code == FM_OK) code = fm_segment_open(&fd, &size, name, m->sync, open_flags(o->access), e);
  if (code != FM_OK) return code;
  if (o->size > size) {
    fm_segment_release(fd, name);
    return fm_fail(e, FM_TOO_SMALL, "it has %llu bytes, %llu were asked for",
                   (unsigned long long)size, (unsigned long long)o->size);
  }
  return keep_segment(m, fd, o->size ? o->size : size, name, o, e);
}

/* The kernel says what a descriptor is for, and for which accesses it was opened. */
int fm_sys_adopt(fm_map *m, intptr_t handle, uint64_t size, fm_error *e)
{
  const int fd = (int)handle;
  struct stat st;
  if (handle != fd) return fm_fail_native(e, EBADF);
  if (fstat(fd, &st) != 0) return fm_fail_native(e, errno);
  if (!S_ISREG(st.st_mode)) return fm_fail(e, FM_INVALID, "it is not a descriptor of memory or a file");
  const int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
  if (mode == O_WRONLY || (mode == O_RDONLY && (m->access & FM_WRITE)))
    return fm_fail(e, FM_DENIED, "it was not opened for \"%s\"", fm_access_word(m->access));
  if (st.st_size < 0 || (uint64_t)st.st_size < size)
    return fm_fail(e, FM_TOO_SMALL, "it has %lld bytes, %llu were asked for", (long long)st.st_size,
                   (unsigned long long)size);
  const int code = fm_posix_set_inherit(fd, false, e);
  if (code == FM_OK) keep(m, fd, size);
  return code;
}

/* {-- Files ------------------------------------------------------------------------------------- */

static int copy_handle(int *out, const fm_file_handle *file, fm_error *e)
{
  const int fd = fcntl((int)file->handle, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

/* Looks before it opens, since opening a FIFO or device has effects. */
static int open_file(int *out, bool *created, const char *path, const fm_options *o, fm_error *e)
{
  const int flags = open_flags(o->access);
  for (int i = 0; i < 10; i++) {
    struct stat st;
    const bool is_there = stat(path, &st) == 0;
    if (is_there && !S_ISREG(st.st_mode)) return fm_fail(e, FM_INVALID, "it is not a regular file");
    if (!is_there && (errno != ENOENT || flags != O_RDWR || !o->size)) return fm_fail_native(e, errno);
    FM_STEP("stated");
    const int fd = fm_posix_open(path, is_there ? flags : flags | O_CREAT | O_EXCL, (mode_t)o->mode);
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

int fm_posix_lock_size(int fd, fm_error *e)
{
  for (int i = 0; i < FM_TRIES; i++) {
    if (fm_posix_try_lock(fd, LOCK_EX)) return FM_OK;
    if (errno != EWOULDBLOCK) return FM_OK; /* a file system without such locks */
    fm_posix_pause(i);
  }
  return fm_fail(e, FM_IN_USE, "another process has locked it");
}

/* Grows the file to the size that is asked for. Whoever does so holds a lock from the look at the size on,
** or one whose growing fails would cut the file under another. FM_NOT_FOUND if it has lost its name. */
static int grow_file(uint64_t *size, int fd, const fm_options *o, fm_error *e)
{
  struct stat st;
  int code = fm_posix_lock_size(fd, e);
  if (code != FM_OK) return code;
  FM_STEP("locked");
  if (fstat(fd, &st) != 0) code = fm_fail_native(e, errno);
  else if (st.st_nlink == 0 && !o->file) code = fm_fail_native(e, ENOENT);
  else if ((uint64_t)st.st_size < o->size)
    code = fm_posix_set_size(fd, (uint64_t)st.st_size, o->size, o->commit, e);
  FM_STEP("grown");
  if (code == FM_OK) *size = (uint64_t)st.st_size < o->size ? o->size : (uint64_t)st.st_size;
  flock(fd, LOCK_UN);
  return code;
}

static int prepare_file(uint64_t *size, int fd, bool created, const fm_options *o, fm_error *e)
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

void fm_posix_remove_made(int fd, const char *path)
{
  struct stat st;
  if (fm_posix_lock_size(fd, NULL) == FM_OK && fstat(fd, &st) == 0 && st.st_size == 0 && fm_posix_has_name(&st, path))
    unlink(path);
}

int fm_sys_file(fm_map *m, const fm_options *o, fm_error *e)
{
  int fd = -1;
  bool created = false;
  uint64_t size = 0;
  int code = check_options(o, e);
  if (code == FM_OK && o->name)
    code = fm_fail(e, FM_UNSUPPORTED, "a file has no second name here; others open its path");
  if (code != FM_OK) return code;
  for (int i = 0; i < 10; i++) {
    code = o->file ? copy_handle(&fd, o->file, e) : open_file(&fd, &created, m->path, o, e);
    if (code != FM_OK) return code;
    FM_STEP("opened");
    if (o->inherit) code = fm_posix_set_inherit(fd, true, e);
    if (code == FM_OK) code = prepare_file(&size, fd, created, o, e);
    if (code == FM_OK) {
      keep(m, fd, o->file && o->size ? o->size : size);
      return code;
    }
    if (created) fm_posix_remove_made(fd, m->path);
    close(fd);
    if (code != FM_NOT_FOUND) return code; /* else it was removed meanwhile */
  }
  return code;
}

int fm_sys_resize(fm_map *m, uint64_t size, fm_error *e)
{
  const int fd = (int)m->handle;
  struct stat st;
  int code = fm_posix_lock_size(fd, e);
  if (code != FM_OK) return code;
  FM_STEP("locked");
  code = fstat(fd, &st) == 0 ? fm_posix_set_size(fd, (uint64_t)st.st_size, size, true, e)
                             : fm_fail_native(e, errno);
  FM_STEP("resized");
  if (code == FM_OK) m->size = size;
  flock(fd, LOCK_UN);
  return code;
}

/* {-- The end of a map, and names --------------------------------------------------------------- */

void fm_sys_release(fm_map *m)
{
  fm_name name;
  if (m->name[0] && fm_name_parse(&name, m->name, NULL) == FM_OK) {
    fm_segment_release((int)m->handle, &name);
    return;
  }
  close((int)m->handle);
  /* The kernel does not tell the name of an inherited segment; looking at all finds it. */
  if (m->adopted) fm_segment_sweep();
}

int fm_sys_unlink(const fm_name *name, fm_error *e)
{
  return fm_segment_unlink(name, e);
}

int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  return fm_segment_list(entries, capacity, count, e);
}

/* {-- Views ------------------------------------------------------------------------------------- */

int fm_sys_map(void **base, fm_map *m, uint64_t offset, size_t length, int access, fm_error *e)
{
  const int writing = access & (FM_WRITE | FM_COPY) ? PROT_WRITE : 0;
  const int protection = PROT_READ | writing | (access & FM_EXEC ? PROT_EXEC : 0);
  const int sharing = access & FM_COPY ? MAP_PRIVATE : MAP_SHARED;
  void *p = mmap(NULL, length, protection, sharing, (int)m->handle, (off_t)offset);
  if (p == MAP_FAILED) return fm_fail_native(e, errno);
  *base = p;
  return FM_OK;
}

void fm_sys_unmap(fm_mapping *m)
{
  munmap(m->base, m->length);
}

/* The calls below take whole pages. */
static size_t before_page(const void *address)
{
  return (uintptr_t)address % fm_page_size();
}

static int sync_file(int fd)
{
  int result;
  do result = fsync(fd);
  while (result != 0 && errno == EINTR);
  return result;
}

/* msync(2) on Linux writes a file's data as fdatasync does; the rest of its metadata takes fsync. */
int fm_sys_flush(fm_map *m, void *address, size_t length, bool async, fm_error *e)
{
  const size_t before = before_page(address);
  if (msync((char *)address - before, length + before, async ? MS_ASYNC : MS_SYNC) != 0)
    return fm_fail_native(e, errno);
  if (m->path && !async && sync_file((int)m->handle) != 0) return fm_fail_native(e, errno);
  return FM_OK;
}

/* MADV_DONTNEED would throw away what was written to private pages. */
void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private)
{
  static const int advice[] = {
    [FM_NORMAL] = MADV_NORMAL,     [FM_SEQUENTIAL] = MADV_SEQUENTIAL, [FM_RANDOM] = MADV_RANDOM,
    [FM_WILLNEED] = MADV_WILLNEED, [FM_DONTNEED] = MADV_DONTNEED,
  };
  const size_t before = before_page(address);
  if (hint != FM_DONTNEED || !is_private) madvise((char *)address - before, length + before, advice[hint]);
}

/* Past RLIMIT_MEMLOCK the errno is ENOMEM or EAGAIN, and EPERM where the limit is 0. ENOMEM also stands for
** pages that have gone away: what is locked is brought in. */
int fm_sys_pin(fm_map *m, uint64_t offset, void *address, size_t length, fm_error *e)
{
  struct stat st;
  if (mlock(address, length) == 0) return FM_OK;
  const int error = errno;
  if (error != ENOMEM && error != EAGAIN && error != EPERM) return fm_fail_native(e, error);
  const bool is_cut = fstat((int)m->handle, &st) == 0 && (uint64_t)st.st_size < offset + length;
  const int code = is_cut ? fm_fail(e, FM_TRUNCATED, NULL)
                          : fm_fail(e, FM_NO_MEMORY, "so much memory may not be locked");
  if (e) e->native = error;
  return code;
}

int fm_sys_unpin(void *address, size_t length, fm_error *e)
{
  return munlock(address, length) == 0 ? FM_OK : fm_fail_native(e, errno);
}

int fm_sys_commit(fm_map *m, uint64_t offset, void *address, size_t length, int access, fm_error *e)
{
  (void)address, (void)access;
  return fm_posix_commit((int)m->handle, offset, length, e);
}

/* What is not there yet reads 0. */
bool fm_sys_is_committed(const void *address, size_t length)
{
  (void)address, (void)length;
  return true;
}

#endif
