/* Names of sections and sync objects: what a name may be, the same on every system. */
#ifndef FILEMAP_NAME_H
#define FILEMAP_NAME_H

#include "../../include/filemap.h"

typedef enum fm_kind { FM_UNNAMED, FM_LOCAL, FM_GLOBAL, FM_VERBATIM } fm_kind;

typedef struct fm_name {
  fm_kind kind;
  bool is_sync;     /* the name of a sync object, which no section may have, and the reverse */
  const char *rest; /* behind the prefix; NULL if unnamed */
  const char *full; /* as it was given; NULL if unnamed */
} fm_name;

/* Splits a name into its parts, which point into `full`; NULL gives FM_UNNAMED. FM_INVALID for a name that is none. */
int fm_name_parse(fm_name *out, const char *full, fm_error *e);

#endif
