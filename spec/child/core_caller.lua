-- core_caller SEED FOLDER: calls every function of filemap.core and of the tables in it with wrong arguments.
-- The modules in Lua call these functions with arguments that they have checked. A program that requires
-- filemap.core can call them with any. Before each function it prints AT and the name, at the end DONE and
-- the number of calls. Its files are in FOLDER.
local child = require "spec.child.common"
local core = require "filemap.core"
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local struct = require "filemap.struct"
local sync = require "filemap.sync"

local random = math.random
math.randomseed(tonumber(arg[1]))
assert(lfs.chdir(arg[2]))

-- {-- Values ---------------------------------------------------------------------------------------

local function nothing() end

local map = assert(filemap.create(nil, 4096))
local view, closed = map:view(), map:view()
closed:unmap()
local Pair = struct.define("Pair", { { "a", "u32" }, { "b", "u16", 3 } })
local record, mutex = Pair:at(view, 0), assert((sync.mutex("spec-" .. process.pid() .. "-core")))

-- The code of a record's member, as src/lua/lrecord.c reads it.
local function code(kind, number, offset)
  return kind | number << 4 | offset << 15
end

-- Functions that make a system object, change a file or wait get these numbers only.
local few = { 0, -1, 1, 3, 0.5, 0 / 0, 1 / 0, -1 / 0, 4096, 1e300, math.maxinteger, math.mininteger }
local numbers = {
  2, 7, 10, 13, 14, 15, 16, 255, 256, 65535, 65536, 1 << 20, (1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 32,
  1 << 53, 1 << 62, 1 << 63, 3.0, code(0, 0, 4), code(11, 0, 0), code(13, 3, 0), code(14, 2047, 0),
  code(15, 2047, 0), code(2, 1, 1 << 48), math.maxinteger - 1, table.unpack(few),
}

-- Functions that make a string of a size that they are asked for get no size that fills the memory.
local sizes = {}
for _, n in ipairs(numbers) do
  if n <= 1 << 20 or n >= 1 << 53 then sizes[#sizes + 1] = n end
end
local make_strings = { check_string = true, encode_text = true }

local others = {
  false, true, "", "x", "r", "u8", "10", "-1", "a\0b", "\xff\xfe", ("y"):rep(5000), ("\0"):rep(64),
  ("\xff"):rep(64), string.pack("jj", code(3, 0, 0), code(12, 0, 0)), nothing, error, type, io.stdout, map,
  view, closed, record, record.b, mutex, view:array("u8", 0, 8), view:stream(), coroutine.create(nothing),
  coroutine.running(), {}, { 1, 2 }, { even = "a" }, { first = 1, last = 2 }, { same = "x" },
  { x = code(3, 0, 0), y = code(12, 0, 0) }, setmetatable({}, { __name = "filemap.view" }),
  setmetatable({}, getmetatable(view)),
  setmetatable({}, { __index = function() error("index") end, __len = function() return 1 << 62 end }),
  debug.getmetatable(view), debug.getmetatable(record), debug.getmetatable(record.b),
}

local given = {}
for i = 1, #others do given[others[i]] = true end

-- nil is as likely as each of the others.
local function any(list)
  local n = random(0, #list + #others)
  if n == 0 then return nil end
  if n <= #list then return list[n] end
  return others[n - #list]
end

-- {-- Calls ----------------------------------------------------------------------------------------

local calls = 0

-- What a program can do with a record, an array, or another result.
local uses = {
  function(o) return o.x, o.y, o.z end,
  function(o) return o[1], o[2], o[1 << 40] end,
  function(o) o.x, o.y = 1, "text" end,
  function(o) o[1], o[0], o[-1] = 1, 2, 3 end,
  function(o) return #o end,
  function(o) return core.record.locate(o) end,
  function(o) return core.record.slot(o, random(-1, 3)) end,
  function(o) return tostring(o) end,
  function(o) return o(record, any(numbers), any(numbers)) end,
  function(o) return o(record.b, any(numbers), any(numbers)) end,
}

local function call(f, list)
  calls = calls + 1
  local results = table.pack(pcall(f, table.unpack(list, 1, list.n)))
  for i = 2, results[1] and results.n or 1 do
    local kind = type(results[i])
    if kind == "userdata" or kind == "function" and f ~= core.view.getter and f ~= core.view.setter then
      for _, use in ipairs(uses) do pcall(use, results[i]) end
    end
    if kind == "userdata" and not given[results[i]] then pcall(function() results[i]:close() end) end
  end
end

-- Correct arguments, of which the calls change one or two.
local R <const> = core.record
local members = { x = code(3, 0, 0), y = code(14, 5, 8), z = code(15, 1, 0) }
local index, newindex = R.record_metamethods(members, nothing, nothing, 0)
local element, set_element, length = R.array_metamethods(4, 4, {}, nothing, nothing, true, 0)

-- Objects inside a record or a result: a record, an array of numbers, and one of objects.
local inner = { __index = index, __newindex = newindex }
local function inner_array(type)
  local mt = { 8, 5, "list" }
  mt.__index, mt.__newindex, mt.__len = R.array_metamethods(type, 4, {}, nothing, nothing, true, 8, 5)
  return mt
end
local inner_numbers, inner_objects = inner_array(4), inner_array(-1)
local function use_inside(o)
  for _, object in ipairs { R.new_inside(o, inner, 3), R.new_inside(o, inner_numbers),
    R.new_inside(o, inner_objects) } do
    for _, key in ipairs { "x", "y", "z", 1, 5, 6 } do
      pcall(function() return object[key] end)
      pcall(function() object[key] = 1 end)
    end
    assert(R.locate(object) == R.locate(o))
  end
end
uses[#uses + 1] = use_inside
use_inside(record)
local correct = {
  new = { view, 0, { __index = index, __newindex = newindex }, 3, "kept" },
  new_array = { view, 0, { __index = element, __newindex = set_element, __len = length }, 5, "list", true },
  new_inside = { record, inner, 3 }, locate = { record }, locate_array = { record.b, "get" },
  slot = { record, 1 },
  record_metamethods = { members, nothing, nothing, 4 },
  array_metamethods = { 4, 4, {}, nothing, nothing, true, 8, 5 },
  copy_whole = { view, 0, { even = "a" }, { a = code(4, 0, 0) }, 16 },
  read_records = { view, string.pack("jj", code(3, 0, 0), code(4, 0, 8)), { "a", "b" }, 0, 16, 3, 16 },
  unpack_numbers = { view, string.pack("jj", code(3, 0, 0), code(4, 0, 8)), 0, 16, { same = "a" },
    { a = code(4, 0, 0) } },
  unpack_within = { view, "i4", 0, 4 }, count_plain = { { 1 } }, new_table = { 10 }, plain_text = { "text" },
  check_number = { 1, "x", 4 }, check_integer = { 1, "get", 1, 1 }, check_elements = { 1, "get", 1, 2, 3 },
  check_timeout = { 1, "wait", 1 }, check_string = { "text", "name", 2, 10, false },
  encode_text = { "text", 2, false, 10 }, decode_text = { "t\0e\0", 2, false }, count_units = { "text", 2 },
  check_range = { view, "at", 1, 0, 4 }, is_open = { view }, type_name = { view },
  getter = { view, "u8" }, setter = { view, "u8" }, number = { "exists", 1, 2 }, explain = { 2 },
  kind = { view },
}

local function change(f, list, allowed)
  for i = 1, #list + 1 do
    for at = 0, #allowed + #others do
      local changed = { n = #list + (i > #list and 1 or 0), table.unpack(list) }
      changed[i] = at > 0 and (allowed[at] or others[at - #allowed]) or nil
      call(f, changed)
      changed[random(#list)] = any(allowed)
      call(f, changed)
    end
    call(f, { n = i - 1, table.unpack(list, 1, i - 1) })
  end
end

-- The specs of views close them. `execute` gets values that are not text only: a shell would run them.
local left_out = { close = true, unmap = true, execute = true }
for _, value in ipairs { {}, print, view, coroutine.running() } do assert(not pcall(core.execute, value)) end
assert(not pcall(core.execute))

-- Calls that wait, and the argument that is their time-out: nil, or a number in place of it, would wait.
local waits = { sleep = 1, connect = 2, wait_any = 2, wait_i32 = 4, wait_u32 = 4, wait_i64 = 4, wait_u64 = 4 }

local function vary(name, f, list, times)
  for _ = 1, times do
    local values = { n = random(0, 6) }
    for i = 1, values.n do values[i] = any(list) end
    if random(2) == 1 then values[1] = view end
    if waits[name] then values[waits[name]], values.n = 0, math.max(values.n, waits[name]) end
    call(f, values)
  end
end

local function try_all(t, path)
  local names = {}
  for name, value in pairs(t) do
    local kind = type(value)
    if type(name) == "string" and (kind == "function" or kind == "table") and not left_out[name] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = t[name]
    if type(value) == "table" then try_all(value, path .. name .. ".")
    else
      local harmless = correct[name] or t == core.view or t == R
      local allowed = make_strings[name] and sizes or harmless and numbers or few
      child.say("AT", path .. name)
      if not waits[name] then call(value, { n = 0 }) end
      vary(name, value, allowed, 400)
      if correct[name] then change(value, correct[name], allowed) end
      assert(core.is_open(view), name)
      collectgarbage()
    end
  end
end

child.ready()
try_all(core, "")
child.say("DONE", calls)
os.exit(0)
