-- Waiting for a number in a view: wait_T and wake.
local check = require "spec.support.check"
local filemap = require "filemap"
local steps = require "spec.support.steps"
local support = require "spec.support"

local raises, contains, fails = check.raises, check.contains, check.fails

-- A number of each type whose change from 0 is in its low, and in its high 32 bits.
local TYPES = {
  { T = "i32", bytes = 4, values = { 1, -1 } },
  { T = "u32", bytes = 4, values = { 1, 0xffffffff } },
  { T = "i64", bytes = 8, values = { 1, 1 << 32, math.mininteger } },
  { T = "u64", bytes = 8, values = { 1, 1 << 32, -1 } },
}

-- Wakes that a process misses would each cost 4 ms. So many rounds then take longer than the deadline. (Under
-- wine each round takes about 1 ms.)
local ROUNDS <const> = support.windows and 4000 or 20000

local function open(name)
  local map = assert(filemap.create(name, 4096))
  local view = assert(map:view())
  map:close()
  return view
end

local function child_with_view(name)
  local child = support.child("evaluator")
  child:ask("map = assert(filemap.open(%q, 'rw')) view = assert(map:view())", name)
  return child
end

describe("a process that waits for a number", function()
  support.clean()

  for _, type in ipairs(TYPES) do
    local T = type.T
    local wait, store = "wait_" .. T, "store_" .. T

    describe("of type " .. T, function()
      it("returns it at once if it is not the one that was seen", function()
        local view <close> = open()
        for _, value in ipairs(type.values) do
          view[store](view, 8, value)
          assert.equal(value, view[wait](view, 8, 0))
          assert.equal(value, view[wait](view, 8, 0, 0))
        end
      end)

      it("fails with timeout while it stays the same", function()
        local view <close> = open()
        for _, value in ipairs { 0, table.unpack(type.values) } do
          view[store](view, 8, value)
          fails("timeout", "unnamed map", view[wait](view, 8, value, 0))
          fails("timeout", "unnamed map", view[wait](view, 8, value, 0.02))
        end
      end)

      it("notices the change of a process that does not wake", function()
        local name = support.unique()
        local view <close> = open(name)
        local child = child_with_view(name)
        for _, value in ipairs(type.values) do
          view[store](view, 8, 0)
          child:start("return view:set_%s(8, %d)", T, value)
          assert.equal(value, view[wait](view, 8, 0, support.deadline))
          child:expect()
        end
        child:finish()
      end)

      it("notices each change of a process that wakes", function()
        local name = support.unique()
        local view <close> = open(name)
        local child = child_with_view(name)
        child:start([[
          for i = 1, %d do
            if assert(view:%s(0, i - 1, %d)) ~= i then return 'wrong' end
            view:%s(8, i)
            view:wake(8)
          end
          return 'done' ]], ROUNDS, wait, support.deadline, store)
        for i = 1, ROUNDS do
          view[store](view, 0, i)
          view:wake(0)
          assert.equal(i, assert(view[wait](view, 8, i - 1, support.deadline)))
        end
        assert.equal("done", child:expect())
        child:finish()
      end)

      it("raises for arguments that cannot be right", function()
        local view <close> = open()
        contains("is not aligned to " .. type.bytes, raises(view, wait, 2, 0))
        contains("is past the end", raises(view, wait, 4096, 0))
        contains("negative", raises(view, wait, -8, 0))
        contains("negative", raises(view, wait, 0, 0, -1))
        contains("number expected, got no value", raises(view, wait, 0))
        if type.bytes == 4 then contains("does not fit", raises(view, wait, 0, 1 << 40)) end
        view:close()
        contains("is closed", raises(view, wait, 0, 0))
      end)
    end)
  end

  it("needs no permission to write", function()
    local name = support.unique()
    local writer <close> = open(name)
    local map <close> = assert(filemap.open(name))
    local view <close> = assert(map:view())
    local child = child_with_view(name)
    fails("timeout", name, view:wait_u32(0, 0, 0.02))
    child:start("view:store_u32(0, 5) view:wake(0)")
    assert.equal(5, view:wait_u32(0, 0, support.deadline))
    child:expect()
    child:start("return view:wait_u32(0, 5, %d)", support.deadline)
    writer:store_u32(0, 6)
    assert.equal(0, select("#", view:wake(0)))
    assert.equal("6", child:expect())
    child:finish()
  end)

  it("is woken together with all others", function()
    local name = support.unique()
    local view <close> = open(name)
    local children = {}
    for i = 1, 3 do
      children[i] = child_with_view(name)
      children[i]:start("return view:wait_i64(16, 0, %d)", support.deadline)
    end
    view:store_i64(16, 7)
    view:wake(16)
    for _, child in ipairs(children) do
      assert.equal("7", child:expect())
      child:finish()
    end
  end)

  it("continues to wait when the process that would have woken it is killed", function()
    local name = support.unique()
    local view <close> = open(name)
    local child = child_with_view(name)
    child:start("view:store_u32(0, 1) io.stdin:read('l')")
    assert.equal(1, view:wait_u32(0, 0, support.deadline))
    child:kill()
    fails("timeout", name, view:wait_u32(0, 1, 0.02))
  end)

  it("notices the change of a file that another process writes to", function()
    local path = support.tmpname()
    local map <close> = assert(filemap.file(path, "rw", { size = 4096 }))
    local view <close> = assert(map:view())
    local child = support.child("evaluator")
    child:ask("map = assert(filemap.file(%q, 'rw')) view = assert(map:view())", path)
    child:start("view:set_u32(64, 9)")
    assert.equal(9, view:wait_u32(64, 0, support.deadline))
    child:expect()
    child:finish()
  end)

  it("sleeps for a short time only, however long it has waited", function()
    local name = support.unique()
    local view <close> = open(name)
    local child = steps.child()
    child:ask("view = assert(filemap.open(%q, 'rw')):view()", name)
    -- Sleeps that become longer and longer come to more than the deadline before there are 40.
    child:stop_at("word_sleep", 40)
    assert.is_true(child:stops("return view:wait_u32(0, 0, %d)", support.deadline / 2))
    view:set_u32(0, 7)
    assert.equal("7", child:go_on())
    child:finish()
  end)

  it("waits for a number in private memory until the time-out", function()
    local view <close> = open()
    local copy <close> = assert(view:sub(0, 64, "copy"))
    fails("timeout", "unnamed map", copy:wait_u32(0, 0, 0.02))
  end)

  it("leaves the pages of a private view shared, and notices their change", function()
    local view <close> = open()
    local copy <close> = assert(view:sub(0, 64, "copy"))
    local slice <close> = assert(copy:sub(0, 64, "r"))
    for i, waiting in ipairs { copy, slice } do
      fails("timeout", "unnamed map", waiting:wait_u32(0, i - 1, 0.02))
      waiting:wake(0)
      view:set_u32(0, i)
      assert.equal(i, waiting:wait_u32(0, i - 1, support.deadline))
    end
    fails("timeout", "unnamed map", copy:wait_u64(8, 0, 0.02))
    view:set_u64(8, 5)
    assert.equal(5, copy:get_u64(8))
  end)

  support.losing(support.only("posix", "Windows refuses to truncate a mapped file"))(
    "raises truncated when another process truncates the file", function()
    local path = support.tmpname()
    local map <close> = assert(filemap.file(path, "rw", { size = 4096 }))
    local view <close> = assert(map:view())
    local child = support.child("evaluator")
    child:start("local f = io.open(%q, 'w') f:close()", path)
    contains("truncated", raises(view, "wait_u32", 0, 0, support.deadline))
    child:expect()
    child:finish()
  end)
end)

describe("wake", function()
  support.clean()

  it("raises for an offset that is not aligned, past the end, and on a closed view", function()
    local view <close> = open()
    contains("is not aligned to 4", raises(view, "wake", 2))
    contains("is past the end", raises(view, "wake", 4096))
    view:close()
    contains("is closed", raises(view, "wake", 0))
  end)
end)
