-- Wake-ups: what ends the sleep of a process is another process that wakes it. A waiting process also looks
-- by itself every few milliseconds, so that a lost wake-up would only be a delay. Therefore the children of
-- these specs sleep without end (FM_TEST_SLEEP in src/base/test_hook.h). A wake-up that is lost leaves such a
-- child asleep, and its answer does not come.
local dict = require "filemap.dict"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local state = require "filemap.state"
local steps = require "spec.support.steps"
local support = require "spec.support"
local sync = require "filemap.sync"

local ROUNDS <const> = 3

support.clean()

-- A child whose sleeps have no end, and are printed if `kind` is "told".
local function endless(kind, name)
  local child = steps.child()
  child:ask("n = %q process = require('process') process.setenv('FILEMAP_SLEEPS', %q)", name, kind)
  return child
end

-- Does the kernel show each thread of the process as asleep?
local function sleeps(pid)
  for thread in require("lfs").dir(("/proc/%d/task"):format(pid)) do
    local file = tonumber(thread) and io.open(("/proc/%d/task/%s/stat"):format(pid, thread))
    local is_awake = file and not file:read("a"):find("%) S ")
    if file then file:close() end
    if is_awake then return false end
  end
  return true
end

-- Waits until a child that prints its sleeps is asleep. (On Windows it may only be about to sleep. The event
-- that wakes it is then set before.)
local function await_sleep(child)
  child:expect("^SLEEPS ")
  if not support.windows then support.eventually(function() return sleeps(child:pid()) end) end
end

-- The child's answer, after any number of other sleeps.
local function answer(child)
  local line
  repeat line = child:expect() until not line:find("^SLEEPS ")
  return line
end

local function close_all(objects)
  for _, object in ipairs(objects) do object:close() end
end

local function send_much(writer)
  repeat until not writer:send(("x"):rep(50), 0)
end

