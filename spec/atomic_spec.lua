-- Atomic operations: load, store, exchange, add, and, or, compare_exchange.
local filemap = require "filemap"
local check = require "spec.support.check"
local support = require "spec.support"

local raises, contains = check.raises, check.contains

local SIZE = 4096
local TYPES = {
  { T = "i32", bytes = 4, least = -0x80000000, greatest = 0x7fffffff },
  { T = "u32", bytes = 4, least = 0, greatest = 0xffffffff },
  { T = "i64", bytes = 8, least = math.mininteger, greatest = math.maxinteger },
  { T = "u64", bytes = 8, least = math.mininteger, greatest = math.maxinteger },
}
local CHANGES = { "exchange", "add", "and", "or" }

support.clean()

-- Wraps x into the range of the type.
local function wrap(type, x)
  if type.bytes == 8 then return x end
  x = x & 0xffffffff
  return type.least < 0 and x > type.greatest and x - 0x100000000 or x
end

describe("an atomic", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE))
    view = assert(map:view())
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  for _, type in ipairs(TYPES) do
    local T, bytes = type.T, type.bytes
    local function call(name, ...) return view[name .. "_" .. T](view, ...) end
    local values = { 0, 1, 42, type.least, type.greatest, type.least + 1, type.greatest - 1 }

    describe(T, function()
      it("stores and loads every value, and agrees with get and set", function()
        for offset = 0, SIZE - bytes, 509 * bytes do
          for _, value in ipairs(values) do
            assert.are.equal(0, select("#", call("store", offset, value)))
            assert.are.equal(value, call("load", offset))
            assert.are.equal(value, call("get", offset))
            call("set", offset, 7)
            assert.are.equal(7, call("load", offset))
          end
        end
      end)

      it("leaves the bytes before and after it unchanged", function()
        view:fill(0, 64, 0xAA)
        call("store", 16, 0)
        call("add", 16, 1)
        assert.are.equal(("\xAA"):rep(16), view:get_string(0, 16))
        assert.are.equal(("\xAA"):rep(16), view:get_string(16 + bytes, 16))
      end)

      it("applies exchange, add, and, or, and returns the old value", function()
        local results = {
          exchange = function(_, b) return b end,
          add = function(a, b) return wrap(type, a + b) end,
          ["and"] = function(a, b) return wrap(type, a & b) end,
          ["or"] = function(a, b) return wrap(type, a | b) end,
        }
        for _, name in ipairs(CHANGES) do
          for _, a in ipairs(values) do
            for _, b in ipairs(values) do
              call("store", 8, a)
              assert.are.equal(a, call(name, 8, b))
              assert.are.equal(results[name](a, b), call("load", 8), ("%s %d %d"):format(name, a, b))
            end
          end
        end
      end)

      it("swaps in compare_exchange only if the old value is the expected one", function()
        for _, a in ipairs(values) do
          call("store", 8, a)
          assert.are.same({ true, a }, { call("compare_exchange", 8, a, type.greatest) })
          assert.are.equal(type.greatest, call("load", 8))
          call("store", 8, 3)
          assert.are.same({ false, 3 }, { call("compare_exchange", 8, 2, 9) })
          assert.are.equal(3, call("load", 8))
        end
      end)

      it("rejects a value that does not fit, and keeps the old value", function()
        call("store", 8, 5)
        local unfit = bytes == 4 and { type.least - 1, type.greatest + 1,
          math.maxinteger, math.mininteger } or {}
        for _, value in ipairs(unfit) do
          local message = ("%d does not fit %s"):format(value, T)
          contains("bad argument #2 to 'store_" .. T .. "' (" .. message,
            raises(view, "store_" .. T, 8, value))
          for _, name in ipairs(CHANGES) do contains(message, raises(view, name .. "_" .. T, 8, value)) end
          contains("#2", raises(view, "compare_exchange_" .. T, 8, value, 1))
          contains("bad argument #3 to 'compare_exchange_" .. T .. "' (" .. message,
            raises(view, "compare_exchange_" .. T, 8, 5, value))
        end
        for _, value in ipairs { "x", 1.5, 2^63, {} } do
          contains("number", raises(view, "store_" .. T, 8, value))
          contains("number", raises(view, "add_" .. T, 8, value))
        end
        contains("number expected, got no value", raises(view, "compare_exchange_" .. T, 8, 5))
        assert.are.equal(5, call("load", 8))
      end)

      it("raises if its address is not aligned", function()
        local slice <close> = assert(view:sub(1, 100))
        for offset = 1, bytes - 1 do
          contains(("bad argument #1 to 'load_%s' (offset %d is not aligned to %d bytes in memory)")
            :format(T, offset,
            bytes), raises(view, "load_" .. T, offset))
          contains("is not aligned", raises(view, "add_" .. T, offset, 1))
          contains("is not aligned", raises(view, "compare_exchange_" .. T, offset, 1, 1))
        end
        contains("is not aligned", raises(slice, "store_" .. T, 0, 1))
        slice["store_" .. T](slice, bytes - 1, 1)
        assert.are.equal(1, call("load", bytes))
      end)

      it("raises past the end of a view, on writes to a read-only view, and on a closed view", function()
        for _, far in ipairs { SIZE - bytes + 1, SIZE, 2^31, 2^32, 2^53, math.maxinteger } do
          contains("is past the end of a 4096-byte view", raises(view, "load_" .. T, far))
          contains("is past the end of a 4096-byte view", raises(view, "exchange_" .. T, far, 1))
        end
        contains("offset -8 is negative", raises(view, "load_" .. T, -8))
        local reader <close> = assert(view:sub(0, 64, "r"))
        view["store_" .. T](view, 0, 9)
        assert.are.equal(9, reader["load_" .. T](reader, 0))
        contains("is read-only", raises(reader, "store_" .. T, 0, 1))
        contains("is read-only", raises(reader, "or_" .. T, 0, 1))
        contains("is read-only", raises(reader, "compare_exchange_" .. T, 0, 1, 1))
        reader:close()
        contains("filemap.view is closed", raises(reader, "load_" .. T, 0))
        contains("filemap.view is closed", raises(reader, "add_" .. T, 0, 1))
      end)
    end)
  end

  it("exists only for integers of 32 and 64 bits", function()
    for _, T in ipairs { "i8", "u8", "i16", "u16", "f32", "f64" } do assert.is_nil(view["load_" .. T]) end
  end)
end)

describe("concurrent addition by two processes", function()
  support.clean()

  it("loses no update", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(name, SIZE))
    local view <close> = assert(map:view())
    local COUNT = 100000
    local child = support.child("adder", name, COUNT)
    assert(child:write("go\n"))
    for _ = 1, COUNT do
      view:add_u32(0, 1)
      view:add_i64(8, -3)
      local old = view:load_u64(16)
      while true do
        local swapped
        swapped, old = view:compare_exchange_u64(16, old, old + 2)
        if swapped then break end
      end
    end
    assert.equal("done", child:expect())
    child:finish()
    assert.are.same({ 2 * COUNT, -6 * COUNT, 4 * COUNT },
      { view:load_u32(0), view:load_i64(8), view:load_u64(16) })
  end)
end)
