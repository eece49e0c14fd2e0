-- Notes which lines of lua/ and cli/ a Lua process reaches. Under script/coverage every Lua runs this file
-- first, by LUA_INIT. FILEMAP_REACHED is the folder in which each process leaves a file with lines such as
-- "lua/filemap/struct.lua 17". A process that is killed leaves none.
local folder = os.getenv("FILEMAP_REACHED")
local sethook, getinfo = debug.sethook, debug.getinfo

-- By a chunk's source: the table of its lines, or false for a chunk that does not count.
local chunks = {}

local function lines_of(source)
  local path = source:match("^@.*/(lua/filemap.*%.lua)$") or source:match("^@.*/(cli/filemap.*%.lua)$")
    or source:match("^@.*/(bin/filemap)$") or source:match("^@(bin/filemap)$")
  local lines = path and { path = path } or false
  chunks[source] = lines
  return lines
end

local function note(_, line)
  local source = getinfo(2, "S").source
  local lines = chunks[source]
  if lines == nil then lines = lines_of(source) end
  if lines then lines[line] = true end
end

-- A spec that removes its own hook gets this one back.
-- luacheck: globals coroutine.create coroutine.wrap debug.sethook os.exit
function debug.sethook(...)
  if select("#", ...) == 0 then sethook(note, "l") else sethook(...) end
end

-- A hook belongs to one coroutine.
local create = coroutine.create

function coroutine.create(f)
  local thread = create(f)
  sethook(thread, note, "l")
  return thread
end

function coroutine.wrap(f)
  local thread = coroutine.create(f)
  return function(...)
    local results = table.pack(coroutine.resume(thread, ...))
    if results[1] then return table.unpack(results, 2, results.n) end
    coroutine.close(thread)
    error(results[2], 0)
  end
end

local left = false

local function leave()
  if left then return end
  left = true
  sethook()
  local status <close> = io.open("/proc/self/stat")
  local file <close> = io.open(("%s/%d"):format(folder, status:read("n")), "a")
  for _, lines in pairs(chunks) do
    for line in pairs(lines or {}) do
      if line ~= "path" then file:write(lines.path, " ", line, "\n") end
    end
  end
end

local exit = os.exit

function os.exit(...)
  leave()
  exit(...)
end

-- The first object with a finalizer is finalized last.
debug.getregistry()[leave] = setmetatable({}, { __gc = leave })
sethook(note, "l")
