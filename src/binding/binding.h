/* What the files of the Lua binding share. The binding checks arguments, calls the native layer and pushes
** results; what a system is it does not know.
**
** A mistake in the program raises. A failure of the world returns nil, message, code, native: always by
** way of fmb_fail. */
#ifndef FILEMAP_BINDING_H
#define FILEMAP_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "../native/filemap.h"

#define FMB_MAP "filemap.map"
#define FMB_VIEW "filemap.view"

/* {-- Errors (lerror.c) ------------------------------------------------------------------------- */

/* Pushes nil, "subject: detail", the code's word and the system's number; returns 4. */
int fmb_fail(lua_State *L, const char *subject, const fm_error *e);

/* A string argument that C can take, or NULL after pushing the failure (return 4): one that holds a NUL. */
const char *fmb_check_text(lua_State *L, int arg);

/* {-- Arguments (largs.c) ----------------------------------------------------------------------- */

/* Is the string at a stack index this word, to its last byte? */
bool fmb_is_word(lua_State *L, int index, const char *word);

/* A count of bytes or units; negative raises, naming `what`. With a default, nil gives that. */
uint64_t fmb_check_count(lua_State *L, int arg, const char *what);
uint64_t fmb_opt_count(lua_State *L, int arg, const char *what, uint64_t otherwise);

/* An access word. */
int fmb_check_access(lua_State *L, int arg);
int fmb_opt_access(lua_State *L, int arg, int otherwise);

/* The fields that a call's options may have; any other raises, naming it. */
enum {
  FMB_ACCESS = 1, FMB_SIZE = 2, FMB_MODE = 4, FMB_SDDL = 8, FMB_NAME = 16, FMB_INHERIT = 32,
  FMB_COMMIT = 64, FMB_LARGE_PAGES = 128
};

/* Reads the table at `arg` (none and nil are fine) into `o`, whose strings live as long as the table. */
void fmb_read_options(lua_State *L, int arg, fm_options *o, unsigned allowed);

/* {-- Maps (lmap.c) and views (lview.c) --------------------------------------------------------- */

/* Pushes a closed map or view, to be filled: an error in between then finds nothing half done. To be called
** before the other arguments are looked at, since finalizers may run. A map is pushed at index 4. */
fm_map **fmb_new_map(lua_State *L);
fm_view *fmb_new_view(lua_State *L);

/* Makes the metatables. */
void fmb_open_map(lua_State *L);
void fmb_open_view(lua_State *L);

/* The methods of views, kept by topic. */
extern const luaL_Reg fmb_number_methods[];
extern const luaL_Reg fmb_text_methods[];

/* The module's entry, which `require "filemap.core"` calls. */
int luaopen_filemap_core(lua_State *L);

/* {-- The way to a view's bytes ----------------------------------------------------------------- */

/* Self of a view's method: every method has the metatable as its first upvalue, so that the check is one
** comparison of pointers. The view may be closed. */
static inline fm_view *fmb_self(lua_State *L)
{
  fm_view *v = lua_touserdata(L, 1);
  if (v && lua_getmetatable(L, 1)) {
    const int same = lua_rawequal(L, -1, lua_upvalueindex(1));
    lua_pop(L, 1);
    if (same) return v;
  }
  return luaL_checkudata(L, 1, FMB_VIEW); /* raises */
}

/* Self, open. */
fm_view *fmb_open_self(lua_State *L);

/* Raises for the reason that `n` bytes from `offset` may not be read (or written). */
int fmb_raise_range(lua_State *L, const fm_view *v, bool writing, int arg, lua_Integer offset,
                    uint64_t n);

/* Where the `n` bytes at the offset in `arg` are. A closed view has size and writable 0, a read-only one
** writable 0, and no open one size 0: the same test finds them. */
static inline unsigned char *fmb_at(lua_State *L, const fm_view *v, bool writing, int arg, uint64_t n)
{
  const lua_Integer offset = luaL_checkinteger(L, arg);
  const size_t limit = writing ? v->writable : v->size;
  if (n > limit || (lua_Unsigned)offset > limit - n || limit == 0)
    fmb_raise_range(L, v, writing, arg, offset, n);
  return v->data + offset;
}

#endif
