-- filemap create and copy: sections made, filled, saved and loaded from a shell.
local command = require "spec.support.command"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

support.clean()

local posix = support.only("posix", "signals, tmux and /dev/full are POSIX's")
local on_terminal = tmux.only("tmux is a program of POSIX")

local function bytes_of(size)
  local parts = {}
  for i = 1, size // 8 do parts[i] = string.pack("<i8", i * 0x9E3779B97F4A7C15) end
  return table.concat(parts)
end

-- Starts filemap create, and returns the child as soon as the section exists.
local function create(name, ...)
  local child = command.start { "create", name, ... }
  child:expect("^[^\t]+\t%d+$")
  return child
end

describe("filemap create", function()
  it("holds a section of zero bytes until it is ended", function()
    local name = support.unique()
    local child = command.start { "create", name, "64K" }
    assert.equal(name .. "\t65536", child:expect())
    local map = assert(filemap.open(name))
    assert.equal(65536, #map)
    local view = map:view()
    assert.equal(0, view:get_u8(65535))
    view:close()
    map:close()
    child:kill()
    child:wait(support.deadline)
    assert.equal("not_found", select(3, filemap.open(name)))
  end)

  posix("ends well at Ctrl-C, and removes a /name", function()
    for _, kind in ipairs { "Local\\", "/" } do
      local name = support.unique(kind)
      local child = create(name, "10")
      command.signal(child, "INT")
      assert.equal(0, child:wait(support.deadline))
      assert.equal("not_found", select(3, filemap.open(name)))
    end
  end)

  it("rejects a path, as replay does", function()
    local message = "filemap: './x' is a path, not a section's name (see 'filemap --help')\n"
    for _, words in ipairs { { "create", "./x", 64 }, { "replay", command.file(""), "./x" } } do
      assert.same({ "", message, 2 }, { command.run(words) })
    end
  end)

  it("fills the section with --from", function()
    local name, bytes = support.unique(), bytes_of(1000000)
    local child = create(name, "--from", command.file(bytes))
    local view <close> = assert(filemap.open(name)):view()
    assert.equal(bytes, view:get_string(0, #bytes))
    child:close()
    child = create(support.unique(), "2M", "--from", command.file(bytes))
    child:close()
  end)

  it("fails for a file that is longer, a name that exists and a missing size", function()
    local _ <close>, name = command.section("abc")
    local path = command.file("12345")
    assert.equal(1, select(3, command.run { "create", support.unique(), "4", "--from", path }))
    assert.equal(1, select(3, command.run { "create", name, "4" }))
    assert.equal(2, select(3, command.run { "create", support.unique() }))
    assert.equal(2, select(3, command.run { "create", support.unique(), "4x" }))
    assert.equal(1, select(3, command.run { "create", support.unique(), "0" }))
  end)
end)

describe("filemap copy", function()
  it("saves a section to a file and loads it again", function()
    local bytes = bytes_of(64 * 4096) -- (Windows may round a size up to the page)
    local view <close>, name = command.section(bytes)
    local path = command.file(("x"):rep(500000)) -- (a longer file is cut)
    command.output { "copy", name, path }
    assert.equal(bytes, command.read(path))
    view:fill(0, #view, 0)
    command.output { "copy", path, name }
    assert.equal(bytes, view:get_string(0, #bytes))
  end)

  it("copies to and from standard streams", function()
    local bytes = bytes_of(300 * 4096)
    local view <close>, name = command.section(bytes)
    assert.equal(bytes, command.bytes { "copy", name, "-" })
    view:fill(0, #view, 0)
    command.output { "copy", "-", name, input = bytes:sub(1, 1000) }
    assert.equal(bytes:sub(1, 1000) .. "\0", view:get_string(0, 1001))
  end)

  it("copies between two sections", function()
    local _ <close>, name = command.section(("a"):rep(4096))
    local other <close>, to = command.section(("x"):rep(8192))
    command.output { "copy", name, to }
    assert.equal(("a"):rep(4096) .. ("x"):rep(4096), other:get_string(0, 8192))
  end)

  it("changes nothing for a file that does not fit the section", function()
    local view <close>, name = command.section("abc")
    local _, problem, status = command.run { "copy", command.file(("1"):rep(5000)), name }
    assert.equal(1, status, problem)
    assert.equal("abc", view:get_string(0, 3))
  end)

  it("fails with status 1 for a section that does not exist, and shows how to write a file", function()
    local _ <close>, name = command.section("abc")
    local word = support.unique()
    local _, problem, status = command.run { "copy", name, word }
    assert.equal(1, status)
    assert.is_truthy(problem:find("a file is written ./" .. word, 1, true), problem)
    assert.equal(2, select(3, command.run { "copy", "./a", "./b" }))
  end)

  posix("does not write to the file that it reads", function()
    local view <close>, name = command.section("abc", "/")
    local problem, status = select(2, command.run { "copy", name, "/dev/shm" .. name })
    assert.same({ ("filemap: /dev/shm%s: is the file that is read\n"):format(name), 1 }, { problem, status })
    assert.equal("abc", view:get_string(0, 3))
    local path = command.file("def")
    local link = support.tmpname()
    assert(os.execute(("ln %s %s"):format(path, link)))
    status = select(3, command.run { "record", path, link, "--duration", "0", "--file" })
    assert.same({ 1, "def" }, { status, command.read(path) })
    command.output { "copy", name, "/dev/null" }
  end)

  posix("fails when the disk is full", function()
    local _ <close>, name = command.section(bytes_of(100000))
    local _, problem, status = command.run { "copy", name, "/dev/full" }
    assert.equal(1, status)
    assert.is_truthy(problem:find("No space left", 1, true), problem)
  end)

  support.having("tmux", posix)("shows no progress bar in the background", function()
    local _ <close>, name = command.section(("x"):rep(8 << 20))
    local fifo = support.tmpname()
    assert(os.execute("mkfifo " .. fifo))
    local line = ("%s & echo started; cat"):format(command.line { "copy", name, fifo })
    local terminal <close> = tmux.program(80, 24, ("sh -m -c %q"):format(line))
    terminal:expect("started")
    local reader <close> = assert(io.open(fifo, "rb"))
    reader:read(1 << 20)
    process.sleep(0.4)
    reader:read(1 << 20)
    process.sleep(0.2)
    assert.is_truthy(terminal:screen():find("^started\n+$"), terminal:screen())
    assert.equal(6 << 20, #reader:read("a"))
  end)

  for columns, shown in pairs { [40] = "[█░]+", [80] = "[█░]+ +%d+ %%  %d%.%d MiB of 8" } do
    local title = ("shows a progress bar for a long copy at %d columns, and removes it"):format(columns)
    on_terminal(title, function()
      local _ <close>, name = command.section(("x"):rep(8 << 20))
      local fifo = support.tmpname()
      assert(os.execute("mkfifo " .. fifo))
      local terminal <close> = tmux.start(columns, 24, "C.UTF-8", { "copy", name, fifo })
      local reader <close> = assert(io.open(fifo, "rb"))
      reader:read(1 << 20)
      process.sleep(0.4) -- (a bar is shown for what takes long)
      reader:read(1 << 20)
      terminal:expect("^" .. name:sub(1, 24):gsub("%-", "%%-") .. "  " .. shown)
      assert.is_nil(terminal:screen():find("^[^\n]*\n[^\n]")) -- (it is one line)
      assert.equal(6 << 20, #reader:read("a"))
      assert.is_nil(terminal:expect("^(.*)status 0"):find("[█░]"))
    end)
  end
end)
