-- Processes of different processors on one machine: each channel and each object between this process and one
-- of another build. Builds that differ in the word size share everything. Between builds that differ in the
-- byte order maps work, and objects are refused as corrupt. script/test and script/foreign make the builds.
local check = require "spec.support.check"
local dict = require "filemap.dict"
local filemap = require "filemap"
local lfs = require "lfs"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

local fails, contains = check.fails, check.contains

local own = package.searchpath("process", package.cpath):match("^(.*)/spec/[^/]*$")
local here = lfs.currentdir()
local builds = {
  { title = "this machine", folder = here .. "/build/release", last = "filemap/core.so", lua = "lua5.4",
    made = "script/test" },
}
for _, processor in ipairs { "i686", "aarch64", "armhf", "s390x", "musl" } do
  local folder = here .. "/build/foreign/" .. processor
  builds[#builds + 1] = { title = processor, folder = folder, last = "made", lua = folder .. "/lua/lua",
    made = "script/foreign " .. processor }
end

-- Starts a process of a build that runs chunks.
local function start(build)
  local child = support.own(process.spawn { build.lua, "spec/child/evaluator.lua", env = {
    LUA_PATH = here .. "/lua/?.lua;" .. here .. "/?.lua;" .. here .. "/?/init.lua",
    LUA_CPATH = ("%s/?.so;%s/spec/?.so;%s/lua/?.so"):format(build.folder, build.folder, build.folder),
  } }, build.title)
  child:expect("^READY$")
  return child
end

-- Whether the processes of a build write numbers in this process's byte order.
local function has_own_order(build)
  local child = start(build)
  local same = child:ask("return string.pack('=I2', 1):byte()") == tostring(string.pack("=I2", 1):byte())
  child:finish()
  return same
end

-- Defines T, a struct that has one layout on all processors. For processes of both sides.
local DEFINITION <const> = [[
  T = require("filemap.struct").define("T", { { "small", "u16" }, { "float", "f64" }, { "large", "i64" },
    { "text", "utf16", 8 } }, { endian = "%s", pack = 1 })
]]

-- Ends a process with SIGKILL, and waits until it has ended.
local function kill(child)
  child:kill()
  child:wait(support.deadline)
end

-- What every pair of processes shares, also of different byte orders.
local function share_maps(other, name)
  it("share a named map, which lives until the last of them closes it", function()
    local m = assert(filemap.create(name(), 5000))
    assert.equal("5000", other():ask("m = filemap.open(%q, 'rw', { size = 5000 }) return m:size()", name()))
    assert.equal("true", other():ask("v = m:view() v:set_string(0, 'from the other') return true"))
    m:close()
    local again <close> = assert(filemap.open(name()))
    local view <close> = assert(again:view())
    assert.equal("from the other", view:get_cstring(0))
    again:close()
    view:close()
    other():ask("v:close() return m:close()")
    fails("not_found", name(), filemap.open(name()))
  end)

  it("see the names of each other's maps", function()
    local m <close> = assert(filemap.create(name(), 5000))
    local found = [[for _, m in ipairs(filemap.list()) do
      if m.name == %q then return m.size end end]]
    assert.equal("5000", other():ask(found, m:name()))
  end)

  it("find the name of a killed process free", function()
    other():ask("m = filemap.create(%q, 100)", name())
    fails("exists", name(), filemap.create(name(), 100))
    kill(other())
    assert(filemap.create(name(), 100)):close()
  end)

  it("agree on numbers and text of a struct with an explicit byte order", function()
    local m <close> = assert(filemap.create(name(), 100))
    local view <close> = assert(m:view())
    for _, order in ipairs { "<", ">" } do
      local here_too = {}
      assert(load(DEFINITION:format(order), "=T", "t", setmetatable(here_too, { __index = _G })))()
      local large <const> = math.mininteger + 5
      here_too.T:write(view, 0, { small = 0x1234, float = -0.75, large = large, text = "é🌍" })
      local read = other():ask(DEFINITION .. [[
        local v = filemap.open(%q, 'rw'):view()
        local t = T:read(v, 0)
        T:write(v, 0, { small = 65535, float = 2^-1000, large = -2, text = 'ŷ' })
        return t.small, t.float, t.large, t.text]], order, name())
      assert.equal(("4660 -0.75 %d é🌍"):format(large), read)
      assert.same({ small = 65535, float = 2^-1000, large = -2, text = "ŷ" }, here_too.T:read(view, 0))
    end
  end)
