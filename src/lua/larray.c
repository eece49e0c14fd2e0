/* Arrays: numbers of one type, one behind the other in a view, that look like a table's. An array refers to its
** view, which its user value keeps from being collected; a closed view closes it. */
#include <limits.h>
#include <string.h>

#include "binding.h"
#include "types.h"

/*** @module filemap */

/* {-- What depends on the type ------------------------------------------------------------------ */

typedef struct operations {
  size_t size;
  /* Pushes the number at `p`. */
  void (*push)(lua_State *L, const unsigned char *p);
  /* Writes the number at a stack index; false, and nothing is written, if it does not fit. */
  bool (*put)(lua_State *L, int index, unsigned char *p);
  /* `count` numbers from `p` on, to or from the table at a stack index, where the first has the index `first`. */
  void (*push_all)(lua_State *L, int table, lua_Integer first, const unsigned char *p, size_t count);
  void (*put_all)(lua_State *L, int table, unsigned char *p, size_t count);
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
  static void put_all_##T(lua_State *L, int table, unsigned char *p, size_t count)                   \
  {                                                                                                  \
    for (size_t i = 0; i < count; i++) {                                                             \
      lua_rawgeti(L, table, (lua_Integer)i + 1);                                                     \
      put_##T(L, -1, p + i * sizeof(ctype));                                                         \
      lua_pop(L, 1);                                                                                 \
    }                                                                                                \
  }

FMB_TYPES(DEFINE)

static const operations all_operations[] = {
#define OPERATIONS(T, ctype, ...) {sizeof(ctype), push_##T, put_##T, push_all_##T, put_all_##T},
  FMB_TYPES(OPERATIONS)
};

enum { LARGEST = sizeof(int64_t) };

/* {-- Arrays ------------------------------------------------------------------------------------ */

typedef struct array {
  const void *tag; /* as of a view's userdata */
  const fm_view *view;
  const operations *op;
  fmb_type type;
  size_t offset;
  size_t count;
} array;

static const char array_tag[] = FMB_ARRAY;

static inline const array *check_array(lua_State *L, int arg)
{
  const array *a = lua_touserdata(L, arg);
  if (!a || lua_rawlen(L, arg) != sizeof *a || a->tag != array_tag) luaL_typeerror(L, arg, FMB_ARRAY);
  return a;
}

static const array *open_array(lua_State *L, int arg)
{
  const array *a = check_array(L, arg);
  if (!a->view->data) luaL_error(L, "%s is closed", FMB_VIEW);
  return a;
}

static inline bool has(const array *a, lua_Integer i)
{
  return (lua_Unsigned)i - 1 < a->count;
}

/* Where `n` elements from the i-th on are, which the array must have. */
static inline unsigned char *at(lua_State *L, const array *a, bool writing, lua_Integer i, size_t n)
{
  const size_t offset = a->offset + ((size_t)i - 1) * a->op->size;
  if ((writing ? a->view->writable : a->view->readable) == 0)
    return fmb_at_last(L, a->view, writing, 2, (lua_Integer)offset, n * a->op->size);
  return a->view->data + offset;
}

static int raise_index(lua_State *L, const array *a, int arg)
{
  return luaL_error(L, "index %s is out of the range of an array (1 to %I)", luaL_tolstring(L, arg, NULL),
                    (LUAI_UACINT)a->count);
}

/* The index in `arg`, from which on the array must have `n` elements; of none it may be any. */
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

/*** An array of numbers in this view.
@function array
@tparam string T the numbers' type, as for @{getter}
@tparam integer offset of the first, in bytes from 0; any alignment
@tparam integer count of the numbers
@treturn array
@raise for an unknown type, and a range past the view's end */
static int view_array(lua_State *L)
{
  fmb_open_self(L);
  const fmb_type type = fmb_check_type(L, 2);
  const size_t size = all_operations[type].size;
  const uint64_t offset = fmb_check_count(L, 3, "offset");
  const uint64_t count = fmb_check_count(L, 4, "count");
  array *a = lua_newuserdatauv(L, sizeof *a, 1); /* a finalizer may run, and close self: look only now */
  const fm_view *v = fmb_open_self(L);
  fmb_check_range(L, v, 3, offset, count <= LUA_MAXINTEGER / size ? count * size : LUA_MAXINTEGER);
  *a = (array){array_tag, v, &all_operations[type], type, (size_t)offset, (size_t)count};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, FMB_ARRAY);
  return 1;
}