-- A sleep that another process ends: `open` makes what this process has, `prepare` what the child has. The
-- child sleeps in the call `wait`, until `act`, and then returns `gives`.
local sleepers = {
  ["a process that waits for a number"] = {
    open = function(name)
      local map <close> = assert(filemap.create(name, 64))
      return { assert(map:view()) }
    end,
    prepare = "v = filemap.open(n, 'rw'):view()",
    wait = "return v:wait_u32(0, 0)", gives = "5",
    act = function(view) view:store_u32(0, 5) view:wake(0) end,
  },
  ["a process that waits for a number of 64 bits"] = {
    open = function(name)
      local map <close> = assert(filemap.create(name, 64))
      return { assert(map:view()) }
    end,
    prepare = "v = filemap.open(n, 'rw'):view()",
    wait = "return v:wait_i64(8, 0)", gives = "4294967296",
    act = function(view) view:store_i64(8, 1 << 32) view:wake(8) end,
  },
  ["a reader of a mailslot"] = {
    open = function() return {} end,
    prepare = "s = mailslot.create(n)",
    wait = "return s:receive()", gives = "hello",
    act = function(name)
      local writer <close> = assert(mailslot.open(name))
      assert(writer:send("hello"))
    end,
  },
  ["a writer of a full mailslot"] = {
    open = function(name)
      local slot = assert(mailslot.create(name, { capacity = 200 }))
      local writer <close> = assert(mailslot.open(name))
      send_much(writer)
      return { slot }
    end,
    prepare = "w = mailslot.open(n)",
    wait = "return w:send(('x'):rep(50))", gives = "true",
    act = function(slot) repeat until not slot:receive(0) end,
  },
  ["a writer of a full mailslot whose reader closes"] = {
    open = function(name)
      local slot = assert(mailslot.create(name, { capacity = 200 }))
      local writer <close> = assert(mailslot.open(name))
      send_much(writer)
      return { slot }
    end,
    prepare = "w = mailslot.open(n)",
    wait = "return w:send(('x'):rep(50))", gives = "closed",
    act = function(slot) slot:close() end,
  },
  ["a reader of a state"] = {
    open = function(name) return { assert(state.create(name, 100)) } end,
    prepare = "s = state.open(n)",
    wait = "return s:wait(0)", gives = "value 1",
    act = function(writer) writer:publish("value") end,
  },
  ["a listener"] = {
    open = function() return {} end,
    prepare = "l = pipe.listen(n)",
    wait = "c = l:accept() return c:receive()", gives = "hello",
    act = function(name)
      local conn <close> = assert(pipe.connect(name))
      assert(conn:send("hello"))
    end,
  },
  ["a connection that receives"] = {
    pipe = {}, wait = "return c:receive()", gives = "hello",
    act = function(conn) assert(conn:send("hello")) end,
  },
  ["a connection whose other end closes"] = {
    pipe = {}, wait = "return c:receive()", gives = "closed",
    act = function(conn) conn:close() end,
  },
  ["a connection that sends into a full pipe"] = {
    pipe = { capacity = 200 },
    wait = "while c:send(('x'):rep(50), 0) do end return c:send(('x'):rep(50))", gives = "true",
    act = function(conn) for _ = 1, 2 do assert(conn:receive(0)) end end,
  },
  ["a connection that sends, and whose other end closes"] = {
    pipe = { capacity = 200 },
    wait = "while c:send(('x'):rep(50), 0) do end return c:send(('x'):rep(50))", gives = "closed",
    act = function(conn) conn:close() end,
  },
  ["a stream that reads"] = {
    pipe = { stream = true }, wait = "return c:read('l')", gives = "line",
    act = function(conn) assert(conn:write("line\n")) end,
  },
  ["a stream that writes more than there is room for"] = {
    pipe = { stream = true, capacity = 200 }, wait = "c:write(('x'):rep(2000)) return 'written'",
    gives = "written",
    act = function(conn) assert.equal(("x"):rep(2000), conn:read(2000)) end,
  },
  ["a stream that writes, and whose other end reads ahead"] = {
    pipe = { stream = true, capacity = 200 }, wait = "c:write(('\\n'):rep(600)) return 'written'",
    gives = "written",
    act = function(conn) assert.equal("", conn:read("l")) end,
  },
  ["a process that waits for a key"] = {
    dictionary = true, wait = "return d:wait('k', 0)", gives = "5 1",
    act = function(d) assert(d:set("k", 5)) end,
  },
  ["a process that waits until a key is deleted"] = {
    dictionary = true, prepare = "d:set('k', 1)", wait = "return d:wait('k', 1)", gives = "nil 0",
    act = function(d) assert(d:delete("k")) end,
  },
  ["a process that waits until a dictionary is cleared"] = {
    dictionary = true, prepare = "d:set('k', 1)", wait = "return d:wait('k', 1)", gives = "nil 0",
    act = function(d) assert(d:clear()) end,
  },
  ["a process that waits until a key is incremented"] = {
    dictionary = true, wait = "return d:wait('k', 0)", gives = "3 1",
    act = function(d) assert(d:incr("k", 1, 2)) end,
  },
  ["a process that waits until a key is set by its version"] = {
    dictionary = true, wait = "return d:wait('k', 0)", gives = "5 1",
    act = function(d) assert(d:compare_set("k", 0, 5)) end,
  },
}

for _, s in pairs(sleepers) do
  if s.pipe then
    s.prepare = "c = pipe.connect(n)"
    s.open = function(name, child)
      local listener <close> = assert(pipe.listen(name, s.pipe))
      child:ask(s.prepare)
      return { assert(listener:accept()) }
    end
  elseif s.dictionary then
    local more = s.prepare or ""
    s.prepare = "d = dict.open(n) " .. more
    s.open = function(name) return { assert((dict.create_or_open(name))) } end
  end
end

