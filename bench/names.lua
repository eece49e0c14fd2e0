-- Coming to a named map, and letting it go.
local filemap = require "filemap"
local limit = require "limit"

local topic = { name = "names", title = "Named maps",
  how = "Open, view, close the view and the map, of a name that another map holds, for reading. The C limit is the "
    .. "system calls that this takes for a name to live exactly as long as somebody holds it: open, fstat, flock "
    .. "(for one that nobody holds), flock (to hold it), lstat, mmap; munmap, close, and open, flock, close to see "
    .. "whether it was the last. \"C, looking first\" also looks at what has the name before each open, and after "
    .. "the second, so that what another user planted there is not opened. The file is opened by `io.open`, 4 bytes "
    .. "are read, and it is closed." }

local sizes = { { 4096, "4 KiB" }, { 1024 * 1024, "1 MiB" }, { 1024 * 1024 * 1024, "1 GiB" } }

local function open(size, size_name)
  return { id = "open " .. size_name, garbage = true, work = "open, view, close: " .. size_name,
    how = "The map is reserved, not filled, so that its size costs no memory.",
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
