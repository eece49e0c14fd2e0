-- What every child of the specs starts with. A child is spoken to in lines: it says READY once it is, and
-- ends when its stdin does, as that of a child whose parent was killed.
local child = {}

io.stdout:setvbuf("full")

-- Says one line. On Windows there are no line buffers, so each is handed over.
function child.say(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  io.stdout:write(table.concat(words, " "), "\n")
  io.stdout:flush()
end

function child.ready()
  child.say("READY")
end

-- The next line from the parent. When there are no more, this ends the process as a Lua program ends: what is
-- open is closed.
function child.hear()
  local line = io.stdin:read("l")
  if not line then os.exit(0, true) end
  return (line:gsub("\r$", ""))
end

return child
