-- The module's functions and methods, those in the definitions for editors (types/library/filemap.lua), and
-- those in the reference (the doc comments of the binding) must be the same, with the same parameters. Here
-- each set is a table from names like "map:view" to parameters like "offset, length".
local filemap = require "filemap"
local lfs = require "lfs"

-- A checkout on Windows may have CRLF line ends.
local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read("a"):gsub("\r", ""))
end

local function add(found, name, parameters)
  assert(not found[name], name .. " is there twice")
  found[name] = parameters
end

-- The modules in C other than filemap, with the types of their objects.
local c_modules = {
  sync = { "mutex", "semaphore", "event" }, state = { "state" }, mailslot = { "mailslot" },
  pipe = { "listener", "conn" }, dict = { "dict" },
}

local function qualified(owner, is_module, name)
  return owner .. (is_module and "." or ":") .. name
end

-- Adds the methods of an object. An array's __index is a function, with the table of methods as its upvalue.
local function add_methods(found, owner, object)
  local methods = getmetatable(object).__index
  if type(methods) == "function" then methods = select(2, debug.getupvalue(methods, 1)) end
  for name in pairs(methods) do add(found, qualified(owner, false, name), true) end
end

local function add_functions(found, owner, module)
  for name, value in pairs(module) do
    if type(value) == "function" then add(found, qualified(owner, true, name), true) end
  end
end

-- The functions and methods of the loaded modules. Lua does not know the parameters of C functions.
local function live()
  local found = {}
  add_functions(found, "filemap", filemap)
  for module, types in pairs(c_modules) do
    add_functions(found, module, require("filemap." .. module))
    for _, name in ipairs(types) do
      for method in pairs(debug.getregistry()["filemap." .. name].__index) do
        add(found, qualified(name, false, method), true)
      end
    end
  end
  local map <close> = assert(filemap.create(nil, 1))
  local view <close> = assert(map:view())
  add_methods(found, "map", map)
  add_methods(found, "view", view)
  add_methods(found, "array", view:array("u8", 0, 1))
  add_methods(found, "stream", view:stream())
  return found
end

