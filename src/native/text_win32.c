/* Errors and text on Windows: the system's sentences, and the way between UTF-8 and UTF-16. */
#include "win32.h"

#if FM_SYSTEM_WIN32

#include <stdlib.h>
#include <wchar.h>

/* {-- Errors ----------------------------------------------------------------------------------- */

int fm_win32_fail(fm_error *e)
{
  return fm_fail_native(e, (long)GetLastError());
}

int fm_win32_fail_as(fm_error *e, fm_code code, DWORD native, const char *sentence)
{
  fm_fail(e, code, "%s", sentence);
  if (e) e->native = (long)native;
  return (int)code;
}

int fm_win32_fail_small(fm_error *e, uint64_t has, uint64_t wanted)
{
  return fm_fail(e, FM_TOO_SMALL, "it has %llu bytes, %llu were asked for",
                 (unsigned long long)has, (unsigned long long)wanted);
}

static DWORD format_message(long native, DWORD language, wchar_t *out, DWORD size)
{
  /* There are no arguments for a message's inserts. The width mask takes out its line breaks. */
  const DWORD how = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS
                  | FORMAT_MESSAGE_MAX_WIDTH_MASK;
  return FormatMessageW(how, NULL, (DWORD)native, language, out, size, NULL);
}

void fm_sys_message(long native, char *out, size_t size)
{
  wchar_t text[512];
  int written = 0;
  if (size == 0) return;
  out[0] = '\0';
  if (size == 1) return; /* a size of 0 would ask WideCharToMultiByte for the size that it wants */
  /* The rest of the message is English; a Windows without English says it in its own language. */
  DWORD length = format_message(native, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), text, 512);
  if (length == 0) length = format_message(native, 0, text, 512);
  while (length > 0 && wcschr(L". \r\n", text[length - 1])) length--;
  /* Cut a message that is too long before a character, not within one: a surrogate without the
  ** other is an error too. */
  for (; length > 0 && written == 0; length--)
    written = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, text, (int)length, out,
                                  (int)(size - 1), NULL, NULL);
  out[written] = '\0';
}

/* {-- Text ------------------------------------------------------------------------------------- */

int fm_win32_name(wchar_t out[FM_NAME_SIZE], const char *name, fm_error *e)
{
  if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, out, FM_NAME_SIZE)) return FM_OK;
  return fm_win32_fail(e);
}

/* *out is to be freed. */
int fm_win32_wide(wchar_t **out, const char *text, fm_error *e)
{
  const int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
  if (size == 0) return fm_win32_fail(e);
  wchar_t *wide = malloc((size_t)size * sizeof *wide);
  if (!wide) return fm_fail(e, FM_NO_MEMORY, NULL);
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, size);
  *out = wide;
  return FM_OK;
}

/* A path of more than MAX_PATH characters must begin with \\?\, which "tells the Windows APIs to
** disable all string parsing": it must be absolute already. What begins with that or with \\.\ is
** left as it is. */
static void lift_limit(wchar_t *path, size_t length)
{
  const bool device = wcsncmp(path, L"\\\\?\\", 4) == 0 || wcsncmp(path, L"\\\\.\\", 4) == 0;
  if (length < MAX_PATH || device) return;
  const bool share = wcsncmp(path, L"\\\\", 2) == 0; /* \\server\share is \\?\UNC\server\share */
  const wchar_t *prefix = share ? L"\\\\?\\UNC\\" : L"\\\\?\\";
  const size_t added = wcslen(prefix), dropped = share ? 2 : 0;
  wmemmove(path + added, path + dropped, length - dropped + 1);
  wmemcpy(path, prefix, added);
}

/* The absolute path, as long as it may be. *out is to be freed. */
static int full_path(wchar_t **out, const wchar_t *path, fm_error *e)
{
  enum { PREFIX = 8 };
  const DWORD size = GetFullPathNameW(path, 0, NULL, NULL);
  /* Of an empty path, which sets no error. This is what CreateFile says of it. */
  if (size == 0) return fm_fail_native(e, ERROR_PATH_NOT_FOUND);
  wchar_t *full = malloc((size + PREFIX) * sizeof *full);
  if (!full) return fm_fail(e, FM_NO_MEMORY, NULL);
  const DWORD length = GetFullPathNameW(path, size, full, NULL);
  if (length == 0 || length >= size) { /* another thread changed the directory between the calls */
    free(full);
    return fm_fail(e, FM_IN_USE, "the current directory changed meanwhile");
  }
  lift_limit(full, length);
  *out = full;
  return FM_OK;
}

int fm_win32_path(wchar_t **out, const char *path, fm_error *e)
{
  wchar_t *wide = NULL;
  int code = fm_win32_wide(&wide, path, e);
  if (code == FM_OK) code = full_path(out, wide, e);
  free(wide);
  return code;
}

/* {-- ntdll ------------------------------------------------------------------------------------ */

FARPROC fm_win32_ntdll(const char *name)
{
  return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);
}

#endif
