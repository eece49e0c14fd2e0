/* The objects of system.h on a system without a port. Of their fields, the rooms above
** use `number` of fm_seat and `access` of fm_open_file. */
#ifndef FILEMAP_NONE_TYPES_H
#define FILEMAP_NONE_TYPES_H

#include <stdint.h>

typedef struct fm_section { intptr_t handle; } fm_section;
typedef struct fm_identity { char none; } fm_identity;
typedef struct fm_event { intptr_t handle; } fm_event;
typedef struct fm_seat { uint32_t number; } fm_seat;
typedef struct fm_thread { char none; } fm_thread;
typedef struct fm_open_file { int access; } fm_open_file;

#endif
