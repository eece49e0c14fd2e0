-- The live view of a section's bytes. Internal to the command.
local hex = require "filemap.cli.hex"
local style = require "filemap.cli.style"
local text = require "filemap.cli.text"

local View = {}
View.__index = View

-- How long a change is marked, in seconds.
local MARK = 1

local function new(view, title)
  return setmetatable({ view = view, title = title, top = 0, before = {}, changed = {} }, View)
end

-- Bytes in a row: what fits, 8, 16 or 32.
local function row_width(columns)
  return columns >= 145 and 32 or columns >= 78 and 16 or 8
end

-- Notes which bytes of a row differ from those that were shown before.
local function compare(self, offset, bytes, now)
  local before = self.before[offset]
  self.before[offset] = bytes
  if not before or before == bytes or #before ~= #bytes then return end
  for i = 1, #bytes do
    if bytes:byte(i) ~= before:byte(i) then self.changed[offset + i - 1] = now end
  end
end

local function row(self, offset, bytes, now, width)
  local pairs_, shown = {}, {}
  for i = 1, #bytes do
    local byte, at = bytes:byte(i), self.changed[offset + i - 1]
    local kind = at and now - at < MARK and "changed" or nil
    if at and not kind then self.changed[offset + i - 1] = nil end
    local digits = hex.pair[byte]
    pairs_[i] = (i > 1 and i % 8 == 1 and " " or "") .. style.paint(kind, digits:sub(1, 2)) .. " "
    shown[i] = style.paint(kind, hex.shown[byte])
  end
  for i = #bytes + 1, width do pairs_[i] = i % 8 == 1 and "    " or "   " end
  return ("%08x  %s |%s|"):format(offset, table.concat(pairs_), table.concat(shown))
end

--- The lines of a screen: a title, rows, and a line for keys.
function View:lines(_, now, rows, columns, foot)
  local width = row_width(columns)
  if width ~= self.width then self.width, self.before, self.changed = width, {}, {} end
  local size, room = #self.view, math.max(1, rows - 2)
  self.page = room * width
  local last = (size - 1) // width * width - (room - 1) * width
  self.top = math.max(0, math.min(self.top, last)) // width * width
  local bytes = self.view:get_string(self.top, math.min(self.page, size - self.top))
  local lines = { style.paint("title", text.cut(self.title, columns)) }
  for i = 1, #bytes, width do
    local part, offset = bytes:sub(i, i + width - 1), self.top + i - 1
    compare(self, offset, part, now)
    lines[#lines + 1] = row(self, offset, part, now, width)
  end
  for i = 1, rows do lines[i] = lines[i] or "" end
  lines[rows] = style.paint("dim", text.cut(foot, columns))
  return lines
end

--- Handles a key.
function View:press(key)
  local width = self.width or 16
  local moves = { up = -width, down = width, pageup = -(self.page or 0), pagedown = self.page or 0,
    home = -#self.view, ["end"] = #self.view }
  if not moves[key] then return end
  self.top = math.max(0, self.top + moves[key])
  self.found, self.before = nil, {}
end

--- Shows the next place of a text, after the one that was found last, or from the first row on.
function View:search(word)
  if word == "" then return false end
  local from = self.found and self.found + 1 or self.top
  self.found = self.view:find(word, math.min(from, #self.view)) or self.view:find(word, 0)
  if not self.found then return false end
  self.top, self.before = self.found, {}
  return true
end

return new
