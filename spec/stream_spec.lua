-- Lines of a view, and streams. Streams must behave as Lua's own files do.
local filemap = require "filemap"
local check = require "spec.support.check"
local pipe = require "filemap.pipe"
local process = require "process"
local support = require "spec.support"

local raises, contains = check.raises, check.contains

local FILL = "\xEE"
local HUGE = { 2^31, 2^32, 2^53, 2^62, math.maxinteger }
local NO_INTEGERS = { 1.5, 2^63, 0/0, 1/0 }

support.clean()

-- Against Lua's files -------------------------------------------------------------------------------------

-- Numerals, valid and invalid. Lua's files read at most 200 characters of one.
local NUMERALS = {
  "0", "7", "-12", "+5", "007", "3.25", ".5", "5.", ".", "-", "+", "- 1", "--1", "1e10", "1E-5", "1e+", "1e",
  "1e5e5",
  "1e400", "-0", "-0.0", "0x1F", "0XaB", "0x", "0x.", "0x.8p3", "0x1p-2", "0xp1", "0x1P", "0x1e+5", "0x1.8.1",
  "1..2",
  "1.2.3", "nan", "inf", "-inf", "infinity", "9223372036854775807", "9223372036854775808",
  "-9223372036854775808",
  "0xffffffffffffffff", "0x1ffffffffffffffff", "1_000", "0b1", "1,5", "12abc", "0xg", "\0", "1\0",
}
for length = 198, 203 do
  NUMERALS[#NUMERALS + 1] = ("1"):rep(length)
  NUMERALS[#NUMERALS + 1] = "-" .. ("2"):rep(length)
  NUMERALS[#NUMERALS + 1] = "0x" .. ("f"):rep(length)
  NUMERALS[#NUMERALS + 1] = ("0"):rep(length) .. ".5e1"
  NUMERALS[#NUMERALS + 1] = "0." .. ("0"):rep(length - 4) .. "1e5"
  NUMERALS[#NUMERALS + 1] = (" "):rep(length) .. "42"
end
local SPACES = { " ", "\n", "\r\n", "\t", "\v", "\f", "  ", "\n\n", "", "," }
local ALPHABET = "0123456789abcdefxXpPeE+-.. \n\n\t\r\0,nN"
local INTEGERS = { 0, 1, -1, 255, math.maxinteger, math.mininteger }
local FLOATS = { 0.0, -0.0, 1.0, 0.1, -2.5, 1e15, 1e100, 2^53, 1/3, 5e-324, 1/0, -1/0, 0/0 }
local FORMATS = { "n", "l", "L", "a", "*n", "*l", "*L", "*a", "line", "number", 0, 1, 2, 7, 40, 300, 3.0 }
local BAD_FORMATS = { "", "x", "*", "**l", "N", "1", " l", 1.5, {}, true }

local function any(list)
  return list[math.random(#list)]
end

local function noise()
  local bytes = {}
  for i = 1, math.random(30) do
    local place = math.random(#ALPHABET)
    bytes[i] = ALPHABET:sub(place, place)
  end
  return table.concat(bytes)
end

local CONTENTS = {
  function() return any(NUMERALS) .. any(SPACES) end,
  noise,
  function() return ("x"):rep(math.random(0, 60)) .. "\n" end,
  function() return ("long line "):rep(math.random(20, 40)) .. any { "\n", "\r\n" } end,
  function() return string.char(math.random(0, 255), math.random(0, 255)) end,
}

local function content(size)
  local parts, length = {}, 0
  while length < size do
    parts[#parts + 1] = any(CONTENTS)()
    length = length + #parts[#parts]
  end
  return table.concat(parts):sub(1, size)
end

local function formats()
  local list = {}
  for i = 1, math.random(0, 3) do list[i] = math.random(200) == 1 and any(BAD_FORMATS) or any(FORMATS) end
  -- Format "a" moves the position to the end. Most of these become "n", so that more operations have bytes to
  -- read.
  for i, format in ipairs(list) do
    if (format == "a" or format == "*a") and math.random(10) > 1 then list[i] = "n" end
  end
  return list
end

local function same(a, b)
  return math.type(a) == math.type(b) and (a == b or a ~= a and b ~= b)
end

local function show(results)
  local shown = {}
  for i = 1, results.n do
    local x = results[i]
    shown[i] = type(x) == "string" and ("%q"):format(x) or ("%s (%s)"):format(x, math.type(x) or type(x))
  end
  return table.concat(shown, ", ")
end

local function compare(what, expected, got)
  local equal = expected.n == got.n
  for i = 1, expected.n do equal = equal and same(expected[i], got[i]) end
  if not equal then error(("%s: %s instead of %s"):format(what, show(got), show(expected)), 0) end
end

-- A pair is a file and a stream over the same bytes. Each operation makes the same call on both, and compares
-- the results.
local OPERATIONS = {}

function OPERATIONS.read(pair)
  local list = formats()
  compare("read", table.pack(pcall(pair.file.read, pair.file, table.unpack(list))),
    table.pack(pcall(pair.stream.read, pair.stream, table.unpack(list))))
end

function OPERATIONS.lines(pair)
  local list = formats()
  local theirs, ours = pair.file:lines(table.unpack(list)), pair.stream:lines(table.unpack(list))
  for _ = 1, math.random(5) do compare("lines", table.pack(pcall(theirs)), table.pack(pcall(ours))) end
end

function OPERATIONS.seek(pair)
  local whence, offset = any { "set", "cur", "end" }, math.random(-10, 10)
  if whence == "set" or math.random(3) == 1 then offset = math.random(-5, pair.size + 20) end
  if whence == "end" and math.random(3) > 1 then offset = -math.random(0, pair.size) end
  local position, message = pair.file:seek(whence, offset)
  local got, _, code = pair.stream:seek(whence, offset)
  compare("seek " .. whence, { n = 1, position }, { n = 1, got })
  assert(not message or code == "invalid", code)
end

-- Whether Lua's files write a float with ".0", as from Lua 5.5 on.
local function writes_point()
  local file <close> = assert(io.tmpfile())
  file:write(2.0)
  file:seek("set")
  return file:read("a") == "2.0"
end

local WRITES_POINT = writes_point()

-- The text of a value as Lua's files write it.
local function printed(x)
  return math.type(x) == "float" and not WRITES_POINT and ("%.14g"):format(x) or tostring(x)
end

-- Past the end a file would grow, but a stream fails. So the file is only written where the text fits.
function OPERATIONS.write(pair)
  local list, total = {}, 0
  for i = 1, math.random(0, 3) do
    list[i] = any { any(INTEGERS), any(FLOATS), noise(), "", any(NUMERALS) }
    total = total + #printed(list[i])
  end
  local before = pair.stream:seek()
  local result, _, code = pair.stream:write(table.unpack(list))
  if total > math.max(0, pair.size - before) then
    compare("write past the end", { n = 2, nil, "too_large" }, { n = 2, result, code })
  else
    compare("write", { n = 1, pair.stream }, { n = 1, result })
    assert(pair.file:write(table.unpack(list)) == pair.file)
  end
end

local NAMES = { "read", "read", "read", "read", "lines", "seek", "seek", "write" }

-- One round: new bytes, and operations on them. The stream covers a part of the view, and the bytes around it
-- must not change. The position is compared after each operation. This call of seek also separates reads from
-- writes of the file, as C requires.
local function round(path, operations)
  local size, before, after = math.random(1, 1500), math.random(0, 40), math.random(0, 40)
  local bytes = content(size)
  local file <close> = assert(io.open(path, "w+b"))
  assert(file:write(bytes))
  file:seek("set")
  local map <close> = assert(filemap.create(nil, before + size + after))
  local view <close> = assert(map:view())
  view:set_string(0, FILL:rep(before) .. bytes .. FILL:rep(after))
  local pair = { file = file, stream = view:stream(before, size), size = size }
  for _ = 1, operations do
    local name = any(NAMES)
    OPERATIONS[name](pair)
    compare("the position after " .. name, { n = 1, (file:seek()) }, { n = 1, (pair.stream:seek()) })
  end
  file:seek("set")
  compare("the bytes", { n = 1, FILL:rep(before) .. file:read("a") .. FILL:rep(after) },
    { n = 1, view:get_string(0, #view) })
end

describe("a stream", function()
  it("gives the same results as a file in 110,000 random operations", function()
    local path = support.tmpname()
    for seed = 1, 1100 do
      math.randomseed(seed)
      local fine, message = pcall(round, path, 100)
      if not fine then error(("seed %d: %s"):format(seed, message), 0) end
    end
  end)

  -- Values that a file, a view's stream and a connection's stream are given, and what they then hold.
  local function written(values)
    local path, name = support.tmpname(), support.unique("Local\\")
    local map <close> = assert(filemap.create(nil, 1 << 17))
    local view <close> = assert(map:view())
    local file <close> = assert(io.open(path, "w+b"))
    local listener <close> = assert(pipe.listen(name, { stream = true, capacity = 1 << 17 }))
    local client <close> = assert(pipe.connect(name))
    local server <close> = assert(listener:accept(0))
    local stream = view:stream()
    for _, value in ipairs(values) do
      assert.are.equal(file, file:write(value, " "))
      assert.are.equal(stream, stream:write(value, " "))
      assert.are.equal(client, client:write(value, " "))
    end
    client:close()
    file:seek("set")
    return file:read("a"), view:get_string(0, stream:seek()), server:read("a")
  end

  it("writes values as a file does, and a connection's stream does too", function()
    local values = { 2.0, 1e15, 1e16, "text", "a\0b", "", "2.0", 0xFF }
    for _, list in ipairs { INTEGERS, FLOATS } do table.move(list, 1, #list, #values + 1, values) end
    math.randomseed(1)
    for _ = 1, 1000 do
      values[#values + 1] = math.random(0)
      values[#values + 1] = (string.unpack("d", string.pack("j", math.random(0))))
    end
    local file, stream, conn = written(values)
    assert.are.equal(file, stream)
    assert.are.equal(file, conn)
    local expected = printed(2.0) .. " 1e+15 1e+16 text"
    assert.are.equal(expected, file:sub(1, #expected))
  end)

  it("refuses what a file refuses, and a connection's stream does too", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(nil, 100))
    local view <close> = assert(map:view())
    local listener <close> = assert(pipe.listen(name, { stream = true }))
    local client <close> = assert(pipe.connect(name))
    for _, value in ipairs { {}, true, print, map } do
      for _, stream in ipairs { view:stream(), client } do
        contains("bad argument #2 to 'write' (string expected, got ", raises(stream, "write", 1.5, value))
      end
      assert.is_false(pcall(io.stdout.write, io.stdout, value))
    end
    local server <close> = assert(listener:accept(0))
    client:close()
    assert.are.equal("", server:read("a"))
  end)
end)

-- Single cases --------------------------------------------------------------------------------------------

local TEXT = "one\ntwo\r\n\n 42 0x10\nlast"

-- A map and a view that hold TEXT with FILL around it: TEXT starts at 10.
local function with_text(access)
  local map = assert(filemap.create(nil, 20 + #TEXT))
  local whole <close> = assert(map:view())
  whole:set_string(0, FILL:rep(10) .. TEXT .. FILL:rep(10))
  return map, assert(map:view(0, #map, access))
end

local function collect(...)
  local found = {}
  for line in ... do found[#found + 1] = line end
  return found
end

describe("view:lines", function()
  local map, view

  before_each(function()
    map, view = with_text()
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  it("returns the lines from an offset to the end, without their newlines", function()
    local text <close> = assert(view:sub(10, #TEXT))
    assert.same({ "one", "two\r", "", " 42 0x10", "last" }, collect(text:lines()))
    assert.same({ "one", "two\r", "", " 42 0x10", "last" }, collect(text:lines(nil)))
    assert.same({ "ne", "two\r", "", " 42 0x10", "last" }, collect(text:lines(1)))
    assert.same({ "", "two\r", "", " 42 0x10", "last" }, collect(text:lines(3)))
    assert.same({ "t" }, collect(text:lines(#TEXT - 1)))
    assert.same({}, collect(text:lines(#TEXT)))
    assert.same({ FILL:rep(10) .. "one" }, { view:lines()() })
  end)

  it("returns no line after a final newline, and lines of any bytes", function()
    for bytes, expected in pairs {
      ["\n"] = { "" }, ["\n\n"] = { "", "" }, ["a\n"] = { "a" }, ["a"] = { "a" }, ["\0\n\0"] = { "\0", "\0" },
      [("x"):rep(1000) .. "\n" .. ("y"):rep(5000)] = { ("x"):rep(1000), ("y"):rep(5000) },
    } do
      local other <close> = assert(filemap.create(nil, #bytes))
      local lines <close> = assert(other:view())
      lines:set_string(0, bytes)
      assert.same(expected, collect(lines:lines()))
    end
  end)

  it("returns nothing at the end, each time that it is called", function()
    local next = view:lines()
    while next() do end
    for _ = 1, 3 do assert.are.equal(0, select("#", next())) end
  end)

  it("returns iterators with positions of their own", function()
    local text <close> = assert(view:sub(10, #TEXT))
    assert.are.equal(1, select("#", text:lines()))
    local one, other = text:lines(), text:lines()
    assert.are.equal("one", one())
    assert.are.equal("two\r", one())
    assert.are.equal("one", other())
  end)

  it("returns bytes that were written during the iteration", function()
    local text <close> = assert(view:sub(10, #TEXT))
    local next = text:lines()
    next()
    text:set_string(4, "TW\n")
    assert.are.equal("TW", next())
  end)

  it("raises for an offset past the end", function()
    for _, offset in ipairs { #view + 1, table.unpack(HUGE) } do
      contains(("bad argument #1 to 'lines' (offset %d + 0 bytes is past the end of a %d-byte view)")
        :format(offset,
        #view), raises(view, "lines", offset))
    end
    for _, offset in ipairs { -1, -2^31 | 0, math.mininteger } do
      contains(("bad argument #1 to 'lines' (offset %d is negative)"):format(offset),
        raises(view, "lines", offset))
    end
    for _, offset in ipairs(NO_INTEGERS) do
      contains("bad argument #1 to 'lines' (number has no integer", raises(view, "lines", offset))
    end
    contains("bad argument #1 to 'lines' (number expected, got table)", raises(view, "lines", {}))
  end)

  it("raises after the view was closed, also at the view's end and in the middle of a loop", function()
    local first, last = view:lines(), view:lines(#view)
    view:close()
    for _, next in ipairs { first, last } do
      local ok, message = pcall(next)
      assert.is_false(ok)
      contains("filemap.view is closed", message)
    end
    contains("filemap.view is closed", raises(view, "lines"))
    local other = assert(map:view())
    local ok, message = pcall(function()
      for _ in other:lines() do other:close() end
    end)
    assert.is_false(ok)
    contains("filemap.view is closed", message)
  end)

  it("keeps the view from being collected", function()
    local next = assert(map:view(10)):lines()
    collectgarbage()
    collectgarbage()
    assert.are.equal("one", next())
  end)

  it("raises for a self that is not a view", function()
    for _, self in ipairs { map, io.stdout, {}, "view", 1, false, view:stream() } do
      local ok, message = pcall(view.lines, self)
      assert.is_false(ok)
      contains("filemap.view expected, got ", message)
    end
  end)
end)

describe("a stream", function()
  local map, view, stream

  before_each(function()
    map, view = with_text()
    stream = view:stream(10, #TEXT)
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  it("covers the whole view by default", function()
    assert.are.equal(#view, view:stream():seek("end"))
    assert.are.equal(#view, view:stream(nil, nil):seek("end"))
    assert.are.equal(#view - 7, view:stream(7):seek("end"))
    assert.are.equal(0, view:stream(#view):seek("end"))
    assert.are.equal(0, view:stream(3, 0):seek("end"))
    assert.are.equal(FILL:rep(10) .. TEXT .. FILL:rep(10), view:stream():read("a"))
  end)

  it("raises for a range past the view's end", function()
    local size = #view
    for _, range in ipairs { { size + 1 }, { 0, size + 1 }, { 1, size }, { size, 1 }, { size + 1, 0 } } do
      contains(("bad argument #1 to 'stream' (offset %d + %d bytes is past the end of a %d-byte view)")
        :format(
        range[1], range[2] or 0, size), raises(view, "stream", range[1], range[2]))
    end
    for _, n in ipairs(HUGE) do
      contains("is past the end of a", raises(view, "stream", n))
      contains("is past the end of a", raises(view, "stream", 1, n))
      contains("is past the end of a", raises(view, "stream", n, n))
    end
    for _, n in ipairs { -1, -2^31 | 0, math.mininteger } do
      contains(("bad argument #1 to 'stream' (offset %d is negative)"):format(n), raises(view, "stream", n))
      contains(("bad argument #2 to 'stream' (length %d is negative)"):format(n),
        raises(view, "stream", 0, n))
    end
    for _, n in ipairs(NO_INTEGERS) do
      contains("bad argument #1 to 'stream' (number has no integer", raises(view, "stream", n))
      contains("bad argument #2 to 'stream' (number has no integer", raises(view, "stream", 0, n))
    end
    contains("bad argument #2 to 'stream' (number expected, got string)", raises(view, "stream", 0, "x"))
  end)

  it("describes itself with tostring", function()
    stream:read(5)
    assert.are.equal(("filemap.stream (%d bytes at 5)"):format(#TEXT), tostring(stream))
    local other = view:stream()
    other:close()
    assert.are.equal("filemap.stream (closed)", tostring(other))
    view:close()
    assert.are.equal("filemap.stream (closed)", tostring(stream))
    assert.are.equal("filemap.stream", getmetatable(stream).__name)
  end)

  it("keeps the view from being collected", function()
    local other = assert(map:view()):stream(10)
    local next = assert(map:view()):stream(10):lines()
    collectgarbage()
    collectgarbage()
    assert.are.equal("one", other:read())
    assert.are.equal("one", next())
  end)

  describe("read", function()
    it("accepts the formats of a file", function()
      assert.are.equal("one", stream:read())
      assert.are.equal("two\r\n", stream:read("L"))
      assert.are.equal("", stream:read("l"))
      assert.same({ 42, 16 }, { stream:read("n", "*n") })
      assert.same({ "", "\nl", "ast", "" }, { stream:read(0, 2, "a", "*a") })
      assert.are.equal(#TEXT, stream:seek())
    end)

    it("returns nil at the end, except for format a", function()
      for _, position in ipairs { #TEXT, #TEXT + 1, math.maxinteger } do
        stream:seek("set", position)
        for _, format in ipairs { "n", "l", "L", 0, 1, math.maxinteger } do
          assert.same({ n = 1 }, table.pack(stream:read(format)))
        end
        assert.same({ n = 1 }, table.pack(stream:read()))
        assert.same({ n = 2, "" }, table.pack(stream:read("a", 0)))
        assert.are.equal(position, stream:seek())
      end
    end)

    it("stops at the first format that fails", function()
      assert.same({ n = 2, "o" }, table.pack(stream:read(1, "n", "l", "x")))
      assert.are.equal(2, stream:seek("cur", 1))
      assert.same({ n = 2, "e" }, table.pack(stream:read("l", "n", "l")))
      assert.are.equal(4, stream:seek())
    end)

    it("consumes as many bytes of an invalid number as a file does", function()
      for text, taken in pairs {
        ["0x"] = 2, ["1e+x"] = 3, ["  -x"] = 3, ["1..2"] = 2, ["nan"] = 0, ["0xp1"] = 2, ["\n\n."] = 3,
        [("1"):rep(201)] = 200, [("0"):rep(199) .. "x1"] = 199, [" " .. ("1"):rep(200) .. "."] = 201,
      } do
        local other <close> = assert(filemap.create(nil, #text))
        local bytes <close> = assert(other:view())
        bytes:set_string(0, text)
        local s = bytes:stream()
        if text ~= "1..2" and not text:find("^0+x1$") then assert.is_nil(s:read("n"), text)
        else assert.is_truthy(s:read("n"), text) end
        assert.are.equal(taken, s:seek(), text)
      end
    end)

    it("never reads outside the stream's range", function()
      assert.are.equal(TEXT, stream:read("a"))
      stream:seek("end", -4)
      for _, format in ipairs { "l", "L", "a", 4, 5, table.unpack(HUGE) } do
        assert.are.equal("last", stream:read(format))
        stream:seek("end", -4)
      end
      view:set_string(10 + #TEXT - 1, "123")
      stream:seek("end", -1)
      assert.are.equal(1, stream:read("n"))
      assert.is_nil(stream:read("n"))
    end)

    it("raises for an invalid format as a file does", function()
      for _, format in ipairs { "", "x", "*", "**l", "N", "1" } do
        contains("bad argument #1 to 'read' (invalid format)", raises(stream, "read", format))
        contains("bad argument #2 to 'read' (invalid format)", raises(stream, "read", 0, format))
      end
      contains("bad argument #1 to 'read' (string expected, got table)", raises(stream, "read", {}))
      contains("bad argument #1 to 'read' (string expected, got nil)", raises(stream, "read", nil))
      for _, n in ipairs(NO_INTEGERS) do
        contains("bad argument #1 to 'read' (number has no integer", raises(stream, "read", n))
      end
      assert.are.equal(0, stream:seek())
    end)

    it("raises for a negative length", function()
      for _, n in ipairs { -1, -2^31 | 0, math.mininteger } do
        contains(("bad argument #1 to 'read' (length %d is negative)"):format(n), raises(stream, "read", n))
      end
    end)
  end)

  describe("lines", function()
    it("returns lines, or the values of its formats", function()
      assert.same({ "one", "two\r", "", " 42 0x10", "last" }, collect(stream:lines()))
      stream:seek("set")
      assert.same({ "one\n", "two\r\n", "\n", " 42 0x10\n", "last" }, collect(stream:lines("L")))
      stream:seek("set", 10)
      assert.same({ 42, 16 }, collect(stream:lines("n")))
      stream:seek("set")
      local found = {}
      for a, b in stream:lines(3, "*L") do found[#found + 1] = { a, b } end
      assert.same({ { "one", "\n" }, { "two", "\r\n" }, { "\n 4", "2 0x10\n" }, { "las", "t" } }, found)
    end)

    it("raises for an invalid format as a file does", function()
      for _, format in ipairs { "x", "", "*" } do
        local ok, message = pcall(function()
          for _ in stream:lines(format) do end
        end)
        assert.is_false(ok)
        contains("bad argument #2 to 'for iterator' (invalid format)", message)
      end
    end)

    it("accepts as many formats as a file does", function()
      local list = {}
      for i = 1, 250 do list[i] = 0 end
      assert.are.equal(250, select("#", stream:lines(table.unpack(list))()))
      list[251] = 0
      contains("bad argument #251 to 'lines' (too many arguments)",
        raises(stream, "lines", table.unpack(list)))
    end)

    it("raises once the stream or its view is closed", function()
      local next = stream:lines()
      next()
      stream:close()
      local ok, message = pcall(next)
      assert.is_false(ok)
      contains("filemap.stream is closed", message)
      next = view:stream():lines("a")
      view:close()
      ok, message = pcall(next)
      assert.is_false(ok)
      contains("filemap.view is closed", message)
    end)
  end)

  describe("write", function()
    it("writes strings and numbers, and returns the stream", function()
      assert.are.equal(stream, stream:write("a\0b", 12, -0x10, 1.5, ""))
      assert.are.equal(11, stream:seek())
      assert.are.equal(FILL:rep(10) .. "a\0b12-161.5" .. TEXT:sub(12) .. FILL:rep(10),
        view:get_string(0, #view))
      assert.are.equal(stream, stream:write())
    end)

    it("fails with too_large and writes nothing where not all of it fits", function()
      local function refuses(...)
        local result, message, code, native = stream:write(...)
        assert.same({ nil, "too_large", nil }, { result, code, native })
        contains("unnamed map: ", message)
      end
      local before = view:get_string(0, #view)
      stream:seek("end", -3)
      refuses("abcd")
      refuses("abc", "d")
      refuses("", "ab", 12)
      assert.are.equal(#TEXT - 3, stream:seek())
      assert.are.equal(before, view:get_string(0, #view))
      assert.are.equal(stream, stream:write("ab", 1))
      refuses("x")
      assert.are.equal(stream, stream:write(""))
      for _, position in ipairs { #TEXT + 1, math.maxinteger } do
        stream:seek("set", position)
        refuses("x")
        assert.are.equal(stream, stream:write(""))
        assert.are.equal(position, stream:seek())
      end
      assert.are.equal(before:sub(1, 10 + #TEXT - 3) .. "ab1" .. FILL:rep(10), view:get_string(0, #view))
    end)

    it("raises for an argument that is neither string nor number, and writes nothing", function()
      contains("bad argument #1 to 'write' (string expected, got table)", raises(stream, "write", {}))
      contains("bad argument #2 to 'write' (string expected, got nil)", raises(stream, "write", "a", nil))
      contains("bad argument #3 to 'write' (string expected, got boolean)",
        raises(stream, "write", "a", 1, true))
      assert.are.equal(TEXT, stream:read("a"))
    end)

    it("raises through a read-only view, also for an empty string", function()
      local readonly <close> = assert(map:view(0, #view, "r"))
      local s = readonly:stream(10, #TEXT)
      for _, position in ipairs { 0, #TEXT, #TEXT + 1 } do
        s:seek("set", position)
        for _, text in ipairs { "a", "", ("x"):rep(1000) } do
          contains("filemap.view is read-only", raises(s, "write", text))
        end
        assert.are.equal(position, s:seek())
      end
      assert.are.equal(TEXT, stream:read("a"))
    end)

    it("does not change the map through a private copy", function()
      local copy <close> = assert(map:view(0, #view, "copy"))
      local s = copy:stream(10)
      assert.are.equal(s, s:write("ONE"))
      s:seek("set")
      assert.are.equal("ONE", s:read())
      assert.are.equal("one", stream:read())
    end)
  end)

  describe("seek", function()
    it("moves the position, and returns it", function()
      assert.are.equal(0, stream:seek())
      assert.are.equal(5, stream:seek("set", 5))
      assert.are.equal(5, stream:seek("cur"))
      assert.are.equal(3, stream:seek("cur", -2))
      assert.are.equal(#TEXT - 2, stream:seek("end", -2))
      assert.are.equal(#TEXT, stream:seek("end"))
      assert.are.equal(#TEXT + 9, stream:seek("cur", 9))
      assert.are.equal(7, stream:seek(nil, 7 - (#TEXT + 9)))
      assert.are.equal(2, stream:seek("set", "2"))
      assert.are.equal(0, stream:seek("set"))
      for _, offset in ipairs(HUGE) do assert.are.equal(offset, stream:seek("set", offset)) end
    end)

    it("fails with invalid before the start or past the greatest integer, and does not move", function()
      local function refuses(...)
        local before = stream:seek()
        local result, message, code, native = stream:seek(...)
        assert.same({ nil, "invalid", nil }, { result, code, native })
        contains("unnamed map: ", message)
        assert.are.equal(before, stream:seek())
      end
      stream:seek("set", 5)
      refuses("set", -1)
      refuses("cur", -6)
      refuses("end", -#TEXT - 1)
      for _, whence in ipairs { "set", "cur", "end" } do
        for _, offset in ipairs { -2^31 | 0, -2^53 | 0, -math.maxinteger, math.mininteger } do
          refuses(whence, offset)
        end
      end
      refuses("cur", math.maxinteger - 4)
      refuses("end", math.maxinteger)
      assert.are.equal(math.maxinteger, stream:seek("cur", math.maxinteger - 5))
      refuses("cur", 1)
      refuses("cur", math.maxinteger)
      refuses("cur", math.mininteger)
      assert.are.equal(0, stream:seek("cur", -math.maxinteger))
    end)

    it("raises for invalid arguments as a file does", function()
      contains("bad argument #1 to 'seek' (invalid option 'foo')", raises(stream, "seek", "foo"))
      contains("bad argument #1 to 'seek' (invalid option '1')", raises(stream, "seek", 1))
      contains("bad argument #1 to 'seek' (string expected, got table)", raises(stream, "seek", {}))
      for _, offset in ipairs(NO_INTEGERS) do
        contains("bad argument #2 to 'seek' (number has no integer", raises(stream, "seek", "set", offset))
      end
    end)
  end)

  local CALLS = { read = { "a" }, write = { "a" }, lines = {}, seek = {} }

  it("raises in each method after it was closed, and leaves the view open", function()
    local closed = view:stream()
    assert.is_true(closed:close())
    assert.is_true(closed:close())
    for method, arguments in pairs(CALLS) do
      contains("filemap.stream is closed", raises(closed, method, table.unpack(arguments)))
    end
    assert.are.equal("one", stream:read())
    do local _ <close> = stream end
    contains("filemap.stream is closed", raises(stream, "read"))
    assert.are.equal(TEXT, view:get_string(10, #TEXT))
  end)

  it("raises in each method but close after its view was closed", function()
    view:close()
    for method, arguments in pairs(CALLS) do
      contains("filemap.view is closed", raises(stream, method, table.unpack(arguments)))
    end
    contains("filemap.view is closed", raises(view, "stream"))
    assert.is_true(stream:close())
    contains("filemap.stream is closed", raises(stream, "read"))
  end)

  it("can be used after the map was closed", function()
    map:close()
    assert.are.equal("one", stream:read())
    assert.are.equal(stream, stream:write("x"))
  end)

  it("has methods that raise for a self that is not a stream", function()
    for _, method in ipairs { "read", "write", "lines", "seek", "close" } do
      for _, self in ipairs { map, view, view:array("u8", 0, 1), io.stdout, {}, "stream", 1, false } do
        local ok, message = pcall(stream[method], self)
        assert.is_false(ok)
        contains("filemap.stream expected, got ", message)
      end
      assert.is_false(pcall(stream[method]))
    end
    for _, self in ipairs { stream, {}, io.stdout } do assert.is_false(pcall(view.stream, self)) end
  end)
end)

describe("the C library", function()
  it("reads a stream by lines, counts and to its end, and keeps what a time-out leaves", function()
    local program = package.searchpath("process", package.cpath):match("^(.*[/\\])") .. "streams"
    local child <close> = process.spawn { program, support.unique("Local\\") }
    assert.are.equal("OK", child:read(support.deadline))
    child:finish()
  end)
end)
