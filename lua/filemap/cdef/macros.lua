-- Macros and their expansion. Internal to filemap.cdef. These are methods of the preprocessor.
--
-- A macro is { name, text, base (its body, and the position before it), list (the body's tokens, made at the
-- first use), params (names; nil for a macro without arguments), variadic, busy }. A busy macro is being
-- expanded: its own name in its expansion stays a name, and is marked as one that never expands (kind
-- "painted" while in a list).
--
-- Expansion keeps a stack of contexts, the token lists that are still to be read, as compilers do: so the
-- arguments of a macro may come from the text behind the macro that named it.
local lexer = require "filemap.cdef.lexer"

local append, fatal = lexer.append, lexer.fatal
local Macros = {}

-- How deep expansions may nest.
local MOST_NESTED = 200

--- Counts tokens that expansion makes, which the size of the source limits.
function Macros:spend(n, at)
  self.budget = self.budget - n
  if self.budget < 0 then fatal(at, "the macros come to too many tokens") end
end

--- A macro that the source did not define.
function Macros.given(name, text)
  return { name = name, text = tostring(text), base = 0 }
end

-- {-- Contexts -------------------------------------------------------------------------------------

function Macros:push(list, from, to, macro, at)
  local depth = #self.contexts + 1
  if depth > MOST_NESTED then fatal(at, "macros nested more than %d deep", MOST_NESTED) end
  if macro then self.busy[macro] = true end
  self.contexts[depth] = { list = list, i = from, to = to, macro = macro }
end

-- Removes the contexts above `floor` that are used up.
function Macros:pop_finished(floor)
  local contexts = self.contexts
  local depth = #contexts
  while depth > floor and contexts[depth].i > contexts[depth].to do
    if contexts[depth].macro then self.busy[contexts[depth].macro] = nil end
    contexts[depth] = nil
    depth = depth - 1
  end
  return depth > floor and contexts[depth] or nil
end

-- The next token, of the contexts above `floor`, and then of the text if `from_text`. nil at the end.
function Macros:take(floor, from_text)
  local context = self:pop_finished(floor)
  if context then
    local i, list = context.i, context.list
    context.i = i + 1
    return list.kind[i], list.value[i], list.at[i]
  end
  while from_text do
    local kind, value, at = lexer.next(self.source)
    if kind then return kind, value, at end
    -- Arguments may have conditions between them.
    if not self.source.text:find("^#", self.source.i) then return nil end
    self:directive()
  end
end

-- Whether the next token is a '('.
function Macros:opens(floor, from_text)
  local context = self:pop_finished(floor)
  if context then return context.list.kind[context.i] == "(" end
  return from_text and lexer.opens(self.source)
end

--- Forgets the contexts above `floor`, after an error.
function Macros:abandon(floor)
  for depth = #self.contexts, floor + 1, -1 do
    local macro = self.contexts[depth].macro
    if macro then self.busy[macro] = nil end
    self.contexts[depth] = nil
  end
end

-- {-- Arguments ------------------------------------------------------------------------------------

-- Whether a name that is not expanded can be a macro: it is painted if the macro is busy now.
function Macros:painted(kind, value)
  if kind == "name" then
    local macro = self.macros[value]
    if macro and self.busy[macro] then return "painted" end
  end
  return kind
end

-- The arguments of a macro, from its '(' on: a list of lists.
function Macros:arguments(macro, floor, from_text, at)
  local params, args, depth = macro.params, { lexer.list() }, 0
  self:take(floor, from_text)
  while true do
    local kind, value, place = self:take(floor, from_text)
    if not kind then fatal(at, "expected ')' behind the arguments of macro '%s'", macro.name) end
    self:spend(1, at)
    if kind == ")" and depth == 0 then break end
    if kind == "," and depth == 0 and not (macro.variadic and #args == #params) then
      args[#args + 1] = lexer.list()
    else
      depth = depth + (kind == "(" and 1 or kind == ")" and -1 or 0)
      append(args[#args], self:painted(kind, value), value, place)
    end
  end
  if #params == 0 and #args == 1 and args[1].n == 0 then args = {} end
  if macro.variadic and #args == #params - 1 then
    args[#args + 1] = lexer.list()
    args.short = true
  end
  if #args ~= #params then
    fatal(at, "expected %d arguments of macro '%s', got %d", #params, macro.name, #args)
  end
  return args
end

local function spelled(kind, value)
  if kind == "wide_char" then return value:sub(1, 1) .. spelled("char", value:sub(2)) end
  if kind == "string" or kind == "wide" or kind == "char" then
    local quote = kind == "char" and "'" or '"'
    return quote .. value:gsub('[\\"\']', "\\%0"):gsub("\n", "\\n") .. quote
  end
  return value
end

-- The text of an argument, as # makes it: one space where the source has space.
local function stringified(list)
  local parts = {}
  for i = 1, list.n do
    local text = spelled(list.kind[i], list.value[i])
    local previous = i > 1 and list.at[i - 1] + #spelled(list.kind[i - 1], list.value[i - 1])
    if previous and list.at[i] ~= previous then parts[#parts + 1] = " " end
    parts[#parts + 1] = text
  end
  return table.concat(parts)
end

-- {-- Bodies ---------------------------------------------------------------------------------------

-- Joins the last token of a body with another, as ## does.
function Macros:paste(body, kind, value, at)
  local n = body.n
  local joined = lexer.tokens(spelled(body.kind[n], body.value[n]) .. spelled(kind, value), at)
  if joined.n ~= 1 or joined.kind[1] == "bad" then
    fatal(at, "'%s' ## '%s' is not one token", body.value[n], value)
  end
  body.kind[n], body.value[n] = self:painted(joined.kind[1], joined.value[1]), joined.value[1]
end

local function copy(body, list, from, at)
  for j = from, list.n do append(body, list.kind[j], list.value[j], at) end
end

-- Where the ')' is that closes the '(' at `k`; nil if it is not there.
local function closing(list, k)
  local depth = 0
  for i = k, list.n do
    depth = depth + (list.kind[i] == "(" and 1 or list.kind[i] == ")" and -1 or 0)
    if depth == 0 then return i end
  end
end

-- State of one substitution: `args` as given, `expanded` on demand, `place` of each parameter.
local Substitution = {}
Substitution.__index = Substitution

function Substitution:expanded(i)
  local done = self.done[i]
  if not done then
    done = lexer.list()
    self.owner:expand(self.args[i], 1, self.args[i].n, done, self.at)
    self.done[i] = done
  end
  return done
end

-- The text of the argument whose parameter is behind a # at `k`; nil if none is there.
function Substitution:text(list, k)
  local i = list.kind[k] == "#" and list.kind[k + 1] == "name" and self.place[list.value[k + 1]]
  return i and stringified(self.args[i]) or nil
end

-- The token behind a ##, or all tokens of the argument there, joined to the body. Returns the index of the
-- last token used.
function Substitution:join(list, k, open)
  local body, at = self.body, self.at
  local kind, value = list.kind[k], list.value[k]
  local i = kind == "name" and self.place[value]
  local is_rest = i and i == #self.args and self.macro.variadic
  if is_rest and body.kind[body.n] == "," and not open then
    -- GNU's comma: it goes when there are no further arguments.
    if self.args.short or self.args[i].n == 0 and #self.args > 1 then
      body.kind[body.n], body.value[body.n], body.at[body.n] = nil, nil, nil
      body.n = body.n - 1
    else
      copy(body, self:expanded(i), 1, at)
    end
    return k
  end
  if i then
    local arg = self.args[i]
    if arg.n > 0 and not open then self.owner:paste(body, arg.kind[1], arg.value[1], at) end
    copy(body, arg, open and 1 or 2, at)
    return k
  end
  local text = self:text(list, k)
  if text then kind, value, k = "string", text, k + 1 end
  if open then append(body, kind, value, at)
  else self.owner:paste(body, kind, value, at) end
  return k
end

-- Puts a parameter's argument into the body. Returns whether nothing was put (a placemarker, for ##).
function Substitution:insert(i, joins)
  local arg = joins and self.args[i] or self:expanded(i)
  self.owner:spend(arg.n, self.at)
  copy(self.body, arg, 1, self.at)
  return arg.n == 0
end

-- One token of the macro's body. Returns the index of the last token used, and whether a placemarker is open.
function Substitution:step(list, k)
  local kind, value = list.kind[k], list.value[k]
  local next_kind = list.kind[k + 1]
  local i = kind == "name" and self.place[value]
  local text = self:text(list, k)
  if text then
    append(self.body, "string", text, self.at)
    return k + 1
  elseif kind == "name" and value == "__VA_OPT__" and next_kind == "(" then
    local close = closing(list, k + 1) or fatal(self.at, "expected ')' behind __VA_OPT__")
    local rest = self.args[#self.args]
    if rest.n > 0 then self:run(list, k + 2, close - 1) end
    return close, rest.n == 0
  elseif i then
    return k, self:insert(i, next_kind == "##")
  end
  self.owner:spend(1, self.at)
  append(self.body, kind, value, self.at)
  return k
end

function Substitution:run(list, from, to)
  local k, open = from, false
  while k <= to do
    if list.kind[k] == "##" and k > from and k < to then
      local before = self.body.n
      k = self:join(list, k + 1, open or before == 0)
      open = open and self.body.n == before
    else
      k, open = self:step(list, k)
    end
    k = k + 1
  end
end

local no_arguments = {}

-- A macro's body with its arguments in their places.
function Macros:substitute(macro, args, at)
  local place = {}
  for i, name in ipairs(macro.params or no_arguments) do place[name] = i end
  local state = setmetatable({ owner = self, macro = macro, args = args, done = {}, place = place,
    body = lexer.list(),
                               at = at }, Substitution)
  state:run(macro.list, 1, macro.list.n)
  return state.body
end

--- The tokens of a macro's body.
function Macros:body(macro) -- luacheck: no self
  local list = macro.list
  if not list then
    list = lexer.tokens(macro.text, macro.base)
    macro.list, macro.text = list, nil
    macro.pastes = false
    for i = 1, list.n do
      if list.kind[i] == "##" then macro.pastes = true end
    end
  end
  return list
end

-- {-- Expansion ------------------------------------------------------------------------------------

-- Starts the expansion of a macro whose name was just read. Returns false if the name stays as it is.
function Macros:enter(macro, floor, from_text, at)
  if self.busy[macro] then return false end
  local list = self:body(macro)
  if macro.params then
    if not self:opens(floor, from_text) then return false end
    local args = self:arguments(macro, floor, from_text, at)
    list = self:substitute(macro, args, at)
  elseif macro.pastes then
    list = self:substitute(macro, no_arguments, at)
  end
  self:spend(list.n + 1, at)
  self:push(list, 1, list.n, macro, at)
  return true
end

-- Expands a macro, or runs an operator. Returns false if the name stays as it is.
function Macros:special(entry, floor, from_text, out, at)
  if entry.operator then return entry.operator(self, floor, from_text, out, at) end
  return self:enter(entry, floor, from_text, at)
end

--- Expands until the contexts above `floor` are used up, into a list. All tokens get the position `at`, or
-- keep theirs.
function Macros:drain(floor, from_text, out, at)
  local macros = self.macros
  while true do
    local kind, value, place = self:take(floor, false)
    if not kind then return end
    place = at or place
    if kind == "name" then
      local entry = macros[value] and self:entry(value)
      if not entry or type(entry) == "string" then
        append(out, kind, value, place)
      elseif not self:special(entry, floor, from_text, out, place) then
        append(out, self.busy[entry] and self.keeps_paint and "painted" or "name", value, place)
      end
    else
      append(out, kind == "painted" and not self.keeps_paint and "name" or kind, value, place)
    end
  end
end

--- Appends a part of a list, with all macros expanded.
function Macros:expand(list, from, to, out, at)
  local floor, keeps = #self.contexts, self.keeps_paint
  self.keeps_paint = true
  self:push(list, from, to, nil, at or list.at[from])
  self:drain(floor, false, out, at)
  self.keeps_paint = keeps
end

--- A whole list with all macros expanded and an end, as a new list.
function Macros:expansion(list, at)
  local out, floor = lexer.list(), #self.contexts
  local well, problem = pcall(self.expand, self, list, 1, list.n, out, at)
  if not well then
    self:abandon(floor)
    self.keeps_paint = false
    error(problem, 0)
  end
  for i = 1, out.n do
    if out.kind[i] == "painted" then out.kind[i] = "name" end
  end
  local n = out.n + 1
  out.kind[n], out.value[n], out.at[n] = "end", "", at or list.at[list.n + 1]
  return out
end

--- A macro's name as the text has it: expands it into a list, or adds it as it is.
function Macros:use(entry, value, out, at)
  if type(entry) ~= "string" and self:special(entry, 0, true, out, at) then
    self:drain(0, true, out, at)
  else
    append(out, "name", value, at)
  end
end

return Macros
