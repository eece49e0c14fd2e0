/* Failing: one way out of every call of the library, and the table of codes behind it. */
#ifndef FILEMAP_ERROR_H
#define FILEMAP_ERROR_H

#include "../../include/filemap.h"

/* Fills `e`, unless it is NULL, and returns `code`. The detail is printf-like and names no subject, since the caller
** puts one before it; NULL takes the code's own sentence. */
int fm_fail(fm_error *e, fm_code code, const char *detail, ...)
#if defined(__MINGW32__)
    __attribute__((format(gnu_printf, 3, 4)))
#elif defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* Two families of error numbers, of which a system uses one. */
typedef enum fm_family { FM_ERRNO, FM_WIN32 } fm_family;

/* The code that a number stands for: FM_SYSTEM if the table does not have it. */
fm_code fm_code_of(fm_family family, long number);

/* The code's own sentence, and the Win32 number that stands for it where no other is known. */
const char *fm_sentence(fm_code code);
long fm_win32_number_of(fm_code code);

/* Fails by a number of the system's. `message` is the system's sentence for it, or "". */
int fm_fail_number(fm_error *e, fm_family family, long number, const char *message);

#endif
