-- What vendors' headers use besides plain declarations: macros of all kinds, the words of compilers and
-- systems, C++'s own containers of C layout.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local support = require "spec.support"

local contains = check.contains

support.clean()

-- The constants of a source that is read whole.
local function constants(source, options)
  local _, values, skipped = cdef.parse(source, options)
  assert.is_nil(skipped[1], skipped[1] and skipped[1].message)
  return values
end

-- The size of S in a source that is read whole.
local function size(source, options)
  local types, _, skipped = cdef.parse(source, options)
  assert.is_nil(skipped[1], skipped[1] and skipped[1].message)
  return types.S.size
end

describe("a macro", function()
  it("makes strings with # and joins tokens with ##", function()
    local values = constants [[
      #define STR(x) #x
      #define CAT(a, b) a##b
      #define XCAT(a, b) CAT(a, b)
      #define ONE 1
      #define FIELD_7 7
      #define A STR( x  +   1 )
      #define B XCAT(ONE, 2)
      #define C STR(a "q" b)
      #define D CAT(FIELD_, 7)
      #define E CAT(, "L")
    ]]
    assert.same({ "x + 1", 12, 'a "q" b', 7, "L" }, { values.A, values.B, values.C, values.D, values.E })
  end)

  it("joins the outer tokens of arguments with ##, and keeps the others", function()
    local values = constants [[
      #define CAT(a, b) a##b
      #define A CAT(1 + 2, 3 + 4)
      #define B CAT(5, 6 * 7 - 8)
    ]]
    assert.same({ 1 + 23 + 4, 56 * 7 - 8 }, { values.A, values.B })
  end)

  it("takes any number of arguments, in C's way and in GNU's", function()
    assert.are.equal(28, size [[
      #define LOG(fmt, args...) printf(fmt, ##args)
      #define FIRST(a, ...) a
      #define REST(a, ...) __VA_ARGS__
      #define COUNT(...) COUNT_(__VA_ARGS__, 3, 2, 1)
      #define COUNT_(a, b, c, n, ...) n
      #define OPT(a, ...) a __VA_OPT__(+ 1)
      static inline void f(void) { LOG("x"); LOG("%d", 1); }
      struct S { int a[FIRST(1, 2, 3)]; int b[REST(1, 2)]; int c[COUNT(x, y, z)]; char d[OPT(1)];
      char e[OPT(1, 2)]; };
    ]])
  end)

  it("asserts sizes with __LINE__", function()
    local source = [[
      #define GLUE(a, b) a##b
      #define GLUE2(a, b) GLUE(a, b)
      #define SIZE_ASSERT(type, n) typedef char GLUE2(assert_, __LINE__)[(sizeof(type) == (n)) ? 1 : -1]
      struct S { int a; };
      SIZE_ASSERT(struct S, %d);
    ]]
    assert.are.equal(4, size(source:format(4)))
    local _, _, skipped = cdef.parse(source:format(5))
    contains("an array cannot have -1 elements", skipped[1].message)
  end)

  it("expands as C's rescanning has it", function()
    assert.same({ 4, 6 }, (function()
      local values = constants [[
        #define F(x) (x + 1)
        #define G F
        #define A G(3)
        #define SELF (SELF_ + 5)
        #define SELF_ 1
        #define B SELF
      ]]
      return { values.A, values.B }
    end)())
  end)

  it("in a function's body is passed over with the body", function()
    assert.are.equal(4, size [[
      #define BROKEN(a) #b ## a (
      static int f(void) { BROKEN(1, 2); return "}"[0] + '{'; /* } */ }
      #if 1
      static int g(void) {
      #ifdef X
        }
      #else
        return 1; }
      #endif
      #endif
      struct S { int a; };
    ]])
  end)
end)

