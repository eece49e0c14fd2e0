-- Prints a game's telemetry. It reads the struct from the game's header, which is pasted below, and prints a
-- snapshot after each change.
--   lua telemetry.lua [--name NAME] [--abi win64] [--count LINES]
-- `game telemetry NAME` (examples/game.c) simulates the game.
local cdef = require "filemap.cdef"
local filemap = require "filemap"
io.stdout:setvbuf("line")

local header = [[
#ifndef TELEMETRY_H
#define TELEMETRY_H
#include <stdint.h>

#define TELEMETRY_NAME "GameTelemetry"

#pragma pack(push, 4)
typedef struct {
  float temperature, pressure;
  unsigned locked : 1, surface : 3;
} wheel_t;

typedef struct {
  uint32_t version_begin; // incremented before the rest is written
  char track[32];
  int lap, gear;
  float speed, rpm;       // m/s, 1/min
  double position[3];
  wheel_t wheels[4];
  uint32_t version_end;   // set to the same number after the rest
} telemetry_t;
#pragma pack(pop)
#endif
]]

local posix = filemap.platform == "posix"
local options = { count = math.huge }
for i = 1, #arg, 2 do options[arg[i]:match("^%-%-(%a+)$")] = arg[i + 1] end
local left = tonumber(options.count)

local types, constants = cdef.parse(header, { abi = options.abi })
local Telemetry = types.telemetry_t
local name = options.name or (posix and "/" or [[Local\]]) .. constants.TELEMETRY_NAME

-- Waits 20 ms. Plain Lua cannot sleep, so this runs the shell's `sleep`. False if Ctrl-C ended it.
local function pause()
  if posix then return os.execute("sleep 0.02") end
  local stop = os.clock() + 0.02
  repeat until os.clock() >= stop
  return true
end

local map <close> = assert(filemap.open(name, "r", { size = Telemetry.size }))
local view <close> = assert(map:view())

-- The game keeps the two counters equal while it does not write. A copy with equal counters is from one
-- moment.
local whole = { first = "version_begin", last = "version_end" }
local last
repeat
  local car = assert(Telemetry:snapshot(view, 0, whole, 1))
  if car.version_end ~= last then
    last = car.version_end
    local at, hot = car.position, 0
    for _, wheel in ipairs(car.wheels) do hot = math.max(hot, wheel.temperature) end
    print(("%s, lap %d: %.0f m/s in gear %d at %.0f rpm, (%.1f, %.1f, %.1f), tyres to %.0f °C"):format(
      car.track, car.lap, car.speed, car.gear, car.rpm, at[1], at[2], at[3], hot))
    left = left - 1
  end
until left <= 0 or not pause()
