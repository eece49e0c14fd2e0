-- Random types and random bytes: whatever `read` returned is accepted by `write`, records show the same
-- values, a failing field leaves the memory untouched, and text is decoded by one decoder in both byte
-- orders.
--
-- The environment can give FILEMAP_RANDOM, how many of each (300), and FILEMAP_RANDOM_SEED, which come.
local check = require "spec.support.check"
local core = require "filemap.core"
local filemap = require "filemap"
local struct = require "filemap.struct"
local support = require "spec.support"

local COUNT = tonumber(os.getenv("FILEMAP_RANDOM")) or 300
local SEED = tonumber(os.getenv("FILEMAP_RANDOM_SEED")) or os.time()
local SIZE = 1 << 16

support.clean()

local function random_bytes(n)
  local parts = {}
  for i = 1, n do parts[i] = string.char(math.random(3) == 1 and 0 or math.random(0, 255)) end
  return table.concat(parts)
end

local function pick(list) return list[math.random(#list)] end

-- {-- Random types ---------------------------------------------------------------------------------

local NUMBERS, INTEGERS = {}, {}
for _, T in ipairs(require("filemap.core").types) do
  NUMBERS[#NUMBERS + 1] = T.name
  if T.least then INTEGERS[#INTEGERS + 1] = T.name end
end
local new_struct

local function random_enum()
  local values = {}
  for i = 1, math.random(1, 20) do values["Name" .. i] = math.random(0, 127) end
  return struct.enum("Enum", values, pick(INTEGERS))
end

local function random_union()
  return struct.union("Union", { { "a", pick(INTEGERS) }, { "b", pick(INTEGERS) },
    { "c", pick(INTEGERS), 2 } })
end

-- The type of a field and its counts.
local function random_field(name, depth)
  local field = { name, pick(NUMBERS) }
  local kind = math.random(depth < 3 and 10 or 8)
  if kind == 1 then field[2] = "bool"
  elseif kind == 2 then field[2] = random_enum()
  elseif kind == 3 then field[2] = "pointer"
  elseif kind == 4 then field[2], field[3] = pick { "char", "utf16", "utf32", "bytes" }, math.random(0, 20)
  elseif kind == 5 then field[2], field.bits = pick { "u8", "i16", "u32", "i64", "u64", "bool" }, 1
    if field[2] ~= "bool" then field.bits = math.random(tonumber(field[2]:match "%d+")) end
  elseif kind == 6 then field[2] = random_union()
  elseif kind > 8 then field[2] = new_struct(depth + 1) end
  if not field.bits and math.random(4) == 1 then
    table.insert(field, 3, pick { 1, 2, 3, 5, 20, 150 })
    if math.random(4) == 1 then table.insert(field, 3, math.random(0, 3)) end
  end
  return field
end

function new_struct(depth)
  local fields = {}
  for i = 1, math.random(1, depth == 1 and 12 or 4) do fields[i] = random_field("f" .. i, depth) end
  if depth == 1 and math.random(4) == 1 then
    fields[#fields + 1] = { "tail", pick { "u8", "u32", "char", "utf16", "bytes", new_struct(2) }, 0 }
  end
  return struct.define("S" .. depth, fields,
    { pack = pick { 1, 2, 8, false } or nil, endian = pick { "<", ">", false } or nil })
end

-- {-- Comparisons ----------------------------------------------------------------------------------

-- What differs between two values, nil if nothing does: NaN is equal to itself. Records and arrays are
-- compared by what they show.
local function difference(a, b, path)
  path = path or ""
  if type(a) == "userdata" then
    local copy = {}
    for key, value in pairs(a) do copy[key] = value end
    a = copy
  end
  if type(a) ~= "table" or type(b) ~= "table" then
    if a == b or a ~= a and b ~= b then return nil end
    return ("%s is %q, not %q"):format(path, tostring(a), tostring(b))
  end
  for key, value in pairs(b) do
    local found = difference(a[key], value, path .. "." .. key)
    if found then return found end
  end
  for key in pairs(a) do
    if b[key] == nil then return path .. "." .. key .. " is not expected" end
  end
end

local function assert_same(a, b, name)
  local found = difference(a, b)
  assert.is_nil(found, ("%s: %s"):format(name, found))
end

-- A table with the same values that the quick ways of writing do not take.
local function guarded(t)
  if type(t) ~= "table" then return t end
  local copy = {}
  for key, value in pairs(t) do copy[key] = guarded(value) end
  return setmetatable(copy, {})
end

-- A copy in which one value, somewhere, is of no type that a field takes.
local function spoiled(t)
  local keys, copy = {}, {}
  for key, value in pairs(t) do
    copy[key] = value
    if type(value) ~= "table" or next(value) ~= nil then keys[#keys + 1] = key end
  end
  if #keys == 0 then return nil end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  local key = pick(keys)
  if type(t[key]) == "table" then copy[key] = spoiled(t[key])
  else copy[key] = print end
  return copy[key] ~= nil and copy or nil
end

-- {-- Specs ----------------------------------------------------------------------------------------

local view

describe("a random struct", function()
  -- Calls f(type, its bytes, a name for messages) for random types.
  local function each(f)
    local shared <close> = assert(assert(filemap.create(nil, SIZE)):view())
    for i = 1, COUNT do
      math.randomseed(SEED, i)
      local T = new_struct(1)
      local size = T.size + math.random(0, 40)
      if size <= SIZE // 4 and size > 0 then
        view = shared:sub(0, size)
        f(T, random_bytes(size), ("FILEMAP_RANDOM_SEED=%d, struct %d: %s"):format(SEED, i, T))
        view:close()
      end
    end
  end

  it("is accepted by write as read returned it, and reads the same afterwards", function()
    each(function(T, bytes, name)
      view:set_string(0, bytes)
      local t = T:read(view, 0)
      view:fill(0, #view, 0x5a)
      T:write(view, 0, t)
      local quick = view:get_string(0, #view)
      assert_same(T:read(view, 0), t, name)
      view:fill(0, #view, 0x5a)
      T:write(view, 0, guarded(t))
      assert.is_true(view:get_string(0, #view) == quick, name .. " is written otherwise by the thorough way")
    end)
  end)

  it("shows the same values as a record, which takes them one by one", function()
    each(function(T, bytes, name)
      view:set_string(0, bytes)
      local t, r = T:read(view, 0), T:at(view, 0)
      assert_same(r, t, name)
      assert.is_string(tostring(r))
      view:fill(0, #view, 0)
      for key, value in pairs(t) do r[key] = value end
      assert_same(T:read(view, 0), t, name)
    end)
  end)

  it("is left untouched by a table in which one value is wrong", function()
    each(function(T, bytes, name)
      view:set_string(0, bytes)
      local wrong = spoiled(T:read(view, 0))
      if not wrong then return end
      view:fill(0, #view, 0x5a)
      local well, message = pcall(T.write, T, view, 0, wrong)
      assert.is_false(well, name)
      assert.is_truthy(message:find("expected, got function", 1, true), name .. ": " .. message)
      assert.are.equal(("\x5a"):rep(#view), view:get_string(0, #view), name)
    end)
  end)
end)

describe("ill-formed UTF-8", function()
  local S = struct.define("S", { { "id", "u32" }, { "name", "utf16", 8 }, { "wide", "utf32", 8 } })
  local Swapped = struct.define("Swapped",
    { { "id", "u32" }, { "name", "utf16", 8 }, { "wide", "utf32", 8 } },
    { endian = string.pack("=I2", 1) == "\1\0" and ">" or "<" })

  -- Bytes that often are nearly UTF-8.
  local function random_text()
    local parts = {}
    for i = 1, math.random(0, 6) do
      parts[i] = pick { "a", "é", "€", "🌍", "\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x8c", "\xff",
        "\xed\xa0\x80",
        "\xc0\x80", "\xf4\x90\x80\x80", string.char(math.random(1, 255)) }
    end
    return table.concat(parts)
  end

  it("is written as the view's own methods write it, in both byte orders", function()
    local map <close> = assert(filemap.create(nil, 4096))
    local v <close> = assert(map:view())
    math.randomseed(SEED)
    for _ = 1, COUNT * 10 do
      local s = random_text()
      local name = ("FILEMAP_RANDOM_SEED=%d, %q"):format(SEED, s)
      v:set_utf16(0, s, 100)
      v:set_utf32(1000, s, 100)
      local expected = v:get_utf32(1000)
      assert.are.equal(v:get_utf16(0), expected)
      for unit, place in pairs { [2] = 0, [4] = 1000 } do
        local plain, swapped = core.encode_text(s, unit, false), core.encode_text(s, unit, true)
        assert.are.equal(v:get_string(place, #plain), plain, name)
        assert.are.equal(core.count_units(s, unit) * unit, #plain, name)
        assert.are.equal(expected, core.decode_text(plain, unit, false), name)
        assert.are.equal(expected, core.decode_text(swapped, unit, true), name)
      end
      for _, T in ipairs { S, Swapped } do
        local fits = core.count_units(s, 2) <= 8
        v:fill(2000, T.size, 0x5a)
        local well, message = pcall(T.write, T, v, 2000, { id = 1, name = s, wide = s })
        assert.are.equal(fits, well, name)
        if well then
          local t = T:read(v, 2000)
          assert.same({ expected, expected }, { t.name, t.wide }, name)
        else
          check.contains(("field 'name': a text of %d units does not fit 8"):format(core.count_units(s, 2)),
            message)
          assert.are.equal(("\x5a"):rep(T.size), v:get_string(2000, T.size), name)
        end
      end
    end
  end)

  it("leaves the memory untouched where its replacements do not fit", function()
    local map <close> = assert(filemap.create(nil, 4096))
    local v <close> = assert(map:view())
    for _, T in ipairs { S, Swapped } do
      v:fill(0, T.size, 0x5a)
      -- Three maximal subparts a time: U+FFFD counts once for each.
      local s = ("\xf0\x9f\xf0\x9f\xff"):rep(3)
      assert.are.equal(9, core.count_units(s, 2))
      check.contains("field 'name': a text of 9 units does not fit 8",
        check.raises(T, "write", v, 0, { id = 1, wide = "x", name = s }))
      assert.are.equal(("\x5a"):rep(T.size), v:get_string(0, T.size))
    end
  end)
end)
