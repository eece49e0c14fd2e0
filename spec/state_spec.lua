-- filemap.state: readers get the newest value, always a whole one, also where processes die.
local check = require "spec.support.check"
local core = require "filemap.core"
local filemap = require "filemap"
local state = require "filemap.state"
local support = require "spec.support"

local raises, contains, fails = check.raises, check.contains, check.fails

support.clean()

describe("a state", function()
  local name, writer, reader

  before_each(function()
    name = support.unique("Local\\")
    writer = assert(state.create(name, 100))
    reader = assert(state.open(name))
  end)

  after_each(function()
    writer:close()
    reader:close()
  end)

  it("returns the newest value and its version", function()
    assert.same({ n = 2, [2] = 0 }, table.pack(reader:read()))
    assert.is_true(writer:publish("one"))
    assert.same({ "one", 1 }, { reader:read() })
    assert.same({ "one", 1 }, { reader:read(0) })
    writer:publish("")
    writer:publish("three\0\255")
    assert.same({ "three\0\255", 3 }, { reader:read() })
    assert.same({ "three\0\255", 3 }, { writer:read() })
  end)

  it("returns values of any length up to its capacity", function()
    for length = 0, 100 do
      local value = ("%c"):rep(length, ""):format(table.unpack({ ("x"):rep(length):byte(1, -1) }))
      assert.is_true(writer:publish(value))
      assert.equal(value, (reader:read()))
    end
    fails("too_large", name, writer:publish(("x"):rep(101)))
    assert.equal(("x"):rep(100), (reader:read()))
  end)

  it("describes its objects with tostring, and raises in methods of closed objects", function()
    assert.equal(("filemap.state (%s, 100 bytes, writer)"):format(name), tostring(writer))
    assert.equal(("filemap.state (%s, 100 bytes, reader)"):format(name), tostring(reader))
    assert.equal("filemap.state", getmetatable(reader).__name)
    reader:close()
    assert.is_true(reader:close())
    assert.equal("filemap.state (closed)", tostring(reader))
    contains("filemap.state is closed", raises(reader, "read"))
  end)

  it("raises when a reader publishes", function()
    contains("is a reader", raises(reader, "publish", "x"))
  end)

  it("raises for invalid arguments, and fails with a code for invalid names and capacities", function()
    raises(reader, "wait", -1)
    raises(reader, "wait")
    contains("negative", raises(reader, "read", -1))
    contains("must not be NaN", raises(reader, "wait", 0, 0 / 0))
    raises(writer, "publish", {})
    raises(state, ".create", support.unique(), -1)
    raises(state, ".create", support.unique(), 10, { capacity = 1 })
    fails("invalid", "x", state.create("x", 0))
    fails("too_large", "x", state.create("x", 1 << 31))
    fails("too_large", "x", state.create("x", math.maxinteger))
    fails("invalid", "a\\b", state.open("a\\b"))
  end)

  it("has one writer at a time, and keeps its name and capacity for the next writer", function()
    fails("exists", name, state.create(name, 100))
    fails("in_use", name, state.create_or_open(name, 100))
    writer:close()
    fails("exists", name, state.create(name, 100))
    fails("too_small", name, state.create_or_open(name, 101))
    local created
    writer, created = assert(state.create_or_open(name, 50))
    assert.is_false(created)
    assert.is_true(writer:publish(("x"):rep(100)))
  end)

  it("is removed when the last process closes it", function()
    writer:close()
    reader:close()
    fails("not_found", name, state.open(name))
    local created
    writer, created = state.create_or_open(name, 10)
    assert.is_true(created)
  end)

  it("fails with corrupt for the name of a map", function()
    for _, size in ipairs { 1, 64, 4096 } do
      local other = support.unique("Local\\")
      local _ <close> = assert(filemap.create(other, size))
      fails("corrupt", other, state.open(other))
      fails("corrupt", other, state.create_or_open(other, 10))
      fails("exists", other, state.create(other, 10))
    end
  end)

  it("fails with corrupt for a version that no writer can have reached", function()
    -- Offsets: NEWEST is after the header and the wait word's cache line, SLOTS after NEWEST's cache line.
    local NEWEST <const>, SLOTS <const> = 128, 192
    local map <close> = assert(filemap.open(name, "rw"))
    local view <close> = map:view()
    writer:publish("a")
    view:set_i64(NEWEST, math.mininteger)
    view:set_i64(SLOTS, math.mininteger)
    fails("corrupt", name, reader:read())
    fails("corrupt", name, reader:wait(0))
  end)

  it("waits for a newer value", function()
    fails("timeout", name, reader:wait(0, 0))
    writer:publish("a")
    assert.same({ "a", 1 }, { reader:wait(0) })
    local start = core.now()
    fails("timeout", name, reader:wait(1, 0.05))
    assert.is_true(core.now() - start >= 0.045)
    fails("timeout", name, reader:wait(math.maxinteger, 0))
    local child = support.child("evaluator")
    child:ask("s = state.open(%q)", name)
    for i = 2, 20 do
      child:start("return s:wait(%d)", i - 1)
      writer:publish("value " .. i)
      assert.equal(("value %d %d"):format(i, i), child:expect())
    end
  end)

  it("continues with another writer when one dies", function()
    writer:close()
    local child = support.child("evaluator")
    child:ask("s = state.create_or_open(%q, 100) s:publish('first')", name)
    fails("in_use", name, state.create_or_open(name, 100))
    child:kill()
    child:wait(support.deadline)
    assert.same({ "first", 1 }, { reader:read() })
    local waiting = support.child("evaluator")
    waiting:ask("s = state.open(%q)", name)
    waiting:start("return s:wait(1)")
    writer = assert(state.create_or_open(name, 100))
    writer:publish("second")
    assert.equal("second 2", waiting:expect())
  end)

  it("returns whole values, none older than the one before, while a writer is at full speed", function()
    local wide = support.unique("Local\\")
    local child = support.child("evaluator")
    child:ask("w = state.create(%q, 1000)", wide)
    local r <close> = assert(state.open(wide))
    child:start([[t = {} for i = 0, 25 do t[i] = string.char(97 + i):rep(1000) end
      local function go_on() local m <close> = filemap.open(%q) return m end
      local i = 0
      while go_on() do for _ = 1, 1000 do i = i + 1 w:publish(t[i %% 26]) end end
      return i]], name)
    local last, seen = 0, 0
    r:wait(0, support.deadline)
    for _ = 1, 100000 do
      local value, version = r:read(support.deadline)
      if value ~= string.char(97 + version % 26):rep(1000) or version < last then
        error(("version %d after %d: %q"):format(version, last, value))
      end
      if version > last then seen = seen + 1 end
      last = version
    end
    assert.is_true(seen > 10)
    writer:close()
    reader:close()
    local published = tonumber((child:expect()))
    assert.equal(published, (select(2, r:read())))
  end)

  it("stays usable when writers are killed at any moment", function()
    writer:close()
    for round = 1, 20 do
      local child = support.child("evaluator")
      assert.equal("true", child:ask("s = state.create_or_open(%q, 100) return s ~= nil", name))
      child:start("while true do for i = 0, 9 do s:publish(('%%d'):format(i):rep(100)) end end")
      local _, version = assert(reader:wait(select(2, reader:read()), support.deadline))
      reader:wait(version + round * 10, support.deadline)
      child:kill()
      child:wait(support.deadline)
      local value = assert(reader:read())
      assert.equal(value:sub(1, 1):rep(100), value)
    end
    writer = assert(state.create_or_open(name, 100))
  end)

  it("is read by polling without permission to write", function()
    if support.windows then return end -- there the right depends on a security descriptor
    local lfs = require "lfs"
    writer:publish("for all")
    for file in lfs.dir("/dev/shm") do
      if file:find(name:sub(7), 1, true) then
        assert(os.execute(("chmod 0444 /dev/shm/%s"):format(file)))
      end
    end
    -- root can write even so: then this is a reader like any other.
    local other <close> = assert(state.open(name))
    assert.same({ "for all", 1 }, { other:read() })
    writer:publish("next")
    assert.same({ "next", 2 }, { other:wait(1, support.deadline) })
    fails("timeout", name, other:wait(2, 0.02))
  end)
end)
