/* The body for a system that nobody has ported filemap to: it builds, loads, and says so. It also shows
** the least that a port must give. */
#include "native.h"

#if FM_SYSTEM_STUB

#include <time.h>

const char fm_platform[] = "stub";

size_t fm_page_size(void)
{
  return 4096;
}

size_t fm_granularity(void)
{
  return 4096;
}

/* Of the processor's time: standard C has no other clock that only goes on. */
double fm_now(void)
{
  return (double)clock() / CLOCKS_PER_SEC;
}

void fm_sys_message(long native, char *out, size_t size)
{
  (void)native;
  if (size > 0) out[0] = 0;
}

int fm_sys_create(fm_map *m, const fm_name *name, uint64_t size, const fm_options *o, fm_error *e)
{
  (void)m, (void)name, (void)size, (void)o;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_open(fm_map *m, const fm_name *name, const fm_options *o, fm_error *e)
{
  (void)m, (void)name, (void)o;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_file(fm_map *m, const fm_options *o, fm_error *e)
{
  (void)m, (void)o;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_adopt(fm_map *m, intptr_t handle, uint64_t size, fm_error *e)
{
  (void)m, (void)handle, (void)size;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_resize(fm_map *m, uint64_t size, fm_error *e)
{
  (void)m, (void)size;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_unlink(const fm_name *name, fm_error *e)
{
  (void)name;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  (void)entries, (void)capacity, (void)count;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_sys_release(fm_map *m)
{
  (void)m;
}

int fm_sys_map(void **base, fm_map *m, uint64_t offset, size_t length, int access, fm_error *e)
{
  (void)base, (void)m, (void)offset, (void)length, (void)access;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_sys_unmap(fm_mapping *m)
{
  (void)m;
}

int fm_sys_flush(fm_map *m, void *address, size_t length, bool async, fm_error *e)
{
  (void)m, (void)address, (void)length, (void)async;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private)
{
  (void)address, (void)length, (void)hint, (void)is_private;
}

int fm_sys_pin(fm_map *m, uint64_t offset, void *address, size_t length, fm_error *e)
{
  (void)m, (void)offset, (void)address, (void)length;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_unpin(void *address, size_t length, fm_error *e)
{
  (void)address, (void)length;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_commit(fm_map *m, uint64_t offset, void *address, size_t length, int access, fm_error *e)
{
  (void)m, (void)offset, (void)address, (void)length, (void)access;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

bool fm_sys_is_committed(const void *address, size_t length)
{
  (void)address, (void)length;
  return true;
}

int fm_sys_install_guard(fm_error *e)
{
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

#endif
