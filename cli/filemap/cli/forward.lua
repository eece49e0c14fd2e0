-- The helper process of conversation.lua: it sends standard input, message by message, to a pipe. Internal to
-- the command.
local core = require "filemap.core"
local fail = require "filemap.cli.fail"
local out = require "filemap.cli.out"
local pipe = require "filemap.pipe"
local source = require "filemap.cli.source"

--- Sends the number of this process, and then standard input, to the pipe NAME, and closes it. Ends with
-- status 1 if it cannot be read or sent.
return function(name, raw)
  core.binary_streams()
  local conn
  local well, problem = pcall(function()
    conn = assert(pipe.connect(name, 10))
    conn:send(tostring(core.process_id()))
    for message in source.messages(io.stdin, raw) do
      local sent, why, code = conn:send(message)
      -- (The message begins with the pipe's name, which means nothing to the user.)
      if not sent and code ~= "closed" then fail("standard input: " .. why:gsub("^[^:]*: ", "")) end
      if not sent then break end
    end
  end)
  if conn then conn:close() end
  if well then return end
  local message = type(problem) == "table" and problem.message or tostring(problem)
  -- (Ctrl-C ends the command too.)
  if not message:find("interrupted!$") then out.complain(message) end
  os.exit(1, true)
end
