-- Structs: fields of records, whole tables, and parsing headers.
local cdef = require "filemap.cdef"
local struct = require "filemap.struct"
local subjects = require "bench.subjects"

local Sample = struct.define("Sample", {
  { "id", "i32" }, { "lap", "i32" }, { "speed", "f32" }, { "rpm", "f32" }, { "gear", "i32" }, { "flags", "u32" },
  { "x", "f32" }, { "y", "f32" }, { "z", "f32" }, { "fuel", "f32" },
})
local view, block = subjects.twins(string.pack("i4i4ffi4I4ffff", 7, 3, 61.5, 7200, 4, 5, 1, 2, 3, 40):rep(100))

local topic = { name = "structs", title = "Structs",
  how = "`p` is a record of ten fields of 4 bytes in `v`. \"by hand\" is the code that a program without "
    .. "structs needs." }

local field = { id = "record field", work = "`p.lap`",
  how = "Reads a field of a record, compared with the view's method at the same offset.",
  bounds = { { against = "get_T", most = 2.5 } } }

function field.competitors()
  local names = { p = Sample:at(view, 0), v = view, c = block }
  return {
    { "filemap", "local x = p.lap", names },
    { "get_T", "local x = v:get_i32(4)", names },
    { "C limit", "local x = c:get_i32(4)", names },
  }
end

local assignment = { id = "record assignment", work = "`p.lap = i`",
  how = "Writes a field of a record.", bounds = { { against = "set_T", most = 2.5 } } }

function assignment.competitors()
  local names = { p = Sample:at(view, 0), v = view, c = block }
  return {
    { "filemap", "p.lap = i", names },
    { "set_T", "v:set_i32(4, i)", names },
    { "C limit", "c:set_i32(4, i)", names },
  }
end

local reading = { id = "struct read", work = "`S:read(v, 0)`", garbage = true,
  how = "Reads ten fields as a table, compared with one `unpack` and a table constructor.",
  bounds = { { against = "by hand", most = 1.5 } } }

function reading.competitors()
  local names = { S = Sample, v = view }
  return {
    { "filemap", "local t = S:read(v, 0)", names },
    { "by hand", 'local a, b, c, d, e, f, x, y, z, g = v:unpack("i4i4ffi4I4ffff", 0) '
      .. "local t = { id = a, lap = b, speed = c, rpm = d, gear = e, flags = f, x = x, y = y, z = z, fuel = g }",
      names },
  }
end

local writing = { id = "struct write", work = "`S:write(v, 0, t)`",
  how = "Writes ten fields from a table. It checks all before it writes the first. Compared with one "
    .. "`pack` by hand. It has no bound." }

function writing.competitors()
  local names = { S = Sample, v = view, t = Sample:read(view, 0) }
  return {
    { "filemap", "S:write(v, 0, t)", names },
    { "by hand", 'v:pack("i4i4ffi4I4ffff", 0, t.id, t.lap, t.speed, t.rpm, t.gear, t.flags, t.x, t.y, t.z, t.fuel)',
      names },
  }
end

-- A header of 500 lines, like those of vendors.
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

local parsing = { id = "cdef.parse", work = "`cdef.parse` of 500 lines", garbage = true,
  how = "49 structs of eight members, compared with Lua's own compiler on about as much text. \"all types\" also reads "
    .. "every type, which `cdef.parse` does not do before a program uses it.",
  bounds = { { against = "Lua's load", most = 12 } } }

function parsing.competitors()
  local source = header()
  local names = { parse = cdef.parse, load = load, source = source, lua = lua_text(#source), pairs = pairs }
  assert(load(names.lua))
  return {
    { "filemap", "local t = parse(source)", names },
    { "all types", "for _ in pairs(parse(source)) do end", names },
    { "Lua's load", "local f = load(lua)", names },
  }
end

topic.comparisons = { field, assignment, reading, writing, parsing }
return topic
