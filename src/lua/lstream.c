/* A view as text files are read: its lines, and streams, which do what Lua's files do. Their state is a position;
** every call looks at the view anew, since whatever Lua runs in between may close it. */
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"

/*** @module filemap */

/* The length of the line that starts at `p`, and in *whole, with its newline. A writer may change it before it is
** copied; the length stays. */
static inline size_t line_length(const unsigned char *p, size_t rest, size_t *whole)
{
  const unsigned char *newline = memchr(p, '\n', rest);
  const size_t length = newline ? (size_t)(newline - p) : rest;
  *whole = length + (newline != NULL);
  return length;
}

/* {-- Lines of a view --------------------------------------------------------------------------- */

/* Where an iterator is. It has the view as an upvalue, which keeps it from being collected. */
typedef struct cursor {
  const fm_view *view;
  size_t next; /* at most the view's size */
} cursor;

/* A closed view's size is 0, so that one test finds that and the end. */
static int next_line(lua_State *L)
{
  cursor *c = lua_touserdata(L, lua_upvalueindex(1));
  const fm_view *v = c->view;
  if (c->next >= v->size) return v->data ? 0 : luaL_error(L, "%s is closed", FMB_VIEW);
  const size_t rest = v->size - c->next;
  const unsigned char *p = fmb_at_offset(L, v, false, 1, (lua_Integer)c->next, rest);
  size_t whole;
  const size_t length = line_length(p, rest, &whole);
  c->next += whole;
  fmb_push_copy(L, v, p, length);
  return 1;
}

/*** @type view */

/*** Iterates over the lines, as a file's `lines` does: `for line in view:lines() do`.
@function lines
@tparam[opt=0] integer offset in bytes from 0, where the first one starts
@treturn function `next()` → string, a line without its newline; nil after the last one. It keeps the view from
  being collected
@raise for an offset past the view's end; the function once the view is closed */
static int view_lines(lua_State *L)
{
  fmb_open_self(L);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  cursor *c = lua_newuserdatauv(L, sizeof *c, 0); /* a finalizer may run, and close self: look only now */
  const fm_view *v = fmb_open_self(L);
  fmb_check_range(L, v, 2, offset, 0);
  *c = (cursor){v, (size_t)offset};
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, next_line, 2);
  return 1;
}

/* {-- Streams ----------------------------------------------------------------------------------- */

typedef struct stream {
  const void *tag;     /* as of a view's userdata */
  const fm_view *view; /* NULL: closed */
  uint64_t from;       /* where its part of the view starts */
  uint64_t size;
  uint64_t position; /* in its part; it may be past the end, up to LUA_MAXINTEGER */
} stream;

static const char stream_tag[] = FMB_STREAM;

static stream *check_self(lua_State *L)
{
  stream *s = lua_touserdata(L, 1);
  if (!s || lua_rawlen(L, 1) != sizeof *s || s->tag != stream_tag) luaL_typeerror(L, 1, FMB_STREAM);
  return s;
}

static void check_open(lua_State *L, const stream *s)
{
  if (!s->view) luaL_error(L, "%s is closed", FMB_STREAM);
  if (!s->view->data) luaL_error(L, "%s is closed", FMB_VIEW);
}

static stream *open_self(lua_State *L)
{
  stream *s = check_self(L);
  check_open(L, s);
  return s;
}

/* How much there is from the position on. */
static uint64_t rest_of(const stream *s)
{
  return s->position < s->size ? s->size - s->position : 0;
}

/* Where the next `n` bytes are, which must be there. */
static unsigned char *at(lua_State *L, const stream *s, bool writing, uint64_t n)
{
  return fmb_at_offset(L, s->view, writing, 2, (lua_Integer)(s->from + s->size - rest_of(s)), n);
}

/*** @type view */

