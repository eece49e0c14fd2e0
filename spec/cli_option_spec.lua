-- Options of the command that no other spec uses: each does what `--help` says.
local command = require "spec.support.command"
local dict = require "filemap.dict"
local dkjson = require "dkjson"
local filemap = require "filemap"
local lfs = require "lfs"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"
local tmux = require "spec.support.tmux"

support.clean()

local posix = support.only("posix", "permissions, pipes of a shell and tmux are POSIX's")
local on_terminal = tmux.only("tmux is a program of POSIX")

local eventually = support.eventually

describe("--abi", function()
  it("sets the widths of the header's types in get, set and watch", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local header = command.file("struct S { long a; long b; wchar_t c[4]; };", ".h")
    view:set_u32(4, 7)
    view:set_u32(8, 9)
    for abi, b in pairs { linux64 = 9, linux32 = 7, win64 = 7, win32 = 7 } do
      local struct = table.pack("--header", header, "--type", "S", "--abi", abi)
      assert.equal(b .. "\n", command.output { "get", name, "b", table.unpack(struct) })
      local said = command.output { "watch", name, "--once", table.unpack(struct) }
      assert.is_truthy(said:find("\nb=" .. b .. "\n", 1, true), said)
    end
    command.output { "set", name, "b=5", "--header", header, "--type", "S", "--abi", "win64" }
    assert.same({ 5, 9 }, { view:get_u32(4), view:get_u32(8) })
  end)
end)

describe("--offset", function()
  it("moves the struct and the bytes of watch", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local header = command.file("struct S { int a; };", ".h")
    view:set_i32(100, 77)
    local said = command.output { "watch", name, "--once", "--offset", "100", "--header", header, "--type",
      "S" }
    assert.equal("a=77\n", said)
    said = command.output { "watch", name, "--once", "--offset", "96" }
    assert.is_truthy(said:find("^00000060  00 00 00 00 4d 00"), said)
    local _, problem, status = command.run { "watch", name, "--once", "--offset", "8192" }
    assert.equal(1, status)
    assert.is_truthy(problem:find("offset 8192 is past the end", 1, true), problem)
    problem, status = select(2, command.run { "watch", name, "--offset", "4094", "--header", header, "--type",
      "S" })
    assert.equal(1, status, problem)
  end)
end)

describe("--guard", function()
  it("makes get wait for the writer, and fail if it never ends its change", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local header = command.file("struct S { unsigned seq, value, last; };", ".h")
    local function get(guard)
      return command.run { "get", name, "value", "--guard", guard, "--header", header, "--type", "S" }
    end
    view:set_u32(4, 5)
    for _, guard in ipairs { "even=seq", "same=seq", "first=seq,last=last" } do
      assert.equal("5\n", (get(guard)))
    end
    view:set_u32(0, 1)
    for guard, expected in pairs { ["even=seq"] = 1, ["first=seq,last=last"] = 1, ["odd=seq"] = 2,
      ["even=none"] = 2, even = 2 } do
      local said, problem, status = get(guard)
      assert.same({ "", expected }, { said, status }, problem)
      assert.is_truthy(problem:find("^filemap: [^\n]+\n$"), problem)
    end
  end)
end)

