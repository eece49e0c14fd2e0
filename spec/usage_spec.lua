-- The examples of the reference (`@usage`): each public function has one, which runs and prints what it
-- promises. An example that begins with the comment "-- In a child process" is only compiled. The module's
-- comment in lua/filemap.lua has the variables that examples use.
local filemap = require "filemap"
local lfs = require "lfs"
local promise = require "spec.support.promise"
local support = require "spec.support"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read("a"):gsub("\r", ""))
end

-- The doc comments of a file, without their marks. In Lua a line with the function's name ends each.
local function comments_of(path)
  local found = {}
  if path:find("%.c$") then
    for comment in read(path):gmatch("/%*%*%*(.-)%s*%*/") do found[#found + 1] = comment end
    return found
  end
  local comment
  for line in read(path):gmatch("[^\n]+") do
    if line:find("^%-%-%-") then comment = "" end
    local text = line:match("^%-%-+ ?(.*)")
    local owner, name = line:match("^function ([%w]+)[.:](%w+)%(")
    if comment and text then comment = comment .. text .. "\n"
    elseif comment then
      found[#found + 1] = comment .. (owner and owner ~= "objects" and "@function " .. name or "")
      comment = nil
    end
  end
  return found
end

-- The functions that a file describes: { name, usage or nil }.
local function functions_of(path)
  local found = {}
  for _, comment in ipairs(comments_of(path)) do
    local name = comment:match("@function%s+([%w_]+)")
    local usage = comment:match("@usage\n(.*)$")
    if name then found[#found + 1] = { name = name, usage = usage and usage:gsub("@function[^\n]*$", "") } end
  end
  return found
end

-- The files that config.ld lists.
local paths = {}
for path in read("config.ld"):match("\nfile = (%b{})"):gmatch('"(.-)"') do paths[#paths + 1] = path end

-- The modules by their last names.
local modules = {}
for name in lfs.dir("types/library/filemap") do
  local module = name:match("^(%w+)%.lua$")
  if module then modules[module] = require("filemap." .. module) end
end

-- Runs an example. Returns the lines that it prints.
local function run(chunk, environment)
  local lines = {}
  function environment.print(...)
    local texts = table.pack(...)
    for i = 1, texts.n do texts[i] = tostring(texts[i]) end
    lines[#lines + 1] = table.concat(texts, " ")
  end
  chunk()
  return lines
end

local function check(usage)
  local map <close> = assert(filemap.create(nil, 4096))
  local view <close> = assert(map:view())
  local environment = setmetatable({ filemap = filemap, map = map, view = view }, {
    __index = function(_, name) return modules[name] or _G[name] end,
  })
  local chunk = assert(load(usage, "=usage", "t", environment))
  if usage:find("^%-%- In a child process") then return end
  local lines, promised = run(chunk, environment), 0
  for line in usage:gmatch("[^\n]+") do
    local text = promise.of(line)
    if text then
      promised = promised + 1
      assert.is_truthy((lines[promised] or ""):find(promise.pattern(text)),
        ("%q is promised, %q is printed"):format(text, lines[promised]))
    end
  end
  if promised > 0 then assert.are.equal(promised, #lines) end
end

for _, path in ipairs(paths) do
  describe("the example in " .. path .. " of", function()
    support.clean()
    after_each(function()
      collectgarbage()
      os.remove("numbers.bin")
    end)

    for _, described in ipairs(functions_of(path)) do
      it(described.name .. " prints what it promises", function()
        check(assert(described.usage, described.name .. " has no @usage"))
      end)
    end
  end)
end
