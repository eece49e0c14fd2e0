-- Standard streams of the command that are closed, that cannot be read, and that nobody reads.
local command = require "spec.support.command"
local support = require "spec.support"

support.clean()

local posix = support.only("posix", "the shell of POSIX closes standard streams")

-- Runs the command in a shell, with redirections behind it. Returns what it printed on both streams, and its
-- exit status.
local function shell(words, redirections)
  local output = support.tmpname()
  local line = ("timeout %d sh -c 'exec \"$@\" %s' sh %s >%s 2>&1"):format(support.deadline, redirections,
    command.line(words), output)
  local _, how, code = os.execute(line)
  return command.read(output), how == "signal" and 128 + code or code
end

describe("a closed standard stream", function()
  posix("is not written to a section", function()
    local name, bytes = support.unique("/"), ("\0"):rep(64)
    local said, status = shell({ "create", name, 64 }, ">&-")
    assert.same({ "filemap: standard output: Bad file descriptor\n", 1 }, { said, status })
    local view <close>, held = command.section(bytes)
    assert.equal(1, select(2, shell({ "get", held, "u8@0" }, ">&-")))
    assert.equal(1, select(2, shell({ "get", held, "u8@64" }, "2>&- <&-")))
    assert.equal(bytes, view:get_string(0, 64))
  end)

  posix("is not written to a dictionary", function()
    local dict = require "filemap.dict"
    local name = support.unique()
    local d <close> = assert(dict.create_or_open(name))
    d:set("key", "value")
    assert.equal(1, select(2, shell({ "dict", name, "list" }, ">&-")))
    assert.equal("value\n", command.output { "dict", name, "get", "key" })
  end)
end)

describe("the helper that reads standard input", function()
  posix("is quiet when Ctrl-C ends it", function()
    local pipe, process = require "filemap.pipe", require "process"
    local name, errors = support.unique(), support.tmpname()
    local listener <close> = assert(pipe.listen(name))
    local chunk = ("io.stderr = io.open(%q, 'wb') require('filemap.cli.forward')(%q)"):format(errors, name)
    local child = support.own(process.spawn { support.lua, "-e", chunk })
    local conn <close> = assert(listener:accept(support.deadline))
    assert.equal(tostring(child:pid()), conn:receive(support.deadline))
    command.signal(child, "INT")
    child:write("line\n")
    assert.equal(1, child:wait(support.deadline))
    assert.equal("", command.read(errors))
  end)
end)

describe("standard input that cannot be read", function()
  posix("is a failure with a plain message", function()
    local _ <close>, name = command.section("abc")
    local closed, folder = "filemap: standard input: Bad file descriptor\n",
      "filemap: standard input: Is a directory\n"
    for _, words in ipairs { { "copy", "-", name }, { "dump", "-" }, { "publish", support.unique() },
      { "replay", "-", support.unique() } } do
      assert.same({ closed, 1 }, { shell(words, "<&-") })
      assert.same({ folder, 1 }, { shell(words, "</tmp") })
    end
    local said, status = shell({ "publish", support.unique(), "/tmp" }, "")
    assert.same({ "filemap: /tmp: Is a directory\n", 1 }, { said, status })
  end)

  posix("makes connect fail at its end, also if the other end closes in the same moment", function()
    local pipe, process = require "filemap.pipe", require "process"
    local name, errors = support.unique(), support.tmpname()
    local listener <close> = assert(pipe.listen(name))
    local script = ("exec %s 2>%s"):format(command.line { "connect", name }, errors)
    local child <close> = process.spawn { "sh", "-c", script }
    child:write("short\n")
    local conn <close> = assert(listener:accept(support.deadline))
    assert.equal("short", conn:receive(support.deadline))
    -- While the command is stopped, its input fails, which its helper process says, and the other end closes.
    assert.is_true(child:stop())
    child:write(("x"):rep(3 << 20))
    child:close_input()
    repeat
      local problem = command.read(errors)
    until problem ~= ""
    conn:close()
    child:resume()
    assert.equal(1, child:wait(support.deadline))
    local message = "a message of 3145728 bytes is past the capacity of 1048576 bytes"
    assert.equal(("filemap: standard input: %s\n"):format(message), command.read(errors))
  end)
end)
