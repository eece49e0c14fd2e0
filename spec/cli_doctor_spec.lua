-- filemap doctor: each thing that limits filemap is made for real, in name spaces of its own, and must be
-- found.
local command = require "spec.support.command"
local dkjson = require "dkjson"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

support.clean()

local posix = support.only("posix", "its checks are of Linux")
local on_terminal = tmux.only("tmux is a program of POSIX")

-- Runs the doctor after a shell script, in a mount name space of its own. Returns the findings by check and
-- the exit status.
local function examine(script, user)
  local as = user and ("setpriv --reuid=%d --clear-groups "):format(user) or ""
  local under = ("unshare -m --propagation private sh -c '%s; exec \"$@\"' sh %s"):format(script, as)
  local said, problem, status = command.run { "doctor", "--json", under = under }
  assert.equal("", problem)
  local found = {}
  for line in said:gmatch("[^\n]+") do
    local finding = assert(dkjson.decode(line))
    found[finding.check] = finding
  end
  return found, status
end

local function mount(options)
  return "mount -t tmpfs -o mode=1777," .. options .. " tmpfs /dev/shm"
end

-- Checks that one check has this result and a message, and gives advice.
local function finds(found, check, result, pattern)
  local finding = found[check]
  assert.equal(result, finding.result, finding.message)
  assert.is_truthy(finding.message:find(pattern), finding.message)
  assert.is_true(#finding.advice > 10)
end

-- Root may do all of this; others may not.
local root = (function()
  if support.windows then return false end
  local pipe <close> = io.popen("unshare -m true 2>&1 && id -u")
  return pipe:read("a") == "0\n"
end)()
local it_as_root = (root or support.windows) and posix
  or function(name) pending(name .. " (only root can make mount name spaces here)") end

describe("filemap doctor", function()
  it("prints a line for each check", function()
    local said, _, status = command.run { "doctor" }
    assert.is_truthy(said:find("sections +a section can be made"), said)
    assert.is_truthy(said:find("processors", 1, true), said)
    assert.equal(0, status)
  end)

  for _, columns in ipairs { 60, 80, 200 } do
    on_terminal(("cuts its lines at %d columns on a terminal"):format(columns), function()
      local terminal <close> = tmux.start(columns, 40, "C.UTF-8", { "doctor", under = "taskset -c 0" })
      local screen = terminal:expect("^(.*)status 0")
      local message = "one processor: a process that waits by polling delays the one that it waits for"
      local warning = "\nwarning processors   " .. message:sub(1, columns - 21):gsub(" $", "") .. "\n"
      assert.is_truthy(screen:find(warning, 1, true), screen)
      for line in screen:gmatch("[^\n]+") do
        assert.is_truthy(line:find("^%l+ +%w+ +%S") or line:find("^" .. (" "):rep(21) .. "%S"), line)
      end
      terminal:expect("\27%[32mok *\27%[39m", true)
    end)
  end

  on_terminal("cuts its lines on a terminal of 20 columns", function()
    local terminal <close> = tmux.start(20, 40, "C.UTF-8", { "doctor" })
    terminal:expect("status %d\n")
    for line in terminal:screen():match("^(.-)\nstatus"):gmatch("[^\n]*") do
      assert.is_truthy(line:find("^%l+ +%w+$"), line)
    end
  end)

  posix("prints whole lines without colours in a pipe", function()
    local said = command.output { "doctor", under = "taskset -c 0" }
    local lines = "delays the one that it waits for\n" .. (" "):rep(21) .. "wait with the library's calls"
    assert.is_truthy(said:find(lines, 1, true), said)
    assert.is_nil(said:find("\27"))
  end)

  it_as_root("finds nothing wrong where nothing is", function()
    local found, status = examine(mount("size=1g"))
    assert.equal(0, status)
    for _, check in ipairs { "sections", "folder", "size", "room", "noexec", "memlock", "names" } do
      assert.equal("ok", found[check].result, found[check].message)
    end
  end)

  it_as_root("finds a small /dev/shm", function()
    local found, status = examine(mount("size=16m"))
    finds(found, "size", "warning", "16%.0 MiB")
    assert.equal(0, status)
  end)

  it_as_root("finds a missing /dev/shm, and fails", function()
    local found, status = examine("mount -t tmpfs tmpfs /dev; mount -t proc proc /proc")
    finds(found, "folder", "failed", "missing")
    assert.equal("failed", found.sections.result)
    assert.equal(1, status)
  end)

  it_as_root("finds a /dev/shm that is not a tmpfs", function()
    local found = examine("mount -t tmpfs tmpfs /dev; mkdir -m 1777 /dev/shm")
    finds(found, "folder", "warning", "not a file system of its own")
    found = examine("mount -t ramfs -o mode=1777 ramfs /dev/shm")
    finds(found, "folder", "warning", "ramfs and not tmpfs")
  end)

  it_as_root("finds noexec", function()
    local found, status = examine(mount("size=1g,noexec"))
    finds(found, "noexec", "warning", "noexec")
    assert.equal(0, status)
  end)

  it_as_root("finds a full section folder, and fails", function()
    local found, status = examine(mount("size=1m") .. "; head -c 2m /dev/zero >/dev/shm/x 2>/dev/null")
    finds(found, "room", "failed", "full")
    finds(found, "sections", "failed", "4096 bytes")
    assert.equal(1, status)
    found = examine(mount("size=100m") .. "; head -c 98m /dev/zero >/dev/shm/x")
    finds(found, "room", "warning", "less than 5 %%")
  end)

  it_as_root("finds that systemd removes a user's sections, unless RemoveIPC is off", function()
    local logind = "mount -t tmpfs tmpfs /etc/systemd; mkdir -p /lib/systemd; "
      .. "mount -t tmpfs tmpfs /lib/systemd; touch /lib/systemd/systemd-logind; " .. mount("size=1g")
    finds(examine(logind, 1000), "RemoveIPC", "warning", "systemd removes")
    local off = "; printf \"[Login]\\nRemoveIPC=no\\n\" >/etc/systemd/logind.conf"
    assert.equal("ok", examine(logind .. off, 1000).RemoveIPC.result)
    local part = "; mkdir /etc/systemd/logind.conf.d; "
      .. "printf \"[Login]\\nRemoveIPC=yes\\n\" >/etc/systemd/logind.conf.d/a.conf"
    finds(examine(logind .. off .. part, 1000), "RemoveIPC", "warning", "systemd removes")
    assert.equal("ok", examine(logind, nil).RemoveIPC.result) -- (root is a system user)
  end)

  it_as_root("finds a low limit of locked memory", function()
    local found = examine(mount("size=1g") .. "; ulimit -l 64", 1000)
    finds(found, "memlock", "warning", "64%.0 KiB")
    assert.equal("ok", examine(mount("size=1g") .. "; ulimit -l 64").memlock.result) -- (root has no limit)
  end)

  it_as_root("finds names that another user planted", function()
    local found = examine(mount("size=1g")
      .. "; touch /dev/shm/filemap.1000.Game /dev/shm/filemap.10001.Other", 1000)
    finds(found, "names", "warning", "^1 of this user.*/dev/shm/filemap%.1000%.Game")
  end)

  posix("finds that there is one processor", function()
    local said, _, status = command.run { "doctor", "--json", under = "taskset -c 0" }
    local finding
    for line in said:gmatch("[^\n]+") do
      local object = dkjson.decode(line)
      if object.check == "processors" then finding = object end
    end
    assert.equal("warning", finding.result)
    assert.equal(0, status)
  end)
end)
