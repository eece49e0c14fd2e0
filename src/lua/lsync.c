/* filemap.sync: mutexes, semaphores and events as Lua sees them. */
#include "binding.h"

/*** Mutexes, semaphores and events, by name, between processes.

Each call makes the object or opens the one that is there. Names and lifetime are those of maps: an object is there as
long as somebody has it open, and what has a name of one kind cannot be opened as another (`invalid`). On Windows these
are the system's own objects, so that a script can wait for the event or take the mutex that another program publishes.
Waiting uses no processor time.

@module filemap.sync */

static int open_sync(lua_State *L, fmb_object *object, fm_sync_kind kind, const char *name, const fm_sync_options *o)
{
  bool created;
  fm_error e;
  fm_sync *s;
  if (fm_sync_open(&s, &created, kind, name, o, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = s;
  lua_pushboolean(L, created);
  return 2;
}

/* What all have in common: a name in argument 1 and options in the last one, `arg`. Pushes the object and whether it was
** made. */
static int push_sync(lua_State *L, const char *type, fm_sync_kind kind, int arg, unsigned more, fm_sync_options *s)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fmb_object *object = fmb_new_object(L, arg, type, sizeof *object);
  fmb_read_options(L, arg, &o, FMB_EXISTING | FMB_MODE | FMB_SDDL | more);
  s->mode = o.map.mode;
  s->sddl = o.map.sddl;
  s->existing = o.existing;
  s->manual = o.manual;
  s->set = o.set;
  return open_sync(L, object, kind, name, s);
}

/*** Makes or opens a mutex: one thread at a time has it.
@function mutex
@tparam string name
@tparam[opt] table options `existing` (false; true only opens), `mode` ("0600"), `sddl`
@treturn[1] mutex
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found` (with `existing`), `invalid` (the name, or what it stands for), `denied`,
  `corrupt`, `no_space`, `in_use`, `unsupported`, `system`
@treturn[2] ?integer native
@raise for an unknown option. Source: CreateMutexEx, OpenMutex */
static int sync_mutex(lua_State *L)
{
  fm_sync_options s = fm_default_sync_options();
  return push_sync(L, fmb_mutex, FM_MUTEX, 2, 0, &s);
}

static uint32_t check_number(lua_State *L, int arg, const char *what, lua_Integer least, lua_Integer most)
{
  const lua_Integer n = luaL_checkinteger(L, arg);
  if (n < least || n > most)
    luaL_argerror(L, arg, lua_pushfstring(L, "%s %I is not from %I to %I", what, (LUAI_UACINT)n, (LUAI_UACINT)least,
                                          (LUAI_UACINT)most));
  return (uint32_t)n;
}

/*** Makes or opens a semaphore: a count that who acquires takes one from, and waits while it is 0. What a process
that dies has acquired is not given back.
@function semaphore
@tparam string name
@tparam integer initial count of a new one, from 0 to `max`
@tparam integer max from 1 to 2^31-1
@tparam[opt] table options as for @{mutex}
@treturn[1] semaphore
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code as for @{mutex}
@treturn[2] ?integer native
@raise for counts out of range and an unknown option. Source: CreateSemaphoreEx, OpenSemaphore */
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
@tparam string name
@tparam[opt] table options of a new one `manual` (false: the first that waits goes on and resets it; true: all go on
  until it is reset), `set` (false); `existing`, `mode`, `sddl` as for @{mutex}
@treturn[1] event
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code as for @{mutex}
@treturn[2] ?integer native
@raise for an unknown option. Source: CreateEventEx, OpenEvent */
static int sync_event(lua_State *L)
{
  fm_sync_options s = fm_default_sync_options();
  return push_sync(L, fmb_event, FM_EVENT, 2, FMB_MANUAL | FMB_SET, &s);
}

/* {-- Methods ----------------------------------------------------------------------------------- */

/* true, or true and "abandoned". */
static int wait_for(lua_State *L, const char *type)
{
  fm_sync *s = fmb_check_object(L, type);
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
  const fm_sync *s = fmb_to_object(L, type)->pointer;
  lua_pushfstring(L, "%s (%s)", type, s ? fm_sync_name(s) : "closed");
  return 1;
}

/*** A mutex.
@type mutex */

/*** Locks it, waiting until it is free. A thread that has it gets it again.
@function lock
@tparam[opt] number timeout seconds; nil waits for ever, 0 tries once
@treturn[1] boolean true
@treturn[1] ?string `abandoned`, if the one who had it died: what it protects may be half done
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `truncated`, `system`
@raise for a negative time-out. Source: WaitForSingleObject */
static int mutex_lock(lua_State *L)
{
  return wait_for(L, fmb_mutex);
}

/*** Unlocks it, as often as it was locked.
@function unlock
@treturn boolean true
@raise if this thread does not hold it. Source: ReleaseMutex */
static int mutex_unlock(lua_State *L)
{
  fm_sync *s = fmb_check_object(L, fmb_mutex);
  fm_error e;
  const int code = fm_sync_post(s, 1, &e);
  if (code == FM_INVALID) return fmb_raise(L, "%s (%s): %s", fmb_mutex, fm_sync_name(s), e.detail);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Closes it; twice is fine. One that it holds is unlocked.
@function close
@treturn boolean true */
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

/*** Takes one from the count, waiting until there is one.
@function acquire
@tparam[opt] number timeout seconds; nil waits for ever, 0 tries once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `truncated`, `system`
@raise for a negative time-out. Source: WaitForSingleObject */
static int semaphore_acquire(lua_State *L)
{
  return wait_for(L, fmb_semaphore);
}

/*** Adds to the count.
@function release
@tparam[opt=1] integer n from 1 to 2^31-1
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `full` (past its max; nothing is added), `truncated`, `system`
@raise for another count. Source: ReleaseSemaphore */
static int semaphore_release(lua_State *L)
{
  fm_sync *s = fmb_check_object(L, fmb_semaphore);
  const uint32_t n = lua_isnoneornil(L, 2) ? 1 : check_number(L, 2, "count", 1, FM_COUNT_MAX);
  fm_error e;
  const int code = fm_sync_post(s, n, &e);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Closes it; twice is fine.
@function close
@treturn boolean true */
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

/*** Sets it: who waits goes on, all if it is manual, else one.
@function set
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (Windows: another program's, which it lets us only wait for), `truncated`, `system`
@raise when closed. Source: SetEvent */
static int event_set(lua_State *L)
{
  fm_sync *s = fmb_check_object(L, fmb_event);
  fm_error e;
  const int code = fm_sync_post(s, 1, &e);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Resets it: who waits from now on waits.
@function reset
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code as for @{event:set}
@raise when closed. Source: ResetEvent */
static int event_reset(lua_State *L)
{
  fm_sync *s = fmb_check_object(L, fmb_event);
  fm_error e;
  const int code = fm_sync_reset(s, &e);
  return fmb_finish(L, code, fm_sync_name(s), &e);
}

/*** Waits until it is set.
@function wait
@tparam[opt] number timeout seconds; nil waits for ever, 0 looks once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `truncated`, `system`
@raise for a negative time-out. Source: WaitForSingleObject */
static int event_wait(lua_State *L)
{
  return wait_for(L, fmb_event);
}

/*** Closes it; twice is fine.
@function close
@treturn boolean true */
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
    {"mutex", sync_mutex}, {"semaphore", sync_semaphore}, {"event", sync_event}, {NULL, NULL},
  };
  static const luaL_Reg mutex[] = {
    {"lock", mutex_lock}, {"unlock", mutex_unlock}, {"close", mutex_close}, {NULL, NULL},
  };
  static const luaL_Reg semaphore[] = {
    {"acquire", semaphore_acquire}, {"release", semaphore_release}, {"close", semaphore_close}, {NULL, NULL},
  };
  static const luaL_Reg event[] = {
    {"set", event_set}, {"reset", event_reset}, {"wait", event_wait}, {"close", event_close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_mutex, mutex, mutex_close, mutex_tostring);
  fmb_new_type(L, fmb_semaphore, semaphore, semaphore_close, semaphore_tostring);
  fmb_new_type(L, fmb_event, event, event_close, event_tostring);
  luaL_newlib(L, functions);
}
