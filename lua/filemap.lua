--- Memory mapping as IPC: sections of memory and files that processes share by a name, a path or an inherited
-- handle.
--
-- A mistake in the program raises an error. A failure of the environment returns `nil, message, code,
-- native`.
--
-- In the examples `map` is a map of 4096 bytes, which are 0, and `view` is a view of all of it. Each module
-- is in a variable of its last name: `sync` is `require "filemap.sync"`. `-->` begins what a line prints.
-- @module filemap

local core = require "filemap.core"

local filemap = {
  --- The version of this module.
  _VERSION = "filemap 0.1.0",
  --- The system it runs on: `"posix"`, `"win32"`, or `"stub"` for any other system.
  platform = core.platform,
  --- The size of a page of memory in bytes.
  page_size = core.page_size,
  --- The alignment of the system's mappings in bytes. Views can start at any offset.
  granularity = core.granularity,
}

for _, name in ipairs { "create", "open", "create_or_open", "file", "adopt", "unlink", "list", "now",
  "sleep" } do
  filemap[name] = core[name]
end

return filemap
