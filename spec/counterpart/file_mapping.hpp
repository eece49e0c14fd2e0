// Common parts of the two classic programs: a section of 64 KiB, a view of its first 1024 bytes, and
// NUL-terminated UTF-16 at its start. The programs use only Win32 and nothing of filemap, so that the specs
// have a counterpart that cannot have filemap's own mistakes.
#ifndef FILE_MAPPING_HPP
#define FILE_MAPPING_HPP

#include <iostream>
#include <stdexcept>
#include <string>
#include <windows.h>

constexpr wchar_t map_name[] = L"Local\\SampleMap";
constexpr DWORD map_size = 65536, view_offset = 0, view_size = 1024;

[[noreturn]] inline void fail(const std::string &call)
{
  throw std::runtime_error(call + " failed: " + std::to_string(GetLastError()));
}

class mapping {
public:
  explicit mapping(HANDLE handle) : handle_(handle) {}
  mapping(const mapping &) = delete;
  mapping &operator=(const mapping &) = delete;
  ~mapping() { CloseHandle(handle_); }
  HANDLE get() const { return handle_; }

private:
  HANDLE handle_;
};

class view {
public:
  view(const mapping &of, DWORD access) : text_(MapViewOfFile(of.get(), access, 0, view_offset, view_size))
  {
    if (!text_) fail("MapViewOfFile");
  }
  view(const view &) = delete;
  view &operator=(const view &) = delete;
  ~view() { UnmapViewOfFile(text_); }
  wchar_t *text() const { return static_cast<wchar_t *>(text_); }

private:
  void *text_;
};

// Prints a line on standard output, for which the other side waits.
inline void say(const std::string &line)
{
  std::cout << line << std::endl;
}

inline std::string utf8(const wchar_t *text)
{
  char bytes[view_size * 2];
  if (!WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, nullptr, nullptr))
    fail("WideCharToMultiByte");
  return bytes;
}

// Runs a program, and prints the message of its exception.
template <typename F> int run(F program)
{
  try {
    program();
    return 0;
  } catch (const std::exception &e) {
    say(e.what());
    return 1;
  }
}

#endif
