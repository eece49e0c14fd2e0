--- Connections of two ends: messages or bytes go both ways, in order.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"

local C, e, FOREVER = library.C, library.e, library.FOREVER
local listener, conn, pipe = {}, {}, {}

local function describe(self) return object.names[self] end

local Listener = object.type("filemap.listener", "fm_listener", listener, C.fm_listener_close, describe)
local Conn = object.type("filemap.conn", "fm_conn", conn, C.fm_conn_close, describe)

local ALLOWED = arguments.set "capacity stream mode sddl"

--- Makes a listener.
function pipe.listen(name, options)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(Listener)
  local o = arguments.options(2, options, ALLOWED)
  local capacity, stream, map = o.capacity, o.stream, o.map
  return object.finish(self, C.fm_pipe_listen(out, text, capacity, stream, map, e), text)
end

--- Connects to a listener.
function pipe.connect(name, timeout)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  timeout = arguments.timeout(2, timeout, 0)
  local self, out = object.new(Conn)
  return object.finish(self, C.fm_pipe_connect(out, text, timeout, e), text)
end

--- Accepts the connection that has waited longest, and waits until there is one.
function listener.accept(self, timeout)
  timeout = arguments.timeout(2, timeout)
  local accepted, out = object.new(Conn)
  local code = C.fm_pipe_accept(object.handle(self, Listener), timeout, out, e)
  return object.finish(accepted, code, object.names[self])
end

--- Returns a handle for event loops.
function listener.pollable(self) return object.pollable(self, Listener, C.FM_WAIT_LISTENER) end

-- {-- Messages ------------------------------------------------------------------------------------

-- Ends a call that failed. To send on a stream, or to read from a pipe of messages, is a mistake in the
-- program.
local function fail(self, code)
  local name = object.names[self]
  if code ~= C.FM_INVALID then return library.fail(name) end
  errors.raise("filemap.conn (%s): %s", name, library.detail())
end

-- Ends a call that lends bytes.
local function finish(self, code, data, length)
  local calls = self.calls
  if code ~= 0 then return fail(self, code) end
  local from, n = data[0], tonumber(length[0])
  return object.bytes(self, calls, from, n)
end

--- Sends a message.
function conn.send(self, message, timeout)
  object.handle(self, Conn)
  message = arguments.string(2, message)
  timeout = arguments.timeout(3, timeout)
  local code = C.fm_conn_send(object.handle(self, Conn), message, #message, timeout, e)
  if code ~= 0 then return fail(self, code) end
  return true
end

--- Receives the next message.
function conn.receive(self, timeout)
  object.handle(self, Conn)
  timeout = arguments.timeout(2, timeout)
  local pointer, data, length = object.begin(self, Conn)
  return finish(self, C.fm_conn_receive(pointer, timeout, data, length, e), data, length)
end

-- {-- Streams -------------------------------------------------------------------------------------

--- Writes strings and numbers to a stream.
function conn.write(self, ...)
  object.handle(self, Conn)
  local parts = { ... }
  for i = 1, select("#", ...) do parts[i] = arguments.string(i + 1, parts[i]) end
  for _, bytes in ipairs(parts) do
    local pointer, _, length = object.begin(self, Conn)
    length[0] = #bytes
    local code = C.fm_conn_write(pointer, bytes, length, FOREVER, e)
    if code ~= 0 then return fail(self, code) end
  end
  return self
end

local function read_count(self, format)
  local count = arguments.count(2, format, "count")
  local pointer, data, length = object.begin(self, Conn)
  return finish(self, C.fm_conn_read_count(pointer, FOREVER, count, data, length, e), data, length)
end

local function read_all(self)
  local pointer, data, length = object.begin(self, Conn)
  return finish(self, C.fm_conn_read_all(pointer, FOREVER, data, length, e), data, length)
end

local function read_line(self)
  local pointer, data, length = object.begin(self, Conn)
  return finish(self, C.fm_conn_read_line(pointer, FOREVER, data, length, e), data, length)
end

--- Reads from a stream: a count of bytes, "l", "L" or "a".
function conn.read(self, format, ...)
  object.handle(self, Conn)
  if select("#", ...) > 0 then
    errors.argument(3, "a call reads one thing; call read again for the next one")
  end
  if type(format) == "number" or arguments.is_wide(format) then return read_count(self, format) end
  local letter = arguments.string(2, format == nil and "l" or format):match("^%*?([lLa])$")
  if not letter then errors.argument(2, 'format must be a count of bytes, "l", "L" or "a"') end
  if letter == "a" then return read_all(self) end
  local line, message, code, native = read_line(self)
  if not line then return nil, message, code, native end
  if letter == "l" and line:sub(-1) == "\n" then line = line:sub(1, -2) end
  return line
end

--- Returns a handle for event loops.
function conn.pollable(self) return object.pollable(self, Conn, C.FM_WAIT_CONN) end

return pipe
