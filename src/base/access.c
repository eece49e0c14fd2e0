/* The access words of scripts and messages, and their bits. */
#include <string.h>

#include "public.h"

static const struct { const char *word; int bits; } accesses[] = {
  {"r", FM_READ},           {"rw", FM_RW},            {"copy", FM_READ | FM_COPY},
  {"rx", FM_READ | FM_EXEC}, {"rwx", FM_RW | FM_EXEC}, {"copyx", FM_READ | FM_COPY | FM_EXEC},
};
enum { ACCESSES = sizeof accesses / sizeof *accesses };

int fm_access_bits(const char *word)
{
  for (int i = 0; i < ACCESSES; i++)
    if (strcmp(accesses[i].word, word) == 0) return accesses[i].bits;
  return 0;
}

const char *fm_access_word(int access)
{
  for (int i = 0; i < ACCESSES; i++)
    if (accesses[i].bits == access) return accesses[i].word;
  return NULL;
}
