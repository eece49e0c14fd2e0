-- Tables from the bytes of structs and arrays. For each type a function is generated, which calls `unpack` as
-- rarely as the members allow, and makes the tables at once. Internal to filemap.struct.
local access = require "filemap.struct.access"
local core = require "filemap.core"
local ctype = require "filemap.ctype"

-- Lua has room for 200 locals in a function and 255 upvalues: more values go into a table in several steps,
-- and all constants are in one table.
local MOST_LOCALS = 150
local MOST_INLINE = 32 -- values of an inner struct or array that are unpacked together with its neighbours
local LONGEST_GAP = 32 -- bytes between two members that one call passes over
local MOST_AT_ONCE = 16 -- elements of an array that one call unpacks

local decode = {}

-- {-- Generated functions --------------------------------------------------------------------------

-- A function that is being generated: `unpacks`, the calls so far, each with the names of locals, the formats
-- and the range of bytes; `constants`, which the text refers to as K[i].
local Writer = {}
Writer.__index = Writer

local function new_writer(constants)
  return setmetatable({ constants = constants, unpacks = {}, units = {}, locals = 0 }, Writer)
end

function Writer:constant(value)
  self.constants[#self.constants + 1] = value
  return ("K[%d]"):format(#self.constants)
end

-- The name of a local that gets the value of `format`, `size` bytes from `offset`: of `T`, where it is a
-- number. Extends the last call if it can.
function Writer:unpack(order, format, offset, size, T)
  local last = self.unpacks[#self.unpacks]
  if not last or last.to > offset or offset - last.to > LONGEST_GAP then
    last = { names = {}, formats = {}, codes = {}, from = offset, to = offset }
    self.unpacks[#self.unpacks + 1] = last
  end
  self.locals = self.locals + 1
  local name = "v" .. self.locals
  table.insert(last.names, name)
  table.insert(last.formats, ("x"):rep(offset - last.to) .. (last.order ~= order and order or "") .. format)
  if T and order == access.native then
    table.insert(last.codes, access.code(access.codes[T], 0, offset - last.from))
  end
  last.to, last.order = offset + size, order
  return name
end

-- An expression that calls another function for what begins at `offset`.
function Writer:call(f, offset, count)
  self.calls = true
  return ("%s(s, p + %d%s)"):format(self:constant(f), offset, count and ", " .. count or "")
end

-- The statements that unpack.
function Writer:statements()
  local lines = {}
  for i, u in ipairs(self.unpacks) do
    lines[i] = ("local %s = unpack(%q, s, p + %d)"):format(table.concat(u.names, ", "),
      table.concat(u.formats), u.from)
  end
  return table.concat(lines, "\n")
end

-- Compiles a function of Lua's text, in which K and the functions below are known.
local function compile(text, writer, unpack)
  text = "local K, unpack, numbers, decode, check_timeout, new = ...\n" .. text
  return assert(load(text, access.made))(writer.constants, unpack or string.unpack,
    core.record.unpack_numbers, core.decode_text, core.record.check_timeout, core.record.new_table)
end

-- {-- Expressions of values ------------------------------------------------------------------------

local kinds = {}

function kinds.number(self, type_, offset, order)
  return self:unpack(order, access.formats[type_.T], offset, type_.size, type_.T)
end
kinds.pointer, kinds.char = kinds.number, kinds.number

function kinds.bool(self, _, offset, order)
  return self:unpack(order, "B", offset, 1, "u8") .. " ~= 0"
end

function kinds.enum(self, type_, offset, order)
  local value = kinds.number(self, type_, offset, order)
  return ("(%s[%s] or %s)"):format(self:constant(type_.by_value), value, value)
end

local function string_expression(self, type_, offset, order)
  local bytes, of = self:unpack(order, "c" .. type_.size, offset, type_.size), type_.of
  if of.kind == "bytes" then return bytes end
  return ("decode(%s, %d, %s)"):format(bytes, of.unit, order ~= access.native)
end

function kinds.array(self, type_, offset, order)
  if type_.count == 0 then return ctype.is_string(type_) and '""' or "{}" end
  if ctype.is_string(type_) then return string_expression(self, type_, offset, order) end
  if ctype.values(type_) > MOST_INLINE then
    return self:call(decode.list(type_.of, order), offset, type_.count)
  end
  local parts = {}
  for i = 1, type_.count do
    parts[i] = kinds[type_.of.kind](self, type_.of, offset + (i - 1) * type_.of.size, order)
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

-- Bit-fields in the same unit share the local that holds it. Of a unit of 9 bytes that is the lower 8.
local function bit_field(self, member, offset, order)
  local field, bytes = member.field, member.field.unit
  local first, size, kind = ctype.first_bit(field, member.record, order), math.min(bytes, 8), field.type.kind
  local at = offset + (order == ">" and bytes - size or 0)
  local key = at .. order .. size
  local unit = self.units[key] or self:unpack(order, "I" .. size, at, size, access.unit_types[size])
  self.units[key] = unit
  local bits = ("%s >> %d"):format(unit, first)
  if bytes > size then
    local highest = self:call(string.byte, offset + (order == "<" and 8 or 0))
    bits = ("(%s | %s << %d)"):format(bits, highest, 64 - first)
  end
  bits = ("%s & %d"):format(bits, access.mask(field.bits.width))
  if kind ~= "bool" and kind ~= "enum" and field.type.T:sub(1, 1) == "u" then return bits end
  return ("%s(%s)"):format(self:constant((access.bits(field, order))), bits)
end

local function member_expression(self, member, offset, order)
  local type_ = member.field.type
  order = member.endian or order
  if member.field.bits then return bit_field(self, member, offset, order) end
  return kinds[type_.kind](self, type_, offset, order)
end

function kinds.struct(self, type_, offset, order)
  if ctype.values(type_) > MOST_INLINE then return self:call(decode.of(type_, order), offset) end
  return self:fields(ctype.members(type_), 1, offset, type_.endian or order)
end
kinds.union = kinds.struct

-- How many locals a member takes. Another function reads what has many values.
local function locals_of(member)
  local n = ctype.values(member.field.type)
  return n <= MOST_INLINE and n or 0
end

-- A constructor with the members from the first on, as many as there are locals for; the index of the next
-- member; and the parts of the constructor.
function Writer:fields(list, first, offset, order)
  local parts, i = {}, first
  while list[i] and self.locals + locals_of(list[i]) <= MOST_LOCALS do
    local expression = member_expression(self, list[i], offset + list[i].offset, order)
    parts[#parts + 1] = ("[%q] = %s"):format(list[i].name, expression)
    i = i + 1
  end
  return "{ " .. table.concat(parts, ", ") .. " }", i, parts
end

-- {-- Structs --------------------------------------------------------------------------------------

local METHOD = [[
local own, slow, codes = K[1], K[2], K[3]
return function(self, s, p, %s)
local %s = %s
if not v1 or self ~= own or %s then return slow.%s(self, s, p, %s) end
return %s
end]]

-- A function(s, p) for a struct. One with many members is filled by one block for each lot of them.
local function compile_struct(record, order)
  local list, constants, lines, first = ctype.members(record), {}, {}, 1
  local writer
  repeat
    writer = new_writer(constants)
    local constructor, after, parts = writer:fields(list, first, 0, order)
    lines[#lines + 1] = ("do\n%s\nt%s\nend"):format(writer:statements(),
      first == 1 and " = " .. constructor or table.concat(parts, "\nt"))
    first = after
  until not list[first]
  lines = table.concat(lines, "\n")
  return compile(("return function(s, p)\nlocal t\n%s\nreturn t\nend"):format(lines), writer)
end

--- Two methods of a type object that read its struct from a view by one call: read(self, view, offset,
--- count), and of a struct of numbers alone snapshot(self, view, offset, guard, timeout). For all that this
--- call does not do they use the methods of the same names in `slow`. Nothing if reading takes more calls.
function decode.methods(record, order, own, slow, codes)
  local writer, list, size = new_writer({ own, slow, codes }), ctype.members(record), record.size
  local constructor, i = writer:fields(list, 1, 0, record.endian or order)
  local u = writer.unpacks[1]
  if list[i] or #writer.unpacks ~= 1 or writer.calls or u.from > LONGEST_GAP then return nil end
  local numbers = u.from == 0 and #u.codes == #u.names and ("s, %s, p, %d"):format(
    writer:constant(string.pack(("j"):rep(#u.codes), table.unpack(u.codes))), size)
  local function generate(call, name, arguments, check)
    return compile(METHOD:format(arguments, table.concat(u.names, ", "), call, check, name, arguments,
      constructor), writer, core.record.unpack_within)
  end
  return generate(numbers and ("numbers(%s)"):format(numbers)
      or ("unpack(s, %q, p, %d)"):format(("x"):rep(u.from) .. table.concat(u.formats), size),
    "read", "count", "count ~= nil"),
    numbers and generate(("numbers(%s, guard, codes)"):format(numbers), "snapshot", "guard, timeout",
      "timeout ~= nil and check_timeout(timeout, 'snapshot', 4)") or nil
end

-- {-- Of any type ----------------------------------------------------------------------------------

-- Statements that read so many elements into t[i] and those after it.
local function batch(writer, of, order, stride, count)
  local lines = {}
  for k = 0, count - 1 do
    lines[k + 1] = ("t[i + %d] = %s"):format(k, kinds[of.kind](writer, of, k * stride, order))
  end
  return writer:statements() .. "\n" .. table.concat(lines, "\n")
end

-- A function(s, p, n) for n elements, `stride` bytes from one to the next. It reads as many at a time as
-- there are locals for.
local function elements(of, order, stride)
  local values, writer = ctype.values(of), new_writer({})
  local count = math.max(1, math.min(values > 0 and MOST_LOCALS // values or 1, MOST_AT_ONCE))
  return compile(([[return function(s, p, n)
    local t, whole = new(n), n - n %% %d
    for i = 1, whole, %d do %s p = p + %d end
    for i = whole + 1, n do %s p = p + %d end
    return t
  end]]):format(count, count, batch(writer, of, order, stride, count), count * stride,
    batch(new_writer(writer.constants), of, order, stride, 1), stride), writer)
end

--- A function(s, p, n) that reads n elements of a type, one behind the other, from the bytes of `s` at p,
--- which counts from 1.
function decode.list(of, order)
  local accessor = access.of(of, order)
  accessor.decode_list = accessor.decode_list or elements(of, order, of.size)
  return accessor.decode_list
end

-- The codes and the names of the members of a struct that C reads by itself; nil for another type.
local function plain_numbers(of, order)
  local names, codes = {}, {}
  for i, m in ipairs(of.fields and ctype.members(of) or {}) do
    local accessor = access.of_member(m.field, m.record, m.endian or order)
    if not accessor.code or accessor.number then return nil end
    names[i], codes[i] = m.name, access.code(accessor.code, 0, m.offset)
  end
  return #names > 0 and #names <= MOST_LOCALS and string.pack(("j"):rep(#codes), table.unpack(codes)), names
end

--- A function(view, offset, n) that reads elements: by one call of C, or from one copy of the bytes.
function decode.view_list(of, order, stride)
  local codes, names = plain_numbers(of, order)
  local read_records, get_string, size = core.record.read_records, core.view.get_string, of.size
  if codes then
    return function(view, offset, n) return read_records(view, codes, names, offset, stride, n, size) end
  end
  local read = elements(of, order, stride)
  return function(view, offset, n) return read(get_string(view, offset, (n - 1) * stride + size), 1, n) end
end

--- A function(s, p) that reads a struct from the bytes of `s` at p, which counts from 1.
function decode.of(record, order)
  local accessor = access.of(record, order)
  accessor.decode = accessor.decode or compile_struct(record, record.endian or order)
  return accessor.decode
end

return decode
