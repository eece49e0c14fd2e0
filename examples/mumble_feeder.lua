-- Sends a player's position to Mumble, as a game with positional audio does. The player here walks in a
-- circle.
--   lua mumble_feeder.lua [--abi win64] [--name NAME] [--count UPDATES]
-- Mumble makes the shared memory, so start Mumble first. For a Windows Mumble under wine, which uses a
-- wchar_t of 16 bits, use --abi win64. `game listen NAME 16` or `32` (examples/game.c) simulates Mumble.
local cdef = require "filemap.cdef"
local filemap = require "filemap"

-- From Mumble's documentation of the Link plugin.
local header = [[
struct LinkedMem {
  uint32_t uiVersion;
  uint32_t uiTick;
  float    fAvatarPosition[3];
  float    fAvatarFront[3];
  float    fAvatarTop[3];
  wchar_t  name[256];
  float    fCameraPosition[3];
  float    fCameraFront[3];
  float    fCameraTop[3];
  wchar_t  identity[256];
  uint32_t context_len;
  unsigned char context[256];
  wchar_t  description[2048];
};
]]

local posix = filemap.platform == "posix"
local options = { count = math.huge }
for i = 1, #arg, 2 do options[arg[i]:match("^%-%-(%a+)$")] = arg[i + 1] end
local left = tonumber(options.count)

-- On POSIX each user has a Mumble link with its own name.
local function link_name()
  if not posix then return "MumbleLink" end
  local id <close> = assert(io.popen("id -u"))
  return "/MumbleLink." .. id:read("l")
end

-- Waits 20 ms. Plain Lua cannot sleep, so this runs the shell's `sleep`. False if Ctrl-C ended it.
local function pause()
  if posix then return os.execute("sleep 0.02") end
  local stop = os.clock() + 0.02
  repeat until os.clock() >= stop
  return true
end

local LinkedMem = cdef.parse(header, { abi = options.abi }).LinkedMem
local map <close> = assert(filemap.open(options.name or link_name(), "rw", { size = LinkedMem.size }))
local view <close> = assert(map:view())
local link = LinkedMem:at(view, 0)

-- Mumble applies positional audio between players whose contexts are equal.
local context = "a room"
LinkedMem:write(view, 0, {
  uiVersion = 2, name = "Lua", description = "a player who walks in a circle", identity = "Jörg",
  context_len = #context, context = { context:byte(1, -1) },
})

-- Units are metres, and the coordinates are left-handed with y up. Mumble notices an update by the changed
-- tick, so the tick is written last.
local function walk(tick)
  local angle = tick / 50
  local x, z = math.cos(angle), math.sin(angle)
  local place = {
    fAvatarPosition = { 10 * x, 0, 10 * z }, fAvatarFront = { -z, 0, x }, fAvatarTop = { 0, 1, 0 },
    fCameraPosition = { 10 * x, 1.8, 10 * z }, fCameraFront = { -z, 0, x }, fCameraTop = { 0, 1, 0 },
  }
  LinkedMem:write(view, 0, place)
  link.uiTick = tick
end

local tick = 0
repeat
  tick = tick + 1
  walk(tick)
until tick >= left or not pause()
