-- filemap.cdef keeps most declarations unread until a program uses them. What it gives then, in any order of
-- use, must be what it gives when it reads every declaration at its place: the same sizes, alignments,
-- offsets, constants and errors.
--
-- The environment can give FILEMAP_LAZY, how many headers (300), FILEMAP_LAZY_SEED, which come, and
-- FILEMAP_LAZY_FIRST, the number of the first one.
local cdef = require "filemap.cdef"
local Deferred = require "filemap.cdef.deferred"
local random_headers = require "spec.support.random_headers"
local struct_type = require "filemap.struct.type"
local support = require "spec.support"

local COUNT = tonumber(os.getenv("FILEMAP_LAZY")) or 300
local SEED = tonumber(os.getenv("FILEMAP_LAZY_SEED")) or 1
local FIRST = tonumber(os.getenv("FILEMAP_LAZY_FIRST")) or 1
-- One header in so many is padded until cdef makes its results one by one.
local PADDED_EACH <const> = 10

local ABIS <const> = { "linux64", "linux64", "linux32", "win64" }

-- {-- What a type is -------------------------------------------------------------------------------

local describe_type

local function describe_fields(type_, out)
  for _, field in ipairs(type_.fields) do
    local bits = field.bits
    out[#out + 1] = (" %s@%s%s:"):format(field.name or "?", field.offset,
      bits and ("/%d/%s+%s"):format(field.unit, bits.first, bits.width) or "")
    describe_type(field.type, out)
  end
end

function describe_type(type_, out)
  out[#out + 1] = ("%s %s %s/%s %s"):format(type_.kind, type_.name, type_.size, type_.align,
    type_.T or type_.count or "")
  if type_.of then describe_type(type_.of, out) end
  for name, value in pairs(type_.kind == "enum" and { table.unpack(type_.names) } or {}) do
    out[#out + 1] = (" %s=%s"):format(value, type_.by_name[type_.names[name]])
  end
  if not type_.fields then return end
  out[#out + 1] = " {"
  describe_fields(type_, out)
  out[#out + 1] = " }"
end

local function described(object)
  if object == nil then return "nil" end
  local out = {}
  describe_type(struct_type.ctype_of(object) or object, out)
  return table.concat(out)
end

-- {-- Readings -------------------------------------------------------------------------------------

-- An error's text. Where a tag stays incomplete, the message names the word of one of its uses.
local function plain_error(message)
  message = tostring(message):match("cdef: .*") or "not an error of the source: " .. tostring(message)
  return (message:gsub("'union ", "'struct "))
end

-- A result of f as a text: its value, or its error.
local function outcome(show, f)
  local well, result = pcall(f)
  return well and show(result) or plain_error(result)
end

local function parse(source, options, at_once)
  Deferred.at_once = at_once
  local results = table.pack(pcall(cdef.parse, source, options))
  Deferred.at_once = nil
  if not results[1] then return nil, plain_error(results[2]) end
  return { types = results[2], constants = results[3], skipped = results[4] }
end

local function skipped_text(skipped)
  local lines = {}
  for i = 1, #skipped do
    local entry = skipped[i]
    lines[i] = ("%s:%s:%s: %s"):format(entry.line, entry.column, entry.name,
      plain_error("cdef: " .. entry.message))
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- All words of a header, and all names that the complete reading gives.
local function names_of(source, complete)
  local found, list = {}, {}
  for name in source:gmatch("[%a_][%w_]*") do found[name] = true end
  for _, t in ipairs { complete.types, complete.constants } do
    for name in pairs(t) do found[name] = true end
  end
  for name in pairs(found) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local orders = {}
orders["first to last"] = function() end
orders["last to first"] = function(list)
  for i = 1, #list // 2 do list[i], list[#list + 1 - i] = list[#list + 1 - i], list[i] end
end
orders["at random"] = function(list)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

-- The outcomes of all names, in the order of the list.
local function outcomes(reading, list)
  local found = {}
  for _, name in ipairs(list) do
    found[name] = outcome(described, function() return reading.types[name] end) .. " | "
      .. outcome(tostring, function() return reading.constants[name] end)
  end
  found["the skipped declarations"] = outcome(skipped_text, function() return reading.skipped end)
  return found
end

-- {-- Comparisons ----------------------------------------------------------------------------------

local function compare(source, options)
  local complete, problem = parse(source, options, true)
  if not complete then
    -- What ends the whole parse may be in a declaration that is kept.
    local reading, other = parse(source, options)
    if reading then other = outcome(tostring, function() for _ in pairs(reading.types) do end end) end
    if other ~= problem then return ("at once: %s\nkept: %s"):format(problem, other) end
    return nil
  end
  local list = names_of(source, complete)
  local expected = outcomes(complete, list)
  for order, arrange in pairs(orders) do
    arrange(list)
    local reading, message = parse(source, options)
    local got = reading and outcomes(reading, list) or {}
    for name, wanted in pairs(expected) do
      if got[name] ~= wanted then
        return ("%s, used %s:\nat once: %s\nkept:    %s"):format(name, order, wanted, got[name] or message)
      end
    end
  end
end

describe("declarations that are kept until they are used", function()
  support.clean()

  it(("are as if read at their places, in %d headers"):format(COUNT), function()
    local padding = "/*" .. ("-"):rep(1 << 19) .. "*/\n"
    for number = FIRST, FIRST + COUNT - 1 do
      local source, is_cpp = random_headers.new(SEED, number)
      local options = { abi = ABIS[math.random(#ABIS)], defines = {} }
      if is_cpp and math.random(2) == 1 then options.defines.__cplusplus = 201703 end
      local problem = compare((number % PADDED_EACH == 0 and padding or "") .. source, options)
      if problem then
        error(("FILEMAP_LAZY_SEED=%d FILEMAP_LAZY_FIRST=%d, %s:\n%s\n%s"):format(SEED, number, options.abi,
          source, problem), 0)
      end
    end
  end)

  local function read(source) return cdef.parse(source, { abi = "linux64" }) end

  it("do not see names that `using` brings later", function()
    local types = read("namespace A { typedef char uint; }\nstruct S { uint x; };\nusing namespace A;")
    assert.are.equal(4, types.S.size)
  end)

  it("see a struct of the system that a later one used first", function()
    for _, case in ipairs {
      { "struct a { POINT p; };\nstruct b { POINT q; };", 8 },
      { "struct a { struct timespec t; };\nstruct b { struct timespec t; };", 16 },
      { "struct a { struct timespec t; };\nextern struct timespec start;\nstruct b { int i; };", 16 },
      { "struct a { FILETIME t; };\nBOOL f(FILETIME *g);\nstruct b { int i; };", 8 },
      { "struct a { POINT p; };\nC_ASSERT(sizeof(POINT) == 8);\nstruct b { int i; };", 8 },
    } do
      local types = read(case[1])
      assert.is_number(types.b.size)
      assert.are.equal(case[2], types.a.size)
    end
  end)

  it("declare the tags that they only use, at their places", function()
    local types = read([[
      struct A { struct X *p; };
      namespace N { typedef struct X XT; struct X { char c; }; }
      struct X { double d; };
      struct U { N::XT x; };
    ]])
    assert.same({ 8, 1 }, { types.U.size, types["N::X"].size })
  end)

  it("may be typedefs of tags that are completed later", function()
    local types = read("struct A { struct X *p; };\ntypedef struct X XT;\nstruct X { char c; };")
    assert.are.equal(1, types.XT.size)
  end)

  it("keep the layout that a tag had before it is declared twice", function()
    local types = read("struct S { int a; };\nstruct T { struct S x; };\nstruct S { static int n; char c; };")
    assert.are.equal(4, types.T.size)
  end)

  it("leave out a name that several namespaces declare", function()
    local types, constants = read([[
      namespace A { struct S { int a; }; enum { N = 1, M = 3 }; }
      namespace B { struct S { char a; }; enum { N = 2 }; }
    ]])
    assert.same({ 4, 1, 3 }, { types["A::S"].size, types["B::S"].size, constants.M })
    assert.is_nil(types.S)
    assert.is_nil(constants.N)
  end)

  it("are skipped alone if a member function in them has a body", function()
    local types = read([[
      struct Outer { static int n; struct Inner { int get() { return 1; } missing_t m; } i; };
      struct Plain { int a; };
    ]])
    assert.are.equal(4, types.Plain.size)
  end)
end)
