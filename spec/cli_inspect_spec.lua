-- filemap list, dump, get, set: what a section holds, printed once.
local command = require "spec.support.command"
local dkjson = require "dkjson"
local filemap = require "filemap"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

local HEADER = [[
typedef struct { float x, y, z; } Vec3;
enum Gear { Neutral, First, Second };
struct Player {
  uint32_t seq; Vec3 pos; char name[16]; bool alive; enum Gear gear;
  struct { int hp; float t[3]; } wheels[2]; double d; uint64_t u;
};
]]

support.clean()

describe("filemap list", function()
  -- Windows shows whole pages.
  local size = support.windows and 4096 or 100

  it("prints each live name and its size, with a tab between them", function()
    local _ <close>, name = command.section(("x"):rep(100))
    local said = command.output { "list" }
    assert.is_truthy(said:find(("Local\\%s\t%d\n"):format(name, size), 1, true), said)
  end)

  support.only("posix", "Windows has one name space")("prints the names of other programs", function()
    local name = support.unique("/")
    local map <close> = assert(filemap.create(name .. "\t", 100))
    local said = command.output { "list", "--json" }
    assert.is_truthy(said:find(('{"name":"%s\\t","size":100}\n'):format(name), 1, true), said)
    map:close()
    filemap.unlink(name .. "\t")
    assert.is_nil(command.output { "list" }:find(name, 1, true))
    assert.is_nil(command.output { "list" }:find("filemap.", 1, true))
  end)

  it("prints one object a line with --json", function()
    local _ <close>, name = command.section(("x"):rep(100))
    local seen
    for line in command.output({ "list", "--json" }):gmatch("[^\n]+") do
      local object = assert(dkjson.decode(line))
      if object.name == "Local\\" .. name then seen = object.size end
    end
    assert.equal(size, seen)
  end)
end)

