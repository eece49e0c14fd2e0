--- C structs over a view, in the platform's C layout: nothing is reordered, and padding is as the compiler
-- pads.
--
--     local Player = struct.define("Player", {
--       { "id", "u32" }, { "pos", "f32", 3 }, { "name", "char", 32 },
--     }, { pack = 4 })
--     local p = Player:at(view, 64)
--     p.pos[1] = p.pos[1] + 0.5
--
-- A field is `{ name, type [, n [, n ...]] [, offset =] [, bits =] [, align =] }`: with counts it is an array
-- of n, or of n by n, elements. Its type is a word or another type. The words are the types of numbers
-- (`i8 u8 i16 u16 i32 u32 i64 u64 f32 f64`), `bool`, `pointer` (an integer), `char`, `utf16` and `utf32`,
-- arrays of which are text up to NUL, and `bytes`, an array of which is one string. The name `""` stands for
-- a struct or union whose members belong to the outer one, and for bit-fields that only pad. `bits` makes a
-- bit-field, `offset` places a field (in bytes), and `align` gives it a greater alignment. A last field with
-- the count 0 is a flexible array: it has as many elements as fit in the view, or as the program says.
--
-- A **record** is a struct in a view: `p.id`, `p.pos[1]`, `p.hp = 7`, `pairs(p)` in the order of declaration,
-- `tostring(p)`. A struct or an array in it is an object too. A table assigned to one writes the values that
-- the table has, as @{struct:write} does. **Arrays** behave like those of `view:array`: `#a`, `a[i]`,
-- `a[i] = x`, `ipairs(a)`, `a:get([i, j])`, `a:set(i, t)`, `a:copy(i, array, j, n)`. An array of `u8` or `i8`
-- also has `a:get_string([n])` and `a:get_cstring()`, and takes a string. A string that is shorter than its
-- field zeroes the rest; in a flexible array only if its count was given.
--
-- A field that does not exist, a write out of range and a value that does not fit raise, and name the field.
-- An enum is read as its name where it has one, else as the number; in a bit-field it is unsigned unless a
-- value is negative. A bit-field is written by reading its unit and writing it back. Text that fills its
-- field has no NUL. Whatever `read` returned, `write` accepts.
-- @module filemap.struct

local access = require "filemap.struct.access"
local ctype = require "filemap.ctype"
local layout = require "filemap.ctype.layout"
local objects = require "filemap.struct.object"
local types = require "filemap.struct.type"

local struct = {}
local raise, plain, expect = access.raise, access.plain, access.expect

local words = { bool = ctype.bool, pointer = ctype.pointer, bytes = ctype.bytes }
for unit, word in pairs { "char", "utf16", [4] = "utf32" } do
  words[word] = function() return ctype.char(unit) end
end
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
    error(("%s must be an integer from %d, got %s"):format(what, least, tostring(value)), 0)
  end
end

-- The member for layout.record of a field as programs write it.
local function member_of(spec)
  if type(spec) ~= "table" then error(("a field must be a table, got %s"):format(type(spec)), 0) end
  spec = plain(spec)
  if type(spec[1]) ~= "string" then error("the name must be a string", 0) end
  local last = 2
  for key in next, spec do
    if math.type(key) == "integer" and key >= 1 then last = math.max(last, key)
    elseif not field_keys[key] then error(("unknown option '%s'"):format(tostring(key)), 0) end
  end
  check_integer("offset", spec.offset, 0)
  check_integer("bits", spec.bits, 0)
  local type_ = type_of(spec[2])
  for i = last, 3, -1 do
    check_integer("the count of an array", spec[i] or "nil", 0)
    type_ = ctype.array(type_, spec[i])
  end
  if type_.kind == "bytes" then error("bytes must have a count", 0) end
  if spec.bits and type_.kind == "enum" then type_ = ctype.enum_bits(type_) end
  local name = spec[1] ~= "" and spec[1] or nil
  if not name and not type_.fields and not spec.bits then
    error("only structs, unions and bit-fields can have no name", 0)
  end
  return { name = name, type = type_, offset = spec.offset, bits = spec.bits, align = spec.align }
end

-- A key of a table that is not an index from 1 to `count`: its value would be lost.
local function stray_key(t, count)
  for key in next, t do
    if math.type(key) ~= "integer" or key < 1 or key > count then return key end
  end
end

-- The result of f. Its errors get a name before them.
local function named(name, f, ...)
  local ok, result = pcall(f, ...)
  return ok and result or raise("%s: %s", name, result)
end

local option_keys = { pack = true, align = true, endian = true }

local function check_options(call, options)
  if options == nil then return {} end
  expect(3, call, "table", options)
  options = plain(options)
  for key in next, options do
    if not option_keys[key] then raise("unknown option '%s'", tostring(key)) end
  end
  if options.endian ~= nil and options.endian ~= "<" and options.endian ~= ">" then
    raise("option 'endian' must be \"<\" or \">\", got %s", tostring(options.endian))
  end
  return options
end

