/* What filemap.win32 takes of the system beyond filemap.h: files that are open by themselves, as CreateFile makes them,
** and Win32's numbers for what went wrong. */
#ifndef FILEMAP_HANDLE_H
#define FILEMAP_HANDLE_H

#include "filemap.h"

/* What CreateFile is told, in Win32's own bits. POSIX: of `share` nothing comes, since nobody can be kept out, and
** flags that it has no like of are FM_UNSUPPORTED. */
typedef struct fm_file_request {
  uint32_t access;      /* GENERIC_..., or none: then nothing can be mapped */
  uint32_t share;       /* FILE_SHARE_... */
  uint32_t disposition; /* fm_disposition */
  uint32_t flags;       /* FILE_ATTRIBUTE_..., FILE_FLAG_... */
} fm_file_request;

typedef enum fm_disposition {
  FM_CREATE_NEW = 1,    /* FM_EXISTS if it is there */
  FM_CREATE_ALWAYS,     /* one that is there becomes empty */
  FM_OPEN_EXISTING,     /* FM_NOT_FOUND if it is not there */
  FM_OPEN_ALWAYS,
  FM_TRUNCATE_EXISTING  /* FM_NOT_FOUND if it is not there, else it becomes empty */
} fm_disposition;

enum {
  FM_GENERIC_READ = (int)0x80000000, FM_GENERIC_WRITE = 0x40000000, FM_GENERIC_EXECUTE = 0x20000000,
  FM_GENERIC_ALL = 0x10000000
};

/* Opens or makes a regular file; what is something else is FM_DENIED. *existed: it was there before. Of the options
** `mode`, `sddl` and `inherit` count. Maps of it are made by fm_file (fm_options.file), and go on when it is closed. */
int fm_file_open(fm_file_handle **out, bool *existed, const char *path, const fm_file_request *r,
                 const fm_options *options, fm_error *e);
const char *fm_file_path(const fm_file_handle *f);
void fm_file_close(fm_file_handle *f); /* NULL is fine */

/* The Win32 number of a failure: on Windows the system's own, if there is one; else `otherwise`, or if that is 0 the
** one that stands for the code. */
long fm_win32_number(fm_code code, long native, long otherwise);

/* The code that a Win32 number stands for, on every system, and its sentence. */
fm_code fm_win32_code(long number, const char **sentence);

#endif
