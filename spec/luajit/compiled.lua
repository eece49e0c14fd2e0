-- Runs a loop of each method that is worth compiling, and prints whether LuaJIT compiled it: a trace of the
-- loop was made, and none was given up because of something that cannot be compiled.
--   luajit compiled.lua NAME
local filemap = require "filemap"
local child = require "spec.luajit.common"
local mailslot, state = require "filemap.mailslot", require "filemap.state"

local traces = require "jit.vmdef"
local map = assert(filemap.create(arg[1], 4096))
local view = assert(map:view())
local slot = assert(mailslot.create(arg[1] .. "-m"))
local names = {
  v = view, get = view:getter "i32", set = view:setter "f64", p = view:pointer("int32_t", 0, 1024),
  w = assert(state.create(arg[1] .. "-s", 100)), r = assert(state.open(arg[1] .. "-s")),
  slot = slot, m = assert(mailslot.open(arg[1] .. "-m")),
}

local statements = { "x = get(i % 1000)", "set(i % 1000, i)", "x = p[i % 1024]", "v:set_string(100, 'text')",
  "x = v:get_string(i % 100, 16)", "v:fill(0, 64, 1)", "v:copy(0, v, 64, 64)", "x = v:equals(0, v, 64, 64)",
  "x = v:compare_exchange_i32(0, i, i + 1)", "v:wake(0)", "w:publish('value') x = r:read()",
  "m:send('message') x = slot:receive()" }
for T in ("i8 u8 i16 u16 i32 u32 i64 u64 f32 f64"):gmatch("%S+") do
  statements[#statements + 1] = ("x = v:get_%s(i %% 1000)"):format(T)
  statements[#statements + 1] = ("v:set_%s(i %% 1000, i %% 100)"):format(T)
end
for T in ("i32 u32 i64 u64"):gmatch("%S+") do
  statements[#statements + 1] = ("x = v:load_%s(i %% 100 * 8)"):format(T)
  statements[#statements + 1] = ("v:store_%s(64, i)"):format(T)
  statements[#statements + 1] = ("x = v:add_%s(64, 1)"):format(T)
end

-- The compiler gives up a trace when a loop ends too early or turns into another, or when a function of the C
-- library was never called before, and tries again.
local harmless = {
  ["symbol not in cache"] = true, ["leaving loop in root trace"] = true,
  ["loop unroll limit reached"] = true, ["inner loop in root trace"] = true,
}

-- Runs a loop several times. Returns nothing if LuaJIT compiled it, else why not.
local function run(statement)
  local loop = assert(loadstring(("local v, get, set, p, w, r, slot, m = ... "
    .. "local x for i = 1, 500 do %s end return x"):format(statement)))
  local trace, made, given_up = nil, false, nil
  local function watch(what, number, func, _, parent, detail)
    if what == "start" and func == loop and not parent then trace = number
    elseif what == "stop" and number == trace then made = true
    elseif what == "abort" then
      local reason = traces.traceerr[parent] or tostring(parent)
      if not harmless[reason] then given_up = reason:format(tostring(detail)) end
    end
  end
  jit.attach(watch, "trace")
  for _ = 1, 20 do loop(names.v, names.get, names.set, names.p, names.w, names.r, names.slot, names.m) end
  jit.attach(watch)
  return given_up or not made and "no trace" or nil
end

for _, statement in ipairs(statements) do
  child.say(("%s: %s"):format(statement, run(statement) or "compiled"))
end
