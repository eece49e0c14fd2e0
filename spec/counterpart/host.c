/* A program in C that embeds Lua and shares views with it (include/filemap_lua.h). Each line of its output is
** a case and its result. */
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "../../include/filemap_lua.h"

static fm_error e;

/* Runs `chunk` with a view of `v` as its argument. Returns the word of the push's code, and prints what the
** chunk returns. The chunk may close the view. */
static int run(lua_State *L)
{
  const char *which = lua_tostring(L, 1), *chunk = lua_tostring(L, 2);
  const fm_view *v = lua_touserdata(L, 3);
  const int access = (int)lua_tointeger(L, 4), before = lua_gettop(L);
  const int code = luaL_loadstring(L, chunk) == LUA_OK ? fm_lua_push_view(L, v, access, &e) : FM_SYSTEM;
  if (code != FM_OK) {
    printf("%s: %s, %d left on the stack\n", which, fm_word(code), lua_gettop(L) - before - 1);
    return 0;
  }
  lua_call(L, 1, 1);
  printf("%s: %s\n", which, luaL_tolstring(L, -1, NULL));
  return 0;
}

static void call(lua_State *L, const char *which, const char *chunk, fm_view *v, int access)
{
  lua_pushcfunction(L, run);
  lua_pushstring(L, which);
  lua_pushstring(L, chunk);
  lua_pushlightuserdata(L, v);
  lua_pushinteger(L, access);
  if (lua_pcall(L, 4, 0, 0) != LUA_OK) {
    printf("%s: raised %s\n", which, lua_tostring(L, -1));
    lua_pop(L, 1);
  }
}

int main(void)
{
  fm_map *map;
  fm_view view, part;
  uint32_t number;
  lua_State *L = luaL_newstate();
  if (!L || fm_create(&map, NULL, 4096, NULL, &e) != FM_OK) return 1;
  if (fm_view_open(&view, map, 0, 4096, FM_RW, &e) != FM_OK) return 1;
  if (fm_view_open(&part, map, 1024, 4, FM_READ, &e) != FM_OK) return 1;
  fm_map_close(map);
  luaL_openlibs(L);

  call(L, "writes", "local v = ... v:set_u32(1024, 77) return #v .. ' bytes, ' .. v:access()", &view, FM_RW);
  call(L, "shares", "local v = ... return v:get_u32(0)", &part, FM_READ);
  call(L, "read-only", "local v = ... return v:set_u8(0, 1)", &view, FM_READ);
  call(L, "more than it gives", "return 1", &part, FM_RW);
  call(L, "no access", "return 1", &view, 64);
  call(L, "private copy", "local v = ... v:set_u32(1024, 78) return v:get_u32(1024)", &view,
       FM_READ | FM_COPY);
  call(L, "closes its own", "local v = ... return v:close()", &view, FM_RW);
  memcpy(&number, part.data, sizeof number);
  printf("the program's is open: %u\n", (unsigned)number);
  call(L, "keeps", "kept = ... return 'kept'", &part, FM_READ);
  fm_view_close(&part);
  fm_view_close(&view);
  call(L, "closed", "return 1", &view, FM_RW);
  call(L, "outlives", "return 1", &part, FM_READ);
  if (luaL_dostring(L, "return kept:get_u32(0)") == LUA_OK) printf("kept: %s\n", lua_tostring(L, -1));
  lua_close(L);
  return 0;
}
