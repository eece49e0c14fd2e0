/* filemap.state in Lua. */
#include "binding.h"

/*** The newest value: one writer publishes strings, and any number of readers read the last one, always
whole.

The writer never waits. A writer that is killed while it publishes neither blocks nor misleads a reader, and
another process can take over.

@module filemap.state */

static const char *read_arguments(lua_State *L, uint64_t *capacity, fmb_options *o, fmb_object **object)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return NULL;
  *capacity = fmb_check_count(L, 2, "capacity");
  *object = fmb_new_object(L, 3, fmb_state, sizeof **object, 0);
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
@treturn[2] string code: `exists` (the name is taken), `invalid` (the name, or a capacity of 0), `too_large`,
  `no_space`, `no_memory`, `denied`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative capacity, and an unknown option or option value
@usage
local writer <close> = assert(state.create("Lap", 256))
print((select(3, state.create("Lap", 256)))) --> exists */
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

/*** Makes a state, or takes over one whose writer closed or died. Its value stays, and the versions continue.
@function create_or_open
@tparam string name as for maps
@tparam integer capacity the longest value, in bytes, from 1 to 2^30-1
@tparam[opt] table options as for @{create}
@treturn[1] state the writer
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `in_use` (another writer lives), `too_small` (the existing state has a smaller
  capacity), `corrupt` (the section of this name is not a state), and those of @{create}
@treturn[2] ?integer native errno or GetLastError number
@raise as @{create}
@usage
local writer, created = assert(state.create_or_open("Lap", 256))
print(created, (select(3, state.create_or_open("Lap", 256)))) --> true in_use */
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
  const int code = fm_state_create_or_open(&s, &created, name, capacity, &o.map, &e);
  if (code != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = s;
  lua_pushboolean(L, created);
  return 2;
}

/*** Opens an existing state for reading. A reader without permission to write waits by polling.
@function open
@tparam string name as for maps
@treturn[1] state a reader
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `corrupt` (the section of this name is not a state), `denied`, `invalid`
  (the name), `no_memory`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an argument that is not a string
@usage
local writer <close> = assert(state.create("Lap", 256))
writer:publish("1:42.3")
local reader <close> = assert(state.open("Lap"))
print(reader:read()) --> 1:42.3 1 */
static int state_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fm_error e;
  fm_state *s;
  fmb_object *object = fmb_new_object(L, 1, fmb_state, sizeof *object, 0);
  if (fm_state_open(&s, name, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = s;
  return 1;
}

/*** A state: a writer or a reader.
@type state */

/*** Makes a string the newest value. Never waits.
@function publish
@tparam string value of up to the state's capacity in bytes
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `too_large` (more than the capacity), `truncated`, `denied` (in a forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for a reader, and if the state is closed
@usage
local writer <close> = assert(state.create("Lap", 256))
print(writer:publish("1:42.3")) --> true */
static int state_publish(lua_State *L)
{
  size_t length;
  const char *value;
  fm_state *s = fmb_check_bytes(L, fmb_state, 2, &value, &length);
  if (!fm_state_is_writer(s))
    return fmb_raise(L, "%s (%s) is a reader, which cannot publish", fmb_state, fm_state_name(s));
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

/*** Reads the newest value.
@function read
@tparam[opt=1] number timeout seconds, for how long to try again while the writer is faster
@treturn[1] string value one whole published value; nil before the first
@treturn[1] integer version which counts the values from 1; 0 before the first
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `no_memory`, `corrupt`, `truncated`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative time-out, and if the state is closed
@usage
local writer <close> = assert(state.create("Lap", 256))
local reader <close> = assert(state.open("Lap"))
print(reader:read()) --> nil 0
writer:publish("1:42.3")
writer:publish("1:41.9")
print(reader:read()) --> 1:41.9 2 */
static int state_read(lua_State *L)
{
  fm_state *s = fmb_check_open(L, 1, fmb_state);
  const void *data;
  size_t length;
  uint64_t version;
  fm_error e;
  if (fm_state_read(s, fmb_opt_timeout(L, 2, 1), &data, &length, &version, &e) != FM_OK)
    return fmb_fail(L, fm_state_name(s), &e);
  return push_value(L, data, length, version);
}

/*** Waits for a value that is newer than a version, and continues to wait when the writer dies and another
takes over.
@function wait
@tparam integer version of the value that was read last, or 0
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] string value
@treturn[1] integer version
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `no_memory`, `corrupt`, `truncated`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative version or time-out, and if the state is closed
@usage
local writer <close> = assert(state.create("Lap", 256))
local reader <close> = assert(state.open("Lap"))
writer:publish("1:42.3")
local value, version = reader:wait(0)
print(value, version, (select(3, reader:wait(version, 0.01)))) --> 1:42.3 1 timeout */
static int state_wait(lua_State *L)
{
  fm_state *s = fmb_check_open(L, 1, fmb_state);
  const uint64_t than = fmb_check_count(L, 2, "version");
  const void *data;
  size_t length;
  uint64_t version;
  fm_error e;
  if (fm_state_wait(s, than, fmb_opt_timeout(L, 3, FM_FOREVER), &data, &length, &version, &e) != FM_OK)
    return fmb_fail(L, fm_state_name(s), &e);
  return push_value(L, data, length, version);
}

/*** Returns a handle by which an event loop waits for values: a descriptor that poll(2) reports readable,
or on Windows the HANDLE of an event, while there is a newer value than the one that this reader read last.
The object owns it: do not read or close it. A second call returns the same handle. See doc/waiting.md.
@function pollable
@treturn[1] integer descriptor or HANDLE
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (the writer), `no_memory`, `system` (as for want of descriptors)
@treturn[2] ?integer native errno or GetLastError number
@raise if the state is closed. Source: eventfd(2), CreateEvent
@usage
local writer <close> = assert(state.create("Lap", 256))
local reader <close> = assert(state.open("Lap"))
print(math.type(reader:pollable())) --> integer */
static int state_pollable(lua_State *L)
{
  const fm_state *s = fmb_check_open(L, 1, fmb_state);
  return fmb_push_pollable(L, fmb_state, FM_WAIT_STATE, fm_state_name(s));
}

/*** Closes the state. The value stays as long as another process has the state open, and another writer can
take over. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local reader <close> = state.open("Lap") -- closed at the end of the block */
static int state_close(lua_State *L)
{
  fm_state_close(fmb_release(L, fmb_state));
  return 1;
}

static int state_tostring(lua_State *L)
{
  const fm_state *s = fmb_check_object(L, 1, fmb_state)->pointer;
  if (!s) lua_pushfstring(L, "%s (closed)", fmb_state);
  else
    lua_pushfstring(L, "%s (%s, %I bytes, %s)", fmb_state, fm_state_name(s),
                    (LUAI_UACINT)fm_state_capacity(s), fm_state_is_writer(s) ? "writer" : "reader");
  return 1;
}

void fmb_open_state(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"create", state_create}, {"create_or_open", state_create_or_open}, {"open", state_open}, {NULL, NULL},
  };
  static const luaL_Reg methods[] = {
    {"publish", state_publish}, {"read", state_read}, {"wait", state_wait},
    {"pollable", state_pollable}, {"close", state_close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_state, methods, state_close, state_tostring, NULL);
  luaL_newlib(L, functions);
}
