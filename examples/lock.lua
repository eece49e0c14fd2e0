-- Runs a command while no other process holds the lock of this name, so that two backups never run at once.
-- If the process that holds the lock is killed, the next one gets the lock at once.
--   lua lock.lua NAME COMMAND [seconds]    waits at most SECONDS for the lock (default 60)
-- In the shell, `filemap lock NAME -- COMMAND` does the same.
local sync = require "filemap.sync"
io.stdout:setvbuf("line")

local name, command = arg[1], arg[2]
if not command then error("usage: lock.lua NAME COMMAND [seconds]", 0) end

local mutex <close> = assert(sync.mutex(name))
local locked, how = mutex:lock(0)
if not locked then
  print("waiting for " .. name)
  how = select(2, assert(mutex:lock(tonumber(arg[3]) or 60)))
end
if how == "abandoned" then print("the last process with this lock was killed") end
local _, _, code = os.execute(command)
mutex:unlock()
os.exit(code, true)
