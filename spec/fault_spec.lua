-- Failing system calls. For each function of the C library that the module calls, its first call fails, then
-- its second, and so on, in everything that spec/child/faults.lua does. The operation must fail with the
-- right code, leave nothing behind, and not disturb the objects that existed before. The functions of
-- spec/support/faulty.c replace those of the C library.
--
-- Environment: FILEMAP_FAULTS=all tries every errno of the table, not only the first. It also lets all later
-- calls fail, which by default only the `lasting` functions do.
local process = require "process"
local support = require "spec.support"

local ALL <const> = os.getenv("FILEMAP_FAULTS") == "all"

local errors = {
  EPERM = { 1, "denied" }, EINTR = { 4, "system" }, EIO = { 5, "system" }, EAGAIN = { 11, "in_use" },
  ENOMEM = { 12, "no_memory" }, EACCES = { 13, "denied" }, EINVAL = { 22, "invalid" },
  ENFILE = { 23, "system" }, EMFILE = { 24, "system" }, EFBIG = { 27, "too_large" },
  ENOSPC = { 28, "no_space" }, ENOLCK = { 37, "system" }, ENOSYS = { 38, "unsupported" },
  EDQUOT = { 122, "no_space" },
}

-- How each function can fail.
-- `interrupted`: it can also fail with EINTR. The library retries it, and its caller does not see the
-- failure.
-- `whole`: after EINTR it would start again from the beginning, so the library blocks signals while it runs.
-- `passed`: the operation may succeed without it, because the call is optional.
-- `lasting`: the resource is exhausted for a while, so all later calls fail too.
-- `silent`: it sets no errno.
local functions = {
  open64 = { "EMFILE", "ENFILE", "ENOMEM", interrupted = true, lasting = true },
  stat64 = { "ENOMEM", "EACCES" },
  lstat64 = { "ENOMEM", "EACCES" },
  fstat64 = { "ENOMEM", "EIO" },
  fstatfs64 = { "EIO", "ENOSYS", passed = true },
  fstatvfs64 = { "EIO", "ENOSYS", passed = true },
  memfd_create = { "ENFILE", "ENOMEM" },
  ftruncate64 = { "EIO", "EPERM", interrupted = true },
  posix_fallocate64 = { "ENOSPC", "EDQUOT", "EIO", "EFBIG", interrupted = true, whole = true,
    lasting = true },
  fallocate64 = { "ENOSPC", "EIO", interrupted = true, whole = true },
  pwrite64 = { "ENOSPC", "EIO", interrupted = true },
  read = { "EIO", passed = true },
  fchmod = { "EPERM", "EIO" },
  flock = { "ENOLCK", "ENOMEM", interrupted = true },
  fcntl64 = { "ENOLCK", "ENOMEM", lasting = true },
  linkat = { "ENOSPC", "ENOMEM" },
  unlink = { "EACCES", "EIO" },
  readlink = { "EACCES", "ENOMEM", passed = true },
  opendir = { "EMFILE", "ENOMEM" },
  readdir64 = { "EIO" },
  mmap64 = { "ENOMEM", "ENFILE", lasting = true },
  msync = { "EIO", "ENOMEM" },
  sem_open = { "EMFILE", "ENOMEM" },
  sem_unlink = { "EACCES", "EIO" },
  fsync = { "EIO", "ENOSPC", interrupted = true },
  mlock = { "ENOMEM", "EAGAIN", "EPERM" },
  munlock = { "ENOMEM" },
  madvise = { "EINVAL", "EAGAIN", passed = true },
  sigaction = { "EINVAL" },
  sigpending = { "EINVAL", passed = true },
  pthread_sigmask = { "EINVAL", passed = true },
  futex = { "EAGAIN", "EINVAL", passed = true, interrupted = true },
  membarrier = { "ENOSYS", "EPERM", passed = true },
  eventfd = { "EMFILE", "ENFILE", "ENOMEM" },
  pthread_create = { "EAGAIN" },
  malloc = { "ENOMEM", silent = true },
  calloc = { "ENOMEM", silent = true, lasting = true },
  realloc = { "ENOMEM", silent = true },
}

-- Codes that do not follow from the errno. Memory that may not be locked, and a thread too many, are
-- no_memory. A process that cannot remove a name, or cannot test whether a seat is taken, reports the
-- consequence.
local otherwise = {
  mlock = { no_memory = true },
  pthread_create = { no_memory = true },
  unlink = { denied = true },
  fcntl64 = { exists = true, in_use = true },
}