-- The names that a name in a doc comment stands for. get_T and set_T stand for one method for each type of
-- number, and other names with T for one for each type marked ATOMIC.
local function members(name)
  if not name:find("_T$") then return { name } end
  local found = {}
  for T, kind in read("src/lua/types.h"):gmatch("\n%s*X%((%w+),[^\n]* (%u+)%)") do
    if kind == "ATOMIC" or name:find("^[gs]et_") then found[#found + 1] = name:sub(1, -2) .. T end
  end
  return found
end

local function documented_parameters(comment)
  local found = {}
  for line in comment:gmatch("@t?param[^\n]*") do
    found[#found + 1] = line:match("^@tparam%S*%s+%S+%s+([%w_]+)") or line:match("^@param%s+(%.%.%.)")
  end
  return table.concat(found, ", ")
end

-- Adds the functions that a C file describes. A function belongs to the module or type that was named last
-- before it.
local function add_documented(found, path)
  local owner, is_module
  for comment in read(path):gmatch("/%*%*%*(.-)%*/") do
    local module, class = comment:match("@module%s+([%w_.]+)"), comment:match("@type%s+([%w_]+)")
    if module or class then owner, is_module = class or module:match("[%w_]+$"), not class end
    local name = comment:match("@function%s+([%w_]+)")
    for _, member in ipairs(name and members(name) or {}) do
      add(found, qualified(owner, is_module, member), documented_parameters(comment))
    end
  end
end

-- The functions that the reference describes, and the paths of the files with their doc comments.
local function documented()
  local found, paths = {}, {}
  for name in lfs.dir("src/lua") do
    local path = "src/lua/" .. name
    if name:find("%.c$") and read(path):find("/***", 1, true) then
      paths[#paths + 1] = path
      add_documented(found, path)
    end
  end
  return found, paths
end

-- The functions in the definitions for editors: the parameters of each as its declaration lists them, and as
-- the annotations before it do.
local function annotated(path)
  local written, described, lines = {}, {}, {}
  local text = read(path or "types/library/filemap.lua")
  for module in pairs(path and {} or c_modules) do
    text = text .. read(("types/library/filemap/%s.lua"):format(module))
  end
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line:match("^%-%-%-@param ([%w_.]+)")
    local name, parameters = line:match("^function ([%w_.:]+)%((.-)%)")
    if name then
      add(written, name, parameters)
      described[name] = table.concat(lines, ", ")
      lines = {}
    end
  end
  return written, described
end

-- The fields of a class in the definitions for editors.
local function fields(class, path)
  local found, current = {}, nil
  local text = read(path or "types/library/filemap.lua")
  for module in pairs(path and {} or c_modules) do
    text = text .. read(("types/library/filemap/%s.lua"):format(module))
  end
  for line in text:gmatch("[^\n]+") do
    current = line:match("^%-%-%-@class ([%w_.]+)") or current
    local name = current == class and line:match("^%-%-%-@field ([%w_]+)")
    if name then add(found, name, true) end
  end
  return found
end

-- The fields that the reference describes: those in lua/filemap.lua with a comment in the line before.
local function documented_fields()
  local found = {}
  for name in read("lua/filemap.lua"):gmatch("\n  %-%-[^\n]*\n  ([%w_]+) =") do add(found, name, true) end
  return found
end

local function constants(module)
  local found = {}
  for name, value in pairs(module or filemap) do
    if type(value) ~= "function" then add(found, name, true) end
  end
  return found
end

-- The names in `these` that are not in `those`, sorted.
local function only_in(these, those)
  local found = {}
  for name in pairs(these) do
    if those[name] == nil then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

describe("the functions and methods", function()
  it("are all described in the reference", function()
    assert.same({}, only_in(live(), documented()))
  end)

  it("include all that the reference describes", function()
    assert.same({}, only_in(documented(), live()))
  end)

  it("are all defined for editors", function()
    assert.same({}, only_in(live(), annotated()))
  end)

  it("include all that are defined for editors", function()
    assert.same({}, only_in(annotated(), live()))
    assert.same({}, fields("filemap.map"))
    assert.same({}, fields("filemap.view"))
    assert.same({}, fields("filemap.array"))
    assert.same({}, fields("filemap.stream"))
  end)

  it("have the same parameters in the reference and for editors", function()
    local written, described = annotated()
    assert.same(documented(), written)
    assert.same(written, described)
  end)
end)

-- {-- Modules in Lua -------------------------------------------------------------------------------

local struct = require "filemap.struct"

-- The modules in Lua, with the files that describe them, and objects with the methods of their types.
local modules = {
  ["filemap.struct"] = {
    files = { "lua/filemap/struct.lua", "lua/filemap/struct/type.lua" },
    types = "types/library/filemap/struct.lua",
    objects = { type = struct.define("S", { { "x", "u8" } }) },
  },
  ["filemap.cdef"] = { files = { "lua/filemap/cdef.lua" },
    types = "types/library/filemap/cdef.lua", objects = {} },
  ["filemap.win32"] = { files = { "lua/filemap/win32.lua" }, types = "types/library/filemap/win32.lua",
  objects = {} },
}

local function parameters_of(f, first)
  local found = {}
  for i = first, debug.getinfo(f, "u").nparams do found[#found + 1] = debug.getlocal(f, i) end
  return table.concat(found, ", ")
end

-- The functions of a module, and the methods of its objects, with their parameters.
local function live_in(name, module)
  local found = {}
  for key, f in pairs(require(name)) do
    if type(f) == "function" then add(found, name:match("%w+$") .. "." .. key, parameters_of(f, 1)) end
  end
  for owner, object in pairs(module.objects) do
    for key, f in pairs(getmetatable(object).__index) do
      add(found, owner .. ":" .. key, parameters_of(f, 2))
    end
  end
  return found
end

-- The functions that the files' doc comments describe: a doc comment begins with three dashes and precedes a
-- function.
local function described_in(module)
  local found = {}
  for _, path in ipairs(module.files) do
    local comment
    for line in read(path):gmatch("[^\n]+") do
      if line:find("^%-%-%-") then comment = "" end
      if line:find("^%-%-") and comment then comment = comment .. line:gsub("^%-%-+ ?", "") .. "\n" end
      local owner, separator, name = line:match("^function (%w+)([.:])(%w+)")
      if owner == "methods" then owner = "type" end
      if owner and comment and owner ~= "objects" then
        add(found, owner .. separator .. name, documented_parameters(comment))
      end
      if not line:find("^%-%-") then comment = nil end
    end
  end
  return found
end

for name, module in pairs(modules) do
  describe(name, function()
    it("is described in the reference with its real parameters", function()
      assert.same(live_in(name, module), described_in(module))
    end)

    it("is defined for editors with its real parameters", function()
      local written, described = annotated(module.types)
      assert.same(live_in(name, module), written)
      assert.same(written, described)
    end)

    it("is listed in config.ld, so that it is in the reference", function()
      for _, path in ipairs(module.files) do
        assert.is_truthy(read("config.ld"):find('"' .. path .. '"', 1, true), path .. " is not in config.ld")
      end
    end)
  end)
end

describe("the constants", function()
  it("are the same in the module, in the reference and for editors", function()
    assert.same(constants(), documented_fields())
    assert.same(constants(), fields("filemap"))
  end)

  it("are defined for editors, also those of filemap.win32", function()
    assert.same(constants(require "filemap.win32"),
      fields("filemap.win32", "types/library/filemap/win32.lua"))
  end)
end)

describe("the addon for editors", function()
  it("has the form that LuaLS installs: config.json beside the folder library", function()
    local config = read("types/config.json")
    assert.is_truthy(config:find('"name": "filemap"', 1, true))
    assert.are.equal("file", lfs.attributes("types/library/filemap.lua", "mode"))
    -- The language server offers the addon for files in which this pattern of Lua is found.
    local pattern = config:match('"words": %["(.-)"%]'):gsub("\\(.)", "%1")
    for _, line in ipairs { 'require "filemap"', "require('filemap.cdef')", 'require("filemap")' } do
      assert.is_truthy(line:find(pattern), line)
    end
  end)
end)

describe("the reference", function()
  it("includes every file that has doc comments", function()
    local _, paths = documented()
    for _, path in ipairs(paths) do
      assert.is_truthy(read("config.ld"):find('"' .. path .. '"', 1, true), path .. " is not in config.ld")
    end
  end)
end)
