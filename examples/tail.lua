-- Prints what other programs append to a file, as `tail -f` does. It maps the new bytes alone, so that a log
-- of gigabytes costs no more than its new lines.
--   lua tail.lua FILE [seconds]    ends when nothing was appended for SECONDS (default: never)
local filemap = require "filemap"
io.stdout:setvbuf("no")

local map <close> = assert(filemap.file(arg[1] or error("usage: tail.lua FILE [seconds]", 0)))
local limit = tonumber(arg[2]) or math.huge
local seen, since = 0, filemap.now()

repeat
  local size = assert(map:refresh())      -- reads the file's size again
  if size < seen then seen = 0 end        -- a program has emptied the file
  if size > seen then
    local view <close> = assert(map:view(seen, size - seen))
    io.write(view:get_string(0, #view))
    seen, since = size, filemap.now()
  end
  filemap.sleep(0.05)
until filemap.now() - since > limit
