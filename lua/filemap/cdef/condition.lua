-- The expressions of #if. Internal to filemap.cdef.
local Cursor = require "filemap.cdef.cursor"
local expression = require "filemap.cdef.expression"
local known = require "filemap.cdef.known"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"

local append, fatal = lexer.append, lexer.fatal
local Condition = setmetatable({}, { __index = Cursor })
Condition.__index = Condition
Condition.in_condition = true

function Condition:type_name() -- luacheck: no self
  return nil
end

-- A name that is not a macro is 0, as C has it. But if an include was passed over that may define the macro,
-- the value is unknown.
function Condition:undefined(name, at)
  if self.quiet then return 0, "i64" end
  local missed = self.missed[1]
  -- A text with all its includes has all their macros.
  local value = (missed or not self.has_includes) and known.value(name, self.abi)
  if value then return value, "i64" end
  if missed and not known.of_compilers(name) then
    fatal(at, "the value of macro '%s' is not known: it is not defined, and #include %s was not found", name,
      missed.shown)
  end
  return 0, "i64"
end

function Condition:named_value()
  local name, at = self:name("a name")
  local kind = self:kind()
  if kind == "(" then
    -- The macro of <winapifamily.h>, in a text that was pasted without that.
    if name == "WINAPI_FAMILY_PARTITION" and self.abi.windows then return expression.unary(self) end
    if not name:find("^__has_") and not self.quiet then
      local missed = self.missed[1]
      if missed then
        fatal(at, "the macro '%s' is not known: it is not defined, and #include %s was not found", name,
          missed.shown)
      end
      fatal(at, "'%s' is not a macro with arguments", name)
    end
    self:balanced()
    return 0, "i64"
  end
  local value, T = names.value(name, self.abi)
  if value then return value, expression.widest(T) end
  return self:undefined(name, at)
end

-- {-- Operators that take names as they are --------------------------------------------------------

-- `defined`, as an operator of macros: so its name is not expanded, also where a macro's body has it.
local defined = { hidden = true }

function defined.operator(preprocessor, floor, from_text, out, at)
  local bracket = preprocessor:opens(floor, from_text)
  if bracket then preprocessor:take(floor, from_text) end
  local kind, name, place = preprocessor:take(floor, from_text)
  if kind ~= "name" and kind ~= "painted" then fatal(place or at, "expected the name of a macro") end
  if bracket and preprocessor:take(floor, from_text) ~= ")" then
    fatal(at, "expected ')' behind 'defined'")
  end
  append(out, "number", preprocessor:is_defined(name) and "1" or "0", at)
  return true
end

-- Each gets the list and the index behind its '('; it returns a number, and where the ')' is.
local operators = {}

-- __has_include(<name>) and __has_include("name").
local function has_include(preprocessor, list, i)
  local name, quoted
  if list.kind[i] == "string" then
    name, quoted = list.value[i], true
    i = i + 1
  elseif list.kind[i] == "<" then
    local parts = {}
    i = i + 1
    while list.kind[i] ~= ">" and i <= list.n do
      parts[#parts + 1] = list.value[i]
      i = i + 1
    end
    name, i = table.concat(parts), i + 1
  else
    fatal(list.at[i], "expected <name> or \"name\" in __has_include")
  end
  return preprocessor:finds(name, quoted) and 1 or 0, i
end

local function has_attribute(preprocessor, list, i)
  local name = list.kind[i] == "name" and list.value[i]:gsub("^__(.*)__$", "%1")
  while i <= list.n and list.kind[i] ~= ")" do i = i + 1 end
  return name and not preprocessor.abi.windows and known.attributes[name] and 1 or 0, i
end

local function has_builtin(preprocessor, list, i)
  local name = list.kind[i] == "name" and list.value[i] or ""
  return not preprocessor.abi.windows and name:find("^__builtin_") and 1 or 0, i + 1
end

operators.__has_include, operators.__has_include_next = has_include, has_include
operators.__has_attribute, operators.__has_builtin = has_attribute, has_builtin

-- The operators' values, put into the list in their places before macros are expanded.
local function replace_operators(preprocessor, list)
  local out, i = lexer.list(), 1
  while i <= list.n do
    local kind, value, at = list.kind[i], list.value[i], list.at[i]
    local operator = kind == "name" and operators[value]
    if operator and list.kind[i + 1] == "(" then
      local n
      n, i = operator(preprocessor, list, i + 2)
      if list.kind[i] ~= ")" then fatal(list.at[i] or at, "expected ')' behind '%s'", value) end
      i = i + 1
      append(out, "number", tostring(n), at)
    else
      append(out, kind, value, at)
      i = i + 1
    end
  end
  out.at[out.n + 1] = list.at[list.n + 1]
  return out
end

-- {-- The whole ------------------------------------------------------------------------------------

--- Whether the condition in a list of tokens holds; the list is the rest of a line.
function Condition.holds(preprocessor, list, at)
  preprocessor.macros.defined = defined
  local out = preprocessor:expansion(replace_operators(preprocessor, list))
  preprocessor.macros.defined = nil
  -- Macros may have operators in them.
  out = replace_operators(preprocessor, out)
  local n = out.n + 1
  out.kind[n], out.value[n], out.at[n] = "end", "", at
  local p = setmetatable({ abi = preprocessor.abi, missed = preprocessor.missed,
                           has_includes = preprocessor.sources.include ~= nil }, Condition):rewind(out)
  local well, value = pcall(expression.integer, p, "the condition")
  if well and p:kind() ~= "end" then well, value = pcall(p.expected, p, "the end of the condition") end
  if not well then
    if type(value) == "table" then value.fatal = true end
    error(value, 0)
  end
  return value ~= 0
end

return Condition
