--- @module filemap.struct

-- Type objects: structs and unions with their methods. Internal to filemap.struct and filemap.cdef.
local access = require "filemap.struct.access"
local core = require "filemap.core"
local ctype = require "filemap.ctype"
local decode = require "filemap.struct.decode"
local object = require "filemap.struct.object"

local objects = {}
local raise, check_integer, native = access.raise, core.record.check_integer, access.native

-- The key of a type object for its C type.
local CTYPE = "\0ctype"

-- By type object: the function that writes it, and the codes of its counters by path, made on first use.
local writers, codes = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })

-- Resolves a path by ctype.resolve.
local function resolve(record, path)
  local well, at = pcall(ctype.resolve, record, path, native)
  return well and at or raise("%s", at)
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
  if not record then
    raise("calling '%s' on bad self (filemap.struct expected, got %s)", what, access.type_name(self))
  end
  return record
end

-- Gives a type object methods of its own where they are quicker than the general ones.
local function add_methods(self, record)
  codes[self] = {}
  if ctype.tail(record) then return end
  self.read, self.snapshot = decode.methods(record, native, self, methods, codes[self])
end

--- Makes a record: an object whose fields are read from the view and written to it.
-- @function at
-- @tparam view view
-- @tparam[opt=0] integer offset in bytes
-- @tparam[opt] integer count elements of the flexible array at the end; default: as many as fit in the view
-- @treturn record
-- @raise if the struct is not wholly in the view, and if the view is closed
-- @usage
-- local Player = struct.define("Player", { { "id", "u32" }, { "pos", "f32", 3 } })
-- local p = Player:at(view, 64)
-- p.id, p.pos[1] = 7, 0.5
-- print(view:get_u32(64), p) --> 7 Player…
function methods:at(view, offset, count)
  return object.at(self_type(self, "at"), view, offset or 0, count)
end

