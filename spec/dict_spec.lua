-- filemap.dict: keys and values that several processes read and write.
local check = require "spec.support.check"
local dict = require "filemap.dict"
local filemap = require "filemap"
local steps = require "spec.support.steps"
local support = require "spec.support"

local raises, contains, fails = check.raises, check.contains, check.fails

support.clean()

-- All keys and values, as a table.
local function contents(d)
  local found = {}
  for key, value in d:pairs() do
    assert.is_nil(found[key], key)
    found[key] = value
  end
  return found
end

describe("a dictionary", function()
  local name, d, other

  before_each(function()
    local created
    name = support.unique("Local\\")
    d, created = assert(dict.create_or_open(name, { capacity = 12800 }))
    assert.is_true(created)
    other = assert(dict.open(name))
  end)

  after_each(function()
    d:close()
    other:close()
  end)

  it("returns nil and version 0 for an absent key", function()
    assert.same({ n = 2, [2] = 0 }, table.pack(d:get("absent")))
  end)

  it("keeps bytes and types of values", function()
    local values = { "", "text\0\255", ("x"):rep(3000), 0, -1, math.mininteger, 1.0, 0.1, -0.0, math.huge,
      true,
      false }
    for i, value in ipairs(values) do
      assert.is_true(d:set("key" .. i, value))
      local got, version = other:get("key" .. i)
      assert.equal(value, got)
      assert.equal(math.type(value), math.type(got))
      assert.equal(i, version)
    end
    local nan = 0 / 0
    d:set("nan", nan)
    assert.is_true(other:get("nan") ~= other:get("nan"))
  end)

  it("has keys of 1 to 255 bytes, any bytes", function()
    for length = 1, 255, 2 do
      local key = ("\0"):rep(length - 1) .. "k"
      assert.is_true(d:set(key, length))
      assert.equal(length, (other:get(key)))
      if length > 100 then assert.is_true(d:delete(key)) end
    end
    for _, key in ipairs { "", ("k"):rep(256) } do
      for _, method in ipairs { "get", "delete", "incr" } do fails("invalid", name, d[method](d, key)) end
      fails("invalid", name, d:set(key, 1))
      fails("invalid", name, d:compare_set(key, 0, 1))
      fails("invalid", name, d:wait(key, 0, 0))
    end
  end)

  it("has keys that a multiplicative hash does not tell apart", function()
    -- In a product with an odd number the highest bit changes only the highest bit of the result, whatever
    -- the other factor is.
    local count, top, both = 2048, 1 << 63, 1 << 63 | 1 << 31
    local large <close> = assert(dict.create_or_open(name .. "large", { capacity = count * 256 }))
    local function key_of(i)
      local words = {}
      for bit = 0, 10 do
        local is_set = i >> bit & 1 == 1
        words[bit + 1] = string.pack("=i8i8", is_set and top or 0, is_set and both or 0)
      end
      return table.concat(words)
    end
    for i = 1, count do assert.is_true(large:set(key_of(i - 1), i)) end
    for i = 1, count do assert.equal(i, (large:get(key_of(i - 1)))) end
  end)

  it("gives each value a version of its own, also after delete and clear", function()
    local seen = {}
    local function see()
      local _, version = d:get("k")
      assert.is_nil(seen[version])
      seen[version] = true
    end
    for round = 1, 5 do
      d:set("k", round)
      see()
      d:set("k", round)
      see()
      if round % 2 == 0 then d:delete("k") else d:clear() end
      assert.same({ n = 2, [2] = 0 }, table.pack(d:get("k")))
    end
  end)

  it("adds only absent keys, and replaces only keys that are there", function()
    fails("not_found", name, d:replace("k", 1))
    assert.is_true(d:add("k", 1))
    fails("exists", name, d:add("k", 2))
    assert.equal(1, (d:get("k")))
    assert.is_true(d:replace("k", 3))
    assert.equal(3, (d:get("k")))
  end)

  it("deletes a key, and tells whether it was there", function()
    d:set("k", 1)
    assert.is_true(d:delete("k"))
    assert.is_false(d:delete("k"))
    assert.equal(0, d:info().count)
  end)

  it("increments numbers in one step", function()
    fails("not_found", name, d:incr("n"))
    assert.equal(11, d:incr("n", 1, 10))
    assert.equal(12, d:incr("n"))
    assert.equal(10, d:incr("n", -2))
    assert.equal("integer", math.type(d:get("n")))
    assert.equal(10.5, d:incr("n", 0.5))
    assert.equal(11.5, d:incr("n"))
    d:set("n", math.maxinteger)
    assert.equal(math.mininteger, d:incr("n"))
    assert.equal(2.5, d:incr("f", 0.5, 2))
    d:set("s", "1")
    contains("not a number", raises(d, "incr", "s"))
    assert.equal("1", (d:get("s")))
    raises(d, "incr", "n", "1")
  end)

  it("compares versions before it sets", function()
    assert.is_true(d:compare_set("k", 0, "a"))
    local _, version = d:get("k")
    assert.same({ false, "a", version }, { d:compare_set("k", 0, "b") })
    assert.same({ false, "a", version }, { d:compare_set("k", version + 1, "b") })
    assert.is_true(d:compare_set("k", version, "b"))
    d:delete("k")
    assert.same({ n = 3, false, nil, 0 }, table.pack(d:compare_set("k", version, "c")))
    assert.is_true(d:compare_set("k", 0, "c"))
  end)

  it("iterates over each key once", function()
    local expected = {}
    for i = 1, 60 do
      expected["key" .. i] = i
      d:set("key" .. i, i)
    end
    assert.same(expected, contents(other))
    for key in d:pairs() do d:delete(key) end
    assert.same({}, contents(other))
  end)

  it("iterates over each key that is left after others with the same hash are deleted", function()
    local small <close> = assert(dict.create_or_open(support.unique("Local\\"), { capacity = 128 * 40 }))
    local expected = {}
    for i = 1, 36 do
      expected["key" .. i] = i
      assert(small:set("key" .. i, i))
    end
    for i = 1, 36 do
      assert.is_true(small:delete("key" .. i))
      expected["key" .. i] = nil
      assert.same(expected, contents(small))
    end
  end)

  support.only("posix", "Windows does not count a process's shared pages apart", function()
    it("does not read all memory to iterate over few keys", function()
      local own_name = support.unique("Local\\")
      local large <close> = assert(dict.create_or_open(own_name, { capacity = 64 << 20 }))
      for i = 1, 1000 do large:set("gone" .. i, i) end
      for i = 1, 1000 do large:delete("gone" .. i) end
      large:set("stays", 1)
      local child <close> = support.child("evaluator")
      child:ask("d = require('filemap.dict').open(%q)", own_name)
      local function shared_pages()
        local file <close> = assert(io.open(("/proc/%d/status"):format(child:pid())))
        return tonumber(file:read("a"):match("RssShmem:%s+(%d+)"))
      end
      local before = shared_pages()
      assert.equal("stays 1", child:ask("for k, v in d:pairs() do found = k .. ' ' .. v end return found"))
      -- In KiB: the kernel maps up to 16 pages around one that is read.
      assert.is_true(shared_pages() - before < 1024, shared_pages() - before)
    end)
  end)

  it("sees each key that stays exactly once, whatever is set and deleted meanwhile", function()
    for i = 1, 40 do d:set("stays" .. i, i) end
    for round = 1, 20 do
      local seen, n = {}, 0
      for key in other:pairs() do
        if key:find("stays") then
          assert.is_nil(seen[key])
          seen[key], n = true, n + 1
        end
        d:set("stays" .. math.random(40), math.random())
        d:set("comes" .. math.random(9), round)
        d:delete("comes" .. math.random(9))
      end
      assert.equal(40, n)
    end
  end)

  it("ends no ttl before its time", function()
    local now = filemap.now
    for _ = 1, 50 do
      local from = now()
      d:set("k", 1, { ttl = 0.003 })
      repeat local set = d:get("k") until not set
      assert.is_true(now() - from >= 0.003)
    end
  end)

  it("ends a ttl after its time, and by a plain set", function()
    d:set("k", 1, { ttl = 0.3 })
    d:set("plain", 1, { ttl = 0.3 })
    d:set("plain", 2)
    d:set("counter", 1, { ttl = 0.3 })
    assert.equal(2, d:incr("counter"))
    assert.equal(1, (other:get("k")))
    assert.same({ n = 2, [2] = 0 }, table.pack(other:wait("k", 1, support.deadline)))
    assert.same({ n = 2, [2] = 0 }, table.pack(other:wait("counter", 5, support.deadline)))
    assert.same({ n = 2, [2] = 0 }, table.pack(d:get("counter")))
    assert.same({ plain = 2 }, contents(other))
    assert.equal(1, d:info().count)
    assert.is_true(d:add("k", 3))
    assert.is_false(d:delete("counter"))
    for _, ttl in ipairs { 0, -1, 0 / 0, "x", true } do raises(d, "set", "k", 1, { ttl = ttl }) end
    raises(d, "set", "k", 1, { tll = 1 })
  end)

  it("waits no longer than until the key expires", function()
    local child = steps.child()
    child:ask("d = dict.open(%q) require('process').setenv('FILEMAP_SLEEPS', 'told')", name)
    local seconds
    repeat -- the key may expire before the child sleeps
      child:start([[
        d:set('k', 1, { ttl = 0.01 })
        local _, version = d:get('k')
        return version == 0 or d:wait('k', version) ]])
      seconds = tonumber(child:expect():match("^SLEEPS (%S+)$"))
    until seconds
    assert.is_true(seconds < 0.04, seconds) -- other waits sleep for 0.05 s
    child:kill()
  end)

  it("counts its keys without the lock, and without those that have expired", function()
    for i = 1, 9 do d:set("key" .. i, i, i > 2 and { ttl = 0.001 } or nil) end
    d:wait("key9", select(2, d:get("key9")), support.deadline)
    local child = steps.child()
    child:ask("d = dict.open(%q)", name)
    child:stop_at("locked", 1)
    assert.is_true(child:stops("d:set('key10', 10)"))
    assert.same({ count = 2, used = 256, capacity = 12800 }, d:info())
    child:go_on()
    assert.same({ count = 3, used = 384, capacity = 12800 }, d:info())
    child:finish()
  end)

  it("removes keys that have expired while others are set, so that there are soon few to count", function()
    for i = 1, 40 do d:set("key" .. i, i, { ttl = 0.001 }) end
    d:wait("key40", select(2, d:get("key40")), support.deadline)
    for _ = 1, 20 do d:set("k", 1) end
    local child = steps.child()
    child:ask("d = dict.open(%q)", name)
    child:stop_at("number", 30)
    assert.is_false(child:stops("return d:info().count"))
    child:finish()
  end)

  -- The lowest bit of this word is set while a process waits for a change. Each wake clears it.
  local CHANGED <const> = 128
  for call, change in pairs {
    set = function() d:set("k", 1) end,
    add = function() d:add("new", 1) end,
    replace = function() d:replace("old", 1) end,
    delete = function() d:delete("old") end,
    incr = function() d:incr("old") end,
    compare_set = function() d:compare_set("new", 0, 1) end,
    clear = function() d:clear() end,
  } do
    it("wakes the processes that wait for a change: " .. call, function()
      d:set("old", 0)
      local map <close> = assert(filemap.open(name, "rw"))
      local words <close> = assert(map:view(0, 4096))
      words:or_u32(CHANGED, 1)
      local before = words:load_u32(CHANGED)
      change()
      assert.equal(before + 1, words:load_u32(CHANGED))
    end)
  end

  it("waits for another version", function()
    fails("timeout", name, other:wait("k", 0, 0))
    d:set("k", "a")
    assert.same({ "a", 1 }, { other:wait("k", 0, 0) })
    fails("timeout", name, other:wait("k", 1, 0.01))
    assert.same({ "a", 1 }, { other:wait("k", 7, 0) })
    d:delete("k")
    assert.same({ n = 2, [2] = 0 }, table.pack(other:wait("k", 1, 0)))
  end)

  it("is full at its capacity, and stores as much again after each way of making room", function()
    local function fill()
      local n = 0
      while true do
        local ok, _, code = d:set("key" .. n, ("v"):rep(200))
        if not ok then
          assert.equal("full", code)
          return n
        end
        n = n + 1
      end
    end
    local n = fill()
    assert.is_true(n > 30)
    local info = d:info()
    assert.equal(n, info.count)
    assert.equal(12800, info.capacity)
    assert.is_true(info.used <= info.capacity and info.used > info.capacity - 300)
    fails("full", name, d:set("another", ("v"):rep(2000)))
    assert.same({ n = 2, [2] = 0 }, table.pack(d:get("another")))
    assert.same(("v"):rep(200), (d:get("key0")))
    d:clear()
    assert.same({ count = 0, used = 0, capacity = 12800 }, d:info())
    assert.equal(n, fill())
    for i = 0, n - 1 do assert.is_true(d:delete("key" .. i)) end
    assert.equal(n, fill())
    for i = 0, n - 1 do d:delete("key" .. i) end
    assert.is_true(d:set("large", ("v"):rep(11000)))
    fails("too_large", name, d:set("large", ("v"):rep(13000)))
    d:delete("large")
    for i = 1, n do d:set("short" .. i, ("v"):rep(200), { ttl = 0.001 }) end
    other:wait("short" .. n, select(2, d:get("short" .. n)), support.deadline)
    assert.equal(n, fill())
  end)

  it("stores one long value where many keys were cleared or have expired", function()
    for round = 1, 6 do
      for i = 1, 100 do assert.is_true(d:set("key" .. i, i, round % 2 == 0 and { ttl = 0.001 } or nil)) end
      if round % 2 == 0 then
        local _, version = d:get("key100")
        d:wait("key100", version, support.deadline)
      else
        d:clear()
      end
      assert.same({ count = 0, used = 0, capacity = 12800 }, d:info())
      assert.is_true(d:set("large", ("v"):rep(11000)))
      assert.same({ large = ("v"):rep(11000) }, contents(other))
      d:delete("large")
    end
  end)

  it("finds the keys that have expired, in whatever order their times come", function()
    for _ = 1, 20 do
      for i = 1, 99 do -- one block is left for the new value of a key that is there
        assert.is_true(d:set("key" .. i, i, math.random(3) > 1 and { ttl = math.random(1, 1000) } or nil))
      end
      for i = 1, 99 do
        if math.random(2) == 1 then assert.is_true(d:set("key" .. math.random(99), 1, { ttl = 1000 / i })) end
      end
      local short = {}
      for _ = 1, 40 do short[math.random(99)] = true end
      for i in pairs(short) do assert.is_true(d:replace("key" .. i, "short", { ttl = 0.001 })) end
      for i in pairs(short) do
        local _, version = d:get("key" .. i)
        if version > 0 then d:wait("key" .. i, version, support.deadline) end
      end
      local count = 0
      for i = 1, 99 do
        if not short[i] then count = count + 1 end
        assert.equal(short[i] == nil, d:get("key" .. i) ~= nil)
      end
      assert.equal(count, d:info().count)
      assert.equal(count * 128, d:info().used)
      for i in pairs(short) do assert.is_true(d:add("again" .. i, i)) end
      assert.is_true(d:add("another", 1))
      fails("full", name, d:add("yet another", 1))
      d:clear()
    end
  end)

  it("takes any ttl greater than 0", function()
    for i, ttl in ipairs { math.huge, 1e300, 1e12, 1e9, math.maxinteger } do
      assert.is_true(d:set("k", i, { ttl = ttl }))
      assert.equal(i, (d:get("k")))
    end
    assert.is_true(d:set("k", 1, { ttl = 1e-300 }))
    local _, version = d:get("k")
    if version > 0 then
      assert.same({ n = 2, [2] = 0 }, table.pack(d:wait("k", version, support.deadline)))
    end
  end)

  it("ends an iteration during which the dictionary is cleared", function()
    for i = 1, 90 do d:set("key" .. i, i) end
    local seen = 0
    for _ in other:pairs() do
      seen = seen + 1
      if seen == 5 then d:clear() end
      if seen == 7 then d:set("new", 1) end
    end
    assert.is_true(seen < 20) -- those of one bucket may have been read before
  end)

  it("adds up to the ends of integers and floats", function()
    d:set("n", math.mininteger)
    assert.equal(math.maxinteger, d:incr("n", -1))
    assert.equal(math.maxinteger - 1.0, d:incr("n", -1.0))
    assert.equal("float", math.type(d:get("n")))
    d:set("n", 1.7e308)
    assert.equal(math.huge, d:incr("n", 1.7e308))
    assert.is_true(d:incr("n", -math.huge) ~= d:get("n"))
    assert.equal(math.mininteger, d:incr("m", 1, math.maxinteger))
    d:set("b", true)
    contains("not a number", raises(d, "incr", "b"))
    raises(d, "incr", "n", 1, "x")
  end)

  it("keeps a value when there is no room for the new one", function()
    assert.is_true(d:set("k", ("a"):rep(8000)))
    fails("full", name, d:set("k", ("b"):rep(8000)))
    assert.equal(("a"):rep(8000), (d:get("k")))
  end)

  it("describes itself with tostring, and raises in methods after closing", function()
    assert.equal(("filemap.dict (%s)"):format(name), tostring(d))
    local next_pair = d:pairs()
    assert.is_true(d:close())
    assert.is_true(d:close())
    assert.equal("filemap.dict (closed)", tostring(d))
    for _, method in ipairs { "get", "set", "add", "replace", "delete", "incr", "compare_set", "wait",
      "pairs",
      "info", "clear" } do
      contains("filemap.dict is closed", raises(d, method, "k", 0, 0))
    end
    local ok, message = pcall(next_pair)
    assert.is_false(ok)
    contains("filemap.dict is closed", message)
  end)

  it("raises for values of other types and for wrong arguments", function()
    for _, value in ipairs { {}, print, io.stdout } do raises(d, "set", "k", value) end
    raises(d, "set", "k")
    raises(d, "set", "k", nil)
    raises(d, "get")
    raises(d, "get", {})
    raises(d, "wait", "k")
    raises(d, "wait", "k", -1)
    raises(d, "wait", "k", 0, -1)
    raises(d, "compare_set", "k", "x", 1)
    raises(dict, ".create_or_open", name, { capacity = 0 })
    raises(dict, ".create_or_open", name, { max = 1 })
  end)

  it("opens an existing dictionary with its capacity", function()
    local again <close>, created = assert(dict.create_or_open(name))
    assert.is_false(created)
    assert.equal(12800, again:info().capacity)
    fails("too_small", name, dict.create_or_open(name, { capacity = 12801 }))
    fails("not_found", "none", dict.open("none"))
    fails("invalid", "a\\b", dict.open("a\\b"))
    fails("too_large", "x", dict.create_or_open("x", { capacity = math.maxinteger }))
  end)

  it("is corrupt where another kind of section has the name", function()
    local plain = support.unique("Local\\")
    local map <close> = assert(filemap.create(plain, 65536))
    fails("corrupt", plain, dict.open(plain))
    fails("corrupt", plain, dict.create_or_open(plain))
    assert.is_not_nil(map)
  end)
end)

