#include <string.h>

#include "binding.h"

int fmb_fail(lua_State *L, const char *subject, const fm_error *e)
{
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", subject, e->detail);
  lua_pushstring(L, fm_word(e->code));
  if (e->native != 0) lua_pushinteger(L, e->native);
  else lua_pushnil(L);
  return 4;
}

const char *fmb_check_text(lua_State *L, int arg)
{
  size_t length;
  const char *s = luaL_checklstring(L, arg, &length);
  if (strlen(s) == length) return s;
  fmb_fail(L, s, &(fm_error){FM_INVALID, 0, "a name or path holds no NUL"});
  return NULL;
}

int fmb_raise_range(lua_State *L, const fm_view *v, bool writing, int arg, lua_Integer offset,
                    uint64_t n)
{
  if (!v->data) return luaL_error(L, "%s is closed", FMB_VIEW);
  if (writing && v->writable == 0)
    return luaL_error(L, "%s is read-only (access \"%s\")", FMB_VIEW, fm_access_word(v->access));
  const char *why =
      offset < 0 ? lua_pushfstring(L, "offset %I is negative", (LUAI_UACINT)offset)
                 : lua_pushfstring(L, "offset %I + %I bytes is past the end of a %I-byte view",
                                   (LUAI_UACINT)offset, (LUAI_UACINT)n, (LUAI_UACINT)v->size);
  return luaL_argerror(L, arg, why);
}
