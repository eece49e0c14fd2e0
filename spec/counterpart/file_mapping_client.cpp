// The second process of the classic pair: opens the section for reading, and prints its text as UTF-8.
#include "file_mapping.hpp"

int main()
{
  return run([] {
    const HANDLE opened = OpenFileMappingW(FILE_MAP_READ, FALSE, map_name);
    if (!opened) fail("OpenFileMapping");
    const mapping map(opened);
    const view bytes(map, FILE_MAP_READ);
    say("READY");
    say(utf8(bytes.text()));
  });
}
