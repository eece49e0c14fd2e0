-- The live names that this user can see. Internal to the command.
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local shell = require "filemap.cli.shell"

-- shm_open(3) keeps verbatim names as files of /dev/shm. Those of sem_open(3) and of filemap have prefixes.
local VERBATIM = "find /dev/shm -maxdepth 1 -type f -readable -size +0 ! -name 'filemap.*' ! -name 'sem.*' "
  .. "-printf '%s /%f\\0' 2>/dev/null; true"

--- An array of { name =, size = } as filemap.list returns it, on POSIX with the verbatim names too, in order.
return function()
  local entries = fail.unless(filemap.list())
  local verbatim = filemap.platform == "posix" and shell.output(VERBATIM) or ""
  for size, name in verbatim:gmatch("(%d+) ([^\0]+)\0") do
    entries[#entries + 1] = { name = name, size = math.tointeger(tonumber(size)) }
  end
  table.sort(entries, function(a, b) return a.name < b.name end)
  return entries
end
