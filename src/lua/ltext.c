/* Text and bytes in a view. Another process may write while this one reads, and Lua reads the bytes of a
** string more than once to intern it. So Lua gets strings from a private copy, and nothing that was read from
** a view is read again. */
#include <string.h>

#include "../base/utf.h"
#include "../base/wide.h"
#include "binding.h"

/*** @module filemap */

/* Cuts the string on top at its first NUL. */
static void cut_at_nul(lua_State *L)
{
  size_t length;
  const char *s = lua_tolstring(L, -1, &length);
  if (strlen(s) < length) lua_pushstring(L, s);
}

/* The string in `arg`. A NUL will end it in the view, so it must not contain one. */
static const char *check_c_text(lua_State *L, int arg, size_t *length)
{
  const char *s = luaL_checklstring(L, arg, length);
  luaL_argcheck(L, strlen(s) == *length, arg, "string contains zeros");
  return s;
}

/*** @type view */

/*** Reads bytes.
@function get_string
@tparam integer offset in bytes, from 0
@tparam integer length in bytes, from 0
@treturn string one snapshot of the bytes. A process that writes meanwhile may tear it, but all uses of the
  string see the same bytes
@raise for a range past the view's end, and if the view is closed
@usage
view:set_string(0, "abc\0def")
print(#view:get_string(0, 7)) --> 7 */
static int view_get_string(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  const uint64_t length = fmb_check_count(L, 3, "length");
  fmb_push_copy(L, v, fmb_at(L, v, false, 2, length), (size_t)length);
  return 1;
}

/*** Writes the bytes of a string, and no NUL after them.
@function set_string
@tparam integer offset in bytes, from 0
@tparam string s any bytes
@raise for a range past the view's end, a read-only view, and if the view is closed
@usage
view:set_string(100, string.pack("<i4d", 7, 0.5)) */
static int view_set_string(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  size_t length;
  const char *s = luaL_checklstring(L, 3, &length);
  memcpy(fmb_at(L, v, true, 2, length), s, length);
  fmb_check_lost(L, v);
  return 0;
}

/* The bytes from the offset in argument 2 to the view's end, or `max` units of `unit` bytes, argument 3, if
** these are fewer. */
static const unsigned char *check_rest(lua_State *L, const fm_view *v, size_t unit, size_t *units)
{
  const lua_Integer offset = fmb_check_integer(L, 2);
  fmb_at_offset(L, v, false, 2, offset, 0);
  const size_t rest = (v->size - (size_t)offset) / unit;
  const uint64_t max = fmb_opt_count(L, 3, "max", rest);
  *units = max < rest ? (size_t)max : rest;
  return fmb_at_offset(L, v, false, 2, offset, *units * unit);
}

/*** Reads text up to its NUL. Where there is none, the text ends at `max` bytes or at the view's end.
@function get_cstring
@tparam integer offset in bytes, from 0
@tparam[opt] integer max the most bytes to read; default: all bytes from the offset
@treturn string the text without the NUL
@raise for an offset past the view's end, and if the view is closed
@usage
view:set_cstring(0, "Nürburgring", 32)
print(view:get_cstring(0, 32)) --> Nürburgring */
static int view_get_cstring(lua_State *L)
{
  size_t length;
  const fm_view *v = fmb_open_self(L);
  const unsigned char *p = check_rest(L, v, 1, &length);
  const unsigned char *nul = memchr(p, 0, length);
  fmb_push_copy(L, v, p, nul ? (size_t)(nul - p) : length);
  cut_at_nul(L); /* another process may have written one since */
  return 1;
}

/* The address of `capacity` units of `unit` bytes, the method's argument 4. `needed` units and a NUL must fit
** there. */
static unsigned char *check_capacity(lua_State *L, const fm_view *v, size_t unit, size_t needed,
                                     size_t *capacity)
{
  const uint64_t units = fmb_check_count(L, 4, "capacity");
  if (units <= needed)
    luaL_argerror(L, 3, lua_pushfstring(L, "%I units and a NUL do not fit a capacity of %I",
                                        (LUAI_UACINT)needed, (LUAI_UACINT)units));
  unsigned char *p = fmb_at(L, v, true, 2, fmb_bytes_of(units, unit));
  *capacity = (size_t)units;
  return p;
}

