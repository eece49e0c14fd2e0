-- Opening and closing a named map.
local filemap = require "filemap"
local limit = require "limit"

local topic = { name = "names", title = "Named maps",
  how = "Opens a name that another map holds, for reading, makes a view, and closes both. The C limit is "
    .. "the system calls that are needed so that a name lives exactly as long as a process holds it: open, "
    .. "fstat, flock (is it held?), flock (hold it), lstat, mmap; then munmap, close, and open, flock, "
    .. "close (was it the last holder?). \"C, looking first\" also checks the file before each open, and "
    .. "after the second one, so that it does not open a file that another user planted. \"io file\" opens "
    .. "a file by `io.open`, reads 4 bytes, and closes it." }

local sizes = { { 4096, "4 KiB" }, { 1024 * 1024, "1 MiB" }, { 1024 * 1024 * 1024, "1 GiB" } }

local function open(size, size_name)
  return { id = "open " .. size_name, garbage = true, work = "open, view, close: " .. size_name,
    how = "The map is only reserved, so its size costs no memory.",
    bounds = { { against = "C limit", most = 1.6 } },
    competitors = function()
      local name = ("bench-%x"):format(limit.now())
      local map = assert(filemap.create(name, size, { commit = false }))
      local holder, path = limit.hold(size)
      return {
        { "filemap", "local m = open(name) local v = m:view() v:close() m:close()",
          { open = filemap.open, name = name } },
        { "C limit", "named(path)", { named = limit.named, path = path } },
        { "C, looking first", "named(path, true)", { named = limit.named, path = path } },
        { "io file", 'local f = open(path, "rb") local x = f:read(4) f:close()', { open = io.open, path = path } },
      }, function()
        map:close()
        holder:close()
      end
    end }
end

topic.comparisons = {}
for i, size in ipairs(sizes) do topic.comparisons[i] = open(size[1], size[2]) end
return topic
