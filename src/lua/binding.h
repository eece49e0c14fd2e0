/* What the files of the Lua binding share. The binding checks arguments, calls the native layer and pushes
** results; what a system is it does not know.
**
** A mistake in the program raises. A failure of the world returns nil, message, code, native: always by
** way of fmb_fail. */
#ifndef FILEMAP_BINDING_H
#define FILEMAP_BINDING_H

#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>

#include "../../include/filemap_lua.h"

#define FMB_MAP "filemap.map"
#define FMB_VIEW "filemap.view"
#define FMB_ARRAY "filemap.array"
#define FMB_STREAM "filemap.stream"

/* {-- Errors (lerror.c) ------------------------------------------------------------------------- */

/* Pushes nil, "subject: detail", the code's word and the system's number; returns 4. */
int fmb_fail(lua_State *L, const char *subject, const fm_error *e);

/* Raises a message as luaL_error, but with the position of the program where modules of ours in Lua are between: those
** whose sources begin as said by fmb_set_own_sources, a Lua function of one string. What the message is made of may be
** an object's: luaL_error would first make a string, and a finalizer might free it. */
int fmb_raise(lua_State *L, const char *format, ...);
int fmb_set_own_sources(lua_State *L);

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
  FMB_COMMIT = 64, FMB_LARGE_PAGES = 128, FMB_EXISTING = 256, FMB_MANUAL = 512, FMB_SET = 1024, FMB_CAPACITY = 2048,
  FMB_MAX_MESSAGE = 4096, FMB_STREAM_MODE = 8192, FMB_PROTECT = 16384
};

typedef struct fmb_options {
  fm_options map; /* also `mode`, `sddl` of what is no map */
  bool existing, manual, set, stream;
  uint64_t capacity, max_message; /* 0: not given */
  uint32_t protect; /* 0: not given */
} fmb_options;

fmb_options fmb_default_options(void);

/* Reads the table at `arg` (none and nil are fine) into `o`, whose strings live as long as the table. */
void fmb_read_options(lua_State *L, int arg, fmb_options *o, unsigned allowed);

/* Seconds; nil gives `otherwise`. A negative one raises, and what is no number. */
double fmb_opt_timeout(lua_State *L, int arg, double otherwise);

/* {-- Objects ------------------------------------------------------------------------------------ */

/* What holds one pointer, NULL when it is closed: sync objects and channels. Their types are told apart by the address
** of the type's name, which is quicker than to look at the metatable. */
typedef struct fmb_object {
  void *pointer;
  const char *type;
} fmb_object;

extern const char fmb_mutex[], fmb_semaphore[], fmb_event[], fmb_state[], fmb_mailslot[], fmb_listener[], fmb_conn[],
  fmb_file[];

/* Pushes a closed one of `size` bytes, which begins with an fmb_object, to be filled, behind so many arguments of the
** call. A finalizer may run: options are read after it, since what they refer to is their table's. */
fmb_object *fmb_new_object(lua_State *L, int arguments, const char *type, size_t size);

/* Argument 1, which may be closed. */
static inline fmb_object *fmb_to_object(lua_State *L, const char *type)
{
  fmb_object *o = lua_touserdata(L, 1);
  if (o && lua_rawlen(L, 1) >= sizeof *o && o->type == type) return o;
  luaL_typeerror(L, 1, type);
  return NULL;
}

/* Its pointer; raises for a closed one. A number that is made a string is an allocation, and a finalizer that it runs
** may close the object: string arguments are looked at first. */
static inline void *fmb_check_object(lua_State *L, const char *type)
{
  fmb_object *o = fmb_to_object(L, type);
  if (!o->pointer) luaL_error(L, "%s is closed", type);
  return o->pointer;
}

/* The bytes in an argument, and the open object's pointer: a number becomes a string there, and a finalizer that runs
** then may close the object. */
static inline void *fmb_check_bytes(lua_State *L, const char *type, int arg, const char **bytes, size_t *length)
{
  fmb_check_object(L, type);
  *bytes = luaL_checklstring(L, arg, length);
  return fmb_check_object(L, type);
}

/* Takes the pointer out of one that is closed, and pushes true, which closing returns. NULL if it is closed already. */
void *fmb_release(lua_State *L, const char *type);

/* Returns true, or pushes the failure. */
int fmb_finish(lua_State *L, int code, const char *subject, const fm_error *e);

/* Makes the metatable of a type, with these methods and metamethods beside __gc, __close and __tostring, which are
** `close` and `tostring`. */
void fmb_new_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction close, lua_CFunction tostring);

/* {-- Maps (lmap.c) and views (lview.c) --------------------------------------------------------- */

