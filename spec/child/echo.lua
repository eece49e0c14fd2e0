-- Prints its arguments, then runs the orders that it reads, for the specs of the harness itself. ECHO_START
-- in the environment can make it fail before it is ready.
local child = require "spec.child.common"

local start = os.getenv("ECHO_START")
if start == "end" then os.exit(3) end
if start == "talk" then child.say("who is there?") end
if start == "hang" then child.hear() end

child.ready()
for i = 1, #arg do child.say(arg[i]) end

local orders = {
  say = child.say,
  part = function(text) io.stdout:write(text) os.exit(0) end,
  env = function(name) child.say(os.getenv(name) or "unset") end,
  exit = function(code) os.exit(tonumber(code)) end,
}

while true do
  local order, rest = child.hear():match("^(%S+) ?(.*)$")
  orders[order](rest)
end
