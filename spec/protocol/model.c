/* A model check of the protocols in shared memory: ring, newest value, wait points, locks, mailslots,
** pipes, and the store of dictionaries. The module's own code runs in coroutines, on the simulated system
** (spec/simulated/). They switch at each FM_TEST_HOOK and sleep as futexes do. The check tries every
** interleaving with up to the given number of preemptions, one after the other. Memory is sequentially
** consistent here; threads.c tests the memory order.
**
**   model SCENARIO [preemptions]
**
** It prints the number of interleavings, or the choices that led to a failure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "../../src/channel/ring.h"
#include "../../src/channel/latest.h"
#include "../../src/channel/store.h"
#include "../../src/object/lock.h"
#include "../../src/object/pollable.h"
#include "../simulated/simulated.h"

/* {-- Coroutines, and a futex ------------------------------------------------------------------- */

enum { THREADS = 3, MOST_THREADS = THREADS + 1 /* with one of the library */, DEEPEST = 4000 };

typedef struct thread {
  ucontext_t context;
  char stack[65536];
  void (*run)(void);
  const fm_word32 *asleep; /* the word on which it sleeps; NULL: awake */
  const fm_sleep_on *things; /* if it sleeps on several words; `asleep` is the first then */
  size_t count;
  bool done;
} thread;

static thread threads[MOST_THREADS];
static int thread_count, current;
static ucontext_t scheduler;
static void fail(const char *why);

/* Outside the coroutines, while a scenario is set up, nothing switches. */
static bool is_running;

void fm_test_hook(const char *name)
{
  (void)name;
  if (is_running) swapcontext(&threads[current].context, &scheduler);
}

/* Another thread may run before each system call too. */
static void run_others(void)
{
  fm_test_hook("system call");
}

static void sleep_on(fm_word32 *word, uint32_t seen, double seconds)
{
  (void)seconds;
  if (*word != seen) return;
  threads[current].asleep = word;
  while (threads[current].asleep) fm_test_hook("asleep");
}

/* As futex_waitv(2): it compares all the words before it sleeps. */
static void sleep_on_any(const fm_sleep_on *things, size_t count)
{
  thread *t = &threads[current];
  for (size_t i = 0; i < count; i++)
    if (*things[i].word != things[i].seen) return;
  t->things = things;
  t->count = count;
  t->asleep = things[0].word;
  while (t->asleep) fm_test_hook("asleep");
  t->things = NULL;
}

static void wake_sleepers(fm_word32 *word)
{
  for (int i = 0; i < thread_count; i++) {
    thread *t = &threads[i];
    bool is_on = t->asleep == word;
    for (size_t k = 0; t->asleep && t->things && k < t->count; k++)
      if (t->things[k].word == word) is_on = true;
    if (is_on) t->asleep = NULL;
  }
}

/* The process lock, and the threads that the library starts, by number. */
static fm_word32 process_lock, thread_ends[MOST_THREADS];

static void lock_process(bool yes)
{
  if (!is_running) return;
  if (yes) {
    while (process_lock != 0) sleep_on(&process_lock, 1, 0);
    process_lock = 1;
  } else {
    process_lock = 0;
    wake_sleepers(&process_lock);
  }
}

static void add_thread(void (*run)(void));
static struct { void (*run)(void *context); void *context; } library_threads[MOST_THREADS];

static void run_and_tell(void)
{
  library_threads[current].run(library_threads[current].context);
  thread_ends[current] = 1;
  wake_sleepers(&thread_ends[current]);
}

static int start_library_thread(void (*run)(void *context), void *context)
{
  const int number = thread_count;
  if (number == MOST_THREADS) fail("the library starts too many threads");
  library_threads[number].run = run;
  library_threads[number].context = context;
  thread_ends[number] = 0;
  add_thread(run_and_tell);
  return number;
}

static void join_library_thread(int number)
{
  while (thread_ends[number] == 0) sleep_on(&thread_ends[number], 0, 0);
}

/* {-- All interleavings ------------------------------------------------------------------------- */

static int path[DEEPEST], options[DEEPEST]; /* the choice at each step, and the number of choices */
static int depth, known;                    /* steps of this run; steps in which it repeats the path */
static int most_preemptions = 3, preemptions;
static bool lets_time_pass;                 /* whether threads may wait for the end of a slice */

static void fail(const char *why)
{
  printf("%s, after the choices", why);
  for (int i = 0; i < depth; i++) printf(" %d", path[i]);
  printf("\n");
  exit(1);
}

static bool is_runnable(int i)
{
  return !threads[i].done && !threads[i].asleep;
}

