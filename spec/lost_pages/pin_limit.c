/* Pins a view where Windows refuses to lock memory. The program replaces three calls of kernel32 by its own,
** and prints the result of each pin and the sizes of the working set in pages.
**
**   pin_limit grow     VirtualLock works once the working set is large enough
**   pin_limit refuse   VirtualLock never works */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "../../include/filemap.h"

enum { PAGE = 4096, LEAST = 50, MOST = 345, LENGTH = 16 };

static SIZE_T least = LEAST * PAGE, most = MOST * PAGE;
static bool refuses;

static BOOL WINAPI lock(void *address, SIZE_T length)
{
  (void)address;
  if (!refuses && length < least) return TRUE;
  SetLastError(ERROR_WORKING_SET_QUOTA);
  return FALSE;
}

static BOOL WINAPI get_sizes(HANDLE process, SIZE_T *least_out, SIZE_T *most_out)
{
  (void)process;
  *least_out = least;
  *most_out = most;
  return TRUE;
}

static BOOL WINAPI set_sizes(HANDLE process, SIZE_T new_least, SIZE_T new_most)
{
  (void)process;
  least = new_least;
  most = new_most;
  SetLastError(0);
  return TRUE;
}

/* The linker finds these before those of kernel32's import library. */
#ifdef _WIN64
#define IMPORTED(name, size) __asm__("__imp_" name)
#else
#define IMPORTED(name, size) __asm__("__imp__" name "@" #size)
#endif
typedef void (*const function)(void);
extern function imported_lock IMPORTED("VirtualLock", 8);
extern function imported_get IMPORTED("GetProcessWorkingSetSize", 12);
extern function imported_set IMPORTED("SetProcessWorkingSetSize", 12);
function imported_lock = (void (*)(void))lock;
function imported_get = (void (*)(void))get_sizes;
function imported_set = (void (*)(void))set_sizes;

int main(int argc, char *argv[])
{
  fm_map *map;
  fm_view view;
  fm_error e;
  refuses = argc > 1 && strcmp(argv[1], "refuse") == 0;
  const fm_options options = fm_default_options();
  if (fm_create(&map, NULL, 64 * PAGE, &options, &e) != FM_OK) return 1;
  if (fm_view_open(&view, map, 0, 64 * PAGE, FM_READ | FM_WRITE, &e) != FM_OK) return 1;
  for (int i = 0; i < 3; i++) {
    const int code = fm_view_pin(&view, &e);
    printf("%s %ld %d %d\n", code == FM_OK ? "ok" : fm_word(code), code == FM_OK ? 0 : e.native,
           (int)(least / PAGE), (int)(most / PAGE));
  }
  fm_view_close(&view);
  fm_map_close(map);
  return 0;
}
