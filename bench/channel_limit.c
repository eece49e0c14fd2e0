/* The C limits of channels: the least time that messages between two processes take, by spinning, by futexes,
** and by FIFOs; and the newest value in a sequence lock. This file uses no code of filemap and has none of
** its additions (names, checks, detection of dead processes, time-outs). A ring connects one writer and one
** reader in each direction. They trust each other. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <linux/futex.h>
#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RING "channel_limit.ring"
#define PIPE "channel_limit.pipe"
#define VALUE "channel_limit.value"

enum { SIZE = 131072, QUARTER = SIZE / 4, LONGEST = 65536 };

static int raise_errno(lua_State *L, const char *call, const char *subject)
{
  return luaL_error(L, "%s of %s: %s", call, subject, strerror(errno));
}

/* channel_limit.now() -> nanoseconds of a monotonic clock. */
static int now(lua_State *L)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushinteger(L, (lua_Integer)t.tv_sec * 1000000000 + t.tv_nsec);
  return 1;
}

/* The metatables. There is only one Lua state, so their addresses can be kept. */
static const void *ring_class, *pipe_class;

/* Returns self, checked by the address of its metatable. */
static void *check_self(lua_State *L, const void *class, const char *name)
{
  void *self = lua_touserdata(L, 1);
  if (self && lua_getmetatable(L, 1)) {
    const bool same = lua_topointer(L, -1) == class;
    lua_pop(L, 1);
    if (same) return self;
  }
  return luaL_checkudata(L, 1, name); /* raises */
}

/* {-- Rings ------------------------------------------------------------------------------------- */

/* `tail`, which the writer stores, and `head`, which the reader stores, are on cache lines of their own. The
** flag after each is set while the other side sleeps on it. */
typedef struct way {
  _Alignas(64) _Atomic(uint32_t) tail;
  _Atomic(uint32_t) reader_sleeps;
  _Alignas(64) _Atomic(uint32_t) head;
  _Atomic(uint32_t) writer_sleeps;
  _Alignas(64) unsigned char bytes[SIZE];
} way;

/* Each end keeps the other's position as it last read it. It reads the word again only when it needs room or
** a message, since the other end writes to that cache line. For the same reason the reader stores its
** position only once a quarter of the ring. The writer then misses at most a quarter of the room, and the
** longest message fits in the rest. */
typedef struct ring {
  way *out, *in;
  bool sleeps;
  uint32_t head;      /* of `in`; the word is behind by less than a quarter */
  uint32_t head_seen; /* of `out`; the reader stores it */
  uint32_t tail_seen; /* of `in`; the writer stores it */
} ring;

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/* Waits until *word is no longer `seen`. */
static void await(bool sleeps, _Atomic(uint32_t) *word, uint32_t seen, _Atomic(uint32_t) *flag)
{
  while (atomic_load_explicit(word, memory_order_acquire) == seen) {
    if (!sleeps) {
      relax();
      continue;
    }
    atomic_store(flag, 1);
    if (atomic_load(word) == seen) syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
    atomic_store(flag, 0);
  }
}

static void tell(bool sleeps, _Atomic(uint32_t) *word, uint32_t value, _Atomic(uint32_t) *flag)
{
  atomic_store_explicit(word, value, memory_order_release);
  if (!sleeps) return;
  atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load(flag)) syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static uint32_t record(uint32_t length)
{
  return (length + 4 + 7) / 8 * 8;
}

static void copy_in(way *w, uint32_t at, const char *from, uint32_t length)
{
  const uint32_t start = at % SIZE, first = length < SIZE - start ? length : SIZE - start;
  memcpy(w->bytes + start, from, first);
  memcpy(w->bytes, from + first, length - first);
}

static void copy_out(const way *w, uint32_t at, char *to, uint32_t length)
{
  const uint32_t start = at % SIZE, first = length < SIZE - start ? length : SIZE - start;
  memcpy(to, w->bytes + start, first);
  memcpy(to + first, w->bytes, length - first);
}

/* ring:send(message) */
static int ring_send(lua_State *L)
{
  ring *r = check_self(L, ring_class, RING);
  size_t size;
  const char *message = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size <= LONGEST, 2, "too long");
  const uint32_t length = (uint32_t)size, tail = r->out->tail;
  while (SIZE - (tail - r->head_seen) < record(length)) {
    await(r->sleeps, &r->out->head, r->head_seen, &r->out->writer_sleeps);
    r->head_seen = atomic_load_explicit(&r->out->head, memory_order_acquire);
  }
  memcpy(r->out->bytes + tail % SIZE, &length, 4);
  copy_in(r->out, tail + 4, message, length);
  tell(r->sleeps, &r->out->tail, tail + record(length), &r->out->reader_sleeps);
  return 0;
}

/* ring:receive() -> message */
static int ring_receive(lua_State *L)
{
  static char message[LONGEST];
  ring *r = check_self(L, ring_class, RING);
  const uint32_t head = r->head;
  uint32_t length;
  if (r->tail_seen == head) {
    await(r->sleeps, &r->in->tail, head, &r->in->reader_sleeps);
    r->tail_seen = atomic_load_explicit(&r->in->tail, memory_order_acquire);
  }
  memcpy(&length, r->in->bytes + head % SIZE, 4);
  copy_out(r->in, head + 4, message, length);
  r->head = head + record(length);
  if ((head ^ r->head) / QUARTER != 0) tell(r->sleeps, &r->in->head, r->head, &r->in->writer_sleeps);
  lua_pushlstring(L, message, length);
  return 1;
}

