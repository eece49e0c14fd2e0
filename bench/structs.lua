-- Structs: fields of records, the objects inside them, whole tables, and headers parsed.
local cdef = require "filemap.cdef"
local struct = require "filemap.struct"
local subjects = require "bench.subjects"

local FIELDS = { { "id", "i32" }, { "lap", "i32" }, { "speed", "f32" }, { "rpm", "f32" }, { "gear", "i32" },
  { "flags", "u32" }, { "x", "f32" }, { "y", "f32" }, { "z", "f32" }, { "fuel", "f32" } }
local FORMAT = "i4i4ffi4I4ffff"
local RECORDS = 1000

local Sample = struct.define("Sample", FIELDS)
local Inner = struct.define("Inner", { { "f1", "i32" }, { "f2", "f32" }, { "f3", "u32" }, { "f4", "f32" } })
local Outer = struct.define("Outer", {
  { "id", "i32" }, { "pos", "f32", 3 }, { "name", "char", 32 }, { "inner", Inner }, { "wheels", Inner, 4 },
})
local Guarded = struct.define("Guarded", { { "seq", "u32" }, table.unpack(FIELDS, 2) })

local view, block = subjects.twins(string.pack(FORMAT, 7, 3, 61.5, 7200, 4, 5, 1, 2, 3, 40):rep(RECORDS))
view:set_cstring(Outer:offsetof("name"), "Monza, short course", 32)

local topic = { name = "structs", title = "Structs",
  how = "`p` is a record of ten fields of 4 bytes in `v`, `q` one with an array, a text, a struct and an "
    .. "array of structs, `a` an array of records. \"By hand\" is what a program would do without structs." }

local function comparison(id, work, how, bounds, competitors, garbage)
  return { id = id, work = work, how = how, bounds = bounds, competitors = competitors, garbage = garbage }
end

local p, q, a = Sample:at(view, 0), Outer:at(view, 0), Sample:array(view, 0, RECORDS)

