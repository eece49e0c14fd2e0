-- The memory that filemap.cdef takes for a large source: tokens are made as they are needed, and declarations
-- are kept as their positions in the text until they are used.
local cdef = require "filemap.cdef"
local support = require "spec.support"

support.clean()

local SIZE = 600000
-- (Lua 5.3 frees memory later.)
local MOST = _VERSION == "Lua 5.3" and 10 or 8

-- Lines of a pattern with a number, up to SIZE bytes, between two texts.
local function lines(pattern, first, last)
  local list, size, i = {}, 0, 0
  while size < SIZE do
    i = i + 1
    list[i] = pattern:gsub("%%d", i)
    size = size + #list[i]
  end
  return (first or "") .. table.concat(list) .. (last or "")
end

-- The greatest size of the heap while f runs, beyond that at its start, in bytes.
local function peak(f)
  collectgarbage()
  -- By default the collector waits until the whole heap has doubled, and other specs have filled the heap. So
  -- here it hardly waits.
  support.set_collector(106, 400)
  collectgarbage()
  local before, most = collectgarbage("count"), 0
  debug.sethook(function() most = math.max(most, collectgarbage("count")) end, "", 10000)
  local well, problem = pcall(f)
  debug.sethook()
  support.set_collector(200, 100)
  assert(well, problem)
  most = math.max(most, collectgarbage("count"))
  return (most - before) * 1024
end

