-- A job queue over a mailslot. Any number of processes add jobs, and one worker does them. If the worker
-- dies, the next worker continues with the remaining jobs, as long as some process still has the mailslot
-- open.
--   lua jobs.lua work             does jobs until one is "stop"
--   lua jobs.lua put [job ...]    adds jobs
local mailslot = require "filemap.mailslot"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-jobs]]
io.stdout:setvbuf("line")

local function work()
  local slot <close> = assert(mailslot.create(NAME, { capacity = 1 << 20, max_message = 1000 }))
  print("worker: ready")
  while true do
    local job = assert(slot:receive())
    if job == "stop" then break end
    print(("worker: %s (%d more in the queue)"):format(job, slot:info().count))
  end
end

local function put(jobs)
  local slot <close> = assert(mailslot.open(NAME))
  for _, job in ipairs(jobs) do assert(slot:send(job, 1)) end
  print(("put %d"):format(#jobs))
end

if arg[1] == "work" then work()
elseif arg[1] == "put" then put(table.move(arg, 2, #arg, 1, {}))
else error("usage: jobs.lua work | put [job ...]", 0) end
