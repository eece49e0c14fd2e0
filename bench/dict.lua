-- Dictionaries, against a view, Redis, and a table that is serialized in a view by hand.
local cleanup = require "bench.cleanup"
local dict = require "filemap.dict"
local filemap = require "filemap"
local process = require "process"
local subjects = require "bench.subjects"
local sync = require "filemap.sync"
local table_limit = require "table_limit"

local DEADLINE <const> = 60 -- seconds that any answer of a process may take
local MANY <const> = 1000000

local topic = { name = "dict", title = "Dictionaries",
  how = "Values of 64 bytes. Redis is Debian's redis-server with lua-redis, over a Unix socket on the same "
    .. "machine, without saving to disk. \"by hand\" is a mutex and all 1,000 keys in one string in a view, "
    .. "which each call reads, and each change writes. The C limit is a hash table in shared memory with a "
    .. "sequence lock in each entry. It has no deletion, growth, checks or recovery of dead writers." }

local value = subjects.noise(64)

-- A dictionary with `count` keys "key1", "key2" and so on.
local function filled(count)
  local name = cleanup.unique()
  local d = assert(dict.create_or_open(name, { capacity = math.max(count * 2, 1000) * 128 }))
  for i = 1, count do assert(d:set("key" .. i, value)) end
  return d, name
end

-- Sets as many keys again as there are, in an order that looks random. A dictionary in use has its values
-- where later sets put them, not where the first ones did.
local function set_again(d, count)
  local x = 7
  for _ = 1, count do
    x = (x * 1103515245 + 12345) % 2147483648
    assert(d:set("key" .. x % count + 1, value))
  end
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
  local path = ("/tmp/%s.socket"):format(cleanup.unique())
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
  local name = cleanup.unique()
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

-- {-- The C limit ----------------------------------------------------------------------------------

-- A table with `count` keys "key1", "key2" and so on, and its path, which the caller removes.
local function filled_table(count)
  local path = "/dev/shm/" .. cleanup.unique()
  local t = table_limit.open(path, count)
  for i = 1, count do t:set("key" .. i, value) end
  return t, path
end

-- {-- Many keys ------------------------------------------------------------------------------------

-- The same call with few keys and with many.
local function many_keys(call, statement)
  return { id = "dict many " .. call, garbage = call == "get", work = ("`%s`, 1,000,000 keys"):format(call),
    how = "Compared with the same in a dictionary of 100 keys. The difference is that of the processor's "
      .. "caches: with 1,000,000 keys each call reads memory that is in none of them. So the bound is for "
      .. "the growth in proportion to that of a hash table in C, which is called with the same keys, has as "
      .. "much room for each, and has a key and its value in two cache lines that belong to no other key. "
      .. "Each dictionary's keys were set again in another order.",
    bounds = { { against = "100 keys", most = 1.5, limit = { "C limit", "C, 100 keys" } } },
    competitors = function()
      local few, many = filled(100), filled(MANY)
      set_again(few, 100)
      set_again(many, MANY)
      local few_c, few_path = filled_table(100)
      local many_c, many_path = filled_table(MANY)
      os.remove(few_path)
      os.remove(many_path)
      local function names(d, count) return { d = d, keys = keys_of(count), n = 0, s = value } end
      return {
        { "filemap", statement, names(many, MANY) }, { "100 keys", statement, names(few, 100) },
        { "C limit", statement, names(many_c, MANY) }, { "C, 100 keys", statement, names(few_c, 100) },
      }, function()
        for _, d in ipairs { few, many, few_c, many_c } do d:close() end
      end
    end }
end

-- {-- Several processes ----------------------------------------------------------------------------

-- Processes that do nine reads for each write, until their part is done. The first argument says how to open
-- the dictionary, or the C limit's table.
local WORKER <const> = [[
  local d = assert(load("return " .. arg[1]))()
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

local function start_workers(opening, count)
  local path, workers = os.tmpname(), {}
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(WORKER))
  file:close()
  for i = 1, count do
    workers[i] = process.spawn { arg[-1] or "lua5.4", path, opening, tostring(i) }
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

local function scaling()
  -- Runs are long, so that the system has time to spread the processes over the processors.
  return { id = "dict scaling", work = "90 % `get` and 10 % `set`, four processes", target = 100e6,
    how = "The time of all calls together, compared with one process that makes them all. How much faster "
      .. "four processes can be depends on the machine: processors that a host lends share caches and cores "
      .. "with others. So the bound is for the gain in proportion to that of four processes with a hash "
      .. "table in C in which each entry has a lock of its own.",
    bounds = { { against = "one process", least = 0.8, limit = { "C limit", "C, one process" } } },
    competitors = function()
      local d, name = filled(1000)
      local t, path = filled_table(1000)
      local ours = ("require('filemap.dict').open(%q)"):format(name)
      local c = ("require('table_limit').open(%q, 1000)"):format(path)
      local groups = {
        start_workers(ours, 4), start_workers(ours, 1), start_workers(c, 4), start_workers(c, 1),
      }
      local competitors = {}
      for i, who in ipairs { "filemap", "one process", "C limit", "C, one process" } do
        competitors[i] = { who, i <= 2 and "d:get(key)" or "t:get(key)", run = run_workers(groups[i]) }
      end
      return competitors, function()
        for _, workers in ipairs(groups) do
          for _, worker in ipairs(workers) do cleanup.finish(worker, DEADLINE) end
        end
        d:close()
        t:close()
        os.remove(path)
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
