-- Every program of the specs that LuaJIT runs loads this file first. The parent and the program send each
-- other lines, as the children in spec/child do. The program ends at the end of its stdin.
local child = {}

-- Prints one line and flushes it.
function child.say(...)
  local words = { ... }
  for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
  io.stdout:write(table.concat(words, " "), "\n")
  io.stdout:flush()
end

function child.ready() child.say "READY" end

-- Returns the next line from the parent, nil at the end.
function child.hear() return io.stdin:read "*l" end

return child
