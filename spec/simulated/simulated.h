/* A system for tests, in place of the folders of src/system/: one process, whose sections are plain memory,
** with a clock and with seats that the test controls. The test takes the part of the other processes by the
** hooks. A program is built for it with FM_SIMULATED and this folder for includes, from the sources of the
** library and simulated.c. */
#ifndef FILEMAP_SIMULATED_H
#define FILEMAP_SIMULATED_H

#include "../../src/system/system.h"

typedef struct simulated_hooks {
  void (*act)(void);      /* other processes may act now: before each call that shows what they did */
  bool (*fails)(void);    /* should this call fail for want of memory? */
  bool (*parallel)(void); /* is there more than one processor? */
  void (*sleep)(fm_word32 *word, uint32_t seen, double seconds); /* NULL: time passes */
  void (*sleep_any)(const fm_sleep_on *things, size_t count); /* NULL: time passes */
  void (*wake)(fm_word32 *word);
  void (*lock)(bool yes); /* acquires or releases the process lock; NULL: there is one thread */
  int (*start)(void (*run)(void *context), void *context); /* starts a thread; NULL: no thread starts */
  void (*join)(int number); /* waits for the end of the thread that `start` returned */
} simulated_hooks;

/* Begins a test without sections and seats. A hook may be NULL. `tick` is how far the clock goes on with each
** look, in seconds. */
void simulated_begin(const simulated_hooks *hooks, double tick);

/* The number of sections, mapped ranges, events and seats of this process that are open. */
long simulated_count(void);

/* The word of a handle for event loops: 2 while it is set, 1 while it is clear. A change of it wakes. */
fm_word32 *simulated_handle(intptr_t handle);

/* Lets time pass. */
void simulated_pass(double seconds);

/* {-- What other processes do -------------------------------------------------------------------- */

/* Another process creates a section, if there is none by that name, and keeps it open until it drops it. Only
** `committed` bytes at its start can be accessed at first; read_only is for this process. */
bool simulated_create(const char *name, fm_purpose purpose, const void *initial, size_t initial_size,
                      size_t size, size_t committed, bool read_only);
void simulated_drop_all(void);

/* The bytes of the newest section that can be accessed from its start on; NULL if there is none. */
void *simulated_memory(size_t *size);

/* Another process truncates all sections: their pages are lost. */
void simulated_truncate(void);

/* Another process acquires the seat, or releases it. Seats are the same for all sections, and those of 4096
** different numbers. */
enum { SIMULATED_SEATS = 4096 };
void simulated_toggle_seat(uint32_t number);

/* A process with this seat dies. */
void simulated_kill(uint32_t number);

/* This process forks, and the test goes on in the child. The parent lives on. */
void simulated_fork(void);

#endif
