-- Handles for event loops: x:pollable(), polled with poll(2), or on Windows WaitForSingleObject.
--
-- FILEMAP_ROUNDS sets the number of rounds of the traffic between processes (default 2000).
local check = require "spec.support.check"
local lfs = require "lfs"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

local contains, fails, raises = check.contains, check.fails, check.raises

local ROUNDS <const> = tonumber(os.getenv("FILEMAP_ROUNDS")) or support.windows and 200 or 2000

local function is_ready(handle) return process.poll(handle, 0) end
local function becomes_ready(handle) return process.poll(handle, support.deadline) end

-- Waits until a handle that another process drains is clear.
local function becomes_clear(handle)
  local until_then = process.now() + support.deadline
  while is_ready(handle) and process.now() < until_then do process.sleep(0.001) end
  return not is_ready(handle)
end

-- Both ends of a connection in this process, for <close>.
local Pair = {}
function Pair.__close(pair)
  pair.client:close()
  pair.server:close()
end

local function connect(options)
  local name = support.unique()
  local listener <close> = assert(pipe.listen(name, options))
  local client = assert(pipe.connect(name))
  return setmetatable({ name = name, client = client, server = assert(listener:accept()) }, Pair)
end

describe("a pollable", function()
  support.clean()

  it("of a listener is ready while a client waits", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name))
    local handle = assert(listener:pollable())
    assert.equal("integer", math.type(handle))
    assert.is_false(is_ready(handle))
    local child = support.child("evaluator")
    child:start("a, b = pipe.connect(%q), pipe.connect(%q)", name, name)
    assert.is_true(becomes_ready(handle))
    child:expect()
    assert(listener:accept(0)):close()
    assert.is_true(is_ready(handle))
    assert(listener:accept(0)):close()
    assert.is_false(is_ready(handle))
    fails("timeout", name, listener:accept(0))
    child:finish()
    assert.is_false(is_ready(handle))
  end)

  it("of a connection is ready while there is a message", function()
    local pair <close> = connect()
    local client, server = pair.client, pair.server
    local handle = assert(server:pollable())
    assert.is_false(is_ready(handle))
    client:send("one")
    client:send("two")
    assert.is_true(becomes_ready(handle))
    assert.equal("one", server:receive(0))
    assert.is_true(is_ready(handle))
    assert.equal("two", server:receive(0))
    assert.is_false(is_ready(handle))
    fails("timeout", pair.name, server:receive(0))
    assert.is_false(is_ready(handle))
    client:send("three")
    assert.is_true(becomes_ready(handle))
    assert.equal("three", server:receive())
    assert.is_false(is_ready(handle))
  end)

  it("of a connection is ready when the other end closes, and stays so", function()
    local pair <close> = connect()
    local client, server = pair.client, pair.server
    local handle = assert(server:pollable())
    client:send("last")
    client:close()
    assert.is_true(becomes_ready(handle))
    assert.equal("last", server:receive(0))
    assert.is_true(is_ready(handle))
    fails("closed", pair.name, server:receive(0))
    assert.is_true(is_ready(handle))
  end)

  -- Returns after how many seconds a pollable shows that the other end was killed.
  local function notice_death()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name))
    local child = support.child("evaluator")
    child:ask("c = pipe.connect(%q)", name)
    local server <close> = assert(listener:accept())
    local handle = assert(server:pollable())
    process.sleep(0.02)
    assert.is_false(is_ready(handle))
    child:kill()
    child:wait(support.deadline)
    local start = process.now()
    assert.is_true(becomes_ready(handle))
    local seconds = process.now() - start
    fails("closed", name, server:receive(0))
    return seconds
  end

  -- (On a busy machine other processes may have the processors, so the best of some tries counts.)
  it("of a connection is ready within 100 ms after the other end was killed", function()
    local limit, best = support.deadline > 30 and 1 or 0.1, math.huge
    for _ = 1, 20 do
      best = math.min(best, notice_death())
      if best < limit then return end
    end
    error(("the best of 20 took %g seconds"):format(best))
  end)

  it("of a stream counts the bytes that were read ahead", function()
    local pair <close> = connect { stream = true }
    local client, server = pair.client, pair.server
    local handle = assert(server:pollable())
    client:write("one\ntwo\n")
    assert.is_true(becomes_ready(handle))
    assert.equal("one", server:read("l"))
    assert.is_true(is_ready(handle))
    assert.equal("two", server:read("l"))
    assert.is_false(is_ready(handle))
    client:write("abc")
    assert.is_true(becomes_ready(handle))
    assert.equal("ab", server:read(2))
    assert.is_true(is_ready(handle))
    assert.equal("c", server:read(1))
    assert.is_false(is_ready(handle))
    client:close()
    assert.is_true(becomes_ready(handle))
    assert.equal("", server:read("a"))
    assert.is_true(is_ready(handle))
  end)

  it("of a mailslot's reader is ready while there is a message", function()
    local name = support.unique()
    local slot <close> = assert(mailslot.create(name))
    local child = support.child("evaluator")
    child:ask("w = mailslot.open(%q) w:send('before')", name)
    local handle = assert(slot:pollable())
    assert.is_true(is_ready(handle))
    assert.equal("before", slot:receive(0))
    assert.is_false(is_ready(handle))
    child:start("w:send('after')")
    assert.is_true(becomes_ready(handle))
    assert.equal("after", slot:receive())
    child:expect()
    assert.is_false(is_ready(handle))
    child:finish()
  end)

  it("of a state's reader is ready while there is a newer value than the one that was read last", function()
    local name = support.unique()
    local writer <close> = assert(state.create(name, 100))
    local reader <close> = assert(state.open(name))
    local handle = assert(reader:pollable())
    assert.is_false(is_ready(handle))
    writer:publish("a")
    writer:publish("b")
    assert.is_true(becomes_ready(handle))
    assert.equal("b", (reader:read(0)))
    assert.is_false(is_ready(handle))
    writer:publish("c")
    assert.is_true(becomes_ready(handle))
    assert.equal("c", (reader:wait(2)))
    assert.is_false(is_ready(handle))
  end)

  support.only("posix", "an unprivileged user needs another POSIX user")(
    "of a state that may not be written is ready too", function()
    local name = support.unique("Global\\")
    local writer <close> = assert(state.create(name, 100, { mode = "0644" }))
    local child = support.child("evaluator")
    if child:ask("require('process').become(65534) return 'other'") ~= "other" then return end
    child:ask("r = assert(state.open(%q)) h = assert(r:pollable())", name)
    assert.equal("false", child:ask("return require('process').poll(h, 0.02)"))
    child:start("return require('process').poll(h, %d)", support.deadline)
    writer:publish("a")
    assert.equal("true", child:expect())
    assert.equal("a", child:ask("return (r:read(0))"))
    assert.equal("false", child:ask("return require('process').poll(h, 0)"))
    child:finish()
  end)

  it("of a manual event is ready while the event is set, by whichever process", function()
    local name = support.unique()
    local event <close> = assert(sync.event(name, { manual = true, set = true }))
    local handle = assert(event:pollable())
    assert.is_true(is_ready(handle))
    assert.is_true(event:wait(0))
    assert.is_true(is_ready(handle))
    event:reset()
    assert.is_false(is_ready(handle))
    event:set()
    assert.is_true(is_ready(handle))
    local child = support.child("evaluator")
    child:ask("e = sync.event(%q, { manual = true }) e:reset()", name)
    assert.is_true(becomes_clear(handle))
    child:start("e:set()")
    assert.is_true(becomes_ready(handle))
    child:expect()
    child:finish()
  end)

  support.only("posix", "on Windows polling an automatic event resets it", function()
    it("of an automatic event is ready until a process acquires it", function()
      local name = support.unique()
      local event <close> = assert(sync.event(name))
      local other <close> = assert(sync.event(name))
      local handle, second = assert(event:pollable()), assert(other:pollable())
      assert.is_true(handle ~= second)
      local child = support.child("evaluator")
      child:ask("e = sync.event(%q)", name)
      for _ = 1, 20 do
        child:start("e:set()")
        assert.is_true(becomes_ready(handle))
        assert.is_true(becomes_ready(second))
        child:expect()
        assert.is_true(event:wait(0))
        assert.is_false(is_ready(handle))
        assert.is_true(becomes_clear(second))
        event:set()
        assert.is_true(is_ready(handle))
        assert.is_true(becomes_ready(second))
        assert.equal("true", child:ask("return e:wait(0)"))
        assert.is_true(becomes_clear(handle))
        assert.is_true(becomes_clear(second))
        event:set()
        assert.equal(1, sync.wait_any({ event }, 0))
        assert.is_false(is_ready(handle))
      end
      child:finish()
    end)
  end)

  it("is the same handle each time", function()
    local slot <close> = assert(mailslot.create(support.unique()))
    assert.equal(assert(slot:pollable()), slot:pollable())
  end)

  it("makes room for a writer that waits", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name, { capacity = 1000 }))
    local child = support.child("evaluator")
    child:ask("c = assert(pipe.connect(%q))", name)
    local conn <close> = assert(listener:accept())
    local handle = assert(conn:pollable())
    child:start("for i = 1, 1000 do assert(c:send(('x'):rep(1 + i * 7 %% 1000))) end return 'sent'")
    for i = 1, 1000 do
      assert.is_true(becomes_ready(handle))
      assert.equal(1 + i * 7 % 1000, #conn:receive(0))
    end
    assert.equal("sent", child:expect())
    child:finish()
  end)

  it("misses no message and is never ready for nothing, while many processes send", function()
    local OBJECTS <const> = 10
    local slots, handles, names = {}, {}, {}
    for i = 1, OBJECTS do
      names[i] = support.unique()
      slots[i] = assert(mailslot.create(names[i]))
      handles[i] = assert(slots[i]:pollable())
    end
    local children = {}
    for c = 1, 2 do
      children[c] = support.child("evaluator")
      children[c]:ask("names = { %s } w = {} for i, n in ipairs(names) do w[i] = mailslot.open(n) end",
        ("%q, "):rep(OBJECTS):format(table.unpack(names)))
      children[c]:start("for i = 1, %d do w[i %% %d + 1]:send('message', 10) end return 'sent'", ROUNDS,
        OBJECTS)
    end
    local left = 2 * ROUNDS
    while left > 0 do
      local any = false
      for i = 1, OBJECTS do
        if is_ready(handles[i]) then
          any, left = true, left - 1
          assert.equal("message", slots[i]:receive(0))
        end
      end
      if not any then process.poll(handles[left % OBJECTS + 1], 0.001) end
    end
    for i = 1, OBJECTS do
      assert.is_false(is_ready(handles[i]))
      slots[i]:close()
    end
    for _, child in ipairs(children) do
      assert.equal("sent", child:expect())
      child:finish()
    end
  end)

  it("answers a process that waits for each answer", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name))
    local child = support.child("evaluator")
    child:ask("c = assert(pipe.connect(%q))", name)
    local conn <close> = assert(listener:accept())
    local handle = assert(conn:pollable())
    child:start("for i = 1, %d do c:send(tostring(i)) assert(c:receive(20) == tostring(i)) end return 'done'",
      ROUNDS)
    for _ = 1, ROUNDS do
      assert.is_true(becomes_ready(handle))
      conn:send(assert(conn:receive(0)))
    end
    assert.equal("done", child:expect())
    child:finish()
  end)
