/* Reading option structures by their struct_size. */
#include <string.h>

#include "error.h"
#include "options.h"

/* `out` holds the defaults, and `size` is its size. Both structures begin with struct_size. */
static int read_struct(void *out, size_t size, const void *given, fm_error *e)
{
  size_t given_size;
  if (!given) return FM_OK;
  memcpy(&given_size, given, sizeof given_size);
  if (given_size < sizeof given_size)
    return fm_fail(e, FM_INVALID, "the options' struct_size must be set, got %zu", given_size);
  if (given_size > size)
    return fm_fail(e, FM_INVALID, "the options' struct_size %zu is greater than this library's %zu",
                   given_size, size);
  memcpy(out, given, given_size);
  memcpy(out, &size, sizeof size);
  return FM_OK;
}

/* Other bits than permissions have a meaning of this library's own (Linux). The owner must be able to read,
** because a process tells by the file whether the section is held. */
static int check_mode(unsigned mode, fm_error *e)
{
  if (mode <= 0777 && (mode & 0400)) return FM_OK;
  return fm_fail(e, FM_INVALID, "mode must be permissions up to 0777 that let the owner read, got 0%o", mode);
}

int fm_options_read(fm_options *out, const fm_options *given, fm_error *e)
{
  *out = fm_default_options();
  const int code = read_struct(out, sizeof *out, given, e);
  return code == FM_OK ? check_mode(out->mode, e) : code;
}

int fm_sync_options_read(fm_sync_options *out, const fm_sync_options *given, fm_error *e)
{
  *out = fm_default_sync_options();
  const int code = read_struct(out, sizeof *out, given, e);
  return code == FM_OK ? check_mode(out->mode, e) : code;
}
