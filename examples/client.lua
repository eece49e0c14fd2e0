-- The second process: reads the message that the server shares, and writes an answer.
--   lua client.lua [file]     shares by the name Local\SampleMap, or through a file
local filemap = require "filemap"

local path = arg[1]
local function open()
  if path then return filemap.file(path, "rw") end
  return filemap.open([[Local\SampleMap]], "rw")
end
local map <close> = assert(open())
local view <close> = assert(map:view(0, 1024))

local message = view:get_utf16(0, 256)
print("client: opened " .. tostring(map))
print("client: read   " .. message)

local answer = ("%d bytes of UTF-8, thank you."):format(#message)
view:set_utf16(512, answer, 256)
print("client: wrote  " .. answer)
