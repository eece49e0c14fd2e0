-- filemap connect
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local conversation = require "filemap.cli.conversation"
local fail = require "filemap.cli.fail"
local pipe = require "filemap.pipe"
local source = require "filemap.cli.source"

local command = {
  name = "connect", summary = "talk to a pipe's listener on standard input and output",
  description = {
    "Each line of the input is a message, and each message is printed as a line. After the end of the input "
    .. "it prints until the other end closes.",
  },
  arguments = { { "name", "NAME", "the pipe's name" } },
  options = { common.raw, { "--timeout", "S", "wait this long for a listener", default = "0",
    convert = require("filemap.cli.number").seconds } },
  examples = {
    { "filemap connect Chat", "talks to 'filemap listen Chat'" },
    { "echo status | filemap connect Server", "asks a server and prints its answers" },
  },
}

-- The codes of a pipe whose listener may still come, or whose connections may be closed.
local WAITS = { not_found = true, full = true }

local function connect(args)
  local code
  local conn, message = clock.patient(args.timeout, function(seconds)
    local made, problem
    made, problem, code = fail.raised(1, pipe.connect, args.name, seconds)
    return made, problem, WAITS[code] and "timeout" or code
  end)
  return conn or source.failed(args.name, message, code)
end

function command.run(args)
  local conn = connect(args)
  local input = conversation.input(args.raw)
  conversation.run(conn, input, args.raw)
  input:finish()
end

return command
