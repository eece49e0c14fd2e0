/* The functions of system.h for a system without a port. The library builds and loads there, and calls that
** need the system fail with `unsupported`. A port can start from this file: it has every function that a port
** must have. */
#include "../base/memory_search.h"
#include "system.h"

#if FM_SYSTEM_NONE

#include <time.h>

const fm_family fm_sys_family = FM_ERRNO;
const fm_sync_class *fm_sys_sync_class(fm_sync_kind kind, const fm_name *name)
{
  (void)kind, (void)name;
  return NULL;
}

const size_t fm_sys_sleep_most = 2;

int fm_sys_sleep_any(const fm_sleep_on *things, size_t count, double seconds, bool *abandoned)
{
  (void)things, (void)count, (void)seconds, (void)abandoned;
  return -1;
}

int fm_sys_sync_unlink(const fm_name *name, fm_error *e)
{
  (void)name;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}
bool fm_sys_fences_all = false;

int fm_fail_native(fm_error *e, long native)
{
  return fm_fail_number(e, fm_sys_family, native, "");
}

/* {-- The process -------------------------------------------------------------------------------- */

const char *fm_platform(void)
{
  return "stub";
}

size_t fm_page_size(void)
{
  return 4096;
}

size_t fm_granularity(void)
{
  return 4096;
}

/* Processor time, since standard C has no other monotonic clock. */
double fm_now(void)
{
  return (double)clock() / CLOCKS_PER_SEC;
}

uint64_t fm_sys_ticks(void)
{
  return (uint64_t)(fm_now() * 1e3);
}

/* {-- Calls that fail ----------------------------------------------------------------------------- */

int fm_sys_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e)
{
  (void)s, (void)name, (void)r;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e)
{
  (void)s, (void)size, (void)name, (void)r;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_file(fm_section *s, uint64_t *size, const char *path, const fm_request *r, fm_error *e)
{
  (void)s, (void)size, (void)path, (void)r;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_adopt(fm_section *s, intptr_t handle, uint64_t size, int access, fm_error *e)
{
  (void)s, (void)handle, (void)size, (void)access;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_resize(fm_section *s, uint64_t size, int access, fm_error *e)
{
  (void)s, (void)size, (void)access;
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

int fm_sys_identify(fm_identity *out, const fm_section *s, fm_error *e)
{
  (void)out, (void)s;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_map(fm_mapped *m, fm_section *s, uint64_t offset, int access, fm_error *e)
{
  (void)m, (void)s, (void)offset, (void)access;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_flush(fm_section *s, void *address, size_t length, bool async, fm_error *e)
{
  (void)s, (void)address, (void)length, (void)async;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_pin(fm_section *s, uint64_t offset, void *address, size_t length, fm_error *e)
{
  (void)s, (void)offset, (void)address, (void)length;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_refresh(fm_section *s, uint64_t before, uint64_t *size, int access, fm_error *e)
{
  (void)s, (void)before, (void)size, (void)access;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_unpin(void *address, size_t length, fm_error *e)
{
  (void)address, (void)length;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_commit(fm_section *s, uint64_t offset, void *address, size_t length, int access, fm_error *e)
{
  (void)s, (void)offset, (void)address, (void)length, (void)access;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_handle_lost_pages(fm_find_mapped find, fm_error *e)
{
  (void)find;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e)
{
  (void)out, (void)s, (void)index;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_event_private(fm_event *out, fm_error *e)
{
  (void)out;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_pollable_open(intptr_t *out, fm_error *e)
{
  (void)out;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_thread_start(fm_thread *out, void (*run)(void *context), void *context, void (*in_child)(void),
                        fm_error *e)
{
  (void)out, (void)run, (void)context, (void)in_child;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e)
{
  (void)seat, (void)s, (void)number;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

int fm_sys_file_open(fm_open_file *f, bool *existed, const char *path, int access, const fm_file_request *r,
                     const fm_options *options, fm_error *e)
{
  (void)f, (void)existed, (void)path, (void)access, (void)r, (void)options;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

/* {-- Calls with an open object, which never exists here --------------------------------------------- */

void fm_sys_close(fm_section *s)
{
  (void)s;
}

void fm_sys_unmap(fm_mapped *m)
{
  (void)m;
}

void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private)
{
  (void)address, (void)length, (void)hint, (void)is_private;
}

void fm_sys_event_close(fm_event *event)
{
  (void)event;
}

void fm_sys_pollable_close(intptr_t handle)
{
  (void)handle;
}

void fm_sys_pollable_set(intptr_t handle)
{
  (void)handle;
}

void fm_sys_pollable_clear(intptr_t handle)
{
  (void)handle;
}

void fm_sys_thread_join(fm_thread *t)
{
  (void)t;
}

void fm_sys_prepare_sleep(fm_event *event)
{
  (void)event;
}

void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds)
{
  (void)event, (void)word, (void)seen, (void)seconds;
}

void fm_sys_wake(fm_event *event, fm_word32 *word)
{
  (void)event, (void)word;
}

void fm_sys_pause(double seconds)
{
  (void)seconds;
}

void fm_sys_fence_all(void)
{
}

void fm_sys_binary_streams(void)
{
}

unsigned long fm_sys_process_id(void)
{
  return 0;
}

void fm_sys_relax(void)
{
}

void fm_sys_lock_process(void)
{
}

void fm_sys_unlock_process(void)
{
}

void fm_seat_release(fm_seat *seat)
{
  (void)seat;
}

void fm_sys_file_close(fm_open_file *f)
{
  (void)f;
}

intptr_t fm_sys_handle(fm_section *s)
{
  (void)s;
  return 0;
}

size_t fm_sys_unit(const fm_section *s)
{
  (void)s;
  return fm_page_size();
}

bool fm_sys_is_reserved(const fm_section *s)
{
  (void)s;
  return false;
}

bool fm_sys_is_shared(const fm_section *s)
{
  (void)s;
  return true;
}

bool fm_sys_is_same(const fm_identity *a, const fm_identity *b)
{
  (void)a, (void)b;
  return false;
}

bool fm_sys_is_committed(const void *address, size_t length)
{
  (void)address, (void)length;
  return true;
}

bool fm_seat_is_taken(const fm_section *s, uint32_t number)
{
  (void)s, (void)number;
  return false;
}

bool fm_sys_is_parallel(void)
{
  return true;
}

const unsigned char *fm_sys_find(const unsigned char *bytes, size_t length, const void *needle, size_t n)
{
  return fm_two_way_search(bytes, length, needle, n);
}

#endif
