/* Unnamed sections, inherited ones, and mapped memory. Named sections are in named_section.c, files in
** file.c. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <sys/mman.h>

/* SEC_IMAGE, SEC_NOCACHE, SEC_WRITECOMBINE. */
enum { WINDOWS_ALONE = 0x01000000 | 0x10000000 | 0x40000000 };

int fm_linux_refuse_sddl(const char *sddl, fm_error *e)
{
  if (!sddl) return FM_OK;
  return fm_fail(e, FM_UNSUPPORTED, "only Windows has security descriptors (sddl); use mode here");
}

int fm_linux_check_request(const fm_request *r, fm_error *e)
{
  const uint32_t refused = r->win32 ? r->win32->protect & WINDOWS_ALONE : 0;
  if (refused)
    return fm_fail(e, FM_UNSUPPORTED, "only Windows supports the kind of memory 0x%lx",
                   (unsigned long)refused);
  return fm_linux_refuse_sddl(r->options.sddl, e);
}

/* {-- Making and opening ------------------------------------------------------------------------ */

static int make_memory(int *out, fm_error *e)
{
  const int fd = memfd_create("filemap", MFD_CLOEXEC);
  if (fd < 0) return fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

/* Huge pages are always committed, as on Windows. */
static int make_unnamed(fm_section *s, const fm_request *r, fm_error *e)
{
  int fd = -1;
  int code = r->options.large_pages ? fm_make_huge(&fd, e) : make_memory(&fd, e);
  if (code != FM_OK) return code;
  const uint64_t size = r->options.size, page = fm_huge_page(fd), past = page ? size % page : 0;
  code = fm_linux_set_size(fd, 0, past ? size + page - past : size, r->options.commit || page, e);
  if (code == FM_OK) code = fm_linux_write_initial(fd, r, e);
  if (code == FM_OK) *s = (fm_section){.fd = fd, .backing = FM_ANONYMOUS, .huge_page = (size_t)page};
  else close(fd);
  return code;
}

/* Child processes do not inherit a new descriptor unless `inherit` is set. This is the last step that can
** fail. */
static int set_inherit(fm_section *s, const fm_request *r, fm_error *e)
{
  const int code = r->options.inherit ? fm_linux_set_inherit(s->fd, true, e) : FM_OK;
  if (code != FM_OK) fm_sys_close(s);
  return code;
}

static int check_request(const fm_name *name, const fm_request *r, fm_error *e)
{
  if (r->options.large_pages && name->kind != FM_UNNAMED)
    return fm_fail(e, FM_UNSUPPORTED, "only an unnamed section can have large pages on this system");
  return fm_linux_check_request(r, e);
}

int fm_sys_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e)
{
  int code = check_request(name, r, e);
  if (code == FM_OK) code = name->kind == FM_UNNAMED ? make_unnamed(s, r, e) : fm_named_create(s, name, r, e);
  return code == FM_OK ? set_inherit(s, r, e) : code;
}

int fm_sys_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e)
{
  int code = check_request(name, r, e);
  if (code == FM_OK) code = fm_named_open(s, size, name, r, e);
  if (code != FM_OK) return code;
  if (r->options.size > *size) {
    fm_sys_close(s);
    return fm_fail(e, FM_TOO_SMALL, "it has %llu bytes, but %llu were requested", (unsigned long long)*size,
                   (unsigned long long)r->options.size);
  }
  return set_inherit(s, r, e);
}

/* fstat(2) and fcntl(2) tell what the descriptor is, and for which access it was opened. */
int fm_sys_adopt(fm_section *s, intptr_t handle, uint64_t size, int access, fm_error *e)
{
  const int fd = (int)handle;
  struct stat st;
  if (handle != fd) return fm_fail_native(e, EBADF);
  if (fstat(fd, &st) != 0) return fm_fail_native(e, errno);
  if (!S_ISREG(st.st_mode))
    return fm_fail(e, FM_INVALID, "it is a folder, device, pipe or socket, not memory or a regular file");
  const int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
  if (mode == O_WRONLY || (mode == O_RDONLY && (access & FM_WRITE)))
    return fm_fail(e, FM_DENIED, "it was not opened for access \"%s\"", fm_access_word(access));
  if (st.st_size < 0 || (uint64_t)st.st_size < size)
    return fm_fail(e, FM_TOO_SMALL, "it has %lld bytes, but %llu were requested", (long long)st.st_size,
                   (unsigned long long)size);
  const int code = fm_linux_set_inherit(fd, false, e);
  if (code != FM_OK) return code;
  *s = (fm_section){.fd = fd, .backing = FM_ADOPTED, .huge_page = fm_huge_page(fd), .is_shared = true};
  fm_named_adopt(s);
  return FM_OK;
}

