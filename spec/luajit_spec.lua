-- The module for LuaJIT (luajit/): it returns and raises what the module for Lua 5.4 does, and its processes
-- share memory, locks and channels with those of Lua 5.4.
local dict = require "filemap.dict"
local filemap = require "filemap"
local luajit = require "spec.support.luajit"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local results = require "spec.luajit.results"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

local it = luajit.it

support.clean()

-- {-- The same results -----------------------------------------------------------------------------

-- Lua 5.4's part of a comparison: the globals of its chunks.
local function globals()
  return setmetatable({ filemap = filemap, sync = sync, state = state, pipe = pipe, mailslot = mailslot,
    dict = dict }, { __index = _G })
end

-- Runs each line of a text in both. NAME in a line is an unused name. Lua 5.4 has a word for an argument that
-- was not given, which a function in Lua cannot tell from nil, and names of its own for functions.
local function compare(text)
  local child, env, count = luajit.evaluator(), globals(), 0
  local ours, theirs = support.unique(), support.unique()
  local function same(result, name)
    return (result:gsub(name:gsub("%p", "%%%0"), "NAME"):gsub("no value", "nil"):gsub("%-nan", "nan")
      :gsub("got (%-?%d+)%.0", "got %1"):gsub("table: 0x%x+", "table"):gsub("\n", "?"))
  end
  for line in text:gmatch("[^\n]+") do
    count = count + 1
    local expected = same(results((line:gsub("NAME", ours)), env), ours)
    local found = same(child:ask("%s", (line:gsub("NAME", theirs))), theirs)
    assert.are.equal(line .. "\n" .. expected, line .. "\n" .. found)
  end
  child:finish()
  for name in pairs(env) do
    local value = rawget(env, name)
    if type(value) == "userdata" then value:close() end
  end
  return count
end

describe("LuaJIT and Lua 5.4 give the same results and messages for", function()
  it("maps", function()
    compare [[
      map = assert(filemap.create("NAME", 4096)) return tostring(map), #map, map:size()
      return map:name(), map:access()
      return (select(3, filemap.create("NAME", 4096)))
      return filemap.create("NAME", 4096)
      return filemap.open("NAME-none")
      return filemap.open("/no/where")
      return filemap.open("./file")
      return filemap.create("a\0b", 10)
      return filemap.create("", 10)
      return filemap.create(nil, 0)
      return tostring(filemap.create(nil, 10)), filemap.create(nil, 10):name()
      local x = filemap.create("NAME2", -1) return x
      local x = filemap.create("NAME2", 0/0) return x
      local x = filemap.create("NAME2", 1.5) return x
      local x = filemap.create("NAME2", 2^63) return x
      local x = filemap.create("NAME2", nil) return x
      local x = filemap.create("NAME2", {}) return x
      local x = filemap.create({}, 10) return x
      local x = filemap.create("NAME2", 10, { foo = 1 }) return x
      local x = filemap.create("NAME2", 10, { access = "w" }) return x
      local x = filemap.create("NAME2", 10, { mode = 384 }) return x
      local x = filemap.create("NAME2", 10, { mode = "0200" }) return x
      local x = filemap.create("NAME2", 10, { mode = "06000" }) return x
      local x = filemap.create("NAME2", 10, { commit = 1 }) return x
      local x = filemap.create("NAME2", 10, { sddl = 5 }) return x
      local x = filemap.create("NAME2", 10, "rw") return x
      local x = filemap.create("NAME2", 10, 5) return x
      return filemap.create("NAME2", 10, { sddl = "D:" })
      local x = filemap.open("NAME", { size = 1 }) return x
      local x = filemap.open("NAME", "x") return x
      local x = filemap.open("NAME", "r", { size = -1 }) return x
      local x = filemap.open("NAME", "r", { size = 2^53 }) return x
      return filemap.open("NAME", "r", { size = 5000 })
      local m = filemap.open("NAME", "r", { size = 100 }) return #m, m:access(), m:close()
      other, created = filemap.create_or_open("NAME", 100) return #other, created
      return filemap.create_or_open("NAME", 5000)
      return other:resize(100)
      local x = other:resize(-1) return x
      return other:refresh()
      return other:close(), other:close(), tostring(other)
      local x = other:size() return x
      local x = #other return x
      local x = other:view() return x
      return filemap.file("/no/where")
      return filemap.file("/")
      return filemap.adopt(999, 10)
      local x = filemap.adopt(-1, 10) return x
      return filemap.unlink("NAME")
      return filemap.unlink("/NAME")
      local x = filemap.unlink(nil) return x
      local x = filemap.sleep(-1) return x
      local x = filemap.sleep(0/0) return x
      local x = filemap.sleep("x") return x
      local x = filemap.sleep() return x
      return filemap.sleep(0)
      return filemap._VERSION, filemap.platform, filemap.page_size, filemap.granularity, type(filemap.now())
      return (select(3, map:view(0, 0)))
      local x = map:view(0, 4097) return x
      local x = map:view(5000) return x
      local x = map:view(-1) return x
      local x = map:view(0, -1) return x
      local x = map:view(0, 1.5) return x
      local x = map:view(0, 10, "q") return x
      local x = map:view(0, 10, {}) return x
      local r = filemap.open("NAME") return r:view(0, 10, "rw")
      local v = map:view(1, 10, "r") return tostring(v), v:close(), v:close(), tostring(v), v:unmap()
      sizes = {} for _, entry in ipairs(filemap.list()) do sizes[entry.name] = entry.size end
      return sizes["Local\\NAME"]
      return map:close()
    ]]
  end)

  it("numbers", function()
    local lines = { "map = filemap.create(nil, 64) view = map:view()",
      "reader = map:view(0, 64, 'r') return tostring(reader)" }
    local offsets = { "-1", "0", "1", "56.0", "60", "61", "62", "63", "64", "65", "1.5", "0/0", "1/0", "-1/0",
      "2^31", "2^32", "2^53", "2^63", "nil", "{}", "true", "'8'", "'x'", "view", "map" }
    local values = { "0", "-1", "1", "127", "128", "-128", "-129", "255", "256", "32767", "32768", "-32769",
      "65535", "65536", "2^31-1", "2^31", "-2^31", "-2^31-1", "2^32-1", "2^32", "2^53", "-2^53", "-2^63",
      "1.5", "0/0", "1/0", "-1/0", "1e300", "nil", "{}", "true", "'7'", "'7.5'", "'x'", "view" }
    for T in ("i8 u8 i16 u16 i32 u32 i64 u64 f32 f64"):gmatch("%S+") do
      for _, offset in ipairs(offsets) do
        lines[#lines + 1] = ("local x = view:get_%s(%s) return x"):format(T, offset)
        lines[#lines + 1] = ("view:set_%s(%s, 1)"):format(T, offset)
        lines[#lines + 1] = ("local get = view:getter('%s') local x = get(%s) return x"):format(T, offset)
      end
      for _, value in ipairs(values) do
        -- Here u64 takes numbers up to 2^64, and -1 is the greatest one.
        local line = "view:set_%s(3, %s) local x = view:get_%s(3) return x"
        if T ~= "u64" or not value:find("^%-%d") then lines[#lines + 1] = line:format(T, value, T) end
        lines[#lines + 1] = ("local set = view:setter('%s') set(%s, nil)"):format(T, value)
      end
      lines[#lines + 1] = ("reader:set_%s(0, 1)"):format(T)
      lines[#lines + 1] = ("local x = view.get_%s(map, 0) return x"):format(T)
      lines[#lines + 1] = ("local x = view.get_%s(nil, 0) return x"):format(T)
      lines[#lines + 1] = ("local x = view.set_%s('x', 0, 0) return x"):format(T)
      lines[#lines + 1] = ("return pcall(view.get_%s, view, -1)"):format(T)
    end
    lines[#lines + 1] = "local x = view:getter('i31') return x"
    lines[#lines + 1] = "local x = view:setter(nil) return x"
    lines[#lines + 1] = "get = view:getter('i32') return view:close(), map:close()"
    lines[#lines + 1] = "local x = get(0) return x"
    lines[#lines + 1] = "local x = view:get_i32(0) return x"
    lines[#lines + 1] = "local x = view:get_f64(-1) return x"
    lines[#lines + 1] = "view:set_i32(0, 0)"
    lines[#lines + 1] = "reader:close() reader:set_u8(0, 0)"
    assert.is_true(compare(table.concat(lines, "\n")) > 1000)
  end)

  it("offsets past 2^31", function()
    compare [[
      map = filemap.create(nil, 5 * 2^30, { commit = false }) view = map:view() return #view
      view:set_i32(2^32 + 1, 7) return view:get_i32(2^32 + 1), view:get_i32(2^31 - 2), view:get_i32(2^31)
      view:store_u32(2^32, 5) return view:add_u32(2^32, 1), view:load_u32(2^32)
      view:set_cstring(2^32, "far", 8) return view:get_cstring(2^32), view:find("far", 2^32 - 10, 2^32 + 10)
      return view:get_u8(5 * 2^30 - 1)
      local x = view:get_u8(5 * 2^30) return x
      local x = view:get_i32(5 * 2^30 - 3) return x
      local x = view:load_i32(5 * 2^30) return x
      return view:close(), map:close()
    ]]
  end)

  it("atomic numbers", function()
    local lines = { "map = filemap.create(nil, 64) view = map:view() odd = map:view(1, 60)",
      "reader = map:view(0, 64, 'r') return tostring(reader)" }
    local function add(line, ...) lines[#lines + 1] = line:format(...) end
    for T in ("i32 u32 i64 u64"):gmatch("%S+") do
      for _, offset in ipairs { "0", "8", "4", "2", "-8", "64", "60", "1.5", "0/0", "nil" } do
        add("local x = view:load_%s(%s) return x", T, offset)
        add("local x = odd:load_%s(%s) return x", T, offset)
      end
      for _, operation in ipairs { "store", "exchange", "add", "and", "or" } do
        for _, value in ipairs { "5", "3", "2^31-1", "7.0", "2^40", "1.5", "nil", "'x'" } do
          add("local x = view:%s_%s(8, %s) return x, view:load_%s(8)", operation, T, value, T)
        end
        add("local x = reader:%s_%s(8, 1) return x", operation, T)
      end
      add("view:store_%s(16, 7) return view:compare_exchange_%s(16, 7, 9)", T, T)
      add("local a, b = view:compare_exchange_%s(16, 7, 5) return a, b", T)
      add("local a = view:compare_exchange_%s(16, 1.5, 5) return a", T)
      add("return view:wait_%s(16, 0, 1)", T)
      add("return select(3, view:wait_%s(16, 9, 0))", T)
      add("local x = view:wait_%s(16, 9, -1) return x", T)
      add("local x = view:wait_%s(1, 9, 0) return x", T)
    end
    add("return select('#', view:store_i32(0, 1)), select('#', view:wake(0))")
    add("return view:add_u32(0, 2^32 - 1), view:load_u32(0), view:load_i32(0)")
    add("local x = view:wake(2) return x")
    add("return view:close(), odd:close(), reader:close(), map:close()")
    add("local x = view:load_i32(0) return x")
    add("local x = view:wake(0) return x")
    compare(table.concat(lines, "\n"))
  end)

  it("text and bytes", function()
    compare [[
      map = filemap.create(nil, 256) view = map:view() reader = map:view(0, 256, "r") return #view, #reader
      view:set_string(0, "abc\0def") return #view:get_string(0, 7), view:get_cstring(0)
      return view:get_cstring(0, 2)
      return view:get_string(256, 0), #view:get_string(0, 256)
      local x = view:get_string(0, 257) return x
      local x = view:get_string(0, -1) return x
      local x = view:get_string(-1, 1) return x
      local x = view:get_string(1.5, 1) return x
      local x = view:get_string(0, 2^40) return x
      local x = view:get_string(0, nil) return x
      view:set_string(255, "ab")
      view:set_string(0, nil)
      view:set_string(0, 12) return view:get_string(0, 2)
      reader:set_string(0, "a")
      local x = view:get_cstring(257) return x
      local x = view:get_cstring(0, -1) return x
      return view:get_cstring(256)
      view:fill(0, 256, 0x41) return #view:get_cstring(0), #view:get_cstring(250, 100)
      view:set_cstring(0, "Nürburgring", 32) return view:get_cstring(0), view:get_u8(31), view:get_u8(32)
      view:set_cstring(0, "abc", 3)
      view:set_cstring(0, "a\0b", 8)
      view:set_cstring(250, "abc", 8)
      view:set_cstring(0, "abc", -1)
      reader:set_cstring(0, "abc", 8)
      view:set_utf16(1, "Jörg 🌍", 20) return view:get_utf16(1), view:get_utf16(1, 2), view:get_u16(13)
      view:set_utf32(2, "Jörg 🌍", 20) return view:get_utf32(2), view:get_utf32(2, 2), view:get_u32(22)
      view:set_utf16(0, "Jörg 🌍", 7)
      view:set_utf16(0, "ab\0", 7)
      view:set_utf16(200, "ab", 100)
      view:set_utf32(0, "ab", 2^60)
      view:set_utf16(0, "\xff\xe2\x82 \xed\xa0\x80", 20) return view:get_utf16(0)
      view:set_u16(0, 0xD800) view:set_u16(2, 0x41) view:set_u16(4, 0) return view:get_utf16(0)
      view:set_u32(0, 0x110000) view:set_u32(4, 0xD800) view:set_u32(8, 0) return view:get_utf32(0)
      local x = view:get_utf16(300) return x
      return view:get_utf16(255), view:get_utf32(253)
      view:fill(0, 256, 0) view:set_string(100, "needle") return view:find("needle")
      return view:find("needle", 101), view:find("needle", 0, 105), view:find("needle", 0, 106)
      return view:find("", 5), view:find("", 256), view:find("n", 101, 50)
      local x = view:find("x", 257) return x
      local x = view:find("x", 0, 257) return x
      local x = view:find(nil) return x
      view:fill(0, 4, 256)
      view:fill(0, 4, -1)
      view:fill(0, 257, 0)
      view:fill(0, 4, 1.5)
      reader:fill(0, 4, 0)
      view:fill("x", "abc", 1)
      view:fill("x", 0, "y")
      view:set_string(0, "abcdef") view:copy(2, view, 0, 4) return view:get_string(0, 6)
      return view:equals(0, view, 2, 2), view:equals(0, view, 1, 2)
      view:copy(0, map, 0, 1)
      view:copy(0, nil, 0, 1)
      view:copy(0, view, 255, 2)
      view:copy(255, view, 0, 2)
      reader:copy(0, view, 0, 2)
      local x = view:equals(0, view, 255, 2) return x
      part = view:sub(10, 20) return #part, part:access(), tostring(view:sub(0, 1, "r"))
      local x = view:sub(250, 7) return x
      local x = view:sub(-1, 7) return x
      local x = view:sub(0, 1, "z") return x
      return reader:sub(0, 1, "rw")
      return view:flush(), view:flush(0, 1, "async"), view:advise("random"), view:advise("normal", 0, 4)
      local x = view:flush(0, 1, "sync") return x
      local x = view:flush(257) return x
      local x = view:advise("soon") return x
      return view:commit(0, 10)
      local x = view:commit(0, 300) return x
      return view:pin(), view:unpin()
      return view:close(), reader:close(), part:close(), map:close()
      local x = view:get_string(0, 1) return x
      local x = view:get_cstring(0) return x
      local x = view:get_utf16(0) return x
      view:set_utf32(0, "", 1)
      local x = view:find("a") return x
      view:fill(0, 1, 0)
      local x = part:equals(0, view, 0, 1) return x
      local x = view:sub(0, 1) return x
      local x = view:pin() return x
    ]]
  end)

  it("sync objects", function()
    compare [[
      m, created = sync.mutex("NAME") return tostring(m), created, m:lock(), m:lock(0)
      return m:unlock(), m:unlock()
      m:unlock()
      local x = m:lock(-1) return x
      local x = m:lock(0/0) return x
      local x = m:lock("x") return x
      return select(2, sync.mutex("NAME"))
      return sync.mutex("NAME2", { existing = true })
      return sync.semaphore("NAME", 0, 1)
      local x = sync.mutex("NAME", { manual = true }) return x
      local x = sync.mutex(nil) return x
      return sync.mutex("a\0b")
      s = sync.semaphore("NAME3", 1, 2) return tostring(s), s:acquire(0), select(3, s:acquire(0))
      return s:release(), s:release(1)
      return s:release()
      local x = s:release(0) return x
      local x = s:release(2^31) return x
      local x = sync.semaphore("NAME4", 2, 1) return x
      local x = sync.semaphore("NAME4", 0, 0) return x
      local x = sync.semaphore("NAME4", 0, 2^31) return x
      local x = sync.semaphore("NAME4", 0) return x
      e = sync.event("NAME5", { manual = true, set = true }) return e:wait(0), e:reset()
      return (select(3, e:wait(0))), e:set(), tostring(e)
      return type(e:pollable()) == "number", e:pollable() == e:pollable()
      return sync.wait_any({ m, e }), sync.wait_any({ s, e }, 0), m:unlock()
      return select(3, sync.wait_any({ sync.event("NAME6") }, 0))
      w = require("filemap.state").create("NAME7", 10) return sync.wait_any({ m, w }, 0)
      local x = sync.wait_any({}) return x
      local x = sync.wait_any(nil) return x
      local x = sync.wait_any({ 5 }) return x
      local x = sync.wait_any({ e, filemap }) return x
      local x = sync.wait_any({ e }, -1) return x
      return e:close(), e:close(), tostring(e)
      local x = sync.wait_any({ s, e }) return x
      local x = e:wait(0) return x
      local x = e:pollable() return x
      local x = e.wait(m, 0) return x
      return sync.unlink("NAME")
      return m:close(), s:close()
    ]]
  end)

  it("channels", function()
    compare [[
      w = state.create("NAME", 16) r = state.open("NAME") return tostring(w), tostring(r)
      return r:read()
      return w:publish("one"), r:read()
      return w:publish(""), r:read()
      return w:publish(("x"):rep(17))
      return r:wait(1, 0)
      return select(3, r:wait(2, 0))
      local x = r:wait(-1) return x
      local x = r:wait(0, -1) return x
      local x = w:publish(nil) return x
      local x = r:publish("x") return x
      return w:pollable()
      return state.create("NAME", 16)
      return state.create_or_open("NAME", 16)
      return state.open("NAME-none")
      return state.create("NAME1", 0)
      local x = state.create("NAME1", -1) return x
      local x = state.create("NAME1", 10, { capacity = 1 }) return x
      return w:close(), r:close(), tostring(r)
      local x = r:read() return x
      slot = mailslot.create("NAME2", { max_message = 10 }) m = mailslot.open("NAME2") return tostring(slot)
      return tostring(m), m:send("one"), m:send("two", 0)
      return slot:info().count, slot:info().next_size, slot:info().max_message
      return slot:receive(), slot:receive(0), select(3, slot:receive(0))
      return slot:info().next_size
      return m:send(("x"):rep(11))
      local x = m:receive() return x
      local x = slot:send("x") return x
      local x = m:send(nil) return x
      return mailslot.create("NAME2")
      local x = mailslot.create("NAME3", { capacity = 0 }) return x
      return slot:close(), m:send("x")
      return m:close(), m:close()
      l = pipe.listen("NAME4", { capacity = 100 }) c = pipe.connect("NAME4") a = l:accept()
      return tostring(l), tostring(a)
      return c:send("one"), a:receive(), a:send(""), c:receive(1), select(3, c:receive(0))
      return c:send(("x"):rep(101))
      local x = c:write("x") return x
      local x = c:read() return x
      local x = c:read(-1) return x
      local x = c:send({}) return x
      local x = c:receive(-1) return x
      return select(3, l:accept(0))
      return pipe.connect("NAME5")
      return pipe.listen("NAME4")
      return c:send("last"), c:close(), a:receive(), a:receive()
      return a:close(), l:close(), tostring(a)
      local x = a:receive() return x
      l = pipe.listen("NAME6", { stream = true }) c = pipe.connect("NAME6") a = l:accept()
      return c:write("x = ", 42, "\n", 0.5, "\nrest") == c, a:read(), a:read("L"), a:read(2), a:read(0)
      local x = a:read("q") return x
      local x = a:read(-1) return x
      local x = a:read("") return x
      local x = a:read("l", "l") return x
      local x = c:write({}) return x
      local x = a:send("x") return x
      return c:close(), a:read("*a"), a:read("a"), a:read()
      return a:close(), l:close()
    ]]
  end)

  it("dictionaries", function()
    compare [[
      d, created = dict.create_or_open("NAME", { capacity = 1280 }) return tostring(d), created
      return d:get("a")
      return d:set("a", 1), d:set("b", 0.5), d:set("c", true), d:set("e", "t\0x"), d:set("f", -2^53 + 1)
      return d:get("a"), d:get("b"), d:get("c"), #d:get("e"), d:get("f")
      return d:add("a", 1)
      return d:replace("z", 1)
      return d:delete("b"), d:delete("b")
      return d:incr("a"), d:incr("a", 10), d:incr("n", 1, 5), d:incr("h", 0.5, 1)
      return d:incr("zz")
      local x = d:incr("e") return x
      local x = d:incr("a", "1") return x
      local x = d:set("a", nil) return x
      local x = d:set("a", {}) return x
      local x = d:set(nil, 1) return x
      return d:set("", 1)
      return d:get(("x"):rep(256))
      local x = d:set("a", 1, { ttl = 0 }) return x
      local x = d:set("a", 1, { ttl = 0/0 }) return x
      local x = d:set("a", 1, { foo = 0 }) return x
      return d:set("t", 1, { ttl = 100 })
      return d:compare_set("k", 0, "v"), d:compare_set("k", 0, "w")
      local x = d:compare_set("k", -1, "v") return x
      return d:wait("a", 0, 0)
      local v, version = d:get("a") return select(3, d:wait("a", version, 0))
      local x = d:wait("a", -1) return x
      return d:info().count, d:info().capacity, d:info().used
      show = function(v) return type(v) == "number" and ("%.14g"):format(v) or tostring(v) end
      keys = {} for k, v in d:pairs() do keys[#keys + 1] = k .. "=" .. show(v) end
      table.sort(keys) return table.concat(keys, " ")
      return d:set("big", ("x"):rep(2000))
      return d:clear(), d:info().count
      next_pair = d:pairs() return d:close(), d:close(), tostring(d)
      local x = next_pair() return x
      local x = d:get("a") return x
      local x = d:pairs() return x
      return dict.open("NAME-none")
    ]]
  end)
end)

-- {-- What LuaJIT alone has ------------------------------------------------------------------------

describe("the module for LuaJIT", function()
  it("reads and writes integers of 64 bits as cdata", function()
    local child = luajit.evaluator()
    child:ask "map = filemap.create(nil, 64) view = map:view()"
    child:ask "view:set_i64(0, 9007199254740993LL) view:set_u64(8, 0xffffffffffffffffULL)"
    assert.are.equal("true | 9007199254740993 | 18446744073709551615 | -1",
      child:ask "return view:get_i64(0), view:get_u64(8), view:get_i64(8)")
    assert.are.equal("true | int64_t | uint64_t", child:ask [[
      local function name(x) return tostring(ffi.typeof(x)):match("<(.*)>") end
      return name(view:get_i64(0)), name(view:get_u64(0))]])
    assert.are.equal("true | 18446744073709551615 | 9223372036854775808",
      child:ask "view:set_u64(0, -1LL) view:set_u64(8, 2^63) return view:get_u64(0), view:get_u64(8)")
    assert.are.equal("true | 5 | -5 | 200", child:ask [[
      view:set_i32(0, 5LL) view:set_f64(8, -5LL) view:set_u8(16, 200ULL)
      return view:get_i32(0), view:get_f64(8), view:get_u8(16)]])
    for _, T in ipairs { "i8", "i16", "i32" } do
      assert.are.equal("true | 5", child:ask("view:set_%s(0, 5ULL) return view:get_%s(0)", T, T))
    end
    assert.are.equal("true | 7 | 9", child:ask [[
      view:store_i32(0, 7ULL) return view:exchange_i32(0, 9ULL), view:load_i32(0)]])
    assert.are.equal("true | 7", child:ask "view:set_u8(3, 7) return view:get_u8(3ULL)")
    assert.are.equal("true | 5 | 9007199254740998", child:ask [[
      view:set_i64(0, 5) return view:add_i64(0, 9007199254740993LL), view:load_i64(0)]])
    child:finish()
  end)

  it("raises for cdata that does not fit or is of another type", function()
    local child = luajit.evaluator()
    child:ask "map = filemap.create(nil, 64) view = map:view()"
    local function raises(expected, chunk)
      assert.are.equal("false | line:1: " .. expected, child:ask("%s", chunk))
    end
    raises("bad argument #2 to 'set_i64' (9223372036854775808 does not fit i64 (-9223372036854775808 to "
      .. "9223372036854775807))", "view:set_i64(0, 0x8000000000000000ULL)")
    raises("bad argument #2 to 'set_i32' (2147483648 does not fit i32 (-2147483648 to 2147483647))",
      "view:set_i32(0, 2147483648LL)")
    raises("bad argument #2 to 'set_i32' (2147483648 does not fit i32 (-2147483648 to 2147483647))",
      "view:set_i32(0, 2147483648ULL)")
    raises("bad argument #2 to 'set_i8' (18446744073709551615 does not fit i8 (-128 to 127))",
      "view:set_i8(0, -1ULL)")
    raises("bad argument #2 to 'set_u64' (number has no integer representation)", "view:set_u64(0, 2^64)")
    raises("bad argument #1 to 'get_i32' (offset -1 is negative)", "local x = view:get_i32(-1LL) return x")
    raises("bad argument #1 to 'get_i32' (number has no integer representation)",
      "local x = view:get_i32(0x8000000000000000ULL) return x")
    raises("bad argument #1 to 'get_i32' (offset 9007199254740992 + 4 bytes is past the end of a 64-byte "
      .. "view)", "local x = view:get_i32(9007199254740993LL) return x")
    raises("bad argument #1 to 'get_i32' (number expected, got ctype<int [2]>)",
      "local x = view:get_i32(ffi.new('int[2]')) return x")
    raises("bad argument #2 to 'set_f32' (number expected, got filemap.map)", "view:set_f32(0, map)")
    raises("bad argument #1 to 'set_string' (number expected, got ctype<int *>)",
      "view:set_string(ffi.new('int *'), 'a')")
    raises("attempt to get length of a filemap.event value",
      ("local n = #sync.event('%s') return n"):format(support.unique()))
    child:finish()
  end)

  it("gives pointers to C types, within the view", function()
    local name = support.unique()
    local map <close> = assert(filemap.create(name, 256))
    local view <close> = map:view()
    local child = luajit.evaluator()
    child:ask("ffi.cdef 'typedef struct { int32_t id; float at[3]; } spec_player;'")
    child:ask("map = filemap.open('%s', 'rw') view = map:view()", name)
    child:ask "p = view:pointer('spec_player', 4) p.id = 7 p.at[1] = 0.5"
    assert.are.equal(7, view:get_i32(4))
    assert.are.equal(0.5, view:get_f32(12))
    assert.are.equal("true | 256", child:ask "return ffi.sizeof(view:pointer('uint8_t[256]', 0)[0])")
    assert.are.equal("true | 16",
      child:ask "return (ffi.sizeof(view:pointer(ffi.typeof 'spec_player', 0, 16)[0]))")
    local function raises(expected, chunk)
      local found = child:ask("%s", chunk)
      assert.is_truthy(found:find(expected, 1, true), found)
    end
    raises("offset 4 + 256 bytes is past the end", "view:pointer('spec_player', 4, 16)")
    raises("offset -1 is negative", "view:pointer('spec_player', -1)")
    raises("offset 0 + 9223372036854775807 bytes is past", "view:pointer('spec_player', 0, 2^62)")
    raises("the C type has no size", "view:pointer('void', 0)")
    raises("the C type has no size", "view:pointer('int[?]', 0)")
    raises("bad argument #1 to 'pointer' (C type expected, got nil)", "view:pointer()")
    raises("nonsense", "view:pointer('nonsense', 0)")
    raises("line:1: bad argument #1 to 'pointer' (the C type must not be a reference)",
      "view:pointer('int &', 0)")
    raises("line:1: bad argument #1 to 'pointer' (C type expected, got filemap.view)",
      "view:pointer(view, 0)")
    raises("write to constant", "filemap.open('" .. name .. "'):view():pointer('int', 0)[0] = 1")
    -- The pointer alone keeps the view.
    assert.are.equal("true | 7", child:ask [[view = nil collectgarbage() collectgarbage() return p.id]])
    child:finish()
  end)

  it("refuses strings that LuaJIT cannot have", function()
    local child = luajit.evaluator()
    child:ask "map = filemap.create(nil, 3 * 2^30, { commit = false }) view = map:view()"
    local expected = "false | line:1: a buffer of 2147483648 bytes is too long for LuaJIT"
    assert.are.equal(expected, child:ask "local x = view:get_string(0, 2^31) return x")
    child:finish()
  end)

  it("has the functions and methods of Lua 5.4, except those of the guide", function()
    local function methods_of(object)
      local found = {}
      for name in pairs(getmetatable(object).__index) do found[#found + 1] = name end
      return found
    end
    local map <close> = assert(filemap.create(nil, 64))
    local view <close> = map:view()
    local child = luajit.evaluator()
    child:ask "map = filemap.create(nil, 64) view = map:view()"
    local missing = {}
    for object, instance in pairs { map = map, view = view } do
      for _, name in ipairs(methods_of(instance)) do
        if child:ask("return type(%s.%s)", object, name) ~= "true | function" then
          missing[#missing + 1] = ("%s:%s"):format(object, name)
        end
      end
    end
    for word, module in pairs {
      filemap = filemap, sync = sync, state = state, pipe = pipe, mailslot = mailslot, dict = dict,
    } do
      for name, value in pairs(module) do
        local found = child:ask("return type(%s.%s)", word, name)
        if found ~= "true | " .. type(value) then missing[#missing + 1] = ("%s.%s"):format(word, name) end
      end
    end
    table.sort(missing)
    assert.same({ "view:array", "view:lines", "view:pack", "view:stream", "view:unpack" }, missing)
    local guide <close> = assert(io.open("doc/luajit.md"))
    local text = guide:read("a")
    for _, name in ipairs(missing) do
      assert.is_truthy(text:find("`" .. name .. "`", 1, true), name .. " is not in the guide")
    end
    child:finish()
  end)

  it("compiles loops of its methods", function()
    local child = luajit.start("spec/luajit/compiled.lua", support.unique())
    local count = 0
    for line in function() return child:read(support.deadline) end do
      assert.is_truthy(line:find(": compiled$"), line)
      count = count + 1
    end
    child:finish()
    assert.is_true(count > 30, count)
  end)

  it("survives finalizers that close an object at each allocation of its calls", function()
    local child = luajit.start("spec/luajit/finalizers.lua", support.unique())
    local line = child:read(support.deadline)
    assert.is_true((tonumber((line or ""):match("^closed (%d+) times$")) or 0) > 600, line)
    child:finish()
  end)

  it("closes what is open when the process ends", function()
    local name = support.unique()
    local child = luajit.evaluator()
    child:ask("map = filemap.create('%s', 4096) view = map:view() part = view:sub(0, 8)", name)
    child:ask("d = dict.create_or_open('%s-d') d:set('a', 1) next_pair = d:pairs() next_pair()", name)
    child:ask("m = sync.mutex('%s-m') m:lock() s = state.create('%s-s', 10)", name, name)
    child:ask("l = pipe.listen('%s-l')", name)
    assert(filemap.open(name)):close()
    child:finish()
    for _, suffix in ipairs { "", "-d", "-s", "-l" } do
      assert.are.equal("not_found", (select(3, filemap.open(name .. suffix))))
    end
  end)

  it("raises truncated in a compiled loop when a page of its view is lost", function()
    local path = support.tmpname()
    local map <close> = assert(filemap.file(path, "rw", { size = 2 * filemap.page_size }))
    local child = luajit.evaluator()
    child:ask("map = filemap.file([[%s]], 'rw') view = map:view()", path)
    child:start [[local n = 0 for i = 1, 1000 do n = n + view:get_u8(filemap.page_size) end
      say('READING')
      while true do n = n + view:get_u8(filemap.page_size) end]]
    child:expect("^READING$")
    assert.is_truthy(map:resize(filemap.page_size))
    child:expect("^false | .*filemap.view is truncated: a page of its memory was lost$")
    local found = child:ask "view:set_u8(0, 1)"
    assert.is_truthy(found:find("is truncated", 1, true), found)
    found = child:ask "return view:get_string(0, 1)"
    assert.is_truthy(found:find("is truncated", 1, true), found)
    child:finish()
  end)

  it("keeps a name while a forked child closes its copies", function()
    local name = support.unique()
    local child = luajit.evaluator()
    child:ask("map = filemap.create('%s', 64) view = map:view() writer = state.create('%s-s', 8)", name, name)
    assert.are.equal("true | denied", child:ask [[
      ffi.cdef 'int fork(void); int waitpid(int, int *, int); void _exit(int);'
      local pid = ffi.C.fork()
      if pid == 0 then
        view:set_u8(0, 7)
        local right = select(3, writer:publish('x')) == 'denied'
        writer:close() view:close() map:close() ffi.C._exit(right and 3 or 4)
      end
      local status = ffi.new 'int[1]'
      ffi.C.waitpid(pid, status, 0)
      return view:get_u8(0) == 7 and status[0] == 3 * 256 and 'denied']])
    assert(filemap.open(name)):close()
    assert.are.equal("true | true", child:ask "return writer:publish('x')")
    child:finish()
  end)
end)

-- {-- Processes of both ----------------------------------------------------------------------------

describe("processes of LuaJIT and of Lua 5.4", function()
  it("see each other's numbers at once, in compiled loops too", function()
    local name = support.unique()
    local map <close> = assert(filemap.create(name, 4096))
    local view <close> = map:view()
    local child = luajit.evaluator()
    child:ask("map = filemap.open('%s', 'rw') view = map:view()", name)
    for i, T in ipairs { "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64" } do
      local at = i * 64 + 1
      -- Each loop is compiled long before this process changes the number that it reads. One only reads; the
      -- other one restores a number that this process clears, with the same value each time.
      child:start("say('LOOPS') while view:get_%s(%d) == 0 do end return 'seen'", T, at)
      child:expect("^LOOPS$")
      process.sleep(0.002)
      view["set_" .. T](view, at, 1)
      child:expect("^true | seen$")
      local other = T == "f64" and "i32" or "f64"
      child:start("say('LOOPS') while view:get_%s(%d) == 0 do view:set_%s(%d, 1) end return 'seen'", other,
        at + 32, T, at + 16)
      child:expect("^LOOPS$")
      for _ = 1, 3 do
        view["set_" .. T](view, at + 16, 0)
        support.eventually(function() return view["get_" .. T](view, at + 16) == 1 end)
        process.sleep(0.002)
      end
      view["set_" .. other](view, at + 32, 1)
      child:expect("^true | seen$")
    end
    child:finish()
  end)

  it("read each other's text", function()
    local name = support.unique()
    local map <close> = assert(filemap.create(name, 4096))
    local view <close> = map:view()
    local child = luajit.evaluator()
    child:ask("map = filemap.open('%s', 'rw') view = map:view()", name)
    view:set_cstring(0, "Nürburgring", 32)
    view:set_utf16(33, "Jörg 🌍", 32)
    assert.are.equal("true | Nürburgring | Jörg 🌍",
      child:ask "return view:get_cstring(0), view:get_utf16(33)")
    child:ask "view:set_utf32(101, 'Nürburgring 🌍', 32) view:set_string(300, ('x'):rep(3000))"
    assert.are.equal("Nürburgring 🌍", view:get_utf32(101))
    assert.are.equal(("x"):rep(3000), view:get_string(300, 3000))
    child:finish()
  end)

  it("count with atomic operations and lose none", function()
    local name = support.unique()
    local map <close> = assert(filemap.create(name, 64))
    local view <close> = map:view()
    local child = luajit.evaluator()
    child:ask("map = filemap.open('%s', 'rw') view = map:view()", name)
    child:start "for i = 1, 200000 do view:add_u32(0, 1) view:add_i64(8, -1) end return 'done'"
    for _ = 1, 200000 do
      view:add_u32(0, 1)
      view:add_i64(8, -1)
    end
    child:expect("^true | done$")
    assert.are.equal(400000, view:load_u32(0))
    assert.are.equal(-400000, view:load_i64(8))
    child:start "return view:wait_u32(0, 400000, 60), view:wait_u64(16, 0, 60)"
    view:store_u32(0, 5)
    view:wake(0)
    view:store_u64(16, -1)
    view:wake(16)
    child:expect("^true | 5 | 18446744073709551615$")
    child:start "filemap.sleep(0.01) view:store_u32(0, 9) view:wake(0)"
    assert.are.equal(9, view:wait_u32(0, 5, support.deadline))
    child:expect("^true$")
    child:finish()
  end)

  it("share locks, and find those of a killed process", function()
    local name = support.unique()
    local mutex <close> = assert(sync.mutex(name))
    local semaphore <close> = assert(sync.semaphore(name .. "-s", 0, 5))
    local event <close> = assert(sync.event(name .. "-e"))
    local child = luajit.evaluator()
    child:ask("m = sync.mutex('%s') s = sync.semaphore('%s-s', 0, 5)", name, name)
    child:ask("e = sync.event('%s-e')", name)
    assert.are.equal("true | true", child:ask "return m:lock()")
    assert.are.equal("timeout", (select(3, mutex:lock(0))))
    child:start "return s:acquire(), sync.wait_any({ s, e })"
    semaphore:release()
    event:set()
    child:expect("^true | true | 2$")
    child:ask "s:release(3)"
    assert.is_true(semaphore:acquire(0))
    child:kill()
    assert.same({ true, "abandoned" }, { mutex:lock(support.deadline) })
    mutex:unlock()
    local another = luajit.evaluator()
    another:ask("m = sync.mutex('%s')", name)
    local holder = support.child("evaluator")
    holder:ask("m = sync.mutex('%s') return m:lock()", name)
    holder:kill()
    assert.are.equal("true | true | abandoned", another:ask "return m:lock(30)")
    another:finish()
  end)

  it("send messages both ways", function()
    local name = support.unique()
    local listener <close> = assert(pipe.listen(name))
    local slot <close> = assert(mailslot.create(name .. "-m"))
    local writer <close> = assert(state.create(name .. "-s", 100))
    local child = luajit.evaluator()
    child:ask("c = pipe.connect('%s') m = mailslot.open('%s-m') r = state.open('%s-s')", name, name, name)
    local conn <close> = assert(listener:accept(support.deadline))
    child:start "for i = 1, 1000 do c:send(c:receive() .. '!') end return 'done'"
    for i = 1, 1000 do
      local message = ("\0\xff%d"):format(i):rep(i % 50)
      conn:send(message)
      assert.are.equal(message .. "!", conn:receive(support.deadline))
    end
    child:expect("^true | done$")
    child:ask "for i = 1, 1000 do m:send('message ' .. i) end"
    for i = 1, 1000 do assert.are.equal("message " .. i, slot:receive(support.deadline)) end
    child:start "local v, n = r:wait(0) local w, k = r:wait(n) return v, n, w, k"
    writer:publish("first")
    process.sleep(0.01)
    writer:publish("second")
    local seen = child:expect()
    assert.is_truthy(seen == "true | first | 1 | second | 2", seen)
    child:ask("s = mailslot.create('%s-j')", name)
    local sender <close> = assert(mailslot.open(name .. "-j"))
    sender:send("to LuaJIT")
    assert.are.equal("true | 2 | to LuaJIT", child:ask "return sync.wait_any({ r, s }, 0), s:receive()")
    child:finish()
    assert.are.equal("closed", (select(3, conn:receive(support.deadline))))
  end)

  it("keep the values of a dictionary, and its integers and floats", function()
    local name = support.unique()
    local d <close> = assert(dict.create_or_open(name))
    local child = luajit.evaluator()
    child:ask("d = dict.open('%s')", name)
    d:set("large", 9007199254740993)
    d:set("least", math.mininteger)
    d:set("float", 3.0)
    assert.are.equal("true | 9007199254740993 | -9223372036854775808 | 3 | number",
      child:ask "local f = d:get('float') return (d:get('large')), (d:get('least')), f, type(f)")
    child:ask [[d:set('integer', 5) d:set('wide', 9007199254740995LL) d:set('zero', -0.0) d:set('half', 0.5)
      d:set('far', 2^60) d:set('yes', false)]]
    local types = {}
    for _, key in ipairs { "integer", "wide", "zero", "half", "far" } do
      types[key] = math.type((d:get(key)))
    end
    assert.same({ integer = "integer", wide = "integer", zero = "float", half = "float", far = "float" },
      types)
    assert.are.equal(9007199254740995, (d:get("wide")))
    assert.are.equal(false, (d:get("yes")))
    assert.are.equal("true | 9007199254740994", child:ask "return d:incr('large')")
    child:start "return d:wait('go', 0)"
    d:set("go", "now")
    assert.is_truthy(child:expect():find("^true | now | %d+$"))
    child:finish()
  end)

  it("agree on the layout of a C struct", function()
    local source =
      "typedef struct { uint8_t a; double b; int16_t c[3]; uint32_t d : 5, e : 20; } spec_layout;"
    local cdef = require "filemap.cdef"
    local Layout = cdef.parse("#include <stdint.h>\n" .. source).spec_layout
    local name = support.unique()
    local map <close> = assert(filemap.create(name, 4096))
    local view <close> = map:view()
    local record = Layout:at(view, 8)
    record.a, record.b, record.c[2], record.d, record.e = 200, 0.25, -7, 17, 70000
    local child = luajit.evaluator()
    child:ask("ffi.cdef '%s'", source)
    child:ask("view = filemap.open('%s', 'rw'):view() p = view:pointer('spec_layout', 8)", name)
    assert.are.equal("true | 200 | 0.25 | -7 | 17 | 70000", child:ask "return p.a, p.b, p.c[1], p.d, p.e")
    child:ask "p.e = 3 p.b = -1"
    assert.same({ 3, -1.0 }, { record.e, record.b })
    child:finish()
  end)
end)
