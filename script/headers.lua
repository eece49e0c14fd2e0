-- What script/headers runs: reads sets of headers and prints the counts. See there.
local headers = require "spec.support.headers"
local header_set = require "spec.support.header_sets"

local function parse_arguments(arguments)
  local options = { sets = {}, every = 1, from = 1, parallel = 2 }
  for _, word in ipairs(arguments) do
    local key, value = word:match("^%-%-(%a+)=?(.*)$")
    if key == "every" or key == "from" or key == "parallel" then options[key] = assert(tonumber(value), word)
    elseif key == "only" then options.only = value
    elseif key then options[key] = true
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

-- The list of a set that the options leave.
local function chosen(set, options)
  local list = {}
  for i = options.from, #set.list, options.every do
    if not options.only or set.list[i]:find(options.only, 1, true) then list[#list + 1] = set.list[i] end
  end
  return list
end

local Counts = {}
Counts.__index = Counts

-- Why a header was not read whole.
local function reason_of(result)
  local entry = result.skipped[1]
  local reason = result.error or entry and ("%s: %s"):format(entry.name or "a declaration", entry.where)
  if result.compiled then return reason end
  return ("%s; no compiler accepts it: %s"):format(reason, result.rejected)
end

function Counts:add(result)
  for _, entry in ipairs(result.wrong) do
    self.wrong = self.wrong + 1
    print("WRONG", result.path, entry.message, entry.line)
  end
  self.types = self.types + result.types
  if not result.path then return end
  self.total = self.total + 1
  if result.compiled then self.compiled = self.compiled + 1 end
  if result.whole then self.whole = self.whole + 1 end
  if result.whole and result.compiled then self.both = self.both + 1 end
  if not result.whole then table.insert(self.rest, result.path .. ": " .. reason_of(result)) end
  if result.error then add(self.errors, kind_of(result.error:gsub("^.-line %d+, column %d+: ", ""))) end
  for _, entry in ipairs(result.skipped) do
    add(self.reasons, kind_of(entry.message))
    if self.verbose then print("skipped", result.compiled, result.path, entry.name, entry.where) end
  end
end

local function run(name, options)
  local set = header_set(name)
  local counts = setmetatable({ total = 0, compiled = 0, whole = 0, both = 0, types = 0, wrong = 0,
    errors = {}, reasons = {}, rest = {}, verbose = options.verbose }, Counts)
  headers.check(set, chosen(set, options), options.parallel, function(result) counts:add(result) end)
  print(("%s: %d headers, %d read whole; %d compile, %d of those read whole; %d types compared, %d wrong")
    :format(set.name, counts.total, counts.whole, counts.compiled, counts.both, counts.types, counts.wrong))
  print_counts("errors:", counts.errors)
  print_counts("skipped declarations:", counts.reasons)
  if counts.rest[1] then print("  not read whole:") end
  table.sort(counts.rest)
  for _, line in ipairs(counts.rest) do print("    " .. line) end
  return counts.wrong
end

io.stdout:setvbuf("line")
local options = parse_arguments(arg)
local wrong = 0
for _, name in ipairs(options.sets) do wrong = wrong + run(name, options) end
os.exit(wrong == 0, true)
