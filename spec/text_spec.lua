-- Strings in a view: bytes, C strings, UTF-16 and UTF-32.
local filemap = require "filemap"
local check = require "spec.support.check"
local process = require "process"
local support = require "spec.support"

local raises, contains = check.raises, check.contains

local SIZE = 1024
local FILL = "\xEE"
local REPLACEMENT = "\u{FFFD}"

-- The three kinds of text that end with NUL: their methods, the size of a unit and its format for
-- string.pack.
local C = { get = "get_cstring", set = "set_cstring", unit = 1, format = "=I1" }
local UTF16 = { get = "get_utf16", set = "set_utf16", unit = 2, format = "=I2" }
local UTF32 = { get = "get_utf32", set = "set_utf32", unit = 4, format = "=I4" }
local KINDS = { C, UTF16, UTF32 }

local HUGE = { 2^31, 2^32, 2^53, 2^61, 2^62, math.maxinteger }
local NO_INTEGERS = { 1.5, 2^63, 0/0, 1/0 }

local function units(kind, ...)
  local bytes = {}
  for i, unit in ipairs { ... } do bytes[i] = string.pack(kind.format, unit) end
  return table.concat(bytes)
end

support.clean()

describe("text", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE))
    view = assert(map:view())
    view:set_string(0, FILL:rep(SIZE))
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  -- Checks that the view holds `bytes` at `offset` and is unchanged everywhere else.
  local function holds(bytes, offset)
    local expected = FILL:rep(offset) .. bytes
    assert.are.equal(expected .. FILL:rep(SIZE - #expected), view:get_string(0, SIZE))
  end

  -- Checks that the method raises for invalid offsets and changes nothing. `...` are the arguments after the
  -- offset.
  local function checks_offsets(method, past, ...)
    for _, offset in ipairs { -1, math.mininteger } do
      contains(("bad argument #1 to '%s' (offset %d is negative)"):format(method, offset),
        raises(view, method, offset, ...))
    end
    for _, offset in ipairs { past, SIZE + 1, table.unpack(HUGE) } do
      contains(("bad argument #1 to '%s' (offset %d + "):format(method, offset),
        raises(view, method, offset, ...))
    end
    for _, offset in ipairs(NO_INTEGERS) do
      contains(("bad argument #1 to '%s' (number has no integer"):format(method),
        raises(view, method, offset, ...))
    end
    contains(("bad argument #1 to '%s' (number expected, got table)"):format(method),
      raises(view, method, {}, ...))
    holds("", 0)
  end

  -- Checks that the method raises for invalid counts in argument number `arg`. `...` are the arguments before
  -- it.
  local function checks_counts(method, what, arg, ...)
    local before = table.pack(...)
    local function raised(count)
      before[before.n + 1] = count
      return raises(view, method, table.unpack(before, 1, before.n + 1))
    end
    for _, count in ipairs { -1, math.mininteger } do
      contains(("bad argument #%d to '%s' (%s %d is negative)"):format(arg, method, what, count),
        raised(count))
    end
    for _, count in ipairs(NO_INTEGERS) do
      contains(("bad argument #%d to '%s' (number has no integer"):format(arg, method), raised(count))
    end
    contains(("bad argument #%d to '%s' (number expected, got boolean)"):format(arg, method), raised(true))
  end

  describe("get_string", function()
    it("reads bytes of every value and many lengths", function()
      for _, length in ipairs { 0, 1, 39, 40, 41, 255, 256, 257, SIZE - 1, SIZE } do
        local bytes = ("a\0\xff\n"):rep(SIZE):sub(1, length)
        view:set_string(SIZE - length, bytes)
        assert.are.equal(bytes, view:get_string(SIZE - length, length))
      end
    end)

    it("raises for a range past the end", function()
      for _, length in ipairs { SIZE, SIZE + 1, table.unpack(HUGE) } do
        contains(("(offset 1 + %d bytes is past the end of a %d-byte view)"):format(length, SIZE),
          raises(view, "get_string", 1, length))
      end
      checks_offsets("get_string", SIZE, 1)
      checks_counts("get_string", "length", 2, 0)
      assert.are.equal("", view:get_string(SIZE, 0))
    end)
  end)

  describe("set_string", function()
    it("writes the bytes and nothing after them", function()
      view:set_string(3, "x\0y")
      holds("x\0y", 3)
      view:set_string(SIZE, "")
      view:set_string(3, "")
      holds("x\0y", 3)
    end)

    it("raises for bytes past the end and for a value that is not a string, and writes nothing", function()
      contains(("bad argument #1 to 'set_string' (offset %d + 3 bytes is past the end"):format(SIZE - 2),
        raises(view, "set_string", SIZE - 2, "abc"))
      checks_offsets("set_string", SIZE, "a")
      contains("bad argument #2 to 'set_string' (string expected, got table)",
        raises(view, "set_string", 0, {}))
      contains("bad argument #2 to 'set_string' (string expected, got no value)",
        raises(view, "set_string", 0))
    end)
  end)

  for _, kind in ipairs(KINDS) do
    local unit = kind.unit

    describe(kind.get, function()
      it("reads up to the NUL, at any offset", function()
        for offset = 0, 9 do
          view:set_string(offset, units(kind, 0x41, 0x42, 0, 0x43, 0))
          assert.are.equal("AB", view[kind.get](view, offset))
          assert.are.equal("C", view[kind.get](view, offset + 3 * unit))
          assert.are.equal("", view[kind.get](view, offset + 2 * unit))
        end
      end)

      it("reads up to max units where no NUL comes first", function()
        view:set_string(0, units(kind, 0x41, 0x42, 0x43, 0))
        for max, expected in pairs { [0] = "", "A", "AB", "ABC", "ABC", "ABC" } do
          assert.are.equal(expected, view[kind.get](view, 0, max))
        end
        for _, max in ipairs(HUGE) do assert.are.equal("ABC", view[kind.get](view, 0, max)) end
        checks_counts(kind.get, "max", 2, 0)
      end)

      it("reads up to the view's last whole unit where there is no NUL", function()
        view:set_string(SIZE - 3 * unit, units(kind, 0x41, 0x42, 0x43))
        assert.are.equal("ABC", view[kind.get](view, SIZE - 3 * unit))
        assert.are.equal("C", view[kind.get](view, SIZE - unit, 2))
        for odd = 0, unit - 1 do
          local slice <close> = assert(view:sub(SIZE - 3 * unit, 2 * unit + odd))
          assert.are.equal("AB", slice[kind.get](slice, 0))
          assert.are.equal("", slice[kind.get](slice, 2 * unit))
        end
        assert.are.equal("", view[kind.get](view, SIZE))
      end)

      it("raises for an offset past the end", function()
        checks_offsets(kind.get, SIZE + 1)
        checks_offsets(kind.get, SIZE + 1, 0)
      end)
    end)

    describe(kind.set, function()
      it("writes the text, NUL, zeros over the rest of the capacity, and nothing beyond", function()
        for offset = 0, 9 do
          view:set_string(0, FILL:rep(SIZE))
          view[kind.set](view, offset, "AB", 5)
          holds(units(kind, 0x41, 0x42, 0, 0, 0), offset)
          assert.are.equal("AB", view[kind.get](view, offset))
        end
      end)

      it("accepts text that fills the capacity exactly with its NUL, also at the view's end", function()
        view[kind.set](view, SIZE - 3 * unit, "AB", 3)
        holds(units(kind, 0x41, 0x42, 0), SIZE - 3 * unit)
        view[kind.set](view, SIZE - unit, "", 1)
        holds(units(kind, 0x41, 0x42, 0), SIZE - 3 * unit)
      end)

      it("raises if the text and its NUL do not fit the capacity, and writes nothing", function()
        for text, capacity in pairs { [""] = 0, ["A"] = 1, ["AB"] = 2, [("A"):rep(300)] = 300 } do
          contains(("bad argument #2 to '%s' ("):format(kind.set), raises(view, kind.set, 0, text, capacity))
        end
        holds("", 0)
      end)

      it("raises for a capacity past the view's end, and writes nothing", function()
        for _, capacity in ipairs { SIZE // unit, SIZE // unit + 1, table.unpack(HUGE) } do
          contains(("bad argument #1 to '%s' (offset 1 + "):format(kind.set),
            raises(view, kind.set, 1, "A", capacity))
        end
        checks_offsets(kind.set, SIZE - 2 * unit + 1, "A", 2)
        checks_counts(kind.set, "capacity", 3, 0, "A")
        contains("number expected, got no value", raises(view, kind.set, 0, "A"))
        holds("", 0)
      end)

      it("raises for a string that contains NUL, and for an argument that is not a string", function()
        for _, text in ipairs { "\0", "a\0", "a\0b" } do
          contains(("bad argument #2 to '%s' (string contains zeros)"):format(kind.set),
            raises(view, kind.set, 0, text, 10))
        end
        contains(("bad argument #2 to '%s' (string expected, got boolean)"):format(kind.set),
          raises(view, kind.set, 0, true, 10))
        holds("", 0)
      end)
    end)
  end

  it("can be any bytes but NUL in a C string", function()
    local bytes = {}
    for byte = 1, 255 do bytes[byte] = string.char(byte) end
    local text = table.concat(bytes)
    view:set_cstring(0, text, 256)
    assert.are.equal(text, view:get_cstring(0))
  end)

  -- Text in UTF-8, its kind, and its code units.
  local PAIRS = {
    { "é€\u{FFFF}", UTF16, { 0xE9, 0x20AC, 0xFFFF } },
    { "é€\u{FFFF}", UTF32, { 0xE9, 0x20AC, 0xFFFF } },
    { "\u{D7FF}\u{E000}", UTF16, { 0xD7FF, 0xE000 } },
    { "\u{D7FF}\u{E000}", UTF32, { 0xD7FF, 0xE000 } },
    { "\u{7F}\u{80}\u{7FF}\u{800}", UTF16, { 0x7F, 0x80, 0x7FF, 0x800 } },
    { "\u{10000}\u{1D11E}\u{10FFFF}", UTF16, { 0xD800, 0xDC00, 0xD834, 0xDD1E, 0xDBFF, 0xDFFF } },
    { "\u{10000}\u{1D11E}\u{10FFFF}", UTF32, { 0x10000, 0x1D11E, 0x10FFFF } },
  }
  for _, pair in ipairs(PAIRS) do
    local text, kind, codes = table.unpack(pair)

    it(("is read as it was written by %s: %s"):format(kind.set, text:gsub("[\x7f-\xff]", function(byte)
      return ("\\x%02x"):format(byte:byte())
    end)), function()
      view[kind.set](view, 1, text, #codes + 1)
      holds(units(kind, table.unpack(codes)) .. units(kind, 0), 1)
      assert.are.equal(text, view[kind.get](view, 1))
      contains(("bad argument #2 to '%s'"):format(kind.set), raises(view, kind.set, 1, text, #codes))
    end)
  end

  it("is read with U+FFFD for each unpaired surrogate in UTF-16", function()
    local R = REPLACEMENT
    for expected, codes in pairs {
      [R] = { 0xD800 }, [R .. "A"] = { 0xDBFF, 0x41 }, ["A" .. R] = { 0x41, 0xDC00 }, [R .. R] = { 0xDC00,
      0xD800 },
      [R .. "\u{10000}"] = { 0xD800, 0xD800, 0xDC00 }, ["\u{10000}" .. R] = { 0xD800, 0xDC00, 0xDFFF },
    } do
      view:set_string(0, units(UTF16, table.unpack(codes)) .. "\0\0")
      assert.are.equal(expected, view:get_utf16(0))
      view:set_string(SIZE - 2 * #codes, units(UTF16, table.unpack(codes)))
      assert.are.equal(expected, view:get_utf16(SIZE - 2 * #codes))
    end
  end)

  it("is read with U+FFFD for a surrogate pair that max splits in UTF-16", function()
    view:set_string(0, units(UTF16, 0x41, 0xD834, 0xDD1E, 0))
    assert.are.equal("A" .. REPLACEMENT, view:get_utf16(0, 2))
    assert.are.equal("A\u{1D11E}", view:get_utf16(0, 3))
  end)

  it("is read with U+FFFD for values that are not code points in UTF-32", function()
    for _, code in ipairs { 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0x110000, 0x7fffffff, 0x80000000, 0xffffffff } do
      view:set_string(0, units(UTF32, 0x41, code, 0x42, 0))
      assert.are.equal("A" .. REPLACEMENT .. "B", view:get_utf32(0))
    end
  end)

  -- The examples of the Unicode Standard, tables 3-8 to 3-11, and similar ones. U stands for one U+FFFD.
  local ILL_FORMED = {
    ["\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"] = "UUUUUUUUA",
    ["\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"] = "UUUUUUUUA",
    ["\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"] = "UUUUUAUUB",
    ["\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"] = "UUUUA",
    ["\xE2\x82"] = "U", ["\xF0\x9D\x84"] = "U", ["\xC3"] = "U", ["\x80"] = "U", ["\xFE\xFF"] = "UU",
    ["\xF0\x9D\x84\xC3\xA9"] = "U\xE9", ["\xF5\x80"] = "UU", ["\xF4\x90\x80\x80"] = "UUUU",
  }
  for _, kind in ipairs { UTF16, UTF32 } do
    it(("has U+FFFD for each maximal subpart of ill-formed UTF-8 after %s"):format(kind.set), function()
      for text, expected in pairs(ILL_FORMED) do
        local codes = { expected:gsub("U", "\1"):byte(1, -1) }
        for i, code in ipairs(codes) do codes[i] = code == 1 and 0xFFFD or code end
        view:set_string(0, FILL:rep(SIZE))
        view[kind.set](view, 0, text, #codes + 1)
        holds(units(kind, table.unpack(codes)) .. units(kind, 0), 0)
        contains(kind.set, raises(view, kind.set, 0, text, #codes))
      end
    end)
  end

  local CALLS = {
    get_string = { 0, 1 }, set_string = { 0, "a" }, get_cstring = { 0 }, set_cstring = { 0, "a", 2 },
    get_utf16 = { 0 }, set_utf16 = { 0, "a", 2 }, get_utf32 = { 0 }, set_utf32 = { 0, "a", 2 },
  }
  for method, arguments in pairs(CALLS) do
    describe(method, function()
      it("raises for a closed view, and for a self that is not a view", function()
        local unbound = view[method]
        for _, self in ipairs { map, io.stdout, {}, "view", 1, false } do
          local ok, message = pcall(unbound, self, table.unpack(arguments))
          assert.is_false(ok)
          contains("filemap.view expected, got ", message)
        end
        view:close()
        contains("filemap.view is closed", raises(view, method, table.unpack(arguments)))
      end)

      if method:find("^set") then
        it("raises for a read-only view and writes nothing", function()
          local readonly <close> = assert(map:view(0, SIZE, "r"))
          for _, offset in ipairs { 0, 1, SIZE - 8 } do
            contains("read-only", raises(readonly, method, offset, table.unpack(arguments, 2)))
          end
          holds("", 0)
        end)

        it("raises for a read-only view even for an empty string", function()
          local readonly <close> = assert(map:view(0, SIZE, "r"))
          for _, offset in ipairs { 1, 0 } do
            contains("read-only", raises(readonly, method, offset, "", 1))
          end
        end)
      end
    end)
  end
end)

-- A program of 32 bits, where a view can have so many units that their UTF-8 does not fit in a size_t.
local ROOM <const> = [[
#include "src/base/utf.c"

static int is_right(size_t units, size_t unit_size, size_t most)
{
  const size_t room = fm_utf8_room(units, unit_size);
  return units > SIZE_MAX / most ? room == 0 : room / most == units && room %% most == 0;
}

int main(void)
{
  if (sizeof(size_t) != %d) return 2;
  for (size_t bit = 1; bit; bit <<= 1)
    for (size_t units = bit - 3; units != bit + 3; units++)
      if (!is_right(units, 2, 3) || !is_right(units, 4, 4)) return 1;
  for (size_t units = SIZE_MAX / 3 - 9; units < SIZE_MAX / 3 + 9; units++)
    if (!is_right(units, 2, 3) || !is_right(units, 4, 4)) return 1;
  return 0;
}
]]

support.only("posix", "the programs are built for this system", function()
  describe("the room for text in UTF-8", function()
    for bits, size in pairs { [32] = 4, [64] = 8 } do
      local compiler = require "spec.support.compiler"
      local missing = compiler.missing("linux" .. bits)
      local run = missing and function(name) pending(("%s (%s)"):format(name, missing)) end or it
      run(("does not overflow with %d bits"):format(bits), function()
        local source, program = support.tmpname(".c"), support.tmpname()
        local file <close> = assert(io.open(source, "w"))
        file:write(ROOM:format(size))
        file:close()
        local command = ('gcc -m%d -I. "$1" -o "$2" && "$2"'):format(bits)
        local child <close> = process.spawn { "sh", "-c", command, "sh", source, program }
        assert.are.equal(0, child:wait(support.deadline))
        os.remove(source)
        os.remove(program)
      end)
    end
  end)
end)
