/* Views: bounds, slices, and the calls on a range of mapped memory. Callers read and write through
** fm_view.data. */
#include <stdlib.h>
#include <string.h>

#include "../base/test_hook.h"
#include "map.h"

static int fail_past_end(uint64_t offset, uint64_t length, uint64_t size, fm_error *e)
{
  return fm_fail(e, FM_INVALID, "offset %llu + %llu bytes is past its end at %llu",
                 (unsigned long long)offset, (unsigned long long)length, (unsigned long long)size);
}

static int check_range(uint64_t offset, uint64_t length, uint64_t size, fm_error *e)
{
  if (length == 0) return fm_fail(e, FM_INVALID, "the length of a view must be greater than 0");
  return offset > size || length > size - offset ? fail_past_end(offset, length, size, e) : FM_OK;
}

/* What `lost` of a closed view points to: 0, or 1 if a page of it was lost. */
static const volatile int kept[] = {0, 1};

static void fill_view(fm_view *v, fm_mapping *mapping, void *data, size_t size, uint64_t offset, int access)
{
  v->data = data;
  v->size = size;
  v->readable = fm_sys_is_reserved(&mapping->map->section) ? 0 : size;
  v->writable = access & (FM_WRITE | FM_COPY) ? v->readable : 0;
  v->access = access;
  v->offset = offset;
  v->mapping = mapping;
  v->lost = &mapping->mapped.lost;
}

static void release_mapping(fm_mapping *mapping)
{
  if (atomic_fetch_sub(&mapping->refs, 1) != 1) return;
  fm_unwatch_lost_pages(mapping);
  fm_sys_unmap(&mapping->mapped);
  FM_TEST_HOOK("unmapped");
  mapping->map->views--;
  fm_map_close(mapping->map);
  free(mapping);
  fm_count(-1);
}

static int fail_closed(fm_error *e)
{
  return fm_fail(e, FM_CLOSED, "the view is closed");
}

int fm_view_open(fm_view *out, fm_map *m, uint64_t offset, uint64_t length, int access, fm_error *e)
{
  int code = fm_check_access(access, m->access, e);
  if (code == FM_OK) code = check_range(offset, length, m->size, e);
  if (code != FM_OK) return code;
  /* A mapping starts at a multiple of the unit; its bytes before `offset` are not in the view. */
  const size_t unit = fm_sys_unit(&m->section), before = (size_t)(offset % unit);
  if (length > SIZE_MAX - before - unit)
    return fm_fail(e, FM_TOO_LARGE, "a view of %llu bytes does not fit in the address space of this process",
                   (unsigned long long)length);
  fm_mapping *mapping = calloc(1, sizeof *mapping);
  if (!mapping) return fm_fail(e, FM_NO_MEMORY, NULL);
  mapping->refs = 1;
  mapping->map = m;
  mapping->is_private = access & FM_COPY;
  mapping->mapped = (fm_mapped){.length = (size_t)length + before, .unit = unit};
  code = fm_sys_map(&mapping->mapped, &m->section, offset - before, access, e);
  FM_TEST_HOOK("mapped");
  if (code == FM_OK && (code = fm_watch_lost_pages(mapping, e)) != FM_OK) fm_sys_unmap(&mapping->mapped);
  if (code != FM_OK) {
    free(mapping);
    return code;
  }
  m->refs++;
  m->views++;
  fm_count(1);
  fill_view(out, mapping, (char *)mapping->mapped.base + before, (size_t)length, offset, access);
  return FM_OK;
}

int fm_view_sub(fm_view *out, const fm_view *v, uint64_t offset, uint64_t length, int access, fm_error *e)
{
  if (!v->mapping) return fail_closed(e);
  int code = fm_check_access(access, v->access, e);
  if (code == FM_OK) code = check_range(offset, length, v->size, e);
  if (code != FM_OK) return code;
  if ((access & FM_COPY) && !(v->access & FM_COPY))
    return fm_view_open(out, v->mapping->map, v->offset + offset, length, access, e);
  v->mapping->refs++;
  fill_view(out, v->mapping, v->data + offset, (size_t)length, v->offset + offset, access);
  return FM_OK;
}

static int fail_lost(fm_error *e)
{
  return fm_fail(e, FM_TRUNCATED, NULL);
}

/* Checks a range of a view. In contrast to check_range it may be empty, and the view may be closed. */
static int check_part(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e)
{
  if (!v->mapping) return fail_closed(e);
  if (offset <= v->size && length <= v->size - offset) return FM_OK;
  return fail_past_end(offset, length, v->size, e);
}

