-- filemap lock
local clock = require "filemap.cli.clock"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local number = require "filemap.cli.number"
local shell = require "filemap.cli.shell"
local sync = require "filemap.sync"

local command = {
  name = "lock", summary = "run a command while holding a mutex",
  description = {
    "It waits for the mutex, runs the command, and ends with the command's exit status, as flock(1) does. If "
    .. "this process is killed, the mutex is free although the command still runs.",
  },
  arguments = { { "name", "NAME", "the mutex's name" },
    { "line", "COMMAND", "the command and its arguments, after '--'", count = "+" } },
  options = {
    { "-n --nonblock", nil, "fail with status 1 if another process holds the mutex" },
    { "-w --wait", "S", "fail with status 1 after this many seconds", convert = number.seconds },
  },
  examples = {
    { "filemap lock Build -- make install", "runs one make at a time" },
    { "filemap lock -n Backup -- ./backup || echo busy", "does not wait" },
  },
}

-- Runs a command and returns its exit status. On POSIX the command replaces the shell of system(3): Ctrl-C
-- would end that shell, and with it the status of a command that handles Ctrl-C would be lost.
local function run(words)
  local line = shell.line(words)
  return shell.run(filemap.platform == "posix" and "exec " .. line or line)
end

function command.run(args)
  local mutex = fail.unless(fail.raised(1, sync.mutex, args.name))
  local timeout = args.nonblock and 0 or args.wait
  fail.unless(clock.patient(timeout, function(seconds) return mutex:lock(seconds) end))
  local status = run(args.line)
  mutex:unlock()
  return status
end

return command
