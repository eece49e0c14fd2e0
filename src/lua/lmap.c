/* Maps: objects whose pointer is an fm_map. */
#include "binding.h"

/*** @module filemap */

static fm_map *check_self(lua_State *L)
{
  return fmb_check_open(L, 1, fmb_map);
}

/*** A map: a section of memory or a file, whose bytes views give access to.
@type map */

/*** Makes a view of a part of the map. The view stays valid when the map is closed, and holds the name.
@function view
@tparam[opt=0] integer offset in bytes, from 0 to the map's size; it need not be aligned
@tparam[opt] integer length in bytes, from 1; default: all bytes from the offset
@tparam[opt] string access `"r"`, `"rw"`, `"copy"`, `"rx"`, `"rwx"` or `"copyx"`, no more than the map gives;
  default: the map's
@treturn[1] view
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (the map gives less access), `invalid` (a length of 0), `too_large`,
  `no_memory`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a range past the map's end, and an unknown access. Source: mmap(2), MapViewOfFile
@usage
local view = assert(map:view(100, 50, "r"))
print(view) --> filemap.view (50 bytes, r) */
static int map_view(lua_State *L)
{
  lua_settop(L, 4);
  fmb_view_object *v = fmb_new_view(L); /* a finalizer may run and close the map: look at it afterwards */
  fm_map *m = check_self(L);
  const uint64_t size = fm_map_size(m);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 3, "length", offset < size ? size - offset : 0);
  const int access = fmb_opt_access(L, 4, fm_map_access(m));
  if (offset > size || length > size - offset)
    return luaL_argerror(L, 2, lua_pushfstring(L, "offset %I + %I bytes is past the end of a %I-byte map",
                                               (LUAI_UACINT)offset, (LUAI_UACINT)length,
                                               (LUAI_UACINT)size));
  fm_error e;
  return fmb_finish_view(L, v, fm_view_open(&v->view, m, offset, length, access, &e), fm_map_label(m), &e);
}

/*** Returns the map's size, as `#map` does.
@function size
@treturn integer bytes
@raise if the map is closed
@usage
print(map:size(), #map) --> 4096 4096 */
static int map_size(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fm_map_size(check_self(L)));
  return 1;
}

/*** Returns the name that the map was made or opened by.
@function name
@treturn ?string the name as it was given; nil for unnamed memory, and for a file without a mapping's name
@raise if the map is closed
@usage
local map = assert(filemap.create("Telemetry", 4096))
print(map:name()) --> Telemetry */
static int map_name(lua_State *L)
{
  lua_pushstring(L, fm_map_name(check_self(L))); /* NULL pushes nil */
  return 1;
}

/*** Returns the access that the map gives.
@function access
@treturn string `r`, `rw`, `copy`, `rx`, `rwx` or `copyx`
@raise if the map is closed
@usage
local map = assert(filemap.create("Telemetry", 4096))
print(map:access(), assert(filemap.open("Telemetry")):access()) --> rw r */
static int map_access(lua_State *L)
{
  lua_pushstring(L, fm_access_word(fm_map_access(check_self(L))));
  return 1;
}

/*** Returns the system's handle, which a child process can inherit (see the option `inherit`, and @{adopt}).
The map still owns it: the program must not close it.
@function handle
@treturn integer a file descriptor, or on Windows the section's HANDLE (0 for an empty file)
@raise if the map is closed
@usage
local map = assert(filemap.create(nil, 4096, { inherit = true }))
print(math.type(map:handle())) --> integer */
static int map_handle(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)fm_map_handle(check_self(L)));
  return 1;
}

/*** Makes the file of a file map larger or smaller.
@function resize
@tparam integer size in bytes, from 1
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `in_use` (a view is open), `unsupported` (the map is not over a file), `denied` (its
  access does not allow writing), `invalid` (a size of 0), `no_space`, `too_large`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative size, and if the map is closed. Source: ftruncate(2), SetEndOfFile
@usage
local map = assert(filemap.file("numbers.bin", "rw", { size = 64 }))
print(map:resize(128), #map) --> true 128 */
static int map_resize(lua_State *L)
{
  fm_map *m = check_self(L);
  fm_error e;
  return fmb_finish(L, fm_map_resize(m, fmb_check_count(L, 2, "size"), &e), fm_map_label(m), &e);
}

/*** Reads the size of the file of a file map again, which becomes the map's size. A program can then view
what another process has appended. Views that are open stay as they are.
@function refresh
@treturn[1] integer size in bytes
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `unsupported` (the map is not over a file; on Windows also if the file grew and the
  mapping has a name), `system`
@treturn[2] ?integer native errno or GetLastError number
@raise if the map is closed. Source: fstat(2), GetFileSizeEx, CreateFileMapping
@usage
local map = assert(filemap.file("numbers.bin", "rw", { size = 64 }))
local writer = assert(io.open("numbers.bin", "ab"))
writer:write("16 bytes appended")
writer:close()
print(map:refresh()) --> 81 */
static int map_refresh(lua_State *L)
{
  fm_map *m = check_self(L);
  uint64_t size;
  fm_error e;
  if (fm_map_refresh(m, &size, &e) != FM_OK) return fmb_fail(L, fm_map_label(m), &e);
  lua_pushinteger(L, (lua_Integer)size);
  return 1;
}

/*** Closes the map. Its views stay valid. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local view = assert(map:view())
map:close()
print(map, view:get_u8(0)) --> filemap.map (closed) 0 */
static int map_close(lua_State *L)
{
  fm_map_close(fmb_release(L, fmb_map));
  return 1;
}

static int map_tostring(lua_State *L)
{
  fm_map *m = fmb_check_object(L, 1, fmb_map)->pointer;
  if (!m) lua_pushfstring(L, "%s (closed)", fmb_map);
  else
    lua_pushfstring(L, "%s (%s, %I bytes, %s)", fmb_map, fm_map_label(m),
                    (LUAI_UACINT)fm_map_size(m), fm_access_word(fm_map_access(m)));
  return 1;
}

void fmb_open_map(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"view", map_view},     {"size", map_size},     {"name", map_name}, {"access", map_access},
    {"handle", map_handle}, {"resize", map_resize}, {"refresh", map_refresh},
    {"close", map_close},   {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__len", map_size}, {NULL, NULL}};
  fmb_new_type(L, fmb_map, methods, map_close, map_tostring, metamethods);
}
