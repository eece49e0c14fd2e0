-- Calls methods in interpreted code while the collector works at each allocation, and while finalizers close
-- the objects. Each call must succeed or raise, and never read freed memory. Prints how many objects the
-- finalizers closed.
--   luajit finalizers.lua NAME
local filemap = require "filemap"
local child = require "spec.luajit.common"
local dict, mailslot, pipe = require "filemap.dict", require "filemap.mailslot", require "filemap.pipe"
local state, sync = require "filemap.state", require "filemap.sync"

local name = arg[1]
jit.off()
collectgarbage("setpause", 0)
collectgarbage("setstepmul", 1000000)

local closed, raised = 0, 0

-- Lets a finalizer close the object, or use it for another call, some steps of the collector later.
local function threaten(object, use)
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = function()
    if use then pcall(use, object) end
    object:close()
    closed = closed + 1
  end
end

local function view()
  local map = assert(filemap.create(nil, 4096))
  local v = assert(map:view())
  map:close()
  return v
end

local slot = assert(mailslot.create(name .. "-m", { capacity = 65536 }))
local writer = assert(state.create_or_open(name .. "-s", 1000))
writer:publish(("x"):rep(1000))
local base = assert(dict.create_or_open(name .. "-d"))
for i = 1, 20 do base:set("key" .. i, ("v"):rep(200)) end

-- What a test calls, by what makes its object.
local tests = {
  { view, function(v) return v:get_i32(8) end },
  { view, function(v) return v:get_i64(8) end },
  { view, function(v) v:set_f64(8, 1.5) end },
  { view, function(v) v:set_u64(8, 5LL) end },
  { view, function(v) return v:get_string(0, 16) end },
  { view, function(v) return v:get_string(0, 4096) end },
  { view, function(v) return v:get_cstring(0) end },
  { view, function(v) v:set_cstring(0, "abc", 100) end },
  { view, function(v) return v:get_utf16(0) end },
  { view, function(v) v:set_utf32(0, "Jörg", 100) end },
  { view, function(v) return v:find("needle") end },
  { view, function(v) v:copy(0, v, 100, 1000) end },
  { view, function(v) return v:equals(0, v, 100, 1000) end },
  { view, function(v) v:fill(0, 4096, 7) end },
  { view, function(v) return v:add_u64(8, 1) end },
  { view, function(v) return v:compare_exchange_i32(8, 0, 1) end },
  { view, function(v) return v:wait_u32(8, 1, 0) end },
  { view, function(v) return v:sub(0, 8), v:size(), tostring(v) end },
  { view, function(v) return v:flush() end },
  { function() return assert(filemap.create(nil, 4096)) end,
    function(m) return m:view(), m:size(), m:name(), tostring(m) end },
  { function() return assert(state.open(name .. "-s")) end, function(s) return s:read() end,
    function(s) return s:wait(0, 0) end },
  { function() return assert(dict.open(name .. "-d")) end, function(d) return d:get("key1") end,
    function(d) return d:get("key2") end },
  { function() return assert(dict.open(name .. "-d")) end, function(d) for _ in d:pairs() do end end },
  { function() return assert(dict.open(name .. "-d")) end, function(d) return d:incr("n", 1, 1) end },
  { function() return assert(sync.mutex(name .. "-x")) end, function(m) return m:lock(0), m:unlock() end },
  { function() return assert(sync.event(name .. "-e")) end,
    function(e) return sync.wait_any({ e, e }, 0), e:set(), e:wait(0) end },
  { function() return assert(mailslot.open(name .. "-m")) end,
    function(m) m:send("message", 0) return slot:receive(0) end },
  { function()
      local l = assert(pipe.listen(name .. "-p"))
      local c, a = assert(pipe.connect(name .. "-p")), assert(l:accept(1))
      l:close()
      for _ = 1, 3 do c:send(("y"):rep(500)) end
      return a
    end,
    function(c) return c:receive(0) end, function(c) return c:receive(0) end },
}

local expected = { "is closed", "used the object during the call", "closed object" }

local function is_expected(message)
  for _, text in ipairs(expected) do
    if tostring(message):find(text, 1, true) then return true end
  end
  return false
end

for _, test in ipairs(tests) do
  local make, call, use = test[1], test[2], test[3]
  for round = 1, 20 do
    local object = make()
    threaten(object, round % 2 == 0 and use or nil)
    for _ = 1, 3 do
      local well, message = pcall(call, object)
      if not well and not is_expected(message) then error(message) end
      if not well then raised = raised + 1 end
    end
  end
end
child.say(("closed %d times, raised %d times"):format(closed, raised))
