-- filemap together with programs that do not use it: python3's mmap; and on Windows the classic pair of C++
-- programs, a program that publishes a mutex and an event, and a game with a double-buffered struct.
local cdef = require "filemap.cdef"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"
local sync = require "filemap.sync"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

-- Starts a program and waits for its READY.
local function start(...)
  local program = process.spawn { ... }
  assert.equal("READY", program:read(support.deadline))
  return program
end

local function ask(program, line)
  assert(program:write(line .. "\n"))
  return assert(program:read(support.deadline))
end

local function finish(program)
  program:close_input()
  assert.equal(0, program:wait(support.deadline))
end

local function to_hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function python(...)
  return start("python3", "spec/counterpart/segment.py", ...)
end

-- Each side reads what the other side wrote, at offsets that are not multiples of the page size.
local function exchange(view, other)
  view:set_string(5, "from Lua")
  view:set_f64(4093, 0.1)
  assert.equal(to_hex("from Lua"), ask(other, "get 5 8"))
  assert.equal(to_hex(string.pack("d", 0.1)), ask(other, "get 4093 8"))
  assert.equal("done", ask(other, "put 4999 " .. to_hex(string.pack("B", 200))))
  assert.equal("done", ask(other, "put 1001 " .. to_hex(string.pack("i4", -123456789))))
  assert.equal(200, view:get_u8(4999))
  assert.equal(-123456789, view:get_i32(1001))
end

describe("python3's mmap", function()
  support.clean()
  local only = support.having("python3", support.only("posix", "the Windows tests have no python3"))

  only("opens a /name that filemap created", function()
    local name = support.unique("/")
    local map <close> = assert(filemap.create(name, 5000))
    local view <close> = assert(map:view())
    local other = python("/dev/shm" .. name, "open")
    assert.equal("5000", ask(other, "size"))
    exchange(view, other)
    finish(other)
    assert.is_true(filemap.unlink(name))
  end)

  only("creates a /name that filemap opens", function()
    local name = support.unique("/")
    local other = python("/dev/shm" .. name, "create", "5000")
    local map <close> = assert(filemap.open(name, "rw"))
    assert.equal(5000, map:size())
    exchange(assert(map:view()), other)
    finish(other)
    assert.equal(5000, assert(filemap.open(name)):size())
    assert.is_true(filemap.unlink(name))
  end)

  only("maps a file that filemap created", function()
    local path = support.tmpname("bin")
    local map <close> = assert(filemap.file(path, "rw", { size = 5000 }))
    local other = python(path, "open")
    assert.equal("5000", ask(other, "size"))
    exchange(assert(map:view()), other)
    finish(other)
  end)

  only("creates a file that filemap maps", function()
    local path = support.tmpname("bin")
    local other = python(path, "create", "5000")
    local map <close> = assert(filemap.file(path, "rw"))
    assert.equal(5000, map:size())
    exchange(assert(map:view()), other)
    finish(other)
  end)
end)

describe("the classic pair of C++ programs", function()
  support.clean()
  local only = support.only("win32", "the C++ programs are Windows programs")

  only("shares the server's message with a script, and reads the script's message", function()
    local server = start(folder .. "file_mapping_server")
    local map <close> = assert(filemap.open([[Local\SampleMap]], "rw"))
    assert.equal(65536, map:size())
    local view <close> = assert(map:view(0, 1024))
    assert.equal("Message from the first process.", view:get_utf16(0))
    view:set_utf16(0, "héllo 🌍", 512)
    assert.equal("héllo 🌍", ask(server, ""))
    finish(server)
  end)

  only("reads a script's message in the client", function()
    local map <close> = assert(filemap.create([[Local\SampleMap]], 65536))
    local view <close> = assert(map:view(0, 1024))
    view:set_utf16(0, "Сообщение 🌍", 512)
    local client = start(folder .. "file_mapping_client")
    assert.equal("Сообщение 🌍", client:read(support.deadline))
    finish(client)
  end)

  only("makes create fail with exists while the server holds the name", function()
    local server = start(folder .. "file_mapping_server")
    local map, message, code, native = filemap.create([[Local\SampleMap]], 10)
    assert.is_nil(map)
    assert.equal([[Local\SampleMap]], message:match("^(.-):"))
    assert.same({ "exists", 183 }, { code, native })
    ask(server, "")
    finish(server)
    assert.equal("not_found", select(3, filemap.open([[Local\SampleMap]])))
  end)

  only("leaves a script its view when the server is killed", function()
    local server = start(folder .. "file_mapping_server")
    local view
    do
      local map <close> = assert(filemap.open([[Local\SampleMap]]))
      view = assert(map:view(0, 1024))
    end
    server:kill()
    server:wait(support.deadline)
    assert.equal("Message from the first process.", view:get_utf16(0))
    assert(filemap.open([[Local\SampleMap]])):close()
    view:close()
    assert.equal("not_found", select(3, filemap.open([[Local\SampleMap]])))
  end)

  only("treats a name with Local\\ and without it as the same name, in both directions", function()
    local server = start(folder .. "file_mapping_server")
    do
      local map <close> = assert(filemap.open("SampleMap", "rw"))
      local view <close> = assert(map:view())
      assert.equal("Message from the first process.", view:get_utf16(0))
      finish(server)
    end
    local own <close> = assert(filemap.create("SampleMap", 65536))
    local view <close> = assert(own:view())
    view:set_utf16(0, "without", 100)
    local client = start(folder .. "file_mapping_client")
    assert.equal("without", client:read(support.deadline))
    finish(client)
  end)
end)

