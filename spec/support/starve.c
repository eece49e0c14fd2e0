/* starve: the Lua module by which specs run chunks in a separate Lua state, whose memory runs out at a
** chosen moment. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

typedef struct supply {
  bool counted;
  lua_Integer most, taken; /* allocations: allowed, and made */
} supply;

/* Lua assumes that shrinking a block never fails, so only growth is counted. */
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

/* Runs a chunk. Leaves its first result or the error on the stack of M. */
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
  lua_gc(M, LUA_GCSTOP); /* the chunks decide when the collector runs */
  return M;
}

/* run(path, cpath, most, before, chunk, after) -> whether all allocations of `chunk` succeeded; nil,
** message for an error other than a lack of memory. Runs the three chunks. In `chunk`, only the first
** `most` allocations succeed. */
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
