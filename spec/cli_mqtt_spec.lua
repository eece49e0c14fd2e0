-- doc/across-machines.md, run with a real mosquitto on loopback that is restarted in between.
local command = require "spec.support.command"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"

support.clean()

local posix = support.only("posix", "its pipelines are for a POSIX shell")

-- The guide's indented commands that contain a word.
local function guide_line(word)
  for line in command.read("doc/across-machines.md"):gmatch("\n    ([^\n]+)") do
    if line:find(word, 1, true) then return line end
  end
  error("the guide has no line with " .. word)
end

describe("the guide across machines", function()
  -- A port that nothing uses: another run of this spec may use the neighbours.
  local port = 20000 + process.pid() % 20000

  local function broker(config)
    local child = support.own(process.spawn { "mosquitto", "-c", config }, "mosquitto")
    local deadline = process.now() + support.deadline
    repeat
      local up = os.execute(("mosquitto_pub -h 127.0.0.1 -p %d -t up -m 1 2>/dev/null"):format(port))
    until up or process.now() > deadline
    return child
  end

  -- A line of the guide with this broker and this spec's names; it ends with the shell's input.
  local function pipeline(line, name)
    line = line:gsub("broker%.example", ("127.0.0.1 -p %d"):format(port)):gsub("Lap", name)
      :gsub("filemap (%l+)", command.line {} .. " %1")
    -- The shell ends all of its processes at the end of its input.
    local script = ("set -m; { %s; } </dev/null & read line; { kill -- -$!; wait; } 2>/dev/null"):format(line)
    return support.own(process.spawn { "bash", "-c", script }, line)
  end

  posix("carries a state over a broker, also when the broker restarts", function()
    local config = command.file(("listener %d 127.0.0.1\nallow_anonymous true\nlog_type none\n"):format(port))
    local server = broker(config)
    local here, there = support.unique(), support.unique()
    local writer <close> = state.create(here, 1000)
    local out_ = pipeline(guide_line("mosquitto_pub -h broker.example -t lap"), here)
    local in_ = pipeline(guide_line("filemap publish Lap"), there)
    local reader
    local function arrives(value)
      local deadline, got = process.now() + support.deadline, nil
      repeat
        reader = reader or state.open(there)
        if reader then got = reader:read(0.1) else process.sleep(0.01) end
        if got == value then return end
      until process.now() > deadline
      error(("%q did not arrive, but %q"):format(value, got or "nothing"), 2)
    end
    writer:publish("1:42.3 é\nline")
    arrives("1:42.3 é\nline")
    writer:publish("\0\xff")
    arrives("\0\xff")
    for round = 1, 2 do
      server:kill()
      server:wait(support.deadline)
      writer:publish("while it is down " .. round)
      server = broker(config)
      arrives("while it is down " .. round)
      writer:publish("after " .. round)
      arrives("after " .. round)
    end
    for _, child in ipairs { out_, in_ } do
      child:close_input()
      child:wait(support.deadline)
    end
    reader:close()
    server:close()
  end)
end)
