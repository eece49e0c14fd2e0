#include <stdlib.h>
#include <string.h>

#include "object.h"

int fm_object_create(fm_object *b, const char *name, const fm_header *header, bool commit, const fm_options *o,
                    fm_error *e)
{
  fm_name parsed;
  fm_request r;
  int code = fm_request_of(&r, o, e);
  if (code != FM_OK) return code;
  b->header = *header;
  b->header.magic = FM_OBJECT_MAGIC;
  b->header.version = FM_OBJECT_VERSION;
  r.access = FM_RW;
  r.size = header->size;
  r.commit = commit;
  r.initial = &b->header;
  r.initial_size = sizeof b->header;
  code = name ? fm_name_parse(&parsed, name, e) : fm_fail(e, FM_INVALID, "a channel must have a name");
  return code == FM_OK ? fm_map_create(&b->map, &parsed, &r, e) : code;
}

/* {-- Opening ----------------------------------------------------------------------------------- */

int fm_object_view(fm_view *out, const fm_object *b, uint64_t size, int access, fm_error *e)
{
  fm_view view;
  int code = fm_view_open(&view, b->map, 0, size, access, e);
  if (code != FM_OK) return code;
  code = fm_view_check(&view, false, 0, size, e);
  if (code == FM_INVALID && (fm_map_access(b->map) & FM_WRITE)) code = fm_view_commit(&view, 0, size, e);
  if (code == FM_OK) *out = view;
  else fm_view_close(&view);
  return code == FM_INVALID ? fm_fail(e, FM_CORRUPT, NULL) : code;
}

static int look_for_magic(void *context, bool thoroughly, fm_error *e)
{
  fm_word32 *magic = context;
  (void)thoroughly, (void)e;
  return atomic_load_explicit(magic, memory_order_acquire) ? FM_OK : FM_TIMEOUT;
}

static int read_header(fm_object *b, fm_object_kind kind, fm_error *e)
{
  enum { FOR_MAGIC = 100 }; /* ms, for who makes it at this moment, where it is not whole from the start */
  fm_view view;
  fm_wait_point none = {.word = NULL};
  int code = fm_object_view(&view, b, sizeof b->header, FM_READ, e);
  if (code != FM_OK) return code;
  fm_await(&none, FOR_MAGIC / 1e3, look_for_magic, view.data, NULL);
  memcpy(&b->header, view.data, sizeof b->header);
  if (fm_view_is_lost(&view)) code = fm_fail(e, FM_TRUNCATED, NULL);
  else if (b->header.magic != FM_OBJECT_MAGIC || b->header.kind != kind || b->header.version != FM_OBJECT_VERSION ||
           b->header.size > fm_map_size(b->map))
    code = fm_fail(e, FM_CORRUPT, NULL);
  fm_view_close(&view);
  return code;
}

int fm_object_open(fm_object *b, const char *name, fm_object_kind kind, bool reading, fm_error *e)
{
  fm_options options = fm_default_options();
  int code = fm_open(&b->map, name, &options, e);
  if (code == FM_DENIED && reading) {
    options.access = FM_READ;
    code = fm_open(&b->map, name, &options, e);
  }
  if (code != FM_OK) return code;
  code = fm_map_size(b->map) < sizeof b->header ? fm_fail(e, FM_CORRUPT, NULL) : read_header(b, kind, e);
  if (code != FM_OK) fm_object_close(b);
  return code;
}

void fm_object_close(fm_object *b)
{
  fm_map_close(b->map);
  b->map = NULL;
}

bool fm_grow(unsigned char **buffer, uint32_t *size, uint32_t wanted)
{
  if (*buffer && wanted <= *size) return true;
  const uint32_t least = wanted < 256 ? 256 : wanted;
  unsigned char *grown = realloc(*buffer, least);
  if (!grown) return false;
  *buffer = grown;
  *size = least;
  return true;
}
