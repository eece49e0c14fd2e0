/* The public header, as the sources of the library include it. What FM_API exports stays exported. */
#ifndef FILEMAP_PUBLIC_H
#define FILEMAP_PUBLIC_H

#include "hidden.h"

FM_BEGIN_HIDDEN
#include "../../include/filemap.h"
FM_END_HIDDEN

#endif
