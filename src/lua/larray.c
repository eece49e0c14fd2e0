/* Arrays: consecutive numbers of one type in a view, used as a table is. The array's user value keeps its
** view from being collected. Closing the view closes the array. */
#include <limits.h>
#include <string.h>

#include "binding.h"
#include "types.h"

/*** @module filemap */

/* {-- Operations of each type --------------------------------------------------------------------- */

typedef struct operations {
  size_t size;
  /* Pushes the number at `p`. */
  void (*push)(lua_State *L, const unsigned char *p);
  /* Writes the number at a stack index. If it does not fit, writes nothing and returns false. */
  bool (*put)(lua_State *L, int index, unsigned char *p);
  /* Copy `count` numbers at `p` to the table at a stack index, where the first one gets the index
  ** `first`, or from it, where the first one has the index 1. put_all ends at a number that does not fit,
  ** leaves it on the stack, and returns how many did. */
  void (*push_all)(lua_State *L, int table, lua_Integer first, const unsigned char *p, size_t count);
  size_t (*put_all)(lua_State *L, int table, unsigned char *p, size_t count);
} operations;

#define DEFINE(T, ctype, kind, least, greatest, atomic)                                              \
  static void push_##T(lua_State *L, const unsigned char *p)                                         \
  {                                                                                                  \
    ctype x;                                                                                         \
    memcpy(&x, p, sizeof x);                                                                         \
    fmb_push_##T(L, x);                                                                              \
  }                                                                                                  \
  static bool put_##T(lua_State *L, int index, unsigned char *p)                                     \
  {                                                                                                  \
    ctype x;                                                                                         \
    if (!fmb_to_##T(L, index, &x)) return false;                                                     \
    memcpy(p, &x, sizeof x);                                                                         \
    return true;                                                                                     \
  }                                                                                                  \
  static void push_all_##T(lua_State *L, int table, lua_Integer first, const unsigned char *p,       \
                           size_t count)                                                             \
  {                                                                                                  \
    for (size_t i = 0; i < count; i++) {                                                             \
      push_##T(L, p + i * sizeof(ctype));                                                            \
      lua_rawseti(L, table, first + (lua_Integer)i);                                                 \
    }                                                                                                \
  }                                                                                                  \
  static size_t put_all_##T(lua_State *L, int table, unsigned char *p, size_t count)                 \
  {                                                                                                  \
    for (size_t i = 0; i < count; i++) {                                                             \
      ctype x;                                                                                       \
      lua_rawgeti(L, table, (lua_Integer)i + 1);                                                     \
      if (!fmb_to_##T(L, -1, &x)) return i;                                                          \
      memcpy(p + i * sizeof x, &x, sizeof x);                                                        \
      lua_pop(L, 1);                                                                                 \
    }                                                                                                \
    return count;                                                                                    \
  }

FMB_TYPES(DEFINE)

static const operations all_operations[] = {
#define OPERATIONS(T, ctype, ...) {sizeof(ctype), push_##T, put_##T, push_all_##T, put_all_##T},
  FMB_TYPES(OPERATIONS)
};

/* {-- Arrays ------------------------------------------------------------------------------------ */

typedef struct array {
  fmb_object object; /* the pointer is the view, which may be closed */
  const operations *op;
  fmb_type type;
  size_t offset;
  size_t count;
} array;

static inline const array *check_array(lua_State *L, int arg)
{
  return (const array *)(const void *)fmb_check_object(L, arg, fmb_array);
}

static inline const fm_view *view_of(const array *a)
{
  return a->object.pointer;
}

static const array *open_array(lua_State *L, int arg)
{
  const array *a = check_array(L, arg);
  if (!view_of(a)->data) fmb_raise_closed(L, arg, fmb_view);
  return a;
}

static inline bool has(const array *a, lua_Integer i)
{
  return (lua_Unsigned)i - 1 < a->count;
}

/* The address of the `n` elements from index `i` on, which the array must have. */
static inline unsigned char *at(lua_State *L, const array *a, bool writing, lua_Integer i, size_t n)
{
  const size_t offset = a->offset + ((size_t)i - 1) * a->op->size;
  if ((writing ? view_of(a)->writable : view_of(a)->readable) == 0)
    return fmb_at_last(L, view_of(a), writing, 2, (lua_Integer)offset, n * a->op->size);
  return view_of(a)->data + offset;
}

static _Noreturn int raise_index(lua_State *L, const array *a, int arg)
{
  const char *index = luaL_tolstring(L, arg, NULL);
  luaL_error(L, "index %s is out of the range of an array (1 to %I)", index, (LUAI_UACINT)a->count);
}

/* The index in `arg`, from which on the array must have `n` elements. If `n` is 0, any index is accepted. */
static lua_Integer check_elements(lua_State *L, const array *a, int arg, uint64_t n)
{
  const lua_Integer i = luaL_checkinteger(L, arg);
  if (n == 0) return i;
  if (!has(a, i)) raise_index(L, a, arg);
  if (n - 1 > a->count - (size_t)i)
    luaL_error(L, "%I elements from index %I on are out of the range of an array (1 to %I)", (LUAI_UACINT)n,
               (LUAI_UACINT)i, (LUAI_UACINT)a->count);
  return i;
}

/*** @type view */

/*** Makes an array of the numbers in a part of this view. Closing the view closes the array.
@function array
@tparam string T the type of the numbers, as for @{getter}
@tparam integer offset of the first number, in bytes from 0; any alignment
@tparam integer count how many numbers, from 0
@treturn array
@raise for an unknown type, a range past the view's end, and if the view is closed
@usage
local a = view:array("f32", 16, 4)
a[1], a[2] = 0.5, 1.5
print(#a, a[2], a[5]) --> 4 1.5 nil */
static int view_array(lua_State *L)
{
  fmb_open_self(L);
  const fmb_type type = fmb_check_type(L, 2);
  const size_t size = all_operations[type].size;
  const uint64_t offset = fmb_check_count(L, 3, "offset");
  const uint64_t count = fmb_check_count(L, 4, "count");
  fmb_object *object = fmb_new_object(L, 4, fmb_array, sizeof(array), 1);
  fm_view *v = fmb_open_self(L); /* a finalizer may have closed it */
  fmb_check_range(L, v, 3, offset, fmb_bytes_of(count, size));
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  array *a = (array *)(void *)object;
  a->object.pointer = v;
  a->op = &all_operations[type];
  a->type = type;
  a->offset = (size_t)offset;
  a->count = (size_t)count;
  return 1;
}

/*** An array of numbers, used as a table is. Indices count from 1. `a[i]` reads a number, and is nil out of
range. `a[i] = x` writes a number; it raises out of range and for a number that does not fit. `#a` is the
count of numbers, and `ipairs(a)` iterates over all of them.
@type array */

/* An index that is not an integer may be a float with an integer value, or the name of a method. */
static int index_other(lua_State *L, const array *a)
{
  int is_integer;
  const lua_Integer i = lua_tointegerx(L, 2, &is_integer);
  if (lua_type(L, 2) == LUA_TNUMBER && is_integer && has(a, i)) {
    a->op->push(L, at(L, a, false, i, 1));
    fmb_check_lost(L, view_of(a));
    return 1;
  }
  lua_settop(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

static int array_index(lua_State *L)
{
  const array *a = check_array(L, 1);
  if (!lua_isinteger(L, 2)) return index_other(L, a);
  const lua_Integer i = lua_tointeger(L, 2);
  if (!has(a, i)) {
    open_array(L, 1);
    lua_pushnil(L);
    return 1;
  }
  a->op->push(L, at(L, a, false, i, 1));
  fmb_check_lost(L, view_of(a));
  return 1;
}

static int array_newindex(lua_State *L)
{
  const array *a = check_array(L, 1);
  int is_integer;
  const lua_Integer i = lua_tointegerx(L, 2, &is_integer);
  if (!is_integer || !has(a, i) || lua_type(L, 2) != LUA_TNUMBER) return raise_index(L, open_array(L, 1), 2);
  unsigned char *p = at(L, a, true, i, 1);
  if (!a->op->put(L, 3, p))
    return luaL_error(L, "element %I: %s", (LUAI_UACINT)i, fmb_push_misfit(L, 3, a->type));
  fmb_check_lost(L, view_of(a));
  return 0;
}

static int array_len(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)open_array(L, 1)->count);
  return 1;
}

/*** Copies numbers to a table. The number at index `i` becomes `t[1]`. Indices out of range leave nil, as
reading them does.
@function get
@tparam[opt=1] integer i the index of the first number
@tparam[opt] integer j the index of the last number; default: `#a`
@treturn {number,...} a new table
@raise if the view is closed
@usage
local a = view:array("i32", 0, 4)
a:set(1, { 10, 20, 30, 40 })
print(table.concat(a:get(), " ")) --> 10 20 30 40
print(table.concat(a:get(2, 3), " ")) --> 20 30 */
static int array_get(lua_State *L)
{
  const array *a = open_array(L, 1);
  const lua_Integer i = luaL_optinteger(L, 2, 1);
  const lua_Integer j = luaL_optinteger(L, 3, (lua_Integer)a->count);
  const lua_Integer first = i < 1 ? 1 : i, last = j > (lua_Integer)a->count ? (lua_Integer)a->count : j;
  const size_t n = first <= last ? (size_t)(last - first) + 1 : 0;
  const lua_Unsigned place = (lua_Unsigned)first - (lua_Unsigned)i + 1; /* of the first in the table */
  const bool fits = place <= (lua_Unsigned)LUA_MAXINTEGER - n;
  lua_createtable(L, fits && place == 1 && n <= INT_MAX ? (int)n : 0, 0);
  a = open_array(L, 1); /* a finalizer may have closed the view */
  if (n == 0 || !fits) return 1;
  a->op->push_all(L, lua_gettop(L), (lua_Integer)place, at(L, a, false, first, n), n);
  fmb_check_lost(L, view_of(a));
  return 1;
}

/*** Writes the numbers of a table, all of them, or none if it raises.
@function set
@tparam integer i the index of the first number that is written
@tparam {number,...} t the numbers, without metamethods
@raise for a number that does not fit the type, indices out of range, a read-only view, and if the view is
  closed
@usage
local a = view:array("i32", 0, 4)
a:set(3, { 30, 40 })
print(a[3], a[4]) --> 30 40 */
static int array_set(lua_State *L)
{
  const array *a = open_array(L, 1);
  luaL_checktype(L, 3, LUA_TTABLE);
  const size_t n = (size_t)lua_rawlen(L, 3);
  const lua_Integer i = check_elements(L, a, 2, n);
  if (n == 0) return 0;
  /* The numbers are converted into private memory, once, and copied when all are right. That memory is
  ** freed as this function returns, or raises. The elements are taken without metamethods. */
  luaL_Buffer b;
  unsigned char *copy = (unsigned char *)luaL_buffinitsize(L, &b, n * a->op->size);
  const size_t fitting = a->op->put_all(L, 3, copy, n);
  if (fitting < n)
    luaL_argerror(L, 3, lua_pushfstring(L, "element %I: %s", (LUAI_UACINT)fitting + 1,
                                        fmb_push_misfit(L, -1, a->type)));
  a = open_array(L, 1); /* a finalizer may have closed the view while memory was allocated */
  memcpy(at(L, a, true, i, n), copy, n * a->op->size);
  fmb_check_lost(L, view_of(a));
  return 0;
}

/*** Copies numbers from this array or another one of the same type. The ranges may overlap.
@function copy
@tparam integer i the index of the first number that is written
@tparam array source
@tparam integer j the index of the first number in `source`
@tparam integer n how many numbers, from 0
@raise for an array of another type, indices out of range, a read-only view, and if a view is closed
@usage
local a, b = view:array("i32", 0, 4), view:array("i32", 100, 4)
b:set(1, { 1, 2, 3, 4 })
a:copy(1, b, 3, 2)
print(a[1], a[2]) --> 3 4 */
static int array_copy(lua_State *L)
{
  const array *a = open_array(L, 1), *source = open_array(L, 3);
  const uint64_t n = fmb_check_count(L, 5, "count");
  const lua_Integer i = check_elements(L, a, 2, n), j = check_elements(L, source, 4, n);
  if (a->type != source->type)
    return luaL_argerror(L, 3, lua_pushfstring(L, "array of %s expected, got one of %s",
                                               fmb_type_name(a->type), fmb_type_name(source->type)));
  if (n == 0) return 0;
  const unsigned char *to = at(L, a, true, i, (size_t)n), *from = at(L, source, false, j, (size_t)n);
  fm_view_copy(view_of(a), (uint64_t)(to - view_of(a)->data), view_of(source),
               (uint64_t)(from - view_of(source)->data), (size_t)n * a->op->size);
  fmb_check_lost(L, view_of(a));
  fmb_check_lost(L, view_of(source));
  return 0;
}

static int array_tostring(lua_State *L)
{
  const array *a = check_array(L, 1);
  if (!view_of(a)->data) lua_pushfstring(L, "%s (closed)", fmb_array);
  else lua_pushfstring(L, "%s (%I %s)", fmb_array, (LUAI_UACINT)a->count, fmb_type_name(a->type));
  return 1;
}

void fmb_open_array(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"get", array_get}, {"set", array_set}, {"copy", array_copy}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__newindex", array_newindex}, {"__len", array_len}, {NULL, NULL}};
  fmb_new_type(L, fmb_array, methods, NULL, array_tostring, metamethods);
  luaL_getmetatable(L, fmb_array);
  lua_getfield(L, -1, "__index");
  lua_pushcclosure(L, array_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

const luaL_Reg fmb_array_methods[] = {
  {"array", view_array}, {NULL, NULL},
};
