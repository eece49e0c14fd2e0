/* The types of system.h on Linux. */
#ifndef FILEMAP_LINUX_TYPES_H
#define FILEMAP_LINUX_TYPES_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../base/name.h"

typedef enum fm_backing { FM_ANONYMOUS, FM_NAMED, FM_FILE, FM_ADOPTED } fm_backing;

/* The file that a name stands for. It is kept as it was when the name was made or opened: a process that
** changes its user id still finds its own names by it. */
typedef struct fm_name_file {
  fm_kind kind;
  uid_t user;                   /* the effective user at that time, who owns the files of Local names */
  char path[FM_NAME_SIZE + 48];
} fm_name_file;

typedef struct fm_section {
  int fd;
  fm_backing backing;
  size_t huge_page;  /* bytes of its pages if they are huge, else 0 */
  unsigned forks;    /* how often the process had forked when `fd` was opened */
  bool is_shared;    /* another process may share the open file description, in another way than by a fork */
  fm_name_file file; /* of a named section, or of an adopted one that has a name; else the path is empty */
} fm_section;

typedef struct fm_identity {
  uint64_t device, inode;
} fm_identity;

typedef struct fm_event {
  char none; /* a futex needs only its word */
} fm_event;

typedef struct fm_seat {
  uint32_t number; /* 0: not held */
  int fd;
  const fm_section *shared; /* the section whose open file description it has, NULL if it has its own */
  struct fm_seat *next;     /* in the process's list */
} fm_seat;

typedef struct fm_thread {
  pthread_t id;
  void (*run)(void *context);
  void *context;
} fm_thread;

typedef struct fm_open_file {
  int fd;
  int access;
} fm_open_file;

#endif