-- {-- Fields ---------------------------------------------------------------------------------------

-- A statement on an object against the view's method at the same offset.
local function field(id, statement, against, method, most, limit_method)
  local names = { p = p, q = q, a = a, v = view, c = block, pos = q.pos, inner = q.inner, car = a[17],
    s = "Spa" }
  local competitors = { { "filemap", statement, names }, { against, method, names } }
  if limit_method then competitors[3] = { "C limit", limit_method, names } end
  return comparison(id, ("`%s`"):format(statement:gsub("^local x = ", "")),
    "Compared with the view's method at the same offset.", { { against = against, most = most } },
    function() return competitors end)
end

local fields = {
  field("record field", "local x = p.lap", "get_T", "local x = v:get_i32(4)", 2, "local x = c:get_i32(4)"),
  field("record assignment", "p.lap = i", "set_T", "v:set_i32(4, i)", 2.2, "c:set_i32(4, i)"),
  field("array in a record", "local x = q.pos[2]", "get_T", "local x = v:get_f32(8)", 4),
  field("array kept", "local x = pos[2]", "get_T", "local x = v:get_f32(8)", 4),
  field("struct in a record", "local x = q.inner.f1", "get_T", "local x = v:get_i32(48)", 4),
  field("struct kept", "local x = inner.f1", "get_T", "local x = v:get_i32(48)", 4),
  field("record of an array", "local x = a[17].lap", "get_T", "local x = v:get_i32(644)", 5),
  field("record kept", "local x = car.lap", "get_T", "local x = v:get_i32(644)", 5),
  field("text", "local x = q.name", "get_cstring", "local x = v:get_cstring(16, 32)", 2),
  field("text assignment", "q.name = s", "set_cstring", "v:set_cstring(16, s, 32)", 2.5),
}

-- {-- Whole tables ---------------------------------------------------------------------------------

local reading = comparison("struct read", "`S:read(v, 0)`",
  "Ten fields as a table, against one `unpack` and the table made of its values.",
  { { against = "by hand", most = 1.2 } }, function()
    local names = { S = Sample, v = view }
    return {
      { "filemap", "local t = S:read(v, 0)", names },
      { "by hand", ('local a, b, c, d, e, f, x, y, z, g = v:unpack("%s", 0) '):format(FORMAT)
        .. "local t = { id = a, lap = b, speed = c, rpm = d, gear = e, flags = f, x = x, y = y, z = z, "
        .. "fuel = g }",
        names },
    }
  end, true)

-- The checks and the pack that a careful program would write for ten fields.
local CHECKS = [[
  local kind = math.type
  local function integer(n, least, greatest)
    if kind(n) ~= "integer" or n < least or n > greatest then error("does not fit") end
  end
  local function float(x)
    if not kind(x) then error("number expected") end
  end
  return function(v, offset, t)
    integer(t.id, -0x80000000, 0x7fffffff) integer(t.lap, -0x80000000, 0x7fffffff)
    float(t.speed) float(t.rpm)
    integer(t.gear, -0x80000000, 0x7fffffff) integer(t.flags, 0, 0xffffffff)
    float(t.x) float(t.y) float(t.z) float(t.fuel)
    v:pack("i4i4ffi4I4ffff", offset, t.id, t.lap, t.speed, t.rpm, t.gear, t.flags, t.x, t.y, t.z, t.fuel)
  end]]

local writing = comparison("struct write", "`S:write(v, 0, t)`",
  "Ten fields written from a table, all checked before the first is written, against the checks and one "
    .. "`pack`.",
  { { against = "by hand", most = 2 } }, function()
    local names = { S = Sample, v = view, t = Sample:read(view, 0), write = load(CHECKS)() }
    return {
      { "filemap", "S:write(v, 0, t)", names },
      { "by hand", "write(v, 0, t)", names },
      { "one pack", ('v:pack("%s", 0, t.id, t.lap, t.speed, t.rpm, t.gear, t.flags, t.x, t.y, t.z, t.fuel)')
        :format(FORMAT), names },
    }
  end)

local Nested = struct.define("Nested", { { "id", "i32" }, { "sample", Sample }, { "last", "i32" } })
local nested = comparison("struct in a struct, written", "`n.sample = t`",
  "A struct that is a field, assigned and written as part of the outer one, against the same struct by "
    .. "itself.",
  { { against = "write", most = 1.2 } }, function()
    local t = Sample:read(view, 0)
    local names = { N = Nested, S = Sample, n = Nested:at(view, 0), v = view, t = t, outer = { sample = t } }
    return {
      { "filemap", "n.sample = t", names },
      { "write", "S:write(v, 4, t)", names },
    }
  end)
local partly = comparison("outer struct, written", "`N:write(v, 0, { sample = t })`",
  "The same by a table that has only the inner struct.", { { against = "write", most = 1.2 } }, function()
    local competitors = nested.competitors()
    competitors[1][2] = "N:write(v, 0, outer)"
    return competitors
  end)

local HAND = [[
  local unpack = string.unpack
  return function(v)
    local s = v:get_string(0, 128)
    local id, x, y, z, name, f1, f2, f3, f4 = unpack("i4fffc32i4fI4f", s)
    local wheels, at = {}, 65
    for i = 1, 4 do
      local a, b, c, d = unpack("i4fI4f", s, at)
      wheels[i], at = { f1 = a, f2 = b, f3 = c, f4 = d }, at + 16
    end
    return {
      id = id, pos = { x, y, z }, name = name:match "^[^\0]*", inner = { f1 = f1, f2 = f2, f3 = f3, f4 = f4 },
      wheels = wheels }
  end]]

local mixed = comparison("mixed struct read", "`O:read(v, 0)`",
  "A struct with an array, a text, a struct and four structs more, against the same with `unpack`.",
  { { against = "by hand", most = 1.5 } }, function()
    local names = { O = Outer, v = view, read = load(HAND)() }
    return { { "filemap", "local t = O:read(v, 0)", names }, { "by hand", "local t = read(v)", names } }
  end, true)

local snapshot = comparison("snapshot", "`G:snapshot(v, 0, guard)`",
  "Ten fields under a counter that no writer changes, against `read`.", { { against = "read", most = 1.25 } },
  function()
    view:set_u32(0, 8)
    local names = { G = Guarded, v = view, guard = { even = "seq" } }
    return {
      { "filemap", "local t = G:snapshot(v, 0, guard)", names },
      { "read", "local t = G:read(v, 0)", names },
    }
  end, true)

local many = comparison("array of records", "`a:get()`, 1,000 records",
  "All records of an array as tables, against as many calls of `read`.", { { against = "read", most = 0.8 } },
  function()
    local names = { S = Sample, v = view, a = a }
    return {
      { "filemap", "local t = a:get()", names },
      { "read", "local t = {} for k = 1, 1000 do t[k] = S:read(v, 40 * (k - 1)) end", names },
    }
  end, true)

-- Runs are long, since Lua's collector and the allocator work once in a few strings of this size. A variable
-- is cleared before it gets the next string: with three strings of 3.7 MB alive, glibc returns their memory
-- to the system each time.
local IMAGE = 1280 * 960 * 3
local image = comparison("bytes", "`F:read(v, 0)`, a frame of 3.7 MB",
  "A field of bytes as one string, against `get_string`.", { { against = "get_string", most = 1.2 } },
  function()
    local Frame = struct.define("Frame", { { "tick", "u32" }, { "pixels", "bytes", IMAGE } })
    local large = subjects.twins(("x"):rep(Frame.size))
    local names = { f = Frame:at(large, 0), F = Frame, v = large, n = IMAGE }
    return {
      { "filemap", "local t = F:read(v, 0)", names },
      { "a field", "local s s = f.pixels", names },
      { "get_string", "local s = v:get_string(4, n)", names },
    }
  end, true)
image.target = 40e6

-- {-- Memory ---------------------------------------------------------------------------------------

-- The bytes of Lua's memory that a kept record takes, with the objects inside it. `touch` reaches each of
-- these once, and returns the record.
local function kept_bytes(type_, touch)
  local kept, n = {}, 1000
  for k = 1, n do kept[k] = false end
  touch(type_:at(view, 0))
  collectgarbage()
  collectgarbage()
  local before = collectgarbage "count"
  for k = 1, n do kept[k] = touch(type_:at(view, 0)) end
  collectgarbage()
  return (collectgarbage "count" - before) * 1024 / #kept
end

-- The figure is bytes, not nanoseconds: each is "measured" once.
local function memory(id, work, type_, touch)
  local how = "Bytes, as `collectgarbage \"count\"` has them (shown as ns), against 1 KiB."
  local row = comparison(id, work, how, { { against = "1 KiB", most = 1 } }, function()
    return {
      { "filemap", "Ten:at(v, 0)", run = function(n) return n * kept_bytes(type_, touch) end },
      { "1 KiB", "1024", run = function(n) return n * 1024 end },
    }
  end)
  row.target = 1024
  return row
end

-- A record of which all ten fields are objects of a type.
local function ten_objects(name, ...)
  local members = {}
  for i = 1, 10 do members[i] = { "f" .. i, ... } end
  return memory("memory of ten " .. name, ("a kept record of ten fields, all of them %s"):format(name),
    struct.define("Ten", members), function(r)
      return r.f1 and r.f2 and r.f3 and r.f4 and r.f5 and r.f6 and r.f7 and r.f8 and r.f9 and r.f10 and r
    end)
end

local Ten = struct.define("Ten", {
  { "id", "i32" }, { "speed", "f32" }, { "name", "char", 32 }, { "gear", "i32" }, { "flags", "u32" },
  { "fuel", "f32" }, { "pos", "f32", 3 }, { "velocity", "f32", 3 }, { "inner", Inner }, { "tyres", "f32", 4 },
})
local memories = {
  memory("record's memory", "a kept record of ten fields, four of them objects", Ten,
    function(r) return r.pos and r.velocity and r.inner and r.tyres and r end),
  ten_objects("structs", Inner), ten_objects("arrays of numbers", "f32", 4),
  ten_objects("arrays of structs", Inner, 2),
}

-- {-- Headers --------------------------------------------------------------------------------------

-- A header of 500 lines like those of vendors, and as many lines of Lua.
local function header()
  local lines = { "#pragma once", "#include <stdint.h>", "#define MAX_CARS 64", "#pragma pack(push, 4)" }
  for i = 1, 49 do
    table.move({
      "/* Car " .. i .. ", as it is on the track. */",
      "typedef struct Car" .. i .. " {",
      "  int32_t id;            // 0: none",
      "  float position[3], velocity[3];",
      "  uint32_t pit : 1, dirty : 1, lap : 14;",
      "  wchar_t name[33];",
      "  struct { float fuel, temperature; } tyre[4];",
      "  double best[MAX_CARS / 2 + 1];",
      "  enum { OFF" .. i .. ", ON" .. i .. " = 1 << 3 } state;",
      "} Car" .. i .. ";",
    }, 1, 10, #lines + 1, lines)
  end
  lines[#lines + 1] = "#pragma pack(pop)"
  while #lines < 500 do lines[#lines + 1] = "" end
  return table.concat(lines, "\n")
end

-- As much of this project's own Lua as a header has text.
local function lua_text(size)
  local parts, length = {}, 0
  for _, name in ipairs { "parser", "records", "types", "macros" } do
    local file = assert(io.open(("lua/filemap/cdef/%s.lua"):format(name), "rb"))
    local text = file:read("a"):gsub("\nreturn [%w_]+%s*$", "\n")
    file:close()
    if length < size then parts[#parts + 1] = "do\n" .. text .. "\nend\n" end
    length = length + #text
  end
  return table.concat(parts)
end

local parsing = comparison("cdef.parse", "`cdef.parse` of 500 lines",
  "49 structs of eight members, compared with Lua's own compiler on about as much text. \"all types\" also "
    .. "reads every type, which `cdef.parse` does not do before a program uses it.",
  { { against = "Lua's load", most = 12 } },
  function()
    local source = header()
    local names = { parse = cdef.parse, load = load, source = source, lua = lua_text(#source), pairs = pairs }
    assert(load(names.lua))
    return {
      { "filemap", "local t = parse(source)", names },
      { "all types", "for _ in pairs(parse(source)) do end", names },
      { "Lua's load", "local f = load(lua)", names },
    }
  end, true)

topic.comparisons = fields
for _, list in ipairs { { reading, writing, nested, partly, mixed, snapshot, many, image }, memories,
  { parsing } } do
  table.move(list, 1, #list, #fields + 1, fields)
end
return topic
