-- faults NAME FOLDER HANDLE: uses most kinds of objects, step by step, and makes system calls fail in each
-- step, for spec/fault_spec.lua. NAME is the start of the names that it uses, FOLDER is for its files, HANDLE
-- is that of one page of memory.
--
-- It reads lines: a function's name, an errno, and "once" or "onwards". In each step the first call of that
-- function fails, then the second, and so on, until the step makes no further call. Each time it prints how
-- the step ended ("ok", or the failure's code and errno), what the step left behind, and which earlier
-- objects do not work any more.
local child = require "spec.child.common"
local core = require "filemap.core"
local faulty = require "faulty"
local filemap = require "filemap"
local lfs = require "lfs"
local dict = require "filemap.dict"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local sync = require "filemap.sync"

local name, folder, handle = arg[1], arg[2], tonumber(arg[3])
local page = filemap.page_size

-- A failure ends the step.
local function try(result, message, code, native)
  if result == nil then error({ message = message, code = code, native = native }, 0) end
  return result, message
end

local function path(what)
  return folder .. "/" .. what
end

local function size(what)
  return lfs.attributes(path(what), "size")
end

-- Steps -----------------------------------------------------------------------------------------------------

local steps = {}

steps["unnamed"] = function()
  local map <close> = try(filemap.create(nil, 3 * page))
  local view <close> = try(map:view(100, page))
  local slice <close> = try(view:sub(1, 9, "copy"))
  view:set_string(1, "unnamed")
  assert(view:get_string(1, 7) == "unnamed" and slice:get_u8(8) == 0)
  try(view:flush())
  try(view:advise("willneed"))
  try(view:pin())
  try(view:unpin())
end

steps["reserved"] = function()
  local map <close> = try(filemap.create(nil, 64 * page, { commit = false }))
  local view <close> = try(map:view())
  try(view:commit(page, page))
end

steps["posix semaphore"] = function()
  local its = "/" .. name .. "sem"
  local s <close> = try(sync.semaphore(its, 0, 1))
  try(s:release())
  try(s:acquire(0))
  local done, message, code, native = sync.unlink(its)
  if not done then sync.unlink(its) end
  try(done, message, code, native)
end

steps["named"] = function()
  local map <close> = try(filemap.create(name .. "new", page))
  local again <close> = try(filemap.open(name .. "new", "rw"))
  local _ <close> = try(again:view())
  map:close()
  again:close()
end

steps["inherited"] = function()
  local _ <close> = try(filemap.create("Global\\" .. name .. "new", page, { inherit = true, mode = "0644" }))
end

steps["made or opened"] = function()
  local _ <close>, created = try(filemap.create_or_open(name .. "new", page))
  local _ <close>, other_created = try(filemap.create_or_open(name .. "map", page))
  assert(created and not other_created)
end

steps["taken"] = function()
  local map, message, code, native = filemap.create(name .. "map", page)
  if code ~= "exists" then try(map, message, code, native) end
end

steps["verbatim"] = function()
  local _ <close> = try(filemap.create("/" .. name .. "new", page))
  try(filemap.unlink("/" .. name .. "new"))
end

steps["list"] = function()
  local found
  for _, entry in ipairs(try(filemap.list())) do found = found or entry.name == "Local\\" .. name .. "map" end
  assert(found, "a live name is not listed")
end

steps["file made"] = function()
  local map <close>, message, code, native =
    filemap.file(path "new", "rw", { size = 2 * page, inherit = true })
  assert(map or not size "new", "a half-made file is left")
  try(map, message, code, native)
  local view <close> = try(map:view())
  view:set_u8(0, 1)
  try(view:flush())
end

steps["file grown"] = function()
  local before = size "file"
  local map <close>, message, code, native = filemap.file(path "file", "rw", { size = before + page })
  if not map then assert(size "file" == before, "a file that could not be grown has another size") end
  try(map, message, code, native)
end

steps["file resized"] = function()
  local map <close> = try(filemap.file(path "file", "rw"))
  for _, wanted in ipairs { 5 * page, 3 * page } do
    local before = #map
    local done, message, code, native = map:resize(wanted)
    assert(done or size "file" == before and #map == before, "a file that was not resized has another size")
    try(done, message, code, native)
  end
end

steps["adopted"] = function()
  if not handle then return end
  local map <close> = try(filemap.adopt(handle, page))
  handle = nil
  local _ <close> = try(map:view())
end

steps["mutex"] = function()
  local mutex <close> = try(sync.mutex(name .. "new"))
  local other <close> = try(sync.mutex(name .. "new"))
  try(mutex:lock())
  try(other:lock(0))
  try(other:unlock())
  try(mutex:unlock())
end

steps["semaphore"] = function()
  local semaphore <close> = try(sync.semaphore(name .. "new", 0, 2))
  try(semaphore:release())
  try(semaphore:acquire())
end

steps["event"] = function()
  local event <close> = try(sync.event(name .. "new"))
  local set, message, code, native = event:wait(0.001)
  if code ~= "timeout" then try(set, message, code, native) end
  try(event:set())
  try(event:wait())
end

steps["state"] = function()
  local writer <close> = try(state.create_or_open(name .. "new", 100))
  local reader <close> = try(state.open(name .. "new"))
  try(writer:publish("value"))
  assert(try(reader:wait(0)) == "value")
end

steps["mailslot"] = function()
  local reader <close> = try(mailslot.create(name .. "new", { capacity = 100 }))
  local writer <close> = try(mailslot.open(name .. "new"))
  try(writer:send("message"))
  assert(try(reader:receive()) == "message")
end

steps["pollable"] = function()
  local reader <close> = try(mailslot.create(name .. "new", { capacity = 100 }))
  local writer <close> = try(mailslot.open(name .. "new"))
  local ready = try(reader:pollable())
  try(writer:send("message"))
  process.poll(ready, 0.05)
  assert(try(reader:receive()) == "message")
end

steps["dictionary"] = function()
  local writer <close> = try(dict.create_or_open(name .. "new", { capacity = 10000 }))
  local reader <close> = try(dict.open(name .. "new"))
  try(writer:set("key", ("v"):rep(3000)))
  assert(try(reader:get("key")) == ("v"):rep(3000))
  try(reader:delete("key"))
  try(writer:info())
end

steps["pipe"] = function()
  local listener <close> = try(pipe.listen(name .. "new", { capacity = 100 }))
  local client <close> = try(pipe.connect(name .. "new"))
  try(client:send("message"))
  local server <close>, message, code, native = listener:accept(0)
  if not server then
    -- A client whose accept failed must still be queued.
    local later <close>, _, again = listener:accept(0)
    assert(later and later:receive() == "message" or again == code, "a client that was not accepted is lost")
    try(server, message, code, native)
  end
  assert(try(server:receive()) == "message")
  try(server:send("answer"))
  assert(try(client:receive()) == "answer")
end

-- Objects that exist before each step -----------------------------------------------------------------------

local things = {}

local function prepare()
  things.map = try(filemap.create(name .. "map", page))
  things.view = try(things.map:view())
  things.view:set_string(0, "still there")
  things.file = try(filemap.file(path "file", "rw", { size = 2 * page }))
  things.mutex = try(sync.mutex(name .. "mutex"))
  things.slot = try(mailslot.create(name .. "slot"))
  things.letters = try(mailslot.open(name .. "slot"))
  things.dict = try(dict.create_or_open(name .. "dict"))
  things.listener = try(pipe.listen(name .. "pipe", { capacity = 100 }))
end

local checks = {
  ["a map"] = function()
    local other <close> = try(filemap.open(name .. "map"))
    local there <close> = try(other:view())
    assert(there:get_string(0, 11) == "still there")
  end,
  ["a mutex"] = function()
    try(things.mutex:lock(0))
    try(things.mutex:unlock())
  end,
  ["a mailslot"] = function()
    try(things.letters:send("more", 0))
    assert(try(things.slot:receive(0)) == "more")
  end,
  ["a dictionary"] = function()
    try(things.dict:set("key", "more"))
    assert(try(things.dict:get("key")) == "more")
  end,
  ["a pipe"] = function()
    local client <close> = try(pipe.connect(name .. "pipe"))
    local server <close> = try(things.listener:accept(0))
    try(client:send("more"))
    assert(try(server:receive(0)) == "more")
  end,
}

-- Counts of what exists -------------------------------------------------------------------------------------

local function mappings()
  local count = 0
  for line in io.lines("/proc/self/maps") do
    if line:find(name, 1, true) or line:find(folder, 1, true) or line:find("/memfd:filemap", 1, true) then
      count = count + 1
    end
  end
  return count
end

local function segments()
  local count = 0
  for file in lfs.dir("/dev/shm") do
    if file:find(name .. "new", 1, true) then count = count + 1 end
  end
  return count
end

-- Counts after a list, which removes a name whose last holder could not check it when it closed.
local function left()
  filemap.list()
  return { maps = core.live(), handles = process.handles(), mappings = mappings(), segments = segments() }
end

-- Compares the counts before and after a step. Returns what the step left behind.
local function excess(before, now)
  local words = {}
  for what, count in pairs(now) do
    if count ~= before[what] then
      words[#words + 1] = ("%d %s where %d were"):format(count, what, before[what])
    end
  end
  return words
end

local function describe(ok, e)
  return ok and "ok" or type(e) == "table" and ("%s %s"):format(e.code, e.native) or e
end

local NOT_REACHED <const> = 1

-- A step for the first calls of a process, which can fail too.
function steps.first()
  prepare()
  for _, thing in pairs(things) do thing:close() end
end

-- Runs a step in which one call fails. This is called in a forked process for each step and call.
local function run(what, fault, which)
  collectgarbage("stop")
  if what ~= "first" then prepare() end
  local inherited, before = handle, left()
  faulty.arm(fault.call, which, fault.errno, fault.onwards)
  local ok, e = pcall(steps[what])
  local reached = faulty.disarm() >= which
  os.remove(path "new")
  filemap.unlink("/" .. name .. "new")
  if not reached then return NOT_REACHED end
  for _, thing in pairs(what == "first" and things or {}) do thing:close() end
  if inherited ~= handle then before.handles = before.handles - 1 end
  local problems = excess(before, left())
  if what == "first" then prepare() end
  for thing, works in pairs(checks) do
    local good, why = pcall(works)
    if not good then
      problems[#problems + 1] = ("%s that was there: %s"):format(thing, describe(good, why))
    end
  end
  child.say(("%s, %d: %s: %s"):format(what, which, describe(ok, e), table.concat(problems, ", ")))
  for _, thing in pairs(things) do thing:close() end
end

-- Makes each call in a step fail, in a forked process for each.
local function run_step(what, fault)
  local which, code = 0, 0
  while code == 0 do
    which = which + 1
    local ended, how, signal = process.forked(function() return run(what, fault, which) end)
    code = ended
    if code ~= 0 and code ~= NOT_REACHED then
      child.say(("%s, %d: it ended, %s %s: "):format(what, which, code or how, signal or ""))
    end
  end
end

-- The objects are made and closed once before the forks of all steps but the first. qemu translates code when
-- it first runs, so each forked process would translate that of the library again, which took most of its
-- time.
local function run_all(fault)
  run_step("first", fault)
  prepare()
  left()
  for _, thing in pairs(things) do thing:close() end
  for what in pairs(steps) do
    if what ~= "first" then run_step(what, fault) end
  end
end

child.ready()
while true do
  local call, errno, how = child.hear():match("^(%S+) (%d+) (%S+)$")
  run_all { call = call, errno = tonumber(errno), onwards = how == "onwards" }
  child.say("END")
end
