-- The terminal as a screen with keys. Internal to the command.
--
-- stty(1) sets the terminal to pass on each key at once. Lua cannot handle SIGTERM, and no process can handle
-- SIGKILL. So a shell restores the terminal: it reads a pipe from this process, which the system closes
-- however this process ends.
local clock = require "filemap.cli.clock"
local filemap = require "filemap"
local out = require "filemap.cli.out"
local shell = require "filemap.cli.shell"

local terminal = {}

local ENTER, LEAVE = "\27[?1049h\27[?25l\27[?7l", "\27[?7h\27[?25h\27[?1049l"
local TTY = "/dev/tty"
-- How long the terminal may take to answer before it is restored, in seconds.
local PATIENCE = 0.3

local Screen = {}
Screen.__index = Screen

-- The shell commands that restore the terminal.
local function restoration(saved)
  return ("printf '%s' >%s; stty '%s' <%s"):format(LEAVE:gsub("\27", "\\033"), TTY, saved, TTY)
end

-- The shell that restores the terminal. It ignores what could end it first, and SIGTTOU, which a process in
-- the background gets when it changes the terminal.
local function start_restorer(saved)
  return io.popen("trap '' INT QUIT TERM HUP TSTP TTOU; read -r line; " .. restoration(saved), "w")
end

--- Rows and columns of the terminal; 24 and 80 if they are unknown.
function terminal.size()
  local said = filemap.platform == "posix" and shell.output("stty size 2>/dev/null <" .. TTY) or ""
  local rows, columns = said:match("^(%d+) (%d+)$")
  rows, columns = math.tointeger(tonumber(rows)) or 0, math.tointeger(tonumber(columns)) or 0
  return rows > 0 and rows or 24, columns > 0 and columns or 80
end

--- Takes the terminal over. Returns nil if that is not possible.
function terminal.open()
  if not out.terminal or filemap.platform ~= "posix" then return nil end
  local saved = shell.output("stty -g 2>/dev/null <" .. TTY)
  if not saved or not saved:find("^[%w:=;]+$") then return nil end
  local rows, columns = terminal.size()
  local restorer = start_restorer(saved)
  if not restorer then return nil end
  os.execute("stty -icanon -echo -isig -ixon min 0 time 0 <" .. TTY)
  local keys = io.open(TTY, "rb")
  keys:setvbuf("no")
  io.stdout:setvbuf("full")
  out.write(ENTER)
  local self = { rows = rows, columns = columns, lines = {}, restorer = restorer, saved = saved, keys = keys,
    unanswered = 0 }
  return setmetatable(self, Screen)
end

-- Reads the answers that the terminal still owes. The shell would take them for typed text.
local function read_answers(self)
  local deadline = clock.now() + PATIENCE
  while self.unanswered > 0 and clock.now() < deadline do
    if not self:key() then clock.sleep(0.005) end
  end
end

--- Restores the terminal.
function Screen:close()
  if not self.restorer then return end
  pcall(out.flush)
  pcall(read_answers, self)
  -- `close` waits until the shell has restored the terminal. It fails if the shell was killed.
  if not self.restorer:close() then os.execute(restoration(self.saved)) end
  self.keys:close()
  self.restorer = nil
end

-- {-- Keys -----------------------------------------------------------------------------------------

local NAMED = {
  A = "up", B = "down", C = "right", D = "left", H = "home", F = "end",
  ["5~"] = "pageup", ["6~"] = "pagedown", ["1~"] = "home", ["4~"] = "end",
}
local PLAIN = { ["\3"] = "interrupt", ["\13"] = "enter", ["\10"] = "enter", ["\127"] = "backspace",
  ["\8"] = "backspace" }

-- Reads the rest of a sequence after ESC: a key's name, or nil for an unknown sequence.
local function sequence(self)
  local c = self.keys:read(1)
  if not c then return "escape" end
  if c ~= "[" and c ~= "O" then return nil end
  local s = ""
  repeat
    c = self.keys:read(1)
    s = s .. (c or "")
  until not c or c:find("[%a~]")
  local rows, columns = s:match("^(%d+);(%d+)R$")
  if rows then
    self.unanswered = math.max(0, self.unanswered - 1)
    self:resized(math.tointeger(tonumber(rows)), math.tointeger(tonumber(columns)))
  end
  return NAMED[s]
end

-- The rest of a UTF-8 character.
local function character(self, c)
  local more = c >= "\xf0" and 3 or c >= "\xe0" and 2 or c >= "\xc0" and 1 or 0
  return more > 0 and c .. (self.keys:read(more) or "") or c
end

--- The next key that was pressed: a name, or the character; nil if there is none.
function Screen:key()
  while true do
    local c = self.keys:read(1)
    if not c then return nil end
    local key = PLAIN[c]
    if c == "\27" then key = sequence(self) elseif not key and c >= " " then key = character(self, c) end
    if key then return key end
  end
end

-- {-- Size -----------------------------------------------------------------------------------------

--- Asks the terminal for its size: it reports where the cursor is after a move far to the right and down. The
-- answer comes as a key, and costs no process.
function Screen:ask_size()
  self.unanswered = self.unanswered + 1
  out.write("\27[999;999H\27[6n")
end

function Screen:resized(rows, columns)
  if rows == self.rows and columns == self.columns then return end
  self.rows, self.columns, self.lines, self.changed = rows, columns, {}, true
end

-- {-- Drawing --------------------------------------------------------------------------------------

--- Shows lines, each no wider than the screen. Only lines that differ from those on the screen are written.
function Screen:show(lines)
  local parts = {}
  if self.changed then parts[1], self.changed = "\27[2J", false end
  for row = 1, self.rows do
    local line = lines[row] or ""
    if self.lines[row] ~= line then
      parts[#parts + 1] = ("\27[%d;1H%s\27[0m\27[K"):format(row, line)
      self.lines[row] = line
    end
  end
  if #parts > 0 then out.write(table.concat(parts)) end
  out.flush()
end

return terminal
