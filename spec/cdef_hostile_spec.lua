-- filemap.cdef on sources that an enemy would write: each ends in types or in an error with its place, soon.
--
-- The environment can give FILEMAP_FUZZ, how many damaged headers to read (1000), FILEMAP_DAMAGED, how many
-- to give to the compilers too if they are read whole (150), and FILEMAP_FUZZ_SEED. A spec's name has its
-- seed. The headers for the compilers are always the same ones without that variable: the compilers refuse
-- about one in 20,000 for a reason of theirs that no layout depends on.
local cdef = require "filemap.cdef"
local check = require "spec.support.check"
local compiler = require "spec.support.compiler"
local ctype = require "filemap.ctype"
local header_check = require "spec.support.header_check"
local lfs = require "lfs"
local Parser = require "filemap.cdef.parser"
local Sources = require "filemap.cdef.sources"
local support = require "spec.support"

local contains = check.contains

local COUNT = tonumber(os.getenv("FILEMAP_FUZZ")) or 1000
local DAMAGED = tonumber(os.getenv("FILEMAP_DAMAGED")) or 150
local SEED = tonumber(os.getenv("FILEMAP_FUZZ_SEED")) or os.time()
local FIXED_SEED = tonumber(os.getenv("FILEMAP_FUZZ_SEED")) or 1

support.clean()

