/* The C module filemap.core: the functions of filemap, which lua/filemap.lua hands on. */
#include "../map/map.h"
#include "binding.h"

/*** @module filemap */

/* The name in argument 1 of a call that can do without one; false after pushing the failure. */
static bool opt_name(lua_State *L, const char **name)
{
  *name = NULL;
  return lua_isnoneornil(L, 1) || (*name = fmb_check_text(L, 1)) != NULL;
}

static const char *label(const char *name)
{
  return name ? name : "unnamed map";
}

/*** Makes a new section of memory.
@function create
@tparam ?string name see *Names*; nil: unnamed
@tparam integer size in bytes, from 1
@tparam[opt] table options `access` ("rw"), `mode` ("0600"), `sddl`, `inherit` (false), `commit` (true),
  `large_pages` (false)
@treturn[1] map
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists` (the name is taken), `invalid` (the name, a size of 0), `denied`,
  `no_space`, `no_memory`, `too_large`, `in_use`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError
@raise for a negative size and an unknown option. Source: CreateFileMapping, shm_open(3) */
static int core_create(lua_State *L)
{
  const char *name;
  if (!opt_name(L, &name)) return 4;
  const uint64_t size = fmb_check_count(L, 2, "size");
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_map **m = fmb_new_map(L);
  fmb_read_options(L, 3, &o, FMB_ACCESS | FMB_MODE | FMB_SDDL | FMB_INHERIT | FMB_COMMIT | FMB_LARGE_PAGES);
  return fm_create(m, name, size, &o.map, &e) == FM_OK ? 1 : fmb_fail(L, label(name), &e);
}

/*** Opens a section that is there.
@function open
@tparam string name
@tparam[opt="r"] string access
@tparam[opt] table options `size`: the least it must have, and what the map's size then is; `inherit`
@treturn[1] map
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `denied`, `too_small`, `invalid` (the name, or what has it),
  `in_use`, `system`
@treturn[2] ?integer native
@raise for an unknown access or option. Source: OpenFileMapping */
static int core_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_map **m = fmb_new_map(L);
  fmb_read_options(L, 3, &o, FMB_SIZE | FMB_INHERIT);
  o.map.access = fmb_opt_access(L, 2, FM_READ);
  return fm_open(m, name, &o.map, &e) == FM_OK ? 1 : fmb_fail(L, name, &e);
}

/*** Opens a section, or makes it where there is none.
@function create_or_open
@tparam ?string name
@tparam integer size in bytes, from 1; the map's size in either case
@tparam[opt] table options as for @{create}
@treturn[1] map
@treturn[1] boolean created
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `too_small` (one that is there is smaller), else as @{create} and @{open}
@treturn[2] ?integer native
@raise as @{create} */
static int core_create_or_open(lua_State *L)
{
  const char *name;
  if (!opt_name(L, &name)) return 4;
  const uint64_t size = fmb_check_count(L, 2, "size");
  fmb_options o = fmb_default_options();
  fm_error e;
  bool created;
  fm_map **m = fmb_new_map(L);
  fmb_read_options(L, 3, &o, FMB_ACCESS | FMB_MODE | FMB_SDDL | FMB_INHERIT | FMB_COMMIT | FMB_LARGE_PAGES);
  if (fm_create_or_open(m, &created, name, size, &o.map, &e) != FM_OK) return fmb_fail(L, label(name), &e);
  lua_pushboolean(L, created);
  return 2;
}

/*** Maps a regular file.
@function file
@tparam string path
@tparam[opt="r"] string access
@tparam[opt] table options `size`: with a writable access the file is created or grown to it, never shrunk;
  else the least it must have. `mode`, `inherit`, `commit`; on Windows `name`, `sddl`
@treturn[1] map of the file's size
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `denied`, `in_use`, `too_small`, `invalid` (not a
  regular file), `no_space`,
  `too_large`, `unsupported`, `system`
@treturn[2] ?integer native
@raise for an unknown access or option. Source: open(2), CreateFile, CreateFileMapping */
static int core_file(lua_State *L)
{
  const char *path = fmb_check_text(L, 1);
  if (!path) return 4;
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_map **m = fmb_new_map(L);
  fmb_read_options(L, 3, &o, FMB_SIZE | FMB_MODE | FMB_SDDL | FMB_NAME | FMB_INHERIT | FMB_COMMIT |
                               FMB_LARGE_PAGES);
  o.map.access = fmb_opt_access(L, 2, FM_READ);
  return fm_file(m, path, &o.map, &e) == FM_OK ? 1 : fmb_fail(L, path, &e);
}

