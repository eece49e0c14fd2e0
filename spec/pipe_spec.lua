-- filemap.pipe: connections, messages and streams, also where a process closes its end or dies.
local check = require "spec.support.check"
local core = require "filemap.core"
local filemap = require "filemap"
local pipe = require "filemap.pipe"
local process = require "process"
local support = require "spec.support"
local sync = require "filemap.sync"

local raises, contains, fails = check.raises, check.contains, check.fails

-- The time in which the death of a process must be noticed, with a margin for a loaded machine.
local SOON <const> = support.deadline / 10

support.clean()

describe("a pipe", function()
  local name, listener, client, server

  before_each(function()
    name = support.unique("Local\\")
    listener = assert(pipe.listen(name, { capacity = 1000 }))
    client = assert(pipe.connect(name))
    server = assert(listener:accept(0))
  end)

  after_each(function()
    listener:close()
    client:close()
    server:close()
  end)

  it("delivers messages in order, both ways", function()
    for _, message in ipairs { "one", "", ("x"):rep(1000), "nul \0 and \255" } do
      assert.is_true(client:send(message))
      assert.is_true(server:send("re: " .. message:sub(1, 900)))
      assert.equal(message, server:receive())
      assert.equal("re: " .. message:sub(1, 900), client:receive(0))
    end
    fails("timeout", name, client:receive(0))
    fails("timeout", name, server:receive(0.01))
  end)

  it("delivers messages of every length, also across the end of its ring", function()
    for length = 0, 1000 do
      local message = string.char(33 + length % 90):rep(length)
      assert.is_true(client:send(message, 0))
      assert.equal(message, server:receive(0))
    end
  end)

  it("waits for room, and refuses a message longer than its capacity with too_large", function()
    fails("too_large", name, client:send(("x"):rep(1001)))
    while client:send(("x"):rep(300), 0) do end
    fails("timeout", name, client:send(("x"):rep(300), 0))
    fails("timeout", name, client:send(("x"):rep(300), 0.02))
    server:receive()
    assert.is_true(client:send(("y"):rep(300), 0))
    for _, capacity in ipairs { 1, 59, 60, 61, 4096 } do
      local other = support.unique()
      local l <close> = assert(pipe.listen(other, { capacity = capacity }))
      local c <close> = assert(pipe.connect(other))
      local s <close> = assert(l:accept(0))
      assert.is_true(s:send(("z"):rep(capacity), 0))
      assert.equal(capacity, #c:receive(0))
    end
  end)

  it("describes its objects with tostring, and raises when closed ones are used", function()
    assert.equal(("filemap.listener (%s)"):format(name), tostring(listener))
    assert.equal(("filemap.conn (%s)"):format(name), tostring(client))
    for _, object in ipairs { listener, client, server } do
      assert.is_true(object:close())
      assert.is_true(object:close())
      contains("(closed)", tostring(object))
    end
    contains("filemap.conn is closed", raises(client, "send", "x"))
    contains("filemap.listener is closed", raises(listener, "accept", 0))
  end)

  it("raises for invalid arguments, and fails with a code for invalid names and capacities", function()
  raises(client, "send")
    contains("negative", raises(client, "send", "x", -1))
    contains("negative", raises(client, "receive", -1))
    contains("must not be NaN", raises(listener, "accept", 0 / 0))
    contains("pipe of messages", raises(client, "read"))
    contains("pipe of messages", raises(client, "write", "x"))
    for _, bad in ipairs { 0, -1, 1.5, "x", {} } do raises(pipe, ".listen", "x", { capacity = bad }) end
    raises(pipe, ".listen", "x", { stream = 1 })
    raises(pipe, ".connect", "x", -1)
    fails("too_large", "x", pipe.listen("x", { capacity = 1 << 31 }))
    local message = select(2, pipe.listen("x", { capacity = 1 << 31 }))
    local most = math.tointeger(message:match("limit of (%d+) bytes"))
    fails("too_large", "x", pipe.listen("x", { capacity = most + 1 }))
    assert(pipe.listen("x", { capacity = most })):close()
    fails("invalid", "a\\b", pipe.connect("a\\b"))
    fails("invalid", "a\\b", pipe.listen("a\\b"))
  end)

  it("has one listener at a time, and no new connections without one", function()
    fails("exists", name, pipe.listen(name))
    fails("exists", name, pipe.listen(name, { capacity = 1000 }))
    listener:close()
    fails("not_found", name, pipe.connect(name))
    fails("not_found", name, pipe.connect(name, 0.02))
    assert.is_true(client:send("goes on"))
    assert.equal("goes on", server:receive())
    fails("exists", name, pipe.listen(name, { capacity = 5000 }))
    listener = assert(pipe.listen(name, { capacity = 1000 }))
    local other <close> = assert(pipe.connect(name))
    other:send("new")
    local mine <close> = assert(listener:accept(0))
    assert.equal("new", mine:receive(0))
    assert.is_true(server:send("still"))
    assert.equal("still", client:receive(0))
  end)

  it("fails with corrupt for the name of a map", function()
    for _, size in ipairs { 1, 64, 4096 } do
      local other = support.unique("Local\\")
      local _ <close> = assert(filemap.create(other, size))
      fails("corrupt", other, pipe.connect(other))
      fails("corrupt", other, pipe.listen(other))
    end
  end)

  it("has many connections, accepted in the order in which they were made", function()
    local clients, servers = {}, {}
    for i = 1, 200 do
      clients[i] = assert(pipe.connect(name))
      assert.is_true(clients[i]:send("I am " .. i))
    end
    for i = 1, 200 do
      servers[i] = assert(listener:accept(0))
      assert.equal("I am " .. i, servers[i]:receive(0))
      servers[i]:send("hello " .. i)
    end
    fails("timeout", name, listener:accept(0))
    for i = 1, 200 do assert.equal("hello " .. i, clients[i]:receive(0)) end
    for i = 1, 200 do
      clients[i]:close()
      fails("closed", name, servers[i]:receive(0))
      servers[i]:close()
    end
  end)

  it("accepts in order, also where the numbers of connections wrap around", function()
    -- The word's offset: after the header and the word that shows that there is a listener.
    local TICKET <const> = 68
    local map <close> = assert(filemap.open(name, "rw"))
    local words <close> = map:view(0, 4096)
    assert.is_true(words:commit(0, 4096)) -- the memory is committed, but on Windows each view must commit it
    for _, number in ipairs { (1 << 30) - 2, (3 << 30) - 2, (1 << 32) - 2 } do
      words:set_u32(TICKET, number)
      local first, second <close> = assert(pipe.connect(name)), assert(pipe.connect(name))
      second:send("second")
      assert(listener:accept(0)):close()
      first:close()
      local third <close> = assert(pipe.connect(name)) -- in the first connection's place
      third:send("third")
      for _, expected in ipairs { "second", "third" } do
        local s <close> = assert(listener:accept(0))
        assert.equal(expected, s:receive(0))
      end
    end
  end)

  it("reuses the places of closed connections", function()
    for i = 1, 3000 do
      local c <close> = assert(pipe.connect(name))
      local s <close> = assert(listener:accept(0))
      c:send(tostring(i))
      assert.equal(tostring(i), s:receive(0))
    end
  end)

  local narrow = string.packsize("T") == 4 and " (32-bit addresses cannot map this much memory)"
  local wide = narrow and pending or it
  wide("fails with full when no place is left" .. (narrow or ""), function()
    local big = support.unique()
    local l <close> = assert(pipe.listen(big, { capacity = 100 << 20 }))
    local held = {}
    while true do
      local c, message, code = pipe.connect(big)
      if not c then
        assert.equal("full", code, message)
        break
      end
      held[#held + 1] = c
    end
    assert.is_true(#held >= 4)
    held[1]:close()
    do
      local _ <close> = assert(l:accept(0)) -- its other end keeps the place
      fails("full", big, pipe.connect(big))
    end
    assert(pipe.connect(big)):close()
    for _, c in ipairs(held) do c:close() end
  end)

  it("delivers what was sent before closing, then fails with closed", function()
    for _, ends in ipairs { { client, server }, } do
      ends[1]:send("a")
      ends[1]:send("b")
      ends[1]:close()
      assert.equal("a", ends[2]:receive())
      assert.equal("b", ends[2]:receive(0))
      fails("closed", name, ends[2]:receive())
      fails("closed", name, ends[2]:receive(0))
      fails("closed", name, ends[2]:send("x"))
    end
  end)

  it("delivers the messages of a client that closed or died before it was accepted", function()
    local c = assert(pipe.connect(name))
    c:send("closed")
    c:close()
    local child = support.child("evaluator")
    assert.equal("true", child:ask("c = pipe.connect(%q) return c:send('died')", name))
    child:kill()
    child:wait(support.deadline)
    for _, expected in ipairs { "closed", "died" } do
      local s <close> = assert(listener:accept(0))
      assert.equal(expected, s:receive(0))
      fails("closed", name, s:receive())
    end
  end)

  it("sends messages to clients that receive one and close at once", function()
    local child = support.child("evaluator")
    child:start("for _ = 1, 500 do c = pipe.connect(%q) c:receive() c:close() end return 'done'", name)
    for _ = 1, 500 do
      local s <close> = assert(listener:accept(support.deadline))
      assert.is_true(s:send("the answer"))
    end
    assert.equal("done", child:expect())
  end)

  it("fails with closed for a client when the listener closes without accepting it", function()
    local c <close> = assert(pipe.connect(name))
    assert.is_true(c:send("x"))
    listener:close()
    fails("closed", name, c:receive())
    fails("closed", name, c:send("x", 0))
  end)

  it("is not accepted by a new listener if it was queued for a listener that is gone", function()
    for _, how in ipairs { "closed", "killed" } do
      local other = support.unique("Local\\")
      local child = support.child("evaluator")
      child:ask("l = pipe.listen(%q)", other)
      local old <close> = assert(pipe.connect(other))
      assert.is_true(old:send("for the old listener"))
      if how == "closed" then
        child:ask("l:close()")
      else
        child:kill()
        child:wait(support.deadline)
      end
      local new_listener <close> = assert(pipe.listen(other))
      local new <close> = assert(pipe.connect(other))
      assert.is_true(new:send("for the new listener"))
      local accepted <close> = assert(new_listener:accept(0))
      assert.equal("for the new listener", accepted:receive(0))
      fails("closed", other, old:receive(0.2))
      fails("closed", other, old:send("x"))
      fails("timeout", other, new_listener:accept(0))
      assert.is_true(new:send("more"))
    end
  end)

  local hostile_seat = "is accepted although a hostile process holds the seat of the client before it"
  local only = support.having("python3", support.only("posix", "seats are locks of a file there"))
  only(hostile_seat, function()
    local other = support.unique("Local\\")
    local queue <close> = assert(pipe.listen(other))
    local first <close> = assert(pipe.connect(other))
    local second <close> = assert(pipe.connect(other))
    -- Seat 3 is that of the server's end of the first connection.
    local lock = ([[import fcntl, glob, sys
file = open([f for f in glob.glob("/dev/shm/*") if f.endswith("%s")][0], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, (1 << 62) + 3, 0)
print("READY", flush=True)
sys.stdin.readline()]]):format(other:sub(7))
    local hostile <close> = process.spawn { "python3", "-c", lock }
    hostile:expect("^READY$")
    second:send("second")
    local accepted <close> = assert(queue:accept(0))
    assert.equal("second", accepted:receive(0))
    fails("timeout", other, queue:accept(0))
    -- A listener is ready only if accept finds a client.
    local event <close> = assert(sync.event(support.unique(), { set = true, manual = true }))
    local handle = assert(queue:pollable())
    assert.equal(2, sync.wait_any({ queue, event }, support.deadline))
    assert.is_false(process.poll(handle, 0))
    assert.is_true(hostile:write("\n"))
    hostile:finish()
    assert.equal(1, sync.wait_any({ queue, event }, 0))
    assert.is_true(process.poll(handle, support.deadline))
    local freed <close> = assert(queue:accept(support.deadline))
    assert.is_true(first:send("first"))
    assert.equal("first", freed:receive(0))
  end)

  it("fails with closed soon after the other end dies, and delivers what that end sent first", function()
    for _, role in ipairs { "client", "server" } do
      local other = support.unique("Local\\")
      local child = support.child("evaluator")
      local mine
      if role == "client" then
        local l <close> = assert(pipe.listen(other))
        assert.equal("true", child:ask("c = pipe.connect(%q) return c:send('last')", other))
        mine = assert(l:accept(0))
      else
        assert.equal("true", child:ask("l = pipe.listen(%q) return l ~= nil", other))
        mine = assert(pipe.connect(other))
        assert.equal("true", child:ask("c = l:accept(0) return c:send('last')"))
      end
      child:kill()
      child:wait(support.deadline)
      assert.equal("last", mine:receive())
      local start = core.now()
      fails("closed", other, mine:receive())
      fails("closed", other, mine:send("x"))
      assert.is_true(core.now() - start < SOON)
      mine:close()
    end
  end)

  it("ends a wait with closed when the other end dies", function()
    for _, what in ipairs { "receive", "send" } do
      local child = support.child("evaluator")
      local other = support.unique("Local\\")
      assert.equal("true", child:ask("l = pipe.listen(%q, { capacity = 64 }) return l ~= nil", other))
      local mine <close> = assert(pipe.connect(other))
      assert.equal("true", child:ask("c = l:accept(0) return c ~= nil"))
      while what == "send" and mine:send("12345678", 0) do end
      child:start("io.stdout:write('') while true do end")
      child:kill()
      local start = core.now()
      fails("closed", other, mine[what](mine, what == "send" and "12345678" or nil))
      assert.is_true(core.now() - start < SOON)
    end
  end)

  it("waits in connect for a listener", function()
    local other = support.unique("Local\\")
    local child = support.child("evaluator")
    child:start("c = pipe.connect(%q, 20) c:send('came') return 'sent'", other)
    local l <close> = assert(pipe.listen(other))
    local s <close> = assert(l:accept(support.deadline))
    assert.equal("came", s:receive(support.deadline))
    assert.equal("sent", child:expect())
  end)

  support.only("posix", "a Windows process cannot limit its own handles", function()
    it("fails with system in accept and connect when no descriptor is left", function()
      local child <close> = process.spawn { "sh", "-c", 'ulimit -n 40; exec "$@"', "sh", support.lua, "-",
        support.unique() }
      child:write [[
        local pipe, name, held, file = require "filemap.pipe", arg[1], {}
        local listener, client = pipe.listen(name), pipe.connect(name)
        repeat
          file = io.open("/dev/null")
          held[#held + 1] = file
        until not file
        print(select(3, listener:accept()))
        print(select(3, pipe.connect(name))) -- which needs two
        table.remove(held):close()
        print(select(3, pipe.connect(name)))
        client:close()
        print(listener:accept(0) ~= nil)
        listener:close()]]
      child:close_input()
      for _, line in ipairs { "system\t24", "system\t24", "system\t24", "true" } do
        assert.equal(line, child:read(support.deadline))
      end
      assert.equal(0, child:wait(support.deadline))
    end)
  end)

  it("delivers many messages both ways between processes, whole and in order", function()
    local child = support.child("evaluator")
    child:ask("c = pipe.connect(%q)", name)
    local s <close> = assert(listener:accept(support.deadline))
    child:start("for i = 1, 50000 do local m = c:receive() assert(c:send(m)) end return 'done'")
    local sent, got = 0, 0
    while got < 50000 do
      while sent < 50000 and sent - got < 100 and s:send(sent .. (" "):rep(sent % 90), 0) do
        sent = sent + 1
      end
      local message = assert(s:receive(support.deadline))
      assert(message == got .. (" "):rep(got % 90), message)
      got = got + 1
    end
    assert.equal("done", child:expect())
  end)

  it("serves several processes", function()
    local children = {}
    for i = 1, 4 do
      children[i] = support.child("evaluator")
      children[i]:start([[c = pipe.connect(%q, 10)
        for i = 1, 500 do c:send(i) assert(c:receive() == tostring(2 * i)) end return 'ok']], name)
    end
    local conns = {}
    for i = 1, 4 do conns[i] = assert(listener:accept(support.deadline)) end
    local open = 4
    while open > 0 do
      for i, c in pairs(conns) do
        local message, _, code = c:receive(0.001)
        if message then c:send(tostring(2 * math.tointeger(message)))
        elseif code == "closed" then conns[i], open = nil, open - 1 end
        if message == "500" then
          c:close()
          conns[i], open = nil, open - 1
        end
      end
    end
    for _, child in ipairs(children) do assert.equal("ok", child:expect()) end
  end)
end)

describe("a stream", function()
  local name, listener, client, server

  before_each(function()
    name = support.unique("Local\\")
    listener = assert(pipe.listen(name, { stream = true, capacity = 50 }))
    client = assert(pipe.connect(name))
    server = assert(listener:accept(0))
  end)

  after_each(function()
    listener:close()
    client:close()
    server:close()
  end)

  it("is read as a Lua file is", function()
    assert.equal(client, client:write("line one\nline two\n\nab\ncdefg"))
    assert.equal(client, client:write())
    assert.equal(client, client:write("\n", "", 12, 0.5))
    client:close()
    assert.equal("line one", server:read())
    assert.equal("line two\n", server:read("L"))
    assert.equal("", server:read("l"))
    assert.equal("a", server:read(1))
    assert.equal("", server:read(0))
    assert.equal("b\n", server:read(2))
    assert.equal("cde", server:read(3))
    assert.equal("fg", server:read("l"))
    assert.equal("120.5", server:read("l"))
    fails("closed", name, server:read("l"))
    fails("closed", name, server:read("L"))
    fails("closed", name, server:read(1))
    fails("closed", name, server:read(0))
    assert.equal("", server:read("a"))
    fails("closed", name, server:write("x"))
  end)

  it("writes to clients that read one line and close at once", function()
    local child = support.child("evaluator")
    child:start("for _ = 1, 500 do c = pipe.connect(%q) c:read() c:close() end return 'done'", name)
    for _ = 1, 500 do
      local s <close> = assert(listener:accept(support.deadline))
      assert.equal(s, s:write("the answer\n"))
    end
    assert.equal("done", child:expect())
  end)

  it("returns the remaining bytes, then fails with closed, when the other end has closed", function()
    client:write("0123456789")
    client:close()
    assert.equal("01234", server:read(5))
    assert.equal("56789", server:read(100))
    fails("closed", name, server:read(100))
  end)

  it("carries more than its capacity while the other end reads", function()
    local child = support.child("evaluator")
    child:ask("c = pipe.connect(%q)", name)
    local s <close> = assert(listener:accept(support.deadline))
    child:start("for i = 1, 300 do c:write(('%%d\\n'):format(i):rep(i)) end c:close() return 'written'")
    for i = 1, 300 do
      for _ = 1, i do assert(s:read("l") == tostring(i)) end
    end
    fails("closed", name, s:read("l"))
    assert.equal("written", child:expect())
    child:ask("c = pipe.connect(%q)", name)
    local t <close> = assert(listener:accept(support.deadline))
    child:start("c:write(('abcdefghij'):rep(20000)) c:close() return 'written'")
    assert.equal(("abcdefghij"):rep(20000), t:read("a"))
  end)

  it("raises for the calls of message pipes and for invalid arguments", function()
  contains("is a stream", raises(client, "send", "x"))
    contains("is a stream", raises(client, "receive"))
    contains("format must be", raises(client, "read", "n"))
    contains("format must be", raises(client, "read", ""))
    contains("negative", raises(client, "read", -1))
    contains("bad argument #2 to 'read' (a call reads one thing", raises(client, "read", "l", "l"))
    raises(client, "write", {})
  end)
end)
