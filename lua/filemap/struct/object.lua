-- Structs, unions and arrays in place: objects that know a view and an offset, and read and write there. Internal
-- to filemap.struct.
--
-- An object is a table with the keys below; its fields or elements are reached by its metatable, which is one for
-- all objects of a type. The keys begin with NUL, since a field may have any name of C's and any index.
local access = require "filemap.struct.access"
local core = require "filemap.core"

local raise, plain, size_of, within = access.raise, access.plain, core.view.size, core.within
local object = {}

local VIEW <const>, OFFSET <const>, NAME <const> = "\0view", "\0offset", "\0name"
local COUNT <const>, STRIDE <const> = "\0count", "\0stride"

--- Raises unless `size` bytes from `offset` lie in the view, as its own methods do.
function object.check_range(what, view, offset, size)
  if within(view, offset, size) then return end
  local metatable = type(view) == "userdata" and getmetatable(view)
  if not metatable or metatable.__index ~= core.view then
    raise("bad argument #1 to '%s' (filemap.view expected, got %s)", what, type(view))
  end
  local whole = size_of(view)
  if math.type(offset) ~= "integer" then
    raise("bad argument #2 to '%s' (integer expected, got %s)", what, math.type(offset) or type(offset))
  end
  if offset < 0 then raise("bad argument #2 to '%s' (offset %d is negative)", what, offset) end
  raise("bad argument #2 to '%s' (offset %d + %d bytes is past the end of a %d-byte view)", what, offset, size, whole)
end
local check_range = object.check_range

