-- Headers of the systems that are known without their files: used where an #include of them is not found.
-- Internal to filemap.cdef.
--
-- Types come by their names alone (names.lua), whether their header is included or not; here are the macros,
-- and what changes a layout. A macro whose value names.lua knows is defined as itself.
local headers = {}

-- Name -> text, a function (abi) -> text, or true: nothing in it matters to a layout.
local texts = {}

local function add(list, text)
  for name in list:gmatch("%S+") do texts[name] = text end
end

local function defines(list)
  return (list:gsub("%S+", "#define %0 %0\n"))
end

-- {-- Packing --------------------------------------------------------------------------------------

for _, n in ipairs { 1, 2, 4, 8, 16 } do
  add(("pshpack%d.h PshPack%d.h PSHPACK%d.H"):format(n, n, n), ("#pragma pack(push, %d)\n"):format(n))
end
add("poppack.h PopPack.h POPPACK.H", "#pragma pack(pop)\n")

-- {-- C and C++ ------------------------------------------------------------------------------------

add([[assert.h complex.h ctype.h errno.h fenv.h float.h iso646.h locale.h math.h memory.h setjmp.h signal.h
  stdarg.h stdatomic.h stdlib.h stdnoreturn.h string.h strings.h tgmath.h threads.h time.h uchar.h wchar.h
  wctype.h malloc.h stdio.h
  algorithm any array atomic bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes ciso646
  climits clocale cmath codecvt compare complex concepts condition_variable csetjmp csignal cstdalign cstdarg
  cstdbool cstddef cstdint cstdio cstdlib cstring ctgmath ctime cuchar cwchar cwctype deque exception
  filesystem forward_list fstream functional future initializer_list iomanip ios iosfwd iostream istream
  iterator limits list locale map memory mutex new numbers numeric optional ostream queue random ranges ratio
  regex scoped_allocator set shared_mutex span source_location sstream stack stdexcept streambuf string
  string_view system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility
  valarray variant vector version x86intrin.h immintrin.h xmmintrin.h emmintrin.h pmmintrin.h tmmintrin.h
  smmintrin.h nmmintrin.h mmintrin.h mm3dnow.h ammintrin.h wmmintrin.h intrin.h mm_malloc.h cpuid.h
  unwind.h]], true)

local stdint = defines [[
  INT8_MIN INT8_MAX UINT8_MAX INT16_MIN INT16_MAX UINT16_MAX INT32_MIN INT32_MAX UINT32_MAX INT64_MIN
  INT64_MAX UINT64_MAX INTMAX_MIN INTMAX_MAX UINTMAX_MAX INTPTR_MIN INTPTR_MAX UINTPTR_MAX PTRDIFF_MIN
  PTRDIFF_MAX SIZE_MAX WCHAR_MIN WCHAR_MAX WINT_MIN WINT_MAX SIG_ATOMIC_MIN SIG_ATOMIC_MAX INT_LEAST8_MIN
  INT_LEAST8_MAX UINT_LEAST8_MAX INT_LEAST16_MIN INT_LEAST16_MAX UINT_LEAST16_MAX INT_LEAST32_MIN
  INT_LEAST32_MAX UINT_LEAST32_MAX INT_LEAST64_MIN INT_LEAST64_MAX UINT_LEAST64_MAX INT_FAST8_MIN
  INT_FAST8_MAX UINT_FAST8_MAX INT_FAST16_MIN INT_FAST16_MAX UINT_FAST16_MAX INT_FAST32_MIN INT_FAST32_MAX
  UINT_FAST32_MAX INT_FAST64_MIN INT_FAST64_MAX UINT_FAST64_MAX
]] .. ("INT8 INT16 INT32 INT64 INTMAX UINT8 UINT16 UINT32 UINT64 UINTMAX"):gsub("%S+",
  "#define %0_C(x) %0_C(x)\n")
add("stdint.h inttypes.h cstdint cinttypes", stdint)

local function limits(abi)
  local list = [[CHAR_BIT SCHAR_MIN SCHAR_MAX UCHAR_MAX CHAR_MIN CHAR_MAX SHRT_MIN SHRT_MAX USHRT_MAX INT_MIN
    INT_MAX UINT_MAX LONG_MIN LONG_MAX ULONG_MAX LLONG_MIN LLONG_MAX ULLONG_MAX MB_LEN_MAX]]
  if not abi.windows then
    list = list .. " PATH_MAX NAME_MAX PIPE_BUF NGROUPS_MAX ARG_MAX XATTR_NAME_MAX SSIZE_MAX"
  end
  return defines(list)
end
add("limits.h climits syslimits.h linux/limits.h", limits)
add("stddef.h cstddef", "#define NULL NULL\n#define offsetof(t, m) offsetof(t, m)\n")
add("stdbool.h",
  "#define bool bool\n#define true 1\n#define false 0\n#define __bool_true_false_are_defined 1\n")
add("stdalign.h", "#define alignas alignas\n#define alignof alignof\n")

-- {-- POSIX and Linux ------------------------------------------------------------------------------

local cdefs = [[
#define __BEGIN_DECLS
#define __END_DECLS
#define __THROW
#define __P(args) args
#define __PMT(args) args
]]
local order = [[
#define __LITTLE_ENDIAN 1234
#define __BIG_ENDIAN 4321
#define __PDP_ENDIAN 3412
#define __BYTE_ORDER @
#define __FLOAT_WORD_ORDER @
#define LITTLE_ENDIAN 1234
#define BIG_ENDIAN 4321
#define PDP_ENDIAN 3412
#define BYTE_ORDER @
]]
local byte_orders = { ["<"] = order:gsub("@", "1234"), [">"] = order:gsub("@", "4321") }
add("sys/cdefs.h features.h", cdefs)
add("endian.h sys/endian.h machine/endian.h sys/param.h sys/types.h bits/endian.h", function(abi)
  return cdefs .. byte_orders[abi.endian]
end)
add("asm/byteorder.h linux/byteorder.h", function(abi)
  return abi.endian == "<" and "#define __LITTLE_ENDIAN 1234\n#define __LITTLE_ENDIAN_BITFIELD\n"
    or "#define __BIG_ENDIAN 4321\n#define __BIG_ENDIAN_BITFIELD\n"
end)
add("linux/types.h asm/types.h linux/posix_types.h linux/stddef.h sys/time.h byteswap.h", true)
local ioctl = [[
#define _IOC_NRBITS 8
#define _IOC_TYPEBITS 8
#define _IOC_SIZEBITS 14
#define _IOC_DIRBITS 2
#define _IOC(dir, type, nr, size) (((dir) << 30) | ((type) << 8) | (nr) | ((size) << 16))
#define _IO(type, nr) _IOC(0U, (type), (nr), 0)
#define _IOR(type, nr, size) _IOC(2U, (type), (nr), sizeof(size))
#define _IOW(type, nr, size) _IOC(1U, (type), (nr), sizeof(size))
#define _IOWR(type, nr, size) _IOC(3U, (type), (nr), sizeof(size))
]]
local ioctl_ppc = ioctl:gsub("14", "13"):gsub("DIRBITS 2", "DIRBITS 3"):gsub("<< 30", "<< 29")
  :gsub("_IOC%(1U", "_IOC(4U"):gsub("_IOC%(3U", "_IOC(6U"):gsub("_IOC%(0U", "_IOC(1U")
add("linux/ioctl.h asm/ioctl.h", function(abi) return abi.name == "ppc64le" and ioctl_ppc or ioctl end)

-- {-- Windows --------------------------------------------------------------------------------------

local partition = [[
#define WINAPI_FAMILY_PC_APP 2
#define WINAPI_FAMILY_PHONE_APP 3
#define WINAPI_FAMILY_SYSTEM 4
#define WINAPI_FAMILY_SERVER 5
#define WINAPI_FAMILY_GAMES 6
#define WINAPI_FAMILY_DESKTOP_APP 100
#define WINAPI_FAMILY_APP 2
#ifndef WINAPI_FAMILY
#define WINAPI_FAMILY WINAPI_FAMILY_DESKTOP_APP
#endif
#define WINAPI_PARTITION_DESKTOP (WINAPI_FAMILY == WINAPI_FAMILY_DESKTOP_APP)
#define WINAPI_PARTITION_APP (WINAPI_FAMILY == WINAPI_FAMILY_DESKTOP_APP \
  || WINAPI_FAMILY == WINAPI_FAMILY_PC_APP \
  || WINAPI_FAMILY == WINAPI_FAMILY_PHONE_APP)
#define WINAPI_PARTITION_PC_APP (WINAPI_FAMILY == WINAPI_FAMILY_DESKTOP_APP \
  || WINAPI_FAMILY == WINAPI_FAMILY_PC_APP)
#define WINAPI_PARTITION_PHONE_APP (WINAPI_FAMILY == WINAPI_FAMILY_PHONE_APP)
#define WINAPI_PARTITION_PHONE WINAPI_PARTITION_PHONE_APP
#define WINAPI_PARTITION_SYSTEM (WINAPI_FAMILY == WINAPI_FAMILY_SYSTEM \
  || WINAPI_FAMILY == WINAPI_FAMILY_DESKTOP_APP)
#define WINAPI_PARTITION_GAMES (WINAPI_FAMILY == WINAPI_FAMILY_GAMES \
  || WINAPI_FAMILY == WINAPI_FAMILY_DESKTOP_APP)
#define WINAPI_FAMILY_PARTITION(partition) (partition)
#define WINAPI_FAMILY_ONE_PARTITION(partitions, partition) ((partitions & partition) == partition)
]]
add("winapifamily.h WinApiFamily.h", partition)

