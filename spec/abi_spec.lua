-- What the C ABIs of processors differ in, against their compilers; and the ABI of this machine.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local compiler = require "spec.support.compiler"
local core = require "filemap.core"
local ctype = require "filemap.ctype"
local filemap = require "filemap"
local struct = require "filemap.struct"
local support = require "spec.support"

support.clean()

local only = support.only("posix", "there are no compilers among the Windows programs")

-- Each as it is in a struct, whose offset of it is its alignment there.
local NAMES = [[
  pthread_mutex_t pthread_rwlock_t pthread_attr_t pthread_barrier_t sem_t pthread_cond_t
  pthread_mutexattr_t pthread_condattr_t pthread_barrierattr_t pthread_t pthread_once_t pthread_key_t
  pthread_spinlock_t nlink_t blksize_t blkcnt_t mode_t dev_t ino_t off_t time_t clock_t suseconds_t
  register_t int_fast8_t int_fast16_t int_fast32_t int_fast64_t max_align_t wint_t wchar_t timer_t size_t
  ptrdiff_t va_list long double long_double complex_float complex_double complex_long_double aligned
  vector16 vector32 atomic_llong atomic_16 atomic_char pthread_rwlockattr_t
  fsblkcnt_t fsfilcnt_t fsblkcnt64_t fsfilcnt64_t blkcnt64_t ino64_t daddr_t fsid_t fd_set fd_mask sigset_t
  key_t id_t uid_t gid_t pid_t socklen_t loff_t caddr_t quad_t u_quad_t
  __kernel_long_t __kernel_ulong_t __kernel_ino_t __kernel_mode_t __kernel_pid_t __kernel_ipc_pid_t
  __kernel_uid_t __kernel_gid_t __kernel_suseconds_t __kernel_daddr_t __kernel_uid32_t __kernel_gid32_t
  __kernel_old_uid_t __kernel_old_gid_t __kernel_old_dev_t __kernel_size_t __kernel_ssize_t
  __kernel_ptrdiff_t __kernel_fsid_t __kernel_fd_set __kernel_off_t __kernel_loff_t __kernel_old_time_t
  __kernel_time_t __kernel_time64_t __kernel_clock_t __kernel_timer_t __kernel_clockid_t __kernel_caddr_t
  __kernel_uid16_t __kernel_gid16_t __kernel_key_t __kernel_mqd_t
]]

-- The same for Windows.
local WINDOWS_NAMES = [[
  OVERLAPPED SECURITY_ATTRIBUTES CRITICAL_SECTION RTL_CRITICAL_SECTION MSG VARIANT_BOOL LUID_AND_ATTRIBUTES
  M128A FILETIME SYSTEMTIME GUID LUID LARGE_INTEGER ULARGE_INTEGER POINT POINTL POINTS SIZE RECT RECTL
  LIST_ENTRY COORD HANDLE LPARAM WPARAM DWORD_PTR KAFFINITY LONGLONG DOUBLE DATE WCHAR BOOLEAN ATOM
  LPOVERLAPPED LPSECURITY_ATTRIBUTES LPCRITICAL_SECTION LPMSG PMSG PM128A
]]

local DECLARED = [[
  typedef long double long_double; typedef _Complex float complex_float;
  typedef _Complex double complex_double;
  typedef _Complex long double complex_long_double; typedef int aligned __attribute__((aligned));
  typedef int vector16 __attribute__((vector_size(16)));
  typedef int vector32 __attribute__((vector_size(32)));
  struct sixteen { char text[16]; }; typedef _Atomic struct sixteen atomic_16;
]]

