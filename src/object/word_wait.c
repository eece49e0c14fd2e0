/* Waiting for a word of a view to change. Its writer may be any program: one that wakes by fm_view_wake is
** noticed at once, and one that does not know filemap within most_seconds and the time that the system takes
** to run a process. */
#include "../map/map.h"
#include "wait.h"

static const double spin_seconds = 30e-6, least_seconds = 100e-6, most_seconds = 4e-3;

/* The number of the section's event for all of its words (Windows). */
enum { WORDS_EVENT = 0x7FFFFFFF };

/* What a wait needs of the word: `half` is the 32 bits that processes sleep on. */
typedef struct watched {
  const fm_view *view;
  fm_word32 *half;
  fm_word64 *whole; /* NULL: the word has 32 bits */
  uint64_t seen, now;
} watched;

static int check_word(const fm_view *v, uint64_t offset, size_t size, fm_error *e)
{
  const int code = fm_view_check(v, false, offset, size, e);
  if (code != FM_OK) return code;
  if ((uintptr_t)(v->data + offset) % size == 0) return FM_OK;
  return fm_fail(e, FM_INVALID, "offset %llu is not aligned to %u bytes in memory",
                 (unsigned long long)offset, (unsigned)size);
}

/* FM_TIMEOUT as long as the word is as it was. */
static int look(watched *w, fm_error *e)
{
  w->now = w->whole ? atomic_load(w->whole) : atomic_load(w->half);
  if (fm_view_is_lost(w->view)) return fm_fail(e, FM_TRUNCATED, NULL);
  return w->now != w->seen ? FM_OK : FM_TIMEOUT;
}

static int spin(watched *w, double until, fm_error *e)
{
  int code = FM_TIMEOUT;
  while (code == FM_TIMEOUT && fm_now() < until) {
    for (int i = 0; i < 32 && code == FM_TIMEOUT; i++) {
      fm_sys_relax();
      code = look(w, e);
    }
  }
  return code;
}

/* A process that may not open the section's event (Windows) sleeps without one, until the slice's end. */
static fm_event open_event(const fm_view *v)
{
  fm_event event;
  const int code = fm_sys_event_open(&event, &fm_view_map(v)->section, WORDS_EVENT, NULL);
  return code == FM_OK ? event : (fm_event){0};
}

/* Sleeps in slices that grow. futex(2) would make a page of a "copy" view this process's own, which then no
** longer follows the section. So such a view sleeps on a word that nobody changes. */
static int sleep_until_changed(watched *w, double until, fm_error *e)
{
  fm_event event = open_event(w->view);
  fm_word32 unchanged = (uint32_t)w->seen;
  fm_word32 *word = w->view->mapping->is_private ? &unchanged : w->half;
  double slice = least_seconds;
  int code;
  for (;;) {
    fm_sys_prepare_sleep(&event);
    code = look(w, e);
    const double left = until - fm_now();
    if (code != FM_TIMEOUT || left <= 0) break;
    FM_TEST_HOOK("word_sleep");
    fm_sys_sleep(&event, word, (uint32_t)w->seen, left < slice ? left : slice);
    slice = slice * 2 < most_seconds ? slice * 2 : most_seconds;
  }
  fm_sys_event_close(&event);
  return code;
}

static int wait_for_change(watched *w, double timeout, fm_error *e)
{
  int code = fm_check_timeout(timeout, e);
  if (code == FM_OK) code = look(w, e);
  if (code != FM_TIMEOUT) return code;
  const double now = fm_now(), until = now + timeout;
  if (timeout > 0 && fm_sys_is_parallel())
    code = spin(w, timeout < spin_seconds ? until : now + spin_seconds, e);
  if (timeout > 0 && code == FM_TIMEOUT) code = sleep_until_changed(w, until, e);
  return code == FM_TIMEOUT ? fm_fail(e, FM_TIMEOUT, NULL) : code;
}

int fm_view_wait_32(const fm_view *v, uint64_t offset, uint32_t seen, double timeout, uint32_t *now,
                    fm_error *e)
{
  int code = check_word(v, offset, sizeof seen, e);
  if (code != FM_OK) return code;
  watched w = {.view = v, .half = (fm_word32 *)(void *)(v->data + offset), .seen = seen};
  code = wait_for_change(&w, timeout, e);
  if (code == FM_OK) *now = (uint32_t)w.now;
  return code;
}

/* A futex has 32 bits: processes sleep on the half that changes more often. A change of the other half alone,
** by a process that does not wake, is noticed at the end of a slice. */
int fm_view_wait_64(const fm_view *v, uint64_t offset, uint64_t seen, double timeout, uint64_t *now,
                    fm_error *e)
{
  const union { uint32_t halves[2]; uint64_t whole; } one = {.whole = 1};
  const size_t low = one.halves[0] == 1 ? 0 : sizeof(uint32_t);
  int code = check_word(v, offset, sizeof seen, e);
  if (code != FM_OK) return code;
  watched w = {.view = v, .half = (fm_word32 *)(void *)(v->data + offset + low),
               .whole = (fm_word64 *)(void *)(v->data + offset), .seen = seen};
  code = wait_for_change(&w, timeout, e);
  if (code == FM_OK) *now = w.now;
  return code;
}

/* Wakes by a view that shares the memory: see sleep_until_changed. */
static int wake_from_copy(const fm_view *v, uint64_t offset, fm_error *e)
{
  fm_view shared;
  const uint64_t rest = v->size - offset, length = rest < sizeof(uint64_t) ? rest : sizeof(uint64_t);
  int code = fm_view_open(&shared, fm_view_map(v), v->offset + offset, length, FM_READ, e);
  if (code != FM_OK) return code;
  code = fm_view_wake(&shared, 0, e);
  fm_view_close(&shared);
  return code;
}

int fm_view_wake(const fm_view *v, uint64_t offset, fm_error *e)
{
  const union { uint32_t halves[2]; uint64_t whole; } one = {.whole = 1};
  int code = check_word(v, offset, sizeof(uint32_t), e);
  if (code != FM_OK) return code;
  if (v->mapping->is_private) return wake_from_copy(v, offset, e);
  fm_event event = open_event(v);
  atomic_thread_fence(memory_order_seq_cst);
  FM_TEST_HOOK("word_wake");
  fm_sys_wake(&event, (fm_word32 *)(void *)(v->data + offset));
  /* The processes that wait for a 64-bit word here may sleep on its other half. */
  const bool is_whole = (uintptr_t)(v->data + offset) % sizeof(uint64_t) == 0 &&
                        v->size - offset >= sizeof(uint64_t);
  if (one.halves[0] != 1 && is_whole)
    fm_sys_wake(&event, (fm_word32 *)(void *)(v->data + offset + sizeof(uint32_t)));
  fm_sys_event_close(&event);
  return FM_OK;
}
