-- What stands before the names in a declaration: basic types, structs, unions, enums, attributes. These are methods of
-- the parser. Internal to filemap.cdef.
local ctype = require "filemap.ctype"
local Cursor = require "filemap.cdef.cursor"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"
local Scope = require "filemap.cdef.scope"

local fail = lexer.fail
local Types = {}

local function set(text)
  local words = {}
  for word in text:gmatch("%S+") do words[word] = true end
  return words
end

-- Words of C that nothing can be called.
local reserved = set [[auto break case char const continue default do double else enum extern float for goto if inline
  int long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
  while]]

--- Whether a token is a name that something can have.
function Types:is_free(i)
  return self.kinds[i] == "name" and not reserved[self.values[i]]
end

--- Steps over a name that something has, and returns it and its place.
function Types:name(what)
  local i = self.i
  if not self:is_free(i) then self:expected(what) end
  self:skip()
  return self.values[i], self.ats[i]
end

-- {-- Basic types ----------------------------------------------------------------------------------

local basic_words = set [[void char short int long float double signed unsigned __signed__
  __int8 __int16 __int32 __int64]]
local unread = set [[_Complex _Imaginary _Atomic __int128 _Float16 _Float128 __float128 _Decimal32 _Decimal64 _BitInt
  typeof __typeof__ decltype]]

-- Types by their words, in this order and without those that add nothing: `long unsigned int` is "unsigned long".
local word_order = { "unsigned", "signed", "short", "long", "long2", "char", "__int8", "__int16", "__int32", "__int64",
                     "int", "float", "double", "void" }
local by_words = {
  ["signed char"] = "i8", ["unsigned char"] = "u8", short = "i16", ["unsigned short"] = "u16", int = "i32",
  unsigned = "u32", ["long long2"] = "i64", ["unsigned long long2"] = "u64", float = "f32", double = "f64",
  __int8 = "i8", ["unsigned __int8"] = "u8", __int16 = "i16", ["unsigned __int16"] = "u16", __int32 = "i32",
  ["unsigned __int32"] = "u32", __int64 = "i64", ["unsigned __int64"] = "u64",
}
local adds_nothing = { signed = "char", int = false }

local function shown_words(words)
  local list = {}
  for _, word in ipairs(word_order) do
    if words[word] then list[#list + 1] = word == "long2" and "long" or word end
  end
  return table.concat(list, " ")
end

-- The key of some words in by_words.
local function words_key(words)
  local list = {}
  for _, word in ipairs(word_order) do
    local kept = words[word] and (adds_nothing[word] == nil or words[adds_nothing[word]])
    if kept then list[#list + 1] = word end
  end
  return list[1] and table.concat(list, " ") or "int"
end

function Types:basic_type(words, at)
  if self.basic[words.only] then return self.basic[words.only] end
  local shown, key = shown_words(words), words_key(words)
  local cached = self.basic[shown]
  if cached then return cached end
  local T = by_words[key]
  if key == "long" or key == "unsigned long" then T = (key == "long" and "i" or "u") .. self.abi.long * 8 end
  local well = T and not (words.int and (words.char or words.float or words.double or words.void))
    and not (words.signed and words.unsigned) and not (words.signed and (T == "f32" or T == "f64"))
  if key == "char" then cached = ctype.char(1)
  elseif shown == "void" then cached = { kind = "void", name = "void" }
  elseif well then cached = ctype.number(T, self.abi, shown)
  else fail(at, "'%s' is no type that is read here", shown) end
  self.basic[shown] = cached
  return cached
end

-- {-- Attributes -----------------------------------------------------------------------------------

-- What changes a layout in a way that is not read here.
local strange_attributes = set "ms_struct gcc_struct mode vector_size scalar_storage_order warn_if_not_aligned"
local BIGGEST_ALIGNMENT <const> = 16

local function at_least(attributes, align)
  if align ~= 0 then attributes.align = math.max(attributes.align or 1, align) end
end

function Types:alignment(attributes)
  local at = self:at()
  local n = expression.integer(self, "an alignment")
  if n < 0 or n & n - 1 ~= 0 or n > 1 << 28 then fail(at, "expected a power of 2 as an alignment, got %d", n) end
  at_least(attributes, n)
end

-- __attribute__((…)) behind its word.
function Types:gnu_attributes(attributes)
  self:expect("(")
  self:expect("(")
  while self:kind() ~= ")" do
    if not self:accept(",") then
      local word, at = Cursor.name(self, "an attribute")
      word = word:gsub("^__(.*)__$", "%1")
      if strange_attributes[word] then fail(at, "attribute '%s' is not read here", word) end
      if word == "packed" then attributes.packed = true end
      if word == "aligned" and self:accept("(") then
        self:alignment(attributes)
        self:expect(")")
      elseif word == "aligned" then
        at_least(attributes, BIGGEST_ALIGNMENT)
      elseif self:kind() == "(" then
        self:balanced()
      end
    end
  end
  self:expect(")")
  self:expect(")")
end

-- __declspec(…) behind its word.
function Types:declspec(attributes)
  self:expect("(")
  while self:kind() ~= ")" do
    if Cursor.name(self, "a declspec") == "align" then
      self:expect("(")
      self:alignment(attributes)
      attributes.declspec = true
      self:expect(")")
    elseif self:kind() == "(" then
      self:balanced()
    end
    self:accept(",")
  end
  self:expect(")")
end

function Types:alignas(attributes)
  self:expect("(")
  local at = self:at()
  local type_ = self:type_name()
  if type_ then at_least(attributes, self:sized(type_, at).align)
  else self:alignment(attributes) end
  self:expect(")")
end

local attribute_words = {
  __attribute__ = Types.gnu_attributes, __attribute = Types.gnu_attributes, __declspec = Types.declspec,
  _declspec = Types.declspec, alignas = Types.alignas, _Alignas = Types.alignas,
  DECLSPEC_ALIGN = function(self, attributes)
    self:expect("(")
    self:alignment(attributes)
    self:expect(")")
  end,
}

-- Words of compilers and of <windows.h> that say nothing about a layout.
local silent = set [[
  const volatile restrict __restrict __restrict__ __const __volatile__ __volatile CONST inline __inline
  __inline__ __forceinline register thread_local _Thread_local __thread __extension__ _Noreturn __cdecl
  __stdcall __fastcall __vectorcall __thiscall _cdecl _stdcall WINAPI CALLBACK APIENTRY WINAPIV UNALIGNED
  __unaligned noexcept consteval constinit]]

-- Some that are somebody's names too, `float near, far`: they are none where something is still to be declared.
local silent_in_front = set "IN OUT OPTIONAL FAR NEAR far near PASCAL explicit mutable"

function Types:is_silent(i)
  local word = self.values[i]
  if silent[word] then return true end
  local follows = silent_in_front[word] and self.kinds[i + 1]
  return follows == "name" or follows == "*" or follows == "&"
end

--- Reads attributes and qualifiers, if some are here, into a table: align, packed, const.
function Types:attributes(attributes)
  while true do
    local i = self.i
    local kind, word = self.kinds[i], self.values[i]
    if kind == "name" then
      local read = attribute_words[word]
      if not read and not self:is_silent(i) then return attributes end
      self:skip()
      if read then read(self, attributes)
      elseif word == "const" or word == "CONST" then attributes.const = true end
    elseif kind == "[" and self.kinds[i + 1] == "[" then
      self:balanced()
    else
      return attributes
    end
  end
end

-- {-- Enumerations ---------------------------------------------------------------------------------

-- The type of integers that holds some values, as gcc takes it: without a sign where no value has one.
local function enum_integer(least, greatest, packed)
  for _, T in ipairs(packed and { "u8", "i8", "u16", "i16", "u32", "i32", "i64" } or { "u32", "i32", "i64" }) do
    local low, high = ctype.bounds(T)
    if least >= low and greatest <= high then return T end
  end
end

-- The enumerators between braces, as { name, value }; they are declared in `scope`.
function Types:enumerators(scope)
  local entries, value, T = {}, 0, "i32"
  self:expect("{")
  while not self:accept("}") do
    local name, at = self:name("an enumerator or '}'")
    self:attributes({})
    if self:accept("=") then value, T = expression.integer(self, "the value of '" .. name .. "'")
    elseif T == "overflow" then fail(at, "the value of '%s' does not fit 64 bits", name) end
    if T ~= "u64" or value >= 0 then
      local small = value >= -0x80000000 and value <= 0x7fffffff
      T = small and "i32" or value >= 0 and value <= 0xffffffff and "u32" or "i64"
    end
    entries[#entries + 1] = { name, value }
    scope:declare(name, { value = value, T = T, enumerator = true }, at)
    if value == math.maxinteger then T = "overflow" end
    if value ~= math.maxinteger then value = value + 1 end
    if self:kind() ~= "}" then self:expect(",") end
  end
  return entries
end

function Types:enum_type(tag, entries, T, attributes, at)
  if not T then
    local least, greatest = 0, 0
    for _, entry in ipairs(entries) do
      least, greatest = math.min(least, entry[2]), math.max(greatest, entry[2])
    end
    T = enum_integer(least, greatest, attributes.packed)
  end
  local type_ = self:checked(at, ctype.enum, tag.name, T, entries, self.abi)
  return attributes.align and ctype.aligned(type_, attributes.align) or type_
end

-- `enum` behind its word: the tag.
function Types:enum()
  local at = self.ats[self.i - 1]
  local scoped = self:is("class") or self:is("struct")
  if scoped then self:skip() end
  local attributes = self:attributes({})
  local name = self:is_free(self.i) and self:name()
  local T = scoped and "i32" or nil
  if self:kind() == ":" and self:starts_type(self.i + 1) then
    self:skip()
    self:deeper()
    T = self:specifiers().type.T
    self:shallower()
    if not T or not ctype.bounds(T) then fail(at, "expected a type of integers below an enum") end
  end
  if self:kind() ~= "{" then
    if not name then self:expected("a name or '{'") end
    local tag = T and self.scope:own_tag("enum", name) or self:tag("enum", name, at)
    if T and not tag.type then tag.type = self:enum_type(tag, {}, T, {}, at) end
    return tag
  end
  local tag = name and self.scope:own_tag("enum", name) or { tag = true, kind = "enum" }
  local again = tag.type and (tag.kind ~= "enum" or tag.type.names[1])
  if again then fail(at, "'%s' is declared twice", name) end
  tag.scope = scoped and Scope.new("enum", name, self.scope) or nil
  local entries = self:enumerators(tag.scope or self.scope)
  tag.type = self:enum_type(tag, entries, T, self:attributes(attributes), at)
  return tag
end

-- {-- Structs and unions ---------------------------------------------------------------------------

-- Where a record's last member ends, in bytes.
local function data_end(record)
  local furthest = 0
  for _, field in ipairs(record.fields) do
    furthest = math.max(furthest, field.offset + (field.bits and field.unit or field.type.size))
  end
  return furthest
end

-- The base of a C++ struct: its first member, without a name.
function Types:base(tag)
  while self:is("public") or self:is("protected") or self:is("private") do self:skip() end
  if self:is("virtual") then fail(self:at(), "a virtual base is not read here") end
  local at = self:at()
  self:deeper()
  local first = self:specifiers().type
  self:shallower()
  if self:kind() == "," then fail(self:at(), "several bases are not read here") end
  tag.derived = true
  local base_tag = first.tag and first or self.tag_of[first]
  if base_tag and base_tag.empty then return nil end
  local base = self:sized(first, at)
  if base.kind ~= "struct" then fail(at, "expected a struct as a base") end
  if base_tag and base_tag.special and not self.abi.windows and data_end(base) < base.size then
    fail(at, "'%s' is no plain struct: what follows it may lie in its padding, which is not read here", base.name)
  end
  self:copies(base, at)
  return { type = base, at = at }
end

-- The body of a struct or union from its '{' or ':' on.
function Types:record_body(tag, attributes, at)
  local scope = Scope.new("struct", tag.name, self.scope)
  tag.scope, self.scope = scope, scope
  local members = {}
  if self:accept(":") then members[1] = self:base(tag) end
  self:expect("{")
  self:deeper()
  while self:kind() ~= "}" do self:member(tag, members) end
  self:shallower()
  local pack = self.pack
  self:skip()
  self.scope = scope.parent
  self:spend(scope:close(), at)
  self:attributes(attributes)
  tag.empty = #members == 0
  if tag.empty then return end
  if members.flexible and #members == 1 then fail(members[1].at, "a flexible array has to follow another member") end
  local record = self:checked(at, ctype.record, tag.kind, tag.name, members, {
    pack = pack, packed = attributes.packed, align = attributes.align, abi = self.abi,
    fail = function(member, message) fail(member.at, "%s", message) end,
  })
  tag.special = tag.special or tag.derived
  tag.type = record
  self.tag_of[record] = tag
end

-- `struct`, `union` or `class` behind its word: the tag. `before` are the attributes in front of the word, of which
-- __declspec(align) is the struct's.
function Types:record(word, before)
  local at = self.ats[self.i - 1]
  local kind = word == "union" and "union" or "struct"
  local attributes = self:attributes({})
  local name = self:is_free(self.i) and self:name()
  self:attributes(attributes)
  if self:is("final") and (self.kinds[self.i + 1] == "{" or self.kinds[self.i + 1] == ":") then self:skip() end
  if self:kind() ~= "{" and self:kind() ~= ":" or self:kind() == ":" and not name then
    if not name then self:expected("a name or '{'") end
    if self:kind() == "::" then return self:qualified(self:tag(kind, name, at), at) end
    return self:tag(kind, name, at)
  end
  if before.declspec then
    at_least(attributes, before.align)
    before.align = nil
  end
  local tag = name and self.scope:own_tag(kind, name) or { tag = true, kind = kind }
  if tag.type or tag.empty or tag.open then fail(at, "'%s' is declared twice", name) end
  tag.kind, tag.open, tag.hidden = kind, true, word == "class"
  self:record_body(tag, attributes, at)
  tag.open = false
  return tag
end

--- The tag of a name that is used, which may be declared only later.
function Types:tag(kind, name, at)
  local tag = self.scope:find_tag(name)
  if not tag and names.declaration(name) then
    self:declare_given(name)
    tag = self.scope:find_tag(name)
  end
  if not tag then
    local scope = self.scope
    while scope.kind == "struct" do scope = scope.parent end
    return scope:own_tag(kind, name)
  end
  if tag.ambiguous then fail(at, "'%s' is declared in several structs", name) end
  if (tag.kind == "enum") ~= (kind == "enum") then fail(at, "'%s' is no %s", name, kind) end
  return tag
end

-- {-- Specifiers -----------------------------------------------------------------------------------

-- The type of a constant that is told by its value.
local AUTO <const> = { kind = "auto" }

local storage = set "typedef extern static constexpr"
local record_words = set "struct union class"

--- Whether a word is one of C's that can stand before a declarator in brackets.
function Types:is_keyword(word) -- luacheck: no self
  return basic_words[word] or silent[word] or storage[word] or record_words[word]
end

--- Whether a type, or what stands before one, is at token `i`.
function Types:starts_type(i)
  local word = self.values[i]
  if self.kinds[i] ~= "name" then return false end
  if basic_words[word] or record_words[word] or word == "enum" or word == "const" or word == "volatile" then
    return true
  end
  if self.kinds[i + 1] == "::" then
    local saved = self.i
    self.i = i
    local found = self:entity()
    self.i = saved
    return found ~= nil and (found.tag or found.type) ~= nil
  end
  local found = self:find(word)
  return found ~= nil and (found.tag or found.type) ~= nil
end

-- The basic words that are here; where it is one alone, it is `only` too.
function Types:basic_words(words)
  words.only = not next(words) and self:value() or nil
  repeat
    local word, at = self:value(), self:at()
    if word == "__signed__" then word = "signed" end
    if word == "long" and words.long then word = "long2" end
    if words[word] then fail(at, "'%s' is there twice", self:value()) end
    if words.only ~= word then words.only = nil end
    words[word] = true
    self:skip()
  until self:kind() ~= "name" or not basic_words[self:value()]
end

-- A name as a type. One that is not known stands for something: a pointer to it is a pointer.
function Types:named_type()
  local at, i = self:at(), self.i
  local found = self:entity()
  if found and (found.tag or found.type) then return found.tag and found or found.type end
  if not found and (self:kind() == "*" or self:kind() == "&") then
    return { tag = true, kind = "struct", name = self.values[self.i - 1] }
  end
  self.i = i
  return fail(at, "expected a type, got %s", lexer.shown(self:kind(), self:value()))
end

--- Reads what stands before the declarators: { type, typedef, extern, static, constexpr, const, align, packed }.
function Types:specifiers()
  local spec, words, at = {}, {}, self:at()
  if self:kind() == "[" then self:attributes(spec) end
  while self.kinds[self.i] == "name" do
    local word = self.values[self.i]
    if storage[word] then
      spec[word] = true
      self:skip()
    elseif attribute_words[word] or self:is_silent(self.i) then
      self:attributes(spec)
    elseif word == "auto" and not spec.type then
      self:skip()
      spec.type = AUTO
    elseif unread[word] then
      fail(self:at(), "'%s' is not read here", word)
    elseif basic_words[word] and not spec.type then
      self:basic_words(words)
    elseif spec.type or next(words) then
      break
    elseif record_words[word] then
      self:skip()
      spec.type, spec.own = self:record(word, spec), true
    elseif word == "enum" then
      self:skip()
      spec.type = self:enum()
    else
      spec.type = self:named_type()
    end
  end
  if next(words) then spec.type = self:basic_type(words, at) end
  if not spec.type then self:expected("a type") end
  return spec
end

return Types