describe("keys that were chosen for their hash", function()
  -- The hash of a key of 8 bytes.
  local function mix(h)
    h = (h ~ h >> 30) * 0xBF58476D1CE4E5B9
    h = (h ~ h >> 27) * 0x94D049BB133111EB
    return h ~ h >> 31
  end

  it("are full from the 1001st on, and harm no other key", function()
    local BLOCKS <const> = 1024
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name, { capacity = BLOCKS * 128 }))
    local view <close> = assert(assert(filemap.open(name, "r")):view())
    local start = mix(view:get_u32(20) ~ 8)
    local keys, i = {}, 0
    while #keys < 1001 do
      i = i + 1
      if (mix(mix(start ~ i) ~ 0) >> 32) * BLOCKS >> 32 == 0 then keys[#keys + 1] = string.pack("=i8", i) end
    end
    for n = 1, 1000 do assert.is_true(d:set(keys[n], n)) end
    fails("full", name, d:set(keys[1001], 1))
    assert.is_true(d:set("another", 1))
    for n = 1, 1000 do assert.equal(n, (d:get(keys[n]))) end
    assert.is_true(d:set(keys[1], 7))
    assert.equal(1001, d:info().count)
    assert.is_true(d:delete(keys[2]))
    assert.is_true(d:set(keys[1001], 1))
  end)
