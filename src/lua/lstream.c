/* Views as files: iteration over lines, and streams, which do what Lua's files do. Both keep a position.
** Every call checks the view again, because a finalizer may have closed it since the last call. */
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"

/*** @module filemap */

/* Returns the length of the line that starts at `p`, and sets *whole to the length with its newline. Another
** process may change the bytes before the caller copies them. The caller then copies as many bytes all the
** same. */
static inline size_t line_length(const unsigned char *p, size_t rest, size_t *whole)
{
  const unsigned char *newline = memchr(p, '\n', rest);
  const size_t length = newline ? (size_t)(newline - p) : rest;
  *whole = length + (newline != NULL);
  return length;
}

/* {-- Lines of a view --------------------------------------------------------------------------- */

/* The state of an iterator. The view is an upvalue of the iterator, which keeps it from being collected. */
typedef struct cursor {
  const fm_view *view;
  size_t next; /* at most the view's size */
} cursor;

/* A closed view has the size 0, so one comparison finds a closed view and the end of an open one. */
static int next_line(lua_State *L)
{
  cursor *c = lua_touserdata(L, lua_upvalueindex(1));
  const fm_view *v = c->view;
  if (c->next >= v->size) return v->data ? 0 : fmb_raise_closed(L, 1, fmb_view);
  const size_t rest = v->size - c->next;
  const unsigned char *p = fmb_at_offset(L, v, false, 1, (lua_Integer)c->next, rest);
  size_t whole;
  const size_t length = line_length(p, rest, &whole);
  c->next += whole;
  fmb_push_copy(L, v, p, length);
  return 1;
}

/*** @type view */

/*** Iterates over the lines from an offset on, as `file:lines` does: `for line in view:lines() do`.
@function lines
@tparam[opt=0] integer offset where the first line starts, in bytes from 0
@treturn function `next()` → string: a line without its newline, or nil after the last one. It keeps the view
  from being collected
@raise for an offset past the view's end, and if the view is closed; the function if the view is closed.
  Source: file:lines (Lua manual, 6.8)
@usage
view:set_cstring(0, "one\ntwo", 8)
for line in view:sub(0, 7):lines() do print(line) end --> one
--> two */
static int view_lines(lua_State *L)
{
  fmb_open_self(L);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  cursor *c = lua_newuserdatauv(L, sizeof *c, 0);
  const fm_view *v = fmb_open_self(L); /* a finalizer may have closed it */
  fmb_check_range(L, v, 2, offset, 0);
  c->view = v;
  c->next = (size_t)offset;
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, next_line, 2);
  return 1;
}

/* {-- Streams ----------------------------------------------------------------------------------- */

typedef struct stream {
  fmb_object object; /* the pointer is the view; NULL: the stream is closed */
  uint64_t from;     /* where its part of the view starts */
  uint64_t size;
  uint64_t position; /* in its part; it may be past the end, up to LUA_MAXINTEGER */
} stream;

static stream *check_self(lua_State *L)
{
  return (stream *)(void *)fmb_check_object(L, 1, fmb_stream);
}

static inline const fm_view *view_of(const stream *s)
{
  return s->object.pointer;
}

static void check_open(lua_State *L, const stream *s)
{
  if (!view_of(s)) fmb_raise_closed(L, 1, fmb_stream);
  if (!view_of(s)->data) fmb_raise_closed(L, 1, fmb_view);
}

static stream *open_self(lua_State *L)
{
  stream *s = check_self(L);
  check_open(L, s);
  return s;
}

/* The number of bytes from the position to the end. */
static uint64_t rest_of(const stream *s)
{
  return s->position < s->size ? s->size - s->position : 0;
}

/* The address of the next `n` bytes, which the stream must have. */
static unsigned char *at(lua_State *L, const stream *s, bool writing, uint64_t n)
{
  return fmb_at_offset(L, view_of(s), writing, 2, (lua_Integer)(s->from + s->size - rest_of(s)), n);
}

/*** @type view */

