/* Userdata of one pointer: what sync objects and channels are to Lua. */
#include "binding.h"

void **fmb_new_object(lua_State *L, const char *type)
{
  void **p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = NULL;
  luaL_setmetatable(L, type);
  return p;
}

void *fmb_check_object(lua_State *L, const char *type)
{
  void *p = *(void **)luaL_checkudata(L, 1, type);
  if (!p) luaL_error(L, "%s is closed", type);
  return p;
}

int fmb_finish(lua_State *L, int code, const char *subject, const fm_error *e)
{
  if (code != FM_OK) return fmb_fail(L, subject, e);
  lua_pushboolean(L, 1);
  return 1;
}

void fmb_new_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction close, lua_CFunction tostring)
{
  const luaL_Reg metamethods[] = {
    {"__gc", close}, {"__close", close}, {"__tostring", tostring}, {NULL, NULL},
  };
  luaL_newmetatable(L, type);
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
