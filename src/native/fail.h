/* The way out of every call that fails, here and in src/ipc. */
#ifndef FILEMAP_FAIL_H
#define FILEMAP_FAIL_H

#include "filemap.h"

/* Fills `e` and returns `code`. The detail is printf-like; NULL takes the code's own sentence. */
int fm_fail(fm_error *e, fm_code code, const char *detail, ...)
#if defined(__MINGW32__)
    __attribute__((format(gnu_printf, 3, 4)))
#elif defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
