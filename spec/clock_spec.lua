-- filemap.now and filemap.sleep.
local check = require "spec.support.check"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"

local contains, raises = check.contains, check.raises

support.clean()

describe("filemap.now", function()
  it("returns seconds that never go back", function()
    local last = filemap.now()
    assert.are.equal("float", math.type(last))
    for _ = 1, 1000 do
      local now = filemap.now()
      assert.is_true(now >= last)
      last = now
    end
  end)

  it("advances as the clock of the system does", function()
    local ours, theirs = filemap.now(), process.now()
    process.sleep(0.1)
    assert.is_true(math.abs(filemap.now() - ours - (process.now() - theirs)) < 0.05)
  end)
end)

describe("filemap.sleep", function()
  it("returns after the time that was asked for, and uses no processor time", function()
    for _, seconds in ipairs { 0, 0.01, 0.3 } do
      local started, used = process.now(), process.cpu()
      filemap.sleep(seconds)
      local took = process.now() - started
      assert.is_true(took >= seconds and took < seconds + 5, ("%g s took %g s"):format(seconds, took))
      assert.is_true(process.cpu() - used < 0.1)
    end
  end)

  support.only("posix", "there are no signals")("is not cut short by a signal", function()
    local child = support.child("evaluator")
    child:start("local s = filemap.now() filemap.sleep(0.5) return filemap.now() - s >= 0.5")
    for _ = 1, 5 do
      child:stop()
      process.sleep(0.02)
      child:resume()
    end
    assert.are.equal("true", child:expect())
    child:finish()
  end)

  it("raises for a negative number, NaN and other types", function()
    contains("number expected, got no value", raises(filemap, ".sleep"))
    contains("number expected, got table", raises(filemap, ".sleep", {}))
    contains("must not be negative", raises(filemap, ".sleep", -1))
    contains("bad argument #1 to 'sleep'", raises(filemap, ".sleep", 0 / 0))
  end)
end)
