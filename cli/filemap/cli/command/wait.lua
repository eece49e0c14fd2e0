-- filemap wait
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local source = require "filemap.cli.source"
local sync = require "filemap.sync"

local command = {
  name = "wait", summary = "wait until an event is set",
  arguments = { { "name", "NAME", "the event's name" } },
  options = {
    common.timeout, { "--create", nil, "make the event if there is none" },
    { "--manual", nil, "with --create: the event stays set until it is reset" },
  },
  examples = {
    { "filemap wait LapDone && echo done", "waits for an event of another program" },
    { "filemap wait LapDone --create --timeout 10", "makes the event and waits at most 10 seconds" },
  },
}

function command.run(args)
  local options = args.create and { manual = args.manual or false } or { existing = true }
  local event, message, code = fail.raised(1, sync.event, args.name, options)
  if not event then source.failed(args.name, message, code) end
  fail.unless(clock.patient(args.timeout, function(seconds) return event:wait(seconds) end))
end

return command
