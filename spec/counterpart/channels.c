/* A program in C that uses filemap's library without Lua, and talks to scripts:
**   channels echo NAME      connects to a pipe, and returns each message until the other end closes
**   channels publish NAME   publishes three values to a state, and waits for the end of its input
**   channels send NAME      sends three messages to a mailslot
**   channels lock NAME      locks a mutex, and unlocks it at the end of its input
** Each prints READY when it is connected or has the object, and its result at the end. */
#include <stdio.h>
#include <string.h>

#include "../../include/filemap.h"

static fm_error e;

static int say(int code)
{
  if (code == FM_OK) printf("done\n");
  else printf("%s\n", fm_word(code));
  return code != FM_OK;
}

static void wait_for_end(void)
{
  printf("READY\n");
  fflush(stdout);
  while (getchar() != EOF) {}
}

static int echo(const char *name)
{
  fm_conn *c;
  const void *data;
  size_t length;
  int code = fm_pipe_connect(&c, name, 10, &e);
  if (code != FM_OK) return say(code);
  printf("READY\n");
  fflush(stdout);
  do {
    code = fm_conn_receive(c, FM_FOREVER, &data, &length, &e);
    if (code == FM_OK) code = fm_conn_send(c, data, length, FM_FOREVER, &e);
  } while (code == FM_OK);
  fm_conn_close(c);
  return say(code == FM_CLOSED ? FM_OK : code);
}

static int publish(const char *name)
{
  fm_options o = fm_default_options();
  fm_state *s;
  bool created;
  int code = fm_state_create_or_open(&s, &created, name, 100, &o, &e);
  for (int i = 1; i <= 3 && code == FM_OK; i++) {
    char value[20];
    const int length = snprintf(value, sizeof value, "value %d", i);
    code = fm_state_publish(s, value, (size_t)length, &e);
  }
  if (code != FM_OK) return say(code);
  wait_for_end();
  fm_state_close(s);
  return say(code);
}

static int send_three(const char *name)
{
  fm_mailslot *m;
  int code = fm_mailslot_open(&m, name, &e);
  if (code != FM_OK) return say(code);
  printf("READY\n");
  for (int i = 1; i <= 3 && code == FM_OK; i++) {
    char message[20];
    const int length = snprintf(message, sizeof message, "message %d", i);
    code = fm_mailslot_send(m, message, (size_t)length, 1, &e);
  }
  fm_mailslot_close(m);
  return say(code);
}

static int lock(const char *name)
{
  fm_sync_options o = fm_default_sync_options();
  fm_sync *s;
  bool created, abandoned;
  int code = fm_sync_open(&s, &created, FM_MUTEX, name, &o, &e);
  if (code == FM_OK) code = fm_sync_wait(s, 10, &abandoned, &e);
  if (code != FM_OK) return say(code);
  wait_for_end();
  code = fm_sync_post(s, 1, &e);
  fm_sync_close(s);
  return say(code);
}

int main(int argc, char **argv)
{
  static const struct { const char *name; int (*run)(const char *); } modes[] = {
    {"echo", echo}, {"publish", publish}, {"send", send_three}, {"lock", lock},
  };
  for (size_t i = 0; argc == 3 && i < sizeof modes / sizeof *modes; i++)
    if (strcmp(argv[1], modes[i].name) == 0) return modes[i].run(argv[2]);
  return 2;
}
