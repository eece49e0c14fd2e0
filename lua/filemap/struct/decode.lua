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
local CHUNK = 128 -- numbers of a long array that one call unpacks

local decode = {}

local function new_cache()
  return { ["<"] = setmetatable({}, { __mode = "k" }), [">"] = setmetatable({}, { __mode = "k" }) }
end
local readers, lists = new_cache(), new_cache()

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

-- The arguments of the call of C that reads an unpack's numbers from a view, which is quicker than `unpack`;
-- nil if not all values are numbers in the machine's order. `numbers` returns nothing where the bytes are not
-- in an open view, and `read_numbers` raises.
function Writer:numbers(u, offset, size)
  if #u.codes < #u.names then return nil end
  local codes = self:constant(string.pack(("j"):rep(#u.codes), table.unpack(u.codes)))
  return ("s, %s, p%s, %d"):format(codes, offset > 0 and " + " .. offset or "", size)
end

-- The statements that unpack: from a string, or from a view.
function Writer:statements(from_view)
  local lines = {}
  for _, u in ipairs(self.unpacks) do
    local names, format = table.concat(u.names, ", "), table.concat(u.formats)
    local numbers = from_view and self:numbers(u, u.from, u.to - u.from)
    lines[#lines + 1] = ("local %s = "):format(names) .. (numbers and ("read_numbers(%s)"):format(numbers)
      or ("unpack(%s, p + %d)"):format((from_view and "s, %q" or "%q, s"):format(format), u.from))
  end
  return table.concat(lines, "\n")
end

-- Compiles a function of Lua's text, in which K, unpack, numbers, read_numbers, match, decode, check and new
-- are known.
local function compile(text, writer, unpack)
  text = "local K, unpack, numbers, read_numbers, match, decode, check, new = ...\n" .. text
  return assert(load(text, access.made))(writer.constants, unpack or string.unpack,
    core.record.unpack_numbers, core.record.read_numbers, string.match, core.decode_text, access.check_range,
    core.record.new_table)
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
  if of.unit == 1 then return ("match(%s, %q)"):format(bytes, "^[^\0]*") end
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

-- A bit-field in a unit that no type of number has.
local function odd_bits(field, record, order)
  local read = access.unit_reader(field.unit, order, string.byte)
  local first = ctype.first_bit(field, record, order)
  local mask, value_of = access.mask(field.bits.width), (access.bits(field, order))
  return function(s, p) return value_of(read(s, p, first) & mask) end
end

-- Bit-fields in the same unit share the local that holds it.
local function bit_field(self, member, offset, order)
  local field = member.field
  local T = ({ "u8", "u16", [4] = "u32", [8] = "u64" })[field.unit]
  if not T then return self:call(odd_bits(field, member.record, order), offset) end
  local key = offset .. order .. field.unit
  local unit = self.units[key] or self:unpack(order, access.formats[T], offset, field.unit, T)
  self.units[key] = unit
  local bits = ("%s >> %d & %d"):format(unit, ctype.first_bit(field, member.record, order),
    access.mask(field.bits.width))
  local kind = field.type.kind
  if kind ~= "bool" and kind ~= "enum" and field.type.T:sub(1, 1) == "u" then return bits end
  return ("%s(%s)"):format(self:constant((access.bits(field, order))), bits)
end

local function member_expression(self, member, offset, order)
  local type_ = member.field.type
  order = member.record.endian or order
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

-- A function(s, p) for a struct. One with many members is filled by one block for each lot of them.
local function compile_struct(record, order)
  local list, constants, lines, i = ctype.members(record), {}, {}, 1
  while true do
    local writer = new_writer(constants)
    local constructor, after, parts = writer:fields(list, i, 0, order)
    if i == 1 and not list[after] then
      return compile(("return function(s, p)\n%s\nreturn %s\nend"):format(writer:statements(), constructor),
        writer)
    end
    lines[#lines + 1] = ("do\n%s\nt%s\nend"):format(writer:statements(), table.concat(parts, "\nt"))
    i = after
    if not list[i] then
      lines = table.concat(lines, "\n")
      return compile(("return function(s, p)\nlocal t = {}\n%s\nreturn t\nend"):format(lines), writer)
    end
  end
end

-- Two functions for a struct that one call can read from a view. The first, (view, offset), raises if the
-- struct is not in the view. The second, (view, offset, guard, codes), is for structs of numbers alone: it
-- returns nil for what C's unpack_numbers does not take. Nothing if reading takes more calls.
local function direct(record, order)
  local writer, list, size = new_writer({}), ctype.members(record), record.size
  local constructor, i = writer:fields(list, 1, 0, record.endian or order)
  local u = writer.unpacks[1]
  if list[i] or #writer.unpacks ~= 1 or writer.calls or u.from > LONGEST_GAP then return nil end
  local names, numbers = table.concat(u.names, ", "), u.from == 0 and writer:numbers(u, 0, size)
  local function generate(parameters, call, otherwise)
    return compile(("return function(s, p%s)\nlocal %s = %s\nif not v1 then %s end\nreturn %s\nend"):format(
      parameters, names, call, otherwise, constructor), writer, core.record.unpack_within)
  end
  local call = numbers and ("numbers(%s)"):format(numbers)
    or ("unpack(s, %q, p, %d)"):format(("x"):rep(u.from) .. table.concat(u.formats), size)
  return generate("", call, ("check('read', s, p, %d)"):format(size)),
    numbers and generate(", guard, codes", ("numbers(%s, guard, codes)"):format(numbers), "return nil")
end

--- The second function of `direct`, which reads a struct under a guard; nil if it has none.
function decode.guarded(record, order) return (select(2, direct(record, order))) end

--- A function(view, offset) that reads a struct from one copy of its bytes, and raises if it is not in the
-- view.
function decode.reader(record, order)
  local found = direct(record, order)
  if found then return found end
  local read, size, get_string = decode.of(record, order), record.size, core.view.get_string
  return function(view, offset)
    access.check_range("read", view, offset, size)
    return read(get_string(view, offset, size), 1)
  end
end

-- {-- Of any type ----------------------------------------------------------------------------------

-- A function(s, p, n) for n numbers one behind the other, which Lua may see as other values.
local function numbers(of, order)
  local format, size, read = access.formats[of.T], of.size, access.of(of, order).read
  local whole, unpack = order .. format:rep(CHUNK), string.unpack
  return function(s, p, n)
    local t = {}
    for first = 1, n, CHUNK do
      local count = math.min(CHUNK, n - first + 1)
      local part = { unpack(count == CHUNK and whole or order .. format:rep(count), s, p) }
      table.move(part, 1, count, first, t)
      p = p + size * CHUNK
    end
    if read then
      for i = 1, n do t[i] = read(t[i]) end
    end
    return t
  end
end

-- Statements that read so many elements into t[i] and those after it, and whether they call other functions.
local function batch(constants, of, order, stride, count, from_view)
  local writer, lines = new_writer(constants), {}
  for k = 0, count - 1 do
    lines[k + 1] = ("t[i + %d] = %s"):format(k, kinds[of.kind](writer, of, k * stride, order))
  end
  return writer:statements(from_view) .. "\n" .. table.concat(lines, "\n"), writer
end

-- A function(s, p, n) for n elements, `stride` bytes from one to the next, of a string or directly of a view.
-- It reads as many at a time as there are locals for. Nil for a view if that needs other functions, which
-- read strings.
local function elements(of, order, stride, from_view)
  local constants, values = {}, ctype.values(of)
  local count = math.max(1, math.min(values > 0 and MOST_LOCALS // values or 1, 8))
  local several, writer = batch(constants, of, order, stride, count, from_view)
  local one = batch(constants, of, order, stride, 1, from_view)
  if from_view and writer.calls then return nil end
  return compile(([[return function(s, p, n)
    local t, whole = new(n), n - n %% %d
    for i = 1, whole, %d do %s p = p + %d end
    for i = whole + 1, n do %s p = p + %d end
    return t
  end]]):format(count, count, several, count * stride, one, stride), writer, from_view and core.view.unpack)
end

--- A function(s, p, n) that reads n elements of a type from the bytes of `s` at p, which counts from 1. They
--- are `stride` bytes apart: by default their size.
function decode.list(of, order, stride)
  stride = stride or of.size
  local by_stride = lists[order][of] or {}
  lists[order][of] = by_stride
  if not by_stride[stride] then
    local packed = of.T and stride == of.size and not of.fields
    by_stride[stride] = packed and numbers(of, order) or elements(of, order, stride)
  end
  return by_stride[stride]
end

--- A function(view, offset, n) that reads elements: directly if it can, else from one copy of the bytes.
function decode.view_list(of, order, stride)
  local found = (of.fields or not of.T) and elements(of, order, stride, true)
  if found then return found end
  local read, get_string, size = decode.list(of, order, stride), core.view.get_string, of.size
  return function(view, offset, n) return read(get_string(view, offset, (n - 1) * stride + size), 1, n) end
end

--- A function(s, p) that reads a struct from the bytes of `s` at p, which counts from 1.
function decode.of(record, order)
  local found = readers[order][record]
  if not found then
    found = compile_struct(record, record.endian or order)
    readers[order][record] = found
  end
  return found
end

return decode
