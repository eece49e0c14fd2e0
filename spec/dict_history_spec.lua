-- Recorded histories of several processes that use the same few keys of a dictionary: for each key there must
-- be an order of the calls, each between its start and its end, that explains all results.
--
-- Environment: FILEMAP_HISTORIES is the number of histories (default 2), FILEMAP_SEED the seed.
local dict = require "filemap.dict"
local linearizable = require "spec.support.linearizable"
local support = require "spec.support"

local HISTORIES <const> = tonumber(os.getenv("FILEMAP_HISTORIES")) or 2
local SEED <const> = tonumber(os.getenv("FILEMAP_SEED")) or os.time()
local PROCESSES <const>, CALLS <const>, KEYS <const> = 4, 1500, 3

support.clean()

-- Makes random calls and records them. It writes a line for each: key, call, argument, result, start, end.
-- compare_set is recorded as a get (of the value that it found) or as what it did: it sets the sum, as incr
-- does.
local RECORDER <const> = [[
  math.randomseed(%d)
  local now, out, id, n = require('filemap.core').now, {}, %d, 0
  local random = math.random
  while d:get('start') == nil do end
  for i = 1, %d do
    local key, what, argument, result = 'k' .. random(%d), random(10), 0, nil
    local from, call, to
    if what <= 4 then
      call, from = 'get', now()
      result = d:get(key)
      to = now()
    elseif what <= 6 then
      n = n + 1
      argument = (id * 1000000 + n) * 1000
      call, from = 'set', now()
      result = d:set(key, argument)
      to = now()
    elseif what == 7 then
      call, from = 'delete', now()
      result = d:delete(key)
      to = now()
    elseif what == 8 then
      n = n + 1
      argument = (id * 1000000 + n) * 1000
      call, from = 'add', now()
      local ok, _, code = d:add(key, argument)
      result = ok or code
      to = now()
    elseif what == 9 then
      call, argument, from = 'incr', 1, now()
      result = d:incr(key, 1, 0)
      to = now()
    else
      local value, version = d:get(key)
      from = now()
      local done, found = d:compare_set(key, version, (value or 0) + 7)
      to = now()
      if done then call, argument, result = 'incr', 7, (value or 0) + 7
      else call, result = 'get', found end
    end
    out[i] = ('%%s %%s %%d %%s %%.9f %%.9f'):format(key, call, argument, tostring(result), from, to)
  end
  io.stdout:write(table.concat(out, '\n'), '\n')
  return 'done']]

local function parse(word)
  if word == "nil" then return nil end
  if word == "true" or word == "false" then return word == "true" end
  return math.tointeger(tonumber(word)) or word
end

-- The histories of the keys of one run.
local function record(seed)
  local name, children, histories = support.unique("Local\\"), {}, {}
  local d <close> = assert(dict.create_or_open(name, { capacity = 4000 }))
  for i = 1, PROCESSES do
    children[i] = support.child("evaluator")
    children[i]:ask("d = require('filemap.dict').open(%q)", name)
    children[i]:start(RECORDER, seed + i, i, CALLS, KEYS)
  end
  d:set("start", true)
  for _, child in ipairs(children) do
    local line = child:expect()
    while line ~= "done" do
      local key, call, argument, result, from, to = line:match("^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$")
      histories[key] = histories[key] or {}
      table.insert(histories[key], { call = call, argument = math.tointeger(tonumber(argument)),
        result = parse(result),
        from = tonumber(from), to = tonumber(to) })
      line = child:expect()
    end
    child:finish()
  end
  return histories
end

local function op(from, to, call, argument, result)
  return { from = from, to = to, call = call, argument = argument, result = result }
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

describe("a dictionary that 4 processes use", function()
  it("gives results that an order of the calls explains", function()
    for i = 1, HISTORIES do
      local seed = SEED + 100 * i
      local calls = 0
      for key, history in pairs(record(seed)) do
        local holds, explained = linearizable.check(history)
        assert.is_true(holds, ("FILEMAP_SEED=%d, %s: only %s of %d calls are explained")
          :format(seed - 100, key, explained, #history))
        calls = calls + #history
      end
      assert.equal(PROCESSES * CALLS, calls)
    end
  end)
end)
