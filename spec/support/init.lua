-- Functions that the specs share: child processes, unused names and paths, and the check that a test leaves
-- nothing behind. busted must be started in the project's root.
--
-- Environment variables: FILEMAP_SPEC_DEADLINE is the longest time in seconds that any wait may take (more
-- under slow tools such as valgrind). FILEMAP_SPEC_LUA is the interpreter that runs children, instead of the
-- current one. FILEMAP_PRESET is the build. FILEMAP_FOREIGN is the target of script/foreign.
local busted = require "busted"
local core = require "filemap.core"
local lfs = require "lfs"
local process = require "process"

local support = {
  windows = core.platform == "win32",
  deadline = tonumber(os.getenv("FILEMAP_SPEC_DEADLINE")) or 30,
  sanitized = os.getenv("FILEMAP_PRESET") == "sanitize",
  foreign = os.getenv("FILEMAP_FOREIGN"),
}

-- Whether qemu runs these specs.
support.emulated = ("aarch64 armhf s390x"):find(support.foreign or "none", 1, true) ~= nil

-- The interpreter that runs this file: the target of /proc/self/exe where that exists, else the first word of
-- the command line. (wine shows the host's /proc too, but there "self" is wine's server.)
local function interpreter()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return not support.windows and lfs.symlinkattributes("/proc/self/exe", "target") or arg[first]
end

support.lua = os.getenv("FILEMAP_SPEC_LUA") or interpreter()

-- Names ---------------------------------------------------------------------------------------------------

-- busted loads this file again for each spec file. The clock makes the numbers of each load different.
local serial = process.now() * 1000000 // 1 | 0

local verbatim = {}

