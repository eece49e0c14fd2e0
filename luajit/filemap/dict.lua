--- A dictionary that any number of processes read and write.
--
-- A number with an integer value between -2^53 and 2^53 is stored as an integer, and any other number as a
-- float. int64_t is an integer. What is read is a number, or int64_t for an integer out of those bounds.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"

local C, e, FOREVER = library.C, library.e, library.FOREVER
local STRING, INTEGER, FLOAT, BOOLEAN = tonumber(C.FM_STRING), tonumber(C.FM_INTEGER), tonumber(C.FM_FLOAT),
  tonumber(C.FM_BOOLEAN)
local flag = ffi.new "bool[1]"
local methods, dict = {}, {}

local function describe(self) return object.names[self] end

local Dict = object.type("filemap.dict", "fm_dict", methods, C.fm_dict_close, describe)
local Cursor = object.type("filemap.dict_cursor", "fm_dict_cursor", {}, C.fm_dict_cursor_close, describe)

local ALLOWED = arguments.set "capacity evict mode sddl"

--- Opens a dictionary, or creates it.
function dict.create_or_open(name, options)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(Dict)
  local o = arguments.options(2, options, ALLOWED)
  local capacity, evict, map = o.capacity, o.evict, o.map
  local result = C.fm_dict_create_or_open(out, flag, text, capacity, evict, map, e)
  local created = flag[0]
  if result ~= 0 then return library.fail(text) end
  return object.finish(self, result, text), created
end

--- Opens an existing dictionary.
function dict.open(name)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(Dict)
  return object.finish(self, C.fm_dict_open(out, text, e), text)
end

