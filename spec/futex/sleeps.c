/* A program in C that sleeps on a word by src/system/linux/wait.c for 0.2 s, five times, and prints how
** many seconds of time and of processor time each sleep took. It is built for other word sizes, and with
** other widths of time_t. */
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>

#include "../../src/system/system.h"

static double seconds_of(clockid_t clock)
{
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
  fm_word32 word = 7;
  fm_event event;
  if (fm_sys_event_open(&event, NULL, 0, NULL) != FM_OK) return 2;
  printf("time_t of %d bits\n", (int)sizeof(time_t) * 8);
  for (int i = 0; i < 5; i++) {
    const double from = seconds_of(CLOCK_MONOTONIC), used = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    fm_sys_sleep(&event, &word, 7, 0.2);
    printf("%.6f %.6f\n", seconds_of(CLOCK_MONOTONIC) - from, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - used);
  }
  fm_sys_event_close(&event);
  return 0;
}
