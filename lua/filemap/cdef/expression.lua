-- Constant expressions, with C's types: a value is a Lua number and one of i32 u32 i64 u64 f32 f64, or a
-- string. Internal to filemap.cdef. The parser `p` (see parser.lua) gives types and named values.
local ctype = require "filemap.ctype"
local lexer = require "filemap.cdef.lexer"

local fail = lexer.fail
local expression = {}

-- {-- Values ---------------------------------------------------------------------------------------

local bits_of = { i8 = 8, u8 = 8, i16 = 16, u16 = 16, i32 = 32, u32 = 32 }

--- An integer brought into the range of a type, as a cast does.
function expression.wrap(n, T)
  local bits = bits_of[T]
  if not bits then return n end
  n = n & (1 << bits) - 1
  if T:sub(1, 1) == "i" and n >> bits - 1 == 1 then n = n - (1 << bits) end
  return n
end
local wrap = expression.wrap

local floats = { f32 = true, f64 = true }

-- A number of type N as one of type T.
local function convert(n, N, T)
  if not floats[T] then return wrap(n, T) end
  if N == "u64" and n < 0 then n = (n >> 1 | n & 1) * 2.0 end
  return T == "f32" and string.unpack("<f", string.pack("<f", n)) or n + 0.0
end

--- The type of 64 bits with the same sign, in which conditions count.
function expression.widest(T)
  return T:sub(1, 1) == "u" and "u64" or "i64"
end

-- The type in which two integers are counted with: the wider, and of two as wide the one without a sign.
local rank = { i32 = 1, u32 = 2, i64 = 3, u64 = 4, f32 = 5, f64 = 6 }

local function common(a, b)
  return rank[a] > rank[b] and a or b
end

function expression.divide(T, a, b, at)
  if floats[T] then return a / b end
  if b == 0 then fail(at, "division by zero") end
  if T == "u64" then
    if b < 0 then return math.ult(a, b) and 0 or 1 end
    if a >= 0 then return a // b end
    local q = (a >> 1) // b << 1
    return math.ult(a - q * b, b) and q or q + 1
  end
  local q = a // b
  if q < 0 and q * b ~= a then q = q + 1 end
  return q
end

local divide = expression.divide

local bases = { ["0x"] = 16, ["0b"] = 2 }

-- The digits of each base that always fit 63 bits.
local short = { [2] = 63, [8] = 21, [10] = 18, [16] = 15 }

-- The 64 bits of a number's digits; nil if one is none of the base, or there are more bits.
local function digits_value(digits, base)
  if #digits <= short[base] then return tonumber(digits, base) end
  local value, most = 0, -1
  for digit in digits:gmatch(".") do
    local n = tonumber(digit, base)
    if not n or math.ult(expression.divide("u64", most - n, base), value) then return nil end
    value = value * base + n
  end
  return value
end

-- A floating-point number: its value and type; nil if it is not one.
local function floating(text, is_hex)
  if is_hex and not text:find("p", 1, true) then return nil end
  local digits, suffix = text:match("^(.-)([fl]?)$")
  local T = suffix == "f" and "f32" or "f64"
  local value = tonumber(digits)
  return value and convert(value, "f64", T), T
end

-- Whether an integer's suffix is one, and makes it unsigned or at least a long or a long long.
local function suffix_of(suffix)
  local bits = suffix:match("^u?i(%d+)$")
  if bits then
    return bits == "8" or bits == "16" or bits == "32" or bits == "64", suffix:find("u"), bits == "64"
  end
  local letters = suffix:gsub("u", "", 1)
  local known = letters == "" or letters == "l" or letters == "ll" or letters == "z"
  return known and not suffix:find("lul"), suffix:find("u"), letters == "ll", letters == "l" or letters == "z"
end

--- A number as written, with its suffixes: its value, and the first type that has room for it.
function expression.number(p, text, at)
  if #text < 10 and text:find("^[1-9]%d*$") then return tonumber(text), p.in_condition and "i64" or "i32" end
  local clean = text:gsub("'", ""):lower()
  local base = bases[clean:sub(1, 2)] or clean:find("^0%d") and 8 or 10
  if base ~= 16 and clean:find("[.e]") or base == 16 and clean:find("[.p]") then
    local value, T = floating(clean, base == 16)
    if not value then fail(at, "expected a number, got %s", lexer.shown("number", text)) end
    return value, T
  end
  local digits, suffix = clean:match(base == 16 and "^0x(%x+)(.*)$" or base == 2 and "^0b(%d+)(.*)$"
    or "^(%d+)(.*)$")
  local known, unsigned, longest, long = suffix_of(suffix or "?")
  if not known or digits:find(base == 8 and "[89]" or base == 2 and "[2-9]" or "%X") then
    fail(at, "expected a number, got %s", lexer.shown("number", text))
  end
  local value = digits_value(digits, base)
  if not value then fail(at, "the number %s does not fit 64 bits", lexer.shown("number", text)) end
  if not (longest or long and p.abi.long == 8 or p.in_condition) then
    if not unsigned and value >= 0 and value <= 0x7fffffff then return value, "i32" end
    if (unsigned or base ~= 10) and value >= 0 and value <= 0xffffffff then return value, "u32" end
  end
  return value, (unsigned or value < 0) and "u64" or "i64"
end

-- The type of a character constant that is a T: an int in C, if it fits. In a condition all numbers have 64
-- bits, and this one has the sign of T.
local function character_type(p, T)
  if p.in_condition then return expression.widest(T) end
  return T == "u32" and "u32" or "i32"
end

local function character(p, text, at)
  if #text == 0 or #text > 4 then fail(at, "expected one to four bytes between quotes") end
  local n = 0
  for i = 1, #text do n = n << 8 | text:byte(i) end
  local T = #text == 1 and ctype.char_number(p.abi) or "i32"
  return wrap(n, T), character_type(p, T)
end

-- A character behind its prefix. (A surrogate is one, too.)
local function wide_character(p, text, at)
  local prefix, rest = text:sub(1, 1), text:sub(2)
  local code = utf8.len(rest, 1, -1, true) == 1 and utf8.codepoint(rest, 1, 1, true)
  if not code then fail(at, "expected one character between quotes") end
  local T = prefix == "U" and "u32" or prefix == "u" and "u16" or ctype.wchar_number(p.abi)
  local bits = bits_of[T]
  if code >= 1 << bits then fail(at, "the character does not fit %d bytes", bits // 8) end
  return code, character_type(p, T)
end

-- {-- Operators ------------------------------------------------------------------------------------

local function truth(x) return x and 1 or 0 end
local function less(T, a, b)
  if T == "u64" then return math.ult(a, b) end
  return a < b
end

local arithmetic = {
  ["*"] = function(_, a, b) return a * b end,
  ["/"] = divide,
  ["%"] = function(T, a, b, at) return a - divide(T, a, b, at) * b end,
  ["+"] = function(_, a, b) return a + b end,
  ["-"] = function(_, a, b) return a - b end,
  ["&"] = function(_, a, b) return a & b end,
  ["|"] = function(_, a, b) return a | b end,
  ["^"] = function(_, a, b) return a ~ b end,
}

local comparison = {
  ["<"] = less,
  [">"] = function(T, a, b) return less(T, b, a) end,
  ["<="] = function(T, a, b) return not less(T, b, a) end,
  [">="] = function(T, a, b) return not less(T, a, b) end,
  ["=="] = function(_, a, b) return a == b end,
  ["!="] = function(_, a, b) return a ~= b end,
}

local precedence = {
  ["||"] = 1, ["&&"] = 2, ["|"] = 3, ["^"] = 4, ["&"] = 5, ["=="] = 6, ["!="] = 6, ["<"] = 7, [">"] = 7,
  ["<="] = 7,
  [">="] = 7, ["<<"] = 8, [">>"] = 8, ["+"] = 9, ["-"] = 9, ["*"] = 10, ["/"] = 10, ["%"] = 10,
}
local integers_only = { ["%"] = true, ["&"] = true, ["|"] = true, ["^"] = true, ["<<"] = true, [">>"] = true }

local function shift(operator, a, T, b, at)
  local bits = bits_of[T] or 64
  if b < 0 or b >= bits then fail(at, "expected a shift by 0 to %d bits, got %d", bits - 1, b) end
  if operator == "<<" then return wrap(a << b, T), T end
  if T:sub(1, 1) == "i" and a < 0 then return ~(~a >> b), T end
  return a >> b, T
end

local function apply(operator, a, A, b, B, at)
  if not rank[A] or not rank[B] then fail(at, "expected numbers on both sides of '%s'", operator) end
  if integers_only[operator] and (floats[A] or floats[B]) then
    fail(at, "expected integers on both sides of '%s'", operator)
  end
  if operator == "<<" or operator == ">>" then return shift(operator, a, A, b, at) end
  local T = common(A, B)
  a, b = convert(a, A, T), convert(b, B, T)
  if comparison[operator] then return truth(comparison[operator](T, a, b)), "i32" end
  return convert(arithmetic[operator](T, a, b, at), T, T), T
end

-- {-- Reading --------------------------------------------------------------------------------------

local unary

-- Both sides of && and || are read; of the side that C does not evaluate only the value is dropped.
local function binary(p, least)
  local a, A = unary(p)
  while true do
    local operator, at = p:kind(), p:at()
    local level = precedence[operator]
    if not level or level < least then return a, A end
    p:skip()
    local b, B
    if operator == "&&" or operator == "||" then
      if not rank[A] then fail(at, "expected numbers on both sides of '%s'", operator) end
      local decided = (a ~= 0) == (operator == "||")
      local quiet = p.quiet
      p.quiet = quiet or decided
      b = binary(p, level + 1)
      p.quiet = quiet
      a, A = truth(decided and operator == "||" or not decided and b ~= 0), "i32"
    else
      b, B = binary(p, level + 1)
      if p.quiet and (operator == "/" or operator == "%") and b == 0 then b = 1 end
      a, A = apply(operator, a, A, b, B, at)
    end
  end
end

local function conditional(p)
  p:deeper()
  local c, C = binary(p, 1)
  if p:accept("?") then
    local quiet = p.quiet
    p.quiet = quiet or c == 0
    local a, A = conditional(p)
    p:expect(":")
    p.quiet = quiet or c ~= 0
    local b, B = conditional(p)
    p.quiet = quiet
    if rank[A] and rank[B] then
      C = common(A, B)
      c = c ~= 0 and convert(a, A, C) or convert(b, B, C)
    else
      c, C = c ~= 0 and a or b, c ~= 0 and A or B
    end
  end
  p:shallower()
  return c, C
end

local promoted = { i8 = "i32", u8 = "i32", i16 = "i32", u16 = "i32" }

--- The type in which an integer of a type is counted with.
function expression.promote(T)
  return promoted[T] or T
end

-- A value as a cast makes it.
function expression.cast(p, n, N, type_, at)
  if not type_.T or N == "string" then fail(at, "expected a cast of a number to a type of numbers") end
  if type_.kind == "bool" then return truth(n ~= 0), "i32" end
  if floats[type_.T] then return convert(n, N, type_.T), type_.T end
  if floats[N] then
    n = n == n and math.abs(n) < 2^63 and math.tointeger(n < 0 and math.ceil(n) or math.floor(n))
      or fail(at, "the number does not fit the type it is cast to")
  end
  return wrap(n, type_.T), p.in_condition and "i64" or expression.promote(type_.T)
end

local prefix = {
  ["+"] = function(n, T) return n, T end,
  ["-"] = function(n, T) return floats[T] and -n or wrap(-n, T), T end,
  ["~"] = function(n, T, at)
    return not floats[T] and wrap(~n, T) or fail(at, "expected an integer behind '~'"), T
  end,
  ["!"] = function(n) return truth(n == 0), "i32" end,
}

local function primary(p)
  local kind, value, at = p:token()
  if kind == "number" then
    p:skip()
    return expression.number(p, value, at)
  elseif kind == "char" then
    p:skip()
    return character(p, value, at)
  elseif kind == "wide_char" then
    p:skip()
    return wide_character(p, value, at)
  elseif kind == "string" or kind == "wide" then
    local parts = {}
    while p:kind() == "string" or p:kind() == "wide" do
      parts[#parts + 1] = p:value()
      p:skip()
    end
    return table.concat(parts), "string"
  elseif kind == "name" or kind == "::" and p.address_of then
    return p:named_value()
  end
  return p:expected("a constant expression")
end

function unary(p)
  local kind, _, at = p:token()
  if kind == "&" and p.address_of then
    p:skip()
    return p:address_of()
  end
  if prefix[kind] then
    p:skip()
    p:deeper()
    local n, T = unary(p)
    p:shallower()
    if not rank[T] then fail(at, "expected a number behind '%s'", kind) end
    return prefix[kind](n, T, at)
  end
  if kind ~= "(" then return primary(p) end
  p:skip()
  local type_ = p:type_name()
  if type_ then
    p:expect(")")
    p:deeper()
    local n, T = unary(p)
    p:shallower()
    return expression.cast(p, n, T, type_, at)
  end
  local n, T = conditional(p)
  p:expect(")")
  return n, T
end

--- A constant expression: its value and type.
expression.read = conditional

--- The argument of a template, which a '>' ends.
function expression.template_argument(p)
  return binary(p, precedence["<<"])
end

--- The operand of `sizeof`.
expression.unary = unary

--- An integer constant expression.
function expression.integer(p, what)
  local kind, value, at = p:token()
  if kind == "number" and not precedence[p.kinds[p.i + 1]] and p.kinds[p.i + 1] ~= "?" then
    p:skip()
    local n, T = expression.number(p, value, at)
    if not floats[T] then return n, T end
    fail(at, "expected an integer as %s, got %s", what, value)
  end
  local n, T = conditional(p)
  if math.type(n) ~= "integer" then
    fail(at, "expected an integer as %s, got %s", what, T == "string" and "a string" or n)
  end
  return n, T
end

return expression
