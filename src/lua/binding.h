/* Declarations that the files of the Lua binding share. The binding checks arguments, calls the C library and
** pushes results. It does not depend on the system.
**
** A mistake in the program raises an error. A failure of the environment returns nil, message, code, native,
** always through fmb_fail. */
#ifndef FILEMAP_BINDING_H
#define FILEMAP_BINDING_H

#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>

#include "../base/public.h"
#include "../../include/filemap_lua.h"
#include "versions.h"

FM_BEGIN_HIDDEN

/* The public header declares it without FM_LUA_API. */
int fm_lua_push_view(lua_State *L, const fm_view *v, int access, fm_error *e);

/* {-- Errors (lerror.c) ------------------------------------------------------------------------- */

/* Pushes nil, "subject: detail", the code's word and the system's error number; returns 4. */
int fmb_fail(lua_State *L, const char *subject, const fm_error *e);

/* Pushes true and returns 1, or fails with `code`. */
int fmb_finish(lua_State *L, int code, const char *subject, const fm_error *e);

/* Raises an error as luaL_error does, but with the program's position if Lua modules of this project are
** between: those whose source names begin with the string that fmb_set_own_sources, a Lua function, was
** called with. The message may be made of an object's memory. luaL_error would push a string first, and a
** finalizer that runs then might free it. */
_Noreturn int fmb_raise(lua_State *L, const char *format, ...);
int fmb_set_own_sources(lua_State *L);

/* Pushes the name of the type of the value at a positive stack index, for messages. Of a userdata it is the
** __name in its metatable. */
const char *fmb_push_type_name(lua_State *L, int index);

/* The names of the types, which their metatables have as __name. Each address stands for one type. */
extern const char fmb_map[], fmb_view[], fmb_array[], fmb_stream[], fmb_mutex[], fmb_semaphore[], fmb_event[],
  fmb_state[], fmb_mailslot[], fmb_listener[], fmb_conn[], fmb_dict[], fmb_dict_cursor[], fmb_file[],
  fmb_record[], fmb_record_array[];

/* Raises an error because argument `arg` has another type than `expected`. */
_Noreturn int fmb_type_error(lua_State *L, int arg, const char *expected);

/* Raises an error because the object in argument `arg` is closed. */
_Noreturn int fmb_raise_closed(lua_State *L, int arg, const char *type);

/* Was the running function called by a Lua module of this project? Then the program did not write the call's
** arguments, and a message does not number them. */
bool fmb_is_called_by_own(lua_State *L);

/* {-- Arguments (largs.c) ----------------------------------------------------------------------- */

/* The string in `arg`, for C. If it contains a NUL byte: pushes the failure and returns NULL; return 4
** then. */
const char *fmb_check_text(lua_State *L, int arg);

/* Is the string at a stack index equal to `word`, all of its bytes? */
bool fmb_is_word(lua_State *L, int index, const char *word);

/* A count of bytes or units; a negative one raises, with `what` in the message. nil and none give
** `otherwise`. */
uint64_t fmb_check_count(lua_State *L, int arg, const char *what);
uint64_t fmb_opt_count(lua_State *L, int arg, const char *what, uint64_t otherwise);

/* count * size, or LUA_MAXINTEGER, which is past the end of any view, if the product is more. */
static inline uint64_t fmb_bytes_of(uint64_t count, size_t size)
{
  return count <= LUA_MAXINTEGER / size ? count * size : LUA_MAXINTEGER;
}

/* The text that Lua's files write for the string or number in `arg`, which it replaces. */
const char *fmb_check_written(lua_State *L, int arg, size_t *length);

/* Makes such text of the arguments from `first` to the top; returns the sum of their lengths. */
uint64_t fmb_check_all_written(lua_State *L, int first);

/* An integer. Strings and errors are left to luaL_checkinteger. */
static inline lua_Integer fmb_check_integer(lua_State *L, int arg)
{
  int is_integer;
  const lua_Integer x = lua_tointegerx(L, arg, &is_integer);
  return is_integer ? x : luaL_checkinteger(L, arg);
}

/* An access word. */
int fmb_check_access(lua_State *L, int arg);
int fmb_opt_access(lua_State *L, int arg, int otherwise);

/* A time-out in seconds; a negative one and NaN raise. nil and none give `otherwise`. */
double fmb_opt_timeout(lua_State *L, int arg, double otherwise);

