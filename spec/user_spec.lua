-- Several users of one machine, who plant files under each other's names, block each other and share
-- sections. Children of root become two unprivileged users, so most of these tests run only as root.
local check = require "spec.support.check"
local filemap = require "filemap"
local lfs = require "lfs"
local pipe = require "filemap.pipe"
local process = require "process"
local steps = require "spec.support.steps"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails = check.fails

local OURS <const>, OTHERS <const> = 65533, 65534 -- two users
local FOLDER <const> = "/dev/shm/"

support.clean()

local function user(uid, start)
  local child = start and start() or support.child("evaluator")
  child:ask("require('process').become(%d)", uid)
  return child
end

-- A program that becomes another user and keeps locks of one kind on files until its input ends.
local LOCKER <const> = [==[
import fcntl, os, signal, struct, sys
how, uid = sys.argv[1], int(sys.argv[2])
os.setgroups([])
os.setgid(uid)
os.setuid(uid)
signal.signal(signal.SIGIO, signal.SIG_IGN)
paths = sys.argv[3:4] if how == "link" else sys.argv[3:]
files = [os.open(path, os.O_RDONLY if how != "lease" else os.O_RDWR) for path in paths]
for file in files:
  if how == "lease": fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
  if how == "exclusive": fcntl.flock(file, fcntl.LOCK_EX)
  if how == "shared": fcntl.flock(file, fcntl.LOCK_SH)
if how == "link": os.link(*sys.argv[3:5])
print("READY", flush=True)
if how == "link":
  # After a line of input, take the locks of a holder through the descriptor that was opened before.
  sys.stdin.readline()
  fcntl.flock(files[0], fcntl.LOCK_SH)
  fcntl.fcntl(files[0], 37, struct.pack("hh4xqqi4x", fcntl.F_RDLCK, 0, 1 << 62, 1, 0)) # F_OFD_SETLK
  print("HELD", flush=True)
sys.stdin.read()
for file in files: os.close(file)
]==]

local function start(...) return process.spawn { ... } end

local function start_locker(how, ...)
  return start("python3", "-c", LOCKER, how, tostring(OTHERS), ...)
end

local function locker(how, ...)
  local child = start_locker(how, ...)
  child:expect("^READY$")
  return child
end

-- Waits until a process waits for a lock on a file.
local function wait_for_waiter(path)
  local inode = (":%d "):format(lfs.attributes(path, "ino"))
  local deadline = process.now() + support.deadline
  while process.now() < deadline do
    for line in io.lines("/proc/locks") do
      if line:find("->", 1, true) and line:find(inode, 1, true) then return end
    end
    process.sleep(0.001)
  end
  error("no process waits for a lock on " .. path)
end

-- The results of the calls of a user with access to the name: where the name is free, and where a process
-- holds it.
local FREE <const> = { create = "opened", open = "not_found", ["open, to write"] = "not_found",
  create_or_open = "opened" }
local TAKEN <const> = { create = "exists", open = "opened", ["open, to write"] = "opened",
  create_or_open = "opened" }
-- The results for another user's name that no process holds.
local DEAD <const> = { create = "denied", open = "not_found", ["open, to write"] = "not_found",
  create_or_open = "denied" }

local CALLS <const> = {
  create = "return filemap.create(%q, 100)",
  open = "return filemap.open(%q)",
  ["open, to write"] = "return filemap.open(%q, 'rw')",
  create_or_open = "return filemap.create_or_open(%q, 100)",
}

local IS_LISTED <const> = [[local found = false for _, entry in ipairs(assert(filemap.list())) do
  found = found or entry.name:gsub('^Local.', '') == %q end return found]]

