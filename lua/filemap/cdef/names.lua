-- The names that come with <stdint.h>, <stddef.h>, <time.h>, <limits.h> and <windows.h>, for each ABI. A
-- header's own typedefs and macros of these names come first. Internal to filemap.cdef.
local ctype = require "filemap.ctype"

local names = {}

-- {-- Types ----------------------------------------------------------------------------------------

-- A name by what it is: one of the view's types, a character, or a word for what differs between ABIs.
local kind_of = {}

local function add(text, prefix)
  for kind, list in text:gmatch("([%w_]+):([^:;]+);") do
    for name in list:gmatch("[%w_]+") do kind_of[name] = (prefix or "") .. kind end
  end
end

local function add_linux(text)
  add(text, "linux:")
end

-- C and C++. (The widths of int_fast*_t are those of glibc and of mingw-w64.)
add [[
  i8: int8_t int_least8_t int_fast8_t; u8: uint8_t uint_least8_t uint_fast8_t char8_t;
  i16: int16_t int_least16_t; u16: uint16_t uint_least16_t;
  i32: int32_t int_least32_t; u32: uint32_t uint_least32_t;
  i64: int64_t int_least64_t int_fast64_t intmax_t; u64: uint64_t uint_least64_t uint_fast64_t uintmax_t;
  fast16: int_fast16_t; ufast16: uint_fast16_t; fast32: int_fast32_t; ufast32: uint_fast32_t;
  iptr: intptr_t ptrdiff_t ssize_t; uptr: uintptr_t size_t rsize_t;
  wchar: wchar_t; wint: wint_t; utf16: char16_t; utf32: char32_t; bool: bool _Bool;
  time: time_t; long: clock_t suseconds_t; off: off_t; i64: off64_t __time64_t; i32: __time32_t errno_t pid_t;
  pointer: nullptr_t; f32: float_t; f64: double_t; i32: sig_atomic_t; u8: byte;
]]

-- <stdatomic.h>: each is as wide as the type it is made of, and aligns to its size.
add [[
  bool: atomic_bool; u8: atomic_flag; achar: atomic_char; i8: atomic_schar atomic_int_least8_t
  atomic_int_fast8_t; u8: atomic_uchar atomic_uint_least8_t atomic_uint_fast8_t atomic_uint8_t; i8:
  atomic_int8_t; i16: atomic_short atomic_int16_t atomic_int_least16_t; u16: atomic_ushort atomic_uint16_t
  atomic_uint_least16_t; i32: atomic_int atomic_int32_t atomic_int_least32_t; u32: atomic_uint atomic_uint32_t
  atomic_uint_least32_t; long: atomic_long; ulong: atomic_ulong; a64: atomic_llong atomic_int64_t
  atomic_intmax_t atomic_int_least64_t; au64: atomic_ullong atomic_uint64_t atomic_uintmax_t
  atomic_uint_least64_t; iptr: atomic_intptr_t atomic_ptrdiff_t; uptr: atomic_uintptr_t atomic_size_t;
]]

-- <sys/types.h> and its kind, which only Linux has.
add_linux [[
  u8: u_int8_t u_char; u16: u_int16_t u_short ushort sa_family_t in_port_t; u32: u_int32_t u_int uint
  in_addr_t; u64: u_int64_t; ulong: u_long ulong; i64: quad_t loff_t; u64: u_quad_t; i32: key_t;
  u32: uid_t gid_t id_t mode_t useconds_t socklen_t; nlink: nlink_t; ulong: pthread_t; dev: dev_t; ino: ino_t;
  i32: clockid_t key_t; blksize: blksize_t; long: blkcnt_t register_t; pointer: timer_t caddr_t;
  ulong: fsblkcnt_t fsfilcnt_t; u64: fsblkcnt64_t fsfilcnt64_t ino64_t; i64: blkcnt64_t; i32: daddr_t;
  long: fd_mask;
]]

-- <linux/types.h>. __be16 and its kind are read in this machine's byte order: to C they are plain integers.
add [[
  u8: __u8; u16: __u16; u32: __u32; u64: __u64; i8: __s8; i16: __s16; i32: __s32; i64: __s64;
  u16: __le16 __be16 __sum16; u32: __le32 __be32 __wsum; u64: __le64 __be64; u32: __poll_t;
  a64: __aligned_s64; au64: __aligned_u64 __aligned_be64 __aligned_le64;
]]
add_linux [[
  long: __kernel_long_t __kernel_time_t __kernel_old_time_t __kernel_off_t __kernel_clock_t
  __kernel_suseconds_t; ulong: __kernel_ulong_t; i64: __kernel_loff_t __kernel_time64_t; half: __kernel_uid_t
  __kernel_gid_t __kernel_mode_t; u32: __kernel_uid32_t __kernel_gid32_t; i32: __kernel_pid_t __kernel_key_t
  __kernel_clockid_t __kernel_timer_t __kernel_mqd_t __kernel_daddr_t; u16: __kernel_sa_family_t
  __kernel_uid16_t __kernel_gid16_t; uptr: __kernel_size_t; iptr: __kernel_ssize_t __kernel_ptrdiff_t;
  pointer: __kernel_caddr_t; kernel_ino: __kernel_ino_t; old_uid: __kernel_old_uid_t __kernel_old_gid_t;
  old_dev: __kernel_old_dev_t; ipc_pid: __kernel_ipc_pid_t;
]]

-- <windows.h>: "Windows Data Types". The widths are Windows' own in every ABI.
add [[
  char: CHAR CCHAR; tchar: TCHAR _TCHAR TBYTE; utf16: WCHAR OLECHAR;
  i8: INT8; u8: BYTE UCHAR BOOLEAN UINT8; i16: SHORT INT16 VARIANT_BOOL; u16: USHORT WORD UINT16 ATOM LANGID;
  i32: INT LONG INT32 LONG32 BOOL HRESULT SCODE NTSTATUS HFILE; f32: FLOAT; f64: DOUBLE DATE;
  u32: UINT ULONG DWORD UINT32 ULONG32 DWORD32 COLORREF LCID LCTYPE MCIVERSION ACCESS_MASK;
  i64: LONGLONG INT64 LONG64 USN; u64: ULONGLONG UINT64 ULONG64 DWORD64 DWORDLONG QWORD;
  iptr: INT_PTR LONG_PTR SSIZE_T LPARAM LRESULT; uptr: UINT_PTR ULONG_PTR DWORD_PTR SIZE_T WPARAM KAFFINITY;
  void: VOID;
  pointer: HANDLE HWND HMODULE HINSTANCE HDC HICON HCURSOR HKEY HGLOBAL HLOCAL HMENU HBITMAP HBRUSH HPEN HFONT
    HMONITOR HHOOK HRGN HRSRC HPALETTE HGDIOBJ HDESK HWINSTA HACCEL HDROP HIMAGELIST HMETAFILE HENHMETAFILE
    PVOID LPVOID LPCVOID FARPROC PROC WNDPROC LPSTR LPCSTR LPWSTR LPCWSTR LPTSTR LPCTSTR PSTR PCSTR
    PWSTR PCWSTR PTSTR PCTSTR PCHAR PWCHAR PTCHAR PBYTE LPBYTE PWORD LPWORD PDWORD LPDWORD PLONG LPLONG PULONG
    PINT LPINT PUINT PFLOAT PBOOL LPBOOL PBOOLEAN PUCHAR PUSHORT PSHORT PSIZE_T PHANDLE LPHANDLE PLONGLONG
    PULONGLONG PDWORD64 PDWORDLONG PDWORD_PTR PULONG_PTR PUINT_PTR PLONG_PTR PINT_PTR BSTR LPUNKNOWN;
  pointer64: PVOID64;
]]

-- The ABIs whose nlink_t and blksize_t have 32 bits besides a long of 64.
local short_links = { arm64 = true, riscv64 = true }

-- The kernel's types that are others in some ABIs. (asm/posix_types.h of each processor.)
local old_uid = { s390x = "u32", riscv64 = "u32", ppc64le = "u32" }
local old_dev = { linux64 = "u64", ppc64le = "u64", arm64 = "u32", riscv64 = "u32" }

-- The kinds that differ between ABIs.
local function varying(abi)
  local pointer, long = abi.pointer * 8, abi.long * 8
  local windows = abi.windows
  return {
    iptr = "i" .. pointer, uptr = "u" .. pointer, long = "i" .. long, ulong = "u" .. long, off = "i" .. long,
    dev = "u64", ino = "u" .. long, achar = "char",
    time = windows and "i64" or "i" .. long,
    fast16 = windows and "i16" or "i" .. pointer, ufast16 = windows and "u16" or "u" .. pointer,
    fast32 = windows and "i32" or "i" .. pointer, ufast32 = windows and "u32" or "u" .. pointer,
    wint = windows and "u16" or "u32", wlimit = ctype.wchar_number(abi), plain = ctype.char_number(abi),
    nlink = short_links[abi.name] and "u32" or "u" .. long,
    blksize = short_links[abi.name] and "i32" or "i" .. long,
    half = "u" .. long // 2, ipc_pid = long == 32 and "u16" or "i32",
    kernel_ino = abi.name == "s390x" and "u32" or "u" .. long,
    old_uid = old_uid[abi.name] or "u16", old_dev = old_dev[abi.name] or "u16",
  }
end

-- Numbers of 64 bits that align to 8 bytes in every ABI.
local aligned_to_8 = { a64 = "i64", au64 = "u64" }

local units = { char = 1, utf16 = 2, utf32 = 4 }

--- The type of a name; nil if it is none of these. `unicode`: whether TCHAR is WCHAR.
function names.type(name, abi, unicode)
  local kind = kind_of[name]
  if not kind then return nil end
  if kind == "tchar" then kind = unicode and "utf16" or "char" end
  local on_linux = kind:match("^linux:(.*)$")
  if on_linux and abi.windows then return nil end
  kind = on_linux or kind
  kind = varying(abi)[kind] or kind
  if aligned_to_8[kind] then return ctype.aligned(ctype.number(aligned_to_8[kind], abi, name), 8) end
  if units[kind] then return ctype.char(units[kind], abi) end
  if kind == "wchar" then return ctype.char(abi.wchar, abi, ctype.wchar_number(abi)) end
  if kind == "bool" then return ctype.bool() end
  -- (Where pointers have 4 bytes, Microsoft's compiler gives this one 8.)
  if kind == "pointer64" then return abi.pointer == 8 and ctype.pointer(abi) or nil end
  if kind == "pointer" then return ctype.pointer(abi) end
  if kind == "void" then return { kind = "void", name = name } end
  return ctype.number(kind, abi, name)
end

-- {-- Structs --------------------------------------------------------------------------------------

-- As they are declared there; each text declares the names before it.
local declared = {}

local function declare(list, text)
  for name in list:gmatch("%S+") do declared[name] = text end
end

declare("tm", function(abi)
  return "struct tm { int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;"
    .. (abi.windows and "" or " long tm_gmtoff; const char *tm_zone;") .. " };"
end)
declare("timespec", "struct timespec { time_t tv_sec; long tv_nsec; };")
declare("timeval", "struct timeval { long tv_sec; long tv_usec; };")
declare("va_list __gnuc_va_list", "typedef __builtin_va_list va_list, __gnuc_va_list;")
declare("__int128_t __uint128_t", function(abi)
  return abi.pointer == 8 and not abi.windows
    and "typedef __int128 __int128_t; typedef unsigned __int128 __uint128_t;" or nil
end)
declare("max_align_t", function(abi)
  return "typedef struct { long long __ll __attribute__((aligned(8))); long double __ld;"
    .. (abi.name == "linux32" and " _Float128 __f128;" or "") .. " } max_align_t;"
end)

-- A union of Linux that its users see as bytes alone: size in 64 and in 32 bits and for 64-bit ARM, and what
-- aligns it.
local function opaque(name, wide, narrow, arm64, align)
  declare(name, function(abi)
    if abi.windows then return nil end
    local size = abi.name == "arm64" and arm64 or abi.pointer == 8 and wide or narrow
    return ("typedef union { char __size[%d]; %s __align; } %s;"):format(size, align or "long", name)
  end)
end
opaque("pthread_mutex_t", 40, 24, 48)
opaque("pthread_rwlock_t", 56, 32)
opaque("pthread_attr_t", 56, 36, 64)
opaque("pthread_barrier_t", 32, 20)
opaque("sem_t", 32, 16)
opaque("pthread_mutexattr_t", 4, 4, 8, "int")
opaque("pthread_condattr_t", 4, 4, 8, "int")
opaque("pthread_barrierattr_t", 4, 4, 8, "int")
opaque("pthread_rwlockattr_t", 8, 8)
declare("pthread_cond_t", function(abi)
  return not abi.windows and "typedef union { char __size[48]; long long __align; } pthread_cond_t;" or nil
end)
declare("pthread_once_t pthread_key_t pthread_spinlock_t", function(abi)
  return not abi.windows and [[typedef int pthread_once_t; typedef unsigned int pthread_key_t;
    typedef volatile int pthread_spinlock_t;]] or nil
end)
declare("fsid_t __kernel_fsid_t fd_set __kernel_fd_set sigset_t", function(abi)
  return not abi.windows and [[typedef struct { int __val[2]; } fsid_t;
    typedef struct { int val[2]; } __kernel_fsid_t;
    typedef struct { long __fds_bits[1024 / (8 * sizeof(long))]; } fd_set;
    typedef struct { unsigned long fds_bits[1024 / (8 * sizeof(long))]; } __kernel_fd_set;
    typedef struct { unsigned long __val[1024 / (8 * sizeof(long))]; } sigset_t;]] or nil
end)
declare("in_addr sockaddr_in sockaddr", function(abi)
  return not abi.windows and [[struct in_addr { uint32_t s_addr; };
    struct sockaddr { unsigned short sa_family; char sa_data[14]; };
    struct sockaddr_in { unsigned short sin_family; uint16_t sin_port; struct in_addr sin_addr;
      unsigned char sin_zero[8]; };]] or nil
end)
declare("in6_addr", function(abi)
  return not abi.windows and [[struct in6_addr { union { uint8_t __u6_addr8[16]; uint16_t __u6_addr16[8];
    uint32_t __u6_addr32[4]; } __in6_u; };]] or nil
end)
declare("sockaddr_storage __kernel_sockaddr_storage", function(abi)
  return not abi.windows and [[struct sockaddr_storage { unsigned short ss_family;
      char __ss_padding[128 - sizeof(unsigned short) - sizeof(unsigned long)]; unsigned long __ss_align; };
    struct __kernel_sockaddr_storage { union { struct { unsigned short ss_family;
      char __data[128 - sizeof(unsigned short)]; }; void *__align; }; };]] or nil
end)
declare("stack_t", function(abi)
  return not abi.windows and "typedef struct { void *ss_sp; int ss_flags; size_t ss_size; } stack_t;" or nil
end)
declare("iovec", function(abi)
  return not abi.windows and "struct iovec { void *iov_base; size_t iov_len; };" or nil
end)
declare("itimerspec itimerval", [[struct itimerspec { struct timespec it_interval, it_value; };
  struct itimerval { struct timeval it_interval, it_value; };]])
declare("FILETIME _FILETIME", "typedef struct _FILETIME { DWORD dwLowDateTime, dwHighDateTime; } FILETIME;")
declare("SYSTEMTIME _SYSTEMTIME", [[typedef struct _SYSTEMTIME { WORD wYear, wMonth, wDayOfWeek, wDay, wHour,
  wMinute, wSecond, wMilliseconds; } SYSTEMTIME;]])
declare("GUID _GUID IID CLSID UUID", [[typedef struct _GUID { DWORD Data1; WORD Data2, Data3; BYTE Data4[8]; }
  GUID, IID, CLSID, UUID;]])
declare("LUID _LUID", "typedef struct _LUID { DWORD LowPart; LONG HighPart; } LUID;")
declare("LARGE_INTEGER _LARGE_INTEGER",
  [[typedef union _LARGE_INTEGER { struct { DWORD LowPart; LONG HighPart; };
  struct { DWORD LowPart; LONG HighPart; } u; LONGLONG QuadPart; } LARGE_INTEGER;]])
declare("ULARGE_INTEGER _ULARGE_INTEGER",
  [[typedef union _ULARGE_INTEGER { struct { DWORD LowPart, HighPart; };
  struct { DWORD LowPart, HighPart; } u; ULONGLONG QuadPart; } ULARGE_INTEGER;]])
declare("POINT tagPOINT POINTL _POINTL", [[typedef struct tagPOINT { LONG x, y; } POINT;
  typedef struct _POINTL { LONG x, y; } POINTL;]])
declare("POINTS tagPOINTS", "typedef struct tagPOINTS { SHORT x, y; } POINTS;")
declare("SIZE tagSIZE", "typedef struct tagSIZE { LONG cx, cy; } SIZE;")
declare("RECT tagRECT RECTL _RECTL", [[typedef struct tagRECT { LONG left, top, right, bottom; } RECT;
  typedef struct _RECTL { LONG left, top, right, bottom; } RECTL;]])
declare("UNICODE_STRING _UNICODE_STRING PUNICODE_STRING", [[typedef struct _UNICODE_STRING {
  USHORT Length, MaximumLength; WCHAR *Buffer; } UNICODE_STRING, *PUNICODE_STRING;]])
declare("PHYSICAL_ADDRESS PPHYSICAL_ADDRESS", "typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;")
declare("LIST_ENTRY _LIST_ENTRY PLIST_ENTRY",
  [[typedef struct _LIST_ENTRY { struct _LIST_ENTRY *Flink, *Blink; }
  LIST_ENTRY, *PLIST_ENTRY;]])
declare("OVERLAPPED _OVERLAPPED LPOVERLAPPED",
  [[typedef struct _OVERLAPPED { ULONG_PTR Internal, InternalHigh;
  union { struct { DWORD Offset, OffsetHigh; }; PVOID Pointer; }; HANDLE hEvent; }
  OVERLAPPED, *LPOVERLAPPED;]])
declare("SECURITY_ATTRIBUTES _SECURITY_ATTRIBUTES PSECURITY_ATTRIBUTES LPSECURITY_ATTRIBUTES",
  [[typedef struct _SECURITY_ATTRIBUTES { DWORD nLength; LPVOID lpSecurityDescriptor; BOOL bInheritHandle; }
  SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;]])
declare("CRITICAL_SECTION RTL_CRITICAL_SECTION _RTL_CRITICAL_SECTION PCRITICAL_SECTION LPCRITICAL_SECTION",
  [[typedef struct _RTL_CRITICAL_SECTION { PVOID DebugInfo; LONG LockCount, RecursionCount;
  HANDLE OwningThread, LockSemaphore; ULONG_PTR SpinCount; }
  RTL_CRITICAL_SECTION, CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION;]])
declare("MSG tagMSG PMSG LPMSG", [[typedef struct tagMSG { HWND hwnd; UINT message; WPARAM wParam;
  LPARAM lParam; DWORD time; POINT pt; } MSG, *PMSG, *LPMSG;]])
declare("LUID_AND_ATTRIBUTES _LUID_AND_ATTRIBUTES PLUID_AND_ATTRIBUTES",
  [[typedef struct _LUID_AND_ATTRIBUTES { LUID Luid; DWORD Attributes; }
  LUID_AND_ATTRIBUTES, *PLUID_AND_ATTRIBUTES;]])
declare("M128A _M128A PM128A", [[typedef struct __declspec(align(16)) _M128A { ULONGLONG Low; LONGLONG High; }
  M128A, *PM128A;]])
for vector, text in pairs {
  __m64 = "int __m64 __attribute__((vector_size(8)))",
  __m128 = "float __m128 __attribute__((vector_size(16)))",
  __m128i = "long long __m128i __attribute__((vector_size(16)))",
  __m128d = "double __m128d __attribute__((vector_size(16)))",
  __m256 = "float __m256 __attribute__((vector_size(32)))",
  __m256d = "double __m256d __attribute__((vector_size(32)))",
  __m256i = "long long __m256i __attribute__((vector_size(32)))",
} do
  declare(vector, "typedef " .. text .. ";")
end
declare("COORD _COORD", "typedef struct _COORD { SHORT X, Y; } COORD;")

--- The C text that declares a name in an ABI; nil if there is none.
function names.declaration(name, abi)
  local text = declared[name]
  if type(text) == "function" then return text(abi) end
  return text
end

-- {-- Values ---------------------------------------------------------------------------------------

local values = {
  ["true"] = { 1, "i32" }, ["false"] = { 0, "i32" }, TRUE = { 1, "i32" }, FALSE = { 0, "i32" },
  NULL = { 0, "i32" }, ["nullptr"] = { 0, "i32" }, CHAR_BIT = { 8, "i32" }, MAX_PATH = { 260, "i32" },
  _MAX_PATH = { 260, "i32" }, ANYSIZE_ARRAY = { 1, "i32" }, MB_LEN_MAX = { 16, "i32" },
}

-- Those of <linux/limits.h>, which Windows has not.
local linux_values = {
  PATH_MAX = 4096, NAME_MAX = 255, PIPE_BUF = 4096, NGROUPS_MAX = 65536, ARG_MAX = 131072,
  XATTR_NAME_MAX = 255,
  HOST_NAME_MAX = 64, LOGIN_NAME_MAX = 256, IFNAMSIZ = 16, IF_NAMESIZE = 16, MAXPATHLEN = 4096,
}

-- The limits of an integer type, as X_MIN and X_MAX.
local function limits(T, least, greatest)
  local low, high = ctype.bounds(T)
  local as = (T == "i64" or T == "u64" or T == "u32") and T or "i32"
  if least then values[least] = { low, as } end
  values[greatest] = { T == "u64" and -1 or high, as }
end

for bits = 8, 64 do
  if bits == 8 or bits == 16 or bits == 32 or bits == 64 then
    limits("i" .. bits, "INT" .. bits .. "_MIN", "INT" .. bits .. "_MAX")
    limits("u" .. bits, nil, "UINT" .. bits .. "_MAX")
  end
end
for bits = 8, 64 do
  if bits == 8 or bits == 16 or bits == 32 or bits == 64 then
    limits("i" .. bits, "INT_LEAST" .. bits .. "_MIN", "INT_LEAST" .. bits .. "_MAX")
    limits("u" .. bits, nil, "UINT_LEAST" .. bits .. "_MAX")
  end
end
limits("i8", "INT_FAST8_MIN", "INT_FAST8_MAX")
limits("u8", nil, "UINT_FAST8_MAX")
limits("i64", "INT_FAST64_MIN", "INT_FAST64_MAX")
limits("u64", nil, "UINT_FAST64_MAX")
limits("i32", "SIG_ATOMIC_MIN", "SIG_ATOMIC_MAX")
for word, T in ("SCHAR i8 SHRT i16 INT i32 LLONG i64 INTMAX i64"):gmatch("(%w+) (%w+)") do
  limits(T, word .. "_MIN", word .. "_MAX")
end
for word, T in ("UCHAR u8 USHRT u16 UINT u32 ULLONG u64 UINTMAX u64 MAXDWORD u32"):gmatch("(%w+) (%w+)") do
  limits(T, nil, word:find("^MAX") and word or word .. "_MAX")
end

local by_abi = {
  LONG_MIN = { "long", 1 }, LONG_MAX = { "long", 2 }, ULONG_MAX = { "ulong", 2 }, SIZE_MAX = { "uptr", 2 },
  INTPTR_MIN = { "iptr", 1 }, INTPTR_MAX = { "iptr", 2 }, UINTPTR_MAX = { "uptr", 2 },
  PTRDIFF_MAX = { "iptr", 2 },
  PTRDIFF_MIN = { "iptr", 1 }, SSIZE_MAX = { "iptr", 2 }, WINT_MIN = { "wint", 1 }, WINT_MAX = { "wint", 2 },
  INT_FAST16_MIN = { "fast16", 1 }, INT_FAST16_MAX = { "fast16", 2 }, UINT_FAST16_MAX = { "ufast16", 2 },
  INT_FAST32_MIN = { "fast32", 1 }, INT_FAST32_MAX = { "fast32", 2 }, UINT_FAST32_MAX = { "ufast32", 2 },
  WCHAR_MIN = { "wlimit", 1 }, WCHAR_MAX = { "wlimit", 2 },
  CHAR_MIN = { "plain", 1 }, CHAR_MAX = { "plain", 2 },
}

--- The value and type of a name; nil if it is none of these.
function names.value(name, abi)
  local found = values[name]
  if found then return found[1], found[2] end
  if linux_values[name] and not abi.windows then return linux_values[name], "i32" end
  local varied = by_abi[name]
  if not varied then return nil end
  local T = varying(abi)[varied[1]]
  local value = select(varied[2], ctype.bounds(T))
  return T == "u64" and -1 or value, ctype.number_size[T] < 4 and "i32" or T
end

return names
