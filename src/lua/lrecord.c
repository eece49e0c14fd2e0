/* Records and arrays of structs: objects that know a place in a view, and reach its members by name or
** index. The modules in lua/filemap/struct/ compile the types and call the functions here. The
** metamethods in this file read and write by themselves the members that programs use most: numbers of
** this machine's byte order, text of bytes, and objects that were made before. For all other members they
** call Lua. An access in Lua alone would take two calls, and over twice the time of the view's own
** method. */
#include <limits.h>
#include <string.h>

#include "binding.h"
#include "record.h"

/* {-- Places ------------------------------------------------------------------------------------ */

/* The userdata of a record. Its first user value is its view; the others are slots for the objects inside
** it. */
typedef struct place {
  fmb_object object; /* its pointer is the fm_view */
  size_t offset;
} place;

/* The userdata of an array. Its user values are its view, its name for messages, and a table of elements. */
typedef struct array {
  place place;
  size_t count;
} array;

enum { VIEW = 1, NAME = 2, KEPT = 3 };

/* Elements with an index of up to this many are kept once they are made. */
enum { MOST_KEPT = 4096 };

static inline const fm_view *view_of(const place *p)
{
  return p->object.pointer;
}

static inline const place *check_record(lua_State *L)
{
  return (const place *)fmb_check_object(L, 1, fmb_record);
}

static inline const array *check_array(lua_State *L)
{
  return (const array *)fmb_check_object(L, 1, fmb_record_array);
}

/* Checks the arguments view, offset and metatable of `new` and `new_array`. */
static place check_place(lua_State *L, const char *type)
{
  fm_view *v = fmb_to_view(L, 1);
  if (!v) fmb_type_error(L, 1, fmb_view);
  luaL_checktype(L, 3, LUA_TTABLE);
  return (place){.object = {.type = type, .pointer = v}, .offset = (size_t)luaL_checkinteger(L, 2)};
}

static void set_values(lua_State *L)
{
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, VIEW);
  lua_pushvalue(L, 3);
  lua_setmetatable(L, -2);
}

/* new(view, offset, metatable, slots [, value]) -> record, with the value in its first slot. */
static int new_record(lua_State *L)
{
  lua_settop(L, 5);
  const place p = check_place(L, fmb_record);
  const lua_Integer slots = luaL_checkinteger(L, 4);
  luaL_argcheck(L, slots >= 0 && slots < 1 << FMB_NUMBER_BITS, 4, "number of slots");
  memcpy(lua_newuserdatauv(L, sizeof p, VIEW + (int)slots), &p, sizeof p);
  set_values(L);
  if (slots > 0) {
    lua_pushvalue(L, 5);
    lua_setiuservalue(L, -2, VIEW + 1);
  }
  return 1;
}

/* new_array(view, offset, metatable, count, name, keeps) -> array */
static int new_array(lua_State *L)
{
  lua_settop(L, 6);
  const array a = {.place = check_place(L, fmb_record_array),
                   .count = (size_t)fmb_check_count(L, 4, "count")};
  memcpy(lua_newuserdatauv(L, sizeof a, lua_toboolean(L, 6) ? KEPT : NAME), &a, sizeof a);
  set_values(L);
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, -2, NAME);
  return 1;
}

/* locate(object) -> view, offset, and of an array its count and name; nil for anything else. */
static int locate(lua_State *L)
{
  const array *a = (const array *)fmb_to_object(L, 1, fmb_record_array);
  const place *p = a ? &a->place : (const place *)fmb_to_object(L, 1, fmb_record);
  if (!p) return 0;
  lua_getiuservalue(L, 1, VIEW);
  lua_pushinteger(L, (lua_Integer)p->offset);
  if (!a) return 2;
  lua_pushinteger(L, (lua_Integer)a->count);
  lua_getiuservalue(L, 1, NAME);
  return 4;
}

/* locate_array(object, what): as locate; raises, in the name of the method `what`, for anything but an
** array. */
static int locate_array(lua_State *L)
{
  if (fmb_to_object(L, 1, fmb_record_array)) return locate(L);
  return fmb_raise(L, "calling '%s' on bad self (%s expected, got %s)", luaL_checkstring(L, 2),
                   fmb_record_array, fmb_push_type_name(L, 1));
}

/* slot(record, n) -> what is in the n-th slot */
static int slot(lua_State *L)
{
  check_record(L);
  const lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n > 0 && n < 1 << FMB_NUMBER_BITS, 2, "number of a slot");
  lua_getiuservalue(L, 1, VIEW + (int)n);
  return 1;
}

/* {-- Values ------------------------------------------------------------------------------------ */

static inline int push_number(lua_State *L, const fm_view *v, int type, size_t offset)
{
  fmb_push_at(L, type, fmb_at_offset(L, v, false, 2, (lua_Integer)offset, fmb_sizes[type]));
  fmb_check_lost(L, v);
  return 1;
}

