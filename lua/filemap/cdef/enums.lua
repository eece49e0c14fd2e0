-- Enumerations. These are methods of the parser. Internal to filemap.cdef.
local ctype = require "filemap.ctype"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"
local Scope = require "filemap.cdef.scope"

local fail = lexer.fail
local Enums = {}

-- The integer type that holds some values below 2^63, as gcc chooses it: unsigned where no value is negative.
local function enum_integer(least, greatest, packed)
  for _, T in ipairs(packed and { "u8", "i8", "u16", "i16", "u32", "i32" } or { "u32", "i32" }) do
    local low, high = ctype.bounds(T)
    if least >= low and greatest <= high then return T end
  end
  return least < 0 and "i64" or "u64"
end

-- Steps over the value of an enumerator behind its name, if there is one; else it follows the one before.
-- Returns the value, and whether it is one of u64 alone.
local function enumerator_value(self, name, at, next_value, unsigned)
  if self:accept("=") then
    local value, T = expression.integer(self, "the value of '" .. name .. "'")
    return value, T == "u64" and value < 0
  end
  if next_value == math.mininteger and not unsigned then
    fail(at, "the value of '%s' does not fit 64 bits", name)
  end
  return next_value, unsigned and next_value < 0
end

--- The enumerators between braces: their names, and the entry that they share in `scope` (see scope.lua).
-- `T` is the enum's type if that is fixed.
function Enums:enumerators(scope, T)
  local names, values, next_value, unsigned = {}, {}, 0, false
  local entry = { values = values, all = T and expression.promote(T) }
  local first = self:absolute(self.i)
  self:expect("{")
  while not self:accept("}") do
    if self.i > 2048 then self:trim(1) end
    local name, at = self:name("an enumerator or '}'")
    if self.kinds[self.i] == "name" or self.kinds[self.i] == "[" then self:attributes({}) end
    local value
    value, unsigned = enumerator_value(self, name, at, next_value, unsigned)
    if unsigned then
      entry.unsigned = entry.unsigned or {}
      entry.unsigned[name] = true
    end
    -- (A macro that is not known may follow, and change the value.)
    if self.kinds[self.i] ~= "," and self.kinds[self.i] ~= "}" then self:expected("','") end
    scope:declare_enumerator(name, entry, at)
    names[#names + 1], values[name] = name, value
    next_value = value + 1
    self:accept(",")
  end
  self:check_missed(first, self:absolute(self.i - 1))
  return names, entry
end

-- Raises for an enum of 64 bits. Microsoft's compiler makes each enum an int and cuts its values; gcc for
-- Windows does not.
local function check_int(names, entry, at)
  for _, name in ipairs(names) do
    local value = entry.values[name]
    if value < -0x80000000 or value > 0x7fffffff or entry.unsigned and entry.unsigned[name] then
      fail(at, "'%s' does not fit an int, which every enum is to Microsoft's compiler", name)
    end
  end
end

function Enums:enum_type(tag, names, entry, T, attributes, at)
  if not T then
    local least, greatest = 0, 0
    for _, value in next, entry.values do
      least, greatest = math.min(least, value), math.max(greatest, value)
    end
    T = entry.unsigned and "u64" or enum_integer(least, greatest, attributes.packed)
    if self.is_microsoft and ctype.number_size[T] == 8 then check_int(names, entry, at) end
    entry.T = T
    -- C++ counts with the first of int, unsigned, long and unsigned long that holds all values.
    local is_int = least >= -0x80000000 and greatest <= 0x7fffffff and not entry.unsigned
    if self.is_cpp and not is_int then entry.all = T == "u64" and not entry.unsigned and "i64" or T end
  end
  local type_ = self:checked(at, ctype.enum, tag.name, T, names, entry.values, self.abi)
  local align = self:type_alignment(attributes)
  return align and self:aligned_type(type_, align) or type_
end

-- The integer type behind the ':' of an enum, nil if there is none.
function Enums:enum_base(at)
  if self:kind() ~= ":" or not self:starts_type(self.i + 1) then return nil end
  self:skip()
  self:deeper()
  local base = self:specifiers().type
  self:shallower()
  local T = base.T
  if not T or not ctype.bounds(T) then fail(at, "expected an integer type below an enum") end
  return T
end

local function attributed(self)
  local kind = self.kinds[self.i]
  return (kind == "name" or kind == "[") and self:attributes({}) or {}
end

--- `enum` behind its word: the tag, and whether its body is here.
function Enums:enum()
  local at = self.ats[self.i - 1]
  local scoped = self:is("class") or self:is("struct")
  if scoped then self:skip() end
  local attributes = attributed(self)
  local name, scope = self:tag_name()
  local T = self:enum_base(at) or scoped and "i32" or nil
  if self:kind() ~= "{" then
    if not name then self:expected("a name or '{'") end
    if not T then return self:tag("enum", name, at, scope) end
    if self:kind() ~= ";" then self:expected("'{' or ';'") end
    local tag = (scope or self.scope):own_tag("enum", name)
    if not self:complete(tag) then tag.type = self:enum_type(tag, {}, { values = {} }, T, {}, at) end
    return tag
  end
  scope = scope or self.scope
  local tag = name and scope:own_tag("enum", name) or { tag = true, kind = "enum" }
  self:check_new(tag, at)
  tag.scope = scoped and Scope.new("enum", name, scope) or nil
  tag.kind = "enum"
  local outer = self.scope
  self.scope = tag.scope or scope
  local names, entry = self:enumerators(self.scope, T)
  self.scope = outer
  if not scoped then tag.enumerators = entry end
  if self.kinds[self.i] == "name" or self.kinds[self.i] == "[" then self:attributes(attributes) end
  tag.type = self:enum_type(tag, names, entry, T, attributes, at)
  return tag, true
end

return Enums
