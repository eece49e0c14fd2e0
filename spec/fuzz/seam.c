#include "seam.h"

#include <stdio.h>
#include <sys/mman.h>

#include "../../src/map/map.h"

enum { PAGE = 4096, MOST = 1 << 18 /* bytes at once */, MOST_PAGES = (1 << 30) / PAGE + 2, SEATS = 4096 };

/* The only section. If it is reserved, it has whole pages, which cannot be accessed before they are
** committed. */
static struct section {
  uint8_t *bytes;
  size_t size;
  size_t reserved; /* in bytes; 0: all of it is committed */
  int holders;     /* 0: there is no section */
  bool planted;    /* the hostile process is one of them */
  bool read_only;  /* to processes other than the hostile one */
} section;

static bool is_committed[MOST_PAGES];
static volatile int lost;
static double now;
static long maps, views, signals, calls_to_failure;
static bool seats_of_others[SEATS], seats_of_ours[SEATS];
static fm_seat *seats;

/* {-- Sections ---------------------------------------------------------------------------------- */

static void drop_section(void)
{
  if (--section.holders > 0) return;
  fz_share(NULL, 0);
  if (section.reserved) munmap(section.bytes, section.reserved);
  else free(section.bytes);
  section = (struct section){NULL, 0, 0, 0, false, false};
}

