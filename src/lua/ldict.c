/* filemap.dict in Lua. */
#include <string.h>

#include "binding.h"

/*** A dictionary that any number of processes read and write.

Keys are strings of 1 to 255 bytes. Values are strings, integers, floats and booleans, and keep their type.
A reader holds no lock. A process that is killed while it writes leaves each key with its old or its new
value, and delays other writers by less than 0.1 seconds.

Each value has a version. No version is given twice, not even after the key was deleted or the dictionary
was cleared. Version 0 stands for an absent key. A call that fails changes nothing.

Memory is counted in blocks of 128 bytes. An entry takes one block for its first 96 bytes (the key, rounded
up to a multiple of 8, and the value), and one for each further 112 bytes. All blocks are alike, so the memory
does not fragment: an entry fits if there are enough free blocks. A new value needs room besides the old one.

@module filemap.dict */

/*** Opens a dictionary, or creates it.
@function create_or_open
@tparam string name as for maps
@tparam[opt] table options `capacity` (1048576 bytes for keys and values, counted in blocks of 128), `evict`
  (false; true removes the keys that were set longest ago from a full dictionary), `mode` ("0600"), `sddl`. An
  existing dictionary keeps its capacity and its way with a full one
@treturn[1] dict
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `too_small` (the existing one has a smaller capacity), `corrupt` (the section of
  this name is not a dictionary), `invalid` (the name), `too_large`, `no_space`, `no_memory`, `denied`,
  `in_use`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an unknown option or option value
@usage
local dict = require "filemap.dict"
local settings = assert(dict.create_or_open("settings", { capacity = 65536 }))
settings:set("volume", 0.8)
print(settings:get("volume")) --> 0.8  1 */
static int dict_create_or_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  bool created;
  fm_error e;
  fm_dict *d;
  fmb_object *object = fmb_new_object(L, 2, fmb_dict, sizeof *object, 0);
  fmb_read_options(L, 2, &o, FMB_CAPACITY | FMB_EVICT | FMB_MODE | FMB_SDDL);
  const int code = fm_dict_create_or_open(&d, &created, name, o.capacity, o.evict, &o.map, &e);
  if (code != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = d;
  lua_pushboolean(L, created);
  return 2;
}