/* Chooses the thread that runs next: the current one first, and the others while preemptions are left.
** Returns -1 if no thread can run. */
static int choose(void)
{
  int candidates[MOST_THREADS], n = 0;
  if (is_runnable(current)) candidates[n++] = current;
  for (int i = 0; i < thread_count; i++)
    if (i != current && is_runnable(i) && (n == 0 || !is_runnable(current) || preemptions < most_preemptions))
      candidates[n++] = i;
  if (n == 0) return -1;
  if (depth == DEEPEST) fail("it does not end");
  if (depth >= known) path[depth] = 0;
  options[depth] = n;
  const int chosen = candidates[path[depth++]];
  if (chosen != current && is_runnable(current)) preemptions++;
  return chosen;
}

static void start_thread(void)
{
  threads[current].run();
  threads[current].done = true;
  swapcontext(&threads[current].context, &scheduler);
}

static void add_thread(void (*run)(void))
{
  thread *t = &threads[thread_count++];
  t->run = run;
  t->done = false;
  t->asleep = NULL;
  t->things = NULL;
  getcontext(&t->context);
  t->context.uc_stack.ss_sp = t->stack;
  t->context.uc_stack.ss_size = sizeof t->stack;
  t->context.uc_link = NULL;
  makecontext(&t->context, start_thread, 0);
}

/* Called when no thread can run. If some are not done, a wake-up was lost, unless they may wait for the
** end of a slice. In that case time passes and they wake. Returns false if all are done. */
static bool pass_time(void)
{
  bool left = false;
  for (int i = 0; i < thread_count; i++) left = left || !threads[i].done;
  if (!left) return false;
  if (!lets_time_pass) fail("all sleep");
  simulated_pass(FM_SLICE);
  for (int i = 0; i < thread_count; i++) threads[i].asleep = NULL;
  return true;
}

static void (*tear_down)(void); /* of the scenario, or NULL */

static void run_once(void (*set_up)(void))
{
  static const simulated_hooks hooks = {.act = run_others, .sleep = sleep_on,
                                        .sleep_any = sleep_on_any, .wake = wake_sleepers,
                                        .lock = lock_process, .start = start_library_thread,
                                        .join = join_library_thread};
  thread_count = depth = current = preemptions = 0;
  simulated_begin(&hooks, 0);
  set_up();
  is_running = true;
  do
    for (int next; (next = choose()) >= 0;) {
      current = next;
      swapcontext(&scheduler, &threads[next].context);
    }
  while (pass_time());
  is_running = false;
  if (tear_down) tear_down();
  tear_down = NULL;
}

/* Selects the next path: the last choice with another option takes that option. Returns false if there is
** none. */
static bool go_on(void)
{
  for (known = depth; known > 0; known--)
    if (path[known - 1] + 1 < options[known - 1]) {
      path[known - 1]++;
      return true;
    }
  return false;
}

/* {-- A ring, with both ends waiting for each other ---------------------------------------------- */

static const uint32_t lengths[] = {20, 0, 36, 5, 28};
enum { MESSAGES = sizeof lengths / sizeof *lengths, RING = 64 };

static fm_ring_words ring_words;
static unsigned char ring_bytes[RING];
static fm_word32 data_word, space_word;
static fm_wait_point data_signal = {.word = &data_word}, space_signal = {.word = &space_word};
static fm_ring in, out;

static int look_to_put(void *context, bool thoroughly, fm_error *e)
{
  (void)thoroughly;
  unsigned char message[RING];
  const int i = *(int *)context;
  memset(message, 'a' + i, sizeof message);
  const int code = fm_ring_put(&out, message, lengths[i], e);
  return code == FM_FULL ? FM_TIMEOUT : code;
}

static void write_all(void)
{
  for (int i = 0; i < MESSAGES; i++) {
    if (fm_await(&space_signal, FM_FOREVER, look_to_put, &i, NULL) != FM_OK) fail("a put failed");
    fm_wake(&data_signal);
  }
}

static int look_to_get(void *context, bool thoroughly, fm_error *e)
{
  (void)thoroughly;
  return fm_ring_next(&in, context, e);
}

static void read_all(void)
{
  for (int i = 0; i < MESSAGES; i++) {
    unsigned char message[RING];
    uint32_t length = 0;
    int code = look_to_get(&length, false, NULL);
    if (code == FM_TIMEOUT) {
      fm_ring_store_head(&in);
      fm_wake(&space_signal);
      code = fm_await(&data_signal, FM_FOREVER, look_to_get, &length, NULL);
    }
    if (code != FM_OK || length != lengths[i]) fail("another message came");
    if (fm_ring_get(&in, message, length, fm_is_awaited(&space_signal))) fm_wake(&space_signal);
    for (uint32_t k = 0; k < length; k++)
      if (message[k] != 'a' + i) fail("a message is not whole");
  }
}

