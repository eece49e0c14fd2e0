-- C's text as tokens. Internal to filemap.cdef.
--
-- Tokens are kept in three arrays side by side, which is faster than a table for each: `kind`, `value` and
-- `at`, the position where the token starts. Kinds are "name", "number" (as written), "string", "wide" (a
-- string behind L, u or U), "char" (each with the characters that it denotes), "wide_char" (the same behind
-- its prefix), "end", and for punctuation the punctuation itself. Text that is not a token of C becomes a
-- token of kind "bad" whose value is the reason. It is an error only if it is used: an apostrophe in a group
-- that `#if` skips is legal.
--
-- A position is an integer: the base of its source (see sources.lua) plus the byte in it.
local lexer = {}

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

--- Raises an error at a position, which ends only the declaration that is being read.
function lexer.fail(at, message, ...)
  error({ at = at, message = message:format(...) }, 0)
end

--- Raises an error at a position, which ends the whole parse.
function lexer.fatal(at, message, ...)
  error({ at = at, message = message:format(...), fatal = true }, 0)
end

--- A token as error messages show it.
function lexer.shown(kind, value)
  if kind == "end" then return "the end" end
  if kind == "bad" then return value end
  local text = (kind == "string" or kind == "wide") and ("%q"):format(value) or tostring(value)
  return "'" .. (#text > 40 and sub(text, 1, 40) .. "…" or text) .. "'"
end

-- {-- Single tokens --------------------------------------------------------------------------------

local punctuation = {}
for word in ([[... <<= >>= ## :: -> ++ -- << >> <= >= == != && || += -= *= /= %= &= |= ^=
  # { } ( ) [ ] ; , : . = * & | ^ ~ ! < > + - / % ? @]]):gmatch("%S+") do punctuation[word] = true end

-- Punctuation that is never the start of a longer one, by its byte.
local alone = {}
for mark in ("{ } ( ) [ ] ; , ~ ? @"):gmatch("%S") do alone[byte(mark)] = mark end

-- Other punctuation that is common, by its byte, and the bytes that make it the start of a longer one.
local single, longer = {}, {}
for mark, follows in pairs { ["*"] = "=", [":"] = ":", ["="] = "=", ["<"] = "<=", [">"] = ">=", ["-"] = "->=",
                             ["+"] = "+=", ["&"] = "&=", ["|"] = "|=" } do
  single[byte(mark)] = mark
  longer[byte(mark)] = {}
  for c in follows:gmatch(".") do longer[byte(mark)][byte(c)] = true end
end

-- The bytes that can follow the digits of a number within it.
local continues_number = {}
for c in ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.'"):gmatch(".") do
  continues_number[byte(c)] = true
end

local starts_name = {}
for c in ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$"):gmatch(".") do
  starts_name[byte(c)] = true
end

local escapes = {
  n = 10, t = 9, r = 13, a = 7, b = 8, f = 12, v = 11, e = 27, ["\\"] = 92, ["'"] = 39, ['"'] = 34,
  ["?"] = 63,
}

-- The character of a number in an octal or hexadecimal escape sequence: in a wide text that of Unicode (nil
-- for one that Unicode lacks), else the low byte.
local function numbered(code, is_wide)
  if not is_wide then return string.char(code & 0xff) end
  return code <= 0x10ffff and utf8.char(code) or nil
end

-- The bytes of one escape sequence, from behind its backslash, and where it ends; nil if it is not one.
local function escape(source, i, is_wide)
  local c = sub(source, i, i)
  if escapes[c] then return string.char(escapes[c]), i + 1 end
  local octal = match(source, "^[0-7][0-7]?[0-7]?", i)
  if octal then return numbered(tonumber(octal, 8), is_wide), i + #octal end
  local hex = match(source, "^x(%x+)", i)
  if hex then return numbered(tonumber(sub(hex, -15), 16), is_wide), i + 1 + #hex end
  local code = match(source, "^u(%x%x%x%x)", i) or match(source, "^U00(%x%x%x%x%x%x)", i)
  if code then return utf8.char(tonumber(code, 16)), i + (c == "u" and 5 or 9) end
end

-- The rest of a line as a bad token.
local function bad(source, start, message)
  return "bad", message, find(source, "\n", start, true) or #source + 1
end

-- A string or character constant from its quote on: kind, value, end.
local function quoted(source, start, is_wide)
  local quote, parts, i = sub(source, start, start), {}, start + 1
  local plain = quote == '"' and '^[^"\\\n]+' or "^[^'\\\n]+"
  while true do
    local _, to = find(source, plain, i)
    if to then
      parts[#parts + 1] = sub(source, i, to)
      i = to + 1
    end
    local c = sub(source, i, i)
    if c == quote then return quote == '"' and "string" or "char", table.concat(parts), i + 1 end
    if c ~= "\\" then return bad(source, start, ("expected %s before the end of the line"):format(quote)) end
    if find(source, "^\r?\n", i + 1) then
      i = find(source, "\n", i, true) + 1
    else
      local bytes, stop = escape(source, i + 1, is_wide)
      if not bytes then
        local shown = lexer.shown("escape", sub(source, i, stop and stop - 1 or i + 1))
        return bad(source, start, (stop and "%s is not a character of Unicode"
          or "expected an escape sequence, got %s"):format(shown))
      end
      parts[#parts + 1], i = bytes, stop
    end
  end
end

-- A raw string, R"x( … )x", from its quote on.
local function raw_string(source, start)
  local delimiter = match(source, '^"([^%s()\\]*)%(', start)
  if delimiter and #delimiter <= 16 then
    local from = start + #delimiter + 2
    local at, stop = find(source, ")" .. delimiter .. '"', from, true)
    if at then return "string", sub(source, from, at - 1), stop + 1 end
  end
  return bad(source, start, 'expected a raw string, R"(…)"')
end

-- Where a comment ends that starts at `i` with '//' or '/*', and an error if it does not end; `i` if none
-- starts.
local function comment(source, i)
  local second = byte(source, i + 1)
  if second == 42 then
    local _, close = find(source, "*/", i + 2, true)
    if close then return close + 1 end
    return #source + 1, "expected '*/' before the end"
  end
  if second ~= 47 then return i end
  repeat
    i = find(source, "\n", i + 1, true) or #source + 1
  until not find(source, "^\\\r?\n", i - (byte(source, i - 1) == 13 and 2 or 1))
  return i
end

local function number_end(source, i)
  while true do
    local _, to = find(source, "^[%w_.]+", i)
    if not to then return i end
    i = to + 1
    if find(source, "^[eEpP][+-]%d", to) then i = to + 2
    elseif find(source, "^'%w", i) then i = i + 1
    else return i end
  end
end

local function unexpected(source, i)
  local c = byte(source, i)
  local shown = c >= 32 and c < 127
  return "bad", (shown and "unexpected character '%s'" or "unexpected byte 0x%02X"):format(
    shown and string.char(c) or c), i + 1
end

-- Any token at `i` that does not start with a letter, where the byte is `c`: kind, value, end.
local function token(source, i, c)
  if c >= 48 and c <= 57 or c == 46 and find(source, "^%.%d", i) then
    local stop = number_end(source, i)
    return "number", sub(source, i, stop - 1), stop
  end
  if c == 34 or c == 39 then return quoted(source, i) end
  for length = 3, 1, -1 do
    local mark = sub(source, i, i + length - 1)
    if #mark == length and punctuation[mark] then return mark, mark, i + length end
  end
  return unexpected(source, i)
end

-- Where blanks, a comment or a continued line end that start at `i`, and an error in them; `i` if a token
-- starts there.
local function blank(source, i, c)
  if c == 47 then return comment(source, i) end
  if c == 92 and find(source, "^[ \t]*\r?\n", i + 1) then return find(source, "\n", i, true) + 1 end
  if c == 0xEF and i == 1 and sub(source, 1, 3) == "\xEF\xBB\xBF" then return 4 end
  return match(source, "^[ \t\r\f\v]*()", i)
end

-- The kinds of the strings behind each prefix, and whether these are raw.
local prefixes = { L = "wide", u = "wide", U = "wide", u8 = "string", R = "raw string", LR = "raw wide",
  uR = "raw wide", UR = "raw wide", u8R = "raw string" }

--- A string or character constant behind a prefix such as L, if one is there: kind, value, end.
function lexer.prefixed(source, i, name)
  local prefix, c = prefixes[name], byte(source, i)
  if not prefix or c ~= 34 and c ~= 39 then return nil end
  local of_raw = match(prefix, "^raw (.*)")
  if of_raw and c ~= 34 then return nil end
  local kind, value, stop = (of_raw and raw_string or quoted)(source, i, prefix == "wide")
  if kind == "char" and prefix == "wide" then return "wide_char", name .. value, stop end
  return kind == "string" and (of_raw or prefix) or kind, value, stop
end

--- The prefixes of strings, which are also names.
lexer.prefixes = prefixes

-- {-- Runs of tokens -------------------------------------------------------------------------------

--- Reads tokens of a source into a list, from the source's place on. Stops when the list has `limit` tokens,
-- and returns why: "more"; "brace" behind a '{'; "special" behind a name that is in `special`, which is not
-- added to the list but returned with its position; "directive" at a '#' that starts a line; "end".
-- @param source { text, base, i, fresh (whether a line starts at i) }
-- @param line stops at the end of the line ("end"), and takes no directives
function lexer.read(source, list, special, limit, line)
  local text, base, i = source.text, source.base, source.i
  local kinds, values, ats, n = list.kind, list.value, list.at, list.n
  local line_start = source.fresh and n or -1 -- the number of tokens when the line began
  local why, name = "more", nil
  while n < limit do
    local c = byte(text, i)
    local mark = alone[c]
    if mark then
      n = n + 1
      kinds[n] = mark
      values[n] = mark
      ats[n] = base + i
      i = i + 1
      if c == 123 and not line then
        why = "brace"
        break
      end
    elseif starts_name[c] then
      local word, stop = match(text, "^([%w_$]+) ?()", i)
      if special[word] then
        source.i, source.fresh, list.n = i + #word, false, n
        return "special", word, base + i
      end
      n = n + 1
      kinds[n] = "name"
      values[n] = word
      ats[n] = base + i
      i = stop
    elseif c == 32 then
      i = i + 1
    elseif single[c] and not longer[c][byte(text, i + 1)] then
      mark = single[c]
      n = n + 1
      kinds[n] = mark
      values[n] = mark
      ats[n] = base + i
      i = i + 1
    elseif c == 10 then
      if line then
        why = "end"
        break
      end
      i = match(text, "^[ \t\r\n]*()", i + 1)
      line_start = n
    elseif not c then
      why = "end"
      break
    elseif c >= 48 and c <= 57 then
      local digits, stop = match(text, "^(%d+)()", i)
      if continues_number[byte(text, stop)] then
        stop = number_end(text, i)
        digits = sub(text, i, stop - 1)
      end
      n = n + 1
      kinds[n] = "number"
      values[n] = digits
      ats[n] = base + i
      i = stop
    elseif c == 35 and line_start == n and not line then
      why = "directive"
      break
    else
      local stop, problem = blank(text, i, c)
      if stop == i then
        n = n + 1
        ats[n] = base + i
        kinds[n], values[n], stop = token(text, i, c)
      elseif problem then
        n = n + 1
        kinds[n], values[n], ats[n], stop = "bad", problem, base + i, #text + 1
      end
      i = stop
    end
  end
  source.i, source.fresh, list.n = i, line_start == n, n
  return why, name
end

--- An empty list of tokens.
function lexer.list()
  return { kind = {}, value = {}, at = {}, n = 0 }
end

--- Adds a token to a list.
function lexer.append(list, kind, value, at)
  local n = list.n + 1
  list.kind[n], list.value[n], list.at[n], list.n = kind, value, at, n
end

-- Joins a string's prefix with the string, in a list without macros.
local function special_of(text, i, word)
  local kind, value, stop = lexer.prefixed(text, i, word)
  if kind then return kind, value, stop end
  return "name", word, i
end

--- Adds tokens to a list, without macros, until it has `limit` of them. Returns why it stopped, as `read`.
function lexer.plain(source, list, limit, line)
  local why, word, at = lexer.read(source, list, prefixes, limit, line)
  if why == "special" then
    local kind, value, stop = special_of(source.text, source.i, word)
    lexer.append(list, kind, value, at)
    source.i = stop
  elseif why == "directive" then
    -- A '#' is a token like others here.
    source.fresh = false
    lexer.append(list, "#", "#", source.base + source.i)
    source.i = source.i + 1
  end
  return why
end

local function read_all(source, line)
  local list = lexer.list()
  repeat until lexer.plain(source, list, math.maxinteger, line) == "end"
  return list
end

--- All tokens of a text; a token of kind "end" is the last, which `n` does not count.
function lexer.tokens(text, base)
  local list = read_all({ text = text, base = base or 0, i = 1, fresh = false }, false)
  local n = list.n + 1
  list.kind[n], list.value[n], list.at[n] = "end", "", (base or 0) + #text + 1
  return list
end

--- The tokens from a source's place to the end of the line; the token of kind "end" has the position of its
-- newline.
function lexer.line(source)
  local list = read_all(source, true)
  local n = list.n + 1
  list.kind[n], list.value[n], list.at[n] = "end", "", source.base + source.i
  return list
end

--- The next token of a source alone, over ends of lines: kind, value, position; nil at a directive and at the
-- end.
function lexer.next(source)
  local list = lexer.list()
  local why, word, at = lexer.read(source, list, prefixes, 1)
  if why == "special" then
    local kind, value, stop = special_of(source.text, source.i, word)
    source.i = stop
    return kind, value, at
  end
  if list.n == 0 then return nil end
  return list.kind[1], list.value[1], list.at[1]
end

--- Whether the next token of a source is a '('.
function lexer.opens(source)
  local text, i = source.text, source.i
  while true do
    local c = byte(text, i)
    if c == 40 then return true end
    if not c then return false end
    local stop = c == 10 and i + 1 or blank(text, i, c)
    if stop == i then return false end
    i = stop
  end
end

-- {-- Text that is passed over ---------------------------------------------------------------------

-- Where a quotation ends that starts at `i`, on its line; i + 1 if it does not.
local function behind_quote(text, i)
  local kind, _, stop = quoted(text, i)
  return kind == "bad" and i + 1 or stop
end

--- Goes to the next line that starts with '#', over text of no interest. Returns false at the end.
function lexer.next_directive(source)
  local text, i = source.text, source.i
  while true do
    i = find(text, '[\n/"\']', i)
    if not i then
      source.i = #text + 1
      return false
    end
    local c = byte(text, i)
    if c == 10 then
      i = match(text, "^[ \t\r\n\f\v]*()", i + 1)
      if byte(text, i) == 35 then
        source.i, source.fresh = i, true
        return true
      end
    elseif c == 47 then
      local stop = comment(text, i)
      i = stop == i and i + 1 or stop
    else
      i = behind_quote(text, i)
    end
  end
end

--- Goes over a function's body from behind its '{' to behind its '}'. Returns true when it is there, else
-- false: at a directive, and at the end. `depth` is the number of open braces, and is returned as well.
function lexer.behind_body(source, depth)
  local text, i = source.text, source.i
  while true do
    i = find(text, '[{}\n/"\']', i)
    if not i then
      source.i = #text + 1
      return false, depth
    end
    local c = byte(text, i)
    if c == 123 then
      depth, i = depth + 1, i + 1
    elseif c == 125 then
      depth, i = depth - 1, i + 1
      if depth == 0 then
        source.i, source.fresh = i, false
        return true, 0
      end
    elseif c == 10 then
      i = match(text, "^[ \t\r\n\f\v]*()", i + 1)
      if byte(text, i) == 35 then
        source.i, source.fresh = i, true
        return false, depth
      end
    elseif c == 47 then
      local stop = comment(text, i)
      i = stop == i and i + 1 or stop
    else
      i = behind_quote(text, i)
    end
  end
end

--- Where a line ends that starts at `i`: at its newline, over continued lines and comments. Also whether the
-- line has neither.
function lexer.line_end(text, i)
  local newline = match(text, "^[^\n/]*()", i)
  local last = byte(text, newline - 1) == 13 and byte(text, newline - 2) or byte(text, newline - 1)
  if last ~= 92 and byte(text, newline) ~= 47 then return newline, true end
  local source = { text = text, base = 0, i = i, fresh = false }
  lexer.line(source)
  return source.i, false
end

return lexer
