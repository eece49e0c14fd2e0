-- The declarations that the module for LuaJIT gives to ffi.cdef (luajit/filemap/ffi/header.lua): they are
-- those of include/filemap.h, and LuaJIT and the C compiler give them the same layout and values.
local core = require "filemap.core"
local luajit = require "spec.support.luajit"
local support = require "spec.support"

support.clean()

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read("a"):gsub("\r\n", "\n"))
end

local declared = read("luajit/filemap/ffi/header.lua"):match("declarations = %[%[(.*)%]%]")

-- The structs and their fields: lists of { struct, field }.
local function fields()
  local found = {}
  for body, name in declared:gmatch("typedef struct [%w_]+ (%b{}) ([%w_]+);") do
    for field in body:gmatch("([%w_]+)%f[;%[][^;]*;") do found[#found + 1] = { name, field } end
  end
  assert.is_true(#found > 40, #found)
  return found
end

-- The names of enumerators.
local function constants()
  local found = {}
  for body in declared:gmatch("enum [%w_]*%s*(%b{})") do
    for name in body:gmatch("%f[%w_](FM_[%w_]+)%f[^%w_][^,}]*[,}]") do found[#found + 1] = name end
  end
  assert.is_true(#found > 40, #found)
  return found
end

-- What the C compiler says: a line for each field (offset, size) and each constant.
local function compiled()
  local lines = { "#include <filemap.h>", "#include <stdio.h>", "int main(void)", "{" }
  for _, f in ipairs(fields()) do
    local line = 'printf("%s.%s %%zu %%zu\\n", offsetof(%s, %s), sizeof ((%s *)0)->%s);'
    lines[#lines + 1] = line:format(f[1], f[2], f[1], f[2], f[1], f[2])
  end
  for _, name in ipairs(constants()) do
    lines[#lines + 1] = ('printf("%s %%lld\\n", (long long)%s);'):format(name, name)
  end
  lines[#lines + 1] = 'printf("FM_FOREVER %.17g\\nFM_ANY_SIZE %llu\\n", FM_FOREVER, '
    .. '(unsigned long long)FM_ANY_SIZE); }'
  local source, program = support.tmpname(".c"), support.tmpname()
  local file <close> = assert(io.open(source, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:flush()
  assert.is_truthy(os.execute(("cc -std=c11 -Iinclude -o %s %s"):format(program, source)))
  local output <close> = assert(io.popen(program))
  return output:read("a")
end

-- What LuaJIT says, in the same form.
local function interpreted()
  local child, lines = luajit.evaluator(), {}
  for _, f in ipairs(fields()) do
    local struct, field = f[1], f[2]
    local answer = child:ask("return ffi.offsetof('%s', '%s'), ffi.sizeof(ffi.new('%s').%s)", struct, field,
      struct, field)
    if not answer:find("^true") then
      -- A number is not cdata, so ffi.sizeof cannot measure it.
      answer = child:ask("local C = ffi.typeof('%s') return ffi.offsetof(C, '%s'), 0", struct, field)
    end
    lines[#lines + 1] = { ("%s.%s"):format(struct, field), answer:match("^true | (%d+) | (%d+)$") }
  end
  child:ask("library = require 'filemap.ffi.library' C = library.C")
  for _, name in ipairs(constants()) do
    lines[#lines + 1] = { name, child:ask("return tonumber(C.%s)", name):match("^true | (%-?%d+)$") }
  end
  lines[#lines + 1] = { "FM_FOREVER", (child:ask("return library.FOREVER"):match("^true | (.*)$")) }
  lines[#lines + 1] = { "FM_ANY_SIZE", (child:ask(
    "return require('filemap.ffi.header').FM_ANY_SIZE"):match("^true | (.*)$")) }
  child:finish()
  return lines
end

describe("the declarations for LuaJIT", function()
  it("are what script/luajit-header makes of the header", function()
    local made <close> = assert(io.popen(('"%s" script/luajit-header'):format(support.lua)))
    assert.is_true(made:read("a") == read("luajit/filemap/ffi/header.lua"),
      "luajit/filemap/ffi/header.lua is not up to date: run script/luajit-header")
  end)

  it("name every function of the header, and no other one", function()
    local expected, found = {}, {}
    for name in read("include/filemap.h"):gmatch("\nFM_API [^\n]-(fm_[%w_]+)%(") do expected[name] = true end
    for name in declared:gmatch("(fm_[%w_]+)%([^\n]") do found[name] = true end
    assert.same(expected, found)
  end)

  luajit.it("have the layout and the values that the C compiler gives them", function()
    local ours = {}
    for _, line in ipairs(interpreted()) do ours[line[1]] = { line[2], line[3] } end
    local seen = 0
    for line in compiled():gmatch("[^\n]+") do
      local name, first, size = line:match("^(%S+) (%S+) ?(%S*)$")
      local own = assert(ours[name], name)
      seen = seen + 1
      assert.same({ name, tonumber(first) }, { name, tonumber(own[1]) })
      if own[2] and own[2] ~= "0" then assert.same({ name, size }, { name, own[2] }) end
    end
    assert.is_true(seen > 100, seen)
  end)

  luajit.it("leave out no default of an inline function", function()
    local child = luajit.evaluator()
    child:ask("library = require 'filemap.ffi.library'")
    local function options(type, list)
      local words = {}
      for field in list:gmatch("%S+") do
        words[#words + 1] = field .. "=" .. child:ask("return library.options('%s').%s", type, field)
      end
      return table.concat(words, " "):gsub("true | ", "")
    end
    assert.are.equal("struct_size=48 access=3 mode=384 size=18446744073709551615 "
      .. "sddl=cdata<const char *>: NULL name=cdata<const char *>: NULL "
      .. "inherit=false commit=true large_pages=false",
      (options("fm_options", "struct_size access mode size sddl name inherit commit large_pages")))
    assert.are.equal("mode=384 initial=0 max=1 existing=false manual=false set=false",
      (options("fm_sync_options", "mode initial max existing manual set")))
    child:finish()
  end)

  luajit.it("have the types of numbers of the module for Lua 5.4", function()
    local child = luajit.evaluator()
    child:ask("types = require 'filemap.ffi.types'")
    for i, type in ipairs(core.types) do
      assert.are.equal(("true | %s | %d"):format(type.name, type.size),
        child:ask("return types[%d].name, types[%d].size", i, i))
      if type.least and type.size < 8 then
        assert.are.equal(("true | %d | %d"):format(type.least, type.greatest),
          child:ask("return types[%d].least, types[%d].greatest", i, i))
      end
    end
    assert.are.equal("true | " .. #core.types, child:ask "return #types")
    child:finish()
  end)
end)
