/* A host with two threads, each of which has two sets of objects, as two Lua states would. All sets use the
** same names. An object is used by one thread at a time; the library's own lists are used by all. The thread
** sanitizer finds data races in the library. Without it the program checks only the results.
**
**   thread_objects NAME [rounds] */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/map/map.h"

enum { THREADS = 2, SETS = 2, RENEWAL = 20 /* rounds after which a set is closed and opened again */ };

static const char *name;
static long rounds = 2000;
static atomic_int inside;

static void check(bool holds, const char *what, const fm_error *e)
{
  if (holds) return;
  printf("%s: %s\n", what, e ? e->detail : "");
  exit(1);
}

/* {-- Sets of objects ---------------------------------------------------------------------------- */

typedef struct set {
  fm_sync *mutex, *semaphore, *event;
  fm_state *reader;
  fm_mailslot *writer;
  fm_conn *client;
  intptr_t events_handle, readers_handle, clients_handle; /* of an event loop of the thread */
} set;

static const char *named(char *out, const char *what)
{
  snprintf(out, FM_NAME_SIZE, "%s-%s", name, what);
  return out;
}

static fm_sync *open_sync(fm_sync_kind kind, const char *what)
{
  char full[FM_NAME_SIZE];
  fm_sync_options o = fm_default_sync_options();
  fm_error e;
  fm_sync *s;
  bool created;
  o.max = THREADS * SETS;
  o.initial = THREADS * SETS;
  o.manual = true;
  check(fm_sync_open(&s, &created, kind, named(full, what), &o, &e) == FM_OK, what, &e);
  return s;
}

static intptr_t handle_of(fm_waitable_kind kind, void *object)
{
  fm_error e;
  intptr_t handle = -1;
  check(fm_pollable(&(fm_waitable){.kind = kind, .object = object}, &handle, &e) == FM_OK, "pollable", &e);
  return handle;
}

static bool is_ready(intptr_t handle)
{
  struct pollfd one = {(int)handle, POLLIN, 0};
  return poll(&one, 1, 0) == 1 && one.revents == POLLIN;
}

static void open_set(set *s)
{
  char full[FM_NAME_SIZE];
  fm_error e;
  s->mutex = open_sync(FM_MUTEX, "mutex");
  s->semaphore = open_sync(FM_SEMAPHORE, "semaphore");
  s->event = open_sync(FM_EVENT, "event");
  check(fm_state_open(&s->reader, named(full, "state"), &e) == FM_OK, "state", &e);
  check(fm_mailslot_open(&s->writer, named(full, "slot"), &e) == FM_OK, "mailslot", &e);
  check(fm_pipe_connect(&s->client, named(full, "pipe"), 0, &e) == FM_OK, "pipe", &e);
  s->events_handle = handle_of(FM_WAIT_SYNC, s->event);
  s->readers_handle = handle_of(FM_WAIT_STATE, s->reader);
  s->clients_handle = handle_of(FM_WAIT_CONN, s->client);
}

static void close_set(set *s)
{
  fm_sync_close(s->mutex);
  fm_sync_close(s->semaphore);
  fm_sync_close(s->event);
  fm_state_close(s->reader);
  fm_mailslot_close(s->writer);
  fm_conn_close(s->client);
}

/* {-- Threads ------------------------------------------------------------------------------------ */

static void lock(fm_sync *mutex)
{
  fm_error e;
  bool abandoned = false;
  check(fm_sync_wait(mutex, FM_FOREVER, &abandoned, &e) == FM_OK && !abandoned, "lock", &e);
}

/* A thread locks the mutex through one set, and again through the other. */
static void use_mutex(set *a, set *b)
{
  fm_error e;
  lock(a->mutex);
  check(atomic_fetch_add(&inside, 1) == 0, "two threads hold the mutex", NULL);
  lock(b->mutex);
  check(fm_sync_post(b->mutex, 1, &e) == FM_OK, "unlock", &e);
  atomic_fetch_sub(&inside, 1);
  check(fm_sync_post(a->mutex, 1, &e) == FM_OK, "unlock", &e);
}

