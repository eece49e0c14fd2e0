/* filemap.pipe in Lua: listeners and connections. */
#include <string.h>

#include "binding.h"

/*** Connections of two ends: messages or bytes go both ways, in order, none lost or doubled.

When the other end closes or its process dies, what it sent is still received. After that calls fail with
`closed`, within 100 ms.

@module filemap.pipe */

static fm_conn *check_conn(lua_State *L)
{
  return fmb_check_open(L, 1, fmb_conn);
}

/*** Makes a listener, to which clients connect.
@function listen
@tparam string name as for maps
@tparam[opt] table options `capacity` (the bytes that can be on their way in each direction of each
  connection, and the longest message; default 65536), `stream` (default false; true: bytes without message
  boundaries, to write and read), `mode` ("0600"), `sddl`
@treturn[1] listener
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists` (another listener lives, or connections of another capacity still use the
  name), `corrupt` (the section of this name is not a pipe), `invalid` (the name), `too_large`, `no_space`,
  `no_memory`, `denied`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an unknown option or option value. Source: CreateNamedPipe, listen(2)
@usage
local listener <close> = assert(pipe.listen("Questions", { capacity = 4096 }))
local client <close> = assert(pipe.connect("Questions"))
local server <close> = assert(listener:accept())
client:send("how are you?")
print(server:receive()) --> how are you? */
static int pipe_listen(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_listener *l;
  fmb_object *object = fmb_new_object(L, 2, fmb_listener, sizeof *object, 0);
  fmb_read_options(L, 2, &o, FMB_CAPACITY | FMB_STREAM_MODE | FMB_MODE | FMB_SDDL);
  if (fm_pipe_listen(&l, name, o.capacity, o.stream, &o.map, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = l;
  return 1;
}

/*** Connects to a listener. The connection is ready before the listener accepts it, and messages sent
before that are kept.
@function connect
@tparam string name as for maps
@tparam[opt=0] number timeout seconds to wait for a listener; 0 tries once
@treturn[1] conn
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found` (no listener lived within the time-out), `full` (the listener has as many
  connections as it can have, 1024 or fewer), `corrupt` (the section of this name is not a pipe), `denied`,
  `no_space`, `no_memory`, `invalid` (the name), `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative time-out. Source: CreateFile, connect(2)
@usage
local connection, message, code = pipe.connect("Nobody", 0.01)
print(connection, code) --> nil not_found */
static int pipe_connect(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  const double timeout = fmb_opt_timeout(L, 2, 0);
  fm_error e;
  fm_conn *made;
  fmb_object *object = fmb_new_object(L, 2, fmb_conn, sizeof *object, 0);
  if (fm_pipe_connect(&made, name, timeout, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = made;
  return 1;
}

/*** A listener.
@type listener */

/*** Accepts the connection that has waited longest, and waits until there is one.
@function accept
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] conn
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `no_memory`, `corrupt`, `truncated`, `denied` (in a forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative time-out, and if the listener is closed. Source: ConnectNamedPipe, accept(2)
@usage
local listener <close> = assert(pipe.listen("Questions"))
print((select(3, listener:accept(0.01)))) --> timeout
local client <close> = assert(pipe.connect("Questions"))
local server <close> = assert(listener:accept()) */
static int listener_accept(lua_State *L)
{
  const double timeout = fmb_opt_timeout(L, 2, FM_FOREVER);
  fmb_object *object = fmb_new_object(L, 2, fmb_conn, sizeof *object, 0);
  fm_listener *l = fmb_check_open(L, 1, fmb_listener);
  fm_error e;
  fm_conn *accepted;
  if (fm_pipe_accept(l, timeout, &accepted, &e) != FM_OK) return fmb_fail(L, fm_listener_name(l), &e);
  object->pointer = accepted;
  return 1;
}

/*** Returns a handle by which an event loop waits for clients: a descriptor that poll(2) reports readable,
or on Windows the HANDLE of an event, while a client waits for `accept`. The object owns it: do not read or
close it. A second call returns the same handle. See doc/waiting.md.
@function pollable
@treturn[1] integer descriptor or HANDLE
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (in a forked child), `no_memory`, `system` (as for want of descriptors)
@treturn[2] ?integer native errno or GetLastError number
@raise if the listener is closed. Source: eventfd(2), CreateEvent
@usage
local listener <close> = assert(pipe.listen("Questions"))
print(math.type(listener:pollable())) --> integer */
static int listener_pollable(lua_State *L)
{
  const fm_listener *l = fmb_check_open(L, 1, fmb_listener);
  return fmb_push_pollable(L, fmb_listener, FM_WAIT_LISTENER, fm_listener_name(l));
}

/*** Closes the listener. Accepted connections stay open. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local listener <close> = assert(pipe.listen("Questions")) -- closed at the end of the block */
static int listener_close(lua_State *L)
{
  fm_listener_close(fmb_release(L, fmb_listener));
  return 1;
}

static int listener_tostring(lua_State *L)
{
  const fm_listener *l = fmb_check_object(L, 1, fmb_listener)->pointer;
  lua_pushfstring(L, "%s (%s)", fmb_listener, l ? fm_listener_name(l) : "closed");
  return 1;
}

/* {-- Messages ---------------------------------------------------------------------------------- */

/* Ends a call of a connection that failed. To send on a stream, or to read from a pipe of messages, is a
** mistake in the program. */
static int fail(lua_State *L, int code, const fm_conn *c, const fm_error *e)
{
  if (code == FM_INVALID) return fmb_raise(L, "%s (%s): %s", fmb_conn, fm_conn_name(c), e->detail);
  return fmb_fail(L, fm_conn_name(c), e);
}

/*** A connection: one end of a pipe.
@type conn */

/*** Sends a message, and waits until there is room for it.
@function send
@tparam string message of up to the pipe's capacity in bytes
@tparam[opt] number timeout seconds to wait for room; nil waits forever, 0 tries once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `closed` (the other end closed or died), `too_large` (more than the
  capacity), `corrupt`, `truncated`, `denied` (in a forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for a stream, a negative time-out, and if the connection is closed. Source: WriteFile, send(2)
@usage
local listener <close> = assert(pipe.listen("Questions", { capacity = 64 }))
local client <close> = assert(pipe.connect("Questions"))
print(client:send("how are you?", 1)) --> true
print((select(3, client:send(("x"):rep(65))))) --> too_large */
static int conn_send(lua_State *L)
{
  size_t length;
  const char *message;
  fm_conn *c = fmb_check_bytes(L, fmb_conn, 2, &message, &length);
  fm_error e;
  const int code = fm_conn_send(c, message, length, fmb_opt_timeout(L, 3, FM_FOREVER), &e);
  if (code != FM_OK) return fail(L, code, c, &e);
  lua_pushboolean(L, 1);
  return 1;
}

/*** Receives the next message, and waits until there is one.
@function receive
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] string message
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `closed` (the other end closed or died, and all that it sent was
  received), `no_memory`, `corrupt`, `truncated`, `denied` (in a forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for a stream, a negative time-out, and if the connection is closed. Source: ReadFile, recv(2)
@usage
local listener <close> = assert(pipe.listen("Questions"))
local client <close> = assert(pipe.connect("Questions"))
local server <close> = assert(listener:accept())
client:send("last words")
client:close()
print(server:receive(1), (select(3, server:receive(1)))) --> last words closed */
static int conn_receive(lua_State *L)
{
  fm_conn *c = check_conn(L);
  const void *data;
  size_t length;
  fm_error e;
  const int code = fm_conn_receive(c, fmb_opt_timeout(L, 2, FM_FOREVER), &data, &length, &e);
  if (code != FM_OK) return fail(L, code, c, &e);
  lua_pushlstring(L, data, length);
  return 1;
}

/* {-- Streams ----------------------------------------------------------------------------------- */

/*** Writes strings and numbers to a stream, one after the other, and waits until all bytes are on their way.
@function write
@param ... strings and numbers; a number is written as Lua's files write it
@treturn[1] conn itself
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `closed` (the other end closed or died), `corrupt`, `truncated`, `denied` (in a
  forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for a value that is neither a string nor a number, a pipe of messages, and if the connection is closed.
  Source: file:write (Lua manual, 6.8)
@usage
local listener <close> = assert(pipe.listen("Log", { stream = true }))
local client <close> = assert(pipe.connect("Log"))
local server <close> = assert(listener:accept())
client:write("x = ", 42, "\n"):write("y = 43\n")
print(server:read(), server:read()) --> x = 42 y = 43 */
static int conn_write(lua_State *L)
{
  check_conn(L);
  fmb_check_all_written(L, 2);
  fm_conn *c = check_conn(L); /* numbers became strings, so a finalizer may have run */
  for (int arg = 2, top = lua_gettop(L); arg <= top; arg++) {
    size_t length;
    const char *bytes = lua_tolstring(L, arg, &length);
    fm_error e;
    const int code = fm_conn_write(c, bytes, &length, FM_FOREVER, &e);
    if (code != FM_OK) return fail(L, code, c, &e);
  }
  lua_settop(L, 1);
  return 1;
}

/* Reads by the format in argument 2, which is not a count. */
static int read_format(lua_State *L, fm_conn *c, const void **data, size_t *length, fm_error *e)
{
  const char *format = luaL_optstring(L, 2, "l");
  if (*format == '*') format++; /* older versions of Lua need the asterisk */
  luaL_argcheck(L, *format && strchr("lLa", *format) && !format[1], 2,
                "format must be a count of bytes, \"l\", \"L\" or \"a\"");
  if (*format == 'a') return fm_conn_read_all(c, FM_FOREVER, data, length, e);
  const int code = fm_conn_read_line(c, FM_FOREVER, data, length, e);
  const bool has_newline = code == FM_OK && ((const char *)*data)[*length - 1] == '\n';
  if (has_newline && *format == 'l') --*length;
  return code;
}

/*** Reads from a stream, and waits until all that is wanted is there or the stream ends.
@function read
@tparam[opt="l"] integer|string format a count of bytes, from 0; `"l"`: a line without its newline; `"L"`: a
  line with it; `"a"`: all bytes until the other end closes
@treturn[1] string the bytes, fewer than wanted only at the end
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `closed` (the end; `"a"` returns an empty string there), `no_memory`, `corrupt`,
  `truncated`, `denied` (in a forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for a negative count, another or a second format, a pipe of messages, and if the connection is closed.
  Source: file:read (Lua manual, 6.8)
@usage
local listener <close> = assert(pipe.listen("Log", { stream = true }))
local client <close> = assert(pipe.connect("Log"))
local server <close> = assert(listener:accept())
client:write("abcdef\nrest")
client:close()
print(server:read(3), server:read("l"), server:read("a")) --> abc def rest */
static int conn_read(lua_State *L)
{
  fm_conn *c = check_conn(L);
  const void *data;
  size_t length;
  fm_error e;
  luaL_argcheck(L, lua_gettop(L) <= 2, 3, "a call reads one thing; call read again for the next one");
  const int code = lua_type(L, 2) == LUA_TNUMBER
                     ? fm_conn_read_count(c, FM_FOREVER, fmb_check_count(L, 2, "count"), &data, &length, &e)
                     : read_format(L, c, &data, &length, &e);
  if (code != FM_OK) return fail(L, code, c, &e);
  lua_pushlstring(L, data, length);
  return 1;
}

/* {-- Closing ----------------------------------------------------------------------------------- */

/*** Returns a handle by which an event loop waits for messages: a descriptor that poll(2) reports readable,
or on Windows the HANDLE of an event, while there is a message or a byte to receive, or the other end has
closed or died. The object owns it: do not read or close it. A second call returns the same handle. See
doc/waiting.md.
@function pollable
@treturn[1] integer descriptor or HANDLE
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (in a forked child), `no_memory`, `system` (as for want of descriptors)
@treturn[2] ?integer native errno or GetLastError number
@raise if the connection is closed. Source: eventfd(2), CreateEvent
@usage
local listener <close> = assert(pipe.listen("Questions"))
local client <close> = assert(pipe.connect("Questions"))
print(math.type(client:pollable())) --> integer */
static int conn_pollable(lua_State *L)
{
  const fm_conn *c = fmb_check_open(L, 1, fmb_conn);
  return fmb_push_pollable(L, fmb_conn, FM_WAIT_CONN, fm_conn_name(c));
}

/*** Closes the connection. The other end still receives what was sent. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local client <close> = pipe.connect("Questions") -- closed at the end of the block */
static int conn_close(lua_State *L)
{
  fm_conn_close(fmb_release(L, fmb_conn));
  return 1;
}

static int conn_tostring(lua_State *L)
{
  const fm_conn *c = fmb_check_object(L, 1, fmb_conn)->pointer;
  lua_pushfstring(L, "%s (%s)", fmb_conn, c ? fm_conn_name(c) : "closed");
  return 1;
}

void fmb_open_pipe(lua_State *L)
{
  static const luaL_Reg functions[] = {{"listen", pipe_listen}, {"connect", pipe_connect}, {NULL, NULL}};
  static const luaL_Reg listener[] = {
    {"accept", listener_accept}, {"pollable", listener_pollable}, {"close", listener_close}, {NULL, NULL},
  };
  static const luaL_Reg methods[] = {
    {"send", conn_send}, {"receive", conn_receive}, {"write", conn_write}, {"read", conn_read},
    {"pollable", conn_pollable}, {"close", conn_close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_listener, listener, listener_close, listener_tostring, NULL);
  fmb_new_type(L, fmb_conn, methods, conn_close, conn_tostring, NULL);
  luaL_newlib(L, functions);
}