/* Writes argument 3; false, and nothing is written, if it does not fit. */
static inline bool put_number(lua_State *L, const fm_view *v, int type, size_t offset)
{
  unsigned char *p = fmb_at_offset(L, v, true, 2, (lua_Integer)offset, fmb_sizes[type]);
  switch (type) {
#define PUT(T, ctype, ...)                       \
  case FMB_##T: {                                \
    ctype x;                                     \
    if (!fmb_to_##T(L, 3, &x)) return false;     \
    memcpy(p, &x, sizeof x);                     \
    break;                                       \
  }
    FMB_TYPES(PUT)
    default: return false;
  }
  fmb_check_lost(L, v);
  return true;
}

static void as_INTEGER(lua_State *L, int index)
{
  lua_pushinteger(L, lua_tointeger(L, index));
}

static void as_FLOAT(lua_State *L, int index)
{
  lua_pushnumber(L, lua_tonumber(L, index));
}

/* A number of a type of types.h. */
static int check_type(lua_State *L, int arg)
{
  const lua_Integer type = luaL_checkinteger(L, arg);
  luaL_argcheck(L, type >= 0 && type < FMB_NUMBER_KINDS, arg, "type of a number");
  return (int)type;
}

/* check_number(value, name, type) -> the number; raises if the type cannot store it, naming the field. */
static int check_number(lua_State *L)
{
  const int type = check_type(L, 3);
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

/* Pushes the text in `n` bytes, up to a NUL. It searches a private copy, which no other process changes. */
static int push_text(lua_State *L, const fm_view *v, size_t offset, size_t n)
{
  char copy[1 << FMB_NUMBER_BITS];
  memcpy(copy, fmb_at_offset(L, v, false, 2, (lua_Integer)offset, n), n);
  fmb_check_lost(L, v);
  const char *nul = memchr(copy, 0, n);
  lua_pushlstring(L, copy, nul ? (size_t)(nul - copy) : n);
  return 1;
}

/* Writes argument 3 and zeros after it. Returns false, and writes nothing, unless it is a text of at most `n`
** bytes. */
static bool put_text(lua_State *L, const fm_view *v, size_t offset, size_t n)
{
  if (lua_type(L, 3) != LUA_TSTRING) return false;
  size_t length;
  const char *s = lua_tolstring(L, 3, &length);
  if (length > n || memchr(s, 0, length)) return false;
  unsigned char *p = fmb_at_offset(L, v, true, 2, (lua_Integer)offset, n);
  memcpy(p, s, length);
  memset(p + length, 0, n - length);
  fmb_check_lost(L, v);
  return true;
}

/* Calls the function of Lua in an upvalue: f(view, offset of the object, key, object [, value]). */
static void call_lua(lua_State *L, int upvalue, const place *p, int results)
{
  const int arguments = lua_gettop(L) > 2 && results == 0 ? 5 : 4;
  lua_pushvalue(L, lua_upvalueindex(upvalue));
  lua_getiuservalue(L, 1, VIEW);
  lua_pushinteger(L, (lua_Integer)p->offset);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 1);
  if (arguments == 5) lua_pushvalue(L, 3);
  lua_call(L, arguments, results);
}

/* {-- Records ----------------------------------------------------------------------------------- */

/* Pushes the code of the key from the members in upvalue 1. Returns false if it has none. */
static inline bool get_code(lua_State *L, lua_Unsigned *code)
{
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  *code = (lua_Unsigned)lua_tointeger(L, -1);
  return lua_isinteger(L, -1);
}

/* The object in a slot, which Lua makes when it is first asked for. */
static int push_object(lua_State *L, const place *p, int slot_number)
{
  lua_settop(L, 2);
  if (lua_getiuservalue(L, 1, VIEW + slot_number) != LUA_TNIL) return 1;
  call_lua(L, 2, p, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, VIEW + slot_number);
  return 1;
}

/* __index of records. Upvalues: the members' codes by name, and the function of Lua for the rest. */
static int record_index(lua_State *L)
{
  const place *p = check_record(L);
  lua_Unsigned code;
  if (get_code(L, &code)) {
    const size_t offset = p->offset + fmb_offset_of(code);
    if (fmb_kind_of(code) < FMB_NUMBER_KINDS) return push_number(L, view_of(p), fmb_kind_of(code), offset);
    if (fmb_kind_of(code) == FMB_TEXT) return push_text(L, view_of(p), offset, (size_t)fmb_number_of(code));
    return push_object(L, p, fmb_number_of(code));
  }
  lua_settop(L, 2);
  call_lua(L, 2, p, 1);
  return 1;
}

