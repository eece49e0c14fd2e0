/* The half of maps and views that is the same on every system: arguments, counting of holders, bounds.
** The system's half is behind the fm_sys_... functions of native.h. */
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "step.h"

static atomic_size_t live;

size_t fm_live(void)
{
  return live;
}

void fm_count(int more)
{
  live += (size_t)more;
}

/* {-- Access ------------------------------------------------------------------------------------ */

static const struct { const char *word; int bits; } accesses[] = {
  {"r", FM_READ},           {"rw", FM_RW},            {"copy", FM_READ | FM_COPY},
  {"rx", FM_READ | FM_EXEC}, {"rwx", FM_RW | FM_EXEC}, {"copyx", FM_READ | FM_COPY | FM_EXEC},
};
enum { ACCESSES = sizeof accesses / sizeof *accesses };

int fm_access_bits(const char *word)
{
  for (int i = 0; i < ACCESSES; i++)
    if (strcmp(accesses[i].word, word) == 0) return accesses[i].bits;
  return 0;
}

const char *fm_access_word(int access)
{
  for (int i = 0; i < ACCESSES; i++)
    if (accesses[i].bits == access) return accesses[i].word;
  return NULL;
}

/* Writing and executing must be given; reading and copying always are. */
static int check_access(int wanted, int given, fm_error *e)
{
  const char *word = fm_access_word(wanted);
  if (!word) return fm_fail(e, FM_INVALID, "access bits %d are no access", wanted);
  if (wanted & ~given & (FM_WRITE | FM_EXEC))
    return fm_fail(e, FM_DENIED, "access \"%s\" does not give \"%s\"", fm_access_word(given), word);
  return FM_OK;
}

/* {-- Making maps ------------------------------------------------------------------------------- */

static void drop_map(fm_map *m)
{
  if (atomic_fetch_sub(&m->refs, 1) != 1) return;
  FM_STEP("release");
  fm_sys_release(m);
  FM_STEP("released");
  free(m->path);
  free(m);
  live--;
}

/* A map of which only the system's part is missing. `path` is copied. */
static fm_map *new_map(const fm_name *name, const char *path, int access)
{
  fm_map *m = calloc(1, sizeof *m);
  char *copy = path ? malloc(strlen(path) + 1) : NULL;
  if (!m || (path && !copy)) {
    free(copy);
    free(m);
    return NULL;
  }
  if (path) m->path = strcpy(copy, path);
  if (name->full) strcpy(m->name, name->full); /* fm_name_parse saw that it fits */
  m->refs = 1;
  m->access = access;
  return m;
}

/* Hands a finished map out, or throws away one that the system did not make. */
static int finish(fm_map **out, fm_map *m, int code)
{
  if (code != FM_OK) {
    free(m->path);
    free(m);
    return code;
  }
  live++;
  FM_STEP("finished");
  *out = m;
  return FM_OK;
}

static int check_size(uint64_t size, fm_error *e)
{
  if (size == 0) return fm_fail(e, FM_INVALID, "a size of 0 is no size");
  if (size > INT64_MAX) return fm_fail(e, FM_TOO_LARGE, "no object has more than 2^63-1 bytes");
  return FM_OK;
}

static int create(fm_map **out, const char *name, bool sync, uint64_t size, const fm_options *o, fm_error *e)
{
  fm_name parsed;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK) code = check_size(size, e);
  if (code == FM_OK) code = check_access(o->access, o->access, e);
  if (code == FM_OK && o->initial_size > size) code = fm_fail(e, FM_INVALID, "it begins with more than it holds");
  if (code != FM_OK) return code;
  fm_map *m = new_map(&parsed, NULL, o->access);
  if (!m) return fm_fail(e, FM_NO_MEMORY, NULL);
  m->sync = sync;
  FM_STEP("create");
  return finish(out, m, fm_sys_create(m, &parsed, size, o, e));
}

int fm_create(fm_map **out, const char *name, uint64_t size, const fm_options *o, fm_error *e)
{
  return create(out, name, false, size, o, e);
}

/* The options as a body gets them, where a size of 0 asks for nothing. */
static int take_options(fm_options *out, const fm_options *o, fm_error *e)
{
  *out = *o;
  if (o->size == FM_ANY_SIZE) out->size = 0;
  const int code = o->size == FM_ANY_SIZE ? FM_OK : check_size(o->size, e);
  return code == FM_OK ? check_access(o->access, o->access, e) : code;
}