/* The options that a call may have; another one raises, and its name is in the message. */
enum {
  FMB_ACCESS = 1, FMB_SIZE = 2, FMB_MODE = 4, FMB_SDDL = 8, FMB_NAME = 16, FMB_INHERIT = 32,
  FMB_COMMIT = 64, FMB_LARGE_PAGES = 128, FMB_EXISTING = 256, FMB_MANUAL = 512, FMB_SET = 1024,
  FMB_CAPACITY = 2048, FMB_MAX_MESSAGE = 4096, FMB_STREAM_MODE = 8192, FMB_PROTECT = 16384,
  FMB_EVICT = 32768, FMB_TTL = 65536
};

typedef struct fmb_options {
  fm_options map; /* also `mode` and `sddl` of other named objects */
  bool existing, manual, set, stream, evict;
  uint64_t capacity, max_message; /* 0: not given */
  uint32_t protect;               /* 0: not given */
  double ttl;                     /* seconds; FM_FOREVER: not given */
} fmb_options;

fmb_options fmb_default_options(void);

/* Reads the table at `arg` into `o`; none and nil change nothing. The strings in `o` are the table's. */
void fmb_read_options(lua_State *L, int arg, fmb_options *o, unsigned allowed);

/* {-- Objects (lobject.c) -----------------------------------------------------------------------
**
** Each userdata of this module begins with an fmb_object. Two questions tell what it is: is `type` the
** address of that type's name, and is `pointer` NULL, which means closed? The pointer is the C library's
** object; of a view, an array and a stream it is the fm_view, of a record a place in one. Comparing addresses
** is quicker than looking at the metatable. */

typedef struct fmb_object {
  const char *type;
  void *pointer;
} fmb_object;


/* Pushes a closed object of `size` bytes, with `values` user values, after cutting the stack to the call's
** `arguments`. A finalizer may run, so look at other objects and at options only afterwards. */
fmb_object *fmb_new_object(lua_State *L, int arguments, const char *type, size_t size, int values);

/* The object of this type at a stack index, which may be closed; NULL if there is none. */
static inline fmb_object *fmb_to_object(lua_State *L, int index, const char *type)
{
  fmb_object *o = lua_touserdata(L, index);
  return o && lua_rawlen(L, index) >= sizeof *o && o->type == type ? o : NULL;
}

/* The same in an argument; another type raises. */
static inline fmb_object *fmb_check_object(lua_State *L, int arg, const char *type)
{
  fmb_object *o = fmb_to_object(L, arg, type);
  if (!o) fmb_type_error(L, arg, type);
  return o;
}

/* The pointer of the object in an argument. If the object is closed, it raises. Making a string of a number
** allocates, and a finalizer that runs then may close the object. So convert all arguments before this call,
** or call it again. */
static inline void *fmb_check_open(lua_State *L, int arg, const char *type)
{
  fmb_object *o = fmb_check_object(L, arg, type);
  if (!o->pointer) fmb_raise_closed(L, arg, type);
  return o->pointer;
}

/* The bytes of the string or number in `arg`, and the pointer of self, which is open also after a
** conversion. */
static inline void *fmb_check_bytes(lua_State *L, const char *type, int arg, const char **bytes,
                                    size_t *length)
{
  fmb_check_open(L, 1, type);
  *bytes = luaL_checklstring(L, arg, length);
  return fmb_check_open(L, 1, type);
}

/* Marks self as closed and returns the pointer it had, NULL if it was closed already. Pushes true, which
** close returns. */
void *fmb_release(lua_State *L, const char *type);

/* Pushes the handle by which an event loop waits for the object in argument 1, of this type, or fails. `name`
** is for messages. */
int fmb_push_pollable(lua_State *L, const char *type, fm_waitable_kind kind, const char *name);

/* Makes a type's metatable, with these methods and metamethods. A NULL `close` or `metamethods` has none. */
void fmb_new_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction close,
                  lua_CFunction to_string, const luaL_Reg *metamethods);

/* {-- Topics ------------------------------------------------------------------------------------ */

/* Make the metatables. */
void fmb_open_map(lua_State *L);
void fmb_open_view(lua_State *L);
void fmb_open_array(lua_State *L);
void fmb_open_stream(lua_State *L);

/* Pushes the table of the ABI that this library was built for (labi.c). */
void fmb_push_abi(lua_State *L);

/* What filemap.struct takes of C: pushes a table of functions. */
void fmb_open_record(lua_State *L);