/* __newindex of records, with the same upvalues. For a value that does not fit, Lua raises the reason. */
static int record_newindex(lua_State *L)
{
  const place *p = check_record(L);
  lua_Unsigned code;
  lua_settop(L, 3);
  if (get_code(L, &code)) {
    const int kind = fmb_kind_of(code);
    const size_t offset = p->offset + fmb_offset_of(code);
    if (kind < FMB_NUMBER_KINDS && put_number(L, view_of(p), kind, offset)) return 0;
    if (kind == FMB_TEXT && put_text(L, view_of(p), offset, (size_t)fmb_number_of(code))) return 0;
  }
  call_lua(L, 2, p, 0);
  return 0;
}

/* {-- Arrays ------------------------------------------------------------------------------------ */

/* The upvalues of the metamethods of arrays: the type of the elements, -1 if they are not numbers; the
** bytes from one element to the next; the methods; the function of Lua for other elements; whether these
** are objects to be kept. */
enum { TYPE = 1, STRIDE, METHODS, OTHER, KEEPS };

/* Is the key an index, whether in range or not? */
static inline bool to_index(lua_State *L, lua_Integer *i)
{
  int is_integer;
  *i = lua_tointegerx(L, 2, &is_integer);
  return is_integer && lua_type(L, 2) == LUA_TNUMBER;
}

static inline size_t element_offset(lua_State *L, const array *a, lua_Integer i)
{
  return a->place.offset + ((size_t)i - 1) * (size_t)lua_tointeger(L, lua_upvalueindex(STRIDE));
}

/* The table of elements, made when the first is to be kept. */
static void push_kept(lua_State *L)
{
  if (lua_getiuservalue(L, 1, KEPT) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, KEPT);
}

static int push_element(lua_State *L, const array *a, lua_Integer i)
{
  const bool keeps = i <= MOST_KEPT && lua_toboolean(L, lua_upvalueindex(KEEPS));
  lua_settop(L, 2);
  if (keeps) {
    push_kept(L);
    if (lua_rawgeti(L, 3, i) != LUA_TNIL) return 1;
    lua_settop(L, 3);
  }
  call_lua(L, OTHER, &a->place, 1);
  if (!keeps) return 1;
  lua_pushvalue(L, -1);
  lua_rawseti(L, 3, i);
  return 1;
}

/* __index of arrays: an element, nil out of range, or a method. */
static int array_index(lua_State *L)
{
  const array *a = check_array(L);
  const int type = (int)lua_tointeger(L, lua_upvalueindex(TYPE));
  lua_Integer i;
  if (!to_index(L, &i)) {
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(METHODS));
    return 1;
  }
  if (!view_of(&a->place)->data) return fmb_raise(L, "%s is closed", fmb_view);
  if ((lua_Unsigned)i - 1 >= a->count) return 0;
  if (type < 0) return push_element(L, a, i);
  return push_number(L, view_of(&a->place), type, element_offset(L, a, i));
}

/* __newindex of arrays. For an index out of range, and for a value that does not fit, Lua raises the
** reason. */
static int array_newindex(lua_State *L)
{
  const array *a = check_array(L);
  const int type = (int)lua_tointeger(L, lua_upvalueindex(TYPE));
  lua_Integer i;
  lua_settop(L, 3);
  if (type >= 0 && to_index(L, &i) && (lua_Unsigned)i - 1 < a->count &&
      put_number(L, view_of(&a->place), type, element_offset(L, a, i)))
    return 0;
  call_lua(L, OTHER, &a->place, 0);
  return 0;
}

static int array_len(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)check_array(L)->count);
  return 1;
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

/* {-- Metamethods ------------------------------------------------------------------------------- */

/* record_metamethods(members, get, set) -> __index, __newindex */
static int record_metamethods(lua_State *L)
{
  lua_settop(L, 3);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, record_index, 2);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  lua_pushcclosure(L, record_newindex, 2);
  return 2;
}

/* array_metamethods(type, stride, methods, get, set, keeps) -> __index, __newindex, __len */
static int array_metamethods(lua_State *L)
{
  lua_settop(L, 6);
  if (luaL_checkinteger(L, 1) != -1) check_type(L, 1);
  luaL_checkinteger(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_pushvalue(L, 5); /* set, for __newindex */
  lua_insert(L, 1);
  lua_remove(L, 6);
  for (int i = 2; i <= 6; i++) lua_pushvalue(L, i);
  lua_pushcclosure(L, array_index, KEEPS);
  for (int i = 2; i <= 4; i++) lua_pushvalue(L, i);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, array_newindex, OTHER);
  lua_pushcfunction(L, array_len);
  return 3;
}

void fmb_open_record(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"new", new_record}, {"new_array", new_array}, {"locate", locate}, {"slot", slot},
    {"record_metamethods", record_metamethods}, {"array_metamethods", array_metamethods},
    {"locate_array", locate_array}, {"check_number", check_number}, {"check_integer", check_integer},
    {"check_elements", check_elements}, {"check_timeout", check_timeout},
    {NULL, NULL},
  };
  luaL_newlib(L, functions);
  luaL_setfuncs(L, fmb_struct_functions, 0);
}
