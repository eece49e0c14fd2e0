-- JSON in one line, with dkjson. Internal to the command.
--
-- dkjson writes floats with 14 digits. A script must get the number that was in memory, so this file writes
-- numbers itself, and the keys of an object in the order of its list.
local dkjson = require "dkjson"
local text = require "filemap.cli.text"

local json = {}

-- Marks a list of pairs as an object, and the digits of an integer that Lua's integers do not have.
local OBJECT, EXACT = {}, {}

--- What `decode` returns for null.
json.null = setmetatable({}, { __tostring = function() return "null" end })

--- An object whose keys keep their order: json.object { { "name", name }, { "size", size } }.
function json.object(pairs_in_order)
  return setmetatable(pairs_in_order, OBJECT)
end

--- An integer by its decimal digits.
function json.exact(digits)
  return setmetatable({ digits }, EXACT)
end

--- The digits of an integer that `decode` returned as json.exact; nil for other values.
function json.digits(value)
  return getmetatable(value) == EXACT and value[1] or nil
end

--- The shortest decimal text of a float that reads back as the same number.
function json.float(n)
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
  if n == 0 then return 1 / n < 0 and "-0.0" or "0" end -- (Lua reads -0 as an integer, which has no sign)
  for digits = 15, 16 do
    local s = ("%." .. digits .. "g"):format(n)
    if tonumber(s) == n then return s end
  end
  return ("%.17g"):format(n)
end

local encode

local function encode_object(object)
  local parts = {}
  for i, pair in ipairs(object) do
    parts[i] = dkjson.quotestring(text.well_formed(pair[1])) .. ":" .. encode(pair[2])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- (dkjson notes in a metatable whether a table was an object or an array.)
local function encode_table(t)
  local parts, kind = {}, (getmetatable(t) or {}).__jsontype
  if kind == "array" or not kind and (t[1] ~= nil or next(t) == nil) then
    for i, value in ipairs(t) do parts[i] = encode(value) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, value in pairs(t) do
    parts[#parts + 1] = dkjson.quotestring(text.well_formed(tostring(key))) .. ":" .. encode(value)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  if value == nil or value == json.null then return "null" end
  if type(value) == "string" then return dkjson.quotestring(text.well_formed(value)) end
  if math.type(value) == "float" then return json.float(value) end
  if type(value) ~= "table" then return tostring(value) end
  return json.digits(value) or getmetatable(value) == OBJECT and encode_object(value) or encode_table(value)
end

--- One line of JSON without its end. Bytes that are not UTF-8 become U+FFFD; NaN and infinity become null.
json.encode = encode

-- The position behind the string that begins with the quote at a position.
local function behind_string(s, at)
  while true do
    at = s:find('["\\]', at + 1)
    if not at then return #s + 1 end
    if s:sub(at, at) == '"' then return at + 1 end
    at = at + 1 -- (the character behind a backslash)
  end
end

-- dkjson makes a float of an integer that does not fit Lua's. So such an integer is passed to it as a string
-- that begins with a mark which the text does not have. Returns the text, and the mark if it may be in it.
local function mark_integers(s)
  if not s:find(("%d"):rep(19)) then return s end
  local mark = "integer:"
  while s:find(mark, 1, true) do mark = ":" .. mark end
  local parts, at = {}, 1
  while at <= #s do
    local start = s:find('["%d%-]', at) or #s + 1
    local stop = s:sub(start, start) == '"' and behind_string(s, start) or s:match("^[%d.eE+%-]*()", start)
    local word = s:sub(start, stop - 1)
    local large = word:find("^%-?[1-9]%d*$") and math.type(tonumber(word)) == "float"
    parts[#parts + 1] = s:sub(at, start - 1) .. (large and ('"%s%s"'):format(mark, word) or word)
    at = stop
  end
  return table.concat(parts), mark
end

-- The most levels of arrays and objects in a text, so that no call over its value fills the stack.
local DEEPEST = 200

-- Whether a text has more levels. (Most texts have few brackets.)
local function too_deep(s)
  if select(2, s:gsub("[%[{]", "")) <= DEEPEST then return false end
  local depth, at = 0, 1
  while true do
    at = s:find('["%[%]{}]', at)
    if not at then return false end
    local c = s:sub(at, at)
    if c == "[" or c == "{" then depth = depth + 1 elseif c ~= '"' then depth = depth - 1 end
    if depth > DEEPEST then return true end
    at = c == '"' and behind_string(s, at) or at + 1
  end
end

-- Replaces the marked strings in a value by integers.
local function unmark(value, mark)
  if type(value) == "string" and value:sub(1, #mark) == mark then return json.exact(value:sub(#mark + 1)) end
  if type(value) ~= "table" then return value end
  for key, member in pairs(value) do value[key] = unmark(member, mark) end
  return value
end

--- The value of a JSON text; nil and a message if it is not JSON. An integer that Lua's integers do not have
-- is as json.exact returns it, and null is json.null.
function json.decode(s)
  if too_deep(s) then return nil, ("it has more than %d levels of arrays and objects"):format(DEEPEST) end
  local marked, mark = mark_integers(s)
  local value, after, problem = dkjson.decode(marked, 1, json.null)
  if problem then return nil, problem end
  if marked:find("%S", after) then return nil, "there is text after the value" end
  return mark and unmark(value, mark) or value
end

-- {-- Bytes ----------------------------------------------------------------------------------------

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The base64 of bytes (RFC 4648).
function json.base64(bytes)
  local function digit(n) return ALPHABET:sub(n + 1, n + 1) end
  local s = bytes:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    return digit(n >> 18) .. digit(n >> 12 & 63) .. (b and digit(n >> 6 & 63) or "=")
      .. (c and digit(n & 63) or "=")
  end)
  return s
end

--- The bytes of a base64 text; nil if it is not base64.
function json.from_base64(s)
  if #s % 4 ~= 0 or not s:find("^[%w+/]*=?=?$") then return nil end
  local bytes = s:gsub("....", function(group)
    local n = 0
    for c in group:gmatch(".") do n = n << 6 | ((ALPHABET:find(c, 1, true) or 1) - 1) end
    return string.pack(">I3", n):sub(1, group:find("=", 1, true) and group:find("=", 1, true) - 2 or 3)
  end)
  return bytes
end

--- A message as a pair for an object: under `key` if it is UTF-8, else as base64 under `other` (default:
-- "base64"), so that nothing is lost.
function json.message(key, bytes, other)
  if utf8.len(bytes) then return { key, bytes } end
  return { other or "base64", json.base64(bytes) }
end

return json
