-- filemap listen
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local conversation = require "filemap.cli.conversation"
local fail = require "filemap.cli.fail"
local number = require "filemap.cli.number"
local pipe = require "filemap.pipe"

local command = {
  name = "listen", summary = "serve a pipe's client on standard input and output",
  description = {
    "Each line of the input is a message, and each message is printed as a line. After the end of the input "
    .. "it prints until the client closes. With --keep the next client follows.",
  },
  arguments = { { "name", "NAME", "the pipe's name" } },
  options = {
    common.raw, { "--keep", nil, "serve one client after another" },
    { "--capacity", "N", "the largest size of the unread messages in each direction, in bytes",
      convert = number.capacity },
  },
  examples = {
    { "filemap listen Chat", "waits for 'filemap connect Chat' and talks to it" },
    { "filemap listen Log --keep </dev/null", "prints what clients send, one client after another" },
  },
}

function command.run(args)
  local listener = fail.unless(fail.raised(1, pipe.listen, args.name, { capacity = args.capacity }))
  local input = conversation.input(args.raw)
  repeat
    local conn = fail.unless(clock.patient(nil, function(seconds) return listener:accept(seconds) end))
    conversation.run(conn, input, args.raw)
    conn:close()
  until not args.keep
  input:finish()
end

return command
