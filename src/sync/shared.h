/* Sync objects in shared memory, for systems that have none of their own. */
#ifndef FILEMAP_SHARED_H
#define FILEMAP_SHARED_H

#include "../system/system.h"

extern const fm_sync_class fm_shared_sync_class;

#endif
