--- The types of numbers, as src/lua/types.h has them. A type has its name, its C type, its size in bytes, for
-- an integer its bounds, and whether there are atomic methods of it.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"

local types = {
  { name = "i8", c = "int8_t", size = 1, least = -2^7, greatest = 2^7 - 1 },
  { name = "u8", c = "uint8_t", size = 1, least = 0, greatest = 2^8 - 1 },
  { name = "i16", c = "int16_t", size = 2, least = -2^15, greatest = 2^15 - 1 },
  { name = "u16", c = "uint16_t", size = 2, least = 0, greatest = 2^16 - 1 },
  { name = "i32", c = "int32_t", size = 4, least = -2^31, greatest = 2^31 - 1, atomic = true },
  { name = "u32", c = "uint32_t", size = 4, least = 0, greatest = 2^32 - 1, atomic = true },
  -- A number below 2^63 is at most 2^63-1024, and one below 2^64 at most 2^64-2048.
  { name = "i64", c = "int64_t", size = 8, least = -2^63, greatest = 2^63 - 1024, atomic = true },
  { name = "u64", c = "uint64_t", size = 8, least = 0, greatest = 2^64 - 2048, atomic = true },
  { name = "f32", c = "float", size = 4 },
  { name = "f64", c = "double", size = 8 },
}

--- Makes the methods of a type from the text of a Lua chunk, in which $T, $C, $SIZE, $LEAST and $GREATEST
-- stand for its properties. Each type has code of its own, which LuaJIT compiles for it alone. `names` are
-- the chunk's arguments.
function types.compile(kind, template, names)
  local known = { T = kind.name, C = kind.c, SIZE = kind.size,
    LEAST = ("%.0f"):format(kind.least or 0), GREATEST = ("%.0f"):format(kind.greatest or 0) }
  local source = debug.getinfo(2, "S").source
  return assert(loadstring(template:gsub("%$(%u+)", known), source))(names, kind)
end

-- The bounds that messages have for the types of 64 bits.
local bounds = {
  i64 = { "-9223372036854775808", "9223372036854775807" },
  u64 = { "-9223372036854775808", "18446744073709551615" },
}

local int64, uint64 = ffi.typeof "int64_t", ffi.typeof "uint64_t"

-- A number or cdata of an integer that a type of 64 bits can hold; u64 takes the bits of negative ones.
local function to_wide(kind, x)
  if ffi.istype(uint64, x) then return (kind.name == "u64" or x <= 0x7fffffffffffffffULL) and x or nil end
  if ffi.istype(int64, x) then return x end
  return x < 0 and ffi.cast(int64, x) or x
end

--- Converts a value that a method of the type does not write as it is: a string, cdata, a number out of
-- range. It raises if the value does not fit.
function types.convert(kind, number, value)
  local x = arguments.is_wide(value) and value or type(value) ~= "cdata" and tonumber(value) or nil
  if not x then errors.type(number, "number", value) end
  if not kind.least then return tonumber(x) end
  local most = math.max(2^63 - 1024, kind.greatest) -- only u64 has more
  if type(x) == "number" and not (x >= -2^63 and x <= most and math.floor(x) == x) then
    errors.argument(number, "number has no integer representation")
  end
  local fitting
  if kind.size == 8 then fitting = to_wide(kind, x)
  else
    local n = arguments.to_integer(x)
    fitting = n and n >= kind.least and n <= kind.greatest and tonumber(n) or nil
  end
  if fitting then return fitting end
  local bound = bounds[kind.name] or { errors.integer(kind.least), errors.integer(kind.greatest) }
  errors.argument(number, "%s does not fit %s (%s to %s)", errors.integer(x), kind.name, bound[1], bound[2])
end

return types
