/* Views as Lua sees them: a userdata that is the fm_view itself, all zeros once closed. Here is what a
** view is; what it can read and write is in files of its own. */
#include <string.h>

#include "binding.h"

/*** @module filemap */

fm_view *fmb_new_view(lua_State *L)
{
  fm_view *v = lua_newuserdatauv(L, sizeof *v, 0);
  memset(v, 0, sizeof *v);
  luaL_setmetatable(L, FMB_VIEW);
  return v;
}

fm_view *fmb_open_self(lua_State *L)
{
  fm_view *v = fmb_self(L);
  if (!v->data) luaL_error(L, "%s is closed", FMB_VIEW);
  return v;
}

static int fail(lua_State *L, const fm_view *v, const fm_error *e)
{
  return fmb_fail(L, fm_map_label(fm_view_map(v)), e);
}

/* Raises unless `length` bytes from `offset`, the method's first argument, lie in the view. */
static void check_range(lua_State *L, const fm_view *v, uint64_t offset, uint64_t length)
{
  if (offset > v->size || length > v->size - offset)
    fmb_raise_range(L, v, false, 2, (lua_Integer)offset, length);
}

/*** A view: bytes of a map that can be read and written. Offsets count bytes from 0.
@type view */

/*** The view's size, also as `#view`.
@function size
@treturn integer bytes */
static int view_size(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fmb_open_self(L)->size);
  return 1;
}

/*** What may be done through it.
@function access
@treturn string `r`, `rw`, `copy`, `rx`, `rwx` or `copyx` */
static int view_access(lua_State *L)
{
  lua_pushstring(L, fm_access_word(fmb_open_self(L)->access));
  return 1;
}

/*** A slice, which keeps the mapping alive on its own.
@function sub
@tparam integer offset in bytes from 0
@tparam integer length in bytes
@tparam[opt] string access no more than this view gives; default: this view's
@treturn[1] view
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied`, `invalid` (a length of 0), `no_memory`, `system`
@raise for a range past the view's end */
static int view_sub(lua_State *L)
{
  const int otherwise = fmb_open_self(L)->access;
  const uint64_t offset = fmb_check_count(L, 2, "offset");
  const uint64_t length = fmb_check_count(L, 3, "length");
  const int access = fmb_opt_access(L, 4, otherwise);
  fm_view *slice = fmb_new_view(L); /* a finalizer may run, and close self: look only now */
  const fm_view *v = fmb_open_self(L);
  check_range(L, v, offset, length);
  fm_error e;
  return fm_view_sub(slice, v, offset, length, access, &e) == FM_OK ? 1 : fail(L, v, &e);
}

/*** Writes the bytes back. Of a file map they, and the file's metadata, are on the disk on return;
elsewhere as far as the system can.
@function flush
@tparam[opt=0] integer offset in bytes from 0
@tparam[opt] integer length in bytes; default: the rest
@tparam[opt] string how `"async"`: only start it
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `no_space`, `system`
@raise for a range past the view's end. Source: msync(2), FlushViewOfFile */
static int view_flush(lua_State *L)
{
  static const char *const ways[] = {"async", NULL};
  const fm_view *v = fmb_open_self(L);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 3, "length", offset < v->size ? v->size - offset : 0);
  const bool async = !lua_isnoneornil(L, 4) && luaL_checkoption(L, 4, NULL, ways) == 0;
  check_range(L, v, offset, length);
  fm_error e;
  if (fm_view_flush(v, offset, length, async, &e) != FM_OK) return fail(L, v, &e);
  lua_pushboolean(L, 1);
  return 1;
}

/*** Unmaps the view; twice is fine. Also as `close`.
@function unmap
@treturn boolean true */

/*** The same as @{view:unmap}, by the name that maps have for it too.
@function close
@treturn boolean true */
static int view_unmap(lua_State *L)
{
  fm_view_close(luaL_checkudata(L, 1, FMB_VIEW));
  lua_pushboolean(L, 1);
  return 1;
}

static int view_tostring(lua_State *L)
{
  const fm_view *v = luaL_checkudata(L, 1, FMB_VIEW);
  if (!v->data) lua_pushliteral(L, FMB_VIEW " (closed)");
  else
    lua_pushfstring(L, "%s (%I bytes, %s)", FMB_VIEW, (LUAI_UACINT)v->size, fm_access_word(v->access));
  return 1;
}

/* Every function gets the metatable, which is on top, as its upvalue: see fmb_self. */
static void add(lua_State *L, int into, const luaL_Reg *functions)
{
  lua_pushvalue(L, into);
  lua_pushvalue(L, -3);
  luaL_setfuncs(L, functions, 1);
  lua_pop(L, 1);
}

void fmb_open_view(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"size", view_size},   {"access", view_access}, {"sub", view_sub}, {"flush", view_flush},
    {"unmap", view_unmap}, {"close", view_unmap},   {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
    {"__len", view_size},    {"__tostring", view_tostring}, {"__gc", view_unmap},
    {"__close", view_unmap}, {NULL, NULL},
  };
  const luaL_Reg *const topics[] = {methods, fmb_number_methods, fmb_text_methods};
  luaL_newmetatable(L, FMB_VIEW);
  const int metatable = lua_gettop(L);
  lua_newtable(L);
  const int index = lua_gettop(L);
  lua_pushvalue(L, metatable);
  add(L, metatable, metamethods);
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) add(L, index, topics[i]);
  lua_pop(L, 1);
  lua_setfield(L, metatable, "__index");
  lua_pop(L, 1);
}
