/* Several fields in one call, by the formats of string.pack. One reader of formats serves both directions,
** and raises the errors of Lua's own. Another process may write what is read here, so decisions are made on a
** private copy of the bytes. Packed bytes are built in private memory, and written to the view when all of
** them are right. */
#include <limits.h>
#include <string.h>

#include "binding.h"

/*** @module filemap */

/* The methods' arguments, before the values to pack. */
enum { FORMAT = 2, OFFSET = 3 };

/* The most bytes of an integer in a format, and the bytes and bits of a Lua integer. */
enum { MOST_BYTES = 16, LUA_BYTES = (int)sizeof(lua_Integer), LUA_BITS = LUA_BYTES * CHAR_BIT };

/* {-- Formats ----------------------------------------------------------------------------------- */

/* The kinds of format options. */
typedef enum kind {
  UNKNOWN,
  /* fields with a value */
  SIGNED, UNSIGNED, FLOAT, DOUBLE, NUMBER, CHARS, COUNTED, TEXT,
  /* fields without one */
  PADDING, ALIGNMENT,
  /* not fields */
  BLANK, LITTLE, BIG, NATIVE, MOST_ALIGNMENT
} kind;

static inline bool has_value(kind k)
{
  return k < PADDING;
}

static inline bool is_field(kind k)
{
  return k < BLANK;
}

/* Which number may follow an option: none, the size of an integer, or any. */
enum { NEVER, LIMITED, ANY };

struct most_aligned {
  char c;
  union { lua_Number n; double u; void *s; lua_Integer i; long l; } u; /* (lstrlib.c) */
};

static const struct option { unsigned char kind, size, number; } options[UCHAR_MAX + 1] = {
  ['b'] = {SIGNED, sizeof(char), NEVER},         ['B'] = {UNSIGNED, sizeof(char), NEVER},
  ['h'] = {SIGNED, sizeof(short), NEVER},        ['H'] = {UNSIGNED, sizeof(short), NEVER},
  ['l'] = {SIGNED, sizeof(long), NEVER},         ['L'] = {UNSIGNED, sizeof(long), NEVER},
  ['j'] = {SIGNED, sizeof(lua_Integer), NEVER},  ['J'] = {UNSIGNED, sizeof(lua_Integer), NEVER},
  ['i'] = {SIGNED, sizeof(int), LIMITED},        ['I'] = {UNSIGNED, sizeof(int), LIMITED},
  ['T'] = {UNSIGNED, sizeof(size_t), NEVER},     ['f'] = {FLOAT, sizeof(float), NEVER},
  ['d'] = {DOUBLE, sizeof(double), NEVER},       ['n'] = {NUMBER, sizeof(lua_Number), NEVER},
  ['c'] = {CHARS, 0, ANY},                       ['s'] = {COUNTED, sizeof(size_t), LIMITED},
  ['z'] = {TEXT, 0, NEVER},                      ['x'] = {PADDING, 1, NEVER},
  ['X'] = {ALIGNMENT, 0, NEVER},                 [' '] = {BLANK, 0, NEVER},
  ['<'] = {LITTLE, 0, NEVER},                    ['>'] = {BIG, 0, NEVER},
  ['='] = {NATIVE, 0, NEVER},
  ['!'] = {MOST_ALIGNMENT, offsetof(struct most_aligned, u), LIMITED},
};

typedef struct format {
  lua_State *L;
  const char *next;   /* the rest of the format, which ends with NUL */
  int most_alignment;
  bool little;        /* the byte order */
} format;

/* A field, as the format describes it. */
typedef struct field {
  kind kind;
  int size;           /* in bytes; of COUNTED only of the length before the bytes */
  int padding;        /* bytes before the field, which align it */
} field;

static inline bool native_is_little(void)
{
  const int one = 1;
  char first;
  memcpy(&first, &one, sizeof first);
  return first == 1;
}

static format check_format(lua_State *L)
{
  const char *next = luaL_checkstring(L, FORMAT);
  return (format){.L = L, .next = next, .most_alignment = 1, .little = native_is_little()};
}

static inline bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* Reads the number that comes next. It ends where one more digit might not fit in an int. */
static inline int read_number(format *f)
{
  int n = 0;
  do n = n * 10 + (*f->next++ - '0');
  while (is_digit(*f->next) && n <= (INT_MAX - 9) / 10);
  return n;
}

