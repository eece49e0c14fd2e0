-- filemap.cdef.load and #include: where files are found, what is passed over, and what errors name.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local lfs = require "lfs"
local support = require "spec.support"

local contains = check.contains

support.clean()

-- An include function over a table of texts.
local function from(texts)
  return function(name) return texts[name] end
end

local function parse(source, texts, options)
  options = options or {}
  options.include = texts and from(texts)
  return cdef.parse(source, options)
end

-- The error that parsing raises.
local function problem(source, texts, options)
  local well, message = pcall(function()
    local types = parse(source, texts, options)
    return types
  end)
  assert.is_false(well, "no error")
  return message
end

-- A folder of files that is removed after the spec.
local function folder_of(files)
  local folder = support.tmpname()
  assert(lfs.mkdir(folder))
  for name, text in pairs(files) do
    local path = folder .. "/" .. name
    if name:find("/") then lfs.mkdir(folder .. "/" .. name:match("^(.*)/")) end
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end
  return folder, function()
    for name in pairs(files) do os.remove(folder .. "/" .. name) end
    for name in pairs(files) do
      if name:find("/") then lfs.rmdir(folder .. "/" .. name:match("^(.*)/")) end
    end
    lfs.rmdir(folder)
  end
end

describe("cdef.load", function()
  it("reads a file, and includes beside the file that includes them", function()
    local folder, remove = folder_of {
      ["game.h"] = '#include "inner/car.h"\nstruct Game { struct Car car; };',
      ["inner/car.h"] = '#include "vec.h"\nstruct Car { Vec position; };',
      ["inner/vec.h"] = "typedef struct { float x, y, z; } Vec;",
    }
    local types, _, skipped = cdef.load(folder .. "/game.h")
    remove()
    assert.are.equal(12, types.Game.size)
    assert.same({}, skipped)
  end)

  it("looks in the folders of 'include', in their order", function()
    local first, remove_first = folder_of { ["a.h"] = "#define SIZE 3\n" }
    local second, remove_second = folder_of {
      ["a.h"] = "#define SIZE 5\n", ["b.h"] = "#include <a.h>\nstruct B { char c[SIZE]; };",
    }
    local main, remove_main = folder_of { ["main.h"] = "#include <b.h>\nstruct M { B b; };" }
    local types = cdef.load(main .. "/main.h", { include = { first, second } })
    local again = cdef.load(main .. "/main.h", { include = { second, first } })
    remove_first()
    remove_second()
    remove_main()
    assert.same({ 3, 5 }, { types.M.size, again.M.size })
  end)

  it("continues in the next folder with #include_next", function()
    local first, remove_first = folder_of { ["a.h"] = "#define ONE 1\n#include_next <a.h>\n" }
    local second, remove_second = folder_of { ["a.h"] = "struct A { char c[ONE + 1]; };" }
    local types = cdef.parse("#include <a.h>", { include = { first, second } })
    remove_first()
    remove_second()
    assert.are.equal(2, types.A.size)
  end)

  it("fails with a code for a file that is not there", function()
    local types, message, code, errno = cdef.load("/no/such/file.h")
    assert.is_nil(types)
    assert.are.equal("not_found", code)
    assert.are.equal(2, errno)
    contains("/no/such/file.h", message)
  end)

  support.only("posix", "Windows does not open folders")("fails as invalid for a folder", function()
    local folder, remove = folder_of {}
    local types, message, code, errno = cdef.load(folder)
    remove()
    assert.same({ folder .. ": Is a directory", "invalid", 21 }, { message, code, errno })
    assert.is_nil(types)
  end)

  it("fails as invalid for a path with a NUL byte", function()
    local folder, remove = folder_of { ["a.h"] = "struct A { int a; };" }
    local types, message, code, errno = cdef.load(folder .. "/a.h\0junk")
    local included = cdef.parse("#include <a.h\0junk>\n", { include = { folder } })
    remove()
    assert.same({ folder .. "/a.h: a path must not contain a NUL byte", "invalid" }, { message, code })
    assert.is_nil(types)
    assert.is_nil(errno)
    assert.is_nil(included.A)
  end)

  it("names the file in an error", function()
    local folder, remove = folder_of { ["bad.h"] = "struct S { int a; };\n#if 1\n" }
    local well, message = pcall(function()
      local types = cdef.load(folder .. "/bad.h")
      return types
    end)
    remove()
    assert.is_false(well)
    contains("bad.h, line 2, column 1: expected #endif", message)
  end)

  it("raises for arguments of other types", function()
    contains("bad argument #1 to 'load' (string expected, got nil)", check.raises(cdef, ".load"))
    contains("option 'include' must be a list of folders or a function, got string",
      check.raises(cdef, ".parse", "", { include = "x" }))
    contains("folder 1 of 'include' must be a string, got number",
      check.raises(cdef, ".parse", "", { include = { 1 } }))
  end)
end)

