-- C's text as tokens. Internal to filemap.cdef.
--
-- Tokens are three arrays side by side, which is quicker than a table for each: `kind`, `value` and `at`, the byte
-- where the token starts. Kinds are "name", "number" (as written), "string" and "char" (what they stand for), "end",
-- and for punctuation the punctuation itself. What is no token of C is one of kind "bad", which says why: it may
-- stand where nobody reads it, as an apostrophe in `#error` does. `first[i]` is true for the first token of a line.
local lexer = {}

--- Raises an error of the source, at a byte of it: a table, which cdef.parse makes a message of.
function lexer.fail(at, message, ...)
  error({ at = at, message = message:format(...) }, 0)
end

--- The line and column of a byte, counted from 1.
function lexer.position(source, at)
  local line, start = 1, 1
  for newline in source:sub(1, at - 1):gmatch("()\n") do
    line, start = line + 1, newline + 1
  end
  return line, at - start + 1
end

--- How a token is named in a message.
function lexer.shown(kind, value)
  if kind == "end" then return "the end" end
  if kind == "bad" then return value end
  local text = kind == "string" and ("%q"):format(value) or tostring(value)
  return "'" .. (#text > 40 and text:sub(1, 40) .. "…" or text) .. "'"
end

local punctuation = {}
for word in ([[... <<= >>= ## :: -> ++ -- << >> <= >= == != && || += -= *= /= %= &= |= ^=
  # { } ( ) [ ] ; , : . = * & | ^ ~ ! < > + - / % ? @]]):gmatch("%S+") do punctuation[word] = true end

-- Punctuation that begins no other, by its byte.
local alone = {}
for mark in ("{ } ( ) [ ] ; , ~ ? @"):gmatch("%S") do alone[mark:byte()] = mark end

local starts_name = {}
for c in ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$"):gmatch(".") do starts_name[c:byte()] = true end

local escapes = { n = 10, t = 9, r = 13, a = 7, b = 8, f = 12, v = 11, ["\\"] = 92, ["'"] = 39, ['"'] = 34, ["?"] = 63 }

-- The bytes of one escape sequence, from behind its backslash, and where it ends; nil if it is none.
local function escape(source, i)
  local c = source:sub(i, i)
  if escapes[c] then return string.char(escapes[c]), i + 1 end
  local octal = source:match("^[0-7][0-7]?[0-7]?", i)
  if octal then return string.char(tonumber(octal, 8) & 0xff), i + #octal end
  local hex = source:match("^x(%x%x?)", i)
  if hex then return string.char(tonumber(hex, 16)), i + 1 + #hex end
  local code = source:match("^u(%x%x%x%x)", i) or source:match("^U00(%x%x%x%x%x%x)", i)
  if code then return utf8.char(tonumber(code, 16)), i + (c == "u" and 5 or 9) end
end

-- The rest of a line that is no constant.
local function bad(source, start, message)
  return "bad", message, source:find("\n", start, true) or #source + 1
end

-- A string or character constant from its quote on: its kind, what it stands for, and where it ends.
local function quoted(source, start)
  local quote, parts, i = source:sub(start, start), {}, start + 1
  local plain = quote == '"' and '^[^"\\\n]+' or "^[^'\\\n]+"
  while true do
    local _, to = source:find(plain, i)
    if to then
      parts[#parts + 1] = source:sub(i, to)
      i = to + 1
    end
    local c = source:sub(i, i)
    if c == quote then return quote == '"' and "string" or "char", table.concat(parts), i + 1 end
    if c ~= "\\" then return bad(source, start, ("expected %s before the end of the line"):format(quote)) end
    if source:find("^\r?\n", i + 1) then
      i = source:find("\n", i, true) + 1
    else
      local bytes, stop = escape(source, i + 1)
      if not bytes then
        return bad(source, start, ("expected an escape sequence, got '\\%s'"):format(source:sub(i + 1, i + 1)))
      end
      parts[#parts + 1], i = bytes, stop
    end
  end
end

-- Where a comment ends that starts at `i` with '//' or '/*', and what is wrong with it; `i` if none does.
local function comment(source, i)
  local second = source:byte(i + 1)
  if second == 42 then
    local _, close = source:find("*/", i + 2, true)
    if close then return close + 1 end
    return #source + 1, "expected '*/' before the end"
  end
  if second ~= 47 then return i end
  repeat
    i = source:find("\n", i + 1, true) or #source + 1
  until not source:find("^\\\r?\n", i - (source:byte(i - 1) == 13 and 2 or 1))
  return i
end

local function number_end(source, i)
  while true do
    local _, to = source:find("^[%w_.]+", i)
    if not to then return i end
    i = to + 1
    if source:find("^[eEpP][+-]%d", to) then i = to + 2
    elseif source:find("^'%w", i) then i = i + 1
    else return i end
  end
end

-- What a name is, which may be the prefix of a string: L"…".
local function word(source, name, stop)
  local next_byte = #name <= 2 and source:byte(stop)
  if (next_byte == 34 or next_byte == 39) and name:find("^[LuU]8?$") then return quoted(source, stop) end
  return "name", name, stop
end

local function unexpected(source, i)
  local byte = source:byte(i)
  local shown = byte >= 32 and byte < 127
  return "bad", (shown and "unexpected character '%s'" or "unexpected byte 0x%02X"):format(
    shown and string.char(byte) or byte), i + 1
end

-- Any other token at `i`, where the byte is `byte`: its kind, value and end.
local function token(source, i, byte)
  if byte >= 48 and byte <= 57 or byte == 46 and source:find("^%.%d", i) then
    local stop = number_end(source, i)
    return "number", source:sub(i, stop - 1), stop
  end
  if byte == 34 or byte == 39 then return quoted(source, i) end
  for length = 3, 1, -1 do
    local mark = source:sub(i, i + length - 1)
    if #mark == length and punctuation[mark] then return mark, mark, i + length end
  end
  return unexpected(source, i)
end

-- Where what is no token ends at `i`: blanks, a comment, a line that goes on; and what is wrong with it. The same `i`
-- if that is a token.
local function blank(source, i, byte)
  if byte == 47 then return comment(source, i) end
  if byte == 92 and source:find("^\r?\n", i + 1) then return source:find("\n", i, true) + 1 end
  local _, last = source:find("^[ \t\r\f\v]+", i)
  return (last or i - 1) + 1
end

--- All tokens of a source; one of kind "end" is the last. (The commonest come first: the rest is for speed alone.)
function lexer.tokens(source)
  local kind, value, at, first = {}, {}, {}, { true }
  local byte, match = string.byte, string.match
  local n, i = 1, source:sub(1, 3) == "\xEF\xBB\xBF" and 4 or 1
  while true do
    local c = byte(source, i)
    local mark = alone[c]
    if mark then
      kind[n], value[n], at[n] = mark, mark, i
      n, i = n + 1, i + 1
    elseif starts_name[c] then
      at[n] = i
      kind[n], value[n], i = word(source, match(source, "^([%w_$]+)()", i))
      n = n + 1
    elseif c == 32 then
      i = i + 1
    elseif c == 10 then
      first[n], i = true, i + 1
    elseif not c then
      break
    else
      local stop, problem = blank(source, i, c)
      if stop == i then
        at[n] = i
        kind[n], value[n], stop = token(source, i, c)
        n = n + 1
      elseif problem then
        kind[n], value[n], at[n], stop = "bad", problem, i, #source + 1
        n = n + 1
      end
      i = stop
    end
  end
  kind[n], value[n], at[n], first[n] = "end", "", #source + 1, true
  return { kind = kind, value = value, at = at, first = first }
end

return lexer
