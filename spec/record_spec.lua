-- Records, tables and arrays of structs: reading and writing members in a view.
local check = require "spec.support.check"
local filemap = require "filemap"
local struct = require "filemap.struct"
local support = require "spec.support"

local contains = check.contains

local SIZE <const> = 4096
local BASE <const> = 64

local State = struct.enum("State", { "Off", "On", { "Broken", 9 } }, "u16")
local Vec = struct.define("Vec", { { "x", "f32" }, { "y", "f32" }, { "z", "f32" } })
local Player = struct.define("Player", {
  { "id", "u32" }, { "pos", Vec }, { "name", "char", 16 }, { "wide", "utf16", 8 }, { "full", "utf32", 4 },
  { "state", State }, { "alive", "bool" }, { "owner", "pointer" }, { "scores", "i16", 4 },
  { "grid", "u8", 2, 3 }, { "lo", "u8", bits = 3 }, { "signed", "i8", bits = 5 }, { "letter", "char" },
  { "big", "u64" }, { "team", Vec, 2 },
})

-- Calls f, which raises, as a program whose name is "script"; returns the message.
local function raised(code, ...)
  local whole = "local p, x = ... " .. code:gsub("^return (.*)$", "local y = %1 return y")
  local ok, message = pcall(assert(load(whole, "=script")), ...)
  assert.is_false(ok, code .. " raised nothing")
  assert.are.equal("script:1: ", message:sub(1, 10), message)
  return message:sub(11)
end

support.clean()

local map, view

local function fresh()
  map = assert(filemap.create(nil, SIZE))
  view = assert(map:view())
end

local function done()
  view:close()
  map:close()
end

describe("writing one field that is a struct", function()
  before_each(fresh)
  after_each(done)

  it("writes that struct alone, and nothing if a value does not fit", function()
    local Pos = struct.define("Pos", { { "x", "i32" }, { "y", "i32" } })
    local Car = struct.define("Car", { { "id", "u32" }, { "pos", Pos }, { "lap", "u32" } })
    Pos:write(view, 32, { x = 1, y = 2 })
    view:fill(0, Car.size, 255)
    Car:write(view, 0, { pos = { x = 3, y = 4 } })
    assert.is_false(pcall(Car.write, Car, view, 0, { pos = { x = 5, y = 1 << 40 } }))
    assert.same({ id = 0xffffffff, pos = { x = 3, y = 4 }, lap = 0xffffffff }, Car:read(view, 0))
  end)
end)

