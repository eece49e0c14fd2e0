-- What a name means in filemap.cdef that several scopes declare, as g++ and gcc have it.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local compiler = require "spec.support.compiler"
local support = require "spec.support"

support.clean()

-- Sources of C++, each with the sizes of types by their names.
local cpp = {
  ["a namespace's own name before one that it uses"] = { [[
    namespace core { typedef float Real; enum { N = 2 }; }
    namespace ue { using namespace core; typedef double Real; enum { N = 7 };
      struct X { Real r; char c[N]; }; }]], { ["ue::X"] = 16, ["core::Real"] = 4, ["ue::Real"] = 8 } },
  ["a name of a base before one around"] = { [[
    enum { K = 7 }; struct Item { double d; };
    struct Base { enum { K = 3 }; struct Item { short s; }; char b; };
    struct Middle : Base { char m; };
    struct D : Middle { char c[K]; Item i; };]], { D = 8 } },
  ["the name of a base in a struct"] = { [[
    struct Item { double d; };
    namespace n { struct Item { char c; }; } struct D : n::Item { struct Item i; Item k; };]], { D = 3 } },
  ["the names of several bases, although their layout is not read"] = { [[
    struct A { int i; }; struct B { typedef short R; int j; }; typedef double R;
    struct D : A, B { struct I { R r; }; };]], { ["D::I"] = 2 } },
  ["the enumerators of an enum class in their own list"] = { [[
    enum { A = 4 }; enum class E { A = 2, B = A + 1 };
    enum class F : unsigned char { P = 1, Q = 2, R = P | Q };
    enum G { X = 3 }; struct S { char c[(int)E::B]; char d[(int)F::R]; char e[G::X]; };]], { S = 9 } },
  ["a namespace in an inline one, which is opened again"] = { [[
    struct S { double d; };
    namespace lib { inline namespace v1 { namespace detail { struct S { char c[6]; }; } }
      namespace detail { struct R { S s; }; } }]], { ["lib::detail::R"] = 6 } },
  ["a struct that using brings"] = { [[
    namespace n { struct S { short a; }; } using n::S; struct T { struct S s; };]], { T = 2 } },
  ["namespaces with attributes"] = { [==[
    namespace [[deprecated]] n { struct S { short a; }; } struct U { n::S s; };]==], { U = 2 } },
  ["what is declared behind using namespace"] = { [[
    namespace core {} namespace b { using namespace core; } namespace core { typedef double R; }
    namespace b { struct X { R r; char c; }; }]], { ["b::X"] = 16 } },
  ["nothing that is declared later"] = { [[
    typedef float R;
    namespace a { struct X { R r; }; typedef double R; struct Y { R r; }; }
    namespace n { struct Z { R r; }; } using namespace n;]], { ["a::X"] = 4, ["a::Y"] = 8, ["n::Z"] = 4 } },
  ["namespaces that use each other"] = { [[
    namespace b { struct T; }
    namespace a { using namespace b; struct S { char c[3]; }; }
    namespace b { using namespace a; struct T { S s; }; }
    namespace a { struct U { T t; S s; }; }]], { ["b::T"] = 3, ["a::U"] = 6 } },
  ["names of two namespaces apart"] = { [[
    namespace a { struct S { char c; }; } namespace b { struct S { int c; }; }
    struct T { a::S a; b::S b; };]], { T = 8, ["a::S"] = 1, ["b::S"] = 4 } },
  ["the global name behind ::"] = { [[
    struct S { int a; }; enum { K = 3 };
    namespace n { struct S { char c; }; enum { K = 5 }; struct U { ::S s; char c[::K]; }; using G = ::S; }]],
    { ["n::U"] = 8, ["n::G"] = 4 } },
  ["another name for a namespace"] = { [[
    namespace a { namespace inner { struct S { char c[3]; }; } }
    namespace b = a::inner; struct U { b::S s; };]], { U = 3 } },
  ["a struct that is defined outside of its namespace"] = { [[
    struct I { double d; }; namespace ns { struct I { char c; }; struct A; }
    struct ns::A { I i; }; struct B { ns::A a; };]], { B = 1 } },
  ["a struct that hides one by its declaration alone"] = { [[
    struct S { double d; };
    namespace n { struct S; typedef S T; struct S { char c; }; struct V { T t; }; }]], { ["n::V"] = 1 } },
  ["a struct that a pointer declares"] = { [[
    struct A { struct X *p; };
    namespace N { typedef struct X XT; struct X { char c; }; }
    struct X { double d; }; struct U { N::XT x; };]], { U = 8, ["N::X"] = 1 } },
  ["a struct of a namespace beside a global one"] = { [[
    namespace A { struct S { char c; }; } using namespace A;
    struct S { int i; }; struct T { ::S s; }; struct U { A::S s; };]], { T = 4, U = 1 } },
  ["the enumerators of a struct in it alone"] = { [[
    enum { K = 5 };
    namespace n { struct A { enum { K = 3 }; char a[K]; }; struct B { char c[K]; }; }]],
    { ["n::A"] = 3, ["n::B"] = 5 } },
  ["an inline namespace"] = { [[
    enum { N = 3 };
    namespace lib { inline namespace v1 { struct S { char c[2]; }; enum { N = 5 }; }
      struct U { S s; char c[N]; }; }
    struct V { lib::S s; lib::v1::S t; };]], { V = 4, ["lib::S"] = 2, ["lib::v1::S"] = 2, ["lib::U"] = 7 } },
  ["a namespace without a name"] = { [[
    enum { N = 3 }; namespace { enum { N = 5 }; struct A { char c[N]; }; }
    struct B { A a; char c[::N]; };]], { A = 5, B = 8 } },
  ["classes that are declared before"] = { [[
    class Foo; typedef struct Bar Bar;
    struct Bar { Foo *f; int a; }; class Foo { public: short a; };
    struct Z { Bar b; Foo f; };]], { Z = 24 } },
  ["types and constants in structs"] = { [[
    typedef double T; enum { N = 9 };
    struct A { typedef short T; using U = T; static const int N = 2, M = N + 1; T t[N]; U u[M]; };
    struct B { T t; char c[N]; A::U u; };]], { A = 10, B = 24 } },
  ["attributes behind `using`"] = { [[
    using U = int __attribute__((aligned(16))); using M = int __attribute__((mode(DI)));
    struct S { char c; U u; M m; };]], { S = 32, U = 4, M = 8 } },
  ["an empty union, which has a byte"] = { [[
    struct S { long a; union {} b; };]], {} },
  ["a base that is not packed"] = { [[
    struct B { long a; int b; }; struct S : B { float c; short d; } __attribute__((packed));]], { S = 24 } },
}

