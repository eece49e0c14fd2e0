-- The macros that compilers define by themselves, against the compilers.
local compiler = require "spec.support.compiler"
local ctype = require "filemap.ctype"
package.loaded["filemap.cdef.predefined"] = nil -- a macro has no text any more once it was used
local predefined = require "filemap.cdef.predefined"
local script = dofile("script/predefined")
local support = require "spec.support"

support.clean()

local only = support.only("posix", "there are no compilers among the Windows programs")

-- Our macros of an ABI as text.
local function ours(name)
  local texts = {}
  for macro, entry in pairs(predefined.of(ctype.abi(name))) do texts[macro] = entry.text end
  return texts
end

-- Versions differ between machines; the layout does not depend on them.
local function is_version(name)
  return name:find("VERSION") or name:find("MINOR") or name:find("PATCHLEVEL") or name == "__GNUC__"
    or name == "__GNUG__" or name:find("^__GLIBCXX") or name:find("^__cpp_") or name:find("^__OPTIMIZE")
    or name == "__NO_INLINE__" or name:find("^__SANITIZE") or name:find("^__pi[ce]")
    or name:find("^__PI[CE]") or name:find("_STDC_")
end

-- The macros of a compiler that ours lack or have otherwise.
local function differences(macros, texts)
  local list = {}
  for name, text in pairs(macros) do
    local plain = name:match("^[%w_]+")
    if not is_version(plain) and plain ~= "__cplusplus" and texts[plain] ~= text then
      list[#list + 1] = ("%s is %s, not %s"):format(name, texts[plain], text)
    end
  end
  table.sort(list)
  return list
end

describe("the predefined macros", function()
  for _, entry in ipairs(script.compilers) do
    local abi, gcc, cpp = entry[1], entry[2], entry[3]
    only(("of %s are those of gcc and g++"):format(abi), function()
      local missing = compiler.missing(abi)
      if missing then return pending(missing) end
      local texts = ours(abi)
      local of_c, of_cpp = assert(script.of_compiler(gcc)), script.of_compiler(cpp .. " -x c++")
      assert.same({}, differences(of_c, texts))
      if not of_cpp then return pending(cpp .. " is not installed") end
      for name in pairs(of_c) do of_cpp[name] = nil end
      assert.same({}, differences(of_cpp, texts))
    end)
  end

  for _, case in ipairs { { "win64", "x86_64-w64-mingw32-gcc" }, { "win32", "i686-w64-mingw32-gcc" } } do
    local abi, command = case[1], case[2]
    only(("of %s agree with mingw's where both have them"):format(abi), function()
      local missing = compiler.missing(abi)
      if missing then return pending(missing) end
      local texts, both = ours(abi), 0
      for name, text in pairs(assert(script.of_compiler(command))) do
        if texts[name] and not name:find("^_M") then
          both = both + 1
          assert.are.equal(text, texts[name], name)
        end
      end
      assert.is_true(both >= 3)
    end)
  end

  it("of Windows are Microsoft's alone", function()
    for _, abi in ipairs { "win64", "win32" } do
      local texts = ours(abi)
      assert.is_nil(texts.__GNUC__)
      assert.is_nil(texts.__STDC_VERSION__)
      assert.are.equal("1930", texts._MSC_VER)
      assert.are.equal("1", texts._WIN32)
    end
    assert.are.equal("100", ours("win64")._M_X64)
    assert.are.equal("600", ours("win32")._M_IX86)
    assert.is_nil(ours("win32")._WIN64)
  end)

  it("have no __cplusplus", function()
    for _, abi in ipairs(compiler.abis) do assert.is_nil(ours(abi).__cplusplus) end
  end)
end)