static int open_named(fm_map **out, const char *name, bool sync, const fm_options *options, fm_error *e)
{
  fm_name parsed;
  fm_options o;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK && !name) code = fm_fail(e, FM_INVALID, "only what has a name can be opened");
  if (code == FM_OK) code = take_options(&o, options, e);
  if (code != FM_OK) return code;
  fm_map *m = new_map(&parsed, NULL, o.access);
  if (!m) return fm_fail(e, FM_NO_MEMORY, NULL);
  m->sync = sync;
  FM_STEP("open");
  return finish(out, m, fm_sys_open(m, &parsed, &o, e));
}

int fm_open(fm_map **out, const char *name, const fm_options *options, fm_error *e)
{
  return open_named(out, name, false, options, e);
}

/* Another process can take the name between our look and our creation, and give it up between our
** creation and our look; a few rounds settle any race of well-behaved ones. */
static int create_or_open(fm_map **out, bool *created, const char *name, bool sync, uint64_t size,
                          const fm_options *o, fm_error *e)
{
  fm_options opening = *o;
  opening.size = size;
  int code = check_size(size, e);
  if (code != FM_OK) return code;
  for (int round = 0; round < 100; round++) {
    code = name ? open_named(out, name, sync, &opening, e) : FM_NOT_FOUND;
    const bool is_new = code == FM_NOT_FOUND;
    if (is_new) code = create(out, name, sync, size, o, e);
    if (code == FM_OK) *created = is_new;
    if (code != FM_EXISTS) return code;
  }
  return fm_fail(e, FM_IN_USE, "it comes and goes too fast");
}

int fm_create_or_open(fm_map **out, bool *created, const char *name, uint64_t size,
                      const fm_options *o, fm_error *e)
{
  return create_or_open(out, created, name, false, size, o, e);
}

int fm_create_or_open_sync(fm_map **out, bool *created, const char *name, uint64_t size, const fm_options *o,
                           fm_error *e)
{
  return create_or_open(out, created, name, true, size, o, e);
}

int fm_open_sync(fm_map **out, const char *name, uint64_t size, const fm_options *o, fm_error *e)
{
  fm_options opening = *o;
  opening.size = size;
  return open_named(out, name, true, &opening, e);
}

/* A map reads at least, and does no more than its file was opened for. */
static int check_file(int wanted, const fm_file_handle *file, fm_error *e)
{
  if (!file || !(wanted & (FM_RW | FM_EXEC) & ~file->access)) return FM_OK;
  return fm_fail(e, FM_DENIED, "it was not opened for \"%s\"", fm_access_word(wanted));
}

int fm_file(fm_map **out, const char *path, const fm_options *options, fm_error *e)
{
  fm_name parsed;
  fm_options o = *options;
  int code = fm_name_parse(&parsed, options->name, e);
  if (code == FM_OK) code = take_options(&o, options, e);
  if (code == FM_OK) code = check_file(o.access, o.file, e);
  if (code == FM_OK && o.large_pages)
    code = fm_fail(e, FM_UNSUPPORTED, "a file is not mapped in large pages");
  if (code != FM_OK) return code;
  fm_map *m = new_map(&parsed, o.file ? o.file->path : path, o.access);
  if (!m) return fm_fail(e, FM_NO_MEMORY, NULL);
  FM_STEP("file");
  m->lent = o.file;
  return finish(out, m, fm_sys_file(m, &o, e));
}

int fm_adopt(fm_map **out, intptr_t handle, uint64_t size, int access, fm_error *e)
{
  int code = check_size(size, e);
  if (code == FM_OK) code = check_access(access, access, e);
  if (code != FM_OK) return code;
  fm_map *m = new_map(&(fm_name){FM_UNNAMED, NULL, NULL}, NULL, access);
  if (!m) return fm_fail(e, FM_NO_MEMORY, NULL);
  m->adopted = true;
  return finish(out, m, fm_sys_adopt(m, handle, size, e));
}

/* {-- Maps -------------------------------------------------------------------------------------- */

uint64_t fm_map_size(const fm_map *m)
{
  return m->size;
}

int fm_map_access(const fm_map *m)
{
  return m->access;
}

