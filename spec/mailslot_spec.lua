-- filemap.mailslot: messages from many writers to one reader, also when one of them dies.
local check = require "spec.support.check"
local core = require "filemap.core"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local support = require "spec.support"

local raises, contains, fails = check.raises, check.contains, check.fails

support.clean()

describe("a mailslot", function()
  local name, slot, writer

  before_each(function()
    name = support.unique("Local\\")
    slot = assert(mailslot.create(name, { capacity = 1000, max_message = 200 }))
    writer = assert(mailslot.open(name))
  end)

  after_each(function()
    slot:close()
    writer:close()
  end)

  it("delivers messages whole and in order", function()
    for _, message in ipairs { "one", "", ("x"):rep(200), "nul \0 and \255" } do
      assert.is_true(writer:send(message))
    end
    assert.equal("one", slot:receive())
    assert.equal("", slot:receive(0))
    assert.equal(("x"):rep(200), slot:receive())
    assert.equal("nul \0 and \255", slot:receive(1))
    fails("timeout", name, slot:receive(0))
    fails("timeout", name, slot:receive(0.01))
  end)

  it("delivers messages of every length across the end of its ring", function()
    for length = 0, 200 do
      for _ = 1, 3 do
        local message = string.char(33 + length % 90):rep(length)
        assert.is_true(writer:send(message, 0))
        assert.equal(message, slot:receive(0))
      end
    end
  end)

  it("describes itself by tostring, and its messages by info", function()
    assert.equal(("filemap.mailslot (%s, reader)"):format(name), tostring(slot))
    assert.equal(("filemap.mailslot (%s, writer)"):format(name), tostring(writer))
    assert.same({ max_message = 200, count = 0 }, slot:info())
    writer:send("12345")
    writer:send("")
    assert.same({ max_message = 200, count = 2, next_size = 5 }, slot:info())
    slot:receive()
    assert.same({ max_message = 200, count = 1, next_size = 0 }, slot:info())
    slot:close()
    assert.is_true(slot:close())
    assert.equal("filemap.mailslot (closed)", tostring(slot))
    contains("filemap.mailslot is closed", raises(slot, "receive"))
  end)

  it("fails with full at once, or with timeout, when it has no room", function()
    fails("too_large", name, writer:send(("x"):rep(201)))
    local count = 0
    while writer:send(("x"):rep(200), 0) do count = count + 1 end
    assert.is_true(count >= 4)
    fails("full", name, writer:send(("x"):rep(200), 0))
    fails("timeout", name, writer:send(("x"):rep(200), 0.02))
    slot:receive()
    assert.is_true(writer:send(("x"):rep(200), 0))
  end)

  it("holds one message as long as its capacity", function()
    for _, capacity in ipairs { 1, 59, 60, 61, 64, 1000, 4096, 65536 } do
      local other = support.unique()
      local s <close> = assert(mailslot.create(other, { capacity = capacity }))
      local w <close> = mailslot.open(other)
      assert.equal(capacity, s:info().max_message)
      assert.is_true(w:send(("y"):rep(capacity), 0))
      assert.equal(capacity, #s:receive(0))
    end
  end)

  it("raises if a writer receives or the reader sends", function()
    contains("is a writer", raises(writer, "receive"))
    contains("is a writer", raises(writer, "info"))
    contains("is the reader", raises(slot, "send", "x"))
  end)

  it("rejects wrong arguments and options", function()
    raises(writer, "send")
    contains("negative", raises(writer, "send", "x", -1))
    contains("negative", raises(slot, "receive", -1))
    contains("must not be NaN", raises(slot, "receive", 0 / 0))
    for _, bad in ipairs { 0, -1, 1.5, "x", {} } do raises(mailslot, ".create", "x", { capacity = bad }) end
    contains("unknown option 'size'", raises(mailslot, ".create", "x", { size = 1 }))
    fails("invalid", "x", mailslot.create("x", { capacity = 10, max_message = 11 }))
    fails("too_large", "x", mailslot.create("x", { capacity = 1 << 31 }))
    local message = select(2, mailslot.create("x", { capacity = 1 << 31 }))
    local most = math.tointeger(message:match("limit of (%d+) bytes"))
    fails("too_large", "x", mailslot.create("x", { capacity = most + 1 }))
    fails("too_large", "x", mailslot.create("x", { max_message = math.maxinteger }))
    fails("invalid", "a\\b", mailslot.open("a\\b"))
    fails("not_found", "no such slot", mailslot.open("no such slot"))
  end)

  it("has one reader, fails with closed without it, and keeps unread messages for the next", function()
    fails("exists", name, mailslot.create(name))
    writer:send("unread")
    slot:close()
    fails("closed", name, writer:send("x"))
    fails("closed", name, writer:send("x", 0))
    fails("too_small", name, mailslot.create(name, { max_message = 300 }))
    fails("too_small", name, mailslot.create(name, { capacity = 100000 }))
    slot = assert(mailslot.create(name))
    assert.equal("unread", slot:receive())
    assert.is_true(writer:send("x"))
  end)

  it("rejects a plain map as corrupt", function()
    for _, size in ipairs { 1, 64, 4096 } do
      local other = support.unique("Local\\")
      local _ <close> = assert(filemap.create(other, size))
      fails("corrupt", other, mailslot.open(other))
      fails("corrupt", other, mailslot.create(other))
    end
  end)

  it("is taken over from a dead reader, with the unread messages", function()
    slot:close()
    local child = support.child("evaluator")
    assert.equal("true", child:ask("s = mailslot.create(%q) return s ~= nil", name))
    for i = 1, 5 do writer:send("message " .. i) end
    assert.equal("message 1", child:ask("return s:receive()"))
    child:kill()
    child:wait(support.deadline)
    slot = assert(mailslot.create(name))
    assert.equal("message 2", slot:receive(0))
    assert.equal(3, slot:info().count)
  end)

  it("ends a waiting send with closed when the reader dies", function()
    slot:close()
    local child = support.child("evaluator")
    child:ask("s = mailslot.create(%q)", name)
    while writer:send(("x"):rep(200), 0) do end
    child:kill()
    local start = core.now()
    fails("closed", name, writer:send(("x"):rep(200)))
    assert.is_true(core.now() - start < support.deadline / 10)
    fails("closed", name, writer:send("x", 0))
  end)

  it("wakes a waiting reader", function()
    local child = support.child("evaluator")
    child:ask("w = mailslot.open(%q)", name)
    for i = 1, 50 do
      child:start("return w:send('%d')", i)
      assert.equal(tostring(i), slot:receive(support.deadline))
      assert.equal("true", child:expect())
    end
  end)

  it("keeps each writer's order while four writers send at full speed", function()
    local children = {}
    for i = 1, 4 do
      children[i] = support.child("evaluator")
      children[i]:ask("w = mailslot.open(%q)", name)
    end
    for i, child in ipairs(children) do
      child:start([[for n = 1, 10000 do assert(w:send(("%d %%d "):format(n) .. ("x"):rep(n %% 100))) end
        return "done"]], i)
    end
    local last = { 0, 0, 0, 0 }
    for _ = 1, 40000 do
      local message = assert(slot:receive(support.deadline))
      local from, n, rest = message:match("^(%d) (%d+) (x*)$")
      from, n = tonumber(from), tonumber(n)
      assert(n == last[from] + 1 and #rest == n % 100, message)
      last[from] = n
    end
    for _, child in ipairs(children) do assert.equal("done", child:expect()) end
    fails("timeout", name, slot:receive(0))
  end)

  it("fails with in_use when a process that lives keeps the writers' lock", function()
    local map <close> = assert(filemap.open(name, "rw"))
    local view <close> = assert(map:view())
    view:set_u32(68, 1) -- the lock's owner is the reader, which is this process
    for timeout, least in pairs { [0.3] = 0.3, [math.huge] = 1, forever = 1 } do
      local start = core.now()
      fails("in_use", name, writer:send("x", math.type(timeout) and timeout or nil))
      local took = core.now() - start
      assert.is_true(took >= least and took < support.deadline / 2, took)
    end
    fails("full", name, writer:send("x", 0))
    view:set_u32(68, 0)
    assert.is_true(writer:send("x"))
    assert.equal("x", slot:receive(0))
  end)

  it("contains no partial message of a killed writer, and is not blocked by one", function()
    local children, serial = {}, 0
    local function start()
      serial = serial + 1
      local child = support.child("evaluator")
      child:start([[w = mailslot.open(%q) local n = 0
        while true do n = n + 1 w:send(('%d %%d '):format(n) .. ('x'):rep(n %% 150)) end]], name, serial)
      return child
    end
    for i = 1, 3 do children[i] = start() end
    local last = {}
    for round = 1, 30 do
      for _ = 1, 500 do
        local message = assert(slot:receive(support.deadline))
        local from, n, rest = message:match("^(%d+) (%d+) (x*)$")
        n = tonumber(n)
        assert(n == (last[from] or 0) + 1 and #rest == n % 150, message)
        last[from] = n
      end
      children[round % 3 + 1]:kill()
      children[round % 3 + 1] = start()
    end
    for _, child in ipairs(children) do child:kill() end
    while slot:receive(0.2) do end
    assert.is_true(writer:send("still here", support.deadline))
    assert.equal("still here", slot:receive(support.deadline))
  end)
end)