describe("an expression", function()
  it("takes sizes and offsets of members", function()
    assert.are.equal(12 + 12 + 12 + 4 + 8, size([[
      struct T { int n; int key[3]; double d; };
      struct S { char a[sizeof(((struct T *)0)->key)]; char b[sizeof(T::key)];
      char c[sizeof ((struct T *)0)->key];
        char d[offsetof(struct T, key)]; char e[__builtin_offsetof(struct T, key[1])]; };
    ]]))
  end)

  it("reads byte orders that no include gives", function()
    assert.are.equal(4, size([[
      #if BYTE_ORDER == BIG_ENDIAN
      struct S { char big; };
      #elif __BYTE_ORDER == __LITTLE_ENDIAN && __WORDSIZE == 64 && defined(__x86_64) && defined(__amd64)
      struct S { int little; };
      #endif
    ]], { abi = "linux64" }))
  end)

  it("takes the branch of the compiler's version of C", function()
    assert.are.equal(4, size([[
      #if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
      #include <stdint.h>
      #else
      typedef unsigned long uint32_t;
      #endif
      struct S { uint32_t x; };
    ]], { abi = "linux64" }))
  end)
end)

describe("a word of a compiler or a system", function()
  it("that does not change a layout is passed over", function()
    assert.are.equal(48, size([[
      __BEGIN_DECLS
      EXTERN_C_START
      typedef __u32 __bitwise __be32_own;
      typedef void (NTAPI *Callback)(_In_ int x, _Out_opt_ int *y);
      typedef int (CDECL *Other)(void);
      struct S { _Field_size_(n) int *p; __be32_own x; Callback cb; void (STDMETHODCALLTYPE *f)(void);
        const int *__user u; __force int y; };
      EXTERN_C_END
      __END_DECLS
    ]], { abi = "linux64" }))
  end)

  it("aligns a struct or a member", function()
    local types = cdef.parse([[
      struct __declspec(novtable, uuid("0-1"), align(16)) A { char c; };
      struct __aligned(8) B { char c; };
      struct C { char c; DECLSPEC_ALIGN(4) char d; };
    ]], { abi = "win64" })
    assert.same({ 16, 8, 8 }, { types.A.size, types.B.size, types.C.size })
  end)

  it("may be an attribute of a pointer to a function, in the brackets of its declarator", function()
    assert.are.equal(12, size([[
      #define CALL __attribute__((__stdcall__))
      typedef int HRESULT;
      struct S { HRESULT (CALL *one)(int a); HRESULT *(CALL *two)(struct S *self);
      HRESULT (CALL **(three))(void); };
    ]], { abi = "win32" }))
  end)

  it("may be the name of a member all the same", function()
    local types = cdef.parse("struct S { int __reserved; short __user, __private; char __init[4]; };")
    assert.are.equal(12, types.S.size)
  end)

  it("that declares nothing of interest is passed over", function()
    assert.are.equal(4, size([[
      #include <windows.h>
      DEFINE_GUID(IID_IThing, 0x1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
      enum Flags { A = 1 };
      DEFINE_ENUM_FLAG_OPERATORS(Flags)
      using namespace std;
      #if WINAPI_FAMILY_PARTITION(WINAPI_PARTITION_DESKTOP)
      struct S { DWORD x[ANYSIZE_ARRAY]; };
      #endif
      C_ASSERT(sizeof(struct S) == 4);
    ]], { abi = "win64" }))
  end)

  it("is known in #if for Windows, without its include", function()
    local source = "#if WINAPI_FAMILY_PARTITION(WINAPI_PARTITION_APP | WINAPI_PARTITION_SYSTEM)\n"
      .. "struct S { int a; };\n#endif\n"
    assert.are.equal(4, size(source, { abi = "win64" }))
    assert.is_false(pcall(cdef.parse, source, { abi = "linux64" }))
  end)

  it("gives a type its width", function()
    local types = cdef.parse([[struct S { __be16 a; __le32 b; __aligned_u64 c; __kernel_long_t d; byte e;
      u_int32_t f;
      uint g; POINTL h; char path[PATH_MAX]; char name[NAME_MAX]; };]], { abi = "linux32" })
    assert.same({ 4392, 8, 4, 8, 16, 24, 28 }, { types.S.size, types.S.align, types.S:offsetof("b"),
      (types.S:offsetof("c")), (types.S:offsetof("d")), (types.S:offsetof("f")), (types.S:offsetof("g")) })
  end)

  it("names a lock of POSIX", function()
    local source = "struct S { pthread_mutex_t m; sem_t s; pthread_cond_t c; };"
    assert.are.equal(40 + 32 + 48, size(source, { abi = "linux64" }))
    assert.are.equal(24 + 16 + 48, size(source, { abi = "linux32" }))
  end)
end)

describe("a struct with a tag and no member's name in another", function()
  it("is a member for Windows where a macro stands for the name", function()
    local source = "#define DUMMY\nstruct S { struct T { int a, b; } DUMMY; char c; };"
    assert.are.equal(12, size(source, { abi = "win64" }))
    assert.are.equal(1, size(source, { abi = "linux64" }))
  end)

  it("is a member for Windows where it is a typedef's name alone", function()
    local source = "typedef struct Base { int a; } Base; typedef struct Derived { Base; short b; } Derived; "
    local types = cdef.parse(source, { abi = "win64" })
    assert.same({ 8, 0, 4 }, { types.Derived.size, (types.Derived:offsetof("a")),
      (types.Derived:offsetof("b")) })
    assert.are.equal(2, cdef.parse(source, { abi = "linux64" }).Derived.size)
  end)

  it("is a member for Windows in C, and none in C++ and for Linux", function()
    for _, case in ipairs {
      { "struct S { struct T { int a, b; }; char c; };", 12, 1 },
      { "struct T { int a, b; }; struct S { struct T; char c; };", 12, 1 },
      { "struct S { union { struct T { int a, b, d; }; char c; }; };", 12, 1 },
    } do
      local source, as_member, as_none = case[1], case[2], case[3]
      assert.are.equal(as_member, size(source, { abi = "win64" }))
      assert.are.equal(as_none, size(source, { abi = "linux64" }))
      assert.are.equal(as_none, size(source, { abi = "win64", defines = { __cplusplus = "201703L" } }))
    end
    assert.are.equal(4, size("struct S { struct T; int a; };", { abi = "win64" }))
  end)

  it("is an error for Windows where the struct around it is one of C++", function()
    local source = "struct S { struct T { int a, b; }; int f(); char c; };"
    local _, _, skipped = cdef.parse(source, { abi = "win64" })
    contains("is a member for C and none for C++", skipped[1].message)
    assert.are.equal(1, size("class S { public: struct T { int a, b; }; char c; };", { abi = "win64" }))
  end)
end)

describe("a function", function()
  -- Tokens are dropped while parameters are passed over, at any token.
  it("has any number of parameters, in a struct and outside", function()
    local list = {}
    for i = 1, 1000 do list[i] = "int a" .. i end
    for i = 1001, 1060 do
      list[i] = "const char *a" .. i
      local parameters = table.concat(list, ", ")
      local source = ("struct S { int f(%s) const; int a; };\nint g(%s);\nstruct T { S s; };"):format(
        parameters, parameters)
      local types, _, skipped = cdef.parse(source)
      assert.same({ 4, 4, 0 }, { types.S.size, types.T.size, #skipped })
    end
  end)
end)

describe("a typedef of a pointer without a type", function()
  it("is one to int in C, and an error in C++", function()
    assert.are.equal(8, size("typedef *P; struct S { P p; };", { abi = "win64" }))
    local _, _, skipped = cdef.parse("typedef *P;", { defines = { __cplusplus = "201703L" } })
    contains("expected a type, got '*'", skipped[1].message)
  end)
end)

describe("a tag in a class", function()
  it("is found from outside, also where another class has it too", function()
    local types, values, skipped = cdef.parse([[
      class A { public: struct Inner { int a; } i; enum Kind { ONE = 1, TWO } k; int f() { return 1; } };
      class B : public A { public: struct Other { short b; } o; ~B(); };
      struct C { struct Other { int x, y; } o; Inner i; };
      enum class Scoped : short { X = 7 };
    ]])
    assert.same({ 8, 12, 12, 4 }, { types.A.size, types.B.size, types.C.size, types.Inner.size })
    assert.same({ 2, 7, 2, 0 }, { values.TWO, values["Scoped::X"], types.Scoped.size, #skipped })
    assert.same({ 2, 8 }, { types["B::Other"].size, types["C::Other"].size })
  end)
end)

describe("an aligned member", function()
  -- mingw's gcc puts it at 9.
  it("behind packed bit-fields that end off its alignment is an error for gcc for Windows", function()
    local source = [[struct S { int : 4; bool a : 1; int b : 19 __attribute__((packed)); int : 5;
      char c __attribute__((aligned(4))); };]]
    local _, _, skipped = cdef.parse(source, { abi = "win64", defines = { __GNUC__ = 12 } })
    contains("an aligned member behind packed bit-fields is not read here", skipped[1].message)
    assert.are.equal(8, size(source, { abi = "linux64" }))
  end)
end)

describe("a well-known macro of headers", function()
  it("decides #if without its header", function()
    local source = [[#include <windows.h>
      #include <asm/byteorder.h>
      #if _WIN32_WINNT >= 0x0600 && defined(__LITTLE_ENDIAN_BITFIELD)
      struct S { char a[6]; };
      #else
      struct S { char a[5]; };
      #endif]]
    assert.are.equal(6, size(source, { abi = "win64" }))
  end)
end)

describe("an annotation of SAL", function()
  it("changes nothing in members and parameters", function()
    assert.are.equal(24, size([[struct S { _In_opt_ int a; _In_ char *b;
      void (NTAPI *f)(_In_opt_ void *p, _Out_ int *q); };]], { abi = "win64" }))
  end)
end)

describe("an atomic type", function()
  it("has the layout of its type, and aligns to its size", function()
    assert.are.equal(32, size([[struct S { std::atomic<int> a; std::array<short, 5> b; _Atomic char c;
      atomic_uint d;
      _Atomic(long long) e; };]], { abi = "linux32" }))
  end)
end)

describe("a flexible array", function()
  it("is written [], [0] or [?]", function()
    for _, bounds in ipairs { "[]", "[0]", "[?]" } do
      assert.are.equal(4, size("struct S { int n; char tail" .. bounds .. "; };"))
    end
  end)
end)

describe("a text that compilers reject", function()
  it("is not read as if it were whole", function()
    for _, source in ipairs {
      "struct S { int a; };\nstatic_assert(sizeof(struct S) == 4, \"\") struct T { int b; };",
      "struct A b { int x; };",
      "struct A { int a; } struct B { int b; };",
      "struct S { int a; } int b;",
      "typedef int;",
      "struct S { int a int b; };",
      "int;",
      "enum E { A B };",
      "struct S { int a:; };",
      "int x = ;",
      "typedef typedef int T;",
      "struct S { extern int a; };",
    } do
      local well, _, _, skipped = pcall(cdef.parse, source)
      assert.is_true(not well or skipped[1] ~= nil, source)
    end
  end)
end)

describe("a number", function()
  it("is a float in hexadecimal digits, whose exponent has a sign", function()
    local values = constants [[
      #define A 0x1.8p+3
      #define B 0x1P-2
    ]]
    assert.same({ 12.0, 0.25 }, { values.A, values.B })
  end)
end)

describe("#pragma pack in the middle of a struct", function()
  it("counts for the whole struct as it is at the closing brace", function()
    for source, expected in pairs {
      ["struct S { char a;\n#pragma pack(1)\nint b; };"] = 5,
      ["struct S { struct I { char a;\n#pragma pack(1)\nint b; } in; };"] = 5,
      ["struct S { char a;\n#pragma pack(1)\nint b; static int f() { return 1; } };"] = 5,
      ["#pragma pack(1)\nstruct S { char a;\n#pragma pack()\nint b; };"] = 8,
    } do
      assert.are.equal(expected, size(source, { abi = "linux64" }), source)
    end
  end)
end)

describe("an enumerator past 2^63-1", function()
  it("makes the enum one of u64, and is followed by the next number", function()
    local types, values = cdef.parse([[
      enum Big { FIRST = 0x8000000000000000, SECOND, LAST = 0xffffffffffffffff };
      struct S { enum Big big; };
      enum { COMPARED = SECOND > 1 };
      #define SHIFTED (LAST >> 60)
    ]], { abi = "linux64" })
    assert.are.equal(8, types.S.size)
    assert.same({ math.mininteger, math.mininteger + 1, -1, 1, 15 },
      { values.FIRST, values.SECOND, values.LAST, values.COMPARED, values.SHIFTED })
  end)
end)
