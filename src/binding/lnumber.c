/* Numbers in a view: for each type of types.h a method that reads, one that writes, and the same two as
** plain functions of one view, for hot loops. Bytes are copied, never pointed at: any alignment is fine,
** and what another process writes meanwhile is read once. */
#include <string.h>

#include "binding.h"
#include "types.h"

/*** @module filemap */

static lua_Integer raise_unfit(lua_State *L, int arg, const char *type, lua_Integer x, lua_Integer least,
                               lua_Integer greatest)
{
  return luaL_argerror(L, arg, lua_pushfstring(L, "%I does not fit %s (%I to %I)", (LUAI_UACINT)x, type,
                                               (LUAI_UACINT)least, (LUAI_UACINT)greatest));
}

static inline lua_Integer check_INTEGER(lua_State *L, int arg, const char *type, lua_Integer least,
                                        lua_Integer greatest)
{
  const lua_Integer x = luaL_checkinteger(L, arg);
  return x < least || x > greatest ? raise_unfit(L, arg, type, x, least, greatest) : x;
}

static inline lua_Number check_FLOAT(lua_State *L, int arg, const char *type, int least, int greatest)
{
  (void)type, (void)least, (void)greatest;
  return luaL_checknumber(L, arg);
}

#define PUSH_INTEGER(L, x) lua_pushinteger(L, (lua_Integer)(x))
#define PUSH_FLOAT(L, x) lua_pushnumber(L, (lua_Number)(x))

/* The view that a getter or setter is of. */
static inline const fm_view *captured(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(1));
}

#define DEFINE(T, ctype, kind, least, greatest)                               \
  static inline int read_##T(lua_State *L, const fm_view *v, int arg)         \
  {                                                                           \
    ctype x;                                                                  \
    memcpy(&x, fmb_at(L, v, false, arg, sizeof x), sizeof x);                 \
    PUSH_##kind(L, x);                                                        \
    return 1;                                                                 \
  }                                                                           \
  static inline int write_##T(lua_State *L, const fm_view *v, int arg)        \
  {                                                                           \
    unsigned char *p = fmb_at(L, v, true, arg, sizeof(ctype));                \
    const ctype x = (ctype)check_##kind(L, arg + 1, #T, least, greatest);     \
    memcpy(p, &x, sizeof x);                                                  \
    return 0;                                                                 \
  }                                                                           \
  static int get_##T(lua_State *L) { return read_##T(L, fmb_self(L), 2); }    \
  static int set_##T(lua_State *L) { return write_##T(L, fmb_self(L), 2); }   \
  static int getter_##T(lua_State *L) { return read_##T(L, captured(L), 1); } \
  static int setter_##T(lua_State *L) { return write_##T(L, captured(L), 1); }

FMB_TYPES(DEFINE)

/*** @type view */

/*** Reads a number: `get_i8`, `get_u8`, `get_i16`, `get_u16`, `get_i32`, `get_u32`, `get_i64`, `get_u64`,
`get_f32`, `get_f64`. Native byte order, any alignment.
@function get_T
@tparam integer offset in bytes from 0
@treturn number an integer, or for f32 and f64 a float; a u64 past 2^63-1 comes as the negative integer of
  the same bits
@raise for an offset at which the number is not wholly in the view */

/*** Writes a number: `set_i8` and so on, as @{get_T}.
@function set_T
@tparam integer offset in bytes from 0
@tparam number value for an integer type one that it can hold (a float with an exact integer value is one;
  u64 takes any integer's bits); for f32 one that is too large becomes infinity
@raise for a value that does not fit, a read-only view, and as @{get_T} */

static const struct { const char *name; lua_CFunction get, set; } types[] = {
#define TYPE(T, ctype, kind, least, greatest) {#T, getter_##T, setter_##T},
  FMB_TYPES(TYPE)
};

/* Index in `types` of the name in `arg`. */
static size_t check_type(lua_State *L, int arg)
{
  const char *name = luaL_checkstring(L, arg);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (fmb_is_word(L, arg, types[i].name)) return i;
  return (size_t)luaL_argerror(L, arg, lua_pushfstring(L, "unknown type '%s'", name));
}

/*** The method `get_T` of this view as a plain function.
@function getter
@tparam string T `i8`, `u8`, `i16`, `u16`, `i32`, `u32`, `i64`, `u64`, `f32` or `f64`
@treturn function `get(offset)` → number; it keeps the view from being collected */
static int view_getter(lua_State *L)
{
  fmb_open_self(L);
  const lua_CFunction get = types[check_type(L, 2)].get;
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, get, 1);
  return 1;
}

/*** The method `set_T` of this view as a plain function.
@function setter
@tparam string T as for @{getter}
@treturn function `set(offset, value)` */
static int view_setter(lua_State *L)
{
  fmb_open_self(L);
  const lua_CFunction set = types[check_type(L, 2)].set;
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, set, 1);
  return 1;
}

const luaL_Reg fmb_number_methods[] = {
#define METHODS(T, ctype, kind, least, greatest) {"get_" #T, get_##T}, {"set_" #T, set_##T},
  FMB_TYPES(METHODS)
  {"getter", view_getter},
  {"setter", view_setter},
  {NULL, NULL},
};
