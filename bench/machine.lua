-- Describes the machine, as far as the figures depend on it.
local limit = require "limit"

local function output(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local line = pipe:read "l"
  pipe:close()
  return line ~= "" and line or nil
end

-- Returns the name and the number of processors.
local function processors()
  local name, count = nil, 0
  for line in io.lines "/proc/cpuinfo" do
    if line:find "^processor" then count = count + 1 end
    name = name or line:match "^model name%s*:%s*(.+)"
  end
  return name or output "uname -m" or "unknown", count
end

-- Returns pairs of a property and its value.
return function(luajit_version)
  local name, count = processors()
  return {
    { "Processor", ("%s, %d of them"):format(name, count) },
    { "Kernel", output "uname -sr" },
    { "Lua", output((arg and arg[-1] or "lua5.4") .. " -v"):match "^%S+ %S+" },
    { "LuaJIT", luajit_version or "not installed" },
    { "Compiler", limit.compiler .. ", CMake's Release build" },
  }
end
