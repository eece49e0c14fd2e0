-- Runs a command and turns how it ended into an exit status. Internal to the command.
local core = require "filemap.core"
local out = require "filemap.cli.out"
local parser = require "filemap.cli.parser"

-- The exit status that a shell reports for a process that Ctrl-C ended.
local INTERRUPTED = 130

local function run(arguments)
  local command, args = parser.parse(arguments)
  local status = command.run(args)
  out.flush()
  return status or 0, command
end

-- Adds the position to an error that is a defect of the command.
local function explain(problem)
  if type(problem) == "table" or tostring(problem):find("interrupted!$") then return problem end
  return debug.traceback(tostring(problem), 2)
end

--- Runs `filemap` with these arguments. Returns the exit status.
return function(arguments)
  core.binary_streams()
  if not out.terminal then io.stdout:setvbuf("full") end
  local well, result = xpcall(run, explain, arguments)
  if well then return result end
  if type(result) ~= "table" then
    if tostring(result):find("interrupted!$") then return INTERRUPTED end
    out.complain(tostring(result))
    return 1
  end
  if result.message then
    pcall(out.flush)
    out.complain(result.message .. (result.status == 2 and " (see 'filemap --help')" or ""))
  end
  return result.status
end
