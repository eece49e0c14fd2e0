-- Finds the limits of this machine for filemap. Internal to the command.
--
-- Returns a function that returns a list of { check =, result = "ok" | "warning" | "failed", message =,
-- advice = }.
local filemap = require "filemap"
local progress = require "filemap.cli.progress"
local shell = require "filemap.cli.shell"

local FOLDER = "/dev/shm"
-- Docker's default size of /dev/shm.
local SMALL = 64 << 20
-- systemd's default limit of locked memory.
local MEMLOCK = 8 << 20

local function read(path)
  local file = io.open(path, "r")
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end

local function user()
  return math.tointeger(tonumber(read("/proc/self/status"):match("Uid:%s+%d+%s+(%d+)"))) or 0
end

-- The options and the type of the mount at a path. Returns nil if the path is on the device of the folder
-- above it, and so is not a mount point: a line of mountinfo does not show that, since a later mount may hide
-- it. Of two mounts at one point the last line counts.
local function mount_of(path)
  local devices = shell.output(("stat -c %%d %s %s/.. 2>/dev/null"):format(path, path)) or ""
  local own, above = devices:match("(%d+)\n(%d+)")
  if not own or own == above then return nil end
  local options, kind
  for line in read("/proc/self/mountinfo"):gmatch("[^\n]+") do
    local at, flags, fs, super = line:match("^%S+ %S+ %S+ %S+ (%S+) (%S+).- %- (%S+) %S+ (%S+)$")
    if at == path then options, kind = flags .. "," .. super, fs end
  end
  return options, kind
end

-- Total and free bytes and free inodes, by df.
local function space(path)
  local blocks = shell.output("df -Pk " .. path .. " 2>/dev/null") or ""
  local total, available = blocks:match("\n%S+%s+(%d+)%s+%d+%s+(%d+)")
  local inodes = (shell.output("df -Pi " .. path .. " 2>/dev/null") or ""):match("\n%S+%s+%d+%s+%d+%s+(%d+)")
  return (math.tointeger(tonumber(total)) or 0) << 10, (math.tointeger(tonumber(available)) or 0) << 10,
    math.tointeger(tonumber(inodes))
end

local checks = {}

-- A section of one page, made, opened by its name and written to.
local function try()
  local name = ("filemap-doctor-%s"):format(tostring({}):match("%x+$"))
  local map, message, code = filemap.create(name, filemap.page_size)
  if not map then return message, code end
  local view = map:view()
  view:set_u32(0, 1)
  local other
  other, message, code = filemap.open(name)
  if other then other:close() end
  view:close()
  map:close()
  if not other then return message, code end
end

function checks.sections()
  local message, code = try()
  if not message then return "ok", "a section can be made and opened by its name" end
  if code ~= "no_space" then return "failed", message end
  return "failed", message, ("remove files from %s, or make it larger: mount -o remount,size=2G %s"):format(
    FOLDER, FOLDER)
end

function checks.folder()
  local options, kind = mount_of(FOLDER)
  if not options then
    local there = os.execute("test -d " .. FOLDER)
    if not there then
      return "failed", FOLDER .. " is missing",
        ("mkdir -m 1777 %s && mount -t tmpfs -o mode=1777 tmpfs %s"):format(FOLDER, FOLDER)
    end
    return "warning", FOLDER .. " is not a file system of its own, so sections are files on a disk",
      ("mount -t tmpfs -o mode=1777 tmpfs %s"):format(FOLDER)
  end
  if kind ~= "tmpfs" then
    return "warning", ("%s is %s and not tmpfs"):format(FOLDER, kind), "mount a tmpfs there"
  end
  return "ok", FOLDER .. " is a tmpfs"
end

function checks.size()
  local total = space(FOLDER)
  if total == 0 then return "warning", "the size of " .. FOLDER .. " is not known" end
  local message = ("%s has %s"):format(FOLDER, progress.bytes(total))
  if total > SMALL then return "ok", message end
  return "warning", message .. ", which larger sections do not fit",
    ("docker run --shm-size=1g, or: mount -o remount,size=1G %s"):format(FOLDER)
end

function checks.room()
  local total, available, inodes = space(FOLDER)
  local message = ("%s is free in %s"):format(progress.bytes(available), FOLDER)
  if total > 0 and (available < filemap.page_size or inodes == 0) then
    return "failed", FOLDER .. " is full", ("remove unused files: ls -lS %s"):format(FOLDER)
  end
  if total > 0 and available < total // 20 then
    return "warning", message .. ", less than 5 %", ("remove unused files: ls -lS %s"):format(FOLDER)
  end
  return "ok", message
