-- A state shared by one process that measures and any number that plot. A reader draws the newest value and
-- skips values that it is too slow for. If the writer dies and another one starts, the readers continue.
--   lua plot.lua write [count]    publishes COUNT values of a wave (default 200)
--   lua plot.lua read [count]     draws COUNT values (default: until no new value comes for two seconds)
local state = require "filemap.state"
local event = require("filemap.sync").event
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-plot]]
io.stdout:setvbuf("line")

local count = tonumber(arg[2])

local function write()
  local out <close> = assert(state.create_or_open(NAME, 16))
  local pause <close> = assert(event(NAME .. "-pause")) -- never set: waiting for it is a pause
  print("writing")
  for i = 1, count or 200 do
    out:publish(string.pack("<dd", i, math.sin(i / 8)))
    pause:wait(0.02)
  end
end

local function read()
  local values <close> = assert(state.open(NAME))
  local version = 0
  for _ = 1, count or math.huge do
    local value, newer = values:wait(version, 2)
    if not value then break end
    version = newer
    local at, y = string.unpack("<dd", value)
    print(("%5d %s*"):format(at, (" "):rep(math.floor(30 + 28 * y))))
  end
end

if arg[1] == "write" then write()
elseif arg[1] == "read" then read()
else error("usage: plot.lua write | read [count]", 0) end
