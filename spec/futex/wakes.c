/* A program in C in which threads sleep on one word by src/system/linux/wait.c for up to 10 s. When all of
** them sleep, one call wakes them. It prints how many of them woke before their time was up. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../src/system/system.h"

enum { THREADS = 8, LONGEST = 10 };

static fm_word32 word = 7;
static fm_event event;
static _Atomic(long) numbers[THREADS];
static atomic_int woken;

static void *sleep_once(void *number)
{
  struct timespec from, to;
  *(_Atomic(long) *)number = syscall(SYS_gettid);
  clock_gettime(CLOCK_MONOTONIC, &from);
  fm_sys_sleep(&event, &word, 7, LONGEST);
  clock_gettime(CLOCK_MONOTONIC, &to);
  if (to.tv_sec - from.tv_sec < LONGEST - 1) woken++;
  return NULL;
}

/* The system shows the state of a thread behind its name, which is in brackets. */
static bool is_asleep(long number)
{
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/self/task/%ld/stat", number);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[n] = 0;
  const char *behind = strrchr(text, ')');
  return behind && behind[1] == ' ' && behind[2] == 'S';
}

int main(void)
{
  pthread_t threads[THREADS];
  if (fm_sys_event_open(&event, NULL, 0, NULL) != FM_OK) return 2;
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, sleep_once, &numbers[i]) != 0) return 2;
  for (int i = 0; i < THREADS; i++)
    while (numbers[i] == 0 || !is_asleep(numbers[i])) sched_yield();
  fm_sys_wake(&event, &word);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("%d of %d woke\n", (int)woken, (int)THREADS);
  return 0;
}
