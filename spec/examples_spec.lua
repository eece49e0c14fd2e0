-- The examples, run as a user runs them. The struct examples read the game in C that they were written for.
-- On Windows the ported samples also share messages with the C++ programs that they were ported from.
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"

local posix = filemap.platform == "posix"
local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

local function name()
  return support.unique(posix and "/" or "Local\\")
end

-- Starts the game and waits until it shares its memory.
local function play(...)
  local game = process.spawn { folder .. "game", ... }
  game:expect("^READY$")
  return game
end

local function run(example, ...)
  return process.spawn { support.lua, ("examples/%s.lua"):format(example), ... }
end

-- Runs an example with a name that no other run of the specs uses.
local function run_named(shared, example, ...)
  return process.spawn { support.lua, ("examples/%s.lua"):format(example), env = { EXAMPLE_NAME = shared },
    ... }
end

-- All lines that a process prints. It must exit with code 0.
local function lines_of(child)
  local running <close>, lines = child, {}
  while true do
    local line, problem = running:read(support.deadline)
    if not line then
      assert.are.equal("eof", problem)
      running:finish()
      return lines
    end
    lines[#lines + 1] = line
  end
end

-- Waits until a file has at least so many bytes.
local function await_size(path, size)
  local deadline = process.now() + support.deadline
  repeat filemap.sleep(0.01) until lfs.attributes(path, "size") >= size or process.now() > deadline
end

-- Checks that the name was removed when its last holder ended.
local function gone(shared)
  assert.are.equal("not_found", select(3, filemap.open(shared)))
end

describe("the telemetry example", function()
  support.clean()

  it("prints consistent moments of the drive in order", function()
    local shared = name()
    local game <close> = play("telemetry", shared)
    local lines = lines_of(run("telemetry", "--name", shared, "--count", "5"))
    game:finish()
    assert.are.equal(5, #lines)
    local before = 0
    for _, line in ipairs(lines) do
      local speed, gear, rpm, x, y, z, hot = line:match(
        "^Nürburgring, lap %d+: (%d+) m/s in gear (%d) at (%d+) rpm, "
        .. "%((%d+)%.0, (%d+)%.0, (%d+)%.0%), tyres to (%d+) °C$")
      local time = tonumber(x)
      assert.is_true(time > before, line)
      before = time
      -- All values belong to one moment.
      assert.same({ time % 80, time % 6 + 1, 1000 + time % 80 * 100, time + 1, time + 2, time % 100 },
        { tonumber(speed), tonumber(gear), tonumber(rpm), tonumber(y), tonumber(z), tonumber(hot) })
    end
    gone(shared)
  end)

  it("prints an error with the section's name if no game runs", function()
    local shared = name()
    local command = ("%s examples/telemetry.lua --name %s 2>&1"):format(support.lua, shared)
    local said = assert(io.popen(command))
    assert.is_truthy(said:read("a"):find(shared .. ": ", 1, true))
    said:close()
  end)
end)

describe("the settings example", function()
  support.clean()

  it("prints each change that another script makes", function()
    local shared = support.unique("Local\\")
    local watcher <close> = run_named(shared, "settings", "watch", "volume", "name")
    watcher:expect("^watching$")
    lines_of(run_named(shared, "settings", "set", "volume", "0.5"))
    watcher:expect("^volume = 0.5$")
    lines_of(run_named(shared, "settings", "set", "name", "player"))
    watcher:expect("^name = player$")
    lines_of(run_named(shared, "settings", "set", "volume", "1"))
    watcher:expect("^volume = 1$")
    lines_of(run_named(shared, "settings", "set", "quit", "1"))
    watcher:finish()
  end)
end)

describe("the counters example", function()
  support.clean()

  it("counts what several workers count at once", function()
    local shared = support.unique("Local\\")
    local show = run_named(shared, "counters", "show")
    show:expect("^ready$")
    local workers = {}
    for i = 1, 4 do workers[i] = run_named(shared, "counters", "count", "a", "b", "a", "c" .. i) end
    for _, worker in ipairs(workers) do lines_of(worker) end
    assert(show:write("\n"))
    assert.same({ "a\t8", "b\t4", "c1\t1", "c2\t1", "c3\t1", "c4\t1" }, lines_of(show))
  end)
end)

describe("the frames example", function()
  support.clean()

  it("shows whole frames, newest first", function()
    local shared = support.unique("Local\\")
    local camera = run_named(shared, "frames", "camera", "100000")
    camera:expect("^recording$")
    local lines, before = lines_of(run_named(shared, "frames", "show", "5")), 0
    assert.are.equal(5, #lines)
    for _, line in ipairs(lines) do
      local number, least, most = line:match("^frame (%d+): 2304 bytes, brightness (%d+) to (%d+)$")
      number = tonumber(number)
      assert.is_true(number > before, line)
      assert.same({ number % 256, number % 256 }, { tonumber(least), tonumber(most) })
      before = number
    end
    camera:kill()
    camera:wait(support.deadline)
    gone(shared)
    filemap.list() -- frees the memory of a killed process
  end)
end)

describe("the tail example", function()
  support.clean()

  it("prints what is appended to a file", function()
    local path = support.tmpname(".log")
    local file <close> = assert(io.open(path, "wb"))
    file:setvbuf("no")
    file:write("old line\n")
    assert.same({ "old line" }, lines_of(run("tail", path, "0")))
    local tail = run("tail", path)
    tail:expect("^old line$")
    file:write("new ")
    file:write("line\n")
    tail:expect("^new line$")
    tail:kill()
    tail:wait(support.deadline)
  end)
end)

describe("the lock example", function()
  support.clean()

  local command = ("%s -e \"print('at work')\""):format(support.lua)

  it("runs the command when the lock is free", function()
    local shared = support.unique("Local\\")
    assert.same({ "at work" }, lines_of(run("lock", shared, command)))
    local mutex <close> = require("filemap.sync").mutex(shared)
    assert(mutex:lock())
    local waiting = run("lock", shared, command)
    waiting:expect("^waiting for ")
    mutex:unlock()
    assert.same({ "at work" }, lines_of(waiting))
  end)
end)

describe("the record example", function()
  support.clean()

  it("plays back what it recorded", function()
    local game, copy, path = name(), name(), support.tmpname(".moments")
    local made <close> = assert(filemap.create(game, 16))
    local view <close> = assert(made:view())
    view:set_u32(0, 1)
    local recorder = run("record", "record", game, path, "3")
    recorder:expect("^recording$")
    -- The recorder looks every 10 ms, so each number is stored once it has been there for long enough. It
    -- stores a time, a length and the section, which is a whole page for those who open it on Windows.
    local opened <close> = assert(filemap.open(game))
    for number = 2, 3 do
      await_size(path, (number - 1) * (12 + opened:size()))
      view:set_u32(0, number)
    end
    assert.same({}, lines_of(recorder))

    local player = run("record", "replay", path, copy)
    player:expect("^playing$")
    assert.same({}, lines_of(player))
    local bytes <close> = assert(io.open(path, "rb"))
    local moments, at, numbers = bytes:read("a"), 1, {}
    while at <= #moments do
      local _, moment, after = ("<d s4"):unpack(moments, at)
      numbers[#numbers + 1], at = (("<I4"):unpack(moment)), after
    end
    assert.same({ 1, 2, 3 }, numbers)
  end)
end)

describe("a Mumble Link example", function()
  support.clean()

  for bits, abi in pairs { ["16"] = "win64", ["32"] = "linux64" } do
    it(("reads a game whose wchar_t has %s bits"):format(bits), function()
      local shared = name()
      local game <close> = play("feed", shared, bits)
      local lines = lines_of(run("mumble_reader", "--name", shared, "--abi", abi, "--count", "3"))
      game:finish()
      assert.are.equal(3, #lines)
      local before = 0
      for _, line in ipairs(lines) do
        local tick, x = line:match("^tick (%d+): The Game, Jane at %((%d+)%.0, 1%.5, %-2%.0%)$")
        tick, x = tonumber(tick), tonumber(x)
        assert.is_true(tick > before, line)
        -- The game writes the tick last, so the position can be one tick ahead.
        assert.is_true(x == tick or x == tick + 1, line)
        before = tick
      end
      gone(shared)
    end)

    it(("feeds a Mumble whose wchar_t has %s bits"):format(bits), function()
      local shared = name()
      local mumble <close> = play("listen", shared, bits)
      assert.same({}, lines_of(run("mumble_feeder", "--name", shared, "--abi", abi, "--count", "3")))
      mumble:close_input()
      local lines = lines_of(mumble)
      assert.are.equal("tick 3: Lua, J?rg at (10.0, 0.0, 0.6)", lines[#lines])
      gone(shared)
    end)
  end

  local native = posix and "32" or "16"
  it("uses this machine's wchar_t by default", function()
    local shared = name()
    local mumble <close> = play("listen", shared, native)
    assert.same({}, lines_of(run("mumble_feeder", "--name", shared, "--count", "1")))
    local reader = run("mumble_reader", "--name", shared, "--count", "1")
    assert.same({ "tick 1: Lua, Jörg at (10.0, 0.0, 0.2)" }, lines_of(reader))
    mumble:finish()
  end)
end)

describe("a channel example", function()
  local shared

  support.clean()

  before_each(function() shared = support.unique("Local\\") end)

  it("runs the jobs that other processes queue", function()
    local worker = run_named(shared, "jobs", "work")
    worker:expect("^worker: ready$")
    local put = run_named(shared, "jobs", "put", "sweep", "mop")
    assert.same({ "put 2" }, lines_of(put))
    worker:expect("^worker: sweep %(%d more in the queue%)$")
    worker:expect("^worker: mop %(0 more in the queue%)$")
    assert.same({ "put 1" }, lines_of(run_named(shared, "jobs", "put", "stop")))
    worker:finish()
  end)

  it("lets two processes chat", function()
    local one = run_named(shared, "chat", "Ann")
    one:expect("^waiting for a connection$")
    local other = run_named(shared, "chat", "Bo")
    other:expect("^connected")
    one:expect("^connected")
    assert(other:write("hello\n"))
    one:expect("^Bo: hello$")
    assert(one:write("hello yourself\n"))
    other:expect("^> Ann: hello yourself$")
    assert(other:write("\n"))
    one:expect("^> the other end has closed$")
    other:finish()
    one:finish()
  end)

  it("plots the values that another process publishes", function()
    local writer = run_named(shared, "plot", "write", "40")
    writer:expect("^writing$")
    local lines = lines_of(run_named(shared, "plot", "read", "5"))
    assert.are.equal(5, #lines)
    local before = 0
    for _, line in ipairs(lines) do
      local at = tonumber(line:match("^ *(%d+) +%*$"))
      assert.is_true(at > before, line)
      before = at
    end
    assert.same({}, lines_of(writer))
  end)
end)

-- An event loop waits for descriptors, and these loops have Debian packages for Linux alone.
support.only("posix", "the loops poll descriptors", function()
  describe("an event loop", function()
    support.clean()

    for _, loop in ipairs { { "luv", "luv" }, { "cqueues", "cqueues" }, { "select", "socket" } } do
      local example, module = loop[1] .. "_server", loop[2]

      local is_there = pcall(require, module)
      local test = is_there and it
        or function(title) pending(("%s (%s is not installed)"):format(title, module)) end

      test("of " .. module .. " serves several clients and a timer", function()
        local shared = support.unique("Local\\")
        local server <close> = run_named(shared, example)
        server:expect("^listening$")
        local children, seen = {}, {}
        -- The lines that the server prints until one matches.
        local function await(pattern)
          repeat
            local line = server:expect()
            table.insert(seen, line)
          until line:find(pattern)
        end
        for i = 1, 3 do
          children[i] = support.child("evaluator")
          children[i]:ask("c = assert(pipe.connect(%q))", shared)
          await("^client " .. i .. " is here$")
        end
        for round = 1, 20 do
          for i, child in ipairs(children) do
            child:start("c:send('hello %d') return c:receive(%d)", i, support.deadline)
          end
          for i, child in ipairs(children) do assert.equal("HELLO " .. i, child:expect()) end
          if round % 10 == 0 then await("^tick") end
        end
        children[2]:ask("c:close()")
        await("^client 2 is gone$")
        children[3]:kill()
        await("^client 3 is gone$")
        assert.equal("QUIT", children[1]:ask("c:send('quit') return c:receive(%d)", support.deadline))
        for _, line in ipairs(lines_of(server)) do table.insert(seen, line) end
        local ticks = 0
        for _, line in ipairs(seen) do
          local tick = tonumber(line:match("^tick (%d+)$"))
          assert.is_true(not tick or tick == ticks + 1, line)
          ticks = tick or ticks
        end
        assert.is_true(ticks >= 2)
        children[1]:finish()
        gone(shared)
      end)
    end
  end)
end)

describe("a ported classic sample", function()
  support.clean()

  -- Each starts a sample and reads its output up to the prompt.
  local function serve(...)
    local server = run("win32/server", ...)
    server:expect("^The file mapping %(.*%) is created$")
    server:expect("^The file view is mapped$")
    server:expect("^This message is written to the view:$")
    server:expect('^"Message from the first process%."$')
    server:expect("^Press ENTER to clean up resources and quit$")
    return server
  end

  local function read(...)
    local client = run("win32/client", ...)
    client:expect("^The file mapping %(.*%) is opened$")
    client:expect("^The file view is mapped$")
    client:expect("^Read from the file mapping:$")
    client:expect('^"Message from the first process%."$')
    client:expect("^Press ENTER")
    return client
  end

  it("shares a message, which a client's view keeps after the server has ended", function()
    local shared = support.unique("Local\\")
    local server = serve(shared)
    local client = read(shared)
    server:finish()
    read(shared):finish()
    client:finish()
    gone(shared)
  end)

  it("reports last error 2 if the name does not exist", function()
    local lines = lines_of(run("win32/client", support.unique()))
    assert.same({ "OpenFileMapping failed w/err 0x00000002" }, lines)
  end)

  it("reports last error 6 if the name belongs to a mutex", function()
    local shared = support.unique("Local\\")
    local _ <close> = require("filemap.sync").mutex(shared)
    assert.same({ "CreateFileMapping failed w/err 0x00000006" }, lines_of(run("win32/server", shared)))
  end)

  support.only("win32", "the C++ programs are Windows programs", function()
    it("shares messages with the C++ programs", function()
      local server = serve()
      local client = process.spawn { folder .. "file_mapping_client" }
      client:expect("^READY$")
      client:expect("^Message from the first process%.$")
      client:finish()
      server:finish()
      local other = process.spawn { folder .. "file_mapping_server" }
      other:expect("^READY$")
      read():finish()
      other:finish()
    end)
  end)
end)
