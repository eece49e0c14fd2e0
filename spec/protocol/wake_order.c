/* The steps of waiting and waking (src/object/wait.h) on a processor that keeps a thread's stores in a buffer
** while the thread goes on to load, as those of the x86 family do. A process W writes what a process S waits
** for, and wakes. S announces its sleep, and looks once more. S does both at each point between the accesses
** of W in turn, with W's store still in its buffer or not, and with membarrier(2) or without. A waking is
** lost if S does not see what W wrote, and W does not see that S is about to sleep.
**
** The program prints how many executions there are, and how many of them lose a waking without the fences. If
** one loses a waking with the fences, it prints that instead. */
#include <stdio.h>

#include "../../src/map/map.h"

bool fm_sys_fences_all;

/* The word of the wait point, what S waits for, and W's buffer. S acts before W's access number `when`, after
** W's buffer was emptied if `drains` is true. */
static fm_word32 point_word;
static int data, accesses, when;
static bool is_buffered, drains, has_fences, has_acted, is_sleeper, found, is_woken;

static void drain(void)
{
  if (is_buffered) data = 1;
  is_buffered = false;
}

static void act_as_sleeper(void);

static void before_access(void)
{
  if (is_sleeper || accesses++ != when) return;
  if (drains) drain();
  is_sleeper = has_acted = true;
  act_as_sleeper();
  is_sleeper = false;
}

/* S stores only in an atomic step, which does not stay in a buffer. */
static void fence(memory_order order)
{
  before_access();
  if (order == memory_order_seq_cst && has_fences && !is_sleeper) drain();
}

static uint32_t load(fm_word32 *from)
{
  before_access();
  return *from;
}

static bool exchange(fm_word32 *at, uint32_t *expected, uint32_t desired)
{
  before_access();
  if (!is_sleeper) drain();
  return atomic_compare_exchange_strong(at, expected, desired);
}

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_compare_exchange_weak
#undef atomic_thread_fence
#define atomic_load(p) load(p)
#define atomic_load_explicit(p, order) load(p)
#define atomic_compare_exchange_weak(p, expected, desired) exchange(p, expected, desired)
#define atomic_thread_fence(order) fence(order)
#include "../../src/object/wait.c"

static fm_wait_point point = {.word = &point_word};

/* {-- The system -------------------------------------------------------------------------------- */

void fm_sys_fence_all(void)
{
  if (has_fences) drain();
}

void fm_sys_wake(fm_event *event, fm_word32 *at)
{
  (void)event, (void)at;
  is_woken = has_acted;
}

void fm_sys_prepare_sleep(fm_event *event)
{
  (void)event;
}

int fm_sys_event_open(fm_event *out, const fm_section *s, unsigned index, fm_error *e)
{
  (void)s, (void)index, (void)e;
  *out = (fm_event){0};
  return FM_OK;
}

void fm_sys_event_close(fm_event *event)
{
  (void)event;
}

void fm_sys_sleep(fm_event *event, fm_word32 *at, uint32_t seen, double seconds)
{
  (void)event, (void)at, (void)seen, (void)seconds;
}

void fm_sys_pause(double seconds)
{
  (void)seconds;
}

void fm_sys_relax(void)
{
}

bool fm_sys_is_parallel(void)
{
  return false;
}

double fm_now(void)
{
  return 0;
}

/* {-- Executions -------------------------------------------------------------------------------- */

static void act_as_sleeper(void)
{
  announce(&point);
  found = data;
}

/* Returns whether the waking is lost. */
static bool is_lost(void)
{
  point_word = 0;
  data = accesses = 0;
  is_buffered = has_acted = found = is_woken = false;
  before_access();
  is_buffered = true;
  fm_wake(&point);
  while (!has_acted) before_access();
  return !found && !is_woken;
}

/* All executions: S acts at last when W has made all its accesses. */
static void run(int *count, int *lost)
{
  *count = *lost = 0;
  for (int way = 0; way < 4; way++) {
    fm_sys_fences_all = way & 1;
    drains = way & 2;
    when = -1;
    do {
      when++;
      *lost += is_lost();
      ++*count;
    } while (accesses > when + 1);
  }
}

int main(void)
{
  int count, lost, without;
  has_fences = false;
  run(&count, &without);
  has_fences = true;
  run(&count, &lost);
  if (lost > 0) printf("%d of %d executions lose a waking\n", lost, count);
  else printf("%d executions hold, and %d fail without the fences\n", count, without);
  return lost > 0;
}
