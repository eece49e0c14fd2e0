-- Reading a file that another process appends to: map:refresh.
local check = require "spec.support.check"
local filemap = require "filemap"
local support = require "spec.support"

local raises, contains, fails = check.raises, check.contains, check.fails

local RECORDS <const> = 1000000

local function append(path, bytes)
  local file <close> = assert(io.open(path, "ab"))
  assert(file:write(bytes))
end

describe("map:refresh", function()
  support.clean()

  for _, access in ipairs { "r", "rw", "copy" } do
    it("returns the size that a file has now, with access " .. access, function()
      local path = support.tmpname()
      append(path, "first")
      local map <close> = assert(filemap.file(path, access))
      local old <close> = assert(map:view())
      assert.equal(5, map:refresh())
      append(path, (" second"):rep(3000))
      assert.equal(5, map:size())
      assert.equal(21005, map:refresh())
      assert.equal(21005, map:size())
      local new <close> = assert(map:view(5))
      assert.equal(" second", new:get_string(0, 7))
      assert.equal("first", old:get_string(0, 5))
      assert.equal(5, #old)
    end)
  end

  it("lets a process view a file that was empty", function()
    local path = support.tmpname()
    append(path, "")
    local map <close> = assert(filemap.file(path))
    assert.equal(0, map:refresh())
    append(path, "now")
    assert.equal(3, map:refresh())
    local view <close> = assert(map:view())
    assert.equal("now", view:get_string(0, 3))
  end)

  support.only("posix", "Windows does not cut a file that another process maps")(
    "returns a smaller size after another process cut the file", function()
    local path = support.tmpname()
    append(path, "longer")
    local map <close> = assert(filemap.file(path, "rw"))
    local other <close> = assert(filemap.file(path, "rw"))
    assert(other:resize(3))
    assert.equal(3, map:refresh())
    contains("past the end of a 3-byte map", raises(map, "view", 0, 6))
  end)

  it("fails with unsupported for a map that is not over a file, and raises for a closed map", function()
    local map <close> = assert(filemap.create(nil, 100))
    fails("unsupported", "unnamed map", map:refresh())
    map:close()
    contains("is closed", raises(map, "refresh"))
  end)

  it("shows a reader each of a million records that another process appends", function()
    local path = support.tmpname()
    append(path, "")
    local child = support.child("evaluator")
    child:start([[
      local f = assert(io.open(%q, 'ab'))
      for i = 1, %d do
        f:write(('i8'):pack(i))
        if i %% 1009 == 0 then f:flush() end
      end
      f:close()
      return 'done' ]], path, RECORDS)
    local map <close> = assert(filemap.file(path))
    local seen, wrong = 0, 0
    while seen < RECORDS do
      local whole = assert(map:refresh()) // 8
      if whole > seen then
        local view <close> = assert(map:view(seen * 8, (whole - seen) * 8))
        for i, value in ipairs(view:array("i64", 0, whole - seen):get()) do
          if value ~= seen + i then wrong = wrong + 1 end
        end
        seen = whole
      end
    end
    assert.equal(0, wrong)
    assert.equal(RECORDS, seen)
    assert.equal("done", child:expect())
    child:finish()
  end)
end)