-- Functions that cannot fail, or whose failure does not matter: close and munmap have done their work even if
-- they fail, and a process that cannot sleep or yield just checks again. The calls on an open semaphore fail
-- only as their callers expect, and one whose mode cannot be changed keeps that of the umask. The only write
-- is that of 1 to an event descriptor, which has room for it. sem_init fails only
-- for a count that is too large. `system` runs the programs of the command `filemap`.
local safe = {}
for name in ([[
  close closedir munmap free geteuid nanosleep sched_yield clock_gettime getpid sysconf raise signal sigwait
  sigaddset sigfillset sigemptyset sigismember sigdelset pthread_mutex_lock pthread_mutex_unlock pthread_once
  pthread_attr_init pthread_attr_destroy pthread_attr_setstacksize pthread_join write
  dladdr dlopen localeconv memchr memcmp memcpy memmem memmove memset snprintf vsnprintf strchr strcmp strcpy
  strerror strlen strncmp strspn strstr strtoull syscall chmod sem_clockwait sem_close sem_getvalue sem_init
  sem_post sem_trywait sem_wait sem_timedwait system isxdigit pthread_atfork
]]):gmatch("%S+") do safe[name] = true end

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

support.clean()

-- Starts the child, which inherits one page of memory.
local function start()
  local filemap = require "filemap"
  local place = support.tmpname()
  assert(require("lfs").mkdir(place))
  local memory = assert(filemap.create(nil, filemap.page_size))
  local child = support.child("faults", support.unique(), place, memory:handle(), {
    inherit = { memory:handle() }, env = { LD_PRELOAD = folder .. "faulty.so" },
  })
  memory:close()
  return child, place
end

local function check_result(name, ways, error, said, result)
  if result == "ok" then return end
  assert.is_falsy(ways.passed or error == "EINTR", said)
  local code, native = result:match("^(%S+) (%S+)$")
  if otherwise[name] and otherwise[name][code] then return end
  assert.equal(errors[error][2], code, said)
  assert.equal(ways.silent and "nil" or tostring(errors[error][1]), native, said)
end

-- Makes each call of a function fail in turn. Returns how many calls failed.
local function fail_each(name, ways, error, how)
  local count = 0
  local child, place = start()
  child:write(("%s %d %s\n"):format(name, errors[error][1], how))
  while true do
    local said = child:expect()
    if said == "END" then break end
    local result, problems = said:match("^[^:]*: (.*): (.-)$")
    said = ("%s by %s, %s: %s"):format(name, error, how, said)
    -- Without lstat, list cannot tell whether a name still belongs to the file that is held, and leaves it
    -- out.
    if not (name == "lstat64" and result:find("not listed", 1, true)) then
      check_result(name, ways, error, said, result)
    end
    assert.equal("", problems, said)
    count = count + 1
  end
  child:finish()
  os.remove(place .. "/file")
  return count
end

support.only("posix", "the functions are those of the Linux C library", function()
  describe("a failing system call", function()
    if not support.sanitized then
      it("is in a table for every function that the module imports", function()
        local module = package.searchpath("filemap.core", package.cpath)
        local symbols <close> = process.spawn { "nm", "-D", "--undefined-only", module }
        local found = 0
        for line in function() return (symbols:read(support.deadline)) end do
          local name = line:match("U ([%w_]+)")
          if name and not name:find("^lua") and not name:find("^__") then
            local whole = support.foreign == "musl" and name .. "64" or name -- musl has one name for both
            assert.is_truthy(functions[whole] or functions[name] or safe[whole] or safe[name],
              name .. " is in neither table")
            found = found + 1
          end
        end
        assert.is_true(found > 50)
      end)
    end

    it("is reported by the flush of a read-only slice too: msync", function()
      local child = support.child("evaluator", { env = { LD_PRELOAD = folder .. "faulty.so" } })
      child:ask("v = assert(filemap.file(%q, 'rw', { size = 100 })):view() r = v:sub(0, 50, 'r')",
        support.tmpname())
      for _, view in ipairs { "v", "r" } do
        child:ask("require('faulty').arm('msync', 1, %d)", errors.EIO[1])
        assert.equal("system", child:ask("return (select(3, %s:flush()))", view))
        child:ask("require('faulty').disarm()")
        assert.equal("true", child:ask("return %s:flush()", view))
      end
      child:finish()
    end)

    for name, ways in pairs(functions) do
      local function fail(error, how)
        local count = fail_each(name, ways, error, how)
        if support.sanitized and count == 0 then
          return pending("AddressSanitizer intercepts this function first")
        end
        assert.is_true(count > 0)
      end

      for i = 1, ALL and #ways or 1 do
        it("is reported, and leaves nothing behind: " .. name .. " with " .. ways[i],
          function() fail(ways[i], "once") end)
        if ways.lasting or ALL and name ~= "flock" then -- flock is retried many times
          it("is reported if all later calls fail too: " .. name .. " with " .. ways[i],
            function() fail(ways[i], "onwards") end)
        end
      end
      if ways.interrupted then
        it("is retried: " .. name .. " with EINTR", function() fail("EINTR", "once") end)
      end
      if ways.whole then
        it("is not interrupted by any number of signals: " .. name, function() fail("EINTR", "onwards") end)
      end
    end
  end)
end)
