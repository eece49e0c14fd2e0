-- Many processes that use one name at the same moment. The environment variable FILEMAP_RACES sets the number
-- of rounds. (interleaving_spec forces the interleavings of two processes.)
local check = require "spec.support.check"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"

local fails = check.fails

local SIZE <const> = 3 * filemap.page_size

support.clean()

local function crowd(count)
  local children = {}
  for i = 1, count do children[i] = support.child("evaluator") end
  return children
end

-- Has all children run a chunk at the same moment, as far as the system allows, and returns the result of
-- each.
local function all_at_once(children, chunk, ...)
  local results = {}
  local at = process.now() + 0.0005
  for _, child in ipairs(children) do
    child:start("local at = %.9f while now() < at do end " .. chunk, at, ...)
  end
  for i, child in ipairs(children) do results[i] = child:expect() end
  return results
end

local function count(results, pattern)
  local n = 0
  for _, result in ipairs(results) do if result:find(pattern) then n = n + 1 end end
  return n
end

describe("a simultaneous start of many processes", function()
  local ROUNDS <const> = tonumber(os.getenv("FILEMAP_RACES")) or 300
  local MANY <const> = 8

  it("gives all of them one section of full size with one creator, " .. ROUNDS .. " times", function()
    local children = crowd(MANY)
    for round = 1, ROUNDS do
      local name = support.unique(round % 2 == 0 and "Local\\" or "Global\\")
      local results = all_at_once(children, [[m, c, code = filemap.create_or_open(%q, %d)
        if not m then return code end v = m:view() v:set_u8(#v - 1, 7)
        return c, #m, v:add_u32(0, 1)]], name, SIZE)
      assert.equal(1, count(results, "^true "))
      assert.equal(MANY - 1, count(results, "^false "))
      -- Each process has got a different number from the shared counter, so there is one section.
      for i = 0, MANY - 1 do assert.equal(1, count(results, ("^%%a+ %d %d$"):format(SIZE, i))) end
      all_at_once(children, "m:close() v:close()")
      fails("not_found", name, filemap.open(name))
    end
  end)

  it("lets create succeed in one process, and fail with exists in the others", function()
    local children = crowd(MANY)
    for _ = 1, ROUNDS // 4 do
      local name = support.unique("Local\\")
      local results = all_at_once(children, "m, _, code = filemap.create(%q, %d) return code or #m", name,
        SIZE)
      assert.equal(1, count(results, "^" .. SIZE .. "$"))
      assert.equal(MANY - 1, count(results, "^exists$"))
      all_at_once(children, "if m then m:close() end")
      fails("not_found", name, filemap.open(name))
    end
  end)

  it("never gives two sections by one name, nor an incomplete section, where all close at once", function()
    local children = crowd(4)
    local name = support.unique("Local\\")
    -- A process that holds a section finds it by its name, whatever other processes open and close meanwhile.
    -- The number in the section identifies its creation. (The creator writes it a moment later, and once. So
    -- one comparison may find two different numbers, but a second one may not.)
    local results = all_at_once(children, [[
      local stop = now() + 2
      for i = 1, 1e9 do
        if now() > stop then return 'well', i > 10 end
        local a, created = assert(filemap.create_or_open(%q, %d))
        local u = a:view()
        if created then u:store_u64(8, math.random(0)) end
        local b = assert(filemap.open(%q, 'rw'))
        local w = b:view()
        u:store_u64(16, i)
        if #a ~= %d or #b ~= %d then return 'sizes', #a, #b end
        if u:load_u64(8) ~= w:load_u64(8) and u:load_u64(8) ~= w:load_u64(8) then return 'two sections' end
        a:close() u:close()
        local c = assert(filemap.open(%q))
        b:close() w:close() c:close()
      end]], name, SIZE, name, SIZE, SIZE, name)
    for _, result in ipairs(results) do assert.equal("well true", result) end
    fails("not_found", name, filemap.open(name))
  end)

  support.only("posix", "Windows lists no names")("frees a name at close, also while others list names",
    function()
      local owner, lookers = support.child("evaluator"), crowd(3)
      local name = support.unique("Global\\")
      for _, child in ipairs(lookers) do
        child:start("local stop = now() + 2 while now() < stop do assert(filemap.list()) end return 'done'")
      end
      local said = owner:ask([[local stop, rounds = now() + 2, 0
        while now() < stop do
          local m, _, code = filemap.create(%q, 10)
          if not m then return code end
          m:close()
          _, _, code = filemap.open(%q)
          if code ~= 'not_found' then return code or 'opened' end
          rounds = rounds + 1
        end
        return rounds > 100]], name, name)
      assert.equal("true", said)
      for _, child in ipairs(lookers) do assert.equal("done", child:expect()) end
    end)
end)
