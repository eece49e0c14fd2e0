/* Structs as a whole: their numbers read at once, snapshots that no writer changed half-way, what the tables
** are asked that are written to them, and checks of values and arguments. The modules in lua/filemap/struct/,
** and the functions that they generate, call these. */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "record.h"

/* {-- Guards ------------------------------------------------------------------------------------ */

static inline lua_Integer load_counter(const unsigned char *p, int type)
{
  switch (type) {
#define LOAD(T, ctype, ...)    \
  case FMB_##T: {              \
    ctype x;                   \
    memcpy(&x, p, sizeof x);   \
    return (lua_Integer)x;     \
  }
    FMB_TYPES(LOAD)
    default: return 0;
  }
}

/* The counter of a code, of the struct at `offset`, which is read at once. In the code's number bit 0 is set
** if the counter is in the other byte order. Raises if the view was closed or has lost the page. */
static lua_Integer read_counter(lua_State *L, const fm_view *v, size_t offset, lua_Unsigned code)
{
  const int type = fmb_kind_of(code) < FMB_NUMBER_KINDS ? fmb_kind_of(code) : FMB_u8;
  const lua_Integer at = (lua_Integer)(offset + fmb_offset_of(code));
  const unsigned char *p = fmb_at_offset(L, v, false, 2, at, fmb_sizes[type]);
  unsigned char copy[sizeof(lua_Integer)], reversed[sizeof copy];
  if (fmb_number_of(code) & 1) {
    memcpy(copy, p, fmb_sizes[type]);
    for (size_t i = 0; i < fmb_sizes[type]; i++) reversed[i] = copy[fmb_sizes[type] - 1 - i];
    p = reversed;
  }
  const lua_Integer n = load_counter(p, type);
  fmb_check_lost(L, v);
  return n;
}

/* The protocol of a writer: it changes the counter `first` before the struct and `last` after it. If
** `even` is set, an odd counter means that the writer is writing. */
typedef struct guard {
  lua_Unsigned first, last;
  bool even;
} guard;

/* The keys of guards: see check_guard in lua/filemap/struct/type.lua. */
enum { EVEN, SAME, FIRST, LAST, ROLES };

/* The role of the key at the stack index -2; ROLES if it is not a guard's. */
static inline int role_of_key(lua_State *L)
{
  size_t n;
  if (lua_type(L, -2) != LUA_TSTRING) return ROLES;
  const char *key = lua_tolstring(L, -2, &n);
  if (n == 5) return memcmp(key, "first", 5) == 0 ? FIRST : ROLES;
  if (n != 4) return ROLES;
  return memcmp(key, "even", 4) == 0 ? EVEN : memcmp(key, "same", 4) == 0 ? SAME
       : memcmp(key, "last", 4) == 0 ? LAST : ROLES;
}

/* Reads the guard at the stack index `arg`, a table of paths. The table behind it has the codes of the
** counters by path. Returns false for a guard that is not one of the protocols, or with paths that have no
** code yet. */
static bool to_guard(lua_State *L, int arg, guard *g)
{
  lua_Unsigned codes[ROLES] = {0};
  unsigned roles = 0;
  if (lua_type(L, arg) != LUA_TTABLE || lua_type(L, arg + 1) != LUA_TTABLE) return false;
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    const int role = role_of_key(L);
    if (role == ROLES || lua_rawget(L, arg + 1) != LUA_TNUMBER) return false;
    codes[role] = (lua_Unsigned)lua_tointeger(L, -1);
    roles |= 1U << role;
    lua_pop(L, 1);
  }
  const lua_Unsigned both = codes[SAME] | codes[EVEN];
  *g = (guard){.first = codes[FIRST] | both, .last = codes[LAST] | both, .even = roles == 1U << EVEN};
  return roles == 1U << SAME || roles == 1U << EVEN || roles == (1U << FIRST | 1U << LAST);
}

/* Reads the counter before the struct is read. Returns false if a writer is at work. */
static bool begin_reading(lua_State *L, const fm_view *v, const guard *g, size_t offset, lua_Integer *before)
{
  *before = read_counter(L, v, offset, g->last);
  atomic_thread_fence(memory_order_acquire);
  return !g->even || (*before & 1) == 0;
}

