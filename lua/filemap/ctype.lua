-- C types of each ABI, and the members of structs by their paths. This module touches no memory. Internal:
-- filemap.struct uses these types, filemap.cdef makes them from C declarations, and filemap.ctype.layout lays
-- out structs and unions.
--
-- A type is a table with `kind`, `size` and `align` in bytes, `required` (the part of the alignment that
-- Microsoft's #pragma pack does not limit; nil without one), and by kind
--
--   number   T, one of the view's types; name
--   bool     T = "u8"
--   pointer  T = "u32" or "u64": its value is a number
--   char     T, unit = 1, 2 or 4 bytes: the innermost dimension of an array of it is text; alone it is a
--            number
--   bytes    T = "u8": the innermost dimension of an array of it is one string
--   array    of, count (0: flexible, or without elements), empty (the number of all elements, if these have 0
--            bytes)
--   enum     T, name, names (in order), by_name, by_value (the first name of a value)
--   struct, union
--            name, fields (in order), by_name (also the members of anonymous members, at their sums of
--            offsets), and with Microsoft's rules given (the greatest alignment that it or a member was
--            given) and base_size (its size as a base)
--
-- A field is { name, type, offset }, and for a bit-field `unit` and `bits = { first, width }`: the `unit`
-- bytes at `offset`, read as one integer in the record's byte order, hold the value `width` bits from bit
-- `first`.
--
-- Errors are raised as sentences without a position: the caller knows the position of the declaration.

local core = require "filemap.core"

local ctype = {}

