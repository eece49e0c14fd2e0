--- @module filemap.struct

-- Type objects: a struct or union with what one does with it, and the paths to what is in it. Internal to
-- filemap.struct and filemap.cdef.

local access = require "filemap.struct.access"
local core = require "filemap.core"
local ctype = require "filemap.ctype"
local decode = require "filemap.struct.decode"
local object = require "filemap.struct.object"

local objects = {}
local raise, check_range, get_string = access.raise, object.check_range, core.view.get_string

-- The C type of a type object.
local CTYPE <const> = "\0ctype"

-- By type object, the function that reads it whole; made when one is first read.
local readers = setmetatable({}, { __mode = "k" })

-- {-- Paths ----------------------------------------------------------------------------------------

-- What a path like "cars[3].pos[1]" leads to: { type, offset, order, field, record }, the last two for members.
local function resolve(record, path)
  local at = { type = record, offset = 0, order = record.endian or access.native }
  local rest, shown = path, record.name or record.kind
  while rest ~= "" do
    local name, after_name = rest:match("^%.?([^%.%[]+)(.*)$")
    local index, after_index = rest:match("^%[(%d+)%](.*)$")
    local type_ = at.type
    if index and type_.kind == "array" and not access.is_text(type_) then
      index = math.tointeger(index)
      if not index or index < 1 or index > type_.count then
        raise("'%s': index %s of %s is not in 1..%d", path, index, shown, type_.count)
      end
      at = { type = type_.of, offset = at.offset + (index - 1) * type_.of.size, order = at.order }
      rest = after_index
    elseif name and type_.by_name and type_.by_name[name] then
      local field = type_.by_name[name]
      at = { type = field.type, offset = at.offset + field.offset, order = field.type.endian or at.order,
             field = field, record = type_ }
      rest = after_name
    else
      raise("'%s': %s has no %s", path, shown, name and ("field '%s'"):format(name) or "elements")
    end
    shown = path:sub(1, #path - #rest)
  end
  return at
end

-- {-- Type objects ---------------------------------------------------------------------------------

--- A struct or union. Its fields are `size` and `align` in bytes, and `name`.
-- @type struct
local methods = {}
local metatable = { __index = methods, __name = "filemap.struct" }

function metatable.__tostring(self)
  return ("filemap.struct (%s, %d bytes)"):format(self.name or "unnamed", self.size)
end

local function self_type(self, what)
  local record = type(self) == "table" and rawget(self, CTYPE)
  if not record then raise("calling '%s' on bad self (filemap.struct expected, got %s)", what, type(self)) end
  return record
end

--- A record in its place: reading and writing it reads and writes the view.
-- @function at
-- @tparam view view
-- @tparam[opt=0] integer offset in bytes
-- @treturn record
-- @raise if the struct does not lie in the view, and if that is closed
function methods:at(view, offset)
  return object.at(self_type(self, "at"), view, offset or 0)
end

--- Reads all members, from one copy of the bytes.
-- @function read
-- @tparam view view
-- @tparam[opt=0] integer offset in bytes
-- @treturn table by the members' names; structs and arrays are tables too
-- @raise if the struct does not lie in the view, and if that is closed or truncated
function methods:read(view, offset)
  local read = readers[self]
  if not read then
    read = decode.reader(self_type(self, "read"), access.native)
    readers[self] = read
  end
  return (read(view, offset or 0))
end

--- Writes the members that the table has, and leaves the others alone. All is checked before anything is written.
-- @function write
-- @tparam view view
-- @tparam integer offset in bytes
-- @tparam table t by the members' names; of a union the members are written in their order
-- @raise for a field that the struct has not, a value that does not fit, and as @{read}
function methods:write(view, offset, t)
  object.write(self_type(self, "write"), view, offset, t)
end

local function check_count(place, n, least)
  if math.type(n) ~= "integer" then
    raise("bad argument #%d to 'array' (integer expected, got %s)", place, math.type(n) or type(n))
  end
  if n < least then raise("bad argument #%d to 'array' (%d is less than %d)", place, n, least) end
end

--- Records one behind the other.
-- @function array
-- @tparam view view
-- @tparam integer offset of the first, in bytes
-- @tparam integer count
-- @tparam[opt=size] integer stride bytes from one to the next, from 1
-- @treturn array of records: `#a`, `a[i]`, `a[i] = table`, `pairs(a)`
-- @raise if they do not all lie in the view
function methods:array(view, offset, count, stride)
  local record = self_type(self, "array")
  if stride == nil then stride = math.max(record.size, 1) end
  check_count(3, count, 0)
  check_count(4, stride, 1)
  if count > 1 and stride > math.maxinteger // count // 2 then
    raise("bad argument #3 to 'array' (%d records, %d bytes apart, are past the end)", count, stride)
  end
  return object.array(record, view, offset, count, stride)
end

--- Where a member is.
-- @function offsetof
-- @tparam string path as one writes it on a record: `"cars[3].pos[1]"`
-- @treturn integer offset in bytes
-- @treturn integer size in bytes; of a bit-field that of the integer it is part of
-- @treturn ?integer first of a bit-field: its lowest bit in that integer
-- @treturn ?integer width of a bit-field: its bits
-- @raise if there is no such member
function methods:offsetof(path)
  local record = self_type(self, "offsetof")
  if type(path) ~= "string" then raise("bad argument #1 to 'offsetof' (string expected, got %s)", type(path)) end
  local at = resolve(record, path)
  local field = at.field
  if field and field.bits then
    return at.offset, field.unit, access.first_bit(field, at.record, at.order), field.bits.width
  end
  return at.offset, at.type.size
end

-- {-- Snapshots ------------------------------------------------------------------------------------

local function guard_field(record, path, key)
  if type(path) ~= "string" then raise("guard '%s' is the name of a field, not %s", key, tostring(path)) end
  local at = resolve(record, path)
  if not at.type.T or at.field and at.field.bits or not ctype.bounds(at.type.T) then
    raise("guard '%s': field '%s' is no integer", key, path)
  end
  local get, offset = access.of(ctype.number(at.type.T), at.order).get, at.offset
  return function(view, base) return get(view, base + offset) end
end

-- The guards: for each, a function that says what a counter is before the copy, nil if a writer is at work, and one
-- that says what it is after; the copy is whole if the two are equal. What is read first and what last is the heart
-- of it: before the copy the counter that the writer changes last, after the copy the one that it changes first.
local guards = {}

-- Odd while writing, and two more after each (a seqlock).
function guards.even(record, guard)
  local seq = guard_field(record, guard.even, "even")
  return function(view, offset)
    local n = seq(view, offset)
    return n & 1 == 0 and n or nil
  end, seq
end

-- The writer changes `first`, then the rest, then `last`: whole is what lies between a `last` and an equal `first`.
function guards.first(record, guard)
  return guard_field(record, guard.last, "last"), guard_field(record, guard.first, "first")
end

-- Changed once for each update.
function guards.same(record, guard)
  local tick = guard_field(record, guard.same, "same")
  return tick, tick
end

local guard_keys = { even = { "even" }, same = { "same" }, first = { "first", "last" }, last = { "first", "last" } }

-- The two functions of a guard. One with other fields than its protocol has raises.
local function read_guard(record, guard)
  if type(guard) ~= "table" then raise("bad argument #3 to 'snapshot' (table expected, got %s)", type(guard)) end
  guard = access.plain(guard)
  local keys = guard_keys[next(guard)]
  if not keys then
    raise("a guard is { even = }, { first =, last = } or { same = }, not { %s = }", tostring(next(guard)))
  end
  local seen = 0
  for key in next, guard do
    if key ~= keys[1] and key ~= keys[2] then raise("a guard with '%s' has no '%s'", keys[1], tostring(key)) end
    seen = seen + 1
  end
  if seen < #keys then raise("a guard with 'first' also has 'last'") end
  return guards[keys[1]](record, guard)
end

local function check_timeout(timeout)
  if timeout == nil then return end
  if type(timeout) ~= "number" then
    raise("bad argument #4 to 'snapshot' (number expected, got %s)", type(timeout))
  end
  if timeout ~= timeout or timeout < 0 then
    raise("bad argument #4 to 'snapshot' (time-out %s is negative or NaN)", timeout)
  end
end

--- Reads all members as no writer has changed half-way: copies, checks the writer's own counter, tries again.
-- @function snapshot
-- @tparam view view
-- @tparam integer offset in bytes
-- @tparam table guard the writer's protocol: `{ even = path }` (a counter that is odd while he writes), `{ first =
-- path, last = path }` (two, changed before and after, equal when all is whole), or `{ same = path }` (one that he
-- changes with each update: no change came while all was copied, which is as much as such a writer can tell). The
-- paths are as @{offsetof}'s, and lead to integers
-- @tparam[opt] number timeout seconds; 0 tries once, nil goes on for ever
-- @treturn[1] table as @{read}'s
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] string code: `timeout`
-- @raise for a guard that is none, a negative time-out, and as @{read}
function methods:snapshot(view, offset, guard, timeout)
  local record = self_type(self, "snapshot")
  check_range("snapshot", view, offset, record.size)
  local before, after = read_guard(record, guard)
  check_timeout(timeout)
  local deadline = timeout and core.now() + timeout
  local read, size, fence = decode.of(record, access.native), record.size, core.fence
  while true do
    local from = before(view, offset)
    if from then
      fence()
      local bytes = get_string(view, offset, size)
      fence()
      if after(view, offset) == from then return read(bytes, 1) end
    end
    if deadline and core.now() >= deadline then
      return nil, ("%s: no copy was whole within %s s"):format(self.name or "struct", timeout), "timeout"
    end
  end
end

-- {-- The objects ----------------------------------------------------------------------------------

local made = setmetatable({}, { __mode = "k" })

--- The type object of a struct or union that ctype.record made: the same for the same.
function objects.of(record)
  local found = made[record]
  if not found then
    found = setmetatable({ name = record.name, size = record.size, align = record.align, [CTYPE] = record }, metatable)
    made[record] = found
  end
  return found
end

--- The C type of a type object; nil if it is none.
function objects.ctype_of(type_)
  return rawget(type_, CTYPE)
end

return objects
