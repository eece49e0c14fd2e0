/* A program that forks while all kinds of sync objects and channels are open. The child uses each one,
** prints the results and closes all of them. Then the parent does the same.
**
**   fork_channels NAME [orphan]
**
** With `orphan` the parent kills itself instead, and the child closes all objects at the end of its input. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/filemap.h"

static fm_error e;
static fm_sync *mutex, *same_mutex; /* `mutex` is the object that is locked */
static fm_state *state;
static fm_mailslot *slot, *writer;
static fm_listener *listener;
static fm_conn *client, *server;

static void say(const char *what, int code)
{
  printf("%s: %s\n", what, code == FM_OK ? "ok" : fm_word(code));
  fflush(stdout);
}

static const char *add(const char *name, const char *what)
{
  static char out[FM_NAME_SIZE];
  snprintf(out, sizeof out, "%s-%s", name, what);
  return out;
}

static int open_all(const char *name)
{
  const fm_sync_options s = fm_default_sync_options();
  const fm_options o = fm_default_options();
  bool created, abandoned;
  int code = fm_sync_open(&mutex, &created, FM_MUTEX, add(name, "mutex"), &s, &e);
  if (code == FM_OK) code = fm_sync_open(&same_mutex, &created, FM_MUTEX, add(name, "mutex"), &s, &e);
  if (code == FM_OK) code = fm_sync_wait(mutex, 0, &abandoned, &e);
  if (code == FM_OK) code = fm_state_create(&state, add(name, "state"), 100, &o, &e);
  if (code == FM_OK) code = fm_mailslot_create(&slot, add(name, "slot"), 100, 0, &o, &e);
  if (code == FM_OK) code = fm_mailslot_open(&writer, add(name, "slot"), &e);
  if (code == FM_OK) code = fm_pipe_listen(&listener, add(name, "pipe"), 100, false, &o, &e);
  if (code == FM_OK) code = fm_pipe_connect(&client, add(name, "pipe"), 0, &e);
  if (code == FM_OK) code = fm_pipe_accept(listener, 0, &server, &e);
  return code;
}

static void try_all(void)
{
  const void *data;
  size_t length;
  bool abandoned;
  fm_conn *c;
  say("lock", fm_sync_wait(same_mutex, 0, &abandoned, &e));
  say("lock", fm_sync_wait(mutex, 0, &abandoned, &e));
  say("unlock", fm_sync_post(mutex, 1, &e));
  say("publish", fm_state_publish(state, "x", 1, &e));
  say("mailslot receive", fm_mailslot_receive(slot, 0, &data, &length, &e));
  say("mailslot send", fm_mailslot_send(writer, "x", 1, 0, &e));
  say("accept", fm_pipe_accept(listener, 0, &c, &e));
  say("send", fm_conn_send(client, "x", 1, 0, &e));
  say("receive", fm_conn_receive(server, 0, &data, &length, &e));
}

static void close_all(void)
{
  fm_sync_close(same_mutex);
  fm_sync_close(mutex);
  fm_state_close(state);
  fm_mailslot_close(slot);
  fm_mailslot_close(writer);
  fm_conn_close(client);
  fm_conn_close(server);
  fm_listener_close(listener);
}

static void wait_for_end(void)
{
  printf("READY\n");
  fflush(stdout);
  while (getchar() != EOF) {}
}

int main(int argc, char **argv)
{
  const bool orphan = argc == 3 && strcmp(argv[2], "orphan") == 0;
  const int code = argc > 1 ? open_all(argv[1]) : FM_INVALID;
  if (code != FM_OK) return say("open", code), 1;
  const pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0 && !orphan) try_all();
  if (child > 0 && orphan) raise(SIGKILL);
  if (child > 0) waitpid(child, NULL, 0);
  if (child > 0 || orphan) wait_for_end();
  if (child > 0) try_all();
  close_all();
  printf("closed\n");
  return 0;
}
