-- Text of 1-, 2- and 4-byte units in strings of bytes, as the view's methods have it in memory: up to NUL, and
-- U+FFFD for what is no character. Internal to filemap.struct.
local text = {}

local REPLACEMENT <const> = 0xFFFD

-- Appends a character, or the replacement for what is none.
local function add(parts, code)
  if code >= 0xD800 and code <= 0xDFFF or code > 0x10FFFF then code = REPLACEMENT end
  parts[#parts + 1] = utf8.char(code)
end

local function decode16(bytes, format)
  local parts, high = {}, nil
  for i = 1, #bytes - 1, 2 do
    local unit = string.unpack(format, bytes, i)
    if unit == 0 then break end
    local low = unit >= 0xDC00 and unit <= 0xDFFF
    if high and low then
      add(parts, 0x10000 + (high - 0xD800 << 10) + unit - 0xDC00)
      high = nil
    else
      if high then add(parts, REPLACEMENT) end
      high = unit >= 0xD800 and unit <= 0xDBFF and unit or nil
      if not high then add(parts, unit) end
    end
  end
  if high then add(parts, REPLACEMENT) end
  return table.concat(parts)
end

local function decode32(bytes, format)
  local parts = {}
  for i = 1, #bytes - 3, 4 do
    local unit = string.unpack(format, bytes, i)
    if unit == 0 then break end
    add(parts, unit)
  end
  return table.concat(parts)
end

--- The pattern of the text up to NUL, or of all.
text.UP_TO_NUL = "^[^\0]*"

--- The UTF-8 of bytes in units of `unit` bytes in an order.
function text.decode(bytes, unit, order)
  if unit == 1 then return bytes:match(text.UP_TO_NUL) end
  return (unit == 2 and decode16 or decode32)(bytes, order .. "I" .. unit)
end

-- Calls f(code) for each character; ill-formed UTF-8 is U+FFFD, as the view's methods have it.
local function each(s, f)
  local i = 1
  while i <= #s do
    local good, bad = utf8.len(s, i)
    for _, code in utf8.codes(s:sub(i, good and #s or bad - 1)) do f(code) end
    if good then return end
    f(REPLACEMENT)
    i = bad + 1
    while i <= #s and s:byte(i) & 0xC0 == 0x80 do i = i + 1 end
  end
end

-- How many units the text takes.
local function units(s, unit)
  if unit == 1 then return #s end
  local n = 0
  each(s, function(code) n = n + (unit == 2 and code >= 0x10000 and 2 or 1) end)
  return n
end

--- Why a text does not go into `count` units with a NUL behind it; nil if it does.
function text.misfit(s, unit, count)
  if s:find("\0", 1, true) then return "the text holds a NUL" end
  if #s < count then return nil end -- (No encoding has more units than UTF-8 has bytes.)
  local n = units(s, unit)
  if n < count then return nil end
  return ("a text of %d %s and a NUL does not fit %d"):format(n, unit == 1 and "bytes" or "units", count)
end

--- Such a text as bytes, the rest of `count` units zero.
function text.encode(s, unit, count, order)
  local parts, format = {}, order .. "I" .. unit
  each(s, function(code)
    if unit == 2 and code >= 0x10000 then
      parts[#parts + 1] = string.pack(format, 0xD800 + (code - 0x10000 >> 10))
      code = 0xDC00 + (code - 0x10000 & 0x3FF)
    end
    parts[#parts + 1] = string.pack(format, code)
  end)
  local bytes = table.concat(parts)
  return bytes .. ("\0"):rep(unit * count - #bytes)
end

return text
