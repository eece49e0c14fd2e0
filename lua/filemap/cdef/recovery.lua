-- Declarations that cannot be read: they are skipped, and what they declare is an error where it is used.
-- These are methods of the parser. Internal to filemap.cdef.
--
-- Lists of declarations are read by protected loops. Each has a frame: where the declaration at hand starts,
-- and what to restore when it fails. Tokens are dropped when a declaration is read; frames around it then
-- start later, behind as many open braces, and have noted whether their declaration is a typedef.
local lexer = require "filemap.cdef.lexer"
local stream = require "filemap.cdef.stream"

local Recovery = {}

-- How many tokens are read before they are dropped.
local TRIM = 2048

-- Nesting limit of bodies and blocks: each takes a protected call, of which Lua allows about 190.
local MOST_LOOPS = 100

--- The number of a token among all that its list had.
function Recovery:absolute(i)
  return i + (self.tokens.dropped or 0)
end

--- An error as one that ends a declaration alone; raises again what ends the whole parse. A plain text is an
-- error of ctype, and gets a place.
function Recovery:recoverable(problem, at) -- luacheck: no self
  if type(problem) == "string" and at then return { at = at, message = problem } end
  if type(problem) ~= "table" or problem.fatal then error(problem, 0) end
  return problem
end

-- {-- Loops ----------------------------------------------------------------------------------------

--- Drops the tokens before the one at hand, if there are many. `open` is the number of braces that are open
-- in the declaration of the innermost loop.
function Recovery:trim(open)
  if self.i <= TRIM or self.in_type_name > 0 or not self.tokens.dropped then return end
  for _, frame in ipairs(self.frames) do
    if frame.open == 0 then frame.typedef = self.values[frame.start - self:absolute(0)] == "typedef" end
  end
  self.i = self.i - stream.drop(self.tokens, 1, self.i - 1)
  local start, count = self:absolute(self.i), #self.frames
  for k = 1, count do
    local frame = self.frames[k]
    frame.start, frame.open = start, count - k + open
  end
end

--- Drops the tokens from an index to the one at hand, which are in brackets of the declaration that the
-- innermost loop reads. Those of a declarator in brackets are read again.
function Recovery:drop_from(first)
  if not self.tokens.dropped or self.brackets > 0 then return end
  local count = stream.drop(self.tokens, first, self.i - 1)
  self.i = first
  for _, frame in ipairs(self.frames) do frame.start = frame.start + count end
end

local function run(self, frame, stop, step, a, b)
  local kinds = self.kinds
  while true do
    local kind = kinds[self.i]
    if kind == stop then return end
    if kind == "end" then lexer.fatal(self:at(), "expected '%s', got the end", stop) end
    if self.i > TRIM then self:trim(0) end
    frame.start, frame.open, frame.skipped = self:absolute(self.i), 0, #self.skipped
    frame.typedef = nil
    step(self, a, b)
  end
end

local function restore(self, frame, count)
  self.scope, self.depth, self.brackets, self.quiet = frame.scope, frame.depth, 0, false
  self.in_type_name = frame.in_type_name
  for k = #self.frames, count + 1, -1 do self.frames[k] = nil end
end

--- Calls step(self, a, b) for each declaration up to a closing token. One that fails is skipped, and its
-- error given to `on_problem`, with the name that it would have declared.
function Recovery:protected_loop(stop, on_problem, step, a, b)
  local frame = { scope = self.scope, depth = self.depth, in_type_name = self.in_type_name }
  local count = #self.frames + 1
  if count > MOST_LOOPS then lexer.fatal(self:at(), "declarations nested more than %d deep", MOST_LOOPS) end
  self.frames[count] = frame
  local loops = self.loops
  self.loops = loops + 1
  while true do
    local well, problem = pcall(run, self, frame, stop, step, a, b)
    if well then break end
    problem = self:recoverable(problem)
    restore(self, frame, count)
    self.loops = loops + 1
    on_problem(problem, self:skip_declaration(frame, problem, stop))
  end
  self.frames[count], self.loops = nil, loops
end

-- {-- Skipping -------------------------------------------------------------------------------------

local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local closes = { [")"] = true, ["]"] = true, ["}"] = true }
local record_words = { struct = "struct", union = "union", class = "struct", enum = "enum" }

-- The state of one skip: `open` are the brackets, `names` what the declaration declares.
local Skip = {}
Skip.__index = Skip

function Skip:declare_tag(kind, name, is_inner)
  local scope = self.parser.scope
  if is_inner then
    local there = scope.exported_tags[name]
    if there == nil or there == scope.clock.limit then
      scope:export("exported_tags", name, { tag = true, kind = kind, name = name, broken = self.problem,
        seq = scope.clock.seq })
    end
  else
    local tag = scope:own_tag(kind, name)
    self.parser:complete(tag)
    if not (tag.broken or tag.type) then tag.kind = kind end
    if not tag.broken then tag.broken, tag.broken_at = self.problem, scope.clock.seq end
    tag.kept = nil
  end
  self.name = self.name or name
end

function Skip:declare_type(name)
  local scope = self.parser.scope
  local there = scope.names[name]
  -- (A declaration that was kept has a number there.)
  if not there or there == scope.clock.limit then
    local tag = { tag = true, kind = "struct", name = name, broken = self.problem }
    scope:set(name, { type = tag, seq = scope.clock.seq })
  end
  self.name = name
end

-- A name: that of a struct if a body follows, that of a typedef if it is the last before ',' or ';'.
function Skip:read_name(i)
  local kinds, values = self.kinds, self.values
  local word = values[i]
  local after, level = kinds[i + 1], #self.open
  local kind = kinds[i - 1] == "name" and i > self.first and record_words[values[i - 1]]
  if kind and (after == "{" or after == ":" or after == "name" and values[i + 1] == "final") then
    self:declare_tag(kind, word, level > 0)
    self.record = self.record or level == 0 and kind
  end
  if kind and i <= self.first + 2 and record_words[values[self.first]] and not record_words[word] then
    self.first_tag = self.first_tag or word
  end
  if level == 0 and record_words[word] then self.record = record_words[word] end
  local is_tag = not (kind or self.name or record_words[word]) and (after == "{" or after == ":")
  if level == 0 and self.record and is_tag and (kinds[i - 1] == "name" or kinds[i - 1] == ")") then
    -- struct API S { … }, or struct ALIGNED(8) S { … }
    self:declare_tag(self.record, word)
  end
  if level == 0 and word == "typedef" then self.typedef = true end
  if level == 0 and word == "using" and kinds[i + 1] == "name" and kinds[i + 2] == "=" then
    self:declare_type(values[i + 1])
  end
  if self.parser:takes_brackets(word) then return end
  if level == 0 or level == 1 and kinds[i - 1] == "*" and after == ")" then self.last = word end
end

-- Declares the name behind `struct` at the start, in front of a body: that of struct S ALIGNED(8) { … }.
function Skip:declare_first_tag()
  local name = self.first_tag
  if not name or self.parser:takes_brackets(name) then return end
  local scope = self.parser.scope
  local tag = scope:find(name, self.record)
  local is_kept = tag and tag.kept and tag.kept ~= scope.clock.limit
  if tag and (tag.type or is_kept or tag.broken or tag.open) then return end
  self:declare_tag(self.record, name)
end

-- An opening bracket outside of others: parameters make a function.
function Skip:read_open(i, kind)
  if #self.open > 0 or self.body then return end
  if kind == "(" then
    local parser = self.parser
    local before = self.kinds[i - 1] == "name" and i > self.first and self.values[i - 1]
    if before and not parser:takes_brackets(before) and not self.typedef then self.is_function = true end
  elseif kind == "{" then
    self.body = true
    self:declare_first_tag()
    self.in_function = self.is_function or not self.record and not self.typedef
  end
end

-- One token. Returns true behind the end of the declaration.
function Skip:step(i, kind)
  local open = self.open
  if #open == 0 and (kind == "," or kind == ";") then
    if self.typedef and self.last then self:declare_type(self.last) end
    if kind == ";" then return true end
  elseif kind == "name" then
    if not self.in_function then self:read_name(i) end
  elseif closing[kind] then
    self:read_open(i, kind)
    open[#open + 1] = closing[kind]
  elseif closes[kind] then
    if open[#open] ~= kind then
      self.problem.fatal = true
      error(self.problem, 0)
    end
    open[#open] = nil
    -- A function ends with its body; what follows a ';' may follow too.
    return #open == 0 and kind == "}" and self.in_function
  end
  return false
end

-- The first error in a frame's declaration, which is the cause of later ones. Declarations that were kept may
-- have been read meanwhile.
local function first_problem(self, frame)
  for k = frame.skipped + 1, #self.skipped do
    local entry = self.skipped[k]
    if entry.number == self.file.clock.limit then return entry.problem end
  end
end

--- Steps over the declaration that failed, and declares the names in it as ones that cannot be used. Returns
-- the name that it declares, nil if it has none.
function Recovery:skip_declaration(frame, problem, stop)
  local i = frame.start - self:absolute(0)
  local skip = setmetatable({ parser = self, problem = problem, open = {}, first = i, kinds = self.kinds,
                              values = self.values, typedef = frame.typedef }, Skip)
  for k = 1, frame.open do
    skip.open[k] = "}"
    skip.record = "struct"
  end
  while true do
    local kind = self.kinds[i]
    if kind == "end" then
      problem = first_problem(self, frame) or problem
      problem.fatal = true
      error(problem, 0)
    end
    if kind == "}" and #skip.open == 0 then
      if stop ~= "}" then lexer.fatal(self.ats[i], "expected a declaration, got '}'") end
      break
    end
    local done = skip:step(i, kind)
    i = i + 1
    if done then break end
  end
  self.i = i
  return skip.name
end

-- {-- What was skipped -----------------------------------------------------------------------------

--- Notes a struct that could not be read.
function Recovery:skipped_tag(tag)
  self.skipped[#self.skipped + 1] = { tag = tag, problem = tag.broken, nested = self.scope.kind == "struct",
    number = self.file.clock.limit }
end

--- Notes a declaration that could not be read.
function Recovery:skipped_declaration(problem, name)
  self.skipped[#self.skipped + 1] = { name = name, problem = problem, number = self.file.clock.limit }
end

--- Raises if an include was passed over between two tokens: its declarations there are unknown.
function Recovery:check_missed(first, last)
  local missed = self.tokens == self.stream.out and self.stream:missed_between(first, last)
  if missed then
    lexer.fail(missed.at, "#include %s, which was not found, is inside a declaration", missed.shown)
  end
end

return Recovery
