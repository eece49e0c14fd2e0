/* Views: userdata that contain the fm_view itself. This file has their life and what concerns whole views;
** the methods that read and write bytes are in files of their own, by topic. */
#include "binding.h"

/*** @module filemap */

fmb_view_object *fmb_new_view(lua_State *L)
{
  return (fmb_view_object *)(void *)fmb_new_object(L, lua_gettop(L), fmb_view, sizeof(fmb_view_object), 0);
}

int fmb_finish_view(lua_State *L, fmb_view_object *v, int code, const char *subject, const fm_error *e)
{
  if (code != FM_OK) return fmb_fail(L, subject, e);
  v->object.pointer = &v->view;
  return 1;
}

static int finish(lua_State *L, const fm_view *v, int code, const fm_error *e)
{
  return fmb_finish(L, code, fm_map_label(fm_view_map(v)), e);
}

/*** A view: bytes of a map, to read and write. Offsets count bytes from 0.
@type view */

/*** Returns the view's size, as `#view` does.
@function size
@treturn integer bytes
@raise if the view is closed
@usage
print(view:size(), #view) --> 4096 4096 */
static int view_size(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fmb_open_self(L)->size);
  return 1;
}

/*** Returns the access that the view gives.
@function access
@treturn string `r`, `rw`, `copy`, `rx`, `rwx` or `copyx`
@raise if the view is closed
@usage
print(view:access(), view:sub(0, 8, "r"):access()) --> rw r */
static int view_access(lua_State *L)
{
  lua_pushstring(L, fm_access_word(fmb_open_self(L)->access));
  return 1;
}

/*** Makes a slice: a view of a part of this view, which keeps the mapping alive on its own.
@function sub
@tparam integer offset in bytes, from 0 to the view's size
@tparam integer length in bytes, from 1
@tparam[opt] string access no more than this view gives; default: this view's
@treturn[1] view
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (this view gives less access), `invalid` (a length of 0), `no_memory`,
  `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a range past the view's end, and if the view is closed
@usage
local part = assert(view:sub(1024, 256))
part:set_i32(0, 7)
print(view:get_i32(1024)) --> 7 */
static int view_sub(lua_State *L)
{
  const int otherwise = fmb_open_self(L)->access;
  const uint64_t offset = fmb_check_count(L, 2, "offset");
  const uint64_t length = fmb_check_count(L, 3, "length");
  const int access = fmb_opt_access(L, 4, otherwise);
  fmb_view_object *slice = fmb_new_view(L);
  const fm_view *v = fmb_open_self(L); /* a finalizer may have closed it */
  fmb_check_range(L, v, 2, offset, length);
  fm_error e;
  return fmb_finish_view(L, slice, fm_view_sub(&slice->view, v, offset, length, access, &e),
                         fm_map_label(fm_view_map(v)), &e);
}

/*** Writes bytes back to where they are stored. For a file map, the bytes and the file's metadata are on the
disk on return; for other maps the call does as much as the system can.
@function flush
@tparam[opt=0] integer offset in bytes, from 0
@tparam[opt] integer length in bytes, from 0; default: all bytes from the offset
@tparam[opt] string how `"async"` starts the writing and does not wait for it
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `no_space`, `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a range past the view's end, and if the view is closed. Source: msync(2), FlushViewOfFile
@usage
local map = assert(filemap.file("numbers.bin", "rw", { size = 64 }))
local view = assert(map:view())
view:set_i32(0, 7)
print(view:flush(0, 4)) --> true */
static int view_flush(lua_State *L)
{
  static const char *const ways[] = {"async", NULL};
  fmb_open_self(L);
  const bool async = !lua_isnoneornil(L, 4) && luaL_checkoption(L, 4, NULL, ways) == 0;
  const fm_view *v = fmb_open_self(L);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 3, "length", offset < v->size ? v->size - offset : 0);
  fmb_check_range(L, v, 2, offset, length);
  fm_error e;
  return finish(L, v, fm_view_flush(v, offset, length, async, &e), &e);
}

