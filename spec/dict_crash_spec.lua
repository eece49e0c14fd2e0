-- Writers of a dictionary that are killed: at every test hook of the code that writes, and at random. Each
-- key has its old or its new value, no memory is lost, and other writers go on at once.
--
-- Environment: FILEMAP_KILLS is how many passings of each hook are tried (default 3, and 1 on Windows, where
-- a process takes long to start), FILEMAP_CRASHES the number of random kills (default 60). If one of them is
-- set, the longest delays of other writers are printed.
local check = require "spec.support.check"
local core = require "filemap.core"
local dict = require "filemap.dict"
local filemap = require "filemap"
local process = require "process"
local steps = require "spec.support.steps"
local support = require "spec.support"

local PASSINGS <const> = tonumber(os.getenv("FILEMAP_KILLS")) or support.windows and 1 or 3
local CRASHES <const> = tonumber(os.getenv("FILEMAP_CRASHES")) or 60
local PRINTS <const> = os.getenv("FILEMAP_KILLS") or os.getenv("FILEMAP_CRASHES")

-- A dictionary of 100 blocks. A key of 1 to 8 bytes and its value take 88 bytes of the value in the first
-- block, and 112 in each other one.
local CAPACITY <const> = 12800

support.clean()

local hooks, seen = {}, {}
for _, file in ipairs { "channel/store.c", "channel/store_entry.c", "channel/store_write.c",
                         "channel/store_space.c", "channel/store_journal.c", "channel/dict.c",
                         "object/lock.c", "object/wait.h", "object/wait.c" } do
  for _, name in ipairs(steps.of(file)) do
    if not seen[name] then hooks[#hooks + 1] = name end
    seen[name] = true
  end
end

local function contents(d)
  local found = {}
  for key, value in d:pairs() do found[key] = value end
  return found
end

-- Sets a key after a writer was killed, and returns how long that took.
local function delay(d)
  local start = core.now()
  assert(d:set("other", "goes on"))
  local took = core.now() - start
  assert.is_true(took < support.deadline / 10, took)
  return took
end

-- A value that takes so many blocks.
local function value_of(blocks)
  return ("x"):rep(88 + (blocks - 1) * 112)
end

-- All memory is there: an empty dictionary uses none, and then all of it for one value.
local function check_memory(d)
  for key in pairs(contents(d)) do assert(d:delete(key)) end
  local capacity = d:info().capacity
  assert.same({ count = 0, used = 0, capacity = capacity }, d:info())
  assert(d:set("all", value_of(capacity // 128)))
  assert.equal(capacity, d:info().used)
end

-- What the killed processes do, by what it is.
local kinds = {
  ["sets, adds, replaces, increments and deletes"] = { calls = {
    "d:set('a', 1)", "d:set('b', ('b'):rep(700))", "d:set('a', ('a'):rep(300))", "d:incr('n', 2, 5)",
    "d:delete('b')", "d:add('c', ('c'):rep(5000))", "d:incr('n')", "d:replace('c', true)",
    "d:compare_set('b', 0, 2.5)", "d:delete('a')", "d:set('d', ('d'):rep(8000))",
  } },
  ["clears, and uses the memory again"] = { calls = {
    "d:set('a', ('a'):rep(700))", "d:set('b', ('b'):rep(700))", "d:set('c', 1, { ttl = 100 })", "d:clear()",
    "d:set('b', 2)", "d:delete('a')", "d:set('d', ('d'):rep(9000))", "d:clear()", "d:clear()",
    "d:set('e', ('e'):rep(10000))",
  } },
  ["sets keys that expire, and removes them"] = { calls = {
    "d:set('a', 1, { ttl = 300 })", "d:set('b', 2, { ttl = 200 })", "d:set('c', 3, { ttl = 100 })",
    "d:set('b', 4, { ttl = 50 })", "d:set('c', 5)", "d:delete('b')",
    "d:set('a', ('a'):rep(500), { ttl = 100 })", "d:clear()", "d:set('c', ('c'):rep(10000), { ttl = 100 })",
  } },
  ["sets, and evicts other keys"] = { evict = true, calls = {
    "d:set('a', ('a'):rep(4000))", "d:set('b', ('b'):rep(4000))", "d:set('c', ('c'):rep(4000))",
    "d:set('b', ('B'):rep(7000))", "d:set('d', 1)", "d:set('d', ('d'):rep(9000))",
  } },
}

-- The contents before the first call and after each, as a process that is not killed leaves them.
local function states_of(kind)
  local states = { {} }
  local d <close> = assert(dict.create_or_open(support.unique("Local\\"),
    { capacity = CAPACITY, evict = kind.evict }))
  for i, call in ipairs(kind.calls) do
    assert(load("local d = ... " .. call))(d)
    states[i + 1] = contents(d)
  end
  return states
end

-- Has each key its value of the one state or of the other?
local function is_between(found, old, new)
  local keys = {}
  for _, t in ipairs { found, old, new } do
    for key in pairs(t) do keys[key] = true end
  end
  for key in pairs(keys) do
    if found[key] ~= old[key] and found[key] ~= new[key] then return false end
  end
  return true
end

local function is_known(found, states)
  for i = 2, #states do
    if is_between(found, states[i - 1], states[i]) then return true end
  end
  return false
end

describe("a process that is killed at a test hook", function()
  for what, kind in pairs(kinds) do
    it("leaves each key old or new, loses no memory, and others go on at once: " .. what, function()
      local states, killed, longest = states_of(kind), {}, 0
      for _, hook in ipairs(hooks) do
        for n = 1, hook == "write" and 10 * PASSINGS or PASSINGS do
          local name = support.unique("Local\\")
          local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY, evict = kind.evict }))
          delay(d) -- acquires this process's seat
          d:delete("other")
          local child = steps.child()
          child:ask("d = require('filemap.dict').open(%q)", name)
          child:stop_at(hook, n)
          local stopped = child:stops(table.concat(kind.calls, " "))
          child:kill()
          child:wait(support.deadline)
          child:close()
          if not stopped then break end
          killed[hook] = true
          local context = ("%s, passing %d"):format(hook, n)
          assert.is_true(is_known(contents(d), states), context)
          longest = math.max(longest, delay(d))
          d:delete("other")
          assert.is_true(is_known(contents(d), states), context)
          check_memory(d)
        end
      end
      for _, hook in ipairs { "locked", "take", "taken", "bytes", "entry", "journal", "write", "written",
                               "freed", "unlocking" } do
        assert.is_true(killed[hook], hook)
      end
      if PRINTS then print(("%s: the longest delay was %.1f ms"):format(what, longest * 1e3)) end
    end)
  end

  it("is followed by one that is killed while it completes the change", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY }))
    d:set("k", ("a"):rep(1000))
    for n = 1, 5 do
      for _, chunk in ipairs { "d:set('k', ('b'):rep(3000))", "d:delete('none')" } do
        local child = steps.child()
        child:ask("d = require('filemap.dict').open(%q)", name)
        child:stop_at("write", n)
        assert.is_true(child:stops(chunk))
        child:kill()
        child:wait(support.deadline)
        child:close()
      end
      assert.is_false(d:delete("none"))
      assert.equal(("b"):rep(3000), (d:get("k")))
      assert.is_true(d:set("k", ("a"):rep(1000)))
    end
    check_memory(d)
  end)