/*** Writes text and a NUL, and zeroes the rest of its capacity.
@function set_cstring
@tparam integer offset in bytes, from 0
@tparam string s text without NUL
@tparam integer capacity the room for the text and its NUL, in bytes
@raise if `s` and the NUL do not fit or `s` contains a NUL, for a range past the view's end, a read-only view,
  and if the view is closed
@usage
view:set_cstring(0, "Nürburgring", 32)
print(pcall(view.set_cstring, view, 0, "too long", 8)) --> false … */
static int view_set_cstring(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  size_t length, capacity;
  const char *s = check_c_text(L, 3, &length);
  unsigned char *p = check_capacity(L, v, 1, length, &capacity);
  memcpy(p, s, length);
  memset(p + length, 0, capacity - length);
  fmb_check_lost(L, v);
  return 0;
}

/* {-- Wide text --------------------------------------------------------------------------------- */

/* How text is stored: in units of 2 or 4 bytes, of this machine's byte order or the other. */
typedef struct encoding {
  size_t unit;
  bool swapped;
} encoding;

static int get_wide(lua_State *L, size_t unit)
{
  size_t end;
  const unsigned char *p = check_rest(L, fmb_open_self(L), unit, &end);
  const size_t length = fm_wide_length(p, end, unit);
  const size_t room = fm_utf8_room(length, unit);
  if (room == 0 && length > 0)
    return luaL_error(L, "not enough memory for text of %I units", (LUAI_UACINT)length);
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, room);
  /* The buffer is an allocation, so a finalizer may have run and closed the view: look at it again. */
  const fm_view *v = fmb_self(L);
  const size_t size = fm_wide_to_utf8(out, fmb_at(L, v, false, 2, length * unit), length, unit, false);
  fmb_check_lost(L, v);
  luaL_pushresultsize(&b, size);
  return 1;
}

static int set_wide(lua_State *L, size_t unit)
{
  const fm_view *v = fmb_open_self(L);
  size_t length, capacity;
  const char *s = check_c_text(L, 3, &length);
  const size_t needed = fm_wide_units(s, s + length, unit);
  unsigned char *out = check_capacity(L, v, unit, needed, &capacity);
  fm_wide_put(out, capacity, s, s + length, unit, false);
  fmb_check_lost(L, v);
  return 0;
}

static encoding check_encoding(lua_State *L, int unit, int swapped)
{
  const encoding e = {.unit = (size_t)luaL_checkinteger(L, unit), .swapped = lua_toboolean(L, swapped)};
  luaL_argcheck(L, e.unit == 2 || e.unit == 4, unit, "units have 2 or 4 bytes");
  return e;
}

int fmb_decode_text(lua_State *L)
{
  size_t size;
  const unsigned char *p = (const unsigned char *)luaL_checklstring(L, 1, &size);
  if (luaL_checkinteger(L, 2) == 1) {
    const unsigned char *nul = memchr(p, 0, size);
    lua_pushlstring(L, (const char *)p, nul ? (size_t)(nul - p) : size);
    return 1;
  }
  const encoding e = check_encoding(L, 2, 3);
  const size_t length = fm_wide_length(p, size / e.unit, e.unit);
  const size_t room = fm_utf8_room(length, e.unit);
  if (room == 0 && length > 0)
    return luaL_error(L, "not enough memory for text of %I units", (LUAI_UACINT)length);
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, room);
  luaL_pushresultsize(&b, fm_wide_to_utf8(out, p, length, e.unit, e.swapped));
  return 1;
}

/* Pushes the text from `s` to `end` in `capacity` units. It needs no more units than that. */
static int push_encoded(lua_State *L, const char *s, const char *end, uint64_t capacity, encoding e)
{
  if (capacity > SIZE_MAX / e.unit)
    return luaL_error(L, "not enough memory for text of %I units", (LUAI_UACINT)capacity);
  const size_t size = (size_t)capacity * e.unit;
  luaL_Buffer b;
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &b, size);
  fm_wide_put(out, (size_t)capacity, s, end, e.unit, e.swapped);
  luaL_pushresultsize(&b, size);
  return 1;
}

int fmb_encode_text(lua_State *L)
{
  size_t length;
  const char *s = check_c_text(L, 1, &length);
  const encoding e = check_encoding(L, 2, 3);
  const size_t needed = fm_wide_units(s, s + length, e.unit);
  const uint64_t capacity = fmb_opt_count(L, 4, "capacity", needed);
  luaL_argcheck(L, capacity >= needed, 1, "the text does not fit");
  return push_encoded(L, s, s + length, capacity, e);
}

