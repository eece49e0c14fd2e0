/* filemap for programs in C that embed Lua (5.3, 5.4 or 5.5): the module's loader, and views that C and Lua
** share.
**
** Such a program links the library filemap_lua in place of filemap. It contains filemap too. Two copies of
** the library in one program would not know each other's views, so the program does not link both, and does
** not load the installed module filemap.core.
**
**   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
**   lua_pushcfunction(L, luaopen_filemap_core);
**   lua_setfield(L, -2, "filemap.core");
**   lua_pop(L, 1);
**
** After this, `require "filemap"` finds the part in C in the program, and the modules in Lua by
** package.path. */
#ifndef FILEMAP_LUA_H
#define FILEMAP_LUA_H

#include "filemap.h"

/* Marks the function that the Lua module exports. On Windows cmake/core.def names it. */
#if defined(__GNUC__) && !defined(_WIN32)
#define FM_LUA_API __attribute__((visibility("default")))
#else
#define FM_LUA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#include <lua.h>

/* The loader of the module filemap.core, which the modules in Lua are made of: a lua_CFunction. */
FM_LUA_API int luaopen_filemap_core(lua_State *L);

/* Pushes a Lua view of the memory of `v`. The view is a slice, which the script or Lua's garbage collector
** closes. `v` remains the caller's; the two are closed in any order. `access` is what the script may do. The
** call loads the module filemap.core if the Lua state does not have it yet.
**
** Returns FM_OK with one value on the stack, or another code with none. The call needs four free places on
** the stack. It can raise a Lua error, as when Lua has no memory, so the program calls it in protected mode
** (lua_pcall).
**
** FM_CLOSED       `v` is closed
** FM_DENIED       `v` does not give the access
** FM_INVALID      the access is wrong
** and, with FM_COPY of a view that does not have it, the codes of fm_view_open. */
int fm_lua_push_view(lua_State *L, const fm_view *v, int access, fm_error *e);

#ifdef __cplusplus
}
#endif

#endif
