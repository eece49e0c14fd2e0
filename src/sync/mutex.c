/* Mutexes in shared memory: a lock (lock.h) whose word names the seat of the process that holds it. Each
** object of a mutex has a seat of its own.
**
** A thread that holds a mutex can lock it again, also through another object of the same name in this
** process. Each object counts how often the thread has locked the mutex through it, and the lock's word names
** the seat of one of them. So each process has a list of its mutexes, which the process lock protects.
** Threads have numbers that are never used again; an object's `thread` is the number of the thread that holds
** the mutex through it. Only that thread stores and clears its number, so a thread that reads another number
** knows that it does not hold the mutex there, whatever other threads do at that moment. */
#include "../object/lock.h"
#include "shared.h"

typedef struct mutex {
  fm_shared shared;
  fm_lock lock;
  fm_identity identity; /* of the section, by which objects of the same mutex are found */
  _Atomic(uint64_t) thread; /* 0: no thread holds the mutex through this object */
  uint32_t held;        /* how often that thread has locked it through this object */
  uint64_t next_check;  /* of the holder's life, by fm_sys_ticks */
  struct mutex *next;   /* of this process's mutexes */
} mutex;

static mutex *to_mutex(fm_sync *s)
{
  return (mutex *)(void *)s;
}

static uint64_t this_thread(void)
{
  static _Atomic(uint64_t) last;
  static _Thread_local uint64_t number;
  if (number == 0) number = atomic_fetch_add(&last, 1) + 1;
  return number;
}

/* {-- The mutexes of this process --------------------------------------------------------------- */

static mutex *mutexes;

static void add_to_list(mutex *m)
{
  fm_sys_lock_process();
  m->next = mutexes;
  mutexes = m;
  fm_sys_unlock_process();
}

static void remove_from_list(mutex *m)
{
  fm_sys_lock_process();
  mutex **at = &mutexes;
  while (*at && *at != m) at = &(*at)->next;
  if (*at) *at = m->next;
  fm_sys_unlock_process();
}

/* Does this thread hold the mutex through this object? An object without a seat belongs to the parent of this
** process, which was forked. */
static bool is_held(const mutex *m)
{
  return atomic_load_explicit(&m->thread, memory_order_relaxed) == this_thread() &&
         m->shared.object.seat.number != 0;
}

/* An object by which this thread holds the mutex: `m` itself if it can be, or NULL. The process lock is held.
** */
static mutex *find_held(mutex *m)
{
  if (is_held(m)) return m;
  mutex *other = mutexes;
  while (other && (!fm_sys_is_same(&other->identity, &m->identity) || !is_held(other))) other = other->next;
  return other;
}

static void set_held(mutex *m, uint32_t times)
{
  m->held = times;
  atomic_store_explicit(&m->thread, times ? this_thread() : 0, memory_order_relaxed);
}

/* {-- Opening and closing ----------------------------------------------------------------------- */

static int attach(fm_object *o, fm_error *e)
{
  mutex *m = to_mutex(&fm_shared_of_object(o)->base);
  m->lock = (fm_lock){.owner = &fm_shared_words_of(&m->shared)->value,
                      .released = &o->points[FM_SHARED_CHANGED],
                      .section = fm_object_section(o)};
  const int code = fm_sys_identify(&m->identity, m->lock.section, e);
  return code == FM_OK ? fm_shared_attach(o, e) : code;
}

/* With a seat at first, and with another one in a forked child, which holds nothing of its parent's. */
static int enter(fm_object *o, fm_error *e)
{
  mutex *m = to_mutex(&fm_shared_of_object(o)->base);
  (void)e;
  set_held(m, 0);
  m->lock.seat = o->seat.number;
  fm_lock_mark_abandoned(m->lock.owner, o->seat.number);
  return FM_OK;
}

