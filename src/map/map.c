/* Maps: the calls that make, open, resize and close them. They check arguments and count references;
** system.h does the rest. */
#include <stdlib.h>
#include <string.h>

#include "../base/options.h"
#include "../base/test_hook.h"
#include "map.h"

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

/* Writing and executing must be given; reading and copying always are. */
int fm_check_access(int wanted, int given, fm_error *e)
{
  const char *word = fm_access_word(wanted);
  if (!word)
    return fm_fail(e, FM_INVALID, "access bits 0x%x are not one of r, rw, copy, rx, rwx and copyx",
                   (unsigned)wanted);
  if (wanted & ~given & (FM_WRITE | FM_EXEC))
    return fm_fail(e, FM_DENIED, "access \"%s\" does not give \"%s\"", fm_access_word(given), word);
  return FM_OK;
}

/* {-- Making maps ------------------------------------------------------------------------------- */

static void release_map(fm_map *m)
{
  if (atomic_fetch_sub(&m->refs, 1) != 1) return;
  FM_TEST_HOOK("release");
  fm_sys_close(&m->section);
  FM_TEST_HOOK("released");
  free(m->path);
  free(m);
  live--;
}

/* A map that has no section yet. `path` is copied. */
static fm_map *new_map(const fm_name *name, const char *path, int access, fm_error *e)
{
  fm_map *m = calloc(1, sizeof *m);
  char *copy = path ? malloc(strlen(path) + 1) : NULL;
  if (!m || (path && !copy)) {
    free(copy);
    free(m);
    fm_fail(e, FM_NO_MEMORY, NULL);
    return NULL;
  }
  if (path) m->path = strcpy(copy, path);
  if (name->full) strcpy(m->name, name->full); /* fm_name_parse checked that it fits */
  m->refs = 1;
  m->access = access;
  return m;
}

/* Returns the map in *out if `code` is FM_OK, which its section was made with; else frees it. */
static int finish(fm_map **out, fm_map *m, int code)
{
  if (code != FM_OK) {
    free(m->path);
    free(m);
    return code;
  }
  live++;
  FM_TEST_HOOK("finished");
  *out = m;
  return FM_OK;
}

static int check_size(uint64_t size, fm_error *e)
{
  if (size == 0) return fm_fail(e, FM_INVALID, "size must be greater than 0");
  if (size > INT64_MAX)
    return fm_fail(e, FM_TOO_LARGE, "size %llu is past the limit of 2^63-1 bytes", (unsigned long long)size);
  return FM_OK;
}

int fm_request_of(fm_request *out, const fm_options *given, fm_error *e)
{
  fm_request r = {.purpose = FM_FOR_MEMORY};
  const int code = fm_options_read(&r.options, given, e);
  r.options.size = 0;
  if (code == FM_OK) *out = r;
  return code;
}

/* A size of 0 as an option is a mistake, but in a request it asks for nothing. */
int fm_sized_request_of(fm_request *out, const fm_options *given, fm_error *e)
{
  fm_options o;
  int code = fm_options_read(&o, given, e);
  if (code == FM_OK && o.size != FM_ANY_SIZE) code = check_size(o.size, e);
  if (code == FM_OK) code = fm_request_of(out, &o, e);
  if (code == FM_OK && o.size != FM_ANY_SIZE) out->options.size = o.size;
  return code;
}

int fm_map_create(fm_map **out, const fm_name *name, const fm_request *r, fm_error *e)
{
  int code = check_size(r->options.size, e);
  if (code == FM_OK) code = fm_check_access(r->options.access, r->options.access, e);
  if (code == FM_OK && r->initial_size > r->options.size)
    code = fm_fail(e, FM_INVALID, "its size of %llu bytes is less than the %zu bytes of its first contents",
                   (unsigned long long)r->options.size, r->initial_size);
  if (code != FM_OK) return code;
  fm_map *m = new_map(name, NULL, r->options.access, e);
  if (!m) return FM_NO_MEMORY;
  m->size = r->options.size;
  FM_TEST_HOOK("create");
  return finish(out, m, fm_sys_create(&m->section, name, r, e));
}

int fm_map_open(fm_map **out, const fm_name *name, const fm_request *r, fm_error *e)
{
  int code = fm_check_access(r->options.access, r->options.access, e);
  if (code != FM_OK) return code;
  fm_map *m = new_map(name, NULL, r->options.access, e);
  if (!m) return FM_NO_MEMORY;
  FM_TEST_HOOK("open");
  code = fm_sys_open(&m->section, &m->size, name, r, e);
  if (r->options.size) m->size = r->options.size;
  return finish(out, m, code);
}

