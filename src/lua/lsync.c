/* filemap.sync in Lua: mutexes, semaphores and events. */
#include "binding.h"

/*** Mutexes, semaphores and events, by name, between processes.

Each call makes the object or opens the existing one. Names and lifetime are those of maps: an object exists
as long as a process has it open, and a name that stands for one kind of object cannot be opened as another
(`invalid`). On Windows these are the system's own objects, so that a script can wait for the event or lock
the mutex of another program. Waiting uses no processor time.

@module filemap.sync */

static int open_sync(lua_State *L, fmb_object *object, fm_sync_kind kind, const char *name,
                     const fm_sync_options *o)
{
  bool created;
  fm_error e;
  fm_sync *s;
  if (fm_sync_open(&s, &created, kind, name, o, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = s;
  lua_pushboolean(L, created);
  return 2;
}

/* Opens an object whose name is argument 1 and whose options are the last argument, `arg`. Pushes the object
** and whether it was created. */
static int push_sync(lua_State *L, const char *type, fm_sync_kind kind, int arg, unsigned more,
                     fm_sync_options *s)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fmb_object *object = fmb_new_object(L, arg, type, sizeof *object, 0);
  fmb_read_options(L, arg, &o, FMB_EXISTING | FMB_MODE | FMB_SDDL | more);
  s->mode = o.map.mode;
  s->sddl = o.map.sddl;
  s->existing = o.existing;
  s->manual = o.manual;
  s->set = o.set;
  return open_sync(L, object, kind, name, s);
}

/*** Makes or opens a mutex, which one thread at a time can hold.
@function mutex
@tparam string name as for maps
@tparam[opt] table options `existing` (default false; true: only open), `mode` ("0600"), `sddl`
@treturn[1] mutex
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found` (with `existing`), `invalid` (the name, or it stands for another kind of
  object), `denied`, `corrupt`, `no_space`, `no_memory`, `in_use`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an unknown option or option value. Source: CreateMutexEx, OpenMutex
@usage
local mutex <close>, created = assert(sync.mutex("Settings-lock"))
print(created, mutex:lock(1)) --> true true
mutex:unlock() */
static int sync_mutex(lua_State *L)
{
  fm_sync_options s = fm_default_sync_options();
  return push_sync(L, fmb_mutex, FM_MUTEX, 2, 0, &s);
}

/*** Removes the verbatim name (`/...`) of a semaphore. Processes that have it open keep it.
@function unlink
@tparam string name
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `denied`, `invalid` (another kind of name), `unsupported` (on Windows)
@treturn[2] ?integer native errno or GetLastError number
@raise for an argument that is not a string. Source: sem_unlink(3)
@usage
local semaphore <close> = assert(sync.semaphore("/printers", 2, 2))
sync.unlink("/printers") -- no other process can open it any more */
static int sync_unlink(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  fm_error e;
  if (!name) return 4;
  return fmb_finish(L, fm_sync_unlink(name, &e), name, &e);
}

static uint32_t check_number(lua_State *L, int arg, const char *what, lua_Integer least, lua_Integer most)
{
  const lua_Integer n = luaL_checkinteger(L, arg);
  if (n < least || n > most)
    luaL_argerror(L, arg, lua_pushfstring(L, "%s must be from %I to %I, got %I", what, (LUAI_UACINT)least,
                                          (LUAI_UACINT)most, (LUAI_UACINT)n));
  return (uint32_t)n;
}

/*** Makes or opens a semaphore, a count that `acquire` decreases and `release` increases. `acquire` waits
while the count is 0. When a process dies, what it acquired is not released. On POSIX a verbatim name (`/...`)
stands for a semaphore of sem_open(3), which C and Python programs use too. Such a name stays until @{unlink},
and each opener checks its own `max` alone.
@function semaphore
@tparam string name as for maps
@tparam integer initial the count of a new semaphore, from 0 to `max`
@tparam integer max from 1 to 2^31-1
@tparam[opt] table options as for @{mutex}
@treturn[1] semaphore
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code as for @{mutex}
@treturn[2] ?integer native errno or GetLastError number
@raise for a count out of range, and an unknown option or option value. Source: CreateSemaphoreEx,
  OpenSemaphore
@usage
local printers <close> = assert(sync.semaphore("Printers", 2, 2))
print(printers:acquire(), printers:acquire(), (printers:acquire(0))) --> true true nil */
static int sync_semaphore(lua_State *L)
{
  fm_sync_options s = fm_default_sync_options();
  luaL_checkstring(L, 1);
  s.max = check_number(L, 3, "max", 1, FM_COUNT_MAX);
  s.initial = check_number(L, 2, "initial count", 0, (lua_Integer)s.max);
  return push_sync(L, fmb_semaphore, FM_SEMAPHORE, 4, 0, &s);
}

/*** Makes or opens an event, which is set or not.
@function event
@tparam string name as for maps
@tparam[opt] table options of a new event `manual` (default false: `set` releases one waiting process and the
  event is then reset; true: it releases all, and the event stays set until `reset`), `set` (default false;
  true: it is set from the start); `existing`, `mode`, `sddl` as for @{mutex}
@treturn[1] event
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code as for @{mutex}
@treturn[2] ?integer native errno or GetLastError number
@raise for an unknown option or option value. Source: CreateEventEx, OpenEvent
@usage
local event <close> = assert(sync.event("Frame-ready", { manual = true }))
print((event:wait(0))) --> nil
event:set()
print(event:wait(0)) --> true */
static int sync_event(lua_State *L)
{
  fm_sync_options s = fm_default_sync_options();
  return push_sync(L, fmb_event, FM_EVENT, 2, FMB_MANUAL | FMB_SET, &s);
}

/* {-- Several objects --------------------------------------------------------------------------- */

/* The name of an object. */
static const char *waitable_name(const fm_waitable *w)
{
  switch (w->kind) {
  case FM_WAIT_LISTENER: return fm_listener_name(w->object);
  case FM_WAIT_CONN: return fm_conn_name(w->object);
  case FM_WAIT_MAILSLOT: return fm_mailslot_name(w->object);
  case FM_WAIT_STATE: return fm_state_name(w->object);
  default: return fm_sync_name(w->object);
  }
}

/* The object in element `i` of the table, argument 1. */
static fm_waitable check_waitable(lua_State *L, lua_Integer i)
{
  static const struct { const char *type; fm_waitable_kind kind; } kinds[] = {
    {fmb_mutex, FM_WAIT_SYNC}, {fmb_semaphore, FM_WAIT_SYNC}, {fmb_event, FM_WAIT_SYNC},
    {fmb_listener, FM_WAIT_LISTENER}, {fmb_conn, FM_WAIT_CONN}, {fmb_mailslot, FM_WAIT_MAILSLOT},
    {fmb_state, FM_WAIT_STATE},
  };
  lua_rawgeti(L, 1, i);
  const fmb_object *o = lua_touserdata(L, -1);
  if (o && lua_rawlen(L, -1) < sizeof *o) o = NULL;
  for (size_t k = 0; o && k < sizeof kinds / sizeof *kinds; k++) {
    if (o->type != kinds[k].type) continue;
    if (!o->pointer)
      luaL_argerror(L, 1, lua_pushfstring(L, "%s at index %I is closed", kinds[k].type, (LUAI_UACINT)i));
    lua_pop(L, 1);
    return (fm_waitable){.kind = kinds[k].kind, .object = o->pointer};
  }
  luaL_argerror(L, 1, lua_pushfstring(L, "sync object or end of a channel expected at index %I, got %s",
                                      (LUAI_UACINT)i, fmb_push_type_name(L, -1)));
  return (fm_waitable){.object = NULL};
}

/* The message begins with the name and the index of the object that the call failed for, if it was one. */
static int fail_wait(lua_State *L, const fm_waitable *objects, size_t count, size_t index, const fm_error *e)
{
  if (e->code == FM_TIMEOUT || index >= count) return fmb_fail(L, "wait_any", e);
  const char *subject = lua_pushfstring(L, "%s: object %I of wait_any", waitable_name(&objects[index]),
                                        (LUAI_UACINT)index + 1);
  return fmb_fail(L, subject, e);
}

/*** Waits for the first of several objects that is ready. A sync object is acquired, and no other one is. The
end of a channel is ready when `receive(0)`, `accept(0)` or `read(0)` would not fail with `timeout`; the
reader of a state, when there is a newer value than the one that it read last. If several are ready, the call
returns the first in the table. An idle call uses less than 20 ms of processor time a second. With more than
128 objects on Linux (with any number before Linux 5.16), or more than 64 on Windows, it looks at the objects
every few milliseconds, which takes more: up to 0.5 ms a second for each object.
@function wait_any
@tparam {object,...} objects mutexes, semaphores, events, listeners, connections, readers of mailslots and of
  states: 1 to 65536 of them
@tparam[opt] number timeout seconds; nil waits forever, 0 looks once
@treturn[1] integer index in the table
@treturn[1] ?string `abandoned`, if the object is a mutex whose holder died
@treturn[2] nil
@treturn[2] string message, with the name and the index of the object that the call failed for
@treturn[2] string code: `timeout`, `denied` (an end that cannot receive, as the writer of a state; or in a
  forked child), `truncated`, `no_memory`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an empty table, another or a closed object, and a negative time-out. Source: futex_waitv(2),
  WaitForMultipleObjects
@usage
local quit <close> = assert(sync.event("Quit"))
local work <close> = assert(sync.semaphore("Work", 1, 10))
print(sync.wait_any({ quit, work }, 1)) --> 2 */
static int sync_wait_any(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  const double timeout = fmb_opt_timeout(L, 2, FM_FOREVER);
  const lua_Unsigned count = lua_rawlen(L, 1);
  if (count < 1 || count > FM_WAIT_MOST)
    luaL_argerror(L, 1, lua_pushfstring(L, "the number of objects must be between 1 and %d, got %I",
                                        FM_WAIT_MOST, (LUAI_UACINT)count));
  /* A finalizer may close objects while this allocates. */
  fm_waitable few[16], *objects = few;
  if (count > sizeof few / sizeof *few) objects = lua_newuserdatauv(L, (size_t)count * sizeof *objects, 0);
  for (lua_Unsigned i = 0; i < count; i++) objects[i] = check_waitable(L, (lua_Integer)i + 1);
  size_t index;
  bool abandoned = false;
  fm_error e;
  const int code = fm_wait_any(objects, (size_t)count, timeout, &index, &abandoned, &e);
  if (code != FM_OK) return fail_wait(L, objects, (size_t)count, index, &e);
  lua_pushinteger(L, (lua_Integer)index + 1);
  if (!abandoned) return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

/* {-- Methods ----------------------------------------------------------------------------------- */

/* Pushes true, or true and "abandoned". */
static int wait_for(lua_State *L, const char *type)
{
  fm_sync *s = fmb_check_open(L, 1, type);
  bool abandoned;
  fm_error e;
  if (fm_sync_wait(s, fmb_opt_timeout(L, 2, FM_FOREVER), &abandoned, &e) != FM_OK)
    return fmb_fail(L, fm_sync_name(s), &e);
  lua_pushboolean(L, 1);
  if (!abandoned) return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

static int close_sync(lua_State *L, const char *type)
{
  fm_sync_close(fmb_release(L, type));
  return 1;
}

static int push_text(lua_State *L, const char *type)
{
  const fm_sync *s = fmb_check_object(L, 1, type)->pointer;
  lua_pushfstring(L, "%s (%s)", type, s ? fm_sync_name(s) : "closed");
  return 1;
}

/*** A mutex.
@type mutex */

/*** Locks the mutex, and waits until it is free. The thread that holds it can lock it again.
@function lock
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] boolean true
@treturn[1] ?string `abandoned`, if the process that held the mutex died: what the mutex protects may be
  inconsistent
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative time-out, and if the mutex is closed. Source: WaitForSingleObject
@usage
local mutex <close> = assert(sync.mutex("Settings-lock"))
local locked, how = mutex:lock(0.5) -- how is "abandoned" if the holder died
print(locked, how) --> true nil */
static int mutex_lock(lua_State *L)
{
  return wait_for(L, fmb_mutex);
}

/*** Unlocks the mutex. It is free after as many calls as there were of `lock`.
@function unlock
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise if this thread does not hold the mutex, and if the mutex is closed. Source: ReleaseMutex
@usage
local mutex <close> = assert(sync.mutex("Settings-lock"))
assert(mutex:lock())
print(mutex:unlock()) --> true */
static int mutex_unlock(lua_State *L)
{
  fm_sync *s = fmb_check_open(L, 1, fmb_mutex);
  fm_error e;
  const int code = fm_sync_post(s, 1, &e);
  if (code == FM_INVALID) return fmb_raise(L, "%s (%s): %s", fmb_mutex, fm_sync_name(s), e.detail);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Closes the mutex, and unlocks it if this thread holds it. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local mutex <close> = assert(sync.mutex("Settings-lock")) -- closed at the end of the block */
static int mutex_close(lua_State *L)
{
  return close_sync(L, fmb_mutex);
}

static int mutex_tostring(lua_State *L)
{
  return push_text(L, fmb_mutex);
}

/*** A semaphore.
@type semaphore */

/*** Decreases the count by 1, and waits until it is above 0.
@function acquire
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative time-out, and if the semaphore is closed. Source: WaitForSingleObject
@usage
local printers <close> = assert(sync.semaphore("Printers", 1, 1))
print(printers:acquire(), (select(3, printers:acquire(0.01)))) --> true timeout */
static int semaphore_acquire(lua_State *L)
{
  return wait_for(L, fmb_semaphore);
}

/*** Increases the count.
@function release
@tparam[opt=1] integer n by how much, from 1 to 2^31-1
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `full` (the count would be more than `max`; nothing is added), `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a number out of range, and if the semaphore is closed. Source: ReleaseSemaphore
@usage
local printers <close> = assert(sync.semaphore("Printers", 0, 5))
print(printers:release(2), printers:acquire(0), printers:acquire(0)) --> true true true */
static int semaphore_release(lua_State *L)
{
  fm_sync *s = fmb_check_open(L, 1, fmb_semaphore);
  const uint32_t n = lua_isnoneornil(L, 2) ? 1 : check_number(L, 2, "count", 1, FM_COUNT_MAX);
  fm_error e;
  const int code = fm_sync_post(s, n, &e);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Closes the semaphore. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local printers <close> = assert(sync.semaphore("Printers", 1, 1)) -- closed at the end of the block */
static int semaphore_close(lua_State *L)
{
  return close_sync(L, fmb_semaphore);
}

static int semaphore_tostring(lua_State *L)
{
  return push_text(L, fmb_semaphore);
}

/*** An event.
@type event */

/*** Sets the event. A manual event releases all waiting processes, another one releases one.
@function set
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (on Windows: the event of another program, which allows only waiting),
  `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise if the event is closed. Source: SetEvent
@usage
local event <close> = assert(sync.event("Frame-ready"))
print(event:set(), event:wait(0), (event:wait(0))) --> true true nil */
static int event_set(lua_State *L)
{
  fm_sync *s = fmb_check_open(L, 1, fmb_event);
  fm_error e;
  const int code = fm_sync_post(s, 1, &e);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Resets the event: a process that calls `wait` afterwards waits.
@function reset
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code as for @{event:set}
@treturn[2] ?integer native errno or GetLastError number
@raise if the event is closed. Source: ResetEvent
@usage
local event <close> = assert(sync.event("Frame-ready", { manual = true, set = true }))
print(event:wait(0), event:reset(), (event:wait(0))) --> true true nil */
static int event_reset(lua_State *L)
{
  fm_sync *s = fmb_check_open(L, 1, fmb_event);
  fm_error e;
  const int code = fm_sync_reset(s, &e);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Waits until the event is set.
@function wait
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative time-out, and if the event is closed. Source: WaitForSingleObject
@usage
local event <close> = assert(sync.event("Frame-ready"))
print((select(3, event:wait(0.01)))) --> timeout */
static int event_wait(lua_State *L)
{
  return wait_for(L, fmb_event);
}

/*** Returns a handle by which an event loop waits for the event: a descriptor that poll(2) reports
readable, or on Windows the HANDLE of an event, while the event is set. On Windows it is the event's own
handle: a wait for an automatic event resets it. The object owns it: do not read or close it. A second call
returns the same handle. See doc/waiting.md.
@function pollable
@treturn[1] integer descriptor or HANDLE
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `no_memory`, `system` (as for want of descriptors)
@treturn[2] ?integer native errno or GetLastError number
@raise if the event is closed. Source: eventfd(2), CreateEvent
@usage
local event <close> = assert(sync.event("Frame-ready"))
print(math.type(event:pollable())) --> integer */
static int event_pollable(lua_State *L)
{
  const fm_sync *s = fmb_check_open(L, 1, fmb_event);
  return fmb_push_pollable(L, fmb_event, FM_WAIT_SYNC, fm_sync_name(s));
}

/*** Closes the event. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local event <close> = assert(sync.event("Frame-ready")) -- closed at the end of the block */
static int event_close(lua_State *L)
{
  return close_sync(L, fmb_event);
}

static int event_tostring(lua_State *L)
{
  return push_text(L, fmb_event);
}

void fmb_open_sync(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"mutex", sync_mutex}, {"semaphore", sync_semaphore}, {"event", sync_event},
    {"unlink", sync_unlink}, {"wait_any", sync_wait_any}, {NULL, NULL},
  };
  static const luaL_Reg mutex[] = {
    {"lock", mutex_lock}, {"unlock", mutex_unlock}, {"close", mutex_close}, {NULL, NULL},
  };
  static const luaL_Reg semaphore[] = {
    {"acquire", semaphore_acquire}, {"release", semaphore_release}, {"close", semaphore_close}, {NULL, NULL},
  };
  static const luaL_Reg event[] = {
    {"set", event_set}, {"reset", event_reset}, {"wait", event_wait},
    {"pollable", event_pollable}, {"close", event_close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_mutex, mutex, mutex_close, mutex_tostring, NULL);
  fmb_new_type(L, fmb_semaphore, semaphore, semaphore_close, semaphore_tostring, NULL);
  fmb_new_type(L, fmb_event, event, event_close, event_tostring, NULL);
  luaL_newlib(L, functions);
}
