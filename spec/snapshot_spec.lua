-- Snapshots: tables that no writer changed half-way.
--
-- The environment can give FILEMAP_SNAPSHOTS, the number of snapshots under a writer at work (20000).
local check = require "spec.support.check"
local filemap = require "filemap"
local process = require "process"
local struct = require "filemap.struct"
local support = require "spec.support"

local contains = check.contains

local COUNT = tonumber(os.getenv("FILEMAP_SNAPSHOTS")) or 20000

support.clean()

-- The struct that spec/child/publisher.lua writes.
local Published = struct.define("Published",
  { { "begin", "u32" }, { "values", "u64", 32, offset = 8 }, { "finish", "u32" } })

local function is_whole(t)
  local first = t.values[1]
  for i = 2, 32 do
    if t.values[i] ~= first then return false end
  end
  return true
end

describe("a snapshot by a counter in the other byte order", function()
  local other = string.pack("=I2", 1) == "\1\0" and ">" or "<"
  local Swapped = struct.define("Swapped", { { "x", "u8" }, { "seq", "u16" } }, { endian = other })

  for path, fields in pairs { ["i.seq"] = { { "i", Swapped } }, ["i[2].seq"] = { { "i", Swapped, 3 } },
                              seq = { { "", Swapped }, { "q", "u32" } } } do
    it("reads it in that order: " .. path, function()
      local Outer = struct.define("Outer", fields)
      local map <close> = assert(filemap.create(nil, 100))
      local view <close> = assert(map:view())
      for value, odd in pairs { [1] = true, [256] = false } do
        view:pack(other .. "I2", Outer:offsetof(path), value)
        assert.equal(odd, Outer:snapshot(view, 0, { even = path }, 0) == nil)
      end
    end)
  end

  it("leads to the first bit of a bit-field", function()
    local Bits = struct.define("Bits", { { "a", "u16", bits = 3 } }, { endian = other })
    local Outer = struct.define("Outer", { { "x", Bits, 2 } })
    local _, _, first = Bits:offsetof("a")
    assert.equal(first, (select(3, Outer:offsetof("x[2].a"))))
  end)
end)

