-- Holds a map and a view of it, and runs the parent's orders.
--   mapper.lua create NAME SIZE | create_or_open NAME SIZE | open NAME ACCESS | file PATH ACCESS [SIZE]
--              | adopt HANDLE SIZE ACCESS | nothing
-- It prints READY and the result: "created" or "opened", or the code of the failure. Then it reads orders,
-- one a line:
--   put OFFSET TEXT   get OFFSET LENGTH   size   unmap (the view)   close (the map)   exit (closes neither)
local child = require "spec.child.common"
local filemap = require "filemap"

local starts = {
  create = function(name, size) return filemap.create(name, tonumber(size)) end,
  create_or_open = function(name, size) return filemap.create_or_open(name, tonumber(size)) end,
  open = filemap.open,
  file = function(path, access, size) return filemap.file(path, access, { size = tonumber(size) }) end,
  adopt = function(handle, size, access) return filemap.adopt(tonumber(handle), tonumber(size), access) end,
}

local how = arg[1]
local map, created, code
if how ~= "nothing" then map, created, code = starts[how](table.unpack(arg, 2)) end
local view = map and assert(map:view())

child.ready()
if how ~= "nothing" then
  child.say(not map and code or (how == "create" or created == true) and "created" or "opened")
end

local obey = {
  put = function(rest)
    local offset, text = rest:match("^(%d+) (.*)$")
    view:set_string(tonumber(offset), text)
    return "done"
  end,
  get = function(rest)
    local offset, length = rest:match("^(%d+) (%d+)$")
    return view:get_string(tonumber(offset), tonumber(length))
  end,
  size = function() return map:size() end,
  unmap = function() return view:unmap() end,
  close = function() return map:close() end,
  exit = function() os.exit(0) end, -- without closing Lua: no finalizer runs
}

while true do
  local word, rest = child.hear():match("^(%a+) ?(.*)$")
  child.say(obey[word](rest))
end
