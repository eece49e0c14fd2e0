/* filemap.state as Lua sees it. */
#include "binding.h"

/*** The newest value: one writer publishes strings, any number of readers read the last one, whole.

The writer never waits. A writer that dies half-way neither blocks nor misleads a reader, and another can take over.

@module filemap.state */

static const char *read_arguments(lua_State *L, uint64_t *capacity, fmb_options *o, fmb_object **object)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return NULL;
  *capacity = fmb_check_count(L, 2, "capacity");
  *object = fmb_new_object(L, 3, fmb_state, sizeof **object);
  fmb_read_options(L, 3, o, FMB_MODE | FMB_SDDL);
  return name;
}

/*** Makes a new state.
@function create
@tparam string name as for maps
@tparam integer capacity the longest value, in bytes, from 1 to 2^30-1
@tparam[opt] table options `mode` ("0600"), `sddl`
@treturn[1] state the writer
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists` (the name is taken), `invalid`, `too_large`, `no_space`, `denied`, `unsupported`,
  `system`
@treturn[2] ?integer native
@raise for a negative capacity and an unknown option */
static int state_create(lua_State *L)
{
  fmb_options o = fmb_default_options();
  uint64_t capacity;
  fmb_object *object;
  const char *name = read_arguments(L, &capacity, &o, &object);
  if (!name) return 4;
  fm_error e;
  fm_state *s;
  if (fm_state_create(&s, name, capacity, &o.map, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = s;
  return 1;
}

/*** Makes a state, or takes over one whose writer has gone; its values and their numbers go on.
@function create_or_open
@tparam string name
@tparam integer capacity the longest value, in bytes
@tparam[opt] table options as for @{create}
@treturn[1] state the writer
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `in_use` while another writer lives, `too_small` (one that is there holds less),
  `corrupt` (what has the name is no state), else as @{create}
@treturn[2] ?integer native
@raise as @{create} */
static int state_create_or_open(lua_State *L)
{
  fmb_options o = fmb_default_options();
  uint64_t capacity;
  fmb_object *object;
  const char *name = read_arguments(L, &capacity, &o, &object);
  if (!name) return 4;
  bool created;
  fm_error e;
  fm_state *s;
  if (fm_state_create_or_open(&s, &created, name, capacity, &o.map, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = s;
  lua_pushboolean(L, created);
  return 2;
}

/*** Opens a state to read. Without permission to write, its @{state:wait} looks each few milliseconds.
@function open
@tparam string name
@treturn[1] state a reader
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `corrupt` (what has the name is no state), `denied`, `invalid`, `system`
@treturn[2] ?integer native
@raise for an argument of another type */
static int state_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fm_error e;
  fm_state *s;
  fmb_object *object = fmb_new_object(L, 1, fmb_state, sizeof *object);
  if (fm_state_open(&s, name, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = s;
  return 1;
}

/*** A state, to write or to read.
@type state */

/*** Makes a string the newest value. Never waits.
@function publish
@tparam string value
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `too_large`, `truncated`
@raise for a reader */
static int publish(lua_State *L)
{
  size_t length;
  const char *value;
  fm_state *s = fmb_check_bytes(L, fmb_state, 2, &value, &length);
  if (!fm_state_is_writer(s))
    return fmb_raise(L, "%s (%s) is a reader, which does not publish", fmb_state, fm_state_name(s));
  fm_error e;
  const int code = fm_state_publish(s, value, length, &e);
  return fmb_finish(L, code, fm_state_name(s), &e);
}

static int push_value(lua_State *L, const void *data, size_t length, uint64_t version)
{
  if (data) lua_pushlstring(L, data, length);
  else lua_pushnil(L);
  lua_pushinteger(L, (lua_Integer)version);
  return 2;
}

/*** The newest value.
@function read
@tparam[opt=1] number timeout seconds, for how long to try again while the writer is faster
@treturn[1] string value, one whole published one; nil before the first
@treturn[1] integer version its number, from 1; 0 before the first
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `corrupt`, `truncated`
@raise for a negative time-out */
static int read_value(lua_State *L)
{
  fm_state *s = fmb_check_object(L, fmb_state);
  const void *data;
  size_t length;
  uint64_t version;
  fm_error e;
  if (fm_state_read(s, fmb_opt_timeout(L, 2, 1), &data, &length, &version, &e) != FM_OK)
    return fmb_fail(L, fm_state_name(s), &e);
  return push_value(L, data, length, version);
}

/*** Waits for a value newer than one that was read, also of a writer that takes over.
@function wait
@tparam integer version the number of the one that was read, or 0
@tparam[opt] number timeout seconds; nil waits for ever, 0 looks once
@treturn[1] string value
@treturn[1] integer version
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `corrupt`, `truncated`
@raise for a negative version or time-out */
static int wait_value(lua_State *L)
{
  fm_state *s = fmb_check_object(L, fmb_state);
  const uint64_t than = fmb_check_count(L, 2, "version");
  const void *data;
  size_t length;
  uint64_t version;
  fm_error e;
  if (fm_state_wait(s, than, fmb_opt_timeout(L, 3, FM_FOREVER), &data, &length, &version, &e) != FM_OK)
    return fmb_fail(L, fm_state_name(s), &e);
  return push_value(L, data, length, version);
}

/*** Closes it; twice is fine. A value stays for who has it open, and another writer can take over.
@function close
@treturn boolean true */
static int close(lua_State *L)
{
  fm_state_close(fmb_release(L, fmb_state));
  return 1;
}

static int tostring(lua_State *L)
{
  const fm_state *s = fmb_to_object(L, fmb_state)->pointer;
  if (!s) lua_pushfstring(L, "%s (closed)", fmb_state);
  else
    lua_pushfstring(L, "%s (%s, %I bytes, %s)", fmb_state, fm_state_name(s), (LUAI_UACINT)fm_state_capacity(s),
                    fm_state_is_writer(s) ? "writer" : "reader");
  return 1;
}

void fmb_open_state(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"create", state_create}, {"create_or_open", state_create_or_open}, {"open", state_open}, {NULL, NULL},
  };
  static const luaL_Reg methods[] = {
    {"publish", publish}, {"read", read_value}, {"wait", wait_value}, {"close", close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_state, methods, close, tostring);
  luaL_newlib(L, functions);
}
