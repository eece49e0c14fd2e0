-- Numbers in arguments. Internal to the command. The functions suit argparse's `convert`: they return a
-- value, or nil and a message.
local json = require "filemap.cli.json"

local number = {}

local UNITS = { [""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30, T = 1 << 40 }

--- A count of bytes: decimal or hexadecimal, or with K, M, G or T (1024, 1024², …).
function number.size(s)
  local digits, unit = s:match("^(%d+)([KMGT]?)i?B?$")
  local n = number.integer(s:match("^0[xX]%x+$") or digits or "")
  if not n or n > math.maxinteger // UNITS[unit or ""] then
    return nil, ("'%s' is not a size (such as 4096, 0x1000 or 64K)"):format(s)
  end
  return n * UNITS[unit or ""]
end

--- The same, from 1.
function number.capacity(s)
  local n, problem = number.size(s)
  if n == 0 then return nil, ("'%s' is not a size greater than 0"):format(s) end
  return n, problem
end

--- Seconds, from 0.
function number.seconds(s)
  local n = tonumber(s)
  if not n or n ~= n or n < 0 then return nil, ("'%s' is not a number of seconds"):format(s) end
  return n
end

--- A number greater than 0.
function number.positive(s)
  local n = tonumber(s)
  if not n or n ~= n or n <= 0 or n == math.huge then
    return nil, ("'%s' is not a number greater than 0"):format(s)
  end
  return n
end

--- A whole number from 1.
function number.count(s)
  local n = math.tointeger(tonumber(s) or 0.5)
  if not n or n < 1 then return nil, ("'%s' is not a whole number from 1"):format(s) end
  return n
end

-- The 64 bits of the unsigned integer with these decimal digits; nil if it has more bits.
local function from_decimal(digits)
  digits = digits:gsub("^0+", "")
  if #digits > 20 or #digits == 20 and digits > "18446744073709551615" then return nil end
  local sum = 0
  for digit in digits:gmatch("%d") do sum = sum * 10 + tonumber(digit) end
  return sum
end

-- The same of hexadecimal digits.
local function from_hex(digits)
  digits = digits:gsub("^0+", "")
  return #digits <= 16 and tonumber("0x0" .. digits) or nil
end

--- An integer as Lua holds it; nil if the text is not an integer, or one that Lua does not hold. If T is
-- "u64", a number from 2^63 to 2^64 - 1 becomes the integer with the same bits.
function number.integer(s, T)
  local sign, digits = s:match("^%s*([+-]?)(%d+)%s*$")
  local minus, hex = s:match("^%s*([+-]?)0[xX](%x+)%s*$")
  if not digits and not hex then return math.tointeger(tonumber(s)) end
  local n = (hex and from_hex or from_decimal)(hex or digits)
  if n and (minus or sign) == "-" then return (n >= 0 or n == math.mininteger) and -n or nil end
  return n and (n >= 0 or T == "u64") and n or nil
end

--- The decimal text of the unsigned integer with the bits of n.
function number.unsigned(n)
  if n >= 0 then return tostring(n) end
  local tens = (n >> 1) // 5
  return ("%d%d"):format(tens, n - tens * 10)
end

--- A float from its text, which may also be inf, -inf or nan. Returns nil if the text is not a number.
function number.float(s)
  local special = ({ inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 })[s:lower()]
  local n = special or tonumber(s)
  if n == 0 then return s:find("^%s*%-") and -0.0 or 0.0 end -- (to add 0.0 would lose the sign)
  return n and n + 0.0
end

--- An integer or a float, as the text is written. Returns nil if the text is not a number, or if it is an
-- integer that Lua cannot hold.
function number.any(s)
  local n = number.integer(s)
  if n or s:find("^%s*[+-]?%d+%s*$") or s:find("^%s*[+-]?0[xX]%x+%s*$") then return n end
  return number.float(s)
end

-- The shortest text that gives the same f32.
local function short(n)
  for digits = 6, 8 do
    local s = ("%." .. digits .. "g"):format(n)
    if string.pack("f", tonumber(s)) == string.pack("f", n) then return s end
  end
  return ("%.9g"):format(n)
end

--- The text of a number that is stored as T, a type of views (default: as Lua stores it): integers in full,
-- floats with the fewest digits that give the same number.
function number.text(n, T)
  if math.type(n) == "integer" then return T == "u64" and number.unsigned(n) or tostring(n) end
  if n ~= n then return "nan" end
  if math.abs(n) == math.huge then return n > 0 and "inf" or "-inf" end
  return T == "f32" and n ~= 0 and short(n) or json.float(n)
end

--- The same in at most this many columns: with fewer digits where it must be, and "#" for each column where
-- no number fits.
function number.fit(n, T, width)
  local s = number.text(n, T)
  if #s <= width then return s end
  local float = T == "u64" and math.type(n) == "integer" and n < 0 and n + 0x1p64 or n + 0.0
  for digits = 16, 1, -1 do
    s = ("%." .. digits .. "g"):format(float)
    if #s <= width then return s end
  end
  return ("#"):rep(width)
end

return number