void fm_sys_close(fm_section *s)
{
  if (s->file.path[0]) fm_named_close(s);
  else close(s->fd);
}

/* The caller can pass the descriptor on to another process. */
intptr_t fm_sys_handle(fm_section *s)
{
  s->is_shared = true;
  return s->fd;
}

int fm_sys_identify(fm_identity *out, const fm_section *s, fm_error *e)
{
  struct stat st;
  if (fstat(s->fd, &st) != 0) return fm_fail_native(e, errno);
  *out = (fm_identity){.device = st.st_dev, .inode = st.st_ino};
  return FM_OK;
}

bool fm_sys_is_same(const fm_identity *a, const fm_identity *b)
{
  return a->inode == b->inode && a->device == b->device;
}

bool fm_sys_is_shared(const fm_section *s)
{
  return s->backing != FM_ANONYMOUS;
}

size_t fm_sys_unit(const fm_section *s)
{
  return s->huge_page ? s->huge_page : fm_page_size();
}

/* Reserved pages read 0. */
bool fm_sys_is_reserved(const fm_section *s)
{
  (void)s;
  return false;
}

/* {-- Views ------------------------------------------------------------------------------------- */

/* Huge pages are mapped and unmapped by whole ones. */
int fm_sys_map(fm_mapped *m, fm_section *s, uint64_t offset, int access, fm_error *e)
{
  const int writing = access & (FM_WRITE | FM_COPY) ? PROT_WRITE : 0;
  const int protection = PROT_READ | writing | (access & FM_EXEC ? PROT_EXEC : 0);
  const int sharing = access & FM_COPY ? MAP_PRIVATE : MAP_SHARED;
  const size_t length = (m->length + m->unit - 1) / m->unit * m->unit;
  void *p = mmap(NULL, length, protection, sharing, s->fd, (off_t)offset);
  if (p == MAP_FAILED) return fm_fail_native(e, errno);
  m->base = p;
  m->length = length;
  return FM_OK;
}

void fm_sys_unmap(fm_mapped *m)
{
  munmap(m->base, m->length);
}

/* The calls below need addresses at multiples of the page size. */
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

/* msync(2) on Linux writes a file's data as fdatasync(2) does. fsync(2) writes the rest of its metadata. */
int fm_sys_flush(fm_section *s, void *address, size_t length, bool async, fm_error *e)
{
  const size_t before = before_page(address);
  if (msync((char *)address - before, length + before, async ? MS_ASYNC : MS_SYNC) != 0)
    return fm_fail_native(e, errno);
  if (s->backing == FM_FILE && !async && sync_file(s->fd) != 0) return fm_fail_native(e, errno);
  return FM_OK;
}

/* MADV_DONTNEED would discard data that was written to private pages. */
void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private)
{
  static const int advice[] = {
    [FM_NORMAL] = MADV_NORMAL,     [FM_SEQUENTIAL] = MADV_SEQUENTIAL, [FM_RANDOM] = MADV_RANDOM,
    [FM_WILLNEED] = MADV_WILLNEED, [FM_DONTNEED] = MADV_DONTNEED,
  };
  const size_t before = before_page(address);
  if (hint != FM_DONTNEED || !is_private) madvise((char *)address - before, length + before, advice[hint]);
}

int fm_sys_commit(fm_section *s, uint64_t offset, void *address, size_t length, int access, fm_error *e)
{
  (void)address, (void)access;
  return fm_linux_commit(s->fd, offset, length, e);
}

/* Reserved pages read 0. */
bool fm_sys_is_committed(const void *address, size_t length)
{
  (void)address, (void)length;
  return true;
}

#endif
