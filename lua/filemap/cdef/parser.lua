-- The parser of declarations: from the preprocessor's tokens to C types and constants. Internal to filemap.cdef.
--
-- It goes over the tokens once, with one token in hand. Types that are not complete yet are tags (see scope.lua); by
-- value only complete ones are used. Functions, variables and what is in their bodies are passed over.
local ctype = require "filemap.ctype"
local Cursor = require "filemap.cdef.cursor"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"
local Preprocessor = require "filemap.cdef.preprocessor"
local Scope = require "filemap.cdef.scope"
local Types = require "filemap.cdef.types"

local fail = lexer.fail
local Parser = {}
for _, methods in ipairs { Cursor, Types } do
  for name, method in pairs(methods) do Parser[name] = method end
end
Parser.__index = Parser

--- Steps to the next token, and takes the #pragma pack on the way.
function Parser:skip()
  local i, kinds = self.i + 1, self.kinds
  while kinds[i] == "pragma" do
    self:pragma_pack(self.values[i], self.ats[i])
    i = i + 1
  end
  self.i = i
end

--- Counts what is not in proportion to the source by itself: copies of members and names.
function Parser:spend(n, at)
  self.budget = self.budget - n
  if self.budget < 0 then fail(at, "what is declared in each other comes to too many names") end
end

--- Counts the members that a struct takes over as its own from one in it.
function Parser:copies(record, at)
  local count = 0
  for _ in pairs(record.by_name or {}) do count = count + 1 end
  self:spend(count, at)
end

--- Calls f, and gives its plain error the place of what it is about. (One that has a place keeps it.)
function Parser:checked(at, f, ...) -- luacheck: no self
  local well, result = pcall(f, ...)
  if well then return result end
  if type(result) == "table" then error(result, 0) end
  return fail(at, "%s", result)
end

