-- Two directions at once: standard input to a connection, and the connection to standard output. Internal to
-- the command.
--
-- Lua cannot wait for standard input and a connection at the same time. So a helper process reads standard
-- input and sends it over a pipe of filemap.
local clock = require "filemap.cli.clock"
local core = require "filemap.core"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local out = require "filemap.cli.out"
local pipe = require "filemap.pipe"
local shell = require "filemap.cli.shell"
local sync = require "filemap.sync"

local conversation = {}

-- The longest line, and the longest input of --raw, in bytes.
local LINE, ALL = 1 << 20, 16 << 20
-- How long the helper may take to start, in seconds.
local START = 10
-- How long a wait for both directions takes at most, in seconds: Lua handles Ctrl-C only between two calls.
local SLICE = 0.2
-- How many messages go one way at most before those of the other way have their turn.
local TURN = 64
-- How long a wait for room takes at most before messages are printed, in seconds.
local ROOM = 0.01

local windows = filemap.platform == "win32"

-- A name that no other process uses.
local function listen(raw)
  while true do
    local word = ("%x%s"):format(math.floor(clock.now() * 1e9), tostring({}):match("%x+$"))
    local name = "filemap-input-" .. word
    local listener, message, code = pipe.listen(name, { capacity = raw and ALL or LINE })
    if listener then return listener, name end
    if code ~= "exists" then fail(message) end
  end
end

-- The command line of the helper.
local function helper(name, raw)
  local line = shell.lua(("require('filemap.cli.forward')(%q, %s)"):format(name, tostring(raw or false)))
  return windows and line or "trap '' INT; exec " .. line
end

-- The command line that ends the helper, by its process number.
local function ender(pid)
  return (windows and "taskkill /F /PID %s >nul 2>&1" or "kill %s"):format(pid)
end

local Input = {}
Input.__index = Input

--- Starts to read standard input.
function conversation.input(raw)
  local listener, name = listen(raw)
  local process = fail.unless(io.popen(helper(name, raw), "r"))
  local conn = fail.unless(listener:accept(START))
  listener:close()
  local pid = fail.unless(conn:receive(START))
  local killer = not windows and fail.unless(shell.at_end(ender(pid))) or nil
  return setmetatable({ conn = conn, process = process, pid = pid, killer = killer }, Input)
end

--- Ends the helper, which may wait for its input without end. Returns whether it could read and send its
-- input.
function Input:close()
  -- The helper closes its end before it exits, perhaps after this process last looked.
  if select(3, self.conn:send("", 0)) == "closed" then self:stopped() end
  if self.killer then self.killer:close()
  elseif not self.ended then core.execute(ender(self.pid)) end
  -- The helper ends before the connection is closed, so that this process, its last holder, frees it.
  local well = self.process:close()
  self.conn:close()
  return well or not self.ended
end

--- Ends the helper, and ends the command with status 1 if the helper has failed, which it has said itself.
function Input:finish()
  if not self:close() then fail.quietly(1) end
end

-- Notes that the helper ends by itself.
function Input:stopped()
  self.ended = true
  if self.killer then shell.cancel(self.killer) end
  self.killer = nil
end

-- Prints messages that have arrived, at most TURN. Returns false after the last one.
local function print_messages(conn, raw)
  for _ = 1, TURN do
    local message, problem, code = conn:receive(0)
    if not message then
      out.flush()
      if code == "timeout" then return true end
      if code == "closed" then return false end
      fail(problem)
    end
    if raw then out.write(message) else out.line(message) end
  end
  out.flush()
  return true
end

-- Sends a message. The other end may wait for room too, so this end prints while it waits. Returns false if
-- the other end is gone.
local function send(conn, message, raw)
  while true do
    local sent, problem, code = conn:send(message, ROOM)
    if sent then return true end
    if code == "closed" then return false end
    if code ~= "timeout" then fail(problem) end
    if not print_messages(conn, raw) then return false end
  end
end

-- Sends input that has arrived, at most TURN messages. Returns false if the other end is gone.
local function forward(conn, input, raw)
  for _ = 1, input.ended and 0 or TURN do
    local message, _, code = input.conn:receive(0)
    if not message then
      if code ~= "timeout" then input:stopped() end
      return true
    end
    if not send(conn, message, raw) then return false end
  end
  return true
end

local function wait(conn, input)
  sync.wait_any(input.ended and { conn } or { conn, input.conn }, SLICE)
end

local function converse(conn, input, raw)
  local open = true
  while print_messages(conn, raw) do
    open = open and forward(conn, input, raw)
    wait(conn, input)
  end
end

--- Talks until the other end closes.
function conversation.run(conn, input, raw)
  local well, problem = pcall(fail.raised, 1, converse, conn, input, raw)
  if well then return end
  input:close()
  error(problem, 0)
end

return conversation