/*** Makes a stream of a part of this view, which is used as a file is. Closing the view closes the stream.
@function stream
@tparam[opt=0] integer offset in bytes, from 0
@tparam[opt] integer length in bytes, from 0; default: all bytes from the offset
@treturn stream whose position is its start
@raise for a range past the view's end, and if the view is closed
@usage
local file = view:stream(0, 100)
file:write("x = ", 42, "\n")
file:seek("set", 4)
print(file:read("n")) --> 42 */
static int view_stream(lua_State *L)
{
  fmb_open_self(L);
  fmb_object *object = fmb_new_object(L, 3, fmb_stream, sizeof(stream), 1);
  fm_view *v = fmb_open_self(L); /* a finalizer may have closed it */
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 3, "length", offset < v->size ? v->size - offset : 0);
  fmb_check_range(L, v, 2, offset, length);
  stream *s = (stream *)(void *)object;
  s->object.pointer = v;
  s->from = offset;
  s->size = length;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* {-- Reading ----------------------------------------------------------------------------------- */

/* Each of these functions reads from an open view and pushes what it read. It returns whether that is a
** success by the rules of Lua's files. The position moves before the value is pushed, because a finalizer
** that runs then may use the stream. */

static bool push_bytes(lua_State *L, stream *s, uint64_t n)
{
  const fm_view *v = view_of(s);
  const unsigned char *p = at(L, s, false, n);
  s->position += n;
  fmb_push_copy(L, v, p, (size_t)n);
  return n > 0;
}

/* Reading 0 bytes is a success unless the position is at the end. */
static bool read_count(lua_State *L, stream *s, uint64_t n)
{
  const uint64_t rest = rest_of(s);
  if (n > 0) return push_bytes(L, s, n < rest ? n : rest);
  lua_pushliteral(L, "");
  return rest > 0;
}

static bool read_all(lua_State *L, stream *s)
{
  push_bytes(L, s, rest_of(s));
  return true;
}

static bool read_line(lua_State *L, stream *s, bool chop)
{
  const fm_view *v = view_of(s);
  const uint64_t rest = rest_of(s);
  const unsigned char *p = at(L, s, false, rest);
  size_t whole;
  const size_t length = line_length(p, (size_t)rest, &whole);
  s->position += whole;
  fmb_push_copy(L, v, p, chop ? length : whole);
  return whole > 0;
}

/* {-- Numbers */

enum { NUMERAL = 200 }; /* the most characters of a numeral that Lua's files read */

/* A numeral that is being read. Each byte is read once, into `c`, and then accepted or not. */
typedef struct numeral {
  const volatile unsigned char *p; /* the byte after c */
  const volatile unsigned char *end;
  int c; /* EOF at the end */
  int length;
  bool is_too_long;
  char text[NUMERAL + 1];
} numeral;

static void read_next(numeral *n)
{
  n->c = n->p < n->end ? *n->p++ : EOF;
}

/* Accepts c. If the numeral is already as long as allowed, c stays, and the next read starts with it. */
static bool accept_byte(numeral *n)
{
  if (n->length == NUMERAL) {
    n->is_too_long = true;
    return false;
  }
  n->text[n->length++] = (char)n->c;
  read_next(n);
  return true;
}

static bool accept_either(numeral *n, int one, int other)
{
  return (n->c == one || n->c == other) && accept_byte(n);
}

static int accept_digits(numeral *n, bool is_hex)
{
  int count = 0;
  while ((is_hex ? isxdigit(n->c) : isdigit(n->c)) && accept_byte(n)) count++;
  return count;
}

/* Accepts the longest text that a numeral can begin with. Lua then decides whether it is a numeral. */
static void accept_numeral(numeral *n)
{
  int digits = 0;
  bool is_hex = false;
  while (isspace(n->c)) read_next(n);
  accept_either(n, '+', '-');
  if (accept_either(n, '0', '0')) {
    is_hex = accept_either(n, 'x', 'X');
    digits = !is_hex;
  }
  digits += accept_digits(n, is_hex);
  if (accept_either(n, lua_getlocaledecpoint(), '.')) digits += accept_digits(n, is_hex);
  if (digits > 0 && (is_hex ? accept_either(n, 'p', 'P') : accept_either(n, 'e', 'E'))) {
    accept_either(n, '+', '-');
    accept_digits(n, false);
  }
  n->text[n->length] = '\0';
}

static bool read_number(lua_State *L, stream *s)
{
  const fm_view *v = view_of(s);
  const uint64_t rest = rest_of(s);
  const unsigned char *p = at(L, s, false, rest);
  numeral n = {.p = p, .end = p + rest};
  read_next(&n);
  accept_numeral(&n);
  s->position += (uint64_t)(n.p - p) - (n.c != EOF);
  fmb_check_lost(L, v);
  if (!n.is_too_long && lua_stringtonumber(L, n.text)) return true;
  lua_pushnil(L);
  return false;
}

/* {-- Formats */

static bool read_format(lua_State *L, stream *s, int arg)
{
  check_open(L, s);
  if (lua_type(L, arg) == LUA_TNUMBER) return read_count(L, s, fmb_check_count(L, arg, "length"));
  const char *format = luaL_checkstring(L, arg);
  if (*format == '*') format++; /* older versions of Lua need the asterisk */
  switch (*format) {
    case 'n': return read_number(L, s);
    case 'l': return read_line(L, s, true);
    case 'L': return read_line(L, s, false);
    case 'a': return read_all(L, s);
    default: return luaL_argerror(L, arg, "invalid format");
  }
}

/* Reads by the formats at stack indices from 2 to the top, or a line if there is none. Returns the number of
** results. After the first failure, which gives nil, it reads no more. */
static int read_formats(lua_State *L, stream *s)
{
  const int top = lua_gettop(L);
  bool success = true;
  if (top < 2) {
    check_open(L, s);
    success = read_line(L, s, true);
  }
  luaL_checkstack(L, top + LUA_MINSTACK, "too many arguments");
  for (int arg = 2; arg <= top && success; arg++) success = read_format(L, s, arg);
  if (!success) {
    lua_pop(L, 1);
    luaL_pushfail(L);
  }
  return lua_gettop(L) - top;
}

/*** A stream: a part of a view that is read and written at a position, as a file is. Its methods do what
those of Lua's files do, except that its size is fixed. Closing the view closes the stream.
@type stream */

/*** Reads by Lua's formats: `"n"` a number, `"l"` a line, `"L"` a line with its newline, `"a"` all bytes to
the end, or a count of bytes.
@function read
@param ... formats; none: `"l"`
@return for each format what was read; for the first that fails nil, and nothing for the formats after it
@raise for an invalid format, and if the stream or the view is closed. Source: file:read (Lua manual, 6.8)
@usage
local file = view:stream()
file:write("7 apples\nrest\n")
file:seek("set", 0)
print(file:read("n", "l", "L")) --> 7  apples rest */
static int stream_read(lua_State *L)
{
  return read_formats(L, open_self(L));
}

enum { FORMATS_MOST = 250 }; /* the limit of files; a function can have only a few more upvalues */

/* Upvalues: the stream, the number of formats, and the formats. */
static int next_read(lua_State *L)
{
  stream *s = lua_touserdata(L, lua_upvalueindex(1));
  const int formats = (int)lua_tointeger(L, lua_upvalueindex(2));
  check_open(L, s);
  lua_settop(L, 1);
  luaL_checkstack(L, formats, "too many arguments");
  for (int i = 1; i <= formats; i++) lua_pushvalue(L, lua_upvalueindex(2 + i));
  const int results = read_formats(L, s);
  return lua_toboolean(L, -results) ? results : 0;
}

/*** Iterates over what `read` returns: `for n in stream:lines("n") do`.
@function lines
@param ... formats, as of @{stream:read}; none: `"l"`
@treturn function `next()` → what `read` returns, and nothing where its first result is nil
@raise for more than 250 formats, and if the stream or the view is closed; the function for an invalid format,
  and if the stream or the view is closed. Source: file:lines (Lua manual, 6.8)
@usage
local file = view:stream(0, 6)
file:write("1 2 3\n")
file:seek("set", 0)
for n in file:lines("n") do print(n) end --> 1
--> 2
--> 3 */
static int stream_lines(lua_State *L)
{
  open_self(L);
  const int formats = lua_gettop(L) - 1;
  luaL_argcheck(L, formats <= FORMATS_MOST, FORMATS_MOST + 2, "too many arguments");
  lua_pushinteger(L, formats);
  lua_insert(L, 2);
  lua_pushcclosure(L, next_read, 2 + formats);
  return 1;
}

/* {-- Writing ----------------------------------------------------------------------------------- */

static int fail(lua_State *L, const stream *s, int code, const char *detail)
{
  fm_error e;
  memset(&e, 0, sizeof e);
  e.code = code;
  snprintf(e.detail, sizeof e.detail, "%s", detail);
  return fmb_fail(L, fm_map_label(fm_view_map(view_of(s))), &e);
}

/*** Writes strings and numbers, one after the other: all of them or, if they do not fit, nothing.
@function write
@param ... strings and numbers; a number is written as Lua's files write it
@treturn[1] stream itself
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `too_large` (fewer bytes are left to the end)
@raise for a value that is neither a string nor a number, a read-only view, and if the stream or the view is
  closed. Source: file:write (Lua manual, 6.8)
@usage
local file = view:stream(0, 8)
print(file:write("12345", 678) == file) --> true
print((select(3, file:write("x")))) --> too_large */
static int stream_write(lua_State *L)
{
  stream *s = open_self(L);
  const uint64_t total = fmb_check_all_written(L, 2);
  check_open(L, s);  /* numbers became strings, so a finalizer may have run */
  at(L, s, true, 0); /* raises for a read-only view, also if there is no room or nothing to write */
  if (total > rest_of(s)) {
    char detail[80];
    snprintf(detail, sizeof detail, "%llu bytes do not fit, %llu are left", (unsigned long long)total,
             (unsigned long long)rest_of(s));
    return fail(L, s, FM_TOO_LARGE, detail);
  }
  unsigned char *p = at(L, s, true, total);
  for (int arg = 2, top = lua_gettop(L); arg <= top; arg++) {
    size_t length;
    const char *text = lua_tolstring(L, arg, &length);
    memcpy(p, text, length);
    p += length;
  }
  s->position += total;
  fmb_check_lost(L, view_of(s));
  lua_settop(L, 1);
  return 1;
}

/*** Moves the position and returns it. It may be past the end, where there is nothing to read and no room to
write.
@function seek
@tparam[opt="cur"] string whence where the offset counts from: `"set"` the start, `"cur"` the position,
  `"end"` the end
@tparam[opt=0] integer offset in bytes
@treturn[1] integer the new position, in bytes from the start
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `invalid` (before the start or past 2^63-1); the position stays as it was
@raise for an unknown `whence`, and if the stream or the view is closed. Source: file:seek (Lua manual,
  6.8)
@usage
local file = view:stream(0, 100)
print(file:seek("end", -10), file:seek("cur", 2), file:seek()) --> 90 92 92 */
static int stream_seek(lua_State *L)
{
  static const char *const whences[] = {"set", "cur", "end", NULL};
  open_self(L);
  const int whence = luaL_checkoption(L, 2, "cur", whences);
  const lua_Integer offset = luaL_optinteger(L, 3, 0);
  stream *s = open_self(L);
  const uint64_t bases[] = {0, s->position, s->size};
  const lua_Integer base = (lua_Integer)bases[whence];
  if (offset < -base)
    return fail(L, s, FM_INVALID, "the position would be before the start of the stream");
  if (offset > LUA_MAXINTEGER - base)
    return fail(L, s, FM_INVALID, "the position would be past 2^63-1");
  s->position = (uint64_t)(base + offset);
  lua_pushinteger(L, base + offset);
  return 1;
}

/*** Closes the stream, not the view. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local file <close> = view:stream() -- closed at the end of the block */
static int stream_close(lua_State *L)
{
  fmb_release(L, fmb_stream); /* the user value stays: a call of the stream may still use the view */
  return 1;
}

static int stream_tostring(lua_State *L)
{
  const stream *s = check_self(L);
  if (!view_of(s) || !view_of(s)->data) lua_pushfstring(L, "%s (closed)", fmb_stream);
  else
    lua_pushfstring(L, "%s (%I bytes at %I)", fmb_stream, (LUAI_UACINT)s->size, (LUAI_UACINT)s->position);
  return 1;
}

void fmb_open_stream(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"read", stream_read}, {"write", stream_write}, {"lines", stream_lines},
    {"seek", stream_seek}, {"close", stream_close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_stream, methods, stream_close, stream_tostring, NULL);
}

const luaL_Reg fmb_stream_methods[] = {
  {"lines", view_lines}, {"stream", view_stream}, {NULL, NULL},
};
