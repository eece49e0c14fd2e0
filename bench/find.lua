-- Searching for bytes.
local subjects = require "bench.subjects"

local MIB = 1024 * 1024

local topic = { name = "find", title = "Finding bytes",
  how = "Each search starts at offset 0 and finds the bytes at the very end. The C limit is checks and "
    .. "`memmem`. `string.find` (plain) searches an existing string. \"io file\" reads the whole file into "
    .. "a string and searches that." }

local function find(id, work, size, haystack, needle)
  return { id = "find " .. id, garbage = true, work = work, needs = { "find" },
    how = "The bound is for bytes per second.",
    bounds = { { against = "C limit", least = 0.5 } },
    competitors = function()
      local bytes = haystack(size - #needle) .. needle
      local view, block = subjects.twins(bytes)
      local file = subjects.file(bytes)
      assert(block:find(needle, 0) == size - #needle and view:find(needle, 0) == size - #needle)
      return {
        { "filemap", "local x = v:find(needle, 0)", { v = view, needle = needle } },
        { "C limit", "local x = c:find(needle, 0)", { c = block, needle = needle } },
        { "string.find", "local x = find(s, needle, 1, true)",
          { find = string.find, s = bytes, needle = needle } },
        { "io file", 'f:seek("set") local x = find(f:read("a"), needle, 1, true)',
          { f = file, find = string.find, needle = needle } },
      }, function() file:close() end
    end }
end

-- Log lines that begin like the needle.
local function lines(size)
  local line = "2024-05-01 12:00:00 INFO request served in 12 ms\n"
  return line:rep(size // #line + 1):sub(1, size)
end

local function zeros(size)
  return ("\0"):rep(size)
end

topic.comparisons = {
  find("1 byte", "1 byte in 1 MiB of zeros", MIB, zeros, "\1"),
  find("4 bytes", "4 bytes in 1 MiB of noise", MIB, subjects.noise, "\1\2\3\4"),
  find("16 bytes", "16 bytes in 1 MiB of noise", MIB, subjects.noise, "a needle of 16 b"),
  find("large", "16 bytes in 16 MiB of noise", 16 * MIB, subjects.noise, "a needle of 16 b"),
  find("lines", "19 bytes in 1 MiB of log lines", MIB, lines, "2024-05-01 12:00:01"),
  find("zeros", "zeros and a 1 in 1 MiB of zeros", MIB, zeros, ("\0"):rep(15) .. "\1"),
}
return topic
