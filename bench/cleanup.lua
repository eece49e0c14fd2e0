-- Names and processes of benchmarks, and the check that none of these names is left.
local process = require "process"

local cleanup = {}

-- All names that this process makes start with this.
local prefix <const> = ("bench-%d-"):format(process.pid())
local serial = 0

-- Returns a name that no other process uses.
function cleanup.unique()
  serial = serial + 1
  return prefix .. serial
end

-- Ends a process by the end of its input, so that it closes what it has open. A killed process does not, and
-- if it is the last holder of a section, its name stays in /dev/shm until another process frees it.
function cleanup.finish(child, deadline)
  child:close_input()
  local code, signal, number = child:wait(deadline)
  child:close()
  assert(code == 0, ("a process did not end well: %s"):format(code or number or signal))
end

-- Returns an error message if names of this process are left.
function cleanup.check(work)
  local left = {}
  local listing <close> = assert(io.popen("ls /dev/shm"))
  for name in listing:lines() do
    if name:find(prefix, 1, true) then left[#left + 1] = name end
  end
  if #left == 0 then return nil end
  return ("%s: names left in /dev/shm: %s"):format(work, table.concat(left, ", "))
end

return cleanup
