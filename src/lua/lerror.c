#include <stdarg.h>
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

/* Where in the registry the beginning of the names of our own Lua sources is. */
static const char own_sources = 0;

int fmb_set_own_sources(lua_State *L)
{
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &own_sources);
  return 0;
}

static bool is_own(lua_State *L, const lua_Debug *ar)
{
  size_t length;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &own_sources);
  const char *own = lua_tolstring(L, -1, &length);
  lua_pop(L, 1); /* the registry has it */
  return own && strncmp(ar->source, own, length) == 0;
}

/* Pushes the position of the program that called: of the first Lua function that is not ours. */
static void push_where(lua_State *L)
{
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || is_own(L, &ar)) continue;
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

/* The arguments of a call by a module of ours say nothing to the program. */
static bool is_called_by_own(lua_State *L)
{
  lua_Debug ar;
  return lua_getstack(L, 1, &ar) && lua_getinfo(L, "S", &ar) && is_own(L, &ar);
}

/* What is formatted comes first: once anything is pushed a finalizer may have run, and freed it. */
int fmb_raise(lua_State *L, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  push_where(L);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

const char *fmb_check_text(lua_State *L, int arg)
{
  size_t length;
  const char *s = luaL_checklstring(L, arg, &length);
  if (strlen(s) == length) return s;
  fmb_fail(L, s, &(fm_error){FM_INVALID, 0, "a name or path holds no NUL"});
  return NULL;
}

unsigned char *fmb_at_last(lua_State *L, const fm_view *v, bool writing, int arg, lua_Integer offset, uint64_t n)
{
  fm_error e;
  const int code = fm_view_check(v, writing, (uint64_t)offset, n, &e);
  if (code == FM_OK) return v->data + offset;
  if (code == FM_CLOSED) fmb_raise(L, "%s is closed", FMB_VIEW);
  if (code == FM_DENIED) fmb_raise(L, "%s is read-only (access \"%s\")", FMB_VIEW, fm_access_word(v->access));
  if (code == FM_TRUNCATED) fmb_raise_lost(L);
  if (is_called_by_own(L)) fmb_raise(L, "%s: %s", FMB_VIEW, e.detail);
  if (offset < 0) luaL_argerror(L, arg, lua_pushfstring(L, "offset %I is negative", (LUAI_UACINT)offset));
  if (n > v->size || (uint64_t)offset > v->size - n)
    luaL_argerror(L, arg, lua_pushfstring(L, "offset %I + %I bytes is past the end of a %I-byte view",
                                          (LUAI_UACINT)offset, (LUAI_UACINT)n, (LUAI_UACINT)v->size));
  luaL_argerror(L, arg, e.detail);
  return NULL;
}

int fmb_raise_lost(lua_State *L)
{
  return fmb_raise(L, "%s is truncated: memory under it has gone away", FMB_VIEW);
}
