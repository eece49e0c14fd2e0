-- Declarations outside of structs, and typedefs and constants everywhere. These are methods of the parser.
-- Internal to filemap.cdef.
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"
local Records = require "filemap.cdef.records"
local Scope = require "filemap.cdef.scope"

local fail = lexer.fail
local Declarations = {}

-- {-- Constants ------------------------------------------------------------------------------------

local ends_initialiser = { [","] = true, [";"] = true }

-- The value of a constant of a type from an expression's; nil where it is not a constant.
local function constant_of(self, type_, value, T, at)
  if type_.kind == "auto" then return value, T end
  if T == "string" then
    local text = type_.kind == "pointer" or type_.kind == "array" and type_.of.kind == "char"
    if text then return value, "string" end
  elseif type_.T and type_.kind ~= "pointer" then
    return expression.cast(self, value, T, type_, at)
  end
end

local function constant_value(self, type_, at)
  local braces = not self:accept("=") or self:kind() == "{"
  if braces then self:expect("{") end
  local value, T = expression.read(self)
  if braces then self:expect("}") end
  return constant_of(self, type_, value, T, at)
end

local operands = { name = true, number = true, char = true, wide_char = true, string = true, wide = true }
local ends_expression = { [")"] = true, ["]"] = true, ["}"] = true }
for kind in pairs(operands) do ends_expression[kind] = true end
-- Words that a name or a number can follow.
local before_operand = { sizeof = true, alignof = true, _Alignof = true, new = true, const = true,
  typename = true,
                         operator = true, ["return"] = true }

-- Raises where an operator is missing between a token and the next one.
local function check_operator(self, i)
  local kinds, value = self.kinds, self.values[i]
  local kind, after = kinds[i], kinds[i + 1]
  if operands[kind] and operands[after] and kind ~= "string" and kind ~= "wide" and not before_operand[value]
    and not (kind == "name" and self:is_keyword(value)) then
    fail(self.ats[i + 1], "expected an operator, got %s", lexer.shown(after, self.values[i + 1]))
  end
end

-- The same between the tokens of a text. (Functions without a name have statements.)
local function check_operators(self, from, to)
  for i = from, to do
    if self.kinds[i] == ";" then return end
  end
  for i = from, to - 1 do check_operator(self, i) end
end

-- A token of an initialiser in braces: a list, in which no ';' can be.
local function check_initialiser(self, depth)
  if self:kind() == ";" then fail(self:at(), "expected an expression in an initialiser, got ';'") end
  if depth > 0 then check_operator(self, self.i) end
end

-- Whether a name is that of a member of the struct at hand, so far.
local function is_member(scope, name)
  for _, member in ipairs(scope.members or {}) do
    local inner = not member.name and member.type.by_name
    if member.name == name or inner and inner[name] then return true end
  end
  return false
end

-- Whether a name in an expression is known, or may be: behind '::' and before brackets it can be anything.
local function is_known(self, i)
  local word, before, after = self.values[i], self.kinds[i - 1], self.kinds[i + 1]
  return self.stream.missed[1] ~= nil or before == "::" or before == "." or before == "->" or after == "::"
    or after == "(" or after == "{" or after == "<" or self:is_keyword(word) or self:find(word) ~= nil
    or names.value(word, self.abi) ~= nil or word == "nullptr" or word == "sizeof"
      or is_member(self.scope, word)
end

local type_words = { unsigned = true, signed = true, int = true, char = true, short = true, long = true,
                     float = true, double = true, struct = true, union = true, enum = true, typedef = true,
                     static = true, const = true, extern = true, ["return"] = true }

-- Steps over the text of an expression, in which no declaration can begin. Where no include was passed over,
-- all names in the initialiser of a member are known.
local function expression_text(self, of_member)
  local kinds, values, from = self.kinds, self.values, self.i
  if ends_initialiser[self:kind()] then self:expected("an expression") end
  self:skip_to(ends_initialiser)
  local depth = 0
  for i = from, self.i - 1 do
    local kind = kinds[i]
    if kind == "(" or kind == "{" or kind == "[" then depth = depth + 1
    elseif kind == ")" or kind == "}" or kind == "]" then depth = depth - 1
    elseif depth == 0 and kind == "name" and type_words[values[i]] and kinds[i + 1] ~= "("
      and kinds[i + 1] ~= "{"
      and kinds[i - 1] ~= "<" then
      fail(self.ats[i], "expected an expression, got '%s'", values[i])
    elseif of_member and kind == "name" and not is_known(self, i) then
      fail(self.ats[i], "expected an expression, got '%s'", values[i])
    end
  end
  if not ends_expression[kinds[self.i - 1]] then self:expected("an expression") end
  check_operators(self, from, self.i - 1)
end

--- Steps over an initialiser, `= x` or `{ x }`. The value of a constant is kept if it is one that is read.
function Declarations:initialiser(name, type_, wanted, at)
  local i, depth = self.i, self.depth
  if wanted and name then
    local well, value, T = pcall(constant_value, self, type_, at)
    if well and value ~= nil and ends_initialiser[self:kind()] then
      self.scope:declare(name, { value = value, T = T }, at)
      return
    end
    if not well then self:recoverable(value) end
    self.i, self.depth, self.quiet = i, depth, false
    -- It hides a constant of the same name around.
    if not self.scope:own(name) then self.scope:declare(name, { is_unknown = true }, at) end
  end
  self:accept("=")
  if self:kind() == "{" then
    self:balanced(check_initialiser)
    if not ends_initialiser[self:kind()] then self:expected("',' or ';'") end
  else
    expression_text(self, not name)
  end
end

-- An expression of C++ types, which are not known here, such as std::is_standard_layout<T>::value: no layout
-- depends on it.
local function of_cpp_types(self)
  local kinds, values, i = self.kinds, self.values, self.i
  local depth = 0
  repeat
    local kind = kinds[i]
    if kind == "name" and (values[i] == "std" and kinds[i + 1] == "::" or values[i]:find("^__is_")) then
      return true
    end
    depth = depth + (kind == "(" and 1 or kind == ")" and -1 or 0)
    i = i + 1
  until depth < 0 or kind == "end" or kind == ";"
  return false
end

--- static_assert behind its word.
function Declarations:static_assert()
  local at = self:at()
  self:expect("(")
  if of_cpp_types(self) then
    self.i = self.i - 1
    self:balanced()
  else
    local value = expression.integer(self, "what is asserted")
    local message = ""
    if self:accept(",") then
      if self:kind() ~= "string" and self:kind() ~= "wide" then self:expected("a string") end
      message = ": " .. expression.read(self)
    end
    self:expect(")")
    if value == 0 then lexer.fatal(at, "static_assert does not hold%s", message) end
  end
  if self.kinds[self.i] ~= ";" then self:expected("';'") end
  self:skip()
end

-- {-- Typedefs and using ---------------------------------------------------------------------------

function Declarations:typedef(spec, name, type_, attributes, at)
  if not name then self:expected("the name of a type") end
  if attributes.mode or attributes.vector then type_ = self:with_mode(type_, attributes, at) end
  local align = attributes.align or spec.align
  if align then type_ = self:aligned_type(self:sized(type_, at), align) end
  if type_.tag and not type_.name then
    type_.name = name
    if type_.type then type_.type.name = name end
  end
  self.scope:declare(name, { type = type_ }, at)
end

local function using_alias(self, at)
  local name = self:name()
  self:skip()
  local spec = self:specifiers()
  local attributes = {}
  local _, type_ = self:declarator(spec.type, attributes)
  self:attributes(attributes)
  if self:kind() ~= ";" then self:expected("';'") end
  self:typedef(spec, name, type_, attributes, at)
end

-- A namespace of an include that was passed over has no names that are known.
local function using_namespace(self)
  self:skip()
  local found = self:entity()
  if not found or not found.scope then return end
  local scope = self.scope
  while scope.kind == "struct" do scope = scope.parent end
  scope:open_namespace(found.scope)
end

-- using A::b: the name, for a type or a constant.
local function using_name(self, at)
  local found = self:entity()
  local name = self.values[self.i - 1]
  if self:kind() ~= ";" then self:expected("';'") end
  if not found or found.broken and not found.tag then
    -- One of an include that was passed over, or of a struct that could not be read.
    local problem = found and found.broken
      or { at = at, message = ("'%s' is not declared here"):format(name) }
    found = { type = { tag = true, kind = "struct", name = name, broken = problem } }
  end
  if found.scope and not found.tag then return end
  local there = self.scope:own(name)
  if there and Scope.same(there, found) then return end
  if found.tag or found.type or found.value ~= nil then
    local type_ = found.tag and found or found.type
    self.scope:declare(name, { type = type_, value = found.value, T = found.T, is_alias = true }, at)
  end
end

--- using X = type; or another form, which changes no layout.
function Declarations:using()
  self:skip()
  local at = self:at()
  if self:kind() == "name" and self.kinds[self.i + 1] == "=" then
    using_alias(self, at)
  elseif self:is("namespace") then
    using_namespace(self)
  else
    using_name(self, at)
  end
  self:expect(";")
end

-- {-- Blocks ---------------------------------------------------------------------------------------

-- namespace A = B::C;
local function namespace_alias(self, name, at)
  self:skip()
  local found = self:entity()
  if found and found.scope and not found.tag then self.scope:declare(name, { scope = found.scope }, at) end
  self:expect(";")
end

-- The scope of a namespace here, made if there is none. One without a name, and an inline one, is open to the
-- scope around it.
local function namespace_scope(self, name, is_inline, at)
  local around = self.scope
  local there = name and around:own_namespace(name)
  if there and not (there.scope and not there.tag) then fail(at, "'%s' is declared twice", name) end
  local scope = there and there.scope or not name and around.unnamed
  if scope then return scope end
  scope = Scope.new("namespace", name, around)
  self:number_scope(scope)
  if name then around:set(name, { scope = scope, seq = self.file.clock.seq })
  else around.unnamed = scope end
  if is_inline or not name then around:open_namespace(scope, true, is_inline) end
  return scope
end

-- namespace A::B { … }.
local function namespace(self, is_inline)
  self:skip()
  local outer, levels = self.scope, 0
  repeat
    if levels > 0 and self:is("inline") then
      self:skip()
      is_inline = true
    end
    if self:kind() == "[" or self:kind() == "name" and self:is_attribute(self.i) then self:attributes({}) end
    local at = self:at()
    local name = self:kind() == "name" and self:name() or nil
    if levels == 0 and self:kind() == "=" then return namespace_alias(self, name, at) end
    self:deeper()
    levels = levels + 1
    self.scope = namespace_scope(self, name, is_inline, at)
    is_inline = false
  until not self:accept("::")
  if self:kind() == "name" or self:kind() == "[" then self:attributes({}) end
  self:expect("{")
  self:declarations("}")
  self.depth, self.scope = self.depth - levels, outer
end

-- extern "C", in front of braces or of one declaration.
local function linkage(self)
  self:skip()
  self:skip()
  if not self:accept("{") then return self:declaration() end
  self:deeper()
  self:declarations("}")
  self:shallower()
end

-- {-- Statements by their first word ---------------------------------------------------------------

local statement_words = { using = Declarations.using, namespace = namespace }
for _, word in ipairs { "static_assert", "_Static_assert", "C_ASSERT" } do
  statement_words[word] = Records.class_words[word]
end

--- A template: its layout depends on its arguments.
function Declarations:template()
  fail(self:at(), "templates are not read here")
end
statement_words.template = Declarations.template

-- <windows.h>'s way to declare a handle.
function statement_words:DECLARE_HANDLE()
  self:skip()
  self:expect("(")
  local name, at = self:name("the name of a handle")
  self:expect(")")
  self.scope:declare(name, { type = self.pointer }, at)
  self:accept(";")
end

statement_words.inline = function(self)
  if self.kinds[self.i + 1] == "name" and self.values[self.i + 1] == "namespace" then
    self:skip()
    return namespace(self, true)
  end
  return self:plain_declaration()
end

-- Macros of well-known headers that open or close extern "C".
for word in ([[__BEGIN_DECLS __END_DECLS EXTERN_C_START EXTERN_C_END EXTERN_C_BEGIN BEGIN_EXTERN_C
  END_EXTERN_C G_BEGIN_DECLS G_END_DECLS BEGIN_C_DECLS END_C_DECLS _BEGIN_DECLS _END_DECLS __BEGIN_C_DECLS
  __END_C_DECLS _CRT_BEGIN_C_HEADER _CRT_END_C_HEADER QT_BEGIN_NAMESPACE QT_END_NAMESPACE
  __BEGIN_NAMESPACE_STD __END_NAMESPACE_STD __BEGIN_NAMESPACE_C99 __END_NAMESPACE_C99]]):gmatch("%S+") do
  statement_words[word] = function(self)
    self:skip()
    if self:kind() == ";" then self:skip() end
  end
end

-- Macros of well-known headers that declare functions or variables.
for word in ([[DEFINE_ENUM_FLAG_OPERATORS DEFINE_GUID DEFINE_OLEGUID DEFINE_PROPERTYKEY DEFINE_DEVPROPKEY
  __CRT_UUID_DECL DEFINE_SECURITY_GUID EXTERN_GUID DEFINE_CODECAPI_GUID DEFINE_MEDIATYPE_GUID
  Q_DECLARE_METATYPE Q_DECLARE_FLAGS Q_DECLARE_OPERATORS_FOR_FLAGS Q_DECLARE_TYPEINFO __REDIRECT
  DECLARE_INTERFACE_FORWARD MODULE_LICENSE MODULE_AUTHOR MODULE_DESCRIPTION EXPORT_SYMBOL EXPORT_SYMBOL_GPL
  _STATIC_ASSERT __asm__ asm]]):gmatch("%S+") do
  statement_words[word] = function(self)
    self:skip()
    if self:kind() ~= "(" then self:expected("'('") end
    self:balanced(self.pass_over)
    self:accept(";")
  end
end

-- {-- The rest -------------------------------------------------------------------------------------

-- Behind a body one name alone: a variable, or a macro of an include that would change the struct. A name
-- with brackets is a function that returns the struct, which C++ rejects, or a text that misses a ';'.
local function check_behind_body(self, spec, name, type_, at)
  if spec.own and type_.kind == "function" then fail(at, "expected ';', got '%s'", name) end
  if spec.own and name and self:kind() == ";" and not (spec.extern or spec.static) then
    fail(at, "'%s' behind '}' is not known: a macro that changes the layout, or a variable", name)
  end
end

-- A variable or a function cannot have the name of a type or of an enumerator of its scope.
local function check_variable(self, name, at)
  local there = self.scope.names[name] ~= nil and self.scope:own(name)
  if there and (there.type or there.is_enumerator) then fail(at, "'%s' is declared twice", name) end
end

-- Raises for a word between `struct` and its name that is not known: a macro of an include may change the
-- layout.
local function check_word_before(self, spec, name, at)
  local tag = spec.type
  local is_unknown = spec.keyword and not spec.own and tag.tag and not self:complete(tag)
  if is_unknown and self:kind() == "{" then fail(at, "'%s' in front of '%s' is not known", tag.name, name) end
end

-- Types and constants of one declaration; variables and functions are passed over.
local function declarators(self, spec)
  local first = true
  repeat
    local attributes, at = {}, self:at()
    local start = self.i
    local name, type_ = self:declarator(spec.type, attributes)
    if name and not spec.typedef and self:kind() ~= "::" then check_variable(self, name, at) end
    while self:kind() == "::" do
      self:skip()
      self:name("a name")
    end
    if self:kind() == "name" or self:kind() == "[" then self:attributes(attributes) end
    if spec.typedef then
      -- (An unknown word here may be a macro that aligns the type.)
      if name and self:kind() ~= "," and self:kind() ~= ";" then self:expected("';'") end
      self:typedef(spec, name, type_, attributes, at)
    elseif not name then
      self:expected("a name or ';'")
    elseif self:kind() == "=" or self:kind() == "{" then
      check_word_before(self, spec, name, at)
      self:initialiser(name, type_, spec.const or spec.constexpr, at)
    elseif first and (self.i == start + 1 or type_.kind == "function") then
      check_behind_body(self, spec, name, type_, at)
    end
    first = false
  until not self:accept(",")
  self:expect(";")
end

local first_words = { struct = true, union = true, class = true, enum = true, typedef = true }

-- Whether the first tokens show that what starts here is not a function.
local function is_no_function(self)
  local i, kinds = self.i, self.kinds
  local word = self.values[i]
  if word == "typedef" then return true end
  if not first_words[word] then return false end
  local kind = kinds[i + 1]
  return kind == "{" or kind == "name" and (kinds[i + 2] == "{" or kinds[i + 2] == ";")
end

--- Reads a declaration that begins with no word of its own.
function Declarations:plain_declaration()
  if not is_no_function(self) then
    local name, before = self:function_name()
    if name and before > 0 then
      self:check_function_name(name, before)
      local well, stop = self:has_parameters(before)
      if well then
        self:check_no_record(before, stop)
        self:check_return_type(before)
        if stop then self:check_behind_parameters(stop) end
        return self:skip_function()
      end
    end
  end
  local spec = self:specifiers()
  if self.kinds[self.i] == ";" then
    self.i = self.i + 1
    if not spec.type.tag or not spec.keyword then fail(self.ats[self.i - 1], "expected a name before ';'") end
    return
  end
  declarators(self, spec)
end

-- The words with which a declaration begins that may be kept for later.
local deferrable = {}
for word in ("typedef struct union class enum static const constexpr using"):gmatch("%S+") do
  deferrable[word] = true
end

--- Reads one declaration outside of structs.
function Declarations:declaration()
  local kind, word = self.kinds[self.i], self.values[self.i]
  local clock = self.file.clock
  if not clock.limit then clock.seq = #self.pending + 0.5 end
  if kind == "name" then
    if deferrable[word] and not clock.limit and self:defer() then return end
    if word == "extern" and self.kinds[self.i + 1] == "string" then return linkage(self) end
    local read = statement_words[word]
    if read and not self.scope:find(word) then return read(self) end
  elseif kind == ";" then
    self.i = self.i + 1
    return
  end
  return self:plain_declaration()
end

--- Reads declarations up to a closing token, and steps over that.
function Declarations:declarations(stop)
  local function on_problem(problem, name) self:skipped_declaration(problem, name) end
  self:protected_loop(stop, on_problem, self.declaration)
  if stop ~= "end" then self.i = self.i + 1 end
end

return Declarations
