--- Access to the bytes of a view: the checks before, and the check for lost pages after.
--
-- A method that accesses memory takes these steps. Their order matters outside of compiled code, where each
-- step that makes cdata may run a finalizer and so close the view.
-- 1. It computes the address, and makes its buffers.
-- 2. It checks the range: with the view's limits itself, or by access.check. A view that is closed, read-only
--    or reserved has no offset within its limits.
-- 3. It copies the bytes to or from private memory at once.
-- 4. access.check_lost raises if a page was lost.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"

local C, e = library.C, library.e
local floor, istype = math.floor, ffi.istype

local access = {}

-- Numbers are checked with readable[n] and writable[n]: the greatest offset from which n bytes can be read or
-- written, for n up to 8, or a negative number if there is none. They have 32 bits, since compiled code
-- compares those fastest. An offset past 2^31 is checked by the C library.
-- `address` is the memory's, modulo 8.
access.View = ffi.typeof [[struct {
  fm_view view; const int *lost; int32_t readable[9], writable[9], address; bool open;
}]]
local View = access.View

--- Raises unless self is an open view.
function access.check_self(self)
  if not istype(View, self) then errors.type(1, "filemap.view", self) end
  if not self.open then errors.raise("filemap.view is closed") end
end

function access.raise_lost()
  errors.raise "filemap.view is truncated: a page of its memory was lost"
end

local seen = ffi.new "int[1]"

--- Raises if a page of the view's memory was lost. The store makes compiled code read the mark each time: see
-- numbers.lua.
function access.check_lost(self)
  seen[0] = self.lost[0]
  if seen[0] ~= 0 then access.raise_lost() end
end

-- Raises because the C library refused a range.
local function refuse(self, code, number, offset, n)
  local detail, size, bits = library.detail(), library.integer(self.view.size), self.view.access
  if code == C.FM_CLOSED or not self.open then errors.raise "filemap.view is closed" end
  if code == C.FM_TRUNCATED then access.raise_lost() end
  if code == C.FM_DENIED then
    errors.raise('filemap.view is read-only (access "%s")', ffi.string(C.fm_access_word(bits)))
  end
  if offset < 0 then errors.argument(number, "offset %s is negative", errors.integer(offset)) end
  if n > size or offset > size - n then
    errors.argument(number, "offset %s + %s bytes is past the end of a %s-byte view", errors.integer(offset),
      errors.integer(n), errors.integer(size))
  end
  errors.argument(number, "%s", detail)
end

--- Raises unless n bytes from `offset`, argument `number`, can be read, or with `writing` written. The C
-- library decides.
function access.check(self, writing, number, offset, n)
  if type(offset) == "number" and not (offset >= -2^63 and offset < 2^63 and floor(offset) == offset) then
    errors.argument(number, "number has no integer representation")
  end
  local view = self.view
  local code = C.fm_view_check(view, writing, offset, n, e)
  if code ~= 0 then refuse(self, code, number, offset, n) end
end

--- Raises unless `length` bytes from `offset`, argument `number`, are inside the view. They need not be
-- committed.
function access.check_range(self, number, offset, length)
  local size = library.integer(self.view.size)
  if offset > size or length > size - offset then access.check(self, false, number, offset, length) end
end

--- Returns the bytes of `count` units, or 2^63-1, which is past the end of any view, if these are more.
function access.bytes_of(count, size)
  return tonumber(count) * size < 2^63 and count * size or 0x7fffffffffffffffLL
end

--- Makes the offset of a view's method a number, or raises; and raises unless self is a view. Methods call it
-- for all but the offsets that are numbers.
function access.offset(self, number, offset)
  if number == 2 and not istype(View, self) then errors.type(1, "filemap.view", self) end
  return tonumber(arguments.integer(number, offset))
end

--- Sets how many bytes of the view can be read and written.
function access.limit(self, readable, writable)
  for n = 0, 8 do self.readable[n], self.writable[n] = readable - n, writable - n end
end

--- Ends a call that made the view self: fills and returns it, or returns the failure.
function access.finish(self, code, name)
  if code ~= 0 then return library.fail(name) end
  self.open = true
  local view = self.view
  local greatest = 2^31 - 1
  access.limit(self, math.min(tonumber(view.readable), greatest), math.min(tonumber(view.writable), greatest))
  self.address = tonumber(ffi.cast("intptr_t", view.data) % 8)
  self.lost = ffi.cast("const int *", view.lost)
  object.names[self] = name
  return self
end

return access
