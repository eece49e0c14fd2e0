-- The second part of script/mutate, which runs in the copy of the tree.
--   lua mutate.lua [PART OF A NAME]
local mutations = dofile "spec/mutations.lua"

-- Whether the specs run under wine.
local windows = os.getenv("FILEMAP_SYSTEM") == "windows"

-- Seconds after which the build of one file and the specs are ended, and where their output goes.
local DEADLINE, LOG = 240, "build/mutate.log"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

local function selected(pattern)
  local found = {}
  for _, mutation in ipairs(mutations) do
    local is_here = (mutation.file:find("^src/system/windows/") ~= nil) == windows
    if is_here and (not pattern or mutation.name:find(pattern, 1, true)) then found[#found + 1] = mutation end
  end
  return found
end

-- Builds the copy and runs specs up to the first failure. Returns "passed", "failed", "hung" (the deadline
-- passed), or "unbuilt".
local function run(specs)
  local test = windows and "bash -c '. script/common; build mingw; exec script/wine-run busted \"$@\"' test"
    or "script/test"
  local command = ("exec timeout -s KILL %d %s --no-keep-going %s >%s 2>&1 </dev/null"):format(
    DEADLINE, test, table.concat(specs, " "), LOG)
  local well, how, code = os.execute(command)
  if well then return "passed" end
  if code == 2 and how == "signal" or code == 130 then os.exit(130) end
  if read(LOG):find("The build of %w+ failed") then return "unbuilt" end
  return (code == 137 or code == 9) and "hung" or "failed"
end

-- The specs must pass before anything is broken: else a failure shows nothing.
local function check_specs(list)
  local specs, seen = {}, {}
  for _, mutation in ipairs(list) do
    for _, spec in ipairs(mutation.specs) do
      if not seen[spec] then specs[#specs + 1] = spec end
      seen[spec] = true
    end
  end
  for _, spec in ipairs(specs) do
    local result = run { spec }
    if result ~= "passed" then
      io.stderr:write(read(LOG), ("%s %s without a mutation.\n"):format(spec, result))
      os.exit(1)
    end
  end
end

-- Makes one mutation, and restores the file. Returns whether it was caught, and what to print.
local function try(mutation)
  local text = read(mutation.file)
  local from, to = text:find(mutation.old, 1, true)
  if not from then return false, "its text is NOT FOUND in " .. mutation.file end
  if text:find(mutation.old, to + 1, true) then return false, "its text is TWICE in " .. mutation.file end
  write(mutation.file, text:sub(1, from - 1) .. mutation.new .. text:sub(to + 1))
  local result = run(mutation.specs)
  write(mutation.file, text)
  if result == "unbuilt" then return false, "DOES NOT COMPILE" end
  if result == "passed" then return false, "SURVIVED" end
  return true, result == "hung" and "caught (by the deadline)" or "caught"
end

local list = selected(arg[1])
if #list == 0 then
  io.stderr:write(("no name of a mutation contains %s\n"):format(arg[1]))
  os.exit(1)
end
check_specs(list)
local caught = 0
for _, mutation in ipairs(list) do
  local start = os.time()
  local well, result = try(mutation)
  if well then caught = caught + 1 end
  print(("%-20s %s, %d s"):format(mutation.name, result, os.time() - start))
  io.stdout:flush()
end
print(("%d of %d caught"):format(caught, #list))
os.exit(caught == #list)
