-- script/endure SECONDS [SEED]: pipes, states, mailslots, dictionaries, mutexes, sections and recorders at
-- work for a long time, while workers are killed at random and started again. It prints what they have done,
-- and ends with exit code 1 if a worker found something wrong, or if memory, descriptors or /dev/shm have
-- grown.
local dict = require "filemap.dict"
local filemap = require "filemap"
local process = require "process"
local state = require "filemap.state"

local seconds, seed = tonumber(arg[1]), tonumber(arg[2]) or os.time()
local group = ("endure-%d"):format(process.pid())
local lua = arg[-1]
math.randomseed(seed)
assert(seconds and seconds >= 30, "SECONDS must be a number from 30")
print(("%d seconds, seed %d"):format(seconds, seed))

local before = io.popen("ls /dev/shm | sort"):read("a")
local counts <const> = assert(filemap.create(group .. "-counts", 4096))
local numbers <const> = assert(counts:view())

-- The sets of workers. The workers of a set share names. The first one of each role is spared: it is never
-- killed, so that its memory and descriptors can be compared. But in the first set all servers, publishers
-- and readers are killed, since the others must notice that these are gone.
local sets = {
  { name = "killed", roles = { "server", "client", "client", "client", "publisher", "publisher",
    "subscriber", "subscriber", "reader", "reader", "writer", "writer", "writer", "user", "user", "user",
    "locker", "locker", "locker", "maker", "maker" },
    all_killed = { server = true, publisher = true, reader = true } },
  { name = "steady", roles = { "server", "client", "client", "publisher", "subscriber", "subscriber",
    "reader", "writer", "writer" }, all_killed = {} },
}

-- The workers in order: { role, set, name, is_spared, child }.
local workers, kills = {}, 0

local function start(index)
  local worker = workers[index]
  worker.child = process.spawn { lua, "spec/endurance/worker.lua", worker.role, group, worker.set,
    tostring(index + 1), tostring(seconds + 120) }
  assert(worker.child:read(30) == "READY", worker.name .. " does not start")
end

for _, set in ipairs(sets) do
  local seen = {}
  for _, role in ipairs(set.roles) do
    workers[#workers + 1] = { role = role, set = set.name, name = set.name .. " " .. role,
      is_spared = not (seen[role] or set.all_killed[role]) }
    seen[role] = true
    start(#workers)
  end
end

local function number_in(path, pattern)
  local file <close> = assert(io.open(path))
  return tonumber(file:read("a"):match(pattern))
end

local function count_files(path)
  local list <close> = assert(io.popen("ls " .. path .. " | wc -l"))
  return list:read("n")
end

-- How much a worker has done.
local function done_by(index)
  return numbers:get_i64((index + 1) * 8)
end

-- Memory in KiB, descriptors and work of the spared workers, and what is in /dev/shm.
local function sample()
  local now = { files = count_files("/dev/shm") }
  local used <close> = assert(io.popen("du -sk /dev/shm 2>/dev/null"))
  now.shm = used:read("n")
  for index, worker in ipairs(workers) do
    local pid = worker.is_spared and worker.child:pid()
    now[index] = pid and { memory = number_in(("/proc/%d/status"):format(pid), "VmRSS:%s+(%d+)"),
      descriptors = count_files(("/proc/%d/fd"):format(pid)), done = done_by(index) }
  end
  return now
end

-- Kills a random worker that is not spared, and starts it again.
local function kill_one()
  local index
  repeat index = math.random(#workers) until not workers[index].is_spared
  local worker = workers[index]
  assert(worker.child:wait(0) == nil, worker.name .. " has ended by itself")
  worker.child:kill()
  worker.child:wait(30)
  worker.child:close()
  kills = kills + 1
  start(index)
end

-- The recorder of the command, killed after a while. What it wrote can be replayed.
local recording, recordings = os.tmpname(), 0

local function record()
  local line = { lua, "bin/filemap", "record", group .. "-counts", recording, "--rate", "100" }
  os.remove(recording)
  local child <close> = process.spawn(line)
  local last = process.now() + 30
  repeat
    process.sleep(0.5)
    local file <close> = io.open(recording)
  until file and file:seek("end") > 0 or process.now() > last
  child:kill()
  child:wait(30)
  local command = "%s bin/filemap replay --speed 1000 %s %s-replay >/dev/null"
  local replayed = os.execute(command:format(lua, recording, group))
  assert(replayed, "a recording cannot be replayed")
  recordings = recordings + 1
end

local s <close> = assert(state.create_or_open(group .. "-own", 100))
local d <close> = assert(dict.create_or_open(group .. "-killed-dict", { capacity = 1 << 20, evict = true }))
local start_time, first = process.now(), nil
repeat
  for _ = 1, 20 do
    kill_one()
    process.sleep(0.05)
  end
  s:publish(tostring(kills))
  record()
  local passed = process.now() - start_time
  if not first and passed > seconds / 10 then first = sample() end
until passed >= seconds

local last = sample()
local wrong = 0
local function complain(...)
  print("WRONG " .. string.format(...))
  wrong = wrong + 1
end

for _, worker in ipairs(workers) do
  assert(worker.child:write("stop\n"))
  local code, what, signal = worker.child:wait(30)
  if code ~= 0 then complain("%s ended with %s %s", worker.name, code or what, signal or "") end
  worker.child:close()
end
for index, worker in ipairs(workers) do
  local name, was, is = worker.name, first[index], last[index]
  if worker.is_spared then
    print(("%-17s %d, then %d KiB; %d, then %d descriptors"):format(name, was.memory, is.memory,
      was.descriptors, is.descriptors))
    if is.memory > was.memory * 1.1 + 1024 then complain("the memory of %s has grown", name) end
    if is.descriptors > was.descriptors + 8 then complain("the descriptors of %s have grown", name) end
    if is.done == was.done then complain("%s has done nothing", name) end
  end
end
print(("/dev/shm          %d, then %d files; %d, then %d KiB"):format(first.files, last.files, first.shm,
  last.shm))
if last.files > first.files + 20 then complain("/dev/shm has more files") end
if last.shm > first.shm * 1.25 + 1024 then complain("the files in /dev/shm have grown") end
local info = d:info()
print(("dictionary        %d keys, %d of %d bytes"):format(info.count, info.used, info.capacity))

local names, done = {}, {}
for index, worker in ipairs(workers) do
  if not done[worker.name] then names[#names + 1] = worker.name end
  done[worker.name] = (done[worker.name] or 0) + done_by(index)
end
for _, name in ipairs(names) do
  print(("%-17s %d"):format(name, done[name]))
  if done[name] == 0 then complain("%s has done nothing", name) end
end
print(("%d kills, %d recordings, %.0f s"):format(kills, recordings, process.now() - start_time))

s:close()
d:close()
numbers:close()
counts:close()
os.remove(recording)
-- What a killed process has left goes when the next one makes a name.
assert(filemap.create(group, 1)):close()
local after = io.popen("ls /dev/shm | sort"):read("a")
if after ~= before then complain("left in /dev/shm:\n%s", after) end
print(wrong == 0 and "nothing has grown, and nothing is left" or wrong .. " wrong")
os.exit(wrong == 0, true)
