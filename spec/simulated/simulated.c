/* The simulated system: every function of system.h. simulated.h says what it is for. */
#define _GNU_SOURCE
#include "simulated.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../src/base/memory_search.h"

enum { PAGE = 4096, MOST_PAGES = (1 << 30) / PAGE + 16, MOST = 1 << 18 /* bytes of a committed section */ };

/* A section that is only reserved has whole pages, which cannot be accessed before they are committed. In a
** section that is committed at once, the sanitizers know each byte. */
typedef struct simulated_section {
  char name[FM_NAME_SIZE];
  fm_purpose purpose;
  bool reserved, read_only;
  uint8_t *bytes;
  size_t size, pages;
  bool *committed; /* by page, if it is reserved */
  int holders;
  bool is_foreign; /* another process is one of the holders */
  struct simulated_section *next;
} simulated_section;

typedef struct mapped {
  fm_mapped *m;
  simulated_section *section;
  struct mapped *next;
} mapped;

const fm_family fm_sys_family = FM_ERRNO;
const fm_sync_class *fm_sys_sync_class(fm_sync_kind kind, const fm_name *name)
{
  (void)kind, (void)name;
  return NULL;
}

int fm_sys_sync_unlink(const fm_name *name, fm_error *e)
{
  (void)name;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}
bool fm_sys_fences_all = false;

static simulated_hooks hooks;
static double now, tick;
static simulated_section *sections;
static mapped *ranges;
static fm_seat *seats; /* of this process */
static enum { FREE, OURS, OTHERS } seat_holders[SIMULATED_SEATS];
static long events;

static void fatal(const char *what)
{
  fprintf(stderr, "simulated system: %s\n", what);
  abort();
}

static void act(void)
{
  if (hooks.act) hooks.act();
}

static int fails(fm_error *e)
{
  return hooks.fails && hooks.fails() ? fm_fail(e, FM_NO_MEMORY, NULL) : FM_OK;
}

void simulated_begin(const simulated_hooks *h, double seconds)
{
  hooks = h ? *h : (simulated_hooks){0};
  tick = seconds;
  now = 1000;
  memset(seat_holders, 0, sizeof seat_holders);
  seats = NULL;
}

long simulated_count(void)
{
  long count = events;
  for (const simulated_section *s = sections; s; s = s->next) count++;
  for (const mapped *r = ranges; r; r = r->next) count++;
  for (const fm_seat *s = seats; s; s = s->next) count++;
  return count;
}

/* {-- The process -------------------------------------------------------------------------------- */

const char *fm_platform(void) { return "simulated"; }
size_t fm_page_size(void) { return PAGE; }
size_t fm_granularity(void) { return 1; }
double fm_now(void) { return now += tick; }
uint64_t fm_sys_ticks(void) { return (uint64_t)(now * 1e3); }
void simulated_pass(double seconds) { now += seconds; }
bool fm_sys_is_parallel(void) { return hooks.parallel && hooks.parallel(); }
void fm_sys_relax(void) {}
void fm_sys_lock_process(void) { if (hooks.lock) hooks.lock(true); }
void fm_sys_unlock_process(void) { if (hooks.lock) hooks.lock(false); }

void fm_sys_pause(double seconds)
{
  act();
  now += seconds;
}

int fm_fail_native(fm_error *e, long native)
{
  return fm_fail_number(e, fm_sys_family, native, "");
}

/* {-- Sections ----------------------------------------------------------------------------------- */

static simulated_section *find(const char *name, fm_purpose purpose)
{
  simulated_section *s = sections;
  while (s && (strcmp(s->name, name) != 0 || s->purpose != purpose)) s = s->next;
  return s;
}

static void drop(simulated_section *s)
{
  if (--s->holders > 0) return;
  simulated_section **at = &sections;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  if (s->reserved) munmap(s->bytes, s->pages * PAGE);
  else free(s->bytes);
  free(s->committed);
  free(s);
}

static void commit(simulated_section *s, size_t offset, size_t length)
{
  const size_t first = offset / PAGE, end = (offset + length + PAGE - 1) / PAGE;
  if (!s->reserved || length == 0) return;
  if (end > s->pages) fatal("memory is committed past the end of its section");
  if (mprotect(s->bytes + first * PAGE, (end - first) * PAGE, PROT_READ | PROT_WRITE) != 0) fatal("mprotect");
  memset(s->committed + first, true, end - first);
}

