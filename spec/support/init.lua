-- What the specs share: other processes, names and files of their own, and a look at what they leave behind.
-- busted is started at the project's root.
--
-- The environment can give FILEMAP_SPEC_DEADLINE, the seconds that anything awaited may take (more where all
-- is slow, as under valgrind), and FILEMAP_SPEC_LUA, the program to run children with instead of this one.
local busted = require "busted"
local core = require "filemap.core"
local lfs = require "lfs"
local process = require "process"

local support = {
  windows = core.platform == "win32",
  deadline = tonumber(os.getenv("FILEMAP_SPEC_DEADLINE")) or 30,
}

-- The interpreter that runs this, which elsewhere than on Linux is what the command line says. (wine has the
-- host's /proc too, where its own server is "self".)
local function interpreter()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return not support.windows and lfs.symlinkattributes("/proc/self/exe", "target") or arg[first]
end

support.lua = os.getenv("FILEMAP_SPEC_LUA") or interpreter()

-- Names ---------------------------------------------------------------------------------------------------

-- busted loads this anew for each file of specs: the clock makes the later ones' numbers others.
local serial = process.now() * 1000000 // 1 | 0

local verbatim = {}

-- A name that no other run uses, behind its kind: "Local\\", "Global\\", "/" or none. One that stays by itself is
-- removed after the test, whoever made it and however that ended.
function support.unique(kind)
  serial = serial + 1
  local name = ("%sspec-%d-%d"):format(kind or "", process.pid(), serial)
  if kind == "/" and not support.windows then verbatim[#verbatim + 1] = name end
  return name
end

local folder
local temporary = {}

-- A path at which there is nothing yet, in a folder that nobody else uses. Lua's own os.tmpname gives one at
-- the root of the drive on Windows.
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

-- Removes what was made at those paths, and their folder. Returns what is in the way.
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

-- The next line that the child says, or the captures of `pattern` in it.
function process.methods:expect(pattern)
  return hear(self, pattern, 2)
end

-- Ends the child's stdin, and with it the child, which must find nothing amiss.
function process.methods:finish()
  self:close_input()
  if self:wait(support.deadline) ~= 0 then
    error(("child %s did not end well: %s"):format(names[self] or self:pid(), state(self, 0)), 2)
  end
end

-- Starts spec/child/NAME.lua with these arguments and waits until it is ready. A table after them is what
-- process.spawn can be told besides: `inherit` and `env`.
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
  local child = process.spawn(command)
  names[child] = name
  children[#children + 1] = child
  hear(child, "^READY$", 2)
  return child
end

-- Has an evaluator (spec/child/evaluator.lua) run a chunk, of one line: `start` goes on, `ask` awaits the results, and
-- `expect` gives those of what was started.
function process.methods:start(chunk, ...)
  assert(self:write(chunk:format(...):gsub("%s*\n%s*", " ") .. "\n"))
end

function process.methods:ask(chunk, ...)
  self:start(chunk, ...)
  return hear(self, nil, 2)
end

-- What is left behind -------------------------------------------------------------------------------------

-- The files of /dev/shm but those with another run's names, which come and go. (Windows' names are not there, though
-- wine shows the folder.)
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

-- To be called once, in the outermost block of a file or before it: after each `it` of the block its children
-- are ended and its temporary files removed, and the run fails if maps, views or segments are left. What hooks
-- of the same block make does not count only if they are in a block further in.
function support.clean()
  local test, live, shared

  busted.subscribe({ "test", "start" }, function(element)
    test = element.name
    return nil, true -- others are told, too
  end)

  busted.before_each(function()
    live, shared = core.live(), segments()
  end)

  busted.after_each(function()
    local left = {}
    collectgarbage()
    collectgarbage()
    for _, child in ipairs(children) do child:close() end
    -- What a killed child held is invisible, and its memory freed by the next list.
    if #children > 0 then core.list() end
    children = {}
    for _, name in ipairs(verbatim) do core.unlink(name) end
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

-- only("posix" or "win32", reason, body): `body` describes tests that the other system cannot have. There
-- they are pending, under a heading that gives the reason. Without `body` it returns what to use as `it`.
function support.only(system, reason, body)
  local heading = ("(only on %s: %s)"):format(system, reason)
  if core.platform == system then
    if body then body() end
    return busted.it
  end
  -- The calls are tail calls so that busted shows the spec's line, not this one's.
  if not body then return function(name) return busted.pending(heading .. " " .. name) end end
  busted.describe(heading, function()
    local i = 1
    while debug.getupvalue(body, i) ~= "_ENV" do i = i + 1 end
    -- In busted's environment a global that is set is one of the block that is being described.
    local _, env = debug.getupvalue(body, i)
    env.it = function(name) return busted.pending(name) end
    body()
  end)
end

--- A test of pinned memory, which runs where pinning does something: AddressSanitizer makes mlock do nothing.
function support.pins(it, pending, name, body)
  local sanitized = (os.getenv("LD_PRELOAD") or ""):find("libasan", 1, true)
  if sanitized then pending(name .. " (AddressSanitizer makes mlock do nothing)") else it(name, body) end
end

return support
