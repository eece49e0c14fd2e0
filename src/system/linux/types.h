/* What Linux keeps of the objects of system.h. */
#ifndef FILEMAP_LINUX_TYPES_H
#define FILEMAP_LINUX_TYPES_H

#include <stdint.h>

#include "../../base/name.h"

typedef enum fm_backing { FM_ANONYMOUS, FM_NAMED, FM_FILE, FM_BORROWED_FILE, FM_ADOPTED } fm_backing;

typedef struct fm_section {
  int fd;
  fm_backing backing;
  size_t huge_page; /* bytes of its pages if they are huge, else 0 */
  fm_kind kind;     /* of the name */
  char path[FM_NAME_SIZE + 48]; /* of the name's file, as it was when the name was made or opened */
} fm_section;

typedef struct fm_identity {
  uint64_t device, inode;
} fm_identity;

typedef struct fm_event {
  char none; /* a futex needs nothing but its word */
} fm_event;

typedef struct fm_seat {
  uint32_t number; /* 0: not held */
  int fd;
  struct fm_seat *next; /* of this process's */
} fm_seat;

typedef struct fm_open_file {
  int fd;
  int access;
} fm_open_file;

#endif
