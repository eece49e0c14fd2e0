-- filemap list
local common = require "filemap.cli.common"
local names = require "filemap.cli.names"
local out = require "filemap.cli.out"
local terminal = require "filemap.cli.terminal"
local text = require "filemap.cli.text"

local command = {
  name = "list", summary = "list the live names and their sizes in bytes",
  description = {
    "On Linux these are this user's names, all Global\\ names, and the /names of other programs.",
    "On a terminal the columns are aligned. Elsewhere a tab separates name and size.",
  },
  options = { common.json },
  examples = {
    { "filemap list", "shows which names exist" },
    { "filemap list --json", "prints {\"name\":…,\"size\":…} for each" },
  },
}

local function print_aligned(entries)
  local width, digits = 4, 4
  for _, entry in ipairs(entries) do
    entry.shown = text.printable(entry.name)
    width = math.max(width, text.width(entry.shown))
    digits = math.max(digits, #tostring(entry.size))
  end
  local _, columns = terminal.size()
  width = math.min(width, columns - digits - 2)
  for _, entry in ipairs(entries) do
    out.line(("%s  %" .. digits .. "d"):format(text.fit(entry.shown, width), entry.size))
  end
end

function command.run(args)
  local entries = names()
  if args.json then
    for _, entry in ipairs(entries) do out.object { { "name", entry.name }, { "size", entry.size } } end
  elseif out.terminal then
    print_aligned(entries)
  else
    for _, entry in ipairs(entries) do out.line(("%s\t%d"):format(text.line(entry.name), entry.size)) end
  end
end

return command
