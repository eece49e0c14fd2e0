/* The C module filemap.core: the functions of filemap, which lua/filemap.lua re-exports. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../map/map.h"
#include "binding.h"
#include "types.h"

/*** @module filemap */

/* The name in argument 1 of a call that may have none. Returns false after pushing the failure. */
static bool opt_name(lua_State *L, const char **name)
{
  *name = NULL;
  return lua_isnoneornil(L, 1) || (*name = fmb_check_text(L, 1)) != NULL;
}

/* Pushes a closed map at stack index 4: calls that make maps have at most three arguments. */
static fmb_object *new_map(lua_State *L)
{
  return fmb_new_object(L, 3, fmb_map, sizeof(fmb_object), 0);
}

/* Does a name look like the path of a file? */
static bool is_path(const char *name)
{
  static const char *const starts[] = {"./", "../", "~/", ".\\", "..\\"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (strncmp(name, starts[i], strlen(starts[i])) == 0) return true;
  if (isalpha((unsigned char)name[0]) && name[1] == ':') return name[2] == '\\' || name[2] == '/';
  return name[0] == '/' && strchr(name + 1, '/');
}

/* Ends a call that made `map`, which its object at stack index 4 gets. Returns 1, or the results of the
** failure. */
static int finish(lua_State *L, fmb_object *object, int code, fm_map *map, const char *name, fm_error *e)
{
  if (code == FM_OK) {
    object->pointer = map;
    return 1;
  }
  const bool is_told = strstr(e->detail, "filemap.file");
  if (name && is_path(name) && !is_told && (code == FM_INVALID || code == FM_NOT_FOUND)) {
    const size_t length = strlen(e->detail);
    snprintf(e->detail + length, sizeof e->detail - length, "; filemap.file maps a file by its path");
  }
  return fmb_fail(L, name ? name : "unnamed map", e);
}

/*** Makes a new section of memory.
@function create
@tparam ?string name see *Names*; nil makes an unnamed section
@tparam integer size in bytes, from 1
@tparam[opt] table options `access` ("rw"), `mode` ("0600"), `sddl`, `inherit` (false), `commit` (true),
  `large_pages` (false)
@treturn[1] map
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists` (the name is taken), `invalid` (the name, or a size of 0), `denied`,
  `no_space`, `no_memory`, `too_large`, `in_use`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative size, and an unknown option or option value. Source: CreateFileMapping, shm_open(3)
@usage
local map, message, code = filemap.create("Telemetry", 4096)
print(map) --> filemap.map (Telemetry, 4096 bytes, rw)
print((select(3, filemap.create("Telemetry", 4096)))) --> exists */
static int core_create(lua_State *L)
{
  const char *name;
  if (!opt_name(L, &name)) return 4;
  const uint64_t size = fmb_check_count(L, 2, "size");
  fmb_options o = fmb_default_options();
  fm_map *m = NULL;
  fm_error e;
  fmb_object *object = new_map(L);
  fmb_read_options(L, 3, &o, FMB_ACCESS | FMB_MODE | FMB_SDDL | FMB_INHERIT | FMB_COMMIT | FMB_LARGE_PAGES);
  const int code = fm_create(&m, name, size, &o.map, &e);
  return finish(L, object, code, m, name, &e);
}

/*** Opens an existing section of memory.
@function open
@tparam string name
@tparam[opt="r"] string access
@tparam[opt] table options `size`: the least size in bytes that the section must have, which becomes the map's
  size; `inherit` (false)
@treturn[1] map
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `denied`, `too_small`, `invalid` (the name, or it stands for another
  kind of object), `in_use`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an unknown access, option or option value. Source: OpenFileMapping, shm_open(3)
@usage
print((select(3, filemap.open("Nobody")))) --> not_found
local made = assert(filemap.create("Telemetry", 4096))
local map = assert(filemap.open("Telemetry", "rw", { size = 1000 }))
print(#map) --> 1000 */
static int core_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fm_map *m = NULL;
  fm_error e;
  fmb_object *object = new_map(L);
  fmb_read_options(L, 3, &o, FMB_SIZE | FMB_INHERIT);
  o.map.access = fmb_opt_access(L, 2, FM_READ);
  const int code = fm_open(&m, name, &o.map, &e);
  return finish(L, object, code, m, name, &e);
}

