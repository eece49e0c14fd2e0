-- Arrays of numbers in a view.
local filemap = require "filemap"
local check = require "spec.support.check"
local support = require "spec.support"

local raises, contains = check.raises, check.contains

local SIZE = 4096
local TYPES = {
  { T = "i8", bytes = 1, least = -0x80, greatest = 0x7f },
  { T = "u8", bytes = 1, least = 0, greatest = 0xff },
  { T = "i16", bytes = 2, least = -0x8000, greatest = 0x7fff },
  { T = "u16", bytes = 2, least = 0, greatest = 0xffff },
  { T = "i32", bytes = 4, least = -0x80000000, greatest = 0x7fffffff },
  { T = "u32", bytes = 4, least = 0, greatest = 0xffffffff },
  { T = "i64", bytes = 8, least = math.mininteger, greatest = math.maxinteger },
  { T = "u64", bytes = 8, least = math.mininteger, greatest = math.maxinteger },
  { T = "f32", bytes = 4, least = -1.5, greatest = 0.25 },
  { T = "f64", bytes = 8, least = -1e300, greatest = 0.1 },
}
local FAR = { 2^31, 2^32, 2^53, 2^61, 2^62, math.maxinteger }

support.clean()

-- Assigns x to a[i], which must raise. Returns the message.
local function assigning(a, i, x)
  local ok, message = pcall(function() a[i] = x end)
  assert.is_false(ok)
  return message
end

