-- Every child of the specs loads this module first. The parent and the child send each other lines. The child
-- prints READY once it is ready. It ends at the end of its stdin, and so also when its parent is killed.
local child = {}

io.stdout:setvbuf("full")

-- Prints one line and flushes it. (Windows has no line buffering.)
function child.say(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  io.stdout:write(table.concat(words, " "), "\n")
  io.stdout:flush()
end

function child.ready()
  child.say("READY")
end

-- Returns the next line from the parent. At the end of stdin it ends the process and closes the Lua state, so
-- that all open objects are closed.
function child.hear()
  local line = io.stdin:read("l")
  if not line then os.exit(0, true) end
  return (line:gsub("\r$", ""))
end

return child
