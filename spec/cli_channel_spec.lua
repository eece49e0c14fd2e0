-- filemap send, receive, publish, follow, listen, connect, lock, wait: channels and locks for shell scripts.
local command = require "spec.support.command"
local dkjson = require "dkjson"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

support.clean()

local posix = support.only("posix", "pgrep is a program of POSIX")

local eventually = support.eventually

describe("filemap receive and send", function()
  it("carry a line as a message", function()
    local name = support.unique()
    local receiver = command.start { "receive", name, "--count", "3" }
    eventually(function() return mailslot.open(name) end):close()
    command.output { "send", name, input = "one\ntwo\nthree" }
    assert.same({ "one", "two", "three" }, { receiver:expect(), receiver:expect(), receiver:expect() })
    assert.equal(0, receiver:wait(support.deadline))
  end)

  it("print each message at once as an object with --json", function()
    local name = support.unique()
    local receiver = command.start { "receive", name, "--json" }
    local writer <close> = eventually(function() return mailslot.open(name) end)
    writer:send("h\"é")
    assert.same({ message = "h\"é" }, dkjson.decode(receiver:expect()))
    writer:send("\xff\0")
    assert.same({ base64 = "/wA=" }, dkjson.decode(receiver:expect()))
    receiver:close()
  end)

  it("carry all of the input as one message with --raw", function()
    local name, bytes = support.unique(), "a\r\nb\0\26\xff\n"
    local slot <close> = mailslot.create(name)
    command.output { "send", name, "--raw", input = bytes }
    assert.equal(bytes, slot:receive(0))
    local path = command.file("line\n")
    command.output { "send", name, path }
    assert.equal("line", slot:receive(0))
  end)

  it("fail when the time is over", function()
    local name = support.unique()
    local said, problem, status = command.run { "receive", name, "--timeout", "0.05" }
    assert.same({ "", 1 }, { said, status })
    assert.is_truthy(problem:find("^filemap: [^\n]+\n$"), problem)
    local slot <close> = mailslot.create(name, { capacity = 64, max_message = 32 })
    problem, status = select(2, command.run { "send", name, "--timeout", "0.05", input = ("x\n"):rep(100) })
    assert.equal(1, status, problem)
    assert.is_truthy(slot:receive(0))
  end)
end)

describe("filemap publish and follow", function()
  it("print the present value, each newer one, and those of the next writer", function()
    local name = support.unique()
    local follower = command.start { "follow", name } -- (waits for the state)
    local writer = state.create_or_open(name, 65536)
    writer:publish("first")
    assert.equal("first", follower:expect())
    writer:publish("second")
    assert.equal("second", follower:expect())
    writer:close()
    command.output { "publish", name, input = "third\n" }
    assert.equal("third", follower:expect())
    follower:close()
  end)

  it("carry values as JSON", function()
    local name = support.unique()
    local reader = command.start { "follow", name, "--json" }
    local writer = command.start { "publish", name, "--json", "-" }
    for _, value in ipairs { '"text é"', "12", "true", '{"a":[1,2]}' } do
      writer:write(('{"version":9,"value":%s}\n'):format(value))
      local object = dkjson.decode(reader:expect())
      assert.is_true(object.version >= 1)
      assert.equal((value:gsub('^"(.*)"$', "%1")), object.value)
    end
    writer:write('{"base64":"/wA="}\n')
    assert.equal("/wA=", dkjson.decode(reader:expect()).base64)
    writer:finish()
    reader:close()
  end)

  it("carry binary values with --raw", function()
    local name, bytes = support.unique(), "a\r\n\n\0\26\xff"
    local writer = command.start { "publish", name, "--raw", "--hold", (command.file(bytes)) }
    assert.equal(bytes, command.bytes { "follow", name, "--raw", "--count", "1", "--timeout", "20" })
    writer:close()
  end)

  it("keep the state with --hold", function()
    local name = support.unique()
    local writer = command.start { "publish", name, "--hold" }
    writer:write("kept\n")
    writer:close_input()
    assert.equal("kept\n", command.output { "follow", name, "--count", "1", "--timeout", "20" })
    assert.is_nil(writer:wait(0))
    writer:close()
  end)

  it("fail for a state that does not come, a second writer, a long value and invalid JSON", function()
    local name = support.unique()
    local function fails(words)
      local _, problem, status = command.run(words)
      assert.equal(1, status, problem)
      return problem
    end
    fails { "follow", name, "--timeout", "0.05" }
    local writer = state.create(name, 10)
    fails { "follow", name, "--timeout", "0.05" } -- (a state without a value)
    fails { "publish", name, input = "x\n" }
    writer:close()
    fails { "publish", name, "--capacity", "4", input = "12345\n" }
    local wrong = { ["x"] = "line 1", ["[1"] = "line 1", ["{}"] = "value", ['{"base64":"?"}'] = "base64" }
    for line, word in pairs(wrong) do
      local problem = fails { "publish", name, "--json", input = line .. "\n" }
      assert.is_truthy(problem:find(word, 1, true), problem)
    end
  end)
end)

