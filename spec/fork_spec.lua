-- Fork with open names, views, sync objects and channels. Neither process removes a name that the other
-- holds. An object that only one process can have stays with the parent. The last tests check what a started
-- program inherits.
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

-- The ways to fork from Lua: fork(2), and luaposix if it is installed for this Lua.
local FORKS = { ["fork(2)"] = "require('process').fork()" }
if pcall(require, "posix.unistd") then FORKS.luaposix = "require('posix.unistd').fork()" end

local function is_there(name)
  local map <close> = assert(filemap.open(name))
  return #map == SIZE
end

support.only("posix", "Windows has no fork", function()
  if not FORKS.luaposix then pending("a fork by luaposix (luaposix is not installed for Lua 5.4)") end

  -- The evaluator forks, and its child runs the next chunks. The parent continues after the child has ended.
  local function child_goes_first(parent, fork)
    assert.equal("child", parent:ask([[local pid = %s if pid == 0 then return 'child' end
      require('process').reap(pid) return 'parent']], fork))
  end

  -- The evaluator forks, and its child runs the next chunks. The parent runs `last_words` and ends.
  local function parent_ends(parent, fork, last_words)
    parent:start("local pid = %s if pid == 0 then return 'child' end %s", fork, last_words)
    parent:expect("^child$")
    parent:wait(support.deadline)
  end

  -- Ends the child that is left, which closes all that it has open.
  local function child_ends(parent)
    parent:start("os.exit(0, true)")
    assert.same({ nil, "eof" }, { parent:read(support.deadline) })
  end

  -- How a process stops holding the section. In the first two ways it goes on to run chunks.
  local ENDS = {
    ["closes"] = "v:close() m:close()",
    ["collects"] = "m, v = nil collectgarbage() collectgarbage()",
    ["exits and closes its Lua state"] = "os.exit(0, true)",
    ["exits without closing its Lua state"] = "os.exit(0, false)",
    ["is killed"] = "os.execute('kill -9 $PPID')",
  }

  local HOLD = [[m = assert(filemap.create(%q, %d)) v = m:view() s = v:sub(100, 50) c = v:sub(0, 20, 'copy')
    v:set_cstring(100, 'before', 20) return s:get_cstring(0)]]

  for which, fork in pairs(FORKS) do
    describe("a fork by " .. which, function()
      for how, ends in pairs(ENDS) do
        it("leaves the name to the parent when the child " .. how, function()
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

        it("leaves the name to the child when the parent " .. how, function()
          local name = support.unique("Global\\")
          local parent = support.child("evaluator")
          assert.equal("before", parent:ask(HOLD, name, SIZE))
          parent_ends(parent, fork, (ends:find("^os") and "" or "s, c = nil ") .. ends
            .. " os.exit(0, false)")
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

      it("leaves the name to the parent when the child closes, reopens and closes it", function()
        local name = support.unique("Local\\")
        local parent = support.child("evaluator")
        parent:ask(HOLD, name, SIZE)
        child_goes_first(parent, fork)
        parent:ask("v:close() m:close() s:close() c:close()")
        assert.equal("exists", parent:ask("return filemap.create(%q, 10)", name))
        local chunk = "m = assert(filemap.open(%q)) v = m:view() return v:get_cstring(100)"
        assert.equal("before", parent:ask(chunk, name))
        parent:ask("v:close() m:close() filemap.list()")
        parent:start("os.exit(0, true)")
        parent:expect("^parent$")
        assert.is_true(is_there(name))
        parent:finish()
        fails("not_found", name, filemap.open(name))
      end)

      it("leaves a locked mutex to the parent", function()
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

      it("does not keep a dead parent's mutex locked while the child lives", function()
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

      it("leaves the writer of a state to the parent", function()
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

      it("leaves the reader of a mailslot to the parent, and sends from both processes", function()
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
        assert.equal("before", conn:receive(support.deadline))
        -- The closed end is detected, though the child lives.
        fails("closed", name, conn:receive(support.deadline))
        conn:close()
        child_ends(parent)
      end)
    end)
  end

  describe("a program in C that forks", function()
    local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

    it("keeps and frees names correctly, in whatever way and order parent and child close them", function()
      local child <close> = process.spawn { folder .. "forks", "sides", support.unique("Local\\") }
      for _ = 1, 50 do child:expect(" first: ") end
      child:expect("^done$")
      assert.equal(0, child:wait(support.deadline))
    end)

    it("does not block other threads, and leaves no name held, when one thread forks", function()
      local child <close> = process.spawn { folder .. "forks", "threads", support.unique("Global\\") }
      child:expect("^done$")
      assert.equal(0, child:wait(support.deadline))
    end)
  end)
end)

describe("a started program", function()
  it("inherits no map, view or event by default", function()
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

  support.only("posix", "on Windows a shell lists what a program inherits", function()
    it("does not hold the names of the process that started it, also if that is killed", function()
      local name = support.unique("Local\\")
      local child = support.child("evaluator")
      local program = child:ask([[m = filemap.create(%q, %d)
        return io.popen('sleep 60 >/dev/null 2>&1 </dev/null & echo $!'):read('l')]], name, SIZE)
      child:kill()
      child:wait(support.deadline)
      local map, _, code = filemap.open(name)
      os.execute("kill " .. program)
      if map then map:close() end
      assert.equal("not_found", code)
    end)

    it("inherits from a shell only maps made with inherit = true", function()
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
