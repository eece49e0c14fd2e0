-- The names that come with <stdint.h>, <stddef.h>, <time.h>, <limits.h> and <windows.h>, for each ABI. A header's own
-- typedefs and macros of these names come first. Internal to filemap.cdef.
local ctype = require "filemap.ctype"

local names = {}

-- {-- Types ----------------------------------------------------------------------------------------

-- A name by what it is: one of the view's types, a character, or a word for what differs between ABIs.
local kind_of = {}

local function add(text)
  for kind, list in text:gmatch("([%w_]+):([^:;]+);") do
    for name in list:gmatch("[%w_]+") do kind_of[name] = kind end
  end
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
  pointer: nullptr_t;
]]

-- <linux/types.h>.
add [[
  u8: __u8; u16: __u16; u32: __u32; u64: __u64; i8: __s8; i16: __s16; i32: __s32; i64: __s64;
]]

-- <windows.h>: "Windows Data Types". The widths are Windows' own in every ABI.
add [[
  char: CHAR CCHAR; tchar: TCHAR _TCHAR TBYTE; utf16: WCHAR OLECHAR;
  i8: INT8; u8: BYTE UCHAR BOOLEAN UINT8; i16: SHORT INT16; u16: USHORT WORD UINT16 ATOM LANGID;
  i32: INT LONG INT32 LONG32 BOOL HRESULT NTSTATUS HFILE; f32: FLOAT; f64: DOUBLE DATE;
  u32: UINT ULONG DWORD UINT32 ULONG32 DWORD32 COLORREF LCID LCTYPE MCIVERSION ACCESS_MASK;
  i64: LONGLONG INT64 LONG64 USN; u64: ULONGLONG UINT64 ULONG64 DWORD64 DWORDLONG QWORD;
  iptr: INT_PTR LONG_PTR SSIZE_T LPARAM LRESULT; uptr: UINT_PTR ULONG_PTR DWORD_PTR SIZE_T WPARAM KAFFINITY;
  void: VOID;
  pointer: HANDLE HWND HMODULE HINSTANCE HDC HICON HCURSOR HKEY HGLOBAL HLOCAL HMENU HBITMAP HBRUSH HPEN HFONT
    HMONITOR HHOOK HRGN HRSRC HPALETTE HGDIOBJ HDESK HWINSTA HACCEL HDROP HIMAGELIST HMETAFILE HENHMETAFILE
    PVOID LPVOID LPCVOID PVOID64 FARPROC PROC WNDPROC LPSTR LPCSTR LPWSTR LPCWSTR LPTSTR LPCTSTR PSTR PCSTR PWSTR
    PCWSTR PTSTR PCTSTR PCHAR PWCHAR PTCHAR PBYTE LPBYTE PWORD LPWORD PDWORD LPDWORD PLONG LPLONG PULONG PINT LPINT
    PUINT PFLOAT PBOOL LPBOOL PBOOLEAN PUCHAR PUSHORT PSHORT PSIZE_T PHANDLE LPHANDLE PLONGLONG PULONGLONG
    PDWORD64 PDWORDLONG PDWORD_PTR PULONG_PTR PUINT_PTR PLONG_PTR PINT_PTR BSTR LPUNKNOWN;
]]

-- What of these differs between ABIs.
local function varying(abi)
  local pointer, long = abi.pointer * 8, abi.long * 8
  local windows = abi.windows
  return {
    iptr = "i" .. pointer, uptr = "u" .. pointer, long = "i" .. long, off = "i" .. long,
    time = windows and "i64" or "i" .. long,
    fast16 = windows and "i16" or "i" .. pointer, ufast16 = windows and "u16" or "u" .. pointer,
    fast32 = windows and "i32" or "i" .. pointer, ufast32 = windows and "u32" or "u" .. pointer,
    wchar = windows and "utf16" or "utf32", wint = windows and "u16" or "u32",
  }
end

local units = { char = 1, utf16 = 2, utf32 = 4 }

--- The type of a name; nil if it is none of these. `unicode`: whether TCHAR is WCHAR.
function names.type(name, abi, unicode)
  local kind = kind_of[name]
  if not kind then return nil end
  if kind == "tchar" then kind = unicode and "utf16" or "char" end
  kind = varying(abi)[kind] or kind
  if units[kind] then return ctype.char(units[kind]) end
  if kind == "bool" then return ctype.bool() end
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

declare("tm", [[struct tm { int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
#ifdef __linux__
  long tm_gmtoff; const char *tm_zone;
#endif
};]])
declare("timespec", "struct timespec { time_t tv_sec; long tv_nsec; };")
declare("timeval", "struct timeval { long tv_sec; long tv_usec; };")
declare("FILETIME _FILETIME", "typedef struct _FILETIME { DWORD dwLowDateTime, dwHighDateTime; } FILETIME;")
declare("SYSTEMTIME _SYSTEMTIME", [[typedef struct _SYSTEMTIME { WORD wYear, wMonth, wDayOfWeek, wDay, wHour,
  wMinute, wSecond, wMilliseconds; } SYSTEMTIME;]])
