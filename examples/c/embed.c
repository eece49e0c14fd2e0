/* A program in C that embeds Lua, and shares memory with its script: the script gets the program's own view,
** without a copy. The memory has a name, so that other processes see it too.
**
**   embed SCRIPT [NAME]       runs the script (such as embed.lua), prints the player, and goes on until Enter
**
** Build it against an installed filemap, by CMake (CMakeLists.txt) or with pkg-config; Debian's Lua is
** lua5.4:
**
**   cc embed.c $(pkg-config --cflags --libs filemap-lua lua5.4) -o embed
**
** The module in C is in the program. Those in Lua must be in LUA_PATH: PREFIX/share/lua/5.4/?.lua. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include <filemap_lua.h>

/* The script has the same structure: see embed.lua. */
typedef struct player {
  float x, y;
  uint32_t score;
  char name[16];
} player;

/* Lets `require` find filemap.core in this program. */
static void preload(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_filemap_core);
  lua_setfield(L, -2, "filemap.core");
  lua_pop(L, 1);
}

/* Runs in protected mode: run(view, script). The script gets the view as its argument. */
static int run(lua_State *L)
{
  const fm_view *view = lua_touserdata(L, 1);
  const char *script = lua_tostring(L, 2);
  fm_error e;
  luaL_openlibs(L);
  preload(L);
  if (luaL_loadfile(L, script) != LUA_OK) return lua_error(L);
  if (fm_lua_push_view(L, view, FM_RW, &e) != FM_OK) return luaL_error(L, "no view: %s", e.detail);
  lua_call(L, 1, 0);
  return 0;
}

static int run_script(fm_view *view, const char *script)
{
  lua_State *L = luaL_newstate();
  if (!L) return EXIT_FAILURE;
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, view);
  lua_pushstring(L, script);
  const bool failed = lua_pcall(L, 2, 0, 0) != LUA_OK;
  if (failed) fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
  lua_close(L); /* closes the script's view, and leaves ours open */
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
  const char *name = argc > 2 ? argv[2] : "Local\\filemap-example-embed";
  fm_map *map = NULL;
  fm_view view = {0};
  fm_error e;
  if (argc < 2) return EXIT_FAILURE;
  int code = fm_create(&map, name, sizeof(player), NULL, &e);
  if (code == FM_OK) code = fm_view_open(&view, map, 0, sizeof(player), FM_RW, &e);
  if (code != FM_OK) {
    fprintf(stderr, "embed: %s: %s (%s)\n", name, e.detail, fm_word(e.code));
    fm_map_close(map);
    return EXIT_FAILURE;
  }
  player *p = (player *)(void *)view.data;
  p->x = 1;
  p->y = 2;
  strcpy(p->name, "Ann");

  const int result = run_script(&view, argv[1]);
  printf("%s is at (%.1f, %.1f), score %u\n", p->name, p->x, p->y, (unsigned)p->score);
  fflush(stdout);
  if (result == EXIT_SUCCESS) getchar();
  fm_view_close(&view);
  fm_map_close(map);
  return result;
}
