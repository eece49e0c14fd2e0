-- The lines of a file.
local filemap = require "filemap"
local limit = require "limit"
local subjects = require "bench.subjects"

local topic = { name = "lines", title = "Lines of a file",
  how = "All lines of a file of 1 MiB that is in the system's cache. The times include opening and closing "
    .. "the file. The C limit maps the file and finds each newline with `memchr`." }

-- Returns about 1 MiB of lines whose lengths range up to twice `middle`.
local function text(middle)
  local lines, size, seed = {}, 0, 1
  while size < 1024 * 1024 do
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    lines[#lines + 1] = ("x"):rep((seed >> 8) % (2 * middle + 1)) .. #lines
    size = size + #lines[#lines] + 1
  end
  return table.concat(lines, "\n") .. "\n"
end

local function lines(middle)
  return { id = "lines " .. middle, garbage = true, work = ("`lines`, about %d bytes each"):format(middle),
    needs = { "lines" },
    how = "`filemap.file`, a view, its lines, and closing, compared with `io.lines` on the same path.",
    bounds = { { against = "io.lines", most = 1 } },
    competitors = function()
      local path = subjects.path(text(middle))
      return {
        { "filemap", "local m = file(path) local v = m:view() for _ in v:lines() do end v:close() m:close()",
          { file = filemap.file, path = path } },
        { "C limit", "local c = file(path) for _ in c:lines() do end c:close()",
          { file = limit.file, path = path } },
        { "io.lines", "for _ in lines(path) do end", { lines = io.lines, path = path } },
      }, function() os.remove(path) end
    end }
end

topic.comparisons = { lines(10), lines(60), lines(1000) }
return topic
