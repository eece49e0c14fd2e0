-- Processes that are killed at each named step of sending, receiving, publishing, connecting and locking. A
-- special build of the module (build/.../steps) stops a process at exactly that step. The processes that are
-- left must be able to continue.
local check = require "spec.support.check"
local core = require "filemap.core"
local dict = require "filemap.dict"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local steps = require "spec.support.steps"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails = check.fails

-- The folder of the module that can be stopped is next to the folder of the module under test.
local build = package.searchpath("filemap.core", package.cpath):gsub("[/\\]filemap[/\\][^/\\]+$", "")
local pattern = support.windows and [[\steps\?.dll;]] or "/steps/?.so;"

support.clean()

-- Starts a child that runs `before`, and then stops when it reaches the step for the n-th time in `chunk`.
local function stopped_at(step, n, before, chunk)
  local child = support.child("evaluator", { env = {
    FILEMAP_STOP = ("%s:%d"):format(step, n), LUA_CPATH = build .. pattern .. package.cpath,
  } })
  child:ask(before)
  child:start(chunk)
  child:expect("^STOPPED " .. step .. "$")
  return child
end

local function killed_at(...)
  local child = stopped_at(...)
  child:kill()
  child:wait(support.deadline)
end

describe("a writer of a mailslot", function()
  for _, step in ipairs { "lock", "put", "unlock" } do
    it("leaves whole messages and does not block other writers when it is killed at " .. step, function()
      local name = support.unique("Local\\")
      local slot <close> = assert(mailslot.create(name, { capacity = 4000 }))
      local other <close> = assert(mailslot.open(name))
      for n = 1, 4 do
        killed_at(step, n, ("w = mailslot.open(%q)"):format(name),
          "for i = 1, 4 do w:send(('m' .. i):rep(20)) end")
        -- A writer that was killed before `unlock` has not sent its message. At `unlock` it has.
        local sent = step == "unlock" and n or n - 1
        for i = 1, sent do assert.equal(("m" .. i):rep(20), slot:receive(0)) end
        fails("timeout", name, slot:receive(0))
        assert.is_true(other:send("goes on", support.deadline))
        assert.equal("goes on", slot:receive(0))
      end
    end)
  end
end)

describe("a writer of a mailslot that is stopped", function()
  it("makes others fail with full or in_use while it has the lock, and sends nothing when killed", function()
    local name = support.unique("Local\\")
    local slot <close> = assert(mailslot.create(name))
    local other <close> = assert(mailslot.open(name))
    local child = stopped_at("put", 1, ("w = mailslot.open(%q)"):format(name), "w:send('half')")
    -- With a time-out of 0 a writer does not sleep until the lock is free, nor spin for long. Both show
    -- on a busy machine too: the step before a sleep, and the processor time.
    local sender, least = steps.child(), math.huge
    sender:ask("w = mailslot.open(%q)", name)
    sender:stop_at("sleep", 1)
    assert.same({ false, "full" }, { sender:stops("return (select(3, w:send('x', 0)))") })
    for _ = 1, 5 do
      local before = process.cpu()
      fails("full", name, other:send("x", 0))
      least = math.min(least, process.cpu() - before)
    end
    assert.is_true(least < 0.05)
    local start = core.now()
    fails("in_use", name, other:send("x", 0.5))
    assert.is_true(core.now() - start >= 0.45)
    child:kill()
    assert.is_true(other:send("goes on"))
    assert.equal("goes on", slot:receive(0))
  end)
end)

describe("opening a mailslot", function()
  it("does not read positions that a writer and the reader are changing", function()
    local name = support.unique("Local\\")
    local slot <close> = assert(mailslot.create(name))
    local writer <close> = assert(mailslot.open(name))
    local child = steps.child()
    child:stop_at("load", 1)
    local stopped = child:stops("w, _, code = mailslot.open(%q) return code or 'opened'", name)
    assert.is_true(writer:send("a message"))
    assert.equal("a message", slot:receive(0))
    if stopped then assert.equal("opened", child:go_on()) end
    assert.equal("true", child:ask("return w:send('another')"))
    assert.equal("another", slot:receive(0))
  end)
end)

