-- Messages between processes. Each way has its own driver and one or more peers (bench/traffic.lua). They
-- live during all rounds, and sleep while other ways run.
local cleanup = require "bench.cleanup"
local process = require "process"
local state = require "filemap.state"
local subjects = require "bench.subjects"
local ways = require "bench.ways"

local DEADLINE <const> = 60 -- seconds that any answer of a process may take

local topic = { name = "channels", title = "Channels",
  how = "Two processes with a pipe between them, or with two mailslots or states, one for each direction. "
    .. "With two processors the driver is bound to the first one and its peer to the second one; with one "
    .. "processor both are bound to it. The FIFOs use luaposix (`read` and `write`), in Lua 5.3 if "
    .. "luaposix is not installed for 5.4. The pipe of luv is a Unix socket. The C limits are the same "
    .. "FIFOs in C, and a ring in shared memory whose ends wait by spinning or by futexes. The ring has no "
    .. "names, checks, time-outs or detection of dead processes." }

local function succeeds(command)
  return os.execute(command .. " >/dev/null 2>&1")
end

-- Returns the Lua command for a way, nil if a module that the way needs is not installed.
local function interpreter(way)
  local ours = arg[-1] or "lua5.4"
  if not way.posix then return ours end
  for _, lua in ipairs { ours, "lua5.3" } do
    if succeeds(lua .. " -e 'require \"posix.unistd\"'") then return lua end
  end
end

local function new_address(way)
  local address = "/dev/shm/" .. cleanup.unique()
  if way.fifos then assert(os.execute(("mkfifo %s.a %s.b"):format(address, address))) end
  return address
end

local function forget(address)
  for _, suffix in ipairs { "", ".a", ".b", ".ready", ".new" } do os.remove(address .. suffix) end
end

local function start(lua, cpus, ...)
  return process.spawn { "taskset", "-c", cpus, lua, "bench/traffic.lua", ... }
end

local function hear(child)
  return assert(child:read(DEADLINE))
end

