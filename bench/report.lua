-- Formats the figures for the terminal and for doc/performance.md.
local report = {}

-- Formats nanoseconds with three digits, in a fitting unit.
function report.time(ns)
  local unit = "ns"
  for _, larger in ipairs { "µs", "ms", "s" } do
    if ns < 999.5 then break end
    ns, unit = ns / 1000, larger
  end
  return ("%." .. (ns < 9.995 and 2 or ns < 99.95 and 1 or 0) .. "f %s"):format(ns, unit)
end

-- "1.07 (1.05–1.10) ≤ 1.15 met"
function report.verdict(v)
  if not v.value then return "not built yet" end
  local ratios = v.ratios and (", %.2f against %.2f"):format(table.unpack(v.ratios)) or ""
  return ("%.2f (%.2f–%.2f) %s %g %s%s"):format(v.value[2], v.value[1], v.value[3], v.most and "≤" or "≥",
    v.most or v.least, v.met and "met" or "**not met**", ratios)
end

-- Names the quantity that a verdict's number measures.
function report.meaning(v)
  local what = v.most and ("time / %s"):format(v.against) or ("speed / %s"):format(v.against)
  return v.ratios and what .. ", relative to the C limit's" or what
end

-- Returns the names of a topic's competitors, in the order in which they first occur.
local function columns(topic)
  local found, seen = {}, {}
  for _, result in ipairs(topic.results) do
    for _, figure in ipairs(result.figures or {}) do
      if not seen[figure.name] then
        seen[figure.name] = true
        found[#found + 1] = figure.name
      end
    end
  end
  return found
end

local function row(cells)
  return "| " .. table.concat(cells, " | ") .. " |"
end

local function cell(figure)
  if not figure then return "–" end
  local q = figure.quartiles
  return ("%s (%s–%s)"):format(report.time(q[2]), (report.time(q[1]):gsub(" .*", "")), report.time(q[3]))
end

-- Returns a topic's table as lines of Markdown.
function report.table(topic)
  local names = columns(topic)
  local head, rule = { "" }, { "---" }
  for _, name in ipairs(names) do head[#head + 1], rule[#rule + 1] = name, "---:" end
  head[#head + 1], rule[#rule + 1] = "filemap / C limit", "---:"
  local lines = { row(head), row(rule) }
  for _, result in ipairs(topic.results) do
    local cells, by_name = { result.work }, {}
    for _, figure in ipairs(result.figures or {}) do by_name[figure.name] = figure end
    for _, name in ipairs(names) do cells[#cells + 1] = cell(by_name[name]) end
    if not result.figures then cells[2] = "not built yet" end
    local q = result.to_limit
    cells[#cells + 1] = q and ("%.2f (%.2f–%.2f)"):format(q[2], q[1], q[3]) or "–"
    lines[#lines + 1] = row(cells)
  end
  return lines
end

-- Returns all verdicts. Of verdicts that share a line (`as`) it returns the one nearest to failing.
function report.verdicts(topics)
  local found, by_line = {}, {}
  for _, topic in ipairs(topics) do
    for _, result in ipairs(topic.results) do
      for _, v in ipairs(result.verdicts) do
        local line = v.as and by_line[v.as]
        if not line then
          found[#found + 1] = v
          if v.as then by_line[v.as] = #found end
        elseif v.margin > found[line].margin then
          found[line] = v
        end
      end
    end
  end
  return found
end

function report.verdict_rows(verdicts)
  local lines = { row { "work", "measured", "bound" }, row { "---", "---", "---" } }
  for _, v in ipairs(verdicts) do
    local work = v.as and ("%s; the worst is %s"):format(v.as, v.work) or v.work
    lines[#lines + 1] = row { work, report.meaning(v), report.verdict(v) }
  end
  return lines
end

-- Returns a line such as "41 of 45 bounds are met; the work of 3 is not built yet."
function report.summary(verdicts)
  local met, missing = 0, 0
  for _, v in ipairs(verdicts) do
    if v.met then met = met + 1 end
    if not v.value then missing = missing + 1 end
  end
  return ("%d of %d bounds are met%s."):format(met, #verdicts,
    missing > 0 and ("; the work of %d is not built yet"):format(missing) or "")
end

local METHOD = [[
Each figure is the median of %d to %d rounds (fewer if they take longer), with the first and third quartile in
brackets. In each round every way of doing the same work runs once, one directly after the other. A run takes
about %g ms, or %g ms if it makes strings or tables. Each round starts with a different way, and every second
round uses the reverse order. All garbage is collected before each run. Garbage that a run makes is collected
during the run, and this time counts. All loops have the same form and are made from the statements listed
under each table. The clock is `clock_gettime(CLOCK_MONOTONIC)`.

A ratio is the median of the ratios of all rounds, not the ratio of two medians. If the machine is slow for a
while, both sides of a round are slow, and the ratio stays correct. "Speed" is the inverse of time. Where a
ratio depends on the machine more than on filemap, the bound is for the quotient of it and of the C limit's,
and both are shown behind it.

The C limit (`bench/limit.c`) is a C module that does the same work in the same memory, through a mapping of
its own. It has the checks that every safe module needs: self by the address of its metatable, the types of
the arguments, and the range. It has no other feature of filemap. If the C limit takes more than 1.5 times as
long as filemap, the program fails: such a figure is no limit. LuaJIT's FFI checks nothing. It runs in a
process of its own before the others, so its figures are from the same run but not from the same rounds.]]

local function append(lines, more)
  table.move(more, 1, #more, #lines + 1, lines)
end

-- Wraps a paragraph at 110 columns; `indent` starts every line after the first.
local function wrap(text, indent)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    if line and utf8.len(line) + 1 + utf8.len(word) > 110 then
      lines[#lines + 1], line = line, indent .. word
    else
      line = line and line .. " " .. word or word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

-- Explains how each line of a topic was measured, by its sentence and its statements. Lines that differ only
-- in a size are explained once.
local function explain(topic)
  local lines, said = {}, {}
  for _, result in ipairs(topic.results) do
    local parts = {}
    for _, figure in ipairs(result.figures or {}) do
      if figure.statement then parts[#parts + 1] = ("%s: `%s`"):format(figure.name, figure.statement) end
    end
    local how = (result.how and result.how .. " " or "") .. table.concat(parts, "; ")
    local key = result.alike or how
    local work = result.work .. (result.alike and " and each of the other types" or "")
    if not said[key] then lines[#lines + 1] = wrap(("- %s: %s"):format(work, how), "  ") end
    said[key] = true
  end
  return lines
end

-- Returns the text of doc/performance.md.
function report.page(topics, machine, harness)
  local lines = { "# Performance", "",
    "`script/bench` measured all figures of this page in one run, and wrote the page. Run it to measure "
      .. "your machine.",
    "" }
  append(lines, { row { "", "" }, row { "---", "---" } })
  for _, pair in ipairs(machine) do lines[#lines + 1] = row { pair[1], pair[2] } end
  append(lines, { "", "![Time of each way, as a multiple of the C limit's](performance.svg)", "",
    "## Method", "", METHOD:format(harness.rounds.least, harness.rounds.most,
      harness.target.default / 1e6, harness.target.garbage / 1e6), "" })
  local verdicts = report.verdicts(topics)
  append(lines, { "## Bounds", "", report.summary(verdicts), "" })
  append(lines, report.verdict_rows(verdicts))
  for _, topic in ipairs(topics) do
    append(lines, { "", "## " .. topic.title, "", wrap(topic.how, ""), "" })
    append(lines, report.table(topic))
    lines[#lines + 1] = ""
    append(lines, explain(topic))
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Converts a Markdown table to aligned columns for a terminal.
function report.plain(lines)
  local rows, widths = {}, {}
  for _, line in ipairs(lines) do
    local cells = {}
    for padded in line:gsub("[`*]", ""):gmatch "| ([^|]*)" do
      local text = padded:gsub(" $", "")
      cells[#cells + 1] = text
      widths[#cells] = math.max(widths[#cells] or 0, utf8.len(text))
    end
    if not line:find "^| %-%-%-" then rows[#rows + 1] = cells end
  end
  for i, cells in ipairs(rows) do
    for j, text in ipairs(cells) do cells[j] = text .. (" "):rep(widths[j] - utf8.len(text)) end
    rows[i] = table.concat(cells, "  "):gsub(" +$", "")
  end
  return table.concat(rows, "\n")
end

return report
