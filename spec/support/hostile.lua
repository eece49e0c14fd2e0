-- Hostile and valid values, from which spec/child/fuzzer.lua chooses arguments. Every choice comes from
-- math.random.
local lfs = require "lfs"
local process = require "process"

local hostile = {
  -- The error that hostile values raise. The word distinguishes it from filemap's own errors.
  TOKEN = "hostile value",
}

local random = math.random

local function pick(list)
  return list[random(#list)]
end
hostile.pick = pick

-- Closes some object, possibly in the middle of a call. The user of this module replaces it.
function hostile.close_something() end

-- {-- Plain values ---------------------------------------------------------------------------------

local small = { 0, 0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 31, 32, 40, 64, 100 }
local numbers = {
  0, -1, 1, 255, 256, 4095, 4096, 65535, 65536, -128, -32769, 0.5, -0.0, 3.0, 1e15, 1e308, -1e308, 0 / 0,
  1 / 0, -1 / 0, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 32, 2.0 ^ 31, 2.0 ^ 32, 1 << 53, (1 << 53) + 1,
  2.0 ^ 53, 2.0 ^ 63, -2.0 ^ 63, 2.0 ^ 64, 1 << 62, math.mininteger, math.mininteger + 1, math.maxinteger,
  math.maxinteger - 1,
}
local long = ("long "):rep(20000)
local texts = {
  "", "x", "hello", "\0", "a\0b", "\xff\xfe", "\xed\xa0\x80", "\xf4\x90\x80\x80", "é", "日本語", "🌍",
  ("x"):rep(40), ("x"):rep(41), ("y"):rep(250), long, "%s%n%d", "10", "-1", "0x10", "1e400", "nan",
  "line\nline\n\nrest", " 12 0x7p3 -4", "r", "rw", "copyx", "a", "n", "set", "seek",
}
local accesses = { "r", "rw", "copy", "rx", "rwx", "copyx" }
local types = {}
for i, T in ipairs(require("filemap.core").types) do types[i] = T.name end
local formats = {
  "<i4", "b", "z", "s1", "s4", "i16", "!8 i1 d", "j n f", "c10", "c2147483640", "i3 I7", "Xd", "!3 i4", "x",
  ">I2 <d", "i17", "c", "s", "!16 Xi16", "zzzz", "k", "", ("i1"):rep(300),
}

-- {-- Tables, functions and others ------------------------------------------------------------------

-- The body of every hostile metamethod.
local function misbehave()
  local what = random(8)
  if what == 1 then error(hostile.TOKEN, 0) end
  if what == 2 then error({ hostile.TOKEN }) end
  if what == 3 then error() end
  if what == 4 and coroutine.isyieldable() then return coroutine.yield(hostile.TOKEN) end
  if what <= 6 then hostile.close_something() end
  if what == 7 then collectgarbage() end
  return hostile.any()
end

local events = {
  "__index", "__newindex", "__len", "__pairs", "__call", "__tostring", "__eq", "__lt", "__le", "__concat",
  "__unm", "__close", "__gc", "__name", "__metatable", "__mode", "__band", "__idiv",
}

local function table_that_misbehaves()
  local mt = {}
  for _ = 1, random(6) do mt[pick(events)] = misbehave end
  if mt.__metatable then mt.__metatable = pick { 42, false, "no", {} } end
  if mt.__mode then mt.__mode = pick { "k", "v", "kv" } end
  if random(3) == 1 then mt.__name = pick { hostile.TOKEN, 42, {} } end
  local gc = mt.__gc
  if gc then mt.__gc = function(...) pcall(gc, ...) end end -- its errors would be warnings
  return setmetatable(random(2) == 1 and {} or { hostile.number(), hostile.text(), size = 100 }, mt)
end

local function cycle()
  local t = { 1, 2, 3 }
  t[random(4)], t.self = t, t
  return setmetatable(t, random(2) == 1 and { __index = t } or nil)
end

local tables = {
  function() return {} end,
  function() return { random(10), random(10), random(10) } end,
  function() return { hostile.any_plain(), hostile.any_plain(), [random(5)] = hostile.any_plain() } end,
  function() return { [pick(texts)] = hostile.any_plain(), [0.5] = 1, [true] = false } end,
  cycle, table_that_misbehaves, table_that_misbehaves,
}

local foreign

local others = {
  function() return true end, function() return false end, function() return nil end,
  function() return misbehave end, function() return string.rep end,
  function() return coroutine.create(misbehave) end, function() return coroutine.running() end,
  function() return pick(foreign) end,
}

local closed_file = assert(io.open(arg[0]))
closed_file:close()
foreign = {
  io.stdout, closed_file, debug.upvalueid(cycle, 1), select(2, lfs.dir(".")), process, string, _G,
}

function hostile.number() return random(2) == 1 and pick(small) or pick(numbers) end
function hostile.text() return pick(texts) end
function hostile.table() return pick(tables)() end
function hostile.any_plain() return pick { hostile.number, hostile.text }() end
function hostile.any()
  return pick { hostile.number, hostile.text, hostile.table, pick(others), hostile.object }()
end
function hostile.object() return nil end -- the user of this module replaces it

-- Makes garbage whose finalizers close some object.
function hostile.garbage()
  for _ = 1, random(20) do
    setmetatable({}, { __gc = function() pcall(hostile.close_something) end })
  end
end

-- {-- Values that a call expects --------------------------------------------------------------------

-- Names and files of this process. Hostile names are invalid or contain the same prefix, so that they can be
-- removed. (A number would be a valid name without the prefix, so none is used.)
local names, files = {}, {}
local prefix = ("spec-%d-"):format(process.pid())

function hostile.start_round(round)
  names, files = {}, {}
  for i, kind in ipairs { "", "Local\\", "Global\\", "/", "Local\\", "Local\\" } do
    names[i] = ("%s%s%d-%d"):format(kind, prefix, round, i)
    files[i] = ("file-%d-%d"):format(round, i)
  end
end

--- The names of this round.
function hostile.names() return names end

--- The verbatim names of this round, which stay until they are unlinked.
function hostile.verbatim() return { names[4] } end

--- The files of this round.
function hostile.files() return files end

--- A name, most likely one of those with the indices in `likely`. Nearly all others are this process's or
--- invalid.
function hostile.name(likely)
  local what = random(40)
  if what > 9 then return names[pick(likely)] end
  if what > 6 then return pick(names) end
  if what == 1 then
    return "Local\\" .. prefix .. "0" .. pick { "\xff", "a\\b", ("x"):rep(200), "é", "\n", " " }
  end
  if what <= 3 then
    return pick { "", "\0", "Local\\", "Global\\", "/", "\xff", "Local\\Global\\x", ("é"):rep(101) }
  end
  if what == 4 then return prefix .. "\0" end
  return pick { hostile.table, pick(others) }()
end

-- A path. The current folder is one that only this process uses.
function hostile.path()
  local what = random(20)
  if what > 3 then return pick(files) end
  if what == 1 then
    return pick { "", "\0", "file\0", "\xff\xfe", ("x"):rep(300), ".", "none", 42, "x\ny" }
  end
  return pick { hostile.table, pick(others) }()
end

function hostile.timeout()
  local n = random(40)
  if n == 1 then return pick { -1, 0 / 0, -1 / 0, "x", "-1", math.mininteger, -0.0, {}, true } end
  return n < 30 and 0 or n < 38 and 0.0005 or "0.002"
end

local option_values = {
  access = accesses, size = { 1, 100, 4096, 10000, 1 << 31, 1 << 53, -1, 0.5, "100" },
  mode = { "0600", "666", "0", 384, "0888" }, sddl = { "D:(A;;GA;;;WD)", "x", "\0" }, name = { "x\0" },
  inherit = { true, false, 1 }, commit = { true, false, 0 }, large_pages = { true, false },
  existing = { true, false, "yes" }, manual = { true, false }, set = { true, false },
    stream = { true, true, false },
  capacity = { 1, 64, 1000, 5000, 0, -1, 1 << 31, 1 << 62 }, max_message = { 1, 64, 500, 0, 1 << 40 },
  pack = { 1, 2, 4, 8, 3, 1 << 40, -1, "x" }, align = { 1, 16, 3, 1 << 40 }, endian = { "<", ">", "=", 1 },
  abi = { "linux64", "linux32", "win64", "win32", "arm32", "arm64", "s390x", "x" },
  defines = { {}, { A = 1, B = "2", C = true }, { ["1"] = 1 }, { A = {} }, 1 },
}
local option_names = {}
for name in pairs(option_values) do option_names[#option_names + 1] = name end
table.sort(option_names)

-- Options for a call: nil, a table, or rarely another value. `wanted` lists the likely names of fields.
local function options(wanted)
  local what = random(10)
  if what <= 3 then return nil end
  if what == 4 then return hostile.any() end
  local t = {}
  for _ = 1, random(0, 3) do
    local name = random(12) == 1 and pick(option_names) or pick(wanted)
    t[name] = random(15) == 1 and hostile.any_plain() or pick(option_values[name])
  end
  return t
end

local guards = {
  { even = "a" }, { even = "b" }, { first = "a", last = "b" }, { same = "a" }, { even = 1 },
  { same = "x", y = 1 },
}
local paths = {
  "a", "b", "text", "list[1]", "list[3]", "list[9]", "in.x", "in.y[2]", "bits", "", ".", "a.b", "[1]",
  "list[99999999999]",
}
local sources = {
  "struct S { int a; char b[8]; };", "typedef struct { unsigned a : 3, b : 5; } T; enum E { X, Y = 9 };",
  "struct {", "#define N 4\nstruct S { double d[N][N]; struct { short x; } in; };",
  "union U { wchar_t w[3]; void *p; };", "struct E { }; struct S { struct E e[1000]; int x[]; };",
  "#if 1 / 0\n#endif", "int a[-1];", "typedef int i; i i;", "\0", "#define A A\nint x[A];",
}

-- A field for struct.define, sometimes an incomplete one.
local function field(types_of_ours)
  local t = { pick { "a", "b", "text", "list", "in", "bits", "", "x" } }
  local what = random(12)
  t[2] = what > 3 and pick(types) or what == 1 and pick { "char", "utf16", "utf32", "bool", "pointer" }
    or what == 2 and types_of_ours() or hostile.any()
  for _ = 1, random(3) - 1 do t[#t + 1] = random(10) == 1 and hostile.number() or random(0, 5) end
  if random(5) == 1 then t[pick { "offset", "bits", "align" }] = hostile.number() end
  return t
end

local function fields(types_of_ours)
  if random(10) == 1 then return hostile.any() end
  local list = {}
  for i = 1, random(0, 5) do list[i] = random(25) == 1 and hostile.any() or field(types_of_ours) end
  return list
end

local function values()
  local t = {}
  for _ = 1, random(0, 3) do t[pick { "a", "b", "text", "list", "in", "x", 1, 2 }] = hostile.any() end
  return random(3) == 1 and { pick(texts), { pick(texts), hostile.number() } } or t
end

local bits = { 0, 1, 2, 4, 4, 6, 0x20, 0x40, 0x4000004, 0x8000004, 0x10000004, 0xF001F, 0x80000000,
  0xC0000000 }
local map_options = { "access", "mode", "commit", "inherit", "size", "large_pages", "sddl" }
local sync_options = { "existing", "mode", "manual", "set", "sddl" }
local channel_options = { "capacity", "max_message", "stream", "mode", "sddl" }
local struct_options = { "pack", "align", "endian" }

--- Makers of arguments by the letters of a call's pattern.
hostile.makers = {
  o = function() return pick(small) end,
  l = function() return random(3) == 1 and nil or pick(small) end,
  n = function() return random(4) == 1 and hostile.number() or pick(small) end,
  z = function() return pick { 1, 100, 4096, 5000, 65536 } end, -- a size
  b = function() return random(0, 255) end,
  s = hostile.text, t = hostile.timeout, c = values,
  a = function() return pick(accesses) end, T = function() return pick(types) end,
  f = function() return pick(formats) end, P = hostile.path, x = hostile.any,
  N = function() return hostile.name { 1, 4 } end,
  h = function() return pick { "normal", "sequential", "random", "willneed", "dontneed", "x" } end,
  w = function() return pick { "set", "cur", "end" } end,
  r = function() return pick { "l", "L", "n", "a", "*a", 0, 7, 100 } end,
  -- of a channel; to open a map by that name takes 0.1 s
  K = function() return hostile.name { 2, 3, 5, 6 } end,
  q = function() return 8 * random(0, 8) end,
  g = function() return pick(guards) end, p = function() return pick(paths) end,
  k = function() return pick(sources) end,
  M = function() return options(map_options) end, Y = function() return options(sync_options) end,
  C = function() return options(channel_options) end, D = function() return options(struct_options) end,
  A = function() return options { "abi", "defines" } end,
  F = function() return fields(function() return hostile.object("filemap.struct") end) end,
  -- For Win32's calls: flags, a DWORD that is mostly 0, a disposition, and file flags that leave the file
  -- removable.
  e = function() return pick(bits) | (random(8) == 1 and pick(bits) or 0) end,
  i = function() return random(12) == 1 and 1 or 0 end, d = function() return random(0, 6) end,
  j = function() return pick { 0, 0x80, 0x10000000 } end, B = function() return random(2) == 1 end,
  S = function() return options { "inherit", "mode", "sddl" } end,
  E = function() return random(2) == 1 and -1 or hostile.object("filemap.file_handle") end,
  G = function() return hostile.object("filemap.map") end,
  V = function() return hostile.object("filemap.view") end,
  R = function() return hostile.object("filemap.array") end,
}

return hostile
