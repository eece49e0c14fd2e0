-- Children that can be stopped at a step of the code in C (FM_TEST_HOOK): evaluators with a build of the module that was
-- made for it, beside that of the one that is tested.
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

--- Has the child stop at the n-th passing of a step from now on.
function process.methods:stop_at(step, n)
  serial = serial + 1
  self:ask("require('process').setenv('FILEMAP_STOP', '%s:%d:%d')", step, n, serial)
end

--- Runs a chunk: true if the child stopped on the way, else false and the results. It stops nowhere after that.
function process.methods:stops(chunk, ...)
  self:start(chunk, ...)
  local line = self:expect()
  if line:find("^STOPPED ") then return true end
  self:stop_at("none", 0)
  return false, line
end

--- Lets a stopped child go on, and returns the results.
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