/* The size of an option that can have a number. */
static inline int read_size(format *f, const struct option *o)
{
  if (!is_digit(*f->next)) {
    if (o->number == ANY) luaL_error(f->L, "missing size for format option '%c'", f->next[-1]);
    return o->size;
  }
  const int size = read_number(f);
  if (o->number == LIMITED && (size <= 0 || size > MOST_BYTES))
    luaL_error(f->L, "integral size (%d) out of limits [1,%d]", size, MOST_BYTES);
  return size;
}

/* Reads an option. One that is not a field changes `f`. */
static inline void read_option(format *f, field *out)
{
  const struct option *o = &options[(unsigned char)*f->next++];
  out->size = o->number == NEVER ? o->size : read_size(f, o);
  out->kind = (kind)o->kind;
  out->padding = 0;
  switch (out->kind) {
    case UNKNOWN: luaL_error(f->L, "invalid format option '%c'", f->next[-1]); break;
    case LITTLE: f->little = true; break;
    case BIG: f->little = false; break;
    case NATIVE: f->little = native_is_little(); break;
    case MOST_ALIGNMENT: f->most_alignment = out->size; break;
    default: break;
  }
}

/* The alignment of the field whose option comes next. Skips the option. */
static int read_alignment(format *f)
{
  field follower = {.kind = BLANK};
  if (*f->next != '\0') read_option(f, &follower);
  if (!is_field(follower.kind) || follower.kind == CHARS || follower.size == 0)
    luaL_argerror(f->L, FORMAT, "invalid next option for option 'X'");
  return follower.size;
}

/* The padding before a field of this alignment, `done` bytes after the start of the first field. */
static int pad(const format *f, int alignment, uint64_t done)
{
  if (alignment > f->most_alignment) alignment = f->most_alignment;
  if ((alignment & (alignment - 1)) != 0)
    luaL_argerror(f->L, FORMAT, "format asks for alignment not power of 2");
  return (alignment - (int)(done & (unsigned)(alignment - 1))) & (alignment - 1);
}

/* Reads options up to the next field, `done` bytes after the start of the first field. Returns false at the
** end. */
static inline bool next_field(format *f, uint64_t done, field *out)
{
  do {
    if (*f->next == '\0') return false;
    read_option(f, out);
  } while (!is_field(out->kind));
  const int alignment = out->kind == ALIGNMENT ? read_alignment(f) : out->size;
  if (alignment > 1 && f->most_alignment > 1 && out->kind != CHARS) out->padding = pad(f, alignment, done);
  return true;
}

/* {-- unpack ------------------------------------------------------------------------------------ */

/* Reads an integer of a size that C does not have, or in the other byte order. */
static lua_Unsigned join_bytes(lua_State *L, const fm_view *v, const unsigned char *shared, int size,
                               bool little, bool is_signed)
{
  unsigned char b[MOST_BYTES]; /* the least significant first */
  lua_Unsigned x = 0;
  memcpy(b, shared, (size_t)size);
  fmb_check_lost(L, v); /* before an error about the number */
  for (int i = 0, j = size - 1; !little && i < j; i++, j--) {
    const unsigned char last = b[j];
    b[j] = b[i];
    b[i] = last;
  }
  for (int i = size < LUA_BYTES ? size : LUA_BYTES; i-- > 0;) x = x << CHAR_BIT | b[i];
  const unsigned char rest = is_signed && x >> (LUA_BITS - 1) ? UCHAR_MAX : 0;
  for (int i = LUA_BYTES; i < size; i++)
    if (b[i] != rest) luaL_error(L, "%d-byte integer does not fit into Lua Integer", size);
  return x;
}

static inline lua_Unsigned extend_sign(lua_Unsigned x, int size)
{
  if (size >= LUA_BYTES) return x;
  const lua_Unsigned sign = (lua_Unsigned)1 << (size * CHAR_BIT - 1);
  return (x ^ sign) - sign;
}

/* Reads an integer of an unsigned C type. */
#define READ(ctype, p, x) do { ctype read_; memcpy(&read_, p, sizeof read_); (x) = read_; } while (0)