int fmb_check_string(lua_State *L)
{
  const char *name = luaL_checkstring(L, 2);
  if (lua_type(L, 1) != LUA_TSTRING)
    return fmb_raise(L, "field '%s': string expected, got %s", name, fmb_push_type_name(L, 1));
  size_t length;
  const char *s = lua_tolstring(L, 1, &length);
  const lua_Integer unit = luaL_checkinteger(L, 3);
  const uint64_t count = fmb_check_count(L, 4, "count");
  if (unit > 0 && strlen(s) < length) return fmb_raise(L, "field '%s': the text holds a NUL", name);
  const size_t needed = unit > 1 ? fm_wide_units(s, s + length, check_encoding(L, 3, 5).unit) : length;
  if (needed > count)
    return fmb_raise(L,
                     unit > 0 ? "field '%s': a text of %I %s does not fit %I"
                              : "field '%s': %I %s do not fit %I",
                     name, (LUAI_UACINT)needed, unit > 1 ? "units" : "bytes", (LUAI_UACINT)count);
  if (unit < 2) {
    lua_settop(L, 1);
    return 1;
  }
  return push_encoded(L, s, s + length, count, check_encoding(L, 3, 5));
}

int fmb_count_units(lua_State *L)
{
  size_t length;
  const char *s = luaL_checklstring(L, 1, &length);
  lua_pushinteger(L, (lua_Integer)fm_wide_units(s, s + length, check_encoding(L, 2, 3).unit));
  return 1;
}

/*** Reads UTF-16 in this machine's byte order, which is `wchar_t` on Windows, up to its NUL. Where there is
none, the text ends at `max` units or at the last whole unit of the view.
@function get_utf16
@tparam integer offset in bytes, from 0; any alignment
@tparam[opt] integer max the most units of 2 bytes to read; default: all units from the offset
@treturn string UTF-8. A unit that is half of a surrogate pair becomes U+FFFD
@raise for an offset past the view's end, and if the view is closed. Source: The Unicode Standard, 3.9
@usage
view:set_utf16(0, "Jörg", 32)
print(view:get_utf16(0, 32)) --> Jörg */
static int view_get_utf16(lua_State *L)
{
  return get_wide(L, 2);
}

/*** Writes text as UTF-16 and a NUL, and zeroes the rest of its capacity.
@function set_utf16
@tparam integer offset in bytes, from 0; any alignment
@tparam string s UTF-8 without NUL. Each maximal subpart of an ill-formed sequence becomes U+FFFD
@tparam integer capacity the room for the text and its NUL, in units of 2 bytes
@raise if `s` and the NUL do not fit or `s` contains a NUL, for a range past the view's end, a read-only view,
  and if the view is closed. Source: The Unicode Standard, 3.9
@usage
view:set_utf16(0, "Message from the first process.", 256) -- 256 units of 2 bytes */
static int view_set_utf16(lua_State *L)
{
  return set_wide(L, 2);
}

/*** Reads UTF-32 in this machine's byte order, which is `wchar_t` on Linux, up to its NUL. Where there is
none, the text ends at `max` units or at the last whole unit of the view.
@function get_utf32
@tparam integer offset in bytes, from 0; any alignment
@tparam[opt] integer max the most units of 4 bytes to read; default: all units from the offset
@treturn string UTF-8. A unit that is not a Unicode scalar value becomes U+FFFD
@raise for an offset past the view's end, and if the view is closed
@usage
view:set_utf32(0, "Jörg", 32)
print(view:get_utf32(0, 32)) --> Jörg */
static int view_get_utf32(lua_State *L)
{
  return get_wide(L, 4);
}

/*** Writes text as UTF-32 and a NUL, and zeroes the rest of its capacity.
@function set_utf32
@tparam integer offset in bytes, from 0; any alignment
@tparam string s UTF-8 without NUL. Each maximal subpart of an ill-formed sequence becomes U+FFFD
@tparam integer capacity the room for the text and its NUL, in units of 4 bytes
@raise if `s` and the NUL do not fit or `s` contains a NUL, for a range past the view's end, a read-only view,
  and if the view is closed. Source: The Unicode Standard, 3.9
@usage
view:set_utf32(0, "Jörg", 256) -- 256 units of 4 bytes */
static int view_set_utf32(lua_State *L)
{
  return set_wide(L, 4);
}

const luaL_Reg fmb_text_methods[] = {
  {"get_string", view_get_string}, {"set_string", view_set_string}, {"get_cstring", view_get_cstring},
  {"set_cstring", view_set_cstring}, {"get_utf16", view_get_utf16}, {"set_utf16", view_set_utf16},
  {"get_utf32", view_get_utf32}, {"set_utf32", view_set_utf32}, {NULL, NULL},
};
