/* The struct that the game of double_buffer.c shares, as its vendor would publish it: two moments.
** moments[number & 1] is the newest complete one. The game writes the next moment into the other place,
** and then increments `number`. */
#ifndef DOUBLE_BUFFER_H
#define DOUBLE_BUFFER_H

#include <windows.h>

#define MAX_CARS 40

#pragma pack(push, 4)

typedef struct {
  LONGLONG distance;
  float speed;
  WCHAR driver[12];
  BYTE gear;
} Car;

typedef struct {
  DWORD tick;
  DWORD count;
  Car cars[MAX_CARS];
  double time;
  DWORD check; /* the tick again */
} Moment;

typedef struct {
  char version[8];
  volatile LONG number;
  Moment moments[2];
} Game;

#pragma pack(pop)

#endif
