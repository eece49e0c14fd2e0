-- filemap.struct: definitions, layouts, offsetof, and invalid definitions.
local check = require "spec.support.check"
local filemap = require "filemap"
local struct = require "filemap.struct"
local support = require "spec.support"

local raises, contains = check.raises, check.contains

support.clean()

-- The alignment of 8-byte numbers: 4 on i386, 8 elsewhere.
local EIGHT <const> = string.packsize("!bj") - 8

-- The offsets of a struct's fields, by name, with `size` and `align`.
local function layout(type, ...)
  local found = { size = type.size, align = type.align }
  for _, path in ipairs { ... } do found[path] = type:offsetof(path) end
  return found
end

describe("struct.define", function()
  it("pads as a C compiler does", function()
    local S = struct.define("S", { { "a", "u8" }, { "b", "i32" }, { "c", "u8" }, { "d", "f64" },
      { "e", "i16" } })
    local d = EIGHT == 8 and 16 or 12
    assert.same({ size = d + 8 + EIGHT, align = EIGHT, a = 0, b = 4, c = 8, d = d, e = d + 8 },
      layout(S, "a", "b", "c", "d", "e"))
  end)

  it("gives every type of number its size and alignment", function()
    for T, size in pairs { i8 = 1, u8 = 1, i16 = 2, u16 = 2, i32 = 4, u32 = 4, i64 = 8, u64 = 8, f32 = 4,
      f64 = 8 } do
      local S = struct.define(nil, { { "first", "u8" }, { "x", T } })
      assert.same({ math.min(size, EIGHT), size }, { S:offsetof("x") }, T)
    end
    local S = struct.define(nil, { { "b", "bool" }, { "p", "pointer" } })
    assert.are.equal(string.packsize("T"), S:offsetof("p"))
  end)

  it("packs members as #pragma pack does", function()
    local fields = { { "a", "u8" }, { "b", "f64" }, { "c", "u16" } }
    assert.same({ size = 11, align = 1, a = 0, b = 1, c = 9 },
      layout(struct.define("S", fields, { pack = 1 }),
      "a", "b", "c"))
    assert.same({ size = 12, align = 2, a = 0, b = 2, c = 10 },
      layout(struct.define("S", fields, { pack = 2 }),
      "a", "b", "c"))
    assert.same({ size = 16, align = 4, a = 0, b = 4, c = 12 },
      layout(struct.define("S", fields, { pack = 4 }),
      "a", "b", "c"))
  end)

  it("aligns the struct, and fields", function()
    local S = struct.define("S", { { "a", "u8" }, { "b", "u8", align = 8 } }, { align = 32 })
    assert.same({ size = 32, align = 32, a = 0, b = 8 }, layout(S, "a", "b"))
  end)

  it("places fields at offsets of their own", function()
    local S = struct.define("S", { { "rpm", "f32", offset = 0x40 }, { "gear", "u8" },
      { "lap", "u16", offset = 2 } })
    assert.same({ size = 0x48, align = 4, rpm = 0x40, gear = 0x44, lap = 2 }, layout(S, "rpm", "gear", "lap"))
    -- An offset may be unaligned, as in the memory of some vendors.
    S = struct.define("S", { { "a", "u8", bits = 3 }, { "b", "u8", bits = 3, offset = 2 },
      { "c", "u8", bits = 3 } })
    -- The bits count from the other end on big-endian processors.
    local function bit(n) return string.pack("=I2", 1) == "\1\0" and n or 8 - 3 - n end
    assert.same({ 0, 1, bit(0), 3 }, { S:offsetof("a") })
    assert.same({ 2, 1, bit(0), 3 }, { S:offsetof("b") })
    assert.same({ 2, 1, bit(3), 3 }, { S:offsetof("c") })
    S = struct.define("S", { { "x", "f64", offset = 3 } })
    assert.same({ size = 11, align = 1, x = 3 }, layout(S, "x"))
  end)

  it("nests structs, unions and arrays", function()
    local Vec = struct.define("Vec", { { "x", "f32" }, { "y", "f32" } })
    local Value = struct.union("Value", { { "i", "i32" }, { "f", "f64" }, { "v", Vec, 3 } })
    local S = struct.define("S", {
      { "kind", "u8" }, { "value", Value, 2 }, { "grid", "u16", 2, 3 }, { "", Vec }, { "name", "char", 5 },
    })
    assert.same({ size = 24, align = EIGHT, i = 0, f = 0, v = 0 }, layout(Value, "i", "f", "v"))
    local found = layout(S, "kind", "value[2].v[3].y", "grid", "grid[2][3]", "x", "y", "name")
    local grid = EIGHT + 48 -- behind two values
    assert.same({ size = EIGHT == 8 and 88 or 80, align = EIGHT, kind = 0, ["value[2].v[3].y"] = grid - 4,
      grid = grid, ["grid[2][3]"] = grid + 10, x = grid + 12, y = grid + 16, name = grid + 20 }, found)
    assert.same({ grid, 12 }, { S:offsetof("grid") })
    assert.same({ grid + 6, 6 }, { S:offsetof("grid[2]") })
    assert.same({ grid + 20, 5 }, { S:offsetof("name") })
  end)

  it("has its name and size in its tostring", function()
    assert.are.equal("filemap.struct (Player, 4 bytes)",
      tostring(struct.define("Player", { { "id", "u32" } })))
    assert.are.equal("filemap.struct (unnamed, 4 bytes)", tostring(struct.union(nil, { { "id", "u32" } })))
    assert.are.equal("filemap.enum (State)", tostring(struct.enum("State", { "Off" })))
  end)

  it("has a name, a size and an alignment", function()
    local S = struct.define("Player", { { "id", "u32" }, { "x", "f64" } })
    assert.same({ "Player", 8 + EIGHT, EIGHT }, { S.name, S.size, S.align })
  end)
end)