describe("filemap listen and connect", function()
  -- Ends the input, and with it the helper process that reads it, before the command is killed.
  local function end_helper(child)
    child:close_input()
    if support.windows then return end
    eventually(function()
      local found <close> = io.popen(("pgrep -r R,S,D -P %d lua"):format(child:pid()))
      return found:read("a") == ""
    end)
  end

  it("carry lines both ways, and end when the other end closes", function()
    local name = support.unique()
    local server = command.start { "listen", name }
    local client = command.start { "connect", name, "--timeout", "20" }
    client:write("ask\n")
    assert.equal("ask", server:expect())
    server:write("answer 1\nanswer 2\n")
    assert.same({ "answer 1", "answer 2" }, { client:expect(), client:expect() })
    client:close_input() -- (it goes on printing)
    server:write("answer 3\n")
    assert.equal("answer 3", client:expect())
    end_helper(server)
    server:kill()
    assert.equal(0, client:wait(support.deadline))
    server:close()
  end)

  it("print what arrives while there is no room for their input", function()
    local name, lines = support.unique(), {}
    for i = 1, 5000 do lines[i] = "line " .. i end
    local listener <close> = pipe.listen(name, { capacity = 1024 })
    local client = command.start { "connect", name }
    local conn <close> = listener:accept(support.deadline)
    client:write(table.concat(lines, "\n") .. "\n")
    -- Nothing is received meanwhile. (What the command prints fits in the system's pipe: 4 KB on Windows.)
    for i = 1, 200 do assert(conn:send("answer " .. i, support.deadline)) end
    for i = 1, 200 do assert.equal("answer " .. i, client:expect()) end
    for i = 1, #lines do assert.equal(lines[i], conn:receive(support.deadline)) end
    conn:close()
    assert.equal(0, client:wait(support.deadline))
  end)

  it("print the last messages when the other end closes while there is no room for their input", function()
    local name = support.unique()
    local listener <close> = pipe.listen(name, { capacity = 64 })
    local client = command.start { "connect", name }
    local conn <close> = listener:accept(support.deadline)
    client:write(("input\n"):rep(1000))
    assert.equal("input", conn:receive(support.deadline))
    for i = 1, 100 do assert(conn:send("last " .. i, support.deadline)) end
    conn:close()
    for i = 1, 100 do assert.equal("last " .. i, client:expect()) end
    assert.equal(0, client:wait(support.deadline))
  end)

  posix("print what arrives while their input never pauses", function()
    local name = support.unique()
    local listener <close> = pipe.listen(name, { capacity = 64 })
    local client = support.own(process.spawn { "sh", "-c", "yes | " .. command.line { "connect", name } })
    local conn <close> = listener:accept(support.deadline)
    local stop, said = process.now() + support.deadline, nil
    for i = 1, math.huge do -- (it takes less than `yes` prints)
      assert.equal("y", conn:receive(support.deadline))
      if i == 200 then conn:send("hello") end
      said = client:read(0.001)
      if said or process.now() > stop then break end
    end
    assert.equal("hello", said)
    conn:close()
    assert.equal(0, client:wait(support.deadline))
  end)

  it("serve one client after another with --keep", function()
    local name = support.unique()
    local server = command.start { "listen", name, "--keep" }
    for i = 1, 3 do
      local conn <close> = eventually(function() return pipe.connect(name, 1) end)
      conn:send("client " .. i)
      assert.equal("client " .. i, server:expect())
      server:write(("to %d\n"):format(i))
      assert.equal("to " .. i, conn:receive(support.deadline))
    end
    end_helper(server)
  end)

  it("carry all of the input as one message with --raw", function()
    local name, bytes = support.unique(), "a\r\nb\0\26\xff\n"
    local listener <close> = pipe.listen(name)
    local client = command.start { "connect", name, "--raw" }
    local conn <close> = listener:accept(support.deadline)
    client:write(bytes)
    client:close_input()
    local message, problem = conn:receive(support.deadline)
    if not message then error(("%s; the command said: %s"):format(problem, client:read(1)), 0) end
    assert.equal(bytes, message)
    conn:send("no line's end")
    conn:close()
    assert.equal("no line's end", client:expect())
    assert.equal(0, client:wait(support.deadline))
  end)

  posix("leave no process behind", function()
    local name = support.unique()
    local server = command.start { "listen", name }
    local conn = eventually(function() return pipe.connect(name, 1) end)
    conn:send("x")
    assert.equal("x", server:expect())
    conn:close()
    assert.equal(0, server:wait(support.deadline)) -- (although its input goes on)
    local found <close> = io.popen(("pgrep -P %d"):format(server:pid()))
    assert.equal("", found:read("a"))
    server:close()
  end)

  posix("leave no process behind when SIGTERM ends them", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name))
    local client = command.start { "connect", name }
    local conn <close> = assert(listener:accept(support.deadline))
    client:write("x\n")
    assert.equal("x", conn:receive(support.deadline))
    local found <close> = io.popen(("pgrep -P %d"):format(client:pid()))
    local children = found:read("a")
    command.signal(client, "TERM")
    client:wait(support.deadline)
    for child in children:gmatch("%d+") do
      eventually(function() return not os.execute(("kill -0 %s 2>/dev/null"):format(child)) end)
    end
    client:close()
  end)
