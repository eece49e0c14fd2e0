/* A game with a double-buffered struct: double_buffer NAME. It makes one moment after the other at full
** speed until it reads a line on standard input. Then it prints the last tick. All numbers of a moment
** follow from its tick. It uses only Win32. */
#include "double_buffer.h"

#include <stdio.h>
#include <string.h>

static void make_moment(Moment *m, DWORD tick)
{
  m->tick = tick;
  m->time = tick / 64.0;
  m->count = tick % MAX_CARS + 1;
  for (DWORD i = 0; i < MAX_CARS; i++) {
    Car *car = &m->cars[i];
    car->distance = (LONGLONG)tick * 1000 + i;
    car->speed = (float)(tick % 1000) + (float)i;
    car->gear = (BYTE)(tick % 7);
    car->driver[0] = (WCHAR)(L'A' + tick % 26);
    car->driver[1] = (WCHAR)(L'A' + i % 26);
    car->driver[2] = 0;
  }
  m->check = tick;
}

static DWORD WINAPI wait_for_line(void *stop)
{
  char line[16];
  if (!fgets(line, sizeof line, stdin)) line[0] = 0;
  InterlockedExchange(stop, 1);
  return 0;
}

int main(int argc, char **argv)
{
  static volatile LONG stop;
  if (argc != 2) return 2;
  HANDLE map = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(Game), argv[1]);
  Game *game = map ? MapViewOfFile(map, FILE_MAP_WRITE, 0, 0, sizeof *game) : NULL;
  if (!game || !CreateThread(NULL, 0, wait_for_line, (void *)&stop, 0, NULL)) return 1;
  strcpy(game->version, "1.2");
  make_moment(&game->moments[0], 0);
  printf("READY\n");
  fflush(stdout);
  while (!stop) {
    const LONG next = game->number + 1;
    make_moment(&game->moments[next & 1], (DWORD)next);
    InterlockedExchange(&game->number, next); /* publishes the moment after it is complete */
    if (next % 16 == 0) Sleep(0);
  }
  printf("%ld\n", game->number);
  return 0;
}