local function make(kind, name, fields, options)
  local call, shown, members = kind == "struct" and "define" or kind, name or kind, {}
  if name ~= nil then expect(1, call, "string", name) end
  expect(2, call, "table", fields)
  options, fields = check_options(call, options), plain(fields)
  for i, spec in ipairs(fields) do
    local field = type(spec) == "table" and rawget(spec, 1)
    if type(field) ~= "string" or field == "" then field = i end
    members[i] = named(("%s: field '%s'"):format(shown, field), member_of, spec)
  end
  local stray = stray_key(fields, #members)
  if stray ~= nil then raise("%s: field '%s' is not in the order of the others", shown, tostring(stray)) end
  return types.of(named(shown, layout.record, kind, name, members, options))
end

--- Defines a struct.
-- @tparam ?string name for messages
-- @tparam {table,...} fields in order, as above
-- @tparam[opt] table options `pack` (as `#pragma pack`: no member has a greater alignment), `align` (the
-- least alignment of the whole; both in bytes, powers of 2), `endian` (`"<"` or `">"`: the byte order of all
-- members, and of structs in it that have no order of their own; default: this machine's)
-- @treturn struct
-- @raise for an unknown type or option, a number out of its range, and two fields of one name; the message
-- names the field
-- @usage
-- local Player = struct.define("Player", {
--   { "id", "u32" }, { "pos", "f32", 3 }, { "name", "char", 32 },
-- })
-- print(Player.size) --> 48
-- Player:at(view, 0).name = "Jo"
-- print(view:get_cstring(16)) --> Jo
function struct.define(name, fields, options)
  return make("struct", name, fields, options)
end

--- Defines a union, whose members are all at the same place.
-- @tparam ?string name for messages
-- @tparam {table,...} fields as of a struct
-- @tparam[opt] table options as of a struct
-- @treturn struct
-- @raise as @{define}
-- @usage
-- local Number = struct.union("Number", { { "i", "u32" }, { "f", "f32" } })
-- local n = Number:at(view, 0)
-- n.f = 1
-- print(("%x"):format(n.i)) --> 3f800000
function struct.union(name, fields, options)
  return make("union", name, fields, options)
end

-- The names of an enum's values, in order, and the values by name, of a table as programs write it.
local function enum_values(values)
  local names, by_name, next_value = {}, {}, 0
  local function add(word, value)
    if type(word) ~= "string" then error(("the name '%s' must be a string"):format(tostring(word)), 0) end
    if math.type(value) ~= "integer" then
      error(("the value '%s' must be an integer"):format(tostring(value)), 0)
    end
    if by_name[word] then error(("the name '%s' is there twice"):format(word), 0) end
    names[#names + 1], by_name[word], next_value = word, value, value + 1
  end
  values = plain(values)
  if values[1] == nil then
    for word, value in next, values do add(word, value) end
    table.sort(names, function(a, b)
      if by_name[a] ~= by_name[b] then return by_name[a] < by_name[b] end
      return a < b
    end)
    return names, by_name
  end
  for _, entry in ipairs(values) do
    local word, value = entry, nil
    if type(entry) == "table" then word, value = rawget(entry, 1), rawget(entry, 2) end
    add(word, value == nil and next_value or value)
  end
  local stray = stray_key(values, #names)
  if stray ~= nil then error(("'%s' is not in the order of the others"):format(tostring(stray)), 0) end
  return names, by_name
end

--- Defines an enumeration.
-- @tparam ?string name for messages
-- @tparam table values by name, `{ Off = 0, On = 1 }`, or in order as in C,
-- `{ "Off", "On", { "Broken", 9 } }`
-- @tparam[opt="i32"] string T the type of integers that stores it
-- @return the type, for fields
-- @raise for a value that T cannot store, another name than a string, another value than an integer, and a
-- key beside those in order
-- @usage
-- local State = struct.enum("State", { "Idle", "Run" })
-- local Player = struct.define("Player", { { "state", State } })
-- Player:at(view, 0).state = "Run"
-- print(view:get_i32(0)) --> 1
function struct.enum(name, values, T)
  if name ~= nil then expect(1, "enum", "string", name) end
  expect(2, "enum", "table", values)
  T = T or "i32"
  if not ctype.bounds(T) then
    raise("bad argument #3 to 'enum' (a type of integers expected, got %s)", tostring(T))
  end
  return named(name or "enum", function() return ctype.enum(name, T, enum_values(values)) end)
end

--- Tells where a record or an array is.
-- @tparam record object
-- @treturn view view
-- @treturn integer offset in bytes
-- @return its type; of an array the type of its elements: a struct, or a type for fields
-- @raise for anything else
-- @usage
-- local Player = struct.define("Player", { { "id", "u32" }, { "pos", "f32", 3 } })
-- local _, offset = struct.locate(Player:at(view, 64).pos)
-- print(offset) --> 68
function struct.locate(object)
  local view, offset, type_ = objects.locate(object)
  if not view then
    raise("bad argument #1 to 'locate' (record or array expected, got %s)", access.type_name(object))
  end
  return view, offset, type_.fields and types.of(type_) or type_
end

return struct
