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
local core = require "filemap.core"
local ctype = require "filemap.ctype"
local decode = require "filemap.struct.decode"
local object = require "filemap.struct.object"

local struct = {}
local raise, get_string = access.raise, core.view.get_string

-- The C type of a type object, and the function that reads it whole.
local CTYPE <const>, DECODE <const> = "\0ctype", "\0decode"

-- {-- Paths ----------------------------------------------------------------------------------------

-- What a path like "cars[3].pos[1]" leads to: { type, offset, order, field, record }, the last two for members.
local function resolve(record, path)
  local at = { type = record, offset = 0, order = record.endian or access.native }
  local rest, shown = path, record.name or record.kind
  while rest ~= "" do
    local name, after_name = rest:match("^%.?([^%.%[]+)(.*)$")
    local index, after_index = rest:match("^%[(%d+)%](.*)$")
    local type_ = at.type
    if index and type_.kind == "array" and not access.is_text(type_) then
      index = math.tointeger(index)
      if not index or index < 1 or index > type_.count then
        raise("'%s': index %s of %s is not in 1..%d", path, index, shown, type_.count)
      end
      at = { type = type_.of, offset = at.offset + (index - 1) * type_.of.size, order = at.order }
      rest = after_index
    elseif name and type_.by_name and type_.by_name[name] then
      local field = type_.by_name[name]
      at = { type = field.type, offset = at.offset + field.offset, order = field.type.endian or at.order,
             field = field, record = type_ }
      rest = after_name
    else
      raise("'%s': %s has no %s", path, shown, name and ("field '%s'"):format(name) or "elements")
    end
    shown = path:sub(1, #path - #rest)
  end
  return at
end

-- {-- Type objects ---------------------------------------------------------------------------------

--- A struct or union. Its fields are `size` and `align` in bytes, and `name`.
-- @type struct
local methods = {}
local metatable = { __index = methods, __name = "filemap.struct" }

function metatable.__tostring(self)
  return ("filemap.struct (%s, %d bytes)"):format(self.name or "unnamed", self.size)
end

local function self_type(self, what)
  local record = type(self) == "table" and rawget(self, CTYPE)
  if not record then raise("bad argument #1 to '%s' (filemap.struct expected, got %s)", what, type(self)) end
  return record
end

--- A record in its place: reading and writing it reads and writes the view.
-- @function at
-- @tparam view view
-- @tparam[opt=0] integer offset in bytes
-- @treturn record
-- @raise if the struct does not lie in the view, and if that is closed
function methods:at(view, offset)
  return object.at(self_type(self, "at"), view, offset or 0)
end

--- Reads all members, from one copy of the bytes.
-- @function read
-- @tparam view view
-- @tparam[opt=0] integer offset in bytes
-- @treturn table by the members' names; structs and arrays are tables too
-- @raise if the struct does not lie in the view, and if that is closed or truncated
function methods:read(view, offset)
  local record = self_type(self, "read")
  offset = offset or 0
  object.check_range("read", view, offset, record.size)
  local f = self[DECODE]
  if not f then
    f = decode.of(record, access.native)
    self[DECODE] = f
  end
  return f(get_string(view, offset, record.size), 1)
end

--- Writes the members that the table has, and leaves the others alone. All is checked before anything is written.
-- @function write
-- @tparam view view
-- @tparam integer offset in bytes
-- @tparam table t by the members' names; of a union the members are written in their order
-- @raise for a field that the struct has not, a value that does not fit, and as @{read}
function methods:write(view, offset, t)
  object.write(self_type(self, "write"), view, offset, t)
end

local function check_count(place, n, least)
  if math.type(n) ~= "integer" then
    raise("bad argument #%d to 'array' (integer expected, got %s)", place, math.type(n) or type(n))
  end
  if n < least then raise("bad argument #%d to 'array' (%d is less than %d)", place, n, least) end
end

--- Records one behind the other.
-- @function array
-- @tparam view view
-- @tparam integer offset of the first, in bytes
-- @tparam integer count
-- @tparam[opt=size] integer stride bytes from one to the next, from 1
-- @treturn array of records: `#a`, `a[i]`, `a[i] = table`, `pairs(a)`
-- @raise if they do not all lie in the view
function methods:array(view, offset, count, stride)
  local record = self_type(self, "array")
  if stride == nil then stride = math.max(record.size, 1) end
  check_count(3, count, 0)
  check_count(4, stride, 1)
  if count > 1 and stride > math.maxinteger // count // 2 then
    raise("bad argument #3 to 'array' (%d records, %d bytes apart, are past the end)", count, stride)
  end
  return object.array(record, view, offset, count, stride)
end

--- Where a member is.
-- @function offsetof
-- @tparam string path as one writes it on a record: `"cars[3].pos[1]"`
-- @treturn integer offset in bytes
-- @treturn integer size in bytes; of a bit-field that of the integer it is part of
-- @treturn ?integer first of a bit-field: its lowest bit in that integer
-- @treturn ?integer width of a bit-field: its bits
-- @raise if there is no such member
function methods:offsetof(path)
  local record = self_type(self, "offsetof")
  if type(path) ~= "string" then raise("bad argument #2 to 'offsetof' (string expected, got %s)", type(path)) end
  local at = resolve(record, path)
  local field = at.field
  if field and field.bits then
    return at.offset, field.unit, access.first_bit(field, at.record, at.order), field.bits.width
  end
  return at.offset, at.type.size
end

-- {-- Snapshots ------------------------------------------------------------------------------------

local function guard_field(record, path, key)
  if type(path) ~= "string" then raise("guard '%s' is the name of a field, not %s", key, tostring(path)) end
  local at = resolve(record, path)
  if not at.type.T or at.field and at.field.bits or not ctype.bounds(at.type.T) then
    raise("guard '%s': field '%s' is no integer", key, path)
  end
  local get, offset = access.of(ctype.number(at.type.T), at.order).get, at.offset
  return function(view, base) return get(view, base + offset) end
end

-- The guards: for each, a function that says what a counter is before the copy, nil if a writer is at work, and one
-- that says what it is after; the copy is whole if the two are equal. What is read first and what last is the heart
-- of it: before the copy the counter that the writer changes last, after the copy the one that it changes first.
local guards = {}

-- Odd while writing, and two more after each (a seqlock).
function guards.even(record, guard)
  local seq = guard_field(record, guard.even, "even")
  return function(view, offset)
    local n = seq(view, offset)
    return n & 1 == 0 and n or nil
  end, seq
end

-- The writer changes `first`, then the rest, then `last`: whole is what lies between a `last` and an equal `first`.
function guards.first(record, guard)
  return guard_field(record, guard.last, "last"), guard_field(record, guard.first, "first")
end

-- Changed once for each update.
function guards.same(record, guard)
  local tick = guard_field(record, guard.same, "same")
  return tick, tick
end

local guard_keys = { even = { "even" }, same = { "same" }, first = { "first", "last" }, last = { "first", "last" } }

-- The two functions of a guard. One with other fields than its protocol has raises.
local function read_guard(record, guard)
  if type(guard) ~= "table" then raise("bad argument #4 to 'snapshot' (table expected, got %s)", type(guard)) end
  local keys = guard_keys[next(guard)]
  if not keys then
    raise("a guard is { even = }, { first =, last = } or { same = }, not { %s = }", tostring(next(guard)))
  end
  local seen = 0
  for key in pairs(guard) do
    if key ~= keys[1] and key ~= keys[2] then raise("a guard with '%s' has no '%s'", keys[1], tostring(key)) end
    seen = seen + 1
  end
  if seen < #keys then raise("a guard with 'first' also has 'last'") end
  return guards[keys[1]](record, guard)
end

local function check_timeout(timeout)
  if timeout == nil then return end
  if type(timeout) ~= "number" then
    raise("bad argument #5 to 'snapshot' (number expected, got %s)", type(timeout))
  end
  if timeout ~= timeout or timeout < 0 then
    raise("bad argument #5 to 'snapshot' (time-out %s is negative or NaN)", timeout)
  end
end

--- Reads all members as no writer has changed half-way: copies, checks the writer's own counter, tries again.
-- @function snapshot
-- @tparam view view
-- @tparam integer offset in bytes
-- @tparam table guard the writer's protocol: `{ even = path }` (a counter that is odd while he writes), `{ first =
-- path, last = path }` (two, changed before and after, equal when all is whole), or `{ same = path }` (one that he
-- changes with each update: no change came while all was copied, which is as much as such a writer can tell). The
-- paths are as @{offsetof}'s, and lead to integers
-- @tparam[opt] number timeout seconds; 0 tries once, nil goes on for ever
-- @treturn[1] table as @{read}'s
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] string code: `timeout`
-- @raise for a guard that is none, a negative time-out, and as @{read}
function methods:snapshot(view, offset, guard, timeout)
  local record = self_type(self, "snapshot")
  object.check_range("snapshot", view, offset, record.size)
  local before, after = read_guard(record, guard)
  check_timeout(timeout)
  local deadline = timeout and core.now() + timeout
  local read, size, fence = decode.of(record, access.native), record.size, core.fence
  while true do
    local from = before(view, offset)
    if from then
      fence()
      local bytes = get_string(view, offset, size)
      fence()
      if after(view, offset) == from then return read(bytes, 1) end
    end
    if deadline and core.now() >= deadline then
      return nil, ("%s: no copy was whole within %s s"):format(self.name or "struct", timeout), "timeout"
    end
  end
end

--- @section end

-- {-- Definitions ----------------------------------------------------------------------------------

local objects = setmetatable({}, { __mode = "k" })

-- The type object of a C struct or union; cdef's way in.
function struct.of(record)
  local found = objects[record]
  if not found then
    found = setmetatable({ name = record.name, size = record.size, align = record.align, [CTYPE] = record }, metatable)
    objects[record] = found
  end
  return found
end

local words = { bool = ctype.bool, pointer = ctype.pointer }
for unit, word in pairs { "char", "utf16", [4] = "utf32" } do words[word] = function() return ctype.char(unit) end end
for T in pairs(ctype.number_size) do words[T] = function() return ctype.number(T) end end

local function type_of(spec)
  if type(spec) == "table" then
    local found = rawget(spec, CTYPE) or spec.kind and spec.size and spec
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
  if type(spec[1]) ~= "string" then error("the name is a string", 0) end
  for key in pairs(spec) do
    if not field_keys[key] and not (math.type(key) == "integer" and key >= 1 and key <= #spec) then
      error(("unknown option '%s'"):format(tostring(key)), 0)
    end
  end
  check_integer("offset", spec.offset, 0)
  check_integer("bits", spec.bits, 0)
  local type_ = type_of(spec[2])
  for i = #spec, 3, -1 do
    check_integer("the count of an array", spec[i], 0)
    type_ = ctype.array(type_, spec[i])
  end
  local name = spec[1] ~= "" and spec[1] or nil
  if not name and not type_.fields and not spec.bits then
    error("only structs, unions and bit-fields go without a name", 0)
  end
  return { name = name, type = type_, offset = spec.offset, bits = spec.bits, align = spec.align }
end

local option_keys = { pack = true, align = true, endian = true }

local function check_options(options)
  if options == nil then return {} end
  if type(options) ~= "table" then raise("bad argument #3 (table expected, got %s)", type(options)) end
  for key in pairs(options) do
    if not option_keys[key] then raise("unknown option '%s'", tostring(key)) end
  end
  if options.endian ~= nil and options.endian ~= "<" and options.endian ~= ">" then
    raise("option 'endian' is \"<\" or \">\", not %s", tostring(options.endian))
  end
  return options
end

local function make(kind, name, fields, options)
  if name ~= nil and type(name) ~= "string" then raise("bad argument #1 (string expected, got %s)", type(name)) end
  if type(fields) ~= "table" then raise("bad argument #2 (table expected, got %s)", type(fields)) end
  options = check_options(options)
  local members = {}
  for i, spec in ipairs(fields) do
    local ok, member = pcall(member_of, spec)
    if not ok then
      local field = type(spec) == "table" and type(spec[1]) == "string" and spec[1] ~= "" and spec[1] or i
      raise("%s: field '%s': %s", name or kind, field, member)
    end
    members[i] = member
  end
  local ok, record = pcall(ctype.record, kind, name, members, options)
  if not ok then raise("%s: %s", name or kind, record) end
  return struct.of(record)
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

local enum_metatable = { __name = "filemap.enum" }
function enum_metatable.__tostring(self) return ("filemap.enum (%s)"):format(self.name or "unnamed") end

-- The { name, value } of an enum's values as users write them, in order.
local function enum_entries(values)
  local entries, next_value = {}, 0
  if values[1] == nil then
    for word, value in pairs(values) do entries[#entries + 1] = { word, value } end
    table.sort(entries, function(a, b)
      if a[2] ~= b[2] then return a[2] < b[2] end
      return a[1] < b[1]
    end)
    return entries
  end
  for i, entry in ipairs(values) do
    local word, value = entry, next_value
    if type(entry) == "table" then word, value = entry[1], entry[2] or next_value end
    entries[i], next_value = { word, value }, value + 1
  end
  return entries
end

--- Defines an enumeration.
-- @tparam ?string name for messages
-- @tparam table values by name, `{ Off = 0, On = 1 }`, or in order as in C, `{ "Off", "On", { "Broken", 9 } }`
-- @tparam[opt="i32"] string T the type of integers that it is kept as
-- @return the type, for fields
-- @raise for a value that T cannot hold, and what is no name or no integer
function struct.enum(name, values, T)
  if type(values) ~= "table" then raise("bad argument #2 to 'enum' (table expected, got %s)", type(values)) end
  T = T or "i32"
  if not ctype.bounds(T) then raise("bad argument #3 to 'enum' (no type of integers: %s)", tostring(T)) end
  for word, entry in pairs(values) do
    local value = type(entry) == "table" and (entry[2] or 0) or type(word) == "string" and entry or 0
    if math.type(value) ~= "integer" then raise("%s: '%s' is no integer", name or "enum", tostring(value)) end
    local label = type(entry) == "table" and entry[1] or type(word) == "string" and word or entry
    if type(label) ~= "string" then raise("%s: '%s' is no name", name or "enum", tostring(label)) end
  end
  local ok, enum = pcall(ctype.enum, name, T, enum_entries(values))
  if not ok then raise("%s: %s", name or "enum", enum) end
  return setmetatable(enum, enum_metatable)
end

return struct
