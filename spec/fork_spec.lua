-- A fork while names, views, sync objects and channels are open: neither side takes away what the other has, and what
-- only one may have is the parent's. And what becomes of them in other programs that are started.
local check = require "spec.support.check"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails = check.fails

local SIZE <const> = 10000

support.clean()

-- The ways to fork from Lua: by fork(2) alone, and by luaposix where it is installed for this Lua.
local FORKS = { ["fork(2)"] = "require('process').fork()" }
if pcall(require, "posix.unistd") then FORKS.luaposix = "require('posix.unistd').fork()" end

local function is_there(name)
  local map <close> = assert(filemap.open(name))
  return #map == SIZE
end

support.only("posix", "Windows has no fork", function()
  if not FORKS.luaposix then pending("luaposix's fork (it is not installed for Lua 5.4)") end

  -- The evaluator forks. One side waits for the next orders; the other (`parent` first waits for the child's end) is
  -- out of the way.
  local function child_goes_first(parent, fork)
    assert.equal("child", parent:ask([[local pid = %s if pid == 0 then return 'child' end
      require('process').reap(pid) return 'parent']], fork))
  end

  local function parent_ends(parent, fork, last_words)
    parent:start("local pid = %s if pid == 0 then return 'child' end %s", fork, last_words)
    parent:expect("^child$")
    parent:wait(support.deadline)
  end

  -- The child that is left ends, and with it what it has open.
  local function child_ends(parent)
    parent:start("os.exit(0, true)")
    assert.same({ nil, "eof" }, { parent:read(support.deadline) })
  end

  -- The ways of a side to let go. Some say something first.
  local ENDS = {
    ["closes"] = "v:close() m:close()",
    ["collects"] = "m, v = nil collectgarbage() collectgarbage()",
    ["ends with its Lua state closed"] = "os.exit(0, true)",
    ["ends without"] = "os.exit(0, false)",
    ["is killed"] = "os.execute('kill -9 $PPID')",
  }

  local HOLD = [[m = assert(filemap.create(%q, %d)) v = m:view() s = v:sub(100, 50) c = v:sub(0, 20, 'copy')
    v:set_cstring(100, 'before', 20) return s:get_cstring(0)]]

  for which, fork in pairs(FORKS) do
    describe("a fork by " .. which, function()
      for how, ends in pairs(ENDS) do
        it("leaves the parent the name when the child " .. how, function()
          local name = support.unique("Local\\")
          local parent = support.child("evaluator")
          assert.equal("before", parent:ask(HOLD, name, SIZE))
          child_goes_first(parent, fork)
          parent:ask("s:set_u8(40, 7) c:set_u8(0, 1)")
          assert.equal("true before", parent:ask("return m:size() == #v, s:get_cstring(0)"))
          if how == "closes" or how == "collects" then parent:ask("s, c = nil " .. ends) end
          assert.is_true(is_there(name))
          parent:start(ends:find("^os") and ends or "os.exit(0, false)")
          parent:expect("^parent$")
          assert.is_true(is_there(name))
          assert.equal("before 7 0 7",
            parent:ask("return v:get_cstring(100), v:get_u8(140), c:get_u8(0), s:get_u8(40)"))
          parent:ask("v:close() m:close() s:close() c:close()")
          fails("not_found", name, filemap.open(name))
          parent:finish()
        end)

        it("leaves the child the name when the parent " .. how, function()
          local name = support.unique("Global\\")
          local parent = support.child("evaluator")
          assert.equal("before", parent:ask(HOLD, name, SIZE))
          parent_ends(parent, fork, (ends:find("^os") and "" or "s, c = nil ") .. ends .. " os.exit(0, false)")
          assert.is_true(is_there(name))
          assert.equal("before", parent:ask("return v:get_cstring(100)"))
          parent:ask("m:close() v:close() c:close()")
          assert.is_true(is_there(name))
          parent:ask("s:close()")
          fails("not_found", name, filemap.open(name))
          parent:ask("m = assert(filemap.create(%q, 10))", name)
          fails("exists", name, filemap.create(name, 10))
          parent:ask("m:close()")
        end)
      end

      it("leaves the child the name when it opens and closes it anew", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask(HOLD, name, SIZE)
        child_goes_first(parent, fork)
        parent:ask("v:close() m:close() s:close() c:close()")
        assert.equal("exists", parent:ask("return filemap.create(%q, 10)", name))
        assert.equal("before", parent:ask("m = assert(filemap.open(%q)) v = m:view() return v:get_cstring(100)", name))
        parent:ask("v:close() m:close() filemap.list()")
        parent:start("os.exit(0, true)")
        parent:expect("^parent$")
        assert.is_true(is_there(name))
        parent:finish()
        fails("not_found", name, filemap.open(name))
      end)

      it("leaves a mutex to the parent", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask("m = sync.mutex(%q) return m:lock()", name)
        child_goes_first(parent, fork)
        assert.equal("timeout", parent:ask("return m:lock(0)"))
        assert.is_truthy(parent:ask("m:unlock()"):find("^raised "))
        parent:start("m:close() os.exit(0, true)")
        parent:expect("^parent$")
        local mutex <close> = sync.mutex(name)
        fails("timeout", name, mutex:lock(0.06))
        assert.equal("true", parent:ask("return m:unlock()"))
        assert.is_true(mutex:lock(support.deadline))
        mutex:unlock()
        parent:finish()
      end)

      it("does not keep a dead parent's mutex locked", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask("m = sync.mutex(%q) return m:lock()", name)
        parent_ends(parent, fork, "os.exit(0, false)")
        assert.equal("true abandoned", parent:ask("return m:lock(%d)", support.deadline))
        local mutex <close> = sync.mutex(name)
        fails("timeout", name, mutex:lock(0))
        assert.equal("true", parent:ask("return m:unlock()"))
        assert.is_true(mutex:lock(support.deadline))
        mutex:unlock()
        child_ends(parent)
      end)

      it("shares semaphores and events", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask("s = sync.semaphore(%q, 1, 2) e = sync.event(%q, { manual = true })", name, name .. "e")
        child_goes_first(parent, fork)
        assert.equal("true true", parent:ask("return s:acquire(0), e:set()"))
        parent:start("os.exit(0, true)")
        parent:expect("^parent$")
        assert.equal("timeout", parent:ask("return s:acquire(0)"))
        assert.equal("true", parent:ask("return e:wait(0)"))
        assert.equal("true", parent:ask("return s:release()"))
        parent:finish()
      end)

      it("leaves what writes a state to the parent", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask("w = state.create(%q, 100) w:publish('one') r = state.open(%q)", name, name)
        child_goes_first(parent, fork)
        assert.equal("denied", parent:ask("return w:publish('mine')"))
        assert.equal("one 1", parent:ask("return r:read()"))
        parent:start("w:close() os.exit(0, true)")
        parent:expect("^parent$")
        fails("in_use", name, state.create_or_open(name, 100))
        assert.equal("true", parent:ask("return w:publish('two')"))
        parent_ends(parent, fork, "os.exit(0, false)")
        local writer <close> = assert(state.create_or_open(name, 100)) -- though the child lives
        writer:publish("three")
        assert.equal("three 3", parent:ask("return r:read()"))
        child_ends(parent)
      end)

      it("leaves what receives from a mailslot to the parent, and sends from both", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask("s = mailslot.create(%q) w = mailslot.open(%q)", name, name)
        child_goes_first(parent, fork)
        assert.equal("denied", parent:ask("return s:receive(0)"))
        assert.equal("true", parent:ask("return w:send('of the child')"))
        parent:start("s:close() os.exit(0, true)")
        parent:expect("^parent$")
        fails("exists", name, mailslot.create(name))
        assert.equal("true", parent:ask("return w:send('of the parent')"))
        assert.equal("of the child", parent:ask("return s:receive(0)"))
        assert.equal("of the parent", parent:ask("return s:receive(0)"))
        parent:finish()
      end)

      it("leaves the ends of a pipe to the parent", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask("l = pipe.listen(%q) a = pipe.connect(%q) b = l:accept(1)", name, name)
        child_goes_first(parent, fork)
        assert.equal("denied", parent:ask("return a:send('x', 0)"))
        assert.equal("denied", parent:ask("return b:receive(0)"))
        assert.equal("denied", parent:ask("return l:accept(0)"))
        parent:start("a:close() b:close() l:close() os.exit(0, true)")
        parent:expect("^parent$")
        fails("exists", name, pipe.listen(name))
        assert.equal("true", parent:ask("return a:send('still open')"))
        assert.equal("still open", parent:ask("return b:receive(1)"))
        local conn = assert(pipe.connect(name))
        assert.equal("true", parent:ask("d = l:accept(1) return d:send('before')"))
        parent_ends(parent, fork, "os.exit(0, false)")
        assert.equal("before", conn:receive(support.deadline)) -- and then the end is known, though the child lives
        fails("closed", name, conn:receive(support.deadline))
        conn:close()
        child_ends(parent)
      end)
    end)
  end

  describe("a program in C that forks", function()
    local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

    it("has sides that let go in any way and order", function()
      local child <close> = process.spawn { folder .. "forks", "sides", support.unique("Local\\") }
      for _ = 1, 50 do child:expect(" first: ") end
      child:expect("^done$")
      assert.equal(0, child:wait(support.deadline))
    end)

    it("in one thread holds up no other, and keeps no name for ever", function()
      local child <close> = process.spawn { folder .. "forks", "threads", support.unique("Global\\") }
      child:expect("^done$")
      assert.equal(0, child:wait(support.deadline))
    end)
  end)
end)

describe("another program that is started", function()
  it("holds nothing", function()
    local name = support.unique("Local\\")
    local map = assert(filemap.create(name, SIZE))
    local view = assert(map:view())
    local event = sync.event(name .. "e")
    local child <close> = support.child("mapper", "nothing")
    view:close()
    map:close()
    event:close()
    fails("not_found", name, filemap.open(name))
    fails("not_found", name .. "e", sync.event(name .. "e", { existing = true }))
    child:finish()
  end)

  support.only("posix", "Windows programs started by a shell are told what to inherit", function()
    it("by a shell holds what is to be inherited, and nothing else", function()
      for _, inherit in ipairs { false, true } do
        local name = support.unique("Local\\")
        local map = assert(filemap.create(name, SIZE, { inherit = inherit }))
        local program = assert(io.popen("read line", "w"))
        map:close()
        if inherit then assert.is_true(is_there(name)) else fails("not_found", name, filemap.open(name)) end
        program:close()
        fails("not_found", name, filemap.open(name))
      end
    end)
  end)
end)
