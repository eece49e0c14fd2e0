-- Waiting: for the first of several objects, for a number that another process changes, and what an idle wait
-- costs.
local channels = require "bench.channels"
local cleanup = require "bench.cleanup"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local process = require "process"
local sync = require "filemap.sync"

local topic = { name = "waiting", title = "Waiting",
  how = "`wait_any` waits for eight connections, of which the last one has the messages; `receive` waits for "
    .. "one. "
    .. "The columns with a time are the bounds that filemap keeps. Idle work is measured in the "
    .. "processor time that it uses in a second, and the other work in elapsed time." }

-- A column with a bound, in nanoseconds.
local function bound(name, ns)
  return { name, "the bound", run = function(n) return n * ns end }
end

-- Idle work --------------------------------------------------------------------------------------------

local OBJECTS <const>, WINDOW <const> = 8, 0.1 -- seconds

-- `wait` lets WINDOW seconds pass.
local function idle(name, statement, wait)
  return { name, statement, run = function(n)
    local before = process.cpu()
    for _ = 1, n do wait() end
    return (process.cpu() - before) / WINDOW * 1e9
  end }
end

local function open_slots()
  local slots = {}
  for i = 1, OBJECTS do slots[i] = assert(mailslot.create(cleanup.unique())) end
  return slots, function()
    for _, slot in ipairs(slots) do slot:close() end
  end
end

local idle_wait_any = { id = "idle wait_any", work = "a second of an idle `wait_any`", target = 1,
  how = "Of eight readers of mailslots. A repetition waits for 0.1 s.",
  bounds = { { against = "20 ms", most = 1 } },
  competitors = function()
    local slots, close = open_slots()
    return {
      idle("filemap", "wait_any(slots, 0.1)", function() sync.wait_any(slots, WINDOW) end),
      bound("20 ms", 20e6),
    }, close
  end }

local idle_pollable = { id = "idle pollable", work = "a second of idle pollables", target = 1,
  how = "Of eight readers of mailslots. A repetition sleeps for 0.1 s.",
  bounds = { { against = "20 ms", most = 1 } },
  competitors = function()
    local slots, close = open_slots()
    for _, slot in ipairs(slots) do assert(slot:pollable()) end
    return {
      idle("filemap", "sleep(0.1)", function() filemap.sleep(WINDOW) end), bound("20 ms", 20e6),
    }, close
  end }

local idle_number = { id = "idle wait_T", work = "a second of an idle `wait_u32`", target = 1,
  how = "Of a number that no process changes. 20 ms are 2 % of a processor. A repetition waits for 0.1 s.",
  bounds = { { against = "20 ms", most = 1 } },
  competitors = function()
    local map <close> = assert(filemap.create(cleanup.unique(), 4096))
    local view = assert(map:view())
    return {
      idle("filemap", "wait_u32(0, 0, 0.1)", function() view:wait_u32(0, 0, WINDOW) end),
      bound("20 ms", 20e6),
    }, function() view:close() end
  end }

-- A number that another process changes ----------------------------------------------------------------

local PEER <const> = [[
local filemap = require "filemap"
local view = assert(assert(filemap.open(%q, "rw")):view())
print "READY"
local seen = 0
while true do
  seen = assert(view:wait_u32(0, seen, 60))
  view:set_f64(8, filemap.now())
  view:store_u32(4, seen)
  view:wake(4)
end]]

local PAUSE <const> = 0.02 -- seconds, after which the peer sleeps as long as it ever does

-- The time from a store to the return of another process's wait, which has lasted for PAUSE.
local function notice(id, work, statement, wakes, most)
  return { id = id, work = work, target = 1,
    how = "Another process has waited for 20 ms with `wait_u32`.",
    bounds = { { against = most[1], most = 1 } },
    competitors = function()
      local name = cleanup.unique()
      local map = assert(filemap.create(name, 4096))
      local view = assert(map:view())
      local peer = process.spawn { arg[-1] or "lua5.4", "-e", PEER:format(name) }
      assert(peer:read(60) == "READY")
      local number = 0
      local function run(n)
        local sum = 0
        for _ = 1, n do
          filemap.sleep(PAUSE)
          number = number + 1
          local from = filemap.now()
          view:store_u32(0, number)
          if wakes then view:wake(0) end
          assert(view:wait_u32(4, number - 1, 60))
          sum = sum + view:get_f64(8) - from
        end
        return sum * 1e9
      end
      return { { "filemap", statement, run = run }, bound(most[1], most[2]) }, function()
        peer:close()
        view:close()
        map:close()
      end
    end }
end

topic.comparisons = {
  channels.through_wait_any("two processors"), channels.through_wait_any("one processor"),
  idle_wait_any, idle_pollable, idle_number,
  notice("wait_T, wake", "noticing a number, with `wake`", "store_u32(0, n) wake(0)", true,
    { "100 µs", 100e3 }),
  notice("wait_T", "noticing a number, without `wake`", "store_u32(0, n)", false, { "5 ms", 5e6 }),
}

return topic
