-- Functions are passed over, so what only looks like one would be lost: a member without its ';', or a member
-- or struct in front of a word that is not known. These checks raise an error there. They are methods of the
-- parser. Internal to filemap.cdef.
local Checks = {}

local ends_operator = { [";"] = true, ["{"] = true, ["end"] = true }

--- Raises where a constructor, destructor or operator is not followed by what can be there: a ';' is missing.
-- Its name is `before` tokens on.
function Checks:check_behind_special(before)
  local kinds, at = self.kinds, self.i + before
  local name, i = self.values[at], at + 1
  if name == "operator" then
    if kinds[i] == "(" and kinds[i + 1] == ")" then i = i + 2 end
    while kinds[i] ~= "(" and not ends_operator[kinds[i]] do i = i + 1 end
  end
  if kinds[i] ~= "(" then return end
  local can, stop = self:can_follow(self:behind(i), "operator")
  if can or name ~= "operator" and kinds[stop] == ":" then return end
  self.i = stop
  self:expected("';'")
end

local asserts = { static_assert = true, _Static_assert = true }

--- Raises where a ';' is missing: in front of an assertion, which looks like a function then.
function Checks:check_function_name(name, before)
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
function Checks:check_return_type(before)
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
function Checks:check_parameters(before)
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
  if kinds[i - 1] == "::" or kinds[i + 1] == "::" or self:begins_record(i - 1) then return "type" end
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
    if what and what ~= "known" and has_type and not self:begins_record(i - 1) then name = i end
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
function Checks:check_no_member(before, is_constructor)
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
function Checks:check_no_record(before, stop)
  local kinds, values, at = self.kinds, self.values, self.i + before
  local i = stop and kinds[stop] == "name" and stop + 1 or stop
  if not (i and self:begins_record(self.i)) or kinds[i] ~= "{" and kinds[i] ~= ":" then return end
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
function Checks:check_behind_parameters(i)
  local kinds, word = self.kinds, self.values[i]
  if kinds[i] ~= "name" then return end
  if begins_declaration[word] or self:begins_record(i) and (kinds[i + 1] == "{" or kinds[i + 2] == "{") then
    self.i = i
    self:expected("';' or '{'")
  end
end

return Checks
