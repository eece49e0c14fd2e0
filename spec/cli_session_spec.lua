-- The first session of doc/command.md, as a new user types it, with the game of the examples.
local command = require "spec.support.command"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

support.clean()

local posix = support.only("posix", "the session is for a POSIX shell")

-- The words of the guide's command that begins with `start`, with other names and paths.
local function typed(start, names)
  for line in command.read("doc/command.md"):gmatch("\n    ([^\n]+)") do
    if line:sub(1, #start) == start then
      local words = {}
      for word in line:gmatch("%S+") do words[#words + 1] = names[word] or word end
      return { table.unpack(words, 2) }
    end
  end
  error("the guide has no command " .. start)
end

describe("the guide's first session", function()
  posix("works as the guide shows it", function()
    local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
    local header = command.read("examples/telemetry.lua"):match("local header = %[%[\n(.-)%]%]")
    local names = { ["/GameTelemetry"] = support.unique("/"), ["telemetry.h"] = command.file(header),
      ["lap.fmr"] = support.tmpname(), Lap = support.unique() }
    local game = support.own(process.spawn { folder .. "game", "telemetry", names["/GameTelemetry"] })
    game:expect("^READY$")
    local function output(start) return command.output(typed(start, names)) end
    assert.is_truthy(output("filemap list"):find(names["/GameTelemetry"] .. "\t", 1, true))
    assert.is_truthy(output("filemap dump"):find("rburgring", 1, true))
    assert.is_truthy(tonumber(output("filemap get")))
    local screen <close> = tmux.start(80, 24, "C.UTF-8", typed("filemap watch", names))
    screen:expect("%*  speed +%d+  █")
    screen:keys("q")
    screen:expect("status 0\nrestored")
    assert.equal("", output("filemap record"))
    game:finish()
    filemap.unlink(names["/GameTelemetry"])
    local replay = command.start(typed("filemap replay", names))
    local section
    repeat section = filemap.open(names["/GameTelemetry"]) until section or replay:wait(0)
    if section then section:close() end
    local again <close> = tmux.start(200, 24, "C.UTF-8", { "watch", "--header", names["telemetry.h"],
      "--type", "telemetry_t", (names["/GameTelemetry"]) })
    again:expect("%*  speed +%d+  █")
    again:keys("C-c")
    again:expect("status 0\nrestored")
    replay:close()
    local publish = command.start { "publish", names.Lap, "--hold" }
    publish:write("lap 1\n")
    local follow = command.start(typed("filemap follow", names))
    assert.equal("lap 1", follow:expect())
    follow:close()
    publish:close()
  end)
end)
