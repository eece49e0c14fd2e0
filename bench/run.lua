-- The program of script/bench. It measures and prints the topics in its arguments. Without arguments it
-- measures all topics and also writes doc/performance.md.
local filemap = require "filemap"
local harness = require "bench.harness"
local limit = require "limit"
local limits = require "bench.limits"
local luajit = require "bench.luajit"
local machine = require "bench.machine"
local plot = require "bench.plot"
local report = require "bench.report"

local TOPICS = { "numbers", "atomics", "bytes", "arrays", "packed", "structs", "find", "lines", "names",
  "channels" }

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

-- Compares a bound with the measurement. The result has value (quartiles), met, and margin (over 1 if not
-- met).
local function judge(bound, comparison, samples)
  local v = { work = comparison.work, against = bound.against, most = bound.most, least = bound.least,
    as = bound.as, margin = -1 }
  if not samples then return v end
  local ours, theirs = samples.filemap, assert(samples[bound.against])
  v.value = bound.most and harness.ratio(ours, theirs) or harness.ratio(theirs, ours)
  v.margin = bound.most and v.value[2] / bound.most or bound.least / v.value[2]
  v.met = v.margin <= 1
  return v
end

-- Measures one comparison. Returns its competitors' quartiles, and samples by name.
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

local function stop(status, message)
  io.stderr:write(message, "\n")
  os.exit(status)
end

local function run(comparison)
  local result = { id = comparison.id, work = comparison.work, how = comparison.how, alike = comparison.alike,
    verdicts = {} }
  local samples
  if is_built(comparison) then
    result.figures, samples = measure(comparison)
    local failure = limits.check(comparison.work, samples)
    if failure then stop(1, failure) end
    result.to_limit = samples["C limit"] and harness.ratio(samples.filemap, samples["C limit"])
  end
  for i, bound in ipairs(comparison.bounds or {}) do
    result.verdicts[i] = judge(bound, comparison, samples)
  end
  collectgarbage()
  return result
end

local function add_luajit(result, figures)
  local quartiles = figures and figures[result.id]
  if quartiles and result.figures then
    result.figures[#result.figures + 1] = { name = "LuaJIT FFI", quartiles = quartiles }
  end
end

-- Measures a topic and prints its table.
local function run_topic(name, luajit_figures)
  local topic = require("bench." .. name)
  topic.results = {}
  for i, comparison in ipairs(topic.comparisons) do
    topic.results[i] = run(comparison)
    add_luajit(topic.results[i], luajit_figures)
  end
  topic.comparisons = nil
  print(topic.title .. "\n" .. report.plain(report.table(topic)) .. "\n")
  io.flush()
  return topic
end

local function check_topics(names)
  local known = {}
  for _, name in ipairs(TOPICS) do known[name] = true end
  for _, name in ipairs(names) do
    if not known[name] then
      stop(2, ("Unknown topic '%s'. The topics are: %s."):format(name, table.concat(TOPICS, ", ")))
    end
  end
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

local all = #arg == 0
local names = all and TOPICS or table.move(arg, 1, #arg, 1, {})
check_topics(names)
local figures, version = luajit.figures()
if not version then print "LuaJIT is not installed, so its column is missing.\n" end
local topics = {}
for i, name in ipairs(names) do topics[i] = run_topic(name, figures) end
local verdicts = report.verdicts(topics)
print(report.plain(report.verdict_rows(verdicts)))
print("\n" .. report.summary(verdicts))
if all then
  write("doc/performance.md", report.page(topics, machine(version), harness))
  write("doc/performance.svg", plot(topics))
  print "Wrote doc/performance.md and doc/performance.svg."
end
