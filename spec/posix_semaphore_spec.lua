-- Semaphores with verbatim names: on POSIX they are those of sem_open(3), which other programs use too.
local check = require "spec.support.check"
local process = require "process"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails, contains, raises = check.fails, check.contains, check.raises

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local FILE <const> = support.foreign == "musl" and "/dev/shm/" or "/dev/shm/sem."
local programs = {
  ["a C program"] = { folder .. "posix_semaphore" },
  ["a Python program"] = { "/usr/bin/env", "python3", "spec/counterpart/semaphore.py" },
}

-- Starts a program with more arguments, and waits for its READY.
local function run(command, ...)
  local words = table.move(command, 1, #command, 1, {})
  local program = process.spawn(table.move({ ... }, 1, select("#", ...), #words + 1, words))
  assert.equal("READY", program:read(support.deadline))
  return program
end

local function ask(program, line)
  assert(program:write(line .. "\n"))
  return assert(program:read(support.deadline))
end

local function finish(program)
  program:close_input()
  assert.equal(0, program:wait(support.deadline))
end

describe("a semaphore with a verbatim name", function()
  support.clean()

  support.only("posix", "Windows has no sem_open", function()
    local name
    before_each(function() name = support.unique("/") end)

    for title, command in pairs(programs) do
      -- A semaphore of another word size or C library is another type.
      local differs = support.foreign and command[2] == "python3" and " (python3 is this machine's)"
      local it = differs and function(what) pending(what .. differs) end
        or command[2] == "python3" and support.having("python3", it) or it

      it("is one that " .. title .. " can open, acquire and release", function()
        local s <close>, created = sync.semaphore(name, 2, 10)
        assert.is_true(created)
        local other = run(command, name, "open")
        assert.equal("2", ask(other, "value"))
        assert.equal("done", ask(other, "wait"))
        assert.is_true(s:acquire(0))
        fails("timeout", name, s:acquire(0))
        assert(other:write("wait\n"))
        assert.is_true(s:release())
        assert.equal("done", other:read(support.deadline))
        assert.equal("done", ask(other, "post"))
        assert.is_true(s:acquire(support.deadline))
        finish(other)
      end)

      it("can be one that " .. title .. " created", function()
        local other = run(command, name, "create", "1")
        local s <close>, created = sync.semaphore(name, 5, 10)
        assert.is_false(created)
        assert.is_true(s:acquire(0))
        fails("timeout", name, s:acquire(0.05))
        assert.equal("done", ask(other, "post"))
        assert.is_true(s:acquire())
        assert.is_true(s:release(3))
        assert.equal("3", ask(other, "value"))
        finish(other)
      end)
    end

    it("stays until its name is unlinked", function()
      fails("not_found", name, sync.semaphore(name, 0, 1, { existing = true }))
      fails("not_found", name, sync.unlink(name))
      assert(sync.semaphore(name, 1, 1)):close()
      local s <close>, created = sync.semaphore(name, 0, 1, { existing = true })
      assert.is_false(created)
      assert.is_true(sync.unlink(name))
      fails("not_found", name, sync.semaphore(name, 0, 1, { existing = true }))
      assert.is_true(s:acquire(0))
    end)

    it("has a max that each opener checks alone", function()
      local s <close> = assert(sync.semaphore(name, 1, 3))
      local wide <close> = assert(sync.semaphore(name, 1, 100))
      fails("full", name, s:release(3))
      assert.is_true(s:release(2))
      fails("full", name, s:release())
      assert.is_true(wide:release(97))
      fails("full", name, wide:release())
      fails("full", name, s:release())
    end)

    it("keeps its count when a process that acquired it is killed", function()
      local s <close> = assert(sync.semaphore(name, 1, 1))
      local child = support.child("evaluator")
      child:ask("s = sync.semaphore(%q, 0, 1)", name)
      assert.equal("true", child:ask("return s:acquire(0)"))
      child:kill()
      fails("timeout", name, s:acquire(0.02))
    end)

    it("has the mode that was asked for, whatever the umask is", function()
      local s <close> = assert(sync.semaphore(name, 0, 1, { mode = "0666" }))
      local file = require("lfs").attributes(FILE .. name:sub(2))
      assert.equal("rw-rw-rw-", file.permissions)
      s:close()
    end)

    it("is invalid where the file is not a semaphore", function()
      local path = FILE .. name:sub(2)
      local file = assert(io.open(path, "w"))
      file:write("x")
      file:close()
      fails("invalid", name, sync.semaphore(name, 0, 1))
      os.remove(path)
      os.execute("mkfifo " .. path)
      fails("invalid", name, sync.semaphore(name, 0, 1))
      os.remove(path)
    end)

    -- The C library ends a process whose semaphore has such bytes, so a child calls.
    it("is invalid where the file has the size of a semaphore and other bytes", function()
      local path = FILE .. name:sub(2)
      assert(sync.semaphore(name, 0, 1)):close()
      local size = require("lfs").attributes(path, "size")
      local child = support.child("evaluator")
      local zeros = support.foreign ~= "musl" and ("\0"):rep(size) or nil -- musl's semaphore of count 0
      for _, bytes in ipairs { ("\x55"):rep(size), ("\xff"):rep(size), zeros } do
        local file = assert(io.open(path, "w"))
        file:write(bytes)
        file:close()
        assert.equal("invalid", child:ask([[
          s, _, code, native = sync.semaphore(%q, 0, 9)
          if not s then return nil, '', code, native end
          s:acquire(0.01) s:release() return 'a semaphore' ]], name))
      end
      child:finish()
    end)

    it("is corrupt when another program overwrites it", function()
      local path = FILE .. name:sub(2)
      local child = support.child("evaluator")
      child:ask("s = sync.semaphore(%q, 0, 9)", name)
      local file = assert(io.open(path, "r+"))
      file:write(("\x55"):rep(require("lfs").attributes(path, "size")))
      file:close()
      for _, call in ipairs { "s:acquire(0)", "s:acquire(0.01)", "s:release()", "sync.wait_any({ s }, 0)" } do
        assert.equal("corrupt", child:ask("return " .. call))
      end
      child:finish()
    end)

    it("rejects a second / and security descriptors", function()
      fails("invalid", name .. "/b", sync.semaphore(name .. "/b", 0, 1))
      fails("unsupported", name, sync.semaphore(name, 0, 1, { sddl = "D:" }))
    end)
  end)
end)

describe("sync.unlink", function()
  support.clean()

  it("fails for other kinds of names, and for all names on Windows", function()
    local code = support.windows and "unsupported" or "invalid"
    local name = support.unique("Local\\")
    local s <close> = assert(sync.semaphore(name, 0, 1))
    fails(code, name, sync.unlink(name))
    assert.is_true(s:release())
    contains("string expected", raises(sync, ".unlink"))
  end)
end)