describe("offsetof", function()
  local Car = struct.define("Car", { { "pos", "f32", 3 }, { "gear", "i8" } })
  local S = struct.define("S", {
    { "n", "u32" }, { "cars", Car, 20 }, { "a", "u16", bits = 3 }, { "b", "u16", bits = 7 },
    { "", "u16", bits = 2 }, { "c", "u16", bits = 4 },
  })

  it("takes paths as they are written on a record", function()
    assert.same({ 4 + 2 * 16, 4 }, { S:offsetof("cars[3].pos[1]") })
    assert.same({ 4 + 19 * 16 + 12, 1 }, { S:offsetof("cars[20].gear") })
    assert.same({ 4, 320 }, { S:offsetof("cars") })
  end)

  -- A compiler fills a unit from its least significant bit on little-endian processors, from the most
  -- significant one on big-endian processors.
  it("gives a bit-field's first bit and width", function()
    local little = string.pack("=I2", 1) == "\1\0"
    local unit, _, first, width = S:offsetof("b")
    assert.same({ 324 * 8 + (little and 3 or 6), 7 }, { unit * 8 + first, width })
    unit, _, first, width = S:offsetof("c")
    assert.same({ 324 * 8 + (little and 12 or 0), 4 }, { unit * 8 + first, width })
  end)

  it("raises for an unknown member, and names it", function()
    contains("'cars[21].gear': index 21 of cars is not in 1..20", raises(S, "offsetof", "cars[21].gear"))
    contains("'cars[0]': index 0 of cars is not in 1..20", raises(S, "offsetof", "cars[0]"))
    contains("'speed': S has no field 'speed'", raises(S, "offsetof", "speed"))
    contains("'cars[1].wheel': cars[1] has no field 'wheel'", raises(S, "offsetof", "cars[1].wheel"))
    contains("'n[1]': n has no elements", raises(S, "offsetof", "n[1]"))
    contains("'cars[2]gear': expected a field or an element of cars[2], got 'gear'",
      raises(S, "offsetof", "cars[2]gear"))
    contains("'.n': expected a field or an element of S, got '.n'", raises(S, "offsetof", ".n"))
    contains("'': expected a field or an element of S, got ''", raises(S, "offsetof", ""))
    contains("'cars.': expected a field or an element of cars, got '.'", raises(S, "offsetof", "cars."))
    contains("'cars[x]': expected a field or an element of cars, got '[x]'", raises(S, "offsetof", "cars[x]"))
    contains("string expected, got nil", raises(S, "offsetof"))
    contains("'cars[99999999999999999999]'", raises(S, "offsetof", "cars[99999999999999999999]"))
  end)
end)

