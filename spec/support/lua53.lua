-- Lets Lua 5.3 run the specs, which are written for Lua 5.4. LUA_INIT_5_3 names this file (script/test), so
-- that it runs first in each process: it runs the process's script itself, and loads every chunk through a
-- rewriter.
--
-- The rewriter drops <const>, and puts what follows `local x <close> = …` in its block into a function:
--
--   local x = …; local __r = __scoped(x, function(...) rest of the block end, ...)
--
-- In that function `return a` becomes `return 1, a`, and a `break` of a loop around it `return 2`, both of
-- which are made up for behind its end. All stays on its line, so that messages have the same positions.
local rewriter = {}

-- {-- Tokens ---------------------------------------------------------------------------------------

local function long_bracket(source, i)
  local equals = source:match("^%[(=*)%[", i)
  if not equals then return nil end
  local _, stop = source:find("]" .. equals .. "]", i + #equals + 2, true)
  return stop and stop + 1 or #source + 1
end

local function quoted(source, i)
  local quote, at = source:sub(i, i), i + 1
  while true do
    local c = source:sub(at, at)
    if c == quote or c == "" then return at + 1 end
    at = at + (c == "\\" and 2 or 1)
  end
end

-- The next token behind position i: its kind ("name", "value" or the mark itself), its start and its end. A
-- comment is passed over.
local function next_token(source, i)
  while true do
    i = source:find("%S", i) or #source + 1
    if source:sub(i, i + 1) ~= "--" then break end
    i = long_bracket(source, i + 2) or source:find("\n", i, true) or #source + 1
  end
  if i > #source then return "end of file", i, i end
  local c = source:sub(i, i)
  if c:find("[%a_]") then return "name", i, source:match("^[%w_]+()", i) end
  if c:find("%d") or source:find("^%.%d", i) then
    local hex = source:match("^0[xX][%x%.]*[pP]?[+-]?%x*()", i)
    return "value", i, hex or source:match("^[%d%.]+[eE][+-]?%d+()", i) or source:match("^[%d%.]+()", i)
  end
  if c == "'" or c == '"' then return "value", i, quoted(source, i) end
  local bracket = c == "[" and long_bracket(source, i)
  if bracket then return "value", i, bracket end
  for _, mark in ipairs { "...", "..", "==", "~=", "<=", ">=", "<<", ">>", "//", "::" } do
    if source:sub(i, i + #mark - 1) == mark then return mark, i, i + #mark end
  end
  return c, i, i + 1
end

local function tokens_of(source)
  local list, i = {}, source:match("^#[^\n]*()") or 1
  repeat
    local kind, from, to = next_token(source, i)
    local text = source:sub(from, to - 1)
    local is_name = kind == "name"
    list[#list + 1] = { kind = is_name and text or kind, text = text, from = from, name = is_name }
    i = to
  until kind == "end of file"
  return list
end

-- {-- Expressions ----------------------------------------------------------------------------------

local opening = { ["("] = ")", ["{"] = "}", ["["] = "]" }
local binary = {}
for mark in ("+ - * / // % ^ .. == ~= < > <= >= << >> & | ~ and or"):gmatch("%S+") do binary[mark] = true end
local unary = { ["not"] = true, ["-"] = true, ["#"] = true, ["~"] = true }
local blocks = { ["function"] = 1, ["do"] = 1, ["if"] = 1, ["repeat"] = 1, ["end"] = -1, ["until"] = -1 }

local function behind_function(tokens, i)
  local depth = 0
  repeat
    depth = depth + (blocks[tokens[i].kind] or 0)
    i = i + 1
  until depth == 0
  return i
end

local function behind_bracket(tokens, i)
  local depth = 0
  repeat
    local kind = tokens[i].kind
    if opening[kind] then depth = depth + 1
    elseif kind == ")" or kind == "}" or kind == "]" then depth = depth - 1 end
    i = i + 1
  until depth == 0
  return i
end

-- The token behind an operand.
local function behind_operand(tokens, i)
  local token = tokens[i]
  if token.kind == "function" then return behind_function(tokens, i) end
  if token.kind == "{" then return behind_bracket(tokens, i) end
  local suffixes = token.kind == "(" or token.name
  i = token.kind == "(" and behind_bracket(tokens, i) or i + 1
  while suffixes do
    local kind = tokens[i].kind
    if kind == "." or kind == ":" then i = i + 2
    elseif opening[kind] then i = behind_bracket(tokens, i)
    elseif kind == "value" then i = i + 1
    else break end
  end
  return i
end

-- The token behind the expressions that start at token i.
local function behind_expressions(tokens, i)
  repeat
    while unary[tokens[i].kind] do i = i + 1 end
    i = behind_operand(tokens, i)
    local more = binary[tokens[i].kind] or tokens[i].kind == ","
    if more then i = i + 1 end
  until not more
  return i
end

-- {-- Blocks ---------------------------------------------------------------------------------------

-- A frame is a block: { kind, vararg (of a function), scopes }. A scope is the rest of a block behind a
-- <close>.
local Walk = {}
Walk.__index = Walk

-- The scopes around the present place, the innermost first, up to the frame of the function, or of the loop.
function Walk:scopes(of_loop)
  local list = {}
  for k = #self.frames, 1, -1 do
    local frame = self.frames[k]
    for s = #frame.scopes, 1, -1 do list[#list + 1] = frame.scopes[s] end
    if frame.kind == "function" or of_loop and frame.kind == "loop" then break end
  end
  return list
end

function Walk:arguments()
  for k = #self.frames, 1, -1 do
    local frame = self.frames[k]
    if frame.kind == "function" then return frame.vararg and "..." or "" end
  end
end

-- Ends the scopes of the innermost frame.
function Walk:close_scopes(put)
  local frame = self.frames[#self.frames]
  for s = #frame.scopes, 1, -1 do
    local scope, arguments = frame.scopes[s], self:arguments()
    frame.scopes[s] = nil
    put((" end%s)"):format(arguments == "" and "" or ", ..."))
    local mark = self:scopes()[1] and "1, " or ""
    put((" if __r and __r[1] == 1 then return %s__unpack(__r, 2, __r.n) end "):format(mark))
    if scope.breaks then
      put((" if __r and __r[1] == 2 then %s end "):format(self:scopes(true)[1] and "return 2" or "break"))
    end
  end
end

local handlers = {}

function Walk:push(kind, vararg)
  self.frames[#self.frames + 1] = { kind = kind, vararg = vararg, scopes = {} }
end

handlers["function"] = function(self, i)
  local vararg, k = false, i
  repeat
    k = k + 1
    vararg = vararg or self.tokens[k].kind == "..."
  until self.tokens[k].kind == ")"
  self:push("function", vararg)
end
handlers["while"] = function(self) self:push("head") end
handlers["for"] = handlers["while"]
handlers["if"] = function(self) self:push("if") end
handlers["repeat"] = function(self) self:push("loop") end
handlers["do"] = function(self)
  local frame = self.frames[#self.frames]
  if frame.kind == "head" then frame.kind = "loop" else self:push("do") end
end
handlers["else"] = function(self, _, put) self:close_scopes(put) end
handlers["elseif"] = handlers["else"]
handlers["end"] = function(self, _, put)
  self:close_scopes(put)
  self.frames[#self.frames] = nil
end
handlers["until"] = handlers["end"]

local ends_block = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true, [";"] = true,
  ["end of file"] = true }

handlers["return"] = function(self, i)
  if not self:scopes()[1] then return nil end
  return ends_block[self.tokens[i + 1].kind] and "return 1" or "return 1,"
end

handlers["break"] = function(self)
  local scopes = self:scopes(true)
  if not scopes[1] then return nil end
  for _, scope in ipairs(scopes) do scope.breaks = true end
  return "do return 2 end"
end

-- `local a <const>, b <close> = …`: blanks the attributes, and notes where the scope begins.
handlers["local"] = function(self, i)
  local tokens, closing = self.tokens, nil
  i = i + 1
  while tokens[i].name and tokens[i].kind ~= "function" do
    if tokens[i + 1].kind == "<" then
      if tokens[i + 2].text == "close" then closing = tokens[i].text end
      for k = i + 1, i + 3 do tokens[k].blank = true end
      i = i + 3
    end
    i = i + 1
    if tokens[i].kind ~= "," then break end
    i = i + 1
  end
  if closing then self.opens[behind_expressions(tokens, i + 1)] = closing end
end

function Walk:open_scope(name, put)
  local scopes = self.frames[#self.frames].scopes
  scopes[#scopes + 1] = {}
  put((" local __r = __scoped(%s, function(%s) "):format(name, self:arguments()))
end

--- The source for Lua 5.3.
function rewriter.rewrite(source)
  if not source:find("<%s*close%s*>") and not source:find("<%s*const%s*>") then return source end
  local tokens, out, at = tokens_of(source), {}, 1
  local walk = setmetatable({ tokens = tokens, frames = {}, opens = {} }, Walk)
  local function put(text) out[#out + 1] = text end
  walk:push("function", true)
  for i, token in ipairs(tokens) do
    put(source:sub(at, token.from - 1))
    if walk.opens[i] then walk:open_scope(walk.opens[i], put) end
    local before = tokens[i - 1]
    local is_field = before and (before.kind == "." or before.kind == ":" or before.kind == "goto")
    local handler = token.name and not is_field and handlers[token.kind]
    local text = handler and handler(walk, i, put) or token.text
    if token.kind == "end of file" then walk:close_scopes(put) end
    put(token.blank and "" or text)
    at = token.from + #token.text
  end
  return table.concat(out)
end

-- {-- What Lua 5.4 has and Lua 5.3 has not ----------------------------------------------------------

local unpack = table.unpack

function __unpack(...) return unpack(...) end -- luacheck: ignore

-- Calls f, closes the object, and returns the results of f as a table, nil if there are none.
function __scoped(object, f, ...) -- luacheck: ignore
  local results = table.pack(pcall(f, ...))
  if object then
    local failure = nil
    if not results[1] then failure = results[2] end
    -- (Lua 5.3's files have only the finalizer.)
    local metatable = debug.getmetatable(object);
    (metatable.__close or metatable.__gc)(object, failure)
  end
  if not results[1] then error(results[2], 0) end
  if results.n > 1 then return { n = results.n - 1, unpack(results, 2, results.n) } end
end

local random, randomseed = math.random, math.randomseed

function math.random(low, high) -- luacheck: ignore
  if low == 0 and not high then return random(0, 0xffffffff) << 32 | random(0, 0xffffffff) end
  if not low then return random() end
  if not high then return random(low) end
  local span = high - low + 1
  if span > 0 and span <= 1 << 31 then return random(low, high) end
  if span > 0 then return low + (math.random(0) & math.maxinteger) % span end
  local n
  repeat n = math.random(0) until n >= low and n <= high
  return n
end

function math.randomseed(seed, more) -- luacheck: ignore
  seed = math.tointeger(seed) or seed and seed // 1 | 0 or os.time()
  randomseed((seed ~ (more or 0) * 0x9E3779B1) & 0x7fffffff)
  random()
end

local collect = collectgarbage

-- There is one mode of the collector.
function collectgarbage(what, pause, multiplier) -- luacheck: ignore
  if what ~= "incremental" and what ~= "generational" then return collect(what, pause) end
  if what == "incremental" and pause then
    collect("setpause", pause)
    collect("setstepmul", multiplier)
  end
  return "incremental"
end

-- {-- Loading --------------------------------------------------------------------------------------

local load_text = load

function load(chunk, ...) -- luacheck: ignore
  if type(chunk) == "string" and chunk:byte() ~= 27 then chunk = rewriter.rewrite(chunk) end
  return load_text(chunk, ...)
end

function loadfile(path, mode, ...) -- luacheck: ignore
  local file, message = io.open(path or "/dev/stdin", "rb")
  if not file then return nil, "cannot open " .. message end
  local source = file:read("a")
  file:close()
  -- A first line with '#' is not Lua.
  return load(source:gsub("^#[^\n]*", ""), "@" .. (path or "stdin"), mode, ...)
end

function dofile(path) return assert(loadfile(path))() end -- luacheck: ignore

package.searchers[2] = function(name)
  local path, message = package.searchpath(name, package.path)
  if not path then return message end
  return assert(loadfile(path)), path
end

-- Runs the process's script, or the chunks of -e, and ends the process as the interpreter does.
local function run()
  local i = 1
  if arg[i] ~= "-e" and (arg[0] == nil or arg[-1] == nil) then return end
  if arg[-1] == nil then
    while arg[i] == "-e" do
      assert(load(arg[i + 1], "=(command line)"))()
      i = i + 2
    end
  else
    assert(loadfile(arg[0] ~= "-" and arg[0] or nil))(unpack(arg))
  end
end

local function traced(message)
  return type(message) == "string" and debug.traceback(message, 2) or message
end

if arg and not LUA53_LOADED then -- luacheck: ignore
  LUA53_LOADED = true -- luacheck: ignore
  local well, message = xpcall(run, traced)
  if not well then io.stderr:write(arg[-1] or arg[0] or "lua", ": ", tostring(message), "\n") end
  os.exit(well, true)
end

return rewriter
