/* Searching. Windows' C library has no memmem. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include "../../base/memory_search.h"

const unsigned char *fm_sys_find(const unsigned char *bytes, size_t length, const void *needle, size_t n)
{
  return fm_two_way_search(bytes, length, needle, n);
}

#endif
