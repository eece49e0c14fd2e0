-- What must hold of the sources as text: both builds know all of them, each folder uses only lower ones,
-- no two files use each other, and no function is longer than a screen.
local c_names = require "spec.support.c_names"
local lfs = require "lfs"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read("a"):gsub("\r\n", "\n"))
end

local files = require("spec.support").files

local function listed_in(path)
  local found = {}
  for source in read(path):gmatch("src/[%w_/]+%.c") do found[#found + 1] = source end
  table.sort(found)
  return found
end

-- The functions of a C file, which start and end in the first column: name -> lines.
local function functions(path)
  local found, name, from, number = {}, nil, 0, 0
  for line in read(path):gmatch("([^\n]*)\n") do
    number = number + 1
    if line == "{" then from = number end
    if line:find("^%w.*[%w_]+%(") and not line:find(";$") then name = line:match("([%w_]+)%(") end
    if line == "}" then found[name] = number - from + 1 end
  end
  return found
end

describe("the sources", function()
  it("are the same for CMake and LuaRocks, and all that there are", function()
    assert.same(files("src", "%.c$"), listed_in("CMakeLists.txt"))
    assert.same(files("src", "%.c$"), listed_in("filemap-scm-1.rockspec"))
  end)

  it("in Lua are all that LuaRocks installs, and the command's are a rock of their own", function()
    for rock, folder in pairs { ["filemap-scm-1"] = "lua", ["cli/filemap-cli-scm-1"] = "cli" } do
      local listed = {}
      for name, path in read(rock .. ".rockspec"):gmatch('([%w_."%[%]]+) = "(%l+/[%w_/]+%.lua)"') do
        assert.are.equal(folder .. "/" .. name:gsub('[%["%]]', ""):gsub("%.", "/") .. ".lua", path)
        listed[#listed + 1] = path
      end
      table.sort(listed)
      assert.same(files(folder, "%.lua$"), listed)
    end
  end)

  it("have all their folders of Lua files in the Debian packages", function()
    for package, folder in pairs { ["lua-filemap"] = "lua", filemap = "cli" } do
      local listed, folders = read("debian/" .. package .. ".install"), 0
      for name in lfs.dir(folder .. "/filemap") do
        if name:find("^%a+$") then
          folders = folders + 1
          assert.is_truthy(("\n" .. listed):find("\nusr/share/lua/5.4/filemap/" .. name .. "\n"), name)
        end
      end
      assert.is_true(folders > 0)
    end
  end)

  it("of the module need nothing of the command", function()
    for _, path in ipairs(files("lua", "%.lua$")) do assert.is_nil(read(path):find("filemap%.cli"), path) end
  end)

  it("in Lua have no syntax that Lua 5.3 lacks", function()
    for _, folder in ipairs { "lua", "cli" } do
      for _, path in ipairs(files(folder, "%.lua$")) do
        assert.is_nil(read(path):find("^[^-]*<%s*c[ol][no]s[te]%s*>"), path)
        assert.is_nil(read(path):find("\n[^-\n]*<%s*c[ol][no]s[te]%s*>"), path)
      end
    end
  end)

  -- What a condition outside src/system may test: the compiler, the test hooks, and in a file of its own a
  -- processor, Lua's version or a code that a system lacks.
  local may_test = {
    [""] = "defined FM_TEST_HOOKS __GNUC__ __ELF__",
    ["src/base/error.c"] = "EDQUOT ENOTSUP",
    ["src/base/error.h"] = "__MINGW32__", -- whose printf is meant, not the system
    ["src/lua/versions.h"] = "LUA_VERSION_NUM",
    ["src/lua/labi.c"] = "__x86_64__ __LP64__ __i386__ __aarch64__ __AARCH64EB__ __arm__ __ARM_EABI__ "
      .. "__ARMEB__ __riscv __powerpc64__ __LITTLE_ENDIAN__ __s390x__",
  }
  local c_headers = "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    .. "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath time uchar "
    .. "wchar wctype"

  local function is_listed(word, list)
    return (" " .. list .. " "):find(" " .. word .. " ", 1, true) ~= nil
  end

  it("test for the system only in src/system", function()
    local seen = 0
    for _, path in ipairs(files("src", "%.[ch]$")) do
      local text = ("\n" .. read(path)):gsub("\\\n", " "):gsub("/%*.-%*/", " ")
      for kind, condition in text:gmatch("\n[ \t]*#[ \t]*(e?l?ifn?d?e?f?)[ \t(!]([^\n]*)") do
        local own = not path:find("^src/system/")
        for word in condition:gmatch(own and "[%a_][%w_]*" or "^$") do
          seen = seen + 1
          assert.is_true(is_listed(word, may_test[""] .. " " .. (may_test[path] or ""))
            or word:find("^FILEMAP_[%w_]+_H$") ~= nil, ("%s: #%s %s"):format(path, kind, condition))
        end
      end
    end
    assert.is_true(seen > 50, seen)
  end)

  it("include headers of a system only in src/system", function()
    local seen = 0
    for _, path in ipairs(files("src", "%.[ch]$")) do
      for include in ("\n" .. read(path)):gmatch("\n[ \t]*#[ \t]*include[ \t]*([^\n]*)") do
        local header = include:match('^"[^"]+"') or include:match("^<([%w_/.]+)>") or include
        local well = path:find("^src/system/") or header:find('^"')
          or is_listed(header:match("^(%w+)%.h$") or "", c_headers)
          or path:find("^src/lua/") and (header == "lua.h" or header == "lauxlib.h")
        assert.is_truthy(well, ("%s includes %s"):format(path, include))
        seen = seen + 1
      end
    end
    assert.is_true(seen > 300, seen)
  end)

  it("have no function over 60 lines", function()
    local seen = 0
    for _, path in ipairs(files("src", "%.c$")) do
      for name, lines in pairs(functions(path)) do
        seen = seen + 1
        assert.is_true(lines <= 60, ("%s in %s has %d lines"):format(name, path, lines))
      end
    end
    assert.is_true(seen > 100)
  end)

  it("give no static function the name of a function of the C library", function()
    local seen = 0
    for _, path in ipairs(files("src", "%.[ch]$")) do
      for line in read(path):gmatch("[^\n]+") do
        local name = line:match("^%s*static [%w_ *]-([%w_]+)%(")
        if name then
          seen = seen + 1
          assert.is_nil(c_names[name], ("%s in %s"):format(name, path))
        end
      end
    end
    assert.is_true(seen > 300)
    assert.is_truthy(c_names.close and c_names.send and c_names.read and c_names.remove)
  end)

  it("name the fields of each structure that they initialise", function()
    local texts, several, seen = {}, {}, 0
    for _, folder in ipairs { "src", "include", "spec", "examples" } do
      for _, path in ipairs(files(folder, "%.[ch]$")) do
        texts[path] = read(path)
        for fields, name in texts[path]:gmatch("typedef struct [%w_]*%s*(%b{})%s*([%w_]+);") do
          several[name] = several[name] or select(2, fields:gsub("[;,]", "")) > 1
        end
      end
    end
    local function check(path, name, first)
      if not several[name] then return end
      seen = seen + 1
      assert.is_truthy(first:find("^%.") or first:find("^0}"), ("%s: %s {%s"):format(path, name, first))
    end
    for path, text in pairs(texts) do
      for name, first in text:gmatch("%(([%w_]+)%){%s*([^\n]*)") do check(path, name, first) end
      for name, first in text:gmatch("([%w_]+) [%w_]+ = {%s*([^\n]*)") do check(path, name, first) end
    end
    assert.is_true(seen > 100, seen)
  end)

  it("hide what the headers of the library declare from other modules", function()
    local seen = 0
    for _, path in ipairs(files("src", "%.h$")) do
      local text = read(path)
      local hidden = text:match("\nFM_BEGIN_HIDDEN\n(.*)\nFM_END_HIDDEN\n") or ""
      for declaration in text:gmatch("\n([%w][^\n(]*%([^\n]*)") do
        local is_type = declaration:find("^typedef") or declaration:find("^_Static_assert")
        local is_luas = declaration:find("^LUA%w*_API")
        if not (is_type or is_luas or declaration:find("^static") or declaration:find("^enum")) then
          seen = seen + 1
          assert.is_truthy(hidden:find(declaration, 1, true), path .. ": " .. declaration)
        end
      end
      assert.is_nil(text:find('#include "[./]*include/filemap%.h"') and path ~= "src/base/public.h" or nil,
        path)
    end
    assert.is_true(seen > 150, seen)
  end)

  it("have no line over 110 columns", function()
    local paths = { ".ci/run", ".busted", ".luacheckrc", "CMakeLists.txt", "CMakePresets.json", "config.ld",
      "filemap-scm-1.rockspec", "bin/filemap", "README.md", "CONTRIBUTING.md", "CHANGELOG.md" }
    for _, folder in ipairs { "src", "include", "lua", "luajit", "cli", "types", "spec", "bench", "examples",
      "cmake", "script" } do
      files(folder, folder == "script" and "" or "%.%a+$", paths)
    end
    files("doc", "%.md$", paths)
    -- Rows of tables and printed lines cannot be broken. Scripts write two guides.
    local generated = { ["doc/performance.md"] = true, ["doc/win32.md"] = true }
    local function may_be_long(path, line)
      return generated[path] or path:find("%.md$") and (line:find("^|") or line:find("-->", 1, true))
    end
    local seen = 0
    for _, path in ipairs(paths) do
      local number = 0
      for line in read(path):gmatch("([^\n]*)\n") do
        number = number + 1
        local columns = utf8.len(line)
        assert.is_truthy(columns and (columns <= 110 or may_be_long(path, line)),
          ("%s:%d has %d columns"):format(path, number, columns or -1))
      end
      seen = seen + number
    end
    assert.is_true(seen > 50000, seen)
  end)

  -- The folders of src, the lowest one first.
  local folders = { "base", "system", "map", "object", "sync", "channel", "compat", "lua" }
  local rank = {}
  for number, folder in ipairs(folders) do rank[folder] = number end

  -- The path of an included file, such as "src/map/map.h".
  local function target(path, include)
    local folder = path:match("^(.*)/")
    while include:find("^%.%./") do
      include, folder = include:sub(4), folder:match("^(.*)/") or ""
    end
    return (folder ~= "" and folder .. "/" or "") .. include
  end

  it("include only files of their own folder and of lower ones", function()
    local arrows = 0
    for _, path in ipairs(files("src", "%.[ch]$")) do
      local folder = path:match("^src/(%w+)/")
      assert.is_truthy(rank[folder], path .. " is in no folder of the list")
      for include in read(path):gmatch('#%s*include "([^"]+)"') do
        local to = target(path, include)
        local other = to:match("^src/(%w+)/")
        assert.is_truthy(lfs.attributes(to, "mode"), path .. " includes " .. include)
        assert.is_true(to == "include/filemap.h" or folder == "lua" and to == "include/filemap_lua.h"
          or rank[other] <= rank[folder], path .. " includes " .. to)
        arrows = arrows + 1
      end
      assert.is_true(folder == "lua" or not read(path):find("#%s*include <l[ua]"), path .. " includes Lua")
    end
    assert.is_true(arrows > 50)
  end)

  it("do not include each other in a circle", function()
    local includes = {}
    for _, path in ipairs(files("src", "%.[ch]$")) do
      includes[path] = {}
      for include in read(path):gmatch('#%s*include "([^"]+)"') do
        table.insert(includes[path], target(path, include))
      end
    end
    local state = {}
    local function follow(path)
      assert.is_true(state[path] ~= "open", path .. " includes itself by way of others")
      if state[path] then return end
      state[path] = "open"
      for _, to in ipairs(includes[path] or {}) do follow(to) end
      state[path] = "done"
    end
    for path in pairs(includes) do follow(path) end
  end)

  -- The folder of one system, whose files define the same names as those of another; "none" for none.c.
  local function system_of(path)
    return path:match("^src/system/(%w+)/") or path == "src/system/none.c" and "none" or nil
  end

  -- The names of functions and variables that a C file defines for other files.
  local function exported(text)
    local names = {}
    for line in text:gmatch("[^\n]+") do
      local name = line:match("^[%w_].-([%w_]+)%(") or line:match("^[%w_].-([%w_]+)%[?%]? =")
      local own = line:find("^static") or line:find("^typedef") or line:find("^enum") or line:find("%);$")
      if name and not own then
        names[#names + 1] = name
      end
    end
    return names
  end

  it("implement each part of the seam in a file of the same name for each system", function()
    local seam, where, seen = read("src/system/system.h"), {}, 0
    for _, path in ipairs(files("src/system", "%.c$")) do
      local system, name = path:match("^src/system/(%l+)/([%w_]+%.c)$")
      for _, found in ipairs(system and exported(read(path)) or {}) do
        where[found] = where[found] or {}
        where[found][system] = name
      end
    end
    for found, systems in pairs(where) do
      if seam:find("%f[%w_]" .. found .. "%f[^%w_]") then
        seen = seen + 1
        assert.are.equal(systems.linux, systems.windows, found)
      end
    end
    assert.is_true(seen > 40, seen)
  end)

  -- For each C file the files that define what it uses.
  local function uses()
    local words, definitions, found = {}, {}, {}
    for _, path in ipairs(files("src", "%.c$")) do
      local text = read(path):gsub("/%*.-%*/", ""):gsub('"[^"\n]*"', "")
      words[path], found[path] = {}, {}
      for word in text:gmatch("[%a_][%w_]*") do words[path][word] = true end
      for _, name in ipairs(exported(text)) do table.insert(definitions, { name, path }) end
    end
    for path, used in pairs(words) do
      for _, d in ipairs(definitions) do
        local here, there = system_of(path), system_of(d[2])
        if used[d[1]] and d[2] ~= path and not (here and there and here ~= there) then
          table.insert(found[path], d[2])
        end
      end
    end
    return found, #definitions
  end

  it("read no environment variable in a spec that CONTRIBUTING.md does not list", function()
    local text = read("CONTRIBUTING.md")
    for _, path in ipairs(files("spec", "%.lua$")) do
      for name in read(path):gmatch('getenv%(?%s*"(FILEMAP_[%u_]+)"') do
        local is_set_by_spec = name == "FILEMAP_C_EXAMPLES"
        assert.is_truthy(is_set_by_spec or text:find("`" .. name .. "[`=]"),
          ("%s: %s is not in CONTRIBUTING.md"):format(path, name))
      end
    end
  end)

  it("do not call each other in a circle", function()
    local found, count = uses()
    assert.is_true(count > 300)
    local state = {}
    local function follow(path, way)
      way = way .. " -> " .. path
      assert.is_true(state[path] ~= "open", way)
      if state[path] then return end
      state[path] = "open"
      for _, to in ipairs(found[path]) do follow(to, way) end
      state[path] = "done"
    end
    for _, path in ipairs(files("src", "%.c$")) do follow(path, "") end
  end)
end)
