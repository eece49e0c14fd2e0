-- #pragma pack: the packing at each token. Internal to filemap.cdef.
local lexer = require "filemap.cdef.lexer"

local Packing = {}
Packing.__index = Packing

--- Nothing is packed at first. `indices` and `packs` are the changes: from which token on, and to what.
function Packing.new()
  return setmetatable({ indices = {}, packs = {}, stack = {}, pack = nil }, Packing)
end

-- Each form of pack(…), by its words: `n` stands for a number, `x` for a name.
local forms = {
  [""] = function(self) self.pack = nil end,
  n = function(self, n) self.pack = n end,
  push = function(self) table.insert(self.stack, { pack = self.pack }) end,
  ["push,n"] = function(self, n)
    table.insert(self.stack, { pack = self.pack })
    self.pack = n
  end,
  ["push,x"] = function(self, _, name) table.insert(self.stack, { pack = self.pack, name = name }) end,
  ["push,x,n"] = function(self, n, name)
    table.insert(self.stack, { pack = self.pack, name = name })
    self.pack = n
  end,
  show = function() end,
}
forms["push,n,x"] = forms["push,x,n"]

local function pop(self, n, name, at)
  local stack, i = self.stack, #self.stack
  while name and i > 0 and stack[i].name ~= name do i = i - 1 end
  if i == 0 then lexer.fatal(at, "#pragma pack(pop) without pack(push)") end
  self.pack = stack[i].pack
  for k = #stack, i, -1 do stack[k] = nil end
  self.pack = n or self.pack
end
forms.pop, forms["pop,n"], forms["pop,x"], forms["pop,x,n"] = pop, pop, pop, pop

-- The form of some words, its number and its name; nil if they are not in brackets, or if one is neither. (A
-- ';' behind them is ignored, as by the compilers.)
local function form_of(words)
  local form, number, name = {}, nil, nil
  local last = words[#words] == ";" and #words - 1 or #words
  if words[1] ~= "(" or words[last] ~= ")" then return nil end
  for i = 2, last - 1 do
    local word = words[i]
    local value = tonumber(word, word:find("^0%d") and 8 or nil)
    if math.type(value) == "integer" then
      number, form[#form + 1] = value, "n"
    elseif word == "push" or word == "pop" or word == "show" or word == "," then
      form[#form + 1] = word
    elseif word:find("^[%a_$][%w_$]*$") then
      name, form[#form + 1] = word, "x"
    else
      return nil
    end
  end
  return table.concat(form), number, name
end

--- Takes a #pragma pack with these words behind it, which holds from a token on.
function Packing:change(words, index, at)
  local form, number, name = form_of(words)
  local change = form and forms[form]
  if not change then
    lexer.fatal(at, "expected pack(), pack(n), pack(push, n) or pack(pop), got pack%s", table.concat(words))
  end
  if number == 0 then number = nil end
  if number and (number & number - 1 ~= 0 or number < 1 or number > 16) then
    lexer.fatal(at, "the argument of #pragma pack must be 1, 2, 4, 8 or 16, got %d", number)
  end
  change(self, number, name, at)
  local n = #self.indices
  if self.indices[n] ~= index then n = n + 1 end
  self.indices[n], self.packs[n] = index, self.pack or false
end

--- Whether it changes behind a token, up to another one.
function Packing:changes(from, to)
  local indices = self.indices
  for i = #indices, 1, -1 do
    if indices[i] <= from then return false end
    if indices[i] <= to then return true end
  end
  return false
end

--- The packing at a token in bytes; nil without packing.
function Packing:at(index)
  local indices = self.indices
  for i = #indices, 1, -1 do
    if indices[i] <= index then return self.packs[i] or nil end
  end
end

return Packing
