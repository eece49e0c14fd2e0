/* What the two classic programs agree on: a section of 64 KiB, of which the first 1024 bytes are viewed, and
** NUL-terminated UTF-16 at its start. They use Win32 alone, nothing of filemap, so that its specs have a
** counterpart that cannot share its mistakes. */
#ifndef CLASSIC_H
#define CLASSIC_H

#include <stdio.h>
#include <windows.h>

#define MAP_NAME L"Local\\SampleMap"
enum { MAP_SIZE = 65536, VIEW_OFFSET = 0, VIEW_SIZE = 1024 };

static int fail(const char *call)
{
  printf("%s failed: %lu\n", call, GetLastError());
  return 1;
}

/* A line on standard output that the other side waits for. */
static void say(const char *line)
{
  printf("%s\n", line);
  fflush(stdout);
}

#endif
