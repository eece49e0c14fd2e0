/* The part of filemap.win32 that is the same on every system. */
#include <stdlib.h>
#include <string.h>

#include "../base/options.h"
#include "../map/map.h"
#include "compat.h"

struct fm_file_handle {
  fm_open_file file;
  char path[];
};

/* Returns the access that maps of a file opened with these GENERIC_... rights may have. */
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
  fm_options read;
  int code = fm_options_read(&read, options, e);
  if (code != FM_OK) return code;
  if (r->disposition < FM_CREATE_NEW || r->disposition > FM_TRUNCATE_EXISTING)
    return fm_fail(e, FM_INVALID, "creation disposition %u is not between 1 and 5", (unsigned)r->disposition);
  fm_file_handle *f = calloc(1, sizeof *f + strlen(path) + 1);
  if (!f) return fm_fail(e, FM_NO_MEMORY, NULL);
  strcpy(f->path, path);
  code = fm_sys_file_open(&f->file, existed, path, access_of(r->access), r, &read, e);
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
  fm_sys_file_close(&f->file);
  free(f);
  fm_count(-1);
}

int fm_win32_create(fm_map **out, const char *name, uint64_t size, const fm_options *o, uint32_t protect,
                    fm_error *e)
{
  const fm_win32_request win32 = {.protect = protect};
  fm_name parsed;
  fm_request r;
  int code = fm_name_parse(&parsed, name, e);
  if (code == FM_OK) code = fm_request_of(&r, o, e);
  r.options.size = size;
  r.win32 = &win32;
  return code == FM_OK ? fm_map_create(out, &parsed, &r, e) : code;
}

/* A map needs at least the right to read, and gives no right that its file was not opened for. */
static int check_file_access(int wanted, const fm_open_file *file, fm_error *e)
{
  if (!(wanted & (FM_RW | FM_EXEC) & ~file->access)) return FM_OK;
  return fm_fail(e, FM_DENIED, "its handle was not opened for access \"%s\"", fm_access_word(wanted));
}

int fm_win32_map_file(fm_map **out, const fm_file_handle *file, const fm_options *o, uint32_t protect,
                      fm_error *e)
{
  const fm_win32_request win32 = {.file = &file->file, .protect = protect};
  fm_request r;
  int code = fm_sized_request_of(&r, o, e);
  if (code == FM_OK) code = fm_check_access(r.options.access, r.options.access, e);
  if (code == FM_OK) code = check_file_access(r.options.access, &file->file, e);
  r.win32 = &win32;
  return code == FM_OK ? fm_map_file(out, file->path, &r, e) : code;
}

long fm_win32_number(fm_code code, long native, long otherwise)
{
  if (fm_sys_family == FM_WIN32 && native != 0) return native;
  return otherwise != 0 ? otherwise : fm_win32_number_of(code);
}

fm_code fm_win32_code(long number, const char **sentence)
{
  const fm_code code = fm_code_of(FM_WIN32, number);
  *sentence = fm_sentence(code);
  return code;
}