describe("a reader of a mailslot", function()
  for _, step in ipairs { "next", "get" } do
    it("leaves the unread messages to the next reader when it is killed at " .. step, function()
      local name = support.unique("Local\\")
      local writer
      for n = 1, 3 do
        local before = ("s = mailslot.create(%q) w = mailslot.open(%q) for i = 1, 5 do w:send('m' .. i) end")
        local keep = assert(mailslot.create(name))
        writer = assert(mailslot.open(name))
        keep:close()
        killed_at(step, step == "next" and 1 or n, before:format(name, name), "while true do s:receive() end")
        local slot <close> = assert(mailslot.create(name))
        for i = step == "next" and 1 or n, 5 do assert.equal("m" .. i, slot:receive(0)) end
        fails("timeout", name, slot:receive(0))
        assert.is_true(writer:send("more"))
        assert.equal("more", slot:receive(0))
        writer:close()
      end
    end)
  end
end)

describe("a writer of a state", function()
  for _, step in ipairs { "spoil", "fill", "publish" } do
    it("leaves the value before and lets another writer take over when it is killed at " .. step, function()
      local name = support.unique("Local\\")
      local first <close> = assert(state.create(name, 100))
      local reader <close> = assert(state.open(name))
      first:close()
      local version = 0
      for n = 1, 6 do
        killed_at(step, n, ("s = state.create_or_open(%q, 100)"):format(name),
          ("for i = %d, %d do s:publish(('v' .. i):rep(9)) end"):format(version + 1, version + 9))
        version = version + n - 1
        if version > 0 then
          assert.same({ ("v" .. version):rep(9), version }, { reader:read() })
        else
          assert.same({ n = 2, [2] = 0 }, table.pack(reader:read()))
        end
        fails("timeout", name, reader:wait(version, 0))
      end
      local writer <close> = assert(state.create_or_open(name, 100))
      writer:publish("goes on")
      assert.same({ "goes on", version + 1 }, { reader:wait(version) })
    end)
  end
end)

describe("a reader of a state", function()
  for _, step in ipairs { "look", "copied" } do
    it("does not affect the writer when it is killed at " .. step, function()
      local name = support.unique("Local\\")
      local writer <close> = assert(state.create(name, 100))
      writer:publish("a")
      killed_at(step, 1, ("r = state.open(%q)"):format(name), "r:read()")
      assert.is_true(writer:publish("b"))
      assert.same({ "b", 2 }, { writer:read() })
    end)
  end
end)

describe("an end of a pipe", function()
  for step, expected in pairs { put = 2, ["get"] = 3, ["next"] = 3 } do
    it("delivers what it had sent, then makes calls fail with closed, when killed at " .. step, function()
      local name = support.unique("Local\\")
      local listener <close> = assert(pipe.listen(name, { capacity = 64 }))
      killed_at(step, step == "put" and 3 or 1, ("c = pipe.connect(%q)"):format(name),
        "for i = 1, 3 do c:send('m' .. i) end c:receive()")
      local conn <close> = assert(listener:accept(0))
      for i = 1, expected do assert.equal("m" .. i, conn:receive(0)) end
      fails("closed", name, conn:receive())
      fails("closed", name, conn:send("x"))
    end)
  end

  for step, accepted in pairs { seated = false, ready = false, waiting = true } do
    it("is accepted only if it was queued when it is killed in connect at " .. step, function()
      local name = support.unique("Local\\")
      local listener <close> = assert(pipe.listen(name, { capacity = 64 }))
      for _ = 1, 3 do
        killed_at(step, 1, "return 1", ("c = pipe.connect(%q)"):format(name))
        if accepted then
          local conn <close> = assert(listener:accept(0))
          fails("closed", name, conn:receive())
        else
          fails("timeout", name, listener:accept(0))
        end
      end
      local client <close> = assert(pipe.connect(name))
      local server <close> = assert(listener:accept(0))
      client:send("goes on")
      assert.equal("goes on", server:receive(0))
    end)
  end

  for what, call in pairs { message = "receive", byte = "read" } do
    it("receives the last " .. what .. " also if the other end sent it and closed meanwhile", function()
      local name = support.unique("Local\\")
      local listener <close> = assert(pipe.listen(name, { capacity = 64, stream = what == "byte" }))
      local child = steps.child()
      child:ask("c = pipe.connect(%q)", name)
      local conn = assert(listener:accept(0))
      child:stop_at("got", 1)
      assert.is_true(child:stops("return c:%s(%s)", call, what == "byte" and "1" or ""))
      if what == "byte" then conn:write("x") else conn:send("x") end
      conn:close()
      assert.equal("x", child:go_on())
      child:finish()
    end)
  end

  it("makes the client's calls fail with closed when it is killed in accept", function()
    local name = support.unique("Local\\")
    local child = steps.child()
    child:ask("l = pipe.listen(%q, { capacity = 64 })", name)
    local client <close> = assert(pipe.connect(name))
    child:stop_at("accepting", 1)
    assert.is_true(child:stops("c = l:accept()"))
    child:kill()
    fails("closed", name, client:receive())
    local listener <close> = assert(pipe.listen(name, { capacity = 64 }))
    fails("timeout", name, listener:accept(0))
    fails("closed", name, client:send("x", 0))
  end)
end)