end)

describe("filemap connect", function()
  it("ends when the other end closes, while its standard input is open", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name))
    local client = command.start { "connect", name }
    local conn = assert(listener:accept(support.deadline))
    conn:send("hello")
    assert.equal("hello", client:expect())
    conn:close()
    assert.equal(0, client:wait(support.deadline))
  end)

  posix("ends at Ctrl-C while it waits for a listener", function()
    local announce = [[local pipe = require("filemap.pipe")
      local connect = pipe.connect
      function pipe.connect(...)
        print("connecting")
        io.stdout:flush()
        return connect(...)
      end]]
    local child = support.own(process.spawn { support.lua, "-e", announce, "bin/filemap", "connect",
      support.unique(), "--timeout", tostring(2 * support.deadline) })
    assert.equal("connecting", child:expect())
    eventually(function() return command.read(("/proc/%d/stat"):format(child:pid())):find("%) S ") end)
    command.signal(child, "INT")
    assert.equal(130, child:wait(support.deadline))
  end)

  it("suggests the name of a listener when its time is over", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name .. "Telemetry"))
    for _, timeout in ipairs { "0", "0.5" } do
      local _, problem, status = command.run { "connect", name .. "Tlemetry", "--timeout", timeout }
      assert.equal(1, status)
      assert.is_truthy(problem:find(("did you mean '%s'?"):format(name .. "Telemetry"), 1, true), problem)
    end
    assert.is_truthy(listener)
  end)

  it("fails when the memory of its connection is damaged", function()
    local DAMAGED <const> = 1 << 16 -- bytes, from the first connection's on
    local name, errors = support.unique(), support.tmpname()
    local listener <close> = assert(pipe.listen(name, { capacity = 4096 }))
    local client = support.own(process.spawn { support.lua, "-e",
      "io.stderr = io.open(os.getenv('SPEC_ERRORS'), 'wb')", "bin/filemap", "connect", name,
      env = { SPEC_ERRORS = errors } })
    local conn <close> = assert(listener:accept(support.deadline))
    conn:send("before")
    assert.equal("before", client:expect())
    local map <close> = assert(filemap.open(name, "rw"))
    local view <close> = assert(map:view())
    view:commit(0, 64 + DAMAGED)
    view:fill(64, DAMAGED, 255)
    assert.equal(1, client:wait(support.deadline))
    local said = command.read(errors)
    assert.is_truthy(said:find("^filemap: " .. name:gsub("%p", "%%%0") .. ": [^\n]*damaged"), said)
  end)