describe("a record", function()
  before_each(fresh)
  after_each(done)

  it("reads and writes numbers where they are", function()
    local p = Player:at(view, BASE)
    p.id = 0xfffffffe
    assert.are.equal(0xfffffffe, view:get_u32(BASE))
    view:set_u32(BASE, 7)
    assert.are.equal(7, p.id)
    p.big = -1
    assert.are.equal(-1, view:get_u64(BASE + (Player:offsetof("big"))))
    assert.are.equal(-1, p.big)
  end)

  it("reads and writes text up to NUL", function()
    local p = Player:at(view, BASE)
    view:fill(BASE, Player.size, 0xee)
    for field, text in pairs { name = "Jörg Müller", wide = "Ünï🌍", full = "🌍é" } do
      p[field] = text
      assert.are.equal(text, p[field])
      assert.are.equal(text, Player:read(view, BASE)[field])
    end
    -- The rest of the field is zeroed, and nothing behind it is touched.
    local at, size = Player:offsetof("name")
    assert.are.equal("Jörg Müller" .. ("\0"):rep(size - 13), view:get_string(at + BASE, size))
    p.name = ("x"):rep(15)
    assert.are.equal(("x"):rep(15), p.name)
  end)

  it("reads and writes text that fills its field, without NUL", function()
    local p = Player:at(view, BASE)
    local texts = { name = ("y"):rep(16), wide = "Ünïcod🌍", full = "a🌍é!" }
    for field, text in pairs(texts) do
      view:fill(BASE, Player.size, 0xee)
      p[field] = text
      assert.are.equal(text, p[field])
      Player:write(view, BASE, { [field] = "" })
      Player:write(view, BASE, { [field] = text })
      assert.are.equal(text, Player:read(view, BASE)[field])
      -- Nothing behind the field was touched.
      local at, size = Player:offsetof(field)
      assert.are.equal(0xee, view:get_u8(BASE + at + size))
    end
  end)

  it("shows a lone character as a number", function()
    local p = Player:at(view, BASE)
    p.letter = 65
    assert.are.equal(65, p.letter)
    assert.are.equal("A", view:get_string(BASE + (Player:offsetof("letter")), 1))
  end)

  it("reads an enum as its name where it has one, else as the number, and writes either", function()
    local p, at = Player:at(view, BASE), BASE + (Player:offsetof("state"))
    p.state = "Broken"
    assert.are.equal(9, view:get_u16(at))
    assert.are.equal("Broken", p.state)
    p.state = 1
    assert.are.equal("On", p.state)
    p.state = 77
    assert.are.equal(77, p.state)
    assert.are.equal(77, Player:read(view, BASE).state)
  end)

  it("reads and writes booleans and pointers", function()
    local p = Player:at(view, BASE)
    p.alive = true
    assert.are.equal(1, view:get_u8(BASE + (Player:offsetof("alive"))))
    view:set_u8(BASE + (Player:offsetof("alive")), 0x80)
    assert.is_true(p.alive)
    p.alive = false
    assert.is_false(p.alive)
    p.owner = 0x1234
    assert.are.equal(0x1234, p.owner)
  end)

  it("writes a bit-field and leaves its neighbours alone", function()
    local p = Player:at(view, BASE)
    p.lo, p.signed = 5, -16
    assert.same({ 5, -16 }, { p.lo, p.signed })
    p.lo = 2
    assert.same({ 2, -16 }, { p.lo, p.signed })
    p.signed = 15
    assert.same({ 2, 15 }, { p.lo, p.signed })
    local t = Player:read(view, BASE)
    assert.same({ 2, 15 }, { t.lo, t.signed })
  end)

  it("counts the elements of its arrays from 1", function()
    local p, at = Player:at(view, BASE), BASE + (Player:offsetof("scores"))
    for i = 1, 4 do p.scores[i] = -i end
    assert.are.equal(-3, view:get_i16(at + 4))
    assert.are.equal(4, #p.scores)
    p.grid[2][3] = 200
    assert.are.equal(200, view:get_u8(BASE + (Player:offsetof("grid")) + 5))
    assert.are.equal(2, #p.grid)
    assert.are.equal(3, #p.grid[1])
    local seen = {}
    for i, score in pairs(p.scores) do seen[i] = score end
    assert.same({ -1, -2, -3, -4 }, seen)
  end)

  it("contains structs, which are used the same way", function()
    local p = Player:at(view, BASE)
    p.pos.y = 2.5
    assert.are.equal(2.5, view:get_f32(BASE + 8))
    p.team[2].z = -1
    assert.are.equal(-1.0, p.team[2].z)
    p.pos = { x = 1, z = 3 }
    assert.same({ x = 1.0, y = 2.5, z = 3.0 }, Player:read(view, BASE).pos)
    p.team[1] = { y = 4 }
    assert.are.equal(4.0, p.team[1].y)
    p.scores = { 5, [4] = 6 }
    assert.same({ 5, 0, 0, 6 }, Player:read(view, BASE).scores)
    p.grid = { [2] = { 1, 2, 3 } }
    assert.same({ { 0, 0, 0 }, { 1, 2, 3 } }, Player:read(view, BASE).grid)
  end)

  it("iterates over its fields in the order of declaration", function()
    local names = {}
    for name in pairs(Player:at(view, 0)) do names[#names + 1] = name end
    assert.are.equal("id pos name wide full state alive owner scores grid lo signed letter big team",
      table.concat(names, " "))
  end)

  it("has its fields in its tostring", function()
    local p = Player:at(view, BASE)
    p.id, p.name, p.state, p.pos = 7, "Jane", "On", { x = 1, y = 2, z = 3 }
    local text = tostring(p)
    for _, part in ipairs { "Player {", "id = 7", "pos = Vec { x = 1.0, y = 2.0, z = 3.0 }", 'name = "Jane"',
                            'state = "On"', "scores = { 0, 0, 0, 0 }" } do
      contains(part, text)
    end
    local S = struct.define("S", { { "a", "u8", 1000 } })
    contains("… 1000 in all", tostring(S:at(view, 0)))
  end)

  it("has a tostring that is cut as a whole, however deep it is nested", function()
    local inner = struct.define("Leaf", { { "a", "u64", 8 }, { "b", "char", 40 } })
    for i = 1, 6 do inner = struct.define("Level" .. i, { { "x", inner, 8 }, { "y", inner, 8 } }) end
    local large <close> = assert(filemap.create(nil, inner.size))
    local bytes <close> = assert(large:view())
    local text = tostring(inner:at(bytes, 0))
    assert.is_true(#text < 600, #text)
    contains("…", text)
    assert.are.equal(select(2, text:gsub("{", "")), select(2, text:gsub("}", "")))
  end)

  it("works in any view or slice, at any offset", function()
    local slice = view:sub(3, Vec.size)
    Vec:at(slice).y = 9
    assert.are.equal(9.0, view:get_f32(7))
    slice:close()
  end)

  it("uses the members of an anonymous struct or union as its own", function()
    local Inner = struct.define(nil, { { "lo", "u16" }, { "hi", "u16" } })
    local Either = struct.union(nil, { { "whole", "u32" }, { "", Inner } })
    local S = struct.define("S", { { "tag", "u32" }, { "", Either } })
    local s = S:at(view, 0)
    local function whole(lo, hi) return (string.unpack("=I4", string.pack("=I2I2", lo, hi))) end
    s.whole = whole(1, 2)
    assert.same({ 1, 2 }, { s.lo, s.hi })
    assert.same({ tag = 0, whole = whole(1, 2), lo = 1, hi = 2 }, S:read(view, 0))
    s.hi = 3
    assert.are.equal(whole(1, 3), s.whole)
  end)
end)

describe("a struct", function()
  before_each(fresh)
  after_each(done)

  it("takes a float with an integer value as an offset, as other calls do", function()
    Vec:write(view, 8.0, { y = 2 })
    assert.are.equal(2.0, view:get_f32(12))
    assert.are.equal(2.0, Vec:read(view, 8.0).y)
    assert.are.equal(2.0, Vec:at(view, 8.0).y)
    assert.are.equal(2.0, Vec:array(view, 8.0, 1.0)[1].y)
    local Counted = struct.define("Counted", { { "n", "u32" }, { "y", "f32" } })
    assert.are.equal(2.0, Counted:snapshot(view, 8.0, { same = "n" }, 0).y)
    contains("bad argument #2 to 'read' (integer expected, got float)", raised("p:read(x, 0.5)", Vec, view))
  end)

  it("keeps the methods of each type apart", function()
    view:set_u32(4, 7)
    local Low = struct.define("Low", { { "a", "u32" }, { "b", "u32" } })
    local High = struct.define("High", { { "b", "u32" }, { "a", "u32" } })
    assert.same({ a = 0, b = 7 }, Low:read(view, 0))
    assert.same({ a = 7, b = 0 }, Low.read(High, view, 0))
    assert.same({ a = 7, b = 0 }, Low.snapshot(High, view, 0, { same = "a" }))
    contains("calling 'read' on bad self", raised("return p.read(1, x)", Low, view))
  end)
end)

describe("a record raises", function()
  before_each(fresh)
  after_each(done)

  it("for an unknown field", function()
    local p = Player:at(view, BASE)
    assert.are.equal("Player has no field 'hp'", raised("return p.hp", p))
    assert.are.equal("Player has no field 'hp'", raised("p.hp = 1", p))
    assert.are.equal("Player has no field '1'", raised("p[1] = 1", p))
    assert.are.equal("Vec has no field 'w'", raised("return p.pos.w", p))
  end)

  it("for a write at an index out of range", function()
    local p = Player:at(view, BASE)
    for _, index in ipairs { 0, 5, -1, 1.5, "x", "1", math.mininteger, math.maxinteger } do
      assert.is_nil(p.scores[index])
      contains(("field 'scores': index %s is not in 1..4"):format(index),
        raised(("p.scores[%q] = 1"):format(index), p))
    end
    assert.is_nil(p.grid[2][4])
    contains("field 'grid[2]': index 4 is not in 1..3", raised("p.grid[2][4] = 1", p))
  end)

  it("for a value that does not fit, and leaves the bytes alone", function()
    local p = Player:at(view, BASE)
    view:fill(0, SIZE, 0x5a)
    for assignment, message in pairs {
      ["p.id = -1"] = "field 'id': -1 does not fit u32 (0 to 4294967295)",
      ["p.id = 'x'"] = "field 'id': number expected, got string",
      ["p.id = 1.5"] = "field 'id': number has no integer representation",
      ["p.name = ('x'):rep(17)"] = "field 'name': a text of 17 bytes does not fit 16",
      ["p.name = 'a\\0b'"] = "field 'name': the text holds a NUL",
      ["p.name = 3"] = "field 'name': string expected, got number",
      ["p.wide = 'abcdefghi'"] = "field 'wide': a text of 9 units does not fit 8",
      ["p.state = 'Gone'"] = "field 'state': State has no name \"Gone\"",
      ["p.state = 70000"] = "field 'state': 70000 does not fit u16",
      ["p.alive = 1"] = "field 'alive': boolean expected, got number",
      ["p.lo = 8"] = "field 'lo': 8 does not fit 3 bits",
      ["p.signed = -17"] = "field 'signed': -17 does not fit 5 bits",
      ["p.pos = 3"] = "field 'pos': table expected, got number",
      ["p.pos = { w = 3 }"] = "Vec has no field 'w'",
      ["p.pos = { x = 1, y = 'a' }"] = "field 'pos.y': number expected, got string",
      ["p.scores = { 1, 2, 3, 4, 5 }"] = "field 'scores': index 5 is not in 1..4",
      ["p.scores = { ['1'] = 1 }"] = "field 'scores': index 1 is not in 1..4",
      ["p.scores = setmetatable({ x = 1 }, { __pairs = false })"] = "field 'scores': index x is not in 1..4",
      ["p.pos = setmetatable({}, { __index = error, __metatable = false }) p.pos = 3"] =
        "field 'pos': table expected",
      ["p.scores = { 1, 70000 }"] = "field 'scores[2]': 70000 does not fit i16",
      ["p.scores[2] = 70000"] = "field 'scores[2]': 70000 does not fit i16 (-32768 to 32767)",
      ["p.team[2] = { z = {} }"] = "field 'team[2].z': number expected, got table",
      ["p.big = nil"] = "field 'big': number expected, got nil",
    } do
      contains(message, raised(assignment, p))
    end
    assert.are.equal(("\x5a"):rep(SIZE), view:get_string(0, SIZE))
  end)

  it("for a struct that is not wholly in the view", function()
    for _, offset in ipairs { SIZE - Player.size + 1, -1, math.maxinteger, math.mininteger } do
      contains("bad argument #2 to 'at'", raised("return p:at(x, " .. offset .. ")", Player, view))
      contains("bad argument #2 to 'read'", raised("return p:read(x, " .. offset .. ")", Player, view))
      contains("bad argument #2 to 'write'", raised("return p:write(x, " .. offset .. ", {})", Player, view))
    end
    contains("integer expected, got string", raised("return p:at(x, '1')", Player, view))
    Player:at(view, SIZE - Player.size).team[2].z = 1
  end)

  it("after its view is closed", function()
    local p = Player:at(view, BASE)
    local pos, scores = p.pos, p.scores
    view:close()
    contains("is closed", raised("return p.id", p))
    contains("is closed", raised("p.id = 1", p))
    contains("is closed", raised("p.name = 'x'", p))
    contains("is closed", raised("return p.x", pos))
    contains("is closed", raised("return p[1]", scores))
    contains("is closed", raised("return p:at(x)", Player, view))
    contains("is closed", raised("return p:read(x)", Player, view))
  end)

  it("for a write through a read-only view", function()
    local readable <close> = assert(map:view(0, SIZE, "r"))
    local p = Player:at(readable, 0)
    assert.are.equal(0, p.id)
    for _, assignment in ipairs { "p.id = 1", "p.name = 'x'", "p.alive = true", "p.lo = 1", "p.scores[1] = 1",
                                  "p.pos = { x = 1 }", "p.state = 'On'" } do
      contains("read-only", raised(assignment, p))
    end
    contains("read-only", raised("p:write(x, 0, { id = 1 })", Player, readable))
  end)

  it("for another object as the view, or as the type", function()
    contains("view expected", raised("return p:at({})", Player))
    contains("view expected", raised("return p:read(nil, 0)", Player))
    contains("filemap.struct expected, got nil", raised("return p.at(nil, x)", Player, view))
    contains("filemap.struct expected, got table", raised("return p.read({}, x)", Player, view))
  end)
end)

describe("read and write", function()
  before_each(fresh)
  after_each(done)

  local sample = {
    id = 1, pos = { x = 0.5, y = 1.5, z = -2.5 }, name = "a", wide = "bé", full = "c", state = "On",
    alive = true, owner = 99, scores = { 1, -2, 3, -4 }, grid = { { 1, 2, 3 }, { 4, 5, 6 } }, lo = 6,
    signed = -3, letter = 66, big = math.mininteger,
    team = { { x = 1.0, y = 2.0, z = 3.0 }, { x = 4.0, y = 5.0, z = 6.0 } },
  }

  it("return what was written", function()
    Player:write(view, BASE, sample)
    assert.same(sample, Player:read(view, BASE))
  end)

  it("leave fields alone that the table lacks", function()
    Player:write(view, BASE, sample)
    Player:write(view, BASE, { id = 2, pos = { y = 9 }, scores = { [3] = 8 } })
    local t = Player:read(view, BASE)
    assert.same({ 2, { x = 0.5, y = 9.0, z = -2.5 }, { 1, -2, 8, -4 }, "a" },
      { t.id, t.pos, t.scores, t.name })
  end)

  it("write nothing of a table with one wrong value", function()
    view:fill(0, SIZE, 0x5a)
    contains("field 'scores[4]': 99999 does not fit i16",
      raised("p:write(x, 64, { id = 1, name = 'a', scores = { 1, 2, 3, 99999 } })", Player, view))
    contains("Player has no field 'hp'", raised("p:write(x, 64, { id = 1, hp = 3 })", Player, view))
    contains("table expected, got nil", raised("p:write(x, 64)", Player, view))
    assert.are.equal(("\x5a"):rep(SIZE), view:get_string(0, SIZE))
  end)

  it("read a table that does not change with the memory", function()
    local t = Vec:read(view, 0)
    view:fill(0, SIZE, 1)
    assert.same({ x = 0.0, y = 0.0, z = 0.0 }, t)
  end)

  it("read structs of hundreds of fields", function()
    local fields, expected = {}, {}
    for i = 1, 500 do
      fields[i] = { "f" .. i, "u16" }
      expected["f" .. i] = i
    end
    local S = struct.define("S", fields)
    S:write(view, 0, expected)
    assert.same(expected, S:read(view, 0))
    assert.are.equal(500, S:at(view, 0).f500)
  end)
end)

describe("the byte order", function()
  before_each(fresh)
  after_each(done)

  for _, endian in ipairs { "<", ">" } do
    it(("%s holds for every kind of field"):format(endian), function()
      local E = struct.enum("E", { A = 0x0102 }, "u16")
      local S = struct.define("S", {
        { "i", "i32" }, { "d", "f64" }, { "e", E }, { "w", "utf16", 3 }, { "a", "u16", 2 },
        { "hi", "u16", bits = 4 }, { "lo", "u16", bits = 12 },
      }, { endian = endian, pack = 1 })
      local value = { i = -2, d = 0.1, e = "A", w = "é", a = { 1, 0x1234 } }
      S:write(view, 0, value)
      assert.are.equal(string.pack(endian .. "i4d", -2, 0.1)
        .. string.pack(endian .. "I2I2I2I2I2I2", 0x0102, 0xe9, 0,
        0, 1, 0x1234), view:get_string(0, S:offsetof("hi")))
      for key, expected in pairs(value) do assert.same(expected, S:read(view, 0)[key]) end
      local s = S:at(view, 0)
      assert.same({ -2, 0.1, "A", "é", 0x1234 }, { s.i, s.d, s.e, s.w, s.a[2] })
      -- The first bit-field is in the first byte's first bits: the lowest of "<", the highest of ">".
      s.hi, s.lo = 0xa, 0xbcd
      local at = S:offsetof("hi")
      assert.are.equal(endian == "<" and 0xbcda or 0xabcd, (view:unpack(endian .. "I2", at)))
      assert.same({ 0xa, 0xbcd }, { S:read(view, 0).hi, S:read(view, 0).lo })
    end)
  end

  it("of a struct applies to inner structs without an order of their own", function()
    local Inner = struct.define("Inner", { { "x", "u16" } })
    local Own = struct.define("Own", { { "x", "u16" } }, { endian = "<" })
    local S = struct.define("S", { { "a", Inner }, { "b", Own }, { "c", Inner, 2 } }, { endian = ">" })
    S:write(view, 0, { a = { x = 1 }, b = { x = 1 }, c = { { x = 1 }, { x = 2 } } })
    assert.are.equal("\0\1\1\0\0\1\0\2", view:get_string(0, 8))
    assert.same({ a = { x = 1 }, b = { x = 1 }, c = { { x = 1 }, { x = 2 } } }, S:read(view, 0))
  end)

  it("of a struct without a name applies to those in it", function()
    local little = struct.define(nil, { { "d", "u16" } }, { endian = "<" })
    local inner = struct.define(nil, { { "a", "u16" }, { "e", "u16", bits = 4 }, { "", little } })
    for outermost, expected in pairs { ["<"] = "\1\0", [">"] = "\0\1" } do
      local between = struct.define(nil, { { "", inner }, { "c", "u16" } }, { endian = ">" })
      local S = struct.define("S", { { "", between }, { "last", "u16" } }, { endian = outermost })
      local value = { a = 1, e = 5, d = 1, c = 1, last = 1 }
      local bytes = "\0\1\x50\0\1\0\0\1" .. expected
      S:write(view, 0, value)
      assert.are.equal(bytes, view:get_string(0, S.size))
      view:fill(0, S.size, 0)
      local record = S:at(view, 0)
      for name, number in pairs(value) do record[name] = number end
      assert.are.equal(bytes, view:get_string(0, S.size))
      assert.same(value, S:read(view, 0))
      for name, number in pairs(value) do assert.are.equal(number, record[name]) end
      assert.same({ value }, S:array(view, 0, 1):get())
      assert.are.equal(12, (select(3, S:offsetof("e"))))
      assert.same(value, S:snapshot(view, 0, { same = "a" }))
    end
  end)
end)

describe("an array of records", function()
  before_each(fresh)
  after_each(done)

  it("places its records one behind the other", function()
    local a = Vec:array(view, 4, 10)
    assert.are.equal(10, #a)
    a[10].y = 3
    assert.are.equal(3.0, view:get_f32(4 + 9 * 12 + 4))
    a[1] = { x = 1, y = 2 }
    assert.same({ x = 1.0, y = 2.0, z = 0.0 }, Vec:read(view, 4))
    local count = 0
    for i, v in pairs(a) do
      count = count + 1
      assert.are.equal(count, i)
      assert.are.equal(a[i].x, v.x)
    end
    assert.are.equal(10, count)
  end)

  it("takes a stride", function()
    local a = Vec:array(view, 0, 4, 100)
    a[4].x = 5
    assert.are.equal(5.0, view:get_f32(300))
    -- The last record needs no more than its own size.
    assert.are.equal(2, #Vec:array(view, SIZE - 12 - 1000, 2, 1000))
    -- Records may overlap.
    assert.are.equal(SIZE - 11, #Vec:array(view, 0, SIZE - 11, 1))
  end)

  it("raises for records that are not wholly in the view", function()
    for _, arguments in ipairs { "0, 342", "5, 341", "-1, 1", "0, 2, 5000", "0, math.maxinteger",
                                 "0, math.maxinteger, math.maxinteger", "0, 1 << 62, 2" } do
      contains("past the end", (raised(("return p:array(x, %s)"):format(arguments), Vec, view)
        :gsub("is negative", "past the end")))
    end
    contains("bad argument #3 to 'array' (-1 is less than 0)", raised("return p:array(x, 0, -1)", Vec, view))
    contains("bad argument #4 to 'array' (0 is less than 1)", raised("return p:array(x, 0, 1, 0)", Vec, view))
    contains("bad argument #3 to 'array' (integer expected, got nil)",
      raised("return p:array(x, 0)", Vec, view))
    contains("integer expected, got float", raised("return p:array(x, 0, 1.5)", Vec, view))
    contains("field 'Vec': index 3 is not in 1..2", raised("p[3] = {}", Vec:array(view, 0, 2)))
    assert.are.equal(0, #Vec:array(view, 0, 0))
  end)
end)

describe("a bit-field", function()
  before_each(fresh)
  after_each(done)

  it("of every width and position returns the value that was written", function()
    for _, T in ipairs { "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64" } do
      local bits = tonumber(T:match("%d+"))
      for width = 1, bits do
        local S = struct.define("S", { { "before", T, bits = bits - width > 0 and bits - width or nil },
          { "x", T, bits = width } }, { pack = 1 })
        local greatest = T:find("i") and (1 << width - 1) - 1 or width == 64 and -1 or (1 << width) - 1
        local least = T:find("i") and -(1 << width - 1) or 0
        for _, value in ipairs { least, greatest, 0 } do
          view:fill(0, 16, 0xff)
          local s = S:at(view, 0)
          s.x = value
          assert.are.equal(value, s.x)
          assert.are.equal(value, S:read(view, 0).x)
          assert.is_true(s.before == -1 or s.before == (1 << (bits - width)) - 1 or bits == width)
        end
      end
    end
  end)
end)

describe("a record on a lost page", function()
  support.losing(it)("raises truncated, as the view does", function()
    local path = support.tmpname()
    local file <close> = assert(filemap.file(path, "rw", { size = 2 * filemap.page_size }))
    local whole <close> = assert(file:view())
    local p = Vec:at(whole, filemap.page_size)
    assert.are.equal(0.0, p.x)
    if not support.windows then
      local handle = assert(io.open(path, "w"))
      handle:close()
      contains("truncated", raised("return p.x", p))
      contains("truncated", raised("p.x = 1", p))
      contains("truncated", raised("return p:read(x, 0)", Vec, whole))
    end
  end)
end)
