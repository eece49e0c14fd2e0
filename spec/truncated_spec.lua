-- Lost pages: another process truncates the file or the section under a view. lost_pages_spec.lua tests what
-- concerns the host program, and space_spec.lua a full file system. Windows lets no process truncate a mapped
-- file.
local core = require "filemap.core"
local filemap = require "filemap"
local check = require "spec.support.check"
local lfs = require "lfs"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local struct = require "filemap.struct"
local support = require "spec.support"
local sync = require "filemap.sync"

local contains, fails = check.contains, check.fails

local PAGES = 4
local SIZE = PAGES * filemap.page_size

support.clean()

-- Truncates a file in another process.
local function cut(path, size)
  local truncate <close> = process.spawn { "truncate", "-s", tostring(size or 0), path }
  assert.equal(0, truncate:wait(support.deadline))
end

-- The path of the file of a named section.
local function file_of(name)
  for file in lfs.dir("/dev/shm") do
    if file:find(name:match("[^\\]*$"), 1, true) then return "/dev/shm/" .. file end
  end
end

-- Every access to a view's bytes. The key is the method's name, with more words after it where there are
-- several ways.
local accesses = {
  getter = function(v) return v:getter "i32"(0) end,
  setter = function(v) v:setter "i32"(0, 1) end,
  get_string = function(v) return v:get_string(0, 10) end,
  ["get_string of all"] = function(v) return v:get_string(0, SIZE) end,
  set_string = function(v) v:set_string(SIZE - 5, "12345") end,
  get_cstring = function(v) return v:get_cstring(0) end,
  ["get_cstring of a part"] = function(v) return v:get_cstring(SIZE - 100, 50) end,
  set_cstring = function(v) v:set_cstring(0, "x", 100) end,
  get_utf16 = function(v) return v:get_utf16(0) end,
  set_utf16 = function(v) v:set_utf16(0, "x", 10) end,
  get_utf32 = function(v) return v:get_utf32(0, 5) end,
  set_utf32 = function(v) v:set_utf32(0, "x", 10) end,
  find = function(v) return v:find("needle") end,
  ["find of one byte"] = function(v) return v:find("n", SIZE - 10) end,
  fill = function(v) v:fill(0, SIZE, 1) end,
  copy = function(v) v:copy(0, v, 9, 100) end,
  ["copy to another"] = function(v, whole) whole:copy(0, v, 9, 100) end,
  ["copy from another"] = function(v, whole) v:copy(0, whole, 9, 100) end,
  equals = function(v) return v:equals(0, v, 9, 100) end,
  ["equals of another"] = function(v, whole) return whole:equals(0, v, 9, 100) end,
  array = function(v) return v:array("i32", 0, 3)[1] end,
  ["array written to"] = function(v) v:array("f64", 0, 3)[1] = 1 end,
  ["array:get"] = function(v) return v:array("i32", 0, 3):get() end,
  ["array:get of a part"] = function(v) return v:array("u8", 0, SIZE):get(SIZE - 3) end,
  ["array:set"] = function(v) v:array("i32", 0, 3):set(1, { 1 }) end,
  ["array:copy"] = function(v) local a = v:array("i32", 0, 3) a:copy(1, a, 2, 2) end,
  ["array:copy to another"] = function(v, whole)
    whole:array("i32", 0, 3):copy(1, v:array("i32", 0, 3), 2, 2)
  end,
  ["array iterated"] = function(v) for _ in ipairs(v:array("i32", 0, 3)) do assert(v) end end,
  unpack = function(v) return v:unpack("i4z", 0) end,
  ["unpack of floats"] = function(v) return v:unpack("fdn", 0) end,
  ["unpack of a wide integer"] = function(v) return v:unpack("i16", filemap.page_size - 8) end,
  ["unpack of another order"] = function(v) return v:unpack(">i4>d", 0) end,
  ["unpack of a counted string"] = function(v) return v:unpack("s8", 0) end,
  ["unpack of bytes"] = function(v) return v:unpack("c100", 0) end,
  ["unpack of a long text"] = function(v) return v:unpack("z", 1) end,
  pack = function(v) return v:pack("i4", 0, 1) end,
  lines = function(v) return v:lines()() end,
  stream = function(v) return v:stream():read("a") end,
  ["stream:read of a number"] = function(v) return v:stream():read("n") end,
  ["stream:read of a line"] = function(v) return v:stream():read("L") end,
  ["stream:read of a count"] = function(v) return v:stream():read(500) end,
  ["stream:lines"] = function(v) return v:stream():lines(5)() end,
  ["stream:write"] = function(v) return v:stream():write("x") end,
}

for _, T in ipairs { "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64" } do
  accesses["get_" .. T] = function(v) return v["get_" .. T](v, SIZE - 8) end
  accesses["set_" .. T] = function(v) v["set_" .. T](v, SIZE - 8, 1) end
end

