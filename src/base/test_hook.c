/* Test hooks, in a build for tests. */
#include "test_hook.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FM_TEST_HOOKS

/* If the environment variable FILEMAP_STOP is "name:n", the process stops when it reaches hook `name` for
** the n-th time since the variable got that value. A third part, "name:n:anything", makes values differ. A
** stopped process prints a line and continues when it reads a line from its standard input. */
static bool is_wanted(const char *name)
{
  static char known[80];
  static int left;
  const char *wanted = getenv("FILEMAP_STOP");
  const size_t length = strlen(name);
  if (!wanted || strlen(wanted) >= sizeof known) return false;
  if (strcmp(wanted, known) != 0) {
    strcpy(known, wanted);
    left = strchr(wanted, ':') ? atoi(strchr(wanted, ':') + 1) : 0;
  }
  return strncmp(wanted, name, length) == 0 && wanted[length] == ':' && left-- == 1;
}

void fm_test_hook(const char *name)
{
  static atomic_flag busy = ATOMIC_FLAG_INIT; /* several threads may reach hooks */
  while (atomic_flag_test_and_set(&busy)) {}
  const bool stops = is_wanted(name);
  atomic_flag_clear(&busy);
  if (!stops) return;
  printf("STOPPED %s\n", name);
  fflush(stdout);
  for (int c = 0; c != '\n';)
    if ((c = getchar()) == EOF) _Exit(1);
}

/* If the environment variable FILEMAP_SLEEPS is "endless", the sleep has no end. If it is "told", the process
** also prints for how long it would have slept. */
double fm_test_sleep(double seconds)
{
  static const double endless = 1e6; /* which Windows can count in milliseconds */
  const char *kind = getenv("FILEMAP_SLEEPS");
  const bool told = kind && strcmp(kind, "told") == 0;
  if (told) {
    printf("SLEEPS %.6f\n", seconds);
    fflush(stdout);
  }
  return told || (kind && strcmp(kind, "endless") == 0) ? endless : seconds;
}

#endif
