-- A server of several clients with the select of LuaSocket (Debian: lua-socket), on which copas is built too.
-- It answers each message in capitals, and ticks meanwhile. A client that sends "quit" ends it.
--   lua select_server.lua
local filemap = require "filemap"
local pipe = require "filemap.pipe"
local socket = require "socket"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-loop]]
io.stdout:setvbuf("line")

local listener <close> = assert(pipe.listen(NAME))
local watched, clients, is_running = {}, 0, true

-- What select waits for: the object is ready. `on_ready` is called then.
local function watch(object, on_ready)
  local handle = assert(object:pollable())
  local entry = { on_ready = on_ready }
  function entry.getfd() return handle end
  function entry.dirty() return false end
  watched[#watched + 1] = entry
end

local function unwatch(entry)
  for i = #watched, 1, -1 do
    if watched[i] == entry then table.remove(watched, i) end
  end
end

local function serve(conn, number)
  watch(conn, function(entry)
    local message, _, code = conn:receive(0)
    if message == "quit" then is_running = false end
    -- A client that does not read its answers must not stop the others.
    if message and not conn:send(message:upper(), 0) then code = "closed" end
    if code == "closed" then
      unwatch(entry)
      conn:close()
      print(("client %d is gone"):format(number))
    end
  end)
end

watch(listener, function()
  local conn = listener:accept(0)
  if not conn then return end
  clients = clients + 1
  print(("client %d is here"):format(clients))
  serve(conn, clients)
end)

print("listening")
local ticks, next_tick = 0, filemap.now() + 0.05
while is_running do
  for _, entry in ipairs(socket.select(watched, nil, math.max(next_tick - filemap.now(), 0))) do
    entry:on_ready()
  end
  if filemap.now() >= next_tick then
    ticks, next_tick = ticks + 1, next_tick + 0.05
    print("tick " .. ticks)
  end
end
