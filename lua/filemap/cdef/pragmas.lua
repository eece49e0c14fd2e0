-- #pragma, and the operators that act in the place of a macro: _Pragma, __pragma, __LINE__ and others. These
-- are methods of the preprocessor. Internal to filemap.cdef.
local lexer = require "filemap.cdef.lexer"

local append, fatal = lexer.append, lexer.fatal
local Pragmas = {}

local pragmas = {}

-- Microsoft's compiler expands macros here. gcc does not: a name behind `push` is what `pop` can name.
function pragmas.pack(self, line, at)
  local is_gcc = self:is_defined("__GNUC__")
  local list = is_gcc and line or self:expansion(line, at)
  local words = {}
  for i = 2, list.n do
    words[i - 1] = list.kind[i] == "string" and ("%q"):format(list.value[i]) or list.value[i]
  end
  if is_gcc and #words == 3 and self:is_defined(words[2]) then
    fatal(at, "gcc does not expand macros in #pragma pack: it ignores pack(%s)", words[2])
  end
  self.packing:change(words, self:count() + 1, at)
end

function pragmas.once(self)
  if self.source.path then self.guards[self.source.path] = true end
end

function pragmas.push_macro(self, line)
  local name = line.kind[3] == "string" and line.value[3]
  if not name then return end
  local saved = self.pushed[name] or {}
  self.pushed[name] = saved
  saved[#saved + 1] = self:is_defined(name) and self.macros[name] or false
end

function pragmas.pop_macro(self, line)
  local name = line.kind[3] == "string" and line.value[3]
  local saved = name and table.remove(self.pushed[name] or {})
  if saved then self.macros[name] = saved
  elseif saved == false then self:forget(name) end
end

-- These change layouts in ways that are not read.
function pragmas.scalar_storage_order(_, _, at)
  fatal(at, "#pragma scalar_storage_order is not read here")
end

function pragmas.ms_struct(_, line, at)
  if line.value[2] ~= "off" and line.value[2] ~= "reset" then
    fatal(at, "#pragma ms_struct is not read here")
  end
end

function Pragmas:pragma(line, at)
  local read = line.kind[1] == "name" and pragmas[line.value[1]]
  if read then read(self, line, at) end
end

-- The tokens between the brackets behind an operator, and where they end.
local function in_brackets(self, floor, from_text, at)
  if not self:opens(floor, from_text) then fatal(at, "expected '(' behind a pragma operator") end
  self:take(floor, from_text)
  local list, depth = lexer.list(), 1
  while true do
    local kind, value, place = self:take(floor, from_text)
    if not kind then fatal(at, "expected ')' behind a pragma operator") end
    depth = depth + (kind == "(" and 1 or kind == ")" and -1 or 0)
    if depth == 0 then break end
    append(list, kind, value, place)
  end
  list.kind[list.n + 1], list.value[list.n + 1], list.at[list.n + 1] = "end", "", at
  return list
end

local operators = {}

operators.__pragma = { hidden = true, operator = function(self, floor, from_text, _, at)
  self:pragma(in_brackets(self, floor, from_text, at), at)
  return true
end }

operators._Pragma = { hidden = true, operator = function(self, floor, from_text, _, at)
  local list = in_brackets(self, floor, from_text, at)
  if list.kind[1] ~= "string" then fatal(at, "expected a string in _Pragma") end
  self:pragma(lexer.tokens(list.value[1], at), at)
  return true
end }

local function value_operator(kind, value)
  return { operator = function(self, _, _, out, at)
    append(out, kind, tostring(value(self, at)), at)
    return true
  end }
end

operators.__LINE__ = value_operator("number", function(self, at)
  local _, line = self.sources:position(at)
  return line + (self.sources:at(at).lines_ahead or 0)
end)
operators.__FILE__ = value_operator("string", function(self, at) return self.sources:position(at) or "" end)
operators.__COUNTER__ = value_operator("number", function(self)
  self.counter = self.counter + 1
  return self.counter - 1
end)
operators.__DATE__ = value_operator("string", function() return "Jan  1 1970" end)
operators.__TIME__ = value_operator("string", function() return "00:00:00" end)

return { methods = Pragmas, operators = operators }
