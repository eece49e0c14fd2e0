/* The body for a system that nobody has ported filemap to: it builds, loads, and says so. It also shows
** the least that a port must give. */
#include "native.h"
#include "signal.h"

#if FM_SYSTEM_STUB

#include <stdlib.h>
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

int fm_sys_file_open(fm_file_handle *f, bool *existed, const struct fm_file_request *r, const fm_options *o,
                     fm_error *e)
{
  (void)f, (void)existed, (void)r, (void)o;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_sys_file_close(fm_file_handle *f)
{
  (void)f;
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

/* {-- Waiting: nothing can be made that is waited for -------------------------------------------- */

fm_sync *fm_sys_sync_new(void)
{
  return calloc(1, sizeof(fm_sync));
}

int fm_sys_sync_open(fm_sync *s, bool *created, const fm_sync_options *o, fm_error *e)
{
  (void)s, (void)created, (void)o;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_sync_wait(fm_sync *s, double timeout, bool *abandoned, fm_error *e)
{
  (void)s, (void)timeout, (void)abandoned;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_sync_post(fm_sync *s, uint32_t count, fm_error *e)
{
  (void)s, (void)count;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_sync_reset(fm_sync *s, fm_error *e)
{
  (void)s;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_sys_sync_close(fm_sync *s)
{
  (void)s;
}

int fm_signal_open(fm_signal *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e)
{
  (void)out, (void)m, (void)index, (void)word;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_signal_close(fm_signal *s)
{
  (void)s;
}

void fm_sys_fence_all(void)
{
}

void fm_sys_prepare_sleep(fm_signal *s)
{
  (void)s;
}

void fm_sys_sleep(fm_signal *s, uint32_t seen, double seconds)
{
  (void)s, (void)seen, (void)seconds;
}

void fm_sys_wake(fm_signal *s)
{
  (void)s;
}

void fm_sys_pause(double seconds)
{
  (void)seconds;
}

void fm_sys_relax(void)
{
}

bool fm_sys_is_parallel(void)
{
  return true;
}

uint64_t fm_ticks(void)
{
  return (uint64_t)(fm_now() * 1e3);
}

int fm_seat_take(fm_seat *s, const fm_map *m, uint32_t number, fm_error *e)
{
  (void)s, (void)m, (void)number;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_seat_leave(fm_seat *s)
{
  s->number = 0;
}

bool fm_seat_is_taken(const fm_map *m, uint32_t number)
{
  (void)m, (void)number;
  return false;
}

#endif
