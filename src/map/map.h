/* Maps and their mappings, for the rooms above. */
#ifndef FILEMAP_MAP_H
#define FILEMAP_MAP_H

#include "../system/system.h"

FM_BEGIN_HIDDEN

struct fm_map {
  atomic_size_t refs;  /* the map itself and each mapping of it */
  atomic_size_t views; /* mappings alone */
  int access;
  uint64_t size;
  fm_section section;
  bool can_resize;     /* its file was opened by a path */
  char name[FM_NAME_SIZE];
  char *path;          /* of a file map, allocated */
};

struct fm_mapping {
  fm_mapped mapped;    /* first, because lost_pages.c finds the mapping by its address */
  atomic_size_t refs;
  bool is_private;     /* copy-on-write */
  fm_map *map;
  struct place *place; /* in the list of lost_pages.c */
};

/* Fill the request that options stand for; `o` NULL: the defaults. FM_INVALID for a wrong struct_size. The
** first has the size 0, which the caller can set. The second has the options' size, and checks it. */
int fm_request_of(fm_request *out, const fm_options *o, fm_error *e);
int fm_sized_request_of(fm_request *out, const fm_options *o, fm_error *e);

/* They do what fm_create, fm_open, fm_create_or_open and fm_file do, for a parsed name and a request. The
** first needs a size. */
int fm_map_create(fm_map **out, const fm_name *name, const fm_request *r, fm_error *e);
int fm_map_open(fm_map **out, const fm_name *name, const fm_request *r, fm_error *e);
int fm_map_create_or_open(fm_map **out, bool *created, const fm_name *name, const fm_request *r, fm_error *e);
int fm_map_file(fm_map **out, const char *path, const fm_request *r, fm_error *e);

/* Does access `given` allow access `wanted`? Writing and executing must be in `given`; reading and copying
** are always allowed. FM_INVALID, FM_DENIED. */
int fm_check_access(int wanted, int given, fm_error *e);

/* How many maps, mappings and sync objects this process has open, for tests that look for leaks. fm_count
** adds to it. */
size_t fm_live(void);
void fm_count(int more);

/* {-- Lost pages (lost_pages.c) ------------------------------------------------------------------ */

/* After fm_watch_lost_pages a lost page of the mapping reads 0 and sets `lost`, instead of ending the
** process. */
int fm_watch_lost_pages(fm_mapping *m, fm_error *e);
void fm_unwatch_lost_pages(fm_mapping *m);

FM_END_HIDDEN

#endif