describe("a process that waits for an event", function()
  it("is released by set although reset follows at once, if the event is manual", function()
    if support.windows then return end -- there the event is the system's own, without such steps
    local name = support.unique("Local\\")
    local event <close> = sync.event(name, { manual = true })
    local child = steps.child()
    child:ask("e = sync.event(%q)", name)
    for n = 1, 3 do
      child:stop_at("sleep", n)
      assert.is_true(child:stops("return e:wait(%d)", support.deadline))
      assert.is_true(event:set())
      assert.is_true(event:reset())
      assert.equal("true", child:go_on())
      assert.equal("timeout", child:ask("return e:wait(0)"))
    end
  end)

  it("is released together with all others that wait", function()
    local name, children = support.unique("Local\\"), {}
    local event <close> = sync.event(name, { manual = true })
    if support.windows then return end
    for i = 1, 8 do
      children[i] = steps.child()
      children[i]:ask("e = sync.event(%q)", name)
      children[i]:stop_at("sleep", 1)
      assert.is_true(children[i]:stops("return e:wait(%d)", support.deadline))
    end
    event:set()
    event:reset()
    for _, child in ipairs(children) do assert.equal("true", child:go_on()) end
  end)

  it("is the only one that is released if the event is automatic", function()
    if support.windows then return end
    local name, released = support.unique("Local\\"), 0
    local event <close> = sync.event(name)
    local children = {}
    for i = 1, 3 do
      children[i] = steps.child()
      children[i]:ask("e = sync.event(%q)", name)
      children[i]:stop_at("sleep", 1)
      assert.is_true(children[i]:stops("return e:wait(0.2)"))
    end
    event:set()
    for _, child in ipairs(children) do released = released + (child:go_on() == "true" and 1 or 0) end
    assert.equal(1, released)
  end)
end)

describe("a holder of a mutex", function()
  for step, result in pairs { lock = { true }, unlock = { true, "abandoned" } } do
    it("leaves a mutex that another process can lock when it is killed at " .. step, function()
      local name = support.unique("Local\\")
      local mutex <close> = sync.mutex(name)
      if support.windows then return end -- there the mutex is the system's own, without such steps
      killed_at(step, 2, ("m = sync.mutex(%q)"):format(name), "while true do m:lock() m:unlock() end")
      assert.same(result, { mutex:lock(support.deadline) })
      mutex:unlock()
    end)
  end
end)

