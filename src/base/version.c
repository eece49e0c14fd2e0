/* The version of the library, as the program finds it at run time. */
#include "public.h"

int fm_version(void)
{
  return FILEMAP_VERSION;
}
