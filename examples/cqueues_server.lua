-- A server of several clients in the loop of cqueues (Debian: lua-cqueues). Each client has a coroutine that
-- answers its messages in capitals, and another coroutine ticks meanwhile. A client that sends "quit" ends
-- it.
--   lua cqueues_server.lua
local cqueues = require "cqueues"
local pipe = require "filemap.pipe"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-loop]]
io.stdout:setvbuf("line")

local listener <close> = assert(pipe.listen(NAME))
local loop = cqueues.new()
local is_running = true

-- What cqueues.poll waits for: the object is ready.
local function ready(object)
  return { pollfd = assert(object:pollable()), events = "r" }
end

local function serve(conn, number)
  local wanted = ready(conn)
  print(("client %d is here"):format(number))
  repeat
    cqueues.poll(wanted)
    local message, _, code = conn:receive(0)
    -- A client that does not read its answers must not stop the others.
    if message and not conn:send(message:upper(), 0) then code = "closed" end
    if message == "quit" then is_running = false end
  until code == "closed"
  cqueues.cancel(wanted.pollfd) -- before the descriptor is closed
  conn:close()
  print(("client %d is gone"):format(number))
end

loop:wrap(function()
  local wanted, clients = ready(listener), 0
  while true do
    cqueues.poll(wanted)
    local conn = listener:accept(0)
    if conn then
      clients = clients + 1
      loop:wrap(serve, conn, clients)
    end
  end
end)

loop:wrap(function()
  for ticks = 1, math.huge do
    cqueues.sleep(0.05)
    print("tick " .. ticks)
  end
end)

print("listening")
while is_running do assert(loop:step()) end