-- {-- Values --------------------------------------------------------------------------------------

-- The value of a string, a number or a boolean, argument `number`. A string's bytes stay in Lua.
local function to_value(number, x)
  local value = ffi.new "fm_value"
  if type(x) == "string" then
    value.type, value.data, value.length = STRING, x, #x
  elseif type(x) == "boolean" then
    value.type, value.boolean = BOOLEAN, x
  elseif arguments.is_wide(x) then
    value.type, value.integer = INTEGER, ffi.cast("int64_t", x)
  elseif type(x) ~= "number" then
    errors.type(number, "string, number or boolean", x)
  elseif x % 1 == 0 and math.abs(x) < 2^53 and 1 / x ~= -math.huge then
    value.type, value.integer = INTEGER, x
  else
    value.type, value.number = FLOAT, x
  end
  return value
end

local function to_number(number, x)
  if type(x) ~= "number" and not arguments.is_wide(x) then errors.type(number, "number", x) end
  return to_value(number, x)
end

-- The value that a call found, when self.calls was `calls`.
local function from_value(self, calls, value)
  local kind = tonumber(value.type)
  if kind == STRING then
    local data, length = value.data, tonumber(value.length)
    return object.bytes(self, calls, data, length)
  end
  if kind == INTEGER then return library.integer(value.integer) end
  if kind == FLOAT then return value.number end
  if kind == BOOLEAN then return value.boolean end
  return nil
end

-- Ends a call that looked for a key: the value and its version, or nil and 0.
local function found(self, code, value, version)
  local calls = self.calls
  if code == C.FM_NOT_FOUND then return nil, 0 end
  if code ~= 0 then return library.fail(object.names[self]) end
  local number = library.integer(version[0])
  return from_value(self, calls, value), number
end

local function check_key(self, key)
  object.handle(self, Dict)
  return arguments.string(2, key)
end

-- {-- Methods -------------------------------------------------------------------------------------

--- Reads a key's value and version.
function methods.get(self, key)
  key = check_key(self, key)
  local value = ffi.new "fm_value"
  local pointer, _, _, version = object.begin(self, Dict)
  return found(self, C.fm_dict_get(pointer, key, #key, value, version, e), value, version)
end

local TTL = arguments.set "ttl"

local function set(self, mode, key, x, options)
  key = check_key(self, key)
  local value = to_value(3, x)
  local ttl = options == nil and FOREVER or arguments.options(4, options, TTL).ttl
  local pointer, _, _, version = object.begin(self, Dict)
  local code = C.fm_dict_set(pointer, key, #key, value, mode, ttl, version, e)
  return library.finish(code, object.names[self])
end

--- Sets a key, whether or not it is there.
function methods.set(self, key, value, options)
  return set(self, C.FM_DICT_SET, key, value, options)
end

--- Sets a key that is absent.
function methods.add(self, key, value, options)
  return set(self, C.FM_DICT_ADD, key, value, options)
end

--- Sets a key that is there.
function methods.replace(self, key, value, options)
  return set(self, C.FM_DICT_REPLACE, key, value, options)
end

--- Deletes a key.
function methods.delete(self, key)
  key = check_key(self, key)
  local code = C.fm_dict_delete(object.handle(self, Dict), key, #key, flag, e)
  if code ~= 0 then return library.fail(object.names[self]) end
  return flag[0]
end

--- Adds a number to a key's value in one step.
function methods.incr(self, key, n, init)
  key = check_key(self, key)
  n = n == nil and to_value(3, 1) or to_number(3, n)
  init = init ~= nil and to_number(4, init) or nil
  local sum = ffi.new "fm_value"
  local pointer = object.handle(self, Dict)
  flag[0] = true
  local code = C.fm_dict_increment(pointer, key, #key, n, init, sum, flag, e)
  local is_number = flag[0]
  if not is_number then errors.raise("filemap.dict (%s): %s", object.names[self], library.detail()) end
  if code ~= 0 then return library.fail(object.names[self]) end
  return from_value(self, self.calls, sum)
end

--- Sets a key if its version is the expected one.
function methods.compare_set(self, key, version, x)
  key = check_key(self, key)
  version = arguments.count(3, version, "version")
  local value, other = to_value(4, x), ffi.new "fm_value"
  local pointer, _, _, now = object.begin(self, Dict)
  local code = C.fm_dict_compare_set(pointer, key, #key, version, value, flag, other, now, e)
  local done, calls = flag[0], self.calls
  if code ~= 0 then return library.fail(object.names[self]) end
  if done then return true end
  local number = library.integer(now[0])
  return false, from_value(self, calls, other), number
end

--- Waits until a key has another version.
function methods.wait(self, key, version, timeout)
  key = check_key(self, key)
  local seen = arguments.count(3, version, "version")
  timeout = arguments.timeout(4, timeout)
  local value = ffi.new "fm_value"
  local pointer, _, _, now = object.begin(self, Dict)
  return found(self, C.fm_dict_wait(pointer, key, #key, seen, timeout, value, now, e), value, now)
end

--- Removes all keys, in one step.
function methods.clear(self)
  return library.finish(C.fm_dict_clear(object.handle(self, Dict), e), object.names[self])
end

--- Returns how full the dictionary is.
function methods.info(self)
  local info = ffi.new "fm_dict_info"
  local code = C.fm_dict_get_info(object.handle(self, Dict), info, e)
  if code ~= 0 then return library.fail(object.names[self]) end
  return { count = library.integer(info.count), used = library.integer(info.used),
    capacity = library.integer(info.capacity) }
end

-- {-- Iterating -----------------------------------------------------------------------------------

local function raise_failure(self)
  errors.raise("filemap.dict (%s): %s", object.names[self], library.detail())
end

-- The next key and value of a cursor, whose dictionary must be open. Nothing after the last.
local function next_pair(self, cursor)
  local value = ffi.new "fm_value"
  local pointer, data, length, version = object.begin(cursor, Cursor)
  if not self.open then errors.raise "filemap.dict is closed" end
  local code = C.fm_dict_cursor_next(pointer, data, length, value, version, e)
  local calls = cursor.calls
  if code == C.FM_NOT_FOUND then return nil end
  if code ~= 0 then raise_failure(self) end
  local from, n = data[0], tonumber(length[0])
  local key = object.bytes(cursor, calls, from, n)
  return key, from_value(cursor, calls, value)
end

--- Iterates over all keys, in no order.
function methods.pairs(self)
  local cursor, out = object.new(Cursor)
  local pointer = object.handle(self, Dict)
  if C.fm_dict_cursor_open(out, pointer, e) ~= 0 then raise_failure(self) end
  object.finish(cursor, 0, object.names[self])
  return function() return next_pair(self, cursor) end
end

return dict
