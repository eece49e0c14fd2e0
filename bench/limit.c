/* The C limits: the time that the same work takes in plain C behind Lua's API, over a block of memory. This
** file uses no code of filemap and has none of its additions (closing, access, slices). It has the checks
** that every safe module needs: self by its metatable, the types of the arguments, and offsets against the
** size of the block. Strings that Lua interns are copied first, since shared memory needs that.
**
** A block maps the same memory as the map that it is compared with. With different memory, different places
** in the caches would affect the comparison. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK "limit.block"
#define ARRAY "limit.array_"
#define HOLDER "limit.holder"

typedef struct Block {
  unsigned char *data;
  size_t size;
} Block;

static int raise_errno(lua_State *L, const char *call, const char *subject)
{
  return luaL_error(L, "%s of %s: %s", call, subject, strerror(errno));
}

/* limit.now() -> nanoseconds of a monotonic clock. */
static int now(lua_State *L)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushinteger(L, (lua_Integer)t.tv_sec * 1000000000 + t.tv_nsec);
  return 1;
}

/* {-- Checks ------------------------------------------------------------------------------------ */

/* The addresses of the metatables. They can be static, because there is only one Lua state. */
static const void *block_class, *array_i32_class, *array_f32_class;

/* Returns the object in an argument, checked by the address of its metatable. */
static inline void *check_object(lua_State *L, int arg, const void *class, const char *name)
{
  void *object = lua_touserdata(L, arg);
  if (object && lua_getmetatable(L, arg)) {
    const bool same = lua_topointer(L, -1) == class;
    lua_pop(L, 1);
    if (same) return object;
  }
  return luaL_checkudata(L, arg, name); /* raises */
}

static inline Block *check_block(lua_State *L)
{
  return check_object(L, 1, block_class, BLOCK);
}

static inline unsigned char *at(lua_State *L, const Block *b, int arg, size_t n)
{
  const lua_Integer offset = luaL_checkinteger(L, arg);
  if (n > b->size || (lua_Unsigned)offset > b->size - n) luaL_argerror(L, arg, "past the end");
  return b->data + offset;
}

static size_t check_length(lua_State *L, int arg)
{
  const lua_Integer length = luaL_checkinteger(L, arg);
  luaL_argcheck(L, length >= 0, arg, "negative");
  return (size_t)length;
}

/* Returns the block in an argument other than self. */
static const Block *check_other(lua_State *L, int arg)
{
  return check_object(L, arg, block_class, BLOCK);
}

/* {-- Numbers ----------------------------------------------------------------------------------- */

static inline lua_Integer check_INTEGER(lua_State *L, int arg, lua_Integer least, lua_Integer greatest)
{
  const lua_Integer x = luaL_checkinteger(L, arg);
  luaL_argcheck(L, x >= least && x <= greatest, arg, "does not fit");
  return x;
}

static inline lua_Number check_FLOAT(lua_State *L, int arg, int least, int greatest)
{
  (void)least, (void)greatest;
  return luaL_checknumber(L, arg);
}

#define PUSH_INTEGER(L, x) lua_pushinteger(L, (lua_Integer)(x))
#define PUSH_FLOAT(L, x) lua_pushnumber(L, (lua_Number)(x))

#define TYPES(X)                                            \
  X(i8, int8_t, INTEGER, INT8_MIN, INT8_MAX)                \
  X(u8, uint8_t, INTEGER, 0, UINT8_MAX)                     \
  X(i16, int16_t, INTEGER, INT16_MIN, INT16_MAX)            \
  X(u16, uint16_t, INTEGER, 0, UINT16_MAX)                  \
  X(i32, int32_t, INTEGER, INT32_MIN, INT32_MAX)            \
  X(u32, uint32_t, INTEGER, 0, UINT32_MAX)                  \
  X(i64, int64_t, INTEGER, LUA_MININTEGER, LUA_MAXINTEGER)  \
  X(u64, uint64_t, INTEGER, LUA_MININTEGER, LUA_MAXINTEGER) \
  X(f32, float, FLOAT, 0, 0)                                \
  X(f64, double, FLOAT, 0, 0)

