-- Records a live section into a file, and plays it back later: an overlay can then be written without the
-- game.
--   lua record.lua record NAME FILE [count]    stores COUNT different moments (default: until interrupted)
--   lua record.lua replay FILE NAME            makes a section of that name, and plays the file into it
-- `filemap record` and `filemap replay` do the same, with more options and their own file format.
local filemap = require "filemap"
io.stdout:setvbuf("line")

-- Each moment in the file is a time in seconds and the section's bytes.
local MOMENT <const> = "<d s4"

local function record(name, path, count)
  local map <close> = assert(filemap.open(name))
  local view <close> = assert(map:view())
  local file <close> = assert(io.open(path, "wb"))
  file:setvbuf("no")                      -- what is recorded is in the file, also if this process is killed
  local start, last = filemap.now(), nil
  print("recording")
  while count > 0 do
    local bytes = view:get_string(0, #view)
    if bytes ~= last then
      file:write(MOMENT:pack(filemap.now() - start, bytes))
      last, count = bytes, count - 1
    end
    filemap.sleep(0.01)
  end
end

local function replay(path, name)
  local file <close> = assert(io.open(path, "rb"))
  local moments = file:read("a")
  local _, first = MOMENT:unpack(moments)
  local map <close> = assert(filemap.create(name, #first))
  local view <close> = assert(map:view())
  print("playing")
  local start, at = filemap.now(), 1
  while at <= #moments do
    local time, bytes
    time, bytes, at = MOMENT:unpack(moments, at)
    filemap.sleep(math.max(0, start + time - filemap.now()))
    view:set_string(0, bytes)
    view:wake(0)
  end
end

if arg[1] == "record" and arg[3] then record(arg[2], arg[3], tonumber(arg[4]) or math.huge)
elseif arg[1] == "replay" and arg[3] then replay(arg[2], arg[3])
else error("usage: record.lua record NAME FILE [count] | replay FILE NAME", 0) end
