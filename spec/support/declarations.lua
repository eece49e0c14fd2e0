-- Random declarations of C structs and unions, each with what to ask a compiler about it, and with values for
-- its members in C and in Lua. A declaration is told by its seed: the same one comes again from the same
-- numbers.
local declarations = {}

local random = math.random

local function pick(list)
  return list[random(#list)]
end

local function chance(percent)
  return random(100) <= percent
end

-- {-- Types ----------------------------------------------------------------------------------------

-- Adds integers to a list: name, the bits that it has at least in every ABI, and whether it is signed.
local function add_integers(list, text)
  for line in text:gmatch("[^,]+") do
    local c, bits, sign = line:match("^%s*(.-) (%d+) (%a)%s*$")
    list[#list + 1] = { kind = "integer", c = c, bits = tonumber(bits), signed = sign == "s" }
  end
end

local integers, others = {}, {}
add_integers(integers, [[
  signed char 8 s, unsigned char 8 u, short 16 s, unsigned short 16 u, int 32 s, unsigned 32 u,
  unsigned int 32 u, long 32 s, unsigned long 32 u, long int 32 s, long long 64 s, unsigned long long 64 u,
  int8_t 8 s, uint8_t 8 u, int16_t 16 s, uint16_t 16 u, int32_t 32 s, uint32_t 32 u, int64_t 64 s,
  uint64_t 64 u]])
-- No bit-fields of these: it is the plain ones that headers use.
add_integers(others, [[
  size_t 32 u, intptr_t 32 s, uintptr_t 32 u, ptrdiff_t 32 s, BYTE 8 u, WORD 16 u, DWORD 32 u, LONG 32 s,
  UINT 32 u, ULONGLONG 64 u, LONGLONG 64 s, DWORD64 64 u, SHORT 16 s, USHORT 16 u, SIZE_T 32 u, INT64 64 s,
  int 32 s, long 32 s, long long 64 s, uint64_t 64 u, short 16 s, unsigned char 8 u, time_t 31 u, BOOL 32 s]])

local floats = {}
for i, c in ipairs { "float", "double", "FLOAT" } do floats[i] = { kind = "float", c = c } end
-- (Values of these bits are the same whether a plain char is signed or not.)
local plain_char = { kind = "integer", c = "char", bits = 8, signed = false, plain = true }
local bool = { kind = "bool", c = "bool", bits = 1 }
local texts = {}
for c in ("char wchar_t char16_t char32_t CHAR WCHAR char char"):gmatch("%S+") do
  texts[#texts + 1] = { kind = "text", c = c }
end
local pointers = {}
for c in ("void *|const char *|struct unknown *|HANDLE|int **|LPVOID|const wchar_t *"):gmatch("[^|]+") do
  pointers[#pointers + 1] = { kind = "pointer", c = c }
end
pointers[#pointers + 1] = {
  kind = "pointer", c = "void (*)(int, char *)", before = "void (*", after = ")(int, char *)",
}

-- {-- Declaring ------------------------------------------------------------------------------------

-- `text` are the lines so far; `prefix` begins the names of types, `serial` ends all names.
local Maker = {}
Maker.__index = Maker

function Maker:name(prefix)
  self.serial = self.serial + 1
  return prefix .. self.serial
end

function Maker:type_name(prefix)
  return self:name(self.prefix .. prefix)
end

function Maker:say(...)
  self.text[#self.text + 1] = string.format(...)
end

-- Enumerators' values: some negative, some past the signed ones, in no order.
local function enum_values()
  local values, seen, value = {}, {}, 0
  local negative = chance(30)
  local far = not negative and chance(20)
  for _ = 1, random(5) do
    if chance(40) then
      value = negative and random(-300, 300) or far and random(0, 0xffffffff) or random(0, 300)
    end
    if not seen[value] and (far or value <= 0x7fffffff) and value <= 0xffffffff then
      seen[value] = true
      values[#values + 1] = value
    end
    value = value + 1
  end
  return values
end

function Maker:enum()
  local type = { kind = "enum", names = {}, values = enum_values(), bits = 1 }
  local words = {}
  for i, value in ipairs(type.values) do
    type.names[i] = self:type_name("e")
    words[i] = ("%s = %d"):format(type.names[i], value)
    type.signed = type.signed or value < 0
    local bits = 1
    while (value < 0 and ~value or value) >> bits ~= 0 do bits = bits + 1 end
    type.bits = math.max(type.bits, bits)
  end
  if type.signed then type.bits = type.bits + 1 end
  local tag = self:type_name("E")
  if chance(50) then
    type.c = "enum " .. tag
    self:say("enum %s { %s };", tag, table.concat(words, ", "))
  else
    type.c = tag
    self:say("typedef enum { %s%s } %s;", table.concat(words, ", "), chance(50) and "," or "", tag)
  end
  return type
end

-- A type by another name with an alignment of its own, which no array takes: its elements would overlap.
function Maker:aligned(type)
  local copy = {}
  for k, v in pairs(type) do copy[k] = v end
  copy.c, copy.typedef_align, copy.lone, copy.of = self:type_name("A"), 1 << random(0, 4), true, type
  self:say("typedef %s %s __attribute__((aligned(%d)));", type.c, copy.c, copy.typedef_align)
  return copy
end

function Maker:simple_type()
  local n = random(100)
  if n <= 25 then return pick(integers) end
  if n <= 45 then return pick(others) end
  if n <= 60 then return pick(floats) end
  if n <= 68 then return bool end
  if n <= 82 then return pick(texts) end
  if n <= 92 then return pick(pointers) end
  return self:enum()
end

-- What a member is of; a record is declared before, or on the spot.
function Maker:type(depth)
  if depth < 3 and chance(18) then
    local type = { kind = "record", record = self:record(depth + 1, true) }
    type.c = type.record.c
    return chance(15) and self:aligned(type) or type
  end
  local type = self:simple_type()
  if not type.before and chance(8) then return self:aligned(type) end
  return type
end

-- Attributes and alignas of a member: what stands before, and after, its declarator.
local function decorate(self, member)
  local before, after = "", {}
  if chance(8) then
    member.packed = true
    after[1] = "packed"
  end
  if not member.bits and not self.no_alignment and chance(9) then
    local record = member.type.kind == "record" or member.type.typedef_align
    if not chance(50) then
      member.align = 1 << random(0, 5)
      after[#after + 1] = ("aligned(%d)"):format(member.align)
    else
      member.align = 1 << random(record and 5 or 3, 5)
      before = ("%s(%d) "):format(pick { "alignas", "_Alignas" }, member.align)
    end
  end
  return before, #after > 0 and (" __attribute__((%s))"):format(table.concat(after, ", ")) or ""
end

local function dimensions(type)
  local dims = {}
  if type.lone or not chance(30) then return dims end
  local record = type.kind == "record"
  for i = 1, random(100) <= 60 and 1 or random(2, record and 2 or 3) do
    dims[i] = random(record and 3 or 4)
  end
  if type.kind == "text" then dims[#dims] = random(12) end
  return dims
end

function Maker:member(depth, lines, indent)
  local no_alignment = self.no_alignment
  local type = no_alignment and self:simple_type() or self:type(depth)
  self.no_alignment = no_alignment
  local member = { name = self:name("f"), type = type, dims = dimensions(type) }
  local before, after = decorate(self, member)
  local dims = ""
  for _, n in ipairs(member.dims) do dims = ("%s[%d]"):format(dims, n) end
  lines[#lines + 1] = ("%s%s%s%s%s%s%s;"):format(indent, before, type.before or type.c .. " ", member.name,
    dims,
    type.after or "", after)
  return member
end

function Maker:bit_field(lines, indent)
  local type = chance(12) and bool or chance(10) and self:enum() or chance(6) and plain_char or pick(integers)
  local greatest = type.kind == "bool" and 1 or type.kind == "enum" and 32 or type.bits
  local least = type.kind == "enum" and type.bits or 1
  local member = { type = type, dims = {}, bits = chance(50) and math.min(random(least, least + 6), greatest)
    or random(least, greatest) }
  if chance(80) then member.name = self:name("f") elseif chance(50) then member.bits = 0 end
  local _, after = "", ""
  if member.name then _, after = decorate(self, member) end
  local name = member.name and member.name .. " " or ""
  lines[#lines + 1] = ("%s%s %s: %d%s;"):format(indent, type.c, name, member.bits, after)
  return member
end

-- A member of a struct or union type that is declared on the spot, often without a name.
function Maker:inner(depth, lines, indent, pack)
  local record = { kind = pick { "struct", "union" }, pack = pack }
  local head, tail = self:record_attributes(record)
  lines[#lines + 1] = ("%s%s%s {"):format(indent, record.kind, head)
  self:members(record, depth + 1, lines, indent .. "  ")
  local member = { type = { kind = "record", record = record }, dims = {} }
  local declarator = ""
  if chance(50) then
    member.name = self:name("f")
    member.dims = dimensions(member.type)
    declarator = " " .. member.name
    for _, n in ipairs(member.dims) do declarator = ("%s[%d]"):format(declarator, n) end
  end
  lines[#lines + 1] = ("%s}%s%s;"):format(indent, tail, declarator)
  return member
end

function Maker:members(record, depth, lines, indent)
  local bits = chance(45) and random(20, 90) or 0
  record.members = {}
  local packed_run
  for i = 1, random(7 - depth) do
    local member
    -- Behind packed bit-fields mingw's gcc may leave a member at an offset that its own `aligned` forbids: at
    -- 9 the char of spec/cdef_constructs_spec.lua that is aligned to 4.
    local previous = record.members[i - 1]
    packed_run = previous and previous.bits and (packed_run or previous.packed or record.packed)
    self.no_alignment = packed_run
    if chance(bits) then member = self:bit_field(lines, indent)
    elseif depth < 3 and chance(12) then member = self:inner(depth, lines, indent, record.pack)
    else member = self:member(depth, lines, indent) end
    record.members[i] = member
  end
  local last = record.members[#record.members]
  if not last.name and last.bits then record.members[#record.members + 1] = self:member(3, lines, indent) end
end

-- Attributes stand behind the keyword or behind the brace.
function Maker:record_attributes(record) -- luacheck: no self
  local words = {}
  if chance(12) then
    record.packed = true
    words[1] = "packed"
  end
  if chance(10) then
    record.align = 1 << random(0, 5)
    words[#words + 1] = ("aligned(%d)"):format(record.align)
  end
  if #words == 0 then return "", "" end
  local attribute = (" __attribute__((%s))"):format(table.concat(words, ", "))
  if chance(50) then return attribute, "" end
  return "", attribute
end

-- A record with a name, by a tag or a typedef, with its own #pragma pack.
function Maker:record(depth, whole)
  local record = { kind = chance(80) and "struct" or "union" }
  record.pack = chance(25) and 1 << random(0, 4) or nil
  local head, tail = self:record_attributes(record)
  local lines, tag, form = {}, self:type_name("S"), random(3)
  self:members(record, depth, lines, "  ")
  if not whole and record.kind == "struct" and chance(10) then
    local flexible = { name = self:name("f"), type = pick(integers), dims = { 0 }, flexible = true }
    record.members[#record.members + 1] = flexible
    lines[#lines + 1] = ("  %s %s[];"):format(flexible.type.c, flexible.name)
  end
  if record.pack then self:say("#pragma pack(push, %d)", record.pack) end
  record.c = form == 1 and record.kind .. " " .. tag or tag
  record.name = tag
  self:say("%s%s%s%s {", form == 1 and "" or "typedef ", record.kind, head,
    form == 1 and " " .. tag or form == 2 and " _" .. tag or "")
  self:say("%s", table.concat(lines, "\n"))
  self:say("}%s%s;", tail, form == 1 and "" or " " .. tag)
  if record.pack then self:say("#pragma pack(pop)") end
  return record
end

-- {-- Asking ---------------------------------------------------------------------------------------

local find_positions

-- A member, the first and last element of an array, and what is in the last.
local function find_member(list, member, c, lua)
  local bits = member.bits
  list[#list + 1] = { c = c, lua = lua, bits = bits, flexible = member.flexible }
  if member.flexible or bits then return end
  local levels = #member.dims - (member.type.kind == "text" and #member.dims > 0 and 1 or 0)
  for level = 1, levels do
    if member.dims[level] > 1 then list[#list + 1] = { c = c .. "[0]", lua = lua .. "[1]" } end
    c, lua = ("%s[%d]"):format(c, member.dims[level] - 1), ("%s[%d]"):format(lua, member.dims[level])
    list[#list + 1] = { c = c, lua = lua }
  end
  if member.type.kind == "record" then find_positions(list, member.type.record, c .. ".", lua .. ".") end
end

function find_positions(list, record, c, lua)
  for _, member in ipairs(record.members) do
    if member.name then find_member(list, member, c .. member.name, lua .. member.name)
    elseif not member.bits then find_positions(list, member.type.record, c, lua) end
  end
  return list
end

-- {-- Values ---------------------------------------------------------------------------------------

-- An integer of so many bits, its least and its greatest more often than by chance.
local function integer(bits, signed)
  local all = bits == 64 and -1 or (1 << bits) - 1
  local n = pick { random(0), random(0), all, 0, 1 << (bits - 1) } & all
  if signed and bits < 64 and n >> (bits - 1) == 1 then n = n - (1 << bits) end
  return ("0x%xULL"):format(n), n
end

local makers = {}

-- Each gives the initialiser in C, and the value in Lua.
function makers.integer(type, bits)
  bits = bits or type.bits
  if type.plain then bits = bits - 1 end
  return integer(bits, type.signed)
end

function makers.float()
  local x = random(-1000000, 1000000) / 8
  return ("%.10g"):format(x), x
end

function makers.bool()
  local n = random(0, 1)
  return tostring(n), n == 1
end

function makers.pointer(type)
  local n = random(0, 0x7fffffff)
  return ("(%s)0x%x"):format(type.before and type.c or "void *", n), n
end

-- One character, which reads as a number.
function makers.text()
  local n = random(1, 126)
  return tostring(n), n
end

function makers.enum(type)
  local i = random(#type.values)
  return type.names[i], type.names[i]
end

local record_value

function makers.record(type)
  local c, lua = {}, {}
  record_value(type.record, c, lua)
  return "{ " .. table.concat(c, ", ") .. " }", lua
end

local function text_value(capacity)
  local codes = {}
  for i = 1, random(0, capacity - 1) do codes[i] = random(32, 126) end
  return "{ " .. table.concat(codes, ", ") .. " }", string.char(table.unpack(codes))
end

local function member_value(member, level)
  local dims, type = member.dims, member.type
  if level > #dims then return makers[type.kind](type, member.bits) end
  if type.kind == "text" and level == #dims then return text_value(dims[level]) end
  local c, lua = {}, {}
  for i = 1, dims[level] do c[i], lua[i] = member_value(member, level + 1) end
  return "{ " .. table.concat(c, ", ") .. " }", lua
end

-- Of a union one member has a value.
function record_value(record, c, lua)
  local members = record.members
  if record.kind == "union" then
    local able = {}
    for _, member in ipairs(members) do
      if member.name or not member.bits then able[#able + 1] = member end
    end
    members = { pick(able) }
  end
  for _, member in ipairs(members) do
    if member.name and not member.flexible then
      local value
      value, lua[member.name] = member_value(member, 1)
      c[#c + 1] = (".%s = %s"):format(member.name, value)
    elseif not member.name and not member.bits then
      record_value(member.type.record, c, lua)
    end
  end
end

-- {-- Questions and answers ------------------------------------------------------------------------

-- Facts of one declaration: 0 is its numbers, 1 its initialised object, and each bit-field has one set to all
-- ones.
local IDS <const> = 1000

--- What to compile to know all about a declaration. `which` tells it from others in the same source.
function declarations.questions(declaration, which)
  local c, id = declaration.c, which * IDS
  local numbers, lines = { ("sizeof(%s), _Alignof(%s)"):format(c, c) }, { declaration.text }
  for i, position in ipairs(declaration.positions) do
    if position.bits then
      lines[#lines + 1] = ("BYTES(%d, %s, { .%s = 0xffffffffffffffffULL });"):format(id + 1 + i, c,
        position.c)
    else
      local size = position.flexible and "0" or ("sizeof ((%s *)0)->%s"):format(c, position.c)
      numbers[#numbers + 1] = ("offsetof(%s, %s), %s"):format(c, position.c, size)
    end
  end
  lines[#lines + 1] = ("FACTS(%d, %d, %s);"):format(id, 2 * #numbers, table.concat(numbers, ", "))
  lines[#lines + 1] = ("BYTES(%d, %s, %s);"):format(id + 1, c, declaration.initialiser)
  return table.concat(lines, "\n") .. "\n"
end

-- The first bit that is set, and how many are: they are one run. In the order ">" the first bit of a byte is
-- the highest one.
local function run_of_bits(bytes, order)
  local first, count = nil, 0
  for i = 1, #bytes do
    local byte = bytes:byte(i)
    for bit = 0, 7 do
      if byte >> (order == "<" and bit or 7 - bit) & 1 == 1 then
        first = first or (i - 1) * 8 + bit
        count = count + 1
      end
    end
  end
  return first, count
end

--- What the compiler answered: `size`, `align`, the `bytes` of the initialised object, and for each position
-- `offset` and `size`, of a bit-field the `first` of all the record's bits and its `width`. `order` is the
-- compiler's byte order.
function declarations.answers(declaration, which, facts, order)
  local id = which * IDS
  local numbers = { string.unpack(order .. ("i8"):rep(#facts[id] // 8), facts[id]) }
  local answers = { size = numbers[1], align = numbers[2], bytes = facts[id + 1] }
  local at = 3
  for i, position in ipairs(declaration.positions) do
    if position.bits then
      local first, width = run_of_bits(facts[id + 1 + i], order)
      answers[i] = { first = first, width = width }
    else
      answers[i] = { offset = numbers[at], size = numbers[at + 1] }
      at = at + 2
    end
  end
  return answers
end

-- {-- The whole ------------------------------------------------------------------------------------

--- A declaration: its `text`, the `name` to find its type by in Lua, `c` in C, the `record` that it tells,
-- the `positions` to ask for as { c, lua, bits, flexible }, and a value as `initialiser` and as `value`.
function declarations.new(seed, number)
  math.randomseed(seed, number)
  local maker = setmetatable({ text = {}, serial = 0, prefix = ("D%d"):format(number) }, Maker)
  local record = maker:record(0, false)
  local c, value = {}, {}
  record_value(record, c, value)
  return {
    name = record.name, c = record.c, record = record, text = table.concat(maker.text, "\n") .. "\n",
    positions = find_positions({}, record, "", ""), value = value,
    initialiser = "{ " .. table.concat(c, ", ") .. " }",
  }
end

return declarations
