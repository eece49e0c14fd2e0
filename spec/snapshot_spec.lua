-- Snapshots: what a writer never changed half-way.
--
-- The environment can give FILEMAP_SNAPSHOTS, how many to take under a writer at work (20000).
local check = require "spec.support.check"
local filemap = require "filemap"
local process = require "process"
local struct = require "filemap.struct"
local support = require "spec.support"

local contains = check.contains

local COUNT = tonumber(os.getenv("FILEMAP_SNAPSHOTS")) or 20000

support.clean()

-- What spec/child/publisher.lua writes.
local Published = struct.define("Published", { { "begin", "u32" }, { "values", "u64", 32 }, { "finish", "u32" } })

local function is_whole(t)
  local first = t.values[1]
  for i = 2, 32 do
    if t.values[i] ~= first then return false end
  end
  return true
end

describe("a snapshot under a writer at work", function()
  for kind, guard in pairs { even = { even = "begin" }, first = { first = "begin", last = "finish" } } do
    it(("is whole %d times, guarded by { %s = }"):format(COUNT, kind), function()
      local name = support.unique("Local\\")
      local map <close> = assert(filemap.create(name, 3 * filemap.page_size))
      local view <close> = assert(map:view())
      local publisher = support.child("publisher", name, kind)
      -- Plain reads do not do: the writer is seen at work before it is trusted not to be.
      local deadline, torn = process.now() + support.deadline, 0
      repeat
        if not is_whole(Published:read(view, 0)) then torn = torn + 1 end
      until torn >= 10 or process.now() > deadline
      assert.are.equal(10, torn)
      local wrong, newest = 0, 0
      for _ = 1, COUNT do
        local t = Published:snapshot(view, 0, guard)
        if not is_whole(t) or t.values[1] < newest then wrong = wrong + 1 end
        newest = t.values[1]
      end
      assert.are.equal(0, wrong)
      view:set_u8(2 * filemap.page_size, 1)
      publisher:expect("^published %d+$")
      publisher:finish()
    end)
  end
end)

describe("a snapshot", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, 4096))
    view = assert(map:view())
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  local function times_out(guard, timeout)
    local before = process.now()
    local t, message, code = Published:snapshot(view, 0, guard, timeout)
    assert.is_nil(t)
    assert.are.equal("timeout", code)
    assert.are.equal("Published: no copy was whole within " .. timeout .. " s", message)
    local took = process.now() - before
    assert.is_true(took >= timeout and took < timeout + 5)
  end

  it("is what read gives where nobody writes", function()
    view:set_u64(8, 7)
    for _, guard in ipairs { { even = "begin" }, { first = "begin", last = "finish" }, { same = "begin" } } do
      assert.same(Published:read(view, 0), Published:snapshot(view, 0, guard))
      assert.same(Published:read(view, 0), Published:snapshot(view, 0, guard, 0))
    end
  end)

  it("waits for a counter that is odd", function()
    view:set_u32(0, 3)
    times_out({ even = "begin" }, 0)
    times_out({ even = "begin" }, 0.05)
    view:set_u32(0, 4)
    assert.are.equal(4, Published:snapshot(view, 0, { even = "begin" }, 0).begin)
  end)

  it("waits for two counters that differ", function()
    view:set_u32(0, 3)
    times_out({ first = "begin", last = "finish" }, 0)
    view:set_u32(Published:offsetof("finish"), 3)
    assert.are.equal(3, Published:snapshot(view, 0, { first = "begin", last = "finish" }, 0).finish)
  end)

  it("has a counter anywhere in it, of any type of integer and either order", function()
    local Head = struct.define("Head", { { "pad", "u8" }, { "ticks", "i16", 3 } }, { pack = 1 })
    local S = struct.define("S", { { "x", "u32" }, { "head", Head, 2 } }, { endian = ">" })
    local at = S:offsetof("head[2].ticks[3]")
    view:pack(">i2", at, 2)
    assert.are.equal(2, S:snapshot(view, 0, { even = "head[2].ticks[3]" }, 0).head[2].ticks[3])
    view:pack(">i2", at, -1)
    assert.are.equal("timeout", select(3, S:snapshot(view, 0, { even = "head[2].ticks[3]" }, 0)))
  end)

  it("raises for a guard or a time-out that is none", function()
    local function refuses(text, guard, timeout)
      local ok, message = pcall(function() return (Published:snapshot(view, 0, guard, timeout)) end)
      assert.is_false(ok)
      contains("snapshot_spec.lua", message)
      contains(text, message)
    end
    refuses("table expected, got nil")
    refuses("a guard is { even = }, { first =, last = } or { same = }, not { odd = }", { odd = "begin" })
    refuses("a guard is { even = }", {})
    refuses("a guard with 'first' also has 'last'", { first = "begin" })
    refuses("a guard with 'first' also has 'last'", { last = "begin" })
    refuses("has no", { even = "begin", same = "begin" })
    refuses("Published has no field 'seq'", { even = "seq" })
    refuses("guard 'even': field 'values' is no integer", { even = "values" })
    refuses("guard 'even' is the name of a field, not 3", { even = 3 })
    refuses("time-out -1 is negative or NaN", { even = "begin" }, -1)
    refuses("is negative or NaN", { even = "begin" }, 0 / 0)
    refuses("bad argument #4 to 'snapshot' (number expected, got string)", { even = "begin" }, "1")
  end)

  it("raises where the struct does not lie in the view", function()
    contains("past the end", check.raises(Published, "snapshot", view, 4000, { even = "begin" }))
  end)
end)
