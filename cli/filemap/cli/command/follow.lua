-- filemap follow
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local json = require "filemap.cli.json"
local out = require "filemap.cli.out"
local state = require "filemap.state"

local command = {
  name = "follow", summary = "print each new value of a state",
  description = {
    "It prints the present value first, and waits for a state that is not there yet. It continues when the "
    .. "writer ends and another takes over. Values that are published faster than they are printed are left "
    .. "out.",
    "With --json a value that is not UTF-8 is printed as \"base64\".",
  },
  arguments = { { "name", "NAME", "the state's name" } },
  options = {
    { "--timeout", "S", "fail if there is no state, or no value in it, after this many seconds", convert =
      require("filemap.cli.number").seconds },
    { "--count", "N", "end after this many values", convert = require("filemap.cli.number").count },
    common.raw, common.json,
  },
  examples = {
    { "filemap follow Clock", "prints each value as a line" },
    { "filemap follow Lap --json | mosquitto_pub -l -t lap", "sends each value to an MQTT broker" },
  },
}

-- How often it looks for a state that is not there yet, in seconds.
local LOOK = 0.05

-- Opens the state, as soon as there is one.
local function open(name, deadline)
  while true do
    local reader, message, code = fail.raised(1, state.open, name)
    if reader then return reader end
    if code ~= "not_found" or deadline and clock.now() >= deadline then fail(message) end
    clock.sleep(LOOK)
  end
end

local function print_value(args, value, version)
  if args.json then out.object { { "version", version }, json.message("value", value) }
  elseif args.raw then out.write(value)
  else out.line(value) end
  out.flush()
end

function command.run(args)
  local deadline = args.timeout and clock.now() + args.timeout
  local reader = open(args.name, deadline)
  local left, seen = args.count or math.huge, 0
  while left > 0 do
    local timeout = seen == 0 and deadline and math.max(0, deadline - clock.now()) or nil
    local value, version, code = clock.patient(timeout, function(seconds)
      return reader:wait(seen, seconds)
    end)
    if value == nil then fail(code and version or "no value") end
    print_value(args, value, version)
    left, seen = left - 1, version
  end
end

return command
