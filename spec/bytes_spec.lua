-- Operations on ranges of bytes: find, fill, copy, equals.
local filemap = require "filemap"
local check = require "spec.support.check"
local support = require "spec.support"

local raises, contains = check.raises, check.contains

local SIZE = 3 * 65536 + 17
local TOO_FAR = { SIZE + 1, 2^31, 2^32, 2^53, math.maxinteger }

support.clean()

-- A random string over a small alphabet, so that a search meets many partial matches.
local function random_bytes(length, letters)
  local bytes = {}
  for i = 1, length do bytes[i] = string.char(math.random(0, letters - 1)) end
  return table.concat(bytes)
end

local noise = random_bytes(SIZE, 256)

describe("a range of bytes:", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE))
    view = assert(map:view())
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  describe("find", function()
    it("returns the same offset as string.find", function()
      math.randomseed(11)
      for case = 1, 20000 do
        local letters = case % 3 + 1
        local s = random_bytes(math.random(0, 60), letters)
        local from = math.random(0, 20)
        view:set_string(from, s)
        local bytes = random_bytes(math.random(0, 9), letters)
        local offset = from + math.random(0, #s)
        local stop = math.random(offset, from + #s)
        local expected = s:sub(1, stop - from):find(bytes, offset - from + 1, true)
        assert.are.equal(expected and expected - 1 + from, view:find(bytes, offset, stop))
      end
    end)

    it("finds long and periodic strings across pages", function()
      for _, bytes in ipairs { "x", "xy", ("ab"):rep(50) .. "c", ("a"):rep(300) .. "b", "b" .. ("a"):rep(300),
        ("abcabcabd"):rep(30), random_bytes(5000, 256) } do
        for _, offset in ipairs { 0, 4095, 65535, SIZE - #bytes } do
          view:fill(0, SIZE, 97)
          view:set_string(offset, bytes)
          local s = view:get_string(0, SIZE)
          assert.are.equal(s:find(bytes, 1, true) - 1, view:find(bytes))
          assert.are.equal(offset, view:find(bytes, offset))
          local again = s:find(bytes, offset + 2, true)
          assert.are.equal(again and again - 1, view:find(bytes, offset + 1))
        end
      end
    end)

    it("finds the empty string at the start offset, even at the end of the view", function()
      assert.are.equal(0, view:find(""))
      assert.are.equal(7, view:find("", 7))
      assert.are.equal(SIZE, view:find("", SIZE))
      assert.is_nil(view:find("", 8, 7))
      assert.is_nil(view:find("\0", SIZE))
    end)

    it("finds only matches that end at or before stop", function()
      view:set_string(10, "needle")
      assert.are.equal(10, view:find("needle", 0, 16))
      assert.is_nil(view:find("needle", 0, 15))
      assert.is_nil(view:find("needle", 11))
      assert.is_nil(view:find("needle", 16, 10))
      assert.is_nil(view:find(("x"):rep(SIZE + 1)))
    end)

    it("searches only inside its slice", function()
      view:set_string(0, "needle and needle")
      local slice <close> = assert(view:sub(1, 15))
      assert.is_nil(slice:find("needle"))
      assert.are.equal(10, slice:find("needl"))
    end)

    it("raises for offsets outside the view, and for values that are not integers", function()
      for _, far in ipairs(TOO_FAR) do
        contains(("bad argument #2 to 'find' (offset %d + 0 bytes is past the end of a %d-byte view)")
          :format(far,
          SIZE), raises(view, "find", "x", far))
        contains("bad argument #3 to 'find' (offset", raises(view, "find", "x", 0, far))
      end
      contains("offset -1 is negative", raises(view, "find", "x", -1))
      contains("stop -1 is negative", raises(view, "find", "x", 0, -1))
      contains("number has no integer representation", raises(view, "find", "x", 2^63))
      contains("string expected, got no value", raises(view, "find"))
    end)
  end)

  describe("fill", function()
    it("fills a range with one byte, and writes nothing outside it", function()
      for _, byte in ipairs { 0, 1, 127, 255, 65.0 } do
        view:fill(0, SIZE, 46)
        view:fill(4095, 3, byte)
        assert.are.equal("." .. string.char(byte // 1 | 0):rep(3) .. ".", view:get_string(4094, 5))
      end
      view:fill(SIZE, 0, 1)
      view:fill(0, SIZE, 7)
      assert.are.equal(("\7"):rep(SIZE), view:get_string(0, SIZE))
    end)

    it("raises for a value that is not a byte, and writes nothing", function()
      for _, byte in ipairs { -1, 256, 2^53, math.mininteger } do
        contains(("bad argument #3 to 'fill' (byte must be from 0 to 255, got %d)"):format(byte),
          raises(view, "fill", 0, 9, byte))
      end
      contains("number expected, got no value", raises(view, "fill", 0, 9))
      contains("number has no integer representation", raises(view, "fill", 0, 9, 1.5))
      assert.are.equal(("\0"):rep(9), view:get_string(0, 9))
    end)

    it("raises for a range outside the view", function()
      for _, far in ipairs(TOO_FAR) do
        contains("is past the end", raises(view, "fill", far, 1, 0))
        contains("is past the end", raises(view, "fill", 0, far, 0))
        contains("is past the end", raises(view, "fill", SIZE, far, 0))
      end
      contains("length -1 is negative", raises(view, "fill", 0, -1, 0))
      contains("offset -1 is negative", raises(view, "fill", -1, 1, 0))
    end)
  end)

  describe("copy", function()
    it("copies from another view", function()
      local other <close> = assert(filemap.create(nil, 100))
      local source <close> = assert(other:view())
      source:set_string(10, "source")
      view:copy(4094, source, 10, 6)
      assert.are.equal("\0source\0", view:get_string(4093, 8))
      view:copy(SIZE, source, 100, 0)
    end)

    -- Performs the same copy on a string.
    local function copied(s, to, from, n)
      local part = s:sub(from + 1, from + n)
      return s:sub(1, to) .. part .. s:sub(to + n + 1)
    end

    -- Copies forwards and backwards, over short and long distances.
    local function overlaps(v, source)
      for _, move in ipairs { { 0, 1, SIZE - 1 }, { 1, 0, SIZE - 1 }, { 4096, 0, SIZE - 4096 },
        { 0, 4097, SIZE - 4097 }, { 5, 5, 100 }, { 0, 100000, 50000 }, { 60000, 59999, 20001 },
        { 59999, 60000, 20001 } } do
        local to, from, n = table.unpack(move)
        v:set_string(0, noise)
        v:copy(to, source, from, n)
        assert.is_true(v:get_string(0, SIZE) == copied(noise, to, from, n), table.concat(move, " "))
      end
    end

    it("copies between overlapping ranges of one view", function()
      overlaps(view, view)
    end)

    it("copies between overlapping ranges of a view and its slice", function()
      local slice <close> = assert(view:sub(0, SIZE))
      overlaps(view, slice)
    end)

    it("copies between overlapping ranges of several views of one map", function()
      -- Copies in both directions, because the system chooses which view has the lower address.
      local one <close> = assert(map:view())
      local two <close> = assert(map:view(0))
      overlaps(view, one)
      overlaps(one, view)
      overlaps(one, two)
      overlaps(two, one)
    end)

    it("copies between overlapping views of two maps of one section", function()
      local name = support.unique("Local\\")
      local first <close> = assert(filemap.create(name, SIZE))
      local second <close> = assert(filemap.open(name, "rw"))
      local one <close> = assert(first:view())
      local two <close> = assert(second:view())
      overlaps(one, two)
      overlaps(two, one)
    end)

    it("raises for a range outside either view, and for a source that is not a view", function()
      local small <close> = assert(view:sub(0, 10))
      for _, far in ipairs(TOO_FAR) do
        contains("bad argument #1 to 'copy' (offset", raises(view, "copy", far, small, 0, 1))
        contains(("bad argument #3 to 'copy' (offset %d + 1 bytes is past the end of a 10-byte view)")
          :format(far),
          raises(view, "copy", 0, small, far, 1))
        contains("is past the end", raises(view, "copy", 0, small, 0, far))
      end
      contains("bad argument #3 to 'copy' (offset 4 + 7 bytes is past the end of a 10-byte view)",
        raises(view, "copy", 0, small, 4, 7))
      contains("bad argument #3 to 'copy' (offset -1 is negative)", raises(view, "copy", 0, small, -1, 1))
      contains("length -1 is negative", raises(view, "copy", 0, small, 0, -1))
      contains("filemap.view expected, got string", raises(view, "copy", 0, "string", 0, 1))
      contains("filemap.view expected, got filemap.map", raises(view, "copy", 0, map, 0, 1))
      contains("filemap.view expected, got no value", raises(view, "copy", 0))
      small:close()
      contains("bad argument #2 to 'copy' (filemap.view is closed)", raises(view, "copy", 0, small, 0, 1))
    end)
  end)

  describe("equals", function()
    it("compares ranges of one view or two", function()
      view:set_string(0, "abcabd")
      local slice <close> = assert(view:sub(1, 5))
      assert.is_true(view:equals(0, view, 3, 2))
      assert.is_false(view:equals(0, view, 3, 3))
      assert.is_true(view:equals(1, slice, 0, 5))
      assert.is_true(view:equals(0, slice, 5, 0))
      assert.is_true(view:equals(0, view, 0, SIZE))
    end)

    it("raises for a range outside either view, and for an argument that is not a view", function()
      contains("bad argument #1 to 'equals' (offset", raises(view, "equals", SIZE, view, 0, 1))
      contains("bad argument #3 to 'equals' (offset", raises(view, "equals", 0, view, SIZE, 1))
      contains("filemap.view expected", raises(view, "equals", 0, {}, 0, 1))
      contains("is past the end", raises(view, "equals", 0, view, 0, math.maxinteger))
    end)
  end)

  it("allows find and equals, but not fill and copy, through a read-only view", function()
    local reader <close> = assert(view:sub(0, 100, "r"))
    contains('filemap.view is read-only (access "r")', raises(reader, "fill", 0, 1, 1))
    contains('filemap.view is read-only (access "r")', raises(reader, "copy", 0, view, 0, 1))
    view:copy(0, reader, 0, 1)
    assert.is_true(reader:equals(0, view, 0, 100))
    assert.are.equal(0, reader:find("\0"))
  end)

  it("raises in every call on a closed view", function()
    local closed = assert(view:sub(0, 10))
    closed:close()
    contains("filemap.view is closed", raises(closed, "find", "x"))
    contains("filemap.view is closed", raises(closed, "fill", 0, 1, 1))
    contains("filemap.view is closed", raises(closed, "copy", 0, view, 0, 1))
    contains("filemap.view is closed", raises(closed, "equals", 0, view, 0, 1))
    contains("filemap.view is closed", raises(closed, "fill", 0, 0, 1))
  end)
end)