describe("#include", function()
  it("gets a text from a function", function()
    local types, constants = parse('#include "a.h"\n#include <b/c.h>\nstruct S { A a; C c; };',
      { ["a.h"] = "typedef short A;\n#define FROM_A 7\n", ["b/c.h"] = "typedef struct { char c[3]; } C;" })
    assert.are.equal(6, types.S.size)
    assert.are.equal(7, constants.FROM_A)
  end)

  it("takes a name that a macro makes", function()
    local types = parse("#define NAME <a.h>\n#include NAME\n#define QUOTED \"b.h\"\n#include QUOTED\n",
      { ["a.h"] = "struct A { int a; };", ["b.h"] = "struct B { int b; };" })
    assert.same({ 4, 4 }, { types.A.size, types.B.size })
  end)

  it("packs with pshpack1.h and poppack.h, which need no file", function()
    local types = cdef.parse([[
      #include <pshpack1.h>
      typedef struct { char kind; int value; } Rec;
      #include <pshpack2.h>
      typedef struct { char kind; int value; } Two;
      #include <poppack.h>
      typedef struct { char kind; int value; } Again;
      #include "poppack.h"
      typedef struct { char kind; int value; } After;
    ]], { abi = "win64" })
    assert.same({ 5, 6, 5, 8 }, { types.Rec.size, types.Two.size, types.Again.size, types.After.size })
  end)

  it("reads a file with #pragma once or a guard once", function()
    local reads = {}
    local function include(name)
      reads[name] = (reads[name] or 0) + 1
      if name == "once.h" then return "#pragma once\nstruct Once { int a; };" end
      return "#ifndef G_H\n#define G_H\nstruct Guarded { int a; };\n#endif\n"
    end
    local types, _, skipped = cdef.parse(('#include "once.h"\n#include "guard.h"\n'):rep(3),
      { include = include })
    assert.same({ 4, 4, 0 }, { types.Once.size, types.Guarded.size, #skipped })
  end)

  it("reads a file once that is read by #import", function()
    local types, _, skipped = parse('#import "a.h"\n#include "a.h"\n#import <a.h>\nstruct S { struct A a; };',
      { ["a.h"] = "struct A { int a; };" })
    assert.same({ 4, 0 }, { types.S.size, #skipped })
  end)

  it("may begin a function's body that ends behind it", function()
    local types, _, skipped = parse('#include "begin.h"\n  return 1; } }\nstruct S { int a; };',
      { ["begin.h"] = "static int f(void) {\n  if (1) {\n" })
    assert.same({ 4, 0 }, { types.S.size, #skipped })
  end)

  it("ends a cycle with an error", function()
    local message = problem('#include "a.h"', { ["a.h"] = '#include "b.h"', ["b.h"] = '#include "a.h"' })
    contains("#include nested more than 200 deep", message)
  end)

  it("passes an error of the function on as it is", function()
    local raised = { code = 1 }
    for _, source in ipairs { '#include "a.h"', 'struct S { int a;\n#include "a.h"\n};',
      'enum { A,\n#include "a.h"\n};', '#if __has_include("a.h")\n#endif' } do
      for _, value in ipairs { raised, "a message", 7 } do
        local well, problem_ = pcall(cdef.parse, source, { include = function() error(value, 0) end })
        assert.is_false(well)
        assert.is_true(rawequal(value, problem_))
      end
    end
  end)

  it("ends includes that double with an error", function()
    local texts = {}
    for i = 1, 60 do texts["f" .. i] = ('#include "f%d"\n'):format(i + 1):rep(2) end
    texts.f61 = ""
    local from_time = os.clock()
    contains("the includes come to too many files", problem('#include "f1"', texts))
    assert.is_true(os.clock() - from_time < 5)
  end)

  it("is passed over where its file is not found", function()
    local types = parse("#include <stdio.h>\n#include \"other.h\"\nstruct S { int a; };", {})
    assert.are.equal(4, types.S.size)
  end)

  it("that was passed over makes the value of an unknown macro an error that names both", function()
    local message = problem('#include "config.h"\n#if USE_PACKING\n#pragma pack(1)\n#endif\n')
    contains("line 2, column 5: the value of macro 'USE_PACKING' is not known", message)
    contains('#include "config.h" was not found', message)
  end)

  it("that was passed over leaves what needs no value alone", function()
    local types = parse([[
      #include "config.h"
      #ifdef SOMETHING
      #error never
      #endif
      #if defined(OTHER) && OTHER > 3
      #error never
      #endif
      #define KNOWN 2
      #if KNOWN == 2 || UNKNOWN
      struct S { int a; };
      #endif
      #if __clang__ || _MSC_VER > 99999
      #error never
      #endif
    ]])
    assert.are.equal(4, types.S.size)
  end)

  it("that was passed over inside a struct is an error of the struct", function()
    local types, _, skipped = cdef.parse('struct S {\n#include "fields.h"\nint a; };\nstruct T { int b; };')
    assert.are.equal(4, types.T.size)
    contains('#include "fields.h"', skipped[1].message)
    contains("line 2, column 1", select(2, pcall(function() return types.S end)))
  end)

  it("is named in messages about its text", function()
    local types, _, skipped = parse('#include "a.h"\n', { ["a.h"] = "\nstruct A { unknown x; };" })
    assert.are.equal(1, #skipped)
    assert.same({ "A", "a.h", 2 }, { skipped[1].name, skipped[1].file, skipped[1].line })
    contains("a.h, line 2, column 12: expected a type, got 'unknown'", select(2, pcall(function()
      return types.A
    end)))
    contains("a.h, line 1, column 1: error no", problem('#include "a.h"', { ["a.h"] = "#error no\n" }))
  end)
end)

describe("__has_include", function()
  it("tells which includes are there", function()
    local _, constants = parse([[
      #if __has_include("a.h") && __has_include(<stdint.h>) && !__has_include(<b.h>)
      #define RESULT 1
      #endif
    ]], { ["a.h"] = "" })
    assert.are.equal(1, constants.RESULT)
  end)

  it("and its kind are 0 where they are not known, as is what #if does not evaluate", function()
    local types = parse([[
      #if __has_feature(modules) || defined(ASKED) && ASKED(1)
      struct S { char c[2]; };
      #else
      struct S { char c[3]; };
      #endif
    ]])
    assert.are.equal(3, types.S.size)
  end)
end)