end)

describe("filemap lock", function()
  -- The words of a command that runs a chunk of Lua.
  local function lua(chunk) return support.lua, "-e", chunk end

  it("runs a command with the mutex held, and ends with its status", function()
    local name = support.unique()
    local said = command.output { "lock", name, "--", lua "print('a  b')" }
    assert.equal("a  b\n", (said:gsub("\r", "")))
    for _, status in ipairs { 0, 1, 7, 200 } do
      assert.equal(status, select(3, command.run { "lock", name, "--", lua(("os.exit(%d)"):format(status)) }))
    end
    local child = command.start { "lock", name, "--",
      lua "io.stdout:setvbuf'no' print'held' print(io.read())" }
    assert.equal("held", child:expect())
    local mutex <close> = sync.mutex(name)
    assert.equal("timeout", select(3, mutex:lock(0)))
    child:write("over\n")
    assert.equal("over", child:expect())
    assert.equal(0, child:wait(support.deadline))
    assert.is_true(mutex:lock(0))
    mutex:unlock()
  end)

  support.only("posix", "signals are POSIX's")("ends with the status of a shell", function()
    local name = support.unique()
    assert.equal("a b 'c'\n", command.output { "lock", name, "--", "printf", "%s %s\n", "a b", "'c'" })
    assert.equal(128 + 9, select(3, command.run { "lock", name, "--", "sh", "-c", "kill -9 $$" }))
    assert.equal(127, select(3, command.run { "lock", name, "--", "/no/such/command" }))
  end)

  posix("ends with the status of a command that handles Ctrl-C", function()
    local script = 'trap "echo got; exit 7" INT; echo start; while :; do sleep 0.1; done'
    local line = command.line { "lock", support.unique(), "--", "sh", "-c", script }
    -- (Ctrl-C sends a signal to all processes of a job.)
    local job = ("set -m; %s </dev/null & read line; kill -INT -$!; { wait $!; } 2>/dev/null"):format(line)
    local child = support.own(process.spawn { "bash", "-c", job })
    assert.equal("start", child:expect())
    child:write("\n")
    assert.equal("got", child:expect())
    assert.equal(7, child:wait(support.deadline))
  end)

  it("fails with -n and -w if another process holds the mutex", function()
    local name = support.unique()
    local holder = support.child("evaluator")
    assert.equal("true", holder:ask("m = sync.mutex(%q) return m:lock()", name))
    for _, words in ipairs { { "-n" }, { "-w", "0.1" }, { "-w", "0" } } do
      local line = { "lock", name, table.unpack(words) }
      for _, word in ipairs { "--", lua "print'ran'" } do line[#line + 1] = word end
      local said, problem, status = command.run(line)
      assert.same({ "", 1 }, { said, status })
      assert.is_truthy(problem:find("^filemap: [^\n]+\n$"), problem)
    end
    holder:finish()
    assert.equal("ran", command.output({ "lock", name, "-n", "--", lua "print'ran'" }):match("%w+"))
  end)
end)

describe("filemap wait", function()
  it("waits until an event is set", function()
    local name = support.unique()
    local event <close> = sync.event(name)
    local waiter = command.start { "wait", name }
    assert.is_nil(waiter:wait(0.2))
    event:set()
    assert.equal(0, waiter:wait(support.deadline))
    assert.equal(1, select(3, command.run { "wait", name, "--timeout", "0.05" }))
  end)

  it("makes the event with --create", function()
    local name = support.unique()
    local waiter = command.start { "wait", name, "--create" }
    local event <close> = eventually(function() return (sync.event(name, { existing = true })) end)
    event:set()
    assert.equal(0, waiter:wait(support.deadline))
  end)
end)
