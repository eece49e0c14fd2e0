-- The ways of sending messages between processes that script/bench compares. Each has the statements that
-- send and receive a message `m` of `size` bytes. Their variables are the table that `open` returns. An
-- address is an unused path; for FIFOs, the paths with ".a" (to the peer) and ".b" (from it) appended exist.
--
-- Lua 5.3 also runs this file, on machines that have luaposix only for Lua 5.3.
local ways = {}

-- The last part of the path is filemap's name.
local function name_of(address)
  return address:match "[^/]*$"
end

ways["pipe"] = {
  send = "c:send(m)", receive = "local x = c:receive()",
  open = function(side, address, size)
    local pipe = require "filemap.pipe"
    if side == "driver" then return { c = assert(pipe.connect(name_of(address), 10)) } end
    local listener = assert(pipe.listen(name_of(address), { capacity = math.max(size, 65536) }))
    return { c = assert(listener:accept(10)), listener = listener }
  end,
}

-- Eight connections, of which the last has the messages, and the processes wait for all of them.
ways["wait_any"] = {
  send = "c:send(m)", receive = "local x = all[wait_any(all)]:receive(0)",
  open = function(side, address, size)
    local pipe = require "filemap.pipe"
    local all, listener = {}, nil
    if side == "peer" then
      listener = assert(pipe.listen(name_of(address), { capacity = math.max(size, 65536) }))
    end
    for i = 1, 8 do
      all[i] = assert(listener and listener:accept(10) or not listener and pipe.connect(name_of(address), 10))
    end
    return { c = all[8], all = all, listener = listener, wait_any = require("filemap.sync").wait_any }
  end,
}

-- Opens an object that another process may not have made yet.
local function await(open, name)
  while true do
    local object = open(name)
    if object then return object end
  end
end

local other = { driver = "peer", peer = "driver" }

-- The driver reads, and any number of peers write.
ways["mailslot"] = {
  send = "w:send(m)", receive = "local x = s:receive()",
  open = function(side, address)
    local mailslot = require "filemap.mailslot"
    if side == "driver" then return { s = assert(mailslot.create(name_of(address))) } end
    return { w = await(mailslot.open, name_of(address)) }
  end,
}

ways["two mailslots"] = {
  send = "w:send(m)", receive = "local x = s:receive()",
  open = function(side, address)
    local mailslot = require "filemap.mailslot"
    return { s = assert(mailslot.create(name_of(address) .. side)),
      w = await(mailslot.open, name_of(address) .. other[side]) }
  end,
}

ways["two states"] = {
  send = "w:publish(m)", receive = "local x, version = r:wait(last[1]) last[1] = version",
  open = function(side, address, size)
    local state = require "filemap.state"
    return { w = assert(state.create(name_of(address) .. side, size)),
      r = await(state.open, name_of(address) .. other[side]), last = { 0 } }
  end,
}

-- The driver publishes, and any number of peers read.
ways["state"] = {
  send = "w:publish(m)", receive = "local x = r:read()",
  open = function(side, address, size)
    local state = require "filemap.state"
    if side == "driver" then return { w = assert(state.create(name_of(address), size)) } end
    return { r = await(state.open, name_of(address)) }
  end,
}

ways["C, sequence lock"] = {
  send = "w:publish(m)", receive = "local x = r:read()",
  open = function(side, address)
    return { [side == "driver" and "w" or "r"] = require("channel_limit").value(address) }
  end,
}

-- Opening a FIFO waits for its other end, so both processes open the two FIFOs in the same order.
local function fifos(side, address)
  local to, from = address .. ".a", address .. ".b"
  if side == "driver" then return to, from, true end
  return from, to, false
end

local function posix_open(side, address)
  local fcntl, unistd = require "posix.fcntl", require "posix.unistd"
  local out, into, out_first = fifos(side, address)
  local names = { read = unistd.read, write = unistd.write }
  if out_first then names.out = assert(fcntl.open(out, fcntl.O_WRONLY)) end
  names.from = assert(fcntl.open(into, fcntl.O_RDONLY))
  if not out_first then names.out = assert(fcntl.open(out, fcntl.O_WRONLY)) end
  return names
end

-- A clock in nanoseconds for a Lua that cannot load the C limits' module.
local function posix_clock()
  local time = require "posix.time"
  return function()
    local t = time.clock_gettime(time.CLOCK_MONOTONIC)
    return t.tv_sec * 1000000000 + t.tv_nsec
  end
end

ways["luaposix FIFO"] = {
  posix = true, fifos = true, open = posix_open, now = posix_clock,
  send = "write(out, m)", receive = "local x = read(from, size)",
}

-- A read returns the bytes that are available, so longer messages arrive in parts.
ways["luaposix FIFO, long"] = {
  posix = true, fifos = true, open = posix_open, now = posix_clock,
  send = "write(out, m)",
  receive = "local x = read(from, size) while #x < size do x = x .. read(from, size - #x) end",
}

ways["luv pipe"] = {
  send = 's:write(m) while s:get_write_queue_size() > 65536 do run("once") end',
  receive = 'while got.bytes < size do run("once") end got.bytes = got.bytes - size',
  open = function(side, address)
    local uv = require "luv"
    local socket, got = uv.new_pipe(false), { bytes = 0 }
    local ready = false
    local function read()
      ready = true
      socket:read_start(function(_, data) got.bytes = got.bytes + (data and #data or 0) end)
    end
    if side == "peer" then
      local server = uv.new_pipe(false)
      assert(server:bind(address .. ".new"))
      assert(server:listen(1, function() assert(server:accept(socket)) read() end))
      assert(os.rename(address .. ".new", address))
    else
      local there
      repeat there = io.open(address .. ".ready") until there
      there:close()
      socket:connect(address, function(failure) assert(not failure, failure) read() end)
    end
    if side == "peer" then assert(io.open(address .. ".ready", "w")):close() end
    while not ready do uv.run "once" end
    return { s = socket, got = got, run = uv.run }
  end,
}

for name, sleeps in pairs { ["C, spinning"] = false, ["C, futexes"] = true } do
  ways[name] = {
    send = "r:send(m)", receive = "local x = r:receive()",
    open = function(side, address)
      return { r = require("channel_limit").ring(address, side == "driver" and 0 or 1, sleeps) }
    end,
  }
end

ways["C, FIFO"] = {
  fifos = true, send = "p:send(m)", receive = "local x = p:receive(size)",
  open = function(side, address)
    return { p = require("channel_limit").pipe(fifos(side, address)) }
  end,
}

return ways
