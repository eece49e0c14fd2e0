-- README.md and the guides of doc/: their lines and their code blocks.
local lfs = require "lfs"

local guide = {}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read("a"):gsub("\r\n", "\n"))
end

--- The paths of the pages.
guide.pages = { "README.md" }
for name in lfs.dir("doc") do
  if name:find("%.md$") then guide.pages[#guide.pages + 1] = "doc/" .. name end
end
table.sort(guide.pages)

--- Calls `visit` with each line of a page, its number, and the info string of the fenced block that the line
-- is in, or nil. Both fences count as outside.
function guide.each_line(page, visit)
  local number, info = 0, nil
  for line in (read(page) .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local fence = line:match("^```(.*)$")
    if info and fence == "" then info = nil
    elseif fence then
      visit(line, number, nil)
      info = fence
    else visit(line, number, info) end
  end
  assert(not info, page .. " ends inside a block")
end

--- The code blocks of a page: { page, line, info, text }. An indented block begins behind an empty line, and
-- is for a shell: its info string is "sh".
function guide.blocks(page)
  local blocks, block, before = {}, nil, ""
  guide.each_line(page, function(line, number, info)
    local indented = not info and line:match("^    (.*)$")
    if indented and (before == "" or block) then info, line = "sh", indented end
    if not info then block = nil
    elseif not block then
      block = { page = page, line = number, info = info, text = line .. "\n" }
      blocks[#blocks + 1] = block
    else block.text = block.text .. line .. "\n" end
    before = line
  end)
  return blocks
end

--- The block of a page whose text begins with `start`.
function guide.block(page, start)
  for _, block in ipairs(guide.blocks(page)) do
    if block.text:sub(1, #start) == start then return block end
  end
  error(("%s has no block that begins with %q"):format(page, start), 2)
end

return guide
