/* Userdata, all of which begin with an fmb_object. (The names of their types are in lerror.c.) */
#include <string.h>

#include "binding.h"

fmb_object *fmb_new_object(lua_State *L, int arguments, const char *type, size_t size, int values)
{
  lua_settop(L, arguments);
  fmb_object *o = lua_newuserdatauv(L, size, values);
  memset(o, 0, size);
  o->type = type;
  luaL_setmetatable(L, type);
  return o;
}

void *fmb_release(lua_State *L, const char *type)
{
  fmb_object *o = fmb_check_object(L, 1, type);
  void *pointer = o->pointer;
  o->pointer = NULL;
  lua_pushboolean(L, 1);
  return pointer;
}

int fmb_push_pollable(lua_State *L, const char *type, fm_waitable_kind kind, const char *name)
{
  const fm_waitable object = {.kind = kind, .object = fmb_check_open(L, 1, type)};
  intptr_t handle;
  fm_error e;
  if (fm_pollable(&object, &handle, &e) != FM_OK) return fmb_fail(L, name, &e);
  lua_pushinteger(L, (lua_Integer)handle);
  return 1;
}

void fmb_new_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction close,
                  lua_CFunction to_string, const luaL_Reg *metamethods)
{
  const luaL_Reg closing[] = {{"__gc", close}, {"__close", close}, {NULL, NULL}};
  luaL_newmetatable(L, type);
  if (close) luaL_setfuncs(L, closing, 0);
  if (metamethods) luaL_setfuncs(L, metamethods, 0);
  lua_pushcfunction(L, to_string);
  lua_setfield(L, -2, "__tostring");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
