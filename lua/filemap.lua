--- Memory mapping as IPC: sections of memory and files, shared by name, through a path, or inherited.
--
-- A mistake in the program raises. A failure of the world returns `nil, message, code, native`.
-- @module filemap

local core = require "filemap.core"

local filemap = {
  --- The version of this module.
  _VERSION = "filemap 0.1.0",
  --- The system it runs on: `"posix"`, `"win32"`, or `"stub"` for one that it does not know.
  platform = core.platform,
  --- Bytes of a page of memory.
  page_size = core.page_size,
  --- Bytes to which the system aligns mappings. Views can start anywhere all the same.
  granularity = core.granularity,
}

for _, name in ipairs { "create", "open", "create_or_open", "file", "adopt", "unlink", "list" } do
  filemap[name] = core[name]
end

return filemap
