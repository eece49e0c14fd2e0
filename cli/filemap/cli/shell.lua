-- Other programs. Internal to the command.
local core = require "filemap.core"
local filemap = require "filemap"

local shell = {}

local windows = filemap.platform == "win32"

--- A word as the system's shell takes it.
function shell.quote(word)
  if not windows then return "'" .. word:gsub("'", "'\\''") .. "'" end
  -- A backslash is special only before a quote (CommandLineToArgvW).
  return '"' .. word:gsub('(\\*)"', '%1%1\\"'):gsub("(\\*)$", "%1%1") .. '"'
end

--- Words as one command line. On Windows cmd.exe removes the first and the last quote of the line.
function shell.line(words)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = shell.quote(word) end
  local line = table.concat(quoted, " ")
  return windows and '"' .. line .. '"' or line
end

--- Runs a command line. Returns its exit status; 128 + n if signal n ended it.
function shell.run(line)
  local _, how, code = core.execute(line)
  return how == "signal" and 128 + code or how == "exit" and code or 1
end

--- The output of a command, without the last line's end; nil if it failed.
function shell.output(line)
  local pipe = io.popen(line, "r")
  if not pipe then return nil end
  local text = pipe:read("a")
  return pipe:close() and (text:gsub("%s+$", "")) or nil
end

--- The command line that runs a chunk of Lua which has filemap's modules.
function shell.lua(chunk)
  local first = 0
  while arg[first - 1] do first = first - 1 end
  local paths = ("package.path=%q package.cpath=%q "):format(package.path, package.cpath)
  return shell.line { arg[first], "-e", paths .. chunk }
end

--- Starts a shell that runs a command line as soon as this process ends, however it ends: Lua cannot handle
-- SIGTERM. Returns the pipe that the shell waits for: to close it runs the command line. (POSIX)
function shell.at_end(line)
  return io.popen("trap '' INT QUIT TERM HUP TSTP; exec >/dev/null 2>&1; read -r line || " .. line, "w")
end

--- Ends the shell of shell.at_end without its command line.
function shell.cancel(pipe)
  pipe:write("\n")
  pipe:close()
end

return shell
