/* Text on Windows: UTF-8 to UTF-16, and paths. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <stdlib.h>
#include <wchar.h>

int fm_win32_name(wchar_t out[FM_NAME_SIZE], const char *name, fm_error *e)
{
  if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, out, FM_NAME_SIZE)) return FM_OK;
  return fm_win32_fail(e);
}

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

/* Adds the prefix \\?\, which a path of more than MAX_PATH characters must have. It "tells the Windows APIs
** to disable all string parsing", so the path must be absolute. Paths that begin with \\?\ or \\.\ stay as
** they are. */
static void add_prefix(wchar_t *path, size_t length)
{
  const bool device = wcsncmp(path, L"\\\\?\\", 4) == 0 || wcsncmp(path, L"\\\\.\\", 4) == 0;
  if (length < MAX_PATH || device) return;
  const bool share = wcsncmp(path, L"\\\\", 2) == 0; /* \\server\share is \\?\UNC\server\share */
  const wchar_t *prefix = share ? L"\\\\?\\UNC\\" : L"\\\\?\\";
  const size_t added = wcslen(prefix), dropped = share ? 2 : 0;
  wmemmove(path + added, path + dropped, length - dropped + 1);
  wmemcpy(path, prefix, added);
}

/* Makes a path absolute. The caller frees *out. */
static int full_path(wchar_t **out, const wchar_t *path, fm_error *e)
{
  enum { PREFIX = 8 };
  const DWORD size = GetFullPathNameW(path, 0, NULL, NULL);
  /* The path is empty. The call sets no error, so use the one that CreateFile reports for an empty path. */
  if (size == 0) return fm_fail_native(e, ERROR_PATH_NOT_FOUND);
  wchar_t *full = malloc((size + PREFIX) * sizeof *full);
  if (!full) return fm_fail(e, FM_NO_MEMORY, NULL);
  const DWORD length = GetFullPathNameW(path, size, full, NULL);
  if (length == 0 || length >= size) { /* another thread changed the directory between the calls */
    free(full);
    return fm_fail(e, FM_IN_USE, "the current directory changed while the path was read");
  }
  add_prefix(full, length);
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
