-- figures.lua FILE TOPIC...: measures topics and appends their figures to a file, for script/bench-compare.
-- Each line of the file has the topic, the work, the competitor, and the median in nanoseconds, separated by
-- tabs. Work that the library does not support is left out: it may be of an earlier commit than the
-- benchmarks.
local measure = require "bench.measure"

local file = assert(io.open(arg[1], "a"))

local function append(topic, result)
  for _, figure in ipairs(result.figures or {}) do
    local words = { topic, result.work, figure.name, ("%.3f"):format(figure.quartiles[2]) }
    file:write(table.concat(words, "\t"), "\n")
  end
end

for i = 2, #arg do
  local known, topic = pcall(require, "bench." .. arg[i])
  if not known then io.stderr:write(("Left out %s: %s\n"):format(arg[i], topic)) end
  for _, comparison in ipairs(known and topic.comparisons or {}) do
    local supported, result, failure = pcall(measure, comparison)
    if supported and result then append(arg[i], result)
    else
      local why = supported and failure or result
      io.stderr:write(("Left out %s, %s: %s\n"):format(arg[i], comparison.work, why))
    end
    collectgarbage()
  end
end
file:close()