const char *fm_map_name(const fm_map *m)
{
  return m->name[0] ? m->name : NULL;
}

const char *fm_map_path(const fm_map *m)
{
  return m->path;
}

const char *fm_map_label(const fm_map *m)
{
  if (m->path) return m->path;
  return m->name[0] ? m->name : "unnamed map";
}

intptr_t fm_map_handle(const fm_map *m)
{
  return m->handle;
}

int fm_map_resize(fm_map *m, uint64_t size, fm_error *e)
{
  int code = check_size(size, e);
  if (code != FM_OK) return code;
  if (!m->path || m->lent) return fm_fail(e, FM_UNSUPPORTED, "only a map by the path of a file can be resized");
  if (!(m->access & FM_WRITE))
    return fm_fail(e, FM_DENIED, "access \"%s\" does not let it resize", fm_access_word(m->access));
  if (m->views > 0) return fm_fail(e, FM_IN_USE, "a view of it is open");
  FM_STEP("resize");
  return fm_sys_resize(m, size, e);
}

void fm_map_close(fm_map *m)
{
  if (m) drop_map(m);
}

int fm_unlink(const char *name, fm_error *e)
{
  fm_name parsed;
  const int code = fm_name_parse(&parsed, name, e);
  return code == FM_OK ? fm_sys_unlink(&parsed, e) : code;
}

int fm_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  return fm_sys_list(entries, capacity, count, e);
}

/* {-- Views ------------------------------------------------------------------------------------- */

static int check_range(uint64_t offset, uint64_t length, uint64_t size, fm_error *e)
{
  if (length == 0) return fm_fail(e, FM_INVALID, "a view of 0 bytes is no view");
  if (offset > size || length > size - offset)
    return fm_fail(e, FM_INVALID, "offset %llu + %llu bytes is past its end at %llu",
                   (unsigned long long)offset, (unsigned long long)length, (unsigned long long)size);
  return FM_OK;
}

/* What a closed view's `lost` points to: what it was. */
static const volatile int kept[] = {0, 1};

static void fill_view(fm_view *v, fm_mapping *mapping, void *data, size_t size, uint64_t offset,
                      int access)
{
  v->data = data;
  v->size = size;
  v->readable = mapping->map->reserved ? 0 : size;
  v->writable = access & (FM_WRITE | FM_COPY) ? v->readable : 0;
  v->access = access;
  v->offset = offset;
  v->mapping = mapping;
  v->lost = &mapping->lost;
}

static void drop_mapping(fm_mapping *mapping)
{
  if (atomic_fetch_sub(&mapping->refs, 1) != 1) return;
  fm_unguard(mapping);
  fm_sys_unmap(mapping);
  FM_STEP("unmapped");
  mapping->map->views--;
  drop_map(mapping->map);
  free(mapping);
  live--;
}

/* Of huge pages only whole ones are mapped and unmapped. */
static size_t whole_pages(const fm_map *m, size_t length)
{
  return m->page ? (length + m->page - 1) / m->page * m->page : length;
}

int fm_view_open(fm_view *out, fm_map *m, uint64_t offset, uint64_t length, int access, fm_error *e)
{
  int code = check_access(access, m->access, e);
  if (code == FM_OK) code = check_range(offset, length, m->size, e);
  if (code != FM_OK) return code;
  /* Systems map from multiples of the granularity only; what is before `offset` is ours alone. */
  const size_t before = (size_t)(offset % (m->page ? m->page : fm_granularity()));
  if (length > SIZE_MAX - before - m->page)
    return fm_fail(e, FM_TOO_LARGE, "no address space has %llu bytes", (unsigned long long)length);
  fm_mapping *mapping = calloc(1, sizeof *mapping);
  if (!mapping) return fm_fail(e, FM_NO_MEMORY, NULL);
  mapping->refs = 1;
  mapping->map = m;
  mapping->is_private = access & FM_COPY;
  mapping->length = whole_pages(m, (size_t)length + before);
  code = fm_sys_map(&mapping->base, m, offset - before, mapping->length, access, e);
  FM_STEP("mapped");
  if (code == FM_OK && (code = fm_guard(mapping, e)) != FM_OK) fm_sys_unmap(mapping);
  if (code != FM_OK) {
    free(mapping);
    return code;
  }
  m->refs++;
  m->views++;
  live++;
  fill_view(out, mapping, (char *)mapping->base + before, (size_t)length, offset, access);
  return FM_OK;
}

