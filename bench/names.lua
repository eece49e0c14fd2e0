-- Opening and closing a named map, and the cost of names while many are live.
local cleanup = require "bench.cleanup"
local filemap = require "filemap"
local limit = require "limit"

local topic = { name = "names", title = "Named maps",
  how = "Opens a name that another map holds, for reading, makes a view, and closes both. The C limit is "
    .. "the system calls that are needed so that a name lives exactly as long as a process holds it: open, "
    .. "fstat, flock (is it held?), flock (hold it), lstat, mmap; then munmap, close, and open, flock, "
    .. "close (was it the last holder?). \"C, looking first\" also checks the file before each open, and "
    .. "after the second one, so that it does not open a file that another user planted. \"C without locks\" "
    .. "keeps no count of holders: lstat, open, fstat, mmap, munmap, close. \"io file\" opens a file by "
    .. "`io.open`, reads 4 bytes, and closes it." }

local sizes = { { 4096, "4 KiB" }, { 1024 * 1024, "1 MiB" }, { 1024 * 1024 * 1024, "1 GiB" } }

local function open(size, size_name)
  return { id = "open " .. size_name, garbage = true, work = "open, view, close: " .. size_name,
    how = "The map is only reserved, so its size costs no memory.",
    bounds = { { against = "C limit", most = 1.6 }, { against = "C without locks", most = 2 } },
    competitors = function()
      local name = cleanup.unique()
      local map = assert(filemap.create(name, size, { commit = false }))
      local holder, path = limit.hold(size)
      return {
        { "filemap", "local m = open(name) local v = m:view() v:close() m:close()",
          { open = filemap.open, name = name } },
        { "C limit", "named(path)", { named = limit.named, path = path } },
        { "C, looking first", "named(path, true)", { named = limit.named, path = path } },
        { "C without locks", "unlocked(path)", { unlocked = limit.unlocked, path = path } },
        { "io file", 'local f = open(path, "rb") local x = f:read(4) f:close()',
          { open = io.open, path = path } },
      }, function()
        map:close()
        holder:close()
      end
    end }
end

-- The cost of a call while 10,000 names are live, and while 100 are. The runs take turns. Each first makes or
-- closes names until it has its number of them, which is not timed.
local FEW <const>, MANY <const> = 100, 10000

local function among(work, statement, call)
  return { id = work, work = work, target = 4e5,
    how = ("With %d live names, and with %d. The time to make and close those is not included."):format(MANY,
      FEW),
    bounds = { { against = ("%d names"):format(FEW), most = 1.3 } },
    competitors = function()
      local name, kept = cleanup.unique(), {}
      local function run_with(count)
        return function(repetitions)
          for i = #kept + 1, count do
            kept[i] = assert(filemap.create(name .. "." .. i, 1, { commit = false }))
          end
          for i = #kept, count + 1, -1 do
            kept[i]:close()
            kept[i] = nil
          end
          collectgarbage()
          for i = 1, 3 do call(name, i, count) end
          local from = limit.now()
          for i = 1, repetitions do call(name, i, count) end
          return tonumber(limit.now() - from)
        end
      end
      return {
        { "filemap", statement, run = run_with(MANY) },
        { ("%d names"):format(FEW), statement, run = run_with(FEW) },
      }, function()
        for _, map in ipairs(kept) do map:close() end
      end
    end }
end

local function create_and_close(name, i)
  assert(filemap.create(name .. "x" .. i, 1)):close()
end

local function open_and_close(name, i, count)
  assert(filemap.open(name .. "." .. i % count + 1)):close()
end

topic.comparisons = {
  among("create and close a name among 10,000", "create(name, 1):close()", create_and_close),
  among("open and close a name among 10,000", "open(name):close()", open_and_close),
}
for i, size in ipairs(sizes) do table.insert(topic.comparisons, i, open(size[1], size[2])) end
return topic
