/* filemap.pipe as Lua sees it. */
#include <string.h>

#include "binding.h"

/*** Connections of two ends: messages go both ways, in order, none lost or doubled.

When the other end closes or dies, what it sent is still received; then comes `closed`, within 100 ms.

@module filemap.pipe */

/* A connection begins as every object of one pointer does. A stream reads ahead. */
typedef struct conn {
  fmb_object object; /* an fm_conn */
  size_t start, end; /* of what is in `ahead` */
  char ahead[1024];
} conn;

static conn *new_conn(lua_State *L)
{
  conn *c = (conn *)(void *)fmb_new_object(L, 2, fmb_conn, sizeof *c);
  c->start = c->end = 0;
  return c;
}

/*** Listens for connections.
@function listen
@tparam string name as for maps
@tparam[opt] table options `capacity` (bytes that can be under way, each way of each connection, and of the longest
  message; default 65536), `stream` (false; true: bytes without bounds, to be written and read), `mode` ("0600"), `sddl`
@treturn[1] listener
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists` (another listens, or connections of another capacity go on under the name), `corrupt`
  (what has the name is no pipe), `invalid`, `too_large`, `no_space`, `denied`, `unsupported`, `system`
@treturn[2] ?integer native
@raise for an unknown option. Source: CreateNamedPipe, listen(2) */
static int pipe_listen(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_listener *l;
  fmb_object *object = fmb_new_object(L, 2, fmb_listener, sizeof *object);
  fmb_read_options(L, 2, &o, FMB_CAPACITY | FMB_STREAM_MODE | FMB_MODE | FMB_SDDL);
  if (fm_pipe_listen(&l, name, o.capacity, o.stream, &o.map, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = l;
  return 1;
}

/*** Connects to a listener, without waiting for it to accept: what is sent meanwhile is kept.
@function connect
@tparam string name
@tparam[opt=0] number timeout seconds to wait for a listener
@treturn[1] conn
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found` (no listener came), `full` (it has as many connections as it can, 1024 or fewer),
  `corrupt` (what has the name is no pipe), `denied`, `no_space`, `invalid`, `system`
@treturn[2] ?integer native
@raise for a negative time-out. Source: CreateFile, connect(2) */
static int pipe_connect(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  const double timeout = fmb_opt_timeout(L, 2, 0);
  fm_error e;
  fm_conn *made;
  conn *c = new_conn(L);
  if (fm_pipe_connect(&made, name, timeout, &e) != FM_OK) return fmb_fail(L, name, &e);
  c->object.pointer = made;
  return 1;
}

/*** A listener.
@type listener */

/*** Accepts the connection that came first.
@function accept
@tparam[opt] number timeout seconds; nil waits for ever, 0 looks once
@treturn[1] conn
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `no_memory`, `corrupt`, `truncated`
@raise for a negative time-out. Source: ConnectNamedPipe, accept(2) */
static int listener_accept(lua_State *L)
{
  const double timeout = fmb_opt_timeout(L, 2, FM_FOREVER);
  conn *c = new_conn(L);
  fm_listener *l = fmb_check_object(L, fmb_listener);
  fm_error e;
  fm_conn *accepted;
  if (fm_pipe_accept(l, timeout, &accepted, &e) != FM_OK) return fmb_fail(L, fm_listener_name(l), &e);
  c->object.pointer = accepted;
  return 1;
}

/*** Closes it; twice is fine. Connections go on.
@function close
@treturn boolean true */
static int listener_close(lua_State *L)
{
  fm_listener_close(fmb_release(L, fmb_listener));
  return 1;
}

static int listener_tostring(lua_State *L)
{
  const fm_listener *l = fmb_to_object(L, fmb_listener)->pointer;
  lua_pushfstring(L, "%s (%s)", fmb_listener, l ? fm_listener_name(l) : "closed");
  return 1;
}

/* {-- Messages ---------------------------------------------------------------------------------- */

/* What a call of a connection ends with. To send on a stream, or to read from a pipe of messages, is a mistake in the
** program. A finalizer may have closed the connection meanwhile: NULL. */
static int finish(lua_State *L, int code, const fm_conn *c, const fm_error *e)
{
  const char *name = code != FM_OK && c ? fm_conn_name(c) : fmb_conn;
  if (code == FM_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (code == FM_INVALID) return fmb_raise(L, "%s (%s): %s", fmb_conn, name, e->detail);
  return fmb_fail(L, name, e);
}

/*** A connection: one end of a pipe.
@type conn */

/*** Sends a message.
@function send
@tparam string message
@tparam[opt] number timeout seconds to wait for room; nil waits for ever, 0 tries once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `closed` (the other end has gone), `too_large`, `corrupt`, `truncated`
@raise for a stream, and a negative time-out */
static int conn_send(lua_State *L)
{
  size_t length;
  const char *message;
  fm_conn *c = fmb_check_bytes(L, fmb_conn, 2, &message, &length);
  fm_error e;
  const int code = fm_conn_send(c, message, length, fmb_opt_timeout(L, 3, FM_FOREVER), &e);
  return finish(L, code, c, &e);
}

/*** Receives the next message.
@function receive
@tparam[opt] number timeout seconds; nil waits for ever, 0 looks once
@treturn[1] string message
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `closed` (the other end has gone, and all it sent was received), `corrupt`,
  `truncated`
@raise for a stream, and a negative time-out */
static int conn_receive(lua_State *L)
{
  fm_conn *c = fmb_check_object(L, fmb_conn);
  const void *data;
  size_t length;
  fm_error e;
  const int code = fm_conn_receive(c, fmb_opt_timeout(L, 2, FM_FOREVER), &data, &length, &e);
  if (code != FM_OK) return finish(L, code, c, &e);
  lua_pushlstring(L, data, length);
  return 1;
}

/* {-- Streams ----------------------------------------------------------------------------------- */

/*** Writes strings and numbers to a stream, one behind the other, waiting until all of it is on its way.
@function write
@param ... strings, numbers
@treturn[1] conn itself
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `closed` (the other end has gone), `corrupt`, `truncated`
@raise for a pipe of messages. Source: file:write */
static int conn_write(lua_State *L)
{
  const int top = lua_gettop(L);
  fmb_check_object(L, fmb_conn);
  for (int arg = 2; arg <= top; arg++) luaL_checkstring(L, arg);
  fm_conn *c = fmb_check_object(L, fmb_conn); /* strings were made, and a finalizer may have run */
  for (int arg = 2; arg <= top; arg++) {
    size_t length;
    const char *bytes = lua_tolstring(L, arg, &length);
    fm_error e;
    const int code = fm_conn_write(c, bytes, &length, FM_FOREVER, &e);
    if (code != FM_OK) return finish(L, code, c, &e);
  }
  lua_settop(L, 1);
  return 1;
}

/* Reads into memory of Lua's, after whose allocation the connection may have been closed. */
static int read_some(lua_State *L, conn *c, void *out, size_t *length, fm_error *e)
{
  if (!c->object.pointer) luaL_error(L, "%s is closed", fmb_conn);
  return fm_conn_read(c->object.pointer, FM_FOREVER, out, length, e);
}

static int look_ahead(lua_State *L, conn *c, fm_error *e)
{
  size_t length = sizeof c->ahead;
  if (c->start < c->end) return FM_OK;
  c->start = c->end = 0;
  const int code = read_some(L, c, c->ahead, &length, e);
  if (code == FM_OK) c->end = length;
  return code;
}

/* Up to the end of a line. */
static int read_line(lua_State *L, conn *c, luaL_Buffer *b, bool keep, fm_error *e)
{
  for (;;) {
    const int code = look_ahead(L, c, e);
    if (code != FM_OK) return code;
    const char *from = c->ahead + c->start, *end = memchr(from, '\n', c->end - c->start);
    const size_t length = end ? (size_t)(end - from) : c->end - c->start;
    char text[sizeof c->ahead];
    memcpy(text, from, length);
    c->start += length + (end ? 1 : 0);
    luaL_addlstring(b, text, length);
    if (end && keep) luaL_addchar(b, '\n');
    if (end) return FM_OK;
  }
}

/* So many bytes, or all that come. */
static int read_bytes(lua_State *L, conn *c, luaL_Buffer *b, uint64_t wanted, fm_error *e)
{
  enum { PART = 65536 };
  uint64_t left = wanted;
  if (wanted == 0) return look_ahead(L, c, e);
  while (left > 0) {
    const size_t known = c->end - c->start;
    size_t part = left < PART ? (size_t)left : PART;
    char *out = luaL_prepbuffsize(b, part);
    if (known > 0) {
      if (part > known) part = known;
      memcpy(out, c->ahead + c->start, part);
      c->start += part;
    } else {
      const int code = read_some(L, c, out, &part, e);
      if (code != FM_OK) return code;
    }
    luaL_addsize(b, part);
    left -= part;
  }
  return FM_OK;
}

/*** Reads from a stream, waiting until there is as much as wanted or the other end has gone.
@function read
@tparam[opt="l"] integer|string format a count of bytes, `"l"` (a line without its end), `"L"` (with it), `"a"` (all
  until the other end closes)
@treturn[1] string bytes; fewer than wanted only at the end
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `closed` (the end; `"a"` gives an empty string there), `corrupt`, `truncated`
@raise for a pipe of messages, and another format. Source: file:read */
static int conn_read(lua_State *L)
{
  fmb_check_object(L, fmb_conn);
  conn *c = (conn *)(void *)fmb_to_object(L, fmb_conn);
  fm_error e;
  luaL_Buffer b;
  int code;
  lua_settop(L, 2);
  if (lua_type(L, 2) == LUA_TNUMBER) {
    const uint64_t wanted = fmb_check_count(L, 2, "count");
    luaL_buffinit(L, &b);
    code = read_bytes(L, c, &b, wanted, &e);
  } else {
    const char *format = luaL_optstring(L, 2, "l");
    if (*format == '*') format++; /* as Lua's own */
    luaL_argcheck(L, *format && strchr("lLa", *format) && !format[1], 2, "format is a count, \"l\", \"L\" or \"a\"");
    luaL_buffinit(L, &b);
    code = *format == 'a' ? read_bytes(L, c, &b, UINT64_MAX, &e) : read_line(L, c, &b, *format == 'L', &e);
    if (*format == 'a' && code == FM_CLOSED) code = FM_OK;
  }
  if (code == FM_CLOSED && luaL_bufflen(&b) > 0) code = FM_OK;
  luaL_pushresult(&b);
  return code == FM_OK ? 1 : finish(L, code, c->object.pointer, &e);
}

/* {-- The rest ---------------------------------------------------------------------------------- */

/*** Closes it; twice is fine. What was sent is still received.
@function close
@treturn boolean true */
static int conn_close(lua_State *L)
{
  fm_conn_close(fmb_release(L, fmb_conn));
  return 1;
}

static int conn_tostring(lua_State *L)
{
  const fm_conn *c = fmb_to_object(L, fmb_conn)->pointer;
  lua_pushfstring(L, "%s (%s)", fmb_conn, c ? fm_conn_name(c) : "closed");
  return 1;
}

void fmb_open_pipe(lua_State *L)
{
  static const luaL_Reg functions[] = {{"listen", pipe_listen}, {"connect", pipe_connect}, {NULL, NULL}};
  static const luaL_Reg listener[] = {{"accept", listener_accept}, {"close", listener_close}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
    {"send", conn_send}, {"receive", conn_receive}, {"write", conn_write}, {"read", conn_read},
    {"close", conn_close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_listener, listener, listener_close, listener_tostring);
  fmb_new_type(L, fmb_conn, methods, conn_close, conn_tostring);
  luaL_newlib(L, functions);
}
