-- What `get` and `set` read and write: a field's path, or T@OFFSET. Internal to the command.
--
-- A place is { what, offset, size, type, set(view, offset, text) }, and read(view, offset) or, for a field,
-- value(values) of a table that Type:read returned. `type` is a C type, or for T@OFFSET a table with its T.
-- `set` writes to any view: first to a copy, so that a wrong value changes nothing. `to_end` is true of a
-- flexible array, which has as many elements as fit in the view.
local ctypes = require "filemap.ctype"
local fail = require "filemap.cli.fail"
local json = require "filemap.cli.json"
local layout = require "filemap.cli.layout"
local nearest = require "filemap.cli.nearest"
local number = require "filemap.cli.number"

local place = {}

local TEXT = { char = { "get_cstring", "set_cstring" }, utf16 = { "get_utf16", "set_utf16" },
  utf32 = { "get_utf32", "set_utf32" } }
local names, is_type = {}, {}
for i, T in ipairs(require("filemap.core").types) do names[i], is_type[T.name] = T.name, true end

--- The types of numbers, for help texts.
place.types = table.concat(names, " ")

-- {-- T@OFFSET -------------------------------------------------------------------------------------

local function parse_number(T, text)
  local is_float = T:find("^f")
  local value = (is_float and number.float or number.integer)(text, T)
  if value then return value end
  return fail(("%s: '%s' is not a valid %s"):format(T, text, is_float and "number" or "integer"))
end

local function numeric(what, T)
  return {
    what = what, size = tonumber(T:match("%d+")) // 8,
    read = function(view, offset) return view["get_" .. T](view, offset) end,
    set = function(view, offset, text) view["set_" .. T](view, offset, parse_number(T, text)) end,
    type = { T = T },
  }
end

-- The bytes of a unit of text.
local function unit(T)
  return T == "char" and 1 or (tonumber(T:match("%d+$")) or 8) // 8
end

-- The N of char[N], at most as many as have a size.
local function capacity_of(what, T, digits)
  local n = number.integer(digits)
  if n and n <= math.maxinteger // unit(T) then return n end
  return fail.usage(("'%s': the text is too long"):format(what))
end

local function textual(what, T, capacity)
  local get, set = table.unpack(TEXT[T])
  return {
    what = what, size = capacity * unit(T),
    read = function(view, offset) return view[get](view, offset, capacity) end,
    set = function(view, offset, text) view[set](view, offset, text, capacity) end,
    type = {},
  }
end

local function at_offset(what, base)
  local T, capacity, digits = what:match("^([%w]+)%[?(%d*)%]?@(%w+)$")
  local offset = digits and number.size(digits)
  if not offset then return nil end
  if offset > math.maxinteger - base then fail.usage(("'%s': the offset is too large"):format(what)) end
  capacity = capacity ~= "" and capacity_of(what, T, capacity) or nil
  local made
  if is_type[T] and not capacity then made = numeric(what, T)
  elseif TEXT[T] and capacity then made = textual(what, T, capacity)
  else
    local near = nearest(T, names)
    fail.usage(("'%s': the type is one of %s, or char[N], utf16[N], utf32[N]%s"):format(what,
      place.types, near and ("; did you mean '%s'?"):format(near) or ""))
  end
  made.offset = base + offset
  return made
end

-- {-- Fields ---------------------------------------------------------------------------------------

-- A decoded JSON value as a field of a C type takes it: an integer above 2^63 - 1 by its bits, if the type is
-- u64. One that no field can hold is a float, so that the field rejects it.
local function stored(value, ctype)
  if type(value) ~= "table" then return value end
  if value == json.null then fail("null is not a value of a field") end
  local digits = json.digits(value)
  if digits then return number.integer(digits, ctype and ctype.T) or tonumber(digits) end
  for key, member in pairs(value) do
    local field = ctype and ctype.fields and ctype.by_name[key]
    value[key] = stored(member, field and field.type or ctype and ctype.of)
  end
  return value
end

-- A text as a value for a field: the kind of value that is there now tells how to read it.
local function parse_value(what, text, now, ctype)
  if type(now) == "string" then
    return math.type(tonumber(text)) == "integer" and { text, number.integer(text, ctype.T) } or { text }
  end
  if type(now) == "boolean" then
    if text ~= "true" and text ~= "false" then
      fail(("%s: '%s' is neither true nor false"):format(what, text))
    end
    return { text == "true" }
  end
  if type(now) == "number" then
    local whole = math.type(now) == "integer"
    local value = whole and number.integer(text, ctype.T) or number.float(text)
    if whole and math.type(tonumber(text)) == "integer" and math.type(value) ~= "integer" then
      fail(("%s: %s is out of range"):format(what, text))
    end
    return { value == nil and text or value }
  end
  local value, problem = json.decode(text)
  if value == nil then fail(("%s: '%s' is not JSON: %s"):format(what, text, problem)) end
  return { stored(value, ctype) }
end

local function follow(value, steps, last)
  for i = 1, last do value = value[steps[i]] end
  return value
end

-- The value that steps lead to in a table that Type:read returned. Only a flexible array may lack an element.
local function value_at(values, steps, what)
  for _, step in ipairs(steps) do
    local value = values[step]
    if value == nil then fail(("%s: the array has %d elements"):format(what, #values)) end
    values = value
  end
  return values
end

-- Writes a value to a field. A text that is also a number may be the number of an enum or text: the field
-- decides.
local function set_field(type_, steps, what, view, offset, text)
  local owner = follow(type_:at(view, offset), steps, #steps - 1)
  local step, problem = steps[#steps], nil
  for _, value in ipairs(parse_value(what, text, owner[step], layout.type_at(type_, steps))) do
    local well, message = pcall(function() owner[step] = value end)
    if well then return end
    problem = problem or message
  end
  fail(fail.text(problem))
end

local function field(what, type_, base)
  local steps = layout.steps(type_, what)
  local from, size = type_:offsetof(what)
  local tail = ctypes.tail(layout.ctype_of(type_))
  return {
    -- (An element of a flexible array is behind the struct's end.)
    what = what, offset = base, size = math.max(type_.size, from + size),
    to_end = tail and #steps == 1 and steps[1] == tail.name,
    value = function(values) return value_at(values, steps, what) end,
    set = function(view, offset, text) set_field(type_, steps, what, view, offset, text) end,
    type = layout.type_at(type_, steps),
  }
end

--- The place that a word names: a field if there is a type that has it, else T@OFFSET.
function place.of(what, type_, base)
  local made = at_offset(what, base)
  if made then return made end
  if not type_ then
    fail.usage(("'%s': without --header and --type this is T@OFFSET, such as u32@16"):format(what))
  end
  return field(what, type_, base)
end

return place
