-- The preprocessor: conditions, macros and #pragma pack, as far as headers of structs go. Internal to filemap.cdef.
--
-- What it gives is a list of tokens as the lexer's. Tokens of a macro stand at the macro's use. `#pragma pack` comes
-- out as a token of kind "pragma", whose value is the list of words between its brackets.
local Cursor = require "filemap.cdef.cursor"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"

local fail = lexer.fail

-- `tokens` is the source's; `i` the next of them; `macros` are by name
--   { tokens, from, to, params (nil: without arguments), variadic, name, busy (the epoch in which it is expanded) }
-- and `conditions` the open #if: { active, taken, outer, has_else, at }.
local Preprocessor = {}
Preprocessor.__index = Preprocessor

-- How deep macros are made of macros, and how many tokens all macros together may come to: so many for each token
-- of the source, and a few for a short one. What hostile macros take is in proportion to the source.
local MOST_NESTED <const> = 200
local TOKENS_EACH <const>, TOKENS_MORE <const> = 16, 100000

local function new_list()
  return { kind = {}, value = {}, at = {} }
end

local function append(list, kind, value, at)
  local n = #list.kind + 1
  list.kind[n], list.value[n], list.at[n] = kind, value, at
end

-- {-- Macros ---------------------------------------------------------------------------------------

function Preprocessor:spend(at)
  self.budget = self.budget - 1
  if self.budget < 0 then fail(at, "the macros come to too many tokens") end
end

-- The arguments of a macro from its '(' at `i` on, as pairs of first and last token; and where they end.
local function arguments(macro, list, i, to, at)
  local args, depth, first = {}, 0, i + 1
  for k = i, to do
    local kind = list.kind[k]
    depth = depth + (kind == "(" and 1 or kind == ")" and -1 or 0)
    local splits = kind == "," and depth == 1 and not (macro.variadic and #args == #macro.params - 1)
    if splits or depth == 0 then
      args[#args + 1] = { first, k - 1 }
      first = k + 1
    end
    if depth == 0 then
      if #macro.params == 0 and args[1][2] < args[1][1] then args = {} end
      if macro.variadic and #args == #macro.params - 1 then args[#args + 1] = { k, k - 1 } end
      if #args ~= #macro.params then
        fail(at, "expected %d arguments of macro '%s', got %d", #macro.params, macro.name, #args)
      end
      return args, k
    end
  end
  return fail(at, "expected ')' behind the arguments of macro '%s'", macro.name)
end

-- A macro's body with its arguments, each expanded, in their places.
function Preprocessor:substitute(macro, list, args, at)
  local body, place = new_list(), {}
  for i, name in ipairs(macro.params) do place[name] = i end
  local expanded = {}
  for k = macro.from, macro.to do
    local kind, value = macro.tokens.kind[k], macro.tokens.value[k]
    local i = kind == "name" and place[value]
    if kind == "#" or kind == "##" then
      fail(at, "macro '%s' uses '%s', which is not read here", macro.name, kind)
    elseif i then
      if not expanded[i] then
        expanded[i] = new_list()
        self:expand(list, args[i][1], args[i][2], expanded[i], at)
      end
      for j = 1, #expanded[i].kind do
        self:spend(at)
        append(body, expanded[i].kind[j], expanded[i].value[j], at)
      end
    else
      self:spend(at)
      append(body, kind, value, at)
    end
  end
  return body
end

-- Expands one use of a macro at `i`; returns the last token that it took.
function Preprocessor:expand_macro(macro, list, i, to, out, at)
  self.nested = self.nested + 1
  if self.nested > MOST_NESTED then fail(at, "macros nested more than %d deep", MOST_NESTED) end
  self:spend(at)
  local body, from, last = macro.tokens, macro.from, macro.to
  if macro.params then
    local args, close = arguments(macro, list, i + 1, to, at)
    self.budget = self.budget - (close - i)
    body = self:substitute(macro, list, args, at)
    from, last, i = 1, #body.kind, close
  end
  macro.busy = self.epoch
  self:expand(body, from, last, out, at)
  macro.busy = nil
  self.nested = self.nested - 1
  return i
end

-- __pragma(pack(…)) and _Pragma("pack(…)").
local function pragma_operator(self, list, i, to, out, at)
  if list.kind[i + 1] ~= "(" then fail(at, "expected '(' behind '%s'", list.value[i]) end
  local close, depth = i + 1, 1
  while depth > 0 do
    close = close + 1
    if close > to then fail(at, "expected ')' behind '%s'", list.value[i]) end
    local kind = list.kind[close]
    depth = depth + (kind == "(" and 1 or kind == ")" and -1 or 0)
  end
  if list.value[i] == "_Pragma" then
    if list.kind[i + 2] ~= "string" then fail(at, "expected a string in _Pragma") end
    local tokens = lexer.tokens(list.value[i + 2])
    self:pragma(tokens, 1, #tokens.kind - 1, out, at)
  else
    self:pragma(list, i + 2, close - 1, out, at)
  end
  return close
end

local operators = { __pragma = pragma_operator, _Pragma = pragma_operator }

-- What a name at `i` of a list comes to other than itself: returns the last token that it took, nil if it is itself.
function Preprocessor:expand_name(list, i, to, out, at)
  local value = list.value[i]
  local macro = self.macros[value]
  if macro then
    if macro.busy == self.epoch or macro.params and (i == to or list.kind[i + 1] ~= "(") then return nil end
    return self:expand_macro(macro, list, i, to, out, at)
  elseif operators[value] then
    return operators[value](self, list, i, to, out, at)
  elseif self.in_condition then
    -- defined(X): X is not expanded.
    local last = math.min(to, i + (list.kind[i + 1] == "(" and 3 or 1))
    for k = i, last do append(out, list.kind[k], list.value[k], at) end
    return last
  end
end

-- Appends the tokens from `from` to `to` with all macros expanded; they stand at `at`, or where they are.
function Preprocessor:expand(list, from, to, out, at)
  local kinds, values, ats, macros = list.kind, list.value, list.at, self.macros
  local out_kinds, out_values, out_ats = out.kind, out.value, out.at
  local n, i = #out_kinds, from
  while i <= to do
    local kind, value = kinds[i], values[i]
    local last
    if kind == "name" and (macros[value] or operators[value] or value == "defined" and self.in_condition) then
      last = self:expand_name(list, i, to, out, at or ats[i])
    end
    if last then
      i, n = last, #out_kinds
    else
      if at then self:spend(at) end
      n = n + 1
      out_kinds[n], out_values[n], out_ats[n] = kind, value, at or ats[i]
    end
    i = i + 1
  end
end

--- The tokens of a macro without arguments, expanded, with an end. Raises as #expand does, and can then be called
-- again: what was at work when it raised is of an earlier epoch.
function Preprocessor:expansion(macro)
  local out, at = new_list(), macro.tokens.at[macro.from - 1]
  self.nested, self.epoch = 0, self.epoch + 1
  macro.busy = self.epoch
  self:expand(macro.tokens, macro.from, macro.to, out, at)
  append(out, "end", "", at)
  return out
end

-- {-- Conditions -----------------------------------------------------------------------------------

-- Reads the expression of an #if: names that are no macros are 0.
local Condition = setmetatable({}, { __index = Cursor })
Condition.__index = Condition
Condition.in_condition = true

function Condition:type_name() -- luacheck: no self
  return nil
end

function Condition:named_value()
  local name, at = self:name("a name")
  if name == "defined" then
    local bracket = self:accept("(")
    local macro = self:name("the name of a macro")
    if bracket then self:expect(")") end
    return self.macros[macro] and 1 or 0, "i64"
  end
  if self:kind() == "(" then
    if not name:find("^__has_") and not self.quiet then fail(at, "'%s' is no macro with arguments", name) end
    self:balanced()
    return 0, "i64"
  end
  local value, T = names.value(name, self.abi)
  return value or 0, value and expression.widest(T) or "i64"
end

function Preprocessor:condition(from, to, at)
  local out = new_list()
  self.in_condition = true
  self:expand(self.tokens, from, to, out)
  self.in_condition = false
  append(out, "end", "", at)
  local p = setmetatable({ abi = self.abi, macros = self.macros }, Condition):rewind(out)
  local value = expression.integer(p, "the condition")
  if p:kind() ~= "end" then p:expected("the end of the condition") end
  return value ~= 0
end

-- {-- Directives -----------------------------------------------------------------------------------

local directives = {}

-- Each gets the tokens behind its name, from `i` to `to`, and its place. Those that count where others are passed
-- over too are in `always`.
local always = {}

function Preprocessor:active()
  local open = self.conditions[#self.conditions]
  return not open or open.active
end

local function macro_name(self, i, to)
  if i > to or self.tokens.kind[i] ~= "name" then
    fail(self.tokens.at[math.min(i, to + 1)], "expected the name of a macro")
  end
  return self.tokens.value[i]
end

-- The parameters of a macro from behind its '(' on, and where its body starts.
local function parameters(self, i, to)
  local kinds, values, ats = self.tokens.kind, self.tokens.value, self.tokens.at
  local params, variadic = {}, false
  if i <= to and kinds[i] == ")" then return params, false, i + 1 end
  while i <= to do
    if kinds[i] == "..." then
      params[#params + 1], variadic = "__VA_ARGS__", true
    elseif kinds[i] == "name" then
      params[#params + 1] = values[i]
    else
      break
    end
    i = i + 1
    if i > to then break end
    if kinds[i] == ")" then return params, variadic, i + 1 end
    if kinds[i] ~= "," or variadic then break end
    i = i + 1
  end
  return fail(ats[math.min(i, to + 1)], "expected the parameters of a macro up to ')'")
end

function directives.define(self, i, to)
  local name = macro_name(self, i, to)
  local macro = { name = name, tokens = self.tokens, from = i + 1, to = to }
  local adjacent = i < to and self.tokens.at[i + 1] == self.tokens.at[i] + #name
  if adjacent and self.tokens.kind[i + 1] == "(" then
    macro.params, macro.variadic, macro.from = parameters(self, i + 2, to)
  end
  self.macros[name] = macro
  self.order[#self.order + 1] = macro
end

function directives.undef(self, i, to)
  self.macros[macro_name(self, i, to)] = nil
end

directives["if"] = function(self, i, to, at)
  local outer = self:active()
  local holds = outer and self:condition(i, to, at)
  self.conditions[#self.conditions + 1] = { active = holds, taken = holds, outer = outer, at = at }
end

local function is_defined(self, i, to)
  return self.macros[macro_name(self, i, to)] ~= nil
end

local function if_defined(wanted)
  return function(self, i, to, at)
    local outer = self:active()
    local holds = outer and is_defined(self, i, to) == wanted
    self.conditions[#self.conditions + 1] = { active = holds, taken = holds, outer = outer, at = at }
  end
end
directives.ifdef, directives.ifndef = if_defined(true), if_defined(false)

-- The open condition for #elif, #else and #endif.
local function open_condition(self, at, what)
  return self.conditions[#self.conditions] or fail(at, "#%s without #if", what)
end

local function another_branch(what, test)
  return function(self, i, to, at)
    local open = open_condition(self, at, what)
    if open.has_else then fail(at, "#%s behind #else", what) end
    open.active = open.outer and not open.taken and test(self, i, to, at)
    open.taken = open.taken or open.active
    open.has_else = what == "else"
  end
end
directives.elifdef = another_branch("elifdef", function(self, i, to) return is_defined(self, i, to) end)
directives.elifndef = another_branch("elifndef", function(self, i, to) return not is_defined(self, i, to) end)
directives.elif = another_branch("elif", function(self, i, to, at) return self:condition(i, to, at) end)
directives["else"] = another_branch("else", function() return true end)

function directives.endif(self, _, _, at)
  open_condition(self, at, "endif")
  self.conditions[#self.conditions] = nil
end

for word in ("if ifdef ifndef elif elifdef elifndef else endif"):gmatch("%S+") do always[word] = true end

function directives.error(self, _, _, at)
  fail(at, "%s", self.source:sub(at):match("^#%s*(.-)%s*\n") or self.source:sub(at))
end

-- Of the pragmas pack alone changes what is read.
function Preprocessor:pragma(list, from, to, out, at)
  if from > to or list.value[from] ~= "pack" then return end
  local words = new_list()
  self:expand(list, from + 1, to, words, at)
  append(out, "pragma", words.value, at)
end

function directives.pragma(self, i, to, at)
  self:pragma(self.tokens, i, to, self.out, at)
end

local function passed_over() end
for word in ("include include_next import line warning ident using region endregion"):gmatch("%S+") do
  directives[word] = passed_over
end

-- {-- The whole ------------------------------------------------------------------------------------

-- The first token of a later line that begins with '#', or the end; of any later line if `any`.
local function line_end(tokens, i, any)
  local kinds, first = tokens.kind, tokens.first
  repeat i = i + 1 until first[i] and (any or kinds[i] == "#") or kinds[i] == "end"
  return i
end

function Preprocessor:directive(i, to, at)
  local kind, word = self.tokens.kind[i], self.tokens.value[i]
  -- A line with a number is what preprocessors leave of an #include.
  if i > to or kind == "number" then return end
  local f = kind == "name" and directives[word]
  if not f and self:active() then fail(at, "expected a directive behind '#', got %s", lexer.shown(kind, word)) end
  if f and (always[word] or self:active()) then f(self, i + 1, to, at) end
end

function Preprocessor:run()
  local tokens, i = self.tokens, 1
  local kinds = tokens.kind
  while kinds[i] ~= "end" do
    if kinds[i] == "#" and tokens.first[i] then
      local stop = line_end(tokens, i, true)
      self:directive(i + 1, stop - 1, tokens.at[i])
      i = stop
    else
      local stop = line_end(tokens, i)
      if self:active() then self:expand(tokens, i, stop - 1, self.out) end
      i = stop
    end
  end
  local open = self.conditions[#self.conditions]
  if open then fail(open.at, "expected #endif before the end") end
  append(self.out, "end", "", tokens.at[i])
end

-- A macro that somebody else than the source gave.
local function given(name, text)
  local tokens = lexer.tokens(tostring(text))
  return { name = name, tokens = tokens, from = 1, to = #tokens.kind - 1 }
end

--- Runs over a source. Returns the preprocessor, with the tokens as `out`, the macros by name as `macros`, and those
-- of the source in their order as `order`.
-- @param defines macros by name: a number, the text, true for 1, or false for one that is not there
function Preprocessor.new(source, abi, defines)
  local self = setmetatable({ source = source, abi = abi, tokens = lexer.tokens(source), macros = {}, order = {},
                              conditions = {}, out = new_list(), nested = 0, epoch = 0 }, Preprocessor)
  self.budget = TOKENS_EACH * #self.tokens.kind + TOKENS_MORE
  for name, value in pairs(names.macros(abi)) do self.macros[name] = given(name, value) end
  for name, value in pairs(defines) do
    self.macros[name] = value ~= false and given(name, value == true and 1 or value) or nil
  end
  self:run()
  return self
end

return Preprocessor
