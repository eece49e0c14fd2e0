-- The program of script/bench. It measures and prints the topics in its arguments. Without arguments it
-- measures all topics and also writes doc/performance.md.
local harness = require "bench.harness"
local luajit = require "bench.luajit"
local machine = require "bench.machine"
local measure = require "bench.measure"
local plot = require "bench.plot"
local report = require "bench.report"

local TOPICS = { "numbers", "atomics", "bytes", "arrays", "packed", "structs", "find", "lines", "names",
  "channels", "waiting", "dict", "command" }

local function stop(status, message)
  io.stderr:write(message, "\n")
  os.exit(status)
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
    local result, failure = measure(comparison)
    topic.results[i] = result or stop(1, failure)
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
