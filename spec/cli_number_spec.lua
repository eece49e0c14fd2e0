-- Numbers of the command: u64 without a sign, and JSON integers in full, in `get`, `set`, `watch`, `publish`.
local command = require "spec.support.command"
local json = require "filemap.cli.json"
local number = require "filemap.cli.number"
local state = require "filemap.state"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

-- The offsets are the same where pointers have 4 bytes and where 8-byte numbers are aligned to 4.
local HEADER = [[
struct Big {
  uint64_t u; int64_t i; uint64_t list[2]; struct { uint64_t u; } in; void *p;
  alignas(8) enum Wide : uint64_t { One = 1 } w; float f; alignas(8) double d;
  union { uint32_t low; uint64_t whole; };
};
struct Tail { uint32_t count; alignas(8) uint64_t values[]; };
]]
local GREATEST = "18446744073709551615"
local POINTER = string.packsize("T") == 4 and "4294967295" or GREATEST

support.clean()

local posix = tmux.only("tmux is a program of POSIX")

-- A section in which all integers have all bits set, and the options that name the struct.
local function big()
  local view, name = command.section(("\xff"):rep(256))
  view:set_f32(56, 0.1)
  view:set_f64(64, 0.1)
  return view, name, "--header", command.file(HEADER, ".h"), "--type", "Big"
end

