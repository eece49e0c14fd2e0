-- Fences and memory orders, on simulated processors that need them: one with weakly ordered memory
-- (spec/protocol/weak_memory.c), and one with a store buffer (spec/protocol/wake_order.c).
local process = require "process"
local support = require "spec.support"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

support.clean()

support.only("posix", "the programs are POSIX programs", function()
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
end)
