-- Standard streams of the command that are closed, that cannot be read, and that nobody reads.
local command = require "spec.support.command"
local filemap = require "filemap"
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
