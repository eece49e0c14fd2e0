-- Directives, and the stream of tokens that the parser reads: macros are expanded, and what `#if` excludes is
-- left out. Internal to filemap.cdef.
--
-- Tokens are made as they are needed, in the stream `out` (see stream.lua). The effects of includes and
-- #pragma pack are kept beside it, by the number of the token that follows.
local Condition = require "filemap.cdef.condition"
local Definitions = require "filemap.cdef.definitions"
local Macros = require "filemap.cdef.macros"
local headers = require "filemap.cdef.headers"
local lexer = require "filemap.cdef.lexer"
local pack = require "filemap.cdef.pack"
local Pragmas = require "filemap.cdef.pragmas"
local predefined = require "filemap.cdef.predefined"
local stream = require "filemap.cdef.stream"

local append, fatal = lexer.append, lexer.fatal

-- `source` is the text that is read now, and `outer` those that include it. `conditions` are the open #if: {
-- active, taken, outer, has_else, at, source }. `missed` are the includes that were passed over: { shown,
-- index }.
local Preprocessor = {}
for _, methods in ipairs { Macros, Definitions, Pragmas.methods } do
  for name, method in pairs(methods) do Preprocessor[name] = method end
end
Preprocessor.__index = Preprocessor

local MOST_INCLUDES, MOST_CONDITIONS = 200, 1000
-- The tokens that all macros together may come to: for each byte of the source, and for a short one.
local TOKENS_EACH, TOKENS_MORE = 4, 200000
-- How many tokens are made at a time, at most.
local CHUNK = 256

