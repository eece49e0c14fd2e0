-- Lost pages in a host program that has its own SIGBUS handlers, threads, limits and signals
-- (spec/lost_pages/lost_pages.c), or its own handlers of Windows exceptions (spec/lost_pages/inpage.c).
local process = require "process"
local support = require "spec.support"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local SIGBUS <const> = 7

support.clean()

-- Runs a case, which prints these lines and then exits with code 0 or is ended by SIGBUS.
local function run(case, ends, ...)
  local child <close> = process.spawn { folder .. "lost_pages", case, folder .. "loaded_library.so" }
  for _, line in ipairs { ... } do assert.equal(line, (child:read(support.deadline))) end
  assert.same({ nil, "eof" }, { child:read(support.deadline) })
  assert.same(ends, table.pack(child:wait(support.deadline)))
end

local WELL <const> = { n = 1, 0 }
local BY_SIGBUS <const> = { n = 3, nil, "signal", SIGBUS }

-- What qemu does otherwise: it ends with an assertion of its own; SIGBUS interrupts system calls although the
-- program asked for SA_RESTART or ignores SIGBUS; and memory for its program has no limit.
local NATIVE <const> = { misaligned = true, restarted = true, limits = true }

support.only("posix", "Windows has no signals", function()
  -- (All tests of this file lose pages.)
  local it = support.losing(it)

  local function case_it(case, what)
    local here = NATIVE[case] and support.natively(it) or it
    here(what, function() run(case, WELL, "holds") end)
  end

  describe("a SIGBUS handler installed before the first view", function()
    for case, what in pairs {
      siginfo = "gets faults outside views and sent signals, with their siginfo",
      masks = "runs with the signals of its mask blocked",
      plain = "may leave by siglongjmp",
      misaligned = "gets a fault in a view that is not a lost page",
      restarted = "has interrupted system calls restarted if it set SA_RESTART",
    } do
      case_it(case, what)
    end

    it("is called once if it set SA_RESETHAND", function() run("once", BY_SIGBUS) end)
  end)

  describe("a process without a SIGBUS handler", function()
    for case, what in pairs {
      ["default"] = "is ended by a fault outside views",
      ["default-flagged"] = "is ended by a fault outside views if SIG_DFL was set with SA_SIGINFO",
      ["default-raised"] = "is ended by a SIGBUS that it raises",
      ["default-sent"] = "is ended by a SIGBUS that another process sends",
    } do
      it(what, function() run(case, BY_SIGBUS) end)
    end

    support.natively(it)("has no system call interrupted by SIGBUS if it ignores SIGBUS", function()
      run("undisturbed", WELL, "holds")
    end)

    it("is ended by a fault outside views even if it ignores SIGBUS", function()
      run("ignored", BY_SIGBUS, "ignored")
    end)
  end)

  describe("a SIGBUS handler installed after the first view", function()
    it("leaves lost pages to the library if it chains to the previous handler", function()
      run("later", WELL, "holds")
    end)
    it("gets all faults if it does not chain", function() run("later-alone", WELL, "holds") end)
  end)

  describe("a lost page", function()
    it("is noticed by a program in C that reads, then calls fm_view_is_lost", function()
      local child <close> = process.spawn { folder .. "views", "lost", support.tmpname() }
      assert.equal("done", (child:read(support.deadline)))
      assert.equal(0, child:wait(support.deadline))
    end)

    for case, what in pairs {
      threads = "in many threads and views, while others open and close",
      blocked = "in a thread with all signals blocked",
      nested = "in a signal handler that interrupts any code",
      altstack = "on a small alternate signal stack",
      mappings = "when more pages are lost than a process can have mappings",
      limits = "in a process that cannot get more memory",
      fork = "in a forked child",
      unloaded = "in a library that is loaded, unloaded, and loaded again",
      copies = "in two copies of the library",
    } do
      case_it(case, "is survived " .. what)
    end
  end)
end)

support.only("win32", "POSIX has no structured exceptions", function()
  describe("a page that cannot be read in", function()
    -- Windows does not let a process truncate a mapped file. The system under wine does.
    local cutter <const> = [[Z:\usr\bin\truncate]]
    local wine = io.open(cutter, "rb")
    if wine then wine:close() end

    local name <const> = "reads 0 in all threads inside a view, also in one that accesses it "
      .. "while another maps the zeros, and reaches the host's handler outside views"
    if not wine then return pending(name .. " (Windows does not let a process truncate a mapped file)") end

    it(name, function()
      local path = "/tmp/" .. support.unique("filemap-")
      local windows = "Z:" .. path:gsub("/", "\\")
      local host <close> = process.spawn { folder .. "inpage", windows }
      host:expect("^READY$")
      -- (wine cannot wait for a Linux program, so this waits for the program's effect.)
      local cut <close> = process.spawn { cutter, "-s", "0", path }
      local deadline = process.now() + support.deadline
      while require("lfs").attributes(windows, "size") > 0 and process.now() < deadline do
        process.sleep(0.001)
      end
      assert(cut)
      host:write("cut\n")
      host:expect("^holds$")
      host:finish()
      assert(os.remove(windows))
    end)
  end)
end)
