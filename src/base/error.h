/* How calls of the library fail, and the table of codes. */
#ifndef FILEMAP_ERROR_H
#define FILEMAP_ERROR_H

#include "public.h"

FM_BEGIN_HIDDEN

/* Fills `e`, unless it is NULL, and returns `code`. `detail` is a format of printf for the sentence; NULL
** selects the sentence of the code. The sentence follows the name of the object ("NAME: it has 10 bytes"). */
int fm_fail(fm_error *e, fm_code code, const char *detail, ...)
#if defined(__MINGW32__)
    __attribute__((format(gnu_printf, 3, 4)))
#elif defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* The two families of error numbers. A system uses one of them. */
typedef enum fm_family { FM_ERRNO, FM_WIN32 } fm_family;

/* The code that covers a number, FM_SYSTEM if none does. */
fm_code fm_code_of(fm_family family, long number);

/* The sentence of a code, and the Win32 number that filemap.win32 reports for it. */
const char *fm_sentence(fm_code code);
long fm_win32_number_of(fm_code code);

/* Fails with the code that covers `number`. `message` is the system's sentence for the number, or "". */
int fm_fail_number(fm_error *e, fm_family family, long number, const char *message);

FM_END_HIDDEN

#endif
