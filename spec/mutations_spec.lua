-- The list of script/mutate, which runs too long to be a spec: it must fit the code as it is.
local lfs = require "lfs"
local mutations = require "spec.mutations"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read("a"):gsub("\r\n", "\n"))
end

local function count(text, part)
  local found, at = 0, 1
  while true do
    local _, stop = text:find(part, at, true)
    if not stop then return found end
    found, at = found + 1, stop + 1
  end
end

describe("each mutation", function()
  it("breaks a text that its file has once", function()
    for _, m in ipairs(mutations) do
      assert.are.equal(1, count(read(m.file), m.old), m.name .. " in " .. m.file)
      assert.are_not.equal(m.old, m.new, m.name)
    end
  end)

  it("has a name of its own, a description, and specs that are there", function()
    local seen = {}
    for _, m in ipairs(mutations) do
      assert.is_nil(seen[m.name], m.name)
      seen[m.name] = true
      assert.is_string(m.breaks, m.name)
      assert.is_truthy(m.specs[1], m.name)
      for _, spec in ipairs(m.specs) do assert.are.equal("file", lfs.attributes(spec, "mode"), spec) end
    end
  end)
end)
