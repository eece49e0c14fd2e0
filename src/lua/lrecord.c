/* Records and arrays of structs: objects that know a place in a view, and reach its members by name or
** index. The modules in lua/filemap/struct/ compile the types and call the functions here. The
** metamethods in this file read and write by themselves the members that programs use most: numbers of
** this machine's byte order, text of bytes, and objects that were made before. For all other members they
** call Lua. An access in Lua alone would take two calls, and over twice the time of the view's own
** method. */
#include <limits.h>
#include <string.h>

#include "binding.h"
#include "types.h"

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

/* A member's code: its kind in the lowest 4 bits, a number of 11 bits, and its offset in the record. The
** kind is a type of types.h; or text of so many bytes; or an object, which is kept in the slot of that
** number. */
enum { KIND_BITS = 4, NUMBER_BITS = 11, TEXT = 14, OBJECT = 15 };

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
  luaL_argcheck(L, slots >= 0 && slots < 1 << NUMBER_BITS, 4, "number of slots");
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
  luaL_argcheck(L, n > 0 && n < 1 << NUMBER_BITS, 2, "number of a slot");
  lua_getiuservalue(L, 1, VIEW + (int)n);
  return 1;
}

/* {-- Values ------------------------------------------------------------------------------------ */

static const unsigned char sizes[] = {
#define SIZE(T, ctype, ...) sizeof(ctype),
  FMB_TYPES(SIZE)
};

enum { NUMBER_KINDS = sizeof sizes };
_Static_assert(sizeof sizes <= TEXT, "the kinds of numbers, text and objects differ");

/* Pushes the number of a type at `p`. */
static inline void push_at(lua_State *L, int type, const unsigned char *p)
{
  switch (type) {
#define PUSH(T, ctype, ...)       \
  case FMB_##T: {                 \
    ctype x;                      \
    memcpy(&x, p, sizeof x);      \
    fmb_push_##T(L, x);           \
    break;                        \
  }
    FMB_TYPES(PUSH)
    default: lua_pushnil(L);
  }
}

static inline int push_number(lua_State *L, const fm_view *v, int type, size_t offset)
{
  push_at(L, type, fmb_at_offset(L, v, false, 2, (lua_Integer)offset, sizes[type]));
  fmb_check_lost(L, v);
  return 1;
}

