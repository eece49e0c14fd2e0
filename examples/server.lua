-- The first process: shares a message, waits for Enter, and prints the answer.
--   lua server.lua [message [file]]     shares by the name Local\SampleMap, or through a file
local filemap = require "filemap"
io.stdout:setvbuf("line")

local message, path = arg[1] or "Message from the first process.", arg[2]
local function open()
  if path then return filemap.file(path, "rw", { size = 65536 }) end
  return filemap.create([[Local\SampleMap]], 65536)
end
local map <close> = assert(open())
local view <close> = assert(map:view(0, 1024))

-- Windows programs share text as UTF-16 that ends with NUL. The second half of the view is for the answer.
view:set_utf16(0, message, 256)
view:set_utf16(512, "", 256)
print("server: made   " .. tostring(map))
print("server: wrote  " .. message)

print("server: start the client, then press Enter here")
io.read()
print("server: answer " .. view:get_utf16(512, 256))
