/* The table of the types of numbers. A line makes get_T and set_T, a type that getter, setter and array
** accept, and for ATOMIC types load_T and the other atomic methods:
**
**   X(T, C type, kind, least, greatest, atomic)
**
** INTEGER is a Lua integer from least to greatest. For types of 64 bits these are Lua's own bounds, so that
** u64 accepts the bits of any Lua integer and returns them. FLOAT is a Lua float, rounded to the type. */
#ifndef FILEMAP_TYPES_H
#define FILEMAP_TYPES_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "../base/hidden.h"

FM_BEGIN_HIDDEN

#define FMB_TYPES(X)                                               \
  X(i8, int8_t, INTEGER, INT8_MIN, INT8_MAX, PLAIN)                \
  X(u8, uint8_t, INTEGER, 0, UINT8_MAX, PLAIN)                     \
  X(i16, int16_t, INTEGER, INT16_MIN, INT16_MAX, PLAIN)            \
  X(u16, uint16_t, INTEGER, 0, UINT16_MAX, PLAIN)                  \
  X(i32, int32_t, INTEGER, INT32_MIN, INT32_MAX, ATOMIC)           \
  X(u32, uint32_t, INTEGER, 0, UINT32_MAX, ATOMIC)                 \
  X(i64, int64_t, INTEGER, LUA_MININTEGER, LUA_MAXINTEGER, ATOMIC)   \
  X(u64, uint64_t, INTEGER, LUA_MININTEGER, LUA_MAXINTEGER, ATOMIC)  \
  X(f32, float, FLOAT, 0, 0, PLAIN)                                \
  X(f64, double, FLOAT, 0, 0, PLAIN)

/* FMB_i8 and so on number the types, for other tables that are made from FMB_TYPES. */
typedef enum fmb_type {
#define FMB_NUMBER_TYPE(T, ...) FMB_##T,
  FMB_TYPES(FMB_NUMBER_TYPE)
#undef FMB_NUMBER_TYPE
} fmb_type;

/* The type that an argument names; another word raises. */
fmb_type fmb_check_type(lua_State *L, int arg);
const char *fmb_type_name(fmb_type type);

/* Pushes the types for modules in Lua: an array, in the order of FMB_TYPES, of tables with `name`, `size` in
** bytes and, for an integer type, `least` and `greatest`. */
void fmb_push_types(lua_State *L);

/* Pushes why the value at a stack index, which fmb_to_T refused, does not fit. */
const char *fmb_push_misfit(lua_State *L, int index, fmb_type type);

/* {-- From Lua and to Lua ----------------------------------------------------------------------- */

static inline bool fmb_to_INTEGER(lua_State *L, int index, lua_Integer least, lua_Integer greatest,
                                  lua_Integer *x)
{
  int is_integer;
  *x = lua_tointegerx(L, index, &is_integer);
  return is_integer && *x >= least && *x <= greatest;
}

static inline bool fmb_to_FLOAT(lua_State *L, int index, int least, int greatest, lua_Number *x)
{
  (void)least, (void)greatest;
  int is_number;
  *x = lua_tonumberx(L, index, &is_number);
  return is_number;
}

#define FMB_LUA_INTEGER lua_Integer
#define FMB_LUA_FLOAT lua_Number
#define FMB_PUSH_INTEGER lua_pushinteger
#define FMB_PUSH_FLOAT lua_pushnumber

/* fmb_to_T gets the number at a stack index. It returns false if there is none or it does not fit. fmb_push_T
** is the inverse. */
#define FMB_CONVERT(T, ctype, kind, least, greatest, atomic)                  \
  static inline bool fmb_to_##T(lua_State *L, int index, ctype *out)          \
  {                                                                           \
    FMB_LUA_##kind x;                                                         \
    const bool fits = fmb_to_##kind(L, index, least, greatest, &x);           \
    *out = (ctype)x;                                                          \
    return fits;                                                              \
  }                                                                           \
  static inline void fmb_push_##T(lua_State *L, ctype x)                      \
  {                                                                           \
    FMB_PUSH_##kind(L, (FMB_LUA_##kind)x);                                    \
  }

FMB_TYPES(FMB_CONVERT)
#undef FMB_CONVERT

FM_END_HIDDEN

#endif
