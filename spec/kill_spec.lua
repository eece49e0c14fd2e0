-- Processes that are killed at every test hook of channels and sync objects (FM_TEST_HOOK in src/object,
-- src/channel and src/sync), at its first passings. Each runs a chunk that uses one kind of object in all
-- ways. The processes that are left, and new ones, must be able to continue.
--
-- The environment variable FILEMAP_KILLS sets how many passings of each hook are tried (default 2).
local check = require "spec.support.check"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local steps = require "spec.support.steps"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails = check.fails

local PASSINGS <const> = tonumber(os.getenv("FILEMAP_KILLS")) or 2
local LIMIT <const> = support.deadline

support.clean()

local hooks = {}
do
  local seen = {}
  for _, file in ipairs { "object/object.c", "object/wait.h", "object/wait.c", "object/lock.c",
    "channel/latest.c", "channel/ring.c", "channel/conn.c", "channel/pipe_table.c", "object/wait_any.c",
    "object/pollable.c" } do
    for _, name in ipairs(steps.of(file)) do
      if not seen[name] then hooks[#hooks + 1] = name end
      seen[name] = true
    end
  end
end

-- By kind: `open` makes what this process has open; `chunk` is what the killed child does with the name in
-- `n`; `check` finds that everything goes on.
local kinds = {
  ["the writer of a state"] = {
    open = function(name)
      local first = assert(state.create(name, 100))
      first:publish(("0"):rep(50))
      local reader = assert(state.open(name))
      first:close()
      return reader
    end,
    chunk = "w = state.create_or_open(n, 100) for i = 1, 6 do w:publish(tostring(i):rep(50)) end w:close()",
    check = function(name, reader)
      local value, version = reader:read(LIMIT)
      assert.equal(tostring(version - 1):rep(50), value)
      local writer <close> = assert(state.create_or_open(name, 100))
      writer:publish("next")
      assert.same({ "next", version + 1 }, { reader:wait(version, LIMIT) })
      reader:close()
    end,
  },
  ["a writer of a mailslot"] = {
    open = function(name) return (assert(mailslot.create(name, { capacity = 200 }))) end,
    chunk = "for k = 1, 3 do w = mailslot.open(n) w:send('m' .. k, 0) w:close() end",
    check = function(name, slot)
      local writer <close> = assert(mailslot.open(name))
      assert.is_true(writer:send("last", LIMIT))
      local got = {}
      repeat got[#got + 1] = assert(slot:receive(LIMIT)) until got[#got] == "last"
      for i = 1, #got - 1 do assert.equal("m" .. i, got[i]) end
      fails("timeout", name, slot:receive(0))
      slot:close()
    end,
  },
  ["the reader of a mailslot"] = {
    open = function(name)
      local slot <close> = assert(mailslot.create(name, { capacity = 200 }))
      local writer = assert(mailslot.open(name))
      for i = 1, 4 do assert(writer:send("m" .. i, 0)) end
      assert(slot)
      return writer
    end,
    chunk = "s = mailslot.create(n) s:receive(0) s:info() s:receive(0) s:close()",
    check = function(name, writer)
      local slot <close> = assert(mailslot.create(name))
      assert.is_true(writer:send("m5", LIMIT))
      local first = tonumber(assert(slot:receive(0)):match("^m(%d)$"))
      assert.is_true(first <= 3)
      for i = first + 1, 5 do assert.equal("m" .. i, slot:receive(0)) end
      writer:close()
    end,
  },
  ["the listener of a pipe"] = {
    open = function(name)
      local listener <close> = assert(pipe.listen(name, { capacity = 100 }))
      local client = assert(pipe.connect(name))
      local server = assert(listener:accept(0))
      return client, server
    end,
    chunk = [[l = pipe.listen(n, { capacity = 100 }) c = pipe.connect(n) d = l:accept(0) c:send('a')
      d:receive(0)
      d:send('b') d:close() c:close() l:close()]],
    check = function(name, client, server)
      local listener <close> = assert(pipe.listen(name, { capacity = 100 }))
      fails("timeout", name, listener:accept(0))
      local new <close> = assert(pipe.connect(name, LIMIT))
      new:send("new")
      local accepted <close> = assert(listener:accept(LIMIT))
      assert.equal("new", accepted:receive(LIMIT))
      client:send("old")
      assert.equal("old", server:receive(LIMIT))
      client:close()
      server:close()
    end,
  },
  ["the creator of channels"] = {
    open = function() end,
    chunk = [[m = mailslot.create(n .. 'm') l = pipe.listen(n .. 'p') s = state.create(n .. 's', 100)
      s:publish('a') s:close() l:close() m:close()]],
    check = function(name)
      local slot <close> = assert(mailslot.create(name .. "m"))
      local writer <close> = assert(mailslot.open(name .. "m"))
      assert.is_true(writer:send("a", 0))
      assert.equal("a", slot:receive(0))
      local listener <close> = assert(pipe.listen(name .. "p"))
      local client <close> = assert(pipe.connect(name .. "p"))
      local server <close> = assert(listener:accept(0))
      client:send("a")
      assert.equal("a", server:receive(0))
      local first <close> = assert(state.create(name .. "s", 100))
      assert.is_true(first:publish("a"))
    end,
  },
  ["a client of a pipe"] = {
    open = function(name) return (assert(pipe.listen(name, { capacity = 100 }))) end,
    chunk = "for _ = 1, 2 do c = pipe.connect(n) c:send('a') c:receive(0) c:close() end",
    check = function(name, listener)
      local new <close> = assert(pipe.connect(name, LIMIT))
      new:send("new")
      local message
      repeat
        local conn <close> = assert(listener:accept(LIMIT))
        message = conn:receive(LIMIT)
        if message == "a" then fails("closed", name, conn:receive(LIMIT)) end
      until message == "new"
      fails("timeout", name, listener:accept(0))
      listener:close()
    end,
  },
  ["a user of a mutex"] = {
    open = function(name) return assert((sync.mutex(name))) end,
    chunk = "for _ = 1, 2 do m = sync.mutex(n) m:lock() m:lock() m:unlock() m:unlock() m:lock() m:close() "
      .. "end",
    check = function(_, mutex)
      assert.is_true((mutex:lock(LIMIT)))
      assert.is_true(mutex:unlock())
      mutex:close()
    end,
  },
  ["a user of an event and a semaphore"] = {
    open = function(name)
      return assert((sync.event(name .. "e", { manual = true }))), assert((sync.semaphore(name .. "s", 1, 5)))
    end,
    chunk = [[e = sync.event(n .. 'e') s = sync.semaphore(n .. 's', 1, 5) e:wait(0.001)
      e:set() e:wait() e:reset()
      s:release() s:acquire() e:close() s:close()]],
    check = function(_, event, semaphore)
      assert.is_true(event:set())
      assert.is_true(event:wait(0))
      assert.is_true(semaphore:release())
      assert.is_true(semaphore:acquire(0))
      event:close()
      semaphore:close()
    end,
  },
  ["a process that waits for the first of several objects"] = {
    open = function(name)
      local slot <close> = assert(mailslot.create(name))
      local writer = assert(mailslot.open(name))
      assert(slot and writer:send("m1"))
      return writer, assert((sync.event(name .. "e"))), assert((sync.semaphore(name .. "s", 2, 5))),
        assert((sync.mutex(name .. "m")))
    end,
    chunk = [[l = mailslot.create(n) e = sync.event(n .. 'e') s = sync.semaphore(n .. 's', 2, 5)
      m = sync.mutex(n .. 'm') sync.wait_any({ e, l }) l:receive(0) sync.wait_any({ e, l }, 0.001)
      sync.wait_any({ e, m, s }) sync.wait_any({ e, s }) m:unlock() e:set() sync.wait_any({ l, e }) l:close()
      e:close()]],
    check = function(name, writer, event, semaphore, mutex)
      local slot <close> = assert(mailslot.create(name))
      local idle <close> = assert((sync.event(name .. "i")))
      assert.is_true(semaphore:acquire(0)) -- the process that was killed acquired it once at most
      assert.equal(2, (sync.wait_any({ idle, mutex }, LIMIT)))
      assert.is_true(mutex:unlock())
      assert(writer:send("last"))
      assert.equal(2, sync.wait_any({ idle, slot }, LIMIT))
      local message
      repeat message = assert(slot:receive(0)) until message == "last"
      event:set()
      assert.equal(1, sync.wait_any({ event, slot }, LIMIT))
      for _, object in ipairs { writer, event, semaphore, mutex } do object:close() end
    end,
  },
  ["a process with objects for an event loop"] = {
    open = function(name)
      local slot <close> = assert(mailslot.create(name))
      assert(slot)
      return assert(mailslot.open(name)), assert((sync.event(name .. "e", { manual = true })))
    end,
    chunk = [[l = mailslot.create(n) e = sync.event(n .. 'e') w = mailslot.open(n) l:pollable() e:pollable()
      w:send('m1') l:receive(0) w:send('m2') e:set() l:receive(0) e:reset() e:close() w:close() l:close()]],
    check = function(name, writer, event)
      local slot <close> = assert(mailslot.create(name))
      local ready, set = assert(slot:pollable()), assert(event:pollable())
      assert(writer:send("last"))
      event:set()
      assert.is_true(process.poll(ready, LIMIT))
      assert.is_true(process.poll(set, LIMIT))
      repeat local message = assert(slot:receive(0)) until message == "last"
      event:reset()
      assert.is_false(process.poll(ready, 0))
      assert.is_false(process.poll(set, 0))
      writer:close()
      event:close()
    end,
  },
}

for what, kind in pairs(kinds) do
  describe(what, function()
    it("lets the others continue when it is killed at any test hook", function()
      local killed = 0
      for _, hook in ipairs(hooks) do
        for n = 1, PASSINGS do
          local name = support.unique("Local\\")
          local ends = { kind.open(name) }
          local child = steps.child()
          child:ask("n = %q", name)
          child:stop_at(hook, n)
          -- If a thread of the library stops, the process may go on, and print its result before or after.
          child:start(kind.chunk)
          local stopped = child:expect():find("^STOPPED ")
          if stopped then
            killed = killed + 1
            child:kill()
            child:wait(support.deadline)
            kind.check(name, table.unpack(ends))
          else
            for _, object in ipairs(ends) do object:close() end
          end
          child:close()
          if not stopped then break end
        end
      end
      if not support.windows then assert.is_true(killed >= 4, killed) end
    end)
  end)
end
