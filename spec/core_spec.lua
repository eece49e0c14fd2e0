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

  -- Either the system's linker lacks a function of Lua's, or the module finds that the versions differ.
  for _, other in ipairs { "lua5.3", "lua5.4" } do
    local it = support.having(other, support.only("posix", "Windows' Lua is the DLL that the module names"))
    if other ~= "lua" .. _VERSION:match("[%d.]+$") and not support.foreign then
      it("is refused by " .. other .. ", as a module for another Lua", function()
        local load_core = "print(select(2, pcall(require, 'filemap.core')))"
        local command = ("LUA_INIT= LUA_CPATH='%s' %s -e %q 2>&1"):format(package.cpath, other, load_core)
        local said <close> = assert(io.popen(command))
        local line = said:read("a")
        local is_refused = line:find("version mismatch", 1, true) or line:find("undefined symbol", 1, true)
        assert.is_truthy(is_refused, line)
      end)
    end
  end
end)
