-- Attributes and qualifiers: __attribute__, __declspec, alignas, [[…]], and the words of compilers and
-- systems that do not change a layout. These are methods of the parser. Internal to filemap.cdef.
local ctype = require "filemap.ctype"
local Cursor = require "filemap.cdef.cursor"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"

local fail, byte = lexer.fail, string.byte
local Attributes = {}

-- Attributes that change a layout in a way that is not read.
local strange = {
  scalar_storage_order = true, warn_if_not_aligned = true, ext_vector_type = true,
  address_space = true, no_unique_address = true,
}

local function at_least(attributes, align)
  if align ~= 0 then attributes.align = math.max(attributes.align or 1, align) end
end

function Attributes:alignment(attributes)
  local at = self:at()
  local n = expression.integer(self, "an alignment")
  if n < 0 or n & n - 1 ~= 0 or n > 1 << 28 then
    fail(at, "expected a power of 2 as an alignment, got %d", n)
  end
  at_least(attributes, n)
  return n
end

-- The argument of `aligned`, which may be a type. Of several on one type the last counts: `last_align`.
local function aligned(self, attributes)
  local n = self.abi.biggest
  if self:accept("(") then
    n = self:alignment(attributes)
    self:expect(")")
  end
  at_least(attributes, n)
  attributes.last_align = n ~= 0 and n or attributes.last_align
end

--- The alignment that attributes give to the type that they are on; nil without one.
function Attributes.type_alignment(_, attributes)
  return not attributes.strictest and attributes.last_align or attributes.align
end

--- A type with an alignment that attributes give it.
function Attributes:aligned_type(type_, align)
  return (self.is_microsoft and ctype.required or ctype.aligned)(type_, align)
end

local modes = { QI = 1, HI = 2, SI = 4, DI = 8, byte = 1, word = "pointer", pointer = "pointer" }

-- mode(DI): an integer of another width. (gcc forgets an alignment that was given before.)
local function mode(self, attributes, at)
  if attributes.align then fail(at, "mode(…) behind aligned(…) is not read here") end
  self:expect("(")
  local word = Cursor.name(self, "a mode"):gsub("^__(.*)__$", "%1")
  local size = modes[word]
  if not size then fail(at, "mode '%s' is not read here", word) end
  attributes.mode = size == "pointer" and self.abi.pointer or size
  self:expect(")")
end

-- vector_size(n): an array that aligns to its size.
local function vector_size(self, attributes)
  self:expect("(")
  attributes.vector = expression.integer(self, "the size of a vector")
  self:expect(")")
end

local gnu_words = {
  aligned = aligned, mode = mode, vector_size = vector_size,
  packed = function(_, attributes) attributes.packed = true end,
  ms_struct = function(_, attributes) attributes.bitfields = "msvc" end,
  gcc_struct = function(_, attributes) attributes.bitfields = "gcc" end,
}

-- __attribute__((…)) behind its word.
function Attributes:gnu_attributes(attributes)
  self:expect("(")
  self:expect("(")
  while self:kind() ~= ")" do
    if not self:accept(",") then
      local word, at = Cursor.name(self, "an attribute")
      word = word:gsub("^__(.*)__$", "%1")
      if strange[word] then fail(at, "attribute '%s' is not read here", word) end
      if self:accept("::") then word = Cursor.name(self, "an attribute") end
      local read = gnu_words[word]
      if read then read(self, attributes, at)
      elseif self:kind() == "(" then self:balanced() end
      if self:kind() ~= ")" and self:kind() ~= "," then self:expected("',' or ')'") end
    end
  end
  self:expect(")")
  self:expect(")")
end

-- __declspec(…) behind its word.
function Attributes:declspec(attributes)
  self:expect("(")
  while self:kind() ~= ")" do
    if Cursor.name(self, "a declspec") == "align" then
      self:expect("(")
      self:alignment(attributes)
      attributes.declspec, attributes.strictest = true, true
      self:expect(")")
    elseif self:kind() == "(" then
      self:balanced()
    end
    self:accept(",")
  end
  self:expect(")")
end

function Attributes:alignas(attributes)
  self:expect("(")
  local at = self:at()
  local type_ = self:type_name()
  if type_ then at_least(attributes, self:sized(type_, at).align)
  else self:alignment(attributes) end
  attributes.strictest = true
  self:expect(")")
end

local function bracketed_alignment(self, attributes)
  self:expect("(")
  self:alignment(attributes)
  self:expect(")")
end

-- A word with arguments that do not change a layout.
local function with_arguments(self)
  if self:kind() == "(" then self:balanced() end
end

-- By word: the function that reads it; `true` for a word that changes nothing.
local words = {
  __attribute__ = Attributes.gnu_attributes, __attribute = Attributes.gnu_attributes,
  __declspec = Attributes.declspec, _declspec = Attributes.declspec,
  alignas = Attributes.alignas, _Alignas = Attributes.alignas,
  DECLSPEC_ALIGN = bracketed_alignment, __aligned = bracketed_alignment,
  const = function(_, attributes) attributes.const = true end,
  __packed = function(_, attributes) attributes.packed = true end,
  __attribute_packed__ = function(_, attributes) attributes.packed = true end,
  DECLSPEC_UUID = with_arguments, MIDL_INTERFACE = with_arguments, __asm__ = with_arguments,
  __counted_by = with_arguments, __drv_at = with_arguments, __field_bcount = with_arguments,
  __field_ecount = with_arguments, __deprecated_msg = with_arguments,
  __attribute_deprecated_msg__ = with_arguments,
}
words.CONST = words.const
words.__const, words.__const__ = words.const, words.const