/*** An array: `a[i]` reads the i-th number, or nil out of range, and `a[i] = x` writes it, or raises out of
range and for a number that does not fit; `#a` is their count. `ipairs(a)` goes over all of them.
@type array */

/* What is not an integer may be a float that is one, or a method's name. */
static int index_other(lua_State *L, const array *a)
{
  int is_integer;
  const lua_Integer i = lua_tointegerx(L, 2, &is_integer);
  if (lua_type(L, 2) == LUA_TNUMBER && is_integer && has(a, i)) {
    a->op->push(L, at(L, a, false, i, 1));
    fmb_check_lost(L, a->view);
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
  fmb_check_lost(L, a->view);
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
  fmb_check_lost(L, a->view);
  return 0;
}

static int array_len(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)open_array(L, 1)->count);
  return 1;
}

/*** A table of the numbers from the i-th to the j-th: `t[1]` is the i-th. As when each is read, what is out of
range is nil.
@function get
@tparam[opt=1] integer i
@tparam[opt] integer j default: the last one's
@treturn {number,...} */
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
  fmb_check_lost(L, a->view);
  return 1;
}

/* Raises unless the table in `arg` has `n` numbers that fit. Its elements are taken as they are, without
** metamethods, so that they are the same when they are written. */
static void check_numbers(lua_State *L, const array *a, int arg, size_t n)
{
  unsigned char ignored[LARGEST];
  for (size_t k = 1; k <= n; k++) {
    lua_rawgeti(L, arg, (lua_Integer)k);
    if (!a->op->put(L, -1, ignored))
      luaL_argerror(L, arg, lua_pushfstring(L, "element %I: %s", (LUAI_UACINT)k, fmb_push_misfit(L, -1, a->type)));
    lua_pop(L, 1);
  }
}

/*** Writes the numbers of a table, all or none, from the i-th on.
@function set
@tparam integer i
@tparam {number,...} t
@raise if they do not all fit, and for a read-only view */
static int array_set(lua_State *L)
{
  const array *a = open_array(L, 1);
  luaL_checktype(L, 3, LUA_TTABLE);
  const size_t n = (size_t)lua_rawlen(L, 3);
  const lua_Integer i = check_elements(L, a, 2, n);
  if (n == 0) return 0;
  check_numbers(L, a, 3, n);
  a->op->put_all(L, 3, at(L, a, true, i, n), n);
  fmb_check_lost(L, a->view);
  return 0;
}

/*** Copies numbers from an array of the same type, this one or another; the ranges may overlap.
@function copy
@tparam integer i the index of the first that is written
@tparam array source
@tparam integer j the index of the first in `source`
@tparam integer n how many
@raise for another type, indices out of range, and a read-only view */
static int array_copy(lua_State *L)
{
  const array *a = open_array(L, 1), *source = open_array(L, 3);
  const uint64_t n = fmb_check_count(L, 5, "count");
  const lua_Integer i = check_elements(L, a, 2, n), j = check_elements(L, source, 4, n);
  if (a->type != source->type)
    return luaL_argerror(L, 3, lua_pushfstring(L, "an array of %s, not of %s", fmb_type_name(source->type),
                                               fmb_type_name(a->type)));
  if (n == 0) return 0;
  const unsigned char *to = at(L, a, true, i, (size_t)n), *from = at(L, source, false, j, (size_t)n);
  fm_view_copy(a->view, (uint64_t)(to - a->view->data), source->view, (uint64_t)(from - source->view->data),
               (size_t)n * a->op->size);
  fmb_check_lost(L, a->view);
  fmb_check_lost(L, source->view);
  return 0;
}

static int array_tostring(lua_State *L)
{
  const array *a = check_array(L, 1);
  if (!a->view->data) lua_pushliteral(L, FMB_ARRAY " (closed)");
  else lua_pushfstring(L, "%s (%I %s)", FMB_ARRAY, (LUAI_UACINT)a->count, fmb_type_name(a->type));
  return 1;
}

void fmb_open_array(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"get", array_get}, {"set", array_set}, {"copy", array_copy}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
    {"__newindex", array_newindex}, {"__len", array_len}, {"__tostring", array_tostring}, {NULL, NULL},
  };
  luaL_newmetatable(L, FMB_ARRAY);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, array_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

const luaL_Reg fmb_array_methods[] = {
  {"array", view_array}, {NULL, NULL},
};