/* Writes argument 3; false, and nothing is written, if it does not fit. */
static inline bool put_number(lua_State *L, const fm_view *v, int type, size_t offset)
{
  unsigned char *p = fmb_at_offset(L, v, true, 2, (lua_Integer)offset, sizes[type]);
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
  luaL_argcheck(L, type >= 0 && type < NUMBER_KINDS, arg, "type of a number");
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
  char copy[1 << NUMBER_BITS];
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

static inline int kind_of(lua_Unsigned code)
{
  return (int)(code & ((1 << KIND_BITS) - 1));
}

static inline int number_of(lua_Unsigned code)
{
  return (int)(code >> KIND_BITS & ((1 << NUMBER_BITS) - 1));
}

static inline size_t offset_of(lua_Unsigned code)
{
  return (size_t)(code >> (KIND_BITS + NUMBER_BITS));
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
    const size_t offset = p->offset + offset_of(code);
    if (kind_of(code) < NUMBER_KINDS) return push_number(L, view_of(p), kind_of(code), offset);
    if (kind_of(code) == TEXT) return push_text(L, view_of(p), offset, (size_t)number_of(code));
    return push_object(L, p, number_of(code));
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
    const int kind = kind_of(code);
    const size_t offset = p->offset + offset_of(code);
    if (kind < NUMBER_KINDS && put_number(L, view_of(p), kind, offset)) return 0;
    if (kind == TEXT && put_text(L, view_of(p), offset, (size_t)number_of(code))) return 0;
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

/* {-- Whole structs ----------------------------------------------------------------------------- */

static void reverse(unsigned char *bytes, size_t n)
{
  for (size_t i = 0, j = n - 1; i < j; i++, j--) {
    const unsigned char last = bytes[j];
    bytes[j] = bytes[i];
    bytes[i] = last;
  }
}

/* The integer of a type at `p`, which is read at once; `swapped`: in the other byte order. */
static lua_Integer load_counter(const unsigned char *p, int type, bool swapped)
{
  switch (type) {
#define LOAD(T, ctype, ...)                                 \
  case FMB_##T: {                                           \
    ctype x;                                                \
    memcpy(&x, p, sizeof x);                                \
    if (swapped) reverse((unsigned char *)&x, sizeof x);    \
    return (lua_Integer)x;                                  \
  }
    FMB_TYPES(LOAD)
    default: return 0;
  }
}

/* The counter of a code, of the struct at `offset`. In the code's number bit 0 is set if the counter is in
** the other byte order. Raises if the view was closed or has lost the page. */
static lua_Integer read_counter(lua_State *L, const fm_view *v, size_t offset, lua_Unsigned code)
{
  const int type = kind_of(code) < NUMBER_KINDS ? kind_of(code) : FMB_u8;
  const lua_Integer at = (lua_Integer)(offset + offset_of(code));
  const unsigned char *p = fmb_at_offset(L, v, false, 2, at, sizes[type]);
  const lua_Integer n = load_counter(p, type, number_of(code) & 1);
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
enum { SAME, EVEN, FIRST, LAST, ROLES };

static const char *const role_names[ROLES] = {"same", "even", "first", "last"};

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
    int role = 0;
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    while (role < ROLES && strcmp(key, role_names[role]) != 0) role++;
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

/* Pushes the numbers of the codes in argument 2, a string of Lua integers, from the `size` bytes at `p`.
** Returns how many there are. */
static int push_numbers(lua_State *L, const unsigned char *p, uint64_t size)
{
  size_t length;
  const char *codes = luaL_checklstring(L, 2, &length);
  const size_t n = length / sizeof(lua_Unsigned);
  luaL_checkstack(L, n < INT_MAX ? (int)n : INT_MAX, "too many results");
  for (size_t i = 0; i < n; i++) {
    lua_Unsigned code;
    memcpy(&code, codes + i * sizeof code, sizeof code);
    const int kind = kind_of(code);
    const size_t at = offset_of(code);
    luaL_argcheck(L, kind < NUMBER_KINDS && at <= size && sizes[kind] <= size - at, 2, "code");
    push_at(L, kind, p + at);
  }
  return (int)n;
}

/* read_numbers(view, codes, offset, size) -> the numbers of the codes in the `size` bytes from the offset.
** Raises if the view is closed, and for a range past its end. */
static int read_numbers(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  const uint64_t size = (uint64_t)lua_tointeger(L, 4);
  const int n = push_numbers(L, fmb_at(L, v, false, 3, size), size);
  fmb_check_lost(L, v);
  return n;
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

/* count_plain(t) -> the number of keys of a table, and its key and value if it has one key; nil for a
** table with a metatable, and for another value. */
static int count_plain(lua_State *L)
{
  if (lua_type(L, 1) != LUA_TTABLE || lua_getmetatable(L, 1)) return 0;
  lua_Integer n = 1;
  lua_settop(L, 1);
  lua_pushinteger(L, n);
  lua_pushnil(L);
  if (!lua_next(L, 1)) n = 0;
  else
    for (lua_pushvalue(L, 3); lua_next(L, 1); lua_pop(L, 1)) n++;
  if (n == 1) return 3; /* the number, the key and the value */
  lua_pushinteger(L, n);
  return 1;
}

/* new_table(n) -> an empty table with room for n elements, at most 2^20 */
static int new_table(lua_State *L)
{
  enum { MOST = 1 << 20 };
  const lua_Integer n = luaL_checkinteger(L, 1);
  lua_createtable(L, n < MOST ? (n > 0 ? (int)n : 0) : MOST, 0);
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

void fmb_open_record(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"new", new_record}, {"new_array", new_array}, {"locate", locate}, {"slot", slot},
    {"record_metamethods", record_metamethods}, {"array_metamethods", array_metamethods},
    {"copy_whole", copy_whole}, {"unpack_numbers", unpack_numbers}, {"read_numbers", read_numbers},
    {"unpack_within", fmb_unpack_within}, {"count_plain", count_plain}, {"new_table", new_table},
    {"plain_text", plain_text}, {"check_number", check_number}, {"locate_array", locate_array},
    {"check_integer", check_integer}, {"check_elements", check_elements}, {"check_timeout", check_timeout},
    {NULL, NULL},
  };
  luaL_newlib(L, functions);
}
