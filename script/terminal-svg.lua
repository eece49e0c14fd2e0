-- Draws the screen of a terminal as SVG. Standard input is what `tmux capture-pane -e -p` prints.
--   lua terminal-svg.lua COLUMNS ROWS TITLE
local columns, rows, title = tonumber(arg[1]), tonumber(arg[2]), arg[3]
local WIDTH, HEIGHT, TOP, MARGIN = 8.4, 18, 34, 14
local BACK, FORE = "#1b1e26", "#d5d8df"
local COLOURS = { ["31"] = "#e06c75", ["32"] = "#98c379", ["33"] = "#f2c14e", ["34"] = "#61afef",
  ["36"] = "#4fb3bf" }

local function escape(s)
  return (s:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

-- Changes a style by the numbers of one escape sequence.
local function apply(style, codes)
  for code in (codes == "" and "0" or codes):gmatch("%d+") do
    if code == "0" then for key in pairs(style) do style[key] = nil end
    elseif code == "1" then style.bold = true
    elseif code == "2" then style.dim = true
    elseif code == "7" then style.reverse = true
    elseif code == "39" then style.colour = nil
    elseif COLOURS[code] then style.colour = COLOURS[code] end
  end
end

local function draw(text, column, row, style)
  local x, y = MARGIN + column * WIDTH, TOP + row * HEIGHT
  local fore = style.colour or FORE
  if style.reverse then
    io.write(('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>\n'):format(x, y,
      utf8.len(text) * WIDTH, HEIGHT, fore))
    fore = BACK
  end
  local tag = '<text x="%.1f" y="%d" fill="%s"%s%s textLength="%.1f" xml:space="preserve">%s</text>\n'
  io.write(tag:format(x, y + 14, fore, style.bold and ' font-weight="bold"' or "",
    style.dim and ' opacity="0.6"' or "", utf8.len(text) * WIDTH, escape(text)))
end

-- Draws a line, each run of text in its style, without the spaces around it.
local function draw_line(line, row, style)
  local column = 0
  for codes, text in ("\27[m" .. line):gmatch("\27%[([%d;]*)m([^\27]*)") do
    apply(style, codes)
    local start = style.reverse and 0 or #text:match("^ *")
    local shown = style.reverse and text or text:match("^ *(.-) *$")
    if shown ~= "" then draw(shown, column + start, row, style) end
    column = column + (utf8.len(text) or #text)
  end
end

local width, height = columns * WIDTH + 2 * MARGIN, TOP + rows * HEIGHT + MARGIN
local head = '<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" '
io.write(head:format(width, height, width, height),
  'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">\n')
io.write(('<title>%s</title>\n<rect width="%.0f" height="%.0f" rx="8" fill="%s"/>\n'):format(escape(title),
  width, height, BACK))
for i, colour in ipairs { "#e06c75", "#f2c14e", "#98c379" } do
  io.write(('<circle cx="%d" cy="16" r="5" fill="%s"/>\n'):format(4 + 16 * i, colour))
end
io.write(('<text x="76" y="21" fill="%s" opacity="0.6" font-size="12">%s</text>\n'):format(FORE,
  escape(title)))
local row, style = 0, {}
for line in io.lines() do
  draw_line(line, row, style)
  row = row + 1
end
io.write("</svg>\n")
