-- What must hold of the sources as text: both builds know all of them, each layer keeps to itself, and no
-- function is longer than a screen.
local lfs = require "lfs"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read("a"):gsub("\r\n", "\n"))
end

-- The paths in `folder` and below that match `pattern`, sorted.
local function files(folder, pattern, found)
  found = found or {}
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if name:sub(1, 1) ~= "." then
      if lfs.attributes(path, "mode") == "directory" then files(path, pattern, found)
      elseif name:find(pattern) then found[#found + 1] = path end
    end
  end
  table.sort(found)
  return found
end

local function listed_in(path)
  local found = {}
  for source in read(path):gmatch("src/[%w_/]+%.c") do found[#found + 1] = source end
  table.sort(found)
  return found
end

-- The functions of a C file, which start and end in the first column: name -> lines.
local function functions(path)
  local found, name, from, number = {}, nil, 0, 0
  for line in read(path):gmatch("([^\n]*)\n") do
    number = number + 1
    if line == "{" then from = number end
    if line:find("^%w.*[%w_]+%(") and not line:find(";$") then name = line:match("([%w_]+)%(") end
    if line == "}" then found[name] = number - from + 1 end
  end
  return found
end

describe("the sources", function()
  it("are the same for CMake and LuaRocks, and all that there are", function()
    assert.same(files("src", "%.c$"), listed_in("CMakeLists.txt"))
    assert.same(files("src", "%.c$"), listed_in("filemap-scm-1.rockspec"))
  end)

  it("in Lua are all that LuaRocks installs", function()
    local listed = {}
    for name, path in read("filemap-scm-1.rockspec"):gmatch('([%w_."%[%]]+) = "(lua/[%w_/]+%.lua)"') do
      assert.are.equal("lua/" .. name:gsub('[%["%]]', ""):gsub("%.", "/") .. ".lua", path)
      listed[#listed + 1] = path
    end
    table.sort(listed)
    assert.same(files("lua", "%.lua$"), listed)
  end)

  it("ask only in src/native what system they are on", function()
    local seen = 0
    for _, path in ipairs(files("src", "%.[ch]$")) do
      if not path:find("^src/native/") then
        seen = seen + 1
        for line in read(path):gmatch("#%s*(%a+[^\n]*)") do
          local symbol = line:match("^ifn?def%s+([%w_]+)") or line:match("^e?l?if%s+(.*)")
          assert.is_truthy(not symbol or symbol:find("^FILEMAP_[%w_]+_H$"), path .. ": #" .. line)
        end
      end
    end
    assert.is_true(seen > 5)
  end)

  it("have no function over 60 lines", function()
    local seen = 0
    for _, path in ipairs(files("src", "%.c$")) do
      for name, lines in pairs(functions(path)) do
        seen = seen + 1
        assert.is_true(lines <= 60, ("%s in %s has %d lines"):format(name, path, lines))
      end
    end
    assert.is_true(seen > 100)
  end)

  it("are of layers that know only those below", function()
    for _, path in ipairs(files("src/native", "%.[ch]$")) do
      assert.is_nil(read(path):find('#include <l[ua]'), path .. " includes Lua")
      assert.is_nil(read(path):find("binding/"), path .. " knows the binding")
    end
    for _, path in ipairs(files("src/binding", "%.[ch]$")) do
      for include in read(path):gmatch('#include "%.%./native/([%w_]+%.h)"') do
        assert.is_true(include ~= "native.h", path .. " includes " .. include)
      end
    end
  end)
end)