-- {-- #pragma pack ---------------------------------------------------------------------------------

-- Each kind of pack(…), by its words: `n` stands for a number, `x` for a name.
local pack_forms = {
  [""] = function(self) self.pack = nil end,
  n = function(self, n) self.pack = n end,
  push = function(self) table.insert(self.packs, { pack = self.pack }) end,
  ["push,n"] = function(self, n)
    table.insert(self.packs, { pack = self.pack })
    self.pack = n
  end,
  ["push,x"] = function(self, _, name) table.insert(self.packs, { pack = self.pack, name = name }) end,
  ["push,x,n"] = function(self, n, name)
    table.insert(self.packs, { pack = self.pack, name = name })
    self.pack = n
  end,
  show = function() end,
}

local function pop(self, n, name)
  local packs, i = self.packs, #self.packs
  while name and i > 0 and packs[i].name ~= name do i = i - 1 end
  if i == 0 then error("nothing was pushed", 0) end
  self.pack = packs[i].pack
  for k = #packs, i, -1 do packs[k] = nil end
  self.pack = n or self.pack
end
pack_forms.pop, pack_forms["pop,n"], pack_forms["pop,x"], pack_forms["pop,x,n"] = pop, pop, pop, pop

function Parser:pragma_pack(words, at)
  local form, number, name = {}, nil, nil
  local well = words[1] == "(" and words[#words] == ")"
  for i = 2, #words - 1 do
    local word = words[i]
    local value = math.tointeger(tonumber(word))
    if value then
      number, form[#form + 1] = value, "n"
    elseif word == "push" or word == "pop" or word == "show" or word == "," then
      form[#form + 1] = word
    else
      name, form[#form + 1] = word, "x"
    end
  end
  local f = well and pack_forms[table.concat(form)]
  if not f then fail(at, "expected pack(), pack(n), pack(push, n) or pack(pop), got pack%s", table.concat(words)) end
  if number == 0 then number = nil end
  if number and (number & number - 1 ~= 0 or number < 1 or number > 16) then
    fail(at, "#pragma pack is 1, 2, 4, 8 or 16, not %d", number)
  end
  self:checked(at, f, self, number, name)
end

-- {-- Names ----------------------------------------------------------------------------------------

--- Reads declarations that come with a system's headers, when one of their names is used.
function Parser:declare_given(name)
  local saved = { kind = self.kinds, value = self.values, at = self.ats }
  local i, depth, pack, scope = self.i, self.depth, self.pack, self.scope
  local at = self:at()
  local preprocessor = Preprocessor.new(names.declaration(name), self.abi, {})
  for k in ipairs(preprocessor.out.at) do preprocessor.out.at[k] = at end
  self:rewind(preprocessor.out)
  self.scope, self.pack = self.given, nil
  self:declarations("end")
  self:rewind(saved)
  self.i, self.depth, self.pack, self.scope = i, depth, pack, scope
end

--- What a name means here, nil if nothing.
function Parser:find(name)
  local found = self.scope:find(name)
  if found then return found end
  local type_ = names.type(name, self.abi, self.unicode)
  if type_ then return self.given:declare(name, { type = type_ }) end
  if names.declaration(name) then
    self:declare_given(name)
    return self.given:own(name)
  end
end

-- The rest of A::B::C, behind A.
function Parser:qualified(entity, at)
  while self:kind() == "::" do
    local scope = entity.scope or entity.type and entity.type.tag and entity.type.scope
    self:skip()
    local name = self:name("a name behind '::'")
    entity = scope and scope:own(name) or fail(at, "there is no '%s' in what stands before '::'", name)
  end
  return entity
end

--- Steps over a name, which may be qualified, and returns what it means; nil if that is not known.
function Parser:entity()
  local at, scope = self:at(), nil
  if self:accept("::") then scope = self.file end
  local name = self:name("a name")
  if name == "std" and self:kind() == "::" and not self.scope:find(name) then
    self:skip()
    name, scope = self:name("a name"), nil
  end
  local found
  if scope then found = scope:own(name) else found = self:find(name) end
  if found and found.ambiguous then fail(at, "'%s' is declared in several structs", name) end
  if found and self:kind() == "::" then return self:qualified(found, at) end
  return found
end

--- A type as one that has a size.
function Parser:sized(type_, at) -- luacheck: no self
  if type_.tag then
    local shown = ("%s %s"):format(type_.kind, type_.name or "without a name")
    if type_.empty then fail(at, "'%s' has no members: compilers do not agree on its size", shown) end
    type_ = type_.type or fail(at, "'%s' is not complete here", shown)
  end
  if not type_.size then fail(at, "expected a type that has a size, got %s", type_.name or type_.kind) end
  return type_
end

-- {-- Declarators ----------------------------------------------------------------------------------

local FUNCTION <const> = { kind = "function" }

-- What stands in a declarator's brackets is gone over once for each of them.
local MOST_BRACKETS <const> = 12

local points = { ["*"] = true, ["&"] = true, ["&&"] = true, ["^"] = true }

-- The bounds of an array, outermost first; an empty one is 0 elements, and flexible.
function Parser:bounds()
  local bounds = {}
  while self:accept("[") do
    local at = self:at()
    if self:accept("]") then
      if bounds[1] then fail(at, "expected the bound of an inner array") end
      bounds[1], bounds.flexible = 0, true
    else
      local n, T = expression.integer(self, "the bound of an array")
      if n < 0 then fail(at, "an array of %s elements", T == "u64" and ("%u"):format(n) or n) end
      bounds[#bounds + 1] = n
      self:expect("]")
    end
    bounds.at = at
  end
  return bounds
end

function Parser:array_of(base, bounds)
  local element = self:sized(base, bounds.at)
  if element.size % element.align ~= 0 then
    fail(bounds.at, "an array of elements of %d bytes that align to %d", element.size, element.align)
  end
  for i = #bounds, 1, -1 do element = self:checked(bounds.at, ctype.array, element, bounds[i]) end
  return element
end

-- Whether a '(' begins a declarator in brackets, rather than parameters.
function Parser:is_nested()
  local kind, value = self.kinds[self.i + 1], self.values[self.i + 1]
  if points[kind] or kind == "(" or kind == "[" then return true end
  return kind == "name" and not self:starts_type(self.i + 1) and value ~= "void"
end

-- What follows a declarator's name: bounds, or parameters.
function Parser:suffixes(base)
  local kind = self.kinds[self.i]
  if kind == "(" then
    self:balanced()
    return FUNCTION
  end
  if kind ~= "[" then return base end
  local bounds = self:bounds()
  return self:array_of(base, bounds), bounds.flexible
end

--- Reads a declarator: its name (nil for none), type, whether it is a flexible array, and place. Attributes go into
-- `attributes`.
function Parser:declarator(base, attributes)
  self:attributes(attributes)
  while points[self.kinds[self.i]] do
    self:skip()
    local own, at = self:attributes({}), self:at()
    if own.align or own.packed then fail(at, "an attribute of a pointer is not read here") end
    base = self.pointer
  end
  local name, flexible
  local kind, value, at = self:token()
  if kind == "(" and self:is_nested() then
    -- What stands behind the brackets comes first: in (*f)(int) the function, to which f points.
    self.brackets = self.brackets + 1
    if self.brackets > MOST_BRACKETS then fail(at, "declarators nested more than %d deep", MOST_BRACKETS) end
    local inner = self.i + 1
    self:balanced()
    base = self:suffixes(base)
    local after = self.i
    self.i = inner
    name, base, flexible, at = self:declarator(base, attributes)
    self:expect(")")
    self.i, self.brackets = after, self.brackets - 1
  else
    if kind == "name" and self:is_free(self.i) then
      name = value
      self:skip()
    end
    base, flexible = self:suffixes(base)
  end
  return name, base, flexible, at
end

--- A type if one starts here, else nil: in a cast, in sizeof.
function Parser:type_name()
  if not self:starts_type(self.i) then return nil end
  if self.kinds[self.i + 1] == "(" and self.kinds[self.i + 2] ~= "*" then return nil end
  local at = self:at()
  self:deeper()
  local spec = self:specifiers()
  local name, type_ = self:declarator(spec.type, {})
  self:shallower()
  if name then fail(at, "expected a type without a name") end
  return type_.tag and type_.type or type_
end

-- {-- Values ---------------------------------------------------------------------------------------

local value_words = {}

function Parser:size_type()
  return self.abi.pointer == 8 and "u64" or "u32"
end

function value_words:sizeof()
  local at = self:at()
  if self:kind() == "(" then
    local i = self.i
    self:skip()
    local type_ = self:type_name()
    if type_ then
      self:expect(")")
      return self:sized(type_, at).size, self:size_type()
    end
    self.i = i
  end
  self:deeper()
  local value, T = expression.unary(self)
  self:shallower()
  return T == "string" and #value + 1 or ctype.number_size[T], self:size_type()
end

function value_words:_Alignof()
  self:expect("(")
  local at = self:at()
  local type_ = self:type_name() or self:expected("a type")
  self:expect(")")
  return self:sized(type_, at).align, self:size_type()
end
value_words.alignof, value_words.__alignof__, value_words.__alignof = value_words._Alignof, value_words._Alignof,
  value_words._Alignof

function value_words:offsetof()
  self:expect("(")
  local at = self:at()
  local type_ = self:sized(self:type_name() or self:expected("a type"), at)
  self:expect(",")
  local offset = 0
  repeat
    at = self:at()
    local name = self:name("a member")
    local field = type_.by_name and type_.by_name[name] or fail(at, "there is no member '%s'", name)
    if field.bits then fail(at, "'%s' is a bit-field", name) end
    type_, offset = field.type, offset + field.offset
    while self:accept("[") do
      local i = expression.integer(self, "an index")
      if type_.kind ~= "array" then fail(at, "'%s' is no array", name) end
      type_, offset = type_.of, offset + i * type_.of.size
      self:expect("]")
    end
  until not self:accept(".")
  self:expect(")")
  return offset, self:size_type()
end
value_words.__builtin_offsetof = value_words.offsetof

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

-- A cast that looks like a call: UINT64_C(1), uint32_t(1).
function Parser:call_cast(type_, at)
  self:expect("(")
  local n, T = expression.read(self)
  self:expect(")")
  return expression.cast(self, n, T, type_, at)
end

--- A value that has a name, or begins with one; see expression.lua.
function Parser:named_value()
  local word, at, i = self:value(), self:at(), self.i
  if value_words[word] then
    self:skip()
    return value_words[word](self)
  end
  local constant = word:match("^(U?INT%d*)_C$")
  local type_ = constant and names.type(constant:lower() .. "_t", self.abi)
  if type_ then
    self:skip()
    return self:call_cast(type_, at)
  end
  if self:starts_type(i) and not value_words[word] then
    local spec = self:specifiers().type
    if self:kind() == "(" then return self:call_cast(spec.tag and spec.type or spec, at) end
    return fail(at, "expected a value, got a type")
  end
  local found = self:entity()
  if found and found.value then return found.value, found.T end
  local value, T = names.value(word, self.abi)
  if not value then fail(at, "expected a constant, got %s", lexer.shown("name", word)) end
  return value, T
end

-- {-- Constants ------------------------------------------------------------------------------------

local ends_initialiser = { [","] = true, [";"] = true }

-- The value of a constant of a type from an expression's; nil where it is none.
local function constant_of(self, type_, value, T, at)
  if type_.kind == "auto" then return value, T end
  if T == "string" then
    local text = type_.kind == "pointer" or type_.kind == "array" and type_.of.kind == "char"
    if text then return value, "string" end
  elseif type_.T and type_.kind ~= "pointer" then
    return expression.cast(self, value, T, type_, at)
  end
end

-- Steps over what an initialiser is, `= x` or `{ x }`. Of a constant its value is kept, where it is one that is read.
function Parser:initialiser(name, type_, wanted, at)
  local i, depth = self.i, self.depth
  if wanted and name then
    local well, value, T = pcall(function()
      local braces = not self:accept("=") or self:kind() == "{"
      if braces then self:expect("{") end
      local value, T = expression.read(self)
      if braces then self:expect("}") end
      return constant_of(self, type_, value, T, at)
    end)
    if well and value ~= nil and ends_initialiser[self:kind()] then
      self.scope:declare(name, { value = value, T = T }, at)
      return
    end
    self.i, self.depth, self.quiet = i, depth, false
  end
  self:skip_to(ends_initialiser)
end

function Parser:static_assert()
  local at = self:at()
  self:expect("(")
  if self:is("std") then
    -- Of C++ types, which are not known here: nothing of a layout hangs on it.
    self.i = self.i - 1
    self:balanced()
  else
    local value = expression.integer(self, "what is asserted")
    local message = ""
    if self:accept(",") then
      if self:kind() ~= "string" then self:expected("a string") end
      message = ": " .. expression.read(self)
    end
    self:expect(")")
    if value == 0 then fail(at, "static_assert does not hold%s", message) end
  end
  self:accept(";")
end

local assert_words = { static_assert = true, _Static_assert = true, C_ASSERT = true }

-- {-- Functions, passed over -----------------------------------------------------------------------

local in_front_of_brackets = { __attribute__ = true, __attribute = true, __declspec = true, _declspec = true,
                               alignas = true, _Alignas = true, decltype = true, DECLSPEC_ALIGN = true }
local ends_lookahead = { [";"] = true, ["{"] = true, ["}"] = true, ["="] = true, [","] = true, [":"] = true,
                         ["end"] = true }

-- The token behind the bracket that closes the one at `i`.
function Parser:behind(i)
  local saved = self.i
  self.i = i
  self:balanced()
  i, self.i = self.i, saved
  return i
end

-- Whether the '(' at token `i` of a declaration that starts at `start` begins parameters.
function Parser:begins_parameters(start, i)
  local kinds, values = self.kinds, self.values
  if i == start or kinds[i - 1] ~= "name" or self:is_keyword(values[i - 1]) then return false end
  local after = kinds[i + 1]
  if after == "*" or after == "^" then return false end
  return not (after == "name" and kinds[i + 2] == "*" and not self:starts_type(i + 1))
end

-- If what starts here declares a function, its name, and how many tokens stand before that.
function Parser:function_name()
  local start, kinds, values = self.i, self.kinds, self.values
  local i = start
  while not ends_lookahead[kinds[i]] do
    local kind, value = kinds[i], values[i]
    if kind == "(" then
      if self:begins_parameters(start, i) then return values[i - 1], i - 1 - start end
      return nil
    elseif kind == "[" then
      i = self:behind(i)
    elseif kind == "name" and value == "operator" then
      return value, i - start
    elseif kind == "name" and in_front_of_brackets[value] and kinds[i + 1] == "(" then
      i = self:behind(i + 1)
    else
      i = i + 1
    end
  end
end

local stops_at_body = { [";"] = true, ["{"] = true }
local stops_at_more = { [";"] = true, ["{"] = true, [","] = true, [":"] = true }

--- Steps over a function, with its body if it has one. A member that is declared with it would be lost: for those
-- `at` is where to say so.
function Parser:skip_function(at)
  local kind = self:skip_to(at and stops_at_more or stops_at_body)
  if kind == "," then fail(at, "a function and what is declared with it are not read here") end
  if kind == ":" then kind = self:skip_to(stops_at_body) end
  while kind == "{" do
    self:balanced()
    -- A constructor's list of initialisers may have braces too.
    if self:kind() ~= "," and self:kind() ~= "{" then
      self:accept(";")
      return
    end
    kind = self:skip_to(stops_at_body)
  end
  self:skip()
end

-- {-- Members --------------------------------------------------------------------------------------

-- What begins a member of a class that is no data, by its first word.
local class_words = {
  friend = function(self) self:skip_function() end,
  virtual = function(self) fail(self:at(), "virtual functions are not read here: they change the layout") end,
  template = function(self) fail(self:at(), "templates are not read here") end,
}

for word in ("public private protected"):gmatch("%S+") do
  class_words[word] = function(self, tag)
    tag.hidden = word ~= "public"
    self:skip()
    self:expect(":")
  end
end

for word in pairs(assert_words) do
  class_words[word] = function(self)
    self:skip()
    self:static_assert()
  end
end

-- Members of a class that are no data. Returns whether one was there.
function Parser:no_data(tag)
  local read = self:kind() == "name" and class_words[self:value()]
  if read then read(self, tag) end
  return read
end

-- A member function, a constructor, an operator. Returns whether one was there.
function Parser:member_function(tag)
  if self:is("typedef") then return false end
  local at = self:at()
  local name, before = self:function_name()
  if not name then return false end
  local special = name == tag.name or name == "operator"
  if before == 0 and not special then self:expected("a member") end
  for k = self.i, self.i + before do
    if self.values[k] == "virtual" then class_words.virtual(self) end
  end
  tag.special = tag.special or special
  self:skip_function(at)
  return true
end

-- A member's place in the record, from behind its declarator on.
function Parser:add_member(tag, members, spec, name, type_, attributes, at)
  local member = { name = name, align = spec.align, packed = attributes.packed or spec.packed, at = at }
  if attributes.align then member.align = math.max(attributes.align, spec.align or 1) end
  if self:accept(":") then
    member.bits = expression.integer(self, "the width of a bit-field")
    self:attributes(attributes)
    member.packed = attributes.packed or member.packed
    member.align = attributes.align or member.align
  elseif not name then
    self:expected("the name of a member")
  end
  member.type = self:sized(type_, at)
  if members.flexible then fail(at, "a flexible array has to be the last member") end
  members.flexible = attributes.flexible
  if members.flexible and tag.kind == "union" then fail(at, "a flexible array in a union is not read here") end
  tag.special = tag.special or tag.hidden
  if self:kind() == "=" or self:kind() == "{" then
    tag.special = true
    self:initialiser(nil, type_, false, at)
  end
  members[#members + 1] = member
end

-- A typedef, a static member, or a member, from behind the specifiers on.
function Parser:member_declarators(tag, members, spec)
  repeat
    local attributes = {}
    local at = self:at()
    local name, type_, flexible
    if self:kind() == ":" then type_ = spec.type
    else name, type_, flexible = self:declarator(spec.type, attributes) end
    self:attributes(attributes)
    attributes.flexible = flexible
    if spec.typedef then self:typedef(spec, name, type_, attributes, at)
    elseif spec.static or spec.constexpr then
      if self:kind() == "=" or self:kind() == "{" then
        self:initialiser(name, type_, spec.const or spec.constexpr, at)
      end
    else
      self:add_member(tag, members, spec, name, type_, attributes, at)
    end
  until not self:accept(",")
  if self:kind() ~= ";" then self:expected("';'") end
  self:skip()
end

--- Reads one declaration in a struct or union.
function Parser:member(tag, members)
  if self:accept(";") or self:no_data(tag) or self:member_function(tag) then return end
  local at = self:at()
  local spec = self:specifiers()
  if not self:accept(";") then return self:member_declarators(tag, members, spec) end
  local inner = spec.type
  if inner.tag and (inner.kind == "struct" or inner.kind == "union") and not inner.name and spec.own then
    if members.flexible then fail(at, "a flexible array has to be the last member") end
    local type_ = self:sized(inner, at)
    self:copies(type_, at)
    members[#members + 1] = { type = type_, align = spec.align, packed = spec.packed, at = at }
  elseif not inner.tag then
    fail(at, "expected the name of a member")
  end
end

-- {-- Declarations ---------------------------------------------------------------------------------

function Parser:typedef(spec, name, type_, attributes, at)
  if not name then self:expected("the name of a type") end
  local align = attributes.align or spec.align
  if align then type_ = ctype.aligned(self:sized(type_, at), align) end
  if type_.tag and not type_.name then
    type_.name = name
    if type_.type then type_.type.name = name end
  end
  self.scope:declare(name, { type = type_ }, at)
end

-- using X = type; or another, which says nothing.
function Parser:using()
  self:skip()
  local at = self:at()
  if self:kind() == "name" and self.kinds[self.i + 1] == "=" then
    local name = self:name()
    self:skip()
    local spec = self:specifiers()
    local _, type_ = self:declarator(spec.type, {})
    self.scope:declare(name, { type = type_ }, at)
  elseif self:is("namespace") then
    self:skip()
    local found = self:entity()
    if not found or not found.scope then fail(at, "expected a namespace") end
    for _, list in ipairs { "names", "tags" } do
      for name, entity in pairs(found.scope[list]) do
        if not self.scope[list][name] then self.scope[list][name] = entity end
      end
    end
  else
    local found = self:entity()
    if found then self.scope.names[self.values[self.i - 1]] = found.tag and { type = found } or found end
  end
  self:expect(";")
end

class_words.using = Parser.using

-- namespace A::B { … }. One without a name, and an inline one, adds to what is around it.
function Parser:namespace(is_inline)
  self:skip()
  local outer, levels = self.scope, 0
  repeat
    local name = self:kind() == "name" and self:name() or ""
    self:deeper()
    levels = levels + 1
    if name ~= "" and not is_inline then
      local there = self.scope.names[name]
      local scope = there and there.scope or Scope.new("namespace", name, self.scope)
      self.scope.names[name] = { scope = scope }
      self.scope = scope
    end
  until not self:accept("::")
  self:expect("{")
  self:declarations("}")
  self.depth, self.scope = self.depth - levels, outer
end

-- extern "C", for what is in braces or for one declaration.
function Parser:linkage()
  self:skip()
  self:skip()
  if self:accept("{") then
    self:deeper()
    self:declarations("}")
    self:shallower()
  else
    return self:declaration()
  end
end

local statement_words = {
  using = Parser.using, namespace = Parser.namespace, template = class_words.template,
}
for word in pairs(assert_words) do statement_words[word] = class_words[word] end

-- <windows.h>'s way to declare a handle.
function statement_words:DECLARE_HANDLE()
  self:skip()
  self:expect("(")
  local name, at = self:name("the name of a handle")
  self:expect(")")
  self.scope:declare(name, { type = self.pointer }, at)
end

statement_words.inline = function(self)
  self:skip()
  if self:is("namespace") then return self:namespace(true) end
  return self:declaration()
end

-- Types and constants of one declaration; variables and functions are passed over.
function Parser:declarators(spec)
  repeat
    local attributes, at = {}, self:at()
    local name, type_ = self:declarator(spec.type, attributes)
    while self:kind() == "::" do self:skip() self:name("a name") end
    self:attributes(attributes)
    if spec.typedef then
      self:typedef(spec, name, type_, attributes, at)
    elseif not name then
      self:expected("a name or ';'")
    elseif self:kind() == "=" or self:kind() == "{" then
      self:initialiser(name, type_, spec.const or spec.constexpr, at)
    end
  until not self:accept(",")
  self:expect(";")
end

--- Reads one declaration outside of structs.
function Parser:declaration()
  local kind, word = self:token()
  if kind == ";" then return self:skip() end
  if kind == "name" and word == "extern" and self.kinds[self.i + 1] == "string" then return self:linkage() end
  if kind == "name" and statement_words[word] then return statement_words[word](self) end
  if not self:is("typedef") then
    local name, before = self:function_name()
    if name and before > 0 then return self:skip_function() end
  end
  local spec = self:specifiers()
  if not self:accept(";") then self:declarators(spec) end
end

--- Reads declarations up to a closing token, and steps over that.
function Parser:declarations(stop)
  while self:kind() ~= stop do
    if self:kind() == "end" then self:expected("'" .. stop .. "'") end
    self:declaration()
  end
  if stop ~= "end" then self:skip() end
end

-- {-- The whole ------------------------------------------------------------------------------------

-- The values of the macros that are constants, by name: those that come to an expression, and nothing more.
function Parser:macro_constants(preprocessor)
  local found = {}
  for _, macro in ipairs(preprocessor.order) do
    if preprocessor.macros[macro.name] == macro and not macro.params and macro.to >= macro.from then
      local well, value = pcall(function()
        self:rewind(preprocessor:expansion(macro))
        local value = expression.read(self)
        if self:kind() == "end" then return value end
      end)
      if well then found[macro.name] = value
      elseif preprocessor.budget < 0 then error(value, 0) end
    end
  end
  return found
end

local NAMES_EACH <const>, MORE_NAMES <const> = 8, 10000

--- Parses a source. Returns the file's scope, and the macros' values by name.
function Parser.parse(source, abi, defines)
  local preprocessor = Preprocessor.new(source, abi, defines)
  local given = Scope.new("file")
  local file = Scope.new("file", nil, given)
  local self = setmetatable({
    abi = abi, given = given, file = file, scope = file, basic = {}, tag_of = {}, packs = {},
    pointer = ctype.pointer(abi), unicode = preprocessor.macros.UNICODE or preprocessor.macros._UNICODE,
  }, Parser):rewind(preprocessor.out)
  self.budget = MORE_NAMES + NAMES_EACH * #self.kinds
  self.brackets, self.i = 0, 0
  self:skip()
  self:declarations("end")
  return file, self:macro_constants(preprocessor)
end

return Parser