local versions = [[
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#ifndef WINVER
#define WINVER _WIN32_WINNT
#endif
#ifndef NTDDI_VERSION
#define NTDDI_VERSION 0x0A000000
#endif
#ifndef _WIN32_IE
#define _WIN32_IE 0x0A00
#endif
#define _WIN32_WINNT_NT4 0x0400
#define _WIN32_WINNT_WIN2K 0x0500
#define _WIN32_WINNT_WINXP 0x0501
#define _WIN32_WINNT_WS03 0x0502
#define _WIN32_WINNT_VISTA 0x0600
#define _WIN32_WINNT_LONGHORN 0x0600
#define _WIN32_WINNT_WS08 0x0600
#define _WIN32_WINNT_WIN7 0x0601
#define _WIN32_WINNT_WIN8 0x0602
#define _WIN32_WINNT_WINBLUE 0x0603
#define _WIN32_WINNT_WIN10 0x0A00
#define NTDDI_WIN2K 0x05000000
#define NTDDI_WINXP 0x05010000
#define NTDDI_WINXPSP1 0x05010100
#define NTDDI_WINXPSP2 0x05010200
#define NTDDI_WS03 0x05020000
#define NTDDI_VISTA 0x06000000
#define NTDDI_VISTASP1 0x06000100
#define NTDDI_LONGHORN 0x06000000
#define NTDDI_WIN7 0x06010000
#define NTDDI_WIN8 0x06020000
#define NTDDI_WINBLUE 0x06030000
#define NTDDI_WIN10 0x0A000000
]]
add("sdkddkver.h SDKDDKVer.h", versions)