end)

describe("a dictionary that evicts", function()
  it("removes the keys whose values are the oldest, and never the one that is set", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name, { capacity = 12800, evict = true }))
    for i = 1, 100 do assert.is_true(d:set("key" .. i, i)) end
    assert.equal(100, d:info().count)
    d:set("key1", "newest")
    assert.is_nil((d:get("key2")))
    assert.equal("newest", (d:get("key1")))
    assert.equal(3, (d:get("key3")))
    d:set("large", ("x"):rep(5000))
    local kept = contents(d)
    assert.equal("newest", kept.key1)
    local least = math.maxinteger
    for _, value in pairs(kept) do
      if math.type(value) == "integer" then least = math.min(least, value) end
    end
    for i = least, 100 do assert.equal(i, kept["key" .. i]) end
    assert.is_true(d:set("large", ("y"):rep(5000)))
    assert.equal(("y"):rep(5000), (d:get("large")))
    fails("full", name, d:set("large", ("z"):rep(9000)))
    assert.equal(("y"):rep(5000), (d:get("large")))
    fails("too_large", name, d:set("larger", ("z"):rep(13000)))
  end)

  it("sets a key whose present value is cleared or has expired and takes most of the memory", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name, { capacity = 12800, evict = true }))
    for _ = 1, 3 do
      assert.is_true(d:set("k", ("a"):rep(8000), { ttl = 0.001 }))
      local _, version = d:get("k")
      if version > 0 then d:wait("k", version, support.deadline) end
      assert.is_true(d:set("k", ("b"):rep(9000)))
      d:clear()
      assert.is_true(d:set("k", ("c"):rep(9000)))
      d:clear()
    end
  end)
