/* Functions of filemap.win32 that filemap.h does not have: open files, as CreateFile opens them; maps by
** Win32's protection bits; and Win32's error numbers. */
#ifndef FILEMAP_COMPAT_H
#define FILEMAP_COMPAT_H

#include "../system/system.h"

FM_BEGIN_HIDDEN

/* An open file. Maps of it can be created. */
typedef struct fm_file_handle fm_file_handle;

enum {
  FM_GENERIC_READ = (int)0x80000000, FM_GENERIC_WRITE = 0x40000000, FM_GENERIC_EXECUTE = 0x20000000,
  FM_GENERIC_ALL = 0x10000000
};

/* Opens or creates a regular file. *existed is true if the file existed before. Uses the options `mode`,
** `sddl` and `inherit`. On POSIX `share` has no effect, since a process cannot keep others from opening a
** file. Fails with FM_DENIED if the file is not a regular one, and with FM_UNSUPPORTED for flags that POSIX
** has no counterpart for. Source: CreateFile. */
int fm_file_open(fm_file_handle **out, bool *existed, const char *path, const fm_file_request *r,
                 const fm_options *options, fm_error *e);
const char *fm_file_path(const fm_file_handle *f);
void fm_file_close(fm_file_handle *f); /* maps of the file stay; NULL has no effect */

/* Like fm_create and fm_file. On Windows the section gets the protection `protect` (PAGE_... and SEC_...); if
** it is 0, the options `access`, `commit` and `large_pages` decide. On POSIX `protect` has no effect, except
** that attributes which only Windows has fail with FM_UNSUPPORTED. The option `size` of the second is the
** map's size in bytes, or FM_ANY_SIZE for that of the file. Source: CreateFileMapping. */
int fm_win32_create(fm_map **out, const char *name, uint64_t size, const fm_options *o, uint32_t protect,
                    fm_error *e);
int fm_win32_map_file(fm_map **out, const fm_file_handle *file, const fm_options *o, uint32_t protect,
                      fm_error *e);

/* Returns the Win32 error number of a failure. On Windows it is `native`, unless that is 0. Otherwise it is
** `otherwise`, or if that is 0 too, the number of the code. */
long fm_win32_number(fm_code code, long native, long otherwise);

/* Returns the code of a Win32 error number, and in *sentence the code's message, on every system. */
fm_code fm_win32_code(long number, const char **sentence);

FM_END_HIDDEN

#endif