-- {-- The stream -----------------------------------------------------------------------------------

local function finish(self)
  local open = self.conditions[#self.conditions]
  if open then fatal(open.at, "expected #endif before the end") end
  append(self.out, "end", "", self.source.base + #self.source.text + 1)
end

-- Adds one token to the stream at least.
function Preprocessor:fill()
  local out, macros = self.out, self.macros
  local before = out.n
  repeat
    local source = self.source
    local why, name, at = lexer.read(source, out, macros, before + CHUNK)
    if why == "special" then
      local kind, value, stop = lexer.prefixed(source.text, source.i, name)
      if kind then
        append(out, kind, value, at)
        source.i = stop
      else
        local count = self:count()
        self:use(self:entry(name), name, out, at)
        self:forget_tables()
        self:mark(count)
      end
    elseif why == "directive" then
      self:directive()
      self:mark(self:count())
    elseif why == "end" then
      if self.outer[1] then self:leave() else finish(self) end
      self:mark(self:count())
    end
  until out.n > before
end

--- The number of the tokens that were made.
function Preprocessor:count()
  return self.out.dropped + self.out.n
end

-- Notes that the tokens made since there were `count` are not those of the text, or that the text had more
-- between the last one and the next.
function Preprocessor:mark(count)
  local marks = self.marks
  local n = #marks
  marks[n + 1], marks[n + 2] = count + 1, self:count()
end

--- Whether some tokens, by their numbers among all, are as the text has them. Asked about later ones each
-- time.
function Preprocessor:is_plain(first, last)
  local marks = self.marks
  for k = #marks, 1, -2 do
    if marks[k] < first then
      if k > 100 then self.marks = table.move(marks, k + 1, #marks, 1, {}) end
      return true
    end
    if marks[k - 1] <= last then return false end
  end
  return true
end

--- The include that was passed over between two tokens of all that the stream had, nil if there is none.
function Preprocessor:missed_between(first, last)
  for k = #self.missed, 1, -1 do
    local index = self.missed[k].index
    if index <= first then return nil end
    if index <= last then return self.missed[k] end
  end
end

--- Goes over a function's body whose '{' is the i-th token of the stream, if that is the last one that was
-- made: its text is not made into tokens, apart from its '}'. Returns whether it did.
function Preprocessor:skip_body(i)
  if self.out.n ~= i or self.unbalanced or self.out.at[i] ~= self.source.base + self.source.i - 1 then
    return false
  end
  local depth = 1
  while true do
    local there
    there, depth = lexer.behind_body(self.source, depth)
    if there then
      lexer.append(self.out, "}", "}", self.source.base + self.source.i - 1)
      return true
    end
    if self.source.i <= #self.source.text then
      self:directive()
    elseif self.outer[1] then
      self:leave()
    else
      fatal(self.out.at[i], "expected '}' before the end")
    end
  end
end

-- {-- Includes -------------------------------------------------------------------------------------

function Preprocessor:enter_source(source, at)
  local outer = self.outer
  if #outer >= MOST_INCLUDES then fatal(at, "#include nested more than %d deep", MOST_INCLUDES) end
  self.sources:check(at)
  outer[#outer + 1] = self.source
  self.source = source
  source.started = self:count()
  self.budget = self.budget + TOKENS_EACH * #source.text
end

--- Goes back to the text that included this one.
function Preprocessor:leave()
  local source, open = self.source, self.conditions[#self.conditions]
  if open and open.source == source then fatal(open.at, "expected #endif before the end of the file") end
  if source.guard and source.guard_end == self:count() and source.path then
    self.guards[source.path] = source.guard
  end
  self.source = table.remove(self.outer)
end

-- Whether a file needs not be read again: it says #pragma once, or all of it is in an #ifndef of a macro that
-- is there.
function Preprocessor:was_read(path)
  local guard = self.guards[path]
  return guard == true or guard and self:is_defined(guard)
end

--- Whether an include is there.
function Preprocessor:finds(name, quoted)
  return self.sources:find(name, self.source, quoted, false) ~= nil or headers.find(name, self.abi) ~= nil
end

function Preprocessor:include(name, quoted, at, after)
  local text, path, folder = self.sources:find(name, self.source, quoted, after)
  if text then
    if not self:was_read(path) then self:enter_source(self.sources:open(text, path, path, folder), at) end
    return
  end
  local given, complete = headers.find(name, self.abi)
  if not complete then
    local shown = quoted and '"' .. name .. '"' or "<" .. name .. ">"
    self.missed[#self.missed + 1] = { shown = shown, at = at, index = self:count() + 1 }
  end
  if given and given ~= "" then
    local source = self.sources:open(given, "<" .. name .. ">")
    source.is_given = true
    self:enter_source(source, at)
  end
end

-- {-- Directives -----------------------------------------------------------------------------------

local directives = {}

-- Each gets its line as tokens, and its position. Those in `always` count in excluded groups too; those in
-- `by_text` read the text of their line themselves.
local always, by_text = {}, {}

function Preprocessor:active()
  local open = self.conditions[#self.conditions]
  return not open or open.active
end

-- Operators of #if that count as macros for #ifdef: gcc's, and Microsoft's.
local operator_names = {
  __has_include = "both", __has_include_next = "gcc", __has_attribute = "gcc", __has_builtin = "gcc",
  __has_cpp_attribute = "gcc", __has_c_attribute = "gcc",
}

--- Whether a name is a macro.
function Preprocessor:is_defined(name)
  local entry = self.macros[name]
  local operator = operator_names[name]
  if operator then return operator == "both" or not self.abi.windows end
  return math.type(entry) == "integer" or type(entry) == "table" and not entry.hidden
end

local function macro_name(line)
  if line.kind[1] ~= "name" then fatal(line.at[1], "expected the name of a macro") end
  return line.value[1]
end

function by_text.define(self, i)
  return self:define(i)
end

-- A name that prefixes strings is special even when it is not a macro.
function Preprocessor:forget(name)
  self.macros[name] = self.operators[name] or lexer.prefixes[name] or false
end

function directives.undef(self, line)
  self:forget(macro_name(line))
end

local function open_condition(self, holds, outer, at)
  local depth = #self.conditions + 1
  if depth > MOST_CONDITIONS then fatal(at, "#if nested more than %d deep", MOST_CONDITIONS) end
  self.conditions[depth] = { active = holds, taken = holds, outer = outer, at = at, source = self.source }
end

directives["if"] = function(self, line, at)
  local outer = self:active()
  open_condition(self, outer and Condition.holds(self, line, at), outer, at)
end

local function if_defined(wanted)
  return function(self, line, at)
    local outer = self:active()
    local name = outer and macro_name(line)
    local source = self.source
    if name and not wanted and not source.guard and source.started == self:count()
      and source.directives == 1 then
      source.guard, source.guard_depth = name, #self.conditions + 1
    end
    open_condition(self, outer and self:is_defined(name) == wanted, outer, at)
  end
end
directives.ifdef, directives.ifndef = if_defined(true), if_defined(false)

-- The condition that #elif, #else or #endif belongs to.
local function last_condition(self, at, what)
  local open = self.conditions[#self.conditions]
  if not open or open.source ~= self.source then fatal(at, "#%s without #if", what) end
  return open
end

local function another_branch(what, test)
  return function(self, line, at)
    local open = last_condition(self, at, what)
    if open.has_else then fatal(at, "#%s behind #else", what) end
    if self.source.guard_depth == #self.conditions then self.source.guard = nil end
    open.active = open.outer and not open.taken and test(self, line, at)
    open.taken = open.taken or open.active
    open.has_else = what == "else"
  end
end
directives.elifdef = another_branch("elifdef",
  function(self, line) return self:is_defined(macro_name(line)) end)
directives.elifndef = another_branch("elifndef", function(self, line)
  return not self:is_defined(macro_name(line))
end)
directives.elif = another_branch("elif", function(self, line, at) return Condition.holds(self, line, at) end)
directives["else"] = another_branch("else", function() return true end)

function directives.endif(self, _, at)
  last_condition(self, at, "endif")
  local source = self.source
  if source.guard_depth == #self.conditions then
    source.guard_end, source.guard_depth = self:count(), nil
  end
  self.conditions[#self.conditions] = nil
end

for word in ("if ifdef ifndef elif elifdef elifndef else endif"):gmatch("%S+") do always[word] = true end

function by_text.error(self, i, at)
  fatal(at, "error %s", self.source.text:match("^%s*(.-)%s*\n", i) or self.source.text:sub(i))
end

-- The name of an include from the text of its line: also whether it is in quotes.
local function include_name(self, i, at, word)
  local text = self.source.text
  local name = text:match("^[ \t]*<([^>\n]*)>", i)
  if name then return name, false end
  name = text:match('^[ \t]*"([^"\n]*)"', i)
  if name then return name, true end
  local line = lexer.line { text = text, base = self.source.base, i = i, fresh = false }
  local out = self:expansion(line)
  if out.kind[1] == "string" then return out.value[1], true end
  name = out.kind[1] == "<" and table.concat(out.value, "", 2, out.n):match("^([^>]*)>")
  if not name then fatal(at, 'expected <name> or "name" behind #%s', word) end
  return name, false
end

local function including(word)
  return function(self, i, at)
    local source = self.source
    local name, quoted = include_name(self, i, at, word)
    -- The line has to be done with before the text changes.
    source.i, source.fresh = lexer.line_end(source.text, i), true
    self:include(name, quoted, at, word == "include_next")
    if word == "import" and self.source ~= source and self.source.path then
      self.guards[self.source.path] = true
    end
  end
end
for word in ("include include_next import"):gmatch("%S+") do by_text[word] = including(word) end

function directives.pragma(self, line, at)
  self:pragma(line, at)
end

-- From the next line on, __LINE__ counts from the number that a line has as its first token.
function directives:line(line, at)
  local number = line.kind[1] == "number" and tonumber(line.value[1]:match("^%d+$"))
  if not number then return end
  local _, here = self.sources:position(at)
  self.source.lines_ahead = number - (here + 1)
end

local function passed_over() end
for word in ("warning ident sccs using region endregion"):gmatch("%S+") do
  directives[word] = passed_over
end

-- gcc's old assertions, which change no macro.
function directives.assert(_, line)
  if line.kind[1] ~= "name" then fatal(line.at[1], "expected a name") end
end
directives.unassert = directives.assert

-- {-- Lines that are directives --------------------------------------------------------------------

-- Reads the directive at the source's place, a '#'; if it excludes a group, goes on to the end of that.
function Preprocessor:directive()
  repeat
    local source = self.source
    local text, at = source.text, source.base + source.i
    local _, word, behind = text:match("^(#[ \t]*)([%w_]*)()", source.i)
    source.directives = (source.directives or 0) + 1
    if source.guard and not source.guard_depth then source.guard = nil end
    source.fresh = false
    if not word:find("^[%a_]") then
      source.i = source.i + 1
      self:odd_directive(at)
    else
      source.i = behind
      self:run_directive(word, behind, at)
    end
    if self:active() then return end
  until not lexer.next_directive(self.source)
end

function Preprocessor:run_directive(word, i, at)
  local active = self:active()
  local read = by_text[word]
  if read and active then
    local source = self.source
    local stop = read(self, i, at)
    if stop then source.i, source.fresh = stop, true end
    return
  end
  local line = lexer.line(self.source)
  if line.kind[line.n] == "bad" and line.value[line.n]:find("*/", 1, true) then
    fatal(line.at[line.n], "%s", line.value[line.n])
  end
  read = directives[word]
  if not read and active then fatal(line.at[0] or at, "expected a directive behind '#', got '%s'", word) end
  if read and (active or always[word]) then read(self, line, at) end
end

-- A '#' alone, or with a number, which preprocessors leave of an #include.
function Preprocessor:odd_directive(at)
  local line = lexer.line(self.source)
  if line.n == 0 or not self:active() then return end
  local is_line = line.kind[1] == "number" and line.value[1]:find("^%d+$")
  if is_line and (line.n == 1 or line.kind[2] == "string") then return directives.line(self, line, at) end
  if line.kind[1] == "name" then
    -- There is a comment before the word.
    self.source.i = line.at[1] - self.source.base + #line.value[1]
    return self:run_directive(line.value[1], self.source.i, at)
  end
  fatal(at, "expected a directive behind '#', got %s", lexer.shown(line.kind[1], line.value[1]))
end

--- Drops the macros and the last tokens, once all tokens were read.
function Preprocessor:release()
  self.macros, self.tables, self.guards, self.pushed = {}, {}, nil, nil
  self.out = lexer.list()
end

-- {-- The whole ------------------------------------------------------------------------------------

local function start_macros(abi, defines)
  local macros = {}
  for name, entry in pairs(lexer.prefixes) do macros[name] = entry end
  for name, entry in pairs(Pragmas.operators) do macros[name] = entry end
  for name, value in pairs(defines) do
    if value == false then macros[name] = false
    else macros[name] = Macros.given(name, value == true and 1 or value) end
  end
  return setmetatable(macros, { __index = predefined.of(abi) })
end

--- The preprocessor of a source: its tokens come as `out`, the macros by name as `macros`, and
-- how many of them texts defined as `defined`.
-- @param sources see sources.lua; the first text in it is the source
-- @param defines macros by name: a number, the text, true for 1, or false for one that is not there
function Preprocessor.new(sources, abi, defines)
  local source = sources.opened[1]
  source.started = 0
  local self = setmetatable({
    sources = sources, source = source, outer = {}, abi = abi, macros = start_macros(abi, defines),
    defined = 0, tables = {}, marks = {}, operators = Pragmas.operators, conditions = {}, contexts = {},
    busy = {}, missed = {}, guards = {}, pushed = {}, counter = 0, packing = pack.new(),
    budget = TOKENS_EACH * #source.text + TOKENS_MORE,
  }, Preprocessor)
  self.out = stream.new(function() self:fill() end)
  return self
end

return Preprocessor
