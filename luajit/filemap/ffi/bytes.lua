--- Text and bytes in a view. Another process may write while this one reads, and LuaJIT reads the bytes of a
-- string more than once to intern it. So strings are made of a private copy.
local access = require "filemap.ffi.access"
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"

local C = library.C
local check, check_lost, check_self = access.check, access.check_lost, access.check_self

local methods = {}

-- {-- Bytes ---------------------------------------------------------------------------------------

-- The buffer of short strings. It is filled and read in consecutive steps.
local SHORT = 4096
local short = ffi.new("char[?]", SHORT + 1)

-- LuaJIT's strings are shorter than this (LJ_MAX_STR in its lj_def.h).
local LONGEST = 0x7fffff00

local function allocate(n)
  if n >= LONGEST then errors.raise("a buffer of %.0f bytes is too long for LuaJIT", n) end
  return ffi.new("char[?]", n + 1)
end

local function buffer(n) return n <= SHORT and short or allocate(n) end

-- A copy of n bytes from an offset, argument 2. With `is_text` it ends at a NUL.
local function read(self, offset, n, is_text)
  if n > self.readable[0] then check(self, false, 2, offset, n) end
  n = tonumber(n)
  local to, from = buffer(n), self.view.data + offset
  check(self, false, 2, offset, n)
  ffi.copy(to, from, n)
  to[n] = 0
  local s = is_text and ffi.string(to) or ffi.string(to, n)
  check_lost(self)
  return s
end

--- Reads bytes.
function methods.get_string(self, offset, length)
  check_self(self)
  length = arguments.count(3, length, "length")
  return read(self, arguments.integer(2, offset), length)
end

--- Writes the bytes of a string.
function methods.set_string(self, offset, s)
  check_self(self)
  s = arguments.string(3, s)
  offset = arguments.integer(2, offset)
  local to = self.view.data + offset
  check(self, true, 2, offset, #s)
  ffi.copy(to, s, #s)
  check_lost(self)
end

-- The bytes from an offset to the view's end in units of `unit` bytes, or `max` units if these are fewer.
local function rest(self, offset, max, unit)
  check(self, false, 2, offset, 0)
  local units = math.floor(tonumber(#self - offset) / unit)
  max = arguments.count(3, max, "max", units)
  return max < units and tonumber(max) or units
end

--- Reads text up to its NUL, or to `max` bytes or the view's end.
function methods.get_cstring(self, offset, max)
  check_self(self)
  offset = arguments.integer(2, offset)
  local n = rest(self, offset, max, 1)
  local from = self.view.data + offset
  check(self, false, 2, offset, n)
  local nul = C.memchr(from, 0, n)
  if nul ~= nil then n = tonumber(ffi.cast("unsigned char *", nul) - from) end
  return read(self, offset, n, true)
end

-- Raises unless `needed` units and a NUL fit. Returns the capacity.
local function check_capacity(capacity, needed)
  local units = arguments.count(4, capacity, "capacity")
  if units <= needed then
    errors.argument(3, "%s units and a NUL do not fit a capacity of %s", errors.integer(needed),
      errors.integer(units))
  end
  return units
end

--- Writes text and a NUL, and zeroes the rest of its capacity.
function methods.set_cstring(self, offset, s, capacity)
  check_self(self)
  s = arguments.c_text(3, s)
  capacity = check_capacity(capacity, #s)
  offset = arguments.integer(2, offset)
  local to = self.view.data + offset
  local after = to + #s
  check(self, true, 2, offset, capacity)
  ffi.copy(to, s, #s)
  ffi.fill(after, tonumber(capacity) - #s)
  check_lost(self)
end

--- Finds bytes from an offset up to another. The view is searched in parts, which overlap.
function methods.find(self, bytes, offset, stop)
  check_self(self)
  bytes = arguments.string(2, bytes)
  offset = arguments.count(3, offset, "offset", 0)
  stop = arguments.count(4, stop, "stop", #self)
  access.check_range(self, 3, offset, 0)
  access.check_range(self, 4, stop, 0)
  local step = 65536
  while offset + #bytes <= stop do
    local part = read(self, offset, math.min(stop - offset, step + #bytes - 1))
    local at = part:find(bytes, 1, true)
    if at then return offset + at - 1 end
    offset = offset + step
  end
  return nil
end

--- Writes the same byte everywhere in a range.
function methods.fill(self, offset, length, byte)
  check_self(self)
  length = arguments.count(3, length, "length")
  byte = arguments.integer(4, byte)
  offset = arguments.integer(2, offset)
  local to = self.view.data + offset
  check(self, true, 2, offset, length)
  if byte < 0 or byte > 255 then
    errors.argument(4, "byte must be from 0 to 255, got %s", errors.integer(byte))
  end
  ffi.fill(to, tonumber(length), tonumber(byte))
  check_lost(self)
end

-- Checks the other view of a call, argument 3.
local function check_other(other)
  if not ffi.istype(access.View, other) then errors.type(3, "filemap.view", other) end
  if not other.open then errors.argument(3, "filemap.view is closed") end
end

-- The offsets and the length of two ranges.
local function two_ranges(self, offset, other, other_offset, length)
  check_self(self)
  check_other(other)
  length = arguments.count(5, length, "length")
  return arguments.integer(2, offset), arguments.integer(4, other_offset), length
end

--- Copies bytes from this view or another one. The ranges may overlap.
function methods.copy(self, offset, source, source_offset, length)
  local to, from, n = two_ranges(self, offset, source, source_offset, length)
  local view, other = self.view, source.view
  check(self, true, 2, to, n)
  check(source, false, 4, from, n)
  check_self(self) -- a finalizer that ran in the second check may have closed it
  C.fm_view_copy(view, to, other, from, n)
  check_lost(self)
  check_lost(source)
end

--- Compares bytes with those of this view or another one.
function methods.equals(self, offset, other, other_offset, length)
  local at, other_at, n = two_ranges(self, offset, other, other_offset, length)
  local p, q = self.view.data + at, other.view.data + other_at
  check(self, false, 2, at, n)
  check(other, false, 4, other_at, n)
  check_self(self)
  local difference = C.memcmp(p, q, n)
  check_lost(self)
  check_lost(other)
  return difference == 0
end

-- {-- Wide text -----------------------------------------------------------------------------------

local function get_wide(self, offset, max, unit)
  check_self(self)
  offset = arguments.integer(2, offset)
  local n = rest(self, offset, max, unit)
  local from = self.view.data + offset
  check(self, false, 2, offset, n * unit)
  n = tonumber(C.fm_wide_length(from, n, unit))
  local out = allocate(n * (unit == 2 and 3 or 4))
  check(self, false, 2, offset, n * unit)
  local length = tonumber(C.fm_wide_to_utf8(out, from, n, unit, false))
  check_lost(self)
  return ffi.string(out, length)
end

local function set_wide(self, offset, s, capacity, unit)
  check_self(self)
  s = arguments.c_text(3, s)
  local needed = tonumber(C.fm_utf8_to_wide(nil, 0, s, #s, unit, false))
  capacity = check_capacity(capacity, needed)
  offset = arguments.integer(2, offset)
  local to = self.view.data + offset
  check(self, true, 2, offset, access.bytes_of(capacity, unit))
  C.fm_utf8_to_wide(to, capacity, s, #s, unit, false)
  check_lost(self)
end

--- Reads UTF-16 in this machine's byte order up to its NUL, or to `max` units or the view's end.
function methods.get_utf16(self, offset, max) return get_wide(self, offset, max, 2) end

--- Writes text as UTF-16 and a NUL, and zeroes the rest of its capacity, in units of 2 bytes.
function methods.set_utf16(self, offset, s, capacity) set_wide(self, offset, s, capacity, 2) end

--- Reads UTF-32 in this machine's byte order up to its NUL, or to `max` units or the view's end.
function methods.get_utf32(self, offset, max) return get_wide(self, offset, max, 4) end

--- Writes text as UTF-32 and a NUL, and zeroes the rest of its capacity, in units of 4 bytes.
function methods.set_utf32(self, offset, s, capacity) set_wide(self, offset, s, capacity, 4) end

return methods
