-- filemap.cdef: what it reads of C and C++, what it gives, and what its errors say.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local ctype = require "filemap.ctype"
local filemap = require "filemap"
local struct = require "filemap.struct"
local support = require "spec.support"

local contains = check.contains

support.clean()

-- The error of a source, without "cdef: ": what parse raises, or the first declaration that it skipped.
local function problem(source, options)
  local ok, message = pcall(function()
    local types, _, skipped = cdef.parse(source, options)
    return types and skipped[1]
  end)
  if ok then
    local first = message
    assert.is_truthy(first, source .. " was read")
    return ("line %d, column %d: %s"):format(first.line, first.column, first.message)
  end
  local said = message:match("^.-cdef_spec%.lua:%d+: cdef: (.*)$")
  assert.is_truthy(said, message)
  return said
end

-- "size align path=offset …" of a type.
local function layout(type, ...)
  local parts = { ("%d %d"):format(type.size, type.align) }
  for _, path in ipairs { ... } do
    local offset, _, first, width = type:offsetof(path)
    parts[#parts + 1] = path .. "=" .. (first and ("%d:%d"):format(offset * 8 + first, width) or offset)
  end
  return table.concat(parts, " ")
end

local function one(source, name, options)
  return cdef.parse(source, options)[name or "S"]
end

local function constants(source, options)
  return select(2, cdef.parse(source, options))
end

describe("cdef.parse", function()
  it("gives types by tag and by typedef, the same for the same", function()
    local types = cdef.parse [[
      struct Tag { int a; };
      typedef struct _Both { int a, b; } Both, *PBoth, **PPBoth;
      typedef struct { char c; } Alone;
      typedef struct Tag Other;
      typedef unsigned short word;
      typedef float vec3[3];
      typedef enum _Color { RED } Color;
    ]]
    assert.are.equal(types._Both, types.Both)
    assert.are.equal(types.Tag, types.Other)
    assert.are.equal("Alone", types.Alone.name)
    assert.same({ 4, 8, 1 }, { types.Tag.size, types.Both.size, types.Alone.size })
    assert.are.equal(types._Color, types.Color)
    -- All are types for the fields of structs.
    local S = struct.define("S", {
      { "w", types.word, 2 }, { "v", types.vec3 }, { "c", types.Color }, { "p", types.PBoth },
      { "t", types.Tag },
    })
    assert.are.equal("20 w=0 v=4 c=16", ("%d w=%d v=%d c=%d"):format(S:offsetof("c") + 4, S:offsetof("w"),
      S:offsetof("v"), S:offsetof("c")))
  end)

  it("reads basic types in any order of their words", function()
    local S = one([[struct S {
      long unsigned int a; int long long unsigned b; short signed c; unsigned char d; char signed e; long f;
      unsigned g;
      const volatile int h; double i; unsigned __int64 j; __int8 k;
    };]], "S", { abi = "linux64" })
    assert.are.equal("64 8 a=0 b=8 c=16 d=18 e=19 f=24 g=32 h=36 i=40 j=48 k=56",
      layout(S, "a", "b", "c", "d", "e",
      "f", "g", "h", "i", "j", "k"))
  end)

  it("takes the widths of the ABI", function()
    local source = [[#include <windows.h>
      struct S { char c; long l; void *p; wchar_t w; size_t z; long long q; time_t t; DWORD d; LONG n;
      WCHAR u; };]]
    local names = { "l", "p", "w", "z", "q", "t", "d", "n", "u" }
    for abi, expected in pairs {
      linux64 = "72 8 l=8 p=16 w=24 z=32 q=40 t=48 d=56 n=60 u=64",
      linux32 = "44 4 l=4 p=8 w=12 z=16 q=20 t=28 d=32 n=36 u=40",
      win64 = "64 8 l=4 p=8 w=16 z=24 q=32 t=40 d=48 n=52 u=56",
      win32 = "56 8 l=4 p=8 w=12 z=16 q=24 t=32 d=40 n=44 u=48",
    } do
      assert.are.equal(expected, layout(one(source, "S", { abi = abi }), table.unpack(names)), abi)
    end
    local native = ctype.native_abi.name
    assert.are.equal(layout(one(source, "S", { abi = native }), "p", "w"), layout(one(source), "p", "w"))
  end)

  it("reads arrays of any dimension, with constant expressions", function()
    local S = one [[
      #define N 4
      enum { M = N * 2 };
      struct S { int a[N][M - 6][1 << 1]; char b[sizeof(int) + sizeof(short[3])];
      char c[N > 3 ? 5 : 7], d['A'];
                 char e[(unsigned char)258 + 1]; char f[0x10u]; char g[010]; char h[0b11]; char i[1'0]; };]]
    assert.are.equal("184 4 a=0 b=64 c=74 d=79 e=144 f=147 g=163 h=171 i=174",
      layout(S, "a", "b", "c", "d", "e", "f", "g", "h", "i"))
    assert.are.equal(64 - 4, (S:offsetof("a[4][2][2]")))
  end)

  it("reads flexible arrays, which are empty", function()
    local S = one "struct S { int n; short tail[]; };"
    assert.are.equal("4 4 n=0 tail=4", layout(S, "n", "tail"))
    assert.are.equal(4, one("struct S { int n; char tail[0]; };").size)
  end)

  it("reads pointers, functions and what is in brackets", function()
    local S = one([[typedef int (*callback)(int, void (*)(char *)); typedef int function(int); struct Unknown;
      struct S { int *a, b; void (*c)(int, char *); int (*d)[4]; const char *const e[2]; callback f[3];
                 struct Unknown *g; Elsewhere *h; function *i; int (j), (*k), ((l))[2]; };
                 ]], "S", { abi = "win64" })
    assert.are.equal("120 8 a=0 b=8 c=16 d=24 e=32 f=48 g=72 h=80 i=88 j=96 k=104 l=112",
      layout(S, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"))
  end)

  it("reads nested, anonymous and later structs and unions", function()
    local types = cdef.parse([[
      typedef struct Node Node;
      struct Node { Node *next; struct Inner { short x, y; } at[2]; union { int i; float f;
      struct { char lo, hi; }; };
        union Tail { double d; } tail; };
      struct Inner after;
      struct Later { struct Inner inner; union Tail tail; };
    ]], { abi = "win64" })
    assert.are.equal("32 8 at=8 i=16 f=16 hi=17 tail=24", layout(types.Node, "at", "i", "f", "hi", "tail"))
    assert.are.equal(4, types.Inner.size)
    assert.are.equal("16 8 inner=0 tail=8", layout(types.Later, "inner", "tail"))
  end)

  it("reads bit-fields as the ABI packs them", function()
    local source = [[struct S { unsigned char a : 3; unsigned b : 7; int : 0; int c : 20; bool d : 1;
      unsigned : 3;
      unsigned e : 2; };]]
    assert.are.equal("8 4 a=0:3 b=3:7 c=32:20 d=52:1 e=56:2",
      layout(one(source, "S", { abi = "linux64" }), "a", "b",
      "c", "d", "e"))
    assert.are.equal("20 4 a=0:3 b=32:7 c=64:20 d=96:1 e=131:2",
      layout(one(source, "S", { abi = "win64" }), "a", "b",
      "c", "d", "e"))
  end)

  it("reads #pragma pack in its forms", function()
    local types = cdef.parse [[
      #pragma pack(push, 1)
      struct A { char c; int i; };
      #pragma pack(push, name, 2)
      struct B { char c; int i; };
      #pragma pack(4)
      struct C { char c; double d; };
      #pragma pack(pop, name)
      struct D { char c; int i; };
      #pragma pack(pop)
      struct E { char c; int i; };
      #pragma pack(2)
      #pragma pack()
      struct F { char c; int i; };
      __pragma(pack(push, 1)) struct G { char c; int i; }; __pragma(pack(pop))
      _Pragma("pack(1)") struct H { char c; int i; };
    ]]
    local sizes = {}
    for letter in ("ABCDEFGH"):gmatch(".") do sizes[#sizes + 1] = types[letter].size end
    assert.same({ 5, 6, 12, 5, 8, 8, 5, 5 }, sizes)
  end)

  -- To gcc and mingw's gcc, `pack(push, TIGHT)` pushes under the name TIGHT, and packs nothing.
  it("expands macros in #pragma pack as Microsoft's compiler does, and does not as gcc", function()
    local source = [[
      #define TIGHT 1
      #pragma pack(push, TIGHT)
      struct A { char c; int i; };
      #pragma pack(push, 2, TIGHT)
      struct B { char c; int i; };
      #pragma pack(pop, TIGHT)
      struct C { char c; int i; };
      #pragma pack(pop)
      _Pragma("pack(push, TIGHT)") struct D { char c; int i; };
    ]]
    local function sizes(abi, defines)
      local types = cdef.parse(source, { abi = abi, defines = defines })
      return { types.A.size, types.B.size, types.C.size, types.D.size }
    end
    assert.same({ 8, 6, 8, 8 }, sizes("linux64"))
    assert.same({ 8, 6, 8, 8 }, sizes("win64", { __GNUC__ = 12 }))
    source = source:gsub("2, TIGHT", "kept, 2"):gsub("pop, TIGHT", "pop, kept")
    assert.same({ 5, 6, 5, 5 }, sizes("win64"))
    local well, message = pcall(cdef.parse, "#define N 1\n#pragma pack(N)\nint a;", { abi = "linux64" })
    assert.is_false(well)
    check.contains("line 2, column 1: gcc does not expand macros in #pragma pack: it ignores pack(N)",
      message)
  end)

  -- What clang has for x86_64-pc-windows-msvc, and mingw's gcc.
  it("packs for Windows as Microsoft's compiler does, or as gcc if __GNUC__ is defined", function()
    local source = [[
      struct __declspec(align(16)) V { float x, y, z, w; };
      #pragma pack(push, 8)
      struct A { int a; struct V v; char c; };
      #pragma pack(push, 1)
      struct B { char a; __declspec(align(4)) int i; char c; };
      struct C { char a; struct B b[2]; };
      typedef __declspec(align(8)) int aligned_int;
      struct D { char a; aligned_int i; };
      struct E { char a; struct V *p; struct D d; };
      struct __declspec(align(2)) F { char a; int b; };
      struct G { char a; __m128 v; };
      #pragma pack(pop)
      #pragma pack(pop)
      union H { long long f : 3; char c; };
      union I { char c[5]; int b : 3; };
      struct J { char a; union H h; union I i; };
      struct K { char c;
      #pragma pack(push, 1)
      int i; };
      struct L { char c; int i;
      #pragma pack(pop)
      };
    ]]
    local function layouts(defines)
      local types, list = cdef.parse(source, { abi = "win64", defines = defines }), {}
      for letter in ("ABCDEFGHIJKL"):gmatch(".") do
        list[#list + 1] = ("%s %d/%d"):format(letter, types[letter].size, types[letter].align)
      end
      list[#list + 1] = ("v %d, d %d"):format(types.A:offsetof("v"), (types.E:offsetof("d")))
      return table.concat(list, ", ")
    end
    assert.are.equal("A 48/16, B 12/4, C 28/4, D 16/8, E 32/8, F 6/2, G 32/16, H 8/1, I 5/1, J 14/1, K 8/4, "
      .. "L 5/1, v 16, d 16", layouts())
    assert.are.equal("A 32/8, B 6/1, C 13/1, D 5/1, E 14/1, F 6/2, G 17/1, H 8/8, I 8/4, J 24/8, K 5/1, "
      .. "L 8/4, v 8, d 9", layouts { __GNUC__ = 12 })
  end)

  it("gives a base for Windows the room of its members, as Microsoft's compiler does", function()
    local types = cdef.parse([[
      struct alignas(16) A { char a; };
      struct B : A { char b; };
      #pragma pack(push, 1)
      struct C { char c; __declspec(align(32)) long long l; };
      #pragma pack(pop)
      struct D : C { unsigned char d; };
      struct E { long long e; char c; };
      struct F : E { char f; };]], { abi = "win64" })
    assert.same({ 16, 1 }, { types.B.size, (types.B:offsetof("b")) })
    assert.same({ 64, 40 }, { types.D.size, (types.D:offsetof("d")) })
    assert.same({ 24, 16 }, { types.F.size, (types.F:offsetof("f")) })
  end)

  it("does not guess what Windows' compilers do not agree on", function()
    local source = "enum Small { S = 0x7fffffff, T = -1 };\nenum Wide { A, W = 0x100000000 };"
    local types = cdef.parse(source, { abi = "win64" })
    assert.are.equal(4, types.Small.size)
    contains("line 2, column 1: 'W' does not fit an int, which every enum is to Microsoft's compiler",
      select(2, pcall(function() return types.Wide end)))
    contains("a struct or union of no bytes is not read here", problem("struct S { int : 0; };",
      { abi = "win64" }))
    contains("'B' does not fit an int", problem("enum Both { N = -1, B = 0x80000000 };", { abi = "win32" }))
    assert.are.equal(8, cdef.parse(source, { abi = "win64", defines = { __GNUC__ = 12 } }).Wide.size)
    assert.are.equal(8, cdef.parse("enum E : long long { A = 0x100000000 };", { abi = "win64" }).E.size)
  end)

  it("refuses a pointer of another width than the ABI's", function()
    local function of(word, abi, defines)
      return cdef.parse("struct S { char a; void * " .. word .. " b; int c; };",
        { abi = abi, defines = defines })
    end
    assert.same({ 24, 12 }, { of("__ptr64", "win64").S.size, of("__ptr32", "win32").S.size })
    for word, abi in pairs { __ptr32 = "win64", __ptr64 = "win32", POINTER_32 = "win64",
      POINTER_64 = "win32" } do
      contains("line 1, column 27: a pointer with '" .. word .. "' is not read here",
        select(2, pcall(function() return of(word, abi).S end)))
    end
    assert.are.equal(24, of("__ptr32", "win64", { __ptr32 = "" }).S.size)
    assert.are.equal(8, cdef.parse("struct S { PVOID64 p; };", { abi = "win64" }).S.size)
    contains("expected a type, got 'PVOID64'", problem("struct S { PVOID64 p; };", { abi = "win32" }))
  end)

  it("reads attributes and alignas", function()
    local types = cdef.parse [=[
      struct __attribute__((packed)) A { char c; int i; };
      struct B { char c; int i; } __attribute__((__packed__, aligned(2)));
      struct C { char c; int i __attribute__((packed)); alignas(16) char d; _Alignas(double) char e; };
      struct alignas(32) D { int i; };
      __declspec(align(16)) struct E { int i; };
      typedef int aligned_int __attribute__((aligned(8)));
      struct F { char c; aligned_int i; };
      struct [[deprecated]] G { [[maybe_unused]] int i; };
      typedef struct __declspec(novtable) { int i; } __attribute__((unused)) H;
    ]=]
    local sizes = {}
    for letter in ("ABCDEFGH"):gmatch(".") do sizes[#sizes + 1] = types[letter].size end
    assert.same({ 5, 6, 32, 32, 16, 16, 4, 4 }, sizes)
    assert.same({ 1, 2, 16, 32, 16, 8 },
      { types.A.align, types.B.align, types.C.align, types.D.align, types.E.align,
      types.F.align })
  end)

  it("reads enums, whose values are constants too", function()
    local types, values = cdef.parse([[
      enum Plain { A, B = 5, C, D = -1, E = C << 2, F = 'x', };
      enum Small : uint8_t { G = 200 };
      enum class Scoped : short { X = 3, Y };
      enum Opaque : long long;
      enum Wide { W = 0x1ffffffff };
      enum __attribute__((packed)) Packed { P = 255 };
      struct Inner { enum { ONE = '1', TWO = 2 } digit; };
      struct S { Plain p; enum Small s; Scoped c; enum Opaque o; enum Wide w; enum Packed k;
      enum { IN, OUT } d; };
    ]], { defines = { __GNUC__ = 12 } })
    assert.same({ 0, 5, 6, -1, 24, 120, 200 }, { values.A, values.B, values.C, values.D, values.E, values.F,
      values.G })
    assert.same({ 3, 4, 0, 1, 49 },
      { values["Scoped::X"], values["Scoped::Y"], values.IN, values.OUT, values.ONE })
    assert.are.equal(("32 %d p=0 s=4 c=6 o=8 w=16 k=24 d=28"):format(string.packsize("!bj") - 8),
      layout(types.S, "p", "s", "c", "o", "w", "k", "d"))
    local map <close> = assert(filemap.create(nil, 64))
    local view <close> = assert(map:view())
    local s = types.S:at(view, 0)
    s.s, s.c, s.p = "G", "Y", "D"
    assert.same({ 200, 4, -1 }, { view:get_u8(4), view:get_i16(6), view:get_i32(0) })
    assert.same({ "G", "Y", "D", 0 }, { s.s, s.c, s.p, s.o })
  end)

  it("gives macros, enumerators and constants as constants", function()
    local values = constants [[
      #define ANSWER 42
      #define NAME "Local\\Ga" "me"
      #define FLAGS (ANSWER << 4 | 0x0F)
      #define RATIO 1.5f
      #define ALL ((DWORD)-1)
      #define SIZE sizeof(struct S)
      #define AT offsetof(struct S, b[2])
      #define OF_ARGUMENTS(a, b) ((a) << 8 | (b))
      #define MADE OF_ARGUMENTS(1, 2)
      #define BIG 0xFFFFFFFFFFFFFFFFull
      #define LETTER L'é'
      #define MICROSOFTS 0x7fi64 + 200ui8
      #define CHOSEN 0 ? "no" : "yes"
      #define GONE 1
      #undef GONE
      #define TYPE int
      #define EMPTY
      #define CODE do_this(ANSWER)
      #define CYCLE CYCLE
      struct S { int a; int b[3]; static const int IN = 9; };
      static const float PI = 3.25f; const char TEXT[] = "text"; static const wchar_t *const WIDE = L"wide";
      constexpr unsigned short MASK{0xff}; static constexpr int TWICE = MASK * 2; const int *pointer = 0;
      static const struct S zero = { 0 }; int variable = 3; const uint8_t BYTE_ = 0x1ff;
    ]]
    assert.same({
      ANSWER = 42, NAME = "Local\\Game", FLAGS = 687, RATIO = 1.5, ALL = 0xffffffff, SIZE = 16, AT = 12,
      MADE = 258, BIG = -1, LETTER = 0xe9, IN = 9, PI = 3.25, TEXT = "text", WIDE = "wide", MASK = 255,
      TWICE = 510, BYTE_ = 255, MICROSOFTS = 327, CHOSEN = "yes",
    }, values)
  end)

  it("counts as C does", function()
    local values = constants [[enum {
      A = 7 / 2, B = -7 / 2, C = -7 % 3, D = 1u - 2 > 0, E = -1 < 0u, F = ~0, G = !3, H = 1 ? 2 : 3,
      I = 3 == 3.0,
      J = 1 << 31 >> 31, K = (unsigned char)300, L = (int)3.9, M = 0 && 1 / 0, N = 1 || 1 / 0,
      O = 1 ? 2 : 1 / 0,
      P = 2 + 3 * 4 - 1, Q = 1 | 2 ^ 3 & 4, R = 8 >> 1 << 2, S = 1 < 2 == 1, T = sizeof(1ll), U = sizeof(1),
      V = -0x80000000LL < 0, W = 0x80000000 > 0, X = static_cast<int>(2.5) + int(3),
      Y = UINT8_MAX + INT16_C(1),
      Z = (long long)1 << 40 != 0 };]]
    local list = {}
    for letter in ("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):gmatch(".") do list[#list + 1] = values[letter] end
    assert.same({ 3, -3, -1, 1, 0, -1, 0, 2, 1, -1, 44, 3, 0, 1, 2, 13, 3, 16, 1, 8, 4, 1, 1, 5, 256, 1 },
      list)
  end)

  it("reads characters behind a prefix beside macros and names that are prefixes too", function()
    local source = "#define N 3\nenum { A = N, L5 = 9, B = L'5', C }; enum { L = 7, D = u'x', E = L + L'0' };"
    assert.same({ N = 3, A = 3, L5 = 9, B = 53, C = 54, L = 7, D = 120, E = 55 }, constants(source))
    local types = cdef.parse("#define N 3\nenum { L5 = 9 }; struct S { char a[N + L'5']; };")
    assert.are.equal(56, types.S.size)
  end)

  it("reads conditions, guards and what stands between", function()
    local types = cdef.parse([[
      #ifndef HEADER_H
      #define HEADER_H
      #pragma once
      #include <stdint.h>
      #include "other.h"
      # 33 "file.h"
      #if 0
        don't read "this
      #elif defined(VERSION) && VERSION >= 2 && !defined OLD
        #ifdef _WIN32
          struct Windows { int a; };
        #else
          struct Linux { int a; };
        #endif
      #else
        #error never
      #endif
      #if defined(__has_include) && __has_include(<x.h>)
        #error nor this
      #endif
      #if __clang__ || (3 > 2 ? 0 : 1)
        #error nor that
      #elifdef VERSION
        struct Then { int a; };
      #endif
      #endif
    ]], { defines = { VERSION = 2 }, abi = "win64" })
    local found = {}
    for name in pairs(types) do found[#found + 1] = name end
    table.sort(found)
    assert.same({ "Then", "Windows" }, found)
  end)

  it("takes macros that it is given", function()
    local source = "struct S { char name[LENGTH]; MINE x; API int y; };\n#ifdef _WIN32\n#error\n#endif\n"
    local S = one(source, "S", {
      abi = "win32", defines = { LENGTH = 12, MINE = "unsigned char", API = "", _WIN32 = false },
    })
    assert.are.equal("20 4 name=0 x=12 y=16", layout(S, "name", "x", "y"))
    assert.is_nil(constants("", { defines = { LENGTH = 12 } }).LENGTH)
    assert.are.equal(1, constants("#define X GIVEN", { defines = { GIVEN = true } }).X)
  end)

  it("checks what is asserted", function()
    cdef.parse [[struct S { int a; static_assert(1, ""); }; _Static_assert(sizeof(struct S) == 4, "size");
      static_assert(offsetof(S, a) == 0); static_assert(std::is_standard_layout<S>::value, "layout");
      C_ASSERT(sizeof(WORD) == 2);]]
    assert.are.equal("line 1, column 14: static_assert does not hold: the size", problem(
      'static_assert(sizeof(int) == 5, "the " "size");'))
  end)

  it("reads what headers take from C++", function()
    local types, values = cdef.parse([[
      namespace game { inline namespace v1 { struct Vec { float x, y; }; }
        enum Kind { WALL = 3 }; constexpr int MOST = 4; }
      using Real = double;
      using game::Kind;
      extern "C" { struct C { int a; }; void call(C *); }
      extern "C" int other(void);
      class Base final { public: int id; char tag; private: static int hidden; };
      struct Actor : public Base {
        Actor() : Base(), speed{0}, list{1, 2} { reset(); }
        explicit Actor(int x);
        ~Actor() = default;
        Actor &operator=(const Actor &) = delete;
        bool operator()(int x) const noexcept { if (x) { return true; } return false; }
        std::string name() const;
        template_free int unknown_type();
        friend class World;
        friend bool operator==(const Actor &a, const Actor &b) { return true; }
        static int count; static const int LIMIT = 10;
        typedef float real;
        using Id = std::uint32_t;
        enum Mode { IDLE, RUN } mode = IDLE;
        real speed = 1.5f; Id list[2]{};
        game::Vec at; Kind kind; Real weight;
        mutable int cache; float near, far; char FAR *text;
      };
      inline int twice(int x) { return x * 2; }
      Actor world[MAX_PATH];
    ]], { abi = "win64" })
    assert.are.equal("72 8 id=0 tag=4 mode=8 speed=12 list=16 at=24 kind=32 weight=40 cache=48 far=56 "
      .. "text=64",
      layout(types.Actor, "id", "tag", "mode", "speed", "list", "at", "kind", "weight", "cache", "far",
        "text"))
    assert.same({ 10, 4, 3, 1 }, { values.LIMIT, values["game::MOST"], values.WALL, values.RUN })
    assert.are.equal(types.Vec, types["game::Vec"])
    assert.are.equal(8, types.Vec.size)
  end)

  it("knows the structs of <time.h> and <windows.h>", function()
    local S = one([[struct S { FILETIME f; LARGE_INTEGER l; GUID g; RECT r; SYSTEMTIME s; POINT p;
      struct timespec t; };]], "S", { abi = "win64" })
    assert.are.equal("88 8 f=0 l=8 g=16 r=32 s=48 p=64 t=72", layout(S, "f", "l", "g", "r", "s", "p", "t"))
    assert.are.equal(12, (S:offsetof("l.HighPart")))
    assert.same({ 56, 36 }, { one("struct S { struct tm t; };", "S", { abi = "linux64" }).size,
      one("struct S { struct tm t; };", "S", { abi = "win64" }).size })
  end)

  it("lets a header's own names come first", function()
    local types, values = cdef.parse([[
      #ifndef MAX_PATH
      #define MAX_PATH 99
      #endif
      typedef unsigned char BOOL; typedef struct { int x; } POINT;
      struct S { char path[MAX_PATH]; BOOL b; POINT p; };]])
    assert.are.equal(99, values.MAX_PATH)
    assert.are.equal("104 4 b=99 p=100", layout(types.S, "b", "p"))
  end)

  it("reads what headers have from <tchar.h>, and names of Linux", function()
    local types, values = cdef.parse([[
      static const _TCHAR NAME[] = _T("Local\\Name"); constexpr auto OTHER = L"other";
      constexpr auto MOST = 3u;
      DECLARE_HANDLE(HTHING);
      struct S { _TCHAR text[4]; HTHING thing; __u16 a; __s64 b; };]],
      { abi = "win64", defines = { UNICODE = 1 } })
    assert.same({ NAME = "Local\\Name", OTHER = "other", MOST = 3 }, values)
    assert.are.equal("32 8 thing=8 a=16 b=24", layout(types.S, "thing", "a", "b"))
    contains("expected a type that has a size, got auto", problem("struct S { auto x; };"))
  end)

  it("keeps what two structs call the same apart", function()
    local types = cdef.parse "struct A { enum Kind { X } k; }; struct B { struct Kind { int a, b; } k; };"
    assert.are.equal("4 4 k=0", layout(types.A, "k"))
    assert.are.equal("8 4 k=0", layout(types.B, "k"))
    assert.is_nil(types.Kind)
    assert.are.equal(8, types["B::Kind"].size)
    contains("'Kind' is declared in several scopes", problem(
      "struct A { enum Kind { X } k; }; struct B { struct Kind { int a; } k; }; struct C { Kind k; };"))
  end)

  it("reads all ends of lines, comments and continued lines", function()
    local types = cdef.parse("\xEF\xBB\xBFstruct S { // \\\r\n no ; \r\n int a; /* \n * / */ int b; \\\n\r\n"
      .. "};\r\n#define X \\\r\n 5\r\nstruct T { int x[X]; }; // the end")
    assert.same({ 8, 20 }, { types.S.size, types.T.size })
    local S = one("#define N 2\rstruct S { int a[N]; // the first\rint b;\r\r\nint c; // the last\r};\r")
    assert.are.equal(16, S.size)
    assert.same({}, (cdef.parse("")))
  end)
end)

describe("an error of cdef.parse", function()
  it("tells the line, the column and what was expected", function()
    for source, message in pairs {
      ["struct S {\n  int a;\n  int b int c;\n};"] = "line 3, column 9: expected ';', got 'int'",
      ["struct S { int a }"] = "line 1, column 18: expected ';', got '}'",
      ["struct S { int a; "] = "line 1, column 19: expected '}', got the end",
      ["struct S { int a; }"] = "line 1, column 20: expected a name or ';', got the end",
      ["struct S { foo a; };"] = "line 1, column 12: expected a type, got 'foo'",
      ["struct { int a; } x"] = "line 1, column 20: expected ';', got the end",
      ["\n\tint a[n];"] = "line 2, column 8: expected a constant, got 'n'",
      ["int a[2"] = "line 1, column 6: expected ']' before the end",
      ["struct S { struct T { int a; } int b; };"] =
        "line 1, column 32: expected the name of a member, got 'int'",
      ["struct typedef { int a; };"] = "line 1, column 8: expected a name or '{', got 'typedef'",
      ["#pragma3 pack(1)"] = "line 1, column 1: expected a directive behind '#', got 'pragma3'",
      ["enum E { 1 };"] = "line 1, column 10: expected an enumerator or '}', got '1'",
      ["enum { A, A };"] = "line 1, column 11: 'A' is declared twice",
      ["enum { A = };"] = "line 1, column 12: expected a constant expression, got '}'",
      ["struct S { int : 3.5; };"] = "line 1, column 18: expected an integer as the width of a bit-field, "
        .. "got 3.5",
      ["`"] = "line 1, column 1: unexpected character '`'",
      ["int \1;"] = "line 1, column 5: unexpected byte 0x01",
      ['char *x = "abc'] = 'line 1, column 11: expected " before the end of the line',
      ["enum { A = L'\\xffffffff' };"] = "line 1, column 12: '\\xffffffff' is not a character of Unicode",
      ["enum { A = '\\q' };"] = "line 1, column 12: expected an escape sequence, got '\\q'",
      ["/* no end"] = "line 1, column 1: expected '*/' before the end",
      ["int a[08];"] = "line 1, column 7: expected a number, got '08'",
      ["int a[1x];"] = "line 1, column 7: expected a number, got '1x'",
      ["int a[99999999999999999999];"] = "line 1, column 7: the number '99999999999999999999' does not fit "
        .. "64 bits",
      ["int a[1/0];"] = "line 1, column 8: division by zero",
      ["int a[1 << 64];"] = "line 1, column 9: expected a shift by 0 to 31 bits, got 64",
      ["int a[-1];"] = "line 1, column 7: an array cannot have -1 elements",
      ["int a[\"x\"];"] = "line 1, column 7: expected an integer as the bound of an array, got a string",
      ["int a[2][];"] = "line 1, column 10: expected the bound of an inner array",
    } do
      contains(message, problem(source))
    end
  end)

  it("is what a preprocessor's mistake is", function()
    for source, message in pairs {
      ["#if 1\nint a;"] = "line 1, column 1: expected #endif before the end",
      ["\n#endif"] = "line 2, column 1: #endif without #if",
      ["#else"] = "line 1, column 1: #else without #if",
      ["#if 1\n#else\n#else\n#endif"] = "line 3, column 1: #else behind #else",
      ["#if\n#endif"] = "line 1, column 1: expected a constant expression, got the end",
      ["#if 1 2\n#endif"] = "line 1, column 7: expected the end of the condition, got '2'",
      ["#ifdef 3\n#endif"] = "line 1, column 8: expected the name of a macro",
      ["#define\n"] = "expected the name of a macro",
      ["#define F(a b) 1\n"] = "line 1, column 13: expected the parameters of a macro up to ')'",
      ["#define F(a) a\nint x[F(1, 2)];"] = "line 2, column 7: expected 1 arguments of macro 'F', got 2",
      ["#define F(a) a\nint x[F(1];"] = "line 2, column 7: expected ')' behind the arguments of macro 'F'",
      ["#define F(a) #a\nint x[F(1)];"] = "expected an integer as the bound of an array, got a string",
      ["#define F(a, b) a ## b\nint x[F(+, /)];"] = "line 2, column 7: '+' ## '/' is not one token",
      ["#error This isn't for you\nint a;"] = "line 1, column 1: error This isn't for you",
      ["#if 0 +\n#endif"] = "line 1, column 1: expected a constant expression, got the end",
      ["#frobnicate"] = "line 1, column 1: expected a directive behind '#', got 'frobnicate'",
      ["#pragma pack(3)\nint a;"] = "line 1, column 1: the argument of #pragma pack must be 1, 2, 4, 8 or "
        .. "16, got 3",
      ["#pragma pack(pop)\nint a;"] = "line 1, column 1: #pragma pack(pop) without pack(push)",
      ["#pragma pack(first, 2, 3)\nint a;"] =
        "expected pack(), pack(n), pack(push, n) or pack(pop), got pack(first,",
      ["#pragma pack(push 1)\nint a;"] = "line 1, column 1: expected pack(), pack(n), pack(push, n) or "
        .. "pack(pop)",
      ["#pragma pack(, 1)\nint a;"] = "expected pack(), pack(n), pack(push, n) or pack(pop), got pack(,1)",
      ["#if F(3)\n#endif"] = "line 1, column 5: 'F' is not a macro with arguments",
    } do
      contains(message, problem(source))
    end
  end)

  it("is what a compiler rejects, where a member or a type would be lost or made", function()
    for source, message in pairs {
      ["struct S { double a (Kelvin) // 0 to 1000\n double b; };"] =
        "line 2, column 2: expected ';', got 'double'",
      ["struct S { double a (Kelvin); double b; };"] = "line 1, column 22: expected a type, got 'Kelvin'",
      ["struct S { int f(int a, Kelvin b); };"] = "line 1, column 25: expected a type, got 'Kelvin'",
      ["struct S { Kelvin f(int a); };"] = "line 1, column 12: expected a type, got 'Kelvin'",
      ["Kelvin f(int a);\n"] = "line 1, column 1: expected a type, got 'Kelvin'",
      ["extern const Kelvin *f(void);\n"] = "line 1, column 14: expected a type, got 'Kelvin'",
      ["int f(int a)\nstruct S { int b; };"] = "line 2, column 1: expected ';' or '{', got 'struct'",
      ["int f(int a)\ntypedef int T;"] = "line 2, column 1: expected ';' or '{', got 'typedef'",
      ["int f(int a) static_assert(1, \"\");"] = "expected ';' or '{', got 'static_assert'",
      ["struct S { int a; };\nextern struct S s static_assert(sizeof(struct S) == 8);"] = "expected ';', got",
      ["struct S { int a; } static_assert(1, \"\");"] = "expected a name or ';', got 'static_assert'",
      ["struct S { int a; }_assert(sizeof(struct S) == 4, \"\");"] = "expected ';', got '_assert'",
      ["struct S { floa& b; };"] = "expected a type, got 'floa'",
      ["struct S { int b; int f static_assert(1); };"] = "expected ';', got 'static_assert'",
      ["struct S { int a; static_asert(1); };"] = "expected a member, got 'static_asert'",
      ["static_asert(sizeof(int) == 4);"] = "expected a type, got 'static_asert'",
      ["struct S { int a; };\nS;"] = "line 2, column 2: expected a name before ';'",
      ["struct S { int a = 1 2; };"] = "line 1, column 22: expected an operator, got '2'",
      ["typedef int T; struct S { int a = 1 T; int b; };"] =
        "line 1, column 37: expected an operator, got 'T'",
      ["struct S { int a = { 1 2 }; };"] = "line 1, column 24: expected an operator, got '2'",
      ["struct S { int a = (1 2); };"] = "line 1, column 23: expected an operator, got '2'",
      ["struct S { int a = 1 +; };"] = "line 1, column 23: expected an expression, got ';'",
    } do
      contains(message, problem(source))
    end
  end)

  it("is nothing that C++ accepts in an initialiser or in a function's declaration", function()
    local types, _, skipped = cdef.parse [[
      typedef unsigned int uint32; struct Later;
      struct S {
        int a = sizeof a, b = (int) 3, c = static_cast<int>(4), d = unsigned(5), e{ 1 }, f = { -1 };
        const char *g = "a" "b";
        bool h = true && !false, i = a < b ? a : b;
        S() = default; S(const S &other); ~S() noexcept; S &operator=(const S &other);
        uint32 j(uint32 a, const Later *b, struct Unseen *c, void (*d)(int), int = 3) const noexcept;
        static S *k(S, S &&, unsigned long, ...); operator bool() const { return true; } auto l() -> int;
      };
      static inline S *m(S a, uint32 b) { return 0; } extern n(); uint32 const o(void);
    ]]
    assert.is_nil(skipped[1], skipped[1] and skipped[1].line .. ": " .. skipped[1].message)
    assert.is_table(types.S)
    _, _, skipped = cdef.parse "#include <nowhere.h>\nKelvin f(int); struct S { int a; Kelvin g(Celsius); };"
    assert.is_nil(skipped[1])
  end)

  it("is what would otherwise be a guess", function()
    for source, message in pairs {
      ["struct S { struct S s; };"] = "line 1, column 21: 'struct S' is not complete here",
      ["struct T; struct S { T t; };"] = "'struct T' is not complete here",
      ["struct E {}; struct S { E e; };"] = "'struct E' has no members: compilers do not agree on its size",
      ["struct S { long float x; };"] = "'long float' is not a type that is read here",
      ["struct S { _Float16 x; };"] = "'_Float16' is not read here",
      ["struct S { std::string s; };"] = "expected a type, got 'std'",
      ["struct S { virtual ~S(); int a; };"] = "virtual functions are not read here",
      ["struct S { int virtual f(); int a; };"] = "virtual functions are not read here",
      ["template <class T> struct S { T a; };"] = "templates are not read here",
      ["struct A { int a; }; struct S : virtual A { };"] = "a virtual base is not read here",
      ["struct A { int a; }; struct B { int b; }; struct S : A, B { };"] = "several bases are not read here",
      ["struct S { int a[]; int b; };"] = "a flexible array has to be the last member",
      ["struct S { int a[]; };"] = "a flexible array has to follow another member",
      ["struct S { int a; int a; };"] = "line 1, column 23: field 'a' is there twice",
      ["struct S { int a; union { int b, a; }; };"] = "field 'a' is there twice",
      ["struct S { int a : 33; };"] = "line 1, column 16: field 'a': 33 bits do not fit its type of 32",
      ["struct S { char *a : 3; };"] = "a bit-field is of an integer type",
      ["struct S { float a : 3; };"] = "a bit-field is of an integer type",
      ["struct S { int a; }; struct S { int b; };"] = "line 1, column 22: 'S' is declared twice",
      ["typedef int T; typedef float T;"] = "line 1, column 30: 'T' is declared twice",
      ["struct S { void v; };"] = "expected a type that has a size, got void",
      ["struct S { int f(int), g; };"] = "a function and what is declared with it are not read here",
      ["struct S { MACRO(x) int a; };"] = "expected a member, got 'MACRO'",
      ["struct S { int a[1 << 30][1 << 30]; };"] = "is too large",
      ["struct S { int a __attribute__((mode(XF))); };"] = "mode 'XF' is not read here",
      ["typedef int T __attribute__((aligned(8))); struct S { T t[2]; };"] =
        "elements of 4 bytes that align to 8",
      ["struct S { int * __attribute__((aligned(64))) a; };"] = "an attribute of a pointer is not read here",
      ["struct S { int a __attribute__((aligned(3))); };"] = "expected a power of 2 as an alignment, got 3",
      ["enum E { A = 300 } ; enum F : uint8_t { B = 300 };"] = "'B' = 300 does not fit u8",
      ["enum E { A = 0x7fffffffffffffff, B };"] = "the value of 'B' does not fit 64 bits",
    } do
      contains(message, problem(source))
    end
    contains("'B' is not a plain struct", problem(
      "struct B { int a; char c; B(); }; struct S : B { char d; };", { abi = "linux64" }))
    cdef.parse("struct B { int a; char c; B(); }; struct S : B { char d; };", { abi = "win64" })
    for _, base in ipairs {
      "struct B { unsigned a : 3; B(); };", "struct N { N(); char c; }; struct B { int a; N n[1]; };",
      "struct B { int &a; char c; };",
      "struct N { N(); char c; }; struct B { union { N n; }; int a; char c; };",
    } do
      local source = base .. " struct S : B { char d; };"
      contains("'B' is not a plain struct", problem(source, { abi = "linux64" }))
    end
    for _, attribute in ipairs { "[[no_unique_address]]", "[[msvc::no_unique_address]]" } do
      contains("attribute 'no_unique_address' is not read here",
        problem(("struct P { P(); int a; char b; }; struct S { %s P p; char c; };"):format(attribute)))
    end
  end)

  it("is one of the program for bad arguments", function()
    for _, case in ipairs {
      { "bad argument #1 to 'parse' (string expected, got nil)" },
      { "bad argument #2 to 'parse' (table expected, got string)", "", "win64" },
      { "unknown option 'arch'", "", { arch = 1 } },
      { "unknown option 'arch'", "", setmetatable({ arch = 1 }, { __pairs = false, __index = error }) },
      { "'1' is not the name of a macro", "",
        { defines = setmetatable({ ["1"] = 1 }, { __pairs = false }) } },
      { "option 'abi' must be \"linux64\", \"linux32\", \"win64\", \"win32\", \"arm64\", \"arm32\", "
        .. "\"riscv64\", \"ppc64le\" or \"s390x\", got arm", "", { abi = "arm" } },
      { "option 'defines' must be a table, got string", "", { defines = "X" } },
      { "'1' is not the name of a macro", "", { defines = { "X" } } },
      { "'a b' is not the name of a macro", "", { defines = { ["a b"] = 1 } } },
      { "macro 'X' must be a string, a number or a boolean, got table", "", { defines = { X = {} } } },
      { "macro 'X' must not have a line break", "", { defines = { X = "1\n#error x\n" } } },
      { "macro 'X' must not have a line break", "", { defines = { X = "1\r2" } } },
    } do
      local message = check.raises(cdef, ".parse", case[2], case[3])
      assert.is_nil(message:find("cdef.lua", 1, true), message)
      contains(case[1], message)
    end
  end)
end)
