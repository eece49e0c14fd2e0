-- A place in a list of tokens, and the steps that all readers of tokens take. Internal to filemap.cdef.
local lexer = require "filemap.cdef.lexer"

local fail = lexer.fail
local Cursor = {}
Cursor.__index = Cursor

-- Nesting limit. No real header comes near it, and the readers recurse.
local MOST_NESTED = 200

--- Puts the cursor at the first token of a list.
function Cursor:rewind(tokens)
  self.tokens, self.kinds, self.values, self.ats, self.i = tokens, tokens.kind, tokens.value, tokens.at, 1
  self.depth, self.quiet = 0, false
  return self
end

function Cursor:kind() return self.kinds[self.i] end
function Cursor:value() return self.values[self.i] end
function Cursor:at() return self.ats[self.i] end

--- The token's kind, value and position.
function Cursor:token()
  local i = self.i
  return self.kinds[i], self.values[i], self.ats[i]
end

function Cursor:skip()
  self.i = self.i + 1
end

--- Whether the token is this name.
function Cursor:is(name)
  local i = self.i
  return self.kinds[i] == "name" and self.values[i] == name
end

--- Steps over punctuation if it is there.
function Cursor:accept(kind)
  if self.kinds[self.i] ~= kind then return false end
  self.i = self.i + 1
  return true
end

--- Raises: another token should be here.
function Cursor:expected(what)
  local kind, value, at = self:token()
  if kind == "bad" then fail(at, "%s", value) end
  return fail(at, "expected %s, got %s", what, lexer.shown(kind, value))
end

function Cursor:expect(kind)
  if self.kinds[self.i] ~= kind then self:expected("'" .. kind .. "'") end
  self.i = self.i + 1
end

--- Steps over a name. Returns it and its position.
function Cursor:name(what)
  local kind, value, at = self:token()
  if kind ~= "name" then self:expected(what) end
  self:skip()
  return value, at
end

function Cursor:deeper()
  self.depth = self.depth + 1
  if self.depth > MOST_NESTED then lexer.fatal(self:at(), "nested more than %d deep", MOST_NESTED) end
end

function Cursor:shallower()
  self.depth = self.depth - 1
end

local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local closes = { [")"] = true, ["]"] = true, ["}"] = true }

-- Tokens in brackets that are kept when they are only passed over.
local MOST_KEPT = 1024

--- Steps over brackets and all that is between them. Unbalanced brackets end the whole parse.
-- @param check is called at each token, with the number of brackets around it; the tokens can be dropped then
function Cursor:balanced(check)
  local open, at, first = {}, self:at(), self.i + 1
  repeat
    local kind = self.kinds[self.i]
    local depth = #open
    if closing[kind] then
      open[depth + 1] = closing[kind]
    elseif closes[kind] then
      if open[depth] ~= kind then self:expected(("'%s'"):format(open[depth])) end
      open[depth], depth = nil, depth - 1
    elseif kind == "bad" then
      self:expected("")
    elseif kind == "end" then
      lexer.fatal(at, "expected '%s' before the end", open[depth])
    end
    if check then
      check(self, depth)
      if self.i - first > MOST_KEPT then self:drop_from(first) end
    end
    self.i = self.i + 1
  until #open == 0
end

--- What balanced() calls where only the end of the brackets matters.
function Cursor.pass_over() end

--- Steps to the first of some tokens that is not in brackets, which it passes over. Returns its kind.
-- @param check as for balanced()
function Cursor:skip_to(stops, check)
  while true do
    local kind = self.kinds[self.i]
    if stops[kind] then return kind end
    if closing[kind] then self:balanced(check)
    elseif kind == "end" or kind == "bad" or closes[kind] then self:expected("';'")
    else self.i = self.i + 1 end
  end
end

return Cursor
