-- What script/headers runs: reads sets of headers and prints the counts. See there.
local headers = require "spec.support.headers"

local function parse_arguments(arguments)
  local options = { sets = {}, every = 1 }
  for _, word in ipairs(arguments) do
    local key, value = word:match("^%-%-(%a+)=?(.*)$")
    if key == "every" then options.every = tonumber(value)
    elseif key == "part" then options.part, options.parts = word:match("(%d+)/(%d+)")
    elseif key then options[key] = value == "" or value
    else table.insert(options.sets, word) end
  end
  return options
end

-- A reason without the names and numbers that make each one different.
local function kind_of(message)
  return (message:gsub("%(line.*$", ""):gsub("'[^']*'", "'…'"):gsub("%d+", "n"))
end

local function add(counts, key)
  counts[key] = (counts[key] or 0) + 1
end

local function print_counts(title, counts)
  local keys = {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return counts[a] > counts[b] or counts[a] == counts[b] and a < b end)
  if keys[1] then print("  " .. title) end
  for i = 1, math.min(#keys, 40) do print(("    %5d  %s"):format(counts[keys[i]], keys[i])) end
end

local function run(name, options)
  local set = headers.set(name)
  local seen, total, compiled, whole, both, types, wrong = {}, 0, 0, 0, 0, 0, 0
  local errors, reasons = {}, {}
  for i = 1, #set.list, options.every do
    if not options.part or i // options.every % options.parts == options.part - 1 then
      local path = set.list[i]
      local result = headers.check(set, path, seen, options.parse)
      total = total + 1
      if result.compiled then compiled = compiled + 1 end
      if result.whole then whole = whole + 1 end
      if result.whole and result.compiled then both = both + 1 end
      types = types + result.types
      if result.error then
        add(errors, kind_of(result.error:gsub("^.-line %d+, column %d+: ", "")))
        if options.verbose then print("error", result.compiled, path, result.error) end
      end
      for _, entry in ipairs(result.skipped) do
        add(reasons, kind_of(entry.message))
        if options.verbose then print("skipped", result.compiled, path, entry.name, entry.where) end
      end
      for _, entry in ipairs(result.wrong) do
        wrong = wrong + 1
        print("WRONG", path, entry.message, entry.line)
      end
    end
  end
  print(("%s: %d headers, %d read whole; %d compile, %d of those read whole; %d types compared, %d wrong")
    :format(set.name, total, whole, compiled, both, types, wrong))
  print_counts("errors:", errors)
  print_counts("skipped declarations:", reasons)
  return wrong
end

local options = parse_arguments(arg)
local wrong = 0
for _, name in ipairs(options.sets) do wrong = wrong + run(name, options) end
os.exit(wrong == 0, true)
