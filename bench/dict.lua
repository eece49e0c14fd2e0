-- Dictionaries, against a view, Redis, and a table that is serialized in a view by hand.
local dict = require "filemap.dict"
local filemap = require "filemap"
local process = require "process"
local subjects = require "bench.subjects"
local sync = require "filemap.sync"

local DEADLINE <const> = 60 -- seconds that any answer of a process may take
local MANY <const> = 1000000

local topic = { name = "dict", title = "Dictionaries",
  how = "Values of 64 bytes. Redis is Debian's redis-server with lua-redis, over a Unix socket on the same "
    .. "machine, without saving to disk. \"by hand\" is a mutex and all 1,000 keys in one string in a view, "
    .. "which each call reads, and each change writes." }

local value = subjects.noise(64)
local serial = 0

local function new_name()
  serial = serial + 1
  return ("bench-dict-%d-%d"):format(process.pid(), serial)
end

-- A dictionary with `count` keys "key1", "key2" and so on.
local function filled(count)
  local name = new_name()
  local d = assert(dict.create_or_open(name, { capacity = math.max(count * 2, 1000) * 128 }))
  for i = 1, count do assert(d:set("key" .. i, value)) end
  return d, name
end

-- Keys in an order that looks random, so that the caches of the processor do not know the next one.
local function keys_of(count)
  local keys, x = {}, 1
  for i = 1, 4096 do
    x = (x * 1103515245 + 12345) % 2147483648
    keys[i] = "key" .. x % count + 1
  end
  return keys
end

