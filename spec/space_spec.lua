-- Memory, disk space, descriptors and addresses that run out. Each call fails with the right code, leaves
-- nothing behind and does not change what existed before. Memory that a call returned can be used to the last
-- byte.
local core = require "filemap.core"
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"
local check = require "spec.support.check"

local fails = check.fails
local page = filemap.page_size

support.clean()

-- A small file system in a mount namespace ----------------------------------------------------------------

-- Starts an evaluator in a mount namespace with another file system at `place`. `options` are those of
-- mount(8).
local function with_mount(options, place)
  local child = process.spawn {
    "unshare", "-m", "sh", "-c", ('mount %s "$1" && shift && exec "$@"'):format(options),
    "sh", place, support.lua, "spec/child/evaluator.lua",
  }
  child:expect("^READY$")
  -- Functions for the chunks: the code of a call, the number of entries in a folder, and a write to each page
  -- of a view.
  child:ask([[
    function code(result, _, word) if result then result:close() return "ok" end return word end
    function count(folder)
      local n = -2
      for _ in require("lfs").dir(folder) do n = n + 1 end
      return n
    end
    function write_all(view) for i = 0, #view - 1, 512 do view:set_u8(i, 7) end end
    page = filemap.page_size]])
  return child
end

-- Makes an image of a file system of `size` bytes.
local function make_image(image, size)
  local file <close> = assert(io.open(image, "wb"))
  assert(file:write(("\0"):rep(size)))
  assert(file:close())
  local ok, made = pcall(process.spawn, { "mke2fs", "-q", "-F", "-m", "0", image })
  return ok and made:wait(support.deadline) == 0
end

local function may_mount(options)
  local ok, child = pcall(process.spawn, {
    "unshare", "-m", "sh", "-c", "mount " .. options .. " /mnt 2>/dev/null",
  })
  return ok and child:wait(support.deadline) == 0
end

local function may_loop()
  local image = os.tmpname()
  local may = make_image(image, 1 << 19) and may_mount("-o loop " .. image)
  os.remove(image)
  return may
end

local possible = {}
if not support.windows then possible = { tmpfs = may_mount("-t tmpfs none"), ext2 = may_loop() } end

-- `it` where this kind of file system can be mounted, else a pending test with the reason.
local function where(kind, name, body)
  if possible[kind] then (name:find("truncated") and support.losing(it) or it)(name, body)
  else pending(("%s (no %s can be mounted here)"):format(name, kind)) end
end

local function where_mounts(name, body)
  where("tmpfs", name, body)
end