static void set_up_ring(void)
{
  memset(&ring_words, 0, sizeof ring_words);
  memset(ring_bytes, 0xee, sizeof ring_bytes);
  data_word = space_word = 0;
  in = out = fm_ring_of(&ring_words, ring_bytes, RING, RING);
  add_thread(write_all);
  add_thread(read_all);
}

/* {-- Slots, with a reader that reads and waits during writes ----------------------------------- */

enum { VALUES = 7, VALUE = 24 };
static _Alignas(64) unsigned char slot_memory[1024];
static fm_latest slots = {.shared = (fm_latest_words *)(void *)slot_memory, .capacity = VALUE};

static uint32_t length_of(uint64_t version)
{
  return (uint32_t)(version * 5 % (VALUE + 1));
}

static void publish_all(void)
{
  for (uint64_t v = 1; v <= VALUES; v++) {
    unsigned char value[VALUE];
    memset(value, (int)v, sizeof value);
    fm_latest_publish(&slots, v, value, length_of(v));
    fm_wake(&data_signal);
  }
}

static uint64_t newest_read;

static int look_for_value(void *context, bool thoroughly, fm_error *e)
{
  (void)context, (void)thoroughly;
  unsigned char value[VALUE];
  uint32_t length;
  uint64_t version;
  if (fm_latest_newest(&slots) <= newest_read) return FM_TIMEOUT;
  const int code = fm_latest_read(&slots, value, &length, &version, e);
  if (code == FM_TIMEOUT) return FM_TIMEOUT;
  if (code != FM_OK) fail("a value is called corrupt");
  if (version <= newest_read || length != length_of(version)) fail("an older or another value");
  for (uint32_t i = 0; i < length; i++)
    if (value[i] != version) fail("a value is not whole");
  newest_read = version;
  return FM_OK;
}

static void read_values(void)
{
  while (newest_read < VALUES)
    if (fm_await(&data_signal, FM_FOREVER, look_for_value, NULL, NULL) != FM_OK) fail("a wait failed");
}

static void set_up_slots(void)
{
  memset(slot_memory, 0, sizeof slot_memory);
  data_word = 0;
  newest_read = 0;
  add_thread(publish_all);
  add_thread(read_values);
}

/* {-- Locks ------------------------------------------------------------------------------------- */

static fm_word32 owner, lock_word;
static fm_seat thread_seats[THREADS + 1]; /* number i + 1 is thread i's */
static int inside, takings;

static bool take_lock(fm_lock *l)
{
  bool abandoned = false;
  if (fm_lock_acquire(l, FM_FOREVER, &abandoned, NULL) != FM_OK) fail("a lock is not to be had");
  if (inside++ != 0) fail("two have the lock");
  fm_test_hook("inside");
  inside--;
  takings++;
  return abandoned;
}

static void lock_twice(void)
{
  fm_wait_point released = {.word = &lock_word};
  fm_lock l = {.owner = &owner, .released = &released, .seat = (uint32_t)current + 1};
  for (int i = 0; i < 2; i++) {
    if (take_lock(&l)) fail("nobody died");
    fm_lock_release(&l);
  }
}

static void set_up_locks(void)
{
  owner = lock_word = 0;
  inside = takings = 0;
  memset(thread_seats, 0, sizeof thread_seats);
  for (uint32_t i = 0; i < THREADS; i++)
    if (fm_seat_acquire(&thread_seats[i], NULL, i + 1, NULL) != FM_OK) fail("a seat is taken");
  for (int i = 0; i < THREADS; i++) add_thread(lock_twice);
}

static void lock_and_die(void)
{
  fm_wait_point released = {.word = &lock_word};
  fm_lock l = {.owner = &owner, .released = &released, .seat = (uint32_t)current + 1};
  take_lock(&l);
  simulated_kill(l.seat);
}

static void lock_after_dead(void)
{
  fm_wait_point released = {.word = &lock_word};
  fm_lock l = {.owner = &owner, .released = &released, .seat = (uint32_t)current + 1};
  const bool first = takings == 0;
  const bool abandoned = take_lock(&l);
  if (abandoned && first && takings == 1) fail("nobody had died");
  if (owner != l.seat) fail("the lock names another");
  fm_lock_release(&l);
}

static void set_up_death(void)
{
  set_up_locks();
  thread_count = 0;
  add_thread(lock_and_die);
  add_thread(lock_after_dead);
  add_thread(lock_after_dead);
  lets_time_pass = true;
}

/* A thread dies with the lock. A slice later a new thread acquires a free seat, which can be the dead
** thread's. */
static void die_and_come_again(void)
{
  static fm_word32 never_woken;
  fm_seat seat = {.number = 0};
  lock_and_die();
  sleep_on(&never_woken, 0, FM_SLICE);
  if (fm_seat_acquire_free(&seat, NULL, 1, NULL) != FM_OK) fail("no seat is free");
  fm_lock_mark_abandoned(&owner, seat.number);
  fm_wait_point released = {.word = &lock_word};
  fm_lock l = {.owner = &owner, .released = &released, .seat = seat.number};
  take_lock(&l);
  if (owner != l.seat) fail("the lock names another");
  fm_lock_release(&l);
  fm_seat_release(&seat);
}