static inline lua_Integer get_integer(const format *f, const field *a, const fm_view *v,
                                      const unsigned char *p)
{
  lua_Unsigned x;
  switch (f->little == native_is_little() ? a->size : 0) {
    case 1: READ(uint8_t, p, x); break;
    case 2: READ(uint16_t, p, x); break;
    case 4: READ(uint32_t, p, x); break;
    case 8: READ(uint64_t, p, x); break;
    default: x = join_bytes(f->L, v, p, a->size, f->little, a->kind == SIGNED); break;
  }
  return (lua_Integer)(a->kind == SIGNED ? extend_sign(x, a->size) : x);
}

/* Copies a float, and reverses its bytes if the format has the other byte order. */
static inline void copy_float(const format *f, void *to, const void *from, size_t size)
{
  unsigned char *last = (unsigned char *)to + size;
  if (f->little == native_is_little()) memcpy(to, from, size);
  else
    for (size_t i = 0; i < size; i++) *--last = ((const unsigned char *)from)[i];
}

/* Pushes a string whose length is at `p`, before its bytes. Returns the offset after the string. */
static lua_Integer push_counted(const format *f, const field *a, const fm_view *v, const unsigned char *p,
                                lua_Integer at)
{
  const field length = {.kind = UNSIGNED, .size = a->size};
  const lua_Unsigned n = (lua_Unsigned)get_integer(f, &length, v, p);
  fmb_check_lost(f->L, v); /* before an error about the length */
  at += a->size;
  /* A length that is too large for a Lua integer is past the end of any view. */
  p = fmb_at_offset(f->L, v, false, OFFSET, at, n <= LUA_MAXINTEGER ? n : LUA_MAXINTEGER);
  fmb_push_copy(f->L, v, p, (size_t)n);
  return at + (lua_Integer)n;
}

/* Pushes the text in `rest` bytes at `p` up to a NUL, and returns its length. */
static size_t push_long_text(lua_State *L, const fm_view *v, const unsigned char *p, size_t rest)
{
  const unsigned char *nul = memchr(p, 0, rest);
  if (!nul) return (size_t)luaL_argerror(L, OFFSET, "unfinished string for format 'z'");
  fmb_push_copy(L, v, p, (size_t)(nul - p));
  /* Another process may have written a NUL there since. */
  const char *s = lua_tostring(L, -1);
  const size_t length = strlen(s);
  if (length < (size_t)(nul - p)) {
    lua_pushstring(L, s);
    lua_replace(L, -2);
  }
  return length;
}

/* The same. Most text is short, and its NUL is searched for in a private copy, which no other process
** changes. */
static size_t push_text(lua_State *L, const fm_view *v, const unsigned char *p, size_t rest)
{
  char copy[64];
  const size_t n = rest < sizeof copy ? rest : sizeof copy;
  const char *nul = memchr(memcpy(copy, p, n), 0, n);
  if (!nul) return push_long_text(L, v, p, rest);
  fmb_check_lost(L, v);
  lua_pushlstring(L, copy, (size_t)(nul - copy));
  return (size_t)(nul - copy);
}

/* Pushes a string that ends with NUL. Returns the offset after the NUL. */
static lua_Integer push_terminated(const format *f, const fm_view *v, lua_Integer at)
{
  const size_t rest = v->size - (size_t)at;
  const unsigned char *p = fmb_at_offset(f->L, v, false, OFFSET, at, rest);
  return at + (lua_Integer)push_text(f->L, v, p, rest) + 1;
}

#define PUSH_FLOAT(ctype)                \
  do {                                   \
    ctype x_;                            \
    copy_float(f, &x_, p, sizeof x_);    \
    lua_pushnumber(f->L, (lua_Number)x_); \
  } while (0)

/* Pushes the value of the field at `at`, if it has one. Returns the offset after the field. The view is
** checked for each field, because pushing a string may run a finalizer that closes it. */
static inline lua_Integer push_field(const format *f, const field *a, const fm_view *v, lua_Integer at)
{
  const unsigned char *p = fmb_at_offset(f->L, v, false, OFFSET, at, (uint64_t)a->size);
  switch (a->kind) {
    case SIGNED:
    case UNSIGNED: lua_pushinteger(f->L, get_integer(f, a, v, p)); break;
    case FLOAT: PUSH_FLOAT(float); break;
    case DOUBLE: PUSH_FLOAT(double); break;
    case NUMBER: PUSH_FLOAT(lua_Number); break;
    case CHARS: fmb_push_copy(f->L, v, p, (size_t)a->size); break;
    case COUNTED: return push_counted(f, a, v, p, at);
    case TEXT: return push_terminated(f, v, at);
    default: break;
  }
  return at + a->size;
}

