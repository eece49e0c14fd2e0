/* The functions of the C modules of lua-system and lua-term that busted uses.
 * Neither module is built for Windows here, so this library replaces both,
 * under two names: system/core.dll and term/core.dll.  It is used in tests
 * only. */
#include <io.h>
#include <stdio.h>
#include <windows.h>

#include <lauxlib.h>
#include <lua.h>

/* FILETIME counts units of 100 ns since the year 1601. Lua's clocks count
 * seconds since 1970. */
static int gettime(lua_State *L) {
  FILETIME now;
  GetSystemTimeAsFileTime(&now);
  ULARGE_INTEGER ticks = {{now.dwLowDateTime, now.dwHighDateTime}};
  lua_pushnumber(L, (double)ticks.QuadPart / 1e7 - 11644473600.0);
  return 1;
}

static int monotime(lua_State *L) {
  LARGE_INTEGER count, per_second;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&per_second);
  lua_pushnumber(L, (double)count.QuadPart / (double)per_second.QuadPart);
  return 1;
}

static int sleep(lua_State *L) {
  Sleep((DWORD)(luaL_checknumber(L, 1) * 1000));
  return 0;
}

static int isatty_(lua_State *L) {
  luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  lua_pushboolean(L, file->closef && _isatty(_fileno(file->f)));
  return 1;
}

static const luaL_Reg functions[] = {{"gettime", gettime},
                                     {"monotime", monotime},
                                     {"sleep", sleep},
                                     {"isatty", isatty_},
                                     {NULL, NULL}};

__declspec(dllexport) int luaopen_system_core(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

__declspec(dllexport) int luaopen_term_core(lua_State *L) {
  return luaopen_system_core(L);
}
