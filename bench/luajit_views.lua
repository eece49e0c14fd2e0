-- script/bench luajit: numbers through views of the module for LuaJIT, against bare pointers, which have no
-- checks and no regard for other processes. It runs in LuaJIT, which compiles all loops. A statement goes
-- through 4096 bytes, and a figure is its time divided by its 1024 accesses. The rounds are interleaved, and
-- the figures are medians in nanoseconds. It fails if a method takes more than its bound times as long as the
-- pointer.
-- luacheck: std luajit
local ffi = require "ffi"
local filemap = require "filemap"
local harness = require "bench.harness"

local view = assert(assert(filemap.create(nil, 4096)):view())
local names = { v = view, p = view:pointer("uint8_t", 0), cast = ffi.cast, get = view:getter "i32", sum = 0,
  i32 = ffi.typeof "int32_t *", f64 = ffi.typeof "double *" }

-- What is measured: its name, the statement with a pointer, the statement with a view, the bound.
local WORK = {
  { "get_i32", "sum = sum + cast(i32, p + o)[0]", "sum = sum + v:get_i32(o)", 2 },
  { "getter i32", "sum = sum + cast(i32, p + o)[0]", "sum = sum + get(o)", 2 },
  { "get_f64", "sum = sum + cast(f64, p + o)[0]", "sum = sum + v:get_f64(o)" },
  { "set_i32", "cast(i32, p + o)[0] = o", "v:set_i32(o, o)" },
  { "set_f64", "cast(f64, p + o)[0] = o", "v:set_f64(o, o)" },
}

local function loop(statement)
  local last = statement:find "f64" and 4088 or 4092
  return harness.loop(("for o = 0, %d, 4 do %s end"):format(last, statement), names)
end

local runs = {}
for _, work in ipairs(WORK) do
  runs[#runs + 1] = loop(work[2])
  runs[#runs + 1] = loop(work[3])
end

local samples = harness.measure(function() return filemap.now() * 1e9 end, runs, harness.target.default)
local too_slow = false
print(("%-12s %10s %10s %8s %8s"):format("", "pointer", "view", "ratio", "bound"))
for i, work in ipairs(WORK) do
  local bare = harness.quartiles(samples[2 * i - 1])[2] / 1024
  local checked = harness.quartiles(samples[2 * i])[2] / 1024
  print(("%-12s %10.2f %10.2f %8.2f %8s"):format(work[1], bare, checked, checked / bare, work[4] or ""))
  too_slow = too_slow or work[4] and checked / bare > work[4]
end
os.exit(too_slow and 1 or 0)
