--- Objects: cdata that hold a pointer of the C library's.
--
-- Each step of Lua code that makes cdata, as the reading of a pointer does, may run a finalizer, and the
-- finalizer may close the very object or use it for another call. So a call takes these steps:
-- 1. It checks and converts its arguments.
-- 2. object.handle or object.begin reads the pointer, and only then looks whether the object is open.
-- 3. It calls the C library at once: its other arguments are variables and numbers.
-- 4. What the C library lends until the object's next call is copied by object.bytes, which raises if a
--    finalizer has made such a call.
-- Compiled code runs no finalizers.
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"

local istype = ffi.istype

local object = {
  --- The names of open objects, for messages.
  names = setmetatable({}, { __mode = "k" }),
}

-- `data`, `length` and `version` are where calls put their results.
local FIELDS = [[struct {
  $ *pointer; bool open; int32_t calls; const void *data[1]; size_t length[1]; uint64_t version[1];
}]]

--- Makes a type. `name` is for messages, `pointee` the C library's type, `close` its function that closes.
-- `describe(self, pointer)` returns what tostring shows of an open object.
function object.type(name, pointee, methods, close, describe)
  local type = { name = name }

  --- Closes the object. Closing twice is allowed.
  function methods.close(self)
    if not istype(type.ctype, self) then errors.type(1, name, self) end
    local pointer = self.pointer
    if self.open then
      self.open = false
      self.calls = self.calls + 1
      close(pointer)
    end
    return true
  end

  local function to_string(self)
    local pointer = self.pointer
    return ("%s (%s)"):format(name, self.open and describe(self, pointer) or "closed")
  end

  local function length_of(self)
    if not methods.size then errors.raise("attempt to get length of a %s value", name) end
    return methods.size(self)
  end

  type.ctype = ffi.metatype(ffi.typeof(FIELDS, ffi.typeof(pointee)),
    { __index = methods, __len = length_of, __gc = methods.close, __tostring = to_string })
  type.out = ffi.typeof("$ **", ffi.typeof(pointee))
  errors.type_names[tonumber(type.ctype)] = name
  return type
end

--- Makes a closed object, and returns it and the address of its pointer.
function object.new(type)
  local self = type.ctype()
  return self, ffi.cast(type.out, self)
end

--- Ends a call that made an object: opens it and returns it, or returns the failure.
function object.finish(self, code, name)
  if code ~= 0 then return library.fail(name) end
  self.open = true
  object.names[self] = name
  return self
end

--- Raises unless self is an open object of the type. Returns its pointer.
function object.handle(self, type)
  if not istype(type.ctype, self) then errors.type(1, type.name, self) end
  local pointer = self.pointer
  if not self.open then errors.raise("%s is closed", type.name) end
  self.calls = self.calls + 1
  return pointer
end

--- The same, and returns where the call puts its results: data, length, version.
function object.begin(self, type)
  if not istype(type.ctype, self) then errors.type(1, type.name, self) end
  local data, length, version = self.data, self.length, self.version
  return object.handle(self, type), data, length, version
end

--- Returns the bytes that a call lends until the object's next call. `calls` is what self.calls was when it
-- returned.
function object.bytes(self, calls, data, length)
  if self.calls ~= calls then
    errors.raise("%s: a finalizer used the object during the call", object.names[self] or "closed object")
  end
  return ffi.string(data, length)
end

local handle = ffi.new "intptr_t[1]"

--- Returns the handle by which an event loop waits for the object, or the failure.
function object.pollable(self, type, kind)
  local waitable = ffi.new "fm_waitable"
  waitable.kind = kind
  waitable.object = object.handle(self, type)
  if library.C.fm_pollable(waitable, handle, library.e) ~= 0 then
    return library.fail(object.names[self])
  end
  return library.integer(handle[0])
end

return object
