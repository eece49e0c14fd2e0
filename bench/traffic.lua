-- traffic.lua WAY WHAT SIDE ADDRESS SIZE: one end of a way (bench/ways.lua), for script/bench. It prints
-- READY. Then it reads a number of repetitions from each line of its input and does its side of them. The
-- driver prints how many nanoseconds they took. WHAT is one of:
--   echo  the driver sends a message and receives it back
--   flow  the driver sends messages, and receives one after the peer has received all
--   fan   the driver receives the messages of all peers
--   publish  the driver publishes values, and the peers read until they have read the last one
-- Lua 5.3 also runs this file.
local harness = require "bench.harness"
local ways = require "bench.ways"

local way, what, side, address, size = ways[arg[1]], arg[2], arg[3], arg[4], tonumber(arg[5])

local body = {
  echo = { driver = { way.send .. " " .. way.receive }, peer = { way.receive .. " " .. way.send } },
  flow = { driver = { way.send, way.receive }, peer = { way.receive, way.send } },
  fan = { driver = { way.receive }, peer = { way.send } },
  publish = { driver = { way.send } },
}
local names = way.open(side, address, size)
names.m, names.size = ("x"):rep(size), size

-- Returns a function that reads until it has read the version that ends this run of the driver.
local function reader()
  local total, r = 0, names.r
  return function(n)
    total = total + n
    local value, version
    repeat value, version = r:read() until version >= total
    return value
  end
end

local statements = body[what][side]
local run = statements and harness.loop(statements[1], names, statements[2]) or reader()
local now = way.now and way.now() or require("channel_limit").now

io.stdout:setvbuf "line"
print "READY"
for line in io.lines() do
  collectgarbage()
  local from = now()
  run(tonumber(line))
  if side == "driver" then print(("%d"):format(now() - from)) end
end