-- {-- Members of structs ---------------------------------------------------------------------------

--- The members by which a record is used, in order: those of anonymous members in their place.
function object.members(record)
  local found = {}
  local function add(of, base, owner)
    for _, field in ipairs(of.fields) do
      if field.name then
        found[#found + 1] = { name = field.name, field = field, offset = base + field.offset, record = owner }
      elseif field.type.fields then add(field.type, base + field.offset, field.type) end
    end
  end
  add(record, 0, record)
  return found
end

-- The members with their accessors; and by name what an access of one needs at once: { get, offset, set, collect }.
local function tables(record, order)
  local members, entries = object.members(record), {}
  for _, m in ipairs(members) do
    m.accessor = access.of_member(m.field, m.record, m.record.endian or order)
    entries[m.name] = { m.accessor.get, m.offset, m.accessor.set, m.accessor.collect }
  end
  return members, entries
end

-- {-- Readable text --------------------------------------------------------------------------------

local MOST_ELEMENTS <const> = 8

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

local function show_elements(a)
  local count, parts = #a, {}
  for i = 1, math.min(count, MOST_ELEMENTS) do parts[i] = show(a[i]) end
  if count > MOST_ELEMENTS then parts[#parts + 1] = ("… %d in all"):format(count) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function show_fields(r, members, name)
  local parts = {}
  for i, m in ipairs(members) do parts[i] = m.name .. " = " .. show(r[m.name]) end
  return (name and name .. " " or "") .. "{ " .. table.concat(parts, ", ") .. " }"
end

-- {-- Records --------------------------------------------------------------------------------------

local function record_metatable(record, members, entries)
  local kind = record.name or record.kind
  local mt = { __name = "filemap." .. record.kind }
  function mt.__index(r, key)
    local e = entries[key]
    if e then return (e[1](r[VIEW], r[OFFSET] + e[2], key)) end -- (no tail call, which is slower)
    raise("%s has no field '%s'", kind, tostring(key))
  end
  function mt.__newindex(r, key, value)
    local e = entries[key]
    if not e then raise("%s has no field '%s'", kind, tostring(key)) end
    local set = e[3]
    if set then
      set(r[VIEW], r[OFFSET] + e[2], value, key)
    else
      local list = {}
      e[4](list, r[OFFSET] + e[2], value, key)
      access.write(r[VIEW], list)
    end
  end
  function mt.__pairs(r)
    local i = 0
    return function()
      i = i + 1
      local m = members[i]
      if m then return m.name, r[m.name] end
    end
  end
  function mt.__tostring(r) return show_fields(r, members, record.name) end
  return mt
end

-- What to write of a table of fields: those that it has, in their order. Unknown names raise.
local function collect_fields(record, members, known)
  return function(list, at, value, name)
    if type(value) ~= "table" then
      local what = name and ("field '%s'"):format(name) or record.name or record.kind
      raise("%s: table expected, got %s", what, type(value))
    end
    value = plain(value)
    local left = 0
    for key in next, value do
      if not known[key] then raise("%s has no field '%s'", record.name or record.kind, tostring(key)) end
      left = left + 1
    end
    for i = 1, #members do
      if left == 0 then break end
      local m = members[i]
      local field = value[m.name]
      if field ~= nil then
        left = left - 1
        m.accessor.collect(list, at + m.offset, field, name and name .. "." .. m.name or m.name)
      end
    end
  end
end

local function record_accessor(record, order)
  order = record.endian or order
  local accessor, mt = {}, nil
  -- On first use: a type may be large, and used in part.
  local function prepare()
    local members, entries = tables(record, order)
    mt = record_metatable(record, members, entries)
    accessor.collect = collect_fields(record, members, entries)
  end
  function accessor.get(view, at)
    if not mt then prepare() end
    return setmetatable({ [VIEW] = view, [OFFSET] = at }, mt)
  end
  function accessor.collect(...)
    prepare()
    return accessor.collect(...)
  end
  return accessor
end

-- {-- Arrays ---------------------------------------------------------------------------------------

local function array_metatable(element)
  local get, set = element.get, element.set
  local mt = { __name = "filemap.array" }
  local function at(a, i)
    local index = math.type(i) and math.tointeger(i)
    if index and index >= 1 and index <= a[COUNT] then return a[OFFSET] + (index - 1) * a[STRIDE] end
    raise("field '%s': index %s is not in 1..%d", a[NAME], tostring(i), a[COUNT])
  end
  function mt.__index(a, i)
    local offset = at(a, i)
    return get(a[VIEW], offset, element.named and a[NAME] .. "[" .. i .. "]")
  end
  function mt.__newindex(a, i, value)
    local offset = at(a, i)
    if set then return set(a[VIEW], offset, value, a[NAME]) end
    local list = {}
    element.collect(list, offset, value, a[NAME] .. "[" .. i .. "]")
    access.write(a[VIEW], list)
  end
  function mt.__len(a) return a[COUNT] end
  function mt.__pairs(a)
    local i, count = 0, a[COUNT]
    return function()
      i = i + 1
      if i <= count then return i, a[i] end
    end
  end
  mt.__tostring = show_elements
  return mt
end

-- Raises for an index that an array of `count` elements has not.
local function check_index(index, count, name)
  if math.type(index) ~= "integer" or index < 1 or index > count then
    raise("field '%s': index %s is not in 1..%d", name, tostring(index), count)
  end
end

-- What to write of a table of elements, or of an array in its place: those from 1 to its length or fewer.
local function collect_elements(element, count, stride)
  return function(list, at, value, name)
    if type(value) ~= "table" then raise("field '%s': table expected, got %s", name, type(value)) end
    local last = rawget(value, COUNT)
    if not last then
      value, last = plain(value), count
      for index in next, value do check_index(index, count, name) end
    elseif last > 0 then
      check_index(last, count, name)
    end
    for i = 1, last do
      local item = value[i]
      if item ~= nil then element.collect(list, at + (i - 1) * stride, item, name .. "[" .. i .. "]") end
    end
  end
end

-- The metatables of arrays, by the accessor of their elements.
local metatables = setmetatable({}, { __mode = "k" })

local function array_object(element, view, at, name, count, stride)
  local mt = metatables[element]
  if not mt then
    mt = array_metatable(element)
    metatables[element] = mt
  end
  return setmetatable({ [VIEW] = view, [OFFSET] = at, [NAME] = name, [COUNT] = count, [STRIDE] = stride }, mt)
end

local function array_accessor(array, order)
  local element, count, stride = access.of(array.of, order), array.count, array.of.size
  return {
    named = true,
    get = function(view, at, name) return array_object(element, view, at, name, count, stride) end,
    collect = collect_elements(element, count, stride),
  }
end

access.register("struct", record_accessor)
access.register("union", record_accessor)
access.register("array", array_accessor)

--- A record of a type at an offset.
function object.at(record, view, offset)
  check_range("at", view, offset, record.size)
  return access.of(record, access.native).get(view, offset)
end

--- `count` records, `stride` bytes apart.
function object.array(record, view, offset, count, stride)
  check_range("array", view, offset, count == 0 and 0 or (count - 1) * stride + record.size)
  return array_object(access.of(record, access.native), view, offset, record.name or record.kind, count, stride)
end

--- Writes what a table has.
function object.write(record, view, offset, t)
  check_range("write", view, offset, record.size)
  local list = {}
  access.of(record, access.native).collect(list, offset, t)
  access.write(view, list)
end

return object