static void use_others(set *s)
{
  fm_error e;
  bool abandoned;
  const void *data;
  size_t length;
  uint64_t version;
  check(fm_sync_wait(s->semaphore, FM_FOREVER, &abandoned, &e) == FM_OK, "acquire", &e);
  check(fm_sync_post(s->semaphore, 1, &e) == FM_OK, "release", &e);
  check(fm_sync_post(s->event, 1, &e) == FM_OK, "set", &e);
  check(is_ready(s->events_handle), "a handle of an event that is set is not", NULL);
  check(fm_state_read(s->reader, 1, &data, &length, &version, &e) == FM_OK && version == 1, "read", &e);
  check(!is_ready(s->readers_handle) && !is_ready(s->clients_handle), "a handle is set for nothing", NULL);
  const int code = fm_mailslot_send(s->writer, "m", 1, 0, &e);
  check(code == FM_OK || code == FM_FULL, "send", &e);
  check(fm_conn_send(s->client, "m", 1, 0, &e) == FM_OK, "send", &e);
}

static void *run(void *unused)
{
  set sets[SETS];
  for (long i = 0; i < rounds; i++) {
    if (i % RENEWAL == 0)
      for (int k = 0; k < SETS; k++) open_set(&sets[k]);
    use_mutex(&sets[i % SETS], &sets[(i + 1) % SETS]);
    for (int k = 0; k < SETS; k++) use_others(&sets[k]);
    if (i % RENEWAL == RENEWAL - 1 || i == rounds - 1)
      for (int k = 0; k < SETS; k++) close_set(&sets[k]);
  }
  return unused;
}

/* {-- Threads that end --------------------------------------------------------------------------- */

static fm_sync *mutexes[2];

static void *lock_first(void *unused)
{
  lock(mutexes[0]);
  return unused;
}

/* A new thread has another number than one that has ended, although its memory may be at the same address. */
static void *try_both(void *unused)
{
  bool abandoned;
  for (int i = 0; i < 2; i++)
    check(fm_sync_wait(mutexes[i], 0, &abandoned, NULL) == FM_TIMEOUT, "a new thread holds a mutex", NULL);
  return unused;
}

static void run_thread(void *(*body)(void *))
{
  pthread_t thread;
  check(pthread_create(&thread, NULL, body, NULL) == 0, "no thread", NULL);
  pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
  pthread_t threads[THREADS];
  const fm_options o = fm_default_options();
  char full[FM_NAME_SIZE];
  fm_state *state;
  fm_mailslot *slot;
  fm_listener *listener;
  fm_error e;
  if (argc < 2) return 2;
  name = argv[1];
  if (argc > 2) rounds = atol(argv[2]);
  check(fm_state_create(&state, named(full, "state"), 8, &o, &e) == FM_OK, "state", &e);
  check(fm_state_publish(state, "value", 5, &e) == FM_OK, "publish", &e);
  check(fm_mailslot_create(&slot, named(full, "slot"), 0, 0, &o, &e) == FM_OK, "mailslot", &e);
  check(fm_pipe_listen(&listener, named(full, "pipe"), 0, false, &o, &e) == FM_OK, "pipe", &e);
  for (int i = 0; i < THREADS; i++)
    check(pthread_create(&threads[i], NULL, run, NULL) == 0, "no thread", NULL);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 2; i++) mutexes[i] = open_sync(FM_MUTEX, "mutex");
  run_thread(lock_first);
  run_thread(try_both);
  for (int i = 0; i < 2; i++) fm_sync_close(mutexes[i]);
  fm_state_close(state);
  fm_mailslot_close(slot);
  fm_listener_close(listener);
  check(fm_live() == 0, "an object is left open", NULL);
  printf("%ld rounds hold\n", rounds);
  return 0;
}
