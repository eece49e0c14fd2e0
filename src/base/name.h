/* Names of sections and sync objects. */
#ifndef FILEMAP_NAME_H
#define FILEMAP_NAME_H

#include "public.h"

FM_BEGIN_HIDDEN

typedef enum fm_kind { FM_UNNAMED, FM_LOCAL, FM_GLOBAL, FM_VERBATIM } fm_kind;

typedef struct fm_name {
  fm_kind kind;
  const char *rest; /* behind the prefix; NULL if unnamed */
  const char *full; /* the whole name; NULL if unnamed */
} fm_name;

/* Splits a name into its parts, which point into `full`; NULL gives FM_UNNAMED. FM_INVALID for a name that
** breaks the rules. */
int fm_name_parse(fm_name *out, const char *full, fm_error *e);

FM_END_HIDDEN

#endif