describe("a process that waits for several objects", function()
  support.only("posix", "sync objects of Windows have no such steps", function()
    for _, step in ipairs { "announce", "sleep", "lock", "wake" } do
      it("leaves them usable by others when it is killed at " .. step, function()
        local names = { support.unique(), support.unique(), support.unique() }
        local m <close> = assert(sync.mutex(names[1]))
        local s <close> = assert(sync.semaphore(names[2], 0, 2))
        local slot <close> = assert(mailslot.create(names[3]))
        local before = ([[ m, s = sync.mutex(%q), sync.semaphore(%q, 0, 2) w = mailslot.open(%q) ]]):format(
          table.unpack(names))
        if step == "lock" then
          killed_at(step, 1, before, "return sync.wait_any { s, m }")
        elseif step == "wake" then
          killed_at(step, 1, before, "s:release() return 1")
          assert.equal(1, sync.wait_any({ s, m }, support.deadline))
        else
          assert.is_true(m:lock())
          killed_at(step, 1, before, "return sync.wait_any { s, m }")
          m:unlock()
        end
        fails("timeout", "wait_any", sync.wait_any({ s, slot }, 0))
        s:release()
        assert.equal(1, sync.wait_any({ s, m, slot }, support.deadline))
        assert.equal(2, (sync.wait_any({ s, m, slot }, support.deadline)))
        m:unlock()
      end)
    end
  end)

  it("finds a message that another process sends after it announced its wait, or after it looked", function()
    for _, step in ipairs { "announce", "sleep" } do
      local names = { support.unique(), support.unique() }
      local child = steps.child()
      child:ask("a, b = mailslot.create(%q), mailslot.create(%q)", names[1], names[2])
      local writer <close> = assert(mailslot.open(names[2]))
      child:stop_at(step, 1)
      assert.is_true(child:stops("return sync.wait_any({ a, b }, %d)", support.deadline))
      writer:send("late")
      assert.equal("2", child:go_on())
      assert.equal("late", child:ask("return b:receive(0)"))
      child:finish()
    end
  end)
end)

describe("a process with handles for event loops", function()
  support.only("posix", "an event of Windows has no such steps", function()
    for _, step in ipairs { "announce", "announced", "change", "watch", "unwatch" } do
      it("leaves its objects usable by others when it is killed at " .. step, function()
        for n = 1, step == "unwatch" and 2 or 3 do
          local name, other = support.unique(), support.unique()
          local event <close> = assert(sync.event(other))
          local before = ([[ s, e = mailslot.create(%q), sync.event(%q) w = mailslot.open(%q) ]]):format(
            name, other,
            name)
          killed_at(step, n, before, [[
            s:pollable() e:pollable() w:send('one') e:set() s:receive() e:wait(0) e:set() w:send('two')
            require('process').sleep(0.2) s:close() e:close() require('process').sleep(30) ]])
          event:reset()
          fails("timeout", other, event:wait(0))
          event:set()
          assert.equal(1, sync.wait_any({ event }, support.deadline))
          local slot <close> = assert(mailslot.create(name))
          local writer <close> = assert(mailslot.open(name))
          local handle = assert(slot:pollable())
          assert.is_false(process.poll(handle, 0))
          writer:send("goes on")
          assert.is_true(process.poll(handle, support.deadline))
          assert.equal("goes on", slot:receive(0))
        end
      end)
    end

    it("makes the other end's calls fail with closed when it is killed while its thread looks", function()
      for _, step in ipairs { "announced", "watch" } do
        local name = support.unique()
        local listener <close> = assert(pipe.listen(name))
        killed_at(step, 1, ("c = pipe.connect(%q)"):format(name),
          "c:pollable() require('process').sleep(30)")
        local conn <close> = assert(listener:accept(0))
        fails("closed", name, conn:receive())
      end
    end)
  end)
end)

-- A child that is stopped while it creates an object: the name exists, but the call has not returned. The
-- hooks are "viewed", when the object can be opened, and "entering", when the child has acquired its seat.
local function creating(hook, name, chunk)
  local child = steps.child()
  child:ask("n = %q", name)
  child:stop_at(hook, 1)
  assert.is_true(child:stops(chunk))
  return child
end