static void set_up_heirs(void)
{
  set_up_death();
  thread_count = 0;
  add_thread(die_and_come_again);
  add_thread(lock_after_dead);
  add_thread(lock_after_dead);
}

/* {-- A mailslot that is opened while messages come and go --------------------------------------- */

enum { SLOT_MESSAGES = 2 };
static fm_mailslot *slot, *slot_writer;

static void send_message(fm_mailslot *m, char what)
{
  if (fm_mailslot_send(m, &what, 1, FM_FOREVER, NULL) != FM_OK) fail("a send failed");
}

static void send_to_slot(void)
{
  for (int i = 0; i < SLOT_MESSAGES; i++) send_message(slot_writer, (char)('a' + i));
}

static void receive_from_slot(void)
{
  const void *data;
  size_t length;
  char next = 'a';
  for (int i = 0; i < SLOT_MESSAGES + 1; i++) {
    if (fm_mailslot_receive(slot, FM_FOREVER, &data, &length, NULL) != FM_OK || length != 1)
      fail("a receive failed");
    if (*(const char *)data == 'z') continue;
    if (*(const char *)data != next++) fail("another message came");
  }
}

static void open_slot_and_send(void)
{
  fm_error e;
  fm_mailslot *m;
  if (fm_mailslot_open(&m, "slot", &e) != FM_OK) fail(e.detail);
  send_message(m, 'z');
  fm_mailslot_close(m);
}

static void close_slot(void)
{
  fm_mailslot_close(slot_writer);
  fm_mailslot_close(slot);
  if (simulated_count() != 0) fail("an object is left open");
}

static void set_up_mailslot(void)
{
  const fm_options o = fm_default_options();
  if (fm_mailslot_create(&slot, "slot", 16, 16, &o, NULL) != FM_OK ||
      fm_mailslot_open(&slot_writer, "slot", NULL))
    fail("a mailslot does not open");
  tear_down = close_slot;
  lets_time_pass = true; /* for a writer that waits for the lock */
  add_thread(send_to_slot);
  add_thread(receive_from_slot);
  add_thread(open_slot_and_send);
}

/* {-- Two processes that wait for the same two objects -------------------------------------------- */

static fm_sync *any_semaphore, *any_event;
static int acquired_in_all;

static void wait_for_either(void)
{
  const fm_waitable both[] = {{FM_WAIT_SYNC, any_semaphore}, {FM_WAIT_SYNC, any_event}};
  size_t index;
  bool abandoned;
  if (fm_wait_any(both, 2, FM_FOREVER, &index, &abandoned, NULL) != FM_OK || index > 1) fail("a wait failed");
  acquired_in_all += index == 0 ? 1 : 10;
}

static void make_both_ready(void)
{
  if (fm_sync_post(any_event, 1, NULL) != FM_OK || fm_sync_post(any_semaphore, 1, NULL) != FM_OK)
    fail("a post failed");
}

static void check_each_acquired_once(void)
{
  bool abandoned;
  if (acquired_in_all != 11) fail("one object was acquired twice");
  if (fm_sync_wait(any_semaphore, 0, &abandoned, NULL) != FM_TIMEOUT ||
      fm_sync_wait(any_event, 0, &abandoned, NULL) != FM_TIMEOUT)
    fail("an object is still ready");
  fm_sync_close(any_semaphore);
  fm_sync_close(any_event);
  if (simulated_count() != 0) fail("an object is left open");
}

static void set_up_any(void)
{
  fm_sync_options o = fm_default_sync_options();
  bool created;
  o.max = 2;
  o.initial = 0;
  if (fm_sync_open(&any_semaphore, &created, FM_SEMAPHORE, "semaphore", &o, NULL) != FM_OK ||
      fm_sync_open(&any_event, &created, FM_EVENT, "event", &o, NULL) != FM_OK)
    fail("a sync object does not open");
  acquired_in_all = 0;
  tear_down = check_each_acquired_once;
  lets_time_pass = false;
  add_thread(wait_for_either);
  add_thread(wait_for_either);
  add_thread(make_both_ready);
}

/* {-- A pipe whose listener changes while a client connects ---------------------------------------- */

static fm_listener *listener;
static bool was_accepted, was_closed;

