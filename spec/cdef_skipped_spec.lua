-- Declarations that filemap.cdef cannot read: they are skipped and listed, and are errors where they are
-- used.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local struct = require "filemap.struct"
local support = require "spec.support"

local contains = check.contains

support.clean()

-- The error that using a type raises.
local function use(types, name)
  local well, message = pcall(function() return types[name] end)
  assert.is_false(well, name .. " can be used")
  return message
end

-- The names of what was skipped.
local function names(skipped)
  local list = {}
  for i, entry in ipairs(skipped) do list[i] = entry.name or "?" end
  return table.concat(list, " ")
end

describe("a declaration that cannot be read", function()
  it("leaves the structs beside it alone", function()
    local types, constants, skipped = cdef.parse([[
      class Window { public: virtual void draw(); int handle; };
      template <class T> struct List { T *first; int count; };
      struct Person { std::string name; int age; };
      struct Late : public Elsewhere { int x; };
      enum { MOST = 4 };
      struct Plain { int a; double b[MOST]; };
      typedef struct { Unknown x; } Bad, *PBad;
      typedef union { int i; float f; } Good;
    ]], { abi = "linux64" })
    assert.are.equal(40, types.Plain.size)
    assert.are.equal(4, types.Good.size)
    assert.are.equal(4, constants.MOST)
    assert.are.equal("Window List Person Late Bad", names(skipped))
    contains("virtual functions are not read here", skipped[1].message)
    contains("templates are not read here", skipped[2].message)
    assert.same({ 3, 23 }, { skipped[3].line, skipped[3].column })
  end)

  it("raises its reason with line and column when its type is used", function()
    local types = cdef.parse("struct Plain { int a; };\nclass Window { virtual void draw(); };\n")
    contains("cdef_skipped_spec.lua", use(types, "Window"))
    contains("cdef: line 2, column 16: virtual functions are not read here", use(types, "Window"))
    assert.is_nil(types.NotThere)
  end)

  it("makes every type that contains it raise", function()
    local types, _, skipped = cdef.parse([[
      class V { virtual void f(); };
      struct A { int before; V inside; };
      typedef A B;
      struct C { B list[3]; };
      struct D { V *pointer; A *other; };
      struct E : A { int e; };
    ]], { abi = "linux64" })
    for _, name in ipairs { "V", "A", "B", "C", "E" } do contains("virtual functions", use(types, name)) end
    contains("'struct A' could not be read (line 1, column 17: virtual", use(types, "C"))
    assert.are.equal(16, types.D.size)
    assert.are.equal("V A C E", names(skipped))
  end)

  it("is not in pairs", function()
    local types = cdef.parse("class V { virtual void f(); };\nstruct S { int a; };\ntypedef struct { bad b; "
      .. "} T;")
    local found = {}
    for name in pairs(types) do found[#found + 1] = name end
    assert.same({ "S" }, found)
  end)

  it("still declares what is in it, as far as that can be read", function()
    local types, constants = cdef.parse([[
      class V { public: enum Mode { OFF, ON = 3 }; struct Inner { int a; }; virtual void f();
      static const int N = 5; };
      struct S { V::Inner inner; char c[V::N]; };
    ]])
    assert.are.equal(3, constants.ON)
    assert.are.equal(12, types.S.size)
  end)

  it("is skipped to its own end", function()
    local types, _, skipped = cdef.parse([[
      template <typename T> T twice(T x) { if (x) { return x; } return x + x; }
      struct A { int a; };
      template <class T> class Vector { public: void push(const T &x) { data[n++] = x; } T data[4]; int n; };
      struct B { int b; };
      unknown_type variable = { 1, { 2 } };
      struct C { int c; };
    ]])
    assert.same({ 4, 4, 4 }, { types.A.size, types.B.size, types.C.size })
    assert.are.equal("? Vector ?", names(skipped))
  end)

  it("is skipped to its own end where most of its tokens were dropped, and its names raise", function()
    for _, count in ipairs { 1, 1000 } do
      local lines = {}
      for i = 1, count do lines[i] = ("int m%d;"):format(i) end
      local members = table.concat(lines, "\n")
      local types, _, skipped = cdef.parse(([[
        struct Outer { static int n; struct { %s } bad[-1]; int more; };
        typedef struct { %s } Bad[-1], Also;
        enum { %s } bad bad;
        struct After { int a; };
      ]]):format(members, members, members:gsub("int ", ""):gsub(";", ",")))
      assert.are.equal(4, types.After.size)
      for _, name in ipairs { "Outer", "Bad", "Also" } do
        contains("an array cannot have -1 elements", use(types, name))
      end
      assert.are.equal("Outer Also ?", names(skipped))
    end
  end)

  it("is a template whose types members point to", function()
    local types, _, skipped = cdef.parse([[
      template <class T, int n = 1> struct List { T *first; };
      struct S { List<int> *a; List<List<short>> *b; List<char, (2 > 1)> *c; List<int[3]> *d; char e; };
      struct T { List<int> a; };
      struct U { List<int; };
    ]], { abi = "linux64" })
    assert.same({ 16, 24, 32, 40 }, { types.S:offsetof("c"), types.S:offsetof("d"), types.S:offsetof("e"),
      types.S.size })
    contains("templates are not read here", use(types, "T"))
    contains("expected '>', got ';'", use(types, "U"))
    assert.are.equal("List T U", names(skipped))
  end)

  it("counts once for each declaration", function()
    local _, _, skipped = cdef.parse("struct S { bad a; worse b; int c; };\nstruct T { int a; };")
    assert.are.equal("S", names(skipped))
    contains("'bad'", skipped[1].message)
  end)

  it("is an error of the whole text where its brackets do not match", function()
    for source, message in pairs {
      ["struct S { int a[3; };"] = "expected ']', got ';'",
      ["struct S { int a;"] = "expected '}', got the end",
      ["struct S { int a; }; }"] = "expected a declaration, got '}'",
    } do
      local well, text = pcall(function()
        local types, _, skipped = cdef.parse(source)
        return types, skipped[1] and error(skipped[1].message)
      end)
      assert.is_false(well, source)
      contains(message:match("got .*"), text)
    end
  end)

  it("gives no type that a program could use by mistake", function()
    local types = cdef.parse("struct S { char c; int i; } PACKED;")
    contains("'PACKED' behind '}' is not known", use(types, "S"))
    types = cdef.parse('#include "config.h"\nstruct PACKED { char c; int i; };\nstruct MY_PACKED T;')
    contains("may be a macro of #include", use(types, "PACKED"))
  end)
end)

describe("a word that is not known, and may be a macro of an include that was passed over", function()
  for source, message in pairs {
    ["struct S { char c; int d ALIGNED(8); };"] = "expected ';', got 'ALIGNED'",
    ["struct S { char c; uint32_t d[2], e MACRO(f); };"] = "expected ';', got 'MACRO'",
    ["struct S { char c; int d guarded_by(x); };"] = "expected ';', got 'guarded_by'",
    ["struct S { char c; int PAD(3); };"] = "expected ';', got 'PAD'",
    ["struct S { char c; int FIELD(d); };"] = "expected a type, got 'd'",
    ["struct B { int b; }; struct S : B { other_t d ALIGNED(x); };"] = "expected ';', got 'ALIGNED'",
    ["typedef int S ALIGNED(8); struct T { S s; };"] = "expected ';', got 'ALIGNED'",
    ["typedef struct { char c; int d; } S ALIGNED;"] = "expected ';', got 'ALIGNED'",
    ["struct API S { char c; int d; };"] = "'API' in front of 'S' is not known",
    ["class API S { public: int d; };"] = "'API' in front of 'S' is not known",
    ["enum API S { A };"] = "'API' in front of 'S' is not known",
    ["struct S ALIGNED(8) { char c; int d; };"] = "expected '{', got 'ALIGNED'",
    ["struct S ALIGNED() { char c; int d; };"] = "expected '{', got 'ALIGNED'",
    ["struct B { int b; }; struct S ALIGNED(8) : B { int d; };"] = "expected '{', got 'ALIGNED'",
    ["struct __attribute__((packed)) ALIGNED(8) S { char c; int d; };"] = "expected '{', got 'ALIGNED'",
    ["struct S { struct I ALIGNED(8) { int a; }; int d; };"] = "expected ';', got 'ALIGNED'",
    ["struct S { char c; int MACRO() : 0; int d; };"] = "expected ';', got ':'",
    ["struct S { char c; int MACRO() (*f)(int a); };"] = "expected ';', got '('",
    ["struct S { char c; const char MACRO() *d; };"] = "expected ';', got '*'",
    ["struct S { char c; struct S MACRO() *d; };"] = "expected ';', got '*'",
    ["struct S { char c; int MACRO() & d; };"] = "expected ';', got 'd'",
    ["struct S { char c; int d S(); ~S(); };"] = "expected ';', got 'S'",
    ["struct S { char c; int MACRO() D; };"] = "expected ';', got 'D'",
    ["struct S { char c; int D MACRO(); };"] = "expected ';', got 'MACRO'",
    ["struct S { char c; float *P MACRO(); };"] = "expected ';', got 'MACRO'",
    ["struct S { char c; S(int x) int d; };"] = "expected ';', got 'int'",
    ["struct S { char c; ~S() int d; };"] = "expected ';', got 'int'",
    ["struct S { char c; bool operator==(const S &o) const int d; };"] = "expected ';', got 'int'",
    ["struct S { char c; S() MACRO(x) int d; };"] = "expected ';', got 'int'",
    ["struct S { char c; int d int get() const; };"] = "expected ';', got 'int'",
    ["struct S { char c; int d bool operator==(const S &o) const; };"] = "expected ';', got 'bool'",
    ["struct S { char c; int d __attribute__((aligned(8))) MACRO(); };"] = "expected ';', got 'MACRO'",
    ["enum class S MACRO : uint8_t { A }; struct R { S s; };"] = "expected '{' or ';', got 'MACRO'",
    ["enum class S : uint8_t MACRO { A }; struct R { S s; };"] = "expected '{' or ';', got 'MACRO'",
    ["using S = WORD unsigned int;"] = "expected ';', got 'unsigned'",
    ["struct ALIGNED(8) S { int d; };"] = "expected a name or ';', got 'S'",
  } do
    it(("is an error: %s"):format(source), function()
      for _, before in ipairs { "", "#include <not_there.h>\n" } do
        local types, _, skipped = cdef.parse(before .. source)
        contains(message, skipped[1].message)
        local well, type_ = pcall(function() return types.S end)
        assert.is_true(not well or type_ == nil)
        local is_alias = source:find("typedef", 1, true) or source:find("using", 1, true)
        if not is_alias then contains(message, type_) end
      end
    end)
  end

  it("is not the parameter of a template", function()
    local types = cdef.parse("template <class T> bool f(T t) { } typedef int T; struct S { T a; };")
    assert.are.equal(4, types.S.size)
  end)

  it("gives no constant to the enumerator in front of it", function()
    for _, source in ipairs { "enum E { A, B MACRO = 5, C };", "enum E { A, B = MACRO(8) 5, C };",
                              "enum E { A, B = 2 MACRO + 3, C };" } do
      local _, constants, skipped = cdef.parse(source)
      assert.are.equal(0, constants.A)
      assert.is_nil(constants.B)
      assert.are.equal("E", skipped[1].name)
    end
  end)

  it("is accepted in front of a member function's name", function()
    local types, _, skipped = cdef.parse [[
      #include <not_there.h>
      struct S {
        int d;
        int API get(int); static other_t make(other_t a);
        EXPORT other_t copy() const; const other_t &of(int a);
        struct other *next(); std::string name(int); unsigned long long size(void); other_t API take(other_t);
        S(); explicit S(int x = 0) : d(x) { } ~S() noexcept; S(const S &) = delete; API S(char) THROWS;
        operator int() const; void operator()(int) const; bool operator==(const S &) const = default;
        int API OPEN(void); int size() NOEXCEPT; int take(int) REQUIRES(d);
        S &operator=(S &&) & noexcept; auto begin() const -> int *; std::string operator[](int);
        int GET(int); void SET(struct other *o, const char *text = 0);
      };
    ]]
    assert.is_nil(skipped[1], skipped[1] and skipped[1].message)
    assert.are.equal(4, types.S.size)
  end)
end)

describe("types that are kept as text until they are used", function()
  -- Structs that need each other in a chain longer than what is read inside each other.
  local function chain(n)
    local lines = { "struct T0 { char a; };" }
    for i = 1, n do
      lines[#lines + 1] = ("struct T%d { char c; struct T%d t; };"):format(i, i - 1)
    end
    return table.concat(lines, "\n")
  end

  it("have the layout of types that are read at once", function()
    local types = cdef.parse(chain(60))
    assert.are.equal(61, types.T60.size)
    assert.are.equal(2, types.T1.size)
  end)

  it("may have the prefix of a string as a name, also behind thousands of tokens", function()
    local members = ("int : 32;\n"):rep(1000)
    local types = cdef.parse(("struct S { %s int u; char L[2], text[sizeof(u8\"ab\")]; };"):format(members))
    assert.same({ 4000, 4 }, { types.S:offsetof("u") })
    assert.same({ 4004, 2 }, { types.S:offsetof("L") })
    assert.same({ 4006, 3 }, { types.S:offsetof("text") })
  end)

  it("see each macro as it is defined there, among hundreds that are used", function()
    local macros, members = {}, {}
    for i = 1, 700 do
      macros[i], members[i] = ("#define M%d %d\n"):format(i, i), ("char m%d[M%d];"):format(i, i)
    end
    local source = table.concat(macros) .. "struct A { " .. table.concat(members) .. " };\n"
      .. "#undef M3\n#define M3 5\n#undef M4\n"
      .. "struct B { int M4; char c[M3 + M2]; };\nstruct C { char c[M1 + M700]; };"
    local types = cdef.parse(source)
    assert.same({ 700 * 701 // 2, 12, 701 }, { types.A.size, types.B.size, types.C.size })
  end)

  it("see the names that were declared before them alone", function()
    local types, constants, skipped = cdef.parse([[
      typedef int Number;
      struct A { Number n; };
      namespace later { typedef char Number; struct B { Number n; }; }
      struct C { Late l; };
      typedef int Late;
      struct D { Late l; };
      enum { N = 2 };
      struct E { enum { IN_E = N * 4 } e; char c[IN_E]; };
      struct F { char c[IN_E]; };
    ]])
    assert.same({ 4, 1, 4, 12, 8 }, { types.A.size, types["later::B"].size, types.D.size, types.E.size,
      types.F.size })
    assert.are.equal(8, constants.IN_E)
    assert.are.equal("C", names(skipped))
  end)

  it("leave a type alone that is declared after a pointer to it", function()
    local source = [[
      struct A { struct B *b; struct C *c; int a; };
      struct B { int x, y; };
      typedef enum { FIRST } E;
      struct C { int z; } __attribute__((packed));
      class D { public: C c; };
      struct F { struct B b; struct C c; };
    ]]
    for _, order in ipairs { { "A", "B", "F" }, { "F", "A", "B" }, { "B", "A", "F" } } do
      local types = cdef.parse(source, { abi = "linux64" })
      local sizes = { A = 24, B = 8, F = 12 }
      for _, name in ipairs(order) do assert.are.equal(sizes[name], types[name].size, name) end
    end
    local _, _, skipped = cdef.parse(source)
    assert.are.equal(0, #skipped)
    _, _, skipped = cdef.parse("struct A { struct B b; };\nstruct B { int x; };")
    assert.are.equal("A", names(skipped))
    contains("'struct B' is not complete here", skipped[1].message)
  end)

  it("keep their packing, their macros and their place", function()
    local types, _, skipped = cdef.parse([[
      #define SIZE 3
      #pragma pack(push, 1)
      struct A { char c; int i[SIZE]; };
      #pragma pack(pop)
      #undef SIZE
      #define SIZE 5
      struct B { char c; int i[SIZE]; };
      struct C { char c; int x : 40; };
    ]])
    assert.same({ 13, 24 }, { types.A.size, types.B.size })
    assert.same({ "C", 8, 30 }, { skipped[1].name, skipped[1].line, skipped[1].column })
  end)

  it("are the same object each time, and by each name", function()
    local types = cdef.parse("typedef struct _A { int a; } A, *PA; struct B { A a; };")
    assert.are.equal(types._A, types.A)
    assert.are.equal(types.A, types._A)
    local S = struct.define("S", { { "b", types.B }, { "p", types.PA } })
    assert.are.equal(4, types.B.size)
    assert.is_true(S.size > 4)
  end)

  it("give their enumerators as constants, by name and in pairs", function()
    local source = "struct A { enum { X = 3, Y } k; };"
    local _, constants = cdef.parse(source)
    assert.are.equal(4, constants.Y)
    _, constants = cdef.parse(source)
    local found = {}
    for name, value in pairs(constants) do found[name] = value end
    assert.same({ X = 3, Y = 4 }, found)
  end)

  it("are errors where a name is declared twice", function()
    local _, _, skipped = cdef.parse([[
      struct A { int a; };
      struct A { int b; };
      typedef struct { int c; } B;
      typedef int B;
      unsigned B;
      enum { C };
      struct A *x, *C;
      extern struct A A;
    ]])
    assert.are.equal(4, #skipped)
    contains("'A' is declared twice", skipped[1].message)
    for i = 2, 3 do contains("'B' is declared twice", skipped[i].message) end
    contains("'C' is declared twice", skipped[4].message)
  end)

  it("may be a typedef or a constant", function()
    local types, constants, skipped = cdef.parse([[
      typedef unknown_t Alias, *Pointer;
      typedef Alias Other;
      struct Holder { Other a; };
      static const int SIZE = missing;
      static const unsigned COUNT = 3;
      struct Fine { char a[COUNT]; };]])
    for _, name in ipairs { "Alias", "Other", "Holder" } do
      local well, message = pcall(function() return types[name] end)
      assert.is_false(well)
      assert.is_truthy(message:find("line 1, column 15: expected a type, got 'unknown_t'", 1, true), message)
    end
    assert.same({ 3, 3 }, { types.Fine.size, constants.COUNT })
    assert.is_nil(constants.SIZE)
    assert.same({ 1, 3 }, { skipped[1].line, skipped[2].line })
  end)
end)
