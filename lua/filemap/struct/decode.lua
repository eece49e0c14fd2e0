-- Whole structs read out of a string of bytes. For each struct a function is made from text, that has as few calls
-- of string.unpack as its members allow, and makes the table at once. Internal to filemap.struct.
local access = require "filemap.struct.access"
local core = require "filemap.core"
local object = require "filemap.struct.object"
local text = require "filemap.struct.text"

-- Lua has room for 200 locals in a function and 255 upvalues: more values go into the table in several steps, and
-- what is referred to is kept in one table.
local MOST_LOCALS <const> = 150
local SHORT_ARRAY <const> = 16
local LONGEST_GAP <const> = 32 -- bytes that a format skips one by one

local decode = {}
local cache = { ["<"] = setmetatable({}, { __mode = "k" }), [">"] = setmetatable({}, { __mode = "k" }) }

-- {-- Arrays ---------------------------------------------------------------------------------------

local CHUNK <const> = 128

-- A function(s, p) for `count` numbers, through `read` if they mean something else.
local function numbers(format, size, count, order, read)
  local whole = order .. format:rep(math.min(count, CHUNK))
  local step = size * CHUNK
  return function(s, p)
    local t = {}
    for first = 1, count, CHUNK do
      local n = math.min(CHUNK, count - first + 1)
      local part = { string.unpack(n == CHUNK and whole or order .. format:rep(n), s, p) }
      table.move(part, 1, n, first, t)
      p = p + step
    end
    if read then
      for i = 1, count do t[i] = read(t[i]) end
    end
    return t
  end
end

local function elements(of, count, order)
  local read, size = decode.of(of, order), of.size
  return function(s, p)
    local t = {}
    for i = 1, count do t[i] = read(s, p + (i - 1) * size) end
    return t
  end
end

-- {-- Members --------------------------------------------------------------------------------------

-- A function being written: `unpacks` the calls so far, each with names of locals, formats and bytes from..to;
-- `fields` the expressions of members; `constants` what these refer to as K[i].
local Writer = {}
Writer.__index = Writer

function Writer:constant(value)
  self.constants[#self.constants + 1] = value
  return ("K[%d]"):format(#self.constants)
end

-- A local that holds the value of `format`, `size` bytes from `offset`; goes on with the last call where it can.
function Writer:unpack(format, offset, size)
  local last = self.unpacks[#self.unpacks]
  if not last or last.to > offset or offset - last.to > LONGEST_GAP then
    last = { names = {}, formats = {}, from = offset, to = offset }
    self.unpacks[#self.unpacks + 1] = last
  end
  local gap = offset - last.to
  self.locals = self.locals + 1
  local name = "v" .. self.locals
  table.insert(last.names, name)
  table.insert(last.formats, ("x"):rep(gap) .. format)
  last.to = offset + size
  return name
end

local kinds = {}

function kinds.number(self, type_, offset)
  return self:unpack(access.formats[type_.T], offset, type_.size)
end
kinds.pointer, kinds.char = kinds.number, kinds.number

function kinds.bool(self, _, offset)
  return self:unpack("B", offset, 1) .. " ~= 0"
end

function kinds.enum(self, type_, offset)
  local value = kinds.number(self, type_, offset)
  return ("%s[%s] or %s"):format(self:constant(type_.by_value), value, value)
end

local function call(self, f, offset)
  return ("%s(s, p + %d)"):format(self:constant(f), offset)
end

function kinds.array(self, type_, offset)
  if type_.size == 0 then return access.is_text(type_) and '""' or "{}" end
  if access.is_text(type_) then
    local bytes = self:unpack("c" .. type_.size, offset, type_.size)
    if type_.of.unit == 1 then return ("match(%s, %q)"):format(bytes, text.UP_TO_NUL) end
    return ("decode(%s, %d, %q)"):format(bytes, type_.of.unit, self.order)
  end
  if type_.of.kind == "number" and type_.count <= SHORT_ARRAY then
    local names = {}
    for i = 1, type_.count do names[i] = kinds.number(self, type_.of, offset + (i - 1) * type_.of.size) end
    return "{ " .. table.concat(names, ", ") .. " }"
  end
  return call(self, decode.of(type_, self.order), offset)
end

function kinds.struct(self, type_, offset)
  return call(self, decode.of(type_, self.order), offset)
end
kinds.union = kinds.struct

-- A bit-field in a unit of an odd number of bytes.
local function odd_bits(field, record, order)
  local first, width, bytes = access.first_bit(field, record, order), field.bits.width, field.unit
  local mask, value_of = width == 64 and -1 or (1 << width) - 1, (access.bits(field, order))
  return function(s, p)
    local n = 0
    for i = 0, bytes - 1 do
      n = n | s:byte(p + i) << 8 * (order == "<" and i or bytes - 1 - i) - first
    end
    return value_of(n & mask)
  end
end

-- Several bit-fields of one unit share the local that holds it.
local function bit_field(self, member)
  local field, offset = member.field, member.offset
  local order = member.record.endian or self.order
  local format = ({ "B", "I2", [4] = "I4", [8] = "i8" })[field.unit]
  local key = offset .. ":" .. field.unit
  if not format then
    return call(self, odd_bits(field, member.record, order), offset)
  end
  local unit = self.units[key]
  if not unit or order ~= self.order then
    unit = self:unpack((order ~= self.order and order or "") .. format .. (order ~= self.order and self.order or ""),
      offset, field.unit)
    self.units[key] = unit
  end
  local width = field.bits.width
  local mask = width == 64 and -1 or (1 << width) - 1
  local first = access.first_bit(field, member.record, order)
  local kind, T = field.type.kind, field.type.T
  if kind ~= "bool" and kind ~= "enum" and T:sub(1, 1) == "u" then
    return ("%s >> %d & %d"):format(unit, first, mask)
  end
  return ("%s(%s >> %d & %d)"):format(self:constant((access.bits(field, order))), unit, first, mask)
end

local function add_member(self, member)
  local type_ = member.field.type
  local order = self.order
  local inner = member.record.endian
  local expression
  if member.field.bits then expression = bit_field(self, member)
  elseif inner and inner ~= order then expression = call(self, decode.of(type_, inner), member.offset)
  else expression = kinds[type_.kind](self, type_, member.offset) end
  self.fields[#self.fields + 1] = ("[%q] = %s"):format(member.name, expression)
end

-- The statements that unpack.
local function statements(self)
  local lines = {}
  for _, u in ipairs(self.unpacks) do
    lines[#lines + 1] = ("local %s = unpack(%q, s, p + %d)"):format(table.concat(u.names, ", "),
      self.order .. table.concat(u.formats), u.from)
  end
  return table.concat(lines, "\n")
end

local function new_writer(order, constants)
  return setmetatable({ order = order, constants = constants, unpacks = {}, fields = {}, units = {}, locals = 0 },
    Writer)
end

-- The text of a function(view, p) that makes the table from one call of view:unpack, which copies each byte once; nil
-- for what takes more calls than that.
local function compose_direct(record, order, constants)
  local writer = new_writer(order, constants)
  for _, member in ipairs(object.members(record)) do
    if writer.locals > MOST_LOCALS - SHORT_ARRAY then return nil end
    add_member(writer, member)
  end
  local fields = table.concat(writer.fields, ", ")
  local u = writer.unpacks[1]
  if #writer.unpacks ~= 1 or fields:find("(s, p", 1, true) then return nil end
  local format = order .. table.concat(u.formats)
  return ("local K, unpack, match, decode, within, check = ...\nreturn function(view, p)\n"
    .. "if not within(view, p, %d) then check('read', view, p, %d) end\nlocal %s = unpack(view, %q, p%s)\n"
    .. "return { %s }\nend"):format(record.size, record.size, table.concat(u.names, ", "), format,
      u.from > 0 and " + " .. u.from or "", fields)
end

-- The function's text: one constructor, or where there are many members one block of assignments for each lot.
local function compose(record, order, constants)
  local blocks, writer = {}, new_writer(order, constants)
  local function finish()
    blocks[#blocks + 1] = writer
    writer = new_writer(order, constants)
  end
  for _, member in ipairs(object.members(record)) do
    if writer.locals > MOST_LOCALS - SHORT_ARRAY or #writer.fields > MOST_LOCALS then finish() end
    add_member(writer, member)
  end
  finish()
  if #blocks == 1 then
    return ("%s\nreturn { %s }"):format(statements(blocks[1]), table.concat(blocks[1].fields, ", "))
  end
  local lines = { "local t = {}" }
  for _, block in ipairs(blocks) do
    lines[#lines + 1] = ("do\n%s\nt%s\nend"):format(statements(block), table.concat(block.fields, "\nt"))
  end
  lines[#lines + 1] = "return t"
  return table.concat(lines, "\n")
end

--- A function(view, offset) that reads a struct, and raises where it does not lie in the view.
function decode.reader(record, order)
  local constants = {}
  local source = compose_direct(record, record.endian or order, constants)
  if source then
    return assert(load(source, access.made))(constants, core.view.unpack, string.match, text.decode, core.within,
      object.check_range)
  end
  local read, size, get_string, check_range = decode.of(record, order), record.size, core.view.get_string,
    object.check_range
  return function(view, offset)
    check_range("read", view, offset, size)
    return read(get_string(view, offset, size), 1)
  end
end

local function compile(record, order)
  local constants = {}
  local source = ("local K, unpack, match, decode = ...\nreturn function(s, p)\n%s\nend")
    :format(compose(record, order, constants))
  return assert(load(source, access.made))(constants, string.unpack, string.match, text.decode)
end

-- {-- Of any type ----------------------------------------------------------------------------------

local function scalar(type_, order)
  local format, read = order .. access.formats[type_.T], access.of(type_, order).read
  return function(s, p)
    local n = string.unpack(format, s, p)
    if read then return read(n) end
    return n
  end
end

local function make(type_, order)
  if type_.fields then return compile(type_, type_.endian or order) end
  if access.is_text(type_) then
    return function(s, p) return text.decode(s:sub(p, p + type_.size - 1), type_.of.unit, order) end
  end
  if type_.kind ~= "array" then return scalar(type_, order) end
  local of = type_.of
  if of.T then
    return numbers(access.formats[of.T], of.size, type_.count, order, access.of(of, order).read)
  end
  return elements(of, type_.count, order)
end

--- A function(s, p) that reads a value of a type from the bytes of `s` at p, which counts from 1.
function decode.of(type_, order)
  local found = cache[order][type_]
  if not found then
    found = make(type_, order)
    cache[order][type_] = found
  end
  return found
end

return decode
