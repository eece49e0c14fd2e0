-- doc/across-machines.md, run with a real mosquitto on loopback that is restarted in between.
local command = require "spec.support.command"
local guide = require "spec.support.guide"
local json = require "dkjson"
local mailslot = require "filemap.mailslot"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"

support.clean()

local posix = support.only("posix", "its pipelines are for a POSIX shell")

-- The guide's block that begins so: its lines.
local function lines_of(start)
  local text = guide.block("doc/across-machines.md", start).text
  return text:match("([^\n]*)\n(.*)")
end

local test = support.having("mosquitto", support.having("mosquitto_pub", posix))

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

  local function start_broker()
    local config = command.file(("listener %d 127.0.0.1\nallow_anonymous true\nlog_type none\n"):format(port))
    return broker(config), config
  end

  -- A line of the guide with this broker, and with other words in place of its names.
  local function pipeline(line, names)
    return command.pipeline(line:gsub("broker%.example", ("127.0.0.1 -p %d"):format(port)), names)
  end

  -- Ends pipelines in order.
  local function finish(...)
    for _, child in ipairs { ... } do
      child:close_input()
      child:wait(support.deadline)
    end
  end

  test("carries a state over a broker, also when the broker restarts", function()
    local server, config = start_broker()
    local here, there = support.unique(), support.unique()
    local writer <close> = state.create(here, 1000)
    local out_ = pipeline(lines_of "filemap follow Lap --json", { Lap = here })
    local in_ = pipeline(lines_of "mosquitto_sub -h broker.example -t lap", { Lap = there })
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
    local follow = pipeline(lines_of "filemap follow Lap\n", { Lap = there })
    follow:expect("^after 2$")
    finish(out_, in_, follow)
    reader:close()
    server:close()
  end)

  test("carries every message of a mailslot", function()
    start_broker()
    local here, there = support.unique(), support.unique()
    local from, to = lines_of "filemap receive Jobs"
    local slot <close> = assert(mailslot.create(there))
    local out_, in_ = pipeline(from, { Jobs = here }), pipeline(to:match("[^\n]+"), { Jobs = there })
    local writer <close> = support.eventually(function() return (mailslot.open(here)) end)
    -- The broker keeps no message for a subscriber that is not there yet.
    support.eventually(function()
      assert(writer:send("ready?", support.deadline))
      return slot:receive(0.1)
    end)
    for i = 1, 100 do assert(writer:send(("job %d"):format(i), support.deadline)) end
    local function next_job()
      local message = assert(slot:receive(support.deadline))
      return message == "ready?" and next_job() or message
    end
    for i = 1, 100 do assert.equal(("job %d"):format(i), next_job()) end
    finish(out_, in_)
  end)

  test("carries the fields of a game", function()
    start_broker()
    local view <close>, name = command.section(string.pack("<fi4", 61.5, 3))
    local header = command.file("struct Telemetry { float speed; long lap; };")
    local watch, publish = lines_of "filemap watch Telemetry"
    local subscriber = support.own(process.spawn { "mosquitto_sub", "-h", "127.0.0.1", "-p", tostring(port),
      "-t", "telemetry", "-C", "1" }, "mosquitto_sub")
    local out_ = pipeline(watch:gsub("watch Telemetry", "watch " .. name) .. publish:gsub("\n$", ""),
      { ["telemetry.h"] = header })
    assert.same({ speed = 61.5, lap = 3 }, json.decode(subscriber:expect("^{.*}$")).fields)
    assert.equal(8, #view)
    finish(out_)
  end)
end)