describe("a program that publishes a mutex and an event", function()
  support.clean()
  local only = support.only("win32", "it is a Windows program")

  local function publish(...)
    local names = { support.unique("Local\\"), support.unique("Local\\") }
    return start(folder .. "publisher", names[1], names[2], ...), table.unpack(names)
  end

  only("shares its event with a script, in both directions", function()
    local program, _, name = publish()
    local event <close>, created = assert(sync.event(name, { existing = true }))
    assert.is_false(created)
    assert.equal("timeout", select(3, event:wait(0.02)))
    assert.equal("done", ask(program, "set"))
    assert.is_true(event:wait(support.deadline))
    assert.is_true(event:wait(0)) -- the event is manual
    assert.equal("done", ask(program, "reset"))
    assert.equal("timeout", select(3, event:wait(0)))
    event:set()
    assert.equal("set", ask(program, "wait"))
    event:reset()
    assert.equal("not set", ask(program, "wait"))
    finish(program)
  end)

  only("wakes a script that waits for the event", function()
    local program, _, name = publish()
    local child = support.child("evaluator")
    child:ask("e = sync.event(%q, { existing = true })", name)
    child:start("return e:wait(%d)", support.deadline)
    ask(program, "set")
    assert.equal("true", child:expect())
    finish(program)
  end)

  only("shares its mutex with a script, and abandons it when it dies", function()
    local program, name = publish()
    local mutex <close> = assert(sync.mutex(name, { existing = true }))
    assert.equal("done", ask(program, "lock"))
    assert.equal("timeout", select(3, mutex:lock(0)))
    assert.equal("done", ask(program, "unlock"))
    assert.is_true(mutex:lock(0))
    program:start("lock")
    assert.is_true(mutex:unlock())
    assert.equal("done", program:read(support.deadline))
    assert(program:write("die\n"))
    assert.same({ true, "abandoned" }, { mutex:lock(support.deadline) })
    mutex:unlock()
    program:wait(support.deadline)
  end)

  only("allows a script to wait if its security descriptor grants only that", function()
    local program, mutex_name, event_name = publish("D:(A;;0x100000;;;WD)")
    local event <close> = assert(sync.event(event_name, { existing = true }))
    assert.equal("timeout", select(3, event:wait(0)))
    local _, _, code = event:set()
    assert.equal("denied", code)
    assert.equal("denied", select(3, event:reset()))
    assert.equal("not set", ask(program, "wait"))
    ask(program, "set")
    assert.is_true(event:wait(support.deadline))
    local mutex <close> = assert(sync.mutex(mutex_name))
    assert.is_true(mutex:lock(0))
    assert.is_true(mutex:unlock())
    finish(program)
  end)

  only("denies a script all access if its security descriptor grants none", function()
    local program, mutex_name, event_name = publish("D:(A;;RC;;;WD)")
    local function open()
      local mutex, event = table.pack(sync.mutex(mutex_name)),
        table.pack(sync.event(event_name, { existing = true }))
      if mutex[1] then mutex[1]:close() end
      if event[1] then event[1]:close() end
      return mutex[3], event[3]
    end
    local mutex_code, event_code = open()
    finish(program)
    if not mutex_code then return pending("wine lets every process wait, whatever the descriptor grants") end
    assert.same({ "denied", "denied" }, { mutex_code, event_code })
  end)
end)

describe("a game with a double-buffered struct", function()
  support.clean()
  local only = support.only("win32", "it is a Windows program")
  local COUNT = tonumber(os.getenv("FILEMAP_SNAPSHOTS")) or 2000

  -- The first part of a moment whose values do not belong to its tick, or nil.
  local function torn(m)
    local tick = m.tick
    if m.check ~= tick or m.time ~= tick / 64 or m.count ~= tick % 40 + 1 then return "its own numbers" end
    for i, car in ipairs(m.cars) do
      local driver = string.char(65 + tick % 26, 65 + (i - 1) % 26)
      if car.distance ~= tick * 1000 + i - 1 or car.speed ~= tick % 1000 + i - 1 or car.gear ~= tick % 7
        or car.driver ~= driver then return "car " .. i end
    end
  end

  only("is read without torn moments, by the header that the game was built from", function()
    local name = support.unique("Local\\")
    local game = start(folder .. "double_buffer", name)
    local file <close> = assert(io.open("spec/counterpart/double_buffer.h", "rb"))
    local Game = cdef.parse(file:read("a")).Game
    local map <close> = assert(filemap.open(name))
    local view <close> = assert(map:view(0, Game.size))
    assert.equal("1.2", Game:at(view).version)
    local before, newer = -1, 0
    for _ = 1, COUNT do
      local shot = assert(Game:snapshot(view, 0, { same = "number" }))
      local moment = shot.moments[(shot.number & 1) + 1]
      assert.is_nil(torn(moment), ("moment %d of %d"):format(moment.tick, shot.number))
      assert.equal(shot.number, moment.tick)
      assert.is_true(shot.number >= before)
      if shot.number > before then newer = newer + 1 end
      before = shot.number
    end
    assert.is_true(newer > 10, "the game made too few updates")
    assert.is_true(tonumber(ask(game, "stop")) >= before)
    finish(game)
  end)
end)