/*** Opens a section of memory, or makes it if there is none of that name.
@function create_or_open
@tparam ?string name nil makes an unnamed section
@tparam integer size in bytes, from 1; the map's size in both cases
@tparam[opt] table options as for @{create}
@treturn[1] map
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `too_small` (an existing section is smaller than `size`), and those of @{create} and
  @{open}
@treturn[2] ?integer native errno or GetLastError number
@raise as @{create}. Source: CreateFileMapping, shm_open(3)
@usage
local map, created = assert(filemap.create_or_open("Telemetry", 4096))
print(created, (select(2, filemap.create_or_open("Telemetry", 4096)))) --> true false */
static int core_create_or_open(lua_State *L)
{
  const char *name;
  if (!opt_name(L, &name)) return 4;
  const uint64_t size = fmb_check_count(L, 2, "size");
  fmb_options o = fmb_default_options();
  fm_map *m = NULL;
  fm_error e;
  bool created;
  fmb_object *object = new_map(L);
  fmb_read_options(L, 3, &o, FMB_ACCESS | FMB_MODE | FMB_SDDL | FMB_INHERIT | FMB_COMMIT | FMB_LARGE_PAGES);
  const int code = fm_create_or_open(&m, &created, name, size, &o.map, &e);
  if (code != FM_OK) return finish(L, object, code, m, name, &e);
  object->pointer = m;
  lua_pushboolean(L, created);
  return 2;
}

/*** Makes a map over a regular file.
@function file
@tparam string path
@tparam[opt="r"] string access
@tparam[opt] table options `size` in bytes: with an access that allows writing, the call creates the file or
  grows it to this size, and never shrinks it; with another access it is the least size that the file must
  have. `mode` ("0600"), `inherit` (false), `commit` (true); on Windows also `name` and `sddl`
@treturn[1] map of the file's size
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `denied`, `in_use`, `too_small`, `invalid` (not a regular file),
  `no_space`, `too_large`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an unknown access, option or option value. Source: open(2), CreateFile, CreateFileMapping
@usage
local map = assert(filemap.file("numbers.bin", "rw", { size = 64 }))
local view = assert(map:view())
view:set_i32(0, 7)
view:flush()
print(map) --> filemap.map (numbers.bin, 64 bytes, rw) */
static int core_file(lua_State *L)
{
  const char *path = fmb_check_text(L, 1);
  if (!path) return 4;
  fmb_options o = fmb_default_options();
  fm_map *m;
  fm_error e;
  fmb_object *object = new_map(L);
  fmb_read_options(L, 3, &o, FMB_SIZE | FMB_MODE | FMB_SDDL | FMB_NAME | FMB_INHERIT | FMB_COMMIT |
                               FMB_LARGE_PAGES);
  o.map.access = fmb_opt_access(L, 2, FM_READ);
  if (fm_file(&m, path, &o.map, &e) != FM_OK) return fmb_fail(L, path, &e);
  object->pointer = m;
  return 1;
}

/*** Makes a map of a handle that this process inherited (see the option `inherit` and @{map:handle}). The map
owns the handle from then on. If the call fails, the handle stays as it was.
@function adopt
@tparam integer handle a file descriptor, or on Windows the HANDLE of a section
@tparam integer size in bytes, from 1
@tparam[opt="rw"] string access
@treturn[1] map
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `invalid` (there is no such handle), `denied`, `too_small`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative handle or size, and an unknown access. Source: fcntl(2), DuplicateHandle
@usage
-- In a child process, which got the number of map:handle() as its first argument:
local map = assert(filemap.adopt(math.tointeger(arg[1]), 4096)) */
static int core_adopt(lua_State *L)
{
  const uint64_t handle = fmb_check_count(L, 1, "handle");
  const uint64_t size = fmb_check_count(L, 2, "size");
  const int access = fmb_opt_access(L, 3, FM_RW);
  fmb_object *object = new_map(L);
  fm_map *m;
  fm_error e;
  memset(&e, 0, sizeof e);
  e.code = FM_INVALID;
  snprintf(e.detail, sizeof e.detail, "handle is larger than any that the system has");
  if (handle <= INTPTR_MAX && fm_adopt(&m, (intptr_t)handle, size, access, &e) == FM_OK) {
    object->pointer = m;
    return 1;
  }
  lua_pushfstring(L, "handle %I", (LUAI_UACINT)handle);
  return fmb_fail(L, lua_tostring(L, -1), &e);
}

