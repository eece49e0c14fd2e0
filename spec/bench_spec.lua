-- How script/bench measures, and what it refuses to print. The clock of these specs is a number that the
-- measured functions advance, so that nothing depends on the machine.
local cleanup = require "bench.cleanup"
local filemap = require "filemap"
local harness = require "bench.harness"
local limits = require "bench.limits"
local support = require "spec.support"

support.clean()

-- Returns a clock, and a function that makes a competitor: one repetition takes `each` nanoseconds, and each
-- run 100 more. The run number `disturbed` of all runs takes `delay` more, as if the system ran another
-- process then.
local function virtual_clock(disturbed, delay)
  local time, runs = 0, 0
  local function now() return time end
  return now, function(each)
    return function(repetitions)
      runs = runs + 1
      time = time + 100 + each * repetitions + (runs == disturbed and delay or 0)
    end
  end
end

describe("bench.harness", function()
  it("measures right even if another process disturbs any one of the runs that calibrate", function()
    harness.rounds = { least = 15, most = 15 } -- each round collects garbage
    for disturbed = 0, 40 do
      for _, delay in ipairs { 130e3, 2e6, 50e6 } do
        local now, competitor = virtual_clock(disturbed, delay)
        local samples = harness.measure(now, { competitor(30) }, 1e6)
        local median = harness.quartiles(samples[1])[2]
        assert.is_true(median >= 30 and median < 31,
          ("run %d delayed by %d ns: %g"):format(disturbed, delay, median))
      end
    end
  end)

  it("measures work that takes longer than the target in single repetitions", function()
    local now, competitor = virtual_clock(0, 0)
    local samples = harness.measure(now, { competitor(5e6) }, 1e6)
    assert.equal(harness.rounds.most, #samples[1])
    assert.equal(5e6 + 100, samples[1][1])
  end)
end)

describe("bench.harness.ratio_of_ratios", function()
  it("compares in each round how much two pairs grow", function()
    local quartiles = harness.ratio_of_ratios({ 20, 30, 80 }, { 10, 10, 20 }, { 4, 6, 8 }, { 2, 2, 2 })
    assert.same({ 1, 1, 1 }, quartiles)
    assert.equal(2, harness.ratio_of_ratios({ 8, 8, 8 }, { 2, 2, 2 }, { 4, 4, 4 }, { 2, 2, 2 })[2])
  end)
end)

describe("bench.limits", function()
  it("accepts a limit that takes up to 1.5 times as long as what it limits", function()
    assert.is_nil(limits.check("work", { filemap = { 10, 20, 30 }, ["C limit"] = { 45, 30, 15 } }))
    assert.is_nil(limits.check("work", { filemap = { 10, 20, 30 }, ["C limit"] = { 5, 10, 15 } }))
  end)

  it("rejects a limit that takes longer than that even in its shortest round, and names it", function()
    assert.is_nil(limits.check("work", { filemap = { 10, 20, 30 }, ["C limit"] = { 90, 80, 11 } }))
    assert.equal("work: the C limit takes 1.60 times as long as filemap, which it should limit (at most 1.5)",
      limits.check("work", { filemap = { 10, 20, 30 }, ["C limit"] = { 90, 32, 16 } }))
  end)

  it("compares each limit with what it limits", function()
    local samples = { filemap = { 10 }, ["luaposix FIFO"] = { 1000 }, ["C, FIFO"] = { 900 } }
    assert.is_nil(limits.check("work", samples))
    samples["C, FIFO"] = { 1501 }
    local message = "the C, FIFO takes 1.50 times as long as luaposix FIFO"
    assert.matches(message, limits.check("work", samples), 1, true)
  end)

  it("accepts work without a limit", function()
    assert.is_nil(limits.check("work", { filemap = { 10 } }))
    assert.is_nil(limits.check("work", { ["C limit"] = { 10 } }))
  end)
end)

support.only("posix", "benchmarks run on Linux alone", function()
  describe("bench.cleanup", function()
    it("lists the names of this process that are left in /dev/shm", function()
      local name = cleanup.unique()
      local map <close> = assert(filemap.create(name, 1))
      assert.matches("^work: names left in /dev/shm: [^ ,]*" .. name:gsub("%p", "%%%0") .. "$",
        cleanup.check("work"))
      map:close()
      assert.is_nil(cleanup.check("work"))
    end)

    it("ends a process so that it removes the name of which it is the last holder", function()
      local name, child = cleanup.unique(), support.child("evaluator")
      child:ask("m = filemap.create(%q, 1)", name)
      assert.matches(name, cleanup.check("work"), 1, true)
      cleanup.finish(child, support.deadline)
      assert.is_nil(cleanup.check("work"))
    end)

    it("raises if the process fails", function()
      local child = support.child("evaluator")
      child:start("os.exit(3)")
      assert.has_error(function() cleanup.finish(child, support.deadline) end,
        "a process did not end well: 3")
    end)
  end)
end)