describe("an invalid definition", function()
  local function refuses(text, ...)
    contains(text, raises(struct, ".define", ...))
  end

  it("raises, and the message names the field", function()
    refuses("S: field 'a': unknown type 'int'", "S", { { "a", "int" } })
    refuses("S: field 'a': unknown type 'nil'", "S", { { "a" } })
    refuses("S: field 'a': the count of an array must be an integer from 0, got -1", "S",
      { { "a", "u8", -1 } })
    refuses("the count of an array must be an integer from 0, got nil", "S", { { "a", "u8", nil, 4 } })
    refuses("S: field 'a': the count of an array must be an integer from 0, got 1.5", "S",
      { { "a", "u8", 1.5 } })
    refuses("S: field 'b' is there twice", "S", { { "b", "u8" }, { "b", "u8" } })
    refuses("S: field 'a': unknown option 'ofset'", "S", { { "a", "u8", ofset = 3 } })
    refuses("S: field 'a': offset must be an integer from 0, got -4", "S", { { "a", "u8", offset = -4 } })
    refuses("S: field 'a': align must be a power of 2, got 3", "S", { { "a", "u8", align = 3 } })
    refuses("S: field 'a': 9 bits do not fit its type of 8", "S", { { "a", "u8", bits = 9 } })
    refuses("S: field 'a': a bit-field is of an integer type", "S", { { "a", "f32", bits = 9 } })
    refuses("S: field 'a': a bit-field of 0 bits cannot have a name", "S", { { "a", "u8", bits = 0 } })
    refuses("S: field '1': a field must be a table, got string", "S", { "u8" })
    refuses("S: field '1': the name must be a string", "S", { { 3, "u8" } })
    refuses("S: field '1': only structs, unions and bit-fields can have no name", "S", { { "", "u8" } })
    refuses("bad argument #2 to 'define' (table expected, got nil)", "S")
    refuses("bad argument #1 to 'define' (string expected, got table)", {}, {})
  end)

  it("raises for fields that are not in the list", function()
    refuses("S: field 'x' is not in the order of the others", "S", { { "a", "u8" }, x = { "b", "u8" } })
    refuses("S: field '3' is not in the order of the others", "S", { { "a", "u8" }, nil, { "b", "u8" } })
  end)

  it("is read without metamethods", function()
    local function raise() error("a metamethod was called", 0) end
    local mt = { __index = raise, __len = raise, __pairs = raise, __metatable = false }
    local function guarded(t) return setmetatable(t, mt) end
    local S = struct.define("S", guarded { guarded { "a", "u8", 3 } }, guarded { pack = 1 })
    local E = struct.enum("E", guarded { guarded { "A", 5 }, "B" })
    assert.are.equal(7, struct.define("T", { { "s", S }, { "e", E } }, { pack = 1 }).size)
    refuses("S: field '1': the name must be a string", "S", { guarded {} })
    refuses("a field must be a table", "S", guarded { 1 })
  end)

  it("raises for unknown options and values", function()
    refuses("unknown option 'packed'", "S", {}, { packed = 1 })
    refuses("pack must be a power of 2, got 3", "S", {}, { pack = 3 })
    refuses("align must be a power of 2, got 0", "S", {}, { align = 0 })
    refuses("option 'endian' must be \"<\" or \">\", got big", "S", {}, { endian = "big" })
    refuses("bad argument #3 to 'define' (table expected, got number)", "S", {}, 4)
  end)

  it("raises for sizes greater than any memory", function()
    refuses("is too large", "S", { { "a", "u64", 1 << 60 } })
    refuses("is too large", "S", { { "a", "u8", 1 << 46, 1 << 46 } })
    refuses("is too large", "S", { { "a", "u8", 1 << 46 }, { "b", "u8", 1 << 47 } })
    refuses("is too large", "S", { { "a", "u8", offset = math.maxinteger } })
  end)

  it("raises for too many elements of 0 bytes", function()
    local Empty = struct.define("Empty", {})
    refuses("S: field 'a': an array of 65537 elements of 0 bytes is too large", "S",
      { { "a", Empty, 65537 } })
    refuses("an array of 4611686018427387904 elements of 0 bytes is too large", "S",
      { { "a", Empty, 1 << 62 } })
    refuses("is too large", "S", { { "a", Empty, 1000, 1000 } })
    refuses("is too large", "S", { { "a", "u8", 1 << 20, 0 } })
    local S = struct.define("S", { { "a", Empty, 256, 256 }, { "b", "u8", 4, 0 }, { "c", "u8", 0, 1 << 20 } })
    assert.are.equal(0, S.size)
  end)

  it("raises for types that are nested too deeply", function()
    local type_ = struct.define("T0", { { "x", "u8" } })
    local message
    for i = 1, 100 do
      local ok, result = pcall(struct.define, "T" .. i, { { "x", type_ } })
      if not ok then
        message = result
        break
      end
      type_ = result
    end
    contains("types are nested more than 64 deep", message)
  end)

  it("raises with the line of the program", function()
    local _, message = pcall(assert(load('require "filemap.struct".define("S", { { "a", "int" } })',
      "=script")))
    contains("script:1: S: field 'a'", message)
  end)
end)

