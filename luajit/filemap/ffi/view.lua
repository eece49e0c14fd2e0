--- Views: bytes of a map. The methods that read and write bytes are in numbers.lua, atomics.lua and
-- bytes.lua.
local access = require "filemap.ffi.access"
local arguments = require "filemap.ffi.arguments"
local bit = require "bit"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"

local C, e = library.C, library.e
local check_self, View = access.check_self, access.View

local methods, view = {}, {}

for _, topic in ipairs { "numbers", "atomics", "bytes" } do
  for name, method in pairs(require("filemap.ffi." .. topic)) do methods[name] = method end
end

--- Makes a closed view, and returns it and its fm_view.
function view.new()
  local self = View()
  return self, self.view
end

view.finish = access.finish

-- A range whose parts may be nil: from `offset` to the view's end.
local function opt_range(self, number, offset, length)
  local size = methods.size(self)
  offset = arguments.count(number, offset, "offset", 0)
  length = arguments.count(number + 1, length, "length", offset < size and size - offset or 0)
  access.check_range(self, number, offset, length)
  return offset, length
end

--- The view's size in bytes.
function methods.size(self)
  check_self(self)
  return library.integer(self.view.size)
end

--- The access that the view gives, as a word.
function methods.access(self)
  check_self(self)
  local bits = self.view.access
  check_self(self) -- a finalizer may have closed it, and a closed view has no access
  return ffi.string(C.fm_access_word(bits))
end

--- Makes a slice, which keeps the mapping alive on its own.
function methods.sub(self, offset, length, word)
  check_self(self)
  offset = arguments.count(2, offset, "offset")
  length = arguments.count(3, length, "length")
  local bits = arguments.access(4, word, self.view.access)
  local slice, out = view.new()
  check_self(self)
  access.check_range(self, 2, offset, length)
  return view.finish(slice, C.fm_view_sub(out, self.view, offset, length, bits, e), object.names[self])
end

-- The view of each pointer, so that it is not collected before the pointer.
local viewed = setmetatable({}, { __mode = "k" })

--- Returns a pointer to memory of the view: to `count` objects of a C type, by default one. A read-only view
-- gives a pointer to const. The pointer keeps the view from being collected, but pointers that are made of it
-- do not. The program uses none of them after the view was closed.
function methods.pointer(self, ctype, offset, count)
  check_self(self)
  if type(ctype) ~= "string" and type(ctype) ~= "cdata" then errors.type(2, "C type", ctype) end
  local known, target = pcall(ffi.typeof, ctype)
  if not known then errors.argument(2, "%s", target) end
  if errors.type_names[tonumber(target)] then errors.type(2, "C type", ctype) end
  local has_size, size = pcall(ffi.sizeof, target)
  if not has_size or not size then errors.argument(2, "the C type has no size") end
  local is_writable = bit.band(self.view.access, C.FM_WRITE + C.FM_COPY) ~= 0
  local has_pointer, result = pcall(ffi.typeof, is_writable and "$ *" or "const $ *", target)
  if not has_pointer then errors.argument(2, "the C type must not be a reference") end
  offset = arguments.count(3, offset, "offset")
  count = arguments.count(4, count, "count", 1)
  local pointer = ffi.cast(result, self.view.data + offset)
  viewed[pointer] = self
  access.check(self, is_writable, 3, offset, access.bytes_of(count, size))
  return pointer
end

--- Writes bytes back to where they are stored; "async" does not wait.
function methods.flush(self, offset, length, how)
  check_self(self)
  if how ~= nil then arguments.word(4, how, { "async" }) end
  offset, length = opt_range(self, 2, offset, length)
  return library.finish(C.fm_view_flush(self.view, offset, length, how ~= nil, e), object.names[self])
end

local HINTS = { "normal", "sequential", "random", "willneed", "dontneed" }

--- Tells the system how the program will use the bytes.
function methods.advise(self, hint, offset, length)
  check_self(self)
  local number = arguments.word(2, hint, HINTS) - 1
  offset, length = opt_range(self, 3, offset, length)
  C.fm_view_advise(self.view, number, offset, length, nil)
  return true
end

--- Keeps the view in physical memory.
function methods.pin(self)
  check_self(self)
  return library.finish(C.fm_view_pin(self.view, e), object.names[self])
end

--- Ends pin.
function methods.unpin(self)
  check_self(self)
  return library.finish(C.fm_view_unpin(self.view, e), object.names[self])
end

--- Allocates the memory of a range of a map that was made with commit = false.
function methods.commit(self, offset, length)
  check_self(self)
  offset = arguments.count(2, offset, "offset")
  length = arguments.count(3, length, "length")
  access.check_range(self, 2, offset, length)
  return library.finish(C.fm_view_commit(self.view, offset, length, e), object.names[self])
end

--- Unmaps the view. Closing twice is allowed.
function methods.close(self)
  if not ffi.istype(View, self) then errors.type(1, "filemap.view", self) end
  self.open = false
  access.limit(self, 0, 0)
  C.fm_view_close(self.view)
  return true
end

methods.unmap = methods.close

local function to_string(self)
  if not self.open then return "filemap.view (closed)" end
  return ("filemap.view (%s bytes, %s)"):format(errors.integer(methods.size(self)), methods.access(self))
end

ffi.metatype(View, { __index = methods, __len = methods.size, __gc = methods.close,
  __tostring = to_string })
errors.type_names[tonumber(View)] = "filemap.view"

return view