/* A client that gets no connection tries again. It is told that a connection is closed, or is accepted. */
static void connect_client(void)
{
  const void *data;
  size_t length;
  fm_conn *c;
  fm_error e;
  int code;
  while ((code = fm_pipe_connect(&c, "pipe", 0, &e)) == FM_NOT_FOUND) sleep_on(&data_word, 0, FM_SLICE);
  if (code != FM_OK) fail(e.detail);
  code = fm_conn_receive(c, FM_FOREVER, &data, &length, &e);
  if (code == FM_CLOSED) was_closed = true;
  else if (code != FM_OK || length != 3) fail("a receive failed");
  else was_accepted = true;
  fm_conn_close(c);
}

static void open_listener(void)
{
  const fm_options o = fm_default_options();
  fm_error e;
  if (fm_pipe_listen(&listener, "pipe", 16, false, &o, &e) != FM_OK) fail(e.detail);
}

static void change_listeners(void)
{
  fm_listener_close(listener);
  open_listener();
  fm_conn *c;
  const int code = fm_pipe_accept(listener, 3 * FM_SLICE, &c, NULL);
  if (code == FM_TIMEOUT) return;
  if (code != FM_OK) fail("accept failed");
  if (fm_conn_send(c, "hey", 3, 0, NULL) != FM_OK) fail("the accepted connection is closed at once");
  fm_conn_close(c);
}

static void close_pipe(void)
{
  if (was_accepted == was_closed) fail("the client was neither accepted nor refused");
  fm_listener_close(listener);
  if (simulated_count() != 0) fail("an object is left open");
}

/* Another connection keeps the pipe's section alive while no process listens. */
static fm_conn *keeper;

static void close_pipe_and_keeper(void)
{
  fm_conn_close(keeper);
  close_pipe();
}

static void set_up_pipe(void)
{
  was_accepted = was_closed = false;
  data_word = 0;
  open_listener();
  if (fm_pipe_connect(&keeper, "pipe", 0, NULL) != FM_OK) fail("no connection");
  tear_down = close_pipe_and_keeper;
  lets_time_pass = true;
  add_thread(change_listeners);
  add_thread(connect_client);
}

/* {-- A store that is read while a writer sets and deletes --------------------------------------- */

/* The keys have one bucket, so that they are in one list. So few blocks are free that the writer uses blocks
** again at once. It notes the current value of each key after each change. A reader's result must have been
** current at some moment of its call. */

enum { KEYS = 2, FEW_BLOCKS = 6, MANY_BLOCKS = 70 /* whose bits have two levels */ };
enum { CHANGES = 40, LONG_VALUE = 150, ABSENT = 0 };

static _Alignas(64) unsigned char store_memory[16384];
static fm_store store;
static char key_names[KEYS];
static int current_values[CHANGES][KEYS]; /* the letter of each key's value, after each change */
static int changes, started;              /* the changes that are made; and that may be visible already */
static bool writer_is_done;

static fm_store_key store_key(int i)
{
  return fm_store_key_of(&store, &key_names[i], 1);
}

static void name_keys(void)
{
  key_names[0] = key_names[1] = 'k';
  do
    if (++key_names[1] == 'k') fail("no other key has the same bucket");
  while (store_key(1).bucket != store_key(0).bucket);
}

/* Sets a key to a value of that letter, or deletes it. Values of odd letters take two blocks. */
static void change_key(int key, int letter)
{
  unsigned char bytes[LONG_VALUE];
  const fm_store_key k = store_key(key);
  fm_store_value v = {.bytes = bytes, .length = letter & 1 ? LONG_VALUE : 20};
  uint64_t version;
  memset(bytes, letter, sizeof bytes);
  memcpy(current_values[changes + 1], current_values[changes], sizeof *current_values);
  current_values[changes + 1][key] = letter;
  started = changes + 1;
  const int code = letter == ABSENT ? fm_store_remove(&store, &k, NULL)
                                    : fm_store_set(&store, &k, &v, &version, NULL);
  if (code != FM_OK) fail("a change failed");
  changes++;
}

static void read_key_once(int key)
{
  unsigned char bytes[LONG_VALUE];
  const fm_store_key k = store_key(key);
  fm_store_value v = {.length = 0};
  const int before = changes;
  const int code = fm_store_read(&store, &k, bytes, sizeof bytes, &v, NULL);
  if (code != FM_OK && code != FM_NOT_FOUND) fail("a read failed");
  const int found = code == FM_OK ? bytes[0] : ABSENT;
  if (found != ABSENT && v.length != (found & 1 ? LONG_VALUE : 20)) fail("a value has another length");
  for (uint32_t i = 0; code == FM_OK && i < v.length; i++)
    if (bytes[i] != found) fail("a value is not whole");
  for (int i = before; i <= started; i++)
    if (current_values[i][key] == found) return;
  fail("a value was not current during the call");
}