/* Between this open and this create another process can create the name; between the create and the next
** open it can close the name again. Each round that fails means that another process succeeded. */
int fm_map_create_or_open(fm_map **out, bool *created, const fm_name *name, const fm_request *r, fm_error *e)
{
  int code = check_size(r->options.size, e);
  if (code != FM_OK) return code;
  for (int round = 0; round < 100; round++) {
    code = name->full ? fm_map_open(out, name, r, e) : FM_NOT_FOUND;
    const bool is_new = code == FM_NOT_FOUND;
    if (is_new) code = fm_map_create(out, name, r, e);
    if (code == FM_OK) *created = is_new;
    if (code != FM_EXISTS) return code;
  }
  return fm_fail(e, FM_IN_USE, "the name was created and removed 100 times while opening it");
}

int fm_map_file(fm_map **out, const char *path, const fm_request *r, fm_error *e)
{
  fm_name mapping;
  int code = fm_name_parse(&mapping, r->options.name, e);
  if (code == FM_OK) code = fm_check_access(r->options.access, r->options.access, e);
  if (code == FM_OK && r->options.large_pages)
    code = fm_fail(e, FM_UNSUPPORTED, "a file cannot be mapped in large pages");
  if (code != FM_OK) return code;
  fm_map *m = new_map(&mapping, path, r->options.access, e);
  if (!m) return FM_NO_MEMORY;
  m->can_resize = !r->win32;
  FM_TEST_HOOK("file");
  return finish(out, m, fm_sys_file(&m->section, &m->size, path, r, e));
}

int fm_create(fm_map **out, const char *name, uint64_t size, const fm_options *o, fm_error *e)
{
  fm_name parsed;
  fm_request r;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK) code = fm_request_of(&r, o, e);
  r.options.size = size;
  return code == FM_OK ? fm_map_create(out, &parsed, &r, e) : code;
}

int fm_open(fm_map **out, const char *name, const fm_options *o, fm_error *e)
{
  fm_name parsed;
  fm_request r;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK && !name) code = fm_fail(e, FM_INVALID, "open needs a name: an unnamed section has none");
  if (code == FM_OK) code = fm_sized_request_of(&r, o, e);
  return code == FM_OK ? fm_map_open(out, &parsed, &r, e) : code;
}

int fm_create_or_open(fm_map **out, bool *created, const char *name, uint64_t size, const fm_options *o,
                      fm_error *e)
{
  fm_name parsed;
  fm_request r;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK) code = fm_request_of(&r, o, e);
  r.options.size = size;
  return code == FM_OK ? fm_map_create_or_open(out, created, &parsed, &r, e) : code;
}

int fm_file(fm_map **out, const char *path, const fm_options *o, fm_error *e)
{
  fm_request r;
  const int code = fm_sized_request_of(&r, o, e);
  return code == FM_OK ? fm_map_file(out, path, &r, e) : code;
}

int fm_adopt(fm_map **out, intptr_t handle, uint64_t size, int access, fm_error *e)
{
  const fm_name unnamed = {.kind = FM_UNNAMED};
  int code = check_size(size, e);
  if (code == FM_OK) code = fm_check_access(access, access, e);
  if (code != FM_OK) return code;
  fm_map *m = new_map(&unnamed, NULL, access, e);
  if (!m) return FM_NO_MEMORY;
  m->size = size;
  return finish(out, m, fm_sys_adopt(&m->section, handle, size, access, e));
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
  return fm_sys_handle(&((fm_map *)m)->section); /* which notes that the caller has it */
}

int fm_map_resize(fm_map *m, uint64_t size, fm_error *e)
{
  int code = check_size(size, e);
  if (code != FM_OK) return code;
  if (!m->can_resize)
    return fm_fail(e, FM_UNSUPPORTED, "only a map that was opened by a file's path can be resized");
  if (!(m->access & FM_WRITE))
    return fm_fail(e, FM_DENIED, "access \"%s\" does not allow resizing", fm_access_word(m->access));
  if (m->views > 0)
    return fm_fail(e, FM_IN_USE, "views of it are open (%zu); close them before resizing", (size_t)m->views);
  FM_TEST_HOOK("resize");
  code = fm_sys_resize(&m->section, size, m->access, e);
  if (code == FM_OK) m->size = size;
  return code;
}

int fm_map_refresh(fm_map *m, uint64_t *size, fm_error *e)
{
  if (!m->can_resize)
    return fm_fail(e, FM_UNSUPPORTED, "only the size of a map that was opened by a file's path can change");
  FM_TEST_HOOK("refresh");
  const int code = fm_sys_refresh(&m->section, m->size, &m->size, m->access, e);
  FM_TEST_HOOK("refreshed");
  if (code == FM_OK) *size = m->size;
  return code;
}

void fm_map_close(fm_map *m)
{
  if (m) release_map(m);
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
