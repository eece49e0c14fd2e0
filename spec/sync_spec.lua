-- Mutexes, semaphores and events, in one process and between processes that may be killed.
local check = require "spec.support.check"
local core = require "filemap.core"
local filemap = require "filemap"
local support = require "spec.support"
local sync = require "filemap.sync"

local raises, contains, fails = check.raises, check.contains, check.fails

-- The time in which a dead holder must be noticed, with a margin for a loaded machine.
local SOON <const> = support.deadline / 10

local makers = {
  mutex = function(...) return sync.mutex(...) end,
  semaphore = function(name, ...) return sync.semaphore(name, 0, 1, ...) end,
  event = function(...) return sync.event(...) end,
}
local ways = { mutex = "lock", semaphore = "acquire", event = "wait" }

describe("sync objects", function()
  support.clean()

  for kind, make in pairs(makers) do
    describe("of kind " .. kind, function()
      it("are created or opened, and report which", function()
        local name = support.unique("Local\\")
        local one <close>, created = make(name)
        local two <close>, again = make(name)
        assert.is_true(created)
        assert.is_false(again)
        assert.equal(("filemap.%s (%s)"):format(kind, name), tostring(one))
        assert.equal("filemap." .. kind, getmetatable(two).__name)
      end)

      it("are only opened with `existing`", function()
        local name = support.unique()
        fails("not_found", name, make(name, { existing = true }))
        local _ <close> = assert(make(name))
        local _ <close>, created = assert(make(name, { existing = true }))
        assert.is_false(created)
      end)

      it("live as long as a process has them open", function()
        local name = support.unique("Local\\")
        local one, two = make(name), make(name)
        assert.is_true(one:close())
        assert(make(name, { existing = true })):close()
        assert.is_true(two:close())
        fails("not_found", name, make(name, { existing = true }))
      end)

      it("can be closed twice, and raise in other methods when closed", function()
        local one = make(support.unique())
        one:close()
        assert.is_true(one:close())
        assert.equal(("filemap.%s (closed)"):format(kind), tostring(one))
        contains("is closed", raises(one, ways[kind], 0))
      end)

      it("make their names invalid for other kinds and for maps", function()
        local name = support.unique("Local\\")
        local _ <close> = assert(make(name))
        for other, make_other in pairs(makers) do
          if other ~= kind then fails("invalid", name, make_other(name)) end
        end
        fails("invalid", name, filemap.open(name))
        fails("invalid", name, filemap.create(name, 100))
        fails("invalid", name, filemap.create_or_open(name, 100))
      end)

      it("fail with invalid for the name of a map", function()
        local name = support.unique("Local\\")
        local _ <close> = assert(filemap.create(name, 100))
        fails("invalid", name, make(name))
        fails("invalid", name, make(name, { existing = true }))
      end)

      it("raise for bad names, options and time-outs", function()
        fails("invalid", "a\\b", make("a\\b"))
        contains("unknown option 'size'", raises(makers, "." .. kind, "x", { size = 1 }))
        contains("option 'existing' must be a boolean", raises(makers, "." .. kind, "x", { existing = 1 }))
        local one <close> = make(support.unique())
        contains("negative", raises(one, ways[kind], -1))
        contains("must not be NaN", raises(one, ways[kind], 0 / 0))
        raises(one, ways[kind], "soon")
      end)

      it("end a wait at the time-out", function()
        local one <close> = make(support.unique())
        local name = tostring(one):match("%((.*)%)")
        if kind == "mutex" then
          local child = support.child("evaluator")
          assert.equal("true", child:ask("m = sync.mutex(%q) return m:lock()", name))
        end
        local start = core.now()
        fails("timeout", name, one[ways[kind]](one, 0))
        fails("timeout", name, one[ways[kind]](one, 0.05))
        assert.is_true(core.now() - start >= 0.045)
      end)
    end)
  end

  it("never count past max, whatever another process has made of the count, on POSIX", function()
    if support.windows then return end -- there the objects are the system's own, without a section
    local name = support.unique()
    local one <close> = sync.semaphore(name, 0, 3)
    local lfs = require "lfs"
    for _, count in ipairs { 3, 4, 0x7fffffff, 0xffffffff } do
      for file in lfs.dir("/dev/shm") do
        if file:find(name, 1, true) then
          local segment <close> = assert(io.open("/dev/shm/" .. file, "r+b"))
          segment:seek("set", 64) -- behind the header
          segment:write(string.pack("=I4", count))
        end
      end
      fails("full", name, one:release())
      fails("full", name, one:release(0x7fffffff))
    end
  end)

  it("fail with corrupt for a damaged section on POSIX", function()
    if support.windows then return end -- there the objects are the system's own, without a section
    local name = support.unique()
    local one <close> = sync.semaphore(name, 1, 1)
    local lfs = require "lfs"
    for file in lfs.dir("/dev/shm") do
      if file:find(name, 1, true) then
        local segment <close> = assert(io.open("/dev/shm/" .. file, "r+b"))
        segment:write("garbage!")
      end
    end
    fails("corrupt", name, sync.semaphore(name, 1, 1))
    assert.is_true(one:acquire(0))
  end)
end)

