-- Checks that an installed filemap works: two processes share a section, and the modules in Lua are there.
--   lua works.lua                 as a release and continuous integration run it
--   lua works.lua unsupported     on a system that filemap does not support: it builds, loads, and says so
local filemap = require "filemap"
local NAME <const> = [[Local\filemap-works]]

-- The interpreter that runs this script.
local function interpreter()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end

local function read_as_second_process()
  local view <close> = assert(assert(filemap.open(NAME)):view())
  io.write(view:get_i32(4), " ", view:get_cstring(8, 56))
end

local function share_with_second_process()
  local map <close> = assert(filemap.create(NAME, 64))
  local view <close> = assert(map:view())
  local types = require("filemap.cdef").parse("struct Pair { int a, b; };")
  types.Pair:write(view, 0, { a = 1, b = 2 })
  view:set_cstring(8, "héllo", 56)
  local second <close> = assert(io.popen(("%s %s second"):format(interpreter(), arg[0])))
  assert(second:read("a") == "2 héllo", "the second process reads something else")
end

if arg[1] == "second" then return read_as_second_process() end
if arg[1] == "unsupported" then
  assert(select(3, filemap.create("works", 64)) == "unsupported")
else
  share_with_second_process()
  local d <close> = assert(require("filemap.dict").create_or_open(NAME .. "-dict"))
  assert(d:incr("uses", 1, 0) == 1)
end
print(filemap._VERSION .. " works" .. (arg[1] and ": " .. arg[1] or ""))
