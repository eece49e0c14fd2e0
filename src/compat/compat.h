/* What filemap.win32 needs beyond filemap.h: files that are open by themselves, as CreateFile makes them,
** maps by Win32's protection bits, and Win32's numbers for what went wrong. */
#ifndef FILEMAP_COMPAT_H
#define FILEMAP_COMPAT_H

#include "../system/system.h"

/* A file that is open, of which maps can be made. */
typedef struct fm_file_handle fm_file_handle;

enum {
  FM_GENERIC_READ = (int)0x80000000, FM_GENERIC_WRITE = 0x40000000, FM_GENERIC_EXECUTE = 0x20000000,
  FM_GENERIC_ALL = 0x10000000
};

/* Opens or creates a regular file; FM_DENIED for anything else. *existed: the file was there before. Of the
** options `mode`, `sddl` and `inherit` count. On POSIX a file cannot be opened so that others are kept out:
** `share` has no effect, and flags without a counterpart are FM_UNSUPPORTED. */
int fm_file_open(fm_file_handle **out, bool *existed, const char *path, const fm_file_request *r,
                 const fm_options *options, fm_error *e);
const char *fm_file_path(const fm_file_handle *f);
void fm_file_close(fm_file_handle *f); /* NULL is fine. Its maps stay */

/* fm_create and fm_file with the protection that CreateFileMapping is called with, PAGE_... and SEC_..., in
** place of what access, commit and large_pages mean on Windows; 0: they count. On POSIX it is FM_UNSUPPORTED
** for what only Windows has, and has no effect else. `size` of the second: the map's, FM_ANY_SIZE for the
** file's. */
int fm_win32_create(fm_map **out, const char *name, uint64_t size, const fm_options *o, uint32_t protect, fm_error *e);
int fm_win32_map_file(fm_map **out, const fm_file_handle *file, const fm_options *o, uint32_t protect, fm_error *e);

/* The Win32 number of a failure: on Windows the system's own, if there is one; else `otherwise`, or if that
** is 0 the one that stands for the code. */
long fm_win32_number(fm_code code, long native, long otherwise);

/* The code that a Win32 number stands for, on every system, and its sentence. */
fm_code fm_win32_code(long number, const char **sentence);

#endif
