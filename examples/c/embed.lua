-- The script of embed.c. Its argument is a view of the program's memory.
local struct = require "filemap.struct"
local view = ...

local Player = struct.define("Player", {
  { "x", "f32" }, { "y", "f32" }, { "score", "u32" }, { "name", "char", 16 },
})
local p = Player:at(view)
p.x, p.y = p.x + 2, p.y * 2
p.score = p.score + 10
print(("the script sees %s, in %d bytes with access %s"):format(p.name, #view, view:access()))