/* The mutex is unlocked as far as it was locked through this object. If the thread has locked it through
** another one too, the lock goes over to that one's seat. */
static void leave(fm_object *o)
{
  mutex *m = to_mutex(&fm_shared_of_object(o)->base);
  uint32_t mine = o->seat.number;
  const bool was_held = m->held > 0;
  set_held(m, 0);
  fm_sys_lock_process();
  const mutex *other = find_held(m);
  if (other) atomic_compare_exchange_strong(m->lock.owner, &mine, other->lock.seat);
  fm_sys_unlock_process();
  if (!other && was_held) fm_lock_release(&m->lock);
}

static const fm_role user = {
  .kind = FM_OBJECT_MUTEX, .version = 1, .creates = true, .opens = true, .seating = FM_FREE_SEAT, .seat = 1,
  .check = fm_shared_check, .attach = attach, .enter = enter, .leave = leave,
};

static int open_mutex(fm_sync *s, bool *created, const fm_name *name, const fm_sync_options *o, fm_error *e)
{
  mutex *m = to_mutex(s);
  const int code = fm_shared_open(&m->shared, &user, created, name, o, 0, e);
  if (code == FM_OK) add_to_list(m);
  return code;
}

static void close_mutex(fm_sync *s)
{
  remove_from_list(to_mutex(s));
  fm_shared_close(s);
}

/* {-- Locking ----------------------------------------------------------------------------------- */

/* Checks for lost memory before the lock: a lost word could name this process's seat for ever. */
static int check_use(mutex *m, fm_error *e)
{
  const int code = fm_prefer_truncated(&m->shared.object.view, FM_OK, e);
  return code == FM_OK ? fm_object_check_seat(&m->shared.object, e) : code;
}

static bool is_held_by_thread(mutex *m)
{
  fm_sys_lock_process();
  const bool held = find_held(m) != NULL;
  fm_sys_unlock_process();
  return held;
}

static int lock(fm_sync *s, double timeout, bool *abandoned, fm_error *e)
{
  mutex *m = to_mutex(s);
  int code = check_use(m, e);
  if (code == FM_OK && !is_held_by_thread(m))
    code = fm_prefer_truncated(&m->shared.object.view, fm_lock_acquire(&m->lock, timeout, abandoned, e), e);
  if (code == FM_OK) set_held(m, m->held + 1);
  return code;
}

/* While later sources are ready, no look is a thorough one. So each FM_SLICE this function checks by itself
** whether the holder lives. */
static int look(fm_source *source, bool thoroughly, fm_error *e)
{
  mutex *m = source->object;
  const uint64_t now = fm_sys_ticks();
  int code = FM_OK;
  thoroughly = thoroughly || now >= m->next_check;
  if (thoroughly) m->next_check = now + (uint64_t)(FM_SLICE * 1e3);
  if (!is_held_by_thread(m))
    code = fm_prefer_truncated(&m->shared.object.view,
                               fm_lock_try(&m->lock, thoroughly, &source->abandoned, e), e);
  if (code == FM_OK) set_held(m, m->held + 1);
  return code;
}

static int fill_source(fm_sync *s, fm_source *out, fm_error *e)
{
  mutex *m = to_mutex(s);
  *out = (fm_source){.object = m, .point = &m->shared.object.points[FM_SHARED_CHANGED], .look = look};
  return check_use(m, e);
}

/* Releases the lock when the last object by which this thread holds the mutex is unlocked. */
static int unlock(fm_sync *s, uint32_t count, fm_error *e)
{
  mutex *m = to_mutex(s);
  (void)count;
  fm_sys_lock_process();
  mutex *holder = find_held(m);
  if (holder) set_held(holder, holder->held - 1);
  const bool is_last = holder && !find_held(m);
  fm_sys_unlock_process();
  if (is_last) fm_lock_release(&m->lock);
  return fm_prefer_truncated(&m->shared.object.view,
                             holder ? FM_OK : fm_fail(e, FM_INVALID, "this thread does not hold it"), e);
}

const fm_sync_class fm_shared_mutex = {
  .size = sizeof(mutex), .open = open_mutex, .wait = lock, .post = unlock,
  .source = fill_source, .close = close_mutex,
};