/* channel_limit.ring(path, side, sleeps) -> ring. `side` is 0 or 1. The call creates the file `path` if it
** does not exist. `sleeps` selects futexes instead of spinning. */
static int open_ring(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  const int side = luaL_checkinteger(L, 2) != 0;
  ring *r = lua_newuserdatauv(L, sizeof *r, 0);
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, 2 * sizeof(way)) != 0) return raise_errno(L, "open", path);
  way *ways = mmap(NULL, 2 * sizeof(way), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (ways == MAP_FAILED) return raise_errno(L, "mmap", path);
  *r = (ring){.out = ways + side, .in = ways + !side, .sleeps = lua_toboolean(L, 3)};
  luaL_setmetatable(L, RING);
  return 1;
}

/* {-- A value in a sequence lock ------------------------------------------------------------------ */

enum { VALUE_SIZE = 4096 };

/* `sequence` is odd while the writer changes the value, else twice the number of values published. */
typedef struct value {
  _Alignas(64) _Atomic(uint64_t) sequence;
  uint32_t length;
  unsigned char bytes[VALUE_SIZE];
} value;

/* value:publish(string) */
static int value_publish(lua_State *L)
{
  value *v = *(value **)luaL_checkudata(L, 1, VALUE);
  size_t size;
  const char *from = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size <= VALUE_SIZE, 2, "too long");
  const uint64_t sequence = atomic_load_explicit(&v->sequence, memory_order_relaxed);
  atomic_store_explicit(&v->sequence, sequence + 1, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
  v->length = (uint32_t)size;
  memcpy(v->bytes, from, size);
  atomic_store_explicit(&v->sequence, sequence + 2, memory_order_release);
  return 0;
}

/* value:read() -> string, version */
static int value_read(lua_State *L)
{
  value *v = *(value **)luaL_checkudata(L, 1, VALUE);
  unsigned char copy[VALUE_SIZE];
  for (;; relax()) {
    const uint64_t sequence = atomic_load_explicit(&v->sequence, memory_order_acquire);
    const uint32_t length = v->length;
    if (sequence & 1 || length > VALUE_SIZE) continue;
    memcpy(copy, v->bytes, length);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&v->sequence, memory_order_relaxed) != sequence) continue;
    lua_pushlstring(L, (char *)copy, length);
    lua_pushinteger(L, (lua_Integer)(sequence / 2));
    return 2;
  }
}

/* channel_limit.value(path) -> value. The call creates the file `path` if it does not exist. */
static int open_value(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  value **v = lua_newuserdatauv(L, sizeof *v, 0);
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(value)) != 0) return raise_errno(L, "open", path);
  *v = mmap(NULL, sizeof(value), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (*v == MAP_FAILED) return raise_errno(L, "mmap", path);
  luaL_setmetatable(L, VALUE);
  return 1;
}

/* {-- Pipes ------------------------------------------------------------------------------------- */

typedef struct fifo {
  int out, in;
} fifo;

/* pipe:send(message) */
static int pipe_send(lua_State *L)
{
  const fifo *p = check_self(L, pipe_class, PIPE);
  size_t size;
  const char *message = luaL_checklstring(L, 2, &size);
  if (write(p->out, message, size) != (ssize_t)size) return raise_errno(L, "write", "a pipe");
  return 0;
}

/* pipe:receive(size) -> message */
static int pipe_receive(lua_State *L)
{
  static char message[LONGEST];
  const fifo *p = check_self(L, pipe_class, PIPE);
  const size_t size = (size_t)luaL_checkinteger(L, 2);
  luaL_argcheck(L, size <= LONGEST, 2, "too long");
  for (size_t done = 0; done < size;) {
    const ssize_t n = read(p->in, message + done, size - done);
    if (n <= 0) return raise_errno(L, "read", "a pipe");
    done += (size_t)n;
  }
  lua_pushlstring(L, message, size);
  return 1;
}

/* channel_limit.pipe(out, in, first) -> pipe. `out` and `in` are the paths of two FIFOs. If `first` is true,
** `out` is opened first. */
static int open_pipe(lua_State *L)
{
  const char *out = luaL_checkstring(L, 1), *in = luaL_checkstring(L, 2);
  const bool out_first = lua_toboolean(L, 3);
  fifo *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (fifo){-1, -1};
  if (out_first) p->out = open(out, O_WRONLY | O_CLOEXEC);
  p->in = open(in, O_RDONLY | O_CLOEXEC);
  if (!out_first) p->out = open(out, O_WRONLY | O_CLOEXEC);
  if (p->out < 0 || p->in < 0) return raise_errno(L, "open", p->out < 0 ? out : in);
  luaL_setmetatable(L, PIPE);
  return 1;
}

/* {-- The module -------------------------------------------------------------------------------- */

static const void *make_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  const void *class = lua_topointer(L, -1);
  lua_pop(L, 1);
  return class;
}

int luaopen_channel_limit(lua_State *L);

int luaopen_channel_limit(lua_State *L)
{
  static const luaL_Reg ring_methods[] = {{"send", ring_send}, {"receive", ring_receive}, {NULL, NULL}};
  static const luaL_Reg pipe_methods[] = {{"send", pipe_send}, {"receive", pipe_receive}, {NULL, NULL}};
  static const luaL_Reg value_methods[] = {{"publish", value_publish}, {"read", value_read}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
    {"now", now}, {"ring", open_ring}, {"pipe", open_pipe}, {"value", open_value}, {NULL, NULL},
  };
  ring_class = make_class(L, RING, ring_methods);
  pipe_class = make_class(L, PIPE, pipe_methods);
  make_class(L, VALUE, value_methods);
  luaL_newlib(L, functions);
  return 1;
}
