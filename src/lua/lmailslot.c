/* filemap.mailslot as Lua sees it. */
#include "binding.h"

/*** Messages of many writers to one reader, in order, each whole.

A writer that dies half-way leaves no half message and blocks nobody. A slot whose reader has gone can be taken over,
with the messages that were not read.

@module filemap.mailslot */

/*** Makes a mailslot to receive from, or takes over one whose reader has gone.
@function create
@tparam string name as for maps
@tparam[opt] table options `max_message` (bytes; default: the capacity), `capacity` (bytes of messages that can wait;
  default: 65536, or `max_message` if that is more), `mode` ("0600"), `sddl`
@treturn[1] mailslot the reader
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists` while a reader lives, `too_small` (one that is taken over has less), `invalid` (a
  `max_message` over the capacity, the name), `corrupt` (what has the name is no mailslot), `too_large`, `no_space`,
  `denied`, `unsupported`, `system`
@treturn[2] ?integer native
@raise for an unknown option. Source: CreateMailslot */
static int mailslot_create(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_mailslot *m;
  fmb_object *object = fmb_new_object(L, 2, fmb_mailslot, sizeof *object);
  fmb_read_options(L, 2, &o, FMB_MAX_MESSAGE | FMB_CAPACITY | FMB_MODE | FMB_SDDL);
  if (fm_mailslot_create(&m, name, o.max_message, o.capacity, &o.map, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = m;
  return 1;
}

/*** Opens a mailslot to send to.
@function open
@tparam string name
@treturn[1] mailslot a writer
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `corrupt` (what has the name is no mailslot), `denied`, `invalid`, `system`
@treturn[2] ?integer native
@raise for an argument of another type */
static int mailslot_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fm_error e;
  fm_mailslot *m;
  fmb_object *object = fmb_new_object(L, 1, fmb_mailslot, sizeof *object);
  if (fm_mailslot_open(&m, name, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = m;
  return 1;
}

static fm_mailslot *check_role(lua_State *L, bool reader)
{
  fm_mailslot *m = fmb_check_object(L, fmb_mailslot);
  if (fm_mailslot_is_reader(m) != reader)
    fmb_raise(L, "%s (%s) is %s", fmb_mailslot, fm_mailslot_name(m),
              reader ? "a writer, which does not receive" : "the reader, which does not send");
  return m;
}

/*** A mailslot, to receive from or to send to.
@type mailslot */

/*** Receives the next message.
@function receive
@tparam[opt] number timeout seconds; nil waits for ever, 0 looks once
@treturn[1] string message
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `corrupt`, `truncated`
@raise for a writer, and a negative time-out. Source: ReadFile */
static int receive(lua_State *L)
{
  fm_mailslot *m = check_role(L, true);
  const void *data;
  size_t length;
  fm_error e;
  if (fm_mailslot_receive(m, fmb_opt_timeout(L, 2, FM_FOREVER), &data, &length, &e) != FM_OK)
    return fmb_fail(L, fm_mailslot_name(m), &e);
  lua_pushlstring(L, data, length);
  return 1;
}

/*** Sends a message.
@function send
@tparam string message
@tparam[opt] number timeout seconds to wait for room; nil waits for ever, 0 tries once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `full` (no room, with time-out 0), `timeout`, `closed` while no reader lives, `too_large`,
  `in_use` (a writer that is stopped held it back all the time), `corrupt`, `truncated`
@raise for the reader, and a negative time-out. Source: WriteFile */
static int send(lua_State *L)
{
  size_t length;
  const char *message;
  check_role(L, false);
  fm_mailslot *m = fmb_check_bytes(L, fmb_mailslot, 2, &message, &length);
  fm_error e;
  const int code = fm_mailslot_send(m, message, length, fmb_opt_timeout(L, 3, FM_FOREVER), &e);
  return fmb_finish(L, code, fm_mailslot_name(m), &e);
}

/*** What waits to be received.
@function info
@treturn[1] table `max_message` (bytes), `next_size` (bytes of the next message; nil if none waits), `count` of the
  messages that wait
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `corrupt`, `truncated`
@raise for a writer. Source: GetMailslotInfo */
static int info(lua_State *L)
{
  fm_mailslot *m = check_role(L, true);
  fm_mailslot_info i;
  fm_error e;
  if (fm_mailslot_get_info(m, &i, &e) != FM_OK) return fmb_fail(L, fm_mailslot_name(m), &e);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)i.max_message);
  lua_setfield(L, -2, "max_message");
  lua_pushinteger(L, (lua_Integer)i.count);
  lua_setfield(L, -2, "count");
  if (i.count > 0) {
    lua_pushinteger(L, (lua_Integer)i.next_size);
    lua_setfield(L, -2, "next_size");
  }
  return 1;
}

/*** Closes it; twice is fine. Messages that were not received stay for the next reader as long as a writer has it open.
@function close
@treturn boolean true */
static int close(lua_State *L)
{
  fm_mailslot_close(fmb_release(L, fmb_mailslot));
  return 1;
}

static int tostring(lua_State *L)
{
  const fm_mailslot *m = fmb_to_object(L, fmb_mailslot)->pointer;
  if (!m) lua_pushfstring(L, "%s (closed)", fmb_mailslot);
  else
    lua_pushfstring(L, "%s (%s, %s)", fmb_mailslot, fm_mailslot_name(m),
                    fm_mailslot_is_reader(m) ? "reader" : "writer");
  return 1;
}

void fmb_open_mailslot(lua_State *L)
{
  static const luaL_Reg functions[] = {{"create", mailslot_create}, {"open", mailslot_open}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
    {"receive", receive}, {"send", send}, {"info", info}, {"close", close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_mailslot, methods, close, tostring);
  luaL_newlib(L, functions);
}
