--- @module filemap.struct

-- Type objects: structs and unions with their methods. Internal to filemap.struct and filemap.cdef.
local access = require "filemap.struct.access"
local core = require "filemap.core"
local ctype = require "filemap.ctype"
local decode = require "filemap.struct.decode"
local object = require "filemap.struct.object"

local objects = {}
local raise, check_integer, copy_whole = access.raise, core.record.check_integer, core.record.copy_whole

-- The key of a type object for its C type; and by type object the functions that read and write it, made on
-- first use.
local CTYPE = "\0ctype"
local readers, writers = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })

-- Resolves a path by ctype.resolve.
local function resolve(record, path)
  local well, at = pcall(ctype.resolve, record, path, access.native)
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
  local read = readers[self]
  if not read then
    read = object.reader(access.of(self_type(self, "read"), access.native))
    readers[self] = read
  end
  if count ~= nil then
    object.extent("read", self[CTYPE], ctype.tail(self[CTYPE]), view, offset or 0, count)
  end
  local t = read(view, offset or 0, count)
  return t
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
  if type(path) ~= "string" then
    raise("bad argument #1 to 'offsetof' (string expected, got %s)", access.type_name(path))
  end
  local at = resolve(record, path)
  local field = at.field
  if field and field.bits then
    return at.offset, field.unit, ctype.first_bit(field, at.record, at.order), field.bits.width
  end
  return at.offset, at.type.size
end

-- {-- Snapshots ------------------------------------------------------------------------------------

-- By type object, what its snapshots need: the C type, its readers, and the codes of its counters by path.
local snapshots = setmetatable({}, { __mode = "k" })

local function prepare_snapshot(self)
  local record = self_type(self, "snapshot")
  local s = { record = record, tail = ctype.tail(record), size = record.size, codes = {},
    decode = object.decoder(record, access.native) }
  s.read = not s.tail and decode.guarded(record, access.native)
  snapshots[self] = s
  return s
end

-- Finds the code of a counter for C: its type, its byte order and its offset.
local function find_code(s, guard, key)
  local path, codes = guard[key], s.codes
  if codes[path] then return end
  if type(path) ~= "string" then
    raise("guard '%s' must be the name of a field, got %s", key, tostring(path))
  end
  local at = resolve(s.record, path)
  if not at.type.T or at.field and at.field.bits or not ctype.bounds(at.type.T) then
    raise("guard '%s': field '%s' is not an integer", key, path)
  end
  codes[path] = access.code(access.codes[at.type.T], at.order == access.native and 0 or 1, at.offset)
end

-- Checks a guard and finds the codes of its counters. Returns it as a plain table.
local function check_guard(s, guard)
  if type(guard) ~= "table" then
    raise("bad argument #3 to 'snapshot' (table expected, got %s)", access.type_name(guard))
  end
  guard = access.plain(guard)
  local keys = {}
  for key in next, guard do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  local protocol = table.concat(keys, " ")
  if protocol ~= "first last" and protocol ~= "even" and protocol ~= "same" then
    raise("a guard must be { even = }, { first =, last = } or { same = }, got { %s }",
      table.concat(keys, " =, ") .. (keys[1] and " =" or ""))
  end
  for _, key in ipairs(keys) do find_code(s, guard, key) end
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
  local s = snapshots[self] or prepare_snapshot(self)
  if timeout ~= nil then core.record.check_timeout(timeout, "snapshot", 4) end
  local t = s.read and s.read(view, offset, guard, s.codes)
  if t then return t end
  local bytes = not s.read and not s.tail and copy_whole(view, offset, guard, s.codes, s.size)
  if not bytes then
    object.extent("snapshot", s.record, s.tail, view, offset)
    guard = check_guard(s, guard)
    local function copy()
      local _, size = object.extent("snapshot", s.record, s.tail, view, offset)
      return (copy_whole(view, offset, guard, s.codes, size))
    end
    bytes = copy() or try_again(copy, timeout)
  end
  if bytes then return (s.decode(bytes)) end
  return nil, ("%s: no copy was whole within %s s"):format(self.name or "struct", timeout), "timeout"
end

-- {-- The objects ----------------------------------------------------------------------------------

local made = setmetatable({}, { __mode = "k" })

-- The type object of a struct or union that ctype.record made. It is made once.
function objects.of(record)
  local found = made[record]
  if not found then
    found = setmetatable({ name = record.name, size = record.size, align = record.align, [CTYPE] = record },
      metatable)
    made[record] = found
  end
  return found
end

-- The C type of a type object; nil for anything else.
function objects.ctype_of(type_) return rawget(type_, CTYPE) end

return objects
