/* Access to the bytes of a view: the checks before, and the check for lost pages after. */
#include <string.h>

#include "binding.h"

unsigned char *fmb_at_last(lua_State *L, const fm_view *v, bool writing, int arg, lua_Integer offset,
                           uint64_t n)
{
  fm_error e;
  const int code = fm_view_check(v, writing, (uint64_t)offset, n, &e);
  if (code == FM_OK) return v->data + offset;
  if (code == FM_CLOSED) fmb_raise(L, "%s is closed", fmb_view);
  if (code == FM_DENIED) fmb_raise(L, "%s is read-only (access \"%s\")", fmb_view, fm_access_word(v->access));
  if (code == FM_TRUNCATED) fmb_raise_lost(L);
  if (fmb_is_called_by_own(L)) fmb_raise(L, "%s: %s", fmb_view, e.detail);
  if (offset < 0) luaL_argerror(L, arg, lua_pushfstring(L, "offset %I is negative", (LUAI_UACINT)offset));
  if (n > v->size || (uint64_t)offset > v->size - n)
    luaL_argerror(L, arg, lua_pushfstring(L, "offset %I + %I bytes is past the end of a %I-byte view",
                                          (LUAI_UACINT)offset, (LUAI_UACINT)n, (LUAI_UACINT)v->size));
  luaL_argerror(L, arg, e.detail);
}

void fmb_check_range(lua_State *L, const fm_view *v, int arg, uint64_t offset, uint64_t length)
{
  if (offset > v->size || length > v->size - offset)
    fmb_at_last(L, v, false, arg, (lua_Integer)offset, length);
}

/* Lua interns strings of up to 40 bytes (LUAI_MAXSHORTLEN): it hashes, compares and copies them. It copies a
** longer string at once. The limit here is larger, for a Lua that was built with another limit. */
enum { INTERNED = 256 };

void fmb_push_copy(lua_State *L, const fm_view *v, const unsigned char *shared, size_t length)
{
  char copy[INTERNED];
  if (length <= sizeof copy) shared = memcpy(copy, shared, length);
  lua_pushlstring(L, (const char *)shared, length);
  if (fm_view_is_lost(v)) fmb_raise_lost(L);
}

int fmb_raise_lost(lua_State *L)
{
  fmb_raise(L, "%s is truncated: a page of its memory was lost", fmb_view);
}
