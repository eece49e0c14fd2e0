-- The helper process of conversation.lua: it sends standard input, message by message, to a pipe. Internal to
-- the command.
local core = require "filemap.core"
local out = require "filemap.cli.out"
local pipe = require "filemap.pipe"
local source = require "filemap.cli.source"

--- Sends standard input to the pipe NAME and closes it.
return function(name, raw)
  core.binary_streams()
  local conn = assert(pipe.connect(name, 10))
  for message in source.messages(io.stdin, raw) do
    local sent, problem, code = conn:send(message)
    if not sent then
      if code ~= "closed" then out.complain("standard input: " .. problem) end
      break
    end
  end
  conn:close()
end
