/* The objects of system.h on Windows. Handles are intptr_t, so that the rooms above do not include windows.h.
** */
#ifndef FILEMAP_WINDOWS_TYPES_H
#define FILEMAP_WINDOWS_TYPES_H

#include <stdint.h>

#include "../../base/name.h"

typedef struct fm_section {
  intptr_t handle;         /* of the section; 0 for an empty file, which has no section */
  intptr_t file;           /* of the mapped file; 0 if there is none or the section does not own its handle */
  bool is_reserved;        /* some pages may not be committed, so each access must check */
  bool is_file;            /* maps a file */
  bool is_adopted;
  char name[FM_NAME_SIZE]; /* "" if unnamed */
} fm_section;

typedef struct fm_identity {
  char none; /* not used: sync objects are the system's own, not in shared memory */
} fm_identity;

typedef struct fm_event {
  intptr_t handle;
} fm_event;

typedef struct fm_seat {
  uint32_t number; /* 0 if the seat is not held */
  intptr_t handle;
} fm_seat;

typedef struct fm_thread {
  intptr_t handle;
  void (*run)(void *context);
  void *context;
} fm_thread;

typedef struct fm_open_file {
  intptr_t handle;
  int access;
} fm_open_file;

#endif
