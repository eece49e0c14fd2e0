-- Functions, which are passed over: how the parser recognizes them, and where they end. These are
-- methods of the parser. Internal to filemap.cdef.
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

-- Whether the '(' at token `i` of a declaration that starts at `start` begins parameters.
function Functions:begins_parameters(start, i)
  local kinds, values = self.kinds, self.values
  if i == start or kinds[i - 1] ~= "name" or self:is_keyword(values[i - 1]) then return false end
  if i - 2 >= start and begins_record[values[i - 2]] then return false end
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

--- Raises where a constructor, destructor or operator is not followed by what can be there: a ';' is missing.
-- Its name is `before` tokens on.
function Functions:check_behind_special(before)
  local kinds, at = self.kinds, self.i + before
  local name, i = self.values[at], at + 1
  if name == "operator" then
    if kinds[i] == "(" and kinds[i + 1] == ")" then i = i + 2 end
    while kinds[i] ~= "(" and not stops_at_body[kinds[i]] and kinds[i] ~= "end" do i = i + 1 end
  end
  if kinds[i] ~= "(" then return end
  local can, stop = self:can_follow(self:behind(i), "operator")
  if can or name ~= "operator" and kinds[stop] == ":" then return end
  self.i = stop
  self:expected("';'")
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

local asserts = { static_assert = true, _Static_assert = true }

--- Raises where a ';' is missing: in front of an assertion, which looks like a function then.
function Functions:check_function_name(name, before)
  if not asserts[name] then return end
  self.i = self.i + before
  self:expected("';'")
end

-- Whether a name may stand for a type, or for a word that belongs to one. Names in another scope or in a
-- template are not checked.
local function may_name_type(self, i)
  local before, after = self.kinds[i - 1], self.kinds[i + 1]
  return before == "::" or after == "::" or after == "<" or self:is_keyword(self.values[i])
    or self:find(self.values[i]) ~= nil
end

-- Whether an include was passed over, which may declare any name.
local function has_missed(self)
  return self.stream.missed[1] ~= nil
end

local function expected_type(self, i)
  self.i = i
  self:expected("a type")
end

--- Raises if the type that a function returns is not known. Its name is `before` tokens on.
function Functions:check_return_type(before)
  local kinds, i, stop, unknown = self.kinds, self.i, self.i + before, nil
  while i < stop do
    local kind = kinds[i]
    if kind == "(" or kind == "[" then
      i = self:behind(i)
    elseif kind == "<" or kind == "::" then
      return
    else
      if kind == "name" and not self:is_attribute(i) then
        if self:starts_type(i) then return end
        if not (has_missed(self) or may_name_type(self, i)) then unknown = unknown or i end
      end
      i = i + 1
    end
  end
  if unknown then expected_type(self, unknown) end
end

local opens = { ["("] = 1, ["["] = 1, ["{"] = 1, ["<"] = 1, [")"] = -1, ["]"] = -1, ["}"] = -1, [">"] = -1,
                [">>"] = -2 }

--- Raises if a parameter of a member function is of no type that is known: then it may be a member that was
-- meant. Parameters whose tokens were dropped are too many for a function. Where an include was passed over,
-- this checks only a function whose name is in capitals, as a macro's is.
function Functions:check_parameters(before)
  local kinds, from = self.kinds, self.i + before + 1
  if kinds[from] ~= "(" or self.is_dropped then return end
  local name = self.values[from - 1]
  if has_missed(self) and name ~= name:upper() then return end
  local depth, begins = 0, true
  for i = from, self:behind(from) - 1 do
    local kind = kinds[i]
    if depth == 1 and begins and kind == "name" and not self:is_attribute(i) then
      if not may_name_type(self, i) then expected_type(self, i) end
      begins = false
    end
    depth = depth + (opens[kind] or 0)
    if kind == "," and depth == 1 then begins = true end
  end
end

