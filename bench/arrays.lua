-- Arrays: single elements and whole arrays.
local limit = require "limit"
local subjects = require "bench.subjects"

local COUNT = 1000000

local topic = { name = "arrays", title = "Arrays",
  how = "`a` is an array of a view. `c` is an array of the C limit, whose `__index` and `__newindex` are C "
    .. "functions. They check self by the address of its metatable, and the type and range of the index "
    .. "and the value. They do nothing else." }

-- Returns the same thousand i32 as an array, as the C limit's array, and as a table.
local function small()
  local t = {}
  for i = 1, 1000 do t[i] = i end
  local view, block = subjects.twins(string.pack(("i4"):rep(#t), table.unpack(t)))
  return view:array("i32", 0, #t), limit.array_i32(block, 0, #t), t
end

local read = { id = "a[i]", work = "`a[i]`, i32", needs = { "array" },
  how = "Reads one of a thousand elements repeatedly. A Lua table shows the speed of Lua itself.",
  bounds = { { against = "C limit", most = 1.2 } } }

function read.competitors()
  local a, c, t = small()
  return {
    { "filemap", "local x = a[k]", { a = a, k = 17 } },
    { "C limit", "local x = c[k]", { c = c, k = 17 } },
    { "Lua table", "local x = t[k]", { t = t, k = 17 } },
  }
end

local write = { id = "a[i] = x", work = "`a[i] = x`, i32", needs = { "array" },
  how = "Writes one element, compared with a C `__newindex`. It has no bound." }

function write.competitors()
  local a, c, t = small()
  return {
    { "filemap", "a[k] = 42", { a = a, k = 17 } },
    { "C limit", "c[k] = 42", { c = c, k = 17 } },
    { "Lua table", "t[k] = 42", { t = t, k = 17 } },
  }
end

-- Returns a million f32 as an array, a block and a string.
local function large()
  local words = {}
  for i = 1, COUNT do words[i] = string.pack("f", i / 3) end
  local s = table.concat(words)
  local view, block = subjects.twins(s)
  return view:array("f32", 0, COUNT), block, s
end

local get = { id = "array get", garbage = true, work = "`a:get()`, a million f32", needs = { "array" },
  how = "Makes a table of all elements, compared with a C loop that fills such a table, and with a loop of "
    .. "`string.unpack` over an existing string.",
  bounds = { { against = "C limit", most = 1.25 } } }

function get.competitors()
  local a, c, s = large()
  return {
    { "filemap", "local t = a:get()", { a = a } },
    { "C limit", "local t = c:table(0, n)", { c = c, n = COUNT } },
    { "string.unpack", 'local t = {} for k = 1, n do t[k] = unpack("f", s, 4 * k - 3) end',
      { s = s, n = COUNT, unpack = string.unpack } },
  }
end

local set = { id = "array set", garbage = true, work = "`a:set(1, t)`, a million f32", needs = { "array" },
  how = "Checks and stores a table, all or none, compared with a C loop that stores each number as it comes, "
    .. "and with a loop of `string.pack` whose results are joined.",
  bounds = { { against = "C limit", most = 1.25 } } }

function set.competitors()
  local a, c = large()
  return {
    { "filemap", "a:set(1, t)", { a = a, t = c:table(0, COUNT) } },
    { "C limit", "c:set_table(0, t)", { c = c, t = c:table(0, COUNT) } },
    { "string.pack", 'local r = {} for k = 1, n do r[k] = pack("f", t[k]) end local s = join(r)',
      { n = COUNT, t = c:table(0, COUNT), pack = string.pack, join = table.concat } },
  }
end

topic.comparisons = { read, write, get, set }
return topic