-- The sync objects. On Windows they are the system's own.
local own = {
  ["a process that waits for an automatic event"] = {
    open = function(name) return { assert((sync.event(name))) } end,
    prepare = "e = sync.event(n)", wait = "return e:wait()", gives = "true",
    act = function(event) event:set() end,
  },
  ["a process that waits for a manual event"] = {
    open = function(name) return { assert((sync.event(name, { manual = true }))) } end,
    prepare = "e = sync.event(n)", wait = "return e:wait()", gives = "true",
    -- (A child that is only about to sleep, as it may be on Windows, would not see an event that is reset.)
    act = function(event)
      event:set()
      if not support.windows then event:reset() end
    end,
  },
  ["a process that acquires a semaphore"] = {
    open = function(name) return { assert((sync.semaphore(name, 0, 1))) } end,
    prepare = "s = sync.semaphore(n, 0, 1)", wait = "return s:acquire()", gives = "true",
    act = function(semaphore) semaphore:release() end,
  },
  ["a process that locks a mutex"] = {
    open = function(name)
      local mutex = assert((sync.mutex(name)))
      mutex:lock()
      return { mutex }
    end,
    prepare = "m = sync.mutex(n)", wait = "return m:lock()", gives = "true",
    act = function(mutex) mutex:unlock() end,
  },
}

-- One sleep, which `act` ends.
local function check_sleep(s, wait, gives)
  local name = support.unique("Local\\")
  local child = endless("told", name)
  local objects = s.open(name, child)
  if not s.pipe then child:ask(s.prepare) end
  child:start(wait)
  await_sleep(child)
  s.act(objects[1] or name)
  assert.equal(gives, answer(child))
  child:finish()
  close_all(objects)
end

local function wakes(what, s)
  it("wakes " .. what, function()
    for _ = 1, ROUNDS do check_sleep(s, s.wait, s.gives) end
  end)
end

describe("another process", function()
  for what, s in pairs(sleepers) do wakes(what, s) end

  it("wakes a writer that waits for the lock of a dictionary", function()
    for _ = 1, ROUNDS do
      local name = support.unique("Local\\")
      local d <close> = assert(dict.create_or_open(name))
      local holder, child = steps.child(), endless("told", name)
      for _, each in ipairs { holder, child } do each:ask("d = dict.open(%q) d:set('k', 0)", name) end
      holder:stop_at("locked", 1)
      assert.is_true(holder:stops("return d:set('k', 1)"))
      child:start("return d:set('k', 2)")
      await_sleep(child)
      assert.equal("true", holder:go_on())
      assert.equal("true", answer(child))
      assert.equal(2, (d:get("k")))
      holder:finish()
      child:finish()
    end
  end)
end)

support.only("posix", "on Windows these are the system's own objects", function()
  describe("another process", function()
    for what, s in pairs(own) do wakes(what, s) end
  end)
end)

-- By kind: the child's object, which is the last in the calls' names, as in "return s:receive()".
describe("another process wakes a process in wait_any", function()
  local variables = {
    ["a reader of a mailslot"] = "s", ["a reader of a state"] = "s", ["a listener"] = "l",
    ["a connection that receives"] = "c", ["a connection whose other end closes"] = "c",
    ["a stream that reads"] = "c", ["a process that waits for an automatic event"] = "e",
    ["a process that waits for a manual event"] = "e", ["a process that acquires a semaphore"] = "s",
    ["a process that locks a mutex"] = "m",
  }
  for what, variable in pairs(variables) do
    local s = sleepers[what] or own[what]
    it("for " .. what, function()
      for _ = 1, ROUNDS do
        check_sleep(s, ("i = sync.event(n .. 'i') return sync.wait_any { i, %s }"):format(variable), "2")
      end
    end)
  end
end)

-- A process can sleep on 128 objects on Linux and on 64 on Windows. It looks at more of them every few
-- milliseconds. This child is stopped after it has looked, and before it sleeps.
describe("a process that waits for 200 objects", function()
  it("notices each one that another process makes ready while it sleeps", function()
    local name, made = support.unique("Local\\"), {}
    for i = 1, 200 do made[i] = assert((sync.event(name .. i))) end
    local child = endless("endless", name)
    child:ask("e = {} for i = 1, 200 do e[i] = sync.event(n .. i) end")
    for _, i in ipairs { 1, 64, 65, 128, 129, 200 } do
      child:stop_at("sleep", 1)
      assert.is_true(child:stops("return sync.wait_any(e)"))
      made[i]:set()
      assert.equal(tostring(i), child:go_on())
    end
    child:finish()
    close_all(made)
  end)
end)