/* Is the counter as it was before the struct was read? */
static bool is_unchanged(lua_State *L, const fm_view *v, const guard *g, size_t offset, lua_Integer before)
{
  atomic_thread_fence(memory_order_acquire);
  return read_counter(L, v, offset, g->first) == before;
}

/* The view in argument 1; NULL if it is not open, or if the `size` bytes from the offset at the stack index
** `arg` cannot be read. */
static const fm_view *to_range(lua_State *L, int arg, uint64_t size)
{
  const fm_view *v = fmb_to_view(L, 1);
  const uint64_t offset = (uint64_t)lua_tointeger(L, arg);
  if (!v || !lua_isinteger(L, arg)) return NULL;
  if (size <= v->readable && offset <= v->readable - size) return v;
  return fm_view_check(v, false, offset, size, NULL) == FM_OK ? v : NULL;
}

/* copy_whole(view, offset, guard, codes, size) -> the bytes of a struct if no writer changed it meanwhile.
** It returns nil in all other cases, also for wrong arguments: the caller then finds the reason. */
static int copy_whole(lua_State *L)
{
  const uint64_t size = (uint64_t)lua_tointeger(L, 5);
  const fm_view *v = to_range(L, 2, size);
  const size_t offset = (size_t)lua_tointeger(L, 2);
  guard g;
  lua_Integer before;
  if (!v || !to_guard(L, 3, &g) || !begin_reading(L, v, &g, offset, &before)) return 0;
  fmb_push_copy(L, v, v->data + offset, (size_t)size); /* a finalizer may have closed the view */
  return is_unchanged(L, v, &g, offset, before) ? 1 : 0;
}

/* The n-th of the codes in argument 2, a string of Lua integers. Raises unless it is that of a number in the
** first `size` bytes. */
static inline lua_Unsigned check_code(lua_State *L, const char *codes, size_t n, uint64_t size)
{
  lua_Unsigned code;
  memcpy(&code, codes + n * sizeof code, sizeof code);
  const int kind = fmb_kind_of(code);
  const size_t at = fmb_offset_of(code);
  luaL_argcheck(L, kind < FMB_NUMBER_KINDS && at <= size && fmb_sizes[kind] <= size - at, 2, "code");
  return code;
}

/* Pushes the numbers of the codes, from the `size` bytes at `p`. Returns how many there are. */
static int push_numbers(lua_State *L, const unsigned char *p, uint64_t size)
{
  size_t length;
  const char *codes = luaL_checklstring(L, 2, &length);
  const size_t n = length / sizeof(lua_Unsigned);
  luaL_checkstack(L, n < INT_MAX ? (int)n : INT_MAX, "too many results");
  for (size_t i = 0; i < n; i++) {
    const lua_Unsigned code = check_code(L, codes, i, size);
    fmb_push_at(L, fmb_kind_of(code), p + fmb_offset_of(code));
  }
  return (int)n;
}

/* Pushes an empty table with room for n elements, at most 2^20. */
static void create_list(lua_State *L, lua_Integer n)
{
  enum { MOST = 1 << 20 };
  lua_createtable(L, n < MOST ? (n > 0 ? (int)n : 0) : MOST, 0);
}

/* Adds a table of the numbers at `p` to the one at the stack index `list`. Their names are behind that. */
static void add_record(lua_State *L, int list, lua_Integer i, const lua_Unsigned *codes, int n,
                       const unsigned char *p)
{
  for (int field = 0; field < n; field++) {
    lua_pushvalue(L, list + 1 + field);
    fmb_push_at(L, fmb_kind_of(codes[field]), p + fmb_offset_of(codes[field]));
    lua_rawset(L, -3); /* the table has room, so this allocates nothing */
  }
  lua_rawseti(L, list, i);
}

