-- A terminal for specs: tmux, with a server of its own. Keys are sent to it, and its screen is read.
local busted = require "busted"
local command = require "spec.support.command"
local process = require "process"
local support = require "spec.support"

local tmux = {}

local Terminal = {}
Terminal.__index = Terminal

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function output(line)
  local pipe <close> = assert(io.popen(line .. " 2>&1"))
  return pipe:read("a")
end

-- What runs in the terminal: the command; then a wait until stty reports what it did before, since a killed
-- command cannot wait for that itself; then the exit status.
local SCRIPT = [[
before=$(stty -g)
sh -c 'echo $$ >"$1"; exec %s' sh %s
status=$?
i=0
while [ "$(stty -g)" != "$before" ] && [ $i -lt 400 ]; do i=$((i + 1)); done
[ "$(stty -g)" = "$before" ] && after=restored || after=changed
echo "status $status"
echo $after
exec cat
]]

-- Returns a function to use instead of `it` for the tests in which bin/filemap finds a terminal.
function tmux.only(reason)
  local missing = not support.windows and not package.searchpath("term.core", package.cpath)
      and "lua-term, which finds terminals, is not there for this Lua"
    or not support.windows and not os.execute("command -v tmux >/dev/null") and "tmux is not installed"
  if not missing then return support.only("posix", reason) end
  return function(name) return busted.pending(("%s (%s)"):format(name, missing)) end
end

-- Starts a command line in a terminal of a size.
local function open(columns, rows, line, self)
  self.socket = support.unique("tmux-")
  local said = output(("env -u TMUX LC_ALL=C.UTF-8 tmux -u -L %s -f /dev/null new-session -d -x %d -y %d %s")
    :format(self.socket, columns, rows, quote(line)))
  if said ~= "" then error(said, 3) end
  return setmetatable(self, Terminal)
end

-- Starts bin/filemap with these words in a terminal of a size; `locale` is C or a UTF-8 one.
function tmux.start(columns, rows, locale, words)
  local pid_file, script = support.tmpname(), support.tmpname()
  words.env = words.env or {}
  words.env.LC_ALL = locale
  local line = command.line(words):gsub("^", "env "):gsub("'", "'\\''")
  local file <close> = assert(io.open(script, "w"))
  file:write(SCRIPT:format(line, quote(pid_file)))
  file:close()
  return open(columns, rows, "sh " .. script, { pid_file = pid_file })
end

-- Starts another program in a terminal of a size.
function tmux.program(columns, rows, line)
  return open(columns, rows, line, {})
end

function Terminal:run(line)
  return output(("env -u TMUX LC_ALL=C.UTF-8 tmux -u -L %s %s"):format(self.socket, line))
end

-- The screen as text, with `escapes` also its colours.
function Terminal:screen(escapes)
  return self:run("capture-pane -p" .. (escapes and " -e" or ""))
end

-- Waits until the screen matches, and returns the captures.
function Terminal:expect(pattern, escapes)
  local deadline = process.now() + support.deadline
  while true do
    local screen = self:screen(escapes)
    local results = table.pack(screen:match(pattern))
    if results[1] then return table.unpack(results, 1, results.n) end
    if process.now() > deadline then
      error(("the screen does not match %q:\n%s"):format(pattern, screen), 2)
    end
    process.sleep(0.02)
  end
end

function Terminal:keys(...)
  for _, key in ipairs { ... } do self:run("send-keys " .. quote(key)) end
end

function Terminal:type(text)
  self:run("send-keys -l " .. quote(text))
end

function Terminal:resize(columns, rows)
  self:run(("resize-window -x %d -y %d"):format(columns, rows))
end

-- The process number of the command.
function Terminal:pid()
  return math.tointeger(tonumber(command.read(self.pid_file)))
end

-- Whether the full-screen page is shown, and the cursor.
function Terminal:modes()
  return self:run("display-message -p '#{alternate_on} #{cursor_flag}'"):match("^(%d) (%d)")
end

function Terminal:close()
  self:run("kill-server")
end
Terminal.__close = Terminal.close

return tmux
