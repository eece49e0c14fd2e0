-- Structs, unions and classes. These are methods of the parser. Internal to filemap.cdef.
local ctype = require "filemap.ctype"
local expression = require "filemap.cdef.expression"
local layout = require "filemap.ctype.layout"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"
local Scope = require "filemap.cdef.scope"

local fail = lexer.fail
local Records = {}

-- {-- Declarations in a struct besides members -----------------------------------------------------

local class_words = {
  friend = function(self) self:skip_function() end,
  virtual = function(self) fail(self:at(), "virtual functions are not read here: they change the layout") end,
  template = function(self) self:template() end,
  using = function(self) self:using() end,
}

for word in ("public private protected"):gmatch("%S+") do
  class_words[word] = function(self, tag)
    tag.hidden, tag.cpp = word ~= "public", true
    self.i = self.i + 1
    if self:kind() == "name" then self.i = self.i + 1 end -- Qt's slots
    self:expect(":")
  end
end

for word in ("static_assert _Static_assert C_ASSERT"):gmatch("%S+") do
  class_words[word] = function(self)
    self.i = self.i + 1
    self:static_assert()
  end
end

for word in ("Q_OBJECT Q_GADGET"):gmatch("%S+") do
  class_words[word] = function(self)
    fail(self:at(), "'%s' adds virtual functions, which are not read here", word)
  end
end

--- The words that begin a declaration which is neither a member nor a function.
Records.class_words = class_words

local maybe_function = { ["("] = true, ["~"] = true, ["::"] = true, ["<"] = true, ["&"] = true,
  ["&&"] = true }

-- A member function, a constructor, an operator: returns whether one was there.
function Records:member_function(tag)
  -- Most members are data: a type's names, stars, the member's name, and then something else than '('.
  local kinds, i = self.kinds, self.i
  local kind = kinds[i]
  while kind == "name" or kind == "*" do
    i = i + 1
    kind = kinds[i]
  end
  if not maybe_function[kind] and not (kind == "[" and kinds[i + 1] == "[")
    and self.values[i - 1] ~= "operator" then
    return false
  end
  if self:is("typedef") then return false end
  local at = self:at()
  local name, before = self:function_name()
  if not name then return false end
  local special = name == tag.name or name == "operator"
  if before == 0 and not special then self:expected("a member") end
  self:check_function_name(name, before)
  for k = self.i, self.i + before do
    if self.values[k] == "virtual" then class_words.virtual(self) end
  end
  self:check_no_member(before, name == tag.name)
  if special then
    self:check_behind_special(before)
  else
    local can, stop = self:can_be_function(before)
    if not can then
      self.i = stop or self.i
      self:expected(stop and "';'" or "a member")
    end
    self:check_no_record(before, stop)
    if not tag.derived then
      self:check_return_type(before)
      self:check_parameters(before)
    end
  end
  tag.special = tag.special or special
  tag.cpp = true
  self:skip_function(at)
  return true
end

-- {-- Members --------------------------------------------------------------------------------------

local function bit_field(self, member, attributes)
  member.bits = expression.integer(self, "the width of a bit-field")
  self:attributes(attributes)
  member.packed = attributes.packed or member.packed
  member.align = attributes.align or member.align
end

-- A member's place in the record, from behind its declarator on.
function Records:add_member(tag, members, spec, name, type_, attributes, at)
  local member = { name = name, align = spec.align, packed = attributes.packed or spec.packed, at = at }
  if attributes.align then member.align = math.max(attributes.align, spec.align or 1) end
  local kind = self.kinds[self.i]
  if kind == ":" then
    self.i = self.i + 1
    bit_field(self, member, attributes)
  elseif not name then
    self:expected("the name of a member")
  end
  if attributes.mode or attributes.vector then type_ = self:with_mode(type_, attributes, at) end
  member.type = type_.size and not type_.tag and type_ or self:sized(type_, at, true)
  if members.flexible then fail(at, "a flexible array has to be the last member") end
  members.flexible = attributes.flexible
  if members.flexible and tag.kind == "union" then
    fail(at, "a flexible array in a union is not read here")
  end
  tag.special = tag.special or tag.hidden
  members[#members + 1] = member
  kind = self.kinds[self.i]
  if kind == "=" or kind == "{" then
    tag.special = true
    self:initialiser(nil, type_, false, at)
  end
end

-- A typedef, a static member, or a member, from behind the specifiers on.
function Records:member_declarators(tag, members, spec)
  local kinds = self.kinds
  repeat
    local attributes = {}
    local at = self.ats[self.i]
    local name, type_, flexible
    if kinds[self.i] == ":" then type_ = spec.type
    else name, type_, flexible = self:declarator(spec.type, attributes) end
    local kind = kinds[self.i]
    if kind == "name" or kind == "[" then self:attributes(attributes) end
    attributes.flexible = flexible
    if spec.typedef then self:typedef(spec, name, type_, attributes, at)
    elseif spec.static or spec.constexpr then
      if kinds[self.i] == "=" or kinds[self.i] == "{" then
        self:initialiser(name, type_, spec.const or spec.constexpr, at)
      end
    elseif spec.extern then
      fail(at, "a member cannot be extern")
    else
      self:add_member(tag, members, spec, name, type_, attributes, at)
    end
  until not self:accept(",")
  if kinds[self.i] ~= ";" then self:expected("';'") end
  self.i = self.i + 1
end

-- Whether a struct or union in another, with no member's name behind it, is a member without a name. With a
-- tag it is one for Microsoft's C and for mingw's, also where its body is elsewhere; C++ only declares it.
local function is_member(self, tag, spec)
  local inner = spec.type
  -- A typedef's name alone is a member for Microsoft's C and mingw's, and an error in C++.
  if not spec.keyword then return self.abi.windows end
  if not inner.name then return spec.own end
  return self.abi.windows and not (self.is_cpp or tag.cpp) and (spec.own or self:complete(inner) ~= nil)
end

-- A declaration without declarators in a struct. The members of a struct or union without a name are also
-- members of the one around it.
local function unnamed_member(self, tag, members, spec, at)
  local inner = spec.type
  if not inner.tag then fail(at, "expected the name of a member") end
  if inner.kind == "enum" or not is_member(self, tag, spec) then return end
  if members.flexible then fail(at, "a flexible array has to be the last member") end
  local type_ = self:sized(inner, at, true)
  self:copies(type_, at)
  members.flexible = tag.kind == "struct" and inner.flexible
  if spec.keyword and inner.name then members.of_c = members.of_c or at end
  members[#members + 1] = { type = type_, align = spec.align, packed = spec.packed, at = at }
end

--- Reads one declaration in a struct or union.
function Records:member(tag, members)
  local kind, word = self.kinds[self.i], self.values[self.i]
  if kind == ";" then
    self.i = self.i + 1
    return
  end
  local read = kind == "name" and class_words[word]
  if read then return read(self, tag) end
  if self:member_function(tag) then return end
  local at = self.ats[self.i]
  self.has_bare_tag = false
  local spec = self:specifiers()
  -- (Only C++ takes the name of a struct alone as a type.)
  if self.has_bare_tag then tag.cpp = true end
  if self.kinds[self.i] ~= ";" then return self:member_declarators(tag, members, spec) end
  self.i = self.i + 1
  unnamed_member(self, tag, members, spec, at)
end

-- {-- Bodies ---------------------------------------------------------------------------------------

-- Where a record's last member ends, in bytes.
local function data_end(record)
  local furthest = 0
  for _, field in ipairs(record.fields) do
    local bits = field.bits
    local size = bits and (bits.first + bits.width + 7) // 8 or field.type.size
    furthest = math.max(furthest, field.offset + size)
  end
  return furthest
end

-- The type of a member, or of the elements of an array.
local function element_type(member)
  local type_ = member.type
  while type_.kind == "array" do type_ = type_.of end
  return type_
end

-- Whether a struct has a member of a struct that is not plain, or a reference: then it is not plain either.
local function has_special(self, members)
  for _, member in ipairs(members) do
    local type_ = element_type(member)
    local tag = self.tag_of[type_]
    if tag and tag.special or type_.reference then return true end
  end
  return false
end

-- The base of a C++ struct: its first member, without a name.
function Records:base(tag)
  while self:is("public") or self:is("protected") or self:is("private") do self:skip() end
  if self:is("virtual") then fail(self:at(), "a virtual base is not read here") end
  local at = self:at()
  local first = self:named_type()
  tag.derived, tag.cpp = true, true
  local base_tag = first.tag and first or self.tag_of[first]
  local is_empty = base_tag and not self:complete(base_tag) and base_tag.empty and not self:broken(base_tag)
  table.insert(self.scope.bases, base_tag and base_tag.scope)
  local base = not is_empty and self:sized(first, at)
  if is_empty then return nil end
  if base.kind ~= "struct" then fail(at, "expected a struct as a base") end
  if base_tag and base_tag.special and not self.abi.windows and data_end(base) < base.size then
    fail(at, "'%s' is not a plain struct: what follows it may use its padding, which is not read here",
      base.name)
  end
  self:copies(base, at)
  return { type = base, at = at, is_base = true }
end

-- All bases, since the names in the struct may be theirs.
local function bases(self, tag, members)
  self.scope.bases = {}
  members[1] = self:base(tag)
  local at = self:at()
  if self:kind() == "{" then return end
  while self:accept(",") do self:base(tag) end
  if self:kind() ~= "{" then self:expected("'{'") end
  fail(at, "several bases are not read here")
end

-- Goes behind a base that could not be read.
local function skip_bases(self)
  while self:kind() ~= "{" do
    if self:kind() == "end" or self:kind() == ";" then self:expected("'{'") end
    self.i = self.i + 1
  end
end

-- Makes a tag one that could not be read, from the declaration at hand on.
local function break_tag(self, tag, problem)
  if not tag.broken then tag.broken, tag.broken_at = problem, self.scope.clock.seq end
end

-- The members up to the '}'. The first error of a member is the struct's: the others are read all the same,
-- for the names that they declare.
function Records:members(tag, members)
  local function on_problem(problem) break_tag(self, tag, problem) end
  self:protected_loop("}", on_problem, self.member, tag, members)
end

-- A struct of no members: gcc's C gives it no bytes, C++ one. In C's own idiom, a member of an unnamed struct
-- type, it has no bytes where the text is not read as C++; any other one counts as a struct whose size is not
-- known.
local function empty_record(self, tag, first, last)
  tag.empty, tag.done = true, self.scope.clock.seq
  if last == first + 1 and not (tag.name or self.is_cpp or self.abi.windows) then
    tag.empty_type = layout.record(tag.kind, nil, {}, { abi = self.abi })
  end
end

-- g++ ignores the attribute packed where a member is of a struct that is not plain, and not packed itself.
local function check_packed(self, members)
  for _, member in ipairs(members) do
    local type_ = element_type(member)
    local tag = self.tag_of[type_]
    if tag and tag.special and not tag.packed and not member.is_base then
      fail(member.at, "'%s' is not a plain struct, which the compiler does not pack", type_.name or tag.kind)
    end
  end
end

-- With the attribute ms_struct gcc aligns numbers of 8 bytes to 8, also where they align to 4 otherwise.
local function check_ms_struct(self, members)
  for _, member in ipairs(members) do
    local type_ = element_type(member)
    if type_.T and type_.size == 8 and self.abi.align64 < 8 then
      fail(member.at, "a number of 8 bytes in a struct with the attribute ms_struct is not read here")
    end
  end
end

local function lay_out(self, tag, members, attributes, first, close)
  self:check_missed(first, close)
  if #members == 0 then return empty_record(self, tag, first, close) end
  if members.flexible and #members == 1 then
    fail(members[1].at, "a flexible array has to follow another member")
  end
  if members.of_c and tag.cpp then
    fail(members.of_c, "a struct or union with a tag and no member's name is a member for C and none for C++")
  end
  tag.flexible = members.flexible and tag.kind == "struct"
  -- (To Microsoft's compiler the packing at the opening brace counts.)
  local pack = self:pack_at(self.is_microsoft and first or close)
  local base = members[1].is_base and members[1]
  -- (gcc's attribute packed leaves the alignment of a base as it is; #pragma pack does not.)
  if base and attributes.packed and not (pack or self.is_microsoft) then base.align = base.type.align end
  if attributes.packed then check_packed(self, members) end
  if attributes.bitfields == "msvc" then check_ms_struct(self, members) end
  tag.packed = attributes.packed
  local record = layout.record(tag.kind, tag.name, members, {
    pack = pack, packed = attributes.packed, align = self:type_alignment(attributes), abi = self.abi,
    microsoft = self.is_microsoft, bitfields = attributes.bitfields,
    endian = self.abi.endian ~= ctype.native_order and self.abi.endian or nil,
    fail = function(member, message) fail(member.at, "%s", message) end,
  })
  if self.is_microsoft and record.size == 0 then
    fail(self.ats[first], "a struct or union of no bytes is not read here: its size depends on the compiler")
  end
  tag.special = tag.special or tag.derived or has_special(self, members)
  tag.type, tag.done = record, self.scope.clock.seq
  self.tag_of[record] = tag
end

local function read_bases(self, tag, members)
  local well, problem = pcall(bases, self, tag, members)
  if well then return end
  break_tag(self, tag, self:recoverable(problem))
  skip_bases(self)
end

--- The body of a struct or union from its '{' or ':' on; `around` is the scope that it is in.
function Records:record_body(tag, attributes, at, around)
  local scope, outer = Scope.new("struct", tag.name, around), self.scope
  tag.scope, scope.tag, self.scope = scope, tag, scope
  local members = {}
  scope.members = members
  if self:accept(":") then read_bases(self, tag, members) end
  local first = self:absolute(self.i)
  self:expect("{")
  self:members(tag, members)
  local close = self:absolute(self.i)
  self.i = self.i + 1
  self.scope, scope.members = outer, nil
  self:spend(scope:close(), at)
  local kind = self.kinds[self.i]
  if kind == "name" or kind == "[" then self:attributes(attributes) end
  if tag.broken then return end
  local well, problem = pcall(lay_out, self, tag, members, attributes, first, close)
  if not well then break_tag(self, tag, self:recoverable(problem, at)) end
end

-- {-- Declarations ---------------------------------------------------------------------------------

-- Macros in front of a body that pack it, by their letters alone.
local packing = {
  PACK = true, PACKED = true, PACKEDSTRUCT = true, STRUCTPACKED = true, ATTRIBUTEPACKED = true,
  PACKEDATTRIBUTE = true,
  ATTRPACKED = true, PACKEDATTR = true, GCCPACKED = true, PACKEDGCC = true, PACKATTRIBUTE = true,
}

-- struct PACKED { … }: the word may be a macro of an include that was passed over.
local function check_name(self, name, at)
  local missed = self.stream and self.stream.missed[1]
  if missed and name == name:upper() and (packing[name:gsub("_", "")] or name:find("_PACKED_*$")) then
    fail(at, "'%s' may be a macro of #include %s, which was not found", name, missed.shown)
  end
end

--- Raises if a tag has a body already, read or kept, before the one at hand.
function Records:check_new(tag, at)
  if tag.kept == self.file.clock.limit then tag.kept = nil end
  if tag.kept then self:complete(tag) end
  local is_enum = tag.kind == "enum"
  if tag.empty or tag.open or tag.broken or tag.type and not (is_enum and not tag.type.names[1]) then
    fail(at, "'%s' is declared twice", tag.name)
  end
end

local function begin(self, tag, kind, name, at)
  self:check_new(tag, at)
  if tag.type then fail(at, "'%s' is not a %s", name, kind) end
  if name then check_name(self, name, at) end
  tag.kind, tag.open = kind, true
end

local function attributes_here(self, attributes)
  local kind = self.kinds[self.i]
  if kind == "name" or kind == "[" then return self:attributes(attributes) end
  return attributes
end

--- `struct`, `union` or `class` behind its word: the tag, and whether its body is here. `before` are the
-- attributes in front of the word, of which __declspec(align) is the struct's.
function Records:record(word, before)
  local at = self.ats[self.i - 1]
  local kind = word == "union" and "union" or "struct"
  local attributes = attributes_here(self, {})
  local name, scope = self:tag_name()
  local behind = {}
  if name and self.kinds[self.i] == "name" then
    self:attributes(behind)
    if self:is("final") and (self.kinds[self.i + 1] == "{" or self.kinds[self.i + 1] == ":") then
      self:skip()
    end
  end
  local after = self.kinds[self.i]
  if after ~= "{" and (after ~= ":" or not name) then
    if not name then self:expected("a name or '{'") end
    -- Without a body, attributes behind the name are those of the variable or typedef.
    for key, value in pairs(behind) do before[key] = before[key] or value end
    -- `struct S;` declares S here, whatever it means around.
    local declares = after == ";" and not (scope or before.typedef or before.extern)
      and not names.declaration(name, self.abi)
    if declares and self.scope.kind ~= "struct" then return self.scope:own_tag(kind, name) end
    return self:tag(kind, name, at, scope)
  end
  for key, value in pairs(behind) do attributes[key] = value end
  if before.declspec then
    attributes.align, attributes.strictest = math.max(attributes.align or 1, before.align), true
    before.align = nil
  end
  scope = scope or self.scope
  local tag = name and scope:own_tag(kind, name) or { tag = true, kind = kind }
  begin(self, tag, kind, name, at)
  if word == "class" then tag.hidden, tag.cpp = true, true end
  self:record_body(tag, attributes, at, scope)
  tag.open = false
  if tag.broken then self:skipped_tag(tag) end
  return tag, true
end

return Records
