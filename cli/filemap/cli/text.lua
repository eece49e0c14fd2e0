-- Text on a terminal: the characters that the locale can show, and their columns. Internal to the command.
local text = {}

local function locale()
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = os.getenv(name)
    if value and value ~= "" then return value end
  end
  return "C"
end

--- Whether the locale's encoding is UTF-8.
text.unicode = locale():lower():find("utf%-?8") ~= nil

-- Ranges of characters that take two columns, in order, from Unicode's EastAsianWidth.txt (W and F, version
-- 14). Ranges are joined over characters that are not assigned.
local WIDE = {
  0x1100, 0x115F, 0x231A, 0x231B, 0x2329, 0x232A, 0x23E9, 0x23EC, 0x23F0, 0x23F0, 0x23F3, 0x23F3, 0x25FD,
  0x25FE, 0x2614, 0x2615, 0x2648, 0x2653, 0x267F, 0x267F, 0x2693, 0x2693, 0x26A1, 0x26A1, 0x26AA, 0x26AB,
  0x26BD, 0x26BE, 0x26C4, 0x26C5, 0x26CE, 0x26CE, 0x26D4, 0x26D4, 0x26EA, 0x26EA, 0x26F2, 0x26F3, 0x26F5,
  0x26F5, 0x26FA, 0x26FA, 0x26FD, 0x26FD, 0x2705, 0x2705, 0x270A, 0x270B, 0x2728, 0x2728, 0x274C, 0x274C,
  0x274E, 0x274E, 0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797, 0x27B0, 0x27B0, 0x27BF, 0x27BF, 0x2B1B,
  0x2B1C, 0x2B50, 0x2B50, 0x2B55, 0x2B55, 0x2E80, 0x303E, 0x3041, 0x3247, 0x3250, 0x4DBF, 0x4E00, 0xA4C6,
  0xA960, 0xA97C, 0xAC00, 0xD7A3, 0xF900, 0xFAD9, 0xFE10, 0xFE19, 0xFE30, 0xFE6B, 0xFF01, 0xFF60, 0xFFE0,
  0xFFE6, 0x16FE0, 0x1B2FB, 0x1F004, 0x1F004, 0x1F0CF, 0x1F0CF, 0x1F18E, 0x1F18E, 0x1F191, 0x1F19A,
  0x1F200, 0x1F320, 0x1F32D, 0x1F335, 0x1F337, 0x1F37C, 0x1F37E, 0x1F393, 0x1F3A0, 0x1F3CA, 0x1F3CF,
  0x1F3D3, 0x1F3E0, 0x1F3F0, 0x1F3F4, 0x1F3F4, 0x1F3F8, 0x1F43E, 0x1F440, 0x1F440, 0x1F442, 0x1F4FC,
  0x1F4FF, 0x1F53D, 0x1F54B, 0x1F54E, 0x1F550, 0x1F567, 0x1F57A, 0x1F57A, 0x1F595, 0x1F596, 0x1F5A4,
  0x1F5A4, 0x1F5FB, 0x1F64F, 0x1F680, 0x1F6C5, 0x1F6CC, 0x1F6CC, 0x1F6D0, 0x1F6D2, 0x1F6D5, 0x1F6DF,
  0x1F6EB, 0x1F6EC, 0x1F6F4, 0x1F6FC, 0x1F7E0, 0x1F7F0, 0x1F90C, 0x1F93A, 0x1F93C, 0x1F945, 0x1F947,
  0x1F9FF, 0x1FA70, 0x1FAFF, 0x20000, 0x3FFFD,
}
-- Ranges of characters that are drawn over the one before, in order.
local COMBINING = { 0x300, 0x36F, 0x200B, 0x200F, 0x20D0, 0x20FF, 0xFE00, 0xFE0F }

local function within(ranges, code)
  for i = 1, #ranges, 2 do
    if code <= ranges[i + 1] then return code >= ranges[i] end
  end
  return false
end

-- The columns of one character.
local function columns(code)
  if code < 0x300 then return 1 end
  if within(COMBINING, code) then return 0 end
  return within(WIDE, code) and 2 or 1
end

-- What a terminal obeys beside ASCII's control characters: U+0080 to U+009F, and what changes the direction
-- of the text around it.
local HIDDEN = { "\xc2[\x80-\x9f]", "\xe2\x80[\xaa-\xae]", "\xe2\x81[\xa6-\xa9]" }

-- Replaces bytes that are not UTF-8 by U+FFFD.
local function well_formed(s)
  local parts, i = {}, 1
  while i <= #s do
    local length, bad = utf8.len(s, i)
    parts[#parts + 1] = s:sub(i, length and #s or bad - 1)
    if length then break end
    parts[#parts + 1] = "\u{FFFD}"
    i = bad + 1
  end
  return table.concat(parts)
end
text.well_formed = well_formed

--- The text in one line, also if it has line ends and tabs: ASCII's control characters are escaped.
function text.line(s)
  return (s:gsub("%c", function(c)
    return ({ ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" })[c] or ("\\x%02x"):format(c:byte())
  end))
end

--- The text with nothing that would move the cursor or change the order of characters, and in a locale
-- without UTF-8 with "?" for each other character.
function text.printable(s)
  s = text.line(well_formed(s))
  for _, pattern in ipairs(s:find("[\xc2\xe2]") and HIDDEN or {}) do
    s = s:gsub(pattern, function(c) return ("\\u{%x}"):format(utf8.codepoint(c)) end)
  end
  if not text.unicode then s = s:gsub(utf8.charpattern, function(c) return #c > 1 and "?" or nil end) end
  return s
end

--- The columns that a printable text takes.
function text.width(s)
  if not s:find("[\x80-\xff]") then return #s end
  local sum = 0
  for _, code in utf8.codes(s) do sum = sum + columns(code) end
  return sum
end

--- The start of a printable text that fits this many columns.
function text.cut(s, width)
  if not s:find("[\x80-\xff]") then return s:sub(1, math.max(0, width)) end
  local sum = 0
  for at, code in utf8.codes(s) do
    sum = sum + columns(code)
    if sum > width then return s:sub(1, at - 1) end
  end
  return s
end

--- The text in exactly this many columns: cut, or filled with spaces behind it ("right": before it).
function text.fit(s, width, side)
  s = text.cut(s, width)
  local space = (" "):rep(width - text.width(s))
  return side == "right" and space .. s or s .. space
end

return text
