--- Atomic numbers in a view, by the C library: LuaJIT has no atomic operations.
local access = require "filemap.ffi.access"
local arguments = require "filemap.ffi.arguments"
local bit = require "bit"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"
local types = require "filemap.ffi.types"

local C, e = library.C, library.e
local floor = math.floor

-- Raises unless `size` bytes from `offset` can be read or written, and are aligned in memory. Returns the
-- offset as a number. It makes no cdata after the check.
local function at_aligned(self, writing, offset, size)
  if type(offset) ~= "number" or not ffi.istype(access.View, self) then
    offset = access.offset(self, 2, offset)
  end
  local limits = writing and self.writable or self.readable
  if not (offset >= 0 and offset <= limits[size] and floor(offset) == offset) then
    access.check(self, writing, 2, offset, size)
  end
  if (self.address + offset) % size ~= 0 then
    errors.argument(2, "offset %.0f is not aligned to %d bytes in memory", offset, size)
  end
  return offset
end

-- Ends a wait or a wake that failed.
local function fail(self, code)
  if code == C.FM_TRUNCATED then access.raise_lost() end
  return library.fail(object.names[self])
end

-- The addresses are computed before the last check, which finds a view that a finalizer closed.
local TEMPLATE = [[
local n, kind = ...
local C, e, at_aligned, check_lost, result = n.C, n.e, n.at_aligned, n.check_lost, n.result[kind.name]
local old, now, word = n.new("uint$BITS_t[1]"), n.new("uint$BITS_t[1]"), n.word
local methods = {}

local function change(operation, writing)
  return function(self, offset, value)
    offset = at_aligned(self, writing, offset, $SIZE)
    value = writing and word(kind, 3, value) or 0
    local p = self.view.data + offset
    at_aligned(self, writing, offset, $SIZE)
    local x = C.fm_atomic_$BITS(operation, p, value)
    check_lost(self)
    return result(x)
  end
end

methods.load_$T = change(C.FM_LOAD, false)
methods.exchange_$T = change(C.FM_EXCHANGE, true)
methods.add_$T = change(C.FM_ADD, true)
methods.and_$T = change(C.FM_AND, true)
methods.or_$T = change(C.FM_OR, true)

local store = change(C.FM_STORE, true)
function methods.store_$T(self, offset, value) store(self, offset, value) end

function methods.compare_exchange_$T(self, offset, expected, desired)
  offset = at_aligned(self, true, offset, $SIZE)
  expected, desired = word(kind, 3, expected), word(kind, 4, desired)
  local p = self.view.data + offset
  at_aligned(self, true, offset, $SIZE)
  old[0] = expected
  local swapped = C.fm_compare_exchange_$BITS(p, old, desired)
  local x = old[0]
  check_lost(self)
  return swapped, result(x)
end

function methods.wait_$T(self, offset, seen, timeout)
  offset = n.offset_of(self, 2, offset)
  seen, timeout = word(kind, 3, seen), n.timeout(4, timeout)
  at_aligned(self, false, offset, $SIZE)
  local code = C.fm_view_wait_$BITS(self.view, offset, seen, timeout, now, e)
  if code ~= 0 then return n.fail(self, code) end
  return result(now[0])
end

return methods
]]

-- The bits of an unsigned word as a number of the type.
local result = {
  i32 = bit.tobit,
  u32 = function(x) return x end,
  i64 = function(x) return ffi.cast("int64_t", x) end,
  u64 = function(x) return x end,
}

-- The bits of a value of the type as an unsigned word.
local function word(kind, number, value)
  local x = types.convert(kind, number, value)
  if kind.size == 4 then return bit.tobit(x) end
  return ffi.cast("uint64_t", ffi.cast(kind.c, x))
end

local names = { C = C, e = e, at_aligned = at_aligned, check_lost = access.check_lost, fail = fail,
  new = ffi.new, offset_of = access.offset, result = result, timeout = arguments.timeout, word = word }

local methods = {}

for _, kind in ipairs(types) do
  if kind.atomic then
    local template = TEMPLATE:gsub("%$BITS", kind.size * 8)
    for name, method in pairs(types.compile(kind, template, names)) do methods[name] = method end
  end
end

--- Wakes every process that waits for the number at the offset. The view may be read-only.
function methods.wake(self, offset)
  offset = at_aligned(self, false, offset, 4)
  local code = C.fm_view_wake(self.view, offset, e)
  if code ~= 0 then return fail(self, code) end
end

return methods
