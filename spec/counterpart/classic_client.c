/* The second process of the classic pair: opens the section for reading, and says what it reads as UTF-8. */
#include "classic.h"

int main(void)
{
  char text[VIEW_SIZE * 2];
  HANDLE map = OpenFileMappingW(FILE_MAP_READ, FALSE, MAP_NAME);
  if (!map) return fail("OpenFileMapping");
  const wchar_t *view = MapViewOfFile(map, FILE_MAP_READ, 0, VIEW_OFFSET, VIEW_SIZE);
  if (!view) return fail("MapViewOfFile");
  say("READY");
  if (!WideCharToMultiByte(CP_UTF8, 0, view, -1, text, sizeof text, NULL, NULL))
    return fail("WideCharToMultiByte");
  say(text);
  UnmapViewOfFile(view);
  CloseHandle(map);
  return 0;
}
