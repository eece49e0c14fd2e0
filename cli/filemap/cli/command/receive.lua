-- filemap receive
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local json = require "filemap.cli.json"
local mailslot = require "filemap.mailslot"
local number = require "filemap.cli.number"
local out = require "filemap.cli.out"

local command = {
  name = "receive", summary = "make a mailslot and print its messages",
  description = { "With --json a message that is not UTF-8 is printed as {\"base64\":…}." },
  arguments = { { "name", "NAME", "the mailslot's name" } },
  options = {
    common.count, common.timeout, common.raw, common.json,
    { "--capacity", "N", "bytes that unread messages may take", convert = number.capacity },
    { "--max", "N", "the longest message in bytes", convert = number.capacity },
  },
  examples = {
    { "filemap receive Jobs", "prints each message as a line" },
    { "filemap receive Jobs --count 1 --timeout 5", "waits 5 seconds for one message" },
  },
}

local function print_message(args, message)
  if args.json then out.object { json.message("message", message) }
  elseif args.raw then out.write(message)
  else out.line(message) end
  out.flush()
end

function command.run(args)
  if args.max and args.capacity and args.max > args.capacity then
    fail.usage(("--max %d is greater than --capacity %d"):format(args.max, args.capacity))
  end
  local slot = fail.unless(fail.raised(1, mailslot.create, args.name,
    { capacity = args.capacity, max_message = args.max }))
  local left = args.count or math.huge
  while left > 0 do
    local message, problem = clock.patient(args.timeout, function(seconds) return slot:receive(seconds) end)
    print_message(args, fail.unless(message, problem))
    left = left - 1
  end
end

return command
