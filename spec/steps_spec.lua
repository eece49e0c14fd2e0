-- Processes killed at each named step of sending, receiving, publishing, connecting and locking: a build of the module
-- (build/.../steps) stops them there for certain. Whoever is left goes on as is promised.
local check = require "spec.support.check"
local core = require "filemap.core"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails = check.fails

-- The folder of the module that can be stopped, beside that of the one that is tested.
local build = package.searchpath("filemap.core", package.cpath):gsub("[/\\]filemap[/\\][^/\\]+$", "")
local pattern = support.windows and [[\steps\?.dll;]] or "/steps/?.so;"

support.clean()

-- A child that runs `before`, and then stops at the n-th passing of a step in `chunk`.
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

describe("a writer of a mailslot killed", function()
  for _, step in ipairs { "lock", "put", "unlock" } do
    it("at " .. step .. " leaves whole messages, and blocks nobody", function()
      local name = support.unique("Local\\")
      local slot <close> = assert(mailslot.create(name, { capacity = 4000 }))
      local other <close> = assert(mailslot.open(name))
      for n = 1, 4 do
        killed_at(step, n, ("w = mailslot.open(%q)"):format(name),
          "for i = 1, 4 do w:send(('m' .. i):rep(20)) end")
        -- Who was killed with the lock, or before, has not sent; at `unlock` it has.
        local sent = step == "unlock" and n or n - 1
        for i = 1, sent do assert.equal(("m" .. i):rep(20), slot:receive(0)) end
        fails("timeout", name, slot:receive(0))
        assert.is_true(other:send("goes on", support.deadline))
        assert.equal("goes on", slot:receive(0))
      end
    end)
  end
end)

describe("a writer of a mailslot stopped", function()
  it("with the lock holds others back for their time, and goes without a trace", function()
    local name = support.unique("Local\\")
    local slot <close> = assert(mailslot.create(name))
    local other <close> = assert(mailslot.open(name))
    local child = stopped_at("put", 1, ("w = mailslot.open(%q)"):format(name), "w:send('half')")
    fails("in_use", name, other:send("x", 0))
    local start = core.now()
    fails("in_use", name, other:send("x", 0.5))
    assert.is_true(core.now() - start >= 0.45)
    child:kill()
    assert.is_true(other:send("goes on"))
    assert.equal("goes on", slot:receive(0))
  end)
end)

describe("a reader of a mailslot killed", function()
  for _, step in ipairs { "next", "get" } do
    it("at " .. step .. " leaves what it has not read to the next", function()
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

describe("a writer of a state killed", function()
  for _, step in ipairs { "spoil", "fill", "publish" } do
    it("at " .. step .. " leaves the value before, and its place to another", function()
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

describe("a reader of a state killed", function()
  for _, step in ipairs { "look", "copied" } do
    it("at " .. step .. " is of no account", function()
      local name = support.unique("Local\\")
      local writer <close> = assert(state.create(name, 100))
      writer:publish("a")
      killed_at(step, 1, ("r = state.open(%q)"):format(name), "r:read()")
      assert.is_true(writer:publish("b"))
      assert.same({ "b", 2 }, { writer:read() })
    end)
  end
end)

describe("an end of a pipe killed", function()
  for step, expected in pairs { put = 2, ["get"] = 3, ["next"] = 3 } do
    it("at " .. step .. " has sent what came before, whole, and then is closed", function()
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
    it("at " .. step .. " of connecting is accepted only if it waited", function()
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

  it("at accepting leaves the client to know", function()
    local name = support.unique("Local\\")
    local holder <close> = assert(pipe.listen(name, { capacity = 64 }))
    local client <close> = assert(pipe.connect(name))
    holder:close()
    killed_at("accepting", 1, ("l = pipe.listen(%q, { capacity = 64 })"):format(name), "c = l:accept()")
    fails("closed", name, client:receive())
    local listener <close> = assert(pipe.listen(name, { capacity = 64 }))
    local conn <close> = assert(listener:accept(0))
    fails("closed", name, client:send("x", 0))
    assert(conn)
  end)
end)

describe("a holder of a mutex killed", function()
  for step, result in pairs { lock = { true }, unlock = { true, "abandoned" } } do
    it("at " .. step .. " leaves it to be had", function()
      local name = support.unique("Local\\")
      local mutex <close> = sync.mutex(name)
      if support.windows then return end -- where the mutex is the system's, without such steps
      killed_at(step, 2, ("m = sync.mutex(%q)"):format(name), "while true do m:lock() m:unlock() end")
      assert.same(result, { mutex:lock(support.deadline) })
      mutex:unlock()
    end)
  end
end)
