-- How values of each C type are read and written in a view. Internal to filemap.struct.
--
-- An accessor belongs to a type and a byte order. It has
--
--   get(view, offset, name)           reads the value; of a struct or an array, makes an object
--   write(view, offset, value, name)  checks a value and writes it; raises for a wrong one, naming the field
--   collect(list, offset, value, name)
--                                     checks a value, and adds to the list what writes it: put, offset,
--                                     checked value
--   code                              of what C can read and write by itself: the kind, and the number behind
--                                     it (src/lua/lrecord.c)
--
-- and those of scalars and text have
--
--   check(value, name)                raises for a wrong value; returns what to hand to `put`
--   put(view, offset, checked)        writes it
local core = require "filemap.core"
local ctype = require "filemap.ctype"

local methods = core.view

local access = {}

--- The byte order of this machine: "<" or ">".
access.native = ctype.native_order

-- The folder of these modules: filemap/struct.lua and what is in filemap/struct/.
local own = debug.getinfo(1, "S").source:match("^(.*)[/\\]") or "@filemap/struct"
core.own_sources(own)

--- The source name of generated functions. With it they count as functions of these modules.
access.made = own .. " (made)"

--- Raises with the position of the program: of the first function outside these modules. (C would end the
-- message at a NUL of a name.)
function access.raise(message, ...) core.raise((message:format(...):gsub("%z", "\\0"))) end
local raise = access.raise

--- Raises unless argument n of a call has a type of Lua.
function access.expect(n, call, expected, value)
  if type(value) == expected then return end
  raise("bad argument #%d to '%s' (%s expected, got %s)", n, call, expected, core.type_name(value))
end

--- The table itself if it has no metatable, else a copy. Reading it then runs no code of the program.
function access.plain(t)
  if getmetatable(t) == nil then return t end
  local copy = {}
  for key, value in next, t do copy[key] = value end
  return copy
end

-- From C: the name of a value's type; and check_range(what, view, offset, size), which raises if it is wrong.
access.type_name, access.check_range = core.type_name, core.check_range

