/* The life-cycle of named objects. object.h lists its steps. */
#include <stdlib.h>
#include <string.h>

#include "../base/test_hook.h"
#include "lock.h"
#include "object.h"
#include "pollable.h"

enum { RETRY_LIMIT = 100 };

int fm_prefer_truncated(const fm_view *v, int code, fm_error *e)
{
  return fm_view_is_lost(v) ? fm_fail(e, FM_TRUNCATED, NULL) : code;
}

/* {-- The section ------------------------------------------------------------------------------- */

static int fail_taken(const fm_role *role, fm_error *e)
{
  return fm_fail(e, role->taken, "%s", role->taken_detail);
}

/* A process that creates an object acquires the role's one seat before another process can open the object.
** So no other process finds a new object whose role is free, or acquires its seat first. */
static int acquire_only_seat(void *object, const fm_section *s, fm_error *e)
{
  fm_object *o = object;
  const int code = fm_seat_acquire(&o->seat, s, o->role->seat, e);
  return code == FM_IN_USE ? fail_taken(o->role, e) : code;
}

static fm_purpose purpose_of(const fm_role *role)
{
  return role->kind >= FM_OBJECT_MUTEX ? FM_FOR_SYNC : FM_FOR_MEMORY;
}

static int create_section(fm_map **map, fm_object *o, const fm_name *name, const fm_object_request *r,
                          fm_error *e)
{
  const fm_role *role = o->role;
  fm_request request;
  const int code = fm_request_of(&request, r->options, e);
  if (code != FM_OK) return code;
  request.options.access = FM_RW;
  r->first->magic = FM_OBJECT_MAGIC;
  r->first->kind = role->kind;
  r->first->version = role->version;
  request.options.size = r->first->size;
  request.options.commit = !role->reserves;
  request.purpose = purpose_of(role);
  request.initial = r->first;
  request.initial_size = r->first_size;
  if (role->seating == FM_ONE_SEAT) request.prepare = acquire_only_seat;
  request.context = o;
  return fm_map_create(map, name, &request, e);
}

static int open_section(fm_map **map, const fm_role *role, const fm_name *name, fm_error *e)
{
  fm_request request;
  int code = fm_request_of(&request, NULL, e);
  request.purpose = purpose_of(role);
  if (code == FM_OK) code = fm_map_open(map, name, &request, e);
  if (code != FM_DENIED || !role->read_only) return code;
  request.options.access = FM_READ;
  return fm_map_open(map, name, &request, e);
}

/* Views the first `size` bytes. Commits them if they are only reserved, which a process without write access
** cannot. */
static int view_memory(fm_view *out, fm_map *map, uint64_t size, fm_error *e)
{
  const int access = fm_map_access(map);
  int code = fm_view_open(out, map, 0, size, access, e);
  if (code != FM_OK) return code;
  code = fm_view_check(out, false, 0, size, e);
  if (code == FM_INVALID)
    code = access & FM_WRITE ? fm_view_commit(out, 0, size, e) : fm_fail(e, FM_CORRUPT, NULL);
  if (code != FM_OK) fm_view_close(out);
  return code;
}

/* {-- The header -------------------------------------------------------------------------------- */

static int look_for_magic(void *context, bool thoroughly, fm_error *e)
{
  fm_word32 *magic = context;
  (void)thoroughly, (void)e;
  return atomic_load_explicit(magic, memory_order_acquire) ? FM_OK : FM_TIMEOUT;
}

static int check_header(const fm_role *role, const fm_header *h, uint64_t size, uint64_t *view_size,
                        fm_error *e)
{
  if (h->magic == FM_SWAPPED_MAGIC)
    return fm_fail(e, FM_CORRUPT, "it was created by a process with another byte order");
  if (h->magic != FM_OBJECT_MAGIC) return fm_fail(e, FM_CORRUPT, NULL);
  if (h->kind != role->kind && h->kind >= FM_OBJECT_MUTEX && role->kind >= FM_OBJECT_MUTEX)
    return fm_fail(e, FM_INVALID, "the name stands for another kind of sync object");
  if (h->kind != role->kind || h->version != role->version || h->size > size || !role->check(h, view_size) ||
      *view_size > h->size)
    return fm_fail(e, FM_CORRUPT, NULL);
  return FM_OK;
}

/* Copies the header, and checks the copy. On Windows a section can be opened a moment before its first bytes
** are written, the magic number last. */
static int read_header(fm_object *o, fm_map *map, const fm_role *role, uint64_t *view_size, fm_error *e)
{
  fm_view view;
  fm_wait_point none = {.word = NULL};
  if (fm_map_size(map) < sizeof o->header) return fm_fail(e, FM_CORRUPT, NULL);
  int code = view_memory(&view, map, sizeof o->header, e);
  if (code != FM_OK) return code;
  fm_await(&none, FM_FILL_SECONDS, look_for_magic, view.data, NULL);
  memcpy(&o->header, view.data, sizeof o->header);
  code = fm_prefer_truncated(&view, check_header(role, &o->header, fm_map_size(map), view_size, e), e);
  fm_view_close(&view);
  return code;
}

/* {-- The seat ---------------------------------------------------------------------------------- */

static int acquire_seat(fm_object *o, fm_error *e)
{
  const fm_role *role = o->role;
  if (role->seating == FM_NO_SEAT || o->seat.number != 0) return FM_OK;
  if (role->seating == FM_ONE_SEAT) return acquire_only_seat(o, fm_object_section(o), e);
  return fm_seat_acquire_free(&o->seat, fm_object_section(o), role->seat, e);
}

