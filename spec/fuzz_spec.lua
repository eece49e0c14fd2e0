-- Random calls of every function and method, with valid and with hostile arguments (spec/child/fuzzer.lua).
-- Each call returns a result or an error code or raises a clear message, in time, and nothing is left behind.
--
-- Environment: FILEMAP_FUZZ_SECONDS (default 4) and FILEMAP_FUZZ_SEED. A failure prints the number of its
-- round. With that number as the seed, the same round runs first.
local core = require "filemap.core"
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"

local SECONDS <const> = tonumber(os.getenv("FILEMAP_FUZZ_SECONDS")) or 4
local SEED <const> = tonumber(os.getenv("FILEMAP_FUZZ_SEED")) or os.time()
local HANDLES <const> = 20

support.clean()

-- Sections whose handles the child inherits and adopts.
local function sections()
  local maps, handles = {}, {}
  for i = 1, HANDLES do
    maps[i] = assert(filemap.create(nil, 4096, { inherit = true }))
    handles[i] = maps[i]:handle()
  end
  return maps, handles
end

-- Limits the size of files, so that the child cannot fill the machine's memory. (A pipe reserves 2^30 bytes.)
local function command(folder, handles)
  local words = support.windows and {} or { "prlimit", "--fsize=1200000000" }
  local program = { support.lua, "spec/child/fuzzer.lua", SEED, 1 << 30, SECONDS, folder,
    table.unpack(handles) }
  for _, word in ipairs(program) do words[#words + 1] = tostring(word) end
  words.inherit = handles
  return words
end

-- The last lines that the child wrote to its log.
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

-- Removes the segments that a failed child left in memory.
local function remove_segments(pid)
  if support.windows then return end
  for file in lfs.dir("/dev/shm") do
    if file:find(("^spec%%-%d%%-"):format(pid)) then core.unlink("/" .. file) end
  end
end

describe("a sequence of random calls with hostile arguments", function()
  it(("completes without a failure for %g seconds"):format(SECONDS), function()
    local folder = support.tmpname()
    assert(lfs.mkdir(folder))
    local maps, handles = sections()
    local child <close> = process.spawn(command(folder, handles))
    local line, problem
    repeat
      line, problem = child:read(support.deadline)
    until not line or line:find("^DONE") or line:find("^FAILED")
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
