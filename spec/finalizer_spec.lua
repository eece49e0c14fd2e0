-- Finalizers that run in the middle of each method, at each of its allocations in turn, and close, read from
-- and write to the objects that the method works on. The method then raises that an object is closed, or
-- completes with what was really in the view or the channel. Memory of the Lua state holds 0xD5 until it is
-- written, and again after it is freed (spec/support/starve.c): no result may contain it.
local core = require "filemap.core"
local filemap = require "filemap"
local process = require "process"
local starve = require "starve"
local support = require "spec.support"

-- The globals of each chunk. `interrupted(action)` lets a finalizer that performs `action` wait for the
-- collector.
local PRELUDE <const> = [[
  filemap = require "filemap"
  core = require "filemap.core"
  sync, state = require "filemap.sync", require "filemap.state"
  pipe, mailslot = require "filemap.pipe", require "filemap.mailslot"
  dict = require "filemap.dict"
  name, path = %q, %q

  function interrupted(action)
    setmetatable({}, { __gc = function()
      collectgarbage("stop")
      ran = true
      local ok, why = pcall(action)
      problem = not ok and why or nil
    end })
  end

  -- Calls the method of `object` that runs into the finalizer.
  function try(object, method, ...)
    result = table.pack(pcall(object[method], object, ...))
  end

  local poison = ("\xD5"):rep(2)

  local function check(value)
    if type(value) == "string" then
      assert(not value:find(poison, 1, true), "the result contains memory of Lua's")
    end
    if type(value) ~= "table" then return end
    for key, field in pairs(value) do check(key) check(field) end
  end

  function check_result()
    check(result)
    assert(not problem or problem:find "is closed", problem)
    if result[1] then return end
    local message = tostring(result[2])
    assert(message:find "is closed" or message:find "not enough memory", message)
  end
]]

-- Objects by their type: a chunk that makes `object` and what it works with; the action of a finalizer that
-- uses the same objects; and the arguments of each method. The finalizer that closes calls `close` of all of
-- `objects`.
local VIEW <const> = [[
  map = filemap.create(nil, 10000)
  view = map:view()
  view:set_string(0, ("line of text\n"):rep(500))
  view:set_string(6600, "12345678 ")
  view:set_string(7000, ("x"):rep(1000))
  view:set_utf16(8000, ("wide text "):rep(20), 400)
  other = filemap.create(nil, 10000):view()
  array, second = view:array("i32", 9000, 100), other:array("i32", 0, 100)
  stream, lines = view:stream(), view:lines()
  objects = { view, map, other, stream }
]]

local PIPE <const> = [[
  listener = pipe.listen(name, { stream = %s, capacity = 60000 })
  client = pipe.connect(name)
  object = listener:accept(0)
  objects = { object, client, listener }
  text = {}
  for i = 1, 5000 do text[i] = ("%%06d\n"):format(i) end
  text = table.concat(text)
]]

