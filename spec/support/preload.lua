-- Loads filemap before the specs. busted otherwise loads its modules again for each file of specs, and keeps
-- each copy to the end, so that each full run of the garbage collector takes longer.
for _, name in ipairs { "cdef", "dict", "mailslot", "pipe", "state", "struct", "sync", "win32" } do
  require("filemap." .. name)
end
