-- Specifiers, the words before the names in a declaration: basic types, names of types, storage. These are
-- methods of the parser. Internal to filemap.cdef.
local Attributes = require "filemap.cdef.attributes"
local ctype = require "filemap.ctype"
local expression = require "filemap.cdef.expression"
local lexer = require "filemap.cdef.lexer"

local fail = lexer.fail
local Types = {}

local function set(text)
  local words = {}
  for word in text:gmatch("%S+") do words[word] = true end
  return words
end

-- Keywords of C, which nothing can have as its name.
local reserved = set [[auto break case char const continue default do double else enum extern float for goto
  if inline int long register restrict return short signed sizeof static struct switch typedef union unsigned
  void volatile while static_assert _Static_assert]]

--- These words.
Types.reserved = reserved

--- Whether a token is a name that something can have.
function Types:is_free(i)
  return self.kinds[i] == "name" and not reserved[self.values[i]]
end

--- Steps over a name that something has. Returns it and its position.
function Types:name(what)
  local i = self.i
  local value = self.values[i]
  if self.kinds[i] ~= "name" or reserved[value] then self:expected(what) end
  self.i = i + 1
  return value, self.ats[i]
end

-- {-- Basic types ----------------------------------------------------------------------------------

local basic_words = set [[void char short int long float double signed unsigned __signed__ __signed
  __int8 __int16 __int32 __int64 __int128 _Complex __complex__ _Float128 __float128 _Float64x _Float64
  _Float32 _Float32x __builtin_va_list]]
local unread = set [[_Imaginary _Float16 __fp16 __bf16 _Decimal32 _Decimal64 _Decimal128 _BitInt decltype]]

-- Types by their words, in this order and without those that add nothing: `long unsigned int` is "unsigned
-- long".
local word_order = {
  "_Complex", "unsigned", "signed", "short", "long", "long2", "char", "__int8", "__int16", "__int32",
  "__int64", "__int128", "int", "float", "double", "void", "_Float128", "_Float64x", "_Float64", "_Float32",
  "_Float32x", "__builtin_va_list",
}
local by_words = {
  ["signed char"] = "i8", ["unsigned char"] = "u8", short = "i16", ["unsigned short"] = "u16", int = "i32",
  unsigned = "u32", ["long long2"] = "i64", ["unsigned long long2"] = "u64", float = "f32", double = "f64",
  __int8 = "i8", ["unsigned __int8"] = "u8", __int16 = "i16", ["unsigned __int16"] = "u16", __int32 = "i32",
  ["unsigned __int32"] = "u32", __int64 = "i64", ["unsigned __int64"] = "u64",
  _Float32 = "f32", _Float32x = "f64", _Float64 = "f64",
}
local same_word = { __signed__ = "signed", __signed = "signed", __complex__ = "_Complex",
  __float128 = "_Float128" }
local adds_nothing = { signed = "char", int = false }

-- Types without a number in Lua, which are read as bytes: functions (abi) -> size and alignment, or nil where
-- there is no such type.
local wide = {}

wide["long double"] = function(abi)
  if abi.long_double then return abi.long_double[1], abi.long_double[2] end
end
wide._Float64x = wide["long double"]
wide.__builtin_va_list = function(abi)
  if abi.va_list then return abi.va_list[1], abi.va_list[2] end
end
wide.__int128 = function(abi)
  if abi.pointer == 8 and not abi.windows then return 16, abi.biggest end
end
wide["unsigned __int128"] = wide.__int128
wide._Float128 = function(abi)
  if abi.long_double then return 16, abi.biggest end
end
wide["_Complex float"] = function(abi)
  if not abi.windows then return 8, 4 end
end
wide["_Complex double"] = function(abi)
  if not abi.windows then return 16, abi.align64 end
end
wide["_Complex long double"] = function(abi)
  local size, align = wide["long double"](abi)
  if size then return 2 * size, align end
  return wide["_Complex double"](abi)
end

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

-- A type that is read as bytes.
local function bytes_type(self, key)
  if key == "long double" and not self.abi.long_double then return ctype.number("f64", self.abi, key) end
  if key == "__builtin_va_list" and self.abi.windows then return self.pointer end
  if not wide[key] then return nil end
  local size, align = wide[key](self.abi)
  return size and ctype.aligned(ctype.array(ctype.number("u8", self.abi), size), align)
end

function Types:basic_type(words, at)
  local shown, key = shown_words(words), words_key(words)
  local cached = self.basic[shown]
  if cached then return cached end
  local T = by_words[key]
  if key == "long" or key == "unsigned long" then T = (key == "long" and "i" or "u") .. self.abi.long * 8 end
  local well = T and not (words.int and (words.char or words.float or words.double or words.void))
    and not (words.signed and words.unsigned) and not (words.signed and (T == "f32" or T == "f64"))
  if key == "char" and not words.int then cached = ctype.char(1, self.abi)
  elseif shown == "void" then cached = { kind = "void", name = "void" }
  elseif well then cached = ctype.number(T, self.abi, shown)
  else cached = bytes_type(self, key) or fail(at, "'%s' is not a type that is read here", shown) end
  self.basic[shown] = cached
  return cached
end

-- Reads the basic words that are here, the first of which is the token's.
function Types:basic_words(words)
  local kinds, values = self.kinds, self.values
  repeat
    local word = values[self.i]
    word = same_word[word] or word
    if word == "long" and words.long then word = "long2" end
    if words[word] then fail(self:at(), "'%s' is there twice", self:value()) end
    words[word] = true
    self.i = self.i + 1
  until kinds[self.i] ~= "name" or not basic_words[values[self.i]]
end

-- {-- Names of types -------------------------------------------------------------------------------

-- The argument of a template such as std::atomic<T>, from its '<' on.
local function template_argument(self)
  self:expect("<")
  local at = self:at()
  self:deeper()
  local type_ = self:type_name() or self:expected("a type")
  self:shallower()
  return self:sized(type_, at), at
end

local function atomic_of(self, type_, at)
  local size = type_.size
  local is_power = size > 0 and size & size - 1 == 0 and size <= (self.abi.windows and 8 or 16)
  if not is_power and self.abi.windows then fail(at, "an atomic type of %d bytes is not read here", size) end
  local align = math.min(size, self.abi.windows and size or self.abi.biggest)
  if not is_power or type_.align >= align then return type_ end
  return ctype.aligned(type_, align)
end

-- Templates of C++ whose layout is that of C.
local templates = {}

function templates.atomic(self)
  local type_, at = template_argument(self)
  self:expect(">")
  return atomic_of(self, type_, at)
end

function templates.array(self)
  local type_, at = template_argument(self)
  self:expect(",")
  local n = expression.template_argument(self)
  self:expect(">")
  if math.type(n) ~= "integer" then fail(at, "expected an integer as the size of std::array") end
  if n < 1 then fail(at, "std::array of %d elements is not read here", n) end
  return self:checked(at, ctype.array, type_, n)
end

--- std::atomic<T> and std::array<T, n>, behind their names; nil for another name.
function Types:template_type(word)
  if self:kind() ~= "<" or not templates[word] then return nil end
  return templates[word](self)
end

-- _Atomic behind its word: _Atomic(T), or a qualifier of the type that follows.
function Types:atomic_type()
  local at = self:at()
  if self:accept("(") then
    local type_ = self:sized(self:type_name() or self:expected("a type"), at)
    self:expect(")")
    return atomic_of(self, type_, at)
  end
  return nil
end

-- typeof(type) behind its word.
function Types:typeof_type()
  local at = self:at()
  self:expect("(")
  local type_ = self:type_name() or fail(at, "typeof of an expression is not read here")
  self:expect(")")
  return type_
end

-- A name as a type. A name that is not known can only have pointers to it, and references if an include that
-- was passed over may declare it.
function Types:named_type()
  local at, i = self:at(), self.i
  local word = self.values[i]
  local found = self:entity()
  local last = self.values[self.i - 1]
  local kind = self.kinds[self.i]
  if not found and kind == "<" and (templates[last]) then return self:template_type(last) end
  if found and found.broken and kind == "<" then self:skip_template_arguments() end
  if found and found.tag then
    self.has_bare_tag = true
    return found
  end
  if found and found.type then return found.type end
  kind = self.kinds[self.i]
  if not found and (kind == "*" or kind == "&" and self.stream.missed[1]) then
    return { tag = true, kind = "struct", name = last }
  end
  self.i = i
  return fail(at, "expected a type, got %s", lexer.shown(self:kind(), word))
end

--- Steps over the arguments of a template from its '<' on.
function Types:skip_template_arguments()
  local depth = 0
  repeat
    local kind = self:kind()
    if kind == "<" then depth = depth + 1
    elseif kind == ">" then depth = depth - 1
    elseif kind == ">>" then depth = depth - 2
    elseif kind == "(" or kind == "[" then
      self:balanced()
      self.i = self.i - 1
    elseif kind == ";" or kind == "{" or kind == "end" then self:expected("'>'") end
    self.i = self.i + 1
  until depth <= 0
end

-- {-- Specifiers -----------------------------------------------------------------------------------

-- The type of a constant whose type follows from its value.
local AUTO = { kind = "auto" }

-- The class of each word that is not the name of a type.
local classes = {}
for word in pairs(Attributes.attribute_words) do classes[word] = "attribute" end
for word in pairs(basic_words) do classes[word] = "basic" end
for word in pairs(unread) do classes[word] = "unread" end
for word in pairs(set "typedef extern static constexpr") do classes[word] = "storage" end
for word in pairs(set "struct union class") do classes[word] = "record" end
for word in pairs(set "typeof __typeof__ __typeof") do classes[word] = "typeof" end
classes.enum, classes.auto, classes._Atomic = "enum", "auto", "atomic"

local starts = { basic = true, record = true, enum = true, typeof = true, atomic = true, unread = true }

--- Whether a word is one of C's that can come before a declarator in brackets.
function Types:is_keyword(word) -- luacheck: no self
  local class = classes[word]
  return class ~= nil and class ~= "typeof" and class ~= "unread"
end

--- Whether a type, or what comes before one, is at token `i`.
function Types:starts_type(i)
  local kind, word = self.kinds[i], self.values[i]
  if kind ~= "name" and kind ~= "::" then return false end
  local class = classes[word]
  if class then return starts[class] or word == "const" or word == "volatile" or word == "CONST" end
  if kind == "::" or self.kinds[i + 1] == "::" then
    if kind == "::" and self.kinds[i + 1] ~= "name" then return false end
    local saved = self.i
    self.i = i
    local found = self:entity()
    local is_template = not found and templates[self.values[self.i - 1]] and self:kind() == "<"
    self.i = saved
    return is_template or found ~= nil and (found.tag or found.type) ~= nil
  end
  local found = self:find(word)
  return found ~= nil and (found.tag or found.type) ~= nil
end

-- One word of the specifiers by its class. Returns false at the first word that is not one of them.
local readers = {}

function readers.storage(self, spec, word)
  if word == "typedef" and spec.typedef then fail(self:at(), "'typedef' is there twice") end
  spec[word] = true
  self.i = self.i + 1
end

function readers.attribute(self, spec)
  self:attributes(spec)
end

function readers.unread(self, _, word)
  fail(self:at(), "'%s' is not read here", word)
end

function readers.basic(self, spec)
  if spec.type then return false end
  local words = spec.words or {}
  spec.words = words
  self:basic_words(words)
end

function readers.record(self, spec, word)
  if spec.type or spec.words then return false end
  self.i = self.i + 1
  spec.keyword = true
  spec.type, spec.own = self:record(word, spec)
end

function readers.enum(self, spec)
  if spec.type or spec.words then return false end
  self.i = self.i + 1
  spec.keyword = true
  spec.type, spec.own = self:enum()
end

function readers.auto(self, spec)
  if spec.type or spec.words then return false end
  self.i = self.i + 1
  spec.type = AUTO
end

function readers.atomic(self, spec)
  self.i = self.i + 1
  spec.type = self:atomic_type()
  spec.atomic = not spec.type
end

function readers.typeof(self, spec)
  if spec.type or spec.words then return false end
  self.i = self.i + 1
  spec.type = self:typeof_type()
end

local mode_types = { "i8", "i16", [4] = "i32", [8] = "i64" }

-- The type that mode(…) makes of an integer.
local function of_mode(self, type_, size, at)
  local T = type_.T
  if not T or not ctype.bounds(T) then fail(at, "a mode of %s is not read here", type_.name or type_.kind) end
  local moded = mode_types[size]
  return ctype.number(T:sub(1, 1) == "u" and "u" .. moded:sub(2) or moded, self.abi)
end

local function of_vector(self, type_, size, at)
  if size < type_.size or size & size - 1 ~= 0 or type_.size & type_.size - 1 ~= 0 then
    fail(at, "a vector of %d bytes is not read here", size)
  end
  local vector = self:checked(at, ctype.array, type_, size // type_.size)
  return self:aligned_type(vector, math.min(size, self.abi.vector or size))
end

--- A type with the mode or the vector that its attributes make of it.
function Types:with_mode(type_, attributes, at)
  if attributes.mode then type_ = of_mode(self, self:sized(type_, at), attributes.mode, at) end
  if attributes.vector then type_ = of_vector(self, self:sized(type_, at), attributes.vector, at) end
  return type_
end

-- A type of one word before a declarator: most declarations begin so. The
-- tables of these are made once, and not changed.
local function plain_specifiers(self, i)
  local word, after = self.values[i], self.values[i + 1]
  if self.kinds[i] ~= "name" or after ~= "*" and (self.kinds[i + 1] ~= "name" or classes[after]
    or self:is_silent(i + 1)) then return nil end
  local class, key = classes[word], word
  if class and class ~= "basic" then return nil end
  local found
  if not class then
    found = self.scope:find(word) or self:find(word)
    key = found
    if not found or self:is_silent(i) then return nil end
  end
  local spec = self.specs[key]
  if not spec then
    local type_ = class and self.basic[word] or found and not found.tag and found.type
    if not type_ or type_.tag then return nil end
    spec = { type = type_ }
    self.specs[key] = spec
  end
  self.i = i + 1
  return spec
end

--- Reads what comes before the declarators: { type, typedef, extern, static, constexpr, const, align, packed
-- }.
function Types:specifiers()
  local kinds, values = self.kinds, self.values
  local plain = plain_specifiers(self, self.i)
  if plain then return plain end
  local spec, at = {}, self.ats[self.i]
  if kinds[self.i] == "[" then self:attributes(spec) end
  while kinds[self.i] == "name" or kinds[self.i] == "::" and not (spec.type or spec.words) do
    local word = values[self.i]
    local class = classes[word]
    if class then
      if readers[class](self, spec, word) == false then break end
    elseif self:is_silent(self.i) then
      self:attributes(spec)
    elseif spec.type or spec.words then
      break
    else
      spec.type = self:named_type()
    end
  end
  if spec.words then
    if spec.type then fail(at, "expected one type, got two") end
    local words = spec.words
    local only = next(words)
    spec.type = next(words, only) == nil and self.basic[only] or self:basic_type(words, at)
  end
  if not spec.type and spec.typedef and kinds[self.i] == "*" and not self.is_cpp then
    -- C's old rule, by which a type that is not there is int. Some of mingw's headers rely on it.
    spec.type = self:basic_type({ int = true }, at)
  end
  if not spec.type then self:expected("a type") end
  if spec.atomic then spec.type = atomic_of(self, self:sized(spec.type, at), at) end
  if spec.mode or spec.vector then spec.type = self:with_mode(spec.type, spec, at) end
  return spec
end

return Types
