--- Numbers in a view: get_T and set_T, and the same as plain functions of one view.
local access = require "filemap.ffi.access"
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local types = require "filemap.ffi.types"

-- Another process may change the memory at any time, so compiled code must read a number for each call of
-- get, in a loop too, and write one for each call of set. LuaJIT has no volatile. But it does not reuse a
-- number that it has read, and does not leave out a store of the same value again, after a store of the same
-- type and another value that might be to the same memory. $READ and $WRITE end with such a store.
local TEMPLATE = [[
local n, kind = ...
local cast, copy, floor, istype, View = n.cast, n.copy, n.floor, n.istype, n.View
local value, pointer = n.new("$C[2]"), n.typeof("$C *")
local check, check_lost, offset_of, convert = n.check, n.check_lost, n.offset_of, n.convert

local function get(self, offset, number)
  if type(offset) ~= "number" then offset = offset_of(self, number, offset) end
  local from = cast(pointer, self.view.data + offset)
  if not (offset >= 0 and offset <= self.readable[$SIZE] and floor(offset) == offset) then
    check(self, false, number, offset, $SIZE)
  end
  $READ
  local x = value[0]
  check_lost(self)
  return x
end

-- A value that is converted comes after the offset is checked, as an error about it does.
local function set(self, offset, x, number)
  if type(offset) ~= "number" then offset = offset_of(self, number, offset) end
  if not (type(x) == "number" and $FITS) then
    check(self, true, number, offset, $SIZE)
    x = convert(kind, number + 1, x)
  end
  local to = cast(pointer, self.view.data + offset)
  if not (offset >= 0 and offset <= self.writable[$SIZE] and floor(offset) == offset) then
    check(self, true, number, offset, $SIZE)
  end
  $WRITE
  check_lost(self)
end

local methods = {}

function methods.get_$T(self, offset)
  if not istype(View, self) then offset_of(self, 2, offset) end
  return get(self, offset, 2)
end

function methods.set_$T(self, offset, x)
  if not istype(View, self) then offset_of(self, 2, offset) end
  set(self, offset, x, 2)
end

local function getter(self)
  return function(offset) return (get(self, offset, 1)) end
end

local function setter(self)
  return function(offset, x) set(self, offset, x, 1) end
end

return methods, getter, setter
]]

local FITS = { integer = "x >= $LEAST and x <= $GREATEST and floor(x) == x", float = "true" }

-- These processors access numbers at any address. Elsewhere bytes are copied, and ffi.copy is a barrier to
-- the compiler.
local is_direct = jit.arch == "x64" or jit.arch == "x86" or jit.arch == "arm64"
local READ = is_direct and "value[0] = from[0]" or "copy(value, from, $SIZE)"
local WRITE = is_direct and "to[0] = x value[1] = value[0]"
  or "value[0] = x copy(to, value, $SIZE)"

local names = { cast = ffi.cast, copy = ffi.copy, floor = math.floor, istype = ffi.istype, new = ffi.new,
  typeof = ffi.typeof, View = access.View, check = access.check, check_lost = access.check_lost,
  offset_of = access.offset, convert = types.convert }

local methods, getters, setters = {}, {}, {}

for _, kind in ipairs(types) do
  local parts = { FITS = FITS[kind.least and "integer" or "float"], READ = READ, WRITE = WRITE }
  local template = TEMPLATE:gsub("%$(%u+)", parts)
  local made
  made, getters[kind.name], setters[kind.name] = types.compile(kind, template, names)
  for name, method in pairs(made) do methods[name] = method end
end

local function check_type(word)
  local name = arguments.string(2, word)
  if not getters[name] then errors.argument(2, "unknown type '%s'", name) end
  return name
end

--- Returns get_T of the view as a function get(offset).
function methods.getter(self, word)
  access.check_self(self)
  return getters[check_type(word)](self)
end

--- Returns set_T of the view as a function set(offset, value).
function methods.setter(self, word)
  access.check_self(self)
  return setters[check_type(word)](self)
end

return methods
