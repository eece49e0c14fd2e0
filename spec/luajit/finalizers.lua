-- Calls each method in interpreted code, where the collector works at each allocation, again and again: each
-- time a finalizer closes the object at a later allocation, or uses it for another call and then closes it.
-- Each call must succeed or raise, and never read freed memory. Prints in how many calls that happened.
--   luajit finalizers.lua NAME
local filemap = require "filemap"
local child = require "spec.luajit.common"
local dict, mailslot, pipe = require "filemap.dict", require "filemap.mailslot", require "filemap.pipe"
local state, sync = require "filemap.state", require "filemap.sync"

local name = arg[1]
jit.off()
collectgarbage("setpause", 0)           -- a cycle begins at each allocation
collectgarbage("setstepmul", 1000000)   -- and ends in it

-- Lets a finalizer of the n-th cycle from now on close the object. Returns a function that tells whether it
-- has done so.
local function threaten(object, n, use)
  local closed = false
  local function arm(left)
    getmetatable(newproxy(true)).__gc = function()
      if left > 1 then return arm(left - 1) end
      if use then pcall(use, object) end
      object:close()
      closed = true
    end
  end
  arm(n)
  return function() return closed end
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
for i = 1, 20 do base:set("key" .. i, tostring(i):rep(200)) end

-- Raises if a call returned other bytes than it should.
local function is(expected, value)
  if value and value ~= expected then error("the call returned other bytes: " .. value:sub(1, 20)) end
end

-- The objects of a call, one of which a finalizer replaces by the other one.
local changing, other = nil, assert(sync.event(name .. "-o"))

local function fail_elsewhere() filemap.open(name .. "-none") end

-- Raises unless a call failed with this code, and with a message that begins so.
local function fails(expected, beginning, _, message, code)
  if code ~= expected or message:find(beginning, 1, true) ~= 1 then
    error(("the call failed with %s: %s"):format(code, message))
  end
end

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
  { view, function(v) fails("timeout", "unnamed map: ", v:wait_u32(8, 0, 0)) end, fail_elsewhere },
  { view, function(v) fails("timeout", "unnamed map: ", v:wait_i64(8, 0, 0)) end, fail_elsewhere },
  { view, function(v) return v:sub(0, 8), v:size(), tostring(v) end },
  { view, function(v) return v:flush(), v:advise("normal"), v:pin(), v:unpin(), v:commit(0, 8) end },
  { view, function(v) return v:pointer("int32_t", 8, 4) end },
  { view, function(v) local get = v:getter "i64" return get(8), get("8"), get(8LL) end },
  { view, function(v) v:setter "u32"(8, 7ULL) end },
  { view, function(v) v:set_string(0, "text") v:wake(0) end },
  { view, function(v) return v:get_utf32(0), v:access(), #v end },
  { view, function(v) v:get_i32(-1) end },
  { view, function(v) v:set_i32(0, "x") end },
  { function() return assert(filemap.create(nil, 4096)) end,
    function(m) return m:view(), m:size(), m:name(), tostring(m) end },
  { function() return assert(state.open(name .. "-s")) end, function(s) is(("x"):rep(1000), s:read()) end,
    function(s) return s:wait(0, 0) end },
  { function() return assert(dict.open(name .. "-d")) end, function(d) is(("1"):rep(200), d:get("key1")) end,
    function(d) return d:get("key2") end },
  { function() return assert(dict.open(name .. "-d")) end, function(d) for _ in d:pairs() do end end },
  { function() return assert(dict.open(name .. "-d")) end, function(d) return d:incr("n", 1, 1) end },
  { function() return assert(filemap.create(nil, 4096)) end,
    function(m) return m:refresh(), m:resize(8), m:handle(), m:access(), #m end },
  { function() return assert(dict.open(name .. "-d")) end,
    function(d) return d:set("a", 0.5), d:delete("a"), d:compare_set("b", 7, true) end },
  { function() return assert(dict.open(name .. "-d")) end,
    function(d) return d:info(), d:wait("a", 0, 0), d:add("z", 1) end },
  { function() return assert(state.create(name .. "-w", 100)) end,
    function(s) return s:publish("value"), tostring(s), s:pollable() end },
  { function() return assert(sync.semaphore(name .. "-y", 0, 9)) end,
    function(s) return s:release(2), s:acquire(0), tostring(s) end },
  { function() return assert(pipe.listen(name .. "-q", { stream = true })) end,
    function(l)
      local c = pipe.connect(name .. "-q") -- nil after the listener was closed
      local a = l:accept(0)
      return c and c:write("line\n", 5), a and a:read(), l:pollable()
    end },
  { function()
      local l = assert(pipe.listen(name .. "-r", { stream = true }))
      local c, a = assert(pipe.connect(name .. "-r")), assert(l:accept(1))
      c:write(("1"):rep(300), "\n", ("2"):rep(300), "\n")
      return a
    end,
    function(a) is(("1"):rep(300), a:read()) a:write("x", 1) a:read(2) end, function(a) a:read() end },
  { function() return assert(sync.mutex(name .. "-x")) end, function(m) return m:lock(0), m:unlock() end },
  { function() return assert(sync.event(name .. "-e")) end,
    function(e) return sync.wait_any({ e, e }, 0), e:set(), e:wait(0) end },
  { function() return assert(state.create(name .. "-v", 10)) end,
    function(s)
      fails("denied", name .. "-v: object 1 of wait_any: ", sync.wait_any({ s }, 0))
    end, fail_elsewhere },
  { function() return assert(sync.event(name .. "-e2")) end,
    function(e)
      changing = { e, other }
      fails("timeout", "wait_any: ", sync.wait_any(changing, 0))
    end,
    function(e)
      e:close()
      changing[1] = other
      for _ = 1, 50 do view():close() end -- other objects in the memory of the closed one
    end },
  { function() return assert(mailslot.open(name .. "-m")) end,
    function(m) m:send("message", 0) return slot:receive(0) end },
  { function()
      local l = assert(pipe.listen(name .. "-p"))
      local c, a = assert(pipe.connect(name .. "-p")), assert(l:accept(1))
      l:close()
      for i = 1, 3 do c:send(tostring(i):rep(500)) end
      return a
    end,
    function(c) is(("1"):rep(500), c:receive(0)) end, function(c) return c:receive(0) end },
}

local expected = { "is closed", "used the object during the call", "closed object", "offset -1 is negative",
  "number expected, got string" }

local function is_expected(message)
  for _, text in ipairs(expected) do
    if tostring(message):find(text, 1, true) then return true end
  end
  return false
end

-- Calls a method while the object is closed at the n-th allocation. Returns whether that came to pass.
local function call_and_close(test, n, use)
  local make, call = test[1], test[2]
  collectgarbage("stop")
  local object = make()
  local is_closed = threaten(object, n, use)
  collectgarbage("restart")
  local well, message = pcall(call, object)
  collectgarbage("stop")
  object:close()
  if not well and not is_expected(message) then error(message) end
  return is_closed()
end

local count = 0
for _, test in ipairs(tests) do
  for _, use in ipairs { false, test[3] } do
    local n = 1
    while call_and_close(test, n, use) do n = n + 1 end
    count = count + n - 1
  end
end
child.say(("closed %d times"):format(count))
