-- Measures one comparison: a piece of work that is done in several ways.
local cleanup = require "bench.cleanup"
local filemap = require "filemap"
local harness = require "bench.harness"
local limit = require "limit"
local limits = require "bench.limits"

-- Returns the methods of views that exist so far.
local function methods()
  local view <close> = assert(assert(filemap.create(nil, 1)):view())
  return getmetatable(view).__index
end
local there = methods()

local function is_built(comparison)
  for _, method in ipairs(comparison.needs or {}) do
    if not there[method] then return false end
  end
  return true
end

-- The ratio that a bound is about. With `limit`, the names of two competitors, it is relative to their ratio,
-- which shows what the machine can do: both ratios are returned too.
local function ratio_of(bound, samples)
  local ours, theirs = samples.filemap, assert(samples[bound.against])
  local a, b = ours, theirs
  if bound.least then a, b = b, a end
  if not bound.limit then return harness.ratio(a, b) end
  local c, d = assert(samples[bound.limit[1]]), assert(samples[bound.limit[2]])
  if bound.least then c, d = d, c end
  return harness.ratio_of_ratios(a, b, c, d), { harness.ratio(a, b)[2], harness.ratio(c, d)[2] }
end

-- Compares a bound with the measurement. The result has value (quartiles), met, and margin (over 1 if not
-- met).
local function judge(bound, comparison, samples)
  local v = { work = comparison.work, against = bound.against, most = bound.most, least = bound.least,
    as = bound.as, margin = -1 }
  if not samples then return v end
  v.value, v.ratios = ratio_of(bound, samples)
  v.margin = bound.most and v.value[2] / bound.most or bound.least / v.value[2]
  v.met = v.margin <= 1
  return v
end

-- Measures the competitors. Returns the quartiles of each, and the samples by name.
local function measure(comparison)
  local competitors, drop = comparison.competitors()
  local runs, figures, by_name = {}, {}, {}
  for i, c in ipairs(competitors) do runs[i] = c.run or harness.loop(c[2], c[3]) end
  local target = comparison.target or comparison.garbage and harness.target.garbage or harness.target.default
  for i, samples in ipairs(harness.measure(limit.now, runs, target)) do
    local name, statement = competitors[i][1], competitors[i][2]
    by_name[name] = samples
    figures[i] = { name = name, statement = statement, quartiles = harness.quartiles(samples) }
  end
  if drop then drop() end
  return figures, by_name
end

-- Returns the result of a comparison, or nil and why it cannot be used.
return function(comparison)
  local result = { id = comparison.id, work = comparison.work, how = comparison.how, alike = comparison.alike,
    verdicts = {} }
  local samples
  if is_built(comparison) then
    result.figures, samples = measure(comparison)
    local failure = limits.check(comparison.work, samples)
    if failure then return nil, failure end
    result.to_limit = samples["C limit"] and harness.ratio(samples.filemap, samples["C limit"])
  end
  for i, bound in ipairs(comparison.bounds or {}) do
    result.verdicts[i] = judge(bound, comparison, samples)
  end
  collectgarbage()
  local failure = cleanup.check(comparison.work)
  if failure then return nil, failure end
  return result
end
