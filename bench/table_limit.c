/* The C limit of dictionaries: a hash table of fixed size in shared memory. This file uses no code of filemap
** and has none of its additions: the table does not grow, keys and values have fixed rooms and cannot be
** deleted, nothing is checked, and a process that is killed while it writes leaves its entry locked. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TABLE "table_limit.table"

enum { KEY = 24, VALUE = 64 };

/* `sequence` is odd while a process writes the entry, and 0 while it is unused. */
typedef struct entry {
  _Alignas(128) _Atomic(uint32_t) sequence;
  uint32_t length;
  char key[KEY]; /* with its length in the last byte */
  unsigned char value[VALUE];
} entry;

typedef struct table {
  entry *entries;
  uint32_t count; /* a power of two */
} table;

static const void *table_class;

static table *check_table(lua_State *L)
{
  table *t = lua_touserdata(L, 1);
  if (t && lua_getmetatable(L, 1)) {
    const int same = lua_topointer(L, -1) == table_class;
    lua_pop(L, 1);
    if (same) return t;
  }
  return luaL_checkudata(L, 1, TABLE); /* raises */
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/* Makes the key of argument 2, and returns its hash (FNV-1a, with a last step that mixes the low bits). */
static uint32_t check_key(lua_State *L, char key[KEY])
{
  size_t length;
  const char *from = luaL_checklstring(L, 2, &length);
  uint64_t h = 14695981039346656037u;
  luaL_argcheck(L, length < KEY, 2, "too long");
  memset(key, 0, KEY);
  memcpy(key, from, length);
  key[KEY - 1] = (char)length;
  for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)from[i]) * 1099511628211u;
  return (uint32_t)(h ^ h >> 32);
}

/* The entry of a key, or the unused one for it. */
static entry *find(const table *t, const char key[KEY], uint32_t hash)
{
  for (uint32_t i = hash;; i++) {
    entry *e = &t->entries[i & (t->count - 1)];
    if (atomic_load_explicit(&e->sequence, memory_order_acquire) == 0) return e;
    if (memcmp(e->key, key, KEY) == 0) return e;
  }
}

/* table:get(key) -> value */
static int table_get(lua_State *L)
{
  const table *t = check_table(L);
  char key[KEY];
  unsigned char copy[VALUE];
  const uint32_t hash = check_key(L, key);
  entry *e = find(t, key, hash);
  for (;; relax()) {
    const uint32_t sequence = atomic_load_explicit(&e->sequence, memory_order_acquire);
    const uint32_t length = e->length;
    if (sequence == 0) return 0;
    if (sequence & 1 || length > VALUE) continue;
    memcpy(copy, e->value, length);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&e->sequence, memory_order_relaxed) != sequence) continue;
    lua_pushlstring(L, (char *)copy, length);
    return 1;
  }
}

/* table:set(key, value). Two processes must not set the same new key at once. */
static int table_set(lua_State *L)
{
  const table *t = check_table(L);
  char key[KEY];
  size_t length;
  const uint32_t hash = check_key(L, key);
  const char *value = luaL_checklstring(L, 3, &length);
  luaL_argcheck(L, length <= VALUE, 3, "too long");
  entry *e = find(t, key, hash);
  uint32_t sequence = atomic_load_explicit(&e->sequence, memory_order_relaxed);
  while (sequence & 1 || !atomic_compare_exchange_weak(&e->sequence, &sequence, sequence + 1)) {
    relax();
    sequence = atomic_load_explicit(&e->sequence, memory_order_relaxed);
  }
  atomic_thread_fence(memory_order_release);
  memcpy(e->key, key, KEY);
  memcpy(e->value, value, length);
  e->length = (uint32_t)length;
  atomic_store_explicit(&e->sequence, sequence + 2, memory_order_release);
  return 0;
}

/* table_limit.open(path, count) -> table. The call creates the file `path` if it does not exist. It has at
** least twice as many entries as `count`, so that few keys share a place. */
static int open_table(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  const lua_Integer count = luaL_checkinteger(L, 2);
  table *t = lua_newuserdatauv(L, sizeof *t, 0);
  t->count = 1;
  while (t->count < 2 * (uint64_t)count) t->count *= 2;
  const size_t size = t->count * sizeof(entry);
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
    return luaL_error(L, "open of %s: %s", path, strerror(errno));
  t->entries = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (t->entries == MAP_FAILED) return luaL_error(L, "mmap of %s: %s", path, strerror(errno));
  luaL_setmetatable(L, TABLE);
  return 1;
}

static int table_close(lua_State *L)
{
  table *t = check_table(L);
  if (t->entries) munmap(t->entries, t->count * sizeof(entry));
  t->entries = NULL;
  return 0;
}

int luaopen_table_limit(lua_State *L);

int luaopen_table_limit(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"get", table_get}, {"set", table_set}, {"close", table_close}, {NULL, NULL},
  };
  luaL_newmetatable(L, TABLE);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, table_close);
  lua_setfield(L, -2, "__gc");
  table_class = lua_topointer(L, -1);
  luaL_newlib(L, ((const luaL_Reg[]){{"open", open_table}, {NULL, NULL}}));
  return 1;
}