#define NUMBER(T, ctype, kind, least, greatest)                       \
  static inline int read_##T(lua_State *L, const Block *b, int arg)   \
  {                                                                   \
    ctype x;                                                          \
    memcpy(&x, at(L, b, arg, sizeof x), sizeof x);                    \
    PUSH_##kind(L, x);                                                \
    return 1;                                                         \
  }                                                                   \
  static inline int write_##T(lua_State *L, const Block *b, int arg)  \
  {                                                                   \
    unsigned char *p = at(L, b, arg, sizeof(ctype));                  \
    const ctype x = (ctype)check_##kind(L, arg + 1, least, greatest); \
    memcpy(p, &x, sizeof x);                                          \
    return 0;                                                         \
  }                                                                   \
  static int get_##T(lua_State *L) { return read_##T(L, check_block(L), 2); } \
  static int set_##T(lua_State *L) { return write_##T(L, check_block(L), 2); }

TYPES(NUMBER)

/* For comparison with closures: plain functions whose block is an upvalue. */
static int getter_i32(lua_State *L)
{
  return read_i32(L, lua_touserdata(L, lua_upvalueindex(1)), 1);
}

static int setter_i32(lua_State *L)
{
  return write_i32(L, lua_touserdata(L, lua_upvalueindex(1)), 1);
}

static int block_getter(lua_State *L)
{
  check_block(L);
  lua_settop(L, 1);
  lua_pushcclosure(L, getter_i32, 1);
  return 1;
}

static int block_setter(lua_State *L)
{
  check_block(L);
  lua_settop(L, 1);
  lua_pushcclosure(L, setter_i32, 1);
  return 1;
}

/* {-- Atomics ----------------------------------------------------------------------------------- */

static int32_t *aligned(lua_State *L, const Block *b)
{
  unsigned char *p = at(L, b, 2, sizeof(int32_t));
  luaL_argcheck(L, (uintptr_t)p % sizeof(int32_t) == 0, 2, "not aligned");
  return (int32_t *)(void *)p;
}

static int32_t check_i32(lua_State *L, int arg)
{
  return (int32_t)check_INTEGER(L, arg, INT32_MIN, INT32_MAX);
}

static int load_i32(lua_State *L)
{
  lua_pushinteger(L, __atomic_load_n(aligned(L, check_block(L)), __ATOMIC_SEQ_CST));
  return 1;
}

static int store_i32(lua_State *L)
{
  int32_t *p = aligned(L, check_block(L));
  __atomic_store_n(p, check_i32(L, 3), __ATOMIC_SEQ_CST);
  return 0;
}

static int add_i32(lua_State *L)
{
  int32_t *p = aligned(L, check_block(L));
  lua_pushinteger(L, __atomic_fetch_add(p, check_i32(L, 3), __ATOMIC_SEQ_CST));
  return 1;
}

static int compare_exchange_i32(lua_State *L)
{
  int32_t *p = aligned(L, check_block(L));
  int32_t old = check_i32(L, 3);
  const int32_t desired = check_i32(L, 4);
  lua_pushboolean(L, __atomic_compare_exchange_n(p, &old, desired, false, __ATOMIC_SEQ_CST,
                                                 __ATOMIC_SEQ_CST));
  lua_pushinteger(L, old);
  return 2;
}

/* {-- Bytes ------------------------------------------------------------------------------------- */

/* Lua interns strings of up to 40 bytes, and reads the bytes of such a string more than once. */
enum { INTERNED = 40 };

static void push_copy(lua_State *L, const unsigned char *p, size_t length)
{
  char copy[INTERNED];
  if (length <= sizeof copy) p = memcpy(copy, p, length);
  lua_pushlstring(L, (const char *)p, length);
}

static int get_string(lua_State *L)
{
  const Block *b = check_block(L);
  const size_t length = check_length(L, 3);
  push_copy(L, at(L, b, 2, length), length);
  return 1;
}

static int set_string(lua_State *L)
{
  const Block *b = check_block(L);
  size_t length;
  const char *s = luaL_checklstring(L, 3, &length);
  memcpy(at(L, b, 2, length), s, length);
  return 0;
}

static int fill(lua_State *L)
{
  const Block *b = check_block(L);
  const size_t length = check_length(L, 3);
  const int byte = (int)check_INTEGER(L, 4, 0, UINT8_MAX);
  memset(at(L, b, 2, length), byte, length);
  return 0;
}

static int copy(lua_State *L)
{
  const Block *b = check_block(L);
  const Block *source = check_other(L, 3);
  const size_t length = check_length(L, 5);
  memmove(at(L, b, 2, length), at(L, source, 4, length), length);
  return 0;
}

static int equals(lua_State *L)
{
  const Block *b = check_block(L);
  const Block *other = check_other(L, 3);
  const size_t length = check_length(L, 5);
  lua_pushboolean(L, memcmp(at(L, b, 2, length), at(L, other, 4, length), length) == 0);
  return 1;
}

