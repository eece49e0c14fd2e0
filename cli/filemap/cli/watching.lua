-- The three ways in which `filemap watch` shows a section: on a terminal, as lines, as JSON. Internal to the
-- command.
local clock = require "filemap.cli.clock"
local hex = require "filemap.cli.hex"
local layout = require "filemap.cli.layout"
local out = require "filemap.cli.out"
local terminal = require "filemap.cli.terminal"
local text = require "filemap.cli.text"

local watching = {}

-- Calls look(now) each interval, until `once`.
local function pace(self, once, look)
  local start, n = clock.now(), 0
  while true do
    look(clock.now())
    if once then return end
    n = math.max(n + 1, math.ceil((clock.now() - start) / self.interval))
    clock.sleep_until(start + n * self.interval)
  end
end

-- {-- JSON -----------------------------------------------------------------------------------------

--- One object a look: {"time":…,"fields":{…}} or {"time":…,"bytes":"…"}, the bytes as hexadecimal digits.
function watching.json(self, once)
  pace(self, once, function()
    local time = clock.time()
    if self.bytes then
      out.object { { "time", time }, { "bytes", hex.digits(self.bytes:get_string(0, #self.bytes)) } }
    else
      out.object { { "time", time }, { "fields", layout.json(self.type, self.read()) } }
    end
    out.flush()
  end)
end

-- {-- Lines ----------------------------------------------------------------------------------------

local function changed_fields(self, before)
  local values, lines = self.read(), {}
  for i, node in ipairs(self.nodes) do
    local value = layout.value(values, node)
    if not node.group and value ~= before[i] then
      before[i] = value
      lines[#lines + 1] = node.path .. "=" .. text.printable(layout.text(node.type, value))
    end
  end
  return lines
end

local function changed_rows(self, before)
  local bytes, lines = self.bytes:get_string(0, #self.bytes), {}
  for i = 1, #bytes, 16 do
    local row = bytes:sub(i, i + 15)
    if row ~= before[i] then
      before[i] = row
      lines[#lines + 1] = hex.line(self.base + i - 1, row)
    end
  end
  return lines
end

--- At each look the fields (PATH=VALUE) or the rows of bytes that changed.
function watching.plain(self, once)
  local before, changed = {}, self.bytes and changed_rows or changed_fields
  pace(self, once, function()
    local lines = changed(self, before)
    if #lines > 0 then
      out.line(table.concat(lines, "\n"))
      out.flush()
    end
  end)
end

-- {-- A terminal -----------------------------------------------------------------------------------

local KEYS = "q quit  p pause  / search  n next  arrows move, fold"
-- How often keys are looked for, and how often the terminal's size is, in seconds.
local KEY_EVERY, SIZE_EVERY = 0.05, 0.5

-- Handles a key while a word to search for is typed.
local function type_word(state, key)
  if key == "enter" or key == "escape" or key == "interrupt" then
    if key == "enter" then
      state.word, state.note = state.typing, nil
      local found = state.view:search(state.word)
      if not found then state.note = ("'%s' was not found"):format(text.printable(state.word)) end
    end
    state.typing = nil
  elseif key == "backspace" then
    state.typing = state.typing:gsub("[^\x80-\xbf][\x80-\xbf]*$", "")
  elseif #key == 1 or key:byte() > 127 then
    state.typing = state.typing .. key
  end
end

-- Handles a key. Returns false to end.
local function press(state, key)
  if state.typing then
    type_word(state, key)
  elseif key == "q" or key == "interrupt" then
    return false
  elseif key == "p" then
    state.paused = not state.paused
  elseif key == "/" then
    state.typing, state.note = "", nil
  elseif key == "n" and state.word then
    state.view:search(state.word)
  else
    state.view:press(key)
  end
  state.stale = true
  return true
end

local function foot(state)
  if state.typing then return "/" .. text.printable(state.typing) end
  return (state.paused and "paused  " or "") .. (state.note or KEYS)
end

local function draw(self, state, screen, now)
  if not state.paused or not state.values then state.values, state.time = self.read(), now end
  screen:show(state.view:lines(state.values, state.time, screen.rows, screen.columns, foot(state)))
  state.stale = false
end

local function loop(self, screen)
  local state = { view = self.screen }
  local next_look, next_size = clock.now(), clock.now() + SIZE_EVERY
  while true do
    for key in function() return screen:key() end do
      if not press(state, key) then return end
    end
    local now = clock.now()
    if now >= next_size then
      screen:ask_size()
      next_size = now + SIZE_EVERY
    end
    if now >= next_look or state.stale or screen.changed then
      draw(self, state, screen, now)
      if now >= next_look then next_look = math.max(next_look + self.interval, now) end
    end
    clock.sleep(math.max(0, math.min(next_look - clock.now(), KEY_EVERY)))
  end
end

-- Where keys cannot be read, the screen is drawn again and again.
local function redraw(self)
  local columns = math.tointeger(tonumber(os.getenv("COLUMNS"))) or 80
  local rows = math.tointeger(tonumber(os.getenv("LINES"))) or 24
  pace(self, false, function(now)
    local lines = self.screen:lines(self.read(), now, rows - 1, columns, "Ctrl-C ends")
    out.write("\27[H", table.concat(lines, "\27[K\n"), "\27[K\27[J")
    out.flush()
  end)
end

--- The live view with keys.
function watching.live(self)
  local screen = terminal.open()
  if not screen then return redraw(self) end
  local well, problem = pcall(loop, self, screen)
  screen:close()
  if not well then error(problem, 0) end
end

return watching