/*** Opens an existing dictionary. Without permission to write it can only be read.
@function open
@tparam string name as for maps
@treturn[1] dict
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `corrupt` (the section of this name is not a dictionary), `denied`,
  `invalid` (the name), `no_memory`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an argument that is not a string
@usage
print((select(3, dict.open("Settings")))) --> not_found
local made <close> = assert(dict.create_or_open("Settings"))
local settings <close> = assert(dict.open("Settings")) */
static int dict_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fm_error e;
  fm_dict *d;
  fmb_object *object = fmb_new_object(L, 1, fmb_dict, sizeof *object, 0);
  if (fm_dict_open(&d, name, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = d;
  return 1;
}

/* {-- Values ------------------------------------------------------------------------------------ */

static int push_value(lua_State *L, const fm_value *v)
{
  switch (v->type) {
    case FM_STRING: lua_pushlstring(L, v->data, v->length); break;
    case FM_INTEGER: lua_pushinteger(L, (lua_Integer)v->integer); break;
    case FM_FLOAT: lua_pushnumber(L, v->number); break;
    case FM_BOOLEAN: lua_pushboolean(L, v->boolean); break;
    default: lua_pushnil(L); break;
  }
  return 1;
}

static fm_value check_value(lua_State *L, int arg)
{
  fm_value v = {.type = FM_STRING};
  switch (lua_type(L, arg)) {
    case LUA_TSTRING: v.data = lua_tolstring(L, arg, &v.length); break;
    case LUA_TBOOLEAN:
      v.type = FM_BOOLEAN;
      v.boolean = lua_toboolean(L, arg);
      break;
    case LUA_TNUMBER:
      v.type = lua_isinteger(L, arg) ? FM_INTEGER : FM_FLOAT;
      v.integer = lua_isinteger(L, arg) ? (int64_t)lua_tointeger(L, arg) : 0;
      v.number = (double)lua_tonumber(L, arg);
      break;
    default: fmb_type_error(L, arg, "string, number or boolean");
  }
  return v;
}

static fm_value check_number(lua_State *L, int arg)
{
  luaL_checktype(L, arg, LUA_TNUMBER);
  return check_value(L, arg);
}

/* Self and the key in argument 2. */
static fm_dict *check_key(lua_State *L, const char **key, size_t *length)
{
  return fmb_check_bytes(L, fmb_dict, 2, key, length);
}

/* The key's value and version, or nil and 0. */
static int push_found(lua_State *L, const fm_dict *d, int code, const fm_value *v, uint64_t version,
                      const fm_error *e)
{
  if (code != FM_OK && code != FM_NOT_FOUND) return fmb_fail(L, fm_dict_name(d), e);
  if (code == FM_OK) push_value(L, v);
  else lua_pushnil(L);
  lua_pushinteger(L, code == FM_OK ? (lua_Integer)version : 0);
  return 2;
}

/*** A dictionary.
@type dict */

/*** Reads a key.
@function get
@tparam string key of 1 to 255 bytes
@treturn[1] string|integer|number|boolean value; nil if the key is absent
@treturn[1] integer version; 0 if the key is absent
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `invalid` (the key's length), `in_use` (other processes changed the key all the
  time, for more than 1 second), `corrupt`, `truncated`, `no_memory`
@treturn[2] ?integer native errno or GetLastError number
@raise if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings"))
print(d:get("volume")) --> nil 0
d:set("volume", 0.8)
print(d:get("volume")) --> 0.8 1 */
static int dict_get(lua_State *L)
{
  const char *key;
  size_t length;
  fm_dict *d = check_key(L, &key, &length);
  fm_value v;
  uint64_t version = 0;
  fm_error e;
  const int code = fm_dict_get(d, key, length, &v, &version, &e);
  return push_found(L, d, code, &v, version, &e);
}

static double check_ttl(lua_State *L, int arg)
{
  fmb_options o = fmb_default_options();
  fmb_read_options(L, arg, &o, FMB_TTL);
  return o.ttl;
}

static int set(lua_State *L, fm_dict_mode mode)
{
  const char *key;
  size_t length;
  double ttl = FM_FOREVER;
  check_key(L, &key, &length);
  const fm_value v = check_value(L, 3);
  if (!lua_isnoneornil(L, 4)) ttl = check_ttl(L, 4);
  fm_dict *d = fmb_check_open(L, 1, fmb_dict); /* a finalizer may have run since check_key */
  uint64_t version;
  fm_error e;
  const int code = fm_dict_set(d, key, length, &v, mode, ttl, &version, &e);
  return fmb_finish(L, code, fm_dict_name(d), &e);
}

/*** Sets a key, whether or not it is there.
@function set
@tparam string key of 1 to 255 bytes
@tparam string|integer|number|boolean value
@tparam[opt] table options `ttl` (seconds after which the key is absent, greater than 0; without it the key
  does not expire, and no longer does if it had a ttl)
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `full`, `too_large` (for any dictionary of this capacity), `invalid` (the key's
  length), `in_use` (a live process has held the lock for more than 1 second), `denied` (this process may
  only read), `corrupt`, `truncated`, `no_memory`
@treturn[2] ?integer native errno or GetLastError number
@raise for a value of another type, an unknown option, and if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings"))
d:set("volume", 0.8)
d:set("session", "a7c1", { ttl = 3600 }) -- absent after an hour */
static int dict_set(lua_State *L)
{
  return set(L, FM_DICT_SET);
}

/*** Sets a key that is absent.
@function add
@tparam string key of 1 to 255 bytes
@tparam string|integer|number|boolean value
@tparam[opt] table options `ttl`, as for @{dict:set}
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists`, and those of @{dict:set}
@treturn[2] ?integer native errno or GetLastError number
@raise as @{dict:set}
@usage
local d <close> = assert(dict.create_or_open("Settings"))
print(d:add("owner", "Ann"), (select(3, d:add("owner", "Bo")))) --> true exists */
static int dict_add(lua_State *L)
{
  return set(L, FM_DICT_ADD);
}

/*** Sets a key that is there.
@function replace
@tparam string key of 1 to 255 bytes
@tparam string|integer|number|boolean value
@tparam[opt] table options `ttl`, as for @{dict:set}
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, and those of @{dict:set}
@treturn[2] ?integer native errno or GetLastError number
@raise as @{dict:set}
@usage
local d <close> = assert(dict.create_or_open("Settings"))
print((select(3, d:replace("owner", "Bo")))) --> not_found */
static int dict_replace(lua_State *L)
{
  return set(L, FM_DICT_REPLACE);
}

/*** Deletes a key.
@function delete
@tparam string key of 1 to 255 bytes
@treturn[1] boolean true, or false if the key was absent
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `invalid` (the key's length), `in_use`, `denied`, `corrupt`, `truncated`, `no_memory`
@treturn[2] ?integer native errno or GetLastError number
@raise if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings"))
d:set("owner", "Ann")
print(d:delete("owner"), d:delete("owner")) --> true false */
static int dict_delete(lua_State *L)
{
  const char *key;
  size_t length;
  fm_dict *d = check_key(L, &key, &length);
  bool existed;
  fm_error e;
  if (fm_dict_delete(d, key, length, &existed, &e) != FM_OK) return fmb_fail(L, fm_dict_name(d), &e);
  lua_pushboolean(L, existed);
  return 1;
}

/*** Adds a number to a key's value in one step. The key keeps its ttl.
@function incr
@tparam string key of 1 to 255 bytes
@tparam[opt=1] number n An integer and a float give a float; integers wrap around
@tparam[opt] number init An absent key becomes init + n
@treturn[1] number the sum
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found` (the key is absent, and there is no init), `full`, and those of
  @{dict:delete}
@treturn[2] ?integer native errno or GetLastError number
@raise if the key's value is not a number, for arguments of another type, and if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings"))
print(d:incr("visits", 1, 0), d:incr("visits", 10)) --> 1 11 */
static int dict_incr(lua_State *L)
{
  const char *key;
  size_t length;
  check_key(L, &key, &length);
  const fm_value one = {.type = FM_INTEGER, .integer = 1};
  const fm_value n = lua_isnoneornil(L, 3) ? one : check_number(L, 3);
  const bool has_init = !lua_isnoneornil(L, 4);
  const fm_value init = has_init ? check_number(L, 4) : n;
  fm_dict *d = fmb_check_open(L, 1, fmb_dict); /* a finalizer may have run since check_key */
  fm_value sum;
  bool is_number = true;
  fm_error e;
  const int code = fm_dict_increment(d, key, length, &n, has_init ? &init : NULL, &sum, &is_number, &e);
  if (!is_number) return fmb_raise(L, "%s (%s): %s", fmb_dict, fm_dict_name(d), e.detail);
  return code == FM_OK ? push_value(L, &sum) : fmb_fail(L, fm_dict_name(d), &e);
}

/*** Sets a key if its version is the expected one.
@function compare_set
@tparam string key of 1 to 255 bytes
@tparam integer version that the key must have; 0: the key must be absent
@tparam string|integer|number|boolean value
@treturn[1] boolean true
@treturn[2] boolean false
@treturn[2] string|integer|number|boolean the value that was found; nil if the key is absent
@treturn[2] integer its version; 0 if the key is absent
@treturn[3] nil
@treturn[3] string message
@treturn[3] string code: those of @{dict:set}
@treturn[3] ?integer native errno or GetLastError number
@raise for a negative version, a value of another type, and if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings"))
print(d:compare_set("leader", 0, "Ann")) --> true
print(d:compare_set("leader", 0, "Bo")) --> false Ann 1 */
static int dict_compare_set(lua_State *L)
{
  const char *key;
  size_t length;
  check_key(L, &key, &length);
  const uint64_t expected = fmb_check_count(L, 3, "version");
  const fm_value v = check_value(L, 4);
  fm_dict *d = fmb_check_open(L, 1, fmb_dict); /* a finalizer may have run since check_key */
  bool done;
  fm_value found;
  uint64_t version = 0;
  fm_error e;
  const int code = fm_dict_compare_set(d, key, length, expected, &v, &done, &found, &version, &e);
  if (code != FM_OK) return fmb_fail(L, fm_dict_name(d), &e);
  lua_pushboolean(L, done);
  if (done) return 1;
  push_value(L, &found);
  lua_pushinteger(L, (lua_Integer)version);
  return 3;
}

/*** Waits until a key has another version.
@function wait
@tparam string key of 1 to 255 bytes
@tparam integer version as @{dict:get} returned it; 0 waits for a key that is absent
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] string|integer|number|boolean value; nil if the key was deleted or has expired
@treturn[1] integer version; 0 if the key was deleted or has expired
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, and those of @{dict:get}
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative version or time-out, and if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings"))
local value, version = d:get("volume")
print((select(3, d:wait("volume", version, 0.01)))) --> timeout
d:set("volume", 0.8)
print(d:wait("volume", version)) --> 0.8 1 */
static int dict_wait(lua_State *L)
{
  const char *key;
  size_t length;
  check_key(L, &key, &length);
  const uint64_t seen = fmb_check_count(L, 3, "version");
  const double timeout = fmb_opt_timeout(L, 4, FM_FOREVER);
  fm_dict *d = fmb_check_open(L, 1, fmb_dict); /* a finalizer may have run since check_key */
  fm_value v;
  uint64_t version = 0;
  fm_error e;
  const int code = fm_dict_wait(d, key, length, seen, timeout, &v, &version, &e);
  return push_found(L, d, code, &v, version, &e);
}

/*** Removes all keys, in one step. It takes as long for a million keys as for one.
@function clear
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `in_use`, `denied`, `corrupt`, `truncated`, `no_memory`
@treturn[2] ?integer native errno or GetLastError number
@raise if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings"))
d:set("volume", 0.8)
print(d:clear(), d:info().count) --> true 0 */
static int dict_clear(lua_State *L)
{
  fm_dict *d = fmb_check_open(L, 1, fmb_dict);
  fm_error e;
  const int code = fm_dict_clear(d, &e);
  return fmb_finish(L, code, fm_dict_name(d), &e);
}

static void set_integer(lua_State *L, const char *field, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, field);
}

