-- A ring of video frames. One process writes frames, and any number of readers show the newest one. Each
-- frame is one Lua string: a field of the type `bytes`. A reader that is slow misses frames, and the writer
-- never waits.
--   lua frames.lua camera [count]    writes COUNT frames (default 500)
--   lua frames.lua show [count]      shows COUNT frames (default: until no new one comes for two seconds)
local filemap = require "filemap"
local struct = require "filemap.struct"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-frames]]
local WIDTH <const>, HEIGHT <const>, SLOTS <const> = 64, 36, 4
io.stdout:setvbuf("line")

local Frame = struct.define("Frame", {
  { "seq", "u32" },                       -- odd while the camera writes this frame
  { "number", "u32" },
  { "pixels", "bytes", WIDTH * HEIGHT },  -- one byte a pixel: its brightness
})
local Ring = struct.define("Ring", {
  { "newest", "u32" },                    -- the number of the last frame that is whole; 0 before the first
  { "frames", Frame, SLOTS },
})
local function place(number)
  return (Ring:offsetof(("frames[%d]"):format(number % SLOTS + 1)))
end

local count = tonumber(arg[2])

local function camera()
  local map <close> = assert(filemap.create(NAME, Ring.size))
  local view <close> = assert(map:view())
  print("recording")
  for number = 1, count or 500 do
    local at = place(number)
    local seq = view:add_u32(at, 1)       -- now odd: a snapshot of this frame waits
    local pixels = string.char(number % 256):rep(WIDTH * HEIGHT)
    Frame:write(view, at, { number = number, pixels = pixels })
    view:store_u32(at, seq + 2)
    view:store_u32(0, number)
    view:wake(0)
    filemap.sleep(0.02)
  end
end

local function show()
  local map <close> = assert(filemap.open(NAME, "r", { size = Ring.size }))
  local view <close> = assert(map:view())
  local last = 0
  for _ = 1, count or math.huge do
    local newest = view:wait_u32(0, last, 2)
    if not newest then break end
    last = newest
    local frame = assert(Frame:snapshot(view, place(newest), { even = "seq" }, 1))
    local least, most = 255, 0
    for i = 1, #frame.pixels do
      local brightness = frame.pixels:byte(i)
      least, most = math.min(least, brightness), math.max(most, brightness)
    end
    print(("frame %d: %d bytes, brightness %d to %d"):format(frame.number, #frame.pixels, least, most))
  end
end

if arg[1] == "camera" then camera()
elseif arg[1] == "show" then show()
else error("usage: frames.lua camera | show [count]", 0) end
