-- Atomic numbers. They have no bounds.
local subjects = require "bench.subjects"

local view, block = subjects.twins(("\0"):rep(4096))

local function atomic(name, statement)
  return { id = name, work = ("`%s`"):format(name), needs = { name },
    how = "Compared with the compiler's sequentially consistent atomic, after the same checks and a check "
      .. "of alignment.",
    competitors = function()
      return {
        { "filemap", statement:format("v"), { v = view } },
        { "C limit", statement:format("c"), { c = block } },
      }
    end }
end

return { name = "atomics", title = "Atomics",
  how = "One i32 at one offset of 4096 bytes. No other process accesses it.",
  comparisons = {
    atomic("load_i32", "local x = %s:load_i32(64)"),
    atomic("store_i32", "%s:store_i32(64, 42)"),
    atomic("add_i32", "local x = %s:add_i32(64, 1)"),
    atomic("compare_exchange_i32", "local done, x = %s:compare_exchange_i32(128, 0, 0)"),
  } }