describe("filemap list on a terminal", function()
  local it = tmux.only("tmux is a program of POSIX")

  for _, columns in ipairs { 80, 200 } do
    it(("cuts long names at %d columns"):format(columns), function()
      local map <close> = assert(filemap.create(support.unique() .. ("é"):rep(80), 12345))
      local terminal <close> = tmux.start(columns, 24, "C.UTF-8", { "list" })
      local line = terminal:expect("(Local\\spec[^\n]*é +12345)\n.*status 0")
      assert.equal(columns == 80 and 80 or #"Local\\" + utf8.len(map:name()) + 2 + 5, utf8.len(line))
    end)
  end
end)

describe("filemap dump", function()
  local posix = support.only("posix", "hexdump is a program of Linux")

  -- Bytes with repeated lines, text, and a rest.
  local function sample(size, seed)
    math.randomseed(seed)
    local parts = {}
    while #parts * 16 < size do
      local row = {}
      for i = 1, 16 do row[i] = string.char(math.random(0, 255)) end
      for _ = 1, math.random(1, 4) do parts[#parts + 1] = table.concat(row) end
    end
    return table.concat(parts):sub(1, size)
  end

  local function hexdump(path, options)
    local pipe <close> = assert(io.popen(("hexdump -C %s %s"):format(options, path)))
    return pipe:read("a")
  end

  local compared = support.having("hexdump", posix)
  for _, size in ipairs { 1, 15, 16, 17, 33, 4096, 70001 } do
    compared(("prints %d bytes as hexdump -C does"):format(size), function()
      local bytes = sample(size, size)
      local _ <close>, name = command.section(bytes)
      assert.equal(hexdump(command.file(bytes), ""), command.output { "dump", name })
    end)
  end

  compared("prints long ranges of equal lines as hexdump -C does", function()
    for _, rest in ipairs { "", "x", ("x"):rep(16) } do
      local zeros = ("\0"):rep(3 * 65536)
      local bytes = "abc" .. zeros .. "d" .. zeros .. rest
      local _ <close>, name = command.section(bytes)
      assert.equal(hexdump(command.file(bytes), ""), command.output { "dump", name })
    end
  end)

  compared("prints a range as hexdump -C does", function()
    local bytes = sample(5000, 7)
    local _ <close>, name = command.section(bytes)
    local path = command.file(bytes)
    for _, range in ipairs { { 1, 40 }, { 16, 16 }, { 100, 4900 }, { 4999, 1 }, { 64, 999 } } do
      assert.equal(hexdump(path, ("-s %d -n %d"):format(table.unpack(range))),
        command.output { "dump", name, "--offset", range[1], "--length", range[2] })
    end
    assert.equal(hexdump(path, "-s 0x1000"), command.output { "dump", name, "--offset", "4K" })
  end)

  it("prints the same of a section, a path, --file and standard input", function()
    local bytes = sample(4096, 3) -- (Windows may round a size up to the page)
    local _ <close>, name = command.section(bytes)
    local path, said = command.file(bytes), command.output { "dump", name }
    assert.equal(said, command.output { "dump", path })
    assert.equal(said, command.output { "dump", "--file", path })
    assert.equal(said, command.output { "dump", "-", input = bytes })
  end)

  it("fails with status 1 for an offset past the end", function()
    local _ <close>, name = command.section("abc")
    local _, problem, status = command.run { "dump", name, "--offset", "4" }
    if not support.windows then
      assert.equal(("filemap: %s: offset 4 is past the end at 3\n"):format(name), problem)
      assert.equal(1, status)
    end
  end)
end)

describe("filemap get and set", function()
  local header
  before_each(function() header = command.file(HEADER, ".h") end)

  local function struct() return "--header", header, "--type", "Player" end

  it("read and write numbers by offset", function()
    local view <close>, name = command.section(("\0"):rep(128))
    for T, value in pairs { i8 = "-128", u8 = "255", i16 = "-32768", u16 = "65535", i32 = "-5",
      u32 = "4294967295", i64 = "-9223372036854775808", u64 = "18446744073709551615", f32 = "0.1",
      f64 = "-1e+300" } do
      assert.equal("", command.output { "set", name, ("%s@0x10=%s"):format(T, value) })
      assert.equal(value .. "\n", command.output { "get", name, T .. "@16" })
    end
    command.output { "set", name, "u8@0=7", "--offset", "3" }
    assert.equal(7, view:get_u8(3))
  end)

  it("read and write text by offset", function()
    local view <close>, name = command.section(("\0"):rep(128))
    command.output { "set", name, "char[8]@0=hello", "utf16[8]@16=wörld", "utf32[4]@64=a=b" }
    assert.equal("hello", view:get_cstring(0))
    assert.equal("char[8]@0=hello\nutf16[8]@16=wörld\nutf32[4]@64=a=b\n",
      command.output { "get", name, "char[8]@0", "utf16[8]@16", "utf32[4]@64" })
  end)

  it("read and write fields by path", function()
    local _ <close>, name = command.section(("\0"):rep(256))
    command.output { "set", name, "name=Jo", "pos.y=2.5", "gear=First", "alive=true", "wheels[2].t[3]=4.5",
      "seq=9", 'pos={"x":1}', "u=18446744073709551615", "--offset", "64", struct() }
    assert.equal("name=Jo\npos.y=2.5\ngear=First\nalive=true\nwheels[2].t[3]=4.5\nseq=9\n",
      command.output { "get", name, "name", "pos.y", "gear", "alive", "wheels[2].t[3]", "seq", "--offset",
        "64", struct() })
    assert.equal("9\n", command.output { "get", name, "u32@64" })
    local said = command.output { "get", name, "pos", "wheels", "--json", "--offset", "64", struct() }
    local object = dkjson.decode(said)
    assert.same({ x = 1, y = 2.5, z = 0 }, object.pos)
    assert.equal(4.5, object.wheels[2].t[3])
  end)

  it("take a value that looks like a number as text where the field is text", function()
    local _ <close>, name = command.section(("\0"):rep(256))
    command.output { "set", name, "name=007", struct() }
    assert.equal("007\n", command.output { "get", name, "name", struct() })
    command.output { "set", name, "gear=2", struct() }
    assert.equal("Second\n", command.output { "get", name, "gear", struct() })
  end)

  it("take text that begins like JSON as text", function()
    local _ <close>, name = command.section(("\0"):rep(256))
    for _, text in ipairs { "[CLAN]", "{x", "[1]", "{}" } do
      command.output { "set", name, "name=" .. text, struct() }
      assert.equal(text .. "\n", command.output { "get", name, "name", struct() })
    end
  end)

  it("write nothing if one value does not fit", function()
    local view <close>, name = command.section(("\0"):rep(256))
    for _, wrong in ipairs { "gear=Sixth", "seq=-1", "seq=x", "alive=2", "nme=x", "pos=1",
      "name=" .. ("x"):rep(40), "u32@5000=1", "u8@0=256" } do
      local said, problem, status = command.run { "set", name, "seq=5", wrong, struct() }
      assert.same({ "", 1 }, { said, status }, wrong)
      assert.is_truthy(problem:find("^filemap: [^\n]+\n$"), problem)
      assert.equal(0, view:get_u32(0))
    end
  end)

  it("suggest the nearest field and struct", function()
    local _ <close>, name = command.section(("\0"):rep(256))
    local _, problem, status = command.run { "get", name, "whels[1].hp", struct() }
    assert.equal(1, status)
    assert.is_truthy(problem:find("did you mean 'wheels[1].hp'?", 1, true), problem)
    problem, status = select(2, command.run { "get", name, "seq", "--header", header, "--type", "Plaier" })
    assert.equal(1, status)
    assert.is_truthy(problem:find("did you mean 'Player'?", 1, true), problem)
  end)

  it("suggest a field quickly, however large the arrays are", function()
    local _ <close>, name = command.section(("\0"):rep(256))
    local large = command.file("struct Large { int hits; int map[3000][3000]; };", ".h")
    for wrong, right in pairs { hist = "hits", ["mp[1][1]"] = "map[1][1]" } do
      local _, problem, status = command.run { "get", name, wrong, "--header", large, "--type", "Large" }
      assert.equal(1, status, problem)
      assert.is_truthy(problem:find(("did you mean '%s'?"):format(right), 1, true), problem)
    end
  end)

  it("read a header from standard input", function()
    local _ <close>, name = command.section("\7" .. ("\0"):rep(255))
    local said = command.output { "get", name, "seq", "--header", "-", "--type", "Player", input = HEADER }
    assert.equal("7\n", said)
  end)
end)

describe("a name that does not exist", function()
  it("is a failure, with the nearest name that exists", function()
    local map <close> = assert(filemap.create(support.unique() .. "Telemetry", 10))
    local _, problem, status = command.run { "dump", (map:name():gsub("Tele", "Tle")) }
    assert.equal(1, status)
    assert.is_truthy(problem:find(("did you mean '%s'?"):format(map:name()), 1, true), problem)
  end)

  for _, words in ipairs { { "dump" }, { "watch" }, { "get", "u8@0" }, { "set", "u8@0=1" },
    { "record", "x.fmr" }, { "send" }, { "connect" }, { "wait" }, { "copy", "-" } } do
    it("makes " .. words[1] .. " fail with status 1", function()
      local name = support.unique()
      local said, problem, status = command.run { words[1], name, words[2] }
      assert.same({ "", 1 }, { said, status })
      assert.is_truthy(problem:find("^filemap: [^\n]*" .. name:gsub("%-", "%%-") .. "[^\n]*\n$"), problem)
    end)
  end
end)
