/* Userdata that hold one pointer: what sync objects and channels are to Lua. */
#include "binding.h"

const char fmb_mutex[] = "filemap.mutex", fmb_semaphore[] = "filemap.semaphore", fmb_event[] = "filemap.event",
           fmb_state[] = "filemap.state", fmb_mailslot[] = "filemap.mailslot", fmb_listener[] = "filemap.listener",
           fmb_conn[] = "filemap.conn", fmb_file[] = "filemap.file_handle";

fmb_object *fmb_new_object(lua_State *L, int arguments, const char *type, size_t size)
{
  lua_settop(L, arguments);
  fmb_object *o = lua_newuserdatauv(L, size, 0);
  *o = (fmb_object){NULL, type};
  luaL_setmetatable(L, type);
  return o;
}

void *fmb_release(lua_State *L, const char *type)
{
  fmb_object *o = fmb_to_object(L, type);
  void *pointer = o->pointer;
  o->pointer = NULL;
  lua_pushboolean(L, 1);
  return pointer;
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
