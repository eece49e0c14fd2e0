-- Draws the plot: for each piece of work the time of each way of doing it, as a multiple of the C limit's
-- time, on a logarithmic axis.
local ROW, LEFT, WIDTH, RIGHT, TOP = 18, 270, 560, 30, 74
local LOW, HIGH = 0.01, 1000

-- Classes without CSS variables, which not every viewer supports.
local STYLE = [[
<style>
  text { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 12px; fill: #24292f; }
  .title { font-weight: bold; } .end { text-anchor: end; } .middle { text-anchor: middle; }
  .quiet { fill: #59636e; } .ground { fill: #ffffff; }
  .grid { stroke: #d8dee4; } .limit { stroke: #24292f; stroke-width: 1.5; }
  .filemap { fill: #0b62c4; }
  .instead { fill: none; stroke: #c2570c; stroke-width: 1.5; }
  .jit { fill: none; stroke: #6f42c1; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9aa4af; } .ground { fill: #0d1117; }
    .grid { stroke: #30363d; } .limit { stroke: #e6edf3; }
    .filemap { fill: #58a6ff; } .instead { stroke: #f0883e; } .jit { stroke: #bc8cff; }
  }
</style>]]

local function x_of(ratio)
  ratio = math.max(LOW, math.min(HIGH, ratio))
  return LEFT + WIDTH * math.log(ratio / LOW) / math.log(HIGH / LOW)
end

local function escape(s)
  return (s:gsub("[`]", ""):gsub("&", "&amp;"):gsub("<", "&lt;"))
end

local function text(x, y, class, s)
  return ('<text x="%.1f" y="%.1f" class="%s">%s</text>'):format(x, y, class, escape(s))
end

-- Draws filemap's time as a bar that starts at the C limit and ends with a dot, and other times as rings and
-- diamonds.
local function mark(figure, ratio, y)
  local x = x_of(ratio)
  if figure.name == "filemap" then
    local from, to = math.min(x, x_of(1)), math.max(x, x_of(1))
    return ('<rect class="filemap" x="%.1f" y="%.1f" width="%.1f" height="6"/>'
      .. '<circle class="filemap" cx="%.1f" cy="%.1f" r="4.5"/>'):format(from, y - 3, to - from, x, y)
  end
  if figure.name == "LuaJIT FFI" then
    return ('<path class="jit" d="M%.1f %.1fl5 5l-5 5l-5 -5z"/>'):format(x, y - 5)
  end
  return ('<circle class="instead" cx="%.1f" cy="%.1f" r="4"><title>%s</title></circle>')
    :format(x, y, escape(figure.name))
end

local function is_other(name)
  return name ~= "C limit" and name ~= "filemap's i32" and name ~= "C, looking first"
end

local function work_row(result, y)
  local out, limit = { text(LEFT - 12, y + 4, "end", result.work) }, nil
  for _, figure in ipairs(result.figures) do
    if figure.name == "C limit" then limit = figure.quartiles[2] end
  end
  for _, figure in ipairs(result.figures) do
    local ratio = figure.name == "filemap" and result.to_limit[2] or figure.quartiles[2] / limit
    if is_other(figure.name) then out[#out + 1] = mark(figure, ratio, y) end
  end
  return table.concat(out, "\n")
end

-- Returns the work of a topic that has a C limit. Number types other than i32 are left out, since all look
-- like i32.
local function rows(topic)
  local found = {}
  for _, result in ipairs(topic.results) do
    if result.to_limit and not result.alike then found[#found + 1] = result end
  end
  return found
end

local function grid(bottom)
  local out, ratio = {}, LOW
  while ratio <= HIGH * 1.001 do
    local x = x_of(ratio)
    local class = math.abs(ratio - 1) < 0.001 and "limit" or "grid"
    out[#out + 1] = ('<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>')
      :format(class, x, x, TOP - 8, bottom)
    out[#out + 1] = text(x, TOP - 14, "quiet middle", ("%g×"):format(ratio))
    ratio = ratio * 10
  end
  return table.concat(out, "\n")
end

local function legend()
  local y = 38
  local x = { LEFT + 6, LEFT + 80, LEFT + 320 }
  return table.concat({
    text(16, 22, "title", "Time as a multiple of the C limit's; left is faster"),
    ('<circle class="filemap" cx="%d" cy="%d" r="4.5"/>'):format(x[1], y - 4),
    text(x[1] + 10, y, "", "filemap"),
    ('<circle class="instead" cx="%d" cy="%d" r="4"/>'):format(x[2], y - 4),
    text(x[2] + 10, y, "", "plain Lua instead (see the tables)"),
    ('<path class="jit" d="M%d %dl5 5l-5 5l-5 -5z"/>'):format(x[3], y - 9),
    text(x[3] + 12, y, "", "LuaJIT's FFI, unchecked"),
  }, "\n")
end

-- Returns the text of the SVG file.
return function(topics)
  local body, y = {}, TOP
  for _, topic in ipairs(topics) do
    local found = rows(topic)
    if #found > 0 then
      y = y + ROW
      body[#body + 1] = text(16, y + 4, "title", topic.title)
    end
    for _, result in ipairs(found) do
      y = y + ROW
      body[#body + 1] = work_row(result, y)
    end
  end
  local width, height = LEFT + WIDTH + RIGHT, y + 20
  return table.concat({
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">')
      :format(width, height, width, height),
    "<title>Time of each way, as a multiple of the C limit's</title>", STYLE,
    ('<rect class="ground" width="%d" height="%d"/>'):format(width, height),
    legend(), grid(y + 10), table.concat(body, "\n"), "</svg>\n",
  }, "\n")
end
