-- publisher NAME GUARD: writes 32 equal numbers again and again, until the first byte of the map's last page
-- is set. With GUARD "even" the counter before the numbers is odd while it writes. With "first" the counters
-- before and after the numbers are equal while it does not write.
local child = require "spec.child.common"
local filemap = require "filemap"

local VALUES <const>, COUNT <const>, LAST <const> = 8, 32, 8 + 32 * 8
local map = assert(filemap.open(arg[1], "rw"))
local view = assert(map:view())
local stop = #view - filemap.page_size
local even = arg[2] == "even"
local set_u32, set_u64, get_u8 = view:setter("u32"), view:setter("u64"), view:getter("u8")

child.ready()
local n = 0
while get_u8(stop) == 0 do
  n = n + 1
  local counter = (even and 2 * n or n) & 0xffffffff
  set_u32(0, even and counter - 1 & 0xffffffff or counter)
  for i = 0, COUNT - 1 do set_u64(VALUES + 8 * i, n) end
  if even then set_u32(0, counter) else set_u32(LAST, counter) end
  -- A pause between two updates.
  for _ = 1, 200 do n = n + 0 end
end
child.say("published", n)
