-- Waiting for the first of several objects: sync.wait_any.
local check = require "spec.support.check"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local state = require "filemap.state"
local steps = require "spec.support.steps"
local support = require "spec.support"
local sync = require "filemap.sync"

local raises, contains, fails = check.raises, check.contains, check.fails

local function close_all(objects)
  for _, object in ipairs(objects) do object:close() end
end

-- `count` events, with their names.
local function events(count, options)
  local made, names = {}, {}
  for i = 1, count do
    names[i] = support.unique()
    made[i] = assert(sync.event(names[i], options))
  end
  return made, names
end

describe("sync.wait_any", function()
  support.clean()

  it("returns the index of the first object that is ready, and acquires no other", function()
    local a <close> = assert(sync.semaphore(support.unique(), 0, 5))
    local b <close> = assert(sync.semaphore(support.unique(), 2, 5))
    local c <close> = assert(sync.event(support.unique(), { set = true }))
    local all = { a, b, c }
    assert.equal(2, sync.wait_any(all, 0))
    assert.equal(2, sync.wait_any(all))
    assert.equal(3, sync.wait_any(all, 1))
    fails("timeout", "wait_any", sync.wait_any(all, 0))
    fails("timeout", "wait_any", sync.wait_any(all, 0.02))
    c:set()
    a:release()
    assert.equal(1, sync.wait_any(all))
    assert.is_true(c:wait(0))
  end)

  it("locks a mutex, also one that this thread holds", function()
    local name = support.unique()
    local m <close> = assert(sync.mutex(name))
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q)", name)
    assert.equal(1, sync.wait_any { m })
    assert.equal(1, sync.wait_any { m })
    assert.equal("timeout", child:ask("return sync.wait_any({ m }, 0)"))
    m:unlock()
    assert.equal("timeout", child:ask("return sync.wait_any({ m }, 0)"))
    m:unlock()
    assert.equal("1", child:ask("return sync.wait_any({ m })"))
    fails("timeout", "wait_any", sync.wait_any({ m }, 0.02))
    child:ask("m:unlock()")
    child:finish()
  end)

  it("tells that the process that held a mutex was killed", function()
    local name = support.unique()
    local idle <close> = assert(sync.event(support.unique()))
    local m <close> = assert(sync.mutex(name))
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q) m:lock()", name)
    fails("timeout", "wait_any", sync.wait_any({ idle, m }, 0.02))
    child:kill()
    assert.same({ 2, "abandoned" }, { sync.wait_any({ idle, m }, support.deadline) })
    m:unlock()
    assert.same({ 2 }, { sync.wait_any { idle, m } })
    m:unlock()
  end)

  it("tells that the process that held the first mutex ended while it waited", function()
    local name = support.unique()
    local m <close> = assert(sync.mutex(name))
    local idle <close> = assert(sync.event(support.unique()))
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q) m:lock()", name)
    child:start("filemap.sleep(0.2) os.exit(0, false)")
    assert.same({ 1, "abandoned" }, { sync.wait_any({ m, idle }, support.deadline) })
    m:unlock()
    assert.is_false(pcall(m.unlock, m))
    assert.equal(0, child:wait(support.deadline))
  end)

  -- Calls wait_any until it returns 1, which takes no longer than the deadline.
  local function wait_for_first(objects)
    local latest <const> = filemap.now() + support.deadline
    local i, how
    repeat i, how = sync.wait_any(objects, 1) until i == 1 or filemap.now() > latest
    assert.equal(1, i)
    return how
  end

  it("tells that the holder of a mutex was killed, though a later object is ready", function()
    local name = support.unique()
    local m <close> = assert(sync.mutex(name))
    local ready <close> = assert(sync.event(support.unique(), { manual = true, set = true }))
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q) m:lock()", name)
    assert.same({ 2 }, { sync.wait_any { m, ready } })
    child:kill()
    assert.equal("abandoned", wait_for_first { m, ready })
    m:unlock()
  end)

  it("tells that the other end of a connection was killed, though a later object is ready", function()
    local name = support.unique()
    local ready <close> = assert(sync.event(support.unique(), { manual = true, set = true }))
    local listener <close> = assert(pipe.listen(name))
    local child = support.child("evaluator")
    child:ask("c = require('filemap.pipe').connect(%q, %d)", name, support.deadline)
    local conn <close> = assert(listener:accept(support.deadline))
    assert.same({ 2 }, { sync.wait_any { conn, ready } })
    child:kill()
    wait_for_first { conn, ready }
    fails("closed", name, conn:receive(0))
  end)

  support.only("win32", "on POSIX an event counts how often it was set")(
    "sleeps for events alone until one is set, without looking at them meanwhile", function()
    local child = steps.child()
    child:ask("e = sync.event(%q)", support.unique())
    -- The system may end a sleep a little early, which costs another one.
    child:stop_at("sleep", 5)
    assert.same({ false, "timeout" }, { child:stops("return (select(3, sync.wait_any({ e }, 0.5)))") })
    child:finish()
  end)

  it("leaves a manual event set", function()
    local e <close> = assert(sync.event(support.unique(), { manual = true, set = true }))
    assert.equal(1, sync.wait_any { e })
    assert.equal(1, sync.wait_any { e })
    e:reset()
    fails("timeout", "wait_any", sync.wait_any({ e }, 0))
  end)

  it("returns ends of channels for which a call that does not wait then answers", function()
    local names = { support.unique(), support.unique(), support.unique() }
    local listener <close> = assert(pipe.listen(names[1]))
    local slot <close> = assert(mailslot.create(names[2]))
    local writer <close> = assert(state.create(names[3], 100))
    local reader <close> = assert(state.open(names[3]))
    local all = { listener, slot, reader }
    fails("timeout", "wait_any", sync.wait_any(all, 0))
    local child = support.child("evaluator")
    child:start("c = assert(pipe.connect(%q))", names[1])
    assert.equal(1, sync.wait_any(all))
    child:expect()
    local conn <close> = assert(listener:accept(0))
    all[1] = conn
    child:start("w = mailslot.open(%q) w:send('mail')", names[2])
    assert.equal(2, sync.wait_any(all))
    assert.equal("mail", slot:receive(0))
    child:expect()
    child:start("c:send('message')")
    assert.equal(1, sync.wait_any(all))
    assert.equal("message", conn:receive(0))
    child:expect()
    writer:publish("value")
    assert.equal(3, sync.wait_any(all))
    assert.equal("value", (reader:read(0)))
    fails("timeout", "wait_any", sync.wait_any(all, 0.02))
    writer:publish("newer")
    assert.equal(3, sync.wait_any(all))
    assert.equal("newer", (reader:wait(1)))
    fails("timeout", "wait_any", sync.wait_any(all, 0))
    child:kill()
    assert.equal(1, sync.wait_any(all, support.deadline))
    fails("closed", names[1], conn:receive(0))
  end)

  it("counts the bytes that a stream has read ahead", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name, { stream = true }))
    local client <close> = assert(pipe.connect(name))
    local server <close> = assert(listener:accept())
    fails("timeout", "wait_any", sync.wait_any({ server }, 0))
    client:write("one\ntwo\n")
    assert.equal(1, sync.wait_any { server })
    assert.equal("one", server:read("l"))
    assert.equal(1, sync.wait_any({ server }, 0))
    assert.equal("two", server:read("l"))
    fails("timeout", "wait_any", sync.wait_any({ server }, 0))
    client:close()
    assert.equal(1, sync.wait_any({ server }, support.deadline))
    assert.is_nil((server:read(1)))
  end)

  it("makes room for a writer that waits before it waits itself", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name, { capacity = 1000 }))
    local child = support.child("evaluator")
    child:ask("c = assert(pipe.connect(%q))", name)
    local conn <close> = assert(listener:accept())
    child:start("for i = 1, 1000 do assert(c:send(('x'):rep(1 + i * 7 %% 1000))) end return 'sent'")
    for i = 1, 1000 do
      assert.equal(1, sync.wait_any({ conn }, support.deadline))
      assert.equal(1 + i * 7 % 1000, #conn:receive(0))
    end
    assert.equal("sent", child:expect())
    child:finish()
  end)

  it("misses no wake-up of 100 objects that other processes set", function()
    local COUNT <const>, ROUNDS <const> = 100, 20
    local made, names = events(COUNT)
    local children = {}
    for c = 1, 2 do
      children[c] = support.child("evaluator")
      children[c]:ask("names = { %s } e = {} for i, n in ipairs(names) do e[i] = sync.event(n) end",
        ("%q, "):rep(COUNT):format(table.unpack(names)))
      -- An event that is set is set again only after it was reset by this process.
      children[c]:start([[
        for round = 1, %d do for i = %d, %d, 2 do e[i]:set() end io.stdin:read('l') end
        return 'done' ]], ROUNDS, c, COUNT)
    end
    for _ = 1, ROUNDS do
      local seen, total = {}, 0
      while total < COUNT do
        local i = assert(sync.wait_any(made, support.deadline))
        assert.is_nil(seen[i])
        seen[i], total = true, total + 1
      end
      for _, child in ipairs(children) do assert(child:write("next\n")) end
    end
    for _, child in ipairs(children) do
      assert.equal("done", child:expect())
      child:finish()
    end
    fails("timeout", "wait_any", sync.wait_any(made, 0))
    close_all(made)
  end)

  it("loses no count of a semaphore among several processes that wait", function()
    local names = { support.unique(), support.unique() }
    local a <close> = assert(sync.semaphore(names[1], 0, 1000))
    local b <close> = assert(sync.semaphore(names[2], 0, 1000))
    local children = {}
    for i = 1, 2 do
      children[i] = support.child("evaluator")
      children[i]:ask("a, b = sync.semaphore(%q, 0, 1000), sync.semaphore(%q, 0, 1000)", names[1], names[2])
      children[i]:start([[
        local got = 0
        while sync.wait_any({ a, b }, 1) do got = got + 1 end
        return got ]])
    end
    for i = 1, 500 do (i % 2 == 0 and a or b):release() end
    local sum = 0
    for _, child in ipairs(children) do
      sum = sum + child:expect("^%d+$")
      child:finish()
    end
    assert.equal(500, sum)
  end)

  it("uses less than 20 ms of processor time a second while it is idle", function()
    local made = events(60)
    support.assert_idle(function() fails("timeout", "wait_any", sync.wait_any(made, 1)) end)
    close_all(made)
  end)

  it("continues when another process that waits for the same objects is killed", function()
    local made, names = events(2)
    local child = support.child("evaluator")
    child:ask("a, b = sync.event(%q), sync.event(%q)", names[1], names[2])
    child:start("return sync.wait_any { a, b }")
    child:kill()
    fails("timeout", "wait_any", sync.wait_any(made, 0.02))
    made[2]:set()
    assert.equal(2, sync.wait_any(made))
    close_all(made)
  end)

  support.only("posix", "Windows has no sem_open")("waits for semaphores of sem_open too", function()
    local name = support.unique("/")
    local made = events(1)
    made[2] = assert(sync.semaphore(name, 0, 1))
    fails("timeout", "wait_any", sync.wait_any(made, 0.02))
    local child = support.child("evaluator")
    child:start("sync.semaphore(%q, 0, 1):release()", name)
    assert.equal(2, sync.wait_any(made))
    child:expect()
    close_all(made)
  end)

  it("fails with denied for ends that receive nothing", function()
    local name, other = support.unique(), support.unique()
    local writer <close> = assert(state.create(name, 10))
    fails("denied", name, sync.wait_any({ writer }, 0))
    local slot <close> = assert(mailslot.create(other))
    local sender <close> = assert(mailslot.open(other))
    fails("denied", other .. ": object 2 of wait_any", sync.wait_any({ slot, sender }, 0))
  end)

  support.losing(support.only("posix", "Windows refuses to truncate a mapped section"))(
    "names the object whose memory another process truncates", function()
    local name = support.unique("/")
    local idle <close> = assert(sync.event(support.unique()))
    local event <close> = assert(sync.event(name))
    local child = support.child("evaluator")
    child:start("local f = io.open('/dev/shm%s', 'w') f:close()", name)
    fails("truncated", name .. ": object 2 of wait_any", sync.wait_any({ idle, event }, support.deadline))
    child:expect()
    child:finish()
  end)

  it("raises for an empty table, other values, closed objects and bad time-outs", function()
    contains("table expected", raises(sync, ".wait_any"))
    contains("between 1 and 65536, got 0", raises(sync, ".wait_any", {}))
    contains("expected at index 1, got number", raises(sync, ".wait_any", { 1 }))
    local e = assert(sync.event(support.unique()))
    contains("negative", raises(sync, ".wait_any", { e }, -1))
    contains("expected at index 2, got table", raises(sync, ".wait_any", { e, {} }))
    e:close()
    contains("filemap.event at index 1 is closed", raises(sync, ".wait_any", { e }))
  end)
end)
