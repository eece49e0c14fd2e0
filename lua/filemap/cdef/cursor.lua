-- A place in a list of tokens, and the steps that every reader of them takes. Internal to filemap.cdef.
local lexer = require "filemap.cdef.lexer"

local Cursor = {}
Cursor.__index = Cursor

-- Deeper is nobody's header; and Lua's own stack has an end.
local MOST_NESTED <const> = 200

--- Puts a cursor at the first of some tokens.
function Cursor:rewind(tokens)
  self.kinds, self.values, self.ats, self.i = tokens.kind, tokens.value, tokens.at, 1
  self.depth, self.quiet = 0, false
  return self
end

function Cursor:kind() return self.kinds[self.i] end
function Cursor:value() return self.values[self.i] end
function Cursor:at() return self.ats[self.i] end

--- The kind, value and place of the token.
function Cursor:token()
  local i = self.i
  return self.kinds[i], self.values[i], self.ats[i]
end

function Cursor:skip()
  self.i = self.i + 1
end

--- Whether the token is a name, of these letters.
function Cursor:is(name)
  local i = self.i
  return self.values[i] == name and self.kinds[i] == "name"
end

--- Steps over punctuation if it is there.
function Cursor:accept(kind)
  if self.kinds[self.i] ~= kind then return false end
  self:skip()
  return true
end

--- Raises: something else should be here.
function Cursor:expected(what)
  local kind, value, at = self:token()
  if kind == "bad" then lexer.fail(at, "%s", value) end
  return lexer.fail(at, "expected %s, got %s", what, lexer.shown(kind, value))
end

function Cursor:expect(kind)
  if self.kinds[self.i] ~= kind then self:expected("'" .. kind .. "'") end
  self:skip()
end

--- Steps over a name, and returns it and its place.
function Cursor:name(what)
  local kind, value, at = self:token()
  if kind ~= "name" then self:expected(what) end
  self:skip()
  return value, at
end

function Cursor:deeper()
  self.depth = self.depth + 1
  if self.depth > MOST_NESTED then lexer.fail(self:at(), "nested more than %d deep", MOST_NESTED) end
end

function Cursor:shallower()
  self.depth = self.depth - 1
end

local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local closes = { [")"] = true, ["]"] = true, ["}"] = true }

--- Steps over brackets and all that is in them.
function Cursor:balanced()
  local open, at = {}, self:at()
  repeat
    local kind = self:kind()
    if closing[kind] then
      open[#open + 1] = closing[kind]
    elseif closes[kind] then
      if open[#open] ~= kind then self:expected(("'%s'"):format(open[#open])) end
      open[#open] = nil
    elseif kind == "bad" then
      self:expected("")
    elseif kind == "end" then
      lexer.fail(at, "expected '%s' before the end", open[#open])
    end
    self:skip()
  until #open == 0
end

--- Steps to the first of some tokens that is not in brackets.
function Cursor:skip_to(stops)
  while true do
    local kind = self:kind()
    if stops[kind] then return kind end
    if closing[kind] then self:balanced()
    elseif kind == "end" or kind == "bad" or closes[kind] then self:expected("';'")
    else self:skip() end
  end
end

return Cursor
