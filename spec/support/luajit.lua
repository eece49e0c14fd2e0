-- LuaJIT for specs: whether it is there, and programs that it runs with the module of luajit/.
local busted = require "busted"
local process = require "process"
local support = require "spec.support"

local luajit = {}

-- The folder of the build, which has the shared library.
local build = package.searchpath("filemap.core", package.cpath):match("^(.*[/\\])filemap[/\\]")

-- Why LuaJIT is not tested here, or nil.
luajit.missing = support.windows and "there is no LuaJIT for Windows here"
  or support.foreign and "there is no LuaJIT for this processor here"
  or support.sanitized and "the shared library, which LuaJIT loads, has no sanitizer"
  or not os.execute("command -v luajit >/dev/null") and "luajit is not installed" or nil

-- `it`, or a function that makes the spec pending.
function luajit.it(name, body)
  if luajit.missing then return busted.pending(("%s (%s)"):format(name, luajit.missing)) end
  return busted.it(name, body)
end

-- Starts LuaJIT with these arguments.
function luajit.start(...)
  local library = build .. "libfilemap.so"
  return support.own(process.spawn {
    "luajit", env = { FILEMAP_LIBRARY = library, LUA_PATH = "./luajit/?.lua;./?.lua;;", LUA_CPATH = "" }, ...
  }, "luajit")
end

-- Starts the evaluator, whose methods are those of spec/child/evaluator.lua.
function luajit.evaluator()
  local child = luajit.start("spec/luajit/evaluator.lua")
  child:expect("^READY$")
  return child
end

return luajit
