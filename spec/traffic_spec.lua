-- Many messages between processes, which run in parallel or share one processor. None is lost, doubled,
-- changed or out of order. Waiting processes use no processor time.
--
-- The environment variable FILEMAP_MESSAGES sets the number of messages each way (default 20000).
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local support = require "spec.support"
local traffic = require "spec.support.traffic"

local MESSAGES <const> = tonumber(os.getenv("FILEMAP_MESSAGES")) or 20000

support.clean()

-- BIND binds the process that runs it to one processor, and UNBIND to all processors.
local BIND <const> = "os.execute('taskset -p -c 0 $PPID >/dev/null')"
local UNBIND <const> = "os.execute('taskset -p -c 0-1023 $PPID >/dev/null')"

local function both_ways(binding)
  local name = support.unique("Local\\")
  local listener <close> = assert(pipe.listen(name))
  local child = support.child("evaluator")
  if binding then child:ask(binding) end
  child:start("return traffic.both(assert(pipe.connect(%q)), %d, 2, 1)", name, MESSAGES)
  local conn <close> = assert(listener:accept(support.deadline))
  local hash = traffic.both(conn, MESSAGES, 1, 2)
  assert.equal(hash, child:expect())
end

describe("a pipe", function()
  it("delivers all messages both ways, whole and in order", function() both_ways() end)

  support.only("posix", "taskset is a program of Linux")("delivers all messages on one processor", function()
    load(BIND)()
    local ok, problem = pcall(both_ways, BIND)
    load(UNBIND)()
    assert(ok, problem)
  end)

  it("delivers all messages of several clients at once", function()
    local name = support.unique("Local\\")
    local listener <close> = assert(pipe.listen(name))
    local children, conns = {}, {}
    for i = 1, 3 do
      children[i] = support.child("evaluator")
      children[i]:start("return traffic.one(assert(pipe.connect(%q, 10)), 'send', %d, %d)", name,
        MESSAGES // 3, i)
      conns[i] = assert(listener:accept(support.deadline)) -- of this child: the next one is not there yet
    end
    local hashes = traffic.receive_from(conns, MESSAGES // 3)
    for i = 1, 3 do assert.equal(hashes[i], children[i]:expect()) end
    for _, conn in ipairs(conns) do conn:close() end
  end)

  it("delivers all bytes of a stream", function()
    local name = support.unique("Local\\")
    local listener <close> = assert(pipe.listen(name, { stream = true, capacity = 5000 }))
    local child = support.child("evaluator")
    child:start("return traffic.write(assert(pipe.connect(%q)), %d, 1)", name, MESSAGES)
    local conn <close> = assert(listener:accept(support.deadline))
    local hash = traffic.read(conn, MESSAGES, 1)
    assert.equal(hash, child:expect())
  end)
end)

describe("a mailslot", function()
  it("delivers each writer's messages, whole and in order", function()
    local name = support.unique("Local\\")
    local slot <close> = assert(mailslot.create(name))
    local children = {}
    for i = 1, 4 do
      children[i] = support.child("evaluator")
      children[i]:start("return traffic.one(assert(mailslot.open(%q)), 'send', %d, %d)", name,
        MESSAGES // 4, i)
    end
    local hashes = traffic.receive_mixed(slot, 4, MESSAGES // 4)
    for i = 1, 4 do assert.equal(hashes[i], children[i]:expect()) end
    assert.equal("timeout", select(3, slot:receive(0)))
  end)
end)

describe("a waiting process", function()
  local MOST <const> = 0.02 -- seconds of processor time in a second

  -- Each wait ends with timeout. The first chunk runs in `other`, which keeps the objects that the wait
  -- needs.
  local WAITS <const> = {
    ["for a mutex"] = { "m = sync.mutex(%q) m:lock()", "m = sync.mutex(%q)", "m:lock(1)" },
    ["for a semaphore"] = { "", "s = sync.semaphore(%q, 0, 1)", "s:acquire(1)" },
    ["for an event"] = { "", "e = sync.event(%q)", "e:wait(1)" },
    ["for a state's value"] = { "w = state.create(%q, 100)", "r = state.open(%q)", "r:wait(0, 1)" },
    ["for a message"] = { "l = pipe.listen(%q)", "c = pipe.connect(%q)", "c:receive(1)" },
    ["for room in a pipe"] = { "l = pipe.listen(%q, { capacity = 64 })",
      "c = pipe.connect(%q) while c:send('12345678', 0) do end", "c:send('12345678', 1)" },
    ["for a client"] = { "", "l = pipe.listen(%q)", "l:accept(1)" },
    ["for another listener"] = { "", "n = %q l = pipe.listen(n) c = pipe.connect(n) l:close()",
      "nil, nil, pipe.connect(n, 1) or 'timeout'" },
    ["for a message in a mailslot"] = { "", "s = mailslot.create(%q)", "s:receive(1)" },
    ["for room in a mailslot"] = { "s = mailslot.create(%q, { capacity = 64 })",
      "w = mailslot.open(%q) while w:send('12345678', 0) do end", "w:send('12345678', 1)" },
  }

  for what, wait in pairs(WAITS) do
    it("uses almost no processor time " .. what, function()
      local name = support.unique("Local\\")
      local other, child = support.child("evaluator"), support.child("evaluator")
      other:ask(wait[1], name)
      child:ask(wait[2], name)
      local result = child:ask("local used, passed = cpu(), now() local _, _, code = %s "
        .. "return code, (cpu() - used) / (now() - passed)", wait[3])
      local code, share = result:match("^(%S+) (%S+)$")
      assert.equal("timeout", code, result)
      assert.is_true(tonumber(share) < MOST, share)
    end)
  end
end)
