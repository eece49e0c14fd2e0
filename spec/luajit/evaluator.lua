-- Runs each line as a chunk in LuaJIT, and prints the results in one line, as spec/child/evaluator.lua does
-- in Lua 5.4. The chunks share globals: among them are the modules and ffi.
local child = require "spec.luajit.common"
local results = require "spec.luajit.results"

local env = setmetatable({ ffi = require "ffi", say = child.say }, { __index = _G })
for _, name in ipairs { "sync", "state", "pipe", "mailslot", "dict" } do
  env[name] = require("filemap." .. name)
end
env.filemap = require "filemap"

child.ready()
for line in child.hear do child.say((results(line, env):gsub("[\r\n]", "?"))) end
