-- compare.lua OLD NEW: compares two files of bench/figures.lua. It prints one line for each piece of work:
-- the times of both libraries, their ratio, and the ratio of the C limit's times, which shows how far the
-- machine was the same for both. If a file has several figures of the same work, the shortest counts.
local report = require "bench.report"

local OURS <const> = { filemap = true, mailslots = true, states = true }

-- Returns the shortest times by work and competitor, and the keys in the order of the file.
local function read(path)
  local times, order = {}, {}
  for line in io.lines(path) do
    local topic, work, name, time = line:match "^(.-)\t(.-)\t(.-)\t(.-)$"
    local key = topic .. "\t" .. work .. "\t" .. name
    if not times[key] then order[#order + 1] = { key = key, topic = topic, work = work, name = name } end
    times[key] = math.min(times[key] or math.huge, tonumber(time))
  end
  return times, order
end

local function ratio(new, old)
  return new and old and ("%.2f"):format(new / old) or "–"
end

local old, order = read(arg[1])
local new = read(arg[2])
local lines = { "| topic | work | by | old | new | new / old | C limit |", "|" .. (" --- |"):rep(7) }
local slower = 0
for _, line in ipairs(order) do
  local now, before = new[line.key], old[line.key]
  if OURS[line.name] then
    local limit = line.topic .. "\t" .. line.work .. "\tC limit"
    if not now or now > before * 1.05 then slower = slower + 1 end
    lines[#lines + 1] = ("| %s | %s | %s | %s | %s | %s | %s |"):format(line.topic, line.work, line.name,
      report.time(before), now and report.time(now) or "–", ratio(now, before), ratio(new[limit], old[limit]))
  end
end
print(report.plain(lines))
print(("\n%d of %d are slower by more than 5 %%, or missing."):format(slower, #lines - 2))