-- The kind of the word at token `i` in a function's type: "known" for a type, "type" for a name that may be
-- one, "macro" for one in capitals that is not known; nil for the others.
local function kind_of_word(self, i)
  local kinds, word = self.kinds, self.values[i]
  if word == "const" or word == "volatile" then return nil end
  if kinds[i - 1] == "::" or kinds[i + 1] == "::" or begins_record[self.values[i - 1]] then return "type" end
  if self:starts_type(i) then return "known" end
  if self:is_keyword(word) or self:is_attribute(i) then return nil end
  return word == word:upper() and "macro" or "type"
end

-- The index of the first token that shows that a member without a ';' is in front of a function, nil if there
-- is none: a type, another name, and again a type.
local function begins_again(self, stop, is_constructor)
  local kinds, i, has_type, is_known, name = self.kinds, self.i, false, false, nil
  while i < stop do
    local kind = kinds[i]
    if kind == "<" then return nil end
    local what = kind == "name" and kind_of_word(self, i)
    if name and (what == "known" or what == "type" and is_known) then return i end
    if what and has_type and what ~= "known" and not begins_record[self.values[i - 1]] then name = i end
    has_type, is_known = has_type or what == "known" or what == "type", is_known or what == "known"
    i = (kind == "(" or kind == "[") and self:behind(i) or i + 1
  end
  local is_name = name and kind_of_word(self, name) == "type" and kinds[name - 1] ~= "::"
  for k = name or stop, stop - 1 do is_name = is_name and kinds[k] ~= "*" and kinds[k] ~= "&" end
  local is_empty = kinds[stop + 1] == "(" and kinds[stop + 2] == ")"
  local is_macro = name and is_empty and self.values[stop] == self.values[stop]:upper()
  if is_name or is_macro or is_constructor and is_known then return stop end
end

--- Raises where what looks like a member function is a member in front of a macro that is not known, as in
-- `int x ALIGNED(8);`, or of a function, with no ';' between them. The name is `before` tokens on.
function Functions:check_no_member(before, is_constructor)
  local kinds, at = self.kinds, self.i + before
  local is_member = kinds[at + 1] == "(" and kinds[at + 2] == "number" and self.values[at] ~= "operator"
  local found = is_member and at or begins_again(self, at, is_constructor)
  if not found then return end
  self.i = found
  self:expected("';'")
end

-- Whether a tag is one that a function can return here.
local function is_known_tag(self, kind, name)
  local tag = self.scope:find(name, kind) or self:find(name)
  return tag and (tag.kept or tag.type or tag.open or tag.broken or tag.empty or tag.ambiguous)
end

--- Raises where what looks like a function is the body of a struct whose name is in front of a macro that is
-- not known, as in `struct S ALIGNED(8) { … };`: a function cannot return a struct that is not declared. The
-- index behind the parameters is `stop`.
function Functions:check_no_record(before, stop)
  local kinds, values, at = self.kinds, self.values, self.i + before
  local i = stop and kinds[stop] == "name" and stop + 1 or stop
  if not (i and begins_record[values[self.i]]) or kinds[i] ~= "{" and kinds[i] ~= ":" then return end
  local name
  for k = self.i + 1, at do
    if kinds[k] == "*" or kinds[k] == "&" or kinds[k] == "::" or kinds[k] == "<" then return end
    name = name or kinds[k] == "name" and self:is_free(k) and not self:is_attribute(k) and k
  end
  if name and name < at and is_known_tag(self, values[self.i], values[name]) then return end
  self.i = at
  self:expected("'{'")
end

local begins_declaration = { typedef = true, extern = true, static = true, static_assert = true,
  _Static_assert = true }

--- Raises if a declaration begins behind the parameters of a function outside of structs.
function Functions:check_behind_parameters(i)
  local kinds, word = self.kinds, self.values[i]
  if kinds[i] ~= "name" then return end
  if begins_declaration[word] or begins_record[word] and (kinds[i + 1] == "{" or kinds[i + 2] == "{") then
    self.i = i
    self:expected("';' or '{'")
  end
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