static bool is_there(const simulated_section *s, size_t offset, size_t length)
{
  for (size_t page = offset / PAGE; s->reserved && length > 0 && page <= (offset + length - 1) / PAGE; page++)
    if (!s->committed[page]) return false;
  return true;
}

static simulated_section *make(const char *name, fm_purpose purpose, size_t size, bool reserved)
{
  simulated_section *s = calloc(1, sizeof *s);
  if (!s) fatal("no memory");
  snprintf(s->name, sizeof s->name, "%s", name);
  s->purpose = purpose;
  s->size = size;
  s->reserved = reserved;
  s->pages = (size + PAGE - 1) / PAGE;
  s->holders = 1;
  s->bytes = reserved
                 ? mmap(NULL, s->pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                 : calloc(1, size);
  s->committed = reserved ? calloc(s->pages, sizeof *s->committed) : NULL;
  if (!s->bytes || (void *)s->bytes == MAP_FAILED || (reserved && !s->committed)) fatal("no memory");
  s->next = sections;
  return sections = s;
}

bool simulated_create(const char *name, fm_purpose purpose, const void *initial, size_t initial_size,
                      size_t size, size_t committed, bool read_only)
{
  if (size == 0 || size > MOST || find(name, purpose)) return false;
  simulated_section *s = make(name, purpose, size, committed < size);
  s->is_foreign = true;
  s->read_only = read_only;
  commit(s, 0, committed);
  if (initial_size > size) initial_size = size;
  if (is_there(s, 0, initial_size)) memcpy(s->bytes, initial, initial_size);
  return true;
}

void simulated_drop_all(void)
{
  for (simulated_section *s = sections, *next; s; s = next) {
    next = s->next;
    if (s->is_foreign) drop(s);
  }
}

void *simulated_memory(size_t *size)
{
  const simulated_section *s = sections;
  if (!s) return NULL;
  size_t page = 0;
  while (s->reserved && page < s->pages && s->committed[page]) page++;
  *size = s->reserved && page * PAGE < s->size ? page * PAGE : s->size;
  return s->bytes;
}

void simulated_truncate(void)
{
  for (mapped *r = ranges; r; r = r->next) r->m->lost = 1;
  for (simulated_section *s = sections; s; s = s->next)
    for (size_t page = 0; page < s->pages; page++)
      if (is_there(s, page * PAGE, 1))
        memset(s->bytes + page * PAGE, 0, s->size - page * PAGE < PAGE ? s->size - page * PAGE : PAGE);
}

int fm_sys_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e)
{
  act();
  if (find(name->full, r->purpose)) return fm_fail(e, FM_EXISTS, NULL);
  const uint64_t most = r->options.commit ? MOST : (uint64_t)MOST_PAGES * PAGE;
  if (r->options.size > most || fails(e) != FM_OK) return fm_fail(e, FM_NO_MEMORY, NULL);
  s->at = make(name->full, r->purpose, (size_t)r->options.size, !r->options.commit);
  commit(s->at, 0, r->initial_size);
  if (r->initial_size > 0) memcpy(s->at->bytes, r->initial, r->initial_size);
  const int code = r->prepare ? r->prepare(r->context, s, e) : FM_OK;
  if (code != FM_OK) drop(s->at);
  return code;
}

int fm_sys_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e)
{
  act();
  simulated_section *found = find(name->full, r->purpose);
  if (!found) return fm_fail(e, FM_NOT_FOUND, NULL);
  if (found->read_only && (r->options.access & FM_WRITE)) return fm_fail(e, FM_DENIED, NULL);
  if (found->size < r->options.size) return fm_fail(e, FM_TOO_SMALL, NULL);
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  found->holders++;
  s->at = found;
  *size = found->size;
  return FM_OK;
}

void fm_sys_close(fm_section *s) { drop(s->at); }

int fm_sys_identify(fm_identity *out, const fm_section *s, fm_error *e)
{
  out->at = s->at;
  return fails(e);
}