support.only("posix", "the file systems are those of Linux", function()
  describe("a full /dev/shm", function()
    local child
    local PAGES <const> = 64

    local function mount(options)
      child = with_mount(("-t tmpfs -o %s tmpfs"):format(options or ("size=%d"):format(PAGES * page)),
        "/dev/shm")
    end

    after_each(function()
      if child then child:finish() end
      child = nil
    end)

    where_mounts("refuses a section that is one page too large, and leaves nothing behind", function()
      mount()
      for _, name in ipairs { "Local\\x", "Global\\x", "/x" } do
        for more = 1, 3 do
          assert.equal("no_space 0",
            child:ask("return code(filemap.create(%q, (%d + %d) * page)), count '/dev/shm'", name, PAGES,
              more))
        end
      end
      assert.equal("ok", child:ask("return code(filemap.create('x', %d * page))", PAGES))
      assert.equal("no_space 0", child:ask("return code(filemap.create('x', 1 << 50)), count '/dev/shm'"))
    end)

    where_mounts("returns the errno where a system call failed", function()
      mount("nr_inodes=1")
      assert.equal("no_space 28", child:ask("return select(3, filemap.create('x', page))"))
    end)

    where_mounts("does not change an existing section, which keeps all its memory", function()
      mount()
      child:ask("m = filemap.create('x', %d * page) v = m:view()", PAGES - 2)
      for _, call in ipairs {
        "filemap.create('y', 3 * page)", "filemap.create_or_open('y', 3 * page)",
        "state.create('y', 4 * page)", "mailslot.create('y')",
      } do
        assert.equal("no_space 1", child:ask("return code(%s), count '/dev/shm'", call))
      end
      child:ask("write_all(v)")
      assert.equal("7", child:ask("return v:get_u8(#v - 512)"))
      child:ask("v:close() m:close()")
      assert.equal("ok", child:ask("return code(filemap.create('y', 3 * page))"))
    end)

    where_mounts("fails with no_space for a sync object", function()
      mount()
      child:ask("m = filemap.create('x', %d * page)", PAGES)
      for _, call in ipairs { "mutex 'y'", "event 'y'", "semaphore('y', 0, 1)" } do
        assert.equal("no_space 1", child:ask("return code(sync.%s), count '/dev/shm'", call))
      end
      child:ask("m:close()")
      assert.equal("ok", child:ask("return code(sync.mutex 'y')"))
    end)

    where_mounts("fails with no_space for a connection, and connects when there is room again", function()
      mount()
      child:ask("l = pipe.listen('p', { capacity = page })")
      child:ask("size = %d repeat size = size - 1 m = filemap.create('x', size * page) until m", PAGES)
      for _ = 1, 3 do
        assert.equal("no_space", child:ask("return code(pipe.connect 'p')"))
        assert.equal("timeout", child:ask("return code(l:accept(0))"))
      end
      child:ask("m:close() c = pipe.connect 'p' c:send 'hello' s = l:accept(0)")
      assert.equal("hello", child:ask("return s:receive(0)"))
    end)

    where_mounts("raises truncated on access to reserved memory, and does not end the process", function()
      mount()
      child:ask("m = filemap.create('x', 10 * %d * page, { commit = false }) v = m:view() w = v:sub(0, page)",
        PAGES)
      child:ask("other = filemap.create('y', page):view()")
      assert.matches("^raised .*truncated", child:ask("write_all(v)"))
      for _, access in ipairs { "return v:get_u8(0)", "v:set_u8(0, 1)", "return w:get_u8(0)",
        "return v:find 'x'" } do
        assert.matches("^raised .*truncated", child:ask(access))
      end
      child:ask("other:set_u8(0, 9)")
      assert.equal("9", child:ask("return other:get_u8(0)"))
      assert.equal("no_space", child:ask("return code(filemap.create('z', page))"))
      child:ask("v:close() w:close() m:close()")
      assert.equal("ok", child:ask("return code(filemap.create('z', page))"))
    end)

    where_mounts("fails with no_space in view:commit, and loses no data", function()
      mount()
      child:ask("m = filemap.create('x', 10 * %d * page, { commit = false }) v = m:view()", PAGES)
      child:ask("v:set_u8(0, 5)")
      assert.equal("no_space", child:ask("return v:commit(0, #v)"))
      assert.equal("no_space", child:ask("return v:commit(page, %d * page)", PAGES))
      assert.equal("true", child:ask("return v:commit(page, 10 * page)"))
      assert.equal("5", child:ask("return v:get_u8(0)"))
    end)
  end)

  -- The same tests on a tmpfs and on ext2, which fails in other ways.
  for kind, size in pairs { tmpfs = 64 * page, ext2 = 512 * 1024 } do
    describe("a full file system of type " .. kind, function()
      local child, place, image

      before_each(function()
        if not possible[kind] then return end
        place, image = support.tmpname(), support.tmpname()
        assert(lfs.mkdir(place))
        if kind == "tmpfs" then
          child = with_mount(("-t tmpfs -o size=%d tmpfs"):format(size), place)
        else
          assert(make_image(image, size))
          child = with_mount("-o loop " .. image, place)
        end
        child:ask("path = %q .. '/file' size = %d", place, size)
        child:ask("function there() local a = require('lfs').attributes(path) return a and a.size end")
      end)

      after_each(function()
        if child then child:finish() end
        child = nil
      end)

      where(kind, "refuses a file that is too large, and leaves none behind", function()
        for _, wanted in ipairs { "size + page", "1 << 40" } do
          assert.equal("no_space nil",
            child:ask("return code(filemap.file(path, 'rw', { size = %s })), there()", wanted))
        end
      end)

      where(kind, "does not change a file that cannot be grown", function()
        child:ask("filemap.file(path, 'rw', { size = 5000 }):view():set_string(0, 'kept')")
        assert.equal("no_space 5000",
          child:ask("return code(filemap.file(path, 'rw', { size = size + page })), there()"))
        child:ask("m = filemap.file(path, 'rw')")
        assert.equal("no_space", child:ask("return m:resize(size + page)"))
        assert.equal("5000 5000", child:ask("return #m, there()"))
        assert.equal("true", child:ask("return m:resize(6000)"))
        assert.equal("kept", child:ask("return m:view():get_string(0, 4)"))
      end)

      -- The system's own allocation decides, not an estimate of the free space. The test finds the limit by
      -- bisection.
      local allocates = support.foreign ~= "musl" or kind == "tmpfs"
      local test = allocates and where or function(_, name) pending(name .. " (musl allocates nothing)") end
      test(kind, "refuses a file only if it is at least one page too large", function()
        child:ask("low, high = 1, size // page + 1")
        child:ask([[
          while high - low > 1 do
            local middle = (low + high) // 2
            filemap.file(path, 'rw', { size = 100 }):close()
            local m = filemap.file(path, 'rw', { size = middle * page })
            if m then
              local v <close> = m:view()
              write_all(v)
            end
            if m then m:close() low = middle else high = middle end
            assert(there() == (m and middle * page or 100))
            os.remove(path)
          end]])
        assert.is_true(tonumber(child:ask("return low")) * page > size // 2)
        assert.equal("no_space nil",
          child:ask("return code(filemap.file(path, 'rw', { size = high * page })), there()"))
      end)

      where(kind, "raises truncated in accesses to a file that was not committed", function()
        child:ask("m = filemap.file(path, 'rw', { size = 4 * size, commit = false }) v = m:view()")
        assert.matches("^raised .*truncated", child:ask("write_all(v)"))
        assert.matches("^raised .*truncated", child:ask("return v:get_u8(0)"))
        assert.equal("truncated", child:ask("return v:flush()"))
        assert.equal("true", child:ask("v:close() return m:close()"))
      end)
    end)
  end

  -- Limits of the process ---------------------------------------------------------------------------------

  -- Runs a function in a forked process, which may set its own limits.
  local function forked(body)
    assert.equal(0, process.forked(function()
      local ok, e = pcall(body)
      if not ok then
        io.stderr:write(tostring(type(e) == "table" and e.message or e), "\n")
        return 1
      end
    end))
  end

  describe("descriptors that run out", function()
    local mailslot, pipe, state = require "filemap.mailslot", require "filemap.pipe", require "filemap.state"
    local sync = require "filemap.sync"
    local EMFILE <const> = 24

    -- Each function makes one object and returns it, or the failure of the call.
    local things = {
      ["an unnamed map"] = function() return filemap.create(nil, page) end,
      ["a map"] = function(name) return filemap.create(name, page) end,
      ["two maps"] = function(name)
        local _ <close> = assert(filemap.create(name, page))
        return filemap.open(name)
      end,
      ["a file"] = function(_, path) return filemap.file(path, "rw", { size = page }) end,
      ["a mutex"] = function(name) return sync.mutex(name) end,
      ["a state"] = function(name) return state.create(name, 100) end,
      ["a mailslot"] = function(name)
        local _ <close> = assert(mailslot.create(name))
        return mailslot.open(name)
      end,
      ["a pipe"] = function(name)
        local listener <close> = assert(pipe.listen(name, { capacity = 100 }))
        local _ <close> = assert(pipe.connect(name))
        return listener:accept(0)
      end,
      ["a list"] = function() return setmetatable(assert(filemap.list()),
        { __index = { close = function() end } }) end,
    }

    for what, make in pairs(things) do
      it("make calls fail with system and leave nothing behind: " .. what, function()
        local name, path = support.unique("Local\\"), support.tmpname()
        forked(function()
          local used, refused, done = process.handles(), 0, false
          for limit = 3, used + 30 do
            local before = process.limit("files", limit)
            local ok, result, message, code, native = pcall(make, name, path)
            if ok and result then result:close() end
            process.limit("files", before)
            done = ok and result ~= nil
            if done then break end
            refused = refused + 1
            if ok then assert.same({ "system", EMFILE }, { code, native }, message)
            else assert.matches(support.foreign == "musl" and "file descriptors" or "open files", result) end
            assert.equal(used, process.handles())
            assert.is_nil(lfs.attributes(path))
            assert.equal("not_found", select(3, filemap.open(name)))
          end
          assert.is_true(done and refused > 0)
        end)
      end)
    end
  end)

  -- (AddressSanitizer needs more addresses than the limit allows.)
  if not support.sanitized then
    describe("addresses that run out", function()
      local SIZE <const> = 64 << 20

      local function addresses()
        for line in io.lines("/proc/self/status") do
          local kilobytes = line:match("^VmSize:%s*(%d+)")
          if kilobytes then return kilobytes * 1024 end
        end
      end

      support.natively(it)("make a view fail with no_memory, and change nothing else", function()
        forked(function()
          local map <close> = assert(filemap.create(nil, SIZE, { commit = false }))
          local before, live = process.limit("memory", addresses() + SIZE // 2 | 0), core.live()
          fails("no_memory", "unnamed map", map:view())
          assert.equal(live, core.live())
          local small <close> = assert(map:view(0, page))
          small:set_u8(0, 1)
          process.limit("memory", before)
          local view <close> = assert(map:view())
          assert.equal(1, view:get_u8(0))
        end)
      end)

      support.natively(it)("make state.create fail with no_memory, and leave no name behind", function()
        local name = support.unique("Local\\")
        forked(function()
          local before = process.limit("memory", addresses() + SIZE // 2 | 0)
          fails("no_memory", name, require("filemap.state").create(name, SIZE))
          fails("not_found", name, filemap.open(name))
          process.limit("memory", before)
          assert(require("filemap.state").create(name, SIZE)):close()
        end)
      end)
    end)
  else
    pending("addresses that run out (AddressSanitizer needs more than the limit allows)")
  end

  describe("a limit on the size of files", function()
    it("makes calls on files, sections and channels fail with too_large, and ends no process", function()
      local name, path = support.unique("Local\\"), support.tmpname()
      assert(filemap.file(path, "rw", { size = 100 })):close()
      forked(function()
        local map <close> = assert(filemap.file(path, "rw"))
        local before = process.limit("size", 4096)
        fails("too_large", path, map:resize(8192))
        fails("too_large", path, filemap.file(path, "rw", { size = 8192 }))
        fails("too_large", path .. "x", filemap.file(path .. "x", "rw", { size = 8192 }))
        fails("too_large", "unnamed map", filemap.create(nil, 8192))
        fails("too_large", name, filemap.create(name, 8192, { commit = false }))
        fails("too_large", name, require("filemap.state").create(name, 8192))
        fails("too_large", name, require("filemap.mailslot").create(name))
        fails("too_large", name, require("filemap.pipe").listen(name))
        assert.is_nil(lfs.attributes(path .. "x"))
        assert.equal(100, lfs.attributes(path, "size"))
        assert.is_true(map:resize(4096))
        process.limit("size", before)
        assert.is_true(map:resize(8192))
        fails("not_found", name, filemap.open(name))
      end)
    end)
  end)
end)
