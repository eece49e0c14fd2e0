-- The live table of a struct's fields. Internal to the command.
local layout = require "filemap.cli.layout"
local number = require "filemap.cli.number"
local style = require "filemap.cli.style"
local text = require "filemap.cli.text"

local View = {}
View.__index = View

-- How long a change is marked, in seconds; how many values a sparkline has; the longest array that is
-- unfolded at first.
local MARK, HISTORY, SHORT = 1, 32, 4

local function new(nodes, title)
  local self = setmetatable({ nodes = nodes, title = title, top = 1, at = 1, open = {}, seen = {} }, View)
  for _, node in ipairs(self.nodes) do
    if node.group == "record" then
      self.open[node] = not node.parent or node.parent.group ~= "array"
    elseif node.group then
      self.open[node] = #node.children <= SHORT
    end
  end
  self:list()
  return self
end

-- Collects the nodes that are not inside a folded node.
function View:list()
  local hidden
  self.rows = {}
  for _, node in ipairs(self.nodes) do
    if hidden and node.depth <= hidden then hidden = nil end
    if not hidden then
      self.rows[#self.rows + 1] = node
      if node.group and not self.open[node] then hidden = node.depth end
    end
  end
  self.at = math.min(self.at, #self.rows)
end

-- {-- Values ---------------------------------------------------------------------------------------

local function shown(node, value)
  return text.printable(layout.text(node.type, value))
end

-- The most members of a folded group that are shown in its row.
local BRIEF = 16
local MORE = text.unicode and "…" or ".."

-- The values of a folded group in one line.
local function summary(node, values)
  local parts = {}
  for i = 1, math.min(#node.children, BRIEF) do
    local child = node.children[i]
    local value = child.group and MORE or shown(child, layout.value(values, child))
    parts[i] = node.group == "array" and value or child.name .. "=" .. value
  end
  return table.concat(parts, " ")
end

-- The history of a field: when it changed, its range, its last values.
local function remember(self, node, value, now)
  local seen = self.seen[node]
  if not seen then
    seen = { value = value, changed = -math.huge, values = {} }
    self.seen[node] = seen
  end
  if value ~= seen.value and (value == value or seen.value == seen.value) then
    seen.value, seen.changed = value, now
  end
  if type(value) == "number" and value == value and math.abs(value) < math.huge then
    if node.type.T == "u64" and value < 0 then value = value + 0x1p64 end
    seen.least, seen.greatest = math.min(seen.least or value, value), math.max(seen.greatest or value, value)
    local values = seen.values
    values[#values + 1] = value
    if #values > HISTORY then table.remove(values, 1) end
  end
  return seen
end

-- {-- Rows -----------------------------------------------------------------------------------------

-- The widths of the columns: name, value, bar, sparkline.
local function widths(self, columns)
  local name = 8
  for _, node in ipairs(self.rows) do
    name = math.max(name, text.width(text.printable(node.name)) + 2 * node.depth + 2)
  end
  name = math.min(name, columns * 2 // 5)
  -- (The longest number of views, such as -1.2345678901234568e-305, has 24 columns.)
  local value = columns >= 60 and 24 or columns // 4
  local rest = columns - name - value - 5
  local spark = math.min(HISTORY, rest // 2)
  local bar = math.min(40, rest - spark)
  return name, value, bar, spark
end

local function graph(seen, bar, spark)
  if not seen.least or seen.least == seen.greatest or bar < 4 then return nil end
  local fraction = (seen.values[#seen.values] - seen.least) / (seen.greatest - seen.least)
  return style.paint("bar", style.bar(math.max(0, math.min(1, fraction)), bar)) .. " "
    .. style.sparkline(seen.values, seen.least, seen.greatest, spark)
end

local function row(self, node, values, now, size)
  local folded = node.group and not self.open[node]
  local is
  if folded then is = summary(node, values) elseif not node.group then is = layout.value(values, node) end
  local seen = (folded or not node.group) and remember(self, node, is, now)
  local fresh = seen and now - seen.changed < MARK
  local mark = node.group and (folded and style.folded or style.unfolded) or " "
  local name = text.fit((" "):rep(2 * node.depth) .. mark .. " " .. text.printable(node.name), size.name)
  local line = (fresh and "*" or " ") .. (node == self.rows[self.at] and style.paint("selected", name)
    or fresh and style.paint("changed", name) or name) .. " "
  if not seen then return line end
  local kind = fresh and "changed" or nil
  local what = folded and text.printable(is) or shown(node, is)
  if type(is) ~= "number" then return line .. style.paint(kind, text.cut(what, size.rest)) end
  local drawn = graph(seen, size.bar, size.spark)
  what = number.fit(is, node.type.T, size.value)
  return line .. style.paint(kind, text.fit(what, size.value, "right")) .. (drawn and "  " .. drawn or "")
end

--- The lines of a screen: a title, rows, and a line for keys.
function View:lines(values, now, rows, columns, foot)
  local size = {}
  size.name, size.value, size.bar, size.spark = widths(self, columns)
  size.rest = columns - size.name - 2
  local room = math.max(1, rows - 2)
  self.room = room
  self.top = math.max(1, math.min(self.top, self.at, #self.rows - room + 1))
  if self.at >= self.top + room then self.top = self.at - room + 1 end
  local lines = { style.paint("title", text.cut(self.title, columns)) }
  for i = self.top, math.min(#self.rows, self.top + room - 1) do
    lines[#lines + 1] = row(self, self.rows[i], values, now, size)
  end
  lines[rows] = style.paint("dim", text.cut(foot, columns))
  for i = 1, rows do lines[i] = lines[i] or "" end
  return lines
end

-- {-- Keys -----------------------------------------------------------------------------------------

local function fold(self, open)
  local node = self.rows[self.at]
  if not node then return end
  if not node.group or not open and not self.open[node] then
    -- A second press folds the group around it.
    if open or not node.parent then return end
    node = node.parent
    for i, other in ipairs(self.rows) do
      if other == node then self.at = i end
    end
  end
  self.open[node] = open
  self:list()
end

-- No struct has more fields than a move by FAR skips.
local FAR = 1 << 32
local MOVES = { up = -1, down = 1, home = -FAR, ["end"] = FAR }

--- Handles a key.
function View:press(key)
  local move = MOVES[key] or key == "pageup" and -(self.room or 10) or key == "pagedown" and (self.room or 10)
  if move then
    self.at = math.max(1, math.min(#self.rows, self.at + move))
  elseif key == "right" then fold(self, true)
  elseif key == "left" then fold(self, false)
  elseif key == "enter" or key == " " then
    local node = self.rows[self.at]
    if node and node.group then fold(self, not self.open[node]) end
  end
end

--- Selects the next field whose path contains a text, and unfolds what hides it. Returns whether there is
-- one.
function View:search(word)
  if word == "" then return false end
  local current, start = self.rows[self.at], 0
  for i, node in ipairs(self.nodes) do
    if node == current then start = i end
  end
  for i = 1, #self.nodes do
    local node = self.nodes[(start + i - 1) % #self.nodes + 1]
    if node.path:lower():find(word:lower(), 1, true) then
      local parent = node.parent
      while parent do
        self.open[parent], parent = true, parent.parent
      end
      self:list()
      for row_number, other in ipairs(self.rows) do
        if other == node then self.at = row_number end
      end
      return true
    end
  end
  return false
end

return new
