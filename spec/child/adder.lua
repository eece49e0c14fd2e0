-- adder NAME COUNT: on a line from the parent, adds to the numbers of the map COUNT times, while the parent
-- does the same.
local child = require "spec.child.common"
local filemap = require "filemap"

local view = assert(assert(filemap.open(arg[1], "rw")):view())
child.ready()
child.hear()
for _ = 1, tonumber(arg[2]) do
  view:add_u32(0, 1)
  view:add_i64(8, -3)
  local old = view:load_u64(16)
  while true do
    local swapped
    swapped, old = view:compare_exchange_u64(16, old, old + 2)
    if swapped then break end
  end
end
child.say("done")
child.hear()