/*** Returns how full the dictionary is, at one moment.
@function info
@treturn[1] table `count` of keys; `used` and `capacity`, in bytes of whole blocks. Keys that have expired do
  not count, nor does memory that a process took for a value and left when it was killed: the next value that
  needs it gets it
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `in_use` (other processes changed the counts all the time, for more than 1 second),
  `corrupt`, `truncated`
@treturn[2] ?integer native errno or GetLastError number
@raise if the dictionary is closed
@usage
local d <close> = assert(dict.create_or_open("Settings", { capacity = 65536 }))
d:set("volume", 0.8)
print(d:info().count, d:info().used <= d:info().capacity) --> 1 true */
static int dict_info(lua_State *L)
{
  fm_dict *d = fmb_check_open(L, 1, fmb_dict);
  fm_dict_info i;
  fm_error e;
  if (fm_dict_get_info(d, &i, &e) != FM_OK) return fmb_fail(L, fm_dict_name(d), &e);
  lua_createtable(L, 0, 3);
  set_integer(L, "count", i.count);
  set_integer(L, "used", i.used);
  set_integer(L, "capacity", i.capacity);
  return 1;
}

/* {-- Iterating --------------------------------------------------------------------------------- */

static _Noreturn int raise_failure(lua_State *L, const fm_dict *d, const fm_error *e)
{
  fmb_raise(L, "%s (%s): %s", fmb_dict, fm_dict_name(d), e->detail);
}

