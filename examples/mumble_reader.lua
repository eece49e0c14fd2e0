-- Prints the position of a game's player, which the game shares by Mumble Link.
--   lua mumble_reader.lua [--abi win64] [--name NAME] [--count LINES]
-- Windows games have a wchar_t of 16 bits. For a game under Proton or wine, whose memory a bridge shares with
-- Linux, use --abi win64. `game feed NAME 16` or `32` (examples/game.c) simulates such a game.
local cdef = require "filemap.cdef"
local filemap = require "filemap"
io.stdout:setvbuf("line")

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
local map <close> = assert(filemap.open(options.name or link_name(), "r", { size = LinkedMem.size }))
local view <close> = assert(map:view())
local link = LinkedMem:at(view, 0)

-- The game counts its updates in uiTick. A copy during which uiTick did not change counts as whole.
local last
repeat
  if link.uiTick ~= last then
    local now = assert(LinkedMem:snapshot(view, 0, { same = "uiTick" }, 1))
    local at = now.fAvatarPosition
    last = now.uiTick
    print(("tick %d: %s, %s at (%.1f, %.1f, %.1f)"):format(last, now.name, now.identity, at[1], at[2], at[3]))
    left = left - 1
  end
until left <= 0 or not pause()
