-- Channels whose memory another process damages, between calls or during them. Every call returns in time,
-- with a result or an error code, and no process crashes.
--
-- Environment: FILEMAP_FUZZ is the number of rounds of each test (default 60), FILEMAP_FUZZ_SEED the seed
-- (default 1).
local check = require "spec.support.check"
local core = require "filemap.core"
local dict = require "filemap.dict"
local filemap = require "filemap"
local lfs = require "lfs"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local state = require "filemap.state"
local steps = require "spec.support.steps"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails = check.fails

local ROUNDS <const> = tonumber(os.getenv("FILEMAP_FUZZ")) or 60
local SEED <const> = tonumber(os.getenv("FILEMAP_FUZZ_SEED")) or 1
local EXPECTED <const> = " timeout full closed corrupt too_large too_small not_found exists in_use truncated "
  .. "invalid "

support.clean()

local seen = {} -- the error codes that occurred

-- Accepts a result or an expected error code. An error that is raised fails the spec.
local function sensible(result, _, code)
  if code then seen[code] = true end
  if result == nil and code ~= nil then
    assert.is_truthy(EXPECTED:find(" " .. tostring(code) .. " ", 1, true), code)
  end
  return result
end

-- Each function makes the ends of one channel. It returns them, and functions that make one call each.
local kinds = {
  state = function(name)
    local w = assert(state.create(name, 200))
    local r = assert(state.open(name))
    return { w, r }, {
      function() sensible(w:publish(("x"):rep(math.random(0, 200)))) end,
      function() sensible(r:read(0)) end,
      function() sensible(r:read(0.002)) end,
      function() sensible(r:wait(math.random(0, 10), 0.002)) end,
      function() local s = sensible(state.create_or_open(name, 10)) if s then s:close() end end,
      function() local s = sensible(state.open(name)) if s then s:close() end end,
    }
  end,
  mailslot = function(name)
    local s = assert(mailslot.create(name, { capacity = 500 }))
    local w = assert(mailslot.open(name))
    return { s, w }, {
      function() sensible(w:send(("x"):rep(math.random(0, 500)), 0)) end,
      function() sensible(w:send(("x"):rep(math.random(0, 500)), 0.002)) end,
      function() sensible(s:receive(0)) end,
      function() sensible(s:receive(0.002)) end,
      function() sensible(s:info()) end,
      function() local x = sensible(mailslot.open(name)) if x then x:close() end end,
      function() local x = sensible(mailslot.create(name)) if x then x:close() end end,
    }
  end,
  pipe = function(name)
    local l = assert(pipe.listen(name, { capacity = 500 }))
    local c = assert(pipe.connect(name))
    local s = assert(l:accept(0))
    return { l, c, s }, {
      function() sensible(c:send(("x"):rep(math.random(0, 500)), 0)) end,
      function() sensible(s:send(("x"):rep(math.random(0, 500)), 0.002)) end,
      function() sensible(c:receive(0)) end,
      function() sensible(s:receive(0.002)) end,
      function() local x = sensible(pipe.connect(name)) if x then x:close() end end,
      function() local x = sensible(l:accept(0)) if x then x:close() end end,
      function() local x = sensible(pipe.listen(name)) if x then x:close() end end,
    }
  end,
  dict = function(name)
    local d = assert(dict.create_or_open(name, { capacity = 4000, evict = math.random(2) == 1 }))
    local r = assert(dict.open(name))
    for i = 1, 9 do d:set("k" .. i, ("x"):rep(i * 30)) end
    local function key() return "k" .. math.random(9) end
    local function value() return ("y"):rep(math.random(0, 1500)) end
    return { d, r }, {
      function() sensible(d:set(key(), value())) end,
      function() sensible(d:set(key(), 1, { ttl = 0.001 })) end,
      function() sensible(d:add(key(), value())) end,
      function() sensible(d:delete(key())) end,
      function()
        local ok, problem = pcall(function() return sensible(d:incr(key(), 1, 0)) end)
        assert.is_true(ok or tostring(problem):find("not a number") ~= nil, problem)
      end,
      function() sensible(d:compare_set(key(), math.random(0, 9), value())) end,
      function() sensible(d:clear()) end,
      function() sensible(d:info()) end,
      function() sensible(r:get(key())) end,
      function() sensible(r:get(key())) end,
      function() sensible(r:wait(key(), math.random(0, 20), 0.002)) end,
      function()
        local ok, problem = pcall(function() for k in r:pairs() do assert(#k >= 1 and #k <= 255) end end)
        if not ok then
          assert.is_truthy(problem:find("filemap.dict (" .. name .. "): ", 1, true), problem)
          if problem:find("truncated") then seen.truncated = true end
        end
      end,
      function() local x = sensible(dict.open(name)) if x then x:close() end end,
      function() local x = sensible(dict.create_or_open(name)) if x then x:close() end end,
    }
  end,
  stream = function(name)
    local l = assert(pipe.listen(name, { capacity = 500, stream = true }))
    local c = assert(pipe.connect(name))
    local s = assert(l:accept(0))
    return { l, c, s }, {
      function() sensible(c:write(("x"):rep(math.random(0, 20)))) end,
      function() c:close() sensible(s:read(math.random(0, 30))) end,
    }
  end,
}

-- A view of the start of a channel's memory, which for a pipe holds its table and its first connection.
local function open_bytes(name)
  local map <close> = assert(filemap.open(name, "rw"))
  local most = math.min(map:size(), 4096 + 8192)
  local view = assert(map:view(0, most))
  assert(view:commit(0, most)) -- a pipe reserves its memory, and commits only the parts in use
  return view
end

-- A random word, in which boundary values are more frequent than others.
local function word()
  local n = math.random(6)
  if n == 1 then return 0 elseif n == 2 then return -1 elseif n == 3 then return math.random(0, 64) end
  if n == 4 then return 1 << math.random(0, 31) end
  return math.random(0, 0xffffffff)
end

local function damage(view)
  for _ = 1, math.random(1, 6) do
    local at = math.random(0, (#view - 4) // 4) * 4
    if math.random(3) > 1 then at = math.random(0, 0x300 // 4) * 4 end
    view:set_u32(at, word() & 0xffffffff)
  end
  if math.random(10) == 1 then
    view:fill(0, #view, math.random(0, 255))
  end
end

for kind, make in pairs(kinds) do
  describe("a damaged " .. kind, function()
    it("returns a result or an error code in time", function()
      math.randomseed(SEED)
      for _ = 1, ROUNDS do
        local name = support.unique("Local\\")
        local ends, calls = make(name)
        do
          local bytes <close> = open_bytes(name)
          local last = kind == "stream" and 2 or 30
          for i = 1, last do
            if kind ~= "stream" or i == 1 then damage(bytes) end
            local start = core.now()
            calls[kind == "stream" and i or math.random(#calls)]()
            assert.is_true(core.now() - start < support.deadline / 2)
          end
        end
        for _, object in ipairs(ends) do object:close() end
      end
    end)
  end)
end

describe("a message whose length a hostile process made longer than the channel's limit", function()
  -- Makes the first message in a channel's memory 1119 bytes long. Further messages lie behind it.
  local function lengthen(name)
    local map <close> = assert(filemap.open(name, "rw"))
    local view <close> = assert(map:view(0, math.min(map:size(), 65536)))
    assert(view:commit(0, #view))
    local at = assert(view:find(string.pack("=I4", 60) .. ("0"):rep(60)))
    view:set_u32(at, 1119)
  end

  local function fill(writer)
    for i = 0, 9 do assert(writer:send(tostring(i):rep(i == 0 and 60 or 200), 0)) end
  end

  it("is corrupt in a mailslot", function()
    local name = support.unique("Local\\")
    local slot <close> = assert(mailslot.create(name, { max_message = 1024, capacity = 4000 }))
    local writer <close> = assert(mailslot.open(name))
    fill(writer)
    lengthen(name)
    fails("corrupt", name, slot:receive(0))
    fails("corrupt", name, slot:info())
  end)

  it("is corrupt in a pipe", function()
    local name = support.unique("Local\\")
    local listener <close> = assert(pipe.listen(name, { capacity = 1024 }))
    local client <close> = assert(pipe.connect(name))
    local server <close> = assert(listener:accept(0))
    for i = 0, 5 do assert(client:send(tostring(i):rep(i == 0 and 60 or 250), 0)) end
    lengthen(name)
    fails("corrupt", name, server:receive(0))
  end)
end)

-- Where the blocks of a dictionary of that capacity begin: behind the words, the space, the buckets' bits and
-- the links.
local function start_of_blocks(capacity)
  local count = capacity // 128 + 1
  local bits, words = count, 0
  repeat
    bits = (bits + 63) // 64
    words = words + bits
  until bits == 1
  local function padded(bytes) return (bytes + 127) // 128 * 128 end
  return 1024 + padded(words * 8) + padded((count + 7) // 8) + padded(count * 16)
end

describe("a dictionary's journal", function()
  -- Places in bytes from the start of the words. The lowest bit says that the word has 8 bytes.
  local WORDS <const>, CAPACITY <const> = 256, 128 * 4
  local blocks = start_of_blocks(CAPACITY) - WORDS
  for what, place in pairs {
    ["past the end of the section"] = 1 << 40 | 1, ["just past the last block"] = blocks + 5 * 128,
    ["the journal's length"] = 104, ["the journal"] = 128 | 1, ["the space"] = 768 | 1,
    ["the bytes of a block"] = blocks + 128 + 32 | 1, ["a part of two words"] = blocks + 128 + 4 | 1,
  } do
    it("is corrupt if it changes a place that no writer changes by it: " .. what, function()
      local name = support.unique("Local\\")
      local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY }))
      local view <close> = assert(assert(filemap.open(name, "rw")):view())
      d:set("alpha", 1)
      view:set_u64(WORDS + 128, place)
      view:set_u64(WORDS + 136, 0x7fffffff)
      view:set_u32(WORDS + 104, 1)
      fails("corrupt", name, d:set("beta", 1))
      view:set_u32(WORDS + 104, 0)
      assert.is_true(d:set("beta", 1))
      assert.equal(1, (d:get("alpha")))
    end)
  end

  it("is carried out by the next writer if it changes the last word of a block's fields", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name, { capacity = CAPACITY }))
    local view <close> = assert(assert(filemap.open(name, "rw")):view())
    view:set_u64(WORDS + 128, blocks + 4 * 128 + 28)
    view:set_u64(WORDS + 136, 3)
    view:set_u32(WORDS + 104, 1)
    assert.is_false(d:delete("absent")) -- (a value could get that block)
    assert.equal(3, view:get_u32(WORDS + blocks + 4 * 128 + 28))
    assert.equal(0, view:get_u32(WORDS + 104))
  end)
end)

describe("the function of a dictionary's pairs", function()
  -- Each chunk damages the entry whose first block begins at offset `block` of `view`, and has this `number`.
  -- The bytes at a key's end that do not fill a word of 8 bytes are in the processor's byte order.
  for what, change in pairs {
    ["an entry that leads to no block"] = "view:set_u32(block + 28, 0x7fffffff)",
    ["a value without its second block"] = "view:set_u32(block + 24, 300)",
    ["a value without its third block"] = "view:set_u32(block + 24, 300) view:set_u32(block, number % 4 + 1)",
  } do
    it("fails again when it is called after it failed: " .. what, function()
      local child = support.child("evaluator")
      local name = support.unique("Local\\")
      child:ask([[dict = require("filemap.dict") d = dict.create_or_open(%q, { capacity = 128 * 4 })
        d:set('alphabet', ('x'):rep(60))
        view = filemap.open(%q, 'rw'):view()
        block = view:find('alphabet') - 32
        number = (block - %d) // 128
        next_key = d:pairs()]], name, name, start_of_blocks(128 * 4))
      child:ask("%s", change)
      for _ = 1, 3 do
        local answer = child:ask("local ok, message = pcall(next_key) return ok, message")
        assert.is_truthy(answer:find("^false .*damaged"), answer)
      end
      child:finish()
    end)
  end

  it("does not copy entries that lead to themselves again and again", function()
    local child = steps.child()
    local name = support.unique("Local\\")
    -- The first call makes the buffer as large as one entry, which has 90 blocks.
    child:ask([[dict = require("filemap.dict") d = dict.create_or_open(%q, { capacity = 128 * 1000 })
      view = filemap.open(%q, 'rw'):view()
      for i = 1, 9 do d:set('alphabe' .. i, ('x'):rep(10000)) end
      next_key = d:pairs()
      next_key()
      for i = 1, 9 do
        local block = view:find('alphabe' .. i) - 32
        view:set_u32(block + 28, (block - %d) // 128)
      end]], name, name, start_of_blocks(128 * 1000))
    child:stop_at("copy", 1000)
    -- Keys of the first one's bucket are in the buffer already.
    local stopped, answer = child:stops([[local ok, message
      repeat ok, message = pcall(next_key) until not ok or not message
      return ok, message]])
    assert.is_false(stopped)
    assert.is_truthy(answer:find("^false .*damaged"), answer)
    child:finish()
  end)

  support.only("posix", "a process of Windows cannot limit its own memory", function()
    support.natively(it)("fails again when it is called after there was no memory", function()
      local child = support.child("evaluator")
      local name = support.unique("Local\\")
      child:ask([[dict = require("filemap.dict") d = dict.create_or_open(%q, { capacity = 256 << 20 })
        d:set('k', ('x'):rep(200 << 20)) collectgarbage()
        next_key = d:pairs()
        local pages = tonumber(io.open('/proc/self/statm'):read('a'):match('%%d+'))
        before = require('process').limit('memory', pages * 4096 + (64 << 20))]], name)
      for _ = 1, 2 do
        local answer = child:ask("local ok, message = pcall(next_key) return ok, message")
        assert.is_truthy(answer:find("^false .*memory"), answer)
      end
      assert.equal("k 209715200", child:ask(
        "require('process').limit('memory', before) local k, v = next_key() return k, #v"))
      child:finish()
    end)
  end)
end)

describe("a header whose size is past the end of its section", function()
  it("is rejected as corrupt by every channel", function()
    for kind, open in pairs { state = state.open, mailslot = mailslot.open, pipe = pipe.connect,
                              dict = dict.open } do
      local name = support.unique("Local\\")
      local ends = kinds[kind](name)
      local map <close> = assert(filemap.open(name, "rw"))
      local header <close> = assert(map:view(0, 16))
      assert(header:commit(0, 16)) -- for a pipe on Windows
      assert.is_true(header:get_u64(8) <= map:size()) -- which Windows rounds up
      for _, more in ipairs { 1, filemap.page_size, 1 << 40 } do
        header:set_u64(8, map:size() + more)
        fails("corrupt", name, open(name))
      end
      for _, object in ipairs(ends) do object:close() end
    end
  end)
end)

describe("a dictionary with more blocks than its creator can ask for", function()
  support.only("posix", "Windows has no sparse sections")("is rejected as corrupt", function()
    if string.packsize("T") < 8 then return pending("32-bit addresses cannot map this much memory") end
    local name = support.unique("Local\\")
    local _ <close> = assert(dict.create_or_open(name, { capacity = 1280 }))
    local map <close> = assert(filemap.open(name, "rw"))
    local header <close> = assert(map:view(0, 24))
    local path
    for file in lfs.dir("/dev/shm") do
      if file:find(name:sub(7), 1, true) then path = "/dev/shm/" .. file end
    end
    local function padded(bytes) return (bytes + 127) // 128 * 128 end

    -- Gives the dictionary so many blocks, and its file their size (store_layout.h), as a hole.
    local function resize(blocks)
      local bits, words = blocks, 0
      repeat
        bits = (bits + 63) // 64
        words = words + bits
      until bits == 1
      local size = 1024 + padded(8 * words) + padded((blocks + 7) // 8) + padded(16 * blocks) + 128 * blocks
      header:set_u64(8, size)
      header:set_u32(16, blocks)
      assert(os.execute(("truncate -s %d %s"):format(size, path)))
    end

    resize(1 << 31)
    assert(dict.open(name)):close()
    for _, blocks in ipairs { (1 << 31) + 1, (1 << 32) - 64, (1 << 32) - 1 } do
      resize(blocks)
      fails("corrupt", name, dict.open(name))
    end
  end)
end)

describe("memory that is reserved but not committed", function()
  it("is rejected as corrupt by every channel", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(name, 1 << 20, { commit = false }))
    for _, open in ipairs { state.open, mailslot.open, mailslot.create, pipe.connect, pipe.listen,
                             dict.open, dict.create_or_open } do
      assert.equal("corrupt", select(3, open(name)))
    end
    assert.equal("corrupt", select(3, state.create_or_open(name, 10)))
    assert(map)
  end)
end)

describe("a finalizer that closes a channel during a call", function()
  -- Sets the collector so that the first allocation of the call runs the finalizer.
  local function closed_meanwhile(object, call)
    collectgarbage()
    support.set_collector(100, 1000, 30)
    collectgarbage("stop")
    setmetatable({}, { __gc = function() object:close() end })
    collectgarbage("restart")
    local ok, message = pcall(call, object)
    support.set_collector(200, 100, 13)
    assert.is_false(ok)
    return message
  end

  it("does not remove the object's name from the error message", function()
    local name = support.unique("Local\\")
    local mutex = assert((sync.mutex(name)))
    local message = closed_meanwhile(mutex, mutex.unlock)
    assert.is_truthy(message:find(name .. "): this thread does not hold it", 1, true))
  end)
end)

describe("a channel that another process damages during calls", function()
  for kind, make in pairs(kinds) do
    if kind ~= "stream" then
      it("returns results or error codes: " .. kind, function()
        local name = support.unique("Local\\")
        local ends, calls = make(name)
        local child = support.child("evaluator")
        child:ask("v = filemap.open(%q, 'rw'):view(0, 4096) v:commit(0, 4096)", name)
        child:start([[math.randomseed(%d) local s, get = v:setter('u32'), math.random
          while true do s(get(0, 1000) * 4, get(0, 3) * get(0, 70)) end]], SEED)
        for _ = 1, ROUNDS * 20 do calls[math.random(#calls)]() end
        child:kill()
        for _, object in ipairs(ends) do object:close() end
      end)
    end
  end
end)

describe("a long value whose version a hostile process changes all the time", function()
  it("gives compare_set no other error than corrupt", function()
    local name = support.unique("Local\\")
    local d <close> = assert(dict.create_or_open(name, { capacity = 1 << 20 }))
    assert(d:set("alpha", ("x"):rep(300000)))
    local child = support.child("evaluator")
    child:ask("view = filemap.open(%q, 'rw'):view() entry = view:find('alpha') - 32", name)
    -- The entry's version, and the last one that was given.
    child:start([[local set, n = view:setter('u32'), 0
      while true do n = n + 1 set(entry + 8, 1 + n %% 1000) set(320, 2000 + n %% 5000) end]])
    local start, is_corrupt = core.now(), false
    repeat
      local results = table.pack(d:compare_set("alpha", 123456, "x"))
      if results[1] == nil then
        fails("corrupt", name, table.unpack(results, 1, results.n))
        is_corrupt = true
      end
    until is_corrupt or core.now() - start > 5 -- with one processor it may never be
    child:kill()
  end)
end)

describe("a truncated channel", function()
  for kind, make in pairs(kinds) do
    support.losing(it)("fails with truncated: " .. kind, function()
      if support.windows then return end -- Windows cannot truncate a section
      local name = support.unique("Local\\")
      local ends, calls = make(name)
      for file in lfs.dir("/dev/shm") do
        if file:find(name:sub(7), 1, true) then assert(os.execute("truncate -s 0 /dev/shm/" .. file)) end
      end
      seen = {}
      for i = 1, #calls do
        local start = core.now()
        calls[i]()
        assert.is_true(core.now() - start < support.deadline / 2)
      end
      assert.is_true(seen.truncated)
      for _, object in ipairs(ends) do object:close() end
    end)
  end
end)
