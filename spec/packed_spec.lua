-- Several fields in one call: unpack and pack. They are compared with Lua's own string.unpack and
-- string.pack.
local filemap = require "filemap"
local check = require "spec.support.check"
local support = require "spec.support"

local raises, contains = check.raises, check.contains
-- Access to globals is slow under busted.
local math, string, table, pcall, select, tonumber = math, string, table, pcall, select, tonumber
local random = math.random

local SIZE = 256
local FILL = "\xEE"
local CASES = 100000
local SEED = 20240229

local NATIVE_LITTLE = string.pack("=I2", 1) == "\1\0"

-- Random formats and values -------------------------------------------------------------------------------

local function pick(t)
  return t[random(#t)]
end

local function chance(percent)
  return random(100) <= percent
end

-- A number after an option, or "" for none.
local function size(most)
  if chance(2) then
    return pick { "0", "17", "00", "016", "2147483639", "2147483647", "99999999999", "-1" }
  end
  return chance(30) and "" or tostring(random(most))
end

local bytes = {}
for i = 0, 255 do bytes[i] = string.char(i) end

local function text(length, zeros)
  local t = {}
  for i = 1, length do t[i] = bytes[random(zeros and 0 or 1, 255)] end
  return table.concat(t)
end

local function random_string()
  if chance(3) then return pick { 12, -1.5, ("x"):rep(300), ("y"):rep(255), true, {}, nil } end
  return text(random(0, 9), chance(20))
end

-- An integer at or within the limits of a random size; sometimes a value that is not a suitable integer.
local function random_integer(signed, width)
  if chance(4) then return pick { 0.5, "7", "0x10", "x", 1e300, 3.0, -0.0, 2^63, {}, print } end
  width = math.max(1, math.min(width or random(8), 8))
  local greatest = (1 << width * 8 - 1) - 1
  if chance(6) then
    return pick { greatest, greatest + 1, -greatest - 1, -greatest - 2, -1, greatest * 2 + 2 }
  end
  return signed and random(-greatest - 1, greatest) or random(0) & (greatest << 1 | 1)
end

local function random_float()
  if chance(3) then return pick { "1.5", "x", {}, false } end
  if chance(30) then return pick { 0/0, -(0/0), 1/0, -1/0, -0.0, 0, 5e-324, 1e300, 7, math.mininteger } end
  return string.unpack("n", text(#string.pack("n", 0), true))
end

local function integer_option(names, signed)
  return function(values)
    local width = size(16)
    values[#values + 1] = random_integer(signed, tonumber(width))
    return pick(names) .. width
  end
end

local function plain(names, value)
  return function(values)
    values[#values + 1] = value()
    return pick(names)
  end
end

local function bare(names)
  return function() return pick(names) end
end

local function counted(values)
  values[#values + 1] = random_string()
  return "s" .. (chance(60) and pick { 1, 2, 4, 8 } or size(16))
end

local function chars(most)
  return function(values)
    values[#values + 1] = random_string()
    return "c" .. (chance(2) and "" or random(0, chance(3) and most or 12))
  end
end

-- `bad` lists options that Lua refuses.
local function generator(most_chars, bad)
  local signed, unsigned = integer_option({ "i" }, true), integer_option({ "I" }, false)
  local options = {
    signed, signed, unsigned, unsigned, counted, counted, chars(most_chars),
    plain({ "b", "h", "i4", "l", "j" }, function() return random_integer(true, 1) end),
    plain({ "B", "H", "I4", "L", "J", "T" }, function() return random_integer(false, 1) end),
    plain({ "f", "d", "n" }, random_float), plain({ "f", "d", "n" }, random_float),
    plain({ "z" }, random_string), bare { "x" }, bare { "<", ">", "=" },
    bare { "<", ">", "=", " " }, bare { " " },
    function() return "!" .. (chance(80) and pick { "", 1, 2, 4, 8, 16 } or size(16)) end,
    function()
      return "X" .. (chance(95) and pick { "i4", "i", "h", "d", "s4", "x", "b", "X", "i3" } or "")
    end,
  }
  return function(values)
    local t = {}
    for i = 1, random(0, 7) do t[i] = chance(2) and pick(bad) or pick(options)(values) end
    return table.concat(t)
  end
end

local BAD = {
  "q", "1", "%", "\0", "\xFF", "\t", "Xc4", "Xz", "X ", "X<", "X!4i", "Xc", "Xq", "Xi17", "!3i4", "i3",
  "!8i3",
}

-- Comparing -----------------------------------------------------------------------------------------------

-- The four calls are made in functions of their own, by name. Where the calling code does not name the
-- function that raises, Lua searches all loaded modules for its name, which is slow.
local function unpack_theirs(fmt, s)
  local results = table.pack(string.unpack(fmt, s))
  return results
end

local function unpack_ours(view, fmt, offset)
  local results = table.pack(view:unpack(fmt, offset))
  return results
end

local function pack_theirs(fmt, ...)
  local packed = string.pack(fmt, ...)
  return packed
end

local function pack_ours(view, fmt, offset, ...)
  local after = view:pack(fmt, offset, ...)
  return after
end

-- The text of an error message without its position, and the number of the argument that it names, if any.
local function parts(message)
  message = message:gsub("^%S*_spec%.lua:%d+: ", "")
  local arg, said = message:match("^bad argument #(%d+) to 'u?n?pack' %((.*)%)$")
  return said or message, tonumber(arg)
end

-- Raises an error that reports a case in which the two results differ.
local function differ(case, fmt, offset, what, ours, theirs)
  error(("seed %d, case %d, format %q, offset %d: %s %q, not %q"):format(SEED, case, fmt, offset, what,
    tostring(ours), tostring(theirs)), 0)
end

local function same(x, y)
  if math.type(x) ~= "float" or math.type(y) ~= "float" then
    return rawequal(x, y) and math.type(x) == math.type(y)
  end
  return string.pack("n", x) == string.pack("n", y)
end

-- Counts the results of Lua's functions by kind, so that a spec can check that every kind occurred.
local function tally(said, ok, message)
  local kind = ok and "fine" or parts(message):gsub("%d+", "N"):gsub("'[^z]'", "'?'"):gsub(", got .*", "")
  said[kind] = (said[kind] or 0) + 1
end

local function said_often(said, most_common, kinds)
  assert.is_true(said.fine > most_common, "too few formats are right: " .. said.fine)
  for _, kind in ipairs(kinds) do
    assert.is_true((said[kind] or 0) >= 10, ("%q came %d times"):format(kind, said[kind] or 0))
  end
end

local FORMAT_ERRORS = {
  "invalid format option '?'", "integral size (N) out of limits [N,N]", "missing size for format option '?'",
  "invalid next option for option '?'", "format asks for alignment not power of N",
}

support.clean()

describe("packed fields", function()
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

  -- Checks that the view holds `s` at `offset` and is unchanged everywhere else.
  local function holds(s, offset)
    local expected = FILL:rep(offset) .. s
    assert.are.equal(expected .. FILL:rep(SIZE - #expected), view:get_string(0, SIZE))
  end

  -- Random bytes, many of them 0 or 255, so that lengths and large integers often fit.
  local function random_bytes()
    local t = {}
    while #t < SIZE do
      local byte = bytes[chance(30) and 0 or chance(20) and 255 or chance(60) and random(0, 9)
        or random(0, 255)]
      for _ = 1, chance(25) and 7 or 1 do t[#t + 1] = byte end
    end
    return table.concat(t, "", 1, SIZE)
  end

  -- Compares two error messages. Past the end filemap's message names the offset and the size, and Lua's
  -- reports only that the data is too short.
  local function same_error(case, fmt, start, ours, theirs)
    local said, arg = parts(ours)
    local expected, expected_arg = parts(theirs)
    if expected == "data string too short" then
      local offset, n = said:match("^offset (%d+) %+ (%d+) bytes is past the end of a " .. SIZE
        .. "%-byte view$")
      offset, n = math.tointeger(offset), math.tointeger(n)
      if not n or offset < start or offset <= SIZE and n <= SIZE - offset then
        differ(case, fmt, start, "unpack said", ours, theirs)
      end
      said = expected
    end
    if said ~= expected then differ(case, fmt, start, "the message is", said, expected) end
    if arg ~= expected_arg then differ(case, fmt, start, "it is about", arg, expected_arg) end
  end

  -- A 32-bit Lua uses only the lower 32 bits of a string's length.
  local function is_cut(message)
    local n = string.packsize("T") == 4 and math.tointeger(message:match("%+ (%-?%d+) bytes is past"))
    return n and n >> 32 ~= 0
  end

  -- Lua 5.5 has other messages for wrong formats. Lua 5.3 does not notice that a string of format "z" has no
  -- end.
  local like_lua = _VERSION == "Lua 5.4" and it
    or function(name) return pending(name .. " (only with Lua 5.4: others differ for wrong formats)") end

  like_lua("are unpacked as string.unpack unpacks them", function()
    math.randomseed(SEED)
    local format, said, all = generator(400, BAD), {}, nil
    for case = 1, CASES do
      if case % 100 == 1 then
        all = random_bytes()
        view:set_string(0, all)
      end
      local fmt, start = format {}, chance(20) and random(SIZE - 20, SIZE) or random(0, SIZE)
      local fine, theirs = pcall(unpack_theirs, fmt, all:sub(start + 1))
      local ok, ours = pcall(unpack_ours, view, fmt, start)
      tally(said, fine, theirs)
      local cut = not ok and is_cut(ours)
      if ok ~= fine and not cut then differ(case, fmt, start, "unpack gave", ours, theirs) end
      if cut then
        said.cut = (said.cut or 0) + 1
      elseif not fine then
        same_error(case, fmt, start, ours, theirs)
      else
        if ours.n ~= theirs.n then differ(case, fmt, start, "results are", ours.n, theirs.n) end
        theirs[theirs.n] = theirs[theirs.n] - 1 + start
        for i = 1, theirs.n do
          if not same(ours[i], theirs[i]) then differ(case, fmt, start, "a result is", ours[i], theirs[i]) end
        end
      end
    end
    said_often(said, CASES / 4, FORMAT_ERRORS)
    said_often(said, 0, { "data string too short", "unfinished string for format 'z'",
      "N-byte integer does not fit into Lua Integer" })
  end)

  like_lua("are packed as string.pack packs them, all or none", function()
    math.randomseed(SEED)
    local format, said, past, all = generator(SIZE, BAD), {}, 0, view:get_string(0, SIZE)
    for case = 1, CASES do
      local values = {}
      local fmt, start = format(values), chance(20) and random(SIZE - 20, SIZE) or random(0, SIZE)
      -- For these string.pack would make gigabytes.
      fmt = fmt:gsub("c%d%d%d%d+", "c9")
      if chance(2) then values[random(8)] = nil end
      local n = chance(98) and 8 or random(8)
      local fine, packed = pcall(pack_theirs, fmt, table.unpack(values, 1, n))
      local ok, result = pcall(pack_ours, view, fmt, start, table.unpack(values, 1, n))
      tally(said, fine, packed)
      if fine and #packed > SIZE - start then
        past = past + 1
        local message = ("offset %d + %d bytes is past the end of a %d-byte view")
          :format(start, #packed, SIZE)
        if ok or parts(result) ~= message then differ(case, fmt, start, "pack gave", result, message) end
      elseif fine then
        if result ~= start + #packed then differ(case, fmt, start, "pack gave", result, start + #packed) end
        all = all:sub(1, start) .. packed .. all:sub(start + #packed + 1)
      else
        if ok then differ(case, fmt, start, "pack gave", result, packed) end
        local message, arg = parts(result)
        local expected, expected_arg = parts(packed)
        if message ~= expected then differ(case, fmt, start, "the message is", message, expected) end
        -- view:pack has one more argument before the values: the offset.
        if expected_arg and expected_arg > 1 then expected_arg = expected_arg + 1 end
        if arg ~= expected_arg then differ(case, fmt, start, "it is about", arg, expected_arg) end
      end
      local held = view:get_string(0, SIZE)
      if held ~= all then differ(case, fmt, start, "the view holds", held, all) end
    end
    said_often(said, CASES / 4, FORMAT_ERRORS)
    said_often(said, 0, { "integer overflow", "unsigned overflow", "string longer than given size",
      "string contains zeros", "string length does not fit in given size", "number expected",
      "string expected",
      "number has no integer representation" })
    assert.is_true(past > 1000)
  end)

  describe("unpack", function()
    it("reads fields of both byte orders", function()
      view:set_string(5, string.pack("<i4 >i4 =d z s2", -2, 3, 0.5, "text", "counted"))
      local after = 5 + 4 + 4 + 8 + 5 + 2 + 7
      assert.same({ -2, 3, 0.5, "text", "counted", after }, { view:unpack("<i4>i4=dzs2", 5) })
    end)

    it("returns only the offset where the format has no field", function()
      for _, fmt in ipairs { "", " ", "<>= !", "\0i4" } do
        assert.same({ 3 }, { view:unpack(fmt, 3) })
        assert.same({ SIZE }, { view:unpack(fmt, SIZE) })
      end
      assert.same({ 5 }, { view:unpack("xx", 3) })
    end)

    it("counts alignment from the offset", function()
      view:set_string(3, string.pack("!4 b i4 !8 b d", 1, 2, 3, 4))
      assert.same({ 1, 2, 3, 4, 27 }, { view:unpack("!4 b i4 !8 b d", 3) })
      assert.same({ 7 }, { view:unpack("!4 x Xi4", 3) })
    end)

    it("raises with the offset and size of a field that is past the end", function()
      for fmt, where in pairs {
        i4 = "253 + 4", i2i4 = "255 + 4", ["!4 b i8"] = "257 + 8", ["!8 xXd"] = "261 + 0", i3x = "256 + 1",
        s1 = "254 + 238",
        c300 = "253 + 300", ["<s8"] = "253 + 8",
      } do
        contains(("bad argument #2 to 'unpack' (offset %s bytes is past the end of a 256-byte view)")
          :format(where),
          raises(view, "unpack", fmt, SIZE - 3))
      end
    end)

    it("raises for a length of any size that is past the end", function()
      for _, length in ipairs { 241, 2^31, 2^32 - 1, 2^32, 2^53, math.maxinteger } do
        length = math.tointeger(length)
        view:set_string(8, string.pack("<I8", length))
        contains(("(offset 16 + %d bytes is past the end"):format(length), raises(view, "unpack", "<s8", 8))
      end
      for _, length in ipairs { -1, -8, -16, math.mininteger } do
        view:set_string(8, string.pack("<i8", length))
        contains(("(offset 16 + %d bytes is past the end"):format(math.maxinteger),
          raises(view, "unpack", "<s8", 8))
      end
      view:set_string(8, string.pack("<I16", 3) .. "abc")
      assert.same({ "abc", 27 }, { view:unpack("<s16", 8) })
      view:set_string(8, string.pack(">i16", 3) .. "abc")
      view:set_u8(9, 1)
      contains("16-byte integer does not fit into Lua Integer", raises(view, "unpack", ">s16", 8))
    end)

    it("raises for text without a NUL after it, although there is one before it", function()
      view:set_u8(9, 0)
      contains("bad argument #2 to 'unpack' (unfinished string for format 'z')",
        raises(view, "unpack", "z", 10))
      contains("unfinished string", raises(view, "unpack", "z", SIZE))
      assert.same({ FILL, 10 }, { view:unpack("z", 8) })
      view:set_u8(SIZE - 1, 0)
      assert.same({ FILL:rep(SIZE - 11), SIZE }, { view:unpack("z", 10) })
      contains("unfinished string", raises(view, "unpack", "zz", 10))
      assert.same({ "", SIZE }, { view:unpack("z", SIZE - 1) })
    end)

    it("raises for text in a slice whose NUL is past the slice's end", function()
      local slice <close> = assert(view:sub(0, 8))
      view:set_u8(8, 0)
      contains("unfinished string", raises(slice, "unpack", "z", 0))
    end)

    it("reads strings of every length", function()
      for _, length in ipairs { 0, 1, 39, 40, 41, 63, 64, 65, 255, 256, 257, 5000 } do
        local large <close> = assert(filemap.create(nil, 1 << 14))
        local v <close> = assert(large:view())
        local s = ("abcdefg"):rep(1000):sub(1, length)
        local after = v:pack("z s4 c" .. length, 1, s, s, s)
        assert.are.equal(1 + 3 * length + 5, after)
        assert.same({ s, s, s, after }, { v:unpack("z s4 c" .. length, 1) })
      end
    end)

    it("returns as many results as Lua's stack can hold, and raises for more", function()
      local large <close> = assert(filemap.create(nil, 2000000))
      local v <close> = assert(large:view())
      for _, n in ipairs { 9, 10, 11, 19, 20, 21, 22, 40, 10000, 100000 } do
        v:set_u8(n - 1, 7)
        local results = table.pack(v:unpack(("B"):rep(n), 0))
        assert.are.equal(n + 1, results.n)
        assert.are.equal(n, results[n + 1])
        assert.are.equal(7, results[n])
      end
      collectgarbage() -- a finalizer would have no room in the stack, which Lua 5.3 reports in place of this
      contains("too many results", raises(v, "unpack", ("B"):rep(2000000), 0))
      contains("too many results", raises(v, "unpack", ("c1"):rep(1100000), 0))
    end)
  end)

  describe("pack", function()
    it("writes fields of both byte orders, and no byte around them", function()
      local fmt, packed = "<i4 >i4 =d z s2", string.pack("<i4 >i4 =d z s2", -2, 3, 0.5, "text", "counted")
      assert.are.equal(5 + #packed, view:pack(fmt, 5, -2, 3, 0.5, "text", "counted"))
      holds(packed, 5)
    end)

    it("uses native byte order by default", function()
      view:pack("i4", 0, 1)
      assert.are.equal(1, view:get_i32(0))
      assert.are.equal(NATIVE_LITTLE and 1 or 0, view:get_u8(0))
    end)

    it("counts alignment from the offset, and pads with zeros", function()
      assert.are.equal(15, view:pack("!4 b i4 x Xi4", 3, 1, 2))
      holds(string.pack("!4 b i4 x Xi4", 1, 2), 3)
    end)

    it("writes nothing if any value is invalid or any field is past the end", function()
      contains("bad argument #4 to 'pack' (integer overflow)", raises(view, "pack", "i4i1", 0, 1, 128))
      contains("bad argument #3 to 'pack' (number expected, got table)",
        raises(view, "pack", "i4i1", 0, {}, 128))
      contains("bad argument #4 to 'pack' (number expected, got nil)", raises(view, "pack", "i4i1", 0, 1))
      contains("bad argument #3 to 'pack' (string contains zeros)", raises(view, "pack", "z", 0, "a\0"))
      contains("bad argument #1 to 'pack' (invalid next option", raises(view, "pack", "i4X", 0, 1))
      contains("invalid format option 'q'", raises(view, "pack", "i4q", 0, 1))
      contains("bad argument #2 to 'pack' (offset 253 + 4 bytes is past the end of a 256-byte view)",
        raises(view, "pack", "i2i2", 253, 1, 1))
      contains("(offset 0 + 257 bytes is past the end", raises(view, "pack", "i1c256", 0, 1, ""))
      holds("", 0)
    end)

    it("reports an invalid value before a field that is past the end", function()
      contains("bad argument #4 to 'pack' (unsigned overflow)", raises(view, "pack", "i4 I1", SIZE, 1, 256))
    end)

    -- These bytes would take 21 GB if they were made before the call refuses them.
    it("does not build bytes that are far larger than the view", function()
      contains("(offset 1 + 214748363 bytes is past the end", raises(view, "pack", "c214748363", 1, "x"))
      local strings = {}
      for i = 1, 100 do strings[i] = "x" end
      contains("(offset 1 + 21474836300 bytes is past the end",
        raises(view, "pack", ("c214748363"):rep(100), 1, table.unpack(strings)))
      holds("", 0)
    end)

    it("accepts a format without fields at the view's end", function()
      for _, fmt in ipairs { "", "<! ", "c0" } do assert.are.equal(SIZE, view:pack(fmt, SIZE, "")) end
      holds("", 0)
    end)

    it("writes many and large fields", function()
      local large <close> = assert(filemap.create(nil, 1 << 20))
      local v <close> = assert(large:view())
      local s = ("0123456789abcdef"):rep(1 << 12)
      assert.are.equal((1 << 16) * 3 + 13, v:pack("zs4" .. "s8", 0, s, s, s))
      assert.same({ s, s, s, (1 << 16) * 3 + 13 }, { v:unpack("zs4s8", 0) })
      local numbers = {}
      for i = 1, 200 do numbers[i] = i end
      assert.are.equal(1601, v:pack((">j"):rep(200), 1, table.unpack(numbers)))
      numbers[201] = 1601
      assert.same(numbers, { v:unpack((">j"):rep(200), 1) })
    end)

    it("raises for a read-only view, and writes nothing", function()
      local readonly <close> = assert(map:view(0, SIZE, "r"))
      for _, offset in ipairs { 0, 1, SIZE } do
        contains("read-only", raises(readonly, "pack", "i4", offset, 1))
        contains("read-only", raises(readonly, "pack", "", offset))
      end
      holds("", 0)
    end)
  end)

  for method, arguments in pairs { unpack = { n = 0 }, pack = { 1, n = 1 } } do
    describe(method, function()
      local function call_raises(offset, fmt)
        return raises(view, method, fmt or "i4", offset, table.unpack(arguments))
      end

      it("raises for offsets outside the view", function()
        for _, offset in ipairs { -1, -4, -2^31, math.mininteger } do
          contains(("bad argument #2 to '%s' (offset %d is negative)"):format(method, offset),
            call_raises(offset))
        end
        for _, offset in ipairs { SIZE + 1, 2^31, 2^32, 2^53, math.maxinteger - 3, math.maxinteger } do
          contains(("bad argument #2 to '%s' (offset %d + "):format(method, offset), call_raises(offset))
        end
        for _, offset in ipairs { 1.5, 2^63, 0/0, 1/0 } do
          contains(("bad argument #2 to '%s' (number has no integer"):format(method), call_raises(offset))
        end
        contains(("bad argument #2 to '%s' (number expected, got table)"):format(method), call_raises({}))
        contains(("bad argument #2 to '%s' (number expected, got n"):format(method),
          raises(view, method, "i4"))
        holds("", 0)
      end)

      it("raises for a format that is not a string", function()
        for _, fmt in ipairs { true, {}, print } do
          contains(("bad argument #1 to '%s' (string expected, got %s)"):format(method, type(fmt)),
            call_raises(0, fmt))
        end
      end)

      it("raises for a closed view, and for a self that is not a view", function()
        local unbound = view[method]
        for _, self in ipairs { map, io.stdout, {}, "view", 1, false } do
          local ok, message = pcall(unbound, self, "i4", 0, 1)
          assert.is_false(ok)
          contains("filemap.view expected, got ", message)
        end
        view:close()
        for _, fmt in ipairs { "i4", "", "z" } do
          contains("filemap.view is closed", call_raises(0, fmt))
        end
        view = assert(map:view())
      end)
    end)
  end
end)

-- A call that makes strings may run the collector, and with it a finalizer that closes the view in use. Each
-- call is repeated with such a finalizer pending, until the finalizer has run in the middle of a call.
describe("packed fields of a view that a finalizer closes", function()
  local LARGE = 1 << 20

  local function closed_amid(attempt)
    local map <close> = assert(filemap.create(nil, LARGE))
    for _ = 1, 1000 do
      local view <close> = assert(map:view())
      collectgarbage()
      collectgarbage("step", 1)
      setmetatable({}, { __gc = function() view:close() end })
      local ok, message = pcall(attempt, view)
      if not ok then
        contains("filemap.view is closed", message)
        return map
      end
    end
    error("no finalizer was run amid a call")
  end

  local function with_eager_collector(f)
    return function()
      support.set_collector(1, 1000, 8)
      local ok, message = pcall(f)
      support.set_collector(200, 100, 13)
      assert(ok, message)
    end
  end

  it("are not unpacked after that, and the call raises", with_eager_collector(function()
    local fmt = ("c1000"):rep(1000) .. "i4"
    closed_amid(function(view) return select("#", view:unpack(fmt, 0)) end)
  end))

  it("are not packed, and the call raises", with_eager_collector(function()
    local numbers = {}
    for i = 1, 200 do numbers[i] = i + 0.5 end
    local fmt = ("z"):rep(#numbers)
    closed_amid(function(view)
      for _ = 1, 1000 do view:pack(fmt, 0, table.unpack(numbers)) end
    end)
  end))
end)
