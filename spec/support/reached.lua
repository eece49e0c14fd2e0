-- Notes which lines of lua/ and cli/ a Lua process reaches. Under script/coverage every Lua runs this file
-- first, by LUA_INIT. FILEMAP_REACHED is the folder in which each process writes a file with lines such as
-- "lua/filemap/struct.lua 17". Each is written at once, since many processes are killed.
local windows = package.config:sub(1, 1) == "\\"
local sethook, getinfo = debug.sethook, debug.getinfo

-- A name that no other process has while this one lives. (On Windows os.tmpname makes no file, and its name
-- has the number of the process.)
local function own_name()
  if windows then return os.tmpname():match("[^\\]*$") end
  local status <close> = assert(io.open("/proc/self/stat"))
  return ("%d"):format(status:read("n"))
end

local own_path = os.getenv("FILEMAP_REACHED") .. "/" .. own_name()

-- By a chunk's source: the table of its lines, or false for a chunk that does not count.
local chunks = {}

local function lines_of(source)
  if windows then source = source:gsub("\\", "/") end
  local path = source:match("^@.*/(lua/filemap.*%.lua)$") or source:match("^@.*/(cli/filemap.*%.lua)$")
    or source:match("^@.*/(bin/filemap)$") or source:match("^@(bin/filemap)$")
  return path and { path = path } or false
end

local function note(_, line)
  local source = getinfo(2, "S").source
  local lines = chunks[source]
  if lines == nil then
    lines = lines_of(source)
    chunks[source] = lines
  end
  if not lines or lines[line] then return end
  -- The file is not kept open: it could get the descriptor of a standard stream that is closed.
  -- An earlier process with this number may have been another user's.
  local file <close> = io.open(own_path, "ab") or io.open(own_path .. "-too", "ab")
  lines[line] = file and file:write(("%s %d\n"):format(lines.path, line)) and true
end

-- A spec that removes its own hook gets this one back.
-- luacheck: globals coroutine.create coroutine.wrap debug.sethook pcall xpcall
function debug.sethook(...)
  if select("#", ...) == 0 then sethook(note, "l") else sethook(...) end
end

-- When Ctrl-C interrupts Lua's own program, that removes the hook and raises an error.
local pcall_, xpcall_ = pcall, xpcall

local function restore(...)
  if not (...) and not debug.gethook() then sethook(note, "l") end
  return ...
end

function pcall(...)
  return restore(pcall_(...))
end

function xpcall(f, handler, ...)
  return restore(xpcall_(f, function(...) restore(false) return handler(...) end, ...))
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

sethook(note, "l")