for _, hook in ipairs { "viewed", "entering" } do
  describe("a process that is stopped at " .. hook .. " while it creates", function()
    it("a mailslot receives what writers send meanwhile", function()
      local name = support.unique("Local\\")
      local child = creating(hook, name, "s = mailslot.create(n) return s:receive(0)")
      local writer <close> = assert(mailslot.open(name))
      assert.is_true(writer:send("early", 0))
      assert.equal("early", child:go_on())
      assert.is_true(writer:send("later", 0))
      assert.equal("later", child:ask("return s:receive(0)"))
    end)

    it("a mailslot is its reader, until it is killed", function()
      local name = support.unique("Local\\")
      local child = creating(hook, name, "s = mailslot.create(n)")
      local writer <close> = assert(mailslot.open(name))
      fails("exists", name, mailslot.create(name))
      fails("exists", name, mailslot.create(name, { capacity = 2 ^ 20 }))
      assert.is_true(writer:send("unread", 0))
      child:kill()
      child:wait(support.deadline)
      local other <close> = assert(mailslot.open(name)) -- (the first may look again only after 50 ms)
      fails("closed", name, other:send("x", 0))
      local slot <close> = assert(mailslot.create(name))
      assert.is_true(writer:send("goes on", 0))
      assert.same({ "unread", "goes on" }, { slot:receive(0), slot:receive(0) })
    end)

    it("a pipe lets clients wait", function()
      local name = support.unique("Local\\")
      local child = creating(hook, name, "l = pipe.listen(n)")
      fails("not_found", name, pipe.connect(name))
      fails("not_found", name, pipe.connect(name, 0.01))
      fails("exists", name, pipe.listen(name))
      local client = support.child("evaluator")
      client:start("c = pipe.connect(%q, %d) return c:send('early', 0)", name, support.deadline)
      child:go_on()
      assert.equal("true", client:expect())
      assert.equal("early", child:ask("c = l:accept(%d) return c:receive(%d)", support.deadline,
        support.deadline))
    end)

    it("a state is its writer, and readers wait for the first value", function()
      local name = support.unique("Local\\")
      local child = creating(hook, name, "s = state.create(n, 100)")
      local reader <close> = assert(state.open(name))
      assert.same({ n = 2, [2] = 0 }, table.pack(reader:read()))
      fails("timeout", name, reader:wait(0, 0))
      fails("exists", name, state.create(name, 100))
      fails("in_use", name, state.create_or_open(name, 100))
      fails("in_use", name, state.create_or_open(name, 200))
      child:go_on()
      child:ask("s:publish('first')")
      assert.same({ "first", 1 }, { reader:wait(0, support.deadline) })
    end)
  end)
end

describe("a process that is stopped while it follows a listener", function()
  it("gets no clients before it listens, whether the listener closed or died", function()
    for _, ending in ipairs { "closed", "died" } do
      local name = support.unique("Local\\")
      local old = steps.child()
      old:ask("l = pipe.listen(%q)", name)
      local keeper <close> = assert(pipe.connect(name)) -- (keeps the section)
      assert(keeper)
      if ending == "closed" then
        old:ask("l:close()")
      else
        old:kill()
        old:wait(support.deadline)
      end
      local child = creating("entering", name, "l = pipe.listen(n)")
      local early, _, code = pipe.connect(name)
      child:go_on()
      if ending == "closed" then
        assert.equal("not_found", code)
      else -- (nothing tells the client that this is not the listener that died)
        fails("closed", name, early:receive())
        early:close()
      end
      local client <close> = assert(pipe.connect(name))
      assert.is_true(client:send("goes on"))
      assert.equal("goes on", child:ask("c = l:accept(0) return c:receive(0)"))
    end
  end)
end)

