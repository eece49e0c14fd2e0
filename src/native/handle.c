/* Files that are open by themselves: what is the same on every system. */
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "native.h"

/* What a map of it may be asked for. */
static int access_of(uint32_t access)
{
  int bits = 0;
  if (access & ((uint32_t)FM_GENERIC_READ | FM_GENERIC_ALL)) bits |= FM_READ;
  if (access & (FM_GENERIC_WRITE | FM_GENERIC_ALL)) bits |= FM_WRITE;
  if (access & (FM_GENERIC_EXECUTE | FM_GENERIC_ALL)) bits |= FM_EXEC;
  return bits;
}

int fm_file_open(fm_file_handle **out, bool *existed, const char *path, const fm_file_request *r,
                 const fm_options *options, fm_error *e)
{
  if (r->disposition < FM_CREATE_NEW || r->disposition > FM_TRUNCATE_EXISTING)
    return fm_fail(e, FM_INVALID, "%u is no way to open a file", (unsigned)r->disposition);
  fm_file_handle *f = calloc(1, sizeof *f + strlen(path) + 1);
  if (!f) return fm_fail(e, FM_NO_MEMORY, NULL);
  strcpy(f->path, path);
  f->access = access_of(r->access);
  const int code = fm_sys_file_open(f, existed, r, options, e);
  if (code != FM_OK) {
    free(f);
    return code;
  }
  fm_count(1);
  *out = f;
  return FM_OK;
}

const char *fm_file_path(const fm_file_handle *f)
{
  return f->path;
}

void fm_file_close(fm_file_handle *f)
{
  if (!f) return;
  fm_sys_file_close(f);
  free(f);
  fm_count(-1);
}
