-- Counters of several workers. Each worker counts the words of its text, and no count is lost.
--   lua counters.lua show           makes the counters, waits for a line of input, and prints them
--   lua counters.lua count WORD...  counts these words
local dict = require "filemap.dict"
local SECTION <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-counters]]
io.stdout:setvbuf("line")

local function show()
  local counters <close> = assert(dict.create_or_open(SECTION))
  print("ready")
  io.read()
  local words = {}
  for word in counters:pairs() do words[#words + 1] = word end
  table.sort(words)
  for _, word in ipairs(words) do print(word, (counters:get(word))) end
end

local function count(words)
  local counters <close> = assert(dict.open(SECTION))
  for _, word in ipairs(words) do assert(counters:incr(word, 1, 0)) end
end

if arg[1] == "show" then show()
elseif arg[1] == "count" then count(table.move(arg, 2, #arg, 1, {}))
else error("usage: counters.lua show | count WORD...", 0) end