/* block:find(bytes, offset) -> offset or nil: memmem(3). */
static int find(lua_State *L)
{
  const Block *b = check_block(L);
  size_t length;
  const char *bytes = luaL_checklstring(L, 2, &length);
  const unsigned char *from = at(L, b, 3, 0);
  const unsigned char *p = memmem(from, (size_t)(b->data + b->size - from), bytes, length);
  if (p) lua_pushinteger(L, p - b->data);
  else lua_pushnil(L);
  return 1;
}

/* block:fields(offset) -> the results of string.unpack("i4i4fd") there, from a reader of only these fields.
** */
static int fields(lua_State *L)
{
  struct { int32_t first, second; float third; } x;
  double fourth;
  const unsigned char *p = at(L, check_block(L), 2, sizeof x + sizeof fourth);
  memcpy(&x, p, sizeof x);
  memcpy(&fourth, p + sizeof x, sizeof fourth);
  lua_pushinteger(L, x.first);
  lua_pushinteger(L, x.second);
  lua_pushnumber(L, (lua_Number)x.third);
  lua_pushnumber(L, fourth);
  lua_pushinteger(L, lua_tointeger(L, 2) + (lua_Integer)(sizeof x + sizeof fourth));
  return 5;
}

/* block:set_fields(offset, i, i, f, d) -> the offset after them. */
static int set_fields(lua_State *L)
{
  struct { int32_t first, second; float third; } x;
  unsigned char *p = at(L, check_block(L), 2, sizeof x + sizeof(double));
  x.first = check_i32(L, 3);
  x.second = check_i32(L, 4);
  x.third = (float)luaL_checknumber(L, 5);
  const double fourth = luaL_checknumber(L, 6);
  memcpy(p, &x, sizeof x);
  memcpy(p + sizeof x, &fourth, sizeof fourth);
  lua_pushinteger(L, lua_tointeger(L, 2) + (lua_Integer)(sizeof x + sizeof fourth));
  return 1;
}

/* {-- Lines ------------------------------------------------------------------------------------- */

typedef struct Lines {
  const Block *block; /* kept alive by the second upvalue */
  size_t next;
} Lines;

static int next_line(lua_State *L)
{
  Lines *lines = lua_touserdata(L, lua_upvalueindex(1));
  const Block *b = lines->block;
  if (lines->next >= b->size) return 0;
  const unsigned char *from = b->data + lines->next;
  const size_t rest = b->size - lines->next;
  const unsigned char *newline = memchr(from, '\n', rest);
  const size_t length = newline ? (size_t)(newline - from) : rest;
  lines->next += length + 1;
  push_copy(L, from, length);
  return 1;
}

static int block_lines(lua_State *L)
{
  const Block *b = check_block(L);
  Lines *lines = lua_newuserdatauv(L, sizeof *lines, 0);
  *lines = (Lines){b, 0};
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, next_line, 2);
  return 1;
}

/* {-- Arrays ------------------------------------------------------------------------------------ */

typedef struct Array {
  unsigned char *data; /* the user value keeps its block alive */
  size_t count;
} Array;

