/* Finding bytes by memmem(3), which the C library optimizes for the processor. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <string.h>

const unsigned char *fm_sys_find(const unsigned char *bytes, size_t length, const void *needle, size_t n)
{
  return memmem(bytes, length, needle, n);
}

#endif
