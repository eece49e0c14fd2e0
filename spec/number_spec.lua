-- Numbers in a view: get_T, set_T, getter and setter for every type T.
local filemap = require "filemap"
local check = require "spec.support.check"
local support = require "spec.support"

local raises, contains = check.raises, check.contains

local SIZE = 4096

-- Each type, its format for string.pack, its size in bytes, and for integers the least and the greatest
-- value.
local INTEGERS = {
  { T = "i8", format = "=i1", bytes = 1, least = -0x80, greatest = 0x7f },
  { T = "u8", format = "=I1", bytes = 1, least = 0, greatest = 0xff },
  { T = "i16", format = "=i2", bytes = 2, least = -0x8000, greatest = 0x7fff },
  { T = "u16", format = "=I2", bytes = 2, least = 0, greatest = 0xffff },
  { T = "i32", format = "=i4", bytes = 4, least = -0x80000000, greatest = 0x7fffffff },
  { T = "u32", format = "=I4", bytes = 4, least = 0, greatest = 0xffffffff },
  { T = "i64", format = "=i8", bytes = 8, least = math.mininteger, greatest = math.maxinteger },
  { T = "u64", format = "=I8", bytes = 8, least = math.mininteger, greatest = math.maxinteger },
}
local FLOATS = {
  { T = "f32", format = "=f", bytes = 4 },
  { T = "f64", format = "=d", bytes = 8 },
}
local ALL = table.move(FLOATS, 1, #FLOATS, #INTEGERS + 1, table.move(INTEGERS, 1, #INTEGERS, 1, {}))

-- As check.raises, for a plain function that the calling code names `get` or `set`.
local function raises_plain(name, f, ...)
  local code = ("local %s = ... local result = %s(select(2, ...)) return result"):format(name, name)
  local ok, message = pcall(assert(load(code)), f, ...)
  assert.is_false(ok, name .. " raised nothing")
  return message
end

local function is_nan(x)
  return x ~= x
end

support.clean()

describe("numbers", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE))
    view = assert(map:view())
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  -- Two ways to read and write a type: by the view's methods and by the plain functions. Each gives
  -- get(offset) and set(offset, value), their names in messages, and functions that make the same calls and
  -- return what they raise.
  local ways = {
    methods = function(v, T)
      local get, set = "get_" .. T, "set_" .. T
      return {
        get = function(...) return v[get](v, ...) end, get_name = get, set_name = set,
        set = function(...) return v[set](v, ...) end,
        get_raises = function(...) return raises(v, get, ...) end,
        set_raises = function(...) return raises(v, set, ...) end,
      }
    end,
    ["getter and setter"] = function(v, T)
      local get, set = v:getter(T), v:setter(T)
      return {
        get = get, set = set, get_name = "get", set_name = "set",
        get_raises = function(...) return raises_plain("get", get, ...) end,
        set_raises = function(...) return raises_plain("set", set, ...) end,
      }
    end,
  }

  for way_name, way in pairs(ways) do
    describe("by " .. way_name, function()
      for _, t in ipairs(ALL) do
        describe(t.T, function()
          local f

          before_each(function()
            f = way(view, t.T)
          end)

          -- Checks that both raise for the offset, with this text in the message.
          local function both_raise(why, offset)
            contains(("bad argument #1 to '%s' (%s)"):format(f.get_name, why), f.get_raises(offset))
            contains(("bad argument #1 to '%s' (%s)"):format(f.set_name, why), f.set_raises(offset, 1))
          end

          it("is stored in native byte order at any alignment, and changes no other byte", function()
            for offset = 8, 16 do
              view:set_string(0, ("\xEE"):rep(32))
              f.set(offset, 77)
              local expected = ("\xEE"):rep(offset) .. string.pack(t.format, 77)
              assert.are.equal(expected .. ("\xEE"):rep(32 - #expected), view:get_string(0, 32))
              assert.are.equal(77, f.get(offset))
            end
          end)

          it("can be read and written from offset 0 to the last offset where it fits", function()
            for _, offset in ipairs { 0, 1, SIZE - t.bytes, 0.0, SIZE - t.bytes + 0.0 } do
              f.set(offset, 5)
              assert.are.equal(5, f.get(offset))
            end
            assert.are.equal(string.pack(t.format, 5), view:get_string(SIZE - t.bytes, t.bytes))
          end)

          it("raises past the view's end, naming the function, the argument and the offset", function()
            for _, offset in ipairs { SIZE - t.bytes + 1, SIZE, SIZE + 1, 2^31, 2^32, 2^53,
                                math.maxinteger } do
              both_raise(("offset %d + %d bytes is past the end of a %d-byte view")
                :format(offset, t.bytes, SIZE),
                offset)
            end
          end)

          it("raises for a negative offset", function()
            for _, offset in ipairs { -1, -t.bytes, -2^31, math.mininteger } do
              both_raise(("offset %d is negative"):format(offset), offset)
            end
          end)

          it("raises for an offset that is not an integer", function()
            for _, offset in ipairs { 0.5, 2^63, -2^64, 0/0, 1/0 } do
              both_raise("number has no integer representation", offset)
            end
            for _, offset in ipairs { "x", true, {}, print } do
              both_raise(("number expected, got %s"):format(type(offset)), offset)
            end
          end)

          it("raises for a value of another type and writes nothing", function()
            view:set_string(0, ("\xEE"):rep(8))
            for _, value in ipairs { "x", true, {}, print } do
              contains(("#2 to '%s' (number expected, got %s)"):format(f.set_name, type(value)),
                f.set_raises(0, value))
            end
            contains(("#2 to '%s' (number expected, got no value)"):format(f.set_name), f.set_raises(0))
            assert.are.equal(("\xEE"):rep(8), view:get_string(0, 8))
          end)

          it("can be read through a read-only view, and raises when it is written there", function()
            f.set(0, 9)
            local readonly <close> = assert(map:view(0, SIZE, "r"))
            local r = way(readonly, t.T)
            assert.are.equal(9, r.get(0))
            for _, offset in ipairs { 0, 1, SIZE - t.bytes } do
              contains("read-only", r.set_raises(offset, 1))
            end
            assert.are.equal(9, f.get(0))
          end)

          it("raises when the view is closed", function()
            view:close()
            contains("filemap.view is closed", f.get_raises(0))
            contains("filemap.view is closed", f.set_raises(0, 1))
          end)
        end)
      end

      for _, t in ipairs(INTEGERS) do
        describe(t.T, function()
          local f

          before_each(function()
            f = way(view, t.T)
          end)

          it("holds its limits and the values next to them", function()
            for _, value in ipairs { t.least, t.least + 1, 0, 1, t.greatest - 1, t.greatest } do
              f.set(3, value)
              assert.are.equal(value, f.get(3))
              assert.are.equal("integer", math.type(f.get(3)))
            end
          end)

          it("raises for an integer that does not fit and writes nothing", function()
            view:set_string(0, ("\xEE"):rep(8))
            local beyond = t.bytes < 8 and { t.least - 1, t.greatest + 1, t.greatest + 1.0, math.mininteger,
              math.maxinteger } or {}
            for _, value in ipairs(beyond) do
              contains(("bad argument #2 to '%s' (%d does not fit %s"):format(f.set_name,
                math.tointeger(value), t.T),
                f.set_raises(0, value))
            end
            for _, value in ipairs { 1.5, 2^63, -2^63 - 2048, 0/0, 1/0, -1/0 } do
              contains(("#2 to '%s' (number has no integer representation)"):format(f.set_name),
                f.set_raises(0, value))
            end
            assert.are.equal(("\xEE"):rep(8), view:get_string(0, 8))
          end)

          it("accepts a float with an exact integer value", function()
            for _, value in ipairs { 0.0, -0.0, 1.0, 100.0 } do
              f.set(0, value)
              assert.are.equal(math.tointeger(value), f.get(0))
              assert.are.equal("integer", math.type(f.get(0)))
            end
          end)

          it("is written and read as string.pack and string.unpack do it", function()
            local seed = os.time()
            math.randomseed(seed)
            for _ = 1, 200 do
              local offset, value = math.random(0, SIZE - 8), math.random(t.least, t.greatest)
              local context = ("seed %d, offset %d, value %d"):format(seed, offset, value)
              f.set(offset, value)
              assert.are.equal(string.pack(t.format, value), view:get_string(offset, t.bytes), context)
              assert.are.equal(value, f.get(offset), context)
            end
          end)
        end)
      end

      for _, t in ipairs(FLOATS) do
        describe(t.T, function()
          local f

          before_each(function()
            f = way(view, t.T)
          end)

          it("is read as a float, also when an integer was written", function()
            f.set(0, 3)
            assert.are.equal(3.0, f.get(0))
            assert.are.equal("float", math.type(f.get(0)))
          end)

          it("holds infinities, NaN and both zeros", function()
            for _, value in ipairs { 1/0, -1/0 } do
              f.set(1, value)
              assert.are.equal(value, f.get(1))
            end
            f.set(1, 0/0)
            assert.is_true(is_nan(f.get(1)))
            f.set(1, -0.0)
            assert.are.equal(-1/0, 1 / f.get(1))
            f.set(1, 0.0)
            assert.are.equal(1/0, 1 / f.get(1))
          end)

          it("is written and read as string.pack and string.unpack do it", function()
            local seed = os.time()
            math.randomseed(seed)
            for _ = 1, 200 do
              local value = (math.random() - 0.5) * 2.0^math.random(-160, 120)
              local context = ("seed %d, value %a"):format(seed, value)
              f.set(5, value)
              assert.are.equal(string.pack(t.format, value), view:get_string(5, t.bytes), context)
              assert.are.equal((string.unpack(t.format, string.pack(t.format, value))), f.get(5), context)
            end
          end)
        end)
      end
    end)
  end

  it("are rounded to the nearest f32, and to infinity where they are too large for one", function()
    for value, expected in pairs {
      [0.1] = 0x1.99999ap-4, [0x1.fffffep127] = 0x1.fffffep127, [0x1p-149] = 0x1p-149, [0x1p-151] = 0.0,
      [0x1.ffffffp127] = 1/0, [1e39] = 1/0, [-1e39] = -1/0, [1.7976931348623157e308] = 1/0, [2^63] = 2.0^63,
    } do
      view:set_f32(0, value)
      assert.are.equal(expected, view:get_f32(0))
    end
    view:set_f32(0, math.maxinteger)
    assert.are.equal(2.0^63, view:get_f32(0))
  end)

  it("are written and read as u64 with the bits of any Lua integer", function()
    for value, bytes in pairs { [-1] = ("\xff"):rep(8),
                                [math.mininteger] = string.pack("=i8", math.mininteger) } do
      view:set_u64(0, value)
      assert.are.equal(bytes, view:get_string(0, 8))
      assert.are.equal(value, view:get_u64(0))
      assert.are.equal(value, view:get_i64(0))
    end
    view:set_i64(0, -2)
    assert.are.equal(-2, view:get_u64(0))
    assert.is_true(math.ult(math.maxinteger, view:get_u64(0)))
  end)

  it("are read from the same bytes by the rule of each type", function()
    view:set_string(0, ("\xff"):rep(8))
    for T, expected in pairs { i8 = -1, u8 = 0xff, i16 = -1, u16 = 0xffff, i32 = -1, u32 = 0xffffffff,
      i64 = -1,
      u64 = -1 } do
      assert.are.equal(expected, view["get_" .. T](view, 0))
    end
    assert.is_true(is_nan(view:get_f32(0)))
    assert.is_true(is_nan(view:get_f64(0)))
  end)

  it("raise in a view that is smaller than the number", function()
    local slice <close> = assert(view:sub(0, 3))
    contains("bad argument #1 to 'get_u32' (offset 0 + 4 bytes is past the end of a 3-byte view)",
      raises(slice, "get_u32", 0))
    contains("bad argument #1 to 'set_u16' (offset 2 + 2 bytes is past the end of a 3-byte view)",
      raises(slice, "set_u16", 2, 1))
    assert.are.equal(0, slice:get_u16(1))
  end)

  it("raise for a self that is not a view", function()
    for _, t in ipairs(ALL) do
      for _, self in ipairs { map, io.stdout, {}, "view", 1, false } do
        for _, method in ipairs { "get_" .. t.T, "set_" .. t.T } do
          local ok, message = pcall(view[method], self, 0, 1)
          assert.is_false(ok)
          contains("filemap.view expected, got ", message)
        end
      end
      assert.is_false(pcall(view["get_" .. t.T]))
    end
  end)
end)

describe("getter and setter", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE))
    view = assert(map:view())
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  for _, maker in ipairs { "getter", "setter" } do
    it("raise for an unknown type: " .. maker, function()
      for _, T in ipairs { "", "i", "i33", "I32", "i32 ", "int", "get_i32" } do
        contains(("bad argument #1 to '%s' (unknown type"):format(maker), raises(view, maker, T))
      end
      for _, T in ipairs { true, {}, print } do
        contains(("#1 to '%s' (string expected, got %s)"):format(maker, type(T)), raises(view, maker, T))
      end
      contains("string expected, got no value", raises(view, maker))
    end)

    it("raise for a type's name that is followed by NUL: " .. maker, function()
      contains(("bad argument #1 to '%s' (unknown type"):format(maker), raises(view, maker, "i32\0"))
    end)

    it("raise for a closed view, and for a self that is not a view: " .. maker, function()
      view:close()
      contains("filemap.view is closed", raises(view, maker, "i32"))
      local ok, message = pcall(view[maker], map, "i32")
      assert.is_false(ok)
      contains("filemap.view expected, got filemap.map", message)
    end)
  end

  it("keep their view from being collected", function()
    local get, set = assert(map:view(0, 8)):getter("u32"), assert(map:view(0, 8)):setter("u32")
    collectgarbage()
    collectgarbage()
    set(4, 0xfeedbeef)
    assert.are.equal(0xfeedbeef, get(4))
    assert.are.equal(0xfeedbeef, view:get_u32(4))
  end)
end)