describe("a process that is stopped while it creates", function()
  it("a dictionary lets others use it", function()
    local name = support.unique("Local\\")
    local child = creating("viewed", name, "d = dict.create_or_open(n) return (d:get('k'))")
    local other <close> = assert(dict.open(name))
    assert.is_true(other:set("k", "early") ~= nil)
    assert.equal("early", child:go_on())
  end)

  support.only("posix", "sync objects of Windows have no such steps", function()
    it("a sync object lets others use it", function()
      local m, s, e = support.unique(), support.unique(), support.unique()
      local children = {
        creating("viewed", m, "m = sync.mutex(n) return (select(3, m:lock(0)))"),
        creating("viewed", s, "s = sync.semaphore(n, 1, 1) return (select(3, s:acquire(0)))"),
        creating("viewed", e, "e = sync.event(n, { set = true }) return (select(3, e:wait(0)))"),
      }
      local mutex <close> = assert((sync.mutex(m)))
      local semaphore <close> = assert((sync.semaphore(s, 5, 5)))
      local event <close> = assert((sync.event(e, { manual = true })))
      assert.is_true(mutex:lock(0))
      assert.is_true(semaphore:acquire(0))
      assert.is_true(event:wait(0))
      for _, child in ipairs(children) do assert.equal("timeout", child:go_on()) end
      mutex:unlock()
    end)
  end)

  support.only("win32", "elsewhere a name appears when the memory is filled", function()
    it("lets others wait for the first bytes", function()
      local name = support.unique("Local\\")
      local child = creating("section", name, "s = mailslot.create(n)")
      local other = steps.child()
      other:stop_at("sleep", 1)
      assert.is_true(other:stops("w = mailslot.open(%q) return w:send('early', 0)", name))
      child:go_on()
      assert.equal("true", other:go_on())
      assert.equal("early", child:ask("return s:receive(0)"))
    end)
  end)
end)

describe("a process that waits for a number", function()
  for _, step in ipairs { "word_sleep", "word_wake" } do
    it("does not affect others when it is killed at " .. step, function()
      local name = support.unique()
      local map <close> = assert(filemap.create(name, 4096))
      local view <close> = assert(map:view())
      for n = 1, 3 do
        killed_at(step, n, ("m = filemap.open(%q, 'rw') v = m:view()"):format(name), [[
          v:add_u32(8, 1)
          for i = 1, 9 do v:wait_u32(0, 0, 0.01) v:wake(4) end ]])
        assert.equal(n, view:load_u32(8))
        fails("timeout", name, view:wait_u32(0, 0, 0.01))
        local child = support.child("evaluator")
        child:start("m = filemap.open(%q) v = m:view() return v:wait_u32(4, 0, %d)", name, support.deadline)
        view:store_u32(4, n)
        view:wake(4)
        assert.equal(tostring(n), child:expect())
        view:store_u32(4, 0)
        child:finish()
      end
    end)
  end
end)

describe("a process that refreshes a map", function()
  for _, step in ipairs { "refresh", "refreshed" } do
    it("does not affect the process that appends when it is killed at " .. step, function()
      local path = support.tmpname()
      local map <close> = assert(filemap.file(path, "rw", { size = 100 }))
      for n = 1, 2 do
        killed_at(step, 1, ("m = filemap.file(%q)"):format(path),
          ("local f = io.open(%q, 'ab') f:write(('x'):rep(100)) f:close() m:refresh()"):format(path))
        assert.equal(100 + n * 100, map:refresh())
        local view <close> = assert(map:view())
        assert.equal("x", view:get_string(99 + n * 100, 1))
      end
    end)
  end
end)

support.only("posix", "Windows itself keeps the size of a file", function()
  describe("a process that changes the size of a file", function()
    for _, chunk in ipairs { "m = filemap.file(path, 'rw', { size = 5000 })",
                             "m = filemap.file(path, 'rw') m:resize(5000)" } do
      it("makes other changes fail with in_use until its own is made: " .. chunk, function()
        local path = support.tmpname()
        local map <close> = assert(filemap.file(path, "rw", { size = 100 }))
        local child = steps.child()
        child:stop_at("locked", 1)
        assert.is_true(child:stops("path = %q " .. chunk, path))
        fails("in_use", path, filemap.file(path, "rw", { size = 9000 }))
        fails("in_use", path, map:resize(9000))
        child:go_on()
        assert.equal("5000", child:ask("return m:size()"))
        assert.equal(5000, map:refresh())
        assert.is_true(map:resize(9000))
        assert.equal("9000", child:ask("return m:refresh()"))
        child:finish()
      end)
    end
  end)
end)
