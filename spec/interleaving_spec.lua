-- Two processes that use one name, in every order. Either one is stopped at each step of the C code until the
-- other has made its whole call; or both are stopped, and continue in either order. FILEMAP_PAIRS is the
-- number of pairs of stops that are tried ("all": every pair).
local check = require "spec.support.check"
local filemap = require "filemap"
local process = require "process"
local steps = require "spec.support.steps"
local support = require "spec.support"

local fails = check.fails

local SIZE <const> = 3 * filemap.page_size

support.clean()

-- The calls of the two processes. Each leaves its map in `m`.
local OPS = {
  create = "m, _, code = filemap.create(name, size) return m and 'made' or code",
  open = "m, _, code = filemap.open(name, 'rw') return m and 'opened' or code",
  create_or_open = "m, c, code = filemap.create_or_open(name, size) return m and (c and 'made' or 'opened') "
    .. "or code",
  list = [[local found for _, entry in ipairs(assert(filemap.list())) do found = found or entry.name == name
    end
    return found and 'listed' or 'not listed']],
  close = "m:close() m = nil return 'closed'",
  renew = "m:close() m, _, code = filemap.create(name, size) return m and 'made' or code",
}

local NAMES = { "create", "open", "create_or_open", "list", "close", "renew" }
local CLOSES = { close = true, renew = true }

local function make_dead(name)
  local child = support.child("mapper", "create", name, SIZE)
  child:expect("^created$")
  child:kill()
  child:wait(support.deadline)
  child:close()
end

-- Prepares the name for the two calls. `initial` is "none", "dead" (a stale name), "held" (by this process),
-- "closer" or "both" (one or both of the processes hold it, and their calls close it).
local function prepare(a, b, op_a, op_b, initial)
  local name = support.unique("Local\\")
  local held = initial == "held" and assert(filemap.create(name, SIZE)) or nil
  if initial == "dead" then make_dead(name) end
  for child, op in pairs { [a] = op_a, [b] = op_b } do
    child:ask("name, size, m = %q, %d", name, SIZE)
    if CLOSES[op] then child:ask("m = assert(filemap.create_or_open(name, size))") end
  end
  return name, held
end