/* __index and __newindex as C functions that have only the necessary checks. */
#define ELEMENT(T, ctype, kind, least, greatest)                              \
  static int index_##T(lua_State *L)                                          \
  {                                                                           \
    const Array *a = check_object(L, 1, array_##T##_class, ARRAY #T);                                    \
    const lua_Unsigned i = (lua_Unsigned)luaL_checkinteger(L, 2) - 1;         \
    ctype x;                                                                  \
    if (i >= a->count) return 0;                                              \
    memcpy(&x, a->data + i * sizeof x, sizeof x);                             \
    PUSH_##kind(L, x);                                                        \
    return 1;                                                                 \
  }                                                                           \
  static int newindex_##T(lua_State *L)                                       \
  {                                                                           \
    const Array *a = check_object(L, 1, array_##T##_class, ARRAY #T);                                    \
    const lua_Unsigned i = (lua_Unsigned)luaL_checkinteger(L, 2) - 1;         \
    const ctype x = (ctype)check_##kind(L, 3, least, greatest);               \
    luaL_argcheck(L, i < a->count, 2, "past the end");                        \
    memcpy(a->data + i * sizeof x, &x, sizeof x);                             \
    return 0;                                                                 \
  }

ELEMENT(i32, int32_t, INTEGER, INT32_MIN, INT32_MAX)
ELEMENT(f32, float, FLOAT, 0, 0)

/* limit.array_i32(block, offset, count), limit.array_f32(...) */
static int new_array(lua_State *L, const char *class)
{
  const Block *b = check_other(L, 1);
  const size_t count = check_length(L, 3);
  unsigned char *data = at(L, b, 2, count * 4);
  Array *a = lua_newuserdatauv(L, sizeof *a, 1);
  *a = (Array){data, count};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, class);
  return 1;
}

static int array_i32(lua_State *L)
{
  return new_array(L, ARRAY "i32");
}

static int array_f32(lua_State *L)
{
  return new_array(L, ARRAY "f32");
}

/* block:table(offset, count) -> a table of `count` f32, filled by a plain loop. */
static int block_table(lua_State *L)
{
  const Block *b = check_block(L);
  const size_t count = check_length(L, 3);
  luaL_argcheck(L, count <= INT32_MAX, 3, "too many");
  const unsigned char *p = at(L, b, 2, count * sizeof(float));
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    float x;
    memcpy(&x, p + i * sizeof x, sizeof x);
    lua_pushnumber(L, (lua_Number)x);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* block:set_table(offset, table): stores the numbers of the table as f32, by a plain loop. */
static int block_set_table(lua_State *L)
{
  const Block *b = check_block(L);
  luaL_checktype(L, 3, LUA_TTABLE);
  const size_t count = lua_rawlen(L, 3);
  unsigned char *p = at(L, b, 2, count * sizeof(float));
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 3, (lua_Integer)i + 1);
    const float x = (float)luaL_checknumber(L, -1);
    lua_pop(L, 1);
    memcpy(p + i * sizeof x, &x, sizeof x);
  }
  return 0;
}

/* {-- Blocks ------------------------------------------------------------------------------------ */

static int new_block(lua_State *L, int fd, size_t size, int protection)
{
  Block *b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (Block){NULL, 0};
  luaL_setmetatable(L, BLOCK);
  void *p = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return raise_errno(L, "mmap", "a block");
  *b = (Block){p, size};
  return 1;
}

/* limit.block(handle, size) -> a block in the memory of a map; `handle` is the map's descriptor. */
static int block(lua_State *L)
{
  return new_block(L, (int)luaL_checkinteger(L, 1), check_length(L, 2), PROT_READ | PROT_WRITE);
}

/* limit.file(path) -> a read-only block that maps the file. */
static int file(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  struct stat st;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0) return raise_errno(L, "open", path);
  const int results = new_block(L, fd, (size_t)st.st_size, PROT_READ);
  close(fd);
  return results;
}

static int block_close(lua_State *L)
{
  Block *b = luaL_checkudata(L, 1, BLOCK);
  if (b->data) munmap(b->data, b->size);
  *b = (Block){NULL, 0};
  return 0;
}

/* {-- Names ------------------------------------------------------------------------------------- */

/* A file in /dev/shm, locked in the way in which holders lock a named map. It is the file that limit.named
** opens. */
typedef struct Holder {
  int fd;
  char path[64];
} Holder;

static int holder_close(lua_State *L)
{
  Holder *h = luaL_checkudata(L, 1, HOLDER);
  if (h->fd < 0) return 0;
  unlink(h->path);
  close(h->fd);
  h->fd = -1;
  return 0;
}

/* limit.hold(size) -> holder, path */
static int hold(lua_State *L)
{
  const size_t size = check_length(L, 1);
  Holder *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->fd = -1;
  luaL_setmetatable(L, HOLDER);
  snprintf(h->path, sizeof h->path, "/dev/shm/bench-%ld-limit", (long)getpid());
  h->fd = open(h->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (h->fd < 0 || ftruncate(h->fd, (off_t)size) != 0 || flock(h->fd, LOCK_SH | LOCK_NB) != 0)
    return raise_errno(L, "open", h->path);
  lua_pushstring(L, h->path);
  return 2;
}

static int open_named(lua_State *L, const char *path)
{
  const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  return fd >= 0 ? fd : raise_errno(L, "open", path);
}

/* Raises unless the file belongs to this user and is a regular file. `careful` also checks before opening,
** because opening a planted device or FIFO would have effects. */
static void check_named(lua_State *L, int result, const struct stat *st, const char *path)
{
  if (result != 0 || !S_ISREG(st->st_mode) || st->st_uid != geteuid()) raise_errno(L, "stat", path);
}

/* Raises unless another process holds the lock of the file. */
static void expect_held(lua_State *L, int fd, const char *path)
{
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) luaL_error(L, "no process holds %s", path);
}

