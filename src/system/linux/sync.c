/* Linux has no named sync objects that live as on Win32. The room sync/ makes them in shared memory. */
#include "linux.h"

#if FM_SYSTEM_LINUX

const fm_sync_class *const fm_sys_sync_class = NULL;

#endif
