-- doc/headers.md: its examples run, and print what the page shows behind -->.
local support = require "spec.support"

support.clean()

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a"):gsub("\r\n", "\n")
  file:close()
  return text
end

-- The blocks of a page that run, each with the lines that it is to print.
local function blocks(text)
  local list = {}
  for code in text:gmatch("\n```lua\n(.-)\n```") do
    local expected = {}
    for shown in code:gmatch("%-%->[ \t]*([^\n]*)") do expected[#expected + 1] = shown end
    list[#list + 1] = { code = code, expected = expected }
  end
  return list
end

-- Whether a line is as shown: '…' stands for any text.
local function matches(line, shown)
  local pattern = shown:gsub("%p", "%%%0"):gsub("…", ".*")
  return line:find("^" .. pattern .. "$") ~= nil
end

describe("doc/headers.md", function()
  it("has examples that print what it shows", function()
    local printed = {}
    local env = setmetatable({ print = function(...)
      local parts = table.pack(...)
      for i = 1, parts.n do parts[i] = tostring(parts[i]) end
      printed[#printed + 1] = table.concat(parts, " ")
    end }, { __index = _G })
    local list = blocks(read_file("doc/headers.md"))
    assert.is_true(#list >= 8)
    for i, block in ipairs(list) do
      printed = {}
      -- The names of one block are there in the next ones.
      local code = block.code:gsub("local ([%w_, ]+) =", "%1 ="):gsub("^", "")
      assert(load(code, ("=block %d"):format(i), "t", env))()
      assert.are.equal(#block.expected, #printed, block.code)
      for k, shown in ipairs(block.expected) do
        assert.is_true(matches(printed[k], shown), ("%s\nis not\n%s"):format(printed[k], shown))
      end
    end
  end)
end)
