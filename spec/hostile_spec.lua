-- Attacks and limits on POSIX: planted names, links, locks, file size limits; and two processes that grow one
-- file.
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local steps = require "spec.support.steps"
local support = require "spec.support"

local function code_of(...)
  return (select(3, ...))
end

-- The file of a name: the one that appears in /dev/shm when the section is created.
local function file_of(name)
  local before = {}
  for file in lfs.dir("/dev/shm") do before[file] = true end
  local map <close> = assert(filemap.create(name, 100))
  for file in lfs.dir("/dev/shm") do
    if not before[file] then return "/dev/shm/" .. file, map end
  end
end

local function shell(...)
  local child <close> = process.spawn { "sh", "-c", ... }
  assert.are.equal(0, child:wait(support.deadline))
end

-- Runs a shell command as the user `nobody`. Only root can do that.
local function as_nobody(command, ...)
  local child <close> = process.spawn { "setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", command,
    "sh", ... }
  assert.are.equal(0, child:wait(support.deadline))
end

support.only("posix", "on Windows the kernel itself keeps names and limits", function()
  describe("another user", function()
    support.clean()
    local is_root = lfs.attributes("/proc/self", "uid") == 0
    local it_as_root = is_root and it
      or function(name) pending("(needs root to act as another user) " .. name) end

    it_as_root("cannot plant a file that is opened as this user's section", function()
      local name = support.unique("Local\\")
      local path = file_of(name)
      as_nobody('umask 0; echo hello > "$1"', path)
      assert.are.equal("denied", code_of(filemap.open(name)))
      assert.are.equal("denied", code_of(filemap.create(name, 10)))
      assert.are.equal("denied", code_of(filemap.create_or_open(name, 10)))
      assert(os.remove(path))
      assert(filemap.create(name, 10)):close()
    end)

    it_as_root("cannot link this user's Global\\ section under a Local\\ name", function()
      local name, global = support.unique("Local\\"), support.unique("Global\\")
      local path = file_of(name)
      local target = file_of(global)
      local map <close> = assert(filemap.create(global, 100, { mode = "0666" }))
      as_nobody('ln "$1" "$2"', target, path)
      assert.are.equal("denied", code_of(filemap.open(name)))
      assert.are.equal("denied", code_of(filemap.create(name, 10)))
      assert(os.remove(path))
      assert.are.equal(100, assert(filemap.open(global)):size())
      assert.are.equal(100, map:size())
    end)
  end)

  describe("a link that is planted between the look at a file and its opening", function()
    support.clean()

    it("is rejected as invalid, and does not lead to another section", function()
      local name, other = support.unique("Global\\"), support.unique("Local\\")
      local path, target = file_of(name), file_of(other)
      local map <close> = assert(filemap.create(other, 100))
      shell(': > "$1"', "sh", path)
      local child = steps.child()
      child:stop_at("seen", 1)
      assert.is_true(child:stops("m, _, code = filemap.open(%q) return m and 'opened' or code", name))
      shell('ln -sf "$1" "$2"', "sh", target, path)
      assert.are.equal("invalid", child:go_on())
      assert(os.remove(path))
      assert.are.equal(100, map:size())
    end)
  end)

  describe("a lock that another process keeps", function()
    support.clean()

    it("makes calls fail with in_use instead of waiting", function()
      local name = support.unique("Local\\")
      local path = file_of(name)
      shell(': > "$1"', "sh", path)
      local holder <close> = process.spawn { "flock", "--exclusive", path, "sh", "-c",
        "echo READY; read line" }
      assert.are.equal("READY", holder:read(support.deadline))
      assert.are.equal("in_use", code_of(filemap.open(name)))
      assert.are.equal("in_use", code_of(filemap.create(name, 10)))
      assert.are.equal("in_use", code_of(filemap.create_or_open(name, 10)))
      holder:close_input()
      assert.are.equal(1, holder:wait(support.deadline)) -- `read` fails at the end of its input
      assert.are.equal("not_found", code_of(filemap.open(name)))
    end)
  end)

  describe("a stale file of a dead holder", function()
    support.clean()

    it("is not found, even if its mode forbids writing", function()
      local name = support.unique("Local\\")
      local path = file_of(name)
      shell(': > "$1"; chmod 400 "$1"', "sh", path)
      assert.are.equal("not_found", code_of(filemap.open(name, "rw")))
      assert.is_nil(lfs.attributes(path))
    end)

    it("is removed by the next create of any name", function()
      local path = file_of(support.unique("Local\\"))
      shell(': > "$1"', "sh", path)
      assert(filemap.create(support.unique("Local\\"), 10)):close()
      assert.is_nil(lfs.attributes(path))
    end)
  end)

  describe("a limit on file sizes", function()
    support.clean()
    local program = [[
      local filemap = require "filemap"
      local map, _, code = filemap.create(nil, 1 << 20)
      local file, _, code2 = filemap.file(arg[1], "rw", { size = 1 << 20 })
      print(map, code, file, code2)]]

    it("makes create and file fail with too_large instead of ending the process", function()
      local path = support.tmpname()
      local child <close> = process.spawn { "sh", "-c", 'ulimit -f 1; exec "$@"', "sh", support.lua, "-",
        path }
      child:write(program)
      child:close_input()
      assert.are.equal("nil\ttoo_large\tnil\ttoo_large", child:read(support.deadline))
      assert.are.equal(0, child:wait(support.deadline))
      assert.is_nil(lfs.attributes(path))
    end)

    it("leaves a file that cannot grow unchanged", function()
      local path = support.tmpname()
      assert(filemap.file(path, "rw", { size = 100 })):close()
      local child <close> = process.spawn { "sh", "-c", 'ulimit -f 1; exec "$@"', "sh", support.lua, "-",
        path }
      child:write(program)
      child:close_input()
      assert.are.equal("nil\ttoo_large\tnil\ttoo_large", child:read(support.deadline))
      assert.are.equal(100, lfs.attributes(path, "size"))
    end)
  end)

  describe("commit", function()
    support.clean()

    local function allocated(options)
      local name = support.unique("/")
      local map <close> = assert(filemap.create(name, 1 << 20, options))
      local blocks = lfs.attributes("/dev/shm" .. name, "blocks")
      assert.is_true(filemap.unlink(name))
      return blocks * 512, map
    end

    it("allocates the memory if true, and only sets the size if false", function()
      assert.is_true((allocated { commit = true }) >= 1 << 20)
      assert.is_true((allocated { commit = false }) <= filemap.page_size)
    end)
  end)

  describe("a verbatim name", function()
    support.clean()

    it("is rejected as invalid if it is the file of another kind of name", function()
      local path = file_of(support.unique("Local\\"))
      assert.are.equal("invalid", code_of(filemap.create(path:match("/[^/]*$"), 10)))
    end)
  end)

  describe("adopt", function()
    support.clean()

    it("fails with denied for a descriptor that was not opened for the access", function()
      local path = support.tmpname()
      assert(filemap.file(path, "rw", { size = 100 })):close()
      local map <close> = assert(filemap.file(path, "r"))
      assert.are.equal("denied", code_of(filemap.adopt(map:handle(), 100, "rw")))
      assert.are.equal(100, #assert(map:view()))
    end)

    it("rejects a pipe as invalid", function()
      local child = support.child("mapper", "adopt", 0, 100, "r")
      assert.are.equal("invalid", child:expect())
      child:finish()
    end)

    it("accepts an inherited descriptor of a file", function()
      local path = support.tmpname()
      local map <close> = assert(filemap.file(path, "rw", { size = 100, inherit = true }))
      local child = support.child("mapper", "adopt", map:handle(), 100, "rw")
      assert.are.equal("opened", child:expect())
      child:finish()
    end)
  end)

  describe("growing one file from two processes", function()
    support.clean()

    it("never shrinks it", function()
      local folder = support.tmpname()
      local program = [[
        local filemap = require "filemap"
        local size, options = tonumber(arg[2]), { size = tonumber(arg[2]), commit = arg[3] == "true" }
        print("READY")
        io.stdout:flush()
        io.read()
        for i = 1, 500 do
          local map = assert(filemap.file(arg[1] .. i, "rw", options))
          assert(map:size() >= size)
          map:close()
        end]]
      assert(lfs.mkdir(folder))
      local script = folder .. "/grow.lua"
      local file = assert(io.open(script, "w"))
      file:write(program)
      file:close()
      local growers = {}
      for i, commit in ipairs { "false", "true" } do
        growers[i] = process.spawn { support.lua, script, folder .. "/", tostring(i * 4096), commit }
        assert.are.equal("READY", growers[i]:read(support.deadline))
      end
      for _, grower in ipairs(growers) do grower:write("go\n") end
      for _, grower in ipairs(growers) do assert.are.equal(0, grower:wait(support.deadline)) end
      for i = 1, 500 do
        assert.are.equal(8192, lfs.attributes(folder .. "/" .. i, "size"))
        os.remove(folder .. "/" .. i)
      end
      os.remove(script)
      lfs.rmdir(folder)
    end)
  end)
end)
