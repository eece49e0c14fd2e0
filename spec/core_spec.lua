-- Every function of filemap.core with every kind of wrong argument (spec/child/core_caller.lua): none ends
-- the process.
--
-- Environment: FILEMAP_CORE_SEED. A failure prints it.
local lfs = require "lfs"
local support = require "spec.support"

local SEED <const> = tonumber(os.getenv("FILEMAP_CORE_SEED")) or os.time()

support.clean()

local function remove_folder(folder)
  for file in lfs.dir(folder) do os.remove(folder .. "/" .. file) end
  lfs.rmdir(folder)
end

describe("filemap.core", function()
  it("survives every wrong argument of its functions", function()
    local folder = support.tmpname()
    assert(lfs.mkdir(folder))
    local child = support.child("core_caller", SEED, folder)
    local last, line, problem = "nothing"
    repeat
      if line then last = line end
      line, problem = child:read(support.deadline)
    until not (line and line:find("^AT "))
    child:close()
    remove_folder(folder)
    local calls = line and tonumber(line:match("^DONE (%d+)"))
    assert.is_truthy(calls, ("FILEMAP_CORE_SEED=%d: after %s: %s"):format(SEED, last, line or problem))
    assert.is_true(calls > 40000, calls)
  end)
end)