describe("an array", function()
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
    it("stores " .. type.T .. " elements one after another, from any offset", function()
      for _, offset in ipairs { 0, 1, 3, 8, SIZE - 10 * type.bytes } do
        local a = view:array(type.T, offset, 10)
        assert.are.equal(10, #a)
        for i = 1, 10 do
          local x = i == 1 and type.least or i == 2 and type.greatest or i
          a[i] = x
          assert.are.equal(x, a[i])
          assert.are.equal(math.type(view["get_" .. type.T](view, offset)), math.type(a[i]))
          assert.are.equal(x, view["get_" .. type.T](view, offset + (i - 1) * type.bytes))
        end
      end
    end)

    it("gets and sets all " .. type.T .. " elements in one call", function()
      local a, numbers = view:array(type.T, 5, 100), {}
      for i = 1, 100 do numbers[i] = i % 3 == 0 and type.least or i % 3 == 1 and type.greatest or i end
      assert.are.equal(0, select("#", a:set(1, numbers)))
      assert.are.same(numbers, a:get())
      for i = 1, 100 do assert.are.equal(numbers[i], a[i]) end
      local before, after = view:get_u8(4), view:get_u8(5 + 100 * type.bytes)
      assert.are.same({ 0, 0 }, { before, after })
    end)
  end

  it("returns nil for an index out of range, as a table does", function()
    local a = view:array("i32", 0, 5)
    for _, i in ipairs { 0, -1, 6, 2^31, 2^32, 2^53, math.maxinteger, math.mininteger, 1.5, 2^63, 0/0,
      1/0, "1", "x",
      true, {} } do
      assert.is_nil(a[i])
    end
    view:set_i32(4, 9)
    assert.are.equal(9, a[2.0])
    assert.is_nil(a["2"])
    assert.is_nil(a[print])
  end)

  it("works with ipairs and with a numeric for loop", function()
    local a, sum = view:array("u16", 0, 50), 0
    for i = 1, #a do a[i] = i end
    local count = 0
    for i, x in ipairs(a) do
      assert.are.equal(i, x)
      count, sum = count + 1, sum + x
    end
    assert.are.same({ 50, 1275 }, { count, sum })
  end)

  it("raises on a write out of range, and names the index", function()
    local a = view:array("i32", 0, 5)
    for _, i in ipairs { 0, -1, 6, math.maxinteger, math.mininteger } do
      contains(("index %d is out of the range of an array (1 to 5)"):format(i), assigning(a, i, 1))
    end
    contains("index 1.5 is out of the range", assigning(a, 1.5, 1))
    contains("index 1 is out of the range", assigning(a, "1", 1))
    contains("index x is out of the range", assigning(a, "x", 1))
    contains("index get is out of the range", assigning(a, "get", 1))
    a[2.0] = 3
    assert.are.equal(3, a[2])
    assert.are.equal(("\0"):rep(SIZE - 8), view:get_string(8, SIZE - 8))
  end)

  it("rejects a value that does not fit the element type", function()
    local a = view:array("u8", 0, 5)
    a[3] = 7
    contains("element 3: 256 does not fit u8 (0 to 255)", assigning(a, 3, 256))
    contains("element 3: -1 does not fit u8 (0 to 255)", assigning(a, 3, -1))
    contains("element 3: number expected, got nil", assigning(a, 3, nil))
    contains("element 3: number expected, got string", assigning(a, 3, "x"))
    contains("element 3: number has no integer representation", assigning(a, 3, 1.5))
    a[4] = 2.0
    a[5] = "9"
    assert.are.same({ 0, 0, 7, 2, 9 }, a:get())
  end)

  describe("get", function()
    it("returns the elements of a range, and nil for indices outside the array", function()
      local a = view:array("i16", 2, 5)
      a:set(1, { 10, 20, 30, 40, 50 })
      assert.are.same({ 20, 30 }, a:get(2, 3))
      assert.are.same({ 40, 50 }, a:get(4))
      assert.are.same({ 10, 20 }, a:get(nil, 2))
      assert.are.same({ 40, 50 }, a:get(4, 100))
      assert.are.same({ [2] = 10, [3] = 20 }, a:get(0, 2))
      assert.are.same({ [4] = 10, [5] = 20 }, a:get(-2, 2))
      assert.are.same({}, a:get(3, 2))
      assert.are.same({}, a:get(6, 9))
      assert.are.same({}, a:get(-5, 0))
      assert.are.same({}, a:get(math.mininteger, math.maxinteger))
      assert.are.same({ 50 }, a:get(5, math.maxinteger))
      assert.are.same({}, a:get(math.maxinteger, math.maxinteger))
      contains("number expected, got string", raises(a, "get", "x"))
      contains("number has no integer representation", raises(a, "get", 1, 1.5))
    end)
  end)

  describe("set", function()
    it("writes consecutive elements from the given index", function()
      local a = view:array("f32", 0, 5)
      a:set(2, { 0.5, 1, "2" })
      assert.are.same({ 0, 0.5, 1, 2, 0 }, a:get())
      a:set(5, { 9 })
      a:set(6, {})
      a:set(-1, {})
      assert.are.same({ 0, 0.5, 1, 2, 9 }, a:get())
    end)

    it("writes nothing if an element or the range is invalid", function()
      local a = view:array("u8", 0, 5)
      a:set(1, { 1, 2, 3, 4, 5 })
      contains("bad argument #2 to 'set' (element 3: 256 does not fit u8 (0 to 255))",
        raises(a, "set", 1, { 9, 9, 256 }))
      contains("element 2: number expected, got boolean", raises(a, "set", 1, { 9, true }))
      contains("element 1: number expected, got string", raises(a, "set", 1, { "x", 9 }))
      contains("2 elements from index 5 on are out of the range of an array (1 to 5)",
        raises(a, "set", 5, { 9, 9 }))
      contains("index 0 is out of the range", raises(a, "set", 0, { 9, 9 }))
      contains("index 6 is out of the range", raises(a, "set", 6, { 9 }))
      contains("index -1 is out of the range", raises(a, "set", -1, { 9 }))
      for _, far in ipairs(FAR) do contains("is out of the range", raises(a, "set", far, { 9 })) end
      contains("table expected, got number", raises(a, "set", 1, 9))
      assert.are.same({ 1, 2, 3, 4, 5 }, a:get())
    end)

    it("reads the table without calling its metamethods", function()
      local a = view:array("u8", 0, 5)
      local calls = 0
      local t = setmetatable({ 1, 2 }, {
        __index = function() calls = calls + 1 return 7 end,
        __len = function() calls = calls + 1 return 5 end,
      })
      a:set(1, t)
      assert.are.same({ 1, 2, 0, 0, 0 }, a:get())
      assert.are.equal(0, calls)
    end)
  end)

  describe("copy", function()
    it("copies from an array of the same type, and within one array", function()
      local a, b = view:array("i32", 0, 10), view:array("i32", 101, 10)
      for i = 1, 10 do a[i], b[i] = i, 100 + i end
      a:copy(2, b, 9, 2)
      assert.are.same({ 1, 109, 110, 4 }, a:get(1, 4))
      b:copy(2, b, 1, 9)
      assert.are.same({ 101, 101, 102, 103, 104, 105, 106, 107, 108, 109 }, b:get())
      b:copy(1, b, 2, 9)
      assert.are.same({ 101, 102, 103, 104, 105, 106, 107, 108, 109, 109 }, b:get())
      a:copy(99, b, -5, 0)
    end)

    it("raises for an array of another type, and for a range outside either array", function()
      local a, b = view:array("i32", 0, 10), view:array("u32", 100, 10)
      local c = view:array("i32", 200, 5)
      contains("bad argument #2 to 'copy' (array of i32 expected, got one of u32)",
        raises(a, "copy", 1, b, 1, 1))
      contains("filemap.array expected, got filemap.view", raises(a, "copy", 1, view, 1, 1))
      contains("6 elements from index 1 on are out of the range of an array (1 to 5)",
        raises(a, "copy", 1, c, 1, 6))
      contains("6 elements from index 1 on are out of the range of an array (1 to 5)",
        raises(c, "copy", 1, a, 1, 6))
      contains("index 0 is out of the range", raises(a, "copy", 0, c, 1, 1))
      contains("index 6 is out of the range", raises(a, "copy", 1, c, 6, 1))
      contains("count -1 is negative", raises(a, "copy", 1, c, 1, -1))
      for _, far in ipairs(FAR) do
        contains("out of the range", raises(a, "copy", far, c, 1, 1))
        contains("out of the range", raises(a, "copy", 1, c, 1, far))
      end
    end)
  end)

  it("raises if it does not fit in the view", function()
    contains("bad argument #2 to 'array' (offset 0 + 4100 bytes is past the end of a 4096-byte view)",
      raises(view, "array", "i32", 0, 1025))
    contains("is past the end", raises(view, "array", "u8", SIZE, 1))
    contains("offset -1 is negative", raises(view, "array", "u8", -1, 1))
    contains("count -1 is negative", raises(view, "array", "u8", 0, -1))
    for _, far in ipairs(FAR) do
      contains("is past the end", raises(view, "array", "u8", far, 1))
      contains("is past the end", raises(view, "array", "f64", 0, far))
      contains("is past the end", raises(view, "array", "f64", 8, far))
    end
    contains("unknown type 'int'", raises(view, "array", "int", 0, 1))
    assert.are.equal(0, #view:array("i32", SIZE, 0))
    assert.are.same({}, view:array("i32", SIZE, 0):get())
    assert.are.equal(1024, #view:array("i32", 0, 1024))
  end)

  it("keeps its view from being collected, and closes with the view", function()
    local a = assert(map:view()):array("i32", 0, 3)
    collectgarbage()
    collectgarbage()
    a[1] = 5
    assert.are.equal(5, view:get_i32(0))
    local slice = assert(view:sub(0, 40))
    local b = slice:array("i32", 0, 3)
    assert.are.equal("filemap.array (3 i32)", tostring(b))
    slice:close()
    assert.are.equal("filemap.array (closed)", tostring(b))
    local function closed(f) contains("filemap.view is closed", select(2, pcall(f))) end
    closed(function() return b[1] end)
    closed(function() return b[9] end)
    closed(function() b[1] = 1 end)
    closed(function() b[9] = 1 end)
    closed(function() return #b end)
    closed(function() return b:get() end)
    closed(function() b:set(1, { 1 }) end)
    closed(function() b:copy(1, a, 1, 1) end)
    closed(function() a:copy(1, b, 1, 1) end)
    closed(function() return ipairs(b)(b, 0) end)
  end)

  it("allows reads and rejects writes over a read-only view", function()
    local reader <close> = assert(view:sub(0, 40, "r"))
    local a = reader:array("i32", 0, 10)
    assert.are.equal(0, a[1])
    contains("is read-only", assigning(a, 1, 1))
    contains("is read-only", raises(a, "set", 1, { 1 }))
    contains("is read-only", raises(a, "copy", 1, a, 2, 1))
  end)

  it("accepts no other object as self, and is not accepted as a view", function()
    local a = view:array("u8", 0, 1)
    local index, newindex = getmetatable(a).__index, getmetatable(a).__newindex
    for _, other in ipairs { view, map, {}, "x", 1, io.stdout } do
      assert.is_false(pcall(index, other, 1))
      assert.is_false(pcall(newindex, other, 1, 1))
      assert.is_false(pcall(a.get, other))
      assert.is_false(pcall(view.get_u8, a, 0))
    end
    assert.is_false(pcall(index))
  end)

  it("gets all elements or raises when a finalizer closes the view during the call", function()
    assert(map:view()):fill(0, SIZE, 1)
    local done = { [true] = 0, [false] = 0 }
    for _ = 1, 300 do
      local victim = assert(map:view())
      local a = victim:array("u8", 0, SIZE)
      setmetatable({}, { __gc = function() victim:close() end })
      local fine, result = pcall(a.get, a)
      if fine then assert.are.equal(SIZE, #result)
      else contains("is closed", result) end
      done[fine] = done[fine] + 1
    end
    assert.is_true(done[true] > 0)
  end)
end)