bool fm_sys_is_same(const fm_identity *a, const fm_identity *b) { return a->at == b->at; }
bool fm_sys_is_shared(const fm_section *s) { return s->at != NULL; }
intptr_t fm_sys_handle(fm_section *s) { return (intptr_t)s->at; }

/* {-- Mapped memory ------------------------------------------------------------------------------ */

size_t fm_sys_unit(const fm_section *s) { return s->at ? 1 : PAGE; }
bool fm_sys_is_reserved(const fm_section *s) { return s->at->reserved; }

int fm_sys_map(fm_mapped *m, fm_section *s, uint64_t offset, int access, fm_error *e)
{
  (void)access;
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  if (offset > s->at->size || m->length > s->at->size - offset)
    fatal("memory is mapped past the end of its section");
  mapped *r = malloc(sizeof *r);
  if (!r) fatal("no memory");
  *r = (mapped){.m = m, .section = s->at, .next = ranges};
  ranges = r;
  m->base = s->at->bytes + offset;
  return FM_OK;
}

void fm_sys_unmap(fm_mapped *m)
{
  mapped **at = &ranges;
  while (*at && (*at)->m != m) at = &(*at)->next;
  mapped *r = *at;
  if (!r) fatal("memory is unmapped that is not mapped");
  *at = r->next;
  free(r);
}

int fm_sys_commit(fm_section *s, uint64_t offset, void *address, size_t length, int access, fm_error *e)
{
  (void)address, (void)access;
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  commit(s->at, (size_t)offset, length);
  return FM_OK;
}

bool fm_sys_is_committed(const void *address, size_t length)
{
  const uint8_t *at = address;
  for (const simulated_section *s = sections; s; s = s->next)
    if (at >= s->bytes && at < s->bytes + s->size) return is_there(s, (size_t)(at - s->bytes), length);
  return false;
}

int fm_sys_handle_lost_pages(fm_find_mapped find_mapped, fm_error *e)
{
  (void)find_mapped;
  return fails(e);
}

void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private)
{
  (void)address, (void)length, (void)hint, (void)is_private;
}

int fm_sys_flush(fm_section *s, void *address, size_t length, bool async, fm_error *e)
{
  (void)s, (void)address, (void)length, (void)async;
  return fails(e);
}

int fm_sys_pin(fm_section *s, uint64_t offset, void *address, size_t length, fm_error *e)
{
  (void)s, (void)offset, (void)address, (void)length;
  return fails(e);
}

int fm_sys_unpin(void *address, size_t length, fm_error *e)
{
  (void)address, (void)length, (void)e;
  return FM_OK;
}

/* {-- Waiting ------------------------------------------------------------------------------------ */

int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e)
{
  (void)s, (void)index;
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  out->is_open = 1;
  events++;
  return FM_OK;
}

void fm_sys_event_close(fm_event *event)
{
  events -= event->is_open;
  event->is_open = 0;
}

void fm_sys_sleep(fm_event *event, fm_word32 *word, uint32_t seen, double seconds)
{
  (void)event;
  if (seconds < 0 || seconds > 0.0501) fatal("a sleep is longer than a slice");
  act();
  if (hooks.sleep) hooks.sleep(word, seen, seconds);
  else if (*word == seen) now += seconds;
}

const size_t fm_sys_sleep_most = 128;

int fm_sys_sleep_any(const fm_sleep_on *things, size_t count, double seconds, bool *abandoned)
{
  (void)abandoned;
  if (seconds < 0 || seconds > 0.0501) fatal("a sleep is longer than a slice");
  act();
  if (hooks.sleep_any) hooks.sleep_any(things, count);
  else now += seconds;
  return -1;
}

void fm_sys_wake(fm_event *event, fm_word32 *word)
{
  (void)event;
  if (hooks.wake) hooks.wake(word);
}

void fm_sys_prepare_sleep(fm_event *event) { (void)event; }
void fm_sys_fence_all(void) {}

/* {-- Event loops --------------------------------------------------------------------------------- */

static fm_word32 handles[4]; /* 1: open, 2: and set */
enum { HANDLES = sizeof handles / sizeof *handles };

