/* Huge pages. Only unnamed sections can have them, because /dev/shm has none. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>

size_t fm_huge_page(int fd)
{
  enum { HUGETLBFS = (int)0x958458f6 }; /* linux/magic.h */
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && (int)fs.f_type == HUGETLBFS ? (size_t)fs.f_bsize : 0;
}

/* The number in a file of /proc, 0 if there is no such file. */
static uint64_t read_number(const char *path)
{
  char text[32] = "";
  const int fd = fm_linux_open(path, O_RDONLY, 0);
  if (fd < 0) return 0;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? strtoull(text, NULL, 10) : 0;
}

/* If too few are reserved, allocating them fails later. */
int fm_make_huge(int *out, fm_error *e)
{
  if (read_number("/proc/sys/vm/nr_hugepages") + read_number("/proc/sys/vm/nr_overcommit_hugepages") == 0)
    return fm_fail(e, FM_UNSUPPORTED, "this system has reserved no huge pages (vm.nr_hugepages is 0)");
  const int fd = memfd_create("filemap", MFD_CLOEXEC | MFD_HUGETLB);
  if (fd < 0)
    return errno == EINVAL || errno == ENODEV ? fm_fail(e, FM_UNSUPPORTED, NULL) : fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

#endif