end)

describe("random calls of a dictionary", function()
  it("give what a table gives", function()
    local seed = tonumber(os.getenv("FILEMAP_SEED")) or os.time()
    local rounds = tonumber(os.getenv("FILEMAP_DICT")) or 20000
    math.randomseed(seed)
    local context = "FILEMAP_SEED=" .. seed
    local d <close> = assert(dict.create_or_open(support.unique("Local\\"), { capacity = 1 << 20 }))
    local model, versions = {}, {}

    -- A block of 128 bytes has room for 96 of the key, rounded up to 8, and the value, and
    -- each further block for 112.
    local function check_info()
      local count, used = 0, 0
      for key, v in pairs(model) do
        local bytes = (#key + 7) // 8 * 8 + (type(v) == "string" and #v or type(v) == "boolean" and 1 or 8)
        count, used = count + 1, used + 128 * (1 + math.max(0, bytes - 96 + 111) // 112)
      end
      assert.same({ count = count, used = used, capacity = 1 << 20 }, d:info(), context)
    end
    local function value()
      local kind = math.random(6)
      if kind == 1 then return math.random(0) end
      if kind == 2 then return math.random() end
      if kind == 3 then return math.random(2) == 1 end
      return ("%c"):format(math.random(255)):rep(math.random(kind == 4 and 65536 or 100) - 1)
    end
    for round = 1, rounds do
      if round % 1000 == 0 then check_info() end
      if math.random(2000) == 1 then
        d:clear()
        model = {}
      end
      local key, call = "k" .. math.random(50) .. ("x"):rep(math.random(3) * 60 - 60), math.random(6)
      if call <= 2 then
        local v = value()
        local ok, _, code = d:set(key, v)
        if ok then model[key] = v else assert.equal("full", code, context) end
      elseif call == 3 then
        assert.equal(model[key] ~= nil, d:delete(key), context)
        model[key] = nil
      elseif call == 4 and math.type(model[key]) then
        local sum, _, code = d:incr(key, 3)
        if sum then
          model[key] = model[key] + 3
          assert.equal(model[key], sum, context)
        else
          assert.equal("full", code, context)
        end
      else
        local v, version = d:get(key)
        assert.equal(model[key], v, context)
        assert.equal(v == nil, version == 0, context)
        if versions[version] then assert.equal(versions[version], key, context) end
        if version ~= 0 then versions[version] = key end
      end
    end
    assert.same(model, contents(d), context)
    check_info()
    d:clear()
    assert.equal(0, d:info().used)
    local longest = 96 - 8 + 112 * ((1 << 20) // 128 - 1)
    assert.is_true(d:set("all", ("x"):rep(longest)), context)
    assert.equal(1 << 20, d:info().used)
    assert.equal("too_large", select(3, d:set("all", ("x"):rep(longest + 1))))
  end)
end)

describe("two processes", function()
  local open = "d = require('filemap.dict').open(%q)"

  it("see each other's keys, and wait for them", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name))
    local child = support.child("evaluator")
    child:ask(open, name)
    child:start("return d:wait('k', 0)")
    d:set("k", "hello")
    assert.equal("hello 1", child:expect())
    child:ask("d:set('from child', 5)")
    assert.equal(5, (d:get("from child")))
    child:start("return d:wait('k', 1)")
    d:delete("k")
    assert.equal("nil 0", child:expect())
  end)

  it("lose no increment", function()
    local name, n = support.unique("Local\\"), 20000
    local d <close> = assert(dict.create_or_open(name))
    local children = {}
    for i = 1, 3 do
      children[i] = support.child("evaluator")
      children[i]:ask(open, name)
    end
    local chunk = "for i = 1, %d do assert(d:incr('n', 1, 0)) end return 'done'"
    for _, child in ipairs(children) do child:start(chunk, n) end
    for _, child in ipairs(children) do assert.equal("done", child:expect()) end
    assert.equal(3 * n, (d:get("n")))
  end)

  it("read whole values while another one writes", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name))
    d:set("k", ("a"):rep(10))
    local child = support.child("evaluator")
    child:ask(open, name)
    child:start([[
      local n = 0
      while d:get('stop') == nil do
        n = n + 1
        local letter = string.char(97 + n %% 26)
        d:set('k', letter:rep(10 + n * 37 %% 3000))
        d:set('other' .. n %% 5, n)
        d:delete('other' .. (n + 2) %% 5)
      end
      return n]], name)
    for _ = 1, tonumber(os.getenv("FILEMAP_TORN")) or 20000 do
      local value = d:get("k")
      assert.is_truthy(value and #value >= 10 and value == value:sub(1, 1):rep(#value))
    end
    d:set("stop", true)
    assert.is_true(tonumber(child:expect()) > 1)
  end)

  it("keep the dictionary as long as one of them has it open", function()
    local name = support.unique("Local\\")
    local child = support.child("evaluator")
    do
      local d <close> = assert(dict.create_or_open(name))
      d:set("k", 1)
      child:ask(open, name)
    end
    local d = assert(dict.open(name))
    assert.equal(1, (d:get("k")))
    d:close()
    child:kill()
    child:wait(support.deadline)
    fails("not_found", name, dict.open(name))
  end)
end)
