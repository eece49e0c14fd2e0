/* filemap for programs in C that embed Lua 5.4: the Lua module as a function, and views that C and Lua share.
**
** Such a program links the library filemap_lua in place of filemap. It contains filemap as well. A program
** that linked both would have two copies of the library, which do not know each other's views.
**
**   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
**   lua_pushcfunction(L, luaopen_filemap_core);
**   lua_setfield(L, -2, "filemap.core");
**   lua_pop(L, 1);
**
** After this, `require "filemap"` finds the module in C in the program, and those in Lua by package.path. */
#ifndef FILEMAP_LUA_H
#define FILEMAP_LUA_H

#include <lua.h>

#include "filemap.h"

/* What the Lua module exports. On Windows cmake/core.def lists it. */
#if defined(__GNUC__) && !defined(_WIN32)
#define FM_LUA_API __attribute__((visibility("default")))
#else
#define FM_LUA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The loader of the module filemap.core, which the modules in Lua are made of: a lua_CFunction. */
FM_LUA_API int luaopen_filemap_core(lua_State *L);

/* Pushes a Lua view of the memory of `v`, which must be open: a slice that Lua closes when it collects it, as
** any other view. `v` remains the caller's, and the two are closed in any order. `access` is what the script
** may do; it is no more than `v` gives. The view has no map that the script could ask for.
**
** Returns FM_OK with one value on the stack, or another code with none. It needs two free places on the
** stack, and may raise Lua's memory error, so that it is called in protected mode (lua_pcall).
**
** FM_CLOSED       `v` is closed
** FM_DENIED       `v` does not give the access
** FM_INVALID      the access is wrong; the module filemap.core was not loaded in this Lua state
** and, with FM_COPY of a view that does not have it, the codes of fm_view_open. */
int fm_lua_push_view(lua_State *L, const fm_view *v, int access, fm_error *e);

#ifdef __cplusplus
}
#endif

#endif
