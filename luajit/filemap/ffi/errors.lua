--- Raises errors for mistakes in the program, with the program's position and the messages of the module for
-- Lua 5.4.
local ffi = require "ffi"

local errors = {}

-- What the sources of this module begin with: the folder above this file's, and "filemap".
local root = debug.getinfo(1, "S").source:match("^(.*filemap)[/\\]ffi[/\\]errors%.lua$")

local function is_own(info)
  return root and info.source:sub(1, #root) == root and info.source:find("^[./\\]", #root + 1)
end

-- Returns the frame that called this module, its level, and the frame of the module that it called.
local function find_caller()
  local called
  for level = 2, math.huge do
    local info = debug.getinfo(level, "Sln")
    if not info or not is_own(info) then return info, level, called end
    called = info
  end
end

local function position(info)
  if not info or info.currentline <= 0 then return "" end
  return ("%s:%d: "):format(info.short_src, info.currentline)
end

--- Raises an error at the innermost Lua function that does not belong to this module.
function errors.raise(format, ...)
  local caller, level = find_caller()
  while caller and caller.currentline <= 0 do
    level = level + 1
    caller = debug.getinfo(level, "Sl")
  end
  error(position(caller) .. format:format(...), 0)
end

--- Raises an error because of an argument. Arguments of methods count from the one after self.
function errors.argument(number, format, ...)
  local caller, _, called = find_caller()
  local name = called and called.name or "?"
  local message = format:format(...)
  if called and called.namewhat == "method" then
    number = number - 1
    if number == 0 then
      error(("%scalling '%s' on bad self (%s)"):format(position(caller), name, message), 0)
    end
  end
  error(("%sbad argument #%d to '%s' (%s)"):format(position(caller), number, name, message), 0)
end

--- The names of this module's types, by the numbers of their ctypes.
errors.type_names = {}

--- Returns the name of a value's type.
function errors.type_of(value)
  if type(value) ~= "cdata" then return type(value) end
  return errors.type_names[tonumber(ffi.typeof(value))] or tostring(ffi.typeof(value))
end

--- Raises an error because an argument has another type than the expected one.
function errors.type(number, expected, value)
  local got = errors.type_of(value)
  local is_map = expected == "filemap.view" and got == "filemap.map"
  errors.argument(number, "%s expected, got %s%s", expected, got,
    is_map and "; the map's method view makes one" or "")
end

--- Writes an integer, a number or cdata, as Lua 5.4 does.
function errors.integer(x)
  if type(x) == "number" then return ("%.0f"):format(x) end
  return (tostring(x):gsub("U?LL$", ""))
end

return errors