/* A list of all keys: each key that stays must be in it once. */
static void read_list_once(int stays)
{
  unsigned char buffer[1024];
  size_t length;
  int seen = 0;
  const uint32_t bucket = store_key(0).bucket;
  if (fm_store_next_bucket(&store, bucket) != bucket) fail("a bucket with a key is skipped");
  const int code = fm_store_read_bucket(&store, bucket, buffer, sizeof buffer, &length, NULL);
  if (code != FM_OK) fail("a list is not read");
  for (size_t at = 0; at < length;) {
    fm_store_record r;
    memcpy(&r, buffer + at, sizeof r);
    if ((char)buffer[at + sizeof r] == key_names[stays]) seen++;
    at += r.size;
  }
  if (seen != 1) fail("a key that stays is not seen once");
}

static void set_and_delete(void)
{
  change_key(0, 'b');
  change_key(1, 'f'); /* in a block that the first key had */
  change_key(0, 'e');
  change_key(0, ABSENT);
  change_key(0, 'h');
}

static void read_keys(void)
{
  read_key_once(0);
  read_key_once(1);
}

static void clear_keys(void)
{
  memset(current_values[changes + 1], ABSENT, sizeof *current_values);
  started = changes + 1;
  if (fm_store_clear(&store, NULL) != FM_OK) fail("the store is not cleared");
  changes++;
}

/* The writer uses the blocks of cleared keys again. */
static void clear_and_set(void)
{
  clear_keys();
  change_key(0, 'b');
  if (fm_store_remove_cleared(&store, NULL) != FM_OK) fail("no key was cleared");
  if (fm_store_remove_cleared(&store, NULL) != FM_NOT_FOUND) fail("too many keys were cleared");
  change_key(1, 'e');
  clear_keys();
}

static void read_first_key(void)
{
  read_key_once(0);
}

static void replace_keys(void)
{
  change_key(0, 'b');
  change_key(1, 'f');
  change_key(0, ABSENT);
  change_key(0, 'b');
}

static void read_list(void)
{
  read_list_once(1);
  read_list_once(1);
}

/* Sets another key, whose name has one byte, to a value that takes so many blocks. */
static void fill(const char *name, uint64_t blocks)
{
  static const unsigned char bytes[MANY_BLOCKS * FM_STORE_BLOCK];
  const fm_store_key k = fm_store_key_of(&store, name, 1);
  fm_store_value v = {.bytes = bytes};
  uint64_t version;
  while (fm_store_blocks(k.length, v.length + 1) <= blocks) v.length++;
  if (fm_store_set(&store, &k, &v, &version, NULL) != FM_OK) fail("the blocks are not taken");
}

/* Leaves five blocks free, and then sets the keys. */
static void begin_store_of(uint32_t blocks)
{
  memset(store_memory, 0, sizeof store_memory);
  memset(current_values, 0, sizeof current_values);
  changes = started = 0;
  if (fm_store_size(blocks) > sizeof store_memory) fail("the store is too large");
  fm_store_open(&store, store_memory, blocks, 7);
  name_keys();
  if (blocks > FEW_BLOCKS) fill("1", blocks - FEW_BLOCKS);
  change_key(1, 'd');
  change_key(0, 'a');
}

static void begin_store(void)
{
  begin_store_of(FEW_BLOCKS);
}

static void set_up_dict(void)
{
  begin_store();
  add_thread(set_and_delete);
  add_thread(read_keys);
}

static void set_up_clear(void)
{
  begin_store();
  add_thread(clear_and_set);
  add_thread(read_keys);
}

static void set_up_list(void)
{
  begin_store();
  add_thread(replace_keys);
  add_thread(read_list);
}

static int dying; /* how many threads, from the first one on, die when another one takes over */

/* A writer dies at any step. Another one carries out its change, or it was not made. */
static void die_somewhere(void)
{
  set_and_delete();
  writer_is_done = true;
}

/* Writes to all free blocks. The keys must still have their values. */
static void check_free_blocks(void)
{
  if (fm_store_free_blocks(&store) > 0) fill("2", fm_store_free_blocks(&store));
  for (int i = 0; i < KEYS; i++) read_key_once(i);
}

static void take_over(void)
{
  const int before = changes;
  if (writer_is_done) return;
  for (int i = 0; i < current && i < dying; i++) threads[i].done = true; /* they run no more */
  if (fm_store_recover(&store, 1, NULL) != FM_OK) fail("the journal is damaged");
  if (started > before) {
    unsigned char bytes[LONG_VALUE];
    fm_store_value v;
    bool made = true, unmade = true;
    for (int i = 0; i < KEYS; i++) {
      const fm_store_key k = store_key(i);
      const int code = fm_store_read(&store, &k, bytes, sizeof bytes, &v, NULL);
      const int found = code == FM_OK ? bytes[0] : code == FM_NOT_FOUND ? ABSENT : -1;
      made = made && found == current_values[started][i];
      unmade = unmade && found == current_values[before][i];
    }
    if (!made && !unmade) fail("a key is neither old nor new");
    if (made) changes = started;
  }
  if (dying == 2) check_free_blocks();
  for (int i = 0; i < KEYS; i++)
    if (current_values[changes][i] != ABSENT) change_key(i, ABSENT);
  while (fm_store_remove_oldest(&store, NULL, NULL) == FM_OK) {}
  if (fm_store_free_blocks(&store) != store.block_count - 1) fail("memory is lost");
  fill("1", store.block_count - 1);
}