/*** Makes a map of a handle that this process inherited (see the option `inherit` and @{map:handle}). The
map owns the handle from then on; on failure it stays as it was.
@function adopt
@tparam integer handle a file descriptor, or on Windows the HANDLE of a section
@tparam integer size in bytes, from 1
@tparam[opt="rw"] string access
@treturn[1] map
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `invalid` (no such handle), `denied`, `too_small`, `system`
@treturn[2] ?integer native
@raise for a negative handle or size, and an unknown access */
static int core_adopt(lua_State *L)
{
  const uint64_t handle = fmb_check_count(L, 1, "handle");
  const uint64_t size = fmb_check_count(L, 2, "size");
  const int access = fmb_opt_access(L, 3, FM_RW);
  fm_map **m = fmb_new_map(L);
  fm_error e = {FM_INVALID, 0, "no handle is so large"};
  if (handle <= INTPTR_MAX && fm_adopt(m, (intptr_t)handle, size, access, &e) == FM_OK) return 1;
  lua_pushfstring(L, "handle %I", (LUAI_UACINT)handle);
  return fmb_fail(L, lua_tostring(L, -1), &e);
}

/*** Removes a POSIX name (`/...`); who has it open keeps it.
@function unlink
@tparam string name
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `denied`, `invalid` (another kind of name), `unsupported` (Windows)
@treturn[2] ?integer native
@raise for an argument of another type. Source: shm_unlink(3) */
static int core_unlink(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  fm_error e;
  if (!name) return 4;
  if (fm_unlink(name, &e) != FM_OK) return fmb_fail(L, name, &e);
  lua_pushboolean(L, 1);
  return 1;
}

/*** The live names that this user can see: `Local\Name` of this user, and `Global\Name`.
@function list
@treturn[1] {table,...} each with `name` and `size` (bytes)
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `unsupported` where the system does not tell, `system` */
static int core_list(lua_State *L)
{
  size_t capacity = 0, count = 16;
  fm_entry *entries = NULL;
  while (count > capacity) {
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

/* How many maps and mappings this process holds; for specs. */
static int core_live(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fm_live());
  return 1;
}

/* Seconds of a clock that only goes on. */
static int core_now(lua_State *L)
{
  lua_pushnumber(L, fm_now());
  return 1;
}

/* What was read and written before stays before what is read and written after. */
static int core_fence(lua_State *L)
{
  (void)L;
  atomic_thread_fence(memory_order_seq_cst);
  return 0;
}

/* Do so many bytes from an offset lie in an open view? What is no view, or no integer, says no: the caller then finds
** out what was wrong, and this is quick. */
static int core_within(lua_State *L)
{
  const fm_view *v = fmb_to_view(L, 1);
  const uint64_t offset = (uint64_t)lua_tointeger(L, 2), size = (uint64_t)lua_tointeger(L, 3);
  lua_pushboolean(L, v && v->data && lua_isinteger(L, 2) && size <= v->size && offset <= v->size - size);
  return 1;
}

int luaopen_filemap_core(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"create", core_create}, {"open", core_open}, {"create_or_open", core_create_or_open},
    {"file", core_file},     {"adopt", core_adopt}, {"unlink", core_unlink},
    {"list", core_list},     {"live", core_live}, {"now", core_now},
    {"fence", core_fence},   {"own_sources", fmb_set_own_sources}, {"within", core_within},
    {NULL, NULL},
  };
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
  fmb_open_sync(L);
  lua_setfield(L, -2, "sync");
  fmb_open_state(L);
  lua_setfield(L, -2, "state");
  fmb_open_mailslot(L);
  lua_setfield(L, -2, "mailslot");
  fmb_open_pipe(L);
  lua_setfield(L, -2, "pipe");
  fmb_open_win32(L);
  lua_setfield(L, -2, "win32");
  luaL_getmetatable(L, FMB_VIEW); /* its methods as functions, for who calls them often */
  lua_getfield(L, -1, "__index");
  lua_setfield(L, -3, "view");
  lua_pop(L, 1);
  return 1;
}
