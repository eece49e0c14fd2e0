-- How each C type is read and written in a view, in place. Internal to filemap.struct.
--
-- An accessor is what a type comes to in one byte order:
--
--   get(view, offset, name)         the value; of structs and arrays an object in its place
--   set(view, offset, value, name)  writes a scalar or a text; raises for what does not fit, naming the field
--   check(value, name, level)       raises likewise, and writes nothing; returns what to hand to set
--   collect(list, offset, value, name)
--                                   checks, and adds to the list what is to be written: set, offset, value
--
-- Structs and arrays have no set and check: what they are given is collected first and written then.
local core = require "filemap.core"
local ctype = require "filemap.ctype"
local text = require "filemap.struct.text"

local methods = core.view

local access = {}

-- Which order is this machine's: "<" or ">".
access.native = string.pack("=I2", 1) == "\1\0" and "<" or ">"

-- The modules of structs: filemap/struct.lua and what is in filemap/struct/.
local own = debug.getinfo(1, "S").source:match("^(.*)[/\\]") or "@filemap/struct"
core.own_sources(own)

--- What functions that are made from text say they are, so that they count among these.
access.made = own .. " (made)"

-- Raises with the position of who uses the struct: the first function outside these modules.
function access.raise(message, ...)
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info then break end
    if info.what ~= "C" and info.source:sub(1, #own) ~= own then break end
    level = level + 1
  end
  error(message:format(...), level)
end
local raise = access.raise

--- A table as it is, without metamethods: what is read of a program's table runs nothing of the program's.
function access.plain(t)
  if getmetatable(t) == nil then return t end
  local copy = {}
  for key, value in next, t do copy[key] = value end
  return copy
end

local function shown(value)
  if type(value) == "string" then return ("%q"):format(#value > 40 and value:sub(1, 40) .. "…" or value) end
  return tostring(value)
end

local formats = {
  i8 = "b", u8 = "B", i16 = "i2", u16 = "I2", i32 = "i4", u32 = "I4", i64 = "i8", u64 = "i8", f32 = "f", f64 = "d",
}
--- The format of string.pack for one of the view's types.
access.formats = formats

-- {-- Scalars --------------------------------------------------------------------------------------

-- The number that a value is, if the type T can hold it.
local function check_number(T, value, name)
  local number = tonumber(value)
  if not number then raise("field '%s': number expected, got %s", name, type(value)) end
  local least, greatest = ctype.bounds(T)
  if not least then return number end
  local integer = math.tointeger(number)
  if not integer then raise("field '%s': %s is no integer", name, shown(value)) end
  if integer < least or integer > greatest then raise("field '%s': %d does not fit %s", name, integer, T) end
  return integer
end

-- The same for one type, quick for what is right already.
local function number_check(T)
  local least, greatest = ctype.bounds(T)
  local right, kind_of = least and "integer" or "float", math.type
  return function(value, name)
    if kind_of(value) == right and (not least or value >= least and value <= greatest) then return value end
    return check_number(T, value, name)
  end
end

-- Numbers in the machine's order are the view's own methods: nothing stands between a record and them.
local function number(T, order)
  local check = number_check(T)
  if order == access.native or ctype.number_size[T] == 1 then
    return { get = methods["get_" .. T], set = methods["set_" .. T], check = check }
  end
  local format, unpack, pack = order .. formats[T], methods.unpack, methods.pack
  return {
    get = function(view, offset) return (unpack(view, format, offset)) end,
    set = function(view, offset, value, name) pack(view, format, offset, check(value, name)) end,
    check = check,
  }
end

-- A number that Lua sees as something else: `read` and `check` turn one into the other.
local function mapped(base, read, check)
  local get, set = base.get, base.set
  return {
    get = function(view, offset) return read(get(view, offset)) end,
    set = function(view, offset, value, name) set(view, offset, check(value, name), name) end,
    check = check,
    set_checked = set, read = read,
  }
end

local function bool(_, order)
  return mapped(number("u8", order), function(n) return n ~= 0 end, function(value, name)
    if type(value) ~= "boolean" then raise("field '%s': boolean expected, got %s", name, type(value)) end
    return value and 1 or 0
  end)
end

local function enum(type_, order)
  local by_value, by_name, check = type_.by_value, type_.by_name, number_check(type_.T)
  return mapped(number(type_.T, order), function(n) return by_value[n] or n end, function(value, name)
    if type(value) ~= "string" then return check(value, name) end
    return by_name[value] or raise("field '%s': %s is no name of %s", name, shown(value), type_.name or "the enum")
  end)
end

local function plain(type_, order) return number(type_.T, order) end

local scalars = { number = plain, pointer = plain, char = plain, bool = bool, enum = enum }

-- {-- Bit-fields -----------------------------------------------------------------------------------

-- The bytes of a unit as one integer, and back, byte by byte: the way of units that no type of number has.
local function bytewise(bytes, order)
  local function shift(i) return 8 * (order == "<" and i or bytes - 1 - i) end
  local get, set = methods.get_u8, methods.set_u8
  return function(view, offset, first)
    local n = 0
    for i = 0, bytes - 1 do n = n | get(view, offset + i) << shift(i) - first end
    return n
  end, function(view, offset, first, value, mask)
    for i = 0, bytes - 1 do
      local s = shift(i) - first
      local bits, keep = value >> s & 0xff, ~(mask >> s) & 0xff
      set(view, offset + i, get(view, offset + i) & keep | bits)
    end
  end
end

local unit_types = { "u8", "u16", [4] = "u32", [8] = "u64" }

-- The unit's value from bit `first` on, and a way to put bits there.
local function unit_access(bytes, order)
  local T = unit_types[bytes]
  if not T then return bytewise(bytes, order) end
  local base = number(T, order)
  local get, set = base.get, base.set
  return function(view, offset, first)
    return get(view, offset) >> first
  end, function(view, offset, first, value, mask)
    set(view, offset, get(view, offset) & ~(mask << first) | value << first)
  end
end

--- What a bit-field's bits mean: a function from them to the value.
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

-- The first bit, whichever order the layout was made for.
function access.first_bit(field, record, order)
  local first, width = field.bits.first, field.bits.width
  if (record.endian or "<") == order then return first end
  return field.unit * 8 - first - width
end

--- A bit-field's accessor. Writing reads the unit, and leaves its other bits as they are.
function access.bit_field(field, record, order)
  local width = field.bits.width
  local first, mask = access.first_bit(field, record, order), width == 64 and -1 or (1 << width) - 1
  local get, set = unit_access(field.unit, order)
  local value_of, base = access.bits(field, order)
  local signed = field.type.T:sub(1, 1) == "i" and field.type.kind ~= "bool"
  local least = width == 64 and math.mininteger or signed and -(1 << width - 1) or 0
  local greatest = width == 64 and math.maxinteger or signed and (1 << width - 1) - 1 or mask
  local function check(value, name)
    local n = base.check(value, name)
    if n < least or n > greatest then raise("field '%s': %d does not fit %d bits", name, n, width) end
    return n
  end
  return {
    get = function(view, offset) return value_of(get(view, offset, first) & mask) end,
    set = function(view, offset, value, name) set(view, offset, first, check(value, name) & mask, mask) end,
    check = check,
    set_checked = function(view, offset, n) set(view, offset, first, n & mask, mask) end,
  }
end

-- {-- Text -----------------------------------------------------------------------------------------

-- An array of characters: text up to NUL, or to its end where there is none.
local function characters(type_, order)
  local unit, count = type_.of.unit, type_.count
  local function check(value, name)
    if type(value) ~= "string" then raise("field '%s': string expected, got %s", name, type(value)) end
    local why = text.misfit(value, unit, count)
    if why then raise("field '%s': %s", name, why) end
    return value
  end
  if count == 0 then
    return { get = function() return "" end, set = function(_, _, value, name) check(value, name) end, check = check }
  end
  if unit == 1 or order == access.native then
    local suffix = unit == 1 and "cstring" or "utf" .. unit * 8
    local get, set = methods["get_" .. suffix], methods["set_" .. suffix]
    return {
      get = function(view, offset) return get(view, offset, count) end,
      set = function(view, offset, value, name) set(view, offset, check(value, name), count) end,
      check = check,
    }
  end
  return {
    get = function(view, offset) return text.decode(methods.get_string(view, offset, unit * count), unit, order) end,
    set = function(view, offset, value, name)
      methods.set_string(view, offset, text.encode(check(value, name), unit, count, order))
    end,
    check = check,
  }
end

-- {-- By kind --------------------------------------------------------------------------------------

local function with_collect(accessor)
  local check, set = accessor.check, accessor.set_checked or accessor.set
  function accessor.collect(list, offset, value, name)
    local n = #list
    list[n + 1], list[n + 2], list[n + 3] = set, offset, check(value, name)
  end
  return accessor
end

--- Is it an array whose value is one text?
function access.is_text(type_)
  return type_.kind == "array" and type_.of.kind == "char"
end

--- Writes what was collected.
function access.write(view, list)
  for i = 1, #list, 3 do list[i](view, list[i + 1], list[i + 2]) end
end

-- Accessors by type and order: types live on with their accessors.
local cache = { ["<"] = setmetatable({}, { __mode = "k" }), [">"] = setmetatable({}, { __mode = "k" }) }
local makers = {}

--- How structs, unions and arrays are accessed; set by the modules that know.
function access.register(kind, maker) makers[kind] = maker end

--- The accessor of a type in an order.
function access.of(type_, order)
  local found = cache[order][type_]
  if found then return found end
  if access.is_text(type_) then found = with_collect(characters(type_, order))
  elseif scalars[type_.kind] then found = with_collect(scalars[type_.kind](type_, order))
  else found = makers[type_.kind](type_, order) end
  cache[order][type_] = found
  return found
end

--- The accessor of a member, which may be a bit-field.
function access.of_member(field, record, order)
  if field.bits then return with_collect(access.bit_field(field, record, order)) end
  return access.of(field.type, order)
end

return access