-- The same of C.
local c = {
  ["a struct that is completed in another"] = { [[
    struct Vec; typedef struct Vec Vec;
    struct A { struct Vec { double d; } pos; };
    struct B { Vec v; struct Vec w; };]], { ["struct B"] = 16, Vec = 8 } },
  ["the tags and enumerators of a struct around it"] = { [[
    struct A { struct Inner { enum Kind { K = 3 } kind; } i; };
    struct B { struct Inner i; enum Kind k; char c[K]; };]], { ["struct B"] = 12 } },
  ["a typedef and a tag of one name"] = { [[
    typedef short S; struct S { char c[5]; }; struct T { struct S a; S b; };]], { ["struct T"] = 8 } },
}

local function cases(list, is_cpp)
  for name, case in pairs(list) do
    local source, sizes = case[1], case[2]
    it("has " .. name .. (is_cpp and "" or " in C"), function()
      local types = cdef.parse(source, { abi = "linux64" })
      local lines = { source }
      for path, size in pairs(sizes) do
        assert.are.equal(size, types[path:match("%S+$")].size, path)
        lines[#lines + 1] = ("%s(sizeof(%s) == %d, \"\");"):format(
          is_cpp and "static_assert" or "_Static_assert", path, size)
      end
      if compiler.missing("linux64") then return end
      assert.is_true(compiler.accepts(table.concat(lines, "\n"), is_cpp))
    end)
  end
end