-- A source for both, and what it includes for the compiler alone.
local function source_of_names(names, declared)
  local lines = { declared }
  for name in names:gmatch("%S+") do
    lines[#lines + 1] = ("struct in_%s { char before; %s member; };"):format(name, name)
  end
  return table.concat(lines, "\n") .. "\n"
end

local INCLUDES = [[
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <linux/types.h>
// The names of these that gcc alone does not see.
typedef __fsblkcnt64_t fsblkcnt64_t; typedef __fsfilcnt64_t fsfilcnt64_t;
typedef __blkcnt64_t blkcnt64_t; typedef __ino64_t ino64_t;
]]

local WINDOWS_INCLUDES = "#include <wtypes.h>\n"

local function for_each_abi(name, f)
  for _, abi in ipairs(compiler.abis) do
    only(("%s for %s"):format(name, abi), function()
      local missing = compiler.missing(abi)
      if missing then return pending(missing) end
      f(abi)
    end)
  end
end

describe("an ABI", function()
  for_each_abi("has the compiler's sizes and alignments of the names of headers", function(abi)
    local windows = ctype.abi(abi).windows
    local names = windows and WINDOWS_NAMES or NAMES
    local source, questions = source_of_names(names, windows and "" or DECLARED), {}
    for name in names:gmatch("%S+") do
      local question = "FACTS(%d, 2, sizeof(%s), offsetof(struct in_%s, member));"
      questions[#questions + 1] = question:format(#questions + 1, name, name)
    end
    local text = (windows and WINDOWS_INCLUDES or INCLUDES) .. source .. table.concat(questions, "\n")
    local facts = assert(compiler.finish(compiler.start(abi, text)))
    local types, n = cdef.parse(source, { abi = abi }), 0
    for name in names:gmatch("%S+") do
      n = n + 1
      local size, offset = string.unpack(compiler.order(abi) .. "I8I8", facts[n])
      local at, found = types["in_" .. name]:offsetof("member")
      assert.same({ name, size, offset }, { name, found, at })
    end
    assert.is_true(n > 30)
  end)

  for_each_abi("reads a plain char as the compiler does", function(abi)
    local truths = {}
    for _, signed in ipairs { true, false } do
      local source = ([[
        #include <limits.h>
        _Static_assert(((char)-1 < 0) == %d, "cast");
        _Static_assert((CHAR_MIN < 0) == %d, "CHAR_MIN");
        _Static_assert(CHAR_MAX == (%d ? 127 : 255), "CHAR_MAX");
        #if ('\xff' < 0) != %d
        #error a character
        #endif
      ]]):gsub("%%d", signed and "1" or "0")
      truths[signed] = compiler.finish(compiler.start(abi, source)) ~= nil
      local well, message = pcall(cdef.parse, source, { abi = abi })
      assert.are.equal(truths[signed], well, message)
    end
    assert.are_not.equal(truths[true], truths[false])
    local map <close> = assert(filemap.create(nil, 16))
    local view <close> = map:view()
    view:fill(0, 16, 0xff)
    local source = "struct S { char c; char b : 3; signed char s; unsigned char u; };"
    local record = cdef.parse(source, { abi = abi }).S:read(view, 0)
    local expected = { c = 255, b = 7, s = -1, u = 255 }
    if truths[true] then expected.c, expected.b = -1, -1 end
    assert.same(expected, record)
  end)

  for_each_abi("reads the signs of wide characters, and of characters in conditions, as the compiler does",
    function(abi)
      local source = [[
        #include <stddef.h>
        #include <stdint.h>
        enum { CAST = (wchar_t)-1 < 0, HALF = (wchar_t)0x80000000 / 2 < 0, MIXED = -1 < (wchar_t)1,
               LITERAL = L'\0' - 1 < 0, LEAST = WCHAR_MIN + 0 < 0, MOST = WCHAR_MAX - 1 > 0,
               WINT = WINT_MAX - 1 > 0, FAST = INT_FAST16_MAX - 1 > 0, UFAST = UINT_FAST16_MAX / 2 > 0 };
      ]]
      local conditions = { NARROW = [['\0' - 1 < 0]], TWO = "'ab' * 0 - 1 < 0", WIDE = [[L'\0' - 1 < 0]],
        UTF16 = [[u'\0' - 1 < 0]], UTF32 = [[U'\0' - 1 < 0]] }
      local names = { "CAST", "HALF", "MIXED", "LITERAL", "LEAST", "MOST", "WINT", "FAST", "UFAST" }
      for name, condition in pairs(conditions) do
        source = ("%s\n#if %s\nenum { %s = 1 };\n#else\nenum { %s = 0 };\n#endif\n"):format(source, condition,
          name, name)
        names[#names + 1] = name
      end
      local question = ("FACTS(1, %d, %s);"):format(#names, table.concat(names, ", "))
      local facts = assert(compiler.finish(compiler.start(abi, source .. question)))
      local answers = { string.unpack(compiler.order(abi) .. ("I8"):rep(#names), facts[1]) }
      local _, constants = cdef.parse(source, { abi = abi })
      local expected, found = {}, {}
      for i, name in ipairs(names) do expected[name], found[name] = answers[i], constants[name] end
      assert.same(expected, found)

      local map <close> = assert(filemap.create(nil, 16))
      local view <close> = map:view()
      view:fill(0, 16, 0xff)
      source = "struct S { wchar_t w; wchar_t b : 4; char16_t u; char32_t U; };"
      local record, bits = cdef.parse(source, { abi = abi }).S:read(view, 0), ctype.abi(abi).wchar * 8
      local w, b = (1 << bits) - 1, 15
      if expected.CAST == 1 then w, b = -1, -1 end
      assert.same({ w = w, b = b, u = 0xffff, U = 0xffffffff }, record)
    end)

  it("sets the byte order of its records", function()
    local map <close> = assert(filemap.create(nil, 64))
    local view <close> = map:view()
    local source = [[
      #include <endian.h>
      struct S { unsigned a : 4, b : 12; unsigned short c; double d; char text[4];
      #if __BYTE_ORDER == __BIG_ENDIAN
        int big;
      #else
        int little;
      #endif
      };]]
    local value = { a = 5, b = 0x123, c = 0x4567, d = 1.5, text = "abc" }
    for abi, expected in pairs {
      s390x = { "big", "\x51\x23\x45\x67" }, arm64 = { "little", "\x35\x12\x67\x45" },
      linux64 = { "little", "\x35\x12\x67\x45" },
    } do
      local S = cdef.parse(source, { abi = abi }).S
      value.big, value.little = nil, nil
      value[expected[1]] = -2
      S:write(view, 0, value)
      assert.are.equal(expected[2], view:get_string(0, 4), abi)
      assert.are.equal(1.5, (view:unpack(compiler.order(abi) .. "d", 8)))
      assert.same(value, S:read(view, 0))
      assert.are.equal(0x4567, S:at(view).c)
    end
  end)
end)

describe("this machine's ABI", function()
  it("is the one that the C compiler of this library had", function()
    local native = ctype.native_abi
    -- (These are gcc's names and rules of Linux.)
    local of_gcc = { name = true, bitfields = true, unnamed_align = true }
    for key, value in pairs(core.abi) do
      if filemap.platform ~= "win32" or not of_gcc[key] then
        assert.same({ key, value or nil }, { key, native[key] or nil })
      end
    end
    assert.are.equal(string.pack("=I2", 1) == "\1\0" and "<" or ">", native.endian)
    -- (A Lua integer has 8 bytes, which "!" aligns as C does.)
    local S = struct.define(nil, { { "a", "u8" }, { "b", "i64" } })
    assert.are.equal(string.packsize("!bj") - 8, (S:offsetof("b")))
  end)

  it("need not have a name for struct.define, but for cdef.parse", function()
    local native = ctype.native_abi
    finally(function() ctype.native_abi = native end)
    local nameless = {}
    for key, value in pairs(native) do nameless[key] = value end
    nameless.name = nil
    ctype.native_abi = nameless
    local message = check.raises(cdef, ".parse", "struct S { int a; };")
    assert.is_truthy(message:find("option 'abi' must be \"linux64\"", 1, true), message)
    assert.are.equal(4, cdef.parse("struct S { int a; };", { abi = "arm32" }).S.size)
    assert.are.equal(16, struct.define("S", { { "a", "i32" }, { "b", "i32", 3 } }).size)
  end)
end)