end)

describe("the thread of pollables", function()
  support.clean()

  it("runs only while an object of the process has one", function()
    local before = process.threads()
    local one, two = assert(mailslot.create(support.unique())), assert(mailslot.create(support.unique()))
    local event <close> = assert(sync.event(support.unique()))
    fails("timeout", "wait_any", sync.wait_any({ event, one }, 0.01))
    assert.equal(before, process.threads())
    for _ = 1, 20 do
      one:pollable()
      two:pollable()
      assert.equal(before + 1, process.threads())
      one:close()
      assert.equal(before + 1, process.threads())
      two:close()
      assert.equal(before, process.threads())
      one, two = assert(mailslot.create(support.unique())), assert(mailslot.create(support.unique()))
    end
    one:close()
    two:close()
  end)

  it("ends when the last object is collected as garbage", function()
    local before, handles = process.threads(), process.handles()
    for _ = 1, 5 do
      assert(assert(mailslot.create(support.unique())):pollable())
      assert(assert(sync.event(support.unique(), { manual = true })):pollable())
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, process.threads())
    if not support.windows then assert.equal(handles, process.handles()) end
  end)

  local function sleep_second() process.sleep(1) end

  it("uses less than 20 ms of processor time a second while 50 objects are idle", function()
    local objects = {}
    for i = 1, 25 do
      objects[2 * i - 1] = assert(mailslot.create(support.unique()))
      objects[2 * i] = assert(sync.event(support.unique(), { manual = true }))
      objects[2 * i - 1]:pollable()
      objects[2 * i]:pollable()
    end
    support.assert_idle(sleep_second)
    for _, object in ipairs(objects) do object:close() end
  end)

  it("has a second one for more objects than one system call can wait for", function()
    local COUNT <const> = 150
    local objects, handles, names, threads = {}, {}, {}, process.threads()
    for i = 1, COUNT do
      names[i] = support.unique()
      objects[i] = assert(mailslot.create(names[i]))
      handles[i] = assert(objects[i]:pollable())
    end
    assert.equal(threads + (support.windows and 3 or 2), process.threads())
    support.assert_idle(sleep_second)
    for i = COUNT, 1, -7 do
      local writer <close> = assert(mailslot.open(names[i]))
      writer:send("x")
      assert.is_true(becomes_ready(handles[i]))
      assert.equal("x", objects[i]:receive(0))
      assert.is_false(is_ready(handles[i]))
    end
    for _, object in ipairs(objects) do object:close() end
    assert.equal(threads, process.threads())
  end)

  support.only("posix", "fork and signals are POSIX's", function()
    -- (In a forked child qemu has a thread of its own.)
    support.natively(it)("leaves nothing in a forked child, which opens handles of its own", function()
      local name = support.unique()
      local event <close> = assert(sync.event(name, { manual = true }))
      local slot <close> = assert(mailslot.create(support.unique()))
      local handle, other = assert(event:pollable()), assert(slot:pollable())
      local handles = process.handles()
      event:set()
      assert.equal(0, process.forked(function()
        if process.threads() ~= 1 then return 1 end
        if process.handles() >= handles then return 2 end
        if select(3, slot:pollable()) ~= "denied" then return 3 end
        event:reset()
        local own = assert(event:pollable())
        if is_ready(own) then return 4 end
        event:set()
        if not is_ready(own) then return 5 end
        if process.threads() ~= 2 then return 6 end
        event:close()
        slot:close()
        if process.threads() ~= 1 then return 7 end
      end))
      assert.is_true(becomes_ready(handle))
      assert.is_false(is_ready(other))
      event:reset()
      assert.is_false(is_ready(handle))
    end)

    support.natively(it)("survives forks while messages come", function()
      local name = support.unique()
      local slot <close> = assert(mailslot.create(name))
      local handle = assert(slot:pollable())
      local child = support.child("evaluator")
      child:ask("w = mailslot.open(%q)", name)
      child:start("for i = 1, 300 do w:send('m', 10) end return 'sent'")
      for i = 1, 300 do
        assert.is_true(becomes_ready(handle))
        if i % 10 == 0 then assert.equal(0, process.forked(function() return process.threads() - 1 end)) end
        assert.equal("m", slot:receive(0))
      end
      assert.equal("sent", child:expect())
      child:finish()
    end)

    -- Is there a thread in which SIGINT (2), SIGTERM (15) and SIGCHLD (17) are blocked, and SIGBUS (7) is
    -- not?
    local function has_thread_without_signals()
      for thread in lfs.dir("/proc/self/task") do
        local file = io.open("/proc/self/task/" .. thread .. "/status")
        local mask = file and tonumber(file:read("a"):match("SigBlk:%s*(%x+)"), 16)
        if file then file:close() end
        if mask and mask & 0x14042 == 0x14002 then return true end
      end
      return false
    end

    it("is not where a program's signals arrive", function()
      local slot <close> = assert(mailslot.create(support.unique()))
      assert(slot:pollable())
      local until_then = process.now() + support.deadline -- the thread has to start
      while not has_thread_without_signals() and process.now() < until_then do process.sleep(0.001) end
      assert.is_true(has_thread_without_signals())
    end)

    support.losing(it)("reports an object whose memory another process truncates", function()
      local name = support.unique("/")
      local slot = assert(mailslot.create(name))
      local handle = assert(slot:pollable())
      local file = assert(io.open("/dev/shm" .. name, "w"))
      file:close()
      assert.is_true(becomes_ready(handle))
      fails("truncated", name, slot:receive(0))
      slot:close()
    end)

    it("fails when the process may open no more descriptors, and starts nothing", function()
      local slot <close> = assert(mailslot.create(support.unique()))
      local threads, before = process.threads(), process.limit("files", 3)
      local handle, message, code = slot:pollable()
      process.limit("files", before)
      assert.is_nil(handle)
      assert.is_string(message)
      assert.equal("system", code)
      assert.equal(threads, process.threads())
      assert(slot:pollable())
    end)
  end)
end)

describe("pollable", function()
  support.clean()

  it("fails with denied for an end that cannot receive", function()
    local name, other = support.unique(), support.unique()
    local writer <close> = assert(state.create(name, 10))
    fails("denied", name, writer:pollable())
    local slot = assert(mailslot.create(other))
    local sender <close> = assert(mailslot.open(other))
    fails("denied", other, sender:pollable())
    slot:close()
  end)

  it("raises for a closed object, and does not exist for mutexes and semaphores", function()
    local event = assert(sync.event(support.unique()))
    event:pollable()
    event:close()
    contains("is closed", raises(event, "pollable"))
    local mutex <close> = assert(sync.mutex(support.unique()))
    local semaphore <close> = assert(sync.semaphore(support.unique(), 0, 1))
    assert.is_nil(mutex.pollable)
    assert.is_nil(semaphore.pollable)
  end)
end)