describe("struct.enum", function()
  it("takes values by name, or in order as C does", function()
    local map <close> = assert(filemap.create(nil, 64))
    local view <close> = assert(map:view())
    local by_name, in_order = { Off = 0, On = 1, Broken = 9, Worse = 10 },
      { "Off", "On", { "Broken", 9 }, "Worse" }
    for _, values in ipairs { by_name, in_order } do
      local S = struct.define("S", { { "state", struct.enum("State", values) } })
      assert.are.equal(4, S.size)
      for name, value in pairs { Off = 0, On = 1, Broken = 9, Worse = 10 } do
        S:at(view, 0).state = name
        assert.are.equal(value, view:get_i32(0))
        assert.are.equal(name, S:at(view, 0).state)
        assert.are.equal(name, S:read(view, 0).state)
      end
    end
  end)

  it("without a negative value is unsigned in a bit-field, as to gcc", function()
    local map <close> = assert(filemap.create(nil, 64))
    local view <close> = assert(map:view())
    local E = struct.enum("E", { "Off", "On", "Broken", "Last" })
    local Signed = struct.enum("Signed", { Less = -1, None = 0, More = 1 })
    local S = struct.define("S", { { "e", E, bits = 2 }, { "s", Signed, bits = 2 }, { "whole", E } })
    for number, name in ipairs { "On", "Broken", "Last" } do
      S:write(view, 0, { e = name, s = "Less", whole = number })
      assert.same({ e = name, s = "Less", whole = name }, S:read(view, 0))
      S:at(view, 0).e = "Off"
      S:at(view, 0).e = name
      assert.are.equal(name, S:at(view, 0).e)
    end
    view:set_i32(4, -5)
    assert.are.equal(-5, S:at(view, 0).whole)
    contains("'e': 4 does not fit 2 bits", raises(S, "write", view, 0, { e = 4 }))
  end)

  it("is stored as the given type", function()
    for T, size in pairs { u8 = 1, i16 = 2, u64 = 8 } do
      assert.are.equal(size, struct.define("S", { { "e", struct.enum("E", { "A" }, T) } }).size)
    end
  end)

  it("raises for invalid names and values", function()
    contains("E: 'A' = 256 does not fit u8", raises(struct, ".enum", "E", { A = 256 }, "u8"))
    contains("E: the name 'A' is there twice", raises(struct, ".enum", "E", { "A", "A" }))
    contains("E: the value '1.5' must be an integer", raises(struct, ".enum", "E", { A = 1.5 }))
    contains("E: the name 'true' must be a string", raises(struct, ".enum", "E", { true }))
    contains("E: the name '2' must be a string", raises(struct, ".enum", "E", { [2] = "A", B = 1 }))
    contains("E: the value 'table: ", raises(struct, ".enum", "E", { A = 1, B = {} }))
    contains("E: the value 'no' must be an integer", raises(struct, ".enum", "E", { { "A", "no" } }))
    contains("E: the value 'false' must be an integer", raises(struct, ".enum", "E", { { "A", false } }))
    contains("E: 'B' is not in the order of the others", raises(struct, ".enum", "E", { "A", B = 1 }))
    contains("a type of integers expected, got f32", raises(struct, ".enum", "E", { "A" }, "f32"))
    contains("table expected, got nil", raises(struct, ".enum", "E"))
    contains("bad argument #1 to 'enum' (string expected, got number)", raises(struct, ".enum", 5, {}))
  end)
end)