/* unpack_within(view, fmt, offset, size): as view:unpack; returns nothing if so many bytes are not in an open
** view. */
int fmb_unpack_within(lua_State *L);

/* Wide text in strings, by the same code as in views, for filemap.struct. `unit`: 2 or 4 bytes;
** `swapped`: of the other byte order. decode_text(bytes, unit, swapped) -> UTF-8 up to NUL, also for a unit
** of 1 byte; encode_text(s, unit, swapped [, capacity]) -> bytes, zeros up to so many units, and raises if
** it does not fit; count_units(s, unit) -> how many units it takes. */
int fmb_decode_text(lua_State *L);
int fmb_encode_text(lua_State *L);
int fmb_count_units(lua_State *L);

/* check_string(value, name, unit, count, swapped) -> the bytes of a text in at most `count` units; for a
** unit of 1 byte, and for bytes that are not text (unit 0), the string itself. Raises if it does not fit,
** naming the field. */
int fmb_check_string(lua_State *L);

/* Make the metatables, and push a table of functions. */
void fmb_open_sync(lua_State *L);
void fmb_open_state(lua_State *L);
void fmb_open_dict(lua_State *L);
void fmb_open_mailslot(lua_State *L);
void fmb_open_pipe(lua_State *L);
void fmb_open_win32(lua_State *L);

/* The methods of views, by topic. */
extern const luaL_Reg fmb_number_methods[];
extern const luaL_Reg fmb_atomic_methods[];
extern const luaL_Reg fmb_array_methods[];
extern const luaL_Reg fmb_text_methods[];
extern const luaL_Reg fmb_byte_methods[];
extern const luaL_Reg fmb_packed_methods[];
extern const luaL_Reg fmb_stream_methods[];

/* {-- Access to a view's bytes (laccess.c) ------------------------------------------------------
**
** A method that accesses memory takes three steps:
** 1. fmb_self or fmb_open_self gives the view.
** 2. fmb_at checks a range and gives its address, for every byte that the method accesses.
** 3. fmb_check_lost, after what was read is in private memory or what was to be written is written, raises if
**    a page was lost.
** Between steps 2 and 3 nothing may allocate in Lua, since a finalizer may close the view. */

/* A view's userdata. Its `object.pointer` is &view while it is open. */
typedef struct fmb_view_object {
  fmb_object object;
  fm_view view;
} fmb_view_object;

/* Pushes a closed view, to be filled by fmb_finish_view: an error before that leaves nothing half made. */
fmb_view_object *fmb_new_view(lua_State *L);

/* Ends a call that made the view on top: returns 1 if `code` is FM_OK, else fails. */
int fmb_finish_view(lua_State *L, fmb_view_object *v, int code, const char *subject, const fm_error *e);

/* The view at a stack index, which may be closed; NULL if there is none. */
static inline fm_view *fmb_to_view(lua_State *L, int index)
{
  fmb_object *o = fmb_to_object(L, index, fmb_view);
  return o ? &((fmb_view_object *)(void *)o)->view : NULL;
}

/* Self, which may be closed. */
static inline fm_view *fmb_self(lua_State *L)
{
  return &((fmb_view_object *)(void *)fmb_check_object(L, 1, fmb_view))->view;
}

/* Self, open. */
static inline fm_view *fmb_open_self(lua_State *L)
{
  return fmb_check_open(L, 1, fmb_view);
}

/* The address of `n` bytes from `offset`, if they may be accessed although the quick test below failed;
** else raises. The offset is argument `arg`. */
unsigned char *fmb_at_last(lua_State *L, const fm_view *v, bool writing, int arg, lua_Integer offset,
                           uint64_t n);

/* The address of `n` bytes from `offset`, argument `arg`. A view that is closed, read-only or reserved has a
** limit of 0, so one test finds all of these. */
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

/* Raises unless `length` bytes from `offset`, argument `arg`, are inside the view. They need not be
** committed. */
void fmb_check_range(lua_State *L, const fm_view *v, int arg, uint64_t offset, uint64_t length);

/* Pushes a string of shared memory, and checks that no page of it was lost. */
void fmb_push_copy(lua_State *L, const fm_view *v, const unsigned char *shared, size_t length);

/* Raises because a page of a view was lost. */
_Noreturn int fmb_raise_lost(lua_State *L);

static inline void fmb_check_lost(lua_State *L, const fm_view *v)
{
  if (fm_view_is_lost(v)) fmb_raise_lost(L);
}

FM_END_HIDDEN

#endif
