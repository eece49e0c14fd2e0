-- Values that have names or begin with one: sizeof, offsetof, casts, constants. These are methods of the
-- parser, which expression.lua calls. Internal to filemap.cdef.
local ctype = require "filemap.ctype"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"

local fail = lexer.fail
local Values = {}
local value_words = {}

function Values:size_type()
  return self.abi.pointer == 8 and "u64" or "u32"
end

-- {-- Members --------------------------------------------------------------------------------------

-- The member of a type, with all that follows its name: the member's type, its offset, and whether it is a
-- bit-field.
local function member_path(self, type_)
  local offset, bits = 0
  repeat
    local at = self:at()
    local name = self:name("a member")
    local field = type_.by_name and type_.by_name[name] or fail(at, "there is no member '%s'", name)
    type_, offset, bits = field.type, offset + field.offset, field.bits
    while self:accept("[") do
      local i = expression.integer(self, "an index")
      if type_.kind ~= "array" then fail(at, "'%s' is not an array", name) end
      type_, offset = type_.of, offset + i * type_.of.size
      self:expect("]")
    end
  until not self:accept(".")
  return type_, offset, bits
end

-- What the address in ((T *)0)->member starts with, if it is not NULL. NULL may be a macro, ((void *)0).
local constant_starts = { number = true, ["("] = true }

-- ((T *)0)->member, whose first '(' is the token: the member's type, its address, and whether it is a
-- bit-field; nil if something else is there. (Old headers take 16 or the like instead of 0, and subtract it.)
local function null_member(self)
  local i, kinds = self.i, self.kinds
  if kinds[i] ~= "(" or kinds[i + 1] ~= "(" or not self:starts_type(i + 2) then return nil end
  self.i = i + 2
  local at = self:at()
  local spec = self:specifiers()
  if self:accept("*") and self:accept(")") and (constant_starts[self:kind()] or self:is("NULL")) then
    local address = expression.unary(self)
    if math.type(address) == "integer" and self:accept(")") and self:accept("->") then
      local type_, offset, bits = member_path(self, self:sized(spec.type, at))
      return type_, address + offset, bits
    end
  end
  self.i = i
end

--- &((T *)0)->member behind its '&': the member's offset.
function Values:address_of()
  local at = self:at()
  local _, offset = null_member(self)
  if not offset then fail(at, "expected a constant expression, got '&'") end
  return offset, self:size_type()
end

-- {-- sizeof and its kind --------------------------------------------------------------------------

-- T::member in sizeof; nil if something else is there.
local function qualified_member(self)
  local i = self.i
  if self:kind() ~= "name" or self.kinds[i + 1] ~= "::" then return nil end
  local found = self:entity()
  if found and found.member then return found.member.type end
  self.i = i
end

-- The size of a type or member in brackets, from behind the '(' on; nil for another expression.
local function bracketed_size(self, at)
  local type_ = qualified_member(self)
  if not type_ then
    local member, _, bits = null_member(self)
    if bits then fail(at, "sizeof a bit-field") end
    type_ = member or self:type_name()
  end
  if not type_ then return nil end
  if type_.reference then fail(at, "sizeof a reference is not read here") end
  self:expect(")")
  return self:sized(type_, at).size
end

-- The size of a constant. The types of other expressions are not followed: those of casts, characters and
-- comparisons are not the ones in which C counts, or others in C++.
local function constant_size(self, at)
  local kind, text = self:token()
  if self:accept("(") then
    self:deeper()
    local size = constant_size(self, at)
    self:shallower()
    if self:accept(")") then return size end
  elseif kind == "string" then
    local size = 1
    while self:kind() == "string" do
      size = size + #self:value()
      self:skip()
    end
    if self:kind() ~= "wide" then return size end
  elseif kind == "number" then
    local _, T = expression.unary(self)
    if T ~= "f32" and (T ~= "f64" or not text:find("[lL]$")) then return ctype.number_size[T] end
  elseif kind == "bad" then
    return self:expected("a constant expression")
  end
  return fail(at, "sizeof this expression is not read here")
end

function value_words:sizeof()
  local at = self:at()
  if self:kind() == "(" then
    local i = self.i
    local direct, _, bits = null_member(self)
    if bits then fail(at, "sizeof a bit-field") end
    if direct then return direct.size, self:size_type() end
    self:skip()
    local size = bracketed_size(self, at)
    if size then return size, self:size_type() end
    self.i = i
  end
  return constant_size(self, at), self:size_type()
end

-- The type in the brackets of an operator.
local function bracketed_type(self)
  self:expect("(")
  local at = self:at()
  local type_ = self:type_name() or self:expected("a type")
  self:expect(")")
  return self:sized(type_, at)
end

function value_words:_Alignof()
  return bracketed_type(self).align, self:size_type()
end
value_words.alignof, value_words.TYPE_ALIGNMENT = value_words._Alignof, value_words._Alignof

-- The alignment of a variable. A number of 8 bytes has 8, also where it aligns to 4 in a struct.
function value_words:__alignof__()
  local type_ = bracketed_type(self)
  local align, inner = type_.align, type_
  while inner.kind == "array" and not inner.is_aligned do inner = inner.of end
  if inner.T and inner.size == 8 and not inner.is_aligned then align = 8 end
  return align, self:size_type()
end
value_words.__alignof, value_words.__builtin_alignof = value_words.__alignof__, value_words.__alignof__

function value_words:offsetof()
  self:expect("(")
  local at = self:at()
  local type_ = self:sized(self:type_name() or self:expected("a type"), at)
  self:expect(",")
  at = self:at()
  local _, offset, bits = member_path(self, type_)
  if bits then fail(at, "offsetof a bit-field") end
  self:expect(")")
  return offset, self:size_type()
end
value_words.__builtin_offsetof, value_words.FIELD_OFFSET = value_words.offsetof, value_words.offsetof
value_words._Offsetof = value_words.offsetof

-- {-- Casts and texts ------------------------------------------------------------------------------

local function cpp_cast(self)
  local at = self:at()
  self:expect("<")
  local type_ = self:type_name() or self:expected("a type")
  self:expect(">")
  self:expect("(")
  local n, T = expression.read(self)
  self:expect(")")
  return expression.cast(self, n, T, type_, at)
end
value_words.static_cast, value_words.reinterpret_cast, value_words.const_cast = cpp_cast, cpp_cast, cpp_cast

-- A text as TCHARs.
function value_words:_T()
  self:expect("(")
  local value, T = expression.read(self)
  self:expect(")")
  return value, T
end
value_words.TEXT, value_words._TEXT = value_words._T, value_words._T

function value_words:__extension__()
  return expression.unary(self)
end

-- Whether its argument is constant: here all are.
function value_words:__builtin_constant_p()
  self:balanced()
  return 1, "i32"
end

-- A cast that looks like a call: UINT64_C(1), uint32_t(1).
function Values:call_cast(type_, at)
  self:expect("(")
  local n, T = expression.read(self)
  self:expect(")")
  return expression.cast(self, n, T, type_, at)
end

local function cast_call(self, at)
  local spec = self:specifiers().type
  if self:kind() == "(" then return self:call_cast(self:sized(spec, at), at) end
  if self:accept("{") then
    local n, T = expression.read(self)
    self:expect("}")
    return expression.cast(self, n, T, self:sized(spec, at), at)
  end
  return fail(at, "expected a value, got a type")
end

--- A value that has a name, or begins with one: the value and its type.
function Values:named_value()
  local word, at, i = self:value(), self:at(), self.i
  if value_words[word] then
    self.i = i + 1
    return value_words[word](self)
  end
  local constant = word:match("^(U?INT%d*)_C$") or word:match("^(U?INTMAX)_C$")
  local type_ = constant and names.type(constant:lower() .. "_t", self.abi)
  if type_ then
    self.i = i + 1
    return self:call_cast(type_, at)
  end
  if self:starts_type(i) then return cast_call(self, at) end
  local found = self:entity()
  if found and found.value ~= nil then return found.value, found.T end
  local value, T
  if not found then value, T = names.value(word, self.abi) end
  if value == nil then fail(at, "expected a constant, got %s", lexer.shown("name", word)) end
  return value, T
end

return Values