/* read_records(view, codes, names, offset, stride, n, size) -> a table of n tables of numbers: their names,
** in the order of the codes, and the numbers in the `size` bytes of each record. Raises if the view is
** closed, and for a range past its end. */
static int read_records(lua_State *L)
{
  enum { NAMES = 3, OFFSET, STRIDE, COUNT, SIZE, LIST, MOST = 200 };
  const fm_view *v = fmb_open_self(L);
  const lua_Integer stride = luaL_checkinteger(L, STRIDE), n = luaL_checkinteger(L, COUNT);
  const uint64_t size = (uint64_t)luaL_checkinteger(L, SIZE);
  lua_Integer at = fmb_check_integer(L, OFFSET);
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  const size_t fields = length / sizeof(lua_Unsigned);
  lua_Unsigned codes[MOST];
  luaL_checktype(L, NAMES, LUA_TTABLE);
  luaL_argcheck(L, stride > 0, STRIDE, "stride");
  luaL_argcheck(L, fields <= MOST, 2, "too many codes");
  luaL_checkstack(L, MOST + LUA_MINSTACK, NULL);
  lua_settop(L, SIZE);
  create_list(L, n);
  for (size_t i = 0; i < fields; i++) {
    codes[i] = check_code(L, text, i, size);
    lua_rawgeti(L, NAMES, (lua_Integer)i + 1);
  }
  for (lua_Integer i = 1; i <= n; i++, at += stride) {
    lua_createtable(L, 0, (int)fields); /* a finalizer may close the view */
    add_record(L, LIST, i, codes, (int)fields, fmb_at_offset(L, v, false, OFFSET, at, size));
    fmb_check_lost(L, v);
  }
  lua_settop(L, LIST);
  return 1;
}

/* unpack_numbers(view, codes, offset, size [, guard, codes]) -> the same. It returns nothing if the view is
** closed, and for a range past its end; with a guard, also as copy_whole. */
static int unpack_numbers(lua_State *L)
{
  const uint64_t size = (uint64_t)lua_tointeger(L, 4);
  const fm_view *v = to_range(L, 3, size);
  const size_t offset = (size_t)lua_tointeger(L, 3);
  guard g;
  lua_Integer before = 0;
  const bool guarded = lua_gettop(L) > 4;
  if (!v || (guarded && (!to_guard(L, 5, &g) || !begin_reading(L, v, &g, offset, &before)))) return 0;
  const int n = push_numbers(L, v->data + offset, size);
  if (guarded) return is_unchanged(L, v, &g, offset, before) ? n : 0;
  fmb_check_lost(L, v);
  return n;
}

/* {-- Tables ------------------------------------------------------------------------------------ */

static bool is_plain(lua_State *L, int index)
{
  return lua_type(L, index) == LUA_TTABLE && !lua_getmetatable(L, index);
}

/* The number of keys of a table, of which the first is on top and was counted. */
static lua_Integer count_keys(lua_State *L, int index)
{
  lua_Integer n = 1;
  for (; lua_next(L, index); lua_pop(L, 1)) n++;
  return n;
}

/* count_plain(t) -> the number of keys of a table; if it has one key, also that key, its value, and if that
** is such a table with more keys their number. nil for a table with a metatable, and for another value. */
static int count_plain(lua_State *L)
{
  if (!is_plain(L, 1)) return 0;
  lua_settop(L, 1);
  lua_pushinteger(L, 1);
  lua_pushnil(L);
  lua_Integer n = 0;
  if (lua_next(L, 1)) {
    lua_pushvalue(L, 3);
    n = count_keys(L, 1);
  }
  if (n != 1) {
    lua_pushinteger(L, n);
    return 1;
  }
  if (!is_plain(L, 4)) {
    lua_settop(L, 4);
    return 3;
  }
  lua_pushnil(L);
  if (!lua_next(L, 4)) return 3;
  lua_pop(L, 1);
  n = count_keys(L, 4);
  if (n == 1) return 3;
  lua_pushinteger(L, n);
  return 4;
}

/* new_table(n) -> an empty table with room for n elements, at most 2^20 */
static int new_table(lua_State *L)
{
  create_list(L, luaL_checkinteger(L, 1));
  return 1;
}

/* plain_text(s) -> s; raises for another value than a string, and for a string with a NUL. */
static int plain_text(lua_State *L)
{
  size_t length;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *s = lua_tolstring(L, 1, &length);
  luaL_argcheck(L, !memchr(s, 0, length), 1, "string contains zeros");
  lua_settop(L, 1);
  return 1;
}

/* {-- Values ------------------------------------------------------------------------------------ */

static void as_INTEGER(lua_State *L, int index)
{
  lua_pushinteger(L, lua_tointeger(L, index));
}

static void as_FLOAT(lua_State *L, int index)
{
  lua_pushnumber(L, lua_tonumber(L, index));
}