for _, T in ipairs { "i32", "u32", "i64", "u64" } do
  for _, what in ipairs { "store_", "exchange_", "add_", "and_", "or_" } do
    accesses[what .. T] = function(v) return v[what .. T](v, 8, 1) end
  end
  accesses["wait_" .. T] = function(v) return v["wait_" .. T](v, 8, 0, 0) end
  accesses["load_" .. T] = function(v) return v["load_" .. T](v, 8) end
  accesses["compare_exchange_" .. T] = function(v) return v["compare_exchange_" .. T](v, 8, 0, 1) end
end

local Pair = struct.define("Pair", { { "seq", "u32" }, { "name", "char", 50 }, { "bits", "u8", bits = 3 },
  { "wide", "utf16", 4 }, { "many", "i16", 3 } })

for what, access in pairs {
  ["record read"] = function(v) return Pair:at(v, 0).seq end,
  ["record written"] = function(v) Pair:at(v, 0).seq = 1 end,
  ["record's text"] = function(v) return Pair:at(v, 0).name end,
  ["record's text written"] = function(v) Pair:at(v, 0).wide = "x" end,
  ["record's bits"] = function(v) return Pair:at(v, 0).bits end,
  ["record's bits written"] = function(v) Pair:at(v, 0).bits = 1 end,
  ["record's array"] = function(v) return Pair:at(v, 0).many[2] end,
  ["record iterated"] = function(v) for _ in pairs(Pair:at(v, 0)) do assert(v) end end,
  ["struct read"] = function(v) return Pair:read(v, 0) end,
  ["struct written"] = function(v) Pair:write(v, 0, { seq = 1, bits = 2 }) end,
  ["struct's array"] = function(v) return Pair:array(v, 0, 3)[2].seq end,
  ["struct's snapshot"] = function(v) return Pair:snapshot(v, 0, { even = "seq" }, 1) end,
} do accesses[what] = access end

-- Methods that access no bytes or return a code. They have tests of their own.
local aside = {}
for name in ("size access sub flush advise pin unpin commit wake unmap close"):gmatch("%S+") do
  aside[name] = true
end

