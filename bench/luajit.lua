-- Runs bench/ffi.lua if LuaJIT is installed.
local luajit = {}

-- Returns a table from id to quartiles in nanoseconds, and LuaJIT's version. Returns nothing if LuaJIT is
-- missing or fails.
function luajit.figures()
  local pipe = io.popen("luajit -v 2>/dev/null && luajit bench/ffi.lua 2>/dev/null")
  local version = pipe:read "l"
  local figures = {}
  for line in pipe:lines() do
    local id, low, middle, high = line:match "^(.-)\t(%S+)\t(%S+)\t(%S+)$"
    if id then figures[id] = { tonumber(low), tonumber(middle), tonumber(high) } end
  end
  if pipe:close() and version then return figures, version:match "^%S+ %S+" end
end

return luajit
