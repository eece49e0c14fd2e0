-- How a compiler lays out a struct or union: its size and alignment, the offsets of its members, and the
-- units and bits of bit-fields. The rules are those of gcc, of gcc for Windows, or of Microsoft's compiler.
-- Internal: filemap.struct and filemap.cdef use it.
--
-- Errors are raised as sentences without a position, as in filemap.ctype.

local ctype = require "filemap.ctype"

local layout = {}

local function round_up(n, multiple)
  return (n + multiple - 1) // multiple * multiple
end

local function is_power_of_2(n)
  return math.type(n) == "integer" and n > 0 and n & (n - 1) == 0
end

local function check_alignment(what, n)
  if n ~= nil and not (is_power_of_2(n) and n <= 1 << 28) then
    error(("%s must be a power of 2, got %s"):format(what, tostring(n)), 0)
  end
end

-- The state while members are placed: `bit`, where the next member may start, and `ends`, where the furthest
-- member ends (both in bits from the start); `align` of the whole; `left`, the bits that are free in the unit
-- of `left_size` bytes that the last bit-field began (msvc, microsoft); `required` of the whole (microsoft).
local State = {}
State.__index = State

-- The alignment of a member, in bytes. Packing removes the alignment of the type, but not the alignment that
-- the member itself was given; #pragma pack limits both. (GCC, stor-layout.c: layout_decl.)
function State:member_align(member)
  if self.microsoft then return self:microsoft_align(member) end
  local align = (self.packed or member.packed) and 1 or member.type.align
  if member.align and (self.packed or member.packed) then align = member.align end
  align = math.max(align, member.align or 1)
  return math.min(align, self.pack or align)
end

-- The same as Microsoft's compiler gives it: neither packing limits an alignment that a member or its type
-- was given. The whole then has it too. (clang, RecordLayoutBuilder.cpp: getAdjustedElementInfo.)
function State:microsoft_align(member)
  local align = (self.packed or member.packed) and 1 or member.type.align
  local required = math.max(member.align or 1, member.type.required or 1)
  if not member.bits then self.required = math.max(self.required, required) end
  return math.max(math.min(align, self.pack or align), required)
end

function State:need(align)
  self.align = math.max(self.align, align)
end

-- Ends the unit that bit-fields share, if there is one.
function State:close_unit()
  if self.left then self.bit = self.bit + self.left end
  self.left, self.left_size = nil, nil
end

-- Reserves `bits` bits for a member, and returns their start, in bits.
function State:take(start, bits)
  if bits > ctype.greatest_size * 8 - start then error("the whole is too large", 0) end
  self.bit = self.union and 0 or start + bits
  self.ends = math.max(self.ends, start + bits)
  return start
end

-- Raises for a member that is aligned by itself, behind a packed unit of bit-fields that ends off that
-- alignment: gcc tests the alignment before it ends the unit, and may leave the member unaligned (gcc 12 for
-- Windows).
function State:check_behind_unit(member, align, before)
  local step = align * 8
  if self.microsoft then return end
  if before ~= self.bit and member.align and before % step == 0 and self.bit % step ~= 0 then
    error("an aligned member behind packed bit-fields is not read here", 0)
  end
end

-- Places an ordinary member, and returns its offset. A member with an explicit offset needs no more alignment
-- than the offset has.
function State:place(member)
  local before, align = self.bit, self:member_align(member)
  self:close_unit()
  self:check_behind_unit(member, align, before)
  if member.offset then
    while member.offset % align ~= 0 do align = align // 2 end
    self.bit = member.offset * 8
  end
  self:need(align)
  local size = member.is_base and member.type.base_size or member.type.size
  return self:take(round_up(self.bit, align * 8), size * 8) // 8
end

-- The rules for bit-fields. Each takes the member, and returns the bit where it starts, and the byte
-- where its unit starts; nil if it has no unit.
local place_bits = {}

