-- Standard output of the command. Internal to the command.
local fail = require "filemap.cli.fail"
local json = require "filemap.cli.json"
local text = require "filemap.cli.text"

local found, term = pcall(require, "term")

local out = {}

-- EPIPE, on every system that filemap runs on.
local BROKEN_PIPE = 32

--- Whether a file is a terminal. Without lua-term nothing is.
function out.is_terminal(file)
  return found and term.isatty(file)
end

out.terminal = out.is_terminal(io.stdout)

-- Ends the command if standard output cannot be written. If its reader has closed the pipe, there is no
-- message.
local function check(result, message, code)
  if result then return end
  if code == BROKEN_PIPE then fail.quietly(0) end
  fail("standard output: " .. tostring(message):gsub("^.-: ", ""))
end

--- Writes bytes.
function out.write(...)
  check(io.stdout:write(...))
end

--- Writes a line.
function out.line(s)
  check(io.stdout:write(s, "\n"))
end

--- Writes an object as one line of JSON; see json.object.
function out.object(pairs_in_order)
  out.line(json.encode(json.object(pairs_in_order)))
end

--- Writes bytes to a file, which may be standard output.
function out.to(file, ...)
  if file == io.stdout then out.write(...) else fail.unless(file:write(...)) end
end

--- Flushes standard output, or another file.
function out.flush(file)
  if not file or file == io.stdout then check(io.stdout:flush()) else fail.unless(file:flush()) end
end

--- Prints a message on standard error. On a terminal a name in it, which another user may have chosen, cannot
-- move the cursor.
function out.complain(message)
  if out.is_terminal(io.stderr) then message = message:gsub("[^\n]+", text.printable) end
  io.stderr:write("filemap: ", message, "\n")
end

return out
