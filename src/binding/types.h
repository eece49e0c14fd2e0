/* The one table of the types of numbers. A line gives get_T, set_T and what getter and setter take:
**
**   X(T, C type, kind, least, greatest)
**
** INTEGER is a Lua integer from least to greatest. For 64 bits these are Lua's own bounds, so that u64
** takes any Lua integer's bits and gives them back. FLOAT is a Lua float, rounded to the type. */
#ifndef FILEMAP_TYPES_H
#define FILEMAP_TYPES_H

#include <lua.h>
#include <stdint.h>

#define FMB_TYPES(X)                                         \
  X(i8, int8_t, INTEGER, INT8_MIN, INT8_MAX)                 \
  X(u8, uint8_t, INTEGER, 0, UINT8_MAX)                      \
  X(i16, int16_t, INTEGER, INT16_MIN, INT16_MAX)             \
  X(u16, uint16_t, INTEGER, 0, UINT16_MAX)                   \
  X(i32, int32_t, INTEGER, INT32_MIN, INT32_MAX)             \
  X(u32, uint32_t, INTEGER, 0, UINT32_MAX)                   \
  X(i64, int64_t, INTEGER, LUA_MININTEGER, LUA_MAXINTEGER)   \
  X(u64, uint64_t, INTEGER, LUA_MININTEGER, LUA_MAXINTEGER)  \
  X(f32, float, FLOAT, 0, 0)                                 \
  X(f64, double, FLOAT, 0, 0)

#endif
