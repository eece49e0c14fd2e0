-- Processes killed during create, open, close, list, file and resize: at each step of the C code in turn, and
-- at random moments. FILEMAP_CRASHES is the number of kills at random moments.
local check = require "spec.support.check"
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local steps = require "spec.support.steps"
local support = require "spec.support"

local fails = check.fails

local SIZE <const> = 3 * filemap.page_size

support.clean()

local function kill(child)
  child:kill()
  child:wait(support.deadline)
  child:close()
end

-- The files in /dev/shm whose names contain this name.
local function files_of(name)
  local found = {}
  if support.windows then return found end
  for file in lfs.dir("/dev/shm") do
    if file:find(name:match("[^\\]*$"), 1, true) then found[#found + 1] = file end
  end
  return found
end

-- Checks that no process holds the name, and that the next create leaves no file of it behind.
local function is_free(name)
  fails("not_found", name, filemap.open(name))
  local map = assert(filemap.create(name, SIZE))
  local view <close> = assert(map:view())
  assert.equal(("\0"):rep(16), view:get_string(SIZE - 16, 16))
  map:close()
  view:close()
  fails("not_found", name, filemap.open(name))
  assert.same({}, files_of(name))
end

-- Makes a stale name: a process creates the section and is killed.
local function make_dead(name)
  local child = support.child("mapper", "create", name, SIZE)
  child:expect("^created$")
  kill(child)
end

-- The code that a victim runs: `first` before it can be killed, then `chunk`, in which it is killed. `others`
-- is the state of the name before: "dead" is a stale name, "held" is a name that this process holds.
local NAMED = {
  { "create", chunk = "m = filemap.create(name, size)" },
  { "create (stale name)", others = "dead", chunk = "m = filemap.create(name, size)" },
  { "create (held name)", others = "held", chunk = "m = filemap.create(name, size)" },
  { "create_or_open", chunk = "m = filemap.create_or_open(name, size)" },
  { "open", others = "held", chunk = "m = filemap.open(name, 'rw')" },
  { "open (stale name)", others = "dead", chunk = "m = filemap.open(name, 'rw')" },
  { "open (section too small)", others = "held", chunk = "m = filemap.open(name, 'r', { size = 2 * size })" },
  { "view and unmap", others = "held",
    chunk = "m = filemap.open(name, 'rw') v = m:view() v:set_u8(9, 1) v:close() m:close()" },
  { "close", first = "m = filemap.create(name, size)", chunk = "m:close()" },
  { "close (not the last holder)", others = "held",
    first = "m = filemap.open(name, 'rw')", chunk = "m:close()" },
  { "unmap (last holder)",
    first = "m = filemap.create(name, size) v = m:view() m:close()", chunk = "v:close()" },
  { "list", others = "dead", chunk = "m = filemap.list()" },
}

-- Kills the victim when it reaches the step for the nth time. Returns false if it does not reach it.
local function kill_named(scenario, victim, step, n)
  local name = support.unique("Local\\")
  if scenario.others == "dead" then make_dead(name) end
  local held = scenario.others == "held" and assert(filemap.create(name, SIZE))
  victim:ask("name, size = %q, %d %s", name, SIZE, scenario.first or "")
  victim:stop_at(step, n)
  local stopped = victim:stops(scenario.chunk)
  if not stopped then
    victim:ask("m, v = nil, nil collectgarbage() collectgarbage()")
    if held then held:close() end
    return false
  end
  kill(victim)
  if held then
    fails("exists", name, filemap.create(name, SIZE))
    local map = assert(filemap.open(name))
    assert.equal(SIZE, #map)
    map:close()
    held:close()
  end
  is_free(name)
  return true
end

-- For a file: its size before, and the sizes that it may have after, in bytes.
local FILES = {
  { "file (created)", chunk = "m = filemap.file(path, 'rw', { size = 10000 })", sizes = { nil, 0, 10000 } },
  { "file (grown)", before = 5000,
    chunk = "m = filemap.file(path, 'rw', { size = 10000 })", sizes = { 5000, 10000 } },
  { "resize (larger)", before = 5000, first = "m = filemap.file(path, 'rw')", chunk = "m:resize(10000)",
    sizes = { 5000, 10000 } },
  { "resize (smaller)", before = 15000, first = "m = filemap.file(path, 'rw')", chunk = "m:resize(10000)",
    sizes = { 15000, 10000 } },
  { "refresh", before = 5000, first = "m = filemap.file(path)", chunk = "m:refresh()", sizes = { 5000 } },
}

local function is_one_of(value, list)
  for i = 1, 3 do if value == list[i] then return true end end
  return false
end

local function kill_file(scenario, victim, step, n)
  local path = support.tmpname()
  local text = ("x"):rep(scenario.before or 0)
  if scenario.before then
    local file <close> = assert(io.open(path, "wb"))
    file:write(text)
  end
  victim:ask("path = %q %s", path, scenario.first or "")
  victim:stop_at(step, n)
  local stopped = victim:stops(scenario.chunk)
  if not stopped then
    victim:ask("m = nil collectgarbage()")
    os.remove(path)
    return false
  end
  kill(victim)
  local size = lfs.attributes(path, "size")
  assert.is_true(is_one_of(size, scenario.sizes), ("%s: %s bytes"):format(step, size))
  -- No lock is left, and the old contents are intact.
  local map <close> = assert(filemap.file(path, "rw", { size = 20000 }))
  local view <close> = assert(map:view())
  local kept = math.min(#text, 10000)
  assert.equal(text:sub(1, kept), view:get_string(0, kept))
  assert.equal(20000, #view)
  assert.equal(0, view:get_u8(19999))
  return true
end

local SOURCES = support.windows and { "map/map.c", "map/view.c", "system/windows/section.c",
  "system/windows/file.c" }
  or { "map/map.c", "map/view.c", "system/linux/file.c", "system/linux/name_file.c", "system/linux/holders.c",
    "system/linux/named_section.c" }
local ALL = {}
for _, source in ipairs(SOURCES) do table.move(steps.of(source), 1, 99, #ALL + 1, ALL) end

local hits, done = {}, {}

-- Kills one victim each time that a step is reached, for all steps.
local function go_through(scenario, kill_at)
  done[scenario] = true
  local victim = steps.child()
  for _, step in ipairs(ALL) do
    local n = 1
    while kill_at(scenario, victim, step, n) do
      hits[step] = true
      n = n + 1
      victim = steps.child()
    end
  end
  victim:finish()
end

describe("a process that is killed", function()
  for _, scenario in ipairs(NAMED) do
    it("leaves no stale name, and removes no held name, at each step of " .. scenario[1], function()
      go_through(scenario, kill_named)
    end)
  end

  for _, scenario in ipairs(FILES) do
    it("leaves the file intact, with its old or its new size, at each step of " .. scenario[1], function()
      go_through(scenario, kill_file)
    end)
  end

  it("has reached every step that the C sources have", function()
    for _, scenario in ipairs(NAMED) do if not done[scenario] then go_through(scenario, kill_named) end end
    for _, scenario in ipairs(FILES) do if not done[scenario] then go_through(scenario, kill_file) end end
    assert.is_true(#ALL > 10) -- the steps were found
    for _, step in ipairs(ALL) do assert.is_true(hits[step], step .. " is never reached") end
  end)
end)

describe("a process killed at a random moment", function()
  -- The calls that it repeats. Another victim uses the same name at the same time.
  local CHUNK = [[
    while true do
      local m = filemap.create_or_open(%q, %d)
      local v = m and m:view()
      if v then v:add_u32(0, 1) end
      if m then m:close() end
      local o = filemap.open(%q)
      if o then o:close() end
      if v then v:close() end
      filemap.create(%q, %d)
    end]]
  CHUNK = CHUNK:gsub("\n%s*", " ")
  local ROUNDS <const> = tonumber(os.getenv("FILEMAP_CRASHES")) or support.windows and 60 or 200

  it("leaves no stale name, in " .. ROUNDS .. " kills, two processes at a time", function()
    for _ = 1, ROUNDS // 2 do
      local name = support.unique("Local\\")
      local victims = {}
      for i = 1, 2 do
        victims[i] = support.child("evaluator")
        victims[i]:start(CHUNK, name, SIZE, name, name .. ".own" .. i, SIZE)
      end
      process.sleep(math.random() * 0.004)
      kill(victims[1])
      process.sleep(math.random() * 0.002)
      kill(victims[2])
      for _, left in ipairs { name, name .. ".own1", name .. ".own2" } do
        fails("not_found", left, filemap.open(left))
        local map = assert(filemap.create(left, SIZE))
        assert.equal(SIZE, #map)
        map:close()
      end
      assert.same({}, files_of(name))
    end
  end)

  it("does not remove a name that a live process holds", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(name, SIZE))
    local view <close> = assert(map:view())
    view:set_string(SIZE - 8, "the same")
    for _ = 1, ROUNDS // 4 do
      local victim = support.child("evaluator")
      victim:start(CHUNK, name, SIZE, name, name .. ".own", SIZE)
      process.sleep(math.random() * 0.004)
      kill(victim)
      local other <close> = assert(filemap.open(name))
      local seen <close> = assert(other:view())
      assert.equal("the same", seen:get_string(SIZE - 8, 8))
    end
  end)
end)
