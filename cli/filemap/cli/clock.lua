-- Time for the command. Internal to the command.
local filemap = require "filemap"

local found, system = pcall(require, "system")

local clock = {}

--- Seconds of a monotonic clock.
clock.now = filemap.now

--- Suspends the process for some seconds.
clock.sleep = filemap.sleep

--- Seconds since 1970, with a fraction where luasystem is installed.
clock.time = found and system.gettime or os.time

-- The longest sleep, in seconds. Lua handles Ctrl-C only between two calls.
local SLICE = 0.2

--- Sleeps until a time of `now` (math.huge: without end), in slices, so that Ctrl-C ends it.
function clock.sleep_until(time)
  while true do
    local left = time - clock.now()
    if left <= 0 then return end
    clock.sleep(math.min(left, SLICE))
  end
end

--- Calls wait(seconds) until it returns something else than a time-out, for `timeout` seconds in all (nil:
-- without end). It waits in slices, so that Ctrl-C ends it.
function clock.patient(timeout, wait)
  local deadline = timeout and clock.now() + timeout
  while true do
    local left = deadline and math.max(0, deadline - clock.now()) or SLICE
    local results = table.pack(wait(math.min(left, SLICE)))
    if results[1] ~= nil or results[3] ~= "timeout" or left <= 0 then
      return table.unpack(results, 1, results.n)
    end
  end
end

return clock