local subjects = {
  view = {
    make = VIEW .. "object = view",
    use = [[
      view:set_string(0, ("other bytes\n"):rep(100))
      view:set_utf16(8000, "short", 400)
      view:get_string(0, 5000)
      view:sub(0, 10):close()
    ]],
    calls = {
      size = "", access = "", sub = "10, 20, 'copy'", flush = "0, 10, 'async'",
      advise = "'normal', 0, 10", pin = "",
      wake = "'8'", unpin = "", commit = "0, 10", unmap = "", close = "", getter = "'i32'", setter = "'f64'",
      array = "'u16', 0, 10", get_string = "7000, 1000", set_string = "0, 12345.5", get_cstring = "7000",
      set_cstring = "0, 12345.5, 100", get_utf16 = "8000", set_utf16 = "0, 12345.5, 100",
      get_utf32 = "0, 1000",
      set_utf32 = "0, 12345.5, 100", find = "12345678", fill = "0, 10, 1", copy = "0, other, 0, 100",
      equals = "0, other, 0, 100", unpack = "'z s1 c1000 i4 c1000', 6600",
      pack = "'z s4 c20 i4', 0, 1.5, 2.5, 3.5, 4",
      lines = "", stream = "0, 100",
    },
  },
  ["view, text in 16 and 32 bits of much memory"] = {
    make = VIEW .. "object = view", use = "view:set_string(0, '1')",
    calls = { get_utf16 = "0, 3000", get_utf32 = "0" },
  },
  map = {
    make = VIEW .. "object = map", use = "map:view():close() map:close()",
    calls = { view = "0, 100, 'r'", size = "", name = "", access = "", handle = "", refresh = "",
      resize = "1000",
              close = "" },
  },
  array = {
    make = VIEW .. "object = array", use = "array[1] = 7 array:set(1, { 1, 2, 3 }) array:get()",
    calls = { get = "", set = "1, { 1, 2, 3 }", copy = "1, second, 1, 50" },
  },
  stream = {
    make = VIEW .. "object = stream",
    use = "stream:read(3000) stream:write(1.5, 'text') stream:seek('end', -10)",
    calls = {
      read = "'l', 'L', 3000, 'n', 'l', 'a'", write = "1.5, 'text', 2.5, 3", seek = "'cur', 10",
      lines = "", close = "",
    },
  },
  ["stream, many numerals"] = {
    make = VIEW .. "object = stream stream:seek('end', -20)", use = "stream:write(12345678.25)",
    calls = { write = "0.5, 1.5, 2.5, 3.5, 4.5" },
  },
  mutex = {
    make = "object = sync.mutex(name) objects = { object } object:lock()",
    use = "object:lock(0) object:unlock()",
    calls = { lock = "0", unlock = "", close = "" },
  },
  semaphore = {
    make = "object = sync.semaphore(name, 1, 2) objects = { object }",
    use = "object:acquire(0) object:release()",
    calls = { acquire = "0", release = "1", close = "" },
  },
  event = {
    make = "object = sync.event(name) objects = { object }", use = "object:set() object:wait(0)",
    calls = { set = "", reset = "", wait = "0", pollable = "", close = "" },
  },
  ["state, the writer"] = {
    make = [[
      object = state.create(name, 3000)
      reader = state.open(name)
      objects = { object, reader }
      object:publish(("v"):rep(3000))
    ]],
    use = "object:publish 'other' reader:read() object:read()",
    calls = { publish = "54321.5", read = "1", wait = "0, 0", close = "" },
  },
  ["state, a reader"] = {
    make = [[
      writer = state.create(name, 3000)
      object = state.open(name)
      objects = { object, writer }
      writer:publish(("v"):rep(3000))
    ]],
    use = "writer:publish(('w'):rep(2000)) object:read()",
    calls = { read = "1", wait = "0, 0", pollable = "", close = "" },
  },
  ["mailslot, the reader"] = {
    make = [[
      object = mailslot.create(name)
      writer = mailslot.open(name)
      objects = { object, writer }
      for _ = 1, 3 do writer:send(("m"):rep(3000), 0) end
    ]],
    use = "writer:send(('n'):rep(2000), 0) object:receive(0)",
    calls = { receive = "0", info = "", pollable = "", close = "" },
  },
  ["mailslot, a writer"] = {
    make = [[
      reader = mailslot.create(name)
      object = mailslot.open(name)
      objects = { object, reader }
      object:send "first"
    ]],
    use = "object:send('other', 0) reader:receive(0)",
    calls = { send = "12345.5, 0", close = "" },
  },
  dict = {
    make = [[
      object = dict.create_or_open(name)
      other = dict.open(name)
      objects = { object, other }
      object:set("k", ("v"):rep(3000))
      object:set("12345.5", 1)
    ]],
    use = "other:set('k', ('w'):rep(2000)) object:get('k') object:set('n', 2) object:delete('12345.5')",
    calls = {
      get = "'k'", set = "12345.5, 12345.5, { ttl = 100 }", add = "'new', 'x', { ttl = 100 }",
      replace = "'k', 'x', { ttl = 100 }", delete = "12345.5", incr = "12345.5",
      compare_set = "'k', 7, 54321.5", wait = "'k', 0, 0", pairs = "", info = "", clear = "", close = "",
    },
  },
  listener = {
    make = PIPE:format "false" .. "object = listener third = pipe.connect(name)",
    use = "local more = pipe.connect(name) local server = listener:accept(0) more:close() server:close()",
    calls = { accept = "0", pollable = "", close = "" },
  },
  ["conn of messages"] = {
    make = PIPE:format "false" .. "client:send(text:sub(1, 5000)) client:send 'next' object:send 'back'",
    use = "client:receive(0) object:receive(0) object:send('more', 0) client:send('more', 0)",
    calls = { send = "12345.5, 0", receive = "0", pollable = "", close = "" },
  },
  ["conn of a stream"] = {
    make = PIPE:format "true" .. "client:write(text) object:read 'l'",
    use = "object:read(700) object:write('more') client:write('more\\n')",
    calls = { write = "1.5, 2.5, 'text'", read = "5000", close = "" },
  },
  ["conn of a stream, by lines"] = {
    make = PIPE:format "true"
      .. "client:write(text:sub(1, 2000) .. ('x'):rep(5000) .. '\\n' .. text) object:read(1400)",
    use = "object:read(700) client:write('more\\n')",
    calls = { read = "'L'" },
  },
  ["conn of a stream, by default"] = {
    make = PIPE:format "true" .. "client:write(('x'):rep(5000) .. '\\n' .. text) object:read(1)",
    use = "object:read(700) client:write('more\\n')",
    calls = { read = "" },
  },
  ["conn of a stream, all"] = {
    make = PIPE:format "true" .. "client:write(text) object:read 'l' client:close()",
    use = "object:read(2000)",
    calls = { read = "'a'" },
  },
}

