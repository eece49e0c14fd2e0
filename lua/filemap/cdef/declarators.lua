-- Declarators: the part of a declaration between its type and the ',' or ';'. These are methods of the
-- parser. Internal to filemap.cdef.
local ctype = require "filemap.ctype"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"

local fail = lexer.fail
local Declarators = {}

local FUNCTION = { kind = "function" }

-- Nesting limit: what is in a declarator's brackets is read once for each of them.
local MOST_BRACKETS = 12

local points = { ["*"] = true, ["&"] = true, ["&&"] = true }

-- A constant expression as the number of an array's elements.
local function constant_bound(self)
  local at = self.ats[self.i]
  local n, T = expression.integer(self, "the bound of an array")
  if n < 0 then fail(at, "an array cannot have %s elements", T == "u64" and ("%u"):format(n) or n) end
  return n
end

-- The bounds of an array, outermost first; an empty one, [0] and [?] at the front are 0 elements, and
-- flexible.
function Declarators:bounds()
  local bounds = {}
  while self:accept("[") do
    local at = self.ats[self.i]
    local empty = self:accept("?")
    if empty or self.kinds[self.i] == "]" then
      self:expect("]")
      if bounds[1] then fail(at, "expected the bound of an inner array") end
      bounds[1], bounds.flexible = 0, true
    else
      bounds[#bounds + 1] = constant_bound(self)
      self:expect("]")
    end
    bounds.at = at
  end
  return bounds
end

-- An array of a type; types have few of them, and each is made once.
local function array_type(self, element, n, at)
  local arrays = self.arrays[element]
  if not arrays then
    if element == self.reference then fail(at, "C++ has no array of references") end
    arrays = {}
    self.arrays[element] = arrays
  end
  local array = arrays[n] or self:checked(at, ctype.array, element, n)
  arrays[n] = array
  return array
end

function Declarators:array_of(base, bounds)
  local element = self:sized(base, bounds.at)
  if element.size % element.align ~= 0 then
    fail(bounds.at, "an array of elements of %d bytes that align to %d", element.size, element.align)
  end
  for i = #bounds, 1, -1 do element = array_type(self, element, bounds[i], bounds.at) end
  return element
end

-- Whether a '(' begins a declarator in brackets, rather than parameters.
function Declarators:is_nested()
  local i = self.i + 1
  local kind, value = self.kinds[i], self.values[i]
  if points[kind] or kind == "(" or kind == "[" then return true end
  if kind == "name" and self:is_attribute(i) and value ~= "const" and value ~= "volatile" then return true end
  return kind == "name" and not self:starts_type(i) and value ~= "void"
end

-- What follows a declarator's name: bounds, or parameters.
function Declarators:suffixes(base)
  local kind = self.kinds[self.i]
  if kind == "(" then
    self:balanced(self.pass_over)
    return FUNCTION
  end
  if kind ~= "[" or self.kinds[self.i + 1] == "[" then return base end
  local i, kinds = self.i, self.kinds
  if base.size and kinds[i + 1] == "number" and kinds[i + 2] == "]" and kinds[i + 3] ~= "[" then
    -- Most bounds are one number.
    local text = self.values[i + 1]
    if #text < 10 and text:find("^[1-9]%d*$") and base.size % base.align == 0 then
      self.i = i + 3
      return array_type(self, base, tonumber(text), self.ats[i + 1])
    end
  end
  local bounds = self:bounds()
  return self:array_of(base, bounds), bounds.flexible
end

-- A declarator in brackets. What follows the brackets comes first: in (*f)(int) the function, to which f
-- points.
function Declarators:nested(outer, attributes)
  local at = self:at()
  self.brackets = self.brackets + 1
  if self.brackets > MOST_BRACKETS then fail(at, "declarators nested more than %d deep", MOST_BRACKETS) end
  local inner = self.i + 1
  self:balanced()
  local base = self:suffixes(outer)
  local after = self.i
  self.i = inner
  local name, type_, flexible, place = self:declarator(base, attributes)
  self:expect(")")
  self.i, self.brackets = after, self.brackets - 1
  return name, type_, flexible, place
end

-- Steps over stars and the words behind them. Returns the type that they make.
local function pointers(self, base)
  local kinds, last = self.kinds
  repeat
    if last and last ~= "*" or base.reference and kinds[self.i] == "*" then
      fail(self:at(), "C++ has no pointer or reference to a reference")
    end
    last = kinds[self.i]
    self.i = self.i + 1
    if kinds[self.i] == "name" then
      local own, at = self:attributes({}), self:at()
      if own.align or own.packed then fail(at, "an attribute of a pointer is not read here") end
    end
  until not points[kinds[self.i]]
  return last == "*" and self.pointer or self.reference
end

--- Reads a declarator: its name (nil for none), type, whether it is a flexible array, and position.
-- Attributes go into `attributes`.
function Declarators:declarator(base, attributes)
  local kinds = self.kinds
  local kind = kinds[self.i]
  if kind == "name" then self:attributes(attributes) end
  if points[kinds[self.i]] then
    base = pointers(self, base)
  end
  local i = self.i
  local at = self.ats[i]
  kind = kinds[i]
  if kind == "(" and self:is_nested() then return self:nested(base, attributes) end
  local name
  if kind == "name" and self:is_free(i) then
    name = self.values[i]
    self.i = i + 1
    -- A pointer to a member, int C::*p, is not one of C.
    if kinds[self.i] == "::" and kinds[self.i + 1] == "*" then
      fail(at, "a pointer to a member is not read here")
    end
  end
  kind = kinds[self.i]
  local flexible
  if kind == "[" or kind == "(" then base, flexible = self:suffixes(base) end
  return name, base, flexible, at
end

--- A type if one starts here, else nil: in a cast, in sizeof.
function Declarators:type_name()
  if not self:starts_type(self.i) then return nil end
  if self.kinds[self.i + 1] == "(" and self.kinds[self.i + 2] ~= "*"
    and not self:is_keyword(self:value()) then
    return nil
  end
  local at = self:at()
  self:deeper()
  self.in_type_name = self.in_type_name + 1
  local spec = self:specifiers()
  local name, type_ = self:declarator(spec.type, {})
  self.in_type_name = self.in_type_name - 1
  self:shallower()
  if name then fail(at, "expected a type without a name") end
  return type_.tag and self:complete(type_) or type_
end

return Declarators
