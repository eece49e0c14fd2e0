/* Maps as Lua sees them: a userdata that holds a pointer, NULL once closed. */
#include "binding.h"

/*** @module filemap */

fm_map **fmb_new_map(lua_State *L)
{
  lua_settop(L, 3); /* what makes maps has three arguments at most */
  fm_map **m = lua_newuserdatauv(L, sizeof *m, 0);
  *m = NULL;
  luaL_setmetatable(L, FMB_MAP);
  return m;
}

static fm_map *check_map(lua_State *L)
{
  fm_map *m = *(fm_map **)luaL_checkudata(L, 1, FMB_MAP);
  if (!m) luaL_error(L, "%s is closed", FMB_MAP);
  return m;
}

/*** A map: a section of memory, or a file, of which views can be made.
@type map */

/*** Views a part of the map. The view goes on when the map is closed, and holds the name.
@function view
@tparam[opt=0] integer offset in bytes from 0; any, aligned or not
@tparam[opt] integer length in bytes; default: the rest
@tparam[opt] string access no more than the map gives; default: the map's
@treturn[1] view
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (more access than the map gives), `invalid` (a length of 0),
  `too_large`, `no_memory`, `system`
@raise for a range past the map's end. Source: mmap(2), MapViewOfFile */
static int map_view(lua_State *L)
{
  lua_settop(L, 4);
  fm_view *v = fmb_new_view(L); /* a finalizer may run, and close self: look only then */
  fm_map *m = check_map(L);
  const uint64_t size = fm_map_size(m);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 3, "length", offset < size ? size - offset : 0);
  const int access = fmb_opt_access(L, 4, fm_map_access(m));
  if (offset > size || length > size - offset)
    return luaL_argerror(L, 2, lua_pushfstring(L, "offset %I + %I bytes is past the end of a %I-byte map",
                                               (LUAI_UACINT)offset, (LUAI_UACINT)length,
                                               (LUAI_UACINT)size));
  fm_error e;
  return fm_view_open(v, m, offset, length, access, &e) == FM_OK ? 1 : fmb_fail(L, fm_map_label(m), &e);
}

/*** The map's size, also as `#map`.
@function size
@treturn integer bytes */
static int map_size(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fm_map_size(check_map(L)));
  return 1;
}

/*** The name it was made or opened by.
@function name
@treturn ?string as it was given; nil for unnamed memory, and for a file without a mapping's name */
static int map_name(lua_State *L)
{
  lua_pushstring(L, fm_map_name(check_map(L))); /* NULL pushes nil */
  return 1;
}

/*** The access it gives.
@function access
@treturn string `r`, `rw`, `copy`, `rx`, `rwx` or `copyx` */
static int map_access(lua_State *L)
{
  lua_pushstring(L, fm_access_word(fm_map_access(check_map(L))));
  return 1;
}

/*** The system's handle, to be handed to a child (see the option `inherit`, and @{adopt}).
@function handle
@treturn integer a file descriptor, or on Windows the section's HANDLE (0 for an empty file). It stays the
  map's: do not close it */
static int map_handle(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fm_map_handle(check_map(L)));
  return 1;
}

/*** Gives the file of a file map another size, larger or smaller.
@function resize
@tparam integer size in bytes, from 1
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `in_use` (a view is open), `unsupported` (not over a file), `denied` (not
  writable), `invalid` (0), `no_space`, `too_large`, `system` */
static int map_resize(lua_State *L)
{
  fm_map *m = check_map(L);
  fm_error e;
  if (fm_map_resize(m, fmb_check_count(L, 2, "size"), &e) != FM_OK)
    return fmb_fail(L, fm_map_label(m), &e);
  lua_pushboolean(L, 1);
  return 1;
}

/*** Closes the map; twice is fine. Its views go on.
@function close
@treturn boolean true */
static int map_close(lua_State *L)
{
  fm_map **m = luaL_checkudata(L, 1, FMB_MAP);
  fm_map *open = *m;
  *m = NULL;
  fm_map_close(open);
  lua_pushboolean(L, 1);
  return 1;
}

static int map_tostring(lua_State *L)
{
  fm_map *m = *(fm_map **)luaL_checkudata(L, 1, FMB_MAP);
  if (!m) lua_pushliteral(L, FMB_MAP " (closed)");
  else
    lua_pushfstring(L, "%s (%s, %I bytes, %s)", FMB_MAP, fm_map_label(m),
                    (LUAI_UACINT)fm_map_size(m), fm_access_word(fm_map_access(m)));
  return 1;
}

void fmb_open_map(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"view", map_view},     {"size", map_size},     {"name", map_name}, {"access", map_access},
    {"handle", map_handle}, {"resize", map_resize}, {"close", map_close}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
    {"__len", map_size},    {"__tostring", map_tostring}, {"__gc", map_close},
    {"__close", map_close}, {NULL, NULL},
  };
  luaL_newmetatable(L, FMB_MAP);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
