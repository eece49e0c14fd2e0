-- Lua's memory runs out in the middle of each call: at the call's first allocation, then at its second, and
-- so on. (The calls with thousands of allocations are written in Lua. Of these allocations not every one
-- fails.) Each time nothing is leaked or half done. (A message for which there is no memory is lost with the
-- error.)
local core = require "filemap.core"
local process = require "process"
local starve = require "starve"
local support = require "spec.support"

-- The globals of each chunk.
local PRELUDE <const> = [[
  filemap = require "filemap"
  sync, state = require "filemap.sync", require "filemap.state"
  pipe, mailslot = require "filemap.pipe", require "filemap.mailslot"
  dict = require "filemap.dict"
  struct, cdef = require "filemap.struct", require "filemap.cdef"
  name, path = %q, %q
  long = ("x"):rep(5000)
]]

-- A map with a view that holds several kinds of data, an array and a stream.
local VIEW <const> = [[
  map = filemap.create(name, 10000)
  view = map:view()
  view:set_string(0, "text\nand more\n")
  view:set_string(1000, long)
  view:set_utf16(7000, "wide text that is longer than forty bytes: here", 60)
  array = view:array("i32", 8000, 100)
  stream = view:stream()
]]

-- Calls by their description. Each has a chunk that prepares, a chunk with the call, and a chunk that checks
-- the state after the call, whether or not the call got all its memory. `none`: the call allocates nothing.
local calls = {
  ["make a map"] = { "", "map = filemap.create(name, 100)" },
  ["make an unnamed map"] = { "", "map = filemap.create(nil, 100)" },
  ["open a map"] = { "kept = filemap.create(name, 100)", "map = filemap.open(name, 'rw', { size = 50 })" },
  ["make or open a map"] = { "", "map, made = filemap.create_or_open(name, 100)" },
  ["not make a map"] = { "kept = filemap.create(name, 100)", "map, why = filemap.create(name, 100)" },
  ["map a file"] = { "", "map = filemap.file(path, 'rw', { size = 100 })", "os.remove(path)" },
  ["list"] = { "", "found = filemap.list()" },
  ["raise"] = { VIEW, "pcall(view.get_i32, view, 9999)" },
  ["convert objects to strings"] = {
    VIEW, "return tostring(map) .. tostring(view) .. tostring(array) .. tostring(stream)",
  },
  ["view"] = { VIEW, "another = map:view(10, 20)" },
  ["slice"] = { VIEW, "slice = view:sub(10, 20, 'copy')" },
  ["get numbers"] = { VIEW, "return view:get_i32(0) + view:get_f64(8)", none = true },
  ["get a getter"] = { VIEW, "get, set = view:getter 'i32', view:setter 'i32' set(0, get(4))" },
  ["get a short string"] = { VIEW, "return view:get_string(0, 30)" },
  ["get a string"] = { VIEW, "return view:get_string(0, 100)" },
  ["get a long string"] = { VIEW, "return view:get_string(1000, 5000)" },
  ["get a C string"] = { VIEW .. "view:set_u8(20, 0)", "return view:get_cstring(1)" },
  ["get a long C string"] = { VIEW, "return view:get_cstring(1000)" },
  ["get UTF-16"] = { VIEW, "return view:get_utf16(7000)" },
  ["set strings"] = { VIEW, "view:set_string(0, 12345) view:set_utf32(100, 12345, 100)" },
  ["unpack"] = { VIEW, "return view:unpack('i4 z s1 c50', 0)" },
  ["pack"] = { VIEW .. "longer = long:rep(2):sub(1, 9000)", "return view:pack('i4 z s4', 0, 1, 'x', longer)",
             "assert(view:get_string(1000, 99):find '^x+$')" },
  ["find"] = { VIEW, "return view:find(12345)" },
  ["read lines"] = { VIEW, "for line in view:lines() do last = line break end" },
  ["make a stream"] = { VIEW, "another = view:stream(10)" },
  ["read a stream"] = { VIEW, "return stream:read('l', 'L', 3, 'n', 'a')" },
  ["write a stream"] = {
    VIEW, "stream:write('a', 1, 2.5, long)", "assert(view:get_string(6500, 400):find '^%z+$')",
  },
  ["make an array"] = { VIEW, "another = view:array('u8', 0, 10)" },
  ["get an array"] = { VIEW, "return array:get(), array:get(-5, 10)" },
  ["set an array"] = { VIEW, "array:set(1, { 1, 2, 3 })" },
  ["define a struct"] = { "", "T = struct.define('T', { { 'id', 'i32' }, { 'name', 'char', 60 } })" },
  ["read a struct"] = {
    VIEW .. "T = struct.define('T', { { 'id', 'i32' }, { 'name', 'char', 60 }, { 'more', 'i32', 3 } })",
    "local r = T:at(view, 0) r.name = 'x' return r.name, r.more[1], T:read(view, 0)",
  },
  ["snapshot a struct"] = {
    VIEW .. "T = struct.define('T', { { 'seq', 'u32' }, { 'name', 'char', 60 } })",
    "return T:snapshot(view, 9000, { even = 'seq' })",
  },
  ["parse a header"] = { "", "return cdef.parse 'typedef struct A { int a[4]; char b; } A;'" },
  ["make a mutex"] = { "", "mutex = sync.mutex(name)", "if mutex then mutex:close() end" },
  ["lock a mutex"] = { "mutex = sync.mutex(name)", "mutex:lock() mutex:unlock()", none = true },
  ["make an event"] = { "", "event = sync.event(name)" },
  ["wait for an event"] = { "event = sync.event(name)", "return event:wait(0)" },
  ["make a semaphore"] = { "", "semaphore = sync.semaphore(name, 0, 2)" },
  ["make a state"] = { "", "writer = state.create(name, 1000)" },
  ["publish a value"] = { "writer = state.create(name, 1000)", "writer:publish(12345)" },
  ["read a value"] = {
    "writer = state.create(name, 1000) reader = state.open(name) writer:publish(long:sub(1, 300))",
    "return reader:read()", "assert(#reader:read() == 300)",
  },
  ["make a mailslot"] = { "", "reader = mailslot.create(name)" },
  ["open a mailslot"] = { "reader = mailslot.create(name)", "writer = mailslot.open(name)" },
  ["receive from a mailslot"] = {
    "reader = mailslot.create(name) writer = mailslot.open(name) writer:send(long) writer:send 'next'",
    "got = reader:receive(0)", "assert(not got or got == long) assert(reader:receive(0) == 'next')",
  },
  ["get a mailslot's info"] = { "reader = mailslot.create(name)", "return reader:info()" },
  ["make a dictionary"] = { "", "d = dict.create_or_open(name, { capacity = 10000, evict = true })" },
  ["open a dictionary"] = { "kept = dict.create_or_open(name)", "d = dict.open(name)" },
  ["set a key"] = {
    "d = dict.create_or_open(name) d:set('k', 'old')", "d:set('k', 12345.5, { ttl = 100 })",
    "assert(d:get('k') == 'old' or d:get('k') == 12345.5)",
  },
  ["get a key"] = {
    "d = dict.create_or_open(name) d:set('k', long)", "return d:get('k')", "assert(d:get('k') == long)",
  },
  ["compare and set a key"] = {
    "d = dict.create_or_open(name) d:set('k', long)", "return d:compare_set('k', 7, 'new')",
    "assert(d:get('k') == long)",
  },
  ["increment a key"] = {
    "d = dict.create_or_open(name) d:set('n', 1)", "d:incr('n')", "assert(d:get('n') == 2)", none = true,
  },
  ["wait for a key"] = { "d = dict.create_or_open(name) d:set('k', long)", "return d:wait('k', 0, 0)" },
  ["iterate over keys"] = {
    "d = dict.create_or_open(name) d:set('k', long) d:set('l', 1)",
    "n = 0 for _ in d:pairs() do n = n + 1 end", "d:clear() assert(d:info().count == 0)",
  },
  ["get a dictionary's info"] = { "d = dict.create_or_open(name)", "return d:info()" },
  ["listen"] = { "", "listener = pipe.listen(name, { capacity = 100 })" },
  ["connect"] = { "listener = pipe.listen(name, { capacity = 100 })", "client = pipe.connect(name)" },
  ["accept"] = {
    "listener = pipe.listen(name, { capacity = 100 }) client = pipe.connect(name) client:send 'x'",
    "server = listener:accept(0)", "server = server or listener:accept(0) assert(server:receive(0) == 'x')",
  },
  ["receive from a pipe"] = {
    [[listener = pipe.listen(name) client = pipe.connect(name) server = listener:accept(0)
      client:send(long) client:send 'next']],
    "got = server:receive(0)", "assert(not got or got == long) assert(server:receive(0) == 'next')",
  },
  ["read a pipe's stream"] = {
    [[listener = pipe.listen(name, { stream = true }) client = pipe.connect(name) server = listener:accept(0)
      client:write("line\n" .. long) client:close()]],
    "return server:read 'l', server:read(10), server:read 'a'",
  },
}

support.clean()

describe("memory that runs out", function()
  for what, call in pairs(calls) do
    it("leaves nothing behind in a call to " .. what, function()
      local before, chunk, after = table.unpack(call)
      local live, handles, starved, most = core.live(), process.handles(), 0, 0
      while true do
        local prelude = PRELUDE:format(support.unique("Local\\"), support.tmpname())
        local enough, why = starve.run(package.path, package.cpath, most, prelude .. before, chunk,
          after or "")
        assert.is_nil(why)
        assert.equal(live, core.live())
        assert.equal(handles, process.handles())
        if enough then break end
        starved, most = starved + 1, most + 1 + most // 200
      end
      assert.equal(not call.none, starved > 0)
    end)
  end
end)