local CLOSE <const> = "for _, object in ipairs(objects) do object:close() end"

support.clean()

-- Tries a call with a finalizer at its first allocation, then at its second, and so on. Returns how many it
-- had.
local function interrupt(make, action, call)
  local live, handles, at = core.live(), process.handles(), 0
  while true do
    local prelude = PRELUDE:format(support.unique("Local\\"), support.tmpname())
    local before = ("%s %s interrupted(function() %s end)"):format(prelude, make, action)
    local ended, why = starve.interrupt(package.path, package.cpath, at, before, call, "check_result()")
    assert.is_nil(why, ("at allocation %d of %s: %s"):format(at + 1, call, why))
    assert.equal(live, core.live())
    assert.equal(handles, process.handles())
    if ended then return at end
    at = at + 1
  end
end

describe("a finalizer at each allocation", function()
  for what, subject in pairs(subjects) do
    for method, arguments in pairs(subject.calls) do
      it(("leaves results right in %s of a %s"):format(method, what), function()
        local call = ("try(object, %q%s)"):format(method, arguments ~= "" and ", " .. arguments or "")
        assert.is_true(interrupt(subject.make, CLOSE, call) > 0)
        interrupt(subject.make, subject.use, call)
      end)
    end
  end

  it("leaves results right in methods of numbers", function()
    for _, method in ipairs { "get_i32", "set_u64", "load_i32", "store_i32", "add_u64", "exchange_i32",
                              "and_i32", "or_i32" } do
      interrupt(VIEW .. "object = view", CLOSE, ("try(object, %q, '0', '1')"):format(method))
    end
    interrupt(VIEW .. "object = view", CLOSE, "try(object, 'compare_exchange_u32', '0', '1', '2')")
    interrupt(VIEW .. "object = view", CLOSE, "try(object, 'wait_u32', '0', '1', '0.001')")
  end)

  it("leaves results right in iterators and conversions to strings", function()
    for _, call in ipairs {
      "result = table.pack(pcall(lines))", "result = table.pack(pcall(stream:lines('L', 2000)))",
      "result = table.pack(pcall(function() return array[1], #array, ipairs(array) end))",
      "result = table.pack(pcall(function() array[1.0] = '5' end))",
      "result = table.pack(true, tostring(view), tostring(map), tostring(array), tostring(stream))",
    } do
      assert.is_true(interrupt(VIEW .. "object = view", CLOSE, call) > 0)
    end
  end)

  -- Each call is made once before, so that the functions of the types are generated.
  it("leaves results right in records, arrays and types of structs", function()
    local make <const> = VIEW .. [[
      local struct = require "filemap.struct"
      Inner = struct.define("Inner", { { "a", "u32" }, { "s", "char", 5 }, { "w", "utf16", 4 } })
      T = struct.define("T", { { "seq", "u32" }, { "inner", Inner }, { "list", Inner, 20 },
        { "big", "u16", 200 },
        { "long", "char", 3000 }, { "blob", "bytes", 64 }, { "wide", "utf32", 20 } })
      Tail = struct.define("Tail", { { "n", "u32" }, { "tail", Inner, 0 } })
      inner = { a = 1, s = "abc", w = "ab" }
      whole = { seq = 2, inner = inner, long = ("y"):rep(2999), wide = "wide text" }
      view:fill(0, 10000, 0x31)
      T:write(view, 0, whole)
      function call(f) result = table.pack(pcall(f, T:at(view, 0))) end
      function use() f(T:at(view, 0)) end
    ]]
    for _, body in ipairs {
      "return T:read(view, 0)", "return T:snapshot(view, 0, { even = 'seq' }, 0)", "T:write(view, 0, whole)",
      "r.inner = inner return r.inner.s, r.inner.w", "return r.list:get(), r.big:get()",
      "r.list:set(2, { inner, r.inner }) r.list:copy(1, r.list, 5, 10)", "return r.long, r.blob, r.wide",
      "r.long, r.blob, r.wide = 'x', ('k'):rep(64), 'text'", "return tostring(r), tostring(r.list)",
      "local t = {} for k, v in pairs(r) do t[k] = tostring(v) end return t",
      "local t = {} for i, v in ipairs(r.list) do t[i] = v.s .. v.w end return t",
      "Tail:write(view, 0, { n = 1, tail = { inner } }) return Tail:read(view, 0, 3), Tail:at(view, "
        .. "0).tail:get(1, 9)",
    } do
      local prepare = make .. ("f = function(r) %s end pcall(f, T:at(view, 0))"):format(body)
      assert.is_true(interrupt(prepare, CLOSE, "call(f)") > 0)
      interrupt(prepare, "view:fill(0, 10000, 0xff) view:set_u32(0, 2) pcall(use)", "call(f)")
    end
  end)

  it("tries every method of every type", function()
    local tried, types = {}, {}
    local map <close> = assert(filemap.create(nil, 8))
    local view <close> = assert(map:view())
    local function is_of_number(method) return (pcall(view.getter, view, method:match "_(%w+)$" or "")) end
    for what, subject in pairs(subjects) do
      local owner = what:match "^%w+"
      tried[owner] = tried[owner] or {}
      for method in pairs(subject.calls) do tried[owner][method] = true end
    end
    for _, owner in ipairs { "map", "view", "array", "stream", "mutex", "semaphore", "event", "state",
                             "mailslot", "dict", "listener", "conn" } do
      local methods = debug.getregistry()["filemap." .. owner].__index
      if type(methods) == "function" then methods = select(2, debug.getupvalue(methods, 1)) end
      for method in pairs(methods) do
        if not is_of_number(method) then
          types[#types + 1] = tried[owner][method] or owner .. ":" .. method
        end
      end
    end
    for _, missing in ipairs(types) do assert.is_true(missing) end
    assert.is_true(#types > 60)
  end)
end)

-- The bytes of a stream are neither lost nor doubled by a finalizer that reads some of them.
describe("a finalizer that reads the stream that is being read", function()
  for what, format in pairs { ["a count"] = "5000", ["a line"] = "'L'", all = "'a'" } do
    it("leaves the other bytes for the call: " .. what, function()
      local make = PIPE:format "true" .. [[
        text = text:sub(1, 2000) .. ('x'):rep(5000) .. '\n' .. text
        client:write(text)
        client:close()
        taken = object:read 'l' .. '\n' .. object:read(700)
      ]]
      local call = "result = { pcall(object.read, object, " .. format .. ") }"
      local check = [[
        check_result()
        local parts = { taken, between or "", result[2], object:read "a" }
        local total = 0
        for _, part in ipairs(parts) do
          total = total + #part
          assert(text:find(part, 1, true), "a result is not part of the text")
        end
        assert(total == #text, total .. " of " .. #text .. " bytes")
      ]]
      local at = 0
      repeat
        local prelude = PRELUDE:format(support.unique("Local\\"), support.tmpname())
        local before = prelude .. make .. "interrupted(function() between = object:read(700) end)"
        local ended, why = starve.interrupt(package.path, package.cpath, at, before, call, check)
        assert.is_nil(why, ("at allocation %d: %s"):format(at + 1, why))
        at = at + 1
      until ended
    end)
  end
end)
