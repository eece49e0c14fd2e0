/* Maps and their mappings as the rooms above the public header need them. */
#ifndef FILEMAP_MAP_H
#define FILEMAP_MAP_H

#include "../system/system.h"

struct fm_map {
  atomic_size_t refs;  /* the map itself and each mapping of it */
  atomic_size_t views; /* mappings alone */
  int access;
  uint64_t size;
  fm_section section;
  bool can_resize;     /* over a file that was opened by its path */
  char name[FM_NAME_SIZE];
  char *path;          /* of a file map, allocated */
};

struct fm_mapping {
  fm_mapped mapped;    /* first: lost_pages.c finds the mapping by it */
  atomic_size_t refs;
  bool is_private;     /* copy-on-write, whatever a slice may do with it */
  fm_map *map;
  struct place *place; /* lost_pages.c's */
};

/* The request that options stand for, without their size: FM_INVALID for a wrong struct_size. And the request
** of the defaults. */
int fm_request_of(fm_request *out, const fm_options *o, fm_error *e);
fm_request fm_default_request(void);

/* What the public calls of these names do, of a name that is parsed and a request, which may have more than options
** have. The size is r->size, and must not be 0 for the first. */
int fm_map_create(fm_map **out, const fm_name *name, const fm_request *r, fm_error *e);
int fm_map_open(fm_map **out, const fm_name *name, const fm_request *r, fm_error *e);
int fm_map_create_or_open(fm_map **out, bool *created, const fm_name *name, const fm_request *r, fm_error *e);
int fm_map_file(fm_map **out, const char *path, const fm_request *r, fm_error *e);

/* May what gives `given` be asked for `wanted`? Writing and executing must be given; reading and copying always are. */
int fm_check_access(int wanted, int given, fm_error *e);

/* How many maps, mappings and sync objects this process has open, for tests that look for leaks. fm_count adds
** to it. */
size_t fm_live(void);
void fm_count(int more);

/* {-- Lost pages (lost_pages.c) ------------------------------------------------------------------ */

/* From here on a missing page of the mapping reads 0 and sets `lost`, in place of ending the process. */
int fm_watch_lost_pages(fm_mapping *m, fm_error *e);
void fm_unwatch_lost_pages(fm_mapping *m);

#endif