/* limit.named(path, careful): opens, maps, unmaps and closes a named section that another process holds. A
** name must live exactly as long as a process holds it, and the kernel counts the holders by flock(2). This
** needs these system calls, each once:
**
**   open          a descriptor of this holder's own
**   fstat         the owner, the type and the size of the file
**   flock EX      must fail; otherwise no process holds the file, and the name is stale
**   flock SH      makes this process a holder
**   lstat         checks that the name still belongs to that inode: the last holder may have closed meanwhile
**   mmap
**   munmap, close
**   open          again, because after a fork the old descriptor's lock is shared with the child
**   flock EX      fails: another process holds the file, and the name stays
**   close
**
** `careful` adds the checks for a planted name: lstat before each open, and fstat after the second one. */
static int named(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  const bool careful = lua_toboolean(L, 2);
  struct stat st, name;
  if (careful) check_named(L, lstat(path, &name), &name, path);
  int fd = open_named(L, path);
  check_named(L, fstat(fd, &st), &st, path);
  expect_held(L, fd, path);
  if (flock(fd, LOCK_SH | LOCK_NB) != 0) return raise_errno(L, "flock", path);
  if (lstat(path, &name) != 0 || name.st_ino != st.st_ino || name.st_dev != st.st_dev)
    return raise_errno(L, "lstat", path);
  void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return raise_errno(L, "mmap", path);
  munmap(p, (size_t)st.st_size);
  close(fd);
  if (careful) check_named(L, lstat(path, &name), &name, path);
  fd = open_named(L, path);
  if (careful) check_named(L, fstat(fd, &st), &st, path);
  expect_held(L, fd, path);
  close(fd);
  return 0;
}

/* limit.unlocked(path): the same without any lock, and so without any promise about the name: lstat, open,
** fstat, mmap, munmap, close. */
static int unlocked(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  struct stat st;
  check_named(L, lstat(path, &st), &st, path);
  const int fd = open_named(L, path);
  check_named(L, fstat(fd, &st), &st, path);
  void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return raise_errno(L, "mmap", path);
  munmap(p, (size_t)st.st_size);
  close(fd);
  return 0;
}

/* {-- The module -------------------------------------------------------------------------------- */

static const luaL_Reg block_methods[] = {
#define METHODS(T, ctype, kind, least, greatest) {"get_" #T, get_##T}, {"set_" #T, set_##T},
  TYPES(METHODS)
  {"getter_i32", block_getter}, {"setter_i32", block_setter}, {"load_i32", load_i32},
  {"store_i32", store_i32}, {"add_i32", add_i32}, {"compare_exchange_i32", compare_exchange_i32},
  {"get_string", get_string}, {"set_string", set_string}, {"fill", fill}, {"copy", copy},
  {"equals", equals}, {"find", find}, {"fields", fields}, {"set_fields", set_fields},
  {"lines", block_lines}, {"table", block_table}, {"set_table", block_set_table},
  {"close", block_close}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
  {"now", now}, {"block", block}, {"file", file}, {"array_i32", array_i32},
  {"array_f32", array_f32}, {"hold", hold}, {"named", named}, {"unlocked", unlocked}, {NULL, NULL},
};

static const void *make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction collect)
{
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  const void *class = lua_topointer(L, -1);
  lua_pop(L, 1);
  return class;
}

static const void *make_array_class(lua_State *L, const char *name, lua_CFunction index,
                                    lua_CFunction newindex)
{
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, index);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, newindex);
  lua_setfield(L, -2, "__newindex");
  const void *class = lua_topointer(L, -1);
  lua_pop(L, 1);
  return class;
}

int luaopen_limit(lua_State *L);

int luaopen_limit(lua_State *L)
{
  static const luaL_Reg holder_methods[] = {{"close", holder_close}, {NULL, NULL}};
  block_class = make_class(L, BLOCK, block_methods, block_close);
  array_i32_class = make_array_class(L, ARRAY "i32", index_i32, newindex_i32);
  array_f32_class = make_array_class(L, ARRAY "f32", index_f32, newindex_f32);
  make_class(L, HOLDER, holder_methods, holder_close);
  luaL_newlib(L, functions);
#ifdef __clang__
  lua_pushliteral(L, __VERSION__);
#else
  lua_pushliteral(L, "GCC " __VERSION__);
#endif
  lua_setfield(L, -2, "compiler");
  return 1;
}
