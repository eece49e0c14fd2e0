/* starve: the Lua module by which specs run chunks in a separate Lua state, whose memory runs out, or whose
** collector runs, at a chosen allocation. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

typedef struct supply {
  lua_State *M;
  bool counted;
  bool interrupts; /* at the chosen allocation the collector starts; else memory runs out there */
  lua_Integer most, taken; /* allocations: allowed before that, and made */
} supply;

/* What new and freed memory is filled with: the result of a call must not contain it. No text in UTF-8 has
** the byte twice in a row. */
enum { POISON = 0xD5 };

static void *renew(void *p, size_t before, size_t wanted)
{
  unsigned char *new = malloc(wanted);
  if (!new) return NULL;
  memset(new, POISON, wanted);
  if (!p) return new;
  memcpy(new, p, before < wanted ? before : wanted);
  memset(p, POISON, before);
  free(p);
  return new;
}

/* Lua assumes that shrinking a block never fails, so only growth is counted. */
static void *allocate(void *data, void *p, size_t before, size_t wanted)
{
  supply *s = data;
  if (wanted == 0) {
    if (p) memset(p, POISON, before);
    free(p);
    return NULL;
  }
  if (s->counted && (!p || wanted > before) && s->taken++ >= s->most) {
    if (!s->interrupts) return NULL;
    /* This only clears the debt and the flag. The memory that is asked for is added to the debt on return, so
    ** that the next call of Lua's that may run the collector does. */
    if (s->taken == s->most + 1) lua_gc(s->M, LUA_GCRESTART, 0);
  }
  return renew(p, before, wanted);
}

/* Is the error on the stack a lack of memory? A function that catches one raises its message again. */
static bool is_lack_of_memory(lua_State *M, int status)
{
  const char *message = status == LUA_ERRRUN ? lua_tostring(M, -1) : NULL;
  return status == LUA_ERRMEM || (message && strcmp(message, "not enough memory") == 0);
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
  lua_State *M = s->M = luaL_newstate();
  if (!M) return NULL;
  lua_setallocf(M, allocate, s); /* (Lua's own allocator calls realloc and free, too.) */
  luaL_openlibs(M);
  lua_getglobal(M, "package");
  lua_pushstring(M, path);
  lua_setfield(M, -2, "path");
  lua_pushstring(M, cpath);
  lua_setfield(M, -2, "cpath");
  /* One step then runs the finalizers of all new garbage. (Lua 5.3 has no generations.) */
#ifdef LUA_GCGEN
  lua_gc(M, LUA_GCGEN, 0, 0);
#else
  lua_gc(M, LUA_GCSETSTEPMUL, 1 << 30);
#endif
  lua_gc(M, LUA_GCSTOP, 0); /* the chunks decide when the collector runs */
  return M;
}

/* The functions of this module: (path, cpath, most, before, chunk, after) -> whether `chunk` made at most
** `most` allocations; nil, message for an error other than a lack of memory. Runs the three chunks. */
static int run_chunks(lua_State *L, bool interrupts)
{
  supply s = {.interrupts = interrupts, .most = luaL_checkinteger(L, 3)};
  const char *chunks[] = {luaL_checkstring(L, 4), luaL_checkstring(L, 5), luaL_checkstring(L, 6)};
  lua_State *M = new_state(&s, luaL_checkstring(L, 1), luaL_checkstring(L, 2));
  if (!M) return luaL_error(L, "not enough memory");
  int status = LUA_OK;
  for (int i = 0; i < 3 && status == LUA_OK; i++) {
    status = perform(M, chunks[i], &s, i == 1);
    if (i == 1 && is_lack_of_memory(M, status)) status = LUA_OK;
  }
  if (status != LUA_OK) lua_pushnil(L), lua_pushstring(L, luaL_tolstring(M, -1, NULL));
  else lua_pushboolean(L, s.taken <= s.most);
  lua_close(M);
  return status == LUA_OK ? 1 : 2;
}

/* Only the first `most` allocations of `chunk` succeed. */
static int starve_run(lua_State *L)
{
  return run_chunks(L, false);
}

/* The allocation after the first `most` of `chunk` starts the collector, which runs finalizers in the call of
** Lua's that allocated, or in the next one that may run it. */
static int starve_interrupt(lua_State *L)
{
  return run_chunks(L, true);
}

#if defined(_WIN32)
__declspec(dllexport)
#endif
int luaopen_starve(lua_State *L);

int luaopen_starve(lua_State *L)
{
  static const luaL_Reg functions[] = {{"run", starve_run}, {"interrupt", starve_interrupt}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