-- {-- ABIs -----------------------------------------------------------------------------------------

-- long, pointer and wchar: their sizes in bytes; endian: the byte order; align64: the alignment of 8-byte
-- numbers in a struct; biggest: the alignment of `__attribute__((aligned))`; vector: the greatest alignment
-- of a vector, nil if there is none; long_double and va_list: size and alignment (without the former, long
-- double is a double); unsigned_char and unsigned_wchar: whether char and wchar_t are unsigned; bitfields:
-- the compiler whose rules hold; unnamed_align: whether a bit-field without a name aligns its struct too.
local abis = {}

--- The names of the ABIs, in the order of the documentation.
ctype.abi_names = {}

-- Adds an ABI, which has what `base` has and it lacks.
local function add_abi(name, abi, base)
  for key, value in pairs(base or {}) do
    if abi[key] == nil then abi[key] = value end
  end
  abi.name = name
  abis[name] = abi
  ctype.abi_names[#ctype.abi_names + 1] = name
end

add_abi("linux64", { long = 8, pointer = 8, wchar = 4, endian = "<", align64 = 8, biggest = 16,
  long_double = { 16, 16 }, va_list = { 24, 8 }, bitfields = "gcc" })
add_abi("linux32", { long = 4, pointer = 4, align64 = 4, long_double = { 12, 4 }, va_list = { 4, 4 } },
  abis.linux64)
add_abi("win64", { windows = true, long = 4, pointer = 8, wchar = 2, endian = "<", align64 = 8, biggest = 16,
  bitfields = "msvc" })
add_abi("win32", { pointer = 4 }, abis.win64)
add_abi("arm64", { unsigned_char = true, unsigned_wchar = true, unnamed_align = true, vector = 16,
  va_list = { 32, 8 } }, abis.linux64)
add_abi("arm32", { long = 4, pointer = 4, wchar = 4, endian = "<", align64 = 8, biggest = 8, vector = 8,
  unsigned_char = true, unsigned_wchar = true, unnamed_align = true, va_list = { 4, 4 }, bitfields = "gcc" })
add_abi("riscv64", { unsigned_char = true, va_list = { 8, 8 } }, abis.linux64)
add_abi("ppc64le", {}, abis.riscv64)
add_abi("s390x", { unsigned_char = true, endian = ">", biggest = 8, long_double = { 16, 8 },
  va_list = { 32, 8 } }, abis.linux64)

--- The ABI of a name; nil for an unknown name.
function ctype.abi(name)
  return abis[name]
end

--- The byte order of this machine: "<" or ">".
ctype.native_order = core.abi.endian

-- The ABI of this machine. A processor that has no name here has the layout of the compiler that built this
-- library, but no predefined macros, so that headers cannot be read for it.
ctype.native_abi = package.config:sub(1, 1) == "\\" and abis["win" .. core.abi.pointer * 8]
  or abis[core.abi.name] or core.abi

--- The metatable of all types.
ctype.metatable = {
  __name = "filemap.type",
  __tostring = function(self)
    return ("filemap.%s (%s)"):format(self.kind, self.name or self.size .. " bytes")
  end,
}

--- Makes a type of a table with the fields above.
function ctype.new(type)
  return setmetatable(type, ctype.metatable)
end

local new = ctype.new

-- {-- Scalars and arrays ---------------------------------------------------------------------------

--- The greatest size of a type, in bytes. No machine has a larger address space, and sums of such sizes stay
--- far below 2^63.
ctype.greatest_size = 1 << 47

-- The types of numbers are those of views (src/lua/types.h).
local number_size, integer_bounds = {}, {}
for _, type in ipairs(core.types) do
  number_size[type.name] = type.size
  if type.least then integer_bounds[type.name] = { type.least, type.greatest } end
end
ctype.number_size = number_size

local function number_align(T, abi)
  local size = number_size[T]
  return size == 8 and (abi or ctype.native_abi).align64 or size
end

--- A number: T is one of the view's types.
function ctype.number(T, abi, name)
  return new { kind = "number", T = T, size = number_size[T], align = number_align(T, abi), name = name or T }
end

function ctype.bool()
  return new { kind = "bool", T = "u8", size = 1, align = 1, name = "bool" }
end

function ctype.pointer(abi)
  local size = (abi or ctype.native_abi).pointer
  return new { kind = "pointer", T = "u" .. size * 8, size = size, align = size, name = "pointer" }
end

local char_names = { "char", "utf16", [4] = "utf32" }

--- The number that a plain char is in an ABI.
function ctype.char_number(abi)
  return abi.unsigned_char and "u8" or "i8"
end

--- The number that a wchar_t is in an ABI.
function ctype.wchar_number(abi)
  return abi.wchar == 2 and "u16" or abi.unsigned_wchar and "u32" or "i32"
end

--- A character of `unit` bytes. As a number it is of the type T: by default a plain char, or unsigned.
function ctype.char(unit, abi, T)
  T = T or unit == 1 and ctype.char_number(abi or ctype.native_abi) or "u" .. unit * 8
  return new { kind = "char", T = T, unit = unit, size = unit, align = unit, name = char_names[unit] }
end

--- A byte of a field of bytes.
function ctype.bytes()
  return new { kind = "bytes", T = "u8", size = 1, align = 1, name = "bytes" }
end

-- Functions on types recurse into the types inside them. At this depth no stack overflows.
local MOST_LEVELS = 64

--- The nesting level of a type that contains `inner`, and that is at `level` because of its other parts.
function ctype.level_above(inner, level)
  level = math.max(level or 0, (inner.level or 0) + 1)
  if level > MOST_LEVELS then error(("types are nested more than %d deep"):format(MOST_LEVELS), 0) end
  return level
end

-- Any number of elements of 0 bytes fits in memory. The limit keeps reading them finite.
local MOST_EMPTY = 1 << 16

--- `count` elements, which may be 0.
function ctype.array(of, count)
  if count < 0 then error(("an array cannot have %d elements"):format(count), 0) end
  local empty = of.size == 0 and (of.empty or 1) or nil
  if count > (empty and MOST_EMPTY // empty or ctype.greatest_size // of.size) then
    error(("an array of %d elements of %d bytes is too large"):format(count, of.size), 0)
  end
  local level = ctype.level_above(of)
  return new { kind = "array", of = of, count = count, size = of.size * count, align = of.align,
    required = of.required, level = level, empty = empty and math.max(empty * count, 1) }
end

--- The least and greatest integer of an integer type; nil for the others.
function ctype.bounds(T)
  local bounds = integer_bounds[T]
  if bounds then return bounds[1], bounds[2] end
end

-- The first name of each value, found when a value is first looked up: most enumerations are never read.
local function names_by_value(names, by_name)
  return setmetatable({}, { __index = function(t, value)
    setmetatable(t, nil)
    for i = #names, 1, -1 do t[by_name[names[i]]] = names[i] end
    return t[value]
  end })
end

--- An enumeration: an array of names, and their values by name. Where two names have one value, it reads as
-- the first.
function ctype.enum(name, T, names, by_name, abi)
  local least, greatest = ctype.bounds(T)
  for _, word in ipairs(names) do
    local value = by_name[word]
    if value < least or value > greatest then
      error(("'%s' = %d does not fit %s"):format(word, value, T), 0)
    end
  end
  return new { kind = "enum", T = T, size = number_size[T], align = number_align(T, abi), name = name,
               names = names, by_name = by_name, by_value = names_by_value(names, by_name) }
end

--- An enumeration as the type of a bit-field: unsigned where no value is negative, as gcc's is.
function ctype.enum_bits(type)
  for _, value in next, type.by_name do
    if value < 0 then return type end
  end
  local copy = new {}
  for k, v in pairs(type) do copy[k] = v end
  copy.T = "u" .. type.size * 8
  return copy
end

--- The same type with another alignment (`typedef int x __attribute__((aligned(8)))`).
function ctype.aligned(type, align)
  local copy = new {}
  for k, v in pairs(type) do copy[k] = v end
  copy.align, copy.is_aligned = align, true
  return copy
end

--- The same type with an alignment as Microsoft's compiler gives it (`typedef __declspec(align(8)) int x`):
-- it only adds to the type's own, and #pragma pack does not limit it.
function ctype.required(type, align)
  local copy = ctype.aligned(type, math.max(type.align, align))
  copy.required = math.max(type.given or type.required or 1, align)
  return copy
end

-- {-- Members of records --------------------------------------------------------------------------

local made, counts = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })

--- The members by which a record is used, in order: { name, field, offset, record, endian }. Those of
--- anonymous members are in the place of these; `record` is the struct or union that has the field, and
--- `endian` the byte order of that or of the nearest one around it that has one.
function ctype.members(record)
  if made[record] then return made[record] end
  local found = {}
  local function add(of, base, endian)
    endian = of.endian or endian
    for _, field in ipairs(of.fields) do
      if field.name then
        found[#found + 1] = { name = field.name, field = field, offset = base + field.offset, record = of,
          endian = endian }
      elseif field.type.fields then add(field.type, base + field.offset, endian) end
    end
  end
  add(record, 0)
  made[record] = found
  return found
end

--- Whether a type is an array whose value is one string: text or bytes.
function ctype.is_string(type)
  return type.kind == "array" and (type.of.kind == "char" or type.of.kind == "bytes")
end

--- How many scalars and strings there are in a type.
function ctype.values(type)
  local n = counts[type]
  if n then return n end
  n = 1
  if type.fields then
    n = 0
    for _, member in ipairs(ctype.members(type)) do n = n + ctype.values(member.field.type) end
  elseif type.kind == "array" and not ctype.is_string(type) then
    n = math.max(type.count * ctype.values(type.of), 1)
  end
  counts[type] = n
  return n
end

--- The flexible array at the end of a struct: its member, or nil.
function ctype.tail(record)
  local last = record.kind == "struct" and record.fields[#record.fields]
  local type = last and last.name and last.type
  if type and type.kind == "array" and type.count == 0 and type.of.size > 0 then
    local list = ctype.members(record)
    return list[#list]
  end
end

--- The first bit of a bit-field in a byte order, which may not be the one that the layout was made for.
function ctype.first_bit(field, record, order)
  local first, width = field.bits.first, field.bits.width
  if (record.endian or "<") == order then return first end
  return field.unit * 8 - first - width
end

-- The member of a type by its name; nil if there is none.
local function member_of(type, name)
  for _, m in ipairs(type.fields and ctype.members(type) or {}) do
    if m.name == name then return m end
  end
end

-- Raises for the rest of a path that does not lead into what comes before it.
local function fail_path(path, shown, rest, name, index)
  if name then error(("'%s': %s has no field '%s'"):format(path, shown, name), 0) end
  if index then error(("'%s': %s has no elements"):format(path, shown), 0) end
  error(("'%s': expected a field or an element of %s, got '%s'"):format(path, shown, rest), 0)
end

--- Resolves a path such as "cars[3].pos[1]" to { type, offset, order, field, record }, the last two of
-- members.
function ctype.resolve(record, path, order)
  local at = { type = record, offset = 0, order = record.endian or order }
  local rest, shown = path, record.name or record.kind
  repeat
    local name, after_name = rest:match(rest == path and "^([^%.%[]+)(.*)$" or "^%.([^%.%[]+)(.*)$")
    local index, after_index = rest:match("^%[(%d+)%](.*)$")
    local type = at.type
    if index and type.kind == "array" and not ctype.is_string(type) then
      index = math.tointeger(tonumber(index))
      local tail = at.field and ctype.tail(at.record)
      local most = tail and tail.field == at.field and ctype.greatest_size // type.of.size or type.count
      if not index or index < 1 or index > most then
        error(("'%s': index %s of %s is not in 1..%d"):format(path, rest:match("%d+"), shown, type.count), 0)
      end
      at = { type = type.of, offset = at.offset + (index - 1) * type.of.size,
             order = type.of.endian or at.order }
      rest = after_index
    elseif name and member_of(type, name) then
      local m = member_of(type, name)
      at = { type = m.field.type, offset = at.offset + m.offset,
             order = m.field.type.endian or m.endian or at.order, field = m.field, record = m.record }
      rest = after_name
    else
      fail_path(path, shown, rest, name, index)
    end
    shown = path:sub(1, #path - #rest)
  until rest == ""
  return at
end

-- {-- Arrays of bytes as strings -------------------------------------------------------------------

-- An array of u8 of any dimension, whose innermost dimension becomes one of `element`; nil for another type.
local function as_strings(type, element)
  if type.kind ~= "array" then return nil end
  local inner = type.of.kind == "number" and type.of.T == "u8" and element or as_strings(type.of, element)
  if not inner then return nil end
  local copy = new {}
  for k, v in pairs(type) do copy[k] = v end
  copy.of = inner
  return copy
end

-- The type of the elements of an array of any dimension; of another type the type itself.
local function innermost(type)
  while type.kind == "array" do type = type.of end
  return type
end

local function convert_all(record, element, seen)
  if seen[record] then return end
  seen[record] = true
  for _, field in ipairs(record.fields) do
    field.type = as_strings(field.type, element) or field.type
    local inner = innermost(field.type)
    if inner.fields then convert_all(inner, element, seen) end
  end
end

-- Converts the field that a path leads to. Returns whether there is one that is an array of u8, or was one
-- before another path led to it.
local function convert_path(record, element, path)
  local well, at = pcall(ctype.resolve, record, path)
  if not well then return false end
  if at.type.kind == "array" and innermost(at.type) == element then return true end
  if not as_strings(at.type, element) then return false end
  while not at.field do -- (the path leads to an element of an array of arrays, which is converted whole)
    path = path:gsub("%[%d+%]$", "")
    at = ctype.resolve(record, path)
  end
  at.field.type = as_strings(at.field.type, element)
  return true
end

--- Turns arrays of u8 in records into strings, whose elements are of the type `element`.
-- @param records array of structs and unions
-- @param paths `true` for all such arrays, also in inner structs; or an array of paths, as for offsetof, each
-- relative to any of the records
function ctype.make_strings(records, element, paths)
  local seen = {}
  for _, record in ipairs(paths == true and records or {}) do convert_all(record, element, seen) end
  for i, path in ipairs(paths ~= true and paths or {}) do
    if type(path) ~= "string" then error(("path %d must be a string, got %s"):format(i, type(path)), 0) end
    local found = false
    for _, record in ipairs(records) do found = convert_path(record, element, path) or found end
    if not found then error(("'%s' is not an array of uint8_t in any struct"):format(path), 0) end
  end
end

return ctype
