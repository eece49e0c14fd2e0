-- Recorded histories of several processes that use the same few keys of a dictionary: for each key there must
-- be an order of the calls, each between its start and its end, that explains all results.
--
-- Environment: FILEMAP_HISTORIES is the number of histories (default 2), FILEMAP_SEED the seed.
local dict = require "filemap.dict"
local linearizable = require "spec.support.linearizable"
local support = require "spec.support"
local sync = require "filemap.sync"

local HISTORIES <const> = tonumber(os.getenv("FILEMAP_HISTORIES")) or 2
local SEED <const> = tonumber(os.getenv("FILEMAP_SEED")) or os.time()
local PROCESSES <const>, CALLS <const>, KEYS <const> = 4, 1500, 3

support.clean()

-- Makes random calls and records them. It writes a line for each: key, call, argument, result, start, end,
-- ttl. compare_set is recorded as a get (of the value that it found) or as what it did: it sets the sum. A
-- clear is recorded for each key. `rests` says after how many calls the process sleeps, so that keys expire.
local RECORDER <const> = [[
  math.randomseed(%d)
  local id, calls, keys, kind, rests = %d, %d, %d, %q, %d
  local out, n, random = {}, 0, math.random
  local function unique() n = n + 1 return (id * 1000000 + n) * 1000 end
  local function write(key, call, argument, result, from, ttl)
    local line = '%%s %%s %%d %%s %%.9f %%.9f %%s'
    out[#out + 1] = line:format(key, call, argument, tostring(result), from, now(), ttl)
  end
  local function record(key, call, argument, ttl, f)
    local from = now()
    local result = f()
    write(key, call, argument, result, from, ttl)
  end
  local function compare_set(key)
    local value, version = d:get(key)
    local from = now()
    local done, found = d:compare_set(key, version, (value or 0) + 7)
    local call, argument, result = 'get', 0, found
    if done then call, argument, result = 'compare_set', 7, (value or 0) + 7 end
    write(key, call, argument, result, from, 'none')
  end
  local function add(key, value)
    record(key, 'add', value, 'none', function() local ok, _, code = d:add(key, value) return ok or code end)
  end
  local function set(key, value)
    record(key, 'set', value, 'none', function() return d:set(key, value) end)
  end
  local function set_for(key, value, ttl)
    record(key, 'set', value, ttl, function() return d:set(key, value, { ttl = ttl }) end)
  end
  local function clear()
    local from = now()
    d:clear()
    for i = 1, keys do write('k' .. i, 'clear', 0, true, from, 'none') end
  end
  start:wait()
  for i = 1, calls do
    local key, what = 'k' .. random(keys), random(10)
    if what <= 4 then record(key, 'get', 0, 'none', function() return (d:get(key)) end)
    elseif what == 5 and kind == 'expires' then set_for(key, unique(), 0.001 * random(3))
    elseif what <= 6 then set(key, unique())
    elseif what == 7 then record(key, 'delete', 0, 'none', function() return d:delete(key) end)
    elseif what == 8 then add(key, unique())
    elseif what == 9 then record(key, 'incr', 1, 'none', function() return d:incr(key, 1, 0) end)
    else compare_set(key) end
    if kind == 'clears' and i %% 50 == 0 then clear() end
    if i %% rests == 0 then filemap.sleep(0.001) end
  end
  io.stdout:write(table.concat(out, '\n'), '\n')
  return 'done']]

local function parse(word)
  if word == "nil" then return nil end
  if word == "true" or word == "false" then return word == "true" end
  return math.tointeger(tonumber(word)) or word
end

-- The histories of the keys of one run.
local function record(kind, seed)
  local name, children, histories = support.unique("Local\\"), {}, {}
  local options = { capacity = kind == "evicts" and 4000 or 40000, evict = kind == "evicts" }
  local d <close> = assert(dict.create_or_open(name, options))
  local start <close> = assert(sync.event(name .. "-start", { manual = true }))
  for i = 1, PROCESSES do
    children[i] = support.child("evaluator")
    children[i]:ask("d = dict.open(%q) start = sync.event(%q)", name, name .. "-start")
    -- Keys expire or are evicted only if no process changes them for a while, so there must be many.
    local keys = (kind == "expires" or kind == "evicts") and 50 * KEYS or KEYS
    children[i]:start(RECORDER, seed + i, i, CALLS, keys, kind, kind == "expires" and 5 or CALLS)
  end
  start:set()
  assert(d)
  for _, child in ipairs(children) do
    local line = child:expect()
    while line ~= "done" do
      local key, call, argument, result, from, to, ttl =
        line:match("^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$")
      histories[key] = histories[key] or {}
      table.insert(histories[key], { call = call, argument = math.tointeger(tonumber(argument)),
        result = parse(result), from = tonumber(from), to = tonumber(to), ttl = tonumber(ttl) })
      line = child:expect()
    end
    child:finish()
  end
  return histories
end

local function op(from, to, call, argument, result, ttl)
  return { from = from, to = to, call = call, argument = argument, result = result, ttl = ttl }
end

describe("the check of histories", function()
  it("accepts calls that overlap in any order that explains them", function()
    assert.is_true(linearizable.check { op(1, 4, "set", 7, true), op(2, 3, "get", 0, nil),
      op(3.5, 6, "get", 0, 7) })
    assert.is_true(linearizable.check { op(1, 4, "incr", 1, 2), op(2, 3, "incr", 1, 1),
      op(5, 6, "get", 0, 2) })
  end)

  it("accepts a state whose numbers are those of another one", function()
    -- after 6 calls the value is 16, after 15 it is 7: the seventh and the sixteenth are next
    local history = {}
    for i = 1, 6 do history[i] = op(i, i + 0.5, "incr", i == 1 and 11 or 1, 10 + i) end
    history[7] = op(7, 7.5, "set", 7, true)
    for i = 8, 16 do history[i] = op(i, i + 0.5, "get", 0, 7) end
    assert.is_true(linearizable.check(history))
  end)

  it("accepts that a value is absent after its ttl, but not before, and not again afterwards", function()
    local set, incr = op(1, 2, "set", 7, true, 5), op(3, 4, "incr", 1, 8)
    assert.is_true(linearizable.check { set, incr, op(6, 7, "get", 0, nil), op(8, 9, "get", 0, nil) })
    assert.is_true(linearizable.check { set, incr, op(8, 9, "get", 0, 8) })
    assert.is_false((linearizable.check { set, incr, op(4.5, 5.5, "get", 0, nil) }))
    assert.is_false((linearizable.check { set, op(6, 7, "get", 0, nil), op(8, 9, "get", 0, 7) }))
    assert.is_false((linearizable.check { set, op(3, 4, "set", 8, true), op(8, 9, "get", 0, nil) }))
    assert.is_false((linearizable.check { set, op(3, 4, "compare_set", 7, 14), op(8, 9, "get", 0, nil) }))
  end)

  it("accepts that an evicted value is absent, but not that it comes back", function()
    local set, absent = op(1, 2, "set", 7, true), op(3, 4, "get", 0, nil)
    assert.is_true(linearizable.check({ set, absent }, true))
    assert.is_false((linearizable.check({ set, absent }, false)))
    assert.is_false((linearizable.check({ set, absent, op(5, 6, "get", 0, 7) }, true)))
  end)

  it("rejects a value that was no longer, or not yet, current", function()
    assert.is_false((linearizable.check { op(1, 2, "set", 7, true), op(3, 4, "get", 0, nil) }))
    assert.is_false((linearizable.check { op(1, 2, "set", 7, true), op(3, 4, "set", 8, true),
      op(5, 6, "get", 0, 7) }))
    assert.is_false((linearizable.check { op(1, 2, "get", 0, 7), op(3, 4, "set", 7, true) }))
    assert.is_false((linearizable.check { op(1, 9, "set", 7, true), op(2, 3, "get", 0, 7),
      op(4, 5, "get", 0, nil) }))
    assert.is_false((linearizable.check { op(1, 4, "incr", 1, 1), op(2, 3, "incr", 1, 1) }))
  end)
end)

-- Is there a key whose calls could not be explained if no value expired, and none were evicted?
local function vanishes(histories)
  for _, history in pairs(histories) do
    local plain = {}
    for i, call in ipairs(history) do plain[i] = setmetatable({ ttl = false }, { __index = call }) end
    if not linearizable.check(plain) then return true end
  end
  return false
end

describe("a dictionary that 4 processes use", function()
  for kind, what in pairs { plain = "", expires = ", while keys expire", evicts = ", while keys are evicted",
                            clears = ", while it is cleared" } do
    it("gives results that an order of the calls explains" .. what, function()
      for i = 1, HISTORIES do
        local seed = SEED + 100 * i
        local calls, histories = 0, record(kind, seed)
        for key, history in pairs(histories) do
          local holds, explained = linearizable.check(history, kind == "evicts")
          assert.is_true(holds, ("FILEMAP_SEED=%d, %s: only %s of %d calls are explained")
            :format(seed - 100, key, explained, #history))
          for _, call in ipairs(history) do
            if call.call ~= "clear" then calls = calls + 1 end
          end
        end
        assert.equal(PROCESSES * CALLS, calls)
        assert.equal(kind == "expires" or kind == "evicts", vanishes(histories))
      end
    end)
  end
end)
