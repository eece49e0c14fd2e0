/* A program in C that forks while it holds maps and views, and while another thread calls filemap.
**   forks sides NAME     both sides of a fork close, in each order and way; prints a line for each case
**   forks threads NAME   one thread creates, opens and closes the name, while another forks repeatedly
**   forks dead NAME UID  the same as user UID; the thread opens a stale section of another user
** It prints done at the end, or what went wrong. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/filemap.h"

enum { SIZE = 10000 };

static const char *name;
static fm_error e;

static void check(bool holds, const char *what)
{
  if (holds) return;
  printf("%s (%s)\n", what, fm_word(e.code));
  exit(1);
}

/* {-- Two sides --------------------------------------------------------------------------------- */

typedef enum way { CLOSE, CLOSE_MAP_FIRST, LEAVE, END, DIE, WAYS } way;

static const char *const words[] = {"view and map", "map and view", "_exit", "exit", "SIGKILL"};

static fm_map *map;
static fm_view view;

static void let_go(way how)
{
  if (how == CLOSE_MAP_FIRST) fm_map_close(map);
  if (how == CLOSE || how == CLOSE_MAP_FIRST) fm_view_close(&view);
  if (how == CLOSE) fm_map_close(map);
  if (how == LEAVE) _exit(0);
  if (how == END) exit(0);
  if (how == DIE) kill(getpid(), SIGKILL);
}

static int try_to_open(void)
{
  fm_map *m;
  fm_options o = fm_default_options();
  const int code = fm_open(&m, name, &o, &e);
  if (code == FM_OK) fm_map_close(m);
  return code;
}

static void wait_for(int fd)
{
  char c;
  while (read(fd, &c, 1) > 0) {}
}

/* Each event is the end of a pipe. GO lets the second side close its objects, and OVER lets both sides
** exit. FIRST and SECOND end when that side has closed its objects or its process has ended. */
enum { GO, OVER, FIRST, SECOND, PIPES };

static void side(int pipes[PIPES][2], bool is_first, way how)
{
  const int own = is_first ? FIRST : SECOND;
  for (int i = 0; i < PIPES; i++)
    if (i != own) close(pipes[i][1]);
  if (!is_first) wait_for(pipes[GO][0]);
  check(strcmp((const char *)view.data, "shared") == 0, "what is in the view");
  let_go(how);
  /* A side that has closed its objects stays alive, so that it is not its exit that removes the name. */
  close(pipes[own][1]);
  wait_for(pipes[OVER][0]);
  _exit(0);
}

static void two_sides(bool child_first, way how_first, way how_second)
{
  int pipes[PIPES][2];
  fm_options o = fm_default_options();
  for (int i = 0; i < PIPES; i++) check(pipe(pipes[i]) == 0, "pipe");
  const pid_t parent = fork();
  if (parent == 0) {
    check(fm_create(&map, name, SIZE, &o, &e) == FM_OK, "create");
    check(fm_view_open(&view, map, 0, SIZE, FM_RW, &e) == FM_OK, "view");
    strcpy((char *)view.data, "shared");
    const bool is_first = (fork() == 0) == child_first;
    side(pipes, is_first, is_first ? how_first : how_second);
  }
  close(pipes[FIRST][1]), close(pipes[SECOND][1]);
  wait_for(pipes[FIRST][0]);
  check(try_to_open() == FM_OK, "the first side took the name away");
  close(pipes[GO][1]);
  wait_for(pipes[SECOND][0]);
  check(try_to_open() == FM_NOT_FOUND, "the name is there after both sides let go");
  check(fm_create(&map, name, SIZE, &o, &e) == FM_OK, "create, after both sides let go");
  fm_map_close(map);
  close(pipes[OVER][1]);
  for (int i = 0; i < PIPES; i++) close(pipes[i][0]);
  waitpid(parent, NULL, 0);
  printf("%s first: %s, then %s\n", child_first ? "child" : "parent", words[how_first], words[how_second]);
  fflush(stdout);
}

static int sides(void)
{
  for (int first = 0; first < WAYS; first++)
    for (int second = 0; second < WAYS; second++)
      for (int child_first = 0; child_first < 2; child_first++)
        two_sides(child_first, (way)first, (way)second);
  return 0;
}

/* {-- Threads ----------------------------------------------------------------------------------- */

static atomic_int stop;

/* A child that was forked meanwhile holds what was open at the fork. So create may return FM_EXISTS, but
** no other failure is allowed. */
static void *make_and_close(void *unused)
{
  fm_options o = fm_default_options();
  (void)unused;
  while (!stop) {
    fm_map *m, *n;
    fm_view v;
    bool created;
    check(fm_create_or_open(&m, &created, name, SIZE, &o, &e) == FM_OK, "create_or_open");
    check(fm_open(&n, name, &o, &e) == FM_OK, "open");
    check(fm_view_open(&v, m, 0, SIZE, FM_RW, &e) == FM_OK, "view");
    fm_map_close(m);
    fm_map_close(n);
    fm_view_close(&v);
    const int code = fm_create(&m, name, SIZE, &o, &e);
    check(code == FM_OK || code == FM_EXISTS, "create");
    if (code == FM_OK) fm_map_close(m);
  }
  return NULL;
}

static void *open_dead(void *unused)
{
  (void)unused;
  while (!stop) check(try_to_open() == FM_NOT_FOUND, "a dead one of another user");
  return NULL;
}

static int threads(void *(*work)(void *))
{
  enum { FORKS = 400 };
  pthread_t thread;
  check(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
  for (int i = 0; i < FORKS; i++) {
    const pid_t child = fork();
    if (child == 0) {
      usleep(i % 10 == 0 ? 600000 : 1000); /* some live longer than any retry lasts */
      _exit(0);
    }
    check(child > 0, "fork");
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
    usleep(200);
  }
  stop = 1;
  pthread_join(thread, NULL);
  while (waitpid(-1, NULL, 0) > 0) {}
  check(try_to_open() == FM_NOT_FOUND, "the name is there when all have ended");
  return 0;
}

int main(int argc, char **argv)
{
  if (argc < 3) return 2;
  name = argv[2];
  if (argc == 4) {
    const uid_t user = (uid_t)atoi(argv[3]);
    check(setgroups(0, NULL) == 0 && setgid(user) == 0 && setuid(user) == 0, "setuid");
  }
  const int result = strcmp(argv[1], "sides") == 0 ? sides()
                                                   : threads(argc == 4 ? open_dead : make_and_close);
  if (result == 0) printf("done\n");
  return result;
}
