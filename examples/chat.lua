-- A chat of two people over a pipe. The first process listens and the second connects. Then they take turns.
--   lua chat.lua [name]
local pipe = require "filemap.pipe"
local NAME <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-chat]]
io.stdout:setvbuf("line")

local me = arg[1] or "you"
local conn, mine = pipe.connect(NAME), true
if not conn then
  local listener <close> = assert(pipe.listen(NAME))
  print("waiting for a connection")
  conn, mine = assert(listener:accept()), false
end
print("connected; an empty line ends the chat")

local function say()
  io.write("> ")
  local line = io.read()
  if not line or line == "" then return false end
  return conn:send(me .. ": " .. line)
end

local function hear()
  local line, _, code = conn:receive()
  print(line or (code == "closed" and "the other end has closed" or code))
  return line ~= nil
end

while true do
  if not (mine and say or hear)() then break end
  mine = not mine
end
conn:close()