static int cursor_close(lua_State *L)
{
  fm_dict_cursor_close(fmb_release(L, fmb_dict_cursor));
  return 1;
}

static int cursor_tostring(lua_State *L)
{
  lua_pushstring(L, fmb_dict_cursor);
  return 1;
}

/* Upvalues: the dictionary, and the cursor. The dictionary must be open, since the cursor uses it. */
static int next_pair(lua_State *L)
{
  const fmb_object *dict = lua_touserdata(L, lua_upvalueindex(1));
  const fmb_object *cursor = lua_touserdata(L, lua_upvalueindex(2));
  const void *key;
  size_t length;
  fm_value v;
  uint64_t version;
  fm_error e;
  if (!dict->pointer) return fmb_raise(L, "%s is closed", fmb_dict);
  if (!cursor->pointer) return 0;
  const int code = fm_dict_cursor_next(cursor->pointer, &key, &length, &v, &version, &e);
  if (code == FM_NOT_FOUND) return 0;
  if (code != FM_OK) return raise_failure(L, dict->pointer, &e);
  char copy[FM_DICT_KEY_MAX]; /* pushing one of the two may run a finalizer, which may close the cursor */
  memcpy(copy, key, length);
  push_value(L, &v);
  lua_pushlstring(L, copy, length);
  lua_insert(L, -2);
  return 2;
}

