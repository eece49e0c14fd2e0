-- Functions, which are passed over: how the parser recognizes them, and where they end. These are methods of
-- the parser. Internal to filemap.cdef.
local lexer = require "filemap.cdef.lexer"

local Functions = {}

local in_front_of_brackets = {
  __attribute__ = true, __attribute = true, __declspec = true, _declspec = true, alignas = true,
  _Alignas = true,
  decltype = true, DECLSPEC_ALIGN = true, __aligned = true, typeof = true, __typeof__ = true, __asm__ = true,
  _Atomic = true, noexcept = true,
}
-- Words that may follow a member function's parameters.
local behind_parameters = { override = true, final = true, throw = true, ["try"] = true, requires = true }
local ends_lookahead = { [";"] = true, ["{"] = true, ["}"] = true, ["="] = true, [","] = true, [":"] = true,
                         ["end"] = true }

--- The index of the token behind the bracket that closes the one at `i`.
function Functions:behind(i)
  local saved = self.i
  self.i = i
  self:balanced()
  i, self.i = self.i, saved
  return i
end

local begins_record = { struct = true, union = true, class = true, enum = true }

--- Whether token `i` is the first word of a struct, union, class or enum.
function Functions:begins_record(i)
  return begins_record[self.values[i]]
end

-- Whether the '(' at token `i` of a declaration that starts at `start` begins parameters.
function Functions:begins_parameters(start, i)
  local kinds, values = self.kinds, self.values
  if i == start or kinds[i - 1] ~= "name" or self:is_keyword(values[i - 1]) then return false end
  if i - 2 >= start and self:begins_record(i - 2) then return false end
  local after = kinds[i + 1]
  if after == "*" then return false end
  if after == "name" and kinds[i + 2] == "*" and not self:starts_type(i + 1) then return false end
  -- A calling convention in brackets: void (WINAPI *f)(int), or void (__attribute__((stdcall)) *f)(int).
  if after ~= "name" or not self:is_attribute(i + 1) or values[i + 1] == "const"
    or values[i + 1] == "volatile" then
    return true
  end
  local k = i + 2
  if kinds[k] == "(" then k = self:behind(k) end
  return not (kinds[k] == "*" or kinds[k] == "name" and kinds[k + 1] == "*") or self:starts_type(k)
end

-- Tokens that can come before a function's parameters, besides brackets: those of a return type.
local before_parameters = {
  name = true, ["*"] = true, ["&"] = true, ["&&"] = true, ["::"] = true, ["~"] = true, ["<"] = true,
  [">"] = true,
  [">>"] = true, number = true, ["..."] = true, ["^"] = true,
}

--- If what starts here declares a function, its name, and how many tokens are before that.
function Functions:function_name()
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
    elseif kind == "name" and kinds[i + 1] == "(" and (in_front_of_brackets[value] or self:is_silent(i)) then
      i = self:behind(i + 1)
    elseif not before_parameters[kind] then
      return nil
    else
      i = i + 1
    end
  end
end

--- Whether a word's brackets belong to an attribute, not to parameters.
function Functions:takes_brackets(word) -- luacheck: no self
  return in_front_of_brackets[word]
end

--- Steps over a function's body from its '{' on.
function Functions:skip_body()
  local stream = self.stream
  if stream and self.kinds == stream.out.kind and stream:skip_body(self.i) then
    self.i = self.i + 2
  else
    self:balanced(self.pass_over)
  end
end

local stops_at_body = { [";"] = true, ["{"] = true }
local stops_at_more = { [";"] = true, ["{"] = true, [","] = true, [":"] = true }

-- Tokens that C's parameters consist of.
local parameter_kinds = {
  name = true, ["*"] = true, ["&"] = true, ["&&"] = true, [","] = true, ["("] = true, [")"] = true,
  ["["] = true,
  ["]"] = true, ["..."] = true, ["::"] = true, ["<"] = true, [">"] = true, number = true, [":"] = true,
}

-- Names that follow each other in front of a function's name: attributes, a type. More of them are no
-- declaration.
local MOST_NAMES = 6

-- Notes in `parameters` what a token among parameters shows: false where it cannot be among them, "default"
-- at a default value of C++.
local function check_parameter(self, depth)
  if not self.parameters then return end
  local kind = self.kinds[self.i]
  if kind == "=" then
    self.parameters = "default"
  elseif depth < 2 and self.parameters == true
    and (not parameter_kinds[kind] or kind == "name" and self.values[self.i] == "sizeof") then
    self.parameters = false
  end
end

--- Whether the parameters of a function whose name is `before` tokens on are parameters. The index behind
-- them is returned too, nil where a default value of C++ is in them.
function Functions:has_parameters(before)
  local i = self.i
  local first = i + before + 1
  if self.kinds[first] ~= "(" then return true end
  local dropped = self.tokens.dropped
  self.i, self.parameters = first, true
  self:balanced(check_parameter)
  local stop = self.i
  self.i, self.is_dropped = i, self.tokens.dropped ~= dropped
  if self.parameters == true then return true, stop end
  return self.parameters == "default"
end

local ends_parameters = { [";"] = true, ["{"] = true, [","] = true, ["->"] = true, ["try"] = true,
                          requires = true }
local pure = { ["0"] = true, default = true, delete = true }

--- Whether what is behind a member function's parameters, at token `i`, can be there. Returns also the index
-- of the first token that cannot. Behind a name in capitals, which may be a macro, a word that is not known
-- may be a member's name.
function Functions:can_follow(i, name)
  local kinds, values, may_be_macro = self.kinds, self.values, name == name:upper()
  while true do
    local kind, word = kinds[i], values[i]
    if ends_parameters[kind] or kind == "name" and ends_parameters[word] then return true, i end
    if kind == "=" then return pure[values[i + 1]] or false, i end
    if kind == "[" and kinds[i + 1] == "[" then
      i = self:behind(i)
    elseif kind == "name" and (self:is_attribute(i) or behind_parameters[word]
      or not may_be_macro and word == word:upper() and not self:starts_type(i)) then
      i = i + 1
      if kinds[i] == "(" then i = self:behind(i) end
    elseif kind == "&" or kind == "&&" then
      i = i + 1
    else
      return false, i
    end
  end
end

--- Whether what starts here can be a member function whose name is `before` tokens on.
function Functions:can_be_function(before)
  local kinds, values, i = self.kinds, self.values, self.i
  local names = 0
  for k = i, i + before - 1 do
    local plain = kinds[k] == "name" and not self:is_keyword(values[k]) and kinds[k + 1] == "name"
    names = plain and names + 1 or 0
    if names > MOST_NAMES // 2 then return false end
  end
  local well, stop = self:has_parameters(before)
  if not well or not stop then return well end
  return self:can_follow(stop, values[i + before])
end

--- Steps over a function, with its body if it has one. A member that is declared with it would be lost: `at`
-- is where to report that, nil outside of structs.
function Functions:skip_function(at)
  local kind = self:skip_to(at and stops_at_more or stops_at_body, self.pass_over)
  if kind == "," then lexer.fail(at, "a function and what is declared with it are not read here") end
  if kind == ":" then kind = self:skip_to(stops_at_body, self.pass_over) end
  while kind == "{" do
    self:skip_body()
    -- A constructor's initialisers may have braces too.
    kind = self:kind()
    if kind ~= "," and kind ~= "{" then
      if at then self:accept(";") end
      return
    end
    kind = self:skip_to(stops_at_body, self.pass_over)
  end
  self:skip()
end

return Functions
