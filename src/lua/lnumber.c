/* Numbers in a view. Each type of types.h has a method that reads, one that writes, and the same two as plain
** functions of one view, for inner loops. Bytes are copied with memcpy, so any alignment is allowed, and a
** number that another process writes meanwhile is read once. */
#include <string.h>

#include "binding.h"
#include "types.h"

/*** @module filemap */

static const struct {
  const char *name;
  size_t size;
  bool is_integer;
  lua_Integer least, greatest;
} types[] = {
#define FACTS(T, ctype, kind, least, greatest, atomic) {#T, sizeof(ctype), IS_##kind, least, greatest},
#define IS_INTEGER true
#define IS_FLOAT false
  FMB_TYPES(FACTS)
};

fmb_type fmb_check_type(lua_State *L, int arg)
{
  const char *name = luaL_checkstring(L, arg);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (fmb_is_word(L, arg, types[i].name)) return (fmb_type)i;
  return (fmb_type)luaL_argerror(L, arg, lua_pushfstring(L, "unknown type '%s'", name));
}

const char *fmb_type_name(fmb_type type)
{
  return types[type].name;
}

void fmb_push_types(lua_State *L)
{
  lua_newtable(L);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, types[i].name);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, (lua_Integer)types[i].size);
    lua_setfield(L, -2, "size");
    if (types[i].is_integer) {
      lua_pushinteger(L, types[i].least);
      lua_setfield(L, -2, "least");
      lua_pushinteger(L, types[i].greatest);
      lua_setfield(L, -2, "greatest");
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

const char *fmb_push_misfit(lua_State *L, int index, fmb_type type)
{
  int is_integer;
  const lua_Integer x = lua_tointegerx(L, index, &is_integer);
  if (!lua_isnumber(L, index)) {
    index = lua_absindex(L, index);
    return lua_pushfstring(L, "number expected, got %s", fmb_push_type_name(L, index));
  }
  if (!is_integer) return lua_pushliteral(L, "number has no integer representation");
  return lua_pushfstring(L, "%I does not fit %s (%I to %I)", (LUAI_UACINT)x, types[type].name,
                         (LUAI_UACINT)types[type].least, (LUAI_UACINT)types[type].greatest);
}

/* Raises because a value does not fit. A record passes the name of its field as the argument after the value,
** and the message then names the field. */
static int misfit(lua_State *L, int arg, fmb_type type)
{
  const char *field = lua_type(L, arg + 1) == LUA_TSTRING ? lua_tostring(L, arg + 1) : NULL;
  const char *why = fmb_push_misfit(L, arg, type);
  if (field == NULL) return luaL_argerror(L, arg, why);
  return fmb_raise(L, "field '%s': %s", field, why);
}

/* The view of a getter or setter, which only make_closure gives its upvalue. */
static inline const fm_view *captured(lua_State *L)
{
  return &((fmb_view_object *)lua_touserdata(L, lua_upvalueindex(1)))->view;
}

#define DEFINE(T, ctype, kind, least, greatest, atomic)                       \
  static inline int read_##T(lua_State *L, const fm_view *v, int arg)         \
  {                                                                           \
    ctype x;                                                                  \
    memcpy(&x, fmb_at(L, v, false, arg, sizeof x), sizeof x);                 \
    fmb_check_lost(L, v);                                                     \
    fmb_push_##T(L, x);                                                       \
    return 1;                                                                 \
  }                                                                           \
  static inline int write_##T(lua_State *L, const fm_view *v, int arg)        \
  {                                                                           \
    ctype x;                                                                  \
    unsigned char *p = fmb_at(L, v, true, arg, sizeof x);                     \
    if (!fmb_to_##T(L, arg + 1, &x)) return misfit(L, arg + 1, FMB_##T);      \
    memcpy(p, &x, sizeof x);                                                  \
    fmb_check_lost(L, v);                                                     \
    return 0;                                                                 \
  }                                                                           \
  static int get_##T(lua_State *L) { return read_##T(L, fmb_self(L), 2); }    \
  static int set_##T(lua_State *L) { return write_##T(L, fmb_self(L), 2); }   \
  static int getter_##T(lua_State *L) { return read_##T(L, captured(L), 1); } \
  static int setter_##T(lua_State *L) { return write_##T(L, captured(L), 1); }

FMB_TYPES(DEFINE)

/*** @type view */

/*** Reads a number: `get_i8`, `get_u8`, `get_i16`, `get_u16`, `get_i32`, `get_u32`, `get_i64`, `get_u64`,
`get_f32`, `get_f64`. The byte order is the machine's; any alignment is allowed.
@function get_T
@tparam integer offset in bytes, from 0
@treturn number an integer, or for f32 and f64 a float. A u64 above 2^63-1 is returned as the negative integer
  with the same bits
@raise for a number that is not wholly in the view, and if the view is closed
@usage
view:set_u16(10, 65535)
print(view:get_u16(10), view:get_i16(10)) --> 65535 -1 */

/*** Writes a number: `set_i8` and so on, as @{get_T}.
@function set_T
@tparam integer offset in bytes, from 0
@tparam number value for an integer type, an integer in its range, also as a float; for u64 any integer, whose
  bits are written; for f32 any number, of which one that is too large becomes infinity
@raise for a value that does not fit, a read-only view, and as @{get_T}
@usage
view:set_f64(8, 0.5)
view:set_i32(16, -1)
print(pcall(view.set_u8, view, 0, 256)) --> false … (256 does not fit …) */

static int make_closure(lua_State *L, const lua_CFunction functions[])
{
  fmb_open_self(L);
  const lua_CFunction f = functions[fmb_check_type(L, 2)];
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, f, 1);
  return 1;
}

/*** Returns the method `get_T` of this view as a plain function, for inner loops.
@function getter
@tparam string T `i8`, `u8`, `i16`, `u16`, `i32`, `u32`, `i64`, `u64`, `f32` or `f64`
@treturn function `get(offset)` → number, which keeps the view from being collected
@raise for an unknown type, and if the view is closed; the function as @{get_T}
@usage
local get = view:getter("i32")
local sum = 0
for offset = 0, 4092, 4 do sum = sum + get(offset) end */
static int view_getter(lua_State *L)
{
  static const lua_CFunction getters[] = {
#define GETTER(T, ...) getter_##T,
    FMB_TYPES(GETTER)
  };
  return make_closure(L, getters);
}

/*** Returns the method `set_T` of this view as a plain function, for inner loops.
@function setter
@tparam string T as for @{getter}
@treturn function `set(offset, value)`, which keeps the view from being collected
@raise for an unknown type, and if the view is closed; the function as @{set_T}
@usage
local set = view:setter("f32")
for i = 0, 99 do set(4 * i, i / 10) end */
static int view_setter(lua_State *L)
{
  static const lua_CFunction setters[] = {
#define SETTER(T, ...) setter_##T,
    FMB_TYPES(SETTER)
  };
  return make_closure(L, setters);
}

const luaL_Reg fmb_number_methods[] = {
#define METHODS(T, ...) {"get_" #T, get_##T}, {"set_" #T, set_##T},
  FMB_TYPES(METHODS)
  {"getter", view_getter},
  {"setter", view_setter},
  {NULL, NULL},
};