static void make_section(size_t size, bool commit)
{
  lost = 0;
  section = (struct section){NULL, size, 0, 1, false, false};
  if (commit) {
    section.bytes = calloc(1, size);
    CHECK(section.bytes);
    fz_share(section.bytes, size);
    return;
  }
  section.reserved = (size + PAGE - 1) / PAGE * PAGE;
  section.bytes = mmap(NULL, section.reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK((void *)section.bytes != MAP_FAILED);
  memset(is_committed, 0, section.reserved / PAGE);
}

/* Commits pages. The hostile process can write to the committed pages before the first one that is not. */
static void commit(size_t offset, size_t length)
{
  size_t first = offset / PAGE, end = (offset + length + PAGE - 1) / PAGE;
  if (!section.reserved || length == 0) return;
  CHECK(mprotect(section.bytes + first * PAGE, (end - first) * PAGE, PROT_READ | PROT_WRITE) == 0);
  memset(is_committed + first, true, end - first);
  for (first = 0; first < section.reserved / PAGE && is_committed[first];) first++;
  fz_share(section.bytes, first * PAGE < section.size ? first * PAGE : section.size);
}

static bool is_there(size_t offset, size_t length)
{
  for (size_t page = offset / PAGE; section.reserved && length > 0 && page <= (offset + length - 1) / PAGE; page++)
    if (!is_committed[page]) return false;
  return true;
}

void seam_plant(fm_object_kind kind, const uint32_t sizes[4], size_t size)
{
  fm_header h = {FM_OBJECT_MAGIC, (uint16_t)kind, FM_OBJECT_VERSION, size, {0}, {0}};
  const uint8_t how = fz_byte();
  if (section.holders > 0 || size == 0 || size > MOST) return;
  memcpy(h.sizes, sizes, sizeof h.sizes);
  if (how & 1) ((uint32_t *)(void *)&h)[fz_below(8)] = fz_word();
  make_section(size, how & 2);
  section.planted = true;
  section.read_only = how > 200;
  if (how & 4) commit(0, how & 8 ? size : fz_below((uint32_t)size));
  if (is_there(0, size < sizeof h ? size : sizeof h)) memcpy(section.bytes, &h, size < sizeof h ? size : sizeof h);
}

static void cut_off(void)
{
  lost = 1;
  if (section.holders > 0 && !section.reserved) memset(section.bytes, 0, section.size);
}

/* {-- The hostile process, the clock, and failures ----------------------------------------------- */

static void do_more(uint8_t what)
{
  if (what == 0xFF) cut_off();
  else if (what == 0xFE) calls_to_failure = 1;
  else if (what == 0xFD) calls_to_failure = 2;
  else seats_of_others[what & 8 ? 1 + (what & 7) : what & 7] ^= 1;
}

static int fails(fm_error *e)
{
  return calls_to_failure > 0 && --calls_to_failure == 0 ? fm_fail(e, FM_NO_MEMORY, NULL) : FM_OK;
}

double seam_timeout(void)
{
  static const double timeouts[] = {0, 0, 0.001, 0.1, 1};
  return timeouts[fz_byte() % 5];
}

void seam_begin(void)
{
  memset(seats_of_others, 0, sizeof seats_of_others);
  now = 1000;
  lost = 0;
  calls_to_failure = 0;
  fz_more = do_more;
}

void seam_end(void)
{
  if (section.planted) drop_section();
  CHECK(section.holders == 0 && maps == 0 && views == 0 && signals == 0 && !seats);
}

double fm_now(void)
{
  return now += 10e-6;
}

uint64_t fm_sys_ticks(void)
{
  return (uint64_t)(now * 1e3);
}

void fm_sys_sleep(fm_wait_point *s, uint32_t seen, double seconds)
{
  CHECK(seconds >= 0 && seconds <= FM_SLICE + 1e-9);
  fz_interfere();
  if (*s->word == seen) now += seconds;
}

void fm_sys_pause(double seconds)
{
  fz_interfere();
  now += seconds;
}

void fm_sys_wake(fm_wait_point *s) { (void)s; }
void fm_sys_prepare_sleep(fm_wait_point *s) { (void)s; }
void fm_sys_fence_all(void) {}
void fm_sys_relax(void) {}
bool fm_sys_is_parallel(void) { return fz_byte() & 1; }
void fm_sys_message(long native, char *out, size_t size) { (void)native, (void)size, out[0] = 0; }

/* {-- Maps -------------------------------------------------------------------------------------- */

static int new_map(fm_map **out, int access, fm_error *e)
{
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  fm_map *m = calloc(1, sizeof *m);
  CHECK(m);
  m->refs = 1;
  m->access = access;
  m->size = section.size;
  m->reserved = section.reserved > 0;
  maps++;
  *out = m;
  return FM_OK;
}

int fm_create(fm_map **out, const char *name, uint64_t size, const fm_options *o, fm_error *e)
{
  CHECK(name && size > 0 && o->access == FM_RW && o->initial_size <= size);
  if (section.holders > 0) return fm_fail(e, FM_EXISTS, NULL);
  if (o->commit ? size > MOST : size > (uint64_t)(MOST_PAGES - 1) * PAGE) return fm_fail(e, FM_NO_MEMORY, NULL);
  make_section((size_t)size, o->commit);
  const int code = new_map(out, o->access, e);
  if (code != FM_OK) {
    drop_section();
    return code;
  }
  commit(0, o->initial_size);
  memcpy(section.bytes, o->initial, o->initial_size);
  return FM_OK;
}

int fm_open(fm_map **out, const char *name, const fm_options *o, fm_error *e)
{
  CHECK(name && o->size == FM_ANY_SIZE);
  fz_interfere();
  if (section.holders == 0) return fm_fail(e, FM_NOT_FOUND, NULL);
  if (section.read_only && (o->access & FM_WRITE)) return fm_fail(e, FM_DENIED, NULL);
  const int code = new_map(out, o->access, e);
  if (code == FM_OK) section.holders++;
  return code;
}

static void drop_map(fm_map *m)
{
  if (--m->refs > 0) return;
  free(m);
  maps--;
  drop_section();
}

void fm_map_close(fm_map *m)
{
  if (m) drop_map(m);
}

uint64_t fm_map_size(const fm_map *m) { return m->size; }
int fm_map_access(const fm_map *m) { return m->access; }
const char *fm_map_label(const fm_map *m) { (void)m; return "it"; }

/* {-- Views ------------------------------------------------------------------------------------- */

static int check_range(uint64_t offset, uint64_t length, uint64_t size, fm_error *e)
{
  return offset > size || length > size - offset ? fm_fail(e, FM_INVALID, NULL) : FM_OK;
}

int fm_view_open(fm_view *out, fm_map *m, uint64_t offset, uint64_t length, int access, fm_error *e)
{
  CHECK(length > 0 && !(access & ~m->access));
  int code = check_range(offset, length, m->size, e);
  if (code == FM_OK) code = fails(e);
  if (code != FM_OK) return code;
  fm_mapping *mapping = calloc(1, sizeof *mapping);
  CHECK(mapping);
  mapping->map = m;
  m->refs++;
  views++;
  *out = (fm_view){section.bytes + offset, (size_t)length, 0, 0, access, offset, mapping, &lost};
  return FM_OK;
}

int fm_view_sub(fm_view *out, const fm_view *v, uint64_t offset, uint64_t length, int access, fm_error *e)
{
  const int code = check_range(offset, length, v->size, e);
  return code == FM_OK ? fm_view_open(out, v->mapping->map, v->offset + offset, length, access, e) : code;
}

fm_map *fm_view_map(const fm_view *v)
{
  return v->mapping->map;
}

int fm_view_check(const fm_view *v, bool writing, uint64_t offset, uint64_t length, fm_error *e)
{
  CHECK(v->data && !writing);
  const int code = check_range(offset, length, v->size, e);
  if (code != FM_OK) return code;
  if (!is_there((size_t)(v->offset + offset), (size_t)length)) return fm_fail(e, FM_INVALID, NULL);
  return lost ? fm_fail(e, FM_TRUNCATED, NULL) : FM_OK;
}

int fm_view_commit(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e)
{
  CHECK(v->data && v->mapping->map->access & FM_WRITE);
  int code = check_range(offset, length, v->size, e);
  if (code == FM_OK) code = fails(e);
  if (code == FM_OK && lost) code = fm_fail(e, FM_TRUNCATED, NULL);
  if (code == FM_OK) commit((size_t)(v->offset + offset), (size_t)length);
  return code;
}

void fm_view_close(fm_view *v)
{
  if (!v->data) return;
  drop_map(v->mapping->map);
  free(v->mapping);
  views--;
  *v = (fm_view){NULL, 0, 0, 0, 0, 0, NULL, &lost};
}

/* {-- Signals and seats ------------------------------------------------------------------------- */

int fm_wait_point_open(fm_wait_point *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e)
{
  (void)m, (void)index;
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  *out = (fm_wait_point){.word = word, .event = 1};
  signals++;
  return FM_OK;
}

void fm_wait_point_close(fm_wait_point *s)
{
  signals -= s->event;
  s->event = 0;
}

/* The hostile process can write any number as that of a seat, but there are only SEATS seats here. */
bool fm_seat_is_taken(const fm_map *m, uint32_t number)
{
  CHECK(m);
  fz_interfere();
  return seats_of_ours[number % SEATS] || seats_of_others[number % SEATS];
}

int fm_seat_acquire(fm_seat *s, const fm_map *m, uint32_t number, fm_error *e)
{
  CHECK(number > 0 && s->number == 0);
  if (fm_seat_is_taken(m, number)) return fm_fail(e, FM_IN_USE, NULL);
  if (fails(e) != FM_OK) return FM_NO_MEMORY;
  seats_of_ours[number % SEATS] = true;
  *s = (fm_seat){number, 0, seats};
  seats = s;
  return FM_OK;
}

void fm_seat_release(fm_seat *s)
{
  fm_seat **at = &seats;
  if (s->number == 0) return;
  while (*at && *at != s) at = &(*at)->next;
  CHECK(*at);
  *at = s->next;
  seats_of_ours[s->number % SEATS] = false;
  s->number = 0;
}

/* The parent keeps its seats until it dies. */
void seam_fork(void)
{
  for (; seats; seats = seats->next) {
    seats_of_ours[seats->number % SEATS] = false;
    seats_of_others[seats->number % SEATS] = true;
    seats->number = 0;
  }
}
