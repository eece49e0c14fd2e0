-- Pages that go away under a view: another cuts the file. Windows does not let anybody cut a mapped file.
local filemap = require "filemap"
local check = require "spec.support.check"
local lfs = require "lfs"
local support = require "spec.support"

local contains, fails = check.contains, check.fails

local PAGES = 4
local SIZE = PAGES * filemap.page_size

support.clean()

local function cut(path)
  assert(assert(io.open(path, "wb")):close())
end

support.only("posix", "Windows lets nobody cut a file that is mapped", function()
  describe("a view of a file that is cut", function()
    local map, view, path

    before_each(function()
      path = support.tmpname()
      map = assert(filemap.file(path, "rw", { size = SIZE }))
      view = assert(map:view())
    end)

    after_each(function()
      view:close()
      map:close()
    end)

    -- Every way to its bytes.
    local accesses = {
      get_u8 = function(v) return v:get_u8(0) end,
      set_u8 = function(v) v:set_u8(0, 1) end,
      get_f64 = function(v) return v:get_f64(SIZE - 8) end,
      getter = function(v) return v:getter "i32"(0) end,
      setter = function(v) v:setter "i32"(0, 1) end,
      get_string = function(v) return v:get_string(0, 10) end,
      ["get_string of all"] = function(v) return v:get_string(0, SIZE) end,
      set_string = function(v) v:set_string(SIZE - 5, "12345") end,
      get_cstring = function(v) return v:get_cstring(0) end,
      set_cstring = function(v) v:set_cstring(0, "x", 100) end,
      get_utf16 = function(v) return v:get_utf16(0) end,
      set_utf16 = function(v) v:set_utf16(0, "x", 10) end,
      get_utf32 = function(v) return v:get_utf32(0, 5) end,
      set_utf32 = function(v) v:set_utf32(0, "x", 10) end,
      find = function(v) return v:find("needle") end,
      fill = function(v) v:fill(0, SIZE, 1) end,
      copy = function(v) v:copy(0, v, 9, 100) end,
      equals = function(v) return v:equals(0, v, 9, 100) end,
      load_i32 = function(v) return v:load_i32(0) end,
      store_u64 = function(v) v:store_u64(0, 1) end,
      add_i64 = function(v) return v:add_i64(0, 1) end,
      compare_exchange_u32 = function(v) return v:compare_exchange_u32(0, 0, 1) end,
      ["a[i]"] = function(v) return v:array("i32", 0, 3)[1] end,
      ["a[i] = x"] = function(v) v:array("i32", 0, 3)[1] = 1 end,
      ["array:get"] = function(v) return v:array("i32", 0, 3):get() end,
      ["array:set"] = function(v) v:array("i32", 0, 3):set(1, { 1 }) end,
      ["array:copy"] = function(v) local a = v:array("i32", 0, 3) a:copy(1, a, 2, 2) end,
      unpack = function(v) return v:unpack("i4z", 0) end,
      ["unpack of a wide integer"] = function(v) return v:unpack("i16", filemap.page_size - 8) end,
      ["unpack of a counted string"] = function(v) return v:unpack("s8", 0) end,
      pack = function(v) return v:pack("i4", 0, 1) end,
      lines = function(v) return v:lines()() end,
      ["stream:read"] = function(v) return v:stream():read("a") end,
      ["stream:read of a number"] = function(v) return v:stream():read("n") end,
      ["stream:write"] = function(v) return v:stream():write("x") end,
    }

    for name, access in pairs(accesses) do
      it("raises truncated in " .. name .. ", and goes on to", function()
        local slice <close> = assert(view:sub(0, SIZE))
        access(view)
        cut(path)
        for _, v in ipairs { view, view, slice } do
          local ok, message = pcall(access, v)
          assert.is_false(ok)
          contains("truncated", message)
        end
        contains("truncated", select(2, pcall(slice.get_u8, slice, SIZE - 1)))
      end)
    end

    it("is truncated for who would keep or take what is gone, though nothing was touched", function()
      local held <close> = assert(filemap.file(path, "rw"))
      local other <close> = assert(held:view())
      cut(path)
      fails("truncated", path, other:commit(0, SIZE))
      assert.are.equal(0, lfs.attributes(path, "size"))
    end)

    support.pins(it, pending, "cannot be pinned", function()
      local held <close> = assert(filemap.file(path, "rw"))
      local other <close> = assert(held:view())
      cut(path)
      fails("truncated", path, other:pin())
    end)

    it("raises only for what is gone, until it hits it", function()
      view:set_u8(0, 7)
      local file <close> = assert(io.open(path, "wb"))
      assert(file:write(("x"):rep(filemap.page_size)))
      assert(file:flush())
      assert.are.equal("x", view:get_string(0, 1))
      assert.is_false(pcall(view.get_u8, view, filemap.page_size))
      assert.is_false(pcall(view.get_u8, view, 0))
    end)

    it("fails to be flushed, pinned and committed", function()
      cut(path)
      assert.is_false(pcall(view.get_u8, view, 0))
      fails("truncated", path, view:flush())
      fails("truncated", path, view:pin())
      fails("truncated", path, view:unpin())
      fails("truncated", path, view:commit(0, 1))
      assert.is_true(view:advise("willneed"))
      assert.is_true(view:close())
    end)

    it("leaves other mappings of the file as they are, once it is long again", function()
      cut(path)
      assert.is_false(pcall(view.get_u8, view, 0))
      local again <close> = assert(filemap.file(path, "rw", { size = SIZE }))
      local other <close> = assert(again:view())
      other:set_u8(0, 9)
      assert.are.equal(9, other:get_u8(0))
      assert.is_false(pcall(view.get_u8, view, 0))
      local third <close> = assert(map:view())
      assert.are.equal(9, third:get_u8(0))
    end)

    it("costs nobody else anything: many views, most of them whole", function()
      local others, whole = {}, assert(filemap.create(nil, SIZE))
      for i = 1, 200 do others[i] = assert((i % 2 == 0 and map or whole):view(i, 100)) end
      cut(path)
      for i = 1, 200 do assert.are.equal(i % 2 == 1, (pcall(others[i].get_u8, others[i], 0))) end
      for i = 1, 200 do others[i]:close() end
      whole:close()
    end)
  end)
end)
