-- Reading and writing strings, and bulk operations.
local subjects = require "bench.subjects"

local KIB, MIB = 1024, 1024 * 1024
local noise = subjects.noise(4 * MIB)
local view, block = subjects.twins(noise)
local other_view, other_block = subjects.twins(noise)
local file = subjects.file(noise)

local topic = { name = "bytes", title = "Bytes",
  how = "A range at offset 64 of 4 MiB. `v` is a view, `c` is a block of the C limit, and `f` is a file of "
    .. "the same bytes opened by `io.open`. The strings that `get_string` makes become garbage at once, "
    .. "and the time to collect them counts." }

local function size_name(n)
  if n >= MIB then return ("%d MiB"):format(n // MIB) end
  return n >= KIB and ("%d KiB"):format(n // KIB) or ("%d bytes"):format(n)
end

local function get_string(n)
  return { id = "get_string " .. n, garbage = true, work = "`get_string`, " .. size_name(n),
    needs = { "get_string" },
    how = "Compared with the same in C: checks, a copy on the stack for up to 40 bytes, `lua_pushlstring`. "
      .. "The alternatives are to take a substring of an existing string, or to seek and read in a file.",
    bounds = { { against = "C limit", least = 0.9 } },
    competitors = function()
      return {
        { "filemap", "local x = v:get_string(64, n)", { v = view, n = n } },
        { "C limit", "local x = c:get_string(64, n)", { c = block, n = n } },
        { "string.sub", "local x = sub(s, 65, last)", { sub = string.sub, s = noise, last = n + 64 } },
        { "io file", 'f:seek("set", 64) local x = f:read(n)', { f = file, n = n } },
      }
    end }
end

local function set_string(n)
  return { id = "set_string " .. n, work = "`set_string`, " .. size_name(n), needs = { "set_string" },
    how = "Compared with checks and `memcpy` in C. The alternative is to seek and write in a file.",
    bounds = { { against = "C limit", least = 0.9 } },
    competitors = function()
      local s = noise:sub(1, n)
      return {
        { "filemap", "v:set_string(64, s)", { v = view, s = s } },
        { "C limit", "c:set_string(64, s)", { c = block, s = s } },
        { "io file", 'f:seek("set", 64) f:write(s)', { f = file, s = s } },
      }
    end }
end

local function fill(n)
  return { id = "fill " .. n, garbage = true, work = "`fill`, " .. size_name(n), needs = { "fill" },
    how = "Compared with checks and `memset` in C. The alternative is to make and write a string of that "
      .. "byte.",
    bounds = { { against = "C limit", least = 0.9 } },
    competitors = function()
      return {
        { "filemap", "v:fill(64, n, 170)", { v = view, n = n } },
        { "C limit", "c:fill(64, n, 170)", { c = block, n = n } },
        { "set_string", 'v:set_string(64, rep("\\xAA", n))', { v = view, n = n, rep = string.rep } },
      }
    end }
end

local function copy(n)
  return { id = "copy " .. n, garbage = true, work = "`copy`, " .. size_name(n), needs = { "copy" },
    how = "Copies from another map, compared with checks and `memmove` in C. The alternative is to read "
      .. "and write a string.",
    bounds = { { against = "C limit", least = 0.9 } },
    competitors = function()
      return {
        { "filemap", "v:copy(64, w, 128, n)", { v = view, w = other_view, n = n } },
        { "C limit", "c:copy(64, d, 128, n)", { c = block, d = other_block, n = n } },
        { "set_string", "v:set_string(64, w:get_string(128, n))", { v = view, w = other_view, n = n } },
      }
    end }
end

local function equals(n)
  return { id = "equals " .. n, garbage = true, work = "`equals`, " .. size_name(n), needs = { "equals" },
    how = "Compares equal bytes in two maps. The C limit is checks and `memcmp`. The alternative is to "
      .. "read both as strings. It has no bound.",
    competitors = function()
      local same, as_well = subjects.twins(noise)
      local twin, also = subjects.twins(noise)
      return {
        { "filemap", "local x = v:equals(64, w, 64, n)", { v = same, w = twin, n = n } },
        { "C limit", "local x = c:equals(64, d, 64, n)", { c = as_well, d = also, n = n } },
        { "get_string", "local x = v:get_string(64, n) == w:get_string(64, n)",
          { v = same, w = twin, n = n } },
      }
    end }
end

local comparisons = {}
local function each(make, sizes)
  for _, n in ipairs(sizes) do comparisons[#comparisons + 1] = make(n) end
end
each(get_string, { 16, 40, 256, 4 * KIB, 64 * KIB, MIB })
each(set_string, { 16, 256, 4 * KIB, 64 * KIB, MIB })
each(fill, { 64, 4 * KIB, MIB })
each(copy, { 64, 4 * KIB, MIB })
each(equals, { 64, 4 * KIB, MIB })

topic.comparisons = comparisons
return topic
