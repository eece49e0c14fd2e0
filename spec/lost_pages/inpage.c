/* Lost pages on Windows, where an access to one is an exception: a program that uses filemap's library as
** a host program does, with its own handlers.
**
**   inpage PATH   maps the file, prints READY, and continues after a line of input
**
** The file must be truncated before that line.
**
** Windows lets no process truncate a mapped file. Under wine a program of the host system does it. wine
** reports a lost page as an access violation, so a handler that runs before filemap's changes the code to
** the one that Windows reports.
**
** The library is built with test hooks. The thread that has unmapped the view stops until another thread has
** accessed the view, which at that moment has no memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "../../src/base/test_hook.h"
#include "../../src/map/map.h"

static fm_view view;
static unsigned char *elsewhere;
static volatile LONG called, renamed, unmapped;

static void check(bool holds, const char *what)
{
  if (holds) return;
  printf("%s\n", what);
  fflush(stdout);
  ExitProcess(1);
}

static bool lies_in(const void *at, const unsigned char *from, size_t size)
{
  const unsigned char *p = at;
  return p >= from && p < from + size;
}

/* Waits for the access of another thread, for at most ten seconds. */
void fm_test_hook(const char *name)
{
  if (strcmp(name, "unmapped") == 0)
    for (int i = 0; i < 10000 && unmapped == 0; i++) Sleep(1);
}

double fm_test_sleep(double seconds)
{
  return seconds;
}

/* Runs first. A lost page differs from an inaccessible one: VirtualQuery reports it as committed. An address
** without memory is free. */
static LONG CALLBACK rename_fault(EXCEPTION_POINTERS *info)
{
  EXCEPTION_RECORD *x = info->ExceptionRecord;
  const void *at = (const void *)x->ExceptionInformation[1];
  MEMORY_BASIC_INFORMATION part;
  const bool is_access = x->ExceptionCode == EXCEPTION_ACCESS_VIOLATION && x->NumberParameters >= 2;
  if (!is_access) return EXCEPTION_CONTINUE_SEARCH;
  if (!VirtualQuery(at, &part, sizeof part)) return EXCEPTION_CONTINUE_SEARCH;
  if (part.State == MEM_FREE && lies_in(at, view.data, view.size)) InterlockedIncrement(&unmapped);
  if (part.Type != MEM_MAPPED || part.State != MEM_COMMIT) return EXCEPTION_CONTINUE_SEARCH;
  x->ExceptionCode = EXCEPTION_IN_PAGE_ERROR;
  x->NumberParameters = 3;
  x->ExceptionInformation[2] = 0xC0000011; /* STATUS_END_OF_FILE */
  InterlockedIncrement(&renamed);
  return EXCEPTION_CONTINUE_SEARCH;
}

/* The host's own handler, which runs after filemap's. */
static LONG CALLBACK on_fault(EXCEPTION_POINTERS *info)
{
  const EXCEPTION_RECORD *x = info->ExceptionRecord;
  if (x->ExceptionCode != (DWORD)EXCEPTION_IN_PAGE_ERROR) return EXCEPTION_CONTINUE_SEARCH;
  check(lies_in((const void *)x->ExceptionInformation[1], elsewhere, 65536),
        "the host's handler was called for a page of a view");
  InterlockedIncrement(&called);
  UnmapViewOfFile(elsewhere);
  VirtualAlloc(elsewhere, 65536, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  return EXCEPTION_CONTINUE_EXECUTION;
}

static unsigned char touch(const volatile unsigned char *at)
{
  return *at;
}

static DWORD WINAPI fault_together(void *unused)
{
  for (size_t i = 0; i < view.size; i += 4096) {
    check(touch(view.data + i) == 0, "a lost page did not read 0");
    view.data[i] = 0;
  }
  check(fm_view_is_lost(&view), "it is not lost");
  return unused != NULL;
}

int main(int argc, char **argv)
{
  enum { THREADS = 6 };
  HANDLE threads[THREADS];
  fm_options o = fm_default_options();
  fm_error e;
  fm_map *m;
  fm_view slice;
  o.size = 16 * 65536;
  check(argc == 2 && fm_file(&m, argv[1], &o, &e) == FM_OK, "no file");
  check(AddVectoredExceptionHandler(1, on_fault) != NULL, "no handler");
  check(fm_view_open(&view, m, 65536, 15 * 65536, FM_RW, &e) == FM_OK, "no view");
  check(fm_view_sub(&slice, &view, 100, 100, FM_RW, &e) == FM_OK, "no slice");
  check(AddVectoredExceptionHandler(1, rename_fault) != NULL, "no handler");
  elsewhere = MapViewOfFile((HANDLE)fm_map_handle(m), FILE_MAP_READ, 0, 0, 65536);
  check(elsewhere && touch(view.data) == 0 && touch(elsewhere) == 0, "it cannot be read");
  printf("READY\n");
  fflush(stdout);
  check(getchar() != EOF, "no line came");
  for (int i = 0; i < THREADS; i++) threads[i] = CreateThread(NULL, 0, fault_together, NULL, 0, NULL);
  WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
  check(renamed > 0 && called == 0 && fm_view_is_lost(&slice), "nothing was missed");
  check(unmapped > 0, "no thread accessed the view while it had no memory");
  check(touch(slice.data + 50) == 0, "a slice did not read 0");
  check(touch(elsewhere) == 0 && called == 1, "the handler before was not called");
  fm_view_close(&slice);
  fm_view_close(&view);
  fm_map_close(m);
  check(fm_live() == 0, "something is left");
  printf("holds\n");
  return 0;
}
