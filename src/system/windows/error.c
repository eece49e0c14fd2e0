/* Errors by GetLastError, and the system's sentences for them. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <wchar.h>

const fm_family fm_sys_family = FM_WIN32;

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
  /* Messages may have inserts, but there are no arguments for them. The width mask removes line breaks. */
  const DWORD how = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS
                  | FORMAT_MESSAGE_MAX_WIDTH_MASK;
  return FormatMessageW(how, NULL, (DWORD)native, language, out, size, NULL);
}

static void read_message(long native, char *out, size_t size)
{
  wchar_t text[512];
  int written = 0;
  if (size == 0) return;
  out[0] = '\0';
  if (size == 1) return; /* with room for 0 bytes WideCharToMultiByte would only measure the text */
  /* English, like the rest of the message. A Windows without English texts gives its own language. */
  DWORD length = format_message(native, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), text, 512);
  if (length == 0) length = format_message(native, 0, text, 512);
  while (length > 0 && wcschr(L". \r\n", text[length - 1])) length--;
  /* Shorten a message that is too long by whole characters. Half a surrogate pair cannot be converted. */
  for (; length > 0 && written == 0; length--)
    written = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, text, (int)length, out,
                                  (int)(size - 1), NULL, NULL);
  out[written] = '\0';
}

int fm_fail_native(fm_error *e, long native)
{
  char message[160] = "";
  read_message(native, message, sizeof message);
  return fm_fail_number(e, fm_sys_family, native, message);
}

#endif