-- Checks that all holders have the same section, at its full size, by that name. Then all of them close it,
-- and the name must be free. Returns how many of the two processes were holders.
local function one_section(a, b, name, held)
  local holders = 0
  local token = support.unique()
  local parent = held and assert(held:view())
  if parent then parent:set_cstring(0, token, 100) end
  for _, child in ipairs { a, b } do
    local said = child:ask([[if not m then return 'nothing' end v = m:view() if v:get_u8(0) == 0 then
      v:set_cstring(0, %q, 100) end return #m, v:get_cstring(0)]], token)
    if said ~= "nothing" then
      holders = holders + 1
      assert.equal(SIZE .. " " .. token, said)
      local map <close> = assert(filemap.open(name))
      local view <close> = assert(map:view())
      assert.equal(token, view:get_cstring(0))
      fails("exists", name, filemap.create(name, SIZE))
    end
  end
  for _, child in ipairs { a, b } do child:ask("if m then m:close() v:close() m, v = nil end") end
  if parent then
    parent:close()
    local map <close> = assert(filemap.open(name))
    assert.equal(SIZE, #map)
    held:close()
  end
  fails("not_found", name, filemap.open(name))
  local map <close> = assert(filemap.create(name, SIZE))
  assert.equal(SIZE, #map)
  return holders
end

-- The state of the name while a process is stopped in `op` at a step: "alive", "absent", or "locked" by a
-- process that is about to remove a stale name, or about to become a holder.
local function standing(op, step, initial)
  if initial == "held" then return "alive" end
  if step == "dead" then return "locked" end
  if CLOSES[op] then
    local alive = { release = true, leaving = true, unlocked = true, named = true, finished = true }
    return alive[step] and "alive" or "absent"
  end
  if op == "open" or op == "list" then return "absent" end
  return (step == "named" or step == "finished") and "alive" or "absent"
end

-- The same if the other process holds the name and closes it.
local function standing_after_close(step)
  if step == "shared" then return "locked" end
  return (step == "marked" or step == "finished") and "alive" or "absent"
end

local EXPECTED = {
  alive = { create = "exists", open = "opened", create_or_open = "opened", list = "listed",
    renew = "exists" },
  absent = { create = "made", open = "not_found", create_or_open = "made", list = "not listed",
    renew = "made" },
  locked = { create = "in_use", open = "in_use", create_or_open = "in_use", list = "not listed",
    renew = "in_use" },
}

local function expected(op_a, step, initial, op_b)
  if op_b == "close" then return "closed" end
  local own = op_b == "renew" and initial == "closer"
  return EXPECTED[own and standing_after_close(step) or standing(op_a, step, initial)][op_b]
end

-- The states of the name before the two calls, as `prepare` makes them.
local function initials(op_a, op_b)
  if CLOSES[op_a] and CLOSES[op_b] then return { "both" } end
  if CLOSES[op_a] or CLOSES[op_b] then return { "closer", "held" } end
  return { "none", "dead", "held" }
end

support.only("posix", "Windows does not remove an open file", function()
  describe("a process that creates a file", function()
    local MAKE = "f, _, code = filemap.file(path, 'rw', { size = %s }) return f and 'made' or code"
    local TOO_MUCH <const>, ENOUGH <const> = "1 << 50", "1000"

    local function two(path)
      local a, b = steps.child(), steps.child()
      for _, child in ipairs { a, b } do child:ask("path = %q", path) end
      return a, b
    end

    local function is_whole(path, b)
      b:ask("v = f:view() v:set_u8(999, 7)")
      local map <close> = assert(filemap.file(path))
      local view <close> = assert(map:view())
      assert.equal(1000, #view)
      assert.equal(7, view:get_u8(999))
    end

    it("leaves the file if it cannot grow it and another process has grown it", function()
      local path = support.tmpname()
      local a, b = two(path)
      a:stop_at("opened", 1)
      assert.is_true(a:stops(MAKE, TOO_MUCH))
      assert.equal("made", b:ask(MAKE, ENOUGH))
      assert.is_truthy((" no_space no_memory too_large "):find(" " .. a:go_on() .. " ", 1, true))
      is_whole(path, b)
    end)

    it("leaves the file if it cannot grow it and another process is about to grow it", function()
      local path = support.tmpname()
      local a, b = two(path)
      a:stop_at("opened", 1)
      b:stop_at("opened", 1)
      assert.is_true(a:stops(MAKE, TOO_MUCH))
      assert.is_true(b:stops(MAKE, ENOUGH))
      a:go_on()
      assert.equal("made", b:go_on())
      is_whole(path, b)
    end)

    it("opens the file that another process created after its own was removed", function()
      local path = support.tmpname()
      local a, b = two(path)
      a:stop_at("opened", 1)
      assert.is_true(a:stops(MAKE, ENOUGH))
      assert(os.remove(path))
      assert.equal("made", b:ask(MAKE, ENOUGH))
      assert.equal("made", a:go_on())
      is_whole(path, b)
      assert.equal("7", a:ask("return f:view():get_u8(999)")) -- it has the same file
    end)
  end)
end)

support.only("posix", "on Windows the kernel keeps names, and no process can be stopped in it", function()
  local STEPS = { "create", "open", "finished", "release", "released" }
  for _, file in ipairs { "name_file.c", "holders.c", "named_section.c" } do
    table.move(steps.of("system/linux/" .. file), 1, 99, #STEPS + 1, STEPS)
  end

  -- The stops of `op`, found by trying. Each is a step and the count of how often it was reached. At most 5
  -- counts of a step are tried, because a list also reads the names of other processes.
  local function stops_of(op, initial, op_b)
    local a, b = steps.child(), steps.child()
    local found = {}
    for _, step in ipairs(STEPS) do
      for n = 1, 5 do
        local name, held = prepare(a, b, op, op_b, initial)
        a:stop_at(step, n)
        local stopped = a:stops(OPS[op])
        if stopped then a:go_on() end
        one_section(a, b, name, held)
        if not stopped then break end
        found[#found + 1] = { step, n }
      end
    end
    a:finish()
    b:finish()
    return found
  end

  local known = {}

  local function stops(op, initial, op_b)
    local key = op .. initial .. tostring(CLOSES[op_b])
    known[key] = known[key] or stops_of(op, initial, op_b)
    return known[key]
  end

  describe("a stopped process", function()
    for _, op_a in ipairs(NAMES) do
      it("neither misleads nor delays another process, at each step of " .. op_a, function()
        local a, b = steps.child(), steps.child()
        local meetings = 0
        local function meet(op_b, initial, step, n)
          local name, held = prepare(a, b, op_a, op_b, initial)
          a:stop_at(step, n)
          if a:stops(OPS[op_a]) then
            meetings = meetings + 1
            local from = process.now()
            local said = b:ask(OPS[op_b])
            local what = ("%s stopped at %s %d (%s), %s returned %s"):format(
              op_a, step, n, initial, op_b, said)
            assert.is_true(process.now() - from < support.deadline / 3, what)
            assert.equal(expected(op_a, step, initial, op_b), said, what)
            said = a:go_on()
            assert.is_true(said ~= "in_use" and not said:find("^raised"), what .. ", then " .. said)
          end
          one_section(a, b, name, held)
        end
        for _, op_b in ipairs(NAMES) do
          for _, initial in ipairs(initials(op_a, op_b)) do
            for _, stop in ipairs(stops(op_a, initial, op_b)) do meet(op_b, initial, stop[1], stop[2]) end
          end
        end
        a:finish()
        b:finish()
        assert.is_true(meetings > 10)
      end)
    end
  end)

  describe("a pair of stopped processes", function()
    local function all_pairs()
      local found = {}
      for _, op_a in ipairs(NAMES) do
        for _, op_b in ipairs(NAMES) do
          for _, initial in ipairs(initials(op_a, op_b)) do
            for _, at in ipairs(stops(op_a, initial, op_b)) do
              for _, bt in ipairs(stops(op_b, initial, op_a)) do
                found[#found + 1] = { op_a, op_b, initial, at, bt, true }
                found[#found + 1] = { op_a, op_b, initial, at, bt, false }
              end
            end
          end
        end
      end
      return found
    end

    local HOLD_UP = { dead = true, shared = true }

    it("ends with one section, whichever process continues first", function()
      local pairs_of_stops = all_pairs()
      local wanted = os.getenv("FILEMAP_PAIRS") or 100
      wanted = wanted == "all" and #pairs_of_stops or math.min(tonumber(wanted), #pairs_of_stops)
      local a, b = steps.child(), steps.child()
      for i = 1, wanted do
        local other = math.random(i, #pairs_of_stops)
        pairs_of_stops[i], pairs_of_stops[other] = pairs_of_stops[other], pairs_of_stops[i]
        local op_a, op_b, initial, at, bt, a_first = table.unpack(pairs_of_stops[i])
        local name, held = prepare(a, b, op_a, op_b, initial)
        a:stop_at(at[1], at[2])
        b:stop_at(bt[1], bt[2])
        local a_stopped, a_said = a:stops(OPS[op_a])
        local b_stopped, b_said = b:stops(OPS[op_b])
        local what = ("%s at %s %d, %s at %s %d (%s, %s first): "):format(op_a, at[1], at[2], op_b, bt[1],
          bt[2],
          initial, a_first and "the former" or "the latter")
        if a_first and a_stopped then a_said = a:go_on() end
        if b_stopped then b_said = b:go_on() end
        if not a_first and a_stopped then a_said = a:go_on() end
        what = what .. a_said .. ", " .. b_said
        -- A process may fail with in_use only if the other was stopped while it held the lock.
        assert.is_true(a_said ~= "in_use" or HOLD_UP[bt[1]], what)
        assert.is_true(b_said ~= "in_use" or HOLD_UP[at[1]], what)
        assert.is_true(not (a_said:find("^raised") or b_said:find("^raised")), what)
        local ok, problem = pcall(one_section, a, b, name, held)
        assert.is_true(ok, what .. ": " .. tostring(problem))
      end
      a:finish()
      b:finish()
    end)
  end)
end)
