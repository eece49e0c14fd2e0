-- Declarations that are kept until their types are used. These are methods of the parser. Internal to
-- filemap.cdef.
--
-- Most of a header declares structs that a program never uses. A declaration at the file's level whose tokens
-- declare nothing but its own names (see shape.lua) is kept in `pending`, and its names mean its number there
-- until one is looked up: then it is read, with the names that were declared before it. Where its text has
-- no macros it is kept as one integer: its position, and its packing in the lowest bits. Otherwise it is a
-- string: its position, packing, and tokens with their distances from each other.
local lexer = require "filemap.cdef.lexer"
local Shape = require "filemap.cdef.shape"
local stream = require "filemap.cdef.stream"

local body, done, matters = Shape.body, Shape.done, Shape.matters
local Deferred = {}

-- More tokens than these are followed in the text alone, or read at once if there are macros in it.
local MOST_TOKENS = 2000

-- How many tokens of a text are made at a time.
local CHUNK = 256

-- Declarations that are read inside others, each for a type that the one before needs. Beyond that they are
-- read in their order, which needs no nesting.
local MOST_NESTED = 20

-- {-- As a position --------------------------------------------------------------------------------

-- The bits for the packing, 0 to 16.
local PACK_BITS = 5

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
        stream.drop(list, k + 1, list.n)
        over = true
        break
      end
    end
    if over then lexer.append(list, "end", "", list.at[list.n]) end
  end)
end

-- {-- As a string ----------------------------------------------------------------------------------

-- position, pack, number of tokens, and the bytes of a distance; then each token's distance from the one
-- before, and the text.
local HEADER = "<I6BI2B"
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
  return string.pack(format, ats[from], pack, n, width, table.unpack(deltas, 1, n))
    .. table.concat(self.values, " ", from, to)
end

-- The tokens of a declaration that is kept as a string, and its packing.
local function unpacked(kept)
  local at, pack, n, width = string.unpack(HEADER, kept)
  local from, format = HEADER_SIZE + 1, "<I" .. width
  local tokens = lexer.tokens(kept:sub(from + width * n))
  for k = 1, n do
    at = at + string.unpack(format, kept, from + width * (k - 1))
    tokens.at[k] = at
  end
  tokens.at[n + 1] = at
  return tokens, pack
end

-- {-- Keeping --------------------------------------------------------------------------------------

-- Lets the names of a list mean a number in a table. Returns whether all were free in the file's scope, apart
-- from two tags.
local function declare_names(file, key, list, number, tag, other)
  for k, name in ipairs(list) do
    if rawget(file.names, name) or rawget(file.tags, name) and name ~= tag and name ~= other then
      for j = 1, k - 1 do file[key][list[j]] = nil end
      return false
    end
    if key == "names" then file:set(name, number) else file:set_tag(name, number) end
  end
  return true
end

-- Lets the names and tags of a shape mean a number in the file's scope. Returns whether all were free.
local function declare(self, shape, number)
  local file, tag, other = self.file, shape.tag, shape.refers_to
  if tag and (rawget(file.tags, tag) or rawget(file.names, tag)) then return false end
  if other and not rawget(file.tags, other) then tag = other end
  if not declare_names(file, "names", shape.names, number, tag, other) then return false end
  if tag then file:set_tag(tag, number) end
  if declare_names(file, "tags", shape.inner, number) then return true end
  if tag then file:set_tag(tag, nil) end
  for _, name in ipairs(shape.names) do file:set(name, nil) end
  return false
end

-- A declaration as a position and a packing.
local function placed(at, pack)
  return at << PACK_BITS | (pack or 0)
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
    local kept = prep:is_plain(first, stop) and placed(at, pack)
      or not shape.has_text and packed(self, i, last, pack or 0)
    return shape, kept, last + 1
  elseif close and prep:is_plain(first, prep:count() + 1) then
    local stop = text_end(self, shape, close)
    return stop and shape, placed(at, prep.packing:at(first)), prep.out.n + 1, stop
  end
end

--- Keeps the declaration at hand for later, if it can. Returns whether it did.
function Deferred:defer()
  if self.scope ~= self.file or self.tokens ~= self.stream.out then return false end
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

-- Makes the names of a kept declaration ones that raise an error where they are used.
local function break_kept(self, number, problem)
  if type(problem) ~= "table" then error(problem, 0) end
  local file, shown = self.file, nil
  for name, entity in pairs(file.tags) do
    if entity == number then
      file.tags[name], shown = { tag = true, kind = "struct", name = name, broken = problem }, name
    end
  end
  for name, entity in pairs(file.names) do
    if entity == number then
      file.names[name] = { type = { tag = true, kind = "struct", name = name, broken = problem } }
      shown = name
    end
  end
  self:skipped_declaration(problem, shown)
end

-- Reads one declaration as if it stood at its place.
local function read(self, number)
  local kept = self.pending[number]
  if not kept then return end
  self.pending[number] = false
  local saved, clock = self:save(), self.file.clock
  local seq, limit = clock.seq, clock.limit
  local tokens, pack
  if type(kept) == "string" then tokens, pack = unpacked(kept)
  else tokens, pack = tokens_from(self, kept >> PACK_BITS), kept & (1 << PACK_BITS) - 1 end
  self:rewind(tokens)
  self.scope, self.frames, self.in_type_name, self.brackets = self.file, {}, 0, 0
  self.kept_pack, clock.seq, clock.limit = pack ~= 0 and pack or nil, number, number
  self.reading = self.reading + 1
  local well, problem = pcall(self.protected_loop, self, "end", on_problem(self), self.declaration)
  self.reading = self.reading - 1
  self:restore(saved)
  clock.seq, clock.limit = seq, limit
  if not well then break_kept(self, number, problem) end
end

--- Reads all declarations that were kept, or those up to one.
function Deferred:read_pending(number)
  for place = 1, number or #self.pending do read(self, place) end
end

--- Reads a declaration that was kept, since one of its names is used.
function Deferred:read_kept(number)
  if self.reading < MOST_NESTED then read(self, number) else self:read_pending(number) end
end

return Deferred