-- Checks the result of each call on the name, and that no call waits long.
local function says(child, name, expected)
  for call, chunk in pairs(CALLS) do
    local from = process.now()
    local code = expected[call] or expected
    local said = child:ask("local m, x, c = (function() " .. chunk .. " end)() if m then m:close() end " ..
      "return m and (x and 'created' or 'opened') or c", name)
    assert.equal(code, said:gsub("^created$", "opened"), call .. " of " .. name)
    assert.is_true(process.now() - from < support.deadline / 3, call .. " waited")
  end
end

local function shell(command, ...)
  local child <close> = start("sh", "-c", command, "sh", ...)
  assert.equal(0, child:wait(support.deadline))
end

-- The kind, inode, owner and permissions of the object at a path. Links are not followed.
local function identity(path)
  local found = assert(lfs.symlinkattributes(path))
  return ("%s %d %d %s"):format(found.mode, found.ino, found.uid, found.permissions)
end

support.only("posix", "on Windows a section's security descriptor decides", function()
  local is_root = lfs.attributes("/proc/self", "uid") == 0
  local it_as_root = is_root and it
    or function(name) pending("(only root can become other users) " .. name) end

  describe("an object that another user planted", function()
    -- $1 is the path, $2 the path of a file of the other user's own.
    local PLANTS = {
      ["a file"] = ': > "$1"; chmod 666 "$1"',
      ["a file that no other user can read"] = ': > "$1"; chmod 600 "$1"',
      ["a folder"] = 'mkdir "$1"',
      ["a FIFO"] = 'mkfifo -m 666 "$1"',
      ["a socket"] = [[python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1"]],
      ["a symbolic link to the other user's file"] = ': > "$2"; ln -s "$2" "$1"',
      ["a symbolic link to a device"] = 'ln -s /dev/zero "$1"',
      ["a symbolic link to nothing"] = 'ln -s /dev/shm/filemap-none "$1"',
      ["a hard link to the other user's file"] = ': > "$2"; chmod 666 "$2"; ln "$2" "$1"',
      ["a device"] = 'mknod -m 666 "$1" c 1 5 && chown 65534 "$1"', -- only root can make one
    }

    local function plant(what, path)
      local own = path .. ".own"
      local by = what == "a device" and { "sh", "-c" }
        or { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c" }
      table.move({ PLANTS[what], "sh", path, own }, 1, 4, #by + 1, by)
      local child <close> = start(table.unpack(by))
      assert.equal(0, child:wait(support.deadline))
      return function() shell('rm -rf "$1" "$2"', path, own) end
    end

    local function is_regular(what)
      return what:find("file") and not what:find("link")
    end

    local function refuses(what, name, path, expected)
      local remove = plant(what, path)
      local before = identity(path)
      local ours = user(OURS)
      says(ours, name, expected)
      assert.equal("false", ours:ask(IS_LISTED, name))
      assert.equal(before, identity(path))
      remove()
      says(ours, name, FREE)
    end

    for what in pairs(PLANTS) do
      it_as_root("makes calls fail with denied under this user's name: " .. what, function()
        local name = support.unique()
        refuses(what, name, ("%sfilemap.%d.%s"):format(FOLDER, OURS, name), "denied")
      end)

      it_as_root("is refused under a Global\\ name: " .. what, function()
        local name = support.unique()
        local expected = what:find("no other user") and "denied" or is_regular(what) and DEAD
          or what:find("hard link") and "denied" or "invalid"
        refuses(what, "Global\\" .. name, FOLDER .. "filemap.global." .. name, expected)
      end)
    end

    for what in pairs(PLANTS) do
      if not is_regular(what) and not what:find("hard link") then
        it_as_root("makes calls fail with invalid under a verbatim name: " .. what, function()
          local name = support.unique()
          local remove = plant(what, FOLDER .. name)
          local before = identity(FOLDER .. name)
          says(user(OURS), "/" .. name, "invalid")
          assert.equal(before, identity(FOLDER .. name))
          remove()
        end)
      end
    end

    it_as_root("is not opened if it is a FIFO, so that a process that reads it keeps waiting", function()
      local name = support.unique()
      for _, path in ipairs { ("%sfilemap.%d.%s"):format(FOLDER, OURS, name),
        FOLDER .. "filemap.global." .. name } do
        local remove = plant("a FIFO", path)
        local reader <close> = start("sh", "-c", 'echo READY; cat "$1"', "sh", path)
        reader:expect("^READY$")
        local ours = user(OURS)
        says(ours, name, path:find("global") and FREE or "denied")
        says(ours, "Global\\" .. name, path:find("global") and "invalid" or FREE)
        -- The first text that the process reads is this one.
        shell('echo written > "$1"', path)
        assert.equal("written", reader:expect())
        remove()
      end
    end)

    it_as_root("is refused if it is a hard link to this user's section that the other user holds", function()
      local name, global = support.unique(), support.unique()
      local path = ("%sfilemap.%d.%s"):format(FOLDER, OURS, name)
      local ours = user(OURS)
      ours:ask("m = filemap.create(%q, 100, { mode = '0666' })", "Global\\" .. global)
      local holder <close> = locker("link", FOLDER .. "filemap.global." .. global, path)
      says(ours, name, "denied")
      ours:ask("m:close()")
      assert(holder:write("\n"))
      holder:expect("^HELD$")
      says(ours, name, "denied")
      says(user(0), "Global\\" .. global, FREE)
      holder:finish()
      says(ours, name, "denied")
      assert(os.remove(path))
    end)

    it_as_root("makes calls fail with in_use if the other user has a lease on it", function()
      local name = support.unique()
      local path = FOLDER .. "filemap.global." .. name
      local remove = plant("a file", path)
      local holder <close> = locker("lease", path)
      says(user(OURS), "Global\\" .. name, "in_use")
      holder:finish()
      remove()
    end)
  end)

  describe("a Global\\ name", function()
    local function make(child, name, mode)
      assert.equal("100", child:ask("m = assert(filemap.create(%q, 100, { mode = %q })) return #m", name,
        mode))
      assert.equal("hello", child:ask("v = m:view() v:set_cstring(0, 'hello', 10) return v:get_cstring(0)"))
    end

    it_as_root("is accessible to its maker only by default", function()
      local name = support.unique("Global\\")
      local a, b = user(OURS), user(OTHERS)
      assert.equal("100", a:ask("m = assert(filemap.create(%q, 100)) return #m", name))
      says(b, name, "denied")
      assert.equal("false", b:ask(IS_LISTED, name))
      assert.equal("true", a:ask(IS_LISTED, name))
      says(a, name, TAKEN)
    end)

    it_as_root("can be read and written by other users as its mode allows", function()
      local name = support.unique("Global\\")
      local a, b = user(OURS), user(OTHERS)
      make(a, name, "0644")
      says(b, name, { create = "exists", open = "opened", ["open, to write"] = "denied",
        create_or_open = "denied" })
      assert.equal("hello", b:ask("m = filemap.open(%q) v = m:view() return v:get_cstring(0)", name))
      b:ask("m:close() v:close()")
      a:ask("m:close() v:close()")
      make(a, name, "0666")
      says(b, name, TAKEN)
      b:ask("m = filemap.open(%q, 'rw') v = m:view() v:set_cstring(0, 'and back', 10)", name)
      assert.equal("and back", a:ask("return v:get_cstring(0)"))
    end)

    it_as_root("can be held by any user, and is removed by its maker only", function()
      local name = support.unique("Global\\")
      local a, b = user(OURS), user(OTHERS)
      make(a, name, "0666")
      b:ask("m = filemap.open(%q, 'rw') v = m:view()", name)
      a:ask("m:close() v:close()")
      assert.equal("hello", b:ask("return v:get_cstring(0)"))
      says(a, name, TAKEN)
      b:ask("m:close() v:close()")
      says(b, name, DEAD)
      assert.equal("not_found", a:ask("return filemap.open(%q)", name))
      make(a, name, "0600")
    end)

    it_as_root("is not found after its holder died, and only its maker or root can free it", function()
      local name = support.unique("Global\\")
      local path = FOLDER .. "filemap.global." .. name:match("[^\\]*$")
      for _, maker in ipairs { OURS, 0 } do
        local a, b = user(OURS), user(OTHERS)
        make(a, name, "0666")
        a:kill()
        a:wait(support.deadline)
        for _ = 1, 2 do
          says(b, name, DEAD)
          assert.is_truthy(lfs.attributes(path)) -- another user's calls do not change it
        end
        assert.equal("true", user(maker):ask("return type(filemap.list()) == 'table'"))
        assert.is_nil(lfs.attributes(path))
        make(b, name, "0600")
        b:ask("m:close() v:close()")
      end
    end)

    it_as_root("stays stale after it was not found, although another process was about to open it", function()
      local name = support.unique("Global\\")
      local a, b, c = user(OURS), user(OTHERS, steps.child), user(OTHERS)
      make(a, name, "0666")
      b:stop_at("found", 1)
      assert.is_true(b:stops("return filemap.open(%q)", name))
      a:kill()
      a:wait(support.deadline)
      says(c, name, DEAD)
      assert.equal("not_found", b:go_on())
      says(user(OURS), name, FREE)
    end)

    it_as_root("stays free after its holder died while threads of a program that forks open it", function()
      local name = support.unique("Global\\")
      local a = user(OURS)
      make(a, name, "0666")
      a:kill()
      a:wait(support.deadline)
      local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
      local forks <close> = process.spawn { folder .. "forks", "dead", name, tostring(OTHERS) }
      forks:expect("^done$")
      says(user(OURS), name, FREE)
    end)

    it_as_root("is removed when its maker closes it while another process examines it", function()
      local a, b = user(OURS, steps.child), user(OTHERS, steps.child)
      local removed
      for _ = 1, 20 do -- one success is enough, since a slow machine can miss the moment
        local name = support.unique("Global\\")
        make(a, name, "0666")
        a:ask("v:close()")
        a:stop_at("left", 1)
        b:stop_at("dead", 1)
        assert.is_true(a:stops("m:close() return 'closed'"))
        assert.is_true(b:stops("return filemap.open(%q)", name))
        assert(a:write("\n"))
        assert.equal("not_found", b:go_on())
        assert.equal("closed", a:expect())
        removed = not lfs.attributes(FOLDER .. "filemap.global." .. name:match("[^\\]*$"))
        if removed then break end
        a:ask("filemap.list()")
      end
      assert.is_true(removed)
    end)

    it_as_root("can be created again by its maker after close while other users list and open it", function()
      local name = support.unique("Global\\")
      local a, lookers = user(OURS), { user(OTHERS), user(OTHERS) }
      lookers[1]:start("local stop = now() + 1 while now() < stop do filemap.list() end return 'done'")
      lookers[2]:start([[local stop = now() + 1 while now() < stop do local m = filemap.open(%q)
        if m then m:close() end end return 'done']], name)
      -- ("exists" is right too: another user may have it open.)
      assert.equal("exists made", a:ask([[local stop, codes = now() + 1, {}
        while now() < stop do
          local m, _, code = filemap.create(%q, 10, { mode = '0666' })
          codes[m and 'made' or code] = true
          if m then m:close() end
        end
        local list = {} for k in pairs(codes) do list[#list + 1] = k end table.sort(list)
        return (#list == 1 and 'exists ' or '') .. table.concat(list, ' ')]], name))
      for _, child in ipairs(lookers) do assert.equal("done", child:expect()) end
      assert.equal("not_found", a:ask("return filemap.open(%q)", name))
    end)

    it_as_root("can be neither removed nor renamed by other users", function()
      local name = support.unique("Global\\")
      local path = FOLDER .. "filemap.global." .. name:match("[^\\]*$")
      local a, b = user(OURS), user(OTHERS)
      make(a, name, "0666")
      assert.equal("nil nil", b:ask("return os.remove(%q), (os.rename(%q, %q))", path, path, path .. "x"))
      assert.equal("nil", b:ask([[local own = %q io.open(own, 'w'):close()
        local ok = os.rename(own, %q) os.remove(own) return ok]], path .. ".own", path))
      says(a, name, TAKEN)
    end)
  end)

  describe("a lock that another user holds", function()
    local function bounded(from)
      assert.is_true(process.now() - from < support.deadline / 3)
    end

    for _, how in ipairs { "exclusive", "shared" } do
      it_as_root("makes calls fail with in_use if it is " .. how .. " and on a stale section", function()
        local name = support.unique("Global\\")
        local path = FOLDER .. "filemap.global." .. name:match("[^\\]*$")
        local a = user(OURS)
        a:ask("m = filemap.create(%q, 100, { mode = '0666' })", name)
        a:kill()
        a:wait(support.deadline)
        local holder <close> = locker(how, path)
        a = user(OURS)
        says(a, name, "in_use")
        local from = process.now()
        assert.equal("true", a:ask("return type(filemap.list()) == 'table'"))
        assert.equal("100", a:ask("local m <close> = filemap.create(%q, 100) return #m", support.unique()))
        bounded(from)
        holder:finish()
        says(a, name, FREE)
      end)
    end

    it_as_root("is not granted while this user holds the section, and close does not wait for it", function()
      local name = support.unique("Global\\")
      local path = FOLDER .. "filemap.global." .. name:match("[^\\]*$")
      local a = user(OURS)
      a:ask("m = filemap.create(%q, 100, { mode = '0666' })", name)
      local waiting <close> = start_locker("exclusive", path)
      wait_for_waiter(path)
      says(a, name, TAKEN)
      local from = process.now()
      a:ask("m:close()")
      bounded(from)
      -- Only now does it get the lock. By then the file's name is removed, unless this process was slower.
      waiting:expect("^READY$")
      waiting:finish()
      says(a, name, FREE)
    end)

    it_as_root("does not delay create and list if it is on 200 names", function()
      local paths = {}
      for i = 1, 200 do paths[i] = FOLDER .. "filemap.global." .. support.unique() .. "." .. i end
      shell('for path; do : > "$path"; done; chown 65534 "$@"; chmod 644 "$@"', table.unpack(paths))
      local holder <close> = locker("exclusive", table.unpack(paths))
      local from = process.now()
      local a = user(OURS)
      assert.equal("100", a:ask("local m <close> = filemap.create(%q, 100) return #m", support.unique()))
      assert.equal("true", a:ask("return type(filemap.list()) == 'table'"))
      bounded(from)
      holder:finish()
      shell('rm "$@"', table.unpack(paths))
    end)
  end)

  describe("a verbatim name", function()
    it_as_root("is accessible to its maker, and to other users as its mode allows", function()
      local name = support.unique("/")
      local a, b = user(OURS), user(OTHERS)
      a:ask("filemap.create(%q, 100):close()", name)
      says(b, name, "denied")
      assert.equal("denied", b:ask("return filemap.unlink(%q)", name))
      assert.equal("true", a:ask("return filemap.unlink(%q)", name))
      a:ask("filemap.create(%q, 100, { mode = '0644' }):close()", name)
      says(b, name, { create = "exists", open = "opened", ["open, to write"] = "denied",
        create_or_open = "denied" })
      assert.equal("denied", b:ask("return filemap.unlink(%q)", name))
      assert.equal("true", a:ask("return filemap.unlink(%q)", name))
    end)
  end)

  describe("a process that becomes another user", function()
    it_as_root("keeps the names that it holds, and removes them on close", function()
      local name = support.unique()
      local child = support.child("evaluator")
      child:ask("m = assert(filemap.create(%q, 100))", name)
      child:ask("require('process').become(%d)", OURS)
      fails("exists", name, filemap.create(name, 100))
      assert.equal("not_found", child:ask("return filemap.open(%q)", name)) -- now the name is another user's
      assert.equal("100", child:ask("n = assert(filemap.create(%q, 100)) return #n", name))
      child:ask("m:close()")
      fails("not_found", name, filemap.open(name))
      assert.equal("100", child:ask("return #assert(filemap.open(%q))", name))
      local map <close> = assert(filemap.create(name, 50))
      assert.equal(50, #map)
      child:ask("n:close() collectgarbage()")
    end)

    -- The number of bytes that the file at a path has allocated, nil if there is no such file.
    local function allocated(path)
      local blocks = lfs.attributes(path, "blocks")
      return blocks and blocks * 512
    end

    it_as_root("removes its names when it is root by then", function()
      for _, prefix in ipairs { "Local\\", "Global\\" } do
        local name = support.unique()
        local path = ("%sfilemap.%s.%s"):format(FOLDER, prefix == "Local\\" and OURS or "global", name)
        local child = support.child("evaluator")
        child:ask("local p = require('process') p.effective_user(%d) m = assert(filemap.create(%q, 100000)) "
          .. "p.effective_user(0)", OURS, prefix .. name)
        assert.equal(OURS, lfs.attributes(path, "uid"))
        child:ask("m:close()")
        assert.is_nil(allocated(path))
      end
    end)

    it_as_root("frees the memory of its names when it may not remove them any more", function()
      for _, prefix in ipairs { "Local\\", "Global\\" } do
        local name = support.unique()
        local path = ("%sfilemap.%s.%s"):format(FOLDER, prefix == "Local\\" and 0 or "global", name)
        local child = support.child("evaluator")
        child:ask("m = assert(filemap.create(%q, 100000))", prefix .. name)
        child:ask("require('process').become(%d)", OURS)
        assert.is_true(allocated(path) >= 100000)
        child:ask("m:close()")
        assert.is_true((allocated(path) or 0) == 0)
        assert(filemap.list())
        assert.is_nil(allocated(path))
      end
    end)

    -- An evaluator that opened an object as root and then became another user.
    local function changed(open, name)
      local child = support.child("evaluator")
      child:ask(open .. " require('process').become(%d)", name, OURS)
      return child
    end

    it_as_root("accepts and serves the clients of its listener", function()
      local name = support.unique()
      local child = changed("l = assert(require('filemap.pipe').listen(%q))", name)
      local first <close> = assert(pipe.connect(name, support.deadline))
      local second <close> = assert(pipe.connect(name, support.deadline))
      assert.equal("true", child:ask("a, b = assert(l:accept(%d)), assert(l:accept(%d)) return a ~= b",
        support.deadline, support.deadline))
      child:ask("b:send('to the second') a:close()")
      fails("closed", name, first:receive(support.deadline))
      assert.equal("to the second", second:receive(support.deadline))
      second:close()
      local third <close> = assert(pipe.connect(name, support.deadline))
      assert(third:send("to the third"))
      child:start("c = assert(l:accept(%d)) return c:receive(%d)", support.deadline, support.deadline)
      child:expect("^to the third$")
      child:kill()
      fails("closed", name, third:receive(support.deadline))
    end)

    it_as_root("locks a mutex whose holder died", function()
      local name = support.unique()
      local child = changed("m = assert(require('filemap.sync').mutex(%q))", name)
      local holder = support.child("evaluator")
      holder:ask("m = assert(require('filemap.sync').mutex(%q)) assert(m:lock(0))", name)
      assert.equal("timeout", child:ask("return (select(3, m:lock(0.1)))"))
      holder:kill()
      holder:wait(support.deadline)
      assert.equal("true abandoned", child:ask("local ok, how = m:lock(%d) return ok, how", support.deadline))
      local mutex <close> = assert(sync.mutex(name))
      fails("timeout", name, mutex:lock(0.1))
      child:ask("m:unlock()")
      assert.is_true(mutex:lock(0))
    end)

    it_as_root("keeps the names that its forked child holds", function()
      local name = support.unique()
      local child = support.child("evaluator")
      child:ask("m = assert(filemap.create(%q, 100))", name)
      child:start([[if require('process').fork() == 0 then return 'child' end
        require('process').become(%d) m:close() os.exit(0, false)]], OURS)
      child:expect("^child$")
      child:wait(support.deadline)
      fails("exists", name, filemap.create(name, 100))
      assert.equal("100", child:ask("return #m"))
      child:ask("m:close()")
      fails("not_found", name, filemap.open(name))
    end)
  end)

  describe("a channel with a Global\\ name", function()
    it_as_root("can be read and waited for without permission to write", function()
      local name = support.unique("Global\\")
      local a, b = user(OURS), user(OTHERS)
      a:ask("s = state.create(%q, 100, { mode = '0644' }) s:publish('one')", name)
      assert.equal("one 1", b:ask("r = assert(state.open(%q)) return r:read()", name))
      assert.equal("timeout", b:ask("return r:wait(1, 0.01)"))
      b:start("return r:wait(1, %d)", support.deadline)
      a:ask("s:publish('two')")
      assert.equal("two 2", b:expect())
      assert.equal("denied", b:ask("return state.create_or_open(%q, 100)", name))
      b:start("return r:wait(2, %d)", support.deadline)
      a:ask("s:close()")
      a:ask("s = state.create_or_open(%q, 100, { mode = '0644' }) s:publish('three')", name) -- another writer
      assert.equal("three 3", b:expect())
    end)

    it_as_root("is a dictionary that a user without permission to write reads, counts and waits for",
      function()
      local name = support.unique("Global\\")
      local a, b = user(OURS), user(OTHERS)
      a:ask("d = dict.create_or_open(%q, { capacity = 12800, mode = '0644' })", name)
      a:ask("d:set('k', 'one') d:set('l', 2)")
      assert.equal("one 1", b:ask("d = assert(dict.open(%q)) return d:get('k')", name))
      assert.equal("2 256 12800", b:ask("local i = d:info() return i.count, i.used, i.capacity"))
      assert.equal("3", b:ask("local n = 0 for _, v in d:pairs() do n = n + (v == 2 and 2 or 1) end return "
        .. "n"))
      for _, call in ipairs { "d:set('k', 1)", "d:delete('k')", "d:incr('l')", "d:clear()",
                              "d:compare_set('k', 1, 2)" } do
        assert.equal("denied", b:ask("return " .. call))
      end
      assert.equal("denied", b:ask("return dict.create_or_open(%q)", name))
      assert.equal("timeout", b:ask("return d:wait('k', 1, 0.01)"))
      b:start("return d:wait('k', 1, %d)", support.deadline)
      a:ask("d:set('k', 'two')")
      assert.equal("two 3", b:expect())
      a:ask("d:clear()")
      assert.equal("0 0", b:ask("local i = d:info() return i.count, i.used"))
      assert.equal("nil 0", b:ask("return d:get('l')"))
    end)

    -- The journal has at most so many words.
    local WRITES <const> = 40

    it_as_root("is a dictionary whose counts are right for such a user after a writer was killed", function()
      local name = support.unique("Global\\")
      local keeper, b = user(OURS), user(OTHERS)
      keeper:ask("d = dict.create_or_open(%q, { capacity = 12800, mode = '0644' })", name)
      keeper:ask("d:set('k', 1)")
      b:ask("d = dict.open(%q)", name)
      local calls = { -- and their opposites, and the counts afterwards
        { "d:set('m', ('x'):rep(1000))", "d:delete('m')", "2 1408" },
        { "d:delete('m')", "d:set('m', ('x'):rep(1000))", "1 128" },
        { "d:clear()", "d:set('k', 1)", "0 0" },
      }
      local killed = 0
      for _, call in ipairs(calls) do
        local chunk, opposite, counts = table.unpack(call)
        for n = 1, WRITES do
          local a = user(OURS, steps.child)
          a:ask("d = dict.open(%q)", name)
          a:stop_at("write", n)
          local stopped = a:stops(chunk)
          assert.equal(counts, b:ask("local c = assert(d:info()) return c.count, c.used"))
          a:kill()
          a:wait(support.deadline)
          a:close()
          assert.equal(counts, b:ask("local c = assert(d:info()) return c.count, c.used"))
          keeper:ask("d:delete('none')") -- carries out the journal
          if not stopped then break end
          keeper:ask(opposite)
          killed = killed + 1
        end
      end
      assert.is_true(killed > 12, killed)
    end)

    it_as_root("is a dictionary that such a user counts at one moment, while others write", function()
      local name = support.unique("Global\\")
      local a, b = user(OURS), user(OTHERS, steps.child)
      a:ask("d = dict.create_or_open(%q, { capacity = 12800, mode = '0644' })", name)
      b:ask("d = dict.open(%q)", name)
      for n = 1, 8 do
        b:stop_at("number", n)
        assert.is_true(b:stops("local c = assert(d:info()) return c.count, c.used"), n)
        a:ask("d:set('%d', ('x'):rep(1000))", n)
        assert.equal("1 1280", b:go_on())
        a:ask("d:delete('%d')", n)
      end
    end)

    it_as_root("is shared if its mode allows it", function()
      local name = support.unique("Global\\")
      local a, b = user(OURS), user(OTHERS)
      a:ask("l = pipe.listen(%q, { mode = '0666' }) m = sync.mutex(%q, { mode = '0666' })", name, name .. "m")
      assert.equal("true", b:ask("c = pipe.connect(%q) return c:send('hello')", name))
      assert.equal("hello", a:ask("c = l:accept(1) return c:receive(1)"))
      assert.equal("true", b:ask("m = sync.mutex(%q) return m:lock(0)", name .. "m"))
      assert.equal("timeout", a:ask("return m:lock(0)"))
      a:ask("p = sync.event(%q)", name .. "p")
      assert.equal("denied", b:ask("return sync.event(%q)", name .. "p"))
    end)
  end)

  describe("the mode of sections and files", function()
    it("is 0600 by default and otherwise the option's, whatever the umask is", function()
      local child = support.child("evaluator")
      for _, mask in ipairs { 0, 63, 511 } do -- 0, 0077, 0777
        child:ask("require('process').umask(%d)", mask)
        for mode, expected in pairs { [""] = "rw-------", ["0640"] = "rw-r-----", ["0666"] = "rw-rw-rw-" } do
          local name, path = support.unique(), support.tmpname()
          local options = mode == "" and "{}" or ("{ mode = %q }"):format(mode)
          child:ask("m = { filemap.create(%q, 10, %s), filemap.create(%q, 10, %s), filemap.create(%q, 10, "
            .. "%s) }",
            name, options, "Global\\" .. name, options, "/" .. name, options)
          child:ask("o = %s o.size = 10 f = filemap.file(%q, 'rw', o)", options, path)
          local uid = lfs.attributes("/proc/self", "uid")
          for _, file in ipairs { FOLDER .. "filemap." .. uid .. "." .. name,
            FOLDER .. "filemap.global." .. name,
            FOLDER .. name, path } do
            assert.equal(expected, lfs.attributes(file, "permissions"), file)
          end
          child:ask("for _, map in ipairs(m) do map:close() end f:close() return filemap.unlink(%q)",
            "/" .. name)
        end
      end
      child:finish()
    end)
  end)
end)
