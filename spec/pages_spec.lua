-- Huge pages of Linux, by the option large_pages and by SEC_LARGE_PAGES, and executable memory.
--
-- The administrator reserves huge pages (`sysctl vm.nr_hugepages=8`). Without any, their specs are pending.
-- All processes of the system share them. So other processes may have all of them for a moment, and the
-- counts of the system may change at any time.
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"
local win32 = require "filemap.win32"
local check = require "spec.support.check"

local fails = check.fails

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a") or ""
end

-- A number from /proc/meminfo.
local function meminfo(key)
  return tonumber(read("/proc/meminfo"):match(key .. ":%s*(%d+)") or 0)
end

local PAGE <const> = meminfo("Hugepagesize") * 1024

support.only("posix", "Windows requires a privilege for large pages, and wine has no large pages", function()
  describe("large pages", function()
    support.clean()

    local free = meminfo("HugePages_Free")
    local some = free >= 4 and it
      or function(name) return pending(name .. " (fewer than 4 huge pages are free)") end

    local function large(size, options)
      local given = { large_pages = true }
      for key, value in pairs(options or {}) do given[key] = value end
      return filemap.create(nil, size, given)
    end

    -- Tries again while too few pages are free.
    local function make_large(size, options)
      return support.eventually(function() return (large(size, options)) end)
    end

    local function has_free(count)
      return support.eventually(function() return meminfo("HugePages_Free") >= count end)
    end

    -- Checks that the map that `body` makes allocates this many huge pages, and frees them when it is closed.
    local function takes(pages, body)
      local before = meminfo("HugePages_Free")
      local map <close> = support.eventually(body)
      local path = ("/proc/self/fd/%d"):format(map:handle())
      assert.equal(pages * PAGE, lfs.attributes(path, "blocks") * 512)
      map:close()
      assert.is_true(has_free(before))
    end

    some("are allocated whole on creation, and freed by close", function()
      takes(1, function() return large(1) end)
      takes(1, function() return large(PAGE) end)
      takes(2, function() return large(PAGE + 1) end)
      takes(2, function() return large(PAGE + 1, { commit = false }) end)
      takes(1, function() return (filemap.create_or_open(nil, 1, { large_pages = true })) end)
      takes(2, function()
        return win32.CreateFileMapping(-1, nil,
          win32.PAGE_READWRITE | win32.SEC_LARGE_PAGES | win32.SEC_COMMIT, 0, 2 * PAGE, nil)
      end)
    end)

    -- qemu itself chooses the address of a map. It is not always a multiple of a huge page's size.
    local mapped = support.natively(some)

    mapped("are the pages that the system maps", function()
      local map <close> = make_large(PAGE + 1)
      local view <close> = assert(map:view())
      assert.equal(PAGE + 1, #view)
      local kilobytes = read("/proc/self/smaps"):match("memfd:filemap.-KernelPageSize:%s*(%d+) kB")
      assert.equal(PAGE, tonumber(kilobytes) * 1024)
    end)

    mapped("are viewed at any offset, sliced, flushed, pinned and copied", function()
      local map <close> = make_large(2 * PAGE)
      local whole <close> = assert(map:view())
      for _, offset in ipairs { 0, 1, 4096, PAGE - 1, PAGE, PAGE + 4097, 2 * PAGE - 8 } do
        local view <close> = assert(map:view(offset, math.min(100, 2 * PAGE - offset)))
        view:set_u8(0, offset % 251)
        assert.equal(offset % 251, whole:get_u8(offset))
        local slice <close> = assert(whole:sub(offset, 1))
        assert.equal(offset % 251, slice:get_u8(0))
      end
      assert.is_true(whole:flush())
      assert.is_true(whole:flush(5, 10, "async"))
      assert.is_true(whole:pin())
      assert.is_true(whole:unpin())
      assert.is_true(whole:commit(1, PAGE))
      for _, hint in ipairs { "normal", "sequential", "random", "willneed" } do
        assert.is_true(whole:advise(hint))
      end
      local copy <close> = assert(map:view(PAGE + 4097, 1, "copy"))
      copy:set_u8(0, 7)
      assert.equal((PAGE + 4097) % 251, whole:get_u8(PAGE + 4097))
    end)

    mapped("are inherited", function()
      local map <close> = make_large(PAGE + 100, { inherit = true })
      local view <close> = assert(map:view())
      view:set_string(PAGE + 50, "inherited")
      local child = support.child("evaluator")
      assert.equal("inherited", child:ask(
        "m = filemap.adopt(%d, %d) v = m:view(%d, 20) return v:get_string(0, 9)", map:handle(), PAGE + 100,
          PAGE + 50))
      child:finish()
    end)

    some("fail with no_space or no_memory where too few are free, and none stays allocated", function()
      local before = meminfo("HugePages_Free")
      fails("no_space no_memory", "unnamed map", large((meminfo("HugePages_Total") + 1) * PAGE))
      assert.is_true(has_free(before))
    end)

    mapped("raise truncated in accesses to a page that was truncated under the view", function()
      local map <close> = make_large(2 * PAGE)
      local view <close> = assert(map:view())
      view:set_i32(PAGE + 5, 42)
      assert(os.execute(("truncate -s %d /proc/%d/fd/%d"):format(PAGE, process.pid(), map:handle())))
      check.contains("truncated", check.raises(view, "get_i32", PAGE + 5))
      check.contains("truncated", check.raises(view, "get_i32", 2 * PAGE - 4))
    end)

    it("fail with unsupported for a named section, which is not created", function()
      local name = support.unique()
      fails("unsupported", name, filemap.create(name, 1, { large_pages = true }))
      fails("not_found", name, filemap.open(name))
    end)

    it("fail with unsupported where none are reserved", function()
      if meminfo("HugePages_Total") > 0 then return pending("the system has reserved huge pages") end
      fails("unsupported", "unnamed map", large(1))
      assert.is_nil((win32.CreateFileMapping(-1, nil,
        win32.PAGE_READWRITE | win32.SEC_LARGE_PAGES | win32.SEC_COMMIT,
        0, 1 << 21, nil)))
      assert.equal(120, win32.GetLastError())
    end)
  end)
end)

describe("executable memory", function()
  support.clean()

  support.only("posix", "Windows has no /proc/self/maps")("has the permissions of its access word", function()
    local map <close> = assert(filemap.create(nil, 4096, { access = "rwx" }))
    for word, flags in pairs { rx = "r%-xs", rwx = "rwxs", copyx = "rwxp", r = "r%-%-s" } do
      local view <close> = assert(map:view(0, 4096, word))
      assert.equal(4096, #view)
      assert.is_truthy(read("/proc/self/maps"):find(flags .. "[^\n]*memfd:filemap"), word)
    end
  end)
end)
