/* What differs between the Lua versions that the binding is built for. It is written for Lua 5.4. */
#ifndef FILEMAP_VERSIONS_H
#define FILEMAP_VERSIONS_H

#include <lauxlib.h>

/* Lua's headers do not declare that these never return. */
LUA_API _Noreturn int lua_error(lua_State *L);
LUALIB_API _Noreturn int luaL_argerror(lua_State *L, int arg, const char *message);
LUALIB_API _Noreturn int luaL_error(lua_State *L, const char *format, ...);

/* Lua's files write a float without ".0" up to Lua 5.4. */
#define FMB_FILES_WRITE_POINT (LUA_VERSION_NUM >= 505)

#if LUA_VERSION_NUM < 504

#define luaL_pushfail lua_pushnil
#define luaL_buffaddr(buffer) ((buffer)->b)
#define luaL_typeerror(L, arg, name) \
  luaL_argerror(L, arg, lua_pushfstring(L, "%s expected, got %s", name, luaL_typename(L, arg)))

/* Lua 5.3 has one user value. It is a table of the values, which has room for them from the start. */
static inline void *lua_newuserdatauv(lua_State *L, size_t size, int values)
{
  void *p = lua_newuserdata(L, size);
  if (values > 0) lua_createtable(L, values, 0), lua_setuservalue(L, -2);
  return p;
}

static inline int lua_getiuservalue(lua_State *L, int index, int n)
{
  lua_getuservalue(L, index);
  const int type = lua_rawgeti(L, -1, n);
  lua_remove(L, -2);
  return type;
}

static inline void lua_setiuservalue(lua_State *L, int index, int n)
{
  lua_getuservalue(L, index);
  lua_insert(L, -2);
  lua_rawseti(L, -2, n);
  lua_pop(L, 1);
}

#endif
#endif
