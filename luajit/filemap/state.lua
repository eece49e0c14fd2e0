--- The newest value: one writer publishes strings, and any number of readers read the last one.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"

local C, e = library.C, library.e
local created = ffi.new "bool[1]"
local methods, state = {}, {}

local State = object.type("filemap.state", "fm_state", methods, C.fm_state_close, function(self, pointer)
  local is_writer, capacity = C.fm_state_is_writer(pointer), C.fm_state_capacity(pointer)
  return ("%s, %s bytes, %s"):format(object.names[self], errors.integer(library.integer(capacity)),
    is_writer and "writer" or "reader")
end)

local ALLOWED = arguments.set "mode sddl"

--- Makes a new state, and becomes its writer.
function state.create(name, capacity, options)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  capacity = arguments.count(2, capacity, "capacity")
  local self, out = object.new(State)
  local o = arguments.options(3, options, ALLOWED).map
  return object.finish(self, C.fm_state_create(out, text, capacity, o, e), text)
end

--- Makes a state, or takes over one whose writer is gone.
function state.create_or_open(name, capacity, options)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  capacity = arguments.count(2, capacity, "capacity")
  local self, out = object.new(State)
  local o = arguments.options(3, options, ALLOWED).map
  local result = C.fm_state_create_or_open(out, created, text, capacity, o, e)
  local is_new = created[0]
  if result ~= 0 then return library.fail(text) end
  return object.finish(self, result, text), is_new
end

--- Opens an existing state for reading.
function state.open(name)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(State)
  return object.finish(self, C.fm_state_open(out, text, e), text)
end

--- Makes a string the newest value. Never waits.
function methods.publish(self, value)
  object.handle(self, State)
  value = arguments.string(2, value)
  if not C.fm_state_is_writer(object.handle(self, State)) then
    errors.raise("filemap.state (%s) is a reader, which cannot publish", object.names[self])
  end
  return library.finish(C.fm_state_publish(object.handle(self, State), value, #value, e), object.names[self])
end

-- The value and the version that a call found: nil and 0 before the first value.
local function found(self, calls, data, length, version)
  local from, n, number = data[0], tonumber(length[0]), library.integer(version[0])
  if number == 0 then return nil, 0 end
  return object.bytes(self, calls, from, n), number
end

--- Reads the newest value and its version.
function methods.read(self, timeout)
  object.handle(self, State)
  timeout = arguments.timeout(2, timeout, 1)
  local pointer, data, length, version = object.begin(self, State)
  local code = C.fm_state_read(pointer, timeout, data, length, version, e)
  if code ~= 0 then return library.fail(object.names[self]) end
  return found(self, self.calls, data, length, version)
end

--- Waits for a value that is newer than a version.
function methods.wait(self, version, timeout)
  object.handle(self, State)
  local than = arguments.count(2, version, "version")
  timeout = arguments.timeout(3, timeout)
  local pointer, data, length, newer = object.begin(self, State)
  local code = C.fm_state_wait(pointer, than, timeout, data, length, newer, e)
  if code ~= 0 then return library.fail(object.names[self]) end
  return found(self, self.calls, data, length, newer)
end

--- Returns a handle for event loops.
function methods.pollable(self) return object.pollable(self, State, C.FM_WAIT_STATE) end

return state
