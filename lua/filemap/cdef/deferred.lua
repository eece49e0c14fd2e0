-- Declarations that are kept as text until their types are used. These are methods of the parser. Internal to
-- filemap.cdef.
--
-- Most of a header declares structs that a program never uses. A struct, union or enum at the file's level
-- whose tokens declare nothing but its own names is kept as one string: its position, number, packing and
-- text. That string is what its names mean, until one is looked up: then the declaration is read, with the
-- names that were declared before it.
local Attributes = require "filemap.cdef.attributes"
local lexer = require "filemap.cdef.lexer"

local Deferred = {}

-- More tokens than these are read at once, so that the stream can drop them.
local MOST_TOKENS = 2000

-- Declarations that are read inside others, each for a type that the one before needs. Beyond that they are
-- read in their order, which needs no nesting.
local MOST_NESTED = 20

-- position, number of the declaration, place in `pending`, pack, number of tokens, and the bytes of a
-- distance; then each token's distance from the one before, and the text.
local HEADER = "<I6I4I4BI2B"
local HEADER_SIZE = string.packsize(HEADER)

-- {-- Keeping --------------------------------------------------------------------------------------

-- Words with which a body declares more than its members, or is one of C++.
local eager = {}
for word in ([[static typedef using class template namespace operator virtual public private protected friend
  inline extern static_assert _Static_assert C_ASSERT constexpr final Q_OBJECT Q_GADGET std
]]):gmatch("%S+") do
  eager[word] = true
end

local records = { struct = true, union = true, enum = true }

-- The index behind the bracket that closes the one at `i`; nil if it is too far.
local function behind(kinds, i, last)
  local depth = 0
  for k = i, last do
    local kind = kinds[k]
    if kind == "(" then depth = depth + 1
    elseif kind == ")" then depth = depth - 1
    elseif kind == "end" or kind == "bad" or kind == ";" then return nil end
    if depth == 0 then return k + 1 end
  end
end

-- Adds the enumerators of the enum whose '{' is at `i`; returns the index of its '}'.
local function enumerators(self, i, last, names)
  local kinds, depth, expects = self.kinds, 0, true
  for k = i + 1, last do
    local kind = kinds[k]
    if kind == "(" then depth = depth + 1
    elseif kind == ")" then depth = depth - 1
    elseif kind == "}" then return depth == 0 and k or nil
    elseif kind == "name" and expects then names[#names + 1] = self.values[k]
    elseif kind == "{" or kind == "end" or kind == "bad" or kind == ";" or kind == "string"
      or kind == "char" then
      return nil
    end
    expects = kind == "," and depth == 0
  end
end

-- The index of the '}' that ends a body whose '{' is at `i`; nil if the body is to be read at once.
-- Enumerators in it are added to `names`.
local function body_end(self, i, last, names)
  local kinds, values, depth = self.kinds, self.values, 0
  local k = i
  while k <= last do
    local kind = kinds[k]
    if kind == "name" then
      local word = values[k]
      if eager[word] then return nil end
      if records[word] then
        local after = kinds[k + 1]
        if after == "name" and kinds[k + 2] ~= "name" and kinds[k + 2] ~= "*" then return nil end
        if word == "enum" and after == "{" then
          k = enumerators(self, k + 1, last, names)
          if not k then return nil end
        end
      end
    elseif kind == "{" then
      depth = depth + 1
    elseif kind == "}" then
      depth = depth - 1
      if depth == 0 then return k end
    elseif kind == "end" or kind == "bad" or kind == "string" or kind == "char" or kind == "::"
      or kind == "~" then
      return nil
    end
    k = k + 1
  end
end

-- The index behind the attributes at `i`; nil if there is another word.
local function behind_attributes(self, i, last)
  local kinds, values = self.kinds, self.values
  while kinds[i] == "name" and Attributes.attribute_words[values[i]] ~= nil do
    i = i + 1
    if kinds[i] == "(" then
      i = behind(kinds, i, last)
      if not i then return nil end
    end
  end
  return i
end

-- Adds the names that a typedef declares behind its body; returns the index of the ';'. nil if a declarator
-- is more than a name with stars.
local function typedef_names(self, i, last, names)
  local kinds = self.kinds
  while i <= last do
    i = behind_attributes(self, i, last)
    if not i then return nil end
    while kinds[i] == "*" do i = i + 1 end
    if not self:is_free(i) then return nil end
    names[#names + 1] = self.values[i]
    i = behind_attributes(self, i + 1, last)
    if not i then return nil end
    if kinds[i] == ";" then return i end
    if kinds[i] ~= "," then return nil end
    i = i + 1
  end
end

-- Whether names are still free in the file's scope.
local function all_free(self, names, tag)
  local file = self.file
  if tag and (rawget(file.tags, tag) or rawget(file.names, tag)) then return false end
  for k, name in ipairs(names) do
    if rawget(file.names, name) or rawget(file.tags, name) and name ~= tag then return false end
    for j = 1, k - 1 do
      if names[j] == name then return false end
    end
  end
  return true
end

-- The declaration from token `from` to `to` as a string; nil if its positions do not fit one.
local function packed(self, from, to, pack)
  local ats, deltas = self.ats, self.deltas
  local n, before, most = to - from + 1, ats[from], 0
  for k = 1, n do
    local at = ats[from + k - 1]
    local delta = at - before
    if delta < 0 then return nil end
    if delta > most then most = delta end
    deltas[k], before = delta, at
  end
  if most > 0xffff then return nil end
  local width = most > 0xff and 2 or 1
  local key = 2 * n + width
  local format = self.formats[key]
  if not format then
    format = HEADER .. ("I" .. width):rep(n)
    self.formats[key] = format
  end
  return string.pack(format, ats[from], self.file.clock.seq, #self.pending + 1, pack or 0, n, width,
    table.unpack(deltas, 1, n)) .. table.concat(self.values, " ", from, to)
end

-- The parts of a declaration that can be kept: the index of its ';', its tag, its names, and the index of its
-- '}'.
local function extent(self)
  local kinds, values, i = self.kinds, self.values, self.i
  local last = i + MOST_TOKENS
  local is_typedef = values[i] == "typedef"
  if is_typedef then i = i + 1 end
  local word = values[i]
  if not records[word] then return nil end
  i = i + 1
  local tag
  if kinds[i] == "name" then
    if not self:is_free(i) or Attributes.attribute_words[values[i]] ~= nil then return nil end
    tag, i = values[i], i + 1
  end
  if kinds[i] ~= "{" or not tag and not is_typedef and word ~= "enum" then return nil end
  local names = {}
  local close = (word == "enum" and enumerators or body_end)(self, i, last, names)
  if not close or close == i + 1 then return nil end
  local stop
  if is_typedef then stop = typedef_names(self, close + 1, last, names)
  else stop = behind_attributes(self, close + 1, last) end
  if not stop or kinds[stop] ~= ";" then return nil end
  return stop, tag, names, close
end

--- Keeps the declaration at hand for later, if it can. Returns whether it did.
function Deferred:defer()
  if self.scope ~= self.file or not self.stream or self.kinds ~= self.stream.out.kind then return false end
  local stop, tag, names, close = extent(self)
  if not stop or not all_free(self, names, tag) then return false end
  local stream = self.stream
  -- Where an include was passed over, some declarations are errors: they are read at once.
  if stream.missed[1] and (tag and tag:find("PACK", 1, true)
    or stream:missed_between(self:absolute(self.i), self:absolute(stop))) then return false end
  local kept = packed(self, self.i, stop, stream.packing:at(self:absolute(close)))
  if not kept then return false end
  self.pending[#self.pending + 1] = kept
  local file = self.file
  if tag then file:set_tag(tag, kept) end
  for _, name in ipairs(names) do file:set(name, kept) end
  self.i = stop + 1
  return true
end

-- {-- Reading --------------------------------------------------------------------------------------

--- The number of a declaration that was kept.
function Deferred.number(kept)
  return (string.unpack("<I4", kept, 7))
end

-- The tokens of a declaration, with their positions.
local function tokens_of(kept)
  local at, _, _, _, n, width = string.unpack(HEADER, kept)
  local from, format = HEADER_SIZE + 1, "<I" .. width
  local tokens = lexer.tokens(kept:sub(from + width * n))
  for k = 1, n do
    at = at + string.unpack(format, kept, from + width * (k - 1))
    tokens.at[k] = at
  end
  tokens.at[n + 1] = at
  return tokens
end

local function on_problem(self)
  return function(problem, name) self:skipped_declaration(problem, name) end
end

local state_keys = { "kinds", "values", "ats", "i", "depth", "scope", "frames", "quiet", "in_type_name",
  "brackets",
                     "kept_pack", "stream_is_off" }

-- Makes the names of a kept declaration ones that raise an error where they are used.
local function break_kept(self, kept, problem)
  if type(problem) ~= "table" then error(problem, 0) end
  local file, shown = self.file, nil
  for name, entity in pairs(file.tags) do
    if entity == kept then
      file.tags[name], shown = { tag = true, kind = "struct", name = name, broken = problem }, name
    end
  end
  for name, entity in pairs(file.names) do
    if entity == kept then
      file.names[name] = { type = { tag = true, kind = "struct", name = name, broken = problem } }
      shown = name
    end
  end
  self:skipped_declaration(problem, shown)
end

-- Reads one declaration as if it stood at its place.
local function read(self, kept)
  local _, number, place, pack = string.unpack(HEADER, kept)
  if not self.pending[place] then return end
  self.pending[place] = false
  local saved, clock = {}, self.file.clock
  for _, key in ipairs(state_keys) do saved[key] = self[key] end
  local seq, limit = clock.seq, clock.limit
  self:rewind(tokens_of(kept))
  self.scope, self.frames, self.in_type_name, self.brackets = self.file, {}, 1, 0
  self.kept_pack, clock.seq, clock.limit = pack ~= 0 and pack or nil, number, number
  self.reading = self.reading + 1
  local well, problem = pcall(self.protected_loop, self, "end", on_problem(self), self.declaration)
  self.reading = self.reading - 1
  for _, key in ipairs(state_keys) do self[key] = saved[key] end
  clock.seq, clock.limit = seq, limit
  if not well then break_kept(self, kept, problem) end
end

--- Reads all declarations that were kept, or those up to one.
function Deferred:read_pending(kept)
  local last = kept and select(3, string.unpack(HEADER, kept)) or #self.pending
  for place = 1, last do
    if self.pending[place] then read(self, self.pending[place]) end
  end
end

--- Reads a declaration that was kept, since one of its names is used.
function Deferred:read_kept(kept)
  if self.reading < MOST_NESTED then read(self, kept) else self:read_pending(kept) end
end

return Deferred
