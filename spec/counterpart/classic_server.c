/* The first process of the classic pair: makes the section, writes the message, and waits for a line on
** standard input. Then it says what stands at the start of the view by then, as UTF-8. */
#include "classic.h"

int main(void)
{
  static const wchar_t message[] = L"Message from the first process.";
  HANDLE map = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, MAP_SIZE, MAP_NAME);
  if (!map) return fail("CreateFileMapping");
  wchar_t *view = MapViewOfFile(map, FILE_MAP_ALL_ACCESS, 0, VIEW_OFFSET, VIEW_SIZE);
  if (!view) return fail("MapViewOfFile");
  memcpy(view, message, sizeof message);
  say("READY");

  char text[VIEW_SIZE * 2];
  if (!fgets(text, sizeof text, stdin)) return 1;
  if (!WideCharToMultiByte(CP_UTF8, 0, view, -1, text, sizeof text, NULL, NULL))
    return fail("WideCharToMultiByte");
  say(text);
  UnmapViewOfFile(view);
  CloseHandle(map);
  return 0;
}