--- Reads all members, from one copy of the bytes.
-- @function read
-- @tparam view view
-- @tparam[opt=0] integer offset in bytes
-- @tparam[opt] integer count as for @{at}
-- @treturn table the values by the members' names; structs and arrays are tables too
-- @raise if the struct is not wholly in the view, and if the view is closed or truncated
-- @usage
-- local Player = struct.define("Player", { { "id", "u32" }, { "pos", "f32", 3 } })
-- local t = Player:read(view, 0)
-- print(t.id, #t.pos) --> 0 3
function methods:read(view, offset, count)
  local record = self_type(self, "read")
  if not codes[self] then add_methods(self, record) end
  return object.read(record, native, view, offset or 0, count)
end

--- Writes the members that the table has, and leaves the others alone. Everything is checked before anything
-- is written.
-- @function write
-- @tparam view view
-- @tparam integer offset in bytes
-- @tparam table t values by the members' names. The members of a union are written in their order
-- @raise for a name that no member has, a value that does not fit, and as @{read}
-- @usage
-- local Player = struct.define("Player", { { "id", "u32" }, { "pos", "f32", 3 } })
-- Player:write(view, 0, { id = 7 }) -- leaves pos alone
-- print(view:get_u32(0)) --> 7
function methods:write(view, offset, t)
  local write = writers[self]
  if not write then
    write = object.writer(self_type(self, "write"))
    writers[self] = write
  end
  write(view, offset, t)
end

--- Makes an array of records, one behind the other.
-- @function array
-- @tparam view view
-- @tparam integer offset of the first, in bytes
-- @tparam integer count
-- @tparam[opt=size] integer stride bytes from one record to the next, from 1
-- @treturn array of records: `#a`, `a[i]`, `a[i] = table`, `ipairs(a)`, `a:get([i, j])`, `a:set(i, tables)`
-- @raise if they are not all in the view
-- @usage
-- local Player = struct.define("Player", { { "id", "u32" }, { "hp", "i32" } })
-- local players = Player:array(view, 0, 10)
-- players[2].hp = 100
-- players:set(3, { { id = 3 }, { id = 4 } })
-- print(#players, view:get_i32(12), players:get(3, 4)[2].id) --> 10 100 4
function methods:array(view, offset, count, stride)
  local record = self_type(self, "array")
  count = check_integer(count, "array", 3, 0)
  stride = check_integer(stride == nil and math.max(record.size, 1) or stride, "array", 4, 1)
  if count > 1 and stride > math.maxinteger // count // 2 then
    raise("bad argument #3 to 'array' (%d records, %d bytes apart, are past the end)", count, stride)
  end
  return object.array(record, view, offset, count, stride)
end

--- Finds a member's place.
-- @function offsetof
-- @tparam string path as it is written on a record: `"cars[3].pos[1]"`
-- @treturn integer offset in bytes
-- @treturn integer size in bytes; of a bit-field the size of the integer that it is part of
-- @treturn ?integer first of a bit-field: its lowest bit in that integer
-- @treturn ?integer width of a bit-field: its bits
-- @raise if there is no such member
-- @usage
-- local Player = struct.define("Player", { { "id", "u32" }, { "pos", "f32", 3 } })
-- print(Player:offsetof("pos[2]")) --> 8 4
function methods:offsetof(path)
  local record = self_type(self, "offsetof")
  access.expect(1, "offsetof", "string", path)
  local at = resolve(record, path)
  local field = at.field
  if not (field and field.bits) then return at.offset, at.type.size end
  return at.offset, field.unit, ctype.first_bit(field, at.record, at.order), field.bits.width
end

-- {-- Snapshots ------------------------------------------------------------------------------------

-- The code of a counter for C: its type, its byte order and its offset.
local function code_of(record, key, path)
  if type(path) ~= "string" then
    raise("guard '%s' must be the name of a field, got %s", key, tostring(path))
  end
  local at = resolve(record, path)
  local T = at.type.kind ~= "bool" and not (at.field and at.field.bits) and at.type.T
  if not T or not ctype.bounds(T) then
    raise("guard '%s': field '%s' is not an integer", key, path)
  end
  return access.code(access.codes[T], at.order == native and 0 or 1, at.offset)
end

-- Checks a guard and adds the codes of its counters to `known`. Returns it as a plain table.
local function check_guard(record, guard, known)
  access.expect(3, "snapshot", "table", guard)
  guard = access.plain(guard)
  local keys = {}
  for key in next, guard do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  local protocol = table.concat(keys, " ")
  if protocol ~= "first last" and protocol ~= "even" and protocol ~= "same" then
    raise("a guard must be { even = }, { first =, last = } or { same = }, got { %s }",
      table.concat(keys, " =, ") .. (keys[1] and " =" or ""))
  end
  for _, key in ipairs(keys) do
    known[guard[key]] = known[guard[key]] or code_of(record, key, guard[key])
  end
  return guard
end

-- A writer needs microseconds: the first tries follow each other, and each later one waits longer than the
-- one before.
local QUICK_TRIES, SHORTEST_WAIT, LONGEST_WAIT = 50, 50e-6, 2e-3

-- Tries again until copy() returns bytes, which it then returns; nil when the time-out has passed.
local function try_again(copy, timeout)
  local deadline, pause = core.now() + (timeout or math.huge), SHORTEST_WAIT
  for tries = 1, math.huge do
    local left = deadline - core.now()
    if left <= 0 then return nil end
    if tries > QUICK_TRIES then
      core.sleep(math.min(pause, left))
      pause = math.min(2 * pause, LONGEST_WAIT)
    end
    local bytes = copy()
    if bytes then return bytes end
  end
end

--- Reads all members as no writer has changed them half-way: copies, checks the writer's own counter, and
-- tries again. Between later tries it sleeps.
-- @function snapshot
-- @tparam view view
-- @tparam integer offset in bytes
-- @tparam table guard the writer's protocol: `{ even = path }` (a counter that is odd while the writer is at
-- work), `{ first = path, last = path }` (two counters, changed before and after, which are equal when
-- everything is written), or `{ same = path }` (a counter that changes with each update: it did not change
-- while the struct was copied, and such a writer tells no more). The paths are those of @{offsetof}, and lead
-- to integers
-- @tparam[opt] number timeout seconds; 0 tries once, nil waits forever
-- @treturn[1] table as @{read} returns it
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] string code: `timeout`
-- @raise for another guard, a negative time-out, and as @{read}
-- @usage
-- local Car = struct.define("Car", { { "seq", "u32" }, { "speed", "f32" } })
-- local car = assert(Car:snapshot(view, 0, { even = "seq" }, 1)) -- seq is odd while the game writes
-- print(car.speed) --> 0.0
function methods:snapshot(view, offset, guard, timeout)
  local record = self_type(self, "snapshot")
  if not codes[self] then add_methods(self, record) end
  if timeout ~= nil then core.record.check_timeout(timeout, "snapshot", 4) end
  local known = codes[self]
  local function copy()
    local _, size = object.extent("snapshot", record, view, offset)
    return (core.record.copy_whole(view, math.tointeger(offset), guard, known, size))
  end
  local bytes = copy()
  if not bytes then
    guard = check_guard(record, guard, known)
    bytes = copy() or try_again(copy, timeout)
  end
  if bytes then return object.decode(record, native, bytes) end
  return nil, ("%s: no copy was whole within %s s"):format(self.name or "struct", timeout), "timeout"
end

-- {-- The objects ----------------------------------------------------------------------------------

local made = setmetatable({}, { __mode = "k" })

-- The type object of a struct or union that layout.record made. It is made once.
function objects.of(record)
  made[record] = made[record] or setmetatable({ name = record.name, size = record.size, align = record.align,
    [CTYPE] = record }, metatable)
  return made[record]
end

-- The C type of a type object; nil for anything else.
function objects.ctype_of(type_) return rawget(type_, CTYPE) end

return objects