describe("a snapshot under a writer at work", function()
  for kind, guard in pairs { even = { even = "begin" }, first = { first = "begin", last = "finish" } } do
    it(("is whole %d times, guarded by { %s = }"):format(COUNT, kind), function()
      local name = support.unique("Local\\")
      local map <close> = assert(filemap.create(name, 3 * filemap.page_size))
      local view <close> = assert(map:view())
      local publisher = support.child("publisher", name, kind)
      -- Torn reads show that the writer is at work. Without them the snapshots would prove nothing.
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

  it("equals what read returns while no process writes", function()
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

  it("takes a counter at any place, of any integer type and byte order", function()
    local Head = struct.define("Head", { { "pad", "u8" }, { "ticks", "i16", 3 } }, { pack = 1 })
    local S = struct.define("S", { { "x", "u32" }, { "head", Head, 2 } }, { endian = ">" })
    local at = S:offsetof("head[2].ticks[3]")
    view:pack(">i2", at, 2)
    assert.are.equal(2, S:snapshot(view, 0, { even = "head[2].ticks[3]" }, 0).head[2].ticks[3])
    view:pack(">i2", at, -1)
    assert.are.equal("timeout", select(3, S:snapshot(view, 0, { even = "head[2].ticks[3]" }, 0)))
  end)

  it("raises for an unknown guard and an invalid time-out", function()
    local function refuses(text, guard, timeout)
      local ok, message = pcall(function() return (Published:snapshot(view, 0, guard, timeout)) end)
      assert.is_false(ok)
      contains("snapshot_spec.lua", message)
      contains(text, message)
    end
    refuses("table expected, got nil")
    local protocols = "a guard must be { even = }, { first =, last = } or { same = }, got "
    refuses(protocols .. "{ odd = }", { odd = "begin" })
    refuses(protocols .. "{  }", {})
    refuses(protocols .. "{ first = }", { first = "begin" })
    refuses(protocols .. "{ last = }", { last = "begin" })
    refuses(protocols .. "{ even =, same = }", { even = "begin", same = "begin" })
    refuses(protocols .. "{ even =, odd = }", { even = "begin", odd = "begin" })
    refuses("Published has no field 'seq'", { even = "seq" })
    refuses("guard 'even': field 'values' is not an integer", { even = "values" })
    refuses("guard 'even' must be the name of a field, got 3", { even = 3 })
    refuses(protocols .. "{ even\\0x = }", { ["even\0x"] = "begin" })
    refuses("Published has no field 'begin\\0'", { even = "begin\0" })
    local Flagged = struct.define("Flagged", { { "on", "bool" } })
    contains("guard 'even': field 'on' is not an integer",
      check.raises(Flagged, "snapshot", view, 0, { even = "on" }, 0))
    refuses("time-out -1 is negative or NaN", { even = "begin" }, -1)
    refuses("is negative or NaN", { even = "begin" }, 0 / 0)
    refuses("bad argument #4 to 'snapshot' (number expected, got string)", { even = "begin" }, "1")
  end)

  it("sleeps while it waits for a writer that died in the middle", function()
    view:set_u32(0, 3)
    local before, started = process.cpu(), process.now()
    times_out({ even = "begin" }, 0.5)
    assert.is_true(process.now() - started >= 0.5)
    assert.is_true(process.cpu() - before < 0.1, "it used a processor for " .. process.cpu() - before .. " s")
  end)

  it("ends when the writer has finished", function()
    local name = support.unique("Local\\")
    local shared <close> = assert(filemap.create(name, 4096))
    local seen <close> = assert(shared:view())
    seen:set_u32(0, 1)
    local child = support.child("evaluator")
    child:start([[v = assert(filemap.open(%q, 'rw')):view() filemap.sleep(0.2)
      v:set_u64(8, 7) v:set_u32(0, 2)]], name)
    local t = Published:snapshot(seen, 0, { even = "begin" }, support.deadline)
    assert.same({ 2, 7 }, { t.begin, t.values[1] })
    child:finish()
  end)

  it("takes a guard that changed since the last snapshot as it is now", function()
    local guard = { even = "begin" }
    assert.is_table(Published:snapshot(view, 0, guard, 0))
    view:set_u32(0, 1)
    assert.are.equal("timeout", select(3, Published:snapshot(view, 0, guard, 0)))
    guard.even, guard.same = nil, "begin"
    assert.is_table(Published:snapshot(view, 0, guard, 0))
    guard.odd = "begin"
    contains("a guard must be", check.raises(Published, "snapshot", view, 0, guard, 0))
  end)

  it("compares counters of different types by their values", function()
    local S = struct.define("S", { { "first", "i8" }, { "x", "u32" }, { "last", "i64" } }, { endian = ">" })
    S:write(view, 0, { first = -3, x = 5, last = -3 })
    assert.same({ first = -3, x = 5, last = -3 }, S:snapshot(view, 0, { first = "first", last = "last" }, 0))
    S:write(view, 0, { last = 253 })
    assert.are.equal("timeout", select(3, S:snapshot(view, 0, { first = "first", last = "last" }, 0)))
  end)

  it("includes a flexible array", function()
    local S = struct.define("S", { { "seq", "u32" }, { "data", "u16", 0 } })
    local slice <close> = view:sub(0, 10)
    slice:pack("I4I2I2I2", 0, 2, 7, 8, 9)
    assert.same({ seq = 2, data = { 7, 8, 9 } }, S:snapshot(slice, 0, { even = "seq" }, 0))
  end)

  it("raises for a struct that is not wholly in the view", function()
    contains("past the end", check.raises(Published, "snapshot", view, 4000, { even = "begin" }))
  end)
end)