describe("a u64 field", function()
  it("is printed without a sign by get", function()
    local _ <close>, name, a, b, c, d = big()
    local lines = ("u=%\ni=-1\nlist[2]=%\np=@\nw=%\nwhole=%\nf=0.1\nd=0.1\n"):gsub("%%", GREATEST)
    assert.equal((lines:gsub("@", POINTER)),
      command.output { "get", name, "u", "i", "list[2]", "p", "w", "whole", "f", "d", a, b, c, d })
    assert.equal(("[%s,%s]\n"):format(GREATEST, GREATEST), command.output { "get", name, "list", a, b, c, d })
    assert.equal(('{"u":%s,"in":{"u":%s},"i":-1,"u64@0":%s}\n'):format(GREATEST, GREATEST, GREATEST),
      command.output { "get", name, "u", "in", "i", "u64@0", "--json", a, b, c, d })
  end)

  it("is printed without a sign by watch, also with --json", function()
    local _ <close>, name, a, b, c, d = big()
    local said = command.output { "watch", name, "--once", a, b, c, d }
    local lines = ("u=%\ni=-1\nlist[1]=%\nlist[2]=%\nin.u=%\n"):gsub("%%", GREATEST)
    assert.equal(lines, said:sub(1, #lines))
    said = command.output { "watch", name, "--once", "--json", a, b, c, d }
    local fields = ('"fields":{"u":%,"i":-1,"list":[%,%],"in":{"u":%},"p":'):gsub("%%", GREATEST) .. POINTER
    assert.is_truthy(said:find(fields, 1, true), said)
  end)

  posix("is shown without a sign by watch on a terminal, with a bar that grows with it", function()
    local view <close>, name, a, b, c, d = big()
    view:set_u64(0, 0)
    local terminal <close> = tmux.start(120, 24, "C.UTF-8", { "watch", name, a, b, c, d })
    terminal:expect("\n u? +u +0 *\n")
    view:set_u64(0, -1)
    terminal:expect(" u +" .. GREATEST .. "  ██")
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)

  it("accepts the values that get prints", function()
    local view <close>, name, a, b, c, d = big()
    view:fill(0, 64, 0)
    command.output { "set", name, "u=" .. GREATEST, ("list=[%s,9223372036854775808]"):format(GREATEST),
      ('in={"u":%s}'):format(GREATEST), "f=inf", "d=nan", a, b, c, d }
    assert.same({ -1, -1, math.mininteger, -1 },
      { view:get_u64(0), view:get_u64(16), view:get_u64(24), view:get_u64(32) })
    assert.equal("inf\n", command.output { "get", name, "f", a, b, c, d })
    assert.equal("nan\n", command.output { "get", name, "d", a, b, c, d })
    for _, wrong in ipairs { "u=18446744073709551616", "list=[18446744073709551616]", "u=1e30" } do
      assert.equal(1, select(3, command.run { "set", name, wrong, a, b, c, d }))
    end
    assert.equal(-1, view:get_u64(16))
  end)
end)

describe("a flexible array", function()
  it("is printed with the elements that fit in the section", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local header = command.file(HEADER, ".h")
    view:set_u64(16, -1)
    local said = command.output { "watch", name, "--once", "--header", header, "--type", "Tail" }
    local lines = ("count=0\nvalues[1]=0\nvalues[2]=%s\nvalues[3]=0\n"):format(GREATEST)
    assert.equal(lines, said:sub(1, #lines))
    assert.equal(GREATEST .. "\n",
      command.output { "get", name, "values[2]", "--header", header, "--type", "Tail" })
  end)

  it("is written where it fits in the section", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local header = command.file(HEADER, ".h")
    local function set(what)
      return command.run { "set", name, what, "--header", header, "--type", "Tail" }
    end
    assert.equal(0, select(3, set "values[511]=7"))
    assert.equal(7, view:get_u64(4088))
    assert.equal(1, select(3, set "values[512]=7"))
  end)

  it("is written as a whole", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local header = command.file(HEADER .. "struct Text { uint32_t n; char text[]; };", ".h")
    local tail = table.pack("--header", header, "--type", "Tail", "--offset", "4056") -- (of 4 elements)
    command.output { "set", name, "values=[1,2,3,4]", "count=4", table.unpack(tail) }
    local printed = command.output { "get", name, "values", "count", table.unpack(tail) }
    assert.equal("values=[1,2,3,4]\ncount=4\n", printed)
    command.output { "set", name, "values=[9]", table.unpack(tail) }
    assert.same({ 9, 2 }, { view:get_u64(4064), view:get_u64(4072) })
    assert.equal(1, select(3, command.run { "set", name, "count=7", "values=[1,2,3,4,5]",
      table.unpack(tail) }))
    assert.equal(4, view:get_u32(4056))
    command.output { "set", name, "text=hello", "--header", header, "--type", "Text" }
    assert.equal("hello", view:get_cstring(4))
  end)

  it("has no element past the section's end", function()
    local _ <close>, name = command.section(("\0"):rep(4096))
    local header = command.file(HEADER .. "struct Cars { uint32_t n; struct { int hp; } cars[]; };", ".h")
    for what, T in pairs { ["values[512]"] = "Tail", ["cars[1024].hp"] = "Cars" } do
      local said, problem, status = command.run { "get", name, what, "--header", header, "--type", T }
      assert.same({ "", 1 }, { said, status })
      local most = T == "Tail" and 511 or 1023
      assert.equal(("filemap: %s: the array has %d elements\n"):format(what, most), problem)
    end
  end)
end)

describe("JSON", function()
  it("keeps every integer", function()
    for _, digits in ipairs { "9007199254740993", "9223372036854775807", "-9223372036854775808",
      "9223372036854775808", GREATEST, "-9223372036854775809", ("9"):rep(60) } do
      for _, text in ipairs { digits, ("[1,%s]"):format(digits), ('{"a":"%s","b":%s}'):format(digits, digits),
        ('["\\\\\\"%s",%s,"%s\\\\"]'):format(digits, digits, digits) } do
        assert.equal(text, json.encode(assert(json.decode(text))))
      end
    end
    local like_a_mark = ('["integer:7",1,%s]'):format(GREATEST)
    assert.equal(like_a_mark, json.encode(json.decode(like_a_mark)))
  end)

  it("keeps what only looks like a large integer", function()
    for _, text in ipairs { '"12345678901234567890"', '"a 12345678901234567890"', "[0.1234567890123456]",
      '{"12345678901234567890":1}' } do
      assert.equal(text, json.encode(assert(json.decode(text))))
    end
    assert.equal(1e25, json.decode("10000000000000000000000000.0"))
    assert.equal(1.5e300, json.decode("15000000000000000000000e278"))
    for _, wrong in ipairs { "[12345678901234567890", '"12345678901234567890', "12345678901234567890 x",
      "-12345678901234567890-", '"12345678901234567890\\' } do
      assert.is_nil((json.decode(wrong)), wrong)
    end
  end)

  it("keeps the sign of a zero", function()
    assert.equal("[-0.0,0,0,-0.0]", json.encode { -0.0, 0.0, 0, json.decode("-0.0") })
  end)

  it("keeps null, empty arrays and empty objects", function()
    for _, text in ipairs { "null", "{}", "[]", "[1,null,3]", "[null]", '{"a":null}', '{"a":[{},[]]}',
      '{"1":2}', ("[1,%s,null,{}]"):format(GREATEST) } do
      assert.equal(text, json.encode((json.decode(text))))
    end
  end)

  it("is rejected where it has too many levels", function()
    local deep = ("["):rep(200) .. ("]"):rep(200)
    assert.equal(deep, json.encode((json.decode(deep))))
    assert.is_truthy(json.decode('"' .. ("["):rep(1000) .. '"'))
    for _, text in ipairs { "[" .. deep .. "]", ("["):rep(200000), ('{"a":'):rep(200000) } do
      assert.same({ nil, "it has more than 200 levels of arrays and objects" }, { json.decode(text) })
    end
    local problem, status = select(2, command.run { "publish", support.unique(), "--json",
      input = ("["):rep(200000) })
    assert.equal(1, status)
    assert.equal("filemap: line 1: is not a JSON object: it has more than 200 levels of arrays and objects\n",
      problem)
  end)

  it("is published as null", function()
    local name = support.unique()
    local reader <close> = assert(state.create_or_open(name, 1000))
    reader:close()
    local writer = command.start { "publish", name, "--json", "--hold" }
    writer:write('{"value":null}\n')
    writer:close_input()
    assert.equal("null\n", command.output { "follow", name, "--count", "1", "--timeout", "20" })
    writer:close()
  end)

  it("is published as it is", function()
    local name = support.unique()
    local reader <close> = assert(state.create_or_open(name, 1000))
    reader:close()
    local writer = command.start { "publish", name, "--json", "--hold" }
    writer:write(('{"value":%s}\n'):format(GREATEST))
    writer:close_input()
    assert.equal(('{"version":1,"value":"%s"}\n'):format(GREATEST),
      command.output { "follow", name, "--json", "--count", "1", "--timeout", "20" })
    writer:close()
  end)
end)

describe("an integer that does not fit", function()
  it("is rejected, and nothing is written", function()
    local view <close>, name, a, b, c, d = big()
    view:fill(0, 64, 0)
    for _, what in ipairs { "i64@0=" .. GREATEST, "i64@0=0xFFFFFFFFFFFFFFFF", "u64@0=0x1FFFFFFFFFFFFFFFF",
      "u32@0=0xFFFFFFFFFFFFFFFF", "i64@0=-9223372036854775809" } do
      assert.equal(1, select(3, command.run { "set", name, what }), what)
    end
    for _, what in ipairs { "i=" .. GREATEST, "i=0xFFFFFFFFFFFFFFFF", "u=0x1FFFFFFFFFFFFFFFF" } do
      assert.equal(1, select(3, command.run { "set", name, what, a, b, c, d }), what)
    end
    assert.equal(("\0"):rep(64), view:get_string(0, 64))
    command.output { "set", name, "u=0xFFFFFFFFFFFFFFFF", "i=-9223372036854775808", a, b, c, d }
    assert.same({ -1, math.mininteger }, { view:get_u64(0), view:get_i64(8) })
    command.output { "set", name, "u64@8=0xFFFFFFFFFFFFFFFF", "i64@0=-0x8000000000000000" }
    assert.same({ math.mininteger, -1 }, { view:get_u64(0), view:get_i64(8) })
  end)

  it("is wrong usage as a size or an offset", function()
    local _ <close>, name = command.section("abcd")
    for _, words in ipairs { { "dump", name, "--offset", "0xFFFFFFFFFFFFFFFF" },
      { "dump", name, "--offset", "0x10000000000000001" }, { "get", name, "utf32[4611686018427387904]@0" },
      { "get", name, "u8@1", "--offset", "9223372036854775807" },
      { "get", name, "u8@0x8000000000000000" } } do
      assert.equal(2, select(3, command.run(words)), words[3])
    end
  end)

  it("is not a value of a dictionary", function()
    local dict = require "filemap.dict"
    local name = support.unique()
    local d <close> = assert(dict.create_or_open(name))
    for _, text in ipairs { GREATEST, "0xFFFFFFFFFFFFFFFF" } do
      assert.equal(2, select(3, command.run { "dict", name, "set", "k", text, "--as", "integer" }), text)
    end
    assert.is_nil(d:get("k"))
    command.output { "dict", name, "set", "k", "inf", "--as", "float" }
    assert.equal(math.huge, d:get("k"))
  end)
end)

describe("the text of a number", function()
  it("keeps its exponent where only some digits fit", function()
    local n = -1.2345678901234568e-05
    assert.equal("-1.2345678901234568e-05", number.fit(n, "f64", 24))
    assert.equal("-1.2345678901235e-05", number.fit(n, "f64", 20))
    assert.equal("-1e-05", number.fit(n, "f64", 6))
    assert.equal("#####", number.fit(n, "f64", 5))
    assert.equal("1.8e+19", number.fit(-1, "u64", 7))
    assert.equal("-1", number.fit(-1, "i64", 7))
  end)

  it("keeps the sign of a zero", function()
    local view <close>, name = command.section(("\0"):rep(64))
    local header = command.file("struct S { double d; float f[2]; float z; };", ".h")
    for _, zero in ipairs { "-0.0", "-0" } do
      view:fill(0, 64, 0)
      command.output { "set", name, "d=" .. zero, "z=" .. zero, "f64@32=" .. zero, "f=[0,-0.0]", "--header",
        header, "--type", "S" }
      local minus = string.pack("d", -0.0)
      assert.same({ minus, minus }, { view:get_string(0, 8), view:get_string(32, 8) })
      assert.equal("d=-0.0\nf=[0,-0.0]\nz=-0.0\nf64@32=-0.0\n", command.output { "get", name, "d", "f",
        "z", "f64@32", "--header", header, "--type", "S" })
    end
    assert.equal(string.pack("d", 0), string.pack("d", number.float("0")))
  end)

  posix("is whole in watch on a terminal of 80 columns", function()
    local view <close>, name = command.section(("\0"):rep(64))
    view:set_f64(0, -1.2345678901234568e-05)
    local header = command.file("struct S { double d; };", ".h")
    local terminal <close> = tmux.start(80, 24, "C.UTF-8",
      { "watch", name, "--header", header, "--type", "S" })
    terminal:expect("d +%-1%.2345678901234568e%-05\n")
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)

  it("gives the same number again", function()
    local seed = os.time()
    math.randomseed(seed)
    for _ = 1, 2000 do
      local n = string.unpack("d", string.pack("i8", math.random(0)))
      if n == n and math.abs(n) < math.huge then
        assert.equal(n, number.float(number.text(n, "f64")), "seed " .. seed)
      end
      local u = math.random(0)
      assert.equal(u, number.integer(number.text(u, "u64"), "u64"), "seed " .. seed)
      assert.is_nil(number.text(u, "u64"):find("-"))
    end
    assert.equal("0.10000000149011612", number.text(string.unpack("f", string.pack("f", 0.1)), "f64"))
    assert.equal("1.40783635e-14", number.text(string.unpack("f", string.pack("I4", 679320830)), "f32"))
    assert.equal("0.1", number.text(string.unpack("f", string.pack("f", 0.1)), "f32"))
  end)
end)