end

-- What pairs of the same byte order share besides.
local function share_views(other, name)
  local map, view

  before_each(function()
    map = assert(filemap.create(name(), 4096))
    view = assert(map:view())
    assert.equal("true", other():ask("v = filemap.open(%q, 'rw'):view() return #v >= 4096", name()))
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  it("read and write the same numbers in views", function()
    local values = { i8 = -5, u8 = 200, i16 = -30000, u16 = 60000, i32 = -2000000000, u32 = 4000000000,
      i64 = math.mininteger + 1, u64 = -2, f32 = 0.5, f64 = 1 / 3 }
    for T, value in pairs(values) do
      view["set_" .. T](view, 1, value)
      local copy = "local x = v:get_%s(1) v:set_%s(101, x) return ('%%q'):format(x)"
      assert.equal(("%q"):format(value), other():ask(copy, T, T))
      assert.equal(value, view["get_" .. T](view, 101))
    end
  end)

  it("lose no addition of both at once", function()
    for _, T in ipairs { "i32", "u32", "i64", "u64" } do
      other():start("for i = 1, 20000 do v:add_%s(8, 3) end return 'done'", T)
      for _ = 1, 20000 do view["add_" .. T](view, 8, 4) end
      other():expect("^done$")
      assert.equal(140000, view["exchange_" .. T](view, 8, 0))
      local swapped = "local n = 0 while n < 5000 do local x = v:load_%s(8) "
        .. "if v:compare_exchange_%s(8, x, x + 1) then n = n + 1 end end return 'done'"
      other():start(swapped, T, T)
      local n = 0
      while n < 5000 do
        local x = view["load_" .. T](view, 8)
        if view["compare_exchange_" .. T](view, 8, x, x + 1) then n = n + 1 end
      end
      other():expect("^done$")
      assert.equal(10000, view["exchange_" .. T](view, 8, 0))
    end
  end)

  it("wake each other at words of memory", function()
    for _, T in ipairs { "u32", "i64" } do
      for n = 1, 20 do
        other():start("return v:wait_%s(16, %d, %d)", T, n - 1, support.deadline)
        view["store_" .. T](view, 16, n)
        view:wake(16)
        other():expect("^" .. n .. "$")
      end
      view["store_" .. T](view, 16, 0)
    end
  end)
end

local function share_sync_objects(other, name)
  it("lock a mutex by turns", function()
    local map <close> = assert(filemap.create(name() .. "-count", 8))
    local view <close> = assert(map:view())
    local m <close> = assert(sync.mutex(name()))
    other():start([[local m = sync.mutex(%q, { existing = true })
      local map = filemap.open(%q, 'rw') local v = map:view()
      for _ = 1, 2000 do m:lock() v:set_u32(0, v:get_u32(0) + 1) m:unlock() end
      m:close() v:close() map:close() return 'done']], name(), map:name())
    for _ = 1, 2000 do
      assert(m:lock(support.deadline))
      view:set_u32(0, view:get_u32(0) + 1)
      m:unlock()
    end
    other():expect("^done$")
    assert.equal(4000, view:get_u32(0))
  end)

  it("get the mutex of a killed process as abandoned", function()
    local m <close> = assert(sync.mutex(name()))
    assert.equal("true", other():ask("m = sync.mutex(%q) return m:lock()", name()))
    fails("timeout", name(), m:lock(0))
    kill(other())
    assert.same({ true, "abandoned" }, { m:lock(support.deadline) })
  end)

  it("count by a semaphore, and wait for an event", function()
    local s <close> = assert(sync.semaphore(name(), 0, 10))
    local e <close> = assert(sync.event(name() .. "-event", { manual = true }))
    other():start([[s = sync.semaphore(%q, 0, 10, { existing = true }) e = sync.event(%q, { existing = true })
      s:acquire(%d) return e:wait(%d)]], name(), name() .. "-event", support.deadline, support.deadline)
    assert(s:release())
    assert(e:set())
    other():expect("^true$")
    assert.equal("full", other():ask("return s:release(11)"))
    assert.equal("true", other():ask("return s:release(10)"))
    for _ = 1, 10 do assert.is_true(s:acquire(0)) end
    fails("timeout", name(), s:acquire(0))
    assert.equal("true", other():ask("return e:reset()"))
    fails("timeout", name() .. "-event", e:wait(0))
  end)

  it("wait for any of several objects", function()
    local s <close> = assert(sync.semaphore(name(), 0, 10))
    local e <close> = assert(sync.event(name() .. "-event"))
    other():start([[s = sync.semaphore(%q, 0, 10) e = sync.event(%q)
      return sync.wait_any({ s, e }, %d)]], name(), name() .. "-event", support.deadline)
    e:set()
    other():expect("^2$")
    other():ask("return s:release()")
    assert.equal(1, sync.wait_any({ s, e }, support.deadline))
  end)

  it("either count by a semaphore of sem_open or refuse it as another one", function()
    local verbatim = support.unique("/")
    local s <close> = assert(sync.semaphore(verbatim, 3, 10))
    local found = other():ask([[local s, why, code = sync.semaphore(%q, 0, 10, { existing = true })
      return s and s:acquire(0) and s:acquire(0) or code]], verbatim)
    if found == "true" then
      assert.is_true(s:acquire(0))
      fails("timeout", verbatim, s:acquire(0))
    else
      assert.is_truthy(found == "invalid" or found == "not_found", found)
      for _ = 1, 3 do assert.is_true(s:acquire(0)) end
    end
  end)
end

local function share_channels(other, name)
  it("publish states to each other, and take over as their writer", function()
    local writer <close> = assert(state.create(name(), 1000))
    other():ask("s = state.open(%q)", name())
    for n = 1, 50 do
      other():start("return s:wait(%d, %d)", n - 1, support.deadline)
      writer:publish(("x"):rep(n * 20))
      other():expect(("^%s %d$"):format(("x"):rep(n * 20), n))
    end
    local reader <close> = assert(state.open(name()))
    writer:close()
    assert.equal("false", other():ask("w, created = state.create_or_open(%q, 1000) return created", name()))
    other():ask("return w:publish('theirs')")
    assert.same({ "theirs", 51 }, { reader:read() })
  end)

  it("send messages of any length through a pipe, whichever listens", function()
    local listener <close> = assert(pipe.listen(name(), { capacity = 1000 }))
    other():start([[c = pipe.connect(%q, %d)
      repeat local m = c:receive(%d) until not m or not c:send(m)
      c:close() return 'done']], name(), support.deadline, support.deadline)
    local conn <close> = assert(listener:accept(support.deadline))
    for length = 0, 1000, 37 do
      local message = string.char(length % 251):rep(length)
      assert.is_true(conn:send(message, support.deadline))
      assert.equal(message, conn:receive(support.deadline))
    end
    conn:close()
    listener:close()
    other():expect("^done$")

    other():start([[l = pipe.listen(%q, { stream = true }) c = l:accept(%d) c:write('a line\nthe ', 'rest')
      c:close() return 'done']], name(), support.deadline)
    local stream <close> = assert(pipe.connect(name(), support.deadline))
    other():expect("^done$")
    assert.same({ "a line", "the rest" }, { stream:read("l"), (stream:read("a")) })
  end)

  it("send messages to each other's mailslots", function()
    local slot <close> = assert(mailslot.create(name(), { max_message = 100, capacity = 1000 }))
    other():start([[w = mailslot.open(%q)
      for n = 1, 200 do w:send(('m'):rep(n %% 101), %d) end return 'done']], name(), support.deadline)
    for n = 1, 200 do assert.equal(("m"):rep(n % 101), slot:receive(support.deadline)) end
    other():expect("^done$")
    assert.equal("exists", other():ask("return mailslot.create(%q)", name()))
    other():ask("return w:send('left')")
    slot:close()
    assert.equal("left", other():ask("s = mailslot.create(%q) return s:receive(0)", name()))
    local writer <close> = assert(mailslot.open(name()))
    assert.is_true(writer:send("back"))
    assert.equal("back", other():ask("return s:receive(%d)", support.deadline))
  end)

  it("find each other's keys, values and versions in a dictionary", function()
    local d <close> = assert(dict.create_or_open(name(), { capacity = 100000 }))
    local values = { s = "text\0\255", i = math.mininteger, f = 1 / 3, t = true, f2 = -0.0 }
    for key, value in pairs(values) do d:set(key, value) end
    d:set("gone", 1, { ttl = 0.001 })
    assert.equal("5", other():ask([[d = dict.open(%q) while d:get('gone') do filemap.sleep(0.001) end
      local all, n = {}, 0
      for key, value in d:pairs() do all[key] = value end
      for key, value in pairs(all) do n = n + 1 d:set('copy of ' .. key, value) end return n]], name()))
    for key, value in pairs(values) do
      local copy = d:get("copy of " .. key)
      assert.equal(("%q"):format(value), ("%q"):format(copy))
    end
    other():start([[for n = 1, 2000 do
      d:incr('n', 1, 0) d:set('k' .. n %% 50, ('v'):rep(n %% 300))
      end return 'done']])
    for n = 1, 2000 do
      assert(d:incr("n", 1, 0))
      assert(d:set("k" .. n % 50, ("v"):rep(n % 300)))
    end
    other():expect("^done$")
    assert.equal(4000, (d:get("n")))
    local _, version = d:get("n")
    assert.equal("true", other():ask("return d:compare_set('n', %d, 'new')", version))
    local value, newer = d:get("n")
    assert.equal("new", value)
    assert.is_true(newer > version)
    assert.same({ false, "new", newer }, { d:compare_set("n", version, 1) })
  end)
end

-- What pairs of different byte orders answer: no name is taken for what it is not.
local function refuse_objects(other, name)
  local kinds = {
    state = { make = "state.create(NAME, 100)",
      open = { "state.open(NAME)", "state.create_or_open(NAME, 100)" } },
    pipe = { make = "pipe.listen(NAME)", open = { "pipe.connect(NAME)" } },
    mailslot = { make = "mailslot.create(NAME)", open = { "mailslot.open(NAME)" } },
    dict = { make = "dict.create_or_open(NAME, { capacity = 10000 })",
      open = { "dict.open(NAME)", "dict.create_or_open(NAME, { capacity = 10000 })" } },
    mutex = { make = "sync.mutex(NAME)", open = { "sync.mutex(NAME)" } },
    semaphore = { make = "sync.semaphore(NAME, 1, 1)", open = { "sync.semaphore(NAME, 1, 1)" } },
    event = { make = "sync.event(NAME)", open = { "sync.event(NAME)" } },
  }
  local modules = { state = state, pipe = pipe, mailslot = mailslot, dict = dict, sync = sync }

  local function run(call)
    return assert(load("return " .. call, "=call", "t", modules))()
  end

  for kind, calls in pairs(kinds) do
    it("refuse each other's " .. kind .. " as corrupt, and name the byte order", function()
      local quoted = ("%q"):format(name())
      assert(other():ask("object = " .. calls.make:gsub("NAME", quoted):gsub("%%", "%%%%")))
      for _, call in ipairs(calls.open) do
        local object, message, code = run((call:gsub("NAME", quoted)))
        assert.same({ nil, "corrupt" }, { object, code })
        contains("byte order", message)
      end
      assert.equal("true", other():ask("return object:close()"))
      local _ <close> = assert(run((calls.make:gsub("NAME", quoted))))
      for _, call in ipairs(calls.open) do
        assert.equal("nil corrupt true", other():ask("local object, message, code = %s "
          .. "return object, code, message:find('byte order') ~= nil", (call:gsub("NAME", quoted))))
      end
    end)
  end
end

support.clean()

it("a header in the other byte order is refused as corrupt, and the message names the byte order", function()
  local name = support.unique("Local\\")
  local writer <close> = assert(state.create(name, 100))
  local map <close> = assert(filemap.open(name, "rw"))
  local view <close> = assert(map:view())
  view:set_string(0, view:get_string(0, 4):reverse())
  local reader, message, code = state.open(name)
  assert.same({ nil, "corrupt" }, { reader, code })
  contains("byte order", message)
  writer:close()
end)

if support.windows then
  pending("this process and those of other builds (wine runs one processor's programs)")
  builds = {}
end

for _, build in ipairs(builds) do
  local heading = "this process and one built for " .. build.title
  if build.folder == own then goto continue end
  if not lfs.attributes(build.folder .. "/" .. build.last) then
    pending(("%s (%s has not been run)"):format(heading, build.made))
    goto continue
  end
  describe(heading, function()
    local child, current
    local function other() return child end
    local function name() return current end

    before_each(function()
      child, current = start(build), support.unique("Local\\")
    end)

    share_maps(other, name)
    if has_own_order(build) then
      describe("of its byte order", function() share_views(other, name) end)
      share_sync_objects(other, name)
      share_channels(other, name)
    else
      refuse_objects(other, name)
    end
  end)
  ::continue::
end