/* The first that takes over may die too. It frees one of the blocks that are loose, and takes others. */
static void take_over_and_die(void)
{
  if (writer_is_done) return;
  threads[0].done = true;
  if (fm_store_recover(&store, 1, NULL) != FM_OK) fail("the journal is damaged");
  if (fm_store_free_blocks(&store) > 1) fill("2", 2);
}

static void set_up_recovery(void)
{
  begin_store();
  writer_is_done = false;
  dying = 1;
  add_thread(die_somewhere);
  add_thread(take_over);
  add_thread(read_first_key);
}

static void die_late(void)
{
  set_and_delete();
  die_somewhere();
}

/* Two writers die in a store in which some changes set or clear the bit of the higher level. */
static void set_up_space(void)
{
  begin_store_of(MANY_BLOCKS);
  if (~store.space.levels[0][0] > 1) fail("the first word has a free block"); /* block 0 does not exist */
  writer_is_done = false;
  dying = 2;
  add_thread(die_late);
  add_thread(take_over_and_die);
  add_thread(take_over);
}

/* {-- The counts of a store whose keys expire ---------------------------------------------------- */

enum { NOW = 10 };

static fm_store_counts current_counts[CHANGES]; /* after each change */

static void begin_change(uint32_t count, uint32_t used)
{
  current_counts[changes + 1] = (fm_store_counts){.count = count, .used = used};
  started = changes + 1;
}

static void end_change(int code)
{
  if (code != FM_OK) fail("a change failed");
  changes++;
}

/* Sets a key to a value of two blocks that expires; afterwards the counts are these. */
static void set_expiring(int key, uint64_t expires, uint32_t count, uint32_t used)
{
  static const unsigned char bytes[LONG_VALUE];
  const fm_store_key k = store_key(key);
  const fm_store_value v = {.bytes = bytes, .length = LONG_VALUE, .expires = expires};
  uint64_t version;
  begin_change(count, used);
  end_change(fm_store_set(&store, &k, &v, &version, NULL));
}

static void set_and_expire(void)
{
  set_expiring(0, NOW - 1, 1, 1);
  begin_change(1, 1);
  end_change(fm_store_remove_expired(&store, NOW, NULL));
  set_expiring(0, NOW + 1, 2, 3);
  set_expiring(1, NOW, 1, 2);
  begin_change(0, 0);
  end_change(fm_store_clear(&store, NULL));
}

static void count_keys(void)
{
  fm_store_counts c;
  const int before = changes;
  if (fm_store_count(&store, NOW, &c, NULL) != FM_OK) fail("the keys are not counted");
  for (int i = before; i <= started; i++)
    if (current_counts[i].count == c.count && current_counts[i].used == c.used) return;
  fail("counts were not current during the call");
}

static void set_up_counts(void)
{
  begin_store();
  current_counts[changes] = (fm_store_counts){.count = 2, .used = 3};
  add_thread(set_and_expire);
  add_thread(count_keys);
}

/* {-- A handle of an event loop ------------------------------------------------------------------- */

/* Another process sends two messages. The loop receives only when the handle is set. */
static fm_mailslot *polled_slot, *polled_writer;

static void send_to_polled(void)
{
  for (int i = 0; i < 2; i++)
    if (fm_mailslot_send(polled_writer, "message", 7, FM_FOREVER, NULL) != FM_OK)
      fail("a message is not sent");
}

static void run_loop(void)
{
  const fm_waitable w = {.kind = FM_WAIT_MAILSLOT, .object = polled_slot};
  const void *data;
  size_t length;
  intptr_t handle;
  if (fm_pollable(&w, &handle, NULL) != FM_OK) fail("there is no handle");
  fm_word32 *is_set = simulated_handle(handle);
  for (int left = 2; left > 0; left--) {
    while (*is_set != 2) sleep_on(is_set, 1, 0);
    if (fm_mailslot_receive(polled_slot, 0, &data, &length, NULL) != FM_OK)
      fail("the handle is set for nothing");
    if (left == 1 && *is_set == 2) fail("the handle is still set");
  }
  fm_mailslot_close(polled_slot);
}