--- A value in a message or a shown record. A long string is cut.
function access.show(value)
  if type(value) ~= "string" then return tostring(value) end
  -- (The cut is before a character of UTF-8, not in it.)
  return ("%q"):format(#value > 40 and value:sub(1, 41):gsub("[^\x80-\xBF][\x80-\xBF]*$", "") .. "…" or value)
end

--- The formats of string.pack for the types of numbers, and the codes that C has for the types, for text and
--- for objects that are kept in slots. An unsigned integer of 64 bits has the bits of a Lua integer.
access.formats, access.codes = {}, { text = 14, object = 15 }
for i, type_ in ipairs(core.types) do
  local letter = not type_.least and (type_.size == 4 and "f" or "d") or type_.least < 0 and "i" or "I"
  access.formats[type_.name] = type_.least and letter .. type_.size or letter
  access.codes[type_.name] = i - 1
end
local formats = access.formats
local codes = access.codes

--- The greatest number that a code can have: of bytes of a text, or of a slot.
access.MOST_IN_CODE = 2047

--- A code for C, from a kind, a number and an offset.
function access.code(kind, number, offset) return kind | number << 4 | offset << 15 end

-- {-- Scalars --------------------------------------------------------------------------------------

local function number(type_, order)
  local T, check, code = type_.T, core.record.check_number, codes[type_.T]
  local accessor = { check = function(value, name) return check(value, name, code) end }
  if T and (order == access.native or ctype.number_size[T] == 1) then
    accessor.get, accessor.put, accessor.code = methods["get_" .. T], methods["set_" .. T], code
    return accessor
  end
  local format, unpack, pack = order .. (formats[T] or "I" .. type_.size), methods.unpack, methods.pack
  function accessor.get(view, offset) return (unpack(view, format, offset)) end
  function accessor.put(view, offset, n) pack(view, format, offset, n) end
  return accessor
end

-- An accessor for a number that Lua sees as another value. `read` and `check` convert one into the other.
local function mapped(base, read, check)
  local get = base.get
  return { put = base.put, check = check, read = read,
    get = function(view, offset) return read(get(view, offset)) end }
end

local function bool(type_, order)
  return mapped(number(type_, order), function(n) return n ~= 0 end, function(value, name)
    if type(value) == "boolean" then return value and 1 or 0 end
    return raise("field '%s': boolean expected, got %s", name, access.type_name(value))
  end)
end

local function enum(type_, order)
  local by_value, by_name, base = type_.by_value, type_.by_name, number(type_, order)
  return mapped(base, function(n) return by_value[n] or n end, function(value, name)
    if type(value) ~= "string" then return base.check(value, name) end
    return by_name[value]
      or raise("field '%s': %s has no name %s", name, type_.name or "the enum", access.show(value))
  end)
end

local scalars = { number = number, pointer = number, char = number, bool = bool, enum = enum }

-- {-- Bit-fields -----------------------------------------------------------------------------------

--- The types of numbers for units of so many bytes. Other units, cut at the end of a struct, have no type.
access.unit_types = { "u8", "u16", [4] = "u32", [8] = "u64" }

-- Two functions: one reads the unit's value from bit `first` on, the other writes bits there. Of a unit of 9
-- bytes, one of which has only its highest bits, `first` is not 0.
local function unit_access(bytes, order)
  local size = math.min(bytes, 8)
  local base = number({ T = access.unit_types[size], size = size }, order)
  local get, set, low = base.get, base.put, order == ">" and bytes - size or 0
  local get_byte, set_byte, high = methods.get_u8, methods.set_u8, order == "<" and 8 or 0
  local function read(view, offset, first) return get(view, offset + low) >> first end
  local function write(view, offset, first, value, mask)
    set(view, offset + low, get(view, offset + low) & ~(mask << first) | value << first)
  end
  if bytes == size then return read, write end
  return function(view, offset, first)
    return read(view, offset, first) | get_byte(view, offset + high) << 64 - first
  end, function(view, offset, first, value, mask)
    write(view, offset, first, value, mask)
    local rest = get_byte(view, offset + high) & ~(mask >> 64 - first)
    set_byte(view, offset + high, rest | value >> 64 - first)
  end
end

--- A function from the bits of a bit-field to its value; and the accessor of its type.
function access.bits(field, order)
  local kind, T, width = field.type.kind, field.type.T, field.bits.width
  local signed = kind ~= "bool" and T:sub(1, 1) == "i" and width < 64
  local sign, base = 1 << width - 1, scalars[kind](field.type, order)
  local read = base.read or function(n) return n end
  return function(n)
    if signed then n = (n ~ sign) - sign end
    return read(n)
  end, base
end

--- A mask of the lowest `width` bits.
function access.mask(width) return width == 64 and -1 or (1 << width) - 1 end

-- The accessor of a bit-field. Writing reads the unit and leaves its other bits as they are.
local function bit_field(field, record, order)
  local width = field.bits.width
  local first, mask = ctype.first_bit(field, record, order), access.mask(width)
  local get, set = unit_access(field.unit, order)
  local value_of, base = access.bits(field, order)
  local signed = field.type.T:sub(1, 1) == "i" and field.type.kind ~= "bool"
  local least = width == 64 and math.mininteger or signed and -(1 << width - 1) or 0
  local greatest = width == 64 and math.maxinteger or signed and (1 << width - 1) - 1 or mask
  return {
    get = function(view, offset) return value_of(get(view, offset, first) & mask) end,
    check = function(value, name)
      local n = base.check(value, name)
      if n < least or n > greatest then raise("field '%s': %d does not fit %d bits", name, n, width) end
      return n
    end,
    put = function(view, offset, n) set(view, offset, first, n & mask, mask) end,
  }
end

-- {-- Strings --------------------------------------------------------------------------------------

-- A function(view, offset) that reads a string of `count` units. The unit is 0 for bytes that are not text.
local function string_getter(unit, swapped, count)
  local get, decode = methods.get_string, core.decode_text
  if swapped then
    return function(view, offset) return decode(get(view, offset, unit * count), unit, true) end
  end
  if unit > 0 then get = methods[unit == 1 and "get_cstring" or "get_utf" .. unit * 8] end
  return function(view, offset) return get(view, offset, count) end
end

--- The accessor of a string of `count` elements of a type, in an order.
function access.string(of, order, count)
  local unit, check = of.kind == "bytes" and 0 or of.unit, core.check_string
  local swapped = unit > 1 and order ~= access.native
  local size, set_string, fill = of.size * count, methods.set_string, methods.fill
  local accessor = { get = string_getter(unit, swapped, count),
    check = function(value, name) return check(value, name, unit, count, swapped) end }
  function accessor.put(view, offset, s)
    set_string(view, offset, s)
    if #s < size then fill(view, offset + #s, size - #s, 0) end
  end
  if count == 0 then accessor.get, accessor.put = function() return "" end, function() end end
  if unit == 1 and count <= access.MOST_IN_CODE then accessor.code, accessor.number = codes.text, count end
  return accessor
end

-- {-- By kind --------------------------------------------------------------------------------------

--- Adds `write` and `collect` to an accessor with `check` and `put`, or with another `put`.
function access.complete(accessor, other_put)
  local check, put = accessor.check, other_put or accessor.put
  function accessor.write(view, offset, value, name) put(view, offset, check(value, name)) end
  function accessor.collect(list, offset, value, name)
    local n = #list
    list[n + 1], list[n + 2], list[n + 3] = put, offset, check(value, name)
  end
  return accessor
end

--- Writes what was collected.
function access.write(view, list)
  for i = 1, #list, 3 do list[i](view, list[i + 1], list[i + 2]) end
end

-- The accessors that were made, by order and type. They live as long as their types.
local cache = { ["<"] = setmetatable({}, { __mode = "k" }), [">"] = setmetatable({}, { __mode = "k" }) }
local makers = {}

--- Sets how the accessors of a kind are made. (Objects are defined in a module above this one.)
function access.register(kind, maker) makers[kind] = maker end

--- The accessor of a type in an order.
function access.of(type_, order)
  local found = cache[order][type_]
  if found then return found end
  if ctype.is_string(type_) then found = access.complete(access.string(type_.of, order, type_.count))
  elseif scalars[type_.kind] then found = access.complete(scalars[type_.kind](type_, order))
  else found = makers[type_.kind](type_, order) end
  found.type, found.order = type_, order
  cache[order][type_] = found
  return found
end

--- The accessor of a member, which may be a bit-field.
function access.of_member(field, record, order)
  if field.bits then return access.complete(bit_field(field, record, order)) end
  return access.of(field.type, order)
end

return access