int fm_view_sub(fm_view *out, const fm_view *v, uint64_t offset, uint64_t length, int access,
                fm_error *e)
{
  int code = check_access(access, v->access, e);
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

/* As check_range, for what may be of 0 bytes. */
static int check_part(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e)
{
  if (offset <= v->size && length <= v->size - offset) return FM_OK;
  return check_range(offset, length ? length : 1, v->size, e);
}

int fm_view_check(const fm_view *v, bool writing, uint64_t offset, uint64_t length, fm_error *e)
{
  if (!v->data) return fm_fail(e, FM_CLOSED, NULL);
  if (writing && !(v->access & (FM_WRITE | FM_COPY)))
    return fm_fail(e, FM_DENIED, "access \"%s\" is read-only", fm_access_word(v->access));
  const int code = check_part(v, offset, length, e);
  if (code != FM_OK) return code;
  if (v->readable == 0 && length > 0 && !fm_sys_is_committed(v->data + offset, (size_t)length))
    return fm_fail(e, FM_INVALID, "offset %llu + %llu bytes are reserved, not committed",
                   (unsigned long long)offset, (unsigned long long)length);
  return fm_view_is_lost(v) ? fail_lost(e) : FM_OK;
}

/* Can the same memory be in both? Unnamed memory has no other map, unless it was inherited. */
static bool may_share(const fm_view *a, const fm_view *b)
{
  const fm_map *const m = a->mapping->map, *const n = b->mapping->map;
  const bool is_known = !m->name[0] && !m->path && !m->adopted && !n->name[0] && !n->path && !n->adopted;
  return a->mapping != b->mapping && (m == n || !is_known);
}

/* memmove(3) goes by addresses, which tell nothing of two mappings. Their places in the map do: if it is the
** same one, and if not any order is right. */
void fm_view_copy(const fm_view *to, uint64_t to_offset, const fm_view *from, uint64_t from_offset, size_t length)
{
  unsigned char *const p = to->data + to_offset, *const q = from->data + from_offset;
  const uint64_t to_place = to->offset + to_offset, from_place = from->offset + from_offset;
  const uint64_t distance = to_place > from_place ? to_place - from_place : from_place - to_place;
  if (distance == 0 || distance >= length || !may_share(to, from)) {
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
  if (length == 0 || !(v->access & FM_WRITE)) return FM_OK;
  return fm_sys_flush(v->mapping->map, v->data + offset, (size_t)length, async, e);
}

int fm_view_advise(const fm_view *v, fm_hint hint, uint64_t offset, uint64_t length, fm_error *e)
{
  const int code = check_part(v, offset, length, e);
  if (code == FM_OK && length > 0)
    fm_sys_advise(v->data + offset, (size_t)length, hint, v->mapping->is_private);
  return code;
}

int fm_view_pin(const fm_view *v, fm_error *e)
{
  return fm_view_is_lost(v) ? fail_lost(e) : fm_sys_pin(v->mapping->map, v->offset, v->data, v->size, e);
}

int fm_view_unpin(const fm_view *v, fm_error *e)
{
  return fm_view_is_lost(v) ? fail_lost(e) : fm_sys_unpin(v->data, v->size, e);
}

int fm_view_commit(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e)
{
  const int code = check_part(v, offset, length, e);
  if (code != FM_OK) return code;
  if (fm_view_is_lost(v)) return fail_lost(e);
  if (!(v->mapping->map->access & FM_WRITE))
    return fm_fail(e, FM_DENIED, "access \"%s\" does not let it commit",
                   fm_access_word(v->mapping->map->access));
  if (length == 0) return FM_OK;
  return fm_sys_commit(v->mapping->map, v->offset + offset, v->data + offset, (size_t)length, v->access, e);
}

fm_map *fm_view_map(const fm_view *v)
{
  return v->mapping->map;
}

void fm_view_close(fm_view *v)
{
  fm_mapping *mapping = v->mapping;
  if (!mapping) return;
  const bool was_lost = fm_view_is_lost(v);
  memset(v, 0, sizeof *v);
  v->lost = &kept[was_lost];
  drop_mapping(mapping);
}
