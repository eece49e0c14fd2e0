-- The protocols in shared memory, tested without Lua: all interleavings of a few steps
-- (spec/protocol/model.c), weakly ordered memory (spec/protocol/weak_memory.c), a processor with a store buffer
-- (spec/protocol/wake_order.c), and threads at full speed (spec/protocol/threads.c, thread_objects.c).
--
-- The environment variable FILEMAP_PREEMPTIONS sets the number of preemptions in an interleaving (default 3).
local process = require "process"
local support = require "spec.support"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local preemptions = os.getenv("FILEMAP_PREEMPTIONS") or "3"

support.clean()

support.only("posix", "the programs are POSIX programs", function()
  describe("the model check", function()
    for _, scenario in ipairs { "ring", "latest", "locks", "death", "heirs", "mailslot", "pipe", "dict",
                               "clear", "list", "recovery", "any", "pollable", "event", "closing" } do
      it("finds no interleaving that fails of the scenario " .. scenario, function()
        local model <close> = process.spawn { folder .. "model", scenario, preemptions }
        local count = model:expect("^(%d+) interleavings of " .. scenario .. " hold$")
        assert.is_true(tonumber(count) > 1000)
        model:finish()
      end)
    end
  end)

  describe("the newest value on a weakly ordered processor", function()
    it("is whole, and the memory is never called corrupt", function()
      local program <close> = process.spawn { folder .. "weak_memory" }
      local count, needed = program:expect("^(%d+) executions hold, and fail without (%d+) of %d+ orders$")
      assert.is_true(tonumber(count) > 100)
      assert.are.equal(6, tonumber(needed))
      program:finish()
    end)
  end)

  describe("a waking by a processor with a store buffer", function()
    it("is never lost, because of the fences of both sides", function()
      local program <close> = process.spawn { folder .. "wake_order" }
      local count, without = program:expect("^(%d+) executions hold, and (%d+) fail without the fences$")
      assert.is_true(tonumber(count) > 10)
      assert.is_true(tonumber(without) > 0)
      program:finish()
    end)
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
