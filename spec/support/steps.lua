-- Children that can be stopped at a step of the C code (FM_TEST_HOOK): evaluators with a special build of the
-- module, whose folder is next to that of the module under test.
local core_path = package.searchpath("filemap.core", package.cpath)
local process = require "process"
local support = require "spec.support"

local steps = {}

local folder = core_path:gsub("[/\\]filemap[/\\][^/\\]+$", "")
local cpath = folder .. (support.windows and [[\steps\?.dll;]] or "/steps/?.so;") .. package.cpath

function steps.child()
  return support.child("evaluator", { env = { LUA_CPATH = cpath } })
end

local serial = 0

--- Makes the child stop when it reaches the step for the n-th time from now.
function process.methods:stop_at(step, n)
  serial = serial + 1
  self:ask("require('process').setenv('FILEMAP_STOP', '%s:%d:%d')", step, n, serial)
end

--- Runs a chunk. Returns true if the child stopped in it, else false and the results, and then the stop is
--- cleared.
function process.methods:stops(chunk, ...)
  self:start(chunk, ...)
  local line = self:expect()
  if line:find("^STOPPED ") then return true end
  self:stop_at("none", 0)
  return false, line
end

--- Resumes a stopped child, and returns the results of its chunk.
function process.methods:go_on()
  assert(self:write("\n"))
  return self:expect()
end

--- The names of the steps in a file of src/.
function steps.of(file)
  local found, seen = {}, {}
  local source <close> = assert(io.open("src/" .. file, "rb"))
  for name in source:read("a"):gmatch('FM_TEST_HOOK%("([^"]+)"%)') do
    if not seen[name] then found[#found + 1] = name end
    seen[name] = true
  end
  return found
end

return steps