end)

describe("the blocks that a killed process leaves", function()
  -- The blocks that a writer frees of them in each call, and those of a dictionary.
  local PART <const>, BLOCKS <const> = 4096, 16384

  -- How often the hook is reached while so many blocks are freed: each time that a bit is cleared, at least
  -- once for each block. Bits of higher levels are few.
  local function passings_of(blocks)
    return blocks + blocks // 60 + 3
  end

  local states = { { a = ("a"):rep(700), b = ("b"):rep(300) } }
  local calls = {
    "d:set('a', 1)", "d:delete('b')", "d:set('c', ('c'):rep(5000))", "d:set('c', ('c'):rep(900))",
  }
  for i, now in ipairs { { a = 1, b = states[1].b }, { a = 1 }, { a = 1, c = ("c"):rep(5000) },
                         { a = 1, c = ("c"):rep(900) } } do
    states[i + 1] = now
  end

  local function kill(child)
    child:kill()
    child:wait(support.deadline)
    child:close()
  end

  local function user_of(name)
    local child = steps.child()
    child:ask("d = require('filemap.dict').open(%q)", name)
    return child
  end

  -- A process takes so many blocks for a value and is killed.
  local function leave(name, blocks)
    local child = user_of(name)
    child:stop_at("bytes", 2)
    assert.is_true(child:stops("d:set('killed', ('x'):rep(%d))", #value_of(blocks)))
    kill(child)
  end

  -- A dictionary of two keys, in which a process was killed after it had taken so many blocks.
  local function open(blocks)
    local name = support.unique("Local\\")
    local d = assert(dict.create_or_open(name, { capacity = BLOCKS * 128 }))
    for key, value in pairs(states[1]) do assert(d:set(key, value)) end
    leave(name, blocks)
    return d, name
  end

  it("are freed in parts by the next calls that write", function()
    local d <close>, name = open(3 * PART + 10)
    local used = d:info().used
    local child <close> = user_of(name)
    for _, call in ipairs { "d:delete('none')", "d:set('one', 1)" } do
      child:stop_at("freed", passings_of(PART))
      assert.is_false(child:stops(call))
    end
    for _ = 1, 2 do
      child:stop_at("freed", 1)
      assert.is_true(child:stops("d:delete('none')"))
      child:go_on()
    end
    child:stop_at("freed", 1)
    assert.is_false(child:stops("d:delete('none')"))
    assert.equal(used + 128, d:info().used)
    check_memory(d)
  end)

  it("are freed at once if a value needs them, and no more of them", function()
    local d <close>, name = open(3 * PART)
    assert(d:delete("a"))
    local free = BLOCKS - d:info().used // 128
    local child <close> = user_of(name)
    child:stop_at("freed", passings_of(2 * PART)) -- half of them are of the part that each call frees
    local half = value_of(free - PART - 200)
    assert.is_false(child:stops("assert(d:set('long', ('x'):rep(%d)))", #half))
    assert.equal(#half, #d:get("long"))
    check.fails("full", name, d:set("long", value_of(free)))
    assert(d:delete("long"))
    assert(d:set("long", value_of(free)))
    check_memory(d)
  end)

  it("are all freed if several processes are killed before that", function()
    local d <close>, name = open(3 * PART)
    for n = 1, 10 do
      leave(name, BLOCKS - 3000 - 100 * n) -- which needs blocks of the process before
      assert(d:set("a", ("a"):rep(n * 300)))
    end
    assert.same({ a = ("a"):rep(3000), b = states[1].b }, contents(d))
    check_memory(d)
  end)

  it("are all freed if the next processes are killed at a test hook, and each key is old or new", function()
    local killed = {}
    for _, hook in ipairs(hooks) do
      local passings = { 1, 2, 3 }
      if hook == "write" then for n = 4, 15 do passings[n] = n end end
      if hook == "freed" then passings = { 1, 2, PART, PART + 1, PART + 70, PART + 80, 2 * PART } end
      for _, n in ipairs(passings) do
        local d <close>, name = open(3 * PART)
        local child = user_of(name)
        child:stop_at(hook, n)
        local stopped = child:stops(table.concat(calls, " "))
        kill(child)
        if not stopped then break end
        killed[hook] = true
        local context = ("%s, passing %d"):format(hook, n)
        assert.is_true(is_known(contents(d), states), context)
        leave(name, PART)
        delay(d)
        d:delete("other")
        assert.is_true(is_known(contents(d), states), context)
        check_memory(d)
      end
    end
    for _, hook in ipairs { "take", "taken", "journal", "write", "written", "freed" } do
      assert.is_true(killed[hook], hook)
    end
  end)
end)

describe("a process that is killed while it clears", function()
  it("leaves all keys or none", function()
    local whole, killed = {}, 0
    for i = 1, 9 do whole["k" .. i] = i end
    for _, hook in ipairs(hooks) do
      for n = 1, 5 do
        local name = support.unique("Local\\")
        local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY }))
        for key, value in pairs(whole) do d:set(key, value) end
        local child = steps.child()
        child:ask("d = require('filemap.dict').open(%q)", name)
        child:stop_at(hook, n)
        local stopped = child:stops("d:clear()")
        child:kill()
        child:wait(support.deadline)
        child:close()
        if not stopped then break end
        killed = killed + 1
        local found = contents(d)
        if next(found) then assert.same(whole, found, hook) end
        d:delete("none") -- carries out the dead process's journal
        found = contents(d)
        if next(found) then assert.same(whole, found, hook) end
        check_memory(d)
      end
    end
    assert.is_true(killed >= 8)
  end)
end)

describe("the counts of a dictionary whose writer was killed", function()
  -- The journal has at most so many words, and a call has four journals at most.
  local WRITES <const> = 160

  -- A dictionary with one key, and seven that have expired, no two at the same time: the number of the
  -- journal's words depends on their order.
  local function open()
    local name = support.unique("Local\\")
    local d = assert(dict.create_or_open(name, { capacity = CAPACITY }))
    d:set("k", 1)
    for i = 1, 7 do d:set("e" .. i, ("e"):rep(i * 100), { ttl = i / 1000 }) end
    d:wait("e7", select(2, d:get("e7")), support.deadline)
    return d, name
  end

  local function counts(d)
    local info = assert(d:info())
    return info.count .. " " .. info.used
  end

  -- Each call, with the counts that come after those of before.
  for call, after in pairs {
    ["d:set('m', ('x'):rep(1000))"] = "2 1408", ["d:set('e3', 1)"] = "2 256", ["d:delete('e3')"] = "1 128",
    ["d:set('m', 1, { ttl = 1000 })"] = "2 256", ["d:incr('e1', 1, 1)"] = "2 256", ["d:clear()"] = "0 0",
    ["d:set('k', 2, { ttl = 1000 })"] = "1 128",
  } do
    it("are those before the call or after it, also if keys have expired: " .. call, function()
      local killed, changed = 0, false
      for n = 1, WRITES do
        local d <close>, name = open()
        local child = steps.child()
        child:ask("d = dict.open(%q)", name)
        child:stop_at("write", n)
        local stopped = child:stops(call)
        local found = counts(d)
        changed = changed or found == after
        assert.equal(changed and after or "1 128", found)
        child:kill()
        child:wait(support.deadline)
        child:close()
        assert.equal(found, counts(d))
        d:delete("none") -- carries out the journal
        assert.equal(found, counts(d))
        if not stopped then break end
        killed = killed + 1
      end
      assert.is_true(changed and killed > 0, killed)
    end)
  end
end)

describe("the work of one call while it holds the lock", function()
  -- A child, and a dictionary that it has filled with `count` keys, of which every second one expires at
  -- once.
  local function filled(count)
    local name = support.unique("Local\\")
    local d = assert(dict.create_or_open(name, { capacity = count * 128 }))
    local child = steps.child()
    child:ask("d = require('filemap.dict').open(%q)", name)
    child:ask("for i = 1, %d do d:set('key' .. i, i, { ttl = i %% 2 == 0 and 0.001 or 1000 }) end", count)
    child:ask("return d:wait('key%d', %d, %d)", count, count, support.deadline)
    return child, d
  end

  for _, count in ipairs { 20, 4000 } do
    it(("is a few steps to clear a dictionary, or to set in a full one: %d keys"):format(count), function()
      local child, d <close> = filled(count)
      for i = 1, 10 do
        child:stop_at("link", 40)
        assert.is_false(child:stops("assert(d:add('another%d', 1))", i))
      end
      child:stop_at("write", 4)
      assert.is_false(child:stops("assert(d:clear())"))
      assert.same({}, contents(d))
      child:stop_at("link", 40)
      assert.is_false(child:stops("assert(d:add('another', 1))"))
      child:stop_at("write", 1) -- which is reached, so that the hooks are counted
      assert.is_true(child:stops("assert(d:clear())"))
      child:kill()
      child:wait(support.deadline)
      child:close()
    end)
  end
end)

describe("a process that is killed at random", function()
  it("leaves each key with its old or its new value, and loses no memory", function()
    local name, longest = support.unique("Local\\"), 0
    local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY }))
    for round = 1, CRASHES do
      local child = support.child("evaluator")
      child:ask("d = require('filemap.dict').open(%q)", name)
      child:start([[
        io.stdout:write('going\n') io.stdout:flush()
        local n = 0
        while true do
          n = n + 1
          local key = 'k' .. n %% 7
          d:set(key, key:rep(1 + n * 61 %% 400))
          if n %% 3 == 0 then d:delete('k' .. (n + 3) %% 7) end
        end]])
      child:expect("^going$")
      for _ = 1, math.random(200) do
        local key = "k" .. math.random(0, 6)
        local value = d:get(key)
        assert.is_true(value == nil or value == key:rep(#value // #key))
      end
      child:kill()
      child:wait(support.deadline)
      longest = math.max(longest, delay(d))
      d:delete("other")
      for key, value in d:pairs() do assert.equal(value, key:rep(#value // #key), "round " .. round) end
      child:close()
    end
    check_memory(d)
    if PRINTS then print(("%d kills: the longest delay was %.1f ms"):format(CRASHES, longest * 1e3)) end
  end)
end)

describe("a writer that waits for the lock", function()
  -- Where a dictionary's memory counts its changes.
  local CHANGES <const> = 364

  it("waits on while other writers make changes, and fails after 1 second without one", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY }))
    local view <close> = assert(assert(filemap.open(name, "rw")):view())
    local before = view:get_u32(CHANGES)
    d:set("k", 1)
    assert.equal(before + 1, view:get_u32(CHANGES))
    local holder, other = steps.child(), support.child("evaluator")
    for _, child in ipairs { holder, other } do child:ask("d = require('filemap.dict').open(%q)", name) end
    holder:stop_at("unlocking", 1)
    assert.is_true(holder:stops("d:set('k', 2)"))
    local start = filemap.now()
    other:start("return (select(3, d:set('k', 3)))")
    -- The other writers' changes, though none is made: the holder is stopped.
    while filemap.now() < start + 1.5 do
      view:add_u32(CHANGES, 1)
      filemap.sleep(0.05)
    end
    assert.equal("in_use", other:expect())
    assert.is_true(filemap.now() >= start + 2.4)
    holder:go_on()
    assert.is_true(d:set("k", 4))
  end)
end)

