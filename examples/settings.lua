-- Settings that several scripts share. One script changes a setting, another one applies the change at once.
--   lua settings.lua watch NAME...      prints these settings, and each change, until "quit" is set
--   lua settings.lua set NAME VALUE     sets one (a number if VALUE is one)
-- The settings live as long as one of the scripts has them open.
local dict = require "filemap.dict"
local SECTION <const> = os.getenv("EXAMPLE_NAME") or [[Local\filemap-example-settings]]
io.stdout:setvbuf("line")

-- Waits for a change of any of the settings. Each change also increments "changes", so that one wait is
-- enough.
local function watch(names)
  local settings <close> = assert(dict.create_or_open(SECTION, { capacity = 65536 }))
  local known = {}
  local function print_changes()
    for _, name in ipairs(names) do
      local value, version = settings:get(name)
      if version ~= (known[name] or 0) then print(("%s = %s"):format(name, value)) end
      known[name] = version
    end
  end
  print("watching")
  local _, changes = settings:get("changes")
  while true do
    print_changes()
    if settings:get("quit") then break end
    _, changes = settings:wait("changes", changes)
  end
end

local function set(name, text)
  local settings <close> = assert(dict.create_or_open(SECTION, { capacity = 65536 }))
  assert(settings:set(name, math.tointeger(text) or tonumber(text) or text))
  assert(settings:incr("changes", 1, 0))
end

if arg[1] == "watch" then watch(table.move(arg, 2, #arg, 1, {}))
elseif arg[1] == "set" and #arg == 3 then set(arg[2], arg[3])
else error("usage: settings.lua watch NAME... | set NAME VALUE", 0) end
