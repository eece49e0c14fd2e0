-- The protocols in shared memory, tested without Lua: all interleavings of a few steps
-- (spec/protocol/model.c), and threads at full speed (spec/protocol/threads.c, thread_objects.c).
--
-- The environment variable FILEMAP_PREEMPTIONS sets the number of preemptions in an interleaving. The default
-- is 3, and 2 under qemu, which needs up to 90 seconds for a scenario with 3.
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local preemptions = os.getenv("FILEMAP_PREEMPTIONS") or support.emulated and "2" or "3"
local LEAST <const> = support.emulated and 300 or 1000

support.clean()

support.only("posix", "the programs are POSIX programs", function()
  describe("the model check", function()
    for _, scenario in ipairs { "ring", "latest", "locks", "death", "heirs", "mailslot", "pipe", "dict",
                               "clear", "list", "recovery", "space", "counts", "any", "pollable", "event",
                               "closing" } do
      local is_built = lfs.attributes(folder .. "model")
      local test = is_built and it or function(name) pending(name .. " (musl has no makecontext)") end
      test("finds no interleaving that fails of the scenario " .. scenario, function()
        local model <close> = process.spawn { folder .. "model", scenario, preemptions }
        local line
        repeat line = model:expect() until not line:find("^%d+ so far$")
        local count = line:match("^(%d+) interleavings of " .. scenario .. " hold$")
        assert.is_true(count and tonumber(count) > LEAST, line)
        model:finish()
      end)
    end
  end)

  describe("threads", function()
    it("exchange messages and values through one piece of memory without an error", function()
      local threads <close> = process.spawn { folder .. "threads", "100000" }
      threads:expect("^100000 messages and values hold$")
      threads:finish()
    end)

    it("use objects of the same names at once, and never take a new thread for a holder", function()
      local program <close> = process.spawn { folder .. "thread_objects", support.unique("Local\\"), "500" }
      program:expect("^500 rounds hold$")
      program:finish()
    end)
  end)
end)
