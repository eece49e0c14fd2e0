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

typedef struct place {
  const fm_view *view;
  size_t offset;
} place;

/* The userdata of a record or an array. Its `pointer` is a place: its own, or, if it is inside a record, that
** of the outermost record. An object inside a record consists of the fmb_object alone. Its metatable tells
** where it is in the record, and of an array how many elements it has.
**
** Its first user value is its owner: the view, or the outermost record. The others of a record are slots for
** the objects inside it. That of an array with a place of its own is its name for messages. */
typedef struct root {
  fmb_object object;
  place place;
} root;

typedef struct root_array {
  root root;
  size_t count;
} root_array;

enum { OWNER = 1, NAME = 2 };

/* Elements with an index of up to this many are kept once they are made. */
enum { MOST_KEPT = 4096 };

static inline bool is_root(const fmb_object *o)
{
  return o->pointer == &((const root *)o)->place;
}

static inline const place *check_place(lua_State *L, const char *type)
{
  return fmb_check_object(L, 1, type)->pointer;
}

/* Pushes the view of the object in argument 1. */
static void push_view(lua_State *L)
{
  const int top = lua_gettop(L) + 1;
  const bool is_direct = lua_getiuservalue(L, 1, OWNER) == LUA_TUSERDATA;
  if (is_direct && is_root(lua_touserdata(L, 1))) return;
  if (lua_istable(L, top)) lua_rawgeti(L, top, 0); /* see push_kept */
  if (fmb_to_object(L, -1, fmb_record)) lua_getiuservalue(L, -1, OWNER);
  lua_copy(L, -1, top);
  lua_settop(L, top);
}

/* Gives the object on top, which is new, its owner, the value at the top of the stack, and the metatable at a
** stack index. */
static void finish(lua_State *L, int metatable)
{
  lua_setiuservalue(L, -2, OWNER);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
}

/* Pushes an object of `size` bytes with a place of its own, for the arguments view, offset and metatable. */
static void *push_root(lua_State *L, const char *type, size_t size, int values)
{
  const fm_view *v = fmb_to_view(L, 1);
  if (!v) fmb_type_error(L, 1, fmb_view);
  const size_t offset = (size_t)luaL_checkinteger(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  root *r = lua_newuserdatauv(L, size, values);
  *r = (root){.object = {.type = type, .pointer = &r->place}, .place = {.view = v, .offset = offset}};
  lua_pushvalue(L, 1);
  finish(L, 3);
  return r;
}

/* The number of slots in an argument. */
static int check_slots(lua_State *L, int arg)
{
  const lua_Integer slots = luaL_checkinteger(L, arg);
  luaL_argcheck(L, slots >= 0 && slots < 1 << FMB_NUMBER_BITS, arg, "number of slots");
  return (int)slots;
}

/* new(view, offset, metatable, slots [, value]) -> record, with the value in a slot after these. */
static int new_record(lua_State *L)
{
  lua_settop(L, 5);
  const int last = OWNER + check_slots(L, 4);
  if (lua_isnil(L, 5)) {
    push_root(L, fmb_record, sizeof(root), last);
  } else {
    push_root(L, fmb_record, sizeof(root), last + 1);
    lua_pushvalue(L, 5);
    lua_setiuservalue(L, -2, last + 1);
  }
  return 1;
}

/* new_array(view, offset, metatable, count, name) -> array */
static int new_array(lua_State *L)
{
  lua_settop(L, 5);
  const size_t count = (size_t)fmb_check_count(L, 4, "count");
  ((root_array *)push_root(L, fmb_record_array, sizeof(root_array), NAME))->count = count;
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, -2, NAME);
  return 1;
}

/* new_inside(record, metatable [, slots]) -> a record inside the record; without slots an array. */
static int new_inside(lua_State *L)
{
  lua_settop(L, 3);
  const fmb_object *outer = fmb_check_object(L, 1, fmb_record);
  luaL_checktype(L, 2, LUA_TTABLE);
  const bool is_array = lua_isnil(L, 3);
  fmb_object *o = lua_newuserdatauv(L, sizeof *o, OWNER + (is_array ? 0 : check_slots(L, 3)));
  *o = (fmb_object){.type = is_array ? fmb_record_array : fmb_record, .pointer = outer->pointer};
  if (is_root(outer)) lua_pushvalue(L, 1);
  else lua_getiuservalue(L, 1, OWNER);
  finish(L, 2);
  return 1;
}

