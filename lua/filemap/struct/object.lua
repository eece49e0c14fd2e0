-- Structs, unions and arrays in a view: objects that know a view and an offset, and read and write there.
-- Internal to filemap.struct.
--
-- An object is a userdata of C (src/lua/lrecord.c). Its metamethods reach numbers, text and kept objects by
-- themselves. For everything else they call the functions here with the view, the object's offset and the
-- key.
local access = require "filemap.struct.access"
local core = require "filemap.core"
local ctype = require "filemap.ctype"
local decode = require "filemap.struct.decode"
local encode = require "filemap.struct.encode"

local raise, check_range = access.raise, access.check_range
local new, new_array, new_inside = core.record.new, core.record.new_array, core.record.new_inside
local locate, locate_array = core.record.locate, core.record.locate_array
local check_integer, check_elements = core.record.check_integer, core.record.check_elements
local methods = core.view
local object = {}

-- By the metatable of objects: the accessor of a record's type, or of an array's elements.
local accessors = setmetatable({}, { __mode = "k" })

-- {-- Readable text --------------------------------------------------------------------------------

local MOST_ELEMENTS, MOST_SHOWN = 8, 400 -- of an array; and bytes of a text after which nothing is added

local function add(out, text)
  out[#out + 1], out.left = text, out.left - #text
end

local function show(out, value)
  local view, _, count = locate(value)
  if not view then return add(out, access.show(value)) end
  local accessor = accessors[getmetatable(value)]
  local list, name = accessor.list, count and "filemap.array" or accessor.type.name
  if not core.is_open(view) then return add(out, (name or "filemap.record") .. " (closed)") end
  add(out, (name and not count and name .. " " or "") .. "{ ")
  for i = 1, count or #list do
    if i > 1 then add(out, ", ") end
    if out.left < 0 or count and i > MOST_ELEMENTS then
      add(out, count and ("… %d in all"):format(count) or "…")
      break
    end
    if not count then add(out, list[i].name .. " = ") end
    show(out, value[count and i or list[i].name])
  end
  add(out, " }")
end

local function shown(object_)
  local out = { left = MOST_SHOWN }
  show(out, object_)
  return table.concat(out)
end

-- {-- Tables to write ------------------------------------------------------------------------------

-- The values of a table or an object, as a plain table; nil for anything else.
local function plain(value)
  if type(value) == "table" then return access.plain(value) end
  local view, offset, count = locate(value)
  if not view then return nil end
  if count then return value:get() end
  local accessor = accessors[getmetatable(value)]
  local n = ctype.tail(accessor.type) and object.count(value, accessor)
  return object.read(accessor.type, accessor.order, view, offset, n)
end

local function check_index(i, count, name)
  if math.type(i) == "integer" and i >= 1 and i <= count then return end
  raise("field '%s': index %s is not in 1..%d", name, tostring(i), count)
end

-- Arrays of which a string can be the value.
local function is_bytes(of)
  return of.size == 1 and of.T and of.kind ~= "bool" and of.kind ~= "enum" and not of.fields
end

-- Checks t[1] to t[n] as elements, and collects what writes them. Numbers that are all there are packed
-- together.
local function collect_list(found, at, t, n, element, stride, name)
  local of = element.type
  if of.T and not element.read and stride == of.size and n > 1 then
    local well, bytes = pcall(encode.numbers, of, element.order, t, n)
    if well then return table.move({ methods.set_string, at, bytes }, 1, 3, #found + 1, found) end
  end
  for i = 1, n do
    if t[i] ~= nil then element.collect(found, at + (i - 1) * stride, t[i], name .. "[" .. i .. "]") end
  end
end

-- The function `collect` for an array of `count` elements. `rest`: whether a string also zeroes what it does
-- not fill.
local function collect_elements(element, count, stride, rest)
  local string = is_bytes(element.type) and access.string(ctype.bytes(), "<", count)
  if string then access.complete(string, not rest and methods.set_string) end
  return function(found, at, value, name)
    if string and type(value) == "string" then return string.collect(found, at, value, name) end
    local t = plain(value)
    if not t then raise("field '%s': table expected, got %s", name, access.type_name(value)) end
    local n = 0
    for i in next, t do
      check_index(i, count, name)
      n = math.max(n, i)
    end
    collect_list(found, at, t, n, element, stride, name)
  end
end

-- {-- Arrays ---------------------------------------------------------------------------------------

local function array_methods(element, stride)
  local found, of, read = {}, element.type, nil

  --- A table of the elements from the i-th to the j-th, as `read` gives them; out of range is nil.
  function found.get(a, i, j)
    local view, at, count = locate_array(a, "get")
    i = check_integer(i == nil and 1 or i, "get", 1)
    j = check_integer(j == nil and count or j, "get", 2)
    local first, last = math.max(i, 1), math.min(j, count)
    local n, place = last - first + 1, first - i + 1
    if last < first or place < 1 or place > math.maxinteger - n then return {} end
    read = read or decode.view_list(of, element.order, stride)
    local t = read(view, at + (first - 1) * stride, n)
    return place == 1 and t or table.move(t, 1, n, place, {})
  end

  --- Writes the elements of a table from the i-th on, all or none.
  function found.set(a, i, t)
    local view, at, count, name = locate_array(a, "set")
    local list = plain(t)
    if not list then raise("bad argument #2 to 'set' (table expected, got %s)", access.type_name(t)) end
    i = check_elements(i, "set", 1, #list, count)
    local writes = {}
    collect_list(writes, at + (i - 1) * stride, list, #list, element, stride, name)
    access.write(view, writes)
  end

  --- Copies n elements from an array of the same type, which may be this one.
  function found.copy(a, i, source, j, n)
    local view, at, count = locate_array(a, "copy")
    local from, from_at, from_count = locate(source)
    if not from_count or source.copy ~= found.copy then
      raise("bad argument #2 to 'copy' (an array of the same type expected, got %s)",
        access.type_name(source))
    end
    n = check_integer(n, "copy", 4, 0)
    i, j = check_elements(i, "copy", 1, n, count), check_elements(j, "copy", 3, n, from_count)
    if n == 0 then return end
    local many = stride == of.size and n or 1 -- in one piece
    local first, last, step = 0, n - 1, many
    if i > j then first, last, step = last // many * many, 0, -many end
    for k = first, last, step do
      methods.copy(view, at + (i + k - 1) * stride, from, from_at + (j + k - 1) * stride, many * of.size)
    end
  end

  if is_bytes(of) then
    --- The first n bytes, by default all.
    function found.get_string(a, n)
      local view, at, count = locate_array(a, "get_string")
      n = check_integer(n == nil and count or n, "get_string", 1, 0)
      check_elements(1, "get_string", 1, n, count)
      return methods.get_string(view, at, n)
    end

    --- The text up to a NUL, or to the end where there is none.
    function found.get_cstring(a)
      local view, at, count = locate_array(a, "get_cstring")
      return methods.get_cstring(view, at, count)
    end
  end
  return found
end

local function next_element(a, i)
  locate_array(a, "next")
  i = check_integer(i, "next", 2) + 1
  if i <= #a then return i, a[i] end
end

-- A kind of arrays: of elements of one accessor, `stride` bytes apart. It has `own`, the metatable of those
-- that have a place, a count and a name of their own; and `inside`, which makes that of a record's member.
local function new_kind(element, stride)
  local get, write, named, found = element.get, element.write, element.named, array_methods(element, stride)
  local function index(view, at, i, a)
    return get(view, at + (i - 1) * stride, named and select(4, locate(a)) .. "[" .. i .. "]")
  end
  local function newindex(view, at, i, a, value)
    local _, _, count, name = locate(a)
    local n = math.type(i) and math.tointeger(i)
    check_index(n or i, count, name)
    write(view, at + (n - 1) * stride, value, name .. "[" .. n .. "]")
  end
  local function iterate(a) return next_element, a, 0 end
  local function to_string(a) return locate_array(a, "tostring") and shown(a) end
  local function inside(start, count, name)
    local mt = { start, count, name, __name = "filemap.array", __pairs = iterate, __tostring = to_string }
    mt.__index, mt.__newindex, mt.__len = core.record.array_metamethods(element.code and not element.number
      and element.code or -1, stride, found, index, newindex, element.inside, start, count)
    accessors[mt] = element
    return mt
  end
  return { inside = inside, own = inside(0) }
end

local function array_kind(element, stride)
  element.kinds = element.kinds or {}
  element.kinds[stride] = element.kinds[stride] or new_kind(element, stride)
  return element.kinds[stride]
end

-- The accessor of an array; of a flexible one with its count, and whether a string zeroes the rest.
local function array_accessor(array, order, count, rest)
  local element, stride = access.of(array.of, order), array.of.size
  count = count or array.count
  local accessor = { named = true }
  function accessor.get(view, at, name)
    return new_array(view, at, array_kind(element, stride).own, count, name)
  end
  function accessor.inside(start, name) return array_kind(element, stride).inside(start, count, name) end
  return encode.complete(accessor, array, order, collect_elements(element, count, stride, rest ~= false))
end

-- {-- Flexible arrays ------------------------------------------------------------------------------

--- How many elements the flexible array of a struct has: `count`, or as many as fit in the view; the bytes of
--- the whole struct with them; and its member. Raises if the struct is not in the view.
function object.extent(what, record, view, offset, count)
  local tail = ctype.tail(record)
  check_range(what, view, offset, record.size)
  if count ~= nil and not tail then
    raise("bad argument #3 to '%s' (the struct has no flexible array)", what)
  end
  if not tail then return 0, record.size end
  local of, start = tail.field.type.of, tail.offset
  local most = math.max((methods.size(view) - offset - start) // of.size, 0)
  count = check_integer(count == nil and most or count, what, 3, 0)
  if count > most then
    raise("bad argument #3 to '%s' (%d elements of %d bytes from offset %d are past the end of a "
      .. "%d-byte view)", what, count, of.size, offset + start, methods.size(view))
  end
  return count, math.max(record.size, start + count * of.size), tail
end

-- The accessor of a flexible array with a count. Without a given count a string does not zero the rest of the
-- view.
local function tail_accessor(tail, order, count, given)
  local type_, of = tail.field.type, tail.field.type.of
  if not ctype.is_string(type_) then return array_accessor(type_, order, count, given or false) end
  local accessor, unit = access.string(of, order, count), of.unit or 0
  if not given and count > 0 then
    accessor.put = methods.set_string
    function accessor.check(value, name)
      local most = unit > 1 and type(value) == "string" and math.min(core.count_units(value, unit), count)
        or count
      local s = core.check_string(value, name, unit, most, order ~= access.native)
      return unit > 0 and #s < count * unit and s .. ("\0"):rep(unit) or s
    end
  end
  return access.complete(accessor)
end

--- Reads a struct. Its flexible array has `count` elements, or as many as the bytes hold.
function object.decode(record, order, bytes, count)
  local t, tail = decode.of(record, order)(bytes, 1), ctype.tail(record)
  if not tail then return t end
  local of, at = tail.field.type.of, tail.offset + 1
  local n = count or math.max(#bytes - tail.offset, 0) // of.size
  local swapped = (record.endian or order) ~= access.native
  if of.kind == "bytes" then t[tail.name] = bytes:sub(at, at + n - 1)
  elseif of.kind ~= "char" then t[tail.name] = decode.list(of, record.endian or order)(bytes, at, n)
  else t[tail.name] = core.decode_text(bytes:sub(at, at + n * of.unit - 1), of.unit, swapped) end
  return t
end

--- Reads a struct from one copy of its bytes. A flexible array of bytes is copied by itself: it may be large.
function object.read(record, order, view, offset, count)
  local n, size, tail = object.extent("read", record, view, offset, count)
  local blob = tail and tail.field.type.of.kind == "bytes"
  local t = object.decode(record, order, methods.get_string(view, offset, blob and record.size or size), n)
  if blob then t[tail.name] = methods.get_string(view, offset + tail.offset, n) end
  return t
end

-- {-- Records --------------------------------------------------------------------------------------

-- The count of a record's flexible array, and whether it was given. It is behind the slots of objects, and
-- negative if it was not given. A record inside another one has none.
function object.count(r, accessor)
  if accessors[getmetatable(r)] ~= accessor then raise("the record is of another type") end
  local count = core.record.slot(r, accessor.slots + 1) or 0
  return count < 0 and ~count or count, count >= 0
end

-- Fills the members of a record, in order and by name, and the codes of those that C reaches by itself, when
-- the accessor is first used: a type may be large, and only partly used. Each object gets a slot.
local function prepare(accessor)
  local record, tail = accessor.type, ctype.tail(accessor.type)
  if accessor.slots then return end
  local slots = 0
  for i, m in ipairs(ctype.members(record)) do
    local of = access.of_member(m.field, m.record, m.endian or accessor.order)
    accessor.list[i] = { name = m.name, offset = m.offset, of = of }
    accessor.by_name[m.name] = accessor.list[i]
    if m == tail then accessor.list[i].tail = m
    elseif of.code then accessor.codes[m.name] = access.code(of.code, of.number or 0, m.offset)
    elseif not of.inside then accessor.list[i].get = of.get
    elseif slots < access.MOST_IN_CODE then
      slots = slots + 1
      accessor.codes[m.name] = access.code(access.codes.object, slots, m.offset)
    end
  end
  accessor.slots = slots
end

-- The metatable of records that begin `start` bytes from their place: 0, but for those inside others.
local function record_metatable(accessor, start)
  local record, list, by_name, inside = accessor.type, accessor.list, accessor.by_name, {}
  prepare(accessor)
  local function member(key, r)
    local m = by_name[key] or raise("%s has no field '%s'", record.name or record.kind, tostring(key))
    return m, m.tail
      and tail_accessor(m.tail, record.endian or accessor.order, object.count(r, accessor)) or m.of
  end
  local mt = { start, __name = "filemap.record", __tostring = shown }
  mt.__index, mt.__newindex = core.record.record_metamethods(accessor.codes, function(view, at, key, r)
    local known = by_name[key]
    if known and known.get then return known.get(view, at + known.offset, key) end
    local m, of = member(key, r)
    if m.tail or not of.inside then return of.get(view, at + m.offset, key) end
    inside[key] = inside[key] or of.inside(start + m.offset, key)
    return new_inside(r, inside[key], of.slots)
  end, function(view, at, key, r, value)
    local m, of = member(key, r)
    of.write(view, at + m.offset, value, key)
  end, start)
  function mt.__pairs(r)
    if getmetatable(r) ~= mt then
      raise("calling 'pairs' on bad self (%s expected, got %s)", mt.__name, access.type_name(r))
    end
    local i = 0
    return function()
      i = i + 1
      if list[i] then return list[i].name, r[list[i].name] end
    end
  end
  accessors[mt] = accessor
  return mt
end

-- The function `collect` of a record: of the fields that a table has, in their order. Unknown names raise. A
-- flexible array has `count` elements.
local function collect_fields(accessor)
  return function(found, at, value, name, count)
    local t, record = plain(value), accessor.type
    local kind, order = record.name or record.kind, record.endian or accessor.order
    if not t then
      raise("%s: table expected, got %s", name and ("field '%s'"):format(name) or kind,
        access.type_name(value))
    end
    prepare(accessor)
    for key in next, t do
      if not accessor.by_name[key] then raise("%s has no field '%s'", kind, tostring(key)) end
    end
    for _, m in ipairs(accessor.list) do
      local field, path = t[m.name], name and name .. "." .. m.name or m.name
      local of = m.tail and count and tail_accessor(m.tail, order, count) or m.of
      if field ~= nil then of.collect(found, at + m.offset, field, path) end
    end
  end
end

local function record_accessor(record, order)
  local accessor, own = { list = {}, by_name = {}, codes = {} }, nil
  function accessor.get(view, at, _, count)
    own = own or record_metatable(accessor, 0)
    return new(view, at, own, accessor.slots, count)
  end
  function accessor.inside(start) return record_metatable(accessor, start) end
  return encode.complete(accessor, record, record.endian or order, collect_fields(accessor))
end

access.register("struct", record_accessor)
access.register("union", record_accessor)
access.register("array", array_accessor)

--- A record of a type at an offset.
function object.at(record, view, offset, count)
  local tail = ctype.tail(record)
  local n = object.extent("at", record, view, offset, count)
  return access.of(record, access.native).get(view, offset, nil, tail and (count and n or ~n))
end

--- `count` records, `stride` bytes apart.
function object.array(record, view, offset, count, stride)
  check_range("array", view, offset, count == 0 and 0 or (count - 1) * stride + record.size)
  local kind = array_kind(access.of(record, access.native), stride)
  return new_array(view, offset, kind.own, count, record.name or record.kind)
end

--- A function(view, offset, t) that writes what a table has. Of a flexible array that is up to what fits in
-- the view.
function object.writer(record)
  local accessor, size = access.of(record, access.native), record.size
  local write, collect = accessor.write, accessor.collect
  if not ctype.tail(record) then
    return function(view, offset, t)
      check_range("write", view, offset, size)
      write(view, offset, t)
    end
  end
  return function(view, offset, t)
    local list = {}
    collect(list, offset, t, nil, (object.extent("write", record, view, offset)))
    access.write(view, list)
  end
end

--- Where an object is: its view, offset, and the type of the record or of the array's elements; nil for
--- anything else.
function object.locate(o)
  local view, offset = locate(o)
  if view then return view, offset, accessors[getmetatable(o)].type end
end

return object
