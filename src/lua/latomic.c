/* Atomic numbers in a view, for the ATOMIC types of types.h. The operations are sequentially consistent among
** all processes that share the memory. An address that is not aligned raises: on some processors such an
** access would not be atomic. */
#include "binding.h"
#include "types.h"

/*** @module filemap */

static unsigned char *at_aligned(lua_State *L, bool writing, size_t size, const fm_view **view)
{
  const fm_view *v = *view = fmb_self(L);
  unsigned char *p = fmb_at(L, v, writing, 2, size);
  if ((uintptr_t)p % size != 0)
    luaL_argerror(L, 2, lua_pushfstring(L, "offset %I is not aligned to %I bytes in memory",
                                        (LUAI_UACINT)(p - v->data), (LUAI_UACINT)size));
  return p;
}

static int fail_wait(lua_State *L, const fm_view *v, int code, const fm_error *e)
{
  if (code == FM_TRUNCATED) fmb_raise_lost(L);
  return fmb_fail(L, fm_map_label(fm_view_map(v)), e);
}

/* The C library waits for words of two sizes. */
#define WORD_i32 uint32_t
#define WORD_u32 uint32_t
#define WORD_i64 uint64_t
#define WORD_u64 uint64_t
#define AWAIT_i32 fm_view_wait_32
#define AWAIT_u32 fm_view_wait_32
#define AWAIT_i64 fm_view_wait_64
#define AWAIT_u64 fm_view_wait_64

