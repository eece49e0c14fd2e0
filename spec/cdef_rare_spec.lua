-- Constructs that few headers use, read here and by gcc or g++: every size and constant must be the same.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local compiler = require "spec.support.compiler"
local filemap = require "filemap"
local support = require "spec.support"

local contains = check.contains

support.clean()

-- Each source by what it shows. Those of C++ have a `cpp`.
local sources = {
  { "#pragma push_macro and pop_macro", [=[
    #define N 3
    #pragma push_macro("N")
    #undef N
    #define N 5
    typedef char Five[N];
    #pragma pop_macro("N")
    typedef char Three[N];
    #pragma push_macro("UNKNOWN")
    #define UNKNOWN 7
    #pragma pop_macro("UNKNOWN")
    #ifdef UNKNOWN
    typedef char Wrong[UNKNOWN];
    #endif
    typedef struct { Five five; Three three; } S; ]=] },
  { "__FILE__, __COUNTER__ and __LINE__", [=[
    typedef struct { char a[__COUNTER__ + 1]; char b[__COUNTER__ + 1]; char c[sizeof(__FILE__) > 0];
      char d[__LINE__]; } S; ]=] },
  { "__LINE__ behind #line", [=[
    #line 40
    typedef char Forty[__LINE__];
    # 7 "other.h"
    typedef char Seven[__LINE__]; typedef struct { Forty forty; Seven seven; char eight[
      __LINE__]; } S; ]=] },
  { "#elifdef's older form and #assert", [=[
    #assert machine(x)
    #unassert machine
    #/* a comment */define BEHIND 4
    #ifdef NONE
    typedef char S[1];
    #elif defined BEHIND
    typedef char S[BEHIND];
    #endif ]=] },
  { "offsetof by a null pointer", [=[
    typedef struct { char c; struct { int x, y[4]; } in; } T;
    typedef struct { char at[(unsigned long)&((T *)0)->in.y[2]]; } S;
    enum { AT = __builtin_offsetof(T, in.y) }; ]=] },
  { "alignments asked for in every way", [=[
    struct Wide { _Alignas(16) char c; _Alignas(double) char d; } __attribute__((gnu_inline));
    typedef struct { char a[_Alignof(struct Wide)], b[__alignof__(double)], c[sizeof "text"];
      char d[__extension__ sizeof(int)]; char e[__builtin_constant_p(5) ? 2 : 3]; } S; ]=] },
  { "typeof", [=[
    typedef __typeof__(unsigned short) T;
    typedef struct { char c; __typeof__(T *) p; T t; } S; ]=] },
  { "modes and vectors", [=[
    typedef int DI __attribute__((mode(DI)));
    typedef unsigned QI __attribute__((__mode__(__QI__)));
    typedef float V4 __attribute__((vector_size(16)));
    typedef struct { QI q; DI d; V4 v; } S; ]=] },
  { "GNU's comma with and without arguments", [=[
    #define COUNT_OF(a, b, c, n, ...) n
    #define LIST(first, rest...) COUNT_OF(first, ##rest, 3, 2, 1)
    typedef struct { char one[LIST(9)]; char two[LIST(9, 8)]; char three[LIST(9, 8, 7)]; } S; ]=] },
  { "conditions between the arguments of a macro", [=[
    #define SUM(a, b) a + b
    typedef char S[SUM(1,
    #if 1
      2
    #else
      3
    #endif
    )]; ]=] },
  { "the types of POSIX and of glibc", [=[
    #define _GNU_SOURCE
    #include <pthread.h>
    #include <semaphore.h>
    #include <signal.h>
    #include <stddef.h>
    #include <sys/types.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    #include <netinet/in.h>
    typedef struct { char c; pthread_mutex_t a; pthread_rwlock_t b; pthread_attr_t c2; pthread_barrier_t d;
      sem_t e; pthread_mutexattr_t f; pthread_condattr_t g; pthread_barrierattr_t h; pthread_cond_t i;
      pthread_once_t j; pthread_key_t k; pthread_spinlock_t l; struct sockaddr_in m; struct in6_addr n;
      struct sockaddr_storage o; stack_t p; struct iovec q; max_align_t r; __uint128_t s; } S; ]=] },
  { "values of suffixes and conditional expressions", [=[
    enum { A = 1 ? 0x10u : -1, B = (int)(0 ? 1.5 : 2), C = -1 < 0u, D = 'ab', E = L'x', F = 077 + 0b101 };
    typedef char S[sizeof(1ull) + sizeof 1.0 + sizeof((("abc" "d")))]; ]=] },
  { "bit-fields of a type that a typedef aligns beyond its size", [=[
    typedef int wide __attribute__((aligned(16)));
    typedef struct { char c; wide x : 3; wide y : 5; char d; } S; ]=] },
  { "shifts of negative numbers", [=[
    #if -1 >> 63 == -1 && -5 >> 62 == -1
    enum { A = -1LL >> 63 < 0, B = (-9223372036854775807 - 1 >> 63) + 3, C = -8 >> 31, D = -8 >> 2 };
    #endif
    typedef char S[A]; ]=] },
  { "characters behind a prefix, and escape sequences of many digits", [=[
    enum { A = L'\xffff', B = u'\xffff', C = U'\xe9' - 234 > 0, D = L'\377', E = L'\x20ac', F = 'é',
      G = '\x00041', H = '\xff' };
    #if L'\xffff' > 0 && L'\xe9' == 0xe9 && '\xff' < 0
    typedef char S[sizeof("\x00000041") + L'\x4'];
    #endif
    ]=] },
  { "numbers of type float", [=[
    enum { A = (int)16777217.0f, B = 0.1f == 0.1, C = 0.5f == 0.5, D = (int)(16777216 + 1.0f),
      E = (int)0x1.8p3f, F = (int)(float)16777217, G = 1 / 3.0f == 1 / 3.0,
      H = 0xffffffffffffffffu * 1.0 > 1e19 };
    typedef char S[(int)(0.1f * 30)]; ]=] },
  { "members of a struct at an address", [=[
    #define NONE ((void *)0)
    typedef struct { char c; int n[4]; } T;
    typedef struct { char a[(unsigned long)&((T *)16)->n]; char b[(unsigned long)&((T *)16)->n[1] - 16];
      char c[sizeof(((T *)NONE)->n)]; } S; ]=] },
  { "enumerators that int does not hold", [=[
    enum { A = 0x80000000, B = -1 };
    enum { C = 0x80000000 };
    enum { D = 0x100000000 };
    typedef enum { E = 0x8000000000 } Big;
    typedef struct { char a[A - 0x80000001 > 0 ? 1 : 2], b[C - 0x80000001 > 0 ? 1 : 2],
      c[D - 0x100000001 > 0 ? 1 : 2], d[B > 0 ? 1 : 2]; Big big : 40; } S; ]=] },
  { "enumerators as C++ counts with them", [=[
    enum { A = 0x80000000, B = -1 };
    enum { C = 0x80000000, D = 5 };
    enum { E = 0x100000000, F = 5 };
    enum G : unsigned { H = 3 };
    enum I : unsigned char { J = 3 };
    struct S { char a[A - 0x80000001 > 0 ? 1 : 2], b[D - 6 > 0 ? 1 : 2], c[E - 0x100000001 > 0 ? 1 : 2],
      d[F - 6 > 0 ? 1 : 2], e[H - 4 > 0 ? 1 : 2], f[J - 4 > 0 ? 1 : 2]; }; ]=], cpp = true },
  { "## in front of #, beside tokens of the body, and in a macro without arguments", [=[
    #define U8(x) u8 ## #x
    #define HASH_HASH # ## #
    #define TEXT(x) #x
    #define TEXT_OF(x) TEXT(x)
    #define JOINED(x) x ## y ## z
    #define PLAIN p ## q
    typedef struct { char a[sizeof(U8(abc "d"))]; char b[sizeof(TEXT_OF(HASH_HASH))];
      char JOINED(), JOINED(q), PLAIN; } S;
    enum { FIRST = __builtin_offsetof(S, yz), NEXT = __builtin_offsetof(S, qyz),
      LAST = __builtin_offsetof(S, pq) }; ]=] },
  { "a string behind a macro's name, with a prefix and over two lines", [=[
    #define SAME(x) x
    typedef struct { char a[sizeof SAME(u8"abc")]; char b[sizeof("ab\
cd")]; } S; ]=] },
  { "a macro's name behind a comment", [=[
    #define /* the count */ COUNT 5
    typedef char S[COUNT]; ]=] },
  { "#elifndef", [=[
    #define A
    #ifdef NONE
    typedef char S[1];
    #elifndef A
    typedef char S[2];
    #elifndef B
    typedef char S[3];
    #elifndef C
    typedef char S[4];
    #endif ]=] },
  { "limits in conditions, which count in 64 bits", [=[
    #include <limits.h>
    #if UINT_MAX > -1 || SIZE_MAX > -1 || INT_MAX < -1 || INT_MAX + 1 != 0x80000000
    typedef char S[1];
    #elif UINT_MAX + 1 == 0x100000000 && SIZE_MAX + 1 == 0 && LONG_MIN < 0
    typedef char S[2];
    #endif ]=] },
  { "functions with blocks, directives, texts and comments in their bodies", [=[
    static inline int f(int a) {
      if (a) { return '}'; }
    #if 1
      { const char *text = "}"; /* } */ (void)text; }
    #else
      {
    #endif
      return 2 / 1; // }
    }
    typedef struct { char c[3]; } S; ]=] },
  { "a struct in a struct without a name and without members", [=[
    typedef struct { char c; struct {} nothing; int a; } S; ]=] },
  { "parameters with static bounds", [=[
    void f(int a[static 4], int b[const], int (*c)(char[restrict]), ...);
    typedef struct { void (*call)(int a[static const 3]); char c; } S; ]=] },
  { "several alignments of one type and of one member", [=[
    struct __attribute__((aligned(8))) A { char a, b, c; } __attribute__((packed, aligned(2)));
    struct __attribute__((aligned(2))) B { char a, b, c; } __attribute__((aligned(8)));
    struct __attribute__((aligned(8), aligned(2))) C { char a, b, c; };
    struct D { char c; int x __attribute__((aligned(8), aligned(2))); };
    struct S { A a; B b; C c; D d; }; ]=], cpp = true },
  { "packing that changes inside a body", [=[
    struct Outer { char z;
    #pragma pack(push, 1)
      struct Inner { char a; int b; } i;
    #pragma pack(pop)
      int x; };
    typedef struct Outer S; ]=] },
  { "text in a body with macros, and in attributes", [=[
    #define NUM int
    #define WARN(text) __attribute__((deprecated(text)))
    struct T { NUM a; char b[sizeof("it's; }")]; };
    struct U { NUM a; } WARN("don't; x), aligned(64");
    typedef struct { struct T t; struct U u; } S; ]=] },
  { "an enum with a base in a body", [=[
    struct T { enum Kind : short { First = 3, Last }; Kind kind; };
    struct S { char c[T::Last]; T::Kind kind; }; ]=], cpp = true },
  { "an inline namespace in a namespace's name", [=[
    namespace N::inline V1 { struct In { char c[3]; }; enum { Two = 2 }; }
    struct S { N::In a; N::V1::In b; char c[N::Two]; }; ]=], cpp = true },
  { "a static member's definition outside of its struct", [=[
    struct S { static int count; static const char *name; char c[3]; };
    int S::count = 4;
    const char *S::name; ]=], cpp = true },
  { "the same name in a namespace and outside", [=[
    namespace N { struct S { int a[3]; }; enum { Count = 7 }; }
    static_assert(sizeof(N::S) == 12, "");
    enum { Count = 9 };
    struct S { char c[Count]; }; ]=], cpp = true },
  { "wide strings beside members", [=[
    #define NUM int
    struct S { NUM a; const wchar_t *name = L"a; int extra[9]"; }; ]=], cpp = true },
  { "attributes of C++ in brackets", [=[
    struct [[gnu::packed]] S { char c; int i; };
    struct [[maybe_unused, gnu::aligned(16)]] T { char c; };
    struct alignas(double) U { alignas(32) char c; };
    typedef struct T TT; ]=], cpp = true },
  { "namespaces that are used, and names from them", [=[
    namespace deep { namespace inner { struct In { int a[3]; }; typedef short Word; enum { Five = 5 }; } }
    using namespace deep::inner;
    using deep::inner::Word;
    struct S { In in; Word w; char c[Five]; }; ]=], cpp = true },
  { "casts that look like calls", [=[
    typedef unsigned char Byte;
    struct S { char a[int(3.9)]; char b[Byte(257)]; char c[Byte{7}]; char d[sizeof(long)];
      char e[(Byte(258))]; }; ]=],
    cpp = true },
  { "sizeof of a qualified member", [=[
    struct T { char key[5]; int value; };
    struct S { char c[sizeof(T::key)]; char d[alignof(T)]; }; ]=], cpp = true },
  { "raw strings", [=[
    struct S { char c[sizeof(R"x(a)"b)x")]; char d[sizeof(u8"é")]; char e[sizeof("")]; };
    static const wchar_t *const wide = LR"(w)"; ]=],
    cpp = true },
}

-- The source with an assertion for each size and constant that was read. In C++, where other names may be
-- those of an inner scope, it is for S alone.
local function asserted(source, is_cpp, types, constants)
  local word = is_cpp and "static_assert" or "_Static_assert"
  local lines = { source }
  for name, type in pairs(types) do
    if (name == "S" or not is_cpp) and source:find("%f[%w_]" .. name .. "%f[^%w_]") and type.size then
      local tag = not is_cpp and source:find("struct " .. name .. " {", 1, true) and "struct " or ""
      lines[#lines + 1] = ("%s(sizeof(%s%s) == %d, \"%s\");"):format(word, tag, name, type.size, name)
    end
  end
  for name, value in pairs(constants) do
    if not is_cpp and math.type(value) == "integer" and source:find("%f[%w_]" .. name .. " = ") then
      lines[#lines + 1] = ("%s(%s == %d, \"%s\");"):format(word, name, value, name)
    end
  end
  assert.is_true(#lines > 1)
  return table.concat(lines, "\n")
end

describe("a rare construct is read as the compiler reads it:", function()
  local missing = compiler.missing("linux64")
  for _, case in ipairs(sources) do
    local name, source, is_cpp = case[1], case[2], case.cpp
    if missing then
      pending(("%s (%s)"):format(name, missing))
    else
      it(name, function()
        local types, constants, skipped = cdef.parse(source, { abi = "linux64" })
        assert.is_nil(skipped[1], skipped[1] and skipped[1].message)
        assert(types.S)
        local well, said = compiler.accepts(asserted(source, is_cpp, types, constants), is_cpp)
        assert.is_true(well, said)
      end)
    end
  end
end)

describe("an 8-byte number of linux32", function()
  it("has the alignment of a variable and that of a member", function()
    local types = cdef.parse([[
      typedef double given __attribute__((aligned(4)));
      struct S { char a[__alignof__(double)], b[_Alignof(double)], c[__alignof__(long long[2])]; };
      struct T { char a[__alignof__(struct { double d; })], b[__alignof__(given)], c[__alignof__(int)]; };
    ]], { abi = "linux32" })
    assert.are.equal(8 + 4 + 8, types.S.size)
    assert.are.equal(4 + 4 + 4, types.T.size)
  end)

  it("is not read in a struct with the attribute ms_struct", function()
    local source = "struct S { char c; %s d; } __attribute__((ms_struct));"
    local types = cdef.parse(source:format("long long"), { abi = "linux32" })
    contains("a number of 8 bytes in a struct with the attribute ms_struct is not read here",
      select(2, pcall(function() return types.S end)))
    assert.are.equal(8, cdef.parse(source:format("int"), { abi = "linux32" }).S.size)
    assert.are.equal(16, cdef.parse(source:format("long long"), { abi = "linux64" }).S.size)
  end)
end)

describe("an enum of values past 32 bits", function()
  it("reads a bit-field whose highest bit is set as its enumerator", function()
    local source = "enum E { A = 0x8000000000 }; struct S { enum E e : 40; };"
    local types = cdef.parse(source, { abi = "linux64" })
    local map <close> = filemap.create(nil, 4096)
    local view <close> = map:view()
    view:pack("<I8", 0, 0x8000000000)
    assert.are.equal("A", types.S:at(view).e)
  end)
end)

describe("a construct that is not read", function()
  -- The first error in a text: of the whole, or of the type S.
  local function problem(source, options)
    local ok, types, _, skipped = pcall(cdef.parse, source, options)
    if not ok then return types end
    if skipped[1] then return skipped[1].message end
    return select(2, pcall(function() return types.S.size end))
  end

  for source, message in pairs {
    ["#pragma scalar_storage_order big-endian\nstruct S { int a; };"] = "order is not read here",
    ["#pragma ms_struct on\nstruct S { int a; };"] = "ms_struct is not read here",
    ["struct A {}; struct B {}; struct C {}; struct D {}; struct E {}; struct F { int f; };\n"
      .. "struct S : public A, public B, public C, public D, public E, public F { int x; };"] =
      "several bases are not read here",
    ["class P { int a; public: char c; }; struct S { char x; P p; } __attribute__((packed));"] =
      "'P' is not a plain struct, which the compiler does not pack",
    ["struct S { int T::*p; };"] = "a pointer to a member is not read here",
    ["struct S { typeof(1 + 1) a; };"] = "typeof of an expression is not read here",
    ["union S { int a; int b[]; };"] = "a flexible array in a union is not read here",
    ["struct S { char a[1.5 % 2]; };"] = "expected integers on both sides of '%'",
    ["struct S { char a[static 3]; };"] = "expected a name, got 'static'",
    ["struct S { char a[const 3]; };"] = "expected a type, got '3'",
    ["struct [[5]] S { char c; };"] = "expected an attribute, got '5'",
    ["int x = 5 int y;"] = "expected an expression, got 'int'",
    ["struct S { int SIZE_IS(sizeof x); int a; };"] = "expected a member",
    ["struct S { int f(\"text\"); int a; };"] = "expected a member",
    ["__declspec(dllexport) int f(int);\n__declspec(dllexport) missing_t g(int);"] =
      "expected a type, got 'missing_t'",
    ["struct S { Q_OBJECT int a; };"] = "'Q_OBJECT' adds virtual functions",
    ["enum { A = 3i7 };"] = "expected a number, got '3i7'",
    ["#if 0\nstruct S { int a; };"] = "line 1, column 1: expected #endif before the end",
    ["int f(void) { return 1;"] = "line 1, column 13: expected '}' before the end",
    ["struct S { char a[&1]; };"] = "expected a constant expression, got '&'",
    ['struct S { char a[sizeof("\\q")]; };'] = "expected an escape sequence",
    ['struct S { char a[sizeof(R"toolongadelimiter1(x)toolongadelimiter1")]; };'] = "expected a raw string",
    ["typedef float S __attribute__((mode(SI)));"] = "is not read here",
    ["typedef char S __attribute__((aligned(4), mode(HI)));"] = "mode(…) behind aligned(…) is not read here",
    ["typedef int S __attribute__((vector_size(12)));"] = "is not read here",
    ["#if NONE(1)\n#endif\nstruct S { int a; };"] = "'NONE' is not a macro with arguments",
    ["#include <not_there.h>\n#if NONE(1)\n#endif\nstruct S { int a; };"] =
      "the macro 'NONE' is not known: it is not defined, and #include <not_there.h> was not found",
    ["#if defined 5\n#endif\n"] = "expected the name of a macro",
    ["#if defined(A\n#endif\n"] = "expected ')' behind 'defined'",
    ["#define 5 6\n"] = "expected the name of a macro",
    ["#if __has_include(x)\n#endif\n"] = "expected <name> or \"name\" in __has_include",
    ["struct S { int a;"] = "got the end",
    ["struct S { char a[sizeof(1.0f)]; };"] = "sizeof this expression is not read here",
    ["struct S { char a[sizeof 1.0L]; };"] = "sizeof this expression is not read here",
    ["struct S { char a[sizeof(L\"x\")]; };"] = "sizeof this expression is not read here",
    ["struct S { char a[sizeof(\"x\" u\"y\")]; };"] = "sizeof this expression is not read here",
    ["struct S { char a[sizeof((short)1)]; };"] = "sizeof this expression is not read here",
    ["struct S { char a[sizeof('a')]; };"] = "sizeof this expression is not read here",
    ["struct S { char a[sizeof(1 == 1)]; };"] = "sizeof this expression is not read here",
    ["struct S { char a[0 ? 1.5 : 2]; };"] = "expected an integer",
    ["}"] = "got '}'",
    ["struct S { int &x[4]; };"] = "C++ has no array of references",
    ["typedef int &R; struct S { R x[2]; };"] = "C++ has no array of references",
    ["struct S { int &*x; };"] = "C++ has no pointer or reference to a reference",
    ["struct S { int & &x; };"] = "C++ has no pointer or reference to a reference",
    ["typedef int &R; struct S { R *x; };"] = "C++ has no pointer or reference to a reference",
    ["#pragma pack(push, +)\nstruct S { int a; };"] = "expected pack(), pack(n), pack(push, n) or pack(pop)",
    ["#pragma pack(push, \xe7)\nstruct S { int a; };"] = "got pack(push,unexpected byte 0xE7)",
    ["#pragma pack(push, \"x\")\nstruct S { int a; };"] = 'got pack(push,"x")',
    ["#pragma pack(1.0)\nstruct S { int a; };"] = "got pack(1.0)",
  } do
    it(("is an error: %s"):format((source:gsub("\n", " "))), function()
      contains(message, tostring(problem(source)))
    end)
  end

  it("is an include that is a number", function()
    contains("option 'include' must return a string or nil, got number",
      problem("#include <x.h>\nstruct S { int a; };", { include = function() return 5 end }))
  end)
end)