/*** @type view */

/*** Reads several fields, by a format of `string.pack`. Alignment counts from `offset`.
@function unpack
@tparam string fmt the format
@tparam integer offset in bytes, from 0
@return the values, and after them the offset after the last field
@raise for a format that `string.unpack` does not accept, an integer that does not fit in a Lua integer, a
  field past the view's end, and if the view is closed. Source: string.unpack (Lua manual, 6.4.2)
@usage
view:pack("<i4 d z", 0, 7, 0.5, "Jo")
print(view:unpack("<i4 d z", 0)) --> 7 0.5 Jo 15 */
static int view_unpack(lua_State *L)
{
  const fm_view *v = fmb_self(L);
  format f = check_format(L);
  field a;
  const lua_Integer start = fmb_check_integer(L, OFFSET);
  lua_Integer at = start;
  int n = 0;
  fmb_at_offset(L, v, false, OFFSET, start, 0);
  while (next_field(&f, (uint64_t)(at - start), &a)) {
    /* A C function has room for LUA_MINSTACK values. Ask for more, with room for temporary values. */
    if (n >= LUA_MINSTACK / 2) luaL_checkstack(L, LUA_MINSTACK / 2, "too many results");
    at = push_field(&f, &a, v, at + a.padding);
    n += has_value(a.kind);
  }
  fmb_check_lost(L, v);
  lua_pushinteger(L, at);
  return n + 1;
}

int fmb_unpack_within(lua_State *L)
{
  const fm_view *v = fmb_to_view(L, 1);
  const uint64_t offset = (uint64_t)lua_tointeger(L, OFFSET), size = (uint64_t)lua_tointeger(L, OFFSET + 1);
  if (!v || !v->data || !lua_isinteger(L, OFFSET) || size > v->size || offset > v->size - size) return 0;
  return view_unpack(L);
}

/* {-- pack -------------------------------------------------------------------------------------- */

/* The bytes that are packed so far. Bytes past the view's end are counted but not stored, since there may be
** very many. Lua frees the buffer's memory when the method returns or raises. */
typedef struct packed {
  luaL_Buffer bytes;
  uint64_t length;
  uint64_t room;
} packed;

/* The place of `n` more bytes; NULL if they are not stored. */
static unsigned char *more(packed *out, size_t n)
{
  out->length += n;
  if (out->length > out->room) return NULL;
  unsigned char *p = (unsigned char *)luaL_prepbuffsize(&out->bytes, n);
  luaL_addsize(&out->bytes, n);
  return p;
}

static void put(packed *out, const void *bytes, size_t n)
{
  unsigned char *p = more(out, n);
  if (p) memcpy(p, bytes, n);
}

static void put_zeros(packed *out, size_t n)
{
  unsigned char *p = more(out, n);
  if (p) memset(p, 0, n);
}

/* Bytes beyond those of a Lua integer have the value `rest`, which extends the sign. */
static void put_integer(packed *out, const format *f, lua_Unsigned x, int size, unsigned char rest)
{
  unsigned char b[MOST_BYTES];
  for (int i = 0; i < size; i++) {
    b[f->little ? i : size - 1 - i] = (unsigned char)x;
    x = x >> CHAR_BIT | (lua_Unsigned)rest << (LUA_BITS - CHAR_BIT);
  }
  put(out, b, (size_t)size);
}

static void pack_signed(packed *out, const format *f, const field *a, int arg)
{
  const lua_Integer x = fmb_check_integer(f->L, arg);
  if (a->size < LUA_BYTES) {
    const lua_Integer limit = (lua_Integer)1 << (a->size * CHAR_BIT - 1);
    luaL_argcheck(f->L, x >= -limit && x < limit, arg, "integer overflow");
  }
  put_integer(out, f, (lua_Unsigned)x, a->size, x < 0 ? UCHAR_MAX : 0);
}

