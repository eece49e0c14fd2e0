-- Orders the thermostat of thermostat.c, and watches it until it is as warm as ordered.
--   lua thermostat.lua DEGREES     sets the target
--   lua thermostat.lua stop        ends the thermostat
-- EXAMPLE_NAME in the environment is the name that the thermostat was started with.
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local state = require "filemap.state"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-thermostat]]
io.stdout:setvbuf("line")

-- Opens the thermostat's mailslot. A thermostat that has just been started gets a second to make it.
local function open_orders()
  local deadline = filemap.now() + 1
  repeat
    local orders, message, code = mailslot.open(NAME .. ".orders")
    if orders or code ~= "not_found" or filemap.now() > deadline then return assert(orders, message) end
    filemap.sleep(0.01)
  until false
end

local orders <close> = open_orders()
if arg[1] == "stop" then return assert(orders:send("stop", 1)) end
local target = tonumber(arg[1]) or error("usage: thermostat.lua DEGREES | stop", 0)
assert(orders:send("target " .. target, 1))

local readings <close> = assert(state.open(NAME))
local version = 0
local value, temperature, wanted, heating
repeat
  value, version = assert(readings:wait(version, 5))
  temperature, wanted, heating = string.unpack("ddi4", value)
  print(("%.2f °C, target %.2f, %s"):format(temperature, wanted, heating == 1 and "heating" or "off"))
until wanted == target and math.abs(temperature - target) <= 0.25
