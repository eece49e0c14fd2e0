-- The macros that are constants. Internal to filemap.cdef.
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
local function tried_value(parser, stream, name, at, left)
  local budget = math.min(CONSTANT_TOKENS, left)
  stream.budget = budget
  local well, value = pcall(value_of, parser, stream, stream:entry(name))
  -- It may not be used again: its tokens are not kept.
  stream.macros[name] = at
  left = left - (budget - stream.budget)
  if left < 0 then lexer.fatal(at, "the macros come to too many tokens") end
  if well then return value, left end
  if type(value) ~= "table" then error(value, 0) end
  return nil, left
end

--- The values of the macros that are constants, by name, once the parser has read all.
return function(parser)
  local found, stream = {}, parser.stream
  local left = CONSTANTS_TOKENS + 16 * #stream.order
  for at, name, text, i in stream:definitions() do
    local c = byte(text, i)
    if c ~= 40 and c ~= 10 and c then
      local value, is_plain = plain_value(parser, text, i)
      if not is_plain then value, left = tried_value(parser, stream, name, at, left) end
      found[name] = value
    end
  end
  return found
end
