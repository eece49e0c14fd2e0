/* The table of codes: their words, their sentences, and the error numbers of each system that they cover. */
/* Selects MinGW's own printf. That of the system's C library may lack formats of C11. */
#define __USE_MINGW_ANSI_STDIO 1

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "utf.h"

/* A system may lack these two. */
#ifndef EDQUOT
#define EDQUOT ENOSPC
#endif
#ifndef ENOTSUP
#define ENOTSUP ENOSYS
#endif

/* POSIX systems use the errnos, Windows the numbers of winerror.h. Each list ends with a 0. `number` is
** the Win32 number that filemap.win32 reports for the code if the system did not report one. */
static const struct {
  const char *word;
  const char *sentence;
  int number;
  int errnos[8];
  int win32[16];
} codes[] = {
  [FM_OK] = {"ok", "no error", 0, {0}, {0}},
  [FM_NOT_FOUND] = {"not_found", "it does not exist", 2,
    {ENOENT, ENOTDIR},
    {2 /* FILE_NOT_FOUND */, 3 /* PATH_NOT_FOUND */, 15 /* INVALID_DRIVE */, 53 /* BAD_NETPATH */,
     67 /* BAD_NET_NAME */}},
  [FM_EXISTS] = {"exists", "it already exists", 183,
    {EEXIST},
    {80 /* FILE_EXISTS */, 183 /* ALREADY_EXISTS */}},
  [FM_DENIED] = {"denied", "access is denied", 5,
    {EACCES, EPERM, EROFS},
    {5 /* ACCESS_DENIED */, 19 /* WRITE_PROTECT */, 1314 /* PRIVILEGE_NOT_HELD */}},
  [FM_INVALID] = {"invalid", "it is not valid", 87,
    {EINVAL, EBADF, EISDIR, ELOOP, ENXIO, ENODEV, ENAMETOOLONG},
    {6 /* INVALID_HANDLE */, 87 /* INVALID_PARAMETER */, 123 /* INVALID_NAME */,
     161 /* BAD_PATHNAME */, 193 /* BAD_EXE_FORMAT */, 206 /* FILENAME_EXCED_RANGE */,
     487 /* INVALID_ADDRESS */, 1006 /* FILE_INVALID */, 1132 /* MAPPED_ALIGNMENT */,
     1113 /* NO_UNICODE_TRANSLATION */, 1336 /* INVALID_ACL */, 1337 /* INVALID_SID */,
     1338 /* INVALID_SECURITY_DESCR */}},
  [FM_TOO_SMALL] = {"too_small", "it is too small", 8, {0}, {0}},
  [FM_TOO_LARGE] = {"too_large", "it is too large", 8,
    {EFBIG, EOVERFLOW},
    {223 /* FILE_TOO_LARGE */}},
  [FM_NO_SPACE] = {"no_space", "there is not enough space for it", 112,
    {ENOSPC, EDQUOT},
    {39 /* HANDLE_DISK_FULL */, 112 /* DISK_FULL */, 1295 /* DISK_QUOTA_EXCEEDED */}},
  [FM_NO_MEMORY] = {"no_memory", "there is not enough memory for it", 8,
    {ENOMEM},
    {8 /* NOT_ENOUGH_MEMORY */, 14 /* OUTOFMEMORY */, 1450 /* NO_SYSTEM_RESOURCES */,
     1453 /* WORKING_SET_QUOTA */, 1454 /* PAGEFILE_QUOTA */, 1455 /* COMMITMENT_LIMIT */}},
  [FM_IN_USE] = {"in_use", "it is in use", 32,
    {EBUSY, ETXTBSY, EWOULDBLOCK},
    {32 /* SHARING_VIOLATION */, 33 /* LOCK_VIOLATION */, 170 /* BUSY */,
     303 /* DELETE_PENDING */, 1224 /* USER_MAPPED_FILE */}},
  [FM_TIMEOUT] = {"timeout", "the time-out passed", 258,
    {ETIMEDOUT},
    {121 /* SEM_TIMEOUT */, 258 /* WAIT_TIMEOUT */, 1460 /* TIMEOUT */}},
  [FM_CLOSED] = {"closed", "the other end is closed", 109,
    {EPIPE},
    {109 /* BROKEN_PIPE */}},
  [FM_FULL] = {"full", "it is full", 298,
    {0},
    {298 /* TOO_MANY_POSTS */}},
  [FM_TRUNCATED] = {"truncated",
    "a page of its memory was lost (truncated by another process, or the file system is full)", 1006,
    {0},
    {38 /* HANDLE_EOF */, 999 /* SWAPERROR */, 1005 /* UNRECOGNIZED_VOLUME */}},
  [FM_CORRUPT] = {"corrupt", "its contents are damaged or are not what was expected", 1392, {0}, {0}},
  [FM_UNSUPPORTED] = {"unsupported", "this system does not support it", 120,
    {ENOSYS, ENOTSUP, EOPNOTSUPP},
    {50 /* NOT_SUPPORTED */, 120 /* CALL_NOT_IMPLEMENTED */}},
  [FM_SYSTEM] = {"system", "the system reported an error", 31, {0}, {0}},
};

const char *fm_word(int code)
{
  return (unsigned)code <= FM_SYSTEM ? codes[code].word : codes[FM_SYSTEM].word;
}

fm_code fm_code_of(fm_family family, long number)
{
  for (int code = FM_OK + 1; code < FM_SYSTEM; code++)
    for (const int *known = family == FM_WIN32 ? codes[code].win32 : codes[code].errnos; *known != 0; known++)
      if (*known == number) return (fm_code)code;
  return FM_SYSTEM;
}

const char *fm_sentence(fm_code code)
{
  return codes[code].sentence;
}

long fm_win32_number_of(fm_code code)
{
  return codes[code].number;
}

/* If a text did not fit, its last character may lack bytes. */
static void cut_to_characters(char *s)
{
  const char *at = s, *const end = s + strlen(s);
  while (at < end) {
    const char *from = at;
    if (fm_utf8_next(&at, end) < 0 && at == end) s[from - s] = 0;
  }
}

int fm_fail(fm_error *e, fm_code code, const char *detail, ...)
{
  if (e) {
    e->code = (int)code;
    e->native = 0;
    va_list values;
    va_start(values, detail);
    const int length = vsnprintf(e->detail, sizeof e->detail, detail ? detail : codes[code].sentence, values);
    va_end(values);
    if (length >= (int)sizeof e->detail) cut_to_characters(e->detail);
  }
  return (int)code;
}

int fm_fail_number(fm_error *e, fm_family family, long number, const char *message)
{
  const fm_code code = fm_code_of(family, number);
  if (e) {
    fm_fail(e, code, message[0] ? "%s (%s)" : "%s", codes[code].sentence, message);
    e->native = number;
  }
  return (int)code;
}
