-- How everything is timed. Also LuaJIT runs this file (bench/ffi.lua), so it keeps to what both Luas read.
--
-- A competitor is { name, statement, names }: its loop is made from the statement's text, so that all loops
-- have the same shape, and the report can print what was measured. Or it is { name, statement, run = function }, which
-- does so many repetitions, and returns how many nanoseconds they took.
local harness = {}

local spread = table.unpack or _G.unpack

-- Short runs, since on a shared machine most of them are then disturbed by nobody. Where strings and tables
-- are made, runs are longer, so that the collector works in each as it would go on to.
harness.rounds = { least = 15, most = 101 }
harness.target = { default = 1e6, garbage = 4e6 } -- nanoseconds of one run
harness.budget = 2.5e9                            -- of all rounds together, as far as the least number allows

-- function(repetitions) that does the statement so often, and then `last` once; `names` are its variables, which become
-- locals.
function harness.loop(statement, names, last)
  local keys, values = {}, {}
  for key in pairs(names) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do values[i] = names[key] end
  local list = table.concat(keys, ", ")
  local source = ("local %s = ... return function(repetitions) "
    .. "local %s = %s for i = 1, repetitions do %s end %s end"):format(list, list, list, statement, last or "")
  return assert(load(source, "=" .. statement))(spread(values))
end

local function time(now, run, n)
  local from = now()
  return run(n) or tonumber(now() - from)
end

-- How many repetitions take about the target, and how long they take.
local function calibrate(now, run, target)
  local n = 1
  while true do
    local t = time(now, run, n)
    if t > target / 8 then
      local count = math.max(1, math.floor(n * target / t))
      return count, count * t / n
    end
    n = n * 4
  end
end

-- Runs every competitor once a round, after a full collection. Each round starts with another one, and every
-- second one goes backwards: who comes after a competitor that empties the caches differs.
-- Returns for each an array with the nanoseconds that one repetition took in each round.
function harness.measure(now, runs, target)
  local counts, samples, round_time = {}, {}, 0
  for i, run in ipairs(runs) do
    local duration
    counts[i], duration = calibrate(now, run, target)
    samples[i], round_time = {}, round_time + duration
  end
  local rounds = math.floor(harness.budget / round_time)
  for round = 1, math.max(harness.rounds.least, math.min(harness.rounds.most, rounds)) do
    for step = 1, #runs do
      local i = (round + (round % 2 == 0 and step or -step)) % #runs + 1
      collectgarbage()
      samples[i][round] = time(now, runs[i], counts[i]) / counts[i]
    end
  end
  return samples
end

-- The three quartiles of some numbers; the second is their median.
function harness.quartiles(numbers)
  local sorted = {}
  for i, x in ipairs(numbers) do sorted[i] = x end
  table.sort(sorted)
  local function at(part)
    local place = 1 + part * (#sorted - 1)
    local below = math.floor(place)
    local above = math.min(below + 1, #sorted)
    return sorted[below] + (place - below) * (sorted[above] - sorted[below])
  end
  return { at(0.25), at(0.5), at(0.75) }
end

-- The quartiles of a/b, round by round: what slows the machine for a while slows both.
function harness.ratio(a, b)
  local ratios = {}
  for i, x in ipairs(a) do ratios[i] = x / b[i] end
  return harness.quartiles(ratios)
end

return harness
