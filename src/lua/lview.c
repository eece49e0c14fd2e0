/* Views as Lua sees them: a userdata that holds the fm_view itself. Here is what a view is; what it can read
** and write is in files of its own. */
#include <string.h>

#include "binding.h"

/*** @module filemap */

const char fmb_view_tag[] = FMB_VIEW;

fm_view *fmb_new_view(lua_State *L)
{
  fmb_view *u = lua_newuserdatauv(L, sizeof *u, 0);
  memset(u, 0, sizeof *u);
  u->tag = fmb_view_tag;
  luaL_setmetatable(L, FMB_VIEW);
  return &u->view;
}

fm_view *fmb_open_self(lua_State *L)
{
  fm_view *v = fmb_self(L);
  if (!v->data) fmb_raise(L, "%s is closed", FMB_VIEW);
  return v;
}

static int fail(lua_State *L, const fm_view *v, const fm_error *e)
{
  return fmb_fail(L, fm_map_label(fm_view_map(v)), e);
}

void fmb_check_range(lua_State *L, const fm_view *v, int arg, uint64_t offset, uint64_t length)
{
  if (offset > v->size || length > v->size - offset)
    fmb_at_last(L, v, false, arg, (lua_Integer)offset, length);
}

static int succeed(lua_State *L)
{
  lua_pushboolean(L, 1);
  return 1;
}

/*** A view: bytes of a map that can be read and written. Offsets count bytes from 0.
@type view */

/*** The view's size, also as `#view`.
@function size
@treturn integer bytes */
static int view_size(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fmb_open_self(L)->size);
  return 1;
}

/*** What may be done through it.
@function access
@treturn string `r`, `rw`, `copy`, `rx`, `rwx` or `copyx` */
static int view_access(lua_State *L)
{
  lua_pushstring(L, fm_access_word(fmb_open_self(L)->access));
  return 1;
}

/*** A slice, which keeps the mapping alive on its own.
@function sub
@tparam integer offset in bytes from 0
@tparam integer length in bytes
@tparam[opt] string access no more than this view gives; default: this view's
@treturn[1] view
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied`, `invalid` (a length of 0), `no_memory`, `system`
@raise for a range past the view's end */
static int view_sub(lua_State *L)
{
  const int otherwise = fmb_open_self(L)->access;
  const uint64_t offset = fmb_check_count(L, 2, "offset");
  const uint64_t length = fmb_check_count(L, 3, "length");
  const int access = fmb_opt_access(L, 4, otherwise);
  fm_view *slice = fmb_new_view(L); /* a finalizer may run, and close self: look only now */
  const fm_view *v = fmb_open_self(L);
  fmb_check_range(L, v, 2, offset, length);
  fm_error e;
  return fm_view_sub(slice, v, offset, length, access, &e) == FM_OK ? 1 : fail(L, v, &e);
}

/*** Writes the bytes back. Of a file map they, and the file's metadata, are on the disk on return;
elsewhere as far as the system can.
@function flush
@tparam[opt=0] integer offset in bytes from 0
@tparam[opt] integer length in bytes; default: the rest
@tparam[opt] string how `"async"`: only start it
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `no_space`, `truncated`, `system`
@treturn[2] ?integer native
@raise for a range past the view's end. Source: msync(2), FlushViewOfFile */
static int view_flush(lua_State *L)
{
  static const char *const ways[] = {"async", NULL};
  const fm_view *v = fmb_open_self(L);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 3, "length", offset < v->size ? v->size - offset : 0);
  const bool async = !lua_isnoneornil(L, 4) && luaL_checkoption(L, 4, NULL, ways) == 0;
  fmb_check_range(L, v, 2, offset, length);
  fm_error e;
  return fm_view_flush(v, offset, length, async, &e) == FM_OK ? succeed(L) : fail(L, v, &e);
}