-- Parses. Returns the error, or that of the first declaration that was skipped; nil if the source was read
-- whole. An error without its position in the source fails the spec.
local function parse(source, options)
  local ok, message = pcall(function()
    local types, _, skipped = cdef.parse(source, options)
    return types and skipped[1]
  end)
  if ok then
    local first = message
    if not first then return nil end
    message = ("cdef: line %d, column %d: %s"):format(first.line, first.column, first.message)
  end
  local line, column, text = tostring(message):match("cdef: line (%d+), column (%d+): (.+)$")
  if not line then error("no place: " .. tostring(message):sub(1, 500), 0) end
  local _, lines = source:gsub("\r\n?", "\n"):gsub("\n", "")
  assert.is_true(tonumber(line) >= 1 and tonumber(line) <= lines + 1, message:sub(1, 500))
  assert.is_true(tonumber(column) >= 1 and tonumber(column) <= #source + 1, message:sub(1, 500))
  return text
end

local function lines(count, line)
  local list = {}
  for i = 1, count do list[i] = line:gsub("%%d", i):gsub("%%p", i - 1) end
  return table.concat(list, "\n") .. "\n"
end

-- Sources by what is wrong with them, with a size to grow by, and what the error says (nil: there is none).
local growing = {
  ["round brackets"] = { function(n) return "enum { A = " .. ("("):rep(n) end, "nested more than 200 deep" },
  ["braces"] = { function(n) return ("struct{"):rep(n) end, "nested more than 100 deep" },
  ["enums of enums"] = { function(n) return ("enum A : "):rep(n) end, "nested more than 200 deep" },
  ["bases of bases"] = { function(n) return ("struct A : "):rep(n) end, "expected '{', got" },
  ["namespaces"] = { function(n) return ("namespace a{"):rep(n) end, "nested more than 100 deep" },
  ["sizeof sizeof"] = { function(n) return "enum { A = " .. ("sizeof "):rep(n) .. "1 };" end,
    "sizeof this expression is not read here" },
  ["brackets of sizeof"] = { function(n) return "enum { A = sizeof " .. ("("):rep(n) .. "1 };" end,
    "nested more than 200" },
  ["signs"] = { function(n) return "enum { A = " .. ("- "):rep(n) .. "1 };" end,
    "nested more than 200 deep" },
  ["casts"] = { function(n) return "enum { A = " .. ("(int)"):rep(n) .. "1 };" end,
    "nested more than 200 deep" },
  ["questions"] = { function(n) return "enum { A = " .. ("1?"):rep(n) .. "1 };" end,
    "nested more than 200 deep" },
  ["alignas of alignas"] = { function(n) return "struct S {" .. ("alignas("):rep(n) end,
    "expected ')' before" },
  ["declarators in brackets"] = { function(n)
    return "struct S { int " .. ("("):rep(n) .. "a" .. (")"):rep(n) .. "; };"
  end, "declarators nested more than 12 deep" },
  ["dimensions"] = { function(n) return "struct S { int a" .. ("[1]"):rep(n) .. "; };" end,
    "more than 64 deep" },
  ["arrays of arrays"] = { function(n) return "typedef int T0;\n" .. lines(n, "typedef T%p T%d[1];") end,
    "more than 64 deep" },
  ["structs in structs"] = { function(n)
    return "struct T0 { int a; };\n" .. lines(n, "struct T%d { T%p a; };")
  end,
    "more than 64 deep" },
  ["stars"] = { function(n) return "struct S { int " .. ("*"):rep(n) .. "a; };" end },
  ["conditions"] = { function(n) return ("#if 1\n"):rep(n) end, "#if nested more than 1000 deep" },
  ["conditions that end"] = { function(n) return ("#ifdef A\n#elif 1\n#else\n#endif\n"):rep(n) end },
  ["macros of macros"] = { function(n) return lines(n, "#define A%d A%p") .. "enum { X = A" .. n .. " };" end,
    "macros nested more than 200 deep" },
  ["macros that double"] = { function(n)
    return lines(n, "#define A%d A%p A%p") .. "enum { X = A" .. n .. " };"
  end,
    "macros" },
  ["constants that double"] = { function(n) return lines(n, "#define A%d A%p A%p") end,
    "come to too many tokens" },
  ["macros with themselves"] = { function(n)
    return lines(n, "#define A%d (A%d + A%p)") .. "int x[A" .. n .. "];"
  end,
    "macros" },
  ["arguments in arguments"] = { function(n) return "#define F(x) x x\nenum { X = " .. ("F("):rep(n) .. "1" ..
    (")"):rep(n) .. " };" end, "macros" },
  ["many arguments"] = { function(n) return "#define F(x) 1\nenum { X = F(" .. ("1,"):rep(n) .. "1) };" end,
    "expected 1 arguments of macro 'F'" },
  ["members taken over"] = { function(n)
    return "struct T0 { int a0; };\n" .. lines(n, "struct T%d : T%p { int a%d; };")
  end, "more than 64 deep" },
  ["members of many"] = { function(n) return "struct T {" .. lines(n, "int a%d;") .. "};" .. lines(n,
    "struct S%d : T {};") end, "too many names" },
  ["long names in long names"] = { function(n) return "namespace " .. ("n"):rep(10 * n) .. "{" .. lines(n,
    "struct S%d { int a; };") .. "}" end, "too long together" },
  ["namespaces that are all open"] = { function(n)
    return lines(n, "namespace n%d { struct T%d { int a; }; } using namespace n%d;") .. lines(n,
      "struct S%d { T%d t; };")
  end, "too many namespaces are open" },
  ["namespaces that open the one before"] = { function(n)
    return lines(n, "namespace n%d { using namespace n%p; typedef Missing T; }")
  end, "too many namespaces are open" },
  ["inline namespaces in each other"] = { function(n)
    return ("inline namespace a { "):rep(n // 50) .. "struct S { int a; };" .. ("}"):rep(n // 50)
  end, "too many namespaces are open" },
  ["comments without end"] = { function(n) return ("/* "):rep(n) end, "expected '*/' before the end" },
  ["quotes without end"] = { function(n) return ("\"\n"):rep(n) end, "before the end of the line" },
  ["lines that go on"] = { function(n) return ("\\\n"):rep(n) .. "// " .. ("\\\n"):rep(n) end },
  ["long numbers"] = { function(n) return "int a[" .. ("9"):rep(n) .. "];" end, "does not fit 64 bits" },
  ["long names"] = { function(n)
    return "struct " .. ("n"):rep(n) .. " { int " .. ("a"):rep(n) .. "; };"
  end },
  ["packs"] = { function(n) return ("#pragma pack(push, 1)\n"):rep(n) end },
  ["functions"] = { function(n) return ("int f(int a) { return (a); }\n"):rep(n) end },
  ["constants that are none"] = { function(n) return ("static const int x = y;\n"):rep(n) end },
}

describe("a hostile source", function()
  for name, case in pairs(growing) do
    it(("of %s ends"):format(name), function()
      local make, message = case[1], case[2]
      local said = parse(make(5000), { abi = "win64" })
      if message then contains(message, said or "nothing")
      else assert.is_nil(said) end
    end)
  end

  -- Twice as much takes twice as long: what was linear by the number of its steps, whatever the machine does
  -- besides.
  it("needs a number of steps in proportion to its size", function()
    for name, case in pairs(growing) do
      local function steps(n)
        local source, count = case[1](n), 0
        debug.sethook(function() count = count + 1 end, "", 1000)
        local ok, problem = pcall(parse, source, { abi = "win64" })
        debug.sethook()
        assert(ok, problem)
        return count / #source
      end
      local few, many = steps(500), steps(4000)
      assert.is_true(many < 3 * few + 0.5,
        ("%s: %.3f, then %.3f thousand steps a byte"):format(name, few, many))
    end
  end)

  it("of bytes by chance is an error", function()
    math.randomseed(SEED)
    for _ = 1, 20 do
      local bytes = {}
      for i = 1, 20000 do bytes[i] = string.char(math.random(0, 255)) end
      assert.is_truthy(parse(table.concat(bytes)), "FILEMAP_FUZZ_SEED=" .. SEED)
    end
  end)

  it("of words by chance ends", function()
    math.randomseed(SEED)
    local words = {
      "struct", "union", "enum", "typedef", "{", "}", "(", ")", "[", "]", ";", ",", ":", "*", "=", "int", "a",
      "b", "S", "1", "0x7f", "'c'", '"s"', "\n#define a", "\n#if", "\n#endif\n", "sizeof", "::", "#",
      "\n#pragma pack(", "const", "unsigned", "::", "namespace", "static", "alignas", "operator", "~",
    }
    for _ = 1, 200 do
      local text = {}
      for i = 1, 300 do text[i] = words[math.random(#words)] end
      parse(table.concat(text, " "))
    end
  end)
end)

-- The headers of the layouts, damaged.
describe("a damaged header", function()
  local headers = {}
  for file in lfs.dir("spec/layouts") do
    if file:find("%.h$") then
      local handle <close> = assert(io.open("spec/layouts/" .. file, "rb"))
      headers[#headers + 1] = handle:read("a")
    end
  end
  table.sort(headers)

  -- Takes out, doubles, or puts in place of another a piece of the text.
  local function damage(text)
    for _ = 1, math.random(3) do
      local from = math.random(#text)
      local to = math.min(#text, from + math.random(0, 12))
      local piece = text:sub(from, to)
      local at = math.random(#text)
      local kind = math.random(4)
      if kind == 1 then text = text:sub(1, from - 1) .. text:sub(to + 1)
      elseif kind == 2 then text = text:sub(1, at) .. piece .. text:sub(at + 1)
      elseif kind == 3 then text = text:sub(1, at - 1) .. piece .. text:sub(at + #piece)
      else text = text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1) end
    end
    return text
  end

  it(("is read or refused, %d times (FILEMAP_FUZZ_SEED=%d)"):format(COUNT, SEED), function()
    math.randomseed(SEED)
    local refused = 0
    for i = 1, COUNT do
      local ok, result = pcall(parse, damage(headers[i % #headers + 1]),
        { abi = i % 2 == 0 and "win64" or "linux64" })
      if not ok then error(("FILEMAP_FUZZ_SEED=%d, header %d: %s"):format(SEED, i, result), 0) end
      refused = refused + (result and 1 or 0)
    end
    assert.is_true(refused > COUNT // 4 and refused < COUNT)
  end)

  -- What gcc and g++ both reject is not read whole, except where no layout depends on it: an include that is
  -- not found, a type or a word that is known without its include (`PWORD`, `IN`), a pointer to a type that
  -- is not known, the parameters of a function, a member that is only the name of a struct, a member whose
  -- struct has the name of a variable too, and a member's initialiser with a name that an include which was
  -- passed over may declare.
  local function is_excused(said, text)
    local list, line = {}, tonumber(said:match("%.c:(%d+):%d+: error: unknown type name"))
    local member, of = said:match("%.c:(%d+):%d+: error: expected specifier%-qualifier%-list(.*)")
    member, of = tonumber(member), of and of:match("^ before [^%w_]*([%w_]+)")
    for each in (text .. "\n"):gmatch("(.-)\n") do list[#list + 1] = each end
    local unknown = said:match("unknown type name [^%w_]*([%w_]+)")
    return said:find("No such file", 1, true) or said:find("empty filename", 1, true)
      or unknown and not parse(("typedef %s Known;"):format(unknown))
      or said:find("unknown type name [^%w]*IN[^%w]") or said:find("unknown type name [^%w]*OUT[^%w]")
      or line and (list[line] .. (list[line + 1] or "")):find("^%s*c?o?n?s?t?%s*[%w_]+%s*%*")
      or member and list[member]:find("^%s*[%w_]+%s*;%s*$")
      or of and text:find("struct%s+" .. of .. "%s*%b{}%s*" .. of .. "%s*,")
      or said:find("before ...=... token") or said:find("expected declaration specifiers or", 1, true)
      or said:find("before [^%w]*IN[^%w]") or said:find("before [^%w]*OUT[^%w]")
  end

  local only = support.having("g++",
    support.only("posix", "there are no compilers among the Windows programs"))

  -- The types of a header that is read whole, as assertions for C and for C++; nil for another one.
  local function assertions(text)
    local well, parser = pcall(function()
      local sources = Sources.new()
      sources:open(text)
      local parser = Parser.new(sources, ctype.abi("linux64"), {})
      parser:read()
      parser:read_pending()
      return parser
    end)
    if not well or parser.skipped[1] then return nil end
    return header_check.assertions(parser.file, false, {}, {}),
      header_check.assertions(parser.file, true, {}, {})
  end

  -- What is wrong with a header that is read whole: the compilers reject it, or have other layouts.
  local function problem_of(text, as_c, as_cpp)
    local well, said = compiler.accepts(text .. "\n" .. header_check.probe(as_c, false), false)
    if well then return nil end
    if not said:gsub("FM_PROBE:[^\n]*", ""):find("error:", 1, true) then return said end
    if is_excused(said, text) then return nil end
    if not compiler.accepts(text, true) then return said end
    well, said = compiler.accepts(text .. "\n" .. header_check.probe(as_cpp, true), true)
    return not well and said or nil
  end

  local name = ("is laid out as by the compilers if it is read whole, %d times (FILEMAP_FUZZ_SEED=%d)")
    :format(DAMAGED, FIXED_SEED)
  only(name, function()
    local missing = compiler.missing("linux64")
    if missing then return pending(missing) end
    math.randomseed(FIXED_SEED)
    local whole, compiled = 0, {}
    for _, text in ipairs(headers) do
      -- The compiler has the other one already.
      if not text:find("WINDOWS_NAMES_H", 1, true) then compiled[#compiled + 1] = text end
    end
    for i = 1, DAMAGED do
      local text = damage(compiled[i % #compiled + 1])
      local as_c, as_cpp = assertions(text)
      whole = whole + (as_c and 1 or 0)
      local problem = as_c and problem_of(text, as_c, as_cpp)
      if problem then
        error(("FILEMAP_FUZZ_SEED=%d, header %d is read, but:\n%s")
          :format(FIXED_SEED, i, problem:sub(1, 500)), 0)
      end
    end
    assert.is_true(whole > DAMAGED // 8, whole .. " were read whole")
  end)
end)
