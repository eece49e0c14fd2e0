-- #define. Internal to filemap.cdef. These are methods of the preprocessor.
--
-- Most macros of a header are never used. So a macro is kept as the position of its name in the text until
-- it is: then it becomes a table (see macros.lua).
local lexer = require "filemap.cdef.lexer"

local fatal, byte, match = lexer.fatal, string.byte, string.match
local Definitions = {}

-- The parameters of a macro from behind its '(' on, and where its body starts.
local function parameters(source, i)
  local text = source.text
  local line = lexer.line { text = text, base = source.base, i = i, fresh = false }
  local params, variadic, k = {}, false, 1
  if line.kind[1] == ")" then return params, false, line.at[1] - source.base + 1 end
  while true do
    local kind = line.kind[k]
    if kind == "..." then
      params[#params + 1], variadic = "__VA_ARGS__", true
    elseif kind == "name" then
      params[#params + 1] = line.value[k]
      if line.kind[k + 1] == "..." then
        variadic, k = true, k + 1
      end
    else
      break
    end
    k = k + 1
    if line.kind[k] == ")" then return params, variadic, line.at[k] - source.base + 1 end
    if line.kind[k] ~= "," or variadic then break end
    k = k + 1
  end
  return fatal(line.at[math.min(k, line.n + 1)], "expected the parameters of a macro up to ')'")
end

-- Where the body of a macro with parameters starts, from behind its '(' on.
local function behind_parameters(source, i)
  -- Most have one or two.
  local text = source.text
  return match(text, "^[ \t]*[%a_][%w_]*[ \t]*%)()", i)
    or match(text, "^[ \t]*[%a_][%w_]*[ \t]*,[ \t]*[%a_][%w_]*[ \t]*%)()", i)
    or select(3, parameters(source, i))
end

-- Braces that a macro opens or closes alone: functions' bodies with it cannot be passed over as text.
local function is_unbalanced(body)
  if not body:find("[{}]") then return false end
  local _, open = body:gsub("{", "")
  local _, closed = body:gsub("}", "")
  return open ~= closed
end

-- The name of the macro that a #define defines, and where it starts and ends.
local function defined_name(source, i)
  local from, name, stop = match(source.text, "^[ \t]*()([%a_$][%w_$]*)()", i)
  if name then return name, from, stop end
  local line = lexer.line { text = source.text, base = source.base, i = i, fresh = false }
  if line.kind[1] ~= "name" then fatal(line.at[1], "expected the name of a macro") end
  from = line.at[1] - source.base
  return line.value[1], from, from + #line.value[1]
end

--- Reads #define from behind that word on. Returns where its line ends.
function Definitions:define(i)
  local source = self.source
  local text = source.text
  local name, from, stop = defined_name(source, i)
  if byte(text, stop) == 40 then stop = behind_parameters(source, stop + 1) end
  local finish = lexer.line_end(text, stop)
  if not self.unbalanced and is_unbalanced(text:sub(stop, finish - 1)) then self.unbalanced = true end
  self.macros[name] = source.base + from
  if not source.is_given then self.defined = self.defined + 1 end
  return finish
end

-- The macro whose name is at a position.
local function defined_at(self, at)
  local source = self.sources:at(at)
  local text = source.text
  local name, stop = match(text, "^([%w_$]+)()", at - source.base)
  local macro = { name = name, at = at }
  if byte(text, stop) == 40 then macro.params, macro.variadic, stop = parameters(source, stop + 1) end
  local finish, plain = lexer.line_end(text, stop)
  macro.text, macro.base = text:sub(stop, finish - 1), source.base + stop - 1
  if plain and not macro.params and macro.text:find("^%s*$") then macro.text = "" end
  return macro
end

-- How many macros are kept as tables, and so as tokens, at a time.
local MOST_TABLES = 500

--- Lets macros be positions again, if many are tables. None may be in use.
function Definitions:forget_tables()
  if #self.tables < MOST_TABLES then return end
  for _, macro in ipairs(self.tables) do
    if self.macros[macro.name] == macro then self.macros[macro.name] = macro.at end
  end
  self.tables = {}
end

--- The entry of a name that is special: a macro as a table, a prefix of strings as a string.
function Definitions:entry(name)
  local entry = self.macros[name]
  if math.type(entry) == "integer" then
    entry = defined_at(self, entry)
    self.macros[name], self.tables[#self.tables + 1] = entry, entry
  end
  return entry
end

--- Where a text defined a macro that is still there: the position, the text, and where in it what follows the
-- name starts. nil for another name, and for one of a system's header.
function Definitions:definition(name)
  local entry = rawget(self.macros, name)
  local at = math.type(entry) == "integer" and entry or type(entry) == "table" and entry.at
  local source = at and self.sources:at(at)
  if not at or source.is_given then return nil end
  return at, source.text, at - source.base + #name
end

return Definitions
