--- Messages from many writers to one reader.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"

local C, e = library.C, library.e
local methods, mailslot = {}, {}

local Mailslot = object.type("filemap.mailslot", "fm_mailslot", methods, C.fm_mailslot_close,
  function(self, pointer)
    return ("%s, %s"):format(object.names[self], C.fm_mailslot_is_reader(pointer) and "reader" or "writer")
  end)

local ALLOWED = arguments.set "max_message capacity mode sddl"

--- Makes a mailslot to receive, or takes over one whose reader is gone.
function mailslot.create(name, options)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(Mailslot)
  local o = arguments.options(2, options, ALLOWED)
  local longest, capacity, map = o.max_message, o.capacity, o.map
  return object.finish(self, C.fm_mailslot_create(out, text, longest, capacity, map, e), text)
end

--- Opens a mailslot to send.
function mailslot.open(name)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(Mailslot)
  return object.finish(self, C.fm_mailslot_open(out, text, e), text)
end

local function check_role(self, is_reader)
  if C.fm_mailslot_is_reader(object.handle(self, Mailslot)) ~= is_reader then
    errors.raise("filemap.mailslot (%s) is %s", object.names[self],
      is_reader and "a writer, which cannot receive" or "the reader, which cannot send")
  end
end

--- Sends a message.
function methods.send(self, message, timeout)
  check_role(self, false)
  message = arguments.string(2, message)
  timeout = arguments.timeout(3, timeout)
  local code = C.fm_mailslot_send(object.handle(self, Mailslot), message, #message, timeout, e)
  return library.finish(code, object.names[self])
end

--- Receives the next message.
function methods.receive(self, timeout)
  check_role(self, true)
  timeout = arguments.timeout(2, timeout)
  local pointer, data, length = object.begin(self, Mailslot)
  local code = C.fm_mailslot_receive(pointer, timeout, data, length, e)
  if code ~= 0 then return library.fail(object.names[self]) end
  local calls = self.calls
  local from, n = data[0], tonumber(length[0])
  return object.bytes(self, calls, from, n)
end

--- Returns what waits in the mailslot.
function methods.info(self)
  check_role(self, true)
  local info = ffi.new "fm_mailslot_info"
  local code = C.fm_mailslot_get_info(object.handle(self, Mailslot), info, e)
  if code ~= 0 then return library.fail(object.names[self]) end
  local count = library.integer(info.count)
  return { max_message = library.integer(info.max_message), count = count,
    next_size = count > 0 and library.integer(info.next_size) or nil }
end

--- Returns a handle for event loops.
function methods.pollable(self) return object.pollable(self, Mailslot, C.FM_WAIT_MAILSLOT) end

return mailslot
