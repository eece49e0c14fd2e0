-- Strings out of memory and into it, and memory as a whole.
local subjects = require "bench.subjects"

local KIB, MIB = 1024, 1024 * 1024
local noise = subjects.noise(4 * MIB)
local view, block = subjects.twins(noise)
local other_view, other_block = subjects.twins(noise)
local file = subjects.file(noise)

local topic = { name = "bytes", title = "Bytes",
  how = "A range at offset 64 of 4 MiB. `v` is a view, `c` a block of the C limit, `f` a file of the same bytes "
    .. "opened by `io.open`. What `get_string` makes is garbage at once, and collecting it counts." }

local function size_name(n)
  if n >= MIB then return ("%d MiB"):format(n // MIB) end
  return n >= KIB and ("%d KiB"):format(n // KIB) or ("%d bytes"):format(n)
end

local function get_string(n)
  return { id = "get_string " .. n, garbage = true, work = "`get_string`, " .. size_name(n),
    needs = { "get_string" },
    how = "Against the same in C: checks, a copy on the stack up to 40 bytes, `lua_pushlstring`. What a user would "
      .. "do instead: cut a string that is at hand, or seek and read a file.",
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
    how = "Against checks and `memcpy` in C; instead: seek and write a file.",
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
    how = "Against checks and `memset` in C; instead: a string of that byte, made and written.",
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
    how = "From another map, against checks and `memmove` in C; instead: out as a string, and in again.",
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
    how = "With the same bytes in another map, against checks and `memcmp` in C; instead: both out as strings. "
      .. "No bound is set for it.",
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
