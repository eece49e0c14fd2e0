-- Tables written to memory as structs and arrays, in two ways. The quick one is a generated function for
-- tables that have all members: it packs them with as few calls as there are runs of members without a gap,
-- and gives up at anything unusual. The thorough one (`collect` in object.lua) takes any table, and names
-- what is wrong in it. Both check everything before they write. Internal to filemap.struct.
local access = require "filemap.struct.access"
local core = require "filemap.core"
local ctype = require "filemap.ctype"

local MOST_VALUES = 150 -- in one function: Lua has 255 registers
local MOST_TABLES = 32 -- inner tables, each a local
local LONGEST_ARRAY = 16 -- values of an array that are arguments of one call
local CHUNK = 128 -- numbers of a long array that one call packs

local count_plain = core.record.count_plain
local encode = {}

-- {-- Generated functions --------------------------------------------------------------------------

-- A function that is being generated: `lines` that read inner tables; `items` to write, in order: runs of
-- bytes without a gap, each with the formats, the arguments and the range, or lines that collect what no run
-- can contain; `constants` as K[i].
local Writer = {}
Writer.__index = Writer

function Writer:constant(value)
  self.constants[#self.constants + 1] = value
  return ("K[%d]"):format(#self.constants)
end

-- Adds a value to the last run if it continues that, else to a new one.
function Writer:pack(order, format, offset, size, expression)
  local run = self.items[#self.items]
  if not run or run.to ~= offset then
    run = { from = offset, formats = {}, arguments = {} }
    self.items[#self.items + 1] = run
  end
  table.insert(run.formats, (run.order ~= order and order or "") .. format)
  table.insert(run.arguments, expression)
  run.to, run.order = offset + size, order
end

-- A local for a table that must have just so many keys, and no metatable. Of the outermost the caller has
-- checked it.
function Writer:table(expression, count)
  if expression == "t" then
    self.count = count
    return "t"
  end
  self.tables = self.tables + 1
  local name = "t" .. self.tables
  table.insert(self.lines, ("local %s = %s\nif count(%s) ~= %d then return end"):format(
    name, expression, name, count))
  return name
end

-- Adds a line that calls an accessor, which checks the value and collects it.
function Writer:collect(accessor, offset, expression, name)
  local call = ("%s(list, p + %d, %s, %q)"):format(self:constant(accessor.collect), offset, expression, name)
  self.items[#self.items + 1] = { line = call }
end

-- {-- By kind --------------------------------------------------------------------------------------

local kinds = {}

function kinds.number(self, type_, offset, order, expression)
  self:pack(order, access.formats[type_.T], offset, type_.size, expression)
end
kinds.pointer, kinds.char = kinds.number, kinds.number

function kinds.bool(self, _, offset, order, expression)
  self:pack(order, "B", offset, 1, ("bools[%s]"):format(expression))
end

local math_type = math.type

function kinds.enum(self, type_, offset, order, expression)
  local by_name = type_.by_name
  local value = self:constant(function(x) return by_name[x] or math_type(x) and x end)
  kinds.number(self, type_, offset, order, ("%s(%s)"):format(value, expression))
end

local function bytes_only(x)
  return type(x) == "string" and x or nil
end

local function pack_string(self, type_, offset, order, expression)
  local of = type_.of
  local value = of.kind == "bytes" and ("%s(%s)"):format(self:constant(bytes_only), expression)
    or of.unit == 1 and ("text(%s)"):format(expression)
    or ("wide(text(%s), %d, %s, %d)"):format(expression, of.unit, order ~= access.native, type_.count)
  if type_.size > 0 then self:pack(order, "c" .. type_.size, offset, type_.size, value) end
end

function kinds.array(self, type_, offset, order, expression, name)
  if ctype.is_string(type_) and type_.size > 0 then
    return pack_string(self, type_, offset, order, expression)
  end
  if ctype.values(type_) > LONGEST_ARRAY or type_.size == 0 then
    return self:collect(access.of(type_, order), offset, expression, name)
  end
  local t, of = self:table(expression, type_.count), type_.of
  for i = 1, type_.count do
    kinds[of.kind](self, of, offset + (i - 1) * of.size, order, ("%s[%d]"):format(t, i),
      ("%s[%d]"):format(name, i))
  end
end

function kinds.struct(self, type_, offset, order, expression, name)
  local list = ctype.members(type_)
  local t = self:table(expression, #list)
  order = type_.endian or order
  for _, m in ipairs(list) do
    local inner, own = m.field.type, m.endian or order
    local value, path = ("%s[%q]"):format(t, m.name), (name and name .. "." or "") .. m.name
    if m.field.bits then
      self:collect(access.of_member(m.field, m.record, own), offset + m.offset, value, path)
    else kinds[inner.kind](self, inner, offset + m.offset, own, value, path) end
  end
end
kinds.union = kinds.struct

-- {-- Functions ------------------------------------------------------------------------------------

-- The lines that add to a list what writes the items.
local function collecting(items)
  local lines = { "local n" }
  for _, item in ipairs(items) do
    lines[#lines + 1] = item.line or ("n = #list\nlist[n + 1], list[n + 2], list[n + 3] = "
      .. "set_string, p + %d, pack(%q, %s)"):format(
      item.from, table.concat(item.formats), table.concat(item.arguments, ", "))
  end
  return table.concat(lines, "\n")
end

-- The quick functions of a type: collect(list, p, value), and where there is only one run write(view, p,
-- value), which packs it directly. They return true. They raise, or return nothing, at what they do not take,
-- and have then written nothing. `count` is how many keys the value must have; nil for a type with too many
-- values.
local function compile(type_, order)
  local most = type_.kind == "array" and LONGEST_ARRAY or MOST_VALUES
  if ctype.values(type_) > most or type_.size == 0 then return nil end
  local self = setmetatable({ lines = {}, items = {}, constants = {}, tables = 0 }, Writer)
  kinds[type_.kind](self, type_, 0, order, "t")
  if self.tables > MOST_TABLES then return nil end
  local function generate(body)
    local text = ("local K, count, text, wide, bools, pack, pack_view, set_string = ...\n"
      .. "return function(list, p, t)\n%s\n%s\nreturn true\nend"):format(table.concat(self.lines, "\n"), body)
    return assert(load(text, access.made))(self.constants, count_plain, core.record.plain_text,
      core.encode_text, { [true] = 1, [false] = 0 }, string.pack, core.view.pack, core.view.set_string)
  end
  local run = #self.items == 1 and not self.items[1].line and self.items[1]
  return self.count, generate(collecting(self.items)), run
    and generate(("pack_view(list, %q, p + %d, %s)"):format(
      table.concat(run.formats), run.from, table.concat(run.arguments, ", ")))
end

--- Gives the accessor of a struct or an array, by its thorough `collect`, two functions that try the quick
--- ones first: write(view, offset, value, name), and collect(list, offset, value, name [, elements]), which
--- leaves a struct with so many elements in its flexible array to the thorough one. The first call adds
--- `count` and `quick_write`, if there is such a function. The accessor of a struct has `by_name`: of a table
--- with one key only that member is written.
function encode.complete(accessor, type_, order, thorough)
  local by_name, count, quick_collect, quick_write = accessor.by_name, nil, nil, nil
  local function prepare()
    count, quick_collect, quick_write = compile(type_, order)
    count = count or -1
    accessor.count, accessor.quick_write = quick_write and count, quick_write
  end
  function accessor.collect(list, offset, value, name, elements)
    if not count then prepare() end
    if not elements and count_plain(value) == count then
      local n = #list
      local well, done = pcall(quick_collect, list, offset, value)
      if well and done then return end
      for i = #list, n + 1, -1 do list[i] = nil end
    end
    thorough(list, offset, value, name, elements)
  end
  function accessor.write(view, offset, value, name)
    if not count then prepare() end
    local n, key, field, inner = count_plain(value)
    if n == count and quick_write then
      local well, done = pcall(quick_write, view, offset, value)
      if well and done then return end
    end
    local one = n == 1 and by_name and by_name[key]
    if one then
      local of, at = one.of, offset + one.offset
      if inner and inner == of.count then
        local well, done = pcall(of.quick_write, view, at, field)
        if well and done then return end
      end
      of.write(view, at, field, name and name .. "." .. key or key)
      return -- (not a tail call, which is slower)
    end
    local list = {}
    accessor.collect(list, offset, value, name)
    access.write(view, list)
  end
  return accessor
end

--- The bytes of the numbers t[1] to t[n], which all must be right; else it raises.
function encode.numbers(of, order, t, n)
  local format, parts = access.formats[of.T], {}
  for first = 1, n, CHUNK do
    local last = math.min(first + CHUNK - 1, n)
    parts[#parts + 1] = string.pack(order .. format:rep(last - first + 1), table.unpack(t, first, last))
  end
  return table.concat(parts)
end

return encode
