#include <stdlib.h>
#include <string.h>

#include "block.h"

int fm_block_create(fm_block *b, const char *name, const fm_header *header, bool commit, const fm_options *o,
                    fm_error *e)
{
  fm_options options = *o;
  b->header = *header;
  b->header.magic = FM_BLOCK_MAGIC;
  b->header.version = FM_BLOCK_VERSION;
  options.access = FM_RW;
  options.commit = commit;
  options.initial = &b->header;
  options.initial_size = sizeof b->header;
  return fm_create(&b->map, name, header->size, &options, e);
}

/* {-- Opening ----------------------------------------------------------------------------------- */

int fm_block_view(fm_view *out, const fm_block *b, uint64_t size, int access, fm_error *e)
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

static int read_header(fm_block *b, fm_block_kind kind, fm_error *e)
{
  enum { FOR_MAGIC = 100 }; /* ms, for who makes it at this moment, where it is not whole from the start */
  fm_view view;
  fm_signal none = {.word = NULL};
  int code = fm_block_view(&view, b, sizeof b->header, FM_READ, e);
  if (code != FM_OK) return code;
  fm_await(&none, FOR_MAGIC / 1e3, look_for_magic, view.data, NULL);
  memcpy(&b->header, view.data, sizeof b->header);
  if (fm_view_is_lost(&view)) code = fm_fail(e, FM_TRUNCATED, NULL);
  else if (b->header.magic != FM_BLOCK_MAGIC || b->header.kind != kind || b->header.version != FM_BLOCK_VERSION ||
           b->header.size > fm_map_size(b->map))
    code = fm_fail(e, FM_CORRUPT, NULL);
  fm_view_close(&view);
  return code;
}

int fm_block_open(fm_block *b, const char *name, fm_block_kind kind, bool reading, fm_error *e)
{
  fm_options options = FM_OPTIONS;
  int code = fm_open(&b->map, name, &options, e);
  if (code == FM_DENIED && reading) {
    options.access = FM_READ;
    code = fm_open(&b->map, name, &options, e);
  }
  if (code != FM_OK) return code;
  code = fm_map_size(b->map) < sizeof b->header ? fm_fail(e, FM_CORRUPT, NULL) : read_header(b, kind, e);
  if (code != FM_OK) fm_block_close(b);
  return code;
}

void fm_block_close(fm_block *b)
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
