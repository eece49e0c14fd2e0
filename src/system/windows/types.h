/* What Windows keeps of the objects of system.h. Handles are intptr_t, so that the rooms above do not see
** windows.h. */
#ifndef FILEMAP_WINDOWS_TYPES_H
#define FILEMAP_WINDOWS_TYPES_H

#include <stdint.h>

#include "../../base/name.h"

typedef struct fm_section {
  intptr_t handle;           /* of the section; 0 for an empty file */
  intptr_t file;             /* of the file behind it; 0: none, or not ours */
  bool is_reserved;          /* pages may not be committed, and each access asks */
  bool is_file;              /* over a file, also one whose handle is not `file` */
  bool is_adopted;
  char name[FM_NAME_SIZE];   /* "": none */
} fm_section;

typedef struct fm_identity {
  char none; /* no sync object is in shared memory here */
} fm_identity;

typedef struct fm_event {
  intptr_t handle;
} fm_event;

typedef struct fm_seat {
  uint32_t number; /* 0: not held */
  intptr_t handle;
} fm_seat;

typedef struct fm_open_file {
  intptr_t handle;
  int access;
} fm_open_file;

#endif
