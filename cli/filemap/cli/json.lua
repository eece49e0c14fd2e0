-- JSON in one line, with dkjson. Internal to the command.
--
-- dkjson writes floats with 14 digits. A script must get the number that was in memory, so this file writes
-- numbers itself, and the keys of an object in the order of its list.
local dkjson = require "dkjson"
local text = require "filemap.cli.text"

local json = {}

-- Marks a list of pairs as an object.
local OBJECT = {}

--- An object whose keys keep their order: json.object { { "name", name }, { "size", size } }.
function json.object(pairs_in_order)
  return setmetatable(pairs_in_order, OBJECT)
end

--- The shortest decimal text of a float that reads back as the same number.
function json.float(n)
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
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

local function encode_table(t)
  local parts = {}
  if t[1] ~= nil or next(t) == nil then
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
  if value == nil then return "null" end
  if type(value) == "string" then return dkjson.quotestring(text.well_formed(value)) end
  if math.type(value) == "float" then return json.float(value) end
  if type(value) ~= "table" then return tostring(value) end
  return getmetatable(value) == OBJECT and encode_object(value) or encode_table(value)
end

--- One line of JSON without its end. Bytes that are not UTF-8 become U+FFFD; NaN and infinity become null.
json.encode = encode

--- The value of a JSON text; nil and a message if it is not JSON.
function json.decode(s)
  local value, after, problem = dkjson.decode(s, 1, nil)
  if problem then return nil, problem end
  if s:find("%S", after) then return nil, ("unexpected text at position %d"):format(s:find("%S", after)) end
  return value
end

-- {-- Bytes ----------------------------------------------------------------------------------------

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The base64 of bytes (RFC 4648).
function json.base64(bytes)
  local function digit(n) return ALPHABET:sub(n + 1, n + 1) end
  local s = bytes:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    return digit(n >> 18) .. digit(n >> 12 & 63) .. (b and digit(n >> 6 & 63) or "=") .. (c and digit(n & 63) or "=")
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

--- A message as a pair for an object: under `key` if they are UTF-8, else under "base64", so that nothing is lost.
function json.message(key, bytes)
  if utf8.len(bytes) then return { key, bytes } end
  return { "base64", json.base64(bytes) }
end

return json