end

checks["noexec"] = function()
  local options = mount_of(FOLDER) or ""
  if not ("," .. options .. ","):find(",noexec,", 1, true) then
    return "ok", FOLDER .. " allows execute access"
  end
  return "warning", FOLDER .. " is mounted noexec: views with x access are denied",
    ("mount -o remount,exec %s, if a program needs them"):format(FOLDER)
end

-- The value of RemoveIPC= in logind's files, in systemd's order: the main file, then the parts by name, of
-- which one in /etc hides one of that name in /usr/lib.
local function remove_ipc()
  local parts = shell.output("for folder in /usr/lib /run /etc; do "
    .. "for f in $folder/systemd/logind.conf.d/*.conf; do [ -e \"$f\" ] && echo \"$f\"; done; "
    .. "done; true") or ""
  local by_name, names = {}, {}
  for path in parts:gmatch("[^\n]+") do
    local name = path:match("[^/]+$")
    if not by_name[name] then names[#names + 1] = name end
    by_name[name] = path
  end
  table.sort(names)
  local value = "yes"
  local function apply(path)
    for found in ("\n" .. read(path)):gmatch("\n%s*RemoveIPC%s*=%s*(%w+)") do value = found:lower() end
  end
  apply("/etc/systemd/logind.conf")
  for _, name in ipairs(names) do apply(by_name[name]) end
  return not (value == "no" or value == "false" or value == "0" or value == "off")
end

function checks.RemoveIPC()
  local system = math.tointeger(tonumber(read("/etc/login.defs"):match("\nSYS_UID_MAX%s+(%d+)"))) or 999
  local uid = user()
  local logind = os.execute("test -e /lib/systemd/systemd-logind")
  if uid <= system then return "ok", "systemd keeps the sections of a system user" end
  if not logind then return "ok", "there is no systemd-logind, which would remove this user's sections" end
  if not remove_ipc() then return "ok", "RemoveIPC is off" end
  return "warning", "systemd removes this user's sections when the last session ends",
    "for services: RemoveIPC=no in /etc/systemd/logind.conf, or loginctl enable-linger"
end

function checks.memlock()
  local limit = read("/proc/self/limits"):match("Max locked memory%s+(%w+)")
  local bytes = math.tointeger(tonumber(limit))
  local capabilities = read("/proc/self/status"):match("CapEff:%s+(%x+)") or "0"
  local capable = math.tointeger(tonumber("0x" .. capabilities)) or 0
  if capable & 1 << 14 ~= 0 then return "ok", "this user may pin any amount of memory" end
  if not bytes then return "ok", "memory can be pinned without a limit" end
  local message = ("%s of memory can be pinned"):format(progress.bytes(bytes))
  if bytes >= MEMLOCK then return "ok", message end
  return "warning", message .. ": view:pin fails past that",
    "raise 'memlock' in /etc/security/limits.conf (ulimit -l)"
end

function checks.names()
  local uid = user()
  local find = "find %s -maxdepth 1 -name 'filemap.%d.*' \\( ! -user %d -o ! -type f \\) 2>/dev/null"
  local planted = shell.output(find:format(FOLDER, uid, uid)) or ""
  if planted == "" then return "ok", "no other user has taken this user's names" end
  local first, count = planted:match("[^\n]+"), select(2, planted:gsub("[^\n]+", ""))
  local message = "%d of this user's names are taken by another user or by other kinds of files, such as %s"
  return "warning", message:format(count, first), "ask the administrator to remove them"
end

function checks.processors()
  local allowed = read("/proc/self/status"):match("Cpus_allowed_list:%s+(%S+)") or ""
  local count = 0
  for first, last in allowed:gmatch("(%d+)%-?(%d*)") do
    count = count + (last ~= "" and tonumber(last) - tonumber(first) or 0) + 1
  end
  if count == 0 then count = tonumber(os.getenv("NUMBER_OF_PROCESSORS")) or 1 end
  count = math.tointeger(count)
  if count > 1 then return "ok", ("%d processors"):format(count) end
  return "warning", "one processor: a process that waits by polling delays the one that it waits for",
    "wait with the library's calls, which sleep"
end

local POSIX = { "sections", "folder", "size", "room", "noexec", "RemoveIPC", "memlock", "names",
  "processors" }
local WINDOWS = { "sections", "processors" }

--- Runs all checks of this system.
return function()
  local findings = {}
  for i, check in ipairs(filemap.platform == "win32" and WINDOWS or POSIX) do
    local result, message, advice = checks[check]()
    findings[i] = { check = check, result = result, message = message, advice = advice }
  end
  return findings
end
