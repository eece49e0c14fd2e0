--- C structs over a view, in the platform's C layout: nothing reordered, padding as the compiler pads.
--
--     local Player = struct.define("Player", {
--       { "id", "u32" }, { "pos", "f32", 3 }, { "name", "char", 32 },
--     }, { pack = 4 })
--     local p = Player:at(view, 64)
--     p.pos[1] = p.pos[1] + 0.5
--
-- A field is `{ name, type [, n [, n ...]] [, offset =] [, bits =] [, align =] }`: an array of n, or of n by n.
-- Its type is a word or another type. Words are the types of numbers (`i8 u8 i16 u16 i32 u32 i64 u64 f32 f64`),
-- `bool`, `pointer` (an integer), and `char`, `utf16`, `utf32`, arrays of which are text up to NUL. The name
-- `""` stands for a struct or union whose members are used as the outer one's own, and for bit-fields that only pad.
-- `bits` makes a bit-field; `offset` places a field, in bytes; `align` aligns it to more than its type does.
--
-- A **record** is a struct in its place: `p.id`, `p.pos[1]`, `p.hp = 7`, `pairs(p)` in the order of declaration,
-- `tostring(p)`. A struct or array in it is an object of the same kind; a table assigned to one writes what it has,
-- as @{struct:write} does. Arrays have `#a`, `a[i]` from 1, `a[i] = x` and `pairs(a)`. A field that is not there, and
-- an index out of range, raise, as does a value that does not fit; each names the field. An enum reads as its name
-- where it has one, else as the number, and is written as either. A bit-field is written by reading its unit and
-- writing it back.
-- @module filemap.struct

local access = require "filemap.struct.access"
local ctype = require "filemap.ctype"
local types = require "filemap.struct.type"

local struct = {}
local raise, plain = access.raise, access.plain

local words = { bool = ctype.bool, pointer = ctype.pointer }
for unit, word in pairs { "char", "utf16", [4] = "utf32" } do words[word] = function() return ctype.char(unit) end end
for T in pairs(ctype.number_size) do words[T] = function() return ctype.number(T) end end

local function type_of(spec)
  if type(spec) == "table" then
    local found = types.ctype_of(spec) or getmetatable(spec) == ctype.metatable and spec
    if found then return found end
  end
  local make = words[spec]
  if not make then error(("unknown type '%s'"):format(tostring(spec)), 0) end
  return make()
end

local field_keys = { offset = true, bits = true, align = true }

local function check_integer(what, value, least)
  if value ~= nil and (math.type(value) ~= "integer" or value < least) then
    error(("%s is an integer from %d, not %s"):format(what, least, tostring(value)), 0)
  end
end