support.only("posix", "Windows has no fork", function()
  describe("a forked child", function()
    it("reads and writes the dictionary of its parent", function()
      local d <close> = assert(dict.create_or_open(support.unique("Local\\"), { capacity = CAPACITY }))
      d:set("k", "parent")
      local code = process.forked(function()
        local ok = d:get("k") == "parent" and d:set("k", "child") and d:incr("n", 1, 0) == 1
        return ok and 0 or 1
      end)
      assert.equal(0, code)
      assert.equal("child", (d:get("k")))
      assert.equal(2, d:incr("n"))
    end)

    it("has a lock of its own, which its parent's death does not release", function()
      local name = support.unique("Local\\")
      local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY }))
      local child = steps.child()
      child:ask("d = require('filemap.dict').open(%q) d:set('k', 'parent')", name)
      child:stop_at("locked", 1)
      assert.is_true(child:stops("require('process').forked(function() d:set('k', 'child') end)"))
      check.fails("in_use", name, d:set("k", "other"))
      child:kill()
      child:wait(support.deadline)
      check.fails("in_use", name, d:set("k", "other"))
      assert.equal("parent", (d:get("k")))
      child:close() -- ends the forked child, which waits for a line
      assert.is_true(d:set("k", "other") or d:set("k", "other"))
    end)
  end)
end)
