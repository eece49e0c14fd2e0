-- Enumerations. These are methods of the parser. Internal to filemap.cdef.
local ctype = require "filemap.ctype"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"
local Scope = require "filemap.cdef.scope"

local fail = lexer.fail
local Enums = {}

-- The integer type that holds some values, as gcc chooses it: unsigned where no value is negative.
local function enum_integer(least, greatest, packed)
  for _, T in ipairs(packed and { "u8", "i8", "u16", "i16", "u32", "i32", "i64" }
    or { "u32", "i32", "i64" }) do
    local low, high = ctype.bounds(T)
    if least >= low and greatest <= high then return T end
  end
end

-- The type of an enumerator in expressions.
local function value_type(value, T)
  if T == "u64" and value < 0 then return T end
  if value >= -0x80000000 and value <= 0x7fffffff then return "i32" end
  return value >= 0 and value <= 0xffffffff and "u32" or "i64"
end

-- The enumerators between braces, as { name, value }; they are declared in `scope`.
function Enums:enumerators(scope)
  local entries, value, T = {}, 0, "i32"
  local first = self:absolute(self.i)
  self:expect("{")
  while not self:accept("}") do
    if self.i > 2048 then self:trim(1) end
    local name, at = self:name("an enumerator or '}'")
    if self.kinds[self.i] == "name" or self.kinds[self.i] == "[" then self:attributes({}) end
    if self:accept("=") then value, T = expression.integer(self, "the value of '" .. name .. "'")
    elseif T == "overflow" then fail(at, "the value of '%s' does not fit 64 bits", name) end
    T = value_type(value, T)
    entries[#entries + 1] = { name, value }
    if T == "u64" then entries.unsigned = true end
    scope:declare(name, { value = value, T = T }, at)
    if value == math.maxinteger then T = "overflow" else value = value + 1 end
    if self.kinds[self.i] ~= "}" then self:expect(",") end
  end
  self:check_missed(first, self:absolute(self.i - 1))
  return entries
end

function Enums:enum_type(tag, entries, T, attributes, at)
  if not T then
    local least, greatest = 0, 0
    for _, entry in ipairs(entries) do
      least, greatest = math.min(least, entry[2]), math.max(greatest, entry[2])
    end
    T = entries.unsigned and "u64" or enum_integer(least, greatest, attributes.packed)
  end
  local type_ = self:checked(at, ctype.enum, tag.name, T, entries, self.abi)
  return attributes.align and ctype.aligned(type_, attributes.align) or type_
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
  local name = self:is_free(self.i) and self:name()
  local T = self:enum_base(at) or scoped and "i32" or nil
  if self:kind() ~= "{" then
    if not name then self:expected("a name or '{'") end
    if self:kind() == "::" then return self:qualified(self:tag("enum", name, at), at) end
    local tag = T and self.scope:own_tag("enum", name) or self:tag("enum", name, at)
    if T and not tag.type then tag.type = self:enum_type(tag, {}, T, {}, at) end
    return tag
  end
  local tag = name and self.scope:own_tag("enum", name) or { tag = true, kind = "enum" }
  local again = tag.broken or tag.type and (tag.kind ~= "enum" or tag.type.names[1])
  if again then fail(at, "'%s' is declared twice", name) end
  tag.scope = scoped and Scope.new("enum", name, self.scope) or nil
  tag.kind = "enum"
  local entries = self:enumerators(tag.scope or self.scope)
  if self.kinds[self.i] == "name" or self.kinds[self.i] == "[" then self:attributes(attributes) end
  tag.type = self:enum_type(tag, entries, T, attributes, at)
  return tag, true
end

return Enums