/*** Tells the system how the program will use the bytes. It never changes what is read.
@function advise
@tparam string hint `"normal"`, `"sequential"`, `"random"`, `"willneed"` or `"dontneed"`
@tparam[opt=0] integer offset in bytes, from 0
@tparam[opt] integer length in bytes, from 0; default: all bytes from the offset
@treturn boolean true, also where the system has no such hint
@raise for an unknown hint, a range past the view's end, and if the view is closed. Source: madvise(2),
  PrefetchVirtualMemory
@usage
view:advise("sequential") */
static int view_advise(lua_State *L)
{
  static const char *const hints[] = {"normal", "sequential", "random", "willneed", "dontneed", NULL};
  static const fm_hint meant[] = {FM_NORMAL, FM_SEQUENTIAL, FM_RANDOM, FM_WILLNEED, FM_DONTNEED};
  fmb_open_self(L);
  const fm_hint hint = meant[luaL_checkoption(L, 2, NULL, hints)];
  const fm_view *v = fmb_open_self(L);
  const uint64_t offset = fmb_opt_count(L, 3, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 4, "length", offset < v->size ? v->size - offset : 0);
  fmb_check_range(L, v, 3, offset, length);
  fm_view_advise(v, hint, offset, length, NULL);
  lua_pushboolean(L, 1);
  return 1;
}

/*** Keeps the whole view in physical memory until `unpin`, or until the mapping has no user. On Linux the
pages of a `copy` view become this process's own, as if it had written to them.
@function pin
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `no_memory` (more than the process may lock, RLIMIT_MEMLOCK), `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise if the view is closed. Source: mlock(2), VirtualLock
@usage
local pinned, message, code = view:pin() -- code is no_memory past the limit
if pinned then view:unpin() end */
static int view_pin(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  fm_error e;
  return finish(L, v, fm_view_pin(v, &e), &e);
}

/*** Ends `pin`; without one it does nothing. The system pins pages and does not count, so this also unpins
pages that another slice of the mapping pinned.
@function unpin
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `truncated`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise if the view is closed. Source: munlock(2), VirtualUnlock
@usage
if view:pin() then print(view:unpin()) end --> true */
static int view_unpin(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  fm_error e;
  return finish(L, v, fm_view_unpin(v, &e), &e);
}

/*** Allocates the memory of a range of a map that was made with `commit = false`. Committing twice is
allowed. An access to uncommitted memory raises on Windows; elsewhere it reads 0, and a write allocates the
page.
@function commit
@tparam integer offset in bytes, from 0
@tparam integer length in bytes, from 0
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (the map's access does not allow writing), `no_space`, `no_memory`,
  `truncated`, `unsupported` (the file system cannot allocate), `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a range past the view's end, and if the view is closed. Source: fallocate(2), VirtualAlloc
@usage
local map = assert(filemap.create(nil, 1 << 20, { commit = false }))
local view = assert(map:view())
assert(view:commit(0, 4096))
view:set_i32(0, 7) */
static int view_commit(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  const uint64_t offset = fmb_check_count(L, 2, "offset");
  const uint64_t length = fmb_check_count(L, 3, "length");
  fmb_check_range(L, v, 2, offset, length);
  fm_error e;
  return finish(L, v, fm_view_commit(v, offset, length, &e), &e);
}

/*** Unmaps the view, as `close` does. Closing twice is allowed.
@function unmap
@treturn boolean true
@usage
print(view:unmap(), view) --> true filemap.view (closed) */

/*** Unmaps the view, as `unmap` does: every object has a method of this name.
@function close
@treturn boolean true
@usage
local view <close> = assert(map:view()) -- closed at the end of the block */
static int view_unmap(lua_State *L)
{
  fmb_release(L, fmb_view);
  fm_view_close(fmb_self(L)); /* what is closed, and what was never filled, is all zero: nothing to do */
  return 1;
}

static int view_tostring(lua_State *L)
{
  const fm_view *v = fmb_self(L);
  if (!v->data) lua_pushfstring(L, "%s (closed)", fmb_view);
  else
    lua_pushfstring(L, "%s (%I bytes, %s)", fmb_view, (LUAI_UACINT)v->size, fm_access_word(v->access));
  return 1;
}

void fmb_open_view(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"size", view_size},     {"access", view_access}, {"sub", view_sub},     {"flush", view_flush},
    {"advise", view_advise}, {"pin", view_pin},       {"unpin", view_unpin}, {"commit", view_commit},
    {"unmap", view_unmap},   {"close", view_unmap},   {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__len", view_size}, {NULL, NULL}};
  const luaL_Reg *const topics[] = {fmb_number_methods, fmb_atomic_methods, fmb_array_methods,
                                    fmb_text_methods, fmb_byte_methods, fmb_packed_methods,
                                    fmb_stream_methods};
  fmb_new_type(L, fmb_view, methods, view_unmap, view_tostring, metamethods);
  luaL_getmetatable(L, fmb_view);
  lua_getfield(L, -1, "__index");
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) luaL_setfuncs(L, topics[i], 0);
  lua_pop(L, 2);
}