/* locate(object) -> view, offset, and of an array its count and name; nil for anything else. The metatable of
** an object inside a record has where it is in there at index 1, and the count and the name at 2 and 3. */
static int locate(lua_State *L)
{
  const fmb_object *a = fmb_to_object(L, 1, fmb_record_array);
  const fmb_object *o = a ? a : fmb_to_object(L, 1, fmb_record);
  lua_settop(L, 1);
  if (!o || !lua_getmetatable(L, 1)) return 0;
  push_view(L);
  lua_rawgeti(L, 2, 1);
  const place *p = o->pointer;
  lua_pushinteger(L, (lua_Integer)(p->offset + (size_t)lua_tointeger(L, -1)));
  lua_replace(L, -2);
  if (!a) return 2;
  if (is_root(a)) {
    lua_pushinteger(L, (lua_Integer)((const root_array *)(const void *)a)->count);
    lua_getiuservalue(L, 1, NAME);
  } else {
    lua_rawgeti(L, 2, 2);
    lua_rawgeti(L, 2, 3);
  }
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
  check_place(L, fmb_record);
  const lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n > 0 && n <= 1 << FMB_NUMBER_BITS, 2, "number of a slot");
  lua_getiuservalue(L, 1, OWNER + (int)n);
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
static void call_lua(lua_State *L, int upvalue, size_t offset, int results)
{
  const int arguments = lua_gettop(L) > 2 && results == 0 ? 5 : 4;
  lua_pushvalue(L, lua_upvalueindex(upvalue));
  push_view(L);
  lua_pushinteger(L, (lua_Integer)offset);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 1);
  if (arguments == 5) lua_pushvalue(L, 3);
  lua_call(L, arguments, results);
}

/* {-- Records ----------------------------------------------------------------------------------- */

/* The upvalues of the metamethods of records: the codes of the members by name, with offsets from the place
** that the record's pointer has; the function of Lua for everything else; where the record begins there. */
enum { CODES = 1, REST, START };

/* Reads the code of the key. Returns false if it has none. */
static inline bool get_code(lua_State *L, lua_Unsigned *code)
{
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(CODES)) != LUA_TNUMBER) return false;
  *code = (lua_Unsigned)lua_tointeger(L, -1);
  return true;
}

static void call_rest(lua_State *L, const place *p, int results)
{
  call_lua(L, REST, p->offset + (size_t)lua_tointeger(L, lua_upvalueindex(START)), results);
}

/* The object in a slot, which Lua makes when it is first asked for. */
static int push_object(lua_State *L, const place *p, int slot_number)
{
  lua_settop(L, 2);
  if (lua_getiuservalue(L, 1, OWNER + slot_number) != LUA_TNIL) return 1;
  call_rest(L, p, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, OWNER + slot_number);
  return 1;
}

static int record_index(lua_State *L)
{
  const place *p = check_place(L, fmb_record);
  lua_Unsigned code;
  if (get_code(L, &code)) {
    const size_t offset = p->offset + fmb_offset_of(code);
    if (fmb_kind_of(code) < FMB_NUMBER_KINDS) return push_number(L, p->view, fmb_kind_of(code), offset);
    if (fmb_kind_of(code) == FMB_TEXT) return push_text(L, p->view, offset, (size_t)fmb_number_of(code));
    return push_object(L, p, fmb_number_of(code));
  }
  lua_settop(L, 2);
  call_rest(L, p, 1);
  return 1;
}

/* __newindex of records. For a value that does not fit, Lua raises the reason. */
static int record_newindex(lua_State *L)
{
  const place *p = check_place(L, fmb_record);
  lua_Unsigned code;
  lua_settop(L, 3);
  if (get_code(L, &code)) {
    const int kind = fmb_kind_of(code);
    const size_t offset = p->offset + fmb_offset_of(code);
    if (kind < FMB_NUMBER_KINDS && put_number(L, p->view, kind, offset)) return 0;
    if (kind == FMB_TEXT && put_text(L, p->view, offset, (size_t)fmb_number_of(code))) return 0;
  }
  call_rest(L, p, 0);
  return 0;
}

/* {-- Arrays ------------------------------------------------------------------------------------ */

/* What the metamethods of an array know, in a userdata. */
typedef struct shape {
  int type;             /* of the elements; -1 if they are not numbers */
  bool keeps;           /* are the elements objects, which are kept? */
  size_t stride;        /* bytes from one element to the next */
  size_t start;         /* of the first, from the place that the array's pointer has */
  lua_Integer count;    /* -1: it is in the array */
} shape;

/* The upvalues of the metamethods: the shape; the function of Lua for other elements; the methods. */
enum { SHAPE = 1, OTHER, METHODS };

static inline const shape *own_shape(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(SHAPE));
}

static inline size_t count_of(lua_State *L, const shape *s)
{
  if (s->count >= 0) return (size_t)s->count;
  luaL_argcheck(L, lua_rawlen(L, 1) >= sizeof(root_array), 1, "an array of another type");
  return ((const root_array *)lua_touserdata(L, 1))->count;
}

/* Is the key an index, whether in range or not? */
static inline bool to_index(lua_State *L, lua_Integer *i)
{
  int is_integer;
  *i = lua_tointegerx(L, 2, &is_integer);
  return is_integer && lua_type(L, 2) == LUA_TNUMBER;
}

static inline size_t element_offset(const place *p, const shape *s, lua_Integer i)
{
  return p->offset + s->start + ((size_t)i - 1) * s->stride;
}