/*** Removes a POSIX name (`/…`). Processes that have the section open keep it.
@function unlink
@tparam string name
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `denied`, `invalid` (another kind of name), `unsupported` (on Windows)
@treturn[2] ?integer native errno or GetLastError number
@raise for an argument that is not a string. Source: shm_unlink(3)
@usage
local map = assert(filemap.create("/feed", 4096))
filemap.unlink("/feed") -- no other process can open it any more */
static int core_unlink(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  fm_error e;
  if (!name) return 4;
  return fmb_finish(L, fm_unlink(name, &e), name, &e);
}

/*** Lists the live names that this user can see: this user's `Local\Name` and all `Global\Name`.
@function list
@treturn[1] {table,...} each with `name` and `size` (bytes)
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `unsupported` where the system does not tell, `system`
@treturn[2] ?integer native errno or GetLastError number
@usage
local map = assert(filemap.create("Telemetry", 4096))
for _, entry in ipairs(assert(filemap.list())) do
  if entry.name == "Telemetry" or entry.name == "Local\\Telemetry" then print(entry.size) end --> 4096
end */
static int core_list(lua_State *L)
{
  size_t capacity = 0, count = 16;
  fm_entry *entries = NULL;
  while (count > capacity) {
    if (count > INT_MAX / sizeof *entries)
      return luaL_error(L, "not enough memory for %I names", (LUAI_UACINT)count);
    capacity = count;
    entries = lua_newuserdatauv(L, capacity * sizeof *entries, 0);
    fm_error e;
    if (fm_list(entries, capacity, &count, &e) != FM_OK) return fmb_fail(L, "list of names", &e);
  }
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, entries[i].name);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, (lua_Integer)entries[i].size);
    lua_setfield(L, -2, "size");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* The number of maps, mappings and other objects that this process holds, for specs. */
static int core_live(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fm_live());
  return 1;
}

/*** Reads a monotonic clock, which no change of the date moves.
@function now
@treturn number seconds since some moment in the past. Source: clock_gettime(2), QueryPerformanceCounter
@usage
local start = filemap.now()
filemap.sleep(0.01)
print(filemap.now() - start >= 0.009) --> true */
static int core_now(lua_State *L)
{
  lua_pushnumber(L, fm_now());
  return 1;
}

/*** Suspends the process. Signals that the process handles do not cut it short.
@function sleep
@tparam number seconds from 0; how fine the system's clock is decides how exactly they are kept
@raise for a negative number and NaN. Source: nanosleep(2), Sleep
@usage
filemap.sleep(0.01) -- 10 milliseconds */
static int core_sleep(lua_State *L)
{
  luaL_checknumber(L, 1);
  fm_sleep(fmb_opt_timeout(L, 1, 0));
  return 0;
}

/* Runs a command line as os.execute does. That of Lua 5.4.4 takes an old errno for an error of its own on
** Windows, and does not return the exit status then. */
static int core_execute(lua_State *L)
{
  const char *line = luaL_checkstring(L, 1);
  const int status = system(line);
  if (status != -1) errno = 0;
  return luaL_execresult(L, status);
}

/* Makes standard input and output pass on bytes as they are, where they are in text mode. */
static int core_binary_streams(lua_State *L)
{
  (void)L;
  fm_sys_binary_streams();
  return 0;
}

/* The number of this process, by which other programs end it. */
static int core_process_id(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fm_sys_process_id());
  return 1;
}

static int core_type_name(lua_State *L)
{
  luaL_checkany(L, 1);
  lua_pushstring(L, fmb_push_type_name(L, 1));
  return 1;
}