describe("a mutex", function()
  support.clean()

  it("is held by one process at a time", function()
    local name = support.unique("Local\\")
    local mutex <close> = sync.mutex(name)
    local child = support.child("evaluator")
    assert.equal("false", child:ask("m, made = sync.mutex(%q) return made", name))
    assert.is_true(mutex:lock())
    assert.equal("timeout", child:ask("return m:lock(0.01)"))
    child:start("return m:lock()")
    assert.is_true(mutex:unlock())
    assert.equal("true", child:expect())
    fails("timeout", name, mutex:lock(0))
    assert.equal("true", child:ask("return m:unlock()"))
    assert.same({ true }, { mutex:lock() })
    mutex:unlock()
  end)

  it("can be locked again by its holder through any object, and must be unlocked as often", function()
    local name = support.unique("Local\\")
    local a <close> = sync.mutex(name)
    local b <close> = sync.mutex(name)
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q)", name)
    for _, m in ipairs { a, b, a } do assert.is_true(m:lock(0)) end
    for _, m in ipairs { b, b, a } do
      assert.equal("timeout", child:ask("return m:lock(0)"))
      assert.is_true(m:unlock())
    end
    contains("this thread does not hold it", raises(a, "unlock"))
    assert.equal("true", child:ask("return m:lock(0)"))
    contains("this thread does not hold it", raises(b, "unlock"))
  end)

  it("stays locked when the object that was locked first is closed and another holds it", function()
    local name = support.unique("Local\\")
    local a, b = sync.mutex(name), sync.mutex(name)
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q)", name)
    a:lock()
    b:lock()
    a:close()
    assert.equal("timeout", child:ask("return m:lock(0)"))
    b:unlock()
    assert.equal("true", child:ask("return m:lock(0)"))
    b:close()
  end)

  it("stays locked when the object that was locked first is unlocked and closed", function()
    local name = support.unique("Local\\")
    local a, b <close> = sync.mutex(name), sync.mutex(name)
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q)", name)
    a:lock()
    b:lock()
    a:unlock()
    a:close()
    assert.equal("timeout", child:ask("return m:lock(0.1)"))
    b:unlock()
    assert.equal("true", child:ask("return m:lock(0)"))
  end)

  it("stays locked when an object is closed by which it was locked, and another unlocked it since", function()
    local name = support.unique("Local\\")
    local a, b <close> = sync.mutex(name), sync.mutex(name)
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q)", name)
    a:lock()
    b:unlock()
    b:lock()
    a:close()
    assert.equal("timeout", child:ask("return m:lock(0)"))
    b:unlock()
    assert.equal("true", child:ask("return m:lock(0)"))
  end)

  it("stays locked when a process that does not hold it closes it", function()
    local name = support.unique("Local\\")
    local mutex <close> = sync.mutex(name)
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q) m:lock()", name)
    assert(sync.mutex(name)):close()
    fails("timeout", name, mutex:lock(0))
    assert(sync.mutex(name)) -- which is collected
    collectgarbage()
    collectgarbage()
    fails("timeout", name, mutex:lock(0))
    assert.equal("true", child:ask("return m:unlock()"))
    assert.same({ true }, { mutex:lock(0) })
    mutex:unlock()
  end)

  it("is unlocked when its holder closes it or exits", function()
    local name = support.unique("Local\\")
    local mutex <close> = sync.mutex(name)
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q) m:lock() m:lock()", name)
    child:ask("m:close()")
    assert.same({ true }, { mutex:lock(0) })
    mutex:unlock()
    child:ask("m = sync.mutex(%q) m:lock()", name)
    child:finish()
    assert.same({ true }, { mutex:lock(SOON) })
    mutex:unlock()
  end)

  it("is abandoned when its holder dies, and soon free", function()
    local name = support.unique("Local\\")
    local mutex <close> = sync.mutex(name)
    for _ = 1, 5 do
      local child = support.child("evaluator")
      assert.equal("true", child:ask("m = sync.mutex(%q) return m:lock()", name))
      child:kill()
      local start = core.now()
      assert.same({ true, "abandoned" }, { mutex:lock() })
      assert.is_true(core.now() - start < SOON)
      mutex:unlock()
      assert.same({ true }, { mutex:lock(0) })
      mutex:unlock()
    end
  end)

  it("is abandoned also for a process that opens it after its holder died", function()
    local name = support.unique("Local\\")
    local _ <close> = sync.mutex(name)
    local child = support.child("evaluator")
    child:ask("m = sync.mutex(%q) m:lock()", name)
    child:kill()
    child:wait(support.deadline)
    local mutex <close> = sync.mutex(name)
    assert.same({ true, "abandoned" }, { mutex:lock() })
    mutex:unlock()
  end)

  it("stays usable when processes that wait for it are killed", function()
    local name = support.unique("Local\\")
    local mutex <close> = sync.mutex(name)
    mutex:lock()
    for _ = 1, 5 do
      local child = support.child("evaluator")
      child:ask("m = sync.mutex(%q)", name)
      child:start("return m:lock()")
      child:kill()
      child:wait(support.deadline)
    end
    mutex:unlock()
    local child = support.child("evaluator")
    assert.equal("true", child:ask("m = sync.mutex(%q) return m:lock(0)", name))
  end)

  it("protects a counter that several processes change", function()
    local name, children = support.unique("Local\\"), {}
    local map <close> = assert(filemap.create(name .. "-map", 8))
    local view <close> = map:view()
    for i = 1, 4 do
      children[i] = support.child("evaluator")
      children[i]:ask("m = sync.mutex(%q) v = filemap.open(%q, 'rw'):view()", name, name .. "-map")
    end
    for _, child in ipairs(children) do
      child:start("for _ = 1, 5000 do m:lock() v:set_i64(0, v:get_i64(0) + 1) m:unlock() end return 'done'")
    end
    for _, child in ipairs(children) do assert.equal("done", child:expect()) end
    assert.equal(20000, view:get_i64(0))
  end)

  it("stays usable when processes are killed at any moment", function()
    local name = support.unique("Local\\")
    local mutex <close> = sync.mutex(name)
    local children = {}
    local function start()
      local child = support.child("evaluator")
      child:start("m = sync.mutex(%q) while true do m:lock() m:unlock() end", name)
      return child
    end
    for i = 1, 3 do children[i] = start() end
    for round = 1, 20 do
      children[round % 3 + 1]:kill()
      children[round % 3 + 1] = start()
      assert.is_true(mutex:lock(support.deadline))
      mutex:unlock()
    end
  end)
