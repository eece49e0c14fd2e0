-- filemap send
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local mailslot = require "filemap.mailslot"
local source = require "filemap.cli.source"

local command = {
  name = "send", summary = "send lines to a mailslot",
  description = { "Each line is a message. While the mailslot is full, it waits." },
  arguments = { { "name", "NAME", "the mailslot's name" },
    { "from", "FILE", "what to send; '-', the default, is standard input", count = "?" } },
  options = { common.raw, common.timeout },
  examples = {
    { "echo sweep | filemap send Jobs", "sends one message" },
    { "filemap send Jobs --raw picture.png", "sends a file as one message" },
  },
}

function command.run(args)
  local writer, message, code = fail.raised(1, mailslot.open, args.name)
  if not writer then source.failed(args.name, message, code) end
  for line in source.messages(source.stream(args.from or "-", "rb"), args.raw) do
    fail.unless(clock.patient(args.timeout, function(seconds)
      local sent, why, what = writer:send(line, seconds)
      -- A send with time-out 0 fails with `full`.
      return sent, why, what == "full" and "timeout" or what
    end))
  end
end

return command