/*** Iterates over all keys, in no order: `for key, value in d:pairs() do`. A key that is there all the
while is seen exactly once, whatever other processes do.
@function pairs
@treturn function `next()` → key, value; nil after the last
@raise if the dictionary is closed; the function also for memory that is corrupt or truncated, and if other
  processes changed a part of it all the time, for more than 1 second
@usage
local d <close> = assert(dict.create_or_open("Settings"))
d:set("volume", 0.8)
for key, value in d:pairs() do print(key, value) end --> volume 0.8 */
static int dict_pairs(lua_State *L)
{
  fmb_object *cursor = fmb_new_object(L, 1, fmb_dict_cursor, sizeof *cursor, 0);
  fm_dict *d = fmb_check_open(L, 1, fmb_dict);
  fm_dict_cursor *c;
  fm_error e;
  if (fm_dict_cursor_open(&c, d, &e) != FM_OK) return raise_failure(L, d, &e);
  cursor->pointer = c;
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, next_pair, 2);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, 2); /* closed when the loop ends */
  return 4;
}

/*** Closes the dictionary. It stays as long as another process has it open. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local d <close> = assert(dict.create_or_open("Settings")) -- closed at the end of the block */
static int dict_close(lua_State *L)
{
  fm_dict_close(fmb_release(L, fmb_dict));
  return 1;
}

static int dict_tostring(lua_State *L)
{
  const fm_dict *d = fmb_check_object(L, 1, fmb_dict)->pointer;
  lua_pushfstring(L, "%s (%s)", fmb_dict, d ? fm_dict_name(d) : "closed");
  return 1;
}

void fmb_open_dict(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"create_or_open", dict_create_or_open}, {"open", dict_open}, {NULL, NULL},
  };
  static const luaL_Reg methods[] = {
    {"get", dict_get}, {"set", dict_set}, {"add", dict_add}, {"replace", dict_replace},
    {"delete", dict_delete}, {"incr", dict_incr}, {"compare_set", dict_compare_set}, {"wait", dict_wait},
    {"pairs", dict_pairs}, {"info", dict_info}, {"clear", dict_clear}, {"close", dict_close}, {NULL, NULL},
  };
  static const luaL_Reg none[] = {{NULL, NULL}};
  fmb_new_type(L, fmb_dict, methods, dict_close, dict_tostring, NULL);
  fmb_new_type(L, fmb_dict_cursor, none, cursor_close, cursor_tostring, NULL);
  luaL_newlib(L, functions);
}
