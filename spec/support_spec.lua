-- The harness of the specs: child processes, and the check that a test leaves nothing behind.
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"

local function wait_for(child)
  return child:wait(support.deadline)
end

describe("A child", function()
  support.clean()

  it("starts, reads and writes lines, and exits when its stdin ends", function()
    local child = support.child("echo")
    assert.is_true(child:write("say one\nsay two\n"))
    assert.are.equal("one", child:expect())
    assert.are.same({ "t", "o" }, { child:expect("^(t)w(o)$") })
    assert.is_true(child:pid() > 0 and child:pid() ~= process.pid())
    child:finish()
    assert.are.same({ nil, "eof" }, { child:read(0) })
    assert.are.equal(0, child:wait(0))
  end)

  it("gets its arguments unchanged", function()
    local arguments = { "two words", "", [[a"b]], [["]], [[\]], [[\\"\"]], [[C:\a b\]], [[\\host\x\\]],
      "%PATH% $HOME",
      "a\tb", "* ? ^ & | < >", "'", "gr\u{fc}n \u{4e2d}\u{1D11E}" }
    local child = support.child("echo", table.unpack(arguments))
    for _, argument in ipairs(arguments) do assert.are.equal(argument, child:expect()) end
    child:finish()
  end)

  it("gets this process's environment and its own variables, which no other child gets", function()
    local child = support.child("echo", { env = { SPEC_MADE = "gr\u{fc}n = x", PATH = false } })
    local other = support.child("echo")
    local function has(process_, name, value)
      process_:write("env " .. name .. "\n")
      assert.are.equal(value, process_:expect())
    end
    has(child, "SPEC_MADE", "gr\u{fc}n = x")
    has(child, "PATH", "unset")
    has(child, "LUA_PATH", os.getenv("LUA_PATH"))
    has(other, "SPEC_MADE", "unset")
    has(other, "PATH", os.getenv("PATH"))
  end)

  it("is waited for as long as the time-out, and no longer", function()
    local child = support.child("echo")
    for _, timeout in ipairs { 0, 0.05, 0.3 } do
      local start = process.now()
      assert.are.same({ nil, "timeout" }, { child:read(timeout) })
      local read = process.now()
      assert.are.same({ nil, "timeout" }, { child:wait(timeout) })
      local waited = process.now()
      assert.is_true(read - start >= timeout and waited - read >= timeout)
      assert.is_true(waited - start < 2 * timeout + support.deadline / 10)
    end
    child:write("say late\n")
    assert.are.equal("late", child:expect())
  end)

  it("writes lines of any length, the last one without a newline", function()
    local child, long = support.child("echo"), ("0123456789"):rep(1000)
    child:write("say " .. long .. "\nsay\npart rest")
    assert.are.equal(long, child:expect())
    assert.are.equal("", child:expect())
    child:close_input()
    assert.are.equal("rest", child:expect())
    assert.are.same({ nil, "eof" }, { child:read(support.deadline) })
  end)

  it("exits with its code, and refuses input after that", function()
    local child = support.child("echo")
    child:write("exit 7\n")
    assert.are.equal(7, wait_for(child))
    assert.are.equal(7, child:wait(0))
    local done, message = child:write("say more\n")
    assert.is_nil(done)
    assert.are.equal("string", type(message))
    child:kill()
    assert.has_error(function() child:finish() end, "child echo did not end well: it ended with code 7")
  end)

  it("can be killed", function()
    local child = support.child("echo")
    child:kill()
    if support.windows then
      assert.are.equal(137, wait_for(child))
    else
      assert.are.same({ nil, "signal", 9 }, { wait_for(child) })
    end
    assert.are.same({ nil, "eof" }, { child:read(0) })
  end)

  it("is killed when its to-be-closed variable goes out of scope", function()
    local kept
    do
      local child <close> = support.child("echo")
      kept = child
    end
    local closed = table.pack(kept:wait(0))
    assert.are.equal(support.windows and 137 or 9, closed[closed.n])
    assert.are.same({ nil, "eof" }, { kept:read(0) })
    assert.is_nil((kept:write("x")))
  end)

  support.only("posix", "wine counts 0 handles for every process")("leaves no handle open", function()
    local handles = process.handles()
    for _ = 1, 3 do process.spawn { support.lua, "spec/child/echo.lua" } end
    assert.is_true(process.handles() > handles)
    collectgarbage()
    collectgarbage()
    assert.are.equal(handles, process.handles())
  end)

  it("reads the end of its stdin while another child runs", function()
    local first = support.child("echo")
    local second = support.child("echo")
    first:finish()
    second:finish()
  end)

  support.only("posix", "Windows cannot stop a process", function()
    it("can be stopped and resumed", function()
      local child = support.child("echo")
      assert.is_true(child:stop())
      child:write("say later\n")
      assert.are.same({ nil, "timeout" }, { child:read(0.1) })
      assert.are.same({ nil, "timeout" }, { child:wait(0) })
      child:resume()
      assert.are.equal("later", child:expect())
      child:stop()
      child:kill()
      assert.are.same({ nil, "signal", 9 }, { wait_for(child) })
      assert.is_false(child:stop())
    end)

    -- The open descriptors and their kinds. The descriptor that lists them is closed first, and left out.
    local function descriptors()
      local found = {}
      for name in lfs.dir("/proc/self/fd") do found[tonumber(name) or -1] = true end
      for fd in pairs(found) do found[fd] = lfs.symlinkattributes("/proc/self/fd/" .. fd, "mode") end
      return found
    end

    -- The descriptors that `make` opens, and what it returns.
    local function opened_by(make)
      local before, found = descriptors(), {}
      local made = make()
      for fd in pairs(descriptors()) do
        if not before[fd] then found[#found + 1] = fd end
      end
      return found, made
    end

    local function is_open(fd, inherit)
      local child <close> = process.spawn { "sh", "-c", "[ -e /proc/self/fd/$0 ] && echo open || echo closed",
        tostring(fd), inherit = inherit }
      return child:expect() == "open"
    end

    it("inherits the inheritable and the given descriptors, and not another child's pipes", function()
      local pipes, child = opened_by(function() return support.child("echo") end)
      assert.are.equal(2, #pipes)
      for _, fd in ipairs(pipes) do
        assert.is_false(is_open(fd))
        assert.is_true(is_open(fd, { fd }))
        assert.is_false(is_open(fd))
      end
      child:finish()
      local files, file = opened_by(function() return io.open("/dev/null") end)
      assert.is_true(is_open(files[1]))
      file:close()
    end)
  end)

  it("raises with what happened if it does not become ready", function()
    local function starting(how)
      local ok, message = pcall(support.child, "echo", { env = { ECHO_START = how } })
      assert.is_false(ok)
      return message
    end
    assert.is_truthy(starting("end"):find('child echo: eof instead of "^READY$"; it ended with code 3', 1,
      true))
    assert.is_truthy(starting("talk"):find('child echo said "who is there?" instead of "^READY$"', 1, true))
    local deadline = support.deadline
    finally(function() support.deadline = deadline end)
    support.deadline = 0.2
    assert.is_truthy(starting("hang"):find('child echo: timeout instead of "^READY$"; it runs', 1, true))
  end)

  it("raises if it cannot be started", function()
    assert.has_error(function() process.spawn {} end)
    assert.has_error(function() process.spawn { "lua", 1 } end)
    assert.has_error(function() process.spawn { "lua", inherit = { "x" } } end)
    assert.has_error(function() process.spawn { "lua", env = { "x" } } end)
    local handles = process.handles()
    assert.has_error(function() process.spawn { "./no such program" } end)
    collectgarbage()
    collectgarbage()
    assert.are.equal(handles, process.handles())
  end)
end)

describe("support", function()
  support.clean()

  it("returns names and paths that are not in use", function()
    local given = {}
    for _, kind in ipairs { "", "Local\\", "Global\\", "/" } do
      local name = support.unique(kind)
      assert.are.equal(kind .. "spec-" .. process.pid() .. "-", name:match("^(.*%-)%d+$"))
      assert.is_nil(given[name:match("%d+$")])
      given[name:match("%d+$")] = true
    end
    for _, suffix in ipairs { "", ".txt" } do
      local path = support.tmpname(suffix)
      assert.is_nil(io.open(path))
      assert(io.open(path, "w")):close()
      assert.are.equal(suffix, path:sub(-#suffix - 1):match("%.txt$") or "")
    end
  end)

  it("fails a run whose tests leave something behind", function()
    local run <close> = process.spawn { support.lua, arg[0], "--output=plainTerminal",
      "spec/child/untidy.lua" }
    local said = {}
    for line in function() return (run:read(support.deadline)) end do said[#said + 1] = line end
    said = table.concat(said, "\n")
    local errors = support.windows and 2 or 3
    assert.are.equal(1, wait_for(run), said)
    assert.is_truthy(said:find(("%d successes / 0 failures / %d errors"):format(errors, errors), 1, true),
      said)
    assert.is_truthy(said:find('"keeps a map" left behind: %d+ maps and mappings where %d+ were'), said)
    assert.is_truthy(said:find("left behind: [^\n]*filemap%-spec%-%d+%-%d+ is left: "), said)
    assert.is_truthy(support.windows or said:find("left behind: /dev/shm/spec%-%d+%-%d+"), said)
  end)

  for _, system in ipairs { "posix", "win32" } do
    local run = {}

    support.only(system, "a test of the harness", function()
      it("runs on its system", function() run[#run + 1] = system end)
    end)
    support.only(system, "a test of the harness")("runs on its system, without a block", function()
      run[#run + 1] = system
    end)

    it("runs both of those tests only on their system: " .. system, function()
      local belongs = (system == "win32") == support.windows
      assert.are.same(belongs and { system, system } or {}, run)
    end)
  end
end)

describe("script/wine-run", function()
  support.only("posix", "a script of the shell")("runs wine without random addresses where it may", function()
    -- A stand-in for wine prints its flags of personality(2).
    local run <close> = process.spawn { "bash", "-c", [[
      dir=$(mktemp -d)
      trap 'rm -r "$dir"' EXIT
      mkdir "$dir"/{bin,lua,prefix}
      touch "$dir"/{lua,prefix}/made
      printf '#!/bin/sh\nexec cat /proc/self/personality\n' >"$dir/bin/wine"
      chmod +x "$dir/bin/wine"
      setarch -R cat /proc/self/personality 2>/dev/null || cat /proc/self/personality
      WINE_DIR=$dir WINE_BITS=64 PATH=$dir/bin:$PATH script/wine-run x 2>&1 ]] }
    local expected = run:read(support.deadline)
    assert.are.equal(expected, run:read(support.deadline))
    assert.are.equal(0, wait_for(run))
  end)
end)