/* Pushes the table of elements. When the first is to be kept, the table is made. It then takes the place of
** the array's owner, which it has at index 0. */
static void push_kept(lua_State *L)
{
  if (lua_getiuservalue(L, 1, OWNER) == LUA_TTABLE) return;
  lua_createtable(L, 0, 1);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 0);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, OWNER);
}

static int push_element(lua_State *L, const place *p, const shape *s, lua_Integer i)
{
  const bool keeps = s->keeps && i <= MOST_KEPT;
  lua_settop(L, 2);
  if (keeps) {
    push_kept(L);
    if (lua_rawgeti(L, 3, i) != LUA_TNIL) return 1;
    lua_settop(L, 3);
  }
  call_lua(L, OTHER, p->offset + s->start, 1);
  if (!keeps) return 1;
  lua_pushvalue(L, -1);
  lua_rawseti(L, 3, i);
  return 1;
}

/* __index of arrays: an element, nil out of range, or a method. */
static int array_index(lua_State *L)
{
  const place *p = check_place(L, fmb_record_array);
  const shape *s = own_shape(L);
  lua_Integer i;
  if (!to_index(L, &i)) {
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(METHODS));
    return 1;
  }
  if (!p->view->data) return fmb_raise(L, "%s is closed", fmb_view);
  if ((lua_Unsigned)i - 1 >= count_of(L, s)) return 0;
  if (s->type < 0) return push_element(L, p, s, i);
  return push_number(L, p->view, s->type, element_offset(p, s, i));
}

/* __newindex of arrays. For an index out of range, and for a value that does not fit, Lua raises the
** reason. */
static int array_newindex(lua_State *L)
{
  const place *p = check_place(L, fmb_record_array);
  const shape *s = own_shape(L);
  lua_Integer i;
  lua_settop(L, 3);
  if (s->type >= 0 && to_index(L, &i) && (lua_Unsigned)i - 1 < count_of(L, s) &&
      put_number(L, p->view, s->type, element_offset(p, s, i)))
    return 0;
  call_lua(L, OTHER, p->offset + s->start, 0);
  return 0;
}

static int array_len(lua_State *L)
{
  check_place(L, fmb_record_array);
  lua_pushinteger(L, (lua_Integer)count_of(L, own_shape(L)));
  return 1;
}

/* {-- Metamethods ------------------------------------------------------------------------------- */

/* Replaces the table of codes in argument 1 by one in which the offsets are `start` more. */
static void move_codes(lua_State *L, lua_Unsigned start)
{
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    const lua_Unsigned code = (lua_Unsigned)lua_tointeger(L, -1);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushinteger(L, (lua_Integer)(code + (start << (FMB_KIND_BITS + FMB_NUMBER_BITS))));
    lua_rawset(L, -4);
  }
  lua_replace(L, 1);
}

/* record_metamethods(codes, get, set, start) -> __index, __newindex */
static int record_metamethods(lua_State *L)
{
  lua_settop(L, 4);
  luaL_checktype(L, 1, LUA_TTABLE);
  const lua_Integer start = luaL_checkinteger(L, 4);
  if (start != 0) move_codes(L, (lua_Unsigned)start);
  const int upvalues[][START] = {{1, 2, 4}, {1, 3, 4}};
  for (int m = 0; m < 2; m++) {
    for (int i = 0; i < START; i++) lua_pushvalue(L, upvalues[m][i]);
    lua_pushcclosure(L, m ? record_newindex : record_index, START);
  }
  return 2;
}

/* array_metamethods(type, stride, methods, get, set, keeps, start [, count]) -> __index, __newindex, __len.
** Without a count each array has its own. */
static int array_metamethods(lua_State *L)
{
  lua_settop(L, 8);
  const lua_Integer type = luaL_checkinteger(L, 1);
  luaL_argcheck(L, type >= -1 && type < FMB_NUMBER_KINDS, 1, "type of a number");
  luaL_checktype(L, 3, LUA_TTABLE);
  const shape s = {.type = (int)type, .stride = (size_t)luaL_checkinteger(L, 2), .keeps = lua_toboolean(L, 6),
                   .start = (size_t)luaL_checkinteger(L, 7), .count = luaL_optinteger(L, 8, -1)};
  memcpy(lua_newuserdatauv(L, sizeof s, 0), &s, sizeof s);
  lua_pushvalue(L, -1);
  lua_pushvalue(L, 4);
  lua_pushvalue(L, 3);
  lua_pushcclosure(L, array_index, METHODS);
  lua_pushvalue(L, 9);
  lua_pushvalue(L, 5);
  lua_pushcclosure(L, array_newindex, OTHER);
  lua_pushvalue(L, 9);
  lua_pushcclosure(L, array_len, SHAPE);
  return 3;
}

void fmb_open_record(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"new", new_record}, {"new_array", new_array}, {"new_inside", new_inside}, {"locate", locate},
    {"slot", slot},
    {"record_metamethods", record_metamethods}, {"array_metamethods", array_metamethods},
    {"locate_array", locate_array},
    {NULL, NULL},
  };
  luaL_newlib(L, functions);
  luaL_setfuncs(L, fmb_struct_functions, 0);
}