-- Returns a name that no other run uses. `kind` is its prefix: "Local\\", "Global\\", "/" or none. A name
-- with "/" is unlinked after the test, also if another process made it and died.
function support.unique(kind)
  serial = serial + 1
  local name = ("%sspec-%d-%d"):format(kind or "", process.pid(), serial)
  if kind == "/" and not support.windows then verbatim[#verbatim + 1] = name end
  return name
end

local folder
local temporary = {}

-- Returns an unused path in a folder that only this process uses. (On Windows Lua's own os.tmpname returns a
-- path in the root of the drive.)
function support.tmpname(suffix)
  if not folder then
    local path = (os.getenv(support.windows and "TEMP" or "TMPDIR") or "/tmp") .. package.config:sub(1, 1)
      .. support.unique("filemap-")
    assert(lfs.mkdir(path))
    folder = path
  end
  local path = folder .. package.config:sub(1, 1) .. support.unique() .. (suffix or "")
  temporary[#temporary + 1] = path
  return path
end

-- Removes the files at these paths, and their folder. Returns a message if the folder cannot be removed.
local function remove_temporary()
  for _, path in ipairs(temporary) do os.remove(path) end
  temporary = {}
  local removed, message = true, nil
  if folder then removed, message = lfs.rmdir(folder) end
  message = not removed and ("%s is left: %s"):format(folder, message) or nil
  folder = nil
  return message
end

-- Children ------------------------------------------------------------------------------------------------

local children = {}
local names = setmetatable({}, { __mode = "k" })

local function state(child, timeout)
  local code, what, signal = child:wait(timeout)
  if code then return ("it ended with code %d"):format(code) end
  return what == "signal" and ("signal %d ended it"):format(signal) or "it runs"
end

local function hear(child, pattern, level)
  local line, problem = child:read(support.deadline)
  if not line then
    error(("child %s: %s instead of %s; %s"):format(names[child] or child:pid(), problem,
      pattern and ("%q"):format(pattern) or "a line", state(child, problem == "eof" and 1 or 0)), level + 1)
  end
  local results = table.pack(line:match(pattern or "^.*$"))
  if results[1] == nil then
    error(("child %s said %q instead of %q"):format(names[child] or child:pid(), line, pattern), level + 1)
  end
  return table.unpack(results, 1, results.n)
end

-- Reads the child's next line. Returns the line, or the captures of `pattern` in it.
function process.methods:expect(pattern)
  return hear(self, pattern, 2)
end

-- Ends the child's stdin, which makes the child exit, and checks that its exit code is 0.
function process.methods:finish()
  self:close_input()
  if self:wait(support.deadline) ~= 0 then
    error(("child %s did not end well: %s"):format(names[self] or self:pid(), state(self, 0)), 2)
  end
end

-- Has a child closed after the test. Returns it.
function support.own(child, name)
  names[child] = name
  children[#children + 1] = child
  return child
end

-- Starts spec/child/NAME.lua with these arguments and waits until it is ready. A table as the last argument
-- holds the options `inherit` and `env` of process.spawn.
function support.child(name, ...)
  local arguments = table.pack(...)
  local command = { support.lua, ("spec/child/%s.lua"):format(name) }
  for i = 1, arguments.n do
    if i == arguments.n and type(arguments[i]) == "table" then
      command.inherit, command.env = arguments[i].inherit, arguments[i].env
    else
      command[#command + 1] = tostring(arguments[i])
    end
  end
  local child = support.own(process.spawn(command), name)
  hear(child, "^READY$", 2)
  return child
end

-- Both make an evaluator (spec/child/evaluator.lua) run a chunk. `start` returns at once, and `expect` then
-- returns the chunk's results. `ask` waits and returns them.
function process.methods:start(chunk, ...)
  assert(self:write(chunk:format(...):gsub("%s*\n%s*", " ") .. "\n"))
end

function process.methods:ask(chunk, ...)
  self:start(chunk, ...)
  return hear(self, nil, 2)
end

-- Objects left behind -------------------------------------------------------------------------------------

-- The files of /dev/shm, except those with names of another run, which may appear and disappear. (Windows'
-- names are not there, although wine shows the folder.)
local function segments()
  local found = {}
  if not support.windows and lfs.attributes("/dev/shm", "mode") == "directory" then
    for file in lfs.dir("/dev/shm") do
      local pid = file:match("spec%-(%d+)%-")
      if not pid or tonumber(pid) == process.pid() then found[file] = true end
    end
  end
  return found
end

-- Adds checks after each test. Must be called once, in a file's outermost block or before it. After each `it`
-- of the block its children are killed and its temporary files removed, and the run fails if maps, views or
-- sections are left. Hooks that open objects for several tests must be in an inner block, or the objects
-- count as left behind.
function support.clean()
  local test, live, shared

  busted.subscribe({ "test", "start" }, function(element)
    test = element.name
    return nil, true -- other subscribers get the event too
  end)

  busted.before_each(function()
    live, shared = core.live(), segments()
  end)

  busted.after_each(function()
    local left = {}
    collectgarbage()
    collectgarbage()
    for _, child in ipairs(children) do child:close() end
    -- The section of a killed child is stale, and list frees its memory.
    if #children > 0 then core.list() end
    children = {}
    for _, name in ipairs(verbatim) do
      core.unlink(name)
      core.sync.unlink(name)
    end
    verbatim = {}
    if core.live() ~= live then left[1] = ("%d maps and mappings where %d were"):format(core.live(), live) end
    for file in pairs(segments()) do
      if not shared[file] then left[#left + 1] = ("/dev/shm/%s"):format(file) end
    end
    left[#left + 1] = remove_temporary()
    if #left > 0 then error(("%q left behind: %s"):format(test, table.concat(left, ", ")), 0) end
  end)
end

-- Tests for one system ------------------------------------------------------------------------------------

-- only("posix" or "win32", reason, body): runs `body`, which defines tests for one system. On the other
-- system they are pending, under a heading with the reason. Without `body` it returns a function to use
-- instead of `it`.
function support.only(system, reason, body)
  local heading = ("(only on %s: %s)"):format(system, reason)
  if core.platform == system then
    if body then body() end
    return busted.it
  end
  -- The calls are tail calls, so that busted shows the line in the spec file and not the line here.
  if not body then return function(name) return busted.pending(heading .. " " .. name) end end
  busted.describe(heading, function()
    local i = 1
    while debug.getupvalue(body, i) ~= "_ENV" do i = i + 1 end
    -- In busted's environment, setting a global sets it for the block that is being described.
    local _, env = debug.getupvalue(body, i)
    env.it = function(name) return busted.pending(name) end
    body()
  end)
end

--- Returns `it` if a program is installed, else a function that makes the test pending.
function support.having(program, it)
  if support.windows or os.execute(("command -v %s >/dev/null"):format(program)) then return it end
  return function(name) return busted.pending(("%s (%s is not installed)"):format(name, program)) end
end

--- Sets the parameters of the incremental collector, as collectgarbage("incremental", …) does up to Lua 5.4.
-- Lua 5.5 takes them one by one, and does less work for the same multiplier.
function support.set_collector(pause, multiplier, step)
  collectgarbage("incremental", pause, multiplier, step)
  if pcall(collectgarbage, "param", "pause", pause) then
    collectgarbage("param", "stepmul", multiplier * 50)
    collectgarbage("param", "stepsize", 1 << (step or 13))
  end
end

--- Returns a function to use instead of `it` for tests of what qemu does otherwise than the kernel: limits of
-- memory, vfork, and programs that run.
function support.natively(it)
  if not support.emulated then return it end
  return function(name) return busted.pending(name .. " (qemu does this otherwise than the kernel)") end
end

--- Returns a function to use instead of `it` for tests in which a page is lost. They are pending where qemu
-- does not tell a program the address of the fault: for programs of 32 bits, and for those of s390x.
function support.losing(it)
  if not support.emulated or support.foreign == "aarch64" then return it end
  return function(name) return busted.pending(name .. " (qemu gives a wrong address for SIGBUS)") end
end

--- A test of pinned memory. It is pending under AddressSanitizer, which makes mlock do nothing.
function support.pins(it, pending, name, body)
  if support.sanitized then pending(name .. " (AddressSanitizer makes mlock do nothing)")
  else it(name, body) end
end

-- Calls f until it returns something, which it then returns; raises at the deadline.
function support.eventually(f)
  local deadline = process.now() + support.deadline
  repeat
    local results = table.pack(f())
    if results[1] then return table.unpack(results, 1, results.n) end
    process.sleep(0.005)
  until process.now() > deadline
  error("nothing came in time", 2)
end

-- Checks that wait_second, which waits for idle objects for a second, needs less than 20 ms of processor
-- time, times FILEMAP_IDLE_FACTOR. The bound is three times that under wine, and five times under qemu: qemu
-- has no futex_waitv(2), so an idle process wakes 250 times a second there, and its processor time includes
-- the emulation. A busy machine may put work off from the second before, so two of five calls may need more.
function support.assert_idle(wait_second)
  local factor = tonumber(os.getenv("FILEMAP_IDLE_FACTOR")) or 1
  local most = 0.02 * factor * (support.windows and 3 or support.emulated and 5 or 1)
  local used, good = {}, 0
  for i = 1, 5 do
    local before = process.cpu()
    wait_second()
    used[i] = process.cpu() - before
    if used[i] < most then good = good + 1 end
    if good == 3 then return end
  end
  error(("idle waits of a second took %s s of processor time; three of them must take less than %g s"):format(
    table.concat(used, ", "), most), 2)
end

-- The paths in `root` and below that match `pattern`, sorted.
function support.files(root, pattern, found)
  found = found or {}
  for name in lfs.dir(root) do
    local path = root .. "/" .. name
    if name:sub(1, 1) ~= "." then
      if lfs.attributes(path, "mode") == "directory" then support.files(path, pattern, found)
      elseif name:find(pattern) then found[#found + 1] = path end
    end
  end
  table.sort(found)
  return found
end

return support