-- A member for ctype.record from a field as users write it.
local function member_of(spec)
  if type(spec) ~= "table" then error(("a field is a table, not %s"):format(type(spec)), 0) end
  spec = plain(spec)
  if type(spec[1]) ~= "string" then error("the name is a string", 0) end
  for key in next, spec do
    if not field_keys[key] and not (math.type(key) == "integer" and key >= 1 and key <= #spec) then
      error(("unknown option '%s'"):format(tostring(key)), 0)
    end
  end
  check_integer("offset", spec.offset, 0)
  check_integer("bits", spec.bits, 0)
  local type_ = type_of(spec[2])
  for i = #spec, 3, -1 do
    check_integer("the count of an array", spec[i] or "nil", 0)
    type_ = ctype.array(type_, spec[i])
  end
  local name = spec[1] ~= "" and spec[1] or nil
  if not name and not type_.fields and not spec.bits then
    error("only structs, unions and bit-fields go without a name", 0)
  end
  return { name = name, type = type_, offset = spec.offset, bits = spec.bits, align = spec.align }
end

-- A key of a table that is none of its list's, of `count` elements: what has it would be lost.
local function stray_key(t, count)
  for key in next, t do
    if math.type(key) ~= "integer" or key < 1 or key > count then return key end
  end
end

local option_keys = { pack = true, align = true, endian = true }

local function check_options(call, options)
  if options == nil then return {} end
  if type(options) ~= "table" then raise("bad argument #3 to '%s' (table expected, got %s)", call, type(options)) end
  options = plain(options)
  for key in next, options do
    if not option_keys[key] then raise("unknown option '%s'", tostring(key)) end
  end
  if options.endian ~= nil and options.endian ~= "<" and options.endian ~= ">" then
    raise("option 'endian' is \"<\" or \">\", not %s", tostring(options.endian))
  end
  return options
end

local function make(kind, name, fields, options)
  local call = kind == "struct" and "define" or kind
  if name ~= nil and type(name) ~= "string" then
    raise("bad argument #1 to '%s' (string expected, got %s)", call, type(name))
  end
  if type(fields) ~= "table" then raise("bad argument #2 to '%s' (table expected, got %s)", call, type(fields)) end
  options = check_options(call, options)
  local members = {}
  fields = plain(fields)
  for i, spec in ipairs(fields) do
    local ok, member = pcall(member_of, spec)
    if not ok then
      local field = type(spec) == "table" and rawget(spec, 1)
      if type(field) ~= "string" or field == "" then field = i end
      raise("%s: field '%s': %s", name or kind, field, member)
    end
    members[i] = member
  end
  local stray = stray_key(fields, #members)
  if stray ~= nil then raise("%s: field '%s' is not in the order of the others", name or kind, tostring(stray)) end
  local ok, record = pcall(ctype.record, kind, name, members, options)
  if not ok then raise("%s: %s", name or kind, record) end
  return types.of(record)
end

--- Defines a struct.
-- @tparam ?string name for messages
-- @tparam {table,...} fields in order, as above
-- @tparam[opt] table options `pack` (as `#pragma pack`: no member aligns to more), `align` (the whole aligns to at
-- least that; bytes, powers of 2), `endian` (`"<"` or `">"`: the order of the bytes of all members, and of structs in
-- it that say none; default: this machine's)
-- @treturn struct
-- @raise for a type, option or number that cannot be, and two fields of one name; naming the field
function struct.define(name, fields, options)
  return make("struct", name, fields, options)
end

--- Defines a union: all members at the same place.
-- @tparam ?string name for messages
-- @tparam {table,...} fields as of a struct
-- @tparam[opt] table options as of a struct
-- @treturn struct
-- @raise as @{define}
function struct.union(name, fields, options)
  return make("union", name, fields, options)
end

-- The { name, value } of an enum's values as users write them, in order.
local function enum_entries(values)
  local entries, next_value = {}, 0
  local function add(word, value)
    if type(word) ~= "string" then error(("'%s' is no name"):format(tostring(word)), 0) end
    if math.type(value) ~= "integer" then error(("'%s' is no integer"):format(tostring(value)), 0) end
    entries[#entries + 1], next_value = { word, value }, value + 1
  end
  values = plain(values)
  if values[1] == nil then
    for word, value in next, values do add(word, value) end
    table.sort(entries, function(a, b)
      if a[2] ~= b[2] then return a[2] < b[2] end
      return a[1] < b[1]
    end)
    return entries
  end
  for _, entry in ipairs(values) do
    local word, value = entry, nil
    if type(entry) == "table" then word, value = rawget(entry, 1), rawget(entry, 2) end
    add(word, value == nil and next_value or value)
  end
  local stray = stray_key(values, #entries)
  if stray ~= nil then error(("'%s' is not in the order of the others"):format(tostring(stray)), 0) end
  return entries
end

--- Defines an enumeration.
-- @tparam ?string name for messages
-- @tparam table values by name, `{ Off = 0, On = 1 }`, or in order as in C, `{ "Off", "On", { "Broken", 9 } }`
-- @tparam[opt="i32"] string T the type of integers that it is kept as
-- @return the type, for fields
-- @raise for a value that T cannot hold, what is no name or no integer, and a name beside those in order
function struct.enum(name, values, T)
  if name ~= nil and type(name) ~= "string" then
    raise("bad argument #1 to 'enum' (string expected, got %s)", type(name))
  end
  if type(values) ~= "table" then raise("bad argument #2 to 'enum' (table expected, got %s)", type(values)) end
  T = T or "i32"
  if not ctype.bounds(T) then raise("bad argument #3 to 'enum' (no type of integers: %s)", tostring(T)) end
  local well, entries = pcall(enum_entries, values)
  if not well then raise("%s: %s", name or "enum", entries) end
  local ok, enum = pcall(ctype.enum, name, T, entries)
  if not ok then raise("%s: %s", name or "enum", enum) end
  return enum
end

return struct
