-- evaluator: runs each line as a chunk, and prints the results in one line. The chunks share globals: among
-- them are the modules, `now` (the clock) and `cpu` (the processor time that was used).
local child = require "spec.child.common"

local env = setmetatable({
  filemap = require "filemap", sync = require "filemap.sync", state = require "filemap.state",
  pipe = require "filemap.pipe", mailslot = require "filemap.mailslot", dict = require "filemap.dict",
  now = require("filemap.core").now,
  cpu = require("process").cpu, traffic = require "spec.support.traffic",
}, { __index = _G })

-- Runs the chunk. For a failure it returns only the code, because messages differ between systems.
local function evaluate(line)
  local results = table.pack(pcall(assert(load(line, "=line", "t", env))))
  if results.n == 5 and not results[2] then return results[4] end
  local words = {}
  for i = 2, results.n do words[i - 1] = tostring(results[i]) end
  return (results[1] and "" or "raised ") .. table.concat(words, " ")
end

child.ready()
while true do child.say((evaluate(child.hear()):gsub("[\r\n]", "?"))) end
