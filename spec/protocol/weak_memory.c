/* The newest value (src/channel/latest.c) under C's memory model, as a weakly ordered processor shows it: a
** load can return an old value unless the orders of the accesses exclude that. A processor of the x86 family
** reorders no loads, so no program that runs on one can show this.
**
** The accesses of latest.c go to a simulated memory, which keeps every value that was stored in a word, with
** a view: for each word, the oldest value that may still be seen by a reader that synchronises with the
** store. The model is the one of Kang et al., "A promising semantics for relaxed-memory concurrency" (POPL
** 2017), without promises. The reader writes nothing, so the writer runs first, and the reader then tries
** every value that each of its loads may return.
**
** The program prints how many executions there are, and without how many of latest.c's orders one of them
** fails; or else what fails. (Two orders can be left out: those of the store and the load of a slot's version
** n, since the store and the load of `newest` come with an order too.) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/channel/latest.h"

enum { WORDS = 64, STORES = 32, LOADS = 32, LINES = 200, VALUES = 7, BYTES = 2 * sizeof(uintptr_t) };

/* By word: the number of the oldest store whose value may be seen. */
typedef struct knowledge {
  int oldest[WORDS];
} knowledge;

typedef struct stored {
  uint64_t value;
  knowledge view;
} stored;

static struct {
  const volatile void *address;
  int count; /* of stores; number 0 is the zero that the word begins with */
  stored stores[STORES];
} memory[WORDS];

static int word_count;

/* What a thread knows; what it will know after an acquire fence; and what it knew at its release fence. */
static struct {
  knowledge now, acquired, released;
} thread;

/* The line of latest.c whose order is left out, 0 for none; and the lines that ask for one. */
static int weakened;
static bool has_order[LINES];

/* Which of the possible values each load returns, and how many there are. */
static int chosen[LOADS], possible[LOADS], load_count;

static void join(knowledge *to, const knowledge *from)
{
  for (int i = 0; i < WORDS; i++)
    if (from->oldest[i] > to->oldest[i]) to->oldest[i] = from->oldest[i];
}

static int find(const volatile void *address)
{
  int i = 0;
  while (i < word_count && memory[i].address != address) i++;
  if (i == WORDS) abort();
  if (i < word_count) return i;
  memset(&memory[i], 0, sizeof memory[i]);
  memory[i].address = address;
  memory[i].count = 1;
  word_count++;
  return i;
}

static bool is_ordered(int line, memory_order order)
{
  if (order == memory_order_relaxed) return false;
  has_order[line] = true;
  return line != weakened;
}

static void store(const volatile void *address, uint64_t value, memory_order order, int line)
{
  const int at = find(address), number = memory[at].count++;
  if (number == STORES) abort();
  thread.now.oldest[at] = thread.acquired.oldest[at] = number;
  stored *s = &memory[at].stores[number];
  s->value = value;
  s->view = is_ordered(line, order) ? thread.now : thread.released;
  s->view.oldest[at] = number;
}

static uint64_t load(const volatile void *address, memory_order order, int line)
{
  const int at = find(address), oldest = thread.now.oldest[at];
  if (load_count == LOADS) abort();
  possible[load_count] = memory[at].count - oldest;
  const int number = oldest + chosen[load_count++];
  const stored *s = &memory[at].stores[number];
  thread.now.oldest[at] = number;
  if (thread.acquired.oldest[at] < number) thread.acquired.oldest[at] = number;
  join(&thread.acquired, &s->view);
  if (is_ordered(line, order)) join(&thread.now, &s->view);
  return s->value;
}

static void fence(memory_order order, int line)
{
  if (!is_ordered(line, order)) return;
  if (order == memory_order_acquire) thread.now = thread.acquired;
  else thread.released = thread.now;
}

#undef atomic_store_explicit
#undef atomic_load_explicit
#undef atomic_thread_fence
#define atomic_store_explicit(p, value, order) store(p, value, order, __LINE__)
#define atomic_load_explicit(p, order) ((__typeof__(*(p) + 0))load(p, order, __LINE__))
#define atomic_thread_fence(order) fence(order, __LINE__)
#include "../../src/channel/latest.c"

/* {-- Executions -------------------------------------------------------------------------------- */

static _Alignas(64) unsigned char bytes[1024];
static const fm_latest latest = {.shared = (fm_latest_words *)(void *)bytes, .capacity = BYTES};

/* Another writer takes over before value HEIR. It has seen what the first one stored, but it has no fence
** behind it. */
enum { HEIR = 5 };

static void write_values(void)
{
  word_count = 0;
  memset(&thread, 0, sizeof thread);
  for (uint64_t version = 1; version <= VALUES; version++) {
    unsigned char value[BYTES];
    if (version == HEIR) memset(&thread.released, 0, sizeof thread.released);
    memset(value, (int)version, sizeof value);
    fm_latest_publish(&latest, version, value, sizeof value);
  }
}

/* Reads once. Returns why the result is wrong, or NULL. */
static const char *read_once(void)
{
  unsigned char value[BYTES];
  uint32_t length = 0;
  uint64_t version = 0;
  memset(&thread, 0, sizeof thread);
  load_count = 0;
  const int code = fm_latest_read(&latest, value, &length, &version, NULL);
  if (code == FM_CORRUPT) return "the memory is called corrupt";
  if (code != FM_OK) return NULL;
  if (length != sizeof value) return "the length is another one";
  for (size_t i = 0; i < sizeof value; i++)
    if (value[i] != version) return "the value is not whole";
  return NULL;
}

/* Goes on to the next execution. Returns false after the last. */
static bool choose_next(void)
{
  while (load_count > 0 && chosen[load_count - 1] == possible[load_count - 1] - 1) chosen[--load_count] = 0;
  if (load_count == 0) return false;
  chosen[load_count - 1]++;
  return true;
}

static const char *run(long *count)
{
  const char *why = NULL;
  memset(chosen, 0, sizeof chosen);
  write_values();
  *count = 0;
  do {
    why = read_once();
    ++*count;
  } while (!why && choose_next());
  return why;
}

int main(void)
{
  long count, one;
  int orders = 0, needed = 0;
  const char *why = run(&count);
  if (why) {
    printf("%s in execution %ld\n", why, count);
    return 1;
  }
  for (weakened = 1; weakened < LINES; weakened++) {
    if (!has_order[weakened]) continue;
    orders++;
    if (run(&one)) needed++;
  }
  printf("%ld executions hold, and fail without %d of %d orders\n", count, needed, orders);
  return 0;
}
