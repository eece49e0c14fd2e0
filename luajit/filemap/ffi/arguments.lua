--- Checks arguments. The functions take an argument's number, where self counts as 1, and its value.
local bit = require "bit"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"

local C, FOREVER = library.C, library.FOREVER
local floor, istype = math.floor, ffi.istype
local int64, uint64 = ffi.typeof "int64_t", ffi.typeof "uint64_t"

local arguments = {}

-- {-- Numbers -------------------------------------------------------------------------------------

--- Is the value cdata of a 64-bit integer?
function arguments.is_wide(value)
  return istype(int64, value) or istype(uint64, value)
end

local greatest = 0x7fffffffffffffffULL

--- Returns the integer from -2^63 to 2^63-1 that a number, a string or cdata stands for: a number if a number
-- can hold it, else cdata. Returns nil for any other value, and whether it is a number at least.
function arguments.to_integer(value)
  if istype(int64, value) then return library.integer(value) end
  if istype(uint64, value) then
    if value > greatest then return nil, true end
    return library.integer(value)
  end
  local x = type(value) ~= "cdata" and tonumber(value) or nil
  if x and x >= -2^63 and x < 2^63 and floor(x) == x then return x end
  return nil, x ~= nil
end

--- An integer, as to_integer returns it; another value raises.
function arguments.integer(number, value)
  local x, is_number = arguments.to_integer(value)
  if x then return x end
  if is_number then errors.argument(number, "number has no integer representation") end
  errors.type(number, "number", value)
end

--- A count of bytes or units; a negative one raises, with `what` in the message. nil gives `otherwise`.
function arguments.count(number, value, what, otherwise)
  if value == nil and otherwise then return otherwise end
  local n = arguments.integer(number, value)
  if n < 0 then errors.argument(number, "%s %s is negative", what, errors.integer(n)) end
  return n
end

--- An integer in a range; another one raises.
function arguments.within(number, value, what, least, most)
  local n = arguments.integer(number, value)
  if n < least or n > most then
    errors.argument(number, "%s must be from %d to %.0f, got %s", what, least, most, errors.integer(n))
  end
  return tonumber(n)
end

--- A time-out in seconds; a negative one and NaN raise. nil gives `otherwise`, or no end.
function arguments.timeout(number, value, otherwise)
  if value == nil then return otherwise or FOREVER end
  local seconds = tonumber(value)
  if not seconds then errors.type(number, "number", value) end
  if seconds < 0 then errors.argument(number, "time-out must not be negative, got %.14g", seconds) end
  if seconds ~= seconds then errors.argument(number, "time-out must not be NaN") end
  return seconds < FOREVER and seconds or FOREVER
end

-- {-- Text ----------------------------------------------------------------------------------------

--- A string; a number counts as one.
function arguments.string(number, value)
  if type(value) == "string" then return value end
  if type(value) ~= "number" then errors.type(number, "string", value) end
  return tostring(value)
end

local function has_nul(text) return text:find("\0", 1, true) ~= nil end

--- A string for C. If it contains a NUL byte: nil, and the other results of a failure.
function arguments.text(number, value)
  local text = arguments.string(number, value)
  if not has_nul(text) then return text end
  return nil, text:match("^%Z*") .. ": a name or path must not contain a NUL byte", "invalid", nil
end

--- Text that a NUL will end; one that contains a NUL raises.
function arguments.c_text(number, value)
  local text = arguments.string(number, value)
  if has_nul(text) then errors.argument(number, "string contains zeros") end
  return text
end

local ACCESS_WORDS = '"r", "rw", "copy", "rx", "rwx" or "copyx"'

local function access_of(value)
  return type(value) == "string" and not has_nul(value) and C.fm_access_bits(value) or 0
end

--- The bits of an access word. nil gives `otherwise`.
function arguments.access(number, value, otherwise)
  if value == nil and otherwise then return otherwise end
  local access = access_of(value)
  if access == 0 then
    errors.argument(number, "access must be %s, got %s%s", ACCESS_WORDS, tostring(value),
      type(value) == "table" and "; the options are the next argument" or "")
  end
  return access
end

--- The word's place in a list; another value raises.
function arguments.word(number, value, words)
  local text = arguments.string(number, value)
  for i, word in ipairs(words) do
    if text == word then return i end
  end
  errors.argument(number, "invalid option '%s'", text)
end

-- {-- Options -------------------------------------------------------------------------------------

-- Each reader stores a value in the options. It returns nothing, or which values it accepts.
local read = {}

function read.access(o, value)
  o.map.access = access_of(value)
  return o.map.access == 0 and ACCESS_WORDS or nil
end

function read.size(o, value)
  local size = arguments.to_integer(value)
  if not size or size < 0 then return "an integer from 0 to 2^63-1" end
  o.map.size = size
end

-- Three octal digits, with or without a 0 before them. A process that cannot read a segment cannot see that
-- it is stale.
function read.mode(o, value)
  local digits = type(value) == "string" and value:match("^0?([0-7][0-7][0-7])$")
  o.map.mode = digits and tonumber(digits, 8) or 0
  if bit.band(o.map.mode, 256) == 0 then
    return 'an octal string such as "0600" that lets the owner read'
  end
end

-- Reads strings. The structure points into them, and the program's table keeps them.
local function read_string(name)
  read[name] = function(o, value)
    if type(value) ~= "string" or has_nul(value) then return "a string without NUL" end
    o.map[name] = value
  end
end

local function read_boolean(name, is_of_map)
  read[name] = function(o, value)
    if type(value) ~= "boolean" then return "a boolean" end
    if is_of_map then o.map[name] = value else o[name] = value end
  end
end

local function read_length(name)
  read[name] = function(o, value)
    local n = arguments.to_integer(value)
    if not n or n < 1 then return "an integer from 1 to 2^63-1" end
    o[name] = n
  end
end

for _, name in ipairs { "sddl", "name" } do read_string(name) end
for _, name in ipairs { "inherit", "commit", "large_pages" } do read_boolean(name, true) end
for _, name in ipairs { "existing", "manual", "set", "stream", "evict" } do read_boolean(name) end
for _, name in ipairs { "capacity", "max_message" } do read_length(name) end

function read.ttl(o, value)
  if type(value) ~= "number" or value <= 0 or value ~= value then
    return "a number of seconds greater than 0"
  end
  o.ttl = math.min(value, FOREVER)
end

--- A set of the options that a call has.
function arguments.set(names)
  local set = {}
  for name in names:gmatch("%S+") do set[name] = true end
  return set
end

local function raise_no_table(number, value)
  local hint = access_of(value) ~= 0 and ('; the access is an option: { access = "%s" }'):format(value) or ""
  errors.argument(number, "table expected, got %s%s", errors.type_of(value), hint)
end

--- Reads a table of options, of which the call has those in the set `allowed`; another one raises. Returns
-- them with their defaults: `map` is an fm_options, for the calls of other named objects too.
function arguments.options(number, value, allowed)
  local o = { map = library.options "fm_options", capacity = 0, max_message = 0, ttl = FOREVER,
    existing = false, manual = false, set = false, stream = false, evict = false }
  if value == nil then return o end
  if type(value) ~= "table" then raise_no_table(number, value) end
  for name, x in pairs(value) do
    if not allowed[name] then errors.argument(number, "unknown option '%s'", tostring(name)) end
    local expected = read[name](o, x)
    if expected then
      errors.argument(number, "option '%s' must be %s, got %s", name, expected, tostring(x))
    end
  end
  return o
end

return arguments
