/* Linux has no named sync objects of its own that live as on Win32: sync/ makes them of shared memory. */
#include "linux.h"

#if FM_SYSTEM_LINUX

const fm_sync_class *const fm_sys_sync_class = NULL;

#endif
