-- Random calls of everything that there is, with right and with hostile arguments, by spec/child/fuzzer.lua: a result,
-- a failure with a word or a message that makes sense, each in time, and nothing left behind.
--
-- The environment can give FILEMAP_FUZZ_SECONDS (default 4) and FILEMAP_FUZZ_SEED; a failure names the round, which as
-- the seed is the first one.
local core = require "filemap.core"
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"

local SECONDS <const> = tonumber(os.getenv("FILEMAP_FUZZ_SECONDS")) or 4
local SEED <const> = tonumber(os.getenv("FILEMAP_FUZZ_SEED")) or os.time()
local HANDLES <const> = 20

support.clean()

-- Sections that the child inherits, to adopt.
local function sections()
  local maps, handles = {}, {}
  for i = 1, HANDLES do
    maps[i] = assert(filemap.create(nil, 4096, { inherit = true }))
    handles[i] = maps[i]:handle()
  end
  return maps, handles
end

-- The child may not fill the machine's memory: what is larger is refused. (A pipe reserves 2^30 bytes.)
local function command(folder, handles)
  local words = support.windows and {} or { "prlimit", "--fsize=1200000000" }
  local program = { support.lua, "spec/child/fuzzer.lua", SEED, 1 << 30, SECONDS, folder, table.unpack(handles) }
  for _, word in ipairs(program) do words[#words + 1] = tostring(word) end
  words.inherit = handles
  return words
end

-- What the child wrote down before it ended.
local function last_calls(folder)
  local lines, file = {}, io.open(folder .. "/calls")
  if not file then return "no calls" end
  for line in file:lines() do
    lines[#lines + 1] = line
    if #lines > 15 then table.remove(lines, 1) end
  end
  file:close()
  return table.concat(lines, "\n")
end

local function remove_folder(folder)
  for file in lfs.dir(folder) do os.remove(folder .. "/" .. file) end
  lfs.rmdir(folder)
end

-- What one that did not end well has left in memory.
local function remove_segments(pid)
  if support.windows then return end
  for file in lfs.dir("/dev/shm") do
    if file:find(("^spec%%-%d%%-"):format(pid)) then core.unlink("/" .. file) end
  end
end

describe("random calls with hostile arguments", function()
  it(("end well for %g seconds"):format(SECONDS), function()
    local folder = support.tmpname()
    assert(lfs.mkdir(folder))
    local maps, handles = sections()
    local child <close> = process.spawn(command(folder, handles))
    local line, problem
    repeat line, problem = child:read(support.deadline) until not line or line:find("^DONE") or line:find("^FAILED")
    if not (line and line:find("^DONE [1-9]")) then
      local calls = last_calls(folder)
      child:kill()
      child:wait(support.deadline)
      remove_segments(child:pid())
      remove_folder(folder)
      error(("FILEMAP_FUZZ_SEED=%d: %s\n%s"):format(SEED, line or problem, calls), 0)
    end
    child:finish()
    remove_folder(folder)
    for _, map in ipairs(maps) do map:close() end
  end)
end)