-- System V: a bit-field starts at the next free bit, unless it would then cross more boundaries of its type
-- than the type itself. With packing it may cross them. (System V ABI, 3.1.2 "Bit-Fields"; GCC: place_field.)
function place_bits.gcc(self, member)
  local type, width = member.type, member.bits
  local unit, align = type.size * 8, type.align * 8
  if width == 0 then
    -- (Neither packing nor #pragma pack limits this alignment.)
    if self.unnamed_align then self:need(type.align) end
    return self:take(round_up(self.bit, align), 0)
  end
  local packed = self.packed or member.packed
  -- (Under #pragma pack the attribute packed has no effect.)
  if member.name or self.unnamed_align then
    self:need(self.pack and math.min(type.align, self.pack) or packed and 1 or type.align)
  end
  local start = self.bit
  -- (If a typedef gave the type an alignment greater than its size, every bit-field crosses a boundary.)
  local room = unit // align * align
  if not packed and not self.pack and start % align + width > room then start = round_up(start, align) end
  self:take(start, width)
  local first = start // unit * unit
  if start + width > first + unit then first = start // align * align end
  if start + width <= first + unit then return start, first // 8 end
  return start
end

-- gcc for Windows: consecutive bit-fields of types of one size share a unit as long as there is room in it. A
-- bit-field of width 0 ends the unit. (GCC, -mms-bitfields.)
function place_bits.msvc(self, member)
  local type, width = member.type, member.bits
  local align = math.min((self.packed or member.packed) and 1 or type.align, self.pack or type.align)
  local unit = type.size * 8
  if width == 0 then
    if not self.left then return self.bit end
    local other = self.left_size ~= type.size
    self:close_unit()
    local limit = math.min(type.align, self.pack or type.align)
    self:need(limit)
    if other then self.bit = round_up(self.bit, align * 8) end
    return self.bit
  end
  if not (self.packed or member.packed) or not self.left then self:need(align) end
  if self.union then return self:take(0, width), 0 end
  if self.left_size ~= type.size or self.left < width then
    -- A unit in a run of types of one size follows the unit before it, even if that was packed.
    local run = self.left_size == type.size
    self:close_unit()
    if not run then self.bit = round_up(self.bit, align * 8) end
    self.left, self.left_size = unit, type.size
  end
  local start = self.bit
  self.left = self.left - width
  self:take(start, width)
  self.ends = math.max(self.ends, self.bit + self.left)
  return start, (self.bit + self.left - unit) // 8
end

-- Microsoft: the same, but bit-fields do not align a union. (Microsoft, "C Bit Fields"; clang,
-- RecordLayoutBuilder.cpp: layoutBitField.)
function place_bits.microsoft(self, member)
  local type, width = member.type, member.bits
  local unit = type.size * 8
  if width == 0 and not self.left then return self.bit end
  if self.union then
    self.left = width > 0 and 0 or nil
    return self:take(0, unit), 0
  end
  if width == 0 or self.left_size ~= type.size or self.left < width then
    local align = self:microsoft_align(member)
    self:close_unit()
    self.bit = round_up(self.bit, align * 8)
    self:need(align)
    if width == 0 then return self.bit end
    self.left, self.left_size = unit, type.size
    self.ends = math.max(self.ends, self.bit + unit)
  end
  local start = self.bit
  self.left = self.left - width
  self:take(start, width)
  return start, (self.bit + self.left - unit) // 8
end

-- Places a bit-field: sets the offset, unit and bits of the field. The unit is as large as the type, or,
-- where packing lets a bit-field cross units, it is the bytes that the bit-field touches.
function State:place_bit_field(member, field)
  local width, type = member.bits, member.type
  if type.kind == "pointer" or not ctype.bounds(type.T) then
    error("a bit-field is of an integer type", 0)
  end
  local greatest = type.kind == "bool" and 1 or type.size * 8
  if width < 0 or width > greatest then
    error(("%d bits do not fit its type of %d"):format(width, greatest), 0)
  end
  if width == 0 and member.name then error("a bit-field of 0 bits cannot have a name", 0) end
  if member.align then error("a bit-field cannot be aligned by itself", 0) end
  if member.offset then
    self:close_unit()
    self.bit = member.offset * 8
  end
  local start, unit = place_bits[self.bitfields](self, member)
  field.start, field.offset = start, unit or start // 8
  field.unit = unit and type.size or (start + width + 7) // 8 - start // 8
  field.bits = { width = width }
end

-- Completes a bit-field when the size is known. A unit that reaches past the end is cut to the bytes that the
-- bit-field touches. In the order ">" the first bit-field is in the highest bits.
local function settle_bits(field, size, endian)
  local start, width = field.start, field.bits.width
  field.start = nil
  if field.offset + field.unit > size then
    field.offset, field.unit = start // 8, (start + width + 7) // 8 - start // 8
  end
  local first = start - field.offset * 8
  field.bits.first = endian == ">" and field.unit * 8 - first - width or first
end

-- Adds the name of a field, or, for an anonymous one, the names of its members. Returns a name that was there
-- already.
local function name_field(by_name, field, offset)
  local name = field.name
  if name then
    if by_name[name] then return name end
    by_name[name] = field
    return
  end
  if field.bits then return end
  for inner, member in pairs(field.type.by_name or {}) do
    local moved = {}
    for k, v in pairs(member) do moved[k] = v end
    moved.name, moved.offset = inner, member.offset + offset
    if by_name[inner] then return inner end
    by_name[inner] = moved
  end
end

-- Places any member of a record, and returns its field.
function State:place_member(record, member)
  local field = { name = member.name, type = member.type }
  record.level = ctype.level_above(member.type, record.level)
  check_alignment("align", member.align)
  if member.offset and member.offset > ctype.greatest_size then error("the whole is too large", 0) end
  if member.bits then self:place_bit_field(member, field)
  else field.offset = self:place(member) end
  return field
end

-- The offset of a member without bits, an offset, an alignment or packing of its own: most are. nil for
-- others, and for one of a type with levels or that is too large.
function State:place_plain(member)
  local type_ = member.type
  local align, size = self.packed and 1 or type_.align, type_.size
  if type_.level or member.bits or member.offset or member.align or member.packed or self.left
    or type_.required or member.is_base or size > 1 << 32 or self.bit > 1 << 40 then return nil end
  if self.pack and self.pack < align then align = self.pack end
  if align > self.align then self.align = align end
  local step = align * 8
  local start = (self.bit + step - 1) // step * step
  local stop = start + size * 8
  if not self.union then self.bit = stop end
  if stop > self.ends then self.ends = stop end
  return start // 8
end

local function raise(_, message)
  error(message, 0)
end

--- Lays out a struct or a union.
-- @param kind "struct" or "union"
-- @param name nil for one without
-- @param members array of { name, type, bits, align, packed, offset }, all but `type` optional; the record
-- keeps those that need no more than an offset as its fields
-- @param options `pack` (#pragma pack), `packed` (each member), `align` (at least), `abi`, `endian` ("<" or
-- ">"), `microsoft` (the rules of Microsoft's compiler, not those of gcc for Windows), `bitfields` ("gcc" or
-- "msvc": other rules than the ABI's), `fail`, called with a member and what is wrong with it
function layout.record(kind, name, members, options)
  options = options or {}
  check_alignment("pack", options.pack)
  check_alignment("align", options.align)
  local abi = options.abi or ctype.native_abi
  local state = setmetatable({
    bit = 0, ends = 0, align = 1, union = kind == "union", pack = options.pack, packed = options.packed,
    bitfields = options.bitfields or options.microsoft and "microsoft" or abi.bitfields,
    unnamed_align = abi.unnamed_align, microsoft = options.microsoft, required = 1,
  }, State)
  local record = ctype.new { kind = kind, name = name, fields = {}, by_name = {}, endian = options.endian }
  local fail = options.fail or raise
  for i, member in ipairs(members) do
    local offset = state:place_plain(member)
    if offset then
      if not record.level then record.level = 1 end
      member.offset = offset
      record.fields[i] = member
    else
      local ok, field = pcall(state.place_member, state, record, member)
      if not ok then fail(member, ("field '%s': %s"):format(member.name or i, field)) end
      record.fields[i] = field
    end
  end
  record.align = math.max(state.align, options.align or 1)
  if options.microsoft then
    record.given = math.max(state.required, options.align or 1)
    -- (A whole that was given an alignment keeps all of its own, unless a typedef gives it another one.)
    record.required = options.align and record.align or state.required
    record.base_size = round_up((state.ends + 7) // 8, math.min(state.align, options.pack or state.align))
  end
  record.size = round_up((state.ends + 7) // 8, record.align)
  for i, field in ipairs(record.fields) do
    if field.bits then settle_bits(field, record.size, options.endian) end
    local twice = name_field(record.by_name, field, field.offset)
    if twice then fail(members[i], ("field '%s' is there twice"):format(twice)) end
  end
  return record
end

return layout
