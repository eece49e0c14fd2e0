-- The memory that filemap.cdef takes for a large source: tokens are made as they are needed, and declarations
-- are kept as text until they are used.
local cdef = require "filemap.cdef"
local support = require "spec.support"

support.clean()

local SIZE = 2000000
local MOST = 8

-- Lines of a pattern with a number, up to SIZE bytes.
local function lines(pattern)
  local list, size, i = {}, 0, 0
  while size < SIZE do
    i = i + 1
    list[i] = pattern:gsub("%%d", i)
    size = size + #list[i]
  end
  return table.concat(list)
end

-- The greatest size of the heap while f runs, beyond that at its start, in bytes.
local function peak(f)
  collectgarbage()
  -- By default the collector waits until the whole heap has doubled, and other specs have filled the heap.
  collectgarbage("incremental", 120, 200)
  collectgarbage()
  local before, most = collectgarbage("count"), 0
  debug.sethook(function() most = math.max(most, collectgarbage("count")) end, "", 10000)
  local well, problem = pcall(f)
  debug.sethook()
  collectgarbage("incremental", 200, 100)
  assert(well, problem)
  most = math.max(most, collectgarbage("count"))
  return (most - before) * 1024
end

describe("a large source", function()
  for name, pattern in pairs {
    ["small structs"] = "struct S%d { int a; float b[3]; };\n",
    ["structs with comments"] = [[
/* Car %d, as it is on the track. */
typedef struct Car%d {
  int32_t id;            // 0: none
  float position[3], velocity[3];
  uint32_t pit : 1, dirty : 1, lap : 14;
  wchar_t name[33];
} Car%d;
]],
    prototypes = "int function_%d(int a, const char *b, void *c);\n",
    ["functions with bodies"] = "static inline int f%d(int a) {\n  if (a) { return a * 2; }\n  return "
      .. "-a;\n}\n",
  } do
    it(("of %s takes at most %d times its size"):format(name, MOST), function()
      local source = lines(pattern)
      local types
      local bytes = peak(function() types = cdef.parse(source) end)
      assert.is_true(bytes <= MOST * #source, ("%.1f times"):format(bytes / #source))
      assert.is_table(types)
    end)
  end
end)