support.only("posix", "Windows lets no process truncate a mapped file", function()
  -- (All tests of this file lose pages.)
  local it = support.losing(it)

  it("covers every method of views", function()
    for name in pairs(core.view) do assert.is_truthy(accesses[name] or aside[name], name) end
  end)

  local makers = {
    ["a file"] = function()
      local path = support.tmpname()
      return assert(filemap.file(path, "rw", { size = SIZE })), path
    end,
    ["a section"] = function()
      local name = support.unique("Local\\")
      return assert(filemap.create(name, SIZE)), file_of(name)
    end,
    ["a section by a verbatim name"] = function()
      local name = support.unique("/")
      return assert(filemap.create(name, SIZE)), "/dev/shm" .. name
    end,
  }

  for what, make in pairs(makers) do
    describe(("a view of %s that is truncated"):format(what), function()
      local map, path, whole

      before_each(function()
        map, path = make()
        whole = assert(assert(filemap.create(nil, SIZE)):view())
      end)

      after_each(function()
        map:close()
        whole:close()
      end)

      it("raises truncated in each access and in every later one", function()
        local views = {}
        for name in pairs(accesses) do
          local view = assert(map:view())
          views[name] = { view, view, assert(view:sub(0, SIZE)) }
          view:fill(0, SIZE, 0)
          accesses[name](view, whole)
        end
        cut(path)
        for name, access in pairs(accesses) do
          local held = views[name]
          for _, v in ipairs(held) do
            local ok, message = pcall(access, v, whole)
            assert.is_false(ok, name)
            assert.matches("truncated", message, nil, nil, name)
          end
          contains("truncated", select(2, pcall(held[3].get_u8, held[3], SIZE - 1)))
          for _, v in ipairs(held) do v:close() end
        end
      end)

      it("raises truncated through a private copy too, also for bytes that were written to it", function()
        local view <close> = assert(map:view(0, SIZE, "copy"))
        view:fill(0, SIZE, 9)
        cut(path)
        for _ = 1, 2 do
          assert.is_false(pcall(view.get_u8, view, SIZE - 1))
          assert.is_false(pcall(view.set_u8, view, 0, 1))
        end
      end)
    end)
  end

  describe("a view of a file that is truncated", function()
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

    it("fails with truncated in commit before any access, and the file does not grow", function()
      local held <close> = assert(filemap.file(path, "rw"))
      local other <close> = assert(held:view())
      cut(path)
      fails("truncated", path, other:commit(0, SIZE))
      assert.are.equal(0, lfs.attributes(path, "size"))
    end)

    support.pins(it, pending, "fails with truncated in pin before any access", function()
      local held <close> = assert(filemap.file(path, "rw"))
      local other <close> = assert(held:view())
      cut(path)
      fails("truncated", path, other:pin())
    end)

    it("raises only for lost pages until the first access to one, then for every page", function()
      view:set_u8(0, 7)
      local file <close> = assert(io.open(path, "wb"))
      assert(file:write(("x"):rep(filemap.page_size)))
      assert(file:flush())
      assert.are.equal("x", view:get_string(0, 1))
      assert.is_false(pcall(view.get_u8, view, filemap.page_size))
      assert.is_false(pcall(view.get_u8, view, 0))
    end)

    it("fails with truncated in flush, pin, unpin and commit after an access to a lost page", function()
      cut(path)
      assert.is_false(pcall(view.get_u8, view, 0))
      fails("truncated", path, view:flush())
      fails("truncated", path, view:pin())
      fails("truncated", path, view:unpin())
      fails("truncated", path, view:commit(0, 1))
      assert.is_true(view:advise("willneed"))
      assert.is_true(view:close())
    end)

    it("does not affect other mappings of the file after it has grown again", function()
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

    it("does not affect views of other maps, with 200 views open", function()
      local others, whole = {}, assert(filemap.create(nil, SIZE))
      for i = 1, 200 do others[i] = assert((i % 2 == 0 and map or whole):view(i, 100)) end
      cut(path)
      for i = 1, 200 do assert.are.equal(i % 2 == 1, (pcall(others[i].get_u8, others[i], 0))) end
      for i = 1, 200 do others[i]:close() end
      whole:close()
    end)
  end)

  -- Sync objects and channels return the code. Each function makes the objects, and the calls to make on
  -- them.
  local objects = {
    mutex = function(name)
      local m = assert(sync.mutex(name))
      assert(m:lock())
      return { m }, { function() return m:unlock() end, function() return m:lock(1) end }
    end,
    semaphore = function(name)
      local s = assert(sync.semaphore(name, 1, 5))
      return { s }, { function() return s:acquire(1) end, function() return s:release() end }
    end,
    event = function(name)
      local e = assert(sync.event(name))
      return { e }, { function() return e:wait(1) end, function() return e:set() end,
        function() return e:reset() end }
    end,
    state = function(name)
      local w = assert(state.create(name, 5000))
      local r = assert(state.open(name))
      return { w, r }, {
        function() return r:read() end, function() return r:wait(0, 1) end,
        function() return w:publish("x") end, function() return w:read() end,
      }
    end,
    mailslot = function(name)
      local r = assert(mailslot.create(name))
      local w = assert(mailslot.open(name))
      assert(w:send "before")
      return { r, w }, {
        function() return r:receive(1) end, function() return r:info() end,
        function() return w:send("x", 1) end,
      }
    end,
    pipe = function(name)
      local l = assert(pipe.listen(name))
      local c = assert(pipe.connect(name))
      local s = assert(l:accept(0))
      assert(c:send "before")
      return { l, c, s }, {
        function() return l:accept(1) end, function() return s:receive(1) end,
        function() return s:send("x", 1) end, function() return c:receive(1) end,
        function() return c:send("x", 1) end,
      }
    end,
    ["stream of a pipe"] = function(name)
      local l = assert(pipe.listen(name, { stream = true }))
      local c = assert(pipe.connect(name))
      local s = assert(l:accept(0))
      assert(c:write "before")
      return { l, c, s }, {
        function() return l:accept(1) end, function() return s:read(3) end, function() return s:write "x" end,
        function() return c:read "a" end, function() return c:write "x" end,
      }
    end,
  }

  describe("an object in a section that is truncated", function()
    for what, make in pairs(objects) do
      it("fails with truncated in each call and in every later one: " .. what, function()
        local name = support.unique("Local\\")
        local made, calls = make(name)
        cut(file_of(name))
        for _ = 1, 2 do
          for _, call in ipairs(calls) do fails("truncated", name, call()) end
        end
        for _, object in ipairs(made) do assert.is_true(object:close()) end
      end)

      it("can be closed before any other call: " .. what, function()
        local name = support.unique("Local\\")
        local made = make(name)
        cut(file_of(name))
        for _, object in ipairs(made) do assert.is_true(object:close()) end
      end)
    end

    -- The objects that another process makes, and a call that waits for one without a time-out.
    for what, waiting in pairs {
      mutex = { "m = sync.mutex(%q)", "return m:lock()" },
      semaphore = { "m = sync.semaphore(%q, 0, 1)", "return m:acquire()" },
      event = { "m = sync.event(%q)", "return m:wait()" },
      state = { "w = state.create(%q, 100) m = state.open(%q)", "return m:wait(0)" },
      mailslot = { "m = mailslot.create(%q)", "return m:receive()" },
      ["listener of a pipe"] = { "m = pipe.listen(%q)", "return m:accept()" },
      pipe = { "l = pipe.listen(%q) m = pipe.connect(%q)", "return m:receive()" },
    } do
      it("ends a wait in another process with truncated: " .. what, function()
        local name = support.unique("Local\\")
        local mutex <close> = what == "mutex" and assert(sync.mutex(name)) or nil
        if mutex then assert(mutex:lock()) end
        local child = support.child("evaluator")
        child:ask(waiting[1], name, name)
        child:start(waiting[2])
        cut(file_of(name))
        assert.equal("truncated", child:expect())
      end)
    end
  end)
end)