/*** Tells the system how the bytes will be used. It never changes what is read.
@function advise
@tparam string hint `"normal"`, `"sequential"`, `"random"`, `"willneed"` or `"dontneed"`
@tparam[opt=0] integer offset in bytes from 0
@tparam[opt] integer length in bytes; default: the rest
@treturn boolean true, also where the system has no such hint
@raise for an unknown hint, and a range past the view's end. Source: madvise(2), PrefetchVirtualMemory */
static int view_advise(lua_State *L)
{
  static const char *const hints[] = {"normal", "sequential", "random", "willneed", "dontneed", NULL};
  static const fm_hint meant[] = {FM_NORMAL, FM_SEQUENTIAL, FM_RANDOM, FM_WILLNEED, FM_DONTNEED};
  const fm_view *v = fmb_open_self(L);
  const fm_hint hint = meant[luaL_checkoption(L, 2, NULL, hints)];
  const uint64_t offset = fmb_opt_count(L, 3, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 4, "length", offset < v->size ? v->size - offset : 0);
  fmb_check_range(L, v, 3, offset, length);
  fm_view_advise(v, hint, offset, length, NULL);
  return succeed(L);
}

/*** Keeps the whole view in memory until `unpin`, or until nothing uses the mapping any more.
@function pin
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `no_memory` past what the process may lock (RLIMIT_MEMLOCK), `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError. Source: mlock(2), VirtualLock */
static int view_pin(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  fm_error e;
  return fm_view_pin(v, &e) == FM_OK ? succeed(L) : fail(L, v, &e);
}

/*** Ends `pin`; without one it does nothing. Pins are by page and not counted: what slices share is let go
for all.
@function unpin
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `truncated`, `system`
@treturn[2] ?integer native. Source: munlock(2), VirtualUnlock */
static int view_unpin(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  fm_error e;
  return fm_view_unpin(v, &e) == FM_OK ? succeed(L) : fail(L, v, &e);
}

/*** Takes the memory of a range of a map that was made with `commit = false`; again is fine. On Windows
touching what is not committed raises, elsewhere it reads 0 and takes memory as it is written.
@function commit
@tparam integer offset in bytes from 0
@tparam integer length in bytes
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (the map is not writable), `no_space`, `no_memory`, `truncated`,
  `unsupported` (a file system that cannot), `system`
@treturn[2] ?integer native
@raise for a range past the view's end. Source: fallocate(2), VirtualAlloc */
static int view_commit(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  const uint64_t offset = fmb_check_count(L, 2, "offset");
  const uint64_t length = fmb_check_count(L, 3, "length");
  fmb_check_range(L, v, 2, offset, length);
  fm_error e;
  return fm_view_commit(v, offset, length, &e) == FM_OK ? succeed(L) : fail(L, v, &e);
}

/*** Unmaps the view; twice is fine. Also as `close`.
@function unmap
@treturn boolean true */

/*** The same as @{view:unmap}, by the name that maps have for it too.
@function close
@treturn boolean true */
static int view_unmap(lua_State *L)
{
  fm_view_close(fmb_self(L));
  return succeed(L);
}

static int view_tostring(lua_State *L)
{
  const fm_view *v = fmb_self(L);
  if (!v->data) lua_pushliteral(L, FMB_VIEW " (closed)");
  else
    lua_pushfstring(L, "%s (%I bytes, %s)", FMB_VIEW, (LUAI_UACINT)v->size, fm_access_word(v->access));
  return 1;
}

void fmb_open_view(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"size", view_size},     {"access", view_access}, {"sub", view_sub},     {"flush", view_flush},
    {"advise", view_advise}, {"pin", view_pin},       {"unpin", view_unpin}, {"commit", view_commit},
    {"unmap", view_unmap},   {"close", view_unmap},   {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
    {"__len", view_size},    {"__tostring", view_tostring}, {"__gc", view_unmap},
    {"__close", view_unmap}, {NULL, NULL},
  };
  const luaL_Reg *const topics[] = {methods, fmb_number_methods, fmb_atomic_methods, fmb_array_methods,
                                    fmb_text_methods, fmb_byte_methods, fmb_packed_methods, fmb_stream_methods};
  luaL_newmetatable(L, FMB_VIEW);
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) luaL_setfuncs(L, topics[i], 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
