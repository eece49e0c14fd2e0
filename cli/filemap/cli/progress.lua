-- A progress bar on standard error, where that is a terminal. Internal to the command.
local clock = require "filemap.cli.clock"
local out = require "filemap.cli.out"
local terminal = require "filemap.cli.terminal"
local text = require "filemap.cli.text"

local progress = {}

-- Seconds: nothing is shown for what ends sooner, and the bar changes no more often than this.
local QUIET, EVERY = 0.3, 0.1
local WIDTH = 30

local shown = out.is_terminal(io.stderr)

-- Whether this process may draw: a job in the background (fg, bg) would draw over what the terminal shows.
-- The fields of stat are those of proc(5): the process group, and the terminal's group in the foreground.
local function in_foreground()
  local file = io.open("/proc/self/stat", "r")
  if not file then return true end
  local stat = file:read("a")
  file:close()
  local group, foreground = stat:match("^.*%) %S+ %S+ (%S+) %S+ %S+ (%S+)")
  return group == foreground
end

local Bar = {}
Bar.__index = Bar

--- A bar for a long operation, with a label before it.
function progress.start(label)
  return setmetatable({ label = text.printable(label), from = clock.now(), next = clock.now() + QUIET }, Bar)
end

--- Bytes for a person.
function progress.bytes(n)
  local units, i = { "B", "KiB", "MiB", "GiB", "TiB" }, 1
  while n >= 1024 and i < #units do n, i = n / 1024, i + 1 end
  return i == 1 and ("%d B"):format(n) or ("%.1f %s"):format(n, units[i])
end

--- Shows a fraction from 0 to 1 (nil: not known), with a note behind it.
function Bar:update(fraction, note)
  local now = clock.now()
  if not shown or now < self.next or not in_foreground() then return end
  self.next, self.columns = now + EVERY, self.columns or select(2, terminal.size())
  local bar = ""
  if fraction then
    local full = math.min(WIDTH, math.floor(fraction * WIDTH + 0.5))
    local block, empty = text.unicode and "█" or "#", text.unicode and "░" or "."
    bar = ("%s%s %3d %%  "):format(block:rep(full), empty:rep(WIDTH - full), math.floor(fraction * 100))
  end
  local line = ("%s  %s%s"):format(text.cut(self.label, 24), bar, note)
  io.stderr:write("\r", text.cut(line, self.columns - 1), "\27[K")
  io.stderr:flush()
end

--- Removes the bar.
function Bar:finish()
  if self.columns then io.stderr:write("\r\27[K") end
end

return progress