describe("create", function()
  posix("sets the permissions with --mode", function()
    local name = support.unique("/")
    local child = command.start { "create", name, "10", "--mode", "0644" }
    child:expect("^[^\t]+\t10$")
    assert.equal("rw-r--r--", lfs.attributes("/dev/shm" .. name, "permissions"))
    child:close()
    assert.equal(2, select(3, command.run { "create", support.unique(), "10", "--mode", "9" }))
  end)

  it("fills the section from standard input with --from -", function()
    local name, bytes = support.unique(), "a\r\n\0\26\xff\n"
    local child = command.start { "create", name, "--from", "-" }
    child:write(bytes)
    child:close_input()
    child:expect("^[^\t]+\t" .. #bytes .. "$")
    local view <close> = assert(filemap.open(name)):view()
    assert.equal(bytes, view:get_string(0, #bytes))
    child:close()
  end)

  posix("ends at SIGTERM, and its name with it", function()
    local name = support.unique()
    local child = command.start { "create", name, "10" }
    child:expect()
    command.signal(child, "TERM")
    child:wait(support.deadline)
    assert.equal("not_found", select(3, filemap.open(name)))
    child:close()
  end)

  posix("ends at SIGTERM, and a /name soon after it", function()
    local name = support.unique("/")
    local child = command.start { "create", name, "10" }
    child:expect()
    command.signal(child, "TERM")
    child:wait(support.deadline)
    local deadline, code = process.now() + support.deadline
    repeat
      code = select(3, filemap.open(name))
    until code or process.now() > deadline
    assert.equal("not_found", code)
    child:close()
  end)
end)

describe("copy --file", function()
  posix("takes a word that no section has as a path", function()
    local view <close>, name = command.section("abc")
    local path = command.file("xyz")
    local folder, word = path:match("^(.*)/([^/]*)$")
    local line = ("cd %s && %s"):format(folder, command.line { "copy", "--file", word, name })
    assert(os.execute((line:gsub("'bin/filemap'", "'" .. lfs.currentdir() .. "/bin/filemap'"))))
    assert.equal("xyz", view:get_string(0, 3))
  end)
end)

describe("record and replay", function()
  it("write and read standard streams with -", function()
    local view <close>, name = command.section("a\r\n\26" .. ("\0"):rep(60))
    local bytes = command.bytes { "record", name, "-", "--duration", "0.1" }
    assert.equal("filemap recording 1\n", bytes:sub(1, 20))
    view:fill(0, 64, 1)
    assert.equal("", command.output { "replay", "-", name, "--speed", "100", input = bytes })
    assert.equal("a\r\n\26\0", view:get_string(0, 5))
  end)

  it("record as often as --rate says", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local path = support.tmpname()
    local child = command.start { "record", name, path, "--rate", "10", "--duration", "1" }
    repeat
      view:set_u32(0, view:get_u32(0) + 1)
      process.sleep(0.001)
      local status = child:wait(0)
    until status
    local bytes, frames, at = command.read(path), 0, 20 + 18 + #name + 1
    while at < #bytes do
      local length = string.unpack("<I4", bytes, at)
      frames, at = frames + (length > 0 and 1 or 0), at + 12 + length
    end
    assert.is_true(frames >= 2 and frames <= 11, frames .. " frames")
    child:close()
  end)
end)

describe("the limits of channels", function()
  it("are set by receive --capacity and --max", function()
    local name = support.unique()
    local receiver = command.start { "receive", name, "--capacity", "4096", "--max", "100" }
    local writer <close> = eventually(function() return (mailslot.open(name)) end)
    assert.equal("too_large", select(3, writer:send(("x"):rep(101))))
    assert.is_true(writer:send(("x"):rep(100)))
    assert.equal(("x"):rep(100), receiver:expect())
    receiver:close()
  end)

  it("are set by listen --capacity", function()
    local name = support.unique()
    local server = command.start { "listen", name, "--capacity", "1K" }
    local conn <close> = eventually(function() return (pipe.connect(name)) end)
    assert.equal("too_large", select(3, conn:send(("x"):rep(4096))))
    assert.is_true(conn:send("fits"))
    assert.equal("fits", server:expect())
    conn:close()
    server:close_input() -- (on Windows the helper that reads it ends only then)
    assert.equal(0, server:wait(support.deadline))
  end)
end)

describe("an object that exists", function()
  it("keeps its capacity in publish without --capacity", function()
    local name = support.unique()
    local writer = assert(state.create(name, 1000))
    local reader <close> = assert(state.open(name))
    writer:close()
    command.output { "publish", name, input = "hi\n" }
    assert.equal("hi", (reader:read(0)))
    for _, words in ipairs { { "publish", name, input = ("x"):rep(1001) .. "\n" },
      { "publish", name, "--capacity", "1001", input = "more\n" } } do
      assert.equal(1, select(3, command.run(words)))
    end
    assert.equal("hi", (reader:read(0)))
  end)

  it("keeps its capacity in dict create without --capacity", function()
    local name = support.unique()
    local d <close> = assert(dict.create_or_open(name, { capacity = 4096 }))
    local holder = command.start { "dict", name, "create" }
    assert.equal(name, holder:expect())
    holder:close()
    assert.equal(1, select(3, command.run { "dict", name, "create", "--capacity", "1M" }))
    assert.equal(0, d:info().count)
  end)
end)

describe("the capacity of what is new", function()
  it("is the default", function()
    local states, dicts = support.unique(), support.unique()
    local writer = command.start { "publish", states, "--hold" }
    local value = ("x"):rep(65536)
    writer:write(value .. "\n")
    assert.equal(value .. "\n", command.output { "follow", states, "--count", "1", "--timeout", "20" })
    writer:close()
    local holder = command.start { "dict", dicts, "create" }
    assert.equal(dicts, holder:expect())
    local d <close> = assert(dict.open(dicts))
    assert.equal(1 << 20, d:info().capacity)
    holder:close()
  end)
end)

describe("wait --manual", function()
  it("leaves the event set for others", function()
    local name = support.unique()
    local event <close> = sync.event(name, { manual = true })
    event:set()
    for _ = 1, 2 do command.output { "wait", name, "--create", "--manual", "--timeout", "20" } end
    assert.is_true(event:wait(0))
  end)
end)

describe("NO_COLOR", function()
  on_terminal("leaves the output without colours", function()
    local view <close>, name = command.section(("\0"):rep(64))
    local terminal <close> = tmux.start(80, 24, "C.UTF-8", { "watch", name, env = { NO_COLOR = "1" } })
    terminal:expect("00000000  00")
    view:set_u8(0, 0x5a)
    terminal:expect("\27%[7m5a", true)
    local screen = terminal:screen(true)
    assert.is_nil(screen:find("\27%[3[0-7]"), screen)
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
    local doctor <close> = tmux.start(80, 40, "C.UTF-8", { "doctor", env = { NO_COLOR = "1" } })
    doctor:expect("processors.*status 0")
    screen = doctor:screen(true)
    assert.is_nil(screen:find("\27%[3[0-7]"), screen)
  end)
end)

describe("the locale C", function()
  on_terminal("shows only ASCII in list and in progress bars", function()
    local map <close> = assert(filemap.create(support.unique() .. "é", 10))
    local list <close> = tmux.start(80, 24, "C", { "list" })
    list:expect(map:name():gsub("%-", "%%-"):gsub("é", "%%?") .. " +10\n.*status 0")
    local _ <close>, name = command.section(("x"):rep(8 << 20))
    local fifo = support.tmpname()
    assert(os.execute("mkfifo " .. fifo))
    local copy <close> = tmux.start(80, 24, "C", { "copy", name, fifo })
    local reader <close> = assert(io.open(fifo, "rb"))
    reader:read(1 << 20)
    process.sleep(0.4) -- (a bar is shown for what takes long)
    reader:read(1 << 20)
    copy:expect("  #+%.+ +%d+ %%  ")
    reader:read("a")
    copy:expect("status 0")
  end)
end)

describe("a closed pipe", function()
  posix("ends follow, receive and watch quietly at their next line", function()
    local _ <close>, name = command.section("abc")
    local slot, state_name = support.unique(), support.unique()
    local writer <close> = require("filemap.state").create(state_name, 100)
    local stop
    for _, words in ipairs { { "follow", state_name }, { "receive", slot }, { "record", name, "-" },
      { "watch", name, "--json", "--interval", "0.01" } } do
      words.under = "timeout " .. support.deadline
      local line = ("{ %s; echo status $? >&2; } 2>&1 >&3 | cat >&2"):format(command.line(words))
      local said_path = command.file("")
      local reader = assert(io.popen(("{ %s; } 3>&1 2>%s | head -n 1"):format(line, said_path)))
      local n = 0
      stop = process.now() + support.deadline
      repeat -- (writes until the command finds that its reader is gone)
        n = n + 1
        writer:publish(tostring(n))
        local box = mailslot.open(slot)
        if box then
          box:send("x", 0)
          box:close()
        end
        process.sleep(0.005)
        local said = command.read(said_path)
      until said:find("status") or process.now() > stop
      assert.is_truthy(reader:read("a"):find("^[^\n]+\n$"))
      reader:close()
      local status = command.read(said_path):match("^status (%d+)\n$")
      assert.is_truthy(status == "0" or status == "141", command.read(said_path)) -- (141: SIGPIPE)
    end
  end)
end)

describe("a file without bytes", function()
  it("is a failure with a plain message", function()
    local _ <close>, name = command.section("abc")
    local path = command.file("")
    for _, words in ipairs { { "dump", path }, { "get", path, "u8@0" }, { "copy", path, name },
      { "create", support.unique(), "--from", path } } do
      local _, problem, status = command.run(words)
      assert.same({ ("filemap: %s: is empty\n"):format(path), 1 }, { problem, status })
    end
  end)
end)

describe("connect to a stream", function()
  it("is a failure with a plain message", function()
    local name = support.unique()
    local listener <close> = pipe.listen(name, { stream = true })
    local _, problem, status = command.run { "connect", name, input = "x\n" }
    assert.equal(1, status)
    assert.is_truthy(problem:find("^filemap: [^\n]*it is a stream[^\n]*\n$"), problem)
    assert.is_truthy(listener)
  end)
end)

describe("a message on a terminal", function()
  on_terminal("shows no control characters of a name", function()
    local map <close> = assert(filemap.create(support.unique() .. "\27[2Jx", 10))
    local near = map:name():sub(1, -2) .. "y"
    local terminal <close> = tmux.start(200, 24, "C.UTF-8", { "dump", near })
    terminal:expect("^filemap: [^\n]*\\x1b%[2Jy[^\n]*did you mean '[^\n]*\\x1b%[2Jx'")
  end)
end)

describe("each line of JSON", function()
  it("is an object", function()
    local _ <close>, name = command.section(("\0"):rep(64))
    for _, words in ipairs { { "list", "--json" }, { "get", name, "u8@0", "--json" }, { "doctor", "--json" },
      { "watch", name, "--once", "--json" } } do
      local lines = 0
      for line in command.output(words):gmatch("[^\n]+") do
        assert.equal("table", type(dkjson.decode(line)), line)
        lines = lines + 1
      end
      assert.is_true(lines > 0)
    end
  end)
end)
