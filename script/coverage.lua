-- script/coverage.lua FOLDER...: prints which lines of lua/ and cli/ the processes that wrote to the folders
-- have not reached (see spec/support/reached.lua), and how many they have.

-- The compiler adds these operations at the end of a function or of a block. A line that has no other is
-- not counted, because the program can skip it: a jump to another jump leads to the second one's target.
local silent = { RETURN = true, RETURN0 = true, RETURN1 = true, VARARGPREP = true, JMP = true, CLOSE = true }

-- The lines that hold code, by the compiler's listing.
local function executable(path)
  local lines = {}
  local listing <close> = assert(io.popen(("luac5.4 -l -p %s"):format(path)))
  for text in listing:lines() do
    local line, operation = text:match("^%s*%d+%s+%[(%d+)%]%s+(%S+)")
    if line and not silent[operation] then lines[tonumber(line)] = true end
  end
  return lines
end

local function read(folders)
  local reached = {}
  local text <close> = assert(io.popen(("cat %s/* | sort -u"):format(table.concat(folders, "/* "))))
  for line in text:lines() do
    local path, number = line:match("^(%S+) (%d+)$")
    if path then
      reached[path] = reached[path] or {}
      reached[path][tonumber(number)] = true
    end
  end
  return reached
end

-- Numbers as ranges, such as "3, 7-9". A range goes over lines without code.
local function ranges(lines, hit)
  local sorted, parts = {}, {}
  for line in pairs(lines) do sorted[#sorted + 1] = line end
  table.sort(sorted)
  local first, last
  for i = 1, #sorted + 1 do
    local line = sorted[i]
    if line and not hit[line] then
      first, last = first or line, line
    elseif first then
      parts[#parts + 1] = first == last and tostring(first) or ("%d-%d"):format(first, last)
      first = nil
    end
  end
  return table.concat(parts, ", ")
end

local reached = read(arg[1] and arg or error "which folder?")
local files <close> = assert(io.popen("find lua cli bin -name '*.lua' -o -path bin/filemap | sort"))
local all, done = 0, 0
for path in files:lines() do
  local lines, hit, n, m = executable(path), reached[path] or {}, 0, 0
  for line in pairs(lines) do
    n = n + 1
    if hit[line] then m = m + 1 end
  end
  all, done = all + n, done + m
  if m < n then print(("%3d %%  %-40s %s"):format(100 * m // n, path, ranges(lines, hit))) end
end
print(("%.1f %% of %d lines of Lua are reached"):format(100 * done / all, all))