int fm_view_check(const fm_view *v, bool writing, uint64_t offset, uint64_t length, fm_error *e)
{
  if (!v->mapping) return fail_closed(e);
  if (writing && !(v->access & (FM_WRITE | FM_COPY)))
    return fm_fail(e, FM_DENIED, "access \"%s\" is read-only", fm_access_word(v->access));
  const int code = check_part(v, offset, length, e);
  if (code != FM_OK) return code;
  if (v->readable == 0 && length > 0 && !fm_sys_is_committed(v->data + offset, (size_t)length))
    return fm_fail(e, FM_INVALID, "offset %llu + %llu bytes are reserved, not committed",
                   (unsigned long long)offset, (unsigned long long)length);
  return fm_view_is_lost(v) ? fail_lost(e) : FM_OK;
}

/* Can two mappings have the same memory? An unnamed section is mapped by its own map only, unless another
** map adopted its handle. */
static bool may_overlap(const fm_mapping *a, const fm_mapping *b)
{
  if (a == b) return false; /* within one mapping memmove(3) sees the overlap */
  return a->map == b->map || fm_sys_is_shared(&a->map->section) || fm_sys_is_shared(&b->map->section);
}

/* Copies from the end where the ranges overlap and the target comes later, as memmove(3) does. memmove
** compares addresses, which tell nothing about two mappings of the same memory. This function compares
** offsets in the map. (Ranges of different sections do not overlap, so for them both directions are right.)
** */
void fm_view_copy(const fm_view *to, uint64_t to_offset, const fm_view *from, uint64_t from_offset,
                  size_t length)
{
  if (!to->mapping || !from->mapping) return;
  unsigned char *const p = to->data + to_offset, *const q = from->data + from_offset;
  const uint64_t to_place = to->offset + to_offset, from_place = from->offset + from_offset;
  const uint64_t distance = to_place > from_place ? to_place - from_place : from_place - to_place;
  if (distance == 0 || distance >= length || !may_overlap(to->mapping, from->mapping)) {
    memmove(p, q, length);
    return;
  }
  unsigned char part[4096];
  for (size_t done = 0; done < length;) {
    const size_t n = length - done < sizeof part ? length - done : sizeof part;
    const size_t at = to_place > from_place ? length - done - n : done;
    memcpy(part, q + at, n);
    memcpy(p + at, part, n);
    done += n;
  }
}

int fm_view_flush(const fm_view *v, uint64_t offset, uint64_t length, bool async, fm_error *e)
{
  const int code = check_part(v, offset, length, e);
  if (code != FM_OK) return code;
  if (fm_view_is_lost(v)) return fail_lost(e);
  const fm_mapping *m = v->mapping;
  if (length == 0 || m->is_private || !(m->map->access & FM_WRITE)) return FM_OK;
  return fm_sys_flush(&m->map->section, v->data + offset, (size_t)length, async, e);
}

int fm_view_advise(const fm_view *v, fm_hint hint, uint64_t offset, uint64_t length, fm_error *e)
{
  int code = check_part(v, offset, length, e);
  if (code == FM_OK && (unsigned)hint > FM_DONTNEED)
    code = fm_fail(e, FM_INVALID, "there is no hint %d", (int)hint);
  if (code == FM_OK && length > 0)
    fm_sys_advise(v->data + offset, (size_t)length, hint, v->mapping->is_private);
  return code;
}

int fm_view_pin(const fm_view *v, fm_error *e)
{
  if (!v->mapping) return fail_closed(e);
  if (fm_view_is_lost(v)) return fail_lost(e);
  return fm_sys_pin(&v->mapping->map->section, v->offset, v->data, v->size, e);
}

int fm_view_unpin(const fm_view *v, fm_error *e)
{
  if (!v->mapping) return fail_closed(e);
  return fm_view_is_lost(v) ? fail_lost(e) : fm_sys_unpin(v->data, v->size, e);
}

int fm_view_commit(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e)
{
  const int code = check_part(v, offset, length, e);
  if (code != FM_OK) return code;
  if (fm_view_is_lost(v)) return fail_lost(e);
  if (!(v->mapping->map->access & FM_WRITE))
    return fm_fail(e, FM_DENIED, "access \"%s\" of its map does not allow commit",
                   fm_access_word(v->mapping->map->access));
  if (length == 0) return FM_OK;
  return fm_sys_commit(&v->mapping->map->section, v->offset + offset, v->data + offset, (size_t)length,
                       v->access, e);
}

fm_map *fm_view_map(const fm_view *v)
{
  return v->mapping ? v->mapping->map : NULL;
}

void fm_view_close(fm_view *v)
{
  fm_mapping *mapping = v->mapping;
  if (!mapping) return;
  const bool was_lost = fm_view_is_lost(v);
  memset(v, 0, sizeof *v);
  v->lost = &kept[was_lost];
  release_mapping(mapping);
}
