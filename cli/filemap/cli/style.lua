-- Colours and symbols of the live views. Internal to the command.
local text = require "filemap.cli.text"

local style = {}

local mono = (os.getenv("NO_COLOR") or "") ~= ""

local CODES = {
  changed = mono and "\27[7m" or "\27[1;33m", -- reverse, or bold yellow
  selected = "\27[7m",
  title = "\27[1m",
  dim = mono and "" or "\27[2m",
  bar = mono and "" or "\27[36m",
}

--- The text in a style, or as it is.
function style.paint(name, s)
  local code = name and CODES[name] or ""
  return code == "" and s or code .. s .. "\27[0m"
end

-- Eighths of a column, so that a short bar has many lengths.
local PARTS = text.unicode and { "▏", "▎", "▍", "▌", "▋", "▊", "▉" } or {}
local FULL = text.unicode and "█" or "#"
local LEVELS = text.unicode and { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
  or { "_", ".", "-", "=", "+", "*", "#" }

--- The marks of a row: folded, unfolded, changed.
style.folded = text.unicode and "▸" or "+"
style.unfolded = text.unicode and "▾" or "-"

--- A bar of this many columns, filled to a fraction from 0 to 1.
function style.bar(fraction, width)
  local eighths = math.floor(fraction * width * 8 + 0.5)
  local full, rest = eighths // 8, eighths % 8
  local part = PARTS[rest] or ""
  return FULL:rep(full) .. part .. (" "):rep(width - full - (part ~= "" and 1 or 0))
end

--- One column a value, from the least to the greatest.
function style.sparkline(values, least, greatest, width)
  local parts, first = {}, math.max(1, #values - width + 1)
  for i = first, #values do
    local level = greatest > least and (values[i] - least) / (greatest - least) or 0
    parts[#parts + 1] = LEVELS[1 + math.floor(level * (#LEVELS - 1) + 0.5)]
  end
  return table.concat(parts)
end

return style
