-- Random headers of C++ against g++: each type and constant that filemap.cdef gives has the size or the value
-- that it has for g++. g++ first says which lines of a header are wrong, and these are removed.
--
-- The environment can give FILEMAP_CPP, how many headers (8), and FILEMAP_CPP_SEED, which come.
local cdef = require "filemap.cdef"
local compiler = require "spec.support.compiler"
local random_headers = require "spec.support.random_headers"
local support = require "spec.support"

local COUNT = tonumber(os.getenv("FILEMAP_CPP")) or 8
local SEED = tonumber(os.getenv("FILEMAP_CPP_SEED")) or 1
-- How often g++ is asked about one header.
local TRIES <const> = 200

support.clean()

-- How many braces a line opens, or closes.
local function opens(line)
  return select(2, line:gsub("{", "")) - select(2, line:gsub("}", ""))
end

-- The lines of the block that a line opens or closes; the line alone if it does neither.
local function block(lines, at)
  local step, depth = opens(lines[at]), 0
  local way = step < 0 and -1 or 1
  local last = at
  while step ~= 0 and lines[last] do
    depth = depth + opens(lines[last])
    if depth == 0 then break end
    last = last + way
  end
  return math.min(at, last), math.max(at, math.min(last, #lines))
end

-- What the generator makes of C++ without what cdef skips, and without conditions and packing, which lose
-- their ends when lines are removed.
local function lines_of(source)
  local lines = {}
  for line in source:gmatch("[^\n]+") do
    local left_out = line:find("^#[ipe]") or line:find("template", 1, true) or line:find("missing_t", 1, true)
    if not left_out then lines[#lines + 1] = line end
  end
  return lines
end

-- The lines of a header that g++ accepts together; nil if it does not get there.
local function accepted(source)
  local lines = lines_of(source)
  for _ = 1, TRIES do
    local text = table.concat(lines, "\n") .. "\n"
    local well, said = compiler.accepts(text, true)
    if well then return text end
    local at = math.max(1, math.min(#lines, tonumber(said:match(":(%d+):%d+: [%a ]*error")) or 1))
    local first, last = block(lines, at)
    for k = last, first, -1 do table.remove(lines, k) end
  end
end

-- The types and constants as assertions, in C++'s names. Names without a namespace may be those of an inner
-- scope.
local function assertions(source, types, constants)
  local lines, has_namespaces = {}, source:find("namespace", 1, true)
  for name in source:gmatch("#define (%S+)") do lines[#lines + 1] = "#undef " .. name end
  for name, type_ in pairs(types) do
    if name:find("::", 1, true) or not has_namespaces then
      lines[#lines + 1] = ("static_assert(sizeof(::%s) == %d, \"%s\");"):format(name, type_.size, name)
    end
  end
  for name, value in pairs(constants) do
    if name:find("::", 1, true) and math.type(value) == "integer" then
      lines[#lines + 1] = ("static_assert((long long)(::%s) == %d, \"%s\");"):format(name, value, name)
    end
  end
  return table.concat(lines, "\n"), #lines
end

describe("the types and constants of a random header of C++", function()
  local missing = compiler.missing("linux64")
  if missing then return pending("are those of g++ (" .. missing .. ")") end

  it(("are those of g++, in %d headers"):format(COUNT), function()
    local count, number, checked = 0, 0, 0
    while count < COUNT do
      number = number + 1
      local source, is_cpp = random_headers.new(SEED, number)
      local text = is_cpp and accepted(source)
      if text then
        count = count + 1
        local types, constants = cdef.parse(text, { abi = "linux64", defines = { __cplusplus = 201703 } })
        local said, made = assertions(text, types, constants)
        checked = checked + made
        -- (Private members are not for static_assert: those errors say nothing of sizes.)
        local _, problem = compiler.accepts(text .. said, true)
        if problem:find("static assertion failed", 1, true) then
          error(("FILEMAP_CPP_SEED=%d, header %d:\n%s\n%s"):format(SEED, number, text, problem), 0)
        end
      end
    end
    assert.is_true(checked >= COUNT)
  end)
end)
