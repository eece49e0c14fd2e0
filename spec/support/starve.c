/* starve: the Lua module by which specs run chunks in a Lua of their own, whose memory ends at a chosen moment. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

typedef struct supply {
  bool counted;
  lua_Integer most, taken; /* how often memory may be asked for, and was */
} supply;

/* Lua believes that less is always to be had. */
static void *allocate(void *data, void *p, size_t before, size_t wanted)
{
  supply *s = data;
  if (wanted == 0) {
    free(p);
    return NULL;
  }
  if (s->counted && (!p || wanted > before) && s->taken++ >= s->most) return NULL;
  return realloc(p, wanted);
}

/* Does the chunk; what it returns, or the error, is left as one value. */
static int perform(lua_State *M, const char *chunk, supply *s, bool counted)
{
  int status = luaL_loadstring(M, chunk);
  s->counted = counted;
  if (status == LUA_OK) status = lua_pcall(M, 0, 1, 0);
  s->counted = false;
  return status;
}

static lua_State *new_state(supply *s, const char *path, const char *cpath)
{
  lua_State *M = lua_newstate(allocate, s);
  if (!M) return NULL;
  luaL_openlibs(M);
  lua_getglobal(M, "package");
  lua_pushstring(M, path);
  lua_setfield(M, -2, "path");
  lua_pushstring(M, cpath);
  lua_setfield(M, -2, "cpath");
  lua_gc(M, LUA_GCSTOP); /* what is collected when is the chunks' business */
  return M;
}

/* run(path, cpath, most, before, chunk, after) -> whether the chunk had all the memory that it asked for; nil, message
** for an error that is not for want of memory. Of the three only `chunk` has its memory counted: it is given `most`
** times. */
static int starve_run(lua_State *L)
{
  supply s = {false, luaL_checkinteger(L, 3), 0};
  const char *chunks[] = {luaL_checkstring(L, 4), luaL_checkstring(L, 5), luaL_checkstring(L, 6)};
  lua_State *M = new_state(&s, luaL_checkstring(L, 1), luaL_checkstring(L, 2));
  if (!M) return luaL_error(L, "not enough memory");
  int status = LUA_OK;
  for (int i = 0; i < 3 && status == LUA_OK; i++) {
    status = perform(M, chunks[i], &s, i == 1);
    if (i == 1 && status == LUA_ERRMEM) status = LUA_OK;
  }
  if (status != LUA_OK) lua_pushnil(L), lua_pushstring(L, luaL_tolstring(M, -1, NULL));
  else lua_pushboolean(L, s.taken <= s.most);
  lua_close(M);
  return status == LUA_OK ? 1 : 2;
}

#if defined(_WIN32)
__declspec(dllexport)
#endif
int luaopen_starve(lua_State *L);

int luaopen_starve(lua_State *L)
{
  static const luaL_Reg functions[] = {{"run", starve_run}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
