/* A program in C that opens and closes named objects while another of its threads starts programs with
** system(3), which runs no fork handlers: until its exec the new process has copies of all descriptors.
**   spawns OBJECT NAME TRIES   OBJECT: name, opened, state, mailslot, listener or mutex
** The other end of a state, a mailslot or a listener is open all the while, so that the section stays. The
** program prints how many tries failed, and with which codes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/filemap.h"

static const char *name;
static fm_error e;
static int failures[FM_SYSTEM + 1];
static atomic_bool stop;

/* The other ends. */
static fm_state *reader;
static fm_mailslot *writer;
static fm_conn *client;

static void *start_programs(void *unused)
{
  (void)unused;
  while (!stop)
    if (system(":") != 0) abort();
  return NULL;
}

static int try_name(void)
{
  fm_map *m;
  fm_options o = fm_default_options();
  const int code = fm_create(&m, name, 10, &o, &e);
  if (code == FM_OK) fm_map_close(m);
  return code;
}

/* The section has two holders, which close one after the other. */
static int try_opened(void)
{
  fm_map *first, *second;
  fm_options o = fm_default_options();
  int code = fm_create(&first, name, 10, &o, &e);
  if (code != FM_OK) return code;
  code = fm_open(&second, name, &o, &e);
  fm_map_close(first);
  if (code == FM_OK) fm_map_close(second);
  return code;
}

static int try_state(void)
{
  fm_state *s;
  bool created;
  fm_options o = fm_default_options();
  const int code = fm_state_create_or_open(&s, &created, name, 100, &o, &e);
  if (code != FM_OK) return code;
  if (!reader && fm_state_open(&reader, name, &e) != FM_OK) abort();
  fm_state_close(s);
  return FM_OK;
}

static int try_mailslot(void)
{
  fm_mailslot *s;
  fm_options o = fm_default_options();
  const int code = fm_mailslot_create(&s, name, 0, 0, &o, &e);
  if (code != FM_OK) return code;
  if (!writer && fm_mailslot_open(&writer, name, &e) != FM_OK) abort();
  fm_mailslot_close(s);
  return FM_OK;
}

static int try_listener(void)
{
  fm_listener *l;
  fm_options o = fm_default_options();
  const int code = fm_pipe_listen(&l, name, 100, false, &o, &e);
  if (code != FM_OK) return code;
  if (!client && fm_pipe_connect(&client, name, 0, &e) != FM_OK) abort();
  fm_listener_close(l);
  return FM_OK;
}

static int try_mutex(void)
{
  fm_sync *m;
  bool created, abandoned = false;
  const fm_sync_options o = fm_default_sync_options();
  int code = fm_sync_open(&m, &created, FM_MUTEX, name, &o, &e);
  if (code != FM_OK) return code;
  code = fm_sync_wait(m, 0, &abandoned, &e);
  fm_sync_close(m);
  return !created || abandoned ? FM_EXISTS : code;
}

int main(int count, char **arguments)
{
  static const struct { const char *object; int (*attempt)(void); } kinds[] = {
    {"name", try_name}, {"opened", try_opened}, {"state", try_state}, {"mailslot", try_mailslot},
    {"listener", try_listener}, {"mutex", try_mutex},
  };
  int (*attempt)(void) = NULL;
  pthread_t thread;
  if (count != 4) return 2;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].object, arguments[1]) == 0) attempt = kinds[i].attempt;
  name = arguments[2];
  if (!attempt || pthread_create(&thread, NULL, start_programs, NULL) != 0) return 2;
  const int tries = atoi(arguments[3]);
  for (int i = 0; i < tries; i++) failures[attempt()]++;
  stop = true;
  pthread_join(thread, NULL);
  fm_state_close(reader);
  fm_mailslot_close(writer);
  fm_conn_close(client);
  printf("%d failed", tries - failures[FM_OK]);
  for (int code = FM_OK + 1; code <= FM_SYSTEM; code++)
    if (failures[code]) printf(", %d with %s", failures[code], fm_word(code));
  printf("\n");
  return 0;
}
