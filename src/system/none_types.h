/* What a system that filemap was not ported to keeps of the objects of system.h. */
#ifndef FILEMAP_NONE_TYPES_H
#define FILEMAP_NONE_TYPES_H

#include <stdint.h>

typedef struct fm_section { intptr_t handle; } fm_section;
typedef struct fm_identity { char none; } fm_identity;
typedef struct fm_event { intptr_t handle; } fm_event;
typedef struct fm_seat { uint32_t number; } fm_seat;
typedef struct fm_open_file { int access; } fm_open_file;

#endif
