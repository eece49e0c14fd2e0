/* Errors: failures that are returned, and mistakes that are raised. The names of the types, which messages
** have. */
#include <stdarg.h>
#include <string.h>

#include "binding.h"

const char fmb_map[] = "filemap.map", fmb_view[] = "filemap.view", fmb_array[] = "filemap.array",
           fmb_stream[] = "filemap.stream", fmb_mutex[] = "filemap.mutex",
           fmb_semaphore[] = "filemap.semaphore", fmb_event[] = "filemap.event",
           fmb_state[] = "filemap.state", fmb_mailslot[] = "filemap.mailslot",
           fmb_listener[] = "filemap.listener", fmb_conn[] = "filemap.conn",
           fmb_dict[] = "filemap.dict", fmb_dict_cursor[] = "filemap.dict_cursor",
           fmb_file[] = "filemap.file_handle", fmb_record[] = "filemap.record",
           fmb_record_array[] = "filemap.array";

int fmb_fail(lua_State *L, const char *subject, const fm_error *e)
{
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", subject, e->detail);
  lua_pushstring(L, fm_word(e->code));
  if (e->native != 0) lua_pushinteger(L, e->native);
  else lua_pushnil(L);
  return 4;
}

int fmb_finish(lua_State *L, int code, const char *subject, const fm_error *e)
{
  if (code != FM_OK) return fmb_fail(L, subject, e);
  lua_pushboolean(L, 1);
  return 1;
}

/* The registry key of the string with which the names of our own Lua sources begin. */
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
  lua_pop(L, 1); /* the registry keeps it alive */
  return own && strncmp(ar->source, own, length) == 0;
}

/* Pushes the position in the program: that of the innermost Lua function that is not ours. */
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

bool fmb_is_called_by_own(lua_State *L)
{
  lua_Debug ar;
  return lua_getstack(L, 1, &ar) && lua_getinfo(L, "S", &ar) && is_own(L, &ar);
}

/* The message is formatted first. Pushing anything may run a finalizer, which may free what `arguments` point
** to. */
int fmb_raise(lua_State *L, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  push_where(L);
  lua_insert(L, -2);
  lua_concat(L, 2);
  lua_error(L);
}

const char *fmb_push_type_name(lua_State *L, int index)
{
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) return lua_tostring(L, -1);
  if (lua_type(L, index) == LUA_TLIGHTUSERDATA) return lua_pushliteral(L, "light userdata");
  return lua_pushstring(L, luaL_typename(L, index));
}

int fmb_type_error(lua_State *L, int arg, const char *expected)
{
  const char *got = fmb_push_type_name(L, arg);
  const bool is_map = expected == fmb_view && strcmp(got, fmb_map) == 0;
  const char *hint = is_map ? "; the map's method view makes one" : "";
  luaL_argerror(L, arg, lua_pushfstring(L, "%s expected, got %s%s", expected, got, hint));
}

int fmb_raise_closed(lua_State *L, int arg, const char *type)
{
  if (arg == 1) fmb_raise(L, "%s is closed", type);
  luaL_argerror(L, arg, lua_pushfstring(L, "%s is closed", type));
}
