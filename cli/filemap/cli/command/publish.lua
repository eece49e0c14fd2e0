-- filemap publish
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local json = require "filemap.cli.json"
local number = require "filemap.cli.number"
local source = require "filemap.cli.source"
local state = require "filemap.state"

local command = {
  name = "publish", summary = "publish lines as a state's newest value",
  description = {
    "It makes the state, or takes over from a writer that is gone. The state lives as long as a process has "
    .. "it open, so without a reader it ends with this command; --hold keeps it.",
    "With --json each line is an object, and its \"value\" is published: text as it is, anything else as "
    .. "JSON. {\"base64\":…} gives bytes.",
  },
  arguments = { { "name", "NAME", "the state's name" },
    { "from", "FILE", "what to publish; '-', the default, is standard input", count = "?" } },
  options = {
    common.raw, { "--json", nil, "each line is an object with \"value\"" },
    { "--capacity", "N", "the longest value in bytes (default: that of a state that exists, else 65536)",
      convert = number.capacity },
    { "--hold", nil, "after the end of the input, keep the state until Ctrl-C" },
  },
  examples = {
    { "date | filemap publish Clock --hold", "publishes a line and keeps it" },
    { "mosquitto_sub -t lap | filemap publish Lap --json -", "publishes what another machine sends" },
  },
}

-- The default of --capacity.
local CAPACITY = 65536

local function value_of(line, number_of_line)
  local object, problem = json.decode(line)
  if type(object) ~= "table" then
    fail(("line %d: is not a JSON object%s"):format(number_of_line, problem and ": " .. problem or ""))
  end
  if object.base64 ~= nil then
    return type(object.base64) == "string" and json.from_base64(object.base64)
      or fail(("line %d: \"base64\" is not base64"):format(number_of_line))
  end
  if object.value == nil then fail(("line %d: the object has no \"value\""):format(number_of_line)) end
  return type(object.value) == "string" and object.value or json.encode(object.value)
end

-- Opens the state for writing. Without --capacity one that exists keeps its own: the reader holds the state
-- open meanwhile, and a capacity of 1 fits each.
local function open(args)
  local reader = not args.capacity and fail.raised(1, state.open, args.name)
  local capacity = args.capacity or reader and 1 or CAPACITY
  local writer = fail.unless(fail.raised(1, state.create_or_open, args.name, capacity))
  if reader then reader:close() end
  return writer
end

function command.run(args)
  local writer = open(args)
  local n = 0
  for line in source.messages(source.stream(args.from or "-", "rb"), args.raw) do
    n = n + 1
    fail.unless(fail.raised(1, writer.publish, writer, args.json and value_of(line, n) or line))
  end
  if args.hold then clock.sleep_until(math.huge) end
end

return command
