// The first process of the classic pair: makes the section, writes the message, and waits for a line on
// standard input. Then it prints the text at the start of the view as UTF-8.
#include "file_mapping.hpp"

int main()
{
  return run([] {
    static const wchar_t message[] = L"Message from the first process.";
    const HANDLE made =
        CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, map_size, map_name);
    if (!made) fail("CreateFileMapping");
    const mapping map(made);
    const view bytes(map, FILE_MAP_ALL_ACCESS);
    std::copy(std::begin(message), std::end(message), bytes.text());
    say("READY");
    std::string line;
    if (std::getline(std::cin, line)) say(utf8(bytes.text()));
  });
}
