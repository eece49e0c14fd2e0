/* The function for programs in C that embed Lua, besides luaopen_filemap_core. */
#include "../base/error.h"
#include "binding.h"

int fm_lua_push_view(lua_State *L, const fm_view *v, int access, fm_error *e)
{
  luaL_requiref(L, "filemap.core", luaopen_filemap_core, 0); /* views have their methods from the module */
  lua_pop(L, 1);
  fmb_view_object *slice = fmb_new_view(L); /* a finalizer may run, and close `v` */
  const int code = v->data ? fm_view_sub(&slice->view, v, 0, v->size, access, e)
                           : fm_fail(e, FM_CLOSED, NULL);
  if (code == FM_OK) slice->object.pointer = &slice->view;
  else lua_pop(L, 1);
  return code;
}
