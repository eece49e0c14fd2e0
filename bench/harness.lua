-- Measures times. LuaJIT also runs this file (bench/ffi.lua), so it uses only syntax that both Luas have.
--
-- A competitor is { name, statement, names }. Its loop is made from the text of the statement, so that all
-- loops have the same form, and the report can print the statement. Or it is { name, statement, run =
-- function }: the function runs a given number of repetitions and returns the nanoseconds that they took.
local harness = {}

local spread = table.unpack or _G.unpack

-- Runs are short, so that on a shared machine most of them are not disturbed. Runs that make strings and
-- tables are longer, so that the garbage collector works in each run as it would in a long one.
harness.rounds = { least = 15, most = 101 }
harness.target = { default = 1e6, garbage = 4e6 } -- nanoseconds of one run
harness.budget = 2.5e9                            -- of all rounds, if `rounds.least` fits in it
harness.tries = 5                                 -- runs of each length that calibration compares

-- Returns a function(repetitions) that runs `statement` that often, and then `last` once. `names` are its
-- variables, which become locals.
function harness.loop(statement, names, last)
  local keys, values = {}, {}
  for key in pairs(names) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do values[i] = names[key] end
  local list = table.concat(keys, ", ")
  local template = "local %s = ... return function(repetitions) "
    .. "local %s = %s for i = 1, repetitions do %s end %s end"
  local source = template:format(list, list, list, statement, last or "")
  return assert(load(source, "=" .. statement))(spread(values))
end

local function time(now, run, n)
  local from = now()
  return run(n) or tonumber(now() - from)
end

-- Returns the shortest time of a few runs.
local function shortest(now, run, n)
  local least = math.huge
  for _ = 1, harness.tries do least = math.min(least, time(now, run, n)) end
  return least
end

-- Returns how many repetitions take about the target time, and how long they take. The time of a single run
-- does not tell that. If the system runs another process during a run of one repetition, this run seems to
-- take as long as the target. Every measured run would then be as short, and its time would be mostly that of
-- reading the clock with cold caches.
local function calibrate(now, run, target)
  local n = 1
  while true do
    local t = shortest(now, run, n)
    if t > target / 8 then
      local count = math.max(1, math.floor(n * target / t))
      return count, count * t / n
    end
    n = n * 4
  end
end

-- Runs every competitor once a round, after a full collection. Each round starts with a different competitor,
-- and every second round uses the reverse order. So it is not always the same competitor that runs after one
-- that empties the caches. Returns for each competitor an array with the nanoseconds that one repetition took
-- in each round.
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

-- Returns the three quartiles of an array of numbers. The second one is the median.
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

-- Returns the quartiles of a/b, computed round by round: if the machine is slow for a while, both are slow.
function harness.ratio(a, b)
  local ratios = {}
  for i, x in ipairs(a) do ratios[i] = x / b[i] end
  return harness.quartiles(ratios)
end

-- Returns the quartiles of (a/b) / (c/d), computed round by round.
function harness.ratio_of_ratios(a, b, c, d)
  local ratios = {}
  for i, x in ipairs(a) do ratios[i] = x / b[i] / (c[i] / d[i]) end
  return harness.quartiles(ratios)
end

return harness
