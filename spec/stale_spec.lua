-- The memory of stale names, which killed processes left behind: when it is freed, and what the search for it
-- costs. (crash_spec checks that the names themselves are free.)
local check = require "spec.support.check"
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"

local contains = check.contains

support.clean()

-- Thousands of live names take as many descriptors: how many this process can have. Often it has been given
-- fewer, 1024, and may raise that itself.
local files, files_before
if not support.windows then
  for line in io.lines("/proc/self/limits") do
    files = files or tonumber(line:match("^Max open files%s+%d+%s+(%d+)"))
  end
  files = math.min(files or 20000, 20000)
  setup(function() files_before = process.limit("files", files) end)
  teardown(function() process.limit("files", files_before) end)
end

support.only("posix", "Windows frees the memory itself", function()
  local FOLDER <const> = "/dev/shm/"

  -- The path of a name's file.
  local function path_of(name)
    local kind, rest = name:match("^(%a+)\\(.*)$")
    local owner = kind == "Global" and "global" or lfs.attributes("/proc/self", "uid")
    return ("%sfilemap.%s.%s"):format(FOLDER, owner, rest)
  end

  local function exists(name) return lfs.symlinkattributes(path_of(name), "ino") ~= nil end

  -- Makes `count` stale names. Returns the list of them.
  local function make_stale(kind, count)
    local child, names = support.child("evaluator"), {}
    child:ask("m = {}")
    for i = 1, count do
      names[i] = support.unique(kind)
      child:ask("m[#m + 1] = assert(filemap.create(%q, 100))", names[i])
    end
    child:kill()
    child:wait(support.deadline)
    for _, name in ipairs(names) do assert.is_true(exists(name)) end
    return names
  end

  local function are_freed(names)
    for _, name in ipairs(names) do
      if exists(name) then return false end
    end
    return true
  end

  -- A process that has created a name before, and so examines only a few names when it creates the next.
  local function creator()
    local child = support.child("evaluator")
    child:ask("filemap.create(%q, 1):close()", support.unique())
    return child
  end

  -- An evaluator with a small /dev/shm of its own, or nil.
  local function with_tmpfs(options)
    local command = 'mount -t tmpfs -o "$0" tmpfs /dev/shm && exec "$@"'
    local child = process.spawn {
      "unshare", "-m", "sh", "-c", command, options, support.lua, "spec/child/evaluator.lua",
    }
    return child:read(support.deadline) == "READY" and child or nil
  end

  local CREATE <const> = "local m = assert(filemap.create(%q, 100)) m:close()"

  describe("the memory of a stale name", function()
    for _, kind in ipairs { "Local\\", "Global\\" } do
      it("is freed by the next list of this user: " .. kind .. "Name", function()
        local names = make_stale(kind, 5)
        assert(filemap.list())
        assert.is_true(are_freed(names))
      end)

      it("is freed by the first create of a process: " .. kind .. "Name", function()
        local names = make_stale(kind, 5)
        support.child("evaluator"):ask(CREATE, support.unique())
        assert.is_true(are_freed(names))
      end)
    end

    it("is freed by the first create of a forked child", function()
      local child = creator()
      local names = make_stale("Local\\", 5)
      child:ask("local pid = require('process').fork() if pid == 0 then %s return 'created' end "
        .. "require('process').reap(pid) return 'parent'", CREATE:format(support.unique()))
      assert.is_true(are_freed(names))
    end)

    it("is freed within 1000 creates, in whatever order names are made and closed", function()
      local child = creator()
      local live <const> = support.unique()
      local kept = {}
      for i = 1, 3000 do kept[i] = assert(filemap.create(live .. "." .. i, 1)) end
      local names = make_stale("Local\\", 20)
      for i = 3001, 6000 do kept[i] = assert(filemap.create(live .. "." .. i, 1)) end
      for i = 2, 6000, 2 do kept[i]:close() end
      names[#names + 1] = make_stale("Global\\", 1)[1]
      child:ask("for i = 1, 1000 do filemap.create(%q, 1):close() end", support.unique())
      local freed = are_freed(names)
      for _, map in ipairs(kept) do map:close() end
      assert.is_true(freed)
    end)

    it("is freed within 1000 creates of as many processes, though each examines only a part", function()
      local live <const> = support.unique()
      local kept = {}
      for i = 1, 3000 do kept[i] = assert(filemap.create(live .. "." .. i, 1)) end
      local child = support.child("evaluator")
      local names = make_stale("Local\\", 3)
      local made = 0
      repeat
        child:ask("local process = require 'process' for _ = 1, 50 do local pid = process.fork() "
          .. "if pid == 0 then local m = filemap.create(%q, 1) m:close() os.exit(0, false) end "
          .. "process.reap(pid) end", support.unique())
        made = made + 50
      until are_freed(names) or made == 1000
      for _, map in ipairs(kept) do map:close() end
      assert.is_true(are_freed(names))
    end)

    it("is freed before a call fails with no_space", function()
      local child = with_tmpfs "size=64k"
      if not child then return pending("no tmpfs can be mounted here") end
      child:ask([[path = %q
        function fill(size)
          local pid = require('process').fork()
          if pid == 0 then m = assert(filemap.create('dead', size)) os.exit(0, false) end
          require('process').reap(pid)
          assert(require('lfs').attributes(path))
        end
        filemap.create('first', 1):close()]], FOLDER .. "filemap.0.dead")
      for call, chunk in pairs {
        create = "m = filemap.create('new', 40000)",
        commit = [[m = filemap.create('new', 40000, { commit = false }) v = m:view() m = v:commit(0, 40000)
          v:close()]],
        file = "m = filemap.file('/dev/shm/file', 'rw', { size = 40000 }) os.remove('/dev/shm/file')",
        resize = [[m = filemap.file('/dev/shm/file', 'rw', { size = 1 }) m = m:resize(40000)
          os.remove('/dev/shm/file')]],
      } do
        child:ask("fill(40000)")
        local said = child:ask(chunk .. [[ local ok = m and true
          if ok and m ~= true then m:close() end m = nil
          collectgarbage() return ok]])
        assert.equal("true", said, call)
      end
      child:ask("fill(1)")
      assert.equal("no_space nil", child:ask("local _, _, code = filemap.create('new', 100000) "
        .. "return code, (require('lfs').attributes(path))"))
      child:finish()
    end)

    it("is freed before a call fails with no_space where no more files can be made", function()
      local child = with_tmpfs "nr_inodes=3"
      if not child then return pending("no tmpfs can be mounted here") end
      assert.equal("no_space", child:ask([[filemap.create('first', 1):close()
        local pid = require('process').fork()
        if pid == 0 then
          a, b = assert(filemap.create('a', 1)), assert(filemap.create('b', 1))
          os.exit(0, false)
        end
        require('process').reap(pid)
        a, b = assert(filemap.create('c', 1)), assert(filemap.create('d', 1))
        return filemap.create('e', 1)]]))
      child:finish()
    end)
  end)

  describe("the cost of a name", function()
    -- The medians of the processor time of `create` and `open` with each number of live names, in turn.
    local function medians(counts)
      local name, kept, times = support.unique(), {}, {}
      local function measure(what, body)
        local from = os.clock()
        for i = 1, 20 do body(i) end
        table.insert(times[what], os.clock() - from)
      end
      for _, count in ipairs(counts) do times[count], times[-count] = {}, {} end
      for _ = 1, 3 do
        for _, count in ipairs(counts) do
          for i = #kept + 1, count do kept[i] = assert(filemap.create(name .. "." .. i, 1)) end
          for i = #kept, count + 1, -1 do kept[i] = kept[i]:close() and nil end
          collectgarbage()
          for _ = 1, 11 do
            measure(count, function(i) assert(filemap.create(name .. "x" .. i, 1)):close() end)
            measure(-count, function(i) assert(filemap.open(name .. "." .. (i % count + 1))):close() end)
          end
        end
      end
      for _, map in ipairs(kept) do map:close() end
      for _, list in pairs(times) do table.sort(list) end
      return function(what) return times[what][17] end
    end

    local many <const> = support.windows and 2000 or math.min(10000, files - 200)

    it("does not grow with the number of live names: create and open with 100 and with " .. many, function()
      local median = medians { 100, many }
      for call, sign in pairs { create = 1, open = -1 } do
        local before, after = median(sign * 100), median(sign * many)
        local context = ("%s: %.0f us, then %.0f us"):format(call, before * 5e4, after * 5e4)
        assert.is_true(after < 2 * before, context)
      end
    end)
  end)

  describe("the message of a call with an invalid name", function()
    local function message_of(_, message, code)
      assert.equal("invalid", code)
      return message
    end

    it("points to filemap.file where the name is a path", function()
      for _, path in ipairs { "/dev/shm/x", "/tmp/x/y", "/a/b" } do
        for _, call in ipairs { filemap.open, function(name) return filemap.create(name, 1) end } do
          contains("filemap.file", message_of(call(path)))
        end
      end
      contains("filemap.file", message_of(filemap.open("C:\\folder\\x")))
      for _, path in ipairs { "C:\\folder\\x", "/a/b", "/tmp/x/y" } do
        local _, count = message_of(filemap.create(path, 1)):gsub("filemap%.file", "")
        assert.equal(1, count)
      end
      contains("filemap.file", message_of(filemap.open("\\\\server\\x")))
    end)
  end)
end)
