-- The same work by LuaJIT's FFI, which has no checks. bench/luajit.lua runs this file as a process of its
-- own. It prints a line for each figure: the id and the quartiles in nanoseconds, separated by tabs.
-- luacheck: std luajit
local ffi = require "ffi"
local harness = require "bench.harness"

ffi.cdef [[
  typedef struct { long seconds, nanoseconds; } bench_time;
  int clock_gettime(int clock, bench_time *t);
  void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset);
  void *memmove(void *to, const void *from, size_t n);
  int memcmp(const void *a, const void *b, size_t n);
]]

local t = ffi.new "bench_time"
local function now()
  ffi.C.clock_gettime(1, t) -- CLOCK_MONOTONIC
  return tonumber(t.seconds) * 1e9 + tonumber(t.nanoseconds)
end

local MIB = 1024 * 1024

-- Returns shared anonymous memory, as the C limit uses.
local function memory(size)
  return ffi.cast("char *", ffi.C.mmap(nil, size, 3, 0x21, -1, 0))
end

local function figure(id, statement, names)
  collectgarbage()
  local samples = harness.measure(now, { harness.loop(statement, names) }, harness.target.garbage)
  local quartiles = harness.quartiles(samples[1])
  print(("%s\t%.17g\t%.17g\t%.17g"):format(id, quartiles[1], quartiles[2], quartiles[3]))
end

-- Offsets change and results are used; otherwise the compiler would move the work out of the loop.
local function numbers(p)
  local words = ffi.cast("int32_t *", p)
  local sum = ffi.new "int32_t[1]"
  figure("get_i32", "sum[0] = sum[0] + words[i % 1024]", { words = words, sum = sum })
  figure("set_i32", "words[i % 1024] = i", { words = words })
  figure("a[i]", "sum[0] = sum[0] + words[i % 1024]", { words = words, sum = sum })
  figure("a[i] = x", "words[i % 1024] = i", { words = words })
end

local function strings(p)
  local text = ("x"):rep(MIB)
  local kept = {}
  for _, n in ipairs { 16, 40, 256, 4096, 65536, MIB } do
    figure("get_string " .. n, "kept[1] = str(p + 64, n)", { kept = kept, str = ffi.string, p = p, n = n })
  end
  for _, n in ipairs { 16, 256, 4096, 65536, MIB } do
    figure("set_string " .. n, "copy(p + 64, s, n)", { copy = ffi.copy, p = p, s = text:sub(1, n), n = n })
  end
end

local function ranges(p, q)
  local result = {}
  for _, n in ipairs { 64, 4096, MIB } do
    figure("fill " .. n, "fill(p + 64, n, 170)", { fill = ffi.fill, p = p, n = n })
    figure("copy " .. n, "move(p + 64, q + 128, n)", { move = ffi.C.memmove, p = p, q = q, n = n })
    ffi.fill(p, 4 * MIB, 1)
    ffi.fill(q, 4 * MIB, 1)
    figure("equals " .. n, "r[1] = compare(p + 64, q + 64, n)",
      { r = result, compare = ffi.C.memcmp, p = p, q = q, n = n })
  end
end

local function tables(p)
  local floats = ffi.cast("float *", p)
  local from = {}
  for i = 1, 1000000 do from[i] = i / 3 end
  figure("array get", "local t = {} for k = 1, 1000000 do t[k] = floats[k - 1] end", { floats = floats })
  figure("array set", "for k = 1, 1000000 do floats[k - 1] = from[k] end", { floats = floats, from = from })
end

local function fields(p)
  local x = ffi.cast("struct { int32_t a, b; float x; double y; } __attribute__((packed)) *", p)
  local kept = {}
  figure("unpack i4i4fd", "kept[1], kept[2], kept[3], kept[4] = x.a, x.b, x.x, x.y", { kept = kept, x = x })
end

numbers(memory(4096))
strings(memory(4 * MIB))
ranges(memory(4 * MIB), memory(4 * MIB))
tables(memory(4 * MIB))
fields(memory(4096))