#define DEFINE_PLAIN(T, ctype)
#define DEFINE_ATOMIC(T, ctype)                                                                 \
  static inline _Atomic(ctype) *at_##T(lua_State *L, bool writing, const fm_view **v)           \
  {                                                                                             \
    return (_Atomic(ctype) *)(void *)at_aligned(L, writing, sizeof(ctype), v);                  \
  }                                                                                             \
  static inline ctype check_##T(lua_State *L, int arg)                                          \
  {                                                                                             \
    ctype x;                                                                                    \
    if (!fmb_to_##T(L, arg, &x)) luaL_argerror(L, arg, fmb_push_misfit(L, arg, FMB_##T));       \
    return x;                                                                                   \
  }                                                                                             \
  static int load_##T(lua_State *L)                                                             \
  {                                                                                             \
    const fm_view *v;                                                                           \
    const ctype x = atomic_load(at_##T(L, false, &v));                                          \
    fmb_check_lost(L, v);                                                                       \
    fmb_push_##T(L, x);                                                                         \
    return 1;                                                                                   \
  }                                                                                             \
  static int store_##T(lua_State *L)                                                            \
  {                                                                                             \
    const fm_view *v;                                                                           \
    _Atomic(ctype) *p = at_##T(L, true, &v);                                                    \
    atomic_store(p, check_##T(L, 3));                                                           \
    fmb_check_lost(L, v);                                                                       \
    return 0;                                                                                   \
  }                                                                                             \
  static int compare_exchange_##T(lua_State *L)                                                 \
  {                                                                                             \
    const fm_view *v;                                                                           \
    _Atomic(ctype) *p = at_##T(L, true, &v);                                                    \
    ctype old = check_##T(L, 3);                                                                \
    const bool swapped = atomic_compare_exchange_strong(p, &old, check_##T(L, 4));              \
    fmb_check_lost(L, v);                                                                       \
    lua_pushboolean(L, swapped);                                                                \
    fmb_push_##T(L, old);                                                                       \
    return 2;                                                                                   \
  }                                                                                             \
  static int wait_##T(lua_State *L)                                                             \
  {                                                                                             \
    const fm_view *v;                                                                           \
    WORD_##T now;                                                                               \
    fm_error e;                                                                                 \
    const lua_Integer offset = fmb_check_integer(L, 2);                                         \
    const ctype seen = check_##T(L, 3);                                                         \
    const double timeout = fmb_opt_timeout(L, 4, FM_FOREVER);                                   \
    at_##T(L, false, &v);                                                                       \
    const int code = AWAIT_##T(v, (uint64_t)offset, (WORD_##T)seen, timeout, &now, &e);         \
    if (code != FM_OK) return fail_wait(L, v, code, &e);                                        \
    fmb_push_##T(L, (ctype)now);                                                                \
    return 1;                                                                                   \
  }                                                                                             \
  DEFINE_CHANGE(T, ctype, exchange, atomic_exchange)                                            \
  DEFINE_CHANGE(T, ctype, add, atomic_fetch_add)                                                \
  DEFINE_CHANGE(T, ctype, and, atomic_fetch_and)                                                \
  DEFINE_CHANGE(T, ctype, or, atomic_fetch_or)

/* An operation that takes a value and returns the old one. */
#define DEFINE_CHANGE(T, ctype, name, change)                                                   \
  static int name##_##T(lua_State *L)                                                           \
  {                                                                                             \
    const fm_view *v;                                                                           \
    _Atomic(ctype) *p = at_##T(L, true, &v);                                                    \
    const ctype old = change(p, check_##T(L, 3));                                               \
    fmb_check_lost(L, v);                                                                       \
    fmb_push_##T(L, old);                                                                       \
    return 1;                                                                                   \
  }

#define DEFINE(T, ctype, kind, least, greatest, atomic) DEFINE_##atomic(T, ctype)
FMB_TYPES(DEFINE)

/* A view that is only read may wake: what it changes is not the memory. */
static int wake(lua_State *L)
{
  const fm_view *v;
  fm_error e;
  const lua_Integer offset = fmb_check_integer(L, 2);
  at_aligned(L, false, sizeof(uint32_t), &v);
  const int code = fm_view_wake(v, (uint64_t)offset, &e);
  return code == FM_OK ? 0 : fail_wait(L, v, code, &e);
}

/*** @type view */

/*** Reads a number atomically: `load_i32`, `load_u32`, `load_i64`, `load_u64`. This and the other atomic
methods are sequentially consistent among all processes that share the memory.
@function load_T
@tparam integer offset in bytes, from 0; the memory there must be aligned to the number's size
@treturn integer the number, as of @{get_T}
@raise for an offset that is not aligned in memory, a number that is not wholly in the view, and if the view
  is closed. Source: C11, 7.17
@usage
print(view:load_u32(0)) --> 0 */

/*** Writes a number atomically: `store_i32` and so on, as @{load_T}.
@function store_T
@tparam integer offset as for @{load_T}
@tparam integer value as for @{set_T}
@raise for a value that does not fit, a read-only view, and as @{load_T}
@usage
view:store_u32(0, 7)
print(view:load_u32(0)) --> 7 */

/*** Writes a number and returns the old one: `exchange_i32` and so on, as @{load_T}.
@function exchange_T
@tparam integer offset as for @{load_T}
@tparam integer value as for @{set_T}
@treturn integer the old value
@raise as @{store_T}
@usage
view:store_i32(0, 1)
print(view:exchange_i32(0, 2), view:load_i32(0)) --> 1 2 */

/*** Adds to a number, which wraps around, and returns the old one: `add_i32` and so on, as @{load_T}.
@function add_T
@tparam integer offset as for @{load_T}
@tparam integer value as for @{set_T}
@treturn integer the old value
@raise as @{store_T}
@usage
print(view:add_u64(0, 5), view:load_u64(0)) --> 0 5 */

/*** Clears the bits of a number that are 0 in the value (bitwise and), and returns the old number: `and_i32`
and so on, as @{load_T}.
@function and_T
@tparam integer offset as for @{load_T}
@tparam integer value as for @{set_T}
@treturn integer the old value
@raise as @{store_T}
@usage
view:store_u32(0, 0xFF)
view:and_u32(0, 0x0F)
print(view:load_u32(0)) --> 15 */

/*** Sets the bits of a number that are 1 in the value (bitwise or), and returns the old number: `or_i32` and
so on, as
@{load_T}.
@function or_T
@tparam integer offset as for @{load_T}
@tparam integer value as for @{set_T}
@treturn integer the old value
@raise as @{store_T}
@usage
view:or_u32(0, 1 << 3)
print(view:load_u32(0)) --> 8 */

/*** Writes a number if the present one is `expected`: `compare_exchange_i32` and so on, as @{load_T}.
@function compare_exchange_T
@tparam integer offset as for @{load_T}
@tparam integer expected as the value of @{set_T}
@tparam integer desired as the value of @{set_T}
@treturn boolean whether `desired` was written
@treturn integer the old value, which is `expected` if it was written
@raise as @{store_T}
@usage
print(view:compare_exchange_i32(0, 0, 7)) --> true 0
print(view:compare_exchange_i32(0, 0, 8)) --> false 7 */

/*** Waits until a number is not `seen`: `wait_i32` and so on, as @{load_T}. A process that calls @{wake}
after its change is noticed within 0.1 ms. A change by any other program is noticed within 5 ms. Waiting takes
less than 2 % of a processor. A number that changes and changes back meanwhile may not be noticed.
@function wait_T
@tparam integer offset as for @{load_T}
@tparam integer seen as the value of @{set_T}
@tparam[opt] number timeout seconds; nil waits forever, 0 looks once
@treturn[1] integer the number, which is not `seen`
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`
@treturn[2] ?integer native errno or GetLastError number
@raise for a value that does not fit, a negative time-out, and as @{load_T}. Source: futex(2); on Windows a
  named event of the section, if it has a name
@usage
local value, message, code = view:wait_u32(0, 0, 0.01)
print(value, code) --> nil timeout
view:store_u32(0, 1)
print(view:wait_u32(0, 0)) --> 1 */

/*** Wakes every process that waits for the number at an offset (@{wait_T}). A process calls it after it has
changed the number.
@function wake
@tparam integer offset of the number in bytes, from 0; the memory there must be aligned to 4 bytes
@raise as @{load_T}. Source: futex(2), SetEvent
@usage
view:add_u32(0, 1)
view:wake(0) */

#define METHODS_PLAIN(T)
#define METHODS_ATOMIC(T)                                                                       \
  {"load_" #T, load_##T}, {"store_" #T, store_##T}, {"exchange_" #T, exchange_##T},             \
  {"add_" #T, add_##T}, {"and_" #T, and_##T}, {"or_" #T, or_##T},                               \
  {"compare_exchange_" #T, compare_exchange_##T}, {"wait_" #T, wait_##T},
#define METHODS(T, ctype, kind, least, greatest, atomic) METHODS_##atomic(T)

const luaL_Reg fmb_atomic_methods[] = {
  FMB_TYPES(METHODS)
  {"wake", wake},
  {NULL, NULL},
};