-- {-- Redis ----------------------------------------------------------------------------------------

-- lua-redis is written in Lua. Debian installs it for Lua up to 5.3.
local function load_redis()
  package.path = package.path .. ";/usr/share/lua/5.3/?.lua"
  return require "redis"
end

-- Starts a server. Returns a client, and a function that ends both.
local function start_redis()
  local path = ("/tmp/%s.socket"):format(new_name())
  local server = process.spawn { "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
    "--appendonly", "no", "--dir", "/tmp" }
  local redis, until_ = load_redis(), process.now() + DEADLINE
  local connected, client
  repeat
    os.execute "sleep 0.05"
    connected, client = pcall(redis.connect, "unix://" .. path)
  until connected or process.now() > until_
  assert(connected, client)
  return client, function()
    client:quit()
    server:kill()
    server:close()
    os.remove(path)
  end
end

-- {-- By hand --------------------------------------------------------------------------------------

local function read_table(view)
  local t = {}
  local text = view:get_string(0, #view)
  local count = string.unpack("<I4", text)
  local at = 5
  for _ = 1, count do
    local key, v
    key, v, at = string.unpack("<s1s4", text, at)
    t[key] = v
  end
  return t
end

local function write_table(view, t)
  local parts, count = { "" }, 0
  for key, v in pairs(t) do
    count = count + 1
    parts[count + 1] = string.pack("<s1s4", key, v)
  end
  parts[1] = string.pack("<I4", count)
  view:set_string(0, table.concat(parts))
end

local function by_hand(count)
  local name = new_name()
  local map <close> = assert(filemap.create(name, 4 + count * 80))
  local view, mutex = assert(map:view()), assert((sync.mutex(name .. "-mutex")))
  local t = {}
  for i = 1, count do t["key" .. i] = value end
  write_table(view, t)
  local hand = {}
  function hand.get(key)
    mutex:lock()
    local v = read_table(view)[key]
    mutex:unlock()
    return v
  end
  function hand.set(key, v)
    mutex:lock()
    local all = read_table(view)
    all[key] = v
    write_table(view, all)
    mutex:unlock()
  end
  return hand, function()
    view:close()
    mutex:close()
  end
end

-- {-- Comparisons ----------------------------------------------------------------------------------

-- One call against one of a view, Redis and the table by hand.
local function one_key(call, ours, theirs, most)
  return { id = "dict " .. call, garbage = call == "get", work = ("`%s`, 64 bytes, 1,000 keys"):format(call),
    how = "No other process uses the dictionary.",
    bounds = { { against = theirs[1], most = most }, { against = "Redis", least = 50 },
      { against = "by hand", least = 20 } },
    competitors = function()
      local d = filled(1000)
      local view = subjects.twins(value)
      local redis, stop = start_redis()
      local hand, drop = by_hand(1000)
      redis:set("key500", value)
      local names = { d = d, v = view, s = value, r = redis, h = hand, k = "key500" }
      return {
        { "filemap", ours:format("d:"), names }, { theirs[1], theirs[2], names },
        { "Redis", ours:format("r:"), names }, { "by hand", ours:format("h."), names },
      }, function()
        stop()
        drop()
        d:close()
      end
    end }
end

-- The same call with few keys and with many.
local function many_keys(call, statement)
  return { id = "dict many " .. call, garbage = call == "get", work = ("`%s`, 1,000,000 keys"):format(call),
    how = "Compared with the same in a dictionary of 100 keys. The difference is that of the processor's "
      .. "caches: with 1,000,000 keys each call reads memory that is in none of them.",
    bounds = { { against = "100 keys", most = 4 } },
    competitors = function()
      local few, many = filled(100), filled(MANY)
      return {
        { "filemap", statement, { d = many, keys = keys_of(MANY), n = 0, s = value } },
        { "100 keys", statement, { d = few, keys = keys_of(100), n = 0, s = value } },
      }, function()
        few:close()
        many:close()
      end
    end }
end

-- Processes that do nine reads for each write, until their part is done.
local WORKER <const> = [[
  local d = assert(require("filemap.dict").open(arg[1]))
  local value, id = ("v"):rep(64), tonumber(arg[2])
  io.stdout:setvbuf "line"
  print "READY"
  for line in io.lines() do
    local x = id
    for i = 1, tonumber(line) do
      x = (x * 1103515245 + 12345) % 2147483648
      local key = "key" .. x % 1000 + 1
      if i % 10 == 0 then d:set(key, value) else local _ = d:get(key) end
    end
    print "DONE"
  end]]

local function start_workers(name, count)
  local path, workers = os.tmpname(), {}
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(WORKER))
  file:close()
  for i = 1, count do
    workers[i] = process.spawn { arg[-1] or "lua5.4", path, name, tostring(i) }
    assert(workers[i]:read(DEADLINE) == "READY")
  end
  os.remove(path)
  return workers
end

local function run_workers(workers)
  return function(n)
    local from = process.now()
    for _, worker in ipairs(workers) do assert(worker:write(math.ceil(n / #workers) .. "\n")) end
    for _, worker in ipairs(workers) do assert(worker:read(DEADLINE) == "DONE") end
    return (process.now() - from) * 1e9
  end
end

local function processors()
  local pipe <close> = assert(io.popen "nproc")
  return pipe:read "n"
end

local function scaling()
  -- Runs are long, so that the system has time to spread the processes over the processors.
  return { id = "dict scaling", work = "90 % `get` and 10 % `set`, four processes", target = 100e6,
    how = "The time of all calls together, compared with one process that makes them all. The bound is three "
      .. "quarters of the processors that there are, and of four at most.",
    bounds = { { against = "one process", least = 0.75 * math.min(4, processors()) } },
    competitors = function()
      local d, name = filled(1000)
      local four, one = start_workers(name, 4), start_workers(name, 1)
      return {
        { "filemap", "d:get(key)", run = run_workers(four) },
        { "one process", "d:get(key)", run = run_workers(one) },
      }, function()
        for _, workers in ipairs { four, one } do
          for _, worker in ipairs(workers) do worker:close() end
        end
        d:close()
      end
    end }
end

topic.comparisons = {
  one_key("get", "local x = %sget(k)", { "get_string", "local x = v:get_string(0, 64)" }, 3),
  one_key("set", "%sset(k, s)", { "set_string", "v:set_string(0, s)" }, 6),
  many_keys("get", "n = n % 4096 + 1 local x = d:get(keys[n])"),
  many_keys("set", "n = n % 4096 + 1 d:set(keys[n], s)"),
  scaling(),
}

return topic
