-- fuzzer SEED ROUNDS SECONDS FOLDER HANDLES...: calls all functions and methods of filemap at random, with
-- valid and with hostile arguments, until all rounds are done or the seconds are over. About every 2 seconds
-- it prints its progress, and at the end DONE. A violation ends it with a line that begins with FAILED. It
-- logs each call to FOLDER/calls before it makes the call, so that the last call of a crashed fuzzer is
-- known. All other files that it makes are in FOLDER too, and all names contain its process's number. It
-- adopts the handles that it inherited.
local child = require "spec.child.common"
local core = require "filemap.core"
local hostile = require "spec.support.hostile"
local lfs = require "lfs"
local process = require "process"

local SEED <const>, ROUNDS <const>, SECONDS <const> = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local CALLS <const>, MOST_OBJECTS <const> = 400, 60
local DEADLINE <const> = tonumber(os.getenv("FILEMAP_SPEC_DEADLINE")) or 30
local CODES <const> = " not_found exists denied invalid too_small too_large no_space no_memory in_use "
  .. "timeout closed full truncated corrupt unsupported system "

local random, pick, makers = math.random, hostile.pick, hostile.makers

-- The modules are loaded before the working folder changes to FOLDER.
local modules = {}
for _, name in ipairs {
  "filemap", "filemap.sync", "filemap.state", "filemap.pipe", "filemap.mailslot", "filemap.dict",
  "filemap.struct", "filemap.cdef", "filemap.win32",
} do
  modules[#modules + 1] = { name = name, functions = require(name) }
end
local log = assert(io.open(arg[4] .. "/calls", "w"))
assert(lfs.chdir(arg[4]))

-- {-- Functions and methods to call -----------------------------------------------------------------

local function functions_of(t)
  local names = {}
  for name, f in pairs(t) do
    if type(name) == "string" and type(f) == "function" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- The class of an object: its name, its methods as a table, and its metamethods. Cached by metatable.
local known = setmetatable({}, { __mode = "k" })

local function class_of(object)
  local mt = debug.getmetatable(object)
  local name = type(mt) == "table" and rawget(mt, "__name")
  if type(name) ~= "string" or not name:find("^filemap") then return nil end
  local class = known[mt]
  if class then return class end
  class = { name = name, metatable = mt, metamethods = functions_of(mt), methods = {} }
  if type(mt.__index) == "table" then class.methods = mt.__index
  elseif mt.__index then -- __index is a function with the methods, if there are any, in one of its upvalues
    local up, name_of, value = 1, debug.getupvalue(mt.__index, 1)
    while name_of and not (type(value) == "table" and #functions_of(value) > 0) do
      up = up + 1
      name_of, value = debug.getupvalue(mt.__index, up)
    end
    class.methods = name_of and value or {}
  end
  class.names = functions_of(class.methods)
  known[mt] = class
  return class
end

-- The arguments of each function and method, as letters of hostile.makers. Other calls get arbitrary values.
local patterns = {
  ["filemap.create"] = "NzM", ["filemap.open"] = "NaM", ["filemap.create_or_open"] = "NzM",
  ["filemap.file"] = "PaM",
  ["filemap.adopt"] = "Hza", ["filemap.unlink"] = "N", ["filemap.list"] = "",
  ["filemap.sleep"] = "t", ["filemap.now"] = "",
  ["filemap.sync.mutex"] = "NY", ["filemap.sync.semaphore"] = "NnnY", ["filemap.sync.event"] = "NY",
  ["filemap.sync.wait_any"] = "xt",
  ["filemap.state.create"] = "KzC", ["filemap.state.create_or_open"] = "KzC", ["filemap.state.open"] = "K",
  ["filemap.pipe.listen"] = "KC", ["filemap.pipe.connect"] = "Kt",
  ["filemap.mailslot.create"] = "KC", ["filemap.mailslot.open"] = "K",
  ["filemap.dict.create_or_open"] = "KC", ["filemap.dict.open"] = "K",
  ["filemap.struct.define"] = "sFD", ["filemap.struct.union"] = "sFD", ["filemap.struct.enum"] = "scT",
  ["filemap.cdef.parse"] = "kA",
  ["filemap.win32.CreateFileMapping"] = "ESeizN", ["filemap.win32.OpenFileMapping"] = "eBN",
  ["filemap.win32.MapViewOfFile"] = "Geizl", ["filemap.win32.CreateFile"] = "PeeSdj",
  ["filemap.win32.SetLastError"] = "o",
  ["filemap.map:view"] = "lla", ["filemap.map:resize"] = "z",
  ["filemap.view:sub"] = "ola", ["filemap.view:array"] = "Too", ["filemap.view:stream"] = "ll",
  ["filemap.view:getter"] = "T", ["filemap.view:setter"] = "T", ["filemap.view:advise"] = "hll",
  ["filemap.view:flush"] = "ll", ["filemap.view:commit"] = "ol", ["filemap.view:get_string"] = "oo",
  ["filemap.view:set_string"] = "os", ["filemap.view:get_cstring"] = "ol",
  ["filemap.view:set_cstring"] = "oso",
  ["filemap.view:get_utf16"] = "ol", ["filemap.view:set_utf16"] = "oso", ["filemap.view:get_utf32"] = "ol",
  ["filemap.view:set_utf32"] = "oso", ["filemap.view:find"] = "sll", ["filemap.view:lines"] = "l",
  ["filemap.view:fill"] = "oob", ["filemap.view:copy"] = "oVoo", ["filemap.view:equals"] = "oVoo",
  ["filemap.view:unpack"] = "fo", ["filemap.view:pack"] = "fonnsnn",
  ["filemap.array:get"] = "ll", ["filemap.array:set"] = "oc", ["filemap.array:copy"] = "oRoo",
  ["filemap.stream:read"] = "rr", ["filemap.stream:lines"] = "rr", ["filemap.stream:write"] = "sn",
  ["filemap.stream:seek"] = "wn",
  ["filemap.struct:at"] = "Vo", ["filemap.struct:read"] = "Vo", ["filemap.struct:write"] = "Voc",
  ["filemap.struct:array"] = "Vooo", ["filemap.struct:offsetof"] = "p", ["filemap.struct:snapshot"] = "Vogt",
  ["filemap.mutex:lock"] = "t", ["filemap.semaphore:acquire"] = "t", ["filemap.semaphore:release"] = "l",
  ["filemap.event:wait"] = "t", ["filemap.state:publish"] = "s", ["filemap.state:read"] = "t",
  ["filemap.state:wait"] = "ot", ["filemap.listener:accept"] = "t", ["filemap.conn:send"] = "st",
  ["filemap.conn:receive"] = "t", ["filemap.conn:write"] = "s", ["filemap.conn:read"] = "r",
  ["filemap.dict:get"] = "s", ["filemap.dict:set"] = "ss", ["filemap.dict:add"] = "sn",
  ["filemap.dict:replace"] = "ss",
  ["filemap.dict:delete"] = "s", ["filemap.dict:incr"] = "snn", ["filemap.dict:compare_set"] = "sos",
  ["filemap.dict:wait"] = "sot", ["filemap.dict:pairs"] = "", ["filemap.dict:info"] = "",
  ["filemap.dict:clear"] = "",
  ["filemap.mailslot:send"] = "st", ["filemap.mailslot:receive"] = "t",
}

local function pattern_of(name)
  if patterns[name] then return patterns[name] end
  local verb = name:match("^filemap%.view:(%a+_?%a*)_[iuf]%d+$")
  local letters = { get = "o", set = "on", load = "q", compare_exchange = "qnn", wait = "qnt" }
  return verb and (letters[verb] or "qn") or "xx"
end

-- {-- Objects --------------------------------------------------------------------------------------

local objects = {}
local ends = setmetatable({}, { __mode = "k" }) -- of pipes

-- A map so large that calls would read large parts of it.
local function is_huge(object)
  local ok, size = pcall(function() return object:size() end)
  return ok and math.type(size) == "integer" and size > 1 << 22
end

local function keep(value)
  local kind = type(value)
  local class = class_of(value)
  local wanted = class or kind == "function" and random(4) == 1 or kind == "table" and random(8) == 1
  if not wanted then return end
  if class and class.name == "filemap.map" and is_huge(value) then return value:close() end
  if class and (class.name == "filemap.conn" or class.name == "filemap.listener") then ends[value] = true end
  objects[#objects < MOST_OBJECTS and #objects + 1 or random(#objects)] = value
end

-- A random kept object, of the named class if there is a name, or nil.
function hostile.object(name)
  for _ = 1, name and 30 or 1 do
    local object = objects[random(#objects)]
    local class = class_of(object)
    if not name or class and class.name == name then return object end
  end
end

local function close(object)
  local class = class_of(object)
  local f = class and class.methods.close
  if f then pcall(f, object) end
end

function hostile.close_something()
  if #objects > 0 and random(4) == 1 then close(pick(objects)) end
end

-- A random object to call. It is rarely closed.
local function any_object()
  local i, object
  for _ = 1, 5 do
    i = random(#objects)
    object = objects[i]
    -- Showing a record reads its memory, which may be only reserved.
    local _, shown = pcall(tostring, object)
    if type(object) ~= "userdata" or not tostring(shown):find("closed", 1, true) then break end
    if #objects > 10 and random(3) == 1 then objects[i] = table.remove(objects) end
  end
  return object, class_of(object)
end

-- The inherited handles that are not adopted yet; and the number that were adopted in this round.
local inherited, adopted = {}, 0
for i = 5, #arg do inherited[#inherited + 1] = tonumber(arg[i]) end

function makers.H()
  return random(2) == 1 and inherited[#inherited]
    or pick { -1, 1 << 31, 1 << 62, "x", 0.5, math.mininteger, {} }
end

-- {-- The log of calls -----------------------------------------------------------------------------

local said = {}

local function show(value)
  local kind = type(value)
  if kind == "string" and #value > 40 then return ("%q… (%d bytes)"):format(value:sub(1, 20), #value) end
  if kind == "string" then return ("%q"):format(value) end
  if kind == "number" or kind == "nil" or kind == "boolean" then return tostring(value) end
  for i = 1, #objects do
    if rawequal(objects[i], value) then
      local class = class_of(value)
      return ("<%s %d>"):format(class and class.name or kind, i)
    end
  end
  return "<" .. kind .. ">"
end

local function note(what, values)
  local words = { what }
  for i = 1, values.n do words[#words + 1] = show(values[i]) end
  said[#said + 1] = table.concat(words, " "):gsub("[\r\n]", "\\n")
  if #said > 12 then table.remove(said, 1) end
  log:write(said[#said], "\n")
  log:flush()
end

local round

local function fail(why)
  local line = ("FAILED round %d: %s; the last calls: %s"):format(SEED + round, tostring(why):sub(1, 1000),
    table.concat(said, "; "))
  child.say((line:gsub("[\r\n]", "\\n")))
  os.exit(1)
end

-- {-- Checks of results and errors -----------------------------------------------------------------

local function contains(text, part)
  return text:find(part, 1, true) ~= nil
end

-- Each message names the argument, the object, the field or other thing that is wrong.
local names_something = { "bad argument #%d", "calling '", "filemap%.%l+", "'[^']*'", "index ", "element",
  "power of 2",
                          "guard", "cdef: line", "integral size", "integer does not fit", "table expected",
                          hostile.TOKEN, ": table: ", ": nil$" } -- the last ones are raised by hostile values

local function is_sensible(problem)
  for _, pattern in ipairs(names_something) do
    if problem:find(pattern) then return true end
  end
end

-- An error must report a mistake of the caller. An error inside filemap's own Lua code is a violation.
local function check_error(problem)
  if type(problem) == "table" and problem[1] == hostile.TOKEN then return end
  if problem == nil or problem == "<no error object>" then return end -- error(nil), the latter in Lua 5.5
  if type(problem) ~= "string" or problem == "" then fail("raised " .. type(problem)) end
  if contains(problem, "__tostring") then return end -- Lua's message about a hostile __tostring
  if problem:find("filemap%.%l+ is closed$") then return end -- perhaps during a method that is written in Lua
  if problem:find("filemap[/\\]%w+%.lua:%d") or problem:find("filemap[/\\]%w+[/\\]%w+%.lua:%d")
    or problem:find("%(made%)[^:]*:%d") then
    fail("an internal error: " .. problem)
  end
  if not is_sensible(problem) then fail("it names nothing: " .. problem) end
  if contains(problem, "attempt to") and not contains(problem, "fuzzer")
    and not contains(problem, "yield") then
    fail("an internal error: " .. problem)
  end
end

-- nil and a message is a failure of the environment, which must have a code.
local function check_results(results)
  if results[1] ~= nil or type(results[2]) ~= "string" then return end
  local message, code, native = results[2], results[3], results[4]
  local is_word = type(code) == "string" and contains(CODES, " " .. code .. " ")
  if not is_word or results.n > 4 or message == "" or native ~= nil and math.type(native) ~= "integer" then
    fail(("failed with %q, %s, %s"):format(message, show(code), show(native)))
  end
end

-- {-- Calls ----------------------------------------------------------------------------------------

-- Functions that call a method by name, since Lua takes the name in its messages from the text of the caller.
local callers = {}

local function caller(name, as_method)
  local text = "local t = ... local r = table.pack(t%s%s(select(2, ...))) return r"
  text = text:format(as_method and ":" or ".", name)
  callers[text] = callers[text] or assert(load(text, "=fuzzer.lua"))
  return callers[text]
end

-- Calls f in a coroutine, resumes it a few times if it yields, and then may close it where it yielded.
local function in_coroutine(f, ...)
  local thread = coroutine.create(f)
  local results = table.pack(coroutine.resume(thread, ...))
  for _ = 1, random(0, 3) do
    if coroutine.status(thread) ~= "suspended" then break end
    results = table.pack(coroutine.resume(thread, hostile.any()))
  end
  if coroutine.status(thread) == "suspended" then
    if random(2) == 1 then coroutine.close(thread) end
    return true, { n = 0 }
  end
  return table.unpack(results, 1, results.n)
end

-- Sets the collector so that the first allocation of the call runs finalizers, which close the call's
-- arguments.
local function close_in_call(values)
  collectgarbage()
  collectgarbage("incremental", 100, 1000, 30)
  collectgarbage("stop")
  for i = 1, values.n do
    local object = values[i]
    if type(object) == "userdata" then setmetatable({}, { __gc = function() close(object) end }) end
  end
  collectgarbage("restart")
end

local function make_call(what, f, values)
  local closing = random(10) == 1
  note(what .. (closing and " (closed meanwhile)" or ""), values)
  local how = random(6) == 1 and in_coroutine or pcall
  local start = core.now()
  if closing then close_in_call(values) end
  local ok, results = how(f, table.unpack(values, 1, values.n))
  if closing then collectgarbage("incremental", 200, 100, 13) end
  if core.now() - start > DEADLINE then fail("it took " .. core.now() - start .. " s") end
  if not ok then return check_error(results) end
  if type(results) ~= "table" then return end
  check_results(results)
  for i = 1, math.min(results.n or 0, 5) do
    if random(2) == 1 or i == 1 then keep(results[i]) end
  end
  return results
end

-- Names, paths, handles, file flags and time-outs always have safe values: the fuzzer never touches names and
-- files of others, never leaves files behind, and never waits forever.
local bound = { N = true, K = true, P = true, H = true, j = true, t = true }

-- Arguments by a pattern: all valid, or some of them hostile, or too few, or too many.
local function arguments(pattern, first)
  local values = { n = #pattern, first }
  local how = random(10)
  local shift = first ~= nil and 1 or 0
  values.n = values.n + shift
  for i = 1, #pattern do
    local letter = pattern:sub(i, i)
    local other = not bound[letter] and (how == 10 or how > 6 and random(#pattern) == 1)
    values[i + shift] = (other and hostile.any or makers[letter])()
  end
  if how == 5 and not pattern:find("t") then values.n = random(shift, values.n) end
  if how == 6 then
    values.n = values.n + 1
    values[values.n] = hostile.any()
  end
  return values
end

-- A stream of a pipe waits without a time-out, so its other end must be closed first.
local function close_other_ends(object)
  collectgarbage()
  collectgarbage()
  for other in pairs(ends) do
    if other ~= object then close(other) end
  end
end

local function call_method()
  local object, class = any_object()
  if not class or #class.names == 0 then return end
  local name = pick(class.names)
  if (name == "close" or name == "unmap") and random(4) > 1 then return end
  local full = ("%s:%s"):format(class.name, name)
  if full == "filemap.conn:read" or full == "filemap.conn:write" then
    if random(4) > 1 then return end
    close_other_ends(object)
  end
  local receiver = object
  if random(12) == 1 then receiver = random(2) == 1 and hostile.any() or hostile.object() end
  local values = arguments(pattern_of(full), receiver)
  if rawequal(receiver, object) then return make_call(full, caller(name, true), values) end
  table.move(values, 1, values.n, 2)
  values[1], values.n = class.methods, values.n + 1
  make_call(full, caller(name, false), values)
end

-- Keeps the types of a parsed header as objects to call.
local function keep_types(types)
  local names = {}
  for name in pairs(types) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do keep(types[name]) end
end

local function call_module()
  local module = pick(modules)
  local name = pick(functions_of(module.functions))
  local full = module.name .. "." .. name
  local values = arguments(pattern_of(full))
  table.move(values, 1, values.n, 2)
  values[1], values.n = module.functions, values.n + 1
  local results = make_call(full, caller(name, false), values)
  if name == "parse" and results and type(results[1]) == "table" then keep_types(results[1]) end
  if name == "adopt" and results and results[1] then
    table.remove(inherited)
    adopted = adopted + 1
  end
end

local keys = { "a", "b", "text", "list", "in", "bits", "x", 1, 2, 3, 5 }

-- Lua's operators: the first three are for all objects, the rest for those with fields or elements.
local operations = {
  function(o) return { n = 1, tostring(o) } end,
  function(o) return { n = 1, o == hostile.any() } end,
  function(o) return { n = 1, #o } end,
  function(o) return { n = 1, o[hostile.any()] } end,
  function(o) return { n = 1, o[pick(keys)] } end,
  function(o) o[hostile.any()] = hostile.any() end,
  function(o) o[pick(keys)] = hostile.any() end,
  function(o) o[pick(keys)] = random(0, 9) end,
  function(o)
    for i, value in ipairs(o) do
      if i > 50 then break end
      keep(value)
    end
  end,
  function(o)
    local count = 0
    for _ in pairs(o) do
      count = count + 1
      if count > 50 then break end
    end
  end,
}

local function operate()
  local object, class = any_object()
  if not class then return end
  local n = random(type(class.metatable.__index) == "function" and #operations or 3)
  make_call("operation " .. n, operations[n], { n = 1, object })
end

local function call_function()
  local f = hostile.object()
  if type(f) == "function" then
    make_call("function", function(...) return table.pack(f(...)) end,
      arguments(pick { "", "o", "on", "xx" }))
  end
end

-- Calls a metamethod as a function, as debug.getmetatable returns it. (The metamethods of tables are plain
-- Lua code, which relies on being called by Lua itself. They get their own object.)
local function call_metamethod()
  local object = hostile.object()
  local class = class_of(object)
  if not class or #class.metamethods == 0 then return end
  local name, receiver = pick(class.metamethods), object
  if type(object) == "userdata" and random(2) == 1 then receiver = pick { hostile.object, hostile.any }() end
  local values = arguments(pick { "", "x", "xx" }, receiver)
  table.move(values, 1, values.n, 2)
  values[1], values.n = class.metatable, values.n + 1
  make_call(class.name .. " " .. name, caller(name, false), values)
end

-- Closes two objects by leaving a block, or by closing a coroutine that is suspended in the block.
local function close_by_scope()
  local a, b = hostile.object(), hostile.object()
  local class_a, class_b = class_of(a), class_of(b)
  if not (class_a and class_a.metatable.__close and class_b and class_b.metatable.__close) then return end
  note("scope", { n = 2, a, b })
  local thread = coroutine.create(function()
    local first = nil
    local second <close> = a
    local third <close> = b
    if random(2) == 1 then coroutine.yield(first, second, third) end
    if random(2) == 1 then error(hostile.TOKEN) end
  end)
  coroutine.resume(thread)
  if random(2) == 1 then coroutine.close(thread) end
end

local function disturb_collector()
  local what = random(6)
  note("collector", { n = 1, what })
  if what == 1 then collectgarbage()
  elseif what == 2 then collectgarbage("step", random(0, 100))
  elseif what == 3 then
    collectgarbage("incremental", pick { 10, 100, 200 }, pick { 100, 400, 1000 }, random(4, 14))
  elseif what == 4 then collectgarbage("generational")
  else hostile.garbage() end
end

local function drop()
  local i = random(#objects)
  if #objects > 10 then objects[i] = objects[#objects] objects[#objects] = nil end
end

-- Actions and their weights, which add up to 104.
local actions = {
  { call_method, 60 }, { call_module, 12 }, { operate, 14 }, { call_function, 5 }, { call_metamethod, 4 },
  { close_by_scope, 2 }, { disturb_collector, 4 }, { drop, 3 },
}

local function act()
  local n = random(104)
  for _, action in ipairs(actions) do
    n = n - action[2]
    if n <= 0 then return action[1]() end
  end
end

-- {-- Rounds ---------------------------------------------------------------------------------------

local function keep_all(values)
  for _, value in ipairs(values) do keep(value) end
end

local function must(value, why, code)
  if value == nil then error(("%s (%s)"):format(why, code), 0) end
  return value
end

-- Makes objects of every kind to start with.
local function furnish_views(names, files)
  local filemap, struct = require "filemap", require "filemap.struct"
  local maps = {
    must(filemap.create(nil, 5000)), must(filemap.file(files[1], "rw", { size = 3000 })),
    must(filemap.create(nil, 8192, { commit = false })), must(filemap.create(names[1], 4096)),
    must(filemap.create(names[4], 1000)),
  }
  for i, map in ipairs(maps) do
    local view = map:view(i, 900)
    keep_all { map, view, map:view(0, 100, "r"), map:view(0, 500, "copy"), view:sub(10, 200),
      view:array("u16", 1, 20),
               view:stream(0, 300), view:getter "i32", view:setter "f32" }
  end
  local inner = struct.define("Inner", { { "x", "i16" }, { "y", "u8", 3 } })
  local outer = struct.define("Outer", {
    { "a", "u32" }, { "b", "u32" }, { "text", "char", 12 }, { "list", "f32", 5 }, { "in", inner },
    { "bits", "u32", bits = 5 },
  }, { endian = pick { "<", ">" } })
  local view = maps[1]:view()
  local record = outer:at(view, 3)
  keep_all { inner, outer, record, record["in"], record.list, outer:array(view, 0, 10),
    struct.enum("E", { "a", "b" }) }
end

local function furnish_channels(names)
  local sync, state = require "filemap.sync", require "filemap.state"
  local pipe, mailslot = require "filemap.pipe", require "filemap.mailslot"
  local dict = require "filemap.dict"
  local listener = must(pipe.listen(names[5], { capacity = 300 }))
  local streams = must(pipe.listen(names[6], { stream = true }))
  keep_all {
    listener, streams, must(state.create(names[2], 100)), must(mailslot.create(names[3], { capacity = 200 })),
    must((sync.mutex(names[1] .. "m"))), must((sync.semaphore(names[1] .. "s", 1, 3))),
    must((sync.event(names[1] .. "e", { manual = true }))), must(state.open(names[2])),
    must((dict.create_or_open(names[1] .. "d", { capacity = 3000, evict = random(2) == 1 }))),
    must(mailslot.open(names[3])), must(pipe.connect(names[5])), must(pipe.connect(names[5])),
    must(pipe.connect(names[6])), must(listener:accept(0)), must(streams:accept(0)),
  }
end

-- A name may be in use for a moment while another process checks for stale names. This is not a failure: the
-- round then starts with fewer objects.
local function furnish(make, ...)
  local made, problem = pcall(make, ...)
  if not made and not contains(tostring(problem), "(in_use)") then fail(problem) end
end

local function remove_files()
  for file in lfs.dir "." do
    if file ~= "." and file ~= ".." and file ~= "calls" then os.remove(file) end
  end
end

-- A file of this process that is left in /dev/shm, or nil.
local function left_in_memory()
  if core.platform ~= "posix" then return nil end
  for _, name in ipairs(hostile.verbatim()) do core.unlink(name) end
  core.list()
  for file in lfs.dir "/dev/shm" do
    local ours = file:find(("spec-%d-"):format(process.pid()), 1, true)
    local semaphore = file:match("^sem%.(.*)") -- of sem_open, which stays until it is unlinked
    if ours and semaphore then assert(core.sync.unlink("/" .. semaphore))
    elseif ours then return file end
  end
end

local function clear()
  if random(2) == 1 then
    while #objects > 0 do close(table.remove(objects, random(#objects))) end
  end
  objects, said = {}, { said[#said] }
  for _ = 1, 3 do collectgarbage() end
end

local function play(handles)
  hostile.start_round(round)
  furnish(furnish_views, hostile.names(), hostile.files())
  furnish(furnish_channels, hostile.names())
  for _ = 1, CALLS do act() end
  clear()
  remove_files()
  local file = left_in_memory()
  if file then fail(file .. " is left in memory") end
  if core.live() ~= 0 then fail(core.live() .. " maps, mappings and sync objects are left") end
  local left = process.handles() + adopted
  local counts = handles > 1 -- wine does not count handles
  if counts and left ~= handles then fail(("%d handles where %d were"):format(left, handles)) end
end

child.ready()
local start, told, calls = core.now(), core.now(), 0
round = 0
while round < ROUNDS and core.now() - start < SECONDS do
  math.randomseed(SEED + round)
  log:close()
  log = assert(io.open("calls", "w"))
  log:write(("round %d\n"):format(SEED + round))
  adopted = 0
  play(process.handles())
  round, calls = round + 1, calls + CALLS
  if core.now() - told > 2 then
    told = core.now()
    child.say(round .. " rounds")
  end
end
child.say(("DONE %d rounds of %d calls"):format(round, CALLS))