describe("another process wakes the thread of pollables", function()
  local POLLS <const> = 20

  -- The child polls one object after another. Its handle must become ready, and be clear after `drain`.
  local function check_polls(open, prepare, act, drain)
    local name = support.unique("Local\\")
    local child = endless("endless", name)
    local object <close> = open(name, child)
    child:ask(prepare .. " h = x:pollable()")
    for _ = 1, POLLS do
      child:start("return process.poll(h, %d)", support.deadline)
      if not support.windows then support.eventually(function() return sleeps(child:pid()) end) end
      act(object)
      assert.equal("true", child:expect())
      child:ask(drain)
      assert.equal("false", child:ask("return process.poll(h, 0)"))
    end
    child:finish()
  end

  it("of a reader of a mailslot", function()
    check_polls(function(name, child)
      child:ask("x = mailslot.create(n)")
      return assert(mailslot.open(name))
    end, "", function(writer) writer:send("hello") end, "x:receive(0)")
  end)

  it("of a reader of a state", function()
    check_polls(function(name) return assert(state.create(name, 10)) end, "x = state.open(n)",
      function(writer) writer:publish("value") end, "x:read(0)")
  end)

  it("of a connection", function()
    check_polls(function(name, child)
      local listener <close> = assert(pipe.listen(name))
      child:ask("x = pipe.connect(n)")
      return assert(listener:accept())
    end, "", function(conn) conn:send("hello") end, "x:receive(0)")
  end)

  it("of a listener", function()
    local conns = {}
    check_polls(function(name, child)
      child:ask("x = pipe.listen(n)")
      return setmetatable({ name = name }, { __close = function() close_all(conns) end })
    end, "", function(made) conns[#conns + 1] = assert(pipe.connect(made.name)) end, "x:accept(0):close()")
  end)

  support.only("posix", "on Windows polling an automatic event resets it", function()
    it("of an event, also when a process acquires it", function()
      local name = support.unique("Local\\")
      local child, event <close> = endless("endless", name), assert((sync.event(name)))
      child:ask("x = sync.event(n) h = x:pollable()")
      for _ = 1, POLLS do
        child:start("return process.poll(h, %d)", support.deadline)
        event:set()
        assert.equal("true", child:expect())
        support.eventually(function() return sleeps(child:pid()) end)
        assert.is_true(event:wait(0))
        child:ask("t = now() + %d while process.poll(h, 0) and now() < t do end", support.deadline)
        assert.equal("false", child:ask("return process.poll(h, 0)"))
      end
      child:finish()
    end)
  end)

  it("of an event that another process resets", function()
    local name = support.unique("Local\\")
    local child, event <close> = endless("endless", name), assert((sync.event(name, { manual = true })))
    child:ask("x = sync.event(n) h = x:pollable()")
    for _ = 1, POLLS do
      event:set()
      assert.equal("true", child:ask("return process.poll(h, %d)", support.deadline))
      if not support.windows then support.eventually(function() return sleeps(child:pid()) end) end
      event:reset()
      child:ask("t = now() + %d while process.poll(h, 0) and now() < t do end", support.deadline)
      assert.equal("false", child:ask("return process.poll(h, 0)"))
    end
    child:finish()
  end)

  it("that another thread waits for, when it closes an object", function()
    local child = endless("endless", support.unique("Local\\"))
    child:ask("a = mailslot.create(n) h = a:pollable()")
    for i = 1, POLLS do
      child:ask("b = mailslot.create(n .. %d) b:pollable()", i)
      if not support.windows then support.eventually(function() return sleeps(child:pid()) end) end
      assert.equal("closed", child:ask("b:close() return 'closed'"))
    end
    assert.equal("closed", child:ask("a:close() return 'closed'"))
    child:finish()
  end)
end)
