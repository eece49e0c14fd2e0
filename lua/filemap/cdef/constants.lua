-- The macros that are constants. These are methods of the parser. Internal to filemap.cdef.
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"

local byte, match = string.byte, string.match

-- Tokens of macros that are tried as constants, altogether and for one.
local CONSTANT_TOKENS, CONSTANTS_TOKENS = 20000, 200000

-- A macro's tokens with all macros in them expanded. Most constants have none in them.
local function expanded(stream, macro)
  local body = stream:body(macro)
  for k = 1, body.n do
    local kind = body.kind[k]
    if kind == "name" and stream.macros[body.value[k]] or kind == "##" then
      return stream:expansion(body, macro.at)
    end
  end
  return body
end

-- The value of a macro if its tokens are an expression, and nothing more.
local function value_of(parser, stream, macro)
  parser:rewind(expanded(stream, macro))
  local value = expression.read(parser)
  if parser:kind() == "end" then return value end
end

-- The value of a macro that is one number, by its text; also whether it is one.
local function plain_value(parser, text, i)
  local number = match(text, "^[ \t]+(%d[%w_.']*)[ \t\r]*\n", i)
  if not number then return nil, false end
  local well, value = pcall(expression.number, parser, number, 0)
  return well and value or nil, true
end

-- The value of a macro by its tokens, within what is left of the tokens of all.
local function tried_value(parser, stream, name, at)
  local left = parser.constant_tokens or CONSTANTS_TOKENS + 16 * stream.defined
  local budget = math.min(CONSTANT_TOKENS, left)
  stream.budget = budget
  local well, value = pcall(value_of, parser, stream, stream:entry(name))
  -- It may not be used again: its tokens are not kept.
  stream.macros[name] = at
  left = left - (budget - stream.budget)
  parser.constant_tokens = left
  if left < 0 then lexer.fatal(at, "the macros come to too many tokens") end
  if well then return value end
  if type(value) ~= "table" then error(value, 0) end
end

local Constants = {}

--- The value of a macro, once the parser has read all; nil if it is not a constant.
function Constants:macro_constant(name)
  local stream = self.stream
  local at, text, i = stream:definition(name)
  local c = at and byte(text, i)
  if not c or c == 40 or c == 10 then return nil end
  local value, is_plain = plain_value(self, text, i)
  if is_plain then return value end
  self.scope = self.file
  return tried_value(self, stream, name, at)
end

--- The values of the macros that are constants by name, added to a table.
function Constants:macro_constants(found)
  for name in next, self.stream.macros do
    if rawget(found, name) == nil then rawset(found, name, (self:macro_constant(name))) end
  end
end

return Constants
