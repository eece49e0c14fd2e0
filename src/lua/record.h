/* What the files about structs share: the codes by which Lua tells C where the members of a struct are. */
#ifndef FILEMAP_RECORD_H
#define FILEMAP_RECORD_H

#include <string.h>

#include "binding.h"
#include "types.h"

FM_BEGIN_HIDDEN

/* Functions of lstruct.c, which filemap.core.record has too. */
extern const luaL_Reg fmb_struct_functions[];

/* A member's code: its kind in the lowest 4 bits, a number of 11 bits, and its offset in the record. The
** kind is a type of types.h; or text of so many bytes; or an object, which is kept in the slot of that
** number. */
enum { FMB_KIND_BITS = 4, FMB_NUMBER_BITS = 11, FMB_TEXT = 14, FMB_OBJECT = 15 };

static inline int fmb_kind_of(lua_Unsigned code)
{
  return (int)(code & ((1 << FMB_KIND_BITS) - 1));
}

static inline int fmb_number_of(lua_Unsigned code)
{
  return (int)(code >> FMB_KIND_BITS & ((1 << FMB_NUMBER_BITS) - 1));
}

static inline size_t fmb_offset_of(lua_Unsigned code)
{
  return (size_t)(code >> (FMB_KIND_BITS + FMB_NUMBER_BITS));
}

/* The sizes of the types of numbers, in bytes. */
static const unsigned char fmb_sizes[] = {
#define FMB_SIZE(T, ctype, ...) sizeof(ctype),
  FMB_TYPES(FMB_SIZE)
#undef FMB_SIZE
};

enum { FMB_NUMBER_KINDS = sizeof fmb_sizes };
_Static_assert(sizeof fmb_sizes <= FMB_TEXT, "the kinds of numbers, text and objects differ");

/* Pushes the number of a type at `p`. */
static inline void fmb_push_at(lua_State *L, int type, const unsigned char *p)
{
  switch (type) {
#define FMB_PUSH_AT(T, ctype, ...) \
  case FMB_##T: {                  \
    ctype x;                       \
    memcpy(&x, p, sizeof x);       \
    fmb_push_##T(L, x);            \
    break;                         \
  }
    FMB_TYPES(FMB_PUSH_AT)
#undef FMB_PUSH_AT
    default: lua_pushnil(L);
  }
}

FM_END_HIDDEN

#endif