end)

describe("a semaphore", function()
  support.clean()

  it("counts down with acquire and up with release, to its maximum", function()
    local name = support.unique("Local\\")
    local s <close> = sync.semaphore(name, 2, 3)
    assert.is_true(s:acquire(0))
    assert.is_true(s:acquire(0))
    fails("timeout", name, s:acquire(0))
    assert.is_true(s:release(3))
    fails("full", name, s:release())
    assert.is_true(s:acquire())
    fails("full", name, s:release(2))
    assert.is_true(s:release(1))
  end)

  it("keeps the counts with which it was created", function()
    local name = support.unique("Local\\")
    local _ <close> = sync.semaphore(name, 0, 1)
    local other <close> = sync.semaphore(name, 5, 10)
    fails("timeout", name, other:acquire(0))
    fails("full", name, other:release(2))
  end)

  it("raises for invalid counts", function()
    for _, bad in ipairs { { -1, 1 }, { 2, 1 }, { 0, 0 }, { 0, 1 << 31 }, { 0, 1 << 62 }, { 0.5, 1 } } do
      raises(sync, ".semaphore", support.unique(), bad[1], bad[2])
    end
    local s <close> = sync.semaphore(support.unique(), 0, 0x7fffffff)
    for _, bad in ipairs { 0, -1, 1 << 31, 1.5 } do raises(s, "release", bad) end
    assert.is_true(s:release(0x7fffffff))
  end)

  it("releases as many waiting processes as release counts", function()
    local name, children, went = support.unique("Local\\"), {}, 0
    local s <close> = sync.semaphore(name, 0, 10)
    local done <close> = sync.semaphore(name .. "-done", 0, 10)
    for i = 1, 3 do
      children[i] = support.child("evaluator")
      children[i]:start("s = sync.semaphore(%q, 0, 1) d = sync.semaphore(%q, 0, 1) s:acquire() d:release()",
        name,
        name .. "-done")
    end
    s:release(2)
    for _ = 1, 2 do assert.is_true(done:acquire(support.deadline)) end
    assert.is_nil((done:acquire(0.1)))
    s:release()
    assert.is_true(done:acquire(support.deadline))
    for _, child in ipairs(children) do went = went + (child:expect() == "" and 1 or 0) end
    assert.equal(3, went)
  end)
end)

