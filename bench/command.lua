-- `filemap copy`, compared with cp(1). Both run as programs, so their start counts too.
local cleanup = require "bench.cleanup"
local filemap = require "filemap"
local limit = require "limit"

local GIB = 1 << 30

local topic = { name = "command", title = "The command",
  how = "`filemap copy` and `cp` copy 1 GiB of memory. The section is a verbatim name, which `cp` reads and "
    .. "writes as a file of /dev/shm. A new file is removed before each run, which is not timed." }

-- Runs a command line once per repetition, each time after `before`, which is not timed.
local function program(line, before)
  return function(repetitions)
    local sum = 0
    for _ = 1, repetitions do
      if before then before() end
      local from = limit.now()
      assert(os.execute(line))
      sum = sum + tonumber(limit.now() - from)
    end
    return sum
  end
end

-- A section with 1 GiB of noise, and a path for a copy of it.
local function subjects()
  local name = "/" .. cleanup.unique()
  local map = assert(filemap.create(name, GIB))
  local view = map:view()
  for offset = 0, GIB - 1, 8 do view:set_i64(offset, offset * 0x9E3779B97F4A7C15) end
  return map, view, name, "/dev/shm" .. name, ("/dev/shm%s.copy"):format(name)
end

local function copy(id, work, line, cp_line, before_each)
  return { id = id, work = work, bounds = { { against = "cp", least = 0.7 } },
    competitors = function()
      local map, view, name, section, file = subjects()
      local words = { command = ("'%s' bin/filemap copy"):format(arg[-1]), name = name, section = section,
        file = file }
      local ours, theirs = line:gsub("%l+", words), cp_line:gsub("%l+", words)
      assert(os.execute(("cp '%s' '%s'"):format(section, file)))
      local before = before_each and function() before_each(file) end
      return {
        { "filemap", "filemap copy", run = program(ours, before) },
        { "cp", "cp", run = program(theirs, before) },
      }, function()
        os.remove(file)
        view:close()
        map:close()
        filemap.unlink(name)
      end
    end }
end

topic.comparisons = {
  copy("copy out", "1 GiB, a section to a new file", "command name file", "cp section file", os.remove),
  copy("copy in", "1 GiB, a file to a section", "command file name", "cp file section"),
}
return topic