/*** A part of this view as a stream, which is used as a file is.
@function stream
@tparam[opt=0] integer offset in bytes from 0
@tparam[opt] integer length in bytes; default: the rest
@treturn stream at its start
@raise for a range past the view's end */
static int view_stream(lua_State *L)
{
  const fm_view *v = fmb_open_self(L);
  const uint64_t offset = fmb_opt_count(L, 2, "offset", 0);
  const uint64_t length = fmb_opt_count(L, 3, "length", offset < v->size ? v->size - offset : 0);
  stream *s = lua_newuserdatauv(L, sizeof *s, 1); /* a finalizer may run, and close self: look only now */
  fmb_check_range(L, fmb_open_self(L), 2, offset, length);
  *s = (stream){stream_tag, v, offset, length, 0};
  luaL_setmetatable(L, FMB_STREAM);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* {-- Reading ----------------------------------------------------------------------------------- */

/* Each of these pushes what it reads, from an open view, and tells whether that counts as a success. The position
** moves before Lua gets the bytes, when a finalizer may use the stream. */

static bool push_bytes(lua_State *L, stream *s, uint64_t n)
{
  const fm_view *v = s->view;
  const unsigned char *p = at(L, s, false, n);
  s->position += n;
  fmb_push_copy(L, v, p, (size_t)n);
  return n > 0;
}

/* Of 0 bytes the success is that there are more. */
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
  const fm_view *v = s->view;
  const uint64_t rest = rest_of(s);
  const unsigned char *p = at(L, s, false, rest);
  size_t whole;
  const size_t length = line_length(p, (size_t)rest, &whole);
  s->position += whole;
  fmb_push_copy(L, v, p, chop ? length : whole);
  return whole > 0;
}

/* {-- Numbers */

enum { NUMERAL = 200 }; /* the most characters that Lua's files take for one */

/* A numeral being read. Each byte is read once, into `c`, and taken or left. */
typedef struct numeral {
  const volatile unsigned char *p; /* behind c */
  const volatile unsigned char *end;
  int c; /* EOF at the end */
  int length;
  bool is_too_long;
  char text[NUMERAL + 1];
} numeral;

static void look(numeral *n)
{
  n->c = n->p < n->end ? *n->p++ : EOF;
}

/* Takes c. No more is taken of a numeral that is too long: c stays, and is the first to be read next. */
static bool take(numeral *n)
{
  if (n->length == NUMERAL) {
    n->is_too_long = true;
    return false;
  }
  n->text[n->length++] = (char)n->c;
  look(n);
  return true;
}

static bool take_either(numeral *n, int one, int other)
{
  return (n->c == one || n->c == other) && take(n);
}

static int take_digits(numeral *n, bool is_hex)
{
  int count = 0;
  while ((is_hex ? isxdigit(n->c) : isdigit(n->c)) && take(n)) count++;
  return count;
}

/* Takes the longest text that a numeral can begin with; whether it is one is for Lua to say. */
static void take_numeral(numeral *n)
{
  int digits = 0;
  bool is_hex = false;
  while (isspace(n->c)) look(n);
  take_either(n, '+', '-');
  if (take_either(n, '0', '0')) {
    is_hex = take_either(n, 'x', 'X');
    digits = !is_hex;
  }
  digits += take_digits(n, is_hex);
  if (take_either(n, lua_getlocaledecpoint(), '.')) digits += take_digits(n, is_hex);
  if (digits > 0 && (is_hex ? take_either(n, 'p', 'P') : take_either(n, 'e', 'E'))) {
    take_either(n, '+', '-');
    take_digits(n, false);
  }
  n->text[n->length] = '\0';
}

static bool read_number(lua_State *L, stream *s)
{
  const fm_view *v = s->view;
  const uint64_t rest = rest_of(s);
  const unsigned char *p = at(L, s, false, rest);
  numeral n = {.p = p, .end = p + rest};
  look(&n);
  take_numeral(&n);
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
  if (*format == '*') format++; /* as in older Luas */
  switch (*format) {
    case 'n': return read_number(L, s);
    case 'l': return read_line(L, s, true);
    case 'L': return read_line(L, s, false);
    case 'a': return read_all(L, s);
    default: return luaL_argerror(L, arg, "invalid format");
  }
}

/* Reads by the formats from stack index 2 to the top, or a line; returns how many results there are. The first
** that fails is nil, and the last. */
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

/*** A stream: a part of a view that is read and written from a position on, as a file is. Its methods do what those
of Lua's files do, but for its end, which does not move. Closing the view closes it.
@type stream */

/*** Reads, by Lua's formats: `"n"` a number, `"l"` a line, `"L"` a line with its newline, `"a"` all of the rest, a
number that many bytes.
@function read
@param ... formats; none: `"l"`
@return for each format what was read; nil, and none for the formats behind it, where there was no such thing
@raise for an invalid format */
static int stream_read(lua_State *L)
{
  return read_formats(L, open_self(L));
}

enum { FORMATS_MOST = 250 }; /* as of a file; a function can have few more upvalues */

/* Upvalues: the stream, how many formats there are, and these. */
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

/*** Iterates over what is read by formats: `for n in stream:lines("n") do`.
@function lines
@param ... formats, as of @{stream:read}; none: `"l"`
@treturn function `next()` → what `read` would return, and nothing where its first result is nil
@raise for more than 250 formats; the function for an invalid format, and once the stream is closed */
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

static int fail(lua_State *L, const stream *s, const fm_error *e)
{
  return fmb_fail(L, fm_map_label(fm_view_map(s->view)), e);
}

/* Makes a string of the argument, which is one or a number: as Lua's files print it, a float without ".0". */
static size_t to_text(lua_State *L, int arg)
{
  size_t length;
  if (lua_type(L, arg) == LUA_TNUMBER && !lua_isinteger(L, arg)) {
    char text[64];
    snprintf(text, sizeof text, LUA_NUMBER_FMT, (LUAI_UACNUMBER)lua_tonumber(L, arg));
    lua_pushstring(L, text);
    lua_replace(L, arg);
  }
  luaL_checklstring(L, arg, &length);
  return length;
}

/*** Writes strings and numbers, one behind the other: all of them or, where they do not fit, nothing.
@function write
@param ... strings, numbers
@treturn[1] stream itself
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `too_large`
@raise for a read-only view, and for what is neither string nor number */
static int stream_write(lua_State *L)
{
  stream *s = open_self(L);
  const int top = lua_gettop(L);
  uint64_t total = 0;
  for (int arg = 2; arg <= top; arg++) total += to_text(L, arg);
  check_open(L, s); /* strings were made, and a finalizer may have run */
  at(L, s, true, 0); /* raises for a read-only view, also where there is no room or nothing to write */
  if (total > rest_of(s)) {
    fm_error e = {FM_TOO_LARGE, 0, ""};
    snprintf(e.detail, sizeof e.detail, "%llu bytes do not fit, %llu are left of the stream",
             (unsigned long long)total, (unsigned long long)rest_of(s));
    return fail(L, s, &e);
  }
  unsigned char *p = at(L, s, true, total);
  for (int arg = 2; arg <= top; arg++) {
    size_t length;
    const char *text = lua_tolstring(L, arg, &length);
    memcpy(p, text, length);
    p += length;
  }
  s->position += total;
  fmb_check_lost(L, s->view);
  lua_settop(L, 1);
  return 1;
}

/*** Moves the position, and tells it. It may be past the end, where there is nothing to read or write.
@function seek
@tparam[opt="cur"] string whence `"set"`: from the start, `"cur"`: from the position, `"end"`: from the end
@tparam[opt=0] integer offset in bytes
@treturn[1] integer the position, in bytes from the start
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `invalid` (before the start, or past 2^63-1); the position stays
@raise for an unknown `whence` */
static int stream_seek(lua_State *L)
{
  static const char *const whences[] = {"set", "cur", "end", NULL};
  stream *s = open_self(L);
  const uint64_t bases[] = {0, s->position, s->size};
  const lua_Integer base = (lua_Integer)bases[luaL_checkoption(L, 2, "cur", whences)];
  const lua_Integer offset = luaL_optinteger(L, 3, 0);
  if (offset < -base) return fail(L, s, &(fm_error){FM_INVALID, 0, "a position before the start of the stream"});
  if (offset > LUA_MAXINTEGER - base)
    return fail(L, s, &(fm_error){FM_INVALID, 0, "a position that no integer can tell"});
  s->position = (uint64_t)(base + offset);
  lua_pushinteger(L, base + offset);
  return 1;
}

/*** Closes the stream, not the view; twice is fine.
@function close
@treturn boolean true */
static int stream_close(lua_State *L)
{
  check_self(L)->view = NULL; /* its user value stays: a call below may be at work on the view */
  lua_pushboolean(L, 1);
  return 1;
}

static int stream_tostring(lua_State *L)
{
  const stream *s = check_self(L);
  if (!s->view || !s->view->data) lua_pushliteral(L, FMB_STREAM " (closed)");
  else
    lua_pushfstring(L, "%s (%I bytes at %I)", FMB_STREAM, (LUAI_UACINT)s->size, (LUAI_UACINT)s->position);
  return 1;
}

void fmb_open_stream(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"read", stream_read}, {"write", stream_write}, {"lines", stream_lines},
    {"seek", stream_seek}, {"close", stream_close}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
    {"__tostring", stream_tostring}, {"__gc", stream_close}, {"__close", stream_close}, {NULL, NULL},
  };
  luaL_newmetatable(L, FMB_STREAM);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

const luaL_Reg fmb_stream_methods[] = {
  {"lines", view_lines}, {"stream", view_stream}, {NULL, NULL},
};
