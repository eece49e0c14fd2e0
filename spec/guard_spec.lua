-- Pages that go away in a host with handlers of SIGBUS, threads, limits and signals of its own (spec/guard/guard.c),
-- and with handlers of Windows' exceptions (spec/guard/inpage.c).
local process = require "process"
local support = require "spec.support"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local SIGBUS <const> = 7

support.clean()

-- Runs a case, which says these lines and then ends well, or by SIGBUS. Without a sanitizer that is loaded into all,
-- which has a handler of its own.
local function run(case, ends, ...)
  local child <close> = process.spawn { folder .. "guard", case, folder .. "guarded.so",
    env = { LD_PRELOAD = false } }
  for _, line in ipairs { ... } do assert.equal(line, (child:read(support.deadline))) end
  assert.same({ nil, "eof" }, { child:read(support.deadline) })
  assert.same(ends, table.pack(child:wait(support.deadline)))
end

local WELL <const> = { n = 1, 0 }
local BY_SIGBUS <const> = { n = 3, nil, "signal", SIGBUS }

support.only("posix", "there are no signals", function()
  describe("a handler of SIGBUS that was there before", function()
    for case, what in pairs {
      siginfo = "gets what is no view's, faults and others, with all it is told by",
      masks = "runs with what it wants blocked",
      plain = "may jump out",
      misaligned = "gets what misses no page, in a view too",
      restarted = "has calls of the system go on after it, if it wants that",
    } do
      it(what, function() run(case, WELL, "holds") end)
    end

    it("that wants to be called once is", function() run("once", BY_SIGBUS) end)
  end)

  describe("where nobody handles SIGBUS", function()
    for case, what in pairs {
      ["default"] = "a fault that is no view's ends the process by it",
      ["default-flagged"] = "whatever flags stand beside that",
      ["default-raised"] = "one that is raised does",
      ["default-sent"] = "one that is sent does",
    } do
      it(what, function() run(case, BY_SIGBUS) end)
    end

    it("or ignores it, no call of the system is broken off by it", function() run("undisturbed", WELL, "holds") end)

    it("or ignores it, a fault cannot be ignored", function() run("ignored", BY_SIGBUS, "ignored") end)
  end)

  describe("a handler of SIGBUS that comes later", function()
    it("and hands on what is not its own has nothing changed", function() run("later", WELL, "holds") end)
    it("and hands on nothing has all", function() run("later-alone", WELL, "holds") end)
  end)

  describe("pages that go away", function()
    for case, what in pairs {
      threads = "in many threads and views, while others open and close",
      blocked = "in a thread with all signals blocked",
      nested = "in a signal's handler, in the middle of anything",
      altstack = "on a small stack for signals",
      mappings = "more of them than a process can have mappings",
      limits = "in a process that may have no more memory",
      fork = "in a forked child",
      unloaded = "in a library that is loaded, unloaded, and loaded again",
      copies = "in two copies of the library",
    } do
      it(what, function() run(case, WELL, "holds") end)
    end
  end)
end)

support.only("win32", "there are no exceptions", function()
  describe("a page that cannot be brought in", function()
    -- Windows lets nobody cut a file that is mapped, but what wine runs on does.
    local cutter <const> = [[Z:\usr\bin\truncate]]
    local wine = io.open(cutter, "rb")
    if wine then wine:close() end

    local name <const> = "reads 0 in all threads, where it is a view's, and goes to the host's handler where it is not"
    if not wine then return pending(name .. " (Windows lets nobody cut a file that is mapped)") end

    it(name, function()
      local path = "/tmp/" .. support.unique("filemap-")
      local windows = "Z:" .. path:gsub("/", "\\")
      local host <close> = process.spawn { folder .. "inpage", windows }
      host:expect("^READY$")
      -- (A program of the other system is no process that can be waited for; what it does can.)
      local cut <close> = process.spawn { cutter, "-s", "0", path }
      local deadline = process.now() + support.deadline
      while require("lfs").attributes(windows, "size") > 0 and process.now() < deadline do process.sleep(0.001) end
      assert(cut)
      host:write("cut\n")
      host:expect("^holds$")
      host:finish()
      assert(os.remove(windows))
    end)
  end)
end)