/* check_number(value, name, type) -> the number; raises if the type cannot store it, naming the field. */
static int check_number(lua_State *L)
{
  const lua_Integer type = luaL_checkinteger(L, 3);
  luaL_argcheck(L, type >= 0 && type < FMB_NUMBER_KINDS, 3, "type of a number");
  bool fits = false;
  switch (type) {
#define FITS(T, ctype, kind, ...)      \
  case FMB_##T: {                      \
    ctype x;                           \
    fits = fmb_to_##T(L, 1, &x);       \
    if (fits) as_##kind(L, 1);         \
    break;                             \
  }
    FMB_TYPES(FITS)
    default: break;
  }
  if (fits) return 1;
  const char *why = fmb_push_misfit(L, 1, (fmb_type)type);
  return fmb_raise(L, "field '%s': %s", luaL_checkstring(L, 2), why);
}

/* {-- Arguments of methods in Lua ---------------------------------------------------------------- */

/* check_integer(n, what, number [, least]) -> n as an integer; raises for another value, and for less than
** `least`. */
static int check_integer(lua_State *L)
{
  int is_integer;
  const lua_Integer n = lua_tointegerx(L, 1, &is_integer);
  const char *what = luaL_checkstring(L, 2);
  const LUAI_UACINT number = (LUAI_UACINT)luaL_checkinteger(L, 3);
  if (!is_integer || lua_type(L, 1) != LUA_TNUMBER)
    return fmb_raise(L, "bad argument #%I to '%s' (integer expected, got %s)", number, what,
                     lua_type(L, 1) == LUA_TNUMBER ? "float" : fmb_push_type_name(L, 1));
  if (!lua_isnoneornil(L, 4) && n < lua_tointeger(L, 4))
    return fmb_raise(L, "bad argument #%I to '%s' (%I is less than %I)", number, what, (LUAI_UACINT)n,
                     (LUAI_UACINT)lua_tointeger(L, 4));
  lua_pushinteger(L, n);
  return 1;
}

/* check_elements(i, what, number, n, count) -> i as an integer; raises unless an array of `count` elements
** has n from the i-th on. */
static int check_elements(lua_State *L)
{
  const lua_Integer n = luaL_checkinteger(L, 4), count = luaL_checkinteger(L, 5);
  lua_pushcfunction(L, check_integer);
  for (int arg = 1; arg <= 3; arg++) lua_pushvalue(L, arg);
  lua_call(L, 3, 1);
  const lua_Integer i = lua_tointeger(L, -1);
  if (n > 0 && (i < 1 || i > count || n - 1 > count - i))
    return fmb_raise(L, "bad argument #%I to '%s' (%I elements from index %I on are not in 1..%I)",
                     (LUAI_UACINT)lua_tointeger(L, 3), lua_tostring(L, 2), (LUAI_UACINT)n, (LUAI_UACINT)i,
                     (LUAI_UACINT)count);
  return 1;
}

/* check_timeout(seconds, what, number): raises for an invalid time-out. */
static int check_timeout(lua_State *L)
{
  const char *what = luaL_checkstring(L, 2);
  const LUAI_UACINT number = (LUAI_UACINT)luaL_checkinteger(L, 3);
  if (lua_isnil(L, 1) || (lua_type(L, 1) == LUA_TNUMBER && lua_tonumber(L, 1) >= 0)) return 0;
  if (lua_type(L, 1) != LUA_TNUMBER)
    return fmb_raise(L, "bad argument #%I to '%s' (number expected, got %s)", number, what,
                     fmb_push_type_name(L, 1));
  return fmb_raise(L, "bad argument #%I to '%s' (time-out %s is negative or NaN)", number, what,
                   luaL_tolstring(L, 1, NULL));
}

const luaL_Reg fmb_struct_functions[] = {
  {"copy_whole", copy_whole}, {"unpack_numbers", unpack_numbers}, {"read_records", read_records},
  {"unpack_within", fmb_unpack_within}, {"count_plain", count_plain}, {"new_table", new_table},
  {"plain_text", plain_text}, {"check_number", check_number}, {"check_integer", check_integer},
  {"check_elements", check_elements}, {"check_timeout", check_timeout},
  {NULL, NULL},
};
