-- The protocols in shared memory, tested without Lua: all interleavings of a few steps
-- (spec/protocol/model.c), and threads at full speed (spec/protocol/threads.c, thread_objects.c).
--
-- The environment variable FILEMAP_PREEMPTIONS sets the number of preemptions in an interleaving (default 3).
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local preemptions = os.getenv("FILEMAP_PREEMPTIONS") or "3"

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
        local count = model:expect("^(%d+) interleavings of " .. scenario .. " hold$")
        assert.is_true(tonumber(count) > 1000)
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