/* Does an unsigned number fit in this many bytes? */
static bool fits(lua_Unsigned x, int size)
{
  return size >= LUA_BYTES || x >> (size * CHAR_BIT) == 0;
}

static void pack_unsigned(packed *out, const format *f, const field *a, int arg)
{
  const lua_Unsigned x = (lua_Unsigned)fmb_check_integer(f->L, arg);
  luaL_argcheck(f->L, fits(x, a->size), arg, "unsigned overflow");
  put_integer(out, f, x, a->size, 0);
}

static void pack_chars(packed *out, const format *f, const field *a, int arg)
{
  size_t length;
  const char *s = luaL_checklstring(f->L, arg, &length);
  luaL_argcheck(f->L, length <= (size_t)a->size, arg, "string longer than given size");
  put(out, s, length);
  put_zeros(out, (size_t)a->size - length);
}

static void pack_counted(packed *out, const format *f, const field *a, int arg)
{
  size_t length;
  const char *s = luaL_checklstring(f->L, arg, &length);
  luaL_argcheck(f->L, fits(length, a->size), arg, "string length does not fit in given size");
  put_integer(out, f, length, a->size, 0);
  put(out, s, length);
}

static void pack_text(packed *out, const format *f, int arg)
{
  size_t length;
  const char *s = luaL_checklstring(f->L, arg, &length);
  luaL_argcheck(f->L, strlen(s) == length, arg, "string contains zeros");
  put(out, s, length + 1);
}

#define PACK_FLOAT(ctype)                                \
  do {                                                   \
    const ctype x_ = (ctype)luaL_checknumber(f->L, arg); \
    unsigned char b_[sizeof x_];                         \
    copy_float(f, b_, &x_, sizeof x_);                   \
    put(out, b_, sizeof b_);                             \
  } while (0)

/* Packs a field. Its value, if it has one, is in `arg`. */
static void pack_field(packed *out, const format *f, const field *a, int arg)
{
  if (a->padding > 0) put_zeros(out, (size_t)a->padding);
  switch (a->kind) {
    case SIGNED: pack_signed(out, f, a, arg); break;
    case UNSIGNED: pack_unsigned(out, f, a, arg); break;
    case FLOAT: PACK_FLOAT(float); break;
    case DOUBLE: PACK_FLOAT(double); break;
    case NUMBER: PACK_FLOAT(lua_Number); break;
    case CHARS: pack_chars(out, f, a, arg); break;
    case COUNTED: pack_counted(out, f, a, arg); break;
    case TEXT: pack_text(out, f, arg); break;
    default: put_zeros(out, (size_t)a->size); break;
  }
}

/*** Writes several fields, by a format of `string.pack`: all of them, or none if it raises. Alignment counts
from `offset`; padding becomes zeros.
@function pack
@tparam string fmt the format
@tparam integer offset in bytes, from 0
@param ... the values
@treturn integer the offset after the last field
@raise for a format or a value that `string.pack` does not accept, a field past the view's end, a read-only
  view, and if the view is closed. Source: string.pack (Lua manual, 6.4.2)
@usage
local offset = 0
for i = 1, 3 do offset = view:pack("<i2 B", offset, i, 10 * i) end
print(offset) --> 9 */
static int view_pack(lua_State *L)
{
  const fm_view *v = fmb_self(L);
  format f = check_format(L);
  field a;
  packed out;
  int arg = OFFSET;
  const lua_Integer start = fmb_check_integer(L, OFFSET);
  fmb_at_offset(L, v, true, OFFSET, start, 0);
  out.length = 0;
  out.room = v->size - (size_t)start;
  lua_pushnil(L); /* a missing value is read here, in place of the buffer's box on the stack */
  luaL_buffinit(L, &out.bytes);
  while (next_field(&f, out.length, &a)) {
    arg += has_value(a.kind);
    pack_field(&out, &f, &a, arg);
  }
  memcpy(fmb_at_offset(L, v, true, OFFSET, start, out.length), luaL_buffaddr(&out.bytes), (size_t)out.length);
  fmb_check_lost(L, v);
  lua_pushinteger(L, start + (lua_Integer)out.length);
  return 1;
}

const luaL_Reg fmb_packed_methods[] = {
  {"unpack", view_unpack},
  {"pack", view_pack},
  {NULL, NULL},
};
