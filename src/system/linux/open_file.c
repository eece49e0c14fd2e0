/* CreateFile on Linux. A process that opens a file cannot keep others from opening it, so share modes have no
** effect. */
#include "linux.h"

#if FM_SYSTEM_LINUX

/* Attributes and hints that have no effect here. */
enum {
  ATTRIBUTES = 0x20 | 0x80 | 0x100, /* FILE_ATTRIBUTE_ARCHIVE, _NORMAL, _TEMPORARY */
  HINTS = 0x10000000 | 0x08000000   /* FILE_FLAG_RANDOM_ACCESS, _SEQUENTIAL_SCAN */
};

static int check_request(const fm_file_request *r, const fm_options *o, fm_error *e)
{
  const int code = fm_linux_refuse_sddl(o->sddl, e);
  if (code != FM_OK) return code;
  if (r->flags & ~(uint32_t)(ATTRIBUTES | HINTS))
    return fm_fail(e, FM_UNSUPPORTED, "this system does not support the flags 0x%lx",
                   (unsigned long)(r->flags & ~(uint32_t)(ATTRIBUTES | HINTS)));
  return FM_OK;
}

static bool empties(const fm_file_request *r)
{
  return r->disposition == FM_CREATE_ALWAYS || r->disposition == FM_TRUNCATE_EXISTING;
}

static int fail_irregular(fm_error *e)
{
  return fm_fail(e, FM_DENIED, "it is a folder, device, FIFO or socket, not a regular file");
}

/* Emptying a file needs the right to write, also if its maps do not. */
static int open_flags(int access, const fm_file_request *r)
{
  if (empties(r)) access |= FM_WRITE;
  return access & FM_WRITE ? (access & FM_READ ? O_RDWR : O_WRONLY) : O_RDONLY;
}

/* The file is examined before it is opened, since opening a FIFO or a device has effects. */
static int open_regular(int *out, bool *existed, const char *path, int access, const fm_file_request *r,
                        unsigned mode, fm_error *e)
{
  const bool may_create = r->disposition != FM_OPEN_EXISTING && r->disposition != FM_TRUNCATE_EXISTING;
  const int flags = open_flags(access, r);
  for (int i = 0; i < 10; i++) {
    struct stat st;
    const bool exists = stat(path, &st) == 0;
    if (exists && r->disposition == FM_CREATE_NEW) return fm_fail_native(e, EEXIST);
    if (exists && !S_ISREG(st.st_mode)) return fail_irregular(e);
    if (!exists && (errno != ENOENT || !may_create)) return fm_fail_native(e, errno);
    const int fd = fm_linux_open(path, exists ? flags : flags | O_CREAT | O_EXCL, (mode_t)mode);
    if (fd >= 0) {
      *out = fd;
      *existed = exists;
      return FM_OK;
    }
    /* Another process may have removed or made it in between. */
    if (errno != (exists ? ENOENT : EEXIST)) return fm_fail_native(e, errno);
  }
  return fm_fail_native(e, ENOENT); /* a symbolic link to a path that does not exist */
}

static int prepare(int fd, bool existed, const fm_file_request *r, const fm_options *o, fm_error *e)
{
  struct stat st;
  if (fstat(fd, &st) != 0) return fm_fail_native(e, errno);
  if (!S_ISREG(st.st_mode)) return fail_irregular(e);
  if (!existed && fchmod(fd, (mode_t)o->mode) != 0) return fm_fail_native(e, errno);
  if (existed && empties(r) && ftruncate(fd, 0) != 0) return fm_fail_native(e, errno);
  return o->inherit ? fm_linux_set_inherit(fd, true, e) : FM_OK;
}

int fm_sys_file_open(fm_open_file *f, bool *existed, const char *path, int access, const fm_file_request *r,
                     const fm_options *o, fm_error *e)
{
  int fd = -1;
  bool has_existed = false;
  int code = check_request(r, o, e);
  if (code == FM_OK) code = open_regular(&fd, &has_existed, path, access, r, o->mode, e);
  if (code != FM_OK) return code;
  code = prepare(fd, has_existed, r, o, e);
  if (code != FM_OK) {
    if (!has_existed) fm_linux_remove_made(fd, path);
    close(fd);
    return code;
  }
  *f = (fm_open_file){.fd = fd, .access = access};
  *existed = has_existed;
  return FM_OK;
}

void fm_sys_file_close(fm_open_file *f)
{
  close(f->fd);
}

#endif
