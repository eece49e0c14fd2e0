/* Test hooks, in a build for tests. */
#include "test_hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FM_TEST_HOOKS

/* If the environment variable FILEMAP_STOP is "name:n", the process stops when it reaches hook `name` for
** the n-th time since the variable got that value. A third part, "name:n:anything", makes values differ. A
** stopped process prints a line and continues when it reads a line from its standard input. Only one
** thread at a time may reach hooks. */
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
