-- Declarations that are kept until their types are used. These are methods of the parser. Internal to
-- filemap.cdef.
--
-- Most of a header declares structs that a program never uses. A declaration outside of structs whose names
-- its tokens show (see shape.lua) is kept in `pending`, and its names mean its number there until one is
-- looked up: then it is read, with the names that were declared before it. Where its text has no macros it is
-- kept as one integer: its position, its scope's number, and its packing in the lowest bits. Otherwise it is
-- a string: its position, packing, scope, and tokens with their distances from each other.
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"
local Shape = require "filemap.cdef.shape"
local stream = require "filemap.cdef.stream"

local body, done, matters = Shape.body, Shape.done, Shape.matters
--- `at_once` lets declarations be read at their places: specs compare the two ways.
local Deferred = { at_once = false }

-- More tokens than these are followed in the text alone, or read at once if there are macros in it.
local MOST_TOKENS = 2000

-- How many tokens of a text are made at a time.
local CHUNK = 256

-- Declarations that are read inside others, each for a type that the one before needs, and loops over
-- declarations and members that are at work in them. Beyond that they are read in their order, which needs no
-- nesting.
local MOST_NESTED, MOST_LOOPS = 20, 60

-- {-- As a position --------------------------------------------------------------------------------

-- The bits for the packing, 0 to 16, and for the number of the scope.
local PACK_BITS, SCOPE_BITS = 5, 16

-- Follows a declaration in the text behind all tokens that were made. Returns where it ends there; nil if a
-- macro or a directive is in it, and if it has to be read at once.
local function text_end(self, shape, phase)
  local prep, list = self.stream, self.scratch
  local source, macros, kinds, values = prep.source, prep.macros, list.kind, list.value
  local start, stop = source.i, nil
  repeat
    list.n = 0
    local why, name, at = lexer.read(source, list, macros, CHUNK)
    if why == "special" and type(macros[name]) == "string" then
      -- The prefix of a string, which may also be a name.
      lexer.append(list, lexer.prefixed(source.text, source.i, name) or "name", name, at)
      why = "more"
    end
    local k = 0
    while k < list.n and phase and not stop do
      k = k + 1
      local kind, value = kinds[k], values[k]
      if phase ~= body or matters[kind == "name" and value or kind] then phase = phase(shape, kind, value) end
      stop = phase == done and list.at[k] - source.base + 1
    end
  until stop or not phase or why ~= "more" and why ~= "brace"
  source.i, source.fresh = start, false
  return stop
end

-- The tokens of a declaration that is kept as a position.
local function tokens_from(self, at)
  local from, depth, over = self.sources:at(at), 0, false
  local source = { text = from.text, base = from.base, i = at - from.base, fresh = false }
  return stream.new(function(list)
    local first = list.n + 1
    if not over then over = lexer.plain(source, list, list.n + CHUNK) == "end" end
    for k = first, list.n do
      local kind = list.kind[k]
      if kind == "{" then depth = depth + 1 end
      if kind == "}" then depth = depth - 1 end
      if kind == ";" and depth == 0 then
        stream.cut(list, k)
        over = true
        break
      end
    end
    if over then lexer.append(list, "end", "", list.at[list.n]) end
  end)
end

-- {-- As a string ----------------------------------------------------------------------------------

-- position, pack, scope, number of tokens, and the bytes of a distance; then each token's distance from the
-- one before, and the text.
local HEADER = "<I6BI2I2B"
local HEADER_SIZE = string.packsize(HEADER)

-- Follows a declaration in the tokens from `i` on. Returns the indices of its ';' and its last '}'. nil and
-- the phase behind all tokens if it goes on behind them; nil alone if it has to be read at once.
local function token_end(self, shape, phase, i)
  local kinds, values, out, close = self.kinds, self.values, self.stream.out, i
  local k, most = i, i + MOST_TOKENS
  repeat
    while k <= most do
      local kind = kinds[k]
      if phase ~= body or matters[kind == "name" and values[k] or kind] then
        phase = phase(shape, kind, values[k])
        if phase == done then return k, close end
        if not phase then return nil end
        if kind == "}" then close = k end
      end
      k = k + 1
    end
    most = out.n
  until k > most
  return nil, phase
end

-- The declaration from token `from` to `to` as a string; nil if its positions do not fit one.
local function packed(self, from, to, pack)
  local ats, deltas, n, bits = self.ats, self.deltas, 0, 0
  local before = ats[from]
  for k = from, to do
    local at = ats[k]
    local delta = at - before
    n, before, bits = n + 1, at, bits | delta
    deltas[n] = delta
  end
  if bits < 0 or bits > 0xffff then return nil end
  local width = bits > 0xff and 2 or 1
  local key = 2 * n + width
  local format = self.formats[key]
  if not format then
    format = HEADER .. ("I" .. width):rep(n)
    self.formats[key] = format
  end
  return string.pack(format, ats[from], pack, self.scope.number, n, width, table.unpack(deltas, 1, n))
    .. table.concat(self.values, " ", from, to)
end

-- The tokens of a declaration that is kept as a string, its packing, and the number of its scope.
local function unpacked(kept)
  local at, pack, scope, n, width = string.unpack(HEADER, kept)
  local from, format = HEADER_SIZE + 1, "<I" .. width
  local tokens = lexer.tokens(kept:sub(from + width * n))
  for k = 1, n do
    at = at + string.unpack(format, kept, from + width * (k - 1))
    tokens.at[k] = at
  end
  tokens.at[n + 1] = at
  return tokens, pack, scope
end

-- The tokens of a declaration that is kept, its packing, and its scope.
local function kept_tokens(self, kept)
  local tokens, pack, scope
  if type(kept) == "string" then
    tokens, pack, scope = unpacked(kept)
  else
    tokens = tokens_from(self, kept >> PACK_BITS + SCOPE_BITS)
    pack, scope = kept & (1 << PACK_BITS) - 1, kept >> PACK_BITS & (1 << SCOPE_BITS) - 1
  end
  return tokens, pack ~= 0 and pack or nil, self.namespaces[scope]
end

-- {-- Keeping --------------------------------------------------------------------------------------

-- Lets the names of a list mean a number in a scope. Returns false, with no name set, if one is declared.
local function declare_names(scope, list, number)
  for k, name in ipairs(list) do
    if scope.names[name] ~= nil then
      for j = 1, k - 1 do scope:set(list[j], nil) end
      return false
    end
    scope:set(name, number)
  end
  return true
end

-- Lets a tag mean the number of its body. Returns whether it has none so far.
local function declare_tag(scope, name, number)
  local there = scope.tags[name]
  if there == nil then
    scope:set_tag(name, number)
  elseif type(there) == "table" and not (there.type or there.kept or there.empty or there.broken) then
    there.kept = math.abs(number)
  else
    return false
  end
  return true
end

-- Whether it can be known which tags a shape declares by mentioning them. A namespace that is open here may
-- have a tag of that name already, and this file does not search those.
local function knows_mentions(scope, shape)
  return not shape.mentions[1] or scope.clock.directives == 0
end

-- Lets the names and tags of a shape mean a number in the scope at hand. Returns whether all were free.
local function declare(self, shape, number)
  local scope = self.scope
  if not knows_mentions(scope, shape) or not declare_names(scope, shape.names, number) then return false end
  if shape.tag and not declare_tag(scope, shape.tag, shape.is_enum and -number or number) then
    for _, name in ipairs(shape.names) do scope:set(name, nil) end
    return false
  end
  local abi = self.abi
  if shape.forward and not names.declaration(shape.forward, abi) then scope:mention(shape.forward, number) end
  for _, name in ipairs(shape.mentions) do
    if not scope:has_tag(name) and not names.declaration(name, abi) then scope:mention(name, number) end
  end
  for _, name in ipairs(shape.inner_names) do scope:export("exported_names", name, number) end
  for _, name in ipairs(shape.inner_tags) do scope:export("exported_tags", name, number) end
  return true
end

-- A declaration as a position, a scope and a packing.
local function placed(self, at, pack)
  return (at << SCOPE_BITS | self.scope.number) << PACK_BITS | (pack or 0)
end

-- Follows the declaration at hand. Returns its shape, what it is kept as, the index of the token behind those
-- that it has, and where it ends in the text, if it goes on behind the tokens; nil if it is read at once.
local function follow(self)
  local prep, i = self.stream, self.i
  local first, at = self:absolute(i), self.ats[i]
  local shape, behind, phase = Shape.begin(self.kinds, self.values, i)
  -- Where an include was passed over, some declarations are errors.
  if not shape or prep.missed[1] and shape.tag and shape.tag:find("PACK", 1, true) then return nil end
  local last, close = token_end(self, shape, phase, behind)
  if last then
    local pack, stop = prep.packing:at(first), self:absolute(last)
    if prep.packing:changes(first, stop) or prep:missed_between(first, stop) then return nil end
    local kept = prep:is_plain(first, stop) and placed(self, at, pack)
      or not shape.has_text and packed(self, i, last, pack or 0)
    return shape, kept, last + 1
  elseif close and prep:is_plain(first, prep:count() + 1) then
    local stop = text_end(self, shape, close)
    return stop and shape, placed(self, at, prep.packing:at(first)), prep.out.n + 1, stop
  end
end

--- Keeps the declaration at hand for later, if it can. Returns whether it did.
function Deferred:defer()
  if Deferred.at_once then return false end
  local scope = self.scope.number
  if not scope or scope >= 1 << SCOPE_BITS or self.tokens ~= self.stream.out then return false end
  local shape, kept, behind, stop = follow(self)
  local number = #self.pending + 1
  if not shape or not kept or not declare(self, shape, number) then return false end
  self.pending[number], self.i = kept, behind
  if stop then self.stream.source.i = stop end
  return true
end

-- {-- Reading --------------------------------------------------------------------------------------

local function on_problem(self)
  return function(problem, name) self:skipped_declaration(problem, name) end
end

-- The shape of a declaration that is kept.
local function shape_of(self, kept)
  local tokens = kept_tokens(self, kept)
  local shape, i, phase = Shape.begin(tokens.kind, tokens.value, 1)
  while phase ~= done do
    phase, i = phase(shape, tokens.kind[i], tokens.value[i]), i + 1
  end
  return shape
end

-- Makes the names of a kept declaration ones that raise an error where they are used.
local function break_kept(self, kept, scope, number, problem)
  if type(problem) ~= "table" then error(problem, 0) end
  local shape = shape_of(self, kept)
  local shown = shape.tag or nil
  for _, name in ipairs(shape.names) do
    local there = scope.names[name]
    if there == number then
      local tag = { tag = true, kind = "struct", name = name, broken = problem }
      scope:set(name, { type = tag, seq = number })
      shown = name
    end
  end
  if shape.tag then
    local tag = scope:own_tag("struct", shape.tag)
    tag.broken, tag.broken_at, tag.kept = tag.broken or problem, number, nil
  end
  self:skipped_declaration(problem, shown)
end

-- Reads one declaration as if it stood at its place.
local function read(self, number)
  local kept = self.pending[number]
  if not kept then return end
  self.pending[number] = false
  local saved, clock, loops = self:save(), self.file.clock, self.loops
  local seq, limit = clock.seq, clock.limit
  local tokens, pack, scope = kept_tokens(self, kept)
  self:rewind(tokens)
  self.scope, self.frames, self.in_type_name, self.brackets = scope, {}, 0, 0
  self.kept_pack, clock.seq, clock.limit = pack, number, number
  self.reading = self.reading + 1
  local well, problem = pcall(self.protected_loop, self, "end", on_problem(self), self.declaration)
  if not well then well, problem = pcall(break_kept, self, kept, scope, number, problem) end
  self.reading, self.loops = self.reading - 1, loops
  self:restore(saved)
  clock.seq, clock.limit = seq, limit
  if not well then error(problem, 0) end
end

--- Reads all declarations that were kept, or those up to one.
function Deferred:read_pending(number)
  for place = 1, number or #self.pending do read(self, place) end
end

--- Reads a declaration that was kept, since one of its names is used.
function Deferred:read_kept(number)
  if self.reading < MOST_NESTED and self.loops < MOST_LOOPS then read(self, number)
  else self:read_pending(number) end
end

return Deferred
