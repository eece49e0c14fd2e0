/* Several fields at once, by the formats of string.pack. One reader of formats serves both directions, and
** raises what Lua's own does. Another process may be writing what is read: what a byte decides is decided by
** a private copy of it. What is packed is built in private memory, and written when all of it is right. */
#include <limits.h>
#include <string.h>

#include "binding.h"

/*** @module filemap */

/* The methods' arguments. Values to pack come after these two. */
enum { FORMAT = 2, OFFSET = 3 };

/* An integer's most bytes, and a Lua integer's. */
enum { MOST_BYTES = 16, LUA_BYTES = (int)sizeof(lua_Integer), LUA_BITS = LUA_BYTES * CHAR_BIT };

/* {-- Formats ----------------------------------------------------------------------------------- */

/* What an option of a format stands for. */
typedef enum kind {
  UNKNOWN,
  /* fields with a value */
  SIGNED, UNSIGNED, FLOAT, DOUBLE, NUMBER, CHARS, COUNTED, TEXT,
  /* fields without one */
  PADDING, ALIGNMENT,
  /* no fields */
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

/* Does a number follow the option? If so, is it a size in the limits of an integer's, or any? */
enum { NEVER, LIMITED, ANY };

struct most_aligned {
  char c;
  union { LUAI_MAXALIGN; } u;
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
  const char *next;   /* what is still to be read; it ends with NUL */
  int most_alignment;
  bool little;        /* the order of bytes */
} format;

/* A field as its format describes it. */
typedef struct field {
  kind kind;
  int size;           /* of its part that the format knows: of COUNTED that is the length */
  int padding;        /* what comes before it, to align it */
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
  return (format){L, luaL_checkstring(L, FORMAT), 1, native_is_little()};
}

static inline bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* The number that is next, which has digits. It ends where one more digit might not fit an int. */
static inline int read_number(format *f)
{
  int n = 0;
  do n = n * 10 + (*f->next++ - '0');
  while (is_digit(*f->next) && n <= (INT_MAX - 9) / 10);
  return n;
}

/* The size of an option that can have one. */
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

/* Reads an option, and takes note of it if it is no field. */
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

/* The alignment of the field whose option comes next, which is used up. */
static int read_alignment(format *f)
{
  field follower = {.kind = BLANK};
  if (*f->next != '\0') read_option(f, &follower);
  if (!is_field(follower.kind) || follower.kind == CHARS || follower.size == 0)
    luaL_argerror(f->L, FORMAT, "invalid next option for option 'X'");
  return follower.size;
}

/* What aligns a field that wants `alignment`, `done` bytes after the first one. */
static int pad(const format *f, int alignment, uint64_t done)
{
  if (alignment > f->most_alignment) alignment = f->most_alignment;
  if ((alignment & (alignment - 1)) != 0)
    luaL_argerror(f->L, FORMAT, "format asks for alignment not power of 2");
  return (alignment - (int)(done & (unsigned)(alignment - 1))) & (alignment - 1);
}

/* Reads up to the next field, `done` bytes after the first one; false at the format's end. */
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

/* Integers of other sizes than C's, or in the other order of bytes. */
static lua_Unsigned join_bytes(lua_State *L, const fm_view *v, const unsigned char *shared, int size, bool little,
                               bool is_signed)
{
  unsigned char b[MOST_BYTES]; /* the least significant first */
  lua_Unsigned x = 0;
  memcpy(b, shared, (size_t)size);
  fmb_check_lost(L, v); /* before a wrong number is complained of */
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

/* An integer of unsigned C type, read at once. */
#define READ(ctype, p, x) do { ctype read_; memcpy(&read_, p, sizeof read_); x = read_; } while (0)

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

/* Copies a float, which in the other order of bytes is turned round. */
static inline void copy_float(const format *f, void *to, const void *from, size_t size)
{
  unsigned char *last = (unsigned char *)to + size;
  if (f->little == native_is_little()) memcpy(to, from, size);
  else
    for (size_t i = 0; i < size; i++) *--last = ((const unsigned char *)from)[i];
}

/* A string behind its length, which is at `p`. Returns the offset after it. */
static lua_Integer push_counted(const format *f, const field *a, const fm_view *v, const unsigned char *p,
                                lua_Integer at)
{
  const field length = {UNSIGNED, a->size, 0};
  const lua_Unsigned n = (lua_Unsigned)get_integer(f, &length, v, p);
  fmb_check_lost(f->L, v); /* before a wrong length is complained of */
  at += a->size;
  /* A length that no Lua integer can tell is past the end of any view. */
  p = fmb_at_offset(f->L, v, false, OFFSET, at, n <= LUA_MAXINTEGER ? n : LUA_MAXINTEGER);
  fmb_push_copy(f->L, v, p, (size_t)n);
  return at + (lua_Integer)n;
}

/* Pushes the text in `rest` bytes at `p` up to a NUL, and returns its length. */
static size_t push_long_text(lua_State *L, const fm_view *v, const unsigned char *p, size_t rest)
{
  const unsigned char *nul = memchr(p, 0, rest);
  if (!nul) luaL_argerror(L, OFFSET, "unfinished string for format 'z'");
  fmb_push_copy(L, v, p, (size_t)(nul - p));
  /* A writer may have put a NUL there since. */
  const char *s = lua_tostring(L, -1);
  const size_t length = strlen(s);
  if (length < (size_t)(nul - p)) {
    lua_pushstring(L, s);
    lua_replace(L, -2);
  }
  return length;
}

/* The same. Most text is short: its NUL is looked for in private memory, where nobody else writes. */
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

/* A string that a NUL ends. Returns the offset after that. */
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

/* Pushes the value of the field at `at`, if it has one. Returns the offset after it. The view is looked at
** anew for each field, since a string that was pushed may have run a finalizer that closed it. */
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

/*** Reads several fields at once, by a format of `string.pack`. Alignment counts from `offset`.
@function unpack
@tparam string fmt
@tparam integer offset in bytes from 0
@return the values, and then the offset after them
@raise for a format that `string.unpack` would not take, an integer that does not fit Lua's, and a field past
  the view's end. Source: string.unpack of Lua's manual, 6.4.2
@usage local id, mass, name, after = view:unpack("<i4 d z", 0) */
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
    /* Lua gives a function room for LUA_MINSTACK values. More are asked for, and room to work in. */
    if (n >= LUA_MINSTACK / 2) luaL_checkstack(L, LUA_MINSTACK / 2, "too many results");
    at = push_field(&f, &a, v, at + a.padding);
    n += has_value(a.kind);
  }
  fmb_check_lost(L, v);
  lua_pushinteger(L, at);
  return n + 1;
}

/* {-- pack -------------------------------------------------------------------------------------- */

/* What is packed so far. Bytes that do not fit the view are counted, but not kept: they could be many. The
** buffer's memory is freed as the method returns, or raises. */
typedef struct packed {
  luaL_Buffer bytes;
  uint64_t length;
  uint64_t room;
} packed;

/* Where to put `n` more bytes; NULL if they are not to be kept. */
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

/* Bytes past a Lua integer's are `rest`: the sign's. */
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

/* Does an unsigned number fit this many bytes? */
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

/* Packs a field, of the value in `arg` if it takes one. */
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

/*** Writes several fields at once, by a format of `string.pack`: all of them, or none where it raises.
Alignment counts from `offset`; bytes in between become zeros.
@function pack
@tparam string fmt
@tparam integer offset in bytes from 0
@param ... the values
@treturn integer the offset after them
@raise for a format or a value that `string.pack` would not take, fields past the view's end, and a read-only
  view. Source: string.pack of Lua's manual, 6.4.2 */
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
  lua_pushnil(L); /* a missing value is this one, and not what the buffer has on the stack */
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