local nameless = ("DUMMYUNIONNAME DUMMYSTRUCTNAME DUMMYUNIONNAME2 DUMMYUNIONNAME3 DUMMYUNIONNAME4 "
  .. "DUMMYUNIONNAME5 DUMMYUNIONNAME6 DUMMYSTRUCTNAME2 DUMMYSTRUCTNAME3"):gsub("%S+", "#define %0\n")
local windows = partition .. versions .. nameless
  .. defines [[TRUE FALSE NULL MAX_PATH MAXDWORD ANYSIZE_ARRAY]]
for name in ([[windows.h Windows.h WINDOWS.H windef.h WinDef.h minwindef.h winnt.h WinNT.h basetsd.h BaseTsd.h
  wtypes.h WTypes.h winbase.h WinBase.h wingdi.h winuser.h WinUser.h]]):gmatch("%S+") do
  texts[name] = { windows }
end
add("tchar.h TCHAR.H", [[
#define _T(x) _T(x)
#define _TEXT(x) _TEXT(x)
]])

-- {-- Finding --------------------------------------------------------------------------------------

--- The text of a header that is known here, and whether its macros are all in it; nil for another one.
function headers.find(name, abi)
  local text = texts[name]
  if text == true then return "", true end
  if type(text) == "function" then text = text(abi) end
  if type(text) == "table" then return text[1], false end
  return text, text ~= nil
end

return headers
