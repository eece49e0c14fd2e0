/* Ranges of bytes: finding, filling, copying and comparing them in place. */
#include <string.h>

#include "../system/system.h"
#include "binding.h"

/*** @module filemap */

/*** @type view */

/*** Finds bytes.
@function find
@tparam string bytes any bytes; an empty string is found at `offset`
@tparam[opt=0] integer offset where the search begins, in bytes from 0
@tparam[opt] integer stop the offset where the range that is searched ends; default: the view's size
@treturn ?integer the offset of the first occurrence that is wholly in the range, or nil
@raise for an offset or stop past the view's end, and if the view is closed. Source: memmem(3)
@usage
view:set_string(100, "needle")
print(view:find("needle"), view:find("needle", 101)) --> 100 nil */
static int view_find(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  size_t n;
  const char *bytes = luaL_checklstring(L, 2, &n);
  const uint64_t offset = fmb_opt_count(L, 3, "offset", 0);
  const uint64_t stop = fmb_opt_count(L, 4, "stop", v->size);
  fmb_check_range(L, v, 3, offset, 0);
  fmb_check_range(L, v, 4, stop, 0);
  const uint64_t length = offset < stop ? stop - offset : 0;
  const unsigned char *from = fmb_at_offset(L, v, false, 3, (lua_Integer)offset, length);
  const unsigned char *found = offset <= stop ? fm_sys_find(from, (size_t)length, bytes, n) : NULL;
  fmb_check_lost(L, v);
  if (found) lua_pushinteger(L, (lua_Integer)offset + (found - from));
  else lua_pushnil(L);
  return 1;
}

/*** Writes the same byte everywhere in a range.
@function fill
@tparam integer offset in bytes, from 0
@tparam integer length in bytes, from 0
@tparam integer byte from 0 to 255
@raise for a range past the view's end, another byte, a read-only view, and if the view is closed. Source:
  memset(3)
@usage
view:fill(0, 16, 0xFF)
print(view:get_i32(12)) --> -1 */
static int view_fill(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  const uint64_t length = fmb_check_count(L, 3, "length");
  const lua_Integer byte = fmb_check_integer(L, 4);
  unsigned char *p = fmb_at(L, v, true, 2, length);
  if (byte < 0 || byte > UINT8_MAX)
    return luaL_argerror(L, 4, lua_pushfstring(L, "byte must be from 0 to 255, got %I", (LUAI_UACINT)byte));
  memset(p, (int)byte, (size_t)length);
  fmb_check_lost(L, v);
  return 0;
}

/*** Copies bytes from this view or another one. The ranges may overlap, also in two views of the same memory.
@function copy
@tparam integer offset where the bytes are written, in bytes from 0
@tparam view source
@tparam integer source_offset in bytes, from 0
@tparam integer length in bytes, from 0
@raise for a range past a view's end, a read-only view, and if a view is closed. Source: memmove(3)
@usage
view:set_string(0, "abcdef")
view:copy(2, view, 0, 4)
print(view:get_string(0, 6)) --> ababcd */
static int view_copy(lua_State *L)
{
  const fm_view *v = fmb_open_self(L), *source = fmb_check_open(L, 3, fmb_view);
  const uint64_t length = fmb_check_count(L, 5, "length");
  const unsigned char *to = fmb_at(L, v, true, 2, length);
  const unsigned char *from = fmb_at(L, source, false, 4, length);
  fm_view_copy(v, (uint64_t)(to - v->data), source, (uint64_t)(from - source->data), (size_t)length);
  fmb_check_lost(L, v);
  fmb_check_lost(L, source);
  return 0;
}

/*** Compares bytes with those of this view or another one.
@function equals
@tparam integer offset in bytes, from 0
@tparam view other
@tparam integer other_offset in bytes, from 0
@tparam integer length in bytes, from 0
@treturn boolean whether all bytes are equal; true for a length of 0
@raise for a range past a view's end, and if a view is closed. Source: memcmp(3)
@usage
print(view:equals(0, view, 100, 50)) --> true */
static int view_equals(lua_State *L)
{
  const fm_view *v = fmb_open_self(L), *other = fmb_check_open(L, 3, fmb_view);
  const uint64_t length = fmb_check_count(L, 5, "length");
  const unsigned char *p = fmb_at(L, v, false, 2, length);
  const unsigned char *q = fmb_at(L, other, false, 4, length);
  const int difference = memcmp(p, q, (size_t)length);
  fmb_check_lost(L, v);
  fmb_check_lost(L, other);
  lua_pushboolean(L, difference == 0);
  return 1;
}

const luaL_Reg fmb_byte_methods[] = {
  {"find", view_find}, {"fill", view_fill}, {"copy", view_copy}, {"equals", view_equals}, {NULL, NULL},
};
