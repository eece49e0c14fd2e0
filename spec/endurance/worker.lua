-- One worker of script/endure: lua spec/endurance/worker.lua ROLE GROUP SET INDEX SECONDS. It works with the
-- others of its SET until it reads a line, until it is killed, or for SECONDS. It adds what it has done to
-- its number in the section GROUP-counts. It checks all that it gets, and ends with a message and exit code 1
-- if something is wrong.
local dict = require "filemap.dict"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local sync = require "filemap.sync"

local role, group, set, index = arg[1], arg[2], arg[3], tonumber(arg[4])
local counts <const> = assert(filemap.open(group .. "-counts", "rw")):view()
math.randomseed(index, process.pid())

local function done(n)
  counts:add_i64(index * 8, n or 1)
end

local function name(kind)
  return ("%s-%s-%s"):format(group, set, kind)
end

-- A message that tells by itself whether it is whole: a number, its length, and one byte again and again.
local function message(number, most)
  local length = math.random(0, most)
  return string.pack("<I4s4", number, string.char(number % 256):rep(length))
end

local function check(text)
  local number, body = string.unpack("<I4s4", text)
  assert(#text == 8 + #body and body == string.char(number % 256):rep(#body), "a message is not whole")
  return number
end

-- Returns what the call returns, or nothing if it failed with one of these codes.
local function unless(codes, first, ...)
  if first ~= nil then return first, ... end
  local why, code = ...
  if codes[code] then return nil end
  error(("%s: %s"):format(code, why))
end

local gone = { closed = true, not_found = true, timeout = true, full = true, exists = true, in_use = true }

-- Each role returns a function that does one piece of work.
local roles = {}

-- Sends back what its clients send.
function roles.server()
  local waited = { unless(gone, pipe.listen(name "pipe", { capacity = 8192 })) }
  return function()
    if #waited == 0 then
      waited[1] = unless(gone, pipe.listen(name "pipe", { capacity = 8192 }))
      return
    end
    local ready = sync.wait_any(waited, 0.1)
    if not ready then return end
    if ready == 1 then
      waited[#waited + 1] = unless(gone, waited[1]:accept(0))
      return
    end
    local conn = waited[ready]
    local text, why, code = conn:receive(0)
    local sent = text and unless(gone, conn:send(text, 1))
    if text and sent then return done() end
    assert(text or code == "closed" or code == "timeout", why)
    if code == "timeout" then return end
    conn:close()
    table.remove(waited, ready)
  end
end

-- Connects, exchanges up to 200 messages, and closes.
function roles.client()
  return function()
    local conn <close> = unless(gone, pipe.connect(name "pipe", 0.2))
    for number = 1, conn and math.random(200) or 0 do
      local text = message(number, 4000)
      if not unless(gone, conn:send(text, 1)) then return end
      local answer = unless(gone, conn:receive(1))
      if not answer then return end
      assert(answer == text, "an answer is not what was sent")
      done()
    end
  end
end

function roles.publisher()
  local s, number = nil, 0
  return function()
    s = s or unless(gone, state.create_or_open(name "state", 5000))
    if not s then return process.sleep(0.01) end
    number = number + 1
    s:publish(message(number, 4000))
    done()
    if number % 100 == 0 then process.sleep(0.001) end
  end
end

function roles.subscriber()
  local s, version = nil, 0
  return function()
    s = s or unless(gone, state.open(name "state"))
    if not s then return process.sleep(0.01) end
    local text, newer = unless(gone, s:wait(version, 0.1))
    if not text then return end
    assert(newer > version, "a version is not newer")
    check(text)
    version = newer
    done()
  end
end

function roles.reader()
  local slot
  return function()
    slot = slot or unless(gone, mailslot.create(name "slot", { max_message = 4096, capacity = 1 << 16 }))
    if not slot then return process.sleep(0.01) end
    local text = unless(gone, slot:receive(0.1))
    if not text then return end
    check(text)
    done()
  end
end

function roles.writer()
  local number = 0
  return function()
    local slot <close> = unless(gone, mailslot.open(name "slot"))
    for _ = 1, slot and 100 or 0 do
      number = number + 1
      if not unless(gone, slot:send(message(number, 4000), 0.1)) then return end
      done()
    end
    if not slot then process.sleep(0.01) end
  end
end

-- Values name their key, so that a value at a wrong key is seen.
function roles.user()
  local d = assert(dict.create_or_open(name "dict", { capacity = 1 << 20, evict = true }))
  local function value_of(key)
    return key .. ":" .. message(math.random(1 << 30), 2000)
  end
  return function()
    local key = ("key %d"):format(math.random(300))
    local what = math.random(10)
    if what <= 5 then
      local value = d:get(key)
      assert(value == nil or value:sub(1, #key + 1) == key .. ":", "a value is at a wrong key")
      if value then check(value:sub(#key + 2)) end
    elseif what <= 7 then
      unless(gone, d:set(key, value_of(key), math.random(2) == 1 and { ttl = 0.05 } or nil))
    elseif what == 8 then
      unless(gone, d:delete(key))
    elseif what == 9 then
      unless(gone, d:incr("number", 1, 0))
    elseif math.random(100) == 1 then
      for k, v in d:pairs() do
        assert(k == "number" or v:sub(1, #k + 1) == k .. ":", "pairs gives a value of another key")
      end
    end
    done()
  end
end

-- Two numbers that only the holder of the mutex changes. One that was killed between them is repaired. (The
-- numbers are the group's, so only one set may have lockers.)
function roles.locker()
  local mutex = assert(sync.mutex(name "mutex"))
  return function()
    local locked, how = mutex:lock(5)
    assert(locked, how)
    local a, b = counts:get_i64(0), counts:get_i64(8)
    assert(a == b or how == "abandoned" and a == b + 1, "a mutex has let two processes in")
    counts:set_i64(0, b + 1)
    counts:set_i64(8, b + 1)
    assert(mutex:unlock())
    done()
    process.sleep(0.0001)
  end
end

-- Makes a section, changes it, and closes it.
function roles.maker()
  local number = 0
  return function()
    number = number + 1
    local unused = name(("made-%d-%d-%d"):format(index, process.pid(), number))
    local map <close> = assert(filemap.create(unused, 1 << 16))
    local view <close> = assert(map:view())
    view:fill(0, #view, number % 256)
    done()
  end
end

local work = roles[role]()
local last = process.now() + tonumber(arg[5])
print("READY")
io.stdout:flush()
while not process.poll(0, 0) and process.now() < last do
  for _ = 1, 20 do work() end
end