describe("a large source", function()
  for name, pattern in pairs {
    ["small structs"] = "struct S%d { int a; float b[3]; };\n",
    ["structs with comments"] = [[
/* Car %d, as it is on the track. */
typedef struct Car%d {
  int32_t id;            // 0: none
  float position[3], velocity[3];
  uint32_t pit : 1, dirty : 1, lap : 14;
  wchar_t name[33];
} Car%d;
]],
    ["structs with a macro"] = "struct S%d { int a; float b[__SIZEOF_INT__]; };\n",
    ["enums of one enumerator"] = "enum E%d { A%d = %d };\n",
    typedefs = "typedef int Name%d;\n",
    ["typedefs of structs to come"] = "typedef struct Struct%d Struct%d;\n",
    ["typedefs of pointers to functions"] = "typedef int (*fn_%d)(int a, int b);\n",
    constants = "static const int C%d = %d;\n",
    variables = "extern int variable_%d;\n",
    prototypes = "int function_%d(int a, const char *b, void *c);\n",
    macros = "#define CONSTANT_%d %d\n",
    ["macros of expressions"] = "#define MASK_%d (1 << 3 | 0x%d)\n",
    ["macros with arguments"] = "#define CALL_%d(x) ((x) + %d)\n",
    ["typedefs and structs of one name"] = "typedef struct S%d S%d;\nstruct S%d { int a; float b; };\n",
    ["structs that are declared before"] = "struct S%d;\nstruct S%d { int a; float b; };\n",
    ["structs with pointers to others"] = "struct S%d { struct T%d *next; };\n",
    ["structs with constants"] = "struct S%d { static const int N = %d; int a; };\n",
    ["structs with types in them"] = "struct S%d { typedef int T; int a; };\n",
    ["structs that share the names in them"] = "struct S%d { struct Inner { int b; } inner; "
      .. "enum Kind { A, B } kind; };\n",
    ["structs in a namespace that is opened again"] = "namespace n { struct S%d { int a; float b[3]; }; }\n",
    ["classes with functions"] = "class C%d {\npublic:\n  int get() const { return a; }\n"
      .. "  static int make(int b);\nprivate:\n  int a;\n};\n",
    ["enums with a type"] = "enum class E%d : int { A, B };\n",
    ["names of types in C++"] = "using T%d = int;\n",
    ["functions with bodies"] = "static inline int f%d(int a) {\n  if (a) { return a * 2; }\n  return -a;\n"
      .. "}\n",
  } do
    it(("of %s takes at most %d times its size"):format(name, MOST), function()
      local source = lines(pattern)
      local types
      local bytes = peak(function() types = cdef.parse(source) end)
      assert.is_true(bytes <= MOST * #source, ("%.1f times"):format(bytes / #source))
      assert.is_table(types)
    end)
  end

  -- Between two texts, also one declaration as long as the source. What is read from it afterwards shows that
  -- all of it was followed.
  for name, case in pairs {
    ["one enum"] = { "  ENUMERATOR_%d = %d,\n", "enum Big {\n", "};\n",
      function(_, constants) return constants.ENUMERATOR_5 == 5 and constants.ENUMERATOR_77 == 77 end },
    ["one struct"] = { "  int member_%d;\n", "struct Big {\n", "};\n",
      function(types) return types.Big:offsetof("member_77") == 76 * 4 end },
    ["structs in namespaces"] = { "struct S%d { int a; float b[3]; };\n", "namespace a { namespace b {\n",
      "}}\n", function(types) return types["a::b::S5"].size == 16 and types.S77.size == 16 end },
    ["structs in an inline namespace"] = { "struct S%d { int a; float b[3]; };\n",
      "namespace a { inline namespace b {\n", "}}\n",
      function(types) return types["a::S5"].size == 16 and types["a::b::S77"].size == 16 end },
    ["structs behind using namespace"] = { "struct S%d { T a; };\n",
      "namespace a { typedef short T; }\nusing namespace a;\n", "",
      function(types) return types.S5.size == 2 end },
    ["structs with a base"] = { "struct S%d : Base { int a; };\n", "struct Base { int b; };\n", "",
      function(types) return types.S5.size == 8 end },
    ["one list of parameters"] = { " int a%d,", "int f(", " int last);\nstruct Behind { int a; };\n",
      function(types) return types.Behind.size == 4 end },
    ["one list of parameters in a struct"] = { " int a%d,", "struct S { int f(", " int last); int a; };\n",
      function(types) return types.S.size == 4 end },
    ["one initialiser"] = { " %d,", "const unsigned image[] = {", " 0 };\nstruct Behind { int a; };\n",
      function(types) return types.Behind.size == 4 end },
  } do
    it(("of %s takes at most %d times its size"):format(name, MOST), function()
      local source = lines(case[1], case[2], case[3])
      local results
      local bytes = peak(function() results = { cdef.parse(source) } end)
      assert.is_true(bytes <= MOST * #source, ("%.1f times"):format(bytes / #source))
      assert.is_true(case[4](table.unpack(results)))
    end)
  end

  -- The shortest declaration of a name is shorter than what Lua needs for a name in a table.
  it("of one enum of short names takes little more than a table with these names", function()
    local source = lines(" A%d,\n", "enum Big {\n", "};\n")
    local bytes = peak(function() cdef.parse(source) end)
    local least = peak(function()
      local names = {}
      for name in source:gmatch("A%d+") do names[name] = #name end
      assert.are.equal(2, names.A1)
    end)
    assert.is_true(bytes <= 1.5 * least, ("%.1f times the source, its names %.1f times"):format(
      bytes / #source, least / #source))
  end)

  -- The results of a large source are made as the program uses them.
  it("gives all names, one by one and altogether", function()
    local source = lines("enum E%d { A%d = %d };\n#define M%d %d\n")
      .. "namespace space { struct Inner { int a; enum Kind { ONE = 1 } kind; }; }\ntypedef int Number;\n"
    local types, constants, skipped = cdef.parse(source)
    assert.same({ 8, 8, 4, 4 },
      { types["space::Inner"].size, types.Inner.size, types.Number.size, types.E7.size })
    assert.same({ 7, 7, 1 }, { constants.A7, constants.M7, constants.ONE })
    assert.is_nil(types.Missing)
    assert.is_nil(constants.Missing)
    local count = 0
    for name, value in pairs(constants) do
      if not name:find("ONE$") then
        count = count + 1
        assert(value == tonumber(name:match("%d+$")), name)
      end
    end
    local _, enums = source:gsub("enum E", "")
    assert.same({ 2 * enums, 0 }, { count, #skipped })
  end)
end)