fm_word32 *simulated_handle(intptr_t handle) { return &handles[handle]; }

int fm_sys_pollable_open(intptr_t *out, fm_error *e)
{
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  for (*out = 0; *out < HANDLES && handles[*out] != 0; ++*out) {}
  if (*out == HANDLES) fatal("too many handles are open");
  handles[*out] = 1;
  events++;
  return FM_OK;
}

void fm_sys_pollable_close(intptr_t handle)
{
  if (handles[handle] == 0) fatal("a handle is closed twice");
  handles[handle] = 0;
  events--;
}

void fm_sys_pollable_set(intptr_t handle)
{
  if (handles[handle] != 1) fatal("a handle is set that is set, or not open");
  handles[handle] = 2;
  if (hooks.wake) hooks.wake(&handles[handle]);
}

void fm_sys_pollable_clear(intptr_t handle)
{
  if (handles[handle] != 2) fatal("a handle is cleared that is not set");
  handles[handle] = 1;
  if (hooks.wake) hooks.wake(&handles[handle]);
}

int fm_sys_event_private(fm_event *out, fm_error *e)
{
  return fm_sys_event_open(out, NULL, 0, e);
}

int fm_sys_thread_start(fm_thread *out, void (*run)(void *context), void *context, void (*in_child)(void),
                        fm_error *e)
{
  (void)in_child;
  if (!hooks.start || fails(e) != FM_OK) return fm_fail(e, FM_NO_MEMORY, NULL);
  out->number = hooks.start(run, context);
  return FM_OK;
}

void fm_sys_thread_join(fm_thread *t)
{
  hooks.join(t->number);
}

/* {-- Seats -------------------------------------------------------------------------------------- */

void simulated_toggle_seat(uint32_t number)
{
  if (seat_holders[number % SIMULATED_SEATS] == OTHERS) seat_holders[number % SIMULATED_SEATS] = FREE;
  else if (seat_holders[number % SIMULATED_SEATS] == FREE) seat_holders[number % SIMULATED_SEATS] = OTHERS;
}

void simulated_kill(uint32_t number)
{
  for (fm_seat **at = &seats; *at; at = &(*at)->next)
    if ((*at)->number == number) {
      *at = (*at)->next;
      break;
    }
  seat_holders[number % SIMULATED_SEATS] = FREE;
}

void simulated_fork(void)
{
  for (; seats; seats = seats->next) {
    seat_holders[seats->number % SIMULATED_SEATS] = OTHERS;
    seats->number = 0;
  }
}

bool fm_seat_is_taken(const fm_section *s, uint32_t number)
{
  (void)s;
  act();
  return seat_holders[number % SIMULATED_SEATS] != FREE;
}

int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e)
{
  if (number == 0 || seat->number != 0) fatal("a seat is acquired twice, or has the number 0");
  if (fm_seat_is_taken(s, number)) return fm_fail(e, FM_IN_USE, NULL);
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  seat_holders[number % SIMULATED_SEATS] = OURS;
  *seat = (fm_seat){.number = number, .next = seats};
  seats = seat;
  return FM_OK;
}

void fm_seat_release(fm_seat *seat)
{
  fm_seat **at = &seats;
  if (seat->number == 0) return;
  while (*at && *at != seat) at = &(*at)->next;
  if (*at) {
    *at = seat->next;
    seat_holders[seat->number % SIMULATED_SEATS] = FREE;
  }
  seat->number = 0;
}

/* {-- What the tests do not use ------------------------------------------------------------------ */

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

int fm_sys_refresh(fm_section *s, uint64_t before, uint64_t *size, int access, fm_error *e)
{
  (void)s, (void)before, (void)size, (void)access;
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

int fm_sys_file_open(fm_open_file *f, bool *existed, const char *path, int access, const fm_file_request *r,
                     const fm_options *options, fm_error *e)
{
  (void)f, (void)existed, (void)path, (void)access, (void)r, (void)options;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

void fm_sys_file_close(fm_open_file *f) { (void)f; }

const unsigned char *fm_sys_find(const unsigned char *bytes, size_t length, const void *needle, size_t n)
{
  return fm_two_way_search(bytes, length, needle, n);
}