-- Starts the processes of a way. Returns a function that runs a number of repetitions and returns their time,
-- and a function that ends the processes.
local function use(name, what, size, where, peers)
  local way = ways[name]
  local lua = interpreter(way)
  if not lua then return nil end
  local address = new_address(way)
  local children = {}
  for i = 1, peers do children[i] = start(lua, where.peer, name, what, "peer", address, tostring(size)) end
  local driver = start(lua, where.driver, name, what, "driver", address, tostring(size))
  for _, child in ipairs { driver, table.unpack(children) } do assert(hear(child) == "READY") end
  children[#children + 1] = driver
  return function(repetitions)
    local each = math.ceil(repetitions / peers)
    local all = each * peers
    for i = 1, peers do assert(children[i]:write((what == "publish" and all or each) .. "\n")) end
    assert(driver:write(all .. "\n"))
    return tonumber(hear(driver)) * repetitions / all
  end, function()
    for _, child in ipairs(children) do cleanup.finish(child, DEADLINE) end
    forget(address)
  end
end

local TWO <const> = { driver = "0", peer = "1", said = "two processors" }
local ONE <const> = { driver = "0", peer = "0", said = "one processor" }
local ANY <const> = { driver = "0,1", peer = "0,1", said = "any processors" }

-- Makes a comparison of `t.columns`, which are pairs of a column's title and its way; "filemap" is the first.
local function traffic(t)
  return { id = t.work, work = ("%s, %s"):format(t.work, t.where.said), how = t.how, bounds = t.bounds,
    target = t.target, competitors = function()
      local competitors, drops = {}, {}
      for _, column in ipairs(t.columns) do
        local run, drop = use(column[2], t.what, t.size, t.where, t.peers or 1)
        if run then
          local statements = ways[column[2]]
          local said = t.what == "echo" and statements.send .. " " .. statements.receive
            or t.what == "fan" and statements.receive or statements.send
          competitors[#competitors + 1] = { column[1], said, run = run }
          drops[#drops + 1] = drop
        end
      end
      return competitors, function()
        for _, drop in ipairs(drops) do drop() end
      end
    end }
end

local SPINNING <const>, FUTEXES <const> = { "C, spinning", "C, spinning" }, { "C, futexes", "C, futexes" }
local FIFO_IN_C <const>, FIFO <const> = { "C, FIFO", "C, FIFO" }, { "luaposix FIFO", "luaposix FIFO" }
local LONG_FIFO <const>, LUV <const> = { "luaposix FIFO", "luaposix FIFO, long" }, { "luv pipe", "luv pipe" }
local PIPE <const>, MAILSLOTS <const> = { "filemap", "pipe" }, { "mailslots", "two mailslots" }
local STATES <const> = { "states", "two states" }

local function either(bound)
  return { { against = "luaposix FIFO", least = bound.least, most = bound.most },
    { against = "luv pipe", least = bound.least, most = bound.most } }
end

topic.comparisons = {
  traffic { work = "round trip of 64 bytes", what = "echo", size = 64, where = TWO, target = 4e6,
    how = "A message, and the same message back. Both ends spin for a while before they sleep.",
    columns = { PIPE, MAILSLOTS, STATES, SPINNING, FUTEXES, FIFO_IN_C, FIFO, LUV },
    bounds = either { least = 20 } },
  traffic { work = "round trip of 64 bytes", what = "echo", size = 64, where = ONE, target = 4e6,
    how = "The same, but one end runs only while the other one sleeps.",
    columns = { PIPE, MAILSLOTS, STATES, FUTEXES, FIFO_IN_C, FIFO, LUV }, bounds = either { most = 1.3 } },
  traffic { work = "messages of 64 bytes", what = "flow", size = 64, where = TWO, target = 10e6,
    how = "One way, until all messages have arrived.",
    columns = { PIPE, MAILSLOTS, SPINNING, FUTEXES, FIFO_IN_C, FIFO, LUV },
    bounds = { { against = "luaposix FIFO", least = 10 } } },
  traffic { work = "messages of 64 bytes", what = "flow", size = 64, where = ONE, target = 10e6,
    how = "One way, until all messages have arrived.",
    columns = { PIPE, MAILSLOTS, FUTEXES, FIFO_IN_C, FIFO, LUV } },
  traffic { work = "messages of 64 KiB", what = "flow", size = 65536, where = TWO, target = 10e6,
    how = "One way, until all messages have arrived.",
    columns = { PIPE, SPINNING, FUTEXES, FIFO_IN_C, LONG_FIFO, LUV },
    bounds = { { against = "luaposix FIFO", least = 1.5 } } },
  traffic { work = "messages of 64 KiB", what = "flow", size = 65536, where = ONE, target = 10e6,
    how = "One way, until all messages have arrived.", columns = { PIPE, FUTEXES, FIFO_IN_C, LONG_FIFO, LUV },
    bounds = { { against = "luaposix FIFO", least = 1.5 } } },
  traffic { work = "messages of 64 bytes of four writers", what = "fan", size = 64, where = ANY, peers = 4,
    target = 20e6,
    how = "To one reader, over a mailslot or over one FIFO. The processes are not bound to "
      .. "a processor.",
    columns = { { "filemap", "mailslot" }, FIFO }, bounds = { { against = "luaposix FIFO", least = 3 } } },
  traffic { work = "a value of 256 bytes for two readers", what = "publish", size = 256, where = TWO,
    peers = 2, target = 10e6,
    how = "The driver publishes values while two peers read the newest value all the time.",
    columns = { { "filemap", "state" }, { "C, sequence lock", "C, sequence lock" } },
    bounds = { { against = "C, sequence lock", most = 1.5 } } },
}

-- For the topic of waiting.
function topic.through_wait_any(said)
  return traffic { work = "round trip of 64 bytes through `wait_any`", what = "echo", size = 64,
    where = said == TWO.said and TWO or ONE, target = 4e6, how = "A message, and the same message back.",
    columns = { { "filemap", "wait_any" }, { "receive", "pipe" } },
    bounds = { { against = "receive", most = 2 } } }
end

local function value(what, statement, other)
  return { id = what, garbage = what == "state:read", work = ("`%s`, 256 bytes"):format(what),
    how = ("No other process uses the state. Compared with `%s` of a view."):format(other[1]),
    bounds = { { against = other[1], most = 4 } },
    competitors = function()
      local name = cleanup.unique()
      local writer = assert(state.create(name, 256))
      local reader = assert(state.open(name))
      local s = subjects.noise(256)
      writer:publish(s)
      local view, block = subjects.twins(s)
      return {
        { "filemap", statement, { w = writer, r = reader, s = s } },
        { other[1], other[2]:format("v"), { v = view, s = s } },
        { "C limit", other[2]:format("v"), { v = block, s = s } },
      }, function()
        reader:close()
        writer:close()
      end
    end }
end

table.move({
  value("state:publish", "w:publish(s)", { "set_string", "%s:set_string(0, s)" }),
  value("state:read", "local x = r:read()", { "get_string", "local x = %s:get_string(0, 256)" }),
}, 1, 2, #topic.comparisons + 1, topic.comparisons)

return topic
