-- A server of several clients in libuv's loop (luv, Debian: lua-luv). It answers each message in capitals,
-- and a timer ticks meanwhile. A client that sends "quit" ends it.
--   lua luv_server.lua
local pipe = require "filemap.pipe"
local uv = require "luv"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-loop]]
io.stdout:setvbuf("line")

local listener <close> = assert(pipe.listen(NAME))
local clients = 0

-- Calls `ready` while the object is ready.
local function watch(object, ready)
  local poll = assert(uv.new_poll(assert(object:pollable())))
  poll:start("r", ready)
  return poll
end

local function serve(conn, number)
  local poll
  poll = watch(conn, function()
    local message, _, code = conn:receive(0)
    if message == "quit" then uv.stop() end
    -- A client that does not read its answers must not stop the others.
    if message and not conn:send(message:upper(), 0) then code = "closed" end
    if code == "closed" then
      poll:close() -- before the descriptor is closed
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

local ticks = 0
uv.new_timer():start(50, 50, function()
  ticks = ticks + 1
  print("tick " .. ticks)
end)

print("listening")
uv.run()