declare("GUID _GUID IID CLSID UUID", [[typedef struct _GUID { DWORD Data1; WORD Data2, Data3; BYTE Data4[8]; }
  GUID, IID, CLSID, UUID;]])
declare("LUID _LUID", "typedef struct _LUID { DWORD LowPart; LONG HighPart; } LUID;")
declare("LARGE_INTEGER _LARGE_INTEGER", [[typedef union _LARGE_INTEGER { struct { DWORD LowPart; LONG HighPart; };
  struct { DWORD LowPart; LONG HighPart; } u; LONGLONG QuadPart; } LARGE_INTEGER;]])
declare("ULARGE_INTEGER _ULARGE_INTEGER", [[typedef union _ULARGE_INTEGER { struct { DWORD LowPart, HighPart; };
  struct { DWORD LowPart, HighPart; } u; ULONGLONG QuadPart; } ULARGE_INTEGER;]])
declare("POINT tagPOINT", "typedef struct tagPOINT { LONG x, y; } POINT;")
declare("POINTS tagPOINTS", "typedef struct tagPOINTS { SHORT x, y; } POINTS;")
declare("SIZE tagSIZE", "typedef struct tagSIZE { LONG cx, cy; } SIZE;")
declare("RECT tagRECT", "typedef struct tagRECT { LONG left, top, right, bottom; } RECT;")
declare("COORD _COORD", "typedef struct _COORD { SHORT X, Y; } COORD;")

--- The C text that declares a name; nil if there is none.
function names.declaration(name)
  return declared[name]
end

-- {-- Values ---------------------------------------------------------------------------------------

local values = {
  ["true"] = { 1, "i32" }, ["false"] = { 0, "i32" }, TRUE = { 1, "i32" }, FALSE = { 0, "i32" },
  NULL = { 0, "i32" }, ["nullptr"] = { 0, "i32" }, CHAR_BIT = { 8, "i32" }, MAX_PATH = { 260, "i32" },
  _MAX_PATH = { 260, "i32" },
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
for word, T in ("SCHAR i8 CHAR i8 SHRT i16 INT i32 LLONG i64 INTMAX i64"):gmatch("(%w+) (%w+)") do
  limits(T, word .. "_MIN", word .. "_MAX")
end
for word, T in ("UCHAR u8 USHRT u16 UINT u32 ULLONG u64 UINTMAX u64 MAXDWORD u32"):gmatch("(%w+) (%w+)") do
  limits(T, nil, word:find("^MAX") and word or word .. "_MAX")
end

local by_abi = {
  LONG_MIN = { "long", 1 }, LONG_MAX = { "long", 2 }, ULONG_MAX = { "ulong", 2 }, SIZE_MAX = { "uptr", 2 },
  INTPTR_MIN = { "iptr", 1 }, INTPTR_MAX = { "iptr", 2 }, UINTPTR_MAX = { "uptr", 2 }, PTRDIFF_MAX = { "iptr", 2 },
}

--- The value and type of a name; nil if it is none of these.
function names.value(name, abi)
  local found = values[name]
  if found then return found[1], found[2] end
  local varied = by_abi[name]
  if not varied then return nil end
  local T = varied[1] == "ulong" and "u" .. abi.long * 8 or varying(abi)[varied[1]]
  local value = select(varied[2], ctype.bounds(T))
  return T == "u64" and -1 or value, T
end

-- {-- Macros ---------------------------------------------------------------------------------------

--- The macros that a compiler for the ABI has by itself: its system's and processor's, and which compiler it is.
function names.macros(abi)
  local wide = abi.pointer == 8
  local macros = { __STDC__ = 1, __SIZEOF_POINTER__ = abi.pointer, __SIZEOF_LONG__ = abi.long,
                   __SIZEOF_WCHAR_T__ = abi.wchar, __BYTE_ORDER__ = 1234, __ORDER_LITTLE_ENDIAN__ = 1234,
                   __ORDER_BIG_ENDIAN__ = 4321 }
  local processor = wide and "__x86_64__ __amd64__" or "__i386__"
  local system = wide and "__linux__ __linux __unix__ __LP64__ _LP64" or "__linux__ __linux __unix__"
  if abi.windows then
    processor = wide and "_M_X64 _M_AMD64" or "_M_IX86"
    system = wide and "_WIN32 _WIN64 WIN32" or "_WIN32 WIN32"
    macros._MSC_VER = 1930
  else
    macros.__GNUC__, macros.__GNUC_MINOR__ = 12, 2
  end
  for name in (processor .. " " .. system):gmatch("%S+") do macros[name] = 1 end
  return macros
end

return names
