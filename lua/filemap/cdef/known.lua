-- Macros that conditions use without a definition of their own. Internal to filemap.cdef.
local known = {}

local function set(text)
  local words = {}
  for word in text:gmatch("%S+") do words[word] = true end
  return words
end

-- {-- Values ---------------------------------------------------------------------------------------

-- Macros of the systems' headers, for a text that was pasted without its includes. For #ifdef they are
-- defined only by the includes themselves (headers.lua): BIG_ENDIAN is a macro of <endian.h>, and of others a
-- choice.
local everywhere = {
  LITTLE_ENDIAN = 1234, BIG_ENDIAN = 4321, PDP_ENDIAN = 3412, __LITTLE_ENDIAN = 1234, __BIG_ENDIAN = 4321,
  __PDP_ENDIAN = 3412, __ORDER_LITTLE_ENDIAN__ = 1234, __ORDER_BIG_ENDIAN__ = 4321,
  __ORDER_PDP_ENDIAN__ = 3412,
}
local orders = set "BYTE_ORDER __BYTE_ORDER __FLOAT_WORD_ORDER __BYTE_ORDER__"
local bit_orders = { ["<"] = "__LITTLE_ENDIAN_BITFIELD", [">"] = "__BIG_ENDIAN_BITFIELD" }
local order_values = { ["<"] = 1234, [">"] = 4321 }
local linux = { __GLIBC__ = 2, __GLIBC_MINOR__ = 36 }
local windows = { _WIN32_WINNT = 0x0A00, WINVER = 0x0A00, NTDDI_VERSION = 0x0A000000, _WIN32_IE = 0x0A00,
  WINAPI_PARTITION_DESKTOP = 1, WINAPI_PARTITION_APP = 1, WINAPI_PARTITION_PC_APP = 1,
  WINAPI_PARTITION_SYSTEM = 1, WINAPI_PARTITION_GAMES = 1, WINAPI_PARTITION_PHONE = 0,
  WINAPI_PARTITION_PHONE_APP = 0 }

--- The value of a name in a condition; nil if it is not known.
function known.value(name, abi)
  if everywhere[name] then return everywhere[name] end
  if orders[name] then return order_values[abi.endian] end
  if name == bit_orders[abi.endian] and not abi.windows then return order_values[abi.endian] end
  if name == "__WORDSIZE" and not abi.windows then return abi.pointer * 8 end
  return (abi.windows and windows or linux)[name]
end

-- {-- Compilers' names -----------------------------------------------------------------------------

-- Macros that one compiler or system defines by itself: where they are not defined, this is another one.
local of_compilers = set [[
  __cplusplus __GNUC__ __GNUC_MINOR__ __GNUC_PATCHLEVEL__ __clang__ __clang_major__ __clang_minor__ _MSC_VER
  _MSC_FULL_VER _MSC_EXTENSIONS _MSVC_LANG __MINGW32__ __MINGW64__ __CYGWIN__ __BORLANDC__ __TURBOC__
  __WATCOMC__ __DMC__ __LCC__ __POCC__ __TINYC__ __INTEL_COMPILER __ICC __ICL __SUNPRO_C __SUNPRO_CC __HP_cc
  __HP_aCC __IBMC__ __IBMCPP__ __xlC__ __CC_ARM __ARMCC_VERSION __ICCARM__ __PGI __NVCC__ __CUDACC__
  __CUDA_ARCH__ __OBJC__ __objc__ __EDG__ __DECC __DECCXX __SDCC __MWERKS__ MWERKS __ghs__ __COMO__ _CRAYC
  __sgi __hpux _AIX __sun sun __APPLE__ __MACH__ __APPLE_CC__ macintosh __ANDROID__ __FreeBSD__ __NetBSD__
  __OpenBSD__ __DragonFly__ __linux__ __gnu_linux__ __unix__ _WIN32 _WIN64 _WIN32_WCE WIN32 WIN64 __WIN32__
  __NT__ __OS2__ __MSDOS__ MSDOS __HAIKU__ __BEOS__ __QNX__ __VXWORKS__ __EMSCRIPTEN__ __wasm__ __SWITCH__
  __PS3__ __x86_64__ __amd64__ _M_X64 _M_AMD64 __i386__ _M_IX86 _M_IX86_FP __arm__ __aarch64__ _M_ARM _M_ARM64
  _M_ARMT _M_ARM64EC _M_HYBRID_X86_ARM64 _M_IA64 __ia64__ _M_PPC _M_ALPHA _M_MRX000 _M_CEE _M_CEE_PURE
  _MANAGED __powerpc__ __powerpc64__ __ppc__ __PPC__ __mips__ mips __mips __sparc__ __s390__ __s390x__ __riscv
  __riscv_xlen __alpha__ __hppa__ __m68k__ __sh__ __loongarch__ __ILP32__ __LP64__ _LP64 _FORTIFY_SOURCE
  NDEBUG _DEBUG DEBUG __STRICT_ANSI__ __OPTIMIZE__ __OPTIMIZE_SIZE__ __NO_INLINE__ __STDC__
  __STDC_VERSION__ __STDC_HOSTED__ __STDC_NO_ATOMICS__ __STDC_NO_THREADS__ __STDC_NO_VLA__
  __STDC_WANT_LIB_EXT1__ __BIG_ENDIAN__ __LITTLE_ENDIAN__ _BIG_ENDIAN __ARMEB__ __ARMEL__ __AARCH64EB__
  __MIPSEB__ __ARM_ARCH __ARM_EABI__ __CHAR_UNSIGNED__ _CHAR_UNSIGNED __SSE__ __SSE2__ __AVX__ __AVX2__
  __AVX512F__ __FMA__ __KERNEL__ __ASSEMBLY__ __ASSEMBLER__ __LINE__ __SANITIZE_ADDRESS__ __INTELLISENSE__
  RC_INVOKED MIDL_PASS __midl _PREFAST_ __WIDL__ SWIG SWIGWIN DOXYGEN __DOXYGEN__ Q_MOC_RUN __GCCXML__
  __CPPCHECK__ LINT lint
]]

--- Whether a macro is one that a compiler or a tool defines by itself, or never.
function known.of_compilers(name)
  return of_compilers[name] or name:find("^__has_") ~= nil or name:find("^__cpp_") ~= nil
    or name:find("^__ARM_") ~= nil or name:find("^__GCC_") ~= nil or name:find("^__SIZEOF_") ~= nil
end

--- gcc's attributes, for __has_attribute.
known.attributes = set [[
  packed aligned unused deprecated format noreturn const pure malloc nonnull warn_unused_result visibility
  weak alias always_inline noinline cold hot section used cleanup constructor destructor may_alias
  transparent_union mode vector_size fallthrough nothrow leaf artificial gnu_inline error warning alloc_size
  alloc_align returns_nonnull sentinel noclone noipa designated_init copy access nonstring flatten ifunc
  unavailable returns_twice optimize target tls_model ms_struct gcc_struct scalar_storage_order
  no_instrument_function stdcall cdecl regparm assume_aligned no_icf no_reorder no_split_stack no_stack_limit
  noplt simd stack_protect symver target_clones weakref
]]

return known
