/* Errors by errno. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <string.h>

const fm_family fm_sys_family = FM_ERRNO;

int fm_fail_native(fm_error *e, long native)
{
  return fm_fail_number(e, fm_sys_family, native, strerror((int)native));
}

#endif
