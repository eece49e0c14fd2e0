/* Linux has no named sync objects that live as on Win32. The room sync/ makes them in shared memory. A
** verbatim name of a semaphore stands for one of the C library's. */
#include "linux.h"

#if FM_SYSTEM_LINUX

const fm_sync_class *fm_sys_sync_class(fm_sync_kind kind, const fm_name *name)
{
  return kind == FM_SEMAPHORE && name->kind == FM_VERBATIM ? &fm_posix_semaphore : NULL;
}

int fm_sys_sync_unlink(const fm_name *name, fm_error *e)
{
  if (name->kind == FM_VERBATIM) return fm_posix_semaphore_unlink(name, e);
  return fm_fail(e, FM_INVALID, "only a name that starts with / can be unlinked; "
                 "other names are removed when their last holder closes them");
}

#endif
