-- A queue of jobs over a mailslot: any number put jobs in, and one works them off. A worker that dies leaves the
-- rest to the next one, as long as somebody has the slot open.
--   lua jobs.lua work             works until a job says "stop"
--   lua jobs.lua put [job ...]    puts jobs in
local mailslot = require "filemap.mailslot"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-jobs]]
io.stdout:setvbuf("line")

local function work()
  local slot <close> = assert(mailslot.create(NAME, { capacity = 1 << 20, max_message = 1000 }))
  print("worker: ready")
  while true do
    local job = assert(slot:receive())
    if job == "stop" then break end
    print(("worker: %s (%d more wait)"):format(job, slot:info().count))
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