/* check_range(what, view, offset, size): raises, in the name of a struct's method, unless so many bytes
** from the offset are in an open view. */
static int core_check_range(lua_State *L)
{
  const fm_view *v = fmb_to_view(L, 2);
  int converts;
  const lua_Integer offset = lua_tointegerx(L, 3, &converts), size = lua_tointeger(L, 4);
  const bool is_integer = converts && lua_type(L, 3) == LUA_TNUMBER;
  if (v && v->data && is_integer && (uint64_t)size <= v->size && (uint64_t)offset <= v->size - (uint64_t)size)
    return 0;
  const char *what = luaL_checkstring(L, 1);
  if (!v) return fmb_raise(L, "bad argument #1 to '%s' (%s expected, got %s)", what, fmb_view,
                           fmb_push_type_name(L, 2));
  if (!v->data) return fmb_raise(L, "%s is closed", fmb_view);
  if (!is_integer)
    return fmb_raise(L, "bad argument #2 to '%s' (integer expected, got %s)", what,
                     lua_type(L, 3) == LUA_TNUMBER ? "float" : fmb_push_type_name(L, 3));
  if (offset < 0)
    return fmb_raise(L, "bad argument #2 to '%s' (offset %I is negative)", what, (LUAI_UACINT)offset);
  return fmb_raise(L, "bad argument #2 to '%s' (offset %I + %I bytes is past the end of a %I-byte view)",
                   what, (LUAI_UACINT)offset, (LUAI_UACINT)size, (LUAI_UACINT)v->size);
}

/* raise(message): raises it with the position of the program, as fmb_raise. */
static int core_raise(lua_State *L)
{
  return fmb_raise(L, "%s", luaL_checkstring(L, 1));
}

/* is_open(view) -> whether it is an open view */
static int core_is_open(lua_State *L)
{
  const fm_view *v = fmb_to_view(L, 1);
  lua_pushboolean(L, v && v->data);
  return 1;
}

int luaopen_filemap_core(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"create", core_create}, {"open", core_open}, {"create_or_open", core_create_or_open},
    {"file", core_file},     {"adopt", core_adopt}, {"unlink", core_unlink},
    {"list", core_list},     {"live", core_live}, {"now", core_now},
    {"sleep", core_sleep},   {"decode_text", fmb_decode_text}, {"encode_text", fmb_encode_text},
    {"count_units", fmb_count_units}, {"check_string", fmb_check_string},
    {"own_sources", fmb_set_own_sources}, {"is_open", core_is_open}, {"raise", core_raise},
    {"type_name", core_type_name}, {"check_range", core_check_range}, {"execute", core_execute},
    {"binary_streams", core_binary_streams}, {"process_id", core_process_id},
    {NULL, NULL},
  };
  luaL_checkversion(L); /* with another Lua even the index of the registry can differ */
  fmb_open_map(L);
  fmb_open_view(L);
  fmb_open_array(L);
  fmb_open_stream(L);
  luaL_newlib(L, functions);
  lua_pushinteger(L, (lua_Integer)fm_page_size());
  lua_setfield(L, -2, "page_size");
  lua_pushinteger(L, (lua_Integer)fm_granularity());
  lua_setfield(L, -2, "granularity");
  lua_pushstring(L, fm_platform());
  lua_setfield(L, -2, "platform");
  fmb_push_types(L);
  lua_setfield(L, -2, "types");
  fmb_push_abi(L);
  lua_setfield(L, -2, "abi");
  fmb_open_record(L);
  lua_setfield(L, -2, "record");
  fmb_open_sync(L);
  lua_setfield(L, -2, "sync");
  fmb_open_state(L);
  lua_setfield(L, -2, "state");
  fmb_open_mailslot(L);
  lua_setfield(L, -2, "mailslot");
  fmb_open_pipe(L);
  lua_setfield(L, -2, "pipe");
  fmb_open_dict(L);
  lua_setfield(L, -2, "dict");
  fmb_open_win32(L);
  lua_setfield(L, -2, "win32");
  luaL_getmetatable(L, fmb_view); /* the methods of views as functions, for modules that call them often */
  lua_getfield(L, -1, "__index");
  lua_setfield(L, -3, "view");
  lua_pop(L, 1);
  return 1;
}