for word in ([[
  volatile restrict __restrict __restrict__ __volatile__ __volatile inline __inline __inline__ __forceinline
  register thread_local _Thread_local __thread __extension__ _Noreturn __cdecl __stdcall __fastcall
  __vectorcall __thiscall _cdecl _stdcall _fastcall __clrcall __pascal __export __import WINAPI CALLBACK
  APIENTRY WINAPIV UNALIGNED __unaligned noexcept consteval constinit __w64 __sptr __uptr
  __based NTAPI CDECL STDMETHODCALLTYPE STDMETHODVCALLTYPE STDAPICALLTYPE STDAPIVCALLTYPE DECLSPEC_IMPORT
  DECLSPEC_NORETURN DECLSPEC_NOTHROW FORCEINLINE RPC_ENTRY PASCAL_CALL WSAAPI NTSYSAPI WINBASEAPI WINUSERAPI
  WINGDIAPI _ANONYMOUS_UNION _ANONYMOUS_STRUCT __C89_NAMELESS __MINGW_EXTENSION
  GLAPI GLAPIENTRY GL_APIENTRY APIENTRYP SDLCALL SDL_DECLSPEC
]]):gmatch("%S+") do words[word] = words[word] or true end

-- Microsoft's words for a pointer of another width than the ABI's.
for word, size in pairs { __ptr32 = 4, __ptr64 = 8, POINTER_32 = 4, POINTER_64 = 8 } do
  words[word] = function(self)
    if self.abi.pointer ~= size then
      fail(self.ats[self.i - 1], "a pointer with '%s' is not read here", word)
    end
  end
end

--- The words by name.
Attributes.attribute_words = words

-- Some are also names, `float near, far`: there they are names where something is still to be declared.
local in_front = {}
for word in ([[IN OUT OPTIONAL FAR NEAR far near PASCAL explicit mutable
  __in __out __inout __in_opt __out_opt __inout_opt __in_z __in_z_opt __deref_out __deref_out_opt
  __deref_inout __reserved __callback __nullterminated
  __bitwise __bitwise__ __force __user __kernel __iomem __rcu __percpu __nocast __private __attribute_const__
  __attribute_pure__ __must_check __always_inline __always_unused __maybe_unused __deprecated
  __attribute_deprecated__ __nonstring __cold __safe __owner]]):gmatch("%S+") do in_front[word] = true end

-- SAL's annotations: _In_, _Field_size_(n), __in_bcount(n) and so on.
local annotations = {}
for word in ([[In Inout Out Outptr Ret Field Struct Pre Post At When Check Must Null NullNull Printf Scanf
  Success Use Reserved Maybenull Notnull Result COM Deref Frees Analysis Acquires Releases Requires Guarded
  Interlocked IRQL Const Function Points Literal Enum Always On Group Readable Writable Pre Prepost Valid
  Notvalid Null Strict Format Benign Return Raises Has Called Satisfies Kernel Dispatch Unchanged
]]):gmatch("%S+") do annotations[word] = true end

local function is_annotation(word)
  return annotations[word:match("^_(%u%a*)_")] and word:byte(-1) == 95 or word:find("^__%l+_[eb]count") ~= nil
end

--- Whether a word that is not declared is an annotation or the like at this place, that does not change a
-- layout.
function Attributes:is_silent(i)
  local word = self.values[i]
  if in_front[word] then
    local follows = self.kinds[i + 1]
    return follows == "name" or follows == "*" or follows == "&"
  end
  return byte(word) == 95 and is_annotation(word) and not self.scope:find(word)
end

--- Whether an attribute or a qualifier is at token `i`.
function Attributes:is_attribute(i)
  return self.kinds[i] == "name" and (words[self.values[i]] ~= nil or self:is_silent(i))
end

--- Reads attributes and qualifiers, if some are here, into a table: align, packed, const, mode,
-- vector, bitfields, declspec.
function Attributes:attributes(attributes)
  local kinds, values = self.kinds, self.values
  while true do
    local i = self.i
    local kind = kinds[i]
    if kind == "name" then
      local read = words[values[i]]
      if read == nil then
        if not self:is_silent(i) then return attributes end
        read = with_arguments
      end
      self.i = i + 1
      if read ~= true then read(self, attributes) end
    elseif kind == "[" and kinds[i + 1] == "[" then
      self:bracket_attributes(attributes)
    else
      return attributes
    end
  end
end

-- [[gnu::packed]] and others.
function Attributes:bracket_attributes(attributes)
  self.i = self.i + 2
  while self:kind() ~= "]" do
    local at = self:at()
    if self:kind() == "name" then
      local word = Cursor.name(self, "an attribute")
      if strange[word] then fail(at, "attribute '%s' is not read here", word) end
      if self:accept("::") then
        local inner = Cursor.name(self, "an attribute"):gsub("^__(.*)__$", "%1")
        if strange[inner] then fail(at, "attribute '%s' is not read here", inner) end
        if word:find("gnu") and gnu_words[inner] then gnu_words[inner](self, attributes, at) end
      end
      if self:kind() == "(" then self:balanced() end
    elseif not self:accept(",") and not self:accept("...") then
      self:expected("an attribute")
    end
  end
  self:expect("]")
  self:expect("]")
end

return Attributes
