/* What the simulated system keeps of the objects of system.h. */
#ifndef FILEMAP_SIMULATED_TYPES_H
#define FILEMAP_SIMULATED_TYPES_H

#include <stdint.h>

typedef struct fm_section { struct simulated_section *at; } fm_section;
typedef struct fm_identity { const void *at; } fm_identity;
typedef struct fm_event { int is_open; } fm_event;
typedef struct fm_seat { uint32_t number; struct fm_seat *next; } fm_seat;
typedef struct fm_thread { int number; } fm_thread;
typedef struct fm_open_file { int access; } fm_open_file;

#endif
