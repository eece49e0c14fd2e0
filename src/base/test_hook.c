/* Steps, in a build for tests: see step.h. */
#include "test_hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FM_TEST_HOOKS

/* FILEMAP_STOP=name:n in the environment stops the process at the n-th passing of that step from when the variable came
** to say so; a third part, name:n:anything, tells one time from another. The process says so on its standard output, and
** goes on when it reads a line from its standard input. One thread at a time passes steps. */
void fm_test_hook(const char *name)
{
  static char known[80];
  static int left;
  const char *wanted = getenv("FILEMAP_STOP");
  const size_t length = strlen(name);
  if (!wanted || strlen(wanted) >= sizeof known) return;
  if (strcmp(wanted, known) != 0) {
    strcpy(known, wanted);
    left = strchr(wanted, ':') ? atoi(strchr(wanted, ':') + 1) : 0;
  }
  if (strncmp(wanted, name, length) != 0 || wanted[length] != ':' || left-- != 1) return;
  printf("STOPPED %s\n", name);
  fflush(stdout);
  for (int c = 0; c != '\n';)
    if ((c = getchar()) == EOF) _Exit(1);
}

#endif