static void close_polled(void)
{
  fm_mailslot_close(polled_writer);
  if (simulated_count() != 0) fail("an object is left open");
}

static void set_up_polled(void)
{
  if (fm_mailslot_create(&polled_slot, "polled", 8, 64, NULL, NULL) != FM_OK ||
      fm_mailslot_open(&polled_writer, "polled", NULL) != FM_OK)
    fail("a mailslot does not open");
  tear_down = close_polled;
  lets_time_pass = false;
  add_thread(run_loop);
  add_thread(send_to_polled);
}

/* A loop's automatic event, which another process sets and acquires. The handle follows each time. */
static fm_sync *polled_event, *others_event;
static fm_word32 *events_handle;
static bool is_acquired;

static void await_handle(uint32_t value)
{
  while (*events_handle != value) sleep_on(events_handle, *events_handle, 0);
}

static void set_and_acquire(void)
{
  bool abandoned;
  if (fm_sync_post(others_event, 1, NULL) != FM_OK) fail("an event is not set");
  await_handle(2);
  if (fm_sync_wait(others_event, 0, &abandoned, NULL) != FM_OK) fail("an event is not acquired");
  await_handle(1);
  is_acquired = true;
  if (fm_sync_post(others_event, 1, NULL) != FM_OK) fail("an event is not set");
}

static void watch_event(void)
{
  const fm_waitable w = {.kind = FM_WAIT_SYNC, .object = polled_event};
  intptr_t handle;
  if (fm_pollable(&w, &handle, NULL) != FM_OK) fail("there is no handle");
  events_handle = simulated_handle(handle);
  add_thread(set_and_acquire);
  await_handle(2);
  while (!is_acquired) sleep_on(events_handle, *events_handle, 0);
  await_handle(2);
  fm_sync_close(polled_event);
}

static void close_event(void)
{
  fm_sync_close(others_event);
  if (simulated_count() != 0) fail("an object is left open");
}

static void set_up_event(void)
{
  bool created;
  if (fm_sync_open(&polled_event, &created, FM_EVENT, "event", NULL, NULL) != FM_OK ||
      fm_sync_open(&others_event, &created, FM_EVENT, "event", NULL, NULL) != FM_OK)
    fail("an event does not open");
  events_handle = NULL;
  is_acquired = false;
  tear_down = close_event;
  lets_time_pass = false;
  add_thread(watch_event);
}

/* Two threads of a process open a handle each, and close it. The last one to close stops the watcher. */
static fm_sync *closed_events[2];

static void open_and_close(fm_sync *event)
{
  const fm_waitable w = {.kind = FM_WAIT_SYNC, .object = event};
  intptr_t handle;
  if (fm_pollable(&w, &handle, NULL) != FM_OK) fail("there is no handle");
  fm_test_hook("opened"); /* the other thread may open and close meanwhile */
  fm_sync_close(event);
}

static void close_first(void) { open_and_close(closed_events[0]); }
static void close_second(void) { open_and_close(closed_events[1]); }

static void check_all_closed(void)
{
  if (simulated_count() != 0) fail("an object is left open");
}

static void set_up_closing(void)
{
  bool created;
  if (fm_sync_open(&closed_events[0], &created, FM_EVENT, "first", NULL, NULL) != FM_OK ||
      fm_sync_open(&closed_events[1], &created, FM_EVENT, "second", NULL, NULL) != FM_OK)
    fail("an event does not open");
  tear_down = check_all_closed;
  lets_time_pass = false;
  add_thread(close_first);
  add_thread(close_second);
}

/* {-- */

int main(int argc, char **argv)
{
  static const struct { const char *name; void (*set_up)(void); } scenarios[] = {
    {"ring", set_up_ring}, {"latest", set_up_slots}, {"locks", set_up_locks}, {"death", set_up_death},
    {"heirs", set_up_heirs}, {"mailslot", set_up_mailslot}, {"pipe", set_up_pipe}, {"dict", set_up_dict},
    {"clear", set_up_clear}, {"list", set_up_list}, {"recovery", set_up_recovery}, {"space", set_up_space},
    {"counts", set_up_counts}, {"any", set_up_any}, {"pollable", set_up_polled}, {"event", set_up_event},
    {"closing", set_up_closing},
  };
  long tried = 0;
  if (argc > 2) most_preemptions = atoi(argv[2]);
  for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof *scenarios; i++) {
    if (strcmp(argv[1], scenarios[i].name) != 0) continue;
    do {
      run_once(scenarios[i].set_up);
      /* Whoever waits for the result sees that it goes on. */
      if (++tried % 10000 == 0) {
        printf("%ld so far\n", tried);
        fflush(stdout);
      }
    } while (go_on());
    printf("%ld interleavings of %s hold\n", tried, argv[1]);
    return 0;
  }
  return 2;
}
