/* Reading the option structures of the public header, which grow with its versions. */
#ifndef FILEMAP_OPTIONS_H
#define FILEMAP_OPTIONS_H

#include "public.h"

FM_BEGIN_HIDDEN

/* Copies `given` into *out. A field that lies behind given->struct_size gets its default, because the program
** was compiled with an older header. NULL gives all defaults.
**
** Fails with FM_INVALID if struct_size is 0, or if it is greater than this library's structure: then the
** program may have set fields that this library does not know. */
int fm_options_read(fm_options *out, const fm_options *given, fm_error *e);
int fm_sync_options_read(fm_sync_options *out, const fm_sync_options *given, fm_error *e);

FM_END_HIDDEN

#endif