static void release_seat(fm_object *o)
{
  if (o->entered && o->seat.number != 0 && o->role->leave) o->role->leave(o);
  o->entered = false;
  fm_seat_release(&o->seat);
}

static int acquire_and_enter(fm_object *o, fm_error *e)
{
  int code = acquire_seat(o, e);
  FM_TEST_HOOK("entering");
  if (code == FM_OK && o->role->enter) code = o->role->enter(o, e);
  o->entered = code == FM_OK;
  code = fm_prefer_truncated(&o->view, code, e);
  if (code != FM_OK) release_seat(o);
  return code;
}

int fm_object_check_seat(fm_object *o, fm_error *e)
{
  if (o->seat.number != 0) return FM_OK;
  if (o->role->seating >= FM_FREE_SEAT) return acquire_and_enter(o, e);
  return fm_fail(e, FM_DENIED, "it belongs to the process that this one was forked from");
}

/* Checks what the caller asked for. If another process has the role, the call reports that instead. */
static int check_fit(const fm_object *o, const fm_object_request *r, fm_error *e)
{
  const fm_role *role = o->role;
  const int code = role->fits && r->wanted ? role->fits(&o->header, r->wanted, e) : FM_OK;
  if (code == FM_OK || role->seating != FM_ONE_SEAT) return code;
  return fm_seat_is_taken(fm_object_section(o), role->seat) ? fail_taken(role, e) : code;
}

/* {-- Opening and closing ----------------------------------------------------------------------- */

static void close_memory(fm_object *o)
{
  for (int i = 0; i < FM_OBJECT_POINTS; i++) fm_wait_point_close(&o->points[i]);
  fm_view_close(&o->view);
  free(o->buffer);
  memset(o, 0, sizeof *o);
}

void fm_object_close(fm_object *o)
{
  fm_pollable_close(o);
  release_seat(o);
  close_memory(o);
}

/* Tries once to create the section if `create` is true, else to open it. The view keeps the section open. */
static int open_once(fm_object *o, const fm_role *role, const fm_name *name, const fm_object_request *r,
                     bool create, fm_error *e)
{
  fm_map *map = NULL;
  uint64_t size = 0;
  o->role = role;
  o->created = create;
  int code = create ? create_section(&map, o, name, r, e) : open_section(&map, role, name, e);
  if (code == FM_OK) code = read_header(o, map, role, &size, e);
  if (code == FM_OK) code = view_memory(&o->view, map, size, e);
  fm_map_close(map);
  if (code == FM_OK && !create) code = check_fit(o, r, e);
  if (code == FM_OK && role->attach) code = role->attach(o, e);
  if (code == FM_OK) FM_TEST_HOOK("viewed");
  if (code == FM_OK && role->seating != FM_SEAT_ON_DEMAND) code = acquire_and_enter(o, e);
  if (code == FM_OK) return FM_OK;
  fm_seat_release(&o->seat);
  close_memory(o);
  return code;
}

int fm_object_open(fm_object *o, const fm_role *role, const fm_object_request *r, fm_error *e)
{
  const bool creates = role->creates && !r->existing;
  fm_name name;
  fm_request request;
  int code = fm_name_parse(&name, r->name, e);
  if (code == FM_OK) code = fm_request_of(&request, r->options, e); /* also where the object exists */
  if (code == FM_OK && !r->name) code = fm_fail(e, FM_INVALID, "a channel must have a name");
  if (code != FM_OK) return code;
  for (int round = 0; round < RETRY_LIMIT; round++) {
    code = role->opens ? open_once(o, role, &name, r, false, e) : FM_NOT_FOUND;
    if (code != FM_NOT_FOUND || !creates) return code;
    code = open_once(o, role, &name, r, true, e);
    if (code != FM_EXISTS || !role->opens) return code;
  }
  return fm_fail(e, FM_IN_USE, "the name was created and removed %d times while opening it", RETRY_LIMIT);
}

int fm_object_new(void *out, const fm_role *role, const fm_object_request *r, fm_error *e)
{
  fm_object *o = calloc(1, role->size);
  if (!o) return fm_fail(e, FM_NO_MEMORY, NULL);
  const int code = fm_object_open(o, role, r, e);
  if (code == FM_OK) memcpy(out, &o, sizeof o);
  else free(o);
  return code;
}

void fm_object_free(fm_object *o)
{
  if (!o) return;
  fm_object_close(o);
  free(o);
}

int fm_object_share(fm_object *o, const fm_role *role, const fm_object *other, fm_error *e)
{
  o->role = role;
  o->header = other->header;
  int code = fm_view_sub(&o->view, &other->view, 0, other->view.size, other->view.access, e);
  if (code == FM_OK) code = acquire_and_enter(o, e);
  if (code != FM_OK) close_memory(o);
  return code;
}

/* {-- Parts of objects -------------------------------------------------------------------------- */

int fm_object_wait_point(fm_object *o, int at, unsigned index, fm_word32 *word, fm_error *e)
{
  return fm_wait_point_open(&o->points[at], fm_view_map(&o->view), index, word, e);
}

int fm_object_reserve(fm_object *o, uint32_t size, fm_error *e)
{
  if (o->buffer && size <= o->buffer_size) return FM_OK;
  const uint32_t least = size < 256 ? 256 : size;
  unsigned char *larger = realloc(o->buffer, least);
  if (!larger) return fm_fail(e, FM_NO_MEMORY, NULL);
  o->buffer = larger;
  o->buffer_size = least;
  return FM_OK;
}
