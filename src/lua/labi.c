/* The C ABI that the compiler of this build has: filemap.struct and filemap.cdef lay structs out by it. */
#include "binding.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <wchar.h>

/* The name that lua/filemap/ctype.lua has for the ABI; NULL for a processor that it does not know. The macros
** are those of gcc and clang. */
#if defined __x86_64__ && defined __LP64__
static const char *const name = "linux64";
#elif defined __i386__
static const char *const name = "linux32";
#elif defined __aarch64__ && defined __LP64__ && !defined __AARCH64EB__
static const char *const name = "arm64";
#elif defined __arm__ && defined __ARM_EABI__ && !defined __ARMEB__
static const char *const name = "arm32";
#elif defined __riscv && defined __LP64__
static const char *const name = "riscv64";
#elif defined __powerpc64__ && defined __LITTLE_ENDIAN__
static const char *const name = "ppc64le";
#elif defined __s390x__
static const char *const name = "s390x";
#else
static const char *const name = NULL;
#endif

/* The layout rules are made for these alignments alone. */
static_assert(_Alignof(short) == 2 && _Alignof(int) == 4, "an ABI that filemap lacks");

struct aligned_number {
  char before;
  long long number;
};

static_assert(offsetof(struct aligned_number, number) == 8 || offsetof(struct aligned_number, number) == 4,
              "an ABI that filemap lacks");

/* With ARM's rules a bit-field without a name aligns its struct. */
struct unnamed {
  char before;
  int : 3;
};

static void set_size(lua_State *L, const char *key, size_t n)
{
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool is_set)
{
  lua_pushboolean(L, is_set);
  lua_setfield(L, -2, key);
}

/* Pushes a table with the fields that lua/filemap/ctype.lua describes. */
void fmb_push_abi(lua_State *L)
{
  const unsigned short one = 1;
  lua_newtable(L);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, *(const unsigned char *)&one ? "<" : ">");
  lua_setfield(L, -2, "endian");
  lua_pushliteral(L, "gcc");
  lua_setfield(L, -2, "bitfields");
  set_size(L, "long", sizeof(long));
  set_size(L, "pointer", sizeof(void *));
  set_size(L, "wchar", sizeof(wchar_t));
  set_size(L, "align64", offsetof(struct aligned_number, number));
  set_flag(L, "unsigned_char", CHAR_MIN == 0);
  set_flag(L, "unnamed_align", _Alignof(struct unnamed) == _Alignof(int));
}
