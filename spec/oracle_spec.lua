-- filemap.cdef and filemap.struct against the C compilers: random declarations, read by both. Every size,
-- alignment, offset and bit must be the same, and every value that C wrote must read in Lua, and come back as
-- the same bytes.
--
-- The environment can give FILEMAP_ORACLE, how many declarations (1000), and FILEMAP_ORACLE_SEED, which come.
local cdef = require "filemap.cdef"
local compiler = require "spec.support.compiler"
local declarations = require "spec.support.declarations"
local filemap = require "filemap"
local support = require "spec.support"

local COUNT = tonumber(os.getenv("FILEMAP_ORACLE")) or 1000
local SEED = tonumber(os.getenv("FILEMAP_ORACLE_SEED")) or os.time()
local BATCH <const> = 200
local MAP_SIZE <const> = 1 << 20

-- A comparison adds what differs to a list.
local function differ(list, ...)
  list[#list + 1] = string.format(...)
end

-- The first bit of a bit-field among all the bits of its record, from what offsetof returned. In the order
-- ">" the first bit of a unit is its highest one.
local function first_bit(order, offset, unit, first, width)
  return first and offset * 8 + (order == "<" and first or unit * 8 - first - width)
end

local function compare_layout(list, type, declaration, answers, order)
  if type.size ~= answers.size then differ(list, "size is %d, not %d", answers.size, type.size) end
  if type.align ~= answers.align then differ(list, "align is %d, not %d", answers.align, type.align) end
  for i, position in ipairs(declaration.positions) do
    local answer = answers[i]
    local offset, size, first, width = type:offsetof(position.lua)
    if position.bits then
      local found = first_bit(order, offset, size, first, width)
      if found ~= answer.first or width ~= answer.width then
        differ(list, "%s is %d bits from %d, not %s from %s", position.lua, answer.width, answer.first,
          width, found)
      end
    elseif offset ~= answer.offset or not position.flexible and size ~= answer.size then
      differ(list, "%s is %d bytes at %d, not %s at %s", position.lua, answer.size, answer.offset, size,
        offset)
    end
  end
end

-- What was asked for is there; a union has other members besides.
local function compare_value(list, got, expected, path)
  if type(expected) ~= "table" then
    if got ~= expected then differ(list, "%s is %s, not %s", path, expected, got) end
  elseif type(got) ~= "table" and type(got) ~= "userdata" then
    differ(list, "%s is %s", path, got)
  else
    for key, value in pairs(expected) do compare_value(list, got[key], value, path .. "." .. key) end
  end
end

local function compare_bytes(list, got, expected)
  if got == expected then return end
  local at = 1
  while got:byte(at) == expected:byte(at) do at = at + 1 end
  differ(list, "written, byte %d is 0x%02x, not 0x%02x", at - 1, expected:byte(at), got:byte(at))
end

local function compare_values(list, type, declaration, answers, view)
  view:set_string(0, answers.bytes)
  compare_value(list, type:read(view, 0), declaration.value, "read")
  compare_value(list, type:at(view, 0), declaration.value, "at")
  view:fill(0, #answers.bytes, 0)
  type:write(view, 0, declaration.value)
  compare_bytes(list, view:get_string(0, #answers.bytes), answers.bytes)
end

-- The types of a text. For Windows the compiler is gcc, unless it is one with Microsoft's rules.
local function parse(text, abi, is_microsoft)
  return cdef.parse(text, { abi = abi, defines = { __GNUC__ = not is_microsoft and 12 or nil } })
end

-- Returns what is wrong with a declaration, nil if nothing is.
local function compare(declaration, answers, abi, is_microsoft, view)
  local list = {}
  local well, message = pcall(function()
    local type = parse(declaration.text, abi, is_microsoft)[declaration.name]
    compare_layout(list, type, declaration, answers, compiler.order(abi))
    compare_values(list, type, declaration, answers, view)
  end)
  if not well then differ(list, "%s", message) end
  if list[1] then return table.concat(list, "\n", 1, math.min(#list, 10)) end
end

-- The declarations from `first` on, and the compiler that is at work on them.
local function start(abi, is_microsoft, first)
  local batch, sources = {}, {}
  for i = 0, math.min(BATCH, COUNT - first + 1) - 1 do
    batch[i] = declarations.new(SEED, first + i)
    sources[#sources + 1] = declarations.questions(batch[i], i)
  end
  batch.job = compiler.start(abi, table.concat(sources), is_microsoft)
  return batch
end

local function check_batch(batch, abi, is_microsoft, first, view)
  local facts, said = compiler.finish(batch.job)
  assert(facts, said)
  for i = 0, #batch do
    local declaration = batch[i]
    local answers = declarations.answers(declaration, i, facts, compiler.order(abi))
    local problem = compare(declaration, answers, abi, is_microsoft, view)
    if problem then
      error(("%s, FILEMAP_ORACLE_SEED=%d, declaration %d:\n%s\n%s"):format(abi, SEED, first + i,
        declaration.text,
        problem), 0)
    end
  end
end

-- A packed bit-field of 64 bits that begins in the middle of a byte takes 9 bytes. The random declarations
-- have few of them.
local LONG_FIELDS <const> = [[struct __attribute__((packed, gcc_struct)) S {
  unsigned char a : 3; unsigned long long b : 64; long long c : 62; unsigned char d : 7; };]]
local LONG_VALUES <const> = { a = 5, b = 0x8123456789abcdef, c = -0x1edcba9876543210, d = 0x55 }

local function compare_long_fields(abi, view)
  local job = compiler.start(abi, LONG_FIELDS
    .. "BYTES(1, struct S, { 5, 0x8123456789abcdef, -0x1edcba9876543210, 0x55 });")
  local facts, said = compiler.finish(job)
  local bytes = assert(facts, said)[1]
  local S = parse(LONG_FIELDS, abi).S
  view:set_string(0, bytes)
  assert.same(LONG_VALUES, S:read(view, 0))
  for name, value in pairs(LONG_VALUES) do assert.are.equal(value, S:at(view, 0)[name], name) end
  for _, byte in ipairs { 0, 0xff } do
    view:fill(0, #bytes, byte)
    S:write(view, 0, LONG_VALUES)
    assert.are.equal(bytes, view:get_string(0, #bytes))
    view:fill(0, #bytes, byte)
    local record = S:at(view, 0)
    for name, value in pairs(LONG_VALUES) do record[name] = value end
    assert.are.equal(bytes, view:get_string(0, #bytes))
  end
end

describe("filemap.cdef", function()
  support.clean()
  local only = support.only("posix", "there are no compilers among the Windows programs")

  local function check_all(abi, is_microsoft)
    local missing = compiler.missing(abi, is_microsoft)
    if missing then return pending(missing) end
    local map <close> = assert(filemap.create(nil, MAP_SIZE))
    local view <close> = assert(map:view())
    local batch, first = start(abi, is_microsoft, 1), 1
    while batch do
      -- The compiler is at work on the next while this one is compared.
      local after = first + BATCH <= COUNT and start(abi, is_microsoft, first + BATCH) or nil
      check_batch(batch, abi, is_microsoft, first, view)
      batch, first = after, first + BATCH
    end
  end

  for _, abi in ipairs { "win64", "win32" } do
    only(("agrees with Microsoft's rules in clang on %d declarations for %s"):format(COUNT, abi), function()
      check_all(abi, true)
    end)
  end

  for _, abi in ipairs(compiler.abis) do
    only(("agrees with the compiler on %d declarations for %s"):format(COUNT, abi), function()
      check_all(abi)
    end)

    only("agrees with the compiler on bit-fields in 9 bytes for " .. abi, function()
      local missing = compiler.missing(abi)
      if missing then return pending(missing) end
      local map <close> = assert(filemap.create(nil, MAP_SIZE))
      local view <close> = assert(map:view())
      compare_long_fields(abi, view)
    end)
  end
end)