/* Pushes a closed map or view, to be filled: an error in between then finds nothing half done. To be called
** before the other arguments are looked at, since finalizers may run. A map is pushed at index 4. */
fm_map **fmb_new_map(lua_State *L);
fm_view *fmb_new_view(lua_State *L);

/* Make the metatables. */
void fmb_open_map(lua_State *L);
void fmb_open_view(lua_State *L);
void fmb_open_array(lua_State *L);
void fmb_open_stream(lua_State *L);

/* Make the metatables, and push a table of functions. */
void fmb_open_sync(lua_State *L);
void fmb_open_state(lua_State *L);
void fmb_open_mailslot(lua_State *L);
void fmb_open_pipe(lua_State *L);
void fmb_open_win32(lua_State *L);

/* The methods of views, kept by topic. */
extern const luaL_Reg fmb_number_methods[];
extern const luaL_Reg fmb_atomic_methods[];
extern const luaL_Reg fmb_array_methods[];
extern const luaL_Reg fmb_text_methods[];
extern const luaL_Reg fmb_byte_methods[];
extern const luaL_Reg fmb_packed_methods[];
extern const luaL_Reg fmb_stream_methods[];

/* {-- The way to a view's bytes -----------------------------------------------------------------
**
** A method that touches memory goes three steps: fmb_self or fmb_open_self, fmb_at for every byte that it
** touches, and fmb_check_lost when what it read is in private memory, or what it wrote is written. Between the
** second and the third nothing of Lua's may run: a finalizer may close the view. */

/* What a view's userdata is. The tag tells it from all others, together with the size, more cheaply than its
** metatable does: this check is on the way of every number. */
typedef struct fmb_view {
  fm_view view;
  const void *tag;
} fmb_view;

extern const char fmb_view_tag[];

/* The view at a stack index, which may be closed; NULL if there is none. */
static inline fm_view *fmb_to_view(lua_State *L, int index)
{
  fmb_view *u = lua_touserdata(L, index);
  return u && lua_rawlen(L, index) == sizeof *u && u->tag == fmb_view_tag ? &u->view : NULL;
}

/* The view in an argument, which may be closed. */
static inline fm_view *fmb_check_view(lua_State *L, int arg)
{
  fm_view *v = fmb_to_view(L, arg);
  if (!v) luaL_typeerror(L, arg, FMB_VIEW);
  return v;
}

static inline fm_view *fmb_self(lua_State *L)
{
  return fmb_check_view(L, 1);
}

/* Self, open. */
fm_view *fmb_open_self(lua_State *L);

/* An integer. What luaL_checkinteger also does (strings, errors) is left to it. */
static inline lua_Integer fmb_check_integer(lua_State *L, int arg)
{
  int is_integer;
  const lua_Integer x = lua_tointegerx(L, arg, &is_integer);
  return is_integer ? x : luaL_checkinteger(L, arg);
}

/* Where `n` bytes from `offset` are, if they may be touched though no quick test said so; else raises. The
** offset is argument `arg`. */
unsigned char *fmb_at_last(lua_State *L, const fm_view *v, bool writing, int arg, lua_Integer offset, uint64_t n);

/* Where the `n` bytes from `offset`, argument `arg`, are. A view that is closed, read-only or reserved has
** nothing readable or writable: the same test finds them. */
static inline unsigned char *fmb_at_offset(lua_State *L, const fm_view *v, bool writing, int arg,
                                           lua_Integer offset, uint64_t n)
{
  const size_t limit = writing ? v->writable : v->readable;
  if (n > limit || (lua_Unsigned)offset > limit - n || limit == 0)
    return fmb_at_last(L, v, writing, arg, offset, n);
  return v->data + offset;
}

static inline unsigned char *fmb_at(lua_State *L, const fm_view *v, bool writing, int arg, uint64_t n)
{
  return fmb_at_offset(L, v, writing, arg, fmb_check_integer(L, arg), n);
}

/* Raises unless `length` bytes from `offset`, argument `arg`, lie in the view, whether or not they may be
** touched yet. */
void fmb_check_range(lua_State *L, const fm_view *v, int arg, uint64_t offset, uint64_t length);

/* Pushes a string of shared memory, and checks that no page of it was lost. */
void fmb_push_copy(lua_State *L, const fm_view *v, const unsigned char *shared, size_t length);

/* Raises if a page of the view has gone away, maybe just now. */
int fmb_raise_lost(lua_State *L);

static inline void fmb_check_lost(lua_State *L, const fm_view *v)
{
  atomic_signal_fence(memory_order_seq_cst); /* the access comes first */
  if (fm_view_is_lost(v)) fmb_raise_lost(L);
}

#endif
