-- Specs that spec/support_spec.lua runs. Each test succeeds and leaves something behind.
local core = require "filemap.core"
local lfs = require "lfs"
local support = require "spec.support"

describe("untidy", function()
  local made = {}

  support.clean()

  -- Removes what support.clean must have reported.
  teardown(function()
    for _, path in ipairs(made) do os.remove(path) end
    lfs.rmdir(made.folder)
  end)

  local function make(path)
    assert(io.open(path, "w")):close()
    made[#made + 1] = path
  end

  it("keeps a map", function()
    local live = core.live()
    core.live = function() return live + 1 end
  end)

  it("keeps a file", function()
    local path = support.tmpname()
    made.folder = path:match("^(.*)[/\\]")
    make(path .. "x")
  end)

  if not support.windows then
    it("keeps a segment", function() make("/dev/shm/" .. support.unique()) end)
  end
end)