describe("an event", function()
  support.clean()

  it("releases one wait for each set, and is reset by that wait", function()
    local name = support.unique("Local\\")
    local e <close> = sync.event(name)
    fails("timeout", name, e:wait(0))
    assert.is_true(e:set())
    assert.is_true(e:set())
    assert.is_true(e:wait(0))
    fails("timeout", name, e:wait(0))
    e:set()
    assert.is_true(e:reset())
    fails("timeout", name, e:wait(0))
  end)

  it("releases every wait until it is reset, if it is manual", function()
    local name = support.unique("Local\\")
    local e <close> = sync.event(name, { manual = true, set = true })
    assert.is_true(e:wait(0))
    assert.is_true(e:wait())
    e:reset()
    fails("timeout", name, e:wait(0))
    local children = {}
    for i = 1, 4 do
      children[i] = support.child("evaluator")
      children[i]:start("return sync.event(%q):wait()", name)
    end
    e:set()
    for _, child in ipairs(children) do assert.equal("true", child:expect()) end
  end)

  it("wakes a waiting process 2000 times in each direction", function()
    local name = support.unique("Local\\")
    local ping <close> = sync.event(name .. "1")
    local pong <close> = sync.event(name .. "2")
    local child = support.child("evaluator")
    child:start("i, o = sync.event(%q), sync.event(%q) for _ = 1, 2000 do i:wait() o:set() end return 'done'",
      name .. "1", name .. "2")
    for _ = 1, 2000 do
      ping:set()
      assert.is_true(pong:wait(support.deadline))
    end
    assert.equal("done", child:expect())
  end)

  it("is not consumed by a process that died while it waited", function()
    local name = support.unique("Local\\")
    local e <close> = sync.event(name)
    local child = support.child("evaluator")
    child:ask("e = sync.event(%q)", name)
    child:start("return e:wait()")
    child:kill()
    child:wait(support.deadline)
    e:set()
    assert.is_true(e:wait(0))
  end)

  it("uses almost no processor time while a process waits for it", function()
    local name = support.unique("Local\\")
    local child = support.child("evaluator")
    local used = child:ask("e = sync.event(%q) local c = os.clock() e:wait(1) return os.clock() - c", name)
    -- On Windows os.clock counts elapsed time, not processor time.
    if not support.windows then assert.is_true(tonumber(used) < 0.1, used) end
  end)
end)