describe("a name in filemap.cdef", function()
  cases(cpp, true)
  cases(c, false)

  it("is an error where it means several things", function()
    local types = cdef.parse([[
      namespace A { struct S { char c; }; } using namespace A; struct S { int i; };
      struct T { S s; };]])
    local well, message = pcall(function() return types.T end)
    assert.is_false(well)
    check.contains("'S' is declared in several scopes", message)
  end)

  it("is not that of a namespace", function()
    local types, _, skipped = cdef.parse(
      "typedef int N; namespace N { struct S { int a; }; } struct T { N n; };")
    assert.same({ 4, 1 }, { types.T.size, #skipped })
  end)

  -- A program that asks for a plain name gets no type by chance.
  it("gives nothing without its namespace if several have it", function()
    local types, constants = cdef.parse([[
      namespace A { struct S { int a; }; enum { N = 1, M = 3 }; struct Fwd; typedef int I; }
      namespace B { struct S { char a; }; enum { N = 2 }; struct Fwd { short s; }; typedef int I; }]])
    assert.same({ 4, 1, 3, 2, 4 }, { types["A::S"].size, types["B::S"].size, constants.M, types.Fwd.size,
      types.I.size })
    assert.is_nil(types.S)
    assert.is_nil(constants.N)
    assert.same({ 1, 2 }, { constants["A::N"], constants["B::N"] })
  end)

  it("is known by the path of any scope", function()
    local types, constants = cdef.parse([[
      namespace a { struct S { struct In { short s; } in; enum class E { X = 4 } e; typedef char T; }; }]])
    assert.same({ 2, 1, 4 }, { types["a::S::In"].size, types["a::S::T"].size, constants["a::S::E::X"] })
    for _ in pairs(types) do assert.same({ 2, 4 }, { types["a::S::In"].size, constants["a::S::E::X"] }) end
  end)

  it("that no scope has at the end of a path is none", function()
    local types, constants = cdef.parse("namespace A { namespace B { struct S { enum { N } e; }; } }")
    assert.same({ 4, 0 }, { types["A::B::S"].size, constants["A::B::S::N"] })
    for _, path in ipairs { "A::B::T", "A::S", "A::B::S::M" } do
      assert.is_nil(types[path])
      assert.is_nil(constants[path])
    end
  end)

  it("of two structs in a third is known by its path", function()
    for _, define in ipairs { false, true } do
      local types, constants, skipped = cdef.parse([[
        struct Outer {
          struct A { enum Kind { K = 1 } kind; } a; struct B { enum Kind { K = 2, L } kind; char c[K]; } b; };
        struct T { char c[K]; };]], { abi = "linux64", defines = { __cplusplus = define and 201703 } })
      assert.same({ 1, 2, 3 }, { constants["Outer::A::K"], constants["Outer::B::K"], constants.L })
      assert.is_nil(constants.K)
      assert.same({ 8, 1, "T" }, { types["Outer::B"].size, #skipped, skipped[1].name })
    end
  end)

  it("that comes with a system's header may be used again and again", function()
    local uses = { timeval = "struct timeval t;", timespec = "struct timespec *p; struct timespec t;" }
    for name, use in pairs(uses) do
      local source = "struct A { %s };\ntypedef struct %s T;\nstruct %s;\nstruct B { %s T u; };"
      local types = cdef.parse(source:format(use, name, name, use), { abi = "linux64" })
      assert.are.equal(types.A.size + 16, types.B.size)
    end
  end)

  it("of a constant that cannot be read hides others", function()
    local types, _, skipped = cdef.parse([[
      enum { Max = 8 }; struct A { static const int M = 8; int a; };
      namespace n { constexpr int Max = kb(4); struct B { char c[Max]; }; }
      static const int M = kb(3); struct C { char m[M]; };]])
    assert.same({ "B", "C" }, { skipped[1].name, skipped[2].name })
    assert.is_nil(rawget(types, "C"))
  end)

  it("of an include that was passed over is not another one", function()
    local types = cdef.parse(
      "struct Vec { float x; }; namespace n { using lib::Vec; struct Q { Vec v; }; }")
    local well, message = pcall(function() return types["n::Q"] end)
    assert.is_false(well)
    check.contains("'Vec' is not declared here", message)
  end)

  it("of a struct alone, as a type, is C++", function()
    local types = cdef.parse(
      "struct Outer { struct Inner { float x; }; Inner a; int n; };", { abi = "win64" })
    assert.is_false(pcall(function() return types.Outer end))
  end)

  it("by its path is not among the names that pairs gives", function()
    local types = cdef.parse("struct A { struct In { short s; } in; };")
    assert.are.equal(2, types["A::In"].size)
    for name in pairs(types) do
      assert.is_nil(types["::A"])
      assert.is_nil(name:find("::", 1, true))
    end
    assert.are.equal(2, types["A::In"].size)
  end)

  it("of a struct in a template is free for others", function()
    local types = cdef.parse("template <class T> struct A { struct Iter { T t; }; }; struct Iter { int a; };")
    assert.are.equal(4, types.Iter.size)
  end)
end)
