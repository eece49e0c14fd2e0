/* filemap.mailslot in Lua. */
#include "binding.h"

/*** Messages from many writers to one reader, in order, each whole.

A writer that is killed while it sends leaves no half message and blocks no other process. A slot whose reader
closed or died can be taken over, with the messages that were not received.

@module filemap.mailslot */

/*** Makes a mailslot for receiving, or takes over one whose reader closed or died, with its unread messages.
@function create
@tparam string name as for maps
@tparam[opt] table options `max_message` (in bytes; default: the capacity), `capacity` (the bytes of messages
  that can wait; default: 65536, or `max_message` if that is more), `mode` ("0600"), `sddl`
@treturn[1] mailslot the reader
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `exists` (a reader lives), `too_small` (the slot to take over has smaller limits),
  `invalid` (the name, or a `max_message` above the capacity), `corrupt` (the section of this name is not a
  mailslot), `too_large`, `no_space`, `no_memory`, `denied`, `unsupported`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an unknown option or option value. Source: CreateMailslot
@usage
local slot <close> = assert(mailslot.create("Orders", { capacity = 65536, max_message = 100 }))
print(slot:info().max_message) --> 100 */
static int mailslot_create(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_mailslot *m;
  fmb_object *object = fmb_new_object(L, 2, fmb_mailslot, sizeof *object, 0);
  fmb_read_options(L, 2, &o, FMB_MAX_MESSAGE | FMB_CAPACITY | FMB_MODE | FMB_SDDL);
  const int code = fm_mailslot_create(&m, name, o.max_message, o.capacity, &o.map, &e);
  if (code != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = m;
  return 1;
}

/*** Opens an existing mailslot for sending.
@function open
@tparam string name as for maps
@treturn[1] mailslot a writer
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `not_found`, `corrupt` (the section of this name is not a mailslot), `denied`,
  `invalid` (the name), `no_memory`, `system`
@treturn[2] ?integer native errno or GetLastError number
@raise for an argument that is not a string. Source: CreateFile
@usage
local slot <close> = assert(mailslot.create("Orders"))
local writer <close> = assert(mailslot.open("Orders"))
writer:send("coffee")
print(slot:receive()) --> coffee */
static int mailslot_open(lua_State *L)
{
  const char *name = fmb_check_text(L, 1);
  if (!name) return 4;
  fm_error e;
  fm_mailslot *m;
  fmb_object *object = fmb_new_object(L, 1, fmb_mailslot, sizeof *object, 0);
  if (fm_mailslot_open(&m, name, &e) != FM_OK) return fmb_fail(L, name, &e);
  object->pointer = m;
  return 1;
}

static fm_mailslot *check_role(lua_State *L, bool reader)
{
  fm_mailslot *m = fmb_check_open(L, 1, fmb_mailslot);
  if (fm_mailslot_is_reader(m) != reader)
    fmb_raise(L, "%s (%s) is %s", fmb_mailslot, fm_mailslot_name(m),
              reader ? "a writer, which cannot receive" : "the reader, which cannot send");
  return m;
}

/*** A mailslot: the reader or a writer.
@type mailslot */

/*** Receives the next message, and waits until there is one.
@function receive
@tparam[opt] number timeout seconds; nil waits forever, 0 tries once
@treturn[1] string message
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `timeout`, `no_memory`, `corrupt`, `truncated`, `denied` (in a forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for a writer, a negative time-out, and if the mailslot is closed. Source: ReadFile
@usage
local slot <close> = assert(mailslot.create("Orders"))
print((select(3, slot:receive(0.01)))) --> timeout */
static int mailslot_receive(lua_State *L)
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

/*** Sends a message, and waits until there is room for it.
@function send
@tparam string message of up to the slot's `max_message` in bytes
@tparam[opt] number timeout seconds to wait for room; nil waits forever, 0 tries once
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `full` (no room, with time-out 0), `timeout`, `closed` (no reader lives), `too_large`
  (more than `max_message`), `in_use` (another writer that lives held the lock all the time, for 1
  second if there is no time-out), `corrupt`, `truncated`, `denied` (in a forked child)
@treturn[2] ?integer native errno or GetLastError number
@raise for the reader, a negative time-out, and if the mailslot is closed. Source: WriteFile
@usage
local slot <close> = assert(mailslot.create("Orders", { max_message = 10 }))
local writer <close> = assert(mailslot.open("Orders"))
print(writer:send("coffee", 1), (select(3, writer:send("twelve bytes")))) --> true too_large */
static int mailslot_send(lua_State *L)
{
  size_t length;
  const char *message;
  check_role(L, false);
  fm_mailslot *m = fmb_check_bytes(L, fmb_mailslot, 2, &message, &length);
  fm_error e;
  const int code = fm_mailslot_send(m, message, length, fmb_opt_timeout(L, 3, FM_FOREVER), &e);
  return fmb_finish(L, code, fm_mailslot_name(m), &e);
}

/*** Returns the slot's limit and what waits to be received.
@function info
@treturn[1] table `max_message` (bytes), `count` of the messages that wait, `next_size` (bytes of the next
  message; nil if none waits)
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `corrupt`, `truncated`
@treturn[2] ?integer native errno or GetLastError number
@raise for a writer, and if the mailslot is closed. Source: GetMailslotInfo
@usage
local slot <close> = assert(mailslot.create("Orders"))
local writer <close> = assert(mailslot.open("Orders"))
writer:send("coffee")
print(slot:info().count, slot:info().next_size) --> 1 6 */
static int mailslot_info(lua_State *L)
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

/*** Returns a handle by which an event loop waits for messages: a descriptor that poll(2) reports readable,
or on Windows the HANDLE of an event, while there is a message to receive. The object owns it: do not read
or close it. A second call returns the same handle. See doc/waiting.md.
@function pollable
@treturn[1] integer descriptor or HANDLE
@treturn[2] nil
@treturn[2] string message
@treturn[2] string code: `denied` (a writer; in a forked child), `no_memory`, `system` (as for want of
  descriptors)
@treturn[2] ?integer native errno or GetLastError number
@raise if the mailslot is closed. Source: eventfd(2), CreateEvent
@usage
local slot <close> = assert(mailslot.create("Orders"))
local handle = assert(slot:pollable()) -- readable while there is a message
print(handle == slot:pollable()) --> true */
static int mailslot_pollable(lua_State *L)
{
  const fm_mailslot *m = fmb_check_open(L, 1, fmb_mailslot);
  return fmb_push_pollable(L, fmb_mailslot, FM_WAIT_MAILSLOT, fm_mailslot_name(m));
}

/*** Closes the mailslot. Messages that were not received stay for the next reader, as long as a writer has
the slot open. Closing twice is allowed.
@function close
@treturn boolean true
@usage
local slot <close> = assert(mailslot.create("Orders")) -- closed at the end of the block */
static int mailslot_close(lua_State *L)
{
  fm_mailslot_close(fmb_release(L, fmb_mailslot));
  return 1;
}

static int mailslot_tostring(lua_State *L)
{
  const fm_mailslot *m = fmb_check_object(L, 1, fmb_mailslot)->pointer;
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
    {"receive", mailslot_receive}, {"send", mailslot_send}, {"info", mailslot_info},
    {"pollable", mailslot_pollable}, {"close", mailslot_close}, {NULL, NULL},
  };
  fmb_new_type(L, fmb_mailslot, methods, mailslot_close, mailslot_tostring, NULL);
  luaL_newlib(L, functions);
}
