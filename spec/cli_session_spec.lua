-- The first session of doc/command.md, as a new user types it, with the game of the examples.
local command = require "spec.support.command"
local filemap = require "filemap"
local guide = require "spec.support.guide"
local process = require "process"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

support.clean()

local on_terminal = tmux.only("the session is for a POSIX shell")

-- The words of the page's command that begins with `start`, with other names and paths. The page is
-- doc/command.md by default.
local function typed(start, names, page)
  for line in command.read(page or "doc/command.md"):gmatch("\n    ([^\n]+)") do
    if line:sub(1, #start) == start then
      local words = {}
      for word in line:gsub(" &$", ""):gmatch("%S+") do words[#words + 1] = names[word] or word end
      return { table.unpack(words, 2) }
    end
  end
  error("the page has no command " .. start)
end

describe("the guide's first session", function()
  on_terminal("works as the guide shows it", function()
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
    local lines = guide.block("doc/command.md", 'echo "lap 1" |').text
    local publish = command.pipeline(lines:match("[^\n]+"), names)
    local follow = command.start(typed("filemap follow", names))
    assert.equal("lap 1", follow:expect())
    follow:close()
    publish:close_input()
    publish:wait(support.deadline)
  end)

  it("works for its dictionary", function()
    local names = { Scores = support.unique() }
    local holder = command.start(typed("filemap dict Scores create", names))
    assert.equal(names.Scores, holder:expect())
    assert.equal("", command.output(typed("filemap dict Scores set", names)))
    assert.equal("13\n", command.output(typed("filemap dict Scores incr", names)))
    assert.equal("ann\t13\n", command.output(typed("filemap dict Scores list", names)))
    holder:close()
  end)
end)

describe("README", function()
  on_terminal("watches the struct of its header as it shows it", function()
    local page = "README.md"
    local header = command.read(page):match("<!%-%- file telemetry%.h %-%->\n```c\n(.-)```")
    local view <close>, name = command.section(string.pack("<I4i4fz", 2, 3, 61.5, "Nürburgring")
      .. ("\0"):rep(32))
    local names = { GameTelemetry = name, ["telemetry.h"] = command.file(header) }
    assert.is_truthy(command.output(typed("filemap list", names, page)):find(name, 1, true))
    local screen <close> = tmux.start(80, 24, "C.UTF-8", typed("filemap watch", names, page))
    screen:expect("lap +3\n +speed +61%.5\n +track +Nürburgring\n")
    view:set_i32(4, 4)
    screen:expect("%*  lap +4 ")
    screen:keys("q")
    screen:expect("status 0\nrestored")
  end)
end)
